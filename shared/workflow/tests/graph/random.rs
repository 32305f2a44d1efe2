//! Whole boards at random.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use signoff_workflow::{Board, Command, Phase, PhaseState, PhaseTable, check, next};

use crate::boards::{USUAL, facts, lane};
use crate::oracle;

fn boards() -> impl Strategy<Value = Board> {
    // The usual states more often than any: else hardly anything is allowed.
    let state = prop_oneof![4 => prop::sample::select(&USUAL[..]), 1 => 0..32_u8];
    let phases = btree_map((1..=9_i32).prop_map(Phase::new), state.prop_map(facts), 0..=9);
    (phases, vec((0..=4_u8).prop_map(lane), 0..4))
        .prop_map(|(phases, lanes)| Board { phases, lanes })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_rule_says_what_the_words_say(board in boards()) {
        let table = PhaseTable::standard();
        for command in (1..=9).map(Phase::new).flat_map(Command::all) {
            let answer = check(table, &board, command);
            prop_assert_eq!(answer.is_ok(), oracle::allows(&board, command), "{:?}", command);
            for unmet in answer.err().unwrap_or_default() {
                let row = table.get(unmet.phase).unwrap();
                prop_assert!(unmet.what.starts_with(row.display_name), "{}", unmet.what);
                prop_assert!(unmet.what.contains(": "), "says what to do: {}", unmet.what);
                prop_assert!(!unmet.subject.is_empty());
            }
        }
    }

    #[test]
    fn what_is_refused_names_at_least_one_thing(board in boards()) {
        for command in (0..=11).map(Phase::new).flat_map(Command::all) {
            prop_assert_ne!(check(PhaseTable::standard(), &board, command), Err(vec![]));
        }
    }

    #[test]
    fn what_starts_has_everything_before_it_done(board in boards()) {
        let table = PhaseTable::standard();
        for row in table.rows() {
            if check(table, &board, Command::Start(row.phase)).is_err() {
                continue;
            }
            for (number, rests_on) in oracle::SEALING {
                if Phase::new(number) == row.phase {
                    for before in rests_on {
                        let state = board.phases[&Phase::new(*before)].state();
                        prop_assert!(matches!(state, PhaseState::Complete | PhaseState::Sealed));
                    }
                }
            }
        }
    }

    #[test]
    fn next_says_the_same_as_check(board in boards()) {
        let table = PhaseTable::standard();
        let steps = next(table, &board);
        prop_assert_eq!(steps.len(), 9);
        for (step, row) in steps.into_iter().zip(table.rows()) {
            prop_assert_eq!(step.phase, row.phase);
            prop_assert_eq!(step.next.phase(), row.phase);
            prop_assert_eq!(step.allowed.contains(&step.next), step.unmet.is_empty());
            let facts = board.phases.get(&row.phase).cloned().unwrap_or_default();
            prop_assert_eq!(step.state, facts.state());
            for command in Command::all(row.phase) {
                let answer = check(table, &board, command);
                prop_assert_eq!(step.allowed.contains(&command), answer.is_ok());
                if command == step.next {
                    prop_assert_eq!(&step.unmet, &answer.err().unwrap_or_default());
                }
            }
        }
    }
}
