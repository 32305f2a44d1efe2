//! Tables that are refused.

use signoff_workflow::{Phase, PhaseRow, PhaseTable, Role, TableError, VersioningType};

use crate::{standard_rows, tenth};

/// What the standard rows and one more are refused for.
fn refusal(row: PhaseRow) -> Option<TableError> {
    let mut rows = standard_rows();
    rows.push(row);
    PhaseTable::new(rows).err()
}

#[test]
fn numbers_that_mean_nothing_or_two_phases_are_refused() {
    let row = PhaseRow { phase: Phase::new(0), ..tenth() };
    assert_eq!(refusal(row), Some(TableError::Number { slug: "risk_rating", number: 0 }));
    let row = PhaseRow { phase: Phase::new(9), ..tenth() };
    let expected =
        TableError::DoubledNumber { number: 9, one: "finalize_test_report", other: "risk_rating" };
    assert_eq!(refusal(row), Some(expected));
}

#[test]
fn names_that_mean_nothing_or_two_phases_are_refused() {
    let taken = |row| match refusal(row) {
        Some(TableError::NameTaken { name, one, other }) => Some((name, one, other)),
        _ => None,
    };
    let cases = [
        (PhaseRow { slug: "scoping", ..tenth() }, "scoping", "scoping", "scoping"),
        (PhaseRow { slug: "sampling", ..tenth() }, "sampling", "sample_selection", "sampling"),
        (PhaseRow { display_name: "R F-I", ..tenth() }, "rfi", "request_info", "risk_rating"),
        (
            PhaseRow { aliases: &["phase_planning"], ..tenth() },
            "phaseplanning",
            "planning",
            "risk_rating",
        ),
    ];
    for (row, name, one, other) in cases {
        assert_eq!(taken(row), Some((name.to_owned(), one, other)));
    }
    for slug in ["", "Risk", "risk rating", "1st", "_risk", "risk-rating", "rïsk"] {
        let row = PhaseRow { slug, ..tenth() };
        assert_eq!(refusal(row), Some(TableError::Slug { slug }));
    }
    let empty = Some(TableError::EmptyName { slug: "risk_rating" });
    assert_eq!(refusal(PhaseRow { display_name: "", ..tenth() }), empty);
    assert_eq!(refusal(PhaseRow { aliases: &["fine", " - "], ..tenth() }), empty);
}

#[test]
fn predecessors_that_are_unknown_or_circular_are_refused() {
    let unknown =
        |predecessor| Some(TableError::UnknownPredecessor { slug: "risk_rating", predecessor });
    const ELEVEN: &[Phase] = &[Phase::SCOPING, Phase::new(11)];
    const ITSELF: &[Phase] = &[Phase::new(10)];
    assert_eq!(refusal(PhaseRow { rests_on: ELEVEN, ..tenth() }), unknown(11));
    assert_eq!(refusal(PhaseRow { fed_by: ELEVEN, ..tenth() }), unknown(11));
    let row = PhaseRow { fed_by: &[Phase::SCOPING], ..tenth() };
    let no_lane = TableError::NoLane { slug: "risk_rating", feeder: 3 };
    assert_eq!(refusal(row), Some(no_lane));
    let row = PhaseRow { rests_on: ITSELF, ..tenth() };
    assert_eq!(refusal(row), Some(TableError::Cycle { slugs: vec!["risk_rating"] }));

    // Data Owner ID behind the report: that, and all that comes after it, waits for ever.
    let mut rows = standard_rows();
    for row in &mut rows {
        if row.phase == Phase::DATA_OWNER_ID {
            row.rests_on = &[Phase::FINALIZE_TEST_REPORT];
        }
    }
    let slugs = vec![
        "data_owner_id",
        "request_info",
        "test_execution",
        "observation_management",
        "finalize_test_report",
    ];
    assert_eq!(PhaseTable::new(rows).err(), Some(TableError::Cycle { slugs }));
}

#[test]
fn a_kind_must_fit_the_rest_of_its_row() {
    let missing = |what| Some(TableError::Missing { slug: "risk_rating", what });
    assert_eq!(refusal(PhaseRow { approver: None, ..tenth() }), missing("approver"));
    assert_eq!(refusal(PhaseRow { payload: None, ..tenth() }), missing("payload"));
    assert_eq!(refusal(PhaseRow { artifact_type: None, ..tenth() }), missing("artifact type"));

    let audited = PhaseRow {
        kind: VersioningType::AuditOnly,
        approver: None,
        payload: None,
        artifact_type: None,
        ..tenth()
    };
    assert_eq!(refusal(audited.clone()), None);
    let unexpected = |what| Some(TableError::Unexpected { slug: "risk_rating", what });
    let row = PhaseRow { approver: Some(Role::Tester), ..audited.clone() };
    assert_eq!(refusal(row), unexpected("approver"));
    let row = PhaseRow { payload: Some("sample"), ..audited.clone() };
    assert_eq!(refusal(row), unexpected("payload"));
    let row = PhaseRow { artifact_type: Some("samples"), ..audited };
    assert_eq!(refusal(row), unexpected("artifact type"));
}

#[test]
fn what_is_signed_takes_no_items_meanwhile() {
    let row = PhaseRow { sign_offs: &[Role::TestLead], ..tenth() };
    assert_eq!(refusal(row.clone()), None);
    let row = PhaseRow { items_while_submitted: true, ..row };
    assert_eq!(refusal(row), Some(TableError::SignedWhileGrowing { slug: "risk_rating" }));
}
