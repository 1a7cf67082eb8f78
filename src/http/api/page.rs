//! SHELL. The document as a page for people: made on the server, without a script.

use std::{fmt::Write, sync::OnceLock};

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::{
    BASE,
    answer::{Tag, tagged, text_as},
    document::{TAG, openapi},
    operation::{CSS, HTML, Operation},
    refusal::{KINDS, unknown},
};

const STYLE: &str = include_str!("page.css");
const TEXT: &str = "text/plain";

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/", "readPage", "This page", |_, call| {
            Box::pin(async move {
                let text = page().to_owned();
                let tag = Tag::of(text.as_bytes());
                Ok(tagged(&call, &tag, text_as(StatusCode::OK, HTML, text)))
            })
        })
        .tag(TAG)
        .gives_text(200, "The page.", HTML)
        .tagged(),
        Operation::get(
            "/page.css",
            "readStyle",
            "How this page looks",
            |_, call| {
                Box::pin(async move {
                    let tag = Tag::of(STYLE.as_bytes());
                    let answer = text_as(StatusCode::OK, CSS, STYLE.to_owned());
                    Ok(tagged(&call, &tag, answer))
                })
            },
        )
        .tag(TAG)
        .gives_text(200, "The style.", CSS)
        .tagged(),
        Operation::get(
            "/problems/{problem}",
            "readProblem",
            "What a kind of problem means",
            |_, call| {
                Box::pin(async move {
                    let name = call.param("problem");
                    let kind = KINDS.iter().find(|kind| kind.name == name);
                    let kind = kind.ok_or_else(|| unknown("there is no such kind of problem"))?;
                    let text = format!("{} ({})\n{}\n", kind.name, kind.status, kind.means);
                    Ok(text_as(StatusCode::OK, TEXT, text))
                })
            },
        )
        .details("Where the `type` of a problem document leads.")
        .tag(TAG)
        .gives_text(200, "In words.", TEXT),
    ]
}

/// The base without its slash.
pub(super) async fn move_on() -> Response {
    let to = [(header::LOCATION, format!("{BASE}/"))];
    (StatusCode::PERMANENT_REDIRECT, to).into_response()
}

fn page() -> &'static str {
    static PAGE: OnceLock<String> = OnceLock::new();
    PAGE.get_or_init(|| html(openapi()))
}

/// What is written cannot fail: it goes into a text.
macro_rules! put {
    ($out:expr, $($rest:tt)*) => {{
        let _infallible = write!($out, $($rest)*);
    }};
}

fn html(document: &Value) -> String {
    let mut out = String::new();
    let info = &document["info"];
    put!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{0} API</title>\n<link rel=\"icon\" href=\"/assets/icon.svg\">\n\
         <link rel=\"stylesheet\" href=\"{BASE}/page.css\">\n</head>\n<body>\n\
         <header>\n<h1>{0} API</h1>\n<p class=\"meta\">Version {1} · <a href=\"{BASE}/openapi.json\">\
         OpenAPI document</a> · <a href=\"{BASE}/schema\">signalling schema</a></p>\n",
        text(&info["title"]),
        text(&info["version"]),
    );
    paragraphs(&mut out, info["description"].as_str().unwrap_or_default());
    out.push_str("</header>\n<nav aria-label=\"Contents\">\n<ul>\n");
    let tags: Vec<&str> = list(&document["tags"])
        .filter_map(|tag| tag["name"].as_str())
        .collect();
    for tag in &tags {
        put!(
            out,
            "<li><a href=\"#{}\">{}</a></li>\n",
            slug(tag),
            escape(tag)
        );
    }
    out.push_str(
        "<li><a href=\"#problems\">Problems</a></li>\n<li><a href=\"#schemas\">Schemas</a></li>\n\
         </ul>\n</nav>\n<main>\n",
    );
    for tag in &tags {
        put!(
            out,
            "<section aria-labelledby=\"{0}\">\n<h2 id=\"{0}\">{1}</h2>\n",
            slug(tag),
            escape(tag)
        );
        for (path, method, operation) in operations_of(document, tag) {
            put_operation(&mut out, path, method, operation);
        }
        out.push_str("</section>\n");
    }
    put_problems(&mut out);
    put_schemas(&mut out, &document["components"]["schemas"]);
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

