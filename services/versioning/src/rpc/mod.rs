//! Between the wire and the domain: no rules here.

pub mod decision;
pub mod inputs;
pub mod metadata;
pub mod paging;
pub mod payload;
pub mod version;
