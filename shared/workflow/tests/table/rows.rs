//! What the table says, and what it answers to.

use signoff_workflow::{Phase, PhaseTable, Role, VersioningType};

use crate::{standard, standard_rows, tenth};

#[test]
fn the_standard_rows_pass_the_checks() {
    PhaseTable::new(standard_rows()).unwrap();
}

#[test]
fn the_nine_phases_are_what_they_should_be() {
    use Role::{ReportOwner, TestExecutive, Tester};
    type Row = (i32, &'static str, &'static str, Option<(Role, &'static str, &'static str)>);
    let expected: [Row; 9] = [
        (1, "planning", "Planning", Some((Tester, "attribute_decision", "attributes"))),
        (
            2,
            "data_profiling",
            "Data Profiling",
            Some((ReportOwner, "profiling_rule", "profiling_rules")),
        ),
        (3, "scoping", "Scoping", Some((ReportOwner, "scoping_decision", "scope"))),
        (4, "sample_selection", "Sample Selection", Some((ReportOwner, "sample", "samples"))),
        (5, "data_owner_id", "Data Owner ID", None),
        (6, "request_info", "Request Info", None),
        (7, "test_execution", "Test Execution", None),
        (
            8,
            "observation_management",
            "Observation Management",
            Some((ReportOwner, "observation", "observations")),
        ),
        (
            9,
            "finalize_test_report",
            "Finalize Test Report",
            Some((TestExecutive, "report_section", "test_report")),
        ),
    ];
    assert_eq!(standard().rows().len(), expected.len());
    for ((number, slug, display_name, full), row) in expected.into_iter().zip(standard().rows()) {
        assert_eq!(row.phase.number(), number);
        assert_eq!((row.slug, row.display_name), (slug, display_name));
        assert_eq!(row.kind == VersioningType::Full, full.is_some(), "{slug}");
        assert_eq!(row.approver, full.map(|(approver, ..)| approver), "{slug}");
        assert_eq!(row.payload, full.map(|(_, payload, _)| payload), "{slug}");
        assert_eq!(row.artifact_type, full.map(|(.., artifact)| artifact), "{slug}");
        // Each special rule holds in one phase only.
        assert_eq!(row.self_approval, number == 1, "{slug}");
        assert_eq!(row.approver_contributes, number == 4, "{slug}");
        assert_eq!(row.items_while_submitted, number == 8, "{slug}");
        assert_eq!(row.seals_unopened, number == 8, "{slug}");
        let signers: &[Role] =
            if number == 9 { &[Role::TestLead, ReportOwner, TestExecutive] } else { &[] };
        assert_eq!(row.sign_offs, signers, "{slug}");
        assert_eq!(row.approver_if_waived, (number == 9).then_some(ReportOwner), "{slug}");
    }
}

#[test]
fn a_test_lead_approves_where_a_tester_does_and_nowhere_else() {
    let approvers = |number| {
        let row = standard().get(Phase::new(number)).unwrap();
        Role::ALL.into_iter().filter(|role| row.approves(*role)).collect::<Vec<_>>()
    };
    assert_eq!(approvers(1), [Role::Tester, Role::TestLead]);
    for number in [2, 3, 4, 8] {
        assert_eq!(approvers(number), [Role::ReportOwner], "{number}");
    }
    for number in [5, 6, 7] {
        assert_eq!(approvers(number), [], "{number}");
    }
    assert_eq!(approvers(9), [Role::ReportOwner, Role::TestExecutive]);
}

#[test]
fn a_version_that_does_without_the_approver_is_somebody_elses() {
    for row in standard().rows() {
        let approvers = |waived| {
            let all = Role::ALL.into_iter();
            all.filter(|role| row.approves_version(*role, waived)).collect::<Vec<_>>()
        };
        let signers = |waived| row.required_sign_offs(waived).collect::<Vec<_>>();
        if row.phase == Phase::FINALIZE_TEST_REPORT {
            assert_eq!(approvers(false), [Role::TestExecutive]);
            assert_eq!(approvers(true), [Role::ReportOwner]);
            assert_eq!(row.approver_of(true), Some(Role::ReportOwner));
            assert_eq!(signers(false), row.sign_offs);
            assert_eq!(signers(true), [Role::TestLead, Role::ReportOwner]);
        } else {
            assert_eq!(approvers(true), approvers(false), "{}", row.slug);
            assert_eq!(signers(true), [], "{}", row.slug);
        }
    }
}

