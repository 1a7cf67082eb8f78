//! SHELL. A member's peer connection on the `webrtc` crate: offers, sends, and gives away all that
//! arrives.
//!
//! SRTP, RTP, RTCP, the reading of the answer and the connection's life are that crate's, written
//! without a thought of this server. ICE and DTLS are no second opinion: the server builds on the
//! same family of crates; browsers are.

use std::{net::SocketAddr, pin::Pin, sync::Arc};

use bytes::Bytes;
use rtc::{
    interceptor::Slot,
    rtp::extension::{HeaderExtension, audio_level_extension::AudioLevelExtension},
    rtp_transceiver::rtp_sender::{RTCRtpHeaderExtensionCapability, RtpCodecKind},
};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use webrtc::{
    error::Error,
    media_stream::{
        track_local::{TrackLocal, static_rtp::TrackLocalStaticRTP},
        track_remote::TrackRemote,
    },
    peer_connection::{
        MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler,
        RTCPeerConnectionIceEvent, RTCSessionDescription, Registry, SettingEngineBuilder,
        SrtpProtectionProfile, register_default_interceptors,
    },
    rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit},
};

use super::{
    key_frames::KeyFrameRequests,
    signalling::{self, Signalling},
    sockets::RoomySockets,
    tracks::{OPUS, VP8, count_requests, listen, packet, track},
    weather::Climate,
};

pub use super::tracks::Receive;

const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
/// As loud as speech, in -dBov.
const LEVEL: u8 = 20;

/// Tracks and candidates not yet taken up. There are never more than slots and local addresses; one
/// more is let go.
const WAITING_MAX: usize = 64;

/// Behind all of the crate's own interceptors, which have seen the whole by then.
const BEHIND_ALL: usize = 14_000;

/// What a member offers.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The SRTP profile that it insists on.
    pub profile: SrtpProtectionProfile,
    /// Whether it sends a microphone and a camera.
    pub sends: bool,
    /// Slots for others' sound.
    pub sound_slots: usize,
    /// Slots for others' pictures.
    pub picture_slots: usize,
    /// What its path is made to be like.
    pub climate: Climate,
    /// Whose weather it has.
    pub seat: u64,
}

