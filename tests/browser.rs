//! The roundtable in real browsers: what its people would see and hear.

#![expect(
    clippy::disallowed_methods,
    reason = "these tests are about real time in real browsers"
)]

mod support;

use std::{path::PathBuf, time::Duration};

use support::{browser::Browser, pass, seat::Seat, server::Server, tab::Tab, wall_ms};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::{Mutex, MutexGuard},
};

/// The microphones of up to four members, in Hz: none is near a harmonic of another.
const TONES: [u32; 4] = [440, 620, 970, 1430];

/// How soon the floor is heard, or no longer heard, and a picture is seen.
const AT_ONCE_MS: f64 = 1000.0;

/// How much quieter than a voice nobody is, in dB.
const SILENCE_BELOW_DB: f64 = 60.0;

/// One scene at a time: two cores carry one roundtable of browsers, not several.
static STAGE: Mutex<()> = Mutex::const_new(());

async fn stage() -> MutexGuard<'static, ()> {
    STAGE.lock().await
}

/// Puts the measuring script beside the page's peer connection, a JavaScript expression.
async fn measure(tab: &Tab, connection: &str, tones: &[u32]) {
    let script = include_str!("support/measure.js");
    let () = tab
        .run(&format!(
            "{script}; await measure.start(() => ({connection}), {tones:?});"
        ))
        .await;
}

/// A page that sends itself its own camera and microphone, to prove the measuring.
async fn loopback_page() -> String {
    const PAGE: &str = r"<!doctype html><title>loopback</title><audio autoplay></audio><video autoplay muted></video>
<script>
async function loop() {
  const media = await navigator.mediaDevices.getUserMedia({video: {width: 320, height: 180}, audio:
    {echoCancellation: false, noiseSuppression: false, autoGainControl: false}});
  const a = new RTCPeerConnection(), b = new RTCPeerConnection();
  a.onicecandidate = (e) => b.addIceCandidate(e.candidate);
  b.onicecandidate = (e) => a.addIceCandidate(e.candidate);
  window.sending = media.getTracks().map((track) => a.addTrack(track, media));
  b.ontrack = (e) => {
    document.querySelector(e.track.kind).srcObject = new MediaStream([e.track]);
  };
  await a.setLocalDescription();
  await b.setRemoteDescription(a.localDescription);
  await b.setLocalDescription();
  await a.setRemoteDescription(b.localDescription);
  window.receiving = b;
  window.microphone = media.getAudioTracks()[0];
}
</script>";
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 2048];
            let _ = stream.read(&mut request).await;
            let reply = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{PAGE}",
                PAGE.len()
            );
            let _ = stream.write_all(reply.as_bytes()).await;
        }
    });
    format!("http://{address}/")
}

