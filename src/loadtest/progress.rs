//! How far a load test has come, for whoever waits for it.

use std::time::Duration;

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Participants come.
    #[default]
    Joining,
    /// All are together.
    Together,
    /// What is still on its way arrives, and all leave.
    Ending,
}

impl Phase {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Joining => "joining",
            Self::Together => "together",
            Self::Ending => "ending",
        }
    }
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// Participants in the room.
    pub present: u32,
    /// Packets received until now.
    pub received: u64,
}

/// How long it takes in all, about: what is sent settles, and all say goodbye.
pub fn about(ramp: Duration, together: Duration) -> Duration {
    ramp + together + Duration::from_secs(3)
}
