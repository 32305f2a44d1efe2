//! The trail on the wire.

use futures::stream;
use signoff_contract::convert::{PhaseNeed, json_to_wire, time_to_wire};
use signoff_contract::feed::v1 as feed;
use signoff_contract::feed::v1::trail_service_server::{TrailService, TrailServiceServer};
use signoff_contract::workflow::v1 as shared;
use signoff_ledger::{Content, Export, Head, Link, Origin, Source};
use signoff_workflow::{PhaseTable, Role, Violations, Workflow};
use tokio::sync::mpsc;
use tonic::{Request, Response, Status};
use tracing::Instrument as _;

use super::{Answers, MAX_MESSAGE, Page, admit, answer, malformed};
use crate::{Fault, Keeper, ServiceError as _};

/// Against how many heads a chain is verified at once.
const MAX_KEPT_HEADS: usize = 1000;

type Answered<A> = Result<Response<A>, Status>;

/// `signoff.feed.v1.TrailService` over a service's trail.
#[derive(Clone, Debug)]
pub struct TrailRpc<B>(B);

/// The trail's service, to be mounted.
pub fn service<B: Keeper>(backend: B) -> TrailServiceServer<TrailRpc<B>> {
    TrailServiceServer::new(TrailRpc(backend)).max_decoding_message_size(MAX_MESSAGE)
}

#[tonic::async_trait]
impl<B: Keeper> TrailService for TrailRpc<B> {
    type ExportTrailStream = Answers<feed::ExportTrailResponse>;

    async fn get_trail(
        &self,
        request: Request<feed::GetTrailRequest>,
    ) -> Answered<feed::GetTrailResponse> {
        get_trail(&self.0, request).await
    }

    async fn verify_trail(
        &self,
        request: Request<feed::VerifyTrailRequest>,
    ) -> Answered<feed::VerifyTrailResponse> {
        verify_trail(&self.0, request).await
    }

    async fn export_trail(
        &self,
        request: Request<feed::ExportTrailRequest>,
    ) -> Answered<Self::ExportTrailStream> {
        export_trail(&self.0, request).await
    }
}

/// `GetTrail`.
async fn get_trail<B: Keeper>(
    backend: &B,
    request: Request<feed::GetTrailRequest>,
) -> Answered<feed::GetTrailResponse> {
    let admitted = admit(backend, request, PhaseNeed::Optional)?;
    let workflow = admitted.scope.workflow;
    let done = async {
        expect_own(admitted.request.source, backend.ledger().source())?;
        let source = source_to_wire(backend.ledger().source());
        let phase = admitted.scope.phase.map(|phase| backend.row(phase)).transpose()?;
        let page = Page::of(&admitted.method, &admitted.request)?;
        let after: i64 = match &page.after {
            None => 0,
            Some(after) => after.parse().map_err(|_| malformed())?,
        };
        let limit = u32::try_from(page.fetch()).unwrap_or(u32::MAX);
        let found =
            backend.ledger().get_trail(workflow, phase.map(|row| row.slug), after, limit).await?;
        let rows = found
            .into_iter()
            .map(|record| {
                let sequence = record.sequence.to_string();
                Ok((sequence, content_to_wire(&record.link(), source, backend.phases())?))
            })
            .collect::<Result<Vec<_>, Fault>>()?;
        let (records, next_page_token) = page.close(rows);
        Ok(feed::GetTrailResponse { records, next_page_token })
    };
    answer(backend, done.await, workflow)
}

/// `VerifyTrail`.
async fn verify_trail<B: Keeper>(
    backend: &B,
    request: Request<feed::VerifyTrailRequest>,
) -> Answered<feed::VerifyTrailResponse> {
    let admitted = admit(backend, request, PhaseNeed::Refused)?;
    let workflow = admitted.scope.workflow;
    let done = async {
        expect_own(admitted.request.source, backend.ledger().source())?;
        let kept = kept_heads(admitted.request.kept_heads)?;
        let witness = &mut backend.witness(workflow);
        let found = backend.ledger().verify_against(workflow, &kept, witness).await?;
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
    answer(backend, done.await, workflow)
}

/// `ExportTrail`: reads on when the client has taken what was read.
async fn export_trail<B: Keeper>(
    backend: &B,
    request: Request<feed::ExportTrailRequest>,
) -> Answered<Answers<feed::ExportTrailResponse>> {
    let admitted = admit(backend, request, PhaseNeed::Refused)?;
    let workflow = admitted.scope.workflow;
    let done = async {
        expect_own(admitted.request.source, backend.ledger().source())?;
        let export = backend.ledger().export(workflow).await?;
        let (room, mut taken) = mpsc::channel(1);
        // A task of its own: what has begun to read goes on until its connection is given back,
        // also while the transport has no reason to ask for more.
        tokio::spawn(send(export, workflow, room).in_current_span());
        Ok(Box::pin(stream::poll_fn(move |context| taken.poll_recv(context))) as _)
    };
    answer(backend, done.await, workflow)
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
            Err(error) => {
                return place.send(Err(Fault::from(error).refusal(Some(workflow)).into()));
            }
        }
    }
}

