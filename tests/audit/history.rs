//! All that ever changed: listed, out of everybody's reach, and witnessed.

use prost_types::Timestamp;
use signoff_contract::audit::v1 as wire;
use signoff_contract::feed::v1 as feed;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::lanes::{LOBS, Lanes, OWNERS};
use signoff_tests::refusals::{fields, refusal};
use signoff_workflow::Phase;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tonic::Code;
use wire::{ActionType, DocumentStatus, ExecutionResult, SubjectType};

use crate::common::{assignments, tamper, trail};

type List = wire::ListChangesRequest;

/// A lane in which everything happened once: eight plans, owners and documents in all.
async fn story() -> Lanes {
    let lanes = Lanes::planned(2).await;
    let cases = lanes.cases_of(LOBS[0]).await;
    let document = lanes.submit(OWNERS[0], &cases).await.unwrap();
    lanes.review(&document, DocumentStatus::Rejected).await.unwrap();
    let document = lanes.revise(OWNERS[0], &document, 8).await.unwrap();
    lanes.test(&cases[0], &document, ExecutionResult::Fail).await;
    let action = lanes.ask(&cases[0], ActionType::TestRerun).await.unwrap();
    lanes.respond(OWNERS[0], &action).await.unwrap();
    lanes.transfer(&assignments(&lanes, LOBS[0]).await[0], 201, "").await.unwrap();
    lanes
}

#[tokio::test]
async fn changes_are_listed_newest_first_by_phase_person_thing_and_time() {
    let lanes = story().await;
    let all = lanes.changes(List::default()).await;
    // Owners: 3 + 2; a plan with 6 cases; documents: 4; executions: 2; actions: 2.
    assert_eq!(all.len(), 5 + 7 + 4 + 2 + 2);
    assert!(all.is_sorted_by_key(|of| -of.trail_sequence));
    let count = async |filter: List| lanes.changes(filter).await.len();
    for (phase, expected) in
        [(Phase::DATA_OWNER_ID, 12), (Phase::REQUEST_INFO, 4), (Phase::TEST_EXECUTION, 4)]
    {
        let found = lanes.changes(List { scope: lanes.at(phase), ..List::default() }).await;
        assert!(found.iter().all(|of| of.phase == phase.number()));
        assert_eq!(found.len(), expected, "{phase:?}");
    }
    for (changed_by, expected) in [(1, 7), (10, 9), (OWNERS[0], 4), (999, 0)] {
        assert_eq!(count(List { changed_by, ..List::default() }).await, expected, "{changed_by}");
    }
    for (types, expected) in [
        (&[SubjectType::Assignment][..], 5),
        (&[SubjectType::TestPlan], 1),
        (&[SubjectType::TestCase], 6),
        (&[SubjectType::Document], 4),
        (&[SubjectType::Execution, SubjectType::Action], 4),
    ] {
        let subject_types = types.iter().map(|of| i32::from(*of)).collect();
        assert_eq!(count(List { subject_types, ..List::default() }).await, expected);
    }
    let subject_id = all[0].subject_id.clone();
    let of_one = lanes.changes(List { subject_id: subject_id.clone(), ..List::default() }).await;
    assert!(!of_one.is_empty() && of_one.iter().all(|of| of.subject_id == subject_id));

    // From a moment on, and up to it: together, all.
    let middle = all[9].recorded_at;
    let later = lanes.changes(List { from: middle, ..List::default() }).await;
    let earlier = lanes.changes(List { to: middle, ..List::default() }).await;
    assert_eq!([later.clone(), earlier].concat(), all);
    assert!(later.iter().any(|of| of.recorded_at == middle));
    let (first, last) = (all[19].recorded_at, all[0].recorded_at);
    assert_eq!(count(List { to: first, ..List::default() }).await, 0);
    assert_eq!(count(List { from: first, to: last, ..List::default() }).await, 18);
    assert_eq!(count(List { from: crate::common::in_days(1), ..List::default() }).await, 0);
    assert_eq!(count(List { to: crate::common::in_days(1), ..List::default() }).await, 20);
}

#[tokio::test]
async fn pages_of_changes_have_no_gap_and_no_double() {
    let lanes = story().await;
    let all = lanes.changes(List::default()).await;
    for page_size in [1, 2, 3, 7, 19, 20] {
        assert_eq!(lanes.changes(List { page_size, ..List::default() }).await, all, "{page_size}");
    }
    // Something happens between two pages.
    let request = List { scope: lanes.whole(), page_size: 5, ..List::default() };
    let first = lanes.tester.call(request.clone()).await.unwrap();
    lanes.assign(uuid::Uuid::now_v7(), 150).await.unwrap();
    let rest = List { page_token: first.next_page_token, ..request };
    let rest = lanes.changes(rest).await;
    assert_eq!([first.changes, rest].concat(), all);
}

