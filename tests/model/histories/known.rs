//! What those who work on a workflow know of it: the newest of what any of them was told.

use std::collections::BTreeMap;

use signoff_contract::versioning::v1::{Version, VersionCounts, VersionState};
use signoff_tests::build;
use signoff_versioning::domain::ids::DecisionId;
use uuid::Uuid;

use super::flow::is_open;
use super::op::{Call, Op, PHASES, Raw};
use crate::step::Key;

/// How many keys there are that anybody uses.
pub(crate) const KEYS: Key = 6;
/// A key that nobody uses but who approves something at the beginning.
pub(crate) const FIRST_KEY: Key = 41;
/// A key that nobody uses before the end.
pub(crate) const LAST_KEY: Key = 40;

/// What is known of a workflow.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    lines: [Line; 2],
    /// Whether Data Profiling was opened, and is stale.
    pub(crate) gate: Option<(bool, bool)>,
}

#[derive(Clone, Debug, Default)]
struct Line {
    /// By number.
    versions: BTreeMap<usize, Version>,
    items: BTreeMap<Key, i32>,
    line_no: i64,
}

impl Known {
    /// Learns from an answer.
    pub(crate) fn learn(&mut self, place: usize, answer: &Raw) {
        let line = &mut self.lines[place];
        match answer {
            Raw::Version(version) => line.learn(version),
            Raw::Added(version, _) => line.learn(version),
            Raw::Versions(versions) => versions.iter().for_each(|version| line.learn(version)),
            Raw::Decision(decision) => line.name(place, &decision.item_key, &decision.decision_id),
            Raw::Decisions(decisions) => {
                for of in decisions {
                    line.name(place, &of.item_key, &of.decision_id);
                }
            }
            Raw::Status { opened, stale } => self.gate = Some((*opened, *stale)),
            Raw::Done | Raw::Refused(..) => {}
        }
    }

    /// The id of a version; of an unknown one, an id that nothing has.
    pub(crate) fn version_id(&self, place: usize, number: usize) -> String {
        let known = self.lines[place].versions.get(&number);
        known.map_or_else(|| Uuid::now_v7().to_string(), |version| version.version_id.clone())
    }

    /// The id of an item in a version; of an unknown one, an id that nothing has.
    pub(crate) fn decision_id(&self, place: usize, version: usize, key: Key) -> String {
        let line = &self.lines[place];
        let item_no = line.items.get(&key).copied().unwrap_or(9999);
        let version = i32::try_from(version.max(1)).unwrap();
        DecisionId { line_no: line.line_no.max(1), item_no, version }.to_string()
    }

    /// The newest version that is not deleted.
    pub(crate) fn newest(&self, place: usize) -> Option<&Version> {
        let mut newest = self.lines[place].versions.values().rev();
        newest.find(|version| version.state() != VersionState::Deleted)
    }

    /// Whether a line has an approved version and no open one.
    pub(crate) fn is_complete(&self, place: usize) -> bool {
        let newest = self.newest(place);
        newest.is_some_and(|of| !of.approved_version_id.is_empty() && !is_open(of.state()))
    }

    /// The newest version before this one that is not deleted.
    pub(crate) fn closed_before(&self, place: usize, number: usize) -> Option<usize> {
        let mut before = self.lines[place].versions.range(..number).rev();
        before.find(|(_, of)| of.state() != VersionState::Deleted).map(|(number, _)| *number)
    }

    /// Learns what became of the gate.
    pub(crate) fn learn_gate(&mut self, op: &Op) {
        let opened = self.gate.is_some_and(|(opened, _)| opened);
        match (&op.call, op.is_refused()) {
            (Call::Start | Call::Reaffirm, false) => self.gate = Some((true, false)),
            (Call::Reopen, false) => self.gate = Some((opened, opened)),
            _ => {}
        }
    }

    /// The number of the last version.
    pub(crate) fn last(&self, place: usize) -> usize {
        self.lines[place].versions.keys().next_back().copied().unwrap_or_default()
    }

    /// A version's counts, as they were last seen.
    pub(crate) fn counts(&self, place: usize, number: usize) -> VersionCounts {
        let version = self.lines[place].versions.get(&number);
        version.and_then(|version| version.counts).unwrap_or_default()
    }

    /// A version's etag, as it was last seen.
    pub(crate) fn etag(&self, place: usize, number: usize) -> String {
        let version = self.lines[place].versions.get(&number);
        version.map(|version| version.etag.clone()).unwrap_or_default()
    }

    /// Keys whose items have a name.
    pub(crate) fn keys(&self, place: usize) -> Vec<Key> {
        self.lines[place].items.keys().copied().collect()
    }

    /// A closed version that can be given up.
    pub(crate) fn rejected(&self, place: usize) -> Option<usize> {
        let mut versions = self.lines[place].versions.iter().rev();
        versions.find(|(_, of)| of.state() == VersionState::Rejected).map(|(number, _)| *number)
    }
}

impl Line {
    fn learn(&mut self, version: &Version) {
        let number = usize::try_from(version.number).unwrap();
        let revision = |of: &Version| -> u32 {
            of.etag.split_once('.').and_then(|(_, revision)| revision.parse().ok()).unwrap_or(0)
        };
        let known = self.versions.get(&number);
        if known.is_none_or(|known| revision(known) <= revision(version)) {
            self.versions.insert(number, version.clone());
        }
    }

    fn name(&mut self, place: usize, item_key: &str, decision_id: &str) {
        let keys = (0..KEYS).chain([FIRST_KEY, LAST_KEY]);
        let named = |key: &Key| build::key(PHASES[place], u32::try_from(*key).unwrap()) == item_key;
        let id = decision_id.parse().ok().and_then(DecisionId::from_uuid);
        if let (Some(key), Some(id)) = (keys.into_iter().find(named), id) {
            self.items.insert(key, id.item_no);
            self.line_no = id.line_no;
        }
    }
}
