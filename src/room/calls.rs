//! Peer connections without a page: a publisher (WHIP) is its member, a player (WHEP) only watches.
//!
//! A call has a connection like a page's, and is told nothing but the answers to what it asks. A
//! publisher takes its member's place when its offer has been answered, so that an offer which
//! cannot be answered throws nobody out; from then on it is like any connection in the room, but
//! goes with its media. A player never has a place: it is no presence in the meeting.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Answer, ConnectionId, DeviceNumber, Refused, Room, forwarding::place_of, peers::NoCandidate,
};
use crate::{
    ids::MemberId,
    media::{OfferRefusal, Order, PeerId, Restarted, Sending},
    meeting::{Refusal, RefusalCode, SessionState},
    room::Parting,
    time::Timestamp,
};

/// What a peer connection without a page is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be the member: heard by the floor's rules, seen by the roster's.
    Publish,
    /// To hear and see the session.
    Play,
}

#[derive(Debug)]
struct Call {
    member: MemberId,
    purpose: Purpose,
    peer: PeerId,
    /// Until when the shard has time to answer the offer; nothing once it has.
    answer_by: Option<Timestamp>,
    candidates: u16,
}

/// The calls of a room: its players, and its publishers.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// Players, and publishers whose offer is not yet answered. Bounded by the connections that the
    /// server takes, and a member's by [`Settings::players_per_member_max`](super::Settings).
    open: BTreeMap<ConnectionId, Call>,
    /// Publishers in their members' places.
    publishers: BTreeSet<ConnectionId>,
}

impl Calls {
    /// When the first offer is overdue.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.open.values().filter_map(|call| call.answer_by).min()
    }

    /// The call that has this peer, while it has no place.
    pub fn of_peer(&self, peer: PeerId) -> Option<ConnectionId> {
        let mut open = self.open.iter();
        open.find(|(_, call)| call.peer == peer).map(|(id, _)| *id)
    }

    /// Whether this is a publisher in its member's place: it is told nothing.
    pub fn is_publisher(&self, connection: ConnectionId) -> bool {
        self.publishers.contains(&connection)
    }

    /// The room lets go of a publisher.
    pub fn forget_publisher(&mut self, connection: ConnectionId) {
        self.publishers.remove(&connection);
    }

    /// Counts a candidate for a call's peer; nothing where the connection is no call without a place.
    pub fn candidate(
        &mut self,
        connection: ConnectionId,
        max: u16,
    ) -> Option<Result<PeerId, NoCandidate>> {
        let call = self.open.get_mut(&connection)?;
        if call.candidates >= max {
            return Some(Err(NoCandidate::TooMany));
        }
        call.candidates = call.candidates.saturating_add(1);
        Some(Ok(call.peer))
    }

    fn count_of(&self, member: &MemberId, purpose: Purpose) -> usize {
        let mut open = self.open.values();
        open.by_ref()
            .filter(|call| call.member == *member && call.purpose == purpose)
            .count()
    }

    fn chosen(&self, test: impl Fn(&Call) -> bool) -> Vec<ConnectionId> {
        let chosen = self.open.iter().filter(|(_, call)| test(call));
        chosen.map(|(connection, _)| *connection).collect()
    }
}

impl Room {
    /// A peer connection without a page is offered, which is to be called `peer`.
    pub fn handle_call(
        &mut self,
        now: Timestamp,
        connection: ConnectionId,
        (member, purpose): (MemberId, Purpose),
        peer: PeerId,
        sdp: String,
        sending: Vec<Sending>,
    ) {
        let admitted = self
            .offer_bounds(&sdp, &sending)
            .and_then(|()| self.may_call(&member, purpose));
        if let Err(refused) = admitted {
            self.answer(connection, Err(refused));
            self.release(connection, None);
            return;
        }
        let kin = self.kin(&member);
        let call = Call {
            member,
            purpose,
            peer,
            answer_by: Some(now + self.settings.answer_ms),
            candidates: 0,
        };
        self.calls.open.insert(connection, call);
        self.order(Order::Offer {
            peer,
            kin,
            sdp,
            sending,
        });
    }

    /// A program cannot wait in the lobby.
    fn may_come_in(&self, member: &MemberId) -> Result<(), Refusal> {
        if self.meeting.must_be_admitted(member) {
            return Err(Refusal {
                code: RefusalCode::NotOpen,
                message: "A chair has to let you in first: come in by the page.".to_owned(),
            });
        }
        self.meeting.may_enter(member)
    }

