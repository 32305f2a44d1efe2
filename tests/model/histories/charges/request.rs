//! Calls about a line of business as requests, and what somebody thinks of.

use rand::Rng as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use signoff_contract::audit::v1 as wire;
use signoff_contract::audit::v1::AssignmentType;
use signoff_tests::Person;
use signoff_tests::people::scope;
use signoff_workflow::{Phase, Workflow};
use tonic::{Code, Status};
use uuid::Uuid;

use super::super::people::{OWNERS, TESTERS};
use super::super::round::Ask;
use super::model::{Answer, Call, Charge, State};
use crate::step::Who;

/// Who may be in charge.
const PEOPLE: [i64; 4] = [101, 102, 103, 104];

/// A request of any of the methods that are called.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    Assign(wire::AssignDataOwnerRequest),
    Transfer(wire::TransferDataOwnerRequest),
    Deactivate(wire::DeactivateDataOwnerRequest),
    List(wire::ListAssignmentsRequest),
}

impl Request {
    /// The request for a call.
    pub(crate) fn of(workflow: Workflow, lob: Uuid, call: &Call, request_id: &str) -> Self {
        let scope = Some(scope(workflow, Phase::DATA_OWNER_ID));
        let (lob_id, request_id) = (lob.to_string(), request_id.to_owned());
        let change_reason = "whoever knows the data".to_owned();
        match call.clone() {
            Call::Assign { kind, owner } => Self::Assign(wire::AssignDataOwnerRequest {
                scope,
                data_owner_id: owner,
                lob_id,
                assignment_type: kind.into(),
                change_reason,
                request_id,
                ..Default::default()
            }),
            Call::Transfer { of, to, etag } => Self::Transfer(wire::TransferDataOwnerRequest {
                scope,
                assignment_id: of,
                data_owner_id: to,
                change_reason,
                etag,
                request_id,
                ..Default::default()
            }),
            Call::Deactivate { of, etag } => Self::Deactivate(wire::DeactivateDataOwnerRequest {
                scope,
                assignment_id: of,
                change_reason,
                etag,
                request_id,
            }),
            Call::List => Self::List(wire::ListAssignmentsRequest {
                scope,
                lob_id,
                page_size: 1000,
                ..Default::default()
            }),
        }
    }
}

fn one(of: Option<wire::Assignment>) -> Charge {
    Charge::seen(&of.expect("an assignment in the answer"))
}

impl Ask for Request {
    type Answer = Answer;

    async fn send(&self, to: &Person) -> Result<Answer, Status> {
        Ok(match self.clone() {
            Self::Assign(request) => Answer::Assigned(one(to.call(request).await?.assignment)),
            Self::Transfer(request) => {
                let answer = to.call(request).await?;
                let (new, old) = (one(answer.assignment), one(answer.previous_assignment));
                Answer::Transferred { new, old }
            }
            Self::Deactivate(request) => Answer::Ended(one(to.call(request).await?.assignment)),
            Self::List(request) => {
                let listed = to.call(request).await?.assignments;
                let mut all: Vec<Charge> = listed.iter().map(Charge::seen).collect();
                all.sort_by(|one, other| one.id.cmp(&other.id));
                Answer::Listed(all)
            }
        })
    }

    fn refused(code: Code, reason: String) -> Answer {
        Answer::Refused(code, reason)
    }
}

/// The next call, and who makes it, given what is known.
pub(crate) fn choose(known: &State, dice: &mut ChaCha8Rng) -> (Who, Call) {
    let who = match dice.random_ratio(1, 30) {
        true => OWNERS.iter().find(|who| !who.tester).expect("one who is no tester"),
        false => TESTERS.choose(dice).expect("some"),
    };
    (*who, call(known, dice))
}

fn call(known: &State, dice: &mut ChaCha8Rng) -> Call {
    let (owner, what) = (*PEOPLE.choose(dice).expect("some"), dice.random_range(0..100));
    if what < 25 {
        return Call::List;
    }
    let active: Vec<&Charge> = known.values().filter(|of| of.is_active()).collect();
    let is_owned = active.iter().any(|of| of.kind == AssignmentType::Primary);
    if !is_owned && what < 60 || what < 35 {
        return Call::Assign { kind: AssignmentType::Primary, owner };
    }
    if what < 45 {
        return Call::Assign { kind: AssignmentType::Backup, owner };
    }
    // Mostly one that has not ended.
    let any: Vec<&Charge> = known.values().collect();
    let of = if dice.random_ratio(9, 10) { active.choose(dice) } else { any.choose(dice) };
    let of = of.copied();
    let etag = match of {
        Some(of) if dice.random_bool(0.4) => of.revision.to_string(),
        _ => String::new(),
    };
    // Of none that is known, one that is not there.
    let of = of.map_or_else(|| Uuid::now_v7().to_string(), |of| of.id.clone());
    match what < 80 {
        true => Call::Transfer { of, to: owner, etag },
        false => Call::Deactivate { of, etag },
    }
}

/// What brings a line of business into somebody's hands, whoever has it.
pub(crate) fn ending(known: &State) -> Call {
    let is_owned = |of: &&Charge| of.is_active() && of.kind == AssignmentType::Primary;
    match known.values().find(is_owned) {
        Some(of) => Call::Transfer { of: of.id.clone(), to: 105, etag: String::new() },
        None => Call::Assign { kind: AssignmentType::Primary, owner: 105 },
    }
}
