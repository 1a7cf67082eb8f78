//! SHELL. One thread per shard: sockets in, shard, sockets out; one clock reading a batch.
//!
//! All input that has arrived is read before output is written, up to a bound: a server that
//! loses packets loses them first at its own input, for everybody at once. A shell has no
//! opinion: what a datagram or an order means is the shard's.

mod buffers;
mod doors;
mod frames;
mod outbox;
mod strangers;
mod tcp;
mod waiting;

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, TryRecvError, sync_channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

pub use buffers::{Granted, size_buffers};
use doors::Doors;
pub use doors::{Port, Protocol, TcpPort};
use outbox::Outbox;
use rand::{SeedableRng, rngs::StdRng};
use tcp::Tcp;
use tokio::sync::mpsc;

use super::{
    Counts, Notice, Order, SessionKey,
    batch::{Incoming, Outgoing},
    shard::{
        self, DATAGRAM_BYTES_MAX, Shard,
        transport::{Identity, Via},
    },
};

/// Orders that wait for a shard at most. A room that meets a full queue waits: its orders must not
/// be lost, and the shard empties the queue at each turn.
const ORDERS_MAX: usize = 4096;
/// Notices in a room's queue at most. While it is full they wait in the shard's [`Outbox`].
const NOTICES_MAX: usize = 1024;
/// Batches read in a row before anything is sent.
const BATCHES_IN_A_ROW: usize = 4;
/// Orders in a row that take the shard long, as offers do: sound does not wait for a crowd that comes.
const LONG_ORDERS_IN_A_ROW: usize = 4;
/// Longest sleep without a deadline.
const SLEEP_MAX: Duration = Duration::from_secs(1);
/// How often what was counted is shown.
const SHOW_COUNTS: Duration = Duration::from_millis(100);
/// While a frame is gathered, what has come is looked at this often.
const GATHER_STEP: Duration = Duration::from_micros(250);
/// The longest that is gathered, in µs: members would hear it.
const GATHER_US_MAX: u32 = 2000;

/// Settings of the media plane.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Addresses that clients reach the media ports at, each a local address of this machine, 1 to
    /// 8. Empty in a settings file: whoever starts the media plane chooses.
    pub addresses: Vec<IpAddr>,
    /// Where clients reach those from outside, one for each in their order: for a server behind
    /// one-to-one address translation. Empty: at the addresses themselves.
    pub public_addresses: Vec<IpAddr>,
    /// UDP port of the first shard; the others follow. 0: any free port for each.
    pub port: u16,
    /// TCP port of the first shard, for clients whom UDP does not reach; the others follow.
    pub tcp_port: TcpPort,
    /// Threads that forward media. A session lives on one.
    pub shards: u16,
    /// How long the packets of a picture's frame wait for those that are still to come, in µs, 0 to
    /// 2,000: together they leave at half the cost. The last one waits for nothing, and sound never
    /// waits but for such a frame.
    pub gather_us: u32,
    /// Kernel buffer asked for in each direction of each UDP socket, in bytes. The system may grant
    /// less, which is no error.
    pub socket_buffer_bytes: u32,
    /// Settings of each shard.
    pub shard: shard::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            addresses: Vec::new(),
            public_addresses: Vec::new(),
            port: 7882,
            tcp_port: TcpPort::Same,
            shards: 1,
            gather_us: 500,
            // Half a second of a full plenary.
            socket_buffer_bytes: 4 * 1024 * 1024,
            shard: shard::Settings::default(),
        }
    }
}

impl Settings {
    /// Whether media can be started with them, once the addresses are chosen.
    ///
    /// # Errors
    /// What contradicts itself.
    pub fn check(&self) -> Result<(), Fault> {
        if self.addresses.is_empty() || self.addresses.len() > 8 {
            return Err(Fault::Settings("media needs 1 to 8 addresses"));
        }
        let public = &self.public_addresses;
        if !public.is_empty() && public.len() != self.addresses.len() {
            return Err(Fault::Settings(
                "media.public_addresses needs one for each of media.addresses, in their order",
            ));
        }
        let mut all = self.addresses.iter().chain(public);
        if all.any(IpAddr::is_unspecified) {
            return Err(Fault::Settings(
                "a media address must be one that clients can reach, not 0.0.0.0 or [::]",
            ));
        }
        if self.gather_us > GATHER_US_MAX {
            return Err(Fault::Settings("media.gather_us is 2000 at most"));
        }
        if self.shards == 0 {
            return Err(Fault::Settings("media needs at least one shard"));
        }
        Ok(())
    }
}

