//! Through the gateway, by few clients and by many: how many calls a second, and how long one takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::Result;
use futures::future::try_join_all;
use prost::Message as _;
use prost::bytes::Bytes;
use signoff_contract::versioning::v1 as wire;
use signoff_tests::people::request_id;

use super::{Bench, current};
use crate::closed_loop::{Asking, asking, calls};
use crate::data::Sample;
use crate::desk::Desk;
use crate::door::Door;
use crate::raw::Raw;
use crate::report::{Line, Unit};
use crate::stats::Samples;
use crate::system::System;

const ADD: &str = "/signoff.versioning.v1.VersioningService/AddDecisions";

pub(super) async fn run(bench: &Bench) -> Result<Vec<Line>> {
    let counts: &[usize] = bench.size.pick(&[1, 4], &[1, 2, 4, 8, 16, 32, 64]);
    let system = bench.system().await?;
    let door = Door::before(&system, &bench.cluster).await?;
    let mut lines = reads(bench, &system, &door, counts).await?;
    lines.extend(changes(bench, &system, &door, counts).await?);
    drop(door);
    system.stop().await?;
    Ok(lines)
}

fn most(counts: &[usize]) -> usize {
    counts.iter().copied().max().unwrap_or_default()
}

/// `GetCurrentVersion`, all of one workflow.
async fn reads(bench: &Bench, system: &System, door: &Door, counts: &[usize]) -> Result<Vec<Line>> {
    let (desk, mut floor) = (Desk::new(system).await, system.floor().await?);
    desk.approved(&mut floor, 100).await?;
    door.open(desk.workflow).await?;
    system.settle().await?;
    let request = wire::GetCurrentVersionRequest { scope: Some(desk.here.clone()) };
    let raws = try_join_all((0..most(counts)).map(|_| door.raw())).await?;
    let clients = asking(&raws, &request.encode_to_vec().into());
    curve(bench, "reads", current::PATH, &clients, counts).await
}

/// `AddDecisions`, one sample a call, each client in a draft of its own.
async fn changes(
    bench: &Bench,
    system: &System,
    door: &Door,
    counts: &[usize],
) -> Result<Vec<Line>> {
    let mut clients = Vec::new();
    for _ in 0..most(counts) {
        let desk = Desk::new(system).await;
        let draft = desk.tester.create(&desk.here, Vec::new()).await?;
        door.open(desk.workflow).await?;
        clients.push(adding(door.raw().await?, &draft));
    }
    curve(bench, "changes, a workflow each", ADD, &clients, counts).await
}

/// A client that adds the next sample to its draft with each call.
fn adding(raw: Raw, draft: &wire::Version) -> Asking<impl Fn() -> Bytes + Clone + use<>> {
    let (scope, version_id) = (draft.scope.clone(), draft.version_id.clone());
    // Turn by turn, no sample comes twice.
    let next = Arc::new(AtomicU32::new(0));
    let message = move || {
        let sample = Sample::new(next.fetch_add(1, Ordering::Relaxed));
        let request = wire::AddDecisionsRequest {
            scope: scope.clone(),
            version_id: version_id.clone(),
            request_id: request_id(),
            decisions: vec![sample.input()],
            ..Default::default()
        };
        request.encode_to_vec().into()
    };
    (raw, message)
}

/// The rate and the waits of so many of the clients at once.
async fn curve<F>(
    bench: &Bench,
    what: &str,
    path: &'static str,
    clients: &[Asking<F>],
    counts: &[usize],
) -> Result<Vec<Line>>
where
    F: Fn() -> Bytes + Clone + Send + 'static,
{
    let window = bench.size.pick(Duration::from_millis(100), Duration::from_secs(2));
    let times = bench.size.pick(1, 5);
    let (mut rates, mut medians, mut tails) = (Vec::new(), Vec::new(), Vec::new());
    for many in counts.iter().copied() {
        let line = |what: String, unit| {
            Line::new("clients", what, u64::try_from(many).unwrap_or(u64::MAX), unit).by_clients()
        };
        let mut rate = line(what.to_owned(), Unit::PerSecond);
        let mut median = line(format!("{what}, p50"), Unit::Milliseconds);
        let mut tail = line(format!("{what}, p99"), Unit::Milliseconds);
        // The first turn does not count.
        for turn in 0..=times {
            let mut waits = Samples::default();
            let done = calls(&clients[..many], path, window, &mut waits).await?;
            if turn > 0 {
                rate.grpc.add(done);
                median.grpc.add(waits.median());
                tail.grpc.add(waits.quantile(0.99));
            }
        }
        rates.push(rate);
        medians.push(median);
        tails.push(tail);
    }
    Ok([rates, medians, tails].concat())
}
