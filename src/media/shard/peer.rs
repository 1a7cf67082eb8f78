//! One peer connection: its transport, keys, the sections it sends on and its slots.
//!
//! This module must never know another peer.

use std::time::Instant;

use super::{
    bandwidth::{Arrivals, Downlink},
    measure::Noted,
    resends::Resends,
    rewrite::Rewrite,
    rtp,
    sdp::{Codec, Encoding, Extensions, Offer, Part, Receiving, Section},
    source::{SourceKey, TrackKey},
    srtp::{Opener, Sealer},
    transport::{FarEnd, Path, Transport},
    vp8::Shift,
};
use crate::media::{Gate, Kin, Kind, PeerId, Seen, SessionKey, Shown, SlotState, Source};

/// Sent packets of a picture that a receiver can ask for again: a second at 2 Mbit/s.
const HISTORY_PACKETS: usize = 256;

/// A peer connection of a session.
pub struct Peer {
    /// The room's name for it.
    pub id: PeerId,
    /// Whose it is.
    pub kin: Kin,
    /// The session it belongs to.
    pub session: SessionKey,
    /// Its place in the order of coming.
    pub order: u64,
    /// ICE and DTLS.
    pub transport: Transport,
    /// When its timers are next due, as of its last doing: to ask each member's ICE and DTLS at every
    /// tick would cost more than all else that a silent member costs.
    pub due: Option<Instant>,
    /// Keys of both directions, once the handshake has finished.
    pub keys: Option<(Opener, Sealer)>,
    /// Where media goes.
    pub path: Option<Path>,
    /// Our user fragment, by which checks find the peer.
    pub ufrag: String,
    /// The addresses that are bound to it.
    pub addresses: Vec<FarEnd>,
    /// Whether its microphone may be heard.
    pub gate: Gate,
    /// Which of its pictures may be seen.
    pub seen: Seen,
    /// The sections it sends on.
    pub tracks: Vec<Track>,
    /// Which layer each of its streams belongs to: two at most for each layer.
    pub routes: Vec<Route>,
    /// Its receiving places, in the order of the offer.
    pub slots: Vec<Slot>,
    /// The pictures that its client shows, once it has said.
    pub view: Option<Vec<Shown>>,
    /// What came from it, for transport-wide feedback.
    pub arrivals: Arrivals,
    /// What its path carries.
    pub downlink: Downlink,
    /// SSRC of the server's own reports to it.
    pub reporter: u32,
    /// When it is next sent receiver reports.
    pub report_at: Instant,
    /// How many packets it may be sent again.
    pub resends: Resends,
    /// What has been noted of its path, for whoever asks.
    pub noted: Noted,
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
    /// How it is coded.
    pub encoding: Encoding,
    /// RTP clock in Hz.
    pub clock_hz: u32,
    payload_type: u8,
    rtx_payload_type: Option<u8>,
    /// Payload type of redundant sound (RFC 2198).
    pub red: Option<u8>,
    declared_ssrc: Option<u32>,
    declared_rtx_ssrc: Option<u32>,
    /// Ids of its header extensions.
    pub extensions: Extensions,
    /// Its simulcast layers as the offer names them; a track without has one.
    pub layers: Vec<Layer>,
    /// How many layers, from the smallest, the client was last told to send; all at first.
    pub asked_layers: usize,
    /// Since when fewer would do.
    pub fewer_since: Option<Instant>,
}

/// One encoding of a track.
pub struct Layer {
    /// Its `a=rid`, if it has one.
    pub rid: Option<String>,
    /// Its source, once a packet has authenticated.
    pub key: Option<SourceKey>,
}

/// Where packets of one SSRC belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    ssrc: u32,
    /// Which of the peer's tracks.
    pub track: usize,
    /// Which of the track's layers.
    pub layer: usize,
    /// They repeat packets of it (RFC 4588).
    pub repair: bool,
}

