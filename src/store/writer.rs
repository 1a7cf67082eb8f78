//! SHELL. The thread that writes the journal.
//!
//! Rooms leave what happened in a mailbox and go on; the thread takes all that lies there and commits
//! it at once, so that a busy moment costs one wait for the disk and not one a command. What it must
//! never know is what an entry means.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::sync::watch;

use super::{Batch, Fault, Store};
use crate::{
    ids::{EventId, SessionId},
    meeting::event::{Recorded, Rev},
    time::Timestamp,
};

/// So often is it noted that the server runs, while there is nothing else to write: a start after a
/// crash knows until when it did, that much more or less.
const ALIVE: Duration = Duration::from_secs(5);

/// How long the thread waits after a commit that failed, such as on a full disk, before it tries
/// again. Nothing that is not stored is announced, so the meetings stand still meanwhile.
const RETRY: Duration = Duration::from_millis(500);

/// What a session's room leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToKeep {
    /// Entries that follow one another.
    Entries(Vec<Recorded>),
    /// Its whole state after an entry, so that the next start need not read those before.
    Snapshot {
        /// After which entry, which has been stored.
        rev: Rev,
        /// The state as text.
        body: String,
    },
}

/// What waits to be written.
#[derive(Default)]
struct Mailbox {
    /// By session. Bounded by the rooms, each of which takes no more requests while so much of its
    /// own is unstored.
    entries: BTreeMap<SessionId, Vec<Recorded>>,
    /// The latest of each session, and what it was made of beside the entries.
    snapshots: BTreeMap<SessionId, Snapshot>,
    /// Tells a session's room what has been stored.
    stored: BTreeMap<SessionId, watch::Sender<Rev>>,
    /// No more will come.
    closed: bool,
}

struct Snapshot {
    rev: Rev,
    basis: Arc<str>,
    body: String,
}

impl Mailbox {
    fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.snapshots.is_empty()
    }
}

#[derive(Default)]
struct Shared {
    mailbox: Mutex<Mailbox>,
    filled: Condvar,
    /// The last attempt to write has failed, or nobody writes any more.
    failing: AtomicBool,
    /// Counts what has been committed, for those who follow the journal.
    commits: watch::Sender<u64>,
}

impl Shared {
    /// A panic elsewhere leaves the mailbox as whole as it was: each change is one step.
    fn lock(&self) -> MutexGuard<'_, Mailbox> {
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the rooms leave what happened. Cheap to copy.
#[derive(Clone)]
pub struct Journal {
    shared: Arc<Shared>,
}

/// The running thread.
pub struct Writer {
    shared: Arc<Shared>,
    thread: thread::JoinHandle<()>,
}

impl Journal {
    /// Starts the thread that writes one event's journal into the store.
    pub fn start(
        event: EventId,
        store: Arc<Mutex<Store>>,
        now: impl Fn() -> Timestamp + Send + 'static,
    ) -> io::Result<(Self, Writer)> {
        Self::start_noting(event, store, now, ALIVE)
    }

    fn start_noting(
        event: EventId,
        store: Arc<Mutex<Store>>,
        now: impl Fn() -> Timestamp + Send + 'static,
        every: Duration,
    ) -> io::Result<(Self, Writer)> {
        let shared = Arc::new(Shared::default());
        let its = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || write(&event, &store, &its, now, every))?;
        let journal = Self {
            shared: Arc::clone(&shared),
        };
        Ok((journal, Writer { shared, thread }))
    }

    /// Whether what happens cannot be kept at present, so that the meetings stand still.
    pub fn is_failing(&self) -> bool {
        self.shared.failing.load(Ordering::Relaxed)
    }

