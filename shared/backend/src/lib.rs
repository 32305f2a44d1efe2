//! What every writing service has in common between the wire and its ledger.
//!
//! A service is a [`Keeper`] of a trail: a [`Desk`] (its ledger, and the phases that it serves) with what
//! is its own beside it. If it keeps phases, it is a [`Backend`]. It has the commands of gates on [`Work`], the plumbing of calls and the
//! methods of gates and trail in [`rpc`], and its life as a process in [`serve`].

mod actor;
mod answer;
mod backend;
mod desk;
mod fault;
mod gates;
pub mod monitor;
mod refusal;
mod reopening;
pub mod rpc;
pub mod serve;
mod standing;
mod work;
mod workflow;

pub use actor::Actor;
pub use answer::Answer;
pub use backend::{Backend, Keeper};
pub use desk::{Desk, Order};
pub use fault::{Cause, Closed, Fault, GateRefused};
pub use gates::Sealed;
pub use refusal::{ServiceError, counted, named, precondition};
pub use standing::{Asked, Standing, Subject};
pub use work::{Work, differing};
pub use workflow::{OrderOfWorkflow, WorkflowChange};
