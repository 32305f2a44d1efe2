//! What the gateway's parts share.

use std::sync::Arc;

use signoff_backend::{Desk, Keeper};
use signoff_chassis::identity::TokenVerifier;
use signoff_contract::convert::{PhaseNeed, RequestScope, scope_from_wire};
use signoff_contract::versioning::v1::{LocateVersionRequest, LocateVersionResponse};
use signoff_ledger::Witness;
use signoff_workflow::{PhaseRow, PhaseTable, Violations, Workflow};
use tokio::sync::Semaphore;
use tonic::Status;
use uuid::Uuid;

use crate::board::Watching;
use crate::domain::error::Error;
use crate::door::{Callers, Members};
use crate::forward::{Backends, Methods, Signer, Target, Who};
use crate::phases::{Phases, Turns};
use crate::witness::Rows;

const LOCATE: (Target, &str) =
    (Target::Versioning, "/signoff.versioning.v1.VersioningService/LocateVersion");

/// The gateway. Clones share all of it.
#[derive(Clone)]
pub struct Gateway(Arc<Shared>);

/// What it is made of.
pub struct Parts {
    /// Its own records.
    pub desk: Desk,
    /// Whose tokens it believes.
    pub tokens: TokenVerifier,
    /// What vouches for callers.
    pub signer: Arc<Signer>,
    /// Where calls go.
    pub backends: Backends,
    /// All methods.
    pub methods: Methods,
    /// Who has how many calls open.
    pub callers: Callers,
    /// How many KiB of long messages may be held at once.
    pub room: Arc<Semaphore>,
}

struct Shared {
    parts: Parts,
    members: Members,
    watching: Watching,
    turns: Turns,
}

impl Gateway {
    /// Of these parts.
    pub fn new(parts: Parts) -> Self {
        let (members, watching) = (Members::default(), Watching::default());
        Self(Arc::new(Shared { parts, members, watching, turns: Turns::default() }))
    }

    /// The table of phases.
    pub fn table(&self) -> &PhaseTable {
        self.0.parts.desk.phases()
    }

    /// Whose tokens it believes.
    pub fn tokens(&self) -> &TokenVerifier {
        &self.0.parts.tokens
    }

    /// What vouches for callers.
    pub fn signer(&self) -> &Signer {
        &self.0.parts.signer
    }

    /// Where calls go.
    pub fn backends(&self) -> &Backends {
        &self.0.parts.backends
    }

    /// All methods.
    pub fn methods(&self) -> &Methods {
        &self.0.parts.methods
    }

    /// Who has how many calls open.
    pub fn callers(&self) -> &Callers {
        &self.0.parts.callers
    }

    /// How many KiB of long messages may be held at once.
    pub fn room(&self) -> &Arc<Semaphore> {
        &self.0.parts.room
    }

    /// The members of reports.
    pub fn members(&self) -> &Members {
        &self.0.members
    }

    /// The boards that somebody watches.
    pub fn watching(&self) -> &Watching {
        &self.0.watching
    }

    /// Whose turn it is to open a phase.
    pub fn turns(&self) -> &Turns {
        &self.0.turns
    }

    /// The phases of a workflow, for a command of somebody.
    pub fn phases_for(&self, workflow: Workflow, person: i64, command: Uuid) -> Phases {
        Phases::new(self.clone(), workflow, person, command)
    }

    /// Of which phase of which workflow a version is.
    ///
    /// # Errors
    /// There is no such version, or the backend is away.
    pub async fn locate(&self, version_id: Uuid) -> Result<RequestScope, Status> {
        let request = LocateVersionRequest { version_id: version_id.to_string() };
        let found: LocateVersionResponse =
            self.backends().ask(LOCATE, &Who::gateway(), None, request).await?;
        let mut odd = Violations::default();
        let need = PhaseNeed::Required;
        scope_from_wire(found.scope, "scope", need, self.table(), &mut odd).ok_or_else(|| {
            tracing::error!(%version_id, "a version was located nowhere");
            Status::from(signoff_chassis::Refusal::internal())
        })
    }
}

impl Keeper for Gateway {
    type Error = Error;

    fn desk(&self) -> &Desk {
        &self.0.parts.desk
    }

    fn witness(&self, workflow: Workflow) -> impl Witness {
        Rows::of(workflow)
    }

    fn refuses_phase(_: &PhaseRow) -> Option<&'static str> {
        None
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").field("signer", &self.0.parts.signer).finish_non_exhaustive()
    }
}
