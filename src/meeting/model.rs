//! The naive twin, for tests: a client that starts with a snapshot and follows the events by the
//! effects that the protocol page promises, and by nothing else.
//!
//! It knows the roster, adds up time its own way and orders the queue its own way. After every event it
//! compares itself with the meeting and checks what must hold at any revision; after every decision
//! ([`Model::check_rest`]) what must hold when nothing more is to be done. A script or a random run that
//! follows the events with it has checked all that too.
//!
//! Each check was seen to fail when its rule was broken on purpose; `properties` says how.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    ids::{DelegationId, MemberId},
    meeting::{
        Event, Hearing, Meeting, SessionState, Snapshot,
        agenda::{FloorMode, QueuePolicy, ScreenRule},
        event::{Audience, LeaveReason, PictureSource, TurnNumber},
        queue::{HandKind, Level, Why},
        record::{Addressee, ChatMessage, Note, Recommendation, Status},
        roster::{Role, Seat},
        turn::{Fading, Phase},
        view::{AwayView, HandView, MemberView, MuteView, SpokenView, TurnView, WaitingView},
    },
    time::{Millis, Timestamp},
};

#[derive(Debug, Clone)]
pub(super) struct Model {
    seats: BTreeMap<MemberId, Seat>,
    view: Snapshot,
    banned: BTreeSet<MemberId>,
    /// Who went out muted.
    left_muted: BTreeSet<MemberId>,
    /// Who came in again and must be muted by the very next event.
    to_mute: Option<MemberId>,
    /// Whose hand has been missed once: that for a point, or the other.
    missed: BTreeSet<(MemberId, bool)>,
    /// Speech hands that came back, the first first.
    returned: Vec<MemberId>,
    /// Speeches that a chair placed, in their order.
    pinned: Vec<MemberId>,
    /// Hands as they came.
    received: Vec<(MemberId, bool)>,
    last_speaker: Option<MemberId>,
    spoken: BTreeMap<MemberId, Millis>,
    /// A chair was in the room once.
    had_chair: bool,
    start: Meeting,
    history: Vec<(Timestamp, Event)>,
    /// How much of the history has been taken.
    taken: usize,
}

impl Model {
    pub(super) fn new(start: &Meeting) -> Self {
        Self {
            seats: start.seats.as_ref().clone(),
            view: start.snapshot(Timestamp(0), Audience::Chairs),
            banned: BTreeSet::new(),
            left_muted: BTreeSet::new(),
            to_mute: None,
            missed: BTreeSet::new(),
            returned: Vec::new(),
            pinned: Vec::new(),
            received: Vec::new(),
            last_speaker: None,
            spoken: BTreeMap::new(),
            had_chair: false,
            start: start.clone(),
            history: Vec::new(),
            taken: 0,
        }
    }

    /// Follows an event that the meeting has just applied, then compares.
    pub(super) fn follow(&mut self, now: Timestamp, event: &Event, meeting: &Meeting) {
        // A clock that is set back takes nothing away.
        let now = now.max(self.view.at);
        self.let_time_pass(now);
        self.check_fairness(event);
        self.view.rev.0 += 1;
        self.fold(now, event);
        self.note_queue(event);
        self.set_clocks();
        self.history.push((now, event.clone()));
        let expected = meeting.snapshot(now, Audience::Chairs);
        assert_same(&self.view, &expected, event);
        let for_members = meeting.snapshot(now, Audience::Members);
        assert_same(&self.for_members(), &for_members, event);
        self.check_bounds(event);
        self.check_hearing(meeting);
        self.check_totals(meeting);
    }

    /// What must hold when a decision is done.
    pub(super) fn check_rest(&self, meeting: &Meeting) {
        let hands = self.view.queue.iter();
        let order: Vec<_> = hands.map(|it| (it.member.clone(), it.kind)).collect();
        assert_eq!(order, self.order_by_policy(), "{:?}", self.view.queue);
        for hand in &self.view.queue {
            let by_kind = match hand.kind.level() {
                Level::Point => hand.why == Why::Point,
                Level::Response => hand.why == Why::Response,
                Level::Speech if self.returned.contains(&hand.member) => hand.why == Why::Returned,
                Level::Speech if self.pinned.contains(&hand.member) => hand.why == Why::Pinned,
                Level::Speech => matches!(
                    (hand.why, self.view.profile.policy),
                    (Why::Received, _)
                        | (Why::Listed, QueuePolicy::Fixed)
                        | (Why::Alternate, QueuePolicy::Alternate)
                        | (Why::LeastSpoken, QueuePolicy::LeastSpoken)
                ),
            };
            assert!(by_kind, "{hand:?}");
        }
        let view = &self.view;
        if view.session.awaited.is_some() {
            assert!(
                !view.turns.is_empty(),
                "what waits for the turns was not done"
            );
        }
        assert!(!self.wastes_a_microphone(), "{view:?}");
        assert_eq!(meeting.acting_chair(), self.acting_chair().as_ref());
    }

