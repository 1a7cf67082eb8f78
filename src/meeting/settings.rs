//! What an operator may set about meetings in general; a session's own profile is in its plan.

use serde::{Deserialize, Serialize};

use crate::time::Millis;

/// Settings of every meeting of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Milliseconds within which a microphone must deliver audio after the floor was offered.
    pub offer_ms: Millis,
    /// Milliseconds for which the floor is kept for a speaker who was lost; then the turn ends and
    /// the hand is at the head of the queue. Where all chairs are lost for so long, the queue runs by
    /// itself.
    pub reserve_ms: Millis,
    /// Milliseconds for which a hand is kept for a member who was lost and does not come back.
    pub hand_keep_ms: Millis,
    /// Responses that wait at most; one more is refused.
    pub responses_max: usize,
    /// Characters of a name given at the join, at most; a longer one is refused.
    pub name_chars_max: usize,
    /// Characters of a chat message at most; a longer one is refused.
    pub chat_chars_max: usize,
    /// Characters of a chair's notice at most; a longer one is refused.
    pub notice_chars_max: usize,
    /// Characters of a note for the minutes, and of a recommendation, at most.
    pub note_chars_max: usize,
    /// Recommendations of a session at most; one more is refused.
    pub recommendations_max: usize,
    /// Those of one member that are on the table at most, but for chairs and the organiser; one more is
    /// refused.
    pub recommendations_per_member_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            offer_ms: Millis::from_secs(10),
            reserve_ms: Millis::from_secs(15),
            hand_keep_ms: Millis::from_secs(600),
            responses_max: 5,
            name_chars_max: 80,
            chat_chars_max: 1000,
            notice_chars_max: 500,
            note_chars_max: 4000,
            recommendations_max: 200,
            recommendations_per_member_max: 10,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_its_default_and_what_is_unknown_is_refused() {
        let read = |text: &str| toml::from_str::<Settings>(text);
        assert_eq!(read(""), Ok(Settings::default()));
        assert_eq!(
            read("offer_ms = 3000").map(|it| it.offer_ms),
            Ok(Millis(3000))
        );
        assert!(read("offer = 3000").is_err());
    }
}
