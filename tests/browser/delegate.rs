//! A delegate's whole part at the table: by the mouse, by the keyboard alone, by a finger on a phone, and
//! the main path in Firefox.

use std::time::Duration;

use crate::{
    PEOPLE, TONES, stage,
    support::{
        browser::Browser,
        pass,
        seat::{PATIENCE, Seat},
        server::Server,
    },
};

/// What a delegate presses with.
#[derive(Debug, Clone, Copy, PartialEq)]
enum By {
    Mouse,
    Keys,
    Finger,
}

/// One delegate and the way they press.
struct Hand<'a> {
    seat: &'a Seat,
    by: By,
}

impl Hand<'_> {
    async fn press(&self, testid: &str) {
        let selector = format!("[data-testid='{testid}']");
        match self.by {
            By::Mouse => {
                self.seat.tab.click(&selector).await;
            }
            By::Finger => {
                // Two touches of one place within half a second are a double one.
                pass(Duration::from_millis(600)).await;
                self.seat.tab.touch(&selector).await;
            }
            By::Keys => {
                self.seat
                    .sees(&format!("{selector}:not(:disabled, [aria-disabled])"))
                    .await;
                self.seat.tab.reach(&selector).await;
                self.seat.tab.key("Space").await;
            }
        }
    }

    async fn write(&self, testid: &str, text: &str) {
        if self.by == By::Keys {
            let selector = format!("[data-testid='{testid}']");
            self.seat.tab.reach(&selector).await;
        } else {
            self.press(testid).await;
        }
        self.seat.tab.types(text).await;
    }

    /// The own state is seen whatever is done.
    async fn is(&self, state: &str) {
        self.seat.is(state).await;
        let inside: bool = self
            .seat
            .tab
            .run(
                "const r = document.querySelector('[data-testid=own-state]').getBoundingClientRect(); \
                 return r.top >= 0 && r.bottom <= innerHeight && r.width > 0;",
            )
            .await;
        assert!(inside, "{:?}: the own state is not seen", self.by);
    }
}

/// Everything that a delegate does in the room.
async fn plays_the_part(hand: &Hand<'_>, chair: &Seat) {
    let Hand { seat, by } = hand;
    let member = &seat.member;

    // Hands, and what is asked for otherwise.
    hand.press("raise-hand").await;
    hand.is("waiting").await;
    seat.sees("[data-testid=own-state][data-next]").await;
    hand.press("lower-hand").await;
    hand.is("idle").await;
    for kind in ["point_of_order", "response"] {
        hand.press("hand-menu").await;
        hand.press(&format!("request-{kind}")).await;
        hand.is("waiting").await;
        chair
            .state_says(&format!("state.queue[0]?.kind === '{kind}'"))
            .await;
        hand.press("lower-hand").await;
        hand.is("idle").await;
    }

    // A turn.
    hand.press("raise-hand").await;
    hand.is("waiting").await;
    chair.press("next-speaker").await;
    hand.is("speaking").await;
    chair
        .sees(&format!("[data-testid=speaker-tile][data-member={member}]"))
        .await;
    chair
        .says("[data-testid=speaker-tile] .tile-clock", ":")
        .await;
    hand.press("mic-toggle").await;
    hand.is("muted").await;
    hand.press("mic-toggle").await;
    hand.is("speaking").await;
    hand.press("finish-speaking").await;
    hand.is("idle").await;

    // Pictures: who is seen, and going without.
    chair.sees_picture_of(member).await;
    hand.press("gallery-toggle").await;
    seat.sees_no("[data-testid=speaker-tile]", PATIENCE).await;
    hand.press("gallery-toggle").await;
    seat.sees("[data-testid=speaker-tile]").await;
    hand.press("camera-toggle").await;
    let picture = format!("[data-testid=video-tile][data-member={member}]");
    chair.sees_no(&picture, PATIENCE).await;
    hand.press("camera-toggle").await;
    chair.sees(&picture).await;
    hand.press("quality").await;
    hand.press("sound-only").await;
    hand.press("quality-done").await;
    seat.sees_no("[data-testid=quality-dialog]", PATIENCE).await;
    chair.sees_no(&picture, PATIENCE).await;
    pass(Duration::from_secs(1)).await;
    let before = seat.received_picture_packets().await;
    pass(Duration::from_secs(1)).await;
    let more = seat.received_picture_packets().await - before;
    assert_eq!(more, 0, "packets of pictures in sound only");
    hand.press("show-pictures").await;
    // The button is gone, and the focus is not.
    seat.tab
        .wait_for("document.activeElement.matches('[data-home]')", PATIENCE)
        .await;
    chair.sees(&picture).await;
    seat.sees(&format!(
        "[data-testid=video-tile][data-member={}].has-picture",
        chair.member
    ))
    .await;

    // A phone has no screen to share.
    if *by != By::Finger {
        hand.press("screen-toggle").await;
        chair.sees("[data-testid=screen-tile]").await;
        hand.press("screen-toggle").await;
        chair.sees_no("[data-testid=screen-tile]", PATIENCE).await;
    }
    hand.press("devices-button").await;
    seat.sees("[data-testid=devices-dialog] [data-testid=media-way][data-way=udp]")
        .await;
    hand.press("devices-done").await;

    // The panel's pages: tabs are gone through by arrows, of which a mouse needs none.
    says_something(hand, chair, "May I see the draft?").await;
    open(hand, "register").await;
    hand.write("recommendation-text", "A joint exercise").await;
    hand.press("recommendation.propose").await;
    chair
        .state_says(&format!(
            "state.recommendations.some(({{ proposer }}) => proposer === '{member}')"
        ))
        .await;
    // When it was, in the event's zone and in their own.
    for page in ["chat", "agenda"] {
        open(hand, page).await;
        let written = format!("document.querySelector('[data-testid=page-{page}]').innerText");
        hand.seat
            .tab
            .wait_for(
                &format!("/\\d\\d:\\d\\d \\(\\d\\d:\\d\\d\\)/.test({written})"),
                PATIENCE,
            )
            .await;
    }
    for page in ["times", "floor"] {
        open(hand, page).await;
    }
}

