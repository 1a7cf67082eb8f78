//! Who may come in, who is in the room and under what name, who was removed.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    ids::MemberId,
    meeting::{
        draft::Draft,
        event::{EndReason, Event, LeaveReason},
        giving::end_turn,
        refusal::{Refusal, RefusalCode},
        roster::Role,
        session::SessionState,
        state::Meeting,
    },
};

/// A microphone as the chairs have left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Microphone {
    Open,
    Shut {
        by: MemberId,
        /// Whether the member has been asked to open it again.
        asked: bool,
    },
}

/// A member in the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attendee {
    pub(super) name: String,
    pub(super) microphone: Microphone,
}

/// Everybody in the room, and what is remembered of those who are not. Bounded by the roster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Presence {
    here: BTreeMap<MemberId, Attendee>,
    /// Those who went out muted, and who muted them: going out and in again must not unmute.
    muted_away: BTreeMap<MemberId, MemberId>,
    removed: BTreeSet<MemberId>,
}

impl Presence {
    pub(super) fn here(&self) -> &BTreeMap<MemberId, Attendee> {
        &self.here
    }

    pub(super) fn contains(&self, member: &MemberId) -> bool {
        self.here.contains_key(member)
    }

    pub(super) fn microphone_open(&self, member: &MemberId) -> bool {
        self.microphone(member) == Some(&Microphone::Open)
    }

    pub(super) fn microphone(&self, member: &MemberId) -> Option<&Microphone> {
        self.here.get(member).map(|attendee| &attendee.microphone)
    }

    pub(super) fn mute(&mut self, member: &MemberId, by: &MemberId) {
        if let Some(attendee) = self.here.get_mut(member) {
            attendee.microphone = Microphone::Shut {
                by: by.clone(),
                asked: false,
            };
            self.muted_away.remove(member);
        }
    }

    pub(super) fn ask_unmute(&mut self, member: &MemberId) {
        let attendee = self.here.get_mut(member);
        if let Some(Microphone::Shut { asked, .. }) = attendee.map(|it| &mut it.microphone) {
            *asked = true;
        }
    }

    pub(super) fn unmute(&mut self, member: &MemberId) {
        if let Some(attendee) = self.here.get_mut(member) {
            attendee.microphone = Microphone::Open;
        }
    }

    pub(super) fn come(&mut self, member: &MemberId, name: &str) {
        if let Some(attendee) = self.here.get_mut(member) {
            attendee.name = name.to_owned();
            return;
        }
        let attendee = Attendee {
            name: name.to_owned(),
            microphone: Microphone::Open,
        };
        self.here.insert(member.clone(), attendee);
    }

    pub(super) fn go(&mut self, member: &MemberId, reason: LeaveReason) {
        let gone = self.here.remove(member);
        if let Some(Microphone::Shut { by, asked: _ }) = gone.map(|attendee| attendee.microphone) {
            self.muted_away.insert(member.clone(), by);
        }
        if reason == LeaveReason::Removed {
            self.removed.insert(member.clone());
        }
    }
}

impl Meeting {
    /// Whether the member may come into the room in its present state. Somebody who is in the
    /// room may stay whatever the state becomes.
    pub fn may_enter(&self, member: &MemberId) -> Result<(), Refusal> {
        let seat = self.require_seat(member)?;
        if self.presence.removed.contains(member) {
            return Err(Refusal::new(
                RefusalCode::Removed,
                "A chair removed you from this session. Ask the chair if this was a mistake.",
            ));
        }
        let admitted = match (seat.role, self.state) {
            (Role::Chair | Role::Organiser, _) => true,
            (Role::Podium | Role::Interpreter, state) => state.has_media(),
            (Role::Delegate | Role::Observer | Role::Technician, state) => match state {
                SessionState::Live | SessionState::Paused => true,
                SessionState::Scheduled | SessionState::Prepared | SessionState::Closed => false,
            },
        };
        if admitted {
            return Ok(());
        }
        let message = match self.state {
            SessionState::Closed => "This session is closed. Look at what is on now.",
            SessionState::Scheduled
            | SessionState::Prepared
            | SessionState::Live
            | SessionState::Paused => {
                "This session has not been opened yet. Wait here: you can come in as soon as a \
                 chair opens it."
            }
        };
        Err(Refusal::new(RefusalCode::NotOpen, message))
    }

    pub(super) fn require_present(&self, member: &MemberId) -> Result<(), Refusal> {
        if self.presence.contains(member) {
            return Ok(());
        }
        Err(Refusal::new(
            RefusalCode::UnknownMember,
            format!("{member} is not in the room."),
        ))
    }
}

/// A member who is here already (on a newer device) needs an event only for a new name.
pub(super) fn join(
    draft: &mut Draft,
    member: &MemberId,
    name: Option<&str>,
) -> Result<(), Refusal> {
    draft.may_enter(member)?;
    let given = tidy(name.unwrap_or_default());
    let chars_max = draft.settings.name_chars_max;
    if given.chars().count() > chars_max {
        return Err(Refusal::new(
            RefusalCode::Limit,
            format!("A name has {chars_max} characters at most: choose a shorter one."),
        ));
    }
    let name = if given.is_empty() {
        draft.require_seat(member)?.name.clone()
    } else {
        given
    };
    if draft.presence.here.get(member).map(|it| &it.name) == Some(&name) {
        return Ok(());
    }
    draft.push(Event::MemberJoined {
        member: member.clone(),
        name,
    });
    if let Some(by) = draft.presence.muted_away.get(member).cloned() {
        draft.push(Event::MemberMuted {
            member: member.clone(),
            by,
        });
    }
    Ok(())
}

/// Somebody who is not here any more has left already; that is no fault.
pub(super) fn leave(
    draft: &mut Draft,
    member: &MemberId,
    reason: LeaveReason,
    by: Option<&MemberId>,
) -> Result<(), Refusal> {
    if !draft.presence.contains(member) {
        return Ok(());
    }
    if draft.floor.turn_of(member).is_some() {
        end_turn(draft, member, EndReason::Gone, by)?;
    }
    draft.push(Event::MemberLeft {
        member: member.clone(),
        reason,
        by: by.cloned(),
    });
    Ok(())
}

/// One line, without what could turn the text around it or hide in it.
fn tidy(name: &str) -> String {
    let visible: String = name
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !is_direction_mark(*c))
        .collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The Unicode characters that override or isolate the direction of text (UAX #9).
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}
