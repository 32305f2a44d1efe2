//! People at a gateway who do everything that is counted, in any order.

use rand::Rng as _;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand_chacha::ChaCha8Rng;
use signoff_contract::audit::v1 as audit;
use signoff_contract::feed::v1 as feed;
use signoff_contract::versioning::v1 as wire;
use signoff_tests::acts::{approved, modified, rejected};
use signoff_tests::lanes::{LOBS, OWNERS};
use signoff_tests::office::content;
use signoff_tests::people::request_id;
use signoff_tests::refusals::expect_fair;
use signoff_tests::world::whole;
use signoff_tests::{Office, Person, build};
use signoff_workflow::{Phase, Workflow};
use tonic::Status;
use uuid::Uuid;
use wire::{Decision, DecisionInput, DecisionState, RecommendationSource, Version, VersionState};

/// Whoever owns data, at first or later.
const OWNING: [i64; 5] = [OWNERS[0], OWNERS[1], OWNERS[2], 104, 105];

type Done = Result<(), Status>;

/// Everybody who works on a report.
pub(crate) struct Busy {
    pub(crate) office: Office,
    pub(crate) dice: ChaCha8Rng,
    /// What was done.
    pub(crate) done: usize,
    serial: u32,
}

impl Busy {
    pub(crate) fn new(office: Office, dice: ChaCha8Rng) -> Self {
        Self { office, dice, done: 0, serial: 10 }
    }

    /// So many things happen to the versions of a phase.
    pub(crate) async fn versions(&mut self, phase: Phase, steps: usize) {
        for _ in 0..steps {
            let done = self.version(phase).await;
            self.note(done);
        }
    }

    /// So many things happen to the lanes, in the phase that is open.
    pub(crate) async fn lanes(&mut self, steps: usize) {
        for _ in 0..steps {
            let done = self.lane().await;
            self.note(done);
        }
    }

    fn note(&mut self, done: Done) {
        match done {
            Ok(()) => self.done += 1,
            Err(status) => {
                expect_fair(&status);
            }
        }
    }

    fn tester(&mut self) -> Person {
        let lanes = &self.office.lanes;
        [&lanes.tester, &lanes.second, &lanes.lead]
            .choose(&mut self.dice)
            .unwrap()
            .to_owned()
            .clone()
    }

    /// New items, each recommended by somebody else.
    fn items(&mut self, phase: Phase) -> Vec<DecisionInput> {
        let n = self.dice.random_range(1..4);
        let from = self.serial;
        self.serial += n;
        let mut items = build::items(phase, from..self.serial);
        for item in &mut items {
            item.source = self.source().into();
        }
        items
    }

    fn source(&mut self) -> RecommendationSource {
        let sources = [
            RecommendationSource::Tester,
            RecommendationSource::Llm,
            RecommendationSource::Manual,
            RecommendationSource::Automated,
        ];
        *sources.choose(&mut self.dice).unwrap()
    }

