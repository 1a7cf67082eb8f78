//! Coming back: who loses signalling, the network or the server is there again by itself, with the
//! same place, and what still works meanwhile goes on.

use std::{
    env,
    time::{Duration, Instant},
};

use futures_util::future::join_all;

use crate::{
    AT_ONCE_MS, PEOPLE, TONES, stage,
    support::{
        browser::Browser,
        cable::Cable,
        pass,
        seat::{PATIENCE, Seat},
        server::Server,
        wall_ms,
    },
};

/// A gap in sound is a silence longer than this. Two looks of the ear lie 43 ms apart, and each
/// covers 85.
const GAP_MS: f64 = 250.0;

/// How soon somebody who was away sees and hears again.
const BACK_MS: f64 = 10_000.0;

/// The same where media alone is gone, once its loss is certain.
const MEDIA_BACK_MS: f64 = 3000.0;

/// Browsers of the first few people, started at once.
async fn browsers_of(count: usize) -> Vec<Browser> {
    join_all(PEOPLE[..count].iter().copied().map(Browser::chromium)).await
}

/// Signalling alone is lost, at the speaker and at a listener: nobody hears it, nobody else is told,
/// and what happened meanwhile is there afterwards. Then their media alone: it is offered anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signalling_or_media_alone_is_lost_and_found() {
    const SPEAKER: usize = 1;
    let _stage = stage().await;
    let server = Server::start(Some("session-1:open:1")).await;
    let cable = Cable::lay(&server).await;
    let browsers = browsers_of(2).await;
    let link = |member: &str| cable.link(&server.link(member).url);
    let listener = Seat::join_at(&browsers[0], &link("malaysia-1"), "malaysia-1", &TONES).await;
    let speaker = Seat::join_at(&browsers[1], &link("indonesia-1"), "indonesia-1", &[]).await;
    let other = Seat::join(&browsers[0], &server, "russia-1", &[]).await;
    other.press("camera-toggle").await;

    let raised = speaker.press("raise-hand").await;
    listener.hears(TONES[SPEAKER], raised, AT_ONCE_MS).await;
    listener.sees_picture_of("indonesia-1").await;
    pass(Duration::from_secs(2)).await;
    for seat in [&listener, &speaker, &other] {
        seat.begin_notes().await;
    }

    let from = wall_ms();
    let drop = cable.drop_signalling(Duration::from_secs(5));
    let meanwhile = async {
        for seat in [&listener, &speaker] {
            seat.knows_its_loss().await;
        }
        other.press("raise-hand").await;
        other.is("waiting").await;
        assert!(
            !listener.is_connected().await,
            "the cable carries no signalling"
        );
    };
    tokio::join!(drop, meanwhile);
    for seat in [&listener, &speaker] {
        seat.sees("[data-testid=queue-item][data-member=russia-1]")
            .await;
        seat.sees_no(".banner[data-kind=problem]", Duration::from_secs(2))
            .await;
    }
    pass(Duration::from_secs(2)).await;
    let to = wall_ms();

    let silence = listener
        .longest_silence(TONES[SPEAKER], [from, to - 200.0])
        .await;
    let picture = listener.picture_of("indonesia-1", from, to).await;
    println!("longest silence {silence:.0} ms, {picture:?}");
    assert!(silence <= GAP_MS, "{silence:.0} ms of silence");
    assert!(picture.gap_ms <= 1000.0, "{picture:?}");
    for seat in [&listener, &speaker] {
        assert!(
            seat.kept_connection().await,
            "{} made another peer connection",
            seat.member
        );
        assert_eq!(
            seat.noted().await,
            ["floor.requested russia-1"],
            "{} missed that, and got it",
            seat.member
        );
    }
    assert_eq!(
        other.noted().await,
        ["floor.requested russia-1"],
        "nobody is seen to come or go"
    );
    speaker.is("speaking").await;

    cable.forget_media();
    let forgotten = wall_ms();
    for seat in [&listener, &speaker] {
        seat.loses_connection().await;
    }
    listener
        .hears(TONES[SPEAKER], wall_ms(), MEDIA_BACK_MS)
        .await;
    listener
        .sees_again("indonesia-1", wall_ms(), MEDIA_BACK_MS)
        .await;
    println!("media is back after {:.0} ms", wall_ms() - forgotten);
    speaker.is("speaking").await;
    let noted = other.noted().await;
    assert!(
        noted.iter().all(|event| !event.starts_with("member.")),
        "{noted:?}"
    );
}

