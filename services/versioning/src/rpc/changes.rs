//! The methods that change versions: each names its parser and its command.

use signoff_backend::rpc::change;
use signoff_backend::rpc::inputs::{etag, optional_text, required_text};
use signoff_contract::convert::uuid;
use signoff_contract::versioning::v1 as wire;
use signoff_workflow::{PhaseRow, Violations};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::decision::decision_to_wire;
use super::reads::found_with_facts;
use super::service::MAX_BULK_MESSAGE;
use super::version::version_to_wire;
use super::{executions, inputs};
use crate::commands::Engine;
use crate::domain::error::Error;
use crate::domain::version::Version;
use crate::store::history;

type Answered<A> = Result<Response<A>, Status>;

/// A version that a command names, with the etag that it was given.
struct Named {
    version_id: Uuid,
    etag: Option<String>,
}

impl Named {
    fn of(version_id: &str, given: String, violations: &mut Violations) -> Option<Self> {
        let version_id = uuid(version_id, "version_id", violations)?;
        Some(Self { version_id, etag: etag(given) })
    }

    /// With notes that may be left empty.
    fn noted(
        version_id: &str,
        etag: String,
        notes: String,
        violations: &mut Violations,
    ) -> Option<(Self, Option<String>)> {
        let named = Self::of(version_id, etag, violations);
        let notes = optional_text(notes, "notes", violations);
        Some((named?, notes))
    }
}

fn some(version: Version, row: &PhaseRow) -> Result<Option<wire::Version>, Error> {
    version_to_wire(version, row).map(Some)
}

/// `CreateVersion`.
pub(super) async fn create(
    engine: &Engine,
    request: Request<wire::CreateVersionRequest>,
) -> Answered<wire::CreateVersionResponse> {
    executions::change_up_to(
        MAX_BULK_MESSAGE,
        engine,
        request,
        inputs::create_version,
        |change, input, row| {
            Box::pin(async move {
                let version = some(change.create_version(input).await?, &row)?;
                Ok(wire::CreateVersionResponse { version })
            })
        },
    )
    .await
}

/// `ReviseVersion`.
pub(super) async fn revise(
    engine: &Engine,
    request: Request<wire::ReviseVersionRequest>,
) -> Answered<wire::ReviseVersionResponse> {
    executions::change_up_to(
        MAX_BULK_MESSAGE,
        engine,
        request,
        inputs::revise_version,
        |change, input, row| {
            Box::pin(async move {
                let version = some(change.revise_version(input).await?, &row)?;
                Ok(wire::ReviseVersionResponse { version })
            })
        },
    )
    .await
}

/// `AddDecisions`.
pub(super) async fn add(
    engine: &Engine,
    request: Request<wire::AddDecisionsRequest>,
) -> Answered<wire::AddDecisionsResponse> {
    executions::change_up_to(
        MAX_BULK_MESSAGE,
        engine,
        request,
        inputs::add_decisions,
        |change, input, row| {
            Box::pin(async move {
                let (version, ids) = change.add_decisions(input).await?;
                Ok(wire::AddDecisionsResponse {
                    version: some(version, &row)?,
                    decision_ids: ids.iter().map(ToString::to_string).collect(),
                })
            })
        },
    )
    .await
}

/// `UpdateDecision`.
pub(super) async fn update_decision(
    engine: &Engine,
    request: Request<wire::UpdateDecisionRequest>,
) -> Answered<wire::UpdateDecisionResponse> {
    executions::change(engine, request, inputs::update_decision, |change, input, row| {
        Box::pin(async move {
            let (version, id) = change.update_decision(input).await?;
            let decision = found_with_facts(change.conn(), id, &row).await?;
            let found = std::slice::from_ref(&decision);
            let mut histories = history::of(change.conn(), version.line_no, found).await?;
            let history = histories.remove(&(id.item_no, id.version)).unwrap_or_default();
            let decision = Some(decision_to_wire(decision, history, &row)?);
            Ok(wire::UpdateDecisionResponse { decision })
        })
    })
    .await
}

/// `RemoveDecisions`.
pub(super) async fn remove(
    engine: &Engine,
    request: Request<wire::RemoveDecisionsRequest>,
) -> Answered<wire::RemoveDecisionsResponse> {
    let parse = |request, _: &PhaseRow, violations: &mut Violations| {
        inputs::remove_decisions(request, violations)
    };
    change(engine, request, parse, |change, input, row| {
        Box::pin(async move {
            let version = some(change.remove_decisions(input).await?, &row)?;
            Ok(wire::RemoveDecisionsResponse { version })
        })
    })
    .await
}

/// `UpdateVersion`.
pub(super) async fn update_version(
    engine: &Engine,
    request: Request<wire::UpdateVersionRequest>,
) -> Answered<wire::UpdateVersionResponse> {
    change(engine, request, inputs::update_version, |change, input, row| {
        Box::pin(async move {
            let version = some(change.update_version(input).await?, &row)?;
            Ok(wire::UpdateVersionResponse { version })
        })
    })
    .await
}

