//! A line as explicit sets: what each version holds is written out in full, and copied into the
//! next one.

use std::collections::{BTreeMap, BTreeSet};

use signoff_contract::versioning::v1::{RecommendationSource as Source, VersionState};

use crate::step::{Key, Opinion, Verdict, Who};

/// How an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Standing {
    Pending,
    Approved,
    Rejected,
    Proposed,
    Modified,
}

/// What was put forward.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Content {
    pub(crate) text: String,
    pub(crate) source: Source,
    pub(crate) recommended_by: i64,
    pub(crate) edited_by: i64,
    pub(crate) edit_reason: String,
    /// Who recommended it, and everybody whose edit it contains.
    pub(crate) makers: BTreeSet<i64>,
    /// Put forward by an approver.
    pub(crate) contributed: bool,
    pub(crate) introduced_in: usize,
    pub(crate) rejected_in: Option<usize>,
}

/// A reviewer's change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Change {
    pub(crate) text: String,
    pub(crate) reason: String,
    pub(crate) by: i64,
}

/// An item as a version holds it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Item {
    pub(crate) content: Content,
    pub(crate) standing: Standing,
    pub(crate) decided_by: i64,
    pub(crate) notes: String,
    pub(crate) change: Option<Change>,
    pub(crate) confirmed_by: i64,
    /// The change that two have agreed on, and who confirmed it: no reviewer alone undoes it.
    pub(crate) agreed: Option<(Change, i64)>,
}

impl Item {
    pub(crate) fn effective(&self) -> &str {
        self.change.as_ref().map_or(&self.content.text, |change| &change.text)
    }

    pub(crate) fn kept(&self) -> bool {
        matches!(self.standing, Standing::Approved | Standing::Modified)
    }

    /// Pending, with this content.
    pub(crate) fn pending(content: Content) -> Self {
        let notes = String::new();
        Self {
            content,
            standing: Standing::Pending,
            decided_by: 0,
            notes,
            change: None,
            confirmed_by: 0,
            agreed: None,
        }
    }

    /// A reviewer rules on it.
    pub(crate) fn rule(&mut self, by: i64, opinion: &Opinion) {
        self.decided_by = by;
        self.notes.clone_from(&opinion.notes);
        let (standing, change) = match &opinion.verdict {
            Verdict::Approved => match self.agreed.clone() {
                Some((change, by)) => {
                    (self.standing, self.confirmed_by) = (Standing::Modified, by);
                    self.change = Some(change);
                    return;
                }
                None => (Standing::Approved, None),
            },
            Verdict::Rejected => (Standing::Rejected, None),
            Verdict::Modified { text, reason } => {
                let (text, reason) = (text.clone(), reason.clone());
                (Standing::Proposed, Some(Change { text, reason, by }))
            }
        };
        (self.standing, self.change, self.confirmed_by) = (standing, change, 0);
    }
}

/// A version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Version {
    pub(crate) number: usize,
    pub(crate) state: VersionState,
    pub(crate) parent: Option<usize>,
    pub(crate) superseded_by: Option<usize>,
    pub(crate) items: BTreeMap<Key, Item>,
    pub(crate) created_by: i64,
    pub(crate) submitted_by: i64,
    /// Everybody who ever submitted it.
    pub(crate) submitters: BTreeSet<i64>,
    pub(crate) reviewed_by: i64,
    pub(crate) deleted_by: i64,
    /// Approved by one of its makers.
    pub(crate) self_approved: bool,
}

impl Version {
    /// How many items stand so.
    pub(crate) fn count(&self, standing: Standing) -> usize {
        self.items.values().filter(|item| item.standing == standing).count()
    }

    /// The keys of the items that stand so.
    pub(crate) fn standing(&self, standing: Standing) -> Vec<Key> {
        let of = self.items.iter().filter(|(_, item)| item.standing == standing);
        of.map(|(key, _)| *key).collect()
    }

    pub(crate) fn carries(&self, key: Key) -> bool {
        self.items.get(&key).is_some_and(|item| item.content.introduced_in < self.number)
    }

    /// Whether a change of the item must say why.
    pub(crate) fn needs_reason(&self, key: Key) -> bool {
        let decided = self.items.get(&key).is_some_and(|item| item.standing != Standing::Pending);
        decided || self.carries(key)
    }

    pub(crate) fn is_made_by(&self, who: Who) -> bool {
        self.created_by == who.user_id || self.submitters.contains(&who.user_id)
    }
}

/// A line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Line {
    /// By number, from 1.
    pub(crate) versions: Vec<Version>,
    /// In the order in which they were first put forward.
    pub(crate) keys: Vec<Key>,
    /// Whether makers may rule on what is theirs, as in Planning.
    pub(crate) self_approval: bool,
    /// Everybody who ever put something forward, or edited it.
    pub(crate) makers: BTreeSet<i64>,
}

impl Line {
    pub(crate) fn version(&self, number: usize) -> Option<&Version> {
        self.versions.get(number.checked_sub(1)?)
    }

    pub(crate) fn open(&self) -> Option<&Version> {
        self.versions
            .last()
            .filter(|last| matches!(last.state, VersionState::Draft | VersionState::Submitted))
    }

    pub(crate) fn approved(&self) -> Option<usize> {
        let mut of = self.versions.iter().filter(|of| of.state == VersionState::Approved);
        of.next().map(|of| of.number)
    }

    /// The newest version that is not deleted.
    pub(crate) fn newest(&self) -> Option<usize> {
        let mut of = self.versions.iter().rev().filter(|of| of.state != VersionState::Deleted);
        of.next().map(|of| of.number)
    }

    /// The item's number within the line.
    pub(crate) fn item_no(&self, key: Key) -> Option<usize> {
        self.keys.iter().position(|known| *known == key).map(|at| at + 1)
    }
}
