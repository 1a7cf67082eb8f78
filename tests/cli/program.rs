//! Runs the binary in a home and a data folder of its own, on free ports.

use std::{
    io::{BufRead, BufReader, Read},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// A server that says nothing for so long has not started.
const START_MAX: Duration = Duration::from_secs(30);

#[expect(clippy::disallowed_methods, reason = "tests measure real time")]
pub fn now() -> Instant {
    Instant::now()
}

/// A folder with a home, where the program finds nothing of the tester's.
pub struct Place {
    folder: TempDir,
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    /// The one line of a command that was not done.
    pub fn one_line(&self) -> &str {
        assert_eq!(self.err.lines().count(), 1, "one line on stderr: {self:?}");
        self.err.trim_end()
    }
}

impl Place {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The data folder that commands are given.
    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).expect("written");
        text_of(&path)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_roundtable"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.folder.path());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Said {
        finish(self.command(arguments))
    }

    /// The same with `--data`.
    pub fn run_on_data(&self, arguments: &[&str]) -> Said {
        let data = text_of(&self.data());
        self.run(&[arguments, &["--data", &data]].concat())
    }

    /// Starts a server on free ports and this data folder.
    pub fn serve(&self, arguments: &[&str]) -> Served {
        let data = text_of(&self.data());
        let mut command = self.command(&[&["serve", "--data", &data], arguments].concat());
        free_ports(&mut command);
        Served::start(command)
    }
}

/// What a flag may still say otherwise.
pub fn free_ports(command: &mut Command) {
    command
        .env("ROUNDTABLE__HTTP__LISTEN", "127.0.0.1:0")
        .env("ROUNDTABLE__MEDIA__PORT", "0");
}

pub fn text_of(path: &Path) -> String {
    path.to_str().expect("a plain path").to_owned()
}

pub fn finish(mut command: Command) -> Said {
    let output = command.stdin(Stdio::null()).output().expect("it starts");
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

/// A running server; killed when dropped.
pub struct Served {
    child: Child,
    /// What it printed before it was ready, and all else at its start.
    pub greeting: String,
    /// From its line `Listening on …`.
    pub url: String,
}

impl Served {
    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("it starts");
        let lines = read(child.stdout.take().expect("a pipe"));
        let mut greeting = String::new();
        let mut url = None;
        while let Ok(line) = lines.recv_timeout(START_MAX) {
            greeting.push_str(&line);
            greeting.push('\n');
            if let Some(address) = line.strip_prefix("Listening on ") {
                url = Some(address.to_owned());
            }
            if line.starts_with("Stop with") {
                break;
            }
        }
        let Some(url) = url else {
            let ended = child.kill().and_then(|()| child.wait());
            panic!("it did not start ({ended:?}):\n{greeting}");
        };
        Self {
            child,
            greeting,
            url,
        }
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        self.url.split_once("://").expect("a URL").1
    }

    /// Sends a signal and waits for the end: its exit code, or the signal that killed it.
    pub fn end(self, signal: i32) -> Result<i32, Option<i32>> {
        self.signal(signal);
        self.ended()
    }

    /// Waits for the end: its exit code, or the signal that killed it.
    pub fn ended(mut self) -> Result<i32, Option<i32>> {
        let status = self.child.wait().expect("our own child");
        status.code().ok_or(status.signal())
    }

    /// Sends a signal.
    pub fn signal(&self, signal: i32) {
        let process = i32::try_from(self.child.id()).expect("a process id");
        // SAFETY: kill has no memory to break; the process is our own child, not yet waited for.
        assert_eq!(
            unsafe { libc::kill(process, signal) },
            0,
            "a running process"
        );
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Already ended in most tests.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Its lines; the thread reads to the pipe's end, so that the program never waits for us.
fn read(pipe: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = mpsc::sync_channel(1024);
    thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
            let _no_longer_heard = sender.try_send(line.trim_end().to_owned());
            line.clear();
        }
        let _rest = reader.read_to_end(&mut Vec::new());
    });
    receiver
}
