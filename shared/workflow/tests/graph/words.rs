//! What a person is told.

use signoff_workflow::{Board, Command, Phase, PhaseTable, check};

use crate::boards::{
    COMPLETE, COMPLETE_UNOPENED, IN_PROGRESS, REOPENING, SEALED, STALE, UNTOUCHED, facts, lane,
};

/// What is missing before a command: phase, subject, what.
fn told(board: &Board, command: Command) -> Vec<(i32, String, String)> {
    check(PhaseTable::standard(), board, command)
        .err()
        .unwrap_or_default()
        .into_iter()
        .map(|unmet| (unmet.phase.number(), unmet.subject, unmet.what))
        .collect()
}

fn board(states: &[(Phase, u8)]) -> Board {
    let phases = states.iter().map(|(phase, state)| (*phase, facts(*state))).collect();
    Board { phases, lanes: vec![] }
}

fn one(number: i32, subject: &str, what: &str) -> Vec<(i32, String, String)> {
    vec![(number, subject.to_owned(), what.to_owned())]
}

#[test]
fn a_predecessor_says_what_it_lacks() {
    let start = Command::Start(Phase::SAMPLE_SELECTION);
    let scoping = |state, what: &str| {
        let board = board(&[(Phase::SCOPING, state)]);
        assert_eq!(told(&board, start), one(3, "scoping", &format!("Scoping {what}")));
    };
    scoping(UNTOUCHED, "has not been started: start it");
    scoping(COMPLETE_UNOPENED, "has not been started: start it");
    scoping(IN_PROGRESS, "is not complete: have a version approved, and leave none open");
    scoping(STALE, "is stale, because a phase before it was reopened: mend and reaffirm it");
    scoping(REOPENING, "is being reopened: wait until that is done");

    let mut board = board(&[(Phase::SCOPING, IN_PROGRESS)]);
    let missing = ["version 2 is a draft: submit it", "no approved version: approve one"];
    if let Some(facts) = board.phases.get_mut(&Phase::SCOPING) {
        facts.missing = missing.map(str::to_owned).to_vec();
    }
    let expected =
        missing.map(|what| (3, "scoping".to_owned(), format!("Scoping is not complete: {what}")));
    assert_eq!(told(&board, start), expected);
}

#[test]
fn what_a_gate_tells_is_told_apart_from_work_that_is_not_done() {
    let of_gate = |state| {
        let board = board(&[(Phase::SCOPING, state)]);
        let start = Command::Start(Phase::SAMPLE_SELECTION);
        let unmet = check(PhaseTable::standard(), &board, start).err().unwrap_or_default();
        unmet.into_iter().map(|unmet| unmet.of_gate).collect::<Vec<_>>()
    };
    assert_eq!([UNTOUCHED, STALE, REOPENING].map(of_gate), [[true], [true], [true]]);
    assert_eq!(of_gate(IN_PROGRESS), [false]);
}

#[test]
fn the_report_names_every_phase_that_it_waits_for() {
    let board = board(&[
        (Phase::DATA_OWNER_ID, COMPLETE),
        (Phase::REQUEST_INFO, IN_PROGRESS),
        (Phase::TEST_EXECUTION, STALE),
    ]);
    let told = told(&board, Command::Start(Phase::FINALIZE_TEST_REPORT));
    let phases: Vec<_> = told.iter().map(|(number, ..)| *number).collect();
    assert_eq!(phases, [6, 7, 8]);
}

#[test]
fn observations_never_started_still_say_what_is_not_covered() {
    let mut board = board(&[
        (Phase::DATA_OWNER_ID, COMPLETE),
        (Phase::REQUEST_INFO, COMPLETE),
        (Phase::TEST_EXECUTION, COMPLETE),
        (Phase::OBSERVATION_MANAGEMENT, COMPLETE_UNOPENED),
    ]);
    let start = Command::Start(Phase::FINALIZE_TEST_REPORT);
    assert_eq!(told(&board, start), [], "every test passed: there is nothing to observe");
    if let Some(facts) = board.phases.get_mut(&Phase::OBSERVATION_MANAGEMENT) {
        facts.complete = false;
        facts.missing = vec!["test 7 failed: record an observation".to_owned()];
    }
    let what = "Observation Management is not complete: test 7 failed: record an observation";
    assert_eq!(told(&board, start), one(8, "observation_management", what));
    // Nobody said what is missing: it is still to be started.
    board.phases.remove(&Phase::OBSERVATION_MANAGEMENT);
    let what = "Observation Management has not been started: start it";
    assert_eq!(told(&board, start), one(8, "observation_management", what));
}

