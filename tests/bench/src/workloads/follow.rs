//! Following a feed, beside inserting the same aggregates by hand; and what figures cost of few records and
//! of many.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use prost::Message as _;
use prost::bytes::Bytes;
use secrecy::ExposeSecret as _;
use signoff_contract::feed::v1 as feed;
use signoff_contract::metrics::v1 as wire;
use signoff_ledger::DatabaseUrls;
use signoff_tests::database;
use signoff_tests::wait::until;
use signoff_workflow::Role;
use sqlx::{Connection as _, PgConnection};
use tokio::sync::Mutex;

use super::Bench;
use crate::desk::Desk;
use crate::floor::Floor;
use crate::pairs::{in_turns, milliseconds, timed};
use crate::records::{self, OF_A_VERSION, Written};
use crate::report::{Line, Unit};
use crate::{PHASE, TESTER};

const PATH: &str = "/signoff.metrics.v1.MetricsService/GetPhaseMetrics";
pub(super) async fn run(bench: &Bench) -> Result<Vec<Line>> {
    Ok(vec![rate(bench).await?, delay(bench).await?, latency(bench).await?])
}

/// Records a second, from the subscription to the last commit.
async fn rate(bench: &Bench) -> Result<Line> {
    let (workflows, each): (usize, usize) = bench.size.pick((5, 40), (500, 400));
    let system = bench.system().await?;
    let written = records::write(&system, workflows, each).await?;
    system.settle().await?;
    let followed = system.followed().await?;
    let many = u64::try_from(written.len())?;
    let mut line = Line::new("follow", "records of a feed, counted", many, Unit::PerSecond);
    let times = bench.size.pick(1, 5);
    let by_service = async || {
        let urls = fresh(bench).await?;
        let (took, child) = timed(async {
            let child = system.counting(&followed, &urls.service).await?;
            until_counted(&urls, written.len()).await?;
            Ok(child)
        })
        .await?;
        drop(child);
        Ok(float(written.len()) / took * 1000.0)
    };
    let by_hand = async || {
        let urls = fresh(bench).await?;
        let mut floor = Floor::connect_beside(&urls.service).await?;
        let (took, ()) = timed(floor.count(&written)).await?;
        Ok(float(written.len()) / took * 1000.0)
    };
    (line.grpc, line.floor) = in_turns(times, by_service, by_hand).await?;
    let median = line.grpc.median();
    let guide = "at least 20,000 records a second (a guide)";
    let line = line.at_least_floor(0.5).at_least(guide, median, 20_000.0);
    system.stop().await?;
    Ok(line.note("the start of the process is in it"))
}

/// From the answer to a change until a follower at another replica has its record.
async fn delay(bench: &Bench) -> Result<Line> {
    let times = bench.size.pick(3, 100);
    let system = bench.system().await?;
    let followed = system.followed().await?;
    let mut stream = followed.subscribe().await?;
    let mut line =
        Line::new("follow", "from a change's answer to its follower", 1, Unit::Milliseconds);
    for _ in 0..times {
        let desk = Desk::new(&system).await;
        desk.tester.create(&desk.here, Vec::new()).await?;
        let answered = Instant::now();
        let cycle_id = desk.workflow.cycle_id.to_string();
        let is_it = |record: &feed::FeedRecord| {
            let action = record.record.as_ref().map(|record| record.action.as_str());
            let here = record.scope.as_ref().is_some_and(|scope| scope.cycle_id == cycle_id);
            here && action == Some("version.created")
        };
        while let Some(message) = stream.message().await? {
            if message.records.iter().any(is_it) {
                break;
            }
        }
        line.grpc.add(milliseconds(answered.elapsed()));
    }
    drop(stream);
    system.stop().await?;
    let median = line.grpc.median();
    Ok(line.at_most("at most 100 ms (a guide)", median, 100.0))
}

/// `GetPhaseMetrics` of a workflow of a thousand records and of one of a million.
async fn latency(bench: &Bench) -> Result<Line> {
    let (few, many): (usize, usize) = bench.size.pick((40, 400), (1_000, 1_000_000));
    let times = bench.size.pick(5, 300);
    let system = bench.system().await?;
    let small = records::write(&system, 1, few).await?;
    let large = records::write(&system, 1, many).await?;
    system.settle().await?;
    let (followed, urls) = (system.followed().await?, fresh(bench).await?);
    let counting = system.counting(&followed, &urls.service).await?;
    until_counted(&urls, few + many).await?;
    let mut line =
        Line::new("follow", "GetPhaseMetrics, p50", u64::try_from(many)?, Unit::Milliseconds);
    let of = async |written: &[Written]| -> Result<(crate::raw::Raw, Bytes)> {
        let workflow = written.first().context("no record")?.workflow;
        let scope = Some(signoff_tests::people::scope(workflow, PHASE.phase));
        let request = wire::GetPhaseMetricsRequest { scope, ..Default::default() };
        let raw = system.raw_at(&counting, TESTER, Role::Tester, workflow).await;
        Ok((raw, request.encode_to_vec().into()))
    };
    let (small, large) = (of(&small).await?, of(&large).await?);
    let versions = many / OF_A_VERSION;
    for turn in 0..=times {
        for ((raw, request), samples) in [(&small, &mut line.floor), (&large, &mut line.grpc)] {
            let (took, answer) = timed(raw.unary(PATH, request.clone())).await?;
            if turn > 0 {
                samples.add(took);
            }
            let answer = wire::GetPhaseMetricsResponse::decode(answer)?;
            let created = answer.metrics.first().and_then(|metric| metric.metric_value);
            ensure!(
                created == Some(float(few / OF_A_VERSION)) || created == Some(float(versions)),
                "{created:?} versions were created"
            );
        }
    }
    let growth = line.grpc.median() / line.floor.median();
    drop(counting);
    system.stop().await?;
    let same = "at most 1.5 × that of a thousand records";
    Ok(line.at_most(same, growth, 1.5).note("the floor is that of the few"))
}

/// A new database of the metrics service.
async fn fresh(bench: &Bench) -> Result<DatabaseUrls> {
    let migrations = signoff_metrics::migrations();
    Ok(database::fresh_for(&bench.cluster, "metrics", migrations).await.0)
}

/// Waits until so many records are counted, as long as more and more are.
async fn until_counted(urls: &DatabaseUrls, records: usize) -> Result<()> {
    let conn = Mutex::new(PgConnection::connect(urls.service.expose_secret()).await?);
    let (records, mut counted) = (i64::try_from(records)?, 0);
    while counted < records {
        counted = until("more is counted", || async {
            let now: i64 = sqlx::query_scalar(
                "select records from feeds where generation = 1 and source = 'versioning'",
            )
            .fetch_one(&mut *conn.lock().await)
            .await
            .ok()?;
            (now > counted).then_some(now)
        })
        .await;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "some million records")]
fn float(number: usize) -> f64 {
    number as f64
}
