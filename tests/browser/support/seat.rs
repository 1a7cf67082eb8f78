//! A member at the table: a link opened in a tab, the page's controls by their test ids, and what
//! this member's page receives.

use std::time::Duration;

use super::{browser::Browser, camera::Colour, server::Server, tab::Tab};

/// What a page needs for anything that is not measured, on two busy cores.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A voice is heard from here on, in dB of full scale: the tones are at about -12, what one tone
/// leaves at another's frequency, even at its sudden start, below -40.
const HEARD_DB: f64 = -36.0;

/// What a page decoded of one member's camera.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
pub struct Picture {
    /// Frames a second.
    pub fps: f64,
    /// The longest time between looks, 100 ms apart, that found a new frame.
    pub gap_ms: f64,
    /// The longest freeze by the browser's own count.
    pub freeze_ms: f64,
}

/// One member's page.
pub struct Seat {
    /// Whose link it is.
    pub member: String,
    pub tab: Tab,
}

impl Seat {
    /// Opens the member's link and passes the device check, up to the button that joins. The page
    /// is measured from here on; `tones` are those to listen for, in Hz.
    pub async fn open(browser: &Browser, server: &Server, member: &str, tones: &[u32]) -> Self {
        Self::open_at(browser, &server.link(member).url, member, tones).await
    }

    /// The same by a link that takes another way than the server's own.
    pub async fn open_at(browser: &Browser, link: &str, member: &str, tones: &[u32]) -> Self {
        // The fragment stays last: it is the token.
        let url = link.replacen("/join#", "/join?rawaudio=1#", 1);
        let tab = browser.measured_tab(member, &url).await;
        let seat = Self {
            member: member.to_owned(),
            tab,
        };
        seat.sees("[data-testid=check-screen] [data-testid=join-button]:not([aria-disabled])")
            .await;
        let () = seat.tab.run(COUNT_CONNECTIONS).await;
        let script = include_str!("measure.js");
        let () = seat
            .tab
            .run(&format!(
                "{script}; await measure.start(() => roundtable.media.pc, {tones:?});"
            ))
            .await;
        seat
    }

    /// Waits for camera and microphone, and presses “join”; gives the time of that.
    pub async fn press_join(&self) -> f64 {
        self.tab
            .wait_for(
                "roundtable.devices.microphone !== null \
                 && document.querySelector('.preview-video').videoWidth > 0",
                PATIENCE,
            )
            .await;
        self.press("join-button").await
    }

    /// Is in the room, its media path standing.
    pub async fn is_in(&self) {
        self.sees("[data-testid=room]").await;
        self.tab
            .wait_for("roundtable.media.status === 'connected'", PATIENCE)
            .await;
    }

    /// Opens the link and joins the room.
    pub async fn join(browser: &Browser, server: &Server, member: &str, tones: &[u32]) -> Self {
        let seat = Self::open(browser, server, member, tones).await;
        seat.press_join().await;
        seat.is_in().await;
        seat
    }

    /// The same by a link that takes another way than the server's own.
    pub async fn join_at(browser: &Browser, link: &str, member: &str, tones: &[u32]) -> Self {
        let seat = Self::open_at(browser, link, member, tones).await;
        seat.press_join().await;
        seat.is_in().await;
        seat
    }

    /// Presses a control, and gives the time of that.
    pub async fn press(&self, testid: &str) -> f64 {
        self.tab.click(&format!("[data-testid='{testid}']")).await
    }

    /// Presses a control that concerns another member, and gives the time of that.
    pub async fn press_on(&self, testid: &str, member: &str) -> f64 {
        self.tab
            .click(&format!("[data-testid='{testid}'][data-member={member}]"))
            .await
    }

    /// Waits until an element is shown.
    pub async fn sees(&self, selector: &str) {
        let shown = format!("document.querySelector({selector:?})?.getClientRects().length > 0");
        self.tab.wait_for(&shown, PATIENCE).await;
    }

    /// Waits until no such element is there, at most that long.
    pub async fn sees_no(&self, selector: &str, within: Duration) {
        let gone = format!("document.querySelector({selector:?}) === null");
        self.tab.wait_for(&gone, within).await;
    }

    /// Waits until the own state's lamp says so: `idle`, `waiting`, `offered`, `speaking`, `muted`…
    pub async fn is(&self, state: &str) {
        self.sees(&format!("[data-testid=own-state][data-state={state}]"))
            .await;
    }

    /// Sends the microphone though the page would not: what only the server can keep unheard.
    pub async fn send_by_force(&self) {
        let before = self.sent_audio_packets().await;
        let () = self
            .tab
            .run("await roundtable.media.forceSend(true);")
            .await;
        self.tab
            .wait_for(
                &format!("(await {SENT}) > {before} + 50", SENT = SENT_AUDIO_PACKETS),
                PATIENCE,
            )
            .await;
    }

