//! Steps as requests.

use signoff_contract::versioning::v1 as wire;
use signoff_tests::people::request_id;
use signoff_tests::{Person, build};
use tonic::{Response, Status};
use uuid::Uuid;

use crate::driver::Driver;
use crate::step::{self, Command, Key, Opinion, PEOPLE, Put, Step, Tag, Verdict, Who};

/// What the service answers to a change, as far as it is compared.
pub(crate) enum Answer {
    Version(Option<wire::Version>),
    Added(Option<wire::Version>, Vec<String>),
    Decision(Option<wire::Decision>),
}

impl Driver {
    fn person(&self, who: Who) -> Person {
        let at = PEOPLE.iter().position(|known| *known == who).expect("one of us");
        self.people[at].clone()
    }

    pub(crate) fn version_id(&self, number: usize) -> String {
        match self.line.version(number) {
            Some(_) => self.ids.version(Some(number)),
            None => Uuid::now_v7().to_string(),
        }
    }

    fn etag(&self, number: usize, tag: Tag) -> String {
        match (tag, number.checked_sub(1).and_then(|at| self.headers.get(at))) {
            (Tag::None, _) | (Tag::Current, None) => String::new(),
            (Tag::Current, Some(header)) => header.etag.clone(),
            (Tag::Stale, _) => "0.0".to_owned(),
        }
    }

    /// Sends a step to the service.
    pub(crate) async fn send(&self, step: &Step) -> Result<Answer, Status> {
        let mut client = self.person(step.who).versioning;
        let (scope, request_id) = (self.scope.clone(), request_id());
        let version_id = |number: usize| self.version_id(number);
        let etag = |number: usize| self.etag(number, step.tag);
        let ids = |version: usize, keys: &[Key]| -> Vec<String> {
            keys.iter().map(|key| self.ids.decision(&self.line, version, *key)).collect()
        };
        /// Sends a request about a version, with the fields that all of them have.
        macro_rules! call {
            ($method:ident, $request:ident, $version:expr $(, $field:ident: $value:expr)*) => {
                client
                    .$method(wire::$request {
                        scope,
                        request_id,
                        version_id: version_id($version),
                        etag: etag($version),
                        $($field: $value,)*
                    })
                    .await
                    .map(Response::into_inner)
            };
        }
        let version = match &step.command {
            Command::Create { items } => {
                let decisions = inputs(items);
                let request = wire::CreateVersionRequest {
                    scope,
                    request_id,
                    decisions,
                    ..Default::default()
                };
                client.create_version(request).await?.into_inner().version
            }
            Command::Revise { baseline, items } => {
                let request = wire::ReviseVersionRequest {
                    scope,
                    request_id,
                    baseline_version_id: baseline.map(version_id).unwrap_or_default(),
                    etag: etag(baseline.or_else(|| self.line.newest()).unwrap_or_default()),
                    decisions: inputs(items),
                    ..Default::default()
                };
                client.revise_version(request).await?.into_inner().version
            }
            Command::Add { version, items } => {
                let answer =
                    call!(add_decisions, AddDecisionsRequest, *version, decisions: inputs(items))?;
                return Ok(Answer::Added(answer.version, answer.decision_ids));
            }
            Command::Update { version, key, text, reason } => {
                let answer = call!(update_decision, UpdateDecisionRequest, *version,
                    decision_id: self.ids.decision(&self.line, *version, *key),
                    payload: Some(build::sample(&step::name(*key), text)),
                    modification_reason: reason.clone())?;
                return Ok(Answer::Decision(answer.decision));
            }
            Command::Remove { version, keys, reason } => {
                call!(remove_decisions, RemoveDecisionsRequest, *version,
                    decision_ids: ids(*version, keys), reason: reason.clone())?
                .version
            }
            Command::Submit { version } => {
                call!(submit_version, SubmitVersionRequest, *version, notes: String::new())?.version
            }
            Command::Withdraw { version } => {
                call!(withdraw_version, WithdrawVersionRequest, *version, notes: String::new())?
                    .version
            }
            Command::Review { version, reviews, remaining } => {
                let named = ids(*version, &reviews.iter().map(|of| of.0).collect::<Vec<_>>());
                let given = named.into_iter().zip(reviews).map(|(id, of)| review(id, of)).collect();
                call!(review_decisions, ReviewDecisionsRequest, *version,
                    reviews: given, remaining: remaining.as_ref().map(for_all))?
                .version
            }
            Command::Confirm { version, keys } => {
                call!(confirm_modifications, ConfirmModificationsRequest, *version,
                    decision_ids: ids(*version, keys))?
                .version
            }
            Command::Approve { version } => {
                call!(approve_version, ApproveVersionRequest, *version, notes: String::new())?
                    .version
            }
            Command::Reject { version } => {
                call!(reject_version, RejectVersionRequest, *version, notes: "again".to_owned())?
                    .version
            }
            Command::Delete { version } => {
                call!(delete_version, DeleteVersionRequest, *version, reason: "over".to_owned())?
                    .version
            }
        };
        Ok(Answer::Version(version))
    }
}

fn inputs(items: &[Put]) -> Vec<wire::DecisionInput> {
    let input = |put: &Put| wire::DecisionInput {
        source: put.source.into(),
        ..build::input(&step::name(put.key), &put.text)
    };
    items.iter().map(input).collect()
}

fn verdict(of: &Verdict) -> wire::Verdict {
    match of {
        Verdict::Approved => wire::Verdict::Approved,
        Verdict::Rejected => wire::Verdict::Rejected,
        Verdict::Modified { .. } => wire::Verdict::Modified,
    }
}

fn review(decision_id: String, (key, opinion): &(Key, Opinion)) -> wire::Review {
    let (modified_payload, modification_reason) = match &opinion.verdict {
        Verdict::Modified { text, reason } => {
            (Some(build::sample(&step::name(*key), text)), reason.clone())
        }
        Verdict::Approved | Verdict::Rejected => (None, String::new()),
    };
    wire::Review {
        decision_id,
        verdict: verdict(&opinion.verdict).into(),
        notes: opinion.notes.clone(),
        modified_payload,
        modification_reason,
        ..Default::default()
    }
}

fn for_all(opinion: &Opinion) -> wire::RemainingReview {
    wire::RemainingReview {
        verdict: verdict(&opinion.verdict).into(),
        notes: opinion.notes.clone(),
    }
}
