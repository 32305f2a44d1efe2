//! Observations name test executions, which the audit service must know as concluded. Both services
//! are real.

use std::time::Instant;

use signoff_chassis::identity::TokenClaims;
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::acts::{approved, modified};
use signoff_tests::bulk::{import_into, messages};
use signoff_tests::people::request_id;
use signoff_tests::refusals::{faults, fields, refusal, total};
use signoff_tests::{Stage, World, build, executions};
use signoff_workflow::{Phase, Role};
use tokio::net::TcpListener;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use wire::{DecisionInput, ImportDecisionsRequest, Severity, Verdict};

const HERE: Phase = Phase::OBSERVATION_MANAGEMENT;

fn unknown(number: u32) -> String {
    build::execution_id(number)
}

/// What a refusal says is unmet, about which execution.
fn unmet(status: &Status) -> Vec<(String, String)> {
    let details = status.get_details_precondition_failure().unwrap();
    details.violations.into_iter().map(|of| (of.subject, of.description)).collect()
}

/// A create with an id of its own.
fn create(stage: &Stage, decisions: Vec<DecisionInput>) -> wire::CreateVersionRequest {
    wire::CreateVersionRequest {
        scope: Some(stage.here.clone()),
        request_id: request_id(),
        decisions,
        ..Default::default()
    }
}

async fn records(stage: &Stage) -> usize {
    stage.tester.trail_of(stage.workflow).await.len()
}

#[tokio::test]
async fn concluded_executions_of_the_workflow_are_taken_wherever_observations_enter() {
    let stage = Stage::of(HERE).await;
    let tested = stage.tested(6, 0).await;
    let these = |numbers: &[u32]| tested.these(numbers);
    let draft = stage.tester.create(&stage.here, vec![build::observed("A", &these(&[0, 1]))]).await;
    let draft = draft.unwrap();
    stage.tester.add(&draft, vec![build::observed("B", &these(&[1]))]).await.unwrap();
    let item = stage.tester.decision(&draft, "B").await;
    let payload = build::finding(&these(&[2]), Severity::Low);
    stage.tester.edit(&draft, &item, payload, "another").await.unwrap();
    stage.tester.import(&draft, vec![build::observed("C", &these(&[3]))]).await.unwrap();
    let submitted = stage.tester.submit(&draft).await.unwrap();
    let all = stage.tester.decisions(&submitted).await;
    let changed = build::finding(&these(&[4]), Severity::Low);
    stage.owner.rule(&submitted, vec![modified(&all[0], changed, "rather")]).await.unwrap();
    stage.owner.rule_rest(&submitted, Verdict::Approved).await.unwrap();
    stage.tester.confirm(&submitted, &[&all[0]]).await.unwrap();
    stage.owner.approve(&submitted).await.unwrap();
    stage.tester.revise(&stage.here, vec![build::observed("D", &these(&[5]))]).await.unwrap();
    assert!(stage.tester.verify(stage.workflow).await.intact);
}

