//! A workflow from its opening to its end, and through a reopening, by the rule alone.

use signoff_workflow::{
    Board, Command, Phase, PhaseRow, PhaseState, PhaseTable, Role, Step, VersioningType, check,
    next,
};

use crate::boards::lane;

/// Plays the gateway: asks, and does what is allowed.
struct Play {
    table: PhaseTable,
    board: Board,
}

impl Play {
    fn new(table: PhaseTable) -> Self {
        Self { table, board: Board::default() }
    }

    fn steps(&self) -> Vec<Step> {
        next(&self.table, &self.board)
    }

    /// The phases, of those not opened or stale, that may go on now.
    fn ready(&self) -> Vec<i32> {
        let open = |step: &Step| !matches!(step.next, Command::Change(_)) && step.unmet.is_empty();
        self.steps().iter().filter(|step| open(step)).map(|step| step.phase.number()).collect()
    }

    /// Starts or reaffirms a phase, and takes the holds that go with it.
    fn open(&mut self, phase: Phase) {
        let stale = self.board.phases.get(&phase).is_some_and(|facts| facts.stale);
        let command = if stale { Command::Reaffirm(phase) } else { Command::Start(phase) };
        assert_eq!(check(&self.table, &self.board, command), Ok(()), "{:#?}", self.board);
        let rests_on = self.table.get(phase).map_or(&[][..], |row| row.rests_on);
        for before in rests_on {
            let holders = &mut self.board.phases.entry(*before).or_default().holders;
            holders.retain(|holder| *holder != phase);
            holders.push(phase);
        }
        let facts = self.board.phases.entry(phase).or_default();
        (facts.opened, facts.stale) = (true, false);
    }

    fn complete(&mut self, phase: Phase) {
        self.board.phases.entry(phase).or_default().complete = true;
    }

    fn reopen(&mut self, phase: Phase) {
        assert_eq!(check(&self.table, &self.board, Command::Reopen(phase)), Ok(()));
        for after in self.table.downstream(phase) {
            let facts = self.board.phases.entry(after).or_default();
            facts.stale = facts.opened;
            facts.complete = false;
        }
        let facts = self.board.phases.entry(phase).or_default();
        facts.holders.clear();
    }

    fn states(&self) -> Vec<PhaseState> {
        self.steps().iter().map(|step| step.state).collect()
    }

    /// All of the work up to the test cases' plan.
    fn up_to_the_plan(&mut self) {
        for number in 1..=4 {
            assert_eq!(self.ready(), [number]);
            self.open(Phase::new(number));
            assert_eq!(self.ready(), [], "nothing more until it is complete");
            self.complete(Phase::new(number));
        }
    }

    fn finish(&mut self) {
        self.up_to_the_plan();
        assert_eq!(self.ready(), [5]);
        self.open(Phase::DATA_OWNER_ID);
        self.board.lanes = vec![lane(1), lane(1)];
        assert_eq!(self.ready(), [], "nobody owns a lane");
        self.board.lanes[0] = lane(2);
        assert_eq!(self.ready(), [6], "one lane is enough, and its phase need not be complete");
        self.open(Phase::REQUEST_INFO);
        assert_eq!(self.ready(), []);
        self.board.lanes[0] = lane(3);
        assert_eq!(self.ready(), [7]);
        self.open(Phase::TEST_EXECUTION);
        assert_eq!(self.ready(), []);
        self.board.lanes[0] = lane(4);
        assert_eq!(self.ready(), [8]);
        self.open(Phase::OBSERVATION_MANAGEMENT);
        for number in 5..=8 {
            assert_eq!(self.ready(), [], "the report waits for all");
            self.complete(Phase::new(number));
        }
        assert_eq!(self.ready(), [9]);
        self.open(Phase::FINALIZE_TEST_REPORT);
        self.complete(Phase::FINALIZE_TEST_REPORT);
    }
}

#[test]
fn a_workflow_is_led_from_start_to_end() {
    use PhaseState::{Complete, Sealed};
    let mut play = Play::new(PhaseTable::standard().clone());
    assert_eq!(play.states(), [PhaseState::NotStarted; 9]);
    play.finish();
    // 6, 7 and 8 are held by the report only.
    let mut expected = [Sealed; 9];
    expected[8] = Complete;
    assert_eq!(play.states(), expected);
    assert_eq!(play.ready(), []);
}

