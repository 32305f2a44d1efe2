//! A workflow with the people who work on it, and lines of any length in it.

use anyhow::{Result, ensure};
use signoff_contract::feed::v1 as feed;
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::Scope;
use signoff_tests::people::scope;
use signoff_tests::{Person, world};
use signoff_versioning::domain::ids::DecisionId;
use signoff_workflow::{Role, Workflow};
use tonic::transport::Channel;
use wire::Version;

use crate::data::Sample;
use crate::floor::Floor;
use crate::system::System;
use crate::{OWNER, PHASE, TESTER};

/// How many samples a line is filled with at once.
const AT_ONCE: u32 = 100_000;

/// A workflow whose Sample Selection is open.
pub struct Desk {
    /// The workflow.
    pub workflow: Workflow,
    /// It and the phase, for requests.
    pub here: Scope,
    /// Puts samples forward.
    pub tester: Person,
    /// Rules on them.
    pub owner: Person,
}

impl Desk {
    /// A new workflow.
    pub async fn new(system: &System) -> Self {
        let (workflow, channel) = (world::workflow(), system.channel().await);
        let mut gateway = system.person(channel.clone(), 1, Role::Gateway, None);
        gateway.open_phase(workflow, PHASE.phase).await;
        Self::of(system, channel, workflow)
    }

    /// A workflow that is open already.
    pub fn of(system: &System, channel: Channel, workflow: Workflow) -> Self {
        let person = |user_id, role| system.person(channel.clone(), user_id, role, Some(workflow));
        Self {
            workflow,
            here: scope(workflow, PHASE.phase),
            tester: person(TESTER, Role::Tester),
            owner: person(OWNER, Role::ReportOwner),
        }
    }

    /// Version 1, a draft with samples. The floor fills it.
    ///
    /// # Errors
    /// Somebody refuses.
    pub async fn draft(&self, floor: &mut Floor, samples: u32) -> Result<Version> {
        let draft = self.tester.create(&self.here, Vec::new()).await?;
        let mut from = 0;
        while from < samples {
            let to = (from + AT_ONCE).min(samples);
            let (part, json) = prepared(from..to);
            floor.put_forward(self.workflow, &part, &json).await?;
            from = to;
        }
        Ok(self.tester.get(&draft).await?)
    }

    /// Version 1, submitted, with pending samples.
    ///
    /// # Errors
    /// Somebody refuses.
    pub async fn submitted(&self, floor: &mut Floor, samples: u32) -> Result<Version> {
        let draft = self.draft(floor, samples).await?;
        Ok(self.tester.submit(&draft).await?)
    }

    /// Version 1, approved, with approved samples.
    ///
    /// # Errors
    /// Somebody refuses.
    pub async fn approved(&self, floor: &mut Floor, samples: u32) -> Result<Version> {
        let submitted = self.submitted(floor, samples).await?;
        floor.review(self.workflow, &[], &[], true).await?;
        Ok(self.owner.approve(&submitted).await?)
    }

    /// The open draft, submitted and approved, whoever wrote it.
    ///
    /// # Errors
    /// The service refuses.
    pub async fn approve(&self, draft: &Version) -> Result<Version> {
        let submitted = self.tester.submit(draft).await?;
        if submitted.counts.is_some_and(|counts| counts.pending > 0) {
            self.owner.rule_rest(&submitted, wire::Verdict::Approved).await?;
        }
        Ok(self.owner.approve(&submitted).await?)
    }

    /// The line's newest version.
    ///
    /// # Errors
    /// The service refuses.
    pub async fn newest(&self) -> Result<Version> {
        let request = wire::ListVersionsRequest {
            scope: Some(self.here.clone()),
            page_size: 1,
            ..Default::default()
        };
        let versions = self.tester.call(request).await?.versions;
        versions.into_iter().next().ok_or_else(|| anyhow::anyhow!("no version"))
    }

    /// The next version with these items edited, approved.
    ///
    /// # Errors
    /// The service refuses.
    pub async fn edit(&self, line_no: i64, items: std::ops::Range<i32>) -> Result<Version> {
        let draft = self.tester.revise(&self.here, Vec::new()).await?;
        for item_no in items {
            let id = DecisionId { line_no, item_no, version: draft.number }.to_string();
            let sample = Sample::new(u32::try_from(item_no - 1)?);
            let decision = wire::Decision { decision_id: id, ..Default::default() };
            let payload = sample.edited(u32::try_from(draft.number)?).payload();
            self.tester.edit(&draft, &decision, payload, "it was wrong").await?;
        }
        self.approve(&draft).await
    }

    /// The line's internal number.
    ///
    /// # Errors
    /// There is no line.
    pub async fn line_no(&self, floor: &mut Floor) -> Result<i64> {
        let line_no = sqlx::query_scalar(
            "select line_no from lines where cycle_id = $1 and report_id = $2 and phase = $3",
        );
        Ok(line_no
            .bind(self.workflow.cycle_id)
            .bind(self.workflow.report_id)
            .bind(PHASE.slug)
            .fetch_one(floor.conn())
            .await?)
    }

    /// The service finds nothing wrong with the workflow, whoever wrote it: the trail, and the
    /// rows that it speaks of.
    ///
    /// # Errors
    /// It does.
    pub async fn verify(&self) -> Result<()> {
        verify(&self.owner, self.workflow, feed::Source::Versioning).await
    }
}

/// A service finds nothing wrong with a workflow: the trail, and the rows that it speaks of.
///
/// # Errors
/// It does.
pub async fn verify(person: &Person, workflow: Workflow, source: feed::Source) -> Result<()> {
    let scope = Some(world::whole(workflow));
    let source = source.into();
    let found =
        person.call(feed::VerifyTrailRequest { scope, source, ..Default::default() }).await?;
    ensure!(found.intact && found.records > 2, "the trail is not intact: {found:?}");
    Ok(())
}

/// Samples with these numbers, and their JSON.
pub fn prepared(numbers: std::ops::Range<u32>) -> (Vec<Sample>, Vec<String>) {
    let samples = Sample::range(numbers);
    let json = samples.iter().map(|sample| sample.json()).collect();
    (samples, json)
}
