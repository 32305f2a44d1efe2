//! The service against small models of itself.
