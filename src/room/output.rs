//! What a room gives: orders to media, messages to members, answers, partings.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ConnectionId, LookId, Looked};
use crate::{
    ids::MemberId,
    media::{Kind, OfferRefusal, Order, Restarted, Source},
    meeting::{
        Refusal, Snapshot, Standing,
        event::{Recorded, Rev},
    },
};

/// One thing for the shell to do, in the order given.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Hand this to the session's shard.
    Order(Order),
    /// Store these, then say so with [`Room::handle_stored`](super::Room::handle_stored). What
    /// follows from them comes out then.
    Append(Vec<Recorded>),
    /// Keep the state after this revision, which is stored.
    Keep {
        /// The revision.
        rev: Rev,
        /// The state, as [`Meeting::keep`](crate::meeting::Meeting::keep) writes it.
        body: String,
    },
    /// Encode once, give to each.
    Tell {
        /// The connections it is for.
        to: Vec<ConnectionId>,
        /// What they are told.
        message: Message,
    },
    /// The answer to a connection's one request in flight.
    Answer {
        /// The connection that asked.
        to: ConnectionId,
        /// What it gets.
        answer: Result<Answer, Refused>,
    },
    /// The room has done with this connection. With a parting the connection is to be closed.
    Release {
        /// The connection.
        connection: ConnectionId,
        /// Why it is to be closed, if it is.
        parting: Option<Parting>,
    },
    /// The room has done with this connection, which goes on without it: the last that it is told.
    Dismiss {
        /// The connection.
        connection: ConnectionId,
        /// Why.
        signal: Signal,
    },
    /// The session's state or its item has changed.
    Standing(Standing),
    /// What somebody who looks at the room from outside asked to see.
    Looked {
        /// Who.
        by: LookId,
        /// What there is.
        looked: Box<Looked>,
    },
}

/// What all members of an audience are told in the same words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Changes the state; carries revisions.
    Event(Announcement),
    /// The latest wins.
    Signal(Signal),
}

impl Message {
    /// The message as it goes over the wire. Nothing in it can fail to be written as JSON.
    pub fn encode(&self) -> Result<Arc<str>, serde_json::Error> {
        match self {
            Message::Event(event) => serde_json::to_string(event),
            Message::Signal(signal) => serde_json::to_string(signal),
        }
        .map(Arc::from)
    }
}

/// An event with the revision before it, so that a gap is noticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(extend("unevaluatedProperties" = false))]
pub struct Announcement {
    /// The last revision before it for this audience.
    pub prev: Rev,
    /// The event with its own revision.
    #[serde(flatten)]
    pub recorded: Recorded,
}

/// A signal of the room: not kept, the latest wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "signal", deny_unknown_fields)]
#[schemars(rename = "RoomSignal")]
pub enum Signal {
    /// Which track each of the client's own receiving sections carries.
    #[serde(rename = "media.slots")]
    Slots {
        /// One entry for each receiving section.
        slots: Vec<Slot>,
    },
    /// The media path of the latest offer stands.
    #[serde(rename = "media.connected")]
    Connected {},
    /// Nothing comes from the client on its media path: it must offer anew.
    #[serde(rename = "media.lost")]
    Lost {},
    /// Which simulcast layers of the client's track are of use.
    #[serde(rename = "media.layers")]
    Layers {
        /// The track.
        source: Source,
        /// The layers, by `a=rid`.
        rids: Vec<String>,
    },
    /// A chair has let the member in from the lobby: the client is in the room from here on.
    #[serde(rename = "lobby.admitted")]
    Admitted {
        /// Its state.
        snapshot: Box<Snapshot>,
    },
    /// A chair does not let the member in: the client waits no longer.
    #[serde(rename = "lobby.refused")]
    Refused {
        /// For the person.
        message: String,
    },
    /// A chair has sent the member from the room to the lobby, where the client waits from here on.
    #[serde(rename = "lobby.sent_back")]
    SentBack {},
    /// Who is audibly speaking, loudest first.
    #[serde(rename = "speaking")]
    Speaking {
        /// The members.
        members: Vec<MemberId>,
    },
    /// Which pictures are sent in the room and may be seen, in the order of their senders' coming.
    #[serde(rename = "media.pictures")]
    Pictures {
        /// Without heights.
        pictures: Vec<Picture>,
    },
}

/// A receiving section of a client's offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// The section's `a=mid`.
    pub mid: String,
    /// Audio or video.
    pub kind: Kind,
    /// Whose track it carries, if any.
    pub member: Option<MemberId>,
    /// Which of the member's tracks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The picture stands: there is no room for it on the client's path now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
}

/// A picture that is sent, or that a client shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    /// Whose.
    pub member: MemberId,
    /// Which of the member's.
    pub source: Source,
    /// How high it is drawn, in pixels of the screen; left out: as high as it is sent; 0: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u16>,
}

/// What a granted request gives.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Nothing to tell: it is done.
    Done,
    /// The state of the room.
    Snapshot(Box<Snapshot>),
    /// A chair has to let the member in: [`Signal::Admitted`] follows.
    Lobby,
    /// The events missed have been told, up to this revision.
    Resumed(Rev),
    /// The answer to an offer.
    Sdp(String),
    /// The answer to an ICE restart.
    Restarted(Restarted),
}

/// Why a request was not granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The meeting says no.
    #[error("{}", .0.message)]
    Meeting(Refusal),
    /// The shard cannot answer the offer.
    #[error(transparent)]
    Offer(#[from] OfferRefusal),
    /// The shard has not answered the offer in time.
    #[error("the media server has not answered: try again")]
    Unanswered,
    /// A candidate without an offer.
    #[error("there is no offer that this candidate belongs to: send media.offer first")]
    NoOffer,
    /// The offer's SDP is too long.
    #[error("the offer has {bytes} bytes, {bytes_max} are allowed")]
    SdpTooLong { bytes: usize, bytes_max: usize },
    /// The offer names too many sending sections.
    #[error("the offer names {count} sending sections, {count_max} are allowed")]
    SendingTooMany { count: usize, count_max: usize },
    /// A candidate is too long.
    #[error("the candidate has {bytes} bytes, {bytes_max} are allowed")]
    CandidateTooLong { bytes: usize, bytes_max: usize },
    /// Too many candidates for one peer connection.
    #[error("more than {count_max} candidates for one offer")]
    CandidatesTooMany { count_max: u16 },
    /// A client says that it shows too many pictures.
    #[error("{count} pictures are shown, {count_max} are allowed")]
    PicturesTooMany { count: usize, count_max: usize },
    /// The member plays the session as often at once as one may.
    #[error("you play this session {count_max} times already: end one of them first")]
    PlayersTooMany { count_max: usize },
    /// Another device of the member's has taken the place of this one, which comes back.
    #[error("you have joined from another window or device since")]
    Replaced,
    /// The connection is not in this room.
    #[error("this connection is not in the session: send session.join first")]
    NotInRoom,
}

/// Why a room closes a member's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parting {
    /// A chair removed the member.
    Removed,
    /// A newer connection of the same member took over.
    Replaced,
    /// The client did not read what it was sent.
    TooSlow,
}
