//! What a table of phases must satisfy.

use std::collections::{BTreeMap, BTreeSet};

use super::{PhaseRow, VersioningType};
use crate::Phase;
use crate::lane::Milestone;

/// Why a table of phases is refused. Phases are named by slug.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// Numbers start at 1; 0 means "unset" on the wire.
    #[error("phase {slug} has the number {number}: numbers start at 1")]
    Number {
        /// The phase at fault.
        slug: &'static str,
        /// Its number.
        number: i32,
    },
    /// Two rows have one number.
    #[error("phases {one} and {other} both have the number {number}")]
    DoubledNumber {
        /// The number.
        number: i32,
        /// The first row that has it.
        one: &'static str,
        /// The second row that has it.
        other: &'static str,
    },
    /// A slug goes into databases and trails.
    #[error("{slug:?} is no slug: lower-case letters, digits and underscores, a letter first")]
    Slug {
        /// The slug as it was given.
        slug: &'static str,
    },
    /// A display name or an alias with no letter or digit in it.
    #[error("phase {slug} has an empty name or alias")]
    EmptyName {
        /// The phase at fault.
        slug: &'static str,
    },
    /// One name would mean two phases.
    #[error("the name {name:?} means both {one} and {other}")]
    NameTaken {
        /// The name, without case, spaces, hyphens and underscores.
        name: String,
        /// The first phase that it means.
        one: &'static str,
        /// The second phase that it means.
        other: &'static str,
    },
    /// A predecessor that the table has no row for.
    #[error("phase {slug} comes after phase {predecessor}, which the table does not have")]
    UnknownPredecessor {
        /// The phase at fault.
        slug: &'static str,
        /// The number of the predecessor.
        predecessor: i32,
    },
    /// A phase that feeds another, but that no lane passes.
    #[error("phase {slug} is fed by phase {feeder}, which no lane passes")]
    NoLane {
        /// The phase at fault.
        slug: &'static str,
        /// The number of the phase that feeds it.
        feeder: i32,
    },
    /// Phases that wait for each other, or for such phases.
    #[error("none of these phases can ever start: {}", slugs.join(", "))]
    Cycle {
        /// The phases in the cycle and behind it.
        slugs: Vec<&'static str>,
    },
    /// A full-versioning phase without something that it needs.
    #[error("full-versioning phase {slug} has no {what}")]
    Missing {
        /// The phase at fault.
        slug: &'static str,
        /// What it lacks.
        what: &'static str,
    },
    /// An audit-only phase with something that only full versioning has.
    #[error("audit-only phase {slug} must have no {what}")]
    Unexpected {
        /// The phase at fault.
        slug: &'static str,
        /// What it must not have.
        what: &'static str,
    },
    /// What people sign must stand still while they do.
    #[error("phase {slug} asks for sign-offs, but takes items while it is being signed")]
    SignedWhileGrowing {
        /// The phase at fault.
        slug: &'static str,
    },
}

/// Checks everything that [`TableError`] lists.
pub(super) fn check(rows: &[PhaseRow]) -> Result<(), TableError> {
    numbers(rows)?;
    names(rows)?;
    kinds(rows)?;
    edges(rows)
}

fn numbers(rows: &[PhaseRow]) -> Result<(), TableError> {
    let mut seen = BTreeMap::new();
    for row in rows {
        let number = row.phase.number();
        if number < 1 {
            return Err(TableError::Number { slug: row.slug, number });
        }
        if let Some(one) = seen.insert(number, row.slug) {
            return Err(TableError::DoubledNumber { number, one, other: row.slug });
        }
    }
    Ok(())
}

fn names(rows: &[PhaseRow]) -> Result<(), TableError> {
    let mut seen: BTreeMap<String, &PhaseRow> = BTreeMap::new();
    for row in rows {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !row.slug.starts_with(|c: char| c.is_ascii_lowercase()) || !row.slug.chars().all(plain) {
            return Err(TableError::Slug { slug: row.slug });
        }
        for name in row.names() {
            if !name.chars().any(char::is_alphanumeric) {
                return Err(TableError::EmptyName { slug: row.slug });
            }
            // One row may well have a name twice: slug and display name differ in form only.
            if let Some(other) = seen.get(&name).filter(|other| other.phase != row.phase) {
                return Err(TableError::NameTaken { name, one: other.slug, other: row.slug });
            }
            seen.insert(name, row);
        }
    }
    Ok(())
}

fn kinds(rows: &[PhaseRow]) -> Result<(), TableError> {
    for row in rows {
        let slug = row.slug;
        let has = [
            ("approver", row.approver.is_some()),
            ("payload", row.payload.is_some()),
            ("artifact type", row.artifact_type.is_some()),
        ];
        for (what, there) in has {
            match (row.kind, there) {
                (VersioningType::Full, false) => return Err(TableError::Missing { slug, what }),
                (VersioningType::AuditOnly, true) => {
                    return Err(TableError::Unexpected { slug, what });
                }
                (VersioningType::Full, true) | (VersioningType::AuditOnly, false) => {}
            }
        }
        if row.items_while_submitted && !row.sign_offs.is_empty() {
            return Err(TableError::SignedWhileGrowing { slug });
        }
    }
    Ok(())
}

fn edges(rows: &[PhaseRow]) -> Result<(), TableError> {
    let known: BTreeSet<Phase> = rows.iter().map(|row| row.phase).collect();
    for row in rows {
        if let Some(unknown) = row.predecessors().find(|phase| !known.contains(phase)) {
            let predecessor = unknown.number();
            return Err(TableError::UnknownPredecessor { slug: row.slug, predecessor });
        }
        if let Some(feeder) = row.fed_by.iter().find(|phase| Milestone::of(**phase).is_none()) {
            return Err(TableError::NoLane { slug: row.slug, feeder: feeder.number() });
        }
    }
    // Take away what can start until nothing more can: what is left waits for itself.
    let mut started = BTreeSet::new();
    loop {
        let (ready, waiting): (Vec<_>, Vec<_>) = rows
            .iter()
            .filter(|row| !started.contains(&row.phase))
            .partition(|row| row.predecessors().all(|phase| started.contains(&phase)));
        if ready.is_empty() {
            let slugs: Vec<_> = waiting.iter().map(|row| row.slug).collect();
            return if slugs.is_empty() { Ok(()) } else { Err(TableError::Cycle { slugs }) };
        }
        started.extend(ready.iter().map(|row| row.phase));
    }
}
