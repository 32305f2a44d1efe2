//! Real work, at the end of which most methods were answered once: its requests are what messages are
//! varied from, and its reports are what they are about.

use prost::Message as _;
use signoff_contract::audit::v1 as audit;
use signoff_contract::feed::v1::{ExportTrailRequest, Source};
use signoff_contract::gateway::v1 as wire;
use signoff_contract::metrics::v1::{
    Bucket, GetPhaseMetricsRequest, GetWorkflowMetricsRequest, QuerySeriesRequest, RebuildRequest,
};
use signoff_contract::versioning::v1 as versions;
use signoff_contract::workflow::v1 as shared;
use signoff_tests::acts::{approved, modified, rejected};
use signoff_tests::house::{ADMIN, AUDITOR, listed};
use signoff_tests::lanes::{LOBS, Lanes, OWNERS};
use signoff_tests::office::{TEAM, content};
use signoff_tests::people::{Person, request_id, scope};
use signoff_tests::report::{SIGNERS, metadata};
use signoff_tests::rpc::{Rpc, Sent};
use signoff_tests::world::{connect, whole, workflow};
use signoff_tests::{Office, build};
use signoff_workflow::{Phase, Role, Workflow};
use versions::{Verdict, Version};

use super::listener::{Heard, Listener};
use super::place::{Backend, Place};

/// What there is to begin with.
pub(crate) struct Story {
    /// Reports, each somewhere else on its way.
    pub(crate) workflows: Vec<Workflow>,
    /// Those that may be closed, or be left half reopened: nothing else is done in them.
    pub(crate) closable: Vec<Workflow>,
    /// Requests that were granted.
    pub(crate) heard: Vec<Heard>,
    /// What there is of each report: the type of a message, and its bytes.
    pub(crate) found: Vec<(Workflow, String, Vec<u8>)>,
}

/// Works in a house.
pub(crate) async fn told(place: &Place) -> Story {
    let listener = Listener::before(place.gateway).await;
    let admin = Box::pin(admin(place, &listener)).await;
    let finished = Box::pin(finished(place, &listener)).await;
    let drafted = Box::pin(drafted(place, &listener)).await;
    let tested = Box::pin(tested(place, &listener)).await;
    let begun = office(place, &listener).await.workflow;
    let drafts = [drawn(place, &listener, false).await, drawn(place, &listener, true).await];
    let mut workflows = vec![finished, drafted, tested, begun];
    workflows.extend(drafts);
    let found = Box::pin(found(place, &listener, &workflows)).await;
    let mut heard = listener.heard();
    let gated = [
        Box::pin(versioning_gates(place, &mut heard)).await,
        Box::pin(audit_gates(place, &mut heard)).await,
    ];
    let closable = [admin, office(place, &listener).await.workflow].into_iter().chain(gated);
    let closable = closable.collect();
    Story { workflows, closable, heard, found }
}

/// A workflow with its team.
async fn office(place: &Place, listener: &Listener) -> Office {
    let team: Vec<(i64, Role)> = TEAM.into_iter().chain([(21, Role::ReportOwner)]).collect();
    let workflow = place.house.workflow(&team).await;
    Office::at(listener.address, &place.house.provider, workflow).await
}

/// Somebody with a role that is held everywhere.
async fn person(place: &Place, listener: &Listener, user_id: i64, role: Role) -> Person {
    let token = place.house.token(user_id, &[role]);
    Person::with_token(&token, connect(listener.address).await, user_id)
}

