//! Who answers for which line of business (seed 002, part E).

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::LastChange;
use super::error::{Error, Refused};
use super::words::words;

words! {
    /// In which capacity.
    AssignmentType, "assignment type":
    /// The one who answers for the lane: at most one at any moment.
    Primary = "primary",
    /// Who stands in.
    Backup = "backup",
    /// Whom the owner sends.
    Delegate = "delegate",
}

words! {
    /// How an assignment ended, if somebody ended it.
    Ended, "end of an assignment":
    /// Somebody else took over.
    Transferred = "transferred",
    /// Nobody did.
    Deactivated = "deactivated",
}

words! {
    /// Whether an assignment counts at a moment.
    AssignmentStatus, "assignment status":
    /// It does.
    Active = "active",
    /// Not yet, not any more, or it was deactivated.
    Inactive = "inactive",
    /// Somebody else took over.
    Transferred = "transferred",
}

/// Somebody's charge of a line of business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Its id.
    pub id: Uuid,
    /// Who.
    pub data_owner_id: i64,
    /// Of what.
    pub lob_id: Uuid,
    /// In which capacity.
    pub assignment_type: AssignmentType,
    /// From when on it counts.
    pub effective_from: DateTime<Utc>,
    /// From when on it does not.
    pub effective_to: Option<DateTime<Utc>>,
    /// How it ended.
    pub ended: Option<Ended>,
    /// The one that it took over.
    pub previous_assignment_id: Option<Uuid>,
    /// Who made it.
    pub created_by: i64,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Its last change.
    pub last: LastChange,
}

impl Assignment {
    /// Whether it counts at a moment: by its dates alone, so that one which was handed over for
    /// tomorrow counts until then.
    pub fn status(&self, now: DateTime<Utc>) -> AssignmentStatus {
        let begun = self.effective_from <= now;
        match (self.effective_to, self.ended) {
            (Some(to), Some(Ended::Transferred)) if to <= now => AssignmentStatus::Transferred,
            (Some(to), _) if to <= now => AssignmentStatus::Inactive,
            (Some(_) | None, _) if begun => AssignmentStatus::Active,
            (Some(_) | None, _) => AssignmentStatus::Inactive,
        }
    }

    /// # Errors
    /// Its time is over, or somebody ended it for good.
    pub fn expect_unended(&self, now: DateTime<Utc>) -> Result<(), Error> {
        let over = self.effective_to.is_some_and(|to| to <= now);
        let what = match self.ended {
            Some(Ended::Deactivated) => "was deactivated: assign an owner anew",
            Some(Ended::Transferred) if over => "was handed over: change the one that took over",
            None if over => "is over: assign an owner anew",
            Some(Ended::Transferred) | None => return Ok(()),
        };
        Err(Error::refused(Refused::AssignmentState, self.id, what))
    }

    /// # Errors
    /// It was handed over already, be it for later.
    pub fn expect_not_handed_over(&self) -> Result<(), Error> {
        if self.ended != Some(Ended::Transferred) {
            return Ok(());
        }
        let what = "is handed over already: deactivate the one that takes over, or this one";
        Err(Error::refused(Refused::AssignmentState, self.id, what))
    }

    /// Whether the periods of two assignments have a moment in common.
    pub fn overlaps(&self, from: DateTime<Utc>, to: Option<DateTime<Utc>>) -> bool {
        self.effective_to.is_none_or(|end| end > from && end > self.effective_from)
            && to.is_none_or(|to| to > self.effective_from && to > from)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hour)
    }

    fn assignment(from: i64, to: Option<i64>, ended: Option<Ended>) -> Assignment {
        Assignment {
            id: Uuid::nil(),
            data_owner_id: 1,
            lob_id: Uuid::nil(),
            assignment_type: AssignmentType::Primary,
            effective_from: at(from),
            effective_to: to.map(at),
            ended,
            previous_assignment_id: None,
            created_by: 2,
            created_at: at(0),
            last: LastChange { revision: 1, by: 2, at: at(0), reason: None },
        }
    }

    #[test]
    fn a_status_follows_from_the_dates() {
        use AssignmentStatus::{Active, Inactive, Transferred};
        let cases = [
            (assignment(1, None, None), [Inactive, Active, Active]),
            (assignment(1, Some(2), None), [Inactive, Active, Inactive]),
            (assignment(1, Some(2), Some(Ended::Transferred)), [Inactive, Active, Transferred]),
            (assignment(1, Some(2), Some(Ended::Deactivated)), [Inactive, Active, Inactive]),
            // Given up before it began.
            (assignment(1, Some(1), Some(Ended::Deactivated)), [Inactive, Inactive, Inactive]),
        ];
        for (assignment, expected) in cases {
            let told = [0, 1, 2].map(|hour| assignment.status(at(hour)));
            assert_eq!(told, expected, "{assignment:?}");
        }
    }

    #[test]
    fn only_one_that_has_not_ended_is_changed() {
        assert!(assignment(1, None, None).expect_unended(at(5)).is_ok());
        assert!(assignment(1, Some(9), None).expect_unended(at(5)).is_ok());
        assert!(assignment(1, Some(5), None).expect_unended(at(5)).is_err());
        // Handed over for later: it may end before, but is not handed over again.
        let handed_over = assignment(1, Some(9), Some(Ended::Transferred));
        assert!(handed_over.expect_unended(at(5)).is_ok());
        assert!(handed_over.expect_unended(at(9)).is_err());
        assert!(handed_over.expect_not_handed_over().is_err());
        assert!(assignment(1, Some(9), None).expect_not_handed_over().is_ok());
    }

    #[test]
    fn periods_that_touch_do_not_overlap() {
        let one = assignment(1, Some(3), None);
        assert!(one.overlaps(at(2), None) && one.overlaps(at(0), Some(at(2))));
        assert!(!one.overlaps(at(3), None) && !one.overlaps(at(0), Some(at(1))));
        assert!(!one.overlaps(at(2), Some(at(2))));
        let never = assignment(2, Some(2), Some(Ended::Deactivated));
        assert!(!never.overlaps(at(0), None));
        assert!(assignment(1, None, None).overlaps(at(0), Some(at(2))));
    }
}
