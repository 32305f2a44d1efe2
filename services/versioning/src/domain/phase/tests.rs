use signoff_backend::Subject;
use signoff_ledger::gates::{Opened, Stale};
use signoff_workflow::{PhaseState, PhaseTable, Scope, Workflow};

use super::*;
use crate::domain::counts::Counts;
use crate::domain::version::tests::submitted;

/// What follows from a gate alone, of a phase without any version.
fn of(slug: &str, gate: &Gate, any_closed: bool) -> (PhaseState, Vec<String>, Vec<String>) {
    let phases = PhaseTable::standard();
    let row = phases.by_slug(slug).unwrap();
    let workflow = Workflow { cycle_id: Uuid::from_u128(1), report_id: Uuid::from_u128(2) };
    let of = Subject { scope: Scope { workflow, phase: row.phase }, row, gate, at: None };
    let standing = Versions { any_closed, ..Versions::default() }.standing(row, gate);
    let words = |all: Vec<Unmet>| all.into_iter().map(|one| one.what).collect();
    let (missing, unmet) = (standing.missing(of, phases), standing.unmet(of, phases));
    (standing.state(of, phases), words(missing), words(unmet))
}

fn opened() -> Gate {
    let at = chrono::DateTime::UNIX_EPOCH;
    Gate { attempt: 1, opened: Some(Opened { attempt: 1, at, by: 7 }), ..Gate::default() }
}

fn held(gate: Gate) -> Gate {
    Gate { holds: [("finalize_test_report".to_owned(), 1)].into(), ..gate }
}

#[test]
fn most_phases_need_an_opening_and_an_approved_version() {
    let (state, missing, lacking) = of("scoping", &Gate::default(), false);
    assert_eq!((state, missing.len()), (PhaseState::NotStarted, 2));
    assert_eq!(missing, lacking);
    let (state, missing, _) = of("scoping", &opened(), true);
    assert_eq!(state, PhaseState::InProgress);
    assert_eq!(missing, ["Scoping has no approved version: approve one"]);
}

#[test]
fn what_may_be_sealed_unopened_is_complete_as_far_as_is_known() {
    let of = |gate: &Gate, any_closed| of("observation_management", gate, any_closed);
    let cases = [
        (Gate::default(), false, PhaseState::NotStarted, 1),
        (held(Gate::default()), false, PhaseState::Sealed, 0),
        (opened(), false, PhaseState::InProgress, 1),
        (opened(), true, PhaseState::Complete, 0),
        (held(opened()), false, PhaseState::Sealed, 0),
        (held(opened()), true, PhaseState::Sealed, 0),
    ];
    for (gate, any_closed, expected, lacks) in cases {
        let (state, missing, lacking) = of(&gate, any_closed);
        assert_eq!((state, lacking.len()), (expected, lacks), "{gate:?}: {lacking:?}");
        assert!(missing.is_empty(), "it may be sealed: {missing:?}");
    }
    let stale = Some(Stale { because: "scoping".into(), reopening: 1 });
    let (state, missing, _) = of(&Gate { stale, ..opened() }, true);
    assert_eq!((state, missing.len()), (PhaseState::InProgress, 1));
    let (_, missing, _) = of(&Gate { reopening: 1, ..held(Gate::default()) }, false);
    assert_eq!(missing, ["Observation Management is being reopened: wait until that is done"]);
}

#[test]
fn executions_without_an_observation_are_named_up_to_a_thousand() {
    let row = PhaseTable::standard().by_slug("observation_management").unwrap();
    let ids: Vec<Uuid> = (0..1_002).map(Uuid::from_u128).collect();
    assert_eq!(not_covered(row, &[]), []);
    let named = not_covered(row, &ids[..1_000]);
    assert_eq!((named.len(), &named[7].subject), (1_000, &ids[7].to_string()));
    let counted = not_covered(row, &ids);
    assert_eq!(counted.len(), 1_001);
    assert_eq!(counted[1_000].subject, "observation_management");
    assert_eq!(counted[1_000].what, "2 more test executions have no observation");
}

#[test]
fn progress_is_that_of_the_open_version_or_else_of_the_approved_one() {
    let counted = |counts| Version { counts, ..submitted(3) };
    let open = counted(Counts { total: 10, pending: 2, proposed: 1, ..Counts::default() });
    let current = counted(Counts { total: 5, approved: 3, rejected: 2, ..Counts::default() });
    let row = PhaseTable::standard().by_slug("scoping").unwrap();
    let progress = |open, current| {
        let versions = Versions { open, current, any_closed: true };
        versions.standing(row, &opened()).progress
    };
    assert_eq!(progress(Some(&open), Some(&current)), (7, 10));
    assert_eq!(progress(Some(&open), None), (7, 10));
    assert_eq!(progress(None, Some(&current)), (5, 5));
    assert_eq!(progress(None, None), (0, 0));
}

#[test]
fn an_open_version_keeps_a_phase_from_being_complete_and_is_named() {
    let open = submitted(3);
    let row = PhaseTable::standard().by_slug("scoping").unwrap();
    let versions = Versions { open: Some(&open), current: Some(&open), any_closed: true };
    let standing = versions.standing(row, &opened());
    let [block] = &standing.blocks[..] else { panic!("{:?}", standing.blocks) };
    assert_eq!(block.subject, open.version_id.to_string());
    let what = "version 3 of Scoping is submitted: approve, reject or delete it";
    assert_eq!((block.what.as_str(), block.of_gate), (what, false));
    assert_eq!(standing.open_version_id, Some(open.version_id));
}
