//! A member with signalling and media on real sockets, whose every packet is the scene's to make.

use std::{
    io::ErrorKind,
    net::{SocketAddr, UdpSocket},
    os::fd::AsRawFd,
    thread,
    time::{Duration, Instant},
};

use roundtable::media::{
    PeerId,
    shard::{DATAGRAM_BYTES_MAX, srtp::Profile},
};
use serde_json::json;

use crate::{
    client::{Client, Offered},
    house::House,
    line::Line,
};

/// A media path takes some milliseconds; this is a machine that is busy with everything else too.
const CONNECTED_MAX: Duration = Duration::from_secs(15);

/// A member in the room.
pub struct Caller {
    pub line: Line,
    pub client: Client,
    pub socket: UdpSocket,
    /// Where the server's media is.
    pub server: SocketAddr,
    /// The datagrams of ICE and DTLS that it sent until it was connected.
    pub setup: Vec<Vec<u8>>,
}

impl Caller {
    /// Joins, and connects its media under this profile, with so many slots.
    pub fn join(house: &House, member: &str, profile: Profile, slots: (usize, usize)) -> Self {
        let line = Line::join(house, member);
        let mut caller = Self::offer(line, member, profile, slots);
        caller.connect();
        caller
    }

    /// Offers media; the answer is there, the path is not.
    pub fn offer(mut line: Line, member: &str, profile: Profile, slots: (usize, usize)) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a loopback socket");
        socket.set_nonblocking(true).expect("an option");
        widen(&socket);
        let offered = Offered::new(&format!("user{member}"), slots.0, slots.1);
        let answer = line
            .ask("media.offer", offer_fields(&offered.sdp))
            .expect("a good offer");
        let answer = answer["sdp"].as_str().expect("an answer").to_owned();
        let address = socket.local_addr().expect("bound");
        let client = offered.answered(Instant::now(), PeerId(0), address, profile, &answer);
        Self {
            line,
            server: client.server(),
            client,
            socket,
            setup: Vec::new(),
        }
    }

    /// Connects the path.
    pub fn connect(&mut self) {
        let end = Instant::now() + CONNECTED_MAX;
        let mut greeted = false;
        while !self.client.is_connected() {
            assert!(Instant::now() < end, "the media path was not connected");
            self.go_on(true);
            if !greeted && self.client.is_reachable() {
                greeted = true;
                self.client.connect(Instant::now());
            }
            thread::sleep(Duration::from_millis(1));
        }
        self.line.hears("media.connected");
    }

    /// Sends the first flight of its handshake and no more.
    pub fn hello(&mut self) {
        let now = Instant::now();
        self.client.connect(now);
        while let Some(datagram) = self.client.poll(now) {
            self.send(&datagram);
        }
    }

    /// Asks for the floor, which is given at once.
    pub fn take_floor(&mut self) {
        self.line
            .ask("floor.request", json!({}))
            .expect("the floor");
    }

    /// Takes in what has come and sends what ICE and DTLS have to say.
    pub fn live(&mut self) {
        self.go_on(false);
    }

    /// Takes in media alone: whoever has sent garbage in its own name cannot go on with DTLS.
    pub fn live_media_only(&mut self) {
        let mut buffer = [0; DATAGRAM_BYTES_MAX];
        while let Ok((length, _)) = self.socket.recv_from(&mut buffer) {
            if matches!(buffer[0], 128..=191) {
                self.client.handle(Instant::now(), &mut buffer[..length]);
            }
        }
    }

    fn go_on(&mut self, keep: bool) {
        let now = Instant::now();
        let mut buffer = [0; DATAGRAM_BYTES_MAX];
        loop {
            match self.socket.recv_from(&mut buffer) {
                Ok((length, from)) if from == self.server => {
                    self.client.handle(now, &mut buffer[..length]);
                }
                Ok((_, from)) => panic!("a datagram from {from}"),
                Err(why) if why.kind() == ErrorKind::WouldBlock => break,
                Err(why) => panic!("{why}"),
            }
        }
        while let Some(datagram) = self.client.poll(now) {
            self.send(&datagram);
            if keep {
                self.setup.push(datagram);
            }
        }
    }

    /// Sends a datagram from its address. Where the buffers are full it waits: an attack that is
    /// lost on the way tries nothing.
    pub fn send(&self, datagram: &[u8]) {
        loop {
            match self.socket.send_to(datagram, self.server) {
                Ok(_) => return,
                Err(why) if why.kind() == ErrorKind::WouldBlock => thread::yield_now(),
                Err(why) => panic!("{why}"),
            }
        }
    }
}

/// The fields of `media.offer` with the sections of [`Offered`].
pub fn offer_fields(sdp: &str) -> serde_json::Value {
    json!({"sdp": sdp, "sending": [
        {"mid": "mic", "source": "microphone"},
        {"mid": "cam", "source": "camera"},
    ]})
}

/// Room for what comes while an attack does not read, as far as the machine grants it.
fn widen(socket: &UdpSocket) {
    let wanted: i32 = 4 * 1024 * 1024;
    // SAFETY: the option's value is an int, which is here.
    unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_RCVBUF,
            (&raw const wanted).cast(),
            size_of::<i32>() as u32,
        );
    }
}
