//! What handlers give: JSON, texts, entity tags.

use aws_lc_rs::digest;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{
    call::Call,
    operation::JSON,
    refusal::{Finding, failed, invalid},
};
use crate::http::problem::Problem;

/// Entries of a list at once, at most and unless asked for fewer.
pub(super) const PAGE_MAX: usize = 500;

/// A strong entity tag: of what is stored, and of the form in which it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    hash: String,
    form: &'static str,
    weak: bool,
}

impl Tag {
    /// The tag of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let hash = digest::digest(&digest::SHA256, bytes);
        let hash = hash.as_ref().iter().take(16);
        Self {
            hash: hash.map(|byte| format!("{byte:02x}")).collect(),
            form: "",
            weak: false,
        }
    }

    /// The same in another form: a strong tag is of one sequence of bytes (RFC 9110 section 8.8.1).
    #[must_use]
    pub fn in_form(mut self, form: &'static str) -> Self {
        self.form = form;
        self
    }

    /// What is given says the same and is not byte for byte equal.
    #[must_use]
    pub fn weak(mut self) -> Self {
        self.weak = true;
        self
    }

    fn quoted(&self) -> String {
        let joint = if self.form.is_empty() { "" } else { "-" };
        format!("\"{}{joint}{}\"", self.hash, self.form)
    }

    fn written(&self) -> String {
        format!("{}{}", if self.weak { "W/" } else { "" }, self.quoted())
    }

    /// For `If-Match`: compared strongly, but whatever the form that was read.
    pub fn is_among(&self, condition: &str) -> bool {
        condition.split(',').map(str::trim).any(|one| {
            let bare = one.strip_prefix('"').and_then(|one| one.strip_suffix('"'));
            let hash = bare.map(|bare| bare.split('-').next().unwrap_or_default());
            one == "*" || hash == Some(self.hash.as_str())
        })
    }

    /// For `If-None-Match`: compared weakly.
    pub fn is_known_by(&self, condition: &str) -> bool {
        let own = self.quoted();
        condition
            .split(',')
            .map(|one| one.trim().trim_start_matches("W/"))
            .any(|one| one == "*" || one == own)
    }
}

/// JSON.
pub(super) fn json<T: Serialize>(status: StatusCode, value: &T) -> Result<Response, Problem> {
    let text = serde_json::to_string(value).map_err(failed)?;
    Ok(text_as(status, JSON, text))
}

/// A text of a type.
pub(super) fn text_as(status: StatusCode, kind: &str, text: String) -> Response {
    let kind = if kind.starts_with("text/") {
        format!("{kind}; charset=utf-8")
    } else {
        kind.to_owned()
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (status, headers, text).into_response()
}

/// Nothing but that it is done.
pub(super) fn done() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// The answer with its tag; to whoever has this version, that nothing has changed.
pub(super) fn tagged(call: &Call, tag: &Tag, mut answer: Response) -> Response {
    if answer.status() == StatusCode::OK && call.has(tag) {
        answer = StatusCode::NOT_MODIFIED.into_response();
    }
    let headers = answer.headers_mut();
    // Kept, and asked for anew each time.
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    if let Ok(tag) = HeaderValue::from_str(&tag.written()) {
        headers.insert(header::ETAG, tag);
    }
    answer
}

/// A part of a long list: `limit` entries after the one named `after`, in the list's order, and the
/// name to go on after, if there is more.
pub(super) fn page<T>(
    call: &Call,
    list: Vec<T>,
    name: impl Fn(&T) -> &str,
) -> Result<(Vec<T>, Option<String>), Problem> {
    let limit = call.number("limit", 1..=PAGE_MAX)?.unwrap_or(PAGE_MAX);
    let skipped = match call.asked("after") {
        None => 0,
        Some(after) => {
            let place = list.iter().position(|it| name(it) == after);
            let finding = || Finding::of("`after` names nothing in this list");
            1 + place.ok_or_else(|| invalid(vec![finding()]))?
        }
    };
    let more = list.len() > skipped.saturating_add(limit);
    let part: Vec<T> = list.into_iter().skip(skipped).take(limit).collect();
    let next = part.last().filter(|_| more).map(|it| name(it).to_owned());
    Ok((part, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_of_bytes_and_form_and_matches_in_any_form() {
        let json = Tag::of(b"one");
        let toml = json.clone().in_form("toml");
        assert_ne!(json.written(), toml.written());
        assert!(json.is_among(&toml.written()));
        assert!(json.is_among(&format!("\"x\", {}", json.written())));
        assert!(json.is_among("*"));
        let weak = json.clone().weak().written();
        assert!(weak.starts_with("W/\""));
        for stale in [&Tag::of(b"two").written(), &weak, "", "one", "\"\""] {
            assert!(!json.is_among(stale), "{stale}");
        }
        assert!(json.is_known_by(&weak));
        assert!(!json.is_known_by(&toml.written()));
    }
}
