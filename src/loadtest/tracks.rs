//! SHELL. The tracks of a member's peer connection: those that it sends, packet by packet, and those
//! that come, each given away under the name of its slot.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use rtc::{
    media_stream::MediaStreamTrack,
    peer_connection::configuration::media_engine::{MIME_TYPE_OPUS, MIME_TYPE_VP8},
    rtp,
    rtp_transceiver::rtp_sender::{
        RTCRtpCodec, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
    },
};
use tokio::sync::{mpsc, watch};
use webrtc::{
    media_stream::{
        track_local::{TrackLocal, TrackLocalEvent, static_rtp::TrackLocalStaticRTP},
        track_remote::{TrackRemote, TrackRemoteEvent},
    },
    peer_connection::PeerConnection,
};

use super::{key_frames::is_request, stamp::Medium};

pub(super) const OPUS: u8 = 111;
pub(super) const VP8: u8 = 96;

/// Is given each packet that arrives, with the `mid` of its slot. Called from several tasks at once;
/// packets of one slot come in their order.
pub type Receive = Arc<dyn Fn(&str, Medium, &rtp::Packet) + Send + Sync>;

/// A packet of a sent track.
pub(super) fn packet(
    payload_type: u8,
    sequence: u16,
    timestamp: u32,
    marker: bool,
    payload: Bytes,
) -> rtp::Packet {
    rtp::Packet {
        header: rtp::Header {
            version: 2,
            marker,
            payload_type,
            sequence_number: sequence,
            timestamp,
            ssrc: ssrc(payload_type),
            ..rtp::Header::default()
        },
        payload,
    }
}

/// The SSRC of every client's track of a kind: the server tells connections apart, not SSRCs.
fn ssrc(payload_type: u8) -> u32 {
    1000 + u32::from(payload_type)
}

/// A track to send, of Opus or VP8.
pub(super) fn track(kind: RtpCodecKind) -> Arc<TrackLocalStaticRTP> {
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

/// Counts the key frames that the server asks for.
pub(super) async fn count_requests(camera: Arc<TrackLocalStaticRTP>, asking: watch::Sender<usize>) {
    while let Some(TrackLocalEvent::OnRtcpPacket(packets)) = camera.poll().await {
        let requests = packets.iter().filter(|packet| is_request(packet.as_ref()));
        let more = requests.count();
        asking.send_modify(|count| *count = count.saturating_add(more));
    }
}

/// Takes up each track that comes, and gives away what arrives on it.
pub(super) async fn listen(
    connection: Weak<dyn PeerConnection>,
    mut tracks: mpsc::Receiver<Arc<dyn TrackRemote>>,
    receive: Receive,
) {
    while let Some(track) = tracks.recv().await {
        let Some(connection) = connection.upgrade() else {
            break;
        };
        let Some(mid) = mid_of(&connection, &track).await else {
            tracing::warn!("a track came without a section");
            continue;
        };
        let medium = match track.kind().await {
            RtpCodecKind::Audio => Medium::Sound,
            _ => Medium::Picture,
        };
        let receive = Arc::clone(&receive);
        tokio::spawn(async move {
            while let Some(event) = track.poll().await {
                if let TrackRemoteEvent::OnRtpPacket(packet) = event {
                    receive(&mid, medium, &packet);
                }
            }
        });
    }
}

/// The section that a track came with.
async fn mid_of(
    connection: &Arc<dyn PeerConnection>,
    track: &Arc<dyn TrackRemote>,
) -> Option<String> {
    for section in connection.get_transceivers().await {
        if let Ok(Some(receiver)) = section.receiver().await
            && Arc::ptr_eq(receiver.track(), track)
        {
            return section.mid().await.ok().flatten();
        }
    }
    None
}
