//! What arrives: told apart by its first byte (RFC 7983), given to the peer whose address passed
//! a check, opened, and put into its source's ring.

use std::{net::SocketAddr, time::Instant};

use super::{
    Shard, av1, fingerprint,
    forward::PAYLOAD_BYTES_MAX,
    h264, insert, red,
    ring::Packet,
    rtcp, rtp,
    sdp::Encoding,
    source::{PeerKey, SourceState, TrackKey},
    transport::{FarEnd, Path, Via},
    vp8, vp9,
};
use crate::media::{Gate, Kind, Notice, Seen, Source};

const STUN_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const STUN_BINDING_REQUEST: [u8; 2] = [0, 1];
const STUN_BINDING_SUCCESS: [u8; 2] = [1, 1];
const STUN_USERNAME: u16 = 0x0006;
/// Addresses bound to one peer at most: its interfaces, before and after a change of network.
const ADDRESSES_MAX: usize = 8;

impl Shard {
    /// Takes a datagram that came to the local address with this place. Its bytes are
    /// overwritten. Whatever is not authentic is dropped without a word.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        local: u8,
        remote: SocketAddr,
        datagram: &mut [u8],
    ) {
        let via = Via::Udp;
        self.handle_packet(now, Path { local, via, remote }, datagram);
    }

    /// The same for a packet that came in any way.
    pub fn handle_packet(&mut self, now: Instant, path: Path, datagram: &mut [u8]) {
        self.set_now(now);
        self.counts.packets_received += 1;
        self.counts.bytes_received += datagram.len() as u64;
        match datagram.first() {
            Some(0..=3) => self.stun(path, datagram),
            Some(20..=63) => {
                if let Some(key) = self.by_address.get(&path.far()).copied()
                    && let Some(peer) = self.peer_mut(key)
                {
                    peer.transport.handle_dtls(now, datagram);
                    self.drain(key);
                }
            }
            Some(128..=191) => {
                let Some(key) = self.by_address.get(&path.far()).copied() else {
                    return;
                };
                if rtcp::is_rtcp(datagram) {
                    self.control_packet(key, datagram);
                } else {
                    self.media_packet(key, datagram);
                }
            }
            Some(_) | None => {}
        }
    }

    fn stun(&mut self, path: Path, message: &[u8]) {
        if message.get(4..8) != Some(&STUN_COOKIE) || !fingerprint::is_right(message) {
            return;
        }
        let key = if message.starts_with(&STUN_BINDING_REQUEST) {
            let Some(ufrag) = local_ufrag(message) else {
                return;
            };
            self.by_ufrag.get(ufrag)
        } else if message.starts_with(&STUN_BINDING_SUCCESS) {
            self.by_address
                .get(&path.far())
                .or_else(|| self.probed.get(&path.far()))
        } else {
            // Indications and errors are not authenticated: anybody could bind an address by them.
            return;
        };
        let Some(key) = key.copied() else {
            return;
        };
        let now = self.now;
        let Some(peer) = self.peer_mut(key) else {
            return;
        };
        if peer.transport.handle_stun(now, path, message) {
            self.bind(key, path.far());
        }
        self.drain(key);
    }

    /// Binds an address to a peer. One that is bound to another peer that lives stays there: who
    /// knows some credentials must not take over somebody else's address by a forged sender.
    fn bind(&mut self, key: PeerKey, address: FarEnd) {
        if let Some(holder) = self.by_address.get(&address).copied() {
            if holder == key || self.peer(holder).is_some_and(|holder| holder.connected) {
                return;
            }
            if let Some(holder) = self.peer_mut(holder) {
                holder.addresses.retain(|other| *other != address);
            }
        }
        let Some(peer) = self.peer_mut(key) else {
            return;
        };
        let oldest = (peer.addresses.len() >= ADDRESSES_MAX).then(|| peer.addresses.remove(0));
        peer.addresses.push(address);
        if let Some(oldest) = oldest {
            self.by_address.remove(&oldest);
        }
        self.by_address.insert(address, key);
    }

    /// Whether a packet looks like a client's connectivity check, with which everything begins.
    pub fn is_check(packet: &[u8]) -> bool {
        packet.starts_with(&STUN_BINDING_REQUEST) && packet.get(4..8) == Some(&STUN_COOKIE)
    }

    /// Whether a check from this path's far end was authentic, and its peer is still there.
    pub fn knows(&self, path: Path) -> bool {
        self.by_address.contains_key(&path.far())
    }

    /// The connection that was this path has ended.
    pub fn handle_closed(&mut self, now: Instant, path: Path) {
        self.set_now(now);
        self.probed.remove(&path.far());
        let Some(key) = self.by_address.remove(&path.far()) else {
            return;
        };
        if let Some(peer) = self.peer_mut(key) {
            peer.addresses.retain(|other| *other != path.far());
            peer.transport.handle_closed(now, path);
        }
        self.drain(key);
    }

    fn media_packet(&mut self, key: PeerKey, datagram: &mut [u8]) {
        let (now, epoch, datagram_bytes) = (self.now, self.epoch, datagram.len());
        let Some(peer) = self.peers.get_mut(key).and_then(Option::as_deref_mut) else {
            return;
        };
        let Some((opener, _)) = &mut peer.keys else {
            return;
        };
        let Ok(opened) = opener.open_rtp(datagram) else {
            return;
        };
        // Padding that contradicts the packet's length (the advisory of 2025-26) ends here.
        let (header, packet) = (opened.header, &*opened.packet);
        let Ok(payload) = header.payload(packet) else {
            return;
        };
        let Some(route) = peer.route(&header, packet) else {
            return;
        };
        let (peer_id, session, peer_gate, seen) = (peer.id, peer.session, peer.gate, peer.seen);
        let Some(track) = peer.tracks.get_mut(route.track) else {
            return;
        };
        if let Some(id) = track.extensions.transport_sequence
            && let Some(&[high, low]) = header.extension(packet, id)
        {
            peer.arrivals.handle(now, u16::from_be_bytes([high, low]));
        }
        let Some(layer) = track.layers.get(route.layer) else {
            return;
        };
        let source_key = match layer.key {
            Some(source) => source,
            None if route.repair => return,
            None => {
                let track_key = TrackKey {
                    peer: key,
                    track: route.track,
                };
                let mut source = SourceState::new(now, track_key, track, header.ssrc);
                let (open, rank) = gate(peer_gate, seen, track.source);
                source.set_open(open);
                source.rank = rank;
                let source = insert(&mut self.sources, source);
                if let Some(layer) = track.layers.get_mut(route.layer) {
                    layer.key = Some(source);
                }
                source
            }
        };
        let level = track
            .extensions
            .audio_level
            .and_then(|id| header.extension(packet, id))
            .and_then(super::rtp::AudioLevel::parse);
        let red = track.red.is_some_and(|red| red == header.payload_type);
        let Some(source) = self
            .sources
            .get_mut(source_key)
            .and_then(Option::as_deref_mut)
        else {
            return;
        };
        source.rate.count(datagram_bytes);
        let (index, payload) = if route.repair {
            // RFC 4588 section 4: the original sequence number leads the payload. Without one it is
            // a probe.
            let Some((original, payload)) = payload.split_first_chunk::<2>() else {
                return;
            };
            let Some(highest) = source.reception.highest() else {
                return;
            };
            let index = rtp::nearest(highest, u16::from_be_bytes(*original));
            // Nothing is repeated here before its time: it would make all that follows late.
            if index > highest {
                return;
            }
            (index, payload)
        } else {
            source
                .reception
                .handle(now, epoch, source.clock_hz, opened.index, header.timestamp);
            (opened.index, payload)
        };
        // The floor: what may not be heard or seen goes no further, whatever is sent.
        if !source.open {
            return;
        }
        // Of a packet that is late or repeated only the first copy is forwarded: a second one under
        // the same index would be another packet under the same nonce.
        let in_time = match &mut source.missing {
            Some(missing) => missing.handle(now, index),
            None => !route.repair,
        };
        if !in_time {
            return;
        }
        let Some(form) = readable(source.encoding, red, payload) else {
            source.holes.leave_out(index);
            return;
        };
        let Some(number) = source.holes.number(index) else {
            return;
        };
        if let Some(height) = form.height {
            source.height = Some(height);
        }
        if source.source == Source::Microphone {
            if let Some(level) = level {
                source.loudness.handle(now, level);
            }
            let loud = level.is_none_or(|level| level.level < self.settings.speech_threshold);
            if !std::mem::replace(&mut source.delivered, true) {
                self.notices
                    .push_back((session, Notice::AudioDelivered { peer: peer_id }));
            }
            if loud && !std::mem::replace(&mut source.heard, true) {
                self.notices
                    .push_back((session, Notice::AudioHeard { peer: peer_id }));
            }
        }
        // A number starts at 0, a stored sequence number at 1.
        let sequence = number + 1;
        let stored = source.ring.push(
            Packet {
                sequence,
                timestamp: header.timestamp,
                marker: header.marker,
                level,
                starts: form.starts,
                picture: form.picture,
                red: form.red,
            },
            payload,
        );
        if stored {
            source.newest = source.newest.max(sequence);
        }
        // The rest of the frame is on its way, and somebody to whom it goes is there.
        let goes_on = source.kind() == Kind::Video
            && !header.marker
            && !route.repair
            && !source.subscribers.is_empty();
        let starts = form.starts;
        let begins = source.touch(now);
        if starts {
            source.key_frames.arrived();
        }
        if begins {
            if starts {
                self.begun.push(source_key);
            }
            self.unsettle(session);
        }
        if stored {
            self.forwards.push(source_key, sequence, !goes_on);
        }
    }
}