#[tokio::test]
async fn unknown_executions_are_all_named_by_their_fields_and_nothing_changes() {
    let stage = Stage::of(HERE).await;
    let tested = stage.tested(2, 1).await;
    let good = tested.these(&[0]);
    let mixed = [good.clone(), vec![unknown(1), tested.open[0].clone()]].concat();
    let before = records(&stage).await;
    let items = vec![
        build::observed("A", &good),
        build::observed("B", &mixed),
        build::observed("C", &[unknown(1)]),
    ];
    let refused = stage.tester.create(&stage.here, items).await;
    let status = refusal(refused, Code::NotFound, ErrorReason::NotFound);
    let path = |i, n| format!("decisions[{i}].payload.observation.execution_ids[{n}]");
    let why = format!("{} is no test execution of this workflow", unknown(1));
    let named = [(1, 1), (2, 0)].map(|(i, n)| format!("{}: {why}", path(i, n)));
    assert_eq!(faults(&status), named, "what is unknown comes first");
    assert_eq!(status.get_details_resource_info().unwrap().resource_name, unknown(1));
    assert_eq!(records(&stage).await, before);

    // More than are asked for at once; some are named, and all are counted.
    let many = (0..1_500).map(|n| build::observed(&format!("M-{n}"), &[unknown(n)])).collect();
    let refused = stage.tester.create(&stage.here, many).await;
    let status = refusal(refused, Code::NotFound, ErrorReason::NotFound);
    assert!(fields(&status).len() > 30, "{:?}", fields(&status));
    assert_eq!(total(&status), 1_500);

    // The other ways in.
    let draft = stage.tester.create(&stage.here, vec![build::observed("A", &good)]).await.unwrap();
    let bad = || vec![build::observed("Z", &[unknown(7)])];
    let item = stage.tester.decision(&draft, "A").await;
    let edit = build::finding(&[good[0].clone(), unknown(7)], Severity::Low);
    let edited = stage.tester.edit(&draft, &item, edit.clone(), "x").await;
    let status = refusal(edited, Code::NotFound, ErrorReason::NotFound);
    assert_eq!(fields(&status), ["payload.observation.execution_ids[1]"]);
    let added = stage.tester.add(&draft, bad()).await;
    assert_eq!(fields(&refusal(added, Code::NotFound, ErrorReason::NotFound)), [path(0, 0)]);
    let submitted = stage.tester.submit(&draft).await.unwrap();
    let ruled = stage.owner.rule(&submitted, vec![modified(&item, edit, "x")]).await;
    let status = refusal(ruled, Code::NotFound, ErrorReason::NotFound);
    assert_eq!(fields(&status), ["reviews[0].modified_payload.observation.execution_ids[1]"]);
    stage.owner.rule(&submitted, vec![approved(&item)]).await.unwrap();
    stage.owner.approve(&submitted).await.unwrap();
    let revised = stage.tester.revise(&stage.here, bad()).await;
    assert_eq!(fields(&refusal(revised, Code::NotFound, ErrorReason::NotFound)), [path(0, 0)]);
}

#[tokio::test]
async fn an_execution_is_taken_once_it_is_concluded() {
    let stage = Stage::of(HERE).await;
    let tested = stage.tested(1, 2).await;
    let items = || {
        let executions = [tested.these(&[0]), tested.open.clone()].concat();
        vec![build::observed("A", &executions), build::observed("B", &tested.open)]
    };
    let before = records(&stage).await;
    let request = create(&stage, items());
    let refused = stage.tester.call(request.clone()).await;
    let status = refusal(refused, Code::FailedPrecondition, ErrorReason::ExecutionState);
    let path = "decisions[0].payload.observation.execution_ids";
    let what = |n| format!("{path}[{n}] is a test execution that is not concluded");
    let open = &tested.open;
    let named = [(open[0].clone(), what(1)), (open[1].clone(), what(2))];
    assert_eq!(unmet(&status), named, "each execution once");
    assert_eq!(records(&stage).await, before);

    let lanes = stage.lanes().await;
    for id in open {
        executions::fail(&lanes, id).await;
    }
    stage.tester.call(request).await.expect("a refused request is not remembered");
}

#[tokio::test]
async fn an_execution_of_another_workflow_is_unknown() {
    let (stage, other) = (Stage::of(HERE).await, Stage::of(HERE).await);
    let tested = other.tested(1, 0).await;
    let items = || vec![build::observed("A", &tested.these(&[0]))];
    let refused = stage.tester.create(&stage.here, items()).await;
    refusal(refused, Code::NotFound, ErrorReason::NotFound);
    other.tester.create(&other.here, items()).await.unwrap();
}

