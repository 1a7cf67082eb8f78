//! Why a command is not done: a stable code for programs, a sentence for the person.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The kind of refusal, as messages spell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// The session is not open to this member yet, or any more.
    NotOpen,
    /// A chair removed this member from the session for good.
    Removed,
    /// The session is locked: nobody new comes in.
    Locked,
    /// A chair takes no hands of this member.
    Blocked,
    /// The delegation's speaking time is used up.
    BudgetUsed,
    /// The role has no right to this.
    NotAllowed,
    /// Right in another state only.
    NotNow,
    /// Decided on an older state; another chair was faster.
    Conflict,
    /// No such member in the room.
    UnknownMember,
    /// No such item on the agenda.
    UnknownItem,
    /// No room for another hand.
    QueueFull,
    /// A number out of its bounds, a name too long.
    Limit,
}

impl RefusalCode {
    /// The code's word in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            RefusalCode::NotOpen => "not_open",
            RefusalCode::Removed => "removed",
            RefusalCode::Locked => "locked",
            RefusalCode::Blocked => "blocked",
            RefusalCode::BudgetUsed => "budget_used",
            RefusalCode::NotAllowed => "not_allowed",
            RefusalCode::NotNow => "not_now",
            RefusalCode::Conflict => "conflict",
            RefusalCode::UnknownMember => "unknown_member",
            RefusalCode::UnknownItem => "unknown_item",
            RefusalCode::QueueFull => "queue_full",
            RefusalCode::Limit => "limit",
        }
    }
}

/// A command that is not done. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// For programs.
    pub code: RefusalCode,
    /// For the person: what is the matter and what to do next.
    pub message: String,
}

impl Refusal {
    pub(super) fn new<'a>(code: RefusalCode, message: impl Into<Cow<'a, str>>) -> Self {
        Self {
            code,
            message: message.into().into_owned(),
        }
    }

    pub(super) fn conflict<'a>(message: impl Into<Cow<'a, str>>) -> Self {
        Self::new(RefusalCode::Conflict, message)
    }

    pub(super) fn not_now<'a>(message: impl Into<Cow<'a, str>>) -> Self {
        Self::new(RefusalCode::NotNow, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_spelt_as_the_protocol_page_does() {
        let page = include_str!("../signalling/protocol.md");
        for code in [
            RefusalCode::NotOpen,
            RefusalCode::Removed,
            RefusalCode::Locked,
            RefusalCode::Blocked,
            RefusalCode::BudgetUsed,
            RefusalCode::NotAllowed,
            RefusalCode::NotNow,
            RefusalCode::Conflict,
            RefusalCode::UnknownMember,
            RefusalCode::UnknownItem,
            RefusalCode::QueueFull,
            RefusalCode::Limit,
        ] {
            let word = code.as_str();
            assert_eq!(
                serde_json::to_value(code).expect("a word"),
                serde_json::json!(word)
            );
            assert!(page.contains(&format!("| `{word}` |")), "{word}");
        }
    }
}
