//! Reads an event file that was written as JSON: the same keys, the same rules, the same words for
//! what is wrong, each with the JSON pointer of its place.
//!
//! The text is written out as TOML with each value on a line of its own, and read as any event file:
//! a problem's line says which value it is about.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{Programme, Settings, file};

/// Something wrong with an event in JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Where: a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What is wrong, for the organiser.
    pub message: String,
}

/// Why a text is no event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAnEvent {
    /// It is no JSON; says why.
    NotJson(String),
    /// Everything that is wrong, never nothing.
    Wrong(Vec<Wrong>),
}

/// Reads an event.
pub fn parse(text: &str, settings: &Settings) -> Result<Programme, NotAnEvent> {
    let mut written = Written::default();
    let mut from = serde_json::Deserializer::from_str(text);
    let read = Root(&mut written)
        .deserialize(&mut from)
        .and_then(|()| from.end());
    if let Err(why) = read {
        return if why.is_data() {
            let message = "an event is a JSON object".to_owned();
            let pointer = String::new();
            Err(NotAnEvent::Wrong(vec![Wrong { pointer, message }]))
        } else {
            Err(NotAnEvent::NotJson(why.to_string()))
        };
    }
    file::parse_within(&written.text, settings).map_err(|problems| {
        let wrong = problems.into_iter().map(|problem| Wrong {
            pointer: written.pointer(problem.line),
            message: problem.message,
        });
        NotAnEvent::Wrong(wrong.collect())
    })
}

/// The line that stands for the whole.
const WHOLE: usize = 1;

/// The TOML, and which value each of its lines is.
#[derive(Default)]
struct Written {
    text: String,
    /// Of each line but the first, which is empty and stands for the whole: the line of what the value
    /// is in, and its name there.
    lines: Vec<(usize, Box<str>)>,
}

impl Written {
    /// Begins a line for a value; gives its number, as a problem says it.
    fn line(&mut self, within: usize, name: &str) -> usize {
        self.text.push('\n');
        self.lines.push((within, name.into()));
        self.lines.len() + WHOLE
    }

    /// The JSON pointer of the value on a line of the text, from 1.
    fn pointer(&self, line: usize) -> String {
        let mut names = Vec::new();
        let mut line = line;
        while let Some((within, name)) = line
            .checked_sub(WHOLE + 1)
            .and_then(|at| self.lines.get(at))
        {
            names.push(name.replace('~', "~0").replace('/', "~1"));
            line = *within;
        }
        names.reverse();
        names.into_iter().fold(String::new(), |mut all, name| {
            all.push('/');
            all += &name;
            all
        })
    }

    /// A text as a basic string: what JSON escapes TOML escapes alike.
    fn quoted(&mut self, text: &str) {
        self.text += &serde_json::Value::from(text).to_string();
    }
}

/// The object itself: its entries are lines of their own.
struct Root<'w>(&'w mut Written);

impl<'de> DeserializeSeed<'de> for Root<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Root<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(name)) = map.next_key()? {
            let entry = Entry {
                written: &mut *self.0,
                within: WHOLE,
                name: &name,
                keyed: true,
            };
            map.next_value_seed(entry)?;
        }
        Ok(())
    }
}

struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(Key)
    }
}

/// A value inside another.
struct Entry<'w> {
    written: &'w mut Written,
    within: usize,
    name: &'w str,
    /// In a table, where its name stands before it.
    keyed: bool,
}

