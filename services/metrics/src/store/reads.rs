//! Figures of a period, read from sums.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use signoff_workflow::Workflow;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Postgres, QueryBuilder, Row};
use uuid::Uuid;

use super::{Stored, slug, word};
use crate::domain::fact::Sum;
use crate::domain::figure::{Count, Times};
use crate::domain::measure::Measure;
use crate::domain::period::{Period, Span};
use crate::domain::sketch::{Filled, Sketch};

/// Of what figures are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Select {
    /// Of one workflow; across all, if it is not named.
    pub workflow: Option<Workflow>,
    /// Only of this cycle.
    pub cycle_id: Option<Uuid>,
    /// Only of this report.
    pub report_id: Option<Uuid>,
    /// Only of this phase, by its slug.
    pub phase: Option<&'static str>,
    /// Only of what this person did.
    pub person: Option<i64>,
}

/// What figures are made of.
pub type MadeOf = (Vec<Count>, Vec<Times>);
/// The same by phase.
pub type ByPhase = BTreeMap<&'static str, MadeOf>;

/// Counts that are needed from the beginning on, whatever the period.
const FROM_THE_BEGINNING: [Measure; 3] =
    [Measure::VersionCreated, Measure::VersionDeleted, Measure::Document];

/// Counts and distributions of a period; of each phase by itself, or together under no phase.
pub async fn figures(
    conn: &mut PgConnection,
    generation: i64,
    select: &Select,
    period: Period,
    by_phase: bool,
) -> Stored<ByPhase> {
    let mut found = ByPhase::new();
    let spans = Spans::of(period);
    let mut query = QueryBuilder::<Postgres>::new("select ");
    query.push(if by_phase { "r.phase" } else { "''" });
    query.push(
        " as phase, r.measure, r.source, r.action_type, r.outcome, \
         max(r.calculated_at) as calculated_at, \
         coalesce(sum(r.amount) filter (where s.within), 0)::bigint as amount, \
         coalesce(sum(r.micros) filter (where s.within), 0)::bigint as micros, \
         coalesce(sum(r.amount) filter (where s.until_end), 0)::bigint as amount_until_end, \
         coalesce(sum(r.micros) filter (where s.until_end), 0)::bigint as micros_until_end from ",
    );
    spans.push(&mut query);
    query.push(" join rollups r on r.grain = s.grain and r.period_start >= s.starts and r.period_start < s.ends");
    query.push(" and (s.within or r.measure = any(");
    query.push_bind(FROM_THE_BEGINNING.map(|measure| measure.name().to_owned()).to_vec());
    query.push("))");
    selected(&mut query, generation, select);
    query.push(" group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5");
    for row in query.build().fetch_all(&mut *conn).await? {
        let (counts, _) = found.entry(slug(row.try_get("phase")?)?).or_default();
        counts.push(count(&row)?);
    }
    let mut query = QueryBuilder::<Postgres>::new("select ");
    query.push(if by_phase { "r.phase" } else { "''" });
    query.push(
        " as phase, r.measure, r.bucket, sum(r.amount)::bigint as amount, min(r.lowest) as lowest, \
         max(r.highest) as highest from ",
    );
    spans.push(&mut query);
    query.push(" join time_buckets r on s.within and r.grain = s.grain and r.period_start >= s.starts and r.period_start < s.ends");
    selected(&mut query, generation, select);
    query.push(" group by 1, 2, 3");
    for row in query.build().fetch_all(&mut *conn).await? {
        let (_, times) = found.entry(slug(row.try_get("phase")?)?).or_default();
        add_times(times, &row)?;
    }
    Ok(found)
}

/// Spans of a period and of everything up to its end, marked.
struct Spans(Vec<(Span, bool, bool)>);

impl Spans {
    fn of(period: Period) -> Self {
        // From the beginning on, both are the same.
        if period.start.is_none() {
            return Self(period.spans().into_iter().map(|span| (span, true, true)).collect());
        }
        let within = period.spans().into_iter().map(|span| (span, true, false));
        let until_end = period.until_end().spans().into_iter().map(|span| (span, false, true));
        Self(within.chain(until_end).collect())
    }

    fn push(&self, query: &mut QueryBuilder<Postgres>) {
        let each = || self.0.iter();
        query.push("unnest(");
        query.push_bind(each().map(|(span, ..)| span.grain.name().to_owned()).collect::<Vec<_>>());
        query.push("::text[], ");
        query.push_bind(each().map(|(span, ..)| span.from).collect::<Vec<_>>());
        query.push("::timestamptz[], ");
        query.push_bind(each().map(|(span, ..)| span.to).collect::<Vec<_>>());
        query.push("::timestamptz[], ");
        query.push_bind(each().map(|(_, within, _)| *within).collect::<Vec<_>>());
        query.push("::bool[], ");
        query.push_bind(each().map(|(.., until_end)| *until_end).collect::<Vec<_>>());
        query.push("::bool[]) s (grain, starts, ends, within, until_end)");
    }
}

/// Rows of a count that are wanted: the condition on the table `r`.
pub(super) fn selected(query: &mut QueryBuilder<Postgres>, generation: i64, select: &Select) {
    // A row that came to nothing is not there for whoever counts anew.
    query.push(" where r.amount <> 0 and r.generation = ").push_bind(generation);
    let (mut cycle_id, mut report_id) = (select.cycle_id, select.report_id);
    if let Some(workflow) = select.workflow {
        (cycle_id, report_id) = (Some(workflow.cycle_id), Some(workflow.report_id));
    }
    if let Some(cycle_id) = cycle_id {
        query.push(" and r.cycle_id = ").push_bind(cycle_id);
    }
    if let Some(report_id) = report_id {
        query.push(" and r.report_id = ").push_bind(report_id);
    }
    if let Some(phase) = select.phase {
        query.push(" and r.phase = ").push_bind(phase);
    }
    if let Some(person) = select.person {
        query.push(" and r.person = ").push_bind(person);
    }
}

/// A count, as a row has it.
pub(super) fn count(row: &PgRow) -> Stored<Count> {
    let measure: &str = row.try_get("measure")?;
    Ok(Count {
        measure: word(Measure::named(measure), measure)?,
        source: row.try_get("source")?,
        action_type: row.try_get("action_type")?,
        outcome: row.try_get("outcome")?,
        within: Sum { amount: row.try_get("amount")?, micros: row.try_get("micros")? },
        until_end: Sum {
            amount: row.try_get("amount_until_end")?,
            micros: row.try_get("micros_until_end")?,
        },
        calculated_at: row.try_get::<DateTime<Utc>, _>("calculated_at")?,
    })
}

/// Adds a bucket of times, as a row has it, to the distribution of its measure.
pub(super) fn add_times(times: &mut Vec<Times>, row: &PgRow) -> Stored<()> {
    let measure: &str = row.try_get("measure")?;
    let measure = word(Measure::named(measure), measure)?;
    let filled = Filled {
        amount: row.try_get("amount")?,
        lowest: row.try_get("lowest")?,
        highest: row.try_get("highest")?,
    };
    let bucket: i32 = row.try_get("bucket")?;
    match times.iter_mut().find(|times| times.measure == measure) {
        Some(times) => times.sketch.add(bucket, filled),
        None => {
            let mut sketch = Sketch::default();
            sketch.add(bucket, filled);
            times.push(Times { measure, sketch });
        }
    }
    Ok(())
}
