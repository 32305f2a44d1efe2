//! Sixteen people at two gateways do whatever comes to their minds, on one report.

use futures::future::join_all;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use signoff_contract::audit::v1 as audit;
use signoff_contract::feed::v1::Source;
use signoff_contract::gateway::v1 as wire;
use signoff_contract::versioning::v1::{ListVersionsRequest, Verdict, VersionState};
use signoff_tests::lanes::{LOBS, OWNERS};
use signoff_tests::office::{content, samples};
use signoff_tests::refusals::expect_fair;
use signoff_tests::world::whole;
use signoff_tests::{House, Office, build};
use signoff_workflow::Phase;
use tonic::Status;
use uuid::Uuid;

use crate::judged::Judged;

const CLIENTS: u64 = 16;
const COMMANDS: usize = 12;

/// One of the sixteen.
struct Client {
    office: Office,
    dice: ChaCha8Rng,
    /// What was done, and what was refused.
    done: usize,
    refused: usize,
}

type Done = Result<(), Status>;

impl Client {
    async fn work(mut self) -> Self {
        for _ in 0..COMMANDS {
            match self.act().await {
                Ok(()) => self.done += 1,
                Err(status) => {
                    self.refused += 1;
                    expect_fair(&status);
                }
            }
        }
        self
    }

    async fn act(&mut self) -> Done {
        let phase = Phase::new(self.dice.random_range(1..=9));
        match self.dice.random_range(0..100) {
            0..8 => self.office.start(phase).await.map(drop),
            8..16 => self.reopen().await,
            16..56 => self.reaffirm().await,
            56..70 => self.version(phase).await,
            70..76 => self.office.plan().await.map(drop),
            76..80 => self.assign().await,
            80..88 => self.document().await,
            88..96 => self.test().await,
            _ => {
                let audited = *[5, 6, 7].choose(&mut self.dice).unwrap();
                let note = build::object("note", "called the branch");
                self.office.lanes.record(Phase::new(audited), note).await.map(drop)
            }
        }
    }

    async fn reopen(&mut self) -> Done {
        let phase = Phase::new(self.dice.random_range(1..=8));
        self.office.reopen(phase).await.map(drop)
    }

    /// The first phase that is stale, mostly; else any.
    async fn reaffirm(&mut self) -> Done {
        let any = self.dice.random_range(2..=9);
        let board = wire::GetBoardRequest { scope: Some(whole(self.office.workflow)) };
        let board = self.office.lead().call(board).await?.board;
        let mut phases = board.unwrap_or_default().phases;
        phases.retain(|status| status.stale);
        let first = phases.first().map_or(any, |status| status.phase);
        let phase = if self.dice.random_bool(0.8) { first } else { any };
        self.office.reaffirm(Phase::new(phase)).await.map(drop)
    }

    /// The next version of a phase, up to its approval; or what is left to do with one that is open.
    async fn version(&mut self, phase: Phase) -> Done {
        if [5, 6, 7].contains(&phase.number()) {
            return self.office.start(phase).await.map(drop);
        }
        let (here, office) = (self.office.here(phase), &self.office);
        let (tester, approver) = (office.tester(), office.approver(phase));
        let list = ListVersionsRequest { scope: Some(here.clone()), ..Default::default() };
        let versions = tester.call(list).await?.versions;
        let mut newest = match versions.into_iter().next() {
            None => tester.create(&here, content(phase)).await?,
            Some(open) if matches!(open.state(), VersionState::Draft | VersionState::Submitted) => {
                open
            }
            Some(closed) => {
                let number = u32::try_from(closed.number).unwrap() + 10;
                let more = match phase {
                    Phase::SAMPLE_SELECTION => samples(number..number + 1),
                    _ => Vec::new(),
                };
                tester.revise(&here, more).await?
            }
        };
        if newest.state() == VersionState::Draft {
            newest = tester.submit(&newest).await?;
        }
        if newest.counts.unwrap().pending > 0 {
            approver.rule_rest(&newest, Verdict::Approved).await?;
        }
        approver.approve(&newest).await.map(drop)
    }

