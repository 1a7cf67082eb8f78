//! What a room's and a link's answers become on the wire: which error each refusal is.

use super::wire::{ErrorBody, ErrorCode, Granted, Lobby, Resumed};
use crate::{
    auth::LinkRefusal,
    check::CheckRefusal,
    ids::SessionId,
    media::OfferRefusal,
    meeting::RefusalCode,
    room::{Answer, Refused},
};

impl From<LinkRefusal> for ErrorBody {
    fn from(refusal: LinkRefusal) -> Self {
        let code = match refusal {
            LinkRefusal::Invalid => ErrorCode::LinkInvalid,
            LinkRefusal::Expired => ErrorCode::LinkExpired,
            LinkRefusal::NotYet => ErrorCode::LinkNotYet,
            LinkRefusal::Revoked => ErrorCode::LinkRevoked,
            LinkRefusal::UsedUp => ErrorCode::LinkUsedUp,
            LinkRefusal::Uncounted => ErrorCode::Internal,
        };
        ErrorBody {
            code,
            message: refusal.to_string(),
        }
    }
}

impl From<CheckRefusal> for ErrorBody {
    fn from(refusal: CheckRefusal) -> Self {
        let code = match &refusal {
            CheckRefusal::Offer(OfferRefusal::Malformed(_)) => ErrorCode::BadOffer,
            CheckRefusal::Offer(OfferRefusal::Full) | CheckRefusal::Busy => ErrorCode::Full,
            CheckRefusal::SdpTooLong { .. } => ErrorCode::Limit,
            CheckRefusal::Unanswered => ErrorCode::Internal,
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
            Refused::PlayersTooMany { .. }
            | Refused::SdpTooLong { .. }
            | Refused::SendingTooMany { .. }
            | Refused::CandidateTooLong { .. }
            | Refused::CandidatesTooMany { .. }
            | Refused::PicturesTooMany { .. } => ErrorCode::Limit,
            Refused::Replaced => ErrorCode::Replaced,
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
        RefusalCode::Locked => ErrorCode::Locked,
        RefusalCode::Blocked => ErrorCode::Blocked,
        RefusalCode::BudgetUsed => ErrorCode::BudgetUsed,
        RefusalCode::UnknownItem => ErrorCode::UnknownItem,
        RefusalCode::NotAllowed => ErrorCode::NotAllowed,
        RefusalCode::NotNow => ErrorCode::NotNow,
        RefusalCode::Conflict => ErrorCode::Conflict,
        RefusalCode::UnknownMember => ErrorCode::UnknownMember,
        RefusalCode::QueueFull => ErrorCode::QueueFull,
        RefusalCode::Limit => ErrorCode::Limit,
    }
}

impl From<Answer> for Granted {
    fn from(answer: Answer) -> Self {
        match answer {
            // ICE restarts are asked for over HTTP alone.
            Answer::Done | Answer::Restarted(_) => Granted::Done {},
            Answer::Snapshot(snapshot) => Granted::Snapshot { snapshot },
            Answer::Lobby => Granted::Lobby { lobby: Lobby {} },
            Answer::Resumed(rev) => Granted::Resumed {
                resumed: Resumed { rev },
            },
            Answer::Sdp(sdp) => Granted::Sdp { sdp },
        }
    }
}

/// An error of the connection's own.
pub(super) fn error(code: ErrorCode, message: &str) -> ErrorBody {
    ErrorBody {
        code,
        message: message.to_owned(),
    }
}

/// There is no such session.
pub(super) fn unknown_session(session: &SessionId) -> ErrorBody {
    error(
        ErrorCode::UnknownSession,
        &format!("there is no session {session}"),
    )
}
