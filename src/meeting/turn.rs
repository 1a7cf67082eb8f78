//! One turn and its clocks.
//!
//! A turn is told the time and whether its microphone is open; it must never know why it is not.

use serde::{Deserialize, Serialize};

use crate::{
    ids::MemberId,
    meeting::event::TurnNumber,
    time::{Millis, Timestamp},
};

/// How far a turn has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The microphone is open and audio is awaited.
    Offered,
    /// Audio has come.
    Speaking,
}

/// What time does to a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// The offer's time is over.
    Miss,
    /// The warning.
    Warning,
    /// The end of the turn's time.
    Overtime,
    /// The end of the time for which the floor is kept for a lost speaker.
    Forfeit,
}

/// One stretch of having the floor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Its number in the session.
    pub number: TurnNumber,
    /// Who has it.
    pub member: MemberId,
    /// How far it has come.
    pub phase: Phase,
    /// When it was offered.
    pub granted_at: Timestamp,
    /// How long it should last.
    pub limit: Millis,
    /// Whether the warning has been given.
    pub warned: bool,
    /// Whether its time is used up.
    pub overtime: bool,
    /// Whether the clock is held until a chair resumes it.
    pub held: bool,
    /// Whether the offer before this one was missed, so that this is the last.
    pub(super) second_offer: bool,
    /// Since when audio has been awaited, while it is.
    awaiting_since: Option<Timestamp>,
    started: bool,
    clock: Stopwatch,
}

impl Turn {
    pub(super) fn new(
        number: TurnNumber,
        member: MemberId,
        granted_at: Timestamp,
        limit: Millis,
        second_offer: bool,
    ) -> Self {
        Self {
            number,
            member,
            phase: Phase::Offered,
            granted_at,
            limit,
            warned: false,
            overtime: false,
            held: false,
            second_offer,
            awaiting_since: None,
            started: false,
            clock: Stopwatch::default(),
        }
    }

    pub(super) fn start(&mut self) {
        self.phase = Phase::Speaking;
        self.started = true;
    }

    /// The speaker is lost: the clock runs on from the next speech that is heard.
    pub(super) fn lose_speaker(&mut self) {
        self.started = false;
    }

    /// Whether speech has been heard, so that the clock runs or is held.
    pub fn has_started(&self) -> bool {
        self.started
    }

    /// Speaking time up to `now`.
    pub fn spent(&self, now: Timestamp) -> Millis {
        self.clock.read(now)
    }

    /// Whether the clock runs on.
    pub fn is_running(&self) -> bool {
        self.clock.since.is_some()
    }

    /// Lets the clocks run or holds them, as the microphone is open or shut from now on. The
    /// offer's time begins anew when the microphone opens again: the rest of it could be too
    /// short for any browser.
    pub(super) fn settle(&mut self, now: Timestamp, microphone_open: bool) {
        if microphone_open && self.phase == Phase::Offered {
            self.awaiting_since.get_or_insert(now);
        } else {
            self.awaiting_since = None;
        }
        if microphone_open && self.started && !self.held {
            self.clock.run(now);
        } else {
            self.clock.hold(now);
        }
    }

    /// What time does next to this turn, and when.
    pub(super) fn due(&self, offer: Millis, warning: Millis) -> Option<(Timestamp, Due)> {
        if let Some(since) = self.awaiting_since {
            return Some((since + offer, Due::Miss));
        }
        if !self.warned && !self.overtime && warning > Millis(0) {
            let at = self.clock.reaches(self.limit - warning)?;
            return Some((at, Due::Warning));
        }
        if !self.overtime {
            let at = self.clock.reaches(self.limit)?;
            return Some((at, Due::Overtime));
        }
        None
    }
}

/// Adds up stretches of time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Stopwatch {
    before: Millis,
    since: Option<Timestamp>,
}

impl Stopwatch {
    fn run(&mut self, now: Timestamp) {
        self.since.get_or_insert(now);
    }

    fn hold(&mut self, now: Timestamp) {
        self.before = self.read(now);
        self.since = None;
    }

    fn read(&self, now: Timestamp) -> Millis {
        match self.since {
            Some(since) => self.before + now.since(since),
            None => self.before,
        }
    }

    /// When it will show `length`; never while it is held.
    fn reaches(&self, length: Millis) -> Option<Timestamp> {
        self.since.map(|since| since + (length - self.before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: Millis = Millis(10_000);
    const WARNING: Millis = Millis(60_000);

    fn turn() -> Turn {
        let member = "a".parse().expect("a slug");
        Turn::new(TurnNumber(1), member, Timestamp(0), Millis(300_000), false)
    }

    #[test]
    fn an_offer_that_was_held_has_its_whole_time_again() {
        let mut turn = turn();
        turn.settle(Timestamp(0), true);
        assert_eq!(
            turn.due(OFFER, WARNING),
            Some((Timestamp(10_000), Due::Miss))
        );
        turn.settle(Timestamp(9_900), false);
        assert_eq!(turn.due(OFFER, WARNING), None);
        turn.settle(Timestamp(50_000), true);
        assert_eq!(
            turn.due(OFFER, WARNING),
            Some((Timestamp(60_000), Due::Miss))
        );
    }

    #[test]
    fn the_clock_counts_only_while_it_runs() {
        let mut turn = turn();
        turn.settle(Timestamp(0), true);
        turn.start();
        turn.settle(Timestamp(2_000), true);
        turn.settle(Timestamp(5_000), true);
        assert_eq!(turn.spent(Timestamp(6_000)), Millis(4_000));
        turn.settle(Timestamp(12_000), false);
        assert!(!turn.is_running());
        assert_eq!(turn.spent(Timestamp(99_000)), Millis(10_000));
        turn.settle(Timestamp(100_000), true);
        assert_eq!(
            turn.due(OFFER, WARNING),
            Some((Timestamp(330_000), Due::Warning))
        );
        turn.warned = true;
        assert_eq!(
            turn.due(OFFER, WARNING),
            Some((Timestamp(390_000), Due::Overtime))
        );
        turn.overtime = true;
        assert_eq!(turn.due(OFFER, WARNING), None);
    }

    #[test]
    fn a_clock_set_back_takes_nothing_away() {
        let mut turn = turn();
        turn.start();
        turn.settle(Timestamp(5_000), true);
        turn.settle(Timestamp(1_000), false);
        assert_eq!(turn.spent(Timestamp(1_000)), Millis(0));
    }
}
