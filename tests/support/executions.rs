//! Test executions at the audit service, from the plan to their results.

use signoff_contract::audit::v1 as wire;
use wire::ExecutionResult;

use crate::lanes::{LOBS, Lanes, OWNERS};

/// The executions of a workflow, by their ids: each of a test case of its own.
#[derive(Clone, Debug, Default)]
pub struct Tested {
    /// Those that failed.
    pub concluded: Vec<String>,
    /// Those that are under way.
    pub open: Vec<String>,
}

impl Tested {
    /// The concluded ones with these numbers, from 0.
    pub fn these(&self, numbers: &[u32]) -> Vec<String> {
        let one = |number: &u32| self.concluded[usize::try_from(*number).unwrap()].clone();
        numbers.iter().map(one).collect()
    }
}

/// Opens the three phases that the audit service keeps, and has test cases of one lane tested: so many
/// with a result, and so many without. Once for each workflow.
pub async fn tested(lanes: &Lanes<()>, (concluded, open): (usize, usize)) -> Tested {
    lanes.open_phases().await;
    lanes.assign(LOBS[0], OWNERS[0]).await.unwrap();
    let mut planned = Lanes::cases(concluded + open);
    planned.truncate(concluded + open);
    lanes.plan(&planned).await.unwrap();
    let cases = lanes.cases_of(LOBS[0]).await;
    let document = lanes.submit(OWNERS[0], &cases).await.unwrap();
    let mut tested = Tested::default();
    for (number, case) in cases.iter().enumerate() {
        let execution_id = lanes.start(case, &document).await.unwrap().execution_id;
        if number < concluded {
            fail(lanes, &execution_id).await;
            tested.concluded.push(execution_id);
        } else {
            tested.open.push(execution_id);
        }
    }
    tested
}

/// A tester of the audit service says that a test failed.
pub async fn fail(lanes: &Lanes<()>, execution_id: &str) {
    let execution_id = execution_id.to_owned();
    let execution = wire::Execution { execution_id, ..Default::default() };
    lanes.conclude(&execution, ExecutionResult::Fail).await.unwrap();
}
