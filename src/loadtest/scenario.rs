//! What a load test does: the scenarios as a table of plain values, and a plan, which is one of them
//! with what the organiser wants otherwise.
//!
//! This module must never know how anything is done.

use std::time::Duration;

use super::{cipher::Cipher, limits::Limits, weather::Climate};

/// One row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scenario {
    /// By which it is asked for.
    pub name: &'static str,
    /// What happens in it, for people.
    pub says: &'static str,
    /// How many come.
    pub participants: u16,
    /// How many of them send sound.
    pub speakers: u16,
    /// The picture that each of those sends beside it, in kbit/s; 0: none.
    pub video_kbit: u32,
    /// How long all are together, in s.
    pub duration_s: u32,
    /// Over how long they come, in s.
    pub ramp_s: u32,
    /// How many receivers are there before the others begin to come.
    pub present: u16,
    /// A chair gives the floor to one speaker after the other, each for so long, in ms; 0: everybody
    /// may speak.
    pub turn_ms: u32,
    /// A receiver leaves and comes back so often, in ms; 0: never.
    pub churn_ms: u32,
    /// The event's own agenda is played so many times faster than planned; 0: one session, that is on.
    pub speed: u32,
    /// What must hold.
    pub limits: Limits,
}

impl Scenario {
    /// Whether somebody chairs.
    pub fn has_chair(&self) -> bool {
        self.turn_ms > 0 || self.plays_agenda()
    }

    /// Whether it is the event's own agenda that is played.
    pub fn plays_agenda(&self) -> bool {
        self.speed > 0
    }
}

/// What must hold unless a row says otherwise. Whoever speaks is heard without a break that one would
/// notice, and is answered without waiting: 150 ms is what ITU-T G.114 asks of a conversation.
const USUAL: Limits = Limits {
    loss_percent: Some(1.0),
    p99_ms: Some(150.0),
    join_ms: Some(3000.0),
    gap_ms: Some(500.0),
    grant_ms: None,
    move_ms: None,
    joined: None,
};

const PLAIN: Scenario = Scenario {
    name: "",
    says: "",
    participants: 50,
    speakers: 1,
    video_kbit: 0,
    duration_s: 20,
    ramp_s: 5,
    present: 0,
    turn_ms: 0,
    churn_ms: 0,
    speed: 0,
    limits: USUAL,
};

/// All of them; the first is taken where none is asked for.
pub const SCENARIOS: [Scenario; 7] = [
    Scenario {
        name: "plenary",
        says: "one speaker is seen at 1.5 Mbit/s and heard by all",
        video_kbit: 1500,
        ..PLAIN
    },
    Scenario {
        name: "audio",
        says: "three speakers are heard by all, nobody is seen",
        speakers: 3,
        ..PLAIN
    },
    Scenario {
        name: "gallery",
        says: "ten see and hear all ten, each picture 500 kbit/s",
        participants: 10,
        speakers: 10,
        video_kbit: 500,
        ..PLAIN
    },
    Scenario {
        name: "floor",
        says: "hands are raised, and a chair gives the floor to one after the other and takes it back",
        speakers: 4,
        turn_ms: 2000,
        limits: Limits {
            // A voice pauses when its turn ends.
            gap_ms: None,
            grant_ms: Some(1000.0),
            ..USUAL
        },
        ..PLAIN
    },
    Scenario {
        name: "storm",
        says: "one speaks to those present while all others come within ten seconds",
        ramp_s: 10,
        present: 5,
        limits: Limits {
            join_ms: Some(6000.0),
            ..USUAL
        },
        ..PLAIN
    },
    Scenario {
        name: "churn",
        says: "one speaks while others leave and come back, two each second",
        churn_ms: 500,
        ..PLAIN
    },
    Scenario {
        name: "agenda",
        says: "an event's sessions are played, item by item, and all go over from each to the next",
        speakers: 4,
        speed: 60,
        limits: Limits {
            // Nobody speaks but in turn: who comes waits for a turn to hear something.
            gap_ms: None,
            join_ms: None,
            grant_ms: Some(1000.0),
            move_ms: Some(10_000.0),
            ..USUAL
        },
        ..PLAIN
    },
];

/// Looks one up.
pub fn named(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().find(|scenario| scenario.name == name)
}

/// Participants beyond so many are lean receivers, unless the organiser says otherwise: what two cores
/// can spare for whole clients.
const FULL: u16 = 12;

/// What is to be done, all of it decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The row that it was made from, with what is wanted otherwise in it.
    pub scenario: Scenario,
    /// How many receivers are lean.
    pub lean: u16,
    /// What the bots' paths are made to be like.
    pub climate: Climate,
    /// Lean receivers open packets; else they count them by their headers.
    pub opens: bool,
    /// What packets are sealed with.
    pub cipher: Cipher,
}

