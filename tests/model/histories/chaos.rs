//! Who is killed when.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::future::join_all;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use signoff_tests::wait::until_within;
use tokio::task::JoinHandle;

use super::round::{Client, PATIENCE, Round};
use super::site::{Kind, Site};

/// How many clients work at once.
pub(crate) const CLIENTS: usize = 24;

/// Lets the clients begin; they work as long as there are tickets.
pub(crate) fn begin(site: &Site, round: &Arc<Round>, seed: u64) -> Vec<JoinHandle<()>> {
    let client = |number: usize| {
        let (client, round) = (Client::new(site, number), Arc::clone(round));
        let seed = seed.wrapping_mul(1000).wrapping_add(u64::try_from(number).unwrap());
        let dice = ChaCha8Rng::seed_from_u64(seed);
        tokio::spawn(async move { round.work(client, dice).await })
    };
    (0..CLIENTS).map(client).collect()
}

/// Lets them work until so many calls were answered.
pub(crate) async fn answered(round: &Round, calls: usize) {
    let answered = || async { (round.answered.load(Ordering::SeqCst) >= calls).then_some(()) };
    until_within(PATIENCE, "answers", answered).await;
}

/// Lets them go.
pub(crate) async fn end(round: &Round, clients: Vec<JoinHandle<()>>) {
    round.tickets.close();
    for ended in join_all(clients).await {
        ended.unwrap();
    }
}

/// What was killed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Kills {
    pub(crate) versioning: usize,
    pub(crate) audit: usize,
    pub(crate) gateway: usize,
    pub(crate) metrics: usize,
    pub(crate) postgres: usize,
}

impl Kills {
    pub(crate) fn all(&self) -> usize {
        self.versioning + self.audit + self.gateway + self.metrics + self.postgres
    }

    fn count(&mut self, kind: Kind) {
        let of = match kind {
            Kind::Versioning => &mut self.versioning,
            Kind::Audit => &mut self.audit,
            Kind::Gateway => &mut self.gateway,
            Kind::Metrics => &mut self.metrics,
        };
        *of += 1;
    }
}

/// Kills something while they work, and starts it again.
pub(crate) async fn kill(site: &mut Site, round: &Round, dice: &mut ChaCha8Rng, kills: &mut Kills) {
    let more = dice.random_range(1..30);
    let from = round.answered.load(Ordering::SeqCst);
    // Some tickets are left when it comes, so that somebody is at work.
    round.tickets.add_permits(more + dice.random_range(12..24));
    until_within(PATIENCE, "answers", || {
        site.keep();
        async { (round.answered.load(Ordering::SeqCst) >= from + more).then_some(()) }
    })
    .await;
    match dice.random_range(0..20) {
        0..2 => {
            site.restart_postgres().await;
            kills.postgres += 1;
        }
        // Where nothing is kept, now and then.
        2 => kill_one(site, Kind::Metrics, dice, kills).await,
        3..7 => kill_one(site, Kind::Audit, dice, kills).await,
        7..13 => kill_one(site, Kind::Gateway, dice, kills).await,
        _ => kill_one(site, Kind::Versioning, dice, kills).await,
    }
}

async fn kill_one(site: &mut Site, kind: Kind, dice: &mut ChaCha8Rng, kills: &mut Kills) {
    let of = || site.processes.iter().enumerate().filter(|(_, of)| of.kind == kind);
    let nth = dice.random_range(0..of().count());
    let at = of().nth(nth).map(|(at, _)| at).unwrap();
    let process = &mut site.processes[at];
    process.kill().await;
    kills.count(kind);
    process.restart();
    // Mostly the next one is killed when this one is back.
    if dice.random_bool(0.8) {
        process.serves().await;
    }
}
