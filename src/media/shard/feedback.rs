//! RTCP with each peer: its requests for packets and key frames, its sender reports carried over
//! to the slots, receiver reports and key-frame requests to it.
//!
//! This module must never know how a packet is sealed or where slots come from.

use std::time::Duration;

use super::{
    REPORT, Shard,
    peer::Peer,
    rtcp::{self, Compound, Packet, ReportBlock, SenderInfo},
    source::{PeerKey, SourceKey},
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
                Packet::SenderReport { info, .. } => self.sender_report(key, &info),
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
                    for sequence in lost {
                        let sent = peer.slots.get(place).and_then(|slot| slot.recall(sequence));
                        let Some(sent) = sent else { continue };
                        if !peer.resends.take(now) {
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
                // Receivers' losses and estimates steer nothing yet; a track that ends is seen by
                // its silence.
                Packet::ReceiverReport { .. }
                | Packet::Goodbye { .. }
                | Packet::Bitrate(_)
                | Packet::TransportWide { .. } => {}
            }
        }
        self.ask_for_key_frames();
    }

    fn slot_by_ssrc(&self, key: PeerKey, ssrc: u32) -> Option<usize> {
        self.peer(key)?
            .slots
            .iter()
            .position(|slot| slot.ssrc == ssrc)
    }

    fn want_key_frame(&mut self, key: PeerKey, ssrc: u32) {
        let filled = self
            .slot_by_ssrc(key, ssrc)
            .and_then(|place| self.peer(key)?.slots.get(place)?.filled);
        if let Some(source) = filled.and_then(|source| self.source_mut(source)) {
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
            let Some(slot) = peer.slots.get(subscriber.slot) else {
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
        self.peer(key)?
            .tracks
            .iter()
            .filter_map(|track| track.key)
            .find(|source| {
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
            .tracks
            .iter()
            .filter_map(|track| track.key)
            .filter_map(|source| {
                let source = sources.get_mut(source)?.as_deref_mut()?;
                source.reception.report(now, source.ssrc)
            })
            .collect();
        if !blocks.is_empty() {
            send(&mut self.control, peer, |out, reporter| {
                Compound::with_receiver_report(out, reporter, &blocks, CNAME)
            });
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
            if due.gave_up {
                source.key_frames.want();
            }
            let (ssrc, owner) = (source.ssrc, source.owner);
            let peer = self.peers.get_mut(owner).and_then(Option::as_deref_mut);
            if let Some(peer) = peer.filter(|_| !due.ask.is_empty()) {
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

    /// Asks for every key frame that is due.
    pub(super) fn ask_for_key_frames(&mut self) {
        let now = self.now;
        for place in 0..self.sources.len() {
            let Some(source) = self.sources.get_mut(place).and_then(Option::as_deref_mut) else {
                continue;
            };
            if source.kind() != Kind::Video || !source.key_frames.ask(now) {
                continue;
            }
            let (ssrc, owner) = (source.ssrc, source.owner);
            if let Some(peer) = self.peers.get_mut(owner).and_then(Option::as_deref_mut) {
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
    control: &mut std::collections::VecDeque<(super::transport::Path, Vec<u8>)>,
    peer: &mut Peer,
    write: impl FnOnce(&mut [u8], u32) -> Option<Compound<'_>>,
) {
    let (Some(path), Some((_, sealer))) = (peer.path, &mut peer.keys) else {
        return;
    };
    let mut datagram = vec![0; COMPOUND_BYTES_MAX];
    let written = write(
        &mut datagram[..COMPOUND_BYTES_MAX - SEAL_BYTES],
        peer.reporter,
    )
    .map(|compound| compound.bytes());
    if let Some(length) = written.and_then(|bytes| sealer.seal_rtcp(&mut datagram, bytes)) {
        datagram.truncate(length);
        control.push_back((path, datagram));
    }
}
