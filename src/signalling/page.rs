//! Holds `protocol.md` and the code to the same messages: every example is read with the real
//! types and written back the same, and everything that the code can say is on the page.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    requests,
    wire::{Envelope, ErrorCode, GoodbyeCode, Incoming, REQUEST_TYPES, Reply},
};
use crate::{
    media::Source,
    meeting::{
        agenda::FloorMode,
        event::{EndReason, Event, LeaveReason, TurnNumber},
        roster::Role,
    },
    room::{self, Announcement, fixture::member},
    time::Millis,
};

const PAGE: &str = include_str!("protocol.md");

/// The text of every example with this word.
fn examples(word: &str) -> Vec<&'static str> {
    let fence = format!("```json {word}\n");
    let examples: Vec<_> = PAGE
        .split(&fence)
        .skip(1)
        .filter_map(|rest| rest.split("\n```").next())
        .collect();
    assert!(!examples.is_empty(), "no examples of {word}");
    examples
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

/// That the message, as we write it, is what the example shows.
fn written_back(message: &impl serde::Serialize, example: &str) {
    let written = serde_json::to_value(message).expect("JSON");
    assert_eq!(written, value(example));
}

#[test]
fn every_example_has_a_known_word() {
    let words: BTreeSet<_> = PAGE
        .lines()
        .filter_map(|line| line.strip_prefix("```"))
        .filter(|word| !word.is_empty())
        .collect();
    let known = ["error", "event", "ok", "request", "signal"].map(|word| format!("json {word}"));
    assert_eq!(words.into_iter().collect::<Vec<_>>(), known);
}

#[test]
fn every_request_is_shown_and_read() {
    let mut shown = BTreeSet::new();
    for example in examples("request") {
        let (id, request) = requests::read(example)
            .unwrap_or_else(|unread| panic!("{:?} in {example}", unread.error));
        written_back(&Envelope { id, request }, example);
        shown.insert(value(example)["type"].as_str().expect("a type").to_owned());
    }
    let known: BTreeSet<_> = REQUEST_TYPES.map(str::to_owned).into();
    assert_eq!(shown, known);
    assert_eq!(known.len(), REQUEST_TYPES.len(), "a type is listed twice");
}

#[test]
fn every_answer_is_read() {
    for word in ["ok", "error"] {
        for example in examples(word) {
            let reply: Reply = serde_json::from_str(example)
                .unwrap_or_else(|error| panic!("{error} in {example}"));
            written_back(&reply, example);
            assert!(value(example).get(word).is_some(), "{example}");
        }
    }
}

#[test]
fn every_event_and_signal_is_read() {
    for example in examples("event") {
        let event: Announcement = serde_json::from_str(example).expect("an event");
        written_back(&event, example);
        let incoming = serde_json::from_str::<Incoming>(example).expect("a message");
        assert_eq!(incoming, Incoming::Event(event));
    }
    let mut shown = BTreeSet::new();
    for example in examples("signal") {
        match serde_json::from_str::<Incoming>(example).expect("a message") {
            Incoming::RoomSignal(signal) => written_back(&signal, example),
            Incoming::Signal(signal) => written_back(&signal, example),
            other @ (Incoming::Event(_) | Incoming::Reply(_)) => panic!("{other:?}"),
        }
        shown.insert(
            value(example)["signal"]
                .as_str()
                .expect("a name")
                .to_owned(),
        );
    }
    let known = [
        "goodbye",
        "media.connected",
        "media.layers",
        "media.lost",
        "media.slots",
        "server.draining",
        "sessions",
        "speaking",
    ];
    assert_eq!(shown.into_iter().collect::<Vec<_>>(), known);
}

#[test]
fn every_signal_of_a_room_is_among_the_known() {
    let signals = [
        room::Signal::Slots { slots: Vec::new() },
        room::Signal::Layers {
            source: Source::Camera,
            rids: Vec::new(),
        },
        room::Signal::Connected {},
        room::Signal::Lost {},
        room::Signal::Speaking {
            members: Vec::new(),
        },
    ];
    for signal in signals {
        let name = serde_json::to_value(&signal).expect("JSON")["signal"].clone();
        let name = name.as_str().expect("a name");
        assert!(PAGE.contains(&format!("{{\"signal\":\"{name}\"")), "{name}");
    }
}

