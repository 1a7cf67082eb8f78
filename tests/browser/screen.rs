//! A shared screen: seen by all, large, until it is taken back.

use std::{path::PathBuf, time::Duration};

use crate::{
    PEOPLE, TONES, stage,
    support::{browser::Browser, pass, seat::Seat, server::Server, wall_ms},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_screen_is_seen_large_and_goes_again() {
    let _stage = stage().await;
    let server = Server::start(Some("session-1")).await;
    let browsers = [
        Browser::chromium(PEOPLE[0]).await,
        Browser::chromium(PEOPLE[1]).await,
    ];
    let chair = server.members("chair")[0].clone();
    let sharing = Seat::join(&browsers[0], &server, &chair, &TONES).await;
    let looking = Seat::join(&browsers[1], &server, "indonesia-1", &TONES).await;
    looking.sees_picture_of(&chair).await;

    sharing.press("screen-toggle").await;
    looking.sees("[data-testid=screen-tile].has-picture").await;
    let [width, height]: [u32; 2] = looking
        .tab
        .run(
            "const { videoWidth, videoHeight } = document.querySelector('[data-testid=screen-tile] video');
             return [videoWidth, videoHeight];",
        )
        .await;
    println!("the screen is {width}x{height}");
    assert!(width >= 640, "as large as it is: {width}x{height}");
    // Whoever shares is seen on, beside it.
    let from = wall_ms();
    pass(Duration::from_secs(3)).await;
    let picture = looking.picture_of(&chair, from, wall_ms()).await;
    assert!(picture.fps >= 10.0, "{picture:?}");

    // To be looked at.
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/screens");
    for (width, height) in [(390, 844), (1280, 800)] {
        looking.tab.resize(width, height).await;
        pass(Duration::from_secs(1)).await;
        let file = folder.join(format!("shared-{width}x{height}.png"));
        looking.tab.screenshot(&file).await;
    }

    sharing.press("screen-toggle").await;
    looking
        .sees_no("[data-testid=screen-tile]", Duration::from_secs(2))
        .await;
}
