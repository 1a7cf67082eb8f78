//! The pure room: joins what the meeting decides with what media is ordered and members are told.
//!
//! Told with `handle_*`, then drained with [`Room::poll_output`]. Orders that close a microphone
//! or hide a picture come out at once. Everything else that follows from an event comes out when the
//! event is stored, in the order in which it was decided, and orders that open come last: nobody is
//! heard, and nothing is told, on the strength of something that a crash could undo.

use std::collections::{BTreeMap, VecDeque};

use super::{
    Answer, ConnectionId, DeviceNumber, Message, Output, Parting, Picture, Refused, Settings,
    Signal, Slot,
    audience::{LastTold, Recent},
    calls::Calls,
    lobby::Guest,
    looking::Lookers,
    peers::Peers,
};
use crate::{
    ids::MemberId,
    media::{Gate, Kin, Order, PeerId, Seen},
    meeting::{
        Actor, Command, Meeting, Refusal, RefusalCode, Standing,
        event::{Audience, EVENT_VERSION, Event, LeaveReason, Recorded, Rev},
    },
    time::{Millis, Timestamp},
};

/// Outputs that may wait for the disk before nothing more is asked of the room: some seconds of a
/// busy session. Past it, those who ask wait in their own sockets.
const UNSTORED_MAX: usize = 1024;

/// How long the peer of somebody who has gone over to another session may go on: a connection stands
/// well within it.
const LINGER: Millis = Millis::from_secs(5);

/// A member in the room.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// Empty while signalling is gone.
    pub(super) connection: Option<ConnectionId>,
    /// Who came last, if it said so.
    device: Option<DeviceNumber>,
    /// Since when the member has been in the room, as far as this process has seen it.
    pub(super) since: Option<Timestamp>,
    /// When the member leaves unless connection or media come back, while both are gone.
    pub(super) leaves_at: Option<Timestamp>,
    pub(super) peers: Peers,
    /// The pictures that the client shows, once it has said.
    pub(super) view: Option<Vec<Picture>>,
    /// How the peer may be heard and seen more than the shard was ordered, and the revision that
    /// made it so, until that is stored and ordered.
    pub(super) gives: Option<(Rev, Gate, Seen)>,
}

/// One running session.
#[derive(Debug)]
pub struct Room {
    pub(super) meeting: Meeting,
    pub(super) settings: Settings,
    pub(super) places: BTreeMap<MemberId, Place>,
    /// Whose a connection is.
    pub(super) connections: BTreeMap<ConnectionId, MemberId>,
    /// Whose a peer is.
    pub(super) owners: BTreeMap<PeerId, MemberId>,
    /// What media knows members by.
    pub(super) kins: BTreeMap<MemberId, Kin>,
    /// Peer connections without a page.
    pub(super) calls: Calls,
    /// The order last given to the shard.
    pub(super) prominence: Vec<PeerId>,
    /// Peers of those who have gone over to another session, and until when they may go on receiving:
    /// a client keeps them until its new connection stands.
    lingering: Vec<(Timestamp, MemberId, PeerId)>,
    /// Who looks at the room from outside.
    pub(super) lookers: Lookers,
    /// Who waits in the lobby, on which connection.
    pub(super) lobby: BTreeMap<MemberId, Guest>,
    /// The last revision announced.
    pub(super) announced: LastTold,
    /// The last revision that is stored.
    pub(super) stored: Rev,
    /// The last revision whose state was kept, or the first of this process.
    kept: Rev,
    /// What comes out when a revision is stored. Bounded by the shell, which asks nothing more of a
    /// room with [`UNSTORED_MAX`] of these.
    waiting: VecDeque<(Rev, Output)>,
    /// The latest events, for who comes back: [`Settings::resume_events_max`] at most, the oldest
    /// goes.
    pub(super) recent: VecDeque<Recent>,
    /// What was last given out of where the session stands.
    standing: Standing,
    /// The last signal of who is speaking.
    pub(super) speaking: Vec<MemberId>,
    /// The last signal of which pictures there are.
    pub(super) pictures: Vec<Picture>,
    pub(super) outputs: VecDeque<Output>,
}

