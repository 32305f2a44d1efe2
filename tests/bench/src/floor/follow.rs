//! The same aggregates, inserted by hand-written SQL: batches of the same size, with the same durability,
//! into the same tables, from what is in memory already.

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use signoff_workflow::Workflow;
use sqlx::Connection as _;
use uuid::Uuid;

use super::Floor;
use crate::records::Written;
use crate::{OWNER, PHASE, TESTER};

/// How many records go into one transaction.
const BATCH: usize = 2_000;

/// The start of the rows that are of all time.
const DAWN: &str = "0001-01-01 00:00:00+00";

/// What a row is counted by, beside phase and source: workflow, measure, person, outcome, hour.
type Key = (Workflow, &'static str, i64, &'static str, DateTime<Utc>);

impl Floor {
    /// Counts these records, in their order.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn count(&mut self, written: &[Written]) -> Result<()> {
        let mut made = BTreeMap::new();
        for batch in written.chunks(BATCH) {
            let (mut sums, mut heads) = (BTreeMap::<Key, (i64, i64)>::new(), BTreeMap::new());
            let mut versions = BTreeMap::new();
            for record in batch {
                let hour = record.at.duration_trunc(TimeDelta::hours(1))?;
                heads.insert(record.workflow, record);
                versions.insert((record.workflow, record.version), record);
                let mut add = |measure, person, outcome, amount, micros| {
                    let key = (record.workflow, measure, person, outcome, hour);
                    let sum = sums.entry(key).or_default();
                    sum.0 += amount;
                    sum.1 += micros;
                };
                match record.step {
                    0 => {
                        made.insert(record.version, record.at);
                        add("version_created", TESTER, "revised", 1, 0);
                        add("revised_items", TESTER, "", 100, 0);
                        add("carried_items", TESTER, "", 80, 0);
                    }
                    3 => {
                        let began = made.remove(&record.version).unwrap_or(record.at);
                        let micros = (record.at - began).num_microseconds().unwrap_or_default();
                        add("version_closed", OWNER, "approved", 1, 0);
                        add("approval_time", OWNER, "", 1, micros);
                        add("review_time", OWNER, "approved", 1, micros);
                    }
                    _ => {}
                }
            }
            let mut tx = self.conn.begin().await?;
            sqlx::query("update feeds set records = records + $1, cursor = $2 where generation = 1 and source = 'versioning'")
                .bind(i64::try_from(batch.len())?)
                .bind(batch.last().map(|last| hex::encode(last.hash)).unwrap_or_default())
                .execute(&mut *tx)
                .await?;
            let (cycles, reports) = ids(heads.keys());
            sqlx::query(
                "insert into heads (generation, source, cycle_id, report_id, sequence, hash) \
                 select 1, 'versioning', h.* from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bytea[]) h \
                 on conflict (generation, source, cycle_id, report_id) \
                 do update set sequence = excluded.sequence, hash = excluded.hash",
            )
            .bind(cycles)
            .bind(reports)
            .bind(heads.values().map(|record| record.sequence).collect::<Vec<_>>())
            .bind(heads.values().map(|record| record.hash.as_slice()).collect::<Vec<_>>())
            .execute(&mut *tx)
            .await?;
            let (cycles, reports) = ids(versions.keys().map(|(workflow, _)| workflow));
            sqlx::query(
                "insert into versions (generation, cycle_id, report_id, version_id, phase, made_at, \
                     made_by, submitted_at, is_submitted, revised, total, carried) \
                 select 1, v.*, true, 100, 80 from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], \
                     $5::timestamptz[], $6::bigint[], $5::timestamptz[], $7::bool[]) v \
                 on conflict (generation, cycle_id, report_id, version_id) do update set \
                     submitted_at = excluded.submitted_at, is_submitted = excluded.is_submitted",
            )
            .bind(cycles)
            .bind(reports)
            .bind(versions.keys().map(|(_, id)| *id).collect::<Vec<Uuid>>())
            .bind(vec![PHASE.slug; versions.len()])
            .bind(versions.values().map(|record| record.at).collect::<Vec<_>>())
            .bind(vec![TESTER; versions.len()])
            .bind(versions.values().map(|record| record.step < 3).collect::<Vec<_>>())
            .execute(&mut *tx)
            .await?;
            let (cycles, reports) = ids(sums.keys().map(|(workflow, ..)| workflow));
            let rollups = "insert into rollups as r (generation, cycle_id, report_id, grain, period_start, \
                     phase, measure, person, source, action_type, outcome, amount, micros, calculated_at) \
                 select 1, f.cycle_id, f.report_id, g.grain, g.period_start, f.phase, f.measure, f.person, \
                     '', '', f.outcome, sum(f.amount), sum(f.micros), clock_timestamp() \
                 from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::text[], \
                     $7::timestamptz[], $8::bigint[], $9::bigint[]) \
                     f (cycle_id, report_id, phase, measure, person, outcome, hour, amount, micros) \
                 cross join lateral (values ('hour', f.hour), ('day', date_trunc('day', f.hour, 'UTC')), \
                     ('total', $10::text::timestamptz)) g (grain, period_start) \
                 group by 2, 3, 4, 5, 6, 7, 8, 11 order by 2, 3, 4, 5, 6, 7, 8, 11 \
                 on conflict (generation, cycle_id, report_id, grain, period_start, phase, measure, person, \
                     source, action_type, outcome) do update set amount = r.amount + excluded.amount, \
                     micros = r.micros + excluded.micros, calculated_at = excluded.calculated_at";
            sqlx::query(rollups)
                .bind(cycles)
                .bind(reports)
                .bind(vec![PHASE.slug; sums.len()])
                .bind(sums.keys().map(|(_, measure, ..)| *measure).collect::<Vec<_>>())
                .bind(sums.keys().map(|(_, _, person, ..)| *person).collect::<Vec<_>>())
                .bind(sums.keys().map(|(.., outcome, _)| *outcome).collect::<Vec<_>>())
                .bind(sums.keys().map(|(.., hour)| *hour).collect::<Vec<_>>())
                .bind(sums.values().map(|(amount, _)| *amount).collect::<Vec<_>>())
                .bind(sums.values().map(|(_, micros)| *micros).collect::<Vec<_>>())
                .bind(DAWN)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

fn ids<'a>(of: impl Iterator<Item = &'a Workflow>) -> (Vec<Uuid>, Vec<Uuid>) {
    of.map(|workflow| (workflow.cycle_id, workflow.report_id)).unzip()
}