/// A tab that sends itself its camera and microphone, measured.
async fn loopback_tab(browser: &Browser, tones: &[u32]) -> Tab {
    let tab = browser.tab("loopback", &loopback_page().await).await;
    let () = tab.run("await loop();").await;
    measure(&tab, "window.receiving", tones).await;
    tab.wait_for("measure.firstFrame() !== null", Duration::from_secs(20))
        .await;
    pass(Duration::from_secs(3)).await;
    tab
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_measuring_measures_in_chromium() {
    let _stage = stage().await;
    let browser = Browser::chromium(Some(970)).await;
    let tab = loopback_tab(&browser, &[970, 1990]).await;
    let [tone, other]: [f64; 2] = tab
        .run("return measure.tonesBetween(Date.now() - 2000, Date.now());")
        .await;
    let [fps, gap_ms]: [f64; 2] = tab
        .run(
            "const mid = receiving.getTransceivers()
               .find((t) => t.receiver.track.kind === 'video').mid;
             const v = measure.videoBetween(mid, Date.now() - 2500, Date.now());
             return [v.fps, v.gap_ms];",
        )
        .await;
    let () = tab.run("microphone.enabled = false;").await;
    pass(Duration::from_secs(2)).await;
    let [shut, _]: [f64; 2] = tab
        .run("return measure.tonesBetween(Date.now() - 1000, Date.now());")
        .await;
    assert!(tone > -30.0, "the tone is heard: {tone} dB");
    assert!(tone - other > 40.0, "and no other: {other} dB");
    assert!(tone - shut > 60.0, "and then it is not: {shut} dB");
    assert!(fps > 8.0 && gap_ms < 1000.0, "{fps} fps, {gap_ms} ms");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_measuring_measures_in_firefox() {
    let _stage = stage().await;
    let browser = Browser::firefox(770).await;
    let tab = loopback_tab(&browser, &[]).await;
    let loud: f64 = tab
        .run("return measure.loudnessBetween(Date.now() - 2000, Date.now());")
        .await;
    let () = tab.run("microphone.enabled = false;").await;
    pass(Duration::from_secs(2)).await;
    let shut: f64 = tab
        .run("return measure.loudnessBetween(Date.now() - 1000, Date.now());")
        .await;
    assert!(loud > -40.0, "something is heard: {loud} dB");
    assert!(loud - shut > 40.0, "and then it is not: {shut} dB");
}

/// The page's modules that need no page: the room's state, its clock, where tiles stand.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_s_modules_keep_their_promises() {
    let _stage = stage().await;
    let server = Server::start(None).await;
    let browser = Browser::chromium(None).await;
    let observer = &server.members("observer")[0];
    let tab = browser.tab("modules", &server.link(observer).url).await;
    let script = include_str!("support/page_checks.js");
    let wrong: Vec<String> = tab
        .run(&format!(
            "{script}; return await pageChecks((name) => import(`/assets/${{name}}`));"
        ))
        .await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Browsers with one tone each as their microphone.
async fn browsers(tones: &[u32]) -> Vec<Browser> {
    let mut browsers = Vec::new();
    for tone in tones {
        browsers.push(Browser::chromium(Some(*tone)).await);
    }
    browsers
}

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

/// The floor, from end to end: who sends without it is heard by nobody, who has it by everybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_has_the_floor_is_heard() {
    const SPEAKER: usize = 1;
    let _stage = stage().await;
    let server = Server::start(None).await;
    let browsers = browsers(&TONES).await;
    let chair_member = &server.members("chair")[0];
    let members = [
        chair_member.as_str(),
        "indonesia-1",
        "malaysia-1",
        "russia-1",
    ];

    // The chair comes first, mutes herself, and opens the session; the others wait for that.
    let chair = Seat::open(&browsers[0], &server, members[0], &TONES).await;
    chair.press("check-mic-toggle").await;
    chair.press_join().await;
    chair.is_in().await;
    let mut seats = vec![chair];
    for (browser, member) in browsers.iter().zip(members).skip(1) {
        let seat = Seat::open(browser, &server, member, &TONES).await;
        seat.press_join().await;
        seat.sees("[data-testid=waiting]").await;
        seats.push(seat);
    }
    seats[0].press("open-session").await;
    for seat in &seats {
        seat.is_in().await;
    }
    let speaker = &seats[SPEAKER];
    let tone = TONES[SPEAKER];

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
        for member in members.iter().filter(|member| **member != seat.member) {
            let picture = seat.picture_of(member, from, to).await;
            println!("{} sees {member}: {picture:?}", seat.member);
            assert!(
                picture.fps >= 10.0,
                "{} sees {member}: {picture:?}",
                seat.member
            );
            assert!(
                picture.gap_ms <= 1000.0,
                "{} sees {member}: {picture:?}",
                seat.member
            );
            assert!(
                picture.frozen_s <= 1.0,
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
    let granted = wall_ms();
    seats[0].press("next-speaker").await;
    for (_, seat) in seats
        .iter()
        .enumerate()
        .filter(|(place, _)| *place != SPEAKER)
    {
        let after = seat.hears(tone, granted).await;
        println!("{} hears the floor after {after:.0} ms", seat.member);
        assert!(
            after <= AT_ONCE_MS,
            "{} hears only after {after} ms",
            seat.member
        );
    }
    speaker.is("speaking").await;
    pass(Duration::from_secs(2)).await;
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
    seats[0].press_on("stop", &speaker.member).await;
    let stopped = wall_ms();
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
    let granted = wall_ms();
    seats[0].press_on("grant", &speaker.member).await;
    for (_, seat) in seats
        .iter()
        .enumerate()
        .filter(|(place, _)| *place != SPEAKER)
    {
        let after = seat.hears(tone, granted).await;
        assert!(
            after <= AT_ONCE_MS,
            "{} hears only after {after} ms",
            seat.member
        );
    }
    seats[0].press_on("mute", &speaker.member).await;
    let muted = wall_ms();
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
    let accepted = wall_ms();
    speaker.press("unmute-accept").await;
    for (_, seat) in seats
        .iter()
        .enumerate()
        .filter(|(place, _)| *place != SPEAKER)
    {
        let after = seat.hears(tone, accepted).await;
        println!("{} hears again after {after:.0} ms", seat.member);
        assert!(
            after <= AT_ONCE_MS,
            "{} hears only after {after} ms",
            seat.member
        );
    }
    drop(seats);
    assert_eq!(server.stop(), Some(0), "the server ends cleanly");
}

/// Mode `open`: as many as there are microphones are heard at once, the next one waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_open_mode_three_are_heard_and_a_fourth_waits() {
    let _stage = stage().await;
    let server = Server::start(Some("session-1:open:3")).await;
    let browsers = browsers(&TONES).await;
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
        raised.push(wall_ms());
        seat.press("raise-hand").await;
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
            let after = seat.hears(TONES[other], *raised).await;
            assert!(
                after <= AT_ONCE_MS,
                "{} hears {other} after {after} ms",
                seat.member
            );
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
    let finished = wall_ms();
    seats[0].press("finish-speaking").await;
    seats[3].is("speaking").await;
    let after = seats[0].hears(TONES[3], finished).await;
    assert!(after <= AT_ONCE_MS, "heard after {after} ms");
}

/// Who comes late sees at once, and who leaves is gone for all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_joiner_sees_at_once_and_a_leaver_disappears() {
    let _stage = stage().await;
    let server = Server::start(Some("session-1")).await;
    let browser = Browser::chromium(Some(TONES[0])).await;
    let early = [
        Seat::join(&browser, &server, "indonesia-1", &TONES).await,
        Seat::join(&browser, &server, "malaysia-1", &TONES).await,
    ];
    early[0].sees_picture_of("malaysia-1").await;
    early[1].sees_picture_of("indonesia-1").await;
    // Long after the cameras' first key frames.
    pass(Duration::from_secs(5)).await;

    let late = Seat::open(&browser, &server, "russia-1", &TONES).await;
    // The page has settled, as one has by the time that its owner presses.
    pass(Duration::from_secs(2)).await;
    late.press_join().await;
    let pressed = late.pressed_at().await;
    for seat in &early {
        late.sees_picture_of(&seat.member).await;
        let shown: f64 = late.first_picture_of(&seat.member).await;
        println!("{} seen after {:.0} ms", seat.member, shown - pressed);
        assert!(
            shown - pressed <= AT_ONCE_MS,
            "{} seen only after {} ms",
            seat.member,
            shown - pressed
        );
        seat.sees_picture_of("russia-1").await;
    }

    late.press("leave-button").await;
    late.press("confirm-accept").await;
    late.sees("[data-testid=left]").await;
    for seat in &early {
        for testid in ["member-row", "video-tile"] {
            let gone = format!("[data-testid={testid}][data-member=russia-1]");
            seat.sees_no(&gone, Duration::from_secs(2)).await;
        }
    }
}

/// Firefox at the same table: both kinds of media in both directions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn firefox_and_chromium_see_and_hear_each_other() {
    const FIREFOX_TONE: u32 = 770;
    let _stage = stage().await;
    let server = Server::start(Some("session-1:open:2")).await;
    let chromium = Browser::chromium(Some(TONES[2])).await;
    let firefox = Browser::firefox(FIREFOX_TONE).await;
    let one = Seat::join(&chromium, &server, "indonesia-1", &[FIREFOX_TONE]).await;
    let other = Seat::join(&firefox, &server, "malaysia-1", &[]).await;
    one.sees_picture_of("malaysia-1").await;
    other.sees_picture_of("indonesia-1").await;

    let raised = wall_ms();
    other.press("raise-hand").await;
    other.is("speaking").await;
    let after = one.hears(FIREFOX_TONE, raised).await;
    assert!(after <= AT_ONCE_MS, "Firefox is heard after {after} ms");
    pass(Duration::from_secs(2)).await;
    let before = other.loudness(wall_ms() - 1500.0, wall_ms()).await;
    one.press("raise-hand").await;
    one.is("speaking").await;
    let from = wall_ms() + AT_ONCE_MS;
    pass(Duration::from_secs(6)).await;
    let during = other.loudness(from, wall_ms()).await;
    println!("in Firefox: {before} dB before, {during} dB during the turn");
    assert!(
        during > -40.0 && during - before > 40.0,
        "{before} dB, then {during} dB"
    );

    for (seat, member) in [(&one, "malaysia-1"), (&other, "indonesia-1")] {
        let picture = seat.picture_of(member, from, wall_ms()).await;
        println!("{} sees {member}: {picture:?}", seat.member);
        assert!(
            picture.fps >= 10.0 && picture.gap_ms <= 1000.0,
            "{picture:?}"
        );
    }
}