#[test]
fn a_phase_is_found_by_number_and_by_slug() {
    for row in standard().rows() {
        assert_eq!(standard().get(row.phase).unwrap().slug, row.slug);
        assert_eq!(standard().by_slug(row.slug).unwrap().phase, row.phase);
    }
    assert!(standard().get(Phase::new(0)).is_none());
    assert!(standard().get(Phase::new(10)).is_none());
    assert!(standard().by_slug("Scoping").is_none(), "a slug is taken exactly");
}

#[test]
fn old_and_odd_names_are_understood() {
    let cases = [
        ("Planning", 1),
        ("  planning ", 1),
        ("PHASE_DATA_PROFILING", 2),
        ("data-profiling", 2),
        ("DataProfiling", 2),
        ("PHASE_SCOPING", 3),
        ("phase scoping", 3),
        ("Sampling", 4),
        ("SAMPLE selection", 4),
        ("Data Provider ID", 5),
        ("data_provider_identification", 5),
        ("Data Owner Identification", 5),
        ("Data-Owner-Id", 5),
        ("Request for Information", 6),
        ("rfi", 6),
        ("Request Info", 6),
        ("Testing", 7),
        ("test execution", 7),
        ("Observations", 8),
        ("observation mgmt", 8),
        ("PHASE_OBSERVATION_MANAGEMENT", 8),
        ("Test Report", 9),
        ("Finalize Report", 9),
        ("Preparing Test Report", 9),
        ("FINALIZE_TEST_REPORT", 9),
    ];
    for (name, number) in cases {
        assert_eq!(standard().named(name).unwrap().phase.number(), number, "{name}");
    }
}

#[test]
fn an_unknown_name_lists_the_known_ones() {
    for name in ["", " ", "PHASE_", "PHASE_UNSPECIFIED", "PHASE_SAMPLING", "Phase 3", "Scopes"] {
        let error = standard().named(name).unwrap_err();
        assert_eq!(error.name, name);
        let message = error.to_string();
        for row in standard().rows() {
            assert!(message.contains(row.display_name), "{message}");
        }
    }
    let long = standard().named(&"é".repeat(100_000)).unwrap_err();
    assert!(long.to_string().len() < 500);
}

#[test]
fn what_is_downstream_comes_nearest_first() {
    let downstream = |number| {
        let phases = standard().downstream(Phase::new(number));
        phases.into_iter().map(Phase::number).collect::<Vec<_>>()
    };
    assert_eq!(downstream(1), [2, 3, 4, 5, 6, 9, 7, 8]);
    assert_eq!(downstream(4), [5, 6, 9, 7, 8]);
    assert_eq!(downstream(5), [6, 9, 7, 8]);
    assert_eq!(downstream(6), [7, 9, 8]);
    assert_eq!(downstream(7), [8, 9]);
    assert_eq!(downstream(8), [9]);
    assert_eq!(downstream(9), []);
    assert_eq!(downstream(42), []);

    let backwards = PhaseTable::new(standard_rows().into_iter().rev().collect()).unwrap();
    for number in 1..=9 {
        let phase = Phase::new(number);
        assert_eq!(backwards.downstream(phase), standard().downstream(phase), "by number");
    }
}

#[test]
fn a_tenth_phase_is_one_more_row() {
    let mut rows = standard_rows();
    rows.push(tenth());
    let table = PhaseTable::new(rows).unwrap();
    assert_eq!(table.rows().len(), 10);
    for name in ["risk_rating", "Risk Rating", "PHASE_RISK_RATING", "rating the risk"] {
        assert_eq!(table.named(name).unwrap().phase, Phase::new(10), "{name}");
    }
    assert!(table.named("nothing").unwrap_err().to_string().contains("Risk Rating"));
    assert_eq!(table.downstream(Phase::SCOPING)[..2], [Phase::SAMPLE_SELECTION, Phase::new(10)]);
}
