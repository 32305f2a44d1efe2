//! What the exposition for Prometheus is made of: everything, across workflows.

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::postgres::PgConnection;

use super::reads::add_times;
use super::{Stored, slug, word};
use crate::domain::fact::Sum;
use crate::domain::figure::Times;
use crate::domain::measure::Measure;

/// A sum across workflows and people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Total {
    /// Of what.
    pub measure: Measure,
    /// Of which phase, by its slug.
    pub phase: &'static str,
    /// Where decisions were recommended.
    pub source: String,
    /// What was asked for.
    pub action_type: String,
    /// How it ended.
    pub outcome: String,
    /// The sum.
    pub sum: Sum,
}

/// All sums of all time.
pub async fn sums(conn: &mut PgConnection, generation: i64) -> Stored<Vec<Total>> {
    let rows = sqlx::query(
        "select phase, measure, source, action_type, outcome, sum(amount)::bigint as amount, \
             sum(micros)::bigint as micros \
         from rollups where generation = $1 and grain = 'total' \
         group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5",
    )
    .bind(generation)
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| {
            let measure: &str = row.try_get("measure")?;
            Ok(Total {
                measure: word(Measure::named(measure), measure)?,
                phase: slug(row.try_get("phase")?)?,
                source: row.try_get("source")?,
                action_type: row.try_get("action_type")?,
                outcome: row.try_get("outcome")?,
                sum: Sum { amount: row.try_get("amount")?, micros: row.try_get("micros")? },
            })
        })
        .collect()
}

/// A distribution, by phase and by what was asked for.
pub type Distribution = (&'static str, String, Vec<Times>);

/// The distributions of all times.
pub async fn times(conn: &mut PgConnection, generation: i64) -> Stored<Vec<Distribution>> {
    let rows = sqlx::query(
        "select phase, action_type, measure, bucket, sum(amount)::bigint as amount, \
             min(lowest) as lowest, max(highest) as highest \
         from time_buckets where generation = $1 and grain = 'total' \
         group by 1, 2, 3, 4 order by 1, 2, 3, 4",
    )
    .bind(generation)
    .fetch_all(conn)
    .await?;
    let mut found: Vec<Distribution> = Vec::new();
    for row in &rows {
        let (phase, action_type) = (slug(row.try_get("phase")?)?, row.try_get("action_type")?);
        let is_last = |last: &Distribution| (last.0, &last.1) == (phase, &action_type);
        if !found.last().is_some_and(is_last) {
            found.push((phase, action_type, Vec::new()));
        }
        if let Some((.., times)) = found.last_mut() {
            add_times(times, row)?;
        }
    }
    Ok(found)
}

/// Versions that wait for their reviewer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// In which phase, by its slug.
    pub phase: &'static str,
    /// How many.
    pub versions: i64,
    /// Since when the oldest of them.
    pub oldest: DateTime<Utc>,
}

/// Versions that wait for their reviewer, by phase.
pub async fn pending(conn: &mut PgConnection, generation: i64) -> Stored<Vec<Pending>> {
    let rows = sqlx::query(
        "select phase, count(*) as versions, min(submitted_at) as oldest \
         from versions where generation = $1 and is_submitted and submitted_at is not null \
         group by phase order by phase",
    )
    .bind(generation)
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Pending {
                phase: slug(row.try_get("phase")?)?,
                versions: row.try_get("versions")?,
                oldest: row.try_get("oldest")?,
            })
        })
        .collect()
}

/// How many records could not be counted as they should be, by feed and reason.
pub async fn rejected(
    conn: &mut PgConnection,
    generation: i64,
) -> Stored<Vec<(String, String, i64)>> {
    let rows = sqlx::query_as(
        "select source, reason, count(*) from rejected_records where generation = $1 \
         group by 1, 2 order by 1, 2",
    );
    Ok(rows.bind(generation).fetch_all(conn).await?)
}
