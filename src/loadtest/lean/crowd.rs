//! SHELL. The one thread of all lean receivers: reads their sockets, the clock once a turn, and sends
//! what they have to say.

use std::{
    collections::{HashMap, VecDeque},
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    os::fd::AsRawFd,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, SyncSender, TryRecvError},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    handshake::Identity,
    offer::{self, Credentials},
    receiver::{Plan, Receiver},
    waiting::{Batch, Epoll},
};
use crate::loadtest::{
    cipher::Cipher,
    histogram::Histogram,
    signalling::{self, Signalling},
    sockets::make_roomy,
    tally::Tally,
    weather::{Climate, Weather},
};

/// How often the receivers' timers are looked at. Feedback and requests may be so late.
const TICK: Duration = Duration::from_millis(10);

/// Comings and goings that the thread has not taken up; it does every [`TICK`]. One more is refused.
const ORDERS_MAX: usize = 4096;

/// Datagrams on their way at once, where they are made late; one more falls.
const DELAYED_MAX: usize = 200_000;

/// Why a lean receiver is not there.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The signalling's reason.
    #[error(transparent)]
    Signalling(#[from] signalling::Fault),
    /// The kernel's.
    #[error("no socket for a lean receiver: {0}")]
    Socket(#[from] io::Error),
    /// The crate's.
    #[error("no certificate for the lean receivers: {0}")]
    Certificate(String),
    /// The server's answer is none.
    #[error("the answer to a lean receiver's offer names no address that it reaches, or is none")]
    NoAnswer,
    /// The thread is gone, or does not keep up.
    #[error("the thread of the lean receivers does not take another")]
    Thread,
}

enum Order {
    Enter(u64, Box<Member>),
    Leave(u64),
}

/// Everybody in the back rows. The thread ends when the last copy and the last [`Place`] are gone.
#[derive(Clone)]
pub struct Crowd {
    orders: SyncSender<Order>,
    identity: Arc<Identity>,
    lateness: Arc<Mutex<Histogram>>,
    climate: Climate,
    opens: bool,
}

/// A receiver's place in the crowd; it leaves when this is dropped.
pub struct Place {
    number: u64,
    orders: SyncSender<Order>,
}

impl Crowd {
    /// Starts the thread. Packets are opened, or counted by their headers alone.
    ///
    /// # Errors
    /// When there is no thread, no descriptor or no certificate to be had.
    pub fn start(climate: Climate, opens: bool, cipher: Cipher) -> Result<Self, Fault> {
        let (orders, ordered) = mpsc::sync_channel(ORDERS_MAX);
        let lateness = Arc::new(Mutex::new(Histogram::default()));
        let mut turns = Turns {
            epoll: Epoll::new()?,
            members: HashMap::new(),
            delayed: VecDeque::new(),
            climate,
            lateness: Arc::clone(&lateness),
        };
        thread::Builder::new()
            .name("lean-receivers".to_owned())
            .spawn(move || turns.run(&ordered))?;
        Ok(Self {
            orders,
            identity: Arc::new(Identity::generate(cipher).map_err(Fault::Certificate)?),
            lateness,
            climate,
            opens,
        })
    }

    /// Offers so many slots and takes the server's answer. The way stands when the server says
    /// `media.connected`. The weather on its path is the `seat`'s.
    ///
    /// # Errors
    /// When the server refuses, or there is no socket.
    pub async fn enter(
        &self,
        signalling: &Signalling,
        (sound_slots, picture_slots): (usize, usize),
        seat: u64,
        tally: Arc<Mutex<Tally>>,
    ) -> Result<Place, Fault> {
        let (number, seed): (u64, u64) = (rand::random(), rand::random());
        let ours = Credentials {
            ufrag: format!("{:08x}", rand::random::<u32>()),
            pwd: format!("{:032x}", rand::random::<u128>()),
        };
        let fingerprint = &self.identity.fingerprint;
        let sdp = offer::offer(&ours, fingerprint, sound_slots, picture_slots);
        let answer = signalling
            .ask(json!({"type": "media.offer", "sdp": sdp, "sending": []}))
            .await?;
        let local: IpAddr = signalling.local();
        let answer = answer["sdp"].as_str().and_then(offer::read);
        let answer = answer.ok_or(Fault::NoAnswer)?;
        let server = answer.reached_from(local).ok_or(Fault::NoAnswer)?;
        let socket = UdpSocket::bind(SocketAddr::new(local, 0))?;
        socket.connect(server)?;
        socket.set_nonblocking(true)?;
        make_roomy(socket.as_raw_fd());
        let plan = Plan {
            local: socket.local_addr()?,
            server,
            ours,
            answer,
            seed,
            round_trip: self.climate.rtt,
            opens: self.opens,
            tally,
        };
        let receiver = Receiver::new(now(), Arc::clone(&self.identity), plan);
        let newcomer = Member {
            receiver,
            socket,
            inbound: Weather::new(self.climate, 2 * seat),
            outbound: Weather::new(self.climate, 2 * seat + 1),
        };
        self.orders
            .try_send(Order::Enter(number, Box::new(newcomer)))
            .map_err(|_| Fault::Thread)?;
        Ok(Place {
            number,
            orders: self.orders.clone(),
        })
    }

    /// How late the thread came to its turns.
    pub fn lateness(&self) -> Histogram {
        let lateness = self.lateness.lock();
        lateness.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A full queue or no thread: the socket stays until the process ends, which is soon.
        let _stays = self.orders.try_send(Order::Leave(self.number));
    }
}

struct Member {
    receiver: Receiver,
    socket: UdpSocket,
    inbound: Weather,
    outbound: Weather,
}

impl Member {
    fn send(&self, datagram: &[u8]) {
        // A full buffer drops it as a network would.
        let _fell = self.socket.send(datagram);
    }
}

/// A datagram on its way.
struct Delayed {
    due: Instant,
    number: u64,
    inbound: bool,
    datagram: Vec<u8>,
}

struct Turns {
    epoll: Epoll,
    members: HashMap<u64, Member>,
    /// All are late by the same time, so the first is due first.
    delayed: VecDeque<Delayed>,
    climate: Climate,
    lateness: Arc<Mutex<Histogram>>,
}

impl Turns {
    fn run(&mut self, ordered: &mpsc::Receiver<Order>) {
        let mut batch = Batch::new();
        let mut tick_at = now();
        loop {
            let before = now();
            let due = self.delayed.front().map_or(tick_at, |first| first.due);
            let longest = due.min(tick_at).saturating_duration_since(before);
            let readable: Vec<u64> = self.epoll.wait(longest).collect();
            let now = now();
            for number in readable {
                let Some(member) = self.members.get_mut(&number) else {
                    continue;
                };
                for datagram in batch.receive(&member.socket) {
                    if member.inbound.fells() {
                        continue;
                    }
                    if self.climate.rtt.is_zero() {
                        member.receiver.handle(now, datagram);
                    } else if self.delayed.len() < DELAYED_MAX {
                        self.delayed.push_back(Delayed {
                            due: now + self.climate.delay(),
                            number,
                            inbound: true,
                            datagram: datagram.to_vec(),
                        });
                    }
                }
                self.send(now, number);
            }
            self.arrive(now);
            if tick_at <= now {
                let late = now.saturating_duration_since(tick_at);
                let mut lateness = self.lateness.lock().unwrap_or_else(PoisonError::into_inner);
                lateness.record(late);
                drop(lateness);
                tick_at = now + TICK;
                if !self.take_orders(ordered) {
                    return;
                }
                let numbers: Vec<u64> = self.members.keys().copied().collect();
                for number in numbers {
                    if let Some(member) = self.members.get_mut(&number) {
                        member.receiver.handle_timeout(now);
                    }
                    self.send(now, number);
                }
            }
        }
    }

    /// Sends what a receiver has to say.
    fn send(&mut self, now: Instant, number: u64) {
        let Some(member) = self.members.get_mut(&number) else {
            return;
        };
        while let Some(datagram) = member.receiver.poll_transmit() {
            if member.outbound.fells() {
                continue;
            }
            if self.climate.rtt.is_zero() {
                member.send(&datagram);
            } else if self.delayed.len() < DELAYED_MAX {
                self.delayed.push_back(Delayed {
                    due: now + self.climate.delay(),
                    number,
                    inbound: false,
                    datagram,
                });
            }
        }
    }

    /// Lets arrive what has been on its way for long enough.
    fn arrive(&mut self, now: Instant) {
        while let Some(first) = self.delayed.pop_front_if(|first| first.due <= now) {
            let Some(member) = self.members.get_mut(&first.number) else {
                continue;
            };
            if first.inbound {
                member.receiver.handle(now, &first.datagram);
                self.send(now, first.number);
            } else {
                member.send(&first.datagram);
            }
        }
    }

    /// False when nobody can come any more.
    fn take_orders(&mut self, ordered: &mpsc::Receiver<Order>) -> bool {
        loop {
            match ordered.try_recv() {
                Ok(Order::Enter(number, member)) => {
                    if let Err(why) = self.epoll.watch(&member.socket, number) {
                        tracing::warn!("a lean receiver hears nothing: {why}");
                    }
                    self.members.insert(number, *member);
                }
                Ok(Order::Leave(number)) => {
                    self.members.remove(&number);
                }
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the bots measure real time")]
fn now() -> Instant {
    Instant::now()
}