    /// Who may come in by the page may call. Where there is no media there is nothing to play.
    fn may_call(&self, member: &MemberId, purpose: Purpose) -> Result<(), Refused> {
        let entered = self.may_come_in(member);
        match purpose {
            Purpose::Publish => match entered {
                Err(refusal)
                    if refusal.code == RefusalCode::NotOpen && self.places.contains_key(member) => {
                }
                Ok(()) | Err(_) => entered.map_err(Refused::Meeting)?,
            },
            Purpose::Play => {
                entered.map_err(Refused::Meeting)?;
                if self.meeting.state() == SessionState::Closed {
                    return Err(Refused::Meeting(Refusal {
                        code: RefusalCode::NotOpen,
                        message: "This session is closed.".to_owned(),
                    }));
                }
            }
        }
        let count_max = match purpose {
            // A publisher that waits for its answer gives way to none: there is one place.
            Purpose::Publish => 1,
            Purpose::Play => self.settings.players_per_member_max,
        };
        if self.calls.count_of(member, purpose) >= count_max {
            return Err(match purpose {
                Purpose::Publish => Refused::Unanswered,
                Purpose::Play => Refused::PlayersTooMany { count_max },
            });
        }
        Ok(())
    }

    /// New ICE credentials of a call's client. Nobody else asks: a page offers anew.
    pub fn handle_restart(&mut self, connection: ConnectionId, ufrag: String, pwd: String) {
        let peer = match self.calls.open.get_mut(&connection) {
            Some(call) => {
                call.candidates = 0;
                Some(call.peer)
            }
            None => place_of(&self.connections, &mut self.places, connection)
                .and_then(|(_, place)| place.peers.restart()),
        };
        match peer {
            Some(peer) => self.order(Order::Restart { peer, ufrag, pwd }),
            None => self.answer(connection, Err(Refused::NotInRoom)),
        }
    }

    pub(super) fn restarted(&mut self, peer: PeerId, restarted: Result<Restarted, OfferRefusal>) {
        let in_place = || {
            let place = self.places.get(self.owners.get(&peer)?)?;
            place.connection.filter(|_| place.peers.is_newest(peer))
        };
        if let Some(connection) = self.calls.of_peer(peer).or_else(in_place) {
            let answer = restarted.map(Answer::Restarted).map_err(Refused::Offer);
            self.answer(connection, answer);
        }
    }

    /// The shard has answered a call's offer, or refused it.
    pub(super) fn call_answered(
        &mut self,
        now: Timestamp,
        connection: ConnectionId,
        answer: Result<String, OfferRefusal>,
    ) {
        let Some(call) = self.calls.open.get_mut(&connection) else {
            return;
        };
        call.answer_by = None;
        let seated = match (&answer, call.purpose) {
            (Ok(_), Purpose::Play) => Ok(()),
            (Ok(_), Purpose::Publish) => {
                let (member, peer) = (call.member.clone(), call.peer);
                self.calls.open.remove(&connection);
                self.publish(now, connection, &member, peer)
            }
            (Err(refusal), _) => {
                // The shard has no such peer: there is nothing to close.
                self.calls.open.remove(&connection);
                Err(Refused::Offer(refusal.clone()))
            }
        };
        let refused = seated.is_err();
        let answer = seated.and_then(|()| answer.map(Answer::Sdp).map_err(Refused::Offer));
        self.answer(connection, answer);
        if refused {
            self.release(connection, None);
        }
    }

    /// A publisher takes its member's place.
    fn publish(
        &mut self,
        now: Timestamp,
        connection: ConnectionId,
        member: &MemberId,
        peer: PeerId,
    ) -> Result<(), Refused> {
        let come_in = self.may_come_in(member);
        if let Err(refusal) = come_in.and_then(|()| self.enter(now, member, None)) {
            self.close(peer);
            return Err(Refused::Meeting(refusal));
        }
        self.calls.publishers.insert(connection);
        // A device like any other: a page that slept meanwhile must not take the place back.
        let device = DeviceNumber(connection.0);
        self.seat(now, connection, member, Some(device));
        self.owners.insert(peer, member.clone());
        let place = self.places.get_mut(member);
        if let Some(closed) = place.and_then(|place| place.peers.adopt(peer)) {
            self.close(closed);
        }
        self.reconcile();
        Ok(())
    }

    /// Calls whose offer was not answered in time are given up.
    pub(super) fn give_up_calls(&mut self, now: Timestamp) {
        let overdue = |call: &Call| call.answer_by.is_some_and(|by| by <= now);
        for connection in self.calls.chosen(overdue) {
            self.answer(connection, Err(Refused::Unanswered));
            self.drop_call(connection);
        }
    }

    /// Ends a call that has no place and lets go of its connection.
    pub(super) fn drop_call(&mut self, connection: ConnectionId) {
        if self.end_call(connection) {
            self.release(connection, None);
        }
    }

    /// Closes the peer of a call that has no place. False where the connection is no such call.
    pub(super) fn end_call(&mut self, connection: ConnectionId) -> bool {
        let Some(call) = self.calls.open.remove(&connection) else {
            return false;
        };
        self.close(call.peer);
        true
    }

    /// A member was removed: whatever it plays ends.
    pub(super) fn end_players_of(&mut self, member: &MemberId) {
        for connection in self.calls.chosen(|call| call.member == *member) {
            self.end_call(connection);
            self.release(connection, Some(Parting::Removed));
        }
    }

    pub(super) fn end_players_of_a_closed_session(&mut self) {
        if self.meeting.state() == SessionState::Closed {
            for connection in self.calls.chosen(|call| call.purpose == Purpose::Play) {
                self.drop_call(connection);
            }
        }
    }
}
