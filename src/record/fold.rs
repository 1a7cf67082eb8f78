//! One session, read entry by entry.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ByDelegation, ByItem, ByMember, ChairsChat, Decision, Item, Message, Note, Recommendation,
    Session, Signature, Speaking, Turn, attendance::Attendance, decisions, names::Names,
};
use crate::{
    ids::{ItemId, MemberId, SessionId},
    meeting::{
        Event,
        agenda::SessionPlan,
        event::{EndReason, LeaveReason, Recorded},
        record::{Addressee, RecommendationNumber, Status},
    },
    time::{Millis, Timestamp},
};

/// What a session's entries say. `session`: its name, and its plan where the programme has it still.
pub(super) fn session(
    (id, plan): (&SessionId, Option<&SessionPlan>),
    entries: &[Recorded],
    names: &Names<'_>,
    chairs: ChairsChat,
) -> Session {
    let mut fold = Fold::new(plan, names, chairs);
    for entry in entries {
        fold.follow(entry.at, &entry.event);
    }
    let last = entries.last().map_or(Timestamp(0), |entry| entry.at);
    fold.end(id, last)
}

/// A recommendation as it stands.
struct Draft {
    proposed_at: Timestamp,
    proposer: MemberId,
    text: String,
    supporters: Vec<MemberId>,
    status: Status,
    signed: Vec<Signature>,
}

struct Fold<'a> {
    plan: Option<&'a SessionPlan>,
    names: &'a Names<'a>,
    chairs: ChairsChat,
    opened: Option<Timestamp>,
    closed: Option<Timestamp>,
    item: Option<ItemId>,
    started: BTreeMap<ItemId, Timestamp>,
    attendance: Attendance,
    turns: BTreeMap<u64, Turn>,
    /// The turns in which speech has been heard.
    heard: BTreeSet<u64>,
    chat: Vec<Message>,
    notices: Vec<Note>,
    notes: Vec<Note>,
    decisions: Vec<Decision>,
    recommendations: BTreeMap<RecommendationNumber, Draft>,
}

impl<'a> Fold<'a> {
    fn new(plan: Option<&'a SessionPlan>, names: &'a Names<'a>, chairs: ChairsChat) -> Self {
        Self {
            plan,
            names,
            chairs,
            opened: None,
            closed: None,
            item: None,
            started: BTreeMap::new(),
            attendance: Attendance::default(),
            turns: BTreeMap::new(),
            heard: BTreeSet::new(),
            chat: Vec::new(),
            notices: Vec::new(),
            notes: Vec::new(),
            decisions: Vec::new(),
            recommendations: BTreeMap::new(),
        }
    }

