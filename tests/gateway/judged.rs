//! What the trails of both backends say about the order in which phases were opened.

use std::collections::BTreeMap;

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use signoff_contract::feed::v1::TrailRecord;
use signoff_contract::gateway::v1::Board;
use signoff_workflow::{Phase, PhaseRow, PhaseTable, VersioningType};

/// What may be done in a stale phase: a new plan, and a revision.
const MENDING: [&str; 4] =
    ["test_cases.planned", "version.created", "version.revised", "version.superseded"];

/// What one service's trail says of its phases.
#[derive(Default)]
struct Chain {
    records: Vec<TrailRecord>,
}

/// One phase after some record.
#[derive(Clone, Debug, Default)]
struct Known {
    open: bool,
    stale: bool,
    reopening: i64,
    attempt: i64,
    opened_attempt: i64,
    holds: BTreeMap<String, i64>,
    approved: Option<String>,
}

/// Both trails.
pub(crate) struct Judged {
    versioning: Chain,
    audit: Chain,
    /// How often a phase was opened.
    pub(crate) opened: usize,
    /// How often one was reopened.
    pub(crate) reopened: usize,
}

/// A named value of an object.
fn field<'a>(of: &'a Struct, name: &str) -> Option<&'a Kind> {
    of.fields.get(name)?.kind.as_ref()
}

fn number(of: &Struct, name: &str) -> i64 {
    match field(of, name) {
        #[expect(clippy::cast_possible_truncation, reason = "small whole numbers")]
        Some(Kind::NumberValue(number)) => *number as i64,
        _ => 0,
    }
}

fn text<'a>(of: &'a Struct, name: &str) -> Option<&'a str> {
    match field(of, name) {
        Some(Kind::StringValue(text)) => Some(text),
        _ => None,
    }
}

fn object<'a>(of: &'a Struct, name: &str) -> Option<&'a Struct> {
    match field(of, name) {
        Some(Kind::StructValue(object)) => Some(object),
        _ => None,
    }
}

fn list<'a>(of: &'a Struct, name: &str) -> &'a [Value] {
    match field(of, name) {
        Some(Kind::ListValue(ListValue { values })) => values,
        _ => &[],
    }
}

impl Known {
    /// After one more record of the phase.
    fn after(&mut self, record: &TrailRecord) {
        if record.action == "version.approved" {
            self.approved = Some(record.subject.clone());
        }
        let Some(after) = record.after.as_ref().filter(|_| is_of_gate(record)) else { return };
        self.open = number(after, "opened_attempt") > 0;
        self.stale = text(after, "stale_because").is_some();
        self.reopening = number(after, "reopening");
        self.attempt = number(after, "attempt");
        self.opened_attempt = number(after, "opened_attempt");
        self.holds = object(after, "holds")
            .map(|holds| holds.fields.keys().map(|slug| (slug.clone(), number(holds, slug))))
            .into_iter()
            .flatten()
            .collect();
    }
}

fn is_of_gate(record: &TrailRecord) -> bool {
    record.action.starts_with("phase.")
}

impl Chain {
    /// A phase after the record with this number.
    fn known(&self, phase: Phase, sequence: i64) -> Known {
        let mut known = Known::default();
        let until = self.records.iter().take_while(|record| record.sequence <= sequence);
        for record in until.filter(|record| record.phase == phase.number()) {
            known.after(record);
        }
        known
    }

    /// Expects that nothing was changed in a phase while it took no change.
    fn expect_changes_in_open_phases(&self) {
        let mut phases: BTreeMap<i32, Known> = BTreeMap::new();
        for record in self.records.iter().filter(|record| record.phase > 0) {
            let known = phases.entry(record.phase).or_default();
            if !is_of_gate(record) {
                let mends = MENDING.contains(&record.action.as_str());
                let takes = known.open
                    && known.holds.is_empty()
                    && known.reopening == 0
                    && (!known.stale || mends);
                assert!(takes, "{}: {} in {known:?}", record.sequence, record.action);
            }
            known.after(record);
        }
    }

    fn count(&self, action: &str) -> usize {
        self.records.iter().filter(|record| record.action == action).count()
    }
}

impl Judged {
    pub(crate) fn of(versioning: Vec<TrailRecord>, audit: Vec<TrailRecord>) -> Self {
        let (versioning, audit) = (Chain { records: versioning }, Chain { records: audit });
        let count = |action| versioning.count(action) + audit.count(action);
        let (opened, reopened) = (count("phase.opened"), count("phase.reopened"));
        assert_eq!(count("phase.reopen_begun"), reopened, "every reopening is finished");
        Self { versioning, audit, opened, reopened }
    }

    fn chain(&self, row: &PhaseRow) -> &Chain {
        match row.kind {
            VersioningType::Full => &self.versioning,
            VersioningType::AuditOnly => &self.audit,
        }
    }

    /// # Panics
    /// A phase was opened before its time, or changed when it took no change.
    pub(crate) fn expect_order(&self, board: &Board) {
        for chain in [&self.versioning, &self.audit] {
            chain.expect_changes_in_open_phases();
            for record in chain.records.iter().filter(|record| record.action == "phase.opened") {
                self.expect_grounds(record);
            }
        }
        self.expect_standing(board);
    }

    /// Expects that everything that an opened phase rests on was as it must be when it was sealed.
    fn expect_grounds(&self, opened: &TrailRecord) {
        let table = PhaseTable::standard();
        let holder = table.get(Phase::new(opened.phase)).unwrap();
        let after = opened.after.as_ref().unwrap();
        let attempt = number(after, "opened_attempt");
        let grounds = list(after, "rests_on");
        assert_eq!(grounds.len(), holder.rests_on.len(), "{}", holder.slug);
        for ground in grounds {
            let Some(Kind::StructValue(ground)) = &ground.kind else { panic!("{ground:?}") };
            let below = table.by_slug(text(ground, "phase").unwrap()).unwrap();
            let head = object(ground, "trail_head").unwrap();
            let sequence = number(head, "sequence");
            let chain = self.chain(below);
            let sealed = chain.records.iter().find(|record| record.sequence == sequence).unwrap();
            assert_eq!(hex::encode(&sealed.hash), text(head, "hash").unwrap());
            let known = chain.known(below.phase, sequence);
            let what = format!("{} on {} at {sequence}: {known:?}", holder.slug, below.slug);
            assert!(known.open || below.seals_unopened, "{what}");
            assert!(!known.stale && known.reopening == 0, "{what}");
            assert_eq!(known.holds.get(holder.slug), Some(&attempt), "{what}");
            assert_eq!(known.approved.as_deref(), text(ground, "version_id"), "{what}");
        }
    }

    /// Expects that what is open rests on what is there now.
    fn expect_standing(&self, board: &Board) {
        let table = PhaseTable::standard();
        for row in table.rows() {
            let above = self.chain(row).known(row.phase, i64::MAX);
            let told = board.phases.iter().find(|of| of.phase == row.phase.number()).unwrap();
            assert_eq!((told.stale, told.attempt), (above.stale, above.attempt), "{}", row.slug);
            if !above.open || above.stale {
                continue;
            }
            for ground in &told.rests_on {
                let below = table.get(Phase::new(ground.phase)).unwrap();
                let known = self.chain(below).known(below.phase, i64::MAX);
                let what = format!("{} on {}: {known:?}", row.slug, below.slug);
                assert_eq!(known.holds.get(row.slug), Some(&above.opened_attempt), "{what}");
                assert_eq!(known.approved.unwrap_or_default(), ground.version_id, "{what}");
            }
        }
    }
}
