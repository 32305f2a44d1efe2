//! A call that says two things: what is authorised is what is done.

use std::time::Duration;

use prost::Message as _;
use signoff_chassis::identity::Claims;
use signoff_contract::feed::v1::{GetTrailRequest, Source};
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::{ErrorReason, Scope};
use signoff_tests::bulk::import_into;
use signoff_tests::people::{request_id, scope};
use signoff_tests::refusals::{fields, refusal};
use signoff_tests::rpc::{Rpc, Sent};
use signoff_tests::world::{connect, whole};
use signoff_tests::{House, Person, build};
use signoff_workflow::{Phase, Role, Workflow};
use tonic::{Code, Status};

use crate::raw::{Sender, framed, whole as all};

const TESTER: i64 = 10;
const STRANGER: i64 = 20;

/// The scopes that a message may begin with: whole ones and parts of them.
fn parts(here: &Scope, there: &Scope) -> Vec<Scope> {
    let mut parts = vec![Scope::default()];
    for scope in [here, there] {
        parts.push(scope.clone());
        parts.push(Scope { cycle_id: scope.cycle_id.clone(), ..Scope::default() });
        parts.push(Scope { report_id: scope.report_id.clone(), ..Scope::default() });
        parts.push(Scope { phase: 0, ..scope.clone() });
    }
    parts.push(Scope { phase: Phase::PLANNING.number(), ..Scope::default() });
    parts.push(Scope { phase: Phase::SCOPING.number(), ..Scope::default() });
    parts
}

/// A request with two fields 1.
fn twice(first: &Scope, second: &Scope) -> Sent {
    let begin = wire::CreateVersionRequest { scope: Some(first.clone()), ..Default::default() };
    let end = wire::CreateVersionRequest {
        scope: Some(second.clone()),
        request_id: request_id(),
        ..Default::default()
    };
    let bytes = [begin.encode_to_vec(), end.encode_to_vec()].concat();
    Sent { path: wire::CreateVersionRequest::PATH.to_owned(), bytes }
}

/// How the backend puts two scopes together.
fn merged(first: &Scope, second: &Scope) -> Scope {
    let mut merged = first.clone();
    merged.merge(second.encode_to_vec().as_slice()).unwrap();
    merged
}

async fn versions(house: &House, workflow: Workflow, phase: Phase) -> usize {
    let auditor = house.person(91, &[Role::Auditor]).await;
    auditor.versions(&scope(workflow, phase)).await.len()
}

#[tokio::test]
async fn two_scopes_let_nobody_act_where_they_hold_no_role() {
    let house = House::shared().await;
    let mine = house.workflow(&[(TESTER, Role::Tester)]).await;
    let theirs = house.workflow(&[(STRANGER, Role::Tester)]).await;
    let here = scope(mine, Phase::PLANNING);
    let there = scope(theirs, Phase::PLANNING);
    let tester = house.person(TESTER, &[]).await;
    let parts = parts(&here, &there);
    let mut done = 0;
    for first in &parts {
        for second in &parts {
            let answer = tester.send(&twice(first, second)).await;
            let about = merged(first, second);
            let is_mine = about.cycle_id == here.cycle_id && about.report_id == here.report_id;
            match answer {
                Ok(answer) => {
                    let answer = wire::CreateVersionResponse::decode(answer.as_slice()).unwrap();
                    let version = answer.version.unwrap();
                    assert!(is_mine, "{first:?} and {second:?}");
                    assert_eq!(version.scope, Some(about), "{first:?} and {second:?}");
                    tester.delete(&version, "tried").await.unwrap();
                    done += 1;
                }
                Err(status) if is_mine => {
                    assert_ne!(status.code(), Code::PermissionDenied, "{first:?} and {second:?}");
                }
                Err(status) => assert!(
                    matches!(status.code(), Code::PermissionDenied | Code::InvalidArgument),
                    "{first:?} and {second:?}: {status:?}"
                ),
            }
        }
    }
    assert!(done > 3, "some of them are good: {done}");
    assert_eq!(versions(house, theirs, Phase::PLANNING).await, 0);
    assert_eq!(versions(house, mine, Phase::PLANNING).await, done);
}

