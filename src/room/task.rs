//! SHELL. The task that owns a room: its inbox in, its members' queues and the shard out.

use std::{
    collections::BTreeMap,
    future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot, watch,
};

use super::{
    Answer, ConnectionId, DeviceNumber, Look, LookId, Looked, Message, Output, Parting, Picture,
    Purpose, Refused, Room, directory::States,
};
use crate::{
    ids::{MemberId, SessionId},
    media::{Notice, Order, PeerId, Sending, Source},
    meeting::{Command, Refusal, event::Rev},
    store::ToKeep,
    time::Timestamp,
};

/// The server's clock, as the shells hold it.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What a connection is told.
#[derive(Debug, Clone)]
pub enum Told {
    /// An event or a signal, encoded once for everybody.
    Text(Arc<str>),
    /// The room's last word: the connection is not in it any more.
    Dismissed(Arc<str>),
    /// The answer to the one request in flight.
    Answer(Result<Answer, Refused>),
}

/// A room's way to a connection.
#[derive(Debug)]
pub struct Link {
    /// Bounded: when it is full the connection is parted with as too slow.
    pub told: mpsc::Sender<Told>,
    /// Overtakes what is queued. One place: a room parts once.
    pub parting: mpsc::Sender<Parting>,
}

/// What is asked of a room.
#[derive(Debug)]
pub enum Asked {
    /// A member comes in; the answer is a snapshot, or the events after `since` where they are known.
    Join {
        connection: ConnectionId,
        member: MemberId,
        name: Option<String>,
        since: Option<Rev>,
        device: Option<DeviceNumber>,
        link: Link,
    },
    /// The member goes.
    Leave { connection: ConnectionId },
    /// The member has gone over to another session's room.
    Move { connection: ConnectionId },
    /// The connection is gone; nothing is answered.
    Gone { connection: ConnectionId },
    /// A member may not come back: a place kept without a connection ends. Nothing is answered.
    Expel { member: MemberId },
    /// A member's command to the meeting.
    Command {
        connection: ConnectionId,
        command: Command,
    },
    /// The state.
    Snapshot { connection: ConnectionId },
    /// A peer connection is offered.
    Offer {
        connection: ConnectionId,
        sdp: String,
        sending: Vec<Sending>,
    },
    /// A peer connection without a page is offered; the answer is its SDP.
    Call {
        connection: ConnectionId,
        member: MemberId,
        purpose: Purpose,
        sdp: String,
        sending: Vec<Sending>,
        link: Link,
    },
    /// New ICE credentials of such a peer connection.
    Restart {
        connection: ConnectionId,
        ufrag: String,
        pwd: String,
    },
    /// A candidate of the latest offer; an empty one ends them.
    Candidate {
        connection: ConnectionId,
        candidate: String,
    },
    /// A client has ceased to send a track.
    Ended {
        connection: ConnectionId,
        source: Source,
    },
    /// What a client shows.
    View {
        connection: ConnectionId,
        pictures: Vec<Picture>,
    },
    /// The server's own command to the meeting.
    Server {
        command: Command,
        done: oneshot::Sender<Result<(), Refusal>>,
    },
    /// Somebody looks at the room from outside.
    Look {
        look: Look,
        done: oneshot::Sender<Looked>,
    },
}

/// The room's task has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this session's room has ended")]
pub struct RoomClosed;

/// Reaches the task of a room in this process.
#[derive(Debug, Clone)]
pub struct RoomHandle {
    inbox: mpsc::Sender<Asked>,
    outbox_max: usize,
}

impl RoomHandle {
    /// Asks the room. Waits while its inbox is full; only the asking task does.
    pub async fn ask(&self, asked: Asked) -> Result<(), RoomClosed> {
        self.inbox.send(asked).await.map_err(|_| RoomClosed)
    }

    /// The server's own command to the meeting.
    pub async fn command(&self, command: Command) -> Result<Result<(), Refusal>, RoomClosed> {
        let (done, answer) = oneshot::channel();
        self.ask(Asked::Server { command, done }).await?;
        answer.await.map_err(|_| RoomClosed)
    }

    /// What there is to see from outside: what has been stored, and nothing before.
    pub async fn look(&self, look: Look) -> Result<Looked, RoomClosed> {
        let (done, looked) = oneshot::channel();
        self.ask(Asked::Look { look, done }).await?;
        looked.await.map_err(|_| RoomClosed)
    }

