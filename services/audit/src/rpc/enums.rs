//! Enumerations: numbers on the wire, words in the domain.

use std::fmt::Display;

use signoff_contract::audit::v1 as wire;
use signoff_workflow::Violations;

use crate::domain::action::{ActionType, ResponseStatus, TimelineImpact};
use crate::domain::assignment::{AssignmentStatus, AssignmentType};
use crate::domain::document::{DocumentStatus, SubmissionType};
use crate::domain::execution::ExecutionResult;
use crate::domain::history::SubjectType;
use crate::domain::test_case::TestCaseState;

/// An enumeration that has numbers on the wire, and one for "unspecified".
pub(super) trait WireEnum: Copy + Sized {
    /// The value of a number; nothing within for the unspecified one, nothing at all for one that
    /// is not known.
    fn of_number(number: i32) -> Option<Option<Self>>;

    /// Its number.
    fn number(self) -> i32;
}

macro_rules! wire_enum {
    ($name:ident { $($variant:ident),+ $(,)? }) => {
        impl WireEnum for $name {
            fn of_number(number: i32) -> Option<Option<Self>> {
                Some(match wire::$name::try_from(number).ok()? {
                    wire::$name::Unspecified => None,
                    $(wire::$name::$variant => Some(Self::$variant),)+
                })
            }

            fn number(self) -> i32 {
                let value = match self {
                    $(Self::$variant => wire::$name::$variant,)+
                };
                value.into()
            }
        }
    };
}

wire_enum!(AssignmentType { Primary, Backup, Delegate });
wire_enum!(AssignmentStatus { Active, Inactive, Transferred });
wire_enum!(TestCaseState {
    Unassigned,
    AwaitingEvidence,
    EvidenceSubmitted,
    InTest,
    Concluded,
    Withdrawn,
});
wire_enum!(SubmissionType { Initial, Revision, Supplemental });
wire_enum!(DocumentStatus { PendingReview, Accepted, Rejected, RevisionRequested });
wire_enum!(ExecutionResult { Pass, Fail, Inconclusive });
wire_enum!(ActionType { DocumentRequest, DataUpdateRequest, TestRerun });
wire_enum!(ResponseStatus { Fulfilled, Rejected, Partial });
wire_enum!(TimelineImpact { None, MinorDelay, MajorDelay });
wire_enum!(SubjectType { Assignment, TestPlan, TestCase, Document, Execution, Action, Record });

/// A value that must be given.
pub(super) fn required<E: WireEnum>(
    number: i32,
    path: impl Display,
    violations: &mut Violations,
) -> Option<E> {
    match optional(number, &path, violations) {
        Some(None) => {
            violations.add(path.to_string(), "is required");
            None
        }
        given => given.flatten(),
    }
}

/// A value that may be left out; nothing at all if it is noted as wrong.
pub(super) fn optional<E: WireEnum>(
    number: i32,
    path: impl Display,
    violations: &mut Violations,
) -> Option<Option<E>> {
    let read = E::of_number(number);
    if read.is_none() {
        violations.add(path.to_string(), "is not a known value");
    }
    read
}

/// Values of a filter.
pub(super) fn several<E: WireEnum>(
    numbers: &[i32],
    path: &str,
    violations: &mut Violations,
) -> Vec<E> {
    let read = numbers
        .iter()
        .enumerate()
        .map(|(i, number)| required(*number, format_args!("{path}[{i}]"), violations));
    read.flatten().collect()
}
