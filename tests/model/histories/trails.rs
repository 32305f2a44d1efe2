//! What the trails say of a history: they are an order, too. Each change of a line that was acknowledged is in it once,
//! unless it changed nothing; for each command about a gate that was acknowledged there is a step. Nothing is in it
//! that comes from nothing that was asked for, and the model goes through it to the same answers and the same end.

use std::collections::{HashMap, HashSet};

use prost_types::Struct;
use prost_types::value::Kind;
use signoff_contract::feed::v1 as feed;
use signoff_tests::Person;
use signoff_tests::world::whole;
use signoff_workflow::{PhaseTable, Workflow};
use uuid::Uuid;

use super::answers::answer;
use super::checker::Model as _;
use super::flow::{Flow, History};
use super::op::{ABOVE, BELOW, Call, PHASES};
use crate::step::Command;

/// The services that keep a trail.
const SOURCES: [feed::Source; 3] =
    [feed::Source::Versioning, feed::Source::Audit, feed::Source::Gateway];

/// The trail that a service keeps of a workflow.
pub(crate) async fn read(
    reader: &Person,
    workflow: Workflow,
    source: feed::Source,
) -> Vec<feed::TrailRecord> {
    let mut request = feed::GetTrailRequest {
        scope: Some(whole(workflow)),
        source: source.into(),
        page_size: 1000,
        ..Default::default()
    };
    let mut all = Vec::new();
    loop {
        let page = answer(reader, request.clone()).await;
        all.extend(page.records);
        if page.next_page_token.is_empty() {
            return all;
        }
        request.page_token = page.next_page_token;
    }
}

/// Expects that all chains of a workflow fit, and what they are made from.
pub(crate) async fn expect_intact(reader: &Person, workflow: Workflow) {
    for source in SOURCES {
        let request = feed::VerifyTrailRequest {
            scope: Some(whole(workflow)),
            source: source.into(),
            ..Default::default()
        };
        let found = answer(reader, request).await;
        assert!(found.intact, "{source:?}: {:?}", found.first_damaged);
    }
}

/// The calls that a trail tells of, in its order: those of lines by their ids, those of gates by the ids of their
/// steps. A step of a gate that comes from nothing that somebody asked for is an error, and so is a command about a
/// gate that was acknowledged while nobody did it.
pub(crate) fn order(history: &History, trail: &[feed::TrailRecord]) -> Result<Vec<usize>, String> {
    let asked = Asked::of(history);
    let mut gates = Gates::new(&asked);
    let mut calls = Vec::new();
    for record in trail {
        if record.action.starts_with("phase.") {
            let of = gates.take(record);
            calls.extend(of.ok_or_else(|| format!("nobody asked for this step: {record:?}"))?);
        } else {
            calls.extend(asked.itself(record));
        }
    }
    gates.expect_done()?;
    // The last step of each is what counts.
    let mut seen = HashSet::new();
    calls.reverse();
    calls.retain(|at| seen.insert(*at));
    calls.reverse();
    Ok(calls)
}

/// What the steps of gates in a trail come from. The steps that begin and open have ids that follow from the
/// command's. Whoever meets something half done gets on with it under ids of their own: of those steps it is known only
/// which attempt or reopening they are of.
struct Gates<'a> {
    asked: &'a Asked<'a>,
    planning_opened: bool,
    /// The attempts to open Data Profiling that were given out.
    attempts: HashSet<u64>,
    /// Who opened it.
    opened: HashSet<usize>,
    /// The reopenings of Planning, and who began each.
    reopenings: HashMap<u64, usize>,
    /// Those that are finished.
    reopened: HashSet<u64>,
}

impl<'a> Gates<'a> {
    fn new(asked: &'a Asked<'a>) -> Self {
        Self {
            asked,
            planning_opened: false,
            attempts: HashSet::new(),
            opened: HashSet::new(),
            reopenings: HashMap::new(),
            reopened: HashSet::new(),
        }
    }

