//! The session's states, and the commands that lead from one to another.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{ItemId, MemberId},
    meeting::{
        conduct,
        draft::Draft,
        event::{Change, EndReason, Event},
        giving::end_turns,
        list::lower_hands,
        refusal::Refusal,
    },
    time::Timestamp,
};

/// Where a session is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SessionState {
    /// Planned only.
    Scheduled,
    /// Chairs, podium guests and interpreters test.
    Prepared,
    /// The meeting is on.
    Live,
    /// Only chairs are heard.
    Paused,
    /// Over, unless a chair reopens it.
    Closed,
}

/// Where a session stands: enough to say how late it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its state.
    pub state: SessionState,
    /// When it was opened first, if it was.
    pub opened_at: Option<Timestamp>,
    /// The item that is on, and since when.
    pub item: Option<(ItemId, Timestamp)>,
}

impl Standing {
    /// Of a session that nothing has happened in.
    pub const PLANNED: Standing = Standing {
        state: SessionState::Scheduled,
        opened_at: None,
        item: None,
    };
}

impl SessionState {
    /// The state as a person says it.
    pub fn as_str(self) -> &'static str {
        match self {
            SessionState::Scheduled => "scheduled",
            SessionState::Prepared => "prepared",
            SessionState::Live => "live",
            SessionState::Paused => "paused",
            SessionState::Closed => "closed",
        }
    }

    /// Whether there may be sound and pictures at all.
    pub fn has_media(self) -> bool {
        match self {
            SessionState::Prepared | SessionState::Live | SessionState::Paused => true,
            SessionState::Scheduled | SessionState::Closed => false,
        }
    }
}

pub(super) fn prepare(draft: &mut Draft, by: &MemberId) -> Result<(), Refusal> {
    require(
        draft,
        &[SessionState::Scheduled],
        "only a session that has not begun can be prepared",
    )?;
    draft.push(Event::SessionPrepared { by: by.clone() });
    Ok(())
}

pub(super) fn open(draft: &mut Draft, by: Option<&MemberId>) -> Result<(), Refusal> {
    require(
        draft,
        &[SessionState::Scheduled, SessionState::Prepared],
        "resume a paused session, reopen a closed one",
    )?;
    draft.push(Event::SessionOpened { by: by.cloned() });
    // The settings may have been changed before.
    let present = draft.profile.as_ref().clone();
    conduct::settle_profile(draft, by, &present)
}

pub(super) fn pause(draft: &mut Draft, by: &MemberId) -> Result<(), Refusal> {
    require(
        draft,
        &[SessionState::Live],
        "only a live session can be paused",
    )?;
    draft.push(Event::SessionPaused { by: by.clone() });
    Ok(())
}

pub(super) fn resume(draft: &mut Draft, by: &MemberId) -> Result<(), Refusal> {
    require(
        draft,
        &[SessionState::Paused],
        "only a paused session can be resumed",
    )?;
    draft.push(Event::SessionResumed { by: by.clone() });
    Ok(())
}

/// Where somebody has the floor, the end waits for the end of the turns unless it is forced.
pub(super) fn close(draft: &mut Draft, by: &MemberId, force: bool) -> Result<(), Refusal> {
    require(
        draft,
        &[SessionState::Live, SessionState::Paused],
        "only a session that was opened can be closed",
    )?;
    if !force && !draft.floor.turns().is_empty() {
        return conduct::wait(draft, by, Change::Close);
    }
    close_now(draft, by);
    Ok(())
}

/// Ends every turn and lowers every hand first, so that nothing waits in a closed room.
pub(super) fn close_now(draft: &mut Draft, by: &MemberId) {
    end_turns(draft, EndReason::Closed, by);
    lower_hands(draft, by, |_| true);
    draft.push(Event::SessionClosed { by: by.clone() });
}

pub(super) fn reopen(draft: &mut Draft, by: &MemberId) -> Result<(), Refusal> {
    require(
        draft,
        &[SessionState::Closed],
        "only a closed session can be reopened",
    )?;
    // Asked of the order alone: what was reopened in time stays so when its journal is read again.
    if draft.event_ends.is_some_and(|end| draft.now >= end) {
        let why = "The event is over: its sessions cannot be reopened any more.";
        return Err(Refusal::not_now(why));
    }
    draft.push(Event::SessionReopened { by: by.clone() });
    Ok(())
}

fn require(draft: &Draft, from: &[SessionState], otherwise: &str) -> Result<(), Refusal> {
    if from.contains(&draft.state) {
        return Ok(());
    }
    let state = draft.state.as_str();
    Err(Refusal::not_now(format!(
        "The session is {state}: {otherwise}."
    )))
}

#[cfg(test)]
mod tests {
    use crate::{
        meeting::{Event, SessionState, agenda::FloorMode, script},
        time::Timestamp,
    };

