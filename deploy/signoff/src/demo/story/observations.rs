//! Observation Management: what failed is put forward, lane by lane and attribute by attribute, and
//! ruled on.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::json;
use signoff_contract::audit::v1 as audit;
use signoff_contract::versioning::v1 as wire;
use signoff_workflow::Phase;
use wire::payload::Kind;
use wire::version_metadata::Kind as Metadata;

use super::cases::Plan;
use super::{Story, all, counts, holds, object};
use crate::demo::data::accounts::LineOfBusiness;

/// Until when a remedy is due.
const DUE: &str = "2026-12-31";

/// What failed in one lane, of one attribute.
#[derive(Default)]
struct Failed {
    execution_ids: Vec<String>,
    /// Whether the tests came to no result.
    unclear: bool,
}

impl Story<'_> {
    /// Tells the phase.
    pub(super) async fn observe(&mut self, plan: &Plan) -> Result<()> {
        self.enter(Phase::OBSERVATION_MANAGEMENT)?;
        self.try_to_finalize_too_early().await?;
        let (stage, tess, owen) = (self.stage, &self.cast.tess, &self.cast.owen);
        let (mut tester, mut owner) =
            (tess.at(Phase::OBSERVATION_MANAGEMENT), owen.at(Phase::OBSERVATION_MANAGEMENT));
        let failed = self.failed(plan).await?;
        let executions: usize = failed.values().map(|one| one.execution_ids.len()).sum();
        let inputs = failed.iter().map(|(about, one)| input(about, one)).collect::<Result<_>>()?;
        let period = object(&json!({"start": "2026-09-01", "end": "2026-09-30"}))?;
        let metadata =
            wire::ObservationMetadata { observation_period: Some(period), ..Default::default() };
        let metadata = Metadata::ObservationManagement(metadata);
        let version = tester.create("what the tests showed", metadata, inputs).await;
        let version = version.context("putting observations forward")?;
        self.tell_grounds(Phase::OBSERVATION_MANAGEMENT).await?;
        holds("observations", usize::try_from(counts(&version).total)?, failed.len())?;
        let text = format!("puts {} observations forward", counts(&version).total);
        stage.says(tess.name, &format!("{text}, on {executions} tests that did not pass"));
        for ((lob, attribute), one) in &failed {
            let tests = one.execution_ids.len();
            stage.says("", &format!("{tests:>4} {attribute}, {}", lob.name()));
        }
        let version = tester.submit(&version, "for ruling").await.context("submitting")?;

        self.try_to_finalize_with_one_open().await?;

        let decisions = owner.decisions(&version.version_id, all()).await?;
        let unclear: Vec<wire::Review> = decisions.iter().filter_map(accepted).collect();
        let accepted = unclear.len();
        holds("observations that are none", accepted, 1)?;
        owner.review(&version.version_id, unclear).await.context("ruling")?;
        stage.says(owen.name, "accepts one without a finding: no bureau scores such accounts");
        let version = owner.approve_remaining(&version.version_id, "agreed").await;
        let version = version.context("ruling")?;
        let version = owner.approve(&version.version_id, "to be remedied").await;
        let version = version.context("approving")?;
        let approved = counts(&version).approved;
        holds("observations approved", usize::try_from(approved)?, failed.len() - accepted)?;
        stage.says(owen.name, &format!("approves the other {approved}, and the version"));
        Ok(())
    }

    /// The latest executions that did not pass.
    async fn failed(&self, plan: &Plan) -> Result<BTreeMap<(LineOfBusiness, String), Failed>> {
        let mut desk = self.cast.tess.audit_at(Phase::TEST_EXECUTION);
        let mut failed: BTreeMap<_, Failed> = BTreeMap::new();
        for tested in desk.test_cases("").await? {
            let result = tested.result();
            if result == audit::ExecutionResult::Pass {
                continue;
            }
            let case = plan.case(&tested.test_case_id).context("a case of no plan")?;
            let about = (case.lob, case.cell.attribute.clone());
            let entry = failed.entry(about).or_default();
            entry.unclear = result == audit::ExecutionResult::Inconclusive;
            entry.execution_ids.push(tested.latest_execution_id);
        }
        Ok(failed)
    }
}

fn input(
    (lob, attribute): &(LineOfBusiness, String),
    failed: &Failed,
) -> Result<wire::DecisionInput> {
    let (kind, severity) = if failed.unclear {
        (wire::ObservationType::Recommendation, wire::Severity::Low)
    } else {
        (wire::ObservationType::Finding, wire::Severity::High)
    };
    let data = json!({"line_of_business": lob.name(), "attribute": attribute,
                      "test_cases": failed.execution_ids.len(), "inconclusive": failed.unclear});
    let observation = wire::Observation {
        observation_type: kind.into(),
        severity: severity.into(),
        observation_data: Some(object(&data)?),
        execution_ids: failed.execution_ids.clone(),
        evidence_references: Vec::new(),
        remediation_status: "open".to_owned(),
        remediation_deadline: DUE.to_owned(),
    };
    Ok(wire::DecisionInput {
        item_key: format!("{}: {attribute}", lob.name()),
        source: wire::RecommendationSource::Tester.into(),
        recommendation_reason: "tests did not pass".to_owned(),
        recommendation_metadata: None,
        payload: Some(wire::Payload { kind: Some(Kind::Observation(observation)) }),
    })
}

/// The rejection of an observation that is none: what it covers stays covered.
fn accepted(decision: &wire::Decision) -> Option<wire::Review> {
    match decision.payload.as_ref()?.kind.as_ref()? {
        Kind::Observation(one) if one.severity() == wire::Severity::Low => Some(wire::Review {
            decision_id: decision.decision_id.clone(),
            verdict: wire::Verdict::Rejected.into(),
            notes: "No bureau scores such accounts.".to_owned(),
            disposition: wire::Disposition::AcceptedWithoutFinding.into(),
            ..Default::default()
        }),
        _ => None,
    }
}