/// Why there is no connection, or no packet was sent.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The signalling's reason.
    #[error(transparent)]
    Signalling(#[from] signalling::Fault),
    /// The crate's reason.
    #[error("{0}: {1}")]
    Crate(&'static str, Error),
    /// The server's answer has no SDP.
    #[error("the answer to media.offer has no SDP")]
    NoAnswer,
    /// Asked to send what was not offered.
    #[error("this member sends nothing")]
    Silent,
}

fn failed(what: &'static str) -> impl FnOnce(Error) -> Fault {
    move |why| Fault::Crate(what, why)
}

/// A member's peer connection.
pub struct Peer {
    connection: Arc<dyn PeerConnection>,
    sending: Option<Sending>,
}

struct Sending {
    microphone: Arc<TrackLocalStaticRTP>,
    camera: Arc<TrackLocalStaticRTP>,
    /// Key frames that the server has asked for.
    asked: watch::Receiver<usize>,
}

impl Peer {
    /// Offers and takes the answer. The way stands when the server says `media.connected`.
    ///
    /// # Errors
    /// When the server or the crate refuses.
    pub async fn connect(
        signalling: &Signalling,
        offer: &Offer,
        receive: Receive,
    ) -> Result<Self, Fault> {
        let (tracks, coming) = mpsc::channel(WAITING_MAX);
        let (candidates, gathered) = mpsc::channel(WAITING_MAX);
        let handler = Arc::new(Handler { tracks, candidates });
        let local = SocketAddr::new(signalling.local(), 0);
        let connection = build(local, offer, handler)
            .await
            .map_err(failed("cannot make a peer connection"))?;
        let peer = Self::negotiate(connection, signalling, offer).await?;
        tokio::spawn(trickle(signalling.clone(), gathered));
        // Weak: the connection itself holds the other end of what is listened to.
        let connection = Arc::downgrade(&peer.connection);
        tokio::spawn(listen(connection, coming, receive));
        Ok(peer)
    }

    async fn negotiate(
        connection: Arc<dyn PeerConnection>,
        signalling: &Signalling,
        offer: &Offer,
    ) -> Result<Self, Fault> {
        let mut sections = Vec::new();
        let mut sending = None;
        if offer.sends {
            let microphone = track(RtpCodecKind::Audio);
            let camera = track(RtpCodecKind::Video);
            for (track, source) in [(&microphone, "microphone"), (&camera, "camera")] {
                let track = Arc::clone(track) as Arc<dyn TrackLocal>;
                let init = direction(RTCRtpTransceiverDirection::Sendonly);
                let section = connection
                    .add_transceiver_from_track(track, init)
                    .await
                    .map_err(failed("cannot offer a track"))?;
                sections.push((section, source));
            }
            sending = Some((microphone, camera));
        }
        for (kind, count) in [
            (RtpCodecKind::Audio, offer.sound_slots),
            (RtpCodecKind::Video, offer.picture_slots),
        ] {
            for _ in 0..count {
                let init = direction(RTCRtpTransceiverDirection::Recvonly);
                connection
                    .add_transceiver_from_kind(kind, init)
                    .await
                    .map_err(failed("cannot offer a slot"))?;
            }
        }
        let description = connection
            .create_offer(None)
            .await
            .map_err(failed("cannot offer"))?;
        connection
            .set_local_description(description.clone())
            .await
            .map_err(failed("cannot keep its own offer"))?;
        let mut named: Vec<Value> = Vec::new();
        for (section, source) in &sections {
            let mid = section.mid().await;
            let mid = mid.map_err(failed("an offered section is gone"))?;
            named.push(json!({"mid": mid, "source": source}));
        }
        let answer = signalling
            .ask(json!({"type": "media.offer", "sdp": description.sdp, "sending": named}))
            .await?;
        let sdp = answer["sdp"].as_str().ok_or(Fault::NoAnswer)?.to_owned();
        let answer =
            RTCSessionDescription::answer(sdp).map_err(failed("cannot read the answer"))?;
        connection
            .set_remote_description(answer)
            .await
            .map_err(failed("cannot take the answer"))?;
        let sending = sending.map(|(microphone, camera)| {
            let (asking, asked) = watch::channel(0);
            tokio::spawn(count_requests(Arc::clone(&camera), asking));
            Sending {
                microphone,
                camera,
                asked,
            }
        });
        Ok(Self {
            connection,
            sending,
        })
    }

    /// The crate's connection, to ask it what it knows.
    pub fn connection(&self) -> &Arc<dyn PeerConnection> {
        &self.connection
    }

    /// Sends one packet of Opus, as loud as speech.
    ///
    /// # Errors
    /// When the connection has ended, or nothing was offered.
    pub async fn speak(&self, sequence: u16, timestamp: u32, payload: Bytes) -> Result<(), Fault> {
        let sending = self.sending.as_ref().ok_or(Fault::Silent)?;
        let level = HeaderExtension::AudioLevel(AudioLevelExtension {
            level: LEVEL,
            voice: true,
        });
        let packet = packet(OPUS, sequence, timestamp, true, payload);
        sending
            .microphone
            .write_rtp_with_extensions(packet, &[level])
            .await
            .map_err(failed("cannot send sound"))
    }

    /// Sends one packet of VP8; the `last` of a frame carries the marker.
    ///
    /// # Errors
    /// When the connection has ended, or nothing was offered.
    pub async fn show(
        &self,
        sequence: u16,
        timestamp: u32,
        last: bool,
        payload: Bytes,
    ) -> Result<(), Fault> {
        let sending = self.sending.as_ref().ok_or(Fault::Silent)?;
        sending
            .camera
            .write_rtp(packet(VP8, sequence, timestamp, last, payload))
            .await
            .map_err(failed("cannot send a picture"))
    }

    /// How many key frames the server has asked for until now.
    pub fn asked(&self) -> usize {
        let sending = self.sending.as_ref();
        sending.map_or(0, |sending| *sending.asked.borrow())
    }

    /// Ends it; the server is told by DTLS.
    pub async fn close(&self) {
        if let Err(why) = self.connection.close().await {
            tracing::debug!("a peer connection did not end well: {why}");
        }
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
        // Nobody takes it any more once the client is gone.
        let _gone = self.tracks.try_send(track);
        Box::pin(async {})
    }

    fn on_ice_candidate<'a, 'b>(&'a self, event: RTCPeerConnectionIceEvent) -> Told<'b>
    where
        'a: 'b,
        Self: 'b,
    {
        if let Ok(candidate) = event.candidate.to_json() {
            let _gone = self.candidates.try_send(candidate.candidate);
        }
        Box::pin(async {})
    }
}

async fn build(
    local: SocketAddr,
    offer: &Offer,
    handler: Arc<Handler>,
) -> Result<Arc<dyn PeerConnection>, Error> {
    let mut media = MediaEngine::default();
    media.register_default_codecs()?;
    media.register_header_extension(
        RTCRtpHeaderExtensionCapability {
            uri: AUDIO_LEVEL.to_owned(),
        },
        RtpCodecKind::Audio,
        None,
    )?;
    let registry = register_default_interceptors(Registry::new(), &mut media)?;
    let registry = registry.with(Slot::from(BEHIND_ALL), KeyFrameRequests::default());
    let settings = SettingEngineBuilder::new()
        .with_srtp_protection_profiles(vec![offer.profile])
        .build();
    let connection = PeerConnectionBuilder::new()
        .with_media_engine(media)
        .with_interceptor_registry(registry)
        .with_setting_engine(settings)
        .with_handler(handler)
        .with_runtime(RoomySockets::shared(offer.climate, offer.seat))
        .with_udp_addrs(vec![local])
        .build()
        .await?;
    Ok(Arc::new(connection))
}

fn direction(direction: RTCRtpTransceiverDirection) -> Option<RTCRtpTransceiverInit> {
    Some(RTCRtpTransceiverInit {
        direction,
        ..RTCRtpTransceiverInit::default()
    })
}

/// Hands the server our candidates as they are found.
async fn trickle(signalling: Signalling, mut candidates: mpsc::Receiver<String>) {
    while let Some(candidate) = candidates.recv().await {
        let request = json!({"type": "media.candidate", "candidate": candidate});
        if let Err(why) = signalling.ask(request).await {
            tracing::warn!("a candidate was not taken: {why}");
        }
    }
}
