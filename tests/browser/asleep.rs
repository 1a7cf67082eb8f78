//! A page that was not looked at, or slept: behind another tab, or a closed lid.

use std::time::{Duration, Instant};

use crate::{
    AT_ONCE_MS, PEOPLE, TONES, stage,
    support::{browser::Browser, cable::Cable, pass, seat::Seat, server::Server, wall_ms},
};

/// How long the lid is closed.
const LID: Duration = Duration::from_secs(60);

/// How soon somebody who was away sees and hears again.
const BACK_MS: f64 = 10_000.0;

/// Keeps what the page asks the screen for.
const WATCH_LOCKS: &str = "
    window.locks = [];
    const request = navigator.wakeLock.request.bind(navigator.wakeLock);
    navigator.wakeLock.request = async (type) => {
      const lock = await request(type);
      locks.push(lock);
      return lock;
    };";

const KEPT_AWAKE: &str = "locks.at(-1)?.released === false";

/// A page behind another gets no pictures, though its own goes on and sound does; seen again it has them
/// within a second. Then lids are closed for a minute, one computer's network asleep with it: both are
/// back by themselves, with what has happened meanwhile, once each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_slept_is_back_by_itself() {
    const SPEAKER: usize = 1;
    let _stage = stage().await;
    let server = Server::start(Some("session-1:request:1")).await;
    let way = Cable::lay(&server).await;
    let browsers = [
        Browser::chromium(PEOPLE[0]).await,
        Browser::chromium(PEOPLE[SPEAKER]).await,
        Browser::chromium(PEOPLE[2]).await,
    ];
    let chair_member = server.members("chair")[0].clone();
    let chair = Seat::join(&browsers[0], &server, &chair_member, &TONES).await;
    let speaker = Seat::join(&browsers[1], &server, "indonesia-1", &TONES).await;
    let link = way.link(&server.link("malaysia-1").url);
    let away = Seat::open_at(&browsers[2], &link, "malaysia-1", &TONES).await;
    let near = Seat::open(&browsers[2], &server, "russia-1", &TONES).await;
    for seat in [&away, &near] {
        let () = seat.tab.run(WATCH_LOCKS).await;
        seat.press_join().await;
        seat.is_in().await;
        seat.tab.wait_for(KEPT_AWAKE, Duration::from_secs(2)).await;
    }
    chair.press("tab-people").await;
    let granted = chair.press_on("grant", "indonesia-1").await;
    chair.hears(TONES[SPEAKER], granted, AT_ONCE_MS).await;
    away.press("raise-hand").await;
    away.is("waiting").await;
    for seat in [&away, &near] {
        seat.sees_picture_of("indonesia-1").await;
    }
    chair.sees_picture_of("russia-1").await;

    // Hidden for a moment, and running.
    near.tab.freeze().await;
    near.tab.thaw().await;
    let hidden: bool = near.tab.run("return document.hidden;").await;
    assert!(hidden, "what was frozen is hidden");
    pass(Duration::from_secs(1)).await;
    let [before, from] = [near.received_picture_packets().await as f64, wall_ms()];
    pass(Duration::from_secs(3)).await;
    let more = near.received_picture_packets().await as f64 - before;
    println!("{more} packets of pictures for a page that is hidden");
    assert!(more <= 0.0, "{more} packets of pictures that nobody sees");
    let silence = near
        .longest_silence(TONES[SPEAKER], [from, wall_ms() - 200.0])
        .await;
    assert!(silence <= 250.0, "{silence:.0} ms of silence");
    let own = chair.picture_of("russia-1", from, wall_ms()).await;
    assert!(own.fps >= 10.0, "the own camera goes on: {own:?}");
    near.tab.show().await;
    near.sees_again("indonesia-1", wall_ms(), AT_ONCE_MS).await;
    near.tab.wait_for(KEPT_AWAKE, Duration::from_secs(2)).await;

    // Two lids.
    let closed = Instant::now();
    way.pull();
    for seat in [&away, &near] {
        seat.tab.freeze().await;
    }
    chair
        .state_says("state.members.get('malaysia-1').lost")
        .await;
    let finished = speaker.press("finish-speaking").await;
    speaker.press("raise-hand").await;
    speaker.is("waiting").await;
    pass(LID.saturating_sub(closed.elapsed())).await;
    println!("{:.0} ms after the turn", wall_ms() - finished);
    way.plug();
    for seat in [&away, &near] {
        seat.tab.thaw().await;
        seat.tab.show().await;
    }
    let opened = wall_ms();
    for seat in [&away, &near] {
        seat.hears(TONES[0], opened, BACK_MS).await;
        seat.sees_again(&chair_member, opened, BACK_MS).await;
    }
    for seat in [&chair, &speaker, &away, &near] {
        seat.state_says(
            "state.members.size === 4 && state.turns.length === 0 \
             && [...state.members.values()].every(({ lost, gone }) => !lost && !gone)",
        )
        .await;
        assert_eq!(seat.queue().await, ["malaysia-1", "indonesia-1"]);
        seat.plays_once().await;
        let rows: Vec<String> = seat
            .tab
            .run("return [...document.querySelectorAll('[data-testid=member-row]')].map((row) => row.dataset.member).sort();")
            .await;
        assert_eq!(rows.len(), 4, "{rows:?}");
    }
    away.is("waiting").await;
    chair.sees_again("malaysia-1", opened, BACK_MS).await;
    for seat in [&away, &near] {
        seat.tab.wait_for(KEPT_AWAKE, Duration::from_secs(2)).await;
    }
    let granted = chair.press("next-speaker").await;
    away.is("speaking").await;
    near.hears(TONES[2], granted, AT_ONCE_MS * 2.0).await;
    near.press("leave-button").await;
    near.press("confirm-accept").await;
    near.tab
        .wait_for(
            "locks.every(({ released }) => released)",
            Duration::from_secs(2),
        )
        .await;
}
