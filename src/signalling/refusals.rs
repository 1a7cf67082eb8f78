//! Which error of the protocol each refusal becomes, and which goodbye each closing.

use super::{
    session::Closing,
    wire::{ErrorBody, ErrorCode, GoodbyeCode},
};
use crate::{
    auth::LinkRefusal,
    media::OfferRefusal,
    meeting::RefusalCode,
    room::{Parting, Refused},
};

impl From<LinkRefusal> for ErrorBody {
    fn from(refusal: LinkRefusal) -> Self {
        let code = match refusal {
            LinkRefusal::Invalid => ErrorCode::LinkInvalid,
            LinkRefusal::Expired => ErrorCode::LinkExpired,
            LinkRefusal::NotYet => ErrorCode::LinkNotYet,
            LinkRefusal::Revoked => ErrorCode::LinkRevoked,
        };
        ErrorBody {
            code,
            message: refusal.to_string(),
        }
    }
}

impl From<Refused> for ErrorBody {
    fn from(refused: Refused) -> Self {
        let code = match &refused {
            Refused::Meeting(refusal) => meeting(refusal.code),
            Refused::Offer(OfferRefusal::Malformed(_)) => ErrorCode::BadOffer,
            Refused::Offer(OfferRefusal::Full) => ErrorCode::Full,
            Refused::Unanswered => ErrorCode::Internal,
            Refused::NoOffer => ErrorCode::NotNow,
            Refused::SdpTooLong { .. }
            | Refused::SendingTooMany { .. }
            | Refused::CandidateTooLong { .. }
            | Refused::CandidatesTooMany { .. } => ErrorCode::Limit,
            Refused::NotInRoom => ErrorCode::NotReady,
        };
        ErrorBody {
            code,
            message: refused.to_string(),
        }
    }
}

fn meeting(code: RefusalCode) -> ErrorCode {
    match code {
        RefusalCode::NotOpen => ErrorCode::NotOpen,
        RefusalCode::Removed => ErrorCode::Removed,
        RefusalCode::NotAllowed => ErrorCode::NotAllowed,
        RefusalCode::NotNow => ErrorCode::NotNow,
        RefusalCode::Conflict => ErrorCode::Conflict,
        RefusalCode::UnknownMember => ErrorCode::UnknownMember,
        RefusalCode::QueueFull => ErrorCode::QueueFull,
        RefusalCode::Limit => ErrorCode::Limit,
    }
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
