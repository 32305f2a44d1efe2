//! `ImportDecisions`: a hundred thousand samples as a stream.

use std::cell::RefCell;

use anyhow::{Result, ensure};
use prost::Message as _;
use prost::bytes::Bytes;
use signoff_contract::versioning::v1 as wire;
use signoff_tests::people::request_id;
use signoff_workflow::Role;
use wire::Version;

use super::Bench;
use crate::TESTER;
use crate::data::Sample;
use crate::desk::{Desk, prepared};
use crate::floor::Floor;
use crate::floor::copying::Copying;
use crate::pairs::{in_turns, timed};
use crate::report::{Line, Unit};
use crate::stats::Samples;
use crate::system::System;

pub(super) const PATH: &str = "/signoff.versioning.v1.VersioningService/ImportDecisions";
/// Decisions in a message: well below 4 MiB.
const IN_A_MESSAGE: usize = 2_000;

pub(super) async fn run(bench: &Bench) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for many in bench.size.pick([100, 200, 500], [1_000, 10_000, 100_000]) {
        lines.push(measure(bench, many).await?);
    }
    // What is asked for is about the most.
    let most = lines.pop().map(|most| most.at_most_floor(2.0).at_most_copying());
    lines.extend(most);
    Ok(lines)
}

async fn measure(bench: &Bench, many: u32) -> Result<Line> {
    let times = bench.size.pick(1, 5);
    let (samples, json) = prepared(0..many);
    let system = bench.system().await?;
    let mut line = Line::new("import", "samples as a stream", many.into(), Unit::Milliseconds);

    let (imported, written) = (RefCell::new(None), RefCell::new(None));
    let mut floor = system.floor().await?;
    let memory = RefCell::new(Samples::default());
    let through_grpc = async || {
        let desk = Desk::new(&system).await;
        let draft = desk.draft(&mut system.floor().await?, 0).await?;
        let raw = system.raw(TESTER, Role::Tester, desk.workflow).await;
        let stream = messages(&draft, &samples);
        system.service.forget_peak()?;
        let before = system.service.peak()?;
        let (took, answer) = timed(raw.upload(PATH, stream)).await?;
        let peak = system.service.peak()?;
        memory.borrow_mut().add(f64::from(u32::try_from(peak.saturating_sub(before))?));
        let answer = wire::ImportDecisionsResponse::decode(answer)?;
        ensure!(answer.imported == i64::from(many), "{} were imported", answer.imported);
        imported.replace(Some(desk));
        Ok(took)
    };
    let by_sql = async || {
        let desk = Desk::new(&system).await;
        desk.draft(&mut floor, 0).await?;
        let took = timed(floor.put_forward(desk.workflow, &samples, &json)).await?.0;
        written.replace(Some(desk));
        Ok(took)
    };
    (line.grpc, line.floor) = in_turns(times, through_grpc, by_sql).await?;
    let mut copying = Copying::new(&system.urls).await?;
    for _ in 0..times {
        line.copying.add(timed(copying.import(&samples, &json, "pending")).await?.0);
    }
    if let (Some(imported), Some(written)) = (imported.take(), written.take()) {
        written.verify().await?;
        expect_same(&system, &mut floor, &imported, &written, many).await?;
    }
    let memory = memory.take().quantile(1.0) / 1000.0;
    system.stop().await?;
    Ok(line.note(format!("server memory grew by {memory:.0} MB at most")))
}

/// The stream that puts samples forward.
pub(super) fn messages(draft: &Version, samples: &[Sample]) -> Vec<Bytes> {
    let first = wire::ImportDecisionsRequest {
        scope: draft.scope.clone(),
        version_id: draft.version_id.clone(),
        request_id: request_id(),
        ..Default::default()
    };
    let rest = samples.chunks(IN_A_MESSAGE).map(|chunk| wire::ImportDecisionsRequest {
        decisions: chunk.iter().map(|sample| sample.input()).collect(),
        ..Default::default()
    });
    std::iter::once(first).chain(rest).map(|message| message.encode_to_vec().into()).collect()
}

/// The floor left the same rows as the service.
async fn expect_same(
    system: &System,
    floor: &mut Floor,
    one: &Desk,
    other: &Desk,
    many: u32,
) -> Result<()> {
    let (a, b) = (one.line_no(floor).await?, other.line_no(floor).await?);
    let same: i64 = sqlx::query_scalar(
        "select count(*) from items a join items b using (item_key, content_hash, payload,
             payload_schema, counted, source, recommended_by, contributed, introduced_in)
         where a.line_no = $1 and b.line_no = $2",
    )
    .bind(a)
    .bind(b)
    .fetch_one(&mut system.superuser().await?)
    .await?;
    ensure!(same == i64::from(many), "{same} of {many} rows are the same");
    Ok(())
}