/// What a forwarder must know of a payload.
#[derive(Default)]
struct Form {
    picture: Option<vp8::Descriptor>,
    red: Option<red::Blocks>,
    /// A decoder can begin with it.
    starts: bool,
    /// Height of the picture that begins with it, in pixels.
    height: Option<u16>,
}

/// The form of a payload that can be forwarded. Nothing for mere padding, for what no decoder reads,
/// and for more than leaves again.
fn readable(encoding: Encoding, is_red: bool, payload: &[u8]) -> Option<Form> {
    if payload.is_empty() || payload.len() > PAYLOAD_BYTES_MAX {
        return None;
    }
    let mut form = Form::default();
    match encoding {
        Encoding::Opus => {
            form.starts = true;
            if is_red {
                form.red = Some(red::Blocks::parse(payload)?);
            }
        }
        Encoding::Vp8 => {
            let picture = vp8::Descriptor::parse(payload)?;
            form.starts = picture.starts_key_frame(payload);
            form.height = picture.key_frame_size(payload).map(|(_, height)| height);
            form.picture = Some(picture);
        }
        Encoding::H264 => {
            form.starts = h264::starts_key_frame(payload);
            form.height = h264::key_frame_size(payload).map(|(_, height)| height);
        }
        Encoding::Vp9 => {
            let picture = vp9::Descriptor::parse(payload)?;
            form.starts = picture.starts_key_frame();
            form.height = picture.size.map(|(_, height)| height);
        }
        Encoding::Av1 => {
            form.starts = av1::starts_key_frame(payload);
            form.height = av1::key_frame_size(payload).map(|(_, height)| height);
        }
    }
    Some(form)
}

