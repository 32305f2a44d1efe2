//! What was found about a trail, for people and for programs.

use anyhow::{Result, bail};
use serde::Serialize;
use signoff_contract::feed::v1 as feed;
use signoff_ledger::{Source, VerifiedExport};
use signoff_workflow::Workflow;
use uuid::Uuid;

use crate::output::{self, Format};

/// What was found.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// The file, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    source: &'static str,
    cycle_id: Uuid,
    report_id: Uuid,
    intact: bool,
    /// How many records fit.
    records: i64,
    /// The last of them: to be compared with a head that was kept elsewhere.
    head: Head,
    /// With how many such heads it was compared, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_heads: Option<usize>,
    first_damaged: Option<Damaged>,
}

#[derive(Debug, Serialize)]
struct Head {
    sequence: i64,
    hash: String,
}

/// Where it stops fitting.
#[derive(Debug, Serialize)]
struct Damaged {
    /// The record; null where only the end of a file is concerned.
    record: Option<i64>,
    /// The line of the file, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    what: String,
}

/// What was found about several trails: those of one workflow, or all that heads were kept of.
#[derive(Debug, Serialize)]
pub(super) struct Reports {
    #[serde(skip_serializing_if = "Option::is_none")]
    cycle_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report_id: Option<Uuid>,
    /// Whether all of them are.
    intact: bool,
    trails: Vec<Report>,
}

impl Reports {
    /// What was found.
    pub(super) fn of(workflow: Option<Workflow>, trails: Vec<Report>) -> Self {
        let cycle_id = workflow.map(|workflow| workflow.cycle_id);
        let report_id = workflow.map(|workflow| workflow.report_id);
        Self { cycle_id, report_id, intact: trails.iter().all(|trail| trail.intact), trails }
    }

    /// Prints it.
    ///
    /// # Errors
    /// A trail is damaged: that is how the program ends then.
    pub(super) fn print(&self, format: Format) -> Result<()> {
        match format {
            Format::Json => output::json(self)?,
            Format::Text => {
                self.trails.iter().flat_map(Report::lines).for_each(|line| output::line(&line));
            }
        }
        let damaged: Vec<String> = self
            .trails
            .iter()
            .filter(|trail| !trail.intact)
            .map(|trail| match self.cycle_id {
                Some(_) => format!("the trail of {} is damaged: {}", trail.source, trail.damage()),
                None => trail.complaint(),
            })
            .collect();
        if !damaged.is_empty() {
            bail!("{}", damaged.join("; "));
        }
        Ok(())
    }
}

impl Report {
    /// What a file holds.
    pub(super) fn of_file(file: String, found: VerifiedExport, kept_heads: Option<usize>) -> Self {
        Self {
            file: Some(file),
            source: found.source.name(),
            cycle_id: found.workflow.cycle_id,
            report_id: found.workflow.report_id,
            intact: found.intact(),
            records: found.records,
            head: Head { sequence: found.head.sequence, hash: hex::encode(found.head.hash) },
            kept_heads,
            first_damaged: found.fault.map(|fault| Damaged {
                record: fault.record,
                line: Some(fault.line),
                what: fault.what.to_string(),
            }),
        }
    }

    /// What a service answers.
    pub(super) fn of_answer(
        (source, workflow): (Source, Workflow),
        answer: feed::VerifyTrailResponse,
        kept_heads: Option<usize>,
    ) -> Self {
        let head = answer.head.unwrap_or_default();
        Self {
            file: None,
            source: source.name(),
            cycle_id: workflow.cycle_id,
            report_id: workflow.report_id,
            intact: answer.intact,
            records: answer.records,
            head: Head { sequence: head.sequence, hash: hex::encode(head.hash) },
            kept_heads,
            first_damaged: answer.first_damaged.map(|damage| Damaged {
                record: Some(damage.sequence),
                line: None,
                what: damage.what,
            }),
        }
    }

    /// Prints it.
    ///
    /// # Errors
    /// The trail is damaged: that is how the program ends then.
    pub(super) fn print(&self, format: Format) -> Result<()> {
        match format {
            Format::Json => output::json(self)?,
            Format::Text => self.lines().iter().for_each(|line| output::line(line)),
        }
        if !self.intact {
            bail!("the trail is damaged: {}", self.damage());
        }
        Ok(())
    }

