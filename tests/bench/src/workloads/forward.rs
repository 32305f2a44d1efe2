//! Through the gateway, beside straight to the service: what the door and one more hop cost.

use std::time::Duration;

use anyhow::{Result, ensure};
use prost::Message as _;
use prost::bytes::Bytes;
use signoff_contract::versioning::v1 as wire;
use signoff_workflow::Role;

use super::current::{self, CLIENTS};
use super::{Bench, export, import};
use crate::TESTER;
use crate::closed_loop::{asking, calls};
use crate::desk::{Desk, prepared};
use crate::door::Door;
use crate::pairs::{in_turns, timed};
use crate::report::{Line, Unit};
use crate::stats::Samples;
use crate::system::System;

pub(super) async fn run(bench: &Bench) -> Result<Vec<Line>> {
    let system = bench.system().await?;
    let door = Door::before(&system, &bench.cluster).await?;
    let mut lines = reads(bench, &system, &door).await?;
    lines.push(imports(bench, &system, &door).await?);
    lines.push(streams(bench, &system, &door).await?);
    drop(door);
    system.stop().await?;
    Ok(lines)
}

/// `GetCurrentVersion`, by sixteen clients.
async fn reads(bench: &Bench, system: &System, door: &Door) -> Result<Vec<Line>> {
    let window = bench.size.pick(Duration::from_millis(100), Duration::from_secs(3));
    let (desk, mut floor) = (Desk::new(system).await, system.floor().await?);
    desk.approved(&mut floor, 100).await?;
    door.open(desk.workflow).await?;
    system.settle().await?;
    let (mut through, mut straight) = (Vec::new(), Vec::new());
    for _ in 0..CLIENTS {
        through.push(door.raw().await?);
        straight.push(system.raw(TESTER, Role::Tester, desk.workflow).await);
    }
    let ask: Bytes =
        wire::GetCurrentVersionRequest { scope: Some(desk.here.clone()) }.encode_to_vec().into();
    let clients = u64::try_from(CLIENTS)?;
    let mut rate = Line::new("forward", "reads by 16 clients", clients, Unit::PerSecond);
    let mut wait = Line::new("forward", "the same, p50 of a call", clients, Unit::Milliseconds);
    let by_gateway = async || {
        let mut waits = Samples::default();
        let rate = calls(&asking(&through, &ask), current::PATH, window, &mut waits).await?;
        wait.grpc.add(waits.median());
        Ok(rate)
    };
    let mut medians = Samples::default();
    let by_service = async || {
        let mut waits = Samples::default();
        let rate = calls(&asking(&straight, &ask), current::PATH, window, &mut waits).await?;
        medians.add(waits.median());
        Ok(rate)
    };
    let times = bench.size.pick(1, 7);
    (rate.grpc, rate.floor) = in_turns(times, by_gateway, by_service).await?;
    wait.floor = medians;
    Ok(vec![rate.at_least_floor(0.65), wait.at_most_floor(1.6)])
}

/// `ImportDecisions`, of a hundred thousand.
async fn imports(bench: &Bench, system: &System, door: &Door) -> Result<Line> {
    let many: u32 = bench.size.pick(500, 100_000);
    let samples = prepared(0..many).0;
    let mut line = Line::new("forward", "samples as a stream", many.into(), Unit::PerSecond);
    let import = async |through: bool| {
        let desk = Desk::new(system).await;
        let draft = desk.draft(&mut system.floor().await?, 0).await?;
        let raw = if through {
            door.open(desk.workflow).await?;
            door.raw().await?
        } else {
            system.raw(TESTER, Role::Tester, desk.workflow).await
        };
        let stream = import::messages(&draft, &samples);
        let (took, answer) = timed(raw.upload(import::PATH, stream)).await?;
        let answer = wire::ImportDecisionsResponse::decode(answer)?;
        ensure!(answer.imported == i64::from(many), "{} were imported", answer.imported);
        Ok(f64::from(many) / took * 1000.0)
    };
    let times = bench.size.pick(1, 5);
    (line.grpc, line.floor) =
        in_turns(times, async || import(true).await, async || import(false).await).await?;
    Ok(line.at_least_floor(0.9))
}

/// `ExportDecisions`, of a million: what the gateway needs for it beside what it needs for a tenth.
async fn streams(bench: &Bench, system: &System, door: &Door) -> Result<Line> {
    let many: u32 = bench.size.pick(1_000, 1_000_000);
    let mut floor = system.floor().await?;
    let (few, all) = (Desk::new(system).await, Desk::new(system).await);
    let few_version = few.approved(&mut floor, many / 10).await?;
    let version = all.approved(&mut floor, many).await?;
    door.open(few.workflow).await?;
    door.open(all.workflow).await?;
    system.settle().await?;
    let raw = door.raw().await?;
    let request = |of: &wire::Version| wire::ExportDecisionsRequest {
        scope: of.scope.clone(),
        version_id: of.version_id.clone(),
        filter: None,
    };
    let mut line = Line::new("forward", "decisions as a stream", many.into(), Unit::PerSecond);
    export::taken(&door.gateway, &raw, request(&few_version)).await?;
    let (_, base) = export::taken(&door.gateway, &raw, request(&few_version)).await?;
    let taken = timed(export::taken(&door.gateway, &raw, request(&version))).await?;
    let (took, (rows, peak)) = taken;
    ensure!(rows == usize::try_from(many)?, "{rows} decisions came");
    line.grpc.add(f64::from(many) / took * 1000.0);
    let straight = system.raw(TESTER, Role::Tester, all.workflow).await;
    let (took, _) = timed(export::taken(&system.service, &straight, request(&version))).await?;
    line.floor.add(f64::from(many) / took * 1000.0);
    let flat = "the gateway's memory is flat: at most 16 MB above a tenth of it";
    Ok(line.at_most(flat, peak - base, 16.0))
}