/// Whether a source may be forwarded, and its claim to an audio slot.
pub(super) fn gate(gate: Gate, seen: Seen, source: Source) -> (bool, crate::media::AudioRank) {
    use crate::media::AudioRank;
    match (source, gate) {
        (Source::Microphone | Source::ScreenSound, Gate::Closed) => (false, AudioRank::Other),
        (Source::Microphone, Gate::Open(rank)) => (true, rank),
        (Source::ScreenSound, Gate::Open(rank)) => (seen.screen, rank),
        (Source::Camera, Gate::Closed | Gate::Open(_)) => (seen.camera, AudioRank::Other),
        (Source::Screen, Gate::Closed | Gate::Open(_)) => (seen.screen, AudioRank::Other),
    }
}

impl Shard {
    /// A peer's gate or picture was opened or closed: carries it over to its sources.
    pub(super) fn regate(&mut self, key: PeerKey) {
        let Some(peer) = self.peer(key) else {
            return;
        };
        let session = peer.session;
        let decided: Vec<_> = peer
            .tracks
            .iter()
            .flat_map(|track| {
                let gated = gate(peer.gate, peer.seen, track.source);
                track.sources().map(move |key| (key, gated))
            })
            .collect();
        for (source, (open, rank)) in decided {
            if let Some(source) = self.source_mut(source) {
                source.set_open(open);
                source.rank = rank;
            }
        }
        self.unsettle(session);
    }
}

/// Our user fragment in a check's USERNAME, which is `ours:theirs` (RFC 8445 section 7.2.2).
fn local_ufrag(message: &[u8]) -> Option<&str> {
    let mut rest = message.get(20..)?;
    loop {
        let (header, body) = rest.split_first_chunk::<4>()?;
        let kind = u16::from_be_bytes([header[0], header[1]]);
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let value = body.get(..length)?;
        if kind == STUN_USERNAME {
            return std::str::from_utf8(value).ok()?.split(':').next();
        }
        rest = body.get(length.next_multiple_of(4)..)?;
    }
}