#[tokio::test]
async fn a_second_message_of_a_call_that_takes_one_is_not_applied() {
    let house = House::shared().await;
    let mine = house.workflow(&[(TESTER, Role::Tester)]).await;
    let theirs = house.workflow(&[(STRANGER, Role::Tester)]).await;
    let request = |workflow| wire::CreateVersionRequest {
        scope: Some(scope(workflow, Phase::PLANNING)),
        request_id: request_id(),
        ..Default::default()
    };
    let sender = Sender::new(house.address, &house.token(TESTER, &[])).await;
    for (first, second) in [(mine, theirs), (theirs, mine)] {
        let both = [framed(&request(first)), framed(&request(second))].concat();
        sender.send(wire::CreateVersionRequest::PATH, all(both)).await;
    }
    assert_eq!(versions(house, theirs, Phase::PLANNING).await, 0);
    assert!(versions(house, mine, Phase::PLANNING).await <= 1);
}

#[tokio::test]
async fn the_last_source_of_two_is_the_one_that_is_read() {
    let house = House::shared().await;
    let mine = house.workflow(&[(TESTER, Role::Tester)]).await;
    let tester = house.person(TESTER, &[]).await;
    tester.create(&scope(mine, Phase::PLANNING), Vec::new()).await.unwrap();
    let request = |source: Source| GetTrailRequest {
        scope: Some(whole(mine)),
        source: source.into(),
        ..Default::default()
    };
    for last in [Source::Versioning, Source::Audit, Source::Gateway] {
        for first in [Source::Versioning, Source::Audit, Source::Gateway] {
            let bytes = [request(first), request(last)].map(|one| one.encode_to_vec()).concat();
            let sent = Sent { path: GetTrailRequest::PATH.to_owned(), bytes };
            let answer = tester.send(&sent).await.unwrap();
            let answer = <GetTrailRequest as Rpc>::Answer::decode(answer.as_slice()).unwrap();
            let expected = tester.call(request(last)).await.unwrap();
            assert_eq!(answer, expected, "{first:?}, {last:?}");
            assert!(answer.records.iter().all(|record| record.source() == last));
        }
    }
}

#[tokio::test]
async fn an_import_stays_where_it_began() {
    let house = House::shared().await;
    let mine = house.workflow(&[(TESTER, Role::Tester)]).await;
    let theirs = house.workflow(&[(STRANGER, Role::Tester)]).await;
    let tester = house.person(TESTER, &[]).await;
    let draft = tester.create(&scope(mine, Phase::PLANNING), Vec::new()).await.unwrap();
    let stranger = house.person(STRANGER, &[]).await;
    let other = stranger.create(&scope(theirs, Phase::PLANNING), Vec::new()).await.unwrap();

    for elsewhere in [
        scope(theirs, Phase::PLANNING),
        scope(mine, Phase::SCOPING),
        Scope { cycle_id: whole(theirs).cycle_id, ..scope(mine, Phase::PLANNING) },
    ] {
        let later = wire::ImportDecisionsRequest {
            scope: Some(elsewhere),
            decisions: build::items(Phase::PLANNING, 0..3),
            ..Default::default()
        };
        let refused = tester.send_import(vec![import_into(&draft), later]).await;
        let refused = refusal(refused, Code::InvalidArgument, ErrorReason::ValidationFailed);
        assert!(fields(&refused).iter().any(|field| field.contains("scope")), "{refused:?}");
    }
    // Nor does it begin elsewhere.
    let first = import_into(&other);
    let refused = tester.send_import(vec![first.clone()]).await;
    refusal(refused, Code::PermissionDenied, ErrorReason::RoleMissing);
    let later = wire::ImportDecisionsRequest {
        decisions: build::items(Phase::PLANNING, 0..3),
        ..import_into(&draft)
    };
    let refused = tester.send_import(vec![first, later]).await;
    refusal(refused, Code::PermissionDenied, ErrorReason::RoleMissing);
    let borrowed =
        wire::ImportDecisionsRequest { scope: draft.scope.clone(), ..import_into(&other) };
    let refused = tester.send_import(vec![borrowed]).await;
    assert_eq!(refused.unwrap_err().code(), Code::NotFound);

    assert_eq!(tester.get(&draft).await.unwrap(), draft);
    assert_eq!(stranger.get(&other).await.unwrap(), other);
}

