//! Histories of reports that nobody worked on: like those that services record, at any time.

use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use signoff_contract::feed::v1::Source;
use signoff_tests::world::workflow;
use signoff_workflow::Workflow;
use uuid::Uuid;

use crate::chain::{Chain, Record, Said};

const PHASES: [&str; 3] = ["planning", "scoping", "sample_selection"];
const ORIGINS: [&str; 4] = ["tester", "llm", "manual", "automated"];
const CONTENTS: [&str; 6] =
    ["item_no", "rev", "item_key", "content_hash", "source", "ended_ruling"];
const RULINGS: [&str; 7] = ["item_no", "seq", "rev", "state", "source", "carried", "ended_ruling"];

/// An item in the open version of a line, or in what the next one begins with.
#[derive(Clone, Debug)]
struct Item {
    number: i32,
    origin: &'static str,
    /// The last ruling's number, and the one that reigns.
    last: i32,
    reigns: Option<(i32, &'static str)>,
    carried: bool,
    present: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Draft,
    Submitted,
}

/// A phase of a report.
#[derive(Clone, Debug)]
struct Line {
    chain: usize,
    phase: &'static str,
    items: Vec<Item>,
    next_item: i32,
    open: Option<(String, State)>,
    started: bool,
    rejected: Vec<String>,
}

/// Reports, and everything that happened so far.
pub(crate) struct Story {
    pub(crate) dice: ChaCha8Rng,
    pub(crate) now: DateTime<Utc>,
    pub(crate) chains: Vec<Chain>,
    lines: Vec<Line>,
    /// Open requests, each with its chain.
    requests: Vec<(usize, String)>,
}

impl Story {
    /// So many reports, in half as many cycles.
    pub(crate) fn new(dice: ChaCha8Rng, now: DateTime<Utc>, reports: usize) -> Self {
        let mut story =
            Self { dice, now, chains: Vec::new(), lines: Vec::new(), requests: Vec::new() };
        let mut cycle_id = workflow().cycle_id;
        for n in 0..reports {
            let fresh = workflow();
            if n % 2 == 0 {
                cycle_id = fresh.cycle_id;
            }
            let workflow = Workflow { cycle_id, ..fresh };
            for source in [Source::Versioning, Source::Audit, Source::Gateway] {
                story.chains.push(Chain::new(source, workflow));
            }
            for phase in PHASES {
                story.lines.push(Line {
                    chain: n * 3,
                    phase,
                    items: Vec::new(),
                    next_item: 1,
                    open: None,
                    started: false,
                    rejected: Vec::new(),
                });
            }
        }
        story
    }

    /// All chains as files.
    pub(crate) fn files(&self) -> Vec<Vec<u8>> {
        self.chains.iter().map(Chain::file).collect()
    }

    /// Something happens, somewhere. In which feed, and the record of it.
    pub(crate) fn step(&mut self) -> (Source, Record) {
        let minutes = match self.dice.random_range(0..20) {
            0 => 60 * 24 * self.dice.random_range(1..12),
            1..4 => self.dice.random_range(60..1000),
            // A clock that was set back.
            4 => -1,
            _ => self.dice.random_range(0..40),
        };
        self.now += TimeDelta::minutes(minutes)
            + TimeDelta::microseconds(self.dice.random_range(0..60_000_000));
        loop {
            let done = match self.dice.random_range(0..10) {
                0 => self.of_workflow(),
                1 | 2 => self.of_lane(),
                _ => self.of_version(),
            };
            if let Some(done) = done {
                return done;
            }
        }
    }

    fn said(&mut self, action: &'static str, phase: Option<&'static str>, subject: &str) -> Said {
        Said {
            action,
            phase,
            by: self.dice.random_range(10..15),
            at: self.now,
            subject: subject.to_owned(),
            before: Value::Null,
            after: json!({}),
            details: Vec::new(),
        }
    }

    fn record(&mut self, chain: usize, said: &Said) -> Option<(Source, Record)> {
        let record = self.chains[chain].add(said);
        Some((self.chains[chain].source, record))
    }

    fn of_workflow(&mut self) -> Option<(Source, Record)> {
        let chain = self.dice.random_range(0..self.chains.len() / 3) * 3 + 2;
        let workflow = self.chains[chain].workflow;
        let action = match self.chains[chain].records.len() {
            0 => "workflow.opened",
            n if n > 6 && self.dice.random_bool(0.1) => "workflow.closed",
            _ => "members.set",
        };
        let subject = format!("{}/{}", workflow.cycle_id, workflow.report_id);
        let said = self.said(action, None, &subject);
        self.record(chain, &said)
    }

