//! SHELL. What all connections share: the event, the rooms, the links, and the book of who is connected.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{mpsc, watch};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::{
    Settings,
    closing::Closing,
    connections::{Bounds, Connections, TooMany, Which},
    socket,
    wire::Token,
};
use crate::{
    auth::{Grant, GuestList, Invites, LinkRefusal, Revocations},
    ids::MemberId,
    programme::Programme,
    room::{Asked, ConnectionId, Directory, Now},
    time::{Millis, Timestamp},
};

/// What every connection needs.
pub struct Context {
    pub(super) programme: Arc<Programme>,
    pub(super) directory: Arc<Directory>,
    invites: Arc<Invites>,
    revocations: Mutex<Revocations>,
    connections: Mutex<Connections<mpsc::Sender<Closing>>>,
    /// Set once: the server stops.
    pub(super) stopping: watch::Sender<bool>,
    /// Set once: nobody enters a room any more, and the server ends then at the latest.
    pub(super) draining: watch::Sender<Option<Timestamp>>,
    /// How many connections are open.
    pub(super) open: watch::Sender<usize>,
    /// How many of them are in a room, or about to enter one.
    present: watch::Sender<usize>,
    pub(super) now: Now,
    pub(super) settings: Arc<Settings>,
}

impl Context {
    /// With the links that have been withdrawn so far. `now` is the server's clock.
    pub fn new(
        programme: Arc<Programme>,
        directory: Arc<Directory>,
        invites: Arc<Invites>,
        revocations: Revocations,
        now: Now,
        settings: Settings,
    ) -> Self {
        let bounds = Bounds {
            all: settings.connections_max,
            per_address: settings.connections_per_address_max,
            per_member: settings.connections_per_member_max,
        };
        Self {
            programme,
            directory,
            invites,
            revocations: Mutex::new(revocations),
            connections: Mutex::new(Connections::new(bounds)),
            stopping: watch::Sender::new(false),
            draining: watch::Sender::new(None),
            open: watch::Sender::new(0),
            present: watch::Sender::new(0),
            now,
            settings: Arc::new(settings),
        }
    }

    /// How a socket must be set up for [`run`](super::run).
    pub fn websocket_config(&self) -> WebSocketConfig {
        socket::config(self.settings.frame_bytes_max)
    }

    /// Withdraws a link by its invite's id and closes its connections (4004). Gives their number. A
    /// member whose place is kept without a connection loses it.
    pub async fn revoke_link(&self, jti: &str) -> usize {
        lock(&self.revocations).revoke_invite(jti);
        let closed = self.close(Which::OfLink(jti), Closing::LinkRevoked);
        let members = lock(&self.connections).members_of(jti);
        for member in members {
            self.expel(member).await;
        }
        closed
    }

    /// Withdraws a member's links made up to now and closes their connections (4004). Gives their
    /// number. A place that is kept without a connection is lost.
    pub async fn revoke_member(&self, member: &MemberId) -> usize {
        lock(&self.revocations).revoke_member(member.clone(), (self.now)());
        let closed = self.close(Which::OfMember(member), Closing::LinkRevoked);
        self.expel(member.clone()).await;
        closed
    }

    async fn expel(&self, member: MemberId) {
        for room in self.directory.rooms() {
            let member = member.clone();
            // A room that has ended keeps nobody's place.
            let _ended = room.ask(Asked::Expel { member }).await;
        }
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        *self.open.borrow()
    }

    /// How many members' connections are in a room.
    pub fn present(&self) -> usize {
        *self.present.borrow()
    }

    /// From now on nobody enters a room, and everybody is told that the server ends, `within` so
    /// long at the latest.
    pub fn drain(&self, within: Millis) {
        self.draining.send_replace(Some((self.now)() + within));
    }

    /// Whether nobody enters a room any more.
    pub fn is_draining(&self) -> bool {
        self.draining.borrow().is_some()
    }

