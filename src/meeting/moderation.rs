//! Mute, ask to unmute, unmute, remove.
//!
//! A mute belongs to the member, not to the turn: it outlasts a turn and a new connection, until
//! the member opens the microphone again. Nobody's microphone is opened without the member.

use crate::{
    ids::MemberId,
    meeting::{
        draft::Draft,
        event::{Event, LeaveReason},
        presence::{Microphone, leave},
        refusal::Refusal,
        roster::Role,
    },
};

/// Shuts the microphone of somebody who is heard, or would be but for the pause.
pub(super) fn mute(draft: &mut Draft, by: &MemberId, member: &MemberId) -> Result<(), Refusal> {
    draft.require_present(member)?;
    let has_voice = match draft.require_seat(member)?.role {
        Role::Chair | Role::Podium => draft.state.has_media(),
        Role::Delegate => draft.floor.turn_of(member).is_some(),
        Role::Organiser | Role::Interpreter | Role::Observer | Role::Technician => false,
    };
    if !has_voice {
        return Err(Refusal::not_now(format!(
            "{member} is not heard now: there is nothing to mute."
        )));
    }
    if let Some(Microphone::Shut { asked: false, .. }) = draft.presence.microphone(member) {
        return Err(Refusal::not_now(format!("{member} is muted already.")));
    }
    draft.push(Event::MemberMuted {
        member: member.clone(),
        by: by.clone(),
    });
    Ok(())
}

pub(super) fn ask_unmute(
    draft: &mut Draft,
    by: &MemberId,
    member: &MemberId,
) -> Result<(), Refusal> {
    draft.require_present(member)?;
    match draft.presence.microphone(member) {
        Some(Microphone::Shut { asked: false, .. }) => {}
        Some(Microphone::Shut { asked: true, .. }) => {
            return Err(Refusal::not_now(format!(
                "{member} has been asked already: wait until the microphone is opened."
            )));
        }
        Some(Microphone::Open) | None => {
            return Err(Refusal::not_now(format!("{member} is not muted.")));
        }
    }
    draft.push(Event::MemberUnmuteAsked {
        member: member.clone(),
        by: by.clone(),
    });
    Ok(())
}

/// A chair opens its own microphone at any time, others when they were asked.
pub(super) fn unmute(draft: &mut Draft, member: &MemberId) -> Result<(), Refusal> {
    let is_chair = draft.require_seat(member)?.role == Role::Chair;
    match draft.presence.microphone(member) {
        Some(Microphone::Shut { asked, .. }) if *asked || is_chair => {}
        Some(Microphone::Shut { .. }) => {
            return Err(Refusal::not_now(
                "A chair muted you: wait until a chair asks you to open your microphone.",
            ));
        }
        Some(Microphone::Open) | None => {
            return Err(Refusal::not_now("You are not muted."));
        }
    }
    draft.push(Event::MemberUnmuted {
        member: member.clone(),
    });
    Ok(())
}

/// Sends a member out for the rest of the session, reopened or not.
pub(super) fn remove(draft: &mut Draft, by: &MemberId, member: &MemberId) -> Result<(), Refusal> {
    draft.require_present(member)?;
    if by == member {
        return Err(Refusal::not_now(
            "You cannot remove yourself: leave the session instead.",
        ));
    }
    leave(draft, member, LeaveReason::Removed, Some(by))
}
