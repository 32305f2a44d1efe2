//! What no file may hold.

use crate::tree::{File, files};

/// How many lines a file has at most: one subject each.
const LONGEST: usize = 600;

/// Files that are made by programs, or are data or somebody else's text.
const NOT_WRITTEN: [&str; 4] = ["Cargo.lock", "package-lock.json", "LICENSE", ".tsv"];

/// Where tests poll for a condition of something that cannot tell them. Nothing else in a test may
/// let time pass.
const POLLS: [&str; 5] = [
    // Files and processes of a server that was killed.
    "deploy/embedded/tests/helper/mod.rs",
    // Files and processes of another program.
    "deploy/signoff/tests/helper/mod.rs",
    // What a connection of another client is waiting for.
    "shared/ledger/tests/postgres/support.rs",
    // What a service counts.
    "tests/python/waiting.py",
    // A server that comes back.
    "tests/support/wait.rs",
];

fn code() -> impl Iterator<Item = &'static File> {
    let endings = [".rs", ".proto", ".sql", ".sh", ".py", ".js", "/run"];
    files().iter().filter(move |file| endings.iter().any(|ending| file.is_a(ending)))
}

fn rust() -> impl Iterator<Item = &'static File> {
    code().filter(|file| file.is_a(".rs"))
}

#[track_caller]
fn expect_none(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}\n{}", found.join("\n"));
}

#[test]
fn no_file_is_too_long() {
    let long: Vec<String> = files()
        .iter()
        .filter(|file| !NOT_WRITTEN.iter().any(|name| file.is_a(name)))
        .map(|file| (file.text.lines().count(), &file.path))
        .filter(|(lines, _)| *lines > LONGEST)
        .map(|(lines, path)| format!("{path}: {lines} lines"))
        .collect();
    expect_none("a file has at most 600 lines", &long);
}

#[test]
fn nothing_is_left_undone() {
    // In pieces, so that this file does not hold them.
    let marks = [
        concat!("to", "do!("),
        concat!("unimpl", "emented!("),
        concat!("db", "g!("),
        concat!("#[ig", "nore"),
        concat!("FIX", "ME"),
        concat!("TO", "DO"),
        concat!("XX", "X"),
    ];
    let found: Vec<String> = code().flat_map(|file| file.found(&file.text, &marks)).collect();
    expect_none("what is left undone is not there yet, or is an issue", &found);
}

#[test]
fn nothing_but_tests_unwraps() {
    let found: Vec<String> = rust()
        .filter(|file| !file.is_a("build.rs"))
        .flat_map(|file| file.found(file.product(), &[".unwrap()", ".expect("]))
        .collect();
    expect_none("a server answers with an error instead of a panic", &found);
}

#[test]
fn no_path_of_one_machine_is_named() {
    let homes = [concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];
    // The user of an example.
    let example = concat!("/ho", "me/ann");
    let found: Vec<String> = files()
        .iter()
        .flat_map(|file| file.found(&file.text, &homes))
        .filter(|line| !line.contains(example))
        .chain(files().iter().flat_map(checkouts))
        .collect();
    expect_none("a path that exists on one machine only", &found);
}

/// Lines that name a folder `work` at the root.
fn checkouts(file: &File) -> Vec<String> {
    let folder = concat!("/wo", "rk");
    let at_root = |line: &str| {
        line.match_indices(folder).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let behind = line[at + folder.len()..].chars().next();
            !before.is_some_and(|c| c.is_alphanumeric() || "._-/".contains(c))
                && !behind.is_some_and(|c| c.is_alphanumeric() || "._-".contains(c))
        })
    };
    let numbered = file.text.lines().zip(1..).filter(|(line, _)| at_root(line));
    numbered.map(|(line, number)| format!("{}:{number}: {}", file.path, line.trim())).collect()
}

#[test]
fn no_test_waits_for_a_time() {
    let wait = concat!("sl", "eep(");
    let (mut found, mut polling) = (Vec::new(), Vec::new());
    for file in code().filter(|file| !file.is_a("/run")) {
        let lines = file.found(file.tests(), &[wait]);
        if POLLS.contains(&file.path.as_str()) {
            polling.extend((!lines.is_empty()).then_some(file.path.as_str()));
        } else {
            found.extend(lines);
        }
    }
    expect_none("tests wait for conditions", &found);
    assert_eq!(polling, POLLS, "exceptions that are none any more");
}
