//! Two organisers at one event: who was late is told.

use serde_json::{Value, json};

use crate::desk::{Desk, EVENT, MODEL, problem, token};

fn tag(answer: &crate::http::Answer) -> String {
    answer.header("etag").expect("a tag").to_owned()
}

#[test]
fn of_two_who_change_a_seat_at_once_one_is_told() {
    let desk = Desk::open();
    let path = format!("/events/{EVENT}/members/indonesia-1");
    let one = desk.get(&path);
    let other = desk.get(&path);
    assert_eq!(tag(&one), tag(&other));

    let seat = |name: &str, role: &str| json!({"name": name, "role": role});
    let first = desk.put(&path, &tag(&one), &seat("Dr. Sari Wijaya", "delegate"));
    assert_eq!(first.status, 200, "{first:?}");
    let stored: Value = serde_json::from_str(&first.body).expect("JSON");
    assert_eq!(stored["served_from"], "next_start");
    let second = desk.put(&path, &tag(&other), &seat("Somebody else", "delegate"));
    problem(&second, 412, "stale");
    let blind = desk.ask("PUT", &path, &[], Some(&seat("Nobody", "delegate")));
    problem(&blind, 428, "no-condition");
    assert_eq!(desk.read("/members/indonesia-1")["name"], "Dr. Sari Wijaya");

    // The tag is the event's: whoever reads again may change, also elsewhere.
    let again = desk.get(&format!("/events/{EVENT}"));
    assert_eq!(tag(&again), tag(&first));
    let chair = format!("/events/{EVENT}/members/csis-2");
    let wrong = desk.put(&chair, &tag(&again), &seat("\n", "chair"));
    let wrong = problem(&wrong, 422, "invalid");
    assert_eq!(wrong["findings"][0]["pointer"], "/name");
    let none = desk.put(
        &format!("/events/{EVENT}/members/nobody-1"),
        &tag(&again),
        &seat("Nobody", "chair"),
    );
    problem(&none, 404, "unknown");

    // Who has it already is not sent it again.
    let known = desk.ask("GET", &path, &[("If-None-Match", &tag(&first))], None);
    assert_eq!((known.status, known.body.as_str()), (304, ""));
}

#[test]
fn every_condition_that_a_change_names_must_hold() {
    let desk = Desk::open();
    let path = format!("/events/{EVENT}/members/indonesia-1");
    let read = desk.get(&path);
    let first = tag(&read);
    let seat: Value = serde_json::from_str(&read.body).expect("JSON");
    let put = |matches: &str, none_matches: &str, name: &Value| {
        let headers = [("If-Match", matches), ("If-None-Match", none_matches)];
        let change = json!({"name": name, "role": seat["role"]});
        desk.ask("PUT", &path, &headers, Some(&change))
    };
    let other = json!("Somebody else");
    for none_matches in ["*", first.as_str()] {
        problem(&put(&first, none_matches, &other), 412, "stale");
    }
    assert_eq!(tag(&desk.get(&path)), first, "nothing was changed");
    let changed = put(&first, "\"another\"", &other);
    assert_eq!(changed.status, 200, "{changed:?}");
    // Only who reads is told that it is what it was.
    let back = put(&tag(&changed), &first, &seat["name"]);
    assert_eq!(back.status, 200, "{back:?}");
    assert_eq!(tag(&back), first);
}

