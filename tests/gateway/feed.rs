//! The feed, at each service and through the gateway.

mod away;
mod bulk;

use std::net::SocketAddr;
use std::time::Duration;

use signoff_chassis::identity::TokenClaims;
use signoff_contract::feed::v1 as wire;
use signoff_contract::feed::v1::Source;
use signoff_contract::gateway::v1::GetBoardRequest;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::house::SERVICE;
use signoff_tests::people::Person;
use signoff_tests::refusals::{fields, refusal};
use signoff_tests::subscriber::Received;
use signoff_tests::world::{connect, whole};
use signoff_tests::{House, Office};
use signoff_workflow::{Phase, Role};
use tonic::Code;

const SOURCES: [Source; 3] = [Source::Versioning, Source::Audit, Source::Gateway];

/// From the first record on, with everything.
fn from_source(source: Source) -> wire::SubscribeRequest {
    let source = source.into();
    wire::SubscribeRequest { source, with_details: true, ..Default::default() }
}

/// A service with a token of its own, at this address.
async fn service_at(house: &House, address: SocketAddr) -> Person {
    let claims = TokenClaims::new(SERVICE, "follower", Duration::from_secs(3600));
    let token = house.versioning.key.sign_token(&claims.with_roles([Role::Service])).unwrap();
    Person::with_token(&token, connect(address).await, SERVICE)
}

/// A service at the gateway.
async fn service_at_gateway(house: &House) -> Person {
    house.person(SERVICE, &[Role::Service]).await
}

/// Services wherever a feed is to be had: what is asked of each, and whether it is the gateway.
async fn services(house: &House) -> Vec<(Source, &'static str, Person)> {
    let mut services = Vec::new();
    for source in SOURCES {
        services.push((source, "the gateway", service_at_gateway(house).await));
    }
    for (source, address) in
        [(Source::Versioning, house.versioning.address), (Source::Audit, house.audit.address)]
    {
        services.push((source, "the service", service_at(house, address).await));
    }
    services
}

fn board(office: &Office) -> GetBoardRequest {
    GetBoardRequest { scope: Some(whole(office.workflow)) }
}

/// What is left of a record if its bytes must do.
fn bytes_of(record: &wire::TrailRecord) -> wire::TrailRecord {
    wire::TrailRecord {
        sequence: record.sequence,
        source: record.source,
        format: record.format,
        canonical: record.canonical.clone(),
        previous_hash: record.previous_hash.clone(),
        hash: record.hash.clone(),
        ..Default::default()
    }
}

/// The records of a workflow among others.
fn of_workflow(got: &[Received], office: &Office) -> Vec<wire::TrailRecord> {
    let scope = whole(office.workflow);
    got.iter().filter(|of| of.scope == scope).map(|of| of.record.clone()).collect()
}

#[tokio::test]
async fn every_record_of_every_workflow_comes_as_its_trail_shows_it() {
    let house = House::new().await;
    let offices = [Office::of(&house).await, Office::of(&house).await];
    offices[0].through(Phase::DATA_OWNER_ID).await;
    offices[1].through(Phase::SCOPING).await;
    for (source, at, service) in services(&house).await {
        let mut whole_ones = service.subscribe(from_source(source)).await.unwrap();
        whole_ones.all().await.unwrap();
        let short = wire::SubscribeRequest { bytes_only: true, ..from_source(source) };
        let mut short = service.subscribe(short).await.unwrap();
        short.all().await.unwrap();
        let mut records = 0;
        for office in &offices {
            let trail = office.trail(source).await;
            records += trail.len();
            assert_eq!(of_workflow(&whole_ones.got, office), trail, "{source:?} at {at}");
            let bytes: Vec<_> = trail.iter().map(bytes_of).collect();
            assert_eq!(of_workflow(&short.got, office), bytes, "{source:?} at {at}");
        }
        assert_eq!(whole_ones.got.len(), records, "nobody else has a trail");
        for (long, short) in whole_ones.got.iter().zip(&short.got) {
            assert_eq!((&long.cursor, &long.details), (&short.cursor, &short.details));
            assert_eq!(long.details.is_empty(), long.record.detail_rows == 0);
        }
        let without = wire::SubscribeRequest { with_details: false, ..from_source(source) };
        let mut without = service.subscribe(without).await.unwrap();
        without.all().await.unwrap();
        assert!(without.got.iter().all(|of| of.details.is_empty()));
        assert_eq!(without.got.len(), records);
    }
}

#[tokio::test]
async fn who_has_a_cursor_gets_the_rest_and_what_comes_then() {
    let house = House::new().await;
    let office = Office::of(&house).await;
    office.through(Phase::PLANNING).await;
    for (source, at, service) in services(&house).await {
        if source == Source::Audit {
            continue;
        }
        let mut all = service.subscribe(from_source(source)).await.unwrap();
        all.all().await.unwrap();
        let records = all.got.len();
        for had in [1, records.div_ceil(2), records] {
            let cursor = all.got[had - 1].cursor.clone();
            let request = wire::SubscribeRequest { cursor, ..from_source(source) };
            let mut rest = service.subscribe(request).await.unwrap();
            while had + rest.got.len() < records {
                rest.next().await.unwrap();
            }
            assert_eq!(rest.got, all.got[had..], "{source:?} at {at}");
        }
        // Whoever has all gets what comes then, and it alone.
        let cursor = all.got[records - 1].cursor.clone();
        let request = wire::SubscribeRequest { cursor, ..from_source(source) };
        let mut rest = service.subscribe(request).await.unwrap();
        rest.next().await.unwrap();
        assert!(rest.got.is_empty(), "{source:?} at {at}");
        office.reopen(Phase::PLANNING).await.unwrap();
        office.approve(Phase::PLANNING, Vec::new()).await;
        let new = office.trail(source).await.split_off(records);
        while rest.got.len() < new.len() {
            rest.next().await.unwrap();
        }
        assert_eq!(of_workflow(&rest.got, &office), new, "{source:?} at {at}");
    }
}

