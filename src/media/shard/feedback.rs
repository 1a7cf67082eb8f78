//! RTCP with each peer: its requests for packets and key frames, its sender reports carried over
//! to the slots, receiver reports and key-frame requests to it.
//!
//! This module must never know how a packet is sealed or where slots come from.

use std::{collections::VecDeque, time::Duration};

use super::{
    REPORT, Shard,
    peer::Peer,
    rtcp::{self, Compound, Packet, ReportBlock, SenderInfo},
    source::{PeerKey, SourceKey},
    srtp::Sealer,
    transport::Path,
};
use crate::media::Kind;

/// The server's canonical name (RFC 7022 asks for one that tells nothing).
const CNAME: &str = "roundtable";
/// Room for a compound packet of the server's with the seal, in bytes.
const COMPOUND_BYTES_MAX: usize = 1400;
/// The least time between two reports of a sender that are carried over; others only count.
const CARRY_PACE: Duration = Duration::from_millis(250);
/// What sealing adds at most, with some room.
const SEAL_BYTES: usize = 40;

/// Datagrams that wait to be sent, as [`Shard`] keeps them.
type Control = VecDeque<(Path, Vec<u8>)>;

impl Shard {
    /// Takes a datagram of RTCP from a peer's address.
    pub(super) fn control_packet(&mut self, key: PeerKey, datagram: &mut [u8]) {
        let Some((opener, _)) = self.peer_mut(key).and_then(|peer| peer.keys.as_mut()) else {
            return;
        };
        let Ok(compound) = opener.open_rtcp(datagram) else {
            return;
        };
        for packet in rtcp::packets(compound) {
            match packet {
                Packet::SenderReport { info, blocks } => {
                    self.sender_report(key, &info);
                    self.loss_report(key, blocks);
                }
                Packet::ReceiverReport { blocks, .. } => self.loss_report(key, blocks),
                Packet::TransportWide { packet } => {
                    let now = self.now;
                    if let Some(peer) = self.peer_mut(key) {
                        peer.downlink.handle_feedback(now, packet);
                    }
                }
                Packet::Bitrate(bitrate) => {
                    let now = self.now;
                    if let Some(peer) = self.peer_mut(key) {
                        peer.downlink.handle_remb(now, bitrate.bits_per_second);
                    }
                }
                Packet::Nack {
                    media_ssrc, lost, ..
                } => {
                    let Some(place) = self.slot_by_ssrc(key, media_ssrc) else {
                        continue;
                    };
                    let now = self.now;
                    let Some(peer) = self.peers.get_mut(key).and_then(Option::as_deref_mut) else {
                        continue;
                    };
                    let path_bits = peer.path_bits();
                    for sequence in lost {
                        self.counts.nacks_received += 1;
                        let sent = peer.slots.get(place).and_then(|slot| slot.recall(sequence));
                        let Some(sent) = sent else { continue };
                        if !peer.resends.take(now, path_bits) {
                            break;
                        }
                        self.forwards.push_again(key, place, sent);
                    }
                }
                Packet::PictureLoss { media_ssrc, .. } => self.want_key_frame(key, media_ssrc),
                Packet::FullIntra { requests, .. } => {
                    for (ssrc, _) in requests {
                        self.want_key_frame(key, ssrc);
                    }
                }
                // A track that ends is seen by its silence.
                Packet::Goodbye { .. } => {}
            }
        }
        self.ask_for_key_frames();
    }

    /// What a receiver says that it lost; of several streams the worst counts.
    fn loss_report(&mut self, key: PeerKey, blocks: rtcp::ReportBlocks<'_>) {
        let now = self.now;
        let worst = blocks.map(|block| block.fraction_lost).max();
        if let (Some(worst), Some(peer)) = (worst, self.peer_mut(key)) {
            peer.downlink.handle_loss(now, worst);
            peer.noted.lost_down(worst);
        }
    }