impl Room {
    /// A room for this meeting, with nobody connected.
    pub fn new(meeting: Meeting, settings: Settings) -> Self {
        Self {
            announced: LastTold {
                members: meeting.rev(),
                chairs: meeting.rev(),
            },
            lingering: Vec::new(),
            lookers: Lookers::default(),
            lobby: BTreeMap::new(),
            stored: meeting.rev(),
            kept: meeting.rev(),
            waiting: VecDeque::new(),
            recent: VecDeque::new(),
            standing: meeting.standing(),
            meeting,
            settings,
            places: BTreeMap::new(),
            connections: BTreeMap::new(),
            owners: BTreeMap::new(),
            kins: BTreeMap::new(),
            calls: Calls::default(),
            prominence: Vec::new(),
            speaking: Vec::new(),
            pictures: Vec::new(),
            outputs: VecDeque::new(),
        }
    }

    /// A room for a meeting that was rebuilt from its journal: whoever was in it has the grace to
    /// come back. What the end of the server before means happened when that was last known to run,
    /// at `ended`: nobody spoke or was there from then on.
    pub fn recover(
        mut meeting: Meeting,
        settings: Settings,
        ended: Timestamp,
        now: Timestamp,
    ) -> Self {
        meeting.take_up(now);
        let mut room = Self::new(meeting, settings);
        let present: Vec<MemberId> = room.meeting.present().cloned().collect();
        for member in present {
            let place = room.places.entry(member).or_default();
            place.leaves_at = Some(now + room.settings.grace_ms);
        }
        // The server may always say that it was gone.
        let recovered = room.act(ended.min(now), &Actor::Server, &Command::Recover);
        debug_assert_eq!(recovered, Ok(()));
        let gone: Vec<MemberId> = room.places.keys().cloned().collect();
        for member in gone {
            if !room.meeting.present().any(|present| *present == member) {
                room.places.remove(&member);
            }
        }
        room
    }

    /// Where the session stands.
    pub fn standing(&self) -> Standing {
        self.meeting.standing()
    }

    /// What it is bounded by.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether more may be asked of the room: not while much waits for the disk.
    pub fn is_ready(&self) -> bool {
        self.waiting.len() < UNSTORED_MAX
    }

    /// The last revision: what a journal of this meeting ends with.
    pub fn rev(&self) -> Rev {
        self.meeting.rev()
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
            .chain(self.calls.next_deadline())
            .chain(self.meeting.next_deadline())
            .chain(self.lookers.next_deadline())
            .chain(self.lingering.iter().map(|(until, _, _)| *until))
            .min()
    }

    /// Everything up to this revision is stored.
    pub fn handle_stored(&mut self, rev: Rev) {
        self.stored = self.stored.max(rev);
        while let Some((_, output)) = self.waiting.pop_front_if(|(rev, _)| *rev <= self.stored) {
            self.outputs.push_back(output);
        }
        self.give();
    }

    /// A member comes in on a connection, for the first time or again. `since`: the last revision
    /// that the client has of this session.
    pub fn handle_join(
        &mut self,
        now: Timestamp,
        connection: ConnectionId,
        member: MemberId,
        name: Option<String>,
        since: Option<Rev>,
        device: Option<DeviceNumber>,
    ) {
        let comes_back = since.is_some();
        let entered = if comes_back && self.another_device_has(&member, device) {
            Err(Refused::Replaced)
        } else {
            self.enter(now, &member, name).map_err(Refused::Meeting)
        };
        match entered {
            Ok(()) if self.meeting.is_in_lobby(&member) => {
                self.keep_waiting(connection, member, device);
            }
            Ok(()) => self.take_place(now, connection, member, since, device),
            Err(refused) => {
                self.answer(connection, Err(refused));
                self.release(connection, None);
            }
        }
    }

