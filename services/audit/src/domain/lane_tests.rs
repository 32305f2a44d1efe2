use chrono::DateTime;

use super::super::plan::MadeFrom;
use super::*;

fn lane(owned: bool, counts: Counts) -> Lane {
    Lane { lob_id: Some(Uuid::from_u128(7)), owned, counts }
}

fn plan(cases: i64) -> Plan {
    Plan {
        id: Uuid::nil(),
        number: 1,
        made_from: MadeFrom {
            planning_version_id: Uuid::from_u128(1),
            scoping_version_id: Uuid::from_u128(2),
            sample_selection_version_id: Uuid::from_u128(3),
        },
        cases,
        planned_at: DateTime::UNIX_EPOCH,
        planned_by: 1,
    }
}

const DONE: Counts = Counts {
    cases: 4,
    with_document: 4,
    accepted: 4,
    in_test: 0,
    executed: 4,
    concluded: 4,
    to_observe: 1,
    stale: 0,
    open_actions: 0,
};

fn whats(unmet: &[Unmet]) -> Vec<&str> {
    unmet.iter().map(|unmet| unmet.what.rsplit_once(": ").map_or("", |(_, what)| what)).collect()
}

#[test]
fn a_lane_is_complete_when_nothing_is_outstanding() {
    assert!(lane(true, DONE).is_complete());
    assert!(lane(false, DONE).is_complete(), "who owned it does not matter any more");
    assert!(!lane(true, Counts::default()).is_complete(), "complete is never vacuous");
    for less in [
        Counts { with_document: 3, accepted: 3, ..DONE },
        Counts { accepted: 3, ..DONE },
        Counts { in_test: 1, executed: 3, concluded: 3, ..DONE },
        Counts { concluded: 3, stale: 1, ..DONE },
        Counts { with_document: 3, accepted: 3, concluded: 3, ..DONE },
        Counts { executed: 3, concluded: 3, ..DONE },
        Counts { open_actions: 1, ..DONE },
    ] {
        let outstanding = lane(true, less).all_outstanding();
        let phases: std::collections::BTreeSet<_> = outstanding.iter().map(|of| of.phase).collect();
        assert_eq!(outstanding.len(), phases.len().max(1), "{less:?}");
    }
}

#[test]
fn each_phase_is_told_what_is_its_own() {
    let fresh = lane(true, Counts { cases: 2, ..Counts::default() });
    assert!(fresh.outstanding(Phase::DATA_OWNER_ID).is_empty());
    assert_eq!(whats(&fresh.outstanding(Phase::REQUEST_INFO)), ["have one submitted or revised"]);
    assert_eq!(whats(&fresh.outstanding(Phase::TEST_EXECUTION)), ["test them"]);
}

#[test]
fn a_lane_without_an_owner_says_what_gives_it_one() {
    let counts = Counts { cases: 2, ..Counts::default() };
    let told = |lane: Lane| {
        let unmet = lane.outstanding(Phase::DATA_OWNER_ID);
        assert_eq!(unmet.len(), 1, "{lane:?}");
        (unmet[0].subject.clone(), unmet[0].what.clone())
    };
    let (subject, what) = told(lane(false, counts));
    assert_eq!(subject, Uuid::from_u128(7).to_string());
    assert!(what.ends_with("2 of 2 test cases have no data owner: assign a primary one"), "{what}");
    // Nobody can own what has no line of business.
    let (subject, what) = told(Lane { lob_id: None, ..lane(false, counts) });
    assert_eq!(subject, "no_lob");
    assert!(what.contains("2 of 2 test cases have a sample that names no line of business"));
    assert!(what.ends_with("revise the samples, and plan again"), "{what}");
}

#[test]
fn cases_without_a_document_are_counted_whatever_else_they_wait_for() {
    let counts = Counts { cases: 6, with_document: 2, accepted: 1, ..Counts::default() };
    for owned in [true, false] {
        let lane = lane(owned, counts);
        assert_eq!(lane.awaiting_evidence(), 4);
        let unmet = lane.outstanding(Phase::REQUEST_INFO);
        assert!(unmet[0].what.contains("4 of 6 test cases have no usable document"));
        assert!(unmet[1].what.contains("1 of 6 test cases have documents that wait"));
    }
    assert_eq!(lane(true, DONE).awaiting_evidence(), 0);
}

#[test]
fn a_stale_execution_under_way_is_told_once() {
    let counts = Counts {
        cases: 1,
        with_document: 1,
        accepted: 1,
        in_test: 1,
        stale: 1,
        ..Counts::default()
    };
    assert_eq!(
        whats(&lane(true, counts).outstanding(Phase::TEST_EXECUTION)),
        ["conclude the executions"]
    );
}

#[test]
fn without_a_plan_nothing_is_complete() {
    for phase in [Phase::DATA_OWNER_ID, Phase::REQUEST_INFO, Phase::TEST_EXECUTION] {
        assert_eq!(blocks(phase, None, &[], None).len(), 1);
        assert_eq!(blocks(phase, Some(&plan(0)), &[], None).len(), 1);
        assert!(blocks(phase, Some(&plan(4)), &[lane(true, DONE)], None).is_empty());
    }
}

#[test]
fn owners_are_identified_for_the_plan_of_the_samples_that_are_current() {
    let (plan, lanes) = (plan(4), [lane(true, DONE)]);
    let of = |phase, id| blocks(phase, Some(&plan), &lanes, Some(Uuid::from_u128(id))).len();
    assert_eq!(of(Phase::DATA_OWNER_ID, 3), 0);
    assert_eq!(of(Phase::DATA_OWNER_ID, 4), 1);
    assert_eq!(of(Phase::REQUEST_INFO, 4), 0);
}

#[test]
fn progress_is_that_of_all_lanes() {
    let open = lane(false, Counts { cases: 6, with_document: 2, accepted: 1, ..Counts::default() });
    let lanes = [lane(true, DONE), open];
    assert_eq!(progress(Phase::DATA_OWNER_ID, &lanes), (4, 10));
    assert_eq!(progress(Phase::REQUEST_INFO, &lanes), (5, 10));
    assert_eq!(progress(Phase::TEST_EXECUTION, &lanes), (4, 10));
}
