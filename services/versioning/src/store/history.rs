//! What was changed in an item's content, and by whom.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::{PgConnection, Row};

use crate::domain::decision::{Act, Decision, HistoryEntry};
use crate::domain::error::Error;
use crate::domain::payload::changed_fields;

/// The changes of the decisions' items up to the content that each stands at, oldest first, by item.
pub async fn of(
    conn: &mut PgConnection,
    line_no: i64,
    decisions: &[Decision],
) -> Result<HashMap<i32, Vec<HistoryEntry>>, Error> {
    let changed: Vec<&Decision> =
        decisions.iter().filter(|decision| decision.rev > 1 || decision.change.is_some()).collect();
    let mut histories: HashMap<i32, Vec<HistoryEntry>> = HashMap::new();
    if changed.is_empty() {
        return Ok(histories);
    }
    let rows = sqlx::query(
        "select c.item_no, c.introduced_in as version, c.edited_by as by, c.edited_at as at,
             c.modification_reason as reason, before.payload as before, c.payload as after
         from unnest($2::integer[], $3::integer[]) as wanted (item_no, rev)
         join items c on c.line_no = $1 and c.item_no = wanted.item_no and c.rev <= wanted.rev
         join items before
             on before.line_no = $1 and before.item_no = c.item_no and before.rev = c.edit_of_rev
         where c.edited_by is not null
         union all
         select m.item_no, m.made_in, m.made_by, m.made_at, m.reason, c.payload, m.payload
         from unnest($2::integer[], $3::integer[], $4::integer[]) as wanted (item_no, rev, number)
         join modifications m
             on m.line_no = $1 and m.item_no = wanted.item_no and m.rev <= wanted.rev
                 and m.made_in <= wanted.number
         join items c on c.line_no = $1 and c.item_no = m.item_no and c.rev = m.rev
         order by item_no, at",
    )
    .bind(line_no)
    .bind(changed.iter().map(|decision| decision.id.item_no).collect::<Vec<_>>())
    .bind(changed.iter().map(|decision| decision.rev).collect::<Vec<_>>())
    .bind(changed.iter().map(|decision| decision.version.number).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    for row in &rows {
        let (before, after): (Value, Value) = (row.try_get("before")?, row.try_get("after")?);
        histories.entry(row.try_get("item_no")?).or_default().push(HistoryEntry {
            version: row.try_get("version")?,
            act: Act { by: row.try_get("by")?, at: row.try_get("at")? },
            reason: row.try_get("reason")?,
            changed_fields: changed_fields(&before, &after),
        });
    }
    Ok(histories)
}
