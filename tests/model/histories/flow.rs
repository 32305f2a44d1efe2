//! One workflow as the model has it: two lines, and the gate between them.
//!
//! Opening, reopening and reaffirming a phase take several steps, in which others meet what is half done: a phase
//! that is sealed for an opening, or being reopened. Here each has its effect in one moment. That is sound for
//! all that succeeds and for all that is read. A change, or a step of a gate, that is *refused because of a gate*
//! while somebody else moves a gate is taken as it is ([`History::amid_gates`]); all others must be explained.

use signoff_contract::versioning::v1::VersionState;
use signoff_contract::workflow::v1::ErrorReason;
use tonic::Code;

use super::checker::{Model, NEVER, Span};
use super::op::{ABOVE, BELOW, Call, Op, PHASES, Raw, Seen};
use crate::line::{Line, Version};
use crate::seen::{Decision, Header, Ids, decisions};
use crate::step::{Command, MISSING, ROLE, Refused, Step, Tag, Who};

const SEALED: Refused = Refused(Code::FailedPrecondition, ErrorReason::PhaseSealed);
const STALE: Refused = Refused(Code::FailedPrecondition, ErrorReason::PhaseStale);
const NOT_STARTED: Refused = Refused(Code::FailedPrecondition, ErrorReason::PhaseNotStarted);
const UNMET: Refused = Refused(Code::FailedPrecondition, ErrorReason::PhaseDependencyUnmet);

/// Refusals that half a step of a gate explains.
const OF_GATES: [ErrorReason; 7] = [
    ErrorReason::PhaseSealed,
    ErrorReason::PhaseReopening,
    ErrorReason::PhaseStale,
    ErrorReason::PhaseDependencyUnmet,
    ErrorReason::PhaseAlreadyOpen,
    ErrorReason::AttemptSuperseded,
    ErrorReason::Conflict,
];

fn name(reason: ErrorReason) -> &'static str {
    reason.as_str_name().trim_start_matches("ERROR_REASON_")
}

/// The state of a workflow.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Flow {
    pub(crate) lines: [Line; 2],
    /// How often each version was saved, by place and number.
    revisions: [Vec<u32>; 2],
    /// Of Data Profiling. Planning is open from the beginning.
    pub(crate) opened: bool,
    pub(crate) stale: bool,
}

impl Flow {
    /// A workflow in which Planning was started, and nothing else.
    pub(crate) fn new() -> Self {
        let planning = Line { self_approval: true, ..Line::default() };
        let lines = [planning, Line::default()];
        Self { lines, revisions: Default::default(), opened: false, stale: false }
    }

    /// Whether Data Profiling may rest on Planning.
    fn is_complete(&self) -> bool {
        self.lines[BELOW].approved().is_some() && self.lines[BELOW].open().is_none()
    }

    /// Whether it does.
    fn is_held(&self) -> bool {
        self.opened && !self.stale
    }

    fn etag(&self, place: usize, version: usize) -> String {
        format!("{version}.{}", self.revisions[place][version - 1])
    }

    /// Takes a call, and says what is answered.
    fn take(&mut self, who: Who, call: &Call, ids: &[Ids; 2]) -> Result<Seen, Refused> {
        match call {
            Call::Act { place, etag, command } => self.act(who, *place, etag, command, ids),
            Call::Start => {
                if !self.opened {
                    self.open()?;
                }
                if self.stale { Err(UNMET) } else { Ok(Seen::Done) }
            }
            // Where it is open already, nothing was opened on the way.
            Call::Opening if self.opened => Err(UNMET),
            Call::Opening => self.open().map(|()| Seen::Done),
            Call::Reopen => {
                if !self.is_held() && !self.is_complete() {
                    return Err(UNMET);
                }
                self.stale = self.opened;
                Ok(Seen::Done)
            }
            Call::Reaffirm => {
                if !(self.opened && self.stale && self.is_complete()) {
                    return Err(UNMET);
                }
                self.stale = false;
                Ok(Seen::Done)
            }
            Call::Versions(place) => {
                let versions = self.lines[*place].versions.iter().rev();
                Ok(Seen::Versions(versions.map(|of| self.header(*place, of, ids)).collect()))
            }
            Call::Decisions { place, version } => {
                let version = self.lines[*place].version(*version).ok_or(MISSING)?;
                Ok(Seen::Decisions(decisions(&self.lines[*place], &ids[*place], version)))
            }
            Call::Current(place) => {
                let line = &self.lines[*place];
                let current = line.approved().and_then(|number| line.version(number));
                let (header, etag) = self.header(*place, current.ok_or(MISSING)?, ids);
                Ok(Seen::Version(header, etag))
            }
            Call::Status => Ok(Seen::Status { opened: self.opened, stale: self.stale }),
        }
    }

