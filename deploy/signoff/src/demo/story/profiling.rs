//! Data Profiling: hundreds of rules recommended, ruled on, some changed by the reviewer; and a
//! second version, in which some of the rejected come back.

use anyhow::{Context, Result};
use serde_json::json;
use signoff_contract::versioning::v1 as wire;
use signoff_workflow::Phase;
use wire::payload::Kind;
use wire::version_metadata::Kind as Metadata;

use super::{CHUNK, Story, all, counts, holds, object, with_parameter};
use crate::demo::data::accounts::PERIOD;
use crate::demo::data::rules::{Rule, rules};

/// The rules that are recommended first.
const RULES: i32 = 461;
/// Those of them that the report owner rejects.
const REJECTED: i32 = 49;
/// Those of them that the report owner changes.
const MODIFIED: i32 = 8;
/// A rejected rule that the tester brings back as it was.
const BACK_UNCHANGED: &str = "D1-001-trim";
/// A rejected rule that the tester brings back narrowed.
const BACK_NARROWED: &str = "D1-002-trim";
/// An approved rule that the tester sharpens.
const SHARPENED: &str = "D1-015-outliers";
/// A rule that nobody thought of before.
const NEW: &str = "D1-015-within-limit";

impl Story<'_> {
    /// Tells the phase.
    pub(super) async fn profile(&mut self) -> Result<()> {
        self.enter(Phase::DATA_PROFILING)?;
        self.start(Phase::DATA_PROFILING).await?;
        self.try_to_change_what_is_sealed().await?;
        let rules = rules(&self.attributes);
        let version = self.recommend_rules(&rules).await?;
        self.review_rules(&version.version_id).await?;
        self.improve_rules(&rules).await
    }

    /// Version 1 is put forward: checks by the tester, the rest by the model.
    async fn recommend_rules(&mut self, rules: &[Rule]) -> Result<wire::Version> {
        let (stage, tess, llm) = (self.stage, &self.cast.tess, &self.cast.llm);
        let (mut tester, mut model) =
            (tess.at(Phase::DATA_PROFILING), llm.at(Phase::DATA_PROFILING));
        let inputs = rules.iter().map(input).collect::<Result<Vec<_>>>()?;
        let (hers, theirs): (Vec<_>, Vec<_>) = inputs
            .into_iter()
            .partition(|input| input.source() == wire::RecommendationSource::Tester);

        let metadata = wire::DataProfilingMetadata {
            source_data_reference: Some(object(&json!({"table": "cards", "period": PERIOD}))?),
            profiling_parameters: Some(object(&json!({"sample": "all records"}))?),
        };
        let metadata = Metadata::DataProfiling(metadata);
        let version = tester.create("rules from the schedule", metadata, Vec::new()).await?;
        let hers = self.put_forward(&mut tester, version, hers, "rules by Tess").await?;
        let text = format!("recommends {} rules", counts(&hers).total);
        stage.says(tess.name, &format!("{text} (version {})", hers.number));
        let version =
            self.put_forward(&mut model, hers.clone(), theirs, "rules by the LLM").await?;
        let added = counts(&version).total - counts(&hers).total;
        stage.says(llm.name, &format!("recommends {added} more, on Tess's behalf"));
        holds("rules recommended", counts(&version).pending, RULES)?;
        self.try_a_stale_etag(&hers).await?;
        let version = tester.submit(&version, "ready").await.context("submitting")?;
        let total = counts(&version).total;
        stage.says(tess.name, &format!("reads it again and submits {total} rules"));
        Ok(version)
    }

    /// Version 1 is ruled on, its changes confirmed, and approved.
    async fn review_rules(&self, version_id: &str) -> Result<()> {
        let (stage, tess, owen) = (self.stage, &self.cast.tess, &self.cast.owen);
        let (mut tester, mut owner) =
            (tess.at(Phase::DATA_PROFILING), owen.at(Phase::DATA_PROFILING));
        let decisions = owner.decisions(version_id, all()).await?;
        let reviews: Vec<wire::Review> = decisions.iter().filter_map(objection).collect();
        let bar = stage.bar("ruling on rules", decisions.len());
        for chunk in reviews.chunks(CHUNK) {
            let ruled = counts(&owner.review(version_id, chunk.to_vec()).await?);
            bar.at(ruled.rejected + ruled.modified);
        }
        let ruled = counts(&owner.approve_remaining(version_id, "").await.context("ruling")?);
        bar.at(ruled.total - ruled.pending);
        drop(bar);
        holds("rules rejected", ruled.rejected, REJECTED)?;
        holds("rules changed by the reviewer", ruled.unconfirmed, MODIFIED)?;
        holds("rules approved", ruled.approved, RULES - REJECTED - MODIFIED)?;
        let (approved, rejected) = (ruled.approved, ruled.rejected);
        let text = format!("approves {approved} rules, rejects {rejected} with reasons");
        let text = format!("{text} and accepts {} as changed by him", ruled.modified);
        stage.says(owen.name, &text);

        let modified = wire::DecisionFilter {
            states: vec![wire::DecisionState::Modified.into()],
            ..Default::default()
        };
        let changed = tester.decisions(version_id, modified.clone()).await?;
        let ids = changed.into_iter().map(|decision| decision.decision_id).collect();
        let version = tester.confirm(version_id, ids).await.context("confirming")?;
        holds("changes left to confirm", counts(&version).unconfirmed, 0)?;
        let confirmed = tester.decisions(version_id, modified).await?;
        let confirmed = confirmed.iter().filter(|decision| decision.confirmed_at.is_some()).count();
        stage.says(tess.name, &format!("confirms his {confirmed} changes"));
        let version = owner.approve(version_id, "a good start").await.context("approving")?;
        stage.says(owen.name, &format!("approves version {}", version.number));
        Ok(())
    }

    /// Version 2: two rejected rules come back, one is sharpened, one is new.
    async fn improve_rules(&self, rules: &[Rule]) -> Result<()> {
        let (stage, tess, owen) = (self.stage, &self.cast.tess, &self.cast.owen);
        let (mut tester, mut owner) =
            (tess.at(Phase::DATA_PROFILING), owen.at(Phase::DATA_PROFILING));
        let version = tester.revise("what the first run showed", improvements(rules)?).await?;
        let filter =
            wire::DecisionFilter { item_key_prefix: SHARPENED.to_owned(), ..Default::default() };
        let carried = tester.decisions(&version.version_id, filter).await?;
        let carried = carried.first().context("the rule to sharpen was not carried")?;
        let edited = tester
            .update(carried, sharpened(carried)?, "4 deviations hid a wrong month")
            .await
            .context("sharpening a rule")?;
        holds("an edited rule is pending", edited.state(), wire::DecisionState::Pending)?;

        let version = tester.client.get_version(wire::GetVersionRequest {
            scope: Some(tester.scope.clone()),
            version_id: version.version_id,
        });
        let version = version.await?.into_inner().version.context("a version")?;
        let drafted = counts(&version);
        holds("rules carried", drafted.carried, RULES - REJECTED - 1)?;
        holds("rules to rule on", drafted.pending, 4)?;
        let text = format!("revises: {} rules are carried forward", drafted.carried);
        let text = format!("{text}, {} are new, changed or back", drafted.pending);
        stage.says(tess.name, &format!("{text} (version {})", version.number));

        let version = tester.submit(&version, "improved").await.context("submitting")?;
        let version_id = version.version_id;
        owner.approve_remaining(&version_id, "").await.context("ruling")?;
        let version = owner.approve(&version_id, "better").await.context("approving")?;
        let total = counts(&version).total;
        let text = format!("approves version {} with {total} rules", version.number);
        stage.says(owen.name, &format!("{text}; it supersedes the one before"));
        Ok(())
    }
}

