//! Coming and going: a late joiner, a leaver, and another make of browser at the same table.

use std::time::Duration;

use crate::{
    AT_ONCE_MS, PEOPLE, TONES, stage,
    support::{browser::Browser, pass, seat::Seat, server::Server, wall_ms},
};

/// Who comes late sees at once, and who leaves is gone for all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_joiner_sees_at_once_and_a_leaver_disappears() {
    let _stage = stage().await;
    let server = Server::start(Some("session-1")).await;
    let browser = Browser::chromium(PEOPLE[0]).await;
    let early = [
        Seat::join(&browser, &server, "indonesia-1", &TONES).await,
        Seat::join(&browser, &server, "malaysia-1", &TONES).await,
    ];
    early[0].sees_picture_of("malaysia-1").await;
    early[1].sees_picture_of("indonesia-1").await;
    // Long after the cameras' first key frames.
    pass(Duration::from_secs(5)).await;

    let late = Seat::open(&browser, &server, "russia-1", &TONES).await;
    // The page has settled, as one has by the time that its owner presses.
    pass(Duration::from_secs(2)).await;
    let pressed = late.press_join().await;
    for seat in &early {
        late.sees_picture_of(&seat.member).await;
        let waited = late.waited_for_picture_of(&seat.member, pressed).await;
        assert!(
            waited <= AT_ONCE_MS,
            "{} seen only after {waited:.0} ms",
            seat.member
        );
        seat.sees_picture_of("russia-1").await;
    }

    late.press("leave-button").await;
    late.press("confirm-accept").await;
    late.sees("[data-testid=left]").await;
    for seat in &early {
        for testid in ["member-row", "video-tile"] {
            let gone = format!("[data-testid={testid}][data-member=russia-1]");
            seat.sees_no(&gone, Duration::from_secs(2)).await;
        }
    }
}

/// Firefox at the same table: both kinds of media in both directions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn firefox_and_chromium_see_and_hear_each_other() {
    const FIREFOX_TONE: u32 = 770;
    let _stage = stage().await;
    let server = Server::start(Some("session-1:open:2")).await;
    let chromium = Browser::chromium(PEOPLE[2]).await;
    let firefox = Browser::firefox(FIREFOX_TONE).await;
    let one = Seat::join(&chromium, &server, "indonesia-1", &[FIREFOX_TONE]).await;
    let other = Seat::join(&firefox, &server, "malaysia-1", &[]).await;
    one.sees_picture_of("malaysia-1").await;
    other.sees_picture_of("indonesia-1").await;

    let raised = other.press("raise-hand").await;
    other.is("speaking").await;
    one.hears(FIREFOX_TONE, raised, AT_ONCE_MS).await;
    pass(Duration::from_secs(2)).await;
    let before = other.loudness(wall_ms() - 1500.0, wall_ms()).await;
    one.press("raise-hand").await;
    one.is("speaking").await;
    let from = wall_ms() + AT_ONCE_MS;
    pass(Duration::from_secs(6)).await;
    let during = other.loudness(from, wall_ms()).await;
    println!("in Firefox: {before} dB before, {during} dB during the turn");
    assert!(
        during > -40.0 && during - before > 40.0,
        "{before} dB, then {during} dB"
    );

    for (seat, member) in [(&one, "malaysia-1"), (&other, "indonesia-1")] {
        let picture = seat.picture_of(member, from, wall_ms()).await;
        println!("{} sees {member}: {picture:?}", seat.member);
        assert!(
            picture.fps >= 10.0 && picture.gap_ms <= 1000.0 && picture.freeze_ms <= 1000.0,
            "{picture:?}"
        );
    }
}