impl Entry<'_> {
    /// Begins the value's line; gives its number.
    fn begin(&mut self) -> usize {
        let line = self.written.line(self.within, self.name);
        if self.keyed {
            self.written.quoted(self.name);
            self.written.text += " = ";
        }
        line
    }

    /// Ends a value inside another; at the top each is a line of its own.
    fn end(&mut self) {
        if self.within > WHOLE {
            self.written.text.push(',');
        }
    }

    fn scalar<E>(mut self, text: &str) -> Result<(), E> {
        self.begin();
        self.written.text += text;
        self.end();
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Entry<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Entry<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    /// The same as left out, but in a list, where nothing can stand for it.
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        if self.keyed {
            Ok(())
        } else {
            self.scalar("\"\"")
        }
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.scalar(if value { "true" } else { "false" })
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.scalar(&value.to_string())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.scalar(&value.to_string())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        // With its point even where it is whole, so that it stays what it is.
        self.scalar(&format!("{value:?}"))
    }

    fn visit_str<E: Error>(mut self, text: &str) -> Result<(), E> {
        self.begin();
        self.written.quoted(text);
        self.end();
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let line = self.begin();
        self.written.text.push('[');
        for place in 0_usize.. {
            let entry = Entry {
                written: &mut *self.written,
                within: line,
                name: &place.to_string(),
                keyed: false,
            };
            if list.next_element_seed(entry)?.is_none() {
                break;
            }
        }
        self.written.text.push(']');
        self.end();
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let line = self.begin();
        self.written.text.push('{');
        while let Some(Key(name)) = map.next_key()? {
            let entry = Entry {
                written: &mut *self.written,
                within: line,
                name: &name,
                keyed: true,
            };
            map.next_value_seed(entry)?;
        }
        self.written.text.push('}');
        self.end();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"{"event":"e","title":"An event","time_zone":"UTC",
        "days":[{"date":"2020-11-19","sessions":[
            {"id":"s","title":"S","start":"14:00","minutes":60,"profile":null}]}],
        "delegations":{"b":{"name":"B","seats":[{"role":"chair"}]},
            "a":{"name":"A","seats":[{"role":"delegate","count":2}]}}}"#;

    fn wrong(from: &str, to: &str) -> Vec<String> {
        assert!(SMALL.contains(from), "{from}");
        match parse(&SMALL.replacen(from, to, 1), &Settings::default()) {
            Ok(_) => Vec::new(),
            Err(NotAnEvent::NotJson(why)) => vec![why],
            Err(NotAnEvent::Wrong(wrong)) => wrong
                .iter()
                .map(|it| format!("{}: {}", it.pointer, it.message))
                .collect(),
        }
    }

    #[test]
    fn an_event_is_read_in_its_order() {
        let programme = parse(SMALL, &Settings::default()).expect("an event");
        let ids: Vec<&str> = programme
            .delegations
            .iter()
            .map(|it| it.id.as_str())
            .collect();
        assert_eq!(ids, ["b", "a"]);
        assert_eq!(programme.seats.len(), 3);
    }

    #[test]
    fn each_fault_is_named_with_its_pointer() {
        for (from, to, expected) in [
            (
                "14:00",
                "25:00",
                "/days/0/sessions/0/start: `start` must be a time of day such as \"14:00\"",
            ),
            (
                "\"minutes\":60",
                "\"minutes\":1.0",
                "/days/0/sessions/0/minutes: this must be a whole number, not float",
            ),
            (
                "\"title\":\"S\",",
                "",
                "/days/0/sessions/0: `title` is missing here",
            ),
            (
                "{\"role\":\"chair\"}",
                "{\"role\":\"chair\",\"a/b\":1}",
                "/delegations/b/seats/0/a~1b: `a/b` is not a key here",
            ),
            (
                "\"count\":2",
                "\"count\":18446744073709551615",
                "/delegations/a/seats/0/count: ",
            ),
        ] {
            let found = wrong(from, to);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].starts_with(expected), "{found:?}");
        }
        assert!(wrong("}}}", "}}")[0].contains("EOF"));
        assert_eq!(wrong(SMALL, "[]"), [": an event is a JSON object"]);
        let empty = wrong(SMALL, "{}");
        assert_eq!(empty.len(), 5);
        assert!(empty[0].starts_with(": `"), "{empty:?}");
    }

    #[test]
    fn the_limits_are_those_that_are_set() {
        let settings = Settings {
            seats_max: 2,
            ..Settings::default()
        };
        let Err(NotAnEvent::Wrong(wrong)) = parse(SMALL, &settings) else {
            panic!("three seats fit two");
        };
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        assert_eq!(wrong[0].message, "an event has at most 2 seats");
    }

    proptest::proptest! {
        /// Whatever JSON it is, reading it ends in an event or in what is wrong.
        #[test]
        fn no_json_breaks_the_reading(
            at in 0..SMALL.len(), length in 0..40_usize, with in "[\\PC\n\"'={}\\[\\],:0-9]{0,12}"
        ) {
            let end = (at + length).min(SMALL.len());
            let text = [&SMALL[..at], &with, &SMALL[end..]].concat();
            if let Err(NotAnEvent::Wrong(wrong)) = parse(&text, &Settings::default()) {
                proptest::prop_assert!(!wrong.is_empty());
            }
        }
    }
}
