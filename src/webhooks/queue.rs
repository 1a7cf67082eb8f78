//! What is read, sent and tried again next. Told what happens, drained for orders; it knows no clock, no
//! socket, no disk and no chance.
//!
//! A subscription has a lane for each session, with a place in that session's journal. The next entry of a
//! lane is sent when the one before it has been taken, so that its order holds; a lane that waits to try again
//! holds up no other. Of one subscription one delivery is on its way at a time.

use std::collections::{BTreeMap, VecDeque};

use super::{Settings, filter::Filter, message::Told};
use crate::{
    ids::SessionId,
    meeting::event::{Recorded, Rev},
    store::{HookState, KeptHook},
    time::{Millis, Timestamp},
};

/// Parts of the chance that pauses are spread by.
pub(super) const CHANCES: u64 = 1000;

/// A pause is so much of itself longer or shorter by chance, in parts of [`CHANCES`].
const SPREAD: u64 = 200;

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Read entries of the journal, and tell [`Queue::handle_entries`], or [`Queue::handle_unread`].
    Read {
        id: String,
        session: SessionId,
        after: Rev,
    },
    /// Deliver an entry, and tell [`Queue::handle_outcome`].
    Send {
        id: String,
        session: SessionId,
        entry: Recorded,
    },
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The receiver has it.
    Taken,
    /// The receiver wants no more.
    Gone,
    /// The receiver has it not, as far as is known.
    Failed {
        why: String,
        /// When the receiver wants it again.
        after: Option<Millis>,
    },
}

/// All subscriptions to an event.
pub(super) struct Queue {
    settings: Settings,
    hooks: BTreeMap<String, Hook>,
    /// How far each session's journal is.
    revs: BTreeMap<SessionId, Rev>,
}

struct Hook {
    kept: KeptHook,
    filter: Filter,
    lanes: BTreeMap<SessionId, Lane>,
    /// Whose lane had its turn last.
    last: Option<SessionId>,
    /// A delivery is on its way.
    busy: bool,
    /// Something is not kept yet.
    changed: bool,
}

/// What a lane has beside what is kept of it.
#[derive(Default)]
struct Lane {
    /// Entries read and not passed yet.
    waiting: VecDeque<Recorded>,
    /// Being read, or read to the end, until the journal has more.
    read: bool,
    /// How often it could not be read, since it last could.
    unread: u32,
    /// When the next attempt, to deliver or to read, may be.
    due: Timestamp,
}

impl Queue {
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            hooks: BTreeMap::new(),
            revs: BTreeMap::new(),
        }
    }

    /// The subscriptions as they are kept now. One that goes on keeps what is known of it here, which may
    /// be newer. One that is damaged is left alone, and named.
    pub fn handle_hooks(&mut self, hooks: Vec<KeptHook>) -> Vec<String> {
        let mut damaged = Vec::new();
        let mut before = std::mem::take(&mut self.hooks);
        for kept in hooks {
            let known = before
                .remove(&kept.id)
                .filter(|known| known.kept.state == kept.state || kept.state != HookState::Active);
            match (known, Filter::parse(&kept.types)) {
                (Some(known), _) => {
                    self.hooks.insert(kept.id.clone(), known);
                }
                (None, Ok(filter)) => {
                    let id = kept.id.clone();
                    self.hooks.insert(id, Hook::of(kept, filter));
                }
                (None, Err(_)) => damaged.push(kept.id),
            }
        }
        damaged
    }

    /// How far the journal is.
    pub fn handle_revs(&mut self, revs: BTreeMap<SessionId, Rev>) {
        self.revs = revs;
        for lane in self
            .hooks
            .values_mut()
            .flat_map(|hook| hook.lanes.values_mut())
        {
            lane.read = false;
        }
    }

    /// What was ordered to be read: none where there is nothing.
    pub fn handle_entries(&mut self, id: &str, session: &SessionId, entries: Vec<Recorded>) {
        let Some(hook) = self.hooks.get_mut(id) else {
            return;
        };
        let lane = hook.lanes.entry(session.clone()).or_default();
        lane.read = entries.is_empty();
        lane.unread = 0;
        lane.waiting = entries.into();
    }

    /// What was ordered to be read could not be: it is tried again, later each time.
    pub fn handle_unread(&mut self, now: Timestamp, id: &str, session: &SessionId) {
        let Some(hook) = self.hooks.get_mut(id) else {
            return;
        };
        let lane = hook.lanes.entry(session.clone()).or_default();
        lane.read = false;
        lane.unread = lane.unread.saturating_add(1);
        // One reader of one disk: no chance need spread them.
        lane.due = now + pause(&self.settings, lane.unread, CHANCES / 2);
    }

    /// What became of the delivery that was ordered. `chance` is below [`CHANCES`].
    pub fn handle_outcome(
        &mut self,
        now: Timestamp,
        chance: u64,
        (id, session): (&str, &SessionId),
        outcome: Outcome,
    ) {
        let settings = &self.settings;
        let Some(hook) = self.hooks.get_mut(id) else {
            return;
        };
        hook.busy = false;
        hook.changed = true;
        let place = hook.kept.lanes.entry(session.clone()).or_default();
        let lane = hook.lanes.entry(session.clone()).or_default();
        match outcome {
            Outcome::Taken => {
                if let Some(entry) = lane.waiting.pop_front() {
                    place.rev = entry.rev;
                }
                place.attempts = 0;
                place.failing = None;
                lane.due = now;
                hook.kept.error = None;
            }
            Outcome::Gone => {
                let why = "answered 410 Gone: the receiver wants no more".to_owned();
                hook.end(HookState::Gone, now, why);
            }
            Outcome::Failed { why, after } => {
                place.attempts = place.attempts.saturating_add(1);
                let since = *place.failing.get_or_insert(now);
                if now.since(since) >= settings.give_up_ms {
                    hook.end(HookState::Failed, now, why);
                } else {
                    let pause = pause(settings, place.attempts, chance);
                    let asked = after.unwrap_or_default().min(settings.retry_longest_ms);
                    lane.due = now + pause.max(asked);
                    hook.kept.error = Some((now, why));
                }
            }
        }
    }

    /// The next order, until there is none at this time.
    pub fn poll_order(&mut self, now: Timestamp) -> Option<Order> {
        let Self { hooks, revs, .. } = self;
        hooks.values_mut().find_map(|hook| hook.next(now, revs))
    }

    /// When there may be another order though nothing happens; it may have passed where a delivery is on
    /// its way.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.hooks
            .values()
            .filter(|hook| hook.is_ready())
            .flat_map(|hook| hook.lanes.values())
            .filter(|lane| !lane.waiting.is_empty() || lane.unread > 0)
            .map(|lane| lane.due)
            .min()
    }

    /// A subscription that stands otherwise than it was kept.
    pub fn poll_changed(&mut self) -> Option<KeptHook> {
        let hook = self.hooks.values_mut().find(|hook| hook.changed)?;
        hook.changed = false;
        Some(hook.kept.clone())
    }

    /// Whether there is one.
    pub fn has_changed(&self) -> bool {
        self.hooks.values().any(|hook| hook.changed)
    }

    /// What was to be kept could not be.
    pub fn handle_unkept(&mut self, id: &str) {
        if let Some(hook) = self.hooks.get_mut(id) {
            hook.changed = true;
        }
    }

    /// A subscription, where it is known.
    pub fn hook(&self, id: &str) -> Option<&KeptHook> {
        self.hooks.get(id).map(|hook| &hook.kept)
    }
}

