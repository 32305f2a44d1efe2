//! What is remembered of what was counted, read for those that are counted now.

use std::collections::BTreeSet;

use signoff_ledger::Head;
use signoff_workflow::Workflow;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};
use uuid::Uuid;

use super::feeds::Followed;
use super::{Stored, slug, word};
use crate::domain::measure::{ACTION_TYPES, known};
use crate::domain::record::Held;
use crate::domain::state::{Line, RequestSeen, RulingSeen, Stands, State, VersionSeen};
use crate::domain::touch::{Source, Verdict};

/// What some records are about.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Whose chains they are of.
    pub workflows: BTreeSet<Workflow>,
    /// Versions.
    pub versions: BTreeSet<(Workflow, Uuid)>,
    /// Items whose rulings they end.
    pub items: BTreeSet<(Line, i32)>,
    /// Requests for action.
    pub requests: BTreeSet<(Workflow, Uuid)>,
}

/// Reads what is remembered of these.
pub async fn read(conn: &mut PgConnection, of: Followed, wanted: &Wanted) -> Stored<State> {
    let mut state = State::default();
    state.heads.take_in(heads(conn, of, wanted).await?);
    if !wanted.versions.is_empty() {
        state.versions.take_in(versions(conn, of, wanted).await?);
    }
    if !wanted.items.is_empty() {
        state.rulings.take_in(rulings(conn, of, wanted).await?);
    }
    if !wanted.requests.is_empty() {
        state.requests.take_in(requests(conn, of, wanted).await?);
    }
    Ok(state)
}

async fn heads(
    conn: &mut PgConnection,
    of: Followed,
    wanted: &Wanted,
) -> Stored<Vec<(Workflow, Head)>> {
    let (cycles, reports) = split(wanted.workflows.iter());
    let rows = sqlx::query(
        "select h.cycle_id, h.report_id, h.sequence, h.hash \
         from unnest($3::uuid[], $4::uuid[]) w (cycle_id, report_id) \
         join heads h on h.generation = $1 and h.source = $2 and h.cycle_id = w.cycle_id \
             and h.report_id = w.report_id",
    )
    .bind(of.generation)
    .bind(of.source.name())
    .bind(cycles)
    .bind(reports)
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| {
            let hash: [u8; 32] = row.try_get("hash")?;
            Ok((workflow(row)?, Head { sequence: row.try_get("sequence")?, hash }))
        })
        .collect()
}

async fn versions(
    conn: &mut PgConnection,
    of: Followed,
    wanted: &Wanted,
) -> Stored<Vec<((Workflow, Uuid), VersionSeen)>> {
    let (cycles, reports) = split(wanted.versions.iter().map(|(workflow, _)| workflow));
    let ids: Vec<Uuid> = wanted.versions.iter().map(|(_, id)| *id).collect();
    let rows = sqlx::query(
        "select v.* from unnest($2::uuid[], $3::uuid[], $4::uuid[]) w (cycle_id, report_id, version_id) \
         join versions v on v.generation = $1 and v.cycle_id = w.cycle_id \
             and v.report_id = w.report_id and v.version_id = w.version_id",
    )
    .bind(of.generation)
    .bind(cycles)
    .bind(reports)
    .bind(ids)
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| {
            let stands =
                if row.try_get("is_submitted")? { Stands::Submitted } else { Stands::Still };
            let seen = VersionSeen {
                phase: slug(row.try_get("phase")?)?,
                made_at: row.try_get("made_at")?,
                made_by: row.try_get("made_by")?,
                submitted_at: row.try_get("submitted_at")?,
                stands,
                revised: row.try_get("revised")?,
                held: Held { total: row.try_get("total")?, carried: row.try_get("carried")? },
            };
            Ok(((workflow(row)?, row.try_get("version_id")?), seen))
        })
        .collect()
}

async fn rulings(
    conn: &mut PgConnection,
    of: Followed,
    wanted: &Wanted,
) -> Stored<Vec<((Line, i32), RulingSeen)>> {
    let (cycles, reports) = split(wanted.items.iter().map(|((workflow, _), _)| workflow));
    let phases: Vec<&str> = wanted.items.iter().map(|((_, phase), _)| *phase).collect();
    let items: Vec<i32> = wanted.items.iter().map(|(_, item)| *item).collect();
    let rows = sqlx::query(
        "select r.* from unnest($2::uuid[], $3::uuid[], $4::text[], $5::int[]) \
             w (cycle_id, report_id, phase, item_no) \
         join rulings r on r.generation = $1 and r.cycle_id = w.cycle_id \
             and r.report_id = w.report_id and r.phase = w.phase and r.item_no = w.item_no",
    )
    .bind(of.generation)
    .bind(cycles)
    .bind(reports)
    .bind(phases)
    .bind(items)
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| {
            let (verdict, source): (&str, &str) = (row.try_get("verdict")?, row.try_get("source")?);
            let seen = RulingSeen {
                seq: row.try_get("seq")?,
                verdict: word(Verdict::named(verdict), verdict)?,
                source: word(Source::named(source), source)?,
                by: row.try_get("person")?,
                hour: row.try_get("hour")?,
            };
            let line = (workflow(row)?, slug(row.try_get("phase")?)?);
            Ok(((line, row.try_get("item_no")?), seen))
        })
        .collect()
}

async fn requests(
    conn: &mut PgConnection,
    of: Followed,
    wanted: &Wanted,
) -> Stored<Vec<((Workflow, Uuid), RequestSeen)>> {
    let (cycles, reports) = split(wanted.requests.iter().map(|(workflow, _)| workflow));
    let ids: Vec<Uuid> = wanted.requests.iter().map(|(_, id)| *id).collect();
    let rows = sqlx::query(
        "select r.* from unnest($2::uuid[], $3::uuid[], $4::uuid[]) w (cycle_id, report_id, action_id) \
         join requests r on r.generation = $1 and r.cycle_id = w.cycle_id \
             and r.report_id = w.report_id and r.action_id = w.action_id",
    )
    .bind(of.generation)
    .bind(cycles)
    .bind(reports)
    .bind(ids)
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| {
            let action_type: &str = row.try_get("action_type")?;
            let action_type = word(known(&ACTION_TYPES, action_type), action_type)?;
            let seen = RequestSeen { action_type, at: row.try_get("requested_at")? };
            Ok(((workflow(row)?, row.try_get("action_id")?), seen))
        })
        .collect()
}

/// Cycles and reports, as the statements take them.
pub(super) fn split<'a>(of: impl Iterator<Item = &'a Workflow>) -> (Vec<Uuid>, Vec<Uuid>) {
    of.map(|workflow| (workflow.cycle_id, workflow.report_id)).unzip()
}

fn workflow(row: &PgRow) -> Stored<Workflow> {
    Ok(Workflow { cycle_id: row.try_get("cycle_id")?, report_id: row.try_get("report_id")? })
}
