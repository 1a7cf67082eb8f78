//! Numbers of packets that are not forwarded, left out so that receivers miss nothing: what is only
//! padding (browsers probe the path with it), or no decoder could read.
//!
//! Without this each of them would be a gap in every slot: receivers would ask for it again and
//! wait, and half of 2^16 of them in a row would make receivers lose count of the rollovers (RFC
//! 3711 section 3.3.1) and open nothing any more. This module must never know packets.

use std::collections::VecDeque;

/// Runs of left-out packets that are remembered; the oldest are forgotten, and stragglers from
/// before them are not forwarded. A browser probes some times a minute, with a run each.
const RUNS_MAX: usize = 32;

/// One source's numbering.
#[derive(Debug, Clone, Default)]
pub struct Holes {
    highest: Option<u64>,
    runs: VecDeque<Run>,
    /// The last index of the last run that was forgotten.
    forgotten: Option<u64>,
}

/// Indices in a row that were left out.
#[derive(Debug, Clone, Copy)]
struct Run {
    first: u64,
    last: u64,
    /// How many were left out up to its end, since the beginning.
    total: u64,
}

impl Holes {
    /// The packet with this index is not forwarded. One out of order leaves a gap: what came after
    /// it has its number already.
    pub fn leave_out(&mut self, index: u64) {
        if self.highest.is_some_and(|highest| index <= highest) {
            return;
        }
        self.highest = Some(index);
        let total = self.runs.back().map_or(0, |run| run.total);
        match self.runs.back_mut() {
            Some(run) if run.last + 1 == index => {
                run.last = index;
                run.total += 1;
            }
            Some(_) | None => {
                if self.runs.len() == RUNS_MAX {
                    self.forgotten = self.runs.pop_front().map(|run| run.last);
                }
                self.runs.push_back(Run {
                    first: index,
                    last: index,
                    total: total + 1,
                });
            }
        }
    }

    /// The number of a packet that is forwarded, with all before it that are not left out. Nothing
    /// for one that was left out, or is too old to tell.
    pub fn number(&mut self, index: u64) -> Option<u64> {
        self.highest = Some(self.highest.map_or(index, |highest| highest.max(index)));
        let before = self.runs.iter().rev().find(|run| run.first <= index);
        match before {
            Some(run) if index <= run.last => None,
            Some(run) => Some(index - run.total),
            None if self.forgotten.is_some_and(|last| index <= last) => None,
            None => {
                // Before the first run that is remembered.
                let first = self.runs.front();
                let before = first.map_or(0, |run| run.total - (run.last - run.first + 1));
                Some(index - before)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_left_out_leaves_no_gap() {
        let mut holes = Holes::default();
        assert_eq!(holes.number(10), Some(10));
        holes.leave_out(11);
        holes.leave_out(12);
        assert_eq!(holes.number(13), Some(11));
        // A gap of the network's stays one, and a straggler fits into it.
        assert_eq!(holes.number(15), Some(13));
        assert_eq!(holes.number(14), Some(12));
        // What came late could not be left out any more.
        holes.leave_out(15);
        assert_eq!(holes.number(16), Some(14));
        assert_eq!(holes.number(12), None);
    }

    #[test]
    fn only_so_many_runs_are_remembered() {
        let mut holes = Holes::default();
        for index in (0..200).step_by(2) {
            holes.leave_out(index);
            assert_eq!(holes.number(index + 1), Some(index / 2));
        }
        assert_eq!(holes.runs.len(), RUNS_MAX);
        assert_eq!(holes.number(1), None, "too old to tell");
        assert_eq!(holes.number(197), Some(98));
        assert_eq!(holes.number(133), None, "before the last run forgotten");
        assert_eq!(holes.number(135), Some(67));
    }

    proptest! {
        #[test]
        fn in_order_the_numbers_are_those_without_holes(forwarded in proptest::collection::vec(any::<bool>(), 1..300), first in 0_u64..100_000) {
            let mut holes = Holes::default();
            let mut expected = first;
            for (index, forwarded) in (first..).zip(forwarded) {
                if forwarded {
                    prop_assert_eq!(holes.number(index), Some(expected));
                    expected += 1;
                } else {
                    holes.leave_out(index);
                }
            }
        }
    }
}
