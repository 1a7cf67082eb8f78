//! The document says what there is, and there is what it says.

use serde_json::{Value, json};

use crate::{
    desk::{Desk, problem},
    http,
};

/// A path with something in place of each name.
fn filled(path: &str) -> String {
    path.split('/')
        .map(|part| match part {
            "{event}" => "nartt-2020",
            "{session}" => "session-1",
            "{member}" => "indonesia-1",
            "{table}" => "turns.csv",
            "{problem}" => "stale",
            other if other.starts_with('{') => "abc",
            other => other,
        })
        .collect::<Vec<_>>()
        .join("/")
}

#[test]
fn every_route_is_as_documented_and_nothing_else_is_there() {
    let desk = Desk::open();
    let document = desk.document();
    let paths = document["paths"].as_object().expect("paths");
    assert!(paths.len() > 12, "{}", paths.len());
    for (path, methods) in paths {
        let methods = methods.as_object().expect("methods");
        for (method, operation) in methods {
            let what = format!("{method} {path}");
            let asked = desk.ask_as("", &method.to_uppercase(), &filled(path), &[], "");
            if operation["security"].as_array().is_some_and(Vec::is_empty) {
                assert_eq!(asked.status, 200, "{what}");
            } else {
                problem(&asked, 401, "no-token");
                assert!(operation["x-scope"].is_string(), "{what}");
            }
        }
        for method in ["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"] {
            if methods.contains_key(&method.to_lowercase()) {
                continue;
            }
            let asked = desk.ask_as(&desk.token, method, &filled(path), &[], "");
            problem(&asked, 405, "wrong-method");
            let allowed = asked.header("allow").expect("Allow").to_lowercase();
            for known in methods.keys() {
                assert!(allowed.contains(known), "{method} {path}: {allowed}");
            }
        }
    }
    let named: Vec<&Value> = paths
        .values()
        .flat_map(|methods| methods.as_object().expect("methods").values())
        .map(|operation| &operation["operationId"])
        .collect();
    let mut distinct = named.clone();
    distinct.sort_by_key(|name| name.to_string());
    distinct.dedup();
    assert_eq!(distinct.len(), named.len());
}

#[test]
fn the_document_s_schemas_are_schemas_and_all_are_used() {
    let desk = Desk::open();
    let document = desk.document();
    let schemas = document["components"]["schemas"]
        .as_object()
        .expect("schemas");
    let text = document.to_string();
    for (name, schema) in schemas {
        jsonschema::meta::validate(schema).unwrap_or_else(|why| panic!("{name}: {why}"));
        let reference = format!("\"#/components/schemas/{name}\"");
        assert!(text.contains(&reference), "nothing refers to {name}");
    }
    for reference in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().expect("an end");
        assert!(schemas.contains_key(name), "{name} is nowhere");
    }
}

#[test]
fn the_page_shows_every_operation_and_loads_nothing_from_elsewhere() {
    let desk = Desk::open();
    let page = desk.ask_as("", "GET", "/", &[], "");
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let document = desk.document();
    for methods in document["paths"].as_object().expect("paths").values() {
        for operation in methods.as_object().expect("methods").values() {
            let id = operation["operationId"].as_str().expect("a name");
            assert!(page.body.contains(&format!("id=\"{id}\"")), "{id}");
        }
    }
    assert!(!page.body.contains("<script"), "no script");
    for source in page.body.split("href=\"").skip(1) {
        let to = source.split('"').next().expect("an end");
        let own = ["/api/v1/", "/assets/", "#"];
        assert!(own.iter().any(|own| to.starts_with(own)), "{to}");
        if let Some(id) = to.strip_prefix('#') {
            assert!(
                page.body.contains(&format!("id=\"{id}\"")),
                "{to} leads nowhere"
            );
        }
    }
    let base = http::ask(desk.address(), "GET", "/api/v1", &[], b"");
    assert_eq!(
        (base.status, base.header("location")),
        (308, Some("/api/v1/"))
    );
}

#[test]
fn the_signalling_s_schema_is_a_schema_that_a_message_keeps_to() {
    let desk = Desk::open();
    let answer = desk.ask_as("", "GET", "/schema", &[], "");
    let schema: Value = serde_json::from_str(&answer.body).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    assert!(validator.is_valid(&json!({"id": 1, "type": "floor.request"})));
    assert!(!validator.is_valid(&json!({"id": 1, "type": "floor.shout"})));
}
