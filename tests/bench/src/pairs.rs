//! Measuring two things side by side.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::stats::Samples;

/// A duration in milliseconds.
pub fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// How long something takes, in milliseconds, and what it answers.
///
/// # Errors
/// What it says.
pub async fn timed<T>(work: impl Future<Output = Result<T>>) -> Result<(f64, T)> {
    let began = Instant::now();
    let done = work.await?;
    Ok((milliseconds(began.elapsed()), done))
}

/// Measures one thing and the other in turns, so many times each, after one turn that does not
/// count. Each says its own number: what comes before and after is not measured.
///
/// # Errors
/// What they say.
pub async fn in_turns(
    times: usize,
    mut one: impl AsyncFnMut() -> Result<f64>,
    mut other: impl AsyncFnMut() -> Result<f64>,
) -> Result<(Samples, Samples)> {
    let (mut ones, mut others) = (Samples::default(), Samples::default());
    for turn in 0..=times {
        let (a, b) = (one().await?, other().await?);
        if turn > 0 {
            ones.add(a);
            others.add(b);
        }
    }
    Ok((ones, others))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn turns_alternate_and_the_first_does_not_count() {
        let clock = Cell::new(0.0);
        let tick = async || {
            clock.set(clock.get() + 1.0);
            Ok(clock.get())
        };
        let (ones, others) = in_turns(2, tick, tick).await.unwrap();
        assert_eq!((ones.values(), others.values()), (&[3.0, 5.0][..], &[4.0, 6.0][..]));
    }
}
