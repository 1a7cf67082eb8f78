//! Links that are made, listed, and withdrawn while their members are in.

use std::{
    io::Write,
    net::TcpStream,
    time::{Duration, Instant},
};

use rusqlite::{Connection, TransactionBehavior};
use serde_json::{Value, json};

use crate::{
    desk::{Desk, EVENT, problem},
    signalling::Signalling,
};

fn path(rest: &str) -> String {
    format!("/events/{EVENT}{rest}")
}

fn minted(desk: &Desk, wanted: &Value) -> Vec<Value> {
    let answer = desk.ask("POST", &path("/invites"), &[], Some(wanted));
    assert_eq!(answer.status, 201, "{answer:?}");
    let minted: Value = serde_json::from_str(&answer.body).expect("JSON");
    minted["invites"].as_array().expect("invites").clone()
}

async fn enter(desk: &Desk, invite: &Value) -> Signalling {
    let link = invite["link"].as_str().expect("a link");
    let (_, token) = link.split_once("/join#").expect("a token");
    let member = invite["member"].as_str().expect("a member");
    let page = Signalling::connect(member, desk.served.address()).await;
    page.ask("hello", json!({"token": token})).await;
    page.ask("session.join", json!({"session": "session-1"}))
        .await;
    page
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_revoked_shows_its_member_out_within_a_second() {
    let desk = Desk::open();
    let two = minted(&desk, &json!({"members": ["malaysia-1", "indonesia-1"]}));
    let members: Vec<&str> = two.iter().filter_map(|it| it["member"].as_str()).collect();
    assert_eq!(members, ["indonesia-1", "malaysia-1"], "the roster's order");
    let pages = [enter(&desk, &two[0]).await, enter(&desk, &two[1]).await];

    let jti = two[0]["jti"].as_str().expect("an id");
    for (page, path) in pages.iter().zip([
        path(&format!("/invites/{jti}")),
        path("/members/malaysia-1/invites"),
    ]) {
        let before = Instant::now();
        let answer = desk.ask("DELETE", &path, &[], None);
        assert_eq!(answer.status, 204, "{answer:?}");
        let goodbye = page
            .heard("goodbye", |message| message["signal"] == "goodbye")
            .await;
        assert_eq!(goodbye["code"], "link_revoked");
        assert!(before.elapsed() < Duration::from_secs(1), "{before:?}");
    }

    let listed = desk.read("/invites");
    let revoked = |listed: &Value, jti: &Value| {
        let invites = listed["invites"].as_array().expect("a list");
        let its = invites.iter().find(|invite| invite["jti"] == *jti);
        its.expect("listed")["revoked"].clone()
    };
    assert_eq!(revoked(&listed, &two[0]["jti"]), true);
    assert_eq!(revoked(&listed, &two[1]["jti"]), true);
    assert!(!listed.to_string().contains("join#"), "never the link");

    // A new one opens again.
    let again = minted(&desk, &json!({"members": ["indonesia-1"]}));
    assert_ne!(again[0]["jti"], two[0]["jti"]);
    enter(&desk, &again[0]).await;
    // Also one that only its maker knows of, but none that there cannot be.
    let unheard_of = desk.ask("DELETE", &path("/invites/unheard-of"), &[], None);
    assert_eq!(unheard_of.status, 204, "{unheard_of:?}");
    let long = format!("/invites/{}", "x".repeat(65));
    let long = desk.ask("DELETE", &path(&long), &[], None);
    problem(&long, 422, "invalid");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_comes_into_force_though_its_caller_hangs_up() {
    let desk = Desk::open();
    let invite = minted(&desk, &json!({"members": ["indonesia-1"]}));
    let page = enter(&desk, &invite[0]).await;
    // The store is held until the caller is gone.
    let database = desk.place.data().join("roundtable.db");
    let mut holder = Connection::open(database).expect("a store");
    let held = holder
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .expect("held");
    let jti = invite[0]["jti"].as_str().expect("an id");
    let mut caller = TcpStream::connect(desk.address()).expect("it listens");
    write!(
        caller,
        "DELETE /api/v1{} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
        path(&format!("/invites/{jti}")),
        desk.address(),
        desk.token
    )
    .expect("sent");
    // Nothing tells from outside that it waits for the store, nor that the server has seen it go.
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop(caller);
    tokio::time::sleep(Duration::from_millis(300)).await;
    held.rollback().expect("given back");
    let goodbye = page
        .heard("goodbye", |message| message["signal"] == "goodbye")
        .await;
    assert_eq!(goodbye["code"], "link_revoked");
}

#[test]
fn an_organiser_s_link_is_made_for_who_may_do_everything_alone() {
    let desk = Desk::open();
    let maker = desk.token(&["invites"]);
    let mint = |token: &str, wanted: &Value| {
        let json = [("Content-Type", "application/json")];
        let wanted = wanted.to_string();
        desk.ask_as(token, "POST", &path("/invites"), &json, &wanted)
    };
    let named = mint(&maker, &json!({"members": ["indonesia-1", "csis-2"]}));
    problem(&named, 403, "forbidden");
    let all = json!({"members": "all"});
    for (token, has_organiser) in [(&maker, false), (&desk.token, true)] {
        let made = mint(token, &all);
        assert_eq!(made.status, 201, "{made:?}");
        assert!(made.body.contains("\"indonesia-1\""));
        assert_eq!(made.body.contains("\"csis-2\""), has_organiser);
    }
}

#[test]
fn links_are_those_of_the_roster_that_is_served() {
    let desk = Desk::open();
    let wanted = json!({"members": ["indonesia-1"]});
    let before = minted(&desk, &wanted);
    let seat = path("/members/indonesia-1");
    let tag = desk.get(&seat);
    let tag = tag.header("etag").expect("a tag");
    let changed = json!({"name": "Somebody", "role": "observer"});
    let changed = desk.put(&seat, tag, &changed);
    assert_eq!(changed.status, 200, "{changed:?}");

    // The member comes in as a delegate until the next start, and so does nobody as an observer.
    let listed = desk.read("/invites");
    let invites = listed["invites"].as_array().expect("a list");
    let its = invites.iter().find(|it| it["jti"] == before[0]["jti"]);
    assert_eq!(its.expect("listed")["revoked"], false);
    let refused = desk.ask("POST", &path("/invites"), &[], Some(&wanted));
    let refused = problem(&refused, 409, "conflict");
    let message = refused["findings"][0]["message"].as_str().expect("words");
    assert!(message.contains("observer"), "{message}");
    let all = minted(&desk, &json!({"members": "all"}));
    assert!(all.len() > 1 && all.iter().all(|it| it["member"] != "indonesia-1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_are_made_for_all_and_listed_with_their_uses() {
    let desk = Desk::open();
    let all = minted(&desk, &json!({"members": "all", "uses": 2}));
    let seats = desk.read("/members")["members"].clone();
    assert_eq!(all.len(), seats.as_array().expect("seats").len());
    let limited = all.iter().find(|it| it["member"] == "indonesia-1");
    enter(&desk, limited.expect("made")).await;

    let part = desk.read("/invites?limit=500");
    let invites = part["invites"].as_array().expect("a list");
    let its = invites
        .iter()
        .find(|it| it["jti"] == limited.expect("made")["jti"]);
    let its = its.expect("listed");
    assert_eq!((&its["uses"], &its["used"]), (&json!(2), &json!(1)));

    // Part after part, nothing twice and nothing left out.
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let part = desk.read(&format!("/invites?limit=50{after}"));
        for invite in part["invites"].as_array().expect("a list") {
            found.push(invite["jti"].as_str().expect("an id").to_owned());
        }
        match part["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    let listed: Vec<&str> = invites.iter().filter_map(|it| it["jti"].as_str()).collect();
    assert_eq!(found, listed);

    // As tables: what was made as the command line prints it, and the list.
    let csv = [("Accept", "text/csv")];
    let wanted = json!({"members": ["laos-1"]});
    let table = desk.ask("POST", &path("/invites"), &csv, Some(&wanted));
    let printed = desk
        .place
        .run_on_data(&["invite", "--format", "csv", "--member", "laos-1"]);
    assert_eq!((table.status, table.body), (201, printed.out));
    let table = desk.ask("GET", &path("/invites"), &csv, None);
    assert!(table.body.starts_with("\"jti\",\"member\",\"minted\""));

    for (wanted, pointer) in [
        (json!({"members": ["nobody-1"]}), "/members/0"),
        (json!({"members": "all", "uses": 0}), "/uses"),
        (
            json!({"members": "all", "expires": "2001-01-01T00:00:00Z"}),
            "/expires",
        ),
    ] {
        let refused = desk.ask("POST", &path("/invites"), &[], Some(&wanted));
        let refused = problem(&refused, 422, "invalid");
        assert_eq!(refused["findings"][0]["pointer"], pointer);
    }
    for nonsense in [json!("everyone"), json!(["No Slug"]), json!(7)] {
        let wanted = json!({"members": nonsense});
        let refused = desk.ask("POST", &path("/invites"), &[], Some(&wanted));
        let refused = problem(&refused, 422, "invalid");
        let message = refused["findings"][0]["message"].as_str().expect("words");
        assert!(message.contains("`members` must be \"all\""), "{message}");
    }
}
