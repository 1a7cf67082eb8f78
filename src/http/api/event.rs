//! SHELL. The event: its programme as a file says it, read and changed.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Api, BASE,
    answer::{self, Tag, tagged, text_as},
    call::Call,
    operation::{Condition, JSON, Operation, TOML},
    refusal::{Finding, failed, invalid, malformed},
};
use crate::{
    auth::Scope,
    http::problem::Problem,
    ids::EventId,
    programme::{self, Document, Programme, json::NotAnEvent},
    store::Fault,
};

const TAG: &str = "Events";

/// The longest event, in bytes: as long as an event file.
const EVENT_BYTES_MAX: usize = 1024 * 1024;

/// The events that the caller may see.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct EventList {
    events: Vec<EventSummary>,
}

/// An event in a list.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct EventSummary {
    id: EventId,
    title: String,
    /// The dates of its days, in its time zone.
    days: Vec<String>,
    /// Its time zone, an IANA name.
    zone: String,
    /// Whether this server serves it now.
    served: bool,
}

/// What has become of a change.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Stored {
    event: EventId,
    served_from: ServedFrom,
}

/// From when on something is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ServedFrom {
    /// The server serves exactly this.
    Now,
    /// The server goes on with the event as it was when it was started.
    NextStart,
    /// The server serves another event.
    NotServed,
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get(
            "/events",
            "listEvents",
            "The events that the token may see",
            |api, call| Box::pin(list(api, call)),
        )
        .tag(TAG)
        .scope(Scope::Read)
        .gives::<EventList>(200, "The token's event, if it is stored."),
        Operation::get(
            "/events/{event}",
            "readEvent",
            "The programme, as its event file says it",
            |api, call| Box::pin(read(api, call)),
        )
        .details(
            "The keys are those of the event file, which `config/nartt-2020.toml` explains. The \
             entity tag is that of the whole event: its members have the same.",
        )
        .tag(TAG)
        .scope(Scope::Read)
        .gives::<Document>(200, "The event.")
        .also_as(TOML)
        .tagged(),
        Operation::new(
            axum::http::Method::PUT,
            "/events/{event}",
            "writeEvent",
            "Replace the programme, or bring a new event",
            |api, call| Box::pin(write(api, call)),
        )
        .details(
            "Refused with everything that is wrong, as `roundtable event check` says it; the settings' \
             `[programme]` says how large it may be. Invites and what was revoked stay. A server goes on \
             with the event as it was when it was started: `served_from` says so.",
        )
        .tag(TAG)
        .scope(Scope::Write)
        .condition(Condition::MatchOrNew)
        .takes::<Document>("The whole event.")
        .or_as(TOML)
        .bytes_max(EVENT_BYTES_MAX)
        .gives::<Stored>(200, "It is stored in place of the former.")
        .tagged()
        .gives::<Stored>(201, "It is stored; there was none.")
        .tagged(),
    ]
}

async fn list(api: std::sync::Arc<Api>, call: Call) -> Result<Response, Problem> {
    let event = call.caller()?.event.clone();
    let served = api.serves(&event);
    let kept = api
        .read(move |reading| match reading.event(&event) {
            Ok(kept) => Ok(Some(kept)),
            Err(Fault::UnknownEvent(_)) => Ok(None),
            Err(fault) => Err(fault.into()),
        })
        .await?;
    let events = kept.map(|kept| {
        let programme = kept.programme;
        EventSummary {
            days: programme.days.into_iter().map(|day| day.date).collect(),
            id: programme.id,
            title: programme.title,
            zone: programme.time_zone,
            served,
        }
    });
    let events = events.into_iter().collect();
    answer::json(StatusCode::OK, &EventList { events })
}

async fn read(api: std::sync::Arc<Api>, call: Call) -> Result<Response, Problem> {
    let event = call.event()?;
    let kept = api.read(move |reading| Ok(reading.event(&event)?)).await?;
    let tag = tag(&kept.programme)?;
    let document = Document::of(&kept.programme);
    if call.form == Some(TOML) {
        let answer = text_as(StatusCode::OK, TOML, document.toml());
        return Ok(tagged(&call, &tag.in_form("toml"), answer));
    }
    let answer = answer::json(StatusCode::OK, &document)?;
    Ok(tagged(&call, &tag, answer))
}

async fn write(api: std::sync::Arc<Api>, call: Call) -> Result<Response, Problem> {
    let event = call.event()?;
    let programme = sent(&call, &api.desk.limits)?;
    if programme.id != event {
        let message = format!("`event` must be `{event}`, as in the address");
        return Err(invalid(vec![Finding::at("/event", message)]));
    }
    let now = api.signalling.time();
    let (call, programme, new) = api
        .change(move |store| {
            let present = match store.reading().event(&event) {
                Ok(kept) => Some(tag(&kept.programme)?),
                Err(Fault::UnknownEvent(_)) => None,
                Err(fault) => return Err(fault.into()),
            };
            call.check(present.as_ref())?;
            store.import(&programme, now)?;
            Ok((call, programme, present.is_none()))
        })
        .await?;
    tracing::info!(event = %programme.id, "an event was changed by the API");
    let status = if new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let mut answer = stored(&api, &call, status, &programme)?;
    if new && let Ok(location) = format!("{BASE}/events/{}", programme.id).parse() {
        answer.headers_mut().insert(header::LOCATION, location);
    }
    Ok(answer)
}

/// The event that was sent, or everything that is wrong with it.
fn sent(call: &Call, limits: &programme::Settings) -> Result<Programme, Problem> {
    let text = call.text()?;
    if call.sent == Some(JSON) {
        return programme::json::parse(text, limits).map_err(|not| match not {
            NotAnEvent::NotJson(why) => malformed(format!("the body is not JSON: {why}")),
            NotAnEvent::Wrong(wrong) => {
                let findings = wrong.into_iter();
                invalid(
                    findings
                        .map(|it| Finding::at(it.pointer, it.message))
                        .collect(),
                )
            }
        });
    }
    programme::parse_within(text, limits).map_err(|problems| {
        let findings = problems.into_iter().map(|problem| Finding {
            line: Some(problem.line),
            column: Some(problem.column),
            ..Finding::of(problem.message)
        });
        invalid(findings.collect())
    })
}

/// The tag of an event as it is stored.
pub(super) fn tag(programme: &Programme) -> Result<Tag, Problem> {
    serde_json::to_vec(programme)
        .map(|bytes| Tag::of(&bytes))
        .map_err(failed)
}

/// That a change of an event has been stored, with the event's new tag.
pub(super) fn stored(
    api: &Api,
    call: &Call,
    status: StatusCode,
    programme: &Programme,
) -> Result<Response, Problem> {
    let stored = Stored {
        event: programme.id.clone(),
        served_from: served_from(api, programme),
    };
    let answer = answer::json(status, &stored)?;
    Ok(tagged(call, &tag(programme)?, answer).into_response())
}

/// From when on an event is served as it is stored.
pub(super) fn served_from(api: &Api, programme: &Programme) -> ServedFrom {
    if !api.serves(&programme.id) {
        ServedFrom::NotServed
    } else if **api.served() == *programme {
        ServedFrom::Now
    } else {
        ServedFrom::NextStart
    }
}