    fn some<'a>(&mut self, decisions: &'a [Decision]) -> Vec<&'a Decision> {
        let mut some: Vec<&Decision> = decisions.iter().collect();
        some.shuffle(&mut self.dice);
        some.truncate(self.dice.random_range(1..4));
        some
    }

    async fn version(&mut self, phase: Phase) -> Done {
        let here = self.office.here(phase);
        let tester = self.tester();
        let list = wire::ListVersionsRequest { scope: Some(here.clone()), ..Default::default() };
        let versions = tester.call(list).await?.versions;
        let all_deleted = versions.iter().all(|of| of.state() == VersionState::Deleted);
        let Some(newest) = versions.first().filter(|_| !all_deleted) else {
            let mut items = content(phase);
            for item in &mut items {
                item.source = self.source().into();
            }
            return tester.create(&here, items).await.map(drop);
        };
        match newest.state() {
            VersionState::Draft => self.draft(phase, &tester, newest).await,
            VersionState::Submitted => self.review(phase, &tester, newest).await,
            _ => {
                let items = self.items(phase);
                match self.dice.random_range(0..10) {
                    0..3 => {
                        let any = versions.choose(&mut self.dice).unwrap();
                        tester.delete(any, "not needed").await.map(drop)
                    }
                    3..6 => {
                        let baseline = versions.choose(&mut self.dice).unwrap();
                        tester.revise_from(baseline, items).await.map(drop)
                    }
                    _ => tester.revise(&here, items).await.map(drop),
                }
            }
        }
    }

    async fn draft(&mut self, phase: Phase, tester: &Person, draft: &Version) -> Done {
        let decisions = tester.decisions(draft).await;
        match self.dice.random_range(0..12) {
            0 | 1 => tester.add(draft, self.items(phase)).await.map(drop),
            2..5 => {
                let Some(of) = decisions.choose(&mut self.dice) else { return Ok(()) };
                // An edit keeps its item's key.
                let content = format!("edit {}", self.dice.random_range(0..1000));
                let payload = payload(phase, &of.item_key, &content);
                tester.edit(draft, of, payload, "a typo").await.map(drop)
            }
            5 => {
                let some = self.some(&decisions);
                tester.remove(draft, &some, "not of this quarter").await.map(drop)
            }
            // Taken out, and put forward again.
            6 | 7 => {
                let Some(of) = decisions.choose(&mut self.dice) else { return Ok(()) };
                tester.remove(draft, &[of], "by mistake").await?;
                let again = DecisionInput {
                    item_key: of.item_key.clone(),
                    source: self.source().into(),
                    payload: Some(payload(phase, &of.item_key, "again")),
                    ..Default::default()
                };
                tester.add(draft, vec![again]).await.map(drop)
            }
            8 if self.dice.random_bool(0.4) => {
                tester.delete(draft, "begun too early").await.map(drop)
            }
            _ => tester.submit(draft).await.map(drop),
        }
    }

    async fn review(&mut self, phase: Phase, tester: &Person, submitted: &Version) -> Done {
        let approver = self.office.approver(phase).clone();
        let decisions = tester.decisions(submitted).await;
        match self.dice.random_range(0..12) {
            0..6 => {
                let some = self.some(&decisions);
                let reviews = some.into_iter().map(|of| match self.dice.random_range(0..4) {
                    0 => rejected(of, "not in the population"),
                    1 => {
                        let change = payload(phase, &of.item_key, "as changed");
                        modified(of, change, "the amount is in thousands")
                    }
                    _ => approved(of),
                });
                let reviews = reviews.collect();
                approver.rule(submitted, reviews).await.map(drop)
            }
            6 => {
                let changed: Vec<&Decision> = decisions
                    .iter()
                    .filter(|of| of.state() == DecisionState::Modified && of.confirmed_by == 0)
                    .collect();
                tester.confirm(submitted, &changed).await.map(drop)
            }
            7 => tester.withdraw(submitted).await.map(drop),
            8 => approver.reject(submitted, "too few samples").await.map(drop),
            _ => {
                let pending = submitted.counts.unwrap().pending > 0;
                let submitted = match pending {
                    true => approver.rule_rest(submitted, wire::Verdict::Approved).await?,
                    false => submitted.clone(),
                };
                let unconfirmed: Vec<&Decision> = decisions
                    .iter()
                    .filter(|of| of.state() == DecisionState::Modified && of.confirmed_by == 0)
                    .collect();
                if !unconfirmed.is_empty() {
                    tester.confirm(&submitted, &unconfirmed).await?;
                }
                approver.approve(&submitted).await.map(drop)
            }
        }
    }

    async fn lane(&mut self) -> Done {
        let at = self.dice.random_range(0..LOBS.len());
        let (lob, somebody) = (LOBS[at], *OWNING.choose(&mut self.dice).unwrap());
        match self.dice.random_range(0..14) {
            0 => self.office.lanes.assign(lob, somebody).await.map(drop),
            1..4 => self.owners(lob, somebody).await,
            4 => self.office.plan().await.map(drop),
            5..9 => self.document(lob).await,
            9 => self
                .office
                .lanes
                .record(Phase::REQUEST_INFO, build::object("note", "called"))
                .await
                .map(drop),
            _ => self.action(lob).await,
        }
    }

    /// An assignment is handed over, or ends; and somebody else may begin.
    async fn owners(&mut self, lob: Uuid, somebody: i64) -> Done {
        let lanes = &self.office.lanes;
        let request = audit::ListAssignmentsRequest {
            scope: lanes.at(Phase::DATA_OWNER_ID),
            ..Default::default()
        };
        let all = lanes.tester.call(request).await?.assignments;
        let Some(of) = all.iter().find(|of| of.lob_id == lob.to_string()) else { return Ok(()) };
        if self.dice.random_bool(0.7) {
            return lanes.transfer(of, somebody, "").await.map(drop);
        }
        let request = audit::DeactivateDataOwnerRequest {
            scope: lanes.at(Phase::DATA_OWNER_ID),
            assignment_id: of.assignment_id.clone(),
            change_reason: "has left the bank".to_owned(),
            request_id: request_id(),
            ..Default::default()
        };
        lanes.tester.call(request).await?;
        lanes.assign(lob, somebody).await.map(drop)
    }

    /// Who owns a lane now.
    async fn owner(&self, lob: Uuid) -> Result<i64, Status> {
        let lanes = &self.office.lanes;
        let request = audit::ListAssignmentsRequest {
            scope: lanes.at(Phase::DATA_OWNER_ID),
            ..Default::default()
        };
        let all = lanes.tester.call(request).await?.assignments;
        let of = all.iter().find(|of| of.lob_id == lob.to_string());
        Ok(of.map_or(OWNERS[0], |of| of.data_owner_id))
    }

    /// A document for each case that has none, accepted, from whoever owns its lane by now.
    pub(crate) async fn document_all(&self) {
        let mut owners = OWNERS;
        for (owner, lob) in owners.iter_mut().zip(LOBS) {
            *owner = self.owner(lob).await.unwrap();
        }
        self.office.document_by(owners).await;
    }

    async fn document(&mut self, lob: Uuid) -> Done {
        let owner = self.owner(lob).await?;
        let cases = self.office.lanes.cases_of(lob).await;
        let Some(case) = cases.choose(&mut self.dice).cloned() else { return Ok(()) };
        let submission_id = case.current_submission_id.clone();
        let document = audit::Document { submission_id, ..Default::default() };
        let lanes = &self.office.lanes;
        if document.submission_id.is_empty() {
            return lanes.submit(owner, &[case]).await.map(drop);
        }
        match self.dice.random_range(0..4) {
            0 => lanes.review(&document, audit::DocumentStatus::Accepted).await.map(drop),
            1 => {
                let request = audit::SubmitDocumentRequest {
                    submission_type: audit::SubmissionType::Supplemental.into(),
                    supplements_submission_id: document.submission_id,
                    ..lanes.submit_request(&[case])
                };
                lanes.data_owner(owner).await.call(request).await.map(drop)
            }
            _ => {
                let content = self.dice.random_range(1..=250);
                lanes.revise(owner, &document, content).await.map(drop)
            }
        }
    }

    /// Somebody asks for something, or is answered.
    async fn action(&mut self, lob: Uuid) -> Done {
        let owner = self.owner(lob).await?;
        let types = [
            audit::ActionType::DocumentRequest,
            audit::ActionType::DataUpdateRequest,
            audit::ActionType::TestRerun,
        ];
        let asked = *types.choose(&mut self.dice).unwrap();
        let lanes = &self.office.lanes;
        let cases = lanes.cases_of(lob).await;
        let Some(case) = cases.choose(&mut self.dice) else { return Ok(()) };
        let action = lanes.ask(case, asked).await?;
        self.done += 1;
        if self.dice.random_bool(0.3) {
            return Ok(());
        }
        let request = audit::RespondToActionRequest {
            scope: lanes.at(Phase::TEST_EXECUTION),
            action_id: action.action_id,
            response_status: self.dice.random_range(1..=3),
            response_notes: "as far as it goes".to_owned(),
            impact_on_timeline: self.dice.random_range(0..=3),
            request_id: request_id(),
            ..Default::default()
        };
        lanes.data_owner(owner).await.call(request).await.map(drop)
    }
}

/// A payload for an item of a phase that has this key already.
fn payload(phase: Phase, key: &str, text: &str) -> wire::Payload {
    match phase {
        Phase::PLANNING => build::attribute(key, text),
        Phase::SCOPING => build::scoping(key, true, text),
        Phase::DATA_PROFILING => build::rule(&build::attribute_id(0), text),
        _ => build::sample(key, text),
    }
}

/// What all three services export of a workflow.
pub(crate) async fn exported(reader: &Person, workflow: Workflow) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for source in [feed::Source::Versioning, feed::Source::Audit, feed::Source::Gateway] {
        let request =
            feed::ExportTrailRequest { scope: Some(whole(workflow)), source: source.into() };
        let mut answers = reader.trail.clone().export_trail(request).await.unwrap().into_inner();
        let mut file = Vec::new();
        while let Some(answer) = answers.message().await.unwrap() {
            file.extend(answer.json_lines);
        }
        files.push(file);
    }
    files
}
