//! The naive twin, for tests: a client that starts with a snapshot and follows the events by the
//! effects that the protocol page promises, and by nothing else.
//!
//! It knows the roster and adds up time its own way. After every event it compares itself with the
//! meeting and checks what must hold at any revision, so that a script or a random run that
//! follows the events with it has checked all that too.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    ids::{DelegationId, MemberId},
    meeting::{
        Event, Hearing, Meeting, SessionState, Snapshot,
        agenda::FloorMode,
        event::{LeaveReason, TurnNumber},
        roster::{Role, Seat},
        script::seats,
        turn::Phase,
        view::{HandView, MemberView, MuteView, TurnView},
    },
    time::{Millis, Timestamp},
};

#[derive(Debug, Clone)]
pub(super) struct Model {
    seats: BTreeMap<MemberId, Seat>,
    view: Snapshot,
    started: BTreeSet<TurnNumber>,
    removed: BTreeSet<MemberId>,
    /// Who went out muted.
    left_muted: BTreeSet<MemberId>,
    /// Who came in again and must be muted by the very next event.
    to_mute: Option<MemberId>,
    missed: BTreeSet<MemberId>,
    spoken: BTreeMap<MemberId, Millis>,
    start: Meeting,
    history: Vec<(Timestamp, Event)>,
    /// How much of the history has been taken.
    taken: usize,
}

impl Model {
    pub(super) fn new(start: &Meeting) -> Self {
        let seats = seats().into_iter().map(|it| (it.member.clone(), it));
        Self {
            seats: seats.collect(),
            view: start.snapshot(Timestamp(0)),
            started: BTreeSet::new(),
            removed: BTreeSet::new(),
            left_muted: BTreeSet::new(),
            to_mute: None,
            missed: BTreeSet::new(),
            spoken: BTreeMap::new(),
            start: start.clone(),
            history: Vec::new(),
            taken: 0,
        }
    }

    /// Follows an event that the meeting has just applied, then compares.
    pub(super) fn follow(&mut self, now: Timestamp, event: &Event, meeting: &Meeting) {
        self.let_time_pass(now);
        self.check_fairness(event);
        self.view.rev.0 += 1;
        self.fold(now, event);
        self.set_clocks();
        self.history.push((now, event.clone()));
        assert_eq!(self.view, meeting.snapshot(now), "after {event:?}");
        self.check_bounds(event);
        self.check_hearing(meeting);
        self.check_totals(meeting);
    }

    /// The events since the last call.
    pub(super) fn take_history(&mut self) -> Vec<(Timestamp, Event)> {
        let events = self.history[self.taken..].to_vec();
        self.taken = self.history.len();
        events
    }

