//! Submissions of documents, and their chains.

use signoff_workflow::Workflow;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres, QueryBuilder, Row};
use uuid::Uuid;

use super::{Mark, last, worth};
use crate::domain::document::{
    Content, Described, DocumentStatus, RevisionType, Submission, SubmissionType,
};
use crate::domain::error::Error;

/// A submission, if it is of this workflow.
pub async fn by_id(
    conn: &mut PgConnection,
    workflow: Workflow,
    id: Uuid,
) -> Result<Option<Submission>, Error> {
    let row =
        sqlx::query("select * from submissions where cycle_id = $1 and report_id = $2 and id = $3")
            .bind(workflow.cycle_id)
            .bind(workflow.report_id)
            .bind(id)
            .fetch_optional(conn)
            .await?;
    row.as_ref().map(read).transpose()
}

/// The current submission of a chain.
pub async fn head(
    conn: &mut PgConnection,
    workflow: Workflow,
    chain_id: Uuid,
) -> Result<Option<Submission>, Error> {
    let row = sqlx::query(
        "select * from submissions
         where cycle_id = $1 and report_id = $2 and chain_id = $3 and is_current",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(chain_id)
    .fetch_optional(conn)
    .await?;
    row.as_ref().map(read).transpose()
}

/// The number of the latest evidence of a main chain.
pub async fn latest_evidence(
    conn: &mut PgConnection,
    workflow: Workflow,
    main_chain_id: Uuid,
) -> Result<i32, Error> {
    Ok(sqlx::query_scalar(
        "select coalesce(max(evidence_no), 0) from submissions
         where cycle_id = $1 and report_id = $2 and main_chain_id = $3",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(main_chain_id)
    .fetch_one(conn)
    .await?)
}

/// All submissions of a main chain and its supplements.
pub async fn of_main_chain(
    conn: &mut PgConnection,
    workflow: Workflow,
    main_chain_id: Uuid,
) -> Result<Vec<Uuid>, Error> {
    Ok(sqlx::query_scalar(
        "select id from submissions
         where cycle_id = $1 and report_id = $2 and main_chain_id = $3 order by evidence_no",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(main_chain_id)
    .fetch_all(conn)
    .await?)
}

/// Which submissions.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Evidence of one test case.
    pub test_case_id: Option<Uuid>,
    /// Of a main chain and its supplements.
    pub main_chain_id: Option<Uuid>,
    /// Of one document.
    pub document_id: Option<Uuid>,
    /// Evidence of test cases in one lane.
    pub lob_id: Option<Uuid>,
    /// Of these statuses; of all, if there are none.
    pub statuses: Vec<DocumentStatus>,
    /// Heads of chains only.
    pub current_only: bool,
    /// Evidence of test cases in these lanes only.
    pub visible: Option<Vec<Uuid>>,
}

/// Submissions in the order in which they were made.
pub async fn list(
    conn: &mut PgConnection,
    workflow: Workflow,
    filter: &Filter,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Submission>, Error> {
    let mut query =
        QueryBuilder::<Postgres>::new("select s.* from submissions s where s.cycle_id = ");
    query.push_bind(workflow.cycle_id).push(" and s.report_id = ").push_bind(workflow.report_id);
    if let Some(case) = filter.test_case_id {
        query.push(" and s.main_chain_id = (select chain_id from test_cases where cycle_id = ");
        query.push_bind(workflow.cycle_id).push(" and report_id = ");
        query.push_bind(workflow.report_id).push(" and id = ").push_bind(case).push(")");
    }
    if let Some(chain) = filter.main_chain_id {
        query.push(" and s.main_chain_id = ").push_bind(chain);
    }
    if let Some(document) = filter.document_id {
        query.push(" and s.document_id = ").push_bind(document);
    }
    if let Some(lob) = filter.lob_id {
        of_cases(&mut query, "c.lob_id = ");
        query.push_bind(lob).push(")");
    }
    if let Some(lobs) = &filter.visible {
        of_cases(&mut query, "c.lob_id = any(");
        query.push_bind(lobs).push("))");
    }
    if !filter.statuses.is_empty() {
        let statuses: Vec<&str> = filter.statuses.iter().map(|status| status.name()).collect();
        query.push(" and s.status = any(").push_bind(statuses).push(")");
    }
    if filter.current_only {
        query.push(" and s.is_current");
    }
    if let Some(after) = after {
        query.push(" and s.id > ").push_bind(after);
    }
    query.push(" order by s.id limit ").push_bind(limit);
    let rows = query.build().fetch_all(conn).await?;
    rows.iter().map(read).collect()
}

fn of_cases(query: &mut QueryBuilder<Postgres>, condition: &str) {
    query.push(
        " and exists (select from test_cases c where c.cycle_id = s.cycle_id
              and c.report_id = s.report_id and c.chain_id = s.main_chain_id and ",
    );
    query.push(condition);
}

/// The statement that writes a submission.
macro_rules! insert {
    () => {
        "insert into submissions (
             cycle_id, report_id, id, chain_id, main_chain_id, supplements_submission_id,
             evidence_no, document_id, document_version, document_type, submission_type, file_name,
             media_type, size_bytes, sha256, document_metadata, test_cases, submitted_by,
             submitted_at, revision_type, revision_reason, replaces_submission_id, is_current,
             status, revision, change_type, changed_by, change_reason, record_no, occurred_at,
             recorded_at, origin)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
             $19, $20, $21, $22, true, 'pending_review', 1, $23, $18, $24, $25, $19, $19, 'native')"
    };
}

/// Writes a new submission.
pub async fn insert(
    conn: &mut PgConnection,
    mark: Mark<'_>,
    new: &Submission,
) -> Result<(), Error> {
    bound(insert!(), mark, new).execute(conn).await?;
    Ok(())
}

/// Writes the submission that begins the main chain of test cases without one, as their evidence.
pub async fn insert_first(
    conn: &mut PgConnection,
    mark: Mark<'_>,
    new: &Submission,
    test_cases: &[Uuid],
) -> Result<(), Error> {
    let statement = concat!(
        "with written as (",
        insert!(),
        ")
         update test_cases set chain_id = $3, current_submission_id = $3, evidence = 'pending'
         where cycle_id = $1 and report_id = $2 and id = any($26)"
    );
    bound(statement, mark, new).bind(test_cases).execute(conn).await?;
    Ok(())
}

/// A statement with what [`insert!`] takes.
fn bound<'q>(
    statement: &'static str,
    mark: Mark<'q>,
    new: &'q Submission,
) -> Query<'q, Postgres, PgArguments> {
    sqlx::query(statement)
        .bind(mark.workflow.cycle_id)
        .bind(mark.workflow.report_id)
        .bind(new.id)
        .bind(new.chain_id)
        .bind(new.main_chain_id)
        .bind(new.supplements_submission_id)
        .bind(new.evidence_no)
        .bind(new.document.document_id)
        .bind(new.document_version)
        .bind(&new.document.document_type)
        .bind(new.submission_type.name())
        .bind(&new.document.content.file_name)
        .bind(&new.document.content.media_type)
        .bind(new.document.content.size_bytes)
        .bind(new.document.content.sha256)
        .bind(&new.document.content.document_metadata)
        .bind(new.test_cases)
        .bind(mark.by)
        .bind(mark.at)
        .bind(new.revision_type.name())
        .bind(&new.revision_reason)
        .bind(new.replaces_submission_id)
        .bind(mark.change_type)
        .bind(mark.reason)
        .bind(mark.record_no)
}

