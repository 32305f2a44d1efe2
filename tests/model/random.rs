//! Random commands: every answer, and every old version after every step.

use std::env;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use signoff_tests::{World, integrity};
use tonic::transport::Channel;

use crate::choose::{Raw, choose};
use crate::driver::Driver;

/// Cases of a run that does not say how many.
const CASES: u32 = 12;
/// Steps of a case at most.
const STEPS: usize = 56;

fn number<T: std::str::FromStr>(variable: &str, default: T) -> T {
    env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// Takes the steps that the numbers choose; says which they were where one is wrong.
async fn run(world: &World, channel: &Channel, raws: &[Raw]) -> Result<(usize, usize), String> {
    let mut driver = Driver::new(world, channel).await;
    let (mut log, mut done) = (String::new(), 0);
    for (serial, raw) in raws.iter().enumerate() {
        let step = choose(&driver.line, raw, serial);
        log.push_str(&format!("{} {:?} {:?}\n", step.who.user_id, step.tag, step.command));
        done += usize::from(driver.line.clone().apply(&step).is_ok());
        driver.step(&step).await.map_err(|wrong| format!("after\n{log}{wrong}"))?;
    }
    driver.verify().await.map_err(|wrong| format!("after\n{log}{wrong}"))?;
    Ok((done, driver.line.versions.len()))
}

/// `SIGNOFF_CASES` makes it longer, `SIGNOFF_SEED` another.
#[test]
fn the_service_agrees_with_explicit_sets() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let channel = runtime.block_on(world.channel());
    let config = Config {
        cases: number("SIGNOFF_CASES", CASES),
        max_shrink_iters: 400,
        failure_persistence: None,
        ..Config::default()
    };
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number("SIGNOFF_SEED", 1_u64).to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let (done, versions) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let outcome = TestRunner::new_with_rng(config.clone(), rng).run(
        &vec(any::<Raw>(), STEPS * 2 / 3..=STEPS),
        |raws| {
            let ran = runtime.block_on(run(&world, &channel, &raws));
            let (steps, made) = ran.map_err(TestCaseError::fail)?;
            done.fetch_add(steps, Ordering::Relaxed);
            versions.fetch_add(made, Ordering::Relaxed);
            Ok(())
        },
    );
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(why, _)) => panic!("{why}"),
        Err(TestError::Abort(why)) => panic!("gave up: {why}"),
    }
    let faults =
        runtime.block_on(async { integrity::faults(&mut world.as_superuser().await).await });
    assert!(faults.is_empty(), "{faults:?}");
    // The numbers must lead somewhere: a line that never gets beyond its first version shows little.
    let (done, versions) = (done.into_inner(), versions.into_inner());
    let cases = usize::try_from(config.cases).unwrap();
    assert!(done >= 12 * cases && versions >= 3 * cases, "{done} steps, {versions} versions");
    runtime.block_on(world.stop());
}
