//! What goes out: a stored packet, for each slot that carries its source, rewritten and sealed
//! straight into the buffer that is sent from. No allocation, no lock, one packet a call.

use std::collections::VecDeque;

use super::{
    DATAGRAM_BYTES_MAX, Shard, Transmit,
    peer::{Peer, Sent},
    rewrite::{Incoming, Mapped},
    ring::Packet,
    rtp,
    source::{PeerKey, SourceKey, Subscriber},
};
use crate::media::Kind;

/// The longest payload that is forwarded, in bytes: a datagram's room without a header with a level,
/// the number of a packet sent again and the seal. Browsers send some 1,200.
pub(super) const PAYLOAD_BYTES_MAX: usize = DATAGRAM_BYTES_MAX - 48;
/// Packets that wait to be sent again at most. A receiver that asks for more asks once more.
const RESENDS_MAX: usize = 1024;

/// Work that the last datagrams have made.
#[derive(Default)]
pub(super) struct Forwards {
    /// `(source, sequence)` of stored packets, and how many subscribers of the first are done.
    fresh: VecDeque<(SourceKey, u64)>,
    done: usize,
    /// Packets asked for again.
    again: VecDeque<(PeerKey, usize, Sent)>,
}

impl Forwards {
    pub(super) fn push(&mut self, source: SourceKey, sequence: u64) {
        self.fresh.push_back((source, sequence));
    }

    pub(super) fn push_again(&mut self, peer: PeerKey, slot: usize, sent: Sent) {
        if self.again.len() < RESENDS_MAX {
            self.again.push_back((peer, slot, sent));
        }
    }

    /// The source is gone; its place may be given to another.
    pub(super) fn forget(&mut self, source: SourceKey) {
        if self
            .fresh
            .front()
            .is_some_and(|(first, _)| *first == source)
        {
            self.done = 0;
        }
        self.fresh.retain(|(waiting, _)| *waiting != source);
        self.again.retain(|(_, _, sent)| sent.source != source);
    }

    fn next(
        &mut self,
        subscribers: impl Fn(SourceKey, usize) -> Option<Subscriber>,
    ) -> Option<(SourceKey, u64, Subscriber)> {
        loop {
            let (source, sequence) = *self.fresh.front()?;
            if let Some(subscriber) = subscribers(source, self.done) {
                self.done += 1;
                return Some((source, sequence, subscriber));
            }
            self.fresh.pop_front();
            self.done = 0;
        }
    }
}

impl Shard {
    /// Writes the next datagram into `buffer` ([`super::DATAGRAM_BYTES_MAX`] bytes).
    pub fn poll_transmit(&mut self, buffer: &mut [u8]) -> Option<Transmit> {
        while let Some((path, datagram)) = self.control.pop_front() {
            if let Some(target) = buffer.get_mut(..datagram.len()) {
                target.copy_from_slice(&datagram);
                return Some(Transmit {
                    path,
                    length: datagram.len(),
                });
            }
        }
        while let Some((peer, slot, sent)) = self.forwards.again.pop_front() {
            if let Some(transmit) = self.send_again(peer, slot, sent, buffer) {
                return Some(transmit);
            }
        }
        loop {
            let sources = &self.sources;
            let (source_key, sequence, subscriber) = self.forwards.next(|source, place| {
                let source = sources.get(source)?.as_deref()?;
                source.subscribers.get(place).copied()
            })?;
            let Some(source) = sources.get(source_key).and_then(Option::as_deref) else {
                continue;
            };
            let Some((stored, payload)) = source.ring.get(sequence) else {
                continue;
            };
            let Some(peer) = self
                .peers
                .get_mut(subscriber.peer)
                .and_then(Option::as_deref_mut)
            else {
                continue;
            };
            let sent = forward(
                self.now,
                peer,
                subscriber.slot,
                source_key,
                stored,
                payload,
                buffer,
            );
            if sent.is_some() {
                return sent;
            }
        }
    }

