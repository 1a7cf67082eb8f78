//! A member's client on the `webrtc` crate. Sends what a scene gives it and keeps all that arrives.
//!
//! SRTP, RTP, RTCP, the reading of the answer and the connection's life are that crate's, written
//! without a thought of this server. ICE and DTLS are no second opinion: the server builds on the
//! same family of crates; browsers are.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    time::Instant,
};

use bytes::Bytes;
use rtc::{
    interceptor::Slot,
    media_stream::MediaStreamTrack,
    peer_connection::configuration::media_engine::{MIME_TYPE_OPUS, MIME_TYPE_VP8},
    rtp::{
        self,
        extension::{HeaderExtension, audio_level_extension::AudioLevelExtension},
    },
    rtp_transceiver::rtp_sender::{
        RTCRtpCodec, RTCRtpCodingParameters, RTCRtpEncodingParameters,
        RTCRtpHeaderExtensionCapability, RtpCodecKind,
    },
};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use webrtc::{
    media_stream::{
        track_local::{TrackLocal, TrackLocalEvent, static_rtp::TrackLocalStaticRTP},
        track_remote::{TrackRemote, TrackRemoteEvent},
    },
    peer_connection::{
        MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler,
        RTCPeerConnectionIceEvent, RTCSessionDescription, Registry, SettingEngineBuilder,
        SrtpProtectionProfile, StatsSelector, register_default_interceptors,
    },
    rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit},
};

use crate::{
    key_frames::{KeyFrameRequests, is_request},
    server::Link,
    signalling::Signalling,
    wall_ms,
};

const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
const OPUS: u8 = 111;
const VP8: u8 = 96;

/// Slots of each kind that a client offers.
const SLOTS: usize = 2;

/// Tracks and candidates not yet taken up; there are never more than slots and local addresses.
const WAITING_MAX: usize = 64;

/// Packets kept of one scene; it sends some hundreds.
const RECEIVED_MAX: usize = 10_000;

/// A packet that has arrived.
#[derive(Debug, Clone)]
pub struct Received {
    /// The slot that it arrived on.
    pub mid: String,
    /// By the machine's clock, which is the server's too.
    pub at_ms: f64,
    pub sequence: u16,
    pub timestamp: u32,
    pub payload: Bytes,
}

/// A packet that a scene sends.
#[derive(Debug, Clone)]
pub struct Sent {
    pub at_ms: f64,
    pub sequence: u16,
    pub timestamp: u32,
    pub payload: Bytes,
}

impl Sent {
    fn packet(&self, payload_type: u8) -> rtp::Packet {
        rtp::Packet {
            header: rtp::Header {
                version: 2,
                marker: true,
                payload_type,
                sequence_number: self.sequence,
                timestamp: self.timestamp,
                ssrc: ssrc(payload_type),
                ..rtp::Header::default()
            },
            payload: self.payload.clone(),
        }
    }
}

/// A connected client.
pub struct Client {
    pub member: String,
    pub signalling: Signalling,
    connection: Arc<dyn PeerConnection>,
    microphone: Arc<TrackLocalStaticRTP>,
    camera: Arc<TrackLocalStaticRTP>,
    received: Arc<Mutex<Vec<Received>>>,
    /// Key frames that the server has asked for.
    asked: watch::Receiver<usize>,
}

