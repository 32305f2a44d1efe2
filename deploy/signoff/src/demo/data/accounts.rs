//! Credit-card accounts at the end of a month.

use serde_json::{Value, json};
use uuid::Uuid;

pub use super::generate::accounts;

/// The month that the accounts are of: its last day, YYYYMMDD.
pub const PERIOD: &str = "20260930";

/// Namespace of the lines of business: UUIDv5 (RFC 9562) of "signoff/lob" in the URL namespace.
const LOB_NAMESPACE: Uuid = Uuid::from_u128(0xdb0d_da7a_571a_54f8_b7d7_f7a2_53ce_4ab2);

/// The line of business that an account belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LineOfBusiness {
    /// Cards of people.
    ConsumerCards,
    /// Cards of small firms.
    SmallBusinessCards,
    /// Cards of a shop's name.
    PrivateLabel,
}

impl LineOfBusiness {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ConsumerCards, Self::SmallBusinessCards, Self::PrivateLabel];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConsumerCards => "Consumer Cards",
            Self::SmallBusinessCards => "Small Business Cards",
            Self::PrivateLabel => "Private Label",
        }
    }

    /// The one with an id, as it is written on the wire.
    pub fn of_id(lob_id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lob| lob.lob_id().to_string() == lob_id)
    }

    /// Its id, the same for ever.
    pub fn lob_id(self) -> Uuid {
        Uuid::new_v5(&LOB_NAMESPACE, self.name().as_bytes())
    }
}

/// Money in cents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cents(pub u64);

impl Cents {
    /// So many dollars.
    pub const fn dollars(dollars: u64) -> Self {
        Self(dollars * 100)
    }

    /// So many thousandths of it, rounded down.
    pub const fn per_mille(self, share: u64) -> Self {
        Self(self.0 * share / 1_000)
    }

    /// As a JSON number in dollars.
    fn json(self) -> Value {
        decimal(self.0, 100)
    }
}

/// A number of hundredths or thousandths. It is far below 2^53, so the nearest double comes out.
fn decimal(number: u64, unit: u32) -> Value {
    json!(number as f64 / f64::from(unit))
}

/// An account, with the most telling attributes of the schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Identifies the account: 18 characters.
    pub reference_number: String,
    /// Identifies its holder: 18 characters.
    pub customer_id: String,
    /// Identifies the bank.
    pub bank_id: u32,
    /// The line of business.
    pub lob: LineOfBusiness,
    /// Where the holder lives: two letters.
    pub state: &'static str,
    /// Where in it: five digits.
    pub zip: String,
    /// The product, 1 to 5.
    pub product_type: u8,
    /// The network, 1 to 4.
    pub network: u8,
    /// When it was opened, YYYYMMDD.
    pub opened: String,
    /// The holder's yearly income when it was opened, in dollars.
    pub income: u32,
    /// The credit score when it was opened, 300 to 850.
    pub original_score: u16,
    /// The credit score now, 300 to 850.
    pub refreshed_score: u16,
    /// The credit limit when it was opened.
    pub original_limit: Cents,
    /// The credit limit now.
    pub limit: Cents,
    /// What was owed at the end of the cycle; nothing once it is charged off.
    pub balance: Cents,
    /// What was owed on an average day.
    pub average_balance: Cents,
    /// The yearly interest in thousandths of a per cent: 24,990 is 24.99 %.
    pub apr: u32,
    /// The month's interest.
    pub finance_charge: Cents,
    /// What was bought in the month.
    pub purchases: Cents,
    /// What had to be paid for the month.
    pub minimum_payment: Cents,
    /// What was paid.
    pub payment: Cents,
    /// What should have been paid in the months before.
    pub past_due: Cents,
    /// How long that is ago.
    pub days_past_due: u16,
    /// The month's fee for paying late.
    pub late_fee: Cents,
    /// Whether the line takes no new purchases.
    pub frozen: bool,
    /// 0 none, 1 unpaid for 180 days, 2 bankruptcy.
    pub charge_off_reason: u8,
    /// What was charged off in the month.
    pub charge_off: Cents,
    /// What was got back of it in the month.
    pub recovery: Cents,
    /// Whether it was misused in the month.
    pub fraud: bool,
}

impl Account {
    /// Months past due, begun ones counted.
    pub fn cycles_past_due(&self) -> u16 {
        self.days_past_due.div_ceil(30)
    }

    /// Whether it was written off.
    pub fn is_charged_off(&self) -> bool {
        self.charge_off_reason != 0
    }

    /// Whether more is owed than the limit allows.
    pub fn is_over_limit(&self) -> bool {
        self.balance > self.limit
    }

    /// How much of the limit is used, in thousandths.
    pub fn utilisation(&self) -> u64 {
        self.balance.0 * 1_000 / self.limit.0.max(1)
    }

    /// The account as a sample's data: values by the attributes' technical names.
    pub fn data(&self) -> Value {
        json!({
            "ReferenceNumber": self.reference_number,
            "CustomerId": self.customer_id,
            "BankId": self.bank_id,
            "PeriodId": PERIOD,
            "AccountState": self.state,
            "AccountZipCode": self.zip,
            "CreditCardType": if self.lob == LineOfBusiness::PrivateLabel { 2 } else { 1 },
            "LendingType": if self.lob == LineOfBusiness::SmallBusinessCards { 2 } else { 1 },
            "ProductType": self.product_type,
            "NetworkId": self.network,
            "AccountCycleEndDate": "20260925",
            "AccountOriginationDate": self.opened,
            "BorrowerIncome": self.income,
            "OriginalCreditScorePrimaryBorrower": self.original_score,
            "RefreshedCreditScorePrimaryBorrower": self.refreshed_score,
            "OriginalCreditLimit": self.original_limit.json(),
            "CurrentCreditLimit": self.limit.json(),
            "CycleEndingBalance": self.balance.json(),
            "AverageDailyBalance": self.average_balance.json(),
            "CycleEndingRetailAPR": decimal(u64::from(self.apr), 1_000),
            "FinanceCharge": self.finance_charge.json(),
            "PurchaseVolume": self.purchases.json(),
            "MinimumPaymentDue": self.minimum_payment.json(),
            "TotalPaymentDue": Cents(self.minimum_payment.0 + self.past_due.0).json(),
            "ActualPaymentAmount": self.payment.json(),
            "TotalPastDue": self.past_due.json(),
            "DaysPastDue": self.days_past_due,
            "AccountCycleEndDelinquency": self.cycles_past_due(),
            "FeeNetLateAmount": self.late_fee.json(),
            "LineFrozenFlag": u8::from(self.frozen),
            "ChargeOffReasonCode": self.charge_off_reason,
            "GrossChargeOffInCurrentMonthAmount": self.charge_off.json(),
            "RecoveryAmount": self.recovery.json(),
            "FraudFlag": u8::from(self.fraud),
            "MonthEndActiveFlag": u8::from(!self.is_charged_off() && !self.frozen),
        })
    }
}

#[cfg(test)]
#[path = "accounts_tests.rs"]
mod tests;