    fn send_again(
        &mut self,
        peer: PeerKey,
        slot: usize,
        sent: Sent,
        buffer: &mut [u8],
    ) -> Option<Transmit> {
        let source = self.sources.get(sent.source)?.as_deref()?;
        let (stored, payload) = source.ring.get(sent.sequence)?;
        // Closed since: what may not be seen is not sent again either.
        if !source.open {
            return None;
        }
        let peer = self.peers.get_mut(peer)?.as_deref_mut()?;
        let path = peer.path?;
        let (_, sealer) = peer.keys.as_mut()?;
        let slot = peer.slots.get_mut(slot)?;
        let mapped = Mapped {
            index: sent.index,
            timestamp: sent.timestamp,
            shift: sent.shift,
            first: false,
        };
        let (stream, original) = match &mut slot.rtx {
            // RFC 4588 section 4: the original sequence number leads the payload.
            Some(rtx) => {
                let index = rtx.next_index;
                rtx.next_index += 1;
                let original = (sent.index as u16).to_be_bytes();
                ((rtx.ssrc, rtx.payload_type, index), Some(original))
            }
            // The very same packet: same index, same bytes.
            None => ((slot.ssrc, slot.payload_type, sent.index), None),
        };
        let length = write(
            buffer,
            stream,
            &mapped,
            slot.audio_level,
            stored,
            original,
            payload,
            slot.kind,
            sealer,
        )?;
        Some(Transmit { path, length })
    }
}

fn forward(
    now: std::time::Instant,
    peer: &mut Peer,
    slot: usize,
    source_key: SourceKey,
    stored: &Packet,
    payload: &[u8],
    buffer: &mut [u8],
) -> Option<Transmit> {
    let path = peer.path?;
    let (_, sealer) = peer.keys.as_mut()?;
    let slot = peer.slots.get_mut(slot)?;
    let mapped = slot.rewrite.map(
        now,
        &Incoming {
            sequence: stored.sequence,
            timestamp: stored.timestamp,
            starts: stored.starts,
            picture: stored.picture,
        },
    )?;
    let length = write(
        buffer,
        (slot.ssrc, slot.payload_type, mapped.index),
        &mapped,
        slot.audio_level,
        stored,
        None,
        payload,
        slot.kind,
        sealer,
    )?;
    slot.packets = slot.packets.wrapping_add(1);
    slot.octets = slot.octets.wrapping_add(payload.len() as u32);
    slot.remember(Sent {
        index: mapped.index,
        source: source_key,
        sequence: stored.sequence,
        timestamp: mapped.timestamp,
        shift: mapped.shift,
    });
    Some(Transmit { path, length })
}

#[expect(
    clippy::too_many_arguments,
    reason = "the packet's parts, each from another owner; a struct would only be unpacked here"
)]
fn write(
    buffer: &mut [u8],
    (ssrc, payload_type, index): (u32, u8, u64),
    mapped: &Mapped,
    audio_level: Option<u8>,
    stored: &Packet,
    original_sequence: Option<[u8; 2]>,
    payload: &[u8],
    kind: Kind,
    sealer: &mut super::srtp::Sealer,
) -> Option<usize> {
    let fields = rtp::HeaderFields {
        // The first packet of sound after a silence carries the marker (RFC 3551 section 4.1).
        marker: stored.marker || mapped.first && kind == Kind::Audio,
        payload_type,
        sequence: index as u16,
        timestamp: mapped.timestamp,
        ssrc,
        padded: false,
    };
    let level = audio_level.zip(stored.level);
    let header_bytes = match level {
        Some((id, level)) => {
            let byte = [u8::from(level.voice) << 7 | level.level & 0x7f];
            rtp::write_header(buffer, &fields, &[(id, &byte)])?
        }
        None => rtp::write_header(buffer, &fields, &[])?,
    };
    let mut end = header_bytes;
    if let Some(original) = original_sequence {
        buffer.get_mut(end..end + 2)?.copy_from_slice(&original);
        end += 2;
    }
    let body = buffer.get_mut(end..end + payload.len())?;
    body.copy_from_slice(payload);
    if let Some(picture) = &stored.picture {
        picture.apply(mapped.shift, body);
    }
    end += payload.len();
    sealer.seal_rtp(buffer, header_bytes, end, (index >> 16) as u32)
}
