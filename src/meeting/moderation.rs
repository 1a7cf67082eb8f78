//! Mute, ask to unmute, unmute; block; stop a picture; remove.
//!
//! A mute belongs to the member, not to the turn: it outlasts a turn and a new connection, until
//! the member opens the microphone again. Nobody's microphone is opened without the member.

use crate::{
    ids::MemberId,
    meeting::{
        draft::Draft,
        event::{EndReason, Event, LeaveReason, PictureSource},
        giving::end_turn,
        list::lower_hands,
        presence::{Microphone, leave},
        refusal::{Refusal, RefusalCode},
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

/// Takes no hands of a delegate any more: those that are up go down, a turn ends.
pub(super) fn block(draft: &mut Draft, by: &MemberId, member: &MemberId) -> Result<(), Refusal> {
    draft.require_present(member)?;
    if draft.require_seat(member)?.role != Role::Delegate {
        return Err(Refusal::not_now(format!("{member} raises no hands.")));
    }
    if draft.desk.blocked.contains(member) {
        return Err(Refusal::not_now(format!("{member} is blocked already.")));
    }
    if draft.floor.turn_of(member).is_some() {
        end_turn(draft, member, EndReason::Stopped, Some(by))?;
    }
    lower_hands(draft, by, |hand| hand.member == *member);
    draft.push(Event::MemberBlocked {
        member: member.clone(),
        by: by.clone(),
    });
    Ok(())
}

pub(super) fn unblock(draft: &mut Draft, by: &MemberId, member: &MemberId) -> Result<(), Refusal> {
    if !draft.desk.blocked.contains(member) {
        return Err(Refusal::not_now(format!("{member} is not blocked.")));
    }
    draft.push(Event::MemberUnblocked {
        member: member.clone(),
        by: by.clone(),
    });
    Ok(())
}

/// Takes a picture away, which the member cannot bring back before a chair allows it.
pub(super) fn stop_picture(
    draft: &mut Draft,
    by: &MemberId,
    member: &MemberId,
    source: PictureSource,
) -> Result<(), Refusal> {
    draft.require_present(member)?;
    if !draft.has_pictures(member) {
        return Err(Refusal::not_now(format!("{member} shows no pictures.")));
    }
    if draft.desk.stopped.contains(&(member.clone(), source)) {
        return Err(Refusal::not_now(format!(
            "The {} of {member} is stopped already.",
            source.as_str()
        )));
    }
    draft.push(Event::PictureStopped {
        member: member.clone(),
        source,
        by: by.clone(),
    });
    Ok(())
}

pub(super) fn allow_picture(
    draft: &mut Draft,
    by: &MemberId,
    member: &MemberId,
    source: PictureSource,
) -> Result<(), Refusal> {
    if !draft.desk.stopped.contains(&(member.clone(), source)) {
        return Err(Refusal::not_now(format!(
            "The {} of {member} is not stopped.",
            source.as_str()
        )));
    }
    draft.push(Event::PictureAllowed {
        member: member.clone(),
        source,
        by: by.clone(),
    });
    Ok(())
}

/// Sends a member out; with a ban for the rest of the session, reopened or not.
pub(super) fn remove(
    draft: &mut Draft,
    by: &MemberId,
    member: &MemberId,
    ban: bool,
) -> Result<(), Refusal> {
    draft.require_present(member)?;
    if by == member {
        return Err(Refusal::not_now(
            "You cannot remove yourself: leave the session instead.",
        ));
    }
    let reason = if ban {
        LeaveReason::Banned
    } else {
        LeaveReason::Removed
    };
    leave(draft, member, reason, Some(by))
}

pub(super) fn unban(draft: &mut Draft, by: &MemberId, member: &MemberId) -> Result<(), Refusal> {
    if !draft.presence.banned().contains(member) {
        return Err(Refusal::new(
            RefusalCode::UnknownMember,
            format!("{member} was not removed for good."),
        ));
    }
    draft.push(Event::MemberUnbanned {
        member: member.clone(),
        by: by.clone(),
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::meeting::{agenda::FloorMode, script};

    #[test]
    fn a_mute_shuts_the_microphone_and_holds_the_clock_until_it_is_opened_again() {
        script::live(FloorMode::Request, 1).check(
            "
            1  a request        -> requested a
            2  chair-1 next     -> granted 1 a by chair-1
            3  media heard a    -> confirmed 1 a; started 1 a
            8  chair-1 mute a   -> muted a by chair-1
            8  ? heard          -> chair-1 chair-2 guest
            8  ? deadline       -> none
            9  chair-2 mute a   -> no: not_now
            9  a unmute         -> no: not_now
            10 chair-2 ask a    -> asked a by chair-2
            10 ? heard          -> chair-1 chair-2 guest
            10 chair-1 ask a    -> no: not_now
            20 a unmute         -> unmuted a
            20 ? heard          -> a chair-1 chair-2 guest
            20 a unmute         -> no: not_now
            21 ? spent a        -> 6
            21 chair-1 ask a    -> no: not_now
            22 a yield          -> ended 1 a finished 7
            ",
        );
    }

    #[test]
    fn a_mute_during_the_offer_holds_the_offer() {
        script::live(FloorMode::Request, 1).check(
            "
            1  chair-1 grant a  -> granted 1 a by chair-1
            1  ? deadline       -> 11
            10 chair-1 mute a   -> muted a by chair-1
            10 ? deadline       -> none
            30 clock passed     -> nothing
            31 chair-1 ask a    -> asked a by chair-1
            40 a unmute         -> unmuted a
            40 ? deadline       -> 50
            50 clock passed     -> missed 1 a, requeued
            ",
        );
    }

    #[test]
    fn a_chair_may_take_the_question_back() {
        script::live(FloorMode::Request, 1).check(
            "
            1 chair-1 mute guest -> muted guest by chair-1
            2 chair-1 ask guest  -> asked guest by chair-1
            3 chair-2 mute guest -> muted guest by chair-2
            4 guest unmute       -> no: not_now
            ",
        );
    }

    #[test]
    fn who_is_not_heard_cannot_be_muted() {
        script::live(FloorMode::Request, 1).check(
            "
            1 chair-1 mute a       -> no: not_now
            1 chair-1 mute watcher -> no: not_now
            1 chair-1 mute voice   -> no: not_now
            2 b leave              -> left b left
            3 chair-1 mute b       -> no: unknown_member
            3 chair-1 ask b        -> no: unknown_member
            3 chair-1 mute nobody  -> no: unknown_member
            ",
        );
    }

    #[test]
    fn chairs_open_their_own_microphones_at_any_time() {
        script::live(FloorMode::Request, 1).check(
            "
            1 chair-1 mute chair-2 -> muted chair-2 by chair-1
            1 ? heard              -> chair-1 guest
            2 chair-2 unmute       -> unmuted chair-2
            3 chair-1 mute chair-1 -> muted chair-1 by chair-1
            4 chair-1 unmute       -> unmuted chair-1
            4 ? heard              -> chair-1 chair-2 guest
            ",
        );
    }

    #[test]
    fn going_out_and_in_again_does_not_unmute() {
        script::live(FloorMode::Request, 1).check(
            "
            1 chair-1 mute guest -> muted guest by chair-1
            2 chair-2 ask guest  -> asked guest by chair-2
            3 guest grace-ended  -> left guest lost
            4 guest join         -> joined guest as GUEST; muted guest by chair-1
            4 guest unmute       -> no: not_now
            5 chair-1 ask guest  -> asked guest by chair-1
            6 guest unmute       -> unmuted guest
            7 guest leave        -> left guest left
            8 guest join         -> joined guest as GUEST
            ",
        );
    }

    #[test]
    fn giving_the_floor_to_somebody_muted_asks_for_the_microphone() {
        script::live(FloorMode::Request, 1).check(
            "
            1  chair-1 grant a -> granted 1 a by chair-1
            2  chair-1 mute a  -> muted a by chair-1
            3  chair-1 stop a  -> ended 1 a stopped 0 by chair-1
            4  a request       -> requested a
            5  chair-2 next    -> granted 2 a by chair-2; asked a by chair-2
            5  ? heard         -> chair-1 chair-2 guest
            60 clock passed    -> nothing
            61 a unmute        -> unmuted a
            61 ? heard         -> a chair-1 chair-2 guest
            61 ? deadline      -> 71
            ",
        );
    }

    #[test]
    fn a_mode_that_gives_the_floor_by_itself_passes_over_who_is_muted() {
        script::live(FloorMode::Open, 1).check(
            "
            1 a request      -> requested a; granted 1 a
            2 chair-1 mute a -> muted a by chair-1
            3 a yield        -> ended 1 a finished 0
            4 a request      -> requested a
            5 b request      -> requested b; granted 2 b
            6 b yield        -> ended 2 b finished 0
            7 chair-1 ask a  -> asked a by chair-1
            8 a unmute       -> unmuted a; granted 3 a
            ",
        );
    }

    #[test]
    fn who_is_removed_does_not_come_back() {
        script::live(FloorMode::Request, 1).check(
            "
            1 a request         -> requested a
            1 b request         -> requested b
            2 chair-1 next      -> granted 1 a by chair-1
            3 media heard a     -> confirmed 1 a; started 1 a
            5 chair-1 ban a     -> ended 1 a gone 2 by chair-1; left a banned by chair-1
            5 chair-1 ban b     -> left b banned by chair-1
            5 ? queue           ->
            6 a join            -> no: removed
            7 chair-1 close     -> closed by chair-1
            7 a join            -> no: removed
            8 chair-1 reopen    -> reopened by chair-1
            8 a join            -> no: removed
            8 chair-1 remove a  -> no: unknown_member
            9 chair-1 remove chair-1 -> no: not_now
            9 chair-1 ban chair-2    -> left chair-2 banned by chair-1
            9 chair-2 pause          -> no: not_now
            9 chair-2 join           -> no: removed
            10 chair-1 unban c       -> no: unknown_member
            10 chair-1 unban a       -> unbanned a by chair-1
            10 a join                -> joined a as A
            ",
        );
    }

    #[test]
    fn who_is_removed_without_a_ban_may_come_again() {
        script::live(FloorMode::Request, 1).check(
            "
            1 a request         -> requested a
            2 chair-1 remove a  -> left a removed by chair-1
            3 a join            -> joined a as A
            3 ? queue           ->
            ",
        );
    }

    #[test]
    fn who_is_blocked_has_no_hand_and_no_floor_until_unblocked() {
        script::live(FloorMode::Open, 1).check(
            "
            1 a request            -> requested a; granted 1 a
            1 b request            -> requested b
            1 b request point_of_order -> requested point_of_order b at 1 (point)
            2 chair-1 block b      -> withdrawn point b by chair-1; withdrawn b by chair-1; blocked b by chair-1
            2 chair-1 block b      -> no: not_now
            3 chair-1 block a      -> ended 1 a stopped 0 by chair-1; blocked a by chair-1
            3 ? heard              -> chair-1 chair-2 guest
            4 a request            -> no: blocked
            4 a request point_of_order -> no: blocked
            4 chair-1 grant a      -> no: blocked
            4 chair-1 insert a     -> no: blocked
            5 a leave              -> left a left
            6 a join               -> joined a as A
            6 a request            -> no: blocked
            7 chair-2 unblock a    -> unblocked a by chair-2
            7 chair-2 unblock a    -> no: not_now
            7 a request            -> requested a; granted 2 a
            8 chair-1 block guest  -> no: not_now
            ",
        );
    }

    #[test]
    fn a_picture_that_was_stopped_is_not_seen_until_it_is_allowed() {
        script::live(FloorMode::Open, 1).check(
            "
            1 chair-1 stop-picture a screen -> screen of a stopped by chair-1
            1 chair-1 stop-picture a screen -> no: not_now
            1 chair-1 stop-picture watcher camera -> no: not_now
            1 ? seen                        -> a b c chair-1 chair-2 d e f guest
            1 ? screens                     -> b c chair-1 chair-2 d e f guest
            2 chair-1 stop-picture b camera -> camera of b stopped by chair-1
            2 ? seen                        -> a c chair-1 chair-2 d e f guest
            3 a leave                       -> left a left
            4 a join                        -> joined a as A
            4 ? screens                     -> b c chair-1 chair-2 d e f guest
            5 chair-2 allow-picture a screen -> screen of a allowed by chair-2
            5 chair-2 allow-picture a screen -> no: not_now
            5 ? screens                     -> a b c chair-1 chair-2 d e f guest
            6 a stop-picture b camera       -> no: not_allowed
            ",
        );
    }
}
