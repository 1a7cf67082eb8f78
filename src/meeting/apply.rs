//! `apply`: what each event changes. Every event has its arm, and says no more than what it changes.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use crate::{
    ids::{ItemId, MemberId},
    meeting::{
        event::{Event, Rev, TurnNumber},
        record::{ChatMessage, Note, Recommendation, RecommendationNumber, Status, Written, keep},
        session::SessionState,
        state::Meeting,
        turn::{Fading, Phase, Turn},
    },
    time::{Millis, Timestamp},
};

impl Meeting {
    /// Changes the state by what happened at `at` (or at the last event, if that was later); answers
    /// the revision after it. An event that
    /// does not fit the state (from a foreign journal) changes what it can and never panics.
    pub fn apply(&mut self, at: Timestamp, event: &Event) -> Rev {
        let at = at.max(self.latest);
        self.latest = at;
        self.change(at, event);
        self.settle_chair(at);
        self.settle_clocks(at);
        self.rev = Rev(self.rev.0.saturating_add(1));
        self.rev
    }

    fn change(&mut self, at: Timestamp, event: &Event) {
        match event {
            Event::SessionPrepared { .. } => self.state = SessionState::Prepared,
            Event::SessionOpened { .. } => self.open(at),
            Event::SessionPaused { .. } => self.state = SessionState::Paused,
            Event::SessionResumed { .. } | Event::SessionReopened { .. } => {
                self.state = SessionState::Live;
            }
            Event::SessionClosed { .. } => self.close(),
            Event::SessionConfigured { change, .. } => {
                self.profile = Arc::new(self.profile.with(change));
            }
            Event::ItemStarted { item, .. } => self.start_item(at, item),
            Event::ChangeAwaited { change, by } => {
                self.agenda.awaited = Some((change.clone(), by.clone()));
            }
            Event::ChangeDropped { .. } => self.agenda.awaited = None,
            // Members are told to go; the room itself stays as it is.
            Event::MovedOn { .. } => {}
            Event::SessionLocked { .. } => self.desk.locked = true,
            Event::SessionUnlocked { .. } => self.desk.locked = false,
            Event::Spotlighted { member, .. } => self.desk.spotlight.clone_from(member),
            Event::TechnicalStopBegan { .. } => self.floor.technical_stop = true,
            Event::TechnicalStopEnded { .. } => self.floor.technical_stop = false,
            Event::Noticed { text, by } => self.note(at, by, text, |written| &mut written.notices),
            Event::ChairHandedOver { to, .. } => self.desk.handed_to = Some(to.clone()),
            Event::ChairAbsent => self.desk.chair_absent = true,

            Event::MemberJoined { member, name, .. } => self.presence.come(member, name),
            Event::MemberLeft { member, reason, .. } => {
                self.presence.go(member, *reason);
                self.floor.lower_hands(member);
                let spotlight = self.desk.spotlight.take();
                self.desk.spotlight = spotlight.filter(|it| it != member);
            }
            Event::MemberLost { member } => {
                self.presence.lose(member, at);
                if let Some(turn) = self.floor.turn_held_by(member) {
                    turn.lose_speaker();
                }
            }
            Event::MemberBack { member } => self.presence.come_back(member),
            Event::MemberGone { member } => self.presence.give_up(member),
            Event::MemberMuted { member, by } => self.presence.mute(member, by),
            Event::MemberUnmuteAsked { member, .. } => self.presence.ask_unmute(member),
            Event::MemberUnmuted { member } => self.presence.unmute(member),
            Event::MemberBlocked { member, .. } => {
                self.desk.blocked.insert(member.clone());
            }
            Event::MemberUnblocked { member, .. } => {
                self.desk.blocked.remove(member);
            }
            Event::PictureStopped { member, source, .. } => {
                self.desk.stopped.insert((member.clone(), *source));
            }
            Event::PictureAllowed { member, source, .. } => {
                self.desk.stopped.remove(&(member.clone(), *source));
            }
            Event::MemberUnbanned { member, .. } => self.presence.unban(member),

            Event::LobbyEntered { member, name, .. } => self.presence.wait(member, name, at),
            Event::LobbyLeft { member } | Event::LobbyRefused { member, .. } => {
                self.presence.wait_no_more(member);
            }
            Event::LobbyAdmitted { member, .. } => self.presence.admit(member),

            Event::FloorRequested {
                member,
                kind,
                place,
                why,
                by: _,
            } => self.floor.raise_hand(at, (member, *kind), *place, *why),
            Event::FloorWithdrawn { member, point, .. } => self.floor.lower_hand(member, *point),
            Event::FloorMoved { member, place, .. } => self.floor.move_hand(member, *place),
            Event::FloorOrdered { hands } => self.floor.order(hands),
            Event::QueueOpened { .. } => self.floor.queue_closed = false,
            Event::QueueClosed { .. } => self.floor.queue_closed = true,
            Event::FloorGranted {
                turn,
                member,
                kind,
                by: _,
                limit_ms,
            } => self.floor.begin_turn(at, *turn, (member, *kind), *limit_ms),
            Event::FloorConfirmed { turn, .. } => {
                self.turn(*turn, |turn| turn.phase = Phase::Speaking);
            }
            Event::FloorStarted { turn, .. } => self.turn(*turn, Turn::start),
            Event::FloorMissed { turn, requeued, .. } => self.end_turn(at, *turn, *requeued),
            Event::FloorWarned { turn, .. } => self.turn(*turn, |turn| turn.warned = true),
            Event::FloorOvertime { turn, .. } => self.turn(*turn, |turn| turn.overtime = true),
            Event::FloorFading { turn, over_ms, .. } => {
                let over_ms = *over_ms;
                self.turn(*turn, |turn| {
                    let from_ms = turn.spent(at);
                    turn.fading = Some(Fading { from_ms, over_ms });
                });
            }
            Event::FloorExtended { turn, limit_ms, .. } => {
                self.turn(*turn, |turn| turn.extend(*limit_ms));
            }
            Event::FloorClockPaused { turn, .. } => self.turn(*turn, |turn| turn.held = true),
            Event::FloorClockResumed { turn, .. } => self.turn(*turn, |turn| turn.held = false),
            Event::FloorEnded {
                turn,
                member,
                spoken_ms,
                requeued,
                ..
            } => {
                self.end_turn(at, *turn, *requeued);
                self.add_spoken(member, *spoken_ms);
            }
            Event::PriorityTaken { by } => self.floor.priority = Some(by.clone()),
            Event::PriorityReleased { .. } => self.floor.priority = None,

            Event::ChatSent { member, to, text } => {
                let message = ChatMessage {
                    at,
                    member: member.clone(),
                    to: *to,
                    text: text.clone(),
                };
                keep(&mut Arc::make_mut(&mut self.written).chat, message);
            }
            Event::MinutesNoted { text, by } => {
                self.note(at, by, text, |written| &mut written.notes);
            }
            Event::RecommendationProposed {
                number,
                member,
                text,
            } => self.propose(*number, member, text),
            Event::RecommendationEdited { number, text, .. } => {
                self.recommendation(*number, |it| {
                    it.text.clone_from(text);
                    it.supporters.clear();
                    it.signed.clear();
                });
            }
            Event::RecommendationSupported { number, member } => {
                self.recommendation(*number, |it| {
                    it.supporters.insert(member.clone());
                });
            }
            Event::RecommendationUnsupported { number, member } => {
                self.recommendation(*number, |it| {
                    it.supporters.remove(member);
                });
            }
            Event::RecommendationStatusSet { number, status, .. } => {
                self.recommendation(*number, |it| {
                    it.status = *status;
                    if *status != Status::Agreed {
                        it.signed.clear();
                    }
                });
            }
            Event::RecommendationSigned {
                number, institute, ..
            } => self.recommendation(*number, |it| {
                it.signed.insert(institute.clone());
            }),
        }
    }

