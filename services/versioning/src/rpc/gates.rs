//! The gate methods, and where a phase stands.

use std::collections::HashSet;

use signoff_contract::convert::{
    PhaseNeed, optional_uuid, time_to_wire, uuid, versioning_type_to_wire,
};
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1 as shared;
use signoff_ledger::closing;
use signoff_ledger::gates::{Foundation, Gate, TrailHead, load};
use signoff_workflow::{Phase, PhaseRow, PhaseState, PhaseTable, Role, Scope, Unmet, Violations};
use sqlx::PgConnection;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::call::{Admitted, admit, answer, change, change_in};
use super::inputs::fits;
use crate::commands::{Change, Engine};
use crate::domain::error::Error;
use crate::domain::phase::Standing;
use crate::store::versions;

/// Most executions that a seal may require to be covered.
const MAX_EXECUTIONS: usize = 100_000;

type Answered<A> = Result<Response<A>, Status>;

/// `BeginOpen`.
pub(super) async fn begin_open(
    engine: &Engine,
    request: Request<wire::BeginOpenRequest>,
) -> Answered<wire::BeginOpenResponse> {
    let parse =
        |request: wire::BeginOpenRequest, _: &PhaseRow, _: &mut Violations| Some(request.reaffirm);
    change(engine, request, parse, |change, reaffirm, _| {
        Box::pin(async move {
            let attempt = change.begin_open(reaffirm).await?;
            Ok(wire::BeginOpenResponse { attempt })
        })
    })
    .await
}

/// `Open`.
pub(super) async fn open(
    engine: &Engine,
    request: Request<wire::OpenRequest>,
) -> Answered<wire::OpenResponse> {
    let phases = engine.phases().clone();
    let parse = |request: wire::OpenRequest, _: &PhaseRow, violations: &mut Violations| {
        let attempt = attempt(request.attempt, "attempt", violations);
        let rests_on = foundations(request.rests_on, engine.phases(), violations);
        Some((attempt?, rests_on))
    };
    change(engine, request, parse, move |change, (attempt, rests_on), row| {
        Box::pin(async move {
            let gate = change.open(attempt, rests_on).await?;
            let phase_status = Some(status_after(change, &row, &gate, &phases).await?);
            Ok(wire::OpenResponse { phase_status })
        })
    })
    .await
}

/// `Fence`.
pub(super) async fn fence(
    engine: &Engine,
    request: Request<wire::FenceRequest>,
) -> Answered<wire::FenceResponse> {
    let parse = |request: wire::FenceRequest, _: &PhaseRow, violations: &mut Violations| {
        attempt(request.attempt, "attempt", violations)
    };
    change(engine, request, parse, |change, attempt, _| {
        Box::pin(async move { Ok(wire::FenceResponse { dead: change.fence(attempt).await? }) })
    })
    .await
}

/// `Seal`.
pub(super) async fn seal(
    engine: &Engine,
    request: Request<wire::SealRequest>,
) -> Answered<wire::SealResponse> {
    let admitted = admit(engine, request, PhaseNeed::Optional)?;
    let workflow = admitted.scope.workflow;
    match seal_admitted(engine, admitted).await {
        Err(Error::Unmet(missing)) => {
            let unmet = missing.into_iter().map(missing_to_wire).collect();
            Ok(Response::new(wire::SealResponse { unmet, ..wire::SealResponse::default() }))
        }
        done => answer(done, workflow),
    }
}

async fn seal_admitted(
    engine: &Engine,
    admitted: Admitted<wire::SealRequest>,
) -> Result<wire::SealResponse, Error> {
    let phases = engine.phases().clone();
    let mut violations = Violations::default();
    let mut sealed = Vec::new();
    for (i, number) in admitted.request.phases.iter().enumerate() {
        let phase = Phase::new(*number);
        if phases.get(phase).is_none() {
            violations.add(format!("phases[{i}]"), "is not a known phase");
        } else if sealed.contains(&phase) {
            violations.add(format!("phases[{i}]"), "is there twice");
        } else {
            sealed.push(phase);
        }
    }
    match admitted.scope.phase {
        Some(phase) if sealed.is_empty() => sealed.push(phase),
        Some(phase) if !sealed.contains(&phase) => {
            violations.add("scope.phase", "is not among phases");
        }
        Some(_) | None => {}
    }
    let Some(first) = sealed.first().copied() else {
        violations.add("phases", "is empty, and the scope names no phase");
        return Err(Error::Invalid(violations));
    };
    let rows = sealed
        .iter()
        .map(|phase| engine.row(*phase).cloned())
        .collect::<Result<Vec<_>, Error>>()?;
    let scope = Scope { workflow: admitted.scope.workflow, phase: first };
    let parse = |request: wire::SealRequest, _: &PhaseRow, faults: &mut Violations| {
        let holder = holder(request.holder, engine.phases(), faults);
        for row in holder
            .iter()
            .flat_map(|holder| rows.iter().filter(|row| !holder.rests_on.contains(&row.phase)))
        {
            faults.add("holder", format!("does not rest on {}", row.display_name));
        }
        let attempt = attempt(request.attempt, "attempt", faults);
        let required = required_executions(&request.required_execution_ids, &rows, faults);
        Some((holder?, attempt?, rows, required))
    };
    if !violations.is_empty() {
        return Err(Error::Invalid(violations));
    }
    change_in(
        engine,
        admitted,
        scope,
        parse,
        move |change, (holder, attempt, rows, required), _| {
            Box::pin(async move {
                let foundations = change.seal(&rows, &holder, attempt, &required).await?;
                let rests_on = foundations
                    .into_iter()
                    .map(|foundation| foundation_to_wire(foundation, &phases))
                    .collect();
                Ok(wire::SealResponse { rests_on, ..wire::SealResponse::default() })
            })
        },
    )
    .await
}

