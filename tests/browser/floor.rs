//! The floor, from a raised hand to silence after the stop: what each of four people sees and hears.

use std::time::Duration;

use crate::{
    AT_ONCE_MS, TONES, browsers, person_before, stage,
    support::{
        browser::Browser,
        cable::Cable,
        pass,
        seat::{PATIENCE, Seat},
        server::Server,
        wall_ms,
    },
};

/// How much quieter than a voice nobody is, in dB.
const SILENCE_BELOW_DB: f64 = 60.0;

/// How loud the tone of the seat at `speaker` was at all others between two times, in dB.
async fn levels_elsewhere(seats: &[Seat], speaker: usize, [from, to]: [f64; 2]) -> Vec<f64> {
    let mut levels = Vec::new();
    for (place, seat) in seats.iter().enumerate() {
        if place != speaker {
            levels.push(seat.levels(from, to).await[speaker]);
        }
    }
    levels
}

/// All but the seat at `speaker` hear its tone at once after `since`.
async fn everybody_hears(seats: &[Seat], speaker: usize, since: f64) {
    for (place, seat) in seats.iter().enumerate() {
        if place != speaker {
            seat.hears(TONES[speaker], since, AT_ONCE_MS).await;
        }
    }
}

/// The floor, from end to end: who sends without it is heard by nobody, who has it by everybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_has_the_floor_is_heard() {
    let _stage = stage().await;
    let server = Server::start(None).await;
    let browsers = browsers().await;
    let way = |member: &str| server.link(member).url.clone();
    let seats = the_floor(&server, &browsers, way).await;
    for seat in &seats {
        assert_eq!(seat.way().await.0, "udp", "{}", seat.member);
    }
    drop(seats);
    assert_eq!(server.stop(), Some(0), "the server ends cleanly");
}

/// The same where the network lets no UDP through: the browsers try it, nothing comes back, and
/// everybody is there over TCP.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_udp_is_blocked_the_floor_is_the_same_over_tcp() {
    let _stage = stage().await;
    let server = Server::start(None).await;
    let browsers = browsers().await;
    let cable = Cable::lay_without_udp(&server).await;
    let way = |member: &str| cable.link(&server.link(member).url);
    let seats = the_floor(&server, &browsers, way).await;
    for seat in &seats {
        let (protocol, received) = seat.way().await;
        println!("{}: {received} packets over {protocol}", seat.member);
        assert_eq!(protocol, "tcp", "{}", seat.member);
        assert!(received > 1000, "{} received {received}", seat.member);
        seat.press("devices-button").await;
        seat.sees("[data-testid=media-way][data-way=tcp]").await;
    }
    let lost = cable.lost_datagrams();
    println!("{lost} datagrams were lost");
    assert!(lost > 0, "UDP was tried");
    drop(seats);
    assert_eq!(server.stop(), Some(0), "the server ends cleanly");
}