    fn of_lane(&mut self) -> Option<(Source, Record)> {
        let chain = self.dice.random_range(0..self.chains.len() / 3) * 3 + 1;
        let fresh = Uuid::new_v4().to_string();
        let (action, phase) = *[
            ("data_owner.assigned", "data_owner_id"),
            ("data_owner.transferred", "data_owner_id"),
            ("data_owner.deactivated", "data_owner_id"),
            ("test_cases.planned", "data_owner_id"),
            ("document.submitted", "request_info"),
            ("document.supplemented", "request_info"),
            ("document.revised", "request_info"),
            ("document.reviewed", "request_info"),
            ("execution.concluded", "test_execution"),
            ("action.requested", "test_execution"),
            ("action.requested", "test_execution"),
            ("action.responded", "test_execution"),
            ("action.responded", "test_execution"),
        ]
        .choose(&mut self.dice)
        .unwrap();
        let mut said = self.said(action, Some(phase), &fresh);
        if action == "action.requested" {
            let asked = ["document_request", "data_update_request", "test_rerun"];
            said.after = json!({"action_type": asked.choose(&mut self.dice).unwrap()});
            self.requests.push((chain, fresh));
            return self.record(chain, &said);
        }
        if action != "action.responded" {
            return self.record(chain, &said);
        }
        if self.requests.is_empty() {
            return None;
        }
        let at = self.dice.random_range(0..self.requests.len());
        let (chain, request) = self.requests.swap_remove(at);
        let status = ["fulfilled", "rejected", "partial"].choose(&mut self.dice).unwrap();
        let impacts = [json!("none"), json!("minor_delay"), json!("major_delay"), Value::Null];
        let impact = impacts.choose(&mut self.dice).unwrap();
        said.after = json!({"response_status": status, "impact_on_timeline": impact});
        self.record(chain, &Said { subject: request, ..said })
    }

    fn of_version(&mut self) -> Option<(Source, Record)> {
        let at = self.dice.random_range(0..self.lines.len());
        let mut line = self.lines[at].clone();
        let said = match line.open.clone() {
            None => self.begin(&mut line),
            Some((id, State::Draft)) => self.draft(&mut line, &id),
            Some((id, State::Submitted)) => self.review(&mut line, &id),
        }?;
        let chain = line.chain;
        self.lines[at] = line;
        self.record(chain, &said)
    }

    fn begin(&mut self, line: &mut Line) -> Option<Said> {
        if !line.rejected.is_empty() && self.dice.random_bool(0.3) {
            let id = line.rejected.pop().unwrap();
            let said = self.said("version.deleted", Some(line.phase), &id);
            let after = json!({"state": "deleted"});
            return Some(Said { before: json!({"state": "rejected"}), after, ..said });
        }
        let id = Uuid::new_v4().to_string();
        let action = if line.started { "version.revised" } else { "version.created" };
        line.started = true;
        line.items.retain(|item| item.present);
        line.items.iter_mut().for_each(|item| item.carried = true);
        let contents = self.put(line, 6);
        line.open = Some((id.clone(), State::Draft));
        let said = self.said(action, Some(line.phase), &id);
        let metadata =
            json!({"columns": ["field", "piece", "json"], "rows": [["metadata", 0, "{}"]]});
        let details = vec![metadata, contents];
        Some(Said { after: json!({"state": "draft", "counts": line.counts()}), details, ..said })
    }

    /// New items, and some that were taken out before.
    fn put(&mut self, line: &mut Line, most: i32) -> Value {
        let mut rows = Vec::new();
        for _ in 0..self.dice.random_range(1..=most) {
            let origin = ORIGINS.choose(&mut self.dice).unwrap();
            rows.push(json!([line.next_item, 1, "key", "00", origin, null]));
            line.items.push(Item {
                number: line.next_item,
                origin,
                last: 0,
                reigns: None,
                carried: false,
                present: true,
            });
            line.next_item += 1;
        }
        for item in line.items.iter_mut().filter(|item| !item.present) {
            if self.dice.random_bool(0.3) {
                let ended = item.reigns.take().map(|(seq, _)| seq);
                rows.push(json!([item.number, 2, "key", "00", item.origin, ended]));
                (item.present, item.carried) = (true, false);
            }
        }
        json!({"columns": CONTENTS, "rows": rows})
    }