pub(super) fn input(rule: &Rule) -> Result<wire::DecisionInput> {
    let source = match rule.rule_type {
        wire::RuleType::Validation => wire::RecommendationSource::Tester,
        _ => wire::RecommendationSource::Llm,
    };
    let payload = wire::ProfilingRule {
        rule_type: rule.rule_type.into(),
        rule_definition: Some(object(&rule.definition)?),
        attribute_id: rule.attribute_id.to_string(),
    };
    Ok(wire::DecisionInput {
        item_key: rule.key.clone(),
        source: source.into(),
        recommendation_reason: rule.reason.clone(),
        recommendation_metadata: None,
        payload: Some(wire::Payload { kind: Some(Kind::ProfilingRule(payload)) }),
    })
}

/// The rule that a decision is about.
fn rule_of(decision: &wire::Decision) -> Option<&wire::ProfilingRule> {
    match decision.effective_payload.as_ref()?.kind.as_ref()? {
        Kind::ProfilingRule(rule) => Some(rule),
        _ => None,
    }
}

/// What the report owner has against a rule, if anything.
fn objection(decision: &wire::Decision) -> Option<wire::Review> {
    let rule = rule_of(decision)?;
    let definition = rule.rule_definition.as_ref()?;
    let reject = |notes: &str| wire::Review {
        decision_id: decision.decision_id.clone(),
        verdict: wire::Verdict::Rejected.into(),
        notes: notes.to_owned(),
        ..Default::default()
    };
    let check = decision.item_key.splitn(3, '-').nth(2)?;
    match check {
        "trim" => Some(reject("The warehouse trims texts when it loads them.")),
        "range" if is_code(definition) => {
            Some(reject("A code is compared with its list, not with a range."))
        }
        "fill-rate" => {
            let narrower = with_parameter(definition, "largest_change", 0.05);
            let rule = wire::ProfilingRule { rule_definition: Some(narrower), ..rule.clone() };
            Some(wire::Review {
                decision_id: decision.decision_id.clone(),
                verdict: wire::Verdict::Modified.into(),
                modified_payload: Some(wire::Payload { kind: Some(Kind::ProfilingRule(rule)) }),
                modification_reason: "10 % would have hidden last year's gap.".to_owned(),
                ..Default::default()
            })
        }
        _ => None,
    }
}

