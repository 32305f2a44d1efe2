//! Journeys through the public API, over real sockets and a real PostgreSQL.

mod sample_story;
