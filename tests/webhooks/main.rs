//! Webhooks from end to end: the real server, its API, and a program of an organiser's that receives.

#[path = "../crash/client.rs"]
#[expect(dead_code, reason = "shared with the tests of crashes")]
mod client;
mod house;
#[path = "../cli/program.rs"]
#[expect(dead_code, reason = "shared with the tests of the command line")]
mod program;
mod receiver;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use house::{House, journal};
use program::Place;
use rcgen::{CertificateParams, KeyPair};
use receiver::{Attempt, Receiver};
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer},
};

/// Nothing here takes longer, however busy the machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The revisions that were taken, in the order of that.
fn taken(attempts: &[Attempt]) -> Vec<u64> {
    let taken = attempts.iter().filter(|attempt| attempt.is_taken());
    taken.map(Attempt::rev).collect()
}

fn notice(number: u64) -> Value {
    json!({ "text": format!("notice {number}") })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_fails_three_times_gets_each_event_once_in_order_also_over_restarts() {
    let place = Place::new();
    let mut receiver = Receiver::start(None).await;
    let url = format!("http://127.0.0.1:{}/hook?a=b", receiver.port());
    let house = House::start(&place, &[]);
    let before = journal(&place).len();
    let (id, secret) = house.subscribe(&url, &[]).await;
    let mut chair = house.chair().await;

    // Of the first it takes nothing at first: a fault, a way elsewhere, not even an answer.
    let mut failures = [Some(500), Some(302), None].into_iter();
    receiver.answer(move |_| failures.next().unwrap_or(Some(204)));
    for number in 0..5 {
        chair
            .granted("session.notice", notice(number))
            .await
            .expect("there");
    }
    let word = json!({ "to": "chairs", "text": "between us" });
    chair.granted("chat.send", word).await.expect("there");
    chair
        .granted("session.pause", json!({}))
        .await
        .expect("there");
    let expected = journal(&place).split_off(before);
    let came = receiver
        .until("the first events", |all| taken(all).len() >= expected.len())
        .await;
    assert_eq!(taken(&came)[..expected.len()], expected);
    let tried: Vec<_> = came[..4]
        .iter()
        .map(|attempt| (attempt.rev(), attempt.answered))
        .collect();
    let first = expected[0];
    assert_eq!(
        tried,
        [
            (first, Some(500)),
            (first, Some(302)),
            (first, None),
            (first, Some(204))
        ]
    );
    for attempt in &came {
        assert!(attempt.is_signed_with(&secret), "{attempt:?}");
        let id = format!("msg_nartt-2020_session-1_{}", attempt.rev());
        assert_eq!(attempt.header("webhook-id"), id);
        assert_eq!(attempt.header("content-type"), "application/json");
        assert_eq!(attempt.path, "/hook?a=b");
        assert!(attempt.header("webhook-timestamp").parse::<u64>().is_ok());
    }
    let told = came.last().expect("some").body();
    assert_eq!(told["type"], "session.paused");
    assert_eq!(told["data"]["by"], "csis-1");
    assert!(
        told["at"].as_str().is_some_and(|at| at.ends_with('Z')),
        "{told}"
    );
    assert!(
        came.iter()
            .all(|attempt| !attempt.body().to_string().contains("between us"))
    );

    // It is away while the server is started anew, and then takes up where it was.
    receiver.answer(|_| Some(503));
    chair
        .granted("session.resume", json!({}))
        .await
        .expect("there");
    let failing = receiver.attempts().len() + 2;
    receiver.until("failures", |all| all.len() >= failing).await;
    house
        .until(&id, "the failure", |hook| {
            hook["last_error"]
                .as_str()
                .is_some_and(|why| why.contains("503"))
                && hook["pending"] != 0
        })
        .await;
    assert_eq!(house.served.end(libc::SIGTERM), Ok(0));
    receiver.answer(|_| Some(200));
    let house = House::start(&place, &[]);
    let mut chair = house.chair().await;
    chair
        .granted("session.notice", notice(5))
        .await
        .expect("there");
    house
        .until(&id, "nothing pending", |hook| {
            hook["pending"] == 0 && hook["last_error"].is_null()
        })
        .await;
    let expected = journal(&place).split_off(before);
    let came = receiver
        .until("all events", |all| taken(all).len() >= expected.len())
        .await;
    assert_eq!(taken(&came)[..expected.len()], expected);

    // Killed, the server may tell again what it told last, under the same ids.
    for number in 6..9 {
        chair
            .granted("session.notice", notice(number))
            .await
            .expect("there");
    }
    drop(house);
    let house = House::start(&place, &[]);
    house
        .until(&id, "nothing pending", |hook| hook["pending"] == 0)
        .await;
    let expected = journal(&place).split_off(before);
    let ids = |all: &[Attempt]| -> BTreeSet<u64> { taken(all).into_iter().collect() };
    let came = receiver
        .until("all events", |all| ids(all).len() >= expected.len())
        .await;
    let mut known = BTreeSet::new();
    let once: Vec<_> = taken(&came)
        .into_iter()
        .filter(|rev| known.insert(*rev))
        .collect();
    assert_eq!(once[..expected.len()], expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_wants_no_more_is_left_alone_until_resumed_and_misses_nothing() {
    let place = Place::new();
    let mut receiver = Receiver::start(None).await;
    let url = format!("http://localhost:{}/", receiver.port());
    let house = House::start(&place, &[]);
    let (id, _) = house
        .subscribe(&url, &["session.*", "chat.sent.chairs"])
        .await;
    receiver.answer(|_| Some(410));
    let mut chair = house.chair().await;
    for number in 0..3 {
        chair
            .granted("session.notice", notice(number))
            .await
            .expect("there");
    }
    house
        .until(&id, "its end", |hook| hook["state"] == "gone")
        .await;
    assert_eq!(receiver.attempts().len(), 1, "it is left alone");

    receiver.answer(|_| Some(200));
    let answer = house.ask("POST", &format!("/{id}/resume"), None).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body["state"], "active");
    let word = json!({ "to": "chairs", "text": "between us" });
    chair.granted("chat.send", word).await.expect("there");
    let came = receiver.until("four more", |all| all.len() >= 5).await;
    let types: Vec<_> = came[1..]
        .iter()
        .map(|attempt| attempt.body()["type"].clone())
        .collect();
    let notices = ["session.notice"; 3].map(Value::from);
    assert_eq!(
        types,
        [&notices[..], &["chat.sent".into()]].concat(),
        "what was asked for"
    );

    let answer = house.ask("DELETE", &format!("/{id}"), None).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    for (method, path) in [("GET", ""), ("DELETE", ""), ("POST", "/resume")] {
        let answer = house.ask(method, &format!("/{id}{path}"), None).await;
        assert_eq!(answer.status, 404, "{method}: {answer:?}");
    }
    chair
        .granted("session.notice", notice(3))
        .await
        .expect("there");
    let (other, _) = house.subscribe(&url, &[]).await;
    chair
        .granted("session.notice", notice(4))
        .await
        .expect("there");
    let came = receiver.until("one more", |all| all.len() >= 6).await;
    assert_eq!(
        came[5].body()["data"]["text"],
        "notice 4",
        "for the other alone, and from then on"
    );
    house
        .until(&other, "nothing pending", |hook| hook["pending"] == 0)
        .await;
    assert_eq!(receiver.attempts().len(), 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_is_known_by_its_certificate() {
    let place = Place::new();
    let key = KeyPair::generate().expect("a key");
    let parameters = CertificateParams::new(["localhost".to_owned()]).expect("parameters");
    let certificate = parameters.self_signed(&key).expect("a certificate");
    let trusted = place.file("trusted.pem", &certificate.pem());
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .expect("a certificate");
    let mut receiver = Receiver::start(Some(TlsAcceptor::from(Arc::new(config)))).await;
    let house = House::start(&place, &[("SSL_CERT_FILE", &trusted)]);
    let by_name = format!("https://localhost:{}/", receiver.port());
    let by_address = format!("https://127.0.0.1:{}/", receiver.port());
    let (right, _) = house.subscribe(&by_name, &["session.*"]).await;
    let (wrong, _) = house.subscribe(&by_address, &["session.*"]).await;
    let mut chair = house.chair().await;
    chair
        .granted("session.notice", notice(0))
        .await
        .expect("there");
    receiver.until("one", |all| all.len() == 1).await;
    house
        .until(&right, "nothing pending", |hook| hook["pending"] == 0)
        .await;
    house
        .until(&wrong, "a wrong name", |hook| {
            hook["last_error"]
                .as_str()
                .is_some_and(|why| why.starts_with("TLS with 127.0.0.1"))
        })
        .await;
    assert_eq!(receiver.attempts().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_not_be_read_at_the_start_is_delivered_when_it_can() {
    let place = Place::new();
    let mut receiver = Receiver::start(None).await;
    let url = format!("http://127.0.0.1:{}/", receiver.port());
    let house = House::start(&place, &[]);
    let (id, _) = house.subscribe(&url, &["session.notice"]).await;
    assert_eq!(house.served.end(libc::SIGTERM), Ok(0));

    let database = Connection::open(place.data().join("roundtable.db")).expect("a store");
    let away = database.execute_batch("ALTER TABLE webhook RENAME TO webhook_away");
    away.expect("put away");
    let house = House::start(&place, &[]);
    let mut chair = house.chair().await;
    chair
        .granted("session.notice", notice(0))
        .await
        .expect("there");
    let back = database.execute_batch("ALTER TABLE webhook_away RENAME TO webhook");
    back.expect("put back");
    receiver.until("the notice", |all| !all.is_empty()).await;
    house
        .until(&id, "nothing pending", |hook| hook["pending"] == 0)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_or_asks_for_nonsense_is_told_so() {
    let place = Place::new();
    let more = [
        ("ROUNDTABLE__WEBHOOKS__PRIVATE_ADDRESSES", "false"),
        ("ROUNDTABLE__WEBHOOKS__SUBSCRIPTIONS_MAX", "2"),
        ("ROUNDTABLE__WEBHOOKS__TYPES_MAX", "2"),
        ("ROUNDTABLE__WEBHOOKS__URL_BYTES_MAX", "40"),
    ];
    let house = House::start(&place, &more);
    for (url, types, said) in [
        ("https://127.0.0.1/", &[][..], "not public"),
        ("http://example.org/", &[], "https://"),
        ("https://a:b@example.org/", &[], "password"),
        ("example.org", &[], "https://host/path"),
        (
            "https://example.org/0123456789012345678901",
            &[],
            "40 bytes",
        ),
        ("https://example.org/", &["floor.given"], "floor.given"),
        ("https://example.org/", &["*", "*", "*"], "2 types"),
    ] {
        let answer = house
            .ask("POST", "", Some(json!({ "url": url, "types": types })))
            .await;
        assert_eq!(answer.status, 422, "{url}: {answer:?}");
        assert!(answer.body.to_string().contains(said), "{said}: {answer:?}");
    }
    let wanted = || Some(json!({ "url": "https://hooks.example.org/" }));
    let answer = house.ask_as("delegate", "POST", "", wanted()).await;
    assert_eq!(answer.status, 403, "{answer:?}");
    for _ in 0..2 {
        assert_eq!(house.ask("POST", "", wanted()).await.status, 201);
    }
    let answer = house.ask("POST", "", wanted()).await;
    assert_eq!(answer.status, 409, "{answer:?}");
    let answer = house.ask("GET", "", None).await;
    let hooks = answer.body["webhooks"].as_array().expect("a list");
    assert_eq!((answer.status, hooks.len()), (200, 2));
    let kept = json!([[], "active", 0, null]);
    for hook in hooks {
        assert_eq!(
            json!([
                hook["types"],
                hook["state"],
                hook["pending"],
                hook["last_error"]
            ]),
            kept
        );
        assert!(hook.get("secret").is_none(), "shown once: {hook}");
    }
}
