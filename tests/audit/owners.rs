//! Who answers for which line of business, and since when.

use prost_types::Timestamp;
use signoff_contract::audit::v1 as wire;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::lanes::{LOBS, Lanes, OWNERS};
use signoff_tests::people::request_id;
use signoff_tests::refusals::{fields, refusal};
use signoff_workflow::Phase;
use tonic::Code;
use tonic_types::StatusExt as _;
use wire::{AssignmentChange, AssignmentStatus, AssignmentType, TestCaseState};

use crate::common::{
    assign, assignments, charge, deactivate, field, in_days, lacks, let_pass, not_the_owner, unmet,
};

const LOB: uuid::Uuid = LOBS[0];

async fn history(
    lanes: &Lanes,
    of: &wire::Assignment,
    include_previous: bool,
) -> Vec<wire::AssignmentHistoryEntry> {
    let request = wire::GetAssignmentHistoryRequest {
        scope: lanes.whole(),
        assignment_id: of.assignment_id.clone(),
        include_previous,
        ..Default::default()
    };
    lanes.tester.call(request).await.unwrap().entries
}

fn transfer_on(
    lanes: &Lanes,
    of: &wire::Assignment,
    to: i64,
    days: u64,
) -> wire::TransferDataOwnerRequest {
    wire::TransferDataOwnerRequest {
        scope: lanes.at(Phase::DATA_OWNER_ID),
        assignment_id: of.assignment_id.clone(),
        data_owner_id: to,
        effective_from: in_days(days),
        change_reason: "retires".to_owned(),
        request_id: request_id(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_lane_has_one_primary_owner_and_others_beside() {
    let lanes = Lanes::open().await;
    let first = lanes.assign(LOB, 101).await.unwrap();
    assert_eq!(first.status(), AssignmentStatus::Active);
    assert_eq!((first.created_by, first.change_reason.as_str()), (10, "knows the data"));
    assert_eq!(first.effective_from, first.created_at);
    for (person, of) in [
        (102, AssignmentType::Backup),
        (103, AssignmentType::Backup),
        (102, AssignmentType::Delegate),
        (101, AssignmentType::Backup),
    ] {
        let beside = assign(&lanes, charge(&lanes, LOB, person, of)).await.unwrap();
        assert_eq!((beside.data_owner_id, beside.assignment_type()), (person, of));
    }
    let lane = lanes.lane(LOB).await;
    assert_eq!(lane.owner.as_ref().map(|of| &of.assignment_id), Some(&first.assignment_id));
    assert_eq!(lane.assignments.len(), 5);
    assert!(!lane.complete, "it has no test case");

    let told = unmet(lanes.assign(LOB, 104).await, ErrorReason::AssignmentState);
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with(&first.assignment_id), "{told:?}");
    assert!(told[0].contains("makes 101 the primary owner"), "{told:?}");
    let twice = assign(&lanes, charge(&lanes, LOB, 103, AssignmentType::Backup)).await;
    let told = unmet(twice, ErrorReason::AssignmentState);
    assert!(told[0].contains("gives this person this charge already"), "{told:?}");
    // The same person in another lane is another matter.
    lanes.assign(LOBS[1], 101).await.unwrap();
    lanes.expect_intact().await;
}

#[tokio::test]
async fn a_primary_owner_is_refused_in_whatever_time_another_one_has() {
    let lanes = Lanes::open().await;
    let today = in_days(0).unwrap();
    let day = |n: i64| Some(Timestamp { seconds: today.seconds + n * 86_400, ..today });
    let during = |from, to: Option<i64>| wire::AssignDataOwnerRequest {
        effective_from: day(from),
        effective_to: to.and_then(day),
        ..charge(&lanes, LOB, 101, AssignmentType::Primary)
    };
    let first = assign(&lanes, during(10, Some(20))).await.unwrap();
    for (from, to) in [(1, 11), (12, 13), (19, 21), (1, 30)] {
        let other = wire::AssignDataOwnerRequest { data_owner_id: 102, ..during(from, Some(to)) };
        let told = unmet(assign(&lanes, other).await, ErrorReason::AssignmentState);
        assert!(told[0].starts_with(&first.assignment_id), "{from}: {told:?}");
    }
    unmet(assign(&lanes, during(19, None)).await, ErrorReason::AssignmentState);
    for (from, to) in [(1, Some(10)), (20, None)] {
        assign(&lanes, during(from, to)).await.unwrap();
    }
}

#[tokio::test]
async fn whoever_takes_over_has_the_lane_and_its_documents() {
    let lanes = Lanes::planned(2).await;
    let cases = lanes.cases_of(LOB).await;
    let document = lanes.submit(OWNERS[0], &cases[..1]).await.unwrap();
    let owned = assignments(&lanes, LOB).await.remove(0);
    let done = lanes.transfer(&owned, 201, &owned.etag).await.unwrap();
    let (new, old) = (done.assignment.unwrap(), done.previous_assignment.unwrap());
    assert_eq!(old.status(), AssignmentStatus::Transferred);
    assert_eq!((old.effective_to, old.data_owner_id), (new.effective_from, OWNERS[0]));
    assert_eq!(new.previous_assignment_id, old.assignment_id);
    assert_eq!(
        (new.status(), new.assignment_type()),
        (AssignmentStatus::Active, AssignmentType::Primary)
    );
    assert_eq!((&new.lob_id, new.change_reason.as_str()), (&owned.lob_id, "has left the bank"));
    assert_eq!(assignments(&lanes, LOB).await, [new.clone(), old.clone()], "newest first");

    let lane = lanes.lane(LOB).await;
    assert_eq!((lane.lob_id.as_str(), lane.owner), (new.lob_id.as_str(), Some(new.clone())));
    let same = lanes.cases_of(LOB).await;
    let ids = |cases: &[wire::TestCase]| {
        cases.iter().map(|case| case.test_case_id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&same), ids(&cases));
    not_the_owner(lanes.submit(OWNERS[0], &cases[1..]).await);
    not_the_owner(lanes.revise(OWNERS[0], &document, 8).await);
    let revised = lanes.revise(201, &document, 8).await.unwrap();
    assert_eq!((revised.document_version, revised.submitted_by), (2, 201));

    let told = unmet(lanes.transfer(&old, 202, "").await, ErrorReason::AssignmentState);
    assert!(told[0].contains("was handed over"), "{told:?}");
    let same = lanes.transfer(&new, 201, "").await;
    let status = refusal(same, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(fields(&status), ["data_owner_id"]);
    lanes.expect_intact().await;
}

#[tokio::test]
async fn without_an_owner_the_cases_of_a_lane_are_unassigned() {
    let lanes = Lanes::planned(1).await;
    assert_eq!(lacks(&lanes, Phase::DATA_OWNER_ID).await, Vec::<String>::new());
    let owned = assignments(&lanes, LOB).await.remove(0);
    let ended = deactivate(&lanes, &owned, &owned.etag).await.unwrap();
    assert_eq!(ended.status(), AssignmentStatus::Inactive);
    assert!(ended.effective_to.is_some());
    let case = lanes.cases_of(LOB).await.remove(0);
    assert_eq!(case.state(), TestCaseState::Unassigned);
    assert!(case.unassigned_reason.contains("has no primary data owner now: assign one"));
    let lacks_of_lane = lanes.lane(LOB).await.unmet.remove(0).what;
    assert!(lacks_of_lane.contains("1 of 1 test cases have no data owner"), "{lacks_of_lane}");
    assert_eq!(lacks(&lanes, Phase::DATA_OWNER_ID).await, [lacks_of_lane]);
    assert_eq!(lanes.seal_all(1).await.rests_on, []);

    let told = unmet(deactivate(&lanes, &ended, "").await, ErrorReason::AssignmentState);
    assert!(told[0].contains("was deactivated"), "{told:?}");
    // A backup alone does not answer for a lane.
    assign(&lanes, charge(&lanes, LOB, 110, AssignmentType::Backup)).await.unwrap();
    assert_eq!(lanes.case(&case).await.state(), TestCaseState::Unassigned);
    lanes.assign(LOB, OWNERS[0]).await.unwrap();
    assert_eq!(lanes.case(&case).await.state(), TestCaseState::AwaitingEvidence);
    lanes.submit(110, std::slice::from_ref(&case)).await.unwrap();
}

#[tokio::test]
async fn who_is_to_begin_later_has_no_right_before() {
    let lanes = Lanes::planned(1).await;
    let case = lanes.cases_of(LOB).await;
    let request = wire::AssignDataOwnerRequest {
        effective_from: in_days(3),
        ..charge(&lanes, LOB, 150, AssignmentType::Delegate)
    };
    let future = assign(&lanes, request).await.unwrap();
    assert_eq!(future.status(), AssignmentStatus::Inactive);
    not_the_owner(lanes.submit(150, &case).await);
    let_pass(&lanes, 3).await;
    lanes.submit(150, &case).await.unwrap();
    let listed = assignments(&lanes, LOB).await;
    assert_eq!(listed[0].status(), AssignmentStatus::Active);
}

#[tokio::test]
async fn who_hands_over_later_has_the_lane_until_then() {
    let lanes = Lanes::planned(2).await;
    let cases = lanes.cases_of(LOB).await;
    let owned = assignments(&lanes, LOB).await.remove(0);
    let done = lanes.tester.call(transfer_on(&lanes, &owned, 201, 1)).await.unwrap();
    let (new, old) = (done.assignment.unwrap(), done.previous_assignment.unwrap());
    assert_eq!(
        (new.status(), old.status()),
        (AssignmentStatus::Inactive, AssignmentStatus::Active)
    );
    assert_eq!(lanes.lane(LOB).await.owner.unwrap().data_owner_id, OWNERS[0]);
    lanes.submit(OWNERS[0], &cases[..1]).await.unwrap();
    not_the_owner(lanes.submit(201, &cases[1..]).await);
    let_pass(&lanes, 1).await;
    assert_eq!(lanes.lane(LOB).await.owner.unwrap().data_owner_id, 201);
    not_the_owner(lanes.submit(OWNERS[0], &cases[1..]).await);
    lanes.submit(201, &cases[1..]).await.unwrap();
    let statuses = async |status: AssignmentStatus| {
        let request = wire::ListAssignmentsRequest {
            scope: lanes.whole(),
            lob_id: LOB.to_string(),
            statuses: vec![status.into()],
            ..Default::default()
        };
        let found = lanes.tester.call(request).await.unwrap().assignments;
        found.iter().map(|of| of.data_owner_id).collect::<Vec<_>>()
    };
    assert_eq!(statuses(AssignmentStatus::Active).await, [201]);
    assert_eq!(statuses(AssignmentStatus::Transferred).await, [OWNERS[0]]);
    assert_eq!(statuses(AssignmentStatus::Inactive).await, Vec::<i64>::new());
}

#[tokio::test]
async fn a_time_is_answered_as_it_is_kept() {
    let lanes = Lanes::open().await;
    let nanos = |at: Option<Timestamp>| at.map(|at| Timestamp { nanos: 123_456_789, ..at });
    let request = wire::AssignDataOwnerRequest {
        effective_from: nanos(in_days(1)),
        effective_to: nanos(in_days(2)),
        ..charge(&lanes, LOB, 101, AssignmentType::Primary)
    };
    let told = assign(&lanes, request.clone()).await.unwrap();
    assert_eq!(assignments(&lanes, LOB).await, std::slice::from_ref(&told));
    let adjoining = wire::AssignDataOwnerRequest {
        effective_from: request.effective_to,
        effective_to: None,
        request_id: request_id(),
        ..request
    };
    assign(&lanes, adjoining).await.unwrap();
    let mut to = transfer_on(&lanes, &told, 102, 1);
    to.effective_from =
        nanos(to.effective_from).map(|at| Timestamp { seconds: at.seconds + 9, ..at });
    let done = lanes.tester.call(to).await.unwrap();
    let listed = assignments(&lanes, LOB).await;
    assert_eq!(listed[0], done.assignment.unwrap());
    assert_eq!(listed[2], done.previous_assignment.unwrap());
}

#[tokio::test]
async fn a_stale_tag_changes_no_assignment() {
    let lanes = Lanes::open().await;
    let owned = lanes.assign(LOB, 101).await.unwrap();
    for stale in ["0", "2", "*", "1 "] {
        for answer in [
            lanes.transfer(&owned, 201, stale).await.map(drop),
            deactivate(&lanes, &owned, stale).await.map(drop),
        ] {
            let status = refusal(answer, Code::Aborted, ErrorReason::EtagMismatch);
            let info = status.get_details_error_info().unwrap();
            assert_eq!(info.metadata["current_etag"], owned.etag);
        }
    }
    assert_eq!(assignments(&lanes, LOB).await, std::slice::from_ref(&owned));
    let ended = deactivate(&lanes, &owned, &owned.etag).await.unwrap();
    assert_ne!(ended.etag, owned.etag);
}

#[tokio::test]
async fn history_has_each_change_with_the_states_before_and_after() {
    let lanes = Lanes::open().await;
    let first = lanes.assign(LOB, 101).await.unwrap();
    let second = lanes.transfer(&first, 102, "").await.unwrap().assignment.unwrap();
    let third = lanes.transfer(&second, 103, "").await.unwrap().assignment.unwrap();
    deactivate(&lanes, &third, "").await.unwrap();

    let own = history(&lanes, &third, false).await;
    let of = |entries: &[wire::AssignmentHistoryEntry]| {
        entries.iter().map(wire::AssignmentHistoryEntry::change_type).collect::<Vec<_>>()
    };
    assert_eq!(of(&own), [AssignmentChange::Deactivated, AssignmentChange::Created]);
    let all = history(&lanes, &third, true).await;
    let expected = [
        (&third, AssignmentChange::Deactivated),
        (&third, AssignmentChange::Created),
        (&second, AssignmentChange::Transferred),
        (&second, AssignmentChange::Created),
        (&first, AssignmentChange::Transferred),
        (&first, AssignmentChange::Created),
    ];
    let told: Vec<_> =
        all.iter().map(|entry| (entry.assignment_id.as_str(), entry.change_type())).collect();
    assert_eq!(told, expected.map(|(of, change)| (of.assignment_id.as_str(), change)));

    let (transferred, created) = (&all[4], &all[5]);
    assert_eq!((created.previous_state.as_ref(), created.changed_by), (None, 10));
    let new = created.new_state.as_ref();
    assert_eq!(field(new, "data_owner_id").as_deref(), Some("101"));
    assert_eq!(field(new, "effective_to"), None);
    assert_eq!(transferred.previous_state, created.new_state);
    let after = transferred.new_state.as_ref();
    assert_eq!(field(after, "ended").as_deref(), Some("transferred"));
    assert!(field(after, "effective_to").is_some());
    let meta = transferred.change_metadata.as_ref();
    assert_eq!(field(meta, "change_reason").as_deref(), Some("has left the bank"));
    let records = crate::common::trail(&lanes).await;
    let record = records.iter().find(|of| of.action == "data_owner.transferred").unwrap();
    assert_eq!(field(meta, "trail_sequence"), Some(record.sequence.to_string()));
    lanes.expect_intact().await;
}

#[tokio::test]
async fn who_is_on_the_way_out_can_be_stopped_at_once() {
    let lanes = Lanes::planned(1).await;
    let cases = lanes.cases_of(LOB).await;
    let owned = assignments(&lanes, LOB).await.remove(0);
    let done = lanes.tester.call(transfer_on(&lanes, &owned, 201, 1_000)).await.unwrap();
    let old = done.previous_assignment.unwrap();
    let told = unmet(lanes.transfer(&old, 202, "").await, ErrorReason::AssignmentState);
    assert!(told[0].contains("is handed over already"), "{told:?}");
    let ended = deactivate(&lanes, &old, &old.etag).await.unwrap();
    assert_eq!(ended.status(), AssignmentStatus::Inactive);
    unmet(lanes.submit(OWNERS[0], &cases).await, ErrorReason::OwnerMissing);
    unmet(deactivate(&lanes, &ended, "").await, ErrorReason::AssignmentState);
    lanes.expect_intact().await;
}

#[tokio::test]
async fn a_hand_over_is_not_for_a_time_that_is_past() {
    let lanes = Lanes::planned(1).await;
    let owned = assignments(&lanes, LOB).await.remove(0);
    let mut early = transfer_on(&lanes, &owned, 201, 0);
    early.effective_from.as_mut().unwrap().seconds -= 1_000;
    let effective_from = early.effective_from;
    let answer = lanes.tester.call(early).await;
    let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(fields(&status), ["effective_from"]);
    let mut past = charge(&lanes, LOB, 301, AssignmentType::Backup);
    past.effective_from = effective_from;
    past.change_reason.clear();
    let answer = assign(&lanes, past.clone()).await;
    let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(fields(&status), ["change_reason"]);
    past.change_reason = "was in charge all the time".to_owned();
    assign(&lanes, past).await.unwrap();
}
