//! SHELL. `roundtable verify`.

use clap::Args;

use super::{Ending, Where, print};
use crate::{
    ids::EventId,
    store::{Fault, Reading, Verdict, Walked},
};

#[derive(Debug, Args)]
pub(super) struct Flags {
    /// The event, by its id
    #[arg(value_name = "EVENT")]
    event: EventId,
    #[command(flatten)]
    place: Where,
}

pub(super) fn run(flags: &Flags) -> Result<(), Ending> {
    let reading = Reading::open(&flags.place.folder()?).map_err(Ending::not_done)?;
    let verdict = reading.verify(&flags.event).map_err(ending)?;
    if verdict.is_whole() {
        print(&whole(&flags.event, &verdict));
        Ok(())
    } else {
        Err(Ending::no(verdict.findings().join("\n")))
    }
}

/// Why a record could not be looked at.
pub(super) fn ending(fault: Fault) -> Ending {
    match fault {
        Fault::UnknownEvent(_) => Ending::no(fault),
        other => Ending::not_done(other),
    }
}

/// What was looked at: a line for all, and one for each chain.
fn whole(event: &EventId, verdict: &Verdict) -> String {
    let Verdict {
        own,
        sessions,
        dropped,
    } = verdict;
    let all = sessions
        .values()
        .fold(0_u64, |all, chain| all.saturating_add(chain.entries));
    let mut text = format!(
        "{event}: {}, {}, whole\n",
        counted(sessions.len() as u64, "session", "sessions"),
        entries(all)
    );
    for (session, chain) in sessions {
        let note = if dropped.contains(session) {
            ", not in the programme any more"
        } else {
            ""
        };
        text.push_str(&line(session, chain, note));
    }
    text.push_str(&line("the event's own journal", own, ""));
    text.push_str("Two copies are the same where the hash of the event's own journal is.\n");
    text
}

fn line(name: &str, chain: &Walked, note: &str) -> String {
    format!(
        "{name}: {}, head {}{note}\n",
        entries(chain.entries),
        chain.head
    )
}

fn entries(count: u64) -> String {
    counted(count, "entry", "entries")
}

/// `1,234 entries`.
fn counted(count: u64, one: &str, many: &str) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{text} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_at_a_glance() {
        for (count, text) in [
            (0, "0 entries"),
            (1, "1 entry"),
            (999, "999 entries"),
            (1_234, "1,234 entries"),
            (1_234_567, "1,234,567 entries"),
        ] {
            assert_eq!(entries(count), text);
        }
    }
}
