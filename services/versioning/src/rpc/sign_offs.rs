//! Sign-offs on the wire.

use std::collections::HashMap;

use signoff_backend::read;
use signoff_backend::rpc::inputs::{etag, optional_text, required_text};
use signoff_backend::rpc::{Read, change};
use signoff_contract::convert::{role_from_wire, time_to_wire, uuid};
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1 as shared;
use signoff_workflow::{PhaseRow, Role, Violations};
use tonic::{Request, Response, Status};

use super::reads::version;
use crate::commands::{Assignment, Decline, Delegate, Engine, RequestSignOffs, Sign};
use crate::domain::sign_off::{SignOff, SignOffStatus};
use crate::store::sign_offs;

type Answered<A> = Result<Response<A>, Status>;

/// Most entries of `assignments`: each role at most once.
const MAX_ASSIGNMENTS: usize = Role::ALL.len();

/// `RequestSignOffs`.
pub(super) async fn request(
    engine: &Engine,
    request: Request<wire::RequestSignOffsRequest>,
) -> Answered<wire::RequestSignOffsResponse> {
    change(engine, request, request_from_wire, |change, input, _| {
        Box::pin(async move {
            let requested = change.request_sign_offs(input).await?;
            let sign_offs = requested.into_iter().map(sign_off_to_wire).collect();
            Ok(wire::RequestSignOffsResponse { sign_offs })
        })
    })
    .await
}

/// `Sign`.
pub(super) async fn sign(
    engine: &Engine,
    request: Request<wire::SignRequest>,
) -> Answered<wire::SignResponse> {
    change(engine, request, sign_from_wire, |change, input, _| {
        Box::pin(async move {
            let sign_off = Some(sign_off_to_wire(change.sign(input).await?));
            Ok(wire::SignResponse { sign_off })
        })
    })
    .await
}

/// `Decline`.
pub(super) async fn decline(
    engine: &Engine,
    request: Request<wire::DeclineRequest>,
) -> Answered<wire::DeclineResponse> {
    let parse = |request: wire::DeclineRequest, row: &PhaseRow, violations: &mut Violations| {
        expect_signed_phase(row, violations);
        let sign_off_id = uuid(&request.sign_off_id, "sign_off_id", violations);
        let reason = required_text(request.reason, "reason", violations);
        Some(Decline { sign_off_id: sign_off_id?, etag: etag(request.etag), reason: reason? })
    };
    change(engine, request, parse, |change, input, _| {
        Box::pin(async move {
            let sign_off = Some(sign_off_to_wire(change.decline(input).await?));
            Ok(wire::DeclineResponse { sign_off })
        })
    })
    .await
}

/// `Delegate`.
pub(super) async fn delegate(
    engine: &Engine,
    request: Request<wire::DelegateRequest>,
) -> Answered<wire::DelegateResponse> {
    let parse = |request: wire::DelegateRequest, row: &PhaseRow, violations: &mut Violations| {
        expect_signed_phase(row, violations);
        let sign_off_id = uuid(&request.sign_off_id, "sign_off_id", violations);
        expect_user(request.to_user_id, "to_user_id", violations);
        let reason = required_text(request.reason, "reason", violations);
        Some(Delegate {
            sign_off_id: sign_off_id?,
            etag: etag(request.etag),
            to_user_id: request.to_user_id,
            reason: reason?,
        })
    };
    change(engine, request, parse, |change, input, _| {
        Box::pin(async move {
            let sign_off = Some(sign_off_to_wire(change.delegate(input).await?));
            Ok(wire::DelegateResponse { sign_off })
        })
    })
    .await
}

/// `ListSignOffs`.
pub(super) async fn list(
    engine: &Engine,
    request: Request<wire::ListSignOffsRequest>,
) -> Answered<wire::ListSignOffsResponse> {
    read!(engine, request, Read::snapshot, |read| {
        let mut violations = Violations::default();
        expect_signed_phase(read.row, &mut violations);
        let version_id = uuid(&read.request.version_id, "version_id", &mut violations);
        let (version_id, page) = read.page_beside(version_id, violations)?;
        let after = page.after_number(0)?;
        let version = version(&mut read, version_id).await?;
        let (line_no, number) = (version.line_no, version.number);
        let rows = sign_offs::of_version(read.reader.conn(), line_no, number, after, page.fetch())
            .await?
            .into_iter()
            .map(|one| (one.sign_off_no.to_string(), sign_off_to_wire(one)))
            .collect();
        let (sign_offs, next_page_token) = page.close(rows);
        Ok(wire::ListSignOffsResponse { sign_offs, next_page_token })
    })
}