#[test]
fn a_lane_says_what_it_lacks() {
    let mut board = board(&[
        (Phase::DATA_OWNER_ID, COMPLETE),
        (Phase::REQUEST_INFO, IN_PROGRESS),
        (Phase::TEST_EXECUTION, IN_PROGRESS),
    ]);
    let start_info = Command::Start(Phase::REQUEST_INFO);
    board.phases.remove(&Phase::REQUEST_INFO);
    let what = "Data Owner ID has no line of business yet: plan the test cases";
    assert_eq!(told(&board, start_info), one(5, "data_owner_id", what));

    board.lanes = vec![lane(0), lane(1)];
    let told_of_both = told(&board, start_info);
    let ids = board.lanes.clone().into_iter().map(|lane| lane.lob_id.to_string());
    for ((number, subject, what), id) in told_of_both.iter().zip(ids) {
        assert_eq!((*number, subject), (5, &id));
        let expected =
            format!("Data Owner ID: line of business {id} has no data owner: assign one");
        assert_eq!(what, &expected);
    }
    assert_eq!(told_of_both.len(), 2);

    let observe = Command::Start(Phase::OBSERVATION_MANAGEMENT);
    let whats: Vec<_> = told(&board, observe).into_iter().map(|(.., what)| what).collect();
    assert!(whats[0].ends_with("has no test case: plan the test cases"), "{whats:?}");
    assert!(whats[1].ends_with("has no executed test case: conclude one"), "{whats:?}");

    board.lanes = vec![lane(0), lane(4)];
    assert_eq!(told(&board, start_info), [], "one lane is enough");
    assert_eq!(told(&board, observe), [], "one case is enough");
}

#[test]
fn a_phase_says_why_it_cannot_be_changed() {
    let change = |state| told(&board(&[(Phase::TEST_EXECUTION, state)]), CHANGE);
    const CHANGE: Command = Command::Change(Phase::TEST_EXECUTION);
    let said = |what: &str| one(7, "test_execution", &format!("Test Execution {what}"));
    assert_eq!(change(UNTOUCHED), said("has not been started: start it"));
    assert_eq!(change(IN_PROGRESS), []);
    assert_eq!(change(COMPLETE), []);
    let sealed = "is sealed, because Finalize Test Report rests on it: reopen it";
    assert_eq!(change(SEALED), said(sealed));
    assert_eq!(change(REOPENING), said("is being reopened: wait until that is done"));
}

#[test]
fn a_command_without_a_reason_is_told_so() {
    let said = |state, command| {
        let told = told(&board(&[(Phase::PLANNING, state)]), command);
        told.into_iter().map(|(.., what)| what).collect::<Vec<_>>()
    };
    let (start, reopen, reaffirm) = (
        Command::Start(Phase::PLANNING),
        Command::Reopen(Phase::PLANNING),
        Command::Reaffirm(Phase::PLANNING),
    );
    assert_eq!(said(IN_PROGRESS, start), ["Planning has been started already: go on with it"]);
    let in_progress = "Planning is in progress: change it without reopening it";
    assert_eq!(said(IN_PROGRESS, reopen), [in_progress]);
    let untouched = "Planning has not been started: there is nothing to reopen";
    assert_eq!(said(UNTOUCHED, reopen), [untouched]);
    let fresh = "Planning is not stale: there is nothing to reaffirm";
    assert_eq!(said(COMPLETE, reaffirm), [fresh]);
}

#[test]
fn an_unknown_phase_is_refused() {
    for command in Command::all(Phase::new(42)) {
        let what = "There is no phase 42: choose another one";
        assert_eq!(told(&Board::default(), command), one(42, "42", what));
    }
}
