//! The messages of `protocol.md` as types, for both ends.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    check::Report,
    ids::{DelegationId, EventId, ItemId, MemberId, SessionId},
    media::Source,
    meeting::{
        SessionState, Snapshot,
        agenda::ProfileChange,
        event::{PictureSource, Rev, TurnNumber},
        queue::HandKind,
        record::{Addressee, RecommendationNumber, Status},
        roster::Role,
    },
    room::DeviceNumber,
    time::{Millis, Timestamp},
};

/// What comes from a room, as its members are told it.
pub use crate::room::{Announcement, Picture, Signal as RoomSignal, Slot};

/// The WebSocket subprotocol.
pub const PROTOCOL: &str = "roundtable.v1";

/// The largest request id: what a JavaScript number holds exactly.
pub const REQUEST_ID_MAX: u64 = (1 << 53) - 1;

/// A request as it is sent: an id of the client's choice and what is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[schemars(extend("unevaluatedProperties" = false))]
pub struct Envelope {
    /// 0 to [`REQUEST_ID_MAX`].
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    pub id: u64,
    /// What is asked.
    #[serde(flatten)]
    pub request: Request,
}

/// What a client may ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum Request {
    /// Who is there.
    #[serde(rename = "hello")]
    Hello {
        token: Token,
        /// Which of the member's devices it is: it counts once where a link's use is limited.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<DeviceNumber>,
        /// It comes to check alone: no use of a limited link, and it enters no room.
        #[serde(default, skip_serializing_if = "is_false")]
        check: bool,
    },

    /// Try a path with a peer connection that enters no session.
    #[serde(rename = "check.offer")]
    CheckOffer { sdp: String, mid: String },
    /// What the check has found, for the organiser.
    #[serde(rename = "check.report")]
    CheckReport(Report),

    /// Enter a session's room.
    #[serde(rename = "session.join")]
    SessionJoin {
        session: SessionId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// The last revision that the client has of this session.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rev: Option<Rev>,
        /// Which of the member's devices it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<DeviceNumber>,
    },
    /// Whether anybody is there.
    #[serde(rename = "ping")]
    Ping {},

    /// The state again.
    #[serde(rename = "session.snapshot")]
    SessionSnapshot {},
    /// Leave the room.
    #[serde(rename = "session.leave")]
    SessionLeave {},

    /// Offer a peer connection.
    #[serde(rename = "media.offer")]
    MediaOffer { sdp: String, sending: Vec<Section> },
    /// A candidate of the client's; none ends them.
    #[serde(rename = "media.candidate")]
    MediaCandidate { candidate: Option<String> },

    /// The pictures that the client shows, and how large.
    #[serde(rename = "media.view")]
    MediaView { pictures: Vec<Picture> },

    /// The client has ceased to send a track.
    #[serde(rename = "media.ended")]
    MediaEnded { source: Source },

    /// Raise the hand, or ask for a reply or a point of order.
    #[serde(rename = "floor.request")]
    FloorRequest {
        #[serde(default, skip_serializing_if = "is_default")]
        kind: HandKind,
    },
    /// Lower the hand, or the one for a point of order.
    #[serde(rename = "floor.withdraw")]
    FloorWithdraw {
        #[serde(default, skip_serializing_if = "is_false")]
        point: bool,
    },
    /// Give the floor back.
    #[serde(rename = "floor.yield")]
    FloorYield {},
    /// Open one's own microphone again after a chair's mute.
    #[serde(rename = "floor.unmute")]
    FloorUnmute {},
    /// Write to everybody, or to the chairs.
    #[serde(rename = "chat.send")]
    ChatSend { to: Addressee, text: String },
    /// Propose a recommendation.
    #[serde(rename = "recommendation.propose")]
    RecommendationPropose { text: String },
    /// Change its text.
    #[serde(rename = "recommendation.edit")]
    RecommendationEdit {
        number: RecommendationNumber,
        text: String,
    },
    /// Support it.
    #[serde(rename = "recommendation.support")]
    RecommendationSupport { number: RecommendationNumber },
    /// Support it no longer.
    #[serde(rename = "recommendation.unsupport")]
    RecommendationUnsupport { number: RecommendationNumber },
    /// Say what has become of it.
    #[serde(rename = "recommendation.set_status")]
    RecommendationSetStatus {
        number: RecommendationNumber,
        status: Status,
    },
    /// Sign it off for one's institute.
    #[serde(rename = "recommendation.sign")]
    RecommendationSign { number: RecommendationNumber },
    /// Let chairs, podium guests and interpreters in.
    #[serde(rename = "session.prepare")]
    SessionPrepare {},
    /// Start.
    #[serde(rename = "session.open")]
    SessionOpen {},
    /// Only chairs are heard.
    #[serde(rename = "session.pause")]
    SessionPause {},
    /// Go on.
    #[serde(rename = "session.resume")]
    SessionResume {},
    /// End, after the turn unless forced.
    #[serde(rename = "session.close")]
    SessionClose {
        #[serde(default, skip_serializing_if = "is_false")]
        force: bool,
    },
    /// Go on after the end.
    #[serde(rename = "session.reopen")]
    SessionReopen {},
    /// Change the session's settings.
    #[serde(rename = "session.configure")]
    SessionConfigure(ProfileChange),
    /// Begin an item, after the turn unless forced.
    #[serde(rename = "agenda.start")]
    AgendaStart {
        item: ItemId,
        /// The item that was on when this was decided.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after_item: Option<ItemId>,
        #[serde(default, skip_serializing_if = "is_false")]
        force: bool,
    },
    /// Let what waits for the turn's end not happen.
    #[serde(rename = "session.drop_change")]
    SessionDropChange {},
    /// Ask everybody to go over to another session.
    #[serde(rename = "session.move_on")]
    SessionMoveOn { session: SessionId },
    /// Let nobody new in.
    #[serde(rename = "session.lock")]
    SessionLock {},
    /// Let who is expected in again.
    #[serde(rename = "session.unlock")]
    SessionUnlock {},
    /// Show a member large to everybody; null: nobody.
    #[serde(rename = "session.spotlight")]
    SessionSpotlight { member: Option<MemberId> },
    /// Let the clocks stand.
    #[serde(rename = "session.technical_stop")]
    SessionTechnicalStop {},
    /// Let them go on.
    #[serde(rename = "session.end_technical_stop")]
    SessionEndTechnicalStop {},
    /// Say something to everybody in writing.
    #[serde(rename = "session.notice")]
    SessionNotice { text: String },
    /// Note something for the minutes.
    #[serde(rename = "minutes.note")]
    MinutesNote { text: String },
    /// Let another chair moderate.
    #[serde(rename = "chair.hand_over")]
    ChairHandOver { member: MemberId },
    /// The floor to the head of the queue.
    #[serde(rename = "floor.next")]
    FloorNext { after_turn: TurnNumber },
    /// The floor to a member.
    #[serde(rename = "floor.grant")]
    FloorGrant {
        member: MemberId,
        after_turn: TurnNumber,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<HandKind>,
    },
    /// Take the floor back.
    #[serde(rename = "floor.stop")]
    FloorStop { member: MemberId },
    /// Take every floor back.
    #[serde(rename = "floor.stop_all")]
    FloorStopAll {},
    /// Put a member on the list.
    #[serde(rename = "floor.insert")]
    FloorInsert {
        member: MemberId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<u16>,
    },
    /// Move a hand.
    #[serde(rename = "floor.move")]
    FloorMove {
        member: MemberId,
        place: u16,
        /// The place that the hand had when this was decided.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from_place: Option<u16>,
    },
    /// Take a hand out of the queue.
    #[serde(rename = "floor.remove")]
    FloorRemove {
        member: MemberId,
        #[serde(default, skip_serializing_if = "is_false")]
        point: bool,
    },
    /// Take all hands out of the queue.
    #[serde(rename = "floor.clear")]
    FloorClear {},
    /// Take new hands.
    #[serde(rename = "floor.open_queue")]
    FloorOpenQueue {},
    /// Take none.
    #[serde(rename = "floor.close_queue")]
    FloorCloseQueue {},
    /// Let nobody but chairs be heard.
    #[serde(rename = "floor.priority")]
    FloorPriority {
        #[serde(default, skip_serializing_if = "is_false")]
        clear: bool,
    },
    /// Let everybody be heard as before.
    #[serde(rename = "floor.release_priority")]
    FloorReleasePriority {},
    /// Give a turn more time.
    #[serde(rename = "floor.extend")]
    FloorExtend {
        member: MemberId,
        by_ms: Millis,
        /// The turn's limit when this was decided.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from_ms: Option<Millis>,
    },
    /// Hold the clock of a turn.
    #[serde(rename = "floor.pause_clock")]
    FloorPauseClock { member: MemberId },
    /// Let it run on.
    #[serde(rename = "floor.resume_clock")]
    FloorResumeClock { member: MemberId },
    /// Shut a microphone.
    #[serde(rename = "member.mute")]
    MemberMute { member: MemberId },
    /// Ask for it to be opened again.
    #[serde(rename = "member.ask_unmute")]
    MemberAskUnmute { member: MemberId },
    /// Take no hands of a member.
    #[serde(rename = "member.block")]
    MemberBlock { member: MemberId },
    /// Take them again.
    #[serde(rename = "member.unblock")]
    MemberUnblock { member: MemberId },
    /// Take a picture away.
    #[serde(rename = "member.stop_picture")]
    MemberStopPicture {
        member: MemberId,
        source: PictureSource,
    },
    /// Let it be shown again.
    #[serde(rename = "member.allow_picture")]
    MemberAllowPicture {
        member: MemberId,
        source: PictureSource,
    },
    /// Send out of the session.
    #[serde(rename = "member.remove")]
    MemberRemove {
        member: MemberId,
        #[serde(default, skip_serializing_if = "is_false")]
        ban: bool,
    },
    /// Let somebody who was banned come back.
    #[serde(rename = "member.unban")]
    MemberUnban { member: MemberId },
    /// Let a member in from the lobby.
    #[serde(rename = "lobby.admit")]
    LobbyAdmit { member: MemberId },
    /// Let everybody in.
    #[serde(rename = "lobby.admit_all")]
    LobbyAdmitAll {},
    /// Do not let a member in now.
    #[serde(rename = "lobby.refuse")]
    LobbyRefuse { member: MemberId },
    /// Send a member to the lobby.
    #[serde(rename = "lobby.send_back")]
    LobbySendBack { member: MemberId },
}

