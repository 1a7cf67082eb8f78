//! What a member's check has found reaches the organiser, days before anything is open.

use serde_json::{Value, json};

use crate::{
    desk::{Desk, problem},
    signalling::Signalling,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_latest_check_of_each_member_is_listed() {
    let desk = Desk::open();
    assert_eq!(desk.read("/checks"), json!({"checks": [], "next": null}));
    let report = |verdict: &str, rtt_ms: Value| {
        json!({"verdict": verdict, "rtt_ms": rtt_ms, "loss_pct": 2, "microphone": true,
            "camera": false, "speaker": null, "browser": "Firefox 153, Windows"})
    };
    for (member, rtt) in [
        ("malaysia-1", json!(31)),
        ("indonesia-1", json!(null)),
        ("malaysia-1", json!(24)),
    ] {
        let page = Signalling::connect(member, desk.served.address()).await;
        let token = link_of_today(&desk, member);
        page.ask("hello", json!({"token": token, "check": true}))
            .await;
        let kept = page.ask("check.report", report("tcp", rtt)).await;
        assert_eq!(kept, json!({}));
    }
    let checks = desk.read("/checks");
    let members: Vec<&Value> = checks["checks"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|check| &check["member"])
        .collect();
    assert_eq!(members, ["indonesia-1", "malaysia-1"]);
    let mut last = checks["checks"][1].clone();
    let at = last.as_object_mut().expect("an object").remove("at");
    assert!(at.is_some_and(|at| at.is_string()));
    let mut expected = report("tcp", json!(24));
    expected["member"] = json!("malaysia-1");
    assert_eq!(last, expected);
    let part = desk.read("/checks?limit=1");
    assert_eq!(part["next"], "indonesia-1");

    let invites = desk.token(&["invites"]);
    let path = "/events/nartt-2020/checks";
    let refused = desk.ask_as(&invites, "GET", path, &[], "");
    problem(&refused, 403, "forbidden");
}

/// The event is some years old: its links are over unless they are made to hold longer.
fn link_of_today(desk: &Desk, member: &str) -> String {
    let invite = ["invite", "--format", "json", "--valid-days", "1"];
    let asked = [&invite[..], &["--member", member]].concat();
    let said = desk.place.run_on_data(&asked);
    let links: Value = serde_json::from_str(&said.out).expect("links");
    links[0]["token"].as_str().expect("a token").to_owned()
}
