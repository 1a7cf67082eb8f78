//! How a server ends, and when it says that it takes nobody.

use std::time::Duration;

use rusqlite::Connection;

use crate::{
    program::{Place, Served, now, text_of},
    serve::{links, token},
    web::{PATIENCE, Socket, get, post},
};

/// A server with a live session that gives its members so long, and the tokens of two delegates.
fn started(place: &Place, drain_ms: &str) -> (Served, [String; 2]) {
    let file = place.path("links.json");
    let config = place.file("r.toml", &format!("[server]\ndrain_ms = {drain_ms}\n"));
    let served = place.serve(&[
        "--demo",
        "--config",
        &config,
        "--open",
        "session-1",
        "--links-out",
        &text_of(&file),
    ]);
    let links = links(&file);
    let tokens = ["indonesia-1", "csis-1"].map(|member| token(&links[member]).to_owned());
    (served, tokens)
}

async fn in_the_room(served: &Served, token: &str) -> Socket {
    let (mut socket, said) = Socket::hello(served, token).await;
    assert!(said.is_ok(), "{said:?}");
    assert_eq!(socket.join("session-1").await, Ok(()));
    socket
}

/// Waits for the end beside the tasks of the test.
async fn ended(served: Served) -> Result<i32, Option<i32>> {
    let ended = tokio::task::spawn_blocking(move || served.ended());
    ended.await.expect("no panic")
}

#[tokio::test]
async fn a_server_waits_for_its_members_and_takes_nobody_new() {
    let place = Place::new();
    // Longer than the test may last: it ends because the last member leaves.
    let (served, [first, second]) = started(&place, "600000");
    assert_eq!(get(&served, "/readyz", "").status, 200);
    let mut member = in_the_room(&served, &first).await;
    served.signal(libc::SIGTERM);
    let told = member.signal("server.draining").await;
    let within = told["within_ms"].as_u64().expect("a length");
    assert!((500_000..=600_000).contains(&within), "{told}");

    let unready = get(&served, "/readyz", "");
    assert_eq!(unready.status, 503);
    assert!(unready.body.starts_with("draining"), "{unready:?}");
    assert_eq!(get(&served, "/healthz", "").status, 200, "it lives");
    let (mut late, said) = Socket::hello(&served, &second).await;
    assert!(said.is_ok(), "{said:?}");
    assert_eq!(late.join("session-1").await, Err("draining".to_owned()));
    for path in ["/whip/session-1", "/whep/session-1"] {
        let refused = post(&served, path);
        assert_eq!(refused.status, 503, "{refused:?}");
        assert!(refused.header("retry-after").is_some(), "{refused:?}");
    }

    let leave = serde_json::json!({ "type": "session.leave" });
    assert!(member.ask(leave).await.is_ok());
    assert_eq!(member.closed_with().await, 1012);
    assert_eq!(late.closed_with().await, 1012);
    assert_eq!(ended(served).await, Ok(0));
}

#[tokio::test]
async fn members_who_stay_are_shown_out_when_the_time_is_over() {
    let place = Place::new();
    let (served, [first, _]) = started(&place, "300");
    let mut member = in_the_room(&served, &first).await;
    let asked = now();
    served.signal(libc::SIGINT);
    member.signal("server.draining").await;
    assert_eq!(member.closed_with().await, 1012);
    assert!(asked.elapsed() >= Duration::from_millis(300));
    assert_eq!(ended(served).await, Ok(0));
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once_and_so_does_a_setting() {
    let place = Place::new();
    let (served, [first, _]) = started(&place, "600000");
    let mut member = in_the_room(&served, &first).await;
    served.signal(libc::SIGTERM);
    member.signal("server.draining").await;
    served.signal(libc::SIGTERM);
    assert_eq!(member.closed_with().await, 1012);
    assert_eq!(ended(served).await, Ok(0));

    let (served, [first, _]) = started(&place, "0");
    let member = in_the_room(&served, &first).await;
    served.signal(libc::SIGTERM);
    assert_eq!(member.closed_with().await, 1012);
    assert_eq!(ended(served).await, Ok(0));
}

#[tokio::test]
async fn a_server_whose_journal_cannot_be_written_is_not_ready() {
    let place = Place::new();
    let (served, [first, _]) = started(&place, "0");
    // Another program holds the store, as a full disk would.
    let database = place.data().join("roundtable.db");
    let mut holder = Connection::open(database).expect("a store");
    let held = holder
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .expect("nobody writes now");
    let (mut member, said) = Socket::hello(&served, &first).await;
    assert!(said.is_ok(), "{said:?}");
    let joining = tokio::spawn(async move { member.join("session-1").await });
    let unready = until_status(&served, 503).await;
    assert_eq!(unready, "the journal cannot be written\n");
    assert_eq!(get(&served, "/healthz", "").status, 200, "it lives");

    held.rollback().expect("given back");
    assert_eq!(joining.await.expect("no panic"), Ok(()));
    assert_eq!(until_status(&served, 200).await, "ready\n");
}

/// Asks until `/readyz` answers so, and gives what it says.
async fn until_status(served: &Served, status: u16) -> String {
    let asked = now();
    loop {
        let answer = get(served, "/readyz", "");
        if answer.status == status {
            return answer.body;
        }
        assert!(asked.elapsed() < PATIENCE, "{answer:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
