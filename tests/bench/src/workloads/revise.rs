//! `ReviseVersion`: ten new samples beside many approved ones.

use std::cell::Cell;

use anyhow::Result;
use prost::Message as _;
use signoff_contract::versioning::v1 as wire;
use signoff_tests::people::request_id;
use signoff_workflow::Role;

use super::Bench;
use crate::TESTER;
use crate::data::Sample;
use crate::desk::{Desk, prepared};
use crate::floor::copying::Copying;
use crate::pairs::{in_turns, timed};
use crate::report::{Line, Unit};
use crate::system::System;

const PATH: &str = "/signoff.versioning.v1.VersioningService/ReviseVersion";
/// How many samples are new.
const NEW: u32 = 10;

pub(super) async fn run(bench: &Bench) -> Result<Vec<Line>> {
    let sizes: [u32; 3] = bench.size.pick([100, 200, 400], [10_000, 100_000, 1_000_000]);
    let mut lines: Vec<Line> = Vec::new();
    for size in sizes {
        let system = bench.system().await?;
        let line = measure(bench, &system, size).await?;
        system.stop().await?;
        let line = match lines.first() {
            Some(smallest) if size == sizes[2] => {
                let growth = line.grpc.median() / smallest.grpc.median();
                let faster = line.copying.median() / line.grpc.median();
                line.at_most("flat: at most 2 × the smallest", growth, 2.0).at_least(
                    "at least 1,000 × faster than copying",
                    faster,
                    1000.0,
                )
            }
            _ => line,
        };
        lines.push(line);
    }
    Ok(lines)
}

async fn measure(bench: &Bench, system: &System, size: u32) -> Result<Line> {
    let mut line = Line::new("revise", "10 new samples", size.into(), Unit::Milliseconds);
    let (desk, mut floor) = (Desk::new(system).await, system.floor().await?);
    desk.approved(&mut floor, size).await?;
    system.settle().await?;
    let raw = system.raw(TESTER, Role::Tester, desk.workflow).await;
    let next = Cell::new(size);
    let new = || {
        let from = next.replace(next.get() + NEW);
        prepared(from..from + NEW)
    };

    let through_grpc = async || {
        let (samples, _) = new();
        let request = wire::ReviseVersionRequest {
            scope: Some(desk.here.clone()),
            request_id: request_id(),
            decisions: samples.iter().map(|sample| sample.input()).collect(),
            ..Default::default()
        };
        let message = request.encode_to_vec().into();
        let took = timed(raw.unary(PATH, message)).await?.0;
        desk.approve(&desk.newest().await?).await?;
        Ok(took)
    };
    let by_sql = async || {
        let (samples, json) = new();
        let took = timed(floor.revise(desk.workflow, &samples, &json)).await?.0;
        // The service goes on from what the floor left.
        desk.approve(&desk.newest().await?).await?;
        Ok(took)
    };
    (line.grpc, line.floor) = in_turns(bench.size.pick(2, 25), through_grpc, by_sql).await?;
    desk.verify().await?;

    let mut copying = Copying::new(&system.urls).await?;
    let (samples, json) = prepared(0..size);
    let parent = copying.import(&samples, &json, "approved").await?;
    drop((samples, json));
    let new: Vec<Sample> = Sample::range(size..size + NEW);
    let json: Vec<String> = new.iter().map(|sample| sample.json()).collect();
    for _ in 0..if size > 100_000 { 1 } else { bench.size.pick(1, 5) } {
        line.copying.add(timed(copying.next(parent, &new, &json)).await?.0);
    }
    Ok(line.at_most_floor(2.0))
}
