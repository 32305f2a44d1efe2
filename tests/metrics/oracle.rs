//! A direct count over exported trails, written without the service's code: plain, and slow.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use signoff_workflow::Workflow;

/// What a fact is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Made,
    Deleted,
    Closed,
    Approval,
    Review,
    Ruled,
    Held,
    Carried,
    Owner,
    Document,
    Request,
    Response,
    Turnaround,
    Impact,
    Workflow,
}

/// Something that is counted, as it stands at the end of all trails.
#[derive(Clone, Debug)]
pub(crate) struct Fact {
    pub(crate) kind: Kind,
    pub(crate) workflow: Workflow,
    pub(crate) phase: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) person: i64,
    pub(crate) source: String,
    pub(crate) action_type: String,
    pub(crate) outcome: String,
    /// How many.
    pub(crate) amount: i64,
    /// How long it took, of times.
    pub(crate) micros: i64,
}

/// A record of a file, with its chunks.
struct Line {
    record: Value,
    chunks: Vec<Value>,
}

/// What the trails in these files come to, each as `ExportTrail` writes it.
pub(crate) fn count(files: &[Vec<u8>]) -> Vec<Fact> {
    files.iter().flat_map(|file| of_file(file)).collect()
}

fn of_file(file: &[u8]) -> Vec<Fact> {
    let mut lines: Vec<Line> = Vec::new();
    let mut trail = Value::Null;
    for line in file.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line: Value = serde_json::from_slice(line).unwrap();
        let text = |of: &Value, field: &str| -> Value {
            serde_json::from_str(of[field].as_str().unwrap()).unwrap()
        };
        if let Some(opening) = line.get("trail") {
            trail = opening.clone();
        } else if let Some(record) = line.get("record") {
            lines.push(Line { record: text(record, "canonical"), chunks: Vec::new() });
        } else if let Some(chunk) = line.get("details") {
            lines.last_mut().unwrap().chunks.push(text(chunk, "body"));
        }
    }
    let id = |field: &str| trail[field].as_str().unwrap().parse().unwrap();
    let workflow = Workflow { cycle_id: id("cycle_id"), report_id: id("report_id") };
    let mut facts = match trail["source"].as_str().unwrap() {
        "versioning" => of_versions(&lines),
        "audit" => of_lanes(&lines),
        _ => of_workflows(&lines),
    };
    facts.iter_mut().for_each(|fact| fact.workflow = workflow);
    facts
}

/// A fact that a record tells.
fn fact(record: &Value, kind: Kind, outcome: &str) -> Fact {
    Fact {
        kind,
        workflow: Workflow { cycle_id: uuid::Uuid::nil(), report_id: uuid::Uuid::nil() },
        phase: record["phase"].as_str().unwrap_or_default().to_owned(),
        at: at(record),
        person: record["actor"]["user_id"].as_i64().unwrap(),
        source: String::new(),
        action_type: String::new(),
        outcome: outcome.to_owned(),
        amount: 1,
        micros: 0,
    }
}

fn at(record: &Value) -> DateTime<Utc> {
    record["occurred_at"].as_str().unwrap().parse().unwrap()
}

/// How long it took from one moment to another, by clocks that may have been set back.
fn took(from: DateTime<Utc>, to: DateTime<Utc>) -> i64 {
    (to - from).num_microseconds().unwrap().max(0)
}

struct Version {
    made: Value,
    revised: bool,
    submitted: Option<DateTime<Utc>>,
    deleted: bool,
    total: i64,
    carried: i64,
}

/// The verdicts that stand in the open version of each phase, by item.
type Standing = BTreeMap<String, BTreeMap<i64, Fact>>;

