//! One peer connection: its transport, keys, the sections it sends on and its slots.
//!
//! This module must never know another peer.

use std::{net::SocketAddr, time::Instant};

use super::{
    resends::Resends,
    rewrite::Rewrite,
    rtp,
    sdp::{Codec, Extensions, Offer, Part, Receiving, Section},
    source::SourceKey,
    srtp::{Opener, Sealer},
    transport::{Path, Transport},
    vp8::Shift,
};
use crate::media::{Gate, Kind, PeerId, SessionKey, SlotState, Source};

/// Sent packets of a picture that a receiver can ask for again: a second at 2 Mbit/s.
const HISTORY_PACKETS: usize = 256;

/// A peer connection of a session.
pub struct Peer {
    /// The room's name for it.
    pub id: PeerId,
    /// The session it belongs to.
    pub session: SessionKey,
    /// Its place in the order of coming.
    pub order: u64,
    /// ICE and DTLS.
    pub transport: Transport,
    /// Keys of both directions, once the handshake has finished.
    pub keys: Option<(Opener, Sealer)>,
    /// Where media goes.
    pub path: Option<Path>,
    /// Our user fragment, by which checks find the peer.
    pub ufrag: String,
    /// The addresses that are bound to it.
    pub addresses: Vec<SocketAddr>,
    /// Whether its microphone may be heard.
    pub gate: Gate,
    /// Whether its pictures may be seen.
    pub shown: bool,
    /// The sections it sends on.
    pub tracks: Vec<Track>,
    /// Its receiving places, in the order of the offer.
    pub slots: Vec<Slot>,
    /// SSRC of the server's own reports to it.
    pub reporter: u32,
    /// When it is next sent receiver reports.
    pub report_at: Instant,
    /// How many packets it may be sent again.
    pub resends: Resends,
    /// The room has been told that it is connected.
    pub connected: bool,
    /// Its slot map has changed since the room was told.
    pub slots_changed: bool,
}

/// A section that the client sends on.
pub struct Track {
    mid: String,
    /// What it shows or carries.
    pub source: Source,
    /// RTP clock in Hz.
    pub clock_hz: u32,
    payload_type: u8,
    declared_ssrc: Option<u32>,
    /// Ids of its header extensions.
    pub extensions: Extensions,
    /// Its source, once a packet has authenticated.
    pub key: Option<SourceKey>,
}

/// A receiving place of the client.
pub struct Slot {
    /// `a=mid` of the client's section.
    pub mid: String,
    /// Sound or picture.
    pub kind: Kind,
    /// Its stream.
    pub ssrc: u32,
    /// Payload type in the client's numbering.
    pub payload_type: u8,
    /// Where retransmissions go, if the client knows them.
    pub rtx: Option<RtxStream>,
    /// Id of the audio level extension.
    pub audio_level: Option<u8>,
    /// What it carries.
    pub filled: Option<SourceKey>,
    /// Its continuity.
    pub rewrite: Rewrite,
    /// Packets sent on it, modulo 2^32 as in sender reports.
    pub packets: u32,
    /// Payload bytes sent on it, modulo 2^32.
    pub octets: u32,
    history: Box<[Sent]>,
}

/// A retransmission stream (RFC 4588).
#[derive(Debug, Clone, Copy)]
pub struct RtxStream {
    /// Its SSRC.
    pub ssrc: u32,
    /// Its payload type.
    pub payload_type: u8,
    /// Index of its next packet.
    pub next_index: u64,
}

/// What is remembered of a sent packet, to send it again from the source's ring.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sent {
    /// 48-bit index in the slot's stream; 0 stands for an empty place.
    pub index: u64,
    /// Where its payload is.
    pub source: SourceKey,
    /// Which of the source's packets it was.
    pub sequence: u64,
    /// Timestamp as sent.
    pub timestamp: u32,
    /// Shift of the VP8 counters as sent.
    pub shift: Shift,
}

impl Slot {
    /// An empty slot for an offered section.
    pub fn new(section: &Section, codec: &Codec, kind: Kind, numbers: Numbers) -> Self {
        Self {
            mid: section.mid.clone(),
            kind,
            ssrc: numbers.ssrc,
            payload_type: codec.payload_type,
            rtx: codec.rtx.map(|rtx| RtxStream {
                ssrc: numbers.rtx_ssrc,
                payload_type: rtx.payload_type,
                next_index: u64::from(numbers.rtx_index & 0x7fff),
            }),
            audio_level: section.extensions.audio_level,
            filled: None,
            rewrite: Rewrite::new(codec.clock_hz, numbers.index, numbers.timestamp),
            packets: 0,
            octets: 0,
            history: match kind {
                Kind::Audio => Box::default(),
                Kind::Video => vec![Sent::default(); HISTORY_PACKETS].into_boxed_slice(),
            },
        }
    }

    /// Remembers a sent packet of a picture. Sound is not sent again.
    pub fn remember(&mut self, sent: Sent) {
        let place = sent.index as usize % HISTORY_PACKETS;
        if let Some(entry) = self.history.get_mut(place) {
            *entry = sent;
        }
    }

