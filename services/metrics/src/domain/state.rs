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
