//! Counting: a record after the other, each once.

use signoff_ledger::{Content, Head, Link, Source as Service};
use signoff_workflow::{PhaseTable, Workflow};
use uuid::Uuid;

use super::fact::{Facts, Key, hour_of};
use super::measure::{Measure, named};
use super::record::{Course, Held, Told, What, expect_placed, read};
use super::state::{Line, RequestSeen, RulingSeen, Stands, State, VersionSeen};
use super::touch::{Act, Touch};

named! {
    /// Why a record could not be counted as it should be.
    Reason:
    /// It was counted before, or one behind it was.
    Repeated = "repeated",
    /// Records before it are missing. It is counted all the same.
    Gap = "gap",
    /// It does not follow the one before it.
    Chain = "chain",
    /// Its hash is not that of its bytes.
    Hash = "hash",
    /// Its bytes, or its details, cannot be understood.
    Malformed = "malformed",
    /// It is about something that no record before it spoke of.
    Unknown = "unknown",
}

/// How much is told of what is odd, in characters.
const LONGEST_WHAT: usize = 500;

/// A record that could not be counted as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Of which chain.
    pub workflow: Workflow,
    /// Its number.
    pub sequence: i64,
    /// Why.
    pub reason: Reason,
    /// In more words.
    pub what: String,
}

/// A record as the feed brings it, with what its details say.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// Whose chain it is of.
    pub workflow: Workflow,
    /// Its number.
    pub sequence: i64,
    /// The version of the canonical form.
    pub format: i16,
    /// Its bytes.
    pub canonical: Vec<u8>,
    /// The hash of the record before.
    pub previous_hash: signoff_ledger::Hash,
    /// Its hash.
    pub hash: signoff_ledger::Hash,
    /// What its details say of decisions.
    pub touches: Vec<Touch>,
    /// The hash of the details that came; none if none came.
    pub details: Option<signoff_ledger::Hash>,
    /// What is odd about the details that came.
    pub odd: Option<String>,
}

impl Arrived {
    fn link(&self) -> Link<'_> {
        Link {
            sequence: self.sequence,
            format: self.format,
            canonical: &self.canonical,
            hash: self.hash,
            previous_hash: self.previous_hash,
        }
    }
}

/// A record that was read, before it is known whether it follows.
#[derive(Clone, Debug)]
pub struct Read {
    /// The record.
    pub record: Arrived,
    /// What it says; or what is odd about it.
    pub told: Result<Told, Odd>,
}

/// What is odd about a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Odd {
    /// Why it cannot be counted.
    pub reason: Reason,
    /// In more words.
    pub what: String,
    /// Whether it may take its place in its chain all the same.
    pub place: Place,
}

/// What is known of a record's place in its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Its bytes are those that were hashed, and name it.
    Known,
    /// Its bytes are those that were hashed, but name none.
    Claimed,
    /// It is not what it is said to be: its place is that of another record.
    Another,
}

/// Reads a record by itself. `with_details`: its details came with it.
pub fn understand(
    record: Arrived,
    source: Service,
    with_details: bool,
    phases: &'static PhaseTable,
) -> Read {
    let told = tell(&record, source, with_details, phases);
    Read { record, told }
}

fn tell(
    record: &Arrived,
    source: Service,
    with_details: bool,
    phases: &'static PhaseTable,
) -> Result<Told, Odd> {
    let odd = |reason, place| move |what| Odd { reason, what, place };
    let link = record.link();
    if !link.is_intact() {
        let what = "its hash is not that of its bytes".to_owned();
        return Err(odd(Reason::Hash, Place::Another)(what));
    }
    let content: Content = serde_json::from_slice(link.canonical)
        .map_err(|error| odd(Reason::Malformed, Place::Claimed)(error.to_string()))?;
    expect_placed(&content, &link, record.workflow, source)
        .map_err(odd(Reason::Malformed, Place::Another))?;
    let malformed = odd(Reason::Malformed, Place::Known);
    let told = read(&content, source, phases).map_err(malformed)?;
    match &record.odd {
        Some(odd) => Err(malformed(odd.clone())),
        None if with_details && told.details != record.details => {
            Err(malformed("its details are not those that it names".to_owned()))
        }
        None => Ok(told),
    }
}

