//! Services are killed and PostgreSQL ends without a word, while many are at it: nothing that was acknowledged is
//! lost, nothing happens twice, and no workflow is stuck.

use std::sync::Arc;

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use signoff_tests::settings;

use super::chaos::{self, Kills};
use super::judge::{Tally, judge};
use super::round::{Client, Round};
use super::site::Site;

/// How often something is killed before the workflows are looked at: histories stay short.
const AT_ONCE: usize = 20;

/// Kills so often.
async fn disorder(replicas: usize, wanted: usize) {
    let seed = settings::seed();
    let mut site = Site::start(replicas).await;
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let (mut kills, mut all) = (Kills::default(), Tally::default());
    let mut lost = 0;
    while kills.all() < wanted {
        let round = Arc::new(Round::begin(&site).await);
        let clients = chaos::begin(&site, &round, seed + u64::try_from(kills.all()).unwrap());
        let until = wanted.min(kills.all() + AT_ONCE);
        while kills.all() < until {
            chaos::kill(&mut site, &round, &mut dice, &mut kills).await;
        }
        for process in &mut site.processes {
            process.serves().await;
        }
        chaos::end(&round, clients).await;
        let tally = judge(&round, &Client::new(&site, 0), seed).await;
        lost += round.unanswered();
        println!("{kills:?}: {tally:?}");
        all = all.and(tally);
    }
    let in_vain: usize = site.processes.iter().map(|of| of.in_vain).sum();
    println!("{} kills, {in_vain} starts in vain, {lost} answers lost: {all:?}", kills.all());
    assert!(all.lost > wanted / 5, "hardly anybody noticed a thing: {all:?}");
    assert!(all.done > wanted * 2, "{all:?}");
    assert!(all.amid < all.calls / 4, "{all:?}");
    site.settled(site.gateways()[0]).await;
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_killed_an_order_explains_what_many_were_answered() {
    disorder(1, settings::told("SIGNOFF_TEST_KILLS").unwrap_or(20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_it_does_where_every_service_is_there_twice() {
    disorder(2, settings::told("SIGNOFF_TEST_KILLS").unwrap_or(10)).await;
}
