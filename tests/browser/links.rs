//! What people see whose link or device fails, or whom a chair removes.

use crate::{
    PEOPLE, stage,
    support::{browser::Browser, seat::Seat, server::Server},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_no_devices_joins_listening() {
    let _stage = stage().await;
    let server = Server::start(Some("session-1")).await;
    let browser = Browser::chromium_without_devices().await;
    let seat = Seat::open(&browser, &server, "indonesia-1", &[]).await;
    seat.sees("[data-testid=device-problem][data-code=missing]")
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
            crate::support::seat::PATIENCE,
        )
        .await;
    }

    let chair = Seat::join(&browser, &server, &server.members("chair")[0], &[]).await;
    let removed = Seat::join(&browser, &server, "malaysia-1", &[]).await;
    chair.press("tab-people").await;
    let row = "[data-testid=member-row][data-member=malaysia-1]";
    chair.tab.click(&format!("{row} [data-testid=more]")).await;
    chair
        .tab
        .click(&format!("{row} [data-testid=remove]"))
        .await;
    chair.press("confirm-accept").await;
    removed.sees("[data-testid=fatal][data-code=removed]").await;
    chair.sees_no(row, std::time::Duration::from_secs(2)).await;

    let revoked = Seat::join(&browser, &server, "russia-1", &[]).await;
    server.command(&["invite", "--revoke-member", "russia-1"]);
    revoked
        .sees("[data-testid=fatal][data-code=link_revoked]")
        .await;
}