    /// The events since the last call.
    pub(super) fn take_history(&mut self) -> Vec<(Timestamp, Event)> {
        let events = self.history[self.taken..].to_vec();
        self.taken = self.history.len();
        events
    }

    /// The events, written and read back, give the same meeting; so does a snapshot of it.
    pub(super) fn check_replay(&self, meeting: &Meeting) {
        // No event says when a process took it up.
        let mut replayed = self.replay();
        replayed.take_up(meeting.resumed_at);
        assert_eq!(&replayed, meeting);
        let kept = meeting.keep().expect("a text");
        let mut restored = self.start.restore(&kept).expect("a meeting");
        restored.take_up(meeting.resumed_at);
        assert_eq!(&restored, meeting);
    }

    /// The meeting that the events give, written and read back.
    pub(super) fn replay(&self) -> Meeting {
        let mut replayed = self.start.clone();
        for (at, event) in &self.history {
            let text = serde_json::to_string(event).expect("events have a text");
            let read: Event = serde_json::from_str(&text).expect("an event's text is read");
            assert_eq!(&read, event, "{text}");
            replayed.apply(*at, &read);
        }
        replayed
    }

    fn for_members(&self) -> Snapshot {
        let mut view = self.view.clone();
        view.lobby = None;
        view.banned = None;
        view.chat.retain(|it| it.to == Addressee::Everybody);
        view
    }

    fn let_time_pass(&mut self, now: Timestamp) {
        let passed = now.since(self.view.at);
        for turn in &mut self.view.turns {
            if turn.running {
                turn.spent_ms = turn.spent_ms + passed;
            }
        }
        self.view.at = now;
    }

    /// What an event must not do in the state before it.
    fn check_fairness(&mut self, event: &Event) {
        if let Some(awaited) = self.to_mute.take() {
            let muted = matches!(event, Event::MemberMuted { member, .. } if *member == awaited);
            assert!(muted, "{awaited} came back unmuted, then {event:?}");
        }
        match event {
            Event::FloorGranted {
                member, kind, by, ..
            } => {
                assert_eq!(self.view.session.state, SessionState::Live, "{event:?}");
                assert!(!self.is_lost(member), "{event:?}");
                assert!(self.view.session.awaited.is_none(), "{event:?}");
                assert!(!self.is_blocked(member), "{event:?}");
                if by.is_none() {
                    assert!(self.has_voice(member), "{event:?}");
                    assert!(self.view.floor.priority.is_none(), "{event:?}");
                    assert!(!self.view.floor.technical_stop, "{event:?}");
                    let in_time = *kind != HandKind::Speech || self.has_time(member);
                    assert!(in_time, "{event:?}");
                }
            }
            Event::FloorMissed {
                turn,
                member,
                requeued,
            } => {
                assert!(self.has_voice(member), "{event:?}");
                let hand = self.hand_of(*turn);
                let first = self.missed.insert(hand.clone());
                assert_eq!(*requeued, first, "{event:?}");
                if !requeued {
                    self.missed.remove(&hand);
                }
            }
            Event::FloorConfirmed { member, .. } => {
                assert_eq!(self.view.session.state, SessionState::Live, "{event:?}");
                assert!(self.has_voice(member), "{event:?}");
            }
            Event::FloorRequested { member, .. } => {
                assert!(!self.is_blocked(member), "{event:?}");
            }
            Event::MemberUnmuted { member } => {
                let chair = self.role(member) == Some(Role::Chair);
                let asked = self.mute_of(member) == Some(MuteView::Asked);
                assert!(asked || chair, "{event:?}");
            }
            Event::MemberJoined { member, .. } => {
                assert!(!self.banned.contains(member), "{event:?}");
                assert!(!self.is_waiting(member), "{event:?}");
                self.to_mute = self.left_muted.take(member);
            }
            Event::LobbyEntered { member, .. } => {
                let here = self.view.members.iter().any(|it| it.id == *member);
                assert!(!here, "{event:?}");
            }
            Event::MemberLeft { member, reason, .. } => {
                self.missed.retain(|(it, _)| it != member);
                if self.mute_of(member) != Some(MuteView::None) {
                    self.left_muted.insert(member.clone());
                }
                if *reason == LeaveReason::Banned {
                    self.banned.insert(member.clone());
                }
                assert_ne!(self.view.floor.priority.as_ref(), Some(member), "{event:?}");
            }
            Event::MemberUnbanned { member, .. } => {
                assert!(self.banned.remove(member), "{event:?}");
            }
            Event::MemberLost { member } => assert!(!self.is_lost(member), "{event:?}"),
            Event::MemberBack { member } | Event::MemberGone { member } => {
                assert!(self.is_lost(member), "{event:?}");
            }
            Event::FloorEnded {
                turn,
                member,
                requeued: true,
                ..
            } => {
                assert!(self.is_lost(member), "{event:?}");
                self.missed.insert(self.hand_of(*turn));
            }
            Event::FloorEnded { turn, .. } => {
                self.missed.remove(&self.hand_of(*turn));
            }
            Event::FloorWithdrawn { member, point, .. } => {
                self.missed.remove(&(member.clone(), *point));
            }
            Event::FloorFading { turn, .. } | Event::FloorOvertime { turn, .. } => {
                let turn = self.turn(*turn);
                assert!(turn.spent_ms >= turn.limit_ms, "{event:?}");
            }
            // Nothing is unfair about these.
            _ => {}
        }
    }

