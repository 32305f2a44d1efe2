//! What is said beside closed versions.

use signoff_contract::versioning::v1 as wire;
use signoff_tests::people::request_id;
use signoff_tests::{Stage, build};
use signoff_workflow::Phase;
use wire::{AttachFinalDocumentRequest as Attach, UpdateRemediationRequest as Update};

use super::{Fault, all_are_named, covers, each_is_named, long, longest};

fn deadline(request: &mut Update, written: &str) {
    request.remediation_deadline = Some(written.to_owned());
}

const UPDATE: &[Fault<Update>] = &[
    ("decision_id", |r| r.decision_id.clear()),
    ("decision_id", |r| r.decision_id = "x".to_owned()),
    ("remediation_status", |r| {
        r.remediation_status = None;
        r.remediation_deadline = None;
    }),
    ("remediation_status", |r| r.remediation_status = Some("s".repeat(256))),
    ("remediation_status", |r| r.remediation_status = Some("\0".to_owned())),
    ("remediation_deadline", |r| deadline(r, "2027-02-29")),
    ("remediation_deadline", |r| deadline(r, "2027-2-1")),
    ("remediation_deadline", |r| deadline(r, "+12027-02-01")),
    ("remediation_deadline", |r| deadline(r, "soon")),
    ("reason", |r| r.reason = long()),
    ("reason", |r| r.reason = "\0".to_owned()),
];

const ATTACH: &[Fault<Attach>] = &[
    ("version_id", |r| r.version_id.clear()),
    ("document_id", |r| r.document_id.clear()),
    ("document_id", |r| r.document_id = "x".to_owned()),
    ("sha256", |r| r.sha256.clear()),
    ("sha256", |r| r.sha256 = vec![0; 31]),
    ("sha256", |r| r.sha256 = vec![0; 33]),
];

#[tokio::test]
async fn each_fault_of_a_remedy_is_named() {
    let stage = Stage::of(Phase::OBSERVATION_MANAGEMENT).await;
    let version = stage.approved(1).await;
    let decision = stage.tester.decisions(&version).await.swap_remove(0);
    let good = Update {
        scope: version.scope.clone(),
        decision_id: decision.decision_id,
        remediation_status: Some("s".repeat(255)),
        remediation_deadline: Some("2028-02-29".to_owned()),
        reason: longest(),
        request_id: request_id(),
        ..Default::default()
    };
    all_are_named(&stage.owner, &good, &[UPDATE[0], UPDATE[3], UPDATE[5], UPDATE[9]]).await;
    each_is_named(&stage, &stage.owner, good, UPDATE).await;
}

#[tokio::test]
async fn each_fault_of_a_final_document_is_named() {
    let stage = Stage::of(Phase::FINALIZE_TEST_REPORT).await;
    let version = stage.signed_report(1).await;
    let good = Attach {
        scope: version.scope.clone(),
        version_id: version.version_id,
        document_id: build::attribute_id(1),
        sha256: vec![7; 32],
        request_id: request_id(),
        ..Default::default()
    };
    all_are_named(&stage.tester, &good, &[ATTACH[0], ATTACH[1], ATTACH[3]]).await;
    each_is_named(&stage, &stage.tester, good, ATTACH).await;
}

#[test]
fn every_field_is_tried() {
    covers(&[UPDATE], &[]);
    covers(&[ATTACH], &[]);
}
