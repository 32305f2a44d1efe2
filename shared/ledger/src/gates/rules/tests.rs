use chrono::TimeZone;

use super::*;

fn opened(attempt: i64) -> Opened {
    Opened { attempt, at: Utc.timestamp_opt(1, 0).unwrap(), by: 7 }
}

fn on(phases: &[&str]) -> Vec<Foundation> {
    let on = |phase: &&str| Foundation {
        phase: (*phase).into(),
        version_id: Some(Uuid::from_u128(1)),
        trail_head: None,
    };
    phases.iter().map(on).collect()
}

fn open_gate() -> Gate {
    let mut gate = Gate::default();
    assert_eq!(gate.begin_open(false), Ok(1));
    gate.open(opened(1), on(&["scoping"]), &["scoping"]).unwrap();
    gate
}

fn stale_gate() -> Gate {
    let stale = Some(Stale { because: "scoping".into(), reopening: 1 });
    Gate { stale, ..open_gate() }
}

#[test]
fn attempts_are_counted_until_the_phase_is_open() {
    let mut gate = Gate::default();
    assert_eq!(gate.begin_open(false), Ok(1));
    assert_eq!(gate.begin_open(false), Ok(2));
    let overtaken = gate.open(opened(1), on(&[]), &[]);
    assert_eq!(overtaken, Err(OpenRefused::NotCurrent { current: 2 }));
    gate.open(opened(2), on(&[]), &[]).unwrap();
    assert_eq!(gate.opened, Some(opened(2)));
    assert_eq!(gate.begin_open(false), Err(BeginRefused::AlreadyOpen));
    assert_eq!(gate.begin_open(true), Err(BeginRefused::AlreadyOpen));
}

#[test]
fn a_phase_that_nobody_began_to_open_is_not_opened() {
    let refused = Gate::default().open(opened(0), on(&[]), &[]);
    assert_eq!(refused, Err(OpenRefused::NotCurrent { current: 0 }));
}

#[test]
fn a_stale_phase_is_reaffirmed_or_left() {
    let mut gate = stale_gate();
    assert_eq!(gate.begin_open(false), Err(BeginRefused::Stale));
    assert_eq!(gate.begin_open(true), Ok(2));
    assert!(!gate.is_open(), "it is stale until it is opened again");
    let again = Opened { at: Utc.timestamp_opt(9, 0).unwrap(), by: 8, ..opened(2) };
    gate.open(again, on(&["scoping"]), &["scoping"]).unwrap();
    assert!(gate.is_open());
    assert_eq!(gate.opened, Some(opened(2)), "it was started before");
}

#[test]
fn a_phase_rests_on_exactly_its_predecessors() {
    let mut gate = Gate { attempt: 1, ..Gate::default() };
    let required = ["data_owner_id", "test_execution"];
    let refused = gate.open(opened(1), on(&["planning", "test_execution"]), &required);
    let expected = OpenRefused::WrongFoundations {
        missing: vec!["data_owner_id".into()],
        unexpected: vec!["planning".into()],
    };
    assert_eq!(refused, Err(expected));
    let twice = on(&["test_execution", "data_owner_id", "test_execution"]);
    let expected = OpenRefused::WrongFoundations {
        missing: Vec::new(),
        unexpected: vec!["test_execution".into()],
    };
    assert_eq!(gate.open(opened(1), twice, &required), Err(expected));
    assert_eq!(gate.opened, None);
    gate.open(opened(1), on(&["test_execution", "data_owner_id"]), &required).unwrap();
}

#[test]
fn opening_again_by_the_same_attempt_changes_nothing() {
    let mut gate = open_gate();
    let before = gate.clone();
    let later = Opened { by: 8, ..opened(1) };
    gate.open(later, on(&["scoping"]), &["scoping"]).unwrap();
    assert_eq!(gate, before);
    let mut other = on(&["scoping"]);
    other[0].version_id = None;
    assert_eq!(gate.open(opened(1), other, &["scoping"]), Err(OpenRefused::AlreadyOpen));
    assert_eq!(gate, before);
}

#[test]
fn a_fence_tells_live_from_dead_and_keeps_the_dead_dead() {
    let mut gate = open_gate();
    assert_eq!(gate.fence(1), Fenced::Live);
    assert_eq!(gate.attempt, 1);
    assert_eq!(gate.fence(3), Fenced::Dead);
    assert_eq!(gate.attempt, 4);

    let mut begun = Gate { attempt: 2, ..Gate::default() };
    assert_eq!(begun.fence(1), Fenced::Dead);
    assert_eq!(begun.attempt, 2, "an attempt that was overtaken is dead already");
    assert_eq!(begun.fence(2), Fenced::Dead);
    let late = begun.open(opened(2), on(&[]), &[]);
    assert_eq!(late, Err(OpenRefused::NotCurrent { current: 3 }));

    let mut stale = stale_gate();
    assert_eq!(stale.fence(1), Fenced::Dead);
    assert_eq!(stale.attempt, 2);
}

