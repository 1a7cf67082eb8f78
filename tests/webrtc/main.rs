//! The real program over loopback, and members whose clients are built on the `webrtc` crate, which
//! shares no SRTP, RTP or RTCP with the server.

#![expect(
    clippy::disallowed_methods,
    reason = "these tests are about real time on real sockets"
)]

mod client;
#[path = "../browser/support/process.rs"]
mod process;
#[path = "../browser/support/server.rs"]
#[expect(dead_code, reason = "the tests in browsers use more of it")]
mod server;
mod signalling;

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use client::{Client, Received, Sent};
use serde_json::{Value, json};
use server::Server;
use tokio::task::JoinHandle;
use tokio::time::{interval, sleep};
use webrtc::peer_connection::SrtpProtectionProfile;

const SESSION: &str = "session-1";

/// How soon after the grant the floor's holder is heard.
const HEARD_WITHIN_MS: f64 = 1000.0;

/// How soon after the stop the former holder is not heard any more.
const SILENT_WITHIN_MS: f64 = 100.0;

/// What the machine may add to it: several processes and two cores.
const SCHEDULING_MS: f64 = 250.0;

/// The stream's first sequence number: it wraps while it is heard.
const FIRST_SEQUENCE: u16 = u16::MAX - 100;

/// The length of the VP8 payload descriptor that the scenes send.
const DESCRIPTOR_BYTES: usize = 6;

/// The machine's clock in milliseconds since 1970; the server's events have the same.
fn wall_ms() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock after 1970")
        .as_secs_f64()
        * 1000.0
}

/// A chair and two delegates, each under an SRTP profile of its own.
struct Table {
    chair: Client,
    speaker: Arc<Client>,
    listener: Client,
    // Last: the clients go before it.
    _server: Server,
}

impl Table {
    async fn seat() -> Self {
        Self::seat_at(Server::start(Some(SESSION)).await).await
    }

    async fn seat_at(server: Server) -> Self {
        let chair = server.members("chair").remove(0);
        let mut delegates = server.members("delegate").into_iter();
        let (speaker, listener) = (delegates.next(), delegates.next());
        let join =
            async |member: &str, profile| Client::join(server.link(member), SESSION, profile).await;
        Self {
            chair: join(&chair, SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm).await,
            speaker: Arc::new(
                join(
                    &speaker.expect("a delegate"),
                    SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
                )
                .await,
            ),
            listener: join(
                &listener.expect("a second delegate"),
                SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
            )
            .await,
            _server: server,
        }
    }

    /// Those who should hear and see the speaker.
    fn audience(&self) -> [&Client; 2] {
        [&self.chair, &self.listener]
    }

    fn nobody_received(&self, when: &str) {
        for client in [&self.chair, &*self.speaker, &self.listener] {
            assert_eq!(client.received_count(), 0, "{} {when}", client.member);
        }
    }
}

/// A track that is being sent, and all that was sent.
struct Sending {
    sent: Arc<Mutex<Vec<Sent>>>,
    task: JoinHandle<()>,
}

impl Sending {
    /// Sends packet after packet, each of `ticks` of the track's clock.
    fn begin<F>(
        every: Duration,
        ticks: u32,
        mut payload: impl FnMut(u32) -> Bytes + Send + 'static,
        send: impl Fn(Sent) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send,
    {
        let sent = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&sent);
        let task = tokio::spawn(async move {
            let mut pace = interval(every);
            for number in 0_u32.. {
                pace.tick().await;
                let one = Sent {
                    at_ms: wall_ms(),
                    sequence: FIRST_SEQUENCE.wrapping_add(number as u16),
                    timestamp: number.wrapping_mul(ticks),
                    payload: payload(number),
                };
                log.lock().expect("no panic").push(one.clone());
                send(one).await;
            }
        });
        Self { sent, task }
    }

    fn end(self) -> Vec<Sent> {
        self.task.abort();
        self.sent.lock().expect("no panic").clone()
    }
}

