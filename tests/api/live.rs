//! What is on now, with members in the room and media on their paths.

use serde_json::{Value, json};

use crate::{
    desk::{Desk, EVENT},
    signalling::Signalling,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_there_and_how_their_paths_do_is_told() {
    let desk = Desk::open();
    let token = desk.link("indonesia-1");
    let page = Signalling::connect("indonesia-1", desk.served.address()).await;
    page.ask("hello", json!({"token": token})).await;
    let snapshot = page
        .ask("session.join", json!({"session": "session-1"}))
        .await;
    assert!(snapshot["snapshot"].is_object());
    page.ask("floor.request", json!({})).await;

    let live = desk.read("/live");
    let session = &live["sessions"][0];
    assert_eq!(session["id"], "session-1");
    assert_eq!(session["state"], "live");
    assert_eq!(session["late_s"], 0, "it has been opened years too early");
    assert_eq!(session["item"], "opening-remarks");
    let member = &session["present"][0];
    assert_eq!(member["member"], "indonesia-1");
    assert!(member["since"].is_string());
    assert_eq!(member["path"], Value::Null, "it has no media yet");
    assert_eq!(session["floor"]["queue"], json!(["indonesia-1"]));

    let planned = desk.read("/sessions/session-1");
    assert_eq!(planned["present"], 1);
    assert_eq!(planned["rev"], session["rev"]);
    assert_eq!(planned["starts"], "2099-11-19T07:00:00Z");
    let state = desk.read("/sessions/session-1/state");
    assert_eq!(state["members"][0]["id"], "indonesia-1");
    assert!(state["lobby"].is_array(), "as chairs see it");

    // What is for the chairs alone takes what the record takes.
    for (to, text) in [("everybody", "to all"), ("chairs", "between us")] {
        page.ask("chat.send", json!({"to": to, "text": text})).await;
    }
    let state_path = format!("/events/{EVENT}/sessions/session-1/state");
    for (scopes, told) in [(&["read"][..], false), (&["read", "record"], true)] {
        let token = desk.token(scopes);
        let state = desk.ask_as(&token, "GET", &state_path, &[], "").body;
        assert!(state.contains("to all"), "{state}");
        assert_eq!(state.contains("between us"), told, "{scopes:?}");
    }

    // Nothing has changed: nothing is sent again.
    let path = format!("/events/{EVENT}/live");
    let tag = desk.get(&path).header("etag").expect("a tag").to_owned();
    let same = desk.ask("GET", &path, &[("If-None-Match", &tag)], None);
    assert_eq!(same.status, 304, "{same:?}");
}