/// What is counted, and what could not be.
#[derive(Debug, Default)]
pub struct Counter {
    /// What is remembered.
    pub state: State,
    /// What it adds up to.
    pub facts: Facts,
    /// How many records took their place in their chains.
    pub records: i64,
    /// What could not be counted.
    pub rejected: Vec<Rejected>,
}

impl Counter {
    /// Counts a record, but for what its details say; whether those are to be counted, too.
    pub fn count(&mut self, read: &Read) -> bool {
        let (record, workflow) = (&read.record, read.record.workflow);
        let head = self.state.heads.get(workflow).copied().unwrap_or(Head::EMPTY);
        if record.sequence <= head.sequence {
            let what = format!("record {} of its chain was counted before", head.sequence);
            self.reject(record, Reason::Repeated, what);
            return false;
        }
        let is_next = record.sequence == head.sequence + 1;
        let follows = is_next && record.previous_hash == head.hash;
        // One that is not what it is said to be takes no place: those behind it are not late then.
        if let Err(odd) = &read.told
            && (odd.place == Place::Another || odd.place == Place::Claimed && !follows)
        {
            self.reject(record, odd.reason, odd.what.clone());
            return false;
        }
        if is_next && !follows {
            self.reject(record, Reason::Chain, "it does not follow the one before it".to_owned());
            return false;
        }
        self.state.heads.set(workflow, Head { sequence: record.sequence, hash: record.hash });
        self.records += 1;
        if !is_next {
            let what = format!("records from {} on are missing before it", head.sequence + 1);
            self.reject(record, Reason::Gap, what);
        }
        let counted = match &read.told {
            Ok(told) => self.tell(workflow, told).map_err(|what| (Reason::Unknown, what)),
            Err(odd) => Err((odd.reason, odd.what.clone())),
        };
        if let Err((reason, what)) = counted {
            self.reject(record, reason, what);
            return false;
        }
        true
    }

    /// Counts what the details of a record say of decisions.
    pub fn touch(&mut self, workflow: Workflow, told: &Told, touches: &[Touch]) {
        let line = (workflow, told.phase);
        for touch in touches {
            let at = (line, touch.item_no);
            let before =
                self.state.rulings.get(at).copied().filter(|before| before.seq == touch.ended);
            match touch.act {
                Act::Confirmed => {
                    if let Some(before) = before {
                        self.state.rulings.set(at, RulingSeen { seq: touch.seq, ..before });
                    }
                }
                Act::Undone => {
                    if let Some(before) = before {
                        self.state.rulings.remove(at);
                        self.ruled(line, &before, -1);
                    }
                }
                Act::Ruled(verdict, source) => {
                    if let Some(before) = before {
                        self.ruled(line, &before, -1);
                    }
                    let hour = hour_of(told.at);
                    let ruling = RulingSeen { seq: touch.seq, verdict, source, by: told.by, hour };
                    self.state.rulings.set(at, ruling);
                    self.ruled(line, &ruling, 1);
                }
            }
        }
    }

    /// Notes a record that could not be counted as it should be.
    fn reject(&mut self, record: &Arrived, reason: Reason, what: String) {
        let (workflow, sequence) = (record.workflow, record.sequence);
        // It may name what somebody made up: no database takes every character, and nobody reads so many.
        let what = what.chars().filter(|c| !c.is_control()).take(LONGEST_WHAT).collect();
        self.rejected.push(Rejected { workflow, sequence, reason, what });
    }

