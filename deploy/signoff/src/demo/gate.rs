//! How the gateway opens a phase: begun, every predecessor sealed, opened on what was sealed.
//!
//! Two services keep phases; their gates take the same messages. Those of one service that a phase rests on are sealed at once, and
//! what has been tested is told to whoever keeps the observations.

use anyhow::{Context, Result, anyhow, bail};
use signoff_contract::convert::scope_to_wire;
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1 as shared;
use signoff_workflow::{Phase, PhaseRow, PhaseTable, Scope, VersioningType};

use super::desk::{held, request_id};
use super::people::Person;

/// The row of a phase in the phase table.
///
/// # Errors
/// The table has no such phase.
pub(super) fn row_of(phase: Phase) -> Result<&'static PhaseRow> {
    PhaseTable::standard()
        .get(phase)
        .ok_or_else(|| anyhow!("phase {} is in no table", phase.number()))
}

/// Whether the audit service keeps a phase.
///
/// # Errors
/// The table has no such phase.
pub(super) fn is_audited(phase: Phase) -> Result<bool> {
    Ok(row_of(phase)?.kind == VersioningType::AuditOnly)
}

/// What came of sealing.
#[derive(Default)]
struct Sealed {
    rests_on: Vec<shared::Foundation>,
    unmet: Vec<shared::Unmet>,
    /// The executions that an observation must cover.
    to_cover: Vec<String>,
}

impl Person {
    /// Opens a phase. Only the gateway may.
    ///
    /// # Errors
    /// Something that the phase rests on is not complete, or the service refuses.
    pub(super) async fn open(&self, phase: Phase) -> Result<shared::PhaseStatus> {
        match self.try_to_open(phase).await? {
            Ok(status) => Ok(status),
            Err(unmet) => match unmet.first() {
                Some(missing) => bail!("cannot seal: {}", missing.what),
                None => bail!("cannot seal, and nothing is said to be missing"),
            },
        }
    }

    /// The same; where something is missing, the attempt is ended, and what is missing answered.
    ///
    /// # Errors
    /// The service refuses.
    pub(super) async fn try_to_open(
        &self,
        phase: Phase,
    ) -> Result<Result<shared::PhaseStatus, Vec<shared::Unmet>>> {
        let attempt = self.begin(phase).await.context("cannot begin to open")?;
        let sealed = self.seal_for(phase, attempt).await.context("cannot seal")?;
        if !sealed.unmet.is_empty() {
            self.give_up(phase, attempt).await.context("cannot end the attempt")?;
            return Ok(Err(sealed.unmet));
        }
        Ok(Ok(self.open_on(phase, attempt, sealed.rests_on).await.context("cannot open")?))
    }

    async fn begin(&self, phase: Phase) -> Result<i64> {
        let scope = Some(self.scope_of(phase));
        let request = wire::BeginOpenRequest { scope, request_id: request_id(), reaffirm: false };
        let answer = if is_audited(phase)? {
            self.audit_at(phase).phases.begin_open(request).await?
        } else {
            self.at(phase).client.begin_open(request).await?
        };
        Ok(answer.into_inner().attempt)
    }

    /// Seals everything that a phase rests on, as far as it is complete.
    async fn seal_for(&self, holder: Phase, attempt: i64) -> Result<Sealed> {
        let mut sealed = Sealed::default();
        let (mut audited, mut versioned) = (Vec::new(), Vec::new());
        for phase in row_of(holder)?.rests_on {
            if is_audited(*phase)? { audited.push(*phase) } else { versioned.push(*phase) }
        }
        let request = |phase: Phase| wire::SealRequest {
            scope: Some(self.scope_of(phase)),
            holder: holder.number(),
            attempt,
            request_id: request_id(),
            ..Default::default()
        };
        if let Some(first) = audited.first() {
            let phases = audited.iter().map(|phase| phase.number()).collect();
            let request = wire::SealRequest { phases, ..request(*first) };
            let answer = self.audit_at(*first).phases.seal(request).await?.into_inner();
            sealed.rests_on.extend(answer.rests_on);
            sealed.unmet.extend(answer.unmet);
            sealed.to_cover = answer.execution_ids;
        }
        for phase in versioned {
            let covers = row_of(phase)?.seals_unopened;
            let required_execution_ids = if covers { sealed.to_cover.clone() } else { Vec::new() };
            let request = wire::SealRequest { required_execution_ids, ..request(phase) };
            let answer = self.at(phase).client.seal(request).await?.into_inner();
            sealed.rests_on.extend(answer.rests_on);
            sealed.unmet.extend(answer.unmet);
        }
        Ok(sealed)
    }

    async fn open_on(
        &self,
        phase: Phase,
        attempt: i64,
        rests_on: Vec<shared::Foundation>,
    ) -> Result<shared::PhaseStatus> {
        let scope = Some(self.scope_of(phase));
        let request = wire::OpenRequest { scope, request_id: request_id(), attempt, rests_on };
        let answer = if is_audited(phase)? {
            self.audit_at(phase).phases.open(request).await?
        } else {
            self.at(phase).client.open(request).await?
        };
        Ok(held(answer.into_inner().phase_status)?)
    }

    /// Ends an attempt for ever, and lifts its seals.
    async fn give_up(&self, phase: Phase, attempt: i64) -> Result<()> {
        let scope = Some(self.scope_of(phase));
        let fence = wire::FenceRequest { scope, attempt, request_id: request_id() };
        if is_audited(phase)? {
            self.audit_at(phase).phases.fence(fence).await?;
        } else {
            self.at(phase).client.fence(fence).await?;
        }
        for sealed in row_of(phase)?.rests_on {
            let release = wire::ReleaseSealRequest {
                scope: Some(self.scope_of(*sealed)),
                holder: phase.number(),
                up_to_attempt: attempt,
                request_id: request_id(),
            };
            if is_audited(*sealed)? {
                self.audit_at(*sealed).phases.release_seal(release).await?;
            } else {
                self.at(*sealed).client.release_seal(release).await?;
            }
        }
        Ok(())
    }

    fn scope_of(&self, phase: Phase) -> shared::Scope {
        scope_to_wire(Scope { workflow: self.workflow, phase })
    }
}
