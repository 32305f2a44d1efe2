//! The nine phases.

use super::{PhaseRow, VersioningType};
use crate::{Phase, Role};

/// What most phases have in common: nothing special.
const PLAIN: PhaseRow = PhaseRow {
    phase: Phase::new(0),
    slug: "",
    display_name: "",
    aliases: &[],
    kind: VersioningType::Full,
    rests_on: &[],
    fed_by: &[],
    approver: None,
    self_approval: false,
    approver_contributes: false,
    items_while_submitted: false,
    sign_offs: &[],
    approver_if_waived: None,
    seals_unopened: false,
    payload: None,
    artifact_type: None,
};

/// The rows of the standard table, in the order of the work (seed 002, "Phase Overview").
pub(super) fn rows() -> Vec<PhaseRow> {
    let mut rows = up_to_samples();
    rows.extend(lane_by_lane());
    rows.push(PhaseRow {
        phase: Phase::FINALIZE_TEST_REPORT,
        slug: "finalize_test_report",
        display_name: "Finalize Test Report",
        aliases: &["Test Report", "Finalize Report", "Preparing Test Report"],
        rests_on: &[
            Phase::DATA_OWNER_ID,
            Phase::REQUEST_INFO,
            Phase::TEST_EXECUTION,
            Phase::OBSERVATION_MANAGEMENT,
        ],
        approver: Some(Role::TestExecutive),
        sign_offs: &[Role::TestLead, Role::ReportOwner, Role::TestExecutive],
        approver_if_waived: Some(Role::ReportOwner),
        payload: Some("report_section"),
        artifact_type: Some("test_report"),
        ..PLAIN
    });
    rows
}

fn up_to_samples() -> Vec<PhaseRow> {
    vec![
        PhaseRow {
            phase: Phase::PLANNING,
            slug: "planning",
            display_name: "Planning",
            approver: Some(Role::Tester),
            self_approval: true,
            payload: Some("attribute_decision"),
            artifact_type: Some("attributes"),
            ..PLAIN
        },
        PhaseRow {
            phase: Phase::DATA_PROFILING,
            slug: "data_profiling",
            display_name: "Data Profiling",
            aliases: &["Profiling"],
            rests_on: &[Phase::PLANNING],
            approver: Some(Role::ReportOwner),
            payload: Some("profiling_rule"),
            artifact_type: Some("profiling_rules"),
            ..PLAIN
        },
        PhaseRow {
            phase: Phase::SCOPING,
            slug: "scoping",
            display_name: "Scoping",
            rests_on: &[Phase::DATA_PROFILING],
            approver: Some(Role::ReportOwner),
            payload: Some("scoping_decision"),
            artifact_type: Some("scope"),
            ..PLAIN
        },
        PhaseRow {
            phase: Phase::SAMPLE_SELECTION,
            slug: "sample_selection",
            display_name: "Sample Selection",
            aliases: &["Sampling"],
            rests_on: &[Phase::SCOPING],
            approver: Some(Role::ReportOwner),
            approver_contributes: true,
            payload: Some("sample"),
            artifact_type: Some("samples"),
            ..PLAIN
        },
    ]
}

fn lane_by_lane() -> Vec<PhaseRow> {
    vec![
        PhaseRow {
            phase: Phase::DATA_OWNER_ID,
            slug: "data_owner_id",
            display_name: "Data Owner ID",
            aliases: &[
                "Data Owner Identification",
                "Data Provider ID",
                "Data Provider Identification",
            ],
            kind: VersioningType::AuditOnly,
            rests_on: &[Phase::SAMPLE_SELECTION],
            ..PLAIN
        },
        PhaseRow {
            phase: Phase::REQUEST_INFO,
            slug: "request_info",
            display_name: "Request Info",
            aliases: &["Request for Information", "Request Information", "RFI"],
            kind: VersioningType::AuditOnly,
            fed_by: &[Phase::DATA_OWNER_ID],
            ..PLAIN
        },
        PhaseRow {
            phase: Phase::TEST_EXECUTION,
            slug: "test_execution",
            display_name: "Test Execution",
            aliases: &["Testing"],
            kind: VersioningType::AuditOnly,
            fed_by: &[Phase::REQUEST_INFO],
            ..PLAIN
        },
        PhaseRow {
            phase: Phase::OBSERVATION_MANAGEMENT,
            slug: "observation_management",
            display_name: "Observation Management",
            aliases: &["Observations", "Observation Mgmt"],
            fed_by: &[Phase::TEST_EXECUTION],
            approver: Some(Role::ReportOwner),
            items_while_submitted: true,
            seals_unopened: true,
            payload: Some("observation"),
            artifact_type: Some("observations"),
            ..PLAIN
        },
    ]
}
