//! `roundtable invite`.

use roundtable::{auth::Grant, ids::EventId, meeting::roster::Role, store::Store, time::Timestamp};
use serde_json::Value;

use crate::{
    program::{Place, Served, text_of},
    serve::{links, token},
    web::Socket,
};

const MODEL: &str = include_str!("../../config/nartt-2020.toml");

fn imported() -> Place {
    let place = Place::new();
    let file = place.file("event.toml", MODEL);
    assert_eq!(place.run_on_data(&["event", "import", &file]).code, Some(0));
    place
}

fn json(place: &Place, arguments: &[&str]) -> Vec<Value> {
    let said = place.run_on_data(&[&["invite", "--format", "json"], arguments].concat());
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    serde_json::from_str(&said.out).expect("a JSON array")
}

#[test]
fn links_are_printed_for_people_programs_and_mail_merges() {
    let place = imported();
    let all = json(&place, &[]);
    assert!(all.len() >= 62, "{} seats", all.len());
    assert!(all.iter().all(|link| {
        let url = link["url"].as_str().expect("a link");
        url.starts_with("http://127.0.0.1:7880/join#")
    }));

    let said = place.run_on_data(&["invite", "--format", "csv"]);
    assert_eq!(
        said.out.lines().count(),
        all.len().saturating_add(1),
        "{said:?}"
    );
    assert!(said.out.starts_with("\"member\",\"name\""), "{said:?}");

    let said = place.run_on_data(&[
        "invite",
        "--member",
        "indonesia-1",
        "--member",
        "csis-1",
        "--public-url",
        "https://conf.example",
    ]);
    let links: Vec<&str> = said
        .out
        .lines()
        .filter(|line| line.contains("/join#"))
        .collect();
    assert_eq!(links.len(), 2, "{said:?}");
    assert!(
        links
            .iter()
            .all(|link| link.starts_with("https://conf.example/join#")),
        "{said:?}"
    );
}