    fn slot_by_ssrc(&self, key: PeerKey, ssrc: u32) -> Option<usize> {
        self.peer(key)?
            .slots
            .iter()
            .position(|slot| slot.ssrc == ssrc)
    }

    fn want_key_frame(&mut self, key: PeerKey, ssrc: u32) {
        self.counts.key_frame_requests_received += 1;
        let carried = self.slot_by_ssrc(key, ssrc).and_then(|place| {
            let slot = self.peer(key)?.slots.get(place)?;
            slot.layer.or(slot.wants)
        });
        if let Some(source) = carried.and_then(|source| self.source_mut(source)) {
            source.key_frames.want();
        }
    }

    /// Carries a sender's report over to each slot that carries its track, on the slot's own
    /// clock, so that the receiver can still play sound and picture together.
    fn sender_report(&mut self, key: PeerKey, info: &SenderInfo) {
        let now = self.now;
        let Some(source_key) = self.source_by_ssrc(key, info.ssrc) else {
            return;
        };
        let Some(source) = self
            .sources
            .get_mut(source_key)
            .and_then(Option::as_deref_mut)
        else {
            return;
        };
        source.reception.handle_sender_report(now, info.ntp);
        // A client reports once a second; each report goes to everybody who receives the track.
        let early = source
            .carried_at
            .is_some_and(|at| now.saturating_duration_since(at) < CARRY_PACE);
        if !source.open || early {
            return;
        }
        source.carried_at = Some(now);
        for subscriber in &source.subscribers {
            let Some(peer) = self
                .peers
                .get_mut(subscriber.peer)
                .and_then(Option::as_deref_mut)
            else {
                continue;
            };
            let slot = peer.slots.get(subscriber.slot);
            let Some(slot) = slot.filter(|slot| slot.layer == Some(source_key)) else {
                continue;
            };
            let Some(shift) = slot.rewrite.timestamp_shift() else {
                continue;
            };
            let info = SenderInfo {
                ssrc: slot.ssrc,
                ntp: info.ntp,
                rtp_timestamp: info.rtp_timestamp.wrapping_add(shift),
                packets: slot.packets,
                octets: slot.octets,
            };
            send(&mut self.control, peer, |out, _| {
                Compound::with_sender_report(out, &info, &[], CNAME)
            });
        }
    }

    fn source_by_ssrc(&self, key: PeerKey, ssrc: u32) -> Option<SourceKey> {
        self.peer(key)?.sources().find(|source| {
            self.source(*source)
                .is_some_and(|source| source.ssrc == ssrc)
        })
    }

    /// Sends a peer its receiver reports when they are due.
    pub(super) fn report(&mut self, key: PeerKey) {
        let now = self.now;
        let Some(peer) = self.peers.get_mut(key).and_then(Option::as_deref_mut) else {
            return;
        };
        if !peer.connected || peer.report_at > now {
            return;
        }
        peer.report_at = now + REPORT;
        let sources = &mut self.sources;
        let blocks: Vec<ReportBlock> = peer
            .sources()
            .filter_map(|source| {
                let source = sources.get_mut(source)?.as_deref_mut()?;
                source.reception.report(now, source.ssrc)
            })
            .collect();
        peer.noted.sent(now, peer.sent_bytes());
        if let Some(worst) = blocks.iter().map(|block| block.fraction_lost).max() {
            peer.noted.lost_up(worst);
            send(&mut self.control, peer, |out, reporter| {
                Compound::with_receiver_report(out, reporter, &blocks, CNAME)
            });
        }
    }

