//! The chair's table, in real browsers with real sound: the modes of the floor, a turn that runs out,
//! priority, a speaker who is lost, the lobby, and two chairs at once.

use std::time::Duration;

use crate::{
    AT_ONCE_MS, PEOPLE, TONES, browsers, stage,
    support::{browser::Browser, cable::Cable, pass, seat::Seat, server::Server, wall_ms},
};

/// A voice that is not heard is below this, in dB of full scale.
const SILENT_DB: f64 = -50.0;

/// Lets chairs and delegates in, each in a browser of its own, without cameras.
async fn seated(server: &Server, browsers: &[Browser], members: &[&str]) -> Vec<Seat> {
    let mut seats = Vec::new();
    for (browser, member) in browsers.iter().zip(members) {
        let seat = Seat::join(browser, server, member, &TONES).await;
        seat.press("camera-toggle").await;
        seats.push(seat);
    }
    seats
}

/// Changes the session's settings as its chair.
async fn configure(chair: &Seat, fields: &str) {
    let () = chair
        .tab
        .run(&format!(
            "await roundtable.protocol.request('session.configure', {fields});"
        ))
        .await;
}

/// A tone is silent at a seat from one time on, for two seconds.
async fn is_silent(seat: &Seat, tone: usize, since: f64) {
    pass(Duration::from_millis(2000)).await;
    let levels = seat.levels(since, wall_ms()).await;
    println!("{} hears {levels:?}", seat.member);
    assert!(
        levels[tone] < SILENT_DB,
        "{} hears {}: {levels:?}",
        seat.member,
        TONES[tone]
    );
}

/// Mode `request`: two chairs press "next" in the same moment, and one speaker follows, not two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_chairs_press_next_together_and_one_speaker_follows() {
    let _stage = stage().await;
    let server = Server::start(Some("session-1:request:1")).await;
    let browsers = browsers().await;
    let members = ["csis-1", "mgimo-1", "indonesia-1", "malaysia-1"];
    let seats = seated(&server, &browsers, &members).await;
    for seat in &seats[..2] {
        seat.press("mic-toggle").await;
    }
    for delegate in &seats[2..] {
        delegate.press("raise-hand").await;
        delegate.is("waiting").await;
    }
    for chair in &seats[..2] {
        chair.state_says("state.queue.length === 2").await;
        let () = chair
            .tab
            .run("window.notices = []; window.turns = 0; \
                  roundtable.meeting.subscribe((state, event) => { if (event?.type === 'floor.granted') turns += 1; });")
            .await;
    }
    let since = wall_ms();
    tokio::join!(
        seats[0].press("next-speaker"),
        seats[1].press("next-speaker")
    );
    seats[2].is("speaking").await;
    seats[0].hears(TONES[2], since, AT_ONCE_MS * 2.0).await;
    pass(Duration::from_secs(2)).await;
    for chair in &seats[..2] {
        let turns: u32 = chair.tab.run("return turns;").await;
        assert_eq!(turns, 1, "{}", chair.member);
        assert_eq!(chair.queue().await, ["malaysia-1"]);
    }
    seats[3].is("waiting").await;
    // The next press, decided on what both see now, goes on.
    let since = seats[1].press("next-speaker").await;
    seats[3].is("speaking").await;
    seats[0].hears(TONES[3], since, AT_ONCE_MS).await;
    is_silent(&seats[0], 2, since + AT_ONCE_MS).await;
    drop(seats);
    assert_eq!(server.stop(), Some(0), "the server ends cleanly");
}

/// Mode `fifo`: the microphone that comes free goes to the head of the queue by itself. Mode
/// `override`: who asks has it at once, and who has spoken longest closes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifo_passes_the_microphone_on_and_override_takes_it() {
    let _stage = stage().await;
    let server = Server::start(Some("session-1:fifo:1")).await;
    let browsers = browsers().await;
    let members = ["csis-1", "indonesia-1", "malaysia-1", "russia-1"];
    let seats = seated(&server, &browsers, &members).await;
    seats[0].press("mic-toggle").await;

    let raised = seats[1].press("raise-hand").await;
    seats[1].is("speaking").await;
    seats[0].hears(TONES[1], raised, AT_ONCE_MS).await;
    seats[2].press("raise-hand").await;
    seats[2].is("waiting").await;
    let finished = seats[1].press("finish-speaking").await;
    seats[2].is("speaking").await;
    seats[0].hears(TONES[2], finished, AT_ONCE_MS).await;
    is_silent(&seats[0], 1, finished + AT_ONCE_MS).await;

    configure(&seats[0], "{ mode: 'override' }").await;
    let raised = seats[3].press("raise-hand").await;
    seats[3].is("speaking").await;
    seats[2].is("idle").await;
    seats[0].hears(TONES[3], raised, AT_ONCE_MS).await;
    seats[1].hears(TONES[3], raised, AT_ONCE_MS).await;
    is_silent(&seats[0], 2, raised + AT_ONCE_MS).await;
    drop(seats);
    assert_eq!(server.stop(), Some(0), "the server ends cleanly");
}