    /// The packet that was sent with this sequence number, if it is remembered.
    pub fn recall(&self, sequence: u16) -> Option<Sent> {
        // HISTORY_PACKETS divides 2^16, so the low bits of the index are those of the number.
        let entry = self.history.get(usize::from(sequence) % HISTORY_PACKETS)?;
        (entry.sequence != 0 && entry.index as u16 == sequence).then_some(*entry)
    }
}

/// Random numbers for a slot.
#[derive(Debug, Clone, Copy)]
pub struct Numbers {
    /// SSRC.
    pub ssrc: u32,
    /// SSRC of retransmissions.
    pub rtx_ssrc: u32,
    /// First sequence number.
    pub index: u16,
    /// First sequence number of retransmissions.
    pub rtx_index: u16,
    /// First timestamp.
    pub timestamp: u32,
}

impl Track {
    fn new(section: &Section, codec: &Codec, source: Source) -> Self {
        Self {
            mid: section.mid.clone(),
            source,
            clock_hz: codec.clock_hz,
            payload_type: codec.payload_type,
            declared_ssrc: section.ssrc,
            extensions: section.extensions,
            key: None,
        }
    }
}

/// What the server makes of an offer's sections.
pub struct Plan {
    /// One part a section, for the answer.
    pub parts: Vec<Part>,
    /// The sections that the client sends on.
    pub tracks: Vec<Track>,
    /// The slots.
    pub slots: Vec<Slot>,
}

/// Slots of a client at most; more sections are rejected in the answer.
pub const SLOTS_MAX: usize = 40;

impl Plan {
    /// Decides each section: named in `sending`, it is a track; receive-only, it is a slot.
    pub fn new(
        offer: &Offer,
        sending: &[crate::media::Sending],
        mut numbers: impl FnMut() -> Numbers,
    ) -> Self {
        let mut plan = Self {
            parts: Vec::with_capacity(offer.sections.len()),
            tracks: Vec::new(),
            slots: Vec::new(),
        };
        for section in &offer.sections {
            let part = plan.decide(section, sending, &mut numbers);
            plan.parts.push(part);
        }
        plan
    }

    fn decide(
        &mut self,
        section: &Section,
        sending: &[crate::media::Sending],
        numbers: &mut impl FnMut() -> Numbers,
    ) -> Part {
        use super::sdp::Direction;
        let (Some(codec), Some(kind)) = (&section.codec, section.kind) else {
            return Part::Rejected;
        };
        match section.direction {
            Direction::SendOnly | Direction::SendRecv => {
                let named = sending
                    .iter()
                    .find(|named| named.mid == section.mid && named.source.kind() == kind)
                    .filter(|named| !self.tracks.iter().any(|track| track.source == named.source));
                match named {
                    Some(named) => {
                        self.tracks.push(Track::new(section, codec, named.source));
                        Part::Receiving(Receiving {})
                    }
                    None => Part::Rejected,
                }
            }
            Direction::RecvOnly if self.slots.len() < SLOTS_MAX => {
                let slot = Slot::new(section, codec, kind, numbers());
                let part = Part::Slot(super::sdp::Slot {
                    ssrc: slot.ssrc,
                    rtx_ssrc: slot.rtx.map(|rtx| rtx.ssrc),
                });
                self.slots.push(slot);
                part
            }
            Direction::RecvOnly | Direction::Inactive => Part::Rejected,
        }
    }
}

impl Peer {
    /// The track that a packet belongs to: by the SSRC that was declared or is known, by its mid,
    /// by its payload type where that is one track's alone.
    pub fn track_of(
        &self,
        header: &rtp::Header,
        packet: &[u8],
        known: impl Fn(SourceKey) -> Option<u32>,
    ) -> Option<usize> {
        let by = |test: &dyn Fn(&Track) -> bool| self.tracks.iter().position(test);
        if let Some(place) =
            by(&|track| track.key.and_then(&known).or(track.declared_ssrc) == Some(header.ssrc))
        {
            return Some(place);
        }
        let free = |track: &Track| track.key.is_none() && track.payload_type == header.payload_type;
        let named = self.tracks.iter().position(|track| {
            let mid = track
                .extensions
                .mid
                .and_then(|id| header.extension(packet, id));
            free(track) && mid == Some(track.mid.as_bytes())
        });
        if named.is_some() {
            return named;
        }
        let mut candidates = (0..self.tracks.len()).filter(|place| {
            self.tracks
                .get(*place)
                .is_some_and(|track| free(track) && track.declared_ssrc.is_none())
        });
        let only = candidates.next();
        only.filter(|_| candidates.next().is_none())
    }

    /// The slot map, for the room. `owner` tells whose a source is.
    pub fn slot_states(
        &self,
        owner: impl Fn(SourceKey) -> Option<(PeerId, Source)>,
    ) -> Vec<SlotState> {
        self.slots
            .iter()
            .map(|slot| SlotState {
                mid: slot.mid.clone(),
                kind: slot.kind,
                filled: slot.filled.and_then(&owner),
            })
            .collect()
    }
}
