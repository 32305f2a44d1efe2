//! What the service's role cannot do to contents, rulings and the trail, whatever its code says.

use crate::attempts::{expect, lines};

/// The number of an item that a line does not have: nothing is in force for it.
const NEW: i32 = 9999;
const APPROVED: i32 = 1;
const MODIFIED: i32 = 2;
const REJECTED: i32 = 3;
const PROPOSED: i32 = 4;
const REMOVED: i32 = 5;
const IN_FORCE: &str = "2147483647";

fn content(line: i64, version: i32) -> String {
    format!(
        "insert into items (line_no, item_no, rev, item_key, introduced_in, payload,
             payload_schema, content_hash, counted, source, recommended_by, recommended_at,
             contributed, occurred_at, recorded_at, origin)
         values ({line}, {NEW}, 1, 'new', {version}, '{{}}', 1, sha256(''), false, 1, 1, now(),
             false, now(), now(), 'native')"
    )
}

fn change(line: i64, version: i32) -> String {
    format!(
        "insert into modifications (line_no, item_no, modification_no, rev, payload, payload_schema,
             content_hash, counted, reason, made_in, made_by, made_at, occurred_at, recorded_at,
             origin)
         values ({line}, {NEW}, 1, 1, '{{}}', 1, sha256(''), false, 'better', {version}, 1, now(),
             now(), now(), 'native')"
    )
}

fn ruling(line: i64, version: i32, to: &str, state: i32, restated: &str) -> String {
    let change = if [MODIFIED, PROPOSED].contains(&state) { "1" } else { "null" };
    format!(
        "insert into rulings (line_no, item_no, seq, rev, from_version, to_version, state,
             modification_no, decided_by, restated_from, occurred_at, recorded_at, origin)
         values ({line}, {NEW}, 2, 1, {version}, {to}, {state}, {change}, 1, {restated}, now(),
             now(), 'native')"
    )
}

/// States the first ruling on item 1 again, as `said`.
fn restatement(line: i64, version: i32, said: &str) -> String {
    format!(
        "insert into rulings (state, rev, decided_by, line_no, item_no, seq, from_version, notes,
             restated_from, occurred_at, recorded_at, origin)
         select {said}, line_no, item_no, 99, {version}, notes, seq, occurred_at, now(), origin
         from rulings where line_no = {line} and item_no = 1 and seq = 1"
    )
}

