//! What no client would send: each of it gets an answer or is closed, and the next caller is served.

use prost::bytes::Bytes;
use signoff_contract::feed::v1::GetTrailRequest;
use signoff_contract::gateway::v1 as wire;
use signoff_contract::versioning::v1 as versions;
use signoff_contract::versioning::v1::{CreateVersionRequest, ListVersionsRequest};
use signoff_tests::people::{request_id, scope};
use signoff_tests::rpc::{Rpc, methods};
use signoff_tests::wait::until;
use signoff_tests::{House, Person, refusals};
use signoff_workflow::{Phase, Role};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tonic::Code;
use tonic::codegen::http::StatusCode;
use tonic::codegen::http::header::AUTHORIZATION;

use crate::raw::{Heard, Sender, frame, framed, piecewise, rest, say, whole};

/// A method of each kind: of the gateway and of both backends, with and without a scope, one message
/// and streams in both directions.
const KINDS: [&str; 8] = [
    "/signoff.audit.v1.TestCaseService/ListLanes",
    "/signoff.feed.v1.TrailService/ExportTrail",
    "/signoff.feed.v1.TrailService/GetTrail",
    "/signoff.gateway.v1.WorkflowService/ListWorkflows",
    "/signoff.gateway.v1.WorkflowService/WatchBoard",
    "/signoff.versioning.v1.VersioningService/CreateVersion",
    "/signoff.versioning.v1.VersioningService/ImportDecisions",
    "/signoff.versioning.v1.VersioningService/LocateVersion",
];
/// Longest message of most methods, and of those that carry many decisions.
const LONGEST: usize = 4 * 1024 * 1024;
const LONGEST_OF_MANY: usize = 32 * 1024 * 1024;
const OF_MANY: [&str; 5] = [
    "/signoff.gateway.v1.PhaseService/CreateVersion",
    "/signoff.versioning.v1.VersioningService/AddDecisions",
    "/signoff.versioning.v1.VersioningService/CreateVersion",
    "/signoff.versioning.v1.VersioningService/ReviewDecisions",
    "/signoff.versioning.v1.VersioningService/ReviseVersion",
];

async fn anybody(house: &House) -> Sender {
    Sender::new(house.address, &house.token(10, &[Role::Service])).await
}

/// The next caller is served.
async fn expect_served(house: &House) {
    expect_answered(&house.person(11, &[Role::Auditor]).await).await;
}

async fn expect_answered(person: &Person) {
    person.call(wire::ListWorkflowsRequest::default()).await.unwrap();
}

/// The begin of a message of this length.
fn begun(length: usize) -> Bytes {
    let length = u32::try_from(length).unwrap().to_be_bytes();
    [&[0], length.as_slice(), &[10, 0]].concat().into()
}

fn expect_refused(heard: &Heard, code: Code, reason: &str, what: &str) {
    let status = heard.status();
    assert_eq!(status.code(), code, "{what}: {status:?}");
    assert_eq!(refusals::reason(&status), reason, "{what}");
}

#[tokio::test]
async fn what_is_no_message_is_refused() {
    let house = House::shared().await;
    let sender = anybody(house).await;
    let no_message: [(&str, Bytes); 4] = [
        ("nothing", Bytes::new()),
        ("half a prefix", Bytes::from_static(&[0, 0, 0])),
        ("less than its length", Bytes::from_static(&[0, 0, 0, 0, 9, 10, 2])),
        ("garbage", frame(0, &[0xff; 100])),
    ];
    for path in KINDS {
        for (what, bytes) in &no_message {
            let heard = sender.send(path, whole(bytes.clone())).await;
            let what = format!("{path}: {what}");
            expect_refused(&heard, Code::InvalidArgument, "VALIDATION_FAILED", &what);
        }
        for flag in [1, 2, 128, 255] {
            let heard = sender.send(path, whole(frame(flag, &[10, 0]))).await;
            assert_eq!(heard.status().code(), Code::Unimplemented, "{path}: flag {flag}");
        }
        let packed = sender.with("grpc-encoding", "gzip");
        let heard = packed.send(path, whole(frame(0, &[]))).await;
        assert_eq!(heard.status().code(), Code::Unimplemented, "{path}: {:?}", heard.status());
    }
    expect_served(house).await;
}

#[tokio::test]
async fn a_scope_nested_without_end_is_refused() {
    let house = House::shared().await;
    let sender = anybody(house).await;
    // A group in a group in a group, in a field that nobody knows.
    let nested = [vec![0x7b; 100_000], vec![0x7c; 100_000]].concat();
    for path in KINDS {
        let heard = sender.send(path, whole(frame(0, &nested))).await;
        expect_refused(&heard, Code::InvalidArgument, "VALIDATION_FAILED", path);
    }
    expect_served(house).await;
}

