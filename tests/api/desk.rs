//! A server with the model event, moved to a year that is far, and an organiser with tokens.

use std::{fs, net::SocketAddr, sync::OnceLock};

use serde_json::{Value, json};

use crate::{
    http::{self, Answer},
    program::{Place, Served, free_ports, text_of},
};

pub const EVENT: &str = "nartt-2020";
/// The model event, as its file stands in the sources.
pub const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/nartt-2020.toml");

pub struct Desk {
    pub place: Place,
    pub served: Served,
    /// May do everything.
    pub token: String,
}

impl Desk {
    pub fn open() -> Self {
        Self::open_with(&[])
    }

    /// With settings as in the environment.
    pub fn open_with(settings: &[(&str, &str)]) -> Self {
        let place = Place::new();
        // Links end a day after their event.
        let text = fs::read_to_string(MODEL).expect("the model event");
        let file = place.file("event.toml", &text.replace("2020-11-", "2099-11-"));
        let imported = place.run_on_data(&["event", "import", &file]);
        assert_eq!(imported.code, Some(0), "{imported:?}");
        let data = text_of(&place.data());
        let mut command = place.command(&["serve", "--data", &data, "--open", "session-1"]);
        free_ports(&mut command);
        command.envs(settings.iter().copied());
        let served = Served::start(command);
        let scopes = ["read", "write", "invites", "record", "webhooks"];
        let token = token(&place, EVENT, &scopes);
        Self {
            place,
            served,
            token,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.served.address().parse().expect("an address")
    }

    /// A token with these scopes alone.
    pub fn token(&self, scopes: &[&str]) -> String {
        token(&self.place, EVENT, scopes)
    }

    /// The tokens of these members' links.
    pub fn link(&self, member: &str) -> String {
        let said = self
            .place
            .run_on_data(&["invite", "--format", "json", "--member", member]);
        let links: Value = serde_json::from_str(&said.out).expect("links");
        links[0]["token"].as_str().expect("a token").to_owned()
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], None)
    }

    /// JSON of the event's resource at this path below it.
    pub fn read(&self, path: &str) -> Value {
        let answer = self.get(&format!("/events/{EVENT}{path}"));
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        serde_json::from_str(&answer.body).expect("JSON")
    }

    pub fn put(&self, path: &str, tag: &str, body: &Value) -> Answer {
        self.ask("PUT", path, &[("If-Match", tag)], Some(body))
    }

    pub fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let body = body.map(Value::to_string);
        let mut headers = headers.to_vec();
        if body.is_some() && !headers.iter().any(|(name, _)| *name == "Content-Type") {
            headers.push(("Content-Type", "application/json"));
        }
        self.ask_as(
            &self.token,
            method,
            path,
            &headers,
            &body.unwrap_or_default(),
        )
    }

    /// Asks with this token, and holds the answer to the document.
    pub fn ask_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let bearer = format!("Bearer {token}");
        let mut headers = headers.to_vec();
        if !token.is_empty() {
            headers.push(("Authorization", &bearer));
        }
        let whole = format!("/api/v1{path}");
        let answer = http::ask(self.address(), method, &whole, &headers, body.as_bytes());
        self.hold(method, path, &answer);
        answer
    }

    /// The document that this server gives out; the same for all.
    pub fn document(&self) -> &'static Value {
        static DOCUMENT: OnceLock<Value> = OnceLock::new();
        DOCUMENT.get_or_init(|| {
            let answer = http::ask(self.address(), "GET", "/api/v1/openapi.json", &[], b"");
            serde_json::from_str(&answer.body).expect("JSON")
        })
    }

    /// That an answer is one that the document has for this operation. What no operation is asked for
    /// is for the tests that ask so.
    fn hold(&self, method: &str, path: &str, answer: &Answer) {
        let document = self.document();
        let path = path.split('?').next().expect("a path");
        let Some(operation) = operation(document, &method.to_lowercase(), path) else {
            return;
        };
        let what = format!("{method} {path}: {answer:?}");
        let response = &operation["responses"][answer.status.to_string()];
        assert!(response.is_object(), "a status that is not told: {what}");
        let Some(forms) = response["content"].as_object() else {
            assert_eq!(answer.body, "", "{what}");
            return;
        };
        let kind = answer.header("content-type").expect("a type");
        let kind = kind.split(';').next().expect("a type");
        let form = forms
            .get(kind)
            .unwrap_or_else(|| panic!("a type that is not told: {what}"));
        if kind.ends_with("json") {
            let body: Value = serde_json::from_str(&answer.body).expect("JSON");
            let faults = faults(document, &form["schema"], &body);
            assert!(faults.is_empty(), "{faults:#?} in {what}");
        }
    }
}

/// What is wrong with a value by a schema of the document.
pub fn faults(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let whole = json!({"allOf": [schema], "components": document["components"]});
    let validator = jsonschema::validator_for(&whole).expect("a schema");
    let faults = validator.iter_errors(value);
    faults
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect()
}

/// The operation that a path is of.
fn operation<'d>(document: &'d Value, method: &str, path: &str) -> Option<&'d Value> {
    let paths = document["paths"].as_object().expect("paths");
    let parts: Vec<&str> = path.split('/').collect();
    let fits = |template: &str| {
        let names: Vec<&str> = template.split('/').collect();
        let same = |(name, part): (&&str, &&str)| name == part || name.starts_with('{');
        names.len() == parts.len() && names.iter().zip(&parts).all(same)
    };
    // What is written out goes before what stands for anything.
    let mut found: Vec<&String> = paths.keys().filter(|path| fits(path)).collect();
    found.sort_by_key(|path| path.matches('{').count());
    paths[found.first()?.as_str()].get(method)
}

pub fn token(place: &Place, event: &str, scopes: &[&str]) -> String {
    let mut arguments = vec!["token", "--event", event];
    for scope in scopes {
        arguments.extend(["--scope", scope]);
    }
    let said = place.run_on_data(&arguments);
    assert_eq!(said.code, Some(0), "{said:?}");
    said.out.trim().to_owned()
}

/// The problem that an answer is, with this status and of this kind.
pub fn problem(answer: &Answer, status: u16, kind: &str) -> Value {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    let problem: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(problem["type"], format!("/api/v1/problems/{kind}"));
    assert_eq!(problem["status"], status);
    problem
}