#[test]
fn only_a_phase_that_can_be_rested_on_is_sealed() {
    assert_eq!(Gate::default().seal("scoping", 1, true, false), Err(SealRefused::NotStarted));
    assert_eq!(stale_gate().seal("scoping", 1, true, false), Err(SealRefused::Stale));
    assert_eq!(open_gate().seal("scoping", 1, false, false), Err(SealRefused::Incomplete));
    let mut reopening = Gate { reopening: 1, reopenings: 1, ..open_gate() };
    assert_eq!(reopening.seal("scoping", 1, true, false), Err(SealRefused::Reopening));
    let mut gate = open_gate();
    gate.seal("scoping", 1, true, false).unwrap();
    assert_eq!(gate.holds, BTreeMap::from([("scoping".into(), 1)]));
}

#[test]
fn a_late_seal_of_an_earlier_attempt_is_refused() {
    let mut gate = open_gate();
    gate.seal("scoping", 2, true, false).unwrap();
    assert_eq!(gate.seal("scoping", 1, true, false), Err(SealRefused::LaterAttempt { attempt: 2 }));
    gate.seal("scoping", 2, true, false).unwrap();
    gate.seal("scoping", 3, true, false).unwrap();
    gate.seal("data_profiling", 1, true, false).unwrap();
    let holds = [("data_profiling".into(), 1), ("scoping".into(), 3)];
    assert_eq!(gate.holds, BTreeMap::from(holds));
}

#[test]
fn a_seal_is_lifted_only_up_to_the_attempt_that_is_named() {
    let mut gate = open_gate();
    gate.seal("scoping", 2, true, false).unwrap();
    assert!(!gate.release_seal("scoping", 1));
    assert!(!gate.release_seal("planning", 9));
    assert!(gate.release_seal("scoping", 2));
    assert!(!gate.release_seal("scoping", 2));
    assert!(gate.holds.is_empty());
}

#[test]
fn a_phase_changes_only_while_it_is_open_and_nobody_rests_on_it() {
    assert_eq!(Gate::default().admits_change(), Err(ChangeRefused::NotStarted));
    let mut gate = open_gate();
    assert_eq!(gate.admits_change(), Ok(()));
    gate.seal("scoping", 1, true, false).unwrap();
    let holders = BTreeMap::from([("scoping".into(), 1)]);
    assert_eq!(gate.admits_change(), Err(ChangeRefused::Sealed { holders }));
    let because = "scoping".into();
    assert_eq!(stale_gate().admits_change(), Err(ChangeRefused::Stale { because }));
    let reopening = Gate { reopening: 1, reopenings: 1, ..gate };
    assert_eq!(reopening.admits_change(), Err(ChangeRefused::Reopening));
}

#[test]
fn a_stale_phase_is_mended_while_nobody_holds_it() {
    assert_eq!(stale_gate().admits_mending(), Ok(()));
    assert_eq!(open_gate().admits_mending(), Ok(()), "a change like any other");
    assert_eq!(Gate::default().admits_mending(), Err(ChangeRefused::NotStarted));
    let reopening = Gate { reopening: 1, reopenings: 1, ..stale_gate() };
    assert_eq!(reopening.admits_mending(), Err(ChangeRefused::Reopening));
    let holds = BTreeMap::from([("scoping".into(), 1)]);
    let held = Gate { holds: holds.clone(), ..stale_gate() };
    assert_eq!(held.admits_mending(), Err(ChangeRefused::Sealed { holders: holds }));
}

#[test]
fn a_phase_may_be_sealed_though_it_was_never_opened_and_is_not_opened_then() {
    let mut gate = Gate::default();
    assert_eq!(gate.begin_open(false), Ok(1));
    assert_eq!(gate.seal("test_report", 1, false, true), Err(SealRefused::Incomplete));
    gate.seal("test_report", 1, true, true).unwrap();
    let holders = BTreeMap::from([("test_report".into(), 1)]);
    for reaffirm in [true, false] {
        let begun = gate.begin_open(reaffirm);
        assert_eq!(begun, Err(BeginRefused::Sealed { holders: holders.clone() }));
    }
    let opened_late = gate.open(opened(1), on(&[]), &[]);
    assert_eq!(opened_late, Err(OpenRefused::Sealed { holders }));
    assert_eq!(gate.admits_change(), Err(ChangeRefused::NotStarted));
    assert!(gate.release_seal("test_report", 1));
    gate.open(opened(1), on(&[]), &[]).unwrap();
}

