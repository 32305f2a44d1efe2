//! The only place with SQL.

pub mod feeds;
pub mod generations;
pub mod known;
pub mod reads;
pub mod series;
pub mod totals;
pub mod written;

use signoff_backend::Fault;
use signoff_ledger::{Pool, Snapshot, Source};
use signoff_workflow::PhaseTable;

/// What went wrong with a statement.
pub type Stored<T> = Result<T, Fault>;

/// One moment of all tables, for reads of several statements that must agree.
pub async fn snapshot(pool: &Pool) -> Stored<Snapshot> {
    Ok(pool.snapshot().await?)
}

/// The feeds that are followed.
pub const SOURCES: [Source; 3] = [Source::Versioning, Source::Audit, Source::Gateway];

/// A source by its name.
fn source_named(name: &str) -> Stored<Source> {
    let found = SOURCES.into_iter().find(|source| source.name() == name);
    found.ok_or_else(|| Fault::Internal(format!("the feed {name:?} is followed")))
}

/// A phase's slug as the table has it; empty for none.
fn slug(name: &str) -> Stored<&'static str> {
    if name.is_empty() {
        return Ok("");
    }
    let row = PhaseTable::standard().by_slug(name);
    row.map(|row| row.slug).ok_or_else(|| Fault::Internal(format!("the phase {name:?} is stored")))
}

/// A stored word that must be one of those that are known.
fn word<T>(named: Option<T>, name: &str) -> Stored<T> {
    named.ok_or_else(|| Fault::Internal(format!("the word {name:?} is stored")))
}
