//! Observation Management: what a test showed (seed 002, part H).

use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::check::MAX_NAME;
use super::{Check, Content, Fields, NamedKey, Object, PayloadBody, words};

words! {
    /// What an observation is.
    pub enum ObservationType {
        /// Something is wrong.
        Finding = "finding",
        /// Something could be better.
        Recommendation = "recommendation",
        /// A rule is broken.
        ComplianceIssue = "compliance_issue",
    }
}

words! {
    /// How bad it is.
    pub enum Severity {
        /// Stops everything.
        Critical = "critical",
        /// Bad.
        High = "high",
        /// Less so.
        Medium = "medium",
        /// Hardly.
        Low = "low",
    }
}

/// An observation. The item's key is of the client's choice.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// What it is.
    pub observation_type: ObservationType,
    /// How bad it is.
    pub severity: Severity,
    /// Free-form.
    #[serde(default)]
    pub observation_data: Option<Object>,
    /// The test executions that it stems from.
    #[serde(default)]
    pub execution_ids: Vec<Uuid>,
    /// Documents and the like.
    #[serde(default)]
    pub evidence_references: Vec<String>,
    /// How far the remedy is.
    #[serde(default)]
    pub remediation_status: String,
    /// Until when it is due.
    #[serde(default)]
    pub remediation_deadline: Option<NaiveDate>,
}

impl Observation {
    /// The executions that a content names, in order; none if it is no observation.
    pub fn executions_of(content: &Content) -> impl Iterator<Item = Uuid> {
        let of = (content.kind == Self::KIND).then_some(&content.body);
        let ids = of.and_then(|body| body.get("execution_ids")).and_then(Value::as_array);
        ids.into_iter().flatten().filter_map(|id| Uuid::try_parse(id.as_str()?).ok())
    }
}

impl PayloadBody for Observation {
    const KIND: &'static str = "observation";
    const SCHEMA: i16 = 1;

    fn check(&self, check: &mut Check<'_>) {
        check.object("observation_data", self.observation_data.as_ref());
        check.entries("execution_ids", self.execution_ids.len());
        check.names("evidence_references", &self.evidence_references);
        check.text("remediation_status", &self.remediation_status, MAX_NAME);
        check.date("remediation_deadline", self.remediation_deadline);
    }

    fn named_key(&self) -> NamedKey<'_> {
        NamedKey::Free
    }

    fn into_body(self) -> Value {
        Fields::new()
            .word("observation_type", self.observation_type.word())
            .word("severity", self.severity.word())
            .object("observation_data", self.observation_data)
            .ids("execution_ids", self.execution_ids)
            .texts("evidence_references", self.evidence_references)
            .text("remediation_status", self.remediation_status)
            .date("remediation_deadline", self.remediation_deadline)
            .into_body()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_observations_name_executions() {
        let ids = [Uuid::from_u128(2), Uuid::from_u128(1)];
        let of = |kind| {
            let body = json!({ "execution_ids": ids });
            let item_key = "O-1".to_owned();
            let content =
                Content { item_key, kind, schema: 1, body, hash: [0; 32], counted: false };
            Observation::executions_of(&content).collect::<Vec<_>>()
        };
        assert_eq!(of(Observation::KIND), ids);
        assert!(of("sample").is_empty());
    }
}
