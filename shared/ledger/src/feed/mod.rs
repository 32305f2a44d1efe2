//! The feed: every record of every workflow of a database, as it is committed.
//!
//! It is read in the order of (epoch, transaction id, sequence), below the oldest transaction that is
//! still open: a record with a lower id than one that was read cannot appear any more. Within a workflow
//! that is the order of the chain, since the workflow's lock is taken before a transaction id.

mod cursor;
mod reader;
mod statements;
mod wake;
mod watermark;

pub use cursor::{BadCursor, Cursor};
pub use reader::{Feed, FeedError, FeedPage, FeedRecord};
pub use statements::Holder;
pub(crate) use wake::Wake;
pub use watermark::FeedStanding;
