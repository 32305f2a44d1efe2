//! What must be remembered of what was counted, to count what comes later.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use chrono::{DateTime, Utc};
use signoff_ledger::Head;
use signoff_workflow::Workflow;
use uuid::Uuid;

use super::record::Held;
use super::touch::{Source, Verdict};

/// What was read of a table, and what was changed since.
#[derive(Clone, Debug)]
pub struct Kept<K, V> {
    read: HashMap<K, V>,
    changed: BTreeMap<K, Option<V>>,
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self { read: HashMap::new(), changed: BTreeMap::new() }
    }
}

impl<K: Copy + Eq + Hash + Ord, V: Clone> Kept<K, V> {
    /// Takes in what was read; what was changed meanwhile stays.
    pub fn take_in(&mut self, read: impl IntoIterator<Item = (K, V)>) {
        self.read.extend(read);
    }

    /// The value now.
    pub fn get(&self, key: K) -> Option<&V> {
        match self.changed.get(&key) {
            Some(changed) => changed.as_ref(),
            None => self.read.get(&key),
        }
    }

    /// Sets a value.
    pub fn set(&mut self, key: K, value: V) {
        self.changed.insert(key, Some(value));
    }

    /// Takes a value away, and gives it.
    pub fn remove(&mut self, key: K) -> Option<V> {
        let here = self.get(key).cloned()?;
        self.changed.insert(key, None);
        Some(here)
    }

    /// Forgets all of these, whatever they are: they are taken away in another way.
    pub fn forget(&mut self, which: impl Fn(&K) -> bool) {
        self.read.retain(|key, _| !which(key));
        self.changed.retain(|key, _| !which(key));
    }

    /// What was set.
    pub fn set_now(&self) -> impl Iterator<Item = (&K, &V)> {
        self.changed.iter().filter_map(|(key, value)| Some((key, value.as_ref()?)))
    }

    /// What was taken away.
    pub fn removed_now(&self) -> impl Iterator<Item = &K> {
        self.changed.iter().filter(|(_, value)| value.is_none()).map(|(key, _)| key)
    }
}

/// Where a version stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// A draft, or closed.
    Still,
    /// It waits for its reviewer.
    Submitted,
}

/// A version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionSeen {
    /// Of which phase, by its slug.
    pub phase: &'static str,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// By whom.
    pub made_by: i64,
    /// When it was submitted last.
    pub submitted_at: Option<DateTime<Utc>>,
    /// Where it stands.
    pub stands: Stands,
    /// Whether it was made from another one.
    pub revised: bool,
    /// What is in it.
    pub held: Held,
}

/// A line of versions: a phase of a workflow.
pub type Line = (Workflow, &'static str);

/// A verdict that stands in the open version of its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RulingSeen {
    /// The ruling's number.
    pub seq: i32,
    /// How it was ruled.
    pub verdict: Verdict,
    /// Where it had been recommended.
    pub source: Source,
    /// By whom.
    pub by: i64,
    /// In which hour.
    pub hour: DateTime<Utc>,
}

/// A request for action without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestSeen {
    /// For what.
    pub action_type: &'static str,
    /// When.
    pub at: DateTime<Utc>,
}

/// Everything that is remembered, as far as it is needed now.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The last record of each chain.
    pub heads: Kept<Workflow, Head>,
    /// Versions.
    pub versions: Kept<(Workflow, Uuid), VersionSeen>,
    /// Verdicts in open versions, by line and item.
    pub rulings: Kept<(Line, i32), RulingSeen>,
    /// Lines whose open version is closed: none of their verdicts changes any more.
    pub closed_lines: BTreeSet<Line>,
    /// Requests that wait for an answer.
    pub requests: Kept<(Workflow, Uuid), RequestSeen>,
}

impl State {
    /// The open version of a line is closed.
    pub fn close(&mut self, line: Line) {
        self.rulings.forget(|(of, _)| *of == line);
        self.closed_lines.insert(line);
    }
}

#[cfg(test)]
mod tests {
    use super::super::story::workflow;
    use super::*;

    fn written(kept: &Kept<i32, &'static str>) -> (Vec<(i32, &'static str)>, Vec<i32>) {
        let set = kept.set_now().map(|(key, value)| (*key, *value)).collect();
        (set, kept.removed_now().copied().collect())
    }

    #[test]
    fn what_changed_hides_what_was_read_and_is_all_that_is_written() {
        let mut kept = Kept::default();
        kept.take_in([(1, "read"), (2, "read"), (3, "read")]);
        kept.set(2, "set");
        kept.set(4, "set");
        assert_eq!(kept.remove(3), Some("read"));
        assert_eq!(kept.remove(3), None, "it is gone");
        assert_eq!(kept.remove(9), None, "it never was");
        // A row that changed is read again: what is to be written stays.
        kept.take_in([(2, "read again"), (3, "read again")]);
        let now = [1, 2, 3, 4, 9].map(|key| kept.get(key).copied());
        assert_eq!(now, [Some("read"), Some("set"), None, Some("set"), None]);
        assert_eq!(written(&kept), (vec![(2, "set"), (4, "set")], vec![3]));
        assert_eq!(kept.remove(4), Some("set"));
        kept.set(3, "set again");
        assert_eq!(written(&kept), (vec![(2, "set"), (3, "set again")], vec![4]));
    }

    #[test]
    fn what_is_forgotten_is_not_there_and_nothing_is_written_of_it() {
        let mut kept = Kept::default();
        kept.take_in([(1, "read"), (2, "read"), (12, "read")]);
        kept.set(3, "set");
        kept.set(13, "set");
        kept.remove(2);
        kept.forget(|key| *key < 10);
        let now = [1, 2, 3, 12, 13].map(|key| kept.get(key).copied());
        assert_eq!(now, [None, None, None, Some("read"), Some("set")]);
        assert_eq!(written(&kept), (vec![(13, "set")], vec![]));
    }

    #[test]
    fn verdicts_of_a_line_end_with_its_open_version() {
        let ruling = RulingSeen {
            seq: 1,
            verdict: Verdict::Approved,
            source: Source::Tester,
            by: 9,
            hour: DateTime::UNIX_EPOCH,
        };
        let (scoping, planning) = ((workflow(), "scoping"), (workflow(), "planning"));
        let mut state = State::default();
        state.rulings.take_in([((scoping, 1), ruling), ((planning, 1), ruling)]);
        state.rulings.set((scoping, 2), ruling);
        state.close(scoping);
        let there = [(scoping, 1), (scoping, 2), (planning, 1)];
        assert_eq!(there.map(|at| state.rulings.get(at).is_some()), [false, false, true]);
        assert_eq!(state.closed_lines, BTreeSet::from([scoping]), "their rows are taken away");
    }
}
