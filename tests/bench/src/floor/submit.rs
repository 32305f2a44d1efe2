//! Submitting a document for one test case: one statement between what is read and the commit.

use anyhow::{Result, ensure};
use serde_json::json;
use signoff_workflow::Workflow;
use sqlx::Row as _;
use uuid::Uuid;

use super::record::{Author, Method, Record, Told, bind_ending, ending};
use super::session::{Floor, reading};
use super::state::{detail, time};
use crate::DATA_OWNER;
use crate::cases::{CONTENT, DOCUMENT};

const METHOD: Method = Method {
    source: "audit",
    phase: "request_info",
    name: "/signoff.audit.v1.DocumentService/SubmitDocument",
    answer: 250,
};

/// The test case has no document, its lane an owner, and the caller a part in it.
const READ: &str = reading!(
    "not c.withdrawn and c.chain_id is null and exists (
         select from assignments a
         where a.cycle_id = $1 and a.report_id = $2 and a.lob_id = c.lob_id
             and a.assignment_type = 'primary' and a.effective_from <= now()
             and (a.effective_to is null or a.effective_to > now())
     ) and exists (
         select from assignments a
         where a.cycle_id = $1 and a.report_id = $2 and a.lob_id = c.lob_id
             and a.data_owner_id = $6 and a.effective_from <= now()
             and (a.effective_to is null or a.effective_to > now())
     ) as fits ",
    "left join test_cases c on c.cycle_id = $1 and c.report_id = $2 and c.id = $5"
);

const SUBMIT: &str = ending!(
    "submission as (
         insert into submissions (cycle_id, report_id, id, chain_id, main_chain_id, evidence_no,
             document_id, document_version, document_type, submission_type, file_name, media_type,
             size_bytes, sha256, document_metadata, test_cases, submitted_by, submitted_at,
             revision_type, is_current, status, revision, change_type, changed_by, record_no,
             occurred_at, recorded_at, origin)
         values ($1, $2, $18, $18, $18, 1, $19, 1, $20, 'initial', $21, $22, $23, $24, '{}', 1, $9,
             $12, 'submission', true, 'pending_review', 1, 'submitted', $9, $3, $12, $12,
             'native')),
     attached as (
         update test_cases set chain_id = $18, current_submission_id = $18, evidence = 'pending'
         where cycle_id = $1 and report_id = $2 and id = $25), "
);

impl Floor {
    /// Submits a new document for a test case that has none; gives the submission's id.
    ///
    /// # Errors
    /// It has one, its lane has no owner or another one, or the database refuses.
    pub async fn submit(&mut self, workflow: Workflow, test_case: Uuid) -> Result<Uuid> {
        let author = Author::new(workflow, (DATA_OWNER, &[]), METHOD);
        let (start, row) =
            self.start(&author, READ, |query| query.bind(test_case).bind(DATA_OWNER)).await?;
        let fits: Option<bool> = row.try_get("fits")?;
        ensure!(fits == Some(true), "test case {test_case} takes no document of theirs");
        let (id, document_id, now) = (Uuid::now_v7(), Uuid::new_v4(), time(start.now));
        let (document_type, file_name, media_type, size_bytes) = DOCUMENT;
        let state = json!({
            "id": id, "chain_id": id, "main_chain_id": id, "supplements_submission_id": null,
            "evidence_no": 1, "document_id": document_id, "document_version": 1,
            "document_type": document_type, "submission_type": "initial", "file_name": file_name,
            "media_type": media_type, "size_bytes": size_bytes,
            "sha256": format!("\\x{}", hex::encode(CONTENT)), "document_metadata": {},
            "test_cases": 1, "submitted_by": DATA_OWNER, "submitted_at": now,
            "revision_type": "submission", "revision_reason": null,
            "replaces_submission_id": null, "is_current": true, "status": "pending_review",
            "reviewed_by": null, "reviewed_at": null, "review_notes": null,
        });
        let details = detail(("document", id), (1, "submitted"), &state)?;
        let told = Told {
            action: "document.submitted",
            subject: id,
            reason: None,
            before: None,
            after: state,
        };
        let record = Record::of(&author, &start, told, &details)?;
        bind_ending!(sqlx::query(SUBMIT), author, record)
            .bind(id)
            .bind(document_id)
            .bind(document_type)
            .bind(file_name)
            .bind(media_type)
            .bind(size_bytes)
            .bind(CONTENT)
            .bind(test_case)
            .execute(&mut self.conn)
            .await?;
        self.commit().await?;
        Ok(id)
    }
}
