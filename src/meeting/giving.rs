//! The floor is given and taken back: by a chair, or by the mode.

use crate::{
    ids::MemberId,
    meeting::{
        agenda::FloorMode,
        draft::Draft,
        event::{EndReason, Event, TurnNumber},
        floor::MICROPHONES_MAX,
        presence::Microphone,
        refusal::{Refusal, RefusalCode},
        roster::Role,
        session::SessionState,
    },
};

pub(super) fn next(
    draft: &mut Draft,
    by: &MemberId,
    after_turn: Option<TurnNumber>,
) -> Result<(), Refusal> {
    require_live(draft)?;
    require_up_to_date(draft, after_turn)?;
    if draft.floor.hands().is_empty() {
        return Err(Refusal::not_now("No hand is raised."));
    }
    // Who is lost keeps the place and is passed over.
    let mut hands = draft.floor.hands().iter().map(|hand| &hand.member);
    let Some(member) = hands.find(|member| !draft.is_lost(member)).cloned() else {
        return Err(Refusal::not_now(
            "Everybody in the list has lost the connection: wait a moment.",
        ));
    };
    clear_microphone(draft, by)?;
    offer(draft, &member, Some(by));
    Ok(())
}

pub(super) fn grant(
    draft: &mut Draft,
    by: &MemberId,
    member: &MemberId,
    after_turn: Option<TurnNumber>,
) -> Result<(), Refusal> {
    require_live(draft)?;
    draft.require_present(member)?;
    match draft.require_seat(member)?.role {
        Role::Delegate => {}
        Role::Chair | Role::Podium => {
            return Err(Refusal::not_now(format!(
                "{member} is heard without the floor and needs no grant."
            )));
        }
        Role::Organiser | Role::Interpreter | Role::Observer | Role::Technician => {
            return Err(Refusal::new(
                RefusalCode::NotAllowed,
                format!("{member}'s role does not take the floor."),
            ));
        }
    }
    require_up_to_date(draft, after_turn)?;
    if draft.is_lost(member) {
        return Err(Refusal::not_now(format!(
            "{member} has lost the connection: wait a moment."
        )));
    }
    if draft.floor.turn_of(member).is_some() {
        return Err(Refusal::not_now(format!("{member} has the floor already.")));
    }
    clear_microphone(draft, by)?;
    offer(draft, member, Some(by));
    Ok(())
}

pub(super) fn stop(draft: &mut Draft, by: &MemberId, member: &MemberId) -> Result<(), Refusal> {
    draft.require_present(member)?;
    end_turn(draft, member, EndReason::Stopped, Some(by))
}

