//! 32 clients race through two replicas, each on a connection of its own.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;

use futures::future::join_all;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::{ErrorReason, Scope};
use signoff_tests::people::{request_id, scope};
use signoff_tests::refusals::{reason, refused};
use signoff_tests::{Person, World, acts, build, integrity, world};
use signoff_workflow::{Phase, Role, Workflow};
use sqlx::{PgConnection, Row};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Response, Status};
use wire::{Version, VersionState};

const CLIENTS: usize = 32;
/// What each client does where all do as they like.
const ROUNDS: usize = 12;

/// Two replicas over one database, and a workflow with an opened phase.
struct Track {
    world: World,
    addresses: [SocketAddr; 2],
    replica: CancellationToken,
    workflow: Workflow,
    here: Scope,
}

impl Track {
    async fn new() -> Self {
        let (world, workflow) = (World::new().await, world::workflow());
        let phase = Phase::SAMPLE_SELECTION;
        world.open_phases(workflow, &[phase]).await;
        let (second, replica) = world.replica().await;
        let addresses = [world.address, second];
        Self { world, addresses, replica, workflow, here: scope(workflow, phase) }
    }

    /// A client with a connection of its own; every other one goes to the second replica.
    async fn client(&self, number: usize, user_id: i64, role: Role) -> Person {
        let channel = world::connect(self.addresses[number % 2]).await;
        Person::new(&self.world.key, channel, user_id, Some(self.workflow), &[role]).patient()
    }

    /// As many people, each somebody else.
    async fn people(&self, role: Role) -> Vec<Person> {
        let first = if role == Role::Tester { 100 } else { 200 };
        let people = (first..).zip(0..CLIENTS);
        join_all(people.map(|(user_id, number)| self.client(number, user_id, role))).await
    }

    /// What must hold at the end, whatever happened.
    async fn finish(self, database: &mut PgConnection) {
        let faults = integrity::faults(database).await;
        assert!(faults.is_empty(), "{faults:?}");
        let auditor = self.world.person(40, self.workflow, &[Role::Auditor]).await;
        let verified = auditor.verify(self.workflow).await;
        assert!(verified.intact, "{verified:?}");
        self.replica.cancel();
        self.world.stop().await;
    }
}

/// All at once; what each is answered.
async fn race<T, F>(clients: &[Person], act: impl Fn(Person, usize) -> F) -> Vec<Result<T, Status>>
where
    F: Future<Output = Result<T, Status>> + Send + 'static,
    T: Send + 'static,
{
    let tasks = clients.iter().cloned().zip(0..).map(|(client, n)| tokio::spawn(act(client, n)));
    join_all(tasks.collect::<Vec<_>>()).await.into_iter().map(|done| done.unwrap()).collect()
}

/// The one that came first; all others are refused for this reason.
#[track_caller]
fn winner<T: std::fmt::Debug>(answers: Vec<Result<T, Status>>, expected: ErrorReason) -> T {
    let (mut won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, CLIENTS - 1));
    for lost in lost {
        refused(lost.map(Response::new), Code::FailedPrecondition, expected);
    }
    won.remove(0).unwrap()
}

