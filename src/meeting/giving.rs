//! The floor is given and taken back: by a chair, or by the mode; and what the queue's order is then.

use crate::{
    ids::MemberId,
    meeting::{
        agenda::FloorMode,
        draft::Draft,
        event::{EndReason, Event, Placed, TurnNumber},
        floor::Hand,
        presence::Microphone,
        queue::{self, HandKind, Level},
        refusal::{Refusal, RefusalCode},
        roster::Role,
        session::SessionState,
        turn::Turn,
    },
    time::Millis,
};

pub(super) fn next(
    draft: &mut Draft,
    by: &MemberId,
    after_turn: Option<TurnNumber>,
) -> Result<(), Refusal> {
    require_giving(draft)?;
    require_up_to_date(draft, after_turn)?;
    if draft.floor.hands().is_empty() {
        return Err(Refusal::not_now("No hand is raised."));
    }
    // Who is lost keeps the place and is passed over, and so does whose delegation has no time left.
    let mut hands = draft.floor.hands().iter();
    let Some(hand) = hands.find(|hand| may_be_given(draft, hand) && is_in_time(draft, hand)) else {
        let mut hands = draft.floor.hands().iter();
        let why = if hands.any(|hand| may_be_given(draft, hand)) {
            "Those who wait have used up their delegations' speaking time: give the floor by name."
        } else {
            "Everybody in the list has lost the connection: wait a moment."
        };
        return Err(Refusal::not_now(why));
    };
    let (member, kind) = (hand.member.clone(), hand.kind);
    clear_microphone(draft, by, kind)?;
    offer(draft, &member, kind, Some(by));
    Ok(())
}

fn may_be_given(draft: &Draft, hand: &Hand) -> bool {
    !draft.is_lost(&hand.member) && draft.floor.turn_of(&hand.member).is_none()
}

fn is_in_time(draft: &Draft, hand: &Hand) -> bool {
    hand.kind != HandKind::Speech || !has_used_budget(draft, &hand.member)
}

pub(super) fn grant(
    draft: &mut Draft,
    by: &MemberId,
    member: &MemberId,
    kind: Option<HandKind>,
    after_turn: Option<TurnNumber>,
) -> Result<(), Refusal> {
    require_giving(draft)?;
    require_speaker(draft, member)?;
    require_up_to_date(draft, after_turn)?;
    if draft.is_lost(member) {
        return Err(Refusal::not_now(format!(
            "{member} has lost the connection: wait a moment."
        )));
    }
    if draft.floor.turn_of(member).is_some() {
        return Err(Refusal::not_now(format!("{member} has the floor already.")));
    }
    let hands = [
        draft.floor.hand(member, false),
        draft.floor.hand(member, true),
    ];
    let raised = hands.into_iter().flatten().map(|hand| hand.kind).next();
    let kind = kind.or(raised).unwrap_or_default();
    clear_microphone(draft, by, kind)?;
    offer(draft, member, kind, Some(by));
    Ok(())
}

pub(super) fn stop(draft: &mut Draft, by: &MemberId, member: &MemberId) -> Result<(), Refusal> {
    draft.require_present(member)?;
    end_turn(draft, member, EndReason::Stopped, Some(by))
}

pub(super) fn stop_all(draft: &mut Draft, by: &MemberId) -> Result<(), Refusal> {
    if draft.floor.turns().is_empty() {
        return Err(Refusal::not_now("Nobody has the floor."));
    }
    end_turns(draft, EndReason::Stopped, by);
    Ok(())
}

