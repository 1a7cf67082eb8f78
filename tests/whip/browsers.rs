//! Chromium and Firefox as WHIP publishers and WHEP players, from a page that is not the
//! roundtable's own, and a page of the room that has a publisher at the table.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    SESSION, endpoint,
    programs::{Program, Run},
    stage,
    support::{
        browser::{Browser, Person},
        pass,
        seat::Seat,
        server::Server,
        tab::Tab,
        wall_ms,
    },
    token,
};

const PERSON: Person = Person {
    tone: 620,
    backdrop: [38, 84, 124],
};
/// What the programs sound like, in Hz.
const TONE: u32 = 440;
/// How long is measured.
const MEASURED: Duration = Duration::from_secs(4);
/// Browsers take their time with a path and a decoder.
const PATIENCE: Duration = Duration::from_secs(30);
/// How soon the floor is heard, or no longer heard.
const AT_ONCE_MS: f64 = 1000.0;

/// A tab on no page of ours. Where it is another server's, every request crosses origins.
async fn stranger(browser: &Browser, home: &Server, name: &str) -> Tab {
    let url = format!("http://{}/healthz", home.addresses()[0]);
    let tab = browser.measured_tab(name, &url).await;
    let () = tab.run(include_str!("page.js")).await;
    tab
}

async fn open(tab: &Tab, what: &str, server: &Server, member: &str) {
    let word = if what == "publish" { "whip" } else { "whep" };
    let (url, token) = (endpoint(server, word), token(server, member));
    let () = tab
        .run(&format!(
            "window.call = await whip.{what}({}, {});",
            json!(url),
            json!(token)
        ))
        .await;
    tab.wait_for("call.connection.connectionState === 'connected'", PATIENCE)
        .await;
}

async fn figures(tab: &Tab) -> Value {
    tab.run("return whip.figures(call);").await
}

/// What the player got while it was measured: frames of pictures, and packets of sound.
async fn measured(player: &Tab, name: &str) -> (f64, f64) {
    let moving = "whip.figures(call).then((it) => (it.video?.frames ?? 0) > 0)";
    player.wait_for(moving, PATIENCE).await;
    let before = figures(player).await;
    pass(MEASURED).await;
    let after = figures(player).await;
    println!("{name}: {after}");
    let grown = |kind: &str, what: &str| {
        after[kind][what].as_f64().unwrap_or_default()
            - before[kind][what].as_f64().unwrap_or_default()
    };
    assert_eq!(after["video"]["codec"], "video/VP8");
    assert_eq!(after["audio"]["codec"], "audio/opus");
    assert!(grown("audio", "energy") > 0.0, "{name} hears nothing");
    (grown("video", "frames"), grown("audio", "packets"))
}

async fn one_plays_the_other(
    [publisher, player]: [&Tab; 2],
    server: &Server,
    [from, to]: [&str; 2],
) {
    let chair = server.members("chair").remove(0);
    open(publisher, "publish", server, &chair).await;
    open(player, "play", server, "indonesia-1").await;
    let name = format!("{from} to {to}");
    let (frames, sounds) = measured(player, &name).await;
    println!("{from} sends: {}", figures(publisher).await);
    let seconds = MEASURED.as_secs_f64();
    assert!(frames >= 7.0 * seconds, "{name}: {frames} frames");
    assert!(sounds >= 25.0 * seconds, "{name}: {sounds} sounds");
    for tab in [publisher, player] {
        let ended: u16 = tab.run("return whip.end(call);").await;
        assert_eq!(ended, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn browsers_play_one_another() {
    let _stage = stage().await;
    let (server, elsewhere) = (
        Server::start(Some(SESSION)).await,
        Server::start(None).await,
    );
    let chromium = Browser::chromium(PERSON).await;
    let firefox = Browser::firefox(TONE).await;
    let one = stranger(&chromium, &elsewhere, "chromium").await;
    // Firefox cannot be told to overlook that this server's pages may speak with nobody else.
    let other = stranger(&firefox, &server, "firefox").await;
    one_plays_the_other([&one, &other], &server, ["chromium", "firefox"]).await;
    one_plays_the_other([&other, &one], &server, ["firefox", "chromium"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ice_restart_is_not_noticed() {
    let _stage = stage().await;
    let (server, elsewhere) = (
        Server::start(Some(SESSION)).await,
        Server::start(None).await,
    );
    let browser = Browser::chromium(PERSON).await;
    let publisher = stranger(&browser, &elsewhere, "publisher").await;
    let player = stranger(&browser, &elsewhere, "player").await;
    let chair = server.members("chair").remove(0);
    open(&publisher, "publish", &server, &chair).await;
    open(&player, "play", &server, &chair).await;
    pass(Duration::from_secs(1)).await;
    assert!(
        figures(&player).await["video"]["frames"]
            .as_f64()
            .unwrap_or_default()
            < 1.0,
        "nobody receives oneself"
    );
    let () = player.run("await whip.end(call);").await;
    open(&player, "play", &server, "indonesia-1").await;
    measured(&player, "before").await;
    for tab in [&publisher, &player] {
        let before = figures(tab).await["ufrag"].clone();
        let status: u16 = tab.run("return whip.restart(call);").await;
        assert_eq!(status, 200);
        let anew = format!("whip.figures(call).then((it) => it.ufrag !== {before})");
        tab.wait_for(&anew, PATIENCE).await;
        tab.wait_for("call.connection.connectionState === 'connected'", PATIENCE)
            .await;
    }
    let (frames, sounds) = measured(&player, "after").await;
    assert!(frames >= 7.0 * MEASURED.as_secs_f64(), "{frames} frames");
    assert!(sounds >= 25.0 * MEASURED.as_secs_f64(), "{sounds} sounds");
    let figures = figures(&player).await;
    assert_eq!(figures["video"]["freezes"], 0, "{figures}");
    assert_eq!(figures["video"]["lost"], 0, "{figures}");
    assert_eq!(figures["audio"]["lost"], 0, "{figures}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_at_the_table_is_seen_and_is_heard_with_the_floor_alone() {
    let _stage = stage().await;
    let server = Server::start(Some(SESSION)).await;
    let browser = Browser::chromium(PERSON).await;
    let chair = server.members("chair").remove(0);
    let seat = Seat::join(&browser, &server, &chair, &[TONE]).await;
    let publisher = Run::start(Program::Aiortc, "publish", &server, "malaysia-1", 30);
    assert_eq!(publisher.line()["state"], "connected");
    seat.press("tab-people").await;
    let row = "[data-testid=member-row][data-member=malaysia-1]";
    seat.sees(row).await;
    seat.sees_picture_of("malaysia-1").await;
    let before = wall_ms();
    pass(Duration::from_secs(1)).await;
    let silent = seat.levels(before, wall_ms()).await[0];
    assert!(silent < -60.0, "heard without the floor: {silent} dB");

    let granted = seat.press_on("grant", "malaysia-1").await;
    seat.hears(TONE, granted, AT_ONCE_MS).await;
    pass(Duration::from_secs(1)).await;
    let stopped = seat.press_on("stop", "malaysia-1").await;
    pass(Duration::from_secs(2)).await;
    let silent = seat.levels(stopped + AT_ONCE_MS, wall_ms()).await[0];
    assert!(silent < -60.0, "heard after the stop: {silent} dB");

    // Its end is a lost connection's: the place is kept for a while.
    drop(publisher);
    let lost = "state.members.get('malaysia-1')?.lost === true";
    seat.state_says(lost).await;
}