    fn fold(&mut self, now: Timestamp, event: &Event) {
        let view = &mut self.view;
        let note = |by: &MemberId, text: &str, item| Note {
            at: now,
            by: by.clone(),
            item,
            text: text.to_owned(),
        };
        match event {
            Event::SessionPrepared { .. } => view.session.state = SessionState::Prepared,
            Event::SessionOpened { .. } => {
                view.session.state = SessionState::Live;
                view.session.opened_at.get_or_insert(now);
                view.session.item = view.session.items.first().map(|it| it.id.clone());
                view.session.item_since = view.session.item.as_ref().map(|_| now);
            }
            Event::SessionPaused { .. } => view.session.state = SessionState::Paused,
            Event::SessionResumed { .. } | Event::SessionReopened { .. } => {
                view.session.state = SessionState::Live;
            }
            Event::SessionClosed { .. } => {
                view.session.state = SessionState::Closed;
                view.session.awaited = None;
                view.floor.priority = None;
                view.floor.technical_stop = false;
            }
            Event::SessionConfigured { change, .. } => {
                view.profile = view.profile.with(change);
            }
            Event::ItemStarted { item, .. } => {
                view.session.item = Some(item.clone());
                view.session.item_since = Some(now);
                view.session.awaited = None;
            }
            Event::ChangeAwaited { change, .. } => view.session.awaited = Some(change.clone()),
            Event::ChangeDropped { .. } => view.session.awaited = None,
            Event::MovedOn { .. } | Event::FloorMoved { .. } => {}
            Event::SessionLocked { .. } => view.session.locked = true,
            Event::SessionUnlocked { .. } => view.session.locked = false,
            Event::Spotlighted { member, .. } => view.session.spotlight.clone_from(member),
            Event::TechnicalStopBegan { .. } => view.floor.technical_stop = true,
            Event::TechnicalStopEnded { .. } => view.floor.technical_stop = false,
            Event::Noticed { text, by } => {
                let note = note(by, text, view.session.item.clone());
                view.notices.push(note);
            }
            Event::ChairHandedOver { to, .. } => view.session.handed_to = Some(to.clone()),
            Event::ChairAbsent => view.floor.chair_absent = true,
            Event::MemberJoined {
                member,
                name,
                role,
                delegation,
                rank,
                blocked,
                stopped,
            } => {
                let known = view.members.iter_mut().find(|it| it.id == *member);
                if let Some(known) = known {
                    known.name = name.clone();
                } else {
                    view.away.retain(|it| it.id != *member);
                    view.members.push(MemberView {
                        id: member.clone(),
                        name: name.clone(),
                        role: *role,
                        delegation: delegation.clone(),
                        rank: *rank,
                        mute: MuteView::None,
                        lost: false,
                        gone: false,
                        blocked: *blocked,
                        stopped: stopped.clone(),
                    });
                    view.members.sort_by(|a, b| a.id.cmp(&b.id));
                }
            }
            Event::MemberLeft { member, reason, .. } => {
                let here = view.members.iter().find(|it| it.id == *member);
                let name = here.expect("somebody in the room").name.clone();
                let id = member.clone();
                view.away.push(AwayView { id, name });
                view.away.sort_by(|a, b| a.id.cmp(&b.id));
                view.members.retain(|it| it.id != *member);
                view.queue.retain(|it| it.member != *member);
                if view.session.spotlight.as_ref() == Some(member) {
                    view.session.spotlight = None;
                }
                if *reason == LeaveReason::Banned {
                    let banned = view.banned.as_mut().expect("a chair's view");
                    banned.push(member.clone());
                    banned.sort();
                    banned.dedup();
                }
            }
            Event::MemberLost { member } => {
                self.member(member).lost = true;
                for turn in &mut self.view.turns {
                    turn.started &= turn.member != *member;
                }
            }
            Event::MemberBack { member } => {
                let member = self.member(member);
                (member.lost, member.gone) = (false, false);
            }
            Event::MemberGone { member } => self.member(member).gone = true,
            Event::MemberMuted { member, .. } => self.member(member).mute = MuteView::Muted,
            Event::MemberUnmuteAsked { member, .. } => self.member(member).mute = MuteView::Asked,
            Event::MemberUnmuted { member } => self.member(member).mute = MuteView::None,
            Event::MemberBlocked { member, .. } => self.member(member).blocked = true,
            Event::MemberUnblocked { member, .. } => {
                let mut members = self.view.members.iter_mut();
                if let Some(known) = members.find(|it| it.id == *member) {
                    known.blocked = false;
                }
            }
            Event::PictureStopped { member, source, .. } => {
                let member = self.member(member);
                member.stopped.push(*source);
                member.stopped.sort();
            }
            Event::PictureAllowed { member, source, .. } => {
                let mut members = self.view.members.iter_mut();
                if let Some(known) = members.find(|it| it.id == *member) {
                    known.stopped.retain(|it| it != source);
                }
            }
            Event::MemberUnbanned { member, .. } => {
                let banned = view.banned.as_mut().expect("a chair's view");
                banned.retain(|it| it != member);
            }
            Event::LobbyEntered {
                member,
                name,
                role,
                delegation,
            } => {
                let lobby = view.lobby.as_mut().expect("a chair's view");
                match lobby.iter_mut().find(|it| it.member == *member) {
                    Some(known) => known.name = name.clone(),
                    None => lobby.push(WaitingView {
                        member: member.clone(),
                        name: name.clone(),
                        role: *role,
                        delegation: delegation.clone(),
                        since: now,
                    }),
                }
                lobby.sort_by_key(|it| (it.since, it.member.clone()));
            }
            Event::LobbyLeft { member }
            | Event::LobbyRefused { member, .. }
            | Event::LobbyAdmitted { member, .. } => {
                let lobby = view.lobby.as_mut().expect("a chair's view");
                lobby.retain(|it| it.member != *member);
            }
            Event::FloorRequested {
                member,
                kind,
                place,
                why,
                ..
            } => {
                let hand = HandView {
                    member: member.clone(),
                    kind: *kind,
                    since: now,
                    why: *why,
                };
                let place = place.map_or(view.queue.len(), |place| usize::from(place) - 1);
                view.queue.insert(place, hand);
            }
            Event::FloorWithdrawn { member, point, .. } => {
                let is_it = |it: &HandView| it.member == *member && it.kind.is_point() == *point;
                view.queue.retain(|it| !is_it(it));
            }
            Event::FloorOrdered { hands } => {
                let queue = std::mem::take(&mut view.queue);
                assert_eq!(queue.len(), hands.len(), "{event:?}");
                for placed in hands {
                    let mut known = queue.iter();
                    let hand = known
                        .find(|it| it.member == placed.member && it.kind == placed.kind)
                        .expect("a hand");
                    view.queue.push(HandView {
                        why: placed.why,
                        ..hand.clone()
                    });
                }
            }
            Event::QueueOpened { .. } => view.floor.queue_closed = false,
            Event::QueueClosed { .. } => view.floor.queue_closed = true,
            Event::FloorGranted {
                turn,
                member,
                kind,
                limit_ms,
                ..
            } => {
                let point = kind.is_point();
                view.queue
                    .retain(|it| it.member != *member || it.kind.is_point() != point);
                view.floor.last_turn = *turn;
                view.turns.push(TurnView {
                    turn: *turn,
                    member: member.clone(),
                    kind: *kind,
                    phase: Phase::Offered,
                    granted_at: now,
                    limit_ms: *limit_ms,
                    spent_ms: Millis(0),
                    running: false,
                    warned: false,
                    overtime: false,
                    fading: None,
                    held: false,
                    started: false,
                });
            }
            Event::FloorConfirmed { turn, .. } => self.turn_mut(*turn).phase = Phase::Speaking,
            Event::FloorStarted { turn, .. } => {
                let turn = self.turn_mut(*turn);
                (turn.phase, turn.started) = (Phase::Speaking, true);
            }
            Event::FloorMissed { turn, requeued, .. } => self.end_turn(now, *turn, *requeued),
            Event::FloorWarned { turn, .. } => self.turn_mut(*turn).warned = true,
            Event::FloorOvertime { turn, .. } => self.turn_mut(*turn).overtime = true,
            Event::FloorFading { turn, over_ms, .. } => {
                let turn = self.turn_mut(*turn);
                turn.fading = Some(Fading {
                    from_ms: turn.spent_ms,
                    over_ms: *over_ms,
                });
            }
            Event::FloorExtended { turn, limit_ms, .. } => {
                let turn = self.turn_mut(*turn);
                turn.limit_ms = *limit_ms;
                (turn.warned, turn.overtime, turn.fading) = (false, false, None);
            }
            Event::FloorClockPaused { turn, .. } => self.turn_mut(*turn).held = true,
            Event::FloorClockResumed { turn, .. } => self.turn_mut(*turn).held = false,
            Event::FloorEnded {
                turn,
                member,
                spoken_ms,
                requeued,
                ..
            } => {
                let spent = self.turn(*turn).spent_ms;
                assert_eq!(*spoken_ms, spent, "what {member} spoke in turn {turn:?}");
                self.end_turn(now, *turn, *requeued);
                let total = self.spoken.entry(member.clone()).or_default();
                *total = *total + *spoken_ms;
                let seats = &self.seats;
                let spoken = self.spoken.iter().map(|(member, ms)| SpokenView {
                    member: member.clone(),
                    delegation: seats[member].delegation.clone(),
                    ms: *ms,
                });
                self.view.spoken = spoken.collect();
            }
            Event::PriorityTaken { by } => view.floor.priority = Some(by.clone()),
            Event::PriorityReleased { .. } => view.floor.priority = None,
            Event::ChatSent { member, to, text } => view.chat.push(ChatMessage {
                at: now,
                member: member.clone(),
                to: *to,
                text: text.clone(),
            }),
            Event::MinutesNoted { text, by } => {
                let note = note(by, text, view.session.item.clone());
                view.notes.push(note);
            }
            Event::RecommendationProposed {
                number,
                member,
                text,
            } => view.recommendations.push(Recommendation {
                number: *number,
                proposer: member.clone(),
                text: text.clone(),
                supporters: BTreeSet::new(),
                status: Status::Proposed,
                signed: BTreeSet::new(),
            }),
            Event::RecommendationEdited { number, text, .. } => {
                let known = &mut view.recommendations[number.0 as usize - 1];
                known.text = text.clone();
                known.supporters.clear();
                known.signed.clear();
            }
            Event::RecommendationSupported { number, member } => {
                let known = &mut view.recommendations[number.0 as usize - 1];
                known.supporters.insert(member.clone());
            }
            Event::RecommendationUnsupported { number, member } => {
                let known = &mut view.recommendations[number.0 as usize - 1];
                known.supporters.remove(member);
            }
            Event::RecommendationStatusSet { number, status, .. } => {
                let known = &mut view.recommendations[number.0 as usize - 1];
                known.status = *status;
                if *status != Status::Agreed {
                    known.signed.clear();
                }
            }
            Event::RecommendationSigned {
                number, institute, ..
            } => {
                let known = &mut view.recommendations[number.0 as usize - 1];
                known.signed.insert(institute.clone());
            }
        }
        for kept in [&mut self.view.notices, &mut self.view.notes] {
            let over = kept.len().saturating_sub(200);
            kept.drain(..over);
        }
        let over = self.view.chat.len().saturating_sub(200);
        self.view.chat.drain(..over);
        if self.acting_chair().is_some() {
            self.view.floor.chair_absent = false;
            self.had_chair = true;
        }
    }

