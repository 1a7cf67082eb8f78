//! A server in a process of its own, with an event of as many seats as are wanted.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// The program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_roundtable");

/// The running server. It ends when this is dropped.
pub struct House {
    server: Child,
    /// The file with everybody's links.
    pub links: PathBuf,
    _folder: tempfile::TempDir,
}

impl House {
    /// With seats for so many delegates and a chair, and a session that is on in this mode (as
    /// `serve --open` takes it: `request:1`). On that core alone, or wherever the system likes.
    pub fn open(delegates: usize, mode: &str, core: Option<usize>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (event, links) = (
            folder.path().join("event.toml"),
            folder.path().join("links"),
        );
        std::fs::write(&event, event_file(delegates)).expect("written");
        let data = folder.path().join("data");
        let command = |arguments: &[&str]| {
            let mut command = Command::new(PROGRAM);
            command
                .args(arguments)
                .args(["--config", "/dev/null", "--data"]);
            command.arg::<&Path>(&data).stdin(Stdio::null());
            command
        };
        let imported = command(&["event", "import"]).arg(&event).output();
        assert!(imported.expect("the program").status.success());
        let mut serve = command(&["serve", "--open", &format!("session-1:{mode}")]);
        serve
            .args(["--listen", "127.0.0.1:0", "--media-addr", "127.0.0.1"])
            .args(["--media-port", "0", "--links-out"])
            .arg(&links)
            .stdout(Stdio::piped());
        if let Some(core) = core {
            stay_on(&mut serve, core);
        }
        let mut server = serve.spawn().expect("the program");
        let printed = server.stdout.take().expect("piped");
        let mut lines = BufReader::new(printed).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.starts_with("Listening on ")));
        // What it prints later is nobody's.
        std::thread::spawn(move || lines.count());
        Self {
            server,
            links,
            _folder: folder,
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ended = self.server.kill();
        let _reaped = self.server.wait();
    }
}

/// Has a command run on one core, where there is such a core.
pub fn stay_on(command: &mut Command, core: usize) {
    // SAFETY: the call is safe between fork and exec: it allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(move || {
            let mut cores: libc::cpu_set_t = std::mem::zeroed();
            libc::CPU_SET(core, &mut cores);
            libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const cores);
            Ok(())
        });
    }
}

fn event_file(delegates: usize) -> String {
    let mut text = "event = \"crowd\"\ntitle = \"Crowd\"\ntime_zone = \"Asia/Jakarta\"\n\
        [[days]]\ndate = 2099-12-31\n[[days.sessions]]\nid = \"session-1\"\ntitle = \"Crowd\"\n\
        start = \"08:00\"\nminutes = 600\nprofile = { mode = \"request\", microphones = 1 }\n\
        [delegations.house]\nname = \"House\"\nseats = [{ role = \"chair\", name = \"Chair\" }]\n"
        .to_owned();
    for block in 0..delegates.div_ceil(50) {
        let _ = write!(
            text,
            "[delegations.block-{block}]\nname = \"Block {block}\"\n\
             seats = [{{ role = \"delegate\", count = 50 }}]\n"
        );
    }
    text
}
