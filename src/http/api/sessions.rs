//! SHELL. The sessions: what is planned, and how far each has come.

use std::sync::Arc;

use axum::{http::StatusCode, response::Response};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Api, answer, call::Call, operation::Operation, refusal::unknown, times::At};
use crate::{
    auth::Scope,
    http::problem::Problem,
    ids::{ItemId, SessionId},
    meeting::{SessionState, Snapshot, agenda::SessionPlan, record::Addressee},
    programme::planned_end,
    room::{Look, Looked},
};

const TAG: &str = "Sessions";

/// The sessions of an event.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct SessionList {
    sessions: Vec<SessionEntry>,
}

/// A session: as planned, and where it stands. Of an event that is not served nothing is known but
/// the plan.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PlannedSession", deny_unknown_fields)]
struct SessionEntry {
    id: SessionId,
    title: String,
    /// The first day is 1.
    day: usize,
    /// Planned start.
    starts: At,
    /// Planned end.
    ends: At,
    /// Planned length.
    minutes: u32,
    /// The agenda, in order.
    items: Vec<PlannedItem>,
    /// Null where the event is not served.
    state: Option<SessionState>,
    /// How late it is, in seconds: as its agenda runs, or as it has not begun.
    late_s: u64,
    /// The item that is on.
    item: Option<ItemId>,
    /// Since when.
    item_since: Option<At>,
    /// When it was opened first.
    opened_at: Option<At>,
    /// Members in the room.
    present: usize,
    /// Members who wait to be let in.
    in_lobby: usize,
    /// How many events have happened in it.
    rev: u64,
}

/// An item of the agenda.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct PlannedItem {
    id: ItemId,
    title: String,
    /// Planned length.
    minutes: u32,
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get(
            "/events/{event}/sessions",
            "listSessions",
            "Every session: as planned, and where it stands",
            |api, call| Box::pin(list(api, call)),
        )
        .tag(TAG)
        .scope(Scope::Read)
        .gives::<SessionList>(200, "In the programme's order."),
        Operation::get(
            "/events/{event}/sessions/{session}",
            "readSession",
            "One session",
            |api, call| Box::pin(read(api, call)),
        )
        .tag(TAG)
        .scope(Scope::Read)
        .gives::<SessionEntry>(200, "The session."),
        Operation::get(
            "/events/{event}/sessions/{session}/state",
            "readState",
            "Everything that the chairs of a session see",
            |api, call| Box::pin(state(api, call)),
        )
        .details(
            "The protocol's `snapshot`: floor, queue, turns, members, chat, recommendations. What was \
             written to the chairs alone is in it for a token that has the scope `record` too. Times \
             in it are those of the protocol: milliseconds since 1970-01-01 UTC.",
        )
        .tag(TAG)
        .scope(Scope::Read)
        .gives::<Snapshot>(200, "The state.")
        .refuses(409, "The event is not served, so that nothing is on."),
    ]
}

async fn list(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let mut sessions = Vec::new();
    for (day, plan) in plans(&api, &call).await? {
        sessions.push(session(&api, &call, day, &plan).await?);
    }
    answer::json(StatusCode::OK, &SessionList { sessions })
}

async fn read(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let asked = call.session()?;
    let mut plans = plans(&api, &call).await?.into_iter();
    let found = plans.find(|(_, plan)| plan.id == asked);
    let (day, plan) = found.ok_or_else(|| unknown(format!("there is no session {asked}")))?;
    answer::json(StatusCode::OK, &session(&api, &call, day, &plan).await?)
}

async fn state(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let (event, session) = (call.event()?, call.session()?);
    must_serve(&api, &event)?;
    let mut snapshot = api.look(&session, Look::State).await?.snapshot;
    // As in the record, where it has to be asked for.
    if call.caller()?.may(Scope::Record).is_err() {
        snapshot
            .chat
            .retain(|message| message.to == Addressee::Everybody);
    }
    answer::json(StatusCode::OK, &snapshot)
}

/// That this is the event which is on.
pub(super) fn must_serve(api: &Api, event: &crate::ids::EventId) -> Result<(), Problem> {
    if api.serves(event) {
        Ok(())
    } else {
        Err(super::refusal::conflict(
            format!(
                "this server serves {}, so nothing is on of {event}",
                api.served().id
            ),
            Vec::new(),
        ))
    }
}

/// The plans: as they are served, where the event is, or as they are stored.
async fn plans(api: &Api, call: &Call) -> Result<Vec<(usize, SessionPlan)>, Problem> {
    let event = call.event()?;
    let programme = if api.serves(&event) {
        Arc::clone(api.served())
    } else {
        let kept = api.read(move |reading| Ok(reading.event(&event)?)).await?;
        Arc::new(kept.programme)
    };
    let plans = programme.sessions();
    Ok(plans.map(|(day, plan)| (day, plan.clone())).collect())
}

async fn session(
    api: &Api,
    call: &Call,
    day: usize,
    plan: &SessionPlan,
) -> Result<SessionEntry, Problem> {
    let looked = if api.serves(&call.event()?) {
        Some(api.look(&plan.id, Look::State).await?)
    } else {
        None
    };
    Ok(entry(day, plan, looked.as_ref()))
}

fn entry(day: usize, plan: &SessionPlan, looked: Option<&Looked>) -> SessionEntry {
    let snapshot = looked.map(|looked| &*looked.snapshot);
    let session = snapshot.map(|snapshot| &snapshot.session);
    let lobby = snapshot.and_then(|snapshot| snapshot.lobby.as_ref());
    SessionEntry {
        id: plan.id.clone(),
        title: plan.title.clone(),
        day,
        starts: At(plan.start),
        ends: At(planned_end(plan)),
        minutes: plan.minutes,
        items: plan
            .items
            .iter()
            .map(|item| PlannedItem {
                id: item.id.clone(),
                title: item.title.clone(),
                minutes: item.minutes,
            })
            .collect(),
        state: session.map(|session| session.state),
        late_s: looked.map_or(0, |looked| looked.late.0 / 1000),
        item: session.and_then(|session| session.item.clone()),
        item_since: session.and_then(|session| session.item_since).map(At),
        opened_at: session.and_then(|session| session.opened_at).map(At),
        present: snapshot.map_or(0, |snapshot| snapshot.members.len()),
        in_lobby: lobby.map_or(0, Vec::len),
        rev: snapshot.map_or(0, |snapshot| snapshot.rev.0),
    }
}