    /// The events, written and read back, give the same meeting.
    pub(super) fn check_replay(&self, meeting: &Meeting) {
        assert_eq!(&self.replay(), meeting);
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
            Event::FloorGranted { member, by, .. } => {
                assert_eq!(self.view.session.state, SessionState::Live, "{event:?}");
                assert!(!self.is_lost(member), "{event:?}");
                if by.is_none() {
                    assert!(self.has_voice(member), "{event:?}");
                }
            }
            Event::FloorMissed {
                member, requeued, ..
            } => {
                assert!(self.has_voice(member), "{event:?}");
                let first = self.missed.insert(member.clone());
                assert_eq!(*requeued, first, "{event:?}");
                if !requeued {
                    self.missed.remove(member);
                }
            }
            Event::FloorConfirmed { member, .. } => {
                assert_eq!(self.view.session.state, SessionState::Live, "{event:?}");
                assert!(self.has_voice(member), "{event:?}");
            }
            Event::MemberUnmuted { member } => {
                let chair = self.seats.get(member).map(|it| it.role) == Some(Role::Chair);
                let asked = self.mute_of(member) == Some(MuteView::Asked);
                assert!(asked || chair, "{event:?}");
            }
            Event::MemberJoined { member, .. } => {
                assert!(!self.removed.contains(member), "{event:?}");
                self.to_mute = self.left_muted.take(member);
            }
            Event::MemberLeft { member, reason, .. } => {
                self.missed.remove(member);
                if self.mute_of(member) != Some(MuteView::None) {
                    self.left_muted.insert(member.clone());
                }
                if *reason == LeaveReason::Removed {
                    self.removed.insert(member.clone());
                }
            }
            Event::MemberLost { member } => assert!(!self.is_lost(member), "{event:?}"),
            Event::MemberBack { member } => assert!(self.is_lost(member), "{event:?}"),
            Event::FloorEnded {
                member,
                requeued: true,
                ..
            } => {
                assert!(self.is_lost(member), "{event:?}");
                self.missed.insert(member.clone());
            }
            Event::FloorEnded { member, .. } | Event::FloorWithdrawn { member, .. } => {
                self.missed.remove(member);
            }
            Event::SessionPrepared { .. }
            | Event::SessionOpened { .. }
            | Event::SessionPaused { .. }
            | Event::SessionResumed { .. }
            | Event::SessionClosed { .. }
            | Event::SessionReopened { .. }
            | Event::MemberMuted { .. }
            | Event::MemberUnmuteAsked { .. }
            | Event::FloorRequested { .. }
            | Event::FloorStarted { .. }
            | Event::FloorWarned { .. }
            | Event::FloorOvertime { .. }
            | Event::FloorClockPaused { .. }
            | Event::FloorClockResumed { .. }
            | Event::FloorConfigured { .. } => {}
        }
    }

    fn fold(&mut self, now: Timestamp, event: &Event) {
        let view = &mut self.view;
        match event {
            Event::SessionPrepared { .. } => view.session.state = SessionState::Prepared,
            Event::SessionOpened { .. } => {
                view.session.state = SessionState::Live;
                view.session.opened_at.get_or_insert(now);
            }
            Event::SessionPaused { .. } => view.session.state = SessionState::Paused,
            Event::SessionResumed { .. } | Event::SessionReopened { .. } => {
                view.session.state = SessionState::Live;
            }
            Event::SessionClosed { .. } => view.session.state = SessionState::Closed,
            Event::MemberJoined {
                member,
                name,
                role,
                delegation,
            } => {
                let known = view.members.iter_mut().find(|it| it.id == *member);
                if let Some(known) = known {
                    known.name = name.clone();
                } else {
                    view.members.push(MemberView {
                        id: member.clone(),
                        name: name.clone(),
                        role: *role,
                        delegation: delegation.clone(),
                        mute: MuteView::None,
                        lost: false,
                    });
                    view.members.sort_by(|a, b| a.id.cmp(&b.id));
                }
            }
            Event::MemberLeft { member, .. } => {
                view.members.retain(|it| it.id != *member);
                view.queue.retain(|it| it.member != *member);
            }
            Event::MemberLost { member } => {
                self.set_lost(member, true);
                let turns = self.view.turns.iter();
                let numbers: Vec<_> = turns.filter(|it| it.member == *member).collect();
                for turn in numbers {
                    self.started.remove(&turn.turn);
                }
            }
            Event::MemberBack { member } => self.set_lost(member, false),
            Event::MemberMuted { member, .. } => self.set_mute(member, MuteView::Muted),
            Event::MemberUnmuteAsked { member, .. } => self.set_mute(member, MuteView::Asked),
            Event::MemberUnmuted { member } => self.set_mute(member, MuteView::None),
            Event::FloorRequested { member } => {
                let (member, since) = (member.clone(), now);
                view.queue.push(HandView { member, since });
            }
            Event::FloorWithdrawn { member, .. } => view.queue.retain(|it| it.member != *member),
            Event::FloorGranted {
                turn,
                member,
                limit_ms,
                ..
            } => {
                view.queue.retain(|it| it.member != *member);
                view.floor.last_turn = *turn;
                view.turns.push(TurnView {
                    turn: *turn,
                    member: member.clone(),
                    phase: Phase::Offered,
                    granted_at: now,
                    limit_ms: *limit_ms,
                    spent_ms: Millis(0),
                    running: false,
                    warned: false,
                    overtime: false,
                    held: false,
                });
            }
            Event::FloorConfirmed { turn, .. } => self.turn(*turn).phase = Phase::Speaking,
            Event::FloorStarted { turn, .. } => {
                self.started.insert(*turn);
            }
            Event::FloorMissed {
                turn,
                member,
                requeued,
            } => {
                view.turns.retain(|it| it.turn != *turn);
                if *requeued {
                    let (member, since) = (member.clone(), now);
                    view.queue.insert(0, HandView { member, since });
                }
            }
            Event::FloorWarned { turn, .. } => self.turn(*turn).warned = true,
            Event::FloorOvertime { turn, .. } => self.turn(*turn).overtime = true,
            Event::FloorClockPaused { turn, .. } => self.turn(*turn).held = true,
            Event::FloorClockResumed { turn, .. } => self.turn(*turn).held = false,
            Event::FloorEnded {
                turn,
                member,
                spoken_ms,
                requeued,
                ..
            } => {
                let spent = self.turn(*turn).spent_ms;
                assert_eq!(*spoken_ms, spent, "what {member} spoke in turn {turn:?}");
                self.view.turns.retain(|it| it.turn != *turn);
                let total = self.spoken.entry(member.clone()).or_default();
                *total = *total + *spoken_ms;
                if *requeued {
                    let (member, since) = (member.clone(), now);
                    self.view.queue.insert(0, HandView { member, since });
                }
            }
            Event::FloorConfigured {
                mode, microphones, ..
            } => (view.floor.mode, view.floor.microphones) = (*mode, *microphones),
        }
    }

    fn turn(&mut self, number: TurnNumber) -> &mut TurnView {
        let mut turns = self.view.turns.iter_mut();
        turns.find(|it| it.turn == number).expect("a turn")
    }

    fn set_mute(&mut self, member: &MemberId, mute: MuteView) {
        let mut members = self.view.members.iter_mut();
        let found = members.find(|it| it.id == *member);
        found.expect("a member in the room").mute = mute;
    }

    fn set_lost(&mut self, member: &MemberId, lost: bool) {
        let mut members = self.view.members.iter_mut();
        let found = members.find(|it| it.id == *member);
        found.expect("a member in the room").lost = lost;
    }

    fn is_lost(&self, member: &MemberId) -> bool {
        let mut members = self.view.members.iter();
        members.any(|it| it.id == *member && it.lost)
    }

    /// Neither muted nor lost.
    fn has_voice(&self, member: &MemberId) -> bool {
        self.mute_of(member) == Some(MuteView::None) && !self.is_lost(member)
    }

    fn mute_of(&self, member: &MemberId) -> Option<MuteView> {
        let mut members = self.view.members.iter();
        members.find(|it| it.id == *member).map(|it| it.mute)
    }

    fn set_clocks(&mut self) {
        let live = self.view.session.state == SessionState::Live;
        let runs = |turn: &TurnView| {
            live && self.started.contains(&turn.turn) && !turn.held && self.has_voice(&turn.member)
        };
        let running: Vec<bool> = self.view.turns.iter().map(runs).collect();
        for (turn, running) in self.view.turns.iter_mut().zip(running) {
            turn.running = running;
        }
    }

    fn check_bounds(&self, event: &Event) {
        let view = &self.view;
        let holders: Vec<&MemberId> = view.turns.iter().map(|it| &it.member).collect();
        let hands: Vec<&MemberId> = view.queue.iter().map(|it| &it.member).collect();
        // A limit that was lowered ends nobody's turn, but no turn begins beyond it.
        if let Event::FloorGranted { .. } = event {
            assert!(
                holders.len() <= usize::from(view.floor.microphones),
                "{view:?}"
            );
        }
        let mut busy = BTreeSet::new();
        for member in holders.iter().chain(&hands) {
            assert!(busy.insert(*member), "{member} twice in {view:?}");
            assert!(
                self.mute_of(member).is_some(),
                "{member} is not in the room"
            );
            let role = self.seats.get(*member).map(|it| it.role);
            assert_eq!(role, Some(Role::Delegate), "{member}");
        }
        match view.session.state {
            SessionState::Live | SessionState::Paused => {}
            SessionState::Scheduled | SessionState::Prepared | SessionState::Closed => {
                assert!(busy.is_empty(), "{busy:?} in {:?}", view.session.state);
            }
        }
    }

    /// The table of spec section 3, row by row.
    fn check_hearing(&self, meeting: &Meeting) {
        for seat in self.seats.values() {
            let member = &seat.member;
            let has_turn = self.view.turns.iter().any(|it| it.member == *member);
            let row = match seat.role {
                Role::Chair => [Hearing::Chair, Hearing::Chair, Hearing::Chair],
                Role::Podium => [Hearing::Other, Hearing::Other, Hearing::Silent],
                Role::Delegate if has_turn => [Hearing::Silent, Hearing::Floor, Hearing::Silent],
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
            assert_eq!(meeting.hearing(member), expected, "{member}");
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

    /// Whether a microphone stays free although somebody could be given it by the mode.
    pub(super) fn wastes_a_microphone(&self) -> bool {
        let view = &self.view;
        view.session.state == SessionState::Live
            && view.floor.mode == FloorMode::Open
            && view.turns.len() < usize::from(view.floor.microphones)
            && view.queue.iter().any(|it| self.has_voice(&it.member))
    }
}
