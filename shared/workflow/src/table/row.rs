//! What one phase is.

use crate::{Phase, Role};

/// How a phase keeps its history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum VersioningType {
    /// Versions are drafted, submitted, and approved or rejected.
    Full,
    /// Nothing is approved as a version, but every change is kept.
    AuditOnly,
}

/// Everything that sets one phase apart from the others.
#[derive(Clone, Debug)]
pub struct PhaseRow {
    /// Its number, from 1.
    pub phase: Phase,
    /// Its name in databases and trails: lower-case letters, digits and underscores. It never
    /// changes.
    pub slug: &'static str,
    /// Its name for people.
    pub display_name: &'static str,
    /// What old clients call it.
    pub aliases: &'static [&'static str],
    /// How it keeps its history.
    pub kind: VersioningType,
    /// The phases that must be complete before it starts, and that it then holds sealed.
    pub rests_on: &'static [Phase],
    /// The phases that hand it work lane by lane or case by case. It seals none of them.
    pub fed_by: &'static [Phase],
    /// Who rules and approves. None in audit-only phases.
    pub approver: Option<Role>,
    /// Whether the author may approve; it is then recorded as self-approval.
    pub self_approval: bool,
    /// Whether the approver may put items forward too, for a tester to rule on.
    pub approver_contributes: bool,
    /// Whether a submitted version still takes new pending items, so that no lane waits for
    /// another.
    pub items_while_submitted: bool,
    /// The roles whose sign-off approval needs; none in most phases.
    pub sign_offs: &'static [Role],
    /// Who rules and approves in a version that says it does without the approver. Its approval
    /// does not need the approver's sign-off then, either.
    pub approver_if_waived: Option<Role>,
    /// Whether it may be complete, and sealed, without ever having been started.
    pub seals_unopened: bool,
    /// The kind of its items' payload. None in audit-only phases.
    pub payload: Option<&'static str>,
    /// What an approved version is registered as. None in audit-only phases.
    pub artifact_type: Option<&'static str>,
}

impl PhaseRow {
    /// Whether `role` may rule and approve here, whatever the version says of it: the approver,
    /// whoever takes their place, and a test lead wherever a tester does.
    pub fn approves(&self, role: Role) -> bool {
        self.approves_version(role, false) || self.approves_version(role, true)
    }

    /// Whether `role` rules and approves in a version that does without the phase's approver, or
    /// in one that does not.
    pub fn approves_version(&self, role: Role, waived: bool) -> bool {
        let approver = self.approver_of(waived);
        approver == Some(role) || (approver == Some(Role::Tester) && role == Role::TestLead)
    }

    /// Who rules and approves in a version that does without the phase's approver, or in one that
    /// does not.
    pub fn approver_of(&self, waived: bool) -> Option<Role> {
        if waived { self.approver_if_waived.or(self.approver) } else { self.approver }
    }

    /// The roles whose sign-off the approval of such a version needs.
    pub fn required_sign_offs(&self, waived: bool) -> impl Iterator<Item = Role> {
        let dropped = self.approver.filter(|_| waived && self.approver_if_waived.is_some());
        self.sign_offs.iter().copied().filter(move |role| Some(*role) != dropped)
    }

    /// The phases that must come before it, whether it seals them or is fed by them.
    pub(crate) fn predecessors(&self) -> impl Iterator<Item = Phase> {
        self.rests_on.iter().chain(self.fed_by).copied()
    }

    /// The value of the wire's enum for it: `PHASE_SAMPLE_SELECTION`.
    fn wire_name(&self) -> String {
        format!("PHASE_{}", self.slug)
    }

    /// Every name that it answers to, as [`normalised`] writes it.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        let wire_name = normalised(&self.wire_name());
        [self.slug, self.display_name]
            .into_iter()
            .chain(self.aliases.iter().copied())
            .map(normalised)
            .chain([wire_name])
    }
}

/// A name without what does not matter in it: case, white space, hyphens and underscores.
pub(crate) fn normalised(name: &str) -> String {
    name.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect()
}