async fn count(database: &mut PgConnection, query: &'static str) -> usize {
    let rows: i64 = sqlx::query_scalar(query).fetch_one(database).await.unwrap();
    usize::try_from(rows).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_step_of_a_line_is_taken_once() {
    let track = Track::new().await;
    let (testers, owners) =
        (track.people(Role::Tester).await, track.people(Role::ReportOwner).await);
    let mut database = track.world.as_superuser().await;
    let here = &track.here;
    for number in 1..=2 {
        let answers = race(&testers, |person, n| {
            let (here, n) = (here.clone(), u32::try_from(n).unwrap());
            async move {
                let items = build::inputs(1000 * number + 8 * n..1000 * number + 8 * (n + 1));
                if number == 1 {
                    person.create(&here, items).await
                } else {
                    person.revise(&here, items).await
                }
            }
        })
        .await;
        let reason =
            if number == 1 { ErrorReason::VersionState } else { ErrorReason::VersionAlreadyOpen };
        let draft = winner(answers, reason);
        assert_eq!((draft.number, draft.counts.unwrap().pending), (number.cast_signed(), 8));

        let submitted = race(&testers, |person, _| {
            let draft = draft.clone();
            async move { person.submit(&draft).await }
        })
        .await;
        let submitted = winner(submitted, ErrorReason::VersionState);

        let decisions = owners[0].decisions(&submitted).await;
        let pending: Vec<_> = decisions.into_iter().filter(|of| of.decided_by == 0).collect();
        let before = count(&mut database, "select count(*) from rulings").await;
        let ruled = race(&owners, |person, n| {
            let (version, pending) = (submitted.clone(), pending.clone());
            let rule = if n.is_multiple_of(2) {
                |of: &wire::Decision| acts::approved(of)
            } else {
                |of: &wire::Decision| acts::rejected(of, "not this one")
            };
            async move { person.rule(&version, pending.iter().map(rule).collect()).await }
        })
        .await;
        assert!(ruled.iter().all(Result::is_ok), "{ruled:?}");
        let after = count(&mut database, "select count(*) from rulings").await;
        assert_eq!(after - before, CLIENTS * pending.len());
        let each = "select count(*) from (
            select from rulings r where from_version = (select max(number) from versions)
            group by item_no, decided_by having count(*) <> 1) x";
        assert_eq!(count(&mut database, each).await, 0);

        // Whoever ruled last: somebody approves something.
        owners[0].rule(&submitted, pending.iter().map(acts::approved).collect()).await.unwrap();
        let approved = race(&owners, |person, _| {
            let version = submitted.clone();
            async move { person.approve(&version).await }
        })
        .await;
        let approved = winner(approved, ErrorReason::VersionState);
        assert_eq!(approved.state(), VersionState::Approved);
    }
    track.finish(&mut database).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_request_of_many_clients_is_done_once() {
    let track = Track::new().await;
    let one = (0..CLIENTS).map(|number| track.client(number, 10, Role::Tester));
    let clients = join_all(one).await;
    let mut database = track.world.as_superuser().await;
    let request = wire::CreateVersionRequest {
        scope: Some(track.here.clone()),
        request_id: request_id(),
        decisions: build::inputs(0..20),
        ..Default::default()
    };
    let answers = race(&clients, |person, _| {
        let request = request.clone();
        async move { person.call(request).await }
    })
    .await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let version = answers[0].version.clone().unwrap();
    let request = wire::AddDecisionsRequest {
        scope: Some(track.here.clone()),
        request_id: request_id(),
        version_id: version.version_id.clone(),
        decisions: build::inputs(20..30),
        ..Default::default()
    };
    let answers = race(&clients, |person, _| {
        let request = request.clone();
        async move { person.call(request).await }
    })
    .await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(clients[0].get(&version).await.unwrap().counts.unwrap().total, 30);
    let doubled = "select count(*) from (
        select from trail where action in ('version.created', 'decisions.added')
        group by request_id having count(*) > 1) x";
    assert_eq!(count(&mut database, doubled).await, 0);
    assert_eq!(count(&mut database, "select count(*) from items").await, 30);
    track.finish(&mut database).await;
}

