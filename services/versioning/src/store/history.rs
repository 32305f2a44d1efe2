//! What was changed in an item's content, and by whom.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::{PgConnection, Row};

use crate::domain::decision::{Act, Decision, HistoryEntry};
use crate::domain::error::Error;
use crate::domain::payload::changed_fields;

/// The changes that led to the content and the ruling of each decision, oldest first, by item and
/// version. What was given up on the way, with a draft or by ruling again, did not lead there.
pub async fn of(
    conn: &mut PgConnection,
    line_no: i64,
    decisions: &[Decision],
) -> Result<HashMap<(i32, i32), Vec<HistoryEntry>>, Error> {
    let changed: Vec<&Decision> =
        decisions.iter().filter(|decision| decision.rev > 1 || decision.change.is_some()).collect();
    let mut histories: HashMap<(i32, i32), Vec<HistoryEntry>> = HashMap::new();
    if changed.is_empty() {
        return Ok(histories);
    }
    let rows = sqlx::query(
        "with recursive chain as (
             select c.item_no, wanted.number, c.rev, c.edit_of_rev, null::integer as edited_in
             from unnest($2::integer[], $3::integer[], $4::integer[]) as wanted (item_no, rev, number)
             join items c on c.line_no = $1 and c.item_no = wanted.item_no and c.rev = wanted.rev
             union all
             select c.item_no, chain.number, c.rev, c.edit_of_rev, edit.introduced_in
             from chain
             join items edit
                 on edit.line_no = $1 and edit.item_no = chain.item_no and edit.rev = chain.rev
             join items c
                 on c.line_no = $1 and c.item_no = chain.item_no and c.rev = chain.edit_of_rev
         )
         select chain.item_no, chain.number, c.introduced_in as version, c.edited_by as by,
             c.edited_at as at, c.modification_reason as reason, before.payload as before,
             c.payload as after
         from chain
         join items c on c.line_no = $1 and c.item_no = chain.item_no and c.rev = chain.rev
         join items before
             on before.line_no = $1 and before.item_no = chain.item_no
                 and before.rev = chain.edit_of_rev
         union all
         select chain.item_no, chain.number, m.made_in, m.made_by, m.made_at, m.reason, c.payload,
             m.payload
         from chain
         join items c on c.line_no = $1 and c.item_no = chain.item_no and c.rev = chain.rev
         -- The ruling that the version sees; of an edited content, the one that the edit ended.
         join lateral (
             select r.modification_no from rulings r
             where r.line_no = $1 and r.item_no = chain.item_no and r.rev = chain.rev
                 and case
                     when chain.edited_in is null
                         then r.from_version <= chain.number and r.to_version > chain.number
                     else r.to_version = chain.edited_in and r.state = 2
                 end
             order by r.seq desc limit 1
         ) r on true
         join modifications m
             on m.line_no = $1 and m.item_no = chain.item_no
                 and m.modification_no = r.modification_no
         order by item_no, number, at",
    )
    .bind(line_no)
    .bind(changed.iter().map(|decision| decision.id.item_no).collect::<Vec<_>>())
    .bind(changed.iter().map(|decision| decision.rev).collect::<Vec<_>>())
    .bind(changed.iter().map(|decision| decision.version.number).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    for row in &rows {
        let (before, after): (Value, Value) = (row.try_get("before")?, row.try_get("after")?);
        let of = (row.try_get("item_no")?, row.try_get("number")?);
        histories.entry(of).or_default().push(HistoryEntry {
            version: row.try_get("version")?,
            act: Act { by: row.try_get("by")?, at: row.try_get("at")? },
            reason: row.try_get("reason")?,
            changed_fields: changed_fields(&before, &after),
        });
    }
    Ok(histories)
}
