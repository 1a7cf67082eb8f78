//! The server is asked everything that its document allows, and what it does not, by schemathesis: no
//! failure of the server's, no answer that the document does not have. Bounded in time.

use std::{fs, process::Command};

use crate::desk::Desk;

/// How long it asks, in seconds.
const SECONDS: &str = "40";

/// What there is in the event, so that not every name is one of nothing; and which answers are right where
/// a request is well-formed and cannot be carried out, such as an event that contradicts itself.
/// One worker: CPython 3.11 cannot parse in two threads at once without failing now and then.
const SETTINGS: &str = r#"
workers = 1
seed = 7
[auth.openapi.bearer]
bearer = "${ROUNDTABLE_TOKEN}"
[parameters]
event = "nartt-2020"
session = "session-1"
member = "indonesia-1"
"header.If-Match" = "*"
[checks]
positive_data_acceptance.expected-statuses = ["2xx", "304", "404", "412", "422", "428"]
missing_required_header.expected-statuses = ["401", "403", "422", "428"]
negative_data_rejection.expected-statuses = ["400", "401", "404", "405", "406", "412", "415", "422", "428"]
"#;

#[test]
fn whatever_is_asked_is_answered_as_the_document_says() {
    let desk = Desk::open_with(&[("ROUNDTABLE__HTTP__API_REQUESTS_PER_S", "100000")]);
    let settings = desk.place.file("schemathesis.toml", SETTINGS);
    let program = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/target/api/python/bin/schemathesis"
    );
    assert!(
        fs::exists(program).is_ok_and(|there| there),
        "schemathesis is not installed: tests/run does so"
    );
    let asked = Command::new(program)
        .args(["--config-file", &settings, "run"])
        .arg(format!("{}/api/v1/openapi.json", desk.served.url))
        .args(["--checks", "all", "--max-time", SECONDS])
        .env("ROUNDTABLE_TOKEN", &desk.token)
        .current_dir(desk.place.path("."))
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&asked.stdout);
    assert!(asked.status.success(), "{said}");
}
