//! What an answer may be.

use std::collections::BTreeMap;

use signoff_contract::workflow::v1::ErrorReason;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// What is wrong with a refusal; nothing, mostly.
pub(crate) fn unfair(status: &Status, is_known: bool) -> Option<String> {
    let is_fair = match status.code() {
        Code::InvalidArgument
        | Code::FailedPrecondition
        | Code::AlreadyExists
        | Code::NotFound
        | Code::PermissionDenied
        | Code::Aborted
        | Code::ResourceExhausted => true,
        Code::Unauthenticated => !is_known,
        _ => false,
    };
    if !is_fair {
        return Some(format!("{:?} is no fair code", status.code()));
    }
    let Some(info) = status.get_details_error_info() else {
        return Some("there is no ErrorInfo".to_owned());
    };
    if info.domain != "signoff" {
        return Some(format!("its domain is {:?}", info.domain));
    }
    match ErrorReason::from_str_name(&format!("ERROR_REASON_{}", info.reason)) {
        None | Some(ErrorReason::Unspecified | ErrorReason::Internal) => {
            Some(format!("its reason is {:?}", info.reason))
        }
        Some(_) => None,
    }
}

/// What the gateway does to gates on its way, by the names of the methods and of the records.
const OF_GATES: [&str; 14] = [
    "BeginOpen",
    "Open",
    "Fence",
    "Seal",
    "ReleaseSeal",
    "MarkStale",
    "FinishReopen",
    "phase.open_begun",
    "phase.opened",
    "phase.fenced",
    "phase.sealed",
    "phase.seal_released",
    "phase.marked_stale",
    "phase.reopened",
];

/// What may be different after a call that was refused, and is so on purpose: what the gateway does on its
/// way, before it knows how the call ends. `commands` are those that were done meanwhile.
///
/// - A method that creates opens its phase, and is refused afterwards for what only the open phase can say
///   (record 59).
/// - What opens, reopens or reaffirms a phase is a program of many calls. If something is missing at the end,
///   its attempt is ended and its seals are lifted, but the attempt has had its number (record 56).
/// - Whoever meets a sealed phase asks whether the attempt that sealed it is dead, and takes a dead one's seals
///   away; whoever meets a phase that is being reopened finishes that (record 56).
/// - A plan of test cases is handed over in parts: those before the one that is refused stay until the next
///   plan takes their place (record 52).
///
/// A backend that is asked directly does none of this: there, nothing may be different.
pub(crate) fn may_change(path: &str, at_gateway: bool, table: &str, commands: &[String]) -> bool {
    let (_, name) = table.split_once('.').expect("a service and a table");
    let is_plan = path == "/signoff.gateway.v1.PhaseService/PlanTestCases";
    let is_reopening = path == "/signoff.gateway.v1.PhaseService/ReopenPhase";
    let is_kept = ["phase_gates", "phase_holds", "trail", "trail_details", "idempotency_keys"]
        .contains(&name);
    let is_of_gates = |command: &String| {
        let command = command.rsplit('/').next().unwrap_or(command);
        OF_GATES.contains(&command)
            || (is_reopening && ["BeginReopen", "phase.reopen_begun"].contains(&command))
            || (is_plan && command == "PlanTestCases")
    };
    at_gateway
        && (is_kept || (is_plan && name == "staged_cases"))
        && commands.iter().all(is_of_gates)
}

/// How often each method answered what.
#[derive(Default)]
pub(crate) struct Coverage(BTreeMap<String, Answers>);

/// What became of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    /// It is of the story: what is sent afterwards must be granted on its own.
    GrantedInStory,
    Granted,
    Refused,
}

#[derive(Clone, Default)]
struct Answers {
    in_story: usize,
    granted: usize,
    refused: usize,
}

impl Coverage {
    pub(crate) fn count(&mut self, path: &str, answer: Answer) {
        let answers = self.0.entry(path.to_owned()).or_default();
        let number = match answer {
            Answer::GrantedInStory => &mut answers.in_story,
            Answer::Granted => &mut answers.granted,
            Answer::Refused => &mut answers.refused,
        };
        *number += 1;
    }

    pub(crate) fn is_in_story(&self, path: &str) -> bool {
        self.0.get(path).is_some_and(|answers| answers.in_story > 0)
    }

    /// Whether a message was, beside those of the story.
    pub(crate) fn is_granted(&self, path: &str) -> bool {
        self.0.get(path).is_some_and(|answers| answers.granted > 0)
    }

    /// How many messages were granted, and how many were sent.
    pub(crate) fn granted_of_all(&self) -> (usize, usize) {
        let granted = self.0.values().map(|of| of.granted).sum();
        (granted, granted + self.0.values().map(|of| of.refused).sum::<usize>())
    }

    pub(crate) fn is_refused(&self, path: &str) -> bool {
        self.0.get(path).is_some_and(|answers| answers.refused > 0)
    }

    /// Each method, and all of them.
    pub(crate) fn table(&self) -> String {
        let mut lines: Vec<String> = self
            .0
            .iter()
            .map(|(path, of)| {
                format!("{:>7} {:>7} {:>7}  {path}", of.in_story, of.granted, of.refused)
            })
            .collect();
        let in_story: usize = self.0.values().map(|of| of.in_story).sum();
        let (granted, all) = self.granted_of_all();
        let refused = all - granted;
        lines.insert(0, format!("{:>7} {:>7} {:>7}  method", "story", "granted", "refused"));
        lines.push(format!("{in_story:>7} {granted:>7} {refused:>7}  {} methods", self.0.len()));
        lines.join("\n")
    }
}
