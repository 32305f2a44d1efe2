//! The unified interface: one way to create, read and approve, for all nine phases by any name.

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use signoff_contract::gateway::v1 as wire;
use signoff_contract::versioning::v1 as versions;
use signoff_contract::workflow::v1::Scope;
use signoff_tests::people::{Person, request_id};
use signoff_tests::refusals::{fields, reason};
use signoff_tests::world::whole;
use signoff_tests::{House, build};
use signoff_workflow::{Phase, PhaseTable, Role, Workflow};
use tonic::Code;

/// A workflow with a tester and a report owner.
async fn people(house: &House) -> (Workflow, Person, Person) {
    let workflow = house.workflow(&[(10, Role::Tester), (20, Role::ReportOwner)]).await;
    (workflow, house.person(10, &[]).await, house.person(20, &[]).await)
}

fn text(text: &str) -> Value {
    Value { kind: Some(Kind::StringValue(text.to_owned())) }
}

fn object(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Struct {
    Struct { fields: fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect() }
}

fn nested(of: Struct) -> Value {
    Value { kind: Some(Kind::StructValue(of)) }
}

/// A decision of Planning as JSON has it.
fn attribute(number: u32) -> Value {
    let id = build::attribute_id(number);
    let payload = object([
        ("attribute_id", text(&id)),
        ("attribute_name", text("Current Credit Limit")),
        ("decision_type", text("DECISION_TYPE_INCLUDE")),
    ]);
    nested(object([
        ("item_key", text(&id)),
        ("source", text("RECOMMENDATION_SOURCE_TESTER")),
        ("payload", nested(object([("attribute_decision", nested(payload))]))),
    ]))
}

fn data() -> Struct {
    let decisions = ListValue { values: vec![attribute(1), attribute(2)] };
    object([
        ("notes", text("as last year")),
        ("decisions", Value { kind: Some(Kind::ListValue(decisions)) }),
        ("source_system", text("the old one")),
    ])
}

fn create(workflow: Workflow, phase_name: &str, data: Struct) -> wire::CreateVersionRequest {
    wire::CreateVersionRequest {
        scope: Some(whole(workflow)),
        phase_name: phase_name.to_owned(),
        data: Some(data),
        request_id: request_id(),
    }
}

fn approve(version_id: &str, phase_name: &str) -> wire::ApproveVersionRequest {
    wire::ApproveVersionRequest {
        phase_name: phase_name.to_owned(),
        version_id: version_id.to_owned(),
        request_id: request_id(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_version_is_created_approved_and_read_by_the_name_of_its_phase() {
    let house = House::shared().await;
    let (workflow, tester, _) = people(house).await;
    let request = create(workflow, "planning", data());
    let created = tester.call(request.clone()).await.unwrap();
    assert_eq!(created.status, "created");
    assert_eq!(tester.call(request).await.unwrap(), created, "done once");

    let current = wire::GetCurrentVersionRequest {
        scope: Some(whole(workflow)),
        phase_name: "PLANNING".to_owned(),
    };
    let missing = tester.call(current.clone()).await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);

    let scope = Scope { phase: Phase::PLANNING.number(), ..whole(workflow) };
    let version = versions::GetVersionRequest {
        scope: Some(scope.clone()),
        version_id: created.version_id.clone(),
    };
    let draft = tester.call(version).await.unwrap().version.unwrap();
    assert_eq!((draft.number, draft.creation_notes.as_str()), (1, "as last year"));
    assert_eq!(draft.phase_data.clone().unwrap().fields["source_system"], text("the old one"));
    let submitted = tester.submit(&draft).await.unwrap();
    tester.rule_rest(&submitted, versions::Verdict::Approved).await.unwrap();
    let approved = tester.call(approve(&created.version_id, "")).await.unwrap();
    assert_eq!(approved.status, "approved");

    let found = tester.call(current).await.unwrap().version.unwrap();
    assert_eq!(found.version_id, created.version_id);
    let next = create(workflow, "Planning", object([("notes", text("once more"))]));
    let next = tester.call(next).await.unwrap();
    let history = wire::GetVersionHistoryRequest {
        scope: Some(whole(workflow)),
        phase_name: "Planning".to_owned(),
        ..Default::default()
    };
    let history = tester.call(history).await.unwrap().versions;
    let ids: Vec<&str> = history.iter().map(|version| version.version_id.as_str()).collect();
    assert_eq!(ids, [&next.version_id, &created.version_id]);
    assert_eq!(history[0].counts.unwrap().carried, 2);
}

#[tokio::test]
async fn who_may_not_approve_by_the_backends_rule_may_not_here() {
    let house = House::shared().await;
    let (workflow, tester, owner) = people(house).await;
    let created = tester.call(create(workflow, "Planning", data())).await.unwrap();
    let refused = owner.call(approve(&created.version_id, "Planning")).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::PermissionDenied, "ROLE_MISSING")
    );
    let stranger = house.person(77, &[]).await;
    let refused = stranger.call(approve(&created.version_id, "")).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let elsewhere = tester.call(approve(&created.version_id, "Scoping")).await.unwrap_err();
    assert_eq!(elsewhere.code(), Code::NotFound);
    let unknown = tester.call(approve(&request_id(), "")).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
}

#[tokio::test]
async fn every_phase_answers_to_all_of_its_names() {
    let house = House::shared().await;
    let (workflow, tester, _) = people(house).await;
    for row in PhaseTable::standard().rows() {
        let names = [row.slug, row.display_name].into_iter().chain(row.aliases.iter().copied());
        for name in names {
            let request = wire::ExplainGateRequest {
                scope: Some(whole(workflow)),
                phase_name: name.to_uppercase(),
                ..Default::default()
            };
            let told = tester.call(request).await.unwrap();
            assert_eq!(told.allowed, row.phase == Phase::PLANNING, "{name}");
        }
    }
    let unknown = create(workflow, "Phase 10", object([]));
    let refused = tester.call(unknown).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn where_nothing_is_approved_every_member_hears_why() {
    let house = House::shared().await;
    let (workflow, tester, owner) = people(house).await;
    for phase in ["Data Provider ID", "Request Info", "Testing"] {
        let request = wire::ApproveVersionRequest {
            scope: Some(whole(workflow)),
            ..approve(&request_id(), phase)
        };
        for person in [&tester, &owner] {
            let refused = person.call(request.clone()).await.unwrap_err();
            assert_eq!(refused.code(), Code::FailedPrecondition, "{phase}");
            assert_eq!(reason(&refused), "NOTHING_TO_APPROVE", "{phase}");
        }
        let current = wire::GetCurrentVersionRequest {
            scope: Some(whole(workflow)),
            phase_name: phase.to_owned(),
        };
        let told = owner.call(current).await.unwrap();
        assert!(told.version.is_none() && told.phase_status.is_some(), "{phase}");
        // What it rests on is not there: nothing can be recorded yet.
        let record = create(workflow, phase, object([("what", text("a call"))]));
        let refused = tester.call(record).await.unwrap_err();
        assert_eq!(reason(&refused), "PHASE_DEPENDENCY_UNMET", "{phase}");
    }
}

#[tokio::test]
async fn what_is_at_fault_in_the_data_is_named_by_its_path() {
    let house = House::shared().await;
    let (workflow, tester, _) = people(house).await;
    let items = |key: Value| {
        let items = [object([("item_key", text("a"))]), object([("item_key", key)])];
        let values = items.map(nested).to_vec();
        object([("decisions", Value { kind: Some(Kind::ListValue(ListValue { values })) })])
    };
    let number = Value { kind: Some(Kind::NumberValue(5.0)) };
    let cases = [
        (items(number), "data.decisions[1].item_key"),
        (object([("metadata", nested(object([("plannings", text("x"))])))]), "data.metadata"),
        (object([("notes", nested(object([])))]), "data.notes"),
    ];
    for (data, field) in cases {
        let refused = tester.call(create(workflow, "Planning", data)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
        let named = fields(&refused);
        assert!(named.len() == 1 && named[0].starts_with(field), "{field}: {named:?}");
    }
}
