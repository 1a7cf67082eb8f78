//! Programs that speak WHIP and WHEP: aiortc, GStreamer's webrtcbin, libwebrtc in Node.
//!
//! `tests/run` installs them: Python and Node packages of pinned versions into `target/whip`,
//! GStreamer from the system's packages. Without them these tests fail, and say so.

use std::{
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, sync_channel},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::{SESSION, endpoint, stage, support::server::Server, token};

/// A cold start of Python beside others on two busy cores.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long is published, and of that received, in seconds.
const PUBLISHED_S: u32 = 9;
const PLAYED_S: u32 = 4;

/// What is sent in a second: pictures, and sounds of 20 ms.
const PICTURES: u64 = 15;
const SOUNDS: u64 = 50;

/// A kind of client, and the SRTP profile that it agrees on with this server, in its own words.
#[derive(Debug, Clone, Copy)]
pub enum Program {
    Aiortc,
    Gstreamer,
    Wrtc,
}

impl Program {
    fn profile(self) -> &'static str {
        match self {
            Program::Aiortc => "SRTP_AEAD_AES_128_GCM",
            Program::Gstreamer => "aes-128-icm",
            Program::Wrtc => "AES_CM_128_HMAC_SHA1_80",
        }
    }

    fn command(self) -> Command {
        let installed = installed();
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/whip");
        let (program, script) = match self {
            Program::Aiortc => (installed.join("python/bin/python"), "aiortc_client.py"),
            Program::Gstreamer => (PathBuf::from("/usr/bin/python3"), "gstreamer_client.py"),
            Program::Wrtc => (PathBuf::from("node"), "wrtc_client.mjs"),
        };
        let mut command = Command::new(program);
        command
            .arg(tests.join(script))
            .env("NODE_PATH", installed.join("node_modules"));
        command
    }
}

/// Where `tests/run` puts Python's and Node's packages.
fn installed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/whip")
}

/// A running program; ended when dropped.
pub struct Run {
    what: String,
    child: Child,
    lines: Receiver<String>,
}

impl Run {
    /// Starts it on this member's behalf.
    pub fn start(
        program: Program,
        what: &str,
        server: &Server,
        member: &str,
        seconds: u32,
    ) -> Self {
        let word = if what == "publish" { "whip" } else { "whep" };
        let mut command = program.command();
        command
            .args([what, &endpoint(server, word), &token(server, member)])
            .arg(seconds.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0);
        // SAFETY: prctl is safe between fork and exec: it allocates nothing and takes no lock.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                Ok(())
            });
        }
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{program:?}: {error}; tests/run installs it"));
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let (line, lines) = sync_channel(16);
        // Ends with the pipe, that is with the program.
        thread::spawn(move || {
            for text in output.lines().map_while(Result::ok) {
                let _no_longer_awaited = line.try_send(text);
            }
        });
        Self {
            what: format!("{program:?} {what}"),
            child,
            lines,
        }
    }

    /// The next line that it prints, which is JSON.
    pub fn line(&self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE);
        let line = line.unwrap_or_else(|_| panic!("{} says nothing", self.what));
        println!("{}: {line}", self.what);
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{}: {error}", self.what))
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What one of them sends reaches another whole.
fn published_and_played(server: &Server, member: &str, [from, to]: [Program; 2]) {
    let publisher = Run::start(from, "publish", server, member, PUBLISHED_S);
    assert_eq!(publisher.line()["state"], "connected");
    let player = Run::start(to, "play", server, "indonesia-1", PLAYED_S);
    assert_eq!(player.line()["state"], "connected");
    let played = player.line();
    let published = publisher.line();
    for (program, figures) in [(from, &published), (to, &played)] {
        assert_eq!(figures["state"], "connected", "{program:?}");
        assert_eq!(figures["deleted"], 200, "{program:?}");
        assert_eq!(figures["profile"], program.profile(), "{program:?}");
        for codec in ["VP8", "opus"] {
            let codecs = figures["codecs"].as_array().expect("a list");
            assert!(
                codecs.iter().any(|it| it == codec),
                "{program:?}: {codecs:?}"
            );
        }
    }
    let seconds = u64::from(PLAYED_S);
    for (what, least) in [
        ("frames", PICTURES * seconds / 2),
        ("sounds", SOUNDS * seconds / 2),
    ] {
        let got = played[what].as_f64().unwrap_or_default();
        assert!(got >= least as f64, "{from:?} to {to:?}: {got} {what}");
    }
    assert_eq!(played["size"], "320x240");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_program_is_seen_and_heard_by_another() {
    let _stage = stage().await;
    let ring = [Program::Aiortc, Program::Wrtc, Program::Gstreamer];
    let mut servers = Vec::new();
    for _ in ring {
        servers.push(Server::start(Some(SESSION)).await);
    }
    // A chair is heard without the floor.
    thread::scope(|scope| {
        for (place, server) in servers.iter().enumerate() {
            let pair = [ring[place], ring[(place + 1) % ring.len()]];
            let chair = server.members("chair").remove(0);
            scope.spawn(move || published_and_played(server, &chair, pair));
        }
    });
}
