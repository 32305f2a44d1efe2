//! Stretches of time, all in UTC.

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::fact::hour_of;

/// Before everything: where sums of all times begin (0001-01-01, the first day of
/// `google.protobuf.Timestamp`).
pub const DAWN: DateTime<Utc> = at_midnight(NaiveDate::from_ymd_opt(1, 1, 1));
/// After everything (9999-12-31).
pub const DUSK: DateTime<Utc> = at_midnight(NaiveDate::from_ymd_opt(9999, 12, 31));

const fn at_midnight(day: Option<NaiveDate>) -> DateTime<Utc> {
    match day {
        Some(day) => day.and_time(NaiveTime::MIN).and_utc(),
        None => DateTime::UNIX_EPOCH,
    }
}

/// For how long a row adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grain {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// All time.
    Total,
}

impl Grain {
    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Total => "total",
        }
    }
}

/// Rows of one grain that begin in a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The grain.
    pub grain: Grain,
    /// The first moment.
    pub from: DateTime<Utc>,
    /// The first moment after it.
    pub to: DateTime<Utc>,
}

/// A stretch of whole hours, open where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// From when on.
    pub start: Option<DateTime<Utc>>,
    /// Until when, exclusively.
    pub end: Option<DateTime<Utc>>,
}

impl Period {
    /// The whole hours that a stretch of time touches.
    pub fn widened(start: Option<DateTime<Utc>>, end: Option<DateTime<Utc>>) -> Self {
        let up = |end: DateTime<Utc>| {
            let down = hour_of(end);
            if down == end { end } else { down + TimeDelta::hours(1) }
        };
        Self { start: start.map(hour_of), end: end.map(up) }
    }

    /// Everything up to its end.
    pub fn until_end(self) -> Self {
        Self { start: None, end: self.end }
    }

    /// The rows that add up to it: days where they fit, hours at the ends, and one row for all time.
    pub fn spans(self) -> Vec<Span> {
        if self.start.is_none() && self.end.is_none() {
            return vec![Span { grain: Grain::Total, from: DAWN, to: DUSK }];
        }
        let (start, end) = (self.start.unwrap_or(DAWN), self.end.unwrap_or(DUSK));
        // Between two moments of one day, the first hours are all there are.
        let first_day = next_midnight(start).min(end);
        let last_day = midnight(end).max(first_day);
        let spans = [
            Span { grain: Grain::Hour, from: start, to: first_day },
            Span { grain: Grain::Day, from: first_day, to: last_day },
            Span { grain: Grain::Hour, from: last_day, to: end },
        ];
        spans.into_iter().filter(|span| span.from < span.to).collect()
    }
}

fn midnight(at: DateTime<Utc>) -> DateTime<Utc> {
    at.date_naive().and_time(NaiveTime::MIN).and_utc()
}

fn next_midnight(at: DateTime<Utc>) -> DateTime<Utc> {
    let here = midnight(at);
    if here == at { at } else { here + Days::new(1) }
}

/// How long one figure of a series is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A week from Monday on (ISO 8601).
    Week,
    /// A month.
    Month,
}

impl Bucket {
    /// As the database truncates to it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// The rows that its figures are made of.
    pub const fn grain(self) -> Grain {
        match self {
            Self::Hour => Grain::Hour,
            Self::Day | Self::Week | Self::Month => Grain::Day,
        }
    }

    /// When the one begins that a moment is in.
    pub fn begin(self, at: DateTime<Utc>) -> DateTime<Utc> {
        let day = midnight(at);
        match self {
            Self::Hour => hour_of(at),
            Self::Day => day,
            Self::Week => day - Days::new(u64::from(at.weekday().num_days_from_monday())),
            Self::Month => day.with_day(1).unwrap_or(day),
        }
    }

