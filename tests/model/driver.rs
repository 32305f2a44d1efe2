//! Takes the same steps in the model and in the service, and compares all that can be seen.

use signoff_contract::feed::v1::VerifyTrailRequest;
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1 as shared;
use signoff_tests::people::{request_id, scope};
use signoff_tests::refusals::reason;
use signoff_tests::{Person, World, build, world};
use signoff_workflow::{Phase, Role, Workflow};
use sqlx::PgConnection;
use tonic::transport::Channel;
use tonic::{Code, Response, Status};
use uuid::Uuid;

use crate::line::Line;
use crate::seen::{Comparison, Decision, Header, Ids, decisions};
use crate::step::{self, Command, Key, Opinion, PEOPLE, Put, Refused, Step, Tag, Verdict, Who};

/// Why a step is wrong.
pub(crate) type Wrong = String;

/// Compares, and says what differs where.
macro_rules! same {
    ($expected:expr, $seen:expr, $($where:tt)+) => {{
        let (expected, seen) = ($expected, $seen);
        if expected != seen {
            return Err(format!("{}:\nmust be {expected:#?}\nis {seen:#?}", format!($($where)+)));
        }
    }};
}

/// A line in the model and in the service.
pub(crate) struct Driver {
    pub(crate) line: Line,
    ids: Ids,
    people: Vec<Person>,
    scope: Option<shared::Scope>,
    workflow: Workflow,
    database: PgConnection,
    /// The headers as they were last seen, oldest first.
    headers: Vec<wire::Version>,
    steps: usize,
}

/// What the service answers to a change, as far as it is compared.
enum Answer {
    Version(Option<wire::Version>),
    Added(Option<wire::Version>, Vec<String>),
    Decision(Option<wire::Decision>),
}

impl Driver {
    /// A new line, in a workflow of its own.
    pub(crate) async fn new(world: &World, channel: &Channel) -> Self {
        let workflow = world::workflow();
        let phase = Phase::SAMPLE_SELECTION;
        Person::new(&world.key, channel.clone(), 1, None, &[Role::Gateway])
            .open_phase(workflow, phase)
            .await;
        let person = |who: &Who| {
            let tester = who.tester.then_some(Role::Tester);
            let roles: Vec<Role> =
                tester.into_iter().chain(who.owner.then_some(Role::ReportOwner)).collect();
            Person::new(&world.key, channel.clone(), who.user_id, Some(workflow), &roles)
        };
        Self {
            line: Line::default(),
            ids: Ids::default(),
            people: PEOPLE.iter().map(person).collect(),
            scope: Some(scope(workflow, phase)),
            workflow,
            database: world.as_superuser().await,
            headers: Vec::new(),
            steps: 0,
        }
    }

    /// Takes a step, and compares everything.
    pub(crate) async fn step(&mut self, step: &Step) -> Result<(), Wrong> {
        let expected = self.line.clone().apply(step);
        let answer = self.send(step).await;
        match (expected, answer) {
            (Ok(()), Ok(answer)) => {
                // The model takes the step only now, so that ids in the request are those before.
                let _ = self.line.apply(step);
                self.learn(&answer).await;
                self.compare_answer(step, &answer)?;
            }
            (Err(expected), Err(status)) => {
                let Refused(code, why) = expected;
                let name = why.as_str_name().trim_start_matches("ERROR_REASON_");
                let (given, reason) = (status.code(), reason(&status));
                same!((code, name), (given, reason.as_str()), "the refusal");
            }
            (expected, answer) => {
                return Err(format!("must be {expected:?}, is {:?}", answer.map(|_| "done")));
            }
        }
        self.steps += 1;
        self.compare_headers(expected.is_err()).await?;
        for number in 1..=self.line.versions.len() {
            self.compare_version(number).await?;
        }
        if !self.line.versions.is_empty() {
            self.compare_lineage(self.steps).await?;
            let count = self.line.versions.len();
            let (one, other) = (self.steps % count + 1, self.steps / 3 % count + 1);
            self.compare_versions(one, other).await?;
        }
        Ok(())
    }

    /// The trail fits, and its records are as many as the changes and what came with them.
    pub(crate) async fn verify(&mut self) -> Result<(), Wrong> {
        let scope = shared::Scope {
            phase: shared::Phase::Unspecified.into(),
            ..self.scope.clone().unwrap_or_default()
        };
        let request = VerifyTrailRequest { scope: Some(scope), ..Default::default() };
        let found = self.people[0].trail.verify_trail(request).await.map_err(said)?.into_inner();
        if found.intact { Ok(()) } else { Err(format!("the trail: {found:?}")) }
    }

    fn person(&self, who: Who) -> Person {
        let at = PEOPLE.iter().position(|known| *known == who).expect("one of us");
        self.people[at].clone()
    }

