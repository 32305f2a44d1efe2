//! `signoff board`, beside a running system and without one.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod helper;

use std::{fs, time::Duration};

use helper::{Up, open_folder, run, until};
use serde_json::{Value, json};
use signoff::stack::provider_key;
use signoff_chassis::identity::TokenClaims;
use signoff_contract::gateway::v1 as wire;
use signoff_contract::gateway::v1::phase_service_client::PhaseServiceClient;
use signoff_contract::gateway::v1::workflow_service_client::WorkflowServiceClient;
use signoff_contract::workflow::v1 as shared;
use signoff_workflow::Role;
use tonic::Request;
use tonic::transport::Channel;
use uuid::Uuid;

/// A report with a tester, in which Planning was started.
async fn a_report(up: &Up) -> (String, String) {
    let id = || Uuid::new_v4().to_string();
    let (cycle_id, report_id) = (id(), id());
    let scope = shared::Scope {
        cycle_id: cycle_id.clone(),
        report_id: report_id.clone(),
        ..Default::default()
    };
    let address = format!("http://{}", up.endpoints()["gateway"].as_str().unwrap());
    let channel = Channel::from_shared(address).unwrap().connect().await.unwrap();
    let open = wire::OpenWorkflowRequest {
        scope: Some(scope.clone()),
        cycle_name: "2026 Q4".to_owned(),
        report_name: "FR Y-14M".to_owned(),
        members: vec![wire::Member { user_id: 10, role: shared::Role::Tester.into() }],
        request_id: id(),
    };
    let mut workflows = WorkflowServiceClient::new(channel.clone());
    workflows.open_workflow(signed(up, open, 1, &[Role::Admin])).await.unwrap();
    let start = wire::StartPhaseRequest {
        scope: Some(scope),
        phase_name: "planning".to_owned(),
        request_id: id(),
    };
    PhaseServiceClient::new(channel).start_phase(signed(up, start, 10, &[])).await.unwrap();
    (cycle_id, report_id)
}

/// A request with a token of the local provider.
fn signed<R>(up: &Up, wanted: R, user_id: i64, roles: &[Role]) -> Request<R> {
    let claims = TokenClaims::new(user_id, "somebody", Duration::from_secs(60))
        .with_roles(roles.iter().copied());
    let token = provider_key(&up.data).unwrap().sign_token(&claims).unwrap();
    let mut request = Request::new(wanted);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

/// What the command prints, with the exit code that it must end with.
#[track_caller]
fn board(workflow: &str, data: &str, more: &[&str], code: i32) -> (String, String) {
    let asked = [&["board", "--workflow", workflow, "--data", data][..], more].concat();
    let done = run(&asked);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (out, errors) = (text(done.stdout), text(done.stderr));
    assert_eq!(done.status.code(), Some(code), "{out}\n{errors}");
    (out, errors)
}

#[test]
fn the_board_says_where_a_report_stands() {
    let folder = open_folder();
    let mut up = Up::start(&folder.path().join("data"));
    let data = up.data.to_str().unwrap().to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (cycle_id, report_id) = runtime.block_on(a_report(&up));
    let name = format!("{cycle_id}/{report_id}");

    let (out, errors) = board(&name, &data, &[], 0);
    assert_eq!(errors, "");
    for line in [
        "FR Y-14M, 2026 Q4\n",
        &format!("{name}\n"),
        "Planning is not complete: ",
        "Scoping cannot start: ",
        "No lanes yet",
    ] {
        assert!(out.contains(line), "{line:?} is missing in:\n{out}");
    }
    assert!(!out.contains('\u{1b}'), "{out:?}");

    let (out, _) = board(&name, &data, &["--output", "json"], 0);
    assert_eq!(out.lines().count(), 1);
    let document: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&document["cycle_id"], &document["report_id"]),
        (&json!(cycle_id), &json!(report_id))
    );
    assert_eq!((&document["closed"], &document["lanes"]), (&json!(false), &json!([])));
    let phases = document["phases"].as_array().unwrap();
    assert_eq!(phases.len(), 9);
    assert_eq!(
        (&phases[0]["state"], &phases[0]["started_by"]),
        (&json!("in_progress"), &json!(10))
    );
    assert_eq!((&phases[0]["next"], &phases[0]["blocked_by"]), (&json!("change"), &json!([])));
    assert_eq!((&phases[1]["state"], &phases[1]["next"]), (&json!("not_started"), &json!("start")));
    assert_eq!(phases[1]["blocked_by"][0]["phase"], "planning");

    what_it_adds_up_to(&name, &data);
    let unknown = format!("{cycle_id}/{cycle_id}");
    let (out, errors) = board(&unknown, &data, &["--output", "json"], 1);
    assert_eq!(out, "");
    assert!(errors.contains(&format!("the gateway knows no workflow {unknown}")), "{errors}");
    assert_eq!(up.end("TERM"), Some(0));
    let (_, errors) = board(&name, &data, &[], 1);
    assert!(errors.contains("nothing runs on"), "{errors}");
}

/// `signoff metrics`, of the same report.
fn what_it_adds_up_to(name: &str, data: &str) {
    let asked =
        |more: &[&str]| run(&[&["metrics", "--workflow", name, "--data", data][..], more].concat());
    let opened = until("the opening is counted", || {
        let done = asked(&["--output", "json"]);
        let document: Value = serde_json::from_slice(&done.stdout).ok()?;
        let metrics = document["metrics"].as_array()?.clone();
        let is_it = |metric: &Value| metric["metric_type"] == "workflows_opened";
        metrics.into_iter().find(is_it).filter(|metric| metric["metric_value"] == 1.0)
    });
    assert_eq!((&opened["phase"], &opened["unit"]), (&Value::Null, &json!("1")));
    let told = String::from_utf8(asked(&[]).stdout).unwrap();
    assert!(told.contains("workflows_opened") && told.contains("records of gateway"), "{told}");
    let before = asked(&["--to", "2020-01-01T00:00:00Z"]);
    assert!(String::from_utf8(before.stdout).unwrap().contains("nothing was counted"));
    assert_eq!(asked(&["--from", "yesterday"]).status.code(), Some(2));
}

#[test]
fn without_a_gateway_it_says_so() {
    let folder = open_folder();
    let data = folder.path().to_str().unwrap();
    let workflow = format!("{}/{}", Uuid::new_v4(), Uuid::new_v4());
    for (endpoints, message) in [
        (json!({"database": "", "pids": {}}), "no gateway runs on"),
        (
            json!({"gateway": "127.0.0.1:1", "database": "", "pids": {}}),
            "the gateway is not to be reached at 127.0.0.1:1",
        ),
    ] {
        fs::write(folder.path().join("endpoints.json"), endpoints.to_string()).unwrap();
        let (out, errors) = board(&workflow, data, &[], 1);
        assert_eq!(out, "");
        assert!(errors.contains(message), "{errors}");
    }
}
