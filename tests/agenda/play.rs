//! Who does what when: the chairs follow the agenda, late now and then; delegates ask, speak, are lost
//! and come back; and once in every session the server is killed.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
};

use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use roundtable::{
    ids::{EventId, MemberId, SessionId},
    media::{AudioRank, Gate, Notice, Order, PeerId, Source},
    meeting::{
        Command, SessionState,
        agenda::{ProfileChange, QueuePolicy, SessionPlan},
        event::{Rev, TurnNumber},
        queue::HandKind,
        record::{Addressee, RecommendationNumber, Status},
        roster::Role,
    },
    programme::{MODEL_EVENT, Programme, parse},
    room::{Answer, ConnectionId, Message, Output, Signal},
    time::{Millis, Timestamp},
};

use super::{house::House, member::Member};

/// Something that is to happen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Happens {
    /// The disk has finished.
    Stored,
    /// A member comes, for the first time or again.
    Comes(MemberId),
    /// A member's line breaks, and is back after so long.
    Lost(MemberId, u64),
    /// What a member sends is heard, as far as its microphone is open.
    Sounds(MemberId, u64),
    /// A member does something.
    Acts(MemberId),
    /// A chair looks at the desk.
    Chairs(MemberId),
    /// The agenda's next step.
    Step(usize),
    /// The server is killed.
    Crash,
}

pub struct Play {
    house: House,
    members: BTreeMap<MemberId, Member>,
    random: StdRng,
    now: Timestamp,
    queue: BinaryHeap<Reverse<(Timestamp, u64, Happens)>>,
    counter: u64,
    connections: u64,
    /// Whose a peer is, and which is a member's latest.
    peers: BTreeMap<u64, MemberId>,
    latest: BTreeMap<MemberId, u64>,
    storing: bool,
    restarts: usize,
    spoken: BTreeMap<MemberId, u64>,
    /// Whoever came in and was given a state at this revision knows of all before it.
    states: BTreeMap<SessionId, Rev>,
    /// The last revision before everybody left.
    ends: BTreeMap<SessionId, Rev>,
}

impl Play {
    pub fn new(seed: u64, members: usize) -> Self {
        let programme = parse(MODEL_EVENT).unwrap_or_else(|problems| panic!("{problems:#?}"));
        let mut seats = programme.seats.clone();
        seats.retain(|seat| seat.role != Role::Organiser);
        // The chairs are at the roster's end.
        seats.sort_by_key(|seat| seat.role != Role::Chair);
        seats.truncate(members);
        assert_eq!(seats.len(), members, "the roster has as many");
        let members = seats
            .iter()
            .map(|seat| (seat.member.clone(), Member::new(seat)));
        Self {
            house: House::open(programme),
            members: members.collect(),
            random: StdRng::seed_from_u64(seed),
            now: Timestamp(0),
            queue: BinaryHeap::new(),
            counter: 0,
            connections: 0,
            peers: BTreeMap::new(),
            latest: BTreeMap::new(),
            storing: false,
            restarts: 0,
            spoken: BTreeMap::new(),
            states: BTreeMap::new(),
            ends: BTreeMap::new(),
        }
    }

    pub fn sessions(&self) -> Vec<SessionId> {
        let plans = self.house.programme.sessions();
        plans.map(|(_, plan)| plan.id.clone()).collect()
    }

    pub fn event(&self) -> EventId {
        self.house.programme.id.clone()
    }

    pub fn programme(&self) -> &Programme {
        &self.house.programme
    }

    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    pub fn restarts(&self) -> usize {
        self.restarts
    }

    /// What everybody's client showed as speaking times when the sessions ended.
    pub fn spoken(&self) -> BTreeMap<MemberId, u64> {
        self.spoken.clone()
    }

    /// The revisions of a session that somebody was told of, one by one or within a state.
    pub fn told(&self, session: &SessionId) -> BTreeSet<Rev> {
        let seen = self.members.values().flat_map(|it| it.seen(session));
        let within = self.states.get(session).map_or(0, |rev| rev.0);
        seen.chain((1..=within).map(Rev)).collect()
    }

