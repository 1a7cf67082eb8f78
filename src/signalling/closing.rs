//! Why the server closes a connection, in code and in words.

use super::wire::GoodbyeCode;
use crate::room::Parting;

/// Why the server closes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// Nothing has been heard for too long.
    Dead,
    /// The client broke the protocol, and how.
    Protocol(&'static str),
    /// A frame was too long.
    FrameTooLong,
    /// The server stops.
    Stopping,
    /// The server takes no more connections.
    Full,
    /// A chair removed the member.
    Removed,
    /// A newer connection of the same member took over.
    Replaced,
    /// The client did not read.
    TooSlow,
    /// The link was revoked.
    LinkRevoked,
}

impl From<Parting> for Closing {
    fn from(parting: Parting) -> Self {
        match parting {
            Parting::Removed => Closing::Removed,
            Parting::Replaced => Closing::Replaced,
            Parting::TooSlow => Closing::TooSlow,
        }
    }
}

impl Closing {
    /// The close code; none where the client is not there to read it.
    pub fn code(self) -> Option<u16> {
        match self {
            Closing::Dead => None,
            Closing::Protocol(_) => Some(1008),
            Closing::FrameTooLong => Some(1009),
            Closing::Stopping => Some(1012),
            Closing::Full => Some(1013),
            Closing::Removed => Some(4001),
            Closing::Replaced => Some(4002),
            Closing::TooSlow => Some(4003),
            Closing::LinkRevoked => Some(4004),
        }
    }

    /// What the client is told before.
    pub(super) fn goodbye(self) -> Option<(GoodbyeCode, &'static str)> {
        match self {
            Closing::Dead => None,
            Closing::Protocol(what) => Some((GoodbyeCode::Protocol, what)),
            Closing::FrameTooLong => Some((
                GoodbyeCode::FrameTooLong,
                "That message is longer than the server takes.",
            )),
            Closing::Stopping => Some((
                GoodbyeCode::Stopping,
                "The server is being restarted. Come back in a moment.",
            )),
            Closing::Full => Some((
                GoodbyeCode::Full,
                "The server takes no more connections. Tell the organiser.",
            )),
            Closing::Removed => Some((
                GoodbyeCode::Removed,
                "A chair removed you from the session. Ask the chair if this was a mistake.",
            )),
            Closing::Replaced => Some((
                GoodbyeCode::Replaced,
                "You have joined from another window or device, which goes on in place of this one.",
            )),
            Closing::TooSlow => Some((
                GoodbyeCode::TooSlow,
                "Your connection is too slow to follow the session. Join again.",
            )),
            Closing::LinkRevoked => Some((
                GoodbyeCode::LinkRevoked,
                "Your link was withdrawn. Ask the organiser for a new one.",
            )),
        }
    }
}
