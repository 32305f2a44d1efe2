//! Who gets in, and who does not, through a real socket.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use signoff_chassis::identity::{Claims, ISSUER, SigningKey, TokenClaims};
use signoff_chassis::server::ServerOptions;
use signoff_contract::feed::v1::TrailRecord;
use signoff_contract::workflow::v1 as wire;
use signoff_workflow::Role;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::support::{GET_TRAIL, OTHER, Running, VERIFY_TRAIL, WORKFLOW, bearing, call};

async fn strict() -> Running {
    Running::start(ServerOptions::default()).await
}

/// Code and reason of a refusal; its message must name the cause.
fn refused(answer: Result<TrailRecord, Status>, code: Code, reason: &str, cause: &str) {
    let Err(status) = answer else { panic!("let in: {cause}") };
    assert_eq!(status.code(), code, "{cause}: {status:?}");
    let info = status.get_details_error_info().unwrap();
    assert_eq!((info.domain.as_str(), info.reason.as_str()), ("signoff", reason), "{cause}");
    assert!(status.message().contains(cause), "{:?} does not say {cause:?}", status.message());
}

#[tokio::test]
async fn a_good_assertion_gets_in() {
    let running = strict().await;
    let record = running.get_trail(WORKFLOW, Some(&running.sign(&call()))).await.unwrap();
    assert_eq!(record.actor_user_id, 7);
    assert_eq!(record.actor_subject, "ann");
    assert_eq!(record.method, GET_TRAIL);
}

#[tokio::test]
async fn whoever_is_not_known_stays_outside() {
    let running = strict().await;
    let now = call().iat;
    let sign = |claims: Claims| running.sign(&claims);
    let cases = [
        (None, "no bearer token"),
        (Some("nonsense".to_owned()), "malformed"),
        (Some(sign(Claims { exp: now - 10, ..call() })), "expired"),
        (Some(sign(Claims { exp: now + 300, ..call() })), "longer than 60 seconds"),
        (Some(sign(Claims { aud: "signoff".to_owned(), ..call() })), "audience"),
        (Some(sign(Claims { iss: "somebody".to_owned(), ..call() })), "issuer"),
        (Some(sign(Claims { method: None, ..call() })), "no claim \"method\""),
        (Some(sign(Claims { method: Some(VERIFY_TRAIL.to_owned()), ..call() })), "method"),
        (Some(SigningKey::generate().unwrap().sign(&call()).unwrap()), "known key"),
    ];
    for (token, cause) in cases {
        let answer = running.get_trail(WORKFLOW, token.as_deref()).await;
        refused(answer, Code::Unauthenticated, "TOKEN_INVALID", cause);
    }
}