/// Every request's `type`, in the order of the page.
pub const REQUEST_TYPES: [&str; 67] = [
    "hello",
    "ping",
    "check.offer",
    "check.report",
    "session.join",
    "session.snapshot",
    "session.leave",
    "media.offer",
    "media.candidate",
    "media.view",
    "media.ended",
    "floor.request",
    "floor.withdraw",
    "floor.yield",
    "floor.unmute",
    "chat.send",
    "recommendation.propose",
    "recommendation.edit",
    "recommendation.support",
    "recommendation.unsupport",
    "recommendation.set_status",
    "recommendation.sign",
    "session.prepare",
    "session.open",
    "session.pause",
    "session.resume",
    "session.close",
    "session.reopen",
    "session.configure",
    "agenda.start",
    "session.drop_change",
    "session.move_on",
    "session.lock",
    "session.unlock",
    "session.spotlight",
    "session.technical_stop",
    "session.end_technical_stop",
    "session.notice",
    "minutes.note",
    "chair.hand_over",
    "floor.next",
    "floor.grant",
    "floor.stop",
    "floor.stop_all",
    "floor.insert",
    "floor.move",
    "floor.remove",
    "floor.clear",
    "floor.open_queue",
    "floor.close_queue",
    "floor.priority",
    "floor.release_priority",
    "floor.extend",
    "floor.pause_clock",
    "floor.resume_clock",
    "member.mute",
    "member.ask_unmute",
    "member.block",
    "member.unblock",
    "member.stop_picture",
    "member.allow_picture",
    "member.remove",
    "member.unban",
    "lobby.admit",
    "lobby.admit_all",
    "lobby.refuse",
    "lobby.send_back",
];

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde gives fields by reference"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde gives fields by reference"
)]
fn is_nothing(seconds: &u64) -> bool {
    *seconds == 0
}