/// A receiving place of the client.
pub struct Slot {
    /// `a=mid` of the client's section.
    pub mid: String,
    /// Sound or picture.
    pub kind: Kind,
    /// Its stream.
    pub ssrc: u32,
    codecs: Vec<SlotCodec>,
    /// Payload type of what it carries, in the client's numbering.
    pub payload_type: u8,
    /// Payload type of redundant sound, if the client knows it.
    pub red: Option<u8>,
    /// Where retransmissions go, if the client knows them for what the slot carries.
    pub rtx: Option<RtxStream>,
    /// Id of the audio level extension.
    pub audio_level: Option<u8>,
    /// Id of the transport-wide sequence number.
    pub transport_sequence: Option<u8>,
    /// Whose track it is to carry.
    pub filled: Option<TrackKey>,
    /// The layer that it carries now.
    pub layer: Option<SourceKey>,
    /// The layer that it is to carry, from that one's next start on; none while it is paused.
    pub wants: Option<SourceKey>,
    /// Its place among the slots of its kind where room is scarce, the first the most important.
    pub priority: usize,
    /// When it was last given a smaller layer for want of room.
    pub lowered_at: Option<Instant>,
    /// Its continuity.
    pub rewrite: Rewrite,
    /// Packets sent on it, modulo 2^32 as in sender reports.
    pub packets: u32,
    /// Payload bytes sent on it, modulo 2^32.
    pub octets: u32,
    history: Box<[Sent]>,
}

/// How a slot may be filled.
#[derive(Debug, Clone, Copy)]
struct SlotCodec {
    encoding: Encoding,
    payload_type: u8,
    rtx_payload_type: Option<u8>,
}

/// A retransmission stream (RFC 4588).
#[derive(Debug, Clone, Copy)]
pub struct RtxStream {
    /// Its SSRC.
    pub ssrc: u32,
    /// Its payload type for what the slot carries, if there is one.
    pub payload_type: Option<u8>,
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
    /// Its transport-wide sequence number: what is sent again under the same index must be the very
    /// same packet, header and all, or the cipher's key is given away.
    pub transport: u16,
}

impl Slot {
    /// An empty slot for an offered section whose codecs begin with `codec`.
    pub fn new(section: &Section, codec: &Codec, kind: Kind, numbers: Numbers) -> Self {
        let codecs: Vec<SlotCodec> = section
            .codecs
            .iter()
            .map(|codec| SlotCodec {
                encoding: codec.encoding,
                payload_type: codec.payload_type,
                rtx_payload_type: codec.rtx.map(|rtx| rtx.payload_type),
            })
            .collect();
        let rtx = codecs.iter().find_map(|codec| codec.rtx_payload_type);
        Self {
            mid: section.mid.clone(),
            kind,
            ssrc: numbers.ssrc,
            codecs,
            payload_type: codec.payload_type,
            red: section.red,
            rtx: rtx.map(|payload_type| RtxStream {
                ssrc: numbers.rtx_ssrc,
                payload_type: Some(payload_type),
                next_index: u64::from(numbers.rtx_index & 0x7fff),
            }),
            audio_level: section.extensions.audio_level,
            transport_sequence: section.extensions.transport_sequence,
            filled: None,
            layer: None,
            wants: None,
            priority: 0,
            lowered_at: None,
            rewrite: Rewrite::new(codec.clock_hz, numbers.index, numbers.timestamp),
            packets: 0,
            octets: 0,
            history: match kind {
                Kind::Audio => Box::default(),
                Kind::Video => vec![Sent::default(); HISTORY_PACKETS].into_boxed_slice(),
            },
        }
    }

    /// Whether the client can play it.
    pub fn plays(&self, encoding: Encoding) -> bool {
        self.codecs.iter().any(|codec| codec.encoding == encoding)
    }

    /// Another track, or none. What it carried ends at once.
    pub fn fill(&mut self, track: Option<TrackKey>) {
        self.filled = track;
        self.layer = None;
        self.wants = None;
        self.lowered_at = None;
    }

    /// A layer begins: what follows is a new source's.
    pub fn begin(&mut self, layer: SourceKey, encoding: Encoding) {
        self.layer = Some(layer);
        self.rewrite.switch();
        let codec = self.codecs.iter().find(|codec| codec.encoding == encoding);
        if let Some(codec) = codec {
            self.payload_type = codec.payload_type;
            if let Some(rtx) = &mut self.rtx {
                rtx.payload_type = codec.rtx_payload_type;
            }
        }
    }