/// `SubmitVersion`.
pub(super) async fn submit(
    engine: &Engine,
    request: Request<wire::SubmitVersionRequest>,
) -> Answered<wire::SubmitVersionResponse> {
    let parse = |request: wire::SubmitVersionRequest, _: &PhaseRow, faults: &mut Violations| {
        Named::noted(&request.version_id, request.etag, request.notes, faults)
    };
    change(engine, request, parse, |change, (named, notes), row| {
        Box::pin(async move {
            let version =
                change.submit_version(named.version_id, named.etag.as_deref(), notes).await?;
            Ok(wire::SubmitVersionResponse { version: some(version, &row)? })
        })
    })
    .await
}

/// `WithdrawVersion`.
pub(super) async fn withdraw(
    engine: &Engine,
    request: Request<wire::WithdrawVersionRequest>,
) -> Answered<wire::WithdrawVersionResponse> {
    let parse = |request: wire::WithdrawVersionRequest, _: &PhaseRow, faults: &mut Violations| {
        Named::noted(&request.version_id, request.etag, request.notes, faults)
    };
    change(engine, request, parse, |change, (named, notes), row| {
        Box::pin(async move {
            let (etag, notes) = (named.etag.as_deref(), notes.as_deref());
            let version = change.withdraw_version(named.version_id, etag, notes).await?;
            Ok(wire::WithdrawVersionResponse { version: some(version, &row)? })
        })
    })
    .await
}

/// `ReviewDecisions`.
pub(super) async fn review(
    engine: &Engine,
    request: Request<wire::ReviewDecisionsRequest>,
) -> Answered<wire::ReviewDecisionsResponse> {
    executions::change_up_to(
        MAX_BULK_MESSAGE,
        engine,
        request,
        inputs::review_decisions,
        |change, input, row| {
            Box::pin(async move {
                let version = some(change.review_decisions(input).await?, &row)?;
                Ok(wire::ReviewDecisionsResponse { version })
            })
        },
    )
    .await
}

/// `ConfirmModifications`.
pub(super) async fn confirm(
    engine: &Engine,
    request: Request<wire::ConfirmModificationsRequest>,
) -> Answered<wire::ConfirmModificationsResponse> {
    let parse = |request, _: &PhaseRow, violations: &mut Violations| {
        inputs::confirm_modifications(request, violations)
    };
    change(engine, request, parse, |change, input, row| {
        Box::pin(async move {
            let version = some(change.confirm_modifications(input).await?, &row)?;
            Ok(wire::ConfirmModificationsResponse { version })
        })
    })
    .await
}

/// `ApproveVersion`.
pub(super) async fn approve(
    engine: &Engine,
    request: Request<wire::ApproveVersionRequest>,
) -> Answered<wire::ApproveVersionResponse> {
    let parse = |request: wire::ApproveVersionRequest, _: &PhaseRow, faults: &mut Violations| {
        Named::noted(&request.version_id, request.etag, request.notes, faults)
    };
    change(engine, request, parse, |change, (named, notes), row| {
        Box::pin(async move {
            let version =
                change.approve_version(named.version_id, named.etag.as_deref(), notes).await?;
            Ok(wire::ApproveVersionResponse { version: some(version, &row)? })
        })
    })
    .await
}

/// `RejectVersion`.
pub(super) async fn reject(
    engine: &Engine,
    request: Request<wire::RejectVersionRequest>,
) -> Answered<wire::RejectVersionResponse> {
    let parse = |request: wire::RejectVersionRequest, _: &PhaseRow, faults: &mut Violations| {
        let named = Named::of(&request.version_id, request.etag, faults);
        let notes = required_text(request.notes, "notes", faults);
        Some((named?, notes?))
    };
    change(engine, request, parse, |change, (named, notes), row| {
        Box::pin(async move {
            let version =
                change.reject_version(named.version_id, named.etag.as_deref(), notes).await?;
            Ok(wire::RejectVersionResponse { version: some(version, &row)? })
        })
    })
    .await
}

/// `DeleteVersion`.
pub(super) async fn delete(
    engine: &Engine,
    request: Request<wire::DeleteVersionRequest>,
) -> Answered<wire::DeleteVersionResponse> {
    let parse = |request: wire::DeleteVersionRequest, _: &PhaseRow, faults: &mut Violations| {
        let named = Named::of(&request.version_id, request.etag, faults);
        let reason = required_text(request.reason, "reason", faults);
        Some((named?, reason?))
    };
    change(engine, request, parse, |change, (named, reason), row| {
        Box::pin(async move {
            let version =
                change.delete_version(named.version_id, named.etag.as_deref(), reason).await?;
            Ok(wire::DeleteVersionResponse { version: some(version, &row)? })
        })
    })
    .await
}