#[test]
fn reopening_the_samples_leads_through_everything_after_them_again() {
    let mut play = Play::new(PhaseTable::standard().clone());
    play.finish();
    play.reopen(Phase::SAMPLE_SELECTION);
    let stale: Vec<_> =
        (1..=9).filter(|number| play.board.phases[&Phase::new(*number)].stale).collect();
    assert_eq!(stale, [5, 6, 7, 8, 9]);
    for phase in [5, 6, 7, 8, 9].map(Phase::new) {
        assert!(check(&play.table, &play.board, Command::Change(phase)).is_err());
    }
    // The samples are still complete: 5 may rest on them again, and then each after the other.
    for number in [5, 6, 7, 8] {
        assert_eq!(play.ready(), [number]);
        play.open(Phase::new(number));
    }
    assert_eq!(play.ready(), [], "reaffirmed, but not complete");
    for number in [5, 6, 7, 8] {
        play.complete(Phase::new(number));
    }
    assert_eq!(play.ready(), [9]);
    play.open(Phase::FINALIZE_TEST_REPORT);
    assert_eq!(play.ready(), []);
}

#[test]
fn a_report_without_findings_is_finished_without_observations() {
    let mut play = Play::new(PhaseTable::standard().clone());
    play.up_to_the_plan();
    play.open(Phase::DATA_OWNER_ID);
    play.board.lanes = vec![lane(4)];
    play.open(Phase::REQUEST_INFO);
    play.open(Phase::TEST_EXECUTION);
    for number in 5..=8 {
        play.complete(Phase::new(number));
    }
    assert_eq!(play.ready(), [8, 9], "observations may still be started");
    play.open(Phase::FINALIZE_TEST_REPORT);
    assert_eq!(play.states()[7], PhaseState::Sealed);
    let observations = Phase::OBSERVATION_MANAGEMENT;
    assert!(check(&play.table, &play.board, Command::Start(observations)).is_err());
    play.reopen(observations);
    assert!(play.ready().contains(&8));
    assert!(play.board.phases[&Phase::FINALIZE_TEST_REPORT].stale);
}

#[test]
fn a_tenth_phase_goes_the_same_way() {
    let mut rows = PhaseTable::standard().rows().to_vec();
    let tenth = Phase::new(10);
    rows.push(PhaseRow {
        phase: tenth,
        slug: "risk_rating",
        display_name: "Risk Rating",
        aliases: &[],
        kind: VersioningType::Full,
        rests_on: &[Phase::SCOPING],
        fed_by: &[Phase::TEST_EXECUTION],
        approver: Some(Role::ReportOwner),
        self_approval: false,
        approver_contributes: false,
        items_while_submitted: false,
        sign_offs: &[],
        approver_if_waived: None,
        seals_unopened: false,
        payload: Some("risk_rating"),
        artifact_type: Some("risk_ratings"),
    });
    let mut play = Play { table: PhaseTable::new(rows).unwrap(), board: Board::default() };
    let start = Command::Start(tenth);
    let named = |play: &Play| {
        let unmet = check(&play.table, &play.board, start).err().unwrap_or_default();
        unmet.into_iter().map(|unmet| unmet.phase.number()).collect::<Vec<_>>()
    };
    assert_eq!(named(&play), [3, 7]);
    play.up_to_the_plan();
    assert_eq!(named(&play), [7]);
    play.open(Phase::DATA_OWNER_ID);
    play.board.lanes = vec![lane(4)];
    play.open(Phase::REQUEST_INFO);
    play.open(Phase::TEST_EXECUTION);
    assert_eq!(play.ready(), [8, 10]);
    play.open(tenth);
    assert_eq!(check(&play.table, &play.board, Command::Change(tenth)), Ok(()));
    assert_eq!(play.board.phases[&Phase::SCOPING].holders, [Phase::SAMPLE_SELECTION, tenth]);
    let held = check(&play.table, &play.board, Command::Change(Phase::SCOPING)).unwrap_err();
    assert!(held[0].what.contains("Sample Selection, Risk Rating rest on it"), "{held:?}");
    play.reopen(Phase::SCOPING);
    assert!(play.board.phases[&tenth].stale);
}
