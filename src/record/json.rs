//! The record as one JSON object. Times are RFC 3339 with the offset of the event's zone, lengths are
//! milliseconds; what is not known is null.
//!
//! ```text
//! form          1: the version of this form
//! event, title, time_zone
//! head          the hash of the event's own journal, as `roundtable verify` prints it
//! speaking      by_member, by_delegation, by_item: turns in which something was said, and spoken_ms;
//!               over all sessions, the longest first
//! sessions      an object each, in the programme's order:
//!   session, title, planned_start, planned_minutes, opened, closed
//!   items            item, title, planned_minutes, started
//!   attendance       a person, role, came, gone (null: still there), present_ms, stays (came, gone)
//!   turns            turn, a person, kind, item, from, spoken_ms, ended (why, in words)
//!   speaking         as above, of this session
//!   chat             at, a person, to (everybody, chairs), text
//!   notices, notes   at, a person, item, text
//!   decisions        at, a person, what (words that follow the name)
//!   recommendations  number, text, proposed_at, proposer, supporters, status,
//!                    signed (institute, institute_name, by, at)
//! ```
//!
//! A person is member, name, delegation, delegation_name.

use super::Record;

impl Record {
    /// As JSON.
    pub fn json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self)
            .expect("texts, numbers and lists of such always are JSON");
        text.push('\n');
        text
    }
}
