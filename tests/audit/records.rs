//! What somebody records in a form of their own, in any of the phases.

use prost_types::Struct;
use signoff_contract::audit::v1 as wire;
use signoff_contract::versioning::v1::MarkStaleRequest;
use signoff_contract::workflow::v1::{ErrorReason, PhaseState};
use signoff_tests::build;
use signoff_tests::lanes::{LOBS, Lanes, OWNERS};
use signoff_tests::people::request_id;
use signoff_workflow::Phase;
use sqlx::{AssertSqlSafe, Connection};
use wire::SubjectType;

use crate::common::{tamper, trail, unmet};

const PHASES: [Phase; 3] = [Phase::DATA_OWNER_ID, Phase::REQUEST_INFO, Phase::TEST_EXECUTION];

async fn intact(lanes: &Lanes) -> bool {
    lanes.tester.verify(lanes.workflow).await.intact
}

/// What is told of a phase.
fn told(phase: Phase) -> Struct {
    build::object("told", &format!("{phase:?}"))
}

#[tokio::test]
async fn it_is_in_the_history_and_in_the_trail_of_its_phase() {
    let lanes = Lanes::open().await;
    let mut made = Vec::new();
    for phase in PHASES {
        let change = lanes.record(phase, told(phase)).await.unwrap();
        assert_eq!(change.phase, phase.number());
        assert_eq!((change.subject_type(), change.revision), (SubjectType::Record, 1));
        assert_eq!(change.new_state, Some(told(phase)));
        assert_eq!(
            (change.previous_state.clone(), &change.changed_fields[..]),
            (None, &["told".to_owned()][..])
        );
        assert_eq!((change.change_type.as_str(), change.changed_by), ("recorded", 10));
        assert_eq!(change.reason, "worth keeping");
        let of_phase = wire::ListChangesRequest { scope: lanes.at(phase), ..Default::default() };
        assert_eq!(lanes.changes(of_phase).await, std::slice::from_ref(&change));
        made.push(change);
    }
    lanes.assign(LOBS[0], OWNERS[0]).await.unwrap();
    made.reverse();
    let records = wire::ListChangesRequest {
        subject_types: vec![SubjectType::Record.into()],
        ..Default::default()
    };
    assert_eq!(lanes.changes(records).await, made);
    let trail = trail(&lanes).await;
    for change in &made {
        let record = &trail[usize::try_from(change.trail_sequence).unwrap() - 1];
        assert_eq!(
            (record.action.as_str(), &record.subject),
            ("change.recorded", &change.subject_id)
        );
        assert_eq!((record.phase, &record.reason), (change.phase, &change.reason));
        assert_eq!((record.before.as_ref(), record.after.as_ref()), (None, None));
    }
    lanes.expect_intact().await;
}

#[tokio::test]
async fn the_largest_fits_and_a_reason_need_not_be() {
    let lanes = Lanes::open().await;
    let data = build::object("k", &"x".repeat(64 * 1024 - r#"{"k":""}"#.len()));
    let request = wire::RecordChangeRequest {
        reason: String::new(),
        ..lanes.record_request(Phase::REQUEST_INFO, data.clone())
    };
    let change = lanes.tester.call(request).await.unwrap().change.unwrap();
    assert_eq!((change.new_state, change.reason.as_str()), (Some(data), ""));
    lanes.expect_intact().await;
}

#[tokio::test]
async fn it_completes_nothing() {
    let lanes = Lanes::planned(1).await;
    let before = lanes.status(Phase::DATA_OWNER_ID).await;
    assert_eq!(before.state(), PhaseState::Complete);
    lanes.record(Phase::DATA_OWNER_ID, build::object("k", "v")).await.unwrap();
    assert_eq!(lanes.status(Phase::DATA_OWNER_ID).await, before, "nor is it complete later");
}

#[tokio::test]
async fn a_phase_takes_it_while_it_takes_changes() {
    let data = || build::object("k", "v");
    let lanes = Lanes::closed().await;
    for phase in PHASES {
        unmet(lanes.record(phase, data()).await, ErrorReason::PhaseNotStarted);
    }
    let lanes = Lanes::planned(1).await;
    for phase in &PHASES[1..] {
        let mark = MarkStaleRequest {
            scope: lanes.at(*phase),
            because: Phase::DATA_OWNER_ID.number(),
            reopening: 1,
            request_id: request_id(),
        };
        lanes.gateway.call_audit(mark).await.unwrap();
        unmet(lanes.record(*phase, data()).await, ErrorReason::PhaseStale);
    }
    lanes.record(Phase::DATA_OWNER_ID, data()).await.unwrap();
    lanes.expect_intact().await;
}

/// What the service's role may not do, whatever its code.
const REFUSED: &[&str] = &[
    "update records set data = '{\"k\": 1}'",
    "update records set changed_by = 7",
    "delete from records",
    "truncate records",
    "insert into records select (jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid(), 'revision', 2))).* from records r limit 1",
    "insert into records select (jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid(), 'data', '{}'::jsonb))).* from records r limit 1",
    "insert into records select (jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid(), 'data', '[1]'::jsonb))).* from records r limit 1",
];

#[tokio::test]
async fn the_service_cannot_change_it() {
    let lanes = Lanes::open().await;
    lanes.record(Phase::TEST_EXECUTION, build::object("k", "v")).await.unwrap();
    let mut service = lanes.world.as_service().await;
    for sql in REFUSED {
        let mut transaction = service.begin().await.unwrap();
        let done = sqlx::query(AssertSqlSafe(*sql)).execute(&mut *transaction).await;
        assert!(done.is_err(), "{sql}: {done:?}");
        transaction.rollback().await.unwrap();
    }
    service.close().await.unwrap();
    lanes.expect_intact().await;
}

/// What is done with all triggers off.
const DEEDS: &[&str] = &[
    "update records set data = '{\"k\": \"other\"}'",
    "update records set phase = 'test_execution'",
    "update records set changed_by = 7",
    "update records set change_reason = 'other'",
    "delete from records",
    "update history set new_state = '{\"k\": \"other\"}' where subject_type = 'record'",
    "update history set phase = 'test_execution' where subject_type = 'record'",
    "update history set subject_type = 'action' where subject_type = 'record'",
    "update history set subject_type = 'nothing' where subject_type = 'record'",
    "update history set subject_type = 'record' where subject_type = 'assignment'",
    "delete from history where subject_type = 'record'",
];

#[tokio::test]
async fn whatever_is_altered_behind_the_service_is_noticed() {
    for sql in DEEDS {
        let lanes = Lanes::open().await;
        lanes.assign(LOBS[0], OWNERS[0]).await.unwrap();
        lanes.record(Phase::REQUEST_INFO, build::object("k", "v")).await.unwrap();
        assert!(intact(&lanes).await, "before: {sql}");
        assert_eq!(tamper(&lanes, sql).await, 1, "{sql}");
        assert!(!intact(&lanes).await, "not noticed: {sql}");
    }
    let lanes = Lanes::open().await;
    lanes.record(Phase::REQUEST_INFO, build::object("k", "v")).await.unwrap();
    let both = ["records set data", "history set new_state"];
    for of in both {
        tamper(&lanes, &format!("update {of} = '{{\"k\": \"other\"}}'")).await;
    }
    assert!(!intact(&lanes).await, "the trail has its hash");
}
