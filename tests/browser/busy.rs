//! A full room at one page: what fifty members whose hands go up and down cost a chair's browser.

use std::{fs, process::Command, time::Duration};

use serde_json::json;

use crate::{
    PEOPLE, stage,
    support::{browser::Browser, pass, process::Process, seat::Seat, server::Server, tab::Work},
};

/// So many bots are in the room; one after the other has the floor.
const MEMBERS: usize = 50;
/// The first of them may be given the floor; the others only raise their hands.
const SPEAKERS_MAX: usize = 29;
/// How long the page is watched.
const WATCHED: Duration = Duration::from_secs(30);
/// The same in a long run, which looks for growth, and how long the engine compiles and keeps before.
const WATCHED_LONG: Duration = Duration::from_secs(300);
const SETTLED_LONG: Duration = Duration::from_secs(60);
/// The most of one core that scripts, layout and style may take.
const SHARE_MAX: f64 = 0.6;
/// Growth that is none: by so much, in bytes, and by so many nodes, the page differs from minute to minute.
const GROWTH_MAX: f64 = 500e3;
const MORE_NODES_MAX: f64 = 800.0;

/// Hands go up and down: five times a second this chair puts one of these on the list or takes one off.
const HANDS: &str = "
    let step = 0;
    window.hands = setInterval(() => {
      const member = silent[step % silent.length];
      const type = Math.floor(step / silent.length) % 2 === 0 ? 'floor.insert' : 'floor.remove';
      step += 1;
      roundtable.protocol.request(type, { member }).catch((error) => console.error(type, member, error.code));
    }, 200);";

/// The page of a chair among fifty holds under three fifths of a core while the floor goes round and
/// hands go up and down, and does not grow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chair_s_page_is_calm_among_fifty() {
    let _stage = stage().await;
    let long = std::env::var_os("ROUNDTABLE_LONG").is_some();
    let (settled, watched) = if long {
        (SETTLED_LONG, WATCHED_LONG)
    } else {
        (Duration::from_secs(5), WATCHED)
    };
    let server = Server::start(Some("session-1")).await;
    let chairs = server.members("chair");
    let (own, other) = (&chairs[0], &chairs[1]);
    let browser = Browser::chromium(PEOPLE[0]).await;
    let chair = Seat::join(&browser, &server, own, &[]).await;

    // The other chair's and the delegates' links are the bots'.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let links = folder.path().join("links.json");
    let mut seats = server.members("delegate");
    seats.truncate(MEMBERS - 1);
    seats.push(other.clone());
    let list: Vec<_> = seats
        .iter()
        .map(|member| {
            let link = server.link(member);
            json!({"member": link.member, "role": link.role, "url": link.url})
        })
        .collect();
    fs::write(&links, json!(list).to_string()).expect("a writable folder");
    let duration = (settled + watched).as_secs() + 25;
    let mut command = Command::new(env!("CARGO_BIN_EXE_roundtable"));
    command
        .args(["loadtest", "--scenario", "floor", "--ramp", "5"])
        .args(["--participants", &seats.len().to_string()])
        .args(["--duration", &duration.to_string(), "--links"])
        .arg(&links);
    let (mut bots, _said) = Process::start("loadtest", &mut command, "verdict");
    chair
        .state_says(&format!(
            "[...state.members.values()].filter(({{ lost }}) => !lost).length >= {}",
            seats.len()
        ))
        .await;
    let silent = json!(seats[SPEAKERS_MAX..MEMBERS - 1]);
    let () = chair
        .tab
        .run(&format!("const silent = {silent}; {HANDS}"))
        .await;
    // What is kept of its measures would count as the page's.
    let () = chair.tab.run("measure.stop();").await;
    pass(settled).await;

    let before = chair.tab.work().await;
    let revision: u64 = chair.tab.run("return roundtable.meeting.state.rev;").await;
    pass(watched).await;
    let after = chair.tab.work().await;
    let events: u64 = chair.tab.run("return roundtable.meeting.state.rev;").await;
    let events = events - revision;
    // What they measured is not asked for.
    bots.kill();
    println!("{events} events; before {before:?}, after {after:?}");
    let share = (after.busy_s - before.busy_s) / (after.at_s - before.at_s);
    println!("the page takes {:.0} % of a core", share * 100.0);
    assert!(
        events as f64 > 5.0 * watched.as_secs_f64(),
        "the hands moved: {events}"
    );
    assert!(share < SHARE_MAX, "{share}");
    let grown = |what: fn(&Work) -> f64| what(&after) - what(&before);
    if long {
        assert!(
            grown(|work| work.heap_bytes) < GROWTH_MAX,
            "{before:?} {after:?}"
        );
        assert!(
            grown(|work| work.nodes) < MORE_NODES_MAX,
            "{before:?} {after:?}"
        );
    }
}