/// Sends a request straight to a backend, with an assertion that says this.
async fn straight(house: &House, sent: &Sent, claims: &Claims) -> Result<Vec<u8>, Status> {
    let at_audit = sent.path.starts_with("/signoff.audit.");
    let address = if at_audit { house.audit.address } else { house.versioning.address };
    let assertion = house.versioning.key.sign(claims).unwrap();
    Person::with_token(&assertion, connect(address).await, TESTER).send(sent).await
}

#[tokio::test]
async fn an_assertion_is_good_for_its_own_call_only() {
    let house = House::shared().await;
    let mine = house.workflow(&[(TESTER, Role::Tester)]).await;
    let other = house.workflow(&[(TESTER, Role::Tester)]).await;
    let list = Sent::of(&wire::ListVersionsRequest {
        scope: Some(scope(mine, Phase::PLANNING)),
        ..Default::default()
    });
    let create = Sent::of(&wire::CreateVersionRequest {
        scope: Some(scope(mine, Phase::PLANNING)),
        request_id: request_id(),
        ..Default::default()
    });
    let owners = Sent::of(&signoff_contract::audit::v1::ListAssignmentsRequest {
        scope: Some(scope(mine, Phase::DATA_OWNER_ID)),
        ..Default::default()
    });
    for (sent, phase, elsewhere) in [
        (list, Phase::PLANNING, Phase::SCOPING),
        (create, Phase::PLANNING, Phase::SCOPING),
        (owners, Phase::DATA_OWNER_ID, Phase::REQUEST_INFO),
    ] {
        let good = Claims::new(TESTER, "ann", Duration::from_secs(30))
            .with_roles([Role::Tester])
            .calling(sent.path.clone())
            .on(mine);
        let good = Claims { phase: Some(phase.number()), ..good };
        let half = |report_id| Claims { report_id: Some(report_id), ..good.clone() };
        let borrowed = [
            (
                "another method",
                good.clone().calling("/signoff.versioning.v1.VersioningService/GetVersion"),
            ),
            ("no method", Claims { method: None, ..good.clone() }),
            ("another workflow", good.clone().on(other)),
            ("another report", half(other.report_id)),
            ("no workflow", Claims { cycle_id: None, report_id: None, ..good.clone() }),
            ("another phase", Claims { phase: Some(elsewhere.number()), ..good.clone() }),
            ("no phase", Claims { phase: None, ..good.clone() }),
            ("people", Claims { aud: "signoff".to_owned(), ..good.clone() }),
            ("yesterday", Claims { exp: good.iat - 60, iat: good.iat - 90, ..good.clone() }),
            ("an hour", Claims { exp: good.exp + 3600, ..good.clone() }),
        ];
        for (what, claims) in borrowed {
            let refused = straight(house, &sent, &claims).await;
            let what = format!("{}: for {what}", sent.path);
            let status = refused.expect_err(&what);
            assert_eq!(status.code(), Code::Unauthenticated, "{what}: {status:?}");
        }
        let answer = straight(house, &sent, &good).await;
        // The phase may not have been opened: it was let in.
        let let_in = answer.map_or_else(|status| status.code(), |_| Code::Ok);
        assert!(matches!(let_in, Code::Ok | Code::FailedPrecondition), "{}: {let_in:?}", sent.path);
    }
    assert_eq!(versions(house, mine, Phase::PLANNING).await, 0);
}