    /// Takes the next step, and gives the calls that it is of, as far as that matters for the order; nothing if nobody
    /// asked for it.
    fn take(&mut self, record: &feed::TrailRecord) -> Option<Vec<usize>> {
        let [below, above] = PHASES.map(signoff_workflow::Phase::number);
        let (before, after) = (record.before.as_ref(), record.after.as_ref());
        let step = |name: String| self.asked.step(record, &name);
        match record.action.as_str() {
            // Planning is started before anything is recorded.
            "phase.open_begun" | "phase.fenced" | "phase.opened" if record.phase == below => {
                if self.planning_opened {
                    return None;
                }
                self.planning_opened = record.action == "phase.opened";
            }
            "phase.open_begun" if record.phase == above => {
                // Its name says which attempt was there when somebody looked.
                let attempt = number(after, "attempt")?;
                let mut seen = (0..attempt).rev();
                seen.find_map(|seen| step(format!("begin/{above}/{seen}")))?;
                self.attempts.insert(attempt);
            }
            "phase.sealed" if record.phase == below => {
                let attempt = number(within(after, "holds"), slug(ABOVE))?;
                step(format!("seal/{below}/{above}/{attempt}"))?;
                self.attempts.get(&attempt)?;
            }
            "phase.opened" if record.phase == above => {
                let attempt = number(after, "attempt")?;
                self.attempts.get(&attempt)?;
                let by = step(format!("open/{above}/{attempt}"))?;
                self.opened.insert(by);
                return Some(vec![by]);
            }
            "phase.fenced" if record.phase == above => {
                self.attempts.get(&number(before, "attempt")?)?;
            }
            "phase.seal_released" if record.phase == below => {
                self.attempts.get(&number(within(before, "holds"), slug(ABOVE))?)?;
            }
            "phase.reopen_begun" if record.phase == below => {
                let by = step(format!("reopen/{below}"))?;
                self.reopenings.insert(number(after, "reopening")?, by);
            }
            "phase.marked_stale" if record.phase != below => {
                self.reopenings.get(&number(within(after, "marks"), slug(BELOW))?)?;
                let under_way = number(after, "stale_reopening");
                if record.phase == above && under_way != number(before, "stale_reopening") {
                    let under_way = under_way?;
                    let mut calls = vec![*self.reopenings.get(&under_way)?];
                    calls.extend(step(format!("stale/{above}/{below}/{under_way}")));
                    return Some(calls);
                }
            }
            "phase.reopened" if record.phase == below => {
                let reopening = number(before, "reopening")?;
                self.reopenings.get(&reopening)?;
                return self.reopened.insert(reopening).then(Vec::new);
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    /// Every command that was acknowledged was done, by itself or by another one that it found done or joined.
    fn expect_done(&self) -> Result<(), String> {
        let ops = &self.asked.history.ops;
        let asked = ops.iter().enumerate().filter(|(_, op)| !op.is_refused() && !op.span.optional);
        for (at, op) in asked {
            let came_before = |of: &usize| ops[*of].span.invoked < op.span.returned;
            // What was begun and then refused goes on in others' hands, nobody knows for how long.
            let meets = |of: &usize| {
                let lasts = ops[*of].is_refused() || op.span.invoked < ops[*of].span.returned;
                *of == at || came_before(of) && lasts
            };
            let is_done = match op.call {
                Call::Start => self.opened.iter().any(came_before),
                Call::Reaffirm => self.opened.iter().any(meets),
                Call::Reopen => self.reopenings.values().any(meets),
                _ => true,
            };
            if !is_done {
                return Err(format!(
                    "it was acknowledged, and the trail has no step of it: {op:?}"
                ));
            }
        }
        Ok(())
    }
}

fn slug(place: usize) -> &'static str {
    PhaseTable::standard().get(PHASES[place]).expect("a phase").slug
}

fn number(of: Option<&Struct>, field: &str) -> Option<u64> {
    let value = of?.fields.get(field)?.kind.as_ref()?;
    if let Kind::NumberValue(number) = value { Some(*number as u64) } else { None }
}

fn text<'a>(of: Option<&'a Struct>, field: &str) -> Option<&'a str> {
    let value = of?.fields.get(field)?.kind.as_ref()?;
    if let Kind::StringValue(text) = value { Some(text) } else { None }
}

fn within<'a>(of: Option<&'a Struct>, field: &str) -> Option<&'a Struct> {
    let value = of?.fields.get(field)?.kind.as_ref()?;
    if let Kind::StructValue(of) = value { Some(of) } else { None }
}

/// The calls of a history, by the ids of their requests.
struct Asked<'a> {
    history: &'a History,
    calls: HashMap<Uuid, Vec<usize>>,
}

impl<'a> Asked<'a> {
    fn of(history: &'a History) -> Self {
        let mut calls: HashMap<Uuid, Vec<usize>> = HashMap::new();
        for (at, op) in history.ops.iter().enumerate() {
            let id = op.request_id.parse::<Uuid>().expect("a request id");
            calls.entry(id).or_default().push(at);
        }
        Self { history, calls }
    }

