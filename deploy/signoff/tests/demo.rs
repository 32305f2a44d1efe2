//! `signoff demo` as a newcomer runs it: it tells the story, and leaves nothing behind.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod helper;

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use helper::{kill, open_folder, processes_about, run, runs, signoff};
use serde_json::{Value, json};
use signoff_contract::versioning::v1::{
    ListVersionsRequest, versioning_service_client::VersioningServiceClient,
};
use signoff_contract::workflow::v1::{Phase, Scope};
use tempfile::TempDir;
use tonic::Request;

/// A place for the temporary folders of one demo. There is one at a time: each is a PostgreSQL with four
/// services, and where many start at once, connections take longer than their callers wait.
struct Place {
    folder: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Place {
    fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// A place that everybody may write to, as `/tmp` is.
fn place() -> Place {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = open_folder();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    Place { folder, _turn: turn }
}

fn demo(place: &Place, arguments: &[&str]) -> Command {
    let mut command = signoff();
    command.arg("demo").args(arguments).env("TMPDIR", place.path()).stdin(Stdio::null());
    command
}

fn nothing_is_left(place: &Path) {
    let left: Vec<_> = fs::read_dir(place).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(processes_about(place.to_str().unwrap()), Vec::<u32>::new());
}

#[test]
fn the_story_is_told_in_plain_lines_and_nothing_is_left() {
    let place = place();
    let output = demo(&place, &[]).output().unwrap();
    let (told, errors) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!((output.status.code(), errors.as_str()), (Some(0), ""), "{told}");
    for line in [
        "Tess     puts 118 attributes forward, 4 of them keys (version 1)",
        "Owen     approves 404 rules, rejects 49 with reasons and accepts 8 as changed by him",
        "Tess     confirms his 8 changes",
        "Tess     decides on 114 attributes: 5 in scope (version 1)",
        "Tess     submits the version: 100 samples, found by tester and llm",
        "Owen     approves 80 samples and rejects 20, each with a reason",
        "Tess     revises: 80 samples are carried forward with their approval, 10 are new",
        "Tess     puts Dora in charge of Consumer Cards",
        "Adam     opens it for September 2026, with 5 members, and names 3 lines of business",
        "Adam     makes Tess a report owner too: ",
        "Adam     takes it back: ",
        "gateway  has sealed Planning and opened the phase, which rests on it",
        "Tess     has 450 test cases planned by the gateway: 90 approved samples, 5 attributes",
        "Tess     tries to put Dora in charge before the samples are approved",
        "has no observation: have one approved that lists it",
        "while observations are open",
        "Tess     has 9 test cases planned by the gateway: 3 approved samples, 3 attributes in scope",
        "Tess     tests 9 cases of Consumer Cards: 9 pass, 0 fail",
        "Tess     sees nothing to observe: Observation Management stays as it is, not started",
        "cases without an owner",
        "Lena     hands Consumer Cards from Dora to Dina: \"Dora moves to another department\"",
        "Tess     asks for another version of consumer-cards-20260831.csv",
        "Tess     rejects private-label.tiff",
        "Sam      adds late-fees.csv beside his extract",
        "results are stale: their evidence changed since",
        "Tess     has concluded 450 of 450 test cases",
        "Owen     accepts one without a finding",
        "Owen     hands his on to Olga",
        "Olga     signs it as report owner",
        "Eve      approves the report",
        "attaches the document, SHA-256 ",
        "refused, PHASE_SEALED",
        "refused, ETAG_MISMATCH",
        "refused, MAKER_IS_CHECKER",
        "refused, ITEM_EXISTS",
        "refused, DECISIONS_PENDING",
        "refused, ROLE_MISSING",
        "refused, EVIDENCE_MISSING",
        "refused, PHASE_DEPENDENCY_UNMET: Sample Selection is not complete",
        "refused, PHASE_DEPENDENCY_UNMET: Observation Management is not complete",
        "refused, PHASE_DEPENDENCY_UNMET: Test Execution has not been started",
        "refused, SIGN_OFFS_MISSING",
        "Version histories",
        "through both versions",
        "What became of version 1 in version 2",
        "Approved artifacts",
        "Documents",
        "Actions",
        "Sign-offs of the report",
        "Members of the report",
        "The board\nFR Y-14M, Schedule D.1 (credit cards), September 2026\n",
        "The board of the second report\nFR Y-14M, Schedule D.1, a small portfolio",
        "\n Planning → Data Profiling → Scoping → Sample Selection\n",
        "  Data Owner ID\n   ├─ Paul (Private Label) → Request Info 55/55 → Test Execution 55/55 (",
        "(All Observations Complete)\n",
        "▼\n                             Finalize Test Report: approved\n",
        "The metrics of the report",
        "20 of 110",
        "80 of 90",
        "They follow from the trails",
        "7 times from version.created to version.approved",
        "Everything is stopped, and the temporary folder is gone.",
    ] {
        assert!(told.contains(line), "{line:?} is missing in:\n{told}");
    }
    assert_eq!(told.matches("records in one hash chain, verified: intact").count(), 6, "{told}");
    for owner in
        ["─ Dina (Consumer Cards)", "─ Sam (Small Business Cards)", "─ Paul (Private Label)"]
    {
        assert_eq!(told.matches(owner).count(), 1, "{owner} is not once in:\n{told}");
    }
    // No terminal: neither colours nor bars.
    assert!(!told.contains(['\u{1b}', '\r']), "{told:?}");
    nothing_is_left(place.path());
}

#[test]
fn the_summary_is_one_json_document() {
    let place = place();
    let output = demo(&place, &["--output", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 1);

    let versions = |phase: usize, part: &str| -> Vec<Value> {
        let versions = summary["phases"][phase]["versions"].as_array().unwrap();
        versions.iter().map(|version| version[part].clone()).collect()
    };
    assert_eq!(versions(0, "total"), [118]);
    assert_eq!(versions(0, "self_approved"), [true]);
    assert_eq!(versions(1, "total"), [461, 415]);
    assert_eq!(versions(1, "state"), ["superseded", "approved"]);
    assert_eq!(versions(2, "approved"), [114]);
    assert_eq!(versions(3, "state"), ["rejected", "approved"]);
    assert_eq!(versions(3, "approved"), [80, 90]);
    assert_eq!(versions(3, "rejected"), [20, 0]);
    assert_eq!(versions(3, "carried"), [0, 80]);
    assert_eq!(versions(3, "number"), [1, 2]);

    let samples = &summary["comparisons"][1];
    assert_eq!(
        (&samples["added"]["count"], &samples["removed"]["count"]),
        (&json!(10), &json!(20))
    );
    assert_eq!(samples["added"]["item_keys"].as_array().unwrap().len(), 10);
    let lineage = summary["lineage"]["entries"].as_array().unwrap();
    assert_eq!(lineage.len(), 2);
    assert_eq!(lineage[0]["source"], "carried_forward");
    assert_eq!(lineage[0]["carried_from_decision_id"], lineage[1]["decision_id"]);
    assert_eq!(summary["artifacts"].as_array().unwrap().len(), 7);
    assert_eq!(summary["refusals"].as_array().unwrap().len(), 13);
    trails_are_intact(&summary);
    trails_are_intact(&summary["second_report"]);
    the_report_is_finished(&summary);
    nothing_was_observed(&summary["second_report"]);
    members_came_and_went(&summary);
    numbers_follow_from_the_trails(&summary["numbers"]);
    assert_eq!(summary.get("running"), None);
    nothing_is_left(place.path());
}

/// Those of all three services.
fn trails_are_intact(report: &Value) {
    let trails = report["trails"].as_array().unwrap();
    let sources: Vec<&Value> = trails.iter().map(|trail| &trail["source"]).collect();
    assert_eq!(sources, ["versioning", "audit", "gateway"]);
    for trail in trails {
        assert_eq!(trail["intact"], true);
        assert_eq!(trail["head_hash"].as_str().unwrap().len(), 64);
    }
}

/// The story has eight versions in six phases, and what was counted again came out the same.
fn numbers_follow_from_the_trails(numbers: &Value) {
    let metrics = numbers["metrics"].as_array().unwrap();
    let the = |phase: Value, metric_type: &str| {
        let is_it =
            |metric: &&Value| metric["phase"] == phase && metric["metric_type"] == metric_type;
        metrics.iter().find(is_it).unwrap_or_else(|| panic!("no {metric_type} of {phase}"))
    };
    assert_eq!(the(Value::Null, "version_created")["metric_value"], 8.0);
    let samples = || json!("sample_selection");
    assert_eq!(the(samples(), "rejection_rate")["metric_value"], 0.5);
    let rejected = the(samples(), "decision_rejection_rate");
    assert_eq!((&rejected["numerator"], &rejected["denominator"]), (&json!(20.0), &json!(110.0)));
    let carried = the(samples(), "carry_forward_rate");
    assert_eq!((&carried["numerator"], &carried["denominator"]), (&json!(80.0), &json!(90.0)));
    assert_eq!(the(json!("test_execution"), "test_requests")["metric_value"], 3.0);
    let sources: Vec<&Value> =
        numbers["as_of"].as_array().unwrap().iter().map(|of| &of["source"]).collect();
    assert_eq!(sources, ["versioning", "audit", "gateway"]);
    let again = numbers["counted_again"].as_array().unwrap();
    assert_eq!(again.len(), 10);
    assert!(again.iter().all(|of| of["answered"] == of["counted"]), "{again:?}");
}

/// The second report is finished, and Observation Management was never started in it.
fn nothing_was_observed(report: &Value) {
    let phases = report["board"]["phases"].as_array().unwrap();
    let observed = &phases[7];
    assert_eq!(
        (&observed["phase"], &observed["started_at"]),
        (&json!("observation_management"), &Value::Null)
    );
    assert_eq!(observed["held_by"], json!(["finalize_test_report"]));
    assert_eq!(phases[8]["state"], "complete");
    let lanes = report["board"]["lanes"].as_array().unwrap();
    assert_eq!(lanes.len(), 1);
    assert_eq!((&lanes[0]["concluded"], &lanes[0]["to_observe"]), (&json!(9), &json!(0)));
}

/// Tess was a report owner for a moment.
fn members_came_and_went(summary: &Value) {
    let members = summary["members"].as_array().unwrap();
    let ended: Vec<&Value> = members.iter().filter(|one| one["ended_at"] != Value::Null).collect();
    assert_eq!((members.len(), ended.len()), (6, 1));
    assert_eq!((&ended[0]["user_id"], &ended[0]["role"]), (&json!(10), &json!("report_owner")));
    assert_eq!((&ended[0]["given_by"], &ended[0]["ended_by"]), (&json!(2), &json!(2)));
}

/// All lanes are complete, what failed was observed, and the report is signed and approved.
fn the_report_is_finished(summary: &Value) {
    let phases = summary["phases"].as_array().unwrap();
    assert_eq!(phases.len(), 9);
    assert!(phases[..8].iter().all(|phase| phase["state"] == "sealed"), "{phases:?}");
    assert_eq!(phases[8]["state"], "complete");
    assert_eq!(phases[8]["versions"][0]["state"], "approved");
    assert_eq!(phases[5]["held_by"], json!(["Finalize Test Report"]));

    let lanes = summary["lanes"].as_array().unwrap();
    assert_eq!(lanes.len(), 3);
    let sum = |part: &str| lanes.iter().map(|lane| lane[part].as_i64().unwrap()).sum::<i64>();
    assert_eq!(["cases", "accepted", "concluded"].map(sum), [450; 3]);
    assert_eq!(sum("passed") + sum("failed") + sum("inconclusive"), 450);
    assert_eq!((sum("inconclusive"), sum("observations")), (1, 3));
    for lane in lanes {
        assert_eq!(lane["complete"], true, "{lane}");
        assert!(lane["failed"].as_i64().unwrap() > 0, "{lane}");
    }
    let parts = |list: &str, part: &str| -> Vec<Value> {
        summary[list].as_array().unwrap().iter().map(|one| one[part].clone()).collect()
    };
    assert_eq!(
        parts("actions", "action_type"),
        ["document_request", "data_update_request", "document_request"]
    );
    assert_eq!(parts("actions", "response_status"), ["fulfilled", "rejected", "fulfilled"]);
    assert_eq!(parts("sign_offs", "status"), ["signed"; 3]);
    assert_eq!(parts("sign_offs", "role"), ["test_lead", "report_owner", "test_executive"]);
    assert_eq!(parts("sign_offs", "delegated_from"), [0, 20, 0]);
    assert_eq!(parts("documents", "is_current").iter().filter(|one| **one == true).count(), 5);
}

#[test]
fn a_kept_system_answers_until_it_is_stopped() {
    let place = place();
    let mut command = demo(&place, &["--keep", "--output", "json"]);
    let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let summary: Value = serde_json::from_str(&line).unwrap();
    let running = &summary["running"];

    // The line that is printed for a shell works as it is.
    let token_command = running["token_command"].as_str().unwrap();
    let printed = Command::new("sh").args(["-c", token_command]).output().unwrap();
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let token = String::from_utf8(printed.stdout).unwrap();
    let address = running["endpoints"]["gateway"].as_str().unwrap();
    assert_eq!(versions_of_samples(address, token.trim_end(), &summary), 2);

    let board_command = running["board_command"].as_str().unwrap();
    let printed = Command::new("sh").args(["-c", board_command]).output().unwrap();
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let board = String::from_utf8(printed.stdout).unwrap();
    assert!(board.contains("Finalize Test Report") && board.contains("user 52"), "{board}");

    let pids: Vec<u32> = running["endpoints"]["pids"]
        .as_object()
        .unwrap()
        .values()
        .map(|pid| pid.as_u64().unwrap().try_into().unwrap())
        .collect();
    assert_eq!(pids.len(), 6);
    assert!(pids.iter().all(|pid| runs(*pid)));
    kill(process.id(), "TERM");
    assert_eq!(process.wait().unwrap().code(), Some(0));
    assert!(!pids.iter().any(|pid| runs(*pid)));
    nothing_is_left(place.path());
}

/// How many versions Sample Selection has, asked with a token.
fn versions_of_samples(address: &str, token: &str, summary: &Value) -> usize {
    let id = |name: &str| summary[name].as_str().unwrap().to_owned();
    let scope = Scope {
        cycle_id: id("cycle_id"),
        report_id: id("report_id"),
        phase: Phase::SampleSelection.into(),
    };
    let wanted = ListVersionsRequest { scope: Some(scope), ..Default::default() };
    let mut request = Request::new(wanted);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let address = format!("http://{address}");
        let mut client = VersioningServiceClient::connect(address).await.unwrap();
        client.list_versions(request).await.unwrap().into_inner().versions.len()
    })
}

#[test]
fn an_interrupted_story_stops_everything_and_says_so() {
    let place = place();
    // As soon as it says something, and in the middle.
    for moment in ["Starting", "2 Data Profiling", "7 Test Execution"] {
        let mut command = demo(&place, &[]);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut told = BufReader::new(process.stdout.take().unwrap()).lines();
        assert!(told.any(|line| line.unwrap().starts_with(moment)));
        kill(process.id(), "INT");
        assert_eq!(process.wait().unwrap().code(), Some(1), "{moment}");
        let mut errors = String::new();
        process.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        assert!(errors.contains("interrupted"), "{moment}: {errors}");
        nothing_is_left(place.path());
    }
}

#[test]
fn a_data_folder_stays_and_can_be_used_again() {
    let place = place();
    let data = place.path().join("data");
    let data = data.to_str().unwrap();
    for _time in 0..2 {
        let output = demo(&place, &["--data", data]).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{errors}");
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(told.contains(&format!("The data is in {data}.")), "{told}");
        assert_eq!(processes_about(data), Vec::<u32>::new());
        assert!(Path::new(data).join("gateway.key").is_file());
        assert!(!Path::new(data).join("endpoints.json").exists());
    }
}

#[test]
fn wrong_usage_has_exit_code_2() {
    for arguments in [
        &["demo", "more"][..],
        &["demo", "--data"],
        &["demo", "--output", "xml"],
        &["demo", "--ports", "7400"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
    for flag in ["--help", "--version"] {
        assert_eq!(run(&["demo", flag]).status.code(), Some(0), "{flag}");
    }
}