    fn tell(&mut self, workflow: Workflow, told: &Told) -> Result<(), String> {
        let key = |measure, outcome| key(workflow, told, measure, outcome);
        match told.what {
            What::Nothing => {}
            What::Workflow(outcome) => self.facts.count(key(Measure::Workflow, outcome), 1),
            What::DataOwner(outcome) => self.facts.count(key(Measure::DataOwner, outcome), 1),
            What::Document(outcome) => self.facts.count(key(Measure::Document, outcome), 1),
            What::Requested { action, action_type } => {
                let seen = RequestSeen { action_type, at: told.at };
                self.state.requests.set((workflow, action), seen);
                self.facts.count(Key { action_type, ..key(Measure::TestRequest, "") }, 1);
            }
            What::Responded { action, response, impact } => {
                let unknown = || format!("no record spoke of the request {action}");
                let seen = self.state.requests.remove((workflow, action)).ok_or_else(unknown)?;
                let of = |measure, outcome| Key {
                    action_type: seen.action_type,
                    ..key(measure, outcome)
                };
                self.facts.count(of(Measure::TestResponse, response), 1);
                self.facts.time(of(Measure::Turnaround, ""), told.at - seen.at);
                if let Some(impact) = impact {
                    self.facts.count(of(Measure::TimelineImpact, impact), 1);
                }
            }
            What::Made { version, revised, held } => {
                let outcome = if revised { "revised" } else { "created" };
                self.facts.count(key(Measure::VersionCreated, outcome), 1);
                let made = VersionSeen {
                    phase: told.phase,
                    made_at: told.at,
                    made_by: told.by,
                    submitted_at: None,
                    stands: Stands::Still,
                    revised,
                    held: Held::default(),
                };
                self.hold(workflow, version, made, held);
            }
            What::Version { version, course, held } => {
                let unknown = || format!("no record spoke of the version {version}");
                let seen = self.state.versions.get((workflow, version)).copied();
                let seen = seen.ok_or_else(unknown)?;
                self.follow(workflow, version, seen, told, (course, held));
            }
        }
        Ok(())
    }

    /// A version on its way.
    fn follow(
        &mut self,
        workflow: Workflow,
        version: Uuid,
        mut seen: VersionSeen,
        told: &Told,
        (course, held): (Course, Option<Held>),
    ) {
        let key = |measure, outcome| key(workflow, told, measure, outcome);
        seen.stands = match course {
            Course::Stays => seen.stands,
            Course::Submitted => Stands::Submitted,
            _ => Stands::Still,
        };
        let mut held = held.unwrap_or(seen.held);
        match course {
            Course::Stays | Course::Withdrawn => {}
            Course::Submitted => seen.submitted_at = Some(told.at),
            Course::Approved | Course::Rejected => {
                let approved = course == Course::Approved;
                let outcome = if approved { "approved" } else { "rejected" };
                self.facts.count(key(Measure::VersionClosed, outcome), 1);
                if let Some(submitted_at) = seen.submitted_at {
                    self.facts.time(key(Measure::ReviewTime, outcome), told.at - submitted_at);
                }
                if approved {
                    self.facts.time(key(Measure::ApprovalTime, ""), told.at - seen.made_at);
                }
                self.state.close((workflow, seen.phase));
            }
            Course::DraftDeleted | Course::RejectedDeleted => {
                self.facts.count(key(Measure::VersionDeleted, ""), 1);
                held = Held::default();
                // The line may have another version open by now, unless this one was.
                if course == Course::DraftDeleted {
                    self.state.close((workflow, seen.phase));
                }
            }
        }
        self.hold(workflow, version, seen, held);
    }

    /// A version holds so many decisions now. They count for when it was made, and for its maker.
    fn hold(&mut self, workflow: Workflow, version: Uuid, seen: VersionSeen, held: Held) {
        if seen.revised && held != seen.held {
            let key = |measure| Key {
                workflow,
                phase: seen.phase,
                measure,
                person: seen.made_by,
                source: "",
                action_type: "",
                outcome: "",
                hour: hour_of(seen.made_at),
            };
            self.facts.count(key(Measure::RevisedItems), held.total - seen.held.total);
            self.facts.count(key(Measure::CarriedItems), held.carried - seen.held.carried);
        }
        self.state.versions.set((workflow, version), VersionSeen { held, ..seen });
    }

    fn ruled(&mut self, (workflow, phase): Line, ruling: &RulingSeen, amount: i64) {
        let key = Key {
            workflow,
            phase,
            measure: Measure::DecisionRuled,
            person: ruling.by,
            source: ruling.source.name(),
            action_type: "",
            outcome: ruling.verdict.name(),
            hour: ruling.hour,
        };
        self.facts.count(key, amount);
    }
}

fn key(workflow: Workflow, told: &Told, measure: Measure, outcome: &'static str) -> Key {
    Key {
        workflow,
        phase: told.phase,
        measure,
        person: told.by,
        source: "",
        action_type: "",
        outcome,
        hour: hour_of(told.at),
    }
}

#[cfg(test)]
#[path = "count_tests.rs"]
mod tests;
