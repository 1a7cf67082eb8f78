//! TCP connections to the media port: a member who uses one as intended, and strangers who do not.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use roundtable::media::shard::srtp::Profile;
use serde_json::json;

use crate::{
    caller::Caller,
    house::House,
    line::Line,
    pair::{Pair, wait},
};

/// A stranger is given ten seconds, and looked for every second.
const CLOSED_WITHIN: Duration = Duration::from_secs(13);

/// A member whose media goes by a connection of its own.
struct Streamer {
    caller: Caller,
    stream: TcpStream,
    read: Vec<u8>,
}

impl Streamer {
    fn join(house: &House, member: &str) -> Self {
        Self::join_by(house, member, connect)
    }

    fn join_by(house: &House, member: &str, connect: fn(SocketAddr) -> TcpStream) -> Self {
        let line = Line::join(house, member);
        let caller = Caller::offer(line, member, Profile::AeadAes128Gcm, (4, 4));
        let mut streamer = Self {
            stream: connect(caller.server),
            caller,
            read: Vec::new(),
        };
        let end = Instant::now() + Duration::from_secs(15);
        let mut greeted = false;
        while !streamer.caller.client.is_connected() {
            assert!(Instant::now() < end, "the media path was not connected");
            streamer.live();
            if !greeted && streamer.caller.client.is_reachable() {
                greeted = true;
                streamer.caller.client.connect(Instant::now());
            }
            wait(Duration::from_millis(1));
        }
        streamer.caller.line.hears("media.connected");
        streamer
    }

    /// Takes in what has come and sends what ICE and DTLS have to say.
    fn live(&mut self) {
        let now = Instant::now();
        let mut buffer = [0; 64 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => panic!("the server has closed the connection"),
                Ok(read) => self.read.extend_from_slice(&buffer[..read]),
                Err(why) if why.kind() == ErrorKind::WouldBlock => break,
                Err(why) => panic!("{why}"),
            }
        }
        while let Some(&[high, low]) = self.read.first_chunk() {
            let end = 2 + usize::from(u16::from_be_bytes([high, low]));
            if self.read.len() < end {
                break;
            }
            let mut frame: Vec<u8> = self.read.drain(..end).collect();
            self.caller.client.handle(now, &mut frame[2..]);
        }
        while let Some(packet) = self.caller.client.poll(now) {
            self.send(&packet);
        }
    }

    fn send(&mut self, packet: &[u8]) {
        self.stream.write_all(&framed(packet)).expect("room for it");
    }
}

fn connect(server: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(server).expect("an open door");
    stream.set_nodelay(true).expect("an option");
    stream.set_nonblocking(true).expect("an option");
    stream
}

/// The same with little room for what is not read, lest the kernel keep all that comes.
fn connect_narrowly(server: SocketAddr) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(16 * 1024).expect("an option");
        let stream = socket.connect(server).await.expect("an open door");
        stream.into_std().expect("a stream")
    })
}

fn framed(packet: &[u8]) -> Vec<u8> {
    let length = u16::try_from(packet.len()).expect("short");
    [&length.to_be_bytes(), packet].concat()
}

/// Waits until the server has closed it.
fn is_closed(stream: &mut TcpStream, within: Duration) -> bool {
    let end = Instant::now() + within;
    while Instant::now() < end {
        if has_ended(stream) {
            return true;
        }
        wait(Duration::from_millis(10));
    }
    false
}

fn has_ended(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0; 1024]) {
        Ok(0) => true,
        Ok(_) => panic!("a stranger was answered"),
        Err(why) => why.kind() != ErrorKind::WouldBlock,
    }
}

fn media(house: &House) -> SocketAddr {
    let member = &house.members("chair")[0];
    let line = Line::join(house, member);
    Caller::offer(line, member, Profile::AeadAes128Gcm, (1, 1)).server
}

#[test]
fn a_member_hears_and_is_heard_over_tcp() {
    let house = House::open(&[]);
    let pair = Pair::seat(&house);
    let member = &house.members("delegate")[0];
    let mut streamer = Streamer::join(&house, member);

    // Fifty packets of sound and 25 of picture a second come from the pair.
    streamer.caller.client.received.clear();
    let end = Instant::now() + Duration::from_secs(2);
    while Instant::now() < end {
        streamer.live();
        wait(Duration::from_millis(5));
    }
    let received = streamer.caller.client.received.len();
    assert!((140..=160).contains(&received), "{received} packets in 2 s");

    streamer.caller.take_floor();
    pair.undisturbed("another voice over TCP", || {
        for number in 0..50 {
            let sound = streamer
                .caller
                .client
                .sound(number, u32::from(number) * 960, 20, &[7; 60]);
            streamer.send(&sound);
            streamer.live();
            wait(Duration::from_millis(20));
        }
    });
    let is_heard = |said: serde_json::Value| {
        let members = said["members"].as_array().expect("members").clone();
        members.contains(&json!(member))
    };
    while !is_heard(streamer.caller.line.hears("speaking")) {}
    drop(streamer);
    house.is_unharmed("a member over TCP");
}

