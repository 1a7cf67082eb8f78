//! The media core's door: orders in, notices out.
//!
//! A session's media is owned by one shard; the room that runs the session speaks to it with
//! [`Order`]s and hears [`Notice`]s. This module must never know what a meeting is: it knows
//! peers (one peer connection each), what they send, and whether it may be heard.

mod batch;
mod counts;
pub mod shard;
pub mod worker;

use std::time::Duration;

pub use counts::{Counts, RUN_LENGTHS};

/// One peer connection, unique in the process. The room mints it and knows whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u64);

/// One running session's media, unique in the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey(pub u32);

/// Whose a peer is. Peers of one kin never receive one another's tracks: a member that plays on one
/// device and publishes from another gets everybody but itself. The room mints it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kin(pub u64);

/// What a sent track shows or carries.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The member's voice: forwarded only while the gate is open.
    Microphone,
    /// The member's picture.
    Camera,
    /// The member's shared screen.
    Screen,
    /// The sound of the shared screen: it is heard when its member is.
    ScreenSound,
}

impl Source {
    /// Sound or picture.
    pub fn kind(self) -> Kind {
        match self {
            Source::Microphone | Source::ScreenSound => Kind::Audio,
            Source::Camera | Source::Screen => Kind::Video,
        }
    }
}

/// One sending section of an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sending {
    /// The section's `a=mid`.
    pub mid: String,
    /// What is sent on it.
    pub source: Source,
}

/// A picture that a client shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Whose.
    pub peer: PeerId,
    /// Which of its pictures.
    pub source: Source,
    /// How high it is drawn, in pixels; nothing: as high as it is sent.
    pub height: Option<u16>,
}

impl Shown {
    /// Whether it is this picture.
    pub fn is(&self, peer: PeerId, source: Source) -> bool {
        self.peer == peer && self.source == source
    }
}

/// Whether a microphone may be heard, and before whom when audio slots are scarce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Dropped by the shard, whatever is sent.
    Closed,
    /// Forwarded. Slots go to the floor's holders, then chairs, then the loudest of the rest.
    Open(AudioRank),
}

/// Which pictures of a peer are forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// The camera.
    pub camera: bool,
    /// The shared screen. Its sound goes with it, where the peer is heard.
    pub screen: bool,
}

impl Seen {
    /// All of them.
    pub const ALL: Seen = Seen {
        camera: true,
        screen: true,
    };

    /// What is in both.
    #[must_use]
    pub fn and(self, other: Seen) -> Seen {
        Seen {
            camera: self.camera && other.camera,
            screen: self.screen && other.screen,
        }
    }
}

/// Order of claims to an audio slot, first wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AudioRank {
    /// Has the floor.
    Floor,
    /// A chair.
    Chair,
    /// Anybody else who may be heard.
    Other,
}

/// What a room tells its shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// A client's offer, answered by [`Notice::Answered`]. The peer is new. Its microphone is
    /// closed and its pictures are not forwarded until ordered.
    Offer {
        peer: PeerId,
        kin: Kin,
        sdp: String,
        sending: Vec<Sending>,
    },
    /// A candidate of the client's, as in the `candidate` attribute.
    Candidate { peer: PeerId, candidate: String },
    /// New ICE credentials of the client's, answered by [`Notice::Restarted`]. Media goes on over
    /// the present path until another is found.
    Restart {
        peer: PeerId,
        ufrag: String,
        pwd: String,
    },
    /// Opens or closes a microphone. The floor is this order; nothing else opens one.
    Hear { peer: PeerId, gate: Gate },
    /// Which of the peer's pictures are forwarded.
    Show { peer: PeerId, seen: Seen },
    /// The pictures that a peer's client shows; before it is told, and for nothing but pictures, all.
    View { peer: PeerId, pictures: Vec<Shown> },
    /// What a peer sent on a track has ended: its slots are free at once, until it sends again.
    Ended { peer: PeerId, source: Source },
    /// Who should be seen first when video slots are scarce; peers not named come behind these
    /// in the order of their coming.
    Prominence { peers: Vec<PeerId> },
    /// The peer is gone.
    Close { peer: PeerId },
    /// How do the paths do? Answered by [`Notice::Measured`].
    Measure,
}

/// Why an offer got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OfferRefusal {
    /// The SDP does not parse or lacks something; says what.
    #[error("{0}")]
    Malformed(String),
    /// The shard takes no more peers.
    #[error("this server takes no more members on this session")]
    Full,
}

/// The server's side of an ICE restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restarted {
    /// The new user fragment.
    pub ufrag: String,
    /// The new password.
    pub pwd: String,
    /// Values of the `candidate` attribute.
    pub candidates: Vec<String>,
}

/// What a slot carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotState {
    /// The `a=mid` of the client's receiving section.
    pub mid: String,
    /// Audio or video.
    pub kind: Kind,
    /// Whose track, if any.
    pub filled: Option<(PeerId, Source)>,
    /// The picture stands: the client's path has no room for it now, or its sender none.
    pub paused: bool,
}

/// Audio or video.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Sound.
    Audio,
    /// A picture.
    Video,
}

/// What a path runs over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Datagrams.
    Udp,
    /// A stream, for whom datagrams do not reach.
    Tcp,
}

/// How a peer's path does. What is not known is left out.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Measured {
    /// What it runs over.
    pub over: Option<Over>,
    /// Its round trip, by the latest check.
    pub round_trip: Option<Duration>,
    /// Share of what the peer sends that does not arrive, 0 to 1; of several streams the worst.
    pub lost_up: Option<f32>,
    /// Share of what it is sent.
    pub lost_down: Option<f32>,
    /// What it sends, in bits a second.
    pub up_bits: Option<u64>,
    /// What it is sent, in bits a second, without headers.
    pub down_bits: Option<u64>,
}

/// What a shard tells the room.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// The answer to an offer: its SDP, or why there is none (the peer does not exist then).
    Answered {
        peer: PeerId,
        answer: Result<String, OfferRefusal>,
    },
    /// The answer to an ICE restart, or why there is none (the peer goes on as it was).
    Restarted {
        peer: PeerId,
        restarted: Result<Restarted, OfferRefusal>,
    },
    /// ICE and DTLS have finished: media may flow.
    Connected { peer: PeerId },
    /// Nothing authentic has come from the peer for long, or it said goodbye, or its handshake
    /// failed. The peer stays until it is closed.
    Lost { peer: PeerId },
    /// The first packet of the microphone since its gate opened.
    AudioDelivered { peer: PeerId },
    /// The first packet since its gate opened that is loud enough to count as speech.
    AudioHeard { peer: PeerId },
    /// The peer's slot map has changed.
    Slots { peer: PeerId, slots: Vec<SlotState> },
    /// Who is audibly speaking now, loudest first.
    Speaking { peers: Vec<PeerId> },
    /// The pictures that are sent now and may be seen, in the order of their senders' coming.
    Pictures { pictures: Vec<(PeerId, Source)> },
    /// The simulcast layers of a track that are of use now, by `a=rid`; before it is told, all.
    Needed {
        peer: PeerId,
        source: Source,
        rids: Vec<String>,
    },
    /// The answer to [`Order::Measure`]: each connected peer's path.
    Measured { paths: Vec<(PeerId, Measured)> },
}
