//! What goes out: a stored packet, for each slot that carries its source, rewritten and sealed
//! straight into the buffer that is sent from. No allocation, no lock, one packet a call.

use std::collections::VecDeque;

use super::{
    DATAGRAM_BYTES_MAX, Shard, Transmit,
    peer::{Peer, Sent, Slot},
    rewrite::{Incoming, Mapped},
    ring::Packet,
    rtp,
    source::{PeerKey, SourceKey, SourceState, Subscriber},
    transport::Path,
};
use crate::media::Kind;

/// The longest payload that is forwarded, in bytes: a datagram's room without a header with its
/// extensions, the number of a packet sent again and the seal. Browsers send some 1,200.
pub(super) const PAYLOAD_BYTES_MAX: usize = DATAGRAM_BYTES_MAX - 56;
/// What is added to a payload on its way out: headers of IP, UDP and RTP, extensions and the seal.
const OVERHEAD_BYTES: usize = 76;
/// Packets that follow late beginnings at most: a key frame or two.
const BEHIND_MAX: usize = 256;
/// Packets that wait to be sent again at most. A receiver that asks for more asks once more.
const RESENDS_MAX: usize = 1024;

/// Work that the last datagrams have made.
///
/// A subscriber gets all new packets of a source in a row: what is known of the subscriber is read
/// once, and what goes to one address leaves as one run.
#[derive(Default)]
pub(super) struct Forwards {
    /// Stored packets that nobody has been sent, in the order of their coming. The first
    /// [`Self::planned`] of them are being delivered, source by source.
    fresh: Vec<Fresh>,
    planned: usize,
    /// The newest packet of a picture does not end its frame.
    within_frame: bool,
    /// To whom which of them go.
    deliveries: Vec<Delivery>,
    /// How many deliveries are done.
    done: usize,
    /// Stored packets that a subscriber has passed over: it waited for one before them that came late.
    behind: VecDeque<(SourceKey, u64, Subscriber)>,
    /// Packets asked for again.
    again: VecDeque<(PeerKey, usize, Sent)>,
}

/// A stored packet.
#[derive(Debug, Clone, Copy)]
struct Fresh {
    source: SourceKey,
    /// Its number in the source's ring; 0 when the source is gone.
    sequence: u64,
}

/// Some packets in a row, for one slot.
#[derive(Debug, Clone, Copy)]
struct Delivery {
    subscriber: Subscriber,
    /// The next of them and the one behind the last, as places in the list of fresh packets.
    next: usize,
    end: usize,
}

impl Forwards {
    /// `ends`: nothing is to be waited for behind it.
    pub(super) fn push(&mut self, source: SourceKey, sequence: u64, ends: bool) {
        self.within_frame = !ends;
        self.fresh.push(Fresh { source, sequence });
    }

    pub(super) fn push_again(&mut self, peer: PeerKey, slot: usize, sent: Sent) {
        if self.again.len() < RESENDS_MAX {
            self.again.push_back((peer, slot, sent));
        }
    }

    /// The source is gone; its place may be given to another.
    pub(super) fn forget(&mut self, source: SourceKey) {
        for fresh in self.fresh.iter_mut().filter(|fresh| fresh.source == source) {
            fresh.sequence = 0;
        }
        self.behind.retain(|(waiting, _, _)| *waiting != source);
        self.again.retain(|(_, _, sent)| sent.source != source);
    }

    /// A subscriber has begun with a packet after which others were stored already: they follow it, but
    /// for those whose turn is still to come.
    fn catch_up(&mut self, source: SourceKey, begun: u64, newest: u64, subscriber: Subscriber) {
        let current = self.deliveries.get(self.done);
        let coming = current.map_or(self.planned, |delivery| delivery.next);
        let end = current.map_or(self.planned, |delivery| delivery.end);
        for sequence in begun.saturating_add(1)..=newest {
            let is_it = |fresh: &Fresh| (fresh.source, fresh.sequence) == (source, sequence);
            let comes =
                |fresh: Option<&[Fresh]>| fresh.is_some_and(|fresh| fresh.iter().any(is_it));
            if !comes(self.fresh.get(coming..end))
                && !comes(self.fresh.get(self.planned..))
                && self.behind.len() < BEHIND_MAX
            {
                self.behind.push_back((source, sequence, subscriber));
            }
        }
    }

