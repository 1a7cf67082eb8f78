//! The pure room: joins what the meeting decides with what media is ordered and members are told.
//!
//! Told with `handle_*`, then drained with [`Room::poll_output`]. Orders that close a microphone
//! or hide a picture come out before the event that they follow from, orders that open after it:
//! nobody is heard on the strength of something that was not announced.

use std::collections::{BTreeMap, VecDeque};

use super::{
    Announcement, Answer, ConnectionId, Message, Output, Parting, Refused, Settings, Signal, Slot,
    peers::{Difference, NoCandidate, Peers},
};
use crate::{
    ids::MemberId,
    media::{AudioRank, Gate, Notice, Order, PeerId, Sending, SlotState},
    meeting::{
        Actor, Command, Hearing, Meeting, Refusal, RefusalCode, SessionState,
        event::{EVENT_VERSION, Event, LeaveReason, Recorded, Rev},
    },
    time::Timestamp,
};

/// A member in the room.
#[derive(Debug, Default)]
struct Place {
    /// Empty during the grace.
    connection: Option<ConnectionId>,
    /// When the member leaves unless a connection comes back.
    leaves_at: Option<Timestamp>,
    peers: Peers,
}

/// One running session.
#[derive(Debug)]
pub struct Room {
    meeting: Meeting,
    settings: Settings,
    places: BTreeMap<MemberId, Place>,
    /// Whose a connection is.
    connections: BTreeMap<ConnectionId, MemberId>,
    /// Whose a peer is.
    owners: BTreeMap<PeerId, MemberId>,
    /// The order last given to the shard.
    prominence: Vec<PeerId>,
    /// The last revision announced.
    announced: Rev,
    /// The state last given out.
    state: SessionState,
    /// The last signal of who is speaking.
    speaking: Vec<MemberId>,
    outputs: VecDeque<Output>,
}

impl Room {
    /// A room for this meeting, with nobody connected.
    pub fn new(meeting: Meeting, settings: Settings) -> Self {
        Self {
            announced: meeting.rev(),
            state: meeting.state(),
            meeting,
            settings,
            places: BTreeMap::new(),
            connections: BTreeMap::new(),
            owners: BTreeMap::new(),
            prominence: Vec::new(),
            speaking: Vec::new(),
            outputs: VecDeque::new(),
        }
    }

    /// The session's state.
    pub fn state(&self) -> SessionState {
        self.meeting.state()
    }