    fn draft(&mut self, line: &mut Line, id: &str) -> Option<Said> {
        let phase = Some(line.phase);
        match self.dice.random_range(0..10) {
            0 | 1 => {
                let details = vec![self.put(line, 3)];
                let said = self.said("decisions.added", phase, id);
                Some(Said { after: json!({"counts": line.counts()}), details, ..said })
            }
            2 | 3 => {
                let mut present: Vec<&mut Item> =
                    line.items.iter_mut().filter(|item| item.present).collect();
                let n = present.len();
                let item = present.get_mut(self.dice.random_range(0..n.max(1)))?;
                let ended = item.reigns.take().map(|(seq, _)| seq);
                item.carried = false;
                let rows = json!([[item.number, 2, "key", "00", item.origin, ended]]);
                let details = vec![json!({"columns": CONTENTS, "rows": rows})];
                let said = self.said("decision.edited", phase, id);
                Some(Said { after: json!({"counts": line.counts()}), details, ..said })
            }
            4 => {
                let details = vec![self.rule(line, 0.3, |_, _| Some("removed"))?];
                let said = self.said("decisions.removed", phase, id);
                Some(Said { after: json!({"counts": line.counts()}), details, ..said })
            }
            5 => Some(Said {
                after: json!({"version_notes": "more"}),
                ..self.said("version.updated", phase, id)
            }),
            6 if self.dice.random_bool(0.3) => {
                line.open = None;
                let said = self.said("version.deleted", phase, id);
                let after = json!({"state": "deleted"});
                Some(Said { before: json!({"state": "draft"}), after, ..said })
            }
            _ => {
                line.open = Some((id.to_owned(), State::Submitted));
                let after = json!({"state": "submitted"});
                Some(Said { after, ..self.said("version.submitted", phase, id) })
            }
        }
    }

    fn review(&mut self, line: &mut Line, id: &str) -> Option<Said> {
        let phase = Some(line.phase);
        match self.dice.random_range(0..10) {
            0..5 => {
                let verdicts = ["approved", "approved", "rejected", "proposed"];
                let details = vec![self.rule(line, 0.5, |dice, _| verdicts.choose(dice).copied())?];
                let said = self.said("decisions.reviewed", phase, id);
                Some(Said { after: json!({"counts": line.counts()}), details, ..said })
            }
            5 => {
                let of = |_: &mut ChaCha8Rng, item: &Item| {
                    matches!(item.reigns, Some((_, "proposed"))).then_some("modified")
                };
                let details = vec![self.rule(line, 0.8, of)?];
                let said = self.said("modifications.confirmed", phase, id);
                Some(Said { after: json!({"counts": line.counts()}), details, ..said })
            }
            6 | 7 => {
                line.open = Some((id.to_owned(), State::Draft));
                let after = json!({"state": "draft"});
                Some(Said { after, ..self.said("version.withdrawn", phase, id) })
            }
            8 => {
                line.open = None;
                let after = json!({"state": "approved", "counts": line.counts()});
                Some(Said { after, ..self.said("version.approved", phase, id) })
            }
            _ => {
                line.open = None;
                line.rejected.push(id.to_owned());
                let after = json!({"state": "rejected"});
                Some(Said { after, ..self.said("version.rejected", phase, id) })
            }
        }
    }

    /// Rulings on some items; nothing, if on none.
    fn rule(
        &mut self,
        line: &mut Line,
        share: f64,
        verdict: impl Fn(&mut ChaCha8Rng, &Item) -> Option<&'static str>,
    ) -> Option<Value> {
        let mut rows = Vec::new();
        for item in line.items.iter_mut().filter(|item| item.present) {
            if !self.dice.random_bool(share) {
                continue;
            }
            let Some(verdict) = verdict(&mut self.dice, item) else { continue };
            let ended = item.reigns.map(|(seq, _)| seq);
            item.last += 1;
            item.reigns = Some((item.last, verdict));
            item.present = verdict != "removed";
            rows.push(json!([
                item.number,
                item.last,
                1,
                verdict,
                item.origin,
                item.carried,
                ended
            ]));
        }
        (!rows.is_empty()).then(|| json!({"columns": RULINGS, "rows": rows}))
    }
}

impl Line {
    fn counts(&self) -> Value {
        let present = || self.items.iter().filter(|item| item.present);
        let carried = present().filter(|item| item.carried).count();
        json!({"total": present().count(), "carried": carried, "pending": 0})
    }
}
