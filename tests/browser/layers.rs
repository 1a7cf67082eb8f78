//! Simulcast between real browsers: each is sent the layer that fits what it shows.

use std::time::{Duration, Instant};

use crate::{
    PEOPLE, TONES, stage,
    support::{
        browser::Browser,
        camera, pass,
        seat::{PATIENCE, Seat},
        server::Server,
    },
};

/// How soon a layer that was asked for is seen.
const SWITCH_MAX: Duration = Duration::from_secs(2);

/// What the subscriber's browser says of the picture that it receives.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Received {
    frame_height: u32,
    frames_decoded: u32,
    freeze_count: u32,
    /// Frames whose timestamp was not after the one before.
    disorder: u32,
}

/// Counts presented frames that are out of order; says what getStats does of the camera's slot.
const WATCH: &str = r"
window.watched = { disorder: 0, last: null };
const video = document.querySelector('[data-testid=video-tile] video');
const presented = (now, { rtpTimestamp }) => {
  if (watched.last !== null && rtpTimestamp !== watched.last
    && ((rtpTimestamp - watched.last) >>> 0) > 0x80000000) watched.disorder += 1;
  watched.last = rtpTimestamp;
  video.requestVideoFrameCallback(presented);
};
video.requestVideoFrameCallback(presented);
window.receivedNow = async () => {
  const slot = roundtable.media.slots.find((each) => each.kind === 'video' && each.member);
  for (const report of (await roundtable.media.pc.getStats()).values()) {
    if (report.type === 'inbound-rtp' && report.mid === slot?.mid) {
      const { frameHeight = 0, framesDecoded = 0, freezeCount = 0 } = report;
      return { frameHeight, framesDecoded, freezeCount, disorder: watched.disorder };
    }
  }
  return { frameHeight: 0, framesDecoded: 0, freezeCount: 0, disorder: watched.disorder };
};";

async fn received(seat: &Seat) -> Received {
    seat.tab.run("return receivedNow();").await
}

/// Says that the one picture is drawn this high, and waits until it is; gives how long that took.
async fn shows(seat: &Seat, member: &str, height: u32, within: Duration) -> Duration {
    let asked = Instant::now();
    seat.draws(member, Some(height)).await;
    loop {
        let now = received(seat).await;
        if now.frame_height == height {
            return asked.elapsed();
        }
        assert!(
            asked.elapsed() < within,
            "{height} lines asked for, {now:?} after {:?}",
            asked.elapsed()
        );
        pass(Duration::from_millis(50)).await;
    }
}

/// A camera of 1280x720 at 15 frames a second, of which Chromium makes layers of 180, 360 and 720 lines.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_tile_gets_the_small_layer_and_a_large_one_the_large() {
    let _stage = stage().await;
    let server = Server::start(Some("session-1")).await;
    let sends = Browser::chromium_with_camera(PEOPLE[0], camera::LARGE).await;
    let sees = Browser::chromium(PEOPLE[1]).await;
    let member = server.members("chair")[0].clone();
    let publisher = Seat::join(&sends, &server, &member, &TONES).await;
    let subscriber = Seat::join(&sees, &server, "indonesia-1", &TONES).await;
    subscriber.sees_picture_of(&member).await;
    let () = subscriber.tab.run(WATCH).await;
    // The sender's own estimate of its path must rise before it sends all three.
    let first = shows(&subscriber, &member, 720, PATIENCE).await;
    shows(&subscriber, &member, 180, SWITCH_MAX).await;

    let before = received(&subscriber).await;
    let mut times = Vec::new();
    for switch in 0..10 {
        let height = [720, 180, 360, 720, 180][switch % 5];
        times.push(shows(&subscriber, &member, height, SWITCH_MAX).await);
        pass(Duration::from_millis(700)).await;
    }
    let after = received(&subscriber).await;
    println!("720 lines first after {first:?}; ten switches: {times:?}; {before:?} to {after:?}");
    assert_eq!(after.freeze_count, before.freeze_count, "a freeze");
    assert_eq!(after.disorder, 0, "frames out of order");
    let decoded = after.frames_decoded - before.frames_decoded;
    assert!(decoded > 100, "{decoded} frames over ten switches");

    // A layer that nobody shows is stopped at the sender, and starts again when it is wanted.
    shows(&subscriber, &member, 180, SWITCH_MAX).await;
    pass(Duration::from_secs(7)).await;
    let active: Vec<String> = publisher
        .tab
        .run(
            "const sender = roundtable.media.pc.getSenders().find(({ track }) => track?.kind === 'video');
             return sender.getParameters().encodings.filter(({ active }) => active).map(({ rid }) => rid);",
        )
        .await;
    assert_eq!(active, ["q"]);
    // Both paths' estimates may have to rise again first.
    let again = shows(&subscriber, &member, 720, Duration::from_secs(5)).await;
    println!("720 lines again after {again:?}");
}