    /// The last revision of a session before everybody left: nobody is told when the last one goes.
    pub fn end_of(&self, session: &SessionId) -> Rev {
        self.ends[session]
    }

    pub fn close(&mut self) -> tempfile::TempDir {
        if self.house.has_unstored() {
            self.house.flush();
        }
        self.house.close()
    }

    /// One session from the first who comes to its end.
    pub fn session(&mut self, session: &SessionId) {
        let plan = self
            .house
            .programme
            .session(session)
            .expect("a session")
            .clone();
        self.now = plan.start + Millis(0);
        self.now = Timestamp(self.now.0 - 10 * 60_000);
        self.queue.clear();
        self.storing = false;
        let ids: Vec<MemberId> = self.members.keys().cloned().collect();
        for id in &ids {
            let early = if self.members[id].is_chair() {
                0..60_000
            } else {
                540_000..900_000
            };
            let after = self.random.random_range(early);
            self.after(after, Happens::Comes(id.clone()));
        }
        self.after(300_000, Happens::Step(0));
        let whole = u64::from(plan.minutes) * 60_000;
        let crash = self.random.random_range(900_000..whole);
        self.after(crash, Happens::Crash);
        self.run(&plan);
        self.end(&plan);
    }

    fn after(&mut self, ms: u64, happens: Happens) {
        self.counter += 1;
        self.queue
            .push(Reverse((self.now + Millis(ms), self.counter, happens)));
    }

    fn run(&mut self, plan: &SessionPlan) {
        let mut steps = 0;
        loop {
            let room = &self.house.rooms[&plan.id];
            if room.standing().state == SessionState::Closed && !self.house.has_unstored() {
                return;
            }
            let due = self
                .house
                .rooms
                .values()
                .filter_map(|room| room.next_deadline())
                .min();
            let next = self.queue.peek().map(|Reverse((at, _, _))| *at);
            let next = next.expect("a session does not end by itself");
            match due {
                Some(due) if due < next => {
                    self.now = self.now.max(due);
                    for room in self.house.rooms.values_mut() {
                        room.handle_timeout(self.now);
                    }
                }
                Some(_) | None => {
                    let Some(Reverse((at, _, happens))) = self.queue.pop() else {
                        return;
                    };
                    self.now = self.now.max(at);
                    self.happen(plan, happens);
                }
            }
            self.settle(&plan.id);
            steps += 1;
            assert!(steps < 200_000, "{} does not end", plan.id);
        }
    }

    /// At the end everybody's client shows what the server has, and says who spoke how long.
    fn end(&mut self, plan: &SessionPlan) {
        let ids: Vec<MemberId> = self.members.keys().cloned().collect();
        let rev = self.house.rooms[&plan.id].rev();
        self.ends.insert(plan.id.clone(), rev);
        let mut first = None;
        for id in &ids {
            let Some((session, connection)) = self.members[id].at.clone() else {
                continue;
            };
            assert_eq!(session, plan.id);
            let room = self.house.rooms.get_mut(&session).expect("a room");
            room.handle_snapshot(self.now, connection);
            self.settle(&session);
            let member = &self.members[id];
            let mut state = member.states[&session].clone();
            assert_eq!(state.rev, self.house.rooms[&session].rev(), "{id}");
            if member.is_chair() {
                continue;
            }
            state.at = Timestamp(0);
            let first = first.get_or_insert_with(|| state.clone());
            assert_eq!(*first, state, "{id} sees something else");
        }
        let first = first.expect("somebody was there");
        for spoken in &first.spoken {
            *self.spoken.entry(spoken.member.clone()).or_default() += spoken.ms.0;
        }
        self.spoken.retain(|_, ms| *ms > 0);
        for id in &ids {
            if let Some((session, connection)) =
                self.members.get_mut(id).and_then(|it| it.at.take())
            {
                let room = self.house.rooms.get_mut(&session).expect("a room");
                room.handle_leave(self.now, connection);
            }
        }
        while self.house.has_unstored() || !self.house.outputs().is_empty() {
            self.house.flush();
            self.settle(&plan.id);
        }
    }