impl Client {
    /// Joins the session and connects its media under that SRTP profile.
    pub async fn join(link: &Link, session: &str, profile: SrtpProtectionProfile) -> Self {
        let signalling = Signalling::connect(&link.member, &link.url).await;
        let (_, token) = link.url.split_once('#').expect("a token");
        signalling.ask("hello", json!({"token": token})).await;
        signalling
            .ask("session.join", json!({"session": session}))
            .await;

        let (tracks, coming) = mpsc::channel(WAITING_MAX);
        let (candidates, gathered) = mpsc::channel(WAITING_MAX);
        let handler = Arc::new(Handler { tracks, candidates });
        let connection = connection(profile, handler).await;
        let microphone = track(RtpCodecKind::Audio);
        let camera = track(RtpCodecKind::Video);
        let mut sections = Vec::new();
        for track in [&microphone, &camera] {
            let track = Arc::clone(track) as Arc<dyn TrackLocal>;
            let init = direction(RTCRtpTransceiverDirection::Sendonly);
            let section = connection.add_transceiver_from_track(track, init).await;
            sections.push(section.expect("a sending section"));
        }
        for kind in [RtpCodecKind::Audio, RtpCodecKind::Video] {
            for _ in 0..SLOTS {
                let init = direction(RTCRtpTransceiverDirection::Recvonly);
                let section = connection.add_transceiver_from_kind(kind, init).await;
                section.expect("a slot");
            }
        }
        let offer = connection.create_offer(None).await.expect("an offer");
        connection
            .set_local_description(offer.clone())
            .await
            .expect("our own offer");
        let mut sending: Vec<Value> = Vec::new();
        for (section, source) in sections.iter().zip(["microphone", "camera"]) {
            let mid = section.mid().await.expect("a section").expect("offered");
            sending.push(json!({"mid": mid, "source": source}));
        }
        let answer = signalling
            .ask("media.offer", json!({"sdp": offer.sdp, "sending": sending}))
            .await;
        let sdp = answer["sdp"].as_str().expect("SDP").to_owned();
        let answer = RTCSessionDescription::answer(sdp).expect("an answer");
        connection
            .set_remote_description(answer)
            .await
            .expect("the server's answer is acceptable");

        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        tokio::spawn(trickle(signalling.clone(), gathered));
        let keeping = Arc::clone(&received);
        tokio::spawn(listen(Arc::clone(&connection), coming, keeping));
        let (asking, asked) = watch::channel(0);
        tokio::spawn(count_requests(Arc::clone(&camera), asking));
        signalling
            .heard("media.connected", |said| {
                said["signal"] == "media.connected"
            })
            .await;
        Self {
            member: link.member.clone(),
            signalling,
            connection,
            microphone,
            camera,
            received,
            asked,
        }
    }

    /// The SRTP profile that this side says was agreed.
    pub async fn srtp_profile(&self) -> String {
        let report = self
            .connection
            .get_stats(Instant::now(), StatsSelector::None)
            .await;
        report.transport().expect("a transport").srtp_cipher.clone()
    }

    /// Sends one Opus packet of 20 ms, as loud as speech.
    pub async fn speak(&self, sent: &Sent) {
        let level = HeaderExtension::AudioLevel(AudioLevelExtension {
            level: 20,
            voice: true,
        });
        self.microphone
            .write_rtp_with_extensions(sent.packet(OPUS), &[level])
            .await
            .expect("sent");
    }

    /// Sends one VP8 frame that fits a packet.
    pub async fn show(&self, sent: &Sent) {
        self.camera.write_rtp(sent.packet(VP8)).await.expect("sent");
    }

    /// How many key frames the server has asked for until now.
    pub fn asked(&self) -> usize {
        *self.asked.borrow()
    }

    /// What has arrived until now of a member's microphone or camera.
    pub fn received_from(&self, member: &str, source: &str) -> Vec<Received> {
        let Some(mid) = self.signalling.slot_of(member, source) else {
            return Vec::new();
        };
        let received = self.received.lock().expect("no panic");
        received
            .iter()
            .filter(|packet| packet.mid == mid)
            .cloned()
            .collect()
    }

    /// How many packets have arrived, whatever they are.
    pub fn received_count(&self) -> usize {
        self.received.lock().expect("no panic").len()
    }
}

/// What the connection tells us, carried out of its own task at once.
struct Handler {
    tracks: mpsc::Sender<Arc<dyn TrackRemote>>,
    candidates: mpsc::Sender<String>,
}

type Told<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

