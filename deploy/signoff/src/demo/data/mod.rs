//! What the demo works on: a report's attributes, accounts that are generated the same every
//! time, and what people would recommend about them.

pub mod accounts;
pub mod attributes;
pub mod extracts;
pub mod format;
mod generate;
pub mod rules;
pub mod scoping;
pub mod selection;