    /// Decides in which order what has come goes out: to one address after the other, where several
    /// sources have sent.
    fn plan<'a>(&mut self, subscribers: impl Fn(SourceKey) -> &'a [Subscriber]) {
        self.deliveries.clear();
        self.done = 0;
        self.fresh.drain(..self.planned);
        self.planned = self.fresh.len();
        let mut sources = 0;
        // Packets of one source keep the order of their coming.
        self.fresh.sort_by_key(|fresh| fresh.source);
        let mut rest = self.fresh.as_slice();
        while let Some(Fresh { source, .. }) = rest.first() {
            let same = rest.iter().take_while(|other| other.source == *source);
            let next = self.planned - rest.len();
            let end = next + same.count();
            sources += 1;
            for subscriber in subscribers(*source) {
                self.deliveries.push(Delivery {
                    subscriber: *subscriber,
                    next,
                    end,
                });
            }
            rest = self.fresh.get(end..).unwrap_or_default();
        }
        if sources > 1 {
            self.deliveries
                .sort_unstable_by_key(|delivery| (delivery.subscriber.peer, delivery.next));
        }
    }

    fn next<'a>(
        &mut self,
        subscribers: impl Fn(SourceKey) -> &'a [Subscriber],
    ) -> Option<(SourceKey, u64, Subscriber)> {
        loop {
            if let Some(delivery) = self.deliveries.get_mut(self.done) {
                if delivery.next < delivery.end {
                    let fresh = self.fresh.get(delivery.next)?;
                    delivery.next += 1;
                    return Some((fresh.source, fresh.sequence, delivery.subscriber));
                }
                self.done += 1;
            } else if self.fresh.len() > self.planned {
                self.plan(&subscribers);
            } else {
                self.deliveries.clear();
                self.fresh.clear();
                (self.planned, self.done) = (0, 0);
                return None;
            }
        }
    }
}

impl Shard {
    /// A picture's frame has begun to come and waits to be sent; its rest is on its way.
    pub fn is_within_frame(&self) -> bool {
        self.forwards.within_frame && self.forwards.fresh.len() > self.forwards.planned
    }

    /// Writes the next datagram into `buffer` ([`super::DATAGRAM_BYTES_MAX`] bytes).
    pub fn poll_transmit(&mut self, buffer: &mut [u8]) -> Option<Transmit> {
        self.settle();
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
        while let Some((source, sequence, subscriber)) = self.forwards.behind.pop_front() {
            if let Some(transmit) = self.forward(source, sequence, subscriber, buffer) {
                return Some(transmit);
            }
        }
        loop {
            let sources = &self.sources;
            let (source, sequence, subscriber) = self.forwards.next(|source| {
                let source = sources.get(source).and_then(Option::as_deref);
                source.map_or(&[], |source| source.subscribers.as_slice())
            })?;
            if let Some(transmit) = self.forward(source, sequence, subscriber, buffer) {
                return Some(transmit);
            }
        }
    }

    fn forward(
        &mut self,
        source_key: SourceKey,
        sequence: u64,
        subscriber: Subscriber,
        buffer: &mut [u8],
    ) -> Option<Transmit> {
        let source = self.sources.get(source_key).and_then(Option::as_deref)?;
        let (stored, payload) = source.ring.get(sequence)?;
        let peer = self
            .peers
            .get_mut(subscriber.peer)
            .and_then(Option::as_deref_mut)?;
        let place = subscriber.slot;
        let waited = peer.slots.get(place)?.layer != Some(source_key);
        let sent = forward(
            (self.now, self.now_us),
            peer,
            place,
            (source_key, source),
            stored,
            payload,
            buffer,
        )?;
        self.counts.packets_forwarded += 1;
        if waited && sequence < source.newest {
            let newest = source.newest;
            self.forwards
                .catch_up(source_key, sequence, newest, subscriber);
        }
        Some(sent)
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
        let mut stream = slot.stream(sent.index);
        stream.transport = slot.transport_sequence.map(|id| (id, sent.transport));
        let repair = slot
            .rtx
            .as_mut()
            .and_then(|rtx| rtx.payload_type.map(|payload_type| (rtx, payload_type)));
        // RFC 4588 section 4: the original sequence number leads the payload. Without such a stream
        // it is the very same packet, under the same index, byte for byte.
        let original = repair.map(|(rtx, payload_type)| {
            stream.ssrc = rtx.ssrc;
            stream.payload_type = payload_type;
            stream.index = rtx.next_index;
            rtx.next_index += 1;
            (sent.index as u16).to_be_bytes()
        });
        if original.is_some() {
            let bytes = datagram_bytes(payload);
            stream.transport = slot
                .transport_sequence
                .map(|id| (id, peer.downlink.handle_sent(self.now, bytes)));
        }
        let length = write(buffer, &stream, &mapped, stored, original, payload, sealer)?;
        self.counts.packets_repeated += 1;
        Some(Transmit { path, length })
    }
}

