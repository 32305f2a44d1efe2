//! Scoping: which of the attributes that are no keys are tested in this cycle.

use anyhow::{Context, Result, bail};
use serde_json::json;
use signoff_contract::versioning::v1 as wire;
use signoff_workflow::Phase;
use wire::payload::Kind;
use wire::version_metadata::Kind as Metadata;

use super::{Story, counts, holds, object};
use crate::demo::data::scoping::{Choice, choices};

/// The attributes that are no keys.
const TESTABLE: i32 = 114;
/// Those of them that are in scope.
const IN_SCOPE: i32 = 5;

impl Story<'_> {
    /// Tells the phase.
    pub(super) async fn scope(&mut self) -> Result<()> {
        self.enter(Phase::SCOPING)?;
        let (stage, tess, owen) = (self.stage, &self.cast.tess, &self.cast.owen);
        let (mut tester, mut owner) = (tess.at(Phase::SCOPING), owen.at(Phase::SCOPING));

        let criteria = json!({"in_scope": "what losses are reckoned from; the rest has its turn"});
        let metadata = wire::ScopingMetadata {
            scoping_criteria: Some(object(&criteria)?),
            ..Default::default()
        };
        let inputs = choices(&self.attributes).into_iter().map(input).collect();
        let version = tester.create("by risk", Metadata::Scoping(metadata), inputs).await?;
        self.tell_grounds(Phase::SCOPING).await?;
        let (total, scoped) = totals(&version)?;
        holds("attributes to scope", total, TESTABLE)?;
        holds("attributes in scope", scoped, IN_SCOPE)?;
        let text = format!("decides on {total} attributes: {scoped} in scope");
        stage.says(tess.name, &format!("{text} (version {})", version.number));
        let version = tester.submit(&version, "by risk").await.context("submitting")?;
        stage.says(tess.name, "submits the version");
        self.make_tess_an_owner_too().await?;
        self.try_to_approve_ones_own(&version.version_id).await?;
        self.make_tess_a_tester_again().await?;

        let version = owner.approve_remaining(&version.version_id, "").await.context("ruling")?;
        let version = owner.approve(&version.version_id, "agreed").await.context("approving")?;
        holds("scoping decisions approved", counts(&version).approved, TESTABLE)?;
        let approved = counts(&version).approved;
        stage.says(owen.name, &format!("approves all {approved} decisions, and the version"));
        Ok(())
    }
}

pub(super) fn input(choice: Choice) -> wire::DecisionInput {
    let attribute_id = choice.attribute_id.to_string();
    let payload = wire::ScopingDecision {
        attribute_id: attribute_id.clone(),
        is_in_scope: choice.in_scope,
        scoping_rationale: choice.rationale,
        risk_rating: choice.risk.into(),
    };
    wire::DecisionInput {
        item_key: attribute_id,
        source: wire::RecommendationSource::Tester.into(),
        payload: Some(wire::Payload { kind: Some(Kind::ScopingDecision(payload)) }),
        ..Default::default()
    }
}

/// All attributes and those in scope, as the service derives them.
fn totals(version: &wire::Version) -> Result<(i32, i32)> {
    match version.metadata.as_ref().and_then(|metadata| metadata.kind.as_ref()) {
        Some(Metadata::Scoping(scoping)) => {
            Ok((scoping.total_attributes, scoping.scoped_attributes))
        }
        _ => bail!("the version of Scoping has no scoping metadata"),
    }
}
