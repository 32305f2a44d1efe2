//! What is tampered with: reports at all three services, each with a short trail of many kinds of records.

use audit::{ActionType, DocumentStatus, ExecutionResult};
use prost_types::{Struct, Value, value};
use signoff_contract::audit::v1 as audit;
use signoff_contract::gateway::v1 as gateway;
use signoff_contract::versioning::v1::Verdict;
use signoff_tests::acts::{approved, modified, rejected};
use signoff_tests::lanes::{LOBS, Lanes, OWNERS};
use signoff_tests::office::TEAM;
use signoff_tests::people::request_id;
use signoff_tests::world::whole;
use signoff_tests::{House, Office, Stage, World, build};
use signoff_workflow::{Phase, Role};

/// Everything, each report by itself.
pub(super) async fn tell(house: &'static House) {
    let versioning = &house.versioning;
    Box::pin(samples(versioning)).await;
    report(versioning).await;
    remedies(versioning).await;
    let closed = Stage::open_in(versioning, Phase::PLANNING).await;
    closed.approved(2).await;
    closed.close_workflow("the cycle is over").await.unwrap();
    lanes(house).await;
    members(house).await;
}

/// Four versions: of the first, the reviewer changed an item, which a tester confirmed; of the second, one
/// was edited and one removed, and a second change was taken back; the third goes back to the first and was
/// rejected; the fourth is a draft that was given up.
async fn samples(world: &'static World) {
    let stage = Stage::open_in(world, Phase::SAMPLE_SELECTION).await;
    let submitted = stage.submitted(3).await;
    let all = stage.tester.decisions(&submitted).await;
    let mut change = modified(&all[0], build::sample("S-000000", "changed"), "typo");
    change.notes = "see the ledger".to_owned();
    stage.owner.rule(&submitted, vec![change]).await.unwrap();
    stage.owner.rule_rest(&submitted, Verdict::Approved).await.unwrap();
    stage.tester.confirm(&submitted, &[&all[0]]).await.unwrap();
    let first = stage.owner.approve(&submitted).await.unwrap();
    let second = stage.tester.revise(&stage.here, build::inputs(3..5)).await.unwrap();
    let carried = stage.tester.decision(&second, "S-000001").await;
    let edited = build::sample("S-000001", "edited");
    stage.tester.edit(&second, &carried, edited, "out of date").await.unwrap();
    let gone = stage.tester.decision(&second, "S-000002").await;
    stage.tester.remove(&second, &[&gone], "not of this period").await.unwrap();
    let submitted = stage.tester.submit(&second).await.unwrap();
    let changed = stage.tester.decision(&submitted, "S-000000").await;
    let again = modified(&changed, build::sample("S-000000", "alone"), "a digit");
    stage.owner.rule(&submitted, vec![again]).await.unwrap();
    stage.owner.rule(&submitted, vec![approved(&changed)]).await.unwrap();
    stage.approve_all(&stage.tester.get(&submitted).await.unwrap()).await;
    let third = stage.tester.revise_from(&first, build::inputs(9..10)).await.unwrap();
    let submitted = stage.tester.submit(&third).await.unwrap();
    let new = stage.tester.decision(&submitted, "S-000009").await;
    stage.owner.rule(&submitted, vec![rejected(&new, "of another report")]).await.unwrap();
    stage.owner.reject(&submitted, "not like this").await.unwrap();
    let fourth = stage.tester.revise(&stage.here, build::inputs(10..11)).await.unwrap();
    stage.tester.delete(&fourth, "begun by mistake").await.unwrap();
}

/// A report that was signed, by a delegate too, approved and attached.
async fn report(world: &'static World) {
    let stage = Stage::open_in(world, Phase::FINALIZE_TEST_REPORT).await;
    stage.attached_report().await;
}

/// Observations, of which one's remedy was spoken of twice.
async fn remedies(world: &'static World) {
    let stage = Stage::open_in(world, Phase::OBSERVATION_MANAGEMENT).await;
    stage.remedied().await;
}

/// Lanes that were handed over, documents that were revised, tests, requests, and a note.
async fn lanes(house: &'static House) {
    let lanes = Lanes::open_in(&house.audit).await;
    let mut assigned = Vec::new();
    for (lob, owner) in LOBS.into_iter().zip(OWNERS) {
        assigned.push(lanes.assign(lob, owner).await.unwrap());
    }
    lanes.transfer(&assigned[2], 110, "").await.unwrap();
    lanes.plan(&Lanes::cases(2)).await.unwrap();
    let first = lanes.cases_of(LOBS[0]).await;
    let document = lanes.submit(OWNERS[0], &first).await.unwrap();
    lanes.review(&document, DocumentStatus::RevisionRequested).await.unwrap();
    let document = lanes.revise(OWNERS[0], &document, 41).await.unwrap();
    let document = lanes.review(&document, DocumentStatus::Accepted).await.unwrap();
    let second = lanes.cases_of(LOBS[1]).await;
    let pending = lanes.submit(OWNERS[1], &second[..1]).await.unwrap();
    lanes.test(&first[0], &document, ExecutionResult::Fail).await;
    lanes.start(&second[0], &pending).await.unwrap();
    let asked = lanes.ask(&first[0], ActionType::DataUpdateRequest).await.unwrap();
    lanes.respond(OWNERS[0], &asked).await.unwrap();
    lanes.ask(&second[0], ActionType::DocumentRequest).await.unwrap();
    let text = Value { kind: Some(value::Kind::StringValue("by mail".to_owned())) };
    let note = Struct { fields: [("heard".to_owned(), text)].into() };
    lanes.record(Phase::REQUEST_INFO, note).await.unwrap();
}

/// Two workflows whose members changed, one of them with phases that rest on others, and closed in the end;
/// and lines of business.
async fn members(house: &'static House) {
    let office = Office::of(house).await;
    office.through(Phase::DATA_PROFILING).await;
    office.start(Phase::SCOPING).await.unwrap();
    for workflow in [office.workflow, house.workflow(&TEAM[..3]).await] {
        house.set_members(workflow, &[TEAM[0], (50, Role::TestLead)]).await;
        house.set_members(workflow, &TEAM[..3]).await;
    }
    let close = gateway::CloseWorkflowRequest {
        scope: Some(whole(office.workflow)),
        reason: "the cycle is over".to_owned(),
        request_id: request_id(),
    };
    house.admin().await.call(close).await.unwrap();
    let lob = |(lob, name): (&uuid::Uuid, &str)| gateway::Lob {
        lob_id: lob.to_string(),
        name: name.to_owned(),
        ..Default::default()
    };
    let set = |names: [&str; 2]| gateway::SetLobsRequest {
        lobs: LOBS.iter().zip(names).map(lob).collect(),
        reason: "as of this year".to_owned(),
        request_id: request_id(),
    };
    let admin = house.admin().await;
    admin.call(set(["Cards", "Mortgages"])).await.unwrap();
    admin.call(set(["Cards", "Home loans"])).await.unwrap();
}