    fn open(&mut self) -> Result<(), Refused> {
        self.opened = self.is_complete();
        if self.opened { Ok(()) } else { Err(UNMET) }
    }

    fn header(&self, place: usize, version: &Version, ids: &[Ids; 2]) -> (Header, String) {
        let header = Header::expected(&self.lines[place], &ids[place], version);
        (header, self.etag(place, version.number))
    }

    fn act(
        &mut self,
        who: Who,
        place: usize,
        etag: &str,
        command: &Command,
        ids: &[Ids; 2],
    ) -> Result<Seen, Refused> {
        let who = admitted(who, place, command)?;
        self.pass(place, command)?;
        let line = &self.lines[place];
        let about = match command {
            Command::Revise { baseline: None, .. } => line.newest(),
            _ => command.version(),
        };
        let there = about.filter(|number| line.version(*number).is_some());
        let tag = match there {
            _ if etag.is_empty() => Tag::None,
            Some(number) if self.etag(place, number) == etag => Tag::Current,
            _ => Tag::Stale,
        };
        let before = (line.versions.len(), line.approved());
        let unruled = matches!(command, Command::Review { .. }).then(|| line.clone());
        self.lines[place].apply(&Step { who, tag, command: command.clone() })?;

        let line = &self.lines[place];
        let number = match command {
            Command::Create { items } | Command::Revise { items, .. } => {
                let parent = line.versions.last().and_then(|of| of.parent).unwrap_or(0);
                // From what is not the newest version, it is written first and then what is new.
                let twice = parent != before.0 && !items.is_empty();
                self.revisions[place].push(1 + u32::from(twice));
                line.versions.len()
            }
            _ => {
                let number = about.ok_or(MISSING)?;
                if unruled.is_none_or(|unruled| unruled != *line) {
                    self.revisions[place][number - 1] += 1;
                }
                if let (Command::Approve { .. }, Some(old)) = (command, before.1) {
                    self.revisions[place][old - 1] += 1;
                }
                number
            }
        };
        let version = &line.versions[number - 1];
        let ids_here = &ids[place];
        if let Command::Update { key, .. } = command {
            return Ok(Seen::Decision(Decision::expected(line, ids_here, version, *key)));
        }
        let (header, etag) = self.header(place, version, ids);
        Ok(match command {
            Command::Add { items, .. } => {
                let added = items.iter().map(|put| ids_here.decision(line, number, put.key));
                Seen::Added(header, etag, added.collect())
            }
            _ => Seen::Version(header, etag),
        })
    }

    /// Passes the gate, and opens it on the way where that may be.
    fn pass(&mut self, place: usize, command: &Command) -> Result<(), Refused> {
        if place == BELOW {
            return if self.is_held() { Err(SEALED) } else { Ok(()) };
        }
        match command {
            Command::Create { .. } if !self.opened => self.open(),
            _ if !self.opened => Err(NOT_STARTED),
            Command::Revise { .. } => Ok(()),
            _ if self.stale => Err(STALE),
            _ => Ok(()),
        }
    }
}

/// Who somebody is in a phase: testers approve in Planning. The door asks before the gate does.
fn admitted(who: Who, place: usize, command: &Command) -> Result<Who, Refused> {
    let owner = if place == BELOW { who.tester } else { who.owner };
    let who = Who { owner, ..who };
    let may = match command {
        Command::Approve { .. } | Command::Reject { .. } => who.owner,
        Command::Review { .. } => who.owner || who.tester,
        _ => who.tester,
    };
    if may { Ok(who) } else { Err(ROLE) }
}

