//! Journeys through the public API, over real sockets and a real PostgreSQL.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod access;
mod approving;
mod bad_input;
mod changes;
mod closing;
mod comparing;
mod coverage;
mod drafting;
mod etags;
mod executions;
mod exported_trail;
mod exporting;
mod facts;
mod filters;
mod finalize;
mod gates;
mod idempotency;
mod importing;
mod makers;
mod modifications;
mod numbers;
mod observations;
mod paging;
mod planning;
mod profiling;
mod reopening;
mod sample_story;
mod samples;
mod scopes;
mod scoping;
mod seals;
mod second_thoughts;
mod sections;
mod sign_offs;
mod tampering;
mod trail;
mod transitions;
mod unsigned;