/// Who is away for longer and for less long than the grace.
struct Absence {
    settings: &'static [(&'static str, &'static str)],
    short: Duration,
    long: Duration,
}

impl Absence {
    /// `tests/run --long` waits for the default grace of a minute; else a shorter one is set, with
    /// the same order of what happens: lost, back, out of the room, back again.
    fn of_this_run() -> Self {
        let short = Duration::from_secs(20);
        if env::var_os("ROUNDTABLE_LONG").is_some() {
            Self {
                settings: &[],
                short,
                long: Duration::from_secs(90),
            }
        } else {
            Self {
                settings: &[("room.grace_ms", "15000")],
                short,
                long: Duration::from_secs(33),
            }
        }
    }
}

/// The network is gone, and comes back in time for the speaker: the floor is back without asking.
/// It comes back too late for another, whose grace is over: the hand that was raised is kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_away_comes_back_by_itself() {
    const CHAIR: usize = 0;
    const SPEAKER: usize = 1;
    let absence = Absence::of_this_run();
    let _stage = stage().await;
    let server = Server::start_with(Some("session-1:request:1"), absence.settings).await;
    let [short_way, long_way] = [Cable::lay(&server).await, Cable::lay(&server).await];
    let browsers = browsers_of(3).await;
    let chair_member = server.members("chair")[0].clone();
    let chair = Seat::join(&browsers[CHAIR], &server, &chair_member, &TONES).await;
    let link = short_way.link(&server.link("indonesia-1").url);
    let speaker = Seat::join_at(&browsers[SPEAKER], &link, "indonesia-1", &TONES).await;
    let link = long_way.link(&server.link("malaysia-1").url);
    let waiting = Seat::join_at(&browsers[2], &link, "malaysia-1", &TONES).await;
    chair.press("tab-people").await;
    let granted = chair.press_on("grant", "indonesia-1").await;
    chair.hears(TONES[SPEAKER], granted, AT_ONCE_MS).await;
    waiting.press("raise-hand").await;
    waiting.is("waiting").await;
    chair.sees_picture_of("indonesia-1").await;
    speaker.sees_picture_of(&chair_member).await;
    waiting.sees_picture_of("indonesia-1").await;
    chair.begin_notes().await;

    let pulled = Instant::now();
    short_way.pull();
    long_way.pull();
    for member in ["indonesia-1", "malaysia-1"] {
        chair
            .state_says(&format!("state.members.get('{member}').lost"))
            .await;
        let row = format!("[data-testid=member-row][data-member={member}]");
        chair.says(&row, "Connection lost").await;
    }
    println!("both lost after {:.1} s", pulled.elapsed().as_secs_f64());
    for seat in [&speaker, &waiting] {
        seat.knows_its_loss().await;
    }

    pass(absence.short.saturating_sub(pulled.elapsed())).await;
    short_way.plug();
    let plugged = wall_ms();
    chair.hears(TONES[SPEAKER], plugged, BACK_MS).await;
    speaker.hears(TONES[CHAIR], plugged, BACK_MS).await;
    chair.sees_again("indonesia-1", plugged, BACK_MS).await;
    speaker.sees_again(&chair_member, plugged, BACK_MS).await;
    speaker.is("speaking").await;
    for seat in [&chair, &speaker] {
        seat.plays_once().await;
        seat.state_says(
            "state.turns.length === 1 && state.turns[0].member === 'indonesia-1' \
             && state.turns[0].turn === 1 && state.turns[0].running \
             && !state.members.get('indonesia-1').lost",
        )
        .await;
    }

    pass(absence.long.saturating_sub(pulled.elapsed())).await;
    chair
        .state_says("state.members.get('malaysia-1').gone && state.queue.length === 1")
        .await;
    long_way.plug();
    let plugged = wall_ms();
    waiting.hears(TONES[SPEAKER], plugged, BACK_MS).await;
    waiting.sees_again("indonesia-1", plugged, BACK_MS).await;
    chair.sees_again("malaysia-1", plugged, BACK_MS).await;
    waiting.is("waiting").await;
    for seat in [&chair, &speaker, &waiting] {
        seat.plays_once().await;
        seat.state_says(
            "state.members.size === 3 && state.queue.length === 1 \
             && [...state.members.values()].every(({ lost, gone }) => !lost && !gone)",
        )
        .await;
    }
    let noted = chair.noted().await;
    let presence: Vec<&str> = noted
        .iter()
        .map(String::as_str)
        .filter(|event| event.starts_with("member."))
        .collect();
    println!("{presence:?}");
    for (event, times) in [
        ("member.back indonesia-1", 1),
        ("member.left indonesia-1", 0),
        ("member.gone malaysia-1", 1),
        ("member.back malaysia-1", 1),
        ("member.left malaysia-1", 0),
    ] {
        let count = presence.iter().filter(|noted| **noted == event).count();
        assert_eq!(count, times, "{event} in {presence:?}");
    }
}

