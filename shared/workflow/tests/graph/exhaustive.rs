//! Every state of a phase with every state of the phases before it.

use signoff_workflow::{Board, Command, Lane, Phase, PhaseTable, check};

use crate::boards::{ALL, COMPLETE, STALE, UNTOUCHED, USUAL, facts, lane};
use crate::oracle;

/// Compares the rule with the oracle for every command on a phase; how many were compared.
fn compare(board: &Board, phase: i32) -> usize {
    let commands = Command::all(Phase::new(phase));
    for command in commands {
        let answer = check(PhaseTable::standard(), board, command);
        assert_eq!(answer.is_ok(), oracle::allows(board, command), "{command:?} {board:#?}");
        assert_ne!(answer, Err(vec![]), "{command:?} {board:#?}");
    }
    commands.len()
}

/// Goes through every choice of `states` for `phases`.
fn each(board: &mut Board, phases: &[i32], states: &[u8], then: &mut impl FnMut(&mut Board)) {
    let Some((phase, others)) = phases.split_first() else {
        return then(board);
    };
    for state in states {
        board.phases.insert(Phase::new(*phase), facts(*state));
        each(board, others, states, then);
    }
}

fn everything(rest: u8, lanes: Vec<Lane>) -> Board {
    let phases = (1..=9).map(|number| (Phase::new(number), facts(rest))).collect();
    Board { phases, lanes }
}

fn own_states(board: &mut Board, phase: i32, compared: &mut usize) {
    for own in ALL {
        board.phases.insert(Phase::new(phase), facts(own));
        *compared += compare(board, phase);
    }
}

#[test]
fn every_phase_but_the_last_with_every_state_before_it() {
    let all: Vec<u8> = ALL.collect();
    let lane_sets: Vec<Vec<Lane>> = [&[][..], &[0], &[1], &[2], &[3], &[4], &[0, 4, 1]]
        .into_iter()
        .map(|steps| steps.iter().map(|step| lane(*step)).collect())
        .collect();
    let mut compared = 0;
    for phase in 1..=8 {
        for lanes in &lane_sets {
            for rest in [UNTOUCHED, COMPLETE, STALE] {
                let mut board = everything(rest, lanes.clone());
                each(&mut board, &oracle::before(phase), &all, &mut |board| {
                    own_states(board, phase, &mut compared);
                });
            }
        }
    }
    // Planning has nothing before it, the other seven have one phase each.
    assert_eq!(compared, (32 + 7 * 32 * 32) * 7 * 3 * 4);
}

#[test]
fn the_last_phase_with_the_usual_states_before_it() {
    let mut compared = 0;
    let mut board = everything(UNTOUCHED, vec![]);
    each(&mut board, &oracle::before(9), &USUAL, &mut |board| {
        own_states(board, 9, &mut compared);
    });
    assert_eq!(compared, 8_usize.pow(4) * 32 * 4);
}
