//! The gates' statements.

use std::collections::BTreeMap;

use signoff_workflow::Workflow;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};

use super::{Foundation, Gate, Opened, Stale};
use crate::{Command, LedgerError};

/// The gates of a workflow, by one more condition.
macro_rules! gates {
    ($condition:literal) => {
        concat!(
            "select g.phase, g.attempt, g.opened_attempt, g.opened_at, g.opened_by, g.stale_because,
                g.stale_reopening, g.marks, g.reopening, g.reopenings, g.rests_on, h.holders,
                h.hold_attempts
             from phase_gates g
             left join lateral (
                 select array_agg(holder) as holders, array_agg(attempt) as hold_attempts
                 from phase_holds
                 where cycle_id = g.cycle_id and report_id = g.report_id and phase = g.phase
             ) h on true
             where g.cycle_id = $1 and g.report_id = $2",
            $condition
        )
    };
}

const SAVE: &str = "
with gate as (
    insert into phase_gates (cycle_id, report_id, phase, attempt, opened_attempt, opened_at,
        opened_by, stale_because, stale_reopening, reopening, reopenings, rests_on, marks)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $15)
    on conflict (cycle_id, report_id, phase) do update set
        attempt = excluded.attempt, opened_attempt = excluded.opened_attempt,
        opened_at = excluded.opened_at, opened_by = excluded.opened_by,
        stale_because = excluded.stale_because, stale_reopening = excluded.stale_reopening,
        reopening = excluded.reopening, reopenings = excluded.reopenings,
        rests_on = excluded.rests_on, marks = excluded.marks
), lifted as (
    delete from phase_holds
    where cycle_id = $1 and report_id = $2 and phase = $3 and holder <> all($13::text[])
)
insert into phase_holds (cycle_id, report_id, phase, holder, attempt)
select $1, $2, $3, held.* from unnest($13::text[], $14::bigint[]) as held
on conflict (cycle_id, report_id, phase, holder) do update set attempt = excluded.attempt";

/// The gates of phases, by slug, for those who only look.
///
/// # Errors
/// What the database says.
pub async fn load(
    connection: &mut PgConnection,
    workflow: Workflow,
    phases: &[&str],
) -> Result<BTreeMap<String, Gate>, LedgerError> {
    let rows = sqlx::query(gates!(" and g.phase = any($3)"))
        .bind(workflow.cycle_id)
        .bind(workflow.report_id)
        .bind(phases)
        .fetch_all(connection)
        .await?;
    let mut gates: BTreeMap<_, _> =
        phases.iter().map(|phase| ((*phase).to_owned(), Gate::default())).collect();
    for row in rows {
        gates.insert(row.try_get("phase")?, gate(&row)?);
    }
    Ok(gates)
}

/// All gates of a workflow that there are, by slug.
pub(crate) async fn all(
    connection: &mut PgConnection,
    workflow: Workflow,
) -> Result<BTreeMap<String, Gate>, LedgerError> {
    let rows = sqlx::query(gates!(""))
        .bind(workflow.cycle_id)
        .bind(workflow.report_id)
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| Ok((row.try_get("phase")?, gate(row)?))).collect()
}

impl Command {
    /// The gates of several phases, by slug, as they are in the database now.
    ///
    /// # Errors
    /// What the database says.
    pub async fn load_gates(
        &mut self,
        phases: &[&str],
    ) -> Result<BTreeMap<String, Gate>, LedgerError> {
        let workflow = self.workflow();
        load(self.conn(), workflow, phases).await
    }

    /// Writes the gate of a phase, and who holds it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn save_gate(&mut self, phase: &str, gate: &Gate) -> Result<(), LedgerError> {
        let workflow = self.workflow();
        let (holders, attempts): (Vec<_>, Vec<_>) =
            gate.holds.iter().map(|(holder, attempt)| (holder.as_str(), *attempt)).unzip();
        sqlx::query(SAVE)
            .bind(workflow.cycle_id)
            .bind(workflow.report_id)
            .bind(phase)
            .bind(gate.attempt)
            .bind(gate.opened.map(|opened| opened.attempt))
            .bind(gate.opened.map(|opened| opened.at))
            .bind(gate.opened.map(|opened| opened.by))
            .bind(gate.stale.as_ref().map(|stale| stale.because.as_str()))
            .bind(gate.stale.as_ref().map(|stale| stale.reopening))
            .bind(gate.reopening)
            .bind(gate.reopenings)
            .bind(Json(&gate.rests_on))
            .bind(holders)
            .bind(attempts)
            .bind(Json(&gate.marks))
            .execute(self.conn())
            .await?;
        Ok(())
    }
}

/// A gate from its row and the arrays of its holds.
pub(crate) fn gate(row: &PgRow) -> Result<Gate, LedgerError> {
    let opened = match row.try_get("opened_attempt")? {
        Some(attempt) => {
            Some(Opened { attempt, at: row.try_get("opened_at")?, by: row.try_get("opened_by")? })
        }
        None => None,
    };
    let stale = match row.try_get("stale_because")? {
        Some(because) => Some(Stale { because, reopening: row.try_get("stale_reopening")? }),
        None => None,
    };
    let holders: Option<Vec<String>> = row.try_get("holders")?;
    let attempts: Option<Vec<i64>> = row.try_get("hold_attempts")?;
    let Json(rests_on): Json<Vec<Foundation>> = row.try_get("rests_on")?;
    let Json(marks): Json<BTreeMap<String, i64>> = row.try_get("marks")?;
    Ok(Gate {
        attempt: row.try_get("attempt")?,
        opened,
        stale,
        marks,
        reopening: row.try_get("reopening")?,
        reopenings: row.try_get("reopenings")?,
        rests_on,
        holds: holders.unwrap_or_default().into_iter().zip(attempts.unwrap_or_default()).collect(),
    })
}