    /// How many messages may wait for one connection.
    pub fn outbox_max(&self) -> usize {
        self.outbox_max
    }
}

/// What a room's task is started with.
pub(super) struct Start<M, J> {
    pub session: SessionId,
    pub room: Room,
    /// Hands an order to the session's shard.
    pub order: M,
    pub notices: mpsc::Receiver<Notice>,
    /// Leaves entries and snapshots for the journal; never waits.
    pub append: J,
    /// The last revision that the journal has stored.
    pub stored: watch::Receiver<Rev>,
    pub now: Now,
    /// Counts the peer connections of the process.
    pub peers: Arc<AtomicU64>,
    pub states: Arc<watch::Sender<States>>,
}

/// Starts the task; it ends when the last handle is dropped.
pub(super) fn spawn<M, J>(start: Start<M, J>) -> RoomHandle
where
    M: FnMut(Order) + Send + 'static,
    J: FnMut(ToKeep) + Send + 'static,
{
    let settings = start.room.settings();
    let outbox_max = settings.outbox_max.max(1);
    let (inbox, asked) = mpsc::channel(settings.inbox_max.max(1));
    let task = Task {
        start,
        links: BTreeMap::new(),
        lookers: BTreeMap::new(),
        looks: 0,
    };
    tokio::spawn(task.run(asked));
    RoomHandle { inbox, outbox_max }
}

struct Task<M, J> {
    start: Start<M, J>,
    links: BTreeMap<ConnectionId, Link>,
    /// Who waits for what it asked to see. Who no longer does is forgotten at the next look: while the
    /// disk stalls a room answers nobody.
    lookers: BTreeMap<LookId, oneshot::Sender<Looked>>,
    looks: u64,
}

impl<M: FnMut(Order), J: FnMut(ToKeep)> Task<M, J> {
    async fn run(mut self, mut asked: mpsc::Receiver<Asked>) {
        let mut media_ended = false;
        loop {
            let now = (self.start.now)();
            self.drain(now);
            let due = wait_until(now, self.start.room.next_deadline());
            let ready = self.start.room.is_ready();
            tokio::select! {
                // A journal that has ended stores nothing more: the room announces nothing more.
                Ok(()) = self.start.stored.changed() => {
                    let rev = *self.start.stored.borrow_and_update();
                    self.start.room.handle_stored(rev);
                }
                next = asked.recv(), if ready => match next {
                    Some(asked) => self.handle((self.start.now)(), asked),
                    None => return,
                },
                notice = self.start.notices.recv(), if !media_ended => match notice {
                    Some(notice) => self.start.room.handle_notice((self.start.now)(), notice),
                    None => {
                        media_ended = true;
                        tracing::error!(session = %self.start.session, "the media of a session has ended");
                    }
                },
                () = due => self.start.room.handle_timeout((self.start.now)()),
            }
        }
    }

    fn handle(&mut self, now: Timestamp, asked: Asked) {
        let room = &mut self.start.room;
        match asked {
            Asked::Join {
                connection,
                member,
                name,
                since,
                device,
                link,
            } => {
                self.links.insert(connection, link);
                room.handle_join(now, connection, member, name, since, device);
            }
            Asked::Leave { connection } => room.handle_leave(now, connection),
            Asked::Move { connection } => room.handle_move(now, connection),
            Asked::Gone { connection } => {
                self.links.remove(&connection);
                room.handle_disconnect(now, connection);
            }
            Asked::Expel { member } => room.handle_expelled(now, &member),
            Asked::Command {
                connection,
                command,
            } => {
                room.handle_command(now, connection, &command);
            }
            Asked::Snapshot { connection } => room.handle_snapshot(now, connection),
            Asked::Offer {
                connection,
                sdp,
                sending,
            } => {
                let peer = PeerId(self.start.peers.fetch_add(1, Ordering::Relaxed));
                room.handle_offer(now, connection, peer, sdp, sending);
            }
            Asked::Call {
                connection,
                member,
                purpose,
                sdp,
                sending,
                link,
            } => {
                self.links.insert(connection, link);
                let peer = PeerId(self.start.peers.fetch_add(1, Ordering::Relaxed));
                room.handle_call(now, connection, (member, purpose), peer, sdp, sending);
            }
            Asked::Restart {
                connection,
                ufrag,
                pwd,
            } => room.handle_restart(connection, ufrag, pwd),
            Asked::Candidate {
                connection,
                candidate,
            } => {
                room.handle_candidate(connection, candidate);
            }
            Asked::Ended { connection, source } => room.handle_ended(connection, source),
            Asked::View {
                connection,
                pictures,
            } => room.handle_view(connection, pictures),
            Asked::Server { command, done } => {
                // Whoever asked may have stopped waiting.
                let _unheard = done.send(room.handle_server(now, &command));
            }
            Asked::Look { look, done } => {
                let by = LookId(self.looks);
                self.looks = self.looks.wrapping_add(1);
                self.lookers.retain(|_, done| !done.is_closed());
                self.lookers.insert(by, done);
                room.handle_look(now, by, look);
            }
        }
    }

