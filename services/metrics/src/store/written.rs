//! What was counted, written down.

use sqlx::postgres::PgConnection;

use super::Stored;
use super::feeds::{Followed, tally};
use super::known::split;
use crate::domain::count::Counter;
use crate::domain::fact::Facts;
use crate::domain::state::{Stands, State};

/// Writes what was counted, and what must be remembered of it.
pub async fn write(conn: &mut PgConnection, of: Followed, counted: Counter) -> Stored<()> {
    let Counter { state, mut facts, records, rejected } = counted;
    heads(conn, of, &state).await?;
    versions(conn, of, &state).await?;
    rulings(conn, of, &state).await?;
    requests(conn, of, &state).await?;
    facts.settle();
    sums(conn, of, &facts).await?;
    times(conn, of, &facts).await?;
    tally(conn, of, records, &rejected).await
}

async fn heads(conn: &mut PgConnection, of: Followed, state: &State) -> Stored<()> {
    let (cycles, reports) = split(state.heads.set_now().map(|(workflow, _)| workflow));
    let sequences: Vec<i64> = state.heads.set_now().map(|(_, head)| head.sequence).collect();
    let hashes: Vec<&[u8]> = state.heads.set_now().map(|(_, head)| head.hash.as_slice()).collect();
    sqlx::query(
        "insert into heads (generation, source, cycle_id, report_id, sequence, hash) \
         select $1, $2, h.* from unnest($3::uuid[], $4::uuid[], $5::bigint[], $6::bytea[]) h \
         on conflict (generation, source, cycle_id, report_id) \
         do update set sequence = excluded.sequence, hash = excluded.hash",
    )
    .bind(of.generation)
    .bind(of.source.name())
    .bind(cycles)
    .bind(reports)
    .bind(sequences)
    .bind(hashes)
    .execute(conn)
    .await?;
    Ok(())
}

