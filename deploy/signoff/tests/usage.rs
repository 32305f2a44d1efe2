//! Wrong usage is told with exit code 2, what fails with 1, help and version with 0.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod helper;

use helper::run;

const REPORT: &str = "00000000-0000-0000-0000-000000000001/00000000-0000-0000-0000-000000000002";

const HEAD: &str = "7:abababababababababababababababababababababababababababababababab";

#[test]
fn help_and_version_are_everywhere() {
    for command in [
        "up",
        "demo",
        "serve",
        "token",
        "key",
        "serve versioning",
        "serve audit",
        "serve gateway",
        "board",
        "export",
        "head",
        "verify",
    ] {
        let words: Vec<&str> = command.split(' ').collect();
        for flag in ["--help", "--version"] {
            let output = run(&[&words[..], &[flag]].concat());
            assert_eq!(output.status.code(), Some(0), "{command} {flag}");
            assert!(!output.stdout.is_empty(), "{command} {flag}");
        }
    }
    assert!(String::from_utf8_lossy(&run(&["--version"]).stdout).starts_with("signoff "));
}

#[test]
fn wrong_usage_has_exit_code_2() {
    let of_a_report = ["token", "--user", "1", "--role", "tester", "--workflow", REPORT];
    let gateway = ["token", "--user", "1", "--role", "gateway"];
    let cases: &[&[&str]] = &[
        &[],
        &["nonsense"],
        &["up", "--ports", "0"],
        &["up", "--ports", "some"],
        &["up", "--database-url", "mysql://localhost/x"],
        &["serve"],
        &["serve", "nonsense"],
        &["serve", "versioning"],
        &["serve", "versioning", "--migrate"],
        &["serve", "audit"],
        &["serve", "audit", "--migrate"],
        &["key"],
        &["token"],
        &["token", "--user", "0"],
        &["token", "--user", "ann"],
        &["token", "--user", "1", "--ttl", "25h"],
        &["token", "--user", "1", "--role", "boss"],
        &["token", "--user", "1", "--workflow", "x"],
        &["head", "--all", "--gateway", "http://gateway.example"],
        &["head", "--all", "--token-file", "token"],
        &["head", "--all", "--gateway", "gateway.example:7400", "--token-file", "token"],
        &of_a_report,
        &gateway,
        &["token", "--user", "1", "--role", "auditor,report_owner"],
        &["serve", "gateway"],
        &["serve", "gateway", "--migrate"],
        &["board"],
        &["board", "--workflow", "x"],
        &["board", "--workflow", REPORT, "--output", "xml"],
        &["export"],
        &["export", "--workflow", "x"],
        &["export", "--workflow", REPORT, "--source", "metrics"],
        &["verify"],
        &["verify", "a.jsonl", "--workflow", REPORT],
        &["verify", "a.jsonl", "b.jsonl"],
        &["verify", "a.jsonl", "--source", "versioning"],
        &["verify", "a.jsonl", "--output", "xml"],
        &["verify", "a.jsonl", "--head", "7"],
        &["verify", "a.jsonl", "--head", HEAD, "--heads", "kept"],
        &["verify", "--head", HEAD],
        &["verify", "--workflow", REPORT, "--head", HEAD],
        &["head"],
        &["head", "--workflow", "x"],
        &["head", "--workflow", REPORT, "--all"],
        &["head", "--all", "--source", "metrics"],
    ];
    for case in cases {
        let output = run(case);
        assert_eq!(output.status.code(), Some(2), "{case:?}");
        assert!(output.stdout.is_empty(), "{case:?}");
        assert!(!output.stderr.is_empty(), "{case:?}");
    }
    for wrong in [&of_a_report[..], &gateway] {
        let message = String::from_utf8(run(wrong).stderr).unwrap();
        assert!(message.contains("members") && message.contains("SetMembers"), "{message}");
    }
}

#[test]
fn a_token_without_a_key_fails_and_says_what_to_do() {
    let folder = helper::open_folder();
    let path = folder.path().to_str().unwrap();
    let role = ["--role", "auditor", "--workflow", REPORT];
    let output = run(&[&["token", "--user", "1", "--data", path][..], &role].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("run `signoff up"), "{message}");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = helper::open_folder();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let inside = file.join("data");
    let output = run(&["up", "--ports", "auto", "--data", inside.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains(inside.to_str().unwrap()), "{message}");
}
