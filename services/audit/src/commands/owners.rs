//! Data Owner ID: assignments.

use chrono::{DateTime, TimeDelta, Utc};
use signoff_backend::Fault;
use signoff_workflow::Violations;
use uuid::Uuid;

use super::Change;
use crate::domain::assignment::{Assignment, AssignmentType, Ended};
use crate::domain::error::{Error, Kind, Refused};
use crate::store::assignments;

/// By how much the clocks of callers may differ from ours: what is past by less is now.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(5);

/// To put somebody in charge of a line of business.
#[derive(Clone, Debug)]
pub struct AssignDataOwner {
    /// Who.
    pub data_owner_id: i64,
    /// Of what.
    pub lob_id: Uuid,
    /// In which capacity.
    pub assignment_type: AssignmentType,
    /// From when on; from now on, if not given.
    pub effective_from: Option<DateTime<Utc>>,
    /// Until when.
    pub effective_to: Option<DateTime<Utc>>,
    /// Why.
    pub reason: Option<String>,
}

/// To hand an assignment over.
#[derive(Clone, Debug)]
pub struct TransferDataOwner {
    /// Which.
    pub assignment_id: Uuid,
    /// What the caller read.
    pub etag: Option<String>,
    /// To whom.
    pub data_owner_id: i64,
    /// From when on; from now on, if not given.
    pub effective_from: Option<DateTime<Utc>>,
    /// Why.
    pub reason: String,
}

/// To end an assignment without a successor.
#[derive(Clone, Debug)]
pub struct DeactivateDataOwner {
    /// Which.
    pub assignment_id: Uuid,
    /// What the caller read.
    pub etag: Option<String>,
    /// Why.
    pub reason: String,
}

impl Change {
    /// Puts somebody in charge of a line of business.
    ///
    /// # Errors
    /// The line of business has a primary owner in that time, or the person has that charge.
    pub async fn assign_data_owner(&mut self, input: AssignDataOwner) -> Result<Assignment, Error> {
        self.work.admit()?;
        let effective_from = input.effective_from.unwrap_or_else(|| self.work.now());
        if input.effective_to.is_some_and(|to| to <= effective_from) {
            return Err(invalid("effective_to", "is not after effective_from"));
        }
        if effective_from < self.work.now() - CLOCKS_DIFFER && input.reason.is_none() {
            return Err(invalid("change_reason", "is required where effective_from is past"));
        }
        let new = self.new_assignment(
            (input.data_owner_id, input.lob_id, input.assignment_type),
            (effective_from, input.effective_to),
            None,
            input.reason.as_deref(),
        );
        self.expect_room(&new, None).await?;
        let mark = self.mark("created", input.reason.as_deref());
        assignments::insert(self.conn(), mark, &new).await?;
        self.record("data_owner.assigned", new.id, input.reason.as_deref()).await?;
        Ok(new)
    }

    /// Hands an assignment over: it ends, and a new one of the same type points back to it. Gives
    /// the new one, and the old one as it is now.
    ///
    /// # Errors
    /// It ended, or the new owner has that charge already.
    pub async fn transfer_data_owner(
        &mut self,
        input: TransferDataOwner,
    ) -> Result<(Assignment, Assignment), Error> {
        self.work.admit()?;
        let old = self.assignment(input.assignment_id, input.etag.as_deref()).await?;
        old.expect_not_handed_over()?;
        if input.data_owner_id == old.data_owner_id {
            return Err(invalid("data_owner_id", "has this charge already"));
        }
        let now = self.work.now();
        // What the old owner did until now, they did as the owner.
        if input.effective_from.is_some_and(|from| from < now - CLOCKS_DIFFER) {
            return Err(invalid("effective_from", "is past: a hand-over is for now, or for later"));
        }
        let not_before = now.max(old.effective_from);
        let effective_from = input.effective_from.map_or(not_before, |from| from.max(now));
        if effective_from < old.effective_from {
            return Err(invalid("effective_from", "is before the assignment begins"));
        }
        if old.effective_to.is_some_and(|to| to <= effective_from) {
            return Err(invalid("effective_from", "is not before the assignment's end"));
        }
        let reason = Some(input.reason.as_str());
        let new = self.new_assignment(
            (input.data_owner_id, old.lob_id, old.assignment_type),
            (effective_from, old.effective_to),
            Some(old.id),
            reason,
        );
        self.expect_room(&new, Some(old.id)).await?;
        let mark = self.mark("transferred", reason);
        assignments::end(self.conn(), mark, old.id, Ended::Transferred, effective_from).await?;
        let mark = self.mark("created", reason);
        assignments::insert(self.conn(), mark, &new).await?;
        self.record("data_owner.transferred", old.id, reason).await?;
        let last = self.last(old.last.revision + 1, reason);
        let old = Assignment {
            effective_to: Some(effective_from),
            ended: Some(Ended::Transferred),
            last,
            ..old
        };
        Ok((new, old))
    }