#[tokio::test]
async fn a_message_that_is_too_long_is_refused_before_it_comes() {
    let house = House::shared().await;
    let sender = anybody(house).await;
    for path in methods() {
        let of_many = OF_MANY.contains(&path.as_str());
        let longest = if of_many { LONGEST_OF_MANY } else { LONGEST };
        for length in [longest + 1, usize::try_from(u32::MAX).unwrap()] {
            let (pieces, body) = piecewise();
            pieces.send(begun(length)).unwrap();
            // The rest never comes, and nobody waits for it.
            let heard = sender.send(&path, body).await;
            expect_refused(&heard, Code::ResourceExhausted, "LIMIT_EXCEEDED", &path);
        }
    }
    expect_served(house).await;
}

#[tokio::test]
async fn the_longest_message_arrives_whole() {
    let house = House::shared().await;
    let workflow = house.workflow(&[(10, Role::Tester)]).await;
    let sender = Sender::new(house.address, &house.token(10, &[])).await;
    let scope = || Some(scope(workflow, Phase::PLANNING));
    let listed = |token: String| {
        framed(&ListVersionsRequest { scope: scope(), page_token: token, ..Default::default() })
    };
    let created = |notes: String| {
        framed(&CreateVersionRequest {
            scope: scope(),
            notes,
            request_id: request_id(),
            ..Default::default()
        })
    };
    type Padded<'a> = &'a (dyn Fn(String) -> Bytes + Sync);
    let cases: [(&str, usize, Padded<'_>); 2] = [
        (ListVersionsRequest::PATH, LONGEST, &listed),
        (CreateVersionRequest::PATH, LONGEST_OF_MANY, &created),
    ];
    for (path, longest, padded) in cases {
        // A prefix of the message and one of the text are not of the text.
        let beside = padded("x".repeat(longest / 2)).len() - longest / 2 - 5;
        let heard = sender.send(path, whole(padded("x".repeat(longest - beside)))).await;
        expect_refused(&heard, Code::InvalidArgument, "VALIDATION_FAILED", path);
        let heard = sender.send(path, whole(padded("x".repeat(longest - beside + 1)))).await;
        expect_refused(&heard, Code::ResourceExhausted, "LIMIT_EXCEEDED", path);
    }
    expect_served(house).await;
}

#[tokio::test]
async fn a_later_message_that_is_too_long_ends_an_import() {
    let house = House::shared().await;
    let workflow = house.workflow(&[(10, Role::Tester)]).await;
    let tester = house.person(10, &[]).await;
    let version = tester.create(&scope(workflow, Phase::PLANNING), Vec::new()).await.unwrap();
    let first = framed(&versions::ImportDecisionsRequest {
        scope: version.scope.clone(),
        version_id: version.version_id.clone(),
        request_id: request_id(),
        ..Default::default()
    });
    let sender = Sender::new(house.address, &house.token(10, &[])).await;
    let long = framed(&versions::ImportDecisionsRequest {
        etag: "x".repeat(LONGEST),
        ..Default::default()
    });
    for later in [long, begun(LONGEST_OF_MANY + 1)] {
        let (pieces, body) = piecewise();
        pieces.send(first.clone()).unwrap();
        pieces.send(later).unwrap();
        let path = "/signoff.versioning.v1.VersioningService/ImportDecisions";
        let heard = sender.send(path, body).await;
        expect_refused(&heard, Code::ResourceExhausted, "LIMIT_EXCEEDED", path);
    }
    assert_eq!(tester.get(&version).await.unwrap(), version, "nothing was imported");
}

#[tokio::test]
async fn another_content_is_not_taken_for_a_call() {
    let house = House::shared().await;
    let workflow = house.workflow(&[(10, Role::Tester)]).await;
    let sender = Sender::new(house.address, &house.token(10, &[])).await;
    let request =
        ListVersionsRequest { scope: Some(scope(workflow, Phase::PLANNING)), ..Default::default() };
    let path = ListVersionsRequest::PATH;
    for kind in ["application/json", "text/plain", "application/x-www-form-urlencoded", "grpc", " "]
    {
        let heard = sender.with("content-type", kind).send(path, whole(framed(&request))).await;
        assert_eq!(heard.http, StatusCode::NOT_FOUND, "{kind}");
        assert_eq!(heard.headers["content-type"], "application/problem+json", "{kind}");
    }
    let heard = sender.untyped().send(path, whole(framed(&request))).await;
    assert_eq!(heard.http, StatusCode::NOT_FOUND);
    for kind in ["application/grpc", "application/grpc+proto"] {
        let heard = sender.with("content-type", kind).send(path, whole(framed(&request))).await;
        assert_eq!(heard.status().code(), Code::Ok, "{kind}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_unimplemented() {
    let house = House::shared().await;
    let sender = anybody(house).await;
    let long = format!("/signoff.versioning.v1.VersioningService/{}", "x".repeat(10_000));
    for path in [
        "/",
        "//",
        "/signoff.versioning.v1.VersioningService",
        "/signoff.versioning.v1.VersioningService/",
        "/signoff.versioning.v1.VersioningService/Nothing",
        "/signoff.versioning.v1.VersioningService/GetVersion/",
        "/signoff.versioning.v1.VersioningService//GetVersion",
        "/signoff.versioning.v1.VersioningService/get_version",
        "/signoff.versioning.v1.VersioningService%2FGetVersion",
        "/signoff.versioning.v1.VersioningService/../VersioningService/GetVersion",
        "/signoff.versioning.v2.VersioningService/GetVersion",
        "/grpc.health.v1.HealthX/Check",
        "/grpc.health.v1.Health/Nothing",
        &long,
    ] {
        let heard = sender.send(path, whole(frame(0, &[]))).await;
        assert_eq!(heard.status().code(), Code::Unimplemented, "{path}: {:?}", heard.status());
    }
    expect_served(house).await;
}

#[tokio::test]
async fn an_odd_token_opens_nothing() {
    let house = House::shared().await;
    let good = house.token(10, &[Role::Auditor]);
    let sender = Sender::new(house.address, &good).await;
    let path = "/signoff.gateway.v1.WorkflowService/ListWorkflows";
    let other = house.token(11, &[Role::Auditor]);
    for (what, sender) in [
        ("of 9 KiB", sender.with("authorization", &format!("Bearer {}", "x".repeat(9 * 1024)))),
        ("twice", sender.and(AUTHORIZATION, &format!("Bearer {good}"))),
        ("two of them", sender.and(AUTHORIZATION, &format!("Bearer {other}"))),
        ("with nothing else", sender.and(AUTHORIZATION, "")),
        ("of another scheme", sender.with("authorization", &format!("Basic {good}"))),
        ("without a scheme", sender.with("authorization", &good)),
        ("two in one", sender.with("authorization", &format!("Bearer {good}, Bearer {good}"))),
        ("none", sender.with("authorization", "")),
        ("with a tail", sender.with("authorization", &format!("Bearer {good}.{good}"))),
    ] {
        let heard = sender.send(path, whole(frame(0, &[]))).await;
        expect_refused(&heard, Code::Unauthenticated, "TOKEN_INVALID", what);
    }
    assert_eq!(sender.send(path, whole(frame(0, &[]))).await.status().code(), Code::Ok);
}

#[tokio::test]
async fn headers_without_end_are_not_taken() {
    let house = House::shared().await;
    let sender = anybody(house).await;
    let path = "/signoff.gateway.v1.WorkflowService/ListWorkflows";
    let long = sender.with("x-long", &"x".repeat(1024 * 1024));
    let answered =
        tokio::time::timeout(crate::raw::FOREVER, long.begin(path, whole(frame(0, &[]))));
    // Refused by its status, or its stream is reset.
    if let Ok(response) = answered.await.expect("an answer") {
        assert_eq!(response.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    }
    expect_served(house).await;
}

#[tokio::test]
async fn what_is_no_http_is_closed() {
    let house = House::shared().await;
    let long = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(1024 * 1024));
    let frames = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &[0xff; 64]].concat();
    let early =
        [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &[0, 0, 5, 0, 0, 0, 0, 0, 1, 1, 2]];
    for (what, bytes) in [
        ("words", b"how do you do?\r\n\r\n".as_slice()),
        ("bytes", &[0, 1, 2, 3, 0xff, 0xfe, 13, 10, 13, 10]),
        ("TLS", &[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3, 13, 10, 13, 10]),
        ("another version", b"GET / HTTP/3.0\r\n\r\n"),
        ("an odd length", b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n"),
        (
            "two lengths",
            b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        ),
        ("a header without end", long.as_bytes()),
        ("no frames", &frames),
        ("no settings", &early.concat()),
    ] {
        let heard = say(house.address, bytes).await;
        assert!(!heard.contains(" 200 "), "{what}: {heard}");
    }
    expect_served(house).await;
}

#[tokio::test]
async fn old_http_is_answered() {
    let house = House::shared().await;
    for (request, answer) in [
        ("GET / HTTP/1.0\r\n\r\n", "HTTP/1.0 404"),
        ("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", "HTTP/1.1 404"),
        ("GET / HTTP/1.1\r\nconnection: close\r\n\r\n", "HTTP/1.1 404"),
        (
            "POST /signoff.gateway.v1.WorkflowService/ListWorkflows HTTP/1.1\r\nhost: a\r\n\
             connection: close\r\ncontent-type: application/grpc\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400",
        ),
    ] {
        let heard = say(house.address, request.as_bytes()).await;
        assert!(heard.starts_with(answer), "{request}: {heard}");
    }
    expect_served(house).await;
}

#[tokio::test]
async fn who_falls_silent_is_in_nobodys_way() {
    let house = House::shared().await.aside(|args| args.max_connection_age_seconds = 2).await;
    let begun: [&[u8]; 5] = [
        b"",
        b"PRI * HT",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        b"GET / HTTP/1.1\r\nhos",
        b"POST /signoff.gateway.v1.WorkflowService/ListWorkflows HTTP/1.1\r\nhost: a\r\n\
          content-type: application/grpc-web\r\ncontent-length: 100\r\n\r\n",
    ];
    let mut silent = Vec::new();
    for bytes in begun.iter().cycle().take(300) {
        let mut connection = TcpStream::connect(house.address).await.unwrap();
        connection.write_all(bytes).await.unwrap();
        silent.push(connection);
    }
    expect_answered(&house.person(11, &[Role::Auditor]).await).await;
    // Each is closed in the end, by its age or because its head does not come.
    for mut connection in silent {
        rest(&mut connection).await;
    }
}

#[tokio::test]
async fn slow_senders_hold_nobody_up() {
    let house = House::shared().await;
    // About nothing: only whoever has read all of it can tell.
    let request = GetTrailRequest { page_token: "x".repeat(30), ..Default::default() };
    let sender = anybody(house).await;
    let (mut slow, mut answers) = (Vec::new(), Vec::new());
    for _ in 0..50 {
        let (pieces, body) = piecewise();
        let sender = sender.clone();
        answers.push(tokio::spawn(async move { sender.send(GetTrailRequest::PATH, body).await }));
        slow.push(pieces);
    }
    for byte in framed(&request) {
        for pieces in &slow {
            pieces.send(Bytes::from(vec![byte])).unwrap();
        }
        expect_served(house).await;
    }
    drop(slow);
    for answer in answers {
        let heard = answer.await.unwrap();
        expect_refused(&heard, Code::InvalidArgument, "VALIDATION_FAILED", "a slow sender");
        assert!(refusals::fields(&heard.status()).contains(&"source".to_owned()));
    }
}

/// What a request over plain HTTP is answered whose body does not come.
async fn begun_over_http(house: &House, headers: &str) -> String {
    let path = "/api/v1/phases/planning/versions";
    let head = format!("POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{headers}\r\n");
    say(house.address, format!("{head}\r\n{{").as_bytes()).await
}

#[tokio::test]
async fn a_body_is_not_waited_for_before_it_is_known_whose_it_is() {
    let house = House::shared().await;
    let token = format!("authorization: Bearer {}", house.token(10, &[]));
    let cases = [
        ("content-length: 1000".to_owned(), "401", "TOKEN_INVALID"),
        ("authorization: Bearer x\r\ncontent-length: 1000".to_owned(), "401", "TOKEN_INVALID"),
        (format!("{token}\r\ncontent-length: 33554433"), "429", "LIMIT_EXCEEDED"),
    ];
    for (headers, status, reason) in cases {
        let heard = begun_over_http(house, &headers).await;
        assert!(heard.starts_with(&format!("HTTP/1.1 {status} ")), "{headers}: {heard}");
        assert!(heard.contains("content-type: application/problem+json\r\n"), "{heard}");
        assert!(heard.contains(&format!("\"reason\":\"{reason}\"")), "{headers}: {heard}");
    }
    expect_served(house).await;
}

#[tokio::test]
async fn bodies_that_do_not_come_count_as_open_calls() {
    let house = House::shared().await.aside(|args| args.calls_per_caller = 2).await;
    let tester = house.person(10, &[]).await;
    let head = format!(
        "POST /api/v1/phases/planning/versions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{{",
        house.token(10, &[]),
    );
    let mut begun = Vec::new();
    for _ in 0..2 {
        let mut connection = TcpStream::connect(house.address).await.unwrap();
        connection.write_all(head.as_bytes()).await.unwrap();
        begun.push(connection);
    }
    let list = || tester.call(wire::ListWorkflowsRequest::default());
    let full = until("both are there", || async { list().await.err() }).await;
    assert_eq!(
        (full.code(), refusals::reason(&full).as_str()),
        (Code::ResourceExhausted, "LIMIT_EXCEEDED")
    );
    expect_answered(&house.person(11, &[Role::Auditor]).await).await;
    drop(begun);
    until("both are gone", || async { list().await.ok() }).await;
}
