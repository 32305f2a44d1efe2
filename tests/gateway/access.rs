//! Who may call what at the gateway: every method, role and phase, by the table that was written out by
//! hand.

use std::collections::BTreeSet;

use prost::Message as _;
use prost_reflect::{DynamicMessage, ReflectMessage as _, Value};
use signoff_chassis::identity::{Claims, SigningKey, TokenClaims};
use signoff_contract::feed::v1::Source;
use signoff_tests::people::{Person, request_id, scope};
use signoff_tests::refusals;
use signoff_tests::rpc::{Sent, methods};
use signoff_tests::{House, world};
use signoff_workflow::{Phase, Role, Workflow};
use tonic::{Code, Status};

use crate::table::{TABLE, Who, may};

/// The phases in which everything is tried: their approvers differ.
const PHASES: [Phase; 5] = [
    Phase::PLANNING,
    Phase::SCOPING,
    Phase::SAMPLE_SELECTION,
    Phase::REQUEST_INFO,
    Phase::FINALIZE_TEST_REPORT,
];

/// A request of a method that says what it is about, and nothing else.
fn about(path: &str, workflow: Workflow, phase: Phase) -> Sent {
    let sent = Sent { path: path.to_owned(), bytes: Vec::new() };
    let mut message = sent.message();
    let fields: Vec<String> =
        message.descriptor().fields().map(|field| field.name().to_owned()).collect();
    if fields.iter().any(|field| field == "scope") {
        let descriptor = message.descriptor().get_field_by_name("scope").unwrap().kind();
        let descriptor = descriptor.as_message().unwrap().clone();
        let bytes = scope(workflow, phase).encode_to_vec();
        let scope = DynamicMessage::decode(descriptor, bytes.as_slice()).unwrap();
        message.set_field_by_name("scope", Value::Message(scope));
    }
    if fields.iter().any(|field| field == "request_id") {
        message.set_field_by_name("request_id", Value::String(request_id()));
    }
    if path.starts_with("/signoff.feed.") {
        message.set_field_by_name("source", Value::EnumNumber(Source::Versioning.into()));
    }
    Sent { bytes: message.encode_to_vec(), ..sent }
}

/// Whether somebody was let in, whatever else is wrong with what they ask.
async fn is_let_in(person: &Person, sent: &Sent) -> bool {
    let answered =
        tokio::time::timeout(std::time::Duration::from_secs(20), person.first_answer(sent));
    match answered.await.unwrap_or_else(|_| panic!("{} hangs", sent.path)) {
        Ok(_) => true,
        Err(status) => {
            assert_ne!(status.code(), Code::Unauthenticated, "{}: {status:?}", sent.path);
            assert_ne!(status.code(), Code::Unimplemented, "{}: {status:?}", sent.path);
            assert_ne!(status.code(), Code::Internal, "{}: {status:?}", sent.path);
            status.code() != Code::PermissionDenied
        }
    }
}

/// Methods whose caller the service itself must know: only it can say whose data something is.
fn is_looked_up(who: Who) -> bool {
    matches!(who, Who::DataOwner)
}

#[tokio::test]
async fn the_table_names_every_method() {
    let named: BTreeSet<&str> = TABLE.iter().map(|(path, _)| *path).collect();
    let all = methods();
    assert_eq!(named, all.iter().map(String::as_str).collect());
}

