//! A refusal as HTTP says it: a status, and a problem document (RFC 9457) that says why.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

/// When to come back where a server is full or busy, in seconds.
const RETRY_AFTER_S: &str = "5";

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    status: StatusCode,
    kind: Option<String>,
    detail: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    more: Map<String, Value>,
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            kind: None,
            detail: detail.into(),
            headers: Vec::new(),
            more: Map::new(),
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
    pub fn method(allowed: &str) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            format!("only {allowed} mean anything here"),
        )
        .with(header::ALLOW, allowed)
    }

    /// There is no token.
    pub fn nobody(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
            .with(header::WWW_AUTHENTICATE, "Bearer realm=\"roundtable\"")
    }

    /// The token opens nothing, or no longer.
    pub fn refused_token(detail: impl Into<String>) -> Self {
        let challenge = "Bearer realm=\"roundtable\", error=\"invalid_token\"";
        Self::new(StatusCode::UNAUTHORIZED, detail).with(header::WWW_AUTHENTICATE, challenge)
    }

    /// Come back later.
    pub fn busy(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).with(header::RETRY_AFTER, RETRY_AFTER_S)
    }

    /// The server is being restarted.
    pub fn stopping() -> Self {
        Self::busy("the server is being restarted")
    }

    /// The URI reference that names this kind of problem for ever.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// One more header. A value that is none is left out.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// One more member of the document.
    #[must_use]
    pub fn member(mut self, name: &str, value: Value) -> Self {
        self.more.insert(name.to_owned(), value);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = self.more;
        if let Some(kind) = self.kind {
            body.insert("type".to_owned(), kind.into());
        }
        body.insert("title".to_owned(), json!(self.status.canonical_reason()));
        body.insert("status".to_owned(), self.status.as_u16().into());
        body.insert("detail".to_owned(), self.detail.into());
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let text = Value::Object(body).to_string();
        let mut response = (self.status, kind, text).into_response();
        let headers: &mut HeaderMap = response.headers_mut();
        for (name, value) in self.headers {
            headers.insert(name, value);
        }
        response
    }
}
