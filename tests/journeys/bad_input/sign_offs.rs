//! What is said of sign-offs.

use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::Role;
use signoff_tests::Stage;
use signoff_tests::people::request_id;
use signoff_tests::report::SIGNERS;
use signoff_workflow::Phase;
use wire::{
    DeclineRequest as Decline, DelegateRequest as Delegate, ListSignOffsRequest as List,
    RequestSignOffsRequest as Ask, SignOffAssignment, SignRequest as Sign,
};

use super::{Fault, all_are_named, covers, each_is_named, long, longest};

const ASK: &[Fault<Ask>] = &[
    ("version_id", |r| r.version_id.clear()),
    ("version_id", |r| r.version_id = "x".to_owned()),
    ("assignments", |r| r.assignments.clear()),
    ("assignments", |r| r.assignments = vec![SignOffAssignment::default(); 9]),
    ("assignments[0].role", |r| r.assignments[0].role = 0),
    ("assignments[1].role", |r| r.assignments[1].role = 99),
    ("assignments[1].role", |r| r.assignments[1].role = Role::TestLead.into()),
    ("assignments[1].role", |r| r.assignments[1].role = Role::Tester.into()),
    ("assignments[0].user_id", |r| r.assignments[0].user_id = 0),
    ("assignments[1].user_id", |r| r.assignments[1].user_id = -1),
];

const SIGN: &[Fault<Sign>] = &[
    ("sign_off_id", |r| r.sign_off_id.clear()),
    ("comments", |r| r.comments = long()),
    ("comments", |r| r.comments = "\u{1b}".to_owned()),
    ("content_digest", |r| r.content_digest = vec![0; 31]),
    ("content_digest", |r| r.content_digest = vec![0; 33]),
];

const DECLINE: &[Fault<Decline>] = &[
    ("sign_off_id", |r| r.sign_off_id = "x".to_owned()),
    ("reason", |r| r.reason.clear()),
    ("reason", |r| r.reason = " \n".to_owned()),
    ("reason", |r| r.reason = long()),
];

const DELEGATE: &[Fault<Delegate>] = &[
    ("sign_off_id", |r| r.sign_off_id = "x".to_owned()),
    ("to_user_id", |r| r.to_user_id = 0),
    ("to_user_id", |r| r.to_user_id = i64::MIN),
    ("reason", |r| r.reason.clear()),
    ("reason", |r| r.reason = long()),
];

const LIST: &[Fault<List>] =
    &[("version_id", |r| r.version_id.clear()), ("version_id", |r| r.version_id = "x".to_owned())];

#[tokio::test]
async fn each_fault_of_a_sign_off_is_named() {
    let stage = Stage::of(Phase::FINALIZE_TEST_REPORT).await;
    let version = stage.submitted(1).await;
    let (scope, version_id) = (version.scope.clone(), version.version_id.clone());
    let assignments = SIGNERS
        .iter()
        .map(|(role, user_id)| SignOffAssignment { role: (*role).into(), user_id: *user_id })
        .collect();
    let ask = Ask {
        scope: scope.clone(),
        version_id: version_id.clone(),
        assignments,
        request_id: request_id(),
        ..Default::default()
    };
    all_are_named(&stage.tester, &ask, &[ASK[0], ASK[4], ASK[9]]).await;
    each_is_named(&stage, &stage.tester, ask, ASK).await;
    let asked = stage.tester.sign_offs(&version).await;
    let id = |one: usize| asked[one].sign_off_id.clone();

    let sign = Sign {
        scope: scope.clone(),
        sign_off_id: id(0),
        comments: longest(),
        request_id: request_id(),
        ..Default::default()
    };
    all_are_named(&stage.lead, &sign, &[SIGN[0], SIGN[1], SIGN[3]]).await;
    each_is_named(&stage, &stage.lead, sign, SIGN).await;
    let decline = Decline {
        scope: scope.clone(),
        sign_off_id: id(1),
        reason: longest(),
        request_id: request_id(),
        ..Default::default()
    };
    all_are_named(&stage.owner, &decline, &[DECLINE[0], DECLINE[1]]).await;
    each_is_named(&stage, &stage.owner, decline, DECLINE).await;
    let delegate = Delegate {
        scope: scope.clone(),
        sign_off_id: id(2),
        to_user_id: 31,
        reason: longest(),
        request_id: request_id(),
        ..Default::default()
    };
    all_are_named(&stage.executive, &delegate, &[DELEGATE[0], DELEGATE[1], DELEGATE[3]]).await;
    each_is_named(&stage, &stage.executive, delegate, DELEGATE).await;
    let list = List { scope, version_id, ..Default::default() };
    each_is_named(&stage, &stage.tester, list, LIST).await;
    assert!(stage.tester.verify(stage.workflow).await.intact);
}

#[test]
fn every_field_is_tried() {
    covers(&[ASK], &[]);
    covers(&[SIGN], &[]);
    covers(&[DECLINE], &[]);
    covers(&[DELEGATE], &[]);
    covers(&[LIST], &[]);
}
