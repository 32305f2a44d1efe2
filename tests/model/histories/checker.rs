//! Whether some order of calls explains every answer: the search of Wing and Gong in Lowe's form. What was
//! looked at once, the same calls done and the same state reached, is not looked at again.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// When an answer comes that never came.
pub(crate) const NEVER: u64 = u64::MAX;
/// How many calls are tried at most, where nothing else is said.
pub(crate) const STEPS: usize = 400_000;

/// When a call was made and answered, on one clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) invoked: u64,
    pub(crate) returned: u64,
    /// Whether it may as well have had no effect, ever: nobody was told.
    pub(crate) optional: bool,
}

/// What is called.
pub(crate) trait Model {
    type State: Clone + Hash + Eq;

    /// The state after the call with this number, if its answer is the one that is given in this state.
    fn step(&self, state: &Self::State, call: usize) -> Option<Self::State>;

    /// Whether the call, with this answer, changes nothing in this state, nor in any later one.
    fn is_idle(&self, state: &Self::State, call: usize) -> bool;

    /// Whether the call, with this answer, can neither be next in this state nor come in any later one. Not to
    /// know costs time; to be wrong costs a false alarm.
    fn is_over(&self, state: &Self::State, call: usize) -> bool;

    /// When it had its effect, as far as somebody guesses: of those that may be next, the first one is tried first.
    /// A wrong guess costs time, and nothing else.
    fn guess(&self, call: usize) -> u64;
}

/// What the search came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict<S> {
    /// This order explains every answer, and leads here.
    Explained { order: Vec<usize>, state: S, steps: usize },
    /// No order does. The longest that explains all before it, where it leads, and what was to come next.
    Unexplained { order: Vec<usize>, state: S, next: Vec<usize> },
    /// It is not known: there were too many orders. Of those tried, the longest, as above.
    TooMany { order: Vec<usize>, state: S, next: Vec<usize> },
}

/// A place in the search.
struct Place<S> {
    state: S,
    /// Calls that may be next, the last one first.
    next: Vec<usize>,
    /// The latest invocation among those done.
    latest: u64,
}

/// The calls that are done, as bits.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Done(Vec<u64>);

impl Done {
    fn none(of: usize) -> Self {
        Self(vec![0; of.div_ceil(64)])
    }

    fn has(&self, call: usize) -> bool {
        self.0[call / 64] & (1 << (call % 64)) != 0
    }

    fn flip(&mut self, call: usize) {
        self.0[call / 64] ^= 1 << (call % 64);
    }
}

/// Looks for an order, and tries so many calls at most.
pub(crate) fn check<M: Model>(
    model: &M,
    spans: &[Span],
    from: M::State,
    most: usize,
) -> Verdict<M::State> {
    let (done, seen) = (Done::none(spans.len()), HashSet::new());
    Search { model, spans, done, seen, steps: 0, most }.run(from)
}

struct Search<'a, M: Model> {
    model: &'a M,
    spans: &'a [Span],
    done: Done,
    seen: HashSet<(Done, u64)>,
    steps: usize,
    most: usize,
}

