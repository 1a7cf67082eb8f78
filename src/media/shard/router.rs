//! Who receives what: the slots of every peer of a session, filled anew when somebody comes,
//! goes, is given the floor, starts or ceases to send.
//!
//! This module must never touch a packet.

use std::time::{Duration, Instant};

use super::{
    Shard, layers,
    peer::Slot,
    slots,
    source::{PeerKey, SourceKey, SourceState, Subscriber, TrackKey},
};
use crate::media::{Kind, Notice, PeerId, SessionKey, Source};

/// How long a layer must have been of no use to anybody before its sender is told to stop it: a slot
/// that shows it again a moment later would have to wait for its key frame.
const UNUSED: Duration = Duration::from_secs(5);

/// A track that may be forwarded, with its claim.
struct Candidate {
    key: TrackKey,
    claim: Claim,
}

/// Order of claims to a slot, the lowest first.
type Claim = (usize, bool, u64);

impl Shard {
    /// Who may be heard and seen in the session has changed, or who is there.
    pub(super) fn unsettle(&mut self, session: SessionKey) {
        if !self.unsettled.contains(&session) {
            self.unsettled.push(session);
        }
    }

    /// Fills the slots of the sessions in which something has changed.
    pub(super) fn settle(&mut self) {
        if self.unsettled.is_empty() {
            return;
        }
        while let Some(session) = self.unsettled.pop() {
            self.refill(session);
        }
        // Has just been given slots: its first packet is what they wait for.
        while let Some(source) = self.begun.pop() {
            if let Some(source) = self.source_mut(source) {
                source.key_frames.arrived();
            }
        }
        self.ask_for_key_frames();
    }

    /// Fills every slot of a session anew and makes the lists of subscribers from them. Whoever
    /// calls it asks for the key frames that are wanted then.
    fn refill(&mut self, key: SessionKey) {
        let Some(session) = self.sessions.get(&key) else {
            return;
        };
        let members = session.peers.clone();
        let sound = self.candidates(&members, Kind::Audio, &session.prominence);
        let pictures = self.candidates(&members, Kind::Video, &session.prominence);
        for peer_key in &members {
            for (kind, candidates) in [(Kind::Audio, &sound), (Kind::Video, &pictures)] {
                let wanted = self.wanted_by(*peer_key, kind, candidates);
                let Some(peer) = self.peer_mut(*peer_key).filter(|peer| peer.keys.is_some()) else {
                    continue;
                };
                peer.slots_changed |= refill_kind(&mut peer.slots, kind, &wanted);
            }
            self.choose_layers(*peer_key);
        }
        self.subscribe(&members);
        self.tell_slots(key, &members);
        self.tell_pictures(key, pictures);
    }

    /// Makes the lists of subscribers from what the slots carry and wait for.
    fn subscribe(&mut self, members: &[PeerKey]) {
        for peer in members {
            for source in self.source_keys(*peer) {
                if let Some(source) = self.source_mut(source) {
                    source.subscribers.clear();
                }
            }
        }
        for peer_key in members {
            let Some(peer) = self.peers.get(*peer_key).and_then(Option::as_deref) else {
                continue;
            };
            for (place, slot) in peer.slots.iter().enumerate() {
                for key in slot.layer.into_iter().chain(slot.awaits()) {
                    let Some(source) = self.sources.get_mut(key).and_then(Option::as_deref_mut)
                    else {
                        continue;
                    };
                    source.subscribers.push(Subscriber {
                        peer: *peer_key,
                        slot: place,
                    });
                    if slot.kind == Kind::Video && slot.layer != Some(key) {
                        source.key_frames.want();
                    }
                }
            }
        }
    }

    fn tell_slots(&mut self, key: SessionKey, members: &[PeerKey]) {
        for member in members {
            let Some(peer) = self.peer_mut(*member).filter(|peer| peer.keys.is_some()) else {
                continue;
            };
            if std::mem::take(&mut peer.slots_changed) {
                let peer = peer.id;
                let slots = self.slot_states(*member);
                self.notices.push_back((key, Notice::Slots { peer, slots }));
            }
        }
    }

