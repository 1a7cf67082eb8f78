//! When a source is asked for a key frame: requests of all receivers merged, paced, repeated
//! until one comes. This module must never know who asked.

use std::time::{Duration, Instant};

/// The least time between two requests: an encoder answers each, and a key frame costs ten
/// ordinary ones.
const PACE: Duration = Duration::from_millis(400);

/// One video source's key-frame requests.
#[derive(Debug, Clone, Default)]
pub struct KeyFrames {
    wanted: bool,
    asked_at: Option<Instant>,
}

impl KeyFrames {
    /// Somebody cannot decode.
    pub fn want(&mut self) {
        self.wanted = true;
    }

    /// A key frame has begun. Every slot that waited begins with it.
    pub fn arrived(&mut self) {
        self.wanted = false;
    }

    /// Whether to ask now; counts as asked when true.
    pub fn ask(&mut self, now: Instant) -> bool {
        let due = self.wanted && self.asked_at.is_none_or(|at| at + PACE <= now);
        if due {
            self.asked_at = Some(now);
        }
        due
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "an instant cannot be made from nothing"
)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_merged_and_repeated() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut keys = KeyFrames::default();
        assert!(!keys.ask(at(0)));
        keys.want();
        assert!(keys.ask(at(0)), "the first goes at once");
        keys.want();
        assert!(!keys.ask(at(100)), "merged");
        assert!(keys.ask(at(400)), "still wanted");
        keys.arrived();
        assert!(!keys.ask(at(900)));
    }
}