/// One event of each kind. A new kind does not compile until it is added here.
fn events() -> Vec<Event> {
    let someone = || member("indonesia-1");
    let turn = TurnNumber(1);
    let all = vec![
        Event::SessionPrepared { by: someone() },
        Event::SessionOpened { by: None },
        Event::SessionPaused { by: someone() },
        Event::SessionResumed { by: someone() },
        Event::SessionClosed { by: someone() },
        Event::SessionReopened { by: someone() },
        Event::MemberJoined {
            member: someone(),
            name: String::new(),
            role: Role::Delegate,
            delegation: "laos".parse().expect("a slug"),
        },
        Event::MemberLeft {
            member: someone(),
            reason: LeaveReason::Left,
            by: None,
        },
        Event::MemberLost { member: someone() },
        Event::MemberBack { member: someone() },
        Event::MemberMuted {
            member: someone(),
            by: someone(),
        },
        Event::MemberUnmuteAsked {
            member: someone(),
            by: someone(),
        },
        Event::MemberUnmuted { member: someone() },
        Event::FloorRequested { member: someone() },
        Event::FloorWithdrawn {
            member: someone(),
            by: someone(),
        },
        Event::FloorGranted {
            turn,
            member: someone(),
            by: None,
            limit_ms: Millis(1),
        },
        Event::FloorConfirmed {
            turn,
            member: someone(),
        },
        Event::FloorStarted {
            turn,
            member: someone(),
        },
        Event::FloorMissed {
            turn,
            member: someone(),
            requeued: true,
        },
        Event::FloorWarned {
            turn,
            member: someone(),
            remaining_ms: Millis(1),
        },
        Event::FloorOvertime {
            turn,
            member: someone(),
        },
        Event::FloorClockPaused {
            turn,
            member: someone(),
            by: None,
        },
        Event::FloorClockResumed {
            turn,
            member: someone(),
            by: someone(),
        },
        Event::FloorEnded {
            turn,
            member: someone(),
            reason: EndReason::Gone,
            by: None,
            spoken_ms: Millis(1),
            requeued: true,
        },
        Event::FloorConfigured {
            mode: FloorMode::Open,
            microphones: 1,
            by: None,
        },
    ];
    for event in &all {
        match event {
            Event::SessionPrepared { .. }
            | Event::SessionOpened { .. }
            | Event::SessionPaused { .. }
            | Event::SessionResumed { .. }
            | Event::SessionClosed { .. }
            | Event::SessionReopened { .. }
            | Event::MemberJoined { .. }
            | Event::MemberLeft { .. }
            | Event::MemberLost { .. }
            | Event::MemberBack { .. }
            | Event::MemberMuted { .. }
            | Event::MemberUnmuteAsked { .. }
            | Event::MemberUnmuted { .. }
            | Event::FloorRequested { .. }
            | Event::FloorWithdrawn { .. }
            | Event::FloorGranted { .. }
            | Event::FloorConfirmed { .. }
            | Event::FloorStarted { .. }
            | Event::FloorMissed { .. }
            | Event::FloorWarned { .. }
            | Event::FloorOvertime { .. }
            | Event::FloorClockPaused { .. }
            | Event::FloorClockResumed { .. }
            | Event::FloorEnded { .. }
            | Event::FloorConfigured { .. } => {}
        }
    }
    all
}

/// The names of a table's rows that begin with a name in backticks.
fn rows(heading: &str) -> Vec<(&'static str, &'static str)> {
    let section = PAGE.split(heading).nth(1).expect("the section");
    section
        .lines()
        .skip_while(|line| !line.starts_with("| `"))
        .take_while(|line| line.starts_with('|'))
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
        .collect()
}

#[test]
fn every_event_has_its_row_with_its_fields() {
    let rows = rows("\n## Events");
    let mut told = Vec::new();
    for event in events() {
        let mut fields = serde_json::to_value(&event).expect("JSON");
        let fields = fields.as_object_mut().expect("an object");
        let kind = fields.remove("type").expect("a type");
        let kind = kind.as_str().expect("a text").to_owned();
        let row = rows.iter().find(|(name, _)| *name == kind);
        let (_, rest) = row.unwrap_or_else(|| panic!("no row for {kind}"));
        let listed = rest.split('|').next().expect("the column of fields");
        for field in fields.keys() {
            assert!(listed.contains(&format!("`{field}`")), "{kind}: {field}");
        }
        told.push(kind);
    }
    let mut listed: Vec<_> = rows.iter().map(|(name, _)| (*name).to_owned()).collect();
    listed.sort();
    told.sort();
    assert_eq!(told, listed);
}

#[test]
fn every_error_code_has_its_row() {
    let codes = ErrorCode::ALL.map(|code| {
        let word = serde_json::to_value(code).expect("JSON");
        word.as_str().expect("a word").to_owned()
    });
    let listed: Vec<_> = rows("## Requests and answers")
        .into_iter()
        .map(|(name, _)| name.to_owned())
        .collect();
    assert_eq!(codes.to_vec(), listed);
}

#[test]
fn every_goodbye_has_its_row() {
    let codes = GoodbyeCode::ALL.map(|code| {
        let word = serde_json::to_value(code).expect("JSON");
        word.as_str().expect("a word").to_owned()
    });
    let listed: Vec<_> = rows("`goodbye`, the reason")
        .into_iter()
        .map(|(name, _)| name.to_owned())
        .collect();
    assert_eq!(codes.to_vec(), listed);
}
