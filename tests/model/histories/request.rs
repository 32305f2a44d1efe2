//! Calls as requests, which can be sent again as they are.

use signoff_contract::gateway::v1 as gateway;
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::Scope;
use signoff_tests::people::scope;
use signoff_tests::{Person, build};
use signoff_workflow::{Phase, Workflow};
use tonic::{Code, Status};

use super::known::Known;
use super::op::{ABOVE, BELOW, Call, PHASES, Raw};
use super::round::Ask;
use crate::step::{Command, Key, Opinion, Put, Verdict};

/// A request of any of the methods that are called.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    Create(wire::CreateVersionRequest),
    Revise(wire::ReviseVersionRequest),
    Add(wire::AddDecisionsRequest),
    Update(wire::UpdateDecisionRequest),
    Remove(wire::RemoveDecisionsRequest),
    Submit(wire::SubmitVersionRequest),
    Withdraw(wire::WithdrawVersionRequest),
    Review(wire::ReviewDecisionsRequest),
    Confirm(wire::ConfirmModificationsRequest),
    Approve(wire::ApproveVersionRequest),
    Reject(wire::RejectVersionRequest),
    Delete(wire::DeleteVersionRequest),
    Start(gateway::StartPhaseRequest),
    Reopen(gateway::ReopenPhaseRequest),
    Reaffirm(gateway::ReaffirmPhaseRequest),
    Versions(wire::ListVersionsRequest),
    Decisions(wire::ListDecisionsRequest),
    Current(wire::GetCurrentVersionRequest),
    Status(wire::GetPhaseStatusRequest),
}

fn one(version: Option<wire::Version>) -> Raw {
    Raw::Version(version.expect("a version in the answer"))
}

impl Request {
    /// The request for a call; versions and items have the ids that are known of them.
    pub(crate) fn of(workflow: Workflow, call: &Call, known: &Known, request_id: &str) -> Self {
        let here = |place: usize| Some(scope(workflow, PHASES[place]));
        let request_id = request_id.to_owned();
        match call {
            Call::Act { place, etag, command } => {
                let terms = Terms { place: *place, scope: here(*place), etag, request_id, known };
                terms.act(command)
            }
            Call::Start | Call::Opening => {
                let scope = here(ABOVE);
                Self::Start(gateway::StartPhaseRequest { scope, request_id, ..Default::default() })
            }
            Call::Reopen => Self::Reopen(gateway::ReopenPhaseRequest {
                scope: here(BELOW),
                reason: "an attribute was forgotten".to_owned(),
                request_id,
                ..Default::default()
            }),
            Call::Reaffirm => {
                let scope = here(ABOVE);
                let request =
                    gateway::ReaffirmPhaseRequest { scope, request_id, ..Default::default() };
                Self::Reaffirm(request)
            }
            Call::Versions(place) => {
                let (scope, page_size) = (here(*place), 1000);
                let page_token = String::new();
                Self::Versions(wire::ListVersionsRequest { scope, page_size, page_token })
            }
            Call::Decisions { place, version } => Self::Decisions(wire::ListDecisionsRequest {
                scope: here(*place),
                version_id: known.version_id(*place, *version),
                page_size: 1000,
                ..Default::default()
            }),
            Call::Current(place) => {
                Self::Current(wire::GetCurrentVersionRequest { scope: here(*place) })
            }
            Call::Status => Self::Status(wire::GetPhaseStatusRequest {
                scope: here(ABOVE),
                ..Default::default()
            }),
        }
    }
}

impl Ask for Request {
    type Answer = Raw;

    async fn send(&self, to: &Person) -> Result<Raw, Status> {
        Ok(match self.clone() {
            Self::Create(request) => one(to.call(request).await?.version),
            Self::Revise(request) => one(to.call(request).await?.version),
            Self::Add(request) => {
                let answer = to.call(request).await?;
                Raw::Added(answer.version.expect("a version"), answer.decision_ids)
            }
            Self::Update(request) => {
                let decision = to.call(request).await?.decision.expect("a decision");
                Raw::Decision(Box::new(decision))
            }
            Self::Remove(request) => one(to.call(request).await?.version),
            Self::Submit(request) => one(to.call(request).await?.version),
            Self::Withdraw(request) => one(to.call(request).await?.version),
            Self::Review(request) => one(to.call(request).await?.version),
            Self::Confirm(request) => one(to.call(request).await?.version),
            Self::Approve(request) => one(to.call(request).await?.version),
            Self::Reject(request) => one(to.call(request).await?.version),
            Self::Delete(request) => one(to.call(request).await?.version),
            Self::Start(request) => to.call(request).await.map(|_| Raw::Done)?,
            Self::Reopen(request) => to.call(request).await.map(|_| Raw::Done)?,
            Self::Reaffirm(request) => to.call(request).await.map(|_| Raw::Done)?,
            Self::Versions(request) => Raw::Versions(to.call(request).await?.versions),
            Self::Decisions(request) => Raw::Decisions(to.call(request).await?.decisions),
            Self::Current(request) => one(to.call(request).await?.version),
            Self::Status(request) => {
                let status = to.call(request).await?.phase_status.expect("a status");
                Raw::Status { opened: status.started_at.is_some(), stale: status.stale }
            }
        })
    }

