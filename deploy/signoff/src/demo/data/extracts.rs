//! What the data owners' own systems say of the samples, as extracts that they submit; and how a
//! tester compares it with the report.
//!
//! Most values are those of the report. Some differ, by rules: the same ones every time.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::accounts::LineOfBusiness;

/// How far two values may be apart.
pub const TOLERANCE: f64 = 0.005;
/// The fee that one system adds to what is past due.
const LATE_FEE: f64 = 29.0;
/// One account in so many had its limit raised after the report was made.
const RAISED_ONE_IN: u64 = 13;
/// One account in so many was used on the last evening.
const LATE_ONE_IN: u64 = 5;

/// What a test compares: a sample and an attribute, by its technical name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// The sample's reference number.
    pub sample: String,
    /// The attribute's technical name.
    pub attribute: String,
}

/// What a system says of some samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extract {
    /// The last day of the month that it is of, YYYYMMDD.
    pub period: String,
    values: BTreeMap<Cell, Option<f64>>,
}

/// How a value of the report compares with the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Alike.
    Same,
    /// Apart.
    Different,
    /// The document has no value.
    Missing,
}

impl Extract {
    /// The extract of a line of business, from what its samples hold in the report.
    pub fn of(lob: LineOfBusiness, period: &str, reported: &BTreeMap<Cell, f64>) -> Self {
        let missing = first_score(lob, reported);
        let value = |cell: &Cell, reported: f64| {
            (missing.as_ref() != Some(cell)).then(|| booked(lob, cell, reported))
        };
        let values = reported.iter().map(|(cell, &it)| (cell.clone(), value(cell, it))).collect();
        Self { period: period.to_owned(), values }
    }

    /// What the fees' ledger says: the same as the report, for the fee is booked elsewhere.
    pub fn ledger(period: &str, reported: &BTreeMap<Cell, f64>) -> Self {
        let values = reported.iter().map(|(cell, &it)| (cell.clone(), Some(it))).collect();
        Self { period: period.to_owned(), values }
    }

    /// How many values it is about.
    pub fn rows(&self) -> usize {
        self.values.len()
    }

    /// What it says of a cell.
    pub fn value(&self, cell: &Cell) -> Option<f64> {
        self.values.get(cell).copied().flatten()
    }

    /// How a value of the report compares with it.
    pub fn compare(&self, cell: &Cell, reported: f64) -> Comparison {
        match self.value(cell) {
            None => Comparison::Missing,
            Some(value) if (value - reported).abs() <= TOLERANCE => Comparison::Same,
            Some(_) => Comparison::Different,
        }
    }

    /// The file.
    pub fn content(&self) -> String {
        let mut text = format!("period,{}\nsample,attribute,value\n", self.period);
        for (cell, value) in &self.values {
            let value = value.map(|value| format!("{value:.2}")).unwrap_or_default();
            // Writing to a string does not fail.
            let _written = writeln!(text, "{},{},{value}", cell.sample, cell.attribute);
        }
        text
    }
}

/// The SHA-256 of a file.
pub fn sha256(content: &str) -> Vec<u8> {
    Sha256::digest(content.as_bytes()).to_vec()
}

/// What a line of business has booked.
fn booked(lob: LineOfBusiness, cell: &Cell, reported: f64) -> f64 {
    match (lob, cell.attribute.as_str()) {
        // Raised since.
        (
            LineOfBusiness::ConsumerCards | LineOfBusiness::SmallBusinessCards,
            "CurrentCreditLimit",
        ) if number(&cell.sample).is_multiple_of(RAISED_ONE_IN) => reported + 500.0,
        // With the month's fee.
        (LineOfBusiness::SmallBusinessCards, "TotalPastDue") if reported > 0.0 => {
            reported + LATE_FEE
        }
        // With the purchases of the last evening.
        (LineOfBusiness::PrivateLabel, "CycleEndingBalance")
            if number(&cell.sample).is_multiple_of(LATE_ONE_IN) =>
        {
            reported + 12.5
        }
        _ => reported,
    }
}

/// The score that the bureau of private labels did not deliver.
fn first_score(lob: LineOfBusiness, reported: &BTreeMap<Cell, f64>) -> Option<Cell> {
    let is_score = |cell: &&Cell| cell.attribute == "RefreshedCreditScorePrimaryBorrower";
    (lob == LineOfBusiness::PrivateLabel).then(|| reported.keys().find(is_score).cloned()).flatten()
}

/// The number in a reference number.
fn number(sample: &str) -> u64 {
    let digits: String = sample.chars().skip(2).filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::accounts::{PERIOD, accounts};
    use super::super::scoping::THIS_CYCLE;
    use super::super::selection::{Sizes, select};
    use super::*;

    fn reported(lob: LineOfBusiness) -> BTreeMap<Cell, f64> {
        let accounts = accounts();
        let sizes = Sizes { population: 48, targeted: 20, risk_based: 12 };
        select(&accounts, &HashSet::new(), sizes)
            .into_iter()
            .filter(|one| one.account.lob == lob)
            .flat_map(|one| {
                let data = one.account.data();
                THIS_CYCLE.map(|name| {
                    let sample = one.account.reference_number.clone();
                    let cell = Cell { sample, attribute: name.to_owned() };
                    (cell, data[name].as_f64().unwrap())
                })
            })
            .collect()
    }

    #[test]
    fn every_line_of_business_has_a_few_values_that_differ() {
        for lob in LineOfBusiness::ALL {
            let reported = reported(lob);
            let extract = Extract::of(lob, PERIOD, &reported);
            assert_eq!(extract, Extract::of(lob, PERIOD, &reported));
            assert_eq!(extract.rows(), reported.len());
            let of = |wanted: Comparison| {
                reported.iter().filter(|(cell, it)| extract.compare(cell, **it) == wanted).count()
            };
            let different = of(Comparison::Different);
            assert!(different > 0 && different * 5 < reported.len(), "{} {different}", lob.name());
            let missing = usize::from(lob == LineOfBusiness::PrivateLabel);
            assert_eq!(of(Comparison::Missing), missing, "{}", lob.name());
            let ledger = Extract::ledger(PERIOD, &reported);
            assert!(
                reported.iter().all(|(cell, it)| ledger.compare(cell, *it) == Comparison::Same)
            );
        }
    }

    #[test]
    fn a_file_has_a_line_for_each_value() {
        let reported = reported(LineOfBusiness::PrivateLabel);
        let content = Extract::of(LineOfBusiness::PrivateLabel, PERIOD, &reported).content();
        assert_eq!(content.lines().count(), reported.len() + 2);
        assert!(content.starts_with("period,20260930\nsample,attribute,value\nD1"), "{content}");
        assert!(content.contains("RefreshedCreditScorePrimaryBorrower,\n"), "{content}");
        assert_eq!(hex::encode(&sha256("abc")[..4]), "ba7816bf");
    }
}
