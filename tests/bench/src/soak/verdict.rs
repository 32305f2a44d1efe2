//! Whether anything grew.
//!
//! The first quarter is for warming up: what is compared with is the second.

use std::collections::BTreeMap;

use serde::Serialize;

use super::report::{Sample, mean};
use crate::stats::{Samples, count};

/// By how much memory may have grown: by this part, or by so many KiB.
const GROWN: f64 = 1.1;
const GROWN_KIB: f64 = 16.0 * 1024.0;
/// How many more files may be open.
const MORE_FILES: usize = 32;
/// How much longer one call in a hundred may take: so many times, or so many milliseconds.
const SLOWER: f64 = 1.5;
const SLOWER_MS: f64 = 5.0;
/// Which part of all calls may be refused: none is meant to be.
const REFUSED: f64 = 0.001;

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
    pub(super) lag_records: i64,
    pub(super) lag_seconds: f64,
    pub(super) needs: BTreeMap<&'static str, Needed>,
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
            memory: mean(needs().map(|of| f64::from(u32::try_from(of.memory).unwrap_or(u32::MAX)))),
            files: needs().map(|of| of.files).max().unwrap_or_default(),
        }
    };
    Quarter {
        rate: count(answered) / (last.at - began),
        p50: took.median(),
        p99: took.quantile(0.99),
        answered,
        refused: samples.iter().flat_map(|sample| sample.refused.values()).sum(),
        lag_records: samples.iter().map(|sample| sample.lag_records).max().unwrap_or_default(),
        lag_seconds: samples.iter().map(|sample| sample.lag_seconds).fold(0.0, f64::max),
        needs: last.needs.keys().map(|name| (*name, needed(name))).collect(),
    }
}

/// What is not as it must be.
pub(super) fn faults(quarters: &[Quarter], caught_up: bool) -> Vec<String> {
    let [_, second, _, last] = quarters else { return vec!["nothing was noted".to_owned()] };
    let mut faults = Vec::new();
    for (name, now) in &last.needs {
        let before = second.needs.get(name).copied().unwrap_or_default();
        if now.memory > before.memory * GROWN && now.memory > before.memory + GROWN_KIB {
            let (before, now) = (before.memory / 1024.0, now.memory / 1024.0);
            faults.push(format!("{name} grew from {before:.1} to {now:.1} MiB"));
        }
        if now.files > before.files + MORE_FILES {
            let (before, now) = (before.files, now.files);
            faults.push(format!("{name} had {before} files open, and now {now}"));
        }
    }
    if last.p99 > second.p99 * SLOWER && last.p99 > second.p99 + SLOWER_MS {
        faults.push(format!("p99 went from {:.1} to {:.1} ms", second.p99, last.p99));
    }
    let answered: usize = quarters.iter().map(|of| of.answered).sum();
    let refused: usize = quarters.iter().map(|of| of.refused).sum();
    if count(refused) > count(answered + refused) * REFUSED {
        faults.push(format!("{refused} calls were refused, and {answered} answered"));
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
            lag_records: 3,
            lag_seconds: 0.5,
        }
    }

    fn judged(memory: [u64; 4], took: [f64; 4]) -> Vec<String> {
        let samples = (0..8).map(|n| sample(f64::from(n) + 1.0, 0, 0.0)).enumerate();
        let samples: Vec<Sample> =
            samples.map(|(n, of)| sample(of.at, memory[n / 2] * 1024, took[n / 2])).collect();
        let quarters = quarters(&samples);
        assert_eq!(quarters.len(), 4);
        assert!(quarters.iter().all(|of| of.answered == 20 && (of.rate - 10.0).abs() < 1e-9));
        faults(&quarters, true)
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
        let mut samples: Vec<Sample> =
            (0..8).map(|n| sample(f64::from(n) + 1.0, 1024, 1.0)).collect();
        samples[3].refused.insert("UNAVAILABLE".to_owned(), 1);
        let found = faults(&quarters(&samples), false);
        assert_eq!(
            found,
            ["1 calls were refused, and 80 answered", "the feeds are not at their end"]
        );
        assert_eq!(faults(&[], true), ["nothing was noted"]);
    }
}
