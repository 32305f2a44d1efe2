//! Headers of versions.

use signoff_backend::Fault;
use signoff_workflow::{PhaseRow, PhaseTable, Scope, Workflow};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::facts;
use super::sign_offs::role;
use crate::domain::counts::Counts;
use crate::domain::error::Error;
use crate::domain::fact::FinalDocument;
use crate::domain::states::{Origin, VersionState};
use crate::domain::version::{Version, VersionRef};

/// A header with the ids of the versions that it refers to.
macro_rules! header {
    ($rest:literal) => {
        concat!(
            "select v.*, l.cycle_id, l.report_id, p.version_id as parent_id,
                    s.version_id as superseded_by_id, a.version_id as approved_id,
                    d.document_id, d.sha256, d.attached_by, d.attached_at
             from lines l
             join versions v on v.line_no = l.line_no
             left join versions p on p.line_no = v.line_no and p.number = v.parent_number
             left join versions s on s.line_no = v.line_no and s.number = v.superseded_by_number
             left join versions a on a.line_no = v.line_no and a.state = 'approved'
             left join final_documents d on d.line_no = v.line_no and d.number = v.number ",
            $rest
        )
    };
}

/// Headers of a scope's line, by one more condition.
macro_rules! of_line {
    ($condition:literal, $scope:expr, $row:expr) => {
        sqlx::query(concat!(
            header!("where l.cycle_id = $1 and l.report_id = $2 and l.phase = $3 and "),
            $condition
        ))
        .bind($scope.workflow.cycle_id)
        .bind($scope.workflow.report_id)
        .bind($row.slug)
    };
}

/// The version with this id, if it is of the scope's line.
pub async fn by_id(
    conn: &mut PgConnection,
    scope: Scope,
    row: &PhaseRow,
    version_id: Uuid,
) -> Result<Option<Version>, Error> {
    let query = of_line!("v.version_id = $4", scope, row).bind(version_id);
    query.fetch_optional(conn).await?.map(|found| read(&found, scope)).transpose()
}

/// The line's approved version.
pub async fn current(
    conn: &mut PgConnection,
    scope: Scope,
    row: &PhaseRow,
) -> Result<Option<Version>, Error> {
    let query = of_line!("v.state = 'approved'", scope, row);
    query.fetch_optional(conn).await?.map(|found| read(&found, scope)).transpose()
}

/// The line's draft or submitted version.
pub async fn open(
    conn: &mut PgConnection,
    scope: Scope,
    row: &PhaseRow,
) -> Result<Option<Version>, Error> {
    let query = of_line!("v.state in ('draft', 'submitted')", scope, row);
    query.fetch_optional(conn).await?.map(|found| read(&found, scope)).transpose()
}

/// Whether a version of the scope's line was ever closed, and not deleted.
pub async fn any_closed(
    conn: &mut PgConnection,
    scope: Scope,
    row: &PhaseRow,
) -> Result<bool, Error> {
    Ok(sqlx::query_scalar(
        "select exists (
             select from lines l join versions v using (line_no)
             where l.cycle_id = $1 and l.report_id = $2 and l.phase = $3
                 and v.state in ('approved', 'superseded', 'rejected'))",
    )
    .bind(scope.workflow.cycle_id)
    .bind(scope.workflow.report_id)
    .bind(row.slug)
    .fetch_one(conn)
    .await?)
}

/// The line's newest version that is not deleted.
pub async fn newest(
    conn: &mut PgConnection,
    scope: Scope,
    line_no: i64,
) -> Result<Option<Version>, Error> {
    let found = sqlx::query(header!(
        "where l.line_no = $1 and v.state <> 'deleted' order by v.number desc limit 1"
    ))
    .bind(line_no)
    .fetch_optional(conn)
    .await?;
    found.map(|found| read(&found, scope)).transpose()
}

/// The version with this number.
pub async fn by_number(
    conn: &mut PgConnection,
    scope: Scope,
    line_no: i64,
    number: i32,
) -> Result<Version, Error> {
    let found = sqlx::query(header!("where l.line_no = $1 and v.number = $2"))
        .bind(line_no)
        .bind(number)
        .fetch_one(conn)
        .await?;
    read(&found, scope)
}

/// All versions of a workflow. `scope`'s phase is not looked at.
pub async fn of_workflow(conn: &mut PgConnection, scope: Scope) -> Result<Vec<Version>, Error> {
    let found = sqlx::query(header!("where l.cycle_id = $1 and l.report_id = $2"))
        .bind(scope.workflow.cycle_id)
        .bind(scope.workflow.report_id)
        .fetch_all(conn)
        .await?;
    found.iter().map(|found| read(found, scope)).collect()
}