    /// Ends an assignment without a successor.
    ///
    /// # Errors
    /// It ended.
    pub async fn deactivate_data_owner(
        &mut self,
        input: DeactivateDataOwner,
    ) -> Result<Assignment, Error> {
        self.work.admit()?;
        let old = self.assignment(input.assignment_id, input.etag.as_deref()).await?;
        // One that has not begun never does.
        let end = self.work.now().max(old.effective_from);
        let reason = Some(input.reason.as_str());
        let mark = self.mark("deactivated", reason);
        assignments::end(self.conn(), mark, old.id, Ended::Deactivated, end).await?;
        self.record("data_owner.deactivated", old.id, reason).await?;
        let last = self.last(old.last.revision + 1, reason);
        Ok(Assignment { effective_to: Some(end), ended: Some(Ended::Deactivated), last, ..old })
    }

    fn new_assignment(
        &self,
        (data_owner_id, lob_id, assignment_type): (i64, Uuid, AssignmentType),
        (effective_from, effective_to): (DateTime<Utc>, Option<DateTime<Utc>>),
        previous_assignment_id: Option<Uuid>,
        reason: Option<&str>,
    ) -> Assignment {
        Assignment {
            id: Uuid::now_v7(),
            data_owner_id,
            lob_id,
            assignment_type,
            effective_from,
            effective_to,
            ended: None,
            previous_assignment_id,
            created_by: self.work.actor().user_id,
            created_at: self.work.now(),
            last: self.last(1, reason),
        }
    }

    /// The assignment that a command names, if it may still be changed.
    async fn assignment(&mut self, id: Uuid, etag: Option<&str>) -> Result<Assignment, Error> {
        let (workflow, now) = (self.workflow(), self.work.now());
        let found = assignments::by_id(self.conn(), workflow, id)
            .await?
            .ok_or_else(|| Error::not_found(Kind::Assignment, id))?;
        found.last.expect_etag(etag)?;
        found.expect_unended(now)?;
        Ok(found)
    }

    /// # Errors
    /// Others are in the way, one that ends for it apart.
    async fn expect_room(&mut self, new: &Assignment, ending: Option<Uuid>) -> Result<(), Error> {
        let workflow = self.workflow();
        let from = new.effective_from;
        let others = assignments::of_lob(self.conn(), workflow, new.lob_id, from).await?;
        let mut in_the_way = Violations::default();
        for other in others
            .iter()
            .filter(|other| Some(other.id) != ending && other.overlaps(from, new.effective_to))
        {
            if other.assignment_type != new.assignment_type {
                continue;
            }
            if other.data_owner_id == new.data_owner_id {
                in_the_way.add(other.id.to_string(), "gives this person this charge already");
            } else if new.assignment_type == AssignmentType::Primary {
                let what = format!(
                    "makes {} the primary owner in that time: transfer it, or end it first",
                    other.data_owner_id
                );
                in_the_way.add(other.id.to_string(), what);
            }
        }
        if in_the_way.is_empty() {
            return Ok(());
        }
        Err(Error::Refused { refused: Refused::AssignmentState, of: in_the_way })
    }
}

fn invalid(field: &str, what: &str) -> Error {
    Fault::Invalid(Violations::one(field, what)).into()
}
