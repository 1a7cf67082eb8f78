//! Which layer each slot of a peer is to carry: what fits what its client shows, as far as its path has
//! room behind the sound. `allocate` decides; this gathers what it asks for and carries it out.
//!
//! This module must never touch a packet.

use std::time::Instant;

use super::{
    Shard,
    allocate::{self, allocate},
    layers,
    peer::Peer,
    source::{PeerKey, SourceKey, SourceState, TrackKey},
};
use crate::media::Kind;

/// What an open microphone is taken to send before it is measured, in bits a second.
const SOUND_BITS: u64 = 64_000;

/// A slot that has a picture.
struct Picture {
    /// Its place among the peer's slots.
    place: usize,
    /// What is sent of it, the smallest first, and what that costs.
    layers: Vec<layers::Layer>,
    costs: Vec<allocate::Layer>,
    /// How high it is shown, in pixels; nothing: as high as it is.
    shown: Option<u16>,
    /// What the slot was to carry until now, and what it carries until that begins.
    wants: Option<SourceKey>,
    carries: Option<SourceKey>,
    lowered_at: Option<Instant>,
}

impl Picture {
    fn rank(&self, key: Option<SourceKey>) -> Option<u8> {
        let layer = self.layers.iter().find(|layer| Some(layer.key) == key);
        layer.map(|layer| layer.rank)
    }

    fn slot(&self) -> allocate::Slot<'_> {
        let present = allocate::Choice {
            layer: self.rank(self.wants),
            lowered_at: self.lowered_at,
        };
        allocate::Slot::new(&self.costs, self.shown, present)
    }

    /// What it costs at present, in bits a second.
    fn carried(&self) -> u64 {
        let rank = self.rank(self.carries);
        let cost = self.costs.iter().find(|cost| Some(cost.index) == rank);
        cost.map_or(0, |cost| cost.bits)
    }

    /// `overrun`: what is carried is far too much for the path, which would harm the sound. A picture
    /// that is to be smaller then stands until its smaller layer begins.
    fn decided(&self, choice: allocate::Choice, overrun: bool) -> Decision {
        let layer = self
            .layers
            .iter()
            .find(|layer| Some(layer.rank) == choice.layer);
        Decision {
            place: self.place,
            wants: layer.map(|layer| layer.key),
            lowered_at: choice.lowered_at,
            stands: overrun && self.rank(self.carries) > choice.layer,
        }
    }
}

/// What a slot is to do.
struct Decision {
    place: usize,
    /// The layer to carry from its next start on; nothing: to pause.
    wants: Option<SourceKey>,
    lowered_at: Option<Instant>,
    /// To carry nothing until then.
    stands: bool,
}

impl Shard {
    /// Decides which layer each slot of a peer is to carry.
    pub(super) fn choose_layers(&mut self, key: PeerKey) {
        let now = self.now;
        let Some(peer) = self.peer(key) else { return };
        let (sound, mut decisions) = self.sounds(peer);
        let pictures = self.pictures(key, peer);
        let budget = peer.path_bits().saturating_sub(sound);
        let mut slots: Vec<allocate::Slot<'_>> = pictures.iter().map(Picture::slot).collect();
        let allocated = allocate(now, budget, &mut slots);
        let carried = pictures.iter().map(Picture::carried);
        let overrun = carried.fold(0, u64::saturating_add) > budget.saturating_add(budget / 2);
        let decided = pictures.iter().zip(&slots);
        decisions.extend(decided.map(|(picture, slot)| picture.decided(slot.choice(), overrun)));
        let Some(peer) = self.peer_mut(key) else {
            return;
        };
        peer.downlink.wish(allocated.wished.saturating_add(sound));
        for decision in decisions {
            let Some(slot) = peer.slots.get_mut(decision.place) else {
                continue;
            };
            peer.slots_changed |= slot.wants.is_none() != decision.wants.is_none();
            slot.wants = decision.wants;
            slot.lowered_at = decision.lowered_at;
            if decision.wants.is_none() || decision.stands {
                slot.layer = None;
            }
        }
    }

    /// What a peer's sound takes, in bits a second, and what its slots for sound are to carry: all.
    fn sounds(&self, peer: &Peer) -> (u64, Vec<Decision>) {
        let mut bits = 0_u64;
        let mut decisions = Vec::with_capacity(peer.slots.len());
        for (place, slot) in peer.slots.iter().enumerate() {
            let Some(track) = slot.filled.filter(|_| slot.kind == Kind::Audio) else {
                continue;
            };
            let wants = self.sent_layers(track).first().map(|layer| layer.key);
            let rate = wants.and_then(|key| self.source(key)?.rate.bits_per_second());
            bits = bits.saturating_add(rate.unwrap_or(SOUND_BITS));
            decisions.push(Decision {
                place,
                wants,
                lowered_at: slot.lowered_at,
                stands: false,
            });
        }
        (bits, decisions)
    }

    /// A peer's pictures, those that matter most first.
    fn pictures(&self, key: PeerKey, peer: &Peer) -> Vec<Picture> {
        let slots = peer.slots.iter().enumerate();
        let mut slots: Vec<_> = slots.filter(|(_, slot)| slot.kind == Kind::Video).collect();
        slots.sort_by_key(|(_, slot)| slot.priority);
        let pictures = slots.into_iter().filter_map(|(place, slot)| {
            let track = slot.filled?;
            let layers = self.sent_layers(track);
            Some(Picture {
                place,
                costs: layers::costs(&layers),
                layers,
                shown: self.shown_height(key, track),
                wants: slot.wants,
                carries: slot.layer,
                lowered_at: slot.lowered_at,
            })
        });
        pictures.collect()
    }

    /// The layers of a track that are being sent, the smallest first.
    fn sent_layers(&self, key: TrackKey) -> Vec<layers::Layer> {
        let track = self
            .peer(key.peer)
            .and_then(|peer| peer.tracks.get(key.track));
        let sources = track.into_iter().flat_map(|track| track.sources());
        let mut layers: Vec<layers::Layer> = sources
            .filter_map(|key| {
                let source = self.source(key)?;
                Some(layers::Layer {
                    key,
                    rank: 0,
                    height: source.height,
                    bits_per_second: source.rate.bits_per_second(),
                })
            })
            .collect();
        // Among all of them, so that a rank stays what it is while a layer rests.
        layers::sort(&mut layers);
        layers.retain(|layer| self.source(layer.key).is_some_and(SourceState::is_active));
        layers::leave_out_the_dear(&mut layers);
        layers
    }
}