    fn end_turn(&mut self, now: Timestamp, number: TurnNumber, requeued: bool) {
        let ended = self.turn(number).clone();
        self.view.turns.retain(|it| it.turn != number);
        if !requeued {
            return;
        }
        let queue = &mut self.view.queue;
        let (why, place) = match ended.kind.level() {
            Level::Point => (Why::Point, 0),
            Level::Response => {
                let points = queue.iter().filter(|it| it.kind.is_point()).count();
                (Why::Response, points)
            }
            Level::Speech => {
                let ahead = |it: &&HandView| {
                    it.kind != HandKind::Speech || self.returned.contains(&it.member)
                };
                (Why::Returned, queue.iter().filter(ahead).count())
            }
        };
        let hand = HandView {
            member: ended.member,
            kind: ended.kind,
            since: now,
            why,
        };
        queue.insert(place, hand);
    }

    /// Keeps what the order of the queue is made of.
    fn note_queue(&mut self, event: &Event) {
        match event {
            Event::FloorRequested { member, kind, .. } => {
                self.received.push((member.clone(), kind.is_point()));
            }
            Event::FloorGranted { member, kind, .. } if *kind == HandKind::Speech => {
                self.last_speaker = Some(member.clone());
            }
            Event::FloorMissed {
                member,
                requeued: true,
                ..
            }
            | Event::FloorEnded {
                member,
                requeued: true,
                ..
            } => {
                // The hand that came back is the one without which the queue was.
                let hands = self.view.queue.iter();
                let back = hands.filter(|it| it.member == *member).find(|it| {
                    !self
                        .received
                        .contains(&(it.member.clone(), it.kind.is_point()))
                });
                let back = back.expect("a hand that came back").clone();
                self.received.push((member.clone(), back.kind.is_point()));
                if back.kind == HandKind::Speech {
                    self.returned.push(member.clone());
                }
            }
            Event::FloorMoved { member, place, .. } => self.pin(member, usize::from(*place)),
            _ => {}
        }
        let queue = &self.view.queue;
        let has = |member: &MemberId, point: bool| {
            let mut hands = queue.iter();
            hands.any(|it| it.member == *member && it.kind.is_point() == point)
        };
        self.received.retain(|(member, point)| has(member, *point));
        self.returned.retain(|member| has(member, false));
        self.pinned.retain(|member| has(member, false));
    }

