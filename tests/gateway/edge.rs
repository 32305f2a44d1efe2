//! What goes through the gateway: headers and trailers, deadlines, cancellation, streams.

use prost::Message as _;
use signoff_contract::audit::v1::{ListLanesRequest, ListLanesResponse};
use signoff_contract::feed::v1::{ExportTrailRequest, ExportTrailResponse, Source};
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::people::{request_id, scope};
use signoff_tests::refusals::refused;
use signoff_tests::rpc::Rpc as _;
use signoff_tests::world::whole;
use signoff_tests::{Aside, House, build};
use signoff_workflow::{Phase, Role, Workflow};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use crate::raw::{FOREVER, Sender, framed, piecewise, say, whole as all};
use crate::recorder::Recorder;

const EXPORT_TRAIL: &str = "/signoff.feed.v1.TrailService/ExportTrail";
const IMPORT: &str = "/signoff.versioning.v1.VersioningService/ImportDecisions";
/// A trace, and the hop that it comes from.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const HOP: &str = "00f067aa0ba902b7";

fn lanes(workflow: Workflow) -> ListLanesRequest {
    ListLanesRequest { scope: Some(whole(workflow)), ..Default::default() }
}

fn trail(workflow: Workflow) -> ExportTrailRequest {
    ExportTrailRequest { scope: Some(whole(workflow)), source: Source::Audit.into() }
}

/// A gateway before a recorder, a workflow in it, and its tester.
async fn recorded(recorder: &Recorder) -> (Aside, Workflow, Sender) {
    let house = recorder.gateway().await;
    let workflow = house.workflow(&[(10, Role::Tester)]).await;
    let sender = Sender::new(house.address, &house.token(10, &[])).await;
    (house, workflow, sender)
}

#[tokio::test]
async fn headers_go_to_the_backend_with_an_assertion_instead_of_the_token() {
    let recorder = Recorder::start().await;
    let (house, workflow, sender) = recorded(&recorder).await;
    let sender = sender
        .with("x-request-id", "call-7")
        .with("traceparent", &format!("00-{TRACE}-{HOP}-01"))
        .with("tracestate", "vendor=1")
        .with("baggage", "a=b")
        .with("some-text", "as it was")
        .with("some-bin", "AAECAw")
        .with("grpc-timeout", "30S")
        .with("x-signoff-user", "20");
    let request = lanes(workflow);
    let sent = sender.clone();
    let call =
        tokio::spawn(async move { sent.send(ListLanesRequest::PATH, all(framed(&request))).await });
    let mut asked = recorder.asked().await;
    assert_eq!(asked.path, ListLanesRequest::PATH);
    assert_eq!(asked.hear().await.unwrap(), framed(&lanes(workflow)));
    for (name, value) in [
        ("x-request-id", "call-7"),
        ("tracestate", "vendor=1"),
        ("baggage", "a=b"),
        ("some-text", "as it was"),
        ("some-bin", "AAECAw"),
        ("grpc-timeout", "30S"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
    ] {
        assert_eq!(asked.headers[name], value, "{name}");
    }
    let parent = asked.headers["traceparent"].to_str().unwrap();
    assert!(parent.starts_with(&format!("00-{TRACE}-")) && parent.ends_with("-01"), "{parent}");
    assert!(!parent.contains(HOP), "this hop is the parent of the next: {parent}");
    let shown: Vec<_> = asked.headers.get_all("authorization").iter().collect();
    assert_eq!(shown.len(), 1);
    assert_ne!(shown[0].to_str().unwrap(), format!("Bearer {}", house.token(10, &[])));
    asked.answer(&ListLanesResponse::default());

    let heard = call.await.unwrap();
    assert_eq!(heard.status().code(), Code::Ok);
    assert_eq!(heard.headers["x-request-id"], "call-7");
}

#[tokio::test]
async fn answers_come_back_with_their_headers_and_trailers() {
    let recorder = Recorder::start().await;
    let (_house, workflow, sender) = recorded(&recorder).await;
    let send = || {
        let (sender, request) = (sender.clone(), lanes(workflow));
        tokio::spawn(
            async move { sender.send(ListLanesRequest::PATH, all(framed(&request))).await },
        )
    };
    let answer = ListLanesResponse { next_page_token: "more".to_owned(), ..Default::default() };

    let call = send();
    let answering = recorder.asked().await.begin(&[("x-head", "1"), ("head-bin", "AAEC")]);
    answering.say(framed(&answer));
    answering.end(&[("grpc-status", "0"), ("x-tail", "2"), ("tail-bin", "AwQF")]);
    let heard = call.await.unwrap();
    assert_eq!(heard.body, framed(&answer));
    assert_eq!(
        (&heard.headers["x-head"], &heard.headers["head-bin"]),
        (&"1".parse().unwrap(), &"AAEC".parse().unwrap())
    );
    assert_eq!(
        (&heard.trailers["x-tail"], &heard.trailers["tail-bin"]),
        (&"2".parse().unwrap(), &"AwQF".parse().unwrap())
    );
    assert!(heard.headers.contains_key("x-request-id"));

    // A refusal, before the answer began and after it.
    let mut metadata = MetadataMap::new();
    metadata.insert("x-more", "said".parse().unwrap());
    let details = (0..=255).collect::<Vec<u8>>();
    let refusal = Status::with_details_and_metadata(
        Code::Aborted,
        "not now: ä",
        details.clone().into(),
        metadata,
    );
    let call = send();
    recorder.asked().await.refuse(refusal.clone());
    let early = call.await.unwrap();
    let call = send();
    let answering = recorder.asked().await.begin(&[]);
    let mut trailers = http::HeaderMap::new();
    refusal.add_header(&mut trailers).unwrap();
    answering.say(framed(&answer));
    answering.end(
        &["grpc-status", "grpc-message", "grpc-status-details-bin", "x-more"]
            .map(|name| (name, trailers[name].to_str().unwrap())),
    );
    let late = call.await.unwrap();
    for heard in [early, late] {
        let status = heard.status();
        assert_eq!((status.code(), status.message()), (Code::Aborted, "not now: ä"));
        assert_eq!(status.details(), details);
        assert_eq!(status.metadata().get("x-more").unwrap(), "said");
    }
}

#[tokio::test]
async fn a_call_ends_when_its_client_gives_up_waiting() {
    let recorder = Recorder::start().await;
    let (house, workflow, _) = recorded(&recorder).await;
    // Over HTTP/1.1, where no client library keeps a clock of its own.
    let body = framed(&lanes(workflow));
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: a\r\nconnection: close\r\norigin: https://app.example\r\n\
         content-type: application/grpc-web+proto\r\ngrpc-timeout: 300m\r\n\
         authorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        ListLanesRequest::PATH,
        house.token(10, &[]),
        body.len(),
    );
    let address = house.address;
    let bytes = [head.as_bytes(), &body].concat();
    let call = tokio::spawn(async move { say(address, &bytes).await });
    let asked = recorder.asked().await;
    assert_eq!(asked.headers["grpc-timeout"], "300m");
    let heard = call.await.unwrap();
    assert!(heard.starts_with("HTTP/1.1 200"), "{heard}");
    assert!(heard.contains("grpc-status: 4\r\n"), "{heard}");
    assert!(heard.contains("grpc-status-details-bin: "), "{heard}");
    assert!(heard.contains("access-control-allow-origin: https://app.example\r\n"), "{heard}");
    assert!(heard.contains("access-control-expose-headers: "), "{heard}");
    asked.dropped().await;
}