fn is_default(kind: &HandKind) -> bool {
    *kind == HandKind::default()
}

/// An invite's token, kept out of logs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Token(pub String);

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Token(…)")
    }
}

/// A section of an offer that the client sends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Its `a=mid`.
    pub mid: String,
    /// What is sent on it.
    pub source: Source,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(extend("unevaluatedProperties" = false))]
pub struct Reply {
    /// The request's; null where it could not be read.
    pub id: Option<u64>,
    /// How it went.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// How a request went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Outcome {
    /// Granted.
    #[serde(rename = "ok")]
    Ok(Granted),
    /// Not.
    #[serde(rename = "error")]
    Error(ErrorBody),
}

/// What a granted request gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
pub enum Granted {
    /// To `hello`.
    Welcome(Box<Welcome>),
    /// To `session.join` and `session.snapshot`.
    Snapshot { snapshot: Box<Snapshot> },
    /// To `session.join` with a revision: the events missed have been sent.
    Resumed { resumed: Resumed },
    /// To `session.join` where a chair has to let the member in.
    Lobby { lobby: Lobby },
    /// To `media.offer` and `check.offer`.
    Sdp { sdp: String },
    /// To everything else.
    Done {},
}

/// Where a client that came back stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resumed {
    /// The revision of its state with the events that it missed.
    pub rev: Rev,
}

/// A client waits to be let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lobby {}

/// Why a request was not granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorBody {
    /// For programs.
    pub code: ErrorCode,
    /// For the person.
    pub message: String,
}

/// The kinds of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    BadRequest,
    NotReady,
    LinkInvalid,
    LinkExpired,
    LinkNotYet,
    LinkRevoked,
    LinkUsedUp,
    UnknownSession,
    NotOpen,
    Removed,
    Locked,
    Replaced,
    NotAllowed,
    NotNow,
    Conflict,
    UnknownMember,
    UnknownItem,
    Blocked,
    BudgetUsed,
    QueueFull,
    Limit,
    BadOffer,
    Full,
    Draining,
    TooFast,
    Internal,
}

