//! SHELL. Follows the journal, has deliveries made, and keeps how far each subscription is.
//!
//! How far is kept a moment later, and at the end: after a crash a receiver may be told again what it was told
//! in the last second, under the same ids.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    sync::{Notify, watch},
    task::{JoinHandle, spawn_blocking},
    time::{Sleep, sleep, timeout},
};
use tokio_rustls::rustls;

use super::{
    Desk, Settings,
    message::Told,
    post::{Letter, Poster},
    queue::{CHANCES, Order, Outcome, Queue},
    signing::Secret,
    target::Target,
};
use crate::{
    clock::Clock,
    ids::{EventId, SessionId},
    meeting::event::{Recorded, Rev},
    store::{Fault, HookState, Reading, Store},
    time::Millis,
};

/// Entries read at once, and so kept in memory of each session for each subscription.
const READ_AT_ONCE: u32 = 32;

/// How far a subscription is is kept within this time: one commit for many deliveries.
const KEEP_WITHIN: Duration = Duration::from_secs(1);

/// Where nothing waits for a time.
const LONG: Millis = Millis::from_secs(60 * 60);

/// What the task works with.
pub struct Parts {
    /// The event that is served.
    pub event: EventId,
    /// Where subscriptions are kept. Its lock is held for a transaction at a time.
    pub store: Arc<Mutex<Store>>,
    /// The same store for reading, so that the journal's writer is not held up.
    pub reading: Reading,
    /// Changes when the journal has more.
    pub commits: watch::Receiver<u64>,
    /// The time.
    pub clock: Clock,
    /// How deliveries are made.
    pub settings: Settings,
}

/// The running task.
pub struct Delivering {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Delivering {
    /// Begins no further delivery, waits for those on their way as long as this, and keeps how far each
    /// subscription is.
    pub async fn finish(self, patience: Duration) {
        self.stop.send_replace(true);
        if timeout(patience, self.task).await.is_err() {
            tracing::warn!("some deliveries of webhooks had not ended and will be made again");
        }
    }
}

/// Starts the task, and gives what organisers ask.
///
/// # Errors
/// Where TLS cannot be had.
pub fn start(parts: Parts) -> Result<(Desk, Delivering), rustls::Error> {
    let changed = Arc::new(Notify::new());
    let (stop, stopping) = watch::channel(false);
    let desk = Desk {
        store: Arc::clone(&parts.store),
        changed: Arc::clone(&changed),
        settings: parts.settings.clone(),
    };
    let poster = Poster::new(&parts.settings)?;
    let task = Task {
        queue: Queue::new(parts.settings.clone()),
        reading: Arc::new(Mutex::new(parts.reading)),
        event: parts.event,
        store: parts.store,
        clock: parts.clock,
        settings: parts.settings,
        poster,
        unread: false,
        under_way: FuturesUnordered::new(),
    };
    let task = tokio::spawn(task.run(parts.commits, changed, stopping));
    Ok((desk, Delivering { stop, task }))
}

type Delivered = (String, SessionId, Outcome);

struct Task {
    event: EventId,
    store: Arc<Mutex<Store>>,
    reading: Arc<Mutex<Reading>>,
    clock: Clock,
    settings: Settings,
    poster: Poster,
    queue: Queue,
    /// The subscriptions, or how far the journal is, could not be read.
    unread: bool,
    /// One of a subscription at most.
    under_way: FuturesUnordered<BoxFuture<'static, Delivered>>,
}

impl Task {
    async fn run(
        mut self,
        mut commits: watch::Receiver<u64>,
        changed: Arc<Notify>,
        mut stopping: watch::Receiver<bool>,
    ) {
        self.load().await;
        self.follow().await;
        let mut keeping: Option<Pin<Box<Sleep>>> = None;
        let mut again: Option<Pin<Box<Sleep>>> = None;
        loop {
            self.carry_out_orders().await;
            if self.unread {
                let pause = Duration::from_millis(self.settings.retry_first_ms.0);
                again.get_or_insert_with(|| Box::pin(sleep(pause)));
            }
            if self.queue.has_changed() {
                keeping.get_or_insert_with(|| Box::pin(sleep(KEEP_WITHIN)));
            }
            let due = self.until_due();
            tokio::select! {
                () = asked(&mut stopping) => break,
                committed = commits.changed() => {
                    if committed.is_err() {
                        break;
                    }
                    self.follow().await;
                }
                () = changed.notified() => self.load().await,
                Some(delivered) = self.under_way.next() => {
                    if self.settle(delivered) {
                        self.keep().await;
                    }
                }
                () = sleep(due) => {}
                () = async { if let Some(soon) = keeping.as_mut() { soon.await } }, if keeping.is_some() => {
                    keeping = None;
                    self.keep().await;
                }
                () = async { if let Some(soon) = again.as_mut() { soon.await } }, if again.is_some() => {
                    again = None;
                    self.unread = false;
                    self.load().await;
                    self.follow().await;
                }
            }
        }
        while let Some(delivered) = self.under_way.next().await {
            self.settle(delivered);
        }
        self.keep().await;
    }

    /// Until there is something to try again; long where there is nothing.
    fn until_due(&self) -> Duration {
        let due = self.queue.next_deadline();
        let wait = due.map_or(LONG, |due| due.since(self.clock.now()));
        // The clock counts whole milliseconds.
        Duration::from_millis(wait.0.saturating_add(1))
    }

