//! The table of phases: the one place that says what each phase is.

mod row;
mod rules;
mod standard;

use std::collections::BTreeMap;
use std::sync::LazyLock;

pub use row::{PhaseRow, VersioningType};
pub use rules::TableError;

use crate::Phase;

/// How many characters of an unknown name are repeated to whoever gave it.
const MAX_REPEATED: usize = 64;

/// A name that no phase answers to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown phase {name:?}; known are {}", known.join(", "))]
pub struct UnknownPhase {
    /// The name as it was given, or its first 64 characters.
    pub name: String,
    /// The display names of all phases.
    pub known: Vec<&'static str>,
}

/// All phases, in the order of their rows.
#[derive(Clone, Debug)]
pub struct PhaseTable {
    rows: Vec<PhaseRow>,
    /// Which row each name means, the names normalised.
    names: BTreeMap<String, usize>,
}

impl PhaseTable {
    /// The nine phases.
    pub fn standard() -> &'static Self {
        // A test shows that the standard rows pass the checks of `new`.
        static STANDARD: LazyLock<PhaseTable> =
            LazyLock::new(|| PhaseTable::unchecked(standard::rows()));
        &STANDARD
    }

    /// A table of these rows, in this order.
    ///
    /// # Errors
    /// What is wrong with the first row found at fault: a number or a name that another row has,
    /// a predecessor that is unknown or waits for the row itself, a kind that does not fit.
    pub fn new(rows: Vec<PhaseRow>) -> Result<Self, TableError> {
        rules::check(&rows)?;
        Ok(Self::unchecked(rows))
    }

    fn unchecked(rows: Vec<PhaseRow>) -> Self {
        let names = rows
            .iter()
            .enumerate()
            .flat_map(|(at, row)| row.names().map(move |name| (name, at)))
            .collect();
        Self { rows, names }
    }

    /// All rows.
    pub fn rows(&self) -> &[PhaseRow] {
        &self.rows
    }

    /// The row of a phase.
    pub fn get(&self, phase: Phase) -> Option<&PhaseRow> {
        self.rows.iter().find(|row| row.phase == phase)
    }

    /// The row with this slug, exactly.
    pub fn by_slug(&self, slug: &str) -> Option<&PhaseRow> {
        self.rows.iter().find(|row| row.slug == slug)
    }

    /// The row that a person or an old client means: by slug, display name, alias, or the name
    /// of the wire's enum. Case, spaces, hyphens and underscores do not matter.
    ///
    /// # Errors
    /// [`UnknownPhase`], which lists the known ones.
    pub fn named(&self, name: &str) -> Result<&PhaseRow, UnknownPhase> {
        self.names.get(&row::normalised(name)).and_then(|at| self.rows.get(*at)).ok_or_else(|| {
            UnknownPhase {
                name: name.chars().take(MAX_REPEATED).collect(),
                known: self.rows.iter().map(|row| row.display_name).collect(),
            }
        })
    }

    /// Everything that rests on a phase or is fed by it, directly or not: nearest first, and
    /// those equally near by number.
    pub fn downstream(&self, phase: Phase) -> Vec<Phase> {
        let mut found: Vec<Phase> = Vec::new();
        let mut nearest = vec![phase];
        while !nearest.is_empty() {
            let mut next: Vec<Phase> = self
                .rows
                .iter()
                .filter(|row| row.predecessors().any(|before| nearest.contains(&before)))
                .map(|row| row.phase)
                .filter(|after| !found.contains(after))
                .collect();
            next.sort_unstable();
            found.extend(&next);
            nearest = next;
        }
        found
    }
}