/// A version as an answer has it: by place and number, how often it was saved by then. Nothing makes that less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    place: usize,
    number: usize,
    revision: u32,
}

/// The marks in an answer, by the etags in it.
fn marks(call: &Call, seen: &Seen) -> Vec<Mark> {
    let (Call::Act { place, .. } | Call::Versions(place) | Call::Current(place)) = call else {
        return Vec::new();
    };
    let mark = |etag: &str| {
        let (number, revision) = etag.split_once('.')?;
        let (number, revision) = (number.parse().ok()?, revision.parse().ok()?);
        Some(Mark { place: *place, number, revision })
    };
    match seen {
        Seen::Version(_, etag) | Seen::Added(_, etag, _) => mark(etag).into_iter().collect(),
        Seen::Versions(versions) => versions.iter().filter_map(|(_, etag)| mark(etag)).collect(),
        _ => Vec::new(),
    }
}

/// The history of one workflow.
pub(crate) struct History {
    pub(crate) ops: Vec<Op>,
    ids: [Ids; 2],
    seen: Vec<Seen>,
    amid_gates: Vec<bool>,
    /// What each answer says that versions were like.
    marks: Vec<Vec<Mark>>,
    /// When each had its effect, if the trail says so; else, when it was answered, or never.
    guesses: Vec<u64>,
}

impl History {
    /// Of these calls; and what may have happened beside them: a call that was lost and then refused may have
    /// been done in between, or afterwards, and a version may have been refused when its phase was open already.
    pub(crate) fn new(ops: Vec<Op>) -> Result<Self, String> {
        let ids = [named(&ops, BELOW)?, named(&ops, ABOVE)?];
        let moves: Vec<(usize, Span)> = ops
            .iter()
            .enumerate()
            .filter(|(_, op)| op.call.moves_gates())
            .map(|(at, op)| (at, op.span))
            .collect();
        let mut history = Self {
            ops: Vec::new(),
            ids,
            seen: Vec::new(),
            amid_gates: Vec::new(),
            marks: Vec::new(),
            guesses: Vec::new(),
        };
        let mut beside = Vec::new();
        for (at, mut op) in ops.into_iter().enumerate() {
            let meets = |of: &Span| of.invoked < op.span.returned && op.span.invoked < of.returned;
            let amid = moves.iter().any(|(other, span)| *other != at && meets(span));
            let optional = |op: &Op, returned| Op {
                span: Span { returned, optional: true, ..op.span },
                ..op.clone()
            };
            let creates_above = op.call.moves_gates() && matches!(op.call, Call::Act { .. });
            if creates_above {
                beside.push(Op { call: Call::Opening, ..optional(&op, op.span.returned) });
            }
            if op.is_refused() {
                if op.lost > 0 && op.call.is_change() {
                    beside.push(optional(&op, NEVER));
                }
                op.span.invoked = op.sent;
            }
            history.push(op, amid);
        }
        for op in beside {
            history.push(op, true);
        }
        Ok(history)
    }

    fn push(&mut self, op: Op, amid: bool) {
        let seen = if op.span.optional { Seen::Unknown } else { Seen::of(&op.answer) };
        self.marks.push(marks(&op.call, &seen));
        self.seen.push(seen);
        self.amid_gates.push(amid);
        self.guesses.push(if op.span.optional { NEVER } else { op.span.returned });
        self.ops.push(op);
    }

    /// The same history, with what the trail tells: the order in which these calls had their effects is a guess.
    /// What may have happened and is not told did not happen: whatever leaves no record must leave nothing else.
    pub(crate) fn with_trail(mut self, told: &[usize]) -> Self {
        let mut latest = 0;
        let mut keep: Vec<bool> = self.ops.iter().map(|op| !op.span.optional).collect();
        for call in told {
            latest = latest.max(self.ops[*call].span.invoked);
            self.guesses[*call] = latest;
            keep[*call] = true;
        }
        Self {
            ops: kept(self.ops, &keep),
            ids: self.ids,
            seen: kept(self.seen, &keep),
            amid_gates: kept(self.amid_gates, &keep),
            marks: kept(self.marks, &keep),
            guesses: kept(self.guesses, &keep),
        }
    }

