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
        Actor, Command, Event, Hearing, Meeting, Settings, TurnNumber,
        agenda::{FloorMode, Item, Profile, SessionPlan},
        event::{EndReason, LeaveReason},
        model::Model,
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

/// A scheduled session, nobody in the room. Turns of 5 minutes, a warning a minute before.
pub(super) fn scheduled(profile: Profile) -> Meeting {
    let plan = SessionPlan {
        id: "session-1".parse().expect("a slug"),
        title: "Post-pandemic regional architecture".to_owned(),
        start: Timestamp(0),
        minutes: 120,
        items: vec![Item {
            id: "opening-remarks".parse().expect("a slug"),
            title: "Opening remarks".to_owned(),
            minutes: 20,
        }],
        profile,
    };
    Meeting::new(plan, seats(), Settings::default())
}

/// A scheduled session in the mode `request` with one microphone.
pub(super) fn empty() -> Script {
    Script::new(scheduled(Profile::default()))
}

/// A session that is live, with everybody in the room.
pub(super) fn live(mode: FloorMode, microphones: u8) -> Script {
    let mut script = Script::new(scheduled(Profile {
        mode,
        microphones,
        queue_max: 4,
        ..Profile::default()
    }));
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
                let seen = |it: &&MemberId| meeting.may_show(it);
                list(meeting.present().filter(seen).collect())
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

fn in_seconds(ms: i64) -> String {
    (ms as f64 / 1000.0).to_string()
}

fn in_millis(length: Millis) -> String {
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

fn parse_command(words: &[&str]) -> Command {
    let after = |word: &str| {
        let number = word.strip_prefix("after=").expect("after=TURN");
        Some(TurnNumber(number.parse().expect("a turn's number")))
    };
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
        ["close"] => Command::CloseSession,
        ["reopen"] => Command::ReopenSession,
        ["request"] => Command::RequestFloor,
        ["withdraw"] => Command::WithdrawHand,
        ["yield"] => Command::YieldFloor,
        ["unmute"] => Command::Unmute,
        ["next"] => Command::NextSpeaker { after_turn: None },
        ["next", turn] => Command::NextSpeaker {
            after_turn: after(turn),
        },
        ["grant", member] => Command::GrantFloor {
            member: id(member),
            after_turn: None,
        },
        ["grant", member, turn] => Command::GrantFloor {
            member: id(member),
            after_turn: after(turn),
        },
        ["stop", member] => Command::StopFloor { member: id(member) },
        ["lower", member] => Command::RemoveHand { member: id(member) },
        ["configure", mode, microphones] => Command::ConfigureFloor {
            mode: match *mode {
                "open" => FloorMode::Open,
                "request" => FloorMode::Request,
                other => panic!("no such mode: {other}"),
            },
            microphones: microphones.parse().expect("a number"),
        },
        ["hold", member] => Command::PauseClock { member: id(member) },
        ["run", member] => Command::ResumeClock { member: id(member) },
        ["mute", member] => Command::Mute { member: id(member) },
        ["ask", member] => Command::AskUnmute { member: id(member) },
        ["remove", member] => Command::RemoveMember { member: id(member) },
        ["delivered", member] => Command::AudioDelivered { member: id(member) },
        ["heard", member] => Command::AudioHeard { member: id(member) },
        ["passed"] => Command::TimePassed,
        words => panic!("no such command: {words:?}"),
    }
}

/// An event in a few words, with the name of a chair where one caused it.
fn brief(event: &Event) -> String {
    let by = |by: &Option<MemberId>| match by {
        Some(by) => format!(" by {by}"),
        None => String::new(),
    };
    match event {
        Event::SessionPrepared { by } => format!("prepared by {by}"),
        Event::SessionOpened { by: who } => format!("opened{}", by(who)),
        Event::SessionPaused { by } => format!("paused by {by}"),
        Event::SessionResumed { by } => format!("resumed by {by}"),
        Event::SessionClosed { by } => format!("closed by {by}"),
        Event::SessionReopened { by } => format!("reopened by {by}"),
        Event::MemberJoined { member, name, .. } => format!("joined {member} as {name}"),
        Event::MemberLeft {
            member,
            reason,
            by: who,
        } => {
            let reason = match reason {
                LeaveReason::Left => "left",
                LeaveReason::Lost => "lost",
                LeaveReason::Removed => "removed",
            };
            format!("left {member} {reason}{}", by(who))
        }
        Event::MemberLost { member } => format!("lost {member}"),
        Event::MemberBack { member } => format!("back {member}"),
        Event::MemberMuted { member, by } => format!("muted {member} by {by}"),
        Event::MemberUnmuteAsked { member, by } => format!("asked {member} by {by}"),
        Event::MemberUnmuted { member } => format!("unmuted {member}"),
        Event::FloorRequested { member } => format!("requested {member}"),
        Event::FloorWithdrawn { member, by } if member == by => format!("withdrawn {member}"),
        Event::FloorWithdrawn { member, by } => format!("withdrawn {member} by {by}"),
        Event::FloorGranted {
            turn,
            member,
            by: who,
            limit_ms: _,
        } => format!("granted {} {member}{}", turn.0, by(who)),
        Event::FloorConfirmed { turn, member } => format!("confirmed {} {member}", turn.0),
        Event::FloorStarted { turn, member } => format!("started {} {member}", turn.0),
        Event::FloorMissed {
            turn,
            member,
            requeued: true,
        } => format!("missed {} {member}, requeued", turn.0),
        Event::FloorMissed {
            turn,
            member,
            requeued: false,
        } => format!("missed {} {member}", turn.0),
        Event::FloorWarned {
            turn,
            member,
            remaining_ms,
        } => format!("warned {} {member} {}", turn.0, in_millis(*remaining_ms)),
        Event::FloorOvertime { turn, member } => format!("overtime {} {member}", turn.0),
        Event::FloorEnded {
            turn,
            member,
            reason,
            by: who,
            spoken_ms,
            requeued,
        } => {
            let reason = match reason {
                EndReason::Finished => "finished",
                EndReason::Stopped => "stopped",
                EndReason::Gone => "gone",
                EndReason::Missed => "missed",
                EndReason::Closed => "closed",
            };
            let spoken = in_millis(*spoken_ms);
            let again = if *requeued { ", requeued" } else { "" };
            let by = by(who);
            format!("ended {} {member} {reason} {spoken}{by}{again}", turn.0)
        }
        Event::FloorClockPaused {
            turn,
            member,
            by: who,
        } => format!("clock paused {} {member}{}", turn.0, by(who)),
        Event::FloorClockResumed { turn, member, by } => {
            format!("clock resumed {} {member} by {by}", turn.0)
        }
        Event::FloorConfigured {
            mode,
            microphones,
            by: who,
        } => {
            let mode = match mode {
                FloorMode::Open => "open",
                FloorMode::Request => "request",
            };
            format!("configured {mode} {microphones}{}", by(who))
        }
    }
}
