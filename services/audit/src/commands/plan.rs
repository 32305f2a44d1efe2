//! The plan of test cases.

use uuid::Uuid;

use super::Change;
use crate::domain::error::Error;
use crate::domain::plan::{MadeFrom, Plan, Planned, PlannedCase};
use crate::store::{lanes, plans};

/// To make a plan of test cases, or to send some of its cases.
#[derive(Clone, Debug)]
pub struct PlanTestCases {
    /// Cases that it has.
    pub cases: Vec<PlannedCase>,
    /// From which versions it is made.
    pub made_from: MadeFrom,
    /// Whether it is to take effect now.
    pub last: bool,
}

impl Change {
    /// Stages cases of a plan; with the last ones, the plan takes effect: what is new is added, what
    /// is gone withdrawn. Gives what changed, and the plan in force.
    ///
    /// # Errors
    /// What the database says.
    pub async fn plan_test_cases(
        &mut self,
        input: PlanTestCases,
    ) -> Result<(Planned, Option<Plan>), Error> {
        // A new plan mends a stale phase.
        self.work.admit_mending()?;
        let workflow = self.workflow();
        let current = plans::current(self.conn(), workflow).await?;
        plans::stage(self.conn(), workflow, input.made_from, &input.cases).await?;
        if !input.last {
            let planned = plans::staged(self.conn(), workflow).await?;
            return Ok((Planned { planned, ..Planned::default() }, current));
        }
        let mut done = plans::difference(self.conn(), workflow).await?;
        let same = current.as_ref().is_some_and(|plan| plan.made_from == input.made_from);
        let plan = match current {
            Some(plan) if same && !done.changes() => plan,
            current => {
                let plan = Plan {
                    id: Uuid::now_v7(),
                    number: current.map_or(0, |plan| plan.number) + 1,
                    made_from: input.made_from,
                    cases: done.planned,
                    planned_at: self.work.now(),
                    planned_by: self.work.actor().user_id,
                };
                let mark = self.mark("planned", None);
                plans::put_into_effect(self.conn(), mark, &plan).await?;
                self.record("test_cases.planned", plan.id, None).await?;
                plan
            }
        };
        plans::clear(self.conn(), workflow).await?;
        let now = self.work.now();
        let lanes = lanes::all(self.conn(), workflow, Some(now)).await?;
        done.unassigned =
            lanes.iter().filter(|lane| !lane.owned).map(|lane| lane.counts.cases).sum();
        Ok((done, Some(plan)))
    }
}
