//! One event to everybody: how long after a delegate's hand goes up the last of 50 and of 500 sockets
//! has heard of it, from a server in a process of its own that stores the event first. The limit is a
//! page written to the same disk and the bare message to as many sockets, in the same run.
//!
//! `cargo bench --bench fanout` prints a line for each: `fanout x500: p50 <ms> ms, p95 <ms> ms, limit
//! <ms> ms, ratio <r>`. Server and clients share the machine's cores.

#[path = "support/house.rs"]
mod house;

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use house::House;
use roundtable::{
    loadtest::{invite, signalling::Signalling},
    meeting::roster::Role,
};
use serde_json::json;
use tokio::sync::Notify;

const AUDIENCES: [usize; 2] = [50, 500];
/// Hands that go up and down.
const ROUNDS: usize = 100;
/// Between two, as in a busy room: members may ask so often, and the disk has time of its own.
const PAUSE: Duration = Duration::from_millis(20);
/// As long as the event is on its way in JSON.
const MESSAGE_BYTES: usize = 160;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    for audience in AUDIENCES {
        let times = runtime.block_on(server_rounds(audience));
        let limit = quantile(&bare_rounds(audience), 0.5);
        let (p50, p95) = (quantile(&times, 0.5), quantile(&times, 0.95));
        println!(
            "fanout x{audience}: p50 {p50:.2} ms, p95 {p95:.2} ms, limit {limit:.2} ms, ratio {:.2}",
            p50 / limit
        );
    }
}

/// In ms.
fn quantile(times: &[Duration], share: f64) -> f64 {
    let mut times = times.to_vec();
    times.sort();
    let place = ((times.len() - 1) as f64 * share).round() as usize;
    times[place].as_secs_f64() * 1e3
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn now() -> Instant {
    Instant::now()
}

/// Counts who has heard.
#[derive(Default)]
struct Hearing {
    heard: AtomicUsize,
    all: Notify,
}

async fn server_rounds(audience: usize) -> Vec<Duration> {
    let house = House::open(audience, "request:1", None);
    let links = std::fs::read_to_string(&house.links).expect("links");
    let mut invites = invite::read(&links).expect("links");
    invites.retain(|invite| invite.role == Role::Delegate);
    let hearing = Arc::new(Hearing::default());
    let mut members = Vec::new();
    for invite in invites.iter().take(audience) {
        let hearing = hearing.clone();
        let hear = move |message: serde_json::Value| {
            let kind = message["event"]["type"]
                .as_str()
                .or(message["type"].as_str());
            if matches!(kind, Some("floor.requested" | "floor.withdrawn"))
                && hearing.heard.fetch_add(1, Ordering::Relaxed) + 1 == audience
            {
                hearing.all.notify_one();
            }
        };
        let member = Signalling::connect(&invite.authority, hear)
            .await
            .expect("a server");
        let hello = json!({"type": "hello", "token": invite.token});
        let welcome = member.ask(hello).await.expect("welcome");
        let join = json!({"type": "session.join", "session": welcome["current"]});
        member.ask(join).await.expect("joined");
        members.push(member);
    }
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        tokio::time::sleep(PAUSE).await;
        hearing.heard.store(0, Ordering::Relaxed);
        let request = ["floor.request", "floor.withdraw"][round % 2];
        let (begun, member) = (now(), members[round / 2 % members.len()].clone());
        let asking = tokio::spawn(async move { member.ask(json!({"type": request})).await });
        hearing.all.notified().await;
        times.push(begun.elapsed());
        asking.await.expect("a task").expect("done");
    }
    times
}

/// A page to the disk and the same bytes to as many sockets, and nothing else.
fn bare_rounds(audience: usize) -> Vec<Duration> {
    let mut disk = tempfile::tempfile().expect("a file");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let mut pairs: Vec<(TcpStream, TcpStream)> = (0..audience)
        .map(|_| {
            let one = TcpStream::connect(address).expect("connected");
            (one, listener.accept().expect("accepted").0)
        })
        .collect();
    let message = [0x20; MESSAGE_BYTES];
    let mut buffer = [0; MESSAGE_BYTES];
    let round = |_| {
        pause();
        let begun = now();
        disk.write_all(&[0; 4096]).expect("written");
        disk.sync_data().expect("on the disk");
        for (one, _) in &mut pairs {
            one.write_all(&message).expect("written");
        }
        for (_, other) in &mut pairs {
            other.read_exact(&mut buffer).expect("read");
        }
        begun.elapsed()
    };
    (0..ROUNDS).map(round).collect()
}

#[expect(clippy::disallowed_methods, reason = "a bench keeps a pace")]
fn pause() {
    std::thread::sleep(PAUSE);
}