    fn version_id(&self, number: usize) -> String {
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
    async fn send(&self, step: &Step) -> Result<Answer, Status> {
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
                        ..Default::default()
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
                call!(submit_version, SubmitVersionRequest, *version)?.version
            }
            Command::Withdraw { version } => {
                call!(withdraw_version, WithdrawVersionRequest, *version)?.version
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
                call!(approve_version, ApproveVersionRequest, *version)?.version
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

    /// Learns the names of what is new.
    async fn learn(&mut self, answer: &Answer) {
        let Answer::Version(Some(version)) = answer else { return };
        if self.ids.versions.contains(&version.version_id) {
            return;
        }
        self.ids.versions.push(version.version_id.clone());
        let line_no = sqlx::query_scalar("select line_no from lines where cycle_id = $1");
        self.ids.line_no =
            line_no.bind(self.workflow.cycle_id).fetch_one(&mut self.database).await.unwrap();
    }

    fn compare_answer(&self, step: &Step, answer: &Answer) -> Result<(), Wrong> {
        let (Answer::Version(version) | Answer::Added(version, _)) = answer else {
            let Answer::Decision(Some(decision)) = answer else {
                return Err("the answer is empty".to_owned());
            };
            let Command::Update { version, key, .. } = &step.command else { return Ok(()) };
            let version = &self.line.versions[version - 1];
            let expected = Decision::expected(&self.line, &self.ids, version, *key);
            same!(expected, Decision::seen(decision), "the answer");
            return Ok(());
        };
        let Some(version) = version else { return Err("the answer is empty".to_owned()) };
        let Some(at) = self.ids.versions.iter().position(|id| *id == version.version_id) else {
            return Err(format!("the answer is about {}", version.version_id));
        };
        let expected = Header::expected(&self.line, &self.ids, &self.line.versions[at]);
        same!(expected, Header::seen(version), "the answer");
        if let (Answer::Added(_, added), Command::Add { version, items }) = (answer, &step.command)
        {
            let expected: Vec<String> =
                items.iter().map(|put| self.ids.decision(&self.line, *version, put.key)).collect();
            same!(&expected, added, "the ids in the answer");
        }
        Ok(())
    }

    async fn compare_headers(&mut self, refused: bool) -> Result<(), Wrong> {
        let request = wire::ListVersionsRequest {
            scope: self.scope.clone(),
            page_size: 1000,
            ..Default::default()
        };
        let listed = self.people[0].versioning.list_versions(request).await;
        let mut listed = listed.map_err(said)?.into_inner().versions;
        listed.reverse();
        let expected: Vec<Header> = self
            .line
            .versions
            .iter()
            .map(|version| Header::expected(&self.line, &self.ids, version))
            .collect();
        same!(expected, listed.iter().map(Header::seen).collect::<Vec<_>>(), "the headers");
        if refused {
            same!(&self.headers, &listed, "the headers after a refusal");
        }
        for (before, now) in self.headers.iter().zip(&listed) {
            // The line's pointer is in every header, and is none of the version's own fields.
            let approved_version_id = before.approved_version_id.clone();
            let now_but = wire::Version { approved_version_id, ..now.clone() };
            same!(*before != now_but, before.etag != now.etag, "a new etag of {}", now.number);
        }
        self.headers = listed;
        Ok(())
    }

    async fn compare_version(&mut self, number: usize) -> Result<(), Wrong> {
        let request = wire::ListDecisionsRequest {
            scope: self.scope.clone(),
            version_id: self.version_id(number),
            page_size: 1000,
            ..Default::default()
        };
        let listed = self.people[0].versioning.list_decisions(request).await;
        let listed = listed.map_err(said)?.into_inner().decisions;
        let expected = decisions(&self.line, &self.ids, &self.line.versions[number - 1]);
        let seen: Vec<Decision> = listed.iter().map(Decision::seen).collect();
        same!(expected, seen, "version {number}");
        Ok(())
    }

    async fn compare_lineage(&mut self, choice: usize) -> Result<(), Wrong> {
        let Some(key) = self.line.keys.get(choice % self.line.keys.len().max(1)).copied() else {
            return Ok(());
        };
        let holds = |of: &&crate::line::Version| of.items.contains_key(&key);
        let held: Vec<_> = self.line.versions.iter().rev().filter(holds).collect();
        let version = held.get(choice % held.len().max(1)).map_or(1, |of| of.number);
        let request = wire::GetLineageRequest {
            scope: self.scope.clone(),
            decision_id: self.ids.decision(&self.line, version, key),
            page_size: 1000,
            ..Default::default()
        };
        let answer = self.people[2].versioning.get_lineage(request).await;
        if held.is_empty() {
            same!(Some(Code::NotFound), answer.err().map(|status| status.code()), "no lineage");
            return Ok(());
        }
        let expected: Vec<_> = held
            .iter()
            .map(|of| (Decision::expected(&self.line, &self.ids, of, key), i32::from(of.state)))
            .collect();
        let seen: Vec<_> = answer
            .map_err(said)?
            .into_inner()
            .entries
            .iter()
            .map(|entry| {
                let decision = entry.decision.as_ref().map(Decision::seen).unwrap_or_default();
                (decision, entry.version_state)
            })
            .collect();
        same!(expected, seen, "the lineage of {}", step::name(key));
        Ok(())
    }

    async fn compare_versions(&mut self, one: usize, other: usize) -> Result<(), Wrong> {
        let request = wire::CompareVersionsRequest {
            scope: self.scope.clone(),
            version_id: self.version_id(one),
            other_version_id: self.version_id(other),
            page_size: 1000,
            ..Default::default()
        };
        let answer = self.people[3].versioning.compare_versions(request).await.map_err(said)?;
        let of = |number: usize| &self.line.versions[number - 1];
        let expected = Comparison::expected(&self.line, &self.ids, of(one), of(other));
        same!(expected, Comparison::seen(answer.get_ref()), "from {one} to {other}");
        Ok(())
    }
}

fn said(status: Status) -> Wrong {
    format!("a read was refused: {status:?}")
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
