//! Every kind of problem that the API answers, each with its URI for ever.

use std::fmt;

use axum::http::{StatusCode, header};
use serde_json::{Value, json};

use super::{BASE, operation::Operation};
use crate::{
    auth::{LinkRefusal, Scope, TokenRefusal},
    http::problem::Problem,
    store::Fault,
};

/// A kind of problem: its name in the URI, its status, and what it means.
pub(super) struct Kind {
    pub name: &'static str,
    pub status: StatusCode,
    pub means: &'static str,
}

macro_rules! kinds {
    ($($constant:ident: $name:literal, $status:ident, $means:literal;)*) => {
        $(const $constant: Kind = Kind {
            name: $name,
            status: StatusCode::$status,
            means: $means,
        };)*
        /// Every kind.
        pub(super) const KINDS: &[Kind] = &[$($constant),*];
    };
}

kinds! {
    MALFORMED: "malformed", BAD_REQUEST,
        "The body is not what its type says, or the query is damaged.";
    NO_TOKEN: "no-token", UNAUTHORIZED,
        "No bearer token was sent, or one that opens nothing, or no longer; detail says which.";
    FORBIDDEN: "forbidden", FORBIDDEN,
        "The token is another event's, or its scopes do not reach; scope names the missing one.";
    UNKNOWN: "unknown", NOT_FOUND,
        "There is no such event, session, member, webhook or address.";
    WRONG_METHOD: "wrong-method", METHOD_NOT_ALLOWED,
        "The address takes other methods; Allow names them.";
    NOT_ACCEPTABLE: "not-acceptable", NOT_ACCEPTABLE,
        "None of the types in Accept can be given.";
    SLOW: "slow", REQUEST_TIMEOUT,
        "The body did not come in time.";
    CONFLICT: "conflict", CONFLICT,
        "What is stored does not allow it; findings says why.";
    STALE: "stale", PRECONDITION_FAILED,
        "Somebody has changed it since it was read: read it again, and then change it.";
    TOO_LONG: "too-long", PAYLOAD_TOO_LARGE,
        "The body is longer than allowed.";
    WRONG_TYPE: "wrong-type", UNSUPPORTED_MEDIA_TYPE,
        "The body has a type that is not taken here.";
    INVALID: "invalid", UNPROCESSABLE_ENTITY,
        "The body or the query is well-formed and says something that cannot be; findings has all of it.";
    NO_CONDITION: "no-condition", PRECONDITION_REQUIRED,
        "A change must say of which version it is one: If-Match with the ETag that was read.";
    TOO_FAST: "too-fast", TOO_MANY_REQUESTS,
        "More requests than allowed; Retry-After says when to go on.";
    FAILED: "failed", INTERNAL_SERVER_ERROR,
        "The server's fault; its log says more.";
    BUSY: "busy", SERVICE_UNAVAILABLE,
        "The server is being restarted, or cannot keep up; Retry-After says when to come again.";
}

/// One thing that is wrong with what was sent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Finding {
    /// Where, as a JSON pointer (RFC 6901); of a JSON body alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Where, by line; of a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Where in the line, in characters from 1; of a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// What is wrong, for people.
    pub message: String,
}

impl Finding {
    /// Of what has no place.
    pub fn of(message: impl Into<String>) -> Self {
        Self {
            pointer: None,
            line: None,
            column: None,
            message: message.into(),
        }
    }

    /// At a JSON pointer.
    pub fn at(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            pointer: Some(pointer.into()),
            ..Self::of(message)
        }
    }
}

fn problem(kind: &Kind, detail: impl Into<String>) -> Problem {
    Problem::new(kind.status, detail).kind(uri(kind))
}

fn uri(kind: &Kind) -> String {
    format!("{BASE}/problems/{}", kind.name)
}

pub(super) fn malformed(detail: impl Into<String>) -> Problem {
    problem(&MALFORMED, detail)
}

pub(super) fn no_token() -> Problem {
    let detail = "a token is required: Authorization: Bearer TOKEN, made with `roundtable token` \
                  or taken from an organiser's link (what follows #)";
    Problem::nobody(detail).kind(uri(&NO_TOKEN))
}

pub(super) fn forbidden(detail: impl Into<String>) -> Problem {
    problem(&FORBIDDEN, detail)
}

/// RFC 6750 section 3.1.
pub(super) fn missing_scope(scope: Scope) -> Problem {
    let challenge =
        format!("Bearer realm=\"roundtable\", error=\"insufficient_scope\", scope=\"{scope}\"");
    forbidden(format!("this token has not the scope `{scope}`"))
        .with(header::WWW_AUTHENTICATE, &challenge)
        .member("scope", json!(scope))
}

pub(super) fn unknown(detail: impl Into<String>) -> Problem {
    problem(&UNKNOWN, detail)
}

