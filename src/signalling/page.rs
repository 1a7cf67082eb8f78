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
        agenda::ProfileChange,
        event::{Change, EndReason, Event, LeaveReason, PictureSource, TurnNumber},
        kinds::EVENT_TYPES,
        queue::{HandKind, Why},
        record::{Addressee, RecommendationNumber, Status},
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
    // The one without a message shows how a client calls the library.
    let known = [
        "js",
        "json error",
        "json event",
        "json ok",
        "json request",
        "json signal",
    ];
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
        "lobby.admitted",
        "lobby.refused",
        "lobby.sent_back",
        "media.connected",
        "media.layers",
        "media.lost",
        "media.pictures",
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
        room::Signal::Refused {
            message: String::new(),
        },
        room::Signal::SentBack {},
        room::Signal::Lost {},
        room::Signal::Speaking {
            members: Vec::new(),
        },
        room::Signal::Pictures {
            pictures: Vec::new(),
        },
    ];
    for signal in signals {
        let name = serde_json::to_value(&signal).expect("JSON")["signal"].clone();
        let name = name.as_str().expect("a name");
        assert!(PAGE.contains(&format!("{{\"signal\":\"{name}\"")), "{name}");
    }
}

/// One event of each kind. A new kind does not compile until it is added here.
#[expect(clippy::too_many_lines, reason = "one event after another")]
fn events() -> Vec<Event> {
    fn slug<T: std::str::FromStr<Err: std::fmt::Debug>>() -> T {
        "laos".parse().expect("a slug")
    }
    let someone = || member("indonesia-1");
    let (turn, number) = (TurnNumber(1), RecommendationNumber(1));
    let all = vec![
        Event::SessionPrepared { by: someone() },
        Event::SessionOpened {
            by: Some(someone()),
        },
        Event::SessionPaused { by: someone() },
        Event::SessionResumed { by: someone() },
        Event::SessionClosed { by: someone() },
        Event::SessionReopened { by: someone() },
        Event::SessionConfigured {
            by: Some(someone()),
            change: ProfileChange::default(),
        },
        Event::ItemStarted {
            item: slug(),
            by: someone(),
        },
        Event::ChangeAwaited {
            change: Change::Close,
            by: someone(),
        },
        Event::ChangeDropped { by: someone() },
        Event::MovedOn {
            to: slug(),
            by: someone(),
        },
        Event::SessionLocked { by: someone() },
        Event::SessionUnlocked { by: someone() },
        Event::Spotlighted {
            member: Some(someone()),
            by: someone(),
        },
        Event::TechnicalStopBegan { by: someone() },
        Event::TechnicalStopEnded { by: someone() },
        Event::Noticed {
            text: String::new(),
            by: someone(),
        },
        Event::ChairHandedOver {
            to: someone(),
            by: someone(),
        },
        Event::ChairAbsent,
        Event::MemberJoined {
            member: someone(),
            name: String::new(),
            role: Role::Delegate,
            delegation: slug(),
            rank: Some(1),
            blocked: true,
            stopped: vec![PictureSource::Camera],
        },
        Event::MemberLeft {
            member: someone(),
            reason: LeaveReason::Left,
            by: Some(someone()),
        },
        Event::MemberLost { member: someone() },
        Event::MemberBack { member: someone() },
        Event::MemberGone { member: someone() },
        Event::MemberMuted {
            member: someone(),
            by: someone(),
        },
        Event::MemberUnmuteAsked {
            member: someone(),
            by: someone(),
        },
        Event::MemberUnmuted { member: someone() },
        Event::MemberBlocked {
            member: someone(),
            by: someone(),
        },
        Event::MemberUnblocked {
            member: someone(),
            by: someone(),
        },
        Event::PictureStopped {
            member: someone(),
            source: PictureSource::Camera,
            by: someone(),
        },
        Event::PictureAllowed {
            member: someone(),
            source: PictureSource::Camera,
            by: someone(),
        },
        Event::MemberUnbanned {
            member: someone(),
            by: someone(),
        },
        Event::LobbyEntered {
            member: someone(),
            name: String::new(),
            role: Role::Delegate,
            delegation: slug(),
        },
        Event::LobbyLeft { member: someone() },
        Event::LobbyAdmitted {
            member: someone(),
            by: Some(someone()),
        },
        Event::LobbyRefused {
            member: someone(),
            by: someone(),
        },
        Event::FloorRequested {
            member: someone(),
            kind: HandKind::Response,
            place: Some(1),
            why: Why::Pinned,
            by: Some(someone()),
        },
        Event::FloorWithdrawn {
            member: someone(),
            by: Some(someone()),
            point: true,
        },
        Event::FloorMoved {
            member: someone(),
            place: 1,
            by: someone(),
        },
        Event::FloorOrdered { hands: Vec::new() },
        Event::QueueOpened { by: someone() },
        Event::QueueClosed { by: someone() },
        Event::FloorGranted {
            turn,
            member: someone(),
            kind: HandKind::Response,
            by: Some(someone()),
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
        Event::FloorFading {
            turn,
            member: someone(),
            over_ms: Millis(1),
        },
        Event::FloorExtended {
            turn,
            member: someone(),
            limit_ms: Millis(1),
            by: someone(),
        },
        Event::FloorClockPaused {
            turn,
            member: someone(),
            by: Some(someone()),
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
            by: Some(someone()),
            spoken_ms: Millis(1),
            requeued: true,
        },
        Event::PriorityTaken { by: someone() },
        Event::PriorityReleased {
            by: Some(someone()),
        },
        Event::ChatSent {
            member: someone(),
            to: Addressee::Chairs,
            text: String::new(),
        },
        Event::MinutesNoted {
            text: String::new(),
            by: someone(),
        },
        Event::RecommendationProposed {
            number,
            member: someone(),
            text: String::new(),
        },
        Event::RecommendationEdited {
            number,
            member: someone(),
            text: String::new(),
        },
        Event::RecommendationSupported {
            number,
            member: someone(),
        },
        Event::RecommendationUnsupported {
            number,
            member: someone(),
        },
        Event::RecommendationStatusSet {
            number,
            status: Status::Agreed,
            by: someone(),
        },
        Event::RecommendationSigned {
            number,
            institute: slug(),
            by: someone(),
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
            | Event::SessionConfigured { .. }
            | Event::ItemStarted { .. }
            | Event::ChangeAwaited { .. }
            | Event::ChangeDropped { .. }
            | Event::MovedOn { .. }
            | Event::SessionLocked { .. }
            | Event::SessionUnlocked { .. }
            | Event::Spotlighted { .. }
            | Event::TechnicalStopBegan { .. }
            | Event::TechnicalStopEnded { .. }
            | Event::Noticed { .. }
            | Event::ChairHandedOver { .. }
            | Event::ChairAbsent
            | Event::MemberJoined { .. }
            | Event::MemberLeft { .. }
            | Event::MemberLost { .. }
            | Event::MemberBack { .. }
            | Event::MemberGone { .. }
            | Event::MemberMuted { .. }
            | Event::MemberUnmuteAsked { .. }
            | Event::MemberUnmuted { .. }
            | Event::MemberBlocked { .. }
            | Event::MemberUnblocked { .. }
            | Event::PictureStopped { .. }
            | Event::PictureAllowed { .. }
            | Event::MemberUnbanned { .. }
            | Event::LobbyEntered { .. }
            | Event::LobbyLeft { .. }
            | Event::LobbyAdmitted { .. }
            | Event::LobbyRefused { .. }
            | Event::FloorRequested { .. }
            | Event::FloorWithdrawn { .. }
            | Event::FloorMoved { .. }
            | Event::FloorOrdered { .. }
            | Event::QueueOpened { .. }
            | Event::QueueClosed { .. }
            | Event::FloorGranted { .. }
            | Event::FloorConfirmed { .. }
            | Event::FloorStarted { .. }
            | Event::FloorMissed { .. }
            | Event::FloorWarned { .. }
            | Event::FloorOvertime { .. }
            | Event::FloorFading { .. }
            | Event::FloorExtended { .. }
            | Event::FloorClockPaused { .. }
            | Event::FloorClockResumed { .. }
            | Event::FloorEnded { .. }
            | Event::PriorityTaken { .. }
            | Event::PriorityReleased { .. }
            | Event::ChatSent { .. }
            | Event::MinutesNoted { .. }
            | Event::RecommendationProposed { .. }
            | Event::RecommendationEdited { .. }
            | Event::RecommendationSupported { .. }
            | Event::RecommendationUnsupported { .. }
            | Event::RecommendationStatusSet { .. }
            | Event::RecommendationSigned { .. } => {}
        }
    }
    all
}

/// The names of a table's rows that begin with a name in backticks, or several, and the rest of each.
fn rows(heading: &str) -> Vec<(&'static str, &'static str)> {
    let section = PAGE.split(heading).nth(1).expect("the section");
    section
        .lines()
        .skip_while(|line| !line.starts_with("| `"))
        .take_while(|line| line.starts_with('|'))
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
        .flat_map(|(names, rest)| names.split("`, `").map(move |name| (name, rest)))
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
    assert_eq!(told, EVENT_TYPES);
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
