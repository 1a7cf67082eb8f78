//! A running session: one meeting, its media and the connections of its members, joined.
//!
//! [`Room`] is pure: it is told what happened and then drained ([`Room::poll_output`]); `task.rs`
//! is the SHELL that owns one, `directory.rs` finds the task of a session, `looking.rs` is for who looks
//! at it from outside. This module must never
//! know sockets, tokens or how a request is written; it does know how an event and a signal are
//! written, because they are encoded once for everybody.

mod audience;
mod calls;
mod directory;
#[cfg(test)]
pub(crate) mod fixture;
mod forwarding;
mod lobby;
mod looking;
mod output;
mod peers;
#[expect(
    clippy::module_inception,
    reason = "the module's one idea bears its name"
)]
mod room;
pub mod task;

use serde::{Deserialize, Serialize};

pub use calls::Purpose;
pub use directory::{Directory, States};
pub use looking::{Look, LookId, Looked, PresentMember};
pub use output::{Announcement, Answer, Message, Output, Parting, Picture, Refused, Signal, Slot};
pub use room::Room;
pub use task::{Asked, Link, Now, RoomClosed, RoomHandle, Told};

use crate::time::Millis;

/// One connection of a member's client, unique in the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// One page or program of a member's: a number that it drew when it started. Tells one that comes
/// back from another that took its place meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct DeviceNumber(pub u64);

/// What a room is bounded by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How long a member who has lost both connection and media stays in the room, in milliseconds.
    /// Where media goes on it does not begin, and the others notice nothing: a client that is gone
    /// ceases to consent to media (RFC 7675), which ends that too.
    pub grace_ms: Millis,
    /// Events kept for clients that come back and name their last one; one that has missed more
    /// gets the state instead.
    pub resume_events_max: usize,
    /// After so many events the state is kept beside the journal, so that a start need not replay them.
    pub snapshot_events: u64,
    /// How long the media shard may take to answer an offer, in milliseconds; then the request is
    /// answered `internal`.
    pub answer_ms: Millis,
    /// The longest SDP offer, in bytes; a longer one is answered `limit`.
    pub sdp_bytes_max: usize,
    /// Sending sections of an offer at most; more are answered `limit`.
    pub sending_max: usize,
    /// Players (WHEP) of one member at once at most; one more is refused.
    pub players_per_member_max: usize,
    /// Candidates of one peer connection at most; more are answered `limit`.
    pub candidates_max: u16,
    /// The longest candidate, in bytes; a longer one is answered `limit`.
    pub candidate_bytes_max: usize,
    /// Pictures that a client may say it shows at most; more are answered `limit`.
    pub pictures_max: usize,
    /// Requests waiting for the room. Full: the asking connection waits, nobody else does.
    pub inbox_max: usize,
    /// Messages waiting for one member's connection. Full: that connection is closed (4003) and
    /// resumes; the room never waits for it. What one decision tells, such as to admit everybody, and
    /// what a client has missed are put there at once, before any of it can be sent.
    pub outbox_max: usize,
}

impl Settings {
    /// What is wrong with them together, if anything.
    pub fn contradiction(&self) -> Option<&'static str> {
        // Half of it for what is missed, the rest for what is told meanwhile.
        let most = self.resume_events_max.saturating_mul(2);
        (self.outbox_max < most).then_some(
            "room.outbox_max must be twice room.resume_events_max at least: what a client has missed is \
             put there at once",
        )
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            grace_ms: Millis::from_secs(60),
            resume_events_max: 1024,
            snapshot_events: 10_000,
            answer_ms: Millis::from_secs(5),
            sdp_bytes_max: 60 * 1024,
            sending_max: 8,
            players_per_member_max: 3,
            candidates_max: 64,
            candidate_bytes_max: 1024,
            pictures_max: 64,
            inbox_max: 256,
            outbox_max: 4096,
        }
    }
}
