//! The walk through every state, and what must hold in each.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::*;

/// What is broken.
type Broken = String;

impl Graph {
    /// Every state that can follow.
    fn successors(&self, world: &World, revisions: i64) -> Vec<World> {
        let mut found = Vec::new();
        for (p, phase) in world.phases.iter().enumerate() {
            let gate = &phase.gate;
            let admits = gate.admits_change().is_ok() || gate.admits_mending().is_ok();
            if admits && phase.revision < revisions {
                for complete in [true, false] {
                    let mut next = world.clone();
                    next.phases[p].revision += 1;
                    next.phases[p].complete = complete;
                    found.push(next);
                }
            }
        }
        if let Some(idle) = world.gateways.iter().position(Option::is_none) {
            if world.helps > 0 {
                for p in 0..world.phases.len() {
                    let Some(help) = self.help(&world.phases, p) else { continue };
                    let mut next = world.clone();
                    next.gateways[idle] = Some(help);
                    next.helps -= 1;
                    found.push(next);
                }
            }
            for i in 0..world.to_do.len() {
                let mut next = world.clone();
                next.gateways[idle] = Some(next.to_do.remove(i));
                found.push(next);
            }
        }
        for (g, program) in world.gateways.iter().enumerate() {
            let Some(program) = program else { continue };
            let message = program.message(&self.table);
            let mut next = world.clone();
            let answer = self.serve(&mut next.phases, &message);
            next.gateways[g] = self.after(program.clone(), answer);
            found.push(next);
            if world.crashes > 0 {
                let mut next = world.clone();
                next.gateways[g] = None;
                next.crashes -= 1;
                found.push(next);
            }
            if world.timeouts > 0 && !matches!(message, Message::Look(_) | Message::Confirm { .. })
            {
                let mut next = world.clone();
                next.gateways[g] = self.after(program.clone(), Answer::Lost(()));
                next.late.push(message);
                next.timeouts -= 1;
                found.push(next);
            }
        }
        for (i, message) in world.late.iter().enumerate() {
            let mut next = world.clone();
            self.serve(&mut next.phases, message);
            next.late.remove(i);
            found.push(next);
        }
        found
    }

    /// Who is open rests on what its predecessors stand at now, and holds them.
    fn check_foundations(&self, phases: &[Phase]) -> Result<(), Broken> {
        for (p, phase) in phases.iter().enumerate().filter(|(_, phase)| phase.gate.is_open()) {
            let name = self.table.rows()[p].slug;
            if phase.gate.rests_on.len() != self.below(p).len() {
                return Err(format!("{name} rests on something else"));
            }
            for foundation in &phase.gate.rests_on {
                let below = self.find(&foundation.phase);
                let predecessor = &phases[below];
                let gate = &predecessor.gate;
                let sealed_at = foundation.trail_head.as_ref().unwrap().sequence;
                let stands = match gate.opened {
                    None => self.may_be_unopened(below),
                    // What is stale while something before it is reopened: this phase is next.
                    Some(_) => gate.stale.is_none() || self.is_below_a_mark(phases, below),
                };
                let held = gate.holds.get(name).copied();
                if sealed_at != predecessor.revision
                    || !stands
                    || !predecessor.complete
                    || held != phase.gate.opened.map(|opened| opened.attempt)
                {
                    return Err(format!(
                        "{name} rests on {} as of {sealed_at}, which stands at {}: sound {stands}, \
                         complete {}, held {held:?}",
                        foundation.phase, predecessor.revision, predecessor.complete
                    ));
                }
            }
        }
        Ok(())
    }

    fn is_below_a_mark(&self, phases: &[Phase], phase: P) -> bool {
        self.below(phase)
            .into_iter()
            .any(|before| phases[before].gate.reopening > 0 || self.is_below_a_mark(phases, before))
    }

    /// When nothing is under way any more: those who meet a mark finish it, those who meet a seal
    /// lift what nobody rests on, and whatever is complete can be built on.
    fn check_help(&self, phases: &[Phase]) -> Result<(), Broken> {
        let mut phases = phases.to_vec();
        for p in 0..phases.len() {
            if let Some(help) = self.help(&phases, p) {
                self.run(&mut phases, help);
            }
        }
        for p in 0..phases.len() {
            self.run(&mut phases, self.look(p));
        }
        for (p, phase) in phases.iter().enumerate() {
            let name = self.table.rows()[p].slug;
            if phase.gate.reopening > 0 {
                return Err(format!("the reopening of {name} is not finished"));
            }
            for (holder, attempt) in &phase.gate.holds {
                let gate = &phases[self.find(holder)].gate;
                if !gate.is_open() || gate.opened.unwrap().attempt != *attempt {
                    return Err(format!("{name} is held by {holder}, which does not rest on it"));
                }
            }
        }
        for p in 0..phases.len() {
            let predecessors = self.below(p);
            self.run(&mut phases, self.begin(p));
            let stands = |q: P| phases[q].gate.is_open() || self.may_be_unopened(q);
            let can_open = predecessors.iter().all(|&q| phases[q].complete && stands(q));
            // What is rested on as it is, unopened, stays so.
            let kept = phases[p].gate.opened.is_none() && !phases[p].gate.holds.is_empty();
            if phases[p].gate.is_open() != (can_open && !kept) {
                return Err(format!(
                    "{} cannot be opened, or can be wrongly",
                    self.table.rows()[p].slug
                ));
            }
        }
        self.check_foundations(&phases)
    }

    /// Looks at every state, and says how many there are, and in how many quiet ones a seal is
    /// left that nobody rests on until somebody meets it.
    pub(super) fn explore(
        &self,
        to_do: &[Running],
        revisions: i64,
        disturbed: Disturbed,
    ) -> Result<(usize, usize), Broken> {
        let start = self.start(to_do, disturbed);
        let asked = to_do.iter().filter(|of| matches!(of, Program::Reopen(_))).count();
        let asked = i64::try_from(asked).unwrap_or(i64::MAX);
        // By their hashes: of so few states, two hardly have one.
        let mut seen = HashSet::from([hash(&start)]);
        let mut queue = VecDeque::from([start]);
        let mut left_over = 0;
        while let Some(world) = queue.pop_front() {
            self.check_foundations(&world.phases)?;
            if world.phases.iter().map(|phase| phase.gate.reopenings).sum::<i64>() > asked {
                return Err("a phase was reopened more often than somebody asked for".to_owned());
            }
            if world.gateways.iter().all(Option::is_none) && world.late.is_empty() {
                let nobody_rests = |p: P| {
                    (0..world.phases.len())
                        .all(|q| !(self.below(q).contains(&p) && world.phases[q].gate.is_open()))
                };
                let held = |p: P| !world.phases[p].gate.holds.is_empty();
                left_over +=
                    usize::from((0..world.phases.len()).any(|p| held(p) && nobody_rests(p)));
                self.check_help(&world.phases)?;
            }
            for next in self.successors(&world, revisions) {
                if seen.insert(hash(&next)) {
                    queue.push_back(next);
                }
            }
        }
        Ok((seen.len(), left_over))
    }
}

fn hash(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.hash(&mut hasher);
    hasher.finish()
}
