//! The chair's desk, by the mouse and again by the keyboard alone: what the chair does is looked at in a
//! delegate's page.

use std::time::Duration;

use crate::{
    PEOPLE, stage,
    support::{
        desk::{Desk, HANDS, handle, item, on},
        pass,
        seat::PATIENCE,
        tab::Tab,
    },
};

/// Longer than the presses of a double one lie apart.
const APART: Duration = Duration::from_millis(600);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chair_runs_the_floor_by_mouse() {
    let _stage = stage().await;
    let desk = Desk::laid([PEOPLE[0], PEOPLE[1]], "session-1:request:1").await;
    let Desk {
        chair, delegate, ..
    } = &desk;
    desk.hands_up().await;
    chair.says("[data-testid=next-who]", "Malaysia").await;
    for member in HANDS {
        chair.sees(&item(member)).await;
    }

    // The last is dragged to the second place, and taken back; a drag that is given up moves nothing.
    chair
        .tab
        .drag(&handle("viet-nam-1"), &item("russia-1"), 0.2)
        .await;
    chair.sees(".drop-before").await;
    chair.tab.let_go().await;
    desk.order_is(&["malaysia-1", "viet-nam-1", "russia-1", "thailand-1"])
        .await;
    desk.takes_back("number 2").await;
    desk.order_is(&HANDS).await;
    chair
        .tab
        .drag(&handle("malaysia-1"), &item("viet-nam-1"), 0.9)
        .await;
    chair.sees(".drop-after").await;
    chair.tab.key("Escape").await;
    chair.sees_no(".drop-after", PATIENCE).await;
    chair.tab.let_go().await;
    desk.order_is(&HANDS).await;

    // A hand is taken off the list, and is at its place again.
    chair.press_on("more", "russia-1").await;
    chair.press_on("remove-hand", "russia-1").await;
    desk.order_is(&["malaysia-1", "thailand-1", "viet-nam-1"])
        .await;
    desk.takes_back("off the list").await;
    desk.order_is(&HANDS).await;

    // The floor to whoever has no hand up; stopped, and again.
    chair.press("tab-people").await;
    chair.press_on("grant", "indonesia-1").await;
    delegate.is("speaking").await;
    chair.press_on("stop", "indonesia-1").await;
    delegate.is("idle").await;
    desk.takes_back("was stopped").await;
    delegate.is("speaking").await;
    let limit = "state.turns[0].limit_ms";
    chair.press_on("floor.extend", "indonesia-1").await;
    desk.seen(&format!("{limit} === 360000")).await;
    chair.press_on("floor.extend-2", "indonesia-1").await;
    desk.seen(&format!("{limit} === 480000")).await;
    // Pressed twice on purpose, before the first is answered.
    let () = chair
        .tab
        .run(
            "const [more] = document.querySelectorAll('[data-testid=\"floor.extend\"]');
             more.click();
             more.click();",
        )
        .await;
    desk.seen(&format!("{limit} === 600000")).await;
    chair.press_on("pause-clock", "indonesia-1").await;
    desk.seen("state.turns[0].held").await;
    chair.press_on("resume-clock", "indonesia-1").await;
    desk.seen("!state.turns[0].held && state.turns[0].running")
        .await;
    chair.press("floor.priority").await;
    desk.seen("state.floor.priority === 'csis-1'").await;
    desk.takes_back("priority").await;
    desk.seen("!state.floor.priority").await;
    chair.state_says("!state.floor.priority").await;
    // A mute is not taken back, but asked to be.
    chair.press_on("mute", "indonesia-1").await;
    delegate.is("muted").await;
    desk.takes_back("Only they can unmute").await;
    delegate.press("unmute-accept").await;
    delegate.is("speaking").await;

    // “Next”, too early: who was speaking speaks again, and the hand is where it was.
    chair.press("tab-floor").await;
    chair.press("next-speaker").await;
    delegate.is("idle").await;
    desk.takes_back("has the floor").await;
    delegate.is("speaking").await;
    desk.order_is(&HANDS).await;

    // Nothing is taken back once others have gone on.
    chair.press_on("stop", "indonesia-1").await;
    chair.says("[data-testid=undo-text]", "was stopped").await;
    desk.come(&["mgimo-1"]).await;
    let after = "{ after_turn: roundtable.meeting.state.floor.last_turn }";
    desk.asks("mgimo-1", "floor.next", after).await;
    desk.seen("state.turns[0]?.member === 'malaysia-1'").await;
    chair.press("undo").await;
    chair.says("#notices", "others have gone on").await;
    desk.seen("state.turns.length === 1 && state.turns[0].member === 'malaysia-1'")
        .await;
    desk.asks("malaysia-1", "floor.yield", "{}").await;
    chair.state_says("state.turns.length === 0").await;
    // The list is higher where nobody speaks.
    pass(Duration::from_millis(300)).await;

    // A button that can do nothing now keeps the focus of who is at it.
    let raise = "[data-testid=raise-hand]";
    let () = delegate
        .tab
        .run(&format!("document.querySelector('{raise}').focus();"))
        .await;
    chair.press("floor.close_queue").await;
    desk.seen("state.floor.queue_closed").await;
    let kept = format!("document.activeElement.matches('{raise}[aria-disabled=true]')");
    delegate.tab.wait_for(&kept, PATIENCE).await;
    desk.takes_back("The list is closed").await;
    desk.seen("!state.floor.queue_closed").await;

    // A double press goes on by one.
    chair.press("next-speaker").await;
    desk.seen("state.turns[0]?.member === 'russia-1'").await;
    pass(APART).await;
    chair.tab.double_click("[data-testid=next-speaker]").await;
    desk.seen("state.turns[0]?.member === 'thailand-1'").await;
    pass(Duration::from_secs(1)).await;
    desk.seen("state.turns.length === 1 && state.turns[0].member === 'thailand-1'")
        .await;

    // Which of two is to stop, the chair has to say first.
    desk.asks("russia-1", "floor.request", "{}").await;
    let () = chair
        .tab
        .run("await roundtable.protocol.request('session.configure', { microphones: 2 });")
        .await;
    chair.press("next-speaker").await;
    desk.seen("state.turns.length === 2").await;
    chair
        .says("[data-testid=next-who]", "microphones are taken")
        .await;
    chair
        .sees("[data-testid=next-speaker][aria-disabled=true]")
        .await;
    desk.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chair_runs_the_session_by_mouse() {
    let _stage = stage().await;
    let desk = Desk::laid([PEOPLE[0], PEOPLE[1]], "session-1:request:1").await;
    let Desk {
        chair, delegate, ..
    } = &desk;

    // Everybody out of the lobby at once.
    let () = chair
        .tab
        .run("await roundtable.protocol.request('session.configure', { lobby: true });")
        .await;
    desk.seen("state.profile.lobby").await;
    desk.come(&HANDS).await;
    for member in HANDS {
        chair.sees(&on("lobby-row", member)).await;
    }
    chair.press_on("lobby.admit", "viet-nam-1").await;
    desk.seen("state.members.has('viet-nam-1')").await;
    desk.takes_back("was let in").await;
    desk.seen("!state.members.has('viet-nam-1')").await;
    chair.sees(&on("lobby-row", "viet-nam-1")).await;
    chair.press("lobby.admit_all").await;
    desk.seen("['malaysia-1', 'russia-1', 'thailand-1', 'viet-nam-1'].every((id) => state.members.has(id))").await;

    // The agenda goes on, and back.
    chair.press("tab-agenda").await;
    chair.press("agenda.next").await;
    desk.seen("state.session.item === 'presentations'").await;
    desk.takes_back("is on now").await;
    desk.seen("state.session.item === 'opening-remarks'").await;
    pass(APART).await;
    chair.press("agenda.next").await;
    delegate
        .says("[data-testid=item-now]", "Presentations")
        .await;

    chair
        .tab
        .fill("[data-testid='session.notice-text']", "Tea at four.")
        .await;
    chair.press("session.notice").await;
    delegate
        .says("[data-testid=notice-banner]", "Tea at four.")
        .await;
    chair.press("tab-chat").await;
    chair
        .tab
        .fill("[data-testid=chat-text]", "Welcome to all.")
        .await;
    chair.press("chat.send").await;
    delegate.press("tab-chat").await;
    delegate.says("[data-testid=chat]", "Welcome to all.").await;

    // A recommendation is agreed, and is not.
    let () = delegate
        .tab
        .run("await roundtable.protocol.request('recommendation.propose', { text: 'A joint exercise.' });")
        .await;
    delegate.press("tab-register").await;
    chair.press("tab-register").await;
    chair.sees("[data-testid=recommendation]").await;
    chair
        .tab
        .fill("[data-testid='recommendation.set_status']", "agreed")
        .await;
    delegate.says("[data-testid=register]", "Agreed").await;
    desk.takes_back("Recommendation 1").await;
    delegate.says("[data-testid=register]", "Proposed").await;

    // Who has spoken, as a chart, for the chair and the delegate.
    delegate.press("raise-hand").await;
    chair.says("[data-testid=next-who]", "Indonesia").await;
    chair.press("next-speaker").await;
    delegate.is("speaking").await;
    pass(Duration::from_secs(2)).await;
    for seat in [chair, delegate] {
        seat.press("tab-times").await;
        seat.says(
            "[data-testid=times-delegations] [data-id=indonesia]",
            "100 %",
        )
        .await;
    }

    // What is announced meanwhile is said in the dialog, one beside the other.
    chair.press("session-menu").await;
    let () = chair
        .tab
        .run(
            "for (const text of ['Doors close.', 'Doors open.']) \
               await roundtable.protocol.request('session.notice', { text });",
        )
        .await;
    for text in ["Doors close.", "Doors open."] {
        chair.says("dialog[open] .dialog-said", text).await;
    }
    chair.press("session.lock").await;
    desk.seen("state.session.locked").await;
    desk.takes_back("locked").await;
    desk.seen("!state.session.locked").await;

    // A close that waits for the turn is forced only when asked about, and not by Enter alone. What waits
    // is not said again with every change.
    chair.press("close-session").await;
    chair.press("confirm-accept").await;
    chair.sees("[data-testid=awaited]").await;
    let () = chair
        .tab
        .run(
            "window.rewritten = 0; \
             new MutationObserver((all) => { rewritten += all.length; }) \
               .observe(document.querySelector('.awaited-text'), { childList: true });",
        )
        .await;
    desk.asks(
        "malaysia-1",
        "chat.send",
        "{ to: 'everybody', text: 'Thank you.' }",
    )
    .await;
    chair.press("tab-chat").await;
    chair.says("[data-testid=chat]", "Thank you.").await;
    chair.press("awaited-force").await;
    let safe = "document.activeElement.dataset.testid === 'confirm-cancel'";
    chair.tab.wait_for(safe, PATIENCE).await;
    chair.tab.key("Enter").await;
    chair.sees_no("dialog[open]", PATIENCE).await;
    let rewritten: u32 = chair.tab.run("return rewritten;").await;
    assert_eq!(rewritten, 0, "what waits was said again");
    chair
        .state_says("state.session.state === 'live' && state.session.awaited === 'close'")
        .await;
    chair.press("awaited-force").await;
    chair.press("confirm-accept").await;
    chair.state_says("state.session.state === 'closed'").await;
    desk.end();
}

/// No mouse, from the hands to the chat.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chair_does_everything_by_the_keyboard_alone() {
    let _stage = stage().await;
    let desk = Desk::laid([PEOPLE[0], PEOPLE[1]], "session-1:request:1").await;
    let Desk {
        chair, delegate, ..
    } = &desk;
    let keys = &chair.tab;
    desk.hands_up().await;

    // The list: lifted, moved by arrows, put down; and by Alt at once. The focus stays on the hand.
    let focus_on = |member: &str| format!("document.activeElement.matches(\"{}\")", handle(member));
    unhurried(keys, "l").await;
    keys.wait_for(&focus_on("malaysia-1"), PATIENCE).await;
    keys.key("Space").await;
    chair.sees(".row-lifted").await;
    keys.key("ArrowDown").await;
    keys.key("ArrowDown").await;
    chair.says("#announcements", "Number 3 of 4").await;
    keys.key("Space").await;
    desk.order_is(&["russia-1", "thailand-1", "malaysia-1", "viet-nam-1"])
        .await;
    keys.key("Alt+ArrowUp").await;
    desk.order_is(&["russia-1", "malaysia-1", "thailand-1", "viet-nam-1"])
        .await;
    keys.wait_for(&focus_on("malaysia-1"), PATIENCE).await;
    unhurried(keys, "u").await;
    desk.order_is(&["russia-1", "thailand-1", "malaysia-1", "viet-nam-1"])
        .await;
    keys.key("Space").await;
    keys.key("ArrowUp").await;
    keys.key("Escape").await;
    chair.sees_no(".row-lifted", PATIENCE).await;
    desk.order_is(&["russia-1", "thailand-1", "malaysia-1", "viet-nam-1"])
        .await;

    // A hand goes, and the focus is on its neighbour's button, not lost.
    keys.press_by_key(&on("more", "malaysia-1")).await;
    keys.press_by_key(&on("remove-hand", "malaysia-1")).await;
    desk.order_is(&["russia-1", "thailand-1", "viet-nam-1"])
        .await;
    keys.wait_for(
        "document.activeElement.closest('[data-testid=queue-item]') !== null",
        PATIENCE,
    )
    .await;
    unhurried(keys, "u").await;
    desk.order_is(&["russia-1", "thailand-1", "malaysia-1", "viet-nam-1"])
        .await;

    // The delegate first, by its own button, reached from where the focus is; then next, by its key.
    delegate.press("raise-hand").await;
    chair.sees(&item("indonesia-1")).await;
    keys.press_by_key(&on("more", "indonesia-1")).await;
    keys.press_by_key(&on("floor.move-up", "indonesia-1")).await;
    desk.order_is(&[
        "russia-1",
        "thailand-1",
        "malaysia-1",
        "indonesia-1",
        "viet-nam-1",
    ])
    .await;
    keys.reach(&handle("indonesia-1")).await;
    for _ in 0..3 {
        keys.key("Alt+ArrowUp").await;
        pass(Duration::from_millis(300)).await;
    }
    desk.order_is(&[
        "indonesia-1",
        "russia-1",
        "thailand-1",
        "malaysia-1",
        "viet-nam-1",
    ])
    .await;
    chair.says("[data-testid=next-who]", "Indonesia").await;
    unhurried(keys, "n").await;
    delegate.is("speaking").await;
    unhurried(keys, "e").await;
    desk.seen("state.turns[0].limit_ms === 360000").await;
    unhurried(keys, "h").await;
    desk.seen("state.turns[0].held").await;
    chair.sees("[data-testid=resume-clock]").await;
    pass(APART).await;
    unhurried(keys, "h").await;
    desk.seen("!state.turns[0].held").await;
    unhurried(keys, "p").await;
    desk.seen("state.floor.priority === 'csis-1'").await;
    pass(APART).await;
    unhurried(keys, "p").await;
    desk.seen("!state.floor.priority").await;
    keys.press_by_key(&on("mute", "indonesia-1")).await;
    delegate.is("muted").await;
    keys.wait_for(
        "document.activeElement.dataset.testid === 'ask-unmute'",
        PATIENCE,
    )
    .await;
    pass(APART).await;
    keys.key("Enter").await;
    delegate.press("unmute-accept").await;
    delegate.is("speaking").await;
    unhurried(keys, "s").await;
    delegate.is("idle").await;
    unhurried(keys, "u").await;
    delegate.is("speaking").await;
    unhurried(keys, "s").await;
    delegate.is("idle").await;

    // The lobby, the agenda, a notice, the chat: in a field a letter is a letter.
    let () = keys
        .run("await roundtable.protocol.request('session.configure', { lobby: true });")
        .await;
    desk.come(&["laos-1"]).await;
    chair.sees(&on("lobby-row", "laos-1")).await;
    unhurried(keys, "a").await;
    let safe = "document.activeElement.dataset.testid === 'confirm-cancel'";
    keys.wait_for(safe, PATIENCE).await;
    keys.press_by_key("[data-testid=confirm-accept]").await;
    desk.seen("state.members.has('laos-1')").await;
    unhurried(keys, "i").await;
    desk.seen("state.session.item === 'presentations'").await;
    keys.reach("[role=tab][aria-selected=true]").await;
    keys.key("ArrowRight").await;
    keys.key("ArrowRight").await;
    keys.reach("[data-testid='session.notice-text']").await;
    keys.types("no noise please").await;
    keys.press_by_key("[data-testid='session.notice']").await;
    delegate
        .says("[data-testid=notice-banner]", "no noise please")
        .await;
    keys.reach("[role=tab][aria-selected=true]").await;
    unhurried(keys, "c").await;
    keys.types("thanks all").await;
    keys.key("Enter").await;
    delegate.press("tab-chat").await;
    delegate.says("[data-testid=chat]", "thanks all").await;

    // The list of the keys, and their switch.
    keys.reach("[role=tab][aria-selected=true]").await;
    unhurried(keys, "?").await;
    chair.sees("[data-testid=keys-dialog]").await;
    keys.reach("[data-testid=keys-on]").await;
    keys.key("Space").await;
    keys.key("Escape").await;
    chair.sees_no("[data-testid=keys-dialog]", PATIENCE).await;
    unhurried(keys, "n").await;
    pass(Duration::from_secs(1)).await;
    desk.seen("state.turns.length === 0").await;
    keys.press_by_key("[data-testid=next-speaker]").await;
    desk.seen("state.turns[0]?.member === 'russia-1'").await;
    desk.end();
}