    /// Whether the member took part from another device after this one: one that sleeps or has no
    /// network is not told when it is replaced, and must not take the place back when it wakes.
    fn another_device_has(&self, member: &MemberId, device: Option<DeviceNumber>) -> bool {
        let last = self.places.get(member).and_then(|place| place.device);
        last.zip(device).is_some_and(|(last, this)| last != this)
    }

    /// Asks the meeting to let the member in. One who is in the room already stays, whatever the
    /// session's state, and keeps the name unless another is given.
    pub(super) fn enter(
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

    /// The member of a connection goes over to another session. What it receives here goes on until its
    /// connection there stands; it is heard and seen here no more.
    pub fn handle_move(&mut self, now: Timestamp, connection: ConnectionId) {
        if let Some(member) = self.connections.get(&connection).cloned()
            && let Some(place) = self.places.get_mut(&member)
        {
            let orders = place.peers.take(Gate::Closed, Seen::default());
            self.outputs.extend(orders.into_iter().map(Output::Order));
            let peers = place.peers.let_go();
            // Who comes and goes again and again holds no more of the media than once.
            self.end_lingering(|_, its| *its == member);
            let until = now + LINGER;
            for peer in peers {
                self.owners.remove(&peer);
                self.lingering.push((until, member.clone(), peer));
            }
        }
        self.handle_leave(now, connection);
    }

    fn end_lingering(&mut self, over: impl Fn(Timestamp, &MemberId) -> bool) {
        let over = |it: &mut (Timestamp, MemberId, PeerId)| over(it.0, &it.1);
        let ended = self.lingering.extract_if(.., over);
        let ended: Vec<PeerId> = ended.map(|(_, _, peer)| peer).collect();
        for peer in ended {
            self.close(peer);
        }
    }

    /// The member of a connection goes for good.
    pub fn handle_leave(&mut self, now: Timestamp, connection: ConnectionId) {
        if let Some(member) = self.guest(connection) {
            self.leave_lobby(now, member);
            self.answer(connection, Ok(Answer::Done));
            self.release(connection, None);
            return;
        }
        if self.end_call(connection) {
            self.answer(connection, Ok(Answer::Done));
            self.release(connection, None);
            return;
        }
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

    /// A connection is gone; once media is gone too, its member has the grace to come back.
    pub fn handle_disconnect(&mut self, now: Timestamp, connection: ConnectionId) {
        self.end_call(connection);
        self.calls.forget_publisher(connection);
        if let Some(member) = self.guest(connection) {
            self.leave_lobby(now, member);
            return;
        }
        let Some(member) = self.connections.remove(&connection) else {
            return;
        };
        if let Some(place) = self.places.get_mut(&member) {
            place.connection = None;
        }
        self.settle_presence(now, &member);
    }

    /// Tells the meeting when the member is lost, with signalling and media both gone, or back. The
    /// grace begins when the second of them goes.
    pub(super) fn settle_presence(&mut self, now: Timestamp, member: &MemberId) {
        let Some(place) = self.places.get_mut(member) else {
            return;
        };
        let lost = place.connection.is_none() && !place.peers.is_connected();
        let over = place.leaves_at.unwrap_or(now + self.settings.grace_ms);
        place.leaves_at = lost.then_some(over);
        if lost != self.meeting.is_lost(member) {
            let fact = if lost { Command::Lost } else { Command::Back };
            // The roster's members may always come and go.
            let noted = self.act(now, &Actor::Member(member.clone()), &fact);
            debug_assert_eq!(noted, Ok(()));
        }
    }

    /// A member may not come back: the place ends, unless a connection has it, which is closed by
    /// itself.
    pub fn handle_expelled(&mut self, now: Timestamp, member: &MemberId) {
        let place = self.places.get(member);
        if place.is_some_and(|place| place.connection.is_none()) {
            self.end_grace(now, member);
        }
    }

    fn end_grace(&mut self, now: Timestamp, member: &MemberId) {
        // Whatever the meeting says, nobody is left to keep the place for.
        let _gone = self.act(now, &Actor::Member(member.clone()), &Command::GraceEnded);
        self.vacate(member, LeaveReason::Lost);
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
        self.give_up_calls(now);
        self.show_lookers_what_is_known(now);
        self.end_lingering(|until, _| until <= now);
        for (peer, by) in overdue {
            self.close(peer);
            self.reconcile();
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
            self.end_grace(now, &member);
        }
    }

    /// Gives the connection the member's place. A member in the room keeps hand, floor and media;
    /// an older connection is told that it was replaced.
    fn take_place(
        &mut self,
        now: Timestamp,
        connection: ConnectionId,
        member: MemberId,
        since: Option<Rev>,
        device: Option<DeviceNumber>,
    ) {
        self.seat(now, connection, &member, device);
        let audience = self.meeting.audience(&member);
        let place = self.places.entry(member).or_default();
        if since.is_none() {
            place.view = None;
        }
        let layers = place.peers.layers().to_vec();
        let slots = place.peers.slots().map(<[Slot]>::to_vec);
        match since.and_then(|since| self.missed(audience, since)) {
            Some(missed) => {
                for announcement in missed {
                    self.tell(vec![connection], Message::Event(announcement));
                }
                let told = self.announced.of(audience);
                self.answer(connection, Ok(Answer::Resumed(told)));
            }
            None => self.answer_snapshot(now, connection),
        }
        if let Some(slots) = slots {
            self.signal(vec![connection], Signal::Slots { slots });
        }
        for (source, rids) in layers {
            self.signal(vec![connection], Signal::Layers { source, rids });
        }
        if !self.speaking.is_empty() {
            let members = self.speaking.clone();
            self.signal(vec![connection], Signal::Speaking { members });
        }
        if !self.pictures.is_empty() {
            let pictures = self.pictures.clone();
            self.signal(vec![connection], Signal::Pictures { pictures });
        }
    }

    /// Puts the connection in the member's place; an older one is released.
    pub(super) fn seat(
        &mut self,
        now: Timestamp,
        connection: ConnectionId,
        member: &MemberId,
        device: Option<DeviceNumber>,
    ) {
        let place = self.places.entry(member.clone()).or_insert_with(|| Place {
            since: Some(now),
            ..Place::default()
        });
        place.device = device;
        let older = place.connection.replace(connection);
        self.settle_presence(now, member);
        self.connections.insert(connection, member.clone());
        if let Some(older) = older.filter(|&older| older != connection) {
            self.connections.remove(&older);
            self.release(older, Some(Parting::Replaced));
        }
    }

    /// Asks the meeting and, if it agrees, carries out everything that follows.
    pub(super) fn act(
        &mut self,
        now: Timestamp,
        actor: &Actor,
        command: &Command,
    ) -> Result<(), Refusal> {
        let now = now.max(self.meeting.latest());
        let events = self.meeting.decide(now, actor, command)?;
        if events.is_empty() {
            return Ok(());
        }
        let audiences = self.audiences();
        let mut entries = Vec::with_capacity(events.len());
        let mut news = Vec::with_capacity(events.len());
        let mut departed = Vec::new();
        let mut lobby = Vec::new();
        for event in events {
            let rev = self.meeting.apply(now, &event);
            if let Event::MemberLeft { member, reason, .. } = &event {
                departed.push((member.clone(), *reason));
            }
            if let Event::LobbyAdmitted { member, .. } | Event::LobbyRefused { member, .. } = &event
            {
                let admitted = matches!(event, Event::LobbyAdmitted { .. });
                lobby.push((member.clone(), admitted));
            }
            let recorded = Recorded {
                v: EVENT_VERSION,
                rev,
                at: now,
                event,
            };
            entries.push(recorded.clone());
            let prev = self.announced;
            self.announced.chairs = rev;
            if recorded.event.audience() == Audience::Members {
                self.announced.members = rev;
            }
            news.push(Recent { prev, recorded });
        }
        let partings: Vec<_> = departed
            .into_iter()
            .filter_map(|(member, reason)| self.vacate(&member, reason))
            .collect();
        self.take();
        self.outputs.push_back(Output::Append(entries));
        for event in news {
            if self.recent.len() >= self.settings.resume_events_max {
                self.recent.pop_front();
            }
            self.announce(&audiences, &event);
            self.recent.push_back(event);
        }
        self.give();
        self.prominence();
        for (connection, parting) in partings {
            self.release(connection, Some(parting));
        }
        for (member, admitted) in lobby {
            self.call_from_lobby(now, &member, admitted);
        }
        self.keep();
        let standing = self.meeting.standing();
        if self.standing != standing {
            self.standing = standing.clone();
            self.end_players_of_a_closed_session();
            self.later(Output::Standing(standing));
        }
        Ok(())
    }

    /// From time to time, the whole state for the next start.
    fn keep(&mut self) {
        let rev = self.meeting.rev();
        if rev.0.saturating_sub(self.kept.0) < self.settings.snapshot_events {
            return;
        }
        self.kept = rev;
        match self.meeting.keep() {
            Ok(body) => self.later(Output::Keep { rev, body }),
            Err(why) => debug_assert!(false, "a state is not JSON: {why}"),
        }
    }

    /// Takes a member's place away: media ends at once. Gives the connection that a chair's
    /// removal closes.
    fn vacate(
        &mut self,
        member: &MemberId,
        reason: LeaveReason,
    ) -> Option<(ConnectionId, Parting)> {
        match reason {
            LeaveReason::Removed | LeaveReason::Banned | LeaveReason::SentBack => {
                self.end_players_of(member);
            }
            LeaveReason::Left | LeaveReason::Lost => {}
        }
        let place = self.places.remove(member)?;
        for peer in place.peers.ids().collect::<Vec<_>>() {
            self.close(peer);
        }
        let connection = place.connection?;
        self.connections.remove(&connection);
        match reason {
            LeaveReason::Removed | LeaveReason::Banned => Some((connection, Parting::Removed)),
            // A program cannot wait in the lobby.
            LeaveReason::SentBack if self.calls.is_publisher(connection) => {
                Some((connection, Parting::Removed))
            }
            LeaveReason::SentBack => {
                let device = place.device;
                let guest = Guest { connection, device };
                self.lobby.insert(member.clone(), guest);
                self.signal(vec![connection], Signal::SentBack {});
                None
            }
            LeaveReason::Left | LeaveReason::Lost => None,
        }
    }

    pub(super) fn order(&mut self, order: Order) {
        self.outputs.push_back(Output::Order(order));
    }

    pub(super) fn audience(&self) -> Vec<ConnectionId> {
        self.connections.keys().copied().collect()
    }

    pub(super) fn signal(&mut self, to: Vec<ConnectionId>, signal: Signal) {
        self.tell(to, Message::Signal(signal));
    }

    pub(super) fn tell(&mut self, mut to: Vec<ConnectionId>, message: Message) {
        to.retain(|connection| !self.calls.is_publisher(*connection));
        if !to.is_empty() {
            self.later(Output::Tell { to, message });
        }
    }

    /// What may be known only when everything before it is stored.
    pub(super) fn later(&mut self, output: Output) {
        let rev = self.meeting.rev();
        if rev <= self.stored {
            self.outputs.push_back(output);
        } else {
            self.waiting.push_back((rev, output));
        }
    }

    fn answer_snapshot(&mut self, now: Timestamp, connection: ConnectionId) {
        let member = self.connections.get(&connection);
        let audience = member.map_or(Audience::Members, |it| self.meeting.audience(it));
        let snapshot = Box::new(self.meeting.snapshot(now, audience));
        self.answer(connection, Ok(Answer::Snapshot(snapshot)));
    }

    pub(super) fn answer(&mut self, to: ConnectionId, answer: Result<Answer, Refused>) {
        self.later(Output::Answer { to, answer });
    }

    pub(super) fn release(&mut self, connection: ConnectionId, parting: Option<Parting>) {
        self.calls.forget_publisher(connection);
        self.later(Output::Release {
            connection,
            parting,
        });
    }
}

#[cfg(test)]
mod calling;
#[cfg(test)]
mod looking;
#[cfg(test)]
mod storing;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod waiting;