async fn versions(conn: &mut PgConnection, of: Followed, state: &State) -> Stored<()> {
    let each = || state.versions.set_now();
    if each().next().is_none() {
        return Ok(());
    }
    let (cycles, reports) = split(each().map(|((workflow, _), _)| workflow));
    sqlx::query(
        "insert into versions (generation, cycle_id, report_id, version_id, phase, made_at, made_by, \
             submitted_at, is_submitted, revised, total, carried) \
         select $1, v.* from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::timestamptz[], \
             $7::bigint[], $8::timestamptz[], $9::bool[], $10::bool[], $11::bigint[], $12::bigint[]) v \
         on conflict (generation, cycle_id, report_id, version_id) do update set \
             submitted_at = excluded.submitted_at, is_submitted = excluded.is_submitted, \
             total = excluded.total, carried = excluded.carried",
    )
    .bind(of.generation)
    .bind(cycles)
    .bind(reports)
    .bind(each().map(|((_, id), _)| *id).collect::<Vec<_>>())
    .bind(each().map(|(_, seen)| seen.phase).collect::<Vec<_>>())
    .bind(each().map(|(_, seen)| seen.made_at).collect::<Vec<_>>())
    .bind(each().map(|(_, seen)| seen.made_by).collect::<Vec<_>>())
    .bind(each().map(|(_, seen)| seen.submitted_at).collect::<Vec<_>>())
    .bind(each().map(|(_, seen)| seen.stands == Stands::Submitted).collect::<Vec<_>>())
    .bind(each().map(|(_, seen)| seen.revised).collect::<Vec<_>>())
    .bind(each().map(|(_, seen)| seen.held.total).collect::<Vec<_>>())
    .bind(each().map(|(_, seen)| seen.held.carried).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

async fn rulings(conn: &mut PgConnection, of: Followed, state: &State) -> Stored<()> {
    if !state.closed_lines.is_empty() {
        let (cycles, reports) = split(state.closed_lines.iter().map(|(workflow, _)| workflow));
        let phases: Vec<&str> = state.closed_lines.iter().map(|(_, phase)| *phase).collect();
        sqlx::query(
            "delete from rulings r using unnest($2::uuid[], $3::uuid[], $4::text[]) \
                 l (cycle_id, report_id, phase) \
             where r.generation = $1 and r.cycle_id = l.cycle_id and r.report_id = l.report_id \
                 and r.phase = l.phase",
        )
        .bind(of.generation)
        .bind(cycles)
        .bind(reports)
        .bind(phases)
        .execute(&mut *conn)
        .await?;
    }
    let gone = || state.rulings.removed_now();
    if gone().next().is_some() {
        let (cycles, reports) = split(gone().map(|((workflow, _), _)| workflow));
        sqlx::query(
            "delete from rulings r using unnest($2::uuid[], $3::uuid[], $4::text[], $5::int[]) \
                 i (cycle_id, report_id, phase, item_no) \
             where r.generation = $1 and r.cycle_id = i.cycle_id and r.report_id = i.report_id \
                 and r.phase = i.phase and r.item_no = i.item_no",
        )
        .bind(of.generation)
        .bind(cycles)
        .bind(reports)
        .bind(gone().map(|((_, phase), _)| *phase).collect::<Vec<_>>())
        .bind(gone().map(|(_, item)| *item).collect::<Vec<_>>())
        .execute(&mut *conn)
        .await?;
    }
    let each = || state.rulings.set_now();
    if each().next().is_none() {
        return Ok(());
    }
    let (cycles, reports) = split(each().map(|(((workflow, _), _), _)| workflow));
    sqlx::query(
        "insert into rulings (generation, cycle_id, report_id, phase, item_no, seq, verdict, source, \
             person, hour) \
         select $1, r.* from unnest($2::uuid[], $3::uuid[], $4::text[], $5::int[], $6::int[], \
             $7::text[], $8::text[], $9::bigint[], $10::timestamptz[]) r \
         on conflict (generation, cycle_id, report_id, phase, item_no) do update set \
             seq = excluded.seq, verdict = excluded.verdict, source = excluded.source, \
             person = excluded.person, hour = excluded.hour",
    )
    .bind(of.generation)
    .bind(cycles)
    .bind(reports)
    .bind(each().map(|(((_, phase), _), _)| *phase).collect::<Vec<_>>())
    .bind(each().map(|((_, item), _)| *item).collect::<Vec<_>>())
    .bind(each().map(|(_, seen)| seen.seq).collect::<Vec<_>>())
    .bind(each().map(|(_, seen)| seen.verdict.name()).collect::<Vec<_>>())
    .bind(each().map(|(_, seen)| seen.source.name()).collect::<Vec<_>>())
    .bind(each().map(|(_, seen)| seen.by).collect::<Vec<_>>())
    .bind(each().map(|(_, seen)| seen.hour).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

async fn requests(conn: &mut PgConnection, of: Followed, state: &State) -> Stored<()> {
    let gone = || state.requests.removed_now();
    if gone().next().is_some() {
        let (cycles, reports) = split(gone().map(|(workflow, _)| workflow));
        sqlx::query(
            "delete from requests r using unnest($2::uuid[], $3::uuid[], $4::uuid[]) \
                 a (cycle_id, report_id, action_id) \
             where r.generation = $1 and r.cycle_id = a.cycle_id and r.report_id = a.report_id \
                 and r.action_id = a.action_id",
        )
        .bind(of.generation)
        .bind(cycles)
        .bind(reports)
        .bind(gone().map(|(_, id)| *id).collect::<Vec<_>>())
        .execute(&mut *conn)
        .await?;
    }
    let each = || state.requests.set_now();
    if each().next().is_none() {
        return Ok(());
    }
    let (cycles, reports) = split(each().map(|((workflow, _), _)| workflow));
    sqlx::query(
        "insert into requests (generation, cycle_id, report_id, action_id, action_type, requested_at) \
         select $1, r.* from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::timestamptz[]) r \
         on conflict (generation, cycle_id, report_id, action_id) do update set \
             action_type = excluded.action_type, requested_at = excluded.requested_at",
    )
    .bind(of.generation)
    .bind(cycles)
    .bind(reports)
    .bind(each().map(|((_, id), _)| *id).collect::<Vec<_>>())
    .bind(each().map(|(_, seen)| seen.action_type).collect::<Vec<_>>())
    .bind(each().map(|(_, seen)| seen.at).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Counts up by hour, by day and for all time.
async fn sums(conn: &mut PgConnection, of: Followed, facts: &Facts) -> Stored<()> {
    if facts.sums.is_empty() {
        return Ok(());
    }
    let keys = || facts.sums.keys();
    let (cycles, reports) = split(keys().map(|key| &key.workflow));
    sqlx::query(
        "insert into rollups as r (generation, cycle_id, report_id, grain, period_start, phase, measure, \
             person, source, action_type, outcome, amount, micros, calculated_at) \
         select $1, f.cycle_id, f.report_id, g.grain, g.period_start, f.phase, f.measure, f.person, \
             f.source, f.action_type, f.outcome, sum(f.amount), sum(f.micros), clock_timestamp() \
         from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::text[], \
             $8::text[], $9::text[], $10::timestamptz[], $11::bigint[], $12::bigint[]) \
             f (cycle_id, report_id, phase, measure, person, source, action_type, outcome, hour, \
                amount, micros) \
         cross join lateral (values ('hour', f.hour), ('day', date_trunc('day', f.hour, 'UTC')), \
             ('total', '0001-01-01 00:00:00+00'::timestamptz)) g (grain, period_start) \
         group by 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 order by 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 \
         on conflict (generation, cycle_id, report_id, grain, period_start, phase, measure, person, \
             source, action_type, outcome) do update set amount = r.amount + excluded.amount, \
             micros = r.micros + excluded.micros, calculated_at = excluded.calculated_at",
    )
    .bind(of.generation)
    .bind(cycles)
    .bind(reports)
    .bind(keys().map(|key| key.phase).collect::<Vec<_>>())
    .bind(keys().map(|key| key.measure.name()).collect::<Vec<_>>())
    .bind(keys().map(|key| key.person).collect::<Vec<_>>())
    .bind(keys().map(|key| key.source).collect::<Vec<_>>())
    .bind(keys().map(|key| key.action_type).collect::<Vec<_>>())
    .bind(keys().map(|key| key.outcome).collect::<Vec<_>>())
    .bind(keys().map(|key| key.hour).collect::<Vec<_>>())
    .bind(facts.sums.values().map(|sum| sum.amount).collect::<Vec<_>>())
    .bind(facts.sums.values().map(|sum| sum.micros).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// The same of distributions.
async fn times(conn: &mut PgConnection, of: Followed, facts: &Facts) -> Stored<()> {
    if facts.times.is_empty() {
        return Ok(());
    }
    let keys = || facts.times.keys().map(|(key, _)| key);
    let (cycles, reports) = split(keys().map(|key| &key.workflow));
    sqlx::query(
        "insert into time_buckets as b (generation, cycle_id, report_id, grain, period_start, phase, \
             measure, person, action_type, outcome, bucket, amount, lowest, highest) \
         select $1, f.cycle_id, f.report_id, g.grain, g.period_start, f.phase, f.measure, f.person, \
             f.action_type, f.outcome, f.bucket, sum(f.amount), min(f.lowest), max(f.highest) \
         from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::text[], \
             $8::text[], $9::timestamptz[], $10::int[], $11::bigint[], $12::bigint[], $13::bigint[]) \
             f (cycle_id, report_id, phase, measure, person, action_type, outcome, hour, bucket, \
                amount, lowest, highest) \
         cross join lateral (values ('hour', f.hour), ('day', date_trunc('day', f.hour, 'UTC')), \
             ('total', '0001-01-01 00:00:00+00'::timestamptz)) g (grain, period_start) \
         group by 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 order by 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 \
         on conflict (generation, cycle_id, report_id, grain, period_start, phase, measure, person, \
             action_type, outcome, bucket) do update set amount = b.amount + excluded.amount, \
             lowest = least(b.lowest, excluded.lowest), highest = greatest(b.highest, excluded.highest)",
    )
    .bind(of.generation)
    .bind(cycles)
    .bind(reports)
    .bind(keys().map(|key| key.phase).collect::<Vec<_>>())
    .bind(keys().map(|key| key.measure.name()).collect::<Vec<_>>())
    .bind(keys().map(|key| key.person).collect::<Vec<_>>())
    .bind(keys().map(|key| key.action_type).collect::<Vec<_>>())
    .bind(keys().map(|key| key.outcome).collect::<Vec<_>>())
    .bind(keys().map(|key| key.hour).collect::<Vec<_>>())
    .bind(facts.times.keys().map(|(_, bucket)| *bucket).collect::<Vec<_>>())
    .bind(facts.times.values().map(|filled| filled.amount).collect::<Vec<_>>())
    .bind(facts.times.values().map(|filled| filled.lowest).collect::<Vec<_>>())
    .bind(facts.times.values().map(|filled| filled.highest).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}
