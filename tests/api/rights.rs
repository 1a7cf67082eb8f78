//! Who may ask for what.

use serde_json::Value;

use crate::{
    desk::{Desk, EVENT, problem, token},
    http,
};

#[test]
fn a_token_opens_its_event_and_what_its_scopes_say_until_it_is_revoked() {
    let desk = Desk::open();
    let path = format!("/events/{EVENT}/members");
    let ask = |token: &str, path: &str| desk.ask_as(token, "GET", path, &[], "");

    let nobody = ask("", &path);
    problem(&nobody, 401, "no-token");
    let challenge = nobody.header("www-authenticate").expect("a challenge");
    assert!(challenge.starts_with("Bearer"), "{challenge}");
    problem(&ask("nonsense", &path), 401, "no-token");

    let reader = desk.token(&["read"]);
    assert_eq!(ask(&reader, &path).status, 200);
    let refused = ask(&reader, &format!("/events/{EVENT}/record"));
    assert_eq!(problem(&refused, 403, "forbidden")["scope"], "record");
    let challenge = refused.header("www-authenticate").expect("a challenge");
    assert!(challenge.contains("scope=\"record\""), "{challenge}");

    // Another event's, whether it is there or not.
    let other = token(&desk.place, "another", &["read", "write"]);
    problem(&ask(&other, &path), 403, "forbidden");
    problem(&ask(&reader, "/events/another/members"), 403, "forbidden");
    let listed: Value = serde_json::from_str(&ask(&other, "/events").body).expect("JSON");
    assert_eq!(listed["events"].as_array().map(Vec::len), Some(0));

    // Of links an organiser's alone.
    let organiser = desk.link("csis-2");
    let delegate = desk.link("indonesia-1");
    assert_eq!(
        ask(&organiser, &format!("/events/{EVENT}/record")).status,
        200
    );
    problem(&ask(&delegate, &path), 403, "forbidden");
    let arguments = ["--format", "json", "--member", "csis-2", "--uses", "3"];
    let limited = desk
        .place
        .run_on_data(&[&["invite"], &arguments[..]].concat());
    let limited: Value = serde_json::from_str(&limited.out).expect("links");
    let limited = limited[0]["token"].as_str().expect("a token");
    let refused = problem(&ask(limited, &path), 403, "forbidden");
    let detail = refused["detail"].as_str().expect("words");
    assert!(detail.contains("limited use"), "{detail}");

    let tokens = desk.place.run_on_data(&["token", "--list"]).out;
    let line = tokens.lines().find(|line| line.contains("  read  "));
    let jti = line.expect("listed").split("  ").next().expect("an id");
    let revoked = desk.place.run_on_data(&["token", "--revoke", jti]);
    assert_eq!(revoked.code, Some(0), "{revoked:?}");
    problem(&ask(&reader, &path), 401, "no-token");
    assert_eq!(ask(&organiser, &path).status, 200);
    assert!(
        desk.place
            .run_on_data(&["token", "--list"])
            .out
            .contains("revoked")
    );
    let unknown = desk.place.run_on_data(&["token", "--revoke", "unknown"]);
    assert_eq!(unknown.code, Some(1), "{unknown:?}");

    // The other way round no token opens a room.
    let bearer = format!("Bearer {}", desk.token);
    let headers = [
        ("Authorization", &*bearer),
        ("Content-Type", "application/sdp"),
    ];
    let whip = http::ask(desk.address(), "POST", "/whip/session-1", &headers, b"v=0");
    assert_eq!(whip.status, 401, "{whip:?}");
}

#[test]
fn what_is_asked_wrongly_is_answered_with_the_reason() {
    let desk = Desk::open();
    let events = format!("/events/{EVENT}");
    let ask = |method: &str, path: &str, headers: &[(&str, &str)], body: &str| {
        desk.ask_as(&desk.token, method, path, headers, body)
    };
    problem(&ask("GET", "/nowhere", &[], ""), 404, "unknown");
    problem(
        &ask("GET", &format!("{events}/sessions/No%20Slug"), &[], ""),
        404,
        "unknown",
    );
    problem(&ask("GET", "/events/%ff", &[], ""), 404, "unknown");
    let wrong = ask("DELETE", &events, &[], "");
    problem(&wrong, 405, "wrong-method");
    assert_eq!(wrong.header("allow"), Some("GET, PUT, HEAD"));
    let picture = [("Accept", "image/png, text/*;q=0")];
    problem(&ask("GET", &events, &picture, ""), 406, "not-acceptable");
    problem(
        &ask("GET", &format!("{events}/members?limit=0"), &[], ""),
        422,
        "invalid",
    );
    problem(
        &ask("GET", &format!("{events}/members?colour=1"), &[], ""),
        422,
        "invalid",
    );

    let invites = format!("{events}/invites");
    let json = [("Content-Type", "application/json")];
    problem(&ask("POST", &invites, &[], "{}"), 415, "wrong-type");
    problem(&ask("POST", &invites, &json, "{"), 400, "malformed");
    problem(&ask("POST", &invites, &json, "{}"), 422, "invalid");
    let long = format!("{{\"members\":\"{}\"}}", "x".repeat(65 * 1024));
    problem(&ask("POST", &invites, &json, &long), 413, "too-long");

    // As long as nobody asks for too much, and for a moment only.
    let mut statuses = Vec::new();
    for _ in 0..300 {
        statuses.push(ask("GET", "/events", &[], "").status);
        if statuses.last() == Some(&429) {
            break;
        }
    }
    assert_eq!(statuses.last(), Some(&429), "{}", statuses.len());
    assert!(statuses.len() > 60, "{}", statuses.len());
}
