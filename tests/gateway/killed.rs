//! A gateway or a backend ends between any two steps: the workflow is never stuck.

use signoff_contract::feed::v1::Source;
use signoff_contract::workflow::v1::PhaseState;
use signoff_tests::refusals::reason;
use signoff_tests::{House, Office, build};
use signoff_workflow::Phase;
use tonic::{Code, Status};

use crate::cut::{self, Cut, When, Who, Wires};

/// All ways to end at a message.
fn endings() -> impl Iterator<Item = Cut> {
    let ends = [
        (Who::Gateway, When::Before),
        (Who::Gateway, When::After),
        (Who::Backend, When::Before),
        (Who::Backend, When::After),
    ];
    ends.into_iter().map(|(who, when)| Cut { who, when, at: 0..1 })
}

/// The same at the message with this number, and so many after it.
fn at(cut: &Cut, number: usize, more: usize) -> Cut {
    Cut { at: number..number + 1 + more, ..cut.clone() }
}

/// Expects that who was cut off was told so, or that it went well all the same.
fn expect_told<T>(answer: Option<Result<T, Status>>) {
    if let Some(Err(status)) = answer {
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        assert_eq!(reason(&status), "BACKEND_UNAVAILABLE");
    }
}

/// Expects that a phase rests on the one before it, and nobody else holds that.
async fn expect_resting(office: &Office, below: Phase, above: Phase) {
    let (held, open) = (office.status(below).await, office.status(above).await);
    assert!(open.started_at.is_some() && !open.stale);
    let holders: Vec<(i32, i64)> =
        held.holders.iter().map(|holder| (holder.phase, holder.attempt)).collect();
    assert_eq!(holders, [(above.number(), open.attempt)]);
}

async fn expect_intact(office: &Office) {
    for source in [Source::Versioning, Source::Audit] {
        let found = office.verify(source).await;
        assert!(found.intact, "{:?}", found.first_damaged);
    }
}