fn of_versions(lines: &[Line]) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut versions: BTreeMap<String, Version> = BTreeMap::new();
    let mut standing = Standing::new();
    for Line { record, chunks } in lines {
        let action = record["action"].as_str().unwrap();
        let phase = record["phase"].as_str().unwrap_or_default().to_owned();
        let subject = record["subject"].as_str().unwrap().to_owned();
        // Verdicts stay as they are once their version is closed or given up as a draft.
        let mut is_over = false;
        match action {
            "version.created" | "version.revised" => {
                facts.push(fact(record, Kind::Made, &action["version.".len()..]));
                let version = Version {
                    made: record.clone(),
                    revised: action == "version.revised",
                    submitted: None,
                    deleted: false,
                    total: 0,
                    carried: 0,
                };
                assert!(versions.insert(subject.clone(), version).is_none(), "{subject} is new");
            }
            "version.submitted" => {
                versions.get_mut(&subject).unwrap().submitted = Some(at(record));
            }
            "version.approved" | "version.rejected" => {
                let (version, outcome) = (&versions[&subject], &action["version.".len()..]);
                facts.push(fact(record, Kind::Closed, outcome));
                let micros = took(version.submitted.unwrap(), at(record));
                facts.push(Fact { micros, ..fact(record, Kind::Review, outcome) });
                if outcome == "approved" {
                    let micros = took(at(&version.made), at(record));
                    facts.push(Fact { micros, ..fact(record, Kind::Approval, "") });
                }
                is_over = true;
            }
            "version.deleted" => {
                versions.get_mut(&subject).unwrap().deleted = true;
                facts.push(fact(record, Kind::Deleted, ""));
                is_over = record["before"]["state"] == "draft";
            }
            "decisions.added"
            | "decision.edited"
            | "decisions.removed"
            | "decisions.reviewed"
            | "modifications.confirmed" => {
                let here = standing.entry(phase.clone()).or_default();
                chunks.iter().for_each(|chunk| rule(here, record, chunk));
            }
            _ => {}
        }
        if let (Some(counts), Some(version)) =
            (record["after"]["counts"].as_object(), versions.get_mut(&subject))
        {
            version.total = counts["total"].as_i64().unwrap();
            version.carried = counts["carried"].as_i64().unwrap();
        }
        if is_over {
            facts.extend(standing.remove(&phase).unwrap_or_default().into_values());
        }
    }
    facts.extend(standing.into_values().flat_map(BTreeMap::into_values));
    for version in versions.into_values().filter(|version| version.revised && !version.deleted) {
        let fact = |kind, amount| Fact { amount, ..fact(&version.made, kind, "") };
        facts.push(fact(Kind::Held, version.total));
        facts.push(fact(Kind::Carried, version.carried));
    }
    facts
}

/// What a chunk does to the verdicts that stand.
fn rule(standing: &mut BTreeMap<i64, Fact>, record: &Value, chunk: &Value) {
    let columns: Vec<&str> =
        chunk["columns"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    if !columns.contains(&"item_no") {
        return;
    }
    for row in chunk["rows"].as_array().unwrap() {
        let row: BTreeMap<&str, &Value> =
            columns.iter().copied().zip(row.as_array().unwrap()).collect();
        let item = row["item_no"].as_i64().unwrap();
        let verdict = match row.get("state").map(|state| state.as_str().unwrap()) {
            // What is put forward, edited or taken out has no verdict.
            None | Some("removed") => {
                standing.remove(&item);
                continue;
            }
            // It stays the reviewer's.
            Some("modified") => continue,
            Some("proposed") => "modified",
            Some(verdict) => verdict,
        };
        let source = row["source"].as_str().unwrap().to_owned();
        standing.insert(item, Fact { source, ..fact(record, Kind::Ruled, verdict) });
    }
}

fn of_lanes(lines: &[Line]) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut requests: BTreeMap<String, (DateTime<Utc>, String)> = BTreeMap::new();
    for Line { record, .. } in lines {
        let action = record["action"].as_str().unwrap();
        let subject = record["subject"].as_str().unwrap().to_owned();
        let word = |field: &str| record["after"][field].as_str().unwrap_or_default().to_owned();
        match action.split_once('.').unwrap() {
            ("data_owner", what) => facts.push(fact(record, Kind::Owner, what)),
            ("document", "reviewed") => {}
            ("document", what) => facts.push(fact(record, Kind::Document, what)),
            ("action", "requested") => {
                let action_type = word("action_type");
                requests.insert(subject, (at(record), action_type.clone()));
                facts.push(Fact { action_type, ..fact(record, Kind::Request, "") });
            }
            ("action", "responded") => {
                let (requested_at, action_type) = requests.remove(&subject).unwrap();
                let fact = |kind, outcome: &str| Fact {
                    action_type: action_type.clone(),
                    ..fact(record, kind, outcome)
                };
                facts.push(fact(Kind::Response, &word("response_status")));
                let micros = took(requested_at, at(record));
                facts.push(Fact { micros, ..fact(Kind::Turnaround, "") });
                let impact = word("impact_on_timeline");
                if !impact.is_empty() {
                    facts.push(fact(Kind::Impact, &impact));
                }
            }
            _ => {}
        }
    }
    facts
}

fn of_workflows(lines: &[Line]) -> Vec<Fact> {
    let of = |line: &Line| match line.record["action"].as_str().unwrap() {
        "workflow.opened" => Some(fact(&line.record, Kind::Workflow, "opened")),
        "workflow.closed" => Some(fact(&line.record, Kind::Workflow, "closed")),
        _ => None,
    };
    lines.iter().filter_map(of).collect()
}