/// Those of a chapter, by path.
fn operations_of<'d>(
    document: &'d Value,
    tag: &'d str,
) -> impl Iterator<Item = (&'d str, &'d str, &'d Value)> {
    entries(&document["paths"]).flat_map(move |(path, methods)| {
        let its = entries(methods).filter(move |(_, it)| list(&it["tags"]).any(|its| its == tag));
        its.map(move |(method, operation)| (path, method, operation))
    })
}

fn put_operation(out: &mut String, path: &str, method: &str, operation: &Value) {
    put!(
        out,
        "<article id=\"{}\">\n<h3><span class=\"method {method}\">{}</span> <code>{}</code></h3>\n\
         <p class=\"summary\">{}.</p>\n",
        text(&operation["operationId"]),
        method.to_uppercase(),
        breakable(path),
        marked(operation["summary"].as_str().unwrap_or_default()),
    );
    if let Some(details) = operation["description"].as_str() {
        paragraphs(out, details);
    }
    match operation["x-scope"].as_str() {
        Some(scope) => put!(
            out,
            "<p class=\"scope\">Scope <code>{}</code></p>\n",
            escape(scope)
        ),
        None => out.push_str("<p class=\"scope\">For everybody</p>\n"),
    }
    let parameters: Vec<&Value> = list(&operation["parameters"]).collect();
    if !parameters.is_empty() {
        out.push_str("<h4>Parameters</h4>\n<dl>\n");
        for parameter in parameters {
            let required = parameter["required"] == true;
            put!(
                out,
                "<dt><code>{}</code> <span class=\"meta\">{}{}</span></dt>\n<dd>{}</dd>\n",
                text(&parameter["name"]),
                text(&parameter["in"]),
                if required { ", required" } else { "" },
                marked(parameter["description"].as_str().unwrap_or_default()),
            );
        }
        out.push_str("</dl>\n");
    }
    let body = &operation["requestBody"];
    if body.is_object() {
        put!(
            out,
            "<h4>Body</h4>\n<p>{} {}</p>\n",
            marked(body["description"].as_str().unwrap_or_default()),
            forms(&body["content"]),
        );
    }
    out.push_str("<h4>Answers</h4>\n<dl>\n");
    let (given, refused): (Vec<_>, Vec<_>) =
        entries(&operation["responses"]).partition(|(status, _)| *status < "400");
    for (status, response) in given {
        put!(
            out,
            "<dt><code>{status}</code></dt>\n<dd>{} {}</dd>\n",
            marked(response["description"].as_str().unwrap_or_default()),
            forms(&response["content"]),
        );
    }
    out.push_str("</dl>\n<details>\n<summary>Refusals</summary>\n<dl>\n");
    for (status, response) in refused {
        put!(
            out,
            "<dt><code>{status}</code></dt>\n<dd>{}</dd>\n",
            marked(response["description"].as_str().unwrap_or_default()),
        );
    }
    out.push_str("</dl>\n</details>\n</article>\n");
}

fn put_problems(out: &mut String) {
    out.push_str(
        "<section aria-labelledby=\"problems\">\n<h2 id=\"problems\">Problems</h2>\n\
         <p>The <code>type</code> of each kind of refusal; it stays the same for ever.</p>\n<dl>\n",
    );
    for kind in KINDS {
        put!(
            out,
            "<dt id=\"problem-{0}\"><code>{BASE}/problems/{0}</code> <span class=\"meta\">{1}</span></dt>\n\
             <dd>{2}</dd>\n",
            kind.name,
            kind.status.as_u16(),
            marked(kind.means),
        );
    }
    out.push_str("</dl>\n</section>\n");
}