#[tokio::test]
async fn a_request_that_does_not_come_ends_at_its_deadline() {
    let house = House::shared().await;
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 100\r\n\
         content-type: application/grpc-web+proto\r\ngrpc-timeout: 300m\r\n\
         authorization: Bearer {}\r\n\r\n\0\0",
        ListLanesRequest::PATH,
        house.token(10, &[]),
    );
    let heard = say(house.address, head.as_bytes()).await;
    assert!(heard.contains("grpc-status: 4\r\n"), "{heard}");
}

#[tokio::test]
async fn who_goes_away_is_not_worked_for() {
    let recorder = Recorder::start().await;
    let (house, workflow, sender) = recorded(&recorder).await;
    let tester = house.person(10, &[]).await;

    let request = lanes(workflow);
    let caller = tester.clone();
    let call = tokio::spawn(async move { caller.call(request).await });
    let asked = recorder.asked().await;
    call.abort();
    asked.dropped().await;

    // In the middle of a stream that comes, and of one that goes.
    let mut client = tester.trail.clone();
    let watching = tokio::spawn(async move { client.export_trail(trail(workflow)).await });
    let answering = recorder.asked().await.begin(&[]);
    let lines = ExportTrailResponse { json_lines: b"{}\n".to_vec() };
    answering.say(framed(&lines));
    let mut stream = watching.await.unwrap().unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap(), lines);
    drop(stream);
    answering.dropped().await;

    let (pieces, body) = piecewise();
    pieces.send(framed(&import(workflow))).unwrap();
    let call = tokio::spawn(async move { sender.begin(IMPORT, body).await });
    let mut asked = recorder.asked().await;
    asked.hear().await.unwrap();
    call.abort();
    asked.dropped().await;
}

