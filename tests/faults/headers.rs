//! What the service's role cannot do to headers and lines, whatever its code says.

use signoff_contract::versioning::v1::Verdict;
use signoff_tests::Stage;

use crate::attempts::{Lines, expect, lines, tried};

const STATES: [&str; 6] = ["draft", "submitted", "approved", "rejected", "superseded", "deleted"];

/// The columns of a header that the service may change at all, each with another value.
const COLUMNS: [(&str, &str); 33] = [
    ("state", "'draft'"),
    ("revision", "revision + 2"),
    ("superseded_by_number", "number + 1"),
    ("content_digest", "decode(repeat('ab', 32), 'hex')"),
    ("required_sign_offs", "array['test_lead']"),
    ("metadata", "'{\"other\": 1}'"),
    ("metadata_schema", "metadata_schema + 1"),
    ("phase_data", "'{\"other\": 1}'"),
    ("total", "total + 1"),
    ("pending", "pending + 1"),
    ("approved", "approved + 1"),
    ("rejected", "rejected + 1"),
    ("modified", "modified + 1"),
    ("proposed", "proposed + 1"),
    ("carried", "carried + 1"),
    ("counted", "counted + 1"),
    ("counted_kept", "counted_kept + 1"),
    ("sources", "sources + 1"),
    ("creation_notes", "'other'"),
    ("updated_at", "now()"),
    ("submitted_at", "now()"),
    ("submitted_by", "99"),
    ("submitters", "submitters || 99::bigint"),
    ("submission_notes", "'other'"),
    ("reviewed_at", "now()"),
    ("reviewed_by", "99"),
    ("review_notes", "'other'"),
    ("self_approved", "not self_approved"),
    ("superseded_at", "now()"),
    ("deleted_at", "now()"),
    ("deleted_by", "99"),
    ("delete_reason", "'other'"),
    ("number", "number + 1"),
];

/// What goes with each change of state that the lifecycle has.
const TRANSITIONS: [(&str, &str, &[&str]); 9] = [
    (
        "draft",
        "draft",
        &[
            "metadata",
            "metadata_schema",
            "phase_data",
            "creation_notes",
            "total",
            "pending",
            "approved",
            "rejected",
            "modified",
            "proposed",
            "carried",
            "counted",
            "counted_kept",
            "sources",
        ],
    ),
    (
        "draft",
        "submitted",
        &[
            "submitted_at",
            "submitted_by",
            "submitters",
            "submission_notes",
            "content_digest",
            "required_sign_offs",
        ],
    ),
    ("draft", "deleted", &["deleted_at", "deleted_by", "delete_reason"]),
    (
        "submitted",
        "submitted",
        &[
            "total",
            "pending",
            "approved",
            "rejected",
            "modified",
            "proposed",
            "counted",
            "counted_kept",
            "sources",
            "content_digest",
        ],
    ),
    ("submitted", "draft", &["content_digest", "required_sign_offs"]),
    ("submitted", "approved", &["reviewed_at", "reviewed_by", "review_notes", "self_approved"]),
    ("submitted", "rejected", &["reviewed_at", "reviewed_by", "review_notes"]),
    ("approved", "superseded", &["superseded_at", "superseded_by_number"]),
    ("rejected", "deleted", &["deleted_at", "deleted_by", "delete_reason"]),
];

fn columns_of(from: &str, to: &str) -> Option<&'static [&'static str]> {
    TRANSITIONS.iter().find(|(a, b, _)| (*a, *b) == (from, to)).map(|(_, _, columns)| *columns)
}

/// Where there is a version of this state.
fn place(lines: &Lines, state: &str) -> (i64, i32) {
    match state {
        "superseded" => (lines.drafted, 1),
        "approved" => (lines.drafted, 2),
        "rejected" => (lines.drafted, 3),
        "deleted" => (lines.drafted, 4),
        "draft" => (lines.drafted, 5),
        _ => (lines.submitted, 1),
    }
}