#[tokio::test]
async fn tokens_that_are_not_signed_as_they_should_be_stay_outside() {
    let running = strict().await;
    let kid = running.key.kid().to_owned();
    let signed_by_the_key = |claims: &Value| {
        let path = running.folder.path().join("gateway.key");
        if !path.exists() {
            running.key.save(&path).unwrap();
        }
        let pem = std::fs::read_to_string(path).unwrap();
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = EncodingKey::from_ed_der(&STANDARD.decode(body).unwrap());
        let header = Header { kid: Some(kid.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, claims, &der).unwrap()
    };
    let mut claims = serde_json::to_value(call()).unwrap();
    let good = signed_by_the_key(&claims);
    assert!(running.get_trail(WORKFLOW, Some(&good)).await.is_ok());

    claims.as_object_mut().unwrap().remove("aud");
    let without_audience = signed_by_the_key(&claims);

    let payload = good.split('.').nth(1).unwrap();
    let none = URL_SAFE_NO_PAD.encode(json!({"alg": "none", "kid": kid}).to_string());

    let jwks = std::fs::read_to_string(running.folder.path().join("jwks.json")).unwrap();
    let public = serde_json::from_str::<Value>(&jwks).unwrap()["keys"][0]["x"].clone();
    let secret = URL_SAFE_NO_PAD.decode(public.as_str().unwrap()).unwrap();
    let header = Header { kid: Some(kid.clone()), ..Header::new(Algorithm::HS256) };
    let shared = jsonwebtoken::encode(&header, &call(), &EncodingKey::from_secret(&secret));

    for (token, cause) in [
        (without_audience, "no claim \"aud\""),
        (format!("{none}.{payload}."), "token"),
        (shared.unwrap(), "algorithm"),
    ] {
        let answer = running.get_trail(WORKFLOW, Some(&token)).await;
        refused(answer, Code::Unauthenticated, "TOKEN_INVALID", cause);
    }
}

#[tokio::test]
async fn an_assertion_for_one_call_is_good_for_no_other() {
    let running = strict().await;
    let token = running.sign(&call());
    let answer = running.get_trail(OTHER, Some(&token)).await;
    refused(answer, Code::Unauthenticated, "TOKEN_INVALID", "workflow");
    let scope = wire::Scope {
        phase: wire::Phase::Planning as i32,
        ..signoff_contract::convert::workflow_to_wire(WORKFLOW)
    };
    let answer = running.get_trail_of(Some(scope.clone()), Some(&token)).await;
    refused(answer, Code::Unauthenticated, "TOKEN_INVALID", "phase");
    let for_phase = running.sign(&Claims { phase: Some(1), ..call() });
    assert!(running.get_trail_of(Some(scope), Some(&for_phase)).await.is_ok());
}

#[tokio::test]
async fn roles_count_where_they_are_held() {
    let running = strict().await;
    let call = |workflow, roles: &[Role]| {
        let claims = Claims::new(7, "ann", Duration::from_secs(30)).on(workflow).calling(GET_TRAIL);
        running.sign(&claims.with_roles(roles.iter().copied()))
    };
    let tester = call(WORKFLOW, &[Role::Tester]);
    assert!(running.get_trail(WORKFLOW, Some(&tester)).await.is_ok());
    let auditor = call(OTHER, &[Role::Auditor]);
    assert!(running.get_trail(OTHER, Some(&auditor)).await.is_ok());
    for nobody in [&[][..], &[Role::Admin], &[Role::Gateway]] {
        let answer = running.get_trail(WORKFLOW, Some(&call(WORKFLOW, nobody))).await;
        refused(answer, Code::PermissionDenied, "ROLE_MISSING", "members of the workflow");
    }
}

#[tokio::test]
async fn a_service_reads_with_a_token_of_its_own() {
    let running = Running::with_provider().await;
    let hour = Duration::from_secs(3600);
    let sign = |claims: &TokenClaims| running.provider.sign_token(claims).unwrap();
    let service = || TokenClaims::new(2, "feed", hour).with_roles([Role::Service]);
    let record = running.get_trail(WORKFLOW, Some(&sign(&service()))).await.unwrap();
    assert_eq!((record.actor_user_id, record.actor_subject.as_str()), (2, "feed"));
    let narrowed = sign(&service().on(WORKFLOW));
    assert!(running.get_trail(WORKFLOW, Some(&narrowed)).await.is_ok());
    assert!(running.get_trail(WORKFLOW, Some(&running.sign(&call()))).await.is_ok());

    let person = TokenClaims::new(7, "ann", hour);
    let auditor = person.clone().with_roles([Role::Auditor, Role::Admin]);
    let stranger = running.key.sign_token(&service()).unwrap();
    let cases = [
        (OTHER, narrowed, "workflow"),
        (WORKFLOW, sign(&person), "people go through the gateway"),
        (WORKFLOW, sign(&auditor), "people go through the gateway"),
        (WORKFLOW, stranger, "known key"),
        (WORKFLOW, sign(&TokenClaims { aud: "x".to_owned(), ..service() }), "audience"),
        (WORKFLOW, sign(&TokenClaims { iss: "x".to_owned(), ..service() }), "issuer"),
        (WORKFLOW, sign(&TokenClaims { iss: ISSUER.to_owned(), ..service() }), "known key"),
        (WORKFLOW, running.provider.sign(&call()).unwrap(), "known key"),
    ];
    for (workflow, token, cause) in cases {
        let answer = running.get_trail(workflow, Some(&token)).await;
        refused(answer, Code::Unauthenticated, "TOKEN_INVALID", cause);
    }
}

#[tokio::test]
async fn where_no_provider_is_known_services_stay_outside_too() {
    let running = strict().await;
    let claims = TokenClaims::new(2, "feed", Duration::from_secs(3600)).with_roles([Role::Service]);
    for key in [&running.provider, &running.key] {
        let token = key.sign_token(&claims).unwrap();
        let answer = running.get_trail(WORKFLOW, Some(&token)).await;
        assert_eq!(answer.unwrap_err().code(), Code::Unauthenticated);
    }
}

#[tokio::test]
async fn all_fields_at_fault_are_named() {
    let running = strict().await;
    let scope = Some(wire::Scope { phase: 77, ..wire::Scope::default() });
    let status = running.get_trail_of(scope, Some(&running.sign(&call()))).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let named = status.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<&str> = named.iter().map(|v| v.field.as_str()).collect();
    assert_eq!(fields, ["scope.cycle_id", "scope.report_id", "scope.phase"]);
}

#[tokio::test]
async fn two_tokens_are_as_good_as_none() {
    let running = strict().await;
    let token = running.sign(&call());
    let mut request = bearing(
        signoff_contract::feed::v1::GetTrailRequest {
            scope: Some(signoff_contract::convert::workflow_to_wire(WORKFLOW)),
            ..Default::default()
        },
        Some(&token),
    );
    let second = format!("Bearer {token}").parse().unwrap();
    request.metadata_mut().append("authorization", second);
    let status = running.trail().get_trail(request).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn an_unknown_method_is_unimplemented_with_and_without_a_token() {
    use signoff_contract::versioning::v1::GetVersionRequest;
    use signoff_contract::versioning::v1::versioning_service_client::VersioningServiceClient;

    let running = strict().await;
    let mut client = VersioningServiceClient::new(running.channel.clone());
    for token in [None, Some(running.sign(&call()))] {
        let request = bearing(GetVersionRequest::default(), token.as_deref());
        assert_eq!(client.get_version(request).await.unwrap_err().code(), Code::Unimplemented);
    }
}
