//! Strict reading: a key that no module owns is an error that names its place and the nearest key.
//!
//! The known keys are those of the default settings, so that a new one needs no list. This module
//! must never know any key by name.

use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::{Config, ConfigFault};

/// What an environment variable of ours begins with; then section and key, joined by two
/// underscores.
const PREFIX: &str = "ROUNDTABLE__";

/// Lays the environment over the file over the defaults.
pub(super) fn assemble(
    file: Option<(&str, &str)>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigFault> {
    let known = known_keys();
    let mut config = Config::default();
    let mut table = toml::Table::new();
    if let Some((name, text)) = file {
        let at = |span: Option<std::ops::Range<usize>>| place(name, text, span);
        let document = DeTable::parse(text).map_err(|error| wrong(at(error.span()), &error))?;
        refuse_unknown(
            &known,
            &known,
            &mut Vec::new(),
            document.get_ref(),
            &|offset| at(Some(offset..offset)),
        )?;
        config = toml::from_str(text).map_err(|error| wrong(at(error.span()), &error))?;
        table = toml::from_str(text).map_err(|error| wrong(at(error.span()), &error))?;
    }
    for (name, value) in environment {
        let Some(path) = name.strip_prefix(PREFIX) else {
            continue;
        };
        let path = path.to_lowercase();
        let path: Vec<&str> = path.split("__").collect();
        let default = find(&known, &path)
            .filter(|default| !default.is_object())
            .ok_or_else(|| ConfigFault::Wrong {
                place: name.clone(),
                what: unknown(&known, &path),
            })?;
        put(&mut table, &path, value_like(default, &value)).ok_or_else(|| ConfigFault::Wrong {
            place: name.clone(),
            what: "this section is not a table in the settings file".to_owned(),
        })?;
        // One variable at a time, so that a wrong value is told with its variable's name.
        config = table
            .clone()
            .try_into()
            .map_err(|error| wrong(name, &error))?;
    }
    Ok(config)
}

fn known_keys() -> Value {
    // The settings are plain numbers, texts and lists: this cannot fail, and if it could, every
    // key would be reported as unknown.
    serde_json::to_value(Config::default()).unwrap_or_default()
}

fn wrong(place: String, error: &toml::de::Error) -> ConfigFault {
    ConfigFault::Wrong {
        place,
        what: error.message().replace('\n', "; "),
    }
}

/// `file:line:column`, both counted from 1, columns in characters.
fn place(name: &str, text: &str, span: Option<std::ops::Range<usize>>) -> String {
    let Some(before) = span.and_then(|span| text.get(..span.start)) else {
        return name.to_owned();
    };
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    format!("{name}:{line}:{column}")
}

fn refuse_unknown(
    all: &Value,
    known: &Value,
    path: &mut Vec<String>,
    table: &DeTable<'_>,
    at: &dyn Fn(usize) -> String,
) -> Result<(), ConfigFault> {
    for (key, value) in table.iter() {
        path.push(key.get_ref().to_string());
        let Some(inner) = known.get(key.get_ref().as_ref()) else {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            return Err(ConfigFault::Wrong {
                place: at(key.span().start),
                what: unknown(all, &path),
            });
        };
        if let (DeValue::Table(entries), Value::Object(_)) = (value.get_ref(), inner) {
            refuse_unknown(all, inner, path, entries, at)?;
        }
        path.pop();
    }
    Ok(())
}

/// Says that a key is unknown, and the nearest that is known: the same name in another section
/// first, then the one that looks most alike.
fn unknown(known: &Value, path: &[&str]) -> String {
    let asked = path.join(".");
    let leaf = path.last().copied().unwrap_or_default();
    let names = names(known);
    let elsewhere = names
        .iter()
        .find(|name| name.rsplit('.').next() == Some(leaf));
    let alike = || {
        names.iter().max_by(|a, b| {
            strsim::jaro_winkler(&asked, a).total_cmp(&strsim::jaro_winkler(&asked, b))
        })
    };
    match elsewhere.or_else(alike) {
        Some(nearest) => format!("unknown key {asked:?}; the nearest is {nearest:?}"),
        None => format!("unknown key {asked:?}"),
    }
}

/// Every section and every key in it, as dotted names.
fn names(known: &Value) -> Vec<String> {
    let Value::Object(entries) = known else {
        return Vec::new();
    };
    entries
        .iter()
        .flat_map(|(key, value)| {
            let inner = names(value);
            std::iter::once(key.clone())
                .chain(inner.into_iter().map(move |name| format!("{key}.{name}")))
        })
        .collect()
}

fn find<'a>(known: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(known, |inner, key| inner.get(*key))
}

