//! Who looks at the room from outside: what is on, who is there, how each one's path does.
//!
//! Like everything that is told, it comes out when what it says is stored. The figures of the paths
//! are the shard's: it is asked anew unless it was a moment ago, and not waited for long.

use std::collections::BTreeMap;

use super::{Output, Room};
use crate::{
    ids::MemberId,
    media::{Measured, Order, PeerId},
    meeting::{Snapshot, event::Audience},
    time::{Millis, Timestamp},
};

/// Figures younger than this are not asked for again: several who look cost as much as one.
const FRESH: Millis = Millis(900);
/// How long the shard may take; then what is known is shown.
const PATIENCE: Millis = Millis(500);
/// Who waits for figures at most; one more is shown what is known at once.
const WAITING_MAX: usize = 64;

/// One look at one room, unique there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LookId(pub u64);

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// The state alone.
    State,
    /// The state, and how the members' paths do.
    Paths,
}

/// What there is to see.
#[derive(Debug, Clone, PartialEq)]
pub struct Looked {
    /// Everything that the chairs are told.
    pub snapshot: Box<Snapshot>,
    /// How late the agenda runs.
    pub late: Millis,
    /// Who is in the room; in the order of the snapshot.
    pub present: Vec<PresentMember>,
}

/// What the state does not say of a member in the room.
#[derive(Debug, Clone, PartialEq)]
pub struct PresentMember {
    /// The member.
    pub member: MemberId,
    /// Since when; nothing where it was before this process.
    pub since: Option<Timestamp>,
    /// How the path does, where there is one.
    pub path: Measured,
}

/// Who looks, and what was measured last.
#[derive(Debug, Default)]
pub(super) struct Lookers {
    waiting: Vec<LookId>,
    /// Until when the shard is waited for.
    until: Option<Timestamp>,
    measured_at: Option<Timestamp>,
    paths: BTreeMap<PeerId, Measured>,
}

impl Lookers {
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.until
    }

    fn is_fresh(&self, now: Timestamp) -> bool {
        self.measured_at.is_some_and(|at| now.since(at) < FRESH)
    }
}

impl Room {
    /// Somebody looks: the answer comes as [`Output::Looked`].
    pub fn handle_look(&mut self, now: Timestamp, by: LookId, look: Look) {
        let measures = look == Look::Paths
            && !self.owners.is_empty()
            && !self.lookers.is_fresh(now)
            && self.lookers.waiting.len() < WAITING_MAX;
        if !measures {
            self.show(now, by);
            return;
        }
        self.lookers.waiting.push(by);
        if self.lookers.until.is_none() {
            self.lookers.until = Some(now + PATIENCE);
            self.order(Order::Measure);
        }
    }

    /// The shard has measured.
    pub(super) fn measured(&mut self, now: Timestamp, paths: Vec<(PeerId, Measured)>) {
        self.lookers.measured_at = Some(now);
        self.lookers.paths = paths.into_iter().collect();
        self.show_all(now);
    }

    /// The shard takes too long.
    pub(super) fn show_lookers_what_is_known(&mut self, now: Timestamp) {
        if self.lookers.until.is_some_and(|until| until <= now) {
            self.show_all(now);
        }
    }

    fn show_all(&mut self, now: Timestamp) {
        self.lookers.until = None;
        for by in std::mem::take(&mut self.lookers.waiting) {
            self.show(now, by);
        }
    }

    fn show(&mut self, now: Timestamp, by: LookId) {
        let snapshot = Box::new(self.meeting.snapshot(now, Audience::Chairs));
        let present = snapshot
            .members
            .iter()
            .map(|member| {
                let place = self.places.get(&member.id);
                let peer = place.and_then(|place| place.peers.in_use());
                let measured = peer.and_then(|peer| self.lookers.paths.get(&peer));
                PresentMember {
                    member: member.id.clone(),
                    since: place.and_then(|place| place.since),
                    path: measured.copied().unwrap_or_default(),
                }
            })
            .collect();
        let looked = Box::new(Looked {
            late: self.meeting.plan().late(&self.meeting.standing(), now),
            snapshot,
            present,
        });
        self.later(Output::Looked { by, looked });
    }
}