pub(super) fn remove_hand(
    draft: &mut Draft,
    by: &MemberId,
    member: &MemberId,
) -> Result<(), Refusal> {
    draft.require_present(member)?;
    if !draft.floor.has_hand(member) {
        return Err(Refusal::not_now(format!("{member}'s hand is not up.")));
    }
    draft.push(Event::FloorWithdrawn {
        member: member.clone(),
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

fn no_turn(member: &MemberId) -> Refusal {
    Refusal::not_now(format!("{member} does not have the floor."))
}

/// A lowered limit ends nobody's turn, it only gives no new one.
pub(super) fn configure(
    draft: &mut Draft,
    by: Option<&MemberId>,
    mode: FloorMode,
    microphones: u8,
) -> Result<(), Refusal> {
    if !(1..=MICROPHONES_MAX).contains(&microphones) {
        return Err(Refusal::new(
            RefusalCode::Limit,
            format!("The floor has 1 to {MICROPHONES_MAX} open microphones, not {microphones}."),
        ));
    }
    if (mode, microphones) == (draft.floor.mode, draft.floor.microphones) {
        return Ok(());
    }
    draft.push(Event::FloorConfigured {
        mode,
        microphones,
        by: by.cloned(),
    });
    Ok(())
}

/// Ends a member's turn; refused when there is none.
pub(super) fn end_turn(
    draft: &mut Draft,
    member: &MemberId,
    reason: EndReason,
    by: Option<&MemberId>,
) -> Result<(), Refusal> {
    let Some(turn) = draft.floor.turn_of(member) else {
        return Err(no_turn(member));
    };
    let event = Event::FloorEnded {
        turn: turn.number,
        member: member.clone(),
        reason,
        by: by.cloned(),
        spoken_ms: turn.spent(draft.now),
        requeued: false,
    };
    draft.push(event);
    Ok(())
}

/// In the mode `open`, gives every free microphone to the next hand. Run at the end of every
/// decision, so that no microphone stays free while somebody could have it.
///
/// `passed_over` has just missed an offer and is at the head of the queue. The microphone goes to
/// the next hand behind it, so that one silent browser does not hold up everybody for two offers;
/// where nobody else waits it is offered again at once. A second miss lowers the hand, so neither
/// goes round in circles. A muted hand is passed over too: only a chair can ask it to speak. So is
/// one whose member is lost.
pub(super) fn fill_microphones(draft: &mut Draft, passed_over: Option<&MemberId>) {
    if draft.state != SessionState::Live || draft.floor.mode != FloorMode::Open {
        return;
    }
    while draft.floor.has_free_microphone() {
        let ready = |draft: &Draft, but: Option<&MemberId>| {
            let mut hands = draft.floor.hands().iter().map(|hand| &hand.member);
            hands
                .find(|it| draft.presence.microphone_open(it) && Some(*it) != but)
                .cloned()
        };
        let Some(member) = ready(draft, passed_over).or_else(|| ready(draft, None)) else {
            return;
        };
        offer(draft, &member, None);
    }
}

/// Offers the floor. A chair who gives it to somebody who is muted asks for the microphone too;
/// the offer's time begins when it is opened.
fn offer(draft: &mut Draft, member: &MemberId, by: Option<&MemberId>) {
    let turn = TurnNumber(draft.floor.last_turn.0.saturating_add(1));
    let limit_ms = draft.floor.turn_ms;
    draft.push(Event::FloorGranted {
        turn,
        member: member.clone(),
        by: by.cloned(),
        limit_ms,
    });
    let muted = matches!(
        draft.presence.microphone(member),
        Some(Microphone::Shut { asked: false, .. })
    );
    if let (true, Some(by)) = (muted, by) {
        draft.push(Event::MemberUnmuteAsked {
            member: member.clone(),
            by: by.clone(),
        });
    }
}

/// Makes sure that a microphone is free: the only speaker's turn ends for the next, but which of
/// several is to stop, the chair says.
fn clear_microphone(draft: &mut Draft, by: &MemberId) -> Result<(), Refusal> {
    if draft.floor.has_free_microphone() {
        return Ok(());
    }
    let only = match draft.floor.turns() {
        [only] => only.member.clone(),
        [] | [_, ..] => {
            return Err(Refusal::not_now(
                "All microphones are taken: stop a speaker first.",
            ));
        }
    };
    end_turn(draft, &only, EndReason::Stopped, Some(by))
}

fn require_live(draft: &Draft) -> Result<(), Refusal> {
    match draft.state {
        SessionState::Live => Ok(()),
        SessionState::Paused => Err(Refusal::not_now(
            "The session is paused: resume it to give the floor.",
        )),
        SessionState::Scheduled | SessionState::Prepared => Err(Refusal::not_now(
            "The session is not open yet: open it to give the floor.",
        )),
        SessionState::Closed => Err(Refusal::not_now(
            "The session is closed: reopen it to give the floor.",
        )),
    }
}

fn require_up_to_date(draft: &Draft, after_turn: Option<TurnNumber>) -> Result<(), Refusal> {
    let last = draft.floor.last_turn;
    if after_turn.is_some_and(|seen| seen != last) {
        return Err(Refusal::new(
            RefusalCode::Conflict,
            format!(
                "The floor has been given meanwhile: the last turn is {}. Look who has it.",
                last.0
            ),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::meeting::{agenda::FloorMode, script};

    #[test]
    fn next_ends_the_only_turn_and_gives_the_floor_to_the_head_of_the_queue() {
        script::live(FloorMode::Request, 1).check(
            "
            1  chair-1 next    -> no: not_now
            2  a request       -> requested a
            2  b request       -> requested b
            3  chair-1 next    -> granted 1 a by chair-1
            4  media heard a   -> confirmed 1 a; started 1 a
            9  chair-2 next    -> ended 1 a stopped 5 by chair-2; granted 2 b by chair-2
            9  ? heard         -> b chair-1 chair-2 guest
            10 chair-1 next    -> no: not_now
            10 ? heard         -> b chair-1 chair-2 guest
            ",
        );
    }

    #[test]
    fn two_chairs_pressing_next_at_once_advance_once() {
        script::live(FloorMode::Request, 1).check(
            "
            1 a request               -> requested a
            1 b request               -> requested b
            1 c request               -> requested c
            2 chair-1 next after=0    -> granted 1 a by chair-1
            2 chair-2 next after=0    -> no: conflict
            2 chair-2 grant b after=0 -> no: conflict
            2 chair-2 grant a after=0 -> no: conflict
            2 chair-1 next after=7    -> no: conflict
            3 chair-2 next after=1    -> ended 1 a stopped 0 by chair-2; granted 2 b by chair-2
            3 ? queue                 -> c
            ",
        );
    }

    #[test]
    fn of_several_speakers_a_chair_says_who_stops() {
        script::live(FloorMode::Request, 2).check(
            "
            1 a request       -> requested a
            1 b request       -> requested b
            1 c request       -> requested c
            2 chair-1 next    -> granted 1 a by chair-1
            2 chair-1 next    -> granted 2 b by chair-1
            3 chair-1 next    -> no: not_now
            3 chair-1 grant d -> no: not_now
            4 chair-1 stop b  -> ended 2 b stopped 0 by chair-1
            4 chair-1 stop b  -> no: not_now
            5 chair-1 next    -> granted 3 c by chair-1
            ",
        );
    }

    #[test]
    fn a_grant_goes_to_anybody_in_the_room_who_may_have_the_floor() {
        script::live(FloorMode::Request, 1).check(
            "
            1 a request             -> requested a
            1 b request             -> requested b
            1 f leave               -> left f left
            2 chair-1 grant b       -> granted 1 b by chair-1
            2 ? queue               -> a
            3 chair-1 grant b       -> no: not_now
            3 chair-1 grant guest   -> no: not_now
            3 chair-1 grant chair-2 -> no: not_now
            3 chair-1 grant watcher -> no: not_allowed
            3 chair-1 grant f       -> no: unknown_member
            3 chair-1 grant nobody  -> no: unknown_member
            3 chair-1 stop f        -> no: unknown_member
            4 chair-1 grant c       -> ended 1 b stopped 0 by chair-1; granted 2 c by chair-1
            ",
        );
    }

    #[test]
    fn a_lowered_limit_ends_nobodys_turn_and_gives_no_new_one() {
        script::live(FloorMode::Open, 3).check(
            "
            1 a request                  -> requested a; granted 1 a
            1 b request                  -> requested b; granted 2 b
            1 c request                  -> requested c; granted 3 c
            1 d request                  -> requested d
            2 chair-1 configure open 1   -> configured open 1 by chair-1
            2 ? heard                    -> a b c chair-1 chair-2 guest
            3 a yield                    -> ended 1 a finished 0
            3 chair-1 next               -> no: not_now
            4 b yield                    -> ended 2 b finished 0
            5 c yield                    -> ended 3 c finished 0; granted 4 d
            ",
        );
    }

    #[test]
    fn a_raised_limit_and_the_mode_open_give_the_floor_at_once() {
        script::live(FloorMode::Request, 1).check(
            "
            1 a request                    -> requested a
            1 b request                    -> requested b
            1 c request                    -> requested c
            2 chair-1 configure request 2  -> configured request 2 by chair-1
            3 chair-1 configure open 2     -> configured open 2 by chair-1; granted 1 a; granted 2 b
            4 chair-1 configure open 25    -> configured open 25 by chair-1; granted 3 c
            5 chair-1 configure open 25    -> nothing
            6 chair-1 configure open 26    -> no: limit
            6 chair-1 configure open 0     -> no: limit
            7 a configure open 5           -> no: not_allowed
            ",
        );
    }

    #[test]
    fn next_in_the_mode_open_does_not_let_two_follow() {
        script::live(FloorMode::Open, 1).check(
            "
            1 a request    -> requested a; granted 1 a
            1 b request    -> requested b
            1 c request    -> requested c
            2 chair-1 next -> ended 1 a stopped 0 by chair-1; granted 2 b by chair-1
            2 ? queue      -> c
            ",
        );
    }
}
