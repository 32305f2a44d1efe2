//! Items in a version, and what a command makes of them.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use signoff_backend::{Actor, Fault};
use signoff_workflow::{PhaseRow, Violations};

use super::counts::Held;
use super::error::Error;
use super::ids::DecisionId;
use super::payload::Content;
use super::states::{RulingState, Source, Standing, Verdict};

/// What somebody puts forward.
#[derive(Clone, Debug)]
pub struct Recommendation {
    /// The item.
    pub content: Content,
    /// Where it comes from.
    pub source: Source,
    /// Why.
    pub reason: Option<String>,
    /// Parameters of a model and the like.
    pub metadata: Option<Value>,
}

/// A reviewer's change that a tester confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// Its number among the item's modifications.
    pub modification: i32,
    /// Whether the changed item counts for the derived total.
    pub counted: bool,
}

/// An item that a version holds, as far as commands need it.
#[derive(Clone, Debug)]
pub struct ItemAt {
    /// Its number within the line.
    pub item_no: i32,
    /// Its key.
    pub item_key: String,
    /// Which content.
    pub rev: i32,
    /// The version that brought the content.
    pub introduced_in: i32,
    /// How it stands.
    pub standing: Standing,
    /// The seq of the ruling in force, if there is one.
    pub ruling: Option<i32>,
    /// The modification that the ruling in force refers to.
    pub modification: Option<i32>,
    /// The confirmed change that it has, or had until a ruling of this version replaced it.
    pub confirmed: Option<Confirmed>,
    /// The highest seq of its rulings; 0 without any.
    pub last_seq: i32,
    /// Whether the effective content counts for the derived total.
    pub counted: bool,
    /// Whether the content as put forward counts for it.
    pub counted_as_put: bool,
    /// Where the recommendation came from.
    pub source: Source,
    /// Put forward by an approver of the phase.
    pub contributed: bool,
    /// Whether the actor recommended or edited it.
    pub mine: bool,
}

impl ItemAt {
    /// Whether the version inherited it.
    pub fn is_carried(&self, version: i32) -> bool {
        self.introduced_in < version
    }

    /// How it counts in the version.
    pub fn held(&self, version: i32) -> Held {
        Held { standing: self.standing, carried: self.is_carried(version), counted: self.counted }
    }
}

/// A key that the line knows, whether or not the version holds it.
#[derive(Clone, Copy, Debug)]
pub struct KnownKey {
    /// Its item.
    pub item_no: i32,
    /// Its newest content.
    pub last_rev: i32,
    /// The ruling in force, if there is one.
    pub ruling: Option<i32>,
    /// Whether the version holds it.
    pub present: bool,
    /// The newest version before this one that rejected it.
    pub rejected_in: Option<i32>,
}

/// A content to be written.
#[derive(Clone, Debug)]
pub struct NewContent {
    /// The item's number within the line.
    pub item_no: i32,
    /// Which content of it.
    pub rev: i32,
    /// The ruling that it ends.
    pub ends: Option<i32>,
    /// The version that rejected the key before.
    pub previous_version: Option<i32>,
    /// What is put forward.
    pub recommendation: Recommendation,
}

impl NewContent {
    /// How it counts in the version.
    pub fn held(&self) -> Held {
        Held {
            standing: Standing::Pending,
            carried: false,
            counted: self.recommendation.content.counted,
        }
    }
}

/// Gives items their numbers: keys that the line knows get their next rev.
///
/// # Errors
/// [`Error::ItemsExist`] names every key that the version holds already or that comes twice.
pub fn plan_additions(
    recommendations: Vec<Recommendation>,
    known: &HashMap<String, KnownKey>,
    last_item: i32,
) -> Result<Vec<NewContent>, Error> {
    let mut doubled = Violations::default();
    let mut seen = HashSet::with_capacity(recommendations.len());
    for (i, recommendation) in recommendations.iter().enumerate() {
        let key = recommendation.content.item_key.as_str();
        let field = || format!("decisions[{i}].item_key");
        if !seen.insert(key) {
            doubled.add(field(), format!("{key} is there twice in this call"));
        } else if known.get(key).is_some_and(|known| known.present) {
            doubled.add(field(), format!("{key} is in the version already"));
        }
    }
    if !doubled.is_empty() {
        return Err(Error::ItemsExist(doubled));
    }
    drop(seen);
    let mut next_item = last_item;
    recommendations
        .into_iter()
        .map(|recommendation| {
            let new = match known.get(&recommendation.content.item_key) {
                Some(known) => NewContent {
                    item_no: known.item_no,
                    rev: known.last_rev + 1,
                    ends: known.ruling,
                    previous_version: known.rejected_in,
                    recommendation,
                },
                None => {
                    next_item = next_item
                        .checked_add(1)
                        .ok_or(Fault::Limit("a line holds at most 2,147,483,647 items"))?;
                    NewContent {
                        item_no: next_item,
                        rev: 1,
                        ends: None,
                        previous_version: None,
                        recommendation,
                    }
                }
            };
            Ok(new)
        })
        .collect()
}

/// A content that takes the place of an item's.
#[derive(Clone, Debug)]
pub struct Replacement {
    /// The item as it is to be. Its key is the item's own if the payload names none.
    pub content: Content,
    /// Whether the payload names its item.
    pub names_item: bool,
}

