//! `signoff.audit.v1.TestExecutionService`.

use std::collections::HashMap;

use signoff_backend::rpc::inputs::fits;
use signoff_backend::rpc::malformed;
use signoff_contract::audit::v1 as wire;
use signoff_contract::convert::{optional_uuid, uuid};
use signoff_workflow::{Phase, Violations};
use tonic::Request;
use uuid::Uuid;

use super::call::{Answered, For, change, faultless, read};
use super::enums::optional;
use super::{inputs, to_wire};
use crate::commands::Engine;
use crate::domain::error::Error;
use crate::store::{actions, executions};

/// Most executions of one call.
const MAX_EXECUTIONS: usize = 1_000;

/// `StartExecution`.
pub(super) async fn start(
    engine: &Engine,
    request: Request<wire::StartExecutionRequest>,
) -> Answered<wire::StartExecutionResponse> {
    let whom = (Phase::TEST_EXECUTION, For::Roles);
    change(engine, request, whom, inputs::start, |change, input| {
        Box::pin(async move {
            let execution = Some(to_wire::execution(change.start_execution(input).await?));
            Ok(wire::StartExecutionResponse { execution })
        })
    })
    .await
}

/// `RecordResult`.
pub(super) async fn record_result(
    engine: &Engine,
    request: Request<wire::RecordResultRequest>,
) -> Answered<wire::RecordResultResponse> {
    let whom = (Phase::TEST_EXECUTION, For::Roles);
    change(engine, request, whom, inputs::result, |change, input| {
        Box::pin(async move {
            let execution = Some(to_wire::execution(change.record_result(input).await?));
            Ok(wire::RecordResultResponse { execution })
        })
    })
    .await
}

/// `RequestAction`.
pub(super) async fn request_action(
    engine: &Engine,
    request: Request<wire::RequestActionRequest>,
) -> Answered<wire::RequestActionResponse> {
    let whom = (Phase::TEST_EXECUTION, For::Roles);
    change(engine, request, whom, inputs::action, |change, input| {
        Box::pin(async move {
            let action = Some(to_wire::action(change.request_action(input).await?)?);
            Ok(wire::RequestActionResponse { action })
        })
    })
    .await
}

/// `RespondToAction`.
pub(super) async fn respond(
    engine: &Engine,
    request: Request<wire::RespondToActionRequest>,
) -> Answered<wire::RespondToActionResponse> {
    let whom = (Phase::TEST_EXECUTION, For::DataOwners);
    change(engine, request, whom, inputs::respond, |change, input| {
        Box::pin(async move {
            let action = Some(to_wire::action(change.respond_to_action(input).await?)?);
            Ok(wire::RespondToActionResponse { action })
        })
    })
    .await
}

/// `ListExecutions`.
pub(super) async fn list(
    engine: &Engine,
    request: Request<wire::ListExecutionsRequest>,
) -> Answered<wire::ListExecutionsResponse> {
    read(engine, request, For::DataOwners, |reading| {
        Box::pin(async move {
            let request = &reading.request;
            let mut violations = Violations::default();
            let test_case_id =
                optional_uuid(&request.test_case_id, "test_case_id", &mut violations);
            let lob_id = optional_uuid(&request.lob_id, "lob_id", &mut violations);
            let given = request.results.iter().enumerate();
            let results = given
                .filter_map(|(i, number)| {
                    optional(*number, format_args!("results[{i}]"), &mut violations)
                })
                .collect();
            let ((), page) = reading.page_beside(Some(()), violations)?;
            let visible = reading.visible.clone();
            let filter = executions::Filter { test_case_id, lob_id, results, visible };
            let after = page.after.as_deref().map(goes_on).transpose()?;
            let workflow = reading.workflow;
            let found =
                executions::list(reading.conn(), workflow, &filter, after, page.fetch()).await?;
            let rows = found
                .into_iter()
                .map(|of| (format!("{} {}", of.test_case_id, of.number), to_wire::execution(of)));
            let (executions, next_page_token) = page.close(rows.collect());
            Ok(wire::ListExecutionsResponse { executions, next_page_token })
        })
    })
    .await
}

fn goes_on(after: &str) -> Result<executions::After, Error> {
    let read = after
        .split_once(' ')
        .and_then(|(case, number)| Some((Uuid::parse_str(case).ok()?, number.parse().ok()?)));
    read.ok_or_else(|| malformed().into())
}

/// `BatchGetExecutions`.
pub(super) async fn batch_get(
    engine: &Engine,
    request: Request<wire::BatchGetExecutionsRequest>,
) -> Answered<wire::BatchGetExecutionsResponse> {
    read(engine, request, For::Roles, |reading| {
        Box::pin(async move {
            let given = &reading.request.execution_ids;
            let mut violations = Violations::default();
            fits(given.len(), MAX_EXECUTIONS, "execution_ids", &mut violations);
            let ids: Vec<Uuid> = given
                .iter()
                .enumerate()
                .filter_map(|(i, id)| uuid(id, format_args!("execution_ids[{i}]"), &mut violations))
                .collect();
            let ids = faultless(Some(ids), violations)?;
            let workflow = reading.workflow;
            let found = executions::by_ids(reading.conn(), workflow, &ids).await?;
            let mut found: HashMap<Uuid, wire::Execution> =
                found.into_iter().map(|of| (of.id, to_wire::execution(of))).collect();
            let executions = ids.iter().filter_map(|id| found.remove(id)).collect();
            Ok(wire::BatchGetExecutionsResponse { executions })
        })
    })
    .await
}

/// `ListActions`.
pub(super) async fn list_actions(
    engine: &Engine,
    request: Request<wire::ListActionsRequest>,
) -> Answered<wire::ListActionsResponse> {
    read(engine, request, For::DataOwners, |reading| {
        Box::pin(async move {
            let request = &reading.request;
            let mut violations = Violations::default();
            let test_case_id =
                optional_uuid(&request.test_case_id, "test_case_id", &mut violations);
            let lob_id = optional_uuid(&request.lob_id, "lob_id", &mut violations);
            let ((), page) = reading.page_beside(Some(()), violations)?;
            let (open_only, visible) = (request.open_only, reading.visible.clone());
            let filter = actions::Filter { test_case_id, lob_id, open_only, visible };
            let after = page.after.as_deref().map(Uuid::parse_str).transpose();
            let after = after.map_err(|_| malformed())?;
            let workflow = reading.workflow;
            let found =
                actions::list(reading.conn(), workflow, &filter, after, page.fetch()).await?;
            let rows = found
                .into_iter()
                .map(|of| Ok((of.id.to_string(), to_wire::action(of)?)))
                .collect::<Result<Vec<_>, Error>>()?;
            let (actions, next_page_token) = page.close(rows);
            Ok(wire::ListActionsResponse { actions, next_page_token })
        })
    })
    .await
}