#[tokio::test]
async fn only_services_may_follow() {
    let house = House::new().await;
    let members = [(10, Role::Tester), (20, Role::ReportOwner)];
    house.workflow(&members).await;
    let everywhere = [Role::Auditor, Role::Admin, Role::Gateway];
    let on_a_report = [Role::Tester, Role::TestLead, Role::ReportOwner, Role::TestExecutive];
    for source in SOURCES {
        let refused = async |person: Person, who: &str| {
            let refused = person.subscribe(from_source(source)).await.map(drop);
            let code = refused.as_ref().unwrap_err().code();
            assert_eq!(code, Code::PermissionDenied, "{source:?}: {who}");
            refusal(refused, Code::PermissionDenied, ErrorReason::RoleMissing);
        };
        refused(house.person(10, &[]).await, "a member").await;
        for role in everywhere.iter().chain(&on_a_report) {
            refused(house.person(50, &[*role]).await, &role.to_string()).await;
        }
        let token = house.token(SERVICE, &[Role::Service]);
        let acting = Person::acting(&token, house.channel().await, SERVICE, 10);
        refused(acting, "a service in somebody's name").await;
        let unknown = Person::unknown(house.channel().await);
        let unknown = unknown.subscribe(from_source(source)).await.map(drop);
        refusal(unknown, Code::Unauthenticated, ErrorReason::TokenInvalid);
    }
    // Whoever goes round the gateway.
    for (source, address) in
        [(Source::Versioning, house.versioning.address), (Source::Audit, house.audit.address)]
    {
        let key = &house.versioning.key;
        for role in everywhere.iter().chain(&on_a_report) {
            let channel = connect(address).await;
            let person = Person::new(key, channel.clone(), 50, None, &[*role]);
            let refused = person.subscribe(from_source(source)).await.map(drop);
            assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied, "{role}");
            let claims = TokenClaims::new(50, "user-50", Duration::from_secs(60));
            let token = key.sign_token(&claims.with_roles([*role])).unwrap();
            let person = Person::with_token(&token, channel, 50);
            let refused = person.subscribe(from_source(source)).await.map(drop).unwrap_err();
            let codes = [Code::PermissionDenied, Code::Unauthenticated];
            assert!(codes.contains(&refused.code()), "{role}: {refused:?}");
        }
        let unknown = Person::unknown(connect(address).await);
        let unknown = unknown.subscribe(from_source(source)).await.map(drop);
        refusal(unknown, Code::Unauthenticated, ErrorReason::TokenInvalid);
    }
}

#[tokio::test]
async fn a_feed_that_is_not_there_is_not_followed() {
    let house = House::new().await;
    let gateway = service_at_gateway(&house).await;
    let versioning = service_at(&house, house.versioning.address).await;
    let audit = service_at(&house, house.audit.address).await;
    let numbers = |source: i32| wire::SubscribeRequest { source, ..Default::default() };
    for (service, source) in [
        (&gateway, 0),
        (&gateway, 9),
        (&gateway, -1),
        (&versioning, Source::Audit.into()),
        (&versioning, Source::Gateway.into()),
        (&versioning, 9),
        (&audit, Source::Versioning.into()),
    ] {
        let refused = service.subscribe(numbers(source)).await.map(drop);
        let refused = refusal(refused, Code::InvalidArgument, ErrorReason::ValidationFailed);
        assert_eq!(fields(&refused), ["source"], "{source}");
    }
    // Unset, it is the service's own.
    versioning.subscribe(numbers(0)).await.unwrap().next().await.unwrap();
}

#[tokio::test]
async fn a_cursor_that_names_no_record_is_not_followed() {
    let house = House::new().await;
    let office = Office::of(&house).await;
    office.through(Phase::PLANNING).await;
    let gateway = service_at_gateway(&house).await;
    let mut own = gateway.subscribe(from_source(Source::Gateway)).await.unwrap();
    own.all().await.unwrap();
    let foreign = own.got[0].cursor.clone();
    for (source, at, service) in services(&house).await {
        let with = |cursor: &str| wire::SubscribeRequest {
            cursor: cursor.to_owned(),
            ..from_source(source)
        };
        let long = "0".repeat(foreign.len() * 2);
        for bad in ["x", " ", &foreign[1..], &foreign[2..], &foreign.replace('0', "g"), &long] {
            let refused = service.subscribe(with(bad)).await.map(drop);
            let refused = refusal(refused, Code::InvalidArgument, ErrorReason::ValidationFailed);
            assert_eq!(fields(&refused), ["cursor"], "{bad}");
        }
        if source != Source::Gateway {
            let refused = service.subscribe(with(&foreign)).await.map(drop);
            assert!(refused.is_err(), "{source:?} at {at}");
            refusal(refused, Code::Aborted, ErrorReason::EpochChanged);
        }
    }
}