/// Line, version, and how contents, reviewers' changes, rulings, and removals or restatements are
/// refused there.
fn places(drafted: i64, submitted: i64) -> [(i64, i32, [&'static str; 4]); 8] {
    let closed = ["SG004", "SG004", "SG005", "SG005"];
    [
        (drafted, 1, closed),
        (drafted, 2, closed),
        (drafted, 3, closed),
        (drafted, 4, closed),
        (drafted, 5, ["", "SG004", "SG005", ""]),
        (submitted, 1, ["SG004", "", "", "SG005"]),
        // No such version, no such line.
        (drafted, 6, closed),
        (drafted + 1_000_000, 1, closed),
    ]
}

#[tokio::test]
async fn rows_go_only_where_they_belong() {
    let lines = lines().await;
    let mut table = Vec::new();
    for (line, version, [contents, changes, rulings, drafting]) in
        places(lines.drafted, lines.submitted)
    {
        table.push((content(line, version), contents));
        table.push((change(line, version), changes));
        for state in [APPROVED, MODIFIED, REJECTED, PROPOSED] {
            table.push((ruling(line, version, IN_FORCE, state, "null"), rulings));
        }
        table.push((ruling(line, version, IN_FORCE, REMOVED, "null"), drafting));
        // There is no ruling that these could state again.
        for state in [APPROVED, MODIFIED] {
            table.push((ruling(line, version, IN_FORCE, state, "1"), "SG005"));
        }
    }
    // The ruling on item 1 ended when the draft edited it.
    for (said, sqlstate) in [
        ("state, rev, decided_by", ""),
        ("3, rev, decided_by", "SG005"),
        ("state, rev + 1, decided_by", "SG005"),
        ("state, rev, 99", "SG005"),
    ] {
        table.push((restatement(lines.drafted, 5, said), sqlstate));
    }
    table.push((restatement(lines.drafted, 4, "state, rev, decided_by"), "SG005"));
    // No ruling begins with its end.
    for to in ["1", "2", "7"] {
        table.push((ruling(lines.submitted, 1, to, APPROVED, "null"), "SG005"));
        table.push((ruling(lines.drafted, 5, to, REMOVED, "null"), "SG005"));
    }
    expect(&mut lines.stage.world.as_service().await, &table).await;
}

#[tokio::test]
async fn a_ruling_ends_once_and_in_the_open_version() {
    let lines = lines().await;
    let (drafted, submitted) = (lines.drafted, lines.submitted);
    let end = |line: i64, item: i32, to: i32| {
        format!(
            "update rulings set to_version = {to} where line_no = {line} and item_no = {item} and seq = 1"
        )
    };
    let mut table = vec![
        // Item 2 was approved in version 1, and is in force in the draft.
        (end(drafted, 2, 5), ""),
        // Item 1 was edited in the draft: its ruling has ended.
        (end(drafted, 1, 5), "SG006"),
        (end(drafted, 1, i32::MAX), "SG006"),
        (end(drafted, 2, i32::MAX), "SG006"),
        (format!("{}; {}", end(drafted, 2, 5), end(drafted, 2, 5)), "SG006"),
        (format!("{}; {}", end(drafted, 2, 5), end(drafted, 2, i32::MAX)), "SG006"),
        // Item 5 was ruled on in version 2.
        (end(drafted, 5, 1), "SG006"),
        (end(submitted, 1, 1), ""),
        (end(submitted, 1, 0), "SG006"),
        (end(submitted, 1, 2), "SG006"),
    ];
    for to in [0, 1, 2, 3, 4, 6, 100] {
        table.push((end(drafted, 2, to), "SG006"));
    }
    for column in [
        "state = 3",
        "rev = 2",
        "from_version = 2",
        "decided_by = 99",
        "notes = 'other'",
        "modification_no = 1",
        "restated_from = 1",
        "recorded_at = now()",
    ] {
        table.push((format!("update rulings set {column} where line_no = {drafted}"), "42501"));
    }
    expect(&mut lines.stage.world.as_service().await, &table).await;
}

#[tokio::test]
async fn what_was_written_stays_written() {
    let lines = lines().await;
    let own =
        ["items", "rulings", "modifications", "makers", "artifacts", "trail", "trail_details"];
    let mut table: Vec<(String, &str)> = Vec::new();
    for name in own {
        table.push((format!("delete from {name}"), "42501"));
        table.push((format!("truncate {name}"), "42501"));
        table.push((format!("drop table {name}"), "42501"));
        table.push((format!("alter table {name} disable trigger all"), "42501"));
    }
    let line = lines.drafted;
    let cycle = format!("cycle_id = '{}'", lines.stage.workflow.cycle_id);
    let superseding = |value: &str, which: &str| {
        format!("update artifacts set superseded_at = {value} where {cycle} and {which}")
    };
    for (sql, refused) in [
        ("update items set payload = '{}'".to_owned(), "42501"),
        ("update items set introduced_in = 1".to_owned(), "42501"),
        ("update modifications set payload = '{}'".to_owned(), "42501"),
        ("update modifications set reason = 'other'".to_owned(), "42501"),
        ("update trail set action = 'nothing'".to_owned(), "42501"),
        ("update trail_details set body = ''".to_owned(), "42501"),
        (format!("update makers set user_id = 99 where line_no = {line}"), "42501"),
        (format!("update makers set contents = contents + 1 where line_no = {line}"), ""),
        (format!("update makers set contents = contents where line_no = {line}"), "SG007"),
        (format!("update makers set contents = contents - 1 where line_no = {line}"), "SG007"),
        (superseding("now()", "superseded_at is null"), ""),
        (superseding("null", "superseded_at is null"), "SG008"),
        (superseding("now()", "superseded_at is not null"), "SG008"),
        (superseding("null", "superseded_at is not null"), "SG008"),
        (format!("update artifacts set version_id = gen_random_uuid() where {cycle}"), "42501"),
        (format!("update artifacts set approved_by = 99 where {cycle}"), "42501"),
        (format!("update idempotency_keys set answer = '' where {cycle}"), "42501"),
        ("set session_replication_role = replica".to_owned(), "42501"),
        ("create table mine (a int)".to_owned(), "42501"),
        (
            "create or replace function items_guard() returns trigger language plpgsql as \
          'begin return null; end'"
                .to_owned(),
            "42501",
        ),
    ] {
        table.push((sql, refused));
    }
    expect(&mut lines.stage.world.as_service().await, &table).await;
}

#[tokio::test]
async fn not_even_the_owner_changes_the_trail() {
    let lines = lines().await;
    let mut table = Vec::new();
    for name in ["trail", "trail_details"] {
        table.push((format!("update {name} set seq = seq + 1"), "42501"));
        table.push((format!("delete from {name}"), "42501"));
        table.push((format!("truncate {name}"), "42501"));
    }
    expect(&mut lines.stage.world.as_owner().await, &table).await;
}
