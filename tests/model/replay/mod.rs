//! The trail and the rows that never change tell everything: from them the state of every version at
//! every moment of a random history is rebuilt, and is what the service answered then.

mod rebuilt;
mod told;

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use signoff_tests::World;
use tonic::transport::Channel;

use crate::choose::{Raw, choose};
use crate::driver::Driver;
use rebuilt::Rebuilt;
use told::{Rows, Told};

/// Histories, and the steps of each.
const HISTORIES: usize = 4;
const STEPS: usize = 60;

/// What the service answered when its chain had so many records.
struct Moment {
    records: i64,
    versions: Vec<serde_json::Value>,
}

/// Lets random things happen, and notes what the service answers after each.
async fn live(world: &World, channel: &Channel, raws: &[Raw]) -> (Driver, Vec<Moment>) {
    let mut driver = Driver::new(world, channel).await;
    let mut moments = Vec::new();
    for (serial, raw) in raws.iter().enumerate() {
        let step = choose(&driver.line, raw, serial);
        driver.step(&step).await.unwrap_or_else(|wrong| panic!("{wrong}"));
        let records = driver.records().await;
        moments.push(Moment { records, versions: told::answered(&driver).await });
    }
    (driver, moments)
}

#[test]
fn every_moment_is_rebuilt_from_the_trail_and_the_rows_that_never_change() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let channel = runtime.block_on(world.channel());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut rebuilt_moments = 0;
    for _ in 0..HISTORIES {
        let raws = vec(any::<Raw>(), STEPS).new_tree(&mut runner).unwrap().current();
        let (driver, moments) = runtime.block_on(live(&world, &channel, &raws));
        let (chain, rows) = runtime.block_on(async {
            let mut database = world.as_superuser().await;
            let chain = Told::read(&mut database, driver.workflow()).await;
            (chain, Rows::read(&mut database, driver.workflow()).await)
        });
        let mut rebuilt = Rebuilt::default();
        let mut records = chain.iter().peekable();
        for (step, moment) in moments.iter().enumerate() {
            while let Some(record) = records.next_if(|record| record.sequence <= moment.records) {
                rebuilt.apply(record, &rows);
            }
            assert_eq!(rebuilt.versions(&rows), moment.versions, "after step {step}");
            rebuilt_moments += 1;
        }
        assert!(records.next().is_none(), "records that no moment has seen");
    }
    assert_eq!(rebuilt_moments, HISTORIES * STEPS);
    runtime.block_on(world.stop());
}
