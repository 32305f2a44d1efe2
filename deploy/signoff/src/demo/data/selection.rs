//! Which accounts are tested: some for all, some that were looked for, some that carry a risk.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use signoff_contract::versioning::v1::SampleType;

use super::accounts::{Account, LineOfBusiness};

/// An account that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected<'a> {
    /// The account.
    pub account: &'a Account,
    /// How it came to be chosen.
    pub sample_type: SampleType,
    /// Why.
    pub reason: String,
}

/// How many accounts to choose in each way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Which stand for all.
    pub population: usize,
    /// Which were looked for.
    pub targeted: usize,
    /// Which carry the most risk.
    pub risk_based: usize,
}

/// Chooses accounts, none twice and none whose reference number is `taken`: first those that are
/// looked for, then the riskiest of the rest, then a cross-section of what is left. Fewer are
/// answered where there are not enough.
pub fn select<'a>(
    accounts: &'a [Account],
    taken: &HashSet<&str>,
    sizes: Sizes,
) -> Vec<Selected<'a>> {
    let mut left: Vec<&Account> = accounts
        .iter()
        .filter(|account| !taken.contains(account.reference_number.as_str()))
        .collect();
    let mut selected = targeted(&left, sizes.targeted);
    remove(&mut left, &selected);
    selected.extend(risk_based(&left, sizes.risk_based));
    remove(&mut left, &selected);
    selected.extend(population(&left, sizes.population));
    selected
}

fn remove(left: &mut Vec<&Account>, selected: &[Selected<'_>]) {
    let gone: HashSet<&str> =
        selected.iter().map(|one| one.account.reference_number.as_str()).collect();
    left.retain(|account| !gone.contains(account.reference_number.as_str()));
}

/// Charged off, over the limit, misused: in this order.
fn targeted<'a>(accounts: &[&'a Account], size: usize) -> Vec<Selected<'a>> {
    type Mark = fn(&Account) -> bool;
    let marks: [(Mark, &str); 3] = [
        (Account::is_charged_off, "was charged off in the month"),
        (Account::is_over_limit, "owes more than its limit"),
        (|account| account.fraud, "was misused in the month"),
    ];
    let mut found: Vec<(usize, &'a Account)> = accounts
        .iter()
        .filter_map(|&account| {
            marks.iter().position(|(mark, _)| mark(account)).map(|rank| (rank, account))
        })
        .collect();
    found.sort_by_key(|&(rank, account)| (rank, &account.reference_number));
    found
        .into_iter()
        .take(size)
        .map(|(rank, account)| Selected {
            account,
            sample_type: SampleType::Targeted,
            reason: format!("Account {} {}", account.reference_number, marks[rank].1),
        })
        .collect()
}

/// Those with the highest risk score.
fn risk_based<'a>(accounts: &[&'a Account], size: usize) -> Vec<Selected<'a>> {
    let mut by_risk = accounts.to_vec();
    by_risk.sort_by_key(|account| (Reverse(risk_score(account)), &account.reference_number));
    by_risk
        .into_iter()
        .take(size)
        .map(|account| Selected {
            account,
            sample_type: SampleType::RiskBased,
            reason: format!(
                "Risk score {} of 1000: credit score {}, {} days past due, {} % of the limit used",
                risk_score(account),
                account.refreshed_score,
                account.days_past_due,
                account.utilisation() / 10
            ),
        })
        .collect()
}

/// A cross-section: each stratum (line of business and band of credit scores) has its share, and
/// within it the accounts lie evenly apart.
fn population<'a>(accounts: &[&'a Account], size: usize) -> Vec<Selected<'a>> {
    let mut strata: BTreeMap<(LineOfBusiness, &'static str), Vec<&'a Account>> = BTreeMap::new();
    for &account in accounts {
        strata.entry((account.lob, score_band(account))).or_default().push(account);
    }
    let all = accounts.len();
    let size = size.min(all);
    // Largest remainders: the shares add up to the size exactly.
    let mut shares: Vec<_> = strata
        .iter()
        .map(|(stratum, members)| {
            let exact = size * members.len();
            (stratum, members, exact / all.max(1), exact % all.max(1))
        })
        .collect();
    let missing = size - shares.iter().map(|(_, _, share, _)| share).sum::<usize>();
    shares.sort_by_key(|&(stratum, _, _, remainder)| (Reverse(remainder), stratum));
    for (_, _, share, _) in shares.iter_mut().take(missing) {
        *share += 1;
    }
    shares.sort_by_key(|&(stratum, ..)| stratum);
    shares
        .into_iter()
        .flat_map(|(&(lob, band), members, share, _)| {
            (0..share).map(move |i| {
                // The middle of each of `share` equal stretches.
                let account = members[(2 * i + 1) * members.len() / (2 * share)];
                Selected {
                    account,
                    sample_type: SampleType::Population,
                    reason: format!("Cross-section of {}, credit scores {band}", lob.name()),
                }
            })
        })
        .collect()
}

