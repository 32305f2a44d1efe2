//! Errors that no handler made look like all others.

use signoff_chassis::server::ServerOptions;
use signoff_contract::convert::workflow_to_wire;
use signoff_contract::feed::v1::{GetTrailRequest, GetTrailResponse};
use signoff_contract::versioning::v1::LocateVersionRequest;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::support::{GET_TRAIL, LEAK, PANIC, Running, WORKFLOW, bearing, call};

async fn with_page_token(running: &Running, page_token: String) -> Status {
    let scope = Some(workflow_to_wire(WORKFLOW));
    let request = GetTrailRequest { scope, page_token, ..GetTrailRequest::default() };
    let request = bearing(request, Some(&running.sign(&call())));
    running.trail().get_trail(request).await.unwrap_err()
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().unwrap().reason
}

#[tokio::test]
async fn a_message_that_is_too_large_exceeds_a_limit() {
    let running = Running::start(ServerOptions::default()).await;
    let status = with_page_token(&running, "x".repeat(5 * 1024 * 1024)).await;
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(reason(&status), "LIMIT_EXCEEDED");
}

#[tokio::test]
async fn a_message_of_another_type_is_the_clients_fault() {
    let running = Running::start(ServerOptions::default()).await;
    let mut client = tonic::client::Grpc::new(running.channel.clone());
    client.ready().await.unwrap();
    // Field 1 is a text here and a message there.
    let message = LocateVersionRequest { version_id: "no scope".to_owned() };
    let request = bearing(message, Some(&running.sign(&call())));
    let codec = tonic_prost::ProstCodec::<LocateVersionRequest, GetTrailResponse>::default();
    let path = http::uri::PathAndQuery::from_static(GET_TRAIL);
    let status = client.unary(request, path, codec).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(reason(&status), "VALIDATION_FAILED");
}

#[tokio::test]
async fn a_panic_fails_its_own_call_only() {
    let running = Running::start(ServerOptions::default()).await;
    let status = with_page_token(&running, PANIC.to_owned()).await;
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Internal, "INTERNAL"));
    assert!(running.get_trail(WORKFLOW, Some(&running.sign(&call()))).await.is_ok());
}

#[tokio::test]
async fn the_text_of_an_internal_error_stays_inside() {
    let running = Running::start(ServerOptions::default()).await;
    let status = with_page_token(&running, LEAK.to_owned()).await;
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Internal, "INTERNAL"));
    assert!(!status.message().contains("password"));
}