    fn follow(&mut self, at: Timestamp, event: &Event) {
        if let Some((by, what)) = decisions::of(event, self.names, self.plan) {
            self.decisions.push(Decision {
                at: self.names.when(at),
                person: self.names.person(by),
                what,
            });
        }
        match event {
            Event::SessionOpened { .. } => {
                self.opened.get_or_insert(at);
                if let Some(first) = self.plan.and_then(|plan| plan.items.first()) {
                    self.begin(at, first.id.clone());
                }
            }
            Event::SessionClosed { .. } => self.closed = Some(at),
            Event::SessionReopened { .. } => self.closed = None,
            Event::ItemStarted { item, .. } => self.begin(at, item.clone()),

            Event::MemberJoined { member, .. } => self.attendance.joined(at, member),
            Event::MemberLost { member } => self.attendance.lost(at, member),
            Event::MemberBack { member } => self.attendance.back(at, member),
            Event::MemberGone { member } => self.attendance.given_up(at, member),
            Event::MemberLeft { member, reason, .. } => match reason {
                LeaveReason::Lost => self.attendance.given_up(at, member),
                LeaveReason::Left
                | LeaveReason::Removed
                | LeaveReason::Banned
                | LeaveReason::SentBack => self.attendance.left(at, member),
            },

            Event::FloorGranted {
                turn, member, kind, ..
            } => {
                let granted = Turn {
                    turn: turn.0,
                    person: self.names.person(member),
                    kind: kind.as_str(),
                    item: self.item.clone(),
                    from: self.names.when(at),
                    spoken_ms: Millis(0),
                    ended: None,
                };
                self.turns.insert(turn.0, granted);
            }
            Event::FloorStarted { turn, .. } => {
                // Where a lost speaker is back, it comes again: the turn began with the first.
                let first = self.heard.insert(turn.0);
                if first && let Some(turn) = self.turns.get_mut(&turn.0) {
                    turn.from = self.names.when(at);
                }
            }
            Event::FloorMissed { turn, requeued, .. } => {
                self.ended(turn.0, EndReason::Missed, Millis(0), *requeued);
            }
            Event::FloorEnded {
                turn,
                reason,
                spoken_ms,
                requeued,
                ..
            } => self.ended(turn.0, *reason, *spoken_ms, *requeued),

            Event::ChatSent { member, to, text } => {
                let told = match to {
                    Addressee::Everybody => true,
                    Addressee::Chairs => self.chairs == ChairsChat::With,
                };
                if told {
                    self.chat.push(Message {
                        at: self.names.when(at),
                        person: self.names.person(member),
                        to: *to,
                        text: text.clone(),
                    });
                }
            }
            Event::Noticed { text, by } => {
                let notice = self.note(at, by, text);
                self.notices.push(notice);
            }
            Event::MinutesNoted { text, by } => {
                let note = self.note(at, by, text);
                self.notes.push(note);
            }

            Event::RecommendationProposed {
                number,
                member,
                text,
            } => {
                let draft = Draft {
                    proposed_at: at,
                    proposer: member.clone(),
                    text: text.clone(),
                    supporters: Vec::new(),
                    status: Status::Proposed,
                    signed: Vec::new(),
                };
                self.recommendations.insert(*number, draft);
            }
            Event::RecommendationEdited { number, text, .. } => self.amend(*number, |draft| {
                draft.text.clone_from(text);
                draft.supporters.clear();
                draft.signed.clear();
            }),
            Event::RecommendationSupported { number, member } => self.amend(*number, |draft| {
                draft.supporters.push(member.clone());
            }),
            Event::RecommendationUnsupported { number, member } => self.amend(*number, |draft| {
                draft.supporters.retain(|supporter| supporter != member);
            }),
            Event::RecommendationStatusSet { number, status, .. } => {
                self.amend(*number, |draft| {
                    draft.status = *status;
                    // Only what is agreed is signed.
                    if *status != Status::Agreed {
                        draft.signed.clear();
                    }
                });
            }
            Event::RecommendationSigned {
                number,
                institute,
                by,
            } => {
                let signature = Signature {
                    institute: institute.clone(),
                    institute_name: self.names.delegation(institute).to_owned(),
                    by: self.names.person(by),
                    at: self.names.when(at),
                };
                self.amend(*number, |draft| draft.signed.push(signature));
            }

            // Of these only what a chair decided is told.
            Event::SessionPrepared { .. }
            | Event::SessionPaused { .. }
            | Event::SessionResumed { .. }
            | Event::SessionConfigured { .. }
            | Event::ChangeAwaited { .. }
            | Event::ChangeDropped { .. }
            | Event::MovedOn { .. }
            | Event::SessionLocked { .. }
            | Event::SessionUnlocked { .. }
            | Event::Spotlighted { .. }
            | Event::TechnicalStopBegan { .. }
            | Event::TechnicalStopEnded { .. }
            | Event::ChairHandedOver { .. }
            | Event::ChairAbsent
            | Event::MemberMuted { .. }
            | Event::MemberUnmuteAsked { .. }
            | Event::MemberUnmuted { .. }
            | Event::MemberBlocked { .. }
            | Event::MemberUnblocked { .. }
            | Event::PictureStopped { .. }
            | Event::PictureAllowed { .. }
            | Event::MemberUnbanned { .. }
            | Event::LobbyEntered { .. }
            | Event::LobbyLeft { .. }
            | Event::LobbyAdmitted { .. }
            | Event::LobbyRefused { .. }
            | Event::FloorRequested { .. }
            | Event::FloorWithdrawn { .. }
            | Event::FloorMoved { .. }
            | Event::FloorOrdered { .. }
            | Event::QueueOpened { .. }
            | Event::QueueClosed { .. }
            | Event::FloorConfirmed { .. }
            | Event::FloorWarned { .. }
            | Event::FloorOvertime { .. }
            | Event::FloorFading { .. }
            | Event::FloorExtended { .. }
            | Event::FloorClockPaused { .. }
            | Event::FloorClockResumed { .. }
            | Event::PriorityTaken { .. }
            | Event::PriorityReleased { .. } => {}
        }
    }

    fn begin(&mut self, at: Timestamp, item: ItemId) {
        self.started.entry(item.clone()).or_insert(at);
        self.item = Some(item);
    }

    fn ended(&mut self, turn: u64, reason: EndReason, spoken: Millis, requeued: bool) {
        if let Some(turn) = self.turns.get_mut(&turn) {
            turn.spoken_ms = spoken;
            turn.ended = Some(decisions::why(reason, requeued));
        }
    }

    fn note(&self, at: Timestamp, by: &MemberId, text: &str) -> Note {
        Note {
            at: self.names.when(at),
            person: self.names.person(by),
            item: self.item.clone(),
            text: text.to_owned(),
        }
    }

