//! One turn and its clocks.
//!
//! A turn is told the time and whether its microphone is open; it must never know why it is not.

use serde::{Deserialize, Serialize};

use crate::{
    ids::MemberId,
    meeting::{agenda::TurnEnd, event::TurnNumber, queue::HandKind},
    time::{Millis, Timestamp},
};

/// How far a turn has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
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
    /// Sound has come, and nothing but silence in it for long.
    Silence,
    /// The warning.
    Warning,
    /// The end of the turn's time, which goes on.
    Overtime,
    /// The end of the turn's time, from which it fades.
    Fade,
    /// The end.
    Cut,
    /// The end of the time for which the floor is kept for a lost speaker.
    Forfeit,
}

/// What the session's settings make of a turn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// How long audio is awaited.
    pub offer: Millis,
    /// How long speech is awaited, where that has an end.
    pub silence: Option<Millis>,
    /// How long before its end it is warned.
    pub warning: Millis,
    /// What happens at its end.
    pub end: TurnEnd,
}

/// The sound is lowered, from one reading of the clock on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Fading {
    /// What the clock showed when it began.
    pub from_ms: Millis,
    /// How long it takes.
    pub over_ms: Millis,
}

/// One stretch of having the floor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Its number in the session.
    pub number: TurnNumber,
    /// Who has it.
    pub member: MemberId,
    /// What for.
    pub kind: HandKind,
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
    /// Its sound is being lowered.
    pub fading: Option<Fading>,
    /// Whether the clock is held until a chair resumes it.
    pub held: bool,
    /// Whether the offer before this one was missed, so that this is the last.
    pub(super) second_offer: bool,
    /// Since when audio, and then speech, has been awaited, while it is.
    awaiting_since: Option<Timestamp>,
    started: bool,
    clock: Stopwatch,
}

