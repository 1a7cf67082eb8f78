//! Messages that are no requests, come too early, ask what only others may, or are out of bounds:
//! each is refused by name, and the connection stays.

use crate::{
    house::{House, SESSION},
    line::{Line, code, outcome},
    pair::Pair,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

/// Requests without a limit of their rate, where the rate is not what is tried.
const UNHURRIED: [(&str, &str); 2] = [
    ("SIGNALLING__REQUESTS_PER_S", "100000"),
    ("SIGNALLING__REQUESTS_BURST", "100000"),
];

/// Texts that are no requests, with the id that can be read in them.
fn malformed() -> Vec<(String, Option<u64>)> {
    let deep = |open: &str, close: &str, depth: usize| open.repeat(depth) + &close.repeat(depth);
    let nothing_read = [
        "",
        " ",
        "{",
        "}",
        "[]",
        "[1]",
        "null",
        "true",
        "7",
        "\"hello\"",
        "{]",
        "{\"id\"}",
        "{\"id\":1,}",
        "{'id':1}",
        "{\"id\":1 \"type\":\"hello\"}",
        "\u{feff}{}",
        "{}{}",
        "{} x",
        "NaN",
        "{\"id\":NaN}",
        "{\"id\":1e999999999}",
        "{\"id\":-}",
        "\0",
        "{\"\\ud800\":1}",
        "// no\n{}",
        "{\"id\":0x10}",
        "{\"id\":01}",
    ];
    let mut texts: Vec<(String, Option<u64>)> =
        nothing_read.map(|text| (text.to_owned(), None)).to_vec();
    for depth in [127, 128, 129, 1000, 30_000] {
        texts.push((deep("[", "]", depth), None));
        texts.push((format!("{{\"id\":{}}}", deep("[", "]", depth)), None));
        texts.push((deep("{\"a\":", "}", depth.min(10_000)), None));
    }
    // Ids that are none.
    for id in [
        "null",
        "-1",
        "1.5",
        "\"1\"",
        "9007199254740992",
        "1e3",
        "18446744073709551616",
        "{}",
    ] {
        texts.push((format!("{{\"id\":{id},\"type\":\"hello\"}}"), None));
    }
    texts.push((format!("{{\"id\":1{}}}", "0".repeat(60_000)), None));
    // With an id.
    for rest in [
        "",
        ",\"type\":null",
        ",\"type\":7",
        ",\"type\":\"\"",
        ",\"type\":\"Hello\"",
        ",\"type\":\"no.such\"",
        ",\"type\":\"hello\"",
        ",\"type\":\"hello\",\"token\":null",
        ",\"type\":\"hello\",\"token\":7",
        ",\"type\":\"hello\",\"token\":\"a\",\"more\":1",
        ",\"type\":\"hello\",\"token\":[\"a\"]",
        ",\"type\":\"session.join\"",
        ",\"type\":\"session.join\",\"session\":\"\"",
        ",\"type\":\"session.join\",\"session\":\"../etc\"",
        ",\"type\":\"session.join\",\"session\":\"session-1\",\"name\":7",
        ",\"type\":\"media.offer\",\"sdp\":7,\"sending\":[]",
        ",\"type\":\"media.offer\",\"sdp\":\"v=0\"",
        ",\"type\":\"media.offer\",\"sdp\":\"v=0\",\"sending\":[{\"mid\":\"0\",\"source\":\"brain\"}]",
        ",\"type\":\"media.candidate\",\"candidate\":7",
        ",\"type\":\"floor.next\"",
        ",\"type\":\"floor.next\",\"after_turn\":-1",
        ",\"type\":\"floor.next\",\"after_turn\":1e30",
        ",\"type\":\"floor.grant\",\"member\":\"laos-1\",\"after_turn\":\"1\"",
        ",\"type\":\"floor.configure\",\"mode\":\"anarchy\",\"microphones\":1",
        ",\"type\":\"floor.configure\",\"mode\":\"open\",\"microphones\":300",
        ",\"type\":\"member.mute\",\"member\":\"Nobody!\"",
    ] {
        texts.push((format!("{{\"id\":5{rest}}}"), Some(5)));
    }
    texts.push((
        format!("{{\"id\":5,\"type\":\"{}\"}}", "x".repeat(60_000)),
        Some(5),
    ));
    texts.push((
        format!(
            "{{\"id\":5,\"type\":\"hello\",\"{}\":1}}",
            "y".repeat(60_000)
        ),
        Some(5),
    ));
    texts
}

#[test]
fn malformed_messages_are_bad_requests_and_the_connection_stays() {
    let house = House::open(&UNHURRIED);
    let pair = Pair::seat(&house);
    let member = &house.members("delegate")[0];
    let mut random = StdRng::seed_from_u64(10);
    let mut unknown = Line::open(&house);
    let mut joined = Line::join(&house, member);
    house.endures("malformed messages", || {
        pair.undisturbed("malformed messages", || {
            for line in [&mut unknown, &mut joined] {
                for (text, id) in malformed() {
                    let shown: String = text.chars().take(80).collect();
                    line.say(&text);
                    let answer = line.answer();
                    assert_eq!(code(&outcome(&answer)), "bad_request", "{shown}: {answer}");
                    assert_eq!(answer["id"], json!(id), "{shown}");
                }
                // A good request with some bytes changed is something or other, and is answered.
                let good =
                    json!({"id": 5, "type": "floor.grant", "member": "laos-1", "after_turn": 0});
                for _ in 0..2000 {
                    let mut bytes = good.to_string().into_bytes();
                    for _ in 0..random.random_range(1..4) {
                        let place = random.random_range(0..bytes.len());
                        bytes[place] = random.random_range(32..127);
                    }
                    line.say(&String::from_utf8(bytes).expect("ASCII"));
                    let answered = outcome(&line.answer());
                    let code = code(&answered);
                    assert!(
                        ["bad_request", "not_ready", "not_allowed"].contains(&code),
                        "{code}"
                    );
                }
            }
            // The last of two counts, whichever that is: one answer, and no harm.
            joined.say("{\"id\":1,\"id\":2,\"type\":\"hello\",\"type\":\"session.snapshot\"}");
            let answer = joined.answer();
            assert!(answer["id"] == 1 || answer["id"] == 2, "{answer}");
            assert!(joined.ask("session.snapshot", json!({})).is_ok());
        });
    });
    unknown
        .ask("session.leave", json!({}))
        .expect_err("not greeted");
}

#[test]
fn requests_out_of_order_are_told_what_comes_first() {
    let house = House::open(&UNHURRIED);
    let member = &house.members("delegate")[0];
    let mut line = Line::open(&house);
    let all = of_the_room();
    for (kind, fields) in &all {
        assert_eq!(
            code(&line.ask(kind, fields.clone())),
            "not_ready",
            "{kind} before hello"
        );
    }
    let token = json!({"token": house.seat(member).token});
    line.ask("hello", token.clone()).expect("a seat");
    assert_eq!(code(&line.ask("hello", token)), "not_now");
    for (kind, fields) in all.iter().filter(|(kind, _)| kind != "session.join") {
        assert_eq!(
            code(&line.ask(kind, fields.clone())),
            "not_ready",
            "{kind} before the join"
        );
    }
    assert_eq!(code(&line.ask("ping", json!({}))), "ok");
    let unknown = line.ask("session.join", json!({"session": "nowhere"}));
    assert_eq!(code(&unknown), "unknown_session");
    let closed = line.ask("session.join", json!({"session": "session-2"}));
    assert_eq!(code(&closed), "not_open");
    line.ask("session.join", json!({"session": SESSION}))
        .expect("open");
    let twice = line.ask("session.join", json!({"session": SESSION}));
    assert_eq!(code(&twice), "not_now");
    let early = line.ask("media.candidate", json!({"candidate": "candidate:1"}));
    assert_eq!(code(&early), "not_now");
    // Coming back by a revision that nobody was told: the state, whatever the number.
    for rev in [0_u64, 1, 1 << 53, u64::MAX] {
        line.ask("session.leave", json!({})).expect("in the room");
        let back = line.ask("session.join", json!({"session": SESSION, "rev": rev}));
        assert_eq!(code(&back), "ok", "rev {rev}");
    }
    for rev in [json!(-1), json!("1"), json!(1.5), json!([1])] {
        let back = line.ask("session.join", json!({"session": SESSION, "rev": rev}));
        assert_eq!(code(&back), "bad_request", "rev {rev}");
    }
    house.is_unharmed("requests out of order");
}

/// A request of each type that is for a room.
fn of_the_room() -> Vec<(String, Value)> {
    let with = |kind: &str, fields| (kind.to_owned(), fields);
    let mut all = vec![
        with("session.join", json!({"session": SESSION})),
        with("media.offer", json!({"sdp": "v=0", "sending": []})),
        with("media.candidate", json!({"candidate": null})),
    ];
    for kind in [
        "session.snapshot",
        "session.leave",
        "floor.request",
        "floor.withdraw",
        "floor.yield",
        "floor.unmute",
    ] {
        all.push(with(kind, json!({})));
    }
    all.extend(of_a_chair("laos-1"));
    all
}

/// Every chair's command, about this member.
fn of_a_chair(member: &str) -> Vec<(String, Value)> {
    let with = |kind: &str, fields| (kind.to_owned(), fields);
    let mut all = Vec::new();
    for kind in ["prepare", "open", "pause", "resume", "close", "reopen"] {
        all.push(with(&format!("session.{kind}"), json!({})));
    }
    for kind in [
        "floor.pause_clock",
        "floor.resume_clock",
        "floor.stop",
        "floor.remove",
        "member.mute",
        "member.ask_unmute",
        "member.remove",
    ] {
        all.push(with(kind, json!({"member": member})));
    }
    all.push(with("floor.next", json!({"after_turn": 0})));
    all.push(with(
        "floor.grant",
        json!({"member": member, "after_turn": 0}),
    ));
    all.push(with(
        "floor.configure",
        json!({"mode": "open", "microphones": 25}),
    ));
    all
}

#[test]
fn nobody_but_a_chair_gives_a_chair_s_orders() {
    let house = House::open(&UNHURRIED);
    let pair = Pair::seat(&house);
    let target = house.members("delegate").pop().expect("the pair's speaker");
    let page = include_str!("../../src/signalling/protocol.md");
    let section = page
        .split("### A chair's requests")
        .nth(1)
        .expect("it is there");
    let section = section.split("\n## ").next().expect("its text");
    let listed = section.matches("\"type\":\"").count();
    let orders = of_a_chair(&target);
    assert_eq!(
        orders.len(),
        listed,
        "every chair's request of the page is tried"
    );
    pair.undisturbed("usurpers", || {
        for role in [
            "delegate",
            "podium",
            "observer",
            "interpreter",
            "technician",
        ] {
            let Some(member) = house.members(role).into_iter().next() else {
                continue;
            };
            let mut line = Line::join(&house, &member);
            for (kind, fields) in &orders {
                let answer = line.ask(kind, fields.clone());
                assert_eq!(code(&answer), "not_allowed", "{kind} of a {role}");
            }
        }
    });
    house.is_unharmed("usurpers");
}

#[test]
fn names_and_numbers_out_of_bounds_are_named() {
    let house = House::open(&UNHURRIED);
    let delegates = house.members("delegate");
    let mut line = Line::greet(&house, &delegates[0]);
    for name in ["x".repeat(81), "ф".repeat(81), "x".repeat(60_000)] {
        let joined = line.ask("session.join", json!({"session": SESSION, "name": name}));
        assert_eq!(
            code(&joined),
            "limit",
            "{} characters",
            name.chars().count()
        );
    }
    let name = "ф".repeat(80);
    line.ask("session.join", json!({"session": SESSION, "name": name}))
        .expect("as long as may be");
    let mut chair = Line::join(&house, &house.members("chair")[0]);
    for microphones in [0, 26, 255] {
        let fields = json!({"mode": "open", "microphones": microphones});
        assert_eq!(
            code(&chair.ask("floor.configure", fields)),
            "limit",
            "{microphones}"
        );
    }
    let unknown = chair.ask("member.mute", json!({"member": "nobody-7"}));
    assert_eq!(code(&unknown), "unknown_member");
    house.is_unharmed("names and numbers");
}
