//! What every command is about.

use std::fmt;

use uuid::Uuid;

use crate::Phase;

/// Namespace of the line ids: UUIDv5 (RFC 9562) of "signoff/line" in the URL namespace.
const LINE_NAMESPACE: Uuid = Uuid::from_u128(0x2dd7_2de1_729f_5404_88f9_8c3b_47ae_fabb);

/// One report in one test cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Workflow {
    /// The test cycle.
    pub cycle_id: Uuid,
    /// The report under test.
    pub report_id: Uuid,
}

impl fmt::Display for Workflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.cycle_id, self.report_id)
    }
}

/// One phase of one workflow: what every command is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    /// The workflow.
    pub workflow: Workflow,
    /// The phase.
    pub phase: Phase,
}

impl Scope {
    /// The id of the scope's line of versions (the seeds' master record): the same for ever,
    /// and known before the line exists.
    pub fn line_id(&self) -> Uuid {
        let mut name = [0_u8; 36];
        name[..16].copy_from_slice(self.workflow.cycle_id.as_bytes());
        name[16..32].copy_from_slice(self.workflow.report_id.as_bytes());
        name[32..].copy_from_slice(&self.phase.number().to_be_bytes());
        Uuid::new_v5(&LINE_NAMESPACE, &name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_id_is_the_same_for_ever() {
        let scope = Scope {
            workflow: Workflow { cycle_id: Uuid::from_u128(1), report_id: Uuid::from_u128(2) },
            phase: Phase::SAMPLE_SELECTION,
        };
        assert_eq!(scope.line_id(), scope.line_id());
        assert_eq!(scope.line_id().get_version_num(), 5);
        assert_ne!(scope.line_id(), Scope { phase: Phase::SCOPING, ..scope }.line_id());
    }

    #[test]
    fn a_workflow_is_named_by_its_two_ids() {
        let workflow = Workflow { cycle_id: Uuid::from_u128(1), report_id: Uuid::from_u128(2) };
        let name = "00000000-0000-0000-0000-000000000001/00000000-0000-0000-0000-000000000002";
        assert_eq!(workflow.to_string(), name);
    }
}