impl<M: Model> Search<'_, M> {
    fn run(mut self, from: M::State) -> Verdict<M::State> {
        let next = self.next(&from, 0);
        let mut best = (Vec::new(), from.clone(), next.clone());
        let mut order: Vec<usize> = Vec::new();
        let mut places = vec![Place { state: from, next, latest: 0 }];
        while let Some(place) = places.last_mut() {
            if self.is_complete() {
                let state = place.state.clone();
                return Verdict::Explained { order, state, steps: self.steps };
            }
            let Some(call) = place.next.pop() else {
                places.pop();
                if let Some(call) = order.pop() {
                    self.done.flip(call);
                }
                continue;
            };
            if self.steps >= self.most {
                let (order, state, next) = best;
                return Verdict::TooMany { order, state, next };
            }
            self.steps += 1;
            let Some(state) = self.model.step(&place.state, call) else { continue };
            let latest = place.latest.max(self.spans[call].invoked);
            self.done.flip(call);
            if self.comes_too_late(&state) || !self.seen.insert((self.done.clone(), digest(&state)))
            {
                self.done.flip(call);
                continue;
            }
            let next = self.next(&state, latest);
            order.push(call);
            if order.len() > best.0.len() {
                best = (order.clone(), state.clone(), next.clone());
            }
            places.push(Place { state, next, latest });
        }
        let (order, state, next) = best;
        Verdict::Unexplained { order, state, next }
    }

    fn is_complete(&self) -> bool {
        let mut spans = self.spans.iter().enumerate();
        spans.all(|(call, span)| span.optional || self.done.has(call))
    }

    /// Whether some answer that is still to be explained cannot be any more: no order from here does.
    fn comes_too_late(&self, state: &M::State) -> bool {
        let open = |call: &usize| !self.spans[*call].optional && !self.done.has(*call);
        (0..self.spans.len()).filter(open).any(|call| self.model.is_over(state, call))
    }

    /// The calls that may be next: those made before any of the others was answered.
    fn next(&mut self, state: &M::State, latest: u64) -> Vec<usize> {
        let open = |call: &usize| !self.done.has(*call);
        let all = || (0..self.spans.len()).filter(open);
        let must = all().filter(|call| !self.spans[*call].optional);
        let first = must.map(|call| self.spans[call].returned).min().unwrap_or(NEVER);
        let may = |call: &usize| {
            let span = self.spans[*call];
            // One that may not have happened happened while it was under way, if at all.
            span.invoked <= first && (!span.optional || span.returned >= latest)
        };
        let mut next: Vec<usize> = all().filter(may).collect();
        // One that never changes anything may as well be now: wherever else it fits, all others fit without it.
        let passed = |at: u64| {
            next.iter().any(|call| self.spans[*call].optional && self.spans[*call].returned < at)
        };
        let idle = next.iter().position(|call| {
            let span = self.spans[*call];
            let idle = self.model.is_idle(state, *call) && !span.optional && !passed(span.invoked);
            idle && self.model.step(state, *call).is_some()
        });
        self.steps += next.len();
        if let Some(at) = idle {
            return vec![next[at]];
        }
        next.sort_by_key(|call| std::cmp::Reverse(self.model.guess(*call)));
        next
    }
}