pub(super) fn wrong_method(operations: &[Operation]) -> Problem {
    let mut allowed: Vec<&str> = operations.iter().map(|it| it.method.as_str()).collect();
    if allowed.contains(&"GET") {
        allowed.push("HEAD");
    }
    Problem::method(&allowed.join(", ")).kind(uri(&WRONG_METHOD))
}

pub(super) fn not_acceptable<'a>(forms: impl Iterator<Item = &'a str>) -> Problem {
    let forms: Vec<&str> = forms.collect();
    problem(
        &NOT_ACCEPTABLE,
        format!("this can be given as {}", forms.join(" or ")),
    )
}

pub(super) fn slow(detail: impl Into<String>) -> Problem {
    problem(&SLOW, detail)
}

pub(super) fn conflict(detail: impl Into<String>, findings: Vec<String>) -> Problem {
    let findings = findings.into_iter().map(Finding::of).collect();
    with_findings(problem(&CONFLICT, detail), findings)
}

pub(super) fn stale(detail: impl Into<String>) -> Problem {
    problem(&STALE, detail)
}

pub(super) fn too_long(detail: impl Into<String>) -> Problem {
    problem(&TOO_LONG, detail)
}

pub(super) fn wrong_type<'a>(forms: impl Iterator<Item = &'a str>) -> Problem {
    let forms: Vec<&str> = forms.collect();
    problem(
        &WRONG_TYPE,
        format!("the content type must be {}", forms.join(" or ")),
    )
}

pub(super) fn invalid(findings: Vec<Finding>) -> Problem {
    let detail = match findings.as_slice() {
        [only] => only.message.clone(),
        several => format!("{} things are wrong: see findings", several.len()),
    };
    with_findings(problem(&INVALID, detail), findings)
}

pub(super) fn no_condition(detail: impl Into<String>) -> Problem {
    problem(&NO_CONDITION, detail)
}

pub(super) fn too_fast() -> Problem {
    problem(&TOO_FAST, "more requests than allowed").with(header::RETRY_AFTER, "1")
}

pub(super) fn busy(detail: impl Into<String>) -> Problem {
    Problem::busy(detail).kind(uri(&BUSY))
}

pub(super) fn stopping() -> Problem {
    Problem::stopping().kind(uri(&BUSY))
}

/// The server's fault: the caller is told that it is, and the log what.
pub(super) fn failed(why: impl fmt::Display) -> Problem {
    tracing::error!("a request of the API failed: {why}");
    problem(&FAILED, "the server failed: its log says why")
}

fn with_findings(problem: Problem, findings: Vec<Finding>) -> Problem {
    problem.member("findings", json!(findings))
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::UnknownEvent(_) | Fault::UnknownMember(_) | Fault::UnknownToken(_) => {
                unknown(fault.to_string())
            }
            Fault::TooManyRevocations
            | Fault::TooManyWebhooks(_)
            | Fault::TooManyInvites
            | Fault::TooManyTokens => conflict(fault.to_string(), Vec::new()),
            Fault::BadJti => invalid(vec![Finding::of(fault.to_string())]),
            Fault::Folder { .. }
            | Fault::InUse { .. }
            | Fault::Missing { .. }
            | Fault::Foreign
            | Fault::Newer
            | Fault::Older
            | Fault::NoEntry { .. }
            | Fault::Damaged(_)
            | Fault::Sqlite(_) => failed(fault),
        }
    }
}

/// Of the API; a link's own refusals mean something else to an encoder.
pub(super) fn refused_link(refusal: LinkRefusal) -> Problem {
    match refusal {
        LinkRefusal::Uncounted => busy(refusal.to_string()),
        LinkRefusal::Invalid
        | LinkRefusal::Expired
        | LinkRefusal::NotYet
        | LinkRefusal::Revoked
        | LinkRefusal::UsedUp => Problem::refused_token(refusal.to_string()).kind(uri(&NO_TOKEN)),
    }
}

pub(super) fn refused_token(refusal: TokenRefusal) -> Problem {
    Problem::refused_token(refusal.to_string()).kind(uri(&NO_TOKEN))
}

/// The form of every problem document, for the OpenAPI document.
pub(super) fn schema(generator: &mut schemars::SchemaGenerator) -> Value {
    let finding = generator.subschema_for::<Finding>();
    let scope = generator.subschema_for::<Scope>();
    let kinds: Vec<String> = KINDS.iter().map(uri).collect();
    json!({
        "type": "object",
        "description": "Why a request was not carried out (RFC 9457).",
        "properties": {
            "type": {"type": "string", "format": "uri-reference", "enum": kinds},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string", "description": "For people."},
            "findings": {"type": "array", "items": finding},
            "scope": scope,
        },
        "required": ["type", "title", "status", "detail"],
        "additionalProperties": false,
    })
}
