//! Which attributes are tested in this cycle, and why.

use signoff_contract::versioning::v1::RiskRating;
use uuid::Uuid;

use super::attributes::Attribute;
use super::format::Format;

/// What somebody would recommend about an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The attribute.
    pub attribute_id: Uuid,
    /// Whether it is tested.
    pub in_scope: bool,
    /// How much harm an error would do.
    pub risk: RiskRating,
    /// Why.
    pub rationale: String,
}

/// The attributes that are tested in this cycle, by their technical names: those that losses are
/// reckoned from. The others have their turn in another one.
pub const THIS_CYCLE: [&str; 5] = [
    "CycleEndingBalance",
    "CurrentCreditLimit",
    "RefreshedCreditScorePrimaryBorrower",
    "DaysPastDue",
    "TotalPastDue",
];

/// What an attribute is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Theme {
    Delinquency,
    Exposure,
    CreditQuality,
    Price,
    Flow,
    Date,
    Description,
}

/// Words in technical names that tell the theme. The first that fits counts.
const WORDS: [(&str, Theme); 41] = [
    ("ScoreName", Theme::Description),
    ("ScoreVersion", Theme::Description),
    ("Reward", Theme::Description),
    ("ChargeOff", Theme::Delinquency),
    ("Recovery", Theme::Delinquency),
    ("PastDue", Theme::Delinquency),
    ("60PlusDPD", Theme::Delinquency),
    ("Delinquency", Theme::Delinquency),
    ("Bankruptcy", Theme::Delinquency),
    ("Fraud", Theme::Delinquency),
    ("Workout", Theme::Delinquency),
    ("WorkOut", Theme::Delinquency),
    ("Reage", Theme::Delinquency),
    ("SettlementPortion", Theme::Delinquency),
    ("LimitType", Theme::Description),
    ("BalanceTransfer", Theme::Flow),
    ("OverLimit", Theme::Flow),
    ("Balance", Theme::Exposure),
    ("Limit", Theme::Exposure),
    ("EADid", Theme::Description),
    ("EAD", Theme::Exposure),
    ("LossShareId", Theme::Description),
    ("Score", Theme::CreditQuality),
    ("Basel2", Theme::CreditQuality),
    ("BorrowerIncomeType", Theme::Description),
    ("BorrowerIncome", Theme::CreditQuality),
    ("PCDFlag", Theme::CreditQuality),
    ("LossShare", Theme::CreditQuality),
    ("APR", Theme::Price),
    ("InterestRate", Theme::Price),
    ("RateReset", Theme::Price),
    ("FinanceCharge", Theme::Price),
    ("PaymentDue", Theme::Flow),
    ("PaymentAmount", Theme::Flow),
    ("Volume", Theme::Flow),
    ("CheckAmount", Theme::Flow),
    ("FeeNet", Theme::Flow),
    ("OtherCredits", Theme::Flow),
    ("EndActive", Theme::Delinquency),
    ("EndClosed", Theme::Delinquency),
    ("LineFrozen", Theme::Delinquency),
];

fn theme(attribute: &Attribute) -> Theme {
    // A payment's or a score's date is a date, a re-aging's is delinquency.
    let is_date = attribute.format == Format::Date;
    WORDS
        .iter()
        .find(|(word, _)| attribute.technical_name.contains(word))
        .map(|&(_, theme)| theme)
        .filter(|&theme| !is_date || theme == Theme::Delinquency)
        .unwrap_or(if is_date { Theme::Date } else { Theme::Description })
}

/// The choices for all attributes that are not keys, in their order.
pub fn choices(attributes: &[Attribute]) -> Vec<Choice> {
    attributes.iter().filter(|attribute| !attribute.is_key).map(choice).collect()
}

fn choice(attribute: &Attribute) -> Choice {
    let (risk, about) = match theme(attribute) {
        Theme::Delinquency => (RiskRating::High, "tells how loans go bad, and drives loss models"),
        Theme::Exposure => (RiskRating::High, "is money at risk, and drives exposure"),
        Theme::CreditQuality => (RiskRating::High, "tells how good the borrower is"),
        Theme::Price => (RiskRating::Medium, "sets what the loan earns"),
        Theme::Flow => (RiskRating::Medium, "is money that moves, and reconciles to the ledger"),
        Theme::Date => (RiskRating::Medium, "places the account in time"),
        Theme::Description => (RiskRating::Low, "describes the account"),
    };
    // What is optional and what never changes is tested only where an error does much harm.
    let (in_scope, because) = match (risk, attribute.mandatory, attribute.dynamic) {
        (RiskRating::High, _, _) => (true, "an error in it would misstate losses"),
        (_, false, _) => (false, "it is optional"),
        (_, true, false) => (false, "it is static, and was tested when the account was opened"),
        (RiskRating::Medium, true, true) => (true, "it changes every month"),
        (_, true, true) if attribute.technical_name.ends_with("Flag") => {
            (false, "the profiling of its codes is enough")
        }
        (_, true, true) => (true, "it is mandatory, and cheap to test"),
    };
    let (in_scope, because) = match in_scope {
        true if !THIS_CYCLE.contains(&attribute.technical_name.as_str()) => {
            (false, "it has its turn in another cycle")
        }
        _ => (in_scope, because),
    };
    Choice {
        attribute_id: attribute.attribute_id,
        in_scope,
        risk,
        rationale: format!("{} {about}; {because}.", attribute.name),
    }
}

#[cfg(test)]
mod tests {
    use super::super::attributes::attributes;
    use super::*;

    #[test]
    fn every_attribute_but_the_keys_is_decided_on() {
        let attributes = attributes().unwrap();
        let choices = choices(&attributes);
        assert_eq!(choices.len(), 114);
        let in_scope = choices.iter().filter(|choice| choice.in_scope).count();
        assert_eq!(in_scope, THIS_CYCLE.len());
        for rating in [RiskRating::High, RiskRating::Medium, RiskRating::Low] {
            let count = choices.iter().filter(|choice| choice.risk == rating).count();
            assert!(count > 15, "{rating:?} {count}");
        }
        assert!(choices.iter().all(|choice| choice.rationale.len() < 300));
    }

    #[test]
    fn money_and_delinquency_are_high_and_in_scope() {
        let attributes = attributes().unwrap();
        let of =
            |name: &str| choice(attributes.iter().find(|one| one.technical_name == name).unwrap());
        for name in ["CycleEndingBalance", "DaysPastDue", "TotalPastDue"] {
            let choice = of(name);
            assert_eq!((choice.risk, choice.in_scope), (RiskRating::High, true), "{name}");
        }
        let choice = of("Basel2PD");
        assert_eq!((choice.risk, choice.in_scope), (RiskRating::High, false));
        assert!(choice.rationale.ends_with("in another cycle."), "{}", choice.rationale);
        assert_eq!(of("CycleEndingRetailAPR").risk, RiskRating::Medium);
        assert_eq!(of("NextPaymentDueDate").risk, RiskRating::Medium);
        // Static and optional.
        let choice = of("BehavioralScoreNameVersion");
        assert_eq!((choice.risk, choice.in_scope), (RiskRating::Low, false));
    }
}