/// The server is killed in the middle of a turn and started again: everybody is back by themselves,
/// with the turn, its clock held, and the hands in their order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_room_is_back_after_the_server_s_end() {
    const CHAIR: usize = 0;
    const SPEAKER: usize = 1;
    let _stage = stage().await;
    let mut server = Server::start(Some("session-1:request:1")).await;
    let browsers = browsers_of(2).await;
    let chair_member = server.members("chair")[0].clone();
    let chair = Seat::join(&browsers[CHAIR], &server, &chair_member, &TONES).await;
    let speaker = Seat::join(&browsers[SPEAKER], &server, "indonesia-1", &TONES).await;
    let mut waiting = Vec::new();
    for member in ["malaysia-1", "russia-1"] {
        let seat = Seat::join(&browsers[CHAIR], &server, member, &[]).await;
        seat.press("camera-toggle").await;
        waiting.push(seat);
    }
    chair.press("tab-people").await;
    let granted = chair.press_on("grant", "indonesia-1").await;
    chair.hears(TONES[SPEAKER], granted, AT_ONCE_MS).await;
    chair.sees_picture_of("indonesia-1").await;
    speaker.sees_picture_of(&chair_member).await;
    for seat in waiting.iter().rev() {
        seat.press("raise-hand").await;
        seat.is("waiting").await;
    }
    chair.state_says("state.queue.length === 2").await;

    server.kill();
    for seat in [&chair, &speaker] {
        seat.knows_its_loss().await;
    }
    pass(Duration::from_secs(1)).await;
    server.start_again().await;
    let started = wall_ms();
    chair.hears(TONES[SPEAKER], started, BACK_MS).await;
    speaker.hears(TONES[CHAIR], started, BACK_MS).await;
    chair.sees_again("indonesia-1", started, BACK_MS).await;
    speaker.sees_again(&chair_member, started, BACK_MS).await;
    speaker.is("speaking").await;
    for seat in [&chair, &speaker, &waiting[0], &waiting[1]] {
        seat.plays_once().await;
        seat.state_says(
            "state.session.state === 'live' && state.members.size === 4 \
             && [...state.members.values()].every(({ lost }) => !lost)",
        )
        .await;
        seat.state_says(
            "state.turns.length === 1 && state.turns[0].member === 'indonesia-1' \
             && state.turns[0].held && !state.turns[0].running && state.turns[0].spent_ms > 0",
        )
        .await;
        assert_eq!(
            seat.queue().await,
            ["russia-1", "malaysia-1"],
            "{}",
            seat.member
        );
    }
    chair
        .says("[data-testid=turn]", "the server was restarted")
        .await;

    chair.press_on("resume-clock", "indonesia-1").await;
    for seat in [&chair, &speaker] {
        seat.state_says("state.turns[0].running && !state.turns[0].held")
            .await;
    }

    // Ended by its operator, it says so before. Who was at the check is there again as before, too.
    let late = Seat::open(&browsers[1], &server, "thailand-1", &[]).await;
    has_its_devices(&late).await;
    late.tab
        .fill("[data-testid=name-input]", "Prof. Anchalee")
        .await;
    let () = late.tab.run(NOTE_CHECK).await;
    server.end();
    chair.knows_its_loss().await;
    chair.says(".banner", "The server was stopped").await;
    late.sees("[data-testid=fatal][data-code=server_stopped]")
        .await;
    server.start_again().await;
    let started = wall_ms();
    chair.hears(TONES[SPEAKER], started, BACK_MS).await;
    chair.sees_again("indonesia-1", started, BACK_MS).await;
    chair.state_says("state.turns[0].held").await;
    late.sees("[data-testid=check-screen] [data-testid=join-button]:not([aria-disabled])")
        .await;
    assert_eq!(name_in_field(&late).await, "Prof. Anchalee");
    let kept: bool = late.tab.run(&format!("return {SAME_DEVICES};")).await;
    assert!(kept, "devices were opened again");
}

