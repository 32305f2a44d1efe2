//! What was approved, with its history.

use chrono::{DateTime, Utc};
use signoff_workflow::{PhaseRow, Workflow};
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use crate::domain::error::Error;
use crate::domain::version::Version;

/// An entry of the registry.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// "samples", "attributes", …
    pub artifact_type: String,
    /// The slug of the phase.
    pub phase: String,
    /// The approved version.
    pub version_id: Uuid,
    /// Its number.
    pub number: i32,
    /// When it was approved.
    pub approved_at: DateTime<Utc>,
    /// By whom.
    pub approved_by: i64,
    /// What they said.
    pub notes: Option<String>,
    /// When a later one took its place.
    pub superseded_at: Option<DateTime<Utc>>,
}

/// Registers what a version that was just approved stands for.
pub async fn register(
    conn: &mut PgConnection,
    version: &Version,
    row: &PhaseRow,
    artifact_type: &str,
) -> Result<(), Error> {
    let workflow = version.scope.workflow;
    sqlx::query(
        "update artifacts set superseded_at = $4
         where cycle_id = $1 and report_id = $2 and phase = $3 and superseded_at is null",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(row.slug)
    .bind(version.reviewed_at)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "insert into artifacts (
             cycle_id, report_id, phase, number, artifact_type, version_id, approved_at, approved_by,
             notes, occurred_at, recorded_at, origin)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $7, $7, 'native')",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(row.slug)
    .bind(version.number)
    .bind(artifact_type)
    .bind(version.version_id)
    .bind(version.reviewed_at)
    .bind(version.reviewed_by)
    .bind(&version.review_notes)
    .execute(conn)
    .await?;
    Ok(())
}

/// Where a list of entries goes on: after this approval.
#[derive(Clone, Debug)]
pub struct After {
    /// When it was.
    pub approved_at: DateTime<Utc>,
    /// The slug of its phase.
    pub phase: String,
    /// The number of its version.
    pub number: i32,
}

/// Entries of a workflow in the order of their approvals; `phase` narrows them to one.
pub async fn list(
    conn: &mut PgConnection,
    workflow: Workflow,
    phase: Option<&str>,
    include_superseded: bool,
    after: Option<&After>,
    limit: i64,
) -> Result<Vec<Artifact>, Error> {
    sqlx::query(
        "select * from artifacts
         where cycle_id = $1 and report_id = $2 and ($3::text is null or phase = $3)
             and ($4 or superseded_at is null)
             and ($5::timestamptz is null or (approved_at, phase, number) > ($5, $6, $7))
         order by approved_at, phase, number limit $8",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(phase)
    .bind(include_superseded)
    .bind(after.map(|after| after.approved_at))
    .bind(after.map(|after| after.phase.as_str()))
    .bind(after.map(|after| after.number))
    .bind(limit)
    .fetch_all(conn)
    .await?
    .iter()
    .map(|row| {
        Ok(Artifact {
            artifact_type: row.try_get("artifact_type")?,
            phase: row.try_get("phase")?,
            version_id: row.try_get("version_id")?,
            number: row.try_get("number")?,
            approved_at: row.try_get("approved_at")?,
            approved_by: row.try_get("approved_by")?,
            notes: row.try_get("notes")?,
            superseded_at: row.try_get("superseded_at")?,
        })
    })
    .collect()
}