/// Versions of the scope's line below a number, newest first.
pub async fn list(
    conn: &mut PgConnection,
    scope: Scope,
    row: &PhaseRow,
    below: i32,
    limit: i64,
) -> Result<Vec<Version>, Error> {
    let query = of_line!("v.number < $4 order by v.number desc limit $5", scope, row);
    let found = query.bind(below).bind(limit).fetch_all(conn).await?;
    found.iter().map(|found| read(found, scope)).collect()
}

/// Where a version belongs.
pub async fn locate(
    conn: &mut PgConnection,
    table: &PhaseTable,
    version_id: Uuid,
) -> Result<Option<Scope>, Error> {
    let found = sqlx::query(
        "select l.cycle_id, l.report_id, l.phase
         from versions v join lines l using (line_no) where v.version_id = $1",
    )
    .bind(version_id)
    .fetch_optional(conn)
    .await?;
    found
        .map(|found| {
            let slug: String = found.try_get("phase")?;
            let row = table
                .by_slug(&slug)
                .ok_or_else(|| Fault::Internal(format!("phase {slug} is in no table")))?;
            Ok(Scope {
                workflow: Workflow {
                    cycle_id: found.try_get("cycle_id")?,
                    report_id: found.try_get("report_id")?,
                },
                phase: row.phase,
            })
        })
        .transpose()
}