#[test]
fn a_stream_of_no_packets_is_closed_at_once_and_a_silent_one_in_time() {
    let house = House::open(&[]);
    let pair = Pair::seat(&house);
    let server = media(&house);
    pair.undisturbed("streams of nonsense", || {
        for (what, bytes) in [
            ("a frame too long", vec![0xff, 0xff]),
            ("a request for a page", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
            ("a first packet that is no check", framed(&[0x80; 60])),
            (
                "a check without its cookie",
                framed(&[0, 1, 0, 0, 1, 2, 3, 4]),
            ),
        ] {
            let mut stream = connect(server);
            stream.write_all(&bytes).expect("room for it");
            assert!(is_closed(&mut stream, Duration::from_secs(1)), "{what}");
        }
        // Who says nothing, half a head, half a frame, or a check that is nobody's.
        let mut check = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        check.extend([9; 12]);
        let slow = [Vec::new(), vec![0], vec![0, 100, 0, 1], framed(&check)];
        let mut slow: Vec<TcpStream> = slow
            .iter()
            .map(|bytes| {
                let mut stream = connect(server);
                stream.write_all(bytes).expect("room for it");
                stream
            })
            .collect();
        wait(Duration::from_secs(5));
        assert!(!slow.iter_mut().any(has_ended), "they are given their time");
        for stream in &mut slow {
            assert!(is_closed(stream, CLOSED_WITHIN), "they are closed");
        }
    });
    house.is_unharmed("streams of nonsense");
}

#[test]
fn a_thousand_strangers_keep_nobody_out() {
    let house = House::open(&[]);
    let pair = Pair::seat(&house);
    let server = media(&house);
    let delegates = house.members("delegate");
    let mut members = delegates.iter();
    house.endures("a thousand strangers", || {
        pair.undisturbed("a thousand strangers", || {
            let mut crowd: Vec<TcpStream> = (0..1000_u32)
                .map(|number| {
                    let mut stream = connect(server);
                    // Some send half a packet, of the longest kind.
                    let half = [&[7_u8, 255, 0, 1][..], &[7; 1900]].concat();
                    if number % 2 == 0 {
                        // It may have been thrown out by those behind it.
                        let _closed = stream.write_all(&half);
                    }
                    stream
                })
                .collect();
            let member = members.next().expect("a delegate");
            let mut streamer = Streamer::join(&house, member);
            let mut stay = 0;
            for stream in &mut crowd {
                stay += usize::from(!has_ended(stream));
            }
            assert!(stay <= 64, "{stay} of one address stay");
            streamer.live();
        });
    });
}

#[test]
fn who_takes_nothing_over_tcp_is_not_waited_for_and_misses_what_is_old() {
    let house = House::open(&[]);
    let pair = Pair::seat(&house);
    let delegates = house.members("delegate");
    let mut members = delegates.iter();
    house.endures("a member who reads nothing", || {
        let member = members.next().expect("a delegate");
        let mut deaf = Streamer::join_by(&house, member, connect_narrowly);
        deaf.caller.client.received.clear();
        pair.undisturbed("a member who reads nothing", || {
            wait(Duration::from_secs(6))
        });
        // Whole packets all the same, and no more than a second and the kernels' buffers hold.
        let end = Instant::now() + Duration::from_secs(1);
        while Instant::now() < end {
            deaf.live();
            wait(Duration::from_millis(5));
        }
        let received = deaf.caller.client.received.len();
        println!("{received} of some 525 packets");
        assert!((100..425).contains(&received), "{received} packets");
        let left = deaf.caller.line.ask("session.leave", json!({}));
        left.expect("in the room");
        assert!(is_closed_after_all(&mut deaf.stream), "the path has ended");
    });
}

/// Reads to the end of a path that the server has closed.
fn is_closed_after_all(stream: &mut TcpStream) -> bool {
    let end = Instant::now() + Duration::from_secs(3);
    while Instant::now() < end {
        match stream.read(&mut [0; 4096]) {
            Ok(0) => return true,
            Err(why) if why.kind() == ErrorKind::WouldBlock => wait(Duration::from_millis(10)),
            Ok(_) => {}
            Err(_) => return true,
        }
    }
    false
}