fn request_from_wire(
    request: wire::RequestSignOffsRequest,
    row: &PhaseRow,
    violations: &mut Violations,
) -> Option<RequestSignOffs> {
    expect_signed_phase(row, violations);
    let version_id = uuid(&request.version_id, "version_id", violations);
    let given = request.assignments;
    if given.is_empty() {
        violations.add("assignments", "is empty");
    }
    if given.len() > MAX_ASSIGNMENTS {
        let why = format!("has {} entries; at most {MAX_ASSIGNMENTS} are taken", given.len());
        violations.add("assignments", why);
        return None;
    }
    let mut assignments = Vec::with_capacity(given.len());
    let (mut roles, mut people) = (HashMap::new(), HashMap::<i64, Vec<usize>>::new());
    for (i, one) in given.into_iter().enumerate() {
        let path = format!("assignments[{i}].role");
        let role = role_from_wire(one.role, &path, violations);
        if let Some(role) = role
            && roles.insert(role, i).is_some()
        {
            violations.add(path, format!("asks for {role} twice"));
        }
        let known = expect_user(one.user_id, format_args!("assignments[{i}].user_id"), violations);
        if known {
            people.entry(one.user_id).or_default().push(i);
        }
        assignments.extend(role.map(|role| Assignment { role, user_id: one.user_id }));
    }
    let mut doubled: Vec<usize> =
        people.into_values().filter(|entries| entries.len() > 1).flatten().collect();
    doubled.sort_unstable();
    for i in doubled {
        violations.add(format!("assignments[{i}].user_id"), "signs for one role only");
    }
    Some(RequestSignOffs { version_id: version_id?, etag: etag(request.etag), assignments })
}

fn sign_from_wire(
    request: wire::SignRequest,
    row: &PhaseRow,
    violations: &mut Violations,
) -> Option<Sign> {
    expect_signed_phase(row, violations);
    let sign_off_id = uuid(&request.sign_off_id, "sign_off_id", violations);
    let comments = optional_text(request.comments, "comments", violations);
    let digest = request.content_digest;
    if !matches!(digest.len(), 0 | 32) {
        violations.add("content_digest", format!("has {} bytes; a digest has 32", digest.len()));
    }
    Some(Sign {
        sign_off_id: sign_off_id?,
        etag: etag(request.etag),
        comments,
        content_digest: (!digest.is_empty()).then_some(digest),
    })
}

/// Notes that a phase is not signed.
fn expect_signed_phase(row: &PhaseRow, violations: &mut Violations) {
    if row.sign_offs.is_empty() {
        violations.add("scope.phase", "has no sign-offs");
    }
}

/// Notes that somebody is nobody.
fn expect_user(user_id: i64, path: impl std::fmt::Display, violations: &mut Violations) -> bool {
    if user_id < 1 {
        violations.add(path.to_string(), "is no user's id");
    }
    user_id > 0
}

fn sign_off_to_wire(sign_off: SignOff) -> wire::SignOff {
    let etag = sign_off.etag();
    let (delegated_from, delegation_reason) = sign_off.delegated.unwrap_or_default();
    let (voided_at, void_reason) = sign_off.voided.unzip();
    wire::SignOff {
        sign_off_id: sign_off.sign_off_id.to_string(),
        version_id: sign_off.version_id.to_string(),
        role: shared::Role::from(sign_off.role).into(),
        user_id: sign_off.user_id,
        status: status_to_wire(sign_off.status).into(),
        date: sign_off.decided_at.map(time_to_wire),
        comments: sign_off.comments.unwrap_or_default(),
        content_digest: sign_off.content_digest.unwrap_or_default(),
        delegated_from,
        delegation_reason,
        etag,
        requested_by: sign_off.requested_by,
        requested_at: Some(time_to_wire(sign_off.requested_at)),
        voided_at: voided_at.map(time_to_wire),
        void_reason: void_reason.unwrap_or_default(),
    }
}

const fn status_to_wire(status: SignOffStatus) -> wire::SignOffStatus {
    match status {
        SignOffStatus::Pending => wire::SignOffStatus::Pending,
        SignOffStatus::Signed => wire::SignOffStatus::Signed,
        SignOffStatus::Rejected => wire::SignOffStatus::Rejected,
        SignOffStatus::Voided => wire::SignOffStatus::Voided,
    }
}
