//! The page for everybody: axe-core on every screen in the three languages, light and dark, and where
//! text stands, on a desk and on a phone, also at twice its size.
//!
//! `tests/run` brings axe-core into `target/axe`. What is looked for, and how, is in
//! `support/access_checks.js`.

use std::{fs, path::Path, time::Duration};

use crate::{
    PEOPLE, stage,
    support::{
        browser::Browser,
        pass,
        seat::{PATIENCE, Seat},
        server::Server,
        tab::Tab,
    },
};

const DESK: (u32, u32) = (1280, 800);
const PHONE: (u32, u32) = (390, 844);

/// A browser's usual text size in pixels; the tests also read at twice that.
const TEXT_PX: u32 = 16;

/// The page of one member, looked at with everything that is found wrong kept for the end.
struct Look<'a> {
    tab: &'a Tab,
    found: &'a mut Vec<String>,
}

impl<'a> Look<'a> {
    async fn at(tab: &'a Tab, found: &'a mut Vec<String>) -> Self {
        let axe = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("target/axe/node_modules/axe-core/axe.min.js");
        let axe = fs::read_to_string(&axe)
            .unwrap_or_else(|error| panic!("{}: {error}; tests/run installs it", axe.display()));
        let checks = include_str!("support/access_checks.js");
        let () = tab.run(&format!("{axe}\n{checks}")).await;
        Self { tab, found }
    }

    /// The screen as it stands, or its dialog; `part`, a selector, is all that axe-core looks at.
    async fn over(&mut self, screen: &str, part: &str) {
        self.tab.resize(DESK.0, DESK.1).await;
        for scheme in ["light", "dark"] {
            self.tab.emulate(scheme).await;
            let audit = format!("return await access.audit({part:?});");
            self.keep(&format!("{screen}, {scheme}"), &audit).await;
        }
        self.tab.emulate("light").await;
        for (size, text) in [("usual", TEXT_PX), ("twice the", TEXT_PX * 2)] {
            self.tab.set_text_size(text).await;
            for (width, height) in [DESK, PHONE] {
                self.tab.resize(width, height).await;
                // A picture's size follows its place, and a list its scrolling.
                pass(Duration::from_millis(300)).await;
                let at = format!("{screen}, {size} size, {width} wide");
                self.keep(&at, "return await access.layout();").await;
                self.picture(&at).await;
            }
        }
        self.tab.set_text_size(TEXT_PX).await;
        self.tab.resize(DESK.0, DESK.1).await;
    }

    /// A picture to look at, in `target/screens`, in the language with the longest words.
    async fn picture(&self, at: &str) {
        let () = self
            .tab
            .run("(await import('/assets/texts.js')).chooseLanguage('ru');")
            .await;
        let name = at.replace(", ", "-").replace([' ', ':', '\''], "-");
        let file = format!("target/screens/access-{name}.png");
        self.tab
            .screenshot(&Path::new(env!("CARGO_MANIFEST_DIR")).join(file))
            .await;
    }

    /// Shows a room in which everything is (see `fill` in the script).
    async fn fill(&self, member: &str, own: &str) {
        let () = self
            .tab
            .run(&format!("await access.fill({member:?}, {own:?});"))
            .await;
    }

    /// Each page of the panel.
    async fn tabs(&mut self) {
        let tabs: Vec<String> = self
            .tab
            .run("return [...document.querySelectorAll('[role=tab]')].map((tab) => tab.dataset.testid);")
            .await;
        assert!(tabs.len() > 3, "{tabs:?}");
        for tab in &tabs {
            self.tab.click(&format!("[data-testid={tab}]")).await;
            self.over(tab, ".panel").await;
        }
        self.tab.click(&format!("[data-testid={}]", tabs[0])).await;
    }

    /// The dialog that a control opens, closed again.
    async fn in_dialog(&mut self, control: &str) {
        self.tab.click(&format!("[data-testid={control}]")).await;
        self.over(control, "dialog").await;
        self.close_dialog().await;
    }

    async fn close_dialog(&self) {
        let () = self
            .tab
            .run("document.querySelector('dialog[open]').close();")
            .await;
    }

    async fn keep(&mut self, at: &str, script: &str) {
        let wrong: Vec<String> = self.tab.run(script).await;
        self.found
            .extend(wrong.into_iter().map(|what| format!("{at}, {what}")));
    }
}

