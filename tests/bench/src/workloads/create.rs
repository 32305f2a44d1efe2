//! `CreateVersion`: a hundred samples, sixteen clients on workflows of their own.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use prost::Message as _;
use prost::bytes::Bytes;
use signoff_contract::versioning::v1 as wire;
use signoff_tests::people::{request_id, scope};
use signoff_tests::{Person, world};
use signoff_workflow::{Role, Workflow};
use tonic::transport::Channel;

use super::Bench;
use crate::data::Sample;
use crate::desk::{Desk, prepared};
use crate::floor::Floor;
use crate::pairs::in_turns;
use crate::raw::Raw;
use crate::report::{Line, Unit};
use crate::stats::count;
use crate::system::System;
use crate::{PHASE, TESTER};

const PATH: &str = "/signoff.versioning.v1.VersioningService/CreateVersion";
const CLIENTS: usize = 16;
/// How many sessions the floor is tried with, once around first: many more than there are cores
/// make it slower.
const SESSIONS: [usize; 5] = [16, 2, 4, 8, 16];

pub(super) async fn run(bench: &Bench) -> Result<Vec<Line>> {
    let each = bench.size.pick(1, 50);
    let (samples, json) = prepared(0..100);
    let system = bench.system().await?;
    let mut channels = Vec::new();
    for _ in 0..CLIENTS {
        channels.push(system.channel().await);
    }
    let mut floors = Vec::new();
    for _ in 0..CLIENTS {
        floors.push(system.floor().await?);
    }
    let gateway = system.person(channels[0].clone(), 1, Role::Gateway, None);

    // The number of sessions with which the floor is fastest.
    let mut best = (0.0, CLIENTS);
    let tries: &[usize] = bench.size.pick(&[16], &SESSIONS);
    for sessions in tries.iter().copied() {
        let workflows = open(&gateway, CLIENTS * each).await?;
        let rate = write(&mut floors[..sessions], &workflows, &samples, &json).await?;
        best = if rate > best.0 { (rate, sessions) } else { best };
    }
    let sessions = best.1;

    let mut line = Line::new("create", "100 samples, 16 clients", 100, Unit::PerSecond);
    let through_grpc = async || {
        let workflows = open(&gateway, CLIENTS * each).await?;
        call(&system, &channels, &workflows, &samples).await
    };
    let mut written = Vec::new();
    let by_sql = async || {
        written = open(&gateway, CLIENTS * each).await?;
        write(&mut floors[..sessions], &written, &samples, &json).await
    };
    (line.grpc, line.floor) = in_turns(bench.size.pick(1, 9), through_grpc, by_sql).await?;
    let last = written.first().context("a workflow")?;
    expect_whole(&system, &channels[0], *last).await?;
    system.stop().await?;
    Ok(vec![line.at_least_floor(0.6).note(format!("the floor is best with {sessions} sessions"))])
}

/// Opens so many workflows.
async fn open(gateway: &Person, many: usize) -> Result<Vec<Workflow>> {
    let tasks = (0..CLIENTS).map(|_| {
        let mut gateway = gateway.clone();
        tokio::spawn(async move {
            let mut opened = Vec::new();
            for _ in 0..many / CLIENTS {
                let workflow = world::workflow();
                gateway.open_phase(workflow, PHASE.phase).await;
                opened.push(workflow);
            }
            opened
        })
    });
    Ok(try_join_all(tasks).await?.concat())
}

/// Starts a line in each workflow through the service: how many in a second.
async fn call(
    system: &System,
    channels: &[Channel],
    workflows: &[Workflow],
    samples: &[Sample],
) -> Result<f64> {
    let mut shares = Vec::new();
    for (part, channel) in workflows.chunks(workflows.len() / channels.len()).zip(channels) {
        let mut share: Vec<(Raw, Bytes)> = Vec::new();
        for workflow in part {
            let request = wire::CreateVersionRequest {
                scope: Some(scope(*workflow, PHASE.phase)),
                request_id: request_id(),
                decisions: samples.iter().map(|sample| sample.input()).collect(),
                ..Default::default()
            };
            let connection =
                system.connection(channel.clone(), TESTER, Role::Tester, Some(*workflow));
            share.push((Raw::new(connection), request.encode_to_vec().into()));
        }
        shares.push(share);
    }
    let began = Instant::now();
    let tasks = shares.into_iter().map(|share| {
        tokio::spawn(async move {
            for (client, message) in share {
                client.unary(PATH, message).await?;
            }
            Ok::<(), anyhow::Error>(())
        })
    });
    for task in try_join_all(tasks).await? {
        task?;
    }
    Ok(count(workflows.len()) / began.elapsed().as_secs_f64())
}

/// Starts a line in each workflow by SQL: how many in a second.
async fn write(
    floors: &mut [Floor],
    workflows: &[Workflow],
    samples: &[Sample],
    json: &[String],
) -> Result<f64> {
    let shares = workflows.chunks(workflows.len().div_ceil(floors.len()));
    let began = Instant::now();
    try_join_all(floors.iter_mut().zip(shares).map(|(floor, share)| async move {
        for workflow in share {
            floor.create(*workflow, samples, json).await?;
        }
        Ok::<(), anyhow::Error>(())
    }))
    .await?;
    Ok(count(workflows.len()) / began.elapsed().as_secs_f64())
}

/// The service takes what the floor left for a version of its own.
async fn expect_whole(system: &System, channel: &Channel, workflow: Workflow) -> Result<()> {
    let desk = Desk::of(system, channel.clone(), workflow);
    desk.verify().await?;
    let version = desk.newest().await?;
    let decisions = desk.tester.decisions(&version).await;
    ensure!(decisions.len() == 100, "{} decisions", decisions.len());
    desk.approve(&version).await?;
    desk.verify().await
}
