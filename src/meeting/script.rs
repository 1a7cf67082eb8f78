//! Meetings as short scripts, for tests: who does what when, and what happens.
//!
//! ```text
//! 3   a request                -> requested a
//! 4.5 chair-1 next             -> granted 1 a by chair-1
//! 5   ? heard                  -> chair-1 chair-2 guest a
//! 6   b yield                  -> no: not_now
//! ```
//!
//! A line is a time in seconds, an actor (a member, `media`, `clock`, `server`, or `?` for a look
//! at the state), a command, and what is expected. A whole script is compared at once, so that a
//! failure shows the meeting as it went.

use crate::{
    ids::MemberId,
    meeting::{
        Actor, Command, Hearing, Meeting, Settings, TurnNumber,
        agenda::{FloorMode, Item, Profile, ProfileChange, SessionPlan},
        brief::brief,
        event::PictureSource,
        model::Model,
        queue::HandKind,
        record::{Addressee, RecommendationNumber},
        roster::{Role, Seat},
    },
    time::{Millis, Timestamp},
};

pub(super) fn id(text: &str) -> MemberId {
    text.parse().expect("a slug")
}

/// Two chairs, six delegates of three delegations, and one of everybody else.
pub(super) fn seats() -> Vec<Seat> {
    [
        ("chair-1", Role::Chair, "csis"),
        ("chair-2", Role::Chair, "mgimo"),
        ("a", Role::Delegate, "indonesia"),
        ("b", Role::Delegate, "indonesia"),
        ("c", Role::Delegate, "malaysia"),
        ("d", Role::Delegate, "malaysia"),
        ("e", Role::Delegate, "russia"),
        ("f", Role::Delegate, "russia"),
        ("guest", Role::Podium, "asean"),
        ("voice", Role::Interpreter, "csis"),
        ("watcher", Role::Observer, "asean"),
        ("tech", Role::Technician, "csis"),
        ("organiser", Role::Organiser, "csis"),
    ]
    .into_iter()
    .map(|(member, role, delegation)| Seat {
        member: id(member),
        name: member.to_uppercase(),
        role,
        delegation: delegation.parse().expect("a slug"),
    })
    .collect()
}

fn item(id: &str, minutes: u32, profile: &str) -> Item {
    Item {
        id: id.parse().expect("a slug"),
        title: id.to_uppercase(),
        minutes,
        profile: change(profile),
    }
}

/// A change as an event file would have it, its lines divided by commas.
pub(super) fn change(text: &str) -> ProfileChange {
    let mut depth = 0;
    let lines: String = text
        .chars()
        .map(|c| {
            depth += match c {
                '[' => 1,
                ']' => -1,
                _ => 0,
            };
            if c == ',' && depth == 0 { '\n' } else { c }
        })
        .collect();
    toml::from_str(&lines).expect("a change")
}

/// A profile with plain endings, changed so.
pub(super) fn profile(text: &str) -> Profile {
    plain().with(&change(text))
}

/// The default settings but for turns that go on at their end.
pub(super) fn plain() -> Profile {
    Profile {
        end: crate::meeting::agenda::TurnEnd::Continue,
        ..Profile::default()
    }
}

/// A scheduled session, nobody in the room. Turns of 5 minutes, a warning a minute before.
pub(super) fn scheduled(profile: Profile) -> Meeting {
    scheduled_for(seats(), profile)
}

/// The same for another roster.
pub(super) fn scheduled_for(seats: Vec<Seat>, profile: Profile) -> Meeting {
    let plan = SessionPlan {
        id: "session-1".parse().expect("a slug"),
        title: "Post-pandemic regional architecture".to_owned(),
        start: Timestamp(0),
        minutes: 120,
        items: vec![
            item("opening-remarks", 20, ""),
            item("discussion", 50, "mode = 'fifo', microphones = 2"),
            item("recommendations", 50, ""),
        ],
        profile,
    };
    Meeting::new(plan, seats, Settings::default())
}

/// A scheduled session in the mode `request` with one microphone.
pub(super) fn empty() -> Script {
    Script::new(scheduled(plain()))
}

/// A session that is live, with everybody in the room.
pub(super) fn live(mode: FloorMode, microphones: u8) -> Script {
    live_with(Profile {
        mode,
        microphones,
        queue_max: 4,
        ..plain()
    })
}

