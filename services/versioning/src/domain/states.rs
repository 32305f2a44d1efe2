//! The states of versions and decisions, and how the database writes them.

/// A value that the database holds and this release does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} in the database: {value}")]
pub struct UnknownValue {
    /// What kind of value.
    pub what: &'static str,
    /// The value.
    pub value: String,
}

impl UnknownValue {
    fn new(what: &'static str, value: impl ToString) -> Self {
        Self { what, value: value.to_string() }
    }
}

/// draft → submitted → approved | rejected; submitted → draft; approved → superseded;
/// draft | rejected → deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VersionState {
    /// Its content may change.
    Draft,
    /// It may be ruled on.
    Submitted,
    /// Closed: what the phase stands at.
    Approved,
    /// Closed: changes were asked for.
    Rejected,
    /// Closed: a later version was approved.
    Superseded,
    /// Closed: given up; still readable.
    Deleted,
}

impl VersionState {
    const ALL: [Self; 6] = [
        Self::Draft,
        Self::Submitted,
        Self::Approved,
        Self::Rejected,
        Self::Superseded,
        Self::Deleted,
    ];

    /// Its name in the database and in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Submitted => "submitted",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Superseded => "superseded",
            Self::Deleted => "deleted",
        }
    }

    /// Reads its name back.
    ///
    /// # Errors
    /// The name is unknown.
    pub fn named(name: &str) -> Result<Self, UnknownValue> {
        Self::ALL
            .into_iter()
            .find(|state| state.name() == name)
            .ok_or_else(|| UnknownValue::new("version state", name))
    }

    /// Draft or submitted.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Draft | Self::Submitted)
    }

    /// Whether a next version may be made from it.
    pub const fn is_baseline(self) -> bool {
        matches!(self, Self::Approved | Self::Rejected | Self::Superseded)
    }
}

/// What a row of rulings says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RulingState {
    /// Accepted as put forward.
    Approved,
    /// Accepted as changed by the reviewer, and confirmed.
    Modified,
    /// Not accepted.
    Rejected,
    /// Changed by the reviewer; waits for a tester's confirmation.
    Proposed,
    /// Taken out.
    Removed,
}

impl RulingState {
    /// Its code in the database.
    pub const fn code(self) -> i16 {
        match self {
            Self::Approved => 1,
            Self::Modified => 2,
            Self::Rejected => 3,
            Self::Proposed => 4,
            Self::Removed => 5,
        }
    }

    /// Its name in the trail.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Modified => "modified",
            Self::Rejected => "rejected",
            Self::Proposed => "proposed",
            Self::Removed => "removed",
        }
    }

    /// Reads its code back.
    ///
    /// # Errors
    /// The code is unknown.
    pub fn coded(code: i16) -> Result<Self, UnknownValue> {
        match code {
            1 => Ok(Self::Approved),
            2 => Ok(Self::Modified),
            3 => Ok(Self::Rejected),
            4 => Ok(Self::Proposed),
            5 => Ok(Self::Removed),
            _ => Err(UnknownValue::new("ruling state", code)),
        }
    }
}

/// How an item stands in a version that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Nobody has ruled on it.
    Pending,
    /// Accepted as put forward.
    Approved,
    /// Accepted as changed by the reviewer, and confirmed.
    Modified,
    /// Not accepted.
    Rejected,
    /// Changed by the reviewer; waits for a tester's confirmation.
    Proposed,
}

impl Standing {
    /// Whether the next version inherits it.
    pub const fn is_kept(self) -> bool {
        matches!(self, Self::Approved | Self::Modified)
    }

    /// The standing that a ruling gives; `None` for a removal.
    pub const fn ruled(state: RulingState) -> Option<Self> {
        match state {
            RulingState::Approved => Some(Self::Approved),
            RulingState::Modified => Some(Self::Modified),
            RulingState::Rejected => Some(Self::Rejected),
            RulingState::Proposed => Some(Self::Proposed),
            RulingState::Removed => None,
        }
    }
}