    /// Tells which pictures there are, whoever is shown them.
    fn tell_pictures(&mut self, key: SessionKey, mut sent: Vec<Candidate>) {
        // By coming alone: who is prominent is no news of what there is.
        sent.sort_by_key(|candidate| candidate.claim.2);
        let pictures: Vec<(PeerId, Source)> = sent
            .iter()
            .filter_map(|Candidate { key, .. }| {
                let owner = self.peer(key.peer)?;
                Some((owner.id, owner.tracks.get(key.track)?.source))
            })
            .collect();
        if let Some(session) = self.sessions.get_mut(&key)
            && session.pictures != pictures
        {
            session.pictures.clone_from(&pictures);
            self.notices.push_back((key, Notice::Pictures { pictures }));
        }
    }

    /// The tracks that a peer's slots of a kind are to carry, the first of them where slots are
    /// scarce: what the client says that it shows, or all, but for its own.
    fn wanted_by(&self, key: PeerKey, kind: Kind, candidates: &[Candidate]) -> Vec<TrackKey> {
        let Some(peer) = self.peer(key) else {
            return Vec::new();
        };
        candidates
            .iter()
            .map(|candidate| candidate.key)
            .filter(|track| {
                let owner = self.peer(track.peer);
                owner.is_some_and(|owner| {
                    owner.kin != peer.kin
                        && owner.tracks.get(track.track).is_some_and(|track| {
                            peer.plays(track.encoding)
                                && (kind == Kind::Audio || peer.shows(owner.id, track.source))
                        })
                })
            })
            .collect()
    }

    /// How high a peer's client shows a picture, in pixels; nothing: as high as it is.
    pub(super) fn shown_height(&self, key: PeerKey, track: TrackKey) -> Option<u16> {
        let owner = self.peer(track.peer)?;
        let source = owner.tracks.get(track.track)?.source;
        self.peer(key)?.shown_height(owner.id, source)
    }

    fn slot_states(&self, key: PeerKey) -> Vec<crate::media::SlotState> {
        let owner = |track: TrackKey| -> Option<(PeerId, Source)> {
            let peer = self.peer(track.peer)?;
            Some((peer.id, peer.tracks.get(track.track)?.source))
        };
        self.peer(key)
            .map(|peer| peer.slot_states(owner))
            .unwrap_or_default()
    }

    fn source_keys(&self, peer: PeerKey) -> Vec<SourceKey> {
        self.peer(peer)
            .map(|peer| peer.sources().collect())
            .unwrap_or_default()
    }

    /// A peer's sources, each with when the last packet of any layer of its track came.
    fn sources_with_latest(&self, peer: PeerKey) -> Vec<(SourceKey, Option<Instant>)> {
        let Some(peer) = self.peer(peer) else {
            return Vec::new();
        };
        let mut all = Vec::new();
        for track in &peer.tracks {
            let last = |key| self.source(key).and_then(SourceState::last_packet);
            let latest = track.sources().filter_map(last).max();
            all.extend(track.sources().map(|key| (key, latest)));
        }
        all
    }