    /// It waits for a layer's next start.
    pub fn awaits(&self) -> Option<SourceKey> {
        self.wants.filter(|wants| self.layer != Some(*wants))
    }

    /// It has a track whose picture finds no room on the client's path, or is not being sent.
    pub fn is_paused(&self) -> bool {
        self.filled.is_some() && self.wants.is_none()
    }

    /// Remembers a sent packet of a picture. Sound is not sent again.
    pub fn remember(&mut self, sent: Sent) {
        let place = sent.index as usize % HISTORY_PACKETS;
        if let Some(entry) = self.history.get_mut(place) {
            *entry = sent;
        }
    }

    /// Whether a packet of a picture was sent under this index, as far as is remembered.
    pub fn was_sent(&self, index: u64) -> bool {
        let entry = self.history.get(index as usize % HISTORY_PACKETS);
        entry.is_some_and(|entry| entry.sequence != 0 && entry.index == index)
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
        let unnamed = || vec![Layer::named(None)];
        let layers: Vec<Layer> = match codec.encoding.kind() {
            Kind::Audio => unnamed(),
            Kind::Video if section.rids.is_empty() => unnamed(),
            Kind::Video => {
                let rids = section.rids.iter().cloned();
                rids.map(|rid| Layer::named(Some(rid))).collect()
            }
        };
        Self {
            mid: section.mid.clone(),
            source,
            encoding: codec.encoding,
            clock_hz: codec.clock_hz,
            payload_type: codec.payload_type,
            rtx_payload_type: codec.rtx.map(|rtx| rtx.payload_type),
            red: section.red,
            declared_ssrc: section.ssrc,
            declared_rtx_ssrc: section.rtx_ssrc,
            extensions: section.extensions,
            asked_layers: layers.len(),
            layers,
            fewer_since: None,
        }
    }

    /// The sources that it has.
    pub fn sources(&self) -> impl Iterator<Item = SourceKey> {
        self.layers.iter().filter_map(|layer| layer.key)
    }

    fn is_simulcast(&self) -> bool {
        self.layers.iter().any(|layer| layer.rid.is_some())
    }

    /// Whether a packet of this payload type repeats another; nothing for one that is not the
    /// track's.
    fn is_repair(&self, payload_type: u8) -> Option<bool> {
        if payload_type == self.payload_type || Some(payload_type) == self.red {
            Some(false)
        } else {
            (Some(payload_type) == self.rtx_payload_type).then_some(true)
        }
    }

    /// The layer that a packet's header extensions name, and whether it repeats another of it.
    fn layer_of(&self, header: &rtp::Header, packet: &[u8]) -> Option<(usize, bool)> {
        if !self.is_simulcast() {
            return self
                .is_repair(header.payload_type)
                .map(|repair| (0, repair));
        }
        let named = |id: Option<u8>| {
            let rid = id.and_then(|id| header.extension(packet, id))?;
            let by = |layer: &Layer| layer.rid.as_deref().map(str::as_bytes) == Some(rid);
            self.layers.iter().position(by)
        };
        if let Some(layer) = named(self.extensions.repaired_rid) {
            return Some((layer, true));
        }
        let layer = named(self.extensions.rid)?;
        self.is_repair(header.payload_type)
            .map(|repair| (layer, repair))
    }
}

