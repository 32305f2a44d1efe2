//! `ExportDecisions`: everything that a version holds, as a stream.

use anyhow::{Context as _, Result, ensure};
use prost::Message as _;
use prost::bytes::Bytes;
use signoff_contract::versioning::v1 as wire;
use signoff_workflow::Role;

use super::Bench;
use crate::TESTER;
use crate::child::Child;
use crate::desk::Desk;
use crate::pairs::{in_turns, timed};
use crate::raw::{Raw, count_field_1};
use crate::report::{Line, Unit};
use crate::stats::{Samples, count};
use crate::system::System;

pub(super) const PATH: &str = "/signoff.versioning.v1.VersioningService/ExportDecisions";

pub(super) async fn run(bench: &Bench) -> Result<Vec<Line>> {
    let many: u32 = bench.size.pick(1_000, 100_000);
    let system = bench.system().await?;
    let (small, desk) = (Desk::new(&system).await, Desk::new(&system).await);
    let mut floor = system.floor().await?;
    let few = small.approved(&mut floor, many / 10).await?;
    let version = desk.approved(&mut floor, many).await?;
    system.settle().await?;

    let small_raw = system.raw(TESTER, Role::Tester, small.workflow).await;
    let raw = system.raw(TESTER, Role::Tester, desk.workflow).await;
    let mut line = Line::new("export", "all as a stream", many.into(), Unit::PerSecond);
    // Once around, so that what is kept for good is there before memory is looked at.
    export(&system, &small_raw, &few).await?;
    let (_, base) = export(&system, &small_raw, &few).await?;

    let mut memory = Samples::default();
    let line_no = desk.line_no(&mut floor).await?;
    let through_grpc = async || {
        let (took, (rows, peak)) = timed(export(&system, &raw, &version)).await?;
        ensure!(rows == usize::try_from(many)?, "{rows} decisions came");
        memory.add(peak - base);
        Ok(count(rows) / took * 1000.0)
    };
    let by_sql = async || {
        let (took, bytes) = timed(floor.export(line_no, version.number)).await?;
        ensure!(bytes > 300 * usize::try_from(many)?, "{bytes} bytes came");
        Ok(f64::from(many) / took * 1000.0)
    };
    (line.grpc, line.floor) = in_turns(bench.size.pick(1, 7), through_grpc, by_sql).await?;
    system.stop().await?;
    let growth = memory.quantile(1.0);
    let flat = "memory flat: at most 16 MB above a tenth of it";
    Ok(vec![line.at_least_floor(0.5).at_most(flat, growth, 16.0)])
}

/// Takes a whole export: how many decisions came, and the server's peak in megabytes.
async fn export(system: &System, raw: &Raw, of: &wire::Version) -> Result<(usize, f64)> {
    let request = wire::ExportDecisionsRequest {
        scope: of.scope.clone(),
        version_id: of.version_id.clone(),
        filter: None,
    };
    taken(&system.service, raw, request).await
}

/// Takes a whole export: how many decisions came, and a server's peak in megabytes.
pub(super) async fn taken(
    server: &Child,
    raw: &Raw,
    request: wire::ExportDecisionsRequest,
) -> Result<(usize, f64)> {
    server.forget_peak()?;
    let mut stream = raw.download(PATH, request.encode_to_vec().into()).await?;
    let mut rows = 0;
    while let Some(message) = stream.message().await? {
        let message: Bytes = message;
        rows += count_field_1(message)?;
    }
    let peak = u32::try_from(server.peak()?).context("a peak")?;
    Ok((rows, f64::from(peak) / 1000.0))
}
