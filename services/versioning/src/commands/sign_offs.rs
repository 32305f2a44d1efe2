//! Sign-offs: asked for, given, refused, handed on and voided.

use signoff_backend::{Fault, differing};
use signoff_workflow::{Role, Violations};
use uuid::Uuid;

use super::{Change, not_found};
use crate::domain::digest::{At, Piece, check_order, content_digest};
use crate::domain::error::{Error, Kind};
use crate::domain::metadata::Terms;
use crate::domain::sign_off::{SignOff, SignOffStatus, expect_one_role};
use crate::domain::states::VersionState;
use crate::domain::version::Version;
use crate::store::{sign_offs, standing, versions};

/// Whose signature is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Assignment {
    /// In which role.
    pub role: Role,
    /// Who.
    pub user_id: i64,
}

/// Asks people to sign a submitted version.
#[derive(Debug)]
pub struct RequestSignOffs {
    /// Which.
    pub version_id: Uuid,
    /// Its etag.
    pub etag: Option<String>,
    /// Whom, at most one for each role.
    pub assignments: Vec<Assignment>,
}

/// Signs a version as it stands.
#[derive(Debug)]
pub struct Sign {
    /// By which sign-off.
    pub sign_off_id: Uuid,
    /// The sign-off's etag.
    pub etag: Option<String>,
    /// The signer's words.
    pub comments: Option<String>,
    /// The version's digest, as the signer read it.
    pub content_digest: Option<Vec<u8>>,
}

/// Refuses to sign.
#[derive(Debug)]
pub struct Decline {
    /// Which sign-off.
    pub sign_off_id: Uuid,
    /// Its etag.
    pub etag: Option<String>,
    /// Why.
    pub reason: String,
}

/// Hands a request on to somebody else.
#[derive(Debug)]
pub struct Delegate {
    /// Which sign-off.
    pub sign_off_id: Uuid,
    /// Its etag.
    pub etag: Option<String>,
    /// To whom.
    pub to_user_id: i64,
    /// Why.
    pub reason: String,
}

/// A sign-off that was voided: as it was, and as it is.
pub(super) type Voided = (SignOff, SignOff);

impl Change {
    /// Asks people to sign a submitted version. Who was asked for the role before, and has not
    /// signed, is asked no more.
    ///
    /// # Errors
    /// The phase takes no change, the version is not submitted, needs no such sign-off, or somebody
    /// has signed already.
    pub async fn request_sign_offs(
        &mut self,
        input: RequestSignOffs,
    ) -> Result<Vec<SignOff>, Error> {
        self.work.admit()?;
        let version = self.version(input.version_id, input.etag.as_deref()).await?;
        version.expect_state(&[VersionState::Submitted], "be signed")?;
        let (mut unneeded, mut signed) = (Violations::default(), Violations::default());
        let all = self.sign_offs_of(&version).await?;
        for (i, wanted) in input.assignments.iter().enumerate() {
            if !version.required_sign_offs.contains(&wanted.role) {
                let why = format!("the version needs no sign-off as {}", wanted.role);
                unneeded.add(format!("assignments[{i}].role"), why);
            }
            if let Some(by) = all
                .iter()
                .find(|one| one.role == wanted.role && one.status == SignOffStatus::Signed)
            {
                let why = format!("user {} has signed as {}", by.user_id, by.role);
                signed.add(by.sign_off_id.to_string(), why);
            }
        }
        unneeded.or(()).map_err(Fault::Invalid)?;
        signed.or(()).map_err(Error::SignOffState)?;
        let now = self.work.now();
        let last = all.iter().map(|one| one.sign_off_no).max().unwrap_or(0);
        let mut requested = Vec::with_capacity(input.assignments.len());
        for (sign_off_no, wanted) in (last + 1..).zip(input.assignments) {
            let replaced =
                |one: &SignOff| one.role == wanted.role && one.status == SignOffStatus::Pending;
            let voided = self.void(all.iter().filter(|one| replaced(one)), "asked anew").await?;
            self.record_voided(&voided)?;
            let sign_off = SignOff {
                line_no: version.line_no,
                number: version.number,
                version_id: version.version_id,
                sign_off_no,
                sign_off_id: Uuid::now_v7(),
                role: wanted.role,
                status: SignOffStatus::Pending,
                revision: 1,
                user_id: wanted.user_id,
                requested_by: self.work.actor().user_id,
                requested_at: now,
                delegated: None,
                decided_at: None,
                comments: None,
                content_digest: None,
                voided: None,
            };
            sign_offs::insert(self.conn(), &sign_off).await?;
            self.record_sign_off("sign_off.requested", None, None, &sign_off)?;
            requested.push(sign_off);
        }
        Ok(requested)
    }