    fn happen(&mut self, plan: &SessionPlan, happens: Happens) {
        match happens {
            Happens::Stored => {
                self.storing = false;
                self.house.flush();
            }
            Happens::Comes(id) => self.comes(plan, &id),
            Happens::Lost(id, ms) => {
                let member = self.members.get_mut(&id).expect("a member");
                if let Some((session, connection)) = member.at.take() {
                    let room = self.house.rooms.get_mut(&session).expect("a room");
                    room.handle_disconnect(self.now, connection);
                    if let Some(peer) = self.latest.get(&id) {
                        let peer = PeerId(*peer);
                        room.handle_notice(self.now, Notice::Lost { peer });
                    }
                }
                self.after(ms, Happens::Comes(id));
            }
            Happens::Sounds(id, peer) => {
                if self.latest.get(&id) == Some(&peer) {
                    let peer = PeerId(peer);
                    let room = self.house.rooms.get_mut(&plan.id).expect("a room");
                    room.handle_notice(self.now, Notice::AudioDelivered { peer });
                    room.handle_notice(self.now, Notice::AudioHeard { peer });
                }
            }
            Happens::Acts(id) => {
                self.acts(&id);
                let pause = self.random.random_range(20_000..240_000);
                self.after(pause, Happens::Acts(id));
            }
            Happens::Chairs(id) => {
                self.chairs(&id);
                let pause = self.random.random_range(4_000..20_000);
                self.after(pause, Happens::Chairs(id));
            }
            Happens::Step(number) => self.step(plan, number),
            Happens::Crash => {
                self.restarts += 1;
                self.storing = false;
                self.house.restart(self.now);
                self.peers.clear();
                self.latest.clear();
                let ids: Vec<MemberId> = self.members.keys().cloned().collect();
                for id in ids {
                    self.members.get_mut(&id).expect("a member").at = None;
                    let back = self.random.random_range(500..12_000);
                    self.after(back, Happens::Comes(id));
                }
            }
        }
    }

    fn comes(&mut self, plan: &SessionPlan, id: &MemberId) {
        let member = &self.members[id];
        if member.at.is_some() {
            return;
        }
        let first = !member.revs.contains_key(&plan.id);
        let since = member.revs.get(&plan.id).copied();
        self.connections += 1;
        let connection = ConnectionId(self.connections);
        let room = self.house.rooms.get_mut(&plan.id).expect("a room");
        let name = Some(format!("Dr. {id}"));
        room.handle_join(self.now, connection, id.clone(), name, since, None);
        self.members.get_mut(id).expect("a member").at = Some((plan.id.clone(), connection));
        let peer = self.connections;
        room.handle_offer(
            self.now,
            connection,
            PeerId(peer),
            "v=0".to_owned(),
            Vec::new(),
        );
        self.peers.insert(peer, id.clone());
        if first {
            let pause = self.random.random_range(1_000..120_000);
            let happens = if self.members[id].is_chair() {
                Happens::Chairs(id.clone())
            } else {
                Happens::Acts(id.clone())
            };
            self.after(pause, happens);
        }
    }

    /// The chair opens late or early, goes from item to item, and closes.
    fn step(&mut self, plan: &SessionPlan, number: usize) {
        let Some(chair) = self.a_chair() else {
            self.after(5_000, Happens::Step(number));
            return;
        };
        let late = self.random.random_range(0..120_000);
        match number {
            0 => {
                self.ask(&chair, Command::PrepareSession);
                self.after(300_000 + late, Happens::Step(1));
            }
            1 => {
                self.ask(&chair, Command::OpenSession);
                let change = ProfileChange {
                    policy: QueuePolicy::ALL.choose(&mut self.random).copied(),
                    ..ProfileChange::default()
                };
                self.ask(&chair, Command::ConfigureSession { change });
                let minutes = plan.items.first().map_or(10, |item| item.minutes);
                self.after(u64::from(minutes) * 60_000, Happens::Step(2));
            }
            number => match plan.items.get(number - 1) {
                Some(item) => {
                    let force = self.random.random_bool(0.3);
                    let start = Command::StartItem {
                        item: item.id.clone(),
                        after_item: None,
                        force,
                    };
                    self.ask(&chair, start);
                    let minutes = u64::from(item.minutes) * 60_000;
                    self.after(minutes + late, Happens::Step(number + 1));
                }
                None => {
                    self.ask(&chair, Command::CloseSession { force: true });
                    self.after(10_000, Happens::Step(number));
                }
            },
        }
    }