impl Hook {
    fn of(kept: KeptHook, filter: Filter) -> Self {
        Self {
            kept,
            filter,
            lanes: BTreeMap::new(),
            last: None,
            busy: false,
            changed: false,
        }
    }

    fn is_ready(&self) -> bool {
        self.kept.state == HookState::Active && !self.busy
    }

    /// What is read is of no use any more.
    fn end(&mut self, state: HookState, now: Timestamp, why: String) {
        self.kept.state = state;
        self.kept.error = Some((now, why));
        self.lanes.clear();
    }

    fn next(&mut self, now: Timestamp, revs: &BTreeMap<SessionId, Rev>) -> Option<Order> {
        if !self.is_ready() {
            return None;
        }
        // Behind the lane that had its turn last first, so that a busy session does not hold up another.
        let last = self.last.as_ref();
        let (behind, before): (Vec<_>, Vec<_>) = revs
            .iter()
            .partition(|(session, _)| last.is_none_or(|last| *session > last));
        for (session, rev) in behind.into_iter().chain(before) {
            if let Some(order) = self.step(now, session, *rev) {
                if let Order::Send { .. } = order {
                    self.last = Some(session.clone());
                    self.busy = true;
                }
                return Some(order);
            }
        }
        None
    }

    /// Passes what nobody asked for, and gives the lane's next order.
    fn step(&mut self, now: Timestamp, session: &SessionId, rev: Rev) -> Option<Order> {
        let lane = self.lanes.entry(session.clone()).or_default();
        let place = self.kept.lanes.entry(session.clone()).or_default();
        while let Some(entry) = lane.waiting.front() {
            let wanted =
                Told::of(entry).is_some_and(|told| self.filter.wants(&entry.event, &told.kind));
            if wanted {
                break;
            }
            place.rev = entry.rev;
            self.changed = true;
            lane.waiting.pop_front();
        }
        if let Some(entry) = lane.waiting.front() {
            return (lane.due <= now).then(|| Order::Send {
                id: self.kept.id.clone(),
                session: session.clone(),
                entry: entry.clone(),
            });
        }
        if place.rev >= rev || lane.read || lane.due > now {
            return None;
        }
        lane.read = true;
        Some(Order::Read {
            id: self.kept.id.clone(),
            session: session.clone(),
            after: place.rev,
        })
    }
}

/// The pause after so many failures in a row.
fn pause(settings: &Settings, attempts: u32, chance: u64) -> Millis {
    let doublings = attempts.saturating_sub(1).min(32);
    let pause = settings.retry_first_ms.0.saturating_mul(1 << doublings);
    let pause = pause.min(settings.retry_longest_ms.0);
    // From SPREAD below to SPREAD above.
    let parts =
        (CHANCES - SPREAD).saturating_add(chance.min(CHANCES).saturating_mul(2 * SPREAD) / CHANCES);
    Millis(pause.saturating_mul(parts) / CHANCES)
}

#[cfg(test)]
mod tests;
