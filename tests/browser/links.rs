//! What people see whose link or device fails, or whom a chair removes.

use crate::{
    PEOPLE, stage,
    support::{
        browser::Browser,
        seat::{PATIENCE, Seat},
        server::Server,
    },
};

/// A camera and a microphone are there from now on, as once they were plugged in.
const PLUGGED_IN: &str = "
    navigator.mediaDevices.getUserMedia = async ({ video }) => {
      if (!video) return new AudioContext().createMediaStreamDestination().stream;
      const canvas = document.createElement('canvas');
      canvas.getContext('2d');
      return canvas.captureStream();
    };";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_no_devices_joins_listening() {
    let _stage = stage().await;
    let server = Server::start(Some("session-1")).await;
    let browser = Browser::chromium_without_devices().await;
    let seat = Seat::open(&browser, &server, "indonesia-1", &[]).await;
    seat.sees("[data-testid=device-problem][data-code=missing]")
        .await;
    // The buttons do what they say, though nothing was there before.
    let () = seat.tab.run(PLUGGED_IN).await;
    seat.press("check-camera-toggle").await;
    seat.press("check-mic-toggle").await;
    seat.tab
        .wait_for(
            "roundtable.devices.camera !== null && roundtable.devices.microphone !== null",
            PATIENCE,
        )
        .await;
    seat.press("join-listening-button").await;
    seat.is_in().await;
    seat.sees("[data-testid=member-row][data-member=indonesia-1]")
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_cannot_come_in_is_told_why() {
    let _stage = stage().await;
    let server = Server::start(Some("session-1")).await;
    let browser = Browser::chromium(PEOPLE[0]).await;

    let link = server.link("indonesia-1").url.clone();
    let (before, last) = link.split_at(link.len() - 8);
    let damaged = format!("{before}{}", last.chars().rev().collect::<String>());
    let nowhere = link.split_once('#').expect("a token").0;
    for (url, code) in [(damaged.as_str(), "link_invalid"), (nowhere, "no_link")] {
        let tab = browser.tab(code, url).await;
        tab.wait_for(
            &format!("document.querySelector('[data-testid=fatal][data-code={code}]')"),
            PATIENCE,
        )
        .await;
    }

    let chair = Seat::join(&browser, &server, &server.members("chair")[0], &[]).await;
    let removed = Seat::join(&browser, &server, "malaysia-1", &[]).await;
    // A screen alone is on.
    removed.press("screen-toggle").await;
    chair.sees("[data-testid=screen-tile]").await;
    let () = removed
        .tab
        .run(
            "for (const kind of ['microphone', 'camera']) roundtable.devices.close(kind); \
             window.shared = roundtable.devices.screen;",
        )
        .await;
    chair.press("tab-people").await;
    let row = "[data-testid=member-row][data-member=malaysia-1]";
    chair.tab.click(&format!("{row} [data-testid=more]")).await;
    chair
        .tab
        .click(&format!("{row} [data-testid=remove]"))
        .await;
    chair.press("confirm-accept").await;
    removed.sees("[data-testid=fatal][data-code=removed]").await;
    // It goes off with its member, and so does what is permitted only then.
    let off = "shared.readyState === 'ended' && roundtable.devices.screen === null";
    removed.tab.wait_for(off, PATIENCE).await;
    let off: bool = removed
        .tab
        .run("await roundtable.devices.open('camera'); return roundtable.devices.camera === null;")
        .await;
    assert!(off, "a camera is on after the removal");
    chair.sees_no(row, std::time::Duration::from_secs(2)).await;

    let revoked = Seat::join(&browser, &server, "russia-1", &[]).await;
    server.command(&["invite", "--revoke-member", "russia-1"]);
    revoked
        .sees("[data-testid=fatal][data-code=link_revoked]")
        .await;
}
