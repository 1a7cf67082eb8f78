//! What happened in a session: the only way its state changes, what is announced and what is kept.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{DelegationId, ItemId, MemberId, SessionId},
    meeting::{
        agenda::ProfileChange,
        queue::{HandKind, Why},
        record::{Addressee, RecommendationNumber, Status},
        roster::Role,
    },
    time::{Millis, Timestamp},
};

/// Version of the entries' form. A change that an older reader would misread raises it.
pub const EVENT_VERSION: u16 = 2;

/// Counts a session's events; the first event makes it 1.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct Rev(pub u64);

/// Counts a session's turns, offered ones included; the first is 1.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct TurnNumber(pub u64);

/// An event with its place and time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Recorded {
    /// [`EVENT_VERSION`] when it was written.
    pub v: u16,
    /// The session's revision after it.
    pub rev: Rev,
    /// When it was decided; of what a new server says of the end of the one before it, when that was
    /// last known to run.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// Who is told of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Audience {
    /// Everybody in the room.
    Members,
    /// Chairs and the organiser, who are told everything.
    Chairs,
}

/// Why a member is no longer in the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// The member left.
    Left,
    /// The connection was lost and its grace ended.
    Lost,
    /// A chair sent the member out; the link opens again.
    Removed,
    /// A chair sent the member out, not to come back to this session.
    Banned,
    /// A chair sent the member back to the lobby.
    SentBack,
}

/// Why a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The speaker gave the floor back.
    Finished,
    /// A chair took the floor back.
    Stopped,
    /// The turn's time was used up.
    Time,
    /// Somebody asked for the floor in the mode `override`, and this turn was the longest.
    Overridden,
    /// The speaker left the room, or was lost for longer than the floor is reserved.
    Gone,
    /// No audio arrived within the time of the offer; or no speech for long, while others waited and no
    /// chair had to end it.
    Missed,
    /// The session was closed.
    Closed,
}

/// What waits for the end of the turns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The session's end.
    Close,
    /// The beginning of this item.
    Item(ItemId),
}

/// A member's picture that a chair can stop.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum PictureSource {
    /// The camera.
    Camera,
    /// The shared screen, with its sound.
    Screen,
}

impl PictureSource {
    /// The source's word in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            PictureSource::Camera => "camera",
            PictureSource::Screen => "screen",
        }
    }
}

/// A hand's place in the queue, and why it has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Placed {
    /// Whose hand it is.
    pub member: MemberId,
    /// What for.
    #[serde(default, skip_serializing_if = "HandKind::is_speech")]
    pub kind: HandKind,
    /// Why it is where it is.
    pub why: Why,
}

/// What happened. The name in a message is the `type` here, in small letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type")]
pub enum Event {
    /// Chairs, podium guests and interpreters may come in and test.
    #[serde(rename = "session.prepared")]
    SessionPrepared { by: MemberId },
    /// The session is live, and the first item of its agenda is on. `by` is empty when it was
    /// opened at the server's start.
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
    /// The session's settings changed: what is named, and nothing else.
    #[serde(rename = "session.configured", alias = "floor.configured")]
    SessionConfigured {
        by: Option<MemberId>,
        #[serde(flatten)]
        change: ProfileChange,
    },
    /// An item of the agenda begins.
    #[serde(rename = "agenda.item_started")]
    ItemStarted { item: ItemId, by: MemberId },
    /// The session's end or another item waits until the turns are over; until then nobody is given
    /// the floor.
    #[serde(rename = "session.change_awaited")]
    ChangeAwaited { change: Change, by: MemberId },
    /// It waits no longer: everything stays as it is.
    #[serde(rename = "session.change_dropped")]
    ChangeDropped { by: MemberId },
    /// Everybody is asked to go over to another session.
    #[serde(rename = "session.moved_on")]
    MovedOn { to: SessionId, by: MemberId },
    /// Nobody new comes in.
    #[serde(rename = "session.locked")]
    SessionLocked { by: MemberId },
    /// Who is expected may come in again.
    #[serde(rename = "session.unlocked")]
    SessionUnlocked { by: MemberId },
    /// This member is shown large to everybody; empty: nobody in particular.
    #[serde(rename = "session.spotlighted")]
    Spotlighted {
        member: Option<MemberId>,
        by: MemberId,
    },
    /// Something technical is wrong: the clocks stand, nobody is given the floor by the mode.
    #[serde(rename = "session.technical_stop")]
    TechnicalStopBegan { by: MemberId },
    /// It is mended.
    #[serde(rename = "session.technical_stop_ended")]
    TechnicalStopEnded { by: MemberId },
    /// A word to everybody.
    #[serde(rename = "session.notice")]
    Noticed { text: String, by: MemberId },
    /// Another chair moderates.
    #[serde(rename = "chair.handed_over")]
    ChairHandedOver { to: MemberId, by: MemberId },
    /// No chair has been reachable for a while: the queue runs by itself until one is.
    #[serde(rename = "chair.absent")]
    ChairAbsent,