    /// Waits until no member is in a room.
    pub async fn emptied(&self) {
        // The sender is in `self`: it cannot be gone.
        let mut present = self.present.subscribe();
        let _empty = present.wait_for(|present| *present == 0).await;
    }

    /// Counts a member's connection that is about to enter a room.
    pub(super) fn enter(&self) -> Present {
        Present::count(&self.present)
    }

    /// Closes every connection (1012), takes no more, and waits until all are closed; each has
    /// [`Settings::close_ms`] for it.
    pub async fn stop(&self) {
        self.stopping.send_replace(true);
        self.close(Which::All, Closing::Stopping);
        // The sender is in `self`: it cannot be gone.
        let mut open = self.open.subscribe();
        let _closed = open.wait_for(|open| *open == 0).await;
    }

    fn close(&self, which: Which<'_>, closing: Closing) -> usize {
        let connections = lock(&self.connections);
        let ways = connections.find(which);
        // A way holds one closing: where it is full the connection is being closed already.
        ways.filter(|way| way.try_send(closing).is_ok()).count()
    }

    /// Whose a token is.
    ///
    /// # Errors
    /// Where it opens nothing.
    pub fn member(&self, token: &Token) -> Result<MemberId, LinkRefusal> {
        let grant = self.grant(token, &lock(&self.revocations))?;
        Ok(grant.member)
    }

    /// STUN or TURN servers that clients are told to use.
    pub fn ice_urls(&self) -> &[String] {
        &self.settings.ice_urls
    }

    /// What a token is worth to this connection.
    pub(super) fn verify(&self, token: &Token, id: ConnectionId) -> Result<Grant, LinkRefusal> {
        // Held until the connection is in the book: a link that is being revoked is refused here,
        // or its connection is found there.
        let revocations = lock(&self.revocations);
        let grant = self.grant(token, &revocations)?;
        let mut connections = lock(&self.connections);
        if let Some(oldest) = connections.greet(id, &grant.member, &grant.jti) {
            // Full: it is being closed already.
            let _closing = oldest.try_send(Closing::Replaced);
        }
        Ok(grant)
    }

    /// What a token is worth to this connection, which plays and is nobody's presence.
    pub(super) fn verify_player(
        &self,
        token: &Token,
        id: ConnectionId,
    ) -> Result<Grant, LinkRefusal> {
        let revocations = lock(&self.revocations);
        let grant = self.grant(token, &revocations)?;
        lock(&self.connections).note_player(id, &grant.member, &grant.jti);
        Ok(grant)
    }

    fn grant(&self, token: &Token, revocations: &Revocations) -> Result<Grant, LinkRefusal> {
        let guests = GuestList {
            event: &self.programme.id,
            seats: &self.programme.seats,
            revocations,
        };
        self.invites.verify(&token.0, (self.now)(), &guests)
    }
}

/// A panic elsewhere leaves these tables as whole as they were: each change is one step.
fn lock<T>(table: &Mutex<T>) -> MutexGuard<'_, T> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts a member's connection in a room until it is dropped.
pub(super) struct Present(watch::Sender<usize>);

impl Present {
    fn count(present: &watch::Sender<usize>) -> Self {
        present.send_modify(|count| *count = count.saturating_add(1));
        Self(present.clone())
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

/// Counts an open connection until it is dropped, however its task ends.
pub(super) struct Counted<'a> {
    context: &'a Context,
    pub id: ConnectionId,
    /// Says so when the connection is to be closed.
    pub closing: mpsc::Receiver<Closing>,
}

impl<'a> Counted<'a> {
    /// Counts a new connection from this address.
    pub fn open(context: &'a Context, address: IpAddr) -> Result<Self, TooMany> {
        // One closing is enough: the first closes.
        let (way, closing) = mpsc::channel(1);
        let mut connections = lock(&context.connections);
        let id = connections.open(address, way)?;
        context.open.send_replace(connections.count());
        drop(connections);
        Ok(Self {
            context,
            id,
            closing,
        })
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        let mut connections = lock(&self.context.connections);
        connections.close(self.id);
        self.context.open.send_replace(connections.count());
    }
}
