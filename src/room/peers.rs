//! One member's way to be heard and seen: the peer connection in use and the one to follow it.
//!
//! A new offer makes a new peer connection. Where the present one works, it is kept until the new
//! one does, so that sound and picture have no gap; until then the new one has no rights, so that
//! nobody is heard twice. What the shard has been ordered is kept here, so that only differences
//! are sent.

use crate::{
    media::{Gate, Order, PeerId, Seen, Shown, Source},
    room::{ConnectionId, Slot},
    time::Timestamp,
};

/// How far a peer connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The shard has the offer; this connection waits for the answer until then.
    Offered { by: ConnectionId, until: Timestamp },
    /// Answered, not yet connected.
    Answered,
    /// Media may flow.
    Connected,
    /// Nothing has come for long, or the handshake failed.
    Lost,
}

#[derive(Debug)]
struct Peer {
    id: PeerId,
    phase: Phase,
    /// What the shard was last ordered; a new peer is closed and hidden.
    gate: Gate,
    seen: Seen,
    candidates: u16,
    /// The latest slot map, for a connection that takes over.
    slots: Option<Vec<Slot>>,
    /// The layers of its tracks that were last said to be of use, for the same.
    layers: Vec<(Source, Vec<String>)>,
    /// What the shard was last told that the client shows.
    view: Option<Vec<Shown>>,
}

impl Peer {
    /// The order that changes the gate, if it is another.
    fn hear(&mut self, gate: Gate) -> Option<Order> {
        let changed = std::mem::replace(&mut self.gate, gate) != gate;
        let peer = self.id;
        changed.then_some(Order::Hear { peer, gate })
    }

    /// The order that shows or hides the pictures, if they are not so already.
    fn show(&mut self, seen: Seen) -> Option<Order> {
        let changed = std::mem::replace(&mut self.seen, seen) != seen;
        let peer = self.id;
        changed.then_some(Order::Show { peer, seen })
    }
}

/// A member's peer connections: at most two.
#[derive(Debug, Default)]
pub(super) struct Peers {
    newest: Option<Peer>,
    /// The working one that `newest` is to follow.
    older: Option<Peer>,
}

impl Peers {
    /// Adds the peer of a new offer. Gives the peer that must be closed for it, if any.
    pub fn offer(&mut self, id: PeerId, by: ConnectionId, until: Timestamp) -> Option<PeerId> {
        self.follow(id, Phase::Offered { by, until })
    }

    /// Adds a peer whose offer has been answered already. Gives the peer that must be closed for it,
    /// if any.
    pub fn adopt(&mut self, id: PeerId) -> Option<PeerId> {
        self.follow(id, Phase::Answered)
    }

    fn follow(&mut self, id: PeerId, phase: Phase) -> Option<PeerId> {
        let replaced = self.newest.replace(Peer {
            id,
            phase,
            gate: Gate::Closed,
            seen: Seen::default(),
            candidates: 0,
            slots: None,
            layers: Vec::new(),
            view: None,
        })?;
        if replaced.phase == Phase::Connected && self.older.is_none() {
            self.older = Some(replaced);
            None
        } else {
            Some(replaced.id)
        }
    }

    /// The shard has answered the newest peer's offer: the connection that waits for it.
    pub fn answered(&mut self, id: PeerId) -> Option<ConnectionId> {
        let peer = self.newest.as_mut().filter(|peer| peer.id == id)?;
        let Phase::Offered { by, .. } = peer.phase else {
            return None;
        };
        peer.phase = Phase::Answered;
        Some(by)
    }

    /// The shard has refused the newest peer's offer: the connection that waits for it.
    pub fn refused(&mut self, id: PeerId) -> Option<ConnectionId> {
        let by = self.answered(id)?;
        self.newest = self.older.take();
        Some(by)
    }

    /// The newest peer whose offer was not answered in time is given up.
    pub fn overdue(&mut self, now: Timestamp) -> Option<(PeerId, ConnectionId)> {
        let peer = self.newest.as_ref()?;
        match peer.phase {
            Phase::Offered { by, until } if until <= now => {
                let id = peer.id;
                self.newest = self.older.take();
                Some((id, by))
            }
            Phase::Offered { .. } | Phase::Answered | Phase::Connected | Phase::Lost => None,
        }
    }

