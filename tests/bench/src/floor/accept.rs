//! Accepting a document: one statement between what is read and the commit.

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
use crate::cases::NOTES;

const METHOD: Method = Method {
    source: "audit",
    phase: "request_info",
    name: "/signoff.audit.v1.DocumentService/ReviewDocument",
    answer: 300,
};

/// The submission is current and pending, somebody else's, and all the evidence that there is.
const READ: &str = reading!(
    concat!(
        "to_jsonb(s) - ",
        no_state!(),
        " as state, s.revision, s.main_chain_id,
         s.is_current and s.status = 'pending_review' and s.submitted_by <> $6 and not exists (
             select from submissions o
             where o.cycle_id = $1 and o.report_id = $2 and o.main_chain_id = s.main_chain_id
                 and o.is_current and o.id <> s.id
         ) as fits "
    ),
    "left join submissions s on s.cycle_id = $1 and s.report_id = $2 and s.id = $5"
);

const ACCEPT: &str = ending!(
    "reviewed as (
         update submissions set status = 'accepted', reviewed_by = $9, reviewed_at = $12,
             review_notes = $18, revision = revision + 1, change_type = 'reviewed',
             changed_by = $9, change_reason = $18, record_no = $3, occurred_at = $12,
             recorded_at = $12, origin = 'native'
         where cycle_id = $1 and report_id = $2 and id = $19),
     worth as (
         update test_cases set evidence = 'accepted'
         where cycle_id = $1 and report_id = $2 and chain_id = $20), "
);

impl Floor {
    /// Accepts a pending document that is all the evidence of its test cases.
    ///
    /// # Errors
    /// It is not, or the database refuses.
    pub async fn accept(&mut self, workflow: Workflow, submission: Uuid) -> Result<()> {
        let author = Author::new(workflow, (TESTER, &["tester"]), METHOD);
        let (start, row) =
            self.start(&author, READ, |query| query.bind(submission).bind(TESTER)).await?;
        let fits: Option<bool> = row.try_get("fits")?;
        ensure!(fits == Some(true), "submission {submission} is not to be reviewed");
        let before: Option<Value> = row.try_get("state")?;
        let before = before.context("a state")?;
        let (revision, chain): (i64, Uuid) =
            (row.try_get("revision")?, row.try_get("main_chain_id")?);
        let mut after = before.clone();
        after["status"] = "accepted".into();
        after["reviewed_by"] = TESTER.into();
        after["reviewed_at"] = time(start.now).into();
        after["review_notes"] = NOTES.into();
        let details = detail(("document", submission), (revision + 1, "reviewed"), &after)?;
        let (before, after) = differences(Some(before), after);
        let told = Told {
            action: "document.reviewed",
            subject: submission,
            reason: Some(NOTES),
            before,
            after,
        };
        let record = Record::of(&author, &start, told, &details)?;
        bind_ending!(sqlx::query(ACCEPT), author, record)
            .bind(NOTES)
            .bind(submission)
            .bind(chain)
            .execute(&mut self.conn)
            .await?;
        self.commit().await
    }
}