/// What somebody at the check has typed and opened; and whether another screen was shown since.
const NOTE_CHECK: &str = "
    window.left = false;
    window.opened = [roundtable.devices.microphone, roundtable.devices.camera];
    new MutationObserver(() => { left ||= document.body.dataset.screen !== 'check'; })
      .observe(document.body, { attributes: true });";

/// The devices are those that were noted, and still open.
const SAME_DEVICES: &str = "opened.every((track) => track?.readyState === 'live') \
    && opened[0] === roundtable.devices.microphone && opened[1] === roundtable.devices.camera";

async fn has_its_devices(seat: &Seat) {
    seat.tab
        .wait_for(
            "roundtable.devices.microphone !== null && roundtable.devices.camera !== null",
            PATIENCE,
        )
        .await;
}

async fn name_in_field(seat: &Seat) -> String {
    seat.tab
        .run("return document.querySelector('[data-testid=name-input]').value;")
        .await
}

/// Signalling is gone for three seconds while somebody is at the check: it stays, and says so.
async fn stays_at_the_check(seat: &Seat, way: &Cable) {
    has_its_devices(seat).await;
    let name = name_in_field(seat).await;
    seat.tab
        .fill("[data-testid=name-input]", "Dr. Sari W")
        .await;
    let () = seat.tab.run(NOTE_CHECK).await;
    let drop = way.drop_signalling(Duration::from_secs(3));
    let meanwhile = async {
        let says = "[data-testid=check-screen] .connecting";
        seat.says(says, "Connection lost").await;
    };
    tokio::join!(drop, meanwhile);
    seat.sees("[data-testid=join-button]:not([aria-disabled])")
        .await;
    assert_eq!(name_in_field(seat).await, "Dr. Sari W");
    let stayed: bool = seat
        .tab
        .run(&format!("return !left && {SAME_DEVICES};"))
        .await;
    assert!(stayed, "a blink of the network took the check away");
    seat.tab.fill("[data-testid=name-input]", &name).await;
}

/// The same link opened elsewhere: the newer wins, the floor follows the person, the older says why
/// and stays quiet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_device_takes_over() {
    const SPEAKER: usize = 1;
    let _stage = stage().await;
    let server = Server::start(Some("session-1:open:1")).await;
    let browsers = browsers_of(2).await;
    let listener = Seat::join(&browsers[0], &server, "malaysia-1", &TONES).await;
    let older = Seat::join(&browsers[1], &server, "indonesia-1", &[]).await;
    let raised = older.press("raise-hand").await;
    older.is("speaking").await;
    listener.hears(TONES[SPEAKER], raised, AT_ONCE_MS).await;
    listener.begin_notes().await;

    let way = Cable::lay(&server).await;
    let link = way.link(&server.link("indonesia-1").url);
    let newer = Seat::open_at(&browsers[1], &link, "indonesia-1", &[]).await;
    stays_at_the_check(&newer, &way).await;
    newer.press_join().await;
    newer.is_in().await;
    newer.is("speaking").await;
    older.sees("[data-testid=fatal][data-code=replaced]").await;
    // Longer than the first few pauses of somebody who comes back.
    pass(Duration::from_secs(4)).await;
    older.sees("[data-testid=fatal][data-code=replaced]").await;
    assert!(
        !older.is_connected().await,
        "the older device has come back"
    );
    let now = wall_ms();
    let silence = listener
        .longest_silence(TONES[SPEAKER], [now - 2000.0, now - 200.0])
        .await;
    assert!(silence <= GAP_MS, "{silence:.0} ms of silence");
    newer.is("speaking").await;
    assert_eq!(
        listener.noted().await,
        Vec::<String>::new(),
        "nobody is seen to come or go"
    );

    // One that could not be told, as it had no network, does not push the newer one out.
    way.pull();
    let newest = Seat::join(&browsers[1], &server, "indonesia-1", &[]).await;
    newest.is("speaking").await;
    newer.knows_its_loss().await;
    way.plug();
    newer.sees("[data-testid=fatal][data-code=replaced]").await;
    pass(Duration::from_secs(1)).await;
    newest.is("speaking").await;
    assert!(
        !newer.is_connected().await,
        "the older device has come back"
    );
}
