//! The server under test: the real binary with the demonstration event, on free ports and in a folder
//! of its own.

use std::{
    collections::HashMap,
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    ops::Range,
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

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
    recipe: Recipe,
}

/// How it is started, the first time and again.
struct Recipe {
    folder: TempDir,
    open: Option<String>,
    /// Settings as in the environment: `ROUNDTABLE__SECTION__KEY` and its value.
    settings: Vec<(String, String)>,
    listen: SocketAddr,
    media: SocketAddr,
    /// Where media is received too, at the same port.
    others: Vec<IpAddr>,
}

impl Server {
    /// Starts it; `open` as in `--open`.
    pub async fn start(open: Option<&str>) -> Self {
        Self::start_with(open, &[]).await
    }

    /// Starts it with other settings than the default: `("room.grace_ms", "5000")`.
    pub async fn start_with(open: Option<&str>, settings: &[(&str, &str)]) -> Self {
        Self::start_at(&[Ipv4Addr::LOCALHOST.into()], open, settings).await
    }

    /// The same at these addresses of the machine; the page is at the first.
    pub async fn start_at(
        addresses: &[IpAddr],
        open: Option<&str>,
        settings: &[(&str, &str)],
    ) -> Self {
        let variable = |key: &str| format!("ROUNDTABLE__{}", key.replace('.', "__").to_uppercase());
        let recipe = Recipe {
            folder: tempfile::tempdir().expect("a temporary folder"),
            open: open.map(str::to_owned),
            settings: settings
                .iter()
                .map(|(key, value)| (variable(key), (*value).to_owned()))
                .collect(),
            listen: free_tcp(addresses[0]),
            media: free_for_both(addresses[0]),
            others: addresses[1..].to_vec(),
        };
        let process = recipe.start().await;
        let text = fs::read_to_string(recipe.links_file())
            .unwrap_or_else(|error| panic!("no links: {error}\n{}", process.said()));
        let links: Vec<Link> = serde_json::from_str(&text).expect("links");
        Self {
            links: links
                .into_iter()
                .map(|link| (link.member.clone(), link))
                .collect(),
            process,
            recipe,
        }
    }

    /// Where it listens: HTTP, and media.
    pub fn addresses(&self) -> [SocketAddr; 2] {
        [self.recipe.listen, self.recipe.media]
    }

    /// Kills it (SIGKILL) without a word.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Ends it as an operator would.
    pub fn end(&mut self) {
        self.process.stop();
    }

    /// Starts it again after its end, with the same data, addresses and arguments.
    pub async fn start_again(&mut self) {
        self.process = self.recipe.start().await;
    }

    /// Runs another command of the program on this server's data, and gives what it printed.
    pub fn command(&self, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_roundtable"))
            .args(arguments)
            .arg("--data")
            .arg(self.recipe.data())
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

impl Recipe {
    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn links_file(&self) -> PathBuf {
        self.folder.path().join("links.json")
    }

    async fn start(&self) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_roundtable"));
        command
            .args(["serve", "--demo", "--listen", &self.listen.to_string()])
            .args(["--media-addr", &self.media.ip().to_string()])
            .args(["--media-port", &self.media.port().to_string()])
            .arg("--data")
            .arg(self.data())
            .arg("--links-out")
            .arg(self.links_file());
        for other in &self.others {
            command.args(["--media-addr", &other.to_string()]);
        }
        if let Some(open) = &self.open {
            command.args(["--open", open]);
        }
        // A server that is ended here is not to wait for the browsers.
        command.env("ROUNDTABLE__SERVER__DRAIN_MS", "0");
        command.envs(self.settings.iter().cloned());
        let (process, ready) = Process::start("roundtable", &mut command, "Listening on ");
        process.ready(ready, START_MAX).await;
        process
    }
}

/// Where servers listen: below the ports that a system gives by itself to whatever connects (Linux from
/// 32768, IANA from 49152), so that nobody takes one before its server is there, or while that starts again.
const PORTS: Range<u16> = 10_000..32_000;

/// Ports that this process has not tried yet; other processes begin elsewhere.
fn ports() -> impl Iterator<Item = u16> {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    std::iter::repeat_with(|| {
        let place = std::process::id().wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed));
        let offset = u16::try_from(place % u32::from(PORTS.end - PORTS.start));
        PORTS.start + offset.expect("less than the ports' number")
    })
}

/// An address that is free now, and that a restarted server finds again.
fn free_tcp(ip: IpAddr) -> SocketAddr {
    ports()
        .map(|port| SocketAddr::new(ip, port))
        .find(|address| TcpListener::bind(address).is_ok())
        .expect("endless ports")
}

/// The same for media, which is received over UDP and TCP.
fn free_for_both(ip: IpAddr) -> SocketAddr {
    ports()
        .map(|port| SocketAddr::new(ip, port))
        .find(|address| UdpSocket::bind(address).is_ok() && TcpListener::bind(address).is_ok())
        .expect("endless ports")
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the server said:\n{}", self.process.said());
        }
    }
}
