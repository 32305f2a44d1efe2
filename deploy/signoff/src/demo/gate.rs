//! How the gateway opens a phase: begun, every predecessor sealed, opened on what was sealed.

use anyhow::{Context, Result, anyhow, bail};
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1 as shared;
use signoff_workflow::{Phase, PhaseTable};

use super::desk::{Desk, held, request_id};
use super::people::Person;

/// The row of a phase in the phase table.
///
/// # Errors
/// The table has no such phase.
pub(super) fn row_of(phase: Phase) -> Result<&'static signoff_workflow::PhaseRow> {
    PhaseTable::standard()
        .get(phase)
        .ok_or_else(|| anyhow!("phase {} is in no table", phase.number()))
}

impl Person {
    /// Opens a phase. Only the gateway may.
    ///
    /// # Errors
    /// Something that the phase rests on is not complete, or the service refuses.
    pub(super) async fn open(&self, phase: Phase) -> Result<shared::PhaseStatus> {
        let row = row_of(phase)?;
        let mut desk = self.at(phase);
        let begin = wire::BeginOpenRequest {
            scope: Some(desk.scope.clone()),
            request_id: request_id(),
            reaffirm: false,
        };
        let attempt = desk.client.begin_open(begin).await?.into_inner().attempt;
        let mut rests_on = Vec::new();
        for predecessor in row.rests_on {
            let sealed = seal(&mut self.at(*predecessor), phase, attempt).await;
            let name = row_of(*predecessor)?.display_name;
            rests_on.extend(sealed.with_context(|| format!("cannot seal {name}"))?);
        }
        let open = wire::OpenRequest {
            scope: Some(desk.scope.clone()),
            request_id: request_id(),
            attempt,
            rests_on,
        };
        Ok(held(desk.client.open(open).await?.into_inner().phase_status)?)
    }
}

/// Seals a phase for one that is to rest on it, and says what it stands at.
async fn seal(desk: &mut Desk, holder: Phase, attempt: i64) -> Result<Vec<shared::Foundation>> {
    let request = wire::SealRequest {
        scope: Some(desk.scope.clone()),
        request_id: request_id(),
        holder: holder.number(),
        attempt,
        ..Default::default()
    };
    let answer = desk.client.seal(request).await?.into_inner();
    if let Some(missing) = answer.unmet.first() {
        bail!("{}", missing.what);
    }
    Ok(answer.rests_on)
}