    /// When which call was made and answered.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.ops.iter().map(|op| op.span).collect()
    }

    /// Whether a refusal is one that half a step of a gate explains.
    fn is_half_done(&self, state: &Flow, call: usize) -> bool {
        let (op, seen) = (&self.ops[call], &self.seen[call]);
        let Seen::Refused(_, reason) = seen else { return self.is_overtaken(state, call) };
        op.call.is_change()
            && self.amid_gates[call]
            && OF_GATES.iter().any(|of| name(*of) == reason)
    }

    /// Whether it was refused before it could open anything: at the door, or by what the phase rests on.
    fn is_before_gate(&self, call: usize) -> bool {
        let Seen::Refused(_, reason) = &self.seen[call] else { return false };
        [ROLE, UNMET].iter().any(|of| name(of.1) == reason)
    }

    /// Whether it found done, or joined, what another one did at the same time. Whoever meets a reopening that is
    /// under way finishes it, although the phase may be in progress again since that one was asked for.
    fn is_overtaken(&self, state: &Flow, call: usize) -> bool {
        let nothing_more = match self.ops[call].call {
            Call::Reaffirm => state.is_held(),
            Call::Reopen => state.stale == state.opened,
            _ => false,
        };
        nothing_more && self.seen[call] == Seen::Done && self.amid_gates[call]
    }

    /// What the model says of a call in a state.
    pub(crate) fn expected(&self, state: &Flow, call: usize) -> (Seen, Flow) {
        let (op, mut after) = (&self.ops[call], state.clone());
        match after.take(op.who, &op.call, &self.ids) {
            Ok(seen) => (seen, after),
            // What opened the phase on its way may be refused nevertheless.
            Err(Refused(code, reason)) => (Seen::Refused(code, name(reason).to_owned()), after),
        }
    }

    /// What was answered.
    pub(crate) fn answered(&self, call: usize) -> &Seen {
        &self.seen[call]
    }

    /// How many of the calls in an order were not answered as the model says, but as half a step of a gate explains.
    pub(crate) fn amid(&self, order: &[usize]) -> usize {
        let (mut state, mut amid) = (Flow::new(), 0);
        for call in order {
            let (expected, _) = self.expected(&state, *call);
            amid += usize::from(self.seen[*call] != Seen::Unknown && self.seen[*call] != expected);
            state = self.step(&state, *call).expect("an order that explains everything");
        }
        amid
    }

    /// The id of a version.
    pub(crate) fn version_id(&self, place: usize, number: usize) -> &str {
        &self.ids[place].versions[number - 1]
    }

    /// Changes what was answered, for the tests of all this.
    pub(crate) fn with_answer(&self, call: usize, raw: &Raw) -> Self {
        let mut seen = self.seen.clone();
        seen[call] = Seen::of(raw);
        let (ops, ids) = (self.ops.clone(), self.ids.clone());
        let (amid_gates, guesses) = (self.amid_gates.clone(), self.guesses.clone());
        let mut marks_then = self.marks.clone();
        marks_then[call] = marks(&ops[call].call, &seen[call]);
        Self { ops, ids, seen, amid_gates, marks: marks_then, guesses }
    }
}

impl Model for History {
    type State = Flow;

    fn step(&self, state: &Flow, call: usize) -> Option<Flow> {
        let (expected, after) = self.expected(state, call);
        match (&self.seen[call], &expected) {
            // It was done, or it was not: only the former matters.
            (Seen::Unknown, Seen::Refused(..)) => None,
            (Seen::Unknown, _) => Some(after),
            (seen, expected) if seen == expected => Some(after),
            _ => self.is_half_done(state, call).then(|| state.clone()),
        }
    }

    fn is_idle(&self, state: &Flow, call: usize) -> bool {
        let op = &self.ops[call];
        match &op.call {
            _ if self.is_before_gate(call) => true,
            // It opens the phase, which stays so.
            Call::Start | Call::Opening => state.opened,
            // So does a version that is refused, on its way.
            Call::Act { .. } if op.call.moves_gates() => op.is_refused() && state.opened,
            call => !call.is_change() || op.is_refused(),
        }
    }

