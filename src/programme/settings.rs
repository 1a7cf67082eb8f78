//! What an operator may set about events: how large one may be. Past each limit an event is refused,
//! with everything else that is wrong with it.

use serde::{Deserialize, Deserializer, Serialize, de::Error};

// The most that each can be set to: a session keeps the whole roster and is a room from the start on,
// and the store keeps 20,000 invites of an event, those that were made anew among them.
const DELEGATIONS: usize = 2000;
const SEATS: usize = 10_000;
const DAYS: usize = 100;
const SESSIONS: usize = 48;
const ITEMS: usize = 500;
const TITLE_CHARS: usize = 1000;
const NAME_CHARS: usize = 500;

/// Limits of every event that this server is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Delegations of an event at most.
    #[serde(deserialize_with = "up_to::<_, DELEGATIONS>")]
    pub delegations_max: usize,
    /// Seats of an event at most, and the highest number of a seat.
    #[serde(deserialize_with = "up_to::<_, SEATS>")]
    pub seats_max: usize,
    /// Days of an event at most.
    #[serde(deserialize_with = "up_to::<_, DAYS>")]
    pub days_max: usize,
    /// Sessions of a day at most.
    #[serde(deserialize_with = "up_to::<_, SESSIONS>")]
    pub sessions_max: usize,
    /// Items of a session at most.
    #[serde(deserialize_with = "up_to::<_, ITEMS>")]
    pub items_max: usize,
    /// Characters of the title of an event, session or item at most.
    #[serde(deserialize_with = "up_to::<_, TITLE_CHARS>")]
    pub title_chars_max: usize,
    /// Characters of the name of a delegation or seat at most.
    #[serde(deserialize_with = "up_to::<_, NAME_CHARS>")]
    pub name_chars_max: usize,
}

impl Settings {
    /// Each limit as high as it can be set.
    pub const MOST: Settings = Settings {
        delegations_max: DELEGATIONS,
        seats_max: SEATS,
        days_max: DAYS,
        sessions_max: SESSIONS,
        items_max: ITEMS,
        title_chars_max: TITLE_CHARS,
        name_chars_max: NAME_CHARS,
    };
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            delegations_max: 500,
            seats_max: 2000,
            days_max: 31,
            sessions_max: 24,
            items_max: 100,
            title_chars_max: 200,
            name_chars_max: 100,
        }
    }
}

/// A limit of 1 to `MOST`.
fn up_to<'de, D: Deserializer<'de>, const MOST: usize>(from: D) -> Result<usize, D::Error> {
    let given = usize::deserialize(from)?;
    if (1..=MOST).contains(&given) {
        Ok(given)
    } else {
        let message = format!("must be 1 to {MOST}, not {given}");
        Err(D::Error::custom(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings, String> {
        toml::from_str(text).map_err(|why| why.message().to_owned())
    }

    #[test]
    fn what_is_left_out_has_its_default_and_what_is_unknown_is_refused() {
        assert_eq!(read(""), Ok(Settings::default()));
        assert_eq!(read("days_max = 3").map(|it| it.days_max), Ok(3));
        assert!(read("days = 3").is_err());
    }

    #[test]
    fn each_limit_is_one_at_least_and_has_a_ceiling() {
        let most = serde_json::to_value(Settings::MOST).expect("plain numbers");
        for (key, most) in most.as_object().expect("keys") {
            let most = most.as_u64().expect("a number");
            for right in [1, most] {
                assert!(read(&format!("{key} = {right}")).is_ok(), "{key}");
            }
            for wrong in [0, most + 1] {
                assert_eq!(
                    read(&format!("{key} = {wrong}")),
                    Err(format!("must be 1 to {most}, not {wrong}")),
                    "{key}"
                );
            }
        }
    }
}
