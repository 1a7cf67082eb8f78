//! What a member's check has found, as the member's client says it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ids::MemberId, time::Timestamp};

/// A longer round trip is no path, in milliseconds.
const RTT_MS_MAX: u32 = 60_000;
/// The longest name of a browser, in characters.
const BROWSER_CHARS_MAX: usize = 80;

/// By which way sound and picture reach the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Directly, as they should.
    Udp,
    /// As a stream: they come late where the line loses packets.
    Tcp,
    /// Over a TURN server.
    Relay,
    /// Not at all.
    None,
}

/// What was found. A device is null where the member needs none, or nothing was said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// By which way.
    pub verdict: Verdict,
    /// The round trip on it.
    pub rtt_ms: Option<u32>,
    /// Of a hundred packets sent on it, so many were lost, rounded up.
    pub loss_pct: Option<u8>,
    /// The microphone is open and has heard something.
    pub microphone: Option<bool>,
    /// The camera is open.
    pub camera: Option<bool>,
    /// The member has heard the test sound.
    pub speaker: Option<bool>,
    /// The browser's name and version.
    pub browser: String,
}

/// A report that is out of bounds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAReport {
    /// The round trip.
    #[error("rtt_ms is {RTT_MS_MAX} at most")]
    RoundTrip,
    /// The loss.
    #[error("loss_pct is 100 at most")]
    Loss,
    /// The browser.
    #[error("browser is a text of 1 to {BROWSER_CHARS_MAX} characters")]
    Browser,
}

impl Report {
    /// Whether it is within bounds.
    ///
    /// # Errors
    /// What is not.
    pub fn check(&self) -> Result<(), NotAReport> {
        if self.rtt_ms.is_some_and(|rtt| rtt > RTT_MS_MAX) {
            return Err(NotAReport::RoundTrip);
        }
        if self.loss_pct.is_some_and(|loss| loss > 100) {
            return Err(NotAReport::Loss);
        }
        let written = !self.browser.trim().is_empty();
        if !written || self.browser.chars().count() > BROWSER_CHARS_MAX {
            return Err(NotAReport::Browser);
        }
        Ok(())
    }
}

/// The newest report of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Whose.
    pub member: MemberId,
    /// When it came.
    pub at: Timestamp,
    /// What it says.
    pub report: Report,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bound_holds() {
        let report = Report {
            verdict: Verdict::Udp,
            rtt_ms: Some(RTT_MS_MAX),
            loss_pct: Some(100),
            microphone: None,
            camera: None,
            speaker: None,
            browser: "ß".repeat(BROWSER_CHARS_MAX),
        };
        assert_eq!(report.check(), Ok(()));
        let changed = |change: fn(&mut Report)| {
            let mut report = report.clone();
            change(&mut report);
            report.check()
        };
        assert_eq!(
            changed(|it| it.rtt_ms = Some(RTT_MS_MAX + 1)),
            Err(NotAReport::RoundTrip)
        );
        assert_eq!(changed(|it| it.loss_pct = Some(101)), Err(NotAReport::Loss));
        assert_eq!(changed(|it| it.browser.push('x')), Err(NotAReport::Browser));
        assert_eq!(
            changed(|it| it.browser = "  ".to_owned()),
            Err(NotAReport::Browser)
        );
    }
}