/// Why the media plane cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A socket cannot be had.
    #[error("cannot open UDP {0} for media: {1}")]
    Bind(SocketAddr, #[source] io::Error),
    /// A listening socket cannot be had.
    #[error("cannot open TCP {0} for media: {1}; media.tcp_port chooses another, or none")]
    Listen(SocketAddr, #[source] io::Error),
    /// The settings contradict themselves.
    #[error("{0}")]
    Settings(&'static str),
    /// The platform refuses a thread, entropy or a certificate.
    #[error("media cannot start: {0}")]
    Platform(String),
}

enum Message {
    Open(SessionKey, mpsc::Sender<Notice>),
    Order(SessionKey, Order),
    End(SessionKey),
}

struct ShardHandle {
    messages: SyncSender<Message>,
    bell: Arc<OwnedFd>,
    sessions: AtomicUsize,
    addresses: Vec<SocketAddr>,
    counts: Arc<Mutex<Counts>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The running shards. Dropping it ends their threads.
pub struct Media {
    shards: Arc<[ShardHandle]>,
    next_session: AtomicU32,
}

/// A room's way to the shard that owns its session. Dropping it ends the session's media.
pub struct SessionMedia {
    key: SessionKey,
    shards: Arc<[ShardHandle]>,
    place: usize,
}

impl Media {
    /// Opens the sockets and starts a thread a shard.
    ///
    /// # Errors
    /// A port in use, an address that is not this machine's, nonsense in the settings.
    pub fn start(settings: &Settings) -> Result<Self, Fault> {
        settings.check()?;
        let identity = Identity::generate().map_err(Fault::Platform)?;
        let shards = (0..settings.shards)
            .map(|number| start_shard(settings, number, identity.clone()))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            shards: shards.into(),
            next_session: AtomicU32::new(1),
        })
    }

    /// The addresses that media is received at, shard by shard.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.shards
            .iter()
            .flat_map(|shard| shard.addresses.iter().copied())
    }

    /// What each shard has counted, as of a tenth of a second ago at most.
    pub fn counts(&self) -> Vec<Counts> {
        let shown =
            |shard: &ShardHandle| *shard.counts.lock().unwrap_or_else(PoisonError::into_inner);
        self.shards.iter().map(shown).collect()
    }

    /// Gives a new session to the shard that has the fewest peers, of several such to the one with
    /// the fewest sessions. The receiver yields its notices.
    pub fn open_session(&self) -> (SessionMedia, mpsc::Receiver<Notice>) {
        let peers = self.counts().into_iter().map(|counts| counts.peers);
        let load =
            |(shard, peers): (&ShardHandle, usize)| (peers, shard.sessions.load(Ordering::Relaxed));
        let place = least_loaded(self.shards.iter().zip(peers).map(load));
        let (notices, receiver) = mpsc::channel(NOTICES_MAX);
        let session = SessionMedia {
            key: SessionKey(self.next_session.fetch_add(1, Ordering::Relaxed)),
            shards: self.shards.clone(),
            place,
        };
        if let Some(shard) = session.shards.get(place) {
            shard.sessions.fetch_add(1, Ordering::Relaxed);
            shard.send(Message::Open(session.key, notices));
        }
        (session, receiver)
    }
}

/// The first of the smallest.
fn least_loaded(loads: impl Iterator<Item = (usize, usize)>) -> usize {
    loads
        .enumerate()
        .min_by_key(|(_, load)| *load)
        .map_or(0, |(place, _)| place)
}

impl SessionMedia {
    /// Hands an order to the shard. Orders are carried out in the order given.
    pub fn order(&self, order: Order) {
        if let Some(shard) = self.shards.get(self.place) {
            shard.send(Message::Order(self.key, order));
        }
    }
}

impl Drop for SessionMedia {
    fn drop(&mut self) {
        if let Some(shard) = self.shards.get(self.place) {
            shard.sessions.fetch_sub(1, Ordering::Relaxed);
            shard.send(Message::End(self.key));
        }
    }
}

impl ShardHandle {
    fn send(&self, message: Message) {
        // A shard that has stopped has no media left to order.
        if self.messages.send(message).is_ok() {
            ring(&self.bell);
        }
    }
}

impl Drop for ShardHandle {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        ring(&self.bell);
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so itself.
            let _ = thread.join();
        }
    }
}

/// Wakes the shard's thread from its sleep.
fn ring(bell: &OwnedFd) {
    let one = 1_u64.to_ne_bytes();
    #[expect(unsafe_code, reason = "an eventfd takes eight bytes, which are here")]
    // A full counter means that it is ringing already.
    let _ = unsafe { libc::write(bell.as_raw_fd(), one.as_ptr().cast(), one.len()) };
}

