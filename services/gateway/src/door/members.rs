//! The members of reports, remembered for a moment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use signoff_backend::{Keeper as _, ServiceError as _};
use signoff_chassis::Refusal;
use signoff_workflow::Workflow;

use crate::Gateway;
use crate::domain::error::Error;
use crate::domain::roles::Roles;
use crate::store::members;

/// How long members are remembered: how soon another replica's change of them bites. The replica that
/// changed them forgets them at once.
pub const REMEMBERED: Duration = Duration::from_secs(2);
/// How many workflows are remembered.
const KEPT: usize = 10_000;

type Roster = Arc<HashMap<i64, Roles>>;

/// Who holds which roles, as it was read a moment ago.
#[derive(Debug, Default)]
pub struct Members {
    known: Mutex<HashMap<Workflow, Arc<Slot>>>,
}

/// One workflow: whoever finds nothing recent in it reads, and the others wait for that.
#[derive(Debug, Default)]
struct Slot {
    read: Mutex<Option<(Roster, Instant)>>,
    reading: tokio::sync::Mutex<()>,
}

impl Slot {
    fn recent(&self) -> Option<Roster> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let (roster, at) = read.as_ref()?;
        (at.elapsed() < REMEMBERED).then(|| Arc::clone(roster))
    }
}

impl Members {
    /// The roles of a person on a report.
    ///
    /// # Errors
    /// The database is away.
    pub async fn roles(
        &self,
        gateway: &Gateway,
        workflow: Workflow,
        person: i64,
    ) -> Result<Roles, Refusal> {
        let slot = self.slot(workflow);
        if let Some(roster) = slot.recent() {
            return Ok(roster.get(&person).copied().unwrap_or_default());
        }
        let _turn = slot.reading.lock().await;
        if let Some(roster) = slot.recent() {
            return Ok(roster.get(&person).copied().unwrap_or_default());
        }
        // Taken before reading: what is changed meanwhile counts from then on.
        let at = Instant::now();
        let roster =
            read(gateway, workflow).await.map_err(|error| error.refusal(Some(workflow)))?;
        let roles = roster.get(&person).copied().unwrap_or_default();
        *slot.read.lock().unwrap_or_else(PoisonError::into_inner) = Some((Arc::new(roster), at));
        Ok(roles)
    }

    /// Forgets the members of a workflow: they were changed here.
    pub fn forget(&self, workflow: Workflow) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(&workflow);
    }

    fn slot(&self, workflow: Workflow) -> Arc<Slot> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT && !known.contains_key(&workflow) {
            known.retain(|_, slot| slot.recent().is_some());
            if known.len() >= KEPT {
                known.clear();
            }
        }
        Arc::clone(known.entry(workflow).or_default())
    }
}

async fn read(gateway: &Gateway, workflow: Workflow) -> Result<HashMap<i64, Roles>, Error> {
    let mut connection = gateway.pool().acquire().await?;
    let mut roster: HashMap<i64, Vec<_>> = HashMap::new();
    for member in members::current(&mut connection, workflow).await? {
        roster.entry(member.user_id).or_default().push(member.role);
    }
    Ok(roster.into_iter().map(|(user, roles)| (user, roles.into_iter().collect())).collect())
}
