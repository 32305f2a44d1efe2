//! What every writing service keeps on Postgres beside its own tables: the trail with the
//! columns of its feed, the first answers to requests, and the gates of its phases.
//!
//! A command goes through [`Ledger::begin`]: it waits for its turn in the workflow, takes a
//! connection and the workflow's lock, and learns what it needs in one statement. It then
//! changes the service's own tables through [`Command::conn`], records what it did with
//! [`Command::record`], and ends with [`Command::commit`]. A command that is dropped leaves
//! nothing behind.
//!
//! The pure parts know no database: [`gates`]' rules, [`Verifier`], [`verify_export`],
//! [`DetailWriter`].

mod closing;
mod command;
mod connection;
mod errors;
mod feed;
pub mod gates;
mod idempotency;
mod kept;
mod ledger;
mod lock;
mod pool;
mod provision;
mod queue;
mod schema;
mod trail;

pub use closing::{Closing, closing};
pub use command::Command;
pub use connection::{ConnectError, Instance, PoolOptions, connect, connect_beside, ping};
pub use errors::{LedgerError, RETRY_AFTER, classify};
pub use feed::{BadCursor, Cursor, Feed, FeedError, FeedPage, FeedRecord, FeedStanding, Holder};
pub use idempotency::{IDEMPOTENCY_RETENTION, RequestKey};
pub use kept::KeptRows;
pub use ledger::{Begun, Ledger, Snapshot};
pub use pool::{Connections, Lease, Pool, Transaction};
pub use provision::{DatabaseUrls, Login, Provision, ProvisionError, provision};
pub use queue::QueueOptions;
pub use schema::{MigrationError, SERVICE_GROUP, migrate, with_ledger};
pub use trail::{
    Actor, Content, Contradiction, Contradictions, Damage, DetailChunk, DetailError, DetailRows,
    DetailWriter, Details, DetailsRoot, Entry, EntryError, Export, ExportError, ExportFault,
    ExportFlaw, FORMAT, Flaw, Hash, Head, Link, MAX_CANONICAL, MAX_CHUNK, MAX_EXPORT_LINE,
    NoWitness, Origin, Record, Source, Testimony, TrailActor, Verdict, Verification,
    VerifiedExport, Verifier, Witness, verify_export, verify_export_against,
};
