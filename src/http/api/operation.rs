//! What an operation of the API is: where it is, who may ask for it, what it takes and what it gives.
//!
//! Pure: a description, and the function that does it. The routes and the document are both made of
//! these, so that what is not said here is not there.

use std::{future::Future, pin::Pin, sync::Arc};

use axum::{http::Method, response::Response};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::{Api, call::Call};
use crate::{auth::Scope, http::problem::Problem};

/// Does what is asked.
pub(super) type Handler = fn(Arc<Api>, Call) -> Handling;
/// What a handler gives in time.
pub(super) type Handling = Pin<Box<dyn Future<Output = Result<Response, Problem>> + Send>>;
/// Makes the schema of a type.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// Longest body, in bytes, unless an operation says otherwise.
const BODY_BYTES_MAX: usize = 64 * 1024;

pub(super) const JSON: &str = "application/json";
pub(super) const CSV: &str = "text/csv";
pub(super) const TOML: &str = "application/toml";
pub(super) const MARKDOWN: &str = "text/markdown";
pub(super) const HTML: &str = "text/html";
pub(super) const CSS: &str = "text/css";

/// A parameter of the query.
pub(super) struct Parameter {
    pub name: &'static str,
    pub what: &'static str,
    pub schema: SchemaOf,
}

/// What may be sent.
pub(super) struct Body {
    pub what: &'static str,
    /// By media type.
    pub forms: Vec<(&'static str, SchemaOf)>,
    pub bytes_max: usize,
}

/// What may be answered where all is well.
pub(super) struct Given {
    pub status: u16,
    pub what: &'static str,
    /// By media type; the first is given to whoever does not say.
    pub forms: Vec<(&'static str, SchemaOf)>,
    /// It has an entity tag.
    pub tagged: bool,
}

/// How a change says of which version it is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    /// It need not.
    None,
    /// `If-Match` is required.
    Match,
    /// `If-Match` is required, or `If-None-Match: *` to make what is not there.
    MatchOrNew,
}

/// One operation.
pub(super) struct Operation {
    pub method: Method,
    /// Below the base, such as `/events/{event}`.
    pub path: &'static str,
    /// A name for programs, unique.
    pub id: &'static str,
    pub summary: &'static str,
    pub details: &'static str,
    /// Its chapter.
    pub tag: &'static str,
    /// What the caller must be allowed; nothing: anybody may.
    pub scope: Option<Scope>,
    pub query: Vec<Parameter>,
    pub body: Option<Body>,
    pub condition: Condition,
    pub given: Vec<Given>,
    /// Further refusals than those that follow from the rest, by status.
    pub refusals: Vec<(u16, &'static str)>,
    pub handler: Handler,
}

impl Operation {
    pub fn new(
        method: Method,
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        handler: Handler,
    ) -> Self {
        Self {
            method,
            path,
            id,
            summary,
            details: "",
            tag: "",
            scope: None,
            query: Vec::new(),
            body: None,
            condition: Condition::None,
            given: Vec::new(),
            refusals: Vec::new(),
            handler,
        }
    }

    pub fn get(
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        handler: Handler,
    ) -> Self {
        Self::new(Method::GET, path, id, summary, handler)
    }

    pub fn details(mut self, details: &'static str) -> Self {
        self.details = details;
        self
    }

    pub fn tag(mut self, tag: &'static str) -> Self {
        self.tag = tag;
        self
    }

    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    pub fn query<T: JsonSchema>(mut self, name: &'static str, what: &'static str) -> Self {
        self.query.push(Parameter {
            name,
            what,
            schema: schema_of::<T>,
        });
        self
    }

    /// Takes JSON of this form.
    pub fn takes<T: JsonSchema>(mut self, what: &'static str) -> Self {
        self.body = Some(Body {
            what,
            forms: vec![(JSON, schema_of::<T>)],
            bytes_max: BODY_BYTES_MAX,
        });
        self
    }

    /// Takes it in this form too.
    pub fn or_as(mut self, kind: &'static str) -> Self {
        if let Some(body) = &mut self.body {
            body.forms.push((kind, schema_of::<String>));
        }
        self
    }

    /// The body may be longer or less long than most.
    pub fn bytes_max(mut self, bytes_max: usize) -> Self {
        if let Some(body) = &mut self.body {
            body.bytes_max = bytes_max;
        }
        self
    }

    pub fn condition(mut self, condition: Condition) -> Self {
        self.condition = condition;
        self
    }

    /// Gives JSON of this form.
    pub fn gives<T: JsonSchema>(self, status: u16, what: &'static str) -> Self {
        self.gives_as(status, what, JSON, schema_of::<T>)
    }

    /// Gives JSON of any form.
    pub fn gives_as_any(self, status: u16, what: &'static str) -> Self {
        self.gives_as(status, what, JSON, |_| true.into())
    }

    /// Gives a text of this type.
    pub fn gives_text(self, status: u16, what: &'static str, kind: &'static str) -> Self {
        self.gives_as(status, what, kind, schema_of::<String>)
    }

    /// Gives nothing but the status.
    pub fn gives_nothing(mut self, status: u16, what: &'static str) -> Self {
        self.given.push(Given {
            status,
            what,
            forms: Vec::new(),
            tagged: false,
        });
        self
    }

    /// Gives the same as a text too, to whoever asks for that.
    pub fn also_as(mut self, kind: &'static str) -> Self {
        if let Some(given) = self.given.last_mut() {
            given.forms.push((kind, schema_of::<String>));
        }
        self
    }

    /// Gives the same as JSON of this form too.
    pub fn also_as_json<T: JsonSchema>(mut self) -> Self {
        if let Some(given) = self.given.last_mut() {
            given.forms.push((JSON, schema_of::<T>));
        }
        self
    }

    /// The latest form of answer has an entity tag.
    pub fn tagged(mut self) -> Self {
        if let Some(given) = self.given.last_mut() {
            given.tagged = true;
        }
        self
    }

    /// May be refused so too.
    pub fn refuses(mut self, status: u16, what: &'static str) -> Self {
        self.refusals.push((status, what));
        self
    }

    fn gives_as(
        mut self,
        status: u16,
        what: &'static str,
        kind: &'static str,
        schema: SchemaOf,
    ) -> Self {
        self.given.push(Given {
            status,
            what,
            forms: vec![(kind, schema)],
            tagged: false,
        });
        self
    }

    /// The names in the path, in their order.
    pub fn params(&self) -> impl Iterator<Item = &'static str> {
        self.path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }

    /// Whether what is given comes in more than one form, so that `Accept` chooses.
    pub fn forms(&self) -> impl Iterator<Item = &'static str> {
        let given = self.given.iter().flat_map(|given| &given.forms);
        given.map(|(kind, _)| *kind)
    }
}

/// The schema of a type, or a reference to it.
pub(super) fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}
