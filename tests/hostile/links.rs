//! Links that open nothing, and members whose link is withdrawn while they are in the room.

use std::time::{Duration, Instant};

use aws_lc_rs::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use roundtable::{
    auth::{Grant, key_file},
    media::shard::srtp::Profile,
    meeting::roster::Role,
    time::Timestamp,
};
use serde_json::{Value, json};

use crate::{
    caller::Caller,
    house::House,
    line::{Ended, Line, code},
    pair::{Pair, wait},
};

/// What a revoked member may still be told or hear.
const OUT_WITHIN: Duration = Duration::from_secs(1);

/// Sound that was on its way may still arrive for so long (specification, section 4).
const IN_FLIGHT: Duration = Duration::from_millis(100);

/// How `hello` with this token is answered.
fn hello(line: &mut Line, token: &str) -> String {
    code(&line.ask("hello", json!({"token": token}))).to_owned()
}

/// The claims of a member's link.
fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).expect("claims");
    serde_json::from_slice(&BASE64.decode(part).expect("base64")).expect("JSON")
}

/// A token with this header and these claims, signed as told.
fn token(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let part = |value: &Value| BASE64.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = BASE64.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

fn hs256(key: &[u8]) -> impl FnOnce(&[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    move |message| hmac::sign(&key, message).as_ref().to_vec()
}

#[test]
fn links_that_open_nothing_say_why() {
    let house = House::open(&[]);
    let pair = Pair::seat(&house);
    let member = &house.members("delegate")[0];
    let good = house.seat(member).token.clone();
    let invites = key_file::load(&house.data()).expect("the server's own key");
    let pem = std::fs::read_to_string(house.data().join(key_file::KEY_FILE)).expect("a key");
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::prelude::BASE64_STANDARD.decode(base64);
    let key = Ed25519KeyPair::from_pkcs8(&der.expect("base64")).expect("a key");
    let public = key.public_key().as_ref().to_vec();

    let its = claims(&good);
    let second = 1000;
    let now = its["nbf"].as_i64().expect("a time") * second;
    let day = 24 * 3600 * second;
    let minted = |role, jti: &str, not_before: i64, expires: i64| {
        invites.mint(&Grant {
            event: its["event"]
                .as_str()
                .expect("an event")
                .parse()
                .expect("a slug"),
            member: member.parse().expect("a slug"),
            role,
            jti: jti.to_owned(),
            not_before: Timestamp(not_before),
            expires: Timestamp(expires),
            uses: None,
        })
    };
    let eddsa = json!({"alg": "EdDSA", "typ": "JWT"});
    let hs = json!({"alg": "HS256", "typ": "JWT"});
    let none = json!({"alg": "none", "typ": "JWT"});
    let sign = |message: &[u8]| key.sign(message).as_ref().to_vec();
    let with = |name: &str, value: Value| {
        let mut claims = its.clone();
        claims[name] = value;
        claims
    };
    let without = |name: &str| {
        let mut claims = its.clone();
        claims.as_object_mut().expect("claims").remove(name);
        claims
    };
    let other = Ed25519KeyPair::generate().expect("another server's key");

    // The forger's hand is good: what is left as it is opens.
    let mut line = Line::open(&house);
    assert_eq!(hello(&mut line, &token(&eddsa, &its, sign)), "ok");

    let mut cases = vec![
        ("nothing", String::new(), "link_invalid"),
        ("no token", "join".to_owned(), "link_invalid"),
        ("dots", "..".to_owned(), "link_invalid"),
        ("cut", good[..good.len() - 4].to_owned(), "link_invalid"),
        ("longer", format!("{good}AAAA"), "link_invalid"),
        ("60 KB", "A".repeat(60_000), "link_invalid"),
        (
            "another server's",
            token(&eddsa, &its, |message| {
                other.sign(message).as_ref().to_vec()
            }),
            "link_invalid",
        ),
        (
            "alg none",
            token(&none, &its, |_| Vec::new()),
            "link_invalid",
        ),
        ("alg none, signed", token(&none, &its, sign), "link_invalid"),
        (
            "HS256 with the public key",
            token(&hs, &its, hs256(&public)),
            "link_invalid",
        ),
        (
            "HS256 with the PEM",
            token(&hs, &its, hs256(pem.as_bytes())),
            "link_invalid",
        ),
        (
            "HS256 with nothing",
            token(&hs, &its, hs256(&[])),
            "link_invalid",
        ),
        (
            "another event's",
            token(&eddsa, &with("event", json!("other")), sign),
            "link_invalid",
        ),
        (
            "another issuer's",
            token(&eddsa, &with("iss", json!("other")), sign),
            "link_invalid",
        ),
        (
            "a number as a name",
            token(&eddsa, &with("sub", json!(1)), sign),
            "link_invalid",
        ),
        (
            "an unknown role",
            token(&eddsa, &with("role", json!("king")), sign),
            "link_invalid",
        ),
        (
            "a time as a text",
            token(&eddsa, &with("exp", json!("late")), sign),
            "link_invalid",
        ),
        (
            "expired",
            minted(Role::Delegate, "a", now - 2 * day, now - day),
            "link_expired",
        ),
        ("of 1970", minted(Role::Delegate, "a", 0, 0), "link_expired"),
        (
            "of tomorrow",
            minted(Role::Delegate, "a", now + day, now + 2 * day),
            "link_not_yet",
        ),
        (
            "a chair's role",
            minted(Role::Chair, "a", now, now + day),
            "link_revoked",
        ),
        (
            "nobody's seat",
            token(&eddsa, &with("sub", json!("nobody-1")), sign),
            "link_revoked",
        ),
    ];
    for name in ["iss", "sub", "event", "role", "jti", "nbf", "exp"] {
        cases.push((
            "a claim missing",
            token(&eddsa, &without(name), sign),
            "link_invalid",
        ));
    }
    pair.undisturbed("wrong links", || {
        let mut line = Line::open(&house);
        for (what, token, expected) in &cases {
            assert_eq!(hello(&mut line, token), *expected, "{what}");
        }
        // The connection has lost nothing by it.
        assert_eq!(hello(&mut line, &good), "ok");
    });
    house.is_unharmed("wrong links");
}

#[test]
fn a_member_who_is_withdrawn_is_out_at_once_and_is_heard_no_more() {
    let house = House::open(&[]);
    let pair = Pair::seat(&house);
    let delegates = house.members("delegate");
    let mut by_member = Caller::join(&house, &delegates[0], Profile::AeadAes128Gcm, (2, 2));
    let mut by_link = Caller::join(&house, &delegates[1], Profile::AeadAes128Gcm, (2, 2));
    let mut listener = Caller::join(&house, &delegates[2], Profile::AeadAes128Gcm, (4, 1));
    for caller in [&mut by_member, &mut by_link] {
        caller.take_floor();
    }
    let jti = house.seat(&delegates[1]).jti.clone();
    pair.undisturbed("revocation", || {
        for (caller, place, withdraw) in [
            (
                &mut by_member,
                0,
                ["invite", "--revoke-member", &delegates[0]],
            ),
            (&mut by_link, 1, ["invite", "--revoke", &jti]),
        ] {
            let mark = [b'm', b'a', b'r', b'k', place];
            let mut number = 0;
            assert!(
                talk(caller, &mut listener, &mark, &mut number) > 0,
                "heard before"
            );
            house.command(&withdraw);
            let begun = Instant::now();
            let ended = caller.line.ended();
            let took = begun.elapsed();
            let expected = Ended {
                goodbye: Some("link_revoked".to_owned()),
                close: Some(4004),
            };
            assert_eq!(ended, expected);
            assert!(took < OUT_WITHIN, "out after {took:?}");
            wait(IN_FLIGHT);
            listener.live();
            listener.client.received.clear();
            assert_eq!(
                talk(caller, &mut listener, &mark, &mut number),
                0,
                "heard after"
            );
            // Nor do they come in again.
            let token = house.seat(&delegates[usize::from(place)]).token.clone();
            assert_eq!(hello(&mut Line::open(&house), &token), "link_revoked");
        }
    });
    house.is_unharmed("revocation");
}

/// Sends half a second of sound and counts what of it the listener hears.
fn talk(caller: &mut Caller, listener: &mut Caller, mark: &[u8], number: &mut u16) -> usize {
    let mut heard = 0;
    for _ in 0..25 {
        let timestamp = u32::from(*number) * 960;
        let sound = caller.client.sound(*number, timestamp, 30, mark);
        *number += 1;
        caller.send(&sound);
        wait(Duration::from_millis(20));
        caller.live();
        listener.live();
        let received = std::mem::take(&mut listener.client.received);
        heard += received
            .iter()
            .filter(|packet| packet.ends_with(mark))
            .count();
    }
    heard
}

#[test]
fn a_chair_s_removal_is_for_good_and_cuts_the_media() {
    let house = House::open(&[]);
    let pair = Pair::seat(&house);
    let delegates = house.members("delegate");
    let mut caller = Caller::join(&house, &delegates[0], Profile::AeadAes128Gcm, (2, 2));
    let mut listener = Caller::join(&house, &delegates[1], Profile::AeadAes128Gcm, (4, 1));
    let mut chair = Line::join(&house, &house.members("chair")[0]);
    caller.take_floor();
    let mut number = 0;
    assert!(
        talk(&mut caller, &mut listener, b"mark", &mut number) > 0,
        "heard before"
    );
    pair.undisturbed("a removal", || {
        let begun = Instant::now();
        chair
            .ask(
                "member.remove",
                json!({"member": delegates[0], "ban": true}),
            )
            .expect("a chair may");
        let ended = caller.line.ended();
        assert!(begun.elapsed() < OUT_WITHIN, "{:?}", begun.elapsed());
        let expected = Ended {
            goodbye: Some("removed".to_owned()),
            close: Some(4001),
        };
        assert_eq!(ended, expected);
        wait(IN_FLIGHT);
        listener.live();
        listener.client.received.clear();
        assert_eq!(
            talk(&mut caller, &mut listener, b"mark", &mut number),
            0,
            "heard after"
        );
        let mut again = Line::greet(&house, &delegates[0]);
        let joined = again.ask("session.join", json!({"session": crate::house::SESSION}));
        assert_eq!(code(&joined), "removed");
    });
    house.is_unharmed("a removal");
}
