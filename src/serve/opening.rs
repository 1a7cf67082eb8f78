//! A session that is to be live from the start, as it is written after `--open`.

use std::str::FromStr;

use crate::{
    ids::{NotASlug, SessionId},
    meeting::agenda::FloorMode,
};

/// Microphones that may be open at once, at most (spec section 3).
const MICROPHONES_MAX: u8 = 25;

/// `SESSION[:MODE[:MICROPHONES]]`, such as `session-1:open:12`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Which session.
    pub session: SessionId,
    /// Its floor's mode, if not the planned one.
    pub mode: Option<FloorMode>,
    /// How many delegates' microphones may be open at once, if not as planned.
    pub microphones: Option<u8>,
}

/// Why a text is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnOpening {
    /// The session's name.
    #[error("{0}")]
    Session(#[from] NotASlug),
    /// The mode.
    #[error("{0:?} is not a mode of the floor: write open, override, request, fifo or operator")]
    Mode(String),
    /// The number.
    #[error("{0:?} is not a number of microphones: write 1 to {MICROPHONES_MAX}")]
    Microphones(String),
    /// A fourth part.
    #[error("write SESSION, SESSION:MODE or SESSION:MODE:MICROPHONES")]
    Parts,
}

impl FromStr for Opening {
    type Err = NotAnOpening;

    fn from_str(text: &str) -> Result<Self, NotAnOpening> {
        let mut parts = text.split(':');
        let session = parts.next().unwrap_or_default().parse()?;
        let mode = parts.next().map(mode).transpose()?;
        let microphones = parts.next().map(microphones).transpose()?;
        if parts.next().is_some() {
            return Err(NotAnOpening::Parts);
        }
        Ok(Self {
            session,
            mode,
            microphones,
        })
    }
}

fn mode(text: &str) -> Result<FloorMode, NotAnOpening> {
    FloorMode::ALL
        .into_iter()
        .find(|mode| mode.as_str() == text)
        .ok_or_else(|| NotAnOpening::Mode(text.to_owned()))
}

fn microphones(text: &str) -> Result<u8, NotAnOpening> {
    text.parse()
        .ok()
        .filter(|number| (1..=MICROPHONES_MAX).contains(number))
        .ok_or_else(|| NotAnOpening::Microphones(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_may_be_left_out_from_the_end() {
        let opening = |text: &str| {
            let opening: Opening = text.parse().expect("an opening");
            (
                opening.session.to_string(),
                opening.mode,
                opening.microphones,
            )
        };
        assert_eq!(opening("session-1"), ("session-1".to_owned(), None, None));
        assert_eq!(
            opening("session-1:open"),
            ("session-1".to_owned(), Some(FloorMode::Open), None)
        );
        assert_eq!(
            opening("s:request:12"),
            ("s".to_owned(), Some(FloorMode::Request), Some(12))
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, part) in [
            ("", "a name has"),
            ("Session", "is not a name"),
            ("s:free", "is not a mode"),
            ("s:open:0", "number of microphones"),
            ("s:open:26", "number of microphones"),
            ("s:open:x", "number of microphones"),
            ("s:open:1:2", "write SESSION"),
        ] {
            let fault = text.parse::<Opening>().expect_err(text).to_string();
            assert!(fault.contains(part), "{text}: {fault}");
        }
    }
}