/// What somebody did, as the trail calls it, and how many rulings came of it.
type Done = (&'static str, usize);

/// Somebody does what comes to their mind about the newest version.
async fn whatever(
    person: &Person,
    here: &Scope,
    tester: bool,
    dice: &mut StdRng,
) -> Result<Done, Status> {
    let newest = person.versions(here).await.into_iter().next();
    let Some(version) = newest else {
        return person.create(here, build::inputs(0..4)).await.map(|_| ("version.created", 0));
    };
    let first: u32 = dice.random_range(0..100_000);
    let items = || build::inputs(first..first + 2);
    match (tester, dice.random_range(0..10), version.state()) {
        (true, 0..4, VersionState::Draft) => {
            person.add(&version, items()).await.map(|_| ("decisions.added", 0))
        }
        (true, 0..8, VersionState::Draft) => {
            person.submit(&version).await.map(|_| ("version.submitted", 0))
        }
        (true, 0..2, VersionState::Submitted) => {
            person.withdraw(&version).await.map(|_| ("version.withdrawn", 0))
        }
        (true, ..) => person.revise(here, items()).await.map(|_| ("version.revised", 0)),
        (false, 0..6, _) => {
            let decisions = person.decisions(&version).await;
            rule(person, &version, &decisions, dice).await
        }
        (false, 6..9, _) => person.approve(&version).await.map(|_| ("version.approved", 0)),
        (false, ..) => person.reject(&version, "again").await.map(|_| ("version.rejected", 0)),
    }
}

async fn rule(
    person: &Person,
    version: &Version,
    decisions: &[wire::Decision],
    dice: &mut StdRng,
) -> Result<Done, Status> {
    let most = if dice.random_bool(0.4) { decisions.len() } else { 3 };
    let chosen: Vec<_> = decisions.choose_multiple(dice, most).collect();
    let reviews: Vec<_> = chosen.iter().map(|decision| acts::approved(decision)).collect();
    let count = reviews.len();
    person.rule(version, reviews).await.map(|_| ("decisions.reviewed", count))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_there_once() {
    let track = Track::new().await;
    let (testers, owners) =
        (track.people(Role::Tester).await, track.people(Role::ReportOwner).await);
    let clients: Vec<_> = testers
        .iter()
        .zip(&owners)
        .take(CLIENTS / 2)
        .flat_map(|(a, b)| [a.clone(), b.clone()])
        .collect();
    let answers = race(&clients, |person, n| {
        let here = track.here.clone();
        async move {
            let mut dice = StdRng::seed_from_u64(u64::try_from(n).unwrap());
            let mut done = Vec::new();
            for _ in 0..ROUNDS {
                match whatever(&person, &here, n.is_multiple_of(2), &mut dice).await {
                    Ok(what) => done.push(what),
                    Err(status) => expect_a_refusal(&status),
                }
            }
            Ok(done)
        }
    })
    .await;
    let mut acknowledged: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (action, rulings) in answers.into_iter().flat_map(Result::unwrap) {
        let of = acknowledged.entry(action).or_default();
        *of = (of.0 + 1, of.1 + rulings);
    }
    let mut database = track.world.as_superuser().await;
    let recorded = sqlx::query(
        "select t.action, count(*) as records from trail t
         where action not like 'phase.%' and action <> 'version.superseded' group by 1",
    )
    .fetch_all(&mut database)
    .await
    .unwrap();
    let recorded: BTreeMap<String, i64> =
        recorded.iter().map(|row| (row.get("action"), row.get("records"))).collect();
    let expected: BTreeMap<String, i64> = acknowledged
        .iter()
        .map(|(action, (calls, _))| ((*action).to_owned(), i64::try_from(*calls).unwrap()))
        .collect();
    assert_eq!(recorded, expected);
    // Rulings must have been raced for, or this shows nothing.
    assert!(expected.contains_key("decisions.reviewed"), "{expected:?}");
    let artifacts = count(&mut database, "select count(*) from artifacts").await;
    assert_eq!(artifacts, acknowledged.get("version.approved").map_or(0, |of| of.0));
    let rulings = count(&mut database, "select count(*) from rulings").await;
    assert_eq!(rulings, acknowledged["decisions.reviewed"].1);
    track.finish(&mut database).await;
}

/// A state that does not allow it, or a queue that is full: nothing else may come of a race.
#[track_caller]
fn expect_a_refusal(status: &Status) {
    let reason = reason(status);
    let expected = [
        "VERSION_STATE",
        "VERSION_ALREADY_OPEN",
        "DECISIONS_PENDING",
        "NOTHING_APPROVED",
        "ITEM_EXISTS",
        "VALIDATION_FAILED",
        "LIMIT_EXCEEDED",
        // A report owner who finds no version tries to make one.
        "ROLE_MISSING",
    ];
    assert!(expected.contains(&reason.as_str()), "{status:?}");
}
