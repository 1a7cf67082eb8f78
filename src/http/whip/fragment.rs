//! SDP fragments of trickle ICE (RFC 8840): what a client's says, and how ours is written.
//!
//! Pure. Which section a candidate stands under does not matter: there is one transport.

use std::{fmt::Write, str::FromStr};

use crate::media::Restarted;

/// What a client's fragment says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Fragment {
    /// User fragment, and password where there is one.
    pub credentials: Option<(String, Option<String>)>,
    /// Values as in the `candidate` attribute.
    pub candidates: Vec<String>,
}

/// Why a text is no fragment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the fragment is not `letter=value`")]
pub(super) struct NotAFragment {
    line: usize,
}

impl FromStr for Fragment {
    type Err = NotAFragment;

    fn from_str(text: &str) -> Result<Self, NotAFragment> {
        let (mut ufrag, mut pwd, mut candidates) = (None, None, Vec::new());
        let mut lines = 0_usize;
        for line in text.lines().map(str::trim_end) {
            lines = lines.saturating_add(1);
            if line.is_empty() {
                continue;
            }
            let mut letters = line.chars();
            let letter = letters.next().filter(char::is_ascii_lowercase);
            if letter.is_none() || letters.next() != Some('=') {
                return Err(NotAFragment { line: lines });
            }
            let Some(attribute) = line.strip_prefix("a=") else {
                continue;
            };
            if let Some(value) = attribute.strip_prefix("ice-ufrag:") {
                ufrag.get_or_insert_with(|| value.trim().to_owned());
            } else if let Some(value) = attribute.strip_prefix("ice-pwd:") {
                pwd.get_or_insert_with(|| value.trim().to_owned());
            } else if let Some(value) = attribute.strip_prefix("candidate:") {
                candidates.push(value.trim().to_owned());
            }
        }
        if lines == 0 {
            return Err(NotAFragment { line: 1 });
        }
        Ok(Self {
            credentials: ufrag.map(|ufrag| (ufrag, pwd)),
            candidates,
        })
    }
}

/// The server's fragment after a restart. Candidates stand under the bundle's first section.
pub(super) fn write(restarted: &Restarted, mid: &str) -> String {
    let mut text = String::new();
    // `write!` into a `String` cannot fail.
    let _ = write!(
        text,
        "a=ice-ufrag:{}\r\na=ice-pwd:{}\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:{mid}\r\n",
        restarted.ufrag, restarted.pwd
    );
    for candidate in &restarted.candidates {
        let _ = write!(text, "a=candidate:{candidate}\r\n");
    }
    text.push_str("a=end-of-candidates\r\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_read_wherever_they_stand() {
        let fragment: Fragment = "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n\
             m=audio 9 RTP/AVP 0\r\na=mid:0\r\n\
             a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host\r\n\
             m=video 9 RTP/AVP 0\r\na=mid:1\r\n\
             a=candidate:3471623853 1 udp 2122194687 198.51.100.1 61765 typ host\r\n\
             a=end-of-candidates\r\n"
            .parse()
            .expect("a fragment");
        let pwd = "P2uYro0UCOQ4zxjKXaWCBui1".to_owned();
        assert_eq!(fragment.credentials, Some(("EsAw".to_owned(), Some(pwd))));
        assert_eq!(fragment.candidates.len(), 2);
        assert!(fragment.candidates[0].starts_with("1387637174 1 udp"));
    }

    #[test]
    fn what_is_no_sdp_is_refused_and_what_is_unknown_is_not() {
        for (text, line) in [
            ("", 1),
            ("{}", 1),
            ("a=mid:0\nhello", 2),
            ("A=x", 1),
            ("a", 1),
        ] {
            let read = text.parse::<Fragment>();
            assert_eq!(read, Err(NotAFragment { line }), "{text:?}");
        }
        let read = "a=end-of-candidates\r\n".parse::<Fragment>();
        assert_eq!(read, Ok(Fragment::default()));
    }

    #[test]
    fn ours_can_be_read_again() {
        let restarted = Restarted {
            ufrag: "ours".to_owned(),
            pwd: "p".repeat(24),
            candidates: vec!["1 1 udp 1 192.0.2.1 7882 typ host".to_owned()],
        };
        let read: Fragment = write(&restarted, "a").parse().expect("a fragment");
        assert_eq!(
            read.credentials,
            Some((restarted.ufrag, Some(restarted.pwd)))
        );
        assert_eq!(read.candidates, restarted.candidates);
    }
}
