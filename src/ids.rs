//! Names that may be stored: slugs of events, sessions, members, delegations and agenda items.
//!
//! A slug is 1 to 64 characters of `a-z`, `0-9` and single inner hyphens, so that it can stand in
//! a URL, a file name and a log line as it is. This module must never know what a name stands for.

use std::{borrow::Cow, fmt, str::FromStr, sync::Arc};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The longest slug, in characters.
pub const SLUG_CHARS_MAX: usize = 64;

/// The form of a slug as a regular expression, for schemas.
pub const SLUG_PATTERN: &str = "^[a-z0-9]+(-[a-z0-9]+)*$";

/// Why a text is not a slug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotASlug {
    /// Nothing, or more than [`SLUG_CHARS_MAX`] characters.
    #[error("a name has 1 to {SLUG_CHARS_MAX} characters, this one has {0}")]
    Length(usize),
    /// A character outside `a-z`, `0-9`, `-`, or a hyphen at an end or doubled.
    #[error("{0:?} is not a name: use a-z, 0-9 and single hyphens inside")]
    Character(String),
}

fn check(text: &str) -> Result<(), NotASlug> {
    let length = text.chars().count();
    if length == 0 || length > SLUG_CHARS_MAX {
        return Err(NotASlug::Length(length));
    }
    let well_formed = text.split('-').all(|part| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    });
    if well_formed {
        Ok(())
    } else {
        Err(NotASlug::Character(text.to_owned()))
    }
}

macro_rules! slug {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NotASlug;
            fn from_str(text: &str) -> Result<Self, NotASlug> {
                check(text)?;
                Ok(Self(text.into()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotASlug;
            fn try_from(text: String) -> Result<Self, NotASlug> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.as_ref().to_owned()
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "pattern": SLUG_PATTERN,
                    "minLength": 1,
                    "maxLength": SLUG_CHARS_MAX,
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

slug!(
    /// An event, such as `nartt-2020`.
    EventId
);
slug!(
    /// A session of an event, such as `session-1`.
    SessionId
);
slug!(
    /// A person on an event's roster, such as `indonesia-1`.
    MemberId
);
slug!(
    /// A country or institution, such as `indonesia`.
    DelegationId
);
slug!(
    /// An item of a session's agenda, such as `opening-remarks`.
    ItemId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_strict() {
        for good in ["a", "indonesia-1", "nartt-2020", "0"] {
            assert!(good.parse::<MemberId>().is_ok(), "{good}");
        }
        let long = "a".repeat(SLUG_CHARS_MAX + 1);
        for bad in [
            "",
            "-a",
            "a-",
            "a--b",
            "A",
            "a b",
            "a/b",
            "é",
            long.as_str(),
        ] {
            assert!(bad.parse::<MemberId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_bad_slug_does_not_deserialise() {
        assert!(serde_json::from_str::<SessionId>("\"../x\"").is_err());
        let id: SessionId = serde_json::from_str("\"session-1\"").expect("a slug");
        assert_eq!(serde_json::to_string(&id).expect("text"), "\"session-1\"");
    }
}
