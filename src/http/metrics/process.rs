//! SHELL. What Linux counts of this process (`proc(5)`).

use std::fs;

/// Linux shows ticks of 10 ms to programs, whatever it counts in itself.
const TICKS_PER_S: f64 = 100.0;

/// What is known of this process; nothing where the system does not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Process {
    /// Processor time, in s.
    pub cpu_s: Option<f64>,
    /// Memory, in bytes.
    pub resident_bytes: Option<u64>,
    /// Files and connections.
    pub open_files: Option<u64>,
    /// When it was started, in s since 1970.
    pub started_s: Option<f64>,
}

impl Process {
    /// As it is now.
    pub fn read() -> Self {
        let read = |path: &str| fs::read_to_string(path).ok();
        let times = read("/proc/self/stat").and_then(|text| times(&text));
        let boot = read("/proc/stat").and_then(|text| boot_s(&text));
        Self {
            cpu_s: times.map(|times| times.used as f64 / TICKS_PER_S),
            resident_bytes: read("/proc/self/status").and_then(|text| resident_bytes(&text)),
            open_files: fs::read_dir("/proc/self/fd").ok().and_then(|files| {
                // The folder that is being read is open too.
                u64::try_from(files.count().saturating_sub(1)).ok()
            }),
            started_s: times
                .zip(boot)
                .map(|(times, boot)| boot as f64 + times.started as f64 / TICKS_PER_S),
        }
    }
}

/// In ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Times {
    /// By the program and for it.
    used: u64,
    /// Since the machine was started.
    started: u64,
}

/// Fields 14, 15 and 22 of `proc_pid_stat(5)`. The second, the name in brackets, may hold anything.
fn times(stat: &str) -> Option<Times> {
    let (_, rest) = stat.rsplit_once(')')?;
    let field = |number: usize| {
        let place = number.checked_sub(3)?;
        rest.split_ascii_whitespace()
            .nth(place)?
            .parse::<u64>()
            .ok()
    };
    Some(Times {
        used: field(14)?.checked_add(field(15)?)?,
        started: field(22)?,
    })
}

/// When the machine was started, in s since 1970.
fn boot_s(stat: &str) -> Option<u64> {
    let line = stat.lines().find_map(|line| line.strip_prefix("btime "));
    line?.trim().parse().ok()
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes: u64 = line?.trim().strip_suffix(" kB")?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_found_whatever_the_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 9 9 20 0 1 0 5";
        let found = times(stat);
        assert_eq!(
            found,
            Some(Times {
                used: 300,
                started: 5
            })
        );
        assert_eq!(times("7 (a) S 1"), None);
        assert_eq!(times(""), None);
        assert_eq!(boot_s("cpu 1 2\nbtime 1700000000\n"), Some(1_700_000_000));
        assert_eq!(
            resident_bytes("VmHWM:\t 9 kB\nVmRSS:\t   12 kB\n"),
            Some(12_288)
        );
        assert_eq!(resident_bytes("VmRSS: many"), None);
    }

    #[test]
    fn this_process_is_known() {
        let known = Process::read();
        assert!(known.cpu_s.is_some() && known.started_s > Some(1_600_000_000.0));
        assert!(known.resident_bytes > Some(0) && known.open_files > Some(0));
    }
}
