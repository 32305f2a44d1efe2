//! What holds when things go wrong.

mod attempts;
mod away;
mod headers;
mod indexes;
mod killed;
mod races;
mod rows;
mod writers;
