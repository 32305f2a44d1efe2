//! What the rule should say: edges and conditions written out, without the table.

use signoff_workflow::{Board, Command, Lane, Phase, PhaseFacts};

/// The phases, each with those that it rests on.
pub(crate) const SEALING: [(i32, &[i32]); 9] = [
    (1, &[]),
    (2, &[1]),
    (3, &[2]),
    (4, &[3]),
    (5, &[4]),
    (6, &[]),
    (7, &[]),
    (8, &[]),
    (9, &[5, 6, 7, 8]),
];

/// The phase that hands this one its work, lane by lane.
pub(crate) fn feeder(phase: i32) -> Option<i32> {
    match phase {
        6..=8 => Some(phase - 1),
        _ => None,
    }
}

/// The phases that this one rests on or is fed by.
pub(crate) fn before(phase: i32) -> Vec<i32> {
    let rests_on = SEALING.iter().find(|(number, _)| *number == phase).map_or(&[][..], |row| row.1);
    rests_on.iter().copied().chain(feeder(phase)).collect()
}

fn facts(board: &Board, phase: i32) -> PhaseFacts {
    board.phases.get(&Phase::new(phase)).cloned().unwrap_or_default()
}

/// Whether a phase can be relied on, or changed: nothing is taken up again in it or before it.
fn quiet(facts: &PhaseFacts) -> bool {
    !facts.stale && !facts.reopening
}

fn ready_to_seal(board: &Board, phase: i32) -> bool {
    let facts = facts(board, phase);
    facts.complete && quiet(&facts) && (facts.opened || phase == 8)
}

fn lane_qualifies(lane: &Lane, phase: i32) -> bool {
    match phase {
        6 => lane.owner_identified,
        7 => lane.cases_with_document > 0,
        8 => lane.cases_executed > 0,
        _ => false,
    }
}

fn has_grounds(board: &Board, phase: i32) -> bool {
    let fed = feeder(phase).is_none_or(|feeder| {
        let facts = facts(board, feeder);
        facts.opened && quiet(&facts) && board.lanes.iter().any(|l| lane_qualifies(l, phase))
    });
    let (_, rests_on) = SEALING[phase as usize - 1];
    fed && rests_on.iter().all(|before| ready_to_seal(board, *before))
}

/// Whether the command should be allowed.
pub(crate) fn allows(board: &Board, command: Command) -> bool {
    let phase = command.phase().number();
    let own = facts(board, phase);
    let held = !own.holders.is_empty();
    match command {
        Command::Start(_) => !own.opened && quiet(&own) && !held && has_grounds(board, phase),
        Command::Change(_) => own.opened && quiet(&own) && !held,
        Command::Reopen(_) => quiet(&own) && (held || (own.opened && own.complete)),
        Command::Reaffirm(_) => own.stale && !own.reopening && has_grounds(board, phase),
    }
}
