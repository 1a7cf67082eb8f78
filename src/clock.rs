//! SHELL. The server's clock: the one place where wall-clock time is read.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::time::Timestamp;

/// Gives [`Timestamp`]s: the wall clock at the start plus a monotonic clock, so that time never
/// runs backwards while the server runs, whatever is done to the machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    wall: Timestamp,
    started: Instant,
}

impl Clock {
    /// Reads both clocks.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn start() -> Self {
        // A machine whose clock stands before 1970 has to be mended, but need not crash us.
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            wall: Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
            started: Instant::now(),
        }
    }

    /// The same clock, set forward to this time where it stands before it: what happened stays past.
    #[must_use]
    pub fn not_before(self, earliest: Timestamp) -> Self {
        Self {
            wall: self.wall + earliest.since(self.now()),
            ..self
        }
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        let elapsed = self.started.elapsed().as_millis();
        self.wall + crate::time::Millis(u64::try_from(elapsed).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_this_century_and_does_not_run_backwards() {
        let clock = Clock::start();
        let first = clock.now();
        assert!(first > Timestamp(1_600_000_000_000), "{first:?}");
        assert!(clock.now() >= first);
    }

    #[test]
    fn it_is_set_forward_and_never_back() {
        let clock = Clock::start();
        let later = clock.now() + crate::time::Millis::from_secs(3600);
        assert!(clock.not_before(later).now() >= later);
        let same = clock.not_before(Timestamp(0)).now();
        assert!(same < later);
    }
}
