//! The load test itself, as an organiser starts it: a full room in which everything must arrive, and
//! rooms in which something is wrong, which must be told.

#![expect(
    clippy::disallowed_methods,
    reason = "what ends a process waits for its children in real time"
)]

#[path = "../browser/support/process.rs"]
mod process;
#[path = "../browser/support/server.rs"]
#[expect(dead_code, reason = "the tests in browsers use more of it")]
mod server;

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

use serde_json::Value;
use server::Server;

/// How long everybody is in the room together, in s.
const TOGETHER_S: u64 = 10;

/// Packets a second of a publisher's sound and picture: 50, and 25 frames of two.
const PACKETS_PER_S: u64 = 100;

/// One load test at a time: a full room takes what two cores have.
static MACHINE: Mutex<()> = Mutex::new(());

/// What a load test said.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    fn report(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|why| panic!("no report: {why}; {self:?}"))
    }
}

fn loadtest(arguments: &[&str]) -> Said {
    let _alone = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let output = Command::new(env!("CARGO_BIN_EXE_roundtable"))
        .args(["loadtest", "--json"])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("our own binary");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Said {
        code: output.status.code(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// A room of so many, all of whom come at once, in which everything that anybody sends arrives at
/// everybody else once.
fn a_room_of(members: u64, publishers: u64) {
    let said = loadtest(&[
        "--members",
        &members.to_string(),
        "--publishers",
        &publishers.to_string(),
        "--seconds",
        &TOGETHER_S.to_string(),
    ]);
    let report = said.report();
    let number = |path: &str| {
        let found = report.pointer(path).and_then(Value::as_u64);
        found.unwrap_or_else(|| panic!("{path} is no number in {report:#}"))
    };
    // Not by `println`, which is not shown of a test that passes.
    let _unread = writeln!(
        std::io::stdout(),
        "{members} members, {publishers} publishing: join to first media p95 {} ms, to first picture \
         p95 {} ms; {} packets received; server's CPU {:.2} s, bots' {:.2} s",
        number("/join_to_media_ms/p95"),
        number("/join_to_picture_ms/p95"),
        number("/packets/received"),
        report["cpu_s"]["server"].as_f64().expect("on this machine"),
        report["cpu_s"]["bots"].as_f64().expect("on this machine"),
    );
    assert_eq!(number("/joined"), members, "{said:?}");
    // Sound and picture of each, to everybody but themselves.
    let streams = 2 * publishers * (members - 1);
    assert_eq!(number("/streams/received"), streams, "{said:?}");
    for count in [
        "/packets/lost",
        "/packets/duplicated",
        "/packets/damaged",
        "/packets/echoed",
        "/sequence/gaps",
        "/sequence/duplicated",
    ] {
        assert_eq!(number(count), 0, "{count}: {said:?}");
    }
    // Nine tenths, so that a busy machine that sends a little less is no failure.
    let sent_at_least = publishers * (members - 1) * PACKETS_PER_S * TOGETHER_S * 9 / 10;
    let received = number("/packets/received");
    assert!(received >= sent_at_least, "{received} packets: {said:?}");
    assert_eq!(received, number("/packets/expected"), "{said:?}");
    assert_eq!(report["passed"], true, "{said:?}");
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn everything_arrives_in_a_room_of_25() {
    a_room_of(25, 1);
}

#[test]
fn everything_arrives_in_a_room_of_60_of_whom_two_publish() {
    a_room_of(60, 2);
}

/// Three delegates' links on that server, as the file that `--links` is given has them.
fn links(server: &Server) -> Vec<Value> {
    let text = server.command(&["invite", "--format", "json"]);
    let links: Vec<Value> = serde_json::from_str(&text).expect("links");
    let delegates = links.into_iter().filter(|link| link["role"] == "delegate");
    delegates.take(3).collect()
}

async fn on_a_running_server(open: &str, disturb: impl Fn(&mut Vec<Value>)) -> Said {
    let server = Server::start(Some(open)).await;
    let mut links = links(&server);
    disturb(&mut links);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("links.json");
    fs::write(&file, Value::Array(links).to_string()).expect("written");
    let file = file.to_str().expect("a plain path");
    let said = loadtest(&["--members", "3", "--seconds", "2", "--links", file]);
    assert_eq!(server.stop(), Some(0));
    said
}

#[tokio::test]
async fn a_running_server_is_loaded_by_its_links() {
    let said = on_a_running_server("session-1:open:3", |_| {}).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let report = said.report();
    assert_eq!(report["joined"], 3);
    assert_eq!(report["cpu_s"]["server"], Value::Null, "another's process");
}

#[tokio::test]
async fn who_is_not_let_in_fails_the_load_test_and_is_named() {
    let said = on_a_running_server("session-1:open:3", |links| {
        let url = links[2]["url"].as_str().expect("a link");
        links[2]["url"] = Value::from(format!("{url}x"));
    })
    .await;
    assert_eq!(said.code, Some(1), "{said:?}");
    let report = said.report();
    assert_eq!(report["joined"], 2);
    assert_eq!(report["passed"], false);
    assert!(said.err.contains("link_invalid"), "{said:?}");
}

#[tokio::test]
async fn a_voice_without_the_floor_fails_the_load_test() {
    // Nobody gives the floor here: the publisher is seen and not heard.
    let said = on_a_running_server("session-1:request:1", |_| {}).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    let report = said.report();
    assert_eq!(report["joined"], 3);
    assert_eq!(report["streams"]["expected"], 4);
    assert_eq!(report["streams"]["received"], 2);
    assert_eq!(report["packets"]["lost"], 0);
}

#[test]
fn what_cannot_be_done_is_told_by_code_2() {
    let none = loadtest(&["--links", "/nonexistent/links.json"]);
    assert_eq!(none.code, Some(2), "{none:?}");
    assert!(none.err.contains("/nonexistent/links.json"), "{none:?}");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("links.json");
    fs::write(&file, "[]").expect("written");
    let few = loadtest(&["--links", file.to_str().expect("a plain path")]);
    assert_eq!(few.code, Some(2), "{few:?}");
    assert!(few.err.contains("0 seats"), "{few:?}");
    let usage = loadtest(&["--publishers", "5"]);
    assert_eq!(usage.code, Some(2), "{usage:?}");
}
