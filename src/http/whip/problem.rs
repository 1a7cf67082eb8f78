//! Every refusal of WHIP and WHEP: its status, and a problem document (RFC 9457) that says why.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{
    auth::LinkRefusal,
    media::OfferRefusal,
    meeting::{Refusal, RefusalCode},
    room::Refused,
    signalling::call::CallRefusal,
};

/// When to come back where a server is full or busy, in seconds.
const RETRY_AFTER_S: &str = "5";

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            header: None,
        }
    }

    #[cfg(test)]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The body is not what its type says.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// Another method is needed.
    pub fn method(allowed: &'static str) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            format!("only {allowed} mean anything here"),
        )
        .with(header::ALLOW, allowed)
    }

    /// There is no token.
    pub fn nobody() -> Self {
        let detail = "an invite link's token is required: Authorization: Bearer TOKEN, where TOKEN \
                      is what follows # in the link";
        Self::new(StatusCode::UNAUTHORIZED, detail)
            .with(header::WWW_AUTHENTICATE, "Bearer realm=\"roundtable\"")
    }

    /// There is no such resource, or no longer.
    pub fn ended() -> Self {
        Self::new(StatusCode::NOT_FOUND, "this connection has ended")
    }

    /// Come back later.
    fn busy(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).with(header::RETRY_AFTER, RETRY_AFTER_S)
    }

    /// The server is being restarted.
    pub fn stopping() -> Self {
        Self::busy("the server is being restarted")
    }

    fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.header = Some((name, HeaderValue::from_static(value)));
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "title": self.status.canonical_reason(),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status, kind, body.to_string()).into_response();
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<LinkRefusal> for Problem {
    fn from(refusal: LinkRefusal) -> Self {
        let challenge = "Bearer realm=\"roundtable\", error=\"invalid_token\"";
        Self::new(StatusCode::UNAUTHORIZED, refusal.to_string())
            .with(header::WWW_AUTHENTICATE, challenge)
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
            CallRefusal::Ended => Self::ended(),
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
            Refused::NoOffer | Refused::Replaced | Refused::NotInRoom => Self::ended(),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal.code {
            RefusalCode::NotOpen
            | RefusalCode::Removed
            | RefusalCode::NotAllowed
            | RefusalCode::UnknownMember => StatusCode::FORBIDDEN,
            RefusalCode::NotNow
            | RefusalCode::Conflict
            | RefusalCode::QueueFull
            | RefusalCode::Limit => StatusCode::CONFLICT,
        };
        Self::new(status, refusal.message)
    }
}
