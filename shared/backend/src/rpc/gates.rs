//! The gate methods, and where a phase stands. Their messages are the same in every service.

use std::collections::HashSet;
use std::slice::from_ref;

use signoff_contract::convert::{
    PhaseNeed, optional_uuid, time_to_wire, uuid, versioning_type_to_wire,
};
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1 as shared;
use signoff_ledger::closing;
use signoff_ledger::gates::{Foundation, Gate, TrailHead, load};
use signoff_workflow::{Phase, PhaseRow, PhaseState, PhaseTable, Scope, Unmet, Violations};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::inputs::fits;
use super::{Admitted, admit, answer, change, change_in};
use crate::{Asked, Backend, Fault, ServiceError, Standing, Subject, Work};

pub use super::reopening::{begin_reopen, close_workflow, finish_reopen, mark_stale};

/// Most executions that may be required to be covered.
const MAX_EXECUTIONS: usize = 100_000;
/// Why what must be covered is no business of most phases.
const ONLY_OBSERVATIONS: &str = "goes with Observation Management only";

type Answered<A> = Result<Response<A>, Status>;

/// `BeginOpen`.
pub async fn begin_open<B: Backend>(
    backend: &B,
    request: Request<wire::BeginOpenRequest>,
) -> Answered<wire::BeginOpenResponse> {
    let parse =
        |request: wire::BeginOpenRequest, _: &PhaseRow, _: &mut Violations| Some(request.reaffirm);
    change(backend, request, parse, |change, reaffirm, _| {
        Box::pin(async move {
            let attempt = change.as_mut().begin_open(reaffirm).await?;
            Ok(wire::BeginOpenResponse { attempt })
        })
    })
    .await
}

/// `Open`.
pub async fn open<B: Backend>(
    backend: &B,
    request: Request<wire::OpenRequest>,
) -> Answered<wire::OpenResponse> {
    let here = backend.clone();
    let parse = |request: wire::OpenRequest, _: &PhaseRow, violations: &mut Violations| {
        let attempt = attempt(request.attempt, "attempt", violations);
        let rests_on = foundations(request.rests_on, backend.phases(), violations);
        Some((attempt?, rests_on))
    };
    change(backend, request, parse, move |change, (attempt, rests_on), row| {
        Box::pin(async move {
            let gate = change.as_mut().open(attempt, rests_on).await?;
            let phase_status = Some(status_after(&here, change.as_mut(), &row, &gate).await?);
            Ok(wire::OpenResponse { phase_status })
        })
    })
    .await
}

/// `Fence`.
pub async fn fence<B: Backend>(
    backend: &B,
    request: Request<wire::FenceRequest>,
) -> Answered<wire::FenceResponse> {
    let parse = |request: wire::FenceRequest, _: &PhaseRow, violations: &mut Violations| {
        attempt(request.attempt, "attempt", violations)
    };
    change(backend, request, parse, |change, attempt, _| {
        Box::pin(
            async move { Ok(wire::FenceResponse { dead: change.as_mut().fence(attempt).await? }) },
        )
    })
    .await
}

/// `Seal`.
pub async fn seal<B: Backend>(
    backend: &B,
    request: Request<wire::SealRequest>,
) -> Answered<wire::SealResponse> {
    let admitted = admit(backend, request, PhaseNeed::Optional)?;
    let workflow = admitted.scope.workflow;
    let done = match seal_admitted(backend, admitted).await.map_err(ServiceError::into_fault) {
        Ok(done) => Ok(done),
        Err(Ok(Fault::Unmet(missing))) => {
            let unmet = missing.into_iter().map(missing_to_wire).collect();
            Ok(wire::SealResponse { unmet, ..wire::SealResponse::default() })
        }
        Err(Ok(fault)) => Err(fault.into()),
        Err(Err(error)) => Err(error),
    };
    answer(backend, done, workflow)
}

async fn seal_admitted<B: Backend>(
    backend: &B,
    admitted: Admitted<wire::SealRequest>,
) -> Result<wire::SealResponse, B::Error> {
    let (here, phases) = (backend.clone(), backend.phases());
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
        return Err(Fault::Invalid(violations).into());
    };
    let rows = sealed
        .iter()
        .map(|phase| backend.row(*phase).cloned())
        .collect::<Result<Vec<_>, Fault>>()?;
    let scope = Scope { workflow: admitted.scope.workflow, phase: first };
    let parse = |request: wire::SealRequest, _: &PhaseRow, faults: &mut Violations| {
        let holder = holder(request.holder, backend.phases(), faults);
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
        return Err(Fault::Invalid(violations).into());
    }
    change_in(
        backend,
        admitted,
        scope,
        parse,
        move |change, (holder, attempt, rows, required), _| {
            Box::pin(async move {
                let sealed =
                    change.as_mut().seal(&here, &rows, &holder, attempt, &required).await?;
                let rests_on = sealed
                    .rests_on
                    .into_iter()
                    .map(|foundation| foundation_to_wire(foundation, here.phases()))
                    .collect();
                let execution_ids = sealed.execution_ids.iter().map(Uuid::to_string).collect();
                Ok(wire::SealResponse { rests_on, execution_ids, unmet: Vec::new() })
            })
        },
    )
    .await
}

