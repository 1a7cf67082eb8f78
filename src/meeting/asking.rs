//! A member asks for the floor, thinks better of it, gives it back.

use crate::{
    ids::MemberId,
    meeting::{
        agenda::FloorMode,
        draft::Draft,
        event::{EndReason, Event},
        giving::end_turn,
        refusal::{Refusal, RefusalCode},
        roster::Role,
        session::SessionState,
    },
};

/// Raises the hand. Where the mode gives the floor by itself and a microphone is free, the grant
/// follows in the same decision (see [`fill_microphones`](crate::meeting::giving)).
pub(super) fn request(draft: &mut Draft, member: &MemberId) -> Result<(), Refusal> {
    match draft.require_seat(member)?.role {
        Role::Delegate => {}
        Role::Chair => {
            return Err(Refusal::not_now(
                "A chair is always heard and needs no floor: just speak.",
            ));
        }
        Role::Podium => {
            return Err(Refusal::not_now(
                "Your microphone may always open and needs no floor: just speak.",
            ));
        }
        Role::Organiser | Role::Interpreter | Role::Observer | Role::Technician => {
            return Err(Refusal::new(
                RefusalCode::NotAllowed,
                "Your role does not take the floor.",
            ));
        }
    }
    match draft.state {
        SessionState::Live | SessionState::Paused => {}
        SessionState::Scheduled | SessionState::Prepared | SessionState::Closed => {
            return Err(Refusal::not_now(
                "Hands can be raised while the session is open.",
            ));
        }
    }
    if draft.floor.turn_of(member).is_some() {
        return Err(Refusal::not_now("You have the floor already: speak."));
    }
    if draft.floor.has_hand(member) {
        return Err(Refusal::not_now(
            "Your hand is up already: wait for your turn.",
        ));
    }
    let granted_at_once = draft.state == SessionState::Live
        && draft.floor.mode == FloorMode::Open
        && draft.floor.has_free_microphone()
        && draft.presence.microphone_open(member);
    let full = draft.floor.hands().len() >= usize::from(draft.floor.queue_max);
    if full && !granted_at_once {
        return Err(Refusal::new(
            RefusalCode::QueueFull,
            "The list of speakers is full: try again when somebody has spoken.",
        ));
    }
    draft.push(Event::FloorRequested {
        member: member.clone(),
    });
    Ok(())
}

pub(super) fn withdraw(draft: &mut Draft, member: &MemberId) -> Result<(), Refusal> {
    if !draft.floor.has_hand(member) {
        return Err(Refusal::not_now("Your hand is not up."));
    }
    draft.push(Event::FloorWithdrawn {
        member: member.clone(),
        by: member.clone(),
    });
    Ok(())
}

pub(super) fn give_back(draft: &mut Draft, member: &MemberId) -> Result<(), Refusal> {
    if draft.floor.turn_of(member).is_none() {
        return Err(Refusal::not_now("You do not have the floor."));
    }
    end_turn(draft, member, EndReason::Finished, None)
}
