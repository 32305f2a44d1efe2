//! The rules: what each record counts for, and what the counts mean. No database, no wire.

pub mod count;
pub mod fact;
pub mod figure;
pub mod measure;
pub mod metric;
pub mod period;
pub mod record;
pub mod running;
pub mod sketch;
pub mod state;
#[cfg(test)]
mod story;
pub mod touch;
