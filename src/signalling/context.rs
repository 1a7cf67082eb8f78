//! SHELL. What all connections share: the event, the rooms, the links, and the book of who is connected.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Mutex as AsyncMutex, mpsc, watch};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::{
    Settings,
    closing::Closing,
    connections::{Bounds, Connections, TooMany, Which},
    socket,
    wire::Token,
};
use crate::{
    auth::{Device, Grant, GuestList, Invites, LinkRefusal, Revocations, Uses},
    check::{self, Report},
    ids::MemberId,
    programme::Programme,
    room::{Asked, ConnectionId, Directory, Now},
    store,
    time::{Millis, Timestamp},
};

/// Stores that an invite, by its id, was used on a device. Waits for the disk.
pub type KeepUse = Arc<dyn Fn(&str, i64) -> Result<(), store::Fault> + Send + Sync>;

/// Which links open.
pub struct Links {
    /// The key that they are signed with.
    pub invites: Arc<Invites>,
    /// What has been withdrawn so far.
    pub revocations: Revocations,
    /// Where links of limited use have been used so far.
    pub uses: Uses,
    /// Stores a further use: it counts, and opens, once it is stored.
    pub keep_use: KeepUse,
}

/// Stores what a member's check has found. Waits for the disk.
pub type KeepReport =
    Arc<dyn Fn(&MemberId, Timestamp, &Report) -> Result<(), store::Fault> + Send + Sync>;

/// What is done before a room.
pub struct Checks {
    /// Tries paths.
    pub paths: check::Handle,
    /// Keeps what was found.
    pub keep_report: KeepReport,
}

/// What every connection needs.
pub struct Context {
    pub(super) programme: Arc<Programme>,
    pub(super) directory: Arc<Directory>,
    invites: Arc<Invites>,
    revocations: Mutex<Revocations>,
    /// Held while a use is being stored: two devices must not both be the last.
    uses: AsyncMutex<Uses>,
    keep_use: KeepUse,
    connections: Mutex<Connections<mpsc::Sender<Closing>>>,
    pub(super) checks: Checks,
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
    /// `now` is the server's clock.
    pub fn new(
        programme: Arc<Programme>,
        directory: Arc<Directory>,
        links: Links,
        checks: Checks,
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
            invites: links.invites,
            revocations: Mutex::new(links.revocations),
            uses: AsyncMutex::new(links.uses),
            keep_use: links.keep_use,
            connections: Mutex::new(Connections::new(bounds)),
            checks,
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

    /// Withdraws a member's links whose validity began at `at` or before, which is as it was stored, and
    /// closes the member's connections (4004). Gives their number. A place that is kept without a
    /// connection is lost.
    pub async fn revoke_member(&self, member: &MemberId, at: Timestamp) -> usize {
        lock(&self.revocations).revoke_member(member.clone(), at);
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
        Ok(self.granted(token)?.member)
    }

    /// What a token grants.
    ///
    /// # Errors
    /// Where it opens nothing.
    pub fn granted(&self, token: &Token) -> Result<Grant, LinkRefusal> {
        self.grant(token, &lock(&self.revocations))
    }

    /// The event that is served, as it was at the start.
    pub fn programme(&self) -> &Arc<Programme> {
        &self.programme
    }

    /// The rooms.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// What has been withdrawn so far.
    pub fn revocations(&self) -> Revocations {
        lock(&self.revocations).clone()
    }

    /// The time by the server's clock.
    pub fn time(&self) -> Timestamp {
        (self.now)()
    }

    /// STUN or TURN servers that clients are told to use.
    pub fn ice_urls(&self) -> &[String] {
        &self.settings.ice_urls
    }

    /// What a token is worth to this connection, on this device.
    pub(super) async fn verify(
        &self,
        token: &Token,
        id: ConnectionId,
        device: Device,
    ) -> Result<Grant, LinkRefusal> {
        self.open_to(token, device, |connections, grant| {
            greet(connections, id, grant);
        })
        .await
    }

    /// What a token is worth to this connection, which comes to check alone: that is no use of a
    /// limited link, so that who has checked can still come.
    pub(super) fn verify_check(
        &self,
        token: &Token,
        id: ConnectionId,
    ) -> Result<Grant, LinkRefusal> {
        // Held until the connection is in the book, as in `open_to`.
        let revocations = lock(&self.revocations);
        let grant = self.grant(token, &revocations)?;
        greet(&mut lock(&self.connections), id, &grant);
        Ok(grant)
    }

    /// Stores what a member's check has found. False where that failed.
    pub(super) async fn keep_report(&self, member: MemberId, report: Report) -> bool {
        let (keep, at) = (Arc::clone(&self.checks.keep_report), (self.now)());
        let kept = tokio::task::spawn_blocking(move || keep(&member, at, &report)).await;
        match kept {
            Ok(Ok(())) => true,
            Ok(Err(why)) => {
                tracing::error!("a check's report cannot be stored: {why}");
                false
            }
            Err(_panicked) => false,
        }
    }

    /// What a token is worth to this connection, which plays and is nobody's presence.
    pub(super) async fn verify_player(
        &self,
        token: &Token,
        id: ConnectionId,
    ) -> Result<Grant, LinkRefusal> {
        self.open_to(token, Device::Call, |connections, grant| {
            connections.note_player(id, &grant.member, &grant.jti);
        })
        .await
    }

    /// Verifies a token, counts its use, and notes whose connection it is.
    async fn open_to(
        &self,
        token: &Token,
        device: Device,
        note: impl FnOnce(&mut Connections<mpsc::Sender<Closing>>, &Grant),
    ) -> Result<Grant, LinkRefusal> {
        let limited = {
            // Held until the connection is in the book: a link that is being revoked is refused
            // here, or its connection is found there.
            let revocations = lock(&self.revocations);
            let grant = self.grant(token, &revocations)?;
            let Some(limit) = grant.uses else {
                note(&mut lock(&self.connections), &grant);
                return Ok(grant);
            };
            (grant, limit)
        };
        let (grant, limit) = limited;
        self.count_use(&grant.jti, limit, device).await?;
        let revocations = lock(&self.revocations);
        if revocations.covers(&grant) {
            return Err(LinkRefusal::Revoked);
        }
        note(&mut lock(&self.connections), &grant);
        Ok(grant)
    }

    /// Counts and stores the use of a limited link, where the device is new to it.
    async fn count_use(&self, jti: &str, limit: u16, device: Device) -> Result<(), LinkRefusal> {
        let mut uses = self.uses.lock().await;
        let Some(number) = uses.count(jti, limit, device)? else {
            return Ok(());
        };
        let (keep, its) = (Arc::clone(&self.keep_use), jti.to_owned());
        let kept = tokio::task::spawn_blocking(move || keep(&its, number)).await;
        match kept {
            Ok(Ok(())) => {
                uses.note(jti, number);
                Ok(())
            }
            Ok(Err(why)) => {
                tracing::error!("the use of a link cannot be stored: {why}");
                Err(LinkRefusal::Uncounted)
            }
            Err(_panicked) => Err(LinkRefusal::Uncounted),
        }
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

/// Notes whose connection it is; the oldest of its member's gives way where there are many.
fn greet(connections: &mut Connections<mpsc::Sender<Closing>>, id: ConnectionId, grant: &Grant) {
    if let Some(oldest) = connections.greet(id, &grant.member, &grant.jti) {
        // Full: it is being closed already.
        let _closing = oldest.try_send(Closing::Replaced);
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