    /// Changes with each commit.
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.shared.commits.subscribe()
    }

    /// What a session's room leaves its entries with, and hears of the last that is stored by. `rev`:
    /// what has been stored so far; `basis`: what its snapshots are made of beside the entries.
    pub fn session(
        &self,
        session: SessionId,
        rev: Rev,
        basis: &str,
    ) -> (impl FnMut(ToKeep) + Send + 'static, watch::Receiver<Rev>) {
        let (stored, heard) = watch::channel(rev);
        let shared = Arc::clone(&self.shared);
        shared.lock().stored.insert(session.clone(), stored);
        let basis: Arc<str> = basis.into();
        let append = move |left: ToKeep| {
            let mut mailbox = shared.lock();
            match left {
                ToKeep::Entries(entries) => {
                    let waiting = mailbox.entries.entry(session.clone()).or_default();
                    waiting.extend(entries);
                }
                ToKeep::Snapshot { rev, body } => {
                    let basis = Arc::clone(&basis);
                    let snapshot = Snapshot { rev, basis, body };
                    mailbox.snapshots.insert(session.clone(), snapshot);
                }
            }
            drop(mailbox);
            shared.filled.notify_one();
        };
        (append, heard)
    }
}

impl Writer {
    /// Waits until everything that was left has been stored. What comes later is not taken.
    ///
    /// Blocks for the disk's time; where the disk refuses, for as long as it does.
    pub fn finish(self) {
        self.shared.lock().closed = true;
        self.shared.filled.notify_one();
        if self.thread.join().is_err() {
            tracing::error!("the thread that writes the journal has panicked");
        }
    }
}

/// Says that nobody writes any more, also when the thread has panicked.
struct Ending<'a>(&'a Shared);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.failing.store(true, Ordering::Relaxed);
    }
}

fn write(
    event: &EventId,
    store: &Mutex<Store>,
    shared: &Shared,
    now: impl Fn() -> Timestamp,
    every: Duration,
) {
    let _ending = Ending(shared);
    loop {
        let waits = |mailbox: &mut Mailbox| mailbox.is_empty() && !mailbox.closed;
        let (mut mailbox, _) = shared
            .filled
            .wait_timeout_while(shared.lock(), every, waits)
            .unwrap_or_else(PoisonError::into_inner);
        let over = mailbox.is_empty() && mailbox.closed;
        let entries = std::mem::take(&mut mailbox.entries);
        let snapshots = std::mem::take(&mut mailbox.snapshots);
        drop(mailbox);

        let batches: Vec<Batch> = entries
            .into_iter()
            .map(|(session, entries)| Batch { session, entries })
            .collect();
        if batches.is_empty() {
            note_alive(store, event, now());
        } else {
            insist(&shared.failing, || {
                let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
                store.append(event, &batches)
            });
        }
        let mailbox = shared.lock();
        for batch in &batches {
            let last = batch.entries.last().map(|entry| entry.rev);
            if let (Some(stored), Some(rev)) = (mailbox.stored.get(&batch.session), last) {
                stored.send_replace(rev);
            }
        }
        drop(mailbox);
        if !batches.is_empty() {
            shared
                .commits
                .send_modify(|commits| *commits = commits.wrapping_add(1));
        }
        keep(store, event, snapshots);
        if over {
            return;
        }
    }
}

/// One that cannot be noted is given up: the next comes soon.
fn note_alive(store: &Mutex<Store>, event: &EventId, now: Timestamp) {
    let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
    if let Err(why) = store.note_alive(event, now) {
        tracing::warn!("that the server runs could not be noted: {why}");
    }
}

/// A snapshot only makes the next start shorter: one that cannot be kept is given up.
fn keep(store: &Mutex<Store>, event: &EventId, snapshots: BTreeMap<SessionId, Snapshot>) {
    for (session, Snapshot { rev, basis, body }) in snapshots {
        let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(why) = store.keep_snapshot(event, &session, rev, &basis, &body) {
            tracing::warn!(%session, "a snapshot could not be kept: {why}");
        }
    }
}

