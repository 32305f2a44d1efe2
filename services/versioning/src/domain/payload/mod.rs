//! What people decide on: one typed payload for each full-versioning phase.
//!
//! A payload comes in as a typed struct (from the wire or from JSON), is checked, and is kept as
//! a [`Content`]: its JSON body, the schema version it was written in, and the hash of its
//! canonical form. Old schema versions stay readable for ever.

mod attribute_decision;
pub mod canonical;
mod changes;
pub mod check;
mod content;
mod fields;
mod json;
mod observation;
mod profiling_rule;
mod registry;
mod report_section;
mod sample;
mod scoping_decision;
mod words;

pub use attribute_decision::{AttributeDecision, DecisionType};
pub use changes::changed_fields;
pub use check::Check;
pub use content::{Content, NamedKey, PayloadBody, Place, UnknownSchema, check_item_key};
pub use fields::{Fields, Object};
pub use observation::{Observation, ObservationType, Severity};
pub use profiling_rule::{ProfilingRule, RuleType};
pub use registry::{PayloadError, PayloadRegistry, PayloadSpec};
pub use report_section::{ContentSource, ReportSection};
pub use sample::{Sample, SampleType};
pub use scoping_decision::{RiskRating, ScopingDecision};

pub(crate) use words::words;
