//! A version is approved, rejected or given up.

use signoff_backend::Fault;
use signoff_workflow::{Role, Violations};
use uuid::Uuid;

use super::Change;
use super::details::Details;
use crate::domain::digest::At;
use crate::domain::error::Error;
use crate::domain::metadata::Terms;
use crate::domain::sign_off::{SignOffStatus, expect_signed};
use crate::domain::states::VersionState;
use crate::domain::version::Version;
use crate::store::{artifacts, makers, versions};

impl Change {
    /// Approves a submitted version, supersedes the one approved before, and registers what it
    /// stands for.
    ///
    /// # Errors
    /// The phase takes no change, the actor made the version or is not who approves it, it is not
    /// submitted, decisions in it are pending or none is approved, what stands in it is out of order,
    /// or sign-offs are missing.
    pub async fn approve_version(
        &mut self,
        version_id: Uuid,
        etag: Option<&str>,
        notes: Option<String>,
    ) -> Result<Version, Error> {
        self.work.admit()?;
        let before = self.version(version_id, etag).await?;
        let terms = self.terms(&before)?;
        self.expect_approver(&before, &terms, "approve the version")?;
        self.expect_checker(&before)?;
        before.expect_state(&[VersionState::Submitted], "be approved")?;
        let counts = &before.counts;
        if counts.pending + counts.proposed > 0 {
            return Err(Error::Pending {
                version_id,
                pending: counts.pending,
                unconfirmed: counts.proposed,
            });
        }
        if counts.approved + counts.modified == 0 {
            return Err(Error::NothingApproved { version_id });
        }
        let digest = self.ordered(&before, &terms, At::Approval).await?;
        if digest != before.content_digest {
            return Err(Fault::Internal("the digest is not that of what stands".to_owned()).into());
        }
        if !before.required_sign_offs.is_empty() {
            let all = self.sign_offs_of(&before).await?;
            expect_signed(&before.required_sign_offs, &all, digest.as_deref())?;
        }
        let mut after = before.clone();
        after.state = VersionState::Approved;
        after.reviewed_at = Some(self.work.now());
        after.reviewed_by = Some(self.work.actor().user_id);
        after.review_notes = notes;
        let (line_no, actor) = (before.line_no, self.work.actor().user_id);
        // Where makers may approve, whoever put anything of it forward is one, too.
        after.self_approved = before.is_made_by(actor)
            || self.work.row().self_approval
                && makers::made_any(self.conn(), line_no, actor).await?;
        after.updated_at = self.work.now();
        after.approved_version_id = Some(version_id);
        let (scope, row) = (self.work.scope(), self.work.row().clone());
        let old = versions::current(self.conn(), scope, &row).await?;
        versions::supersede(self.conn(), &after).await?;
        let after = self.save(after).await?;
        if let Some(artifact_type) = row.artifact_type {
            artifacts::register(self.conn(), &after, &row, artifact_type).await?;
        }
        let reason = after.review_notes.clone();
        self.record_version(
            "version.approved",
            reason.as_deref(),
            Some(&before),
            &after,
            Details::default(),
        )?;
        if let Some(old) = old {
            let superseded = self.read_back(&old).await?;
            let details = Details::default();
            self.record_version("version.superseded", None, Some(&old), &superseded, details)?;
        }
        Ok(after)
    }

    /// Closes a submitted version: how a reviewer asks for changes.
    ///
    /// # Errors
    /// The phase takes no change, the actor made the version or is not who approves it, or it is not
    /// submitted.
    pub async fn reject_version(
        &mut self,
        version_id: Uuid,
        etag: Option<&str>,
        notes: String,
    ) -> Result<Version, Error> {
        self.work.admit()?;
        let before = self.version(version_id, etag).await?;
        let terms = self.terms(&before)?;
        self.expect_approver(&before, &terms, "reject the version")?;
        self.expect_checker(&before)?;
        before.expect_state(&[VersionState::Submitted], "be rejected")?;
        let mut after = before.clone();
        after.state = VersionState::Rejected;
        after.reviewed_at = Some(self.work.now());
        after.reviewed_by = Some(self.work.actor().user_id);
        after.review_notes = Some(notes.clone());
        // Nobody is asked any more. What was signed stays signed.
        let pending = |status| status == SignOffStatus::Pending;
        let voided = self.void_of(&before, "the version was rejected", pending).await?;
        let after = self.save(after).await?;
        self.record_version(
            "version.rejected",
            Some(&notes),
            Some(&before),
            &after,
            Details::default(),
        )?;
        self.record_voided(&voided)?;
        Ok(after)
    }

    /// Gives a draft or rejected version up; it stays readable.
    ///
    /// # Errors
    /// The phase takes no change, or the version is neither draft nor rejected.
    pub async fn delete_version(
        &mut self,
        version_id: Uuid,
        etag: Option<&str>,
        reason: String,
    ) -> Result<Version, Error> {
        self.work.admit()?;
        let before = self.version(version_id, etag).await?;
        before.expect_state(&[VersionState::Draft, VersionState::Rejected], "be deleted")?;
        let mut after = before.clone();
        after.state = VersionState::Deleted;
        after.deleted_at = Some(self.work.now());
        after.deleted_by = Some(self.work.actor().user_id);
        after.delete_reason = Some(reason.clone());
        let after = self.save(after).await?;
        self.record_version(
            "version.deleted",
            Some(&reason),
            Some(&before),
            &after,
            Details::default(),
        )?;
        Ok(after)
    }

    /// # Errors
    /// The actor does not hold the role that rules and approves in a version of such terms.
    pub(super) fn expect_approver(
        &self,
        version: &Version,
        terms: &Terms,
        what: &'static str,
    ) -> Result<(), Error> {
        if self.work.actor().approves_in(self.work.row(), terms.waives_approver) {
            return Ok(());
        }
        let approver =
            self.work.row().approver_of(terms.waives_approver).map_or("nobody", Role::name);
        let why = format!("is for its approver: {approver}");
        let ids = Violations::one(version.version_id.to_string(), why);
        Err(Error::RoleMissing { what, ids })
    }

    /// # Errors
    /// The actor created or submitted the version, and the phase does not allow that.
    fn expect_checker(&self, version: &Version) -> Result<(), Error> {
        if !self.work.row().self_approval && version.is_made_by(self.work.actor().user_id) {
            return Err(Error::MakerIsChecker {
                what: "version",
                ids: Violations::one(version.version_id.to_string(), "you created or submitted it"),
            });
        }
        Ok(())
    }
}
