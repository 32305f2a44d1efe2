//! Who is in charge of one line of business, as the model has it: assignments begin, are handed over, and end
//! (seed 002, part E).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use signoff_contract::audit::v1::{self as wire, AssignmentStatus, AssignmentType};
use signoff_contract::workflow::v1::ErrorReason;
use tonic::Code;

use super::super::checker::{Model, NEVER, Span};
use super::super::op;
use crate::step::{INVALID, MISSING, ROLE, Refused, TAG};

const STATE: Refused = Refused(Code::FailedPrecondition, ErrorReason::AssignmentState);

/// A call about a line of business.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Assign { kind: AssignmentType, owner: i64 },
    Transfer { of: String, to: i64, etag: String },
    Deactivate { of: String, etag: String },
    List,
}

/// An assignment, as far as the model says it. Moments are not compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Charge {
    pub(crate) id: String,
    pub(crate) owner: i64,
    pub(crate) kind: AssignmentType,
    pub(crate) status: AssignmentStatus,
    pub(crate) previous: String,
    pub(crate) revision: u32,
    pub(crate) created_by: i64,
    pub(crate) updated_by: i64,
}

impl Charge {
    pub(crate) fn seen(of: &wire::Assignment) -> Self {
        Self {
            id: of.assignment_id.clone(),
            owner: of.data_owner_id,
            kind: of.assignment_type(),
            status: of.status(),
            previous: of.previous_assignment_id.clone(),
            revision: of.etag.parse().expect("a number"),
            created_by: of.created_by,
            updated_by: of.updated_by,
        }
    }

    pub(crate) fn is_active(&self) -> bool {
        self.status == AssignmentStatus::Active
    }
}

/// An answer, as far as the model says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Assigned(Charge),
    Transferred {
        new: Charge,
        old: Charge,
    },
    Ended(Charge),
    /// By their ids.
    Listed(Vec<Charge>),
    Refused(Code, String),
    /// Nobody knows.
    Unknown,
}

impl Answer {
    /// The assignments in it.
    pub(crate) fn charges(&self) -> Vec<&Charge> {
        match self {
            Self::Assigned(one) | Self::Ended(one) => vec![one],
            Self::Transferred { new, old } => vec![new, old],
            Self::Listed(all) => all.iter().collect(),
            Self::Refused(..) | Self::Unknown => Vec::new(),
        }
    }

    fn made(&self) -> Option<&str> {
        let (Self::Assigned(new) | Self::Transferred { new, .. }) = self else { return None };
        Some(&new.id)
    }
}

pub(crate) type Op = op::Op<Call, Answer>;

impl Op {
    pub(crate) fn is_change(&self) -> bool {
        !matches!(self.call, Call::List)
    }

    pub(crate) fn is_done(&self) -> bool {
        !matches!(self.answer, Answer::Refused(..) | Answer::Unknown)
    }
}

/// All assignments there ever were, by their ids.
pub(crate) type State = BTreeMap<String, Charge>;

/// The history of one line of business.
pub(crate) struct History {
    pub(crate) ops: Vec<Op>,
    /// The ids of the assignments that they made.
    made: Vec<String>,
    guesses: Vec<u64>,
}

