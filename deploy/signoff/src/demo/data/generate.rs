//! Generates the accounts: the same every time and on every machine, since everything is reckoned
//! in whole numbers from one fixed seed.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::accounts::{Account, Cents, LineOfBusiness};

/// How many there are.
const COUNT: u32 = 1_000;
const SEED: u64 = 14_202_609;
/// No real bank's.
const BANK_ID: u32 = 9_990_001;

/// States with the first three digits of one of their zip codes; those with more people more often.
const PLACES: [(&str, &str); 20] = [
    ("CA", "900"),
    ("CA", "941"),
    ("TX", "770"),
    ("TX", "752"),
    ("FL", "331"),
    ("FL", "328"),
    ("NY", "100"),
    ("NY", "142"),
    ("PA", "191"),
    ("IL", "606"),
    ("OH", "432"),
    ("GA", "303"),
    ("NC", "282"),
    ("MI", "482"),
    ("NJ", "071"),
    ("VA", "232"),
    ("WA", "981"),
    ("AZ", "850"),
    ("CO", "802"),
    ("MN", "554"),
];

/// A thousand accounts at the end of [`PERIOD`](super::accounts::PERIOD), by reference number.
pub fn accounts() -> Vec<Account> {
    let mut dice = Dice(ChaCha8Rng::seed_from_u64(SEED));
    let mut customer = 0;
    (1..=COUNT)
        .map(|number| {
            // One account in twelve is its holder's second.
            if customer == 0 || !dice.chance(83) {
                customer += 1;
            }
            account(number, customer, &mut dice)
        })
        .collect()
}

struct Dice(ChaCha8Rng);

impl Dice {
    /// A number from `low` to `high`, both included.
    fn between(&mut self, low: u32, high: u32) -> u32 {
        self.0.random_range(low..=high.max(low))
    }

    /// Whether something happens that happens so many times in a thousand.
    fn chance(&mut self, per_mille: u32) -> bool {
        self.between(1, 1_000) <= per_mille
    }

    fn share(&mut self, of: Cents, low: u32, high: u32) -> Cents {
        let share = self.between(low, high);
        of.per_mille(u64::from(share))
    }

    fn one_of<T: Copy, const N: usize>(&mut self, values: [T; N]) -> T {
        values[self.between(0, N as u32 - 1) as usize]
    }
}

fn account(number: u32, customer: u32, dice: &mut Dice) -> Account {
    let lob = match dice.between(1, 100) {
        1..=64 => LineOfBusiness::ConsumerCards,
        65..=82 => LineOfBusiness::SmallBusinessCards,
        _ => LineOfBusiness::PrivateLabel,
    };
    let (original_score, refreshed_score) = scores(lob, dice);
    let limit = limit(lob, refreshed_score, dice);
    // Older accounts had lower limits.
    let age = dice.between(3, 240);
    let original_limit = round(limit.per_mille(u64::from(1_000 - age * 2)));
    let days_past_due = days_past_due(refreshed_score, dice);
    let bankrupt = days_past_due > 0 && dice.chance(60);
    let charge_off_reason = match (bankrupt, days_past_due) {
        (true, _) => 2,
        (false, 180..) => 1,
        (false, _) => 0,
    };
    let owed = owed(limit, refreshed_score, days_past_due, dice);
    let apr = apr(lob, refreshed_score, dice);
    // A twelfth of the year's interest, by those who carry a balance.
    let carries = days_past_due > 0 || (owed > Cents(0) && dice.chance(620));
    let finance_charge =
        if carries { Cents(owed.0 * u64::from(apr) / 1_200_000) } else { Cents(0) };
    let minimum_payment =
        Cents((owed.0 / 100 + finance_charge.0).max(Cents::dollars(35).0).min(owed.0));
    let cycles = u64::from(days_past_due.div_ceil(30));
    let past_due = Cents((minimum_payment.0 * cycles).min(owed.0));
    let payment = match (days_past_due, carries) {
        (1.., _) if dice.chance(750) => Cents(0),
        (1.., _) => dice.share(minimum_payment, 100, 900),
        (0, true) => {
            let multiple = dice.between(1_000, 4_000);
            Cents(minimum_payment.per_mille(u64::from(multiple)).0.min(owed.0))
        }
        (0, false) => owed,
    };
    let charged_off = charge_off_reason != 0;
    let charge_off = if charged_off { owed } else { Cents(0) };
    let balance = if charged_off { Cents(0) } else { owed };
    let frozen = charged_off || days_past_due >= 60 || dice.chance(8);
    let buys = !frozen && days_past_due == 0 && owed > Cents(0);
    let (state, zip) = dice.one_of(PLACES);
    Account {
        reference_number: format!("D1{number:016}"),
        customer_id: format!("CU{customer:016}"),
        bank_id: BANK_ID,
        lob,
        state,
        zip: format!("{zip}{:02}", dice.between(1, 60)),
        product_type: u8::try_from(dice.between(1, 5)).unwrap_or(1),
        network: u8::try_from(dice.one_of([1, 1, 1, 2, 2, 3, 4])).unwrap_or(1),
        opened: opened(age, dice),
        income: income(lob, refreshed_score, dice),
        original_score,
        refreshed_score,
        original_limit,
        limit,
        balance,
        average_balance: dice.share(balance, 820, 1_000),
        apr,
        finance_charge,
        purchases: if buys { dice.share(owed, 50, 700) } else { Cents(0) },
        minimum_payment: if charged_off { Cents(0) } else { minimum_payment },
        payment,
        past_due: if charged_off { Cents(0) } else { past_due },
        days_past_due,
        late_fee: if days_past_due > 0 && !charged_off { Cents::dollars(29) } else { Cents(0) },
        frozen,
        charge_off_reason,
        charge_off,
        recovery: if charged_off && dice.chance(400) {
            dice.share(charge_off, 10, 150)
        } else {
            Cents(0)
        },
        fraud: dice.chance(12),
    }
}