    /// A chair's place counts from the head of all hands, but points, responses and returned hands
    /// stay before it. All speeches ahead of it keep their places as well.
    fn pin(&mut self, member: &MemberId, place: usize) {
        self.returned.retain(|it| it != member);
        let speeches = self
            .view
            .queue
            .iter()
            .filter(|it| it.kind == HandKind::Speech);
        let mut free: Vec<MemberId> = speeches
            .map(|it| it.member.clone())
            .filter(|it| !self.returned.contains(it) && it != member)
            .collect();
        let before = self.view.queue.len() - 1 - free.len();
        let index = place
            .saturating_sub(1)
            .saturating_sub(before)
            .min(free.len());
        free.insert(index, member.clone());
        let pinned = free.iter().enumerate();
        let pinned = pinned.filter(|(at, it)| *at <= index || self.pinned.contains(it));
        self.pinned = pinned.map(|(_, it)| it.clone()).collect();
    }

    /// The queue as the policy has it, with the chairs' pins: written down class by class.
    fn order_by_policy(&self) -> Vec<(MemberId, HandKind)> {
        let mut order = Vec::new();
        let kinds = [
            HandKind::PointOfOrder,
            HandKind::PointOfPrivilege,
            HandKind::PointOfInformation,
            HandKind::Response,
        ];
        for kind in kinds {
            for (member, point) in &self.received {
                if self.hand(member, *point).map(|it| it.kind) == Some(kind) {
                    order.push((member.clone(), kind));
                }
            }
        }
        let speech = |member: &MemberId| (member.clone(), HandKind::Speech);
        order.extend(self.returned.iter().map(speech));
        order.extend(self.pinned.iter().map(speech));
        let mut rest: Vec<MemberId> = Vec::new();
        for (member, point) in &self.received {
            let plain = !point
                && !order
                    .iter()
                    .any(|(it, kind)| it == member && !kind.is_point());
            if plain {
                rest.push(member.clone());
            }
        }
        while let Some(next) = self.next_by_policy(&order, &rest) {
            rest.retain(|it| *it != next);
            order.push((next, HandKind::Speech));
        }
        order
    }