/// What an admin does.
async fn admin(place: &Place, listener: &Listener) -> Workflow {
    let admin = person(place, listener, ADMIN, Role::Admin).await;
    let opened = workflow();
    let scope = Some(whole(opened));
    let lobs = LOBS.map(|id| wire::Lob {
        lob_id: id.to_string(),
        name: "Cards".to_owned(),
        ..Default::default()
    });
    let request = wire::SetLobsRequest {
        lobs: lobs.into(),
        reason: "as of this year".to_owned(),
        request_id: request_id(),
    };
    admin.call(request).await.unwrap();
    let request = wire::OpenWorkflowRequest {
        scope: scope.clone(),
        cycle_name: "2026 Q4".to_owned(),
        report_name: "FR Y-14M".to_owned(),
        members: listed(&TEAM),
        request_id: request_id(),
    };
    admin.call(request).await.unwrap();
    let request = wire::SetMembersRequest {
        scope: scope.clone(),
        members: listed(&TEAM),
        reason: "the team changed".to_owned(),
        request_id: request_id(),
        ..Default::default()
    };
    admin.call(request).await.unwrap();
    let reason = "the cycle is over".to_owned();
    let request = wire::CloseWorkflowRequest { scope, reason, request_id: request_id() };
    admin.call(request).await.unwrap();
    let request = RebuildRequest { request_id: request_id(), reason: "to be sure".to_owned() };
    admin.call(request).await.unwrap();
    opened
}

/// A report from the first phase to its last signature.
async fn finished(place: &Place, listener: &Listener) -> Workflow {
    let office = office(place, listener).await;
    office.through(Phase::TEST_EXECUTION).await;
    let observed = Phase::OBSERVATION_MANAGEMENT;
    let observed = office.approve(observed, content(observed)).await;
    let (tester, lead, owner) = (office.tester(), office.lead(), office.owner());
    let decision = owner.decisions(&observed).await.remove(0);
    owner.remedy(&observed, &decision, Some("in progress"), None, "").await.unwrap();

    let here = office.here(Phase::FINALIZE_TEST_REPORT);
    let draft = tester.create(&here, content(Phase::FINALIZE_TEST_REPORT)).await.unwrap();
    let draft = tester.describe(&draft, metadata(Some(true), &[])).await.unwrap();
    let submitted = tester.submit(&draft).await.unwrap();
    office.executive.rule_rest(&submitted, Verdict::Approved).await.unwrap();
    let asked = tester.ask(&submitted, &SIGNERS).await.unwrap();
    lead.decline(&submitted, &asked[0], "the figures differ").await.unwrap();
    let again = tester.ask(&submitted, &SIGNERS[..1]).await.unwrap();
    lead.sign(&submitted, &again[0]).await.unwrap();
    tester.sign_offs(&submitted).await;
    owner.delegate(&submitted, &asked[1], 21).await.unwrap();
    office.lanes.person(21, &[]).await.sign(&submitted, &asked[1]).await.unwrap();
    office.executive.sign(&submitted, &asked[2]).await.unwrap();
    let report = office.executive.approve(&submitted).await.unwrap();
    tester.attach(&report, "018f0000-0000-7000-8000-00000000d0c5").await.unwrap();
    office.workflow
}

