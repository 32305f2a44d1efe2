//! Changes: each is one transaction that holds the workflow's lock, writes its trail record, and
//! keeps its answer for whoever sends the same request again.

mod close;
mod create;
mod details;
mod edit;
mod facts;
mod gates;
mod import;
mod remove;
mod reopening;
mod review;
mod sign_offs;
mod submit;
mod workflow;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use serde_json::Value;
use signoff_ledger::gates::ChangeRefused;
use signoff_ledger::{Begun, Command, Entry, Instance, Ledger, RequestKey, TrailActor};
use signoff_workflow::{Phase, PhaseRow, PhaseTable, Scope, Violations, Workflow};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

pub use create::{CreateVersion, ReviseVersion};
pub use edit::{AddDecisions, UpdateDecision, UpdateVersion};
pub use facts::{AttachFinalDocument, UpdateRemediation};
pub(crate) use facts::{document_subject, remediation_subject};
pub(crate) use gates::summary as gate_summary;
pub use import::{Duplicates, Import, ImportDecisions, Staged};
pub use remove::RemoveDecisions;
pub use review::{ConfirmModifications, Remaining, ReviewDecisions};
pub(crate) use sign_offs::subject as sign_off_subject;
pub use sign_offs::{Assignment, Decline, Delegate, RequestSignOffs, Sign};
pub(crate) use workflow::{ACTION as CLOSED, summary as closing_summary};
pub use workflow::{OrderOfWorkflow, WorkflowChange};

use crate::domain::actor::Actor;
use crate::domain::error::{Closed, Error, Kind};
use crate::domain::ids::DecisionId;
use crate::domain::payload::PayloadRegistry;
use crate::domain::version::Version;
use crate::store::versions;
use details::Details;

/// What is said of a decision id that a version does not hold.
const NOT_HELD: &str = "is no decision of this version";

/// What a change answers, as it is kept for whoever repeats the request.
pub trait Answer: Sized + Send {
    /// The bytes that are kept.
    fn to_bytes(&self) -> Vec<u8>;
    /// Reads them back.
    ///
    /// # Errors
    /// They are not such an answer.
    fn from_bytes(bytes: &[u8]) -> Result<Self, Error>;
}

/// The engine of all full-versioning phases: one code, whatever the phase.
#[derive(Clone, Debug)]
pub struct Engine {
    ledger: Ledger,
    phases: Arc<PhaseTable>,
    payloads: Arc<PayloadRegistry>,
    served: Arc<[Phase]>,
    instance: Instance,
}

/// A change that somebody asks for.
#[derive(Clone, Debug)]
pub struct Order {
    /// What it is about.
    pub scope: Scope,
    /// Who asks.
    pub actor: Actor,
    /// The request's identity and content.
    pub key: RequestKey,
}

impl Engine {
    /// An engine over a ledger, for these of the table's phases; `instance` is what the ledger's
    /// connections say of themselves.
    pub fn new(
        ledger: Ledger,
        instance: Instance,
        phases: PhaseTable,
        payloads: PayloadRegistry,
        served: &[Phase],
    ) -> Self {
        Self {
            ledger,
            phases: Arc::new(phases),
            payloads: Arc::new(payloads),
            served: served.into(),
            instance,
        }
    }

    /// The table of phases.
    pub fn phases(&self) -> &PhaseTable {
        &self.phases
    }

    /// The payloads.
    pub fn payloads(&self) -> &PayloadRegistry {
        &self.payloads
    }

    /// Where readers read.
    pub fn pool(&self) -> &PgPool {
        self.ledger.pool()
    }

    /// The trail.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The row of a phase that this engine serves.
    ///
    /// # Errors
    /// [`Error::NotServed`].
    pub fn row(&self, phase: Phase) -> Result<&PhaseRow, Error> {
        self.phases
            .get(phase)
            .filter(|row| self.served.contains(&row.phase))
            .ok_or(Error::NotServed(phase))
    }

    /// Runs a change, or gives the answer that the same request got before. What `act` writes is
    /// there with its trail record and its answer, or not at all.
    ///
    /// # Errors
    /// Whatever refuses the change; nothing is written then.
    pub async fn change<A, F>(&self, order: Order, act: F) -> Result<A, Error>
    where
        A: Answer,
        F: for<'a> FnOnce(&'a mut Change) -> BoxFuture<'a, Result<A, Error>> + Send,
    {
        let row = self.row(order.scope.phase)?.clone();
        let begun = self.begin(order.scope.workflow, Some(row.slug), &order.key).await?;
        let command = match begun {
            Started::Before(answer) => return Ok(answer),
            Started::New(command) => command,
        };
        let mut change = self.change_of(command, row, order);
        let answer = act(&mut change).await?;
        change.command.commit(Some(answer.to_bytes())).await?;
        Ok(answer)
    }

    /// Runs a change and undoes it: what it would answer, and whether it would be refused.
    ///
    /// # Errors
    /// Whatever refuses it.
    pub async fn rehearse<T, F>(&self, order: Order, act: F) -> Result<T, Error>
    where
        T: Send,
        F: for<'a> FnOnce(&'a mut Change) -> BoxFuture<'a, Result<T, Error>> + Send,
    {
        let row = self.row(order.scope.phase)?.clone();
        match self.ledger.begin(order.scope.workflow, Some(row.slug), None).await? {
            Begun::Replay(_) => Err(Error::Internal("a replay without a key".to_owned())),
            Begun::New(command) => act(&mut self.change_of(command, row, order)).await,
        }
    }

    fn change_of(&self, command: Box<Command>, row: PhaseRow, order: Order) -> Change {
        Change {
            command,
            scope: order.scope,
            row,
            phases: Arc::clone(&self.phases),
            payloads: Arc::clone(&self.payloads),
            actor: order.actor,
            key: order.key,
        }
    }

    /// Begins a command, or finds the answer that the same request got before.
    async fn begin<A: Answer>(
        &self,
        workflow: Workflow,
        phase: Option<&str>,
        key: &RequestKey,
    ) -> Result<Started<A>, Error> {
        match self.ledger.begin(workflow, phase, Some(key)).await? {
            Begun::Replay(bytes) => Ok(Started::Before(A::from_bytes(&bytes)?)),
            Begun::New(command) => Ok(Started::New(command)),
        }
    }
}

