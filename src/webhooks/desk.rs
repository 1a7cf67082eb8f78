//! SHELL. What an organiser asks for: subscribe, list, resume, end. It must never know who may.

use std::{
    fmt::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use tokio::sync::Notify;

use super::{
    NotATarget, NotAType, Settings,
    filter::Filter,
    signing::{SECRET_BYTES, Secret},
    target::Target,
};
use crate::{
    ids::EventId,
    store::{Fault, HookState, KeptHook, Reading, Store},
    time::Timestamp,
};

/// Random bytes of a subscription's name.
const ID_BYTES: usize = 8;

/// Where subscriptions are made and ended. Each call blocks for the disk's time.
#[derive(Clone)]
pub struct Desk {
    pub(super) store: Arc<Mutex<Store>>,
    /// Tells the task that there is something new.
    pub(super) changed: Arc<Notify>,
    pub(super) settings: Settings,
}

/// What a subscription is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Where deliveries go.
    pub url: String,
    /// What of; none: all that need not be named.
    pub types: Vec<String>,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Deliveries may not go there.
    #[error(transparent)]
    Target(#[from] NotATarget),
    /// It would be of nothing.
    #[error(transparent)]
    Type(#[from] NotAType),
    /// Too many names.
    #[error("a subscription names {most} types at most")]
    TypesTooMany {
        /// How many there may be.
        most: usize,
    },
    /// It could not be kept, or there is no room for it.
    #[error(transparent)]
    Store(#[from] Fault),
    /// No secret could be made.
    #[error("no secret could be made: the system gives no randomness")]
    Randomness,
}

/// A subscription as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Its name.
    pub id: String,
    /// Where deliveries go.
    pub url: String,
    /// What of, as it was asked for.
    pub types: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// Whether it is delivered.
    pub state: HookState,
    /// Entries of the journal that it has not passed yet; not each of them need be for it.
    pub pending: u64,
    /// The latest failure, where the receiver has taken nothing since.
    pub error: Option<(Timestamp, String)>,
}

impl Desk {
    /// Subscribes from now on. The secret is given this once.
    ///
    /// # Errors
    /// Says what is wrong with what was wanted.
    pub fn subscribe(
        &self,
        event: &EventId,
        wanted: Wanted,
        now: Timestamp,
    ) -> Result<(Hook, String), Refused> {
        let settings = &self.settings;
        Target::parse(
            &wanted.url,
            settings.url_bytes_max,
            settings.private_addresses,
        )?;
        if wanted.types.len() > settings.types_max {
            return Err(Refused::TypesTooMany {
                most: settings.types_max,
            });
        }
        Filter::parse(&wanted.types)?;
        let secret = Secret::of(random::<SECRET_BYTES>()?);
        let kept = KeptHook {
            id: name(random::<ID_BYTES>()?),
            created: now,
            url: wanted.url,
            types: wanted.types,
            secret: secret.shown().to_owned(),
            state: HookState::Active,
            error: None,
            lanes: std::collections::BTreeMap::new(),
        };
        self.lock()
            .add_webhook(event, &kept, settings.subscriptions_max)?;
        self.changed.notify_one();
        let hook = Hook {
            id: kept.id,
            url: kept.url,
            types: kept.types,
            created: kept.created,
            state: kept.state,
            pending: 0,
            error: None,
        };
        Ok((hook, secret.shown().to_owned()))
    }

    /// All of an event that can be read, the eldest first. How far each is may be a second old.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn list(reading: &Reading, event: &EventId) -> Result<Vec<Hook>, Fault> {
        let revs = reading.revs(event)?;
        let shown = |kept: KeptHook| {
            let behind = revs.iter().map(|(session, rev)| {
                let passed = kept.lanes.get(session).map_or(0, |lane| lane.rev.0);
                rev.0.saturating_sub(passed)
            });
            Hook {
                pending: behind.sum(),
                id: kept.id,
                url: kept.url,
                types: kept.types,
                created: kept.created,
                state: kept.state,
                error: kept.error,
            }
        };
        // The task has said which are damaged.
        let (hooks, _damaged) = reading.webhooks(event)?;
        Ok(hooks.into_iter().map(shown).collect())
    }

    /// Lets one that has ended go on where it stopped; whether there is one.
    ///
    /// # Errors
    /// Where that cannot be kept.
    pub fn resume(&self, event: &EventId, id: &str) -> Result<bool, Fault> {
        let found = self.lock().resume_webhook(event, id)?;
        self.changed.notify_one();
        Ok(found)
    }

    /// Ends one for good; whether there was one.
    ///
    /// # Errors
    /// Where that cannot be kept.
    pub fn end(&self, event: &EventId, id: &str) -> Result<bool, Fault> {
        let found = self.lock().remove_webhook(event, id)?;
        self.changed.notify_one();
        Ok(found)
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        // Each change is one transaction: a panic elsewhere has left none half done.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn random<const BYTES: usize>() -> Result<[u8; BYTES], Refused> {
    let mut bytes = [0; BYTES];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Refused::Randomness)?;
    Ok(bytes)
}

fn name(bytes: [u8; ID_BYTES]) -> String {
    let mut name = "wh-".to_owned();
    for byte in bytes {
        // Writing to a text cannot fail.
        let _written = write!(name, "{byte:02x}");
    }
    name
}
