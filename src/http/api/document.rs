//! SHELL. The API as a document: OpenAPI 3.1, made of the operations that are routed; and the schema of the
//! signalling beside it.

use std::{collections::BTreeMap, sync::OnceLock};

use axum::http::StatusCode;
use schemars::{Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde_json::{Map, Value, json};

use super::{
    BASE, answer,
    operation::{Condition, JSON, Operation, SchemaOf, schema_of},
    record::table_names,
    refusal,
};
use crate::{
    ids::{EventId, MemberId, SessionId},
    signalling,
};

pub(super) const TAG: &str = "Documents";

const DESCRIPTION: &str = "\
The organiser's desk for programs: events, sessions, roster, invites, live state, record.

Every request but those for documents carries `Authorization: Bearer TOKEN`. A token is made with \
`roundtable token --event EVENT --scope read …`, opens that event alone, and can be listed and \
revoked; the token of an organiser's invite link (what follows `#`), unless that is of limited use, does \
for its event whatever can be done. Times are RFC 3339 in UTC unless an operation says otherwise. What is not known is null. A \
change names the version that it is one of (`If-Match` with the `ETag` that was read), so that of two \
organisers who edit at once one is told. A refusal is `application/problem+json` (RFC 9457).";

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get(
            "/openapi.json",
            "readDocument",
            "This document",
            |_, call| {
                Box::pin(async move {
                    let text = openapi_text().to_owned();
                    let tag = answer::Tag::of(text.as_bytes());
                    let answer = answer::text_as(StatusCode::OK, JSON, text);
                    Ok(answer::tagged(&call, &tag, answer))
                })
            },
        )
        .tag(TAG)
        .gives_as_any(200, "OpenAPI 3.1.")
        .tagged(),
        Operation::get(
            "/schema",
            "readSchema",
            "JSON Schema of the signalling, `roundtable.v1`",
            |_, call| {
                Box::pin(async move {
                    let text = schema_text().to_owned();
                    let tag = answer::Tag::of(text.as_bytes());
                    let answer = answer::text_as(StatusCode::OK, JSON, text);
                    Ok(answer::tagged(&call, &tag, answer))
                })
            },
        )
        .details("Every request, answer, event and signal of the WebSocket (JSON Schema 2020-12).")
        .tag(TAG)
        .gives_as_any(200, "The schema.")
        .tagged(),
    ]
}

/// The document.
pub(super) fn openapi() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| document(&super::operations()))
}

fn openapi_text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| openapi().to_string())
}

fn schema_text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| signalling::schema().to_string())
}

fn document(operations: &[Operation]) -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .for_serialize()
        .with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        })
        .into_generator();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut tags: Vec<&str> = Vec::new();
    for operation in operations {
        let path = paths.entry(operation.path).or_default();
        let method = operation.method.as_str().to_lowercase();
        path.insert(method, described(operation, &mut generator));
        if !tags.contains(&operation.tag) {
            tags.push(operation.tag);
        }
    }
    let problem = refusal::schema(&mut generator);
    let mut schemas = generator.take_definitions(true);
    schemas.insert("Problem".to_owned(), problem);
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Roundtable",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": BASE}],
        "tags": tags.into_iter().map(|name| json!({"name": name})).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "A token of the API, or that of an organiser's invite link without a limit of its use.",
                },
            },
        },
    });
    signalling::plain(&mut document);
    document
}

fn described(operation: &Operation, generator: &mut SchemaGenerator) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "security": [],
        "responses": responses(operation, generator),
    });
    if !operation.details.is_empty() {
        described["description"] = operation.details.into();
    }
    if let Some(scope) = operation.scope {
        described["security"] = json!([{"bearer": []}]);
        described["x-scope"] = scope.as_str().into();
    }
    let parameters = parameters(operation, generator);
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    if let Some(body) = &operation.body {
        described["requestBody"] = json!({
            "description": format!("{} At most {} KiB.", body.what, body.bytes_max / 1024),
            "required": true,
            "content": content(&body.forms, generator),
        });
    }
    described
}

