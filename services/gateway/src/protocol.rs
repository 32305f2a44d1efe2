//! How phases are opened, reopened and freed of dead seals: what is sent to the backends in which
//! order, and how it goes on after each answer. Pure: whoever runs a program sends its messages and
//! tells it the answers.
//!
//! A program may end anywhere, by a crash or a lost answer; whoever comes next gets on from there.
//! `walk` looks at every state that two gateways, a crash and a late message can bring about,
//! over the ledger's own gates.

mod program;
#[cfg(test)]
mod walk;

pub use program::{Answer, End, Message, Program, Step};
