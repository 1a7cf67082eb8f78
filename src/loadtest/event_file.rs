//! An event to rehearse with: as many seats as are wanted, one session.
//!
//! This module must never know who takes the seats.

use std::fmt::Write;

/// The event's id, and its session's.
pub const EVENT: &str = "rehearsal";
/// See there.
pub const SESSION: &str = "session-1";

/// Delegates of one delegation.
const DELEGATION_SEATS: u16 = 50;

/// The event file with so many seats for delegates, and one for a chair.
///
/// Its day is far away: links hold until after it, and the server opens the session when it is told to.
pub fn write(delegates: u16) -> String {
    let mut text = format!(
        "# An event to rehearse with: {delegates} delegates and a chair.\n\
         event = \"{EVENT}\"\ntitle = \"Rehearsal\"\ntime_zone = \"Asia/Jakarta\"\n\n\
         [[days]]\ndate = 2099-12-31\n\n[[days.sessions]]\nid = \"{SESSION}\"\ntitle = \"Rehearsal\"\n\
         start = \"08:00\"\nminutes = 600\nprofile = {{ mode = \"open\", microphones = 25 }}\n\n\
         [delegations.house]\nname = \"House\"\nseats = [{{ role = \"chair\", name = \"Chair\" }}]\n"
    );
    let mut left = delegates;
    let mut number = 1;
    while left > 0 {
        let count = left.min(DELEGATION_SEATS);
        // Writing into a `String` cannot fail.
        let _ = write!(
            text,
            "\n[delegations.block-{number}]\nname = \"Block {number}\"\n\
             seats = [{{ role = \"delegate\", count = {count} }}]\n"
        );
        left -= count;
        number += 1;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{meeting::roster::Role, programme};

    #[test]
    fn the_server_reads_an_event_of_any_size() {
        for delegates in [1, 50, 51, 1000] {
            let event = programme::parse(&write(delegates)).expect("an event");
            let of = |role| event.seats.iter().filter(|seat| seat.role == role).count();
            assert_eq!(of(Role::Delegate), usize::from(delegates));
            assert_eq!(of(Role::Chair), 1);
            assert_eq!(event.id.as_str(), EVENT);
            assert!(event.session(&SESSION.parse().expect("a slug")).is_some());
        }
    }
}
