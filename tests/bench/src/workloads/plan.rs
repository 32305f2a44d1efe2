//! `PlanTestCases`: the first plan of a workflow, in as many calls as messages of 4 MiB need.

use std::cell::RefCell;

use anyhow::{Context as _, Result, ensure};
use prost::Message as _;
use prost::bytes::Bytes;
use signoff_contract::audit::v1 as wire;
use signoff_workflow::Role;
use uuid::Uuid;

use super::Bench;
use crate::GATEWAY;
use crate::cases::Case;
use crate::lanes::{IN_A_MESSAGE, Lanes};
use crate::pairs::{in_turns, timed};
use crate::report::{Line, Unit};
use crate::system::System;

const PATH: &str = "/signoff.audit.v1.TestCaseService/PlanTestCases";

pub(super) async fn run(bench: &Bench) -> Result<Vec<Line>> {
    let many: u32 = bench.size.pick(500, 100_000);
    let at_once = bench.size.pick(200, IN_A_MESSAGE);
    let cases = Case::first(many);
    let system = bench.audit().await?;
    let (planned, written) = (RefCell::new(None), RefCell::new(None));
    let mut floor = system.floor().await?;
    let through_grpc = async || {
        let lanes = Lanes::new(&system).await?;
        let raw = system.raw(GATEWAY, Role::Gateway, lanes.workflow).await;
        let requests = lanes.plan_requests(&cases, at_once);
        let messages: Vec<Bytes> =
            requests.iter().map(|request| request.encode_to_vec().into()).collect();
        let work = async {
            let mut answer = Bytes::new();
            for message in messages {
                answer = raw.unary(PATH, message).await?;
            }
            Ok(answer)
        };
        let (took, answer) = timed(work).await?;
        let answer = wire::PlanTestCasesResponse::decode(answer)?;
        ensure!(answer.added == i64::from(many), "{} were planned", answer.added);
        planned.replace(Some(lanes));
        Ok(took)
    };
    let by_sql = async || {
        let lanes = Lanes::new(&system).await?;
        let took = timed(floor.plan(lanes.workflow, lanes.version, &cases)).await?.0;
        written.replace(Some(lanes));
        Ok(took)
    };
    let calls = cases.len().div_ceil(at_once);
    let what = format!("the first plan, in {calls} calls");
    let mut line = Line::new("plan", what, many.into(), Unit::Milliseconds);
    (line.grpc, line.floor) = in_turns(bench.size.pick(1, 5), through_grpc, by_sql).await?;
    if let (Some(planned), Some(mut written)) = (planned.take(), written.take()) {
        written.verify().await?;
        expect_same(&system, &planned, &written, many).await?;
        // The service goes on from what the floor left, with a plan of other versions.
        written.version = Uuid::now_v7();
        written.accepted(&[cases[0].id(written.workflow)]).await?;
        let again = written.plan_requests(&cases[1..], at_once);
        let mut last = None;
        for request in again {
            last = Some(written.gateway.call(request).await?);
        }
        let last = last.context("a call")?;
        let (withdrawn, others) = (last.withdrawn, last.added + last.moved + last.unassigned);
        ensure!(withdrawn == 1 && others == 0, "the next plan is another: {last:?}");
        written.verify().await?;
    }
    system.stop().await?;
    Ok(vec![line.at_most_floor(2.5)])
}

/// The floor left the same rows as the service.
async fn expect_same(system: &System, one: &Lanes, other: &Lanes, many: u32) -> Result<()> {
    let same: i64 = sqlx::query_scalar(
        "select count(*) from test_cases a join test_cases b using (sample_item_key, attribute_id,
             lob_id, withdrawn, plan_number, revision, change_type, changed_by, record_no, origin)
         where a.cycle_id = $1 and b.cycle_id = $2",
    )
    .bind(one.workflow.cycle_id)
    .bind(other.workflow.cycle_id)
    .fetch_one(&mut system.superuser().await?)
    .await?;
    // Calls that only stage leave no record.
    ensure!(same == i64::from(many), "{same} of {many} rows are the same");
    let (one, other) = (one.all().await?, other.all().await?);
    let cases = |lanes: &[wire::Lane]| -> Vec<_> {
        lanes.iter().map(|lane| (lane.lob_id.clone(), lane.cases)).collect()
    };
    ensure!(cases(&one) == cases(&other), "{one:?} is not {other:?}");
    Ok(())
}
