//! What versions are made with, and what is done to them.

use signoff_contract::versioning::v1 as wire;
use signoff_tests::people::request_id;
use signoff_tests::{Stage, build};
use wire::{
    ApproveVersionRequest as Approve, CreateVersionRequest as Create,
    DeleteVersionRequest as Delete, RejectVersionRequest as Reject, ReviseVersionRequest as Revise,
    SubmitVersionRequest as Submit, UpdateVersionRequest as Update, VersionMetadata,
    WithdrawVersionRequest as Withdraw,
};

use super::{Fault, all_are_named, covers, each_is_named, free_form, long, longest};

const CREATE: &[Fault<Create>] = &[
    ("notes", |r| r.notes = long()),
    ("notes", |r| r.notes = "\0".to_owned()),
    ("metadata", |r| r.metadata = Some(VersionMetadata { kind: None })),
    ("decisions", |r| r.decisions = vec![wire::DecisionInput::default(); 100_001]),
    ("decisions[1].source", |r| r.decisions[1].source = 0),
];

const REVISE: &[Fault<Revise>] = &[
    ("baseline_version_id", |r| r.baseline_version_id = "x".to_owned()),
    ("notes", |r| r.notes = long()),
    ("metadata", |r| r.metadata = Some(VersionMetadata { kind: None })),
    ("decisions", |r| r.decisions = vec![wire::DecisionInput::default(); 100_001]),
    ("decisions[1].payload", |r| r.decisions[1].payload = None),
];

const UPDATE: &[Fault<Update>] = &[
    ("version_id", |r| r.version_id.clear()),
    ("metadata", |r| r.notes = None),
    ("metadata", |r| r.metadata = Some(VersionMetadata { kind: None })),
    ("notes", |r| r.notes = Some(long())),
    ("notes", |r| r.notes = Some("\0".to_owned())),
    ("update_mask.paths[1]", |r| {
        let paths = ["notes", "state"].map(str::to_owned).to_vec();
        r.update_mask = Some(prost_types::FieldMask { paths });
    }),
];

/// Faults of requests that name a version and say something, which may be left out.
macro_rules! saying {
    ($name:ident: $request:ident) => {
        const $name: &[Fault<$request>] = &[
            ("version_id", |r| r.version_id.clear()),
            ("version_id", |r| r.version_id = "x".to_owned()),
            ("notes", |r| r.notes = long()),
            ("notes", |r| r.notes = "a\0".to_owned()),
        ];
    };
}

saying!(SUBMIT: Submit);
saying!(WITHDRAW: Withdraw);
saying!(APPROVE: Approve);

const REJECT: &[Fault<Reject>] = &[
    ("version_id", |r| r.version_id.clear()),
    ("notes", |r| r.notes.clear()),
    ("notes", |r| r.notes = " \n".to_owned()),
    ("notes", |r| r.notes = long()),
    ("notes", |r| r.notes = "a\0".to_owned()),
];

const DELETE: &[Fault<Delete>] = &[
    ("version_id", |r| r.version_id.clear()),
    ("reason", |r| r.reason.clear()),
    ("reason", |r| r.reason = "\t".to_owned()),
    ("reason", |r| r.reason = long()),
    ("reason", |r| r.reason = "a\0".to_owned()),
];

#[tokio::test]
async fn each_fault_of_a_first_version_is_named() {
    let stage = Stage::samples().await;
    let good = Create {
        scope: Some(stage.here.clone()),
        request_id: request_id(),
        notes: longest(),
        decisions: build::inputs(0..2),
        ..Default::default()
    };
    free_form(&stage.tester, &good, "phase_data", |r, object| r.phase_data = Some(object)).await;
    all_are_named(&stage.tester, &good, &[CREATE[0], CREATE[2], CREATE[4]]).await;
    each_is_named(&stage, &stage.tester, good, CREATE).await;
}

#[tokio::test]
async fn each_fault_of_a_next_version_is_named() {
    let stage = Stage::samples().await;
    let baseline = stage.approved(1).await;
    let good = Revise {
        scope: Some(stage.here.clone()),
        request_id: request_id(),
        baseline_version_id: baseline.version_id,
        notes: longest(),
        decisions: build::inputs(4..6),
        ..Default::default()
    };
    all_are_named(&stage.tester, &good, &[REVISE[0], REVISE[1], REVISE[2], REVISE[4]]).await;
    each_is_named(&stage, &stage.tester, good, REVISE).await;
}

#[tokio::test]
async fn each_fault_of_a_description_is_named() {
    let stage = Stage::samples().await;
    let draft = stage.draft(0).await;
    let good = Update {
        scope: draft.scope.clone(),
        version_id: draft.version_id.clone(),
        request_id: request_id(),
        notes: Some(longest()),
        ..Default::default()
    };
    free_form(&stage.tester, &good, "phase_data", |r, object| r.phase_data = Some(object)).await;
    all_are_named(&stage.tester, &good, &[UPDATE[0], UPDATE[2], UPDATE[3]]).await;
    each_is_named(&stage, &stage.tester, good, UPDATE).await;
}

#[tokio::test]
async fn each_fault_of_a_step_is_named() {
    let stage = Stage::samples().await;
    let draft = stage.draft(1).await;
    let (scope, version_id) = (draft.scope.clone(), draft.version_id.clone());
    macro_rules! tried {
        ($by:expr, $request:ident, $faults:expr, $saying:ident) => {{
            let good = $request {
                scope: scope.clone(),
                version_id: version_id.clone(),
                request_id: request_id(),
                $saying: longest(),
                ..Default::default()
            };
            all_are_named($by, &good, &[$faults[0], $faults[3]]).await;
            each_is_named(&stage, $by, good, $faults).await;
        }};
    }
    tried!(&stage.tester, Submit, SUBMIT, notes);
    tried!(&stage.tester, Withdraw, WITHDRAW, notes);
    stage.tester.submit(&draft).await.unwrap();
    stage.owner.rule_rest(&draft, wire::Verdict::Approved).await.unwrap();
    tried!(&stage.owner, Approve, APPROVE, notes);
    let next = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    let version_id = next.version_id.clone();
    stage.tester.submit(&next).await.unwrap();
    macro_rules! tried_on_next {
        ($by:expr, $request:ident, $faults:expr, $saying:ident) => {{
            let good = $request {
                scope: scope.clone(),
                version_id: version_id.clone(),
                request_id: request_id(),
                $saying: longest(),
                ..Default::default()
            };
            all_are_named($by, &good, &[$faults[0], $faults[3]]).await;
            each_is_named(&stage, $by, good, $faults).await;
        }};
    }
    tried_on_next!(&stage.owner, Reject, REJECT, notes);
    tried_on_next!(&stage.tester, Delete, DELETE, reason);
}

#[test]
fn every_field_is_tried() {
    covers(&[CREATE], &["phase_data"]);
    covers(&[REVISE], &[]);
    covers(&[UPDATE], &["phase_data"]);
    covers(&[SUBMIT], &[]);
    covers(&[WITHDRAW], &[]);
    covers(&[APPROVE], &[]);
    covers(&[REJECT], &[]);
    covers(&[DELETE], &[]);
}
