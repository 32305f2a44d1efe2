//! Changes: each is one transaction that holds the workflow's lock, writes its trail record, and
//! keeps its answer for whoever sends the same request again.

mod close;
mod create;
mod details;
mod edit;
mod facts;
mod import;
mod remove;
mod review;
mod sign_offs;
mod submit;

use std::sync::Arc;

use signoff_backend::{Desk, Work, differing};
use signoff_ledger::{Instance, Ledger};
use signoff_workflow::{Phase, PhaseTable, Violations};
use sqlx::PgConnection;
use uuid::Uuid;

pub use create::{CreateVersion, ReviseVersion};
pub use edit::{AddDecisions, UpdateDecision, UpdateVersion};
pub use facts::{AttachFinalDocument, UpdateRemediation};
pub(crate) use facts::{document_subject, remediation_subject};
pub use import::{Duplicates, Import, ImportDecisions, Staged};
pub use remove::RemoveDecisions;
pub use review::{ConfirmModifications, Remaining, ReviewDecisions};
pub(crate) use sign_offs::subject as sign_off_subject;
pub use sign_offs::{Assignment, Decline, Delegate, RequestSignOffs, Sign};

use crate::domain::error::{Error, Kind};
use crate::domain::ids::DecisionId;
use crate::domain::payload::PayloadRegistry;
use crate::domain::version::Version;
use crate::executions::Executions;
use crate::store::versions;
use details::Details;

/// What is said of a decision id that a version does not hold.
const NOT_HELD: &str = "is no decision of this version";

/// The engine of all full-versioning phases: one code, whatever the phase.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) desk: Desk,
    pub(crate) payloads: Arc<PayloadRegistry>,
    pub(crate) executions: Executions,
}

impl Engine {
    /// An engine over a ledger, for these of the table's phases; `instance` is what the ledger's
    /// connections say of themselves. It knows no audit service.
    pub fn new(
        ledger: Ledger,
        instance: Instance,
        phases: PhaseTable,
        payloads: PayloadRegistry,
        served: &[Phase],
    ) -> Self {
        Self::at(Desk::new(ledger, instance, phases, served), payloads, Executions::unknown())
    }

    /// An engine at a desk.
    pub(crate) fn at(desk: Desk, payloads: PayloadRegistry, executions: Executions) -> Self {
        Self { desk, payloads: Arc::new(payloads), executions }
    }

    /// The payloads.
    pub fn payloads(&self) -> &PayloadRegistry {
        &self.payloads
    }
}

/// A change under way: the work, and the payloads that it may be about.
#[derive(Debug)]
pub struct Change {
    work: Work,
    payloads: Arc<PayloadRegistry>,
}

impl AsMut<Work> for Change {
    fn as_mut(&mut self) -> &mut Work {
        &mut self.work
    }
}

impl From<Change> for Work {
    fn from(change: Change) -> Self {
        change.work
    }
}

impl Change {
    /// A change around work that has begun.
    pub(crate) fn around(work: Work, payloads: Arc<PayloadRegistry>) -> Self {
        Self { work, payloads }
    }

    /// The transaction's connection, for reading back within it.
    pub fn conn(&mut self) -> &mut PgConnection {
        self.work.conn()
    }

    /// The version that a command names, if it may be seen in this scope.
    async fn version(&mut self, version_id: Uuid, etag: Option<&str>) -> Result<Version, Error> {
        let (scope, row) = (self.work.scope(), self.work.row().clone());
        let version = versions::by_id(self.conn(), scope, &row, version_id)
            .await?
            .ok_or_else(|| not_found(Kind::Version, version_id))?;
        version.expect_etag(etag)?;
        Ok(version)
    }

    /// Writes a header as changed, and gives it as it is now.
    async fn save(&mut self, mut version: Version) -> Result<Version, Error> {
        version.revision += 1;
        version.updated_at = self.work.now();
        versions::save(self.conn(), &version).await?;
        Ok(version)
    }

    async fn read_back(&mut self, version: &Version) -> Result<Version, Error> {
        let scope = self.work.scope();
        versions::by_number(self.conn(), scope, version.line_no, version.number).await
    }

    /// Records a change of a version: what differs before and after.
    fn record_version(
        &mut self,
        action: &'static str,
        reason: Option<&str>,
        before: Option<&Version>,
        after: &Version,
        details: Details,
    ) -> Result<(), Error> {
        let (old, new) = match before {
            Some(before) => {
                let always = ["number", "state"];
                let (old, new) = differing(before.summary(), after.summary(), &always);
                (Some(old), new)
            }
            None => (None, after.summary()),
        };
        let (slug, subject) = (self.work.row().slug, after.version_id.to_string());
        let details = details.into_rows();
        Ok(self.work.record_in(slug, action, subject, reason, (old, Some(new)), details)?)
    }
}

/// The items that decision ids of a version name.
///
/// # Errors
/// [`Error::NotFound`] names every id that is not of this version.
fn items_of(version: &Version, ids: &[Uuid]) -> Result<Vec<i32>, Error> {
    let mut missing = Violations::default();
    let mut items = Vec::with_capacity(ids.len());
    for id in ids {
        match DecisionId::from_uuid(*id) {
            Some(of) if of.line_no == version.line_no && of.version == version.number => {
                items.push(of.item_no);
            }
            Some(_) | None => missing.add(id.to_string(), NOT_HELD),
        }
    }
    if missing.is_empty() {
        Ok(items)
    } else {
        Err(Error::NotFound { kind: Kind::Decision, ids: missing })
    }
}

/// What is said of an id that is not of this scope.
pub(crate) fn not_found(kind: Kind, id: Uuid) -> Error {
    Error::NotFound { kind, ids: Violations::one(id.to_string(), "is not in this scope") }
}
