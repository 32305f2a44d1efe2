//! `signoff.audit.v1.DocumentService`.

use std::collections::HashMap;

use serde_json::Value;
use signoff_backend::rpc::malformed;
use signoff_contract::audit::v1 as wire;
use signoff_contract::convert::{optional_uuid, uuid};
use signoff_workflow::{Phase, Violations};
use tonic::Request;
use uuid::Uuid;

use super::call::{Answered, For, change, read};
use super::enums::several;
use super::{histories, inputs, to_wire};
use crate::commands::Engine;
use crate::domain::error::{Error, Kind};
use crate::store::submissions::{self, Filter};
use crate::store::{cases, history};

/// `SubmitDocument`.
pub(super) async fn submit(
    engine: &Engine,
    request: Request<wire::SubmitDocumentRequest>,
) -> Answered<wire::SubmitDocumentResponse> {
    let whom = (Phase::REQUEST_INFO, For::DataOwners);
    change(engine, request, whom, inputs::submit, |change, input| {
        Box::pin(async move {
            let document = Some(to_wire::document(change.submit_document(input).await?)?);
            Ok(wire::SubmitDocumentResponse { document })
        })
    })
    .await
}

/// `ReviseDocument`.
pub(super) async fn revise(
    engine: &Engine,
    request: Request<wire::ReviseDocumentRequest>,
) -> Answered<wire::ReviseDocumentResponse> {
    let whom = (Phase::REQUEST_INFO, For::DataOwners);
    change(engine, request, whom, inputs::revise, |change, input| {
        Box::pin(async move {
            let document = Some(to_wire::document(change.revise_document(input).await?)?);
            Ok(wire::ReviseDocumentResponse { document })
        })
    })
    .await
}

/// `ReviewDocument`.
pub(super) async fn review(
    engine: &Engine,
    request: Request<wire::ReviewDocumentRequest>,
) -> Answered<wire::ReviewDocumentResponse> {
    let whom = (Phase::REQUEST_INFO, For::Roles);
    change(engine, request, whom, inputs::review, |change, input| {
        Box::pin(async move {
            let document = Some(to_wire::document(change.review_document(input).await?)?);
            Ok(wire::ReviewDocumentResponse { document })
        })
    })
    .await
}

/// `ListDocuments`.
pub(super) async fn list(
    engine: &Engine,
    request: Request<wire::ListDocumentsRequest>,
) -> Answered<wire::ListDocumentsResponse> {
    read(engine, request, For::DataOwners, |reading| {
        Box::pin(async move {
            let request = &reading.request;
            let mut violations = Violations::default();
            let mut id = |given: &str, path: &str| optional_uuid(given, path, &mut violations);
            let test_case_id = id(&request.test_case_id, "test_case_id");
            let submission_id = id(&request.submission_id, "submission_id");
            let document_id = id(&request.document_id, "document_id");
            let lob_id = id(&request.lob_id, "lob_id");
            let statuses = several(&request.statuses, "statuses", &mut violations);
            let ((), page) = reading.page_beside(Some(()), violations)?;
            let (workflow, current_only) = (reading.workflow, request.current_only);
            let main_chain_id = match submission_id {
                Some(id) => {
                    let of = submissions::by_id(reading.conn(), workflow, id).await?;
                    let of = of.ok_or_else(|| Error::not_found(Kind::Submission, id))?;
                    Some(of.main_chain_id)
                }
                None => None,
            };
            let filter = Filter {
                test_case_id,
                main_chain_id,
                document_id,
                lob_id,
                statuses,
                current_only,
                visible: reading.visible.clone(),
            };
            let after = page.after.as_deref().map(Uuid::parse_str).transpose();
            let after = after.map_err(|_| malformed())?;
            let found =
                submissions::list(reading.conn(), workflow, &filter, after, page.fetch()).await?;
            let rows = found
                .into_iter()
                .map(|of| Ok((of.id.to_string(), to_wire::document(of)?)))
                .collect::<Result<Vec<_>, Error>>()?;
            let (documents, next_page_token) = page.close(rows);
            Ok(wire::ListDocumentsResponse { documents, next_page_token })
        })
    })
    .await
}

/// `GetDocumentHistory`.
pub(super) async fn history(
    engine: &Engine,
    request: Request<wire::GetDocumentHistoryRequest>,
) -> Answered<wire::GetDocumentHistoryResponse> {
    read(engine, request, For::DataOwners, |reading| {
        Box::pin(async move {
            let mut violations = Violations::default();
            let id = uuid(&reading.request.submission_id, "submission_id", &mut violations);
            let (id, page) = reading.page_beside(id, violations)?;
            let workflow = reading.workflow;
            let of = submissions::by_id(reading.conn(), workflow, id)
                .await?
                .ok_or_else(|| Error::not_found(Kind::Submission, id))?;
            let chain = of.main_chain_id;
            let lobs = cases::lobs_of_chain(reading.conn(), workflow, chain, true).await?;
            reading.expect_visible(&lobs)?;
            let subjects = submissions::of_main_chain(reading.conn(), workflow, chain).await?;
            let changes = histories::of_subjects(reading, subjects, &page).await?;
            let replaced: Vec<Uuid> =
                changes.iter().filter_map(|(_, change)| replaces(&change.new_state)).collect();
            let before: HashMap<Uuid, Value> =
                history::first_states(reading.conn(), workflow, &replaced).await?;
            let rows = changes
                .into_iter()
                .map(|(after, change)| {
                    let revised = change.change_type == "revised";
                    let of = replaces(&change.new_state).filter(|_| revised);
                    let told = to_wire::document_history(change, of.and_then(|id| before.get(&id)));
                    Ok((after, told?))
                })
                .collect::<Result<Vec<_>, Error>>()?;
            let (entries, next_page_token) = page.close(rows);
            Ok(wire::GetDocumentHistoryResponse { entries, next_page_token })
        })
    })
    .await
}

/// The submission that one replaces, by its state.
fn replaces(state: &Value) -> Option<Uuid> {
    let id = state.get("replaces_submission_id").and_then(Value::as_str)?;
    Uuid::parse_str(id).ok()
}
