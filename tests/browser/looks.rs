//! How the page looks, and what its modules promise without a room.

use std::{path::PathBuf, time::Duration};

use crate::{
    PEOPLE, browsers, stage,
    support::{browser::Browser, pass, seat::Seat, server::Server},
};

/// The page's modules that need no page: the room's state, its clock, where tiles stand, the texts; and
/// what of its face needs no room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_s_modules_keep_their_promises() {
    let _stage = stage().await;
    let server = Server::start(None).await;
    let browser = Browser::chromium(PEOPLE[0]).await;
    let observer = &server.members("observer")[0];
    let tab = browser.tab("modules", &server.link(observer).url).await;
    let scripts = concat!(
        include_str!("support/page_checks.js"),
        include_str!("support/face_checks.js"),
        include_str!("support/language_checks.js")
    );
    let protocol = serde_json::json!(include_str!("../../src/signalling/protocol.md"));
    let wrong: Vec<String> = tab
        .run(&format!(
            "{scripts}; \
             const load = (name) => import(`/assets/${{name}}`); \
             const read = async (name) => (await fetch(`/assets/${{name}}`)).text(); \
             return [...await pageChecks(load), ...await faceChecks(load), \
               ...await languageChecks(load, read, {protocol})];"
        ))
        .await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Elements that one has to scroll sideways to see all of.
const SCROLLED_SIDEWAYS: &str = "
    return [...document.querySelectorAll('body *')]
      .filter((e) => ['auto', 'scroll'].includes(getComputedStyle(e).overflowX))
      .filter((e) => e.scrollWidth > e.clientWidth)
      .map((e) => `${e.className}: ${e.scrollWidth} in ${e.clientWidth}, by ` + [...e.querySelectorAll('*')]
        .filter((inner) => inner.getBoundingClientRect().right > e.getBoundingClientRect().left + e.clientWidth)
        .map((inner) => inner.className).slice(0, 5));";

/// Events as after the server's end, before one of the hands is back; as if they had been announced.
const TROUBLE: &str = "
    const { meeting } = roundtable;
    const [turn] = meeting.state.turns;
    const event = (fields) => meeting.handleEvent(
      { prev: meeting.state.rev, rev: meeting.state.rev + 1, v: 1, at: Date.now(), ...fields });
    event({ type: 'floor.clock_paused', turn: turn.turn, member: turn.member, by: null });
    event({ type: 'member.lost', member: 'malaysia-1' });";

/// Pictures of the room to look at, in `target/screens`: nothing may be cut off on any screen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_room_fits_a_desk_and_a_phone() {
    let _stage = stage().await;
    let server = Server::start(Some("session-1")).await;
    let browsers = browsers().await;
    let chair_member = server.members("chair")[0].clone();
    let chair = Seat::join(&browsers[0], &server, &chair_member, &[]).await;
    let mut delegates = Vec::new();
    for (browser, (member, name)) in browsers[1..].iter().zip([
        ("indonesia-1", "Dr. Sari Wijaya"),
        ("malaysia-1", "Prof. Ahmad bin Ismail"),
        ("russia-1", "Екатерина Колдунова"),
    ]) {
        let seat = Seat::open(browser, &server, member, &[]).await;
        seat.tab.fill("[data-testid=name-input]", name).await;
        seat.press_join().await;
        seat.is_in().await;
        delegates.push(seat);
    }
    for delegate in &delegates {
        delegate.press("raise-hand").await;
        delegate.is("waiting").await;
    }
    chair.press("next-speaker").await;
    delegates[0].is("speaking").await;
    for member in ["indonesia-1", "malaysia-1", "russia-1"] {
        chair.sees_picture_of(member).await;
    }
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/screens");
    for (name, seat) in [
        ("chair", &chair),
        ("speaker", &delegates[0]),
        ("delegate", &delegates[1]),
    ] {
        for (width, height) in [(1280, 800), (390, 844)] {
            seat.tab.resize(width, height).await;
            pass(Duration::from_secs(1)).await;
            let file = folder.join(format!("{name}-{width}x{height}.png"));
            seat.tab.screenshot(&file).await;
            let wide: u32 = seat
                .tab
                .run("return document.documentElement.scrollWidth;")
                .await;
            assert!(wide <= width, "{name} at {width}: the page is {wide} wide");
            let sideways: Vec<String> = seat.tab.run(SCROLLED_SIDEWAYS).await;
            assert!(sideways.is_empty(), "{name} at {width}: {sideways:?}");
            for testid in ["own-state", "leave-button"] {
                let inside: bool = seat
                    .tab
                    .run(&format!(
                        "const r = document.querySelector('[data-testid={testid}]').getBoundingClientRect(); \
                         return r.width > 0 && r.left >= 0 && r.right <= innerWidth && r.top >= 0 && r.bottom <= innerHeight;"
                    ))
                    .await;
                assert!(inside, "{name} at {width}: {testid} is cut off");
            }
        }
    }
    // What a chair sees after a restart of the server, with somebody not back yet.
    let () = chair.tab.run(TROUBLE).await;
    for (width, height) in [(1280, 800), (390, 844)] {
        chair.tab.resize(width, height).await;
        pass(Duration::from_secs(1)).await;
        let file = folder.join(format!("trouble-{width}x{height}.png"));
        chair.tab.screenshot(&file).await;
        let sideways: Vec<String> = chair.tab.run(SCROLLED_SIDEWAYS).await;
        assert!(sideways.is_empty(), "trouble at {width}: {sideways:?}");
        for control in ["resume-clock", "stop", "mute"] {
            let inside: bool = chair
                .tab
                .run(&format!(
                    "const r = document.querySelector('.turn [data-testid={control}]').getBoundingClientRect(); \
                     return r.width > 0 && r.left >= 0 && r.right <= innerWidth;"
                ))
                .await;
            assert!(inside, "trouble at {width}: {control} is cut off");
        }
    }
    for (tab, row) in [("tab-floor", "queue-item"), ("tab-people", "member-row")] {
        chair.press(tab).await;
        let row = format!("[data-testid={row}][data-member=malaysia-1]");
        chair.says(&row, "Connection lost").await;
    }
    let complaints: Vec<String> = delegates
        .iter()
        .flat_map(|seat| seat.tab.complaints())
        .collect();
    assert!(complaints.is_empty(), "the page complains: {complaints:?}");
}
