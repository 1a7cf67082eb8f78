//! SHELL. What members' checks before the room have found.

use std::sync::Arc;

use axum::{http::StatusCode, response::Response};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Api,
    answer::{self, page},
    call::Call,
    members::Limit,
    operation::Operation,
    times::At,
};
use crate::{
    auth::Scope,
    check::{Checked, Report, Verdict},
    http::problem::Problem,
    ids::MemberId,
};

/// A part of the checks.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct CheckList {
    checks: Vec<Check>,
    /// Where the next part goes on: `?after=`; null at the end.
    next: Option<String>,
}

/// What a member's latest check has found, as the member's page says it. A device is null where the
/// member needs none, or nothing was said of it.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Check {
    member: MemberId,
    at: At,
    verdict: Verdict,
    /// The round trip in milliseconds.
    rtt_ms: Option<u32>,
    /// Of a hundred packets sent, so many were lost, rounded up.
    loss_pct: Option<u8>,
    /// It is open and has heard something.
    microphone: Option<bool>,
    /// It is open.
    camera: Option<bool>,
    /// The member has heard the test sound.
    speaker: Option<bool>,
    /// The browser's name and version.
    browser: String,
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get(
            "/events/{event}/checks",
            "listChecks",
            "What members' checks have found",
            |api, call| Box::pin(list(api, call)),
        )
        .details(
            "A member checks by the link of the invite with `/check` in place of `/join`, days before, \
             say. The latest of each is kept; who is not here has not checked.",
        )
        .tag("Members")
        .scope(Scope::Read)
        .query::<String>("after", "Go on after this member.")
        .query::<Limit>("limit", "So many at most.")
        .gives::<CheckList>(200, "By member."),
    ]
}

async fn list(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let event = call.event()?;
    let checks = api
        .read(move |reading| {
            let kept = reading.event(&event)?;
            Ok(reading.checks(&kept.programme)?)
        })
        .await?;
    let (checks, next) = page(&call, checks, |check| check.member.as_str())?;
    let checks = checks.into_iter().map(check).collect();
    answer::json(StatusCode::OK, &CheckList { checks, next })
}

fn check(checked: Checked) -> Check {
    let Checked { member, at, report } = checked;
    let Report {
        verdict,
        rtt_ms,
        loss_pct,
        microphone,
        camera,
        speaker,
        browser,
    } = report;
    Check {
        member,
        at: At(at),
        verdict,
        rtt_ms,
        loss_pct,
        microphone,
        camera,
        speaker,
        browser,
    }
}
