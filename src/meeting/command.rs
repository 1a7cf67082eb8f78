//! What may be asked of a meeting, and by whom.

use crate::{
    ids::{ItemId, MemberId, SessionId},
    meeting::{
        agenda::ProfileChange,
        event::{PictureSource, TurnNumber},
        queue::HandKind,
        record::{Addressee, RecommendationNumber, Status},
        refusal::{Refusal, RefusalCode},
    },
    time::Millis,
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
    /// Go out of the room, or out of the lobby.
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
    /// End; where somebody has the floor, after the turn unless forced.
    CloseSession { force: bool },
    /// Go on after an end.
    ReopenSession,
    /// Change the session's settings.
    ConfigureSession { change: ProfileChange },
    /// Begin an item of the agenda; where somebody has the floor, after the turn unless forced.
    StartItem {
        item: ItemId,
        /// The item that the chair saw on; `None` asks whatever has happened since.
        after_item: Option<ItemId>,
        force: bool,
    },
    /// Let what waits for the turn's end not happen.
    DropChange,
    /// Ask everybody to go over to another session.
    MoveOn { to: SessionId },
    /// Let nobody new in.
    LockSession,
    /// Let who is expected in again.
    UnlockSession,
    /// Show this member large to everybody; nobody in particular.
    Spotlight { member: Option<MemberId> },
    /// Let the clocks stand while something technical is mended.
    BeginTechnicalStop,
    /// It is mended.
    EndTechnicalStop,
    /// Say something to everybody in writing.
    Notice { text: String },
    /// Let another chair moderate.
    HandOverChair { to: MemberId },

    /// Raise the hand.
    RequestFloor { kind: HandKind },
    /// Lower it: the one for a point of order, or the other.
    WithdrawHand { point: bool },
    /// Give one's own floor back.
    YieldFloor,
    /// Open one's own microphone again after a chair's mute.
    Unmute,

    /// Give the floor to the head of the queue.
    NextSpeaker {
        /// The last turn that the chair knew of; `None` asks whatever has happened since.
        after_turn: Option<TurnNumber>,
    },
    /// Give the floor to this member, as a speech unless the kind of a hand or another is named.
    GrantFloor {
        member: MemberId,
        kind: Option<HandKind>,
        /// The last turn that the chair knew of; `None` asks whatever has happened since.
        after_turn: Option<TurnNumber>,
    },
    /// Take the floor back.
    StopFloor { member: MemberId },
    /// Take every floor back.
    StopAll,
    /// Put a member on the list, at this place (from 1) or where the policy puts it.
    InsertHand {
        member: MemberId,
        place: Option<u16>,
    },
    /// Move a member's speech to this place (from 1).
    MoveHand {
        member: MemberId,
        place: u16,
        /// Where the chair saw it; `None` asks whatever has happened since.
        from_place: Option<u16>,
    },
    /// Take a hand out of the queue: the one for a point of order, or the other.
    RemoveHand { member: MemberId, point: bool },
    /// Take all hands out of the queue.
    ClearQueue,
    /// Take new hands, or none.
    OpenQueue { open: bool },
    /// Let nobody but chairs be heard; with `clear`, end all turns and lower all hands first.
    TakePriority { clear: bool },
    /// Let everybody be heard as before.
    ReleasePriority,
    /// Give a turn more time.
    ExtendTurn {
        member: MemberId,
        by_ms: Millis,
        /// The limit that the chair saw; `None` asks whatever has happened since.
        from_ms: Option<Millis>,
    },
    /// Hold the clock of the member's turn.
    PauseClock { member: MemberId },
    /// Let it run on.
    ResumeClock { member: MemberId },

    /// Shut a microphone.
    Mute { member: MemberId },
    /// Ask the member to open the microphone again.
    AskUnmute { member: MemberId },
    /// Take no hands of the member any more.
    Block { member: MemberId },
    /// Take them again.
    Unblock { member: MemberId },
    /// Take a picture away.
    StopPicture {
        member: MemberId,
        source: PictureSource,
    },
    /// Let it be shown again.
    AllowPicture {
        member: MemberId,
        source: PictureSource,
    },
    /// Send out of the room; with `ban`, not to come back to this session.
    RemoveMember { member: MemberId, ban: bool },
    /// Let somebody who was banned come back.
    Unban { member: MemberId },
    /// Let a member in from the lobby.
    Admit { member: MemberId },
    /// Let everybody in who waits there.
    AdmitAll,
    /// Do not let a member in now.
    Refuse { member: MemberId },
    /// Send a member of the room to the lobby.
    SendBack { member: MemberId },

    /// Write to others.
    Chat { to: Addressee, text: String },
    /// Note something for the minutes.
    Note { text: String },
    /// Propose a recommendation.
    Propose { text: String },
    /// Change its text.
    EditRecommendation {
        number: RecommendationNumber,
        text: String,
    },
    /// Support it, or not any more.
    Support {
        number: RecommendationNumber,
        supports: bool,
    },
    /// Say what has become of it.
    SetStatus {
        number: RecommendationNumber,
        status: Status,
    },
    /// Sign it off for one's institute.
    SignOff { number: RecommendationNumber },

    /// A packet of the member's microphone has been let through since it was opened.
    AudioDelivered { member: MemberId },
    /// One loud enough to be speech has.
    AudioHeard { member: MemberId },
    /// [`next_deadline`](crate::meeting::Meeting::next_deadline) has been reached.
    TimePassed,
    /// The meeting has been rebuilt after the server had ended: nobody is connected. Decided as of the
    /// time when that server was last known to run.
    Recover,
}
