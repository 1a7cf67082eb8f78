//! Coming back: who loses signalling, the network or the server is there again by itself, with the
//! same place, and what still works meanwhile goes on.

use std::time::Duration;

use crate::{
    AT_ONCE_MS, PEOPLE, TONES, stage,
    support::{browser::Browser, pass, seat::Seat, server::Server, wall_ms},
};

/// A gap in sound is a silence longer than this. Two looks of the ear lie 43 ms apart, and each
/// covers 85.
const GAP_MS: f64 = 250.0;

/// Signalling alone is lost, at the speaker and at a listener: nobody hears it, nobody else is told,
/// and what happened meanwhile is there afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_seconds_without_signalling_are_not_heard() {
    const SPEAKER: usize = 1;
    let _stage = stage().await;
    let server = Server::start(Some("session-1:open:1")).await;
    let cable = server.cable().await;
    let browsers = [
        Browser::chromium(PEOPLE[0]).await,
        Browser::chromium(PEOPLE[SPEAKER]).await,
    ];
    let link = |member: &str| cable.link(&server.link(member).url);
    let listener = Seat::join_at(&browsers[0], &link("malaysia-1"), "malaysia-1", &TONES).await;
    let speaker = Seat::join_at(&browsers[1], &link("indonesia-1"), "indonesia-1", &[]).await;
    let other = Seat::join(&browsers[0], &server, "russia-1", &[]).await;
    other.press("camera-toggle").await;

    let raised = speaker.press("raise-hand").await;
    listener.hears(TONES[SPEAKER], raised, AT_ONCE_MS).await;
    listener.sees_picture_of("indonesia-1").await;
    pass(Duration::from_secs(2)).await;
    for seat in [&listener, &speaker, &other] {
        seat.begin_notes().await;
    }

    let from = wall_ms();
    let drop = cable.drop_signalling(Duration::from_secs(5));
    let meanwhile = async {
        for seat in [&listener, &speaker] {
            seat.knows_its_loss().await;
        }
        other.press("raise-hand").await;
        other.is("waiting").await;
        assert!(
            !listener.is_connected().await,
            "the cable carries no signalling"
        );
    };
    tokio::join!(drop, meanwhile);
    for seat in [&listener, &speaker] {
        seat.sees("[data-testid=queue-item][data-member=russia-1]")
            .await;
        seat.sees_no(".banner[data-kind=problem]", Duration::from_secs(2))
            .await;
    }
    pass(Duration::from_secs(2)).await;
    let to = wall_ms();

    let silence = listener
        .longest_silence(TONES[SPEAKER], [from, to - 200.0])
        .await;
    let picture = listener.picture_of("indonesia-1", from, to).await;
    println!("longest silence {silence:.0} ms, {picture:?}");
    assert!(silence <= GAP_MS, "{silence:.0} ms of silence");
    assert!(picture.gap_ms <= 1000.0, "{picture:?}");
    for seat in [&listener, &speaker] {
        assert!(
            seat.kept_connection().await,
            "{} made another peer connection",
            seat.member
        );
        let noted = seat.noted().await;
        assert!(
            noted.iter().all(|event| !event.starts_with("member.")),
            "{noted:?}"
        );
    }
    assert_eq!(
        other.noted().await,
        ["floor.requested russia-1"],
        "nobody is seen to come or go"
    );
    speaker.is("speaking").await;
}

/// The same link opened elsewhere: the newer wins, the floor follows the person, the older says why
/// and stays quiet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_device_takes_over() {
    const SPEAKER: usize = 1;
    let _stage = stage().await;
    let server = Server::start(Some("session-1:open:1")).await;
    let browsers = [
        Browser::chromium(PEOPLE[0]).await,
        Browser::chromium(PEOPLE[SPEAKER]).await,
    ];
    let listener = Seat::join(&browsers[0], &server, "malaysia-1", &TONES).await;
    let older = Seat::join(&browsers[1], &server, "indonesia-1", &[]).await;
    let raised = older.press("raise-hand").await;
    listener.hears(TONES[SPEAKER], raised, AT_ONCE_MS).await;
    older.is("speaking").await;
    listener.begin_notes().await;

    let newer = Seat::open(&browsers[1], &server, "indonesia-1", &[]).await;
    newer.press_join().await;
    newer.is_in().await;
    newer.is("speaking").await;
    older.sees("[data-testid=fatal][data-code=replaced]").await;
    // Longer than the first few pauses of somebody who comes back.
    pass(Duration::from_secs(5)).await;
    older.sees("[data-testid=fatal][data-code=replaced]").await;
    assert!(
        !older.is_connected().await,
        "the older device has come back"
    );
    let now = wall_ms();
    let silence = listener
        .longest_silence(TONES[SPEAKER], [now - 3000.0, now - 200.0])
        .await;
    assert!(silence <= GAP_MS, "{silence:.0} ms of silence");
    newer.is("speaking").await;
    assert_eq!(
        listener.noted().await,
        Vec::<String>::new(),
        "nobody is seen to come or go"
    );
}