/// A change of a header's state, with what a version in the new state must have.
fn transition(lines: &Lines, from: &str, to: &str, extra: &str) -> String {
    let (line, number) = place(lines, from);
    let needed = match to {
        "submitted" if from == "draft" => {
            ", submitted_at = now(), submitted_by = 1, submitters = '{1}'"
        }
        "approved" | "rejected" if from == "submitted" => ", reviewed_at = now(), reviewed_by = 1",
        "superseded" => ", superseded_at = now(), superseded_by_number = number + 1",
        "deleted" => ", deleted_at = now(), deleted_by = 1, delete_reason = 'x'",
        _ => "",
    };
    // Approval needs that nothing waits: the counts of the submitted version, in a step before.
    let ready = if (from, to) == ("submitted", "approved") {
        format!(
            "update versions set revision = revision + 1, pending = 0, proposed = 0,
                 approved = total - rejected where line_no = {line} and number = {number};"
        )
    } else {
        String::new()
    };
    format!(
        "{ready} update versions set state = '{to}', revision = revision + 1{needed}{extra}
         where line_no = {line} and number = {number}"
    )
}

#[tokio::test]
async fn a_header_moves_only_where_the_lifecycle_does() {
    let lines = lines().await;
    let mut table = Vec::new();
    for from in STATES {
        for to in STATES {
            let refused = if columns_of(from, to).is_some() { "" } else { "SG003" };
            table.push((transition(&lines, from, to, ""), refused));
        }
    }
    expect(&mut lines.stage.world.as_service().await, &table).await;
}

