//! The room's side that faces media: offers, candidates, notices, and the orders that follow.

use std::collections::BTreeMap;

use super::{
    Answer, ConnectionId, Output, Picture, Refused, Room, Signal, Slot, peers::NoCandidate,
    room::Place,
};
use crate::{
    ids::MemberId,
    media::{
        AudioRank, Gate, Kin, Notice, OfferRefusal, Order, PeerId, Seen, Sending, Shown, SlotState,
        Source,
    },
    meeting::{Actor, Command, Hearing, Meeting, event::PictureSource},
    time::Timestamp,
};

impl Room {
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
        self.owners.insert(peer, member.clone());
        let kin = self.kin(&member);
        if let Some(closed) = closed {
            self.close(closed);
        }
        self.order(Order::Offer {
            peer,
            kin,
            sdp,
            sending,
        });
        self.reconcile();
    }

    /// The member's name towards media, for as long as the room runs.
    pub(super) fn kin(&mut self, member: &MemberId) -> Kin {
        // Bounded by the roster.
        let next = Kin(self.kins.len() as u64);
        *self.kins.entry(member.clone()).or_insert(next)
    }

    pub(super) fn offer_bounds(&self, sdp: &str, sending: &[Sending]) -> Result<(), Refused> {
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
        let (bytes, bytes_max) = (candidate.len(), self.settings.candidate_bytes_max);
        if bytes > bytes_max {
            return Err(Refused::CandidateTooLong { bytes, bytes_max });
        }
        if candidate.is_empty() {
            return Ok(());
        }
        let count_max = self.settings.candidates_max;
        let counted = match self.calls.candidate(connection, count_max) {
            Some(counted) => counted,
            None => place_of(&self.connections, &mut self.places, connection)
                .ok_or(Refused::NotInRoom)?
                .1
                .peers
                .candidate(count_max),
        };
        let peer = counted.map_err(|none| match none {
            NoCandidate::NoOffer => Refused::NoOffer,
            NoCandidate::TooMany => Refused::CandidatesTooMany { count_max },
        })?;
        self.order(Order::Candidate { peer, candidate });
        Ok(())
    }

    /// The shard tells something about a peer.
    pub fn handle_notice(&mut self, now: Timestamp, notice: Notice) {
        match notice {
            Notice::Answered { peer, answer } => match self.calls.of_peer(peer) {
                Some(call) => self.call_answered(now, call, answer),
                None => self.answered(peer, answer),
            },
            Notice::Restarted { peer, restarted } => self.restarted(peer, restarted),
            Notice::Connected { peer } => self.connected(now, peer),
            Notice::Lost { peer } => match self.calls.of_peer(peer) {
                Some(call) => self.drop_call(call),
                None => self.lost(now, peer),
            },
            Notice::AudioDelivered { peer } => {
                self.audio(now, peer, |member| Command::AudioDelivered { member });
            }
            Notice::AudioHeard { peer } => {
                self.audio(now, peer, |member| Command::AudioHeard { member });
            }
            Notice::Slots { peer, slots } => self.slots(peer, slots),
            Notice::Speaking { peers } => self.speaking(&peers),
            Notice::Pictures { pictures } => self.pictures(&pictures),
            Notice::Needed { peer, source, rids } => self.needed(peer, source, rids),
            Notice::Measured { paths } => self.measured(now, paths),
        }
    }

    fn answered(&mut self, peer: PeerId, answer: Result<String, OfferRefusal>) {
        let Some(place) = place_of_peer(&self.owners, &mut self.places, peer) else {
            return;
        };
        let by = match &answer {
            Ok(_) => place.peers.answered(peer),
            Err(_) => place.peers.refused(peer),
        };
        if answer.is_err() {
            self.owners.remove(&peer);
            self.reconcile();
        }
        // The connection that asked may have gone meanwhile.
        if let Some(by) = by.filter(|by| self.connections.contains_key(by)) {
            self.answer(by, answer.map(Answer::Sdp).map_err(Refused::Offer));
        }
    }

    fn connected(&mut self, now: Timestamp, peer: PeerId) {
        let Some(place) = place_of_peer(&self.owners, &mut self.places, peer) else {
            return;
        };
        let to = place.connection.filter(|_| place.peers.is_newest(peer));
        if let Some(closed) = place.peers.connected(peer) {
            self.close(closed);
        }
        if let Some(member) = self.owners.get(&peer).cloned() {
            self.settle_presence(now, &member);
        }
        self.reconcile();
        self.signal(to.into_iter().collect(), Signal::Connected {});
    }

    fn lost(&mut self, now: Timestamp, peer: PeerId) {
        // A peer that is closed for it is nobody's any more.
        let Some(member) = self.owners.get(&peer).cloned() else {
            return;
        };
        let Some(place) = self.places.get_mut(&member) else {
            return;
        };
        let to = place.connection.filter(|_| place.peers.is_newest(peer));
        if let Some(closed) = place.peers.lost(peer) {
            self.close(closed);
            self.reconcile();
        }
        self.settle_presence(now, &member);
        match to {
            Some(publisher) if self.calls.is_publisher(publisher) => {
                self.release(publisher, None);
                self.handle_disconnect(now, publisher);
            }
            Some(page) => self.signal(vec![page], Signal::Lost {}),
            None => {}
        }
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
                    paused: slot.paused,
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

    fn needed(&mut self, peer: PeerId, source: Source, rids: Vec<String>) {
        let Some(place) = place_of_peer(&self.owners, &mut self.places, peer) else {
            return;
        };
        if place.peers.is_newest(peer) {
            place.peers.keep_layers(source, rids.clone());
            let to = place.connection.into_iter().collect();
            self.signal(to, Signal::Layers { source, rids });
        }
    }

    /// A client says which pictures it shows, and how large.
    pub fn handle_view(&mut self, connection: ConnectionId, pictures: Vec<Picture>) {
        let (count, count_max) = (pictures.len(), self.settings.pictures_max);
        let answer = if count > count_max {
            Err(Refused::PicturesTooMany { count, count_max })
        } else if let Some((_, place)) = place_of(&self.connections, &mut self.places, connection) {
            place.view = Some(pictures);
            self.views();
            Ok(Answer::Done)
        } else {
            Err(Refused::NotInRoom)
        };
        self.answer(connection, answer);
    }

    /// A client has ceased to send one of its tracks.
    pub fn handle_ended(&mut self, connection: ConnectionId, source: Source) {
        let answer = match place_of(&self.connections, &mut self.places, connection) {
            Some((_, place)) => {
                if let Some(peer) = place.peers.in_use() {
                    self.order(Order::Ended { peer, source });
                }
                Ok(Answer::Done)
            }
            None => Err(Refused::NotInRoom),
        };
        self.answer(connection, answer);
    }

    /// Tells the shard what each client shows, as peers: a member's may be another than it was.
    fn views(&mut self) {
        let in_use: BTreeMap<MemberId, PeerId> = self
            .places
            .iter()
            .filter_map(|(member, place)| Some((member.clone(), place.peers.in_use()?)))
            .collect();
        for place in self.places.values_mut() {
            let Some(view) = &place.view else { continue };
            let pictures: Vec<Shown> = view
                .iter()
                .filter_map(|picture| {
                    Some(Shown {
                        peer: *in_use.get(&picture.member)?,
                        source: picture.source,
                        height: picture.height,
                    })
                })
                .collect();
            let orders = place.peers.view(&pictures);
            self.outputs.extend(orders.into_iter().map(Output::Order));
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

    /// Which pictures there are, by members: one whose connection is being replaced may have two.
    fn pictures(&mut self, pictures: &[(PeerId, Source)]) {
        let mut sent = Vec::with_capacity(pictures.len());
        for (peer, source) in pictures {
            let Some(member) = self.owners.get(peer) else {
                continue;
            };
            let picture = Picture {
                member: member.clone(),
                source: *source,
                height: None,
            };
            if !sent.contains(&picture) {
                sent.push(picture);
            }
        }
        if sent != self.pictures {
            self.pictures.clone_from(&sent);
            self.signal(self.audience(), Signal::Pictures { pictures: sent });
        }
    }

    /// Orders outside of an event: after an offer, or when a peer takes over from another.
    pub(super) fn reconcile(&mut self) {
        self.take();
        self.give();
        self.prominence();
        self.views();
    }

    /// Orders whatever closes a microphone or hides a picture: at once, stored or not.
    pub(super) fn take(&mut self) {
        let rev = self.meeting.rev();
        for (member, place) in &mut self.places {
            let gate = gate(self.meeting.hearing(member));
            let seen = seen(&self.meeting, member);
            let orders = place.peers.take(gate, seen);
            self.outputs.extend(orders.into_iter().map(Output::Order));
            // What is to be given waits until the revision that gives it is stored, all of it for the
            // latest that changed it; what was taken back meanwhile has waited for nothing.
            let known = place
                .gives
                .filter(|(_, its, shown)| (*its, *shown) == (gate, seen));
            let lacks = place.peers.lacks(gate, seen);
            place.gives = lacks.then_some(known.unwrap_or((rev, gate, seen)));
        }
    }

    /// Orders whatever opens a microphone or shows a picture, as far as that is stored.
    pub(super) fn give(&mut self) {
        for place in self.places.values_mut() {
            let given = place.gives.take_if(|(rev, _, _)| *rev <= self.stored);
            if let Some((_, gate, seen)) = given {
                let orders = place.peers.give(gate, seen);
                self.outputs.extend(orders.into_iter().map(Output::Order));
            }
        }
    }

    pub(super) fn prominence(&mut self) {
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

    pub(super) fn close(&mut self, peer: PeerId) {
        self.owners.remove(&peer);
        self.order(Order::Close { peer });
    }
}

/// Which pictures the meeting lets be seen.
fn seen(meeting: &Meeting, member: &MemberId) -> Seen {
    Seen {
        camera: meeting.may_show(member, PictureSource::Camera),
        screen: meeting.may_show(member, PictureSource::Screen),
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

pub(super) fn place_of<'a>(
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
