//! The rule of one method, and what it says of a caller.

use std::fmt;

use signoff_workflow::{PhaseRow, Role};

/// Who may call a method: whoever any of its parts lets pass. Nothing else does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodRule {
    /// Holders of any one of these roles: on the scope's report or everywhere, as the role is
    /// held.
    pub roles: Vec<Role>,
    /// Whoever approves in the scope's phase.
    pub phase_approver: bool,
    /// Whoever approves in the scope's phase, where approvers add items of their own.
    pub phase_contributor: bool,
    /// Whoever holds a role on the scope's report.
    pub members: bool,
    /// The request has no scope: only roles that are held everywhere count.
    pub no_scope: bool,
    /// Whoever owns the data in question: no claim says so, the service looks it up.
    pub data_owner: bool,
    /// Anybody whose token is believed: the service answers only what they may see.
    pub anybody: bool,
    /// The request may be about no workflow: then only roles that are held everywhere count.
    pub scope_optional: bool,
}

impl MethodRule {
    /// Whether it can let anybody pass at all, and is consistent.
    pub(super) fn lets_somebody_pass(&self) -> bool {
        let by_report =
            self.members || self.phase_approver || self.phase_contributor || self.data_owner;
        if self.anybody {
            // Who is a member of what is known only where there is a scope.
            return self.no_scope && !by_report && self.roles.is_empty();
        }
        if self.scope_optional {
            // Somebody must be let pass without it.
            return !self.no_scope && self.roles.iter().any(|role| !role.is_held_on_a_report());
        }
        if self.no_scope {
            // On no report nobody holds a role: such parts could never apply.
            !by_report
                && !self.roles.is_empty()
                && !self.roles.iter().any(|role| role.is_held_on_a_report())
        } else {
            by_report || !self.roles.is_empty()
        }
    }
}

/// Names those who may, in words: "tester, test_lead, whoever approves in the phase".
impl fmt::Display for MethodRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let others = [
            (self.phase_approver, "whoever approves in the phase"),
            (
                self.phase_contributor,
                "whoever approves in the phase and may add items of their own",
            ),
            (self.members, "members of the workflow"),
            (self.data_owner, "data owners of the lane"),
            (self.anybody, "anybody with a token"),
        ];
        let roles = self.roles.iter().map(|role| role.name());
        let others = others.into_iter().filter_map(|(applies, who)| applies.then_some(who));
        for (i, who) in roles.chain(others).enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            f.write_str(who)?;
        }
        Ok(())
    }
}

/// Whether a rule lets a caller pass because of a role.
///
/// Roles that are held on a report count only from `caller_on_report` (the roles on the very
/// report that the request is about), the others only from `caller_everywhere`. `row` is the phase
/// that the request is about, if it is about one.
pub fn permits(
    rule: &MethodRule,
    caller_everywhere: &[Role],
    caller_on_report: &[Role],
    row: Option<&PhaseRow>,
) -> bool {
    if rule.anybody {
        return true;
    }
    if rule.roles.iter().any(|role| !role.is_held_on_a_report() && caller_everywhere.contains(role))
    {
        return true;
    }
    if rule.no_scope {
        return false;
    }
    caller_on_report.iter().filter(|role| role.is_held_on_a_report()).any(|role| {
        let approves = row.is_some_and(|row| row.approves(*role));
        rule.members
            || rule.roles.contains(role)
            || (rule.phase_approver && approves)
            || (rule.phase_contributor
                && approves
                && row.is_some_and(|row| row.approver_contributes))
    })
}

#[cfg(test)]
mod tests {
    use signoff_workflow::{Phase, PhaseTable};

    use super::*;

    const NOBODY: MethodRule = MethodRule {
        roles: Vec::new(),
        phase_approver: false,
        phase_contributor: false,
        members: false,
        no_scope: false,
        data_owner: false,
        anybody: false,
        scope_optional: false,
    };