pub(super) fn no_turn(member: &MemberId) -> Refusal {
    Refusal::not_now(format!("{member} does not have the floor."))
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

/// Ends every turn.
pub(super) fn end_turns(draft: &mut Draft, reason: EndReason, by: &MemberId) {
    while let Some(turn) = draft.floor.turns().first() {
        let member = turn.member.clone();
        // It has one.
        let _ended = end_turn(draft, &member, reason, Some(by));
    }
}

/// Brings the floor to rest after a decision: gives free microphones where they go to the queue by
/// themselves, and says what the queue's order has become.
pub(super) fn settle(draft: &mut Draft) {
    fill_microphones(draft, None);
    let placed = queue::order(draft);
    let hands = draft.floor.hands().iter();
    let as_it_is = hands.map(|hand| (&hand.member, hand.kind, hand.why));
    if !as_it_is.eq(placed.iter().map(|it| (&it.member, it.kind, it.why))) {
        draft.push(Event::FloorOrdered { hands: placed });
    }
}

/// Gives every free microphone to the next hand, where the mode does, or no chair is there to do it.
/// Run at the end of every decision, so that no microphone stays free while somebody could have it.
///
/// `passed_over` has just missed an offer and is at the head of the queue. The microphone goes to
/// the next hand behind it, so that one silent browser does not hold up everybody for two offers;
/// where nobody else waits it is offered again at once. A second miss lowers the hand, so neither
/// goes round in circles. A muted hand is passed over too: only a chair can ask it to speak. So is
/// one whose member is lost, or whose delegation has no speaking time left. Points of order and responses
/// interrupt nobody without a chair: they wait until the floor is empty, and nobody behind them is given it
/// meanwhile.
pub(super) fn fill_microphones(draft: &mut Draft, passed_over: Option<&MemberId>) {
    while gives_by_itself(draft) {
        let placed = queue::order(draft);
        let Some(next) = next_ready(draft, &placed, passed_over) else {
            return;
        };
        if next.kind != HandKind::Speech && !draft.floor.turns().is_empty() {
            return;
        }
        let (member, kind) = (next.member.clone(), next.kind);
        offer(draft, &member, kind, None);
    }
}

/// The first hand that could be given the floor without a chair.
fn next_ready<'a>(
    draft: &Draft,
    placed: &'a [Placed],
    passed_over: Option<&MemberId>,
) -> Option<&'a Placed> {
    let is_ready = |it: &&Placed| {
        draft.presence.microphone_open(&it.member)
            && draft.floor.turn_of(&it.member).is_none()
            && (it.kind != HandKind::Speech || has_time(draft, &it.member))
    };
    let ready: Vec<&Placed> = placed.iter().filter(is_ready).collect();
    let mut others = ready.iter().filter(|it| Some(&it.member) != passed_over);
    others.next().or(ready.first()).copied()
}

/// Whether a point of order or a response waits for the floor to be empty.
fn is_emptying(draft: &Draft) -> bool {
    let placed = queue::order(draft);
    let next = next_ready(draft, &placed, None);
    !draft.floor.turns().is_empty() && next.is_some_and(|it| it.kind != HandKind::Speech)
}

/// Whether the queue's head is given a microphone now without a chair.
fn gives_by_itself(draft: &Draft) -> bool {
    let by_rule = draft.profile.mode.gives_by_itself() || draft.desk.chair_absent;
    by_rule && microphone_is_free(draft) && is_giving(draft)
}

/// Whether the floor is given at all now.
fn is_giving(draft: &Draft) -> bool {
    draft.state == SessionState::Live
        && draft.floor.priority().is_none()
        && !draft.floor.technical_stop
        && draft.agenda.awaited.is_none()
}

/// Whether another speech can be given the floor.
fn microphone_is_free(draft: &Draft) -> bool {
    let speaks = draft.floor.level().is_none_or(|it| it == Level::Speech);
    speaks && draft.floor.speeches().count() < usize::from(draft.profile.microphones)
}

/// Whether who asks now has the floor at once, if the mode and the microphones allow it.
pub(super) fn gives_at_once(draft: &Draft, member: &MemberId) -> bool {
    let mode = draft.profile.mode;
    let free = microphone_is_free(draft);
    let speaks = draft.floor.level().is_none_or(|it| it == Level::Speech);
    let makes_room = mode == FloorMode::Override && speaks;
    mode.gives_at_once()
        && is_giving(draft)
        && (free || makes_room)
        && draft.presence.microphone_open(member)
        && has_time(draft, member)
        && !is_emptying(draft)
}

