//! What a chair does to turns that are on: priority before them, more time, their clocks held.

use crate::{
    ids::MemberId,
    meeting::{
        draft::Draft,
        event::{EndReason, Event, TurnNumber},
        giving::{end_turns, no_turn},
        list::lower_hands,
        refusal::{Refusal, RefusalCode},
        session::SessionState,
    },
    time::Millis,
};

/// The longest that a turn can become by being extended.
const EXTENDED_MAX: Millis = Millis::from_secs(4 * 60 * 60);
/// One extension, at most and at least.
const EXTENSION: std::ops::RangeInclusive<Millis> =
    Millis::from_secs(1)..=Millis::from_secs(60 * 60);

/// Lets nobody but chairs be heard until it is released; with `clear` the floor is empty then.
pub(super) fn take_priority(draft: &mut Draft, by: &MemberId, clear: bool) -> Result<(), Refusal> {
    match draft.state {
        SessionState::Live => {}
        SessionState::Paused
        | SessionState::Scheduled
        | SessionState::Prepared
        | SessionState::Closed => {
            return Err(Refusal::not_now(
                "Nobody but chairs is heard now: just speak.",
            ));
        }
    }
    let has_it = draft.floor.priority() == Some(by);
    if has_it && !clear {
        return Err(Refusal::not_now("You have priority already: just speak."));
    }
    if clear {
        end_turns(draft, EndReason::Stopped, by);
        lower_hands(draft, by, |_| true);
    }
    if !has_it {
        draft.push(Event::PriorityTaken { by: by.clone() });
    }
    Ok(())
}

pub(super) fn release_priority(draft: &mut Draft, by: &MemberId) -> Result<(), Refusal> {
    if draft.floor.priority().is_none() {
        return Err(Refusal::not_now("No chair has priority."));
    }
    draft.push(Event::PriorityReleased {
        by: Some(by.clone()),
    });
    Ok(())
}

/// Gives a turn more time.
pub(super) fn extend_turn(
    draft: &mut Draft,
    by: &MemberId,
    member: &MemberId,
    by_ms: Millis,
    from_ms: Option<Millis>,
) -> Result<(), Refusal> {
    if !EXTENSION.contains(&by_ms) {
        return Err(Refusal::new(
            RefusalCode::Limit,
            format!(
                "A turn is extended by {} to {} ms at once, not by {}.",
                EXTENSION.start().0,
                EXTENSION.end().0,
                by_ms.0
            ),
        ));
    }
    draft.require_present(member)?;
    let Some(turn) = draft.floor.turn_of(member) else {
        return Err(no_turn(member));
    };
    if from_ms.is_some_and(|seen| seen != turn.limit) {
        return Err(Refusal::conflict(format!(
            "The turn of {member} has been given another length meanwhile: {} s now.",
            turn.limit.0 / 1000
        )));
    }
    let (turn, limit_ms) = (turn.number, turn.limit + by_ms);
    if limit_ms > EXTENDED_MAX {
        return Err(Refusal::new(
            RefusalCode::Limit,
            "This turn has been extended for long enough: give the floor anew.",
        ));
    }
    draft.push(Event::FloorExtended {
        turn,
        member: member.clone(),
        limit_ms,
        by: by.clone(),
    });
    Ok(())
}

/// Holds the clock of a turn until a chair resumes it.
pub(super) fn pause_clock(
    draft: &mut Draft,
    by: &MemberId,
    member: &MemberId,
) -> Result<(), Refusal> {
    let (turn, held) = clock_of(draft, member)?;
    if held {
        return Err(Refusal::not_now(format!(
            "The clock of {member} is held already."
        )));
    }
    draft.push(Event::FloorClockPaused {
        turn,
        member: member.clone(),
        by: Some(by.clone()),
    });
    Ok(())
}

/// Lets the clock of a turn run on.
pub(super) fn resume_clock(
    draft: &mut Draft,
    by: &MemberId,
    member: &MemberId,
) -> Result<(), Refusal> {
    let (turn, held) = clock_of(draft, member)?;
    if !held {
        return Err(Refusal::not_now(format!(
            "The clock of {member} is not held."
        )));
    }
    draft.push(Event::FloorClockResumed {
        turn,
        member: member.clone(),
        by: by.clone(),
    });
    Ok(())
}

/// The member's turn and whether its clock is held.
fn clock_of(draft: &Draft, member: &MemberId) -> Result<(TurnNumber, bool), Refusal> {
    draft.require_present(member)?;
    let turn = draft.floor.turn_of(member);
    turn.map(|turn| (turn.number, turn.held))
        .ok_or_else(|| no_turn(member))
}

#[cfg(test)]
mod tests {
    use crate::meeting::{agenda::FloorMode, script};

    #[test]
    fn priority_silences_all_but_chairs_and_holds_the_clock() {
        script::live(FloorMode::Open, 1).check(
            "
            0  a request          -> requested a; granted 1 a
            0  b request          -> requested b
            0  media heard a      -> confirmed 1 a; started 1 a
            5  chair-2 priority   -> priority by chair-2
            5  ? heard            -> chair-1 chair-2
            5  chair-2 priority   -> no: not_now
            6  media heard a      -> nothing
            10 chair-1 release    -> priority released by chair-1
            10 chair-1 release    -> no: not_now
            10 ? heard            -> a chair-1 chair-2 guest
            12 ? spent a          -> 7
            13 chair-1 priority clear -> ended 1 a stopped 8 by chair-1; withdrawn b by chair-1; priority by chair-1
            14 c request          -> requested c
            20 chair-1 release    -> priority released by chair-1; granted 2 c
            21 chair-1 priority   -> priority by chair-1
            22 chair-1 lost       -> lost chair-1; priority released
            ",
        );
    }

    #[test]
    fn a_turn_is_no_longer_than_its_delegation_has_left() {
        let mut script = script::live_with(script::profile("budget_ms = 400000"));
        script.check(
            "
            0   a request       -> requested a
            0   chair-1 next    -> granted 1 a by chair-1
            0   media heard a   -> confirmed 1 a; started 1 a
            0   ? deadline      -> 240
            240 clock passed    -> warned 1 a 60
            290 a yield         -> ended 1 a finished 290
            290 b request       -> requested b
            290 chair-1 next    -> granted 2 b by chair-1
            290 media heard b   -> confirmed 2 b; started 2 b
            290 ? deadline      -> 340
            340 clock passed    -> warned 2 b 60
            400 clock passed    -> overtime 2 b
            401 b yield         -> ended 2 b finished 111
            402 a request       -> no: budget_used
            402 a request point_of_order -> requested point_of_order a (point)
            403 c request       -> requested c
            404 chair-1 grant a speech -> granted 3 a by chair-1
            ",
        );
    }
}
