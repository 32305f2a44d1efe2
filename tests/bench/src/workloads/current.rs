//! `GetCurrentVersion`: sixteen clients, beside the least that a read can be.

use std::time::Duration;

use anyhow::Result;
use prost::Message as _;
use prost::bytes::Bytes;
use signoff_contract::versioning::v1 as wire;
use signoff_tests::world;
use signoff_workflow::Role;

use super::Bench;
use crate::closed_loop::{asking, calls};
use crate::desk::Desk;
use crate::pairs::in_turns;
use crate::raw::Raw;
use crate::report::{Line, Unit};
use crate::stats::Samples;
use crate::{TESTER, bare};

pub(super) const PATH: &str = "/signoff.versioning.v1.VersioningService/GetCurrentVersion";
pub(super) const CLIENTS: usize = 16;

pub(super) async fn run(bench: &Bench) -> Result<Vec<Line>> {
    let window = bench.size.pick(Duration::from_millis(100), Duration::from_secs(3));
    let system = bench.system().await?;
    let (desk, mut floor) = (Desk::new(&system).await, system.floor().await?);
    let version = desk.approved(&mut floor, 100).await?;
    let line_no = desk.line_no(&mut floor).await?;
    system.settle().await?;
    let least = system.bare().await?;

    // Both clients do the same work.
    let raw =
        |channel| Raw::new(system.connection(channel, TESTER, Role::Tester, Some(desk.workflow)));
    let (mut clients, mut bare_clients) = (Vec::new(), Vec::new());
    for _ in 0..CLIENTS {
        clients.push(raw(system.channel().await));
        bare_clients.push(raw(world::connect(least.address).await));
    }
    let ask: Bytes =
        wire::GetCurrentVersionRequest { scope: Some(desk.here.clone()) }.encode_to_vec().into();
    let key = format!("{line_no}/{}", version.number);
    let ask_bare: Bytes =
        wire::GetVersionRequest { scope: None, version_id: key }.encode_to_vec().into();

    let mut line = Line::new("current", "16 clients", count_u64(CLIENTS), Unit::PerSecond);
    let (mut waits, mut bare_waits) = (Samples::default(), Samples::default());
    let through_grpc = async || calls(&asking(&clients, &ask), PATH, window, &mut waits).await;
    let by_bare = async || {
        calls(&asking(&bare_clients, &ask_bare), bare::PATH, window, &mut bare_waits).await
    };
    let times = bench.size.pick(1, 7);
    (line.grpc, line.floor) = in_turns(times, through_grpc, by_bare).await?;
    drop(least);
    system.stop().await?;
    let note = format!(
        "p50 {:.2} ms, p95 {:.2} ms; the bare server's {:.2} and {:.2} ms",
        waits.median(),
        waits.quantile(0.95),
        bare_waits.median(),
        bare_waits.quantile(0.95)
    );
    Ok(vec![line.at_least_floor(0.8).note(note)])
}

fn count_u64(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}