/// Until it is done: what was decided must not be lost, and nobody has been told of it yet.
#[expect(
    clippy::disallowed_methods,
    reason = "this thread is there to wait for the disk"
)]
fn insist(failing: &AtomicBool, mut attempt: impl FnMut() -> Result<(), Fault>) {
    while let Err(why) = attempt() {
        failing.store(true, Ordering::Relaxed);
        tracing::error!("the journal cannot be written, the meetings stand still: {why}");
        thread::sleep(RETRY);
    }
    failing.store(false, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        meeting::{
            Event,
            event::{EVENT_VERSION, Recorded},
        },
        programme::{MODEL_EVENT, parse},
    };

    fn entry(rev: u64) -> Recorded {
        Recorded {
            v: EVENT_VERSION,
            rev: Rev(rev),
            at: Timestamp(0),
            event: Event::SessionOpened { by: None },
        }
    }

    fn store() -> (tempfile::TempDir, Arc<Mutex<Store>>, EventId) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        let programme = parse(MODEL_EVENT).unwrap_or_else(|problems| panic!("{problems:#?}"));
        store.import(&programme, Timestamp(0)).expect("imported");
        (folder, Arc::new(Mutex::new(store)), programme.id)
    }

    #[tokio::test]
    async fn a_room_hears_of_what_is_stored_and_nothing_before() {
        let (_folder, store, event) = store();
        let session: SessionId = "session-1".parse().expect("a slug");
        let now = || Timestamp(0);
        let started = Journal::start(event.clone(), Arc::clone(&store), now);
        let (journal, writer) = started.expect("started");
        let (mut append, mut stored) = journal.session(session.clone(), Rev(0), "the plan");
        // The disk is busy: the room goes on, and hears nothing.
        let busy = store.lock().expect("no panic");
        append(ToKeep::Entries(vec![entry(1), entry(2)]));
        append(ToKeep::Entries(vec![entry(3)]));
        assert_eq!(*stored.borrow(), Rev(0));
        drop(busy);
        let heard = stored.wait_for(|rev| *rev == Rev(3)).await;
        assert_eq!(*heard.expect("the thread runs"), Rev(3));
        append(ToKeep::Entries(vec![entry(4)]));
        append(ToKeep::Snapshot {
            rev: Rev(3),
            body: "the state".to_owned(),
        });
        assert!(!journal.is_failing());
        tokio::task::spawn_blocking(|| writer.finish())
            .await
            .expect("no panic");
        assert!(journal.is_failing(), "nobody writes any more");
        let store = store.lock().expect("no panic");
        let kept = store.reading().journal(&event, &session).expect("read");
        assert_eq!(kept, [1, 2, 3, 4].map(entry));
        let from = store.reading().journal_from(&event, &session, "the plan");
        let (snapshot, after) = from.expect("read");
        assert_eq!(snapshot, Some((Rev(3), "the state".to_owned())));
        assert_eq!(after, [entry(4)]);
    }

    fn alive(store: &Mutex<Store>, event: &EventId) -> Timestamp {
        let store = store.lock().expect("no panic");
        store.reading().last_alive(event).expect("read")
    }

    #[test]
    fn it_is_noted_that_the_server_runs_while_nothing_happens() {
        let (_folder, store, event) = store();
        let (tell, told) = std::sync::mpsc::sync_channel(2);
        let now = move || {
            let _heard_often_enough = tell.try_send(());
            Timestamp(7)
        };
        let every = Duration::from_millis(5);
        let started = Journal::start_noting(event.clone(), Arc::clone(&store), now, every);
        let (_journal, writer) = started.expect("started");
        // The time is asked for again when the first has been noted.
        for _ in 0..2 {
            let asked = told.recv_timeout(Duration::from_secs(30));
            asked.expect("the thread notes it");
        }
        assert_eq!(alive(&store, &event), Timestamp(7));
        writer.finish();
    }

    #[test]
    fn it_is_noted_when_the_server_ends() {
        let (_folder, store, event) = store();
        let now = || Timestamp(9);
        let every = Duration::from_secs(3600);
        let started = Journal::start_noting(event.clone(), Arc::clone(&store), now, every);
        let (_journal, writer) = started.expect("started");
        writer.finish();
        assert_eq!(alive(&store, &event), Timestamp(9));
    }

    #[test]
    fn a_write_that_fails_is_tried_again() {
        let failing = AtomicBool::new(false);
        let mut seen = Vec::new();
        insist(&failing, || {
            seen.push(failing.load(Ordering::Relaxed));
            if seen.len() < 2 {
                return Err(Fault::Damaged("a test's".to_owned()));
            }
            Ok(())
        });
        assert_eq!(seen, [false, true], "told while it lasts");
        assert!(!failing.load(Ordering::Relaxed), "and no longer");
    }
}
