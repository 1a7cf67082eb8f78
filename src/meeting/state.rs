//! A meeting's state, and `apply`, the only way it changes.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    ids::MemberId,
    meeting::{
        agenda::SessionPlan,
        event::{Event, Rev},
        floor::Floor,
        presence::Presence,
        refusal::{Refusal, RefusalCode},
        roster::Seat,
        session::SessionState,
        settings::Settings,
        spoken::Spoken,
        turn::Phase,
    },
    time::Timestamp,
};

/// One session's meeting. The same plan, seats, settings and events give the same meeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meeting {
    pub(super) plan: Arc<SessionPlan>,
    pub(super) seats: Arc<BTreeMap<MemberId, Seat>>,
    pub(super) settings: Settings,
    pub(super) rev: Rev,
    pub(super) state: SessionState,
    pub(super) opened_at: Option<Timestamp>,
    pub(super) presence: Presence,
    pub(super) floor: Floor,
    pub(super) spoken: Spoken,
}

impl Meeting {
    /// A scheduled session with nobody in the room. Of two seats for one member the later counts.
    pub fn new(plan: SessionPlan, seats: Vec<Seat>, settings: Settings) -> Self {
        let floor = Floor::new(&plan.profile);
        let seats = seats.into_iter().map(|seat| (seat.member.clone(), seat));
        Self {
            plan: Arc::new(plan),
            seats: Arc::new(seats.collect()),
            settings,
            rev: Rev::default(),
            state: SessionState::Scheduled,
            opened_at: None,
            presence: Presence::default(),
            floor,
            spoken: Spoken::default(),
        }
    }

    /// Changes the state by what happened at `at`; answers the revision after it. An event that
    /// does not fit the state (from a foreign journal) changes what it can and never panics.
    pub fn apply(&mut self, at: Timestamp, event: &Event) -> Rev {
        match event {
            Event::SessionPrepared { by: _ } => self.state = SessionState::Prepared,
            Event::SessionOpened { by: _ } => {
                self.state = SessionState::Live;
                self.opened_at.get_or_insert(at);
            }
            Event::SessionPaused { by: _ } => self.state = SessionState::Paused,
            Event::SessionResumed { by: _ } | Event::SessionReopened { by: _ } => {
                self.state = SessionState::Live;
            }
            Event::SessionClosed { by: _ } => self.state = SessionState::Closed,

            Event::MemberJoined { member, name, .. } => self.presence.come(member, name),
            Event::MemberLeft {
                member,
                reason,
                by: _,
            } => {
                self.presence.go(member, *reason);
                self.floor.lower_hand(member);
            }
            Event::MemberLost { member } => {
                self.presence.lose(member, at);
                if let Some(turn) = self.floor.turn_held_by(member) {
                    turn.lose_speaker();
                }
            }
            Event::MemberBack { member } => self.presence.come_back(member),
            Event::MemberMuted { member, by } => self.presence.mute(member, by),
            Event::MemberUnmuteAsked { member, by: _ } => self.presence.ask_unmute(member),
            Event::MemberUnmuted { member } => self.presence.unmute(member),

            Event::FloorRequested { member } => self.floor.raise_hand(member, at),
            Event::FloorWithdrawn { member, by: _ } => self.floor.lower_hand(member),
            Event::FloorGranted {
                turn,
                member,
                by: _,
                limit_ms,
            } => self.floor.begin_turn(*turn, member, at, *limit_ms),
            Event::FloorConfirmed { turn, member: _ } => {
                if let Some(turn) = self.floor.turn_mut(*turn) {
                    turn.phase = Phase::Speaking;
                }
            }
            Event::FloorStarted { turn, member: _ } => {
                if let Some(turn) = self.floor.turn_mut(*turn) {
                    turn.start();
                }
            }
            Event::FloorMissed {
                turn,
                member,
                requeued,
            } => self.floor.miss_turn(*turn, member, at, *requeued),
            Event::FloorWarned { turn, .. } => {
                if let Some(turn) = self.floor.turn_mut(*turn) {
                    turn.warned = true;
                }
            }
            Event::FloorOvertime { turn, member: _ } => {
                if let Some(turn) = self.floor.turn_mut(*turn) {
                    turn.overtime = true;
                }
            }
            Event::FloorClockPaused { turn, .. } => {
                if let Some(turn) = self.floor.turn_mut(*turn) {
                    turn.held = true;
                }
            }
            Event::FloorClockResumed { turn, .. } => {
                if let Some(turn) = self.floor.turn_mut(*turn) {
                    turn.held = false;
                }
            }
            Event::FloorEnded {
                turn,
                member,
                spoken_ms,
                requeued,
                ..
            } => {
                self.floor.end_turn(*turn);
                if *requeued {
                    self.floor.return_hand(member, at);
                }
                let delegation = self.seats.get(member).map(|seat| &seat.delegation);
                self.spoken.add(member, delegation, *spoken_ms);
            }
            Event::FloorConfigured {
                mode,
                microphones,
                by: _,
            } => {
                self.floor.mode = *mode;
                self.floor.microphones = *microphones;
            }
        }
        self.settle_clocks(at);
        self.rev = Rev(self.rev.0.saturating_add(1));
        self.rev
    }

    /// A turn's clocks run while its microphone is open: the session live, nobody's mute on it, its
    /// speaker not lost.
    fn settle_clocks(&mut self, at: Timestamp) {
        let live = self.state == SessionState::Live;
        for turn in &mut self.floor.turns {
            let open = live && self.presence.microphone_open(&turn.member);
            turn.settle(at, open);
        }
    }

    /// Counts the events applied so far.
    pub fn rev(&self) -> Rev {
        self.rev
    }

    /// Where the session is in its life.
    pub fn state(&self) -> SessionState {
        self.state
    }

    /// What the session was planned to be.
    pub fn plan(&self) -> &SessionPlan {
        &self.plan
    }

    /// The member's place on the roster.
    pub fn seat(&self, member: &MemberId) -> Option<&Seat> {
        self.seats.get(member)
    }

    /// Everybody in the room.
    pub fn present(&self) -> impl Iterator<Item = &MemberId> {
        self.presence.here().keys()
    }

    /// Whether the member is in the room by right only, with signalling and media gone.
    pub fn is_lost(&self, member: &MemberId) -> bool {
        self.presence.lost_at(member).is_some()
    }

    /// The queue and the turns.
    pub fn floor(&self) -> &Floor {
        &self.floor
    }

    /// How long everybody has spoken.
    pub fn spoken(&self) -> &Spoken {
        &self.spoken
    }

    pub(super) fn require_seat(&self, member: &MemberId) -> Result<&Seat, Refusal> {
        self.seat(member).ok_or_else(|| {
            Refusal::new(
                RefusalCode::UnknownMember,
                format!("{member} is not on the roster of this event."),
            )
        })
    }
}