/// The same with these settings.
pub(super) fn live_with(profile: Profile) -> Script {
    let mut script = Script::new(scheduled(profile));
    let opened = script.run(Timestamp(0), &Actor::Server, &Command::OpenSession);
    assert_eq!(opened, "opened");
    for seat in seats() {
        let command = Command::Join { name: None };
        script.run(Timestamp(0), &Actor::Member(seat.member), &command);
    }
    script
}

pub(super) struct Script {
    pub(super) meeting: Meeting,
    model: Model,
}

impl Script {
    fn new(meeting: Meeting) -> Self {
        let model = Model::new(&meeting);
        Self { meeting, model }
    }

    /// Plays the lines and compares all that happens with all that is expected.
    pub(super) fn check(&mut self, script: &str) -> &mut Self {
        let mut expected = String::new();
        let mut actual = String::new();
        for line in script.lines().map(str::trim).filter(|it| !it.is_empty()) {
            let (asked, answer) = line.split_once("->").expect("an arrow in each line");
            let words: Vec<&str> = asked.split_whitespace().collect();
            let [time, actor, rest @ ..] = words.as_slice() else {
                panic!("a time and an actor in: {line}");
            };
            let now = seconds(time);
            let happened = if *actor == "?" {
                self.look(now, rest)
            } else {
                self.run(now, &parse_actor(actor), &parse_command(rest))
            };
            let asked = words.join(" ");
            expected += &format!("{asked} -> {}\n", answer.trim());
            actual += &format!("{asked} -> {happened}\n");
        }
        assert!(
            expected == actual,
            "\nexpected:\n{expected}\nhappened:\n{actual}"
        );
        self
    }

    fn run(&mut self, now: Timestamp, actor: &Actor, command: &Command) -> String {
        let events = match self.meeting.decide(now, actor, command) {
            Ok(events) => events,
            Err(refusal) => return format!("no: {}", refusal.code.as_str()),
        };
        for event in &events {
            self.meeting.apply(now, event);
            self.model.follow(now, event, &self.meeting);
        }
        self.model.check_rest(&self.meeting);
        match events.as_slice() {
            [] => "nothing".to_owned(),
            events => events.iter().map(brief).collect::<Vec<_>>().join("; "),
        }
    }

    fn look(&self, now: Timestamp, words: &[&str]) -> String {
        let meeting = &self.meeting;
        let list = |members: Vec<&MemberId>| {
            let members: Vec<&str> = members.into_iter().map(MemberId::as_str).collect();
            members.join(" ")
        };
        match words {
            ["heard"] => {
                let heard = |it: &&MemberId| meeting.hearing(it) != Hearing::Silent;
                list(meeting.present().filter(heard).collect())
            }
            ["seen"] => {
                let seen = |it: &&MemberId| meeting.may_show(it, PictureSource::Camera);
                list(meeting.present().filter(seen).collect())
            }
            ["screens"] => {
                let seen = |it: &&MemberId| meeting.may_show(it, PictureSource::Screen);
                list(meeting.present().filter(seen).collect())
            }
            ["lobby"] => {
                let lobby = |it: &&Seat| meeting.is_in_lobby(&it.member);
                let seats = seats();
                list(seats.iter().filter(lobby).map(|it| &it.member).collect())
            }
            ["chair"] => list(meeting.acting_chair().into_iter().collect()),
            ["item"] => meeting
                .item()
                .map_or("none".to_owned(), |(item, _)| item.to_string()),
            ["late"] => match meeting.item() {
                Some((item, began)) => in_millis(meeting.plan().lateness(item, began, now)),
                None => "none".to_owned(),
            },
            ["why"] => {
                let hands = meeting.floor().hands().iter();
                let whys: Vec<_> = hands
                    .map(|it| format!("{}:{}", it.member, it.why.as_str()))
                    .collect();
                whys.join(" ")
            }
            ["present"] => list(meeting.present().collect()),
            ["prominent"] => list(meeting.prominence().iter().collect()),
            ["queue"] => list(
                meeting
                    .floor()
                    .hands()
                    .iter()
                    .map(|it| &it.member)
                    .collect(),
            ),
            ["state"] => meeting.state().as_str().to_owned(),
            ["deadline"] => match meeting.next_deadline() {
                Some(at) => in_seconds(at.0),
                None => "none".to_owned(),
            },
            ["spent", member] => match meeting.floor().turn_of(&id(member)) {
                Some(turn) => in_millis(turn.spent(now)),
                None => "no turn".to_owned(),
            },
            ["spoken", member] => in_millis(meeting.spoken().by_member(&id(member))),
            ["delegation", name] => {
                let delegation = name.parse().expect("a slug");
                in_millis(meeting.spoken().by_delegation(&delegation))
            }
            words => panic!("no such look: {words:?}"),
        }
    }
}

