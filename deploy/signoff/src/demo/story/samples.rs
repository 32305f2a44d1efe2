//! Sample Selection: 100 recommended, 80 approved and 20 rejected; ten more asked for; a second
//! version with 80 carried and 10 new (seed 001).

use std::collections::HashSet;

use anyhow::{Context, Result, bail};
use serde_json::json;
use signoff_contract::versioning::v1 as wire;
use signoff_workflow::Phase;
use wire::payload::Kind;
use wire::version_metadata::Kind as Metadata;

use super::{CHUNK, Story, all, counts, holds, number, object};
use crate::demo::data::accounts::accounts;
use crate::demo::data::selection::{Selected, Sizes, select};

/// The first selection.
const FIRST: Sizes = Sizes { population: 60, targeted: 20, risk_based: 20 };
/// The additional one.
const MORE: Sizes = Sizes { population: 6, targeted: 2, risk_based: 2 };
/// How many of the cross-section the report owner rejects.
const REJECTED_POPULATION: usize = 12;
/// How many of the risky accounts the report owner rejects.
const REJECTED_RISK_BASED: usize = 8;
/// The attribute by which the report owner judges.
const BALANCE: &str = "CycleEndingBalance";

impl Story<'_> {
    /// Tells the phase.
    pub(super) async fn select_samples(&mut self) -> Result<()> {
        self.enter(Phase::SAMPLE_SELECTION)?;
        let accounts = accounts();
        let first = select(&accounts, &HashSet::new(), FIRST);
        let taken: HashSet<&str> =
            first.iter().map(|one| one.account.reference_number.as_str()).collect();
        let more = select(&accounts, &taken, MORE);

        let version = self.recommend(&first).await?;
        let version = self.review_first(version).await?;
        self.revise_with(&version, &more).await
    }

    /// Version 1 is put forward and submitted.
    async fn recommend(&mut self, selected: &[Selected<'_>]) -> Result<wire::Version> {
        let (stage, tess, llm) = (self.stage, &self.cast.tess, &self.cast.llm);
        let (mut tester, mut model) =
            (tess.at(Phase::SAMPLE_SELECTION), llm.at(Phase::SAMPLE_SELECTION));
        let criteria = json!({"cross_section": FIRST.population, "targeted": FIRST.targeted,
                              "risk_based": FIRST.risk_based});
        let metadata = wire::SampleSelectionMetadata {
            selection_criteria: Some(object(&criteria)?),
            ..Default::default()
        };
        let (theirs, hers) = inputs(selected)?;
        let again = hers.first().cloned().context("a sample")?;
        let version =
            tester.create("first selection", Metadata::SampleSelection(metadata), hers).await?;
        self.tell_grounds(Phase::SAMPLE_SELECTION).await?;
        let text = format!("recommends {} samples", counts(&version).total);
        stage.says(tess.name, &format!("{text} (version {})", version.number));
        let before = counts(&version).total;
        let version = self.put_forward(&mut model, version, theirs, "samples by the LLM").await?;
        let added = counts(&version).total - before;
        stage.says(llm.name, &format!("recommends {added} more, on Tess's behalf"));
        holds("samples recommended", counts(&version).pending, 100)?;
        self.try_a_duplicate(&version.version_id, again).await?;
        let version = tester.submit(&version, "100 samples").await.context("submitting")?;
        stage.says(tess.name, &format!("submits the version: {}", size(&version)?));
        Ok(version)
    }

    /// Version 1 is ruled on and rejected: that is how a reviewer asks for changes.
    async fn review_first(&mut self, version: wire::Version) -> Result<wire::Version> {
        let (stage, owen) = (self.stage, &self.cast.owen);
        let mut owner = owen.at(Phase::SAMPLE_SELECTION);
        let version_id = version.version_id;
        self.try_to_approve_unread(&version_id).await?;
        self.try_to_assign_too_early().await?;

        let decisions = owner.decisions(&version_id, all()).await?;
        let rejections = rejections(&decisions);
        let example = rejections.first().map(|review| review.notes.clone()).unwrap_or_default();
        let bar = stage.bar("ruling on samples", decisions.len());
        for chunk in rejections.chunks(CHUNK) {
            let version = owner.review(&version_id, chunk.to_vec()).await?;
            bar.at(counts(&version).rejected);
        }
        let version = owner.approve_remaining(&version_id, "").await.context("ruling")?;
        bar.at(counts(&version).rejected + counts(&version).approved);
        drop(bar);
        let ruled = counts(&version);
        holds("samples approved", ruled.approved, 80)?;
        holds("samples rejected", ruled.rejected, 20)?;
        let text = format!("approves {} samples and rejects {}", ruled.approved, ruled.rejected);
        stage.says(owen.name, &format!("{text}, each with a reason: \"{example}\""));

        let asked = "The approved ones are good. Ten more, please.";
        let version = owner.reject(&version_id, asked).await.context("rejecting")?;
        holds("version 1 is rejected", version.state(), wire::VersionState::Rejected)?;
        stage.says(owen.name, &format!("rejects the version: \"{}\"", version.review_notes));
        Ok(version)
    }

    /// Version 2: what was approved is carried, ten are new.
    async fn revise_with(&self, first: &wire::Version, more: &[Selected<'_>]) -> Result<()> {
        let (stage, tess, llm, owen) =
            (self.stage, &self.cast.tess, &self.cast.llm, &self.cast.owen);
        let (mut tester, mut model, mut owner) = (
            tess.at(Phase::SAMPLE_SELECTION),
            llm.at(Phase::SAMPLE_SELECTION),
            owen.at(Phase::SAMPLE_SELECTION),
        );
        let (theirs, hers) = inputs(more)?;
        let version = tester.revise("ten more, as asked", hers).await?;
        holds("version 2 is made from version 1", &version.parent_version_id, &first.version_id)?;
        let version = model.add(&version.version_id, theirs).await?;
        let drafted = counts(&version);
        holds("samples in version 2", drafted.total, 90)?;
        holds("samples carried", drafted.carried, 80)?;
        holds("new samples", drafted.pending, 10)?;
        let text = format!("revises: {} samples are carried forward", drafted.carried);
        let text = format!("{text} with their approval, {} are new", drafted.pending);
        stage.says(tess.name, &format!("{text} (version {})", version.number));

        let version = tester.submit(&version, "ten more").await.context("submitting")?;
        let version_id = version.version_id;
        owner.approve_remaining(&version_id, "as asked").await.context("ruling")?;
        let version = owner.approve(&version_id, "complete").await.context("approving")?;
        let approved = counts(&version);
        holds("samples approved in version 2", approved.approved, 90)?;
        holds("samples still carried", approved.carried, 80)?;
        let text = format!("approves the new ones, and the version: {}", size(&version)?);
        stage.says(owen.name, &text);
        Ok(())
    }
}

/// What the model recommends, and what the tester does: the model looks for risk.
type Inputs = (Vec<wire::DecisionInput>, Vec<wire::DecisionInput>);

fn inputs(selected: &[Selected<'_>]) -> Result<Inputs> {
    let inputs = selected.iter().map(input).collect::<Result<Vec<_>>>()?;
    let by_model = |input: &wire::DecisionInput| input.source() == wire::RecommendationSource::Llm;
    Ok(inputs.into_iter().partition(by_model))
}

pub(super) fn input(selected: &Selected<'_>) -> Result<wire::DecisionInput> {
    let account = selected.account;
    let source = match selected.sample_type {
        wire::SampleType::RiskBased => wire::RecommendationSource::Llm,
        _ => wire::RecommendationSource::Tester,
    };
    let sample = wire::Sample {
        sample_identifier: account.reference_number.clone(),
        sample_data: Some(object(&account.data())?),
        sample_type: selected.sample_type.into(),
        lob_id: account.lob.lob_id().to_string(),
    };
    Ok(wire::DecisionInput {
        item_key: account.reference_number.clone(),
        source: source.into(),
        recommendation_reason: selected.reason.clone(),
        recommendation_metadata: None,
        payload: Some(wire::Payload { kind: Some(Kind::Sample(sample)) }),
    })
}

/// The report owner rejects the accounts that owe least, of the cross-section and of the risky
/// ones: they would show little.
fn rejections(decisions: &[wire::Decision]) -> Vec<wire::Review> {
    let smallest = |of: wire::SampleType, how_many: usize| {
        let mut found: Vec<(f64, &str)> = decisions
            .iter()
            .filter_map(|decision| match decision.payload.as_ref()?.kind.as_ref()? {
                Kind::Sample(sample) if sample.sample_type() == of => {
                    let balance = number(sample.sample_data.as_ref(), BALANCE)?;
                    Some((balance, decision.decision_id.as_str()))
                }
                _ => None,
            })
            .collect();
        found.sort_by(|one, other| one.0.total_cmp(&other.0));
        found.truncate(how_many);
        found
    };
    let reject = |decision_id: &str, notes: String| wire::Review {
        decision_id: decision_id.to_owned(),
        verdict: wire::Verdict::Rejected.into(),
        notes,
        ..Default::default()
    };
    let population = smallest(wire::SampleType::Population, REJECTED_POPULATION);
    let population = population.into_iter().map(|(balance, decision_id)| {
        reject(decision_id, format!("It owes {balance:.2}: too little to show anything."))
    });
    let risky = smallest(wire::SampleType::RiskBased, REJECTED_RISK_BASED);
    let risky = risky.into_iter().map(|(balance, decision_id)| {
        reject(decision_id, format!("It owes {balance:.2}: risky, but not for us."))
    });
    population.chain(risky).collect()
}

/// The size of a selection and how it was found, as the service derives them.
fn size(version: &wire::Version) -> Result<String> {
    match version.metadata.as_ref().and_then(|metadata| metadata.kind.as_ref()) {
        Some(Metadata::SampleSelection(selection)) => Ok(format!(
            "{} samples, found by {}",
            selection.actual_sample_size,
            selection.generation_methods.join(" and ")
        )),
        _ => bail!("the version of Sample Selection has no metadata of its kind"),
    }
}
