//! The second report: four attributes, three samples, one line of business. All tests pass, so
//! there is nothing to observe, and Observation Management is never started.

use std::collections::HashSet;

use anyhow::{Context, Result};
use signoff_contract::versioning::v1 as wire;
use signoff_workflow::Phase;
use wire::version_metadata::Kind as Metadata;

use super::cases::{Bundle, Plan};
use super::evidence::Evidence;
use super::{Story, counts, holds, planning, profiling, samples, scoping};
use crate::demo::data::accounts::{LineOfBusiness, PERIOD, accounts};
use crate::demo::data::extracts::Extract;
use crate::demo::data::rules::rules;
use crate::demo::data::scoping::{THIS_CYCLE, choices};
use crate::demo::data::selection::{Sizes, select};
use crate::demo::people::Person;
use crate::demo::phases::row_of;

/// The key that finds a record.
const KEY: &str = "ReferenceNumber";
/// How many attributes are tested.
const TESTED: usize = 3;
/// The samples.
const SIZES: Sizes = Sizes { population: 3, targeted: 0, risk_based: 0 };
/// The only line of business.
const LANE: Bundle = Bundle::whole(LineOfBusiness::ConsumerCards);

impl Story<'_> {
    /// Tells the whole of it.
    pub(super) async fn all_tests_pass(&mut self) -> Result<()> {
        let tested = &THIS_CYCLE[..TESTED];
        self.attributes.retain(|one| {
            one.technical_name == KEY || tested.contains(&one.technical_name.as_str())
        });
        self.up_to_samples().await?;
        let plan = self.put_in_charge().await?;
        let evidence = self.collect(&plan).await?;
        self.try_to_finalize_untested().await?;
        self.enter(Phase::TEST_EXECUTION)?;
        let failed = self.test_bundle(LANE, &plan, &evidence).await?;
        holds("tests that did not pass", failed.len(), 0)?;
        let text = "sees nothing to observe: Observation Management stays as it is, not started";
        self.stage.says(self.cast.tess.name, text);
        let (sections, version) = self.write_report().await?;
        self.sign_all(&version, None).await?;
        self.close_report(&sections, &version).await
    }

    /// The phases that have versions, each in one.
    async fn up_to_samples(&self) -> Result<()> {
        let (tess, owen) = (&self.cast.tess, &self.cast.owen);
        let inputs = self.attributes.iter().map(planning::input).collect::<Result<_>>()?;
        let metadata = Metadata::Planning(wire::PlanningMetadata::default());
        self.complete(Phase::PLANNING, tess, metadata, inputs).await?;
        let rules = rules(&self.attributes);
        let inputs = rules.iter().map(profiling::input).collect::<Result<_>>()?;
        let metadata = Metadata::DataProfiling(wire::DataProfilingMetadata::default());
        self.complete(Phase::DATA_PROFILING, owen, metadata, inputs).await?;
        let inputs = choices(&self.attributes).into_iter().map(scoping::input).collect();
        let metadata = Metadata::Scoping(wire::ScopingMetadata::default());
        self.complete(Phase::SCOPING, owen, metadata, inputs).await?;
        let mut accounts = accounts();
        accounts.retain(|account| account.lob == LANE.lob);
        let selected = select(&accounts, &HashSet::new(), SIZES);
        let inputs = selected.iter().map(samples::input).collect::<Result<_>>()?;
        let metadata = Metadata::SampleSelection(wire::SampleSelectionMetadata::default());
        self.complete(Phase::SAMPLE_SELECTION, owen, metadata, inputs).await
    }

    /// A phase goes through in one version.
    async fn complete(
        &self,
        phase: Phase,
        approver: &Person,
        metadata: Metadata,
        inputs: Vec<wire::DecisionInput>,
    ) -> Result<()> {
        let name = row_of(phase)?.display_name;
        let in_phase = || format!("in {name} of the second report");
        let (mut tester, mut reviewer) = (self.cast.tess.at(phase), approver.at(phase));
        let version = tester.create("", metadata, inputs).await.with_context(in_phase)?;
        let version = tester.submit(&version, "").await.with_context(in_phase)?;
        let version_id = version.version_id;
        reviewer.approve_remaining(&version_id, "").await.with_context(in_phase)?;
        let version = reviewer.approve(&version_id, "").await.with_context(in_phase)?;
        let approved = counts(&version).approved;
        self.stage.says(approver.name, &format!("approves {name}: {approved} items"));
        Ok(())
    }

    /// One owner for the only lane, and the plan of its cases.
    async fn put_in_charge(&self) -> Result<Plan> {
        self.enter(Phase::DATA_OWNER_ID)?;
        self.assign(&self.cast.dora, LANE.lob).await?;
        let (answer, plan) = self.plan_cases().await?;
        holds("cases without an owner", answer.unassigned, 0)?;
        Ok(plan)
    }

    /// The owner's extract says what the report says.
    async fn collect(&self, plan: &Plan) -> Result<Evidence> {
        self.enter(Phase::REQUEST_INFO)?;
        let mut evidence = Evidence::default();
        let extract = Extract::ledger(PERIOD, &plan.reported(LANE));
        self.submit(&self.cast.dora, LANE, plan, extract, &mut evidence).await?;
        self.review(LANE, &mut evidence).await?;
        Ok(evidence)
    }
}
