//! SHELL. The composition root: makes every part and joins them.
//!
//! | file | what it does |
//! |---|---|
//! | `folder` | where everything is kept |
//! | `event` | which event is served |
//! | `demo` | the demonstration event, moved to now |
//! | `opening` | a session live from the start |
//! | `reach` | where media is received |
//! | `greeting` | what is printed at the start |
//! | `control`, `desk` | how a command line reaches a running server, and what that does for it |
//! | `doctor` | a look at the machine before all this: what is wrong, and what to type |
//! | `change` | a change to what is kept, by the server or by a command line itself |

pub mod change;
pub mod control;
mod demo;
mod desk;
pub mod doctor;
pub mod event;
pub mod folder;
mod greeting;
pub mod opening;
mod reach;

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    net::IpAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use tokio::{
    runtime::Handle,
    signal::unix::{Signal, SignalKind, signal},
    sync::{oneshot, watch},
    time::timeout,
};

use self::{
    control::Control, desk::Desk, event::NoEvent, folder::Homeless, greeting::Greeting,
    opening::Opening,
};
use crate::{
    auth::{
        Tokens,
        key_file::{self, KeyFault},
        link,
    },
    check,
    clock::Clock,
    config::Config,
    http::{self, Behind, ListenFault},
    ids::{EventId, SessionId},
    media::worker::{self, Media},
    meeting::{Command, Meeting, SessionState, agenda::ProfileChange},
    programme::Programme,
    room::{Directory, Now, Room},
    signalling,
    store::{self, Journal, Reading, Store},
    time::Millis,
    webhooks,
};

/// How long the last words to the members may take where a second signal has come: about a round trip, so
/// that their pages know that the server stops and is no lost network.
const HURRIED_STOP: Duration = Duration::from_millis(500);

/// What a server is started with.
pub struct Start {
    /// Its settings, flags included.
    pub config: Config,
    /// Serve the demonstration event.
    pub demo: bool,
    /// Sessions live from the start.
    pub openings: Vec<Opening>,
    /// Where every seat's link is written to.
    pub links_out: Option<PathBuf>,
}

