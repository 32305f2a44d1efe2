//! `signoff.audit.v1.DataOwnerService`.

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
use crate::store::assignments::{self, Filter};

/// Whom changes of assignments are for, and in which phase.
const HERE: (Phase, For) = (Phase::DATA_OWNER_ID, For::Roles);

/// `AssignDataOwner`.
pub(super) async fn assign(
    engine: &Engine,
    request: Request<wire::AssignDataOwnerRequest>,
) -> Answered<wire::AssignDataOwnerResponse> {
    change(engine, request, HERE, inputs::assign, |change, input| {
        Box::pin(async move {
            let (new, now) = (change.assign_data_owner(input).await?, change.now());
            let assignment = Some(to_wire::assignment(new, now));
            Ok(wire::AssignDataOwnerResponse { assignment })
        })
    })
    .await
}

/// `TransferDataOwner`.
pub(super) async fn transfer(
    engine: &Engine,
    request: Request<wire::TransferDataOwnerRequest>,
) -> Answered<wire::TransferDataOwnerResponse> {
    change(engine, request, HERE, inputs::transfer, |change, input| {
        Box::pin(async move {
            let ((new, old), now) = (change.transfer_data_owner(input).await?, change.now());
            Ok(wire::TransferDataOwnerResponse {
                assignment: Some(to_wire::assignment(new, now)),
                previous_assignment: Some(to_wire::assignment(old, now)),
            })
        })
    })
    .await
}

/// `DeactivateDataOwner`.
pub(super) async fn deactivate(
    engine: &Engine,
    request: Request<wire::DeactivateDataOwnerRequest>,
) -> Answered<wire::DeactivateDataOwnerResponse> {
    change(engine, request, HERE, inputs::deactivate, |change, input| {
        Box::pin(async move {
            let (ended, now) = (change.deactivate_data_owner(input).await?, change.now());
            let assignment = Some(to_wire::assignment(ended, now));
            Ok(wire::DeactivateDataOwnerResponse { assignment })
        })
    })
    .await
}

/// `ListAssignments`.
pub(super) async fn list(
    engine: &Engine,
    request: Request<wire::ListAssignmentsRequest>,
) -> Answered<wire::ListAssignmentsResponse> {
    read(engine, request, For::DataOwners, |reading| {
        Box::pin(async move {
            let request = &reading.request;
            let mut violations = Violations::default();
            let lob_id = optional_uuid(&request.lob_id, "lob_id", &mut violations);
            let statuses = several(&request.statuses, "statuses", &mut violations);
            let data_owner_id = match request.data_owner_id {
                0 => None,
                given => inputs::person(given, "data_owner_id", &mut violations),
            };
            let ((), page) = reading.page_beside(Some(()), violations)?;
            let visible = reading.visible.clone();
            let filter = Filter { lob_id, data_owner_id, statuses, visible };
            let after = page.after.as_deref().map(two_ids).transpose()?;
            let workflow = reading.workflow;
            let found =
                assignments::list(reading.conn(), workflow, &filter, after, page.fetch()).await?;
            let rows = found
                .into_iter()
                .map(|(of, at)| (format!("{} {}", of.lob_id, of.id), to_wire::assignment(of, at)));
            let (assignments, next_page_token) = page.close(rows.collect());
            Ok(wire::ListAssignmentsResponse { assignments, next_page_token })
        })
    })
    .await
}

fn two_ids(after: &str) -> Result<(Uuid, Uuid), Error> {
    let read = after
        .split_once(' ')
        .and_then(|(one, other)| Some((Uuid::parse_str(one).ok()?, Uuid::parse_str(other).ok()?)));
    read.ok_or_else(|| malformed().into())
}

/// `GetAssignmentHistory`.
pub(super) async fn history(
    engine: &Engine,
    request: Request<wire::GetAssignmentHistoryRequest>,
) -> Answered<wire::GetAssignmentHistoryResponse> {
    read(engine, request, For::DataOwners, |reading| {
        Box::pin(async move {
            let mut violations = Violations::default();
            let id = uuid(&reading.request.assignment_id, "assignment_id", &mut violations);
            let (id, page) = reading.page_beside(id, violations)?;
            let workflow = reading.workflow;
            let of = assignments::by_id(reading.conn(), workflow, id)
                .await?
                .ok_or_else(|| Error::not_found(Kind::Assignment, id))?;
            reading.expect_visible(&[of.lob_id])?;
            let subjects = if reading.request.include_previous {
                assignments::with_previous(reading.conn(), workflow, id).await?
            } else {
                vec![id]
            };
            let changes = histories::of_subjects(reading, subjects, &page).await?;
            let rows = changes
                .into_iter()
                .map(|(after, change)| Ok((after, to_wire::assignment_history(change)?)))
                .collect::<Result<Vec<_>, Error>>()?;
            let (entries, next_page_token) = page.close(rows);
            Ok(wire::GetAssignmentHistoryResponse { entries, next_page_token })
        })
    })
    .await
}
