//! The session's states, and the commands that lead from one to another.

use serde::{Deserialize, Serialize};

use crate::{
    ids::MemberId,
    meeting::{
        draft::Draft,
        event::{EndReason, Event},
        giving::end_turn,
        refusal::Refusal,
    },
};

/// Where a session is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    Ok(())
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

/// Ends every turn and lowers every hand first, so that nothing waits in a closed room.
pub(super) fn close(draft: &mut Draft, by: &MemberId) -> Result<(), Refusal> {
    require(
        draft,
        &[SessionState::Live, SessionState::Paused],
        "only a session that was opened can be closed",
    )?;
    while let Some(turn) = draft.floor.turns().first() {
        let member = turn.member.clone();
        end_turn(draft, &member, EndReason::Closed, Some(by))?;
    }
    while let Some(hand) = draft.floor.hands().first() {
        let member = hand.member.clone();
        draft.push(Event::FloorWithdrawn {
            member,
            by: by.clone(),
        });
    }
    draft.push(Event::SessionClosed { by: by.clone() });
    Ok(())
}

pub(super) fn reopen(draft: &mut Draft, by: &MemberId) -> Result<(), Refusal> {
    require(
        draft,
        &[SessionState::Closed],
        "only a closed session can be reopened",
    )?;
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
