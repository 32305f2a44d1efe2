//! Journeys through the public API, over real sockets and a real PostgreSQL.

mod drafting;
mod numbers;
mod sample_story;
mod transitions;