/// `ReleaseSeal`.
pub(super) async fn release_seal(
    engine: &Engine,
    request: Request<wire::ReleaseSealRequest>,
) -> Answered<wire::ReleaseSealResponse> {
    let phases = engine.phases().clone();
    let parse = |request: wire::ReleaseSealRequest, _: &PhaseRow, faults: &mut Violations| {
        let holder = holder(request.holder, engine.phases(), faults);
        let up_to = attempt(request.up_to_attempt, "up_to_attempt", faults);
        Some((holder?, up_to?))
    };
    change(engine, request, parse, move |change, (holder, up_to), row| {
        Box::pin(async move {
            let gate = change.release_seal(&holder, up_to).await?;
            let phase_status = Some(status_after(change, &row, &gate, &phases).await?);
            Ok(wire::ReleaseSealResponse { phase_status })
        })
    })
    .await
}

/// `GetPhaseStatus`.
pub(super) async fn get_phase_status(
    engine: &Engine,
    request: Request<wire::GetPhaseStatusRequest>,
) -> Answered<wire::GetPhaseStatusResponse> {
    let admitted = admit(engine, request, PhaseNeed::Required)?;
    let workflow = admitted.scope.workflow;
    let done = async {
        let scope = admitted
            .scope
            .scope()
            .ok_or_else(|| Error::Internal("a required phase is missing".to_owned()))?;
        let row = engine.row(scope.phase)?;
        let mut snapshot = engine.ledger().snapshot().await?;
        let mut gates = load(snapshot.conn(), workflow, &[row.slug]).await?;
        let gate = gates.remove(row.slug).unwrap_or_default();
        let mut told = status(snapshot.conn(), scope, row, &gate, engine.phases()).await?;
        told.workflow_closed = closing(snapshot.conn(), workflow).await?.is_some();
        Ok(wire::GetPhaseStatusResponse { phase_status: Some(told) })
    };
    answer(done.await, workflow)
}

/// Where a phase stands after a change. The workflow is not closed: it took the change.
pub(super) async fn status_after(
    change: &mut Change,
    row: &PhaseRow,
    gate: &Gate,
    phases: &PhaseTable,
) -> Result<shared::PhaseStatus, Error> {
    let scope = change.scope();
    status(change.conn(), scope, row, gate, phases).await
}

async fn status(
    conn: &mut PgConnection,
    scope: Scope,
    row: &PhaseRow,
    gate: &Gate,
    phases: &PhaseTable,
) -> Result<shared::PhaseStatus, Error> {
    let current = versions::current(conn, scope, row).await?;
    let open = versions::open(conn, scope, row).await?;
    let any_closed = row.seals_unopened && versions::any_closed(conn, scope, row).await?;
    let (current_ref, open_ref) = (current.as_ref(), open.as_ref());
    let standing = Standing { phases, row, gate, current: current_ref, open: open_ref, any_closed };
    let state = standing.state();
    let (done, total) = standing.progress();
    let completed_at = current
        .as_ref()
        .filter(|_| matches!(state, PhaseState::Complete | PhaseState::Sealed))
        .and_then(|version| version.reviewed_at);
    let id = |version: &Option<crate::domain::version::Version>| {
        version.as_ref().map(|version| version.version_id.to_string()).unwrap_or_default()
    };
    Ok(shared::PhaseStatus {
        phase: row.phase.number(),
        versioning_type: versioning_type_to_wire(row.kind).into(),
        approval_required: row.approver.is_some(),
        approver_role: row.approver.map_or(shared::Role::Unspecified, role_to_wire).into(),
        state: state_to_wire(state).into(),
        stale: gate.stale.is_some(),
        started_at: gate.opened.map(|opened| time_to_wire(opened.at)),
        started_by: gate.opened.map_or(0, |opened| opened.by),
        completed_at: completed_at.map(time_to_wire),
        rests_on: gate
            .rests_on
            .iter()
            .map(|foundation| foundation_to_wire(foundation.clone(), phases))
            .collect(),
        holders: gate
            .holds
            .iter()
            .map(|(slug, attempt)| shared::Holder {
                phase: number_of(slug, phases),
                attempt: *attempt,
            })
            .collect(),
        attempt: gate.attempt,
        reopening: gate.reopening,
        current_version_id: id(&current),
        open_version_id: id(&open),
        progress: Some(shared::Progress { done: done.into(), total: total.into() }),
        unmet: standing.lacking().into_iter().map(missing_to_wire).collect(),
        workflow_closed: false,
    })
}

