//! SHELL. One request to an operation: who asks is known and may, what was sent is of a type that is
//! taken, and read. What a handler need not look at again.

use std::{collections::BTreeMap, ops::RangeInclusive, str::FromStr};

use axum::{
    body::Bytes,
    extract::{Query, Request},
    http::{HeaderMap, HeaderName, Method, Uri, header},
};
use serde::de::DeserializeOwned;

use super::{
    Api,
    answer::Tag,
    caller::Caller,
    operation::{Condition, Operation},
    refusal::{
        Finding, invalid, malformed, no_condition, not_acceptable, slow, stale, too_long, unknown,
        wrong_type,
    },
};
use crate::{
    http::{
        body::{self, BodyFault, media_type},
        problem::Problem,
    },
    ids::{EventId, MemberId, SessionId},
};

/// A checked request.
pub(super) struct Call {
    params: BTreeMap<String, String>,
    query: BTreeMap<String, String>,
    headers: HeaderMap,
    body: Bytes,
    caller: Option<Caller>,
    /// Whether it changes nothing.
    reads: bool,
    /// The form of answer that is wanted most; none where the operation gives nothing.
    pub form: Option<&'static str>,
    /// The form of what was sent.
    pub sent: Option<&'static str>,
}

impl Call {
    /// Checks a request and reads its body. The dearest comes last: nothing is read for a stranger.
    pub async fn read(
        api: &Api,
        operation: &Operation,
        params: BTreeMap<String, String>,
        request: Request,
    ) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let caller = match operation.scope {
            None => None,
            Some(scope) => {
                let caller = Caller::of(api, &parts.headers)?;
                caller.may(scope)?;
                if let Some(event) = params.get("event") {
                    caller.opens(event)?;
                }
                Some(caller)
            }
        };
        let query = query(operation, &parts.uri)?;
        let form = accepted(operation, &parts.headers)?;
        required(operation.condition, &parts.headers)?;
        let mut call = Self {
            params,
            query,
            headers: parts.headers,
            body: Bytes::new(),
            caller,
            reads: operation.method == Method::GET,
            form,
            sent: None,
        };
        if let Some(taken) = &operation.body {
            let kind = media_type(&call.headers);
            let forms = || taken.forms.iter().map(|(form, _)| *form);
            let sent = forms().find(|form| form.eq_ignore_ascii_case(kind));
            call.sent = Some(sent.ok_or_else(|| wrong_type(forms()))?);
            call.body = body::read(body, taken.bytes_max)
                .await
                .map_err(|fault| match fault {
                    BodyFault::Slow => slow(fault.to_string()),
                    BodyFault::Long { .. } => too_long(fault.to_string()),
                })?;
        }
        Ok(call)
    }

    /// Who asks, where the operation is not for everybody.
    pub fn caller(&self) -> Result<&Caller, Problem> {
        self.caller.as_ref().ok_or_else(super::refusal::no_token)
    }

    /// What stands in the path under this name.
    pub fn param(&self, name: &str) -> &str {
        self.params
            .get(name)
            .map(String::as_str)
            .unwrap_or_default()
    }

    /// The event in the path.
    pub fn event(&self) -> Result<EventId, Problem> {
        self.slug("event")
    }

    /// The session in the path.
    pub fn session(&self) -> Result<SessionId, Problem> {
        self.slug("session")
    }

    /// The member in the path.
    pub fn member(&self) -> Result<MemberId, Problem> {
        self.slug("member")
    }

    /// What is no name names nothing.
    fn slug<T: FromStr>(&self, name: &str) -> Result<T, Problem> {
        let written = self.param(name);
        written
            .parse()
            .map_err(|_| unknown(format!("there is no {name} `{written}`")))
    }

    /// A parameter of the query.
    pub fn asked(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// A whole number of the query.
    pub fn number(
        &self,
        name: &str,
        range: RangeInclusive<usize>,
    ) -> Result<Option<usize>, Problem> {
        let Some(text) = self.asked(name) else {
            return Ok(None);
        };
        let number = text.parse().ok().filter(|number| range.contains(number));
        match number {
            Some(number) => Ok(Some(number)),
            None => Err(invalid(vec![Finding::of(format!(
                "`{name}` must be a whole number, {} to {}",
                range.start(),
                range.end()
            ))])),
        }
    }

    /// `true` or `false` of the query.
    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.asked(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(invalid(vec![Finding::of(format!(
                "`{name}` must be true or false"
            ))])),
        }
    }

    /// The body as text.
    pub fn text(&self) -> Result<&str, Problem> {
        std::str::from_utf8(&self.body).map_err(|_| malformed("the body is not UTF-8"))
    }

    /// The body as JSON of this form.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_str(self.text()?).map_err(|why| {
            if why.is_data() {
                invalid(vec![Finding {
                    line: Some(why.line()),
                    column: Some(why.column()),
                    ..Finding::of(without_place(&why))
                }])
            } else {
                malformed(format!("the body is not JSON: {why}"))
            }
        })
    }

    /// Whether a change is one of the present version; `None`: there is nothing yet. Each condition that is
    /// named must hold (RFC 9110 section 13.2.2).
    pub fn check(&self, present: Option<&Tag>) -> Result<(), Problem> {
        match (self.condition(&header::IF_MATCH), present) {
            (Some(condition), Some(tag)) if !tag.is_among(&condition) => {
                return Err(stale("it has been changed since: read it again"));
            }
            (Some(_), None) => return Err(stale("there is nothing of that name yet")),
            (None, Some(_)) => return Err(stale("there is something of that name already")),
            (Some(_), Some(_)) | (None, None) => {}
        }
        match present {
            Some(tag) if self.knows(tag) => {
                Err(stale("it is what If-None-Match says it must not be"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether who reads has this version already.
    pub fn has(&self, tag: &Tag) -> bool {
        self.reads && self.knows(tag)
    }

    fn knows(&self, tag: &Tag) -> bool {
        self.condition(&header::IF_NONE_MATCH)
            .is_some_and(|condition| tag.is_known_by(&condition))
    }

    fn condition(&self, name: &HeaderName) -> Option<String> {
        condition(&self.headers, name)
    }
}

fn condition(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let all: Vec<&str> = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    (!all.is_empty()).then(|| all.join(","))
}

/// RFC 6585 section 3: a change that names no version could undo somebody else's.
fn required(condition_needed: Condition, headers: &HeaderMap) -> Result<(), Problem> {
    let has_match = condition(headers, &header::IF_MATCH).is_some();
    let is_new = condition(headers, &header::IF_NONE_MATCH).is_some_and(|it| it.trim() == "*");
    match condition_needed {
        Condition::Match if !has_match => Err(no_condition(
            "If-Match is required: the ETag of what was read",
        )),
        Condition::MatchOrNew if !has_match && !is_new => Err(no_condition(
            "If-Match is required: the ETag of what was read; or If-None-Match: * to make a new one",
        )),
        Condition::None | Condition::Match | Condition::MatchOrNew => Ok(()),
    }
}

/// The parameters of the query: each known, each once.
fn query(operation: &Operation, uri: &Uri) -> Result<BTreeMap<String, String>, Problem> {
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|why| malformed(format!("the query cannot be read: {why}")))?;
    let mut findings = Vec::new();
    let mut query = BTreeMap::new();
    for (name, value) in pairs.0 {
        if !operation.query.iter().any(|known| known.name == name) {
            let name: String = name.chars().take(64).collect();
            findings.push(Finding::of(format!("there is no parameter `{name}` here")));
        } else if query.insert(name.clone(), value).is_some() {
            findings.push(Finding::of(format!("`{name}` is given twice")));
        }
    }
    if findings.is_empty() {
        Ok(query)
    } else {
        findings.truncate(20);
        Err(invalid(findings))
    }
}

/// The form that `Accept` wants most (RFC 9110 section 12.5.1); of several the first.
fn accepted(operation: &Operation, headers: &HeaderMap) -> Result<Option<&'static str>, Problem> {
    let mut forms: Vec<&'static str> = operation.forms().collect();
    forms.dedup();
    let Some(first) = forms.first() else {
        return Ok(None);
    };
    let Some(accept) = condition(headers, &header::ACCEPT).filter(|it| !it.trim().is_empty())
    else {
        return Ok(Some(first));
    };
    let mut best: Option<(u16, &'static str)> = None;
    for form in &forms {
        let weight = weight(&accept, form);
        if weight > best.map_or(0, |(weight, _)| weight) {
            best = Some((weight, form));
        }
    }
    match best {
        Some((_, form)) => Ok(Some(form)),
        None => Err(not_acceptable(forms.into_iter())),
    }
}

/// How much a type is wanted, in thousandths: by the most exact of the ranges that it is in.
fn weight(accept: &str, form: &str) -> u16 {
    let kind = form.split('/').next().unwrap_or_default();
    let mut exactest = (0, 0);
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let exact = if name.eq_ignore_ascii_case(form) {
            3
        } else if name
            .strip_suffix("/*")
            .is_some_and(|name| name.eq_ignore_ascii_case(kind))
        {
            2
        } else if name == "*/*" {
            1
        } else {
            continue;
        };
        let quality = parts.find_map(|part| {
            let value = part
                .strip_prefix("q=")
                .or_else(|| part.strip_prefix("Q="))?;
            value.parse::<f32>().ok()
        });
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to what fits"
        )]
        let quality = (quality.unwrap_or(1.0).clamp(0.0, 1.0) * 1000.0) as u16;
        if exact > exactest.0 {
            exactest = (exact, quality);
        }
    }
    exactest.1
}

/// What serde says, without the place, which has fields of its own.
fn without_place(why: &serde_json::Error) -> String {
    let text = why.to_string();
    match text.rsplit_once(" at line ") {
        Some((said, _)) => said.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_exact_range_says_how_much_a_type_is_wanted() {
        for (accept, form, expected) in [
            ("application/json", "application/json", 1000),
            ("*/*", "application/json", 1000),
            ("text/*;q=0.5", "text/csv", 500),
            ("text/csv;q=0.2, text/*;q=0.9", "text/csv", 200),
            ("*/*;q=0.1, application/json;q=0", "application/json", 0),
            ("text/html", "application/json", 0),
            (
                "Application/JSON; charset=utf-8; q=0.3",
                "application/json",
                300,
            ),
            ("application/json;q=NaN", "application/json", 0),
        ] {
            assert_eq!(weight(accept, form), expected, "{accept} of {form}");
        }
    }
}