/// Opens a page of the panel.
async fn open(hand: &Hand<'_>, page: &str) {
    let tab = format!("[data-testid='tab-{page}']");
    if hand.by == By::Keys {
        // The open page's tab alone is a stop of the Tab key.
        hand.seat.tab.reach("[role=tab][aria-selected=true]").await;
        for _ in 0..5 {
            let there = format!("return document.activeElement.matches(`{tab}`);");
            if hand.seat.tab.run(&there).await {
                break;
            }
            hand.seat.tab.key("ArrowRight").await;
        }
    } else {
        hand.press(&format!("tab-{page}")).await;
    }
    hand.seat.sees(&format!("{tab}[aria-selected=true]")).await;
    if hand.by == By::Finger {
        hand.seat
            .tab
            .wait_for(&format!("({BEGINS})('{page}')"), PATIENCE)
            .await;
    }
}

/// Whether a page of the panel can be read: it ends above the own bar, or begins well above it.
const BEGINS: &str = "(page) => { \
    const { top, bottom } = document.querySelector(`[data-testid=page-${page}]`).getBoundingClientRect(); \
    const bar = document.querySelector('.bar').getBoundingClientRect().top; \
    return bottom <= bar || bar - top >= 180; }";

async fn says_something(hand: &Hand<'_>, chair: &Seat, text: &str) {
    open(hand, "chat").await;
    hand.write("chat-text", text).await;
    hand.press("chat.send").await;
    chair
        .state_says(&format!(
            "state.chat.some((said) => said.text === '{text}' && said.member === '{}')",
            hand.seat.member
        ))
        .await;
}

async fn leaves(hand: &Hand<'_>, chair: &Seat) {
    hand.press("leave-button").await;
    hand.press("confirm-accept").await;
    hand.seat.sees("[data-testid=left]").await;
    chair
        .state_says(&format!("!state.members.has('{}')", hand.seat.member))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delegate_does_everything_by_mouse_by_keys_and_by_finger() {
    let _stage = stage().await;
    let server = Server::start(Some("session-1:request:1")).await;
    let browsers = [
        Browser::chromium(PEOPLE[0]).await,
        Browser::chromium(PEOPLE[1]).await,
    ];
    let chair_member = server.members("chair")[0].clone();
    let chair = Seat::join(&browsers[0], &server, &chair_member, &TONES).await;
    for (by, member) in [
        (By::Mouse, "indonesia-1"),
        (By::Keys, "malaysia-1"),
        (By::Finger, "russia-1"),
    ] {
        println!("{by:?}");
        let seat = Seat::open(&browsers[1], &server, member, &[]).await;
        if by == By::Finger {
            seat.tab.be_a_phone().await;
        }
        let hand = Hand { seat: &seat, by };
        hand.write("name-input", "Dr").await;
        seat.tab
            .wait_for("roundtable.devices.camera !== null", PATIENCE)
            .await;
        hand.press("join-button").await;
        seat.is_in().await;
        chair
            .state_says(&format!(
                "state.members.get('{member}')?.name.includes('Dr')"
            ))
            .await;
        plays_the_part(&hand, &chair).await;
        leaves(&hand, &chair).await;
        let complaints = seat.tab.complaints();
        assert!(complaints.is_empty(), "the page complains: {complaints:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delegate_takes_part_in_firefox() {
    const FIREFOX_TONE: u32 = 770;
    let _stage = stage().await;
    let server = Server::start(Some("session-1:request:1")).await;
    let chromium = Browser::chromium(PEOPLE[0]).await;
    let firefox = Browser::firefox(FIREFOX_TONE).await;
    let chair_member = server.members("chair")[0].clone();
    let chair = Seat::join(&chromium, &server, &chair_member, &[FIREFOX_TONE]).await;
    let seat = Seat::join(&firefox, &server, "indonesia-1", &[]).await;
    let hand = Hand {
        seat: &seat,
        by: By::Mouse,
    };
    hand.press("raise-hand").await;
    hand.is("waiting").await;
    hand.press("lower-hand").await;
    hand.is("idle").await;
    hand.press("raise-hand").await;
    hand.is("waiting").await;
    let given = chair.press("next-speaker").await;
    hand.is("speaking").await;
    chair.hears(FIREFOX_TONE, given, crate::AT_ONCE_MS).await;
    chair.sees_picture_of("indonesia-1").await;
    seat.sees_picture_of(&chair_member).await;
    hand.press("finish-speaking").await;
    hand.is("idle").await;
    open(&hand, "chat").await;
    seat.tab
        .fill("[data-testid=chat-text]", "Thank you, Chair.")
        .await;
    hand.press("chat.send").await;
    chair
        .state_says("state.chat.some(({ text }) => text === 'Thank you, Chair.')")
        .await;
    leaves(&hand, &chair).await;
}