    /// When the next one begins.
    pub fn next(self, begin: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Hour => begin + TimeDelta::hours(1),
            Self::Day => begin + Days::new(1),
            Self::Week => begin + Days::new(7),
            Self::Month => begin + Months::new(1),
        }
    }

    /// The beginnings of all that a stretch of time touches, at most so many and one.
    pub fn all(self, from: DateTime<Utc>, to: DateTime<Utc>, most: usize) -> Vec<DateTime<Utc>> {
        let begins = std::iter::successors(Some(self.begin(from)), |begin| Some(self.next(*begin)));
        begins.take_while(|begin| *begin < to).take(most + 1).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_period_is_made_of_days_and_of_hours_at_its_ends() {
        let period =
            Period::widened(Some(at("2026-11-25T22:30:00Z")), Some(at("2026-11-28T01:00:01Z")));
        assert_eq!(period.start, Some(at("2026-11-25T22:00:00Z")));
        assert_eq!(period.end, Some(at("2026-11-28T02:00:00Z")));
        let told: Vec<_> = period
            .spans()
            .iter()
            .map(|span| (span.grain, span.from.to_rfc3339(), span.to.to_rfc3339()))
            .collect();
        let day = |day: u32, hour: u32| format!("2026-11-{day:02}T{hour:02}:00:00+00:00");
        assert_eq!(
            told,
            [
                (Grain::Hour, day(25, 22), day(26, 0)),
                (Grain::Day, day(26, 0), day(28, 0)),
                (Grain::Hour, day(28, 0), day(28, 2)),
            ]
        );
        let whole = Period::default().spans();
        assert_eq!(whole, [Span { grain: Grain::Total, from: DAWN, to: DUSK }]);
    }

    #[test]
    fn only_rows_that_are_needed_are_read() {
        let rows = |start, end| -> Vec<_> {
            let spans = Period { start: Some(at(start)), end: Some(at(end)) }.spans();
            spans.iter().map(|span| (span.grain, span.to - span.from)).collect()
        };
        let (hours, days) = (TimeDelta::hours, TimeDelta::days);
        for (start, end, expected) in [
            ("2026-11-25T00:00:00Z", "2026-11-27T00:00:00Z", vec![(Grain::Day, days(2))]),
            ("2026-11-25T10:00:00Z", "2026-11-25T14:00:00Z", vec![(Grain::Hour, hours(4))]),
            ("2026-11-25T00:00:00Z", "2026-11-25T14:00:00Z", vec![(Grain::Hour, hours(14))]),
            ("2026-11-25T14:00:00Z", "2026-11-26T00:00:00Z", vec![(Grain::Hour, hours(10))]),
            (
                "2026-11-25T22:00:00Z",
                "2026-11-27T00:00:00Z",
                vec![(Grain::Hour, hours(2)), (Grain::Day, days(1))],
            ),
            ("2026-11-25T10:00:00Z", "2026-11-25T10:00:00Z", vec![]),
        ] {
            assert_eq!(rows(start, end), expected, "{start} {end}");
        }
    }

    #[test]
    fn what_there_is_at_a_periods_end_began_at_any_time() {
        let (start, end) = (Some(at("2026-11-25T00:00:00Z")), Some(at("2026-11-27T00:00:00Z")));
        assert_eq!(Period { start, end }.until_end(), Period { start: None, end });
    }

    /// Rows are kept and truncated under these names.
    #[test]
    fn grains_and_stretches_are_called_as_in_the_database() {
        let grains = [Grain::Hour, Grain::Day, Grain::Total].map(Grain::name);
        assert_eq!(grains, ["hour", "day", "total"]);
        let stretches = [Bucket::Hour, Bucket::Day, Bucket::Week, Bucket::Month].map(Bucket::name);
        assert_eq!(stretches, ["hour", "day", "week", "month"]);
    }

    #[test]
    fn stretches_follow_each_other() {
        for (bucket, expected) in [
            (Bucket::Hour, ["2026-12-31T22", "2026-12-31T23", "2027-01-01T00"]),
            (Bucket::Day, ["2026-12-31T00", "2027-01-01T00", "2027-01-02T00"]),
            (Bucket::Week, ["2026-12-28T00", "2027-01-04T00", "2027-01-11T00"]),
            (Bucket::Month, ["2026-12-01T00", "2027-01-01T00", "2027-02-01T00"]),
        ] {
            let begins = bucket.all(at("2026-12-31T22:30:00Z"), DUSK, 2);
            assert_eq!(begins, expected.map(|hour| at(&format!("{hour}:00:00Z"))), "{bucket:?}");
        }
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_their_first_day() {
        let thursday = at("2026-11-26T13:14:15Z");
        assert_eq!(Bucket::Hour.begin(thursday), at("2026-11-26T13:00:00Z"));
        assert_eq!(Bucket::Week.begin(thursday), at("2026-11-23T00:00:00Z"));
        assert_eq!(Bucket::Month.begin(thursday), at("2026-11-01T00:00:00Z"));
        let months = Bucket::Month.all(at("2026-11-30T00:00:00Z"), at("2027-02-01T00:00:01Z"), 10);
        assert_eq!(months.len(), 4);
        assert_eq!(months[3], at("2027-02-01T00:00:00Z"));
        assert_eq!(Bucket::Hour.all(DAWN, DUSK, 10).len(), 11);
        assert_eq!(Bucket::Day.all(thursday, Bucket::Day.begin(thursday), 10).len(), 0);
    }

    proptest! {
        /// Each hour is in exactly one row of the spans if it is in the period, else in none.
        #[test]
        fn spans_cover_a_period_once(start in 0_i64..2000, length in 0_i64..200, hour in 0_i64..2400) {
            let hours = |n: i64| DateTime::UNIX_EPOCH + TimeDelta::hours(n);
            for (from, to) in [
                (Some(start), Some(start + length)), (None, Some(start)), (Some(start), None),
            ] {
                let period = Period { start: from.map(hours), end: to.map(hours) };
                let inside = from.is_none_or(|from| from <= hour) && to.is_none_or(|to| hour < to);
                let at = hours(hour);
                let rows = period.spans().iter().filter(|span| {
                    let row = match span.grain {
                        Grain::Hour => at,
                        Grain::Day => midnight(at),
                        Grain::Total => DAWN,
                    };
                    span.from <= row && row < span.to
                }).count();
                prop_assert_eq!(rows, usize::from(inside));
            }
        }
    }
}