impl Layer {
    fn named(rid: Option<String>) -> Self {
        Self { rid, key: None }
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
        let (Some(codec), Some(kind)) = (section.codecs.first(), section.kind) else {
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
                        Part::Receiving(Receiving {
                            encoding: codec.encoding,
                        })
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
    /// Where a packet belongs: by the SSRC that is known or was declared, by its mid and rid, by its
    /// payload type where that is one track's alone. The first stream of a layer is the layer's.
    pub fn route(&mut self, header: &rtp::Header, packet: &[u8]) -> Option<Route> {
        let known = self.routes.iter().find(|route| route.ssrc == header.ssrc);
        if let Some(route) = known {
            return Some(*route);
        }
        let (track, layer, repair) = self.place(header, packet)?;
        let route = Route {
            ssrc: header.ssrc,
            track,
            layer,
            repair,
        };
        let same =
            |other: &Route| (other.track, other.layer, other.repair) == (track, layer, repair);
        if self.routes.iter().any(same) {
            return None;
        }
        self.routes.push(route);
        Some(route)
    }

    fn place(&self, header: &rtp::Header, packet: &[u8]) -> Option<(usize, usize, bool)> {
        let tracks = || self.tracks.iter().enumerate();
        let declared = tracks().find_map(|(place, track)| {
            if track.is_simulcast() {
                None
            } else if track.declared_ssrc == Some(header.ssrc) {
                Some((place, 0, false))
            } else {
                (track.declared_rtx_ssrc == Some(header.ssrc)).then_some((place, 0, true))
            }
        });
        if declared.is_some() {
            return declared;
        }
        let by_mid = tracks().find(|(_, track)| {
            let mid = track.extensions.mid;
            let mid = mid.and_then(|id| header.extension(packet, id));
            mid == Some(track.mid.as_bytes())
        });
        if let Some((place, track)) = by_mid {
            let (layer, repair) = track.layer_of(header, packet)?;
            return Some((place, layer, repair));
        }
        let mut candidates = tracks().filter_map(|(place, track)| {
            let unknown = !track.is_simulcast() && track.declared_ssrc.is_none();
            let repair = track.is_repair(header.payload_type).filter(|_| unknown)?;
            Some((place, 0, repair))
        });
        let only = candidates.next();
        only.filter(|_| candidates.next().is_none())
    }

    /// Whether its client shows this picture, as far as it has said: what it names, but for a height
    /// of nothing; and a screen that it does not name, so that nobody misses one.
    pub fn shows(&self, owner: PeerId, source: Source) -> bool {
        let Some(view) = &self.view else { return true };
        let named = view.iter().find(|shown| shown.is(owner, source));
        named.map_or(source == Source::Screen, |shown| shown.height != Some(0))
    }

    /// How high its client shows it, in pixels; nothing: as high as it is.
    pub fn shown_height(&self, owner: PeerId, source: Source) -> Option<u16> {
        let mut shown = self.view.iter().flatten();
        shown
            .find(|shown| shown.is(owner, source))
            .and_then(|shown| shown.height)
    }

    /// Its sources.
    pub fn sources(&self) -> impl Iterator<Item = SourceKey> {
        self.tracks.iter().flat_map(Track::sources)
    }

    /// The SSRC of one of its streams.
    pub fn stream_ssrc(&self) -> Option<u32> {
        self.routes.first().map(|route| route.ssrc)
    }

    /// Payload bytes that were sent to it in all slots, modulo 2^32.
    pub fn sent_bytes(&self) -> u32 {
        let slots = self.slots.iter();
        slots.fold(0, |all, slot| slot.octets.wrapping_add(all))
    }

    /// Whether its client says when each packet of a slot arrived.
    pub fn tells_arrivals(&self) -> bool {
        let mut slots = self.slots.iter();
        slots.any(|slot| slot.transport_sequence.is_some())
    }

    /// What its path carries, in bits a second. Of one that nothing is known of, nothing is kept back.
    pub fn path_bits(&self) -> u64 {
        if self.downlink.is_known() || self.tells_arrivals() {
            self.downlink.bits_per_second()
        } else {
            u64::MAX / 2
        }
    }

    /// Whether its slots of the track's kind can play it.
    pub fn plays(&self, encoding: Encoding) -> bool {
        self.slots.iter().any(|slot| slot.plays(encoding))
    }

    /// The slot map, for the room. `owner` tells whose a track is.
    pub fn slot_states(
        &self,
        owner: impl Fn(TrackKey) -> Option<(PeerId, Source)>,
    ) -> Vec<SlotState> {
        self.slots
            .iter()
            .map(|slot| SlotState {
                mid: slot.mid.clone(),
                kind: slot.kind,
                filled: slot.filled.and_then(&owner),
                paused: slot.is_paused(),
            })
            .collect()
    }
}