fn new_bell() -> io::Result<OwnedFd> {
    #[expect(unsafe_code, reason = "the descriptor is new and owned from here on")]
    unsafe {
        let descriptor = libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC);
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(OwnedFd::from_raw_fd(descriptor))
    }
}

fn start_shard(settings: &Settings, number: u16, identity: Identity) -> Result<ShardHandle, Fault> {
    let platform = |error: &dyn std::fmt::Display| Fault::Platform(error.to_string());
    let Doors { sockets, listeners } = doors::open(settings, number)?;
    let local = |address: io::Result<SocketAddr>| address.map_err(|error| platform(&error));
    let addresses = sockets.iter().map(|socket| local(socket.local_addr()));
    let addresses = addresses.collect::<Result<Vec<_>, _>>()?;
    let tcp_addresses = listeners
        .iter()
        .map(|listener| local(listener.local_addr()));
    let tcp_addresses = tcp_addresses.collect::<Result<Vec<_>, _>>()?;
    for socket in &sockets {
        // The kernel grants what its limits allow; less is no error.
        let _granted = size_buffers(socket, settings.socket_buffer_bytes);
    }
    let mut seed = [0; 32];
    aws_lc_rs::rand::fill(&mut seed).map_err(|_| platform(&"no entropy"))?;
    let bell = Arc::new(new_bell().map_err(|error| platform(&error))?);
    let (messages, inbox) = sync_channel(ORDERS_MAX);
    let stop = Arc::new(AtomicBool::new(false));
    let mut shard = Shard::new(
        now(),
        settings.shard.clone(),
        identity,
        addresses.as_slice().into(),
        StdRng::from_seed(seed),
    );
    // Address translation that is one-to-one keeps the port.
    let public = |locals: &[SocketAddr]| -> Arc<[SocketAddr]> {
        match settings.public_addresses.as_slice() {
            [] => locals.into(),
            public => public
                .iter()
                .zip(locals)
                .map(|(ip, local)| SocketAddr::new(*ip, local.port()))
                .collect(),
        }
    };
    shard.announce(public(&addresses));
    shard.accept_tcp(tcp_addresses.as_slice().into(), public(&tcp_addresses));
    let tcp = Tcp::new(now(), listeners).map_err(|error| platform(&error))?;
    let incoming = Incoming::new();
    for socket in &sockets {
        // A kernel without it gives datagrams one by one.
        incoming.take_runs(socket);
    }
    let counts = Arc::new(Mutex::new(Counts::default()));
    let mut worker = Worker {
        shard,
        outgoing: sockets.iter().map(Outgoing::new).collect(),
        watched: sockets
            .iter()
            .map(AsRawFd::as_raw_fd)
            .chain([bell.as_raw_fd(), tcp.as_raw_fd()])
            .map(|fd| libc::pollfd {
                fd,
                events: libc::POLLIN,
                revents: 0,
            })
            .collect(),
        sockets,
        tcp,
        incoming,
        counted: Counts::default(),
        counts: counts.clone(),
        show_counts_at: now(),
        inbox,
        bell: bell.clone(),
        rooms: HashMap::new(),
        busy: false,
        gather: Duration::from_micros(settings.gather_us.into()),
        stop: stop.clone(),
    };
    let thread = std::thread::Builder::new()
        .name(format!("shard-{number}"))
        .spawn(move || worker.run())
        .map_err(|error| platform(&error))?;
    Ok(ShardHandle {
        messages,
        bell,
        sessions: AtomicUsize::new(0),
        addresses,
        counts,
        stop,
        thread: Some(thread),
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the shard's only clock reading, once a batch"
)]
fn now() -> Instant {
    Instant::now()
}

struct Worker {
    shard: Shard,
    sockets: Vec<UdpSocket>,
    tcp: Tcp,
    incoming: Incoming,
    outgoing: Vec<Outgoing>,
    /// What this file counts itself.
    counted: Counts,
    counts: Arc<Mutex<Counts>>,
    show_counts_at: Instant,
    inbox: Receiver<Message>,
    bell: Arc<OwnedFd>,
    /// What wakes the thread: each socket, the bell, and TCP, the last.
    watched: Vec<libc::pollfd>,
    rooms: HashMap<SessionKey, Outbox>,
    /// Orders wait that were left for the next turn.
    busy: bool,
    /// How long a frame's rest is waited for.
    gather: Duration,
    stop: Arc<AtomicBool>,
}

impl Worker {
    fn run(&mut self) {
        while !self.stop.load(Ordering::Relaxed) {
            self.sleep();
            let now = now();
            if !self.take_messages(now) {
                break;
            }
            self.receive(now);
            self.gather(now);
            self.shard.handle_timeout(now);
            self.flush();
            self.show_counts(now);
        }
        self.flush();
    }

    /// Until a datagram, an order or a deadline.
    fn sleep(&mut self) {
        let now = now();
        let mut wait = self
            .shard
            .next_deadline()
            .map_or(SLEEP_MAX, |at| at.saturating_duration_since(now))
            .min(SLEEP_MAX);
        if self.rooms.values().any(Outbox::is_waiting) {
            wait = wait.min(Duration::from_millis(5));
        }
        if self.busy {
            wait = Duration::ZERO;
        }
        let milliseconds = i32::try_from(wait.as_micros().div_ceil(1000)).unwrap_or(1000);
        let count = self.watched.len() as u64;
        #[expect(unsafe_code, reason = "poll reads and writes the vector's elements")]
        unsafe {
            libc::poll(self.watched.as_mut_ptr(), count, milliseconds);
        }
    }

    /// Waits for the rest of a picture's frame, as long as may be gathered: what comes together leaves
    /// as one run to each receiver, which costs half.
    fn gather(&mut self, began: Instant) {
        let mut now = began;
        while self.shard.is_within_frame() {
            let gathered = now.saturating_duration_since(began);
            let Some(left) = self
                .gather
                .checked_sub(gathered)
                .filter(|left| !left.is_zero())
            else {
                return;
            };
            #[expect(
                clippy::disallowed_methods,
                reason = "to wake for each packet that is awaited costs what waiting is to save"
            )]
            std::thread::sleep(left.min(GATHER_STEP));
            now = self::now();
            self.receive(now);
        }
    }

    /// False when nobody can send any more.
    fn take_messages(&mut self, now: Instant) -> bool {
        let mut count = [0_u8; 8];
        #[expect(unsafe_code, reason = "an eventfd gives eight bytes")]
        // An error means that it had not been rung.
        let _ = unsafe { libc::read(self.bell.as_raw_fd(), count.as_mut_ptr().cast(), 8) };
        let mut long = 0;
        self.busy = false;
        loop {
            if long == LONG_ORDERS_IN_A_ROW {
                self.busy = true;
                return true;
            }
            match self.inbox.try_recv() {
                Ok(Message::Open(key, notices)) => {
                    self.rooms.insert(key, Outbox::new(notices));
                }
                Ok(Message::Order(key, order)) => {
                    let is_long = matches!(order, Order::Offer { .. } | Order::Restart { .. });
                    self.shard.handle_order(now, key, order);
                    long += usize::from(is_long);
                }
                Ok(Message::End(key)) => {
                    self.shard.handle_session_end(now, key);
                    self.rooms.remove(&key);
                }
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn receive(&mut self, now: Instant) {
        for place in 0..self.sockets.len() {
            let Ok(local) = u8::try_from(place) else {
                return;
            };
            for _ in 0..BATCHES_IN_A_ROW {
                // Errors of a UDP socket are those of datagrams sent before (an ICMP answer):
                // nothing to do but to read on at the next turn.
                let received = self.incoming.receive(&self.sockets[place]);
                if received.is_ok() {
                    let shard = &mut self.shard;
                    self.incoming
                        .each(|from, datagram| shard.handle_datagram(now, local, from, datagram));
                }
                if !self.incoming.is_full() {
                    break;
                }
            }
        }
        let news = self.watched.last().is_some_and(|tcp| tcp.revents != 0);
        self.tcp.receive(now, news, &mut self.shard);
    }

    /// Sends all datagrams and notices that the shard has ready.
    fn flush(&mut self) {
        // Datagrams are made in place for the first socket, mostly the only one.
        let Some((first, others)) = self.outgoing.split_first_mut() else {
            return;
        };
        loop {
            if first.is_full(DATAGRAM_BYTES_MAX) {
                first.send(&self.sockets[0]);
            }
            let free = first.free(DATAGRAM_BYTES_MAX);
            let Some(transmit) = free.and_then(|free| self.shard.poll_transmit(free)) else {
                break;
            };
            let (place, remote) = (usize::from(transmit.path.local), transmit.path.remote);
            if transmit.path.via == Via::Tcp {
                if let Some(made) = first.free(DATAGRAM_BYTES_MAX) {
                    self.counted.packets_sent += 1;
                    self.counted.bytes_sent += transmit.length as u64;
                    self.tcp.send(transmit.path, &made[..transmit.length]);
                }
            } else if place == 0 {
                first.commit(transmit.length, remote);
            } else if let Some(batch) = others.get_mut(place - 1) {
                if batch.is_full(DATAGRAM_BYTES_MAX) {
                    batch.send(&self.sockets[place]);
                }
                let made = first.free(transmit.length);
                if let (Some(made), Some(free)) = (made, batch.free(transmit.length)) {
                    free.copy_from_slice(made);
                    batch.commit(transmit.length, remote);
                }
            }
        }
        for (batch, socket) in self.outgoing.iter_mut().zip(&self.sockets) {
            if !batch.is_empty() {
                batch.send(socket);
            }
        }
        self.tcp.flush();
        while let Some((key, notice)) = self.shard.poll_notice() {
            if let Some(room) = self.rooms.get_mut(&key) {
                room.send(notice);
            }
        }
        for room in self.rooms.values_mut() {
            room.deliver();
        }
    }

    /// Shows what was counted to whoever watches.
    fn show_counts(&mut self, now: Instant) {
        if now < self.show_counts_at {
            return;
        }
        self.show_counts_at = now + SHOW_COUNTS;
        for batch in &mut self.outgoing {
            let sent = batch.take_counts();
            self.counted.packets_sent += sent.packets;
            self.counted.packets_in_runs += sent.packets;
            self.counted.bytes_sent += sent.bytes;
            self.counted.packets_refused += sent.refused;
            for (all, some) in self.counted.runs.iter_mut().zip(sent.runs) {
                *all += some;
            }
        }
        let counts = Counts {
            packets_sent: self.counted.packets_sent,
            bytes_sent: self.counted.bytes_sent,
            packets_refused: self.counted.packets_refused,
            runs: self.counted.runs,
            packets_in_runs: self.counted.packets_in_runs,
            receive_drops: self.sockets.iter().map(dropped).sum(),
            cpu: processor_time(),
            ..self.shard.counts()
        };
        // Whoever reads holds the lock for a copy's time; the next showing says the same and more.
        if let Ok(mut shown) = self.counts.try_lock() {
            *shown = counts;
        }
    }
}

/// How many datagrams the kernel has dropped for want of room in a socket's buffer.
fn dropped(socket: &UdpSocket) -> u64 {
    const DROPS: usize = 8;
    let mut memory = [0_u32; DROPS + 1];
    let mut length = size_of_val(&memory) as u32;
    #[expect(
        unsafe_code,
        reason = "the kernel writes as much as is said to be there"
    )]
    let done = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_MEMINFO,
            memory.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if done == 0 {
        u64::from(memory[DROPS])
    } else {
        0
    }
}

