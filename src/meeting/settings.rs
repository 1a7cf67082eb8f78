//! What an operator may set about meetings in general; a session's own profile is in its plan.

use serde::{Deserialize, Serialize};

use crate::time::Millis;

/// Settings of every meeting of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Milliseconds within which a microphone must deliver audio after the floor was offered.
    pub offer_ms: Millis,
    /// Characters of a name given at the join, at most; a longer one is refused.
    pub name_chars_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            offer_ms: Millis::from_secs(10),
            name_chars_max: 80,
        }
    }
}
