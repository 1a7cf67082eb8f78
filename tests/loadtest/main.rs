//! The load test itself, as an organiser starts it: rooms in which all is well, and rooms in which
//! something is wrong, which must be told.

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
    net::TcpListener,
    path::Path,
    process::{Command, Output, Stdio},
    sync::{Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use process::Process;
use serde_json::{Value, json};
use server::Server;

/// One load test at a time: a full room takes what two cores have.
static MACHINE: Mutex<()> = Mutex::new(());

/// Limits that a machine that is busy with other things keeps, too.
const EASY: [&str; 6] = [
    "--max-p99-ms",
    "3000",
    "--max-join-ms",
    "20000",
    "--max-gap-ms",
    "5000",
];

/// What a load test said.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
    report: Value,
    page: String,
}

impl Said {
    fn number(&self, path: &str) -> f64 {
        let found = self.report.pointer(path).and_then(Value::as_f64);
        found.unwrap_or_else(|| panic!("{path} is no number: {self:?}"))
    }

    fn passed(&self) {
        assert_eq!(self.report["verdict"], "pass", "{self:?}");
        assert_eq!(self.code, Some(0), "{self:?}");
    }
}

fn roundtable(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_roundtable"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("our own binary")
}

fn loadtest(arguments: &[&str]) -> Said {
    let _alone = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (json, html) = (file("report.json"), file("report.html"));
    let output = roundtable(&[&["loadtest", "--json", &json, "--html", &html], arguments].concat());
    let text = |bytes| String::from_utf8(bytes).expect("text");
    let report = fs::read_to_string(json).ok();
    let said = Said {
        code: output.status.code(),
        out: text(output.stdout),
        err: text(output.stderr),
        report: report.map_or(Value::Null, |it| serde_json::from_str(&it).expect("JSON")),
        page: fs::read_to_string(html).unwrap_or_default(),
    };
    // Not by `println`, which is not shown of a test that passes.
    let _unread = writeln!(std::io::stdout(), "{arguments:?}\n{}", said.out);
    said
}

#[test]
fn a_room_of_50_sees_and_hears_the_speaker() {
    let said = loadtest(
        &[
            &["--participants", "50", "--duration", "6", "--ramp", "3"],
            &EASY[..],
        ]
        .concat(),
    );
    said.passed();
    assert_eq!(said.number("/joined"), 50.0);
    let clients = json!({"speakers": 1, "full": 11, "lean": 38, "chairs": 0});
    assert_eq!(said.report["clients"], clients);
    // Sound and picture, to everybody but the speaker.
    assert_eq!(said.number("/streams/received"), 98.0);
    assert_eq!(said.number("/voices/received"), 49.0);
    for count in ["lost_after_repair", "duplicated", "damaged", "echoed"] {
        assert_eq!(said.number(&format!("/packets/{count}")), 0.0, "{said:?}");
    }
    // Sound alone is 50 packets a second; nine tenths, for a machine that sends a little less.
    let received = said.number("/packets/received");
    assert!(received >= 49.0 * 50.0 * 6.0 * 0.9, "{received}: {said:?}");
    let delay = |rank: &str| said.number(&format!("/forward_delay_ms/{rank}"));
    assert!(delay("p50") > 0.0 && delay("p50") <= delay("p95") && delay("p95") <= delay("p99"));
    assert!(said.number("/first_media_ms/p95") > 0.0);
    assert!(said.number("/generator/cpu_ratio") > 0.0);
    // The server's own account, over the loopback that it allows.
    assert_eq!(said.report["server"]["unavailable"], Value::Null);
    assert!(said.number("/server/cpu_us_per_forwarded_packet") > 0.0);
    let forwarded = said.number("/server/packets_per_second");
    assert!(forwarded >= 49.0 * 50.0 * 0.9, "{forwarded}: {said:?}");
    assert!(said.number("/server/rss_bytes") > 1e6);
    assert!(
        said.number("/longest_gap_ms") >= 20.0,
        "sound comes every 20 ms"
    );
    let entries = said.report["series"]["entries"].as_array();
    let seconds = entries.expect("a series").len();
    assert!((6..60).contains(&seconds), "{seconds}");
    assert!(said.page.contains("50 of 50"), "{}", said.page);
}

