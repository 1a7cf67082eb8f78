//! What happened in a session: the only way its state changes, what is announced and what is kept.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{DelegationId, MemberId},
    meeting::{agenda::FloorMode, roster::Role},
    time::{Millis, Timestamp},
};

/// Version of the entries' form. A change that an older reader would misread raises it.
pub const EVENT_VERSION: u16 = 1;

/// Counts a session's events; the first event makes it 1.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Rev(pub u64);

/// Counts a session's turns, offered ones included; the first is 1.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct TurnNumber(pub u64);

/// An event with its place and time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// [`EVENT_VERSION`] when it was written.
    pub v: u16,
    /// The session's revision after it.
    pub rev: Rev,
    /// When it was decided.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// Why a member is no longer in the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// The member left.
    Left,
    /// The connection was lost and its grace ended.
    Lost,
    /// A chair removed the member.
    Removed,
}

/// Why a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The speaker gave the floor back.
    Finished,
    /// A chair took the floor back.
    Stopped,
    /// The speaker left the room, or was lost for longer than the floor is reserved.
    Gone,
    /// No audio arrived within the time of the offer.
    Missed,
    /// The session was closed.
    Closed,
}

/// What happened. The name in a message is the `type` here, in small letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Event {
    /// Chairs, podium guests and interpreters may come in and test.
    #[serde(rename = "session.prepared")]
    SessionPrepared { by: MemberId },
    /// The session is live. `by` is empty when it was opened at the server's start.
    #[serde(rename = "session.opened")]
    SessionOpened { by: Option<MemberId> },
    /// Only chairs are heard until it is resumed.
    #[serde(rename = "session.paused")]
    SessionPaused { by: MemberId },
    /// Live again.
    #[serde(rename = "session.resumed")]
    SessionResumed { by: MemberId },
    /// Over; nobody is heard.
    #[serde(rename = "session.closed")]
    SessionClosed { by: MemberId },
    /// Live again after it had been closed.
    #[serde(rename = "session.reopened")]
    SessionReopened { by: MemberId },

    /// A member came into the room under this name. Role and delegation are the seat's, so that
    /// whoever hears of it needs no roster.
    #[serde(rename = "member.joined")]
    MemberJoined {
        member: MemberId,
        name: String,
        role: Role,
        delegation: DelegationId,
    },
    /// A member is no longer in the room; hand and turn are gone with it.
    #[serde(rename = "member.left")]
    MemberLeft {
        member: MemberId,
        reason: LeaveReason,
        by: Option<MemberId>,
    },
    /// Signalling and media of the member are both gone. Until both are back or the grace ends the
    /// member is not heard, a turn's clock is held until speech is heard again, and a hand is
    /// passed over.
    #[serde(rename = "member.lost")]
    MemberLost { member: MemberId },
    /// A lost member is back, with hand, turn and mute as they were.
    #[serde(rename = "member.back")]
    MemberBack { member: MemberId },
    /// A chair shut the member's microphone; a turn stays, its clock is held.
    #[serde(rename = "member.muted")]
    MemberMuted { member: MemberId, by: MemberId },
    /// A chair asks the member to open the microphone again.
    #[serde(rename = "member.unmute_asked")]
    MemberUnmuteAsked { member: MemberId, by: MemberId },
    /// The member opened the microphone again after being asked.
    #[serde(rename = "member.unmuted")]
    MemberUnmuted { member: MemberId },

    /// A hand went up, at the end of the queue.
    #[serde(rename = "floor.requested")]
    FloorRequested { member: MemberId },
    /// A hand went down: by the member, or by a chair who removed it from the queue.
    #[serde(rename = "floor.withdrawn")]
    FloorWithdrawn { member: MemberId, by: MemberId },
    /// The floor is offered: the microphone is open, audio must arrive within the offer's time.
    /// `by` is empty where the mode granted it.
    #[serde(rename = "floor.granted")]
    FloorGranted {
        turn: TurnNumber,
        member: MemberId,
        by: Option<MemberId>,
        limit_ms: Millis,
    },
    /// Audio arrived: the member is speaking.
    #[serde(rename = "floor.confirmed")]
    FloorConfirmed { turn: TurnNumber, member: MemberId },
    /// The first packet loud enough was forwarded: the clock runs from here.
    #[serde(rename = "floor.started")]
    FloorStarted { turn: TurnNumber, member: MemberId },
    /// No audio arrived in time. The first miss returns the hand to the head of the queue
    /// (`requeued`), the second does not.
    #[serde(rename = "floor.missed")]
    FloorMissed {
        turn: TurnNumber,
        member: MemberId,
        requeued: bool,
    },
    /// Only this much is left of the turn.
    #[serde(rename = "floor.warned")]
    FloorWarned {
        turn: TurnNumber,
        member: MemberId,
        remaining_ms: Millis,
    },
    /// The turn's time is used up; it goes on until it is ended.
    #[serde(rename = "floor.overtime")]
    FloorOvertime { turn: TurnNumber, member: MemberId },
    /// The turn's clock is held until a chair resumes it. `by` is empty where the server was
    /// started anew: nobody knows what was said meanwhile.
    #[serde(rename = "floor.clock_paused")]
    FloorClockPaused {
        turn: TurnNumber,
        member: MemberId,
        by: Option<MemberId>,
    },
    /// A chair lets the turn's clock run on.
    #[serde(rename = "floor.clock_resumed")]
    FloorClockResumed {
        turn: TurnNumber,
        member: MemberId,
        by: MemberId,
    },
    /// The turn is over after so much running time. `requeued`: the speaker was lost, and the hand
    /// is at the head of the queue again.
    #[serde(rename = "floor.ended")]
    FloorEnded {
        turn: TurnNumber,
        member: MemberId,
        reason: EndReason,
        by: Option<MemberId>,
        spoken_ms: Millis,
        #[serde(default, skip_serializing_if = "is_false")]
        requeued: bool,
    },
    /// The floor's mode and number of microphones changed.
    #[serde(rename = "floor.configured")]
    FloorConfigured {
        mode: FloorMode,
        microphones: u8,
        by: Option<MemberId>,
    },
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde gives fields by reference"
)]
pub(super) fn is_false(flag: &bool) -> bool {
    !flag
}
