//! The organiser's board beside a running session: who is there and how well, links, the record.

use std::{path::PathBuf, time::Duration};

use crate::{
    PEOPLE, stage,
    support::{
        browser::Browser,
        pass,
        seat::{PATIENCE, Seat},
        server::Server,
        tab::Tab,
        wall_ms,
    },
};

/// How soon the page of a member whose link is withdrawn says so, in ms: a second, and a
/// moment for the test to see it.
const PUT_OUT_MS: f64 = 2000.0;

/// Where a member's invite link opens the board instead.
fn board_url(server: &Server, member: &str) -> String {
    server.link(member).url.replacen("/join#", "/board#", 1)
}

/// A part of a member's row.
fn row(member: &str, part: &str) -> String {
    format!("[data-testid=board-row][data-member={member}] {part}")
}

async fn says(tab: &Tab, selector: &str, words: &str) {
    let said = format!("document.querySelector('{selector}')?.innerText.includes('{words}')");
    tab.wait_for(&said, PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organiser_sees_who_is_there_and_gives_and_takes_links() {
    let _stage = stage().await;
    let server = Server::start(Some("session-1")).await;
    let browser = Browser::chromium(PEOPLE[0]).await;
    let stays = Seat::join(&browser, &server, "indonesia-1", &[]).await;
    let leaves = Seat::join(&browser, &server, "malaysia-1", &[]).await;
    let organiser = server.members("organiser")[0].clone();
    let board = browser.tab("board", &board_url(&server, &organiser)).await;

    // Who is there, by which way, and how well.
    for member in ["indonesia-1", "malaysia-1"] {
        let line = row(member, "[data-testid=row-line]");
        says(&board, &line, "UDP").await;
        board
            .wait_for(
                &format!(
                    "['good', 'fair'].includes(document.querySelector('{line}').dataset.kind)"
                ),
                PATIENCE,
            )
            .await;
    }
    says(
        &board,
        &row("russia-1", "[data-testid=row-place]"),
        "Not here",
    )
    .await;
    says(&board, "[data-testid=summary-here]", "2 here now").await;
    says(
        &board,
        "[data-testid=board-session][data-session=session-1]",
        "Live",
    )
    .await;

    says(&board, "[data-testid=updated]", "(Jakarta time)").await;

    // A new link opens the meeting.
    board
        .click("[data-testid=link-new][data-member=russia-1]")
        .await;
    board.click("[data-testid=link-make]").await;
    board
        .wait_for(
            "document.querySelector('[data-testid=link-text]')",
            PATIENCE,
        )
        .await;
    let link: String = board
        .run("return document.querySelector('[data-testid=link-text]').value;")
        .await;
    let invited = browser.tab("russia-1", &link).await;
    invited
        .wait_for(
            "document.querySelector('[data-testid=join-button]:not([aria-disabled])')",
            PATIENCE,
        )
        .await;
    drop(invited);
    board
        .click("[data-testid=link-made-dialog] .dialog-buttons .button")
        .await;

    // A withdrawn one puts its member out.
    board
        .click("[data-testid=link-withdraw][data-member=malaysia-1]")
        .await;
    let pressed = board.click("[data-testid=confirm-accept]").await;
    leaves
        .sees("[data-testid=fatal][data-code=link_revoked]")
        .await;
    let after = wall_ms() - pressed;
    assert!(after <= PUT_OUT_MS, "put out only after {after:.0} ms");
    board
        .wait_for(
            &format!(
                "document.querySelector('{}').dataset.kind !== 'in'",
                row("malaysia-1", "[data-testid=row-place]")
            ),
            PATIENCE,
        )
        .await;
    says(
        &board,
        &row("indonesia-1", "[data-testid=row-place]"),
        "Here",
    )
    .await;
    assert!(stays.is_connected().await, "somebody else was put out too");

    // Where nobody is found all are shown again, and the focus goes with no button.
    board.fill("[data-testid=search]", "nobody at all").await;
    board.click("[data-testid=board] .nobody .button").await;
    let home = "document.activeElement.matches('[data-home]')";
    board.wait_for(home, PATIENCE).await;

    saves_the_record(&board).await;
    fits(&board).await;
    is_for_organisers(&browser, &server).await;
    assert_eq!(board.complaints(), Vec::<String>::new());
}

/// What the buttons of the record hand to the browser as files.
async fn saves_the_record(board: &Tab) {
    let () = board
        .run(
            "window.saved = []; const make = URL.createObjectURL.bind(URL); \
             URL.createObjectURL = (blob) => { saved.push(blob); return make(blob); };",
        )
        .await;
    board.click("[data-testid=record-open]").await;
    board.click("[data-testid=record-md]").await;
    board.wait_for("saved.length === 1", PATIENCE).await;
    board.click("[data-testid=record-attendance]").await;
    board.wait_for("saved.length === 2", PATIENCE).await;
    board.click("[data-testid=dialog-close]").await;
    let saved: Vec<String> = board
        .run("return Promise.all(saved.map((blob) => blob.text()));")
        .await;
    assert!(
        saved[0].contains("Second Meeting of the Network of ASEAN-Russia Think-Tanks"),
        "{}",
        saved[0]
    );
    assert!(saved[1].contains("\"indonesia-1\""), "{}", saved[1]);
}

/// Pictures to look at, in `target/screens`: nothing may be cut off, on a desk and on a phone.
async fn fits(board: &Tab) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/screens");
    for (width, height) in [(1280, 800), (390, 844)] {
        board.resize(width, height).await;
        pass(Duration::from_secs(1)).await;
        let file = folder.join(format!("board-{width}x{height}.png"));
        board.screenshot(&file).await;
        let wide: u32 = board
            .run("return document.documentElement.scrollWidth;")
            .await;
        assert!(wide <= width, "at {width}: the board is {wide} wide");
    }
}

/// Who has no organiser's token is told why there is no board.
async fn is_for_organisers(browser: &Browser, server: &Server) {
    let member = board_url(server, "indonesia-1");
    let nobody = member.split_once('#').expect("a token").0;
    let organiser = board_url(server, &server.members("organiser")[0]);
    let (before, last) = organiser.split_at(organiser.len() - 8);
    let damaged = format!("{before}{}", last.chars().rev().collect::<String>());
    for (url, code) in [
        (member.as_str(), "not_organiser"),
        (nobody, "no_link"),
        (damaged.as_str(), "refused"),
    ] {
        let tab = browser.tab(code, url).await;
        let refusal = format!("[data-testid=board-refusal][data-code={code}]");
        tab.wait_for(
            &format!("document.querySelector('{refusal}') !== null"),
            PATIENCE,
        )
        .await;
    }
    // What the board's rows are, without a room.
    let tab = browser.tab("modules", nobody).await;
    let script = include_str!("support/board_checks.js");
    let wrong: Vec<String> = tab
        .run(&format!(
            "{script}; return await boardChecks((name) => import(`/assets/${{name}}`));"
        ))
        .await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}
