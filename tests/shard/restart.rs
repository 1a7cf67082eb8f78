//! ICE begins anew with other credentials, and nobody notices.

use std::time::Duration;

use roundtable::media::{AudioRank, Gate, Notice, OfferRefusal, Restarted, shard::srtp::Profile};

use super::{
    client::{Client, Hall},
    hear, room, speak,
};

const UFRAG: &str = "renewed";
const PWD: &str = "another password of theirs";

fn restart(hall: &mut Hall, clients: &mut [Client], who: usize) -> Restarted {
    let order = clients[who].restarts(UFRAG, PWD);
    hall.order(order, clients);
    match hall.notices.pop() {
        Some(Notice::Restarted {
            peer,
            restarted: Ok(restarted),
        }) if peer == clients[who].id => restarted,
        other => panic!("{other:?}"),
    }
}

#[test]
fn media_goes_on_while_ice_begins_anew() {
    let (mut hall, mut clients) = room(Profile::AeadAes128Gcm, 2);
    hear(&mut hall, &mut clients, 0, Gate::Open(AudioRank::Floor));
    speak(&mut hall, &mut clients, 0, 1, 25);
    for who in [0, 1] {
        let server = restart(&mut hall, &mut clients, who);
        assert_eq!(server.candidates.len(), 1);
        // A second in which the client has not heard of the new credentials yet.
        speak(&mut hall, &mut clients, 0, 26 + 100 * who as u16, 50);
        let now = hall.now;
        clients[who].restarted(now, UFRAG, PWD, &server);
        speak(&mut hall, &mut clients, 0, 76 + 100 * who as u16, 50);
        hall.pass(Duration::from_millis(200), &mut clients);
        assert!(clients[who].is_reachable(), "the new checks are answered");
    }
    let ssrc = clients[1].slots[0];
    assert_eq!(clients[1].take(ssrc).len(), 225, "not a packet is missing");
    // Consent is by the new credentials: it lives on well past the time of silence.
    hall.pass(Duration::from_secs(40), &mut clients);
    let lost = |notice: &Notice| matches!(notice, Notice::Lost { .. });
    assert!(!hall.notices.iter().any(lost));
}

#[test]
fn a_restart_that_the_client_never_takes_up_ends_the_peer() {
    let (mut hall, mut clients) = room(Profile::AeadAes128Gcm, 2);
    restart(&mut hall, &mut clients, 0);
    hall.pass(Duration::from_secs(20), &mut clients);
    let peer = clients[0].id;
    assert!(hall.notices.contains(&Notice::Lost { peer }));
}

#[test]
fn credentials_that_are_none_change_nothing() {
    let (mut hall, mut clients) = room(Profile::AeadAes128Gcm, 1);
    for (ufrag, pwd) in [("abc", PWD), (UFRAG, "short"), (UFRAG, &*"p".repeat(257))] {
        let order = clients[0].restarts(ufrag, pwd);
        hall.order(order, &mut clients);
        let Some(Notice::Restarted { restarted, .. }) = hall.notices.pop() else {
            panic!("no answer");
        };
        assert!(matches!(restarted, Err(OfferRefusal::Malformed(_))));
    }
    hall.pass(Duration::from_secs(20), &mut clients);
    let peer = clients[0].id;
    assert!(!hall.notices.contains(&Notice::Lost { peer }));
}
