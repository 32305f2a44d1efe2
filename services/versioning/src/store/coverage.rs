//! Which test executions the closed versions of a line cover.

use std::collections::HashSet;

use futures::TryStreamExt as _;
use signoff_workflow::{PhaseRow, Scope};
use sqlx::PgConnection;
use uuid::Uuid;

use super::lines;
use crate::domain::error::Error;

/// Those of the executions, in their order, that nothing covers in a closed and undeleted version of
/// the line: neither an approved observation, by its payload or the confirmed change of it, nor a
/// rejected one that was accepted without a finding in that very version.
pub async fn uncovered(
    conn: &mut PgConnection,
    scope: Scope,
    row: &PhaseRow,
    required: &[Uuid],
) -> Result<Vec<Uuid>, Error> {
    let Some(line) = lines::find(conn, scope, row).await? else { return Ok(required.to_vec()) };
    let mut left: HashSet<Uuid> = required.iter().copied().collect();
    let mut covered = sqlx::query_scalar::<_, String>(
        "select e.execution_id
         from rulings r
         join lateral (
             select x.payload from items x
             where x.line_no = r.line_no and x.item_no = r.item_no and x.rev = r.rev limit 1
         ) i on true
         left join lateral (
             select x.payload from modifications x
             where r.state = 2 and x.line_no = r.line_no and x.item_no = r.item_no
                 and x.modification_no = r.modification_no limit 1
         ) m on true
         cross join lateral jsonb_array_elements_text(coalesce(m.payload, i.payload) -> 'execution_ids')
             as e (execution_id)
         where r.line_no = $1
             and (r.state in (1, 2) or r.state = 3 and r.disposition = 1)
             and exists (
                 select from versions v
                 where v.line_no = r.line_no and v.state in ('approved', 'superseded', 'rejected')
                     and v.number >= r.from_version and v.number < r.to_version
                     and (r.state in (1, 2) or v.number = r.from_version)
             )",
    )
    .bind(line.line_no)
    .fetch(conn);
    while let Some(id) = covered.try_next().await? {
        if let Ok(id) = Uuid::try_parse(&id) {
            left.remove(&id);
        }
    }
    Ok(required.iter().copied().filter(|id| left.contains(id)).collect())
}