    /// When the newest peer's offer is overdue.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        match self.newest.as_ref()?.phase {
            Phase::Offered { until, .. } => Some(until),
            Phase::Answered | Phase::Connected | Phase::Lost => None,
        }
    }

    /// The peer's media path stands. Gives the older peer, which must now be closed.
    pub fn connected(&mut self, id: PeerId) -> Option<PeerId> {
        let newest = self.newest.as_mut().filter(|peer| peer.id == id)?;
        newest.phase = Phase::Connected;
        self.older.take().map(|peer| peer.id)
    }

    /// The peer's media path is gone. Gives the peer to close, where another is in use.
    pub fn lost(&mut self, id: PeerId) -> Option<PeerId> {
        if let Some(newest) = self.newest.as_mut().filter(|peer| peer.id == id) {
            newest.phase = Phase::Lost;
            return None;
        }
        self.older.take_if(|peer| peer.id == id).map(|peer| peer.id)
    }

    /// Whether this is the peer of the latest offer, the only one whose state the client is told.
    pub fn is_newest(&self, id: PeerId) -> bool {
        self.newest.as_ref().is_some_and(|peer| peer.id == id)
    }

    /// The peer whose media counts: the working one until its successor works.
    pub fn in_use(&self) -> Option<PeerId> {
        self.older
            .as_ref()
            .or(self.newest.as_ref())
            .map(|peer| peer.id)
    }

    /// Counts a candidate for the newest peer; nothing when there is none or it has had `max`.
    pub fn candidate(&mut self, max: u16) -> Result<PeerId, NoCandidate> {
        let peer = self.newest.as_mut().ok_or(NoCandidate::NoOffer)?;
        if peer.candidates >= max {
            return Err(NoCandidate::TooMany);
        }
        peer.candidates = peer.candidates.saturating_add(1);
        Ok(peer.id)
    }

    /// The newest peer, whose candidates are counted anew: an ICE restart brings new ones.
    pub fn restart(&mut self) -> Option<PeerId> {
        let peer = self.newest.as_mut()?;
        peer.candidates = 0;
        Some(peer.id)
    }

    /// Keeps the newest peer's slot map for a connection that takes over.
    pub fn keep_slots(&mut self, slots: Vec<Slot>) {
        if let Some(peer) = &mut self.newest {
            peer.slots = Some(slots);
        }
    }

    /// The slot map of the newest peer, where it has one.
    pub fn slots(&self) -> Option<&[Slot]> {
        let newest = self.newest.as_ref()?;
        let works = newest.phase == Phase::Connected;
        newest.slots.as_deref().filter(|_| works)
    }

    /// Keeps which layers of the newest peer's track are of use.
    pub fn keep_layers(&mut self, source: Source, rids: Vec<String>) {
        if let Some(peer) = &mut self.newest {
            peer.layers.retain(|(other, _)| *other != source);
            peer.layers.push((source, rids));
        }
    }

    /// Which layers of the newest peer's tracks are of use.
    pub fn layers(&self) -> &[(Source, Vec<String>)] {
        let newest = self.newest.as_ref();
        newest.map(|peer| &*peer.layers).unwrap_or_default()
    }

    /// Orders that tell the shard what the client shows.
    pub fn view(&mut self, pictures: &[Shown]) -> Vec<Order> {
        let mut orders = Vec::new();
        for peer in self.newest.iter_mut().chain(&mut self.older) {
            if peer.view.as_deref() != Some(pictures) {
                peer.view = Some(pictures.to_vec());
                orders.push(Order::View {
                    peer: peer.id,
                    pictures: pictures.to_vec(),
                });
            }
        }
        orders
    }

    /// Orders that take away: so that the peer in use is not heard or seen unless it may be.
    pub fn take(&mut self, gate: Gate, seen: Seen) -> Vec<Order> {
        let mut orders = Vec::new();
        if let Some(peer) = self.in_use_mut() {
            if gate == Gate::Closed {
                orders.extend(peer.hear(gate));
            }
            orders.extend(peer.show(peer.seen.and(seen)));
        }
        orders
    }

    /// Orders that give: so that the peer in use is heard and seen as it may be.
    pub fn give(&mut self, gate: Gate, seen: Seen) -> Vec<Order> {
        let mut orders = Vec::new();
        if let Some(peer) = self.in_use_mut() {
            orders.extend(peer.hear(gate));
            orders.extend(peer.show(seen));
        }
        orders
    }

    /// Whether the peer in use is to be given something that it has not.
    pub fn lacks(&self, gate: Gate, seen: Seen) -> bool {
        let peer = self.older.as_ref().or(self.newest.as_ref());
        peer.is_some_and(|peer| {
            let closer = peer.gate != gate && gate != Gate::Closed;
            closer || peer.seen.and(seen) != seen
        })
    }

    /// Whether media flows, or may.
    pub fn is_connected(&self) -> bool {
        let mut peers = self.newest.iter().chain(&self.older);
        peers.any(|peer| peer.phase == Phase::Connected)
    }

    fn in_use_mut(&mut self) -> Option<&mut Peer> {
        self.older.as_mut().or(self.newest.as_mut())
    }

    /// Every peer, which are none of these any more.
    pub fn let_go(&mut self) -> Vec<PeerId> {
        let peers = self.ids().collect();
        (self.newest, self.older) = (None, None);
        peers
    }

    /// Every peer, for closing them.
    pub fn ids(&self) -> impl Iterator<Item = PeerId> {
        self.newest.iter().chain(&self.older).map(|peer| peer.id)
    }
}