impl History {
    /// Of these calls, and the changes that the trail tells of: the ids of their requests and of what they are about,
    /// in order. A call that was lost and then refused was done if it is among them, and only then.
    pub(crate) fn new(
        ops: Vec<Op>,
        trail: &[(String, String)],
    ) -> Result<(Self, Vec<usize>), String> {
        let mut told: HashMap<&str, usize> = HashMap::new();
        for (at, (request, _)) in trail.iter().enumerate() {
            if told.insert(request, at).is_some() {
                return Err(format!("request {request} was done twice"));
            }
        }
        let all = ops.iter().flat_map(|op| op.answer.charges());
        let successors: HashMap<String, String> = all
            .filter(|of| !of.previous.is_empty())
            .map(|of| (of.previous.clone(), of.id.clone()))
            .collect();
        let mut history = Self { ops: Vec::new(), made: Vec::new(), guesses: Vec::new() };
        let mut order = vec![usize::MAX; trail.len()];
        for mut op in ops {
            let record = told.get(op.request_id.as_str()).copied();
            if op.is_change() && op.is_done() && record.is_none() {
                return Err(format!("it was acknowledged, and is not in the trail: {op:?}"));
            }
            if let (false, Some(record)) = (op.is_done(), record) {
                if op.lost == 0 {
                    return Err(format!("it was refused, and is in the trail: {op:?}"));
                }
                let (_, subject) = &trail[record];
                let made = match &op.call {
                    Call::Transfer { .. } => successors.get(subject).cloned().unwrap_or_default(),
                    _ => subject.clone(),
                };
                order[record] = history.ops.len();
                let span = Span { returned: NEVER, optional: true, ..op.span };
                let (answer, call) = (Answer::Unknown, op.call.clone());
                let request_id = op.request_id.clone();
                history.push(Op { span, answer, call, request_id, ..op }, made);
            } else if let Some(record) = record {
                order[record] = history.ops.len();
            }
            if !op.is_done() {
                // Its last sending is what was refused.
                op.span.invoked = op.sent;
            }
            let made = op.answer.made().unwrap_or_default().to_owned();
            history.push(op, made);
        }
        if let Some(at) = order.iter().position(|of| *of == usize::MAX) {
            return Err(format!("nobody asked for {:?}", trail[at]));
        }
        let mut latest = 0;
        for at in &order {
            latest = latest.max(history.ops[*at].span.invoked);
            history.guesses[*at] = latest;
        }
        Ok((history, order))
    }

    fn push(&mut self, op: Op, made: String) {
        self.guesses.push(if op.span.optional { NEVER } else { op.span.returned });
        self.ops.push(op);
        self.made.push(made);
    }

    /// When which call was made and answered.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.ops.iter().map(|op| op.span).collect()
    }

    /// The same, where one call was answered something else.
    pub(crate) fn with_answer(&self, at: usize, answer: Answer) -> Self {
        let mut ops = self.ops.clone();
        ops[at].answer = answer;
        Self { ops, made: self.made.clone(), guesses: self.guesses.clone() }
    }

    /// Goes through the changes in this order.
    pub(crate) fn replay(&self, order: &[usize]) -> Result<State, String> {
        order.iter().try_fold(State::new(), |state, at| {
            let after = self.step(&state, *at);
            after.ok_or_else(|| {
                format!("in the order of the trail: {:?}\nin {state:?}", self.ops[*at])
            })
        })
    }

    /// What the model says of a call in a state.
    pub(crate) fn expected(&self, state: &State, call: usize) -> (Answer, State) {
        let mut after = state.clone();
        let answer = self.take(&mut after, call).unwrap_or_else(|Refused(code, reason)| {
            let reason = reason.as_str_name().trim_start_matches("ERROR_REASON_");
            Answer::Refused(code, reason.to_owned())
        });
        (answer, after)
    }

    fn take(&self, state: &mut State, call: usize) -> Result<Answer, Refused> {
        let op = &self.ops[call];
        if op.is_change() && !op.who.tester {
            return Err(ROLE);
        }
        let by = op.who.user_id;
        let new = |owner: i64, kind: AssignmentType, previous: &str| Charge {
            id: self.made[call].clone(),
            owner,
            kind,
            status: AssignmentStatus::Active,
            previous: previous.to_owned(),
            revision: 1,
            created_by: by,
            updated_by: by,
        };
        match &op.call {
            Call::List => Ok(Answer::Listed(state.values().cloned().collect())),
            Call::Assign { kind, owner } => {
                let new = new(*owner, *kind, "");
                begin(state, &new, None)?;
                Ok(Answer::Assigned(new))
            }
            Call::Transfer { of, to, etag } => {
                let old = unended(state, of, etag)?;
                if old.owner == *to {
                    return Err(INVALID);
                }
                let (new, old) = (new(*to, old.kind, of), old.clone());
                begin(state, &new, Some(of))?;
                let old = ended(old, AssignmentStatus::Transferred, by);
                state.insert(of.clone(), old.clone());
                Ok(Answer::Transferred { new, old })
            }
            Call::Deactivate { of, etag } => {
                let old = unended(state, of, etag)?.clone();
                let old = ended(old, AssignmentStatus::Inactive, by);
                state.insert(of.clone(), old.clone());
                Ok(Answer::Ended(old))
            }
        }
    }
}

