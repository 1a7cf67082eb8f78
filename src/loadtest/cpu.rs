//! SHELL. The processor time of a process, as Linux keeps it.

use std::{fs, time::Duration};

/// What one tick of `/proc` is. Linux shows ticks of 10 ms to programs, whatever it counts in itself.
const TICK: Duration = Duration::from_millis(10);

/// Whose time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Process {
    /// This one's.
    Own,
    /// That one's.
    Other(u32),
}

/// User and system time that the process has used until now. Nothing where it cannot be read.
pub fn used(process: Process) -> Option<Duration> {
    let stat = match process {
        Process::Own => fs::read_to_string("/proc/self/stat"),
        Process::Other(id) => fs::read_to_string(format!("/proc/{id}/stat")),
    };
    ticks(&stat.ok()?).map(|ticks| TICK.saturating_mul(ticks))
}

/// Fields 14 and 15 of `proc_pid_stat(5)`. The second, the name in brackets, may hold anything.
fn ticks(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(14 - 3);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    user.checked_add(system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_times_are_found_whatever_the_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 9 9 20 0 1 0 5";
        assert_eq!(ticks(stat), Some(300));
        assert_eq!(ticks("7 (a) S 1"), None);
        assert_eq!(ticks(""), None);
    }

    #[test]
    fn this_process_has_a_time_and_no_process_has_none() {
        assert!(used(Process::Own).is_some());
        assert_eq!(used(Process::Other(u32::MAX)), None);
    }
}
