//! The server is killed, as a power cut or the kernel would, and started again on the same folder:
//! what anybody was told is still so, and nothing has happened twice.

mod client;
#[path = "../cli/program.rs"]
#[expect(dead_code, reason = "shared with the tests of the command line")]
mod program;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use client::{Client, Gone};
use program::{Place, Served, text_of};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use roundtable::{
    meeting::{Event, event::Recorded},
    store::Reading,
};
use serde_json::{Value, json};

/// Nothing here takes longer, however busy the machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server for one place, with every seat's token.
struct Running {
    served: Served,
    tokens: BTreeMap<String, String>,
}

impl Running {
    fn start(place: &Place) -> Self {
        let file = place.path("links.json");
        let data = text_of(&place.data());
        let mut command = place.command(&[
            "serve",
            "--demo",
            "--data",
            &data,
            "--media-addr",
            "127.0.0.1",
            "--open",
            "session-1",
            "--links-out",
            &text_of(&file),
        ]);
        program::free_ports(&mut command);
        // The load is more than a person's.
        command
            .env("ROUNDTABLE__SIGNALLING__REQUESTS_PER_S", "10000")
            .env("ROUNDTABLE__SIGNALLING__REQUESTS_BURST", "10000");
        let served = Served::start(command);
        let links = fs::read_to_string(&file).expect("the links");
        let links: Vec<Value> = serde_json::from_str(&links).expect("JSON");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let tokens = links
            .iter()
            .map(|link| (text(&link["member"]), text(&link["token"])))
            .collect();
        Self { served, tokens }
    }

    async fn greet(&self, member: &str) -> Result<Client, Gone> {
        Client::greet(self.served.address(), &self.tokens[member]).await
    }

    async fn join(&self, member: &str) -> (Client, Value) {
        let mut client = self.greet(member).await.expect("it is there");
        let answer = client.join(None).await.expect("it is there");
        (client, answer["snapshot"].clone())
    }

    fn kill(self) {
        assert_eq!(self.served.end(libc::SIGKILL), Err(Some(libc::SIGKILL)));
    }
}

/// Milliseconds by the clock that a server starts with.
#[expect(clippy::disallowed_methods, reason = "tests compare real times")]
fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.expect("after 1970").as_millis()).expect("a time")
}

/// What the folder has of the session, its chain checked.
fn journal(data: &Path) -> Vec<Recorded> {
    let reading = Reading::open(data).expect("a store");
    let event = "nartt-2020".parse().expect("a slug");
    let session = "session-1".parse().expect("a slug");
    reading.journal(&event, &session).expect("a whole journal")
}

#[tokio::test]
async fn turn_queue_and_roster_are_back_and_the_clock_waits_for_a_chair() {
    let place = Place::new();
    let server = Running::start(&place);
    let (mut chair, _) = server.join("csis-1").await;
    let (mut speaker, _) = server.join("indonesia-1").await;
    let (mut first, _) = server.join("malaysia-1").await;
    let (mut second, _) = server.join("russia-1").await;
    for client in [&mut speaker, &mut first, &mut second] {
        client
            .granted("floor.request", json!({}))
            .await
            .expect("up");
    }
    let next = json!({ "after_turn": 0 });
    chair.granted("floor.next", next).await.expect("given");
    let before = chair.granted("session.snapshot", json!({})).await;
    let before = before.expect("a state")["snapshot"].clone();
    server.kill();
    let killed = wall_ms();

    let server = Running::start(&place);
    let mut chair = server.greet("csis-1").await.expect("it is there");
    // The chair's page knows all that was told, and is told what the end of the server means.
    let rev = before["rev"].as_u64().expect("a revision");
    let answer = chair.join(Some(rev)).await.expect("let in");
    let kinds: Vec<_> = chair.events.iter().map(|event| &event["type"]).collect();
    assert_eq!(kinds[0], "floor.clock_paused");
    assert_eq!(kinds[1..5], ["member.lost"; 4]);
    assert_eq!(kinds[5..], ["member.back"]);
    assert_eq!(answer["resumed"]["rev"], rev + 6);
    // No time without a server is charged to the speaker, or to who was there.
    for ended in &chair.events[..5] {
        assert!(ended["at"].as_i64().expect("a time") <= killed, "{ended}");
    }
    let after = chair.granted("session.snapshot", json!({})).await;
    let after = after.expect("a state")["snapshot"].clone();
    assert_eq!(after["session"], before["session"]);
    assert_eq!(after["floor"], before["floor"]);
    assert_eq!(after["queue"], before["queue"]);
    let (was, mut is) = (before["turns"].clone(), after["turns"].clone());
    assert_eq!(is[0]["held"], true);
    is[0].as_object_mut().expect("a turn").remove("held");
    assert_eq!(is, was);
    let lost = |snapshot: &Value| -> Vec<String> {
        let members = snapshot["members"].as_array().expect("members").iter();
        let lost = members.filter(|member| member["lost"] == true);
        lost.map(|it| it["id"].as_str().expect("an id").to_owned())
            .collect()
    };
    assert_eq!(lost(&after), ["indonesia-1", "malaysia-1", "russia-1"]);

    let (_speaker, seen) = server.join("indonesia-1").await;
    assert_eq!(lost(&seen), ["malaysia-1", "russia-1"]);
    let resume = json!({ "member": "indonesia-1" });
    let resumed = chair.granted("floor.resume_clock", resume).await;
    resumed.expect("it is there");
    let seen = chair.granted("session.snapshot", json!({})).await;
    let turn = seen.expect("a state")["snapshot"]["turns"][0].clone();
    assert_eq!(
        (turn["member"].as_str(), turn.get("held")),
        (Some("indonesia-1"), None)
    );
}