#[test]
fn a_reopening_is_begun_once_and_its_number_is_told_until_it_is_finished() {
    let mut gate = open_gate();
    gate.seal("scoping", 1, true, false).unwrap();
    assert_eq!(gate.begin_reopen(), Ok(1));
    assert_eq!(gate.begin_reopen(), Ok(1));
    assert_eq!(gate.admits_change(), Err(ChangeRefused::Reopening));
    assert_eq!(gate.seal("scoping", 2, true, false), Err(SealRefused::Reopening));
    gate.mark_stale(Stale { because: "planning".into(), reopening: 1 });
    assert_eq!(gate.begin_reopen(), Ok(1), "also if it became stale meanwhile");
    for other in [0, 2, i64::MAX] {
        let before = gate.clone();
        assert!(!gate.finish_reopen(other));
        assert_eq!(gate, before);
    }
    assert!(gate.finish_reopen(1));
    assert_eq!((gate.reopening, gate.reopenings), (0, 1));
    assert!(gate.holds.is_empty());
    assert!(!gate.finish_reopen(1), "it is over");
    assert!(!gate.finish_reopen(0));
}

#[test]
fn only_what_was_opened_or_sealed_and_is_not_stale_is_reopened() {
    assert_eq!(Gate::default().begin_reopen(), Err(ReopenRefused::NotStarted));
    let begun = Gate { attempt: 3, ..Gate::default() };
    assert_eq!(begun.clone().begin_reopen(), Err(ReopenRefused::NotStarted));
    let because = "scoping".into();
    assert_eq!(stale_gate().begin_reopen(), Err(ReopenRefused::Stale { because }));
    let mut sealed = Gate { holds: BTreeMap::from([("test_report".into(), 1)]), ..begun };
    assert_eq!(sealed.begin_reopen(), Ok(1));
    assert!(sealed.finish_reopen(1));
    assert_eq!(sealed.begin_open(false), Ok(4), "and then it is opened");
    assert_eq!(Gate { reopenings: 4, ..open_gate() }.begin_reopen(), Ok(5));
}

#[test]
fn a_mark_ends_the_attempt_under_way_and_makes_stale_what_was_opened() {
    let stale = |reopening| Stale { because: "planning".into(), reopening };
    let mut gate = Gate::default();
    gate.mark_stale(stale(1));
    assert_eq!((gate.attempt, gate.stale.clone()), (1, None), "it was never opened");
    assert_eq!(gate.begin_open(false), Ok(2));
    gate.mark_stale(stale(1));
    let late = gate.open(opened(2), on(&[]), &[]);
    assert_eq!(late, Err(OpenRefused::NotCurrent { current: 3 }));

    let mut gate = open_gate();
    gate.mark_stale(stale(1));
    gate.mark_stale(stale(2));
    assert_eq!((gate.attempt, gate.stale.clone()), (3, Some(stale(2))));
    assert!(!gate.is_open());
    assert_eq!(gate.fence(1), Fenced::Dead, "nobody rests on a stale phase's word");
}

#[test]
fn a_mark_that_comes_late_does_not_make_stale_again() {
    let stale = |because: &str, reopening| Stale { because: because.into(), reopening };
    let mut gate = open_gate();
    gate.mark_stale(stale("planning", 2));
    assert_eq!(gate.begin_open(true), Ok(3));
    gate.open(opened(3), on(&["scoping"]), &["scoping"]).unwrap();
    for late in [1, 2] {
        gate.mark_stale(stale("planning", late));
        assert!(gate.is_open(), "reopening {late}");
    }
    assert_eq!(gate.attempt, 5, "an attempt that is under way ends all the same");
    gate.mark_stale(stale("scoping", 1));
    assert_eq!(gate.stale, Some(stale("scoping", 1)), "another phase's");
    let marks = [("planning".into(), 2), ("scoping".into(), 1)];
    assert_eq!(gate.marks, BTreeMap::from(marks));
}

#[test]
fn the_trail_says_all_of_a_gate() {
    let mut gate = Gate {
        attempt: 4,
        reopening: 2,
        reopenings: 2,
        holds: BTreeMap::from([("observations".to_owned(), 3)]),
        ..stale_gate()
    };
    let mut expected = json!({
        "attempt": 4, "opened_attempt": 1, "opened_at": "1970-01-01T00:00:01Z", "opened_by": 7,
        "stale_because": "scoping", "stale_reopening": 1, "reopenings": 2, "reopening": 2,
        "rests_on": on(&["scoping"]), "holds": {"observations": 3},
    });
    assert_eq!(gate.summary(), expected);
    gate.marks.insert("scoping".to_owned(), 1);
    expected["marks"] = json!({"scoping": 1});
    assert_eq!(gate.summary(), expected);
}
