//! What tests tell: records of one workflow at one service, counted one after the other.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use signoff_ledger::{Content, Head, Source as Service};
use signoff_workflow::{PhaseTable, Workflow};
use uuid::Uuid;

use super::count::{Arrived, Counter, Odd, Place, Read, Reason};
use super::figure::{Count, Figure, Times};
use super::measure::Measure;
use super::metric::MetricType;
use super::record::read;
use super::sketch::Sketch;
use super::touch::Touch;

/// The workflow that all records are of.
pub(crate) fn workflow() -> Workflow {
    Workflow { cycle_id: Uuid::from_u128(1), report_id: Uuid::from_u128(2) }
}

/// The moment at this time of the day, all on one day.
pub(crate) fn at(clock: &str) -> DateTime<Utc> {
    format!("2026-11-25T{clock}:00Z").parse().unwrap()
}

/// What a record says.
#[derive(Clone, Debug)]
pub(crate) struct Said(Value, Vec<Touch>);

/// Something happened, to this one: in the scoping, on the day of all records.
pub(crate) fn said(action: &str, subject: Uuid) -> Said {
    let workflow = workflow();
    Said(
        json!({
            "action": action,
            "actor": {"acting_service": null, "roles": [], "subject": "somebody", "user_id": 7},
            "after": null,
            "before": null,
            "cycle_id": workflow.cycle_id,
            "details": null,
            "format": 1,
            "method": "/a.B/C",
            "occurred_at": at("08:00"),
            "origin": "native",
            "phase": "scoping",
            "previous_hash": "00".repeat(32),
            "reason": null,
            "recorded_at": at("08:00"),
            "report_id": workflow.report_id,
            "request_id": null,
            "sequence": 1,
            "source": "versioning",
            "subject": subject,
        }),
        Vec::new(),
    )
}

/// The counts of a version's header.
pub(crate) fn counts(total: i64, carried: i64) -> Value {
    json!({"counts": {"total": total, "carried": carried}})
}

impl Said {
    /// With another value in this field.
    pub(crate) fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0[field] = value.into();
        self
    }

    /// By whom, and when.
    pub(crate) fn by(mut self, person: i64, clock: &str) -> Self {
        self.0["actor"]["user_id"] = person.into();
        self.with("occurred_at", at(clock).to_rfc3339())
    }

    /// What is after.
    pub(crate) fn after(self, state: Value) -> Self {
        self.with("after", state)
    }

    /// What its details say.
    pub(crate) fn touching(self, touches: &[Touch]) -> Self {
        Self(self.0, touches.to_vec())
    }

    /// What the bytes of the record say.
    pub(crate) fn content(self) -> Content {
        serde_json::from_value(self.0).unwrap()
    }
}

/// A workflow's records at one service, and what they come to.
#[derive(Debug)]
pub(crate) struct Story {
    source: Service,
    pub(crate) counter: Counter,
}

impl Story {
    pub(crate) fn of(source: Service) -> Self {
        Self { source, counter: Counter::default() }
    }

    /// The next record. Whether it was counted.
    pub(crate) fn tell(&mut self, said: Said) -> bool {
        let touches = said.1.clone();
        let content = said.content();
        let head = self.counter.state.heads.get(workflow()).copied().unwrap_or(Head::EMPTY);
        let sequence = head.sequence + 1;
        let record = Arrived {
            workflow: workflow(),
            sequence,
            format: 1,
            canonical: Vec::new(),
            previous_hash: head.hash,
            hash: [u8::try_from(sequence).unwrap(); 32],
            touches: Vec::new(),
            details: None,
            odd: None,
        };
        let malformed = |what| Odd { reason: Reason::Malformed, what, place: Place::Known };
        let told = read(&content, self.source, PhaseTable::standard()).map_err(malformed);
        let read = Read { record, told };
        let counts = self.counter.count(&read);
        if let (true, Ok(told)) = (counts, &read.told) {
            self.counter.touch(workflow(), told, &touches);
        }
        counts
    }

    /// What is written of a measure: the hour, the phase, who, what, and how many.
    pub(crate) fn rows(&self, measure: Measure) -> Vec<String> {
        let mut facts = self.counter.facts.clone();
        facts.settle();
        let of = facts.sums.iter().filter(|(key, _)| key.measure == measure);
        of.map(|(key, sum)| {
            let (hour, amount) = (key.hour.format("%H:%M"), sum.amount.to_string());
            let who = format!("{hour} {} {}", key.phase, key.person);
            let words = [who.as_str(), key.source, key.action_type, key.outcome, &amount];
            let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
            words.join(" ")
        })
        .collect()
    }

    /// The figure of all that was told.
    pub(crate) fn figure(&self, metric: MetricType) -> Figure {
        let facts = &self.counter.facts;
        let counts: Vec<Count> = facts
            .sums
            .iter()
            .map(|(key, sum)| Count {
                measure: key.measure,
                source: key.source.to_owned(),
                action_type: key.action_type.to_owned(),
                outcome: key.outcome.to_owned(),
                within: *sum,
                until_end: *sum,
                calculated_at: DateTime::UNIX_EPOCH,
            })
            .collect();
        let mut times = Vec::new();
        for measure in Measure::ALL {
            let mut sketch = Sketch::default();
            let of = facts.times.iter().filter(|((key, _), _)| key.measure == *measure);
            of.for_each(|((_, bucket), filled)| sketch.add(*bucket, *filled));
            times.push(Times { measure: *measure, sketch });
        }
        Figure::of(metric, &counts, &times)
    }

    /// What could not be counted: the record, and why.
    pub(crate) fn rejected(&self) -> Vec<(i64, Reason)> {
        self.counter.rejected.iter().map(|of| (of.sequence, of.reason)).collect()
    }
}