    /// Takes the subscriptions as they are now.
    async fn load(&mut self) {
        let event = self.event.clone();
        let Some((hooks, damaged)) = self.read(move |store| store.webhooks(&event)).await else {
            self.unread = true;
            return;
        };
        for damage in damaged {
            tracing::error!("a webhook is left out, the others go on: {damage}");
        }
        for id in self.queue.handle_hooks(hooks) {
            tracing::warn!(id, "a webhook names events that this version does not know");
        }
    }

    /// Takes how far the journal is now.
    async fn follow(&mut self) {
        let event = self.event.clone();
        match self.read(move |store| store.revs(&event)).await {
            Some(revs) => self.queue.handle_revs(revs),
            None => self.unread = true,
        }
    }

    /// Reads on a thread that may block; nothing where it cannot be read, which is said.
    async fn read<T: Send + 'static>(
        &mut self,
        what: impl FnOnce(&Reading) -> Result<T, Fault> + Send + 'static,
    ) -> Option<T> {
        let reading = Arc::clone(&self.reading);
        let read =
            spawn_blocking(move || what(&reading.lock().unwrap_or_else(PoisonError::into_inner)));
        match read.await {
            Ok(Ok(value)) => Some(value),
            Ok(Err(why)) => {
                tracing::warn!("webhooks wait, the store is read again in a while: {why}");
                None
            }
            // A server that has failed ends without waiting for anybody, and has said why.
            Err(why) if why.is_cancelled() => None,
            Err(why) => {
                tracing::error!("webhooks wait, the store is read again in a while: {why}");
                None
            }
        }
    }

    async fn carry_out_orders(&mut self) {
        while let Some(order) = self.queue.poll_order(self.clock.now()) {
            match order {
                Order::Read { id, session, after } => {
                    match self.entries(session.clone(), after).await {
                        Some(entries) => self.queue.handle_entries(&id, &session, entries),
                        None => self.queue.handle_unread(self.clock.now(), &id, &session),
                    }
                }
                Order::Send { id, session, entry } => self.send(id, session, &entry),
            }
        }
    }

    async fn entries(&mut self, session: SessionId, after: Rev) -> Option<Vec<Recorded>> {
        let event = self.event.clone();
        self.read(move |store| store.entries_after(&event, &session, after, READ_AT_ONCE))
            .await
    }

    fn send(&mut self, id: String, session: SessionId, entry: &Recorded) {
        let signed = self.sign(&id, &session, entry);
        let poster = self.poster.clone();
        let delivery = async move {
            let outcome = match signed {
                Ok((target, letter)) => poster.post(&target, letter).await,
                Err(why) => Outcome::Failed { why, after: None },
            };
            (id, session, outcome)
        };
        self.under_way.push(delivery.boxed());
    }

    /// The delivery of an entry, signed at this time, or why there is none.
    fn sign(
        &self,
        id: &str,
        session: &SessionId,
        entry: &Recorded,
    ) -> Result<(Target, Letter), String> {
        let hook = self.queue.hook(id).ok_or("it has been removed")?;
        let Settings {
            url_bytes_max,
            private_addresses,
            ..
        } = self.settings;
        // Settings may have become stricter since it was made.
        let target = Target::parse(&hook.url, url_bytes_max, private_addresses)
            .map_err(|why| why.to_string())?;
        let secret = Secret::parse(&hook.secret).ok_or("its secret is damaged")?;
        let told = Told::of(entry).ok_or("the entry has no type")?;
        let message = told.message(&self.event, session, entry);
        let at_s = self.clock.now().0 / 1000;
        let letter = Letter {
            signature: secret.sign(&message.id, at_s, &message.body),
            id: message.id,
            at_s,
            body: message.body,
        };
        Ok((target, letter))
    }

    /// Takes what became of a delivery; whether its subscription has ended with it.
    fn settle(&mut self, (id, session, outcome): Delivered) -> bool {
        if let Outcome::Failed { why, .. } = &outcome {
            tracing::info!(id, %session, "a webhook was not delivered: {why}");
        }
        let chance = rand::random_range(0..=CHANCES);
        let at = (id.as_str(), &session);
        self.queue
            .handle_outcome(self.clock.now(), chance, at, outcome);
        let ended = self
            .queue
            .hook(&id)
            .is_some_and(|hook| hook.state != HookState::Active);
        if ended {
            tracing::warn!(id, "a webhook has ended; an organiser can resume it");
        }
        ended
    }

    /// Keeps how far each subscription is. What cannot be kept is tried again a moment later.
    async fn keep(&mut self) {
        while let Some(hook) = self.queue.poll_changed() {
            let (event, store) = (self.event.clone(), Arc::clone(&self.store));
            let id = hook.id.clone();
            let kept = spawn_blocking(move || {
                // Each change is one transaction: a panic elsewhere has left none half done.
                let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
                store.keep_webhook(&event, &hook)
            });
            if !matches!(kept.await, Ok(Ok(()))) {
                tracing::warn!(id, "how far a webhook is could not be kept");
                self.queue.handle_unkept(&id);
                return;
            }
        }
    }
}

async fn asked(stopping: &mut watch::Receiver<bool>) {
    // A server whose switch is gone is asked too.
    let _asked_or_gone = stopping.wait_for(|stop| *stop).await;
}
