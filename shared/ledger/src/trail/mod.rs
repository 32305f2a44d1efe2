//! The trail: who did what, when and why, in a chain that shows every change of it.
//!
//! `FORMAT.md` beside this crate says how a stranger verifies one.

mod canonical;
mod details;
mod entry;
mod export;
mod record;
pub(crate) mod store;
mod verifier;
pub(crate) mod walk;
mod witness;

pub(crate) use canonical::{Placement, canonical_bytes};
pub(crate) use details::Summary;
pub use details::{DetailChunk, DetailError, DetailRows, DetailWriter, DetailsRoot, MAX_CHUNK};
pub use entry::{Entry, EntryError, Origin, Source, TrailActor};
pub use export::{
    Export, ExportError, ExportFault, ExportFlaw, MAX_EXPORT_LINE, VerifiedExport, verify_export,
    verify_export_against,
};
pub(crate) use record::record_hash;
pub use record::{Actor, Content, Details, Hash, Head, Link, Record};
pub use verifier::{Damage, Flaw, Verification, Verifier};
pub use witness::{Contradiction, Contradictions, NoWitness, Testimony, Verdict, Witness};

/// The version of the canonical form that is written now.
pub const FORMAT: i16 = 1;

/// How long the canonical form of a record may be, in bytes.
pub const MAX_CANONICAL: usize = 64 * 1024;
