//! What a request is about.

use std::fmt::Display;

use signoff_workflow::{Phase, PhaseTable, Scope, Violations, Workflow};

use super::uuid;
use crate::workflow::v1 as wire;

/// What a request wants to hear about the phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhaseNeed {
    /// It is about one phase.
    Required,
    /// It is about one phase, or about all if none is named.
    Optional,
    /// It is about the whole workflow.
    Refused,
}

/// What a request is about, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestScope {
    /// The workflow.
    pub workflow: Workflow,
    /// The phase, a row of the table; set if it was required.
    pub phase: Option<Phase>,
}

impl RequestScope {
    /// Workflow and phase together, if there is a phase.
    pub fn scope(self) -> Option<Scope> {
        self.phase.map(|phase| Scope { workflow: self.workflow, phase })
    }
}

/// Whether a scope names no workflow: what it is of is then about all of them, or named otherwise.
pub fn is_across(scope: Option<&wire::Scope>) -> bool {
    scope.is_none_or(|scope| scope.cycle_id.is_empty() && scope.report_id.is_empty())
}

/// Checks the scope of a request; `None` if anything in it was noted as wrong.
pub fn scope_from_wire(
    scope: Option<wire::Scope>,
    path: impl Display,
    need: PhaseNeed,
    table: &PhaseTable,
    violations: &mut Violations,
) -> Option<RequestScope> {
    let Some(scope) = scope else {
        violations.add(path.to_string(), "is required");
        return None;
    };
    let cycle_id = uuid(&scope.cycle_id, format_args!("{path}.cycle_id"), violations);
    let report_id = uuid(&scope.report_id, format_args!("{path}.report_id"), violations);

    let before = violations.total();
    let named = Phase::new(scope.phase);
    let phase = (scope.phase != wire::Phase::Unspecified as i32).then_some(named);
    let fault = match (need, phase) {
        (PhaseNeed::Required, None) => Some("is required"),
        (PhaseNeed::Refused, Some(_)) => Some("must be unset: this is about the whole workflow"),
        (PhaseNeed::Required | PhaseNeed::Optional, Some(phase)) if table.get(phase).is_none() => {
            Some("is not a known phase")
        }
        (PhaseNeed::Required, Some(_)) | (PhaseNeed::Optional | PhaseNeed::Refused, _) => None,
    };
    if let Some(fault) = fault {
        violations.add(format!("{path}.phase"), fault);
    }
    let faultless = violations.total() == before;
    let workflow = Workflow { cycle_id: cycle_id?, report_id: report_id? };
    faultless.then_some(RequestScope { workflow, phase })
}

/// A phase of a workflow for the wire.
pub fn scope_to_wire(scope: Scope) -> wire::Scope {
    wire::Scope { phase: scope.phase.number(), ..workflow_to_wire(scope.workflow) }
}

/// A whole workflow for the wire: a scope without a phase.
pub fn workflow_to_wire(workflow: Workflow) -> wire::Scope {
    wire::Scope {
        cycle_id: workflow.cycle_id.to_string(),
        report_id: workflow.report_id.to_string(),
        phase: wire::Phase::Unspecified as i32,
    }
}

#[cfg(test)]
mod tests {
    use ::uuid::Uuid;

    use super::*;

    const WORKFLOW: Workflow =
        Workflow { cycle_id: Uuid::from_u128(7), report_id: Uuid::from_u128(8) };

    fn read(scope: wire::Scope, need: PhaseNeed) -> Result<RequestScope, Vec<String>> {
        let mut violations = Violations::default();
        let table = PhaseTable::standard();
        let read = scope_from_wire(Some(scope), "scope", need, table, &mut violations);
        assert_eq!(read.is_some(), violations.is_empty());
        read.ok_or_else(|| violations.named().iter().map(|v| v.field.clone()).collect())
    }

    #[test]
    fn a_scope_comes_back_as_it_went() {
        let scope = Scope { workflow: WORKFLOW, phase: Phase::SCOPING };
        for need in [PhaseNeed::Required, PhaseNeed::Optional] {
            assert_eq!(read(scope_to_wire(scope), need).unwrap().scope(), Some(scope));
        }
        for need in [PhaseNeed::Refused, PhaseNeed::Optional] {
            let whole = RequestScope { workflow: WORKFLOW, phase: None };
            assert_eq!(read(workflow_to_wire(WORKFLOW), need), Ok(whole));
        }
    }

    #[test]
    fn every_fault_is_named() {
        let nothing = wire::Scope::default();
        assert_eq!(
            read(nothing, PhaseNeed::Required).unwrap_err(),
            ["scope.cycle_id", "scope.report_id", "scope.phase"]
        );
        let with = |phase| wire::Scope { phase, ..workflow_to_wire(WORKFLOW) };
        for unknown in [-1, 10, i32::MAX] {
            assert_eq!(read(with(unknown), PhaseNeed::Optional).unwrap_err(), ["scope.phase"]);
        }
        assert_eq!(read(with(3), PhaseNeed::Refused).unwrap_err(), ["scope.phase"]);
    }

    #[test]
    fn no_scope_at_all_is_one_fault() {
        let mut violations = Violations::default();
        let table = PhaseTable::standard();
        scope_from_wire(None, "scope", PhaseNeed::Required, table, &mut violations);
        assert_eq!(violations.total(), 1);
    }
}
