//! Who receives what: the slots of every peer of a session, filled anew when somebody comes,
//! goes, is given the floor, starts or ceases to send.
//!
//! This module must never touch a packet.

use super::{
    Shard,
    peer::Slot,
    slots,
    source::{PeerKey, SourceKey, Subscriber},
};
use crate::media::{Kind, Notice, PeerId, SessionKey, Source};

/// A source that may be forwarded, with its claim.
struct Candidate {
    key: SourceKey,
    owner: PeerKey,
    claim: Claim,
}

/// Order of claims to a slot, the lowest first.
type Claim = (usize, bool, u64);

impl Shard {
    /// Fills every slot of a session anew and makes the lists of subscribers from them. Whoever
    /// calls it asks for the key frames that are wanted then.
    pub(super) fn refill(&mut self, key: SessionKey) {
        let Some(session) = self.sessions.get(&key) else {
            return;
        };
        let members = session.peers.clone();
        let sound = self.candidates(&members, Kind::Audio, &session.prominence);
        let pictures = self.candidates(&members, Kind::Video, &session.prominence);
        let sources: Vec<SourceKey> = members
            .iter()
            .flat_map(|peer| self.source_keys(*peer))
            .collect();
        for source in sources {
            if let Some(source) = self.source_mut(source) {
                source.subscribers.clear();
            }
        }
        for peer_key in members {
            let Some(peer) = self.peers.get_mut(peer_key).and_then(Option::as_deref_mut) else {
                continue;
            };
            if peer.keys.is_none() {
                continue;
            }
            for (kind, candidates) in [(Kind::Audio, &sound), (Kind::Video, &pictures)] {
                let wanted: Vec<SourceKey> = candidates
                    .iter()
                    .filter(|candidate| candidate.owner != peer_key)
                    .map(|candidate| candidate.key)
                    .collect();
                peer.slots_changed |= refill_kind(&mut peer.slots, kind, &wanted);
            }
            for (place, slot) in peer.slots.iter().enumerate() {
                let Some(filled) = slot.filled else { continue };
                let Some(source) = self.sources.get_mut(filled).and_then(Option::as_deref_mut)
                else {
                    continue;
                };
                source.subscribers.push(Subscriber {
                    peer: peer_key,
                    slot: place,
                });
                if slot.kind == Kind::Video && slot.rewrite.is_waiting() {
                    source.key_frames.want();
                }
            }
            if std::mem::take(&mut peer.slots_changed) {
                let peer_id = peer.id;
                let slots = self.slot_states(peer_key);
                self.notices.push_back((
                    key,
                    Notice::Slots {
                        peer: peer_id,
                        slots,
                    },
                ));
            }
        }
    }

    fn slot_states(&self, key: PeerKey) -> Vec<crate::media::SlotState> {
        let owner = |source: SourceKey| -> Option<(PeerId, Source)> {
            let source = self.source(source)?;
            Some((self.peer(source.owner)?.id, source.source))
        };
        self.peer(key)
            .map(|peer| peer.slot_states(owner))
            .unwrap_or_default()
    }

    fn source_keys(&self, peer: PeerKey) -> Vec<SourceKey> {
        self.peer(peer)
            .map(|peer| peer.tracks.iter().filter_map(|track| track.key).collect())
            .unwrap_or_default()
    }

    /// The sources of a kind that may be forwarded and are being sent, best claim first. Sound:
    /// the floor's holders, then chairs, then the others, the loud before the silent. Pictures:
    /// screens, then by prominence. Then by coming.
    fn candidates(&self, members: &[PeerKey], kind: Kind, prominence: &[PeerId]) -> Vec<Candidate> {
        let mut candidates: Vec<Candidate> = members
            .iter()
            .flat_map(|peer| self.source_keys(*peer))
            .filter_map(|key| {
                let source = self.source(key)?;
                let owner = self.peer(source.owner)?;
                if source.kind() != kind || !source.open || !source.is_active() {
                    return None;
                }
                let claim = match source.source {
                    Source::Microphone => (
                        source.rank as usize,
                        !source.loudness.is_speaking(self.now),
                        owner.order,
                    ),
                    Source::Screen => (0, false, owner.order),
                    Source::Camera => (
                        1 + prominence
                            .iter()
                            .position(|id| *id == owner.id)
                            .unwrap_or(prominence.len()),
                        false,
                        owner.order,
                    ),
                };
                Some(Candidate {
                    key,
                    owner: source.owner,
                    claim,
                })
            })
            .collect();
        candidates.sort_by_key(|candidate| candidate.claim);
        candidates
    }

    /// Looks at all sources: which have ceased, who is speaking.
    pub(super) fn survey(&mut self) {
        let now = self.now;
        let keys: Vec<SessionKey> = self.sessions.keys().copied().collect();
        for key in keys {
            let Some(session) = self.sessions.get(&key) else {
                continue;
            };
            let members = session.peers.clone();
            let mut ceased = false;
            let mut speaking: Vec<(f32, PeerId)> = Vec::new();
            let mut open = 0;
            let mut audio_slots = usize::MAX;
            for peer in &members {
                if let Some(peer) = self.peer(*peer) {
                    let slots = peer.slots.iter().filter(|slot| slot.kind == Kind::Audio);
                    audio_slots = audio_slots.min(slots.count());
                }
                for source in self.source_keys(*peer) {
                    let Some(source) = self.source_mut(source) else {
                        continue;
                    };
                    ceased |= source.expire(now);
                    let heard = source.open && source.source == Source::Microphone;
                    open += usize::from(heard && source.is_active());
                    let level = source.loudness.level(now);
                    if heard
                        && source.loudness.is_speaking(now)
                        && let Some(owner) = self.peer(*peer)
                    {
                        speaking.push((level, owner.id));
                    }
                }
            }
            speaking.sort_by(|one, other| one.0.total_cmp(&other.0));
            let speaking: Vec<PeerId> = speaking.into_iter().map(|(_, peer)| peer).collect();
            // Where sound's slots are scarce, who speaks decides who is heard.
            let scarce = open > audio_slots;
            if let Some(session) = self.sessions.get_mut(&key)
                && session.speaking != speaking
            {
                session.speaking.clone_from(&speaking);
                self.notices
                    .push_back((key, Notice::Speaking { peers: speaking }));
                ceased |= scarce;
            }
            if ceased {
                self.refill(key);
            }
        }
    }
}

/// Fills the slots of one kind; a slot with another source begins anew.
fn refill_kind(slots: &mut [Slot], kind: Kind, wanted: &[SourceKey]) -> bool {
    let mut filled: Vec<Option<SourceKey>> = slots
        .iter()
        .filter(|slot| slot.kind == kind)
        .map(|slot| slot.filled)
        .collect();
    if !slots::fill(&mut filled, wanted) {
        return false;
    }
    let places = slots.iter_mut().filter(|slot| slot.kind == kind);
    for (slot, now) in places.zip(filled) {
        if slot.filled != now {
            slot.filled = now;
            slot.rewrite.switch();
        }
    }
    true
}
