//! What a version says about itself: one typed message for each full-versioning phase.
//!
//! Kept as JSON in the version's header, with its schema version. Totals and sizes are derived
//! from the header's counts whenever they are answered, and never kept.

mod change;
mod data_profiling;
mod kinds;
mod observation_management;
mod planning;
mod sample_selection;
mod scoping;
mod terms;
mod test_report;

use serde::de::DeserializeOwned;
use serde_json::Value;
use signoff_workflow::Violations;
use uuid::Uuid;

use super::payload::{Check, PayloadBody};

pub use change::MetadataChange;
pub use data_profiling::DataProfilingMetadata;
pub use kinds::{Kind, Unreadable};
pub use observation_management::ObservationMetadata;
pub use planning::PlanningMetadata;
pub use sample_selection::{MAX_TARGET, SampleSelectionMetadata};
pub use scoping::ScopingMetadata;
pub use terms::Terms;
pub use test_report::{GenerationMethod, TestReportMetadata};

/// The schema version of all metadata that is written now, and of headers without any.
pub const SCHEMA: i16 = 1;

/// A kind of metadata.
pub trait MetadataBody: DeserializeOwned + Default {
    /// The payload that the versions of the same phase hold.
    type Payload: PayloadBody;
    /// Its name on the wire.
    const NAME: &'static str;
    /// The fields that can be set, by their names on the wire and in the JSON form.
    const FIELDS: &'static [&'static str];

    /// Notes everything that is wrong with its fields.
    fn check(&self, check: &mut Check<'_>);

    /// Whether the version does without the phase's approver, where the phase table names somebody
    /// in their place.
    fn waives_approver(&self) -> bool {
        false
    }

    /// The keys of the items that the version means to show: they must be there.
    fn shown_items(&self) -> &[String] {
        &[]
    }

    /// Its JSON form, in the schema [`SCHEMA`].
    fn into_body(self) -> Value;
}

/// Valid metadata, as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    /// The schema version of the body.
    pub schema: i16,
    /// The metadata as a JSON object.
    pub body: Value,
}

impl Metadata {
    /// Checks metadata and closes it up. Whatever is wrong is noted, and nothing answered; so it
    /// is where something was noted before, after `total_before` violations.
    pub fn close<M: MetadataBody>(
        metadata: M,
        path: std::fmt::Arguments<'_>,
        total_before: usize,
        violations: &mut Violations,
    ) -> Option<Self> {
        metadata.check(&mut Check::new(path, violations));
        (violations.total() == total_before)
            .then(|| Self { schema: SCHEMA, body: metadata.into_body() })
    }
}

/// What a version's header says, beside its metadata: the source of derived numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Derived {
    /// The items in the version.
    pub total: i32,
    /// Those of them that count: in scope, in Scoping.
    pub counted: i32,
    /// The sources of what was put forward, by name.
    pub sources: Vec<&'static str>,
    /// The rendered document, once it was attached.
    pub final_document: Option<Uuid>,
}

#[cfg(test)]
mod tests;