/// With each move, the columns that go with it and no others: all are tried.
#[tokio::test]
async fn a_move_changes_only_the_columns_that_go_with_it() {
    let lines = lines().await;
    let mut service = lines.stage.world.as_service().await;
    let mut wrong = Vec::new();
    for (from, to, allowed) in TRANSITIONS {
        for (column, value) in COLUMNS {
            if ["state", "revision", "updated_at", "number"].contains(&column) {
                continue;
            }
            // Not twice in one statement: what the move needs is set already.
            let plain = transition(&lines, from, to, "");
            if plain.contains(&format!(" {column} = ")) && allowed.contains(&column) {
                continue;
            }
            let sql = transition(&lines, from, to, &format!(", {column} = {value}"));
            let outcome = tried(&mut service, &sql).await;
            // The move may, but not here: the phase has no self-approval.
            let allowed = if column == "self_approved" { &[] } else { allowed };
            let right = match &outcome {
                // Counts that do not add up are refused by a check.
                Ok(_) => allowed.contains(&column),
                Err(code) if allowed.contains(&column) => code == "23514",
                Err(code) => code == "SG003",
            };
            if !right {
                wrong.push(format!("{from} {to} {column}: {outcome:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_closed_header_keeps_every_column() {
    let lines = lines().await;
    let mut table = Vec::new();
    for state in ["approved", "rejected", "superseded", "deleted"] {
        let (line, number) = place(&lines, state);
        for (column, value) in COLUMNS {
            let refused = if column == "number" { "42501" } else { "SG003" };
            let revision = if column == "revision" { "" } else { ", revision = revision + 1" };
            let sql = format!(
                "update versions set {column} = {value}{revision}
                 where line_no = {line} and number = {number}"
            );
            table.push((sql, refused));
        }
    }
    expect(&mut lines.stage.world.as_service().await, &table).await;
}

#[tokio::test]
async fn what_a_header_was_made_with_never_changes() {
    let lines = lines().await;
    let mut table = Vec::new();
    for column in [
        "line_no = line_no + 1",
        "number = number + 1",
        "version_id = gen_random_uuid()",
        "parent_number = 1",
        "created_at = now()",
        "created_by = 99",
        "occurred_at = now()",
        "recorded_at = now()",
        "origin = 'legacy'",
    ] {
        let line = lines.drafted;
        let sql = format!("update versions set {column} where line_no = {line} and number = 5");
        table.push((sql, "42501"));
    }
    let line = lines.drafted;
    for (sql, refused) in [
        ("update versions set revision = revision", "SG003"),
        ("update versions set revision = revision - 1", "SG003"),
        ("update versions set revision = revision + 2", "SG003"),
        ("update versions set revision = revision + 1, updated_at = now()", ""),
        ("delete from versions", "42501"),
    ] {
        table.push((format!("{sql} where line_no = {line} and number = 5"), refused));
    }
    table.push(("truncate versions".to_owned(), "42501"));
    expect(&mut lines.stage.world.as_service().await, &table).await;
}

/// A version like another one, with this number and state.
fn version(line: i64, number: &str, state: &str) -> String {
    format!(
        "insert into versions (line_no, number, version_id, state, parent_number, metadata_schema,
             submitted_at, reviewed_at, created_at, created_by, updated_at, occurred_at, recorded_at,
             origin)
         values ({line}, {number}, gen_random_uuid(), '{state}', 1, 1, now(), now(), now(), 1, now(),
             now(), now(), 'native')"
    )
}

#[tokio::test]
async fn numbers_are_given_out_one_by_one() {
    let lines = lines().await;
    let (line, submitted) = (lines.drafted, lines.submitted);
    let give = format!("update lines set last_number = last_number + 1 where line_no = {line};");
    let close = format!("{};", transition(&lines, "draft", "deleted", ""));
    let set = |what: &str| format!("update lines set {what} where line_no = {line}");
    let mut table = vec![
        (format!("{close} {give} {}", version(line, "6", "draft")), ""),
        // Out of order, again, or without a number that was given.
        (version(line, "6", "draft"), "SG002"),
        (version(line, "7", "draft"), "SG002"),
        (version(line, "4", "draft"), "SG002"),
        (version(line, "0", "draft"), "SG002"),
        (format!("{give} {}", version(line, "7", "draft")), "SG002"),
        (format!("{close} {}", version(line, "5", "draft")), "23505"),
        (version(line + 1_000_000, "1", "draft"), "SG002"),
        // A second open one.
        (format!("{give} {}", version(line, "6", "draft")), "23505"),
        (set("last_number = last_number + 1"), ""),
        (set("last_number = last_number + 2"), "SG001"),
        (set("last_number = last_number - 1"), "SG001"),
        (set("last_item = last_item + 3"), ""),
        (set("last_item = last_item - 1"), "SG001"),
        (set("items_while_submitted = true"), "42501"),
        (set("phase = 'scoping'"), "42501"),
        (set("line_id = gen_random_uuid()"), "42501"),
        (format!("delete from lines where line_no = {submitted}"), "42501"),
        ("truncate lines cascade".to_owned(), "42501"),
    ];
    for state in STATES.into_iter().filter(|state| *state != "draft") {
        table.push((format!("{close} {give} {}", version(line, "6", state)), "SG002"));
    }
    expect(&mut lines.stage.world.as_service().await, &table).await;
    // Not even the owner moves what identifies a line.
    let owned =
        [(set("phase = 'scoping'"), "SG001"), (set("items_while_submitted = true"), "SG001")];
    expect(&mut lines.stage.world.as_owner().await, &owned).await;
}

/// Whoever created a version or ever submitted it, and where nobody may approve their own.
#[tokio::test]
async fn the_database_keeps_maker_and_checker_apart() {
    let stage = Stage::samples().await;
    let version = stage.draft(1).await;
    stage.lead.submit(&version).await.unwrap();
    stage.lead.withdraw(&version).await.unwrap();
    stage.tester.submit(&version).await.unwrap();
    stage.owner.rule_rest(&version, Verdict::Approved).await.unwrap();
    let approve = |by: i64, own: bool| {
        format!(
            "update versions set state = 'approved', revision = revision + 1, reviewed_at = now(),
                 reviewed_by = {by}, self_approved = {own} where version_id = '{}'",
            version.version_id
        )
    };
    let (tester, lead) = (stage.tester.user_id, stage.lead.user_id);
    let table = [
        (approve(tester, false), "23514"),
        (approve(lead, false), "23514"),
        (approve(tester, true), "SG003"),
        (approve(stage.owner.user_id, false), ""),
    ];
    expect(&mut stage.world.as_service().await, &table).await;
}
