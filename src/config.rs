//! The settings: one TOML file, strict, with environment overrides.
//!
//! It only assembles what the modules own: each section is the `Settings` of one module, which
//! knows the meaning and the default of its keys. Precedence: flag, environment, file, default
//! (flags are laid over the result by `serve`). `config/roundtable.toml` documents every key; a
//! test below holds it equal to the code. This module must never know what a setting does.

mod strict;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{check, http, media::worker, meeting, programme, room, signalling, webhooks};

/// Every section.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What is served, and from which folder.
    pub server: Server,
    /// The HTTP and WebSocket port.
    pub http: http::Settings,
    /// Signalling connections.
    pub signalling: signalling::Settings,
    /// How large an event may be.
    pub programme: programme::Settings,
    /// Meetings in general.
    pub meeting: meeting::Settings,
    /// Running sessions.
    pub room: room::Settings,
    /// What is tried before a room.
    pub check: check::Settings,
    /// Programs that are told what happens.
    pub webhooks: webhooks::Settings,
    /// The media plane.
    pub media: worker::Settings,
}

/// What is served, and from which folder: the one section that belongs to no module below, since
/// `serve` stands above this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// The event served; empty: the only one stored.
    pub event: String,
    /// Where everything is kept; empty: the user's data folder.
    pub data: PathBuf,
    /// How long members in a room get to leave before the stop, in ms; 0: none.
    pub drain_ms: u64,
    /// How long connections get to end at the stop, in ms.
    pub stop_timeout_ms: u64,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            event: String::new(),
            data: PathBuf::new(),
            drain_ms: 10_000,
            stop_timeout_ms: 5_000,
        }
    }
}

/// Why the settings cannot be used: one line for the person who wrote them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigFault {
    /// The file could not be read.
    #[error("{path}: cannot be read: {why}", path = path.display())]
    Unreadable {
        /// The settings file.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// A key that does not exist, a value of another kind, or not TOML at all.
    #[error("{place}: {what}")]
    Wrong {
        /// `file:line:column`, or the variable's name.
        place: String,
        /// What is wrong there.
        what: String,
    },
}

/// The settings from a file, where there is one, and the environment.
pub fn load(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigFault> {
    let text = match file {
        None => None,
        Some(path) => {
            Some(
                std::fs::read_to_string(path).map_err(|error| ConfigFault::Unreadable {
                    path: path.to_owned(),
                    why: error.to_string(),
                })?,
            )
        }
    };
    let named = file
        .zip(text.as_deref())
        .map(|(path, text)| (path.display().to_string(), text));
    strict::assemble(
        named.as_ref().map(|(name, text)| (name.as_str(), *text)),
        environment,
    )
}

/// The process's environment; a variable that is not Unicode cannot be one of ours.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Where the settings file is looked for when no flag names one.
pub fn usual_file() -> Option<PathBuf> {
    let path = directories::ProjectDirs::from("", "", "roundtable")?
        .config_dir()
        .join("roundtable.toml");
    path.is_file().then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENTED: &str = include_str!("../config/roundtable.toml");

    #[test]
    fn the_documented_file_is_what_the_code_does() {
        let parsed = strict::assemble(Some(("config/roundtable.toml", DOCUMENTED)), []);
        assert_eq!(parsed, Ok(Config::default()));

        let written: toml::Table = DOCUMENTED.parse().expect("TOML");
        let written = serde_json::to_value(written).expect("plain");
        let known = serde_json::to_value(Config::default()).expect("plain");
        assert_eq!(keys("", &written), keys("", &known));
    }

    #[test]
    fn every_documented_key_has_a_comment() {
        let mut commented = false;
        for line in DOCUMENTED.lines() {
            if line.starts_with('#') {
                commented = true;
            } else if line.contains('=') {
                assert!(commented, "no comment above {line:?}");
                commented = false;
            }
        }
    }

    fn keys(prefix: &str, value: &serde_json::Value) -> Vec<String> {
        match value {
            serde_json::Value::Object(entries) => {
                let mut all: Vec<String> = entries
                    .iter()
                    .flat_map(|(key, value)| keys(&format!("{prefix}.{key}"), value))
                    .collect();
                all.sort();
                all
            }
            _ => vec![prefix.to_owned()],
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let missing = Path::new("/nonexistent/roundtable.toml");
        let fault = load(Some(missing), []).expect_err("no such file");
        assert!(
            fault
                .to_string()
                .starts_with("/nonexistent/roundtable.toml: cannot be read"),
            "{fault}"
        );
    }
}
