//! SHELL. Where the running rooms are, and where their sessions stand.
//!
//! It holds ways to rooms, never a room.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use dashmap::DashMap;
use tokio::sync::{mpsc, watch};

use super::{
    Room,
    task::{self, Now, RoomHandle, Start},
};
use crate::{
    ids::SessionId,
    media::{Notice, Order, PeerId},
    meeting::{Standing, event::Rev},
    store::ToKeep,
};

/// Where every session that has a room stands.
pub type States = BTreeMap<SessionId, Standing>;

/// The running rooms of this process.
pub struct Directory {
    rooms: DashMap<SessionId, RoomHandle>,
    /// The latest wins; whoever watches sees every last state.
    states: Arc<watch::Sender<States>>,
    /// Counts the peer connections of the process.
    peers: Arc<AtomicU64>,
    now: Now,
}

impl Directory {
    /// No rooms yet. `now` is the server's clock.
    pub fn new(now: Now) -> Self {
        Self {
            rooms: DashMap::new(),
            states: Arc::new(watch::Sender::new(States::new())),
            peers: Arc::new(AtomicU64::new(1)),
            now,
        }
    }

    /// Starts a session's room. `order` hands an order to its shard, `notices` come from there;
    /// `append` leaves entries for the journal without waiting, and `stored` is the last revision that
    /// is stored there. Must be called within a tokio runtime.
    pub fn open<M, J>(
        &self,
        session: SessionId,
        room: Room,
        (order, notices): (M, mpsc::Receiver<Notice>),
        (append, stored): (J, watch::Receiver<Rev>),
    ) -> RoomHandle
    where
        M: FnMut(Order) + Send + 'static,
        J: FnMut(ToKeep) + Send + 'static,
    {
        let standing = room.standing();
        self.states.send_modify(|states| {
            states.insert(session.clone(), standing);
        });
        let handle = task::spawn(Start {
            session: session.clone(),
            room,
            order,
            notices,
            append,
            stored,
            now: Arc::clone(&self.now),
            peers: Arc::clone(&self.peers),
            states: Arc::clone(&self.states),
        });
        self.rooms.insert(session, handle.clone());
        handle
    }

    /// Mints names of peer connections that are no room's, unique in the process like theirs.
    pub fn peer_mint(&self) -> impl Fn() -> PeerId + Send + use<> {
        let peers = Arc::clone(&self.peers);
        move || PeerId(peers.fetch_add(1, Ordering::Relaxed))
    }

    /// The way to a session's room.
    pub fn room(&self, session: &SessionId) -> Option<RoomHandle> {
        self.rooms.get(session).map(|handle| handle.value().clone())
    }

    /// The ways to all rooms.
    pub fn rooms(&self) -> Vec<RoomHandle> {
        self.rooms.iter().map(|room| room.value().clone()).collect()
    }

    /// The sessions' states, now and whenever one changes.
    pub fn states(&self) -> watch::Receiver<States> {
        self.states.subscribe()
    }
}
