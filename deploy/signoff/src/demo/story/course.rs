//! How phases begin: with the first change in them, or because somebody starts them.

use anyhow::{Context, Result, ensure};
use signoff_workflow::Phase;

use super::Story;
use crate::demo::phases::{is_audited, row_of};

impl Story<'_> {
    /// The story comes to a phase.
    pub(super) fn enter(&self, phase: Phase) -> Result<()> {
        let row = row_of(phase)?;
        self.stage.heading(&format!("{} {}", phase.number(), row.display_name));
        Ok(())
    }

    /// The tester starts a phase before anything is changed in it.
    pub(super) async fn start(&self, phase: Phase) -> Result<()> {
        let tess = &self.cast.tess;
        tess.start_phase(phase).await.context("starting a phase")?;
        self.stage.says(tess.name, "starts the phase");
        self.tell_grounds(phase).await
    }

    /// Something was changed in a phase: the gateway has started it, on what it rests on.
    pub(super) async fn tell_grounds(&self, phase: Phase) -> Result<()> {
        let tess = &self.cast.tess;
        let status = if is_audited(phase)? {
            tess.audit_at(phase).status().await?
        } else {
            tess.at(phase).status().await?
        };
        ensure!(status.started_at.is_some(), "phase {} was not started", phase.number());
        let mut sealed = Vec::new();
        for foundation in &status.rests_on {
            sealed.push(row_of(Phase::new(foundation.phase))?.display_name);
        }
        let text = match sealed.as_slice() {
            [] if phase == Phase::PLANNING => {
                "has opened the phase; it is the first and rests on nothing".to_owned()
            }
            [] => "has opened the phase, since there is something to do in it".to_owned(),
            [one] => format!("has sealed {one} and opened the phase, which rests on it"),
            names => format!("has sealed {} and opened the phase on them", names.join(", ")),
        };
        self.stage.says("gateway", &text);
        Ok(())
    }
}