/// The executions that an observation must cover.
fn required_executions(
    given: &[String],
    sealed: &[PhaseRow],
    violations: &mut Violations,
) -> Vec<Uuid> {
    let path = "required_execution_ids";
    if !given.is_empty() && !sealed.iter().any(|row| row.seals_unopened) {
        violations.add(path, "goes with Observation Management only");
        return Vec::new();
    }
    if !fits(given.len(), MAX_EXECUTIONS, path, violations) {
        return Vec::new();
    }
    let mut seen = HashSet::with_capacity(given.len());
    let mut read = Vec::with_capacity(given.len());
    for (i, id) in given.iter().enumerate() {
        let path = format_args!("{path}[{i}]");
        match uuid(id, path, violations) {
            Some(id) if !seen.insert(id) => violations.add(path.to_string(), "is there twice"),
            id => read.extend(id),
        }
    }
    read
}

fn attempt(given: i64, path: &str, violations: &mut Violations) -> Option<i64> {
    if given < 1 {
        violations.add(path, "is required: 1 or more");
        return None;
    }
    Some(given)
}

fn holder(given: i32, phases: &PhaseTable, violations: &mut Violations) -> Option<PhaseRow> {
    let row = phases.get(Phase::new(given)).cloned();
    if row.is_none() {
        violations.add("holder", "is required: a known phase");
    }
    row
}

fn foundations(
    given: Vec<shared::Foundation>,
    phases: &PhaseTable,
    violations: &mut Violations,
) -> Vec<Foundation> {
    let mut read = Vec::with_capacity(given.len());
    for (i, foundation) in given.into_iter().enumerate() {
        let row = phases.get(Phase::new(foundation.phase));
        if row.is_none() {
            violations.add(format!("rests_on[{i}].phase"), "is not a known phase");
        }
        let path = format_args!("rests_on[{i}].version_id");
        let version_id = optional_uuid(&foundation.version_id, path, violations);
        let trail_head = foundation.trail_head.and_then(|head| {
            if head.sequence < 0 || head.hash.len() != 32 {
                let path = format!("rests_on[{i}].trail_head");
                violations.add(path, "is no head: a sequence and 32 bytes");
                return None;
            }
            Some(TrailHead { sequence: head.sequence, hash: hex::encode(head.hash) })
        });
        read.extend(row.map(|row| Foundation {
            phase: row.slug.to_owned(),
            version_id,
            trail_head,
        }));
    }
    read
}

fn foundation_to_wire(foundation: Foundation, phases: &PhaseTable) -> shared::Foundation {
    shared::Foundation {
        phase: number_of(&foundation.phase, phases),
        version_id: foundation.version_id.map(|id| id.to_string()).unwrap_or_default(),
        trail_head: foundation.trail_head.map(|head| shared::TrailHead {
            sequence: head.sequence,
            hash: hex::decode(head.hash).unwrap_or_default(),
        }),
    }
}

fn number_of(slug: &str, phases: &PhaseTable) -> i32 {
    phases.by_slug(slug).map_or(0, |row| row.phase.number())
}

fn missing_to_wire(missing: Unmet) -> shared::Unmet {
    shared::Unmet { phase: missing.phase.number(), subject: missing.subject, what: missing.what }
}

const fn state_to_wire(state: PhaseState) -> shared::PhaseState {
    match state {
        PhaseState::NotStarted => shared::PhaseState::NotStarted,
        PhaseState::InProgress => shared::PhaseState::InProgress,
        PhaseState::Complete => shared::PhaseState::Complete,
        PhaseState::Sealed => shared::PhaseState::Sealed,
    }
}

/// A role for the wire.
pub(super) const fn role_to_wire(role: Role) -> shared::Role {
    match role {
        Role::Tester => shared::Role::Tester,
        Role::TestLead => shared::Role::TestLead,
        Role::ReportOwner => shared::Role::ReportOwner,
        Role::TestExecutive => shared::Role::TestExecutive,
        Role::Auditor => shared::Role::Auditor,
        Role::Admin => shared::Role::Admin,
        Role::Service => shared::Role::Service,
        Role::Gateway => shared::Role::Gateway,
    }
}