/// A delegate raises and lowers the hand until the server is gone: how often it was told that this
/// had been done.
async fn fidget(mut client: Client, mut hand_is_up: bool) -> (u64, Client) {
    let mut acknowledged = 0;
    loop {
        let kind = if hand_is_up {
            "floor.withdraw"
        } else {
            "floor.request"
        };
        match client.ask(kind, json!({})).await {
            Ok(answer) => {
                assert!(answer["error"].is_null(), "{kind}: {answer}");
                acknowledged += 1;
                hand_is_up = !hand_is_up;
            }
            Err(Gone) => return (acknowledged, client),
        }
    }
}

/// How often the member's hand has gone up and down, each time the other way round than before.
fn moves(journal: &[Recorded], member: &str) -> u64 {
    let mut up = false;
    let mut moves = 0;
    for entry in journal {
        let raised = match &entry.event {
            Event::FloorRequested { member: its, .. } if its.as_str() == member => true,
            Event::FloorWithdrawn { member: its, .. } if its.as_str() == member => false,
            _ => continue,
        };
        assert_ne!(raised, up, "{member} twice the same, at {:?}", entry.rev);
        up = raised;
        moves += 1;
    }
    moves
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_command_is_missing_and_none_is_doubled_however_it_dies() {
    const MEMBERS: [&str; 6] = [
        "indonesia-1",
        "malaysia-1",
        "russia-1",
        "thailand-1",
        "laos-1",
        "viet-nam-1",
    ];
    const SEED: u64 = 20_201_119;
    let long = std::env::var_os("ROUNDTABLE_LONG").is_some();
    let kills = if long { 100 } else { 10 };
    let mut chance = StdRng::seed_from_u64(SEED);
    let place = Place::new();
    let mut known = Vec::new();
    let mut in_flight = 0;
    for kill in 0..kills {
        let server = Running::start(&place);
        let mut chair = server.greet("csis-1").await.expect("it is there");
        chair.join(None).await.expect("let in");
        let mut delegates = Vec::new();
        for member in MEMBERS {
            let (client, seen) = server.join(member).await;
            let queue = seen["queue"].as_array().expect("a queue");
            let up = queue.iter().any(|hand| hand["member"] == member);
            delegates.push(tokio::spawn(fidget(client, up)));
        }
        let listening = tokio::spawn(async move {
            chair.listen().await;
            chair
        });
        let instant = Duration::from_micros(chance.random_range(1_000..400_000));
        tokio::time::sleep(instant).await;
        server.kill();

        let journal = journal(&place.data());
        assert_eq!(journal[..known.len()], known[..], "the past has changed");
        let mut acknowledged_in_all = 0;
        let mut heard = listening.await.expect("no panic").events;
        for (member, delegate) in MEMBERS.iter().zip(delegates) {
            let (acknowledged, client) = delegate.await.expect("no panic");
            let done = moves(&journal, member) - moves(&known, member);
            assert!(
                done == acknowledged || done == acknowledged + 1,
                "kill {kill}: {member} was told of {acknowledged}, and {done} were kept"
            );
            in_flight += done - acknowledged;
            acknowledged_in_all += acknowledged;
            heard.extend(client.events);
        }
        // Whatever anybody heard is kept as it was told.
        for event in &heard {
            let rev = event["rev"].as_u64().expect("a revision");
            let place = usize::try_from(rev).expect("small") - 1;
            let kept = journal
                .get(place)
                .unwrap_or_else(|| panic!("{event} is lost"));
            let mut told = event.clone();
            told.as_object_mut().expect("an object").remove("prev");
            assert_eq!(serde_json::to_value(kept).expect("JSON"), told);
        }
        println!(
            "kill {kill} after {instant:?}: {acknowledged_in_all} acknowledged, {} heard, {} kept",
            heard.len(),
            journal.len()
        );
        known = journal;
    }
    println!(
        "{kills} kills, {} entries, {in_flight} kept but not acknowledged",
        known.len()
    );
    assert!(known.len() > kills * 20, "hardly any load: {}", known.len());
}