    fn open(&mut self, at: Timestamp) {
        self.state = SessionState::Live;
        self.opened_at.get_or_insert(at);
        if let Some(first) = self.plan.items.first().map(|item| item.id.clone()) {
            self.start_item(at, &first);
        }
    }

    fn close(&mut self) {
        self.state = SessionState::Closed;
        self.agenda.awaited = None;
        self.floor.priority = None;
        self.floor.technical_stop = false;
    }

    fn start_item(&mut self, at: Timestamp, item: &ItemId) {
        self.agenda.item = Some((item.clone(), at));
        self.agenda.awaited = None;
    }

    fn turn(&mut self, number: TurnNumber, change: impl FnOnce(&mut Turn)) {
        if let Some(turn) = self.floor.turn_mut(number) {
            change(turn);
        }
    }

    fn end_turn(&mut self, at: Timestamp, number: TurnNumber, requeued: bool) {
        let ended = self.floor.end_turn(number);
        if let Some(ended) = ended.filter(|_| requeued) {
            self.floor.return_hand(&ended, at);
        }
    }

    fn add_spoken(&mut self, member: &MemberId, spoken: Millis) {
        let delegation = self.seats.get(member).map(|seat| &seat.delegation);
        self.spoken.add(member, delegation, spoken);
    }

    fn note(
        &mut self,
        at: Timestamp,
        by: &MemberId,
        text: &str,
        which: impl FnOnce(&mut Written) -> &mut VecDeque<Note>,
    ) {
        let note = Note {
            at,
            by: by.clone(),
            item: self.agenda.item.as_ref().map(|(item, _)| item.clone()),
            text: text.to_owned(),
        };
        keep(which(Arc::make_mut(&mut self.written)), note);
    }

    fn propose(&mut self, number: RecommendationNumber, member: &MemberId, text: &str) {
        let proposed = Recommendation {
            number,
            proposer: member.clone(),
            text: text.to_owned(),
            supporters: BTreeSet::new(),
            status: Status::Proposed,
            signed: BTreeSet::new(),
        };
        Arc::make_mut(&mut self.written)
            .recommendations
            .push(proposed);
    }

    fn recommendation(
        &mut self,
        number: RecommendationNumber,
        change: impl FnOnce(&mut Recommendation),
    ) {
        if let Some(known) = Arc::make_mut(&mut self.written).recommendation_mut(number) {
            change(known);
        }
    }

    /// A turn's clocks run while its microphone is open and nothing technical is wrong.
    fn settle_clocks(&mut self, at: Timestamp) {
        let open: Vec<bool> = self
            .floor
            .turns()
            .iter()
            .map(|turn| self.is_audible(turn))
            .collect();
        let stopped = self.floor.technical_stop;
        for (turn, open) in self.floor.turns.iter_mut().zip(open) {
            turn.settle(at, open, stopped);
        }
    }

    /// Notes since when no chair can be reached, of those who had been in the room.
    fn settle_chair(&mut self, at: Timestamp) {
        if self.acting_chair().is_some() {
            self.desk.had_chair = true;
            self.desk.no_chair_since = None;
            self.desk.chair_absent = false;
        } else if self.desk.had_chair {
            self.desk.no_chair_since.get_or_insert(at);
        }
    }
}
