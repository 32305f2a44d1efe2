//! Concluding an execution: one statement between what is read and the commit.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use signoff_audit::domain::history::differences;
use signoff_workflow::Workflow;
use sqlx::Row as _;
use uuid::Uuid;

use super::record::{Author, Method, Record, Told, bind_ending, ending};
use super::session::{Floor, reading};
use super::state::{detail, no_state, time};
use crate::TESTER;
use crate::cases::{COMPARED, NOTES};

const METHOD: Method = Method {
    source: "audit",
    phase: "test_execution",
    name: "/signoff.audit.v1.TestExecutionService/RecordResult",
    answer: 250,
};

/// The execution is under way. Whether it is stale is a part of the answer.
const READ: &str = reading!(
    concat!(
        "to_jsonb(e) - ",
        no_state!(),
        " as state, e.revision, e.test_case_id, e.concluded_at is null as fits, exists (
             select from submissions s
             where s.cycle_id = $1 and s.report_id = $2 and s.main_chain_id = e.main_chain_id
                 and s.evidence_no > e.evidence_no
         ) as stale "
    ),
    "left join executions e on e.cycle_id = $1 and e.report_id = $2 and e.id = $5"
);

const CONCLUDE: &str = ending!(
    "concluded as (
         update executions set result = 'pass', expected = $18, found = $19, tolerance = $20,
             rationale = $21, concluded_by = $9, concluded_at = $12, revision = revision + 1,
             change_type = 'concluded', changed_by = $9, change_reason = $21, record_no = $3,
             occurred_at = $12, recorded_at = $12, origin = 'native'
         where cycle_id = $1 and report_id = $2 and id = $22),
     noted as (
         update test_cases set tested = 'pass'
         where cycle_id = $1 and report_id = $2 and id = $23), "
);

impl Floor {
    /// Concludes an execution that is under way: as expected.
    ///
    /// # Errors
    /// It is not, or the database refuses.
    pub async fn conclude(&mut self, workflow: Workflow, execution: Uuid) -> Result<()> {
        let author = Author::new(workflow, (TESTER, &["tester"]), METHOD);
        let (start, row) = self.start(&author, READ, |query| query.bind(execution)).await?;
        let before: Option<Value> = row.try_get("state")?;
        let before = before.context("an execution")?;
        let fits: bool = row.try_get("fits")?;
        ensure!(fits, "execution {execution} is concluded");
        let (revision, test_case): (i64, Uuid) =
            (row.try_get("revision")?, row.try_get("test_case_id")?);
        let [expected, found, tolerance] = COMPARED;
        let mut after = before.clone();
        after["result"] = "pass".into();
        after["expected"] = expected.into();
        after["found"] = found.into();
        after["tolerance"] = tolerance.into();
        after["rationale"] = NOTES.into();
        after["concluded_by"] = TESTER.into();
        after["concluded_at"] = time(start.now).into();
        let details = detail(("execution", execution), (revision + 1, "concluded"), &after)?;
        let (before, after) = differences(Some(before), after);
        let told = Told {
            action: "execution.concluded",
            subject: execution,
            reason: Some(NOTES),
            before,
            after,
        };
        let record = Record::of(&author, &start, told, &details)?;
        bind_ending!(sqlx::query(CONCLUDE), author, record)
            .bind(expected)
            .bind(found)
            .bind(tolerance)
            .bind(NOTES)
            .bind(execution)
            .bind(test_case)
            .execute(&mut self.conn)
            .await?;
        self.commit().await
    }
}