/// What this thread has used.
fn processor_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    #[expect(unsafe_code, reason = "the kernel writes one timespec, which is here")]
    // It cannot fail for the calling thread's own clock.
    unsafe {
        libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time);
    }
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_goes_where_the_fewest_peers_are() {
        let choose = |loads: &[(usize, usize)]| least_loaded(loads.iter().copied());
        assert_eq!(choose(&[(0, 0), (0, 0)]), 0);
        assert_eq!(choose(&[(0, 1), (0, 0)]), 1, "nobody has come yet");
        assert_eq!(choose(&[(60, 1), (3, 4)]), 1, "four small ones are less");
        assert_eq!(choose(&[]), 0);
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "what is counted is shown from time to time, and nobody is told"
    )]
    fn sessions_are_spread_over_shards_and_what_they_do_is_counted() {
        let settings = Settings {
            addresses: vec![[127, 0, 0, 1].into()],
            port: 0,
            shards: 3,
            ..Settings::default()
        };
        let media = Media::start(&settings).expect("free ports");
        let held: Vec<_> = (0..3).map(|_| media.open_session().0).collect();
        let mut places: Vec<usize> = held.iter().map(|session| session.place).collect();
        places.sort_unstable();
        assert_eq!(places, [0, 1, 2]);
        drop(held);
        let to = media.addresses().nth(1).expect("the second shard's");
        let stranger = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let end = now() + Duration::from_secs(5);
        while media.counts()[1].packets_received == 0 {
            assert!(now() < end, "counted within 5 s");
            stranger.send_to(&[0; 20], to).expect("sent");
            std::thread::sleep(Duration::from_millis(10));
        }
        let counts = media.counts();
        assert_eq!(counts[0].packets_received, 0);
        assert_eq!(counts[1].packets_sent, 0, "a stranger gets no answer");
        assert!(counts[1].cpu > Duration::ZERO);
    }
}