/// A chair and three delegates, who come by these links: a turn from the raised hand to silence
/// after the stop, and a chair's mute.
async fn the_floor(
    server: &Server,
    browsers: &[Browser],
    link: impl Fn(&str) -> String,
) -> Vec<Seat> {
    const SPEAKER: usize = 1;
    let chair_member = &server.members("chair")[0];
    let members = [
        chair_member.as_str(),
        "indonesia-1",
        "malaysia-1",
        "russia-1",
    ];

    // The chair comes first, mutes herself, and opens the session; the others wait for that.
    let chair = Seat::open_at(&browsers[0], &link(members[0]), members[0], &TONES).await;
    chair
        .tab
        .wait_for("roundtable.devices.microphone !== null", PATIENCE)
        .await;
    chair.press("check-mic-toggle").await;
    chair.press_join().await;
    chair.is_in().await;
    let mut seats = vec![chair];
    for (browser, member) in browsers.iter().zip(members).skip(1) {
        let seat = Seat::open_at(browser, &link(member), member, &TONES).await;
        seat.press_join().await;
        seat.sees("[data-testid=waiting]").await;
        seats.push(seat);
    }
    seats[0].press("open-session").await;
    for seat in &seats {
        seat.is_in().await;
    }
    let speaker = &seats[SPEAKER];

    // Everybody sees everybody, and goes on seeing.
    for seat in &seats {
        for member in members.iter().filter(|member| **member != seat.member) {
            seat.sees_picture_of(member).await;
        }
    }
    let from = wall_ms();
    pass(Duration::from_secs(10)).await;
    let to = wall_ms();
    for seat in &seats {
        for (place, member) in members.iter().enumerate() {
            if *member == seat.member {
                continue;
            }
            let shown = person_before(seat.backdrop_of(member).await);
            assert_eq!(shown, place, "{} sees another as {member}", seat.member);
            let picture = seat.picture_of(member, from, to).await;
            println!("{} sees {member}: {picture:?}", seat.member);
            assert!(
                picture.fps >= 10.0,
                "{} sees {member}: {picture:?}",
                seat.member
            );
            assert!(
                picture.gap_ms <= 1000.0 && picture.freeze_ms <= 1000.0,
                "{} sees {member}: {picture:?}",
                seat.member
            );
        }
    }

    // Sent before the grant: it reaches nobody.
    speaker.is("idle").await;
    speaker.send_by_force().await;
    let mut received = Vec::new();
    for seat in &seats {
        received.push(seat.received_audio_packets().await);
    }
    let sent = speaker.sent_audio_packets().await;
    let from = wall_ms();
    pass(Duration::from_secs(3)).await;
    let before = levels_elsewhere(&seats, SPEAKER, [from, wall_ms()]).await;
    let sent = speaker.sent_audio_packets().await - sent;
    assert!(
        sent > 100,
        "the microphone is really sent: {sent} packets in 3 s"
    );
    for (seat, received) in seats.iter().zip(received) {
        let now = seat.received_audio_packets().await;
        assert_eq!(now, received, "{} was forwarded sound", seat.member);
    }

    // The hand goes up, the chair gives the floor, everybody hears.
    speaker.press("raise-hand").await;
    speaker.is("waiting").await;
    seats[0]
        .sees(&format!(
            "[data-testid=queue-item][data-member={}]",
            speaker.member
        ))
        .await;
    let granted = seats[0].press("next-speaker").await;
    everybody_hears(&seats, SPEAKER, granted).await;
    speaker.is("speaking").await;
    pass(Duration::from_secs(2)).await;
    for seat in &seats {
        assert!(
            seat.plays_all_sound().await,
            "{} hears nothing",
            seat.member
        );
    }
    let now = wall_ms();
    let during = levels_elsewhere(&seats, SPEAKER, [now - 1500.0, now]).await;
    println!("before {before:?} dB, during {during:?} dB");
    for (before, during) in before.iter().zip(&during) {
        assert!(
            during - before >= SILENCE_BELOW_DB,
            "heard without the floor: {before} dB before, {during} dB during the turn"
        );
    }
    let own = speaker.levels(now - 1500.0, now).await[SPEAKER];
    assert!(
        own < during[0] - SILENCE_BELOW_DB,
        "the speaker hears herself: {own} dB"
    );

    // The chair takes it back.
    let stopped = seats[0].press_on("stop", &speaker.member).await;
    pass(Duration::from_secs(3)).await;
    let after = levels_elsewhere(&seats, SPEAKER, [stopped + AT_ONCE_MS, wall_ms()]).await;
    println!("after stop {after:?} dB");
    for (after, during) in after.iter().zip(&during) {
        assert!(
            during - after >= SILENCE_BELOW_DB,
            "heard after the stop: {after} dB"
        );
    }

    // A chair's mute keeps the turn and shuts the microphone; only its owner opens it again.
    seats[0].press("tab-people").await;
    let granted = seats[0].press_on("grant", &speaker.member).await;
    everybody_hears(&seats, SPEAKER, granted).await;
    let muted = seats[0].press_on("mute", &speaker.member).await;
    speaker.is("muted").await;
    pass(Duration::from_secs(3)).await;
    let after = levels_elsewhere(&seats, SPEAKER, [muted + AT_ONCE_MS, wall_ms()]).await;
    println!("after mute {after:?} dB");
    for (after, during) in after.iter().zip(&during) {
        assert!(
            during - after >= SILENCE_BELOW_DB,
            "heard though muted: {after} dB"
        );
    }
    let asked = wall_ms();
    seats[0].press_on("ask-unmute", &speaker.member).await;
    speaker.sees("[data-testid=unmute-dialog]").await;
    pass(Duration::from_secs(1)).await;
    let after = levels_elsewhere(&seats, SPEAKER, [asked, wall_ms()]).await;
    for (after, during) in after.iter().zip(&during) {
        assert!(
            during - after >= SILENCE_BELOW_DB,
            "asking alone opened it: {after} dB"
        );
    }
    let accepted = speaker.press("unmute-accept").await;
    everybody_hears(&seats, SPEAKER, accepted).await;
    seats
}

/// Mode `open`: as many as there are microphones are heard at once, the next one waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_open_mode_three_are_heard_and_a_fourth_waits() {
    let _stage = stage().await;
    let server = Server::start(Some("session-1:open:3")).await;
    let browsers = browsers().await;
    let members = ["indonesia-1", "malaysia-1", "russia-1", "thailand-1"];
    let mut seats = Vec::new();
    for (browser, member) in browsers.iter().zip(members) {
        let seat = Seat::open(browser, &server, member, &TONES).await;
        seat.press_join().await;
        seat.is_in().await;
        // Pictures are another scene's matter.
        seat.press("camera-toggle").await;
        seats.push(seat);
    }
    let mut raised = Vec::new();
    for seat in &seats[..3] {
        raised.push(seat.press("raise-hand").await);
        seat.is("speaking").await;
    }
    seats[3].press("raise-hand").await;
    seats[3].is("waiting").await;
    for (place, seat) in seats.iter().enumerate() {
        for (other, raised) in raised
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != place)
        {
            seat.hears(TONES[other], *raised, AT_ONCE_MS).await;
        }
    }
    // Whoever waits is not heard, even by force.
    seats[3].send_by_force().await;
    pass(Duration::from_secs(2)).await;
    let now = wall_ms();
    for (place, seat) in seats.iter().enumerate() {
        let levels = seat.levels(now - 1500.0, now).await;
        println!("{}: {levels:?}", seat.member);
        for (other, level) in levels.iter().enumerate().take(3) {
            assert_eq!(
                *level > -40.0,
                other != place,
                "{} hears {other}: {level} dB",
                seat.member
            );
        }
        // Three loud voices leave a little of their encoding at that frequency: -55 dB was seen.
        assert!(
            levels[3] < -42.0,
            "{} hears who waits: {} dB",
            seat.member,
            levels[3]
        );
    }
    for seat in &seats {
        let waiting = format!("[data-testid=queue-item][data-member={}]", seats[3].member);
        seat.sees(&waiting).await;
    }
    // A microphone that comes free goes to whoever waits.
    let finished = seats[0].press("finish-speaking").await;
    seats[3].is("speaking").await;
    seats[0].hears(TONES[3], finished, AT_ONCE_MS).await;
}
