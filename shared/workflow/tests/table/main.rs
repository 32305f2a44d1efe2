//! The table of phases: its nine rows, its names, and what it refuses.

mod refused;
mod rows;

use signoff_workflow::{Phase, PhaseRow, PhaseTable, Role, VersioningType};

/// The standard table.
pub(crate) fn standard() -> &'static PhaseTable {
    PhaseTable::standard()
}

/// Its rows.
pub(crate) fn standard_rows() -> Vec<PhaseRow> {
    standard().rows().to_vec()
}

/// A phase after Scoping that the standard table does not have.
pub(crate) fn tenth() -> PhaseRow {
    PhaseRow {
        phase: Phase::new(10),
        slug: "risk_rating",
        display_name: "Risk Rating",
        aliases: &["Rating the Risk"],
        kind: VersioningType::Full,
        rests_on: &[Phase::SCOPING],
        fed_by: &[],
        approver: Some(Role::ReportOwner),
        self_approval: false,
        approver_contributes: false,
        items_while_submitted: false,
        sign_offs: &[],
        approver_if_waived: None,
        seals_unopened: false,
        payload: Some("risk_rating"),
        artifact_type: Some("risk_ratings"),
    }
}