#[test]
fn who_and_what_is_not_there_is_said() {
    let place = imported();
    let said = place.run_on_data(&["invite", "--member", "atlantis-1"]);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{said:?}");
    assert!(said.one_line().contains("atlantis-1"), "{said:?}");
    let said = place.run_on_data(&["invite", "--event", "other"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let said = place.run_on_data(&["invite", "--revoke-member", "atlantis-1"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let said = Place::new().run_on_data(&["invite"]);
    assert_eq!(said.code, Some(2), "{said:?}");
}

/// The event of 2020 is over, but its rehearsal needs links.
#[tokio::test]
async fn links_can_be_valid_longer() {
    let place = imported();
    let served = place.serve(&[]);
    let usual = json(&place, &["--member", "csis-1"]);
    let longer = json(&place, &["--member", "csis-1", "--valid-days", "3"]);
    // The running server's own address, not the default one.
    assert_eq!(
        longer[0]["url"],
        format!("{}/join#{}", served.url, token(&longer[0]))
    );
    let (_, said) = Socket::hello(&served, token(&usual[0])).await;
    assert_eq!(said, Err("link_expired".to_owned()));
    let (_, said) = Socket::hello(&served, token(&longer[0])).await;
    assert_eq!(said.expect("welcome")["member"]["id"], "csis-1");
}

#[tokio::test]
async fn a_link_is_withdrawn_from_a_running_server() {
    let place = Place::new();
    let file = place.path("links.json");
    let served = place.serve(&["--demo", "--links-out", &text_of(&file)]);
    let links = links(&file);
    let [one, two, three] = ["indonesia-1", "indonesia-2", "csis-1"].map(|member| &links[member]);
    let (withdrawn, said) = Socket::hello(&served, token(one)).await;
    assert!(said.is_ok(), "{said:?}");
    let (shown_out, said) = Socket::hello(&served, token(two)).await;
    assert!(said.is_ok(), "{said:?}");
    let (other, said) = Socket::hello(&served, token(three)).await;
    assert!(said.is_ok(), "{said:?}");

    let jti = one["jti"].as_str().expect("an id");
    let said = place.run_on_data(&["invite", "--revoke", jti]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    assert_eq!(withdrawn.closed_with().await, 4004);
    let said = place.run_on_data(&["invite", "--revoke-member", "indonesia-2"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    assert_eq!(shown_out.closed_with().await, 4004);
    for link in [one, two] {
        let (_, said) = Socket::hello(&served, token(link)).await;
        assert_eq!(said.err().as_deref(), Some("link_revoked"));
    }
    // The next link of the same seat opens; nobody else was disturbed.
    let next = json(&place, &["--member", "indonesia-1"]);
    let (_, said) = Socket::hello(&served, token(&next[0])).await;
    assert!(said.is_ok(), "{said:?}");

    let ended = tokio::task::spawn_blocking(move || served.end(libc::SIGTERM));
    assert_eq!(other.closed_with().await, 1012);
    assert_eq!(ended.await.expect("no panic"), Ok(0));

    // It was stored: the next server knows.
    let served = place.serve(&["--demo"]);
    let (_, said) = Socket::hello(&served, token(one)).await;
    assert_eq!(said.err().as_deref(), Some("link_revoked"));
}

#[test]
fn a_link_is_withdrawn_without_a_server() {
    let place = imported();
    let before = json(&place, &["--member", "csis-1"]);
    let jti = before[0]["jti"].as_str().expect("an id");
    let said = place.run_on_data(&["invite", "--revoke", jti]);
    assert_eq!(
        (said.code, said.out.as_str()),
        (Some(0), format!("revoked {jti}\n").as_str())
    );
    // Ids of links made elsewhere may begin with a hyphen.
    let said = place.run_on_data(&["invite", "--revoke", "-gK2"]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), "revoked -gK2\n"));
    let after = json(&place, &["--member", "csis-1"]);
    assert_ne!(token(&after[0]), token(&before[0]));
}

#[tokio::test]
async fn a_limited_link_opens_on_so_many_devices_also_after_a_restart() {
    let place = imported();
    let limited = json(
        &place,
        &["--member", "csis-1", "--valid-days", "3", "--uses", "1"],
    );
    let hello = |device: u64| serde_json::json!({"type": "hello", "token": token(&limited[0]), "device": device});
    let said = async |served: &Served, device| {
        let mut socket = Socket::open(served, "roundtable.v1", None)
            .await
            .expect("a socket");
        socket.ask(hello(device)).await.map(|_| ())
    };
    let served = place.serve(&[]);
    assert_eq!(said(&served, 7).await, Ok(()));
    assert_eq!(said(&served, 7).await, Ok(()));
    assert_eq!(said(&served, 8).await, Err("link_used_up".to_owned()));
    drop(served);
    let served = place.serve(&[]);
    assert_eq!(said(&served, 8).await, Err("link_used_up".to_owned()));
    assert_eq!(said(&served, 7).await, Ok(()));
    for wrong in ["0", "1001", "many"] {
        let said = place.run_on_data(&["invite", "--uses", wrong]);
        assert_eq!(said.code, Some(2), "{said:?}");
    }
}

/// As many as an event may have, and each still opens something.
fn full(event: &EventId) -> Vec<Grant> {
    let grant = |number: u32| Grant {
        event: event.clone(),
        member: "indonesia-1".parse().expect("a slug"),
        role: Role::Delegate,
        jti: format!("jti-{number}"),
        not_before: Timestamp(0),
        expires: Timestamp(4_102_444_800_000),
        uses: None,
    };
    (0..20_000).map(grant).collect()
}

#[test]
fn an_event_of_too_many_invites_is_served_and_what_makes_room_is_said() {
    let place = Place::new();
    let file = place.file("event.toml", &MODEL.replace("2020-11-", "2099-11-"));
    assert_eq!(place.run_on_data(&["event", "import", &file]).code, Some(0));
    let event: EventId = "nartt-2020".parse().expect("a slug");
    let mut store = Store::open(&place.data()).expect("a store");
    let kept = store.keep_invites(&full(&event), Timestamp(0));
    kept.expect("there is room for as many");
    drop(store);

    let _served = place.serve(&[]);
    let one = ["invite", "--member", "csis-1"];
    let said = place.run_on_data(&one);
    assert_eq!(said.code, Some(1), "{said:?}");
    let way_out = "roundtable invite --revoke-member";
    assert!(said.one_line().contains(way_out), "{said:?}");
    let said = place.run_on_data(&["invite", "--revoke-member", "indonesia-1"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = place.run_on_data(&one);
    assert_eq!(said.code, Some(0), "{said:?}");
}