    fn a_chair(&mut self) -> Option<MemberId> {
        let chairs = self
            .members
            .values()
            .filter(|it| it.is_chair() && it.at.is_some());
        let chairs: Vec<MemberId> = chairs.map(|it| it.id.clone()).collect();
        chairs.choose(&mut self.random).cloned()
    }

    fn a_member(&mut self) -> MemberId {
        let ids: Vec<&MemberId> = self.members.keys().collect();
        (*ids.choose(&mut self.random).expect("members")).clone()
    }

    /// A chair gives the floor, keeps the time, sees to order. Both press "next" now and then.
    fn chairs(&mut self, id: &MemberId) {
        let Some((session, _)) = self.members[id].at.clone() else {
            return;
        };
        let Some(state) = self.members[id].states.get(&session).cloned() else {
            return;
        };
        let last = self.members[id].last_turn;
        let member = self.a_member();
        let number = RecommendationNumber(self.random.random_range(1..6));
        let command = match self.random.random_range(0..40) {
            0..=17 => Command::NextSpeaker {
                after_turn: Some(last),
            },
            18 => Command::NextSpeaker {
                after_turn: Some(TurnNumber(last.0.saturating_sub(1))),
            },
            19..=20 => Command::GrantFloor {
                member,
                kind: None,
                after_turn: Some(last),
            },
            21 => Command::StopAll,
            22 => Command::MoveHand {
                member,
                place: self.random.random_range(1..5),
                from_place: None,
            },
            23 => Command::InsertHand {
                member,
                place: None,
            },
            24 => Command::ExtendTurn {
                member,
                by_ms: Millis(60_000),
                from_ms: None,
            },
            25 => Command::Mute { member },
            26..=27 => Command::AskUnmute { member },
            28 => Command::TakePriority { clear: false },
            29..=31 => Command::ReleasePriority,
            32..=33 => Command::ResumeClock { member },
            34 => Command::Spotlight {
                member: Some(member),
            },
            35 => Command::Note {
                text: format!("Noted at {}.", state.rev.0),
            },
            36 => Command::SetStatus {
                number,
                status: *Status::ALL.choose(&mut self.random).expect("some"),
            },
            37 => Command::SignOff { number },
            38 => Command::Chat {
                to: Addressee::Chairs,
                text: "Who is next?".to_owned(),
            },
            _ => Command::Notice {
                text: "Please be brief.".to_owned(),
            },
        };
        self.ask(id, command);
        if self.random.random_bool(0.01) {
            let ms = self.random.random_range(2_000..90_000);
            self.after(0, Happens::Lost(id.clone(), ms));
        }
    }

    fn acts(&mut self, id: &MemberId) {
        let number = RecommendationNumber(self.random.random_range(1..6));
        let command = match self.random.random_range(0..30) {
            0..=14 => Command::RequestFloor {
                kind: HandKind::Speech,
            },
            15 => Command::RequestFloor {
                kind: HandKind::Response,
            },
            16 => Command::RequestFloor {
                kind: HandKind::PointOfOrder,
            },
            17 => Command::WithdrawHand { point: false },
            18..=21 => Command::YieldFloor,
            22..=23 => Command::Unmute,
            24 => Command::Chat {
                to: Addressee::Everybody,
                text: format!("I am {id}."),
            },
            25 => Command::Chat {
                to: Addressee::Chairs,
                text: "A word to the chair.".to_owned(),
            },
            26 => Command::Propose {
                text: format!("What {id} proposes."),
            },
            27..=28 => Command::Support {
                number,
                supports: true,
            },
            _ => {
                let ms = self.random.random_range(1_000..120_000);
                self.after(0, Happens::Lost(id.clone(), ms));
                return;
            }
        };
        self.ask(id, command);
    }

