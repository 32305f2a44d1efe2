//! The trail on the wire.

use futures::stream;
use signoff_contract::convert::{PhaseNeed, json_to_wire, time_to_wire};
use signoff_contract::feed::v1 as feed;
use signoff_contract::workflow::v1 as shared;
use signoff_ledger::{Export, Origin, Record};
use signoff_workflow::{PhaseTable, Role, Violations, Workflow};
use tokio::sync::mpsc;
use tonic::{Request, Response, Status};
use tracing::Instrument as _;

use super::call::{admit, answer};
use super::errors::refusal;
use super::gates::role_to_wire;
use super::paging::{Page, malformed};
use super::service::Answers;
use crate::commands::Engine;
use crate::domain::error::Error;
use crate::witness::Rows;

type Answered<A> = Result<Response<A>, Status>;

/// `GetTrail`.
pub(super) async fn get_trail(
    engine: &Engine,
    request: Request<feed::GetTrailRequest>,
) -> Answered<feed::GetTrailResponse> {
    let admitted = admit(engine, request, PhaseNeed::Optional)?;
    let workflow = admitted.scope.workflow;
    let done = async {
        expect_own(admitted.request.source)?;
        let phase = admitted.scope.phase.map(|phase| engine.row(phase)).transpose()?;
        let page = Page::of(&admitted.method, &admitted.request)?;
        let after: i64 = match &page.after {
            None => 0,
            Some(after) => after.parse().map_err(|_| malformed())?,
        };
        let limit = u32::try_from(page.fetch()).unwrap_or(u32::MAX);
        let found =
            engine.ledger().get_trail(workflow, phase.map(|row| row.slug), after, limit).await?;
        let rows = found
            .into_iter()
            .map(|record| {
                Ok((record.sequence.to_string(), record_to_wire(record, engine.phases())?))
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let (records, next_page_token) = page.close(rows);
        Ok(feed::GetTrailResponse { records, next_page_token })
    };
    answer(done.await, workflow)
}

/// `VerifyTrail`.
pub(super) async fn verify_trail(
    engine: &Engine,
    request: Request<feed::VerifyTrailRequest>,
) -> Answered<feed::VerifyTrailResponse> {
    let admitted = admit(engine, request, PhaseNeed::Refused)?;
    let workflow = admitted.scope.workflow;
    let done = async {
        expect_own(admitted.request.source)?;
        let found = engine.ledger().verify(workflow, &mut Rows::of(workflow)).await?;
        Ok(feed::VerifyTrailResponse {
            intact: found.intact,
            records: found.records,
            head: Some(shared::TrailHead {
                sequence: found.head.sequence,
                hash: found.head.hash.to_vec(),
            }),
            first_damaged: found.first_damaged.map(|damage| feed::Damage {
                sequence: damage.sequence,
                what: damage.what.to_string(),
            }),
        })
    };
    answer(done.await, workflow)
}

/// `ExportTrail`: reads on when the client has taken what was read.
pub(super) async fn export_trail(
    engine: &Engine,
    request: Request<feed::ExportTrailRequest>,
) -> Answered<Answers<feed::ExportTrailResponse>> {
    let admitted = admit(engine, request, PhaseNeed::Refused)?;
    let workflow = admitted.scope.workflow;
    let done = async {
        expect_own(admitted.request.source)?;
        let export = engine.ledger().export(workflow).await?;
        let (room, mut taken) = mpsc::channel(1);
        // A task of its own: what has begun to read goes on until its connection is given back,
        // also while the transport has no reason to ask for more.
        tokio::spawn(send(export, workflow, room).in_current_span());
        Ok(Box::pin(stream::poll_fn(move |context| taken.poll_recv(context))) as _)
    };
    answer(done.await, workflow)
}

/// Sends an export piece by piece, to its end, to an error, or until nobody takes it any more.
async fn send(
    mut export: Export,
    workflow: Workflow,
    room: mpsc::Sender<Result<feed::ExportTrailResponse, Status>>,
) {
    // Read only what there is room for.
    while let Ok(place) = room.reserve().await {
        match export.next().await {
            Ok(Some(json_lines)) => place.send(Ok(feed::ExportTrailResponse { json_lines })),
            Ok(None) => return,
            Err(error) => return place.send(Err(refusal(error.into(), Some(workflow)).into())),
        }
    }
}

/// # Errors
/// Another service keeps the chain that is asked for.
fn expect_own(source: i32) -> Result<(), Error> {
    match feed::Source::try_from(source) {
        Ok(feed::Source::Unspecified | feed::Source::Versioning) => Ok(()),
        Ok(feed::Source::Audit | feed::Source::Gateway) | Err(_) => Err(Error::Invalid(
            Violations::one("source", "is another service's: this one keeps VERSIONING"),
        )),
    }
}

fn record_to_wire(record: Record, phases: &PhaseTable) -> Result<feed::TrailRecord, Error> {
    let content = record
        .content()
        .map_err(|error| Error::Internal(format!("trail record {}: {error}", record.sequence)))?;
    let object = |value: Option<serde_json::Value>| {
        value
            .as_ref()
            .map(json_to_wire)
            .transpose()
            .map_err(|error| Error::Internal(error.to_string()))
    };
    Ok(feed::TrailRecord {
        sequence: record.sequence,
        source: feed::Source::Versioning.into(),
        phase: record
            .phase
            .as_deref()
            .and_then(|slug| phases.by_slug(slug))
            .map_or(0, |row| row.phase.number()),
        action: record.action,
        actor_user_id: record.actor,
        actor_subject: content.actor.subject,
        acting_service: content.actor.acting_service.unwrap_or_default(),
        actor_roles: content
            .actor
            .roles
            .iter()
            .filter_map(|role| role.parse::<Role>().ok())
            .map(|role| role_to_wire(role).into())
            .collect(),
        recorded_at: Some(time_to_wire(record.recorded_at)),
        occurred_at: Some(time_to_wire(record.occurred_at)),
        origin: match record.origin {
            Origin::Native => shared::Origin::Native,
            Origin::Legacy => shared::Origin::Legacy,
        }
        .into(),
        method: content.method,
        request_id: record.request_id.map(|id| id.to_string()).unwrap_or_default(),
        subject: record.subject,
        reason: content.reason.unwrap_or_default(),
        before: object(content.before)?,
        after: object(content.after)?,
        detail_rows: content.details.map_or(0, |details| details.touched),
        format: record.format.into(),
        canonical: record.canonical,
        previous_hash: record.previous_hash.to_vec(),
        hash: record.hash.to_vec(),
    })
}