/// All that may be done with a draft, its decisions and their review; another draft is left.
async fn drafted(place: &Place, listener: &Listener) -> Workflow {
    let office = office(place, listener).await;
    let (tester, lead, phase) = (office.tester(), office.lead(), Phase::PLANNING);
    let here = office.here(phase);
    let draft = tester.create(&here, build::items(phase, 0..3)).await.unwrap();
    tester.add(&draft, build::items(phase, 3..6)).await.unwrap();
    tester.import(&draft, build::items(phase, 6..9)).await.unwrap();
    let made = tester.decisions(&draft).await;
    let changed = |n: u32| build::payload(phase, n, "looked at again");
    tester.edit(&draft, &made[0], changed(0), "forgotten").await.unwrap();
    tester.remove(&draft, &[&made[5]], "not of this report").await.unwrap();
    let submitted = tester.submit(&draft).await.unwrap();
    let draft = tester.withdraw(&submitted).await.unwrap();
    let submitted = tester.submit(&draft).await.unwrap();
    let reviews = vec![
        approved(&made[0]),
        modified(&made[1], changed(1), "more exact"),
        rejected(&made[2], "of another report"),
    ];
    lead.rule(&submitted, reviews).await.unwrap();
    tester.confirm(&submitted, &[&made[1]]).await.unwrap();
    lead.rule_rest(&submitted, Verdict::Approved).await.unwrap();
    lead.reject(&submitted, "not yet").await.unwrap();
    let next = tester.revise(&here, build::items(phase, 20..22)).await.unwrap();
    tester.delete(&next, "given up").await.unwrap();
    let notes = wire::CreateVersionRequest {
        scope: Some(whole(office.workflow)),
        phase_name: "planning".to_owned(),
        data: Some(build::object("notes", "once more")),
        request_id: request_id(),
    };
    let created = tester.call(notes).await.unwrap().version_id;
    let draft = tester.versions(&here).await.remove(0);
    let submitted = tester.submit(&draft).await.unwrap();
    let request = wire::ApproveVersionRequest {
        scope: Some(whole(office.workflow)),
        phase_name: "planning".to_owned(),
        version_id: created,
        request_id: request_id(),
        ..Default::default()
    };
    lead.call(request).await.unwrap();
    tester.revise(&here, build::items(phase, 30..33)).await.unwrap();
    Box::pin(read(&office, &here, &submitted, &next)).await;
    office.workflow
}

/// A report with nothing but a draft; or it was submitted.
async fn drawn(place: &Place, listener: &Listener, is_submitted: bool) -> Workflow {
    let office = office(place, listener).await;
    let here = office.here(Phase::PLANNING);
    let items = build::items(Phase::PLANNING, 0..6);
    let draft = office.tester().create(&here, items).await.unwrap();
    if is_submitted {
        office.tester().submit(&draft).await.unwrap();
    }
    office.workflow
}

/// Everything that has an id in these reports.
async fn found(
    place: &Place,
    listener: &Listener,
    workflows: &[Workflow],
) -> Vec<(Workflow, String, Vec<u8>)> {
    let auditor = person(place, listener, AUDITOR, Role::Auditor).await;
    let mut found = Vec::new();
    for workflow in workflows {
        let mut learn = |name: &str, bytes| found.push((*workflow, name.to_owned(), bytes));
        for phase in [1, 2, 3, 4, 8, 9].map(Phase::new) {
            for version in auditor.versions(&scope(*workflow, phase)).await {
                learn("signoff.versioning.v1.Version", version.encode_to_vec());
                for decision in auditor.decisions(&version).await {
                    learn("signoff.versioning.v1.Decision", decision.encode_to_vec());
                }
            }
        }
        let scope = Some(whole(*workflow));
        macro_rules! listed {
            ($request:ident, $answer:literal) => {
                let request = audit::$request { scope: scope.clone(), ..Default::default() };
                learn($answer, auditor.call(request).await.unwrap().encode_to_vec());
            };
        }
        listed!(ListAssignmentsRequest, "signoff.audit.v1.ListAssignmentsResponse");
        listed!(ListTestCasesRequest, "signoff.audit.v1.ListTestCasesResponse");
        listed!(ListDocumentsRequest, "signoff.audit.v1.ListDocumentsResponse");
        listed!(ListExecutionsRequest, "signoff.audit.v1.ListExecutionsResponse");
        listed!(ListActionsRequest, "signoff.audit.v1.ListActionsResponse");
    }
    found
}