    fn refused(code: Code, reason: String) -> Raw {
        Raw::Refused(code, reason)
    }
}

/// What requests about a line have in common.
struct Terms<'a> {
    place: usize,
    scope: Option<Scope>,
    etag: &'a str,
    request_id: String,
    known: &'a Known,
}

impl Terms<'_> {
    fn phase(&self) -> Phase {
        PHASES[self.place]
    }

    fn inputs(&self, items: &[Put]) -> Vec<wire::DecisionInput> {
        let input = |put: &Put| wire::DecisionInput {
            item_key: build::key(self.phase(), number(put.key)),
            source: put.source.into(),
            payload: Some(build::payload(self.phase(), number(put.key), &put.text)),
            ..Default::default()
        };
        items.iter().map(input).collect()
    }

    fn ids(&self, version: usize, keys: &[Key]) -> Vec<String> {
        keys.iter().map(|key| self.known.decision_id(self.place, version, *key)).collect()
    }

    fn review(&self, version: usize, (key, opinion): &(Key, Opinion)) -> wire::Review {
        let (modified_payload, modification_reason) = match &opinion.verdict {
            Verdict::Modified { text, reason } => {
                (Some(build::payload(self.phase(), number(*key), text)), reason.clone())
            }
            Verdict::Approved | Verdict::Rejected => (None, String::new()),
        };
        wire::Review {
            decision_id: self.known.decision_id(self.place, version, *key),
            verdict: verdict(opinion).into(),
            notes: opinion.notes.clone(),
            modified_payload,
            modification_reason,
            ..Default::default()
        }
    }

    fn act(self, command: &Command) -> Request {
        let version_id = |number: usize| self.known.version_id(self.place, number);
        /// A request about a version, with the fields that all of them have.
        macro_rules! about {
            ($kind:ident, $request:ident, $version:expr $(, $field:ident: $value:expr)*) => {
                Request::$kind(wire::$request {
                    $($field: $value,)*
                    version_id: version_id(*$version),
                    etag: self.etag.to_owned(),
                    request_id: self.request_id,
                    scope: self.scope,
                })
            };
        }
        match command {
            Command::Create { items } => Request::Create(wire::CreateVersionRequest {
                decisions: self.inputs(items),
                scope: self.scope,
                request_id: self.request_id,
                ..Default::default()
            }),
            Command::Revise { baseline, items } => Request::Revise(wire::ReviseVersionRequest {
                baseline_version_id: baseline.map(version_id).unwrap_or_default(),
                decisions: self.inputs(items),
                etag: self.etag.to_owned(),
                scope: self.scope,
                request_id: self.request_id,
                ..Default::default()
            }),
            Command::Add { version, items } => {
                about!(Add, AddDecisionsRequest, version, decisions: self.inputs(items))
            }
            Command::Update { version, key, text, reason } => {
                about!(Update, UpdateDecisionRequest, version,
                    decision_id: self.known.decision_id(self.place, *version, *key),
                    payload: Some(build::payload(self.phase(), number(*key), text)),
                    modification_reason: reason.clone())
            }
            Command::Remove { version, keys, reason } => {
                about!(Remove, RemoveDecisionsRequest, version,
                    decision_ids: self.ids(*version, keys), reason: reason.clone())
            }
            Command::Submit { version } => {
                about!(Submit, SubmitVersionRequest, version, notes: String::new())
            }
            Command::Withdraw { version } => {
                about!(Withdraw, WithdrawVersionRequest, version, notes: String::new())
            }
            Command::Review { version, reviews, remaining } => {
                about!(Review, ReviewDecisionsRequest, version,
                reviews: reviews.iter().map(|of| self.review(*version, of)).collect(),
                remaining: remaining.as_ref().map(|opinion| wire::RemainingReview {
                    verdict: verdict(opinion).into(),
                    notes: opinion.notes.clone(),
                }))
            }
            Command::Confirm { version, keys } => {
                about!(Confirm, ConfirmModificationsRequest, version,
                    decision_ids: self.ids(*version, keys))
            }
            Command::Approve { version } => {
                about!(Approve, ApproveVersionRequest, version, notes: String::new())
            }
            Command::Reject { version } => {
                about!(Reject, RejectVersionRequest, version, notes: "again".to_owned())
            }
            Command::Delete { version } => {
                about!(Delete, DeleteVersionRequest, version, reason: "over".to_owned())
            }
        }
    }
}

fn number(key: Key) -> u32 {
    u32::try_from(key).expect("a small number")
}

fn verdict(opinion: &Opinion) -> wire::Verdict {
    match opinion.verdict {
        Verdict::Approved => wire::Verdict::Approved,
        Verdict::Rejected => wire::Verdict::Rejected,
        Verdict::Modified { .. } => wire::Verdict::Modified,
    }
}
