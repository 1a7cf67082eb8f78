//! One event to everybody: how long after a delegate's hand goes up the last of 50 and of 500 sockets
//! has heard of it, from a server in a process of its own that stores the event first. The limit is a
//! page written to the same disk and the bare message to as many sockets, in the same run.
//!
//! `cargo bench --bench fanout` prints a line for each: `fanout x500: p50 <ms> ms, p95 <ms> ms, limit
//! <ms> ms, ratio <r>`. Server and clients share the machine's cores.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use roundtable::loadtest::{
    invite::{self, Invite},
    signalling::Signalling,
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
const SERVER: &str = env!("CARGO_BIN_EXE_roundtable");

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
    let house = House::open(audience);
    let hearing = Arc::new(Hearing::default());
    let mut members = Vec::new();
    for invite in house.invites.iter().take(audience) {
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

/// A server with so many delegates' seats and a session that is on.
struct House {
    server: Child,
    invites: Vec<Invite>,
    _folder: tempfile::TempDir,
}

impl House {
    fn open(audience: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (event, links) = (
            folder.path().join("event.toml"),
            folder.path().join("links"),
        );
        std::fs::write(&event, event_file(audience)).expect("written");
        let data = folder.path().join("data");
        let command = |arguments: &[&str]| {
            let mut command = Command::new(SERVER);
            command
                .args(arguments)
                .args(["--config", "/dev/null", "--data"]);
            command.arg::<&Path>(&data).stdin(Stdio::null());
            command
        };
        let imported = command(&["event", "import"]).arg(&event).output();
        assert!(imported.expect("the program").status.success());
        let mut server = command(&["serve", "--open", "session-1:request:1"])
            .args(["--listen", "127.0.0.1:0", "--media-addr", "127.0.0.1"])
            .args(["--media-port", "0", "--links-out"])
            .arg(&links)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program");
        let printed = server.stdout.take().expect("piped");
        let mut lines = BufReader::new(printed).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.starts_with("Listening on ")));
        // What it prints later is nobody's.
        std::thread::spawn(move || lines.count());
        let invites = invite::read(&std::fs::read_to_string(&links).expect("links"));
        let mut invites = invites.expect("links");
        invites.retain(|invite| invite.role == roundtable::meeting::roster::Role::Delegate);
        Self {
            server,
            invites,
            _folder: folder,
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ended = self.server.kill();
        let _reaped = self.server.wait();
    }
}

fn event_file(delegates: usize) -> String {
    let mut text = "event = \"crowd\"\ntitle = \"Crowd\"\ntime_zone = \"Asia/Jakarta\"\n\
        [[days]]\ndate = 2099-12-31\n[[days.sessions]]\nid = \"session-1\"\ntitle = \"Crowd\"\n\
        start = \"08:00\"\nminutes = 600\nprofile = { mode = \"request\", microphones = 1 }\n\
        [delegations.house]\nname = \"House\"\nseats = [{ role = \"chair\", name = \"Chair\" }]\n"
        .to_owned();
    for block in 0..delegates.div_ceil(50) {
        let _ = write!(
            text,
            "[delegations.block-{block}]\nname = \"Block {block}\"\n\
             seats = [{{ role = \"delegate\", count = 50 }}]\n"
        );
    }
    text
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
        std::thread::sleep(PAUSE);
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
