//! The server under test: the real binary with the demonstration event, on free ports and in a folder
//! of its own.

use std::{collections::HashMap, fs, process::Command, time::Duration};

use serde::Deserialize;
use tempfile::TempDir;

use super::process::Process;

const START_MAX: Duration = Duration::from_secs(30);

/// One seat's line of `--links-out`.
#[derive(Debug, Clone, Deserialize)]
pub struct Link {
    pub member: String,
    pub role: String,
    pub url: String,
}

/// A running server.
pub struct Server {
    links: HashMap<String, Link>,
    process: Process,
    folder: TempDir,
}

impl Server {
    /// Starts it; `open` as in `--open`.
    pub async fn start(open: Option<&str>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let links_file = folder.path().join("links.json");
        let mut command = Command::new(env!("CARGO_BIN_EXE_roundtable"));
        command
            .args(["serve", "--demo", "--listen", "127.0.0.1:0"])
            .args(["--media-addr", "127.0.0.1", "--media-port", "0"])
            .arg("--data")
            .arg(folder.path().join("data"))
            .arg("--links-out")
            .arg(&links_file);
        if let Some(open) = open {
            command.args(["--open", open]);
        }
        let (process, ready) = Process::start("roundtable", &mut command, "Listening on ");
        process.ready(ready, START_MAX).await;
        let text = fs::read_to_string(&links_file)
            .unwrap_or_else(|error| panic!("no links: {error}\n{}", process.said()));
        let links: Vec<Link> = serde_json::from_str(&text).expect("links");
        Self {
            links: links
                .into_iter()
                .map(|link| (link.member.clone(), link))
                .collect(),
            process,
            folder,
        }
    }

    /// Runs another command of the program on this server's data, and gives what it printed.
    pub fn command(&self, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_roundtable"))
            .args(arguments)
            .arg("--data")
            .arg(self.folder.path().join("data"))
            .output()
            .expect("our own binary");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        said
    }

    /// A member's link.
    pub fn link(&self, member: &str) -> &Link {
        self.links
            .get(member)
            .unwrap_or_else(|| panic!("no link for {member}"))
    }

    /// The members of a role, in the order of their names.
    pub fn members(&self, role: &str) -> Vec<String> {
        let mut members: Vec<String> = self
            .links
            .values()
            .filter(|link| link.role == role)
            .map(|link| link.member.clone())
            .collect();
        members.sort();
        members
    }

    /// Ends it as an operator would and gives its exit code.
    pub fn stop(mut self) -> Option<i32> {
        self.process.stop()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the server said:\n{}", self.process.said());
        }
    }
}