/// The whole visit, of a delegate and of a chair.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_screen_is_for_everybody() {
    let _stage = stage().await;
    let server = Server::start(None).await;
    let browser = Browser::chromium(PEOPLE[0]).await;
    let mut found = Vec::new();

    let delegate = Seat::open(&browser, &server, "indonesia-1", &[]).await;
    let mut look = Look::at(&delegate.tab, &mut found).await;
    look.over("check", "").await;
    delegate.press_join().await;
    delegate.sees("[data-testid=waiting]").await;
    // The pressed button is gone, and the focus is not.
    let home = "document.activeElement.matches('h1[data-home]')";
    delegate.tab.wait_for(home, PATIENCE).await;
    look.over("waiting", "").await;

    let chair_member = server.members("chair")[0].clone();
    let chair = Seat::join(&browser, &server, &chair_member, &[]).await;
    for request in ["'session.configure', { lobby: true }", "'session.open'"] {
        let () = chair
            .tab
            .run(&format!("await roundtable.protocol.request({request});"))
            .await;
    }
    delegate
        .sees("[data-testid=lobby][data-state=waiting]")
        .await;
    look.over("lobby", "").await;
    chair.press_on("lobby.refuse", "indonesia-1").await;
    delegate
        .sees("[data-testid=lobby][data-state=refused]")
        .await;
    look.over("refused", "").await;
    delegate.press("lobby-ask-again").await;
    chair.press_on("lobby.admit", "indonesia-1").await;
    delegate.is_in().await;
    let told = "document.activeElement.matches('[data-testid=room] h1')";
    delegate.tab.wait_for(told, PATIENCE).await;
    look.over("room", "").await;
    look.fill("indonesia-1", "none").await;
    look.over("full room", "").await;
    for dialog in ["hand-menu", "devices-button", "quality", "leave-button"] {
        look.in_dialog(dialog).await;
    }
    look.tabs().await;
    look.fill("indonesia-1", "speaking").await;
    look.over("speaking", "").await;
    look.fill("indonesia-1", "asked").await;
    delegate.sees("[data-testid=unmute-dialog]").await;
    look.over("asked to unmute", "dialog").await;
    look.close_dialog().await;

    let mut look = Look::at(&chair.tab, &mut found).await;
    look.over("chair's room", "").await;
    look.fill(&chair_member, "none").await;
    look.over("chair's full room", "").await;
    for dialog in ["floor-settings", "session-menu", "close-session"] {
        look.in_dialog(dialog).await;
    }
    let () = chair
        .tab
        .run("document.dispatchEvent(new KeyboardEvent('keydown', { key: '?' }));")
        .await;
    chair.sees("[data-testid=keys-dialog]").await;
    look.over("keys", "dialog").await;
    look.close_dialog().await;
    look.tabs().await;
    chair.press("leave-button").await;
    chair.press("confirm-accept").await;
    chair.sees("[data-testid=left]").await;
    look.over("left", "").await;

    let origin = server.link("indonesia-1").url.clone();
    let origin = origin.split("/join").next().expect("an origin");
    for (ending, rest) in [("no_link", ""), ("link_invalid", "#nobody")] {
        let tab = browser
            .measured_tab(ending, &format!("{origin}/join{rest}"))
            .await;
        sees(&tab, &format!("[data-testid=fatal][data-code={ending}]")).await;
        let mut look = Look::at(&tab, &mut found).await;
        look.over(ending, "").await;
    }
    assert!(found.is_empty(), "{}:\n{}", found.len(), found.join("\n"));
}

/// The check days before, at each of its ends, and the organiser's board with what it was told there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_check_days_before_and_the_board_are_for_everybody() {
    let _stage = stage().await;
    let server = Server::start(Some("session-1")).await;
    let browser = Browser::chromium(PEOPLE[0]).await;
    let mut found = Vec::new();
    let at = |member: &str, page: &str| {
        let url = &server.link(member).url;
        url.replacen("/join#", &format!("/{page}#"), 1)
    };

    let check = browser
        .measured_tab("the check", &at("malaysia-1", "check"))
        .await;
    sees(&check, "[data-testid=path][data-verdict]").await;
    let mut look = Look::at(&check, &mut found).await;
    look.over("path tried", "").await;
    check.click("[data-testid=test-sound]").await;
    check.click("[data-testid=heard-yes]").await;
    sees(&check, "[data-testid=preflight-sent][data-state=sent]").await;
    look.over("check reported", "").await;
    drop(check);

    let _here = Seat::join(&browser, &server, "indonesia-1", &[]).await;
    let organiser = server.members("organiser")[0].clone();
    let board = browser
        .measured_tab("board", &at(&organiser, "board"))
        .await;
    sees(
        &board,
        "[data-testid=board-row][data-member=indonesia-1] [data-kind=in]",
    )
    .await;
    let mut look = Look::at(&board, &mut found).await;
    look.over("board", "").await;
    for (dialog, control) in [
        ("a new link", "[data-testid=link-new][data-member=russia-1]"),
        (
            "a link withdrawn",
            "[data-testid=link-withdraw][data-member=russia-1]",
        ),
        ("the record", "[data-testid=record-open]"),
    ] {
        board.click(control).await;
        sees(&board, "dialog[open]").await;
        look.over(dialog, "dialog").await;
        look.close_dialog().await;
    }
    board
        .click("[data-testid=link-new][data-member=russia-1]")
        .await;
    board.click("[data-testid=link-make]").await;
    sees(&board, "[data-testid=link-text]").await;
    look.over("the link made", "dialog").await;
    drop(board);

    let refused = browser
        .measured_tab("no organiser", &at("indonesia-1", "board"))
        .await;
    sees(&refused, "[data-testid=board-refusal]").await;
    let mut look = Look::at(&refused, &mut found).await;
    look.over("board refused", "").await;
    assert!(found.is_empty(), "{}:\n{}", found.len(), found.join("\n"));
}

async fn sees(tab: &Tab, selector: &str) {
    tab.wait_for(
        &format!("document.querySelector('{selector}') !== null"),
        PATIENCE,
    )
    .await;
}
