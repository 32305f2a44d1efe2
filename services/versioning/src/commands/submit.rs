//! A draft goes to its reviewer, and comes back.

use uuid::Uuid;

use super::Change;
use super::details::Details;
use crate::domain::digest::At;
use crate::domain::error::Error;
use crate::domain::sign_off::SignOffStatus;
use crate::domain::states::VersionState;
use crate::domain::version::Version;

impl Change {
    /// Hands a draft to its reviewer.
    ///
    /// # Errors
    /// The phase takes no change, the version is no draft, or what it holds is out of order.
    pub async fn submit_version(
        &mut self,
        version_id: Uuid,
        etag: Option<&str>,
        notes: Option<String>,
    ) -> Result<Version, Error> {
        self.work.admit()?;
        let before = self.version(version_id, etag).await?;
        before.expect_state(&[VersionState::Draft], "be submitted")?;
        let mut after = before.clone();
        after.state = VersionState::Submitted;
        after.submitted_at = Some(self.work.now());
        after.submitted_by = Some(self.work.actor().user_id);
        if !after.submitters.contains(&self.work.actor().user_id) {
            after.submitters.push(self.work.actor().user_id);
        }
        after.submission_notes = notes;
        let terms = self.terms(&before)?;
        after.content_digest = self.ordered(&before, &terms, At::Submission).await?;
        after.required_sign_offs =
            self.work.row().required_sign_offs(terms.waives_approver).collect();
        let after = self.save(after).await?;
        let reason = after.submission_notes.clone();
        self.record_version(
            "version.submitted",
            reason.as_deref(),
            Some(&before),
            &after,
            Details::default(),
        )?;
        Ok(after)
    }

    /// Takes a submitted version back. Its rulings stay; its sign-offs do not.
    ///
    /// # Errors
    /// The phase takes no change, or the version is not submitted.
    pub async fn withdraw_version(
        &mut self,
        version_id: Uuid,
        etag: Option<&str>,
        notes: Option<&str>,
    ) -> Result<Version, Error> {
        self.work.admit()?;
        let before = self.version(version_id, etag).await?;
        before.expect_state(&[VersionState::Submitted], "be withdrawn")?;
        let mut after = before.clone();
        after.state = VersionState::Draft;
        after.content_digest = None;
        after.required_sign_offs.clear();
        let why = "the version was withdrawn";
        let voided = self.void_of(&before, why, SignOffStatus::is_live).await?;
        let after = self.save(after).await?;
        self.record_version("version.withdrawn", notes, Some(&before), &after, Details::default())?;
        self.record_voided(&voided)?;
        Ok(after)
    }
}
