//! Data Owner ID: who answers for which line of business; and the test cases, each in its lane.

use anyhow::{Context, Result};
use signoff_contract::audit::v1 as wire;
use signoff_workflow::Phase;

use super::cases::{Bundle, Plan};
use super::{Story, holds};
use crate::demo::data::accounts::LineOfBusiness;
use crate::demo::people::Person;

impl Story<'_> {
    /// Tells the phase.
    pub(super) async fn identify_owners(&mut self) -> Result<Plan> {
        self.enter(Phase::DATA_OWNER_ID)?;
        let (stage, cast) = (self.stage, self.cast);
        self.assign(&cast.dora, LineOfBusiness::ConsumerCards).await?;
        self.tell_grounds(Phase::DATA_OWNER_ID).await?;
        self.assign(&cast.sam, LineOfBusiness::SmallBusinessCards).await?;
        let (answer, plan) = self.plan_cases().await?;
        let mut desk = cast.tess.audit_at(Phase::DATA_OWNER_ID);
        for lane in desk.lanes().await? {
            let name = lane_name(&lane.lob_id);
            let owner = lane.owner.map_or("nobody".to_owned(), |one| named(one.data_owner_id));
            stage.says("", &format!("{:>4} in the lane of {owner} ({name})", lane.cases));
        }
        let missing = plan.of(Bundle::whole(LineOfBusiness::PrivateLabel)).count();
        holds("cases without an owner", usize::try_from(answer.unassigned)?, missing)?;
        let status = desk.status().await?;
        let first = status.unmet.first().context("nothing is missing, without an owner")?;
        let text = format!("sees {} cases without an owner: {}", answer.unassigned, first.what);
        stage.says(cast.tess.name, &text);
        self.assign(&cast.paul, LineOfBusiness::PrivateLabel).await?;
        let missing = desk.status().await?.unmet.len();
        holds("what Data Owner ID lacks", missing, 0)?;
        Ok(plan)
    }

    /// The tester puts somebody in charge.
    pub(super) async fn assign(&self, owner: &Person, lob: LineOfBusiness) -> Result<()> {
        let tess = &self.cast.tess;
        let mut desk = tess.audit_at(Phase::DATA_OWNER_ID);
        let reason = format!("runs the systems of {}", lob.name());
        let assigned = desk.assign(owner, &lob.lob_id().to_string(), &reason).await;
        let assigned = assigned.with_context(|| format!("assigning {}", owner.name))?;
        holds("an assignment", assigned.status(), wire::AssignmentStatus::Active)?;
        self.stage.says(tess.name, &format!("puts {} in charge of {}", owner.name, lob.name()));
        Ok(())
    }

    /// The test lead hands a lane over.
    pub(super) async fn hand_over(
        &self,
        lob: LineOfBusiness,
        to: &Person,
        reason: &str,
    ) -> Result<()> {
        let lena = &self.cast.lena;
        let mut desk = lena.audit_at(Phase::DATA_OWNER_ID);
        let lanes = desk.lanes().await?;
        let lane = lanes.into_iter().find(|lane| lane.lob_id == lob.lob_id().to_string());
        let owner = lane.and_then(|lane| lane.owner).context("the lane has no owner")?;
        let handed = desk.transfer(&owner, to, reason).await.context("handing over")?;
        let previous = handed.previous_assignment.unwrap_or_default();
        holds("it was handed over", previous.status(), wire::AssignmentStatus::Transferred)?;
        let text = format!("hands {} from {}", lob.name(), named(previous.data_owner_id));
        let text = format!("{text} to {}: \"{}\"", to.name, previous.change_reason);
        self.stage.says(lena.name, &text);
        Ok(())
    }
}

/// What a lane is called.
fn lane_name(lob_id: &str) -> String {
    LineOfBusiness::of_id(lob_id).map_or(lob_id, |lob| lob.name()).to_owned()
}

fn named(user_id: i64) -> String {
    crate::demo::people::Cast::name_of(user_id)
}
