//! The trail as a file: what the service kept, to be verified without it.

use std::net::SocketAddr;
use std::time::Duration;

use signoff_chassis::identity::Claims;
use signoff_contract::feed::v1 as feed;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_ledger::{Source, verify_export};
use signoff_tests::refusals::{fields, refusal};
use signoff_tests::world::{serve_args, whole};
use signoff_tests::{Person, Stage, World, build};
use signoff_versioning::executions::AuditArgs;
use signoff_versioning::{ServeArgs, Service};
use signoff_workflow::{Phase, Role};
use sqlx::{AssertSqlSafe, Connection as _};
use tokio_util::sync::CancellationToken;
use tonic::transport::Endpoint;
use tonic::{Code, Streaming};

use crate::tampering::tamper;

fn request(stage: &Stage) -> feed::ExportTrailRequest {
    feed::ExportTrailRequest { scope: Some(whole(stage.workflow)), source: 0 }
}

#[tokio::test]
async fn the_file_holds_what_the_trail_says() {
    let stage = Stage::samples().await;
    stage.approved(3).await;
    stage.next(build::inputs(3..5)).await;
    let trail = stage.tester.trail_of(stage.workflow).await;
    let file = stage.tester.exported(stage.workflow).await.unwrap();

    let found = verify_export(file.as_slice()).unwrap();
    assert_eq!(found.fault, None);
    assert_eq!((found.source, found.workflow), (Source::Versioning, stage.workflow));
    let verified = stage.tester.verify(stage.workflow).await;
    let head = verified.head.unwrap();
    assert_eq!(found.records, verified.records);
    assert_eq!((found.head.sequence, found.head.hash.to_vec()), (head.sequence, head.hash));

    let lines: Vec<serde_json::Value> = file
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    let records: Vec<_> = lines.iter().filter_map(|line| line.get("record")).collect();
    assert_eq!(records.len(), trail.len());
    for (line, record) in records.into_iter().zip(&trail) {
        assert_eq!(line["sequence"], record.sequence);
        assert_eq!(line["format"], record.format);
        assert_eq!(line["canonical"].as_str().unwrap().as_bytes(), record.canonical);
        assert_eq!(line["hash"], hex::encode(&record.hash).as_str());
        assert_eq!(line["previous_hash"], hex::encode(&record.previous_hash).as_str());
        let rows: usize = lines
            .iter()
            .filter_map(|line| line.get("details"))
            .filter(|details| details["sequence"] == record.sequence)
            .map(|details| {
                let body: serde_json::Value =
                    serde_json::from_str(details["body"].as_str().unwrap()).unwrap();
                body["rows"].as_array().unwrap().len()
            })
            .sum();
        assert_eq!(i64::try_from(rows).unwrap(), record.detail_rows, "record {}", record.sequence);
    }
}

#[tokio::test]
async fn a_workflow_that_nothing_happened_in_is_a_file_too() {
    let stage = Stage::closed(Phase::PLANNING).await;
    let file = stage.tester.exported(stage.workflow).await.unwrap();
    let found = verify_export(file.as_slice()).unwrap();
    assert_eq!((found.intact(), found.records, found.head.sequence), (true, 0, 0));
}

#[tokio::test]
async fn members_auditors_and_services_may_have_it() {
    let stage = Stage::samples().await;
    let auditor = stage.person(30, &[Role::Auditor]);
    let service = stage.person(50, &[Role::Service]);
    for person in [&stage.tester, &stage.owner, &auditor, &service] {
        person.exported(stage.workflow).await.unwrap();
    }
    let elsewhere = Stage::samples().await;
    for person in [&elsewhere.tester, &stage.person(2, &[Role::Admin]), &stage.gateway] {
        let answer = person.exported(stage.workflow).await;
        refusal(answer, Code::PermissionDenied, ErrorReason::RoleMissing);
    }
}

#[tokio::test]
async fn each_fault_of_the_question_is_named() {
    let stage = Stage::samples().await;
    let ask = async |request| stage.tester.trail.clone().export_trail(request).await.map(drop);
    for source in [2, 3, 99, -1] {
        let answer = ask(feed::ExportTrailRequest { source, ..request(&stage) }).await;
        let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
        assert_eq!(fields(&status), ["source"]);
    }
    let scope = Some(stage.here.clone());
    let answer = ask(feed::ExportTrailRequest { scope, ..request(&stage) }).await;
    let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(fields(&status), ["scope.phase"]);
    ask(feed::ExportTrailRequest { source: 1, ..request(&stage) }).await.unwrap();
}