/// The delegation's speaking time limits the turn to a few seconds here. `cut`: the sound stops;
/// `fade`: the page lowers it first, then it stops, and the next turn is as loud as ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_that_runs_out_is_cut_or_fades() {
    let _stage = stage().await;
    let server = Server::start(Some("session-1:request:1")).await;
    let browsers = browsers().await;
    let members = ["csis-1", "indonesia-1", "malaysia-1", "russia-1"];
    let seats = seated(&server, &browsers, &members).await;
    let [chair, cut, faded, listener] = seats.as_slice() else {
        panic!("four seats");
    };
    chair.press("mic-toggle").await;
    configure(chair, "{ end: 'cut', budget_ms: 6000 }").await;
    chair.press("tab-people").await;
    let granted = chair.press_on("grant", "indonesia-1").await;
    listener.hears(TONES[1], granted, AT_ONCE_MS).await;
    listener.state_says("state.turns.length === 0").await;
    let ended = wall_ms();
    println!("cut after {:.0} ms", ended - granted);
    assert!((5_500.0..9_000.0).contains(&(ended - granted)));
    cut.is("idle").await;
    is_silent(listener, 1, ended + AT_ONCE_MS).await;

    configure(chair, "{ end: 'fade', fade_ms: 4000 }").await;
    let granted = chair.press_on("grant", "malaysia-1").await;
    listener.hears(TONES[2], granted, AT_ONCE_MS).await;
    // What the element plays is what was measured, times its volume.
    let volumes = "[...document.querySelectorAll('audio')].map((it) => it.volume)";
    let whole: Vec<f64> = listener.tab.run(&format!("return {volumes};")).await;
    assert!(whole.iter().all(|it| *it == 1.0), "{whole:?}");
    listener.state_says("state.turns[0]?.fading").await;
    pass(Duration::from_millis(2000)).await;
    let half: Vec<f64> = listener.tab.run(&format!("return {volumes};")).await;
    let lowest = half.iter().copied().fold(1.0, f64::min);
    println!("half way {half:?}");
    assert!((0.2..0.8).contains(&lowest), "{half:?}");
    let levels = listener.levels(wall_ms() - 1000.0, wall_ms()).await;
    assert!(levels[2] > SILENT_DB, "it is still sent: {levels:?}");
    listener.state_says("state.turns.length === 0").await;
    let ended = wall_ms();
    println!("faded out after {:.0} ms", ended - granted);
    assert!((9_500.0..13_500.0).contains(&(ended - granted)));
    faded.is("idle").await;
    is_silent(listener, 2, ended + AT_ONCE_MS).await;

    configure(chair, "{ budget_ms: 0 }").await;
    let granted = chair.press_on("grant", "malaysia-1").await;
    listener.hears(TONES[2], granted, AT_ONCE_MS).await;
    let whole: Vec<f64> = listener.tab.run(&format!("return {volumes};")).await;
    assert!(whole.iter().all(|it| *it == 1.0), "{whole:?}");
    drop(seats);
    assert_eq!(server.stop(), Some(0), "the server ends cleanly");
}

/// While a chair has priority nobody else is heard, and the clock stands; then the speaker is heard
/// again without asking.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chairs_priority_silences_the_speaker_and_gives_the_floor_back() {
    let _stage = stage().await;
    let server = Server::start(Some("session-1:open:1")).await;
    let browsers = browsers().await;
    let members = ["csis-1", "indonesia-1", "malaysia-1"];
    let seats = seated(&server, &browsers, &members).await;
    let [chair, speaker, listener] = seats.as_slice() else {
        panic!("three seats");
    };
    let raised = speaker.press("raise-hand").await;
    listener.hears(TONES[1], raised, AT_ONCE_MS).await;
    let taken = chair.press("floor.priority").await;
    listener.state_says("state.floor.priority").await;
    is_silent(listener, 1, taken + AT_ONCE_MS).await;
    let spent = "return roundtable.meeting.state.turns[0].spent_ms;";
    let before: f64 = listener.tab.run(spent).await;
    pass(Duration::from_secs(2)).await;
    listener.hears(TONES[0], taken, AT_ONCE_MS * 3.0).await;
    let released = chair.press("floor.release_priority").await;
    listener.hears(TONES[1], released, AT_ONCE_MS).await;
    let after: f64 = listener.tab.run(spent).await;
    assert!((after - before).abs() < 100.0, "{before} and {after}");
    speaker.is("speaking").await;
    drop(seats);
    assert_eq!(server.stop(), Some(0), "the server ends cleanly");
}