impl Shard {
    /// Sends the padding that is due on paths that are being probed.
    pub(super) fn pad(&mut self) {
        let now = self.now;
        self.next_padding = None;
        for peer in self.peers.iter_mut().filter_map(Option::as_deref_mut) {
            while let Some(padding) = peer.downlink.poll_padding(now) {
                let Some((path, datagram)) = pad(now, peer, padding.bytes) else {
                    break;
                };
                self.control.push_back((path, datagram));
            }
            if let Some(at) = peer.downlink.next_deadline(now) {
                let next = self.next_padding.unwrap_or(at);
                self.next_padding = Some(next.min(at));
            }
        }
    }
}

/// One packet of nothing but padding, on the retransmissions of a picture that is being sent: what
/// receivers count, and forget (RFC 3550 section 5.1; there is no such packet without such a stream).
fn pad(now: std::time::Instant, peer: &mut Peer, bytes: u16) -> Option<(Path, Vec<u8>)> {
    let path = peer.path?;
    let (_, sealer) = peer.keys.as_mut()?;
    let slot = peer.slots.iter_mut().find(|slot| {
        let repairs = slot.rtx.is_some_and(|rtx| rtx.payload_type.is_some());
        slot.transport_sequence.is_some() && repairs
    })?;
    let mut stream = slot.stream(0);
    let rtx = slot.rtx.as_mut()?;
    stream.ssrc = rtx.ssrc;
    stream.payload_type = rtx.payload_type?;
    stream.index = rtx.next_index;
    rtx.next_index += 1;
    let padding = bytes
        .saturating_sub(OVERHEAD_BYTES as u16)
        .clamp(1, u16::from(u8::MAX)) as u8;
    let whole = u16::from(padding) + OVERHEAD_BYTES as u16;
    let number = peer.downlink.handle_sent(now, whole);
    let transport = (slot.transport_sequence?, number.to_be_bytes());
    let fields = rtp::HeaderFields {
        marker: false,
        payload_type: stream.payload_type,
        sequence: stream.index as u16,
        timestamp: slot.rewrite.last_timestamp(),
        ssrc: stream.ssrc,
        padded: true,
    };
    let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
    let elements: [(u8, &[u8]); 1] = [(transport.0, &transport.1)];
    let header_bytes = rtp::write_header(&mut datagram, &fields, &elements)?;
    let end = header_bytes + usize::from(padding);
    *datagram.get_mut(end - 1)? = padding;
    let rollovers = (stream.index >> 16) as u32;
    let length = sealer.seal_rtp(&mut datagram, header_bytes, end, rollovers)?;
    datagram.truncate(length);
    Some((path, datagram))
}

