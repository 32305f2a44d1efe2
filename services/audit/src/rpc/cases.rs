//! `signoff.audit.v1.TestCaseService`.

use std::collections::BTreeMap;

use signoff_backend::rpc::{admit, answer, change_in, malformed};
use signoff_chassis::Refusal;
use signoff_contract::audit::v1 as wire;
use signoff_contract::convert::{PhaseNeed, optional_uuid, uuid};
use signoff_workflow::{Phase, Scope, Violations, Workflow};
use sqlx::PgConnection;
use tonic::Request;
use uuid::Uuid;

use super::call::{Answered, For, faultless, read};
use super::enums::several;
use super::{inputs, to_wire};
use crate::commands::Engine;
use crate::domain::error::{Error, Kind};
use crate::domain::lane::Lane;
use crate::store::cases::{self, Filter};
use crate::store::{assignments, lanes, plans};

/// `PlanTestCases`: a matter of Data Owner ID, whose completeness rests on the plan. Request Info,
/// to which the cases go, may be named as well.
pub(super) async fn plan(
    engine: &Engine,
    request: Request<wire::PlanTestCasesRequest>,
) -> Answered<wire::PlanTestCasesResponse> {
    let admitted = admit(engine, request, PhaseNeed::Optional)?;
    let workflow = admitted.scope.workflow;
    match admitted.scope.phase {
        None | Some(Phase::DATA_OWNER_ID | Phase::REQUEST_INFO) => {}
        Some(_) => {
            let violations = Violations::one("scope.phase", "must be that of Data Owner ID");
            return Err(Refusal::invalid(violations).into());
        }
    }
    let scope = Scope { workflow, phase: Phase::DATA_OWNER_ID };
    let parse = |request, _: &_, violations: &mut _| inputs::plan(request, workflow, violations);
    let done = change_in(engine, admitted, scope, parse, |change, input, _| {
        Box::pin(async move {
            let (done, in_force) = change.plan_test_cases(input).await?;
            Ok(to_wire::planned(done, in_force.as_ref()))
        })
    });
    answer(engine, done.await, workflow)
}

/// `GetTestPlan`.
pub(super) async fn get_plan(
    engine: &Engine,
    request: Request<wire::GetTestPlanRequest>,
) -> Answered<wire::GetTestPlanResponse> {
    read(engine, request, For::Roles, |reading| {
        Box::pin(async move {
            let workflow = reading.workflow;
            let in_force = plans::current(reading.conn(), workflow).await?;
            let staged = plans::staged_in_all(reading.conn(), workflow).await?;
            let plan = in_force.as_ref().map(to_wire::plan);
            Ok(wire::GetTestPlanResponse { plan, staged })
        })
    })
    .await
}

/// `ListTestCases`.
pub(super) async fn list(
    engine: &Engine,
    request: Request<wire::ListTestCasesRequest>,
) -> Answered<wire::ListTestCasesResponse> {
    read(engine, request, For::DataOwners, |reading| {
        Box::pin(async move {
            let request = &reading.request;
            let mut violations = Violations::default();
            let lob_id = optional_uuid(&request.lob_id, "lob_id", &mut violations);
            let attribute_id =
                optional_uuid(&request.attribute_id, "attribute_id", &mut violations);
            let states = several(&request.states, "states", &mut violations);
            let sample =
                inputs::filter_text(&request.sample_item_key, "sample_item_key", &mut violations);
            let ((), page) = reading.page_beside(Some(()), violations)?;
            let filter = Filter {
                lob_id,
                states,
                sample_item_key: sample,
                attribute_id,
                visible: reading.visible.clone(),
            };
            let after = page.after.as_deref().map(goes_on).transpose()?;
            let workflow = reading.workflow;
            let found = cases::list(reading.conn(), workflow, &filter, after, page.fetch()).await?;
            let rows = found.into_iter().map(|case| {
                let after = format!("{} {}", case.attribute_id, case.sample_item_key);
                (after, to_wire::test_case(case))
            });
            let (test_cases, next_page_token) = page.close(rows.collect());
            Ok(wire::ListTestCasesResponse { test_cases, next_page_token })
        })
    })
    .await
}

fn goes_on(after: &str) -> Result<(String, Uuid), Error> {
    let read = after.split_once(' ').and_then(|(attribute, sample)| {
        Some((sample.to_owned(), Uuid::parse_str(attribute).ok()?))
    });
    read.ok_or_else(|| malformed().into())
}

/// `GetLane`.
pub(super) async fn get_lane(
    engine: &Engine,
    request: Request<wire::GetLaneRequest>,
) -> Answered<wire::GetLaneResponse> {
    read(engine, request, For::DataOwners, |reading| {
        Box::pin(async move {
            let mut violations = Violations::default();
            let lob = uuid(&reading.request.lob_id, "lob_id", &mut violations);
            let lob = faultless(lob, violations)?;
            reading.expect_visible(&[lob])?;
            let workflow = reading.workflow;
            let found = lanes::list(reading.conn(), workflow, None, None, Some(&[lob]), 1).await?;
            let told = told(reading.conn(), workflow, found).await?;
            let lane = told.into_iter().next();
            let lane = lane.ok_or_else(|| Error::not_found(Kind::Lane, lob))?;
            Ok(wire::GetLaneResponse { lane: Some(lane) })
        })
    })
    .await
}

/// `ListLanes`.
pub(super) async fn list_lanes(
    engine: &Engine,
    request: Request<wire::ListLanesRequest>,
) -> Answered<wire::ListLanesResponse> {
    read(engine, request, For::DataOwners, |reading| {
        Box::pin(async move {
            let page = reading.page()?;
            let after = page.after.as_deref().map(Uuid::parse_str).transpose();
            let after = after.map_err(|_| malformed())?;
            let (workflow, visible) = (reading.workflow, reading.visible.clone());
            let of = visible.as_deref();
            let found =
                lanes::list(reading.conn(), workflow, after, None, of, page.fetch()).await?;
            let ids: Vec<String> =
                found.iter().map(|lane| lane.lob_id.unwrap_or_default().to_string()).collect();
            let told = told(reading.conn(), workflow, found).await?;
            let (lanes, next_page_token) = page.close(ids.into_iter().zip(told).collect());
            Ok(wire::ListLanesResponse { lanes, next_page_token })
        })
    })
    .await
}

/// Lanes with those who own them now.
async fn told(
    conn: &mut PgConnection,
    workflow: Workflow,
    found: Vec<Lane>,
) -> Result<Vec<wire::Lane>, Error> {
    let lobs: Vec<Uuid> = found.iter().filter_map(|lane| lane.lob_id).collect();
    let mut owners: BTreeMap<Uuid, Vec<wire::Assignment>> = BTreeMap::new();
    for (of, at) in assignments::active(conn, workflow, &lobs).await? {
        owners.entry(of.lob_id).or_default().push(to_wire::assignment(of, at));
    }
    let told = found.iter().map(|lane| {
        let of = lane.lob_id.and_then(|lob| owners.remove(&lob));
        to_wire::lane(lane, of.unwrap_or_default())
    });
    Ok(told.collect())
}