    fn amend(&mut self, number: RecommendationNumber, change: impl FnOnce(&mut Draft)) {
        if let Some(draft) = self.recommendations.get_mut(&number) {
            change(draft);
        }
    }

    fn end(self, id: &SessionId, last: Timestamp) -> Session {
        let names = self.names;
        let items = self.items();
        let turns: Vec<Turn> = self.turns.into_values().collect();
        let recommendations = self.recommendations.into_iter().map(|(number, draft)| {
            let supporters = draft.supporters.iter();
            Recommendation {
                number: number.0,
                text: draft.text,
                proposed_at: names.when(draft.proposed_at),
                proposer: names.person(&draft.proposer),
                supporters: supporters.map(|member| names.person(member)).collect(),
                status: draft.status.as_str(),
                signed: draft.signed,
            }
        });
        Session {
            session: id.clone(),
            title: self
                .plan
                .map_or_else(|| id.to_string(), |plan| plan.title.clone()),
            planned_start: self.plan.map(|plan| names.when(plan.start)),
            planned_minutes: self.plan.map(|plan| plan.minutes),
            opened: self.opened.map(|at| names.when(at)),
            closed: self.closed.map(|at| names.when(at)),
            attendance: self.attendance.at_the_end(last, names),
            speaking: Speaking::of(&turns, by_item(id, &items, &turns)),
            items,
            turns,
            chat: self.chat,
            notices: self.notices,
            notes: self.notes,
            decisions: self.decisions,
            recommendations: recommendations.collect(),
        }
    }

    /// The agenda's items in order, then those that it does not have any more.
    fn items(&self) -> Vec<Item> {
        let planned = self.plan.map_or(&[][..], |plan| &plan.items);
        let of = |item: &ItemId, title: &str, minutes| Item {
            item: item.clone(),
            title: title.to_owned(),
            planned_minutes: minutes,
            started: self.started.get(item).map(|at| self.names.when(*at)),
        };
        let known: BTreeSet<&ItemId> = planned.iter().map(|item| &item.id).collect();
        let dropped = self.started.keys().filter(|item| !known.contains(item));
        planned
            .iter()
            .map(|item| of(&item.id, &item.title, Some(item.minutes)))
            .chain(dropped.map(|item| of(item, item.as_str(), None)))
            .collect()
    }
}

fn by_item(session: &SessionId, items: &[Item], turns: &[Turn]) -> Vec<ByItem> {
    let of = |item: Option<&Item>| {
        let id = item.map(|item| &item.item);
        let spoken = turns
            .iter()
            .filter(|turn| turn.item.as_ref() == id && turn.spoken_ms > Millis(0));
        ByItem {
            session: session.clone(),
            item: id.cloned(),
            title: item.map_or(String::new(), |item| item.title.clone()),
            turns: spoken.clone().count() as u64,
            spoken_ms: spoken.fold(Millis(0), |all, turn| all + turn.spoken_ms),
        }
    };
    let outside = of(None);
    let outside = (outside.turns > 0).then_some(outside);
    items
        .iter()
        .map(|item| of(Some(item)))
        .chain(outside)
        .collect()
}

impl Speaking {
    /// Of turns in which something was said.
    pub(super) fn of<'t>(turns: impl IntoIterator<Item = &'t Turn>, by_item: Vec<ByItem>) -> Self {
        let mut members: BTreeMap<&MemberId, ByMember> = BTreeMap::new();
        let mut delegations: BTreeMap<Option<&str>, ByDelegation> = BTreeMap::new();
        for turn in turns {
            if turn.spoken_ms == Millis(0) {
                continue;
            }
            let person = &turn.person;
            let member = members.entry(&person.member).or_insert_with(|| ByMember {
                person: person.clone(),
                turns: 0,
                spoken_ms: Millis(0),
            });
            member.turns += 1;
            member.spoken_ms = member.spoken_ms + turn.spoken_ms;
            let id = person.delegation.as_ref();
            let delegation = delegations
                .entry(id.map(|id| id.as_str()))
                .or_insert_with(|| ByDelegation {
                    delegation: id.cloned(),
                    delegation_name: person.delegation_name.clone(),
                    turns: 0,
                    spoken_ms: Millis(0),
                });
            delegation.turns += 1;
            delegation.spoken_ms = delegation.spoken_ms + turn.spoken_ms;
        }
        let mut speaking = Self {
            by_member: members.into_values().collect(),
            by_delegation: delegations.into_values().collect(),
            by_item,
        };
        // Stable: of equal times, by id.
        speaking
            .by_member
            .sort_by_key(|it| std::cmp::Reverse(it.spoken_ms));
        speaking
            .by_delegation
            .sort_by_key(|it| std::cmp::Reverse(it.spoken_ms));
        speaking
    }
}
