//! Whether a phase may change: it was opened, what it rests on still stands, and nobody rests
//! on it.
//!
//! A phase is opened in three steps. It gives out the number of an *attempt*; every phase that
//! it rests on is *sealed* in the name of that attempt; then it is opened, if the attempt is
//! still its current one. An attempt that did not get there is *fenced*: from then on it never
//! will, and the seals made for it are released. Nothing is released because of time.
//!
//! A phase is reopened in three steps, too. A durable *mark* refuses changes and new seals;
//! everything downstream is marked *stale*, nearest first; then the mark goes, and so does who held
//! the phase. Whoever meets the mark goes through these steps again. A stale phase is *reaffirmed*
//! by opening it again.
//!
//! Whether a phase is complete, and which phases it must rest on, the service says.

mod rules;
pub(crate) mod store;

pub(crate) use store::all;
pub use store::load;

pub use rules::{
    BeginRefused, ChangeRefused, Fenced, Foundation, Gate, OpenRefused, Opened, ReopenRefused,
    SealRefused, Stale, TrailHead,
};