    /// Who of those that wait, as they came, is next behind this order.
    fn next_by_policy(
        &self,
        order: &[(MemberId, HandKind)],
        rest: &[MemberId],
    ) -> Option<MemberId> {
        let first = rest.first()?;
        let delegation = |member: &MemberId| self.seats[member].delegation.clone();
        let spoken = |member: &MemberId| self.spoken.get(member).copied().unwrap_or_default().0;
        let next = match self.view.profile.policy {
            QueuePolicy::Fifo => first,
            QueuePolicy::Fixed => {
                let mut listed = self.view.profile.list.iter();
                listed.find(|it| rest.contains(it)).unwrap_or(first)
            }
            QueuePolicy::Alternate => {
                // The first of these follows the last speaker, whatever is placed before it.
                let before = order.iter().rev().take_while(|(member, kind)| {
                    *kind == HandKind::Speech
                        && !self.pinned.contains(member)
                        && !self.returned.contains(member)
                });
                let last = before.map(|(member, _)| member).next();
                let last = last.or(self.last_speaker.as_ref()).map(delegation);
                let mut others = rest.iter();
                let other = others.find(|it| Some(delegation(it)) != last);
                other.unwrap_or(first)
            }
            QueuePolicy::LeastSpoken => {
                let of_delegation = |member: &MemberId| -> u64 {
                    let same = self.seats.values();
                    let same = same.filter(|it| it.delegation == delegation(member));
                    same.map(|it| spoken(&it.member)).sum()
                };
                let mut least = first;
                for member in rest {
                    let key = |it: &MemberId| (of_delegation(it) / 1000, spoken(it) / 1000);
                    if key(member) < key(least) {
                        least = member;
                    }
                }
                least
            }
        };
        Some(next.clone())
    }

    fn acting_chair(&self) -> Option<MemberId> {
        let view = &self.view;
        let is_there = |it: &&MemberView| it.role == Role::Chair && !it.lost;
        let handed = view.members.iter().filter(is_there);
        let handed = handed
            .into_iter()
            .find(|it| Some(&it.id) == view.session.handed_to.as_ref());
        let by_rank = view
            .members
            .iter()
            .filter(is_there)
            .min_by_key(|it| it.rank);
        handed.or(by_rank).map(|it| it.id.clone())
    }

    fn role(&self, member: &MemberId) -> Option<Role> {
        self.seats.get(member).map(|it| it.role)
    }

    /// The hand that a turn was given to.
    fn hand_of(&self, number: TurnNumber) -> (MemberId, bool) {
        let turn = self.turn(number);
        (turn.member.clone(), turn.kind.is_point())
    }

    fn turn(&self, number: TurnNumber) -> &TurnView {
        let mut turns = self.view.turns.iter();
        turns.find(|it| it.turn == number).expect("a turn")
    }

    fn turn_mut(&mut self, number: TurnNumber) -> &mut TurnView {
        let mut turns = self.view.turns.iter_mut();
        turns.find(|it| it.turn == number).expect("a turn")
    }

    fn member(&mut self, member: &MemberId) -> &mut MemberView {
        let mut members = self.view.members.iter_mut();
        let found = members.find(|it| it.id == *member);
        found.expect("a member in the room")
    }

