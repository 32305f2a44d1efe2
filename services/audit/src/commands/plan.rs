//! The plan of test cases.

use uuid::Uuid;

use super::Change;
use crate::domain::error::{Error, Refused};
use crate::domain::lane::Lane;
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
    /// How many cases it has in all, if the caller says.
    pub total_cases: Option<i64>,
}

impl Change {
    /// Stages cases of a plan; with the last ones, the plan takes effect: what is new is added, what
    /// is gone withdrawn. Gives what changed, and the plan in force.
    ///
    /// The versions that a plan is made from never change. So whatever was sent of it belongs to it,
    /// whoever sent it, and one that is in force already does not lose what it had.
    ///
    /// # Errors
    /// The plan has not as many cases as the caller says, or as it had before.
    pub async fn plan_test_cases(
        &mut self,
        input: PlanTestCases,
    ) -> Result<(Planned, Option<Plan>), Error> {
        // A new plan mends a stale phase.
        self.work.admit_mending()?;
        let (workflow, made_from) = (self.workflow(), input.made_from);
        let current = plans::current(self.conn(), workflow).await?;
        plans::stage(self.conn(), workflow, made_from, &input.cases).await?;
        if !input.last {
            let planned = plans::staged(self.conn(), workflow, made_from).await?;
            return Ok((Planned { planned, ..Planned::default() }, current));
        }
        let adds = current.as_ref().is_some_and(|plan| plan.made_from == made_from);
        let mut done = plans::difference(self.conn(), workflow, made_from, adds).await?;
        self.expect_whole(&input, done.planned).await?;
        let plan = match current {
            Some(plan) if adds && !done.changes() => plan,
            current => {
                let plan = Plan {
                    id: Uuid::now_v7(),
                    number: current.map_or(0, |plan| plan.number) + 1,
                    made_from,
                    cases: done.planned,
                    planned_at: self.work.now(),
                    planned_by: self.work.actor().user_id,
                };
                let mark = self.mark("planned", None);
                plans::put_into_effect(self.conn(), mark, &plan, adds).await?;
                self.record("test_cases.planned", plan.id, None).await?;
                plan
            }
        };
        plans::clear(self.conn(), workflow, made_from).await?;
        let now = self.work.now();
        let lanes = lanes::all(self.conn(), workflow, Some(now)).await?;
        done.unassigned = lanes.iter().map(Lane::unassigned).sum();
        Ok((done, Some(plan)))
    }

    /// # Errors
    /// Calls of the plan are missing.
    async fn expect_whole(&mut self, input: &PlanTestCases, planned: i64) -> Result<(), Error> {
        let workflow = self.workflow();
        let before = plans::cases_before(self.conn(), workflow, input.made_from).await?;
        let wanted = input.total_cases.unwrap_or(before);
        if planned == wanted || (input.total_cases.is_none() && planned > before) {
            return Ok(());
        }
        let what = format!("has {planned} of {wanted} cases: send all of them again");
        Err(Error::refused(Refused::PlanIncomplete, "test_plan", what))
    }
}
