//! Whether anything grew, or was not done.
//!
//! The first quarter is for warming up: what is compared with is the second. What was not measured is
//! not a number, which is no better than too much.

use std::collections::BTreeMap;

use serde::Serialize;

use super::report::Sample;
use crate::stats::{Samples, count};

/// By how much memory may have grown: by this part, or by so many KiB.
const GROWN: f64 = 1.1;
const GROWN_KIB: f64 = 16.0 * 1024.0;
/// How many more files may be open.
const MORE_FILES: usize = 32;
/// How much longer one call in a hundred may take: so many times, or so many milliseconds.
const SLOWER: f64 = 1.5;
const SLOWER_MS: f64 = 5.0;
/// How much further the feeds may be behind: so many times, or so many seconds.
const BEHIND: f64 = 1.5;
const BEHIND_SECONDS: f64 = 2.0;
/// Which part of the calls that are offered must be answered as they are offered.
const KEPT: f64 = 0.95;
/// Which part of all calls may be refused: none is meant to be.
const REFUSED: f64 = 0.001;
/// Which part of the samples may lack something.
const UNSEEN: f64 = 0.01;

/// What a process needed in a quarter.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Needed {
    /// Resident memory, in KiB: the mean.
    pub(super) memory: f64,
    /// Open files, at most.
    pub(super) files: usize,
}

/// A quarter of the time.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Quarter {
    pub(super) rate: f64,
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) answered: usize,
    pub(super) refused: usize,
    /// At most.
    pub(super) lag_records: i64,
    pub(super) lag_seconds: f64,
    /// The mean: one moment in which the machine did something else is not the quarter.
    pub(super) mean_lag_seconds: f64,
    pub(super) needs: BTreeMap<&'static str, Needed>,
    /// How many samples there are, and how many of them lack something.
    pub(super) samples: usize,
    pub(super) unseen: usize,
}

/// What was noted, in four parts.
pub(super) fn quarters(samples: &[Sample]) -> Vec<Quarter> {
    let begins: Vec<usize> = (0..=4).map(|nth| samples.len() * nth / 4).collect();
    begins
        .windows(2)
        .map(|of| {
            let before = of[0].checked_sub(1).map_or(0.0, |before| samples[before].at);
            quarter(&samples[of[0]..of[1]], before)
        })
        .collect()
}

fn quarter(samples: &[Sample], began: f64) -> Quarter {
    let Some(last) = samples.last() else { return Quarter::default() };
    let took: Samples = samples.iter().flat_map(|sample| sample.took.iter().copied()).collect();
    let answered = samples.iter().map(|sample| sample.answered).sum();
    let needed = |name: &&'static str| {
        let needs = || samples.iter().filter_map(|sample| sample.needs.get(name));
        Needed {
            memory: needs()
                .map(|of| f64::from(u32::try_from(of.memory).unwrap_or(u32::MAX)))
                .collect::<Samples>()
                .mean(),
            files: needs().map(|of| of.files).max().unwrap_or_default(),
        }
    };
    let lags: Samples = samples.iter().filter_map(|sample| sample.lag_seconds).collect();
    Quarter {
        rate: count(answered) / (last.at - began),
        p50: took.median(),
        p99: took.quantile(0.99),
        answered,
        refused: samples.iter().flat_map(|sample| sample.refused.values()).sum(),
        lag_records: samples.iter().filter_map(|of| of.lag_records).max().unwrap_or_default(),
        lag_seconds: lags.values().iter().copied().fold(0.0, f64::max),
        mean_lag_seconds: lags.mean(),
        needs: last.needs.keys().map(|name| (*name, needed(name))).collect(),
        samples: samples.len(),
        unseen: samples.iter().filter(|sample| !sample.unseen.is_empty()).count(),
    }
}

/// Whether a value is at most so many times as much as before, or so much more.
fn is_flat((before, now): (f64, f64), times: f64, more: f64) -> bool {
    now <= before * times || now <= before + more
}