/// Sound that nobody could mistake for other sound.
fn sound(number: u32) -> Bytes {
    let length = 40 + number as usize % 80;
    let mut payload = vec![0x78];
    payload.extend(number.to_be_bytes());
    payload.resize(length, number as u8);
    payload.into()
}

/// A frame of one packet: descriptor with 15-bit picture id, TL0PICIDX and a layer, then VP8.
fn frame(number: u32, key: bool) -> Bytes {
    let [high, low] = (number as u16 & 0x7fff).to_be_bytes();
    let mut payload = vec![0x90, 0xe0, 0x80 | high, low, number as u8, 0x20];
    // P, the lowest bit, is set where the frame needs another.
    payload.push(u8::from(!key));
    payload.extend([0, 0, 0x9d, 0x01, 0x2a, 64, 1, 180, 0]);
    payload.extend(number.to_be_bytes());
    payload.resize(DESCRIPTOR_BYTES + 200, number as u8);
    payload.into()
}

fn is_key(payload: &[u8]) -> bool {
    payload[DESCRIPTOR_BYTES] & 1 == 0
}

fn at_ms(event: &Value) -> f64 {
    event["at"].as_f64().expect("a time")
}

/// What of `sent` was received: from the first packet on one after the other, under numbers
/// without a gap.
fn unbroken<'a>(
    who: &str,
    sent: &'a [Sent],
    received: &[Received],
    body: impl Fn(&Bytes) -> Bytes,
) -> &'a [Sent] {
    let first = received.first().unwrap_or_else(|| panic!("{who}: nothing"));
    let from = sent
        .iter()
        .position(|sent| body(&sent.payload) == body(&first.payload))
        .unwrap_or_else(|| panic!("{who}: nobody sent {first:?}"));
    let same = &sent[from..from + received.len()];
    for (number, (sent, received)) in same.iter().zip(received).enumerate() {
        let place = format!("{who}, packet {number} of {}", same.len());
        assert_eq!(body(&sent.payload), body(&received.payload), "{place}");
        assert_eq!(
            received.sequence,
            first.sequence.wrapping_add(number as u16),
            "{place}"
        );
        assert_eq!(
            received.timestamp.wrapping_sub(first.timestamp),
            sent.timestamp.wrapping_sub(same[0].timestamp),
            "{place}"
        );
    }
    same
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_srtp_profile_is_agreed() {
    let table = Table::seat().await;
    assert_eq!(table.chair.srtp_profile().await, "SRTP_AEAD_AES_256_GCM");
    assert_eq!(table.speaker.srtp_profile().await, "SRTP_AEAD_AES_128_GCM");
    assert_eq!(
        table.listener.srtp_profile().await,
        "SRTP_AES128_CM_HMAC_SHA1_80"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_voice_is_heard_with_the_floor_and_only_then() {
    a_turn(Table::seat().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_are_served_at_ipv6_beside_ipv4() {
    let (v4, v6) = (Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into());
    for addresses in [[v6, v4], [v4, v6]] {
        // Clients have the family of the address that they reach the page at, and no other.
        let server = Server::start_at(&addresses, Some(SESSION), &[]).await;
        a_turn(Table::seat_at(server).await).await;
    }
}

/// The speaker's turn, and what the others hear before, in and after it.
async fn a_turn(table: Table) {
    let member = table.speaker.member.as_str();
    let speaker = Arc::clone(&table.speaker);
    let voice = Sending::begin(Duration::from_millis(20), 960, sound, move |sent| {
        let speaker = Arc::clone(&speaker);
        async move { speaker.speak(&sent).await }
    });
    sleep(Duration::from_secs(1)).await;
    table.nobody_received("heard without the floor");

    table
        .speaker
        .signalling
        .ask("floor.request", json!({}))
        .await;
    let chair = &table.chair.signalling;
    let now = chair.ask("session.snapshot", json!({})).await;
    let last_turn = &now["snapshot"]["floor"]["last_turn"];
    table.nobody_received("heard a hand");
    chair
        .ask("floor.next", json!({"after_turn": last_turn}))
        .await;
    let granted = at_ms(
        &table
            .listener
            .signalling
            .event("floor.granted", member)
            .await,
    );
    table
        .listener
        .signalling
        .event("floor.started", member)
        .await;
    sleep(Duration::from_secs(2)).await;
    chair.ask("floor.stop", json!({"member": member})).await;
    let ended = at_ms(&table.listener.signalling.event("floor.ended", member).await);
    sleep(Duration::from_millis(1500)).await;
    let sent = voice.end();

    for client in table.audience() {
        let who = client.member.as_str();
        let heard = client.received_from(member, "microphone");
        let same = unbroken(who, &sent, &heard, Bytes::clone);
        assert_eq!(client.received_count(), heard.len(), "{who}: only that");
        assert!(
            same.windows(2).any(|two| two[0].sequence > two[1].sequence),
            "{who} heard over the wrap of the sent sequence numbers"
        );
        let begun = heard[0].at_ms - granted;
        assert!(begun <= HEARD_WITHIN_MS, "{who} heard {begun} ms late");
        let early = granted - same[0].at_ms;
        assert!(
            early < SCHEDULING_MS,
            "{who} heard what was said {early} ms before the grant"
        );
        let last = heard.last().expect("not empty");
        let late = last.at_ms - ended;
        assert!(
            late <= SILENT_WITHIN_MS + SCHEDULING_MS,
            "{who} heard on for {late} ms"
        );
        assert!(last.at_ms >= ended - 500.0, "{who} heard it to its end");
        println!(
            "{who}: {} packets, the first {begun:.0} ms after the grant, the last {late:.0} ms after the stop",
            heard.len()
        );
    }
    assert_eq!(table.speaker.received_count(), 0, "nobody hears themselves");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_is_seen_from_its_first_key_frame_on() {
    let table = Table::seat().await;
    let member = table.speaker.member.as_str();
    let encoder = Arc::clone(&table.speaker);
    let mut answered = 0;
    // A key frame is sent where one is asked for and nowhere else, and never among the first.
    let payload = move |number| {
        let asked = encoder.asked();
        let key = asked > answered && number >= 10;
        if key {
            answered = asked;
        }
        frame(number, key)
    };
    let speaker = Arc::clone(&table.speaker);
    let camera = Sending::begin(Duration::from_millis(40), 3600, payload, move |sent| {
        let speaker = Arc::clone(&speaker);
        async move { speaker.show(&sent).await }
    });
    sleep(Duration::from_secs(4)).await;
    let sent = camera.end();
    // What is on its way arrives before it is counted.
    sleep(Duration::from_millis(500)).await;

    assert!(table.speaker.asked() > 0, "the server asks for a key frame");
    let first_key = sent.iter().position(|sent| is_key(&sent.payload));
    let first_key = first_key.expect("a key frame was sent");
    // Only the descriptor's counters are the server's to change.
    let body = |payload: &Bytes| payload.slice(DESCRIPTOR_BYTES..);
    for client in table.audience() {
        let who = client.member.as_str();
        let seen = client.received_from(member, "camera");
        let same = unbroken(who, &sent, &seen, body);
        assert_eq!(client.received_count(), seen.len(), "{who}: only that");
        assert_eq!(
            same[0].sequence, sent[first_key].sequence,
            "{who}: from the first"
        );
        assert!(seen.len() >= 50, "{who}: {} frames", seen.len());
        for pair in seen.windows(2) {
            let [one, next] = [0, 1].map(|place| &pair[place].payload);
            let picture = |payload: &Bytes| u16::from_be_bytes([payload[2] & 0x7f, payload[3]]);
            assert_eq!(
                picture(next),
                picture(one).wrapping_add(1) & 0x7fff,
                "{who}"
            );
            assert_eq!(next[4], one[4].wrapping_add(1), "{who}");
        }
    }
    assert_eq!(table.speaker.received_count(), 0, "nobody sees themselves");
}