fn digest(state: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is asked of a number that many write.
    #[derive(Clone, Copy, Debug)]
    enum Call {
        Write(u32),
        Read(u32),
        /// Adds one, and answers what comes out.
        Count(u32),
        /// Adds one, and answers nothing.
        Add,
    }

    /// Calls, when they were, and whether the number only grows.
    struct Register(Vec<Call>, Vec<Span>, bool);

    impl Model for Register {
        type State = u32;

        fn step(&self, state: &u32, call: usize) -> Option<u32> {
            match self.0[call] {
                Write(value) => Some(value),
                Read(value) => (value == *state).then_some(value),
                Count(value) => (value == state + 1).then_some(value),
                Add => Some(state + 1),
            }
        }

        fn is_idle(&self, _: &u32, call: usize) -> bool {
            matches!(self.0[call], Read(_))
        }

        fn is_over(&self, state: &u32, call: usize) -> bool {
            matches!(self.0[call], Count(value) if self.2 && *state >= value)
        }

        fn guess(&self, call: usize) -> u64 {
            match (self.0[call], self.1[call]) {
                // A bad guess, for the test of what is over.
                (Add, _) => 0,
                (_, span) if span.optional => NEVER,
                (_, span) => span.returned,
            }
        }
    }

    fn span(invoked: u64, returned: u64) -> Span {
        Span { invoked, returned, optional: false }
    }

    fn maybe(invoked: u64, returned: u64) -> Span {
        Span { optional: true, ..span(invoked, returned) }
    }

    impl Register {
        fn of(calls: Vec<Call>, spans: Vec<Span>) -> Self {
            let grows = !calls.iter().any(|call| matches!(call, Write(_)));
            Self(calls, spans, grows)
        }
    }

    fn verdict(calls: &[(Call, Span)]) -> Verdict<u32> {
        let (calls, spans): (Vec<Call>, Vec<Span>) = calls.iter().copied().unzip();
        check(&Register::of(calls, spans.clone()), &spans, 0, STEPS)
    }

    #[track_caller]
    fn explained(calls: &[(Call, Span)]) -> Vec<usize> {
        match verdict(calls) {
            Verdict::Explained { order, .. } => order,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn unexplained(calls: &[(Call, Span)]) -> Vec<usize> {
        match verdict(calls) {
            Verdict::Unexplained { next, .. } => next,
            other => panic!("{other:?}"),
        }
    }

    use Call::{Add, Count, Read, Write};

    #[test]
    fn calls_at_the_same_time_may_have_happened_in_any_order() {
        assert_eq!(explained(&[]), [0; 0]);
        assert_eq!(explained(&[(Write(1), span(1, 4)), (Read(0), span(2, 3))]), [1, 0]);
        assert_eq!(explained(&[(Write(1), span(1, 4)), (Read(1), span(2, 3))]), [0, 1]);
        // Two writes that overlap, and two readers who saw first one, then the other.
        let calls = [
            (Write(1), span(1, 10)),
            (Write(2), span(2, 9)),
            (Read(2), span(3, 4)),
            (Read(1), span(5, 6)),
        ];
        assert_eq!(explained(&calls), [1, 2, 0, 3]);
    }

    #[test]
    fn what_would_change_nothing_now_may_be_what_changes_something_later() {
        // The first write fits at once, where it changes nothing, but the second reader saw it.
        let calls = [
            (Write(0), span(1, 10)),
            (Write(5), span(2, 3)),
            (Read(5), span(4, 5)),
            (Read(0), span(6, 7)),
        ];
        assert_eq!(explained(&calls), [1, 2, 0, 3]);
    }

    #[test]
    fn what_was_answered_is_there_for_whoever_asks_later() {
        // A stale read after a write that was acknowledged.
        assert_eq!(unexplained(&[(Write(1), span(1, 2)), (Read(0), span(3, 4))]), [1]);
        // Back to an older value.
        unexplained(&[
            (Write(1), span(1, 10)),
            (Write(2), span(2, 9)),
            (Read(2), span(3, 4)),
            (Read(1), span(5, 6)),
            (Read(2), span(7, 8)),
        ]);
    }

    #[test]
    fn a_lost_update_is_found_however_much_overlaps() {
        unexplained(&[(Count(1), span(1, 4)), (Count(1), span(2, 3))]);
        explained(&[(Count(1), span(1, 4)), (Count(2), span(2, 3))]);
        // The second was answered before the first was asked.
        unexplained(&[(Count(1), span(3, 4)), (Count(2), span(1, 2))]);
    }

    #[test]
    fn what_nobody_was_told_of_happened_once_or_never() {
        let lost = (Count(1), maybe(1, NEVER));
        explained(&[lost, (Read(0), span(2, 3))]);
        explained(&[lost, (Read(0), span(2, 3)), (Read(1), span(4, 5))]);
        unexplained(&[lost, (Read(1), span(2, 3)), (Read(0), span(4, 5))]);
        unexplained(&[lost, (Read(2), span(2, 3))]);
        // Nor before it was asked for.
        unexplained(&[(Count(1), maybe(5, NEVER)), (Read(1), span(2, 3))]);
        // Nor after it had ended, where that is known.
        unexplained(&[(Write(7), maybe(1, 2)), (Read(0), span(3, 4)), (Read(7), span(5, 6))]);
        explained(&[(Write(7), maybe(1, 2)), (Read(7), span(3, 4)), (Read(7), span(5, 6))]);
    }

    #[test]
    fn nothing_is_tried_behind_an_answer_that_cannot_come_any_more() {
        // Each of the others may have come first, and any of them after it: that is found out at once.
        let others = (0..24).map(|_| (Add, maybe(1, 100)));
        let calls: Vec<_> = [(Count(1), span(1, 100))].into_iter().chain(others).collect();
        assert_eq!(explained(&calls)[0], 0);
        unexplained(&[(Count(1), span(3, 4)), (Add, span(1, 2))]);
    }

    #[test]
    fn a_search_without_end_ends_without_a_verdict() {
        // Each order leads somewhere else, and none to what was read at last.
        let calls: Vec<_> = (0..24)
            .map(|n| (Write(n + 1), span(1, 100)))
            .chain([(Read(99), span(101, 102))])
            .collect();
        let (calls, spans): (Vec<Call>, Vec<Span>) = calls.into_iter().unzip();
        let verdict = check(&Register::of(calls, spans.clone()), &spans, 0, STEPS);
        assert!(matches!(verdict, Verdict::TooMany { .. }), "{verdict:?}");
    }

    #[test]
    fn a_long_history_of_calls_that_overlap_is_checked_in_few_steps() {
        let calls: Vec<_> = (0..2000u64)
            .flat_map(|n| {
                let value = u32::try_from(n).unwrap();
                let ahead = (n + 6) * 10;
                [
                    (Count(value + 1), span(n * 10 + 1, ahead)),
                    (Read(value), span(n * 10 + 2, ahead + 1)),
                ]
            })
            .collect();
        let (calls, spans): (Vec<Call>, Vec<Span>) = calls.into_iter().unzip();
        let verdict = check(&Register::of(calls, spans.clone()), &spans, 0, STEPS);
        assert!(matches!(verdict, Verdict::Explained { .. }));
    }
}