/// Reads a variable's text as the kind of value that its key has by default.
fn value_like(default: &Value, text: &str) -> toml::Value {
    let as_text = || toml::Value::String(text.to_owned());
    match default {
        Value::Bool(_) => text
            .parse()
            .map_or_else(|_| as_text(), toml::Value::Boolean),
        Value::Number(_) => text
            .parse()
            .map(toml::Value::Integer)
            .or_else(|_| text.parse().map(toml::Value::Float))
            .unwrap_or_else(|_| as_text()),
        Value::Array(_) => toml::Value::Array(
            text.split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(|part| toml::Value::String(part.to_owned()))
                .collect(),
        ),
        Value::String(_) | Value::Null | Value::Object(_) => as_text(),
    }
}

fn put(table: &mut toml::Table, path: &[&str], value: toml::Value) -> Option<()> {
    let (leaf, sections) = path.split_last()?;
    let mut inner = table;
    for section in sections {
        inner = inner
            .entry(*section)
            .or_insert_with(|| toml::Value::Table(toml::Table::new()))
            .as_table_mut()?;
    }
    inner.insert((*leaf).to_owned(), value);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(text: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        assemble(Some(("r.toml", text)), environment).map_err(|fault| fault.to_string())
    }

    #[test]
    fn nothing_is_the_default() {
        assert_eq!(assemble(None, []), Ok(Config::default()));
        assert_eq!(
            from("", &[("PATH", "/bin"), ("ROUNDTABLE", "x")]),
            Ok(Config::default())
        );
    }

    #[test]
    fn the_environment_goes_before_the_file() {
        let text = "[http]\nconnections_max = 7\npublic_url = \"https://a.example\"\n";
        let config = from(text, &[("ROUNDTABLE__HTTP__CONNECTIONS_MAX", "9")]).expect("good");
        assert_eq!(config.http.connections_max, 9);
        assert_eq!(config.http.public_url, "https://a.example");

        let config = from(
            text,
            &[("ROUNDTABLE__HTTP__TRUSTED_PROXIES", "10.0.0.1, 10.0.0.2")],
        )
        .expect("good");
        assert_eq!(config.http.trusted_proxies.len(), 2);
    }

    #[test]
    fn an_unknown_key_is_told_with_its_place_and_the_nearest() {
        assert_eq!(
            from("# é\n[http]\n  lisen = \"127.0.0.1:1\"\n", &[]),
            Err(
                "r.toml:3:3: unknown key \"http.lisen\"; the nearest is \"http.listen\"".to_owned()
            )
        );
        assert_eq!(
            from("[htp]\n", &[]),
            Err("r.toml:1:2: unknown key \"htp\"; the nearest is \"http\"".to_owned())
        );
        assert_eq!(
            from("listen = \"127.0.0.1:1\"\n", &[]),
            Err("r.toml:1:1: unknown key \"listen\"; the nearest is \"http.listen\"".to_owned())
        );
        assert_eq!(
            from("", &[("ROUNDTABLE__HTTP__LISEN", "x")]),
            Err(
                "ROUNDTABLE__HTTP__LISEN: unknown key \"http.lisen\"; the nearest is \"http.listen\""
                    .to_owned()
            )
        );
    }

    #[test]
    fn a_limit_beyond_what_it_can_be_is_told_with_its_place() {
        assert_eq!(
            from("[programme]\nseats_max = 10001\n", &[]),
            Err("r.toml:2:13: must be 1 to 10000, not 10001".to_owned())
        );
        assert_eq!(
            from("", &[("ROUNDTABLE__PROGRAMME__DAYS_MAX", "0")]),
            Err("ROUNDTABLE__PROGRAMME__DAYS_MAX: must be 1 to 100, not 0".to_owned())
        );
    }

    #[test]
    fn a_wrong_value_is_told_with_its_place() {
        let fault = from("[http]\nconnections_max = \"many\"\n", &[]).expect_err("a text");
        assert!(fault.starts_with("r.toml:2:19: invalid type"), "{fault}");
        let fault = from("", &[("ROUNDTABLE__HTTP__CONNECTIONS_MAX", "many")]).expect_err("a text");
        assert!(
            fault.starts_with("ROUNDTABLE__HTTP__CONNECTIONS_MAX: invalid type"),
            "{fault}"
        );
        let fault = from("[http\n", &[]).expect_err("not TOML");
        assert!(fault.starts_with("r.toml:1:"), "{fault}");
        assert!(!fault.contains('\n'), "{fault}");
    }
}