    /// The call that a record is of, or what may have happened beside it.
    fn itself(&self, record: &feed::TrailRecord) -> Option<usize> {
        let calls = self.calls.get(&record.request_id.parse().ok()?)?;
        let beside = calls.iter().find(|at| self.is_beside(**at) && !self.is_opening(**at));
        beside.or(calls.first()).copied()
    }

    /// The call of which a record is a step of this name, or what may have happened beside it.
    fn step(&self, record: &feed::TrailRecord, name: &str) -> Option<usize> {
        let id: Uuid = record.request_id.parse().ok()?;
        let is_of = |call: &&Uuid| Uuid::new_v5(call, name.as_bytes()) == id;
        let calls = &self.calls[self.calls.keys().find(is_of)?];
        let opening = calls.iter().find(|at| self.is_opening(**at));
        let beside = || calls.iter().find(|at| self.is_beside(**at));
        opening.or_else(beside).or(calls.first()).copied()
    }

    fn is_beside(&self, at: usize) -> bool {
        self.history.ops[at].span.optional
    }

    fn is_opening(&self, at: usize) -> bool {
        matches!(self.history.ops[at].call, Call::Opening)
    }
}

/// Goes through the trail in its order.
pub(crate) fn replay(history: &History, trail: &[feed::TrailRecord]) -> Result<Flow, String> {
    let mut waiting: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, op) in history.ops.iter().enumerate() {
        if matches!(op.call, Call::Act { .. }) {
            waiting.entry(&op.request_id).or_default().push(at);
        }
    }
    let (mut state, mut latest) = (Flow::new(), 0);
    // The request that approved another version, and the version that was approved before.
    let mut superseded: Option<(&str, &str)> = None;
    for record in trail {
        if record.action == "version.superseded" {
            let is = (record.request_id.as_str(), record.subject.as_str());
            if superseded.take() != Some(is)
                || text(record.after.as_ref(), "state") != Some("superseded")
            {
                return Err(format!("nothing supersedes it: {record:?}"));
            }
            continue;
        }
        expect_superseded(superseded)?;
        if record.action.starts_with("phase.") {
            gate(&mut state, record);
            continue;
        }
        let found = waiting.remove(record.request_id.as_str());
        let ops = found.ok_or_else(|| format!("nobody asked for it, or twice: {record:?}"))?;
        // Of one that was lost and then refused, it is what was lost that was done.
        let lost = ops.iter().find(|at| history.ops[**at].span.optional && is_act(history, **at));
        let at = *lost.unwrap_or(&ops[0]);
        let op = &history.ops[at];
        if op.is_refused() && !op.span.optional {
            return Err(format!("it was refused: {op:?}\n{record:?}"));
        }
        if op.span.returned < latest {
            return Err(format!("it was answered before another one was asked for: {op:?}"));
        }
        latest = latest.max(op.span.invoked);
        if let Call::Act { place, command: Command::Approve { .. }, .. } = &op.call {
            let old = state.lines[*place].approved();
            superseded = old.map(|old| (&*record.request_id, history.version_id(*place, old)));
        }
        state = history.step(&state, at).ok_or_else(|| {
            let (expected, _) = history.expected(&state, at);
            let seen = history.answered(at);
            format!("in the order of the trail: {op:?}\nmust be {expected:?}\nis {seen:?}")
        })?;
    }
    expect_superseded(superseded)?;
    for at in waiting.into_values().flatten() {
        let op = &history.ops[at];
        // Where everything was ruled on already, nothing is recorded.
        let idle = matches!(
            &op.call,
            Call::Act { command: Command::Review { remaining: Some(_), .. }, .. }
        );
        if !op.is_refused() && !op.span.optional && !idle {
            return Err(format!("it was acknowledged, and is not in the trail: {op:?}"));
        }
    }
    Ok(state)
}

/// Expects that no version is left of which a record must come next that it is superseded.
fn expect_superseded(left: Option<(&str, &str)>) -> Result<(), String> {
    let missing =
        left.map(|(by, version)| format!("no record says that {by} superseded {version}"));
    missing.map_or(Ok(()), Err)
}

fn is_act(history: &History, at: usize) -> bool {
    matches!(history.ops[at].call, Call::Act { .. })
}

/// What a step of a gate comes to for Data Profiling.
fn gate(state: &mut Flow, record: &feed::TrailRecord) {
    if record.phase != PHASES[ABOVE].number() {
        return;
    }
    let because = text(record.after.as_ref(), "stale_because");
    match record.action.as_str() {
        "phase.opened" => (state.opened, state.stale) = (true, false),
        "phase.marked_stale" => state.stale = because.is_some(),
        _ => {}
    }
}