/// Takes the place of a head from it.
pub async fn replace(conn: &mut PgConnection, mark: Mark<'_>, id: Uuid) -> Result<(), Error> {
    sqlx::query(
        "update submissions set is_current = false, revision = revision + 1, change_type = $4,
             changed_by = $5, change_reason = $6, record_no = $7, occurred_at = $8,
             recorded_at = $8, origin = 'native'
         where cycle_id = $1 and report_id = $2 and id = $3",
    )
    .bind(mark.workflow.cycle_id)
    .bind(mark.workflow.report_id)
    .bind(id)
    .bind(mark.change_type)
    .bind(mark.by)
    .bind(mark.reason)
    .bind(mark.record_no)
    .bind(mark.at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what the reviewer says; and what the chain is worth to its test cases follows, by the same
/// statement.
pub async fn review(
    conn: &mut PgConnection,
    mark: Mark<'_>,
    of: &Submission,
    verdict: DocumentStatus,
) -> Result<(), Error> {
    let statement = concat!(
        "with reviewed as (
             update submissions set status = $4, reviewed_by = $6, reviewed_at = $9,
                 review_notes = $7, revision = revision + 1, change_type = $5, changed_by = $6,
                 change_reason = $7, record_no = $8, occurred_at = $9, recorded_at = $9,
                 origin = 'native'
             where cycle_id = $1 and report_id = $2 and id = $3
         ), worth as (",
        worth!(
            "(select chain_id, case when id = $3 then $4 else status end as status
              from submissions
              where cycle_id = $1 and report_id = $2 and main_chain_id = $10 and is_current)",
            "$10"
        ),
        ")
         update test_cases c set evidence = worth.evidence from worth
         where c.cycle_id = $1 and c.report_id = $2 and c.chain_id = $10
             and c.evidence <> worth.evidence"
    );
    sqlx::query(statement)
        .bind(mark.workflow.cycle_id)
        .bind(mark.workflow.report_id)
        .bind(of.id)
        .bind(verdict.name())
        .bind(mark.change_type)
        .bind(mark.by)
        .bind(mark.reason)
        .bind(mark.record_no)
        .bind(mark.at)
        .bind(of.main_chain_id)
        .execute(conn)
        .await?;
    Ok(())
}

fn read(row: &PgRow) -> Result<Submission, Error> {
    let sha256: Vec<u8> = row.try_get("sha256")?;
    let sha256 = sha256.try_into().map_err(|_| {
        signoff_backend::Fault::Internal("a SHA-256 in the database has another length".to_owned())
    })?;
    Ok(Submission {
        id: row.try_get("id")?,
        chain_id: row.try_get("chain_id")?,
        main_chain_id: row.try_get("main_chain_id")?,
        supplements_submission_id: row.try_get("supplements_submission_id")?,
        evidence_no: row.try_get("evidence_no")?,
        document_version: row.try_get("document_version")?,
        submission_type: SubmissionType::named(row.try_get("submission_type")?)?,
        document: Described {
            document_id: row.try_get("document_id")?,
            document_type: row.try_get("document_type")?,
            content: Content {
                file_name: row.try_get("file_name")?,
                media_type: row.try_get("media_type")?,
                size_bytes: row.try_get("size_bytes")?,
                sha256,
                document_metadata: row.try_get("document_metadata")?,
            },
        },
        test_cases: row.try_get("test_cases")?,
        submitted_by: row.try_get("submitted_by")?,
        submitted_at: row.try_get("submitted_at")?,
        revision_type: RevisionType::named(row.try_get("revision_type")?)?,
        revision_reason: row.try_get("revision_reason")?,
        replaces_submission_id: row.try_get("replaces_submission_id")?,
        is_current: row.try_get("is_current")?,
        status: DocumentStatus::named(row.try_get("status")?)?,
        reviewed_by: row.try_get("reviewed_by")?,
        reviewed_at: row.try_get("reviewed_at")?,
        review_notes: row.try_get("review_notes")?,
        last: last(row)?,
    })
}