impl Turn {
    pub(super) fn new(
        number: TurnNumber,
        (member, kind): (MemberId, HandKind),
        granted_at: Timestamp,
        limit: Millis,
        second_offer: bool,
    ) -> Self {
        Self {
            number,
            member,
            kind,
            phase: Phase::Offered,
            granted_at,
            limit,
            warned: false,
            overtime: false,
            fading: None,
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

    /// More time: as if it had had this limit from the start.
    pub(super) fn extend(&mut self, limit: Millis) {
        self.limit = limit;
        (self.warned, self.overtime, self.fading) = (false, false, None);
    }

    /// Lets the clocks run or holds them, as the microphone is open or shut from now on, and with
    /// `stopped` all clocks stand. The offer's time begins anew when the microphone opens again: the
    /// rest of it could be too short for any browser.
    pub(super) fn settle(&mut self, now: Timestamp, microphone_open: bool, stopped: bool) {
        let runs = microphone_open && !stopped;
        let awaited = match self.phase {
            Phase::Offered => true,
            Phase::Speaking => !self.started && !self.held,
        };
        if runs && awaited {
            self.awaiting_since.get_or_insert(now);
        } else {
            self.awaiting_since = None;
        }
        if runs && self.started && !self.held {
            self.clock.run(now);
        } else {
            self.clock.hold(now);
        }
    }

    /// What time does next to this turn, and when.
    pub(super) fn due(&self, rules: &Rules) -> Option<(Timestamp, Due)> {
        if let Some(since) = self.awaiting_since {
            return match self.phase {
                Phase::Offered => Some((since + rules.offer, Due::Miss)),
                Phase::Speaking => Some((since + rules.silence?, Due::Silence)),
            };
        }
        if let Some(fading) = self.fading {
            let at = self.clock.reaches(fading.from_ms + fading.over_ms)?;
            return Some((at, Due::Cut));
        }
        let warned = self.warned || self.overtime;
        // A turn that is no longer than its warning is not warned.
        if !warned && rules.warning > Millis(0) && rules.warning < self.limit {
            let at = self.clock.reaches(self.limit - rules.warning)?;
            return Some((at, Due::Warning));
        }
        let due = match rules.end {
            TurnEnd::Continue if self.overtime => return None,
            TurnEnd::Continue => Due::Overtime,
            TurnEnd::Fade => Due::Fade,
            TurnEnd::Cut => Due::Cut,
        };
        Some((self.clock.reaches(self.limit)?, due))
    }
}

/// Adds up stretches of time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
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

    const RULES: Rules = Rules {
        offer: Millis(10_000),
        silence: None,
        warning: Millis(60_000),
        end: TurnEnd::Continue,
    };

    fn turn() -> Turn {
        let member = "a".parse().expect("a slug");
        Turn::new(
            TurnNumber(1),
            (member, HandKind::Speech),
            Timestamp(0),
            Millis(300_000),
            false,
        )
    }

    #[test]
    fn an_offer_that_was_held_has_its_whole_time_again() {
        let mut turn = turn();
        turn.settle(Timestamp(0), true, false);
        assert_eq!(turn.due(&RULES), Some((Timestamp(10_000), Due::Miss)));
        turn.settle(Timestamp(9_900), false, false);
        assert_eq!(turn.due(&RULES), None);
        turn.settle(Timestamp(50_000), true, false);
        assert_eq!(turn.due(&RULES), Some((Timestamp(60_000), Due::Miss)));
    }

    #[test]
    fn the_clock_counts_only_while_it_runs() {
        let mut turn = turn();
        turn.settle(Timestamp(0), true, false);
        turn.start();
        turn.settle(Timestamp(2_000), true, false);
        turn.settle(Timestamp(5_000), true, false);
        assert_eq!(turn.spent(Timestamp(6_000)), Millis(4_000));
        turn.settle(Timestamp(12_000), false, false);
        assert!(!turn.is_running());
        assert_eq!(turn.spent(Timestamp(99_000)), Millis(10_000));
        turn.settle(Timestamp(100_000), true, false);
        assert_eq!(turn.due(&RULES), Some((Timestamp(330_000), Due::Warning)));
        turn.warned = true;
        assert_eq!(turn.due(&RULES), Some((Timestamp(390_000), Due::Overtime)));
        turn.overtime = true;
        assert_eq!(turn.due(&RULES), None);
    }

    #[test]
    fn a_clock_set_back_takes_nothing_away() {
        let mut turn = turn();
        turn.start();
        turn.settle(Timestamp(5_000), true, false);
        turn.settle(Timestamp(1_000), false, false);
        assert_eq!(turn.spent(Timestamp(1_000)), Millis(0));
    }

    #[test]
    fn a_turn_fades_by_its_own_clock_and_is_cut() {
        let fades = Rules {
            end: TurnEnd::Fade,
            ..RULES
        };
        let cuts = Rules {
            end: TurnEnd::Cut,
            ..RULES
        };
        let mut turn = turn();
        turn.start();
        turn.settle(Timestamp(0), true, false);
        turn.warned = true;
        assert_eq!(turn.due(&cuts), Some((Timestamp(300_000), Due::Cut)));
        assert_eq!(turn.due(&fades), Some((Timestamp(300_000), Due::Fade)));
        turn.fading = Some(Fading {
            from_ms: Millis(300_000),
            over_ms: Millis(5_000),
        });
        turn.settle(Timestamp(302_000), true, true);
        assert_eq!(turn.due(&fades), None, "all clocks stand");
        turn.settle(Timestamp(310_000), true, false);
        assert_eq!(turn.due(&fades), Some((Timestamp(313_000), Due::Cut)));
        turn.extend(Millis(400_000));
        assert_eq!(turn.due(&fades), Some((Timestamp(348_000), Due::Warning)));
    }

    #[test]
    fn a_turn_that_is_no_longer_than_its_warning_is_not_warned() {
        let mut turn = turn();
        turn.limit = Millis(60_000);
        turn.start();
        turn.settle(Timestamp(0), true, false);
        assert_eq!(turn.due(&RULES), Some((Timestamp(60_000), Due::Overtime)));
    }
}