fn put_schemas(out: &mut String, schemas: &Value) {
    out.push_str("<section aria-labelledby=\"schemas\">\n<h2 id=\"schemas\">Schemas</h2>\n");
    for (name, schema) in entries(schemas) {
        put!(
            out,
            "<article id=\"schema-{0}\">\n<h3><code>{0}</code></h3>\n",
            escape(name)
        );
        if let Some(description) = schema["description"].as_str() {
            paragraphs(out, description);
        }
        if entries(&schema["properties"]).next().is_some() {
            put_properties(out, schema);
        } else {
            put!(out, "<p>{}</p>\n", kind(schema));
        }
        out.push_str("</article>\n");
    }
    out.push_str("</section>\n");
}

fn put_properties(out: &mut String, schema: &Value) {
    out.push_str("<dl>\n");
    for (name, property) in entries(&schema["properties"]) {
        let required = list(&schema["required"]).any(|it| it == name);
        put!(
            out,
            "<dt><code>{}</code> <span class=\"meta\">{}{}</span></dt>\n<dd>{}</dd>\n",
            escape(name),
            kind(property),
            if required { "" } else { ", may be left out" },
            marked(property["description"].as_str().unwrap_or_default()),
        );
    }
    out.push_str("</dl>\n");
}

/// What a schema allows, in some words; other schemas by name.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        let name = escape(name.rsplit('/').next().unwrap_or_default());
        return format!("<a href=\"#schema-{name}\">{name}</a>");
    }
    for several in ["anyOf", "oneOf"] {
        let kinds: Vec<String> = list(&schema[several]).map(kind).collect();
        if !kinds.is_empty() {
            return kinds.join(" or ");
        }
    }
    let values: Vec<String> = list(&schema["enum"])
        .chain(schema.get("const"))
        .map(|value| format!("<code>{}</code>", escape(&value.to_string())))
        .collect();
    if !values.is_empty() {
        return values.join(", ");
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        Value::String(only) => vec![only.as_str()],
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => vec!["anything"],
    };
    let words = types.into_iter().map(|word| match word {
        "array" => format!("list of {}", kind(&schema["items"])),
        "object" if schema["additionalProperties"].is_object() => {
            format!("object of {}", kind(&schema["additionalProperties"]))
        }
        other => other.to_owned(),
    });
    let mut said = words.collect::<Vec<_>>().join(" or ");
    if let Some(format) = schema["format"].as_str() {
        put!(said, " ({})", escape(format));
    }
    let bounds = [
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
    ];
    for bound in bounds {
        if let Some(number) = schema[bound].as_f64() {
            put!(said, ", {bound} {number}");
        }
    }
    said
}

/// The types in which something comes.
fn forms(content: &Value) -> String {
    let forms: Vec<String> = entries(content)
        .map(|(form, it)| {
            let schema = &it["schema"];
            let of = if schema["$ref"].is_string() {
                format!(": {}", kind(schema))
            } else {
                String::new()
            };
            format!("<code>{}</code>{of}", escape(form))
        })
        .collect();
    if forms.is_empty() {
        String::new()
    } else {
        format!("<span class=\"forms\">{}</span>", forms.join(", "))
    }
}

fn paragraphs(out: &mut String, description: &str) {
    for paragraph in description.split("\n\n") {
        put!(out, "<p>{}</p>\n", marked(paragraph));
    }
}

/// Text in which `…` stands for code.
fn marked(words: &str) -> String {
    let mut out = String::new();
    for (place, part) in words.split('`').enumerate() {
        if place % 2 == 1 {
            put!(out, "<code>{}</code>", escape(part));
        } else {
            out += &escape(part);
        }
    }
    out
}

/// A path that may be broken where it is divided.
fn breakable(path: &str) -> String {
    escape(path).replace('/', "<wbr>/")
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

fn escape(words: &str) -> String {
    words
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn slug(words: &str) -> String {
    words.to_lowercase().replace(' ', "-")
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let entries = value.as_object().into_iter().flatten();
    entries.map(|(name, value)| (name.as_str(), value))
}
