//! The cable between a browser and the server, which a test can pull: a relay for the page and its
//! signalling (TCP), and one for media (UDP).
//!
//! So that media takes it too, the relay puts its own port into the answers that the server sends,
//! and turns the candidates that the browser sends into ones which the server ignores: it must not
//! find a way around the cable. A cable may also lose every datagram, as where a network lets no UDP
//! through, and carry media's TCP instead. Loopback only. Knows the frames of a WebSocket and nothing of what
//! is said in them beyond that.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream, UdpSocket,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::{mpsc, watch},
    task::JoinSet,
    time::Instant,
};

use super::server::Server;

/// Ways of a browser's media at once: a few connections from a few addresses. More are not carried.
const WAYS_MAX: usize = 64;

/// What the cable carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carries {
    Everything,
    /// TCP connections are reset, new ones at once.
    MediaAlone,
    /// Nothing passes and nothing ends: connections stay open and hear nothing, datagrams are lost.
    Nothing,
}

/// What becomes of datagrams on the way, in each direction.
#[derive(Debug, Clone, Copy, Default)]
pub struct Conditions {
    /// The share that is lost.
    pub loss: f64,
    /// How long each takes.
    pub delay: Duration,
    /// Bits a second towards the browser at most.
    pub rate: Option<u64>,
}

/// How long a datagram waits before a bottleneck at most; one that would wait longer is lost.
const QUEUE_MAX: Duration = Duration::from_millis(300);
/// Datagrams on the way in one direction at most.
const ON_THE_WAY_MAX: usize = 4096;

/// Counts what [`Cable::forget_media`] was told.
type Forgotten = watch::Receiver<u64>;

/// A cable between one browser and the server; cut when dropped.
pub struct Cable {
    /// Where the page is reached through it.
    http: SocketAddr,
    /// Where it ends.
    server: SocketAddr,
    carries: watch::Sender<Carries>,
    forgotten: watch::Sender<u64>,
    conditions: watch::Sender<Conditions>,
    /// Datagrams that came to where none passes.
    lost: Arc<AtomicU64>,
    _relays: JoinSet<()>,
}

impl Cable {
    /// Lays one to the server, whose media port must have five digits as the cable's own has: an
    /// answer keeps its length.
    pub async fn lay(server: &Server) -> Self {
        Self::lay_one(server, true).await
    }

    /// Lays one that lets no datagram through: media has to find its way over TCP.
    pub async fn lay_without_udp(server: &Server) -> Self {
        Self::lay_one(server, false).await
    }

    async fn lay_one(server: &Server, udp: bool) -> Self {
        let [server, media] = server.addresses();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let http = listener.local_addr().expect("an address");
        let (socket, streams) = free_for_both().await;
        let rewriting = Rewriting {
            server_media: media.port(),
            cable_media: socket.local_addr().expect("an address").port(),
        };
        rewriting.check();
        let (carries, _) = watch::channel(Carries::Everything);
        let (forgotten, _) = watch::channel(0);
        let (conditions, _) = watch::channel(Conditions::default());
        let mut relays = JoinSet::new();
        relays.spawn(relay_tcp(listener, server, rewriting, carries.subscribe()));
        let lost = Arc::new(AtomicU64::new(0));
        if udp {
            relays.spawn(relay_udp(
                Arc::new(socket),
                media,
                carries.subscribe(),
                forgotten.subscribe(),
                conditions.subscribe(),
            ));
        } else {
            relays.spawn(lose(socket, Arc::clone(&lost)));
            relays.spawn(relay_streams(streams, media));
        }
        Self {
            http,
            server,
            carries,
            forgotten,
            conditions,
            lost,
            _relays: relays,
        }
    }

    /// The same link, reached through the cable.
    pub fn link(&self, url: &str) -> String {
        let server = self.server.to_string();
        assert!(url.contains(&server), "{url} is not of {server}");
        url.replacen(&server, &self.http.to_string(), 1)
    }