fn import(workflow: Workflow) -> wire::ImportDecisionsRequest {
    wire::ImportDecisionsRequest {
        scope: Some(scope(workflow, Phase::SAMPLE_SELECTION)),
        version_id: request_id(),
        request_id: request_id(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_stream_arrives_as_it_is_sent() {
    let recorder = Recorder::start().await;
    let (house, workflow, _) = recorded(&recorder).await;
    let mut client = house.person(10, &[]).await.trail;
    let call = tokio::spawn(async move { client.export_trail(trail(workflow)).await });
    let asked = recorder.asked().await;
    assert_eq!(asked.path, EXPORT_TRAIL);
    let answering = asked.begin(&[]);
    let mut stream = call.await.unwrap().unwrap().into_inner();
    for line in 0..20 {
        // The next piece is sent when this one has arrived.
        let lines = ExportTrailResponse { json_lines: format!("{line}\n").into_bytes() };
        answering.say(framed(&lines));
        let arrived = tokio::time::timeout(FOREVER, stream.message()).await.unwrap();
        assert_eq!(arrived.unwrap().unwrap(), lines);
    }
    answering.end(&[("grpc-status", "15"), ("grpc-message", "lost")]);
    let ended = stream.message().await.unwrap_err();
    assert_eq!((ended.code(), ended.message()), (Code::DataLoss, "lost"));
}

#[tokio::test]
async fn a_page_gets_a_stream_as_it_is_sent() {
    let recorder = Recorder::start().await;
    let (house, workflow, _) = recorded(&recorder).await;
    let body = framed(&trail(workflow));
    let head = format!(
        "POST {EXPORT_TRAIL} HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc-web+proto\r\n\
         authorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        house.token(10, &[]),
        body.len(),
    );
    let mut page = TcpStream::connect(house.address).await.unwrap();
    page.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
    let answering = recorder.asked().await.begin(&[]);
    let mut heard = Vec::new();
    for piece in ["first", "second", "third"] {
        let lines = ExportTrailResponse { json_lines: format!("{piece} piece").into_bytes() };
        answering.say(framed(&lines));
        let wanted = lines.encode_to_vec();
        while !heard.windows(wanted.len()).any(|window| window == wanted) {
            let read = tokio::time::timeout(FOREVER, page.read_buf(&mut heard)).await;
            assert_ne!(read.expect("a piece").unwrap(), 0);
        }
    }
    // A page that is closed is not worked for.
    drop(page);
    answering.dropped().await;
}

#[tokio::test]
async fn an_import_reaches_the_backend_as_it_is_sent() {
    let recorder = Recorder::start().await;
    let (_house, workflow, sender) = recorded(&recorder).await;
    let (pieces, body) = piecewise();
    let first = import(workflow);
    pieces.send(framed(&first)).unwrap();
    let call = tokio::spawn(async move { sender.send(IMPORT, body).await });
    let mut asked = recorder.asked().await;
    assert_eq!(asked.hear().await.unwrap(), framed(&first));
    for number in 0..20 {
        let decisions = build::inputs(number..number + 1);
        let message = framed(&wire::ImportDecisionsRequest { decisions, ..Default::default() });
        pieces.send(message.clone()).unwrap();
        assert_eq!(asked.hear().await.unwrap(), message, "the next one is not sent yet");
    }
    drop(pieces);
    assert_eq!(asked.hear().await, None);
    let answer = wire::ImportDecisionsResponse { imported: 20, ..Default::default() };
    asked.answer(&answer);
    assert_eq!(call.await.unwrap().body, framed(&answer));
}

#[tokio::test]
async fn an_answer_may_come_before_the_end_of_an_import() {
    let recorder = Recorder::start().await;
    let (_house, workflow, sender) = recorded(&recorder).await;
    let (pieces, body) = piecewise();
    pieces.send(framed(&import(workflow))).unwrap();
    let call = tokio::spawn(async move { sender.send(IMPORT, body).await });
    recorder.asked().await.refuse(Status::failed_precondition("not so"));
    assert_eq!(call.await.unwrap().status().code(), Code::FailedPrecondition);
    drop(pieces);
}

#[tokio::test]
async fn a_backend_that_is_away_is_unavailable_and_others_are_served() {
    let mut house = House::new().await;
    let workflow = house.workflow(&[(10, Role::Tester)]).await;
    house.audit.pause().await;
    let mut tester = house.person(10, &[]).await;
    let away = tester.call(lanes(workflow)).await.map(tonic::Response::new);
    let away = refused(away, Code::Unavailable, ErrorReason::BackendUnavailable);
    assert!(away.get_details_retry_info().is_some(), "{away:?}");
    let request = wire::ListVersionsRequest {
        scope: Some(scope(workflow, Phase::PLANNING)),
        ..Default::default()
    };
    tester.versioning.list_versions(Request::new(request)).await.unwrap();
}

#[tokio::test]
async fn a_change_in_an_opened_phase_asks_the_backend_once() {
    let recorder = Recorder::start().await;
    let gateway = recorder.gateway().await;
    let workflow = House::shared().await.workflow(&[(10, Role::Tester)]).await;
    let tester = gateway.person(10, &[]).await;
    for _ in 0..3 {
        let request = wire::AddDecisionsRequest {
            scope: Some(scope(workflow, Phase::PLANNING)),
            request_id: request_id(),
            ..Default::default()
        };
        let called = tester.call(request);
        let answered = async {
            let asked = recorder.asked().await;
            assert_eq!(asked.path, wire::AddDecisionsRequest::PATH);
            asked.answer(&wire::AddDecisionsResponse::default());
        };
        let (answer, ()) = tokio::join!(called, answered);
        answer.unwrap();
    }
    recorder.expect_nothing_more().await;
}
