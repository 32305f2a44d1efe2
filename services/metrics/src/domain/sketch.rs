//! Distributions of times, in so few numbers that they can be added up.
//!
//! A time falls into one of 64 buckets for each doubling; up to 64 microseconds each has its own. Of
//! each bucket the number, the lowest and the highest are kept, so a quantile is off by less than a
//! bucket is wide: 1/64 of it. Whole numbers only, so that whoever counts again gets the same.

use std::collections::BTreeMap;

/// The bound of a quantile's relative error.
pub const RELATIVE_ERROR: f64 = 1.0 / 64.0;

/// Buckets for each doubling, as a power of two.
const PRECISION: u32 = 6;

/// The bucket that so many microseconds fall into.
pub fn bucket(micros: i64) -> i32 {
    let value = u64::try_from(micros).unwrap_or(0);
    // Up to 128 each bucket is one wide, and with each doubling twice as wide as before.
    let doublings = value.max(1 << PRECISION).ilog2() - PRECISION;
    // The leading bit that is left counts the 64 buckets below the first doubling.
    let place = (u64::from(doublings) << PRECISION) + (value >> doublings);
    i32::try_from(place).unwrap_or(i32::MAX)
}

/// What is known of the times in one bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filled {
    /// How many there are.
    pub amount: i64,
    /// The shortest, in microseconds.
    pub lowest: i64,
    /// The longest.
    pub highest: i64,
}

impl Filled {
    /// One time alone.
    pub const fn one(micros: i64) -> Self {
        Self { amount: 1, lowest: micros, highest: micros }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            amount: self.amount + other.amount,
            lowest: self.lowest.min(other.lowest),
            highest: self.highest.max(other.highest),
        }
    }
}

/// A distribution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch(BTreeMap<i32, Filled>);

impl Sketch {
    /// Adds what is in a bucket.
    pub fn add(&mut self, bucket: i32, filled: Filled) {
        self.0.entry(bucket).and_modify(|here| *here = here.and(filled)).or_insert(filled);
    }

    /// The shortest and the longest time, in microseconds.
    pub fn range(&self) -> Option<(i64, i64)> {
        let (_, first) = self.0.first_key_value()?;
        let (_, last) = self.0.last_key_value()?;
        Some((first.lowest, last.highest))
    }

    /// The percentile by nearest rank, in microseconds: a time such that so many percent of all are not
    /// longer. In the middle of what its bucket holds, so exact if that is one.
    pub fn percentile(&self, percent: i64) -> Option<f64> {
        let total: i64 = self.0.values().map(|filled| filled.amount).sum();
        let rank = (i128::from(total) * i128::from(percent) + 99) / 100;
        let mut below = 0;
        self.0.values().find_map(|filled| {
            below += i128::from(filled.amount);
            #[expect(clippy::cast_precision_loss, reason = "times are far below 2^53")]
            (below >= rank).then(|| (filled.lowest as f64 + filled.highest as f64) / 2.0)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(times: &[i64]) -> Sketch {
        let mut sketch = Sketch::default();
        times.iter().for_each(|time| sketch.add(bucket(*time), Filled::one(*time)));
        sketch
    }

    #[test]
    fn buckets_are_in_order_and_narrow() {
        assert_eq!(
            [0, 1, 63, 64, 127, 128, 129, 130].map(bucket),
            [0, 1, 63, 64, 127, 128, 128, 129]
        );
        assert_eq!(bucket(-5), 0);
        let mut before = (0, 0);
        for exponent in 0..62 {
            for step in 0..256_i64 {
                let time = (1_i64 << exponent) + (1_i64 << exponent) / 256 * step;
                let here = bucket(time);
                assert!(here >= before.1 || time < before.0, "{time}");
                before = (time, here);
            }
        }
    }

    #[test]
    fn one_time_is_exact() {
        let sketch = of(&[7_200_000_001]);
        assert_eq!(sketch.percentile(50), Some(7_200_000_001.0));
        assert_eq!(sketch.percentile(95), Some(7_200_000_001.0));
        assert_eq!(sketch.range(), Some((7_200_000_001, 7_200_000_001)));
        assert_eq!(Sketch::default().percentile(50), None);
    }

    proptest! {
        #[test]
        fn a_quantile_is_within_its_bound(
            mut times in prop::collection::vec(0_i64..400_000_000_000_000, 1..200),
            percent in 1_usize..=100,
        ) {
            let sketch = of(&times);
            times.sort_unstable();
            let exact = times[(percent * times.len()).div_ceil(100).max(1) - 1] as f64;
            let found = sketch.percentile(percent as i64).unwrap();
            prop_assert!((found - exact).abs() <= exact * RELATIVE_ERROR, "{found} {exact}");
            prop_assert_eq!(sketch.range(), Some((times[0], *times.last().unwrap())));
        }

        #[test]
        fn sketches_add_up(times in prop::collection::vec(0_i64..1 << 50, 2..100), at in 0_usize..100) {
            let (one, other) = times.split_at(at.min(times.len()));
            let mut both = of(one);
            of(other).0.into_iter().for_each(|(bucket, filled)| both.add(bucket, filled));
            prop_assert_eq!(both, of(&times));
        }
    }
}