/// Elements that one has to scroll sideways to see all of.
const SCROLLED_SIDEWAYS: &str = "
    return [...document.querySelectorAll('body *')]
      .filter((e) => ['auto', 'scroll'].includes(getComputedStyle(e).overflowX))
      .filter((e) => e.scrollWidth > e.clientWidth)
      .map((e) => `${e.className}: ${e.scrollWidth} in ${e.clientWidth}, by ` + [...e.querySelectorAll('*')]
        .filter((inner) => inner.getBoundingClientRect().right > e.getBoundingClientRect().left + e.clientWidth)
        .map((inner) => inner.className).slice(0, 5));";

/// Pictures of the room to look at, in `target/screens`: nothing may be cut off on any screen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_room_fits_a_desk_and_a_phone() {
    let _stage = stage().await;
    let server = Server::start(Some("session-1")).await;
    let browser = Browser::chromium(Some(TONES[0])).await;
    let chair_member = server.members("chair")[0].clone();
    let chair = Seat::join(&browser, &server, &chair_member, &[]).await;
    let mut delegates = Vec::new();
    for (member, name) in [
        ("indonesia-1", "Dr. Sari Wijaya"),
        ("malaysia-1", "Prof. Ahmad bin Ismail"),
        ("russia-1", "Екатерина Колдунова"),
    ] {
        let seat = Seat::open(&browser, &server, member, &[]).await;
        seat.tab.fill("[data-testid=name-input]", name).await;
        seat.press_join().await;
        seat.is_in().await;
        delegates.push(seat);
    }
    for delegate in &delegates {
        delegate.press("raise-hand").await;
        delegate.is("waiting").await;
    }
    chair.press("next-speaker").await;
    delegates[0].is("speaking").await;
    for member in ["indonesia-1", "malaysia-1", "russia-1"] {
        chair.sees_picture_of(member).await;
    }
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/screens");
    for (name, seat) in [
        ("chair", &chair),
        ("speaker", &delegates[0]),
        ("delegate", &delegates[1]),
    ] {
        for (width, height) in [(1280, 800), (390, 844)] {
            seat.tab.resize(width, height).await;
            pass(Duration::from_secs(1)).await;
            let file = folder.join(format!("{name}-{width}x{height}.png"));
            seat.tab.screenshot(&file).await;
            let wide: u32 = seat
                .tab
                .run("return document.documentElement.scrollWidth;")
                .await;
            assert!(wide <= width, "{name} at {width}: the page is {wide} wide");
            let sideways: Vec<String> = seat.tab.run(SCROLLED_SIDEWAYS).await;
            assert!(sideways.is_empty(), "{name} at {width}: {sideways:?}");
            for testid in ["own-state", "leave-button"] {
                let inside: bool = seat
                    .tab
                    .run(&format!(
                        "const r = document.querySelector('[data-testid={testid}]').getBoundingClientRect(); \
                         return r.width > 0 && r.left >= 0 && r.right <= innerWidth && r.top >= 0 && r.bottom <= innerHeight;"
                    ))
                    .await;
                assert!(inside, "{name} at {width}: {testid} is cut off");
            }
        }
    }
    let complaints: Vec<String> = delegates
        .iter()
        .flat_map(|seat| seat.tab.complaints())
        .collect();
    assert!(complaints.is_empty(), "the page complains: {complaints:?}");
}
