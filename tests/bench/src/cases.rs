//! Test cases to plan, and what becomes of them: ten attributes of each sample, in three lines of
//! business.

use signoff_contract::audit::v1 as wire;
use signoff_tests::lanes::LOBS;
use signoff_workflow::Workflow;
use uuid::Uuid;

use crate::data::Sample;

/// How many attributes each sample is tested for.
pub const ATTRIBUTES: u32 = 10;

/// What a tester says of a document, and why a test case passes.
pub const NOTES: &str = "all pages are there and legible";
/// What was expected, found and tolerated.
pub const COMPARED: [&str; 3] = ["credit limit 10,000.00", "credit limit 10,000.00", "0.005"];
/// Of which type a document is, what its file is called, and the file's own type and size.
pub const DOCUMENT: (&str, &str, &str, i64) =
    ("account statement", "statement-2026-11.pdf", "application/pdf", 48_213);
/// The hash of a document's content.
pub const CONTENT: [u8; 32] = [7; 32];

/// A test case with a number.
#[derive(Clone, Copy, Debug)]
pub struct Case(u32);

impl Case {
    /// The first test cases.
    pub fn first(many: u32) -> Vec<Self> {
        (0..many).map(Self).collect()
    }

    /// The sample.
    pub fn key(self) -> String {
        Sample::new(self.0 / ATTRIBUTES).key()
    }

    /// The attribute, from 0 on.
    pub fn attribute_no(self) -> usize {
        usize::try_from(self.0 % ATTRIBUTES).unwrap_or_default()
    }

    /// The attribute.
    pub fn attribute(self) -> Uuid {
        Uuid::from_u128(0xface_0000 + u128::from(self.0 % ATTRIBUTES))
    }

    /// The sample's line of business.
    pub fn lob(self) -> Uuid {
        LOBS[usize::try_from(self.0 / ATTRIBUTES % 3).unwrap_or_default()]
    }

    /// The id that it has in a workflow.
    pub fn id(self, workflow: Workflow) -> Uuid {
        let id_of = signoff_audit::domain::test_case::TestCase::id_of;
        id_of(workflow, &self.key(), self.attribute())
    }

    /// As it is planned.
    pub fn planned(self) -> wire::PlannedCase {
        wire::PlannedCase {
            sample_item_key: self.key(),
            attribute_id: self.attribute().to_string(),
            lob_id: self.lob().to_string(),
        }
    }
}