    fn drain(&mut self, now: Timestamp) {
        while let Some(output) = self.start.room.poll_output() {
            match output {
                Output::Order(order) => (self.start.order)(order),
                Output::Append(entries) => (self.start.append)(ToKeep::Entries(entries)),
                Output::Keep { rev, body } => {
                    (self.start.append)(ToKeep::Snapshot { rev, body });
                }
                Output::Tell { to, message } => match message.encode() {
                    Ok(text) => {
                        for connection in to {
                            self.tell(now, connection, Told::Text(Arc::clone(&text)));
                        }
                    }
                    Err(error) => tracing::error!(%error, "a message could not be written"),
                },
                Output::Answer { to, answer } => self.tell(now, to, Told::Answer(answer)),
                Output::Release {
                    connection,
                    parting,
                } => self.release(connection, parting),
                Output::Dismiss { connection, signal } => match Message::Signal(signal).encode() {
                    Ok(text) => {
                        self.tell(now, connection, Told::Dismissed(text));
                        self.links.remove(&connection);
                    }
                    Err(error) => tracing::error!(%error, "a message could not be written"),
                },
                Output::Looked { by, looked } => {
                    if let Some(done) = self.lookers.remove(&by) {
                        // Whoever asked may have stopped waiting.
                        let _unseen = done.send(*looked);
                    }
                }
                Output::Standing(standing) => self.start.states.send_modify(|states| {
                    states.insert(self.start.session.clone(), standing);
                }),
            }
        }
    }

    /// Never waits: who does not read is parted with, and may come back.
    fn tell(&mut self, now: Timestamp, connection: ConnectionId, told: Told) {
        let Some(link) = self.links.get(&connection) else {
            return;
        };
        match link.told.try_send(told) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                self.release(connection, Some(Parting::TooSlow));
                self.start.room.handle_disconnect(now, connection);
            }
            Err(TrySendError::Closed(_)) => {
                self.links.remove(&connection);
                self.start.room.handle_disconnect(now, connection);
            }
        }
    }

    fn release(&mut self, connection: ConnectionId, parting: Option<Parting>) {
        if let (Some(link), Some(parting)) = (self.links.remove(&connection), parting) {
            // A connection that has ended meanwhile needs no parting.
            let _ended = link.parting.try_send(parting);
        }
    }
}

async fn wait_until(now: Timestamp, deadline: Option<Timestamp>) {
    match deadline {
        // A millisecond at least: the clock counts whole ones.
        Some(deadline) => {
            tokio::time::sleep(Duration::from_millis(deadline.since(now).0.max(1))).await;
        }
        None => future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::{
        Settings,
        fixture::{START, live_room},
    };

    #[test]
    fn who_no_longer_waits_to_see_the_room_is_forgotten() {
        let (_media, notices) = mpsc::channel(1);
        let (_journal, stored) = watch::channel(Rev::default());
        let mut task = Task {
            start: Start {
                session: "session-1".parse().expect("a slug"),
                room: live_room("session-1", Settings::default()),
                order: |_: Order| {},
                notices,
                append: |_: ToKeep| {},
                stored,
                now: Arc::new(|| START),
                peers: Arc::new(AtomicU64::new(1)),
                states: Arc::new(watch::Sender::new(States::new())),
            },
            links: BTreeMap::new(),
            lookers: BTreeMap::new(),
            looks: 0,
        };
        for _ in 0..3 {
            let (done, looked) = oneshot::channel();
            let look = Look::State;
            task.handle(START, Asked::Look { look, done });
            drop(looked);
        }
        assert_eq!(task.lookers.len(), 1, "the last, until the next looks");
    }
}