impl ErrorCode {
    /// Every code, in the order of the page.
    pub const ALL: [ErrorCode; 26] = [
        ErrorCode::BadRequest,
        ErrorCode::NotReady,
        ErrorCode::LinkInvalid,
        ErrorCode::LinkExpired,
        ErrorCode::LinkNotYet,
        ErrorCode::LinkRevoked,
        ErrorCode::LinkUsedUp,
        ErrorCode::UnknownSession,
        ErrorCode::NotOpen,
        ErrorCode::Removed,
        ErrorCode::Locked,
        ErrorCode::Replaced,
        ErrorCode::NotAllowed,
        ErrorCode::NotNow,
        ErrorCode::Conflict,
        ErrorCode::UnknownMember,
        ErrorCode::UnknownItem,
        ErrorCode::Blocked,
        ErrorCode::BudgetUsed,
        ErrorCode::QueueFull,
        ErrorCode::Limit,
        ErrorCode::BadOffer,
        ErrorCode::Full,
        ErrorCode::Draining,
        ErrorCode::TooFast,
        ErrorCode::Internal,
    ];
}

/// The answer to `hello`: who one is and what is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Welcome {
    /// [`PROTOCOL`].
    pub protocol: String,
    /// The server's clock.
    pub now: Timestamp,
    /// Who one is.
    pub member: Me,
    /// The event.
    pub event: EventView,
    /// Its sessions in order.
    pub sessions: Vec<SessionListing>,
    /// The session to join unless the user picks another.
    pub current: Option<SessionId>,
    /// What a peer connection is to be made with.
    pub media: MediaView,
}

/// Who one is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Me {
    pub id: MemberId,
    /// The roster's name; another may be given at the join.
    pub name: String,
    pub role: Role,
    pub delegation: DelegationId,
}

/// The event, as far as a client needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventView {
    pub id: EventId,
    pub title: String,
    /// IANA name.
    pub time_zone: String,
    pub delegations: Vec<DelegationView>,
}

/// A country or institution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DelegationView {
    pub id: DelegationId,
    pub name: String,
}

/// A session in the list of what is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionListing {
    pub id: SessionId,
    pub title: String,
    /// The first day is 1.
    pub day: u32,
    /// When it is planned to start.
    pub start: Timestamp,
    /// Planned length.
    pub minutes: u32,
    pub state: SessionState,
    /// How late it was when this was said, in seconds: as its agenda runs, or as it has not begun.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub late_s: u64,
}

/// What a peer connection is to be made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MediaView {
    pub ice_servers: Vec<IceServer>,
}

/// An `RTCIceServer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IceServer {
    pub urls: Vec<String>,
    /// Of a TURN server: until when it holds, in seconds since 1970, and whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// Anything that a server sends, for a client to read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Incoming {
    /// The state has changed.
    Event(Announcement),
    /// The latest wins; from the room.
    RoomSignal(RoomSignal),
    /// The latest wins; from the server.
    Signal(Signal),
    /// The answer to a request.
    Reply(Reply),
}

/// A signal that does not come from a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "signal", rename_all = "snake_case", deny_unknown_fields)]
pub enum Signal {
    /// What is on, whenever it changes.
    Sessions {
        sessions: Vec<SessionListing>,
        current: Option<SessionId>,
    },
    /// The server is about to end: it lets nobody in any more, and closes what is left by then.
    #[serde(rename = "server.draining")]
    Draining { within_ms: Millis },
    /// Why the connection is closed next.
    Goodbye { code: GoodbyeCode, message: String },
}

/// Why the server closes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GoodbyeCode {
    /// The client broke the protocol (1008).
    Protocol,
    /// A frame was too long (1009).
    FrameTooLong,
    /// The server stops (1012).
    Stopping,
    /// The server takes no more connections (1013).
    Full,
    /// A chair removed the member (4001).
    Removed,
    /// A newer connection of the same member took over (4002).
    Replaced,
    /// The client did not read (4003).
    TooSlow,
    /// The link was revoked (4004).
    LinkRevoked,
}

impl GoodbyeCode {
    /// Every code, in the order of the page.
    pub const ALL: [GoodbyeCode; 8] = [
        GoodbyeCode::Protocol,
        GoodbyeCode::FrameTooLong,
        GoodbyeCode::Stopping,
        GoodbyeCode::Full,
        GoodbyeCode::Removed,
        GoodbyeCode::Replaced,
        GoodbyeCode::TooSlow,
        GoodbyeCode::LinkRevoked,
    ];
}
