//! Every service is there twice, and one of the two goes for good.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use signoff_contract::metrics::v1::GetFreshnessRequest;
use signoff_tests::house::AUDITOR;
use signoff_tests::settings;
use signoff_workflow::Role;

use super::answers::{Told, told};
use super::calm::{calmly, expect_much};
use super::chaos::{self, CLIENTS};
use super::judge::judge;
use super::round::{Client, Round};
use super::site::{Kind, Site, channel};

/// How many calls are answered before each of them goes, and afterwards.
const CALLS: usize = 60;
/// How often each gateway is asked for the numbers: whichever replica it asks first, the one that is gone is among
/// them.
const ASKED: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_every_service_is_there_twice_one_that_goes_costs_errors_that_a_retry_heals() {
    let seed = settings::seed();
    let mut site = Site::start(2).await;
    let (_, tally) = calmly(&site, seed).await;
    expect_much(&tally, CLIENTS * 20);

    let round = Arc::new(Round::begin(&site).await);
    let clients = chaos::begin(&site, &round, seed + 1);
    let mut answered = 0;
    for kind in [Kind::Versioning, Kind::Audit, Kind::Metrics, Kind::Gateway] {
        round.tickets.add_permits(CALLS * 2);
        chaos::answered(&round, answered + CALLS).await;
        round.calm_from.store(u64::MAX, Ordering::SeqCst);
        let victim = site.processes.iter_mut().find(|of| of.kind == kind).unwrap();
        victim.kill().await;
        // Whoever asks from now on never hears of it: the gateway sends the call to the other one.
        if kind != Kind::Gateway {
            round.calm_from.store(round.now(), Ordering::SeqCst);
        }
        if kind == Kind::Metrics {
            expect_numbers(&site).await;
        }
        answered += CALLS * 2;
        chaos::answered(&round, answered).await;
    }
    // Those whose gateway went have found the other one by now, or do so by their next call.
    round.tickets.add_permits(CALLS);
    chaos::answered(&round, answered + CALLS).await;
    chaos::end(&round, clients).await;
    let late = round.late.lock().unwrap().clone();
    assert!(late.is_empty(), "seed {seed}: who came later heard of it\n{}", late.join("\n"));
    let living = site.gateways().len() - 1;
    let tally = judge(&round, &Client::new(&site, living), seed).await;
    println!("{} answers lost: {tally:?}", round.unanswered());
    site.settled(site.gateways()[living]).await;
    site.stop().await;
}

/// Expects that every gateway has the numbers at once, though one of those who count is gone.
async fn expect_numbers(site: &Site) {
    for gateway in site.gateways() {
        let auditor = site.person(&channel(gateway), AUDITOR, &[Role::Auditor]);
        for _ in 0..ASKED {
            if let Err(status) = auditor.call(GetFreshnessRequest {}).await {
                assert!(matches!(told(&status), Told::Busy), "{status:?}");
            }
        }
    }
}
