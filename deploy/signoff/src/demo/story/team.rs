//! Who works on the report: the admin opens it, and changes its members.

use anyhow::{Context, Result};
use signoff_workflow::Role;

use super::{Story, holds};
use crate::demo::people::Cast;

impl Story<'_> {
    /// The admin opens the report with those who work on it, and names the lines of business.
    pub(super) async fn gather_the_team(&self, report: &str) -> Result<()> {
        let (stage, adam) = (self.stage, &self.cast.adam);
        stage.heading(&format!("The report: FR Y-14M, {report}"));
        let members = Cast::members(&[]);
        let many = members.len();
        let opened = adam.open_workflow(&format!("FR Y-14M, {report}"), members).await;
        let opened = opened.context("opening the report")?;
        let lobs = adam.set_lobs().await.context("naming lines of business")?.len();
        let text = format!("opens it for {}, with {many} members", opened.cycle_name);
        stage.says(adam.name, &format!("{text}, and names {lobs} lines of business"));
        Ok(())
    }

    /// The tester becomes a report owner beside.
    pub(super) async fn make_tess_an_owner_too(&self) -> Result<()> {
        let both = Cast::members(&[(Cast::TESS, Role::ReportOwner)]);
        let (many, reason) = (both.len(), "Owen is ill");
        let adam = &self.cast.adam;
        let members = adam.set_members(both, reason).await.context("setting members")?;
        holds("roles held on the report", members.len(), many)?;
        self.stage.says(adam.name, &format!("makes Tess a report owner too: \"{reason}\""));
        Ok(())
    }

    /// It is taken back.
    pub(super) async fn make_tess_a_tester_again(&self) -> Result<()> {
        let (before, reason) = (Cast::members(&[]), "nobody checks their own work");
        let (many, adam) = (before.len(), &self.cast.adam);
        let members = adam.set_members(before, reason).await.context("setting members")?;
        holds("roles held on the report", members.len(), many)?;
        self.stage.says(adam.name, &format!("takes it back: \"{reason}\""));
        Ok(())
    }
}