/// A phase is started for the first time, with a cut, and whatever comes then.
async fn start_with(house: &House, wires: &Wires, cut: Cut, then: usize) -> bool {
    let office = Office::of(house).await;
    office.complete(Phase::PLANNING).await;
    let request = office.start_request(Phase::DATA_PROFILING);
    wires.cut(cut);
    expect_told(wires.answer(office.tester().call(request.clone())).await);
    let cut = wires.mend();
    match then {
        // The same request again.
        0 => {
            office.tester().call(request).await.unwrap();
        }
        // Somebody else's.
        1 => {
            office.lead().call(office.start_request(Phase::DATA_PROFILING)).await.unwrap();
        }
        // A change in the phase itself.
        2 => {
            office.complete(Phase::DATA_PROFILING).await;
        }
        // A change in the phase below, which may be sealed for nobody.
        _ => {
            let open = office.status(Phase::DATA_PROFILING).await.started_at.is_some();
            if !open {
                office.approve(Phase::PLANNING, build::items(Phase::PLANNING, 7..8)).await;
            }
            office.start(Phase::DATA_PROFILING).await.unwrap();
        }
    }
    expect_resting(&office, Phase::PLANNING, Phase::DATA_PROFILING).await;
    // What comes late changes nothing.
    wires.deliver_late().await;
    expect_resting(&office, Phase::PLANNING, Phase::DATA_PROFILING).await;
    expect_intact(&office).await;
    cut
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_opening_that_ends_anywhere_is_done_by_the_next_who_tries() {
    let (house, wires) = cut::house().await;
    let mut then = 0;
    for ending in endings() {
        // Begun, sealed, opened; and what is fenced and released when that fails.
        let mut reached = 0;
        for (number, more) in [(0, 0), (1, 0), (2, 0), (1, 1), (1, 2), (2, 1), (2, 2)] {
            let came = start_with(&house, &wires, at(&ending, number, more), then % 4).await;
            reached += usize::from(came);
            then += 1;
        }
        assert_eq!(reached, 7, "{ending:?}");
        then += 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_report_is_opened_again_wherever_that_ended() {
    let (house, wires) = cut::house().await;
    let office = Office::of(&house).await;
    office.through(Phase::TEST_EXECUTION).await;
    office.start(Phase::FINALIZE_TEST_REPORT).await.unwrap();
    let mut again = false;
    for ending in endings() {
        // Begun, sealed at audit, sealed at versioning, opened.
        for number in 0..4 {
            office.reopen(Phase::TEST_EXECUTION).await.unwrap();
            let request = office.reaffirm_request(Phase::FINALIZE_TEST_REPORT);
            wires.cut(at(&ending, number, 0));
            expect_told(wires.answer(office.lead().call(request.clone())).await);
            assert!(wires.mend(), "{ending:?} at {number}");
            let stale = office.status(Phase::FINALIZE_TEST_REPORT).await.stale;
            if again || !stale {
                office.lead().call(request).await.unwrap();
            } else {
                office.reaffirm(Phase::FINALIZE_TEST_REPORT).await.unwrap();
            }
            for below in [5, 6, 7, 8].map(Phase::new) {
                expect_resting(&office, below, Phase::FINALIZE_TEST_REPORT).await;
            }
            wires.deliver_late().await;
            let status = office.status(Phase::TEST_EXECUTION).await;
            assert_eq!(status.state(), PhaseState::Sealed);
            again = !again;
        }
    }
    expect_intact(&office).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reopening_that_ends_anywhere_is_finished_by_whoever_meets_it() {
    let (house, wires) = cut::house().await;
    let office = Office::of(&house).await;
    office.through(Phase::DATA_OWNER_ID).await;
    let mut then = 0;
    for ending in endings() {
        // Begun, 4, 5, 6, 9, 7 and 8 marked, finished.
        for number in 0..8 {
            let request = office.reopen_request(Phase::SCOPING);
            wires.cut(at(&ending, number, 0));
            expect_told(wires.answer(office.lead().call(request.clone())).await);
            assert!(wires.mend(), "{ending:?} at {number}");
            then += 1;
            match then % 4 {
                0 => {
                    office.lead().call(request).await.unwrap();
                }
                1 => {
                    office.reopen(Phase::SCOPING).await.unwrap();
                }
                // A change in what is being reopened, whether or not that had begun.
                2 if office.status(Phase::SCOPING).await.reopening > 0 => {
                    office.approve(Phase::SCOPING, Vec::new()).await;
                }
                // A phase downstream is opened again.
                3 if office.status(Phase::SAMPLE_SELECTION).await.stale => {
                    office.reaffirm(Phase::SAMPLE_SELECTION).await.unwrap();
                }
                // The report owner may reopen it, too.
                _ => {
                    let request = office.reopen_request(Phase::SCOPING);
                    office.owner().call(request).await.unwrap();
                }
            }
            let status = office.status(Phase::SCOPING).await;
            assert_eq!((status.reopening, status.stale), (0, false), "{ending:?} at {number}");
            wires.deliver_late().await;
            let status = office.status(Phase::SCOPING).await;
            if (ending.when, number) == (When::Before, 0) {
                // It is reopened once more, and whoever meets that finishes it, too.
                assert!(status.reopening > 0);
                office.reopen(Phase::SCOPING).await.unwrap();
            } else {
                assert_eq!((status.reopening, status.stale), (0, false), "{ending:?} at {number}");
            }
            for phase in [Phase::SAMPLE_SELECTION, Phase::DATA_OWNER_ID] {
                if office.status(phase).await.stale {
                    office.reaffirm(phase).await.unwrap();
                }
            }
            expect_resting(&office, Phase::SCOPING, Phase::SAMPLE_SELECTION).await;
            expect_resting(&office, Phase::SAMPLE_SELECTION, Phase::DATA_OWNER_ID).await;
        }
    }
    expect_intact(&office).await;
}