/// The score at the start and now. Scores of private-label cards are lower.
fn scores(lob: LineOfBusiness, dice: &mut Dice) -> (u16, u16) {
    let base = match lob {
        LineOfBusiness::ConsumerCards => 545,
        LineOfBusiness::SmallBusinessCards => 560,
        LineOfBusiness::PrivateLabel => 515,
    };
    let original = base + (0..4).map(|_| dice.between(0, 92)).sum::<u32>();
    let drifted = original + dice.between(0, 80) - 38;
    let refreshed = if dice.chance(100) { drifted - dice.between(30, 140) } else { drifted };
    let score = |score: u32| u16::try_from(score.clamp(300, 850)).unwrap_or(300);
    (score(original), score(refreshed))
}

fn limit(lob: LineOfBusiness, score: u16, dice: &mut Dice) -> Cents {
    let dollars = match score {
        ..620 => dice.between(500, 2_500),
        620..680 => dice.between(1_000, 6_500),
        680..740 => dice.between(3_000, 15_000),
        _ => dice.between(8_000, 32_000),
    };
    let per_cent = match lob {
        LineOfBusiness::ConsumerCards => 100,
        LineOfBusiness::SmallBusinessCards => 160,
        LineOfBusiness::PrivateLabel => 40,
    };
    round(Cents::dollars(u64::from(dollars * per_cent / 100)))
}

/// To whole hundreds of dollars, and at least three of them.
fn round(limit: Cents) -> Cents {
    Cents((limit.0 / 10_000).max(3) * 10_000)
}

/// The lower the score, the likelier it is that payments are missed.
fn days_past_due(score: u16, dice: &mut Dice) -> u16 {
    let per_mille = match score {
        ..580 => 330,
        580..620 => 190,
        620..660 => 95,
        660..700 => 45,
        700..740 => 18,
        740..780 => 7,
        _ => 3,
    };
    if !dice.chance(per_mille) {
        return 0;
    }
    let days = match dice.between(1, 100) {
        1..=38 => dice.between(1, 29),
        39..=58 => dice.between(30, 59),
        59..=70 => dice.between(60, 89),
        71..=79 => dice.between(90, 119),
        80..=84 => dice.between(120, 149),
        85..=89 => dice.between(150, 179),
        _ => dice.between(180, 209),
    };
    u16::try_from(days).unwrap_or(0)
}

/// The lower the score, the more of the limit is used; those who miss payments use most of it.
fn owed(limit: Cents, score: u16, days_past_due: u16, dice: &mut Dice) -> Cents {
    let share = if days_past_due > 0 {
        dice.between(620, 1_090)
    } else if dice.chance(80) {
        0
    } else {
        match score {
            ..620 => dice.between(450, 1_060),
            620..680 => dice.between(300, 1_020),
            680..740 => dice.between(60, 800),
            _ => dice.between(5, 480),
        }
    };
    let cents = if share > 0 { dice.between(0, 99) } else { 0 };
    Cents(limit.per_mille(u64::from(share)).0 + u64::from(cents))
}

/// Yearly interest in thousandths of a per cent, as it is advertised: ending in .24, .49, .74, .99.
fn apr(lob: LineOfBusiness, score: u16, dice: &mut Dice) -> u32 {
    let per_cent = match (lob, score) {
        (LineOfBusiness::PrivateLabel, _) => dice.between(28, 32),
        (_, ..620) => dice.between(26, 30),
        (_, 620..680) => dice.between(23, 28),
        (_, 680..740) => dice.between(19, 25),
        _ => dice.between(15, 21),
    };
    per_cent * 1_000 + dice.one_of([240, 490, 740, 990])
}

fn income(lob: LineOfBusiness, score: u16, dice: &mut Dice) -> u32 {
    let thousands = match score {
        ..620 => dice.between(18, 62),
        620..680 => dice.between(24, 85),
        680..740 => dice.between(32, 130),
        _ => dice.between(45, 240),
    };
    let factor = if lob == LineOfBusiness::SmallBusinessCards { 3 } else { 1 };
    thousands * factor * 1_000 + dice.between(0, 9) * 100
}

/// A day so many months before September 2026.
fn opened(months_ago: u32, dice: &mut Dice) -> String {
    let months = 2_026 * 12 + 8 - months_ago;
    format!("{:04}{:02}{:02}", months / 12, months % 12 + 1, dice.between(1, 28))
}
