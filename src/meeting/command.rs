//! What may be asked of a meeting, and by whom.

use crate::{
    ids::MemberId,
    meeting::{
        agenda::FloorMode,
        event::TurnNumber,
        refusal::{Refusal, RefusalCode},
    },
};

/// Who asks. That a member is who it says it is has been checked outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A member of the roster.
    Member(MemberId),
    /// The forwarding plane, which reports what it saw.
    Media,
    /// The passing of time.
    Clock,
    /// The server itself, as when it opens a session at its start.
    Server,
}

impl Actor {
    /// The member who asks, if it is one.
    pub fn member(&self) -> Option<&MemberId> {
        match self {
            Actor::Member(member) => Some(member),
            Actor::Media | Actor::Clock | Actor::Server => None,
        }
    }

    pub(super) fn require_member(&self) -> Result<&MemberId, Refusal> {
        self.member().ok_or_else(|| {
            Refusal::new(
                RefusalCode::NotAllowed,
                "Only a member of the roster can do this.",
            )
        })
    }
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Come into the room, under this name or the roster's.
    Join { name: Option<String> },
    /// Go out of the room.
    Leave,
    /// The member's signalling and media are both gone.
    Lost,
    /// One of them is there again.
    Back,
    /// A lost member's grace is over.
    GraceEnded,

    /// Let chairs, podium guests and interpreters in to test.
    PrepareSession,
    /// Start.
    OpenSession,
    /// Hear only the chairs for a while.
    PauseSession,
    /// Go on after a pause.
    ResumeSession,
    /// End.
    CloseSession,
    /// Go on after an end.
    ReopenSession,

    /// Raise the hand.
    RequestFloor,
    /// Lower the hand.
    WithdrawHand,
    /// Give one's own floor back.
    YieldFloor,
    /// Open one's own microphone again after a chair's mute.
    Unmute,

    /// Give the floor to the head of the queue.
    NextSpeaker {
        /// The last turn that the chair knew of; `None` asks whatever has happened since.
        after_turn: Option<TurnNumber>,
    },
    /// Give the floor to this member.
    GrantFloor {
        member: MemberId,
        /// The last turn that the chair knew of; `None` asks whatever has happened since.
        after_turn: Option<TurnNumber>,
    },
    /// Take the floor back.
    StopFloor { member: MemberId },
    /// Take a hand out of the queue.
    RemoveHand { member: MemberId },
    /// Set the floor's mode and how many delegates' microphones may be open at once.
    ConfigureFloor { mode: FloorMode, microphones: u8 },
    /// Hold the clock of the member's turn.
    PauseClock { member: MemberId },
    /// Let it run on.
    ResumeClock { member: MemberId },
    /// Shut a microphone.
    Mute { member: MemberId },
    /// Ask the member to open the microphone again.
    AskUnmute { member: MemberId },
    /// Send out of the room, not to come back to this session.
    RemoveMember { member: MemberId },

    /// A packet of the member's microphone has been let through since it was opened.
    AudioDelivered { member: MemberId },
    /// One loud enough to be speech has.
    AudioHeard { member: MemberId },
    /// [`next_deadline`](crate::meeting::Meeting::next_deadline) has been reached.
    TimePassed,
    /// The meeting has been rebuilt after the server had ended: nobody is connected.
    Recover,
}