impl Replacement {
    /// Whether it is of this item.
    pub fn is_of(&self, item_key: &str) -> bool {
        !self.names_item || self.content.item_key == item_key
    }
}

/// The reviewer's change of an item.
#[derive(Clone, Debug)]
pub struct Change {
    /// The item as the reviewer wants it.
    pub replacement: Replacement,
    /// Why.
    pub reason: String,
}

/// What a reviewer says of one item.
#[derive(Clone, Debug)]
pub struct Opinion {
    /// Accepted, not accepted, or accepted as changed.
    pub verdict: Verdict,
    /// The reviewer's words.
    pub notes: Option<String>,
    /// The change, where the verdict is modified.
    pub change: Option<Change>,
    /// Whether a rejected observation's test is accepted without a finding.
    pub accepted_without_finding: bool,
}

/// A ruling to be written.
#[derive(Clone, Debug)]
pub struct NewRuling<'a> {
    /// The item as it stood before.
    pub item: &'a ItemAt,
    /// What it says.
    pub state: RulingState,
    /// The reviewer's opinion; `None` for removals and confirmations.
    pub opinion: Option<&'a Opinion>,
}

impl<'a> NewRuling<'a> {
    /// What a reviewer's opinion makes of an item. Approving takes an unconfirmed change back, and
    /// keeps one that a tester has confirmed, also where this version rejected or changed the item
    /// in between: nobody alone undoes what two agreed on.
    pub fn of(item: &'a ItemAt, opinion: &'a Opinion) -> Self {
        let state = match (opinion.verdict, item.confirmed) {
            (Verdict::Approved, Some(_)) => RulingState::Modified,
            (Verdict::Approved, None) => RulingState::Approved,
            (Verdict::Rejected, _) => RulingState::Rejected,
            (Verdict::Modified, _) => RulingState::Proposed,
        };
        Self { item, state, opinion: Some(opinion) }
    }

    /// A tester's confirmation of the reviewer's change.
    pub fn confirmation(item: &'a ItemAt) -> Self {
        Self { item, state: RulingState::Modified, opinion: None }
    }

    /// The item is taken out.
    pub fn removal(item: &'a ItemAt) -> Self {
        Self { item, state: RulingState::Removed, opinion: None }
    }

    /// The change that a reviewer made with it.
    pub fn change(&self) -> Option<&'a Change> {
        self.opinion.and_then(|opinion| opinion.change.as_ref())
    }

    /// The confirmed change that it refers to; a new change gets its number when it is written.
    pub fn confirmed(&self) -> Option<Confirmed> {
        match (self.state, self.opinion) {
            (RulingState::Modified, Some(_)) => self.item.confirmed,
            (RulingState::Modified, None) => self
                .item
                .modification
                .map(|modification| Confirmed { modification, counted: self.item.counted }),
            (
                RulingState::Approved
                | RulingState::Rejected
                | RulingState::Proposed
                | RulingState::Removed,
                _,
            ) => None,
        }
    }

    /// Its number among the rulings on the item.
    pub fn seq(&self) -> i32 {
        self.item.last_seq + 1
    }

    /// How the item counts afterwards; `None` if it is gone.
    pub fn held_after(&self, version: i32) -> Option<Held> {
        let counted = match self.state {
            RulingState::Proposed => {
                self.change().map_or(self.item.counted, |change| change.replacement.content.counted)
            }
            RulingState::Modified => {
                self.confirmed().map_or(self.item.counted, |confirmed| confirmed.counted)
            }
            RulingState::Approved | RulingState::Rejected | RulingState::Removed => {
                self.item.counted_as_put
            }
        };
        Standing::ruled(self.state).map(|standing| Held {
            standing,
            carried: self.item.is_carried(version),
            counted,
        })
    }
}

/// Maker–checker: who put an item forward or edited it does not rule on it, and a tester who is
/// not the phase's approver rules only on what an approver put forward. `waived`: the version does
/// without the phase's approver.
///
/// # Errors
/// [`Error::MakerIsChecker`] or [`Error::RoleMissing`], naming every decision at fault.
pub fn check_reviewer<'a>(
    actor: &Actor,
    row: &PhaseRow,
    waived: bool,
    (line_no, version): (i64, i32),
    items: impl Iterator<Item = &'a ItemAt>,
) -> Result<(), Error> {
    let approver = actor.approves_in(row, waived);
    let (mut own, mut others) = (Violations::default(), Violations::default());
    for item in items {
        let id = || DecisionId { line_no, item_no: item.item_no, version }.to_string();
        if item.mine && !row.self_approval {
            own.add(id(), format!("you recommended or edited {}", item.item_key));
        } else if !approver && !item.contributed {
            others.add(id(), format!("{} is for the phase's approver", item.item_key));
        }
    }
    if !own.is_empty() {
        return Err(Error::MakerIsChecker { what: "decision", ids: own });
    }
    if !others.is_empty() {
        return Err(Error::RoleMissing {
            what: "rule on decisions that a tester put forward",
            ids: others,
        });
    }
    Ok(())
}

#[cfg(test)]
#[path = "item_tests.rs"]
mod tests;
