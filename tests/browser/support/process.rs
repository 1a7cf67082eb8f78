//! A started program that does not outlive its test: it has its own process group, which is ended by
//! the id that we were given, and it dies with us even when we are killed.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use tokio::sync::oneshot;

/// How many of the last output lines are kept to explain a failure; older ones are dropped.
const LINES_KEPT: usize = 200;

/// A running program and the end of what it said.
pub struct Process {
    name: String,
    child: Child,
    said: Arc<Mutex<VecDeque<String>>>,
}

/// The rest of a line of the program's, behind a text that it was awaited to print.
pub type Awaited = oneshot::Receiver<String>;

impl Process {
    /// Starts it. `awaited` yields the rest of the first line that contains `signal`.
    pub fn start(name: &str, command: &mut Command, signal: &'static str) -> (Self, Awaited) {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
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
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let said = Arc::new(Mutex::new(VecDeque::new()));
        let (found, awaited) = oneshot::channel();
        let found = Arc::new(Mutex::new(Some(found)));
        let outputs: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|pipe| Box::new(pipe) as _),
            child.stderr.take().map(|pipe| Box::new(pipe) as _),
        ];
        for output in outputs.into_iter().flatten() {
            let (said, found) = (Arc::clone(&said), Arc::clone(&found));
            // Ends with the pipe, that is with the program.
            thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    if let Some((_, rest)) = line.split_once(signal)
                        && let Some(found) = found.lock().expect("no panic").take()
                    {
                        // Nobody waits any more when the start was given up.
                        let _ = found.send(rest.trim().to_owned());
                    }
                    let mut said = said.lock().expect("no panic");
                    if said.len() == LINES_KEPT {
                        said.pop_front();
                    }
                    said.push_back(line);
                }
            });
        }
        let process = Self {
            name: name.to_owned(),
            child,
            said,
        };
        (process, awaited)
    }

    /// The awaited line's rest, or a panic that says what was printed instead.
    pub async fn ready(&self, awaited: Awaited, within: Duration) -> String {
        match tokio::time::timeout(within, awaited).await {
            Ok(Ok(rest)) => rest,
            Ok(Err(_)) => panic!("{} ended at its start:\n{}", self.name, self.said()),
            Err(_) => panic!(
                "{} was not ready within {within:?}:\n{}",
                self.name,
                self.said()
            ),
        }
    }

    /// The last lines that it printed.
    pub fn said(&self) -> String {
        let said = self.said.lock().expect("no panic");
        said.iter().map(|line| format!("    {line}\n")).collect()
    }

    /// Asks it to end (SIGTERM) and gives its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        self.signal(libc::SIGTERM);
        self.child.wait().expect("our own child").code()
    }

    /// Ends it without asking (SIGKILL).
    pub fn kill(&mut self) {
        self.signal(libc::SIGKILL);
        self.child.wait().expect("our own child");
    }

    fn signal(&self, signal: i32) -> bool {
        let group = i32::try_from(self.child.id()).expect("a process id");
        // SAFETY: kill has no memory to break; the group is the one that we made for this child.
        unsafe { libc::kill(-group, signal) == 0 }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(libc::SIGKILL);
        let _ = self.child.wait();
        // Its children write into its folder until they are gone too.
        for _ in 0..100 {
            if !self.signal(0) {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}