    /// What media goes by, by the browser's own count: the protocol of the selected pair, and
    /// how many packets have come on it.
    pub async fn way(&self) -> (String, u64) {
        self.tab
            .run(
                "const stats = await roundtable.media.pc.getStats(); \
                 const of = (type) => [...stats.values()].find((r) => r.type === type); \
                 const pair = stats.get(of('transport').selectedCandidatePairId); \
                 return [stats.get(pair.localCandidateId).protocol, pair.packetsReceived];",
            )
            .await
    }

    /// Audio packets that this page has sent.
    pub async fn sent_audio_packets(&self) -> u64 {
        self.tab.run(&format!("return {SENT_AUDIO_PACKETS};")).await
    }

    /// Audio packets that this page has received, of anybody.
    pub async fn received_audio_packets(&self) -> u64 {
        self.tab.run("return measure.audioPackets();").await
    }

    /// Mean level of each tone between two times, in dB of full scale.
    pub async fn levels(&self, from: f64, to: f64) -> Vec<f64> {
        self.tab
            .run(&format!("return measure.tonesBetween({from}, {to});"))
            .await
    }

    /// Waits until a tone is heard from `since` on, and panics if that was later than after `ms`.
    pub async fn hears(&self, hz: u32, since: f64, ms: f64) {
        let first = format!("measure.firstHeard({hz}, {HEARD_DB}, {since})");
        self.tab
            .wait_for(&format!("{first} !== null"), PATIENCE)
            .await;
        let heard: f64 = self.tab.run(&format!("return {first};")).await;
        let after = heard - since;
        println!("{} hears {hz} Hz after {after:.0} ms", self.member);
        if after > ms {
            let course: String = self
                .tab
                .run(&format!("return measure.course({hz}, {since});"))
                .await;
            panic!(
                "{} hears {hz} Hz only after {after:.0} ms; ms and dB: {course}",
                self.member
            );
        }
    }

    /// The longest time between two dates in which a tone was not heard, in ms.
    pub async fn longest_silence(&self, hz: u32, [from, to]: [f64; 2]) -> f64 {
        self.tab
            .run(&format!(
                "return measure.longestBelow({hz}, {HEARD_DB}, {from}, {to});"
            ))
            .await
    }

    /// Notes from here on which events change the room's state in this page, and which peer
    /// connection is in use now.
    pub async fn begin_notes(&self) {
        let () = self
            .tab
            .run(
                "window.events = []; window.connection = roundtable.media.pc; \
                 roundtable.meeting.subscribe((state, event) => \
                   events.push(event ? `${event.type} ${event.member ?? ''}` : 'snapshot'));",
            )
            .await;
    }

    /// The events noted so far, each with its member; a state taken anew is `snapshot`.
    pub async fn noted(&self) -> Vec<String> {
        self.tab.run("return events;").await
    }

    /// Whether the peer connection in use is the one from when the notes began.
    pub async fn kept_connection(&self) -> bool {
        self.tab
            .run("return connection === roundtable.media.pc;")
            .await
    }

    /// Waits until another peer connection than the noted one is in use.
    pub async fn loses_connection(&self) {
        self.tab
            .wait_for("connection !== roundtable.media.pc", PATIENCE)
            .await;
    }

    /// Whether signalling stands.
    pub async fn is_connected(&self) -> bool {
        self.tab.run("return roundtable.protocol.connected;").await
    }

    /// Waits until the page has lost its signalling and says so.
    pub async fn knows_its_loss(&self) {
        self.sees(".banner[data-kind=problem]").await;
    }

    /// Waits until an element says these words: the page draws a moment after it knows.
    pub async fn says(&self, selector: &str, words: &str) {
        let said = format!("document.querySelector({selector:?})?.innerText.includes('{words}')");
        self.tab.wait_for(&said, PATIENCE).await;
    }

    /// The members in the queue as this page has it, in order.
    pub async fn queue(&self) -> Vec<String> {
        self.tab
            .run("return roundtable.meeting.state.queue.map(({ member }) => member);")
            .await
    }

    /// Waits until a JavaScript expression over the room's `state` is true.
    pub async fn state_says(&self, condition: &str) {
        let condition = format!("((state) => {condition})(roundtable.meeting.state)");
        self.tab.wait_for(&condition, PATIENCE).await;
    }

    /// Whether the page plays all that it receives: no sound element is paused, muted or empty.
    pub async fn plays_all_sound(&self) -> bool {
        self.tab
            .run(
                "const sounds = [...document.querySelectorAll('audio')]; \
                 return sounds.length > 0 && sounds.every((sound) => \
                   sound.srcObject && !sound.paused && !sound.muted && sound.volume === 1);",
            )
            .await
    }

