//! Before the room: the path is tried at the check, and the check days before is reported.

use std::time::Duration;

use serde_json::Value;

use crate::{
    PEOPLE, stage,
    support::{
        browser::Browser,
        cable::{Cable, Conditions},
        server::Server,
        tab::Tab,
    },
};

/// The test takes five seconds once a path stands, and seven more where one never does.
const VERDICT_MAX: Duration = Duration::from_secs(25);

async fn verdict(tab: &Tab) -> (String, String) {
    tab.wait_for(
        "document.querySelector('[data-testid=path]')?.dataset.verdict",
        VERDICT_MAX,
    )
    .await;
    tab.run(
        "const path = document.querySelector('[data-testid=path]'); \
         return [path.dataset.verdict, path.querySelector('[data-testid=path-verdict]').textContent];",
    )
    .await
}

/// The round trip that was measured on a way, in ms; none where nothing passes.
async fn rtt(tab: &Tab, way: &str) -> Option<f64> {
    let rtt: Option<String> = tab
        .run(&format!(
            "return document.querySelector('[data-testid=path-way][data-way={way}]').dataset.rtt ?? null;"
        ))
        .await;
    rtt.map(|rtt| rtt.parse().expect("a number"))
}

/// Long before the session, which stays as it is: the whole check by its own link, its report, and
/// what a weak line, a blocked one and a press of the button make of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_is_judged_and_reported_before_any_session_is_open() {
    let _stage = stage().await;
    let server = Server::start(None).await;
    let browser = Browser::chromium(PEOPLE[0]).await;

    // Directly, by the link of its own.
    let cable = Cable::lay(&server).await;
    let check = cable.link(&server.link("indonesia-1").url);
    let check = check.replace("/join#", "/check#");
    let tab = browser.tab("the check", &check).await;
    let (way, words) = verdict(&tab).await;
    println!("directly: {words}");
    assert_eq!(way, "udp", "{words}");
    assert!(words.starts_with("Good: direct (UDP), "), "{words}");
    assert!(words.contains("nothing lost"), "{words}");
    assert!(rtt(&tab, "udp").await.is_some_and(|ms| ms < 100.0));
    tab.click("[data-testid=test-sound]").await;
    tab.click("[data-testid=heard-yes]").await;
    let sent = "document.querySelector('[data-testid=preflight-sent]').dataset.state === 'sent'";
    tab.wait_for(sent, Duration::from_secs(10)).await;
    // When, in the event's zone and in one's own.
    for words in ["[data-testid=preflight-sent]", ".programme .muted"] {
        let both = format!(
            "/\\d\\d:\\d\\d \\(\\d\\d:\\d\\d\\)/.test(document.querySelector('{words}').textContent)"
        );
        tab.wait_for(&both, Duration::from_secs(10)).await;
    }
    for kind in ["microphone", "camera", "speaker", "path"] {
        let good = format!(
            "document.querySelector('[data-testid=finding][data-kind={kind}]').dataset.grade === 'good'"
        );
        tab.wait_for(&good, Duration::from_secs(10)).await;
    }
    let nowhere: bool = tab
        .run("return document.querySelector('[data-testid=join-button]').checkVisibility();")
        .await;
    assert!(!nowhere, "this link joins nothing");

    // The line gets slow and loses some: the same button says so, and the organiser learns of it.
    cable.put_through(Conditions {
        loss: 0.10,
        delay: Duration::from_millis(60),
        rate: None,
    });
    tab.click("[data-testid='check.offer']").await;
    let weak = "document.querySelector('[data-testid=path]').dataset.grade === 'fair'";
    tab.wait_for(weak, VERDICT_MAX).await;
    let kept: bool = tab
        .run("return document.activeElement.dataset.testid === 'check.offer';")
        .await;
    assert!(kept, "whoever pressed it is still there");
    let (way, words) = verdict(&tab).await;
    println!("on a weak line: {words}");
    assert_eq!(way, "udp", "{words}");
    let slow = rtt(&tab, "udp").await.expect("measured");
    assert!((115.0..250.0).contains(&slow), "{slow} ms, of 120");
    tab.wait_for(sent, Duration::from_secs(10)).await;
    let token = server.command(&["token", "--event", "nartt-2020", "--scope", "read"]);
    let listed: Value = tab
        .run(&format!(
            "const answer = await fetch('/api/v1/events/nartt-2020/checks', \
               {{ headers: {{ Authorization: 'Bearer {}' }} }}); \
             return (await answer.json()).checks;",
            token.trim()
        ))
        .await;
    println!("{listed}");
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!(listed[0]["member"], "indonesia-1");
    assert_eq!(listed[0]["rtt_ms"].as_f64(), Some(slow), "{listed}");
    assert!(listed[0]["loss_pct"].as_u64() > Some(2), "{listed}");
    assert_eq!(listed[0]["speaker"], true, "{listed}");
    drop(tab);

    // Where no datagram passes; at the ordinary check, which somebody without devices passes too.
    let cable = Cable::lay_without_udp(&server).await;
    let observer = &server.members("observer")[0];
    let tab = browser
        .tab("without UDP", &cable.link(&server.link(observer).url))
        .await;
    let (way, words) = verdict(&tab).await;
    println!("without UDP: {words}");
    assert_eq!(way, "tcp", "{words}");
    assert!(cable.lost_datagrams() > 0, "UDP was tried");
    assert_eq!(rtt(&tab, "udp").await, None);
    assert!(rtt(&tab, "tcp").await.is_some_and(|ms| ms < 100.0));
    let complaints = tab.complaints();
    assert!(complaints.is_empty(), "the page complains: {complaints:?}");
    assert_eq!(server.stop(), Some(0), "the server ends cleanly");
}