    fn row(phase: Phase) -> Option<&'static PhaseRow> {
        PhaseTable::standard().get(phase)
    }

    #[test]
    fn nobody_passes_by_default() {
        for role in Role::ALL {
            assert!(!permits(&NOBODY, &[role], &[role], row(Phase::PLANNING)));
        }
    }

    #[test]
    fn a_role_counts_only_where_it_is_held() {
        for role in Role::ALL {
            let rule = MethodRule { roles: vec![role], ..NOBODY };
            let on_report = role.is_held_on_a_report();
            assert_eq!(permits(&rule, &[], &[role], None), on_report, "{role} on the report");
            assert_eq!(permits(&rule, &[role], &[], None), !on_report, "{role} everywhere");
        }
    }

    #[test]
    fn members_hold_a_role_on_the_report() {
        let rule = MethodRule { members: true, ..NOBODY };
        for role in Role::ALL {
            assert_eq!(permits(&rule, &[role], &[role], None), role.is_held_on_a_report());
            assert!(!permits(&rule, &[role], &[], None));
        }
    }

    #[test]
    fn the_approver_is_the_phases_own() {
        let rule = MethodRule { phase_approver: true, ..NOBODY };
        assert!(permits(&rule, &[], &[Role::Tester], row(Phase::PLANNING)));
        assert!(permits(&rule, &[], &[Role::TestLead], row(Phase::PLANNING)));
        assert!(!permits(&rule, &[], &[Role::Tester], row(Phase::SCOPING)));
        assert!(permits(&rule, &[], &[Role::ReportOwner], row(Phase::SCOPING)));
        assert!(!permits(&rule, &[Role::ReportOwner], &[], row(Phase::SCOPING)));
        assert!(!permits(&rule, &[], &[Role::ReportOwner], row(Phase::DATA_OWNER_ID)));
        assert!(!permits(&rule, &[], &[Role::ReportOwner], None));
    }

    #[test]
    fn contributors_are_approvers_where_the_phase_lets_them() {
        let rule = MethodRule { phase_contributor: true, ..NOBODY };
        assert!(permits(&rule, &[], &[Role::ReportOwner], row(Phase::SAMPLE_SELECTION)));
        assert!(!permits(&rule, &[], &[Role::ReportOwner], row(Phase::SCOPING)));
        assert!(!permits(&rule, &[], &[Role::Tester], row(Phase::SAMPLE_SELECTION)));
    }

    #[test]
    fn without_a_scope_no_role_on_a_report_counts() {
        let rule = MethodRule {
            roles: vec![Role::Service, Role::Tester],
            members: true,
            no_scope: true,
            ..NOBODY
        };
        assert!(permits(&rule, &[Role::Service], &[], None));
        assert!(!permits(&rule, &[], &[Role::Tester], None));
        assert!(!rule.lets_somebody_pass());
    }

    #[test]
    fn where_the_scope_is_optional_somebody_may_without_it() {
        let rule = MethodRule {
            roles: vec![Role::Auditor],
            members: true,
            scope_optional: true,
            ..NOBODY
        };
        assert!(rule.lets_somebody_pass());
        assert!(permits(&rule, &[Role::Auditor], &[], None));
        assert!(!permits(&rule, &[Role::Tester], &[], None));
        let odd = [
            MethodRule { no_scope: true, ..rule.clone() },
            MethodRule { roles: vec![], ..rule.clone() },
            MethodRule { roles: vec![Role::Tester], ..rule },
        ];
        assert!(odd.iter().all(|rule| !rule.lets_somebody_pass()));
    }

    #[test]
    fn what_is_for_anybody_has_no_scope_and_names_nobody() {
        let rule = MethodRule { anybody: true, no_scope: true, ..NOBODY };
        assert!(rule.lets_somebody_pass() && permits(&rule, &[], &[], None));
        let odd = [
            MethodRule { no_scope: false, ..rule.clone() },
            MethodRule { members: true, ..rule.clone() },
            MethodRule { roles: vec![Role::Admin], ..rule },
        ];
        assert!(odd.iter().all(|rule| !rule.lets_somebody_pass()));
    }

    #[test]
    fn a_rule_says_whom_it_lets_pass() {
        let rule = MethodRule { roles: vec![Role::Auditor], members: true, ..NOBODY };
        assert_eq!(rule.to_string(), "auditor, members of the workflow");
    }
}
