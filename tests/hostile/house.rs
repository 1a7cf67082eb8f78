//! The server under attack: the real program on free loopback ports, its memory, its log and its
//! links. Knows nothing of attacks.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use serde::Deserialize;
use tempfile::TempDir;

/// The session that is live from the start, every microphone granted at once.
pub const SESSION: &str = "session-1";

/// A server that says nothing for so long has not started.
const START_MAX: Duration = Duration::from_secs(30);

/// What an attack may add to the server's memory.
const GROWTH_MAX_KIB: u64 = 5 * 1024;

/// What an attack may add to the server's log: a line or two, not a line a packet.
const LOG_MAX_BYTES: u64 = 16 * 1024;

/// One seat's line of `--links-out`.
#[derive(Debug, Clone, Deserialize)]
pub struct Seat {
    pub member: String,
    pub role: String,
    pub token: String,
    pub jti: String,
}

/// A running server; killed when dropped.
pub struct House {
    child: Child,
    folder: TempDir,
    seats: HashMap<String, Seat>,
    /// `host:port` of HTTP and WebSocket.
    pub address: String,
}

impl House {
    /// Starts one with these settings beside the defaults, such as `("ROOM__OUTBOX_MAX", "8")`.
    pub fn open(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let links = folder.path().join("links.json");
        let log = File::create(folder.path().join("log")).expect("a log file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_roundtable"));
        command
            .args(["serve", "--demo", "--listen", "127.0.0.1:0"])
            .args(["--media-addr", "127.0.0.1", "--media-port", "0"])
            .args(["--open", &format!("{SESSION}:open:12")])
            .arg("--data")
            .arg(folder.path().join("data"))
            .arg("--links-out")
            .arg(&links)
            .env_clear()
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        for (key, value) in settings {
            command.env(format!("ROUNDTABLE__{key}"), value);
        }
        // SAFETY: prctl is safe between fork and exec: it allocates nothing and takes no lock.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                Ok(())
            });
        }
        let mut child = command.spawn().expect("our own binary");
        let address = listening(&mut child);
        let Some(address) = address else {
            let said = fs::read_to_string(folder.path().join("log")).unwrap_or_default();
            let _ = child.kill();
            let _ = child.wait();
            panic!("it did not start:\n{said}");
        };
        let text = fs::read_to_string(&links).expect("a links file");
        let seats: Vec<Seat> = serde_json::from_str(&text).expect("links");
        Self {
            child,
            folder,
            seats: seats
                .into_iter()
                .map(|seat| (seat.member.clone(), seat))
                .collect(),
            address,
        }
    }

    /// A member's seat.
    pub fn seat(&self, member: &str) -> &Seat {
        let seat = self.seats.get(member);
        seat.unwrap_or_else(|| panic!("no seat {member}"))
    }

    /// The members of a role, in the order of their names.
    pub fn members(&self, role: &str) -> Vec<String> {
        let of_role = self.seats.values().filter(|seat| seat.role == role);
        let mut members: Vec<String> = of_role.map(|seat| seat.member.clone()).collect();
        members.sort();
        members
    }

    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Runs another command of the program on its data.
    pub fn command(&self, arguments: &[&str]) {
        let output = Command::new(env!("CARGO_BIN_EXE_roundtable"))
            .args(arguments)
            .arg("--data")
            .arg(self.data())
            .output()
            .expect("our own binary");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
    }

    /// Resident memory now, in KiB.
    pub fn memory_kib(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(path).expect("a running process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        number
            .and_then(|number| number.parse().ok())
            .expect("VmRSS")
    }

    /// Runs an attack twice. The first round makes whatever is made once; what the second adds to
    /// memory and to the log is the attack's own.
    pub fn endures(&self, what: &str, mut attack: impl FnMut()) {
        attack();
        let (memory, log) = (self.memory_kib(), self.log_bytes());
        attack();
        let after = self.memory_kib();
        let grown = after.saturating_sub(memory);
        println!("{what}: {memory} KiB before, {after} KiB after");
        assert!(grown < GROWTH_MAX_KIB, "{what}: grown by {grown} KiB");
        let logged = self.log_bytes() - log;
        assert!(logged < LOG_MAX_BYTES, "{what}: {logged} bytes of log");
        self.is_unharmed(what);
    }

    /// It runs, and nothing in it has panicked.
    pub fn is_unharmed(&self, what: &str) {
        let log = fs::read_to_string(self.log()).expect("a log");
        assert!(!log.contains("panicked"), "{what}:\n{log}");
        let alive = fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        let state = alive.expect("it runs");
        assert!(!state.contains(") Z "), "{what}: it has ended:\n{log}");
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn log_bytes(&self) -> u64 {
        fs::metadata(self.log()).expect("a log").len()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let log = fs::read_to_string(self.log()).unwrap_or_default();
            eprintln!("the server said:\n{log}");
        }
    }
}

/// The rest of its line `Listening on http://…`; the thread reads on to the pipe's end, so that the
/// program never waits for us.
fn listening(child: &mut Child) -> Option<String> {
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let (found, awaited) = mpsc::sync_channel(1);
    thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if let Some(url) = line.strip_prefix("Listening on http://") {
                let _no_longer_awaited = found.try_send(url.trim().to_owned());
            }
        }
    });
    awaited.recv_timeout(START_MAX).ok()
}
