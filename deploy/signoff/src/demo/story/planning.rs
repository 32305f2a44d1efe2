//! Planning: the tester puts the report's attributes forward and approves them herself.

use anyhow::{Context, Result};
use serde_json::json;
use signoff_contract::versioning::v1 as wire;
use signoff_workflow::Phase;
use wire::payload::Kind;
use wire::version_metadata::Kind as Metadata;

use super::{Story, all, counts, holds, object};
use crate::demo::data::attributes::Attribute;

/// The attributes of the report.
const ATTRIBUTES: i32 = 118;
/// Those of them that are keys.
const KEYS: usize = 4;

impl Story<'_> {
    /// Tells the phase.
    pub(super) async fn plan(&mut self) -> Result<()> {
        self.enter(Phase::PLANNING)?;
        let (stage, tess) = (self.stage, &self.cast.tess);
        let mut desk = tess.at(Phase::PLANNING);

        let about = json!({"report": "FR Y-14M", "schedule": "D.1", "about": "credit cards"});
        let metadata = wire::PlanningMetadata { planning_metadata: Some(object(&about)?) };
        let inputs = self.attributes.iter().map(input).collect::<Result<Vec<_>>>()?;
        let version =
            desk.create("all of the schedule", Metadata::Planning(metadata), inputs).await?;
        self.tell_grounds(Phase::PLANNING).await?;
        holds("attributes put forward", counts(&version).pending, ATTRIBUTES)?;
        let keys = desk
            .decisions(&version.version_id, all())
            .await?
            .iter()
            .filter(|decision| is_key(decision))
            .count();
        holds("keys among the attributes", keys, KEYS)?;
        let total = counts(&version).total;
        let text = format!("puts {total} attributes forward, {keys} of them keys");
        stage.says(tess.name, &format!("{text} (version {})", version.number));

        let version = desk.submit(&version, "ready").await.context("submitting")?;
        let version = desk.approve_remaining(&version.version_id, "").await.context("ruling")?;
        holds("attributes approved", counts(&version).approved, ATTRIBUTES)?;
        let version = desk.approve(&version.version_id, "the plan").await.context("approving")?;
        holds("self-approval on record", version.self_approved, true)?;
        let approved = counts(&version).approved;
        let text = format!("approves all {approved} and the version: self-approval, on record as");
        stage.says(tess.name, &format!("{text} such; Planning alone allows it"));
        Ok(())
    }
}

pub(super) fn input(attribute: &Attribute) -> Result<wire::DecisionInput> {
    let attribute_id = attribute.attribute_id.to_string();
    let data = json!({
        "line_item": attribute.line_item,
        "technical_name": attribute.technical_name,
        "mdrm": attribute.mdrm,
        "dynamic": attribute.dynamic,
        "mandatory": attribute.mandatory,
        "format": attribute.format.in_words(),
    });
    let payload = wire::AttributeDecision {
        attribute_id: attribute_id.clone(),
        attribute_name: attribute.name.clone(),
        is_key: attribute.is_key,
        attribute_data: Some(object(&data)?),
        decision_type: wire::DecisionType::Include.into(),
        decision_reason: "it is on the schedule".to_owned(),
        ..Default::default()
    };
    Ok(wire::DecisionInput {
        item_key: attribute_id,
        source: wire::RecommendationSource::Tester.into(),
        recommendation_reason: format!("line {} of the schedule", attribute.line_item),
        recommendation_metadata: None,
        payload: Some(wire::Payload { kind: Some(Kind::AttributeDecision(payload)) }),
    })
}

fn is_key(decision: &wire::Decision) -> bool {
    let payload = decision.effective_payload.as_ref().and_then(|payload| payload.kind.as_ref());
    matches!(payload, Some(Kind::AttributeDecision(attribute)) if attribute.is_key)
}