    /// What it is bounded by.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The next thing to do, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Room::handle_timeout`] is to be called at the latest.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let graces = self.places.values().filter_map(|place| place.leaves_at);
        let offers = self
            .places
            .values()
            .filter_map(|place| place.peers.next_deadline());
        graces
            .chain(offers)
            .chain(self.meeting.next_deadline())
            .min()
    }

    /// A member comes in on a connection, for the first time or again.
    pub fn handle_join(
        &mut self,
        now: Timestamp,
        connection: ConnectionId,
        member: MemberId,
        name: Option<String>,
    ) {
        match self.enter(now, &member, name) {
            Ok(()) => self.take_place(now, connection, member),
            Err(refusal) => {
                self.answer(connection, Err(Refused::Meeting(refusal)));
                self.release(connection, None);
            }
        }
    }

    /// Asks the meeting to let the member in. One who is in the room already stays, whatever the
    /// session's state, and keeps the name unless another is given.
    fn enter(
        &mut self,
        now: Timestamp,
        member: &MemberId,
        name: Option<String>,
    ) -> Result<(), Refusal> {
        let here = self.places.contains_key(member);
        if here && name.as_deref().unwrap_or_default().trim().is_empty() {
            return Ok(());
        }
        let joined = self.act(now, &Actor::Member(member.clone()), &Command::Join { name });
        match joined {
            Err(refusal) if here && refusal.code == RefusalCode::NotOpen => Ok(()),
            Ok(()) | Err(_) => joined,
        }
    }

    /// The member of a connection goes for good.
    pub fn handle_leave(&mut self, now: Timestamp, connection: ConnectionId) {
        let Some(member) = self.connections.remove(&connection) else {
            self.answer(connection, Err(Refused::NotInRoom));
            return;
        };
        let done = self.act(now, &Actor::Member(member.clone()), &Command::Leave);
        // Leaving cannot fail for the member, whatever the meeting thinks of it.
        self.vacate(&member, LeaveReason::Left);
        self.answer(
            connection,
            done.map(|()| Answer::Done).map_err(Refused::Meeting),
        );
        self.release(connection, None);
    }

    /// A connection is gone; its member has the grace to come back.
    pub fn handle_disconnect(&mut self, now: Timestamp, connection: ConnectionId) {
        let Some(member) = self.connections.remove(&connection) else {
            return;
        };
        if let Some(place) = self.places.get_mut(&member) {
            place.connection = None;
            place.leaves_at = Some(now + self.settings.grace_ms);
        }
    }

    /// A member asks for something.
    pub fn handle_command(&mut self, now: Timestamp, connection: ConnectionId, command: &Command) {
        let Some(member) = self.connections.get(&connection).cloned() else {
            self.answer(connection, Err(Refused::NotInRoom));
            return;
        };
        let done = self.act(now, &Actor::Member(member), command);
        self.answer(
            connection,
            done.map(|()| Answer::Done).map_err(Refused::Meeting),
        );
    }

    /// The server itself asks for something, such as a session that is open from the start.
    pub fn handle_server(&mut self, now: Timestamp, command: &Command) -> Result<(), Refusal> {
        self.act(now, &Actor::Server, command)
    }

    /// A connection asks for the state.
    pub fn handle_snapshot(&mut self, now: Timestamp, connection: ConnectionId) {
        if self.connections.contains_key(&connection) {
            self.answer_snapshot(now, connection);
        } else {
            self.answer(connection, Err(Refused::NotInRoom));
        }
    }

    /// A client offers a peer connection, which is to be called `peer`.
    pub fn handle_offer(
        &mut self,
        now: Timestamp,
        connection: ConnectionId,
        peer: PeerId,
        sdp: String,
        sending: Vec<Sending>,
    ) {
        if let Err(refused) = self.offer_bounds(&sdp, &sending) {
            self.answer(connection, Err(refused));
            return;
        }
        let Some((member, place)) = place_of(&self.connections, &mut self.places, connection)
        else {
            self.answer(connection, Err(Refused::NotInRoom));
            return;
        };
        let closed = place
            .peers
            .offer(peer, connection, now + self.settings.answer_ms);
        self.owners.insert(peer, member);
        if let Some(closed) = closed {
            self.close(closed);
        }
        self.order(Order::Offer { peer, sdp, sending });
        self.reconcile();
    }

    fn offer_bounds(&self, sdp: &str, sending: &[Sending]) -> Result<(), Refused> {
        let (bytes, bytes_max) = (sdp.len(), self.settings.sdp_bytes_max);
        if bytes > bytes_max {
            return Err(Refused::SdpTooLong { bytes, bytes_max });
        }
        let (count, count_max) = (sending.len(), self.settings.sending_max);
        if count > count_max {
            return Err(Refused::SendingTooMany { count, count_max });
        }
        Ok(())
    }

    /// A client has found a candidate; an empty one ends them.
    pub fn handle_candidate(&mut self, connection: ConnectionId, candidate: String) {
        let answer = self.candidate(connection, candidate).map(|()| Answer::Done);
        self.answer(connection, answer);
    }

    fn candidate(&mut self, connection: ConnectionId, candidate: String) -> Result<(), Refused> {
        let (_, place) =
            place_of(&self.connections, &mut self.places, connection).ok_or(Refused::NotInRoom)?;
        let (bytes, bytes_max) = (candidate.len(), self.settings.candidate_bytes_max);
        if bytes > bytes_max {
            return Err(Refused::CandidateTooLong { bytes, bytes_max });
        }
        if candidate.is_empty() {
            return Ok(());
        }
        let count_max = self.settings.candidates_max;
        let peer = place
            .peers
            .candidate(count_max)
            .map_err(|none| match none {
                NoCandidate::NoOffer => Refused::NoOffer,
                NoCandidate::TooMany => Refused::CandidatesTooMany { count_max },
            })?;
        self.order(Order::Candidate { peer, candidate });
        Ok(())
    }

    /// The shard tells something about a peer.
    pub fn handle_notice(&mut self, now: Timestamp, notice: Notice) {
        match notice {
            Notice::Answered { peer, answer } => self.answered(peer, answer),
            Notice::Connected { peer } => self.connected(peer),
            Notice::Lost { peer } => self.lost(peer),
            Notice::AudioDelivered { peer } => {
                self.audio(now, peer, |member| Command::AudioDelivered { member });
            }
            Notice::AudioHeard { peer } => {
                self.audio(now, peer, |member| Command::AudioHeard { member });
            }
            Notice::Slots { peer, slots } => self.slots(peer, slots),
            Notice::Speaking { peers } => self.speaking(&peers),
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        while self
            .meeting
            .next_deadline()
            .is_some_and(|deadline| deadline <= now)
        {
            let rev = self.meeting.rev();
            let passed = self.act(now, &Actor::Clock, &Command::TimePassed);
            if passed.is_err() || self.meeting.rev() == rev {
                break;
            }
        }
        let overdue: Vec<_> = self
            .places
            .values_mut()
            .filter_map(|place| place.peers.overdue(now))
            .collect();
        for (peer, by) in overdue {
            self.close(peer);
            if self.connections.contains_key(&by) {
                self.answer(by, Err(Refused::Unanswered));
            }
        }
        let left: Vec<_> = self
            .places
            .iter()
            .filter(|(_, place)| place.leaves_at.is_some_and(|at| at <= now))
            .map(|(member, _)| member.clone())
            .collect();
        for member in left {
            let lost = self.act(now, &Actor::Member(member.clone()), &Command::Lost);
            // Where the meeting knows nothing of the member there is nothing to keep either.
            if lost.is_err() {
                self.vacate(&member, LeaveReason::Lost);
            }
        }
    }

    /// Gives the connection the member's place. A member in the room keeps hand, floor and media;
    /// an older connection is told that it was replaced.
    fn take_place(&mut self, now: Timestamp, connection: ConnectionId, member: MemberId) {
        let place = self.places.entry(member.clone()).or_default();
        place.leaves_at = None;
        let older = place.connection.replace(connection);
        let slots = place.peers.slots().map(<[Slot]>::to_vec);
        self.connections.insert(connection, member);
        if let Some(older) = older.filter(|&older| older != connection) {
            self.connections.remove(&older);
            self.release(older, Some(Parting::Replaced));
        }
        self.answer_snapshot(now, connection);
        if let Some(slots) = slots {
            self.signal(vec![connection], Signal::Slots { slots });
        }
    }

    fn answered(&mut self, peer: PeerId, answer: Result<String, crate::media::OfferRefusal>) {
        let Some(place) = place_of_peer(&self.owners, &mut self.places, peer) else {
            return;
        };
        let by = match &answer {
            Ok(_) => place.peers.answered(peer),
            Err(_) => place.peers.refused(peer),
        };
        if answer.is_err() {
            self.owners.remove(&peer);
        }
        // The connection that asked may have gone meanwhile.
        if let Some(by) = by.filter(|by| self.connections.contains_key(by)) {
            self.answer(by, answer.map(Answer::Sdp).map_err(Refused::Offer));
        }
    }

    fn connected(&mut self, peer: PeerId) {
        let Some(place) = place_of_peer(&self.owners, &mut self.places, peer) else {
            return;
        };
        let to = place.connection.filter(|_| place.peers.is_newest(peer));
        if let Some(closed) = place.peers.connected(peer) {
            self.close(closed);
        }
        self.reconcile();
        self.signal(to.into_iter().collect(), Signal::Connected {});
    }

    fn lost(&mut self, peer: PeerId) {
        let Some(place) = place_of_peer(&self.owners, &mut self.places, peer) else {
            return;
        };
        let to = place.connection.filter(|_| place.peers.is_newest(peer));
        if let Some(closed) = place.peers.lost(peer) {
            self.close(closed);
            self.reconcile();
        }
        self.signal(to.into_iter().collect(), Signal::Lost {});
    }

    fn audio(&mut self, now: Timestamp, peer: PeerId, command: impl Fn(MemberId) -> Command) {
        let Some(member) = self.owners.get(&peer).cloned() else {
            return;
        };
        let in_use = self
            .places
            .get(&member)
            .and_then(|place| place.peers.in_use());
        if in_use == Some(peer) {
            // A refusal means that the meeting has no use for the fact (no turn is offered).
            let _unused = self.act(now, &Actor::Media, &command(member));
        }
    }

    fn slots(&mut self, peer: PeerId, slots: Vec<SlotState>) {
        let slots: Vec<Slot> = slots
            .into_iter()
            .map(|slot| {
                let filled = slot.filled.and_then(|(peer, source)| {
                    self.owners
                        .get(&peer)
                        .map(|member| (member.clone(), source))
                });
                let (member, source) = filled.unzip();
                Slot {
                    mid: slot.mid,
                    kind: slot.kind,
                    member,
                    source,
                }
            })
            .collect();
        let Some(place) = place_of_peer(&self.owners, &mut self.places, peer) else {
            return;
        };
        // The client cannot tell two peers' sections apart: it is told of the latest offer's only.
        if place.peers.is_newest(peer) {
            place.peers.keep_slots(slots.clone());
            let to = place.connection.into_iter().collect();
            self.signal(to, Signal::Slots { slots });
        }
    }

    fn speaking(&mut self, peers: &[PeerId]) {
        let mut members = Vec::with_capacity(peers.len());
        for member in peers.iter().filter_map(|peer| self.owners.get(peer)) {
            if !members.contains(member) {
                members.push(member.clone());
            }
        }
        if members != self.speaking {
            self.speaking.clone_from(&members);
            self.signal(self.audience(), Signal::Speaking { members });
        }
    }

    /// Asks the meeting and, if it agrees, carries out everything that follows.
    fn act(&mut self, now: Timestamp, actor: &Actor, command: &Command) -> Result<(), Refusal> {
        let events = self.meeting.decide(now, actor, command)?;
        if events.is_empty() {
            return Ok(());
        }
        let audience = self.audience();
        let mut announcements = Vec::with_capacity(events.len());
        let mut departed = Vec::new();
        for event in events {
            let rev = self.meeting.apply(now, &event);
            if let Event::MemberLeft { member, reason, .. } = &event {
                departed.push((member.clone(), *reason));
            }
            let recorded = Recorded {
                v: EVENT_VERSION,
                rev,
                at: now,
                event,
            };
            announcements.push(Announcement {
                prev: self.announced,
                recorded,
            });
            self.announced = rev;
        }
        let difference = self.difference();
        difference
            .closing
            .into_iter()
            .for_each(|order| self.order(order));
        let partings: Vec<_> = departed
            .into_iter()
            .filter_map(|(member, reason)| self.vacate(&member, reason))
            .collect();
        if !audience.is_empty() {
            for announcement in announcements {
                let message = Message::Event(announcement);
                self.outputs.push_back(Output::Tell {
                    to: audience.clone(),
                    message,
                });
            }
        }
        difference
            .opening
            .into_iter()
            .for_each(|order| self.order(order));
        self.prominence();
        for (connection, parting) in partings {
            self.release(connection, Some(parting));
        }
        if self.state != self.meeting.state() {
            self.state = self.meeting.state();
            self.outputs.push_back(Output::State(self.state));
        }
        Ok(())
    }

    /// Takes a member's place away: media ends at once. Gives the connection that a chair's
    /// removal closes.
    fn vacate(
        &mut self,
        member: &MemberId,
        reason: LeaveReason,
    ) -> Option<(ConnectionId, Parting)> {
        let place = self.places.remove(member)?;
        for peer in place.peers.ids().collect::<Vec<_>>() {
            self.close(peer);
        }
        let connection = place.connection?;
        self.connections.remove(&connection);
        match reason {
            LeaveReason::Removed => Some((connection, Parting::Removed)),
            LeaveReason::Left | LeaveReason::Lost => None,
        }
    }

    /// Orders outside of an event: after an offer, or when a peer takes over from another.
    fn reconcile(&mut self) {
        let difference = self.difference();
        let orders = difference.closing.into_iter().chain(difference.opening);
        self.outputs.extend(orders.map(Output::Order));
        self.prominence();
    }

    fn difference(&mut self) -> Difference {
        let mut difference = Difference::default();
        for (member, place) in &mut self.places {
            let gate = gate(self.meeting.hearing(member));
            place
                .peers
                .difference(gate, self.meeting.may_show(member), &mut difference);
        }
        difference
    }

    fn prominence(&mut self) {
        let peers: Vec<PeerId> = self
            .meeting
            .prominence()
            .iter()
            .filter_map(|member| self.places.get(member)?.peers.in_use())
            .collect();
        if peers != self.prominence {
            self.prominence.clone_from(&peers);
            self.order(Order::Prominence { peers });
        }
    }

    fn close(&mut self, peer: PeerId) {
        self.owners.remove(&peer);
        self.order(Order::Close { peer });
    }

    fn order(&mut self, order: Order) {
        self.outputs.push_back(Output::Order(order));
    }

    fn audience(&self) -> Vec<ConnectionId> {
        self.connections.keys().copied().collect()
    }

    fn signal(&mut self, to: Vec<ConnectionId>, signal: Signal) {
        if !to.is_empty() {
            self.outputs.push_back(Output::Tell {
                to,
                message: Message::Signal(signal),
            });
        }
    }

    fn answer_snapshot(&mut self, now: Timestamp, connection: ConnectionId) {
        let snapshot = Box::new(self.meeting.snapshot(now));
        self.answer(connection, Ok(Answer::Snapshot(snapshot)));
    }

    fn answer(&mut self, to: ConnectionId, answer: Result<Answer, Refused>) {
        self.outputs.push_back(Output::Answer { to, answer });
    }

    fn release(&mut self, connection: ConnectionId, parting: Option<Parting>) {
        self.outputs.push_back(Output::Release {
            connection,
            parting,
        });
    }
}

/// What the shard must do so that the meeting's word holds.
fn gate(hearing: Hearing) -> Gate {
    match hearing {
        Hearing::Silent => Gate::Closed,
        Hearing::Floor => Gate::Open(AudioRank::Floor),
        Hearing::Chair => Gate::Open(AudioRank::Chair),
        Hearing::Other => Gate::Open(AudioRank::Other),
    }
}

fn place_of<'a>(
    connections: &BTreeMap<ConnectionId, MemberId>,
    places: &'a mut BTreeMap<MemberId, Place>,
    connection: ConnectionId,
) -> Option<(MemberId, &'a mut Place)> {
    let member = connections.get(&connection)?;
    Some((member.clone(), places.get_mut(member)?))
}

fn place_of_peer<'a>(
    owners: &BTreeMap<PeerId, MemberId>,
    places: &'a mut BTreeMap<MemberId, Place>,
    peer: PeerId,
) -> Option<&'a mut Place> {
    places.get_mut(owners.get(&peer)?)
}
