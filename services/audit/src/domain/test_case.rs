//! One sample with one attribute, and how far it is.

use chrono::{DateTime, Utc};
use signoff_workflow::Workflow;
use uuid::Uuid;

use super::LastChange;
use super::words::words;

words! {
    /// What the latest execution of a test case came to.
    Tested, "state of the latest execution":
    /// There is none.
    None = "none",
    /// It is under way.
    Open = "open",
    /// As expected.
    Pass = "pass",
    /// Not as expected.
    Fail = "fail",
    /// Neither.
    Inconclusive = "inconclusive",
}

words! {
    /// How far a test case is.
    TestCaseState, "test case state":
    /// It has no line of business, or that one has no owner now.
    Unassigned = "unassigned",
    /// It has no usable document.
    AwaitingEvidence = "awaiting_evidence",
    /// It can be tested.
    EvidenceSubmitted = "evidence_submitted",
    /// It is being tested.
    InTest = "in_test",
    /// It was tested on the documents that are current.
    Concluded = "concluded",
    /// The plan has it no more.
    Withdrawn = "withdrawn",
}

/// A test case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestCase {
    /// Its id.
    pub id: Uuid,
    /// The sample.
    pub sample_item_key: String,
    /// The attribute.
    pub attribute_id: Uuid,
    /// The lane, if its sample names one.
    pub lob_id: Option<Uuid>,
    /// How far it is.
    pub state: TestCaseState,
    /// The chain of its documents.
    pub chain_id: Option<Uuid>,
    /// The submission that is current, and the document that it names.
    pub current: Option<(Uuid, Uuid)>,
    /// Its latest execution.
    pub latest_execution_id: Option<Uuid>,
    /// What that came to.
    pub tested: Tested,
    /// Whether documents changed since that began.
    pub stale: bool,
    /// Requests for action without a response.
    pub open_actions: i32,
    /// When it was planned first.
    pub created_at: DateTime<Utc>,
    /// Its last change.
    pub last: LastChange,
}

impl TestCase {
    /// The id of a sample with an attribute in a workflow: always the same, so that a later plan
    /// finds the case again (UUIDv5, RFC 9562).
    pub fn id_of(workflow: Workflow, sample_item_key: &str, attribute_id: Uuid) -> Uuid {
        let of_report = Uuid::new_v5(&workflow.cycle_id, workflow.report_id.as_bytes());
        let of_attribute = Uuid::new_v5(&of_report, attribute_id.as_bytes());
        Uuid::new_v5(&of_attribute, sample_item_key.as_bytes())
    }

    /// Why it is unassigned, if it is.
    pub fn unassigned_reason(&self) -> Option<String> {
        match (self.state == TestCaseState::Unassigned, self.lob_id) {
            (false, _) => None,
            (true, None) => Some(NO_LOB.to_owned()),
            (true, Some(lob)) => {
                Some(format!("line of business {lob} has no primary data owner now: assign one"))
            }
        }
    }
}

/// What is said of a test case whose sample names no line of business.
pub const NO_LOB: &str =
    "its sample names no line of business: revise the sample in Sample Selection, and plan again";

#[cfg(test)]
mod tests {
    use super::*;

    fn case(state: TestCaseState, lob_id: Option<Uuid>) -> TestCase {
        TestCase {
            id: Uuid::nil(),
            sample_item_key: "S-1".to_owned(),
            attribute_id: Uuid::nil(),
            lob_id,
            state,
            chain_id: None,
            current: None,
            latest_execution_id: None,
            tested: Tested::None,
            stale: false,
            open_actions: 0,
            created_at: DateTime::UNIX_EPOCH,
            last: LastChange { revision: 1, by: 1, at: DateTime::UNIX_EPOCH, reason: None },
        }
    }

    #[test]
    fn what_nobody_owns_says_why() {
        let why = |state, lob| case(state, lob).unassigned_reason();
        let lob = Some(Uuid::nil());
        let orphan = why(TestCaseState::Unassigned, lob);
        assert!(orphan.is_some_and(|why| why.contains("no primary data owner")));
        assert_eq!(why(TestCaseState::Unassigned, None).as_deref(), Some(NO_LOB));
        for state in [TestCaseState::Withdrawn, TestCaseState::Concluded] {
            assert_eq!(why(state, lob), None);
        }
    }

    #[test]
    fn ids_are_those_of_sample_and_attribute_in_a_workflow() {
        let workflow = |n| Workflow { cycle_id: Uuid::from_u128(n), report_id: Uuid::from_u128(9) };
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let id = TestCase::id_of(workflow(1), "S-1", a);
        assert_eq!(id, TestCase::id_of(workflow(1), "S-1", a));
        assert_ne!(id, TestCase::id_of(workflow(1), "S-2", a));
        assert_ne!(id, TestCase::id_of(workflow(1), "S-1", b));
        assert_ne!(id, TestCase::id_of(workflow(2), "S-1", a));
    }
}