    /// A member came into the room under this name. Role and delegation are the seat's, so that
    /// whoever hears of it needs no roster.
    #[serde(rename = "member.joined")]
    MemberJoined {
        member: MemberId,
        name: String,
        role: Role,
        delegation: DelegationId,
        /// Of a chair: its place among the event's chairs, from 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rank: Option<u16>,
        /// A chair takes no hands of this member.
        #[serde(default, skip_serializing_if = "is_false")]
        blocked: bool,
        /// The pictures that a chair has stopped.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        stopped: Vec<PictureSource>,
    },
    /// A member is no longer in the room; hands and turn are gone with it.
    #[serde(rename = "member.left")]
    MemberLeft {
        member: MemberId,
        reason: LeaveReason,
        by: Option<MemberId>,
    },
    /// Signalling and media of the member are both gone. Until one of them is back or the grace ends
    /// the member is not heard, a turn's clock is held until speech is heard again, and a hand is
    /// passed over.
    #[serde(rename = "member.lost")]
    MemberLost { member: MemberId },
    /// A lost member is back, with hands, turn and mute as they were.
    #[serde(rename = "member.back")]
    MemberBack { member: MemberId },
    /// A lost member's grace is over; the hand is kept for some minutes more.
    #[serde(rename = "member.gone")]
    MemberGone { member: MemberId },
    /// A chair shut the member's microphone; a turn stays, its clock is held.
    #[serde(rename = "member.muted")]
    MemberMuted { member: MemberId, by: MemberId },
    /// A chair asks the member to open the microphone again.
    #[serde(rename = "member.unmute_asked")]
    MemberUnmuteAsked { member: MemberId, by: MemberId },
    /// The member opened the microphone again after being asked.
    #[serde(rename = "member.unmuted")]
    MemberUnmuted { member: MemberId },
    /// A chair takes no hands of this member's any more.
    #[serde(rename = "member.blocked")]
    MemberBlocked { member: MemberId, by: MemberId },
    /// The member may ask for the floor again.
    #[serde(rename = "member.unblocked")]
    MemberUnblocked { member: MemberId, by: MemberId },
    /// A chair took a picture away.
    #[serde(rename = "member.picture_stopped")]
    PictureStopped {
        member: MemberId,
        source: PictureSource,
        by: MemberId,
    },
    /// The picture may be shown again.
    #[serde(rename = "member.picture_allowed")]
    PictureAllowed {
        member: MemberId,
        source: PictureSource,
        by: MemberId,
    },
    /// Somebody who was sent out for the whole session may come back.
    #[serde(rename = "member.unbanned")]
    MemberUnbanned { member: MemberId, by: MemberId },

    /// A member waits for a chair to admit it. Chairs alone are told.
    #[serde(rename = "lobby.entered")]
    LobbyEntered {
        member: MemberId,
        name: String,
        role: Role,
        delegation: DelegationId,
    },
    /// A member does not wait any more.
    #[serde(rename = "lobby.left")]
    LobbyLeft { member: MemberId },
    /// A chair lets the member in: it joins next. `by` is empty where the lobby was switched off.
    #[serde(rename = "lobby.admitted")]
    LobbyAdmitted {
        member: MemberId,
        by: Option<MemberId>,
    },
    /// A chair does not let the member in now.
    #[serde(rename = "lobby.refused")]
    LobbyRefused { member: MemberId, by: MemberId },