    fn is_over(&self, state: &Flow, call: usize) -> bool {
        self.marks[call].iter().any(|mark| {
            let revision = state.revisions[mark.place].get(mark.number.wrapping_sub(1));
            revision.is_some_and(|now| *now > mark.revision)
        })
    }

    fn guess(&self, call: usize) -> u64 {
        self.guesses[call]
    }
}

/// Those that are to be kept.
fn kept<T>(all: Vec<T>, keep: &[bool]) -> Vec<T> {
    all.into_iter().zip(keep).filter_map(|(one, keep)| keep.then_some(one)).collect()
}

/// The names of a line, from all answers.
fn named(ops: &[Op], place: usize) -> Result<Ids, String> {
    let mut ids = Ids::of(PHASES[place]);
    let mut all: std::collections::BTreeMap<i32, String> = Default::default();
    for op in ops {
        let at = match &op.call {
            Call::Act { place, .. }
            | Call::Versions(place)
            | Call::Decisions { place, .. }
            | Call::Current(place) => *place,
            _ => continue,
        };
        if at != place {
            continue;
        }
        let versions = match &op.answer {
            Raw::Version(version) | Raw::Added(version, _) => std::slice::from_ref(version),
            Raw::Versions(versions) => versions,
            _ => &[],
        };
        for version in versions {
            let id = all.entry(version.number).or_insert_with(|| version.version_id.clone());
            if *id != version.version_id {
                return Err(format!(
                    "there are two versions {}: {id} and {version:?}",
                    version.number
                ));
            }
        }
        let decision = match &op.answer {
            Raw::Decision(decision) => Some(&decision.decision_id),
            Raw::Added(_, ids) => ids.first(),
            Raw::Decisions(decisions) => decisions.first().map(|of| &of.decision_id),
            _ => None,
        };
        let parse =
            |id: &String| signoff_versioning::domain::ids::DecisionId::from_uuid(id.parse().ok()?);
        if let Some(id) = decision.and_then(parse) {
            ids.line_no = id.line_no;
        }
    }
    let count = all.len();
    let newest = all.keys().next_back().copied().unwrap_or_default();
    if usize::try_from(newest) != Ok(count) {
        return Err(format!("of {newest} versions only {count} were ever seen"));
    }
    let newest_states = all.into_values();
    ids.versions = newest_states.collect();
    Ok(ids)
}

/// Whether a version is open.
pub(crate) fn is_open(state: VersionState) -> bool {
    matches!(state, VersionState::Draft | VersionState::Submitted)
}

#[cfg(test)]
mod tests {
    use super::super::checker::{STEPS, Verdict, check};
    use super::super::people::TESTERS;
    use super::*;

    fn op(call: Call, lost: usize, at: u64, answer: Raw) -> Op {
        let span = Span { invoked: at, returned: at + 2, optional: false };
        let request_id = uuid::Uuid::from_u128(at.into()).to_string();
        Op { who: TESTERS[0], call, request_id, span, sent: at + 1, lost, answer }
    }

    fn is_explained(history: &History) -> bool {
        let verdict = check(history, &history.spans(), Flow::new(), STEPS);
        matches!(verdict, Verdict::Explained { .. })
    }

    #[test]
    fn what_was_lost_and_left_no_record_must_have_left_nothing_else() {
        let create = Command::Create { items: Vec::new() };
        let create = Call::Act { place: BELOW, etag: String::new(), command: create };
        let refused =
            Raw::Refused(Code::FailedPrecondition, name(ErrorReason::VersionState).to_owned());
        let look = Call::Decisions { place: BELOW, version: 1 };
        // It was sent twice and refused, since there is a version, which somebody saw: its own.
        let ops = [op(create, 1, 10, refused), op(look, 0, 20, Raw::Decisions(Vec::new()))];
        let history = || {
            let mut history = History::new(ops.to_vec()).unwrap();
            history.ids[BELOW].versions = vec!["its id".to_owned()];
            history
        };
        let lost = history().ops.iter().position(|op| op.span.optional).unwrap();
        assert!(is_explained(&history()));
        assert!(is_explained(&history().with_trail(&[lost])));
        assert!(!is_explained(&history().with_trail(&[])));
    }
}