/// Writes a new draft.
pub async fn insert(conn: &mut PgConnection, version: &Version) -> Result<(), Error> {
    let counts = &version.counts;
    sqlx::query(
        "insert into versions (
             line_no, number, version_id, state, revision, parent_number, metadata, metadata_schema,
             phase_data, total, pending, approved, rejected, modified, proposed, carried, counted,
             counted_kept, sources, created_at, created_by, creation_notes, updated_at, occurred_at,
             recorded_at, origin)
         values ($1, $2, $3, 'draft', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
             $18, $19, $20, $21, $22, $23, $24, $25)",
    )
    .bind(version.line_no)
    .bind(version.number)
    .bind(version.version_id)
    .bind(version.revision)
    .bind(version.parent.map(|parent| parent.number))
    .bind(&version.metadata)
    .bind(version.metadata_schema)
    .bind(&version.phase_data)
    .bind(counts.total)
    .bind(counts.pending)
    .bind(counts.approved)
    .bind(counts.rejected)
    .bind(counts.modified)
    .bind(counts.proposed)
    .bind(counts.carried)
    .bind(counts.counted)
    .bind(counts.counted_kept)
    .bind(version.sources)
    .bind(version.created_at)
    .bind(version.created_by)
    .bind(&version.creation_notes)
    .bind(version.updated_at)
    .bind(version.occurred_at)
    .bind(version.recorded_at)
    .bind(version.origin.name())
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what may change in a header; `superseded_by_number` is [`supersede`]'s alone.
pub async fn save(conn: &mut PgConnection, version: &Version) -> Result<(), Error> {
    let counts = &version.counts;
    let saved = sqlx::query(
        "update versions set
             state = $3, revision = $4, metadata = $5, metadata_schema = $6, phase_data = $7, total = $8,
             pending = $9, approved = $10, rejected = $11, modified = $12, proposed = $13, carried = $14,
             counted = $15, counted_kept = $16, sources = $17, creation_notes = $18, updated_at = $19,
             submitted_at = $20, submitted_by = $21, submission_notes = $22, reviewed_at = $23,
             reviewed_by = $24, review_notes = $25, self_approved = $26, deleted_at = $27,
             deleted_by = $28, delete_reason = $29, content_digest = $30, submitters = $31,
             required_sign_offs = $32
         where line_no = $1 and number = $2 and revision = $4 - 1",
    )
    .bind(version.line_no)
    .bind(version.number)
    .bind(version.state.name())
    .bind(version.revision)
    .bind(&version.metadata)
    .bind(version.metadata_schema)
    .bind(&version.phase_data)
    .bind(counts.total)
    .bind(counts.pending)
    .bind(counts.approved)
    .bind(counts.rejected)
    .bind(counts.modified)
    .bind(counts.proposed)
    .bind(counts.carried)
    .bind(counts.counted)
    .bind(counts.counted_kept)
    .bind(version.sources)
    .bind(&version.creation_notes)
    .bind(version.updated_at)
    .bind(version.submitted_at)
    .bind(version.submitted_by)
    .bind(&version.submission_notes)
    .bind(version.reviewed_at)
    .bind(version.reviewed_by)
    .bind(&version.review_notes)
    .bind(version.self_approved)
    .bind(version.deleted_at)
    .bind(version.deleted_by)
    .bind(&version.delete_reason)
    .bind(&version.content_digest)
    .bind(&version.submitters)
    .bind(version.required_sign_offs.iter().map(|role| role.name()).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    if saved.rows_affected() == 1 {
        Ok(())
    } else {
        Err(Fault::Conflict("the header changed under the lock".into()).into())
    }
}

/// The line's approved version, if there is one, gives way to a later one.
pub async fn supersede(conn: &mut PgConnection, by: &Version) -> Result<(), Error> {
    sqlx::query(
        "update versions set state = 'superseded', revision = revision + 1, superseded_by_number = $2,
             superseded_at = $3, updated_at = $3
         where line_no = $1 and state = 'approved'",
    )
    .bind(by.line_no)
    .bind(by.number)
    .bind(by.updated_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// The ids of versions by their numbers.
pub async fn ids(
    conn: &mut PgConnection,
    line_no: i64,
    numbers: &[i32],
) -> Result<std::collections::HashMap<i32, Uuid>, Error> {
    sqlx::query("select number, version_id from versions where line_no = $1 and number = any($2)")
        .bind(line_no)
        .bind(numbers)
        .fetch_all(conn)
        .await?
        .iter()
        .map(|row| Ok((row.try_get("number")?, row.try_get("version_id")?)))
        .collect()
}

fn read_document(row: &PgRow) -> Result<Option<FinalDocument>, Error> {
    let document_id: Option<Uuid> = row.try_get("document_id")?;
    document_id.map(|_| facts::read_document(row)).transpose()
}

fn read(row: &PgRow, scope: Scope) -> Result<Version, Error> {
    let parent_number: Option<i32> = row.try_get("parent_number")?;
    let parent_id: Option<Uuid> = row.try_get("parent_id")?;
    let required: Vec<String> = row.try_get("required_sign_offs")?;
    Ok(Version {
        scope,
        line_no: row.try_get("line_no")?,
        number: row.try_get("number")?,
        version_id: row.try_get("version_id")?,
        state: VersionState::named(row.try_get("state")?)?,
        revision: row.try_get("revision")?,
        parent: parent_number
            .zip(parent_id)
            .map(|(number, version_id)| VersionRef { number, version_id }),
        approved_version_id: row.try_get("approved_id")?,
        superseded_by: row.try_get("superseded_by_id")?,
        content_digest: row.try_get("content_digest")?,
        required_sign_offs: required.iter().map(|name| role(name)).collect::<Result<_, _>>()?,
        final_document: read_document(row)?,
        metadata: row.try_get("metadata")?,
        metadata_schema: row.try_get("metadata_schema")?,
        phase_data: row.try_get("phase_data")?,
        counts: Counts {
            total: row.try_get("total")?,
            pending: row.try_get("pending")?,
            approved: row.try_get("approved")?,
            rejected: row.try_get("rejected")?,
            modified: row.try_get("modified")?,
            proposed: row.try_get("proposed")?,
            carried: row.try_get("carried")?,
            counted: row.try_get("counted")?,
            counted_kept: row.try_get("counted_kept")?,
        },
        sources: row.try_get("sources")?,
        created_at: row.try_get("created_at")?,
        created_by: row.try_get("created_by")?,
        creation_notes: row.try_get("creation_notes")?,
        updated_at: row.try_get("updated_at")?,
        submitted_at: row.try_get("submitted_at")?,
        submitted_by: row.try_get("submitted_by")?,
        submitters: row.try_get("submitters")?,
        submission_notes: row.try_get("submission_notes")?,
        reviewed_at: row.try_get("reviewed_at")?,
        reviewed_by: row.try_get("reviewed_by")?,
        review_notes: row.try_get("review_notes")?,
        self_approved: row.try_get("self_approved")?,
        superseded_at: row.try_get("superseded_at")?,
        deleted_at: row.try_get("deleted_at")?,
        deleted_by: row.try_get("deleted_by")?,
        delete_reason: row.try_get("delete_reason")?,
        occurred_at: row.try_get("occurred_at")?,
        recorded_at: row.try_get("recorded_at")?,
        origin: Origin::named(row.try_get("origin")?)?,
    })
}
