//! The summary for people: as tables.

use super::lanes::tree;
use super::memberships::Membership;
use super::outcome::{Action, Document, SignOff};
use super::people::Cast;
use super::stage::Stage;
use super::summary::{
    Comparison, Difference, LineageEntry, PhaseSummary, Summary, Trail, VersionSummary,
};
use crate::board::Board;

/// How many item keys stand for the others.
const SHOWN_KEYS: usize = 2;
/// How much of a hash or an id is enough to tell it from others.
const SHOWN_ID: usize = 13;

/// Shows everything.
pub(super) fn show(stage: &Stage, summary: &Summary) {
    let rows = summary
        .phases
        .iter()
        .flat_map(|phase| phase.versions.iter().map(move |version| version_row(phase, version)));
    let header = [
        "phase",
        "version",
        "state",
        "items",
        "approved",
        "modified",
        "rejected",
        "carried",
        "made by",
        "closed by",
    ];
    stage.table("Version histories", header, rows.collect());

    let lineage = &summary.lineage;
    let title = format!("Sample {} through both versions, newest first", lineage.item_key);
    let header = [
        "version",
        "state",
        "decision",
        "source",
        "first from",
        "by",
        "ruling",
        "ruled by",
        "carried from",
    ];
    stage.table(&title, header, lineage.entries.iter().map(lineage_row).collect());

    let header =
        ["phase", "versions", "added", "removed", "changed", "ruled differently", "unchanged"];
    let rows = summary.comparisons.iter().map(comparison_row).collect();
    stage.table("What became of version 1 in version 2", header, rows);
    for comparison in &summary.comparisons {
        for line in examples(comparison) {
            stage.line(&line);
        }
    }

    let rows = summary.artifacts.iter().map(|artifact| {
        let state = if artifact.superseded { "superseded" } else { "in force" };
        [
            artifact.artifact_type.clone(),
            artifact.phase.to_owned(),
            artifact.version_number.to_string(),
            Cast::name_of(artifact.approved_by),
            state.to_owned(),
            artifact.notes.clone(),
        ]
    });
    let header = ["artifact", "phase", "version", "approved by", "state", "notes"];
    stage.table("Approved artifacts", header, rows.collect());

    let header =
        ["document", "version", "as", "state", "current", "test cases", "by", "reviewed by"];
    stage.table("Documents", header, all(&summary.documents, Document::row));
    let header = ["asked for", "by", "of", "response", "turnaround", "impact on timeline"];
    stage.table("Actions", header, all(&summary.actions, Action::row));
    let header = ["role", "signed by", "state", "handed on by", "because"];
    stage.table("Sign-offs of the report", header, all(&summary.sign_offs, SignOff::row));

    let header = ["who", "as", "from", "given by", "until", "ended by", "because"];
    stage.table("Members of the report", header, all(&summary.members, Membership::row));
    show_trails(stage, "Trails", &summary.trails);
    stage.heading("The report");
    tree(&summary.phases, &summary.lanes).iter().for_each(|line| stage.line(line));
    show_board(stage, "The board", &summary.board);

    let second = &summary.second_report;
    show_board(stage, "The board of the second report", &second.board);
    show_trails(stage, "Its trails", &second.trails);
    summary.numbers.show(stage);
}

fn show_trails(stage: &Stage, title: &str, trails: &[Trail]) {
    stage.heading(title);
    for trail in trails {
        let verdict = if trail.intact { "intact" } else { "DAMAGED" };
        let text = format!("{} records in one hash chain, verified: {verdict}", trail.records);
        stage.line(&format!(" {:<11} {text}", trail.source));
        stage.line(&format!(" {:<11} head {}", "", trail.head_hash));
    }
}

fn show_board(stage: &Stage, title: &str, board: &Board) {
    stage.heading(title);
    board.lines(&Cast::name_of).iter().for_each(|line| stage.line(line));
}

fn all<T, const N: usize>(of: &[T], row: fn(&T) -> [String; N]) -> Vec<[String; N]> {
    of.iter().map(row).collect()
}

fn version_row(phase: &PhaseSummary, version: &VersionSummary) -> [String; 10] {
    let closed_by = Cast::name_of(version.reviewed_by);
    let closed_by = if version.self_approved { format!("{closed_by} (self)") } else { closed_by };
    [
        phase.phase.to_owned(),
        version.number.to_string(),
        version.state.clone(),
        version.total.to_string(),
        version.approved.to_string(),
        version.modified.to_string(),
        version.rejected.to_string(),
        version.carried.to_string(),
        Cast::name_of(version.created_by),
        closed_by,
    ]
}

fn lineage_row(entry: &LineageEntry) -> [String; 9] {
    [
        entry.version_number.to_string(),
        entry.version_state.clone(),
        short(&entry.decision_id),
        entry.source.clone(),
        entry.original_source.clone(),
        Cast::name_of(entry.recommended_by),
        entry.state.clone(),
        Cast::name_of(entry.decided_by),
        short(&entry.carried_from_decision_id),
    ]
}

fn comparison_row(comparison: &Comparison) -> [String; 7] {
    [
        comparison.phase.to_owned(),
        format!("{} and {}", comparison.from, comparison.to),
        comparison.added.count.to_string(),
        comparison.removed.count.to_string(),
        comparison.changed.count.to_string(),
        comparison.ruled_differently.count.to_string(),
        comparison.unchanged.to_string(),
    ]
}

/// Some of the items that differ, one line for each way.
fn examples(comparison: &Comparison) -> Vec<String> {
    let ways = [
        ("added", &comparison.added),
        ("removed", &comparison.removed),
        ("changed", &comparison.changed),
        ("ruled differently", &comparison.ruled_differently),
    ];
    ways.into_iter()
        .filter(|(_, difference)| difference.count > 0)
        .map(|(way, difference)| format!(" {}, {way}: {}", comparison.phase, keys(difference)))
        .collect()
}

fn keys(difference: &Difference) -> String {
    let shown: Vec<&str> =
        difference.item_keys.iter().take(SHOWN_KEYS).map(String::as_str).collect();
    let more = difference.item_keys.len() - shown.len();
    let shown = shown.join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

/// The end of an id: the beginnings are alike.
fn short(id: &str) -> String {
    match id.char_indices().rev().nth(SHOWN_ID - 1) {
        Some((start, _)) if start > 0 => format!("…{}", &id[start..]),
        _ => id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_ids_are_cut_at_their_beginning() {
        assert_eq!(short("417c0cd3-41f2-59df-9d55-9fd6c6cab5dd"), "…-9fd6c6cab5dd");
        assert_eq!(short("9fd6c6cab5dd"), "9fd6c6cab5dd");
        assert_eq!(short(""), "");
    }

    #[test]
    fn many_keys_are_counted() {
        let difference = |keys: &[&str]| Difference {
            count: 0,
            item_keys: keys.iter().map(|&key| key.to_owned()).collect(),
        };
        assert_eq!(keys(&difference(&["a", "b"])), "a, b");
        assert_eq!(keys(&difference(&["a", "b", "c", "d"])), "a, b and 2 more");
    }
}