    fn hand(&self, member: &MemberId, point: bool) -> Option<&HandView> {
        let mut hands = self.view.queue.iter();
        hands.find(|it| it.member == *member && it.kind.is_point() == point)
    }

    fn is_lost(&self, member: &MemberId) -> bool {
        let mut members = self.view.members.iter();
        members.any(|it| it.id == *member && it.lost)
    }

    fn is_blocked(&self, member: &MemberId) -> bool {
        let mut members = self.view.members.iter();
        members.any(|it| it.id == *member && it.blocked)
    }

    fn is_waiting(&self, member: &MemberId) -> bool {
        let mut lobby = self.view.lobby.iter().flatten();
        lobby.any(|it| it.member == *member)
    }

    /// Neither muted nor lost.
    fn has_voice(&self, member: &MemberId) -> bool {
        self.mute_of(member) == Some(MuteView::None) && !self.is_lost(member)
    }

    fn mute_of(&self, member: &MemberId) -> Option<MuteView> {
        let mut members = self.view.members.iter();
        members.find(|it| it.id == *member).map(|it| it.mute)
    }

    /// The turns that other turns leave open: of the highest kind, the oldest first.
    fn open_turns(&self) -> Vec<TurnNumber> {
        let turns = &self.view.turns;
        let highest = turns.iter().map(|it| it.kind.level()).max();
        let highest = turns.iter().filter(|it| Some(it.kind.level()) == highest);
        let microphones = usize::from(self.view.profile.microphones);
        highest.take(microphones).map(|it| it.turn).collect()
    }

    fn set_clocks(&mut self) {
        let open = self.open_turns();
        let floor = &self.view.floor;
        let live = self.view.session.state == SessionState::Live
            && floor.priority.is_none()
            && !floor.technical_stop;
        let runs = |turn: &TurnView| {
            live && open.contains(&turn.turn)
                && turn.started
                && !turn.held
                && self.has_voice(&turn.member)
        };
        let running: Vec<bool> = self.view.turns.iter().map(runs).collect();
        for (turn, running) in self.view.turns.iter_mut().zip(running) {
            turn.running = running;
        }
    }

    fn check_bounds(&self, event: &Event) {
        let view = &self.view;
        // A limit that was lowered pauses turns, but none begins beyond it.
        if let Event::FloorGranted {
            kind: HandKind::Speech,
            ..
        } = event
        {
            let speeches = view.turns.iter().filter(|it| it.kind == HandKind::Speech);
            assert!(
                speeches.count() <= usize::from(view.profile.microphones),
                "{view:?}"
            );
        }
        let mut has_turn = BTreeSet::new();
        for turn in &view.turns {
            assert!(has_turn.insert(&turn.member), "two turns in {view:?}");
        }
        let mut has_hand = BTreeSet::new();
        for hand in &view.queue {
            let one = has_hand.insert((&hand.member, hand.kind.is_point()));
            assert!(one, "two hands in {view:?}");
        }
        for member in has_turn.iter().chain(has_hand.iter().map(|(it, _)| it)) {
            assert!(
                self.mute_of(member).is_some(),
                "{member} is not in the room"
            );
            assert_eq!(self.role(member), Some(Role::Delegate), "{member}");
        }
        let responses = view.queue.iter().filter(|it| it.kind == HandKind::Response);
        if let Event::FloorRequested {
            kind: HandKind::Response,
            ..
        } = event
        {
            assert!(responses.count() <= 5, "{view:?}");
        }
        for level in [Level::Response, Level::Point] {
            let turns = view.turns.iter().filter(|it| it.kind.level() == level);
            assert!(turns.count() <= 1, "{view:?}");
        }
        match view.session.state {
            SessionState::Live | SessionState::Paused => {}
            SessionState::Scheduled | SessionState::Prepared | SessionState::Closed => {
                let busy = !view.turns.is_empty() || !view.queue.is_empty();
                assert!(!busy, "in {:?}", view.session.state);
            }
        }
    }

    /// The table of spec section 3, row by row, and the limit of open microphones.
    fn check_hearing(&self, meeting: &Meeting) {
        let open = self.open_turns();
        let priority = self.view.floor.priority.is_some();
        let mut delegates = 0;
        for seat in self.seats.values() {
            let member = &seat.member;
            let mut turns = self.view.turns.iter().filter(|it| it.member == *member);
            let has_turn = turns.any(|it| open.contains(&it.turn));
            let row = match seat.role {
                Role::Chair => [Hearing::Chair, Hearing::Chair, Hearing::Chair],
                Role::Podium if priority => [Hearing::Silent, Hearing::Silent, Hearing::Silent],
                Role::Podium => [Hearing::Other, Hearing::Other, Hearing::Silent],
                Role::Delegate if has_turn && !priority => {
                    [Hearing::Silent, Hearing::Floor, Hearing::Silent]
                }
                Role::Delegate
                | Role::Organiser
                | Role::Interpreter
                | Role::Observer
                | Role::Technician => [Hearing::Silent, Hearing::Silent, Hearing::Silent],
            };
            let [prepared, live, paused] = row;
            let by_state = match self.view.session.state {
                SessionState::Prepared => prepared,
                SessionState::Live => live,
                SessionState::Paused => paused,
                SessionState::Scheduled | SessionState::Closed => Hearing::Silent,
            };
            let expected = if self.has_voice(member) {
                by_state
            } else {
                Hearing::Silent
            };
            let hearing = meeting.hearing(member);
            assert_eq!(hearing, expected, "{member}");
            delegates += usize::from(seat.role == Role::Delegate && hearing != Hearing::Silent);
            self.check_pictures(meeting, seat);
        }
        assert!(
            delegates <= usize::from(self.view.profile.microphones),
            "{delegates} open microphones in {:?}",
            self.view
        );
    }

