//! Random commands; then every subject's history, replayed from nothing, is its state, field by field.

use std::env;

use proptest::collection::vec;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use signoff_contract::audit::v1 as wire;
use signoff_tests::build;
use signoff_tests::lanes::{LOBS, Lanes, OWNERS};
use signoff_workflow::Phase;
use tonic::Status;
use wire::{ActionType, DocumentStatus, ExecutionResult};

use crate::replayed;

/// How many subjects of a kind a step may choose from.
const FEW: usize = 6;
/// Cases of a run that does not say how many.
const CASES: u32 = 6;

/// One step: what is tried, and on which of the subjects that there are.
#[derive(Clone, Copy, Debug)]
struct Step {
    what: u8,
    which: usize,
    who: usize,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..15_u8, 0..FEW, 0..LOBS.len());
    vec(step.prop_map(|(what, which, who)| Step { what, which, who }), 30..70)
}

fn number<T: std::str::FromStr>(variable: &str, default: T) -> T {
    env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// `SIGNOFF_CASES` makes it longer, `SIGNOFF_SEED` another.
#[test]
fn history_replayed_is_the_state() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = Config {
        cases: number("SIGNOFF_CASES", CASES),
        failure_persistence: None,
        ..Config::default()
    };
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number("SIGNOFF_SEED", 1_u64).to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let played = TestRunner::new_with_rng(config, rng).run(&steps(), |steps| {
        runtime.block_on(play(&steps));
        Ok(())
    });
    if let Err(found) = played {
        panic!("{found}");
    }
}

async fn play(steps: &[Step]) {
    let lanes = Lanes::planned(3).await;
    let mut done = 0;
    for step in steps {
        // What the state of things does not allow is refused, and leaves nothing behind.
        if take(&lanes, *step).await.is_ok() {
            done += 1;
        }
    }
    assert!(done > 3, "only {done} of {} steps were done", steps.len());
    replayed::expect_history_is_the_state(&lanes).await;
    lanes.expect_intact().await;
}

async fn take(lanes: &Lanes, step: Step) -> Result<(), Status> {
    let Step { what, which, who } = step;
    let (lob, owner) = (LOBS[who], OWNERS[who]);
    let cases = lanes.cases_of(lob).await;
    let case = cases.get(which % cases.len().max(1));
    match what {
        0 => drop(lanes.assign(lob, owner).await?),
        1 => {
            let Some(assignment) = pick(replayed::assignments(lanes).await, which) else {
                return Ok(());
            };
            drop(lanes.transfer(&assignment, OWNERS[which % 3] + 10 * step.who as i64, "").await?);
        }
        2 => {
            let Some(assignment) = pick(replayed::assignments(lanes).await, which) else {
                return Ok(());
            };
            let request = wire::DeactivateDataOwnerRequest {
                scope: lanes.at(Phase::DATA_OWNER_ID),
                assignment_id: assignment.assignment_id,
                change_reason: "is on leave".to_owned(),
                request_id: signoff_tests::people::request_id(),
                ..Default::default()
            };
            drop(lanes.lead.call(request).await?);
        }
        3 => {
            let mut planned = Lanes::cases(1 + which);
            planned.iter_mut().step_by(4).for_each(|case| case.lob_id = lob.to_string());
            planned.iter_mut().skip(1).step_by(7).for_each(|case| case.lob_id.clear());
            drop(lanes.plan(&planned).await?);
        }
        4 | 5 => {
            let Some(case) = case else { return Ok(()) };
            drop(lanes.submit(current_owner(lanes, lob).await, std::slice::from_ref(case)).await?);
        }
        6 => {
            let Some(document) = pick(replayed::documents(lanes).await, which) else {
                return Ok(());
            };
            let content = u8::try_from(40 + which).unwrap();
            drop(lanes.revise(current_owner(lanes, lob).await, &document, content).await?);
        }
        7 => {
            let Some(document) = pick(replayed::documents(lanes).await, which) else {
                return Ok(());
            };
            let request = wire::SubmitDocumentRequest {
                submission_type: wire::SubmissionType::Supplemental.into(),
                supplements_submission_id: document.submission_id,
                ..lanes.submit_request(&[])
            };
            let owner = lanes.data_owner(current_owner(lanes, lob).await).await;
            drop(owner.call(request).await?);
        }
        8 | 9 => {
            let Some(document) = pick(replayed::documents(lanes).await, which) else {
                return Ok(());
            };
            let verdicts = [
                DocumentStatus::Accepted,
                DocumentStatus::Rejected,
                DocumentStatus::RevisionRequested,
            ];
            drop(lanes.review(&document, verdicts[who]).await?);
        }
        10 => {
            let Some(case) = case else { return Ok(()) };
            let on = wire::Document {
                submission_id: case.current_submission_id.clone(),
                ..Default::default()
            };
            drop(lanes.start(case, &on).await?);
        }
        11 => {
            let Some(execution) = pick(replayed::executions(lanes).await, which) else {
                return Ok(());
            };
            let results =
                [ExecutionResult::Pass, ExecutionResult::Fail, ExecutionResult::Inconclusive];
            drop(lanes.conclude(&execution, results[who]).await?);
        }
        12 => {
            let Some(case) = case else { return Ok(()) };
            let types =
                [ActionType::DocumentRequest, ActionType::DataUpdateRequest, ActionType::TestRerun];
            drop(lanes.ask(case, types[who]).await?);
        }
        13 => {
            let phases = [Phase::DATA_OWNER_ID, Phase::REQUEST_INFO, Phase::TEST_EXECUTION];
            let data = build::object("of", &lob.to_string());
            drop(lanes.record(phases[which % 3], data).await?);
        }
        _ => {
            let Some(action) = pick(replayed::actions(lanes).await, which) else {
                return Ok(());
            };
            drop(lanes.respond(current_owner(lanes, lob).await, &action).await?);
        }
    }
    Ok(())
}

/// The last ones, since the first ones are soon done with.
fn pick<T>(mut of: Vec<T>, which: usize) -> Option<T> {
    let last = of.len().checked_sub(1)?;
    Some(of.swap_remove(last - which % of.len()))
}

/// Who owns a lane now, or who owned it at first.
async fn current_owner(lanes: &Lanes, lob: uuid::Uuid) -> i64 {
    let active = i32::from(wire::AssignmentStatus::Active);
    let of_lob = |of: &wire::Assignment| of.lob_id == lob.to_string() && of.status == active;
    let found = replayed::assignments(lanes).await.into_iter().find(of_lob);
    found.map_or(OWNERS[0], |of| of.data_owner_id)
}
