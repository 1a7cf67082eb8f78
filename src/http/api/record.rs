//! SHELL. The record: what `roundtable event export` writes.

use std::sync::Arc;

use axum::{http::StatusCode, response::Response};
use schemars::{Schema, SchemaGenerator, json_schema};

use super::{
    Api,
    answer::text_as,
    call::Call,
    operation::{CSV, JSON, MARKDOWN, Operation},
    refusal::{conflict, unknown},
};
use crate::{
    auth::Scope,
    http::problem::Problem,
    ids::EventId,
    record::{ChairsChat, Journal, Record, TABLES},
};

const TAG: &str = "Record";
const CHAIRS: &str = "chairs_chat";
const CHAIRS_WHAT: &str = "With what was written to the chairs alone.";
const BROKEN: &str = "The record is not whole; findings says where, as `roundtable verify` does.";

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get(
            "/events/{event}/record",
            "readRecord",
            "Who came, who spoke, what was decided: as a document, or as data",
            |api, call| Box::pin(document(api, call)),
        )
        .details(
            "What `roundtable event export` writes. Times carry the offset of the event's zone.",
        )
        .tag(TAG)
        .scope(Scope::Record)
        .query::<bool>(CHAIRS, CHAIRS_WHAT)
        .gives_text(200, "The record.", MARKDOWN)
        .also_as_json::<Record>()
        .refuses(409, BROKEN),
        Operation::get(
            "/events/{event}/record/{table}",
            "readTable",
            "One table of the record",
            |api, call| Box::pin(table(api, call)),
        )
        .tag(TAG)
        .scope(Scope::Record)
        .query::<bool>(CHAIRS, CHAIRS_WHAT)
        .gives_text(200, "The table, with a header.", CSV)
        .refuses(409, BROKEN),
    ]
}

/// What a table may be called, for the document.
pub(super) fn table_names(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "enum": TABLES})
}

async fn document(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let as_json = call.form == Some(JSON);
    let (event, chairs) = (call.event()?, chairs(&call)?);
    let text = record(&api, event, chairs, move |record| {
        Ok(if as_json {
            record.json()
        } else {
            record.markdown()
        })
    });
    let kind = if as_json { JSON } else { MARKDOWN };
    Ok(text_as(StatusCode::OK, kind, text.await?))
}

async fn table(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let name = call.param("table").to_owned();
    if !TABLES.contains(&name.as_str()) {
        let detail = format!("the record has the tables {}", TABLES.join(", "));
        return Err(unknown(detail));
    }
    let (event, chairs) = (call.event()?, chairs(&call)?);
    let text = record(&api, event, chairs, move |record| {
        let mut tables = record.tables().into_iter();
        let found = tables.find(|table| table.name == name);
        found
            .map(|table| table.text)
            .ok_or_else(|| unknown("the record has no such table"))
    });
    Ok(text_as(StatusCode::OK, CSV, text.await?))
}

fn chairs(call: &Call) -> Result<ChairsChat, Problem> {
    Ok(if call.flag(CHAIRS)? {
        ChairsChat::With
    } else {
        ChairsChat::Without
    })
}

/// The record of an event, written on the thread that has read it: both take their time.
async fn record(
    api: &Api,
    event: EventId,
    chairs: ChairsChat,
    write: impl FnOnce(&Record) -> Result<String, Problem> + Send + 'static,
) -> Result<String, Problem> {
    api.read(move |reading| {
        let whole = reading.whole(&event)?;
        if !whole.verdict.is_whole() {
            let detail = "the record is not whole";
            return Err(conflict(detail, whole.verdict.findings()));
        }
        let journals: Vec<Journal> = whole
            .sessions
            .into_iter()
            .map(|(session, entries)| Journal { session, entries })
            .collect();
        let head = whole.verdict.own.head;
        write(&Record::new(&whole.programme, &journals, head, chairs))
    })
    .await
}
