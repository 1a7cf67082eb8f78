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
        ",\"type\":\"session.configure\",\"mode\":\"anarchy\",\"microphones\":1",
        ",\"type\":\"session.configure\",\"mode\":\"open\",\"microphones\":300",
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
    // A path may be tried, and what was found be told, without a room.
    let of_a_room = |kind: &str| kind != "session.join" && !kind.starts_with("check.");
    for (kind, fields) in all.iter().filter(|(kind, _)| of_a_room(kind)) {
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

/// Every example of a request on the protocol's page from this heading on, up to the next chapter.
fn examples(heading: &str) -> Vec<Value> {
    let page = include_str!("../../src/signalling/protocol.md");
    let section = page.split(heading).nth(1).expect("it is there");
    let section = section.split("\n## ").next().expect("its text");
    let examples = section.split("```json request\n").skip(1);
    let examples = examples.filter_map(|rest| rest.split("\n```").next());
    examples
        .map(|text| serde_json::from_str(text).expect("JSON"))
        .collect()
}

/// Their types with their fields.
fn requests(examples: Vec<Value>) -> Vec<(String, Value)> {
    let parts = |example: Value| {
        let mut fields = example.as_object().expect("an object").clone();
        fields.remove("id");
        let kind = fields.remove("type").expect("a type");
        (kind.as_str().expect("a text").to_owned(), fields.into())
    };
    examples.into_iter().map(parts).collect()
}

/// A request of each type that is for a room.
fn of_the_room() -> Vec<(String, Value)> {
    let all = requests(examples("## Requests and answers"));
    let all = all
        .into_iter()
        .filter(|(kind, _)| kind != "hello" && kind != "ping");
    all.map(|(kind, fields)| match kind.as_str() {
        "session.join" => (kind, json!({"session": SESSION})),
        "session.move_on" => (kind, json!({"session": SESSION})),
        _ => (kind, fields),
    })
    .collect()
}

/// Every chair's command.
fn of_a_chair() -> Vec<(String, Value)> {
    requests(examples("### A chair's requests: the session"))
}

/// Fields that may be left out.
const OPTIONAL: [&str; 12] = [
    "name",
    "rev",
    "device",
    "kind",
    "point",
    "force",
    "clear",
    "ban",
    "place",
    "from_ms",
    "from_place",
    "after_item",
];

/// Fields that may be null.
const NULLABLE: [(&str, &str); 7] = [
    ("session.spotlight", "member"),
    ("media.candidate", "candidate"),
    ("check.report", "rtt_ms"),
    ("check.report", "loss_pct"),
    ("check.report", "microphone"),
    ("check.report", "camera"),
    ("check.report", "speaker"),
];

/// What a field's value must not be, by what it is in the example.
fn wrong_types(value: &Value) -> Vec<Value> {
    let mut wrong = vec![json!({}), json!({"a": 1})];
    match value {
        Value::String(_) | Value::Null => wrong.extend([json!(7), json!([]), json!(true)]),
        Value::Number(_) => wrong.extend([json!("7"), json!(-1), json!(1.5), json!(1e300)]),
        Value::Bool(_) => wrong.extend([json!(1), json!("true")]),
        Value::Array(_) => wrong.extend([json!("x"), json!([7]), json!([[]])]),
        Value::Object(_) => {}
    }
    wrong
}

/// What is of the right type and too long or too large.
fn too_much(value: &Value) -> Option<Value> {
    match value {
        Value::String(_) | Value::Null => Some(json!("x".repeat(60_000))),
        Value::Number(_) => Some(json!(u64::MAX)),
        Value::Array(items) => Some(json!(vec![items.first()?; 600])),
        Value::Bool(_) | Value::Object(_) => None,
    }
}

#[test]
fn every_request_that_is_not_as_the_page_says_is_refused_and_changes_nothing() {
    let house = House::open(&UNHURRIED);
    let pair = Pair::seat(&house);
    let mut line = Line::join(&house, &house.members("chair")[0]);
    let state = |line: &mut Line| {
        let answer = line.ask("session.snapshot", json!({}));
        let mut state = answer.expect("the state")["snapshot"].clone();
        for part in ["at", "turns"] {
            state.as_object_mut().expect("an object").remove(part);
        }
        state
    };
    let before = state(&mut line);
    let mut tried = 0;
    pair.undisturbed("requests with wrong fields", || {
        let all = requests(examples("## Requests and answers"));
        for (kind, fields) in all.iter().filter(|(kind, _)| kind != "hello") {
            let example = fields.as_object().expect("an object");
            let mut refused = |change: &dyn Fn(&mut serde_json::Map<String, Value>),
                               codes: &[&str]| {
                let mut fields = example.clone();
                change(&mut fields);
                let shown: String = format!("{kind} {fields:?}").chars().take(200).collect();
                let answer = line.ask(kind, Value::Object(fields));
                assert!(codes.contains(&code(&answer)), "{}: {shown}", code(&answer));
                tried += 1;
            };
            refused(
                &|it| drop(it.insert("more".to_owned(), json!(1))),
                &["bad_request"],
            );
            for (field, value) in example {
                let all_optional = kind == "session.configure";
                if !OPTIONAL.contains(&field.as_str())
                    && !all_optional
                    && !NULLABLE.contains(&(kind.as_str(), field.as_str()))
                {
                    refused(&|it| drop(it.remove(field)), &["bad_request"]);
                    refused(
                        &|it| drop(it.insert(field.clone(), Value::Null)),
                        &["bad_request"],
                    );
                }
                for wrong in wrong_types(value) {
                    let wrong = || wrong.clone();
                    refused(
                        &|it| drop(it.insert(field.clone(), wrong())),
                        &["bad_request"],
                    );
                }
                if let Some(much) = too_much(value) {
                    // An offer that is too long is named as such, a turn that never was is not the last.
                    let codes = [
                        "bad_request",
                        "limit",
                        "not_now",
                        "conflict",
                        "bad_offer",
                        "unknown_member",
                    ];
                    refused(&|it| drop(it.insert(field.clone(), much.clone())), &codes);
                }
            }
        }
    });
    assert!(tried > 500, "{tried}");
    assert_eq!(state(&mut line), before);
    house.is_unharmed("requests with wrong fields");
}

#[test]
fn nobody_but_a_chair_gives_a_chair_s_orders() {
    let house = House::open(&UNHURRIED);
    let pair = Pair::seat(&house);
    let mut orders = of_a_chair();
    orders.push((
        "recommendation.set_status".to_owned(),
        json!({"number": 1, "status": "agreed"}),
    ));
    orders.push(("recommendation.sign".to_owned(), json!({"number": 1})));
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
            code(&chair.ask("session.configure", fields)),
            "limit",
            "{microphones}"
        );
    }
    let unknown = chair.ask("member.mute", json!({"member": "nobody-7"}));
    assert_eq!(code(&unknown), "unknown_member");
    house.is_unharmed("names and numbers");
}