/// Whether a range is that of a number with one digit.
fn is_code(definition: &prost_types::Struct) -> bool {
    use prost_types::value::Kind as Json;
    let parameters = definition.fields.get("parameters").and_then(|value| value.kind.as_ref());
    let Some(Json::StructValue(parameters)) = parameters else { return false };
    let most = parameters.fields.get("at_most").and_then(|value| value.kind.as_ref());
    matches!(most, Some(Json::StringValue(most)) if most.len() == 1)
}

/// What the tester puts forward for version 2.
fn improvements(rules: &[Rule]) -> Result<Vec<wire::DecisionInput>> {
    let known = |key: &str| {
        let found = rules.iter().find(|rule| rule.key == key);
        found.cloned().with_context(|| format!("there is no rule {key}"))
    };
    let unchanged = Rule {
        reason: "This key comes from the branches, which do not trim.".to_owned(),
        ..known(BACK_UNCHANGED)?
    };
    let mut narrowed = known(BACK_NARROWED)?;
    narrowed.definition["parameters"] = json!({"sides": "right"});
    narrowed.reason = "The warehouse trims the left only.".to_owned();
    let sharpened = known(SHARPENED)?;
    let new = Rule {
        key: NEW.to_owned(),
        rule_type: wire::RuleType::Validation,
        definition: json!({
            "check": "within-limit",
            "field": "CycleEndingBalance",
            "parameters": {"limit": "CurrentCreditLimit", "at_most": 1.1},
        }),
        reason: "Who owes more than a tenth above the limit is looked at.".to_owned(),
        ..sharpened
    };
    let inputs = [unchanged, narrowed, new].iter().map(input).collect::<Result<Vec<_>>>()?;
    let tester = wire::RecommendationSource::Tester.into();
    Ok(inputs.into_iter().map(|input| wire::DecisionInput { source: tester, ..input }).collect())
}

/// The rule with fewer deviations allowed.
fn sharpened(decision: &wire::Decision) -> Result<wire::Payload> {
    let rule = rule_of(decision).context("no profiling rule")?;
    let definition = rule.rule_definition.as_ref().context("a rule without definition")?;
    let rule = wire::ProfilingRule {
        rule_definition: Some(with_parameter(definition, "deviations", 3.0)),
        ..rule.clone()
    };
    Ok(wire::Payload { kind: Some(Kind::ProfilingRule(rule)) })
}
