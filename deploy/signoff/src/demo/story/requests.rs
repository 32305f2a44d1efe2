//! What the tester has to ask data owners for, and what comes of it: a document that is not there,
//! a supplement that explains what failed, data that is not changed.

use anyhow::{Context, Result};
use signoff_contract::audit::v1 as wire;
use signoff_workflow::Phase;
use wire::{ActionType, ResponseStatus, TimelineImpact};

use super::cases::{Bundle, Case, Plan};
use super::evidence::{Evidence, extract_of, file_of};
use super::testing::Tested;
use super::{Story, holds};
use crate::demo::audit::Answer;
use crate::demo::data::accounts::PERIOD;
use crate::demo::data::extracts::Extract;
use crate::demo::people::Person;

impl Story<'_> {
    /// A lane has no document yet: the first is rejected, the second accepted.
    pub(super) async fn ask_for_a_document(
        &self,
        case: &Case,
        plan: &Plan,
        evidence: &mut Evidence,
    ) -> Result<()> {
        let (paul, labels) = (&self.cast.paul, Bundle::whole(case.lob));
        let reason = "The lane has no document yet.";
        let action = self.ask(ActionType::DocumentRequest, case, None, reason, paul).await?;
        self.submit_a_scan(paul, labels, plan, evidence).await?;
        self.review(labels, evidence).await?;
        let extract = extract_of(plan, labels, PERIOD);
        self.revise(paul, labels, extract, evidence).await?;
        self.review(labels, evidence).await?;
        let answer = Answer {
            status: ResponseStatus::Fulfilled,
            notes: "The extract is there.",
            impact: TimelineImpact::MinorDelay,
        };
        self.answer(paul, &action, answer).await
    }

    /// A limit differs, and the owner does not change it.
    pub(super) async fn ask_for_other_data(&self, failed: &[Tested<'_>]) -> Result<()> {
        let dina = &self.cast.dina;
        let first = failed.first().context("nothing failed among consumer cards")?;
        let reason = "The limit is higher than in the report. Is it that of September?";
        let execution_id = Some(first.execution.execution_id.as_str());
        let what = ActionType::DataUpdateRequest;
        let action = self.ask(what, first.case, execution_id, reason, dina).await?;
        let answer = Answer {
            status: ResponseStatus::Rejected,
            notes: "It is. The raise was booked on the last day; the report missed it.",
            impact: TimelineImpact::None,
        };
        self.answer(dina, &action, answer).await
    }

    /// A supplement explains what failed: what was tested on the same document is stale, and is
    /// tested again.
    pub(super) async fn ask_for_a_supplement(
        &self,
        past_due: Bundle,
        failed: &[Tested<'_>],
        plan: &Plan,
        evidence: &mut Evidence,
    ) -> Result<()> {
        let (stage, sam, tess) = (self.stage, &self.cast.sam, &self.cast.tess);
        let first = failed.first().context("no amount past due failed")?;
        let reason = "What is past due is 29.00 higher. Which fee is that?";
        let execution_id = Some(first.execution.execution_id.as_str());
        let what = ActionType::DocumentRequest;
        let action = self.ask(what, first.case, execution_id, reason, sam).await?;

        let ledger = Extract::ledger(PERIOD, &plan.reported(past_due));
        let file = file_of("late-fees", &ledger)?;
        let (mut desk, ids) = (sam.audit_at(Phase::REQUEST_INFO), plan.ids_of(past_due));
        let supplement = desk.submit(file, ids, Some(evidence.head(past_due)?)).await;
        let supplement = supplement.context("supplementing")?;
        let text = format!("adds {} beside his extract", supplement.file_name);
        stage.says(sam.name, &format!("{text}, for {} test cases", supplement.test_cases));
        evidence.extracts.insert(supplement.submission_id.clone(), ledger);
        let answer = Answer {
            status: ResponseStatus::Fulfilled,
            notes: "The late fee of the month. The ledger shows it apart.",
            impact: TimelineImpact::MinorDelay,
        };
        self.answer(sam, &action, answer).await?;

        let cases: Vec<&Case> = plan.of(past_due).collect();
        let accepted = wire::DocumentStatus::Accepted;
        let supplement = self.rule_on(&supplement, accepted, "").await?;
        let lanes = tess.audit_at(Phase::TEST_EXECUTION).lanes().await?;
        let lob_id = past_due.lob.lob_id().to_string();
        let lane = lanes.iter().find(|lane| lane.lob_id == lob_id);
        let stale = lane.context("the lane is gone")?.stale;
        holds("results that are stale", usize::try_from(stale)?, cases.len())?;
        let text = format!("sees that {stale} results are stale: their evidence changed since");
        stage.says(tess.name, &text);
        let what = format!("{}, again", past_due.name());
        let again = self.test(&cases, &supplement, evidence, &what).await?;
        holds("cases that fail again", again.len(), 0)
    }

    /// The tester asks for something.
    async fn ask(
        &self,
        what: ActionType,
        case: &Case,
        execution_id: Option<&str>,
        reason: &str,
        owner: &Person,
    ) -> Result<wire::Action> {
        let tess = &self.cast.tess;
        let mut desk = tess.audit_at(Phase::TEST_EXECUTION);
        let asked = desk.ask(what, &case.test_case_id, execution_id, reason).await;
        let asked = asked.context("asking for something")?;
        let kind = match what {
            ActionType::DocumentRequest => "a document",
            ActionType::DataUpdateRequest => "other data",
            _ => "a rerun",
        };
        let text = format!("asks {} for {kind}: \"{}\"", owner.name, asked.request_reason);
        self.stage.says(tess.name, &text);
        Ok(asked)
    }

    /// The data owner answers.
    async fn answer(&self, owner: &Person, action: &wire::Action, answer: Answer) -> Result<()> {
        let mut desk = owner.audit_at(Phase::TEST_EXECUTION);
        let answered = desk.answer(action, answer).await.context("answering")?;
        let what = match answered.response_status() {
            ResponseStatus::Fulfilled => "has done it",
            ResponseStatus::Partial => "has done a part of it",
            _ => "does not do it",
        };
        let text = format!("{what}: \"{}\"", answered.response_notes);
        self.stage.says(owner.name, &text);
        Ok(())
    }
}
