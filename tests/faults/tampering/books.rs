//! Which record is to be named when a row is not what it was: worked out from the trail as it was, and from
//! nothing that the services have for it.

use super::tables::{Row, Table};
use super::told::Told;

/// What one service had of one workflow.
pub(super) struct Books<'a> {
    pub(super) tables: &'a [Table],
    pub(super) told: &'a Told,
}

/// Columns of `test_cases` that follow from other subjects, and have no history.
const FOLLOWING: [&str; 7] = [
    "chain_id",
    "current_submission_id",
    "evidence",
    "latest_execution_id",
    "tested",
    "stale",
    "open_actions",
];

const COUNTS: [&str; 9] = [
    "total",
    "pending",
    "approved",
    "rejected",
    "modified",
    "proposed",
    "carried",
    "counted",
    "counted_kept",
];

impl Books<'_> {
    /// When a column of a row has another value: the record that spoke of it last, or the one that wrote the
    /// row; where the row is the sum of several, the last one.
    pub(super) fn changed(&self, table: &Table, row: &Row, column: &str) -> i64 {
        let told = self.told;
        match (table.name, column) {
            ("lines", "last_number" | "last_item") => told.last(),
            ("versions", "line_no" | "version_id") => self.gone(table, row),
            ("versions", "recorded_at") => self.about(row.text("version_id")).0,
            ("versions", "updated_at") => self.about(row.text("version_id")).1,
            ("versions", "number") => {
                let version = row.text("version_id");
                told.first_with_items(version).unwrap_or_else(|| told.spoke_of(version, "number"))
            }
            ("versions", "superseded_by_number") => {
                told.spoke_of(row.text("version_id"), "superseded_by_version_id")
            }
            ("versions", column) if COUNTS.contains(&column) => {
                told.spoke_of(row.text("version_id"), "counts")
            }
            ("versions", column) => told.spoke_of(row.text("version_id"), column),
            ("rulings", "to_version") => {
                let versions = self.versions_of_line(row.int("line_no"));
                let ended = told.ended(&versions, row.int("item_no"), row.int("seq"));
                ended.unwrap_or_else(|| told.last())
            }
            (
                "sign_offs",
                "line_no" | "number" | "sign_off_id" | "occurred_at" | "recorded_at" | "origin",
            ) => self.gone(table, row),
            ("sign_offs", column) => told.spoke_of(&sign_off(row), column),
            ("test_cases", column) if FOLLOWING.contains(&column) => told.last(),
            ("members", "ended_at" | "ended_by" | "end_reason") => told.at(row, "ended_at", false),
            ("workflows", "revision") => told.last_of("members.set"),
            _ => self.gone(table, row),
        }
    }

    /// When a row is not there: the record that wrote it.
    pub(super) fn gone(&self, table: &Table, row: &Row) -> i64 {
        let told = self.told;
        match table.name {
            "lines" => {
                let versions = self.versions_of_line(row.int("line_no"));
                versions.iter().map(|version| self.about(version).0).min().unwrap()
            }
            "versions" => self.about(row.text("version_id")).0,
            "items" | "modifications" | "rulings" => told.at(row, "recorded_at", true),
            "artifacts" => self.about(row.text("version_id")).1,
            "sign_offs" => self.about(&sign_off(row)).0,
            "remediations" => told.at(row, "updated_at", false),
            "final_documents" => told.at(row, "attached_at", false),
            "phase_gates" | "phase_holds" => self.about(row.text("phase")).1,
            "history" => row.int("record_no"),
            "assignments" | "test_plans" | "test_cases" | "submissions" | "executions"
            | "actions" | "records" => self.last_in_history(row.text("id")),
            "members" => told.at(row, "given_at", false),
            "workflows" => told.records()[0].seq,
            "lobs" => told.last_with_lob(row.text("lob_id")),
            "makers" | "lanes" | "closed_workflows" => told.last(),
            other => panic!("{other} is the trail itself"),
        }
    }

    /// When there is a forged copy of a row: the record that the copy names, if it names one; the last one,
    /// if none speaks of it.
    pub(super) fn forged(&self, table: &Table, row: &Row) -> i64 {
        match table.name {
            "artifacts" | "phase_holds" | "history" => self.gone(table, row),
            _ => self.told.last(),
        }
    }

    fn about(&self, subject: &str) -> (i64, i64) {
        self.told.about(subject).unwrap()
    }

    fn rows(&self, table: &str) -> &[Row] {
        &self.tables.iter().find(|of| of.name == table).unwrap().rows
    }

    fn versions_of_line(&self, line_no: i64) -> Vec<String> {
        let of_line = self.rows("versions").iter().filter(|row| row.int("line_no") == line_no);
        of_line.map(|row| row.text("version_id").to_owned()).collect()
    }

    fn last_in_history(&self, id: &str) -> i64 {
        let of_subject = self.rows("history").iter().filter(|row| row.text("id") == id);
        of_subject.map(|row| row.int("record_no")).max().unwrap()
    }
}

fn sign_off(row: &Row) -> String {
    format!("sign_off:{}", row.text("sign_off_id"))
}
