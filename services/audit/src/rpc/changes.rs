//! All that ever changed, and what is recorded in a form of its own.

use signoff_backend::Keeper as _;
use signoff_backend::rpc::change;
use signoff_contract::audit::v1 as wire;
use signoff_contract::convert::optional_uuid;
use signoff_workflow::{PhaseRow, Violations};
use tonic::Request;

use super::call::{Answered, For, read};
use super::enums::several;
use super::{histories, inputs, to_wire};
use crate::commands::Engine;
use crate::domain::error::Error;
use crate::store::history::Filter;

/// `RecordChange`: in any of the phases.
pub(super) async fn record(
    engine: &Engine,
    request: Request<wire::RecordChangeRequest>,
) -> Answered<wire::RecordChangeResponse> {
    let phases = engine.phases().clone();
    let parse =
        |request, _: &PhaseRow, violations: &mut Violations| inputs::record(request, violations);
    change(engine, request, parse, move |change, input, _| {
        Box::pin(async move {
            let made = change.record_change(input).await?;
            Ok(wire::RecordChangeResponse { change: Some(to_wire::change(made, &phases)?) })
        })
    })
    .await
}

/// `ListChanges`.
pub(super) async fn list(
    engine: &Engine,
    request: Request<wire::ListChangesRequest>,
) -> Answered<wire::ListChangesResponse> {
    let phases = engine.phases().clone();
    let here = engine.clone();
    read(engine, request, For::Roles, move |reading| {
        Box::pin(async move {
            let request = &reading.request;
            let mut violations = Violations::default();
            let subject = optional_uuid(&request.subject_id, "subject_id", &mut violations);
            let types = several(&request.subject_types, "subject_types", &mut violations);
            let from = inputs::optional_time(request.from, "from", &mut violations);
            let to = inputs::optional_time(request.to, "to", &mut violations);
            let changed_by = match request.changed_by {
                0 => None,
                given => inputs::person(given, "changed_by", &mut violations),
            };
            if from.zip(to).is_some_and(|(from, to)| from > to) {
                violations.add("to", "is before from");
            }
            let ((), page) = reading.page_beside(Some(()), violations)?;
            let phase = reading.phase.map(|phase| here.row(phase)).transpose()?;
            let filter = Filter {
                phase: phase.map(|row| row.slug),
                changed_by,
                subjects: subject.map(|id| vec![id]),
                types,
                from,
                to,
            };
            let changes = histories::filtered(reading, filter, &page).await?;
            let rows = changes
                .into_iter()
                .map(|(after, change)| Ok((after, to_wire::change(change, &phases)?)))
                .collect::<Result<Vec<_>, Error>>()?;
            let (changes, next_page_token) = page.close(rows);
            Ok(wire::ListChangesResponse { changes, next_page_token })
        })
    })
    .await
}
