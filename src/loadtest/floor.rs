//! SHELL. A chair at work: one speaker after the other raises a hand, is given the floor, and has it
//! taken back.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{sync::watch, time::sleep};

use super::{
    bot::Turn,
    signalling::{Fault, Signalling},
};
use crate::ids::MemberId;

/// Grants that are remembered; a voice is looked for among the latest.
const GRANTS_MAX: usize = 64;

/// A voice that comes later than this after its grant is no answer to it.
const HEARD_WITHIN: Duration = Duration::from_secs(15);

/// Of a turn's time so much is spoken; the rest is silence before the next, so that a voice that comes
/// back is told from one that goes on.
pub const SPOKEN_QUARTERS: u32 = 3;

/// Who was given the floor when, by the speaker's number.
#[derive(Debug, Clone, Default)]
pub struct Grants(Arc<Mutex<Noted>>);

#[derive(Debug, Default)]
struct Noted {
    count: u32,
    /// Nobody: to whoever was next.
    latest: VecDeque<(Option<u16>, Instant)>,
}

impl Grants {
    /// The floor is given to that speaker, or to whoever is next. Noted before the server is asked, so that
    /// no voice is looked for too early.
    pub fn give(&self, publisher: Option<u16>, now: Instant) {
        let mut grants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        grants.count = grants.count.saturating_add(1);
        grants.latest.push_back((publisher, now));
        if grants.latest.len() > GRANTS_MAX {
            grants.latest.pop_front();
        }
    }

    /// How often the floor was given.
    pub fn count(&self) -> u32 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).count
    }

    /// When the floor was given to a speaker whose voice then began to be heard.
    pub fn before(&self, publisher: u16, heard: Instant) -> Option<Instant> {
        let grants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = grants.latest.iter().rev();
        let its = latest.filter(|(other, _)| other.is_none_or(|other| other == publisher));
        let before = its.map(|(_, at)| *at).find(|at| *at <= heard);
        before.filter(|at| heard.saturating_duration_since(*at) <= HEARD_WITHIN)
    }
}

/// One who may be given the floor.
#[derive(Debug, Clone)]
pub struct Speaker {
    /// Its number among those who send.
    pub number: u16,
    /// Who it is in the room.
    pub member: MemberId,
    /// To raise its hand.
    pub signalling: Signalling,
}

/// A chair.
pub struct Chair {
    /// To give and take the floor.
    pub signalling: Signalling,
    /// The floor's latest turn, as the room tells it.
    pub last_turn: watch::Receiver<Turn>,
    /// Among whom it gives it.
    pub speakers: Vec<Speaker>,
    /// How long a turn is, silence included.
    pub turn: Duration,
    /// What it notes.
    pub grants: Grants,
}

impl Chair {
    /// Lets hands be raised, one microphone open at a time.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn take_the_chair(&self) -> Result<(), Fault> {
        let configure = json!({"type": "session.configure", "mode": "request", "microphones": 1});
        self.signalling.ask(configure).await?;
        Ok(())
    }

    /// Gives the floor to one after the other until it is told to stop.
    ///
    /// # Errors
    /// When the server refuses what a chair may do.
    pub async fn work(self, mut stop: watch::Receiver<bool>) -> Result<(), Fault> {
        let spoken = self.turn * SPOKEN_QUARTERS / 4;
        for speaker in self.speakers.iter().cycle() {
            let turn = async {
                speaker
                    .signalling
                    .ask(json!({"type": "floor.request"}))
                    .await?;
                let last_turn = self.last_turn.borrow().number;
                let grant = json!({
                    "type": "floor.grant", "member": speaker.member, "after_turn": last_turn,
                });
                self.grants.give(Some(speaker.number), now());
                self.signalling.ask(grant).await?;
                sleep(spoken).await;
                self.signalling
                    .ask(json!({"type": "floor.stop", "member": speaker.member}))
                    .await?;
                sleep(self.turn - spoken).await;
                Ok(())
            };
            tokio::select! {
                biased;
                _stopped_or_gone = stop.wait_for(|stop| *stop) => return Ok(()),
                done = turn => done?,
            }
        }
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "the bots measure real time")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_answers_the_latest_grant_before_it() {
        let grants = Grants::default();
        let start = now();
        let at = |seconds| start + Duration::from_secs(seconds);
        grants.give(Some(1), at(10));
        grants.give(Some(2), at(12));
        grants.give(Some(1), at(14));
        assert_eq!(grants.before(1, at(11)), Some(at(10)));
        assert_eq!(grants.before(1, at(15)), Some(at(14)));
        assert_eq!(grants.before(2, at(11)), None, "before it was given");
        assert_eq!(grants.before(2, at(60)), None, "long after");
        assert_eq!(grants.before(3, at(15)), None);
        assert_eq!(grants.count(), 3);
        grants.give(None, at(20));
        assert_eq!(grants.before(1, at(21)), Some(at(20)), "whoever was next");
        assert_eq!(grants.before(2, at(15)), Some(at(12)));
        for number in 0..1000 {
            grants.give(Some(9), at(100 + number));
        }
        assert_eq!(
            grants.before(1, at(15)),
            None,
            "what is long past is forgotten"
        );
    }
}
