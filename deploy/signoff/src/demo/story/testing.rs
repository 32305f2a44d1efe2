//! Test Execution: every case is tested on its document, lane by lane; what is asked for in
//! between is in `requests`.

use anyhow::{Context, Result};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use signoff_contract::audit::v1 as wire;
use signoff_workflow::Phase;

use super::cases::{Bundle, Case, Plan};
use super::evidence::Evidence;
use super::{Story, holds};
use crate::demo::audit::{AuditDesk, Outcome};
use crate::demo::data::accounts::LineOfBusiness;
use crate::demo::data::extracts::{Comparison, Extract, TOLERANCE};

/// How many cases are tested at the same time.
const AT_ONCE: usize = 8;

/// A case, and the execution that is concluded on it.
pub(super) struct Tested<'a> {
    pub(super) case: &'a Case,
    pub(super) execution: wire::Execution,
}

impl Story<'_> {
    /// Tells the phase.
    pub(super) async fn execute(&mut self, plan: &Plan, mut evidence: Evidence) -> Result<()> {
        self.enter(Phase::TEST_EXECUTION)?;
        let [cards, labels] =
            [LineOfBusiness::ConsumerCards, LineOfBusiness::PrivateLabel].map(Bundle::whole);
        let [past_due, others] = Bundle::halves(LineOfBusiness::SmallBusinessCards);
        let without = plan.of(labels).next().context("a case of private labels")?;
        let other = evidence.head(others)?.submission_id.clone();
        self.try_without_a_document(&without.test_case_id, &other).await?;

        self.tell_grounds(Phase::TEST_EXECUTION).await?;
        let failed_cards = self.test_bundle(cards, plan, &evidence).await?;
        self.test_bundle(others, plan, &evidence).await?;
        let failed = self.test_bundle(past_due, plan, &evidence).await?;
        self.ask_for_a_document(without, plan, &mut evidence).await?;
        self.test_bundle(labels, plan, &evidence).await?;
        self.ask_for_other_data(&failed_cards).await?;
        self.ask_for_a_supplement(past_due, &failed, plan, &mut evidence).await?;

        let tess = &self.cast.tess;
        let status = tess.audit_at(Phase::TEST_EXECUTION).status().await?;
        holds("what Test Execution lacks", status.unmet.len(), 0)?;
        let progress = status.progress.unwrap_or_default();
        let text = format!("has concluded {} of {} test cases", progress.done, progress.total);
        self.stage.says(tess.name, &text);
        Ok(())
    }

    /// All cases of a bundle are tested on its document; those that did not pass are answered.
    pub(super) async fn test_bundle<'a>(
        &self,
        bundle: Bundle,
        plan: &'a Plan,
        evidence: &Evidence,
    ) -> Result<Vec<Tested<'a>>> {
        let cases: Vec<&Case> = plan.of(bundle).collect();
        self.test(&cases, evidence.head(bundle)?, evidence, &bundle.name()).await
    }

    /// Cases are tested on a document; those that did not pass are answered, by sample.
    pub(super) async fn test<'a>(
        &self,
        cases: &[&'a Case],
        document: &wire::Document,
        evidence: &Evidence,
        what: &str,
    ) -> Result<Vec<Tested<'a>>> {
        let (stage, tess) = (self.stage, &self.cast.tess);
        let desk = tess.audit_at(Phase::TEST_EXECUTION);
        let extract = evidence.extracts.get(&document.submission_id).context("no such document")?;
        let bar = stage.bar(&format!("testing {what}"), cases.len());
        let running = stream::iter(cases.iter().copied())
            .map(|case| test_one(desk.clone(), case, &document.submission_id, extract));
        let mut running = running.buffer_unordered(AT_ONCE);
        let (mut done, mut others) = (0, Vec::new());
        while let Some(tested) = running.try_next().await? {
            done += 1;
            bar.at(done);
            if tested.execution.result() != wire::ExecutionResult::Pass {
                others.push(tested);
            }
        }
        drop(bar);
        others.sort_by(|one, other| one.case.cell.cmp(&other.case.cell));
        let of = |result: wire::ExecutionResult| {
            others.iter().filter(|one| one.execution.result() == result).count()
        };
        let passed = cases.len() - others.len();
        let failed = of(wire::ExecutionResult::Fail);
        let text = format!("tests {} cases of {what}: {passed} pass, {failed} fail", cases.len());
        let unclear = of(wire::ExecutionResult::Inconclusive);
        let text = if unclear == 0 { text } else { format!("{text}, {unclear} inconclusive") };
        stage.says(tess.name, &text);
        if let Some(first) = others.first() {
            let Case { cell, .. } = first.case;
            let about = format!("for instance {} of {}", cell.attribute, cell.sample);
            stage.says("", &format!("  {about}: {}", first.execution.rationale));
        }
        Ok(others)
    }
}

/// One case, from start to result.
async fn test_one<'a>(
    mut desk: AuditDesk,
    case: &'a Case,
    submission_id: &str,
    extract: &Extract,
) -> Result<Tested<'a>> {
    let started = desk.start(&case.test_case_id, submission_id).await.context("starting a test")?;
    let concluded = desk.conclude(&started, outcome(case, extract)).await;
    Ok(Tested { case, execution: concluded.context("concluding a test")? })
}

/// What comes of comparing the report with a document.
fn outcome(case: &Case, extract: &Extract) -> Outcome {
    let value = extract.value(&case.cell).map(|value| format!("{value:.2}")).unwrap_or_default();
    let reported = format!("{:.2}", case.reported);
    let (result, rationale) = match extract.compare(&case.cell, case.reported) {
        Comparison::Same => (wire::ExecutionResult::Pass, String::new()),
        Comparison::Different => (
            wire::ExecutionResult::Fail,
            format!("the document says {value}, the report {reported}"),
        ),
        Comparison::Missing => {
            (wire::ExecutionResult::Inconclusive, "the document has no value".to_owned())
        }
    };
    Outcome {
        result,
        expected: value,
        found: reported,
        tolerance: TOLERANCE.to_string(),
        rationale,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::demo::data::accounts::PERIOD;
    use crate::demo::data::extracts::Cell;

    fn tested(reported: f64, documented: BTreeMap<Cell, f64>) -> Outcome {
        let cell = Cell { sample: "D1".to_owned(), attribute: "DaysPastDue".to_owned() };
        let lob = LineOfBusiness::ConsumerCards;
        let case = Case { test_case_id: String::new(), lob, cell, reported };
        outcome(&case, &Extract::ledger(PERIOD, &documented))
    }

    #[test]
    fn a_result_comes_from_the_document_and_the_report() {
        let cell = Cell { sample: "D1".to_owned(), attribute: "DaysPastDue".to_owned() };
        let documented = BTreeMap::from([(cell, 30.0)]);
        assert_eq!(tested(30.0, documented.clone()).result, wire::ExecutionResult::Pass);
        let failed = tested(31.0, documented);
        assert_eq!(failed.result, wire::ExecutionResult::Fail);
        assert_eq!(failed.rationale, "the document says 30.00, the report 31.00");
        let unclear = tested(30.0, BTreeMap::new());
        assert_eq!(unclear.result, wire::ExecutionResult::Inconclusive);
        assert_eq!(unclear.expected, "");
    }
}
