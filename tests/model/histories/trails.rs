//! What the trails say of a history: they are an order, too. Each change that was acknowledged is in it once, nothing
//! else is, and the model goes through it to the same answers and the same end.

use std::collections::{HashMap, HashSet};

use prost_types::value::Kind;
use signoff_contract::feed::v1 as feed;
use signoff_tests::Person;
use signoff_tests::wait::until;
use signoff_tests::world::whole;
use signoff_workflow::Workflow;
use uuid::Uuid;

use super::checker::Model as _;
use super::flow::{Flow, History};
use super::op::{ABOVE, BELOW, Call, PHASES};
use crate::step::Command;

/// The services that keep a trail.
const SOURCES: [feed::Source; 3] =
    [feed::Source::Versioning, feed::Source::Audit, feed::Source::Gateway];

/// The trail that the versioning service keeps of a workflow.
pub(crate) async fn read(reader: &Person, workflow: Workflow) -> Vec<feed::TrailRecord> {
    let mut request = feed::GetTrailRequest {
        scope: Some(whole(workflow)),
        source: feed::Source::Versioning.into(),
        page_size: 1000,
        ..Default::default()
    };
    let mut all = Vec::new();
    loop {
        let page = until("a page", || async { reader.call(request.clone()).await.ok() }).await;
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
        let found = until("a verdict", || async { reader.call(request.clone()).await.ok() }).await;
        assert!(found.intact, "{source:?}: {:?}", found.first_damaged);
    }
}

/// The calls that a trail tells of, in its order: those of lines by their ids, those of gates by the ids of their
/// steps. A step of a gate that nobody asked for is an error.
pub(crate) fn order(history: &History, trail: &[feed::TrailRecord]) -> Result<Vec<usize>, String> {
    let asked = Asked::of(history);
    let (below, above) = (PHASES[BELOW].number(), PHASES[ABOVE].number());
    let mut reopenings: HashMap<u64, usize> = HashMap::new();
    let mut calls = Vec::new();
    for record in trail {
        let after = |field| number(record.after.as_ref(), field);
        let step = |name: String| asked.step(record, &name);
        let nobody = || format!("nobody asked for this step: {record:?}");
        match record.action.as_str() {
            "phase.reopen_begun" if record.phase == below => {
                let begun = after("reopening").ok_or_else(nobody)?;
                let by = step(format!("reopen/{below}")).ok_or_else(nobody)?;
                reopenings.insert(begun, by);
            }
            // Whoever meets a reopening does its steps; they are of the one who began it, and at the same time.
            "phase.marked_stale" if record.phase == above => {
                let under_way = after("stale_reopening");
                if under_way == number(record.before.as_ref(), "stale_reopening") {
                    continue;
                }
                let under_way = under_way.ok_or_else(nobody)?;
                calls.push(*reopenings.get(&under_way).ok_or_else(nobody)?);
                calls.extend(step(format!("stale/{above}/{below}/{under_way}")));
            }
            "phase.opened" if record.phase == above => {
                let attempt = after("attempt").ok_or_else(nobody)?;
                calls.push(step(format!("open/{above}/{attempt}")).ok_or_else(nobody)?);
            }
            _ => calls.extend(asked.itself(record)),
        }
    }
    // The last step of each is what counts.
    let mut seen = HashSet::new();
    calls.reverse();
    calls.retain(|at| seen.insert(*at));
    calls.reverse();
    Ok(calls)
}

fn number(of: Option<&prost_types::Struct>, field: &str) -> Option<u64> {
    let value = of?.fields.get(field)?.kind.as_ref()?;
    if let Kind::NumberValue(number) = value { Some(*number as u64) } else { None }
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
    for record in trail {
        if record.action.starts_with("phase.") {
            gate(&mut state, record);
            continue;
        }
        if record.action == "version.superseded" {
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
        state = history.step(&state, at).ok_or_else(|| {
            let (expected, _) = history.expected(&state, at);
            let seen = history.answered(at);
            format!("in the order of the trail: {op:?}\nmust be {expected:?}\nis {seen:?}")
        })?;
    }
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

fn is_act(history: &History, at: usize) -> bool {
    matches!(history.ops[at].call, Call::Act { .. })
}

/// What a step of a gate comes to for Data Profiling.
fn gate(state: &mut Flow, record: &feed::TrailRecord) {
    if record.phase != PHASES[ABOVE].number() {
        return;
    }
    let after = record.after.as_ref().map(|of| &of.fields);
    let because = after.and_then(|of| of.get("stale_because")?.kind.as_ref());
    match record.action.as_str() {
        "phase.opened" => (state.opened, state.stale) = (true, false),
        "phase.marked_stale" => state.stale = matches!(because, Some(Kind::StringValue(_))),
        _ => {}
    }
}