    /// A hand went up.
    #[serde(rename = "floor.requested")]
    FloorRequested {
        member: MemberId,
        /// What for.
        #[serde(default, skip_serializing_if = "HandKind::is_speech")]
        kind: HandKind,
        /// Its place from 1; left out: behind all others.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<u16>,
        /// Why it has this place.
        #[serde(default, skip_serializing_if = "Why::is_received")]
        why: Why,
        /// A chair who put the member on the list.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<MemberId>,
    },
    /// A hand went down: by the member, by a chair who removed it from the queue, or (`by` empty)
    /// because its member did not come back.
    #[serde(rename = "floor.withdrawn")]
    FloorWithdrawn {
        member: MemberId,
        by: Option<MemberId>,
        /// The hand of a point of order, not that of a speech or response.
        #[serde(default, skip_serializing_if = "is_false")]
        point: bool,
    },
    /// A chair moved a hand to this place, from 1; it and those before it stay there.
    #[serde(rename = "floor.moved")]
    FloorMoved {
        member: MemberId,
        place: u16,
        by: MemberId,
    },
    /// The queue has this order from now on.
    #[serde(rename = "floor.ordered")]
    FloorOrdered { hands: Vec<Placed> },
    /// Delegates may raise hands again.
    #[serde(rename = "floor.queue_opened")]
    QueueOpened { by: MemberId },
    /// No new hands of delegates.
    #[serde(rename = "floor.queue_closed")]
    QueueClosed { by: MemberId },
    /// The floor is offered: the microphone is open, audio must arrive within the offer's time.
    /// `by` is empty where the mode granted it. A response or a point of order pauses the turns of
    /// lower kinds until it ends.
    #[serde(rename = "floor.granted")]
    FloorGranted {
        turn: TurnNumber,
        member: MemberId,
        #[serde(default, skip_serializing_if = "HandKind::is_speech")]
        kind: HandKind,
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
    /// The turn's time is used up: clients lower its sound while its clock runs on for so long, then
    /// it ends.
    #[serde(rename = "floor.fading")]
    FloorFading {
        turn: TurnNumber,
        member: MemberId,
        over_ms: Millis,
    },
    /// A chair gave the turn more time; warning, overtime and fading are as if it had had it from the
    /// start.
    #[serde(rename = "floor.extended")]
    FloorExtended {
        turn: TurnNumber,
        member: MemberId,
        limit_ms: Millis,
        by: MemberId,
    },
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
    /// A chair has priority: nobody but chairs is heard, the clocks are held.
    #[serde(rename = "floor.priority_taken")]
    PriorityTaken { by: MemberId },
    /// Everybody is heard as before. `by` is empty where the chair was lost.
    #[serde(rename = "floor.priority_released")]
    PriorityReleased { by: Option<MemberId> },

    /// A member wrote something.
    #[serde(rename = "chat.sent")]
    ChatSent {
        member: MemberId,
        to: Addressee,
        text: String,
    },
    /// A chair noted something for the minutes.
    #[serde(rename = "minutes.noted")]
    MinutesNoted { text: String, by: MemberId },
    /// A recommendation is proposed.
    #[serde(rename = "recommendation.proposed")]
    RecommendationProposed {
        number: RecommendationNumber,
        member: MemberId,
        text: String,
    },
    /// Its text was changed; support and signatures of the old text are gone.
    #[serde(rename = "recommendation.edited")]
    RecommendationEdited {
        number: RecommendationNumber,
        member: MemberId,
        text: String,
    },
    /// A member supports it.
    #[serde(rename = "recommendation.supported")]
    RecommendationSupported {
        number: RecommendationNumber,
        member: MemberId,
    },
    /// A member does not support it any more.
    #[serde(rename = "recommendation.unsupported")]
    RecommendationUnsupported {
        number: RecommendationNumber,
        member: MemberId,
    },
    /// What has become of it.
    #[serde(rename = "recommendation.status_set")]
    RecommendationStatusSet {
        number: RecommendationNumber,
        status: Status,
        by: MemberId,
    },
    /// An institute signs it off.
    #[serde(rename = "recommendation.signed")]
    RecommendationSigned {
        number: RecommendationNumber,
        institute: DelegationId,
        by: MemberId,
    },
}

impl Event {
    /// Who is told of it.
    pub fn audience(&self) -> Audience {
        match self {
            Event::LobbyEntered { .. }
            | Event::LobbyLeft { .. }
            | Event::LobbyAdmitted { .. }
            | Event::LobbyRefused { .. }
            | Event::MemberUnbanned { .. }
            | Event::ChatSent {
                to: Addressee::Chairs,
                ..
            } => Audience::Chairs,
            Event::SessionPrepared { .. }
            | Event::SessionOpened { .. }
            | Event::SessionPaused { .. }
            | Event::SessionResumed { .. }
            | Event::SessionClosed { .. }
            | Event::SessionReopened { .. }
            | Event::SessionConfigured { .. }
            | Event::ItemStarted { .. }
            | Event::ChangeAwaited { .. }
            | Event::ChangeDropped { .. }
            | Event::MovedOn { .. }
            | Event::SessionLocked { .. }
            | Event::SessionUnlocked { .. }
            | Event::Spotlighted { .. }
            | Event::TechnicalStopBegan { .. }
            | Event::TechnicalStopEnded { .. }
            | Event::Noticed { .. }
            | Event::ChairHandedOver { .. }
            | Event::ChairAbsent
            | Event::MemberJoined { .. }
            | Event::MemberLeft { .. }
            | Event::MemberLost { .. }
            | Event::MemberBack { .. }
            | Event::MemberGone { .. }
            | Event::MemberMuted { .. }
            | Event::MemberUnmuteAsked { .. }
            | Event::MemberUnmuted { .. }
            | Event::MemberBlocked { .. }
            | Event::MemberUnblocked { .. }
            | Event::PictureStopped { .. }
            | Event::PictureAllowed { .. }
            | Event::FloorRequested { .. }
            | Event::FloorWithdrawn { .. }
            | Event::FloorMoved { .. }
            | Event::FloorOrdered { .. }
            | Event::QueueOpened { .. }
            | Event::QueueClosed { .. }
            | Event::FloorGranted { .. }
            | Event::FloorConfirmed { .. }
            | Event::FloorStarted { .. }
            | Event::FloorMissed { .. }
            | Event::FloorWarned { .. }
            | Event::FloorOvertime { .. }
            | Event::FloorFading { .. }
            | Event::FloorExtended { .. }
            | Event::FloorClockPaused { .. }
            | Event::FloorClockResumed { .. }
            | Event::FloorEnded { .. }
            | Event::PriorityTaken { .. }
            | Event::PriorityReleased { .. }
            | Event::ChatSent {
                to: Addressee::Everybody,
                ..
            }
            | Event::MinutesNoted { .. }
            | Event::RecommendationProposed { .. }
            | Event::RecommendationEdited { .. }
            | Event::RecommendationSupported { .. }
            | Event::RecommendationUnsupported { .. }
            | Event::RecommendationStatusSet { .. }
            | Event::RecommendationSigned { .. } => Audience::Members,
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde gives fields by reference"
)]
pub(super) fn is_false(flag: &bool) -> bool {
    !flag
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meeting::agenda::FloorMode;

    /// Entries as version 1 wrote them, which had fewer fields.
    #[test]
    fn entries_of_version_1_are_read() {
        let read = |event: &str| {
            let text = format!("{{\"v\":1,\"rev\":7,\"at\":1605754800000,{event}}}");
            let entry: Recorded = serde_json::from_str(&text).expect("an entry");
            entry.event
        };
        let requested = read(r#""type":"floor.requested","member":"laos-1""#);
        assert!(matches!(
            requested,
            Event::FloorRequested {
                kind: HandKind::Speech,
                place: None,
                why: Why::Received,
                by: None,
                ..
            }
        ));
        let withdrawn = read(r#""type":"floor.withdrawn","member":"laos-1","by":"laos-1""#);
        assert!(matches!(
            withdrawn,
            Event::FloorWithdrawn {
                by: Some(_),
                point: false,
                ..
            }
        ));
        let configured =
            read(r#""type":"floor.configured","mode":"open","microphones":3,"by":"csis-1""#);
        let Event::SessionConfigured { change, by } = configured else {
            panic!("{configured:?}");
        };
        assert_eq!(
            (change.mode, change.microphones),
            (Some(FloorMode::Open), Some(3))
        );
        assert!(by.is_some());
        let joined = r#""type":"member.joined","member":"laos-1","name":"L","role":"delegate","delegation":"laos""#;
        assert!(matches!(
            read(joined),
            Event::MemberJoined { rank: None, .. }
        ));
        let granted =
            r#""type":"floor.granted","turn":1,"member":"laos-1","by":null,"limit_ms":300000"#;
        assert!(matches!(
            read(granted),
            Event::FloorGranted {
                kind: HandKind::Speech,
                ..
            }
        ));
    }
}
