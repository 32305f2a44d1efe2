//! What many measurements say together.

use serde::{Deserialize, Serialize};

/// A count as a measurement.
pub fn count(of: usize) -> f64 {
    u32::try_from(of).map_or(f64::INFINITY, f64::from)
}

/// Measurements of one thing in one run, in the order in which they were made.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// Adds a measurement.
    pub fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The measurements, in the order in which they were made.
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value below which this part (0 to 1) of the measurements lies, between the two nearest
    /// in proportion. Not a number, if nothing was measured.
    pub fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
        let at = part.clamp(0.0, 1.0) * count(last);
        // At most `last`, and not negative.
        let below = (0..last).take_while(|index| count(index + 1) <= at).count();
        let above = (below + 1).min(last);
        sorted[below] + (sorted[above] - sorted[below]) * (at - count(below))
    }

    /// The value in the middle.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The sum, divided evenly.
    pub fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / count(self.0.len())
    }

    /// Measurement by measurement, what this is of the other: pairs were made side by side.
    pub fn per(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(one, other)| one / other).collect())
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<T: IntoIterator<Item = f64>>(values: T) -> Self {
        Self(values.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: &[f64]) -> Samples {
        values.iter().copied().collect()
    }

    #[test]
    fn quantiles_lie_between_the_nearest() {
        let five = samples(&[5.0, 1.0, 4.0, 2.0, 3.0]);
        for (part, value) in [(0.0, 1.0), (0.25, 2.0), (0.5, 3.0), (0.75, 4.0), (1.0, 5.0)] {
            assert!((five.quantile(part) - value).abs() < 1e-9, "{part}: {}", five.quantile(part));
        }
        assert!((samples(&[1.0, 2.0]).median() - 1.5).abs() < 1e-9);
        assert!((samples(&[1.0, 2.0, 10.0, 20.0]).quantile(0.75) - 12.5).abs() < 1e-9);
        assert!((samples(&[7.0]).quantile(0.9) - 7.0).abs() < 1e-9);
        assert!(samples(&[]).median().is_nan());
        assert!((samples(&[1.0, 2.0, 6.0]).mean() - 3.0).abs() < 1e-9);
    }

    #[test]
    fn ratios_are_of_pairs() {
        let ratios = samples(&[2.0, 9.0, 4.0]).per(&samples(&[1.0, 3.0, 4.0, 8.0]));
        assert_eq!(ratios.values(), [2.0, 3.0, 1.0]);
        assert!((ratios.median() - 2.0).abs() < 1e-9);
    }
}