/// Why a plan cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPlan {
    /// More speakers than anybody could be given slots for.
    #[error("--speakers {0}: at most {SPEAKERS_MAX}, the slots of one receiver")]
    Speakers(u16),
    /// Too few for what is to be seen.
    #[error("{0} participants are too few for {1} speakers{chair}", chair = if *.2 { " and a chair" } else { "" })]
    Participants(u16, u16, bool),
    /// More lean ones than receivers.
    #[error("--lean {0}: only {1} participants receive alone")]
    Lean(u16, u16),
}

/// Speakers at most: as many microphones as a session opens at once.
pub const SPEAKERS_MAX: u16 = 25;

impl Plan {
    /// Of a row in which the organiser's wishes stand already.
    ///
    /// # Errors
    /// Where they do not fit one another.
    pub fn new(
        scenario: Scenario,
        lean: Option<u16>,
        climate: Climate,
        opens: bool,
    ) -> Result<Self, NoPlan> {
        let Scenario {
            participants,
            speakers,
            ..
        } = scenario;
        if speakers > SPEAKERS_MAX {
            return Err(NoPlan::Speakers(speakers));
        }
        let chair = scenario.has_chair();
        let receivers = participants
            .checked_sub(speakers.saturating_add(u16::from(chair)))
            .ok_or(NoPlan::Participants(participants, speakers, chair))?;
        let lean = match lean {
            Some(lean) if lean > receivers => return Err(NoPlan::Lean(lean, receivers)),
            Some(lean) => lean,
            None => participants.saturating_sub(FULL).min(receivers),
        };
        let mut plan = Self {
            scenario,
            lean,
            climate,
            opens,
            cipher: Cipher::default(),
        };
        plan.scenario.limits = plan.scenario.limits.in_climate(climate);
        Ok(plan)
    }

    /// Slots for sound and for pictures: everybody else's.
    pub fn slots(&self) -> (usize, usize) {
        let speakers = usize::from(self.scenario.speakers).max(1);
        let pictures = if self.scenario.video_kbit > 0 {
            speakers
        } else {
            0
        };
        (speakers, pictures)
    }

    /// How all are together.
    pub fn duration(&self) -> Duration {
        Duration::from_secs(self.scenario.duration_s.into())
    }

    /// The time from one coming to the next, where so many come over the ramp.
    pub fn pace(&self, coming: usize) -> Duration {
        let ramp = Duration::from_secs(self.scenario.ramp_s.into());
        let coming = u32::try_from(coming).unwrap_or(u32::MAX);
        ramp.checked_div(coming).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(name: &str, change: impl Fn(&mut Scenario)) -> Result<Plan, NoPlan> {
        let mut scenario = *named(name).expect("a row");
        change(&mut scenario);
        Plan::new(scenario, None, Climate::default(), true)
    }

    #[test]
    fn every_row_has_its_own_name_can_be_done_and_is_judged() {
        for (place, row) in SCENARIOS.iter().enumerate() {
            assert!(!row.name.is_empty() && !row.says.is_empty());
            let first = SCENARIOS.iter().position(|other| other.name == row.name);
            assert_eq!(first, Some(place));
            assert!(plan(row.name, |_| {}).is_ok(), "{}", row.name);
            assert!(row.limits.p99_ms.is_some() && row.limits.loss_percent.is_some());
            assert_eq!(row.limits.grant_ms.is_some(), row.has_chair());
            assert_eq!(row.limits.move_ms.is_some(), row.plays_agenda());
        }
        assert_eq!(named("dance"), None);
    }

    #[test]
    fn the_back_rows_are_lean() {
        let lean = |participants| {
            let plan = plan("plenary", |row| row.participants = participants);
            plan.expect("a plan").lean
        };
        assert_eq!((lean(2), lean(12), lean(13), lean(200)), (0, 0, 1, 188));
        let gallery = plan("gallery", |row| {
            row.participants = 20;
            row.speakers = 20;
        });
        assert_eq!(gallery.expect("a plan").lean, 0, "whoever sends is whole");
    }

    #[test]
    fn wishes_that_do_not_fit_are_told() {
        let refused = plan("plenary", |row| row.speakers = 26);
        assert_eq!(refused, Err(NoPlan::Speakers(26)));
        let refused = plan("floor", |row| row.participants = 4);
        assert_eq!(refused, Err(NoPlan::Participants(4, 4, true)));
        let row = *named("audio").expect("a row");
        let refused = Plan::new(row, Some(48), Climate::default(), true);
        assert_eq!(refused, Err(NoPlan::Lean(48, 47)));
    }

    #[test]
    fn they_come_evenly_over_the_ramp() {
        let plan = plan("storm", |_| {}).expect("a plan");
        assert_eq!(plan.pace(40), Duration::from_millis(250));
        assert_eq!(plan.pace(0), Duration::ZERO);
    }
}