    /// Tells a peer when its packets came, where that is due.
    pub(super) fn tell_arrivals(&mut self, key: PeerKey) {
        let now = self.now;
        let Some(peer) = self.peers.get_mut(key).and_then(Option::as_deref_mut) else {
            return;
        };
        let Some(media_ssrc) = peer.stream_ssrc() else {
            return;
        };
        let reporter = peer.reporter;
        while peer.arrivals.next_deadline().is_some_and(|at| at <= now) {
            let (Some(path), Some((_, sealer))) = (peer.path, &mut peer.keys) else {
                return;
            };
            let arrivals = &mut peer.arrivals;
            let written = send_on(&mut self.control, path, sealer, |out| {
                let mut compound = Compound::with_receiver_report(out, reporter, &[], CNAME)?;
                compound.whole(|room| arrivals.write(now, room, reporter, media_ssrc))?;
                Some(compound)
            });
            if !written {
                return;
            }
        }
    }

    /// Asks senders again for what has not come. Where that has been in vain, a key frame heals.
    pub(super) fn ask_again(&mut self) {
        let now = self.now;
        for source in self.sources.iter_mut().filter_map(Option::as_deref_mut) {
            let Some(missing) = source.missing.as_mut() else {
                continue;
            };
            if missing.next_deadline().is_none_or(|at| at > now) {
                continue;
            }
            let due = missing.due(now);
            if due.gave_up && !source.subscribers.is_empty() {
                source.key_frames.want();
            }
            let (ssrc, owner) = (source.ssrc, source.track.peer);
            let peer = self.peers.get_mut(owner).and_then(Option::as_deref_mut);
            if let Some(peer) = peer.filter(|_| !due.ask.is_empty()) {
                self.counts.nacks_sent += due.ask.len() as u64;
                send(&mut self.control, peer, |out, reporter| {
                    let mut compound = Compound::with_receiver_report(out, reporter, &[], CNAME)?;
                    // RTP carries the lower half of an index.
                    let lost = due.ask.iter().map(|index| *index as u16);
                    compound.nack(reporter, ssrc, lost)?;
                    Some(compound)
                });
            }
        }
    }

    /// Asks for every key frame that is due. A layer that rests has none: browsers would send one on
    /// all the others instead, each time.
    pub(super) fn ask_for_key_frames(&mut self) {
        let now = self.now;
        for place in 0..self.sources.len() {
            let Some(source) = self.sources.get_mut(place).and_then(Option::as_deref_mut) else {
                continue;
            };
            if source.kind() != Kind::Video || !source.is_active() || !source.key_frames.ask(now) {
                continue;
            }
            let (ssrc, owner) = (source.ssrc, source.track.peer);
            if let Some(peer) = self.peers.get_mut(owner).and_then(Option::as_deref_mut) {
                self.counts.key_frame_requests_sent += 1;
                send(&mut self.control, peer, |out, reporter| {
                    let mut compound = Compound::with_receiver_report(out, reporter, &[], CNAME)?;
                    compound.picture_loss(reporter, ssrc)?;
                    Some(compound)
                });
            }
        }
    }
}

/// Writes a compound packet to a peer, seals it and queues it.
fn send(
    control: &mut Control,
    peer: &mut Peer,
    write: impl FnOnce(&mut [u8], u32) -> Option<Compound<'_>>,
) {
    if let (Some(path), Some((_, sealer))) = (peer.path, &mut peer.keys) {
        let reporter = peer.reporter;
        send_on(control, path, sealer, |out| write(out, reporter));
    }
}

/// The same on a path, by the peer's own sealer. Whether there was something to write.
fn send_on(
    control: &mut Control,
    path: Path,
    sealer: &mut Sealer,
    write: impl FnOnce(&mut [u8]) -> Option<Compound<'_>>,
) -> bool {
    let mut datagram = vec![0; COMPOUND_BYTES_MAX];
    let room = &mut datagram[..COMPOUND_BYTES_MAX - SEAL_BYTES];
    let written = write(room).map(|compound| compound.bytes());
    let sealed = written.and_then(|bytes| sealer.seal_rtcp(&mut datagram, bytes));
    if let Some(length) = sealed {
        datagram.truncate(length);
        control.push_back((path, datagram));
    }
    sealed.is_some()
}
