//! Scripts of one connection: what the client says, what comes back, what is asked of whom.

use serde_json::Value;

use super::{
    super::{settings::Secret, wire::REQUEST_TYPES},
    *,
};
use crate::{
    meeting::{Command, Refusal, RefusalCode, SessionState, Standing, roster::Role},
    room::fixture::{START, member, programme},
    time::Millis,
};

struct Script {
    session: Session,
    now: Timestamp,
}

impl Script {
    fn new() -> Self {
        Self::with(Settings::default())
    }

    fn with(settings: Settings) -> Self {
        let session = Session::new(
            Arc::new(settings),
            Arc::new(programme()),
            States::new(),
            START,
        );
        Self {
            session,
            now: START,
        }
    }

    fn greeted() -> Self {
        let mut script = Self::new();
        script.say(r#"{"id":1,"type":"hello","token":"t"}"#);
        script.session.handle_verdict(START, Ok(grant()));
        script.out();
        script
    }

    /// In `session-1`.
    fn joined() -> Self {
        let mut script = Self::greeted();
        script.say(r#"{"id":2,"type":"session.join","session":"session-1"}"#);
        script.session.handle_entered(Some(Ok(Answer::Done)));
        script.out();
        script
    }

    fn say(&mut self, text: &str) -> Vec<String> {
        self.session.handle_text(self.now, text);
        self.out()
    }

    fn told(&mut self, told: Told) -> Vec<String> {
        self.session.handle_told(told);
        self.out()
    }

    fn pass(&mut self, ms: u64) -> Vec<String> {
        self.now = self.now + Millis(ms);
        self.session.handle_timeout(self.now);
        self.out()
    }

    fn out(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.session.poll_output())
            .map(|output| line(&output))
            .collect()
    }

    fn wants_frame(&self) -> bool {
        self.session
            .wants_frame_at()
            .is_some_and(|at| at <= self.now)
    }
}

fn grant() -> Grant {
    Grant {
        event: "nartt-2020".parse().expect("a slug"),
        member: member("indonesia-1"),
        role: Role::Delegate,
        jti: "j".to_owned(),
        not_before: START,
        expires: START + Millis(1),
        uses: None,
    }
}

fn line(output: &Output) -> String {
    match output {
        Output::Send(text) => {
            let message: Value = serde_json::from_str(text).expect("JSON");
            if let Some(signal) = message.get("signal").and_then(Value::as_str) {
                let code = message.get("code").and_then(Value::as_str);
                return [Some(signal), code]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join(" ");
            }
            let outcome = match message.get("error") {
                Some(error) => error["code"].as_str().expect("a code").to_owned(),
                None if message.get("ok").is_some() => "ok".to_owned(),
                None => return text.to_string(),
            };
            format!("{} {outcome}", message["id"])
        }
        Output::Ping => "ping".to_owned(),
        Output::Verify { check, .. } => if *check { "verify check" } else { "verify" }.to_owned(),
        Output::Check(offer) => format!("check {} {}", offer.mid, offer.sdp),
        Output::Report { member, report } => format!("report {member} {:?}", report.verdict),
        Output::Enter { session, name, .. } => format!("enter {session} {name:?}"),
        Output::Ask(asking) => format!("ask {asking:?}"),
        Output::Close(closing) => format!("close {closing:?}"),
    }
}

const RAISE: &str = r#"{"id":9,"type":"floor.request"}"#;

#[test]
fn hello_then_join_then_requests() {
    let mut script = Script::new();
    assert_eq!(
        script.say(r#"{"id":1,"type":"hello","token":"secret"}"#),
        ["verify"]
    );
    script.session.handle_verdict(START, Ok(grant()));
    assert_eq!(script.out(), ["1 ok"]);
    assert_eq!(
        script.say(r#"{"id":2,"type":"session.join","session":"session-1","name":"Sari"}"#),
        [r#"enter session-1 Some("Sari")"#]
    );
    script.session.handle_entered(Some(Ok(Answer::Done)));
    assert_eq!(script.out(), ["2 ok"]);
    assert_eq!(
        script.say(RAISE),
        ["ask Command(RequestFloor { kind: Speech })"]
    );
    let event: Arc<str> = r#"{"prev":1,"rev":2}"#.into();
    assert_eq!(
        script.told(Told::Text(event)),
        [r#"{"prev":1,"rev":2}"#],
        "events go on while a request is in flight"
    );
    assert_eq!(script.told(Told::Answer(Ok(Answer::Done))), ["9 ok"]);
    assert_eq!(
        script.say(r#"{"id":3,"type":"session.leave"}"#),
        ["ask Leave"]
    );
    assert_eq!(script.told(Told::Answer(Ok(Answer::Done))), ["3 ok"]);
    assert_eq!(script.say(RAISE), ["9 not_ready"]);
}

#[test]
fn the_welcome_says_who_one_is_and_what_is_on() {
    let mut script = Script::new();
    let live = Standing {
        state: SessionState::Live,
        opened_at: Some(START),
        item: None,
    };
    let live = [("session-1".parse().expect("a slug"), live)];
    script.session.handle_states(START, live.into());
    assert_eq!(script.out(), [""; 0], "nobody is told before hello");
    script
        .session
        .handle_text(START, r#"{"id":1,"type":"hello","token":"t"}"#);
    script.session.handle_verdict(START, Ok(grant()));
    let sent = std::iter::from_fn(|| script.session.poll_output()).last();
    let Some(Output::Send(text)) = sent else {
        panic!("{sent:?}");
    };
    let welcome: Value = serde_json::from_str(&text).expect("JSON");
    let ok = &welcome["ok"];
    assert_eq!(ok["member"]["id"], "indonesia-1");
    assert_eq!(ok["member"]["role"], "delegate");
    assert_eq!(ok["now"], START.0);
    assert_eq!(ok["sessions"][0]["state"], "live");
    assert_eq!(ok["sessions"][1]["state"], "scheduled");
    assert_eq!(ok["sessions"][1]["day"], 1);
    assert_eq!(ok["current"], "session-1");
    assert_eq!(ok["media"]["ice_servers"], serde_json::json!([]));
}

#[test]
fn a_member_is_given_credentials_of_its_own_for_the_relay() {
    let settings = Settings {
        turn_urls: vec!["turn:turn.example.org".to_owned()],
        turn_secret: Secret("north".to_owned()),
        ..Settings::default()
    };
    assert_eq!(settings.contradiction(), None);
    assert!(!format!("{settings:?}").contains("north"));
    let mut script = Script::with(settings);
    script
        .session
        .handle_text(START, r#"{"id":1,"type":"hello","token":"t"}"#);
    script.session.handle_verdict(START, Ok(grant()));
    let sent = std::iter::from_fn(|| script.session.poll_output()).last();
    let Some(Output::Send(text)) = sent else {
        panic!("{sent:?}");
    };
    let welcome: Value = serde_json::from_str(&text).expect("JSON");
    let relay = &welcome["ok"]["media"]["ice_servers"][0];
    assert_eq!(relay["urls"], serde_json::json!(["turn:turn.example.org"]));
    // A day after the start, which is 1605754800.
    assert_eq!(relay["username"], "1605841200:indonesia-1");
    assert_eq!(relay["credential"].as_str().map(str::len), Some(28));

    let alone = Settings {
        turn_urls: vec!["turn:turn.example.org".to_owned()],
        ..Settings::default()
    };
    let why = alone.contradiction().expect("no secret");
    assert!(why.contains("turn_secret"), "{why}");
}

#[test]
fn the_order_is_kept() {
    let mut script = Script::new();
    assert_eq!(script.say(RAISE), ["9 not_ready"]);
    let join = r#"{"id":2,"type":"session.join","session":"session-1"}"#;
    assert_eq!(script.say(join), ["2 not_ready"]);
    let mut script = Script::greeted();
    assert_eq!(script.say(RAISE), ["9 not_ready"]);
    let hello = r#"{"id":1,"type":"hello","token":"t"}"#;
    assert_eq!(script.say(hello), ["1 not_now"]);
    let mut script = Script::joined();
    assert_eq!(script.say(join), ["2 not_now"]);
}

#[test]
fn a_link_that_does_not_open_says_why_and_another_may_follow() {
    let mut script = Script::new();
    for (refusal, code) in [
        (LinkRefusal::Invalid, "1 link_invalid"),
        (LinkRefusal::Expired, "1 link_expired"),
        (LinkRefusal::NotYet, "1 link_not_yet"),
        (LinkRefusal::Revoked, "1 link_revoked"),
        (LinkRefusal::UsedUp, "1 link_used_up"),
        (LinkRefusal::Uncounted, "1 internal"),
    ] {
        script.say(r#"{"id":1,"type":"hello","token":"t"}"#);
        script.session.handle_verdict(START, Err(refusal));
        assert_eq!(script.out(), [code]);
    }
    script.say(r#"{"id":2,"type":"hello","token":"t"}"#);
    script.session.handle_verdict(START, Ok(grant()));
    assert_eq!(script.out(), ["2 ok"]);
}

#[test]
fn what_is_not_a_request_is_named() {
    let mut script = Script::greeted();
    let mut wrong = |text: &str| {
        script.session.handle_text(START, text);
        let Some(Output::Send(text)) = script.session.poll_output() else {
            panic!("nothing was answered");
        };
        let reply: Reply = serde_json::from_str(&text).expect("a reply");
        let Outcome::Error(error) = reply.outcome else {
            panic!("{text}");
        };
        assert_eq!(error.code, ErrorCode::BadRequest);
        (reply.id, error.message)
    };
    for text in ["", "nonsense", "[1]", "7", r#"{"id":1"#] {
        let (id, message) = wrong(text);
        assert_eq!(id, None);
        assert!(message.starts_with("not a JSON object: "), "{message}");
    }
    for id in [
        "",
        r#""id":-1,"#,
        r#""id":"7","#,
        r#""id":1.5,"#,
        r#""id":9007199254740992,"#,
    ] {
        let (id, message) = wrong(&format!(r#"{{{id}"type":"floor.request"}}"#));
        assert_eq!(id, None);
        assert!(message.starts_with("`id` must be"), "{message}");
    }
    assert_eq!(
        wrong(r#"{"id":7,"type":"floor.requst"}"#),
        (
            Some(7),
            r#"no request is called "floor.requst"; was "floor.request" meant?"#.to_owned()
        )
    );
    assert_eq!(
        wrong(r#"{"id":7,"type":"zzz"}"#),
        (Some(7), r#"no request is called "zzz""#.to_owned())
    );
    assert_eq!(
        wrong(r#"{"id":7,"type":7}"#),
        (Some(7), "`type` must be the name of a request".to_owned())
    );
    assert_eq!(
        wrong(r#"{"id":7,"type":"floor.stop"}"#),
        (Some(7), "floor.stop: missing field `member`".to_owned())
    );
    let (_, message) = wrong(r#"{"id":7,"type":"floor.request","loudly":true}"#);
    assert!(message.contains("unknown field `loudly`"), "{message}");
    let (_, message) = wrong(r#"{"id":7,"type":"floor.stop","member":"../x"}"#);
    assert!(message.contains("is not a name"), "{message}");
    let (_, message) =
        wrong(r#"{"id":7,"type":"session.configure","mode":"open","microphones":256}"#);
    assert!(message.starts_with("session.configure: "), "{message}");
    assert_eq!(
        script.say(r#"{"id":3,"type":"session.join","session":"session-9"}"#),
        ["3 unknown_session"]
    );
}

#[test]
fn one_request_is_in_flight_at_a_time() {
    let mut script = Script::joined();
    assert!(script.wants_frame());
    script.say(RAISE);
    assert!(!script.wants_frame(), "not before the answer");
    script.told(Told::Text("{}".into()));
    assert!(!script.wants_frame());
    let refusal = Refusal {
        code: RefusalCode::QueueFull,
        message: "full".to_owned(),
    };
    assert_eq!(
        script.told(Told::Answer(Err(Refused::Meeting(refusal)))),
        ["9 queue_full"]
    );
    assert!(script.wants_frame());
    assert_eq!(
        script.told(Told::Answer(Ok(Answer::Done))),
        [""; 0],
        "an answer to nothing"
    );
}

#[test]
fn who_asks_too_fast_is_told_and_read_no_faster_than_allowed() {
    let mut script = Script::with(Settings {
        requests_per_s: 10,
        requests_burst: 2,
        ..Settings::default()
    });
    assert_eq!(script.say(RAISE), ["9 not_ready"]);
    assert_eq!(script.say(RAISE), ["9 not_ready"]);
    assert_eq!(script.say(RAISE), ["9 too_fast"]);
    assert_eq!(script.say("nonsense"), ["null too_fast"]);
    assert!(!script.wants_frame());
    script.pass(100);
    assert!(script.wants_frame());
    assert_eq!(script.say(RAISE), ["9 too_fast"]);
    script.pass(1000);
    assert_eq!(script.say(RAISE), ["9 not_ready"]);
}

#[test]
fn a_room_that_does_not_let_in_leaves_one_where_one_was() {
    let mut script = Script::joined();
    let join = r#"{"id":4,"type":"session.join","session":"session-2"}"#;
    assert_eq!(script.say(join), ["enter session-2 None"]);
    let refusal = Refusal {
        code: RefusalCode::NotOpen,
        message: "later".to_owned(),
    };
    script
        .session
        .handle_entered(Some(Err(Refused::Meeting(refusal))));
    assert_eq!(script.out(), ["4 not_open"]);
    assert_eq!(
        script.session.room().map(SessionId::as_str),
        Some("session-1")
    );

    script.say(join);
    script.session.handle_entered(None);
    assert_eq!(script.out(), ["4 unknown_session"]);

    script.say(join);
    script.session.handle_entered(Some(Ok(Answer::Done)));
    assert_eq!(script.out(), ["4 ok"]);
    assert_eq!(
        script.session.room().map(SessionId::as_str),
        Some("session-2")
    );
}

#[test]
fn media_requests_reach_the_room() {
    let mut script = Script::joined();
    let offer =
        r#"{"id":5,"type":"media.offer","sdp":"v=0","sending":[{"mid":"0","source":"camera"}]}"#;
    assert_eq!(
        script.say(offer),
        [r#"ask Offer { sdp: "v=0", sending: [Sending { mid: "0", source: Camera }] }"#]
    );
    assert_eq!(
        script.told(Told::Answer(Err(Refused::Unanswered))),
        ["5 internal"]
    );
    assert_eq!(
        script.say(r#"{"id":6,"type":"media.candidate","candidate":null}"#),
        [r#"ask Candidate("")"#]
    );
}

#[test]
fn a_chairs_request_carries_the_turn_that_was_seen() {
    let mut script = Script::joined();
    let next = r#"{"id":5,"type":"floor.next","after_turn":3}"#;
    script.session.handle_text(START, next);
    let expected = Command::NextSpeaker {
        after_turn: Some(crate::meeting::TurnNumber(3)),
    };
    assert_eq!(
        script.session.poll_output(),
        Some(Output::Ask(Asking::Command(expected)))
    );
    let mut script = Script::joined();
    assert_eq!(
        script.say(r#"{"id":5,"type":"floor.next"}"#),
        ["5 bad_request"]
    );
}

#[test]
fn a_chairs_request_may_carry_what_else_was_seen() {
    let target = || member("indonesia-1");
    for (request, expected) in [
        (
            r#"{"id":5,"type":"floor.extend","member":"indonesia-1","by_ms":60000,"from_ms":300000}"#,
            Command::ExtendTurn {
                member: target(),
                by_ms: Millis(60_000),
                from_ms: Some(Millis(300_000)),
            },
        ),
        (
            r#"{"id":5,"type":"floor.move","member":"indonesia-1","place":2,"from_place":3}"#,
            Command::MoveHand {
                member: target(),
                place: 2,
                from_place: Some(3),
            },
        ),
        (
            r#"{"id":5,"type":"agenda.start","item":"two","after_item":"one"}"#,
            Command::StartItem {
                item: "two".parse().expect("a slug"),
                after_item: Some("one".parse().expect("a slug")),
                force: false,
            },
        ),
    ] {
        let mut script = Script::joined();
        script.session.handle_text(START, request);
        let asked = script.session.poll_output();
        assert_eq!(asked, Some(Output::Ask(Asking::Command(expected))));
    }
}

#[test]
fn what_is_on_is_told_after_hello_and_when_it_changes() {
    let mut script = Script::greeted();
    let standing = |state| Standing {
        state,
        ..Standing::PLANNED
    };
    let states = |state| States::from([("session-1".parse().expect("a slug"), standing(state))]);
    script
        .session
        .handle_states(START, states(SessionState::Live));
    assert_eq!(script.out(), ["sessions"]);
    script
        .session
        .handle_states(START, states(SessionState::Live));
    assert_eq!(script.out(), [""; 0]);
}

#[test]
fn it_pings_and_gives_up_a_client_that_is_silent() {
    let mut script = Script::greeted();
    assert_eq!(script.session.next_deadline(), START + Millis(5_000));
    assert_eq!(script.pass(5_000), ["ping"]);
    script.session.handle_heard(script.now);
    assert_eq!(script.pass(5_000), ["ping"]);
    assert_eq!(script.pass(5_000), ["ping"]);
    assert_eq!(script.session.closing(), None);
    assert_eq!(script.pass(5_000), ["close Dead"]);
    assert_eq!(script.session.closing(), Some(Closing::Dead));
}

#[test]
fn hello_must_come_in_time() {
    let mut script = Script::new();
    script.pass(5_000);
    script.say(RAISE);
    assert_eq!(script.pass(4_999), [""; 0]);
    assert_eq!(
        script.pass(1),
        [
            "goodbye protocol",
            "close Protocol(\"No hello came in time.\")"
        ]
    );
}

#[test]
fn after_the_last_word_there_is_none() {
    let mut script = Script::joined();
    script.session.handle_closing(Closing::Removed);
    script.session.handle_closing(Closing::Stopping);
    assert_eq!(script.out(), ["goodbye removed", "close Removed"]);
    assert_eq!(script.say(RAISE), [""; 0]);
    assert_eq!(script.pass(60_000), [""; 0]);
    script.session.handle_binary();
    assert_eq!(script.out(), [""; 0]);
}

#[test]
fn binary_breaks_the_protocol() {
    let mut script = Script::greeted();
    script.session.handle_binary();
    assert_eq!(
        script.out(),
        [
            "goodbye protocol",
            "close Protocol(\"Messages are JSON text, not binary.\")"
        ]
    );
}

#[test]
fn a_client_that_does_not_read_is_not_read_and_not_told() {
    let mut script = Script::joined();
    for _ in 0..OUTPUTS_MAX {
        assert!(script.session.wants_told());
        script.session.handle_told(Told::Text("{}".into()));
    }
    assert!(!script.session.wants_told());
    assert!(!script.wants_frame());
    script.session.poll_output();
    assert!(script.session.wants_told() && script.wants_frame());
}

proptest::proptest! {
    #[test]
    fn whatever_is_said_is_answered_once(text in "\\PC*", kind in 0..REQUEST_TYPES.len(), key in "[a-z_]{1,8}") {
        for text in [
            text.clone(),
            format!(r#"{{"id":1,"type":"{}","{key}":{text:?}}}"#, REQUEST_TYPES[kind]),
        ] {
            let mut script = Script::new();
            proptest::prop_assert_eq!(script.say(&text).len(), 1);
        }
    }
}

#[test]
fn nobody_is_let_in_once_the_server_is_about_to_end() {
    let join = r#"{"id":2,"type":"session.join","session":"session-1"}"#;
    let mut script = Script::greeted();
    let until = START + Millis(500);
    script.session.handle_draining(START, until);
    assert_eq!(script.out(), ["server.draining"]);
    assert_eq!(script.say(join), ["2 draining"]);

    // Nobody who is not a member is told, but whoever becomes one.
    let mut script = Script::new();
    script.session.handle_draining(START, until);
    assert_eq!(script.out(), Vec::<String>::new());
    script.say(r#"{"id":1,"type":"hello","token":"t"}"#);
    script.session.handle_verdict(START, Ok(grant()));
    assert_eq!(script.out(), ["1 ok", "server.draining"]);

    // What is being asked of the room already is carried out.
    let mut script = Script::greeted();
    script.say(join);
    script.session.handle_draining(START, until);
    script.session.handle_entered(Some(Ok(Answer::Done)));
    assert_eq!(script.out(), ["server.draining", "2 ok"]);
}

const CHECK: &str = r#"{"id":2,"type":"check.offer","sdp":"v=0","mid":"0"}"#;

fn report(id: u64, loss: u16) -> String {
    format!(
        r#"{{"id":{id},"type":"check.report","verdict":"tcp","rtt_ms":24,"loss_pct":{loss},
            "microphone":true,"camera":false,"speaker":null,"browser":"Firefox 153"}}"#
    )
}

#[test]
fn a_path_is_tried_in_a_room_or_not_and_each_offer_is_answered_once() {
    let mut unknown = Script::new();
    assert_eq!(unknown.say(CHECK), ["2 not_ready"]);
    for mut script in [Script::greeted(), Script::joined()] {
        assert_eq!(script.say(CHECK), ["check 0 v=0"]);
        assert!(!script.wants_frame(), "one request is in flight");
        // What the room says meanwhile is no answer to it.
        assert_eq!(script.told(Told::Answer(Ok(Answer::Done))), [""; 0]);
        script.session.handle_checked(Ok("answer".to_owned()));
        assert_eq!(script.out(), ["2 ok"]);
        script.session.handle_checked(Ok("answer".to_owned()));
        assert_eq!(script.out(), [""; 0]);
        for (refusal, code) in [
            (CheckRefusal::Busy, "full"),
            (CheckRefusal::Unanswered, "internal"),
        ] {
            script.say(CHECK);
            script.session.handle_checked(Err(refusal));
            assert_eq!(script.out(), [format!("2 {code}")]);
        }
    }
}

#[test]
fn a_report_is_kept_within_its_bounds_and_its_pace() {
    let mut script = Script::greeted();
    assert_eq!(script.say(&report(3, 101)), ["3 limit"]);
    assert_eq!(script.say(&report(4, 2)), ["report indonesia-1 Tcp"]);
    script.session.handle_reported(true);
    assert_eq!(script.out(), ["4 ok"]);
    assert_eq!(script.say(&report(5, 2)), ["5 too_fast"]);
    script.pass(1000);
    assert_eq!(script.say(&report(6, 2)), ["report indonesia-1 Tcp"]);
    script.session.handle_reported(false);
    assert_eq!(script.out(), ["6 internal"]);
}

#[test]
fn who_comes_to_check_alone_enters_no_room() {
    let mut script = Script::new();
    let hello = r#"{"id":1,"type":"hello","token":"t","check":true}"#;
    assert_eq!(script.say(hello), ["verify check"]);
    script.session.handle_verdict(START, Ok(grant()));
    assert_eq!(script.out(), ["1 ok"]);
    let join = r#"{"id":2,"type":"session.join","session":"session-1"}"#;
    assert_eq!(script.say(join), ["2 not_now"]);
    assert_eq!(script.say(CHECK), ["check 0 v=0"]);
}