fn parameters(operation: &Operation, generator: &mut SchemaGenerator) -> Vec<Value> {
    let mut parameters = Vec::new();
    for name in operation.params() {
        let (what, schema) = path_parameter(name);
        parameters.push(json!({
            "name": name,
            "in": "path",
            "required": true,
            "description": what,
            "schema": schema(generator),
        }));
    }
    for parameter in &operation.query {
        parameters.push(json!({
            "name": parameter.name,
            "in": "query",
            "required": false,
            "description": parameter.what,
            "schema": (parameter.schema)(generator),
        }));
    }
    let mut header = |name, required, what| {
        parameters.push(json!({
            "name": name,
            "in": "header",
            "required": required,
            "description": what,
            "schema": {"type": "string"},
        }));
    };
    const MATCH: &str = "The ETag of what was read and is to be changed.";
    match operation.condition {
        Condition::None => {}
        Condition::Match => header("If-Match", true, MATCH),
        Condition::MatchOrNew => {
            header("If-Match", false, MATCH);
            header(
                "If-None-Match",
                false,
                "`*`, to make what is not there yet.",
            );
        }
    }
    if operation.given.iter().any(|given| given.tagged) && operation.method == "GET" {
        header("If-None-Match", false, "The ETag of what one has already.");
    }
    parameters
}

/// What a name in a path stands for.
fn path_parameter(name: &str) -> (&'static str, SchemaOf) {
    match name {
        "event" => ("The event, by its id.", schema_of::<EventId>),
        "session" => ("The session, by its id.", schema_of::<SessionId>),
        "member" => ("The member, by its id.", schema_of::<MemberId>),
        "table" => ("The table's file.", table_names),
        "problem" => ("The kind of problem, by its name.", problem_names),
        "jti" => ("The invite's id, of 64 bytes at most.", jti),
        _ => ("The id.", id),
    }
}

/// An id that the server makes.
fn id(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"})
}

/// An id that another program may have made.
fn jti(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "minLength": 1, "maxLength": 64})
}

fn problem_names(_: &mut SchemaGenerator) -> Schema {
    let names: Vec<&str> = refusal::KINDS.iter().map(|kind| kind.name).collect();
    json_schema!({"type": "string", "enum": names})
}

fn content(
    forms: &[(&'static str, SchemaOf)],
    generator: &mut SchemaGenerator,
) -> Map<String, Value> {
    let forms = forms.iter();
    forms
        .map(|(kind, schema)| ((*kind).to_owned(), json!({"schema": schema(generator)})))
        .collect()
}

fn responses(operation: &Operation, generator: &mut SchemaGenerator) -> Map<String, Value> {
    let mut responses = Map::new();
    for given in &operation.given {
        let mut response = json!({"description": given.what});
        if !given.forms.is_empty() {
            response["content"] = content(&given.forms, generator).into();
        }
        if given.tagged {
            response["headers"]["ETag"] = json!({
                "required": true,
                "description": "Names this version.",
                "schema": {"type": "string"},
            });
            if operation.method == "GET" {
                let same = json!({"description": "It is still as named in If-None-Match."});
                responses.insert("304".to_owned(), same);
            }
        }
        responses.insert(given.status.to_string(), response);
    }
    for (status, what) in refusals(operation) {
        let problem = json!({
            "description": what,
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
            },
        });
        responses.insert(status.to_string(), problem);
    }
    responses
}

/// Every way in which an operation may be refused.
fn refusals(operation: &Operation) -> BTreeMap<u16, &'static str> {
    let general = |status: u16| {
        let mut kinds = refusal::KINDS.iter();
        let kind = kinds.find(|kind| kind.status.as_u16() == status);
        (status, kind.map_or("", |kind| kind.means))
    };
    let mut statuses = vec![400, 422, 500, 503];
    if operation.scope.is_some() {
        statuses.extend([401, 403, 429]);
    }
    if operation.params().next().is_some() {
        statuses.push(404);
    }
    if operation.forms().next().is_some() {
        statuses.push(406);
    }
    if operation.body.is_some() {
        statuses.extend([408, 413, 415]);
    }
    if operation.condition != Condition::None {
        statuses.extend([412, 428]);
    }
    let mut refusals: BTreeMap<u16, &'static str> = statuses.into_iter().map(general).collect();
    refusals.extend(operation.refusals.iter().copied());
    refusals
}
