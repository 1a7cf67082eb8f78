//! One thing that was looked at: how it is, and what to do about it.

use serde::Serialize;

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As it should be.
    Ok,
    /// The machine does not tell.
    NotKnown,
    /// It works, but somebody will notice.
    Warning,
    /// A server would not start, or nobody could use it.
    Wrong,
}

impl State {
    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::NotKnown => "not known",
            State::Warning => "warning",
            State::Wrong => "wrong",
        }
    }
}

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    Settings,
    HttpPort,
    MediaPorts,
    Certificate,
    Address,
    SocketBuffers,
    OpenFiles,
    DataFolder,
    DiskSpace,
    Clock,
}

impl Check {
    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Check::Settings => "settings",
            Check::HttpPort => "HTTP port",
            Check::MediaPorts => "media ports",
            Check::Certificate => "certificate",
            Check::Address => "address",
            Check::SocketBuffers => "UDP buffers",
            Check::OpenFiles => "open files",
            Check::DataFolder => "data folder",
            Check::DiskSpace => "disk space",
            Check::Clock => "clock",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// How it is.
    pub state: State,
    /// What was found, in one line.
    pub what: String,
    /// What to type or to change, a line each; nothing where there is nothing to do.
    pub remedy: Vec<String>,
}

impl Finding {
    pub(super) fn new(check: Check, state: State, what: impl Into<String>) -> Self {
        Self {
            check,
            state,
            what: what.into(),
            remedy: Vec::new(),
        }
    }

    pub(super) fn ok(check: Check, what: impl Into<String>) -> Self {
        Self::new(check, State::Ok, what)
    }

    pub(super) fn not_known(check: Check, what: impl Into<String>) -> Self {
        Self::new(check, State::NotKnown, what)
    }

    pub(super) fn warning(check: Check, what: impl Into<String>) -> Self {
        Self::new(check, State::Warning, what)
    }

    pub(super) fn wrong(check: Check, what: impl Into<String>) -> Self {
        Self::new(check, State::Wrong, what)
    }

    /// One thing more to do.
    pub(super) fn with(mut self, remedy: impl Into<String>) -> Self {
        self.remedy.push(remedy.into());
        self
    }
}