#[tokio::test]
async fn every_change_is_told_by_a_record_of_the_trail() {
    let lanes = story().await;
    let records = trail(&lanes).await;
    for change in lanes.changes(List::default()).await {
        let record = &records[usize::try_from(change.trail_sequence).unwrap() - 1];
        assert_eq!(record.actor_user_id, change.changed_by);
        assert_eq!((record.phase, &record.reason), (change.phase, &change.reason));
        assert_eq!(record.recorded_at, change.recorded_at);
        assert_eq!(record.source(), feed::Source::Audit);
        assert_eq!(change.previous_state.is_none(), change.revision == 1);
    }
}

/// What the service's role may not do, whatever its code.
const REFUSED: &[&str] = &[
    "delete from history",
    "update history set changed_by = 1",
    "truncate history",
    "insert into history select * from history limit 1",
    "update lanes set cases = 0",
    "delete from lanes",
    "delete from assignments",
    "delete from test_plans",
    "delete from test_cases",
    "delete from submissions",
    "delete from executions",
    "delete from actions",
    "update test_plans set cases = 7",
    "alter table assignments disable trigger all",
    "set session_replication_role = replica",
    // Without a revision and a record of their own:
    "update assignments set effective_to = now(), ended = 'deactivated'",
    "update assignments set effective_to = now(), ended = 'deactivated', revision = revision + 1",
    "update assignments set change_reason = 'other'",
    "update test_cases set withdrawn = true",
    "update test_cases set lob_id = null, revision = revision + 1, record_no = record_no + 99",
    "update test_cases set changed_by = 7",
    "update submissions set status = 'accepted', reviewed_by = 1, reviewed_at = now()",
    "update submissions set is_current = true, revision = revision + 1, record_no = record_no + 99",
    "update executions set result = 'pass', revision = revision + 1, record_no = record_no + 99",
    "update actions set response_notes = 'other', revision = revision + 1, record_no = record_no + 99",
    // What never changes:
    "update assignments set data_owner_id = 1",
    "update test_cases set sample_item_key = 'other'",
    "update submissions set sha256 = sha256(sha256)",
    "update executions set number = 7",
    "update actions set requested_by = 7",
    // What was decided before it began:
    "insert into test_cases select (jsonb_populate_record(c, jsonb_build_object('id', gen_random_uuid(), 'revision', 1, 'sample_item_key', 'other'))).* from test_cases c where c.chain_id is not null limit 1",
    "insert into submissions select (jsonb_populate_record(s, jsonb_build_object('id', n.id, 'chain_id', n.id, 'main_chain_id', n.id, 'revision', 1, 'evidence_no', 1, 'status', 'accepted', 'reviewed_by', 8, 'reviewed_at', now()))).* from submissions s, (select gen_random_uuid() as id) n where s.document_version = 1 limit 1",
    "insert into actions select (jsonb_populate_record(a, jsonb_build_object('id', gen_random_uuid(), 'revision', 1, 'responded_by', 8, 'responded_at', now(), 'response_status', 'fulfilled'))).* from actions a limit 1",
    // A second life:
    "insert into assignments select (jsonb_populate_record(a, jsonb_build_object('id', gen_random_uuid(), 'revision', 2, 'lob_id', gen_random_uuid()))).* from assignments a limit 1",
    "insert into actions select (jsonb_populate_record(a, jsonb_build_object('id', gen_random_uuid(), 'revision', 2))).* from actions a limit 1",
];

#[tokio::test]
async fn the_service_cannot_change_history_nor_anything_without_it() {
    let lanes = story().await;
    let mut service = lanes.world.as_service().await;
    for sql in REFUSED {
        let mut transaction = service.begin().await.unwrap();
        let done = sqlx::query(AssertSqlSafe(*sql)).execute(&mut *transaction).await;
        assert!(done.is_err(), "{sql}: {done:?}");
        transaction.rollback().await.unwrap();
    }
    // A chain without a head is found at the end of the transaction.
    let headless = "update submissions set is_current = false, revision = revision + 1,
        record_no = record_no + 99 where is_current and cycle_id = $1";
    let done = sqlx::query(headless).bind(lanes.workflow.cycle_id).execute(&mut service).await;
    assert!(done.is_err(), "{done:?}");
    service.close().await.unwrap();
    lanes.expect_intact().await;
}