/// Reads what there is of two versions.
async fn read(office: &Office, here: &shared::Scope, version: &Version, other: &Version) {
    let tester = office.tester();
    tester.get(version).await.unwrap();
    tester.current(here).await.unwrap();
    tester.status(here).await;
    tester.artifacts(here, true).await;
    let decisions = tester.decisions(version).await;
    tester.lineage(version, &decisions[0]).await;
    tester.compare(other, version).await;
    tester.export(version, None).await.unwrap();
    office.trail(Source::Versioning).await;
    office.verify(Source::Gateway).await;
    let (scope, source) = (Some(whole(office.workflow)), Source::Versioning.into());
    let mut lead = office.lead().trail.clone();
    lead.export_trail(ExportTrailRequest { scope, source }).await.unwrap();
    office.explain(Phase::SCOPING, wire::GateCommand::Start).await;
    let (scope, phase_name) = (Some(whole(office.workflow)), "planning".to_owned());
    let request = wire::GetVersionHistoryRequest {
        scope: scope.clone(),
        phase_name: phase_name.clone(),
        page_size: 1,
        ..Default::default()
    };
    tester.call(request).await.unwrap();
    let request = wire::GetCurrentVersionRequest { scope: scope.clone(), phase_name };
    tester.call(request).await.unwrap();
    let request = GetPhaseMetricsRequest { scope: Some(here.clone()), ..Default::default() };
    tester.call(request).await.unwrap();
    let request = GetWorkflowMetricsRequest { scope: scope.clone(), ..Default::default() };
    tester.call(request).await.unwrap();
    let time = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let request = QuerySeriesRequest {
        scope,
        metric_type: "version_count".to_owned(),
        bucket: Bucket::Day.into(),
        from: time(1_790_000_000),
        to: time(1_799_000_000),
        ..Default::default()
    };
    tester.call(request).await.unwrap();
}

/// All that is done in the lanes. Phases are started, reopened and reaffirmed.
async fn tested(place: &Place, listener: &Listener) -> Workflow {
    let office = office(place, listener).await;
    office.start(Phase::PLANNING).await.unwrap();
    office.through(Phase::DATA_OWNER_ID).await;
    let lanes = &office.lanes;
    let made = lanes.assign(LOBS[0], OWNERS[0]).await;
    let listed = audit::ListAssignmentsRequest { scope: lanes.whole(), ..Default::default() };
    let assignments = lanes.tester.call(listed).await.unwrap().assignments;
    drop(made);
    let cases = lanes.cases_of(LOBS[0]).await;
    let document = lanes.submit(OWNERS[0], &cases).await.unwrap();
    let document = lanes.revise(OWNERS[0], &document, 8).await.unwrap();
    lanes.review(&document, audit::DocumentStatus::Accepted).await.unwrap();
    lanes.test(&cases[0], &document, audit::ExecutionResult::Fail).await;
    let action = lanes.ask(&cases[0], audit::ActionType::DocumentRequest).await.unwrap();
    lanes.respond(OWNERS[0], &action).await.unwrap();
    lanes.record(Phase::DATA_OWNER_ID, build::object("note", "called")).await.unwrap();
    let handed = lanes.transfer(&assignments[0], 104, "").await.unwrap();
    let request = audit::DeactivateDataOwnerRequest {
        scope: lanes.at(Phase::DATA_OWNER_ID),
        assignment_id: handed.assignment.unwrap().assignment_id,
        change_reason: "the line of business was sold".to_owned(),
        request_id: request_id(),
        ..Default::default()
    };
    lanes.tester.call(request).await.unwrap();
    office.reopen(Phase::SAMPLE_SELECTION).await.unwrap();
    office.reaffirm(Phase::DATA_OWNER_ID).await.unwrap();
    office.workflow
}

/// Calls of the gateway's own at a backend.
struct Gates<'a> {
    gateway: Person,
    at: Backend,
    workflow: Workflow,
    heard: &'a mut Vec<Heard>,
}

impl<'a> Gates<'a> {
    fn new(place: &Place, at: Backend, heard: &'a mut Vec<Heard>) -> Self {
        let workflow = workflow();
        let gateway = place.direct(at, 1, workflow, &[Role::Gateway]).person;
        Self { gateway, at, workflow, heard }
    }

    fn scope(&self, phase: Phase) -> Option<shared::Scope> {
        Some(scope(self.workflow, phase))
    }

