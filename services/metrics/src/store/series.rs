//! Figures over time, read from sums.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Postgres, QueryBuilder, Row};
use uuid::Uuid;

use super::reads::{Select, add_times, count, selected};
use super::{Stored, slug};
use crate::domain::figure::Count;
use crate::domain::metric::MetricType;
use crate::domain::period::{Bucket, Period};
use crate::domain::running::Made;

/// By what a series is split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// By phase.
    Phase,
    /// By test cycle.
    Cycle,
    /// By report.
    Report,
    /// By who did it.
    Person,
    /// By where decisions were recommended.
    Source,
    /// By what was asked for.
    ActionType,
    /// By how it ended.
    Outcome,
}

impl By {
    /// All, each with its column.
    const COLUMNS: [(Self, &'static str, &'static str); 7] = [
        (Self::Phase, "r.phase", "''"),
        (Self::Cycle, "r.cycle_id", "null::uuid"),
        (Self::Report, "r.report_id", "null::uuid"),
        (Self::Person, "r.person", "0::bigint"),
        (Self::Source, "r.source", "''"),
        (Self::ActionType, "r.action_type", "''"),
        (Self::Outcome, "r.outcome", "''"),
    ];
}

/// One of the groups that a series is split into; what it is not split by is unset.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// The phase, by its slug.
    pub phase: &'static str,
    /// The test cycle.
    pub cycle_id: Option<Uuid>,
    /// The report.
    pub report_id: Option<Uuid>,
    /// Who did it.
    pub person: i64,
    /// Where decisions were recommended.
    pub source: String,
    /// What was asked for.
    pub action_type: String,
    /// How it ended.
    pub outcome: String,
}

/// Which series is wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Of which metric.
    pub metric: MetricType,
    /// Of what.
    pub select: Select,
    /// By which stretches of time.
    pub bucket: Bucket,
    /// The first of them.
    pub from: DateTime<Utc>,
    /// The end of the last one.
    pub to: DateTime<Utc>,
    /// By what it is split.
    pub by: BTreeSet<By>,
}

/// Counts and distributions over time, by group.
pub async fn read(
    conn: &mut PgConnection,
    generation: i64,
    wanted: &Wanted,
) -> Stored<BTreeMap<Group, Made>> {
    let mut found: BTreeMap<Group, Made> = BTreeMap::new();
    let definition = wanted.metric.definition();
    let parts = || definition.numerator.iter().chain(definition.denominator);

    let mut query = QueryBuilder::<Postgres>::new("select ");
    head(&mut query, wanted);
    query.push(
        ", r.source, r.action_type, r.outcome, max(r.calculated_at) as calculated_at, \
         sum(r.amount)::bigint as amount, sum(r.micros)::bigint as micros, \
         0::bigint as amount_until_end, 0::bigint as micros_until_end from rollups r",
    );
    of_metric(&mut query, generation, wanted);
    query.push(" group by 1, 2, 3, 4, 5, 6, 7, 8, 9, r.source, r.action_type, r.outcome");
    for row in query.build().fetch_all(&mut *conn).await? {
        let made = found.entry(group(&row)?).or_default();
        let (counts, _) = made.within.entry(row.try_get("begins")?).or_default();
        counts.push(count(&row)?);
    }
    if wanted.metric.times().is_some() {
        let mut query = QueryBuilder::<Postgres>::new("select ");
        head(&mut query, wanted);
        query.push(
            ", r.bucket, sum(r.amount)::bigint as amount, min(r.lowest) as lowest, \
             max(r.highest) as highest from ",
        );
        // Times are of no source.
        query.push("(select *, ''::text as source from time_buckets) r");
        of_metric(&mut query, generation, wanted);
        query.push(" group by 1, 2, 3, 4, 5, 6, 7, 8, 9, r.bucket");
        for row in query.build().fetch_all(&mut *conn).await? {
            let made = found.entry(group(&row)?).or_default();
            let (_, times) = made.within.entry(row.try_get("begins")?).or_default();
            add_times(times, &row)?;
        }
    }
    if parts().any(|part| part.until_end) {
        for (group, counts) in before(conn, generation, wanted).await? {
            found.entry(group).or_default().before = counts;
        }
    }
    Ok(found)
}

/// What counts from the beginning on, before the first stretch.
async fn before(
    conn: &mut PgConnection,
    generation: i64,
    wanted: &Wanted,
) -> Stored<BTreeMap<Group, Vec<Count>>> {
    let mut found: BTreeMap<Group, Vec<Count>> = BTreeMap::new();
    for span in (Period { start: None, end: Some(wanted.from) }).spans() {
        let mut query = QueryBuilder::<Postgres>::new("select ");
        columns(&mut query, wanted);
        query.push(
            ", r.measure, r.source, r.action_type, r.outcome, \
             max(r.calculated_at) as calculated_at, sum(r.amount)::bigint as amount, \
             sum(r.micros)::bigint as micros, sum(r.amount)::bigint as amount_until_end, \
             sum(r.micros)::bigint as micros_until_end from rollups r",
        );
        selected(&mut query, generation, &wanted.select);
        measures(&mut query, wanted, true);
        query.push(" and r.grain = ").push_bind(span.grain.name());
        query.push(" and r.period_start >= ").push_bind(span.from);
        query.push(" and r.period_start < ").push_bind(span.to);
        query.push(" group by 1, 2, 3, 4, 5, 6, 7, r.measure, r.source, r.action_type, r.outcome");
        for row in query.build().fetch_all(&mut *conn).await? {
            found.entry(group(&row)?).or_default().push(count(&row)?);
        }
    }
    Ok(found)
}

/// The columns that say of which group, stretch and measure a row is: nine.
fn head(query: &mut QueryBuilder<Postgres>, wanted: &Wanted) {
    columns(query, wanted);
    query.push(", date_trunc('").push(wanted.bucket.name());
    query.push("', r.period_start, 'UTC') as begins, r.measure");
}

/// The columns that say of which group a row is: seven.
fn columns(query: &mut QueryBuilder<Postgres>, wanted: &Wanted) {
    for (i, (by, column, none)) in By::COLUMNS.into_iter().enumerate() {
        if i > 0 {
            query.push(", ");
        }
        query.push(if wanted.by.contains(&by) { column } else { none });
        query.push(format!(" as group_{i}"));
    }
}

fn of_metric(query: &mut QueryBuilder<Postgres>, generation: i64, wanted: &Wanted) {
    selected(query, generation, &wanted.select);
    measures(query, wanted, false);
    query.push(" and r.grain = ").push_bind(wanted.bucket.grain().name());
    query.push(" and r.period_start >= ").push_bind(wanted.from);
    query.push(" and r.period_start < ").push_bind(wanted.to);
}

fn measures(query: &mut QueryBuilder<Postgres>, wanted: &Wanted, until_end_only: bool) {
    let definition = wanted.metric.definition();
    let parts = definition.numerator.iter().chain(definition.denominator);
    let names: BTreeSet<&str> = parts
        .filter(|part| part.until_end || !until_end_only)
        .map(|part| part.measure.name())
        .collect();
    query.push(" and r.measure = any(");
    query.push_bind(names.into_iter().map(str::to_owned).collect::<Vec<_>>());
    query.push(")");
}

fn group(row: &PgRow) -> Stored<Group> {
    Ok(Group {
        phase: slug(row.try_get("group_0")?)?,
        cycle_id: row.try_get("group_1")?,
        report_id: row.try_get("group_2")?,
        person: row.try_get("group_3")?,
        source: row.try_get("group_4")?,
        action_type: row.try_get("group_5")?,
        outcome: row.try_get("group_6")?,
    })
}
