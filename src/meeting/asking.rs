//! A member asks for the floor, thinks better of it, gives it back.

use crate::{
    ids::MemberId,
    meeting::{
        agenda::FloorMode,
        draft::Draft,
        event::{EndReason, Event},
        giving::{end_turn, give_at_once, gives_at_once, has_used_budget},
        list::{raise, require_room},
        queue::{HandKind, Level},
        refusal::{Refusal, RefusalCode},
        roster::Role,
        session::SessionState,
    },
};

/// Raises the hand. Where the mode gives the floor at once, the grant follows in the same decision.
pub(super) fn request(draft: &mut Draft, member: &MemberId, kind: HandKind) -> Result<(), Refusal> {
    require_asker(draft, member)?;
    if draft.floor.turn_of(member).is_some() {
        return Err(Refusal::not_now("You have the floor already: speak."));
    }
    if draft.floor.hand(member, kind.is_point()).is_some() {
        return Err(Refusal::not_now(
            "Your hand is up already: wait for your turn.",
        ));
    }
    if draft.profile.mode == FloorMode::Operator && !kind.is_point() {
        return Err(Refusal::not_now(
            "The chair calls the speakers now: hands are not raised.",
        ));
    }
    let at_once = kind == HandKind::Speech && gives_at_once(draft, member);
    match kind.level() {
        // It interrupts, and everybody has one.
        Level::Point => {}
        Level::Response => {
            require_open_queue(draft)?;
            let hands = draft.floor.hands().iter();
            let waiting = hands.filter(|hand| hand.kind == HandKind::Response).count();
            if waiting >= draft.settings.responses_max {
                return Err(Refusal::new(
                    RefusalCode::QueueFull,
                    "As many replies wait as may: try again when one has been heard.",
                ));
            }
        }
        Level::Speech => {
            if has_used_budget(draft, member) {
                return Err(Refusal::new(
                    RefusalCode::BudgetUsed,
                    "Your delegation has used up its speaking time. Ask the chair for more.",
                ));
            }
            if !at_once {
                require_open_queue(draft)?;
                require_room(draft)?;
            }
        }
    }
    raise(draft, member, kind, None);
    if at_once {
        give_at_once(draft, member);
    }
    Ok(())
}

/// Whether the member is one who asks for the floor, at a time when that is done.
fn require_asker(draft: &Draft, member: &MemberId) -> Result<(), Refusal> {
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
    if draft.desk.blocked.contains(member) {
        return Err(Refusal::new(
            RefusalCode::Blocked,
            "The chair does not take your hand at present. Write to the chair.",
        ));
    }
    Ok(())
}

fn require_open_queue(draft: &Draft) -> Result<(), Refusal> {
    if draft.floor.queue_closed {
        return Err(Refusal::not_now(
            "The chair has closed the list of speakers.",
        ));
    }
    Ok(())
}

pub(super) fn withdraw(draft: &mut Draft, member: &MemberId, point: bool) -> Result<(), Refusal> {
    if draft.floor.hand(member, point).is_none() {
        return Err(Refusal::not_now("Your hand is not up."));
    }
    draft.push(Event::FloorWithdrawn {
        member: member.clone(),
        by: Some(member.clone()),
        point,
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