#[tokio::test]
async fn the_checks_are_made_in_order() {
    let stage = Stage::of(HERE).await;
    let bad = || vec![build::observed("A", &[unknown(1)])];
    let nobody = stage.person(70, &[Role::Auditor]).create(&stage.here, bad()).await;
    refusal(nobody, Code::PermissionDenied, ErrorReason::RoleMissing);
    let mut unsourced = bad();
    unsourced[0].source = 0;
    let fields_first = stage.tester.create(&stage.here, unsourced).await;
    refusal(fields_first, Code::InvalidArgument, ErrorReason::ValidationFailed);
    let draft = stage.draft(0).await;
    let reused = wire::CreateVersionRequest { request_id: request_id(), ..create(&stage, bad()) };
    let id = reused.request_id.clone();
    let add = wire::AddDecisionsRequest {
        scope: draft.scope.clone(),
        version_id: draft.version_id.clone(),
        decisions: vec![build::observed("B", &[])],
        request_id: id,
        ..Default::default()
    };
    stage.tester.call(add).await.unwrap();
    let reused = stage.tester.call(reused).await;
    refusal(reused, Code::InvalidArgument, ErrorReason::RequestIdReused);
    // Before the state: the line was started.
    let again = stage.tester.create(&stage.here, bad()).await;
    refusal(again, Code::NotFound, ErrorReason::NotFound);
}

