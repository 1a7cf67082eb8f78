//! One stream that is sent here, a track's or one simulcast layer of it: its packets, who subscribes
//! to it, whether it is forwarded, how it arrives.
//!
//! This module must never know sockets, keys, or other sources.

use std::time::{Duration, Instant};

use super::{
    holes::Holes, keyframes::KeyFrames, loudness::Loudness, missing::Missing, peer::Track,
    rate::Rate, reception::Reception, ring::Ring, sdp::Encoding,
};
use crate::media::{AudioRank, Kind, Source};

/// Packets and bytes kept of a picture: a second at 2 Mbit/s.
const VIDEO_RING: (usize, usize) = (512, 256 * 1024);
/// Packets and bytes kept of sound: a second and a half at 20 ms.
const AUDIO_RING: (usize, usize) = (64, 16 * 1024);
/// A track without a packet for so long does not hold a slot. Shared screens pause longer:
/// browsers send no frames while nothing changes.
const CAMERA_IDLE: Duration = Duration::from_secs(2);
const SCREEN_IDLE: Duration = Duration::from_secs(20);

/// A layer whose last packet is so much older than another layer's of the same track is not sent any
/// more: some frames, so that whoever it was forwarded to sees no long pause.
const LAYER_IDLE: Duration = Duration::from_millis(500);

/// How late a packet of a picture is still of use: what a receiver's own buffer waits for at most.
const PICTURE_USEFUL: Duration = Duration::from_secs(1);

/// Index of a peer in its shard.
pub type PeerKey = usize;
/// Index of a source in its shard.
pub type SourceKey = usize;

/// One sent track, with all its layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackKey {
    /// Whose.
    pub peer: PeerKey,
    /// Which of the peer's tracks.
    pub track: usize,
}

/// A receiver of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subscriber {
    /// Whose slot.
    pub peer: PeerKey,
    /// Which of the peer's slots.
    pub slot: usize,
}

/// A stream that is sent here.
pub struct SourceState {
    /// The track that it is, or is a layer of.
    pub track: TrackKey,
    /// What it shows or carries.
    pub source: Source,
    /// The sender's SSRC.
    pub ssrc: u32,
    /// How it is coded.
    pub encoding: Encoding,
    /// RTP clock in Hz.
    pub clock_hz: u32,
    /// Height of a picture in pixels, once a key frame has told it.
    pub height: Option<u16>,
    /// How much is sent on it.
    pub rate: Rate,
    /// Its last packets.
    pub ring: Ring,
    /// The highest number that was stored in it.
    pub newest: u64,
    /// The slots that carry it or wait for it, of connected peers alone.
    pub subscribers: Vec<Subscriber>,
    /// Whether it may be forwarded. While it may not, its packets are counted and dropped.
    pub open: bool,
    /// For sound: its claim to a slot.
    pub rank: AudioRank,
    /// The first packet since it was opened has been told.
    pub delivered: bool,
    /// The first loud packet since it was opened has been told.
    pub heard: bool,
    /// Smoothed level of sound.
    pub loudness: Loudness,
    /// Key-frame requests to the sender.
    pub key_frames: KeyFrames,
    /// What the receiver reports say.
    pub reception: Reception,
    /// When a sender report was last carried over to the slots.
    pub carried_at: Option<Instant>,
    /// Which numbers are left out.
    pub holes: Holes,
    /// Of a picture: what has not come and is asked for again. Sound is mended by Opus itself.
    pub missing: Option<Missing>,
    last_packet: Option<Instant>,
    active: bool,
}

impl SourceState {
    /// A track whose first packet has just authenticated.
    pub fn new(now: Instant, key: TrackKey, track: &Track, ssrc: u32) -> Self {
        let source = track.source;
        let (packets, bytes) = match source.kind() {
            Kind::Audio => AUDIO_RING,
            Kind::Video => VIDEO_RING,
        };
        Self {
            track: key,
            source,
            ssrc,
            encoding: track.encoding,
            clock_hz: track.clock_hz,
            height: None,
            rate: Rate::new(now),
            ring: Ring::new(packets, bytes),
            newest: 0,
            subscribers: Vec::new(),
            open: false,
            rank: AudioRank::Other,
            delivered: false,
            heard: false,
            loudness: Loudness::default(),
            key_frames: KeyFrames::default(),
            reception: Reception::default(),
            carried_at: None,
            holes: Holes::default(),
            missing: match source.kind() {
                Kind::Audio => None,
                Kind::Video => Some(Missing::new(PICTURE_USEFUL)),
            },
            last_packet: None,
            active: false,
        }
    }

    /// Sound or picture.
    pub fn kind(&self) -> Kind {
        self.source.kind()
    }

    /// Opens or closes it. Opening it anew makes the next packet the first again.
    pub fn set_open(&mut self, open: bool) {
        if open && !self.open {
            self.delivered = false;
            self.heard = false;
        }
        if !open {
            self.active = false;
            self.last_packet = None;
            if let Some(missing) = &mut self.missing {
                missing.forget();
            }
        }
        self.open = open;
    }

    /// A packet has come that may be forwarded. True when it is the first for long.
    pub fn touch(&mut self, now: Instant) -> bool {
        self.last_packet = Some(now);
        !std::mem::replace(&mut self.active, true)
    }

    /// Nothing more is to come for now.
    pub fn end(&mut self) {
        self.active = false;
        self.last_packet = None;
    }

    /// Packets are coming: it may hold a slot.
    pub fn is_active(&self) -> bool {
        self.active
    }

    /// When the last packet came that might be forwarded.
    pub fn last_packet(&self) -> Option<Instant> {
        self.last_packet
    }

    /// Notices that packets have ceased. True when it was active until now. `latest` is when the last
    /// packet of any layer of the track came.
    pub fn expire(&mut self, now: Instant, latest: Option<Instant>) -> bool {
        let idle = match self.source {
            Source::Microphone | Source::Camera | Source::ScreenSound => CAMERA_IDLE,
            Source::Screen => SCREEN_IDLE,
        };
        let ceased = self.active
            && self.last_packet.is_none_or(|at| {
                let behind = latest.map(|latest| latest.saturating_duration_since(at));
                now.saturating_duration_since(at) >= idle
                    || behind.is_some_and(|behind| behind >= LAYER_IDLE)
            });
        if ceased {
            self.active = false;
        }
        ceased
    }
}
