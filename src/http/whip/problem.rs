//! Every refusal of WHIP and WHEP as a status and a problem document.

use axum::http::StatusCode;

use super::super::problem::Problem;
use crate::{
    auth::LinkRefusal,
    media::OfferRefusal,
    meeting::{Refusal, RefusalCode},
    room::Refused,
    signalling::call::CallRefusal,
};

/// There is no token.
pub(super) fn nobody() -> Problem {
    Problem::nobody(
        "an invite link's token is required: Authorization: Bearer TOKEN, where TOKEN is what \
         follows # in the link",
    )
}

/// There is no such resource, or no longer.
pub(super) fn ended() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "this connection has ended")
}

impl From<LinkRefusal> for Problem {
    fn from(refusal: LinkRefusal) -> Self {
        if refusal == LinkRefusal::Uncounted {
            return Self::busy(refusal.to_string());
        }
        Self::refused_token(refusal.to_string())
    }
}

impl From<CallRefusal> for Problem {
    fn from(refusal: CallRefusal) -> Self {
        match refusal {
            CallRefusal::Link(refusal) => refusal.into(),
            CallRefusal::UnknownSession(_) => Self::new(StatusCode::NOT_FOUND, refusal.to_string()),
            CallRefusal::Room(refused) => refused.into(),
            CallRefusal::Full | CallRefusal::Draining => Self::busy(refusal.to_string()),
            CallRefusal::Stopping => Self::stopping(),
            CallRefusal::Ended => ended(),
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let detail = refused.to_string();
        match refused {
            Refused::Meeting(refusal) => refusal.into(),
            Refused::Offer(OfferRefusal::Malformed(_)) | Refused::CandidatesTooMany { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
            }
            Refused::Offer(OfferRefusal::Full) | Refused::Unanswered => Self::busy(detail),
            Refused::SdpTooLong { .. } | Refused::CandidateTooLong { .. } => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
            }
            Refused::SendingTooMany { .. } | Refused::PicturesTooMany { .. } => {
                Self::new(StatusCode::NOT_ACCEPTABLE, detail)
            }
            Refused::PlayersTooMany { .. } => Self::new(StatusCode::TOO_MANY_REQUESTS, detail),
            Refused::NoOffer | Refused::Replaced | Refused::NotInRoom => ended(),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal.code {
            RefusalCode::NotOpen
            | RefusalCode::Removed
            | RefusalCode::Locked
            | RefusalCode::Blocked
            | RefusalCode::NotAllowed
            | RefusalCode::UnknownMember => StatusCode::FORBIDDEN,
            RefusalCode::NotNow
            | RefusalCode::Conflict
            | RefusalCode::UnknownItem
            | RefusalCode::BudgetUsed
            | RefusalCode::QueueFull
            | RefusalCode::Limit => StatusCode::CONFLICT,
        };
        Self::new(status, refusal.message)
    }
}