/// `ReleaseSeal`.
pub async fn release_seal<B: Backend>(
    backend: &B,
    request: Request<wire::ReleaseSealRequest>,
) -> Answered<wire::ReleaseSealResponse> {
    let here = backend.clone();
    let parse = |request: wire::ReleaseSealRequest, _: &PhaseRow, faults: &mut Violations| {
        let holder = holder(request.holder, backend.phases(), faults);
        let up_to = attempt(request.up_to_attempt, "up_to_attempt", faults);
        Some((holder?, up_to?))
    };
    change(backend, request, parse, move |change, (holder, up_to), row| {
        Box::pin(async move {
            let gate = change.as_mut().release_seal(&holder, up_to).await?;
            let phase_status = Some(status_after(&here, change.as_mut(), &row, &gate).await?);
            Ok(wire::ReleaseSealResponse { phase_status })
        })
    })
    .await
}

/// `GetPhaseStatus`.
pub async fn get_phase_status<B: Backend>(
    backend: &B,
    request: Request<wire::GetPhaseStatusRequest>,
) -> Answered<wire::GetPhaseStatusResponse> {
    let admitted = admit(backend, request, PhaseNeed::Required)?;
    let workflow = admitted.scope.workflow;
    let done = async {
        let scope = admitted.in_phase()?;
        let row = backend.row(scope.phase)?;
        let handed_on = admitted.request.with_execution_ids;
        let required = known_to_be_required(&admitted.request, row)?;
        let mut snapshot = backend.ledger().snapshot().await?;
        let mut gates = load(snapshot.conn(), workflow, &[row.slug]).await?;
        let gate = gates.remove(row.slug).unwrap_or_default();
        let of = Subject { scope, row, gate: &gate, at: None };
        let asked = Asked::Status { handed_on, required: required.as_deref() };
        let standing = backend.standing(snapshot.conn(), of, asked).await?;
        let mut told = status(&standing, of, backend.phases());
        told.workflow_closed = closing(snapshot.conn(), workflow).await?.is_some();
        let execution_ids = standing.execution_ids.iter().map(Uuid::to_string).collect();
        Ok(wire::GetPhaseStatusResponse { phase_status: Some(told), execution_ids })
    };
    answer(backend, done.await, workflow)
}

/// Where a phase stands after a change. The workflow is not closed: it took the change.
pub(super) async fn status_after<B: Backend>(
    backend: &B,
    work: &mut Work,
    row: &PhaseRow,
    gate: &Gate,
) -> Result<shared::PhaseStatus, B::Error> {
    let scope = work.scope();
    let at = Some(work.now());
    let of = Subject { scope, row, gate, at };
    let standing = backend.standing(work.conn(), of, Asked::STATUS).await?;
    Ok(status(&standing, of, backend.phases()))
}

fn status(standing: &Standing, of: Subject<'_>, phases: &PhaseTable) -> shared::PhaseStatus {
    let Subject { row, gate, .. } = of;
    let state = standing.state(of, phases);
    let (done, total) = standing.progress;
    let completed_at = standing
        .completed_at
        .filter(|_| matches!(state, PhaseState::Complete | PhaseState::Sealed));
    let id = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    shared::PhaseStatus {
        phase: row.phase.number(),
        versioning_type: versioning_type_to_wire(row.kind).into(),
        approval_required: row.approver.is_some(),
        approver_role: row.approver.map_or(shared::Role::Unspecified, shared::Role::from).into(),
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
        current_version_id: id(standing.current_version_id),
        open_version_id: id(standing.open_version_id),
        progress: Some(shared::Progress { done, total }),
        unmet: standing.unmet(of, phases).into_iter().map(missing_to_wire).collect(),
        workflow_closed: false,
    }
}

/// The executions that an observation must cover, if whoever asks for the status knows them.
fn known_to_be_required(
    request: &wire::GetPhaseStatusRequest,
    row: &PhaseRow,
) -> Result<Option<Vec<Uuid>>, Fault> {
    let mut violations = Violations::default();
    let given = &request.required_execution_ids;
    let required = required_executions(given, from_ref(row), &mut violations);
    if request.nothing_required && !row.seals_unopened {
        violations.add("nothing_required", ONLY_OBSERVATIONS);
    } else if request.nothing_required && !given.is_empty() {
        violations.add("nothing_required", "contradicts required_execution_ids");
    }
    if !violations.is_empty() {
        return Err(Fault::Invalid(violations));
    }
    Ok((request.nothing_required || !given.is_empty()).then_some(required))
}

/// The executions that an observation must cover.
fn required_executions(
    given: &[String],
    phases: &[PhaseRow],
    violations: &mut Violations,
) -> Vec<Uuid> {
    let path = "required_execution_ids";
    if !given.is_empty() && !phases.iter().any(|row| row.seals_unopened) {
        violations.add(path, ONLY_OBSERVATIONS);
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

/// One thing that is missing.
pub fn missing_to_wire(missing: Unmet) -> shared::Unmet {
    let Unmet { phase, subject, what, of_gate } = missing;
    shared::Unmet { phase: phase.number(), subject, what, of_gate }
}

const fn state_to_wire(state: PhaseState) -> shared::PhaseState {
    match state {
        PhaseState::NotStarted => shared::PhaseState::NotStarted,
        PhaseState::InProgress => shared::PhaseState::InProgress,
        PhaseState::Complete => shared::PhaseState::Complete,
        PhaseState::Sealed => shared::PhaseState::Sealed,
    }
}