/// Where a recommendation comes from. A carried one keeps its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A tester.
    Tester,
    /// A language model.
    Llm,
    /// Entered or uploaded by hand.
    Manual,
    /// A program that is no language model.
    Automated,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Tester, Self::Llm, Self::Manual, Self::Automated];

    /// Its code in the database.
    pub const fn code(self) -> i16 {
        match self {
            Self::Tester => 1,
            Self::Llm => 2,
            Self::Manual => 3,
            Self::Automated => 4,
        }
    }

    /// Its name in the trail (the seeds' words).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tester => "tester",
            Self::Llm => "llm",
            Self::Manual => "manual",
            Self::Automated => "automated",
        }
    }

    /// Reads its code back.
    ///
    /// # Errors
    /// The code is unknown.
    pub fn coded(code: i16) -> Result<Self, UnknownValue> {
        Self::ALL
            .into_iter()
            .find(|source| source.code() == code)
            .ok_or_else(|| UnknownValue::new("source", code))
    }

    /// Its bit in a header's set of sources.
    pub const fn bit(self) -> i32 {
        1 << self.code()
    }

    /// The sources in a header's set.
    pub fn in_set(set: i32) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |source| set & source.bit() != 0)
    }
}

/// What a reviewer says of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Accepted as put forward.
    Approved,
    /// Not accepted.
    Rejected,
    /// Accepted as changed by the reviewer.
    Modified,
}

impl Verdict {
    /// The ruling that is written down for it.
    pub const fn ruling(self) -> RulingState {
        match self {
            Self::Approved => RulingState::Approved,
            Self::Rejected => RulingState::Rejected,
            Self::Modified => RulingState::Proposed,
        }
    }
}

/// Whether a record was made here or imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Made here.
    Native,
    /// Imported from an earlier system.
    Legacy,
}

impl Origin {
    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Legacy => "legacy",
        }
    }

    /// Reads its name back.
    ///
    /// # Errors
    /// The name is unknown.
    pub fn named(name: &str) -> Result<Self, UnknownValue> {
        match name {
            "native" => Ok(Self::Native),
            "legacy" => Ok(Self::Legacy),
            _ => Err(UnknownValue::new("origin", name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_database_holds_is_read_back() {
        for state in VersionState::ALL {
            assert_eq!(VersionState::named(state.name()), Ok(state));
        }
        for origin in [Origin::Native, Origin::Legacy] {
            assert_eq!(Origin::named(origin.name()), Ok(origin));
        }
        for code in 1..=5 {
            assert_eq!(RulingState::coded(code).map(RulingState::code), Ok(code));
        }
        for source in Source::ALL {
            assert_eq!(Source::coded(source.code()), Ok(source));
        }
        assert!(VersionState::named("open").is_err());
        assert!(Origin::named("imported").is_err());
        assert!(RulingState::coded(0).is_err());
        assert!(Source::coded(5).is_err());
    }

    #[test]
    fn the_trail_uses_the_words_of_the_seeds() {
        let sources = Source::ALL.map(Source::name);
        assert_eq!(sources, ["tester", "llm", "manual", "automated"]);
        let rulings = (1..=5).map(|code| RulingState::coded(code).unwrap().name());
        let names = ["approved", "modified", "rejected", "proposed", "removed"];
        assert_eq!(rulings.collect::<Vec<_>>(), names);
        let origins = [Origin::Native, Origin::Legacy].map(Origin::name);
        assert_eq!(origins, ["native", "legacy"]);
    }

    #[test]
    fn open_versions_are_worked_on_and_those_ruled_on_are_baselines() {
        let those = |is: fn(VersionState) -> bool| {
            VersionState::ALL.into_iter().filter(|state| is(*state)).collect::<Vec<_>>()
        };
        use VersionState::{Approved, Draft, Rejected, Submitted, Superseded};
        assert_eq!(those(VersionState::is_open), [Draft, Submitted]);
        assert_eq!(those(VersionState::is_baseline), [Approved, Rejected, Superseded]);
    }

    #[test]
    fn a_set_of_sources_keeps_them_apart() {
        let set = Source::Llm.bit() | Source::Tester.bit();
        assert_eq!(Source::in_set(set).collect::<Vec<_>>(), [Source::Tester, Source::Llm]);
    }
}
