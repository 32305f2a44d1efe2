//! What can be said of how far a feed is.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};

use super::Holder;

/// How many moments are remembered; of more, every other one is forgotten.
const REMEMBERED: usize = 512;

/// Where a feed stands for whoever follows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeedStanding {
    /// Every record that was committed before this moment was read. None as long as that cannot be said.
    pub watermark: Option<DateTime<Utc>>,
    /// How many committed records were not read yet.
    pub waiting: i64,
    /// There are more than these.
    pub waiting_or_more: bool,
    /// What holds the feed back, if something does for longer than a moment.
    pub held_by: Option<Holder>,
}

/// What was seen of the database's transactions at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// Before the rest was looked at.
    pub(super) at: DateTime<Utc>,
    /// All transactions with lower ids had ended.
    pub(super) oldest_open: i64,
    /// All transactions that had ended had lower ids.
    pub(super) above_ended: i64,
    /// The epoch of these ids.
    pub(super) epoch: i32,
}

impl Moment {
    /// Whether a transaction was open below one that had ended.
    pub(super) fn has_open(&self) -> bool {
        self.oldest_open < self.above_ended
    }
}

/// The watermark of one follower, from what was seen.
///
/// A record that was committed before a moment has an id below `above_ended` of that moment. So once
/// everything below that was read, everything that was committed before the moment was. Nothing here
/// depends on how long transactions take, or on what their clocks say.
#[derive(Debug, Default)]
pub(super) struct Watermark {
    seen: VecDeque<Moment>,
    reached: Option<DateTime<Utc>>,
}

impl Watermark {
    /// Remembers a moment.
    pub(super) fn saw(&mut self, moment: Moment) {
        // Ids of another epoch say nothing of these.
        self.seen.retain(|seen| seen.epoch == moment.epoch);
        if self.seen.len() >= REMEMBERED {
            let mut keep = false;
            self.seen.retain(|_| {
                keep = !keep;
                keep
            });
        }
        self.seen.push_back(moment);
    }

    /// Everything below this id was read.
    pub(super) fn read_below(&mut self, id: i64) {
        while self.seen.front().is_some_and(|moment| moment.above_ended <= id) {
            let moment = self.seen.pop_front();
            // A clock that is set back does not unsay what was said.
            self.reached = self.reached.max(moment.map(|moment| moment.at));
        }
    }

    /// Where it is.
    pub(super) fn reached(&self) -> Option<DateTime<Utc>> {
        self.reached
    }

    /// Since when the oldest open transaction has been the same.
    pub(super) fn held_since(&self) -> Option<DateTime<Utc>> {
        let last = self.seen.back()?;
        let same = self.seen.iter().rev().take_while(|seen| seen.oldest_open == last.oldest_open);
        same.last().map(|moment| moment.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(second: i64, oldest_open: i64, above_ended: i64) -> Moment {
        let at = DateTime::from_timestamp(second, 0).unwrap();
        Moment { at, oldest_open, above_ended, epoch: 1 }
    }

    fn reached(watermark: &Watermark) -> Option<i64> {
        watermark.reached().map(|at| at.timestamp())
    }

    #[test]
    fn with_nothing_open_it_is_now() {
        let mut watermark = Watermark::default();
        assert_eq!(reached(&watermark), None);
        watermark.saw(moment(10, 7, 7));
        watermark.read_below(7);
        assert_eq!(reached(&watermark), Some(10));
    }

    #[test]
    fn it_stands_still_as_long_as_something_older_is_open() {
        let mut watermark = Watermark::default();
        watermark.saw(moment(10, 7, 7));
        watermark.read_below(7);
        // Transaction 7 stays open while 8 and 9 end: what they wrote is not read.
        for second in 11..15 {
            watermark.saw(moment(second, 7, 10));
            watermark.read_below(7);
            assert_eq!(reached(&watermark), Some(10));
        }
        assert_eq!(watermark.held_since().unwrap().timestamp(), 11);
        watermark.saw(moment(15, 10, 10));
        watermark.read_below(10);
        assert_eq!(reached(&watermark), Some(15));
    }

    #[test]
    fn before_the_first_quiet_moment_nothing_is_said() {
        let mut watermark = Watermark::default();
        watermark.saw(moment(10, 7, 9));
        watermark.read_below(7);
        assert_eq!(reached(&watermark), None);
        watermark.saw(moment(11, 9, 12));
        watermark.read_below(9);
        assert_eq!(reached(&watermark), Some(10));
    }

    #[test]
    fn it_never_goes_back_and_remembers_little() {
        let mut watermark = Watermark::default();
        watermark.saw(moment(10, 5, 5));
        watermark.read_below(5);
        watermark.saw(moment(4, 6, 6));
        watermark.read_below(6);
        assert_eq!(reached(&watermark), Some(10));
        for second in 0..10_000 {
            watermark.saw(moment(20 + second, 7, 8 + second));
        }
        assert!((REMEMBERED / 2..=REMEMBERED).contains(&watermark.seen.len()));
        watermark.read_below(8);
        assert_eq!(reached(&watermark), Some(20));
        watermark.saw(Moment { epoch: 2, ..moment(50_000, 3, 3) });
        assert_eq!(watermark.seen.len(), 1);
    }
}