    fn ask(&mut self, id: &MemberId, command: Command) {
        if let Some((session, connection)) = self.members[id].at.clone() {
            let room = self.house.rooms.get_mut(&session).expect("a room");
            // Much of it is refused: people do not look first.
            room.handle_command(self.now, connection, &command);
        }
    }

    /// Takes what the rooms say to those it is for.
    fn settle(&mut self, session: &SessionId) {
        loop {
            let outputs = self.house.outputs();
            if self.house.has_unstored() && !self.storing {
                self.storing = true;
                let disk = self.random.random_range(1..60);
                self.after(disk, Happens::Stored);
            }
            if outputs.is_empty() {
                return;
            }
            for (from, output) in outputs {
                assert!(from == *session || !matches!(output, Output::Tell { .. }));
                self.output(&from, output);
            }
        }
    }

    fn output(&mut self, session: &SessionId, output: Output) {
        match output {
            Output::Tell { to, message } => match message {
                Message::Event(event) => {
                    for connection in to {
                        if let Some(member) = self.on(connection) {
                            member.hear(session, &event);
                        }
                    }
                }
                Message::Signal(Signal::Admitted { snapshot }) => {
                    for connection in to {
                        if let Some(member) = self.on(connection) {
                            member.take_state(session, (*snapshot).clone());
                        }
                    }
                }
                Message::Signal(_) => {}
            },
            Output::Answer { to, answer } => match answer {
                Ok(Answer::Snapshot(snapshot)) => {
                    let rev = snapshot.rev;
                    if let Some(member) = self.on(to) {
                        member.take_state(session, *snapshot);
                        if !self.ends.contains_key(session) {
                            let known = self.states.entry(session.clone()).or_default();
                            *known = (*known).max(rev);
                        }
                    }
                }
                Ok(Answer::Resumed(rev)) => {
                    if let Some(member) = self.on(to) {
                        assert!(member.revs[session] >= rev, "{} lacks {rev:?}", member.id);
                    }
                }
                Ok(_) | Err(_) => {}
            },
            Output::Order(order) => self.order(session, order),
            Output::Release { connection, .. } | Output::Dismiss { connection, .. } => {
                // Not let in: it comes again later.
                let id = self.on(connection).map(|member| {
                    member.at = None;
                    member.id.clone()
                });
                if let Some(id) = id {
                    self.after(20_000, Happens::Comes(id));
                }
            }
            Output::Append(_)
            | Output::Keep { .. }
            | Output::Standing(_)
            | Output::Looked { .. } => {}
        }
    }

    fn on(&mut self, connection: ConnectionId) -> Option<&mut Member> {
        let mut members = self.members.values_mut();
        members.find(|it| it.at.as_ref().is_some_and(|(_, its)| *its == connection))
    }

    /// What a shard would answer.
    fn order(&mut self, session: &SessionId, order: Order) {
        let room = self.house.rooms.get_mut(session).expect("a room");
        match order {
            Order::Offer { peer, .. } => {
                let answer = Ok("v=0".to_owned());
                room.handle_notice(self.now, Notice::Answered { peer, answer });
                room.handle_notice(self.now, Notice::Connected { peer });
                if let Some(id) = self.peers.get(&peer.0) {
                    self.latest.insert(id.clone(), peer.0);
                }
            }
            Order::Hear { peer, gate } => {
                let Some(id) = self.peers.get(&peer.0).cloned() else {
                    return;
                };
                // Now and then a browser has no microphone, and the offer is missed.
                let speaks = self.random.random_bool(0.95);
                if speaks && gate == Gate::Open(AudioRank::Floor) {
                    let after = self.random.random_range(50..3_000);
                    self.after(after, Happens::Sounds(id, peer.0));
                }
            }
            Order::Ended { source, .. } => assert_ne!(source, Source::Microphone),
            Order::Candidate { .. }
            | Order::Restart { .. }
            | Order::Show { .. }
            | Order::View { .. }
            | Order::Prominence { .. }
            | Order::Measure
            | Order::Close { .. } => {}
        }
    }
}
