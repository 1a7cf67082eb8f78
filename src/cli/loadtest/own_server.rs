//! SHELL. A server for one load test: this very program in a process of its own, so that its
//! processor time is counted apart, with an event of its own, in a folder that goes
//! with it.

use std::{
    env,
    fs::{self, DirBuilder},
    io::{self, BufRead, BufReader},
    os::unix::{fs::DirBuilderExt, process::CommandExt},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use crate::{
    loadtest::{
        event_file,
        scenario::{Plan, SPEAKERS_MAX},
    },
    programme,
};

/// Room beyond the participants, each of whom is there twice while all go over to another session.
const SPARE: u16 = 100;

/// What the server says when its links work.
const READY: &str = "Listening on ";

/// What its settings come by from outside.
const ENVIRONMENT: &str = "ROUNDTABLE__";

/// A running server. It is ended when this is dropped.
pub(super) struct OwnServer {
    child: Child,
    // Behind the child: removed when nobody writes into it any more.
    _folder: Folder,
}

impl OwnServer {
    /// Starts it on that event, or else on one of one session, open, with as many seats as are needed;
    /// and gives the file with everybody's links.
    pub(super) fn start(plan: &Plan, event: Option<&str>) -> Result<(Self, PathBuf), String> {
        let program =
            env::current_exe().map_err(|why| format!("cannot find this program: {why}"))?;
        let folder = Folder::make()?;
        let links = folder.0.join("links.json");
        let participants = plan.scenario.participants;
        let plenary = event.is_none().then(|| event_file::write(participants));
        let text = event.or(plenary.as_deref()).unwrap_or_default();
        let event = folder.write("event.toml", text)?;
        let settings = folder.write("settings.toml", &settings(participants)?)?;
        let data = folder.0.join("data");
        let of_the_program = |arguments: &[&str]| {
            let mut command = Command::new(&program);
            // The same server on every machine, whatever its people have set.
            command.args(arguments).arg("--config").arg(&settings);
            command.arg("--data").arg(&data).stdin(Stdio::null());
            for (name, _) in env::vars_os() {
                if name.to_string_lossy().starts_with(ENVIRONMENT) {
                    command.env_remove(name);
                }
            }
            command
        };
        let imported = of_the_program(&["event", "import"])
            .arg(&event)
            .stdout(Stdio::null())
            .status()
            .map_err(|why| format!("cannot import an event: {why}"))?;
        if !imported.success() {
            return Err("the event was not imported, and why stands above".to_owned());
        }
        let mode = if plan.scenario.has_chair() {
            "request:1".to_owned()
        } else {
            format!("open:{SPEAKERS_MAX}")
        };
        let opening = format!("{}:{mode}", event_file::SESSION);
        let mut command = of_the_program(&["serve"]);
        // The chair opens an event's own sessions.
        if plenary.is_some() {
            command.args(["--open", &opening]);
        }
        command
            .args(["--listen", "127.0.0.1:0"])
            .args(["--media-addr", "127.0.0.1", "--media-port", "0"])
            .arg("--links-out")
            .arg(&links)
            .stdout(Stdio::piped());
        // SAFETY: prctl is safe between fork and exec: it allocates nothing and takes no lock.
        unsafe {
            command.pre_exec(|| {
                // Even when this process is killed, the server does not stay behind.
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                Ok(())
            });
        }
        let child = command
            .spawn()
            .map_err(|why| format!("cannot start a server: {why}"))?;
        let mut server = Self {
            child,
            _folder: folder,
        };
        server
            .wait_until_ready()
            .map_err(|why| format!("the server did not start: {why}"))?;
        Ok((server, links))
    }

    /// Its process.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Reads what it prints up to the line that says so. It either comes to that or ends: what a
    /// start waits for, it waits for with a limit.
    fn wait_until_ready(&mut self) -> io::Result<()> {
        let printed = self
            .child
            .stdout
            .as_mut()
            .ok_or(io::ErrorKind::BrokenPipe)?;
        for line in BufReader::new(printed).lines() {
            if line?.starts_with(READY) {
                return Ok(());
            }
        }
        Err(io::Error::other("it ended, and said why above"))
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        // Nothing of it is kept, so that it need not end well; both fail only when it has ended.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// A folder that nobody else reads, removed with all in it when dropped.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Self, String> {
        let path = env::temp_dir().join(format!("roundtable-loadtest-{}", std::process::id()));
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|why| format!("cannot make {}: {why}", path.display()))?;
        Ok(Self(path))
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf, String> {
        let file = self.0.join(name);
        let written = fs::write(&file, text);
        written.map_err(|why| format!("cannot write {}: {why}", file.display()))?;
        Ok(file)
    }
}

/// Settings that let so many in, all of them from one address, to an event of any size.
fn settings(participants: u16) -> Result<String, String> {
    let most = 2 * u32::from(participants) + u32::from(SPARE);
    let connections = 2 * most;
    let limits = toml::to_string(&programme::Settings::MOST).map_err(|why| why.to_string())?;
    Ok(format!(
        "[programme]\n{limits}\
         [http]\nconnections_max = {connections}\nconnections_per_address_max = {connections}\n\
         [signalling]\nconnections_max = {connections}\nconnections_per_address_max = {connections}\n\
         [media.shard]\npeers_max = {most}\n"
    ))
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(why) = fs::remove_dir_all(&self.0) {
            tracing::warn!("{} stays behind: {why}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn its_settings_are_settings_and_take_an_event_of_any_size() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("settings.toml");
        fs::write(&file, settings(40).expect("written")).expect("kept");
        let config = config::load(Some(&file), []).expect("settings");
        assert_eq!(config.programme, programme::Settings::MOST);
        assert_eq!(config.media.shard.peers_max, 180);
    }
}
