//! The counts in a version's header.

use super::states::Standing;

/// An item as a version holds it, as far as counting goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// How it stands.
    pub standing: Standing,
    /// Whether its content is older than the version.
    pub carried: bool,
    /// Whether its effective content counts for the version's derived total.
    pub counted: bool,
}

/// How many items a version holds, by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub total: i32,
    /// Not ruled on.
    pub pending: i32,
    /// Approved.
    pub approved: i32,
    /// Rejected.
    pub rejected: i32,
    /// Modified and confirmed.
    pub modified: i32,
    /// Modified and not confirmed.
    pub proposed: i32,
    /// Content older than the version.
    pub carried: i32,
    /// Counting for the version's derived total.
    pub counted: i32,
    /// Those of `counted` that the next version inherits.
    pub counted_kept: i32,
}

impl Counts {
    /// What a next version made from this one begins with.
    pub fn inherited(&self) -> Self {
        let kept = self.approved + self.modified;
        Self {
            total: kept,
            approved: self.approved,
            modified: self.modified,
            carried: kept,
            counted: self.counted_kept,
            counted_kept: self.counted_kept,
            ..Self::default()
        }
    }

    /// An item comes in.
    pub fn enter(&mut self, item: Held) {
        self.add(item, 1);
    }

    /// New items come in that nobody has ruled on, `counted` of them counting for the total.
    pub fn enter_pending(&mut self, items: i32, counted: i32) {
        self.total += items;
        self.pending += items;
        self.counted += counted;
    }

    /// An item goes.
    pub fn leave(&mut self, item: Held) {
        self.add(item, -1);
    }

    fn add(&mut self, item: Held, by: i32) {
        self.total += by;
        *match item.standing {
            Standing::Pending => &mut self.pending,
            Standing::Approved => &mut self.approved,
            Standing::Modified => &mut self.modified,
            Standing::Rejected => &mut self.rejected,
            Standing::Proposed => &mut self.proposed,
        } += by;
        if item.carried {
            self.carried += by;
        }
        if item.counted {
            self.counted += by;
            if item.standing.is_kept() {
                self.counted_kept += by;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn held(standing: Standing, carried: bool, counted: bool) -> Held {
        Held { standing, carried, counted }
    }

    #[test]
    fn the_sample_story_of_seed_001() {
        let mut first = Counts::default();
        for _ in 0..100 {
            first.enter(held(Standing::Pending, false, false));
        }
        for i in 0..100 {
            first.leave(held(Standing::Pending, false, false));
            let standing = if i < 80 { Standing::Approved } else { Standing::Rejected };
            first.enter(held(standing, false, false));
        }
        let mut second = first.inherited();
        for _ in 0..10 {
            second.enter(held(Standing::Pending, false, false));
        }
        assert_eq!(
            (second.total, second.carried, second.approved, second.pending),
            (90, 80, 80, 10)
        );
    }

    #[test]
    fn only_kept_items_count_for_the_next_version() {
        let mut counts = Counts::default();
        counts.enter(held(Standing::Approved, false, true));
        counts.enter(held(Standing::Rejected, false, true));
        counts.enter(held(Standing::Proposed, true, true));
        assert_eq!((counts.counted, counts.counted_kept), (3, 1));
        assert_eq!(counts.inherited().counted, 1);
        counts.leave(held(Standing::Proposed, true, true));
        counts.enter(held(Standing::Modified, true, false));
        assert_eq!((counts.counted, counts.counted_kept, counts.carried), (2, 1, 1));
    }

    #[test]
    fn new_items_come_in_together_or_one_by_one() {
        let mut together = Counts::default();
        together.enter_pending(3, 2);
        together.enter_pending(2, 1);
        let mut alone = Counts::default();
        for counted in [true, true, false, true, false] {
            alone.enter(held(Standing::Pending, false, counted));
        }
        assert_eq!(together, alone);
        assert_eq!((together.total, together.pending, together.counted), (5, 5, 3));
    }

    #[test]
    fn the_next_version_begins_with_what_was_kept() {
        let mut counts = Counts::default();
        for standing in [Standing::Approved, Standing::Modified, Standing::Modified] {
            counts.enter(held(standing, false, true));
        }
        for standing in [Standing::Rejected, Standing::Proposed, Standing::Pending] {
            counts.enter(held(standing, true, true));
        }
        let next = Counts {
            total: 3,
            approved: 1,
            modified: 2,
            carried: 3,
            counted: 3,
            counted_kept: 3,
            ..Counts::default()
        };
        assert_eq!(counts.inherited(), next);
        assert_eq!(next.inherited(), next);
    }
}
