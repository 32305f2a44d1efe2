use signoff_ledger::gates::{Opened, Stale};
use signoff_workflow::Workflow;

use super::*;

/// What follows for a phase from its gate and from what the service says it lacks.
fn told(slug: &str, gate: &Gate, standing: &Standing) -> (PhaseState, Vec<String>) {
    let (state, missing) = all_told(slug, gate, standing);
    (state, missing.into_iter().map(|one| one.what).collect())
}

fn all_told(slug: &str, gate: &Gate, standing: &Standing) -> (PhaseState, Vec<Unmet>) {
    let phases = PhaseTable::standard();
    let row = phases.by_slug(slug).unwrap();
    let workflow = Workflow { cycle_id: Uuid::from_u128(1), report_id: Uuid::from_u128(2) };
    let of = Subject { scope: Scope { workflow, phase: row.phase }, row, gate, at: None };
    (standing.state(of, phases), standing.missing(of, phases))
}

fn opened() -> Gate {
    let at = DateTime::UNIX_EPOCH;
    Gate { attempt: 1, opened: Some(Opened { attempt: 1, at, by: 7 }), ..Gate::default() }
}

fn held(gate: Gate) -> Gate {
    Gate { holds: [("finalize_test_report".to_owned(), 1)].into(), ..gate }
}

fn lack() -> Vec<Unmet> {
    let phase = PhaseTable::standard().by_slug("scoping").unwrap().phase;
    let (subject, what) = ("scoping".to_owned(), "something".to_owned());
    vec![Unmet { phase, subject, what, of_gate: false }]
}

#[test]
fn a_phase_that_lacks_nothing_is_complete_once_it_is_open() {
    let nothing = Standing::default();
    let (state, missing) = told("scoping", &Gate::default(), &nothing);
    assert_eq!((state, missing.len()), (PhaseState::NotStarted, 1));
    assert_eq!(told("scoping", &opened(), &nothing), (PhaseState::Complete, Vec::new()));
    assert_eq!(told("scoping", &held(opened()), &nothing).0, PhaseState::Sealed);
    let (_, missing) = told("observation_management", &Gate::default(), &nothing);
    assert!(missing.is_empty(), "it may be sealed unopened: {missing:?}");
}

#[test]
fn what_a_service_lacks_keeps_it_from_being_complete_and_may_block_a_seal() {
    let blocked = Standing { blocks: lack(), ..Standing::default() };
    let told_blocked = told("scoping", &opened(), &blocked);
    assert_eq!(told_blocked, (PhaseState::InProgress, vec!["something".to_owned()]));
    let lacking = Standing { lacks: lack(), ..Standing::default() };
    assert_eq!(told("scoping", &opened(), &lacking), (PhaseState::InProgress, Vec::new()));
}

#[test]
fn a_gate_tells_what_it_waits_for_before_the_service_does() {
    let stale = Some(Stale { because: "planning".into(), reopening: 1 });
    let gate = Gate { stale, reopening: 1, ..opened() };
    let blocked = Standing { blocks: lack(), ..Standing::default() };
    let (state, missing) = told("scoping", &gate, &blocked);
    assert_eq!(state, PhaseState::InProgress);
    let expected = [
        "Scoping is being reopened: wait until that is done",
        "Scoping is stale since Planning was reopened: reaffirm it",
        "something",
    ];
    assert_eq!(missing, expected);
    let (_, missing) = all_told("scoping", &gate, &blocked);
    let of_gate: Vec<bool> = missing.into_iter().map(|one| one.of_gate).collect();
    assert_eq!(of_gate, [true, true, false]);
    let (_, missing) = all_told("scoping", &Gate::default(), &blocked);
    assert_eq!(missing.first().map(|one| one.of_gate), Some(true), "it was not started");
}

#[test]
fn who_seals_knows_what_must_be_covered_and_who_looks_may() {
    let ids = [Uuid::from_u128(1)];
    assert_eq!((Asked::STATUS.required(), Asked::STATUS.hands_on()), (None, false));
    let seal = Asked::Seal { required: &ids };
    assert_eq!((seal.required(), seal.hands_on()), (Some(&ids[..]), true));
    let known = Asked::Status { handed_on: true, required: Some(&[]) };
    assert_eq!((known.required(), known.hands_on()), (Some(&[][..]), true));
}