fn forward(
    (now, now_us): (std::time::Instant, u64),
    peer: &mut Peer,
    slot: usize,
    (source_key, source): (SourceKey, &SourceState),
    stored: &Packet,
    payload: &[u8],
    buffer: &mut [u8],
) -> Option<Transmit> {
    let path = peer.path?;
    let (_, sealer) = peer.keys.as_mut()?;
    let slot = peer.slots.get_mut(slot)?;
    if slot.layer != Some(source_key) {
        // A layer that a slot waits for begins where a decoder can; what it carried ends there.
        if slot.wants != Some(source_key) || !stored.starts {
            return None;
        }
        slot.begin(source_key, source.encoding);
    }
    let mapped = slot.rewrite.map(
        now,
        &Incoming {
            sequence: stored.sequence,
            timestamp: stored.timestamp,
            starts: stored.starts,
            picture: stored.picture,
        },
    )?;
    // An index is the cipher's nonce: whatever went wrong, it is not used for two packets.
    if slot.was_sent(mapped.index) {
        return None;
    }
    let mut stream = slot.stream(mapped.index);
    let mut payload = payload;
    if let Some(blocks) = stored.red {
        match slot.red {
            Some(red) => {
                stream.inner_payload_type = Some(stream.payload_type);
                stream.payload_type = red;
            }
            None => payload = payload.get(blocks.primary_at()..)?,
        }
    }
    let transport = match slot.transport_sequence {
        Some(id) => {
            let number = peer
                .downlink
                .handle_sent_at(now_us, datagram_bytes(payload));
            stream.transport = Some((id, number));
            number
        }
        None => 0,
    };
    let length = write(buffer, &stream, &mapped, stored, None, payload, sealer)?;
    slot.packets = slot.packets.wrapping_add(1);
    slot.octets = slot.octets.wrapping_add(payload.len() as u32);
    slot.remember(Sent {
        index: mapped.index,
        source: source_key,
        sequence: stored.sequence,
        timestamp: mapped.timestamp,
        shift: mapped.shift,
        transport,
    });
    Some(Transmit { path, length })
}

/// How much of the path a packet takes.
fn datagram_bytes(payload: &[u8]) -> u16 {
    u16::try_from(payload.len() + OVERHEAD_BYTES).unwrap_or(u16::MAX)
}

/// What a slot's stream puts into a packet's header.
struct Stream {
    ssrc: u32,
    payload_type: u8,
    /// Payload type of the blocks of redundant sound.
    inner_payload_type: Option<u8>,
    index: u64,
    audio_level: Option<u8>,
    /// Id and value of the transport-wide sequence number.
    transport: Option<(u8, u16)>,
    kind: Kind,
}

impl Slot {
    fn stream(&self, index: u64) -> Stream {
        Stream {
            ssrc: self.ssrc,
            payload_type: self.payload_type,
            inner_payload_type: None,
            index,
            audio_level: self.audio_level,
            transport: None,
            kind: self.kind,
        }
    }
}

fn write(
    buffer: &mut [u8],
    stream: &Stream,
    mapped: &Mapped,
    stored: &Packet,
    original_sequence: Option<[u8; 2]>,
    payload: &[u8],
    sealer: &mut super::srtp::Sealer,
) -> Option<usize> {
    let fields = rtp::HeaderFields {
        // The first packet of sound after a silence carries the marker (RFC 3551 section 4.1).
        marker: stored.marker || mapped.first && stream.kind == Kind::Audio,
        payload_type: stream.payload_type,
        sequence: stream.index as u16,
        timestamp: mapped.timestamp,
        ssrc: stream.ssrc,
        padded: false,
    };
    let level = stream.audio_level.zip(stored.level).map(|(id, level)| {
        let byte = u8::from(level.voice) << 7 | level.level & 0x7f;
        (id, [byte])
    });
    let transport = stream
        .transport
        .map(|(id, number)| (id, number.to_be_bytes()));
    let header_bytes = match (&level, &transport) {
        (None, None) => rtp::write_header(buffer, &fields, &[])?,
        (Some((id, level)), None) => rtp::write_header(buffer, &fields, &[(*id, level)])?,
        (None, Some((id, number))) => rtp::write_header(buffer, &fields, &[(*id, number)])?,
        (Some((level_id, level)), Some((id, number))) => {
            rtp::write_header(buffer, &fields, &[(*level_id, level), (*id, number)])?
        }
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
    if let (Some(blocks), Some(payload_type)) = (&stored.red, stream.inner_payload_type) {
        blocks.rename(payload_type, body);
    }
    end += payload.len();
    sealer.seal_rtp(buffer, header_bytes, end, (stream.index >> 16) as u32)
}