#[test]
fn loss_is_told_before_and_after_repair() {
    let lossy = ["--participants", "16", "--duration", "6", "--ramp", "1"];
    let weather = ["--loss", "5", "--rtt", "40", "--video", "800"];
    // A handshake, too, may be lost once too often.
    let most = ["--min-joined", "13"];
    let said = loadtest(&[&lossy[..], &weather, &most, &EASY].concat());
    said.passed();
    let before = said.number("/packets/lost_before_repair");
    let after = said.number("/packets/lost_after_repair");
    let expected = said.number("/packets/expected");
    assert!(before / expected > 0.02, "{said:?}");
    assert!(after > 0.0, "sound is not sent again: {said:?}");
    assert!(after < before * 0.75, "pictures are: {said:?}");
    let ratio = said.number("/loss_ratio");
    assert!((ratio - after / expected).abs() < 1e-9);
    assert!(
        said.number("/forward_delay_ms/p50") >= 40.0,
        "each way is 20 ms: {said:?}"
    );
}

#[test]
fn a_broken_limit_is_named_with_its_figure() {
    let tight = ["--max-p99-ms", "0", "--scenario", "audio"];
    let said = loadtest(&[&tight[..], &["--participants", "5", "--duration", "3"]].concat());
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(said.report["verdict"], "fail");
    let figure = said.number("/forward_delay_ms/p99");
    let reason = format!("{figure:.1} ms (--max-p99-ms 0)");
    assert!(said.err.contains(&reason), "{reason}: {said:?}");
    assert!(said.page.contains(&reason), "{reason}: {}", said.page);
}

#[test]
fn the_floor_is_given_and_its_holder_heard() {
    let said = loadtest(&[
        "--scenario",
        "floor",
        "--participants",
        "16",
        "--duration",
        "8",
        "--ramp",
        "1",
        "--max-grant-ms",
        "5000",
        "--max-p99-ms",
        "3000",
    ]);
    said.passed();
    assert!(said.number("/grants") >= 3.0, "{said:?}");
    let longest = said.number("/grant_to_audio_ms/max");
    assert!(
        said.number("/grant_to_audio_ms/p50") > 0.0 && longest < 5000.0,
        "{said:?}"
    );
    assert_eq!(said.report["longest_gap_ms"], Value::Null, "voices pause");
}

#[test]
fn a_gallery_in_which_everybody_speaks_is_judged() {
    let gallery = ["--scenario", "gallery", "--participants", "4"];
    let few = ["--speakers", "4", "--duration", "3", "--ramp", "1"];
    let said = loadtest(&[&gallery[..], &few, &EASY].concat());
    said.passed();
    assert_eq!(said.number("/voices/received"), 12.0);
    assert!(said.number("/first_media_ms/p95") > 0.0, "{said:?}");
}

#[test]
fn who_leaves_and_comes_back_hears_again() {
    let churn = ["--scenario", "churn", "--participants", "16"];
    let said = loadtest(&[&churn[..], &["--duration", "5", "--ramp", "1"], &EASY].concat());
    said.passed();
    assert!(said.number("/returns") >= 5.0, "{said:?}");
    assert_eq!(said.number("/joined"), 16.0);
}

/// Two sessions, of which the second has another way to give the floor and a door; six seats.
const SMALL_EVENT: &str = r#"event = "small"
title = "A small event"
time_zone = "Asia/Jakarta"
[[days]]
date = 2020-11-19
[[days.sessions]]
id = "morning"
title = "Morning"
start = "09:00"
minutes = 60
items = [
  { id = "one", title = "One", minutes = 30 },
  { id = "two", title = "Two", minutes = 30, profile = { policy = "alternate" } },
]
[[days]]
date = 2020-11-20
[[days.sessions]]
id = "evening"
title = "Evening"
start = "17:00"
minutes = 60
items = [
  { id = "one", title = "One", minutes = 30 },
  { id = "two", title = "Two", minutes = 30, profile = { mode = "operator" } },
]
profile = { mode = "fifo", lobby = true, chat = "chairs" }
[delegations.a]
name = "A"
seats = [{ role = "chair" }, { role = "delegate", count = 2 }]
[delegations.b]
name = "B"
seats = [{ role = "delegate" }, { role = "podium" }, { role = "observer" }]
"#;