    fn lines(&self) -> Vec<String> {
        let line = |name: &str, what: String| format!("  {name:<8} {what}");
        let mut lines =
            vec![format!("Trail of {}/{}, kept by {}", self.cycle_id, self.report_id, self.source)];
        lines.extend(self.file.iter().map(|file| line("file", file.clone())));
        let fit = if self.intact { "" } else { " fit" };
        lines.push(line("records", format!("{}{fit}", self.records)));
        lines.push(line("head", format!("{} {}", self.head.sequence, self.head.hash)));
        let heads = |kept| format!("{kept} head{}", if kept == 1 { "" } else { "s" });
        lines.extend(self.kept_heads.map(|kept| line("kept", heads(kept))));
        let verdict =
            if self.intact { "intact".to_owned() } else { format!("DAMAGED: {}", self.damage()) };
        lines.push(line("verdict", verdict));
        lines
    }

    /// That it is damaged, and whose it is.
    pub(super) fn complaint(&self) -> String {
        let Self { source, cycle_id, report_id, .. } = self;
        format!("the trail of {source} of {cycle_id}/{report_id} is damaged: {}", self.damage())
    }

    /// The first damage, in words.
    fn damage(&self) -> String {
        let Some(Damaged { record, line, what }) = &self.first_damaged else {
            return "nobody says where".to_owned();
        };
        match (record, line) {
            (Some(record), Some(line)) => format!("record {record} (line {line}): {what}"),
            (Some(record), None) => format!("record {record}: {what}"),
            (None, Some(line)) => format!("line {line}: {what}"),
            (None, None) => what.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use signoff_ledger::{ExportFault, ExportFlaw, Flaw};

    use super::*;

    fn found(fault: Option<ExportFault>) -> VerifiedExport {
        VerifiedExport {
            source: Source::Versioning,
            workflow: Workflow { cycle_id: Uuid::from_u128(1), report_id: Uuid::from_u128(2) },
            records: 3,
            head: signoff_ledger::Head { sequence: 3, hash: [0xab; 32] },
            fault,
        }
    }

    #[test]
    fn people_are_told_in_lines() {
        let report = Report::of_file("x.jsonl".to_owned(), found(None), None);
        let lines = [
            "Trail of 00000000-0000-0000-0000-000000000001/00000000-0000-0000-0000-000000000002, \
             kept by versioning"
                .to_owned(),
            "  file     x.jsonl".to_owned(),
            "  records  3".to_owned(),
            format!("  head     3 {}", "ab".repeat(32)),
            "  verdict  intact".to_owned(),
        ];
        assert_eq!(report.lines(), lines);
        let compared = Report::of_file("x.jsonl".to_owned(), found(None), Some(2));
        assert_eq!(compared.lines()[4], "  kept     2 heads");
        let fault = ExportFault { line: 6, record: Some(4), what: Flaw::Hash.into() };
        let report = Report::of_file("x.jsonl".to_owned(), found(Some(fault)), None);
        assert_eq!(report.lines()[2], "  records  3 fit");
        assert_eq!(
            report.lines()[4],
            "  verdict  DAMAGED: record 4 (line 6): its hash is not the hash of its bytes"
        );
    }

    #[test]
    fn a_workflow_is_intact_if_all_of_its_trails_are() {
        let workflow = found(None).workflow;
        let fault = ExportFault { line: 6, record: Some(4), what: Flaw::Hash.into() };
        let whole = || Report::of_file("x.jsonl".to_owned(), found(None), None);
        let damaged = Report::of_file("y.jsonl".to_owned(), found(Some(fault)), None);
        let reports = Reports::of(Some(workflow), vec![whole(), whole()]);
        assert!(reports.intact && reports.print(Format::Json).is_ok());
        let reports = Reports::of(Some(workflow), vec![whole(), damaged]);
        assert!(!reports.intact);
        let error = reports.print(Format::Text).unwrap_err().to_string();
        assert!(error.starts_with("the trail of versioning is damaged: record 4"), "{error}");
        let json = serde_json::to_value(reports).unwrap();
        assert_eq!((&json["intact"], &json["trails"][1]["intact"]), (&false.into(), &false.into()));
        assert_eq!(json["cycle_id"], workflow.cycle_id.to_string());
        let of_many = serde_json::to_value(Reports::of(None, vec![whole()])).unwrap();
        assert_eq!(of_many.get("cycle_id"), None);
    }

    #[test]
    fn programs_are_told_in_json() {
        let fault = ExportFault { line: 9, record: None, what: ExportFlaw::NoEnd };
        let report = Report::of_file("x.jsonl".to_owned(), found(Some(fault)), None);
        assert_eq!(
            serde_json::to_value(report).unwrap(),
            serde_json::json!({
                "file": "x.jsonl",
                "source": "versioning",
                "cycle_id": "00000000-0000-0000-0000-000000000001",
                "report_id": "00000000-0000-0000-0000-000000000002",
                "intact": false,
                "records": 3,
                "head": {"sequence": 3, "hash": "ab".repeat(32)},
                "first_damaged": {
                    "record": null,
                    "line": 9,
                    "what": "the file ends before its last line: something is missing",
                },
            })
        );
    }
}
