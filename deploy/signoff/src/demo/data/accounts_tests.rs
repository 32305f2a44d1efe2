use std::collections::{BTreeMap, HashSet};

use chrono::NaiveDate;

use super::super::attributes::attributes;
use super::super::format::Format;
use super::*;

#[test]
fn they_are_the_same_every_time() {
    assert_eq!(accounts(), accounts());
    let lines: Vec<String> = accounts().iter().map(|account| format!("{account:?}")).collect();
    // UUIDv5 is a hash. A new one means that everybody's demo changes.
    let hash = Uuid::new_v5(&Uuid::NAMESPACE_OID, lines.join("\n").as_bytes());
    assert_eq!(hash.to_string(), "bf371217-1df4-5fb7-8478-063c46a3739e");
}

#[test]
fn every_value_is_of_an_attribute_and_in_its_format() {
    let formats: BTreeMap<_, _> = attributes()
        .unwrap()
        .into_iter()
        .map(|attribute| (attribute.technical_name.clone(), attribute.format))
        .collect();
    for account in accounts() {
        let data = account.data();
        let data = data.as_object().unwrap();
        assert_eq!(data.len(), 35);
        for (name, value) in data {
            let fits = match formats[name] {
                Format::Text { length } => {
                    value.as_str().unwrap().chars().count() <= usize::from(length)
                }
                Format::Number { digits, decimals } => {
                    let largest: f64 = Format::largest(digits, decimals).parse().unwrap();
                    let text = value.to_string();
                    let places = text.split_once('.').map_or(0, |(_, after)| match after {
                        "0" => 0,
                        after => after.len(),
                    });
                    (0.0..=largest).contains(&value.as_f64().unwrap())
                        && places <= usize::from(decimals)
                }
                Format::Date => {
                    NaiveDate::parse_from_str(value.as_str().unwrap(), "%Y%m%d").is_ok()
                }
            };
            assert!(fits, "{name}: {value}");
        }
    }
}

#[test]
fn there_are_a_thousand_in_three_lines_of_business() {
    let accounts = accounts();
    assert_eq!(accounts.len(), 1_000);
    let references: HashSet<_> = accounts.iter().map(|account| &account.reference_number).collect();
    assert_eq!(references.len(), 1_000);
    let customers: HashSet<_> = accounts.iter().map(|account| &account.customer_id).collect();
    assert!((850..980).contains(&customers.len()), "{}", customers.len());
    for lob in LineOfBusiness::ALL {
        let count = accounts.iter().filter(|account| account.lob == lob).count();
        assert!(count > 100, "{} {count}", lob.name());
    }
    let ids: HashSet<_> = LineOfBusiness::ALL.map(LineOfBusiness::lob_id).into();
    assert_eq!(ids.len(), 3);
}

#[test]
fn they_are_plausible() {
    let accounts = accounts();
    let share = |of: &dyn Fn(&Account) -> bool, among: &dyn Fn(&Account) -> bool| {
        let among: Vec<_> = accounts.iter().filter(|account| among(account)).collect();
        among.iter().filter(|account| of(account)).count() * 1_000 / among.len().max(1)
    };
    let late = |account: &Account| account.days_past_due > 0;
    let all = |_: &Account| true;
    assert!((30..120).contains(&share(&late, &all)), "{}", share(&late, &all));
    // Delinquency rises as the score falls.
    let bands: Vec<_> = [(300, 620), (620, 680), (680, 740), (740, 851)]
        .iter()
        .map(|&(low, high)| share(&late, &|account| (low..high).contains(&account.refreshed_score)))
        .collect();
    assert!(bands.is_sorted_by(|worse, better| worse > better), "{bands:?}");
    // Few owe more than they may, and some do.
    assert!((5..60).contains(&share(&Account::is_over_limit, &all)));
    let charged_off = accounts.iter().filter(|account| account.is_charged_off()).count();
    assert!((4..40).contains(&charged_off), "{charged_off}");
    for account in &accounts {
        assert!(account.refreshed_score >= 300 && account.refreshed_score <= 850);
        assert!(account.payment <= Cents(account.balance.0 + account.charge_off.0));
        assert!(account.past_due <= account.balance);
        assert_eq!(account.charge_off > Cents(0), account.is_charged_off());
        assert!(account.recovery <= account.charge_off);
        if !account.is_charged_off() {
            assert!(account.days_past_due < 180);
            assert_eq!(account.past_due > Cents(0), account.days_past_due > 0);
        }
        assert!(account.utilisation() <= 1_090);
        assert!(account.original_limit <= account.limit || account.limit <= Cents::dollars(300));
    }
}