fn small_event(more: &[&str]) -> Said {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("event.toml");
    fs::write(&file, SMALL_EVENT).expect("written");
    let file = file.to_str().expect("a plain path");
    let fast = ["--scenario", "agenda", "--event", file, "--speed", "600"];
    let few = ["--speakers", "3", "--ramp", "0", "--max-p99-ms", "3000"];
    loadtest(&[&fast[..], &few, more].concat())
}

#[test]
fn an_events_own_agenda_is_played_and_all_go_over() {
    // The half of the small event's seats that are lean go over as well.
    let said = small_event(&["--max-grant-ms", "5000", "--lean", "2"]);
    said.passed();
    assert_eq!(said.number("/joined"), 6.0);
    let whole = |count: u8| json!({"expected": count, "received": count});
    assert_eq!(said.report["agenda"]["sessions"], whole(2));
    assert_eq!(said.report["agenda"]["items"], whole(4));
    assert_eq!(said.number("/agenda/joins"), 12.0);
    assert_eq!(said.number("/agenda/recommendations"), 2.0);
    assert_eq!(said.number("/agenda/messages"), 4.0);
    assert!(said.number("/grants") >= 8.0, "two an item: {said:?}");
    assert!(said.number("/agenda/hands") >= 6.0, "{said:?}");
    assert!(said.number("/agenda/last_over_ms/0") > 0.0, "{said:?}");
    assert!(said.number("/grant_to_audio_ms/p50") > 0.0, "{said:?}");
    assert_eq!(said.report["faults"], json!([]), "{said:?}");
    assert!(said.out.contains("4 of 4 items"), "{said:?}");
}