/// The speaker's network is gone for five seconds: the floor is back without asking. It is gone for
/// thirty: the turn is over, the next one has it, and the hand is at the head of the queue.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_speaker_who_is_lost_has_the_floor_again_or_the_next_has_it() {
    let _stage = stage().await;
    let server = Server::start(Some("session-1:fifo:1")).await;
    let cable = Cable::lay(&server).await;
    let mut browsers = Vec::new();
    for person in &PEOPLE[..3] {
        browsers.push(Browser::chromium(*person).await);
    }
    let listener = Seat::join(&browsers[0], &server, "csis-1", &TONES).await;
    let link = cable.link(&server.link("indonesia-1").url);
    let speaker = Seat::join_at(&browsers[1], &link, "indonesia-1", &TONES).await;
    let next = Seat::join(&browsers[2], &server, "malaysia-1", &TONES).await;
    listener.press("mic-toggle").await;
    for seat in [&listener, &speaker, &next] {
        seat.press("camera-toggle").await;
    }
    let raised = speaker.press("raise-hand").await;
    listener.hears(TONES[1], raised, AT_ONCE_MS).await;
    next.press("raise-hand").await;
    next.is("waiting").await;
    listener.begin_notes().await;

    cable.pull();
    pass(Duration::from_secs(5)).await;
    cable.plug();
    let plugged = wall_ms();
    listener.hears(TONES[1], plugged, 10_000.0).await;
    speaker.is("speaking").await;
    next.is("waiting").await;
    let noted = listener.noted().await;
    println!("{noted:?}");
    assert!(!noted.iter().any(|it| it.starts_with("floor.ended")));

    cable.pull();
    listener
        .state_says("state.members.get('indonesia-1')?.lost")
        .await;
    let lost = wall_ms();
    next.is("speaking").await;
    println!(
        "the next has the floor {:.0} ms after the loss",
        wall_ms() - lost
    );
    assert!((14_000.0..20_000.0).contains(&(wall_ms() - lost)));
    listener.hears(TONES[2], lost, 20_000.0).await;
    assert_eq!(listener.queue().await, ["indonesia-1"]);
    pass(Duration::from_millis(
        (30_000.0 - (wall_ms() - lost)).max(0.0) as u64,
    ))
    .await;
    cable.plug();
    speaker.is("waiting").await;
    // Offered once more when its turn comes.
    let finished = next.press("finish-speaking").await;
    speaker.is("speaking").await;
    listener.hears(TONES[1], finished, AT_ONCE_MS * 2.0).await;
    drop([listener, speaker, next]);
    assert_eq!(server.stop(), Some(0), "the server ends cleanly");
}

/// Who comes waits in the lobby until a chair lets them in, and then sees and hears.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_waits_in_the_lobby_until_a_chair_lets_them_in() {
    let _stage = stage().await;
    let server = Server::start(Some("session-1:open:1")).await;
    let browsers = browsers().await;
    let chair = Seat::join(&browsers[0], &server, "csis-1", &TONES).await;
    configure(&chair, "{ lobby: true }").await;
    let guest = Seat::open(&browsers[1], &server, "indonesia-1", &TONES).await;
    guest.press_join().await;
    guest.sees("[data-testid=lobby]").await;
    let other = Seat::open(&browsers[2], &server, "malaysia-1", &TONES).await;
    other.press_join().await;
    other.sees("[data-testid=lobby]").await;
    let outside: bool = guest.tab.run("return roundtable.media.pc === null;").await;
    assert!(outside, "nothing is heard from outside");

    chair
        .sees("[data-testid=lobby-row][data-member=indonesia-1]")
        .await;
    let admitted = chair.press_on("lobby.admit", "indonesia-1").await;
    guest.is_in().await;
    println!("in the room after {:.0} ms", wall_ms() - admitted);
    guest.hears(TONES[0], admitted, 5_000.0).await;
    guest.sees_picture_of("csis-1").await;

    chair.press_on("lobby.refuse", "malaysia-1").await;
    other.sees("[data-testid=lobby-ask-again]").await;
    other.press("lobby-ask-again").await;
    chair
        .sees("[data-testid=lobby-row][data-member=malaysia-1]")
        .await;
    configure(&chair, "{ lobby: false }").await;
    other.is_in().await;

    // Sent back, its media ends; let in again, it has a new one.
    let () = chair
        .tab
        .run("await roundtable.protocol.request('lobby.send_back', { member: 'indonesia-1' });")
        .await;
    guest.sees("[data-testid=lobby]").await;
    chair.press_on("lobby.admit", "indonesia-1").await;
    guest.is_in().await;
    guest.sees_picture_of("csis-1").await;
    drop([chair, guest, other]);
    assert_eq!(server.stop(), Some(0), "the server ends cleanly");
}