/// Why a candidate finds no peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoCandidate {
    /// Nothing was offered.
    NoOffer,
    /// The peer has had as many as it may.
    TooMany,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::AudioRank;

    const BY: ConnectionId = ConnectionId(1);
    const UNTIL: Timestamp = Timestamp(1000);
    const OPEN: Gate = Gate::Open(AudioRank::Floor);

    fn connected(peers: &mut Peers, id: u64) -> Option<PeerId> {
        assert_eq!(peers.answered(PeerId(id)), Some(BY));
        peers.connected(PeerId(id))
    }

    fn orders(peers: &mut Peers, gate: Gate, seen: Seen) -> Vec<Order> {
        [peers.take(gate, seen), peers.give(gate, seen)].concat()
    }

    #[test]
    fn a_working_peer_stays_until_its_successor_works() {
        let mut peers = Peers::default();
        assert_eq!(peers.offer(PeerId(1), BY, UNTIL), None);
        assert_eq!(connected(&mut peers, 1), None);
        assert_eq!(orders(&mut peers, OPEN, Seen::ALL).len(), 2);

        assert_eq!(peers.offer(PeerId(2), BY, UNTIL), None);
        assert_eq!(peers.in_use(), Some(PeerId(1)));
        assert_eq!(
            orders(&mut peers, OPEN, Seen::ALL),
            [],
            "the successor has no rights yet"
        );
        assert_eq!(
            connected(&mut peers, 2),
            Some(PeerId(1)),
            "the old one is closed"
        );
        assert_eq!(
            orders(&mut peers, OPEN, Seen::ALL),
            [
                Order::Hear {
                    peer: PeerId(2),
                    gate: OPEN
                },
                Order::Show {
                    peer: PeerId(2),
                    seen: Seen::ALL
                }
            ]
        );
    }

    #[test]
    fn a_peer_that_never_worked_or_works_no_more_is_closed_at_once() {
        let mut peers = Peers::default();
        peers.offer(PeerId(1), BY, UNTIL);
        assert_eq!(peers.offer(PeerId(2), BY, UNTIL), Some(PeerId(1)));
        connected(&mut peers, 2);
        assert_eq!(peers.lost(PeerId(2)), None, "it stays until another offer");
        assert_eq!(peers.offer(PeerId(3), BY, UNTIL), Some(PeerId(2)));
    }

    #[test]
    fn a_successor_that_fails_leaves_the_working_one() {
        let mut peers = Peers::default();
        peers.offer(PeerId(1), BY, UNTIL);
        connected(&mut peers, 1);
        peers.offer(PeerId(2), BY, UNTIL);
        assert_eq!(peers.refused(PeerId(2)), Some(BY));
        assert_eq!(peers.in_use(), Some(PeerId(1)));
        peers.offer(PeerId(3), BY, UNTIL);
        assert_eq!(peers.overdue(Timestamp(999)), None);
        assert_eq!(peers.overdue(UNTIL), Some((PeerId(3), BY)));
        assert_eq!(peers.in_use(), Some(PeerId(1)));
        peers.offer(PeerId(4), BY, UNTIL);
        assert_eq!(peers.offer(PeerId(5), BY, UNTIL), Some(PeerId(4)));
        assert_eq!(peers.ids().collect::<Vec<_>>(), [PeerId(5), PeerId(1)]);
    }

    #[test]
    fn candidates_belong_to_the_newest_and_are_counted() {
        let mut peers = Peers::default();
        assert_eq!(peers.candidate(2), Err(NoCandidate::NoOffer));
        peers.offer(PeerId(1), BY, UNTIL);
        assert_eq!(peers.candidate(2), Ok(PeerId(1)));
        assert_eq!(peers.candidate(2), Ok(PeerId(1)));
        assert_eq!(peers.candidate(2), Err(NoCandidate::TooMany));
    }
}