#[tokio::test]
async fn each_role_may_at_the_gateway_what_the_table_says() {
    let house = House::new().await;
    let held = [Role::Tester, Role::TestLead, Role::ReportOwner, Role::TestExecutive];
    let members: Vec<(i64, Role)> = (100..).zip(held).collect();
    let workflow = house.workflow(&members).await;
    let elsewhere = house.workflow(&[(200, Role::Tester), (200, Role::ReportOwner)]).await;
    assert_ne!(workflow, elsewhere);

    let mut people = Vec::new();
    for (user_id, role) in &members {
        people.push((format!("{role}"), Some(*role), house.person(*user_id, &[]).await));
    }
    for (user_id, role) in [(301, Role::Auditor), (302, Role::Admin), (303, Role::Service)] {
        people.push((format!("{role}"), Some(role), house.person(user_id, &[role]).await));
    }
    for (user_id, claimed) in [(304, Role::Tester), (305, Role::Gateway)] {
        let who = format!("somebody whose token claims {claimed}");
        people.push((who, None, house.person(user_id, &[claimed]).await));
    }
    people.push(("a member of another report".to_owned(), None, house.person(200, &[]).await));
    people.push(("somebody without any role".to_owned(), None, house.person(306, &[]).await));

    let mut wrong = Vec::new();
    for (path, who) in TABLE.iter().filter(|(_, who)| !is_looked_up(*who)) {
        for phase in PHASES {
            let sent = about(path, workflow, phase);
            for (name, role, person) in &people {
                let expected = match role {
                    Some(role) => may(*who, *role, phase),
                    None => *who == Who::Anybody,
                };
                if is_let_in(person, &sent).await != expected {
                    wrong.push(format!(
                        "{path} in phase {}: {name}: not {expected}",
                        phase.number()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn a_token_that_is_not_believed_opens_no_method() {
    let house = House::shared().await;
    let workflow = house.workflow(&[(10, Role::Tester)]).await;
    let channel = house.channel().await;
    let good = house.claims(10, &[Role::Admin, Role::Auditor, Role::Service]);
    let signed = |claims: &TokenClaims| house.token_of(claims);
    let stranger = SigningKey::generate().unwrap();
    let assertion = Claims::new(10, "ann", std::time::Duration::from_secs(30))
        .with_roles([Role::Tester, Role::Gateway])
        .on(workflow);
    let tokens = [
        ("expired", signed(&TokenClaims { exp: good.iat - 60, ..good.clone() })),
        ("wrong audience", signed(&TokenClaims { aud: "other".to_owned(), ..good.clone() })),
        ("wrong issuer", signed(&TokenClaims { iss: "other".to_owned(), ..good.clone() })),
        ("wrong key", stranger.sign_token(&good).unwrap()),
        ("the gateway's own assertion", house.versioning.key.sign(&assertion).unwrap()),
        ("no token at all", "x.y.z".to_owned()),
    ];
    let mut people: Vec<(&str, Person)> = tokens
        .iter()
        .map(|(what, token)| (*what, Person::with_token(token, channel.clone(), 10)))
        .collect();
    people.push(("none", Person::unknown(channel.clone())));
    for (path, _) in TABLE {
        let sent = about(path, workflow, Phase::PLANNING);
        for (what, person) in &people {
            let refused = person.first_answer(&sent).await.unwrap_err();
            assert_eq!(refused.code(), Code::Unauthenticated, "{path}: {what}: {refused:?}");
            assert_eq!(refusals::reason(&refused), "TOKEN_INVALID", "{path}: {what}");
        }
    }
}

#[tokio::test]
async fn a_service_may_in_somebodys_name_what_they_may() {
    let house = House::shared().await;
    let workflow = house.workflow(&[(10, Role::Tester), (20, Role::ReportOwner)]).await;
    let service = |person: i64| {
        let channel = house.channel();
        async move {
            let token = house.token(92, &[Role::Service]);
            Person::acting(&token, channel.await, 92, person)
        }
    };
    let create =
        about("/signoff.versioning.v1.VersioningService/CreateVersion", workflow, Phase::PLANNING);
    assert!(is_let_in(&service(10).await, &create).await);
    assert!(!is_let_in(&service(20).await, &create).await, "not theirs to do");
    assert!(!is_let_in(&service(99).await, &create).await, "no member");
    // A service's own role is none of the person's.
    let read =
        about("/signoff.versioning.v1.VersioningService/ListVersions", workflow, Phase::PLANNING);
    assert!(!is_let_in(&service(99).await, &read).await);
    assert!(is_let_in(&service(20).await, &read).await);

    let token = house.token(10, &[]);
    let person = Person::acting(&token, house.channel().await, 10, 20);
    assert!(!is_let_in(&person, &read).await, "a person acts for nobody");
    let zero = Person::acting(&house.token(92, &[Role::Service]), house.channel().await, 92, 0);
    let refused: Status = zero.first_answer(&read).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_narrowed_token_is_good_for_its_workflow_only() {
    let house = House::shared().await;
    let here = house.workflow(&[(10, Role::Tester)]).await;
    let there = house.workflow(&[(10, Role::Tester)]).await;
    let token = house.token_of(&house.claims(10, &[]).on(here));
    let person = Person::with_token(&token, house.channel().await, 10);
    let path = "/signoff.versioning.v1.VersioningService/ListVersions";
    assert!(is_let_in(&person, &about(path, here, Phase::PLANNING)).await);
    let refused = person.first_answer(&about(path, there, Phase::PLANNING)).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let listed = about("/signoff.gateway.v1.WorkflowService/ListWorkflows", here, Phase::PLANNING);
    assert_eq!(person.first_answer(&listed).await.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn whoever_goes_round_the_gateway_changes_nothing() {
    let house = House::shared().await;
    let workflow = house.workflow(&[(10, Role::Tester)]).await;
    let tokens = [house.token(10, &[]), house.token(92, &[Role::Service])];
    for (address, services) in [
        (house.versioning.address, "/signoff.versioning."),
        (house.audit.address, "/signoff.audit."),
    ] {
        let channel = world::connect(address).await;
        let mut people: Vec<Person> =
            tokens.iter().map(|token| Person::with_token(token, channel.clone(), 10)).collect();
        people.push(Person::unknown(channel.clone()));
        for (path, _) in TABLE.iter().filter(|(path, _)| path.starts_with(services)) {
            let sent = about(path, workflow, Phase::PLANNING);
            if !sent.has("request_id") {
                continue;
            }
            for person in &people {
                let refused = person.first_answer(&sent).await.unwrap_err();
                assert_eq!(refused.code(), Code::Unauthenticated, "{path}: {refused:?}");
            }
        }
    }
}