impl PeerConnectionEventHandler for Handler {
    fn on_track<'a, 'b>(&'a self, track: Arc<dyn TrackRemote>) -> Told<'b>
    where
        'a: 'b,
        Self: 'b,
    {
        let told = self.tracks.try_send(track);
        Box::pin(async move { told.expect("fewer tracks than slots") })
    }

    fn on_ice_candidate<'a, 'b>(&'a self, event: RTCPeerConnectionIceEvent) -> Told<'b>
    where
        'a: 'b,
        Self: 'b,
    {
        let candidate = event.candidate.to_json().expect("a candidate").candidate;
        // Nobody takes them any more once the client is gone.
        let _ = self.candidates.try_send(candidate);
        Box::pin(async {})
    }
}

async fn connection(
    profile: SrtpProtectionProfile,
    handler: Arc<Handler>,
) -> Arc<dyn PeerConnection> {
    let mut media = MediaEngine::default();
    media.register_default_codecs().expect("codecs");
    media
        .register_header_extension(
            RTCRtpHeaderExtensionCapability {
                uri: AUDIO_LEVEL.to_owned(),
            },
            RtpCodecKind::Audio,
            None,
        )
        .expect("an extension");
    let registry = register_default_interceptors(Registry::new(), &mut media).expect("registered");
    // Behind all of the crate's own, which have seen the whole by then.
    let registry = registry.with(Slot::from(14_000), KeyFrameRequests::default());
    let settings = SettingEngineBuilder::new()
        .with_srtp_protection_profiles(vec![profile])
        .build();
    let connection = PeerConnectionBuilder::new()
        .with_media_engine(media)
        .with_interceptor_registry(registry)
        .with_setting_engine(settings)
        .with_handler(handler)
        .with_udp_addrs(vec!["127.0.0.1:0"])
        .build()
        .await
        .expect("a peer connection");
    Arc::new(connection)
}

fn direction(direction: RTCRtpTransceiverDirection) -> Option<RTCRtpTransceiverInit> {
    Some(RTCRtpTransceiverInit {
        direction,
        ..RTCRtpTransceiverInit::default()
    })
}

/// The SSRC of every client's track of a kind: the server tells connections apart, not SSRCs.
fn ssrc(payload_type: u8) -> u32 {
    1000 + u32::from(payload_type)
}

fn track(kind: RtpCodecKind) -> Arc<TrackLocalStaticRTP> {
    let (mime, clock_rate, channels, payload_type) = match kind {
        RtpCodecKind::Audio => (MIME_TYPE_OPUS, 48_000, 2, OPUS),
        _ => (MIME_TYPE_VP8, 90_000, 0, VP8),
    };
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(ssrc(payload_type)),
            ..RTCRtpCodingParameters::default()
        },
        codec: RTCRtpCodec {
            mime_type: mime.to_owned(),
            clock_rate,
            channels,
            ..RTCRtpCodec::default()
        },
        active: true,
        ..RTCRtpEncodingParameters::default()
    };
    Arc::new(TrackLocalStaticRTP::new(MediaStreamTrack::new(
        "stream".to_owned(),
        format!("{kind}"),
        format!("{kind}"),
        kind,
        vec![encoding],
    )))
}

/// Hands the server our candidates as they are found.
async fn trickle(signalling: Signalling, mut candidates: mpsc::Receiver<String>) {
    while let Some(candidate) = candidates.recv().await {
        signalling
            .ask("media.candidate", json!({"candidate": candidate}))
            .await;
    }
}

/// Counts the key frames that the server asks for.
async fn count_requests(camera: Arc<TrackLocalStaticRTP>, asking: watch::Sender<usize>) {
    while let Some(TrackLocalEvent::OnRtcpPacket(packets)) = camera.poll().await {
        let requests = packets.iter().filter(|packet| is_request(packet.as_ref()));
        let more = requests.count();
        asking.send_modify(|count| *count += more);
    }
}

/// Takes up each track that comes, and keeps what arrives on it.
async fn listen(
    connection: Arc<dyn PeerConnection>,
    mut tracks: mpsc::Receiver<Arc<dyn TrackRemote>>,
    received: Arc<Mutex<Vec<Received>>>,
) {
    while let Some(track) = tracks.recv().await {
        let mid = mid_of(&connection, &track).await;
        let received = Arc::clone(&received);
        tokio::spawn(async move {
            while let Some(event) = track.poll().await {
                let TrackRemoteEvent::OnRtpPacket(packet) = event else {
                    continue;
                };
                let mut received = received.lock().expect("no panic");
                assert!(received.len() < RECEIVED_MAX, "the packets never end");
                received.push(Received {
                    mid: mid.clone(),
                    at_ms: wall_ms(),
                    sequence: packet.header.sequence_number,
                    timestamp: packet.header.timestamp,
                    payload: packet.payload,
                });
            }
        });
    }
}

/// The section that a track came with.
async fn mid_of(connection: &Arc<dyn PeerConnection>, track: &Arc<dyn TrackRemote>) -> String {
    for section in connection.get_transceivers().await {
        if let Ok(Some(receiver)) = section.receiver().await
            && Arc::ptr_eq(receiver.track(), track)
        {
            return section.mid().await.expect("a section").expect("negotiated");
        }
    }
    panic!("a track without a section: {}", track.track_id().await);
}