fn seconds(text: &str) -> Timestamp {
    let seconds: f64 = text.parse().expect("seconds");
    Timestamp((seconds * 1000.0).round() as i64)
}

pub(super) fn in_seconds(ms: i64) -> String {
    (ms as f64 / 1000.0).to_string()
}

pub(super) fn in_millis(length: Millis) -> String {
    in_seconds(i64::try_from(length.0).expect("a short length"))
}

fn parse_actor(word: &str) -> Actor {
    match word {
        "media" => Actor::Media,
        "clock" => Actor::Clock,
        "server" => Actor::Server,
        member => Actor::Member(id(member)),
    }
}

fn parse_kind(word: &str) -> HandKind {
    HandKind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == word)
        .unwrap_or_else(|| panic!("no such kind: {word}"))
}

fn parse_source(word: &str) -> PictureSource {
    match word {
        "camera" => PictureSource::Camera,
        "screen" => PictureSource::Screen,
        word => panic!("no such picture: {word}"),
    }
}

fn parse_number(word: &str) -> RecommendationNumber {
    RecommendationNumber(word.parse().expect("a number"))
}

#[expect(clippy::too_many_lines, reason = "one line a command")]
fn parse_command(words: &[&str]) -> Command {
    let after = |word: &str| {
        let number = word.strip_prefix("after=").expect("after=TURN");
        Some(TurnNumber(number.parse().expect("a turn's number")))
    };
    let place = |word: &str| word.parse().expect("a place");
    let length = |word: &str| Millis::from_secs(word.parse().expect("seconds"));
    match words {
        ["join"] => Command::Join { name: None },
        ["join", name @ ..] => Command::Join {
            name: Some(name.join(" ")),
        },
        ["leave"] => Command::Leave,
        ["lost"] => Command::Lost,
        ["back"] => Command::Back,
        ["grace-ended"] => Command::GraceEnded,
        ["recover"] => Command::Recover,
        ["prepare"] => Command::PrepareSession,
        ["open"] => Command::OpenSession,
        ["pause"] => Command::PauseSession,
        ["resume"] => Command::ResumeSession,
        ["close"] => Command::CloseSession { force: false },
        ["close", "now"] => Command::CloseSession { force: true },
        ["reopen"] => Command::ReopenSession,
        ["configure", mode, microphones] if !mode.contains('=') => Command::ConfigureSession {
            change: change(&format!("mode = '{mode}', microphones = {microphones}")),
        },
        ["configure", rest @ ..] => Command::ConfigureSession {
            change: change(&rest.join(" ")),
        },
        ["item", item] => Command::StartItem {
            item: item.parse().expect("a slug"),
            after_item: None,
            force: false,
        },
        ["item", item, "now"] => Command::StartItem {
            item: item.parse().expect("a slug"),
            after_item: None,
            force: true,
        },
        ["item", item, "after", seen] => Command::StartItem {
            item: item.parse().expect("a slug"),
            after_item: Some(seen.parse().expect("a slug")),
            force: false,
        },
        ["drop"] => Command::DropChange,
        ["move-on", to] => Command::MoveOn {
            to: to.parse().expect("a slug"),
        },
        ["lock"] => Command::LockSession,
        ["unlock"] => Command::UnlockSession,
        ["spotlight"] => Command::Spotlight { member: None },
        ["spotlight", member] => Command::Spotlight {
            member: Some(id(member)),
        },
        ["tech"] => Command::BeginTechnicalStop,
        ["tech-end"] => Command::EndTechnicalStop,
        ["notice", text @ ..] => Command::Notice {
            text: text.join(" "),
        },
        ["hand-over", to] => Command::HandOverChair { to: id(to) },
        ["request"] => Command::RequestFloor {
            kind: HandKind::Speech,
        },
        ["request", kind] => Command::RequestFloor {
            kind: parse_kind(kind),
        },
        ["withdraw"] => Command::WithdrawHand { point: false },
        ["withdraw", "point"] => Command::WithdrawHand { point: true },
        ["yield"] => Command::YieldFloor,
        ["unmute"] => Command::Unmute,
        ["next"] => Command::NextSpeaker { after_turn: None },
        ["next", turn] => Command::NextSpeaker {
            after_turn: after(turn),
        },
        ["grant", member] => Command::GrantFloor {
            member: id(member),
            kind: None,
            after_turn: None,
        },
        ["grant", member, turn] if turn.starts_with("after=") => Command::GrantFloor {
            member: id(member),
            kind: None,
            after_turn: after(turn),
        },
        ["grant", member, kind] => Command::GrantFloor {
            member: id(member),
            kind: Some(parse_kind(kind)),
            after_turn: None,
        },
        ["stop", member] => Command::StopFloor { member: id(member) },
        ["stop-all"] => Command::StopAll,
        ["insert", member] => Command::InsertHand {
            member: id(member),
            place: None,
        },
        ["insert", member, at] => Command::InsertHand {
            member: id(member),
            place: Some(place(at)),
        },
        ["move", member, at] => Command::MoveHand {
            member: id(member),
            place: place(at),
            from_place: None,
        },
        ["move", member, at, "from", seen] => Command::MoveHand {
            member: id(member),
            place: place(at),
            from_place: Some(place(seen)),
        },
        ["lower", member] => Command::RemoveHand {
            member: id(member),
            point: false,
        },
        ["lower", member, "point"] => Command::RemoveHand {
            member: id(member),
            point: true,
        },
        ["clear"] => Command::ClearQueue,
        ["open-list"] => Command::OpenQueue { open: true },
        ["close-list"] => Command::OpenQueue { open: false },
        ["priority"] => Command::TakePriority { clear: false },
        ["priority", "clear"] => Command::TakePriority { clear: true },
        ["release"] => Command::ReleasePriority,
        ["extend", member, by] => Command::ExtendTurn {
            member: id(member),
            by_ms: length(by),
            from_ms: None,
        },
        ["extend", member, by, "from", seen] => Command::ExtendTurn {
            member: id(member),
            by_ms: length(by),
            from_ms: Some(length(seen)),
        },
        ["hold", member] => Command::PauseClock { member: id(member) },
        ["run", member] => Command::ResumeClock { member: id(member) },
        ["mute", member] => Command::Mute { member: id(member) },
        ["ask", member] => Command::AskUnmute { member: id(member) },
        ["block", member] => Command::Block { member: id(member) },
        ["unblock", member] => Command::Unblock { member: id(member) },
        ["stop-picture", member, source] => Command::StopPicture {
            member: id(member),
            source: parse_source(source),
        },
        ["allow-picture", member, source] => Command::AllowPicture {
            member: id(member),
            source: parse_source(source),
        },
        ["remove", member] => Command::RemoveMember {
            member: id(member),
            ban: false,
        },
        ["ban", member] => Command::RemoveMember {
            member: id(member),
            ban: true,
        },
        ["unban", member] => Command::Unban { member: id(member) },
        ["admit", member] => Command::Admit { member: id(member) },
        ["admit-all"] => Command::AdmitAll,
        ["refuse", member] => Command::Refuse { member: id(member) },
        ["send-back", member] => Command::SendBack { member: id(member) },
        ["chat", "chairs", text @ ..] => Command::Chat {
            to: Addressee::Chairs,
            text: text.join(" "),
        },
        ["chat", text @ ..] => Command::Chat {
            to: Addressee::Everybody,
            text: text.join(" "),
        },
        ["note", text @ ..] => Command::Note {
            text: text.join(" "),
        },
        ["propose", text @ ..] => Command::Propose {
            text: text.join(" "),
        },
        ["edit", number, text @ ..] => Command::EditRecommendation {
            number: parse_number(number),
            text: text.join(" "),
        },
        ["support", number] => Command::Support {
            number: parse_number(number),
            supports: true,
        },
        ["unsupport", number] => Command::Support {
            number: parse_number(number),
            supports: false,
        },
        ["status", number, status] => Command::SetStatus {
            number: parse_number(number),
            status: serde_json::from_value((*status).into()).expect("a status"),
        },
        ["sign", number] => Command::SignOff {
            number: parse_number(number),
        },
        ["delivered", member] => Command::AudioDelivered { member: id(member) },
        ["heard", member] => Command::AudioHeard { member: id(member) },
        ["passed"] => Command::TimePassed,
        words => panic!("no such command: {words:?}"),
    }
}
