//! The story: the nine phases of one report in one test cycle, from planning to the final report; and
//! those of a second one, in which all tests pass.

mod cases;
mod course;
mod evidence;
mod observations;
mod owners;
mod planning;
mod profiling;
mod report;
mod requests;
mod samples;
mod scoping;
mod second;
mod team;
mod testing;

use std::fmt::Debug;

use anyhow::{Result, ensure};
use prost_types::{Struct, Value, value::Kind};
use serde_json::Value as Json;
use signoff_contract::convert::json_to_wire;
use signoff_contract::versioning::v1 as wire;

use super::data::attributes::{Attribute, attributes};
use super::desk::Desk;
use super::people::Cast;
use super::refusals::Refusal;
use super::stage::Stage;

/// How many items go in one call, so that a bar can move. A call takes up to 10,000.
const CHUNK: usize = 40;

/// A story while it is told.
pub(super) struct Story<'a> {
    /// Where it is told.
    pub(super) stage: &'a Stage,
    /// Who plays in it.
    pub(super) cast: &'a Cast,
    /// What was tried and refused so far.
    pub(super) refusals: Vec<Refusal>,
    /// The report's attributes.
    attributes: Vec<Attribute>,
}

/// Tells the story of the first report, and answers what was refused in it.
///
/// # Errors
/// The service refuses what it must allow, allows what it must refuse, or answers numbers that
/// are not the story's.
pub(super) async fn tell(stage: &Stage, cast: &Cast) -> Result<Vec<Refusal>> {
    let attributes = attributes()?;
    let mut story = Story { stage, cast, refusals: Vec::new(), attributes };
    story.gather_the_team("Schedule D.1 (credit cards)").await?;
    story.plan().await?;
    story.profile().await?;
    story.scope().await?;
    story.select_samples().await?;
    let plan = story.identify_owners().await?;
    let evidence = story.request_info(&plan).await?;
    story.execute(&plan, evidence).await?;
    story.observe(&plan).await?;
    story.finalize().await?;
    Ok(story.refusals)
}

/// Tells the story of the second one, in which nothing has to be observed.
///
/// # Errors
/// The same.
pub(super) async fn tell_second(stage: &Stage, cast: &Cast) -> Result<Vec<Refusal>> {
    let attributes = attributes()?;
    let mut story = Story { stage, cast, refusals: Vec::new(), attributes };
    story.gather_the_team("Schedule D.1, a small portfolio").await?;
    story.all_tests_pass().await?;
    Ok(story.refusals)
}

impl Story<'_> {
    /// Puts items forward in a draft, chunk by chunk.
    async fn put_forward(
        &self,
        desk: &mut Desk,
        mut version: wire::Version,
        inputs: Vec<wire::DecisionInput>,
        what: &str,
    ) -> Result<wire::Version> {
        let before = counts(&version).total;
        let bar = self.stage.bar(what, inputs.len());
        for chunk in inputs.chunks(CHUNK) {
            version = desk.add(&version.version_id, chunk.to_vec()).await?;
            bar.at(counts(&version).total - before);
        }
        Ok(version)
    }
}

/// The counts of a version, as the service keeps them.
pub(super) fn counts(version: &wire::Version) -> wire::VersionCounts {
    version.counts.unwrap_or_default()
}

/// Compares an answer with the story.
///
/// # Errors
/// They differ.
pub(super) fn holds<T: PartialEq + Debug>(what: &str, answered: T, told: T) -> Result<()> {
    ensure!(answered == told, "{what}: the service says {answered:?}, the story says {told:?}");
    Ok(())
}

/// A free-form object for the wire.
fn object(json: &Json) -> Result<Struct> {
    Ok(json_to_wire(json)?)
}

/// A number in a free-form object.
fn number(object: Option<&Struct>, name: &str) -> Option<f64> {
    match object?.fields.get(name)?.kind {
        Some(Kind::NumberValue(number)) => Some(number),
        _ => None,
    }
}

/// A text in a free-form object.
fn text(object: Option<&Struct>, name: &str) -> Option<String> {
    match &object?.fields.get(name)?.kind {
        Some(Kind::StringValue(text)) => Some(text.clone()),
        _ => None,
    }
}

/// A changed number in the parameters of a rule's definition.
fn with_parameter(definition: &Struct, name: &str, number: f64) -> Struct {
    let mut changed = definition.clone();
    if let Some(Kind::StructValue(parameters)) =
        changed.fields.get_mut("parameters").and_then(|value| value.kind.as_mut())
    {
        let value = Value { kind: Some(Kind::NumberValue(number)) };
        parameters.fields.insert(name.to_owned(), value);
    }
    changed
}

/// A filter that lets everything through.
fn all() -> wire::DecisionFilter {
    wire::DecisionFilter::default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_from_the_story_is_told() {
        assert!(holds("samples", 100, 100).is_ok());
        let error = holds("samples", 99, 100).unwrap_err().to_string();
        assert_eq!(error, "samples: the service says 99, the story says 100");
    }

    #[test]
    fn a_parameter_is_changed_and_the_rest_stays() {
        let rule = json!({"check": "outliers", "parameters": {"deviations": 4, "against": "x"}});
        let changed = with_parameter(&object(&rule).unwrap(), "deviations", 3.0);
        let expected =
            json!({"check": "outliers", "parameters": {"deviations": 3, "against": "x"}});
        assert_eq!(changed, object(&expected).unwrap());
    }

    #[test]
    fn only_numbers_are_numbers() {
        let data = object(&json!({"CycleEndingBalance": 12.5, "AccountState": "TX"})).unwrap();
        assert_eq!(number(Some(&data), "CycleEndingBalance"), Some(12.5));
        assert_eq!(number(Some(&data), "AccountState"), None);
        assert_eq!(number(None, "CycleEndingBalance"), None);
        assert_eq!(text(Some(&data), "AccountState").as_deref(), Some("TX"));
        assert_eq!(text(Some(&data), "CycleEndingBalance"), None);
    }
}
