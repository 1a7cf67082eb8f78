//! An event as its receiver gets it.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    ids::{EventId, SessionId},
    meeting::event::{Recorded, Rev},
    time::Timestamp,
};

/// One event for a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// The same at each attempt and for each subscription.
    pub id: String,
    /// JSON.
    pub body: String,
}

/// The body's form.
#[derive(Serialize)]
struct Body<'a> {
    event: &'a EventId,
    session: &'a SessionId,
    rev: Rev,
    at: String,
    #[serde(rename = "type")]
    kind: &'a str,
    data: &'a Map<String, Value>,
}

/// An event's type and its own fields.
pub(super) struct Told {
    pub kind: String,
    fields: Map<String, Value>,
}

impl Told {
    /// None of an entry without a type, which there is none of.
    pub fn of(entry: &Recorded) -> Option<Self> {
        let Ok(Value::Object(mut fields)) = serde_json::to_value(&entry.event) else {
            return None;
        };
        let Some(Value::String(kind)) = fields.remove("type") else {
            return None;
        };
        Some(Self { kind, fields })
    }

    /// The message of it.
    pub fn message(&self, event: &EventId, session: &SessionId, entry: &Recorded) -> Message {
        let body = Body {
            event,
            session,
            rev: entry.rev,
            at: rfc3339(entry.at),
            kind: &self.kind,
            data: &self.fields,
        };
        Message {
            // Slugs have no underscore, so no two are the same; no full stop, which the signature needs.
            id: format!("msg_{event}_{session}_{}", entry.rev.0),
            // Texts, numbers and maps by text: nothing that JSON could not say.
            body: serde_json::to_string(&body).unwrap_or_default(),
        }
    }
}

fn rfc3339(at: Timestamp) -> String {
    // What our clock cannot have said is said as 1970.
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        meeting::{Event, TurnNumber, event::EVENT_VERSION, queue::HandKind},
        time::Millis,
    };

    #[test]
    fn an_event_is_told_with_its_place_and_time() {
        let entry = Recorded {
            v: EVENT_VERSION,
            rev: Rev(16),
            at: Timestamp(1_605_754_904_000),
            event: Event::FloorGranted {
                turn: TurnNumber(4),
                member: "indonesia-1".parse().expect("a slug"),
                kind: HandKind::Speech,
                by: None,
                limit_ms: Millis(300_000),
            },
        };
        let (event, session) = (
            "nartt-2020".parse().expect("a slug"),
            "session-1".parse().expect("a slug"),
        );
        let told = Told::of(&entry).expect("an event");
        assert_eq!(told.kind, "floor.granted");
        assert_eq!(
            told.message(&event, &session, &entry),
            Message {
                id: "msg_nartt-2020_session-1_16".to_owned(),
                body: r#"{"event":"nartt-2020","session":"session-1","rev":16,"at":"2020-11-19T03:01:44.000Z","type":"floor.granted","data":{"by":null,"limit_ms":300000,"member":"indonesia-1","turn":4}}"#.to_owned(),
            }
        );
    }
}
