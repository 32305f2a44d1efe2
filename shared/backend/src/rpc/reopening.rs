//! Phases that are taken up again, and workflows that are closed.

use signoff_contract::convert::PhaseNeed;
use signoff_contract::versioning::v1 as wire;
use signoff_workflow::{Phase, PhaseRow, PhaseTable, Violations};
use tonic::{Request, Response, Status};

use super::gates::status_after;
use super::inputs::required_text;
use super::{admit, answer, change, change_workflow};
use crate::Backend;

type Answered<A> = Result<Response<A>, Status>;

/// `BeginReopen`.
pub async fn begin_reopen<B: Backend>(
    backend: &B,
    request: Request<wire::BeginReopenRequest>,
) -> Answered<wire::BeginReopenResponse> {
    let parse = |request: wire::BeginReopenRequest, _: &PhaseRow, faults: &mut Violations| {
        required_text(request.reason, "reason", faults)
    };
    change(backend, request, parse, |change, reason, _| {
        Box::pin(async move {
            let reopening = change.as_mut().begin_reopen(&reason).await?;
            Ok(wire::BeginReopenResponse { reopening })
        })
    })
    .await
}

/// `MarkStale`.
pub async fn mark_stale<B: Backend>(
    backend: &B,
    request: Request<wire::MarkStaleRequest>,
) -> Answered<wire::MarkStaleResponse> {
    let here = backend.clone();
    let parse = |request: wire::MarkStaleRequest, row: &PhaseRow, faults: &mut Violations| {
        let because = because(request.because, row, backend.phases(), faults);
        let reopening = reopening(request.reopening, faults);
        Some((because?, reopening?))
    };
    change(backend, request, parse, move |change, (because, reopening), row| {
        Box::pin(async move {
            let gate = change.as_mut().mark_stale(&because, reopening).await?;
            let phase_status = Some(status_after(&here, change.as_mut(), &row, &gate).await?);
            Ok(wire::MarkStaleResponse { phase_status })
        })
    })
    .await
}

/// `FinishReopen`.
pub async fn finish_reopen<B: Backend>(
    backend: &B,
    request: Request<wire::FinishReopenRequest>,
) -> Answered<wire::FinishReopenResponse> {
    let here = backend.clone();
    let parse = |request: wire::FinishReopenRequest, _: &PhaseRow, faults: &mut Violations| {
        reopening(request.reopening, faults)
    };
    change(backend, request, parse, move |change, reopening, row| {
        Box::pin(async move {
            let gate = change.as_mut().finish_reopen(reopening).await?;
            let phase_status = Some(status_after(&here, change.as_mut(), &row, &gate).await?);
            Ok(wire::FinishReopenResponse { phase_status })
        })
    })
    .await
}

/// `CloseWorkflow`.
pub async fn close_workflow<B: Backend>(
    backend: &B,
    request: Request<wire::CloseWorkflowRequest>,
) -> Answered<wire::CloseWorkflowResponse> {
    let admitted = admit(backend, request, PhaseNeed::Refused)?;
    let workflow = admitted.scope.workflow;
    let parse = |request: wire::CloseWorkflowRequest, faults: &mut Violations| {
        required_text(request.reason, "reason", faults)
    };
    let done = change_workflow(backend, admitted, parse, |change, reason| {
        Box::pin(async move {
            change.close(reason).await?;
            Ok(wire::CloseWorkflowResponse {})
        })
    });
    answer(backend, done.await, workflow)
}

fn reopening(given: i64, faults: &mut Violations) -> Option<i64> {
    if given < 1 {
        faults.add("reopening", "is required: 1 or more");
        return None;
    }
    Some(given)
}

/// The phase that is being reopened: it comes before the scope's.
fn because(
    given: i32,
    row: &PhaseRow,
    phases: &PhaseTable,
    faults: &mut Violations,
) -> Option<PhaseRow> {
    let Some(because) = phases.get(Phase::new(given)) else {
        faults.add("because", "is required: a known phase");
        return None;
    };
    if !phases.downstream(because.phase).contains(&row.phase) {
        let (name, here) = (because.display_name, row.display_name);
        faults.add("because", format!("{name} does not come before {here}"));
        return None;
    }
    Some(because.clone())
}