    async fn call<R: Rpc>(&mut self, request: R) -> R::Answer {
        let is_gate = R::PATH.starts_with("/signoff.versioning.");
        let sent = match self.at {
            Backend::Audit if is_gate => Sent::to_audit(&request),
            _ => Sent::of(&request),
        };
        let answer = self.gateway.send(&sent).await.unwrap();
        let messages = vec![sent.bytes];
        self.heard.push(Heard { path: sent.path, token: String::new(), messages });
        R::Answer::decode(answer.as_slice()).unwrap()
    }

    async fn begin(&mut self, phase: Phase) -> i64 {
        let scope = self.scope(phase);
        let request =
            versions::BeginOpenRequest { scope, request_id: request_id(), reaffirm: false };
        self.call(request).await.attempt
    }

    /// Opens a phase, seals it for another one, and takes all of that back.
    async fn there_and_back(
        &mut self,
        (first, rests_on): (Phase, &[Phase]),
        (next, holder): (Phase, Phase),
    ) {
        let attempt = self.begin(first).await;
        let rests_on = rests_on.iter().map(|phase| shared::Foundation {
            phase: phase.number(),
            version_id: request_id(),
            trail_head: None,
        });
        let open = versions::OpenRequest {
            scope: self.scope(first),
            request_id: request_id(),
            attempt,
            rests_on: rests_on.collect(),
        };
        self.call(open).await;
        let attempt = self.begin(next).await;
        let seal = versions::SealRequest {
            scope: self.scope(first),
            holder: holder.number(),
            attempt,
            request_id: request_id(),
            ..Default::default()
        };
        self.call(seal).await;
        let scope = self.scope(next);
        self.call(versions::FenceRequest { scope, attempt, request_id: request_id() }).await;
        let release = versions::ReleaseSealRequest {
            scope: self.scope(first),
            holder: holder.number(),
            up_to_attempt: attempt,
            request_id: request_id(),
        };
        self.call(release).await;
        let begin = versions::BeginReopenRequest {
            scope: self.scope(first),
            reason: "an attribute was forgotten".to_owned(),
            request_id: request_id(),
        };
        let reopening = self.call(begin).await.reopening;
        let mark = versions::MarkStaleRequest {
            scope: self.scope(next),
            because: first.number(),
            reopening,
            request_id: request_id(),
        };
        self.call(mark).await;
        let scope = self.scope(first);
        let finish = versions::FinishReopenRequest { scope, reopening, request_id: request_id() };
        self.call(finish).await;
    }

    async fn close(&mut self) -> Workflow {
        let scope = Some(whole(self.workflow));
        let reason = "the cycle is over".to_owned();
        let request = versions::CloseWorkflowRequest { scope, reason, request_id: request_id() };
        self.call(request).await;
        self.workflow
    }
}

async fn versioning_gates(place: &Place, heard: &mut Vec<Heard>) -> Workflow {
    let mut gates = Gates::new(place, Backend::Versioning, heard);
    gates
        .there_and_back((Phase::PLANNING, &[]), (Phase::DATA_PROFILING, Phase::DATA_PROFILING))
        .await;
    gates.close().await
}

async fn audit_gates(place: &Place, heard: &mut Vec<Heard>) -> Workflow {
    let mut gates = Gates::new(place, Backend::Audit, heard);
    let (first, next) = (Phase::DATA_OWNER_ID, Phase::REQUEST_INFO);
    let rests_on = [Phase::SAMPLE_SELECTION];
    gates.there_and_back((first, &rests_on), (next, Phase::FINALIZE_TEST_REPORT)).await;
    let plan = audit::PlanTestCasesRequest {
        scope: gates.scope(first),
        cases: Lanes::cases(1),
        planning_version_id: request_id(),
        scoping_version_id: request_id(),
        sample_selection_version_id: request_id(),
        last: true,
        request_id: request_id(),
        total_cases: 0,
    };
    gates.call(plan).await;
    gates.close().await
}