/// An assignment that may still be changed.
fn unended<'a>(state: &'a State, id: &str, etag: &str) -> Result<&'a Charge, Refused> {
    let found = state.get(id).ok_or(MISSING)?;
    if !etag.is_empty() && *etag != found.revision.to_string() {
        return Err(TAG);
    }
    if found.is_active() { Ok(found) } else { Err(STATE) }
}

/// Begins an assignment, if none that stays is in its way.
fn begin(state: &mut State, new: &Charge, ending: Option<&String>) -> Result<(), Refused> {
    let is_in_the_way = |other: &Charge| {
        let is_other = other.is_active() && Some(&other.id) != ending && other.kind == new.kind;
        is_other && (other.owner == new.owner || new.kind == AssignmentType::Primary)
    };
    if state.values().any(is_in_the_way) {
        return Err(STATE);
    }
    state.insert(new.id.clone(), new.clone());
    Ok(())
}

fn ended(old: Charge, status: AssignmentStatus, by: i64) -> Charge {
    Charge { status, revision: old.revision + 1, updated_by: by, ..old }
}

impl Model for History {
    type State = State;

    fn step(&self, state: &State, call: usize) -> Option<State> {
        let (expected, after) = self.expected(state, call);
        match (&self.ops[call].answer, &expected) {
            (Answer::Unknown, Answer::Refused(..)) => None,
            (Answer::Unknown, _) => Some(after),
            (answer, expected) => (answer == expected).then_some(after),
        }
    }

    fn is_idle(&self, _: &State, call: usize) -> bool {
        let op = &self.ops[call];
        !op.is_change() || matches!(op.answer, Answer::Refused(..))
    }

    fn is_over(&self, state: &State, call: usize) -> bool {
        let answer = &self.ops[call].answer;
        let charges = answer.charges();
        // Assignments only come, and are only changed.
        let is_older =
            |of: &&Charge| state.get(&of.id).is_some_and(|now| now.revision > of.revision);
        let is_less = matches!(answer, Answer::Listed(_)) && {
            let listed: BTreeSet<&String> = charges.iter().map(|of| &of.id).collect();
            state.keys().any(|id| !listed.contains(id))
        };
        is_less || charges.iter().any(is_older)
    }