    /// Signs a version as it stands.
    ///
    /// # Errors
    /// The phase takes no change, the sign-off is not the actor's or not pending, the actor has
    /// signed for another role, or what they read is not what stands.
    pub async fn sign(&mut self, input: Sign) -> Result<SignOff, Error> {
        self.work.admit()?;
        let before = self.sign_off(input.sign_off_id, input.etag.as_deref()).await?;
        before.expect_signer(self.work.actor())?;
        let version = self.version_of(&before).await?;
        let others = self.sign_offs_of(&version).await?;
        let signed = |one: &&SignOff| {
            one.status == SignOffStatus::Signed && one.sign_off_id != before.sign_off_id
        };
        expect_one_role(self.work.actor().user_id, others.iter().filter(signed))?;
        before.expect_pending()?;
        version.expect_state(&[VersionState::Submitted], "be signed")?;
        let digest = version
            .content_digest
            .ok_or_else(|| Fault::Internal("a version to sign has no digest".to_owned()))?;
        if input.content_digest.is_some_and(|read| read != digest) {
            return Err(Error::DigestMismatch { current: digest });
        }
        let after = SignOff {
            status: SignOffStatus::Signed,
            decided_at: Some(self.work.now()),
            comments: input.comments,
            content_digest: Some(digest),
            ..before.clone()
        };
        let reason = after.comments.clone();
        self.save_sign_off("sign_off.signed", reason.as_deref(), &before, after).await
    }

    /// Refuses to sign.
    ///
    /// # Errors
    /// The phase takes no change, or the sign-off is not the actor's or not pending.
    pub async fn decline(&mut self, input: Decline) -> Result<SignOff, Error> {
        self.work.admit()?;
        let before = self.sign_off(input.sign_off_id, input.etag.as_deref()).await?;
        before.expect_signer(self.work.actor())?;
        before.expect_pending()?;
        let version = self.version_of(&before).await?;
        version.expect_state(&[VersionState::Submitted], "be signed")?;
        let after = SignOff {
            status: SignOffStatus::Rejected,
            decided_at: Some(self.work.now()),
            comments: Some(input.reason.clone()),
            ..before.clone()
        };
        self.save_sign_off("sign_off.declined", Some(&input.reason), &before, after).await
    }

    /// Hands a request on to somebody else.
    ///
    /// # Errors
    /// The phase takes no change, the sign-off is not the actor's or not pending, or the other one is
    /// the actor, or was asked for another role of the version.
    pub async fn delegate(&mut self, input: Delegate) -> Result<SignOff, Error> {
        self.work.admit()?;
        let before = self.sign_off(input.sign_off_id, input.etag.as_deref()).await?;
        before.expect_signer(self.work.actor())?;
        if input.to_user_id == self.work.actor().user_id {
            let violations =
                Violations::one("to_user_id", "is you: nobody delegates to themselves");
            return Err(Fault::Invalid(violations).into());
        }
        let version = self.version_of(&before).await?;
        let others = self.sign_offs_of(&version).await?;
        let live = |one: &&SignOff| one.status.is_live() && one.sign_off_id != before.sign_off_id;
        expect_one_role(input.to_user_id, others.iter().filter(live))?;
        before.expect_pending()?;
        version.expect_state(&[VersionState::Submitted], "be signed")?;
        let after = SignOff {
            user_id: input.to_user_id,
            delegated: Some((before.user_id, input.reason.clone())),
            ..before.clone()
        };
        self.save_sign_off("sign_off.delegated", Some(&input.reason), &before, after).await
    }

    /// What a version says of its own approval.
    pub(super) fn terms(&self, version: &Version) -> Result<Terms, Error> {
        Terms::of(self.work.row().payload.unwrap_or_default(), version.stored_metadata())
            .map_err(|error| Fault::Internal(error.to_string()).into())
    }

    /// Checks the order of what the open version holds, and gives its digest, where the phase has
    /// either.
    ///
    /// # Errors
    /// [`Error::OutOfOrder`] names what is.
    pub(super) async fn ordered(
        &mut self,
        version: &Version,
        terms: &Terms,
        at: At,
    ) -> Result<Option<Vec<u8>>, Error> {
        let kind = self.work.row().payload.unwrap_or_default();
        let ordered = self.payloads.spec(kind).is_ok_and(|spec| spec.is_ordered());
        if self.work.row().sign_offs.is_empty() && !ordered && terms.shown_items.is_empty() {
            return Ok(None);
        }
        let pieces = self.pieces(version).await?;
        check_order(&pieces, &terms.shown_items, at).map_err(Error::OutOfOrder)?;
        Ok((!self.work.row().sign_offs.is_empty()).then(|| digest(version, &pieces)))
    }

