//! The JSON Schema of `protocol.md`, made of the types that read and write the messages, so that it
//! cannot say anything else.

use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Value, json};

use super::wire::{Announcement, Envelope, PROTOCOL, Reply, RoomSignal, Signal};

/// A kind of message: its title, what it is, and its schema.
type Kind = (
    &'static str,
    &'static str,
    fn(&mut SchemaGenerator) -> Schema,
);

/// The schema of every message, JSON Schema 2020-12.
pub fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator();
    let kinds: [Kind; 5] = [
        ("request", "What a client asks.", |it| {
            it.subschema_for::<Envelope>()
        }),
        ("answer", "What a request is answered.", |it| {
            it.subschema_for::<Reply>()
        }),
        ("event", "What changes the state of a room.", |it| {
            it.subschema_for::<Announcement>()
        }),
        ("room_signal", "What is not kept, of a room.", |it| {
            it.subschema_for::<RoomSignal>()
        }),
        ("signal", "What is not kept, of the server.", |it| {
            it.subschema_for::<Signal>()
        }),
    ];
    let mut any = Vec::with_capacity(kinds.len());
    for (title, description, of) in kinds {
        let mut schema = of(&mut generator);
        schema.insert("title".to_owned(), title.into());
        schema.insert("description".to_owned(), description.into());
        any.push(schema);
    }
    let mut definitions = Value::Object(generator.take_definitions(true));
    plain(&mut definitions);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": PROTOCOL,
        "description": "Every message of the signalling protocol: a text frame is one of these.",
        "anyOf": any,
        "$defs": definitions,
    })
}

/// Comments in the sources link to other items; here the links lead nowhere.
pub fn plain(value: &mut Value) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                match (key.as_str(), &mut *value) {
                    ("description", Value::String(text)) => {
                        *text = text.replace("[`", "`").replace("`]", "`");
                    }
                    _ => plain(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(plain),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("protocol.md");

    /// What is wrong with an example by the schema of its kind.
    fn faults(title: &str, example: &Value) -> Vec<String> {
        let schema = schema();
        let kinds = schema["anyOf"].as_array().expect("kinds");
        let kind = kinds.iter().find(|kind| kind["title"] == title);
        let kind = json!({
            "$ref": kind.expect("the kind")["$ref"],
            "$defs": schema["$defs"],
        });
        let validator = jsonschema::validator_for(&kind).expect("a schema");
        validator
            .iter_errors(example)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect()
    }

    #[test]
    fn every_example_of_the_page_keeps_to_the_schema() {
        let mut seen = 0;
        for (word, titles) in [
            ("request", &["request"][..]),
            ("ok", &["answer"]),
            ("error", &["answer"]),
            ("event", &["event"]),
            ("signal", &["signal", "room_signal"]),
        ] {
            let fence = format!("```json {word}\n");
            for rest in PAGE.split(&fence).skip(1) {
                let text = rest.split("\n```").next().expect("an end");
                let example: Value = serde_json::from_str(text).expect("JSON");
                let all: Vec<_> = titles.iter().map(|it| faults(it, &example)).collect();
                assert!(all.iter().any(Vec::is_empty), "{text}: {all:#?}");
                seen += 1;
            }
        }
        assert!(seen > 90, "{seen}");
    }

    #[test]
    fn what_no_end_sends_does_not_keep_to_it() {
        for wrong in [
            json!({"id": 1, "type": "floor.shout"}),
            json!({"id": 1, "type": "floor.yield", "also": 1}),
            json!({"id": -1, "type": "floor.yield"}),
            json!({"type": "floor.yield"}),
            json!({"id": 1, "type": "floor.stop"}),
            json!({"id": 1, "type": "floor.stop", "member": "No Slug"}),
        ] {
            assert_ne!(faults("request", &wrong), [""; 0], "{wrong}");
        }
        for wrong in [json!({"signal": "weather"}), json!({})] {
            assert_ne!(faults("signal", &wrong), [""; 0], "{wrong}");
            assert_ne!(faults("event", &wrong), [""; 0], "{wrong}");
        }
    }
}