/// Why a server does not start, or does not stay: one line for whoever started it.
#[derive(Debug, thiserror::Error)]
pub enum ServeFault {
    /// No data folder.
    #[error(transparent)]
    Folder(#[from] Homeless),
    /// No store.
    #[error(transparent)]
    Store(#[from] store::Fault),
    /// No event.
    #[error(transparent)]
    Event(#[from] NoEvent),
    /// No key.
    #[error(transparent)]
    Key(#[from] KeyFault),
    /// No port.
    #[error(transparent)]
    Listen(#[from] ListenFault),
    /// Settings that contradict one another.
    #[error("{0}")]
    Settings(&'static str),
    /// No media.
    #[error(transparent)]
    Media(#[from] worker::Fault),
    /// A file cannot be written, or a signal not be waited for.
    #[error("{what}: {why}")]
    System {
        /// What was to be done.
        what: String,
        /// The system's words.
        why: io::Error,
    },
    /// A session cannot be opened.
    #[error("--open {session}: {why}")]
    Opening {
        /// The session.
        session: SessionId,
        /// Why not.
        why: String,
    },
    /// The one fault of a server that has started.
    #[error("the server failed while it ran; what it said before tells where")]
    Failed,
}

fn system<E: Into<io::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> ServeFault {
    let what = what.into();
    move |why| ServeFault::System {
        what,
        why: why.into(),
    }
}

/// Serves until the process is told to end. `tell` is given what there is to say at the start.
///
/// # Errors
///
/// When the server cannot start.
pub async fn run(start: Start, tell: impl FnOnce(&str)) -> Result<(), ServeFault> {
    let Start {
        config,
        demo,
        openings,
        links_out,
    } = start;
    // From the first moment on, so that an early signal is not missed.
    let mut signals = Signals::new().map_err(system("cannot wait for signals"))?;
    let clock = Clock::start();

    let contradiction = config.signalling.contradiction();
    if let Some(why) = contradiction.or_else(|| config.room.contradiction()) {
        return Err(ServeFault::Settings(why));
    }
    let folder = folder::data_folder(&config.server.data)?;
    let bound = http::bind(&config.http).await?;
    let mut store = Store::open(&folder)?;
    let kept = if demo {
        demo::ensure(&mut store, clock.now())?
    } else {
        event::choose(store.reading(), &config.server.event)?
    };
    let invites = key_file::load_or_make(&folder)?;
    let revocations = store.reading().revocations(&kept.programme.id)?;
    let uses = store.reading().uses(&kept.programme.id)?;
    let tokens = Arc::new(Tokens::new(&store.reading().tokens()?));
    let public_url = bound.public_url().to_string();
    let guests = kept.guests(&revocations);
    let links = invites.links(&guests, kept.validity(), &public_url);
    // They are given out below, or printed by `roundtable invite`: listed from now on.
    match store.keep_invites(&guests.grants(kept.validity()), clock.now()) {
        // They open all the same.
        Err(full @ store::Fault::TooManyInvites) => {
            tracing::warn!("the roster's links are not all listed: {full}");
        }
        other => other?,
    }

    let mut media = config.media.clone();
    media.addresses = reach::media_addresses(
        &media.addresses,
        config.http.listen.ip(),
        !config.http.public_url.is_empty(),
    );
    warn_of_unreachable_media(&config, &media.addresses);
    let media = Arc::new(Media::start(&media)?);
    let programme = Arc::new(kept.programme);
    let ended = store.reading().last_alive(&programme.id)?;
    let meetings = rebuild(&programme, &mut store, &config)?;
    // A machine whose clock was set back does not take the meetings back.
    let latest = meetings.iter().map(Meeting::latest).max();
    let clock = clock.not_before(latest.unwrap_or(clock.now()));
    let now: Now = Arc::new(move || clock.now());
    let directory = Directory::new(Arc::clone(&now));
    let store = Arc::new(Mutex::new(store));
    let invites = Arc::new(invites);
    let told = move || clock.now();
    let (journal, writer) = Journal::start(programme.id.clone(), Arc::clone(&store), told)
        .map_err(system("cannot start the thread that writes the journal"))?;
    for meeting in meetings {
        let session = meeting.plan().id.clone();
        let keeping = journal.session(session.clone(), meeting.rev(), &meeting.basis());
        let room = Room::recover(meeting, config.room.clone(), ended, clock.now());
        let (plane, notices) = media.open_session();
        let order = move |order| plane.order(order);
        directory.open(session, room, (order, notices), keeping);
    }
    // Last: the rooms' media have found the least loaded threads.
    let (plane, notices) = media.open_session();
    let checking = (move |order| plane.order(order), notices);
    let paths = check::start(
        config.check.clone(),
        checking,
        directory.peer_mint(),
        move || clock.now(),
    );
    for opening in &openings {
        open_session(&directory, &programme, opening).await?;
    }
    let context = Arc::new(signalling::Context::new(
        Arc::clone(&programme),
        Arc::new(directory),
        signalling::Links {
            invites: Arc::clone(&invites),
            revocations,
            uses,
            keep_use: keep_use(&store, &programme.id),
        },
        signalling::Checks {
            paths,
            keep_report: keep_report(&store, &programme.id),
        },
        now,
        config.signalling.clone(),
    ));
    let what = format!("cannot open the control socket in {}", folder.display());
    let control = Control::open(&folder).map_err(system(what))?;
    if let Some(path) = &links_out {
        let what = format!("cannot write the links to {}", path.display());
        write_private(path, &link::to_json(&links)).map_err(system(what))?;
    }

    // Last of what can fail: who cannot start has posted nothing.
    let (webhooks, delivering) = webhooks::start(webhooks::Parts {
        event: programme.id.clone(),
        store: Arc::clone(&store),
        reading: Reading::open(&folder)?,
        commits: journal.commits(),
        clock,
        settings: config.webhooks.clone(),
    })
    .map_err(io::Error::other)
    .map_err(system("webhooks cannot be delivered"))?;

    let listening = bound.listening_url().to_string();
    let addresses: Vec<String> = media
        .addresses()
        .map(|address| address.to_string())
        .collect();
    let greeting = Greeting {
        programme: &programme,
        folder: &folder,
        usual_folder: config.server.data.as_os_str().is_empty(),
        listening: &listening,
        public: &public_url,
        media: &addresses.join(", "),
        links: &if demo {
            greeting::cast(&links)
        } else {
            Vec::new()
        },
    };
    tell(&greeting.text());

    let api = http::Desk {
        store: Arc::clone(&store),
        folder: folder.clone(),
        key: invites,
        tokens: Arc::clone(&tokens),
        webhooks,
        public_url: public_url.clone(),
        requests_per_s: config.http.api_requests_per_s,
        limits: config.programme.clone(),
    };
    let desk = Desk {
        store,
        event: programme.id.clone(),
        public_url,
        context: Arc::clone(&context),
        tokens,
        limits: config.programme.clone(),
        clock,
        runtime: Handle::current(),
    };
    let control = tokio::spawn(control.serve(move |request| desk.answer(&request)));
    let patience = Duration::from_millis(config.server.stop_timeout_ms);
    let (stop, stopping) = watch::channel(false);
    let behind = Behind {
        signalling: Arc::clone(&context),
        journal,
        media,
        desk: api,
    };
    let mut serving = tokio::spawn(bound.serve(behind, stopping, patience));

    let drain = Millis(config.server.drain_ms);
    let closing = tokio::select! {
        hurried = async {
            signals.next().await;
            drained(&context, drain, &mut signals).await
        } => match hurried {
            Hurried::No => patience,
            Hurried::Yes => patience.min(HURRIED_STOP),
        },
        // It serves until it is told to stop: it can only have panicked.
        _ = &mut serving => return Err(ServeFault::Failed),
    };
    tracing::info!("stopping");
    stop.send_replace(true);
    let ended = async {
        let _cut_when_late = timeout(closing, context.stop()).await;
        let _cut_when_late = timeout(closing, serving).await;
    };
    tokio::select! {
        () = ended => {}
        () = signals.next() => tracing::warn!("stopped at once, by another signal"),
    }
    control.abort();
    let _ended = control.await;
    // What happens from here on is delivered after the next start.
    delivering.finish(closing).await;
    // What waits for the disk has been announced to nobody; where the disk takes it, it is kept.
    let (finished, waited) = oneshot::channel();
    thread::spawn(move || {
        writer.finish();
        let _nobody_waits = finished.send(());
    });
    if timeout(patience, waited).await.is_err() {
        tracing::warn!("the journal's last entries could not be written in time");
    }
    Ok(())
}

/// How a use of a limited link is stored.
fn keep_use(store: &Arc<Mutex<Store>>, event: &EventId) -> signalling::KeepUse {
    let (store, event) = (Arc::clone(store), event.clone());
    Arc::new(move |jti, device| {
        // Each change is one transaction: a panic elsewhere has left none half done.
        let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
        store.keep_use(&event, jti, device)
    })
}

/// How a check's report is stored.
fn keep_report(store: &Arc<Mutex<Store>>, event: &EventId) -> signalling::KeepReport {
    let (store, event) = (Arc::clone(store), event.clone());
    Arc::new(move |member, at, report| {
        // Each change is one transaction: a panic elsewhere has left none half done.
        let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
        store.keep_report(&event, member, at, report)
    })
}

/// Whether whoever stops the server has asked twice.
enum Hurried {
    No,
    Yes,
}

/// Lets the members in the rooms finish: until the last has left, the time is over, or another signal
/// comes. Without members there is nothing to wait for.
async fn drained(context: &signalling::Context, within: Millis, signals: &mut Signals) -> Hurried {
    let members = context.present();
    if members == 0 || within == Millis(0) {
        return Hurried::No;
    }
    tracing::info!(
        members,
        within_ms = within.0,
        "draining: nobody is let in any more, and the server ends when they have left; another \
         signal ends it at once"
    );
    context.drain(within);
    tokio::select! {
        () = context.emptied() => Hurried::No,
        () = tokio::time::sleep(Duration::from_millis(within.0)) => Hurried::No,
        () = signals.next() => Hurried::Yes,
    }
}

/// The meeting of each session as its journal has it: there is one from the start, and each is small
/// while nobody is in it. Where many entries had to be replayed, their outcome is kept for the next
/// start.
fn rebuild(
    programme: &Programme,
    store: &mut Store,
    config: &Config,
) -> Result<Vec<Meeting>, store::Fault> {
    let mut meetings = Vec::new();
    let over = programme.over();
    for (_, plan) in programme.sessions() {
        let seats = programme.seats.clone();
        let planned = Meeting::new(plan.clone(), seats, config.meeting.clone()).until(over);
        let basis = planned.basis();
        let reading = store.reading();
        let (kept, mut entries) = reading.journal_from(&programme.id, &plan.id, &basis)?;
        let mut meeting = match kept.map(|(_, body)| planned.restore(&body)) {
            Some(Ok(meeting)) => meeting,
            // One that this version cannot read is of no use: everything is in the journal.
            Some(Err(_)) => {
                entries = reading.journal(&programme.id, &plan.id)?;
                planned
            }
            None => planned,
        };
        for entry in &entries {
            meeting.apply(entry.at, &entry.event);
        }
        let replayed = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        if let (true, Ok(body)) = (replayed >= config.room.snapshot_events, meeting.keep()) {
            store.keep_snapshot(&programme.id, &plan.id, meeting.rev(), &basis, &body)?;
        }
        meetings.push(meeting);
    }
    Ok(meetings)
}

async fn open_session(
    directory: &Directory,
    programme: &Programme,
    opening: &Opening,
) -> Result<(), ServeFault> {
    let fault = |why: String| ServeFault::Opening {
        session: opening.session.clone(),
        why,
    };
    let found = programme
        .session(&opening.session)
        .zip(directory.room(&opening.session));
    let (_, room) = found.ok_or_else(|| {
        let known: Vec<&str> = programme
            .sessions()
            .map(|(_, plan)| plan.id.as_str())
            .collect();
        fault(format!(
            "there is no such session; there are {}",
            known.join(", ")
        ))
    })?;
    // A session that has begun goes on as its chairs left it.
    let standing = directory.states().borrow().get(&opening.session).cloned();
    match standing.map(|standing| standing.state) {
        Some(SessionState::Scheduled | SessionState::Prepared) | None => {}
        Some(SessionState::Live | SessionState::Paused | SessionState::Closed) => return Ok(()),
    }
    // After the opening, whose first item may have settings of its own.
    let change = ProfileChange {
        mode: opening.mode,
        microphones: opening.microphones,
        ..ProfileChange::default()
    };
    for command in [Command::OpenSession, Command::ConfigureSession { change }] {
        room.command(command)
            .await
            .map_err(|closed| fault(closed.to_string()))?
            .map_err(|refusal| fault(refusal.to_string()))?;
    }
    // Whoever connects from now on finds it open: it is stored, and so announced.
    let mut states = directory.states();
    let open = states.wait_for(|states| {
        let standing = states.get(&opening.session);
        standing.is_some_and(|standing| standing.state == SessionState::Live)
    });
    open.await.map_err(|gone| fault(gone.to_string()))?;
    Ok(())
}

/// Writes a file that only its owner reads, complete or not at all.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        let _first_fault_counts = fs::remove_file(&draft);
    }
    written
}

fn warn_of_unreachable_media(config: &Config, addresses: &[IpAddr]) {
    let elsewhere = !config.http.listen.ip().is_loopback() || !config.http.public_url.is_empty();
    let reached = if config.media.public_addresses.is_empty() {
        addresses
    } else {
        &config.media.public_addresses
    };
    if elsewhere && reached.iter().all(IpAddr::is_loopback) {
        tracing::warn!(
            "media is received on this machine only: members elsewhere will see and hear nobody; \
             set media.addresses or --media-addr to an address that they reach"
        );
    }
}

/// The orders to end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        meeting::{Actor, RefusalCode, roster::Role},
        programme::{MODEL_EVENT, parse},
        time::Timestamp,
    };

    #[test]
    fn a_rebuilt_meeting_knows_when_its_event_is_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        let programme = parse(MODEL_EVENT).unwrap_or_else(|problems| panic!("{problems:#?}"));
        store.import(&programme, Timestamp(0)).expect("kept");
        let config = Config::default();
        let mut meetings = rebuild(&programme, &mut store, &config).expect("meetings");
        let meeting = &mut meetings[0];

        let chair = programme.seats.iter().find(|it| it.role == Role::Chair);
        let chair = Actor::Member(chair.expect("a chair").member.clone());
        let start = programme.starts().expect("sessions");
        for (actor, command) in [
            (&Actor::Server, Command::OpenSession),
            (&chair, Command::Join { name: None }),
            (&chair, Command::CloseSession { force: true }),
        ] {
            let events = meeting.decide(start, actor, &command).expect("done");
            for event in &events {
                meeting.apply(start, event);
            }
        }
        let over = programme.over().expect("an end");
        let reopen = |at| meeting.decide(at, &chair, &Command::ReopenSession);
        assert!(reopen(Timestamp(over.0 - 1)).is_ok());
        let late = reopen(over).map_err(|refusal| refusal.code);
        assert_eq!(late, Err(RefusalCode::NotNow));
    }
}
