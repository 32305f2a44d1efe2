//! A first review: one statement rules on all items that it is told of and on the rest.

use anyhow::{Context as _, Result, bail};
use signoff_ledger::DetailWriter;
use signoff_workflow::Workflow;
use sqlx::Row as _;

use super::record::{Author, Method, Record, Told, bind_ending, changed, ending};
use super::session::Floor;
use crate::OWNER;

/// Rules on pending items that the reviewer did not make, and answers what the trail says of each.
macro_rules! rule {
    ($from:literal) => {
        concat!(
            "with pending as materialized (
                 select c.item_no, c.rev, c.source, ",
            $from,
            "    where c.line_no = $1 and c.introduced_in = $2 and c.rev = 1
                     and c.recommended_by <> $3 and c.edited_by is null
                     and not exists (
                         select from rulings r
                         where r.line_no = $1 and r.item_no = c.item_no
                             and r.to_version = 2147483647)
             ), ruled as (
                 insert into rulings (line_no, item_no, seq, rev, from_version, state, decided_by,
                     occurred_at, recorded_at, origin)
                 select $1, item_no, 1, rev, $2, state, $3, $4, $4, 'native' from pending
             )
             select item_no, rev, source, state from pending"
        )
    };
}

const BY_LIST: &str = rule!(
    "listed.state
     from items c
     join unnest($5::integer[], $6::smallint[]) as listed (item_no, state) using (item_no) "
);
const REMAINING: &str = rule!(
    "(case when c.item_no = any($5::integer[]) then 3 else 1 end)::smallint as state
     from items c "
);

const END: &str = ending!(
    "header as (
         update versions set revision = revision + 1, updated_at = $12, pending = pending - $20,
             approved = approved + $21, rejected = rejected + $20 - $21
         where line_no = $18 and number = $19), "
);

const METHOD: Method =
    Method::of_versioning("/signoff.versioning.v1.VersioningService/ReviewDecisions");

impl Floor {
    /// Rules on the items of a version that nobody ruled on before: those that are listed get
    /// their own state (1 approved, 3 rejected); if `remaining`, those that are listed are
    /// rejected, and the others approved.
    ///
    /// # Errors
    /// The newest version is not submitted, items are not pending, or the database refuses.
    pub async fn review(
        &mut self,
        workflow: Workflow,
        items: &[i32],
        states: &[i16],
        remaining: bool,
    ) -> Result<()> {
        let author = Author::new(workflow, (OWNER, &["report_owner"]), METHOD);
        let known = self.begin(&author).await?;
        let (line_no, number, _) = known.line.context("no line")?;
        let before = known.version.clone().context("no version")?;
        if before.state != "submitted" {
            bail!("the newest version is {}", before.state);
        }
        let statement = if remaining { REMAINING } else { BY_LIST };
        let query = sqlx::query(statement)
            .bind(line_no)
            .bind(number)
            .bind(OWNER)
            .bind(known.start.now)
            .bind(items);
        let query = if remaining { query } else { query.bind(states) };
        let ruled = query.fetch_all(&mut self.conn).await?;
        let expected = if remaining { usize::try_from(before.pending)? } else { items.len() };
        if ruled.len() != expected {
            bail!("{} of {expected} items were pending", ruled.len());
        }
        let mut writer = DetailWriter::new(&[
            "item_no",
            "seq",
            "rev",
            "state",
            "source",
            "carried",
            "ended_ruling",
            "notes_hash",
            "change_hash",
            "reason_hash",
            "accepted_without_finding",
        ]);
        let (mut approved, none) = (0, None::<&str>);
        for row in &ruled {
            let (item_no, rev): (i32, i32) = (row.try_get(0)?, row.try_get(1)?);
            let (source, state): (i16, i16) = (row.try_get(2)?, row.try_get(3)?);
            approved += i32::from(state == 1);
            let state = if state == 1 { "approved" } else { "rejected" };
            let source = ["tester", "llm", "manual", "automated"][usize::try_from(source - 1)?];
            let row = (item_no, 1, rev, state, source, false, none, none, none, none, false);
            writer.row(&row)?;
        }
        let many = i32::try_from(ruled.len())?;
        let mut after = before.clone();
        after.revision += 1;
        after.pending -= many;
        after.approved += approved;
        after.rejected += many - approved;
        let told = Told {
            action: "decisions.reviewed",
            subject: before.version_id,
            reason: None,
            before: Some(changed(&before)),
            after: changed(&after),
        };
        let record = Record::of(&author, &known.start, told, &writer.finish())?;
        bind_ending!(sqlx::query(END), author, record)
            .bind(line_no)
            .bind(number)
            .bind(many)
            .bind(approved)
            .execute(&mut self.conn)
            .await?;
        self.commit().await
    }
}