#[test]
fn an_event_is_read_changed_and_written_back_in_both_forms() {
    let desk = Desk::open();
    let path = format!("/events/{EVENT}");
    let read = desk.get(&path);
    let mut event: Value = serde_json::from_str(&read.body).expect("JSON");
    // As it came: the order of the delegations is part of it.
    let tagged = tag(&read);
    let headers = [
        ("If-Match", tagged.as_str()),
        ("Content-Type", "application/json"),
    ];
    let unchanged = desk.ask_as(&desk.token, "PUT", &path, &headers, &read.body);
    assert_eq!(unchanged.status, 200, "{unchanged:?}");
    assert_eq!(tag(&unchanged), tag(&read), "it is what it was");
    let stored: Value = serde_json::from_str(&unchanged.body).expect("JSON");
    assert_eq!(stored["served_from"], "now");

    event["days"][0]["sessions"][0]["minutes"] = json!(15);
    event["time_zone"] = json!("Asia/Jakata");
    let refused = problem(&desk.put(&path, &tag(&read), &event), 422, "invalid");
    let mut found: Vec<(&str, &str)> = refused["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter_map(|it| Some((it["pointer"].as_str()?, it["message"].as_str()?)))
        .collect();
    // In the order of the text, which is that of `Value` here.
    found.sort_unstable();
    assert_eq!(
        found,
        [
            (
                "/days/0/sessions/0/minutes",
                "the items take 120 minutes, the session has 15"
            ),
            (
                "/time_zone",
                "`Asia/Jakata` is no time zone; did you mean `Asia/Jakarta`? (such as Asia/Jakarta)"
            ),
        ]
    );

    // As a file: what is read is what is written, and what is wrong has its line.
    let toml = [("Accept", "application/toml")];
    let file = desk.ask("GET", &path, &toml, None);
    assert_ne!(tag(&file), tag(&read), "another form is another tag");
    let text = file.body.replace("Second Meeting", "Third Meeting");
    assert_ne!(text, file.body);
    let headers = [
        ("Content-Type", "application/toml"),
        ("If-Match", &*tag(&file)),
    ];
    let put = |text: &str| desk.ask_as(&desk.token, "PUT", &path, &headers, text);
    let wrong = problem(&put(&format!("colour = 1\n{text}")), 422, "invalid");
    assert_eq!(wrong["findings"][0]["line"], 1);
    assert_eq!(put(&text).status, 200);
    problem(&put(&text), 412, "stale");
    assert!(desk.get(&path).body.contains("Third Meeting"));
}

#[test]
fn an_event_is_as_large_as_the_settings_allow() {
    let desk = Desk::open_with(&[
        ("ROUNDTABLE__PROGRAMME__DAYS_MAX", "1"),
        ("ROUNDTABLE__PROGRAMME__NAME_CHARS_MAX", "60"),
    ]);
    let path = format!("/events/{EVENT}");
    let refused = |kind: &str| {
        let read = desk.ask("GET", &path, &[("Accept", kind)], None);
        let tagged = tag(&read);
        let headers = [("If-Match", tagged.as_str()), ("Content-Type", kind)];
        let answer = desk.ask_as(&desk.token, "PUT", &path, &headers, &read.body);
        problem(&answer, 422, "invalid")["findings"].clone()
    };
    let expected = "an event has at most 1 days";
    let json = refused("application/json");
    assert_eq!(json[0]["pointer"], "/days/1", "{json}");
    assert_eq!(json[0]["message"], expected);
    let toml = refused("application/toml");
    assert_eq!(toml[0]["message"], expected, "{toml}");

    let path = format!("{path}/members/indonesia-1");
    let named = |chars: usize| {
        let seat = json!({"name": "n".repeat(chars), "role": "delegate"});
        desk.put(&path, &tag(&desk.get(&path)), &seat)
    };
    assert_eq!(named(60).status, 200);
    let wrong = problem(&named(61), 422, "invalid");
    assert_eq!(wrong["findings"][0]["pointer"], "/name");
}

#[test]
fn a_new_event_is_brought_by_a_token_of_its_own() {
    let desk = Desk::open();
    let token = token(&desk.place, "rehearsal", &["read", "write"]);
    let text = std::fs::read_to_string(MODEL).expect("the model event");
    let text = text.replace("event = \"nartt-2020\"", "event = \"rehearsal\"");
    let put = |path: &str, condition: (&str, &str)| {
        let headers = [("Content-Type", "application/toml"), condition];
        desk.ask_as(&token, "PUT", path, &headers, &text)
    };
    let path = "/events/rehearsal";
    let get = |path: &str| desk.ask_as(&token, "GET", path, &[], "");
    problem(&get(path), 404, "unknown");
    problem(&put(path, ("If-Match", "\"abc\"")), 412, "stale");
    let made = put(path, ("If-None-Match", "*"));
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.header("location"), Some("/api/v1/events/rehearsal"));
    problem(&put(path, ("If-None-Match", "*")), 412, "stale");
    problem(
        &put("/events/nartt-2020", ("If-Match", "*")),
        403,
        "forbidden",
    );

    let listed: Value = serde_json::from_str(&get("/events").body).expect("JSON");
    assert_eq!(listed["events"][0]["id"], "rehearsal");
    assert_eq!(listed["events"][0]["served"], false);
    let sessions: Value =
        serde_json::from_str(&get("/events/rehearsal/sessions").body).expect("JSON");
    assert_eq!(sessions["sessions"][0]["state"], Value::Null);
    problem(&get("/events/rehearsal/live"), 409, "conflict");
}