    fn check_pictures(&self, meeting: &Meeting, seat: &Seat) {
        let view = &self.view;
        let here = view.members.iter().find(|it| it.id == seat.member);
        let sends = matches!(seat.role, Role::Chair | Role::Podium | Role::Delegate);
        let media = !matches!(
            view.session.state,
            SessionState::Scheduled | SessionState::Closed
        );
        let has_turn = view.turns.iter().any(|it| it.member == seat.member);
        let may_share = match view.profile.screens {
            ScreenRule::Everybody => true,
            ScreenRule::Floor => has_turn || seat.role != Role::Delegate,
            ScreenRule::Chairs => seat.role == Role::Chair,
        };
        for (source, by_rule) in [
            (PictureSource::Camera, true),
            (PictureSource::Screen, may_share),
        ] {
            let stopped = here.is_none_or(|it| it.stopped.contains(&source));
            let expected = sends && media && by_rule && !stopped;
            let seen = meeting.may_show(&seat.member, source);
            assert_eq!(seen, expected, "{source:?} of {}", seat.member);
        }
    }

    fn check_totals(&self, meeting: &Meeting) {
        let mut delegations: BTreeMap<&DelegationId, Millis> = BTreeMap::new();
        for seat in self.seats.values() {
            let spoken = self.spoken.get(&seat.member).copied().unwrap_or_default();
            assert_eq!(meeting.spoken().by_member(&seat.member), spoken);
            let total = delegations.entry(&seat.delegation).or_default();
            *total = *total + spoken;
        }
        for (delegation, total) in delegations {
            assert_eq!(meeting.spoken().by_delegation(delegation), total);
        }
    }

    /// Whether the member's delegation has speaking time left beside all that its turns may take.
    fn has_time(&self, member: &MemberId) -> bool {
        let delegation = |member: &MemberId| self.seats[member].delegation.clone();
        let own = delegation(member);
        let spoken = self.spoken.iter();
        let spoken = spoken.filter(|(it, _)| delegation(it) == own);
        let turns = self.view.turns.iter();
        let turns = turns.filter(|it| delegation(&it.member) == own);
        let spoken: u64 = spoken.map(|(_, ms)| ms.0).sum();
        let taken: u64 = turns.map(|it| it.limit_ms.0.max(it.spent_ms.0)).sum();
        let budget = self.view.profile.budget_ms.0;
        budget == 0 || spoken + taken < budget
    }

    /// Whether a microphone stays free although somebody could be given it by the mode, or because no
    /// chair is there.
    fn wastes_a_microphone(&self) -> bool {
        let view = &self.view;
        let by_itself = match view.profile.mode {
            FloorMode::Open | FloorMode::Override | FloorMode::Fifo => true,
            FloorMode::Request | FloorMode::Operator => view.floor.chair_absent,
        };
        let given = view.session.state == SessionState::Live
            && view.floor.priority.is_none()
            && !view.floor.technical_stop
            && view.session.awaited.is_none();
        let interrupted = view.turns.iter().any(|it| it.kind != HandKind::Speech);
        let free = view.turns.len() < usize::from(view.profile.microphones);
        let mut hands = view.queue.iter();
        let next = hands.find(|it| {
            self.has_voice(&it.member)
                && (it.kind != HandKind::Speech || self.has_time(&it.member))
                && !view.turns.iter().any(|turn| turn.member == it.member)
        });
        // A point or a response lets nobody pass while the floor empties for it.
        let waits = next.is_some_and(|it| it.kind == HandKind::Speech || view.turns.is_empty());
        by_itself && given && !interrupted && free && waits
    }
}

/// That two views are the same; says in which parts they are not.
fn assert_same(followed: &Snapshot, told: &Snapshot, event: &Event) {
    if followed == told {
        return;
    }
    let parts = |view: &Snapshot| serde_json::to_value(view).expect("JSON");
    let (followed, told) = (parts(followed), parts(told));
    for (part, seen) in followed.as_object().expect("an object") {
        assert_eq!(Some(seen), told.get(part), "{part} after {event:?}");
    }
    panic!("a part is not followed after {event:?}: {told}");
}
