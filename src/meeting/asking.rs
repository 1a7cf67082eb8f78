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

#[cfg(test)]
mod tests {
    use crate::meeting::{agenda::FloorMode, script};

    #[test]
    fn hands_wait_in_the_order_they_were_raised() {
        script::live(FloorMode::Request, 1).check(
            "
            1 b request   -> requested b
            2 a request   -> requested a
            3 c request   -> requested c
            3 b request   -> no: not_now
            3 ? queue     -> b a c
            4 b withdraw  -> withdrawn b
            4 b withdraw  -> no: not_now
            5 b request   -> requested b
            5 ? queue     -> a c b
            6 chair-1 lower c -> withdrawn c by chair-1
            6 chair-1 lower c -> no: not_now
            6 chair-1 lower nobody -> no: unknown_member
            6 ? queue     -> a b
            ",
        );
    }

    #[test]
    fn a_full_queue_takes_no_more() {
        script::live(FloorMode::Request, 1).check(
            "
            1 a request    -> requested a
            1 b request    -> requested b
            1 c request    -> requested c
            1 d request    -> requested d
            1 e request    -> no: queue_full
            2 a withdraw   -> withdrawn a
            2 e request    -> requested e
            ",
        );
    }

    #[test]
    fn open_gives_free_microphones_and_queues_the_rest() {
        script::live(FloorMode::Open, 3).check(
            "
            1 a request    -> requested a; granted 1 a
            1 b request    -> requested b; granted 2 b
            1 c request    -> requested c; granted 3 c
            1 d request    -> requested d
            1 e request    -> requested e
            1 ? heard      -> a b c chair-1 chair-2 guest
            2 b request    -> no: not_now
            3 b yield      -> ended 2 b finished 0; granted 4 d
            3 ? queue      -> e
            4 chair-1 stop d -> ended 4 d stopped 0 by chair-1; granted 5 e
            4 ? heard      -> a c chair-1 chair-2 e guest
            ",
        );
    }

    #[test]
    fn chairs_and_guests_are_told_to_just_speak() {
        script::live(FloorMode::Open, 3).check(
            "
            1 chair-1 request -> no: not_now
            1 guest request   -> no: not_now
            1 guest yield     -> no: not_now
            1 watcher request -> no: not_allowed
            1 voice request   -> no: not_allowed
            1 tech request    -> no: not_allowed
            1 organiser request -> no: not_allowed
            ",
        );
    }

    #[test]
    fn the_floor_is_given_back_offered_or_speaking() {
        script::live(FloorMode::Request, 1).check(
            "
            1  a yield           -> no: not_now
            2  chair-1 grant a   -> granted 1 a by chair-1
            3  a yield           -> ended 1 a finished 0
            4  chair-1 grant a   -> granted 2 a by chair-1
            5  media heard a     -> confirmed 2 a; started 2 a
            9  a yield           -> ended 2 a finished 4
            10 chair-1 grant b   -> granted 3 b by chair-1
            11 media heard b     -> confirmed 3 b; started 3 b
            14 b yield           -> ended 3 b finished 3
            14 ? spoken a        -> 4
            14 ? delegation indonesia -> 7
            14 ? delegation malaysia  -> 0
            ",
        );
    }
}