/// # Errors
/// They are too many, or no heads of records.
fn kept_heads(heads: Vec<shared::TrailHead>) -> Result<Vec<Head>, Fault> {
    if heads.len() > MAX_KEPT_HEADS {
        let why = format!("has {} heads; at most {MAX_KEPT_HEADS} are allowed", heads.len());
        return Err(Fault::Invalid(Violations::one("kept_heads", why)));
    }
    let mut violations = Violations::default();
    let mut kept = Vec::with_capacity(heads.len());
    for (place, head) in heads.into_iter().enumerate() {
        let path = |field: &str| format!("kept_heads[{place}].{field}");
        if head.sequence < 1 {
            violations.add(path("sequence"), "must be 1 or higher");
        }
        match head.hash.try_into() {
            Ok(hash) => kept.push(Head { sequence: head.sequence, hash }),
            Err(_) => violations.add(path("hash"), "must have 32 bytes"),
        }
    }
    violations.or(kept).map_err(Fault::Invalid)
}

/// # Errors
/// Another service keeps the chain that is asked for.
pub(super) fn expect_own(asked: i32, own: Source) -> Result<(), Fault> {
    let own = source_to_wire(own);
    match feed::Source::try_from(asked) {
        Ok(asked) if asked == feed::Source::Unspecified || asked == own => Ok(()),
        Ok(_) | Err(_) => {
            let name = own.as_str_name().trim_start_matches("SOURCE_");
            let why = format!("is another service's: this one keeps {name}");
            Err(Fault::Invalid(Violations::one("source", why)))
        }
    }
}

pub(super) const fn source_to_wire(source: Source) -> feed::Source {
    match source {
        Source::Versioning => feed::Source::Versioning,
        Source::Audit => feed::Source::Audit,
        Source::Gateway => feed::Source::Gateway,
    }
}

/// A record on the wire, as its bytes say.
pub(super) fn content_to_wire(
    link: &Link<'_>,
    source: feed::Source,
    phases: &PhaseTable,
) -> Result<feed::TrailRecord, Fault> {
    let content: Content = serde_json::from_slice(link.canonical)
        .map_err(|error| Fault::Internal(format!("trail record {}: {error}", link.sequence)))?;
    let object = |value: Option<serde_json::Value>| {
        value
            .as_ref()
            .map(json_to_wire)
            .transpose()
            .map_err(|error| Fault::Internal(error.to_string()))
    };
    let role = |role: &String| role.parse::<Role>().ok();
    let phase = content.phase.as_deref().and_then(|slug| phases.by_slug(slug));
    Ok(feed::TrailRecord {
        sequence: link.sequence,
        source: source.into(),
        phase: phase.map_or(0, |row| row.phase.number()),
        action: content.action,
        actor_user_id: content.actor.user_id,
        actor_subject: content.actor.subject,
        acting_service: content.actor.acting_service.unwrap_or_default(),
        actor_roles: content
            .actor
            .roles
            .iter()
            .filter_map(role)
            .map(|role| shared::Role::from(role).into())
            .collect(),
        recorded_at: Some(time_to_wire(content.recorded_at)),
        occurred_at: Some(time_to_wire(content.occurred_at)),
        origin: match content.origin {
            Origin::Native => shared::Origin::Native,
            Origin::Legacy => shared::Origin::Legacy,
        }
        .into(),
        method: content.method,
        request_id: content.request_id.map(|id| id.to_string()).unwrap_or_default(),
        subject: content.subject,
        reason: content.reason.unwrap_or_default(),
        before: object(content.before)?,
        after: object(content.after)?,
        detail_rows: content.details.map_or(0, |details| details.touched),
        format: link.format.into(),
        canonical: link.canonical.to_vec(),
        previous_hash: link.previous_hash.to_vec(),
        hash: link.hash.to_vec(),
    })
}
