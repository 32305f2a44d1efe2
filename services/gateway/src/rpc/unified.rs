//! The unified interface of the seeds: the four methods, for all nine phases (seed 004, part 5).
//!
//! Each is a call of the backend's own method, in the caller's name: that method's rule decides.

use prost::Message;
use prost_reflect::MessageDescriptor;
use serde::de::DeserializeSeed as _;
use serde_json::{Map, Value};
use serde_path_to_error::Track;
use signoff_chassis::Refusal;
use signoff_contract::audit::v1 as audit;
use signoff_contract::convert::{
    JsonLimits, RequestScope, json_from_wire, json_to_wire, scope_to_wire,
};
use signoff_contract::gateway::v1 as wire;
use signoff_contract::versioning::v1 as versioning;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_workflow::{PhaseRow, Scope, VersioningType, Violations};
use tonic::Status;
use uuid::Uuid;

use crate::Gateway;
use crate::door::Passed;
use crate::forward::{Target, reason_of};

type At = (Target, &'static str);

const CREATE: At = (Target::Versioning, "/signoff.versioning.v1.VersioningService/CreateVersion");
const REVISE: At = (Target::Versioning, "/signoff.versioning.v1.VersioningService/ReviseVersion");
const CURRENT: At =
    (Target::Versioning, "/signoff.versioning.v1.VersioningService/GetCurrentVersion");
const VERSIONS: At = (Target::Versioning, "/signoff.versioning.v1.VersioningService/ListVersions");
const APPROVE: At = (Target::Versioning, "/signoff.versioning.v1.VersioningService/ApproveVersion");
const RECORD: At = (Target::Audit, "/signoff.audit.v1.AuditPhaseService/RecordChange");
const STATUS: At = (Target::Audit, "/signoff.audit.v1.AuditPhaseService/GetPhaseStatus");
const CHANGES: At = (Target::Audit, "/signoff.audit.v1.AuditPhaseService/ListChanges");

/// What the data of a version may hold beside what goes into `phase_data`.
const KNOWN: [&str; 4] = ["notes", "metadata", "phase_data", "decisions"];
/// What the whole data may be: the versioning service bounds its parts.
const LIMITS: JsonLimits = JsonLimits { encoded_bytes: 32 * 1024 * 1024, depth: 32 };
/// What old clients call the version to start from.
const BASELINE: [&str; 2] = ["parent_version_id", "baseline_version_id"];

/// The row of a phase.
fn row(gateway: &Gateway, scope: Scope) -> Result<&PhaseRow, Status> {
    gateway.table().get(scope.phase).ok_or_else(|| Refusal::internal().into())
}

/// `CreateVersion`.
pub(super) async fn create(
    gateway: &Gateway,
    passed: &Passed,
    scope: Scope,
    request: wire::CreateVersionRequest,
) -> Result<wire::CreateVersionResponse, Status> {
    let created =
        |version_id| wire::CreateVersionResponse { version_id, status: "created".to_owned() };
    let wire_scope = Some(scope_to_wire(scope));
    if row(gateway, scope)?.kind == VersioningType::AuditOnly {
        let record = audit::RecordChangeRequest {
            scope: wire_scope,
            data: request.data,
            reason: String::new(),
            request_id: request.request_id,
        };
        let recorded: audit::RecordChangeResponse =
            gateway.for_caller(RECORD, passed, scope, record).await?;
        let change = recorded.change.unwrap_or_default();
        return Ok(created(change.subject_id));
    }
    let (given, baseline) = read(request)?;
    let create = versioning::CreateVersionRequest { scope: wire_scope.clone(), ..given };
    if baseline.is_none() {
        let made: Result<versioning::CreateVersionResponse, Status> =
            gateway.for_caller(CREATE, passed, scope, create.clone()).await;
        match made {
            Ok(made) => return Ok(created(made.version.unwrap_or_default().version_id)),
            // The line has begun: the next version carries forward, and mends a stale phase.
            Err(status) if is_begun(&status) => {}
            Err(status) => return Err(status),
        }
    }
    if create.phase_data.is_some() {
        let what = "goes with the first version only: change it in the draft";
        return Err(Refusal::invalid(Violations::one("data.phase_data", what)).into());
    }
    let step = create.request_id.parse::<Uuid>().unwrap_or_default();
    let revise = versioning::ReviseVersionRequest {
        scope: wire_scope,
        baseline_version_id: baseline.unwrap_or_default(),
        notes: create.notes,
        metadata: create.metadata,
        decisions: create.decisions,
        etag: String::new(),
        request_id: Uuid::new_v5(&step, b"revise").to_string(),
    };
    let made: versioning::ReviseVersionResponse =
        gateway.for_caller(REVISE, passed, scope, revise).await?;
    Ok(created(made.version.unwrap_or_default().version_id))
}

/// Whether a first version is refused because there is one already.
fn is_begun(refused: &Status) -> bool {
    matches!(reason_of(refused), Some(ErrorReason::VersionState | ErrorReason::PhaseStale))
}

/// `GetCurrentVersion`.
pub(super) async fn current(
    gateway: &Gateway,
    passed: &Passed,
    scope: Scope,
) -> Result<wire::GetCurrentVersionResponse, Status> {
    let wire_scope = Some(scope_to_wire(scope));
    if row(gateway, scope)?.kind == VersioningType::Full {
        let request = versioning::GetCurrentVersionRequest { scope: wire_scope };
        let found: versioning::GetCurrentVersionResponse =
            gateway.for_caller(CURRENT, passed, scope, request).await?;
        return Ok(wire::GetCurrentVersionResponse {
            version: found.version,
            ..Default::default()
        });
    }
    let request =
        versioning::GetPhaseStatusRequest { scope: wire_scope.clone(), ..Default::default() };
    let told: versioning::GetPhaseStatusResponse =
        gateway.for_caller(STATUS, passed, scope, request).await?;
    let request =
        audit::ListChangesRequest { scope: wire_scope, page_size: 1, ..Default::default() };
    let changes: audit::ListChangesResponse =
        gateway.for_caller(CHANGES, passed, scope, request).await?;
    Ok(wire::GetCurrentVersionResponse {
        version: None,
        phase_status: told.phase_status,
        latest_change: changes.changes.into_iter().next(),
    })
}

/// `GetVersionHistory`.
pub(super) async fn history(
    gateway: &Gateway,
    passed: &Passed,
    scope: Scope,
    request: wire::GetVersionHistoryRequest,
) -> Result<wire::GetVersionHistoryResponse, Status> {
    let wire_scope = Some(scope_to_wire(scope));
    let (page_size, page_token) = (request.page_size, request.page_token);
    if row(gateway, scope)?.kind == VersioningType::Full {
        let request = versioning::ListVersionsRequest { scope: wire_scope, page_size, page_token };
        let found: versioning::ListVersionsResponse =
            gateway.for_caller(VERSIONS, passed, scope, request).await?;
        let (versions, next_page_token) = (found.versions, found.next_page_token);
        return Ok(wire::GetVersionHistoryResponse {
            versions,
            next_page_token,
            ..Default::default()
        });
    }
    let request = audit::ListChangesRequest {
        scope: wire_scope,
        page_size,
        page_token,
        ..Default::default()
    };
    let found: audit::ListChangesResponse =
        gateway.for_caller(CHANGES, passed, scope, request).await?;
    let (changes, next_page_token) = (found.changes, found.next_page_token);
    Ok(wire::GetVersionHistoryResponse { changes, next_page_token, ..Default::default() })
}

/// `ApproveVersion`.
pub(super) async fn approve(
    gateway: &Gateway,
    passed: &Passed,
    scope: Scope,
    request: wire::ApproveVersionRequest,
) -> Result<wire::ApproveVersionResponse, Status> {
    let row = row(gateway, scope)?;
    if row.kind == VersioningType::AuditOnly {
        let what = format!("{} is audited only: nothing is approved in it", row.display_name);
        let unmet =
            signoff_chassis::Unmet { subject: row.slug.to_owned(), description: what.clone() };
        return Err(Refusal::precondition(ErrorReason::NothingToApprove, what, [unmet]).into());
    }
    let request = versioning::ApproveVersionRequest {
        scope: Some(scope_to_wire(scope)),
        version_id: request.version_id,
        notes: request.notes,
        etag: request.etag,
        request_id: request.request_id,
    };
    let approved: versioning::ApproveVersionResponse =
        gateway.for_caller(APPROVE, passed, scope, request).await?;
    Ok(wire::ApproveVersionResponse { status: "approved".to_owned(), version: approved.version })
}

impl Gateway {
    /// Calls a backend's method in the caller's name, if its rule lets them. Where the phase does not take
    /// the change, it is made to, if it can be, and the call is made once more.
    async fn for_caller<Q, A>(
        &self,
        at: At,
        passed: &Passed,
        scope: Scope,
        request: Q,
    ) -> Result<A, Status>
    where
        Q: Message + Clone,
        A: Message + Default,
    {
        let method = self.methods().get(at.1).ok_or_else(Refusal::internal)?;
        let asked = Some(RequestScope { workflow: scope.workflow, phase: Some(scope.phase) });
        self.permit(method, &passed.who, asked)?;
        let refused = match self.backends().ask(at, &passed.who, asked, request.clone()).await {
            Err(refused) if method.request_id.is_some() => refused,
            answered => return answered,
        };
        let command = passed.request_id().unwrap_or_else(Uuid::new_v4);
        let phases = self.phases_for(scope.workflow, &passed.who, command);
        if !phases.mend(scope.phase, &refused, method.starts_phase).await? {
            return Err(refused);
        }
        self.backends().ask(at, &passed.who, asked, request).await
    }
}

/// A version as the data describes it, and the version to start from.
fn read(
    request: wire::CreateVersionRequest,
) -> Result<(versioning::CreateVersionRequest, Option<String>), Refusal> {
    let mut violations = Violations::default();
    let Value::Object(mut data) =
        json_from_wire(request.data.unwrap_or_default(), "data", LIMITS, &mut violations)
            .unwrap_or_default()
    else {
        return Err(Refusal::invalid(violations));
    };
    let mut baseline = None;
    for key in BASELINE {
        match data.remove(key) {
            None | Some(Value::Null) => {}
            Some(Value::String(id)) if baseline.is_none() => baseline = Some(id),
            Some(_) => violations.add(format!("data.{key}"), "is no version id, or is there twice"),
        }
    }
    let (known, other): (Map<_, _>, Map<_, _>) =
        data.into_iter().partition(|(key, _)| KNOWN.contains(&key.as_str()));
    let mut known = known;
    if !other.is_empty() {
        let free = known.entry("phase_data").or_insert_with(|| Value::Object(Map::new()));
        match free {
            Value::Object(free) => free.extend(other),
            _ => violations.add("data.phase_data", "is no object"),
        }
    }
    if !violations.is_empty() {
        return Err(Refusal::invalid(violations));
    }
    // Its own conversion: free-form data keeps its numbers as they are.
    let phase_data = known.remove("phase_data").map(|data| json_to_wire(&data)).transpose();
    let phase_data = phase_data
        .map_err(|_| Refusal::invalid(Violations::one("data.phase_data", "is no object")))?;
    let version = message(Value::Object(known))?;
    let request_id = request.request_id;
    Ok((versioning::CreateVersionRequest { phase_data, request_id, ..version }, baseline))
}

/// The request that some JSON is the form of (ProtoJSON). What is at fault is named by its path; reading ends there.
fn message(json: Value) -> Result<versioning::CreateVersionRequest, Refusal> {
    let fault = |field: String, why: String| {
        Refusal::invalid(Violations::one(field, why.chars().take(300).collect::<String>()))
    };
    let mut track = Track::new();
    let read = descriptor()?.deserialize(serde_path_to_error::Deserializer::new(json, &mut track));
    let read = read.map_err(|error| match track.path() {
        path if path.iter().len() == 0 => fault("data".to_owned(), error.to_string()),
        path => fault(format!("data.{path}"), error.to_string()),
    })?;
    read.transcode_to().map_err(|error| fault("data".to_owned(), error.to_string()))
}

fn descriptor() -> Result<MessageDescriptor, Refusal> {
    let pool = signoff_contract::descriptors().map_err(|_| Refusal::internal())?;
    let found = pool.get_message_by_name("signoff.versioning.v1.CreateVersionRequest");
    found.ok_or_else(Refusal::internal)
}