/// What is done with all triggers off; each to one row or more of the workflow.
const DEEDS: &[&str] = &[
    "update assignments set data_owner_id = 7 where ended is null",
    "update assignments set effective_from = effective_from + interval '1 day' where ended is null",
    "update assignments set change_reason = 'other' where ended is null",
    "update test_plans set cases = 7",
    "update test_plans set scoping_version_id = gen_random_uuid()",
    "update test_cases set lob_id = null where sample_item_key = 'S-1-00001'",
    "update test_cases set withdrawn = true where sample_item_key = 'S-1-00001'",
    "update test_cases set evidence = 'accepted' where evidence = 'pending'",
    "update test_cases set tested = 'pass' where tested = 'fail'",
    "update test_cases set stale = true where tested = 'fail'",
    "update test_cases set open_actions = 1 where sample_item_key = 'S-1-00001'",
    "update submissions set sha256 = sha256(sha256) where is_current",
    "update submissions set file_name = 'other.pdf' where not is_current",
    "update submissions set status = 'accepted' where not is_current",
    "update executions set result = 'pass'",
    "update executions set found = '100.00'",
    "update executions set concluded_by = 11, changed_by = 11",
    "update actions set response_status = 'rejected'",
    "update actions set requested_at = requested_at - interval '1 day'",
    "update actions set responded_by = 7, changed_by = 7",
    "delete from actions",
    "delete from test_cases where sample_item_key = 'S-2-00001'",
    "update lanes set cases = cases + 1 where lob_id = '00000000-0000-0000-0000-0000000000b2'",
    "update lanes set to_observe = 0 where to_observe = 1",
    "delete from lanes where lob_id = '00000000-0000-0000-0000-0000000000c3'",
    "update history set new_state = new_state || '{\"data_owner_id\": 7}' where subject_type = 'assignment' and revision = 1 and change_reason = 'knows the data' and new_state @> '{\"data_owner_id\": 101}'",
    "update history set new_state = new_state || '{\"lob_id\": null}' where subject_type = 'test_case'",
    "update history set previous_state = '{}' where change_type = 'replaced'",
    "update history set previous_state = previous_state || '{\"status\": \"accepted\"}' where change_type = 'replaced'",
    "update history set changed_by = 7 where change_type = 'reviewed'",
    "update history set change_reason = 'other' where change_type = 'reviewed'",
    "update history set change_reason = 'other' where change_type = 'replaced'",
    "update history set change_reason = 'other' where subject_type = 'test_case'",
    "update history set recorded_at = recorded_at - interval '1 day' where change_type = 'submitted'",
    "update history set occurred_at = occurred_at - interval '1 day' where change_type = 'started'",
    "update history set origin = 'legacy' where change_type = 'started'",
    "update history set phase = 'planning' where change_type = 'requested'",
    "update history set subject_type = 'action' where change_type = 'started'",
    "update history set change_type = 'made' where change_type = 'started'",
    "update history set record_no = record_no + 100 where change_type = 'started'",
    "update history set record_no = 1 where change_type = 'reviewed'",
    "delete from history where change_type = 'reviewed'",
    "delete from history where change_type = 'concluded'",
    "delete from history where subject_type = 'test_case'",
];

/// Adds a row of history that nothing tells of.
async fn add_history(lanes: &Lanes) {
    let mut superuser = lanes.world.as_superuser().await;
    let one = "insert into history
        select (jsonb_populate_record(h, jsonb_build_object('id', gen_random_uuid(),
            'history_id', gen_random_uuid()))).*
        from history h where cycle_id = $1 and revision = 1 limit 1";
    write(&mut superuser, one, lanes).await;
    superuser.close().await.unwrap();
}

async fn write(superuser: &mut PgConnection, sql: &'static str, lanes: &Lanes) {
    let done = sqlx::query(sql).bind(lanes.workflow.cycle_id).execute(superuser).await.unwrap();
    assert_eq!(done.rows_affected(), 1);
}

async fn damage(lanes: &Lanes) -> Option<String> {
    let request = feed::VerifyTrailRequest { scope: lanes.whole(), ..Default::default() };
    let found = lanes.tester.call(request).await.unwrap();
    assert_eq!(found.intact, found.first_damaged.is_none());
    found.first_damaged.map(|damage| damage.what)
}

#[tokio::test]
async fn whatever_is_altered_behind_the_service_is_noticed() {
    let untouched = story().await;
    for sql in DEEDS {
        let lanes = story().await;
        assert_eq!(damage(&lanes).await, None);
        assert!(tamper(&lanes, sql).await > 0, "{sql}");
        assert!(damage(&lanes).await.is_some(), "not noticed: {sql}");
    }
    let lanes = story().await;
    add_history(&lanes).await;
    assert!(damage(&lanes).await.is_some(), "a row of history too many");
    assert_eq!(damage(&untouched).await, None);
}

#[tokio::test]
async fn changes_are_asked_for_of_a_time_that_ends_after_it_begins() {
    let lanes = Lanes::closed().await;
    let changes = |from, to| {
        let at = |seconds| Some(Timestamp { seconds, nanos: 0 });
        lanes.tester.call(List {
            scope: lanes.whole(),
            from: at(from),
            to: at(to),
            ..List::default()
        })
    };
    changes(1, 1).await.unwrap();
    let refused = changes(2, 1).await;
    let refused = refusal(refused, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(fields(&refused), ["to"]);
}
