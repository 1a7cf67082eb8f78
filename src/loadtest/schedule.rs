//! What of a session's agenda is played, and how fast: read from the room's snapshot, as a stranger's
//! client would.
//!
//! This module must never know how anything is done.

use std::time::Duration;

use serde_json::Value;

/// A turn is no shorter, however fast the agenda is played: a voice is to be heard.
const TURN_MIN: Duration = Duration::from_secs(1);

/// How somebody comes to have the floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Giving {
    /// Hands wait, and the chair gives it to the next.
    Next,
    /// Who raises a hand has it.
    AtOnce,
    /// The chair calls a speaker.
    Called,
}

/// A stretch of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// The item of the agenda; a session may have none.
    pub item: Option<String>,
    /// How long it is played.
    pub lasts: Duration,
    /// How long a turn in it is, the silence before the next included.
    pub turn: Duration,
    /// How the floor is given.
    pub giving: Giving,
    /// To whom members may write.
    pub chat: Option<String>,
}

/// The items of a session in their order, so many times faster than planned; a session without any is
/// one stretch.
pub fn read(snapshot: &Value, speed: u32) -> Vec<Stretch> {
    let (session, profile) = (&snapshot["session"], &snapshot["profile"]);
    let stretch = |item: Option<&str>, minutes: &Value, own: &Value| {
        // What an item changes is laid over its session's.
        let setting = |name: &str| own.get(name).unwrap_or(&profile[name]);
        let minutes = minutes.as_u64().unwrap_or_default();
        let turn_ms = setting("turn_ms").as_u64().unwrap_or_default();
        Stretch {
            item: item.map(str::to_owned),
            lasts: Duration::from_secs(minutes.saturating_mul(60)) / speed.max(1),
            turn: (Duration::from_millis(turn_ms) / speed.max(1)).max(TURN_MIN),
            giving: match setting("mode").as_str() {
                Some("operator") => Giving::Called,
                Some("open" | "override" | "fifo") => Giving::AtOnce,
                Some(_) | None => Giving::Next,
            },
            chat: match setting("chat").as_str() {
                Some("off") | None => None,
                Some(to) => Some(to.to_owned()),
            },
        }
    };
    let items: Vec<Stretch> = session["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|item| stretch(item["id"].as_str(), &item["minutes"], &item["profile"]))
        .collect();
    if items.is_empty() {
        return vec![stretch(None, &session["minutes"], &Value::Null)];
    }
    items
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_agenda_is_played_in_its_order_so_many_times_faster() {
        let mut snapshot = json!({
            "session": {"minutes": 90, "items": [
                {"id": "presentations", "minutes": 40, "profile": {"turn_ms": 600_000, "mode": "fifo"}},
                {"id": "discussion", "minutes": 50, "profile": {"chat": "off"}},
            ]},
            "profile": {"mode": "request", "turn_ms": 180_000, "chat": "everybody"},
        });
        let told = |snapshot: &Value, speed| -> Vec<(Option<String>, u128, u128)> {
            let stretches = read(snapshot, speed).into_iter();
            stretches
                .map(|it| (it.item, it.lasts.as_millis(), it.turn.as_millis()))
                .collect()
        };
        let item = |name: &str| Some(name.to_owned());
        assert_eq!(
            told(&snapshot, 60),
            [
                (item("presentations"), 40_000, 10_000),
                (item("discussion"), 50_000, 3000),
            ]
        );
        assert_eq!(
            told(&snapshot, 600),
            [
                (item("presentations"), 4000, 1000),
                (item("discussion"), 5000, 1000),
            ]
        );
        let given = read(&snapshot, 1);
        let giving: Vec<Giving> = given.iter().map(|it| it.giving).collect();
        assert_eq!(giving, [Giving::AtOnce, Giving::Next]);
        let chat: Vec<Option<&str>> = given.iter().map(|it| it.chat.as_deref()).collect();
        assert_eq!(chat, [Some("everybody"), None]);

        snapshot["session"]["items"] = json!([]);
        assert_eq!(told(&snapshot, 60), [(None, 90_000, 3000)]);
    }
}