#[tokio::test]
async fn what_was_altered_in_the_database_shows_in_the_file() {
    let world: &'static World = Box::leak(Box::new(World::new().await));
    for (deed, record) in [
        (
            "update trail set canonical = overlay(canonical placing '\\x7e' from 20) where seq = 4",
            4,
        ),
        ("update trail set hash = sha256(hash) where seq = 5", 5),
        ("delete from trail where seq = 4", 4),
        ("update trail_details set body = overlay(body placing '\\x7e' from 5) where seq = 3", 3),
        ("delete from trail_details where seq = 3", 3),
    ] {
        let stage = Stage::open_in(world, Phase::SAMPLE_SELECTION).await;
        stage.approved(3).await;
        tamper(&stage, deed).await;
        let file = stage.tester.exported(stage.workflow).await.unwrap();
        let found = verify_export(file.as_slice()).unwrap();
        let fault = found.fault.unwrap_or_else(|| panic!("{deed}"));
        assert_eq!((fault.record, found.records), (Some(record), record - 1), "{deed}: {fault}");
    }
}

/// A trail of several megabytes.
async fn long(stage: &Stage) {
    let submitted = stage.submitted(10_000).await;
    stage.approve_all(&submitted).await;
}

/// A client that takes little at once, so that the server has to wait for it.
async fn slow_client(stage: &Stage, address: SocketAddr) -> Person {
    let claims = Claims::new(30, "user-30", Duration::from_secs(600));
    let claims = claims.with_roles([Role::Auditor]);
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let channel = endpoint
        .initial_stream_window_size(65_535)
        .initial_connection_window_size(65_535)
        .connect()
        .await
        .unwrap();
    Person::with_claims(&stage.world.key, channel, claims)
}

/// What is left of a file, and in how many messages it came.
async fn rest(
    mut answers: Streaming<feed::ExportTrailResponse>,
) -> Result<(Vec<u8>, usize), tonic::Status> {
    let (mut file, mut messages) = (Vec::new(), 0);
    while let Some(answer) = answers.message().await? {
        assert!(answer.json_lines.ends_with(b"\n"), "whole lines");
        assert!(answer.json_lines.len() < 1024 * 1024, "{}", answer.json_lines.len());
        file.extend(answer.json_lines);
        messages += 1;
    }
    Ok((file, messages))
}

#[tokio::test]
async fn clients_that_take_their_time_hold_nothing_up_and_get_the_chain_of_when_they_asked() {
    let stage = Stage::samples().await;
    long(&stage).await;
    let before = stage.tester.trail_of(stage.workflow).await;
    // A replica with one connection to the database, and several clients that wait.
    let world = stage.world;
    let args = ServeArgs {
        database_connections: 1,
        ..serve_args(&world.urls, world.jwks(), AuditArgs::default())
    };
    let replica = Service::prepare(args).await.unwrap();
    let address = replica.address();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(replica.run(shutdown.clone()));
    let mut waiting = Vec::new();
    for _ in 0..4 {
        let mut client = slow_client(&stage, address).await.trail;
        let mut answers = client.export_trail(request(&stage)).await.unwrap().into_inner();
        let first = answers.message().await.unwrap().unwrap().json_lines;
        waiting.push((first, answers));
    }
    // Work goes on, and the chain grows.
    stage.next(build::inputs(10_000..10_001)).await;
    assert!(stage.tester.trail_of(stage.workflow).await.len() > before.len());
    let mut files = Vec::new();
    for (first, answers) in waiting {
        let (rest, messages) = rest(answers).await.unwrap();
        assert!(messages > 4, "{messages} messages");
        files.push([first, rest].concat());
    }
    assert!(files.iter().all(|file| *file == files[0]));
    let found = verify_export(files[0].as_slice()).unwrap();
    assert_eq!((found.fault, found.records), (None, i64::try_from(before.len()).unwrap()));
    assert_eq!(found.head.hash.to_vec(), before.last().unwrap().hash);
    shutdown.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_database_that_fails_in_the_middle_ends_the_file_with_a_proper_status() {
    let world: &'static World = Box::leak(Box::new(World::new().await));
    let stage = Stage::open_in(world, Phase::SAMPLE_SELECTION).await;
    long(&stage).await;
    let mut client = slow_client(&stage, world.address).await.trail;
    let mut answers = client.export_trail(request(&stage)).await.unwrap().into_inner();
    answers.message().await.unwrap().unwrap();
    let mut superuser = world.as_superuser().await;
    let revoke = "revoke select on trail, trail_details from signoff_service";
    sqlx::query(AssertSqlSafe(revoke)).execute(&mut superuser).await.unwrap();
    superuser.close().await.unwrap();
    refusal(rest(answers).await, Code::Internal, ErrorReason::Internal);
}
