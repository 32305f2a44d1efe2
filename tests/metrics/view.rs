//! The stored form of the metrics, for whoever reads by SQL.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use sqlx::Row as _;

use crate::expected::{METRICS, Within, figure};
use crate::fake::Counted;
use crate::oracle::{self, Fact};
use crate::story::Story;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_view_has_the_figures_of_the_service() {
    let counted = Counted::new().await;
    let dice = ChaCha8Rng::seed_from_u64(21);
    let mut story = Story::new(dice, "2025-12-30T20:00:00Z".parse().unwrap(), 2);
    for _ in 0..900 {
        let (source, record) = story.step();
        counted.fake.send(source, &[record], 1);
    }
    counted.settled().await;
    // The figures of the service are the oracle's: see `spread`.
    let facts = oracle::count(&story.files());
    let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
    let view = sqlx::query("select *, metric_metadata->>'grain' as grain from versioning_metrics");
    let rows = view.fetch_all(&mut counted.as_service().await).await.unwrap();
    let mut ids = std::collections::BTreeSet::new();
    for row in &rows {
        let text = |name: &str| row.get::<String, _>(name);
        let (metric, phase, grain) = (text("metric_type"), text("phase_name"), text("grain"));
        let report_id: uuid::Uuid = row.get("report_id");
        assert!(ids.insert(row.get::<uuid::Uuid, _>("metric_id")));
        let start: DateTime<Utc> = row.get("period_start");
        let end: Option<DateTime<Utc>> = row.get("period_end");
        let within = match grain.as_str() {
            "total" => Within::default(),
            _ => Within { start: Some(start), end },
        };
        assert_eq!(end.is_none(), grain == "total");
        let here: Vec<&Fact> = facts
            .iter()
            .filter(|fact| fact.workflow.report_id == report_id && fact.phase == phase)
            .collect();
        let expected = figure(&metric, &here, within);
        let what = format!("{metric} {grain} {phase} {start} {expected:?}");
        assert_eq!(row.get::<Option<f64>, _>("metric_value"), expected.value, "{what}");
        let metadata: serde_json::Value = row.get("metric_metadata");
        assert_eq!(metadata["numerator"].as_f64(), Some(expected.numerator), "{what}");
        assert_eq!(metadata["denominator"].as_f64(), Some(expected.denominator), "{what}");
        *seen.entry((metric, grain)).or_default() += 1;
    }
    // And what the service has, it has.
    for fact in &facts {
        let metric = match fact.kind {
            oracle::Kind::Made => "version_created",
            oracle::Kind::Ruled => "acceptance_rate",
            oracle::Kind::Response => "test_responses",
            _ => continue,
        };
        let day = fact.at.date_naive().and_hms_opt(0, 0, 0).unwrap().and_utc();
        let has = rows.iter().any(|row| {
            row.get::<uuid::Uuid, _>("report_id") == fact.workflow.report_id
                && row.get::<&str, _>("metric_type") == metric
                && row.get::<&str, _>("grain") == "day"
                && row.get::<&str, _>("phase_name") == fact.phase
                && row.get::<DateTime<Utc>, _>("period_start") == day
        });
        assert!(has, "{metric} of {day} is missing");
    }
    for metric in METRICS {
        for grain in ["hour", "day", "total"] {
            assert!(seen.contains_key(&(metric.to_owned(), grain.to_owned())), "{metric} {grain}");
        }
    }
}