    /// How many datagrams have been lost where none passes.
    pub fn lost_datagrams(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Resets every TCP connection and each new one for that long; media goes on.
    pub async fn drop_signalling(&self, time: Duration) {
        self.carries.send_replace(Carries::MediaAlone);
        tokio::time::sleep(time).await;
        self.carries.send_replace(Carries::Everything);
    }

    /// The ways that media takes now carry nothing any more, as when a firewall forgets them; new
    /// ones do, and so does signalling.
    pub fn forget_media(&self) {
        self.forgotten.send_modify(|times| *times += 1);
    }

    /// Media takes a worse way from now on, or a better one again.
    pub fn put_through(&self, conditions: Conditions) {
        self.conditions.send_replace(conditions);
    }

    /// Nothing passes any more, and nobody is told.
    pub fn pull(&self) {
        self.carries.send_replace(Carries::Nothing);
    }

    /// What waits in open connections passes, and all that comes after.
    pub fn plug(&self) {
        self.carries.send_replace(Carries::Everything);
    }
}

/// A free port for media, of both kinds.
async fn free_for_both() -> (UdpSocket, TcpListener) {
    loop {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let address = socket.local_addr().expect("an address");
        if let Ok(listener) = TcpListener::bind(address).await {
            return (socket, listener);
        }
    }
}

/// The hole that datagrams fall into.
async fn lose(socket: UdpSocket, lost: Arc<AtomicU64>) {
    let mut datagram = vec![0; 2048];
    loop {
        if socket.recv_from(&mut datagram).await.is_ok() {
            lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Carries media's streams, whatever is in them.
async fn relay_streams(listener: TcpListener, server: SocketAddr) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (mut browser, _) = accepted.expect("a listening socket");
                connections.spawn(async move {
                    let Ok(mut server) = TcpStream::connect(server).await else {
                        return; // It is not running.
                    };
                    for stream in [&browser, &server] {
                        stream.set_nodelay(true).expect("an option");
                    }
                    // Either end may be gone first.
                    let _ended = tokio::io::copy_bidirectional(&mut browser, &mut server).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn relay_tcp(
    listener: TcpListener,
    server: SocketAddr,
    rewriting: Rewriting,
    carries: watch::Receiver<Carries>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (browser, _) = accepted.expect("a listening socket");
                connections.spawn(relay_connection(browser, server, rewriting, carries.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn relay_connection(
    mut browser: TcpStream,
    server: SocketAddr,
    rewriting: Rewriting,
    mut carries: watch::Receiver<Carries>,
) {
    let mut dropped = carries.clone();
    let carried = async {
        let_through(&mut carries).await;
        let Ok(mut server) = TcpStream::connect(server).await else {
            return false; // It is not running.
        };
        let (from_browser, to_browser) = browser.split();
        let (from_server, to_server) = server.split();
        let there = carry(from_browser, to_server, rewriting, carries.clone());
        let back = carry(from_server, to_browser, rewriting, carries.clone());
        tokio::join!(there, back);
        true
    };
    let farewell = tokio::select! {
        carried = carried => carried,
        _ = dropped.wait_for(|carries| *carries == Carries::MediaAlone) => false,
    };
    if !farewell {
        // Reset rather than ended. One that has ended by itself needs neither.
        let _ended = browser.set_zero_linger();
    }
}

/// Carries one direction until its end, which it passes on.
async fn carry(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    rewriting: Rewriting,
    mut carries: watch::Receiver<Carries>,
) {
    let mut frames = Frames::new(rewriting);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut buffer).await.unwrap_or(0);
        let_through(&mut carries).await;
        if read == 0 {
            // The other end may be gone already.
            let _gone = to.shutdown().await;
            return;
        }
        if to.write_all(&frames.pass(&buffer[..read])).await.is_err() {
            return;
        }
    }
}

/// Waits while the cable is pulled.
async fn let_through(carries: &mut watch::Receiver<Carries>) {
    // An error is the end of the cable, and of this task with it.
    let _cut = carries
        .wait_for(|carries| *carries != Carries::Nothing)
        .await;
}

/// Each address of the browser's has a socket of its own towards the server, as behind a router.
async fn relay_udp(
    socket: Arc<UdpSocket>,
    server: SocketAddr,
    carries: watch::Receiver<Carries>,
    mut forgotten: Forgotten,
    conditions: watch::Receiver<Conditions>,
) {
    // One without a socket is forgotten.
    let mut ways: HashMap<SocketAddr, Option<Line>> = HashMap::new();
    let mut backward = JoinSet::new();
    let mut datagram = vec![0; 2048];
    loop {
        if forgotten.has_changed().unwrap_or(false) {
            forgotten.mark_unchanged();
            backward.abort_all();
            ways.values_mut().for_each(|way| *way = None);
        }
        // An error tells of an earlier datagram that found nobody.
        let Ok((length, browser)) = socket.recv_from(&mut datagram).await else {
            continue;
        };
        if *carries.borrow() == Carries::Nothing {
            continue;
        }
        if !ways.contains_key(&browser) {
            if ways.len() == WAYS_MAX {
                continue;
            }
            let way = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
                .await
                .expect("a free port");
            way.connect(server).await.expect("an address of ours");
            let way = Arc::new(way);
            let there = Line::new(&mut backward, Arc::clone(&way), None, conditions.clone());
            ways.insert(browser, Some(there));
            let to_browser = Arc::clone(&socket);
            let back = Line::new(&mut backward, to_browser, Some(browser), conditions.clone());
            backward.spawn(relay_back(way, back, carries.clone()));
        }
        if let Some(Some(way)) = ways.get_mut(&browser) {
            way.carry(&datagram[..length]);
        }
    }
}

/// One direction of one way, with its losses and its delay.
struct Line {
    towards_browser: bool,
    conditions: watch::Receiver<Conditions>,
    chance: StdRng,
    /// When the bottleneck has sent all that it was given.
    free_at: Instant,
    on_the_way: mpsc::Sender<(Instant, Vec<u8>)>,
}

impl Line {
    /// Sends on the socket, to what it is connected to or to `to`.
    fn new(
        tasks: &mut JoinSet<()>,
        socket: Arc<UdpSocket>,
        to: Option<SocketAddr>,
        conditions: watch::Receiver<Conditions>,
    ) -> Self {
        let (on_the_way, mut arriving) = mpsc::channel::<(Instant, Vec<u8>)>(ON_THE_WAY_MAX);
        tasks.spawn(async move {
            while let Some((at, datagram)) = arriving.recv().await {
                tokio::time::sleep_until(at).await;
                // Nobody is there while the server is not running.
                let _lost = match to {
                    Some(to) => socket.send_to(&datagram, to).await,
                    None => socket.send(&datagram).await,
                };
            }
        });
        Self {
            towards_browser: to.is_some(),
            conditions,
            chance: StdRng::seed_from_u64(1),
            free_at: Instant::now(),
            on_the_way,
        }
    }

    fn carry(&mut self, datagram: &[u8]) {
        let conditions = *self.conditions.borrow();
        if self.chance.random_bool(conditions.loss) {
            return;
        }
        let now = Instant::now();
        let mut through = now;
        if let Some(rate) = conditions.rate.filter(|_| self.towards_browser) {
            let bits = datagram.len() as f64 * 8.0;
            let sending = Duration::from_secs_f64(bits / rate as f64);
            through = self.free_at.max(now) + sending;
            if through > now + QUEUE_MAX {
                return;
            }
            self.free_at = through;
        }
        // What finds no place is lost, as on a network.
        let arrival = (through + conditions.delay, datagram.to_vec());
        let _lost = self.on_the_way.try_send(arrival);
    }
}

async fn relay_back(way: Arc<UdpSocket>, mut back: Line, carries: watch::Receiver<Carries>) {
    let mut datagram = vec![0; 2048];
    loop {
        let Ok(length) = way.recv(&mut datagram).await else {
            continue;
        };
        if *carries.borrow() != Carries::Nothing {
            back.carry(&datagram[..length]);
        }
    }
}

/// What is changed in passing: never a length.
#[derive(Debug, Clone, Copy)]
struct Rewriting {
    server_media: u16,
    cable_media: u16,
}

impl Rewriting {
    fn check(self) {
        let [from, to] = self.ports();
        assert_eq!(from.len(), to.len(), "ports of one length: {from}, {to}");
    }

    /// As they stand in a candidate.
    fn ports(self) -> [String; 2] {
        [self.server_media, self.cable_media].map(|port| format!(" {port} typ host"))
    }

    /// `candidate:1 1 udp 2130706431 127.0.0.1 PORT typ host`, of the server's or of the browser's.
    fn apply(self, payload: &mut [u8], from_browser: bool) {
        if from_browser {
            // RFC 6544 candidates without a tcptype are nobody's.
            replace(payload, b" udp ", b" tcp ");
        } else {
            let [from, to] = self.ports();
            replace(payload, from.as_bytes(), to.as_bytes());
        }
    }
}

fn replace(text: &mut [u8], from: &[u8], to: &[u8]) {
    let mut place = 0;
    while let Some(part) = text.get_mut(place..place + from.len()) {
        if part == from {
            part.copy_from_slice(to);
        }
        place += 1;
    }
}

/// One direction of a connection: HTTP, and after an upgrade the frames of RFC 6455.
struct Frames {
    rewriting: Rewriting,
    /// What has come of a head or of a frame that is not complete.
    waiting: Vec<u8>,
    stage: Stage,
}

#[derive(PartialEq)]
enum Stage {
    Head,
    Frames,
    /// An ordinary request: nothing is looked at any more.
    Plain,
}

impl Frames {
    fn new(rewriting: Rewriting) -> Self {
        Self {
            rewriting,
            waiting: Vec::new(),
            stage: Stage::Head,
        }
    }

    /// Takes what has come and gives what may go on.
    fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.waiting.extend_from_slice(bytes);
        let mut passed = Vec::new();
        if self.stage == Stage::Head {
            let Some(end) = end_of_head(&self.waiting) else {
                return passed;
            };
            let head: Vec<u8> = self.waiting.drain(..end).collect();
            self.stage = if is_upgrade(&head) {
                Stage::Frames
            } else {
                Stage::Plain
            };
            passed.extend(head);
        }
        if self.stage == Stage::Plain {
            passed.append(&mut self.waiting);
            return passed;
        }
        while let Some(frame) = Frame::first_of(&self.waiting) {
            let mut bytes: Vec<u8> = self.waiting.drain(..frame.end).collect();
            let (head, payload) = bytes.split_at_mut(frame.payload);
            let mask = frame.masked.then(|| {
                [
                    head.len() - 4,
                    head.len() - 3,
                    head.len() - 2,
                    head.len() - 1,
                ]
            });
            let mask = mask.map(|places| places.map(|place| head[place]));
            apply_mask(payload, mask);
            self.rewriting.apply(payload, frame.masked);
            apply_mask(payload, mask);
            passed.extend(bytes);
        }
        passed
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let end = b"\r\n\r\n";
    let place = bytes.windows(end.len()).position(|part| part == end)?;
    Some(place + end.len())
}

/// A request for the signalling socket, or the answer that grants it.
fn is_upgrade(head: &[u8]) -> bool {
    head.starts_with(b"GET /ws ") || head.starts_with(b"HTTP/1.1 101 ")
}

fn apply_mask(payload: &mut [u8], mask: Option<[u8; 4]>) {
    let Some(mask) = mask else { return };
    for (byte, key) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
}

/// Where the parts of a frame are.
struct Frame {
    masked: bool,
    payload: usize,
    end: usize,
}

impl Frame {
    /// The frame that the bytes begin with, if all of it is there.
    fn first_of(bytes: &[u8]) -> Option<Self> {
        let second = *bytes.get(1)?;
        let masked = second & 0x80 != 0;
        let (head, length) = match second & 0x7f {
            126 => (
                4,
                u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)),
            ),
            127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
            short => (2, u64::from(short)),
        };
        let payload = head + if masked { 4 } else { 0 };
        let end = payload + usize::try_from(length).expect("a frame that fits into memory");
        (bytes.len() >= end).then_some(Self {
            masked,
            payload,
            end,
        })
    }
}

#[test]
fn frames_pass_whole_and_changed() {
    let rewriting = Rewriting {
        server_media: 40000,
        cable_media: 50001,
    };
    let frame = |text: &str, mask: Option<[u8; 4]>| {
        let mut payload = text.as_bytes().to_vec();
        apply_mask(&mut payload, mask);
        let length = u16::try_from(payload.len()).expect("short");
        let head = if length < 126 {
            vec![0x81, u8::try_from(length).expect("short")]
        } else {
            [&[0x81, 126], &length.to_be_bytes()[..]].concat()
        };
        let mut bytes = head;
        if let Some(mask) = mask {
            bytes[1] |= 0x80;
            bytes.extend(mask);
        }
        bytes.extend(payload);
        bytes
    };
    let long = "x".repeat(300);
    for (head, mask, said, heard) in [
        (
            "HTTP/1.1 101 Switching Protocols\r\n\r\n",
            None,
            "candidate:1 1 udp 1 127.0.0.1 40000 typ host 40000",
            "candidate:1 1 udp 1 127.0.0.1 50001 typ host 40000",
        ),
        (
            "GET /ws HTTP/1.1\r\nHost: here\r\n\r\n",
            Some([1, 2, 3, 4]),
            "candidate:1 1 udp 1 127.0.0.1 40000 typ host UDP/TLS",
            "candidate:1 1 tcp 1 127.0.0.1 40000 typ host UDP/TLS",
        ),
    ] {
        let sent = [
            head.as_bytes().to_vec(),
            frame(&long, mask),
            frame(said, mask),
        ]
        .concat();
        let wanted = [
            head.as_bytes().to_vec(),
            frame(&long, mask),
            frame(heard, mask),
        ]
        .concat();
        // In pieces of any length.
        for size in [1, 7, 1000] {
            let mut frames = Frames::new(rewriting);
            let passed: Vec<u8> = sent
                .chunks(size)
                .flat_map(|part| frames.pass(part))
                .collect();
            assert_eq!(passed, wanted, "in pieces of {size}");
        }
    }
    let page = b"GET /assets/main.js HTTP/1.1\r\n\r\n udp ".to_vec();
    assert_eq!(Frames::new(rewriting).pass(&page), page);
}