    #[test]
    fn a_session_goes_from_scheduled_to_closed_and_back() {
        script::empty().check(
            "
            0  chair-1 join     -> joined chair-1 as CHAIR-1
            1  chair-1 resume   -> no: not_now
            1  chair-1 pause    -> no: not_now
            1  chair-1 close    -> no: not_now
            1  chair-1 reopen   -> no: not_now
            2  chair-1 prepare  -> prepared by chair-1
            3  chair-1 prepare  -> no: not_now
            3  chair-1 close    -> no: not_now
            4  chair-1 open     -> opened by chair-1
            5  chair-1 open     -> no: not_now
            6  chair-1 pause    -> paused by chair-1
            7  chair-1 open     -> no: not_now
            8  chair-1 resume   -> resumed by chair-1
            9  chair-1 pause    -> paused by chair-1
            10 chair-1 close    -> closed by chair-1
            11 chair-1 open     -> no: not_now
            11 chair-1 resume   -> no: not_now
            12 chair-1 reopen   -> reopened by chair-1
            12 ? state          -> live
            ",
        );
    }

    #[test]
    fn a_closed_session_can_be_reopened_until_the_events_end() {
        let mut script = script::empty();
        let basis = script.meeting.basis();
        script.meeting = script.meeting.until(Some(Timestamp(20_000)));
        script.check(
            "
            0  chair-1 join      -> joined chair-1 as CHAIR-1
            1  chair-1 open      -> opened by chair-1
            2  chair-1 close     -> closed by chair-1
            19.999 chair-1 reopen -> reopened by chair-1
            21 chair-1 close     -> closed by chair-1
            21 chair-1 reopen    -> no: not_now
            21 ? state           -> closed
            ",
        );
        let mut meeting = script.meeting;
        let kept = meeting.keep().expect("text");
        assert_eq!(meeting.restore(&kept).expect("a meeting"), meeting);
        assert_eq!(meeting.basis(), basis);
        // A journal from before the rule is read as it is.
        let by = script::id("chair-1");
        meeting.apply(Timestamp(22_000), &Event::SessionReopened { by });
        assert_eq!(meeting.state(), SessionState::Live);
    }

    #[test]
    fn preparing_may_be_left_out() {
        script::empty().check(
            "
            0 chair-1 join -> joined chair-1 as CHAIR-1
            1 chair-1 open -> opened by chair-1
            ",
        );
    }

    #[test]
    fn the_server_opens_a_session_and_sets_its_floor() {
        script::empty().check(
            "
            0 server configure open 12 -> configured mode = 'open', microphones = 12
            0 server open              -> opened
            1 server open              -> no: not_now
            1 server close             -> no: not_allowed
            ",
        );
    }

    #[test]
    fn closing_ends_turns_and_lowers_hands_first() {
        script::live(FloorMode::Request, 2).check(
            "
            1  a request       -> requested a
            1  b request       -> requested b
            1  c request       -> requested c
            1  d request       -> requested d
            2  chair-1 next    -> granted 1 a by chair-1
            2  chair-1 next    -> granted 2 b by chair-1
            3  media heard a   -> confirmed 1 a; started 1 a
            10 chair-2 close now -> ended 1 a closed 7 by chair-2; ended 2 b closed 0 by chair-2; withdrawn c by chair-2; withdrawn d by chair-2; closed by chair-2
            10 ? heard         ->
            10 ? seen          ->
            10 ? deadline      -> none
            11 a request       -> no: not_now
            12 chair-1 reopen  -> reopened by chair-1
            12 ? heard         -> chair-1 chair-2 guest
            13 a request       -> requested a
            13 chair-1 next    -> granted 3 a by chair-1
            ",
        );
    }

    #[test]
    fn a_mode_that_gives_the_floor_by_itself_gives_none_while_closing() {
        script::live(FloorMode::Open, 1).check(
            "
            1 a request     -> requested a; granted 1 a
            1 b request     -> requested b
            2 chair-1 close now -> ended 1 a closed 0 by chair-1; withdrawn b by chair-1; closed by chair-1
            ",
        );
    }

    #[test]
    fn a_pause_holds_the_clock_and_the_offer_and_keeps_turn_and_queue() {
        script::live(FloorMode::Request, 2).check(
            "
            1  a request        -> requested a
            1  b request        -> requested b
            2  chair-1 next     -> granted 1 a by chair-1
            3  media heard a    -> confirmed 1 a; started 1 a
            3  chair-1 next     -> granted 2 b by chair-1
            3  ? deadline       -> 13
            10 chair-1 pause    -> paused by chair-1
            10 ? heard          -> chair-1 chair-2
            10 ? seen           -> a b c chair-1 chair-2 d e f guest
            10 ? deadline       -> none
            11 c request        -> requested c
            11 chair-1 next     -> no: not_now
            11 chair-1 grant d  -> no: not_now
            50 clock passed     -> nothing
            50 media heard b    -> nothing
            60 chair-1 resume   -> resumed by chair-1
            60 ? heard          -> a b chair-1 chair-2 guest
            60 ? spent a        -> 7
            60 ? deadline       -> 70
            61 ? spent a        -> 8
            61 ? queue          -> c
            ",
        );
    }

    #[test]
    fn hands_raised_in_a_pause_get_free_microphones_when_it_ends() {
        script::live(FloorMode::Open, 1).check(
            "
            1 chair-1 pause  -> paused by chair-1
            2 a request      -> requested a
            3 b request      -> requested b
            4 chair-1 next   -> no: not_now
            4 chair-1 grant b -> no: not_now
            5 chair-1 resume -> resumed by chair-1; granted 1 a
            ",
        );
    }
}