/// The chair moves everybody to the next session: pages go over by themselves, who may not yet enter
/// waits there, and sound and picture follow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_moves_on_to_the_next_session() {
    let _stage = stage().await;
    let desk = Desk::laid([PEOPLE[0], PEOPLE[1]], "session-1:open:1").await;
    let Desk {
        chair, delegate, ..
    } = &desk;
    delegate.sees_picture_of("csis-1").await;
    chair.press("session-menu").await;
    chair
        .tab
        .fill("[data-testid='session.move_on-choice']", "session-2")
        .await;
    chair.press("session.move_on").await;
    chair.press("confirm-accept").await;
    chair.state_says("state?.session.id === 'session-2'").await;
    delegate.sees("[data-testid=waiting]").await;
    chair.press("open-session").await;
    delegate.is_in().await;
    delegate
        .state_says("state.session.id === 'session-2' && state.session.state === 'live'")
        .await;
    delegate.sees_picture_of("csis-1").await;
    chair.sees_picture_of("indonesia-1").await;
    // Nobody is left behind: the floor is given here.
    delegate.press("raise-hand").await;
    chair.says("[data-testid=next-who]", "Indonesia").await;
    chair.press("next-speaker").await;
    delegate.is("speaking").await;
    desk.end();
}

/// Presses a key once what came of the one before can be seen.
async fn unhurried(keys: &Tab, key: &str) {
    pass(Duration::from_millis(300)).await;
    keys.key(key).await;
}
