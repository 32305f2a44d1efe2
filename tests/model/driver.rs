//! Takes the same steps in the model and in the service, and compares all that can be seen.

use signoff_contract::feed::v1::VerifyTrailRequest;
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1 as shared;
use signoff_tests::people::scope;
use signoff_tests::refusals::reason;
use signoff_tests::{Person, World, world};
use signoff_workflow::{Phase, Role, Workflow};
use sqlx::PgConnection;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::line::Line;
use crate::seen::{Comparison, Decision, Header, Ids, decisions};
use crate::send::Answer;
use crate::step::{self, Command, PEOPLE, Refused, Step, Who};

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
    pub(crate) ids: Ids,
    pub(crate) people: Vec<Person>,
    pub(crate) scope: Option<shared::Scope>,
    workflow: Workflow,
    database: PgConnection,
    /// The headers as they were last seen, oldest first.
    pub(crate) headers: Vec<wire::Version>,
    steps: usize,
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

    /// The workflow.
    pub(crate) fn workflow(&self) -> Workflow {
        self.workflow
    }

    /// How many records the chain has.
    pub(crate) async fn records(&mut self) -> i64 {
        let last = "select max(seq) from trail where cycle_id = $1";
        let last: Option<i64> = sqlx::query_scalar(last)
            .bind(self.workflow.cycle_id)
            .fetch_one(&mut self.database)
            .await
            .unwrap();
        last.unwrap_or_default()
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
