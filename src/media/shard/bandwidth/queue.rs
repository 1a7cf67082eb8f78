//! How long packets stand in a queue before the narrowest part of a path: how much later even the
//! fastest of the last half second came than the fastest of the last seconds.
//!
//! The trend of the delay tells when a queue grows, but a queue that is full does not grow: only this
//! tells that it is there. What stands in it delays all sound, so it has to be drained, not only kept
//! from growing (the idea is CoDel's, RFC 8289 section 3.2). This module must never know rates.

/// Half of the time in which the fastest packet counts for the present, in microseconds: a path that
/// halts for a moment has no standing queue.
const PRESENT_US: u64 = 250_000;
/// Half of the time in which the fastest packet counts as one that did not wait.
const BASE_US: u64 = 10_000_000;

/// The least of a moving time: over one to two times a span.
#[derive(Debug)]
struct Least {
    span_us: u64,
    since_us: u64,
    now: Option<i64>,
    before: Option<i64>,
}

impl Least {
    fn over(span_us: u64) -> Self {
        Self {
            span_us,
            since_us: 0,
            now: None,
            before: None,
        }
    }

    fn push(&mut self, at_us: u64, value: i64) {
        let passed = at_us.saturating_sub(self.since_us);
        if passed >= self.span_us {
            // After a long pause neither half is of the last two spans.
            self.before = self.now.filter(|_| passed < 2 * self.span_us);
            self.now = None;
            self.since_us = at_us;
        }
        self.now = Some(self.now.map_or(value, |least| least.min(value)));
    }

    fn get(&self) -> Option<i64> {
        self.now.into_iter().chain(self.before).min()
    }
}

/// The delays of one path.
#[derive(Debug)]
pub struct Queue {
    present: Least,
    base: Least,
}

impl Queue {
    /// Nothing known.
    pub fn new() -> Self {
        Self {
            present: Least::over(PRESENT_US),
            base: Least::over(BASE_US),
        }
    }

    /// A packet took so long, on clocks that need not agree.
    pub fn push(&mut self, sent_us: u64, took_us: i64) {
        self.present.push(sent_us, took_us);
        self.base.push(sent_us, took_us);
    }

    /// How long packets wait, in microseconds.
    pub fn standing_us(&self) -> u64 {
        match (self.present.get(), self.base.get()) {
            (Some(present), Some(base)) => {
                u64::try_from(present.saturating_sub(base)).unwrap_or_default()
            }
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets every 20 ms for so long, each of which takes so many milliseconds.
    fn send(queue: &mut Queue, from_ms: u64, until_ms: u64, took_ms: i64) {
        for ms in (from_ms..until_ms).step_by(20) {
            queue.push(ms * 1000, took_ms * 1000);
        }
    }

    #[test]
    fn what_stands_is_seen_and_what_passes_is_not() {
        let mut queue = Queue::new();
        assert_eq!(queue.standing_us(), 0);
        send(&mut queue, 0, 2000, -40);
        send(&mut queue, 2000, 2200, 260);
        assert_eq!(queue.standing_us(), 0, "a halt of the path");
        send(&mut queue, 2200, 3000, 160);
        assert_eq!(queue.standing_us(), 200_000);
        send(&mut queue, 3000, 3040, -40);
        assert_eq!(queue.standing_us(), 0);
    }

    #[test]
    fn a_path_that_became_longer_is_taken_as_it_is() {
        let mut queue = Queue::new();
        send(&mut queue, 0, 1000, 20);
        send(&mut queue, 1000, 25_000, 120);
        assert_eq!(queue.standing_us(), 0);
    }
}