/// A command that begins, or that was done before.
enum Started<A> {
    /// With this answer.
    Before(A),
    /// It is new.
    New(Box<Command>),
}

/// A change under way.
#[derive(Debug)]
pub struct Change {
    command: Box<Command>,
    scope: Scope,
    row: PhaseRow,
    phases: Arc<PhaseTable>,
    payloads: Arc<PayloadRegistry>,
    actor: Actor,
    key: RequestKey,
}

impl Change {
    /// What the change is about.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// The transaction's connection, for reading back within it.
    pub fn conn(&mut self) -> &mut PgConnection {
        self.command.conn()
    }

    /// # Errors
    /// The phase takes no change now.
    fn admit(&self) -> Result<(), Error> {
        self.command.gate().admits_change().map_err(|refused| self.refuses_change(refused))
    }

    /// Admits what mends a stale phase.
    ///
    /// # Errors
    /// The phase takes no such change now.
    fn admit_mending(&self) -> Result<(), Error> {
        self.command.gate().admits_mending().map_err(|refused| self.refuses_change(refused))
    }

    fn refuses_change(&self, refused: ChangeRefused) -> Error {
        self.closed(match refused {
            ChangeRefused::NotStarted => Closed::NotStarted,
            ChangeRefused::Reopening => Closed::Reopening,
            ChangeRefused::Stale { because } => Closed::Stale(self.display_name(&because)),
            ChangeRefused::Sealed { holders } => self.sealed_by(&holders),
        })
    }

    fn closed(&self, reason: Closed) -> Error {
        Error::PhaseClosed { phase: self.row.display_name.to_owned(), reason }
    }

    fn sealed_by(&self, holders: &BTreeMap<String, i64>) -> Closed {
        Closed::Sealed(holders.keys().map(|slug| self.display_name(slug)).collect())
    }

    fn display_name(&self, slug: &str) -> String {
        self.phases.by_slug(slug).map_or(slug, |row| row.display_name).to_owned()
    }

    /// The version that a command names, if it may be seen in this scope.
    async fn version(&mut self, version_id: Uuid, etag: Option<&str>) -> Result<Version, Error> {
        let (scope, row) = (self.scope, self.row.clone());
        let version = versions::by_id(self.conn(), scope, &row, version_id)
            .await?
            .ok_or_else(|| not_found(Kind::Version, version_id))?;
        version.expect_etag(etag)?;
        Ok(version)
    }

    /// Writes a header as changed, and gives it as it is now.
    async fn save(&mut self, mut version: Version) -> Result<Version, Error> {
        version.revision += 1;
        version.updated_at = self.command.now();
        versions::save(self.conn(), &version).await?;
        Ok(version)
    }

    async fn read_back(&mut self, version: &Version) -> Result<Version, Error> {
        let scope = self.scope;
        versions::by_number(self.conn(), scope, version.line_no, version.number).await
    }

    /// Adds a record of a change in a phase to the trail.
    fn record_in(
        &mut self,
        phase: &str,
        action: &'static str,
        subject: String,
        reason: Option<&str>,
        (before, after): (Option<Value>, Option<Value>),
        details: Details,
    ) -> Result<(), Error> {
        let entry = Entry {
            phase: Some(phase.to_owned()),
            reason: reason.map(str::to_owned),
            before,
            after,
            details: details.into_rows(),
            ..entry(action, subject, &self.actor, &self.key, self.command.now())
        };
        self.command.record(entry)?;
        Ok(())
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
        let (slug, subject) = (self.row.slug, after.version_id.to_string());
        self.record_in(slug, action, subject, reason, (old, Some(new)), details)
    }
}

/// A record of what somebody does now: who, by which request; and nothing more.
fn entry(
    action: &'static str,
    subject: String,
    actor: &Actor,
    key: &RequestKey,
    now: DateTime<Utc>,
) -> Entry {
    Entry {
        phase: None,
        action,
        actor: TrailActor {
            user_id: actor.user_id,
            subject: actor.subject.clone(),
            acting_service: actor.acting_service.clone(),
            roles: actor.roles.iter().map(|role| role.name().to_owned()).collect(),
        },
        method: key.method.clone(),
        request_id: Some(key.request_id),
        subject,
        reason: None,
        before: None,
        after: None,
        occurred_at: now,
        origin: signoff_ledger::Origin::Native,
        details: Details::default().into_rows(),
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

/// The fields of two JSON objects that differ, as they are in each; some of them always.
fn differing(before: Value, after: Value, always: &[&str]) -> (Value, Value) {
    let (Value::Object(mut before), Value::Object(mut after)) = (before, after) else {
        return (Value::Null, Value::Null);
    };
    let same: Vec<String> = before
        .iter()
        .filter(|(field, value)| {
            !always.contains(&field.as_str()) && after.get(*field) == Some(*value)
        })
        .map(|(field, _)| field.clone())
        .collect();
    for field in &same {
        before.remove(field);
        after.remove(field);
    }
    (Value::Object(before), Value::Object(after))
}

/// What is said of an id that is not of this scope.
pub(crate) fn not_found(kind: Kind, id: Uuid) -> Error {
    Error::NotFound { kind, ids: Violations::one(id.to_string(), "is not in this scope") }
}
