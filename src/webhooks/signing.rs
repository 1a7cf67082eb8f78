//! The secret of a subscription, and what a receiver checks with it: HMAC-SHA256 over the message's id, the
//! time of the attempt and the body (Standard Webhooks, "Signature scheme").

use std::fmt;

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};

/// Bytes of a secret; the standard asks for 24 to 64.
pub(super) const SECRET_BYTES: usize = 32;

/// Tells a secret from other texts.
const PREFIX: &str = "whsec_";

/// What deliveries of one subscription are signed with.
#[derive(Clone)]
pub(super) struct Secret(hmac::Key, String);

impl Secret {
    /// Of random bytes.
    pub fn of(bytes: [u8; SECRET_BYTES]) -> Self {
        Self(
            hmac::Key::new(hmac::HMAC_SHA256, &bytes),
            format!("{PREFIX}{}", BASE64_STANDARD.encode(bytes)),
        )
    }

    /// As it was shown.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64_STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
        Some(Self(key, text.to_owned()))
    }

    /// As its owner is to keep it.
    pub fn shown(&self) -> &str {
        &self.1
    }

    /// The header `webhook-signature` of an attempt at this time (in seconds since 1970).
    pub fn sign(&self, id: &str, at_s: i64, body: &str) -> String {
        let tag = hmac::sign(&self.0, format!("{id}.{at_s}.{body}").as_bytes());
        format!("v1,{}", BASE64_STANDARD.encode(tag))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_what_the_standard_s_own_libraries_work_out() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        assert_eq!(
            secret.sign(id, 1_614_265_330, r#"{"test": 2432232314}"#),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn a_secret_is_shown_once_and_read_again() {
        let secret = Secret::of([7; SECRET_BYTES]);
        let again = Secret::parse(secret.shown()).expect("a secret");
        assert_eq!(again.sign("a", 1, "b"), secret.sign("a", 1, "b"));
        assert_eq!(format!("{secret:?}"), "secret");
        assert!(Secret::parse("whsec_%").is_none());
        assert!(Secret::parse("MfKQ").is_none());
    }
}
