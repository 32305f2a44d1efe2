//! `AddDecisions`, ten thousand at a time.

use anyhow::Result;
use prost::Message as _;
use signoff_contract::versioning::v1 as wire;
use signoff_tests::people::request_id;
use signoff_workflow::Role;

use super::Bench;
use crate::desk::{Desk, prepared};
use crate::pairs::{in_turns, timed};
use crate::report::{Line, Unit};
use crate::{TESTER, raw};

const PATH: &str = "/signoff.versioning.v1.VersioningService/AddDecisions";

pub(super) async fn run(bench: &Bench) -> Result<Vec<Line>> {
    let calls = bench.size.pick(2, 10);
    let many = bench.size.pick(200, 10_000);
    let parts: Vec<_> = (0..calls).map(|call| prepared(call * many..(call + 1) * many)).collect();
    let system = bench.system().await?;
    let mut floor = system.floor().await?;
    let through_grpc = async || {
        let desk = Desk::new(&system).await;
        let draft = desk.draft(&mut system.floor().await?, 0).await?;
        let raw: raw::Raw = system.raw(TESTER, Role::Tester, desk.workflow).await;
        let messages = parts.iter().map(|(samples, _)| wire::AddDecisionsRequest {
            scope: draft.scope.clone(),
            version_id: draft.version_id.clone(),
            request_id: request_id(),
            decisions: samples.iter().map(|sample| sample.input()).collect(),
            ..Default::default()
        });
        let messages: Vec<_> = messages.map(|message| message.encode_to_vec().into()).collect();
        let work = async {
            for message in messages {
                raw.unary(PATH, message).await?;
            }
            Ok(())
        };
        Ok(timed(work).await?.0)
    };
    let by_sql = async || {
        let desk = Desk::new(&system).await;
        desk.draft(&mut floor, 0).await?;
        let work = async {
            for (samples, json) in &parts {
                floor.put_forward(desk.workflow, samples, json).await?;
            }
            Ok(())
        };
        Ok(timed(work).await?.0)
    };
    let (grpc, by_floor) = in_turns(bench.size.pick(2, 5), through_grpc, by_sql).await?;
    let size = u64::from(calls * many);
    let mut line = Line::new("add", format!("{many} a call"), size, Unit::Milliseconds);
    (line.grpc, line.floor) = (grpc, by_floor);
    system.stop().await?;
    Ok(vec![line])
}
