//! The rule of the dependency graph, compared with a second one that is written from the words
//! and not from the table.

mod boards;
mod course;
mod exhaustive;
mod oracle;
mod random;
mod words;