    /// Takes up what rulings did to the content that is signed: the digest is that of what stands
    /// now, and signatures under something else are voided.
    pub(super) async fn rebind(
        &mut self,
        before: &Version,
        after: &mut Version,
        modified: bool,
    ) -> Result<Vec<Voided>, Error> {
        if self.work.row().sign_offs.is_empty() {
            return Ok(Vec::new());
        }
        let pieces = self.pieces(before).await?;
        after.content_digest = Some(digest(before, &pieces));
        let why = if modified {
            "the reviewer changed what is signed"
        } else if after.content_digest != before.content_digest {
            "a ruling changed what is signed"
        } else {
            return Ok(Vec::new());
        };
        self.void_of(before, why, |status| status == SignOffStatus::Signed).await
    }

    /// Voids those of a version's sign-offs that have such a status.
    pub(super) async fn void_of(
        &mut self,
        version: &Version,
        why: &str,
        which: impl Fn(SignOffStatus) -> bool,
    ) -> Result<Vec<Voided>, Error> {
        if self.work.row().sign_offs.is_empty() {
            return Ok(Vec::new());
        }
        let all = self.sign_offs_of(version).await?;
        self.void(all.iter().filter(|one| which(one.status)), why).await
    }

    async fn void(
        &mut self,
        which: impl Iterator<Item = &SignOff>,
        why: &str,
    ) -> Result<Vec<Voided>, Error> {
        let now = self.work.now();
        let mut voided = Vec::new();
        for before in which {
            let after = SignOff {
                status: SignOffStatus::Voided,
                revision: before.revision + 1,
                voided: Some((now, why.to_owned())),
                ..before.clone()
            };
            sign_offs::save(self.conn(), &after).await?;
            voided.push((before.clone(), after));
        }
        Ok(voided)
    }

    /// Adds a record for each sign-off that was voided.
    pub(super) fn record_voided(&mut self, voided: &[Voided]) -> Result<(), Error> {
        for (before, after) in voided {
            let why = after.voided.as_ref().map(|(_, why)| why.as_str());
            self.record_sign_off("sign_off.voided", why, Some(before), after)?;
        }
        Ok(())
    }

    /// All sign-offs of a version.
    pub(super) async fn sign_offs_of(&mut self, version: &Version) -> Result<Vec<SignOff>, Error> {
        let (line_no, number) = (version.line_no, version.number);
        sign_offs::of_version(self.conn(), line_no, number, 0, i64::MAX).await
    }

    async fn pieces(&mut self, version: &Version) -> Result<Vec<Piece>, Error> {
        let (payloads, kind) = (self.payloads.clone(), self.work.row().payload.unwrap_or_default());
        standing::pieces(self.conn(), version, &payloads, kind).await
    }

    /// The sign-off that a command names, if it may be seen in this scope.
    async fn sign_off(&mut self, id: Uuid, etag: Option<&str>) -> Result<SignOff, Error> {
        let (scope, row) = (self.work.scope(), self.work.row().clone());
        let sign_off = sign_offs::by_id(self.conn(), scope, &row, id)
            .await?
            .ok_or_else(|| not_found(Kind::SignOff, id))?;
        sign_off.expect_etag(etag)?;
        Ok(sign_off)
    }

    async fn version_of(&mut self, sign_off: &SignOff) -> Result<Version, Error> {
        let scope = self.work.scope();
        versions::by_number(self.conn(), scope, sign_off.line_no, sign_off.number).await
    }

    async fn save_sign_off(
        &mut self,
        action: &'static str,
        reason: Option<&str>,
        before: &SignOff,
        mut after: SignOff,
    ) -> Result<SignOff, Error> {
        after.revision += 1;
        sign_offs::save(self.conn(), &after).await?;
        self.record_sign_off(action, reason, Some(before), &after)?;
        Ok(after)
    }

    fn record_sign_off(
        &mut self,
        action: &'static str,
        reason: Option<&str>,
        before: Option<&SignOff>,
        after: &SignOff,
    ) -> Result<(), Error> {
        let always = ["version_id", "role", "status"];
        let (old, new) = match before {
            Some(before) => {
                let (old, new) = differing(before.summary(), after.summary(), &always);
                (Some(old), new)
            }
            None => (None, after.summary()),
        };
        let (slug, subject) = (self.work.row().slug, subject(after.sign_off_id));
        Ok(self.work.record_in(slug, action, subject, reason, (old, Some(new)), Vec::new())?)
    }
}

/// What the trail calls a sign-off: no version's id, and no phase.
pub(crate) fn subject(sign_off_id: Uuid) -> String {
    format!("sign_off:{sign_off_id}")
}

fn digest(version: &Version, pieces: &[Piece]) -> Vec<u8> {
    content_digest(version.metadata.as_ref(), version.phase_data.as_ref(), pieces).to_vec()
}