#[tokio::test]
async fn an_import_names_the_rows_and_fields_of_executions_that_are_not_fit() {
    let stage = Stage::of(HERE).await;
    let tested = stage.tested(1, 1).await;
    let draft = stage.draft(0).await;
    let before = records(&stage).await;
    let mut rows: Vec<DecisionInput> =
        (0..1_200).map(|n| build::observed(&format!("O-{n}"), &tested.these(&[0]))).collect();
    rows[3] = build::observed("O-3", &[tested.concluded[0].clone(), unknown(3)]);
    rows[1_150] = build::observed("O-1150", &[tested.open[0].clone()]);
    let path = |i, n| format!("decisions[{i}].payload.observation.execution_ids[{n}]");

    let first = ImportDecisionsRequest { validate_only: true, ..import_into(&draft) };
    let mut mixed = rows.clone();
    mixed[0].source = 0;
    let answer = stage.tester.send_import(messages(&first, mixed, 90)).await.unwrap();
    let told: Vec<_> = answer.errors.iter().map(|of| (of.row, of.field.as_str())).collect();
    let at =
        |n| ["payload.observation.execution_ids[0]", "payload.observation.execution_ids[1]"][n];
    assert_eq!(told, [(1, "source"), (4, at(1)), (1_151, at(0))]);
    assert_eq!(answer.errors_total, 3);

    let first = ImportDecisionsRequest { validate_only: false, ..first };
    let refused = stage.tester.send_import(messages(&first, rows.clone(), 90)).await;
    let status = refusal(refused, Code::NotFound, ErrorReason::NotFound);
    let why = format!("row 4: {} is no test execution of this workflow", unknown(3));
    assert_eq!(faults(&status), [format!("{}: {why}", path(3, 1))]);
    rows[3] = build::observed("O-3", &tested.these(&[0]));
    let refused = stage.tester.send_import(messages(&first, rows.clone(), 90)).await;
    let status = refusal(refused, Code::FailedPrecondition, ErrorReason::ExecutionState);
    let what = format!("row 1151: {} is a test execution that is not concluded", path(1_150, 0));
    assert_eq!(unmet(&status), [(tested.open[0].clone(), what)]);
    assert_eq!(records(&stage).await, before);
    rows.truncate(1_150);
    let answer = stage.tester.send_import(messages(&first, rows, 90)).await.unwrap();
    assert_eq!(answer.imported, 1_150);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_audit_service_is_away_nothing_is_taken_for_granted() {
    let mut audit = World::<signoff_audit::commands::Engine>::start().await;
    let world: &'static World = Box::leak(Box::new(World::beside(&audit).await));
    let stage = Stage::open_in(world, HERE).await;
    let tested = stage.tested(2, 0).await;
    let request = create(&stage, vec![build::observed("A", &tested.these(&[0]))]);
    let first = stage.tester.call(request.clone()).await.unwrap();
    let draft = first.version.clone().unwrap();
    let import = messages(&import_into(&draft), vec![build::observed("I", &tested.these(&[0]))], 5);
    let imported = stage.tester.send_import(import.clone()).await.unwrap();
    let before = records(&stage).await;

    audit.pause().await;
    let more = |key: &str| vec![build::observed(key, &tested.these(&[1]))];
    let away = |status: Status| {
        assert!(status.get_details_retry_info().is_some(), "{status:?}");
        assert_eq!(status.message(), "the audit service is away: try again");
    };
    let added = stage.tester.add(&draft, more("B")).await;
    away(refusal(added, Code::Unavailable, ErrorReason::BackendUnavailable));
    let refused = stage.tester.import(&draft, more("B")).await;
    away(refusal(refused, Code::Unavailable, ErrorReason::BackendUnavailable));
    assert_eq!(records(&stage).await, before);
    // What was done before gets its first answer, and what names no execution needs nobody.
    assert_eq!(stage.tester.call(request).await.unwrap(), first);
    assert_eq!(stage.tester.send_import(import).await.unwrap(), imported);
    stage.tester.add(&draft, vec![build::observed("C", &[])]).await.unwrap();

    audit.resume().await;
    stage.tester.add(&draft, more("B")).await.unwrap();
    assert!(stage.tester.verify(stage.workflow).await.intact);

    // A token that is not believed is our own fault; a new one is read at once.
    let good = std::fs::read_to_string(world.token_file()).unwrap();
    let tester = TokenClaims::new(9, "x", std::time::Duration::from_secs(60));
    let unfit = world.key.sign_token(&tester).unwrap();
    for wrong in ["not.a.token", "", &unfit] {
        std::fs::write(world.token_file(), wrong).unwrap();
        let added = stage.tester.add(&draft, more("D")).await;
        away(refusal(added, Code::Unavailable, ErrorReason::BackendUnavailable));
    }
    std::fs::write(world.token_file(), good).unwrap();
    stage.tester.add(&draft, more("D")).await.unwrap();
    audit.pause().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_replica_of_the_audit_service_is_enough() {
    let audit = World::<signoff_audit::commands::Engine>::shared_audit().await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let both = [nobody, audit.address];
    let world = World::asking(&both, audit.key.clone()).await;
    let world: &'static World = Box::leak(Box::new(world));
    let stage = Stage::open_in(world, HERE).await;
    let tested = stage.tested(2, 0).await;
    let observed = |key: &str, number| vec![build::observed(key, &tested.these(&[number]))];
    let draft = stage.tester.create(&stage.here, observed("A", 0)).await.unwrap();
    stage.tester.add(&draft, observed("B", 1)).await.unwrap();
}

#[tokio::test]
async fn a_server_without_an_audit_service_takes_no_observation_that_names_executions() {
    let world: &'static World = Box::leak(Box::new(World::new().await));
    let stage = Stage::open_in(world, HERE).await;
    let refused = stage.tester.create(&stage.here, vec![build::observed("A", &[unknown(1)])]).await;
    let status = refusal(refused, Code::Unavailable, ErrorReason::BackendUnavailable);
    assert!(status.message().contains("was not told of an audit service"), "{status:?}");
    stage.tester.create(&stage.here, vec![build::observed("A", &[])]).await.unwrap();
}

#[tokio::test]
async fn an_audit_service_that_says_nothing_is_not_waited_for_for_long() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let key = World::shared().await.key.clone();
    let address = silent.local_addr().unwrap();
    let world: &'static World = Box::leak(Box::new(World::asking(&[address], key).await));
    let stage = Stage::open_in(world, HERE).await;
    let began = Instant::now();
    let refused = stage.tester.create(&stage.here, vec![build::observed("A", &[unknown(1)])]).await;
    refusal(refused, Code::Unavailable, ErrorReason::BackendUnavailable);
    let waited = began.elapsed().as_secs();
    assert!((4..30).contains(&waited), "{waited} s");
}