    fn guess(&self, call: usize) -> u64 {
        self.guesses[call]
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::checker::{STEPS, Verdict, check};
    use super::super::super::people::TESTERS;
    use super::*;

    fn charge(id: &str, owner: i64, status: AssignmentStatus, previous: &str) -> Charge {
        Charge {
            id: id.to_owned(),
            owner,
            kind: AssignmentType::Primary,
            status,
            previous: previous.to_owned(),
            revision: if status == AssignmentStatus::Active { 1 } else { 2 },
            created_by: TESTERS[0].user_id,
            updated_by: TESTERS[0].user_id,
        }
    }

    fn assigned() -> Charge {
        charge("a", 101, AssignmentStatus::Active, "")
    }

    fn handed_over() -> Charge {
        charge("a", 101, AssignmentStatus::Transferred, "")
    }

    fn op(
        number: u64,
        call: Call,
        (invoked, returned): (u64, u64),
        lost: usize,
        answer: Answer,
    ) -> Op {
        let span = Span { invoked, returned, optional: false };
        let request_id = format!("request {number}");
        Op { who: TESTERS[0], call, request_id, span, sent: invoked, lost, answer }
    }

    fn assign() -> Op {
        let call = Call::Assign { kind: AssignmentType::Primary, owner: 101 };
        op(1, call, (1, 2), 0, Answer::Assigned(assigned()))
    }

    fn transfer(number: u64, to: i64, made: &str, when: (u64, u64)) -> Op {
        let new = charge(made, to, AssignmentStatus::Active, "a");
        let call = Call::Transfer { of: "a".to_owned(), to, etag: String::new() };
        op(number, call, when, 0, Answer::Transferred { new, old: handed_over() })
    }

    fn list(when: (u64, u64), all: &[Charge]) -> Op {
        op(9, Call::List, when, 0, Answer::Listed(all.to_vec()))
    }

    fn told(requests: &[(u64, &str)]) -> Vec<(String, String)> {
        let told =
            |(number, subject): &(u64, &str)| (format!("request {number}"), (*subject).to_owned());
        requests.iter().map(told).collect()
    }

    fn is_explained(ops: &[Op], trail: &[(u64, &str)]) -> bool {
        let (history, order) = History::new(ops.to_vec(), &told(trail)).unwrap();
        let verdict = check(&history, &history.spans(), State::new(), STEPS);
        let found = matches!(verdict, Verdict::Explained { .. });
        assert!(found || matches!(verdict, Verdict::Unexplained { .. }), "{verdict:?}");
        found && history.replay(&order).is_ok()
    }

    #[test]
    fn what_is_handed_over_is_handed_over_once() {
        let new = charge("b", 102, AssignmentStatus::Active, "a");
        let before = list((3, 6), &[assigned()]);
        let after = list((7, 8), &[handed_over(), new.clone()]);
        let one = [assign(), transfer(2, 102, "b", (4, 5)), before.clone(), after.clone()];
        assert!(is_explained(&one, &[(1, "a"), (2, "a")]));
        // Somebody else did so, too, at the same time.
        let two = [&one[..3], &[transfer(3, 103, "c", (4, 5))]].concat();
        assert!(!is_explained(&two, &[(1, "a"), (2, "a"), (3, "a")]));
        // Who asked afterwards was told what was before.
        let stale = [&one[..2], &[list((7, 8), &[assigned()])]].concat();
        assert!(!is_explained(&stale, &[(1, "a"), (2, "a")]));
        // One of the two was forgotten.
        let half = [&one[..2], &[list((7, 8), &[handed_over()])]].concat();
        assert!(!is_explained(&half, &[(1, "a"), (2, "a")]));
    }

    #[test]
    fn what_was_lost_and_refused_was_done_if_the_trail_says_so() {
        let refused = Answer::Refused(Code::FailedPrecondition, "ASSIGNMENT_STATE".to_owned());
        let Op { call, .. } = transfer(2, 102, "b", (4, 5));
        let mut lost = op(2, call, (4, 9), 1, refused);
        lost.sent = 8;
        let new = charge("b", 102, AssignmentStatus::Active, "a");
        let ops = [assign(), lost, list((6, 7), &[handed_over(), new])];
        assert!(is_explained(&ops, &[(1, "a"), (2, "a")]));
        // Nothing else explains the refusal, nor what the other one read.
        assert!(!is_explained(&ops, &[(1, "a")]));
    }

    #[test]
    fn the_trail_has_each_change_once_and_nothing_else() {
        let ops = || vec![assign(), transfer(2, 102, "b", (4, 5))];
        let fits = |trail: &[(u64, &str)]| History::new(ops(), &told(trail)).is_ok();
        assert!(fits(&[(1, "a"), (2, "a")]));
        assert!(!fits(&[(1, "a")]), "one is missing");
        assert!(!fits(&[(1, "a"), (2, "a"), (2, "a")]), "one is there twice");
        assert!(!fits(&[(1, "a"), (2, "a"), (3, "a")]), "nobody asked for it");
        assert!(!is_explained(&ops(), &[(2, "a"), (1, "a")]), "in another order");
    }
}