#[test]
fn an_agenda_that_does_not_keep_its_limits_fails() {
    let said = small_event(&["--max-move-ms", "0"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err
            .contains("the last one was in the next session after"),
        "{said:?}"
    );
    assert!(said.err.contains("(--max-move-ms 0)"), "{said:?}");
}

#[test]
fn sinks_count_without_opening() {
    let sinks = ["--scenario", "audio", "--participants", "20", "--sinks"];
    let said = loadtest(&[&sinks[..], &["--lean", "17", "--duration", "4"], &EASY].concat());
    said.passed();
    // Three voices, by all who only receive.
    assert!(
        said.number("/packets/received") >= 17.0 * 150.0 * 4.0 * 0.9,
        "{said:?}"
    );
    assert_eq!(said.report["opened"], false);
    assert_eq!(said.number("/packets/lost_after_repair"), 0.0);
}

/// Three delegates' links on that server, as the file that `--links` is given has them.
fn links(server: &Server) -> Vec<Value> {
    let text = server.command(&["invite", "--format", "json"]);
    let links: Vec<Value> = serde_json::from_str(&text).expect("links");
    let delegates = links.into_iter().filter(|link| link["role"] == "delegate");
    delegates.take(3).collect()
}

const THREE: [&str; 6] = ["--participants", "3", "--duration", "2", "--ramp", "0"];

fn with_links(links: Vec<Value>, more: &[&str]) -> Said {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("links.json");
    fs::write(&file, Value::Array(links).to_string()).expect("written");
    let file = file.to_str().expect("a plain path");
    loadtest(&[&["--links", file], &THREE[..], &EASY, more].concat())
}

async fn on_a_running_server(open: &str, disturb: impl Fn(&mut Vec<Value>)) -> Said {
    let server = Server::start(Some(open)).await;
    let mut links = links(&server);
    disturb(&mut links);
    let said = with_links(links, &[]);
    assert_eq!(server.stop(), Some(0));
    said
}

#[tokio::test]
async fn a_running_server_is_loaded_by_its_links() {
    let said = on_a_running_server("session-1:open:3", |_| {}).await;
    said.passed();
    assert_eq!(said.number("/joined"), 3.0);
}

#[tokio::test]
async fn a_server_that_moved_is_reached_where_one_says() {
    let server = Server::start(Some("session-1:open:3")).await;
    let mut links = links(&server);
    let [there, _] = server.addresses();
    for link in &mut links {
        let url = link["url"].as_str().expect("a link");
        link["url"] = Value::from(url.replace(&there.to_string(), "192.0.2.7:1"));
    }
    let said = with_links(links, &["--url", &format!("http://{there}")]);
    said.passed();
    assert_eq!(server.stop(), Some(0));
}

#[tokio::test]
async fn who_is_not_let_in_fails_the_load_test_and_is_named() {
    let said = on_a_running_server("session-1:open:3", |links| {
        let url = links[2]["url"].as_str().expect("a link");
        links[2]["url"] = Value::from(format!("{url}x"));
    })
    .await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(said.number("/joined"), 2.0);
    assert!(said.err.contains("2 participants joined"), "{said:?}");
    assert!(said.out.contains("link_invalid"), "{said:?}");
}

#[tokio::test]
async fn a_voice_without_the_floor_fails_the_load_test() {
    // Nobody gives the floor here: the speaker is seen and not heard.
    let said = on_a_running_server("session-1:request:1", |_| {}).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(said.number("/joined"), 3.0);
    assert_eq!(said.number("/streams/received"), 2.0);
    assert!(
        said.err.contains("2 times a voice was never heard"),
        "{said:?}"
    );
}

#[test]
fn a_server_that_is_not_there_is_one_line_that_says_what_to_do() {
    // A port that was free a moment ago.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let nobody = listener.local_addr().expect("bound");
    drop(listener);
    let link = |number: u8| {
        json!({"member": format!("a-{number}"), "role": "delegate",
            "url": format!("http://{nobody}/join#token")})
    };
    let said = with_links((1..=3).map(link).collect(), &[]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert_eq!(said.err.lines().count(), 1, "{said:?}");
    assert!(said.err.contains(&nobody.to_string()), "{said:?}");
    assert!(said.err.contains("--url"), "{said:?}");
    assert_eq!(said.report, Value::Null);
}

#[test]
fn what_cannot_be_done_is_told_by_code_2() {
    let none = loadtest(&["--links", "/nonexistent/links.json"]);
    assert_eq!(none.code, Some(2), "{none:?}");
    assert!(none.err.contains("/nonexistent/links.json"), "{none:?}");
    let few = with_links(Vec::new(), &[]);
    assert_eq!(few.code, Some(2), "{few:?}");
    assert!(few.err.contains("0 seats"), "{few:?}");
    let many = loadtest(&["--participants", "3", "--speakers", "5"]);
    assert_eq!(many.code, Some(2), "{many:?}");
    assert!(many.err.contains("too few for 5 speakers"), "{many:?}");
    let model = roundtable(&["loadtest", "--speed", "2"]);
    assert_eq!(model.status.code(), Some(2), "{model:?}");
    for wrong in [["--scenario", "dance"], ["--loss", "101"]] {
        assert_eq!(loadtest(&wrong).code, Some(2), "{wrong:?}");
    }
}

#[test]
fn a_load_test_that_is_told_to_end_ends() {
    let _alone = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let mut command = Command::new(env!("CARGO_BIN_EXE_roundtable"));
    command.args([
        "loadtest",
        "--participants=4",
        "--speakers=2",
        "--duration=600",
    ]);
    let (mut running, together) = Process::start("loadtest", &mut command, "together");
    runtime.block_on(running.ready(together, Duration::from_secs(60)));
    let (ended, end) = mpsc::channel();
    thread::spawn(move || ended.send((running.stop(), running.said())));
    let (code, said) = end
        .recv_timeout(Duration::from_secs(20))
        .expect("it ends, and its server with it");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("stopped before the end"), "{said}");
}

#[test]
fn an_event_with_seats_for_a_load_test_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let file: &Path = &folder.path().join("event.toml");
    let file = file.to_str().expect("a plain path");
    let written = roundtable(&["loadtest", "--write-event", "120", file]);
    assert_eq!(written.status.code(), Some(0), "{written:?}");
    let checked = roundtable(&["event", "check", file]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    let told = String::from_utf8(checked.stdout).expect("text");
    assert!(told.contains("121 seats"), "{told}");
    let none = roundtable(&["loadtest", "--write-event", "0", file]);
    assert_eq!(none.status.code(), Some(2), "{none:?}");
}
