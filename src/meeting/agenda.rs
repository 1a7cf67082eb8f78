//! What a session is planned to be: its start, length, items and profile.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{ItemId, SessionId},
    time::{Millis, Timestamp},
};

/// How a session's floor is given (spec section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FloorMode {
    /// Granted at once if a microphone is free, else queued; the head of the queue follows.
    Open,
    /// Queued; a chair gives the floor.
    Request,
}

/// The settings of a session's floor, changeable live by the chair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// How the floor is given.
    pub mode: FloorMode,
    /// Open delegate microphones at most, 1 to 25. Chairs and podium guests are not counted.
    pub microphones: u8,
    /// Waiting hands at most.
    pub queue_max: u16,
    /// Length of a turn, 1 to 60 minutes.
    pub turn_ms: Millis,
    /// How long before the end of a turn its speaker is warned, 0 to 120 s.
    pub warning_ms: Millis,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            mode: FloorMode::Request,
            microphones: 1,
            queue_max: 50,
            turn_ms: Millis::from_secs(300),
            warning_ms: Millis::from_secs(60),
        }
    }
}

/// One item of a session's agenda.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The item's slug.
    pub id: ItemId,
    /// What it is called.
    pub title: String,
    /// Planned length in minutes.
    pub minutes: u32,
}

/// A session as planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionPlan {
    /// The session's slug.
    pub id: SessionId,
    /// What it is called.
    pub title: String,
    /// When it is to start.
    pub start: Timestamp,
    /// Planned length in minutes.
    pub minutes: u32,
    /// Its agenda, in order.
    pub items: Vec<Item>,
    /// The floor's settings at the opening.
    pub profile: Profile,
}