    async fn assign(&mut self) -> Done {
        let at = self.dice.random_range(0..LOBS.len());
        self.office.lanes.assign(LOBS[at], OWNERS[at]).await.map(drop)
    }

    async fn document(&mut self) -> Done {
        let at = self.dice.random_range(0..LOBS.len());
        let mut cases = self.cases(LOBS[at]).await?;
        cases.retain(|case| case.current_submission_id.is_empty());
        if cases.is_empty() {
            return Ok(());
        }
        let document = self.office.lanes.submit(OWNERS[at], &cases).await?;
        self.office.lanes.review(&document, audit::DocumentStatus::Accepted).await.map(drop)
    }

    /// The cases of a lane, if there is room to read them.
    async fn cases(&self, lob: Uuid) -> Result<Vec<audit::TestCase>, Status> {
        let request = audit::ListTestCasesRequest {
            scope: Some(self.office.here(Phase::REQUEST_INFO)),
            lob_id: lob.to_string(),
            page_size: 1000,
            ..Default::default()
        };
        Ok(self.office.tester().call(request).await?.test_cases)
    }

    async fn test(&mut self) -> Done {
        let lob = *LOBS.choose(&mut self.dice).unwrap();
        let cases = self.cases(lob).await?;
        let waits =
            |case: &&audit::TestCase| case.state() == audit::TestCaseState::EvidenceSubmitted;
        let Some(case) = cases.iter().find(waits) else { return Ok(()) };
        let submission_id = case.current_submission_id.clone();
        let document = audit::Document { submission_id, ..Default::default() };
        let execution = self.office.lanes.start(case, &document).await?;
        self.office.lanes.conclude(&execution, audit::ExecutionResult::Pass).await.map(drop)
    }
}

/// A report on which sixteen people work at once, from this phase on; what they did is judged by the
/// trails alone.
async fn disorder(house: &House, seed: u64, through: Phase) -> Judged {
    let first = Office::of(house).await;
    first.through(through).await;
    let (other, shutdown) = house.replica().await;
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let address = if number % 2 == 0 { house.address } else { other };
        let office = Office::at(address, &house.provider, first.workflow).await;
        let dice = ChaCha8Rng::seed_from_u64(seed * CLIENTS + number);
        clients.push(Client { office, dice, done: 0, refused: 0 });
    }
    let clients = join_all(clients.into_iter().map(Client::work)).await;
    let done: usize = clients.iter().map(|client| client.done).sum();
    let refused: usize = clients.iter().map(|client| client.refused).sum();
    assert!(done > 20 && refused > 20, "seed {seed}: {done} done, {refused} refused");
    shutdown.cancel();

    // Whatever was begun can be finished, and then the report can be brought to its end.
    for status in first.board().await.phases {
        if status.reopening > 0 {
            first.reopen(Phase::new(status.phase)).await.unwrap();
        }
    }
    let judged =
        Judged::of(first.trail(Source::Versioning).await, first.trail(Source::Audit).await);
    judged.expect_order(&first.board().await);
    for source in [Source::Versioning, Source::Audit, Source::Gateway] {
        let found = first.verify(source).await;
        assert!(found.intact, "seed {seed}: {:?}", found.first_damaged);
    }
    judged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_sixteen_people_do_no_phase_is_opened_before_its_time() {
    let house = House::new().await;
    let (mut opened, mut reopened) = (0, 0);
    for (seed, through) in [(2, Phase::DATA_OWNER_ID), (3, Phase::TEST_EXECUTION)] {
        let judged = disorder(&house, seed, through).await;
        // Beyond those that were opened before the disorder began.
        opened += judged.opened - usize::try_from(through.number()).unwrap();
        reopened += judged.reopened;
    }
    assert!(opened > 3, "{opened} phases were opened");
    assert!(reopened > 5, "{reopened} phases were reopened");
}
