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
/// steps.
pub(crate) fn order(history: &History, trail: &[feed::TrailRecord]) -> Vec<usize> {
    let mut known: HashMap<Uuid, Vec<usize>> = HashMap::new();
    for (at, op) in history.ops.iter().enumerate() {
        let id = op.request_id.parse::<Uuid>().expect("a request id");
        known.entry(id).or_default().push(at);
    }
    // What may have happened beside a call, if there is something of the kind; else the call.
    let of = |calls: &Vec<usize>, opening: bool| {
        let beside = |at: &&usize| {
            let op = &history.ops[**at];
            op.span.optional && matches!(op.call, Call::Opening) == opening
        };
        calls.iter().find(beside).or(calls.first()).copied()
    };
    let moves: Vec<Uuid> = known
        .iter()
        .filter(|(_, calls)| calls.iter().any(|at| history.ops[*at].call.moves_gates()))
        .map(|(id, _)| *id)
        .collect();
    let number = |record: &feed::TrailRecord, field: &str| {
        let value = record.after.as_ref()?.fields.get(field)?.kind.as_ref()?;
        if let Kind::NumberValue(number) = value { Some(*number) } else { None }
    };
    let call = |record: &feed::TrailRecord| {
        let id = record.request_id.parse::<Uuid>().ok()?;
        if let Some(calls) = known.get(&id) {
            return of(calls, false);
        }
        let above = PHASES[ABOVE].number();
        let name = match record.action.as_str() {
            _ if record.phase != above => return None,
            "phase.opened" => format!("open/{above}/{}", number(record, "attempt")?),
            "phase.marked_stale" => {
                let below = PHASES[BELOW].number();
                format!("stale/{above}/{below}/{}", number(record, "stale_reopening")?)
            }
            _ => return None,
        };
        let by = moves.iter().find(|of| Uuid::new_v5(of, name.as_bytes()) == id)?;
        of(known.get(by)?, true)
    };
    let mut calls: Vec<usize> = trail.iter().filter_map(call).collect();
    // The last step of each is what counts.
    let mut seen = HashSet::new();
    calls.reverse();
    calls.retain(|at| seen.insert(*at));
    calls.reverse();
    calls
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