    /// The tracks of a kind that may be forwarded and are being sent, best claim first. Sound:
    /// the floor's holders, then chairs, then the others, the loud before the silent. Pictures:
    /// screens, then by prominence. Then by coming.
    fn candidates(&self, members: &[PeerKey], kind: Kind, prominence: &[PeerId]) -> Vec<Candidate> {
        let mut candidates: Vec<Candidate> = Vec::new();
        for key in members {
            let Some(owner) = self.peer(*key) else {
                continue;
            };
            for (place, track) in owner.tracks.iter().enumerate() {
                let mut sources = track.sources().filter_map(|key| self.source(key));
                let sent = sources.find(|source| source.open && source.is_active());
                let Some(source) = sent.filter(|source| source.kind() == kind) else {
                    continue;
                };
                let claim = match source.source {
                    Source::Microphone | Source::ScreenSound => (
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
                let key = TrackKey {
                    peer: *key,
                    track: place,
                };
                candidates.push(Candidate { key, claim });
            }
        }
        candidates.sort_by_key(|candidate| candidate.claim);
        candidates
    }

    /// Looks at all sources: which have ceased, how much they send, who is speaking; and which
    /// layers nobody needs.
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
                    // Who only sends misses nothing.
                    let slots = Some(slots.count()).filter(|count| *count > 0);
                    audio_slots = audio_slots.min(slots.unwrap_or(usize::MAX));
                }
                for (source, latest) in self.sources_with_latest(*peer) {
                    let Some(source) = self.source_mut(source) else {
                        continue;
                    };
                    ceased |= source.expire(now, latest);
                    source.rate.handle_timeout(now);
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
            } else {
                for member in &members {
                    if let Some(peer) = self.peer_mut(*member) {
                        peer.downlink.handle_timeout(now);
                    }
                    self.choose_layers(*member);
                }
                self.subscribe(&members);
                self.tell_slots(key, &members);
            }
            self.tell_needed_layers(key, &members);
        }
    }

    /// Tells the senders of simulcast which layers are of use: those that somebody shows, and the
    /// smaller ones for whose path has no room. The smallest is always sent, so that a track that
    /// nobody looks at is known to be there.
    fn tell_needed_layers(&mut self, session: SessionKey, members: &[PeerKey]) {
        let now = self.now;
        for key in members {
            let tracks = self.peer(*key).map_or(0, |peer| peer.tracks.len());
            for place in 0..tracks {
                let track = TrackKey {
                    peer: *key,
                    track: place,
                };
                let Some(needed) = self.needed_layers(track, members) else {
                    continue;
                };
                let Some(peer) = self.peer_mut(*key) else {
                    continue;
                };
                let id = peer.id;
                let Some(track) = peer.tracks.get_mut(place) else {
                    continue;
                };
                if needed.len() >= track.asked_layers {
                    track.fewer_since = None;
                }
                if needed.len() == track.asked_layers {
                    continue;
                }
                if needed.len() < track.asked_layers {
                    let since = *track.fewer_since.get_or_insert(now);
                    if now.saturating_duration_since(since) < UNUSED {
                        continue;
                    }
                }
                track.asked_layers = needed.len();
                track.fewer_since = None;
                let rids = needed
                    .into_iter()
                    .filter_map(|layer| track.layers.get(layer)?.rid.clone())
                    .collect();
                let source = track.source;
                let notice = Notice::Needed {
                    peer: id,
                    source,
                    rids,
                };
                self.notices.push_back((session, notice));
            }
        }
    }

    /// Which layers of a track are of use, as places in its list. Nothing for a track without
    /// layers, and as long as none of them has come.
    fn needed_layers(&self, key: TrackKey, members: &[PeerKey]) -> Option<Vec<usize>> {
        let track = self.peer(key.peer)?.tracks.get(key.track)?;
        if track.layers.len() < 2 {
            return None;
        }
        let mut layers: Vec<layers::Layer> = Vec::with_capacity(track.layers.len());
        for (place, layer) in track.layers.iter().enumerate() {
            let source = layer.key.and_then(|key| self.source(key));
            layers.push(layers::Layer {
                key: place,
                rank: 0,
                height: source.and_then(|source| source.height),
                bits_per_second: source.and_then(|source| source.rate.bits_per_second()),
            });
        }
        layers
            .iter()
            .any(|layer| layer.height.is_some())
            .then_some(())?;
        layers::sort(&mut layers);
        let mut needed = 1;
        for member in members {
            let shows = self
                .peer(*member)
                .is_some_and(|peer| peer.slots.iter().any(|slot| slot.filled == Some(key)));
            if shows {
                let height = self.shown_height(*member, key);
                needed = needed.max(layers::needed(&layers, height));
            }
        }
        layers.truncate(needed);
        Some(layers.into_iter().map(|layer| layer.key).collect())
    }
}

/// Fills the slots of one kind; a slot with another track begins anew.
fn refill_kind(slots: &mut [Slot], kind: Kind, wanted: &[TrackKey]) -> bool {
    let mut filled: Vec<Option<TrackKey>> = slots
        .iter()
        .filter(|slot| slot.kind == kind)
        .map(|slot| slot.filled)
        .collect();
    let changed = slots::fill(&mut filled, wanted);
    let places = slots.iter_mut().filter(|slot| slot.kind == kind);
    for (slot, now) in places.zip(filled) {
        if slot.filled != now {
            slot.fill(now);
        }
        let claim = wanted.iter().position(|track| Some(*track) == now);
        slot.priority = claim.unwrap_or(usize::MAX);
    }
    changed
}