/// What is not as it must be, if so many calls a second were offered.
pub(super) fn faults(quarters: &[Quarter], offered: f64, caught_up: bool) -> Vec<String> {
    let [_, second, _, last] = quarters else { return vec!["nothing was noted".to_owned()] };
    let mut faults = Vec::new();
    for (name, now) in &last.needs {
        let before = second.needs.get(name).copied().unwrap_or_default();
        if !is_flat((before.memory, now.memory), GROWN, GROWN_KIB) {
            let (before, now) = (before.memory / 1024.0, now.memory / 1024.0);
            faults.push(format!("{name} grew from {before:.1} to {now:.1} MiB"));
        }
        if now.files > before.files + MORE_FILES {
            let (before, now) = (before.files, now.files);
            faults.push(format!("{name} had {before} files open, and now {now}"));
        }
    }
    if !is_flat((second.p99, last.p99), SLOWER, SLOWER_MS) {
        faults.push(format!("p99 went from {:.1} to {:.1} ms", second.p99, last.p99));
    }
    let behind = (second.mean_lag_seconds, last.mean_lag_seconds);
    if !is_flat(behind, BEHIND, BEHIND_SECONDS) {
        faults.push(format!("the feeds' lag went from {:.1} to {:.1} s", behind.0, behind.1));
    }
    for (nth, quarter) in (1..).zip(quarters) {
        let is_kept = quarter.rate >= offered * KEPT;
        if !is_kept {
            let rate = quarter.rate;
            faults
                .push(format!("{rate:.1} of {offered:.1} calls/s were answered in quarter {nth}"));
        }
    }
    let answered: usize = quarters.iter().map(|of| of.answered).sum();
    let refused: usize = quarters.iter().map(|of| of.refused).sum();
    if count(refused) > count(answered + refused) * REFUSED {
        faults.push(format!("{refused} calls were refused, and {answered} answered"));
    }
    let samples: usize = quarters.iter().map(|of| of.samples).sum();
    let unseen: usize = quarters.iter().map(|of| of.unseen).sum();
    if count(unseen) > count(samples) * UNSEEN {
        faults.push(format!("{unseen} of {samples} samples lack something"));
    }
    if !caught_up {
        faults.push("the feeds are not at their end".to_owned());
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::super::report::Needs;
    use super::*;

    fn sample(at: f64, memory: u64, took: f64) -> Sample {
        Sample {
            at,
            needs: [("gateway", Needs { memory, files: 20 })].into(),
            took: vec![took; 10],
            answered: 10,
            p50: took,
            p99: took,
            refused: BTreeMap::new(),
            lag_records: Some(3),
            lag_seconds: Some(0.5),
            unseen: Vec::new(),
        }
    }

    /// Of each quarter two samples, with ten calls a second.
    fn samples() -> Vec<Sample> {
        (1..=8).map(|at| sample(f64::from(at), 1024, 1.0)).collect()
    }

    fn judged(memory: [u64; 4], took: [f64; 4]) -> Vec<String> {
        let samples = samples().into_iter().enumerate();
        let samples: Vec<Sample> =
            samples.map(|(n, of)| sample(of.at, memory[n / 2] * 1024, took[n / 2])).collect();
        let quarters = quarters(&samples);
        assert_eq!(quarters.len(), 4);
        assert!(quarters.iter().all(|of| of.answered == 20 && (of.rate - 10.0).abs() < 1e-9));
        faults(&quarters, 10.0, true)
    }

    fn judged_lags(lags: [f64; 4]) -> Vec<String> {
        let mut samples = samples();
        for (n, sample) in samples.iter_mut().enumerate() {
            sample.lag_seconds = Some(lags[n / 2]);
        }
        faults(&quarters(&samples), 10.0, true)
    }

    #[test]
    fn what_is_flat_is_well() {
        assert!(judged([10, 100, 100, 109], [90.0, 10.0, 10.0, 14.9]).is_empty());
        assert!(judged([10, 20, 30, 35], [1.0, 1.0, 2.0, 3.0]).is_empty(), "little in any case");
    }

    #[test]
    fn what_grows_is_named() {
        let grown = judged([100, 100, 110, 120], [1.0; 4]);
        assert_eq!(grown, ["gateway grew from 100.0 to 120.0 MiB"]);
        let slower = judged([100; 4], [10.0, 10.0, 10.0, 16.0]);
        assert_eq!(slower, ["p99 went from 10.0 to 16.0 ms"]);
    }

    #[test]
    fn what_is_refused_or_left_over_is_named() {
        let mut samples = samples();
        samples[3].refused.insert("UNAVAILABLE".to_owned(), 1);
        let found = faults(&quarters(&samples), 10.0, false);
        assert_eq!(
            found,
            ["1 calls were refused, and 80 answered", "the feeds are not at their end"]
        );
        assert_eq!(faults(&[], 10.0, true), ["nothing was noted"]);
    }

    #[test]
    fn feeds_that_fall_behind_are_named() {
        assert!(judged_lags([9.0, 0.5, 0.5, 2.4]).is_empty(), "little in any case");
        assert!(judged_lags([9.0, 8.0, 9.0, 11.0]).is_empty(), "hardly more than before");
        // One that grows all the time.
        let found = judged_lags([0.5, 1.5, 2.5, 3.6]);
        assert_eq!(found, ["the feeds' lag went from 1.5 to 3.6 s"]);
        let mut samples = samples();
        // A moment is not enough.
        samples[7].lag_seconds = Some(4.0);
        assert!(faults(&quarters(&samples), 10.0, true).is_empty());
    }

    #[test]
    fn what_is_offered_and_not_answered_is_named() {
        let mut samples = samples();
        assert!(faults(&quarters(&samples), 10.5, true).is_empty());
        let found = faults(&quarters(&samples), 11.0, true);
        assert_eq!(found.len(), 4, "{found:?}");
        assert_eq!(found[0], "10.0 of 11.0 calls/s were answered in quarter 1");
        // Nobody was answered in the end: there is no latency that could have grown.
        for sample in &mut samples[6..] {
            (sample.took, sample.answered) = (Vec::new(), 0);
        }
        let found = faults(&quarters(&samples), 10.0, true);
        let none = "0.0 of 10.0 calls/s were answered in quarter 4";
        assert_eq!(found, ["p99 went from 1.0 to NaN ms", none]);
    }

    #[test]
    fn what_was_not_seen_is_named() {
        let mut samples = samples();
        samples[2].unseen.push("gateway: it is gone".to_owned());
        samples[2].needs.clear();
        let found = faults(&quarters(&samples), 10.0, true);
        assert_eq!(found, ["1 of 8 samples lack something"]);
        for sample in &mut samples {
            (sample.lag_records, sample.lag_seconds) = (None, None);
        }
        let found = faults(&quarters(&samples), 10.0, true);
        assert_eq!(found[0], "the feeds' lag went from NaN to NaN s");
    }
}
