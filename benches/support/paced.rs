//! Datagrams of no content at the pace of a load, by the kernel's fastest calls.

use std::{
    io, mem,
    net::{SocketAddr, UdpSocket},
    os::fd::AsRawFd,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Messages in one call at most.
const MESSAGES: usize = 128;

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Its name in the printed line.
    pub name: &'static str,
    streams: &'static [Stream],
    /// Receivers; in a gallery the senders are among them and do not get their own.
    receivers: usize,
    /// Whether each stream belongs to the receiver of its number.
    own: bool,
}

/// Streams that are alike.
#[derive(Debug, Clone, Copy)]
struct Stream {
    count: usize,
    every: Duration,
    /// Datagrams each time.
    packets: usize,
    bytes: usize,
}

/// 20 ms of Opus at 32 kbit/s, sealed.
const SOUND: Stream = Stream {
    count: 1,
    every: Duration::from_millis(20),
    packets: 1,
    bytes: 120,
};

/// The loads of the comparison.
pub const LOADS: [Load; 3] = [
    Load {
        name: "audio x50",
        streams: &[Stream { count: 3, ..SOUND }],
        receivers: 50,
        own: false,
    },
    // 500 kbit/s each.
    Load {
        name: "gallery x10",
        streams: &[
            Stream { count: 10, ..SOUND },
            Stream {
                count: 10,
                every: Duration::from_millis(40),
                packets: 2,
                bytes: 1200,
            },
        ],
        receivers: 10,
        own: true,
    },
    // 1.5 Mbit/s.
    Load {
        name: "plenary x50",
        streams: &[
            SOUND,
            Stream {
                count: 1,
                every: Duration::from_millis(40),
                packets: 6,
                bytes: 1200,
            },
        ],
        receivers: 50,
        own: false,
    },
];

/// How it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// One message a datagram, many in a call.
    Sendmmsg,
    /// One message for all datagrams of a frame to one receiver.
    Gso,
}

impl Way {
    /// Its name in the printed line.
    pub fn name(self) -> &'static str {
        match self {
            Way::Sendmmsg => "sendmmsg",
            Way::Gso => "gso",
        }
    }
}

/// Processor time for each datagram sent, in µs: the median of some runs.
pub fn median_micros(load: Load, way: Way, time: Duration, runs: usize) -> f64 {
    let mut micros: Vec<f64> = (0..runs).map(|_| run(load, way, time)).collect();
    micros.sort_by(f64::total_cmp);
    micros[micros.len() / 2]
}

fn run(load: Load, way: Way, time: Duration) -> f64 {
    let sinks: Vec<UdpSocket> = (0..load.receivers).map(|_| sink()).collect();
    let addresses: Vec<SocketAddr> = sinks
        .iter()
        .map(|sink| sink.local_addr().expect("bound"))
        .collect();
    let stop = Arc::new(AtomicBool::new(false));
    let stopping = stop.clone();
    let reader = std::thread::spawn(move || {
        stay_on_core(1);
        read(&sinks, &stopping)
    });
    let sender = std::thread::spawn(move || {
        stay_on_core(0);
        send(load, way, time, &addresses)
    });
    let (sent, took) = sender.join().expect("the sender");
    stop.store(true, Ordering::Relaxed);
    let received = reader.join().expect("the reader");
    assert!(received > sent * 99 / 100, "{received} of {sent} arrived");
    took.as_secs_f64() * 1e6 / sent as f64
}

fn sink() -> UdpSocket {
    let sink = UdpSocket::bind("127.0.0.1:0").expect("a loopback socket");
    sink.set_nonblocking(true).expect("a socket's flag");
    sink
}

/// One stream's next time.
struct Due {
    at: Duration,
    stream: Stream,
    number: usize,
}

fn send(load: Load, way: Way, time: Duration, addresses: &[SocketAddr]) -> (u64, Duration) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a loopback socket");
    let payload = vec![0x55_u8; 1500];
    let mut due: Vec<Due> = Vec::new();
    for stream in load.streams {
        for number in 0..stream.count {
            // Evenly over the interval, as people who do not know of one another.
            let at = stream.every * number as u32 / stream.count as u32;
            let stream = *stream;
            due.push(Due { at, stream, number });
        }
    }
    let names: Vec<libc::sockaddr_in> = addresses.iter().map(|address| name(*address)).collect();
    let mut batch = Batch::new();
    let mut sent = 0;
    let (begun, before) = (now(), thread_time());
    loop {
        let next = due.iter_mut().min_by_key(|due| due.at).expect("a stream");
        if next.at > time {
            break;
        }
        sleep_until(begun + next.at);
        for (receiver, name) in names.iter().enumerate() {
            if load.own && receiver == next.number {
                continue;
            }
            let stream = next.stream;
            match way {
                Way::Sendmmsg => {
                    for _ in 0..stream.packets {
                        batch.push(&socket, name, &payload[..stream.bytes], 1);
                    }
                }
                Way::Gso => batch.push(&socket, name, &payload[..stream.bytes], stream.packets),
            }
            sent += stream.packets as u64;
        }
        batch.flush(&socket);
        next.at += next.stream.every;
    }
    (sent, thread_time() - before)
}