/// Gives the floor to who has just asked; in the mode `override` the longest speaker closes, and where
/// the limit was lowered meanwhile, as many as it takes.
pub(super) fn give_at_once(draft: &mut Draft, member: &MemberId) {
    while !microphone_is_free(draft) {
        let now = draft.now;
        let speeches = draft.floor.speeches();
        let longest = speeches.max_by_key(|it| (it.spent(now), std::cmp::Reverse(it.number)));
        let Some(longest) = longest.map(|turn| turn.member.clone()) else {
            break;
        };
        // It has one.
        let _ended = end_turn(draft, &longest, EndReason::Overridden, None);
    }
    offer(draft, member, HandKind::Speech, None);
}

/// Offers the floor. A chair who gives it to somebody who is muted asks for the microphone too;
/// the offer's time begins when it is opened.
fn offer(draft: &mut Draft, member: &MemberId, kind: HandKind, by: Option<&MemberId>) {
    let turn = TurnNumber(draft.floor.last_turn.0.saturating_add(1));
    draft.push(Event::FloorGranted {
        turn,
        member: member.clone(),
        kind,
        by: by.cloned(),
        limit_ms: limit(draft, member, kind),
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

/// How long a turn may last: no longer than its delegation has left, unless it has nothing left and
/// a chair gives it the floor nevertheless. A reply is no longer than a speech.
fn limit(draft: &Draft, member: &MemberId, kind: HandKind) -> Millis {
    let profile = &draft.profile;
    match kind.level() {
        Level::Response | Level::Point => profile.response_ms.min(profile.turn_ms),
        Level::Speech => match budget_left(draft, member) {
            Some(left) if left > Millis(0) => profile.turn_ms.min(left),
            Some(_) | None => profile.turn_ms,
        },
    }
}

/// What the member's delegation has left of its speaking time for another turn, where that is limited:
/// all that its turns that are on may take is taken.
fn budget_left(draft: &Draft, member: &MemberId) -> Option<Millis> {
    left_beside(draft, member, |turn| turn.limit.max(turn.spent(draft.now)))
}

fn has_time(draft: &Draft, member: &MemberId) -> bool {
    budget_left(draft, member) != Some(Millis(0))
}

/// Whether the member's delegation has spoken for as long as it may.
pub(super) fn has_used_budget(draft: &Draft, member: &MemberId) -> bool {
    left_beside(draft, member, |turn| turn.spent(draft.now)) == Some(Millis(0))
}

/// What is left of a delegation's speaking time, with so much for each of its turns that are on.
fn left_beside(
    draft: &Draft,
    member: &MemberId,
    taken: impl Fn(&Turn) -> Millis,
) -> Option<Millis> {
    let budget = draft.profile.budget_ms;
    let delegation = &draft.seat(member)?.delegation;
    let is_its = |turn: &&Turn| {
        let seat = draft.seat(&turn.member);
        seat.is_some_and(|seat| seat.delegation == *delegation)
    };
    let turns = draft.floor.turns().iter().filter(is_its);
    let spoken = draft.spoken.by_delegation(delegation);
    let spoken = turns.fold(spoken, |all, turn| all + taken(turn));
    (budget > Millis(0)).then(|| budget - spoken)
}

/// Makes sure that there is a place for a turn of this kind. The only speech ends for the next, but
/// which of several is to stop, the chair says; a response ends for the next response, a point for
/// the next point.
fn clear_microphone(draft: &mut Draft, by: &MemberId, kind: HandKind) -> Result<(), Refusal> {
    let level = kind.level();
    if let Some(higher) = draft.floor.level().filter(|it| *it > level) {
        let what = match higher {
            Level::Point => "A point of order",
            Level::Response | Level::Speech => "A response",
        };
        return Err(Refusal::not_now(format!(
            "{what} is being heard: stop it first, then those it has interrupted go on."
        )));
    }
    let places = match level {
        Level::Speech => usize::from(draft.profile.microphones),
        Level::Response | Level::Point => 1,
    };
    let taken: Vec<_> = draft.floor.at(level).map(|it| it.member.clone()).collect();
    if taken.len() < places {
        return Ok(());
    }
    match taken.as_slice() {
        [only] => end_turn(draft, only, EndReason::Stopped, Some(by)),
        [] | [_, ..] => Err(Refusal::not_now(
            "All microphones are taken: stop a speaker first.",
        )),
    }
}

/// Whether the member may have the floor at all.
pub(super) fn require_speaker(draft: &Draft, member: &MemberId) -> Result<(), Refusal> {
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
    if draft.desk.blocked.contains(member) {
        return Err(Refusal::new(
            RefusalCode::Blocked,
            format!("{member} is blocked: unblock the member first."),
        ));
    }
    Ok(())
}

fn require_giving(draft: &Draft) -> Result<(), Refusal> {
    match draft.state {
        SessionState::Live => {}
        SessionState::Paused => {
            return Err(Refusal::not_now(
                "The session is paused: resume it to give the floor.",
            ));
        }
        SessionState::Scheduled | SessionState::Prepared => {
            return Err(Refusal::not_now(
                "The session is not open yet: open it to give the floor.",
            ));
        }
        SessionState::Closed => {
            return Err(Refusal::not_now(
                "The session is closed: reopen it to give the floor.",
            ));
        }
    }
    if draft.agenda.awaited.is_some() {
        return Err(Refusal::not_now(
            "The session or the item changes after this turn: let it, or drop the change.",
        ));
    }
    Ok(())
}

fn require_up_to_date(draft: &Draft, after_turn: Option<TurnNumber>) -> Result<(), Refusal> {
    let last = draft.floor.last_turn;
    if after_turn.is_some_and(|seen| seen != last) {
        return Err(Refusal::conflict(format!(
            "The floor has been given meanwhile: the last turn is {}. Look who has it.",
            last.0
        )));
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
    fn a_lowered_limit_pauses_the_youngest_turns_and_gives_no_new_one() {
        script::live(FloorMode::Open, 3).check(
            "
            1 a request                  -> requested a; granted 1 a
            1 b request                  -> requested b; granted 2 b
            1 c request                  -> requested c; granted 3 c
            1 d request                  -> requested d
            1 media heard a              -> confirmed 1 a; started 1 a
            1 media heard b              -> confirmed 2 b; started 2 b
            2 chair-1 configure open 1   -> configured microphones = 1 by chair-1
            2 ? heard                    -> a chair-1 chair-2 guest
            3 a yield                    -> ended 1 a finished 2
            3 ? heard                    -> b chair-1 chair-2 guest
            3 chair-1 next               -> no: not_now
            4 b yield                    -> ended 2 b finished 2
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
            2 chair-1 configure request 2  -> configured microphones = 2 by chair-1
            3 chair-1 configure open 2     -> configured mode = 'open' by chair-1; granted 1 a; granted 2 b
            4 chair-1 configure open 25    -> configured microphones = 25 by chair-1; granted 3 c
            5 chair-1 configure open 25    -> nothing
            6 chair-1 configure open 26    -> no: limit
            6 chair-1 configure open 0     -> no: limit
            7 a configure open 5           -> no: not_allowed
            ",
        );
    }

    #[test]
    fn a_response_pauses_the_speech_and_is_paused_by_a_point_of_order() {
        script::live(FloorMode::Request, 1).check(
            "
            0  a request            -> requested a
            0  chair-1 next         -> granted 1 a by chair-1
            0  media heard a        -> confirmed 1 a; started 1 a
            1  b request            -> requested b
            2  c request response   -> requested response c at 1 (response)
            3  d request point_of_order -> requested point_of_order d at 1 (point)
            3  e request point_of_information -> requested point_of_information e at 2 (point)
            3  ? queue              -> d e c b
            3  ? why                -> d:point e:point c:response b:received
            10 chair-1 grant c      -> granted response 2 c by chair-1
            10 ? heard              -> c chair-1 chair-2 guest
            11 media heard c        -> confirmed 2 c; started 2 c
            11 media heard a        -> nothing
            15 chair-1 next         -> granted point_of_order 3 d by chair-1
            15 ? heard              -> chair-1 chair-2 d guest
            16 ? spent a            -> 10
            16 ? spent c            -> 4
            17 chair-1 grant b      -> no: not_now
            17 chair-1 grant f response -> no: not_now
            18 chair-1 next         -> ended 3 d stopped 0 by chair-1; granted point_of_information 4 e by chair-1
            20 e yield              -> ended 4 e finished 0
            20 ? heard              -> c chair-1 chair-2 guest
            25 c yield              -> ended 2 c finished 9
            25 ? heard              -> a chair-1 chair-2 guest
            30 chair-1 next         -> ended 1 a stopped 15 by chair-1; granted 5 b by chair-1
            ",
        );
    }

    #[test]
    fn a_point_of_order_empties_the_floor_and_nobody_behind_it_is_given_it() {
        for mode in [FloorMode::Fifo, FloorMode::Open] {
            script::live(mode, 2).check(
                "
                0 a request                -> requested a; granted 1 a
                0 b request                -> requested b; granted 2 b
                1 c request                -> requested c
                2 d request point_of_order -> requested point_of_order d at 1 (point)
                3 a yield                  -> ended 1 a finished 0
                3 ? queue                  -> d c
                4 e request                -> requested e
                5 b yield                  -> ended 2 b finished 0; granted point_of_order 3 d
                6 d yield                  -> ended 3 d finished 0; granted 4 c; granted 5 e
                ",
            );
        }
    }

    #[test]
    fn a_delegation_without_time_left_is_passed_over_until_a_chair_names_it() {
        // Of Indonesia are a and b, of Malaysia c and d.
        let mut script = script::live_with(script::profile(
            "mode = 'fifo', microphones = 2, budget_ms = 300000, warning_ms = 0",
        ));
        script.check(
            "
            0   a request       -> requested a; granted 1 a
            0   media heard a   -> confirmed 1 a; started 1 a
            1   b request       -> requested b
            2   c request       -> requested c; granted 2 c
            2   media heard c   -> confirmed 2 c; started 2 c
            3   a yield         -> ended 1 a finished 3; granted 3 b
            3   media heard b   -> confirmed 3 b; started 3 b
            3   ? deadline      -> 300
            300 clock passed    -> overtime 3 b
            301 a request       -> no: budget_used
            301 d request       -> requested d
            301 chair-1 insert a -> requested a by chair-1
            302 c yield         -> ended 2 c finished 300
            302 e request       -> requested e; granted 4 e
            303 b yield         -> ended 3 b finished 300
            303 ? queue         -> d a
            304 chair-1 next    -> no: not_now
            305 chair-1 grant d -> granted 5 d by chair-1
            ",
        );
    }

    #[test]
    fn a_free_microphone_is_not_given_at_once_beyond_what_a_delegation_has_left() {
        let mut script = script::live_with(script::profile(
            "mode = 'open', microphones = 2, budget_ms = 300000",
        ));
        script.check(
            "
            0 a request     -> requested a; granted 1 a
            0 media heard a -> confirmed 1 a; started 1 a
            1 b request     -> requested b
            2 c request     -> requested c; granted 2 c
            3 a yield       -> ended 1 a finished 3; granted 3 b
            3 media heard b -> confirmed 3 b; started 3 b
            3 ? deadline    -> 12
            4 c yield       -> ended 2 c finished 0
            4 ? deadline    -> 240
            ",
        );
    }

    #[test]
    fn a_response_is_no_longer_than_a_speech() {
        let mut script = script::live_with(script::profile(
            "turn_ms = 60000, response_ms = 120000, warning_ms = 0",
        ));
        script.check(
            "
            0 chair-1 grant a response -> granted response 1 a by chair-1
            0 media heard a            -> confirmed 1 a; started 1 a
            0 ? deadline               -> 60
            ",
        );
    }

    #[test]
    fn a_response_is_shorter_and_five_wait_at_most() {
        let mut script = script::live_with(script::profile("response_ms = 60000"));
        script.check(
            "
            0 a request response -> requested response a (response)
            0 a request          -> no: not_now
            0 a request point_of_order -> requested point_of_order a at 1 (point)
            0 a request point_of_privilege -> no: not_now
            0 b request response -> requested response b (response)
            0 c request response -> requested response c (response)
            0 d request response -> requested response d (response)
            0 e request response -> requested response e (response)
            0 f request response -> no: queue_full
            0 f request          -> requested f
            1 a withdraw         -> withdrawn a
            1 ? queue            -> a b c d e f
            1 a withdraw point   -> withdrawn point a
            2 chair-1 next       -> granted response 1 b by chair-1
            3 media heard b      -> confirmed 1 b; started 1 b
            3 ? deadline         -> 63
            9 chair-1 next       -> ended 1 b stopped 6 by chair-1; granted response 2 c by chair-1
            ",
        );
    }

    #[test]
    fn override_closes_who_has_spoken_longest() {
        script::live(FloorMode::Override, 2).check(
            "
            0 a request      -> requested a; granted 1 a
            1 b request      -> requested b; granted 2 b
            1 media heard b  -> confirmed 2 b; started 2 b
            2 media heard a  -> confirmed 1 a; started 1 a
            5 c request      -> requested c; ended 2 b overridden 4; granted 3 c
            5 ? heard        -> a c chair-1 chair-2 guest
            6 b request      -> requested b; ended 1 a overridden 4; granted 4 b
            7 chair-1 priority -> priority by chair-1
            7 a request      -> requested a
            8 chair-1 release -> priority released by chair-1
            8 ? queue        -> a
            9 d request      -> requested d; ended 3 c overridden 0; granted 5 d
            10 chair-1 configure microphones = 1 -> configured microphones = 1 by chair-1
            11 c request     -> requested c; ended 4 b overridden 0; ended 5 d overridden 0; granted 6 c
            ",
        );
    }

    #[test]
    fn fifo_gives_the_free_microphone_to_the_head_and_operator_takes_no_hands() {
        script::live(FloorMode::Fifo, 1).check(
            "
            0 a request                 -> requested a; granted 1 a
            0 b request                 -> requested b
            1 chair-1 close-list        -> list closed by chair-1
            1 chair-1 close-list        -> no: not_now
            1 c request                 -> no: not_now
            1 c request point_of_order  -> requested point_of_order c at 1 (point)
            1 chair-1 insert d          -> requested d by chair-1
            2 a yield                   -> ended 1 a finished 0; granted point_of_order 2 c
            3 c yield                   -> ended 2 c finished 0; granted 3 b
            4 chair-1 open-list         -> list opened by chair-1
            5 chair-1 configure operator 1 -> configured mode = 'operator' by chair-1
            6 e request                 -> no: not_now
            6 e request response        -> no: not_now
            6 e request point_of_order  -> requested point_of_order e at 1 (point)
            6 e withdraw point          -> withdrawn point e
            7 b yield                   -> ended 3 b finished 0
            7 ? queue                   -> d
            8 chair-1 next              -> granted 4 d by chair-1
            ",
        );
    }

    #[test]
    fn a_closed_list_does_not_keep_a_free_microphone_from_who_asks_in_the_mode_open() {
        script::live(FloorMode::Open, 1).check(
            "
            0 chair-1 close-list -> list closed by chair-1
            1 a request          -> requested a; granted 1 a
            2 b request          -> no: not_now
            ",
        );
    }

    #[test]
    fn every_turn_can_be_stopped_at_once() {
        script::live(FloorMode::Request, 3).check(
            "
            0 chair-1 stop-all -> no: not_now
            0 chair-1 grant a  -> granted 1 a by chair-1
            0 chair-1 grant b  -> granted 2 b by chair-1
            1 chair-2 stop-all -> ended 1 a stopped 0 by chair-2; ended 2 b stopped 0 by chair-2
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
