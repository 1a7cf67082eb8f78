//! What a connection is bounded by.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::Millis;

/// Settings of every signalling connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Time between two pings of the server's, in milliseconds.
    pub ping_ms: Millis,
    /// A client that has not been heard for so long, in milliseconds, is gone.
    pub dead_ms: Millis,
    /// Time for the first `hello` that is accepted, in milliseconds; then 1008.
    pub hello_ms: Millis,
    /// Time for the last words to a client whose connection is closed, in milliseconds.
    pub close_ms: Millis,
    /// The longest frame, in bytes; a longer one closes the connection (1009).
    pub frame_bytes_max: usize,
    /// Requests a second that a client may send in the long run; more are answered `too_fast`.
    pub requests_per_s: u32,
    /// Requests that a client may send at once after a quiet time.
    pub requests_burst: u32,
    /// Connections at most; more are closed (1013).
    pub connections_max: usize,
    /// Connections from one address at most; more are closed (1013). An institution may sit behind
    /// one address.
    pub connections_per_address_max: usize,
    /// Connections of one member at most; a further `hello` closes the oldest (4002).
    pub connections_per_member_max: usize,
    /// STUN servers that clients are told to use, as URLs such as `stun:stun.example.org:3478`. The
    /// server itself needs none.
    pub ice_urls: Vec<String>,
    /// TURN servers that clients are told to use, as URLs such as `turn:turn.example.org:3478`.
    pub turn_urls: Vec<String>,
    /// The secret that those servers share with this one.
    pub turn_secret: Secret,
    /// How long the credentials made with it hold from the `hello` on, in milliseconds.
    pub turn_lifetime_ms: Millis,
}

/// A text that no log shows.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.0.is_empty() { "none" } else { "secret" })
    }
}

impl Settings {
    /// What is wrong with them together, if anything.
    pub fn contradiction(&self) -> Option<&'static str> {
        (!self.turn_urls.is_empty() && self.turn_secret.0.is_empty()).then_some(
            "signalling.turn_urls needs signalling.turn_secret, the TURN server's \
             static-auth-secret",
        )
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ping_ms: Millis::from_secs(5),
            dead_ms: Millis::from_secs(15),
            hello_ms: Millis::from_secs(10),
            close_ms: Millis::from_secs(2),
            frame_bytes_max: 64 * 1024,
            requests_per_s: 20,
            requests_burst: 100,
            connections_max: 4000,
            connections_per_address_max: 1000,
            connections_per_member_max: 4,
            ice_urls: Vec::new(),
            turn_urls: Vec::new(),
            turn_secret: Secret::default(),
            turn_lifetime_ms: Millis::from_secs(24 * 60 * 60),
        }
    }
}