    /// Waits until one peer connection is open and no other, and each of its slots for sound is played by
    /// one element: nobody is heard twice.
    pub async fn plays_once(&self) {
        self.tab
            .wait_for(
                "(() => { \
                   const open = made.filter(({ connectionState }) => connectionState !== 'closed'); \
                   const slots = open[0]?.getTransceivers() \
                     .filter(({ direction, receiver }) => direction === 'recvonly' && receiver.track.kind === 'audio') \
                     .map(({ receiver }) => receiver.track.id).sort(); \
                   const played = [...document.querySelectorAll('audio')].filter(({ paused }) => !paused) \
                     .map(({ srcObject }) => srcObject.getAudioTracks()[0].id).sort(); \
                   return open.length === 1 && open[0] === roundtable.media.pc && slots.length > 0 \
                     && JSON.stringify(slots) === JSON.stringify(played); })()",
                Duration::from_secs(10),
            )
            .await;
    }

    /// From here on the test says what is drawn and no longer the page: this member's camera alone, so many
    /// pixels high, or as large as there is. A view that the page is about to tell becomes this one.
    pub async fn draws(&self, member: &str, height: Option<u32>) {
        let height = height.map_or_else(String::new, |height| format!(", height: {height}"));
        let () = self
            .tab
            .run(&format!(
                "const {{ media }} = roundtable;
                 window.draws ??= media.show.bind(media);
                 media.show = () => {{}};
                 draws([{{ member: '{member}', source: 'camera'{height} }}]);"
            ))
            .await;
    }

    /// Picture packets that this page has received so far.
    pub async fn received_picture_packets(&self) -> u64 {
        self.tab
            .run(
                "return [...(await roundtable.media.pc.getStats()).values()] \
                   .filter(({ type, kind }) => type === 'inbound-rtp' && kind === 'video') \
                   .reduce((sum, { packetsReceived }) => sum + packetsReceived, 0);",
            )
            .await
    }

    /// Waits until the member's camera has been decoded here for the first time.
    pub async fn sees_picture_of(&self, member: &str) {
        let mid = mid_of(member);
        self.tab
            .wait_for(
                &format!("(({mid}) ?? null) !== null && measure.firstFrame({mid}) !== null"),
                PATIENCE,
            )
            .await;
        self.sees(&format!("[data-testid=video-tile][data-member={member}]"))
            .await;
    }

    /// The colour behind the member in the picture that the page shows of them.
    pub async fn backdrop_of(&self, member: &str) -> Colour {
        self.tab
            .run(&format!(
                "const video = document.querySelector('[data-testid=video-tile][data-member={member}] video'); \
                 const canvas = new OffscreenCanvas(16, 9).getContext('2d'); \
                 canvas.drawImage(video, 0, 0, 16, 9); \
                 return [...canvas.getImageData(1, 1, 1, 1).data.slice(0, 3)];"
            ))
            .await
    }

    /// How long after `since` the page had first decoded a frame of the member's camera, in ms.
    pub async fn waited_for_picture_of(&self, member: &str, since: f64) -> f64 {
        let first = format!("return measure.firstFrame({});", mid_of(member));
        let waited = self.tab.run::<f64>(&first).await - since;
        println!("{} sees {member} after {waited:.0} ms", self.member);
        waited
    }

    /// Waits until the member's camera moves again from `since` on, and panics if that was later
    /// than after `ms`.
    pub async fn sees_again(&self, member: &str, since: f64, ms: f64) {
        let next = format!("measure.nextFrame({}, {since})", mid_of(member));
        self.tab
            .wait_for(&format!("({next}) !== null"), PATIENCE)
            .await;
        let waited = self.tab.run::<f64>(&format!("return {next};")).await - since;
        println!("{} sees {member} again after {waited:.0} ms", self.member);
        assert!(
            waited <= ms,
            "{} sees {member} only after {waited:.0} ms",
            self.member
        );
    }

    /// How loud all that is heard is between two times, in dB of full scale.
    pub async fn loudness(&self, from: f64, to: f64) -> f64 {
        self.tab
            .run(&format!("return measure.loudnessBetween({from}, {to});"))
            .await
    }

    /// What was decoded of the member's camera between two times.
    pub async fn picture_of(&self, member: &str, from: f64, to: f64) -> Picture {
        self.tab
            .run(&format!(
                "return measure.videoBetween({}, {from}, {to});",
                mid_of(member)
            ))
            .await
    }
}

/// Keeps every peer connection that the page makes from now on.
const COUNT_CONNECTIONS: &str = "window.made = [];
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(...all) { super(...all); made.push(this); }
    };";

const SENT_AUDIO_PACKETS: &str = "(async () => [...(await roundtable.media.pc.getStats()).values()]
    .filter((r) => r.type === 'outbound-rtp' && r.kind === 'audio')
    .reduce((sum, r) => sum + r.packetsSent, 0))()";

/// The section whose picture the page shows as that member's: by the stream in the member's tile, so
/// that a picture under a wrong name would be found.
fn mid_of(member: &str) -> String {
    format!(
        "(() => {{ \
           const track = document.querySelector('[data-testid=video-tile][data-member={member}] video') \
             ?.srcObject?.getVideoTracks()[0]; \
           return track && roundtable.media.pc.getTransceivers() \
             .find((t) => t.receiver.track === track)?.mid; }})()"
    )
}