fn score_band(account: &Account) -> &'static str {
    match account.refreshed_score {
        ..620 => "below 620",
        620..680 => "620 to 679",
        680..740 => "680 to 739",
        _ => "740 and above",
    }
}

/// How much risk an account carries, 0 to 1000: days past due weigh most, then how much of the
/// limit is used, then the credit score.
pub fn risk_score(account: &Account) -> u64 {
    let days = u64::from(account.days_past_due.min(180)) * 500 / 180;
    let used = account.utilisation().min(1_000) * 250 / 1_000;
    let score = u64::from(850 - account.refreshed_score.clamp(300, 850)) * 250 / 550;
    days + used + score
}

#[cfg(test)]
mod tests {
    use super::super::accounts::accounts;
    use super::*;

    const SIZES: Sizes = Sizes { population: 60, targeted: 20, risk_based: 20 };

    #[test]
    fn a_hundred_are_chosen_and_then_ten_others() {
        let accounts = accounts();
        let first = select(&accounts, &HashSet::new(), SIZES);
        let references: HashSet<&str> =
            first.iter().map(|one| one.account.reference_number.as_str()).collect();
        assert_eq!((first.len(), references.len()), (100, 100));
        for (sample_type, size) in
            [(SampleType::Population, 60), (SampleType::Targeted, 20), (SampleType::RiskBased, 20)]
        {
            assert_eq!(first.iter().filter(|one| one.sample_type == sample_type).count(), size);
        }
        let ten = Sizes { population: 6, targeted: 2, risk_based: 2 };
        let second = select(&accounts, &references, ten);
        assert_eq!(second.len(), 10);
        assert!(second.iter().all(|one| !references.contains(&*one.account.reference_number)));
        assert_eq!(select(&accounts, &references, ten), second);
    }

    #[test]
    fn targeted_ones_bear_a_mark_and_risky_ones_score_high() {
        let accounts = accounts();
        let chosen = select(&accounts, &HashSet::new(), SIZES);
        let lowest = chosen
            .iter()
            .filter(|one| one.sample_type == SampleType::RiskBased)
            .map(|one| risk_score(one.account))
            .min();
        for one in &chosen {
            let account = one.account;
            let marked = account.is_charged_off() || account.is_over_limit() || account.fraud;
            match one.sample_type {
                SampleType::Targeted => assert!(marked),
                SampleType::Population => assert!(Some(risk_score(account)) <= lowest),
                SampleType::RiskBased | SampleType::Unspecified => {}
            }
        }
    }

    #[test]
    fn the_cross_section_has_every_line_of_business_in_proportion() {
        let accounts = accounts();
        let all: Vec<_> = accounts.iter().collect();
        for size in [0, 1, 7, 100, 1_000, 2_000] {
            let chosen = population(&all, size);
            assert_eq!(chosen.len(), size.min(1_000));
            let distinct: HashSet<_> =
                chosen.iter().map(|one| &one.account.reference_number).collect();
            assert_eq!(distinct.len(), chosen.len());
        }
        let chosen = population(&all, 100);
        for lob in LineOfBusiness::ALL {
            let of = |count: usize| count as i64;
            let share = of(all.iter().filter(|account| account.lob == lob).count()) / 10;
            let got = of(chosen.iter().filter(|one| one.account.lob == lob).count());
            assert!((share - got).abs() <= 4, "{} {share} {got}", lob.name());
        }
        assert!(population(&[], 5).is_empty());
    }
}
