//! Whether the machine's clock can be right: links and certificates hold by it, and so does the
//! programme.

use super::finding::{Check, Finding};
use crate::time::Timestamp;

/// Nobody has run this program before 2025.
const EARLIEST: Timestamp = Timestamp(1_735_689_600_000);
/// Nor after 2099.
const LATEST: Timestamp = Timestamp(4_102_444_800_000);

/// What the clock says, and what the system says of it.
pub(super) struct Facts {
    pub now: Timestamp,
    /// Whether something keeps it right; none where the system does not tell.
    pub synchronised: Option<bool>,
}

pub(super) fn judge(facts: &Facts) -> Finding {
    let now = day(facts.now);
    let in_time = "timedatectl set-ntp true, or start chronyd or ntpd";
    if facts.now < EARLIEST || facts.now > LATEST {
        let what = format!("it is {now} by the clock, so that no link and no certificate holds");
        Finding::wrong(Check::Clock, what).with(in_time)
    } else {
        match facts.synchronised {
            Some(true) => Finding::ok(Check::Clock, format!("{now}, kept right from outside")),
            Some(false) => {
                let what = format!("{now}, and nothing says that it is kept right from outside");
                Finding::warning(Check::Clock, what).with(in_time)
            }
            None => {
                let what = format!("{now}; whether it is kept right, the system does not tell");
                Finding::not_known(Check::Clock, what)
            }
        }
    }
}

/// For people, in UTC.
pub(super) fn day(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(
        |_| "beyond all calendars".to_owned(),
        |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::doctor::State;

    #[test]
    fn a_clock_of_another_century_is_wrong_and_one_that_nobody_keeps_is_a_warning() {
        let now = Timestamp(1_800_000_000_000);
        for (now, synchronised, state) in [
            (now, Some(true), State::Ok),
            (now, Some(false), State::Warning),
            (now, None, State::NotKnown),
            (Timestamp(0), Some(true), State::Wrong),
            (Timestamp(i64::MAX), None, State::Wrong),
        ] {
            let found = judge(&Facts { now, synchronised });
            assert_eq!(found.state, state, "{found:?}");
            let to_do = matches!(state, State::Warning | State::Wrong);
            assert_eq!(!found.remedy.is_empty(), to_do, "{found:?}");
        }
        assert_eq!(day(now), "2027-01-15 08:00 UTC");
    }
}