/// Messages of one call.
struct Batch {
    headers: Vec<libc::mmsghdr>,
    vectors: Vec<[libc::iovec; 8]>,
    names: Vec<libc::sockaddr_in>,
    controls: Vec<Control>,
    used: usize,
}

#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control {
    header: libc::cmsghdr,
    number: [u8; 8],
}

impl Batch {
    fn new() -> Self {
        // Plain structures for which zeroes are valid.
        unsafe {
            Self {
                headers: vec![mem::zeroed(); MESSAGES],
                vectors: vec![mem::zeroed(); MESSAGES],
                names: vec![mem::zeroed(); MESSAGES],
                controls: vec![mem::zeroed(); MESSAGES],
                used: 0,
            }
        }
    }

    fn push(
        &mut self,
        socket: &UdpSocket,
        name: &libc::sockaddr_in,
        bytes: &[u8],
        segments: usize,
    ) {
        if self.used == MESSAGES {
            self.flush(socket);
        }
        let place = self.used;
        for vector in &mut self.vectors[place][..segments] {
            vector.iov_base = bytes.as_ptr().cast_mut().cast();
            vector.iov_len = bytes.len();
        }
        self.names[place] = *name;
        let header = &mut self.headers[place].msg_hdr;
        header.msg_name = (&raw mut self.names[place]).cast();
        header.msg_namelen = mem::size_of::<libc::sockaddr_in>() as u32;
        header.msg_iov = self.vectors[place].as_mut_ptr();
        header.msg_iovlen = segments as _;
        if segments > 1 {
            let control = &mut self.controls[place];
            control.header.cmsg_level = libc::SOL_UDP;
            control.header.cmsg_type = libc::UDP_SEGMENT;
            control.header.cmsg_len = unsafe { libc::CMSG_LEN(2) } as _;
            control.number[..2].copy_from_slice(&(bytes.len() as u16).to_ne_bytes());
            header.msg_control = (&raw mut *control).cast();
            header.msg_controllen = unsafe { libc::CMSG_SPACE(2) } as _;
        } else {
            header.msg_control = std::ptr::null_mut();
            header.msg_controllen = 0;
        }
        self.used += 1;
    }

    fn flush(&mut self, socket: &UdpSocket) {
        let mut done = 0;
        while done < self.used {
            // The headers point at names, vectors and controls that are owned here.
            let sent = unsafe {
                libc::sendmmsg(
                    socket.as_raw_fd(),
                    self.headers[done..].as_mut_ptr(),
                    (self.used - done) as u32,
                    0,
                )
            };
            done += usize::try_from(sent).unwrap_or_else(|_| {
                panic!("cannot send: {}", io::Error::last_os_error());
            });
        }
        self.used = 0;
    }
}

/// Reads all sinks as a thread of a media client does, until told to stop.
fn read(sinks: &[UdpSocket], stop: &AtomicBool) -> u64 {
    let epoll = unsafe { libc::epoll_create1(0) };
    assert!(epoll >= 0, "no epoll: {}", io::Error::last_os_error());
    for (place, sink) in sinks.iter().enumerate() {
        let mut event = libc::epoll_event {
            events: libc::EPOLLIN as u32,
            u64: place as u64,
        };
        let added = unsafe {
            libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, sink.as_raw_fd(), &raw mut event)
        };
        assert_eq!(added, 0, "{}", io::Error::last_os_error());
    }
    let mut events = vec![libc::epoll_event { events: 0, u64: 0 }; sinks.len()];
    let mut buffer = [0_u8; 2048];
    let mut received = 0;
    while !stop.load(Ordering::Relaxed) {
        let ready =
            unsafe { libc::epoll_wait(epoll, events.as_mut_ptr(), events.len() as i32, 50) };
        for event in events.iter().take(usize::try_from(ready).unwrap_or(0)) {
            while sinks[event.u64 as usize].recv(&mut buffer).is_ok() {
                received += 1;
            }
        }
    }
    unsafe { libc::close(epoll) };
    received
}

fn name(address: SocketAddr) -> libc::sockaddr_in {
    let SocketAddr::V4(address) = address else {
        panic!("the sinks are IPv4's")
    };
    let mut name: libc::sockaddr_in = unsafe { mem::zeroed() };
    name.sin_family = libc::AF_INET as u16;
    name.sin_port = address.port().to_be();
    name.sin_addr.s_addr = u32::from_ne_bytes(address.ip().octets());
    name
}

/// Where there is such a core.
fn stay_on_core(core: usize) {
    unsafe {
        let mut cores: libc::cpu_set_t = mem::zeroed();
        libc::CPU_SET(core, &mut cores);
        libc::sched_setaffinity(0, mem::size_of::<libc::cpu_set_t>(), &raw const cores);
    }
}

fn thread_time() -> Duration {
    let mut time: libc::timespec = unsafe { mem::zeroed() };
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "the load has a pace")]
fn sleep_until(at: Instant) {
    std::thread::sleep(at.saturating_duration_since(now()));
}
