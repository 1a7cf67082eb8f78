//! SHELL. The connections of clients whom UDP does not reach (ICE-TCP, RFC 6544): accepted, read
//! and written by the shard's thread, which never waits for one.
//!
//! They cost nobody else anything: an epoll instance watches them all and is one entry of the
//! worker's poll. What a packet means is the shard's.

use std::{
    io::{self, IoSlice, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
    time::{Duration, Instant},
};

use rustc_hash::FxHashMap;

use super::{
    frames::{FRAME_BYTES_MAX, Unfinished},
    strangers::Strangers,
    waiting::Waiting,
};
use crate::media::shard::{
    Shard,
    transport::{Path, Via},
};

/// Connections at once, strangers and members together. Full: a new one is closed.
const CONNECTIONS_MAX: usize = 2048;
/// Time for a client's first authentic check. A browser needs a round trip or two.
const SHOW_ITSELF_MAX: Duration = Duration::from_secs(10);
/// Connections and news of them that are looked at in a turn, and bytes read of each: as much as
/// some batches of datagrams, since the shard's rings must hold what is not yet forwarded.
const NEWS_MAX: usize = 16;
const READ_BYTES: usize = 16 * 1024;
/// Connections accepted in a turn; the others wait in the kernel's backlog.
const ACCEPTED_MAX: usize = 32;
/// Bytes that the kernel holds beyond what is on its way; what is more waits here, where it can
/// still be dropped.
const UNSENT_BYTES: i32 = 16 * 1024;
/// How often connections are looked through for those that have nothing to do here.
const SWEEP: Duration = Duration::from_secs(1);

/// The doors and who has come in by them.
pub struct Tcp {
    doors: Vec<TcpListener>,
    epoll: OwnedFd,
    connections: Vec<Option<Connection>>,
    by_path: FxHashMap<Path, usize>,
    strangers: Strangers,
    /// Have something to send.
    touched: Vec<usize>,
    /// Have ended, and the shard has not been told.
    ended: Vec<Path>,
    buffer: Box<[u8]>,
    now: Instant,
    sweep_at: Instant,
    /// The process has no descriptors left: nobody is accepted until the next sweep.
    shut: bool,
}

struct Connection {
    stream: TcpStream,
    path: Path,
    since: Instant,
    /// The shard knows whose it is.
    known: bool,
    unfinished: Unfinished,
    waiting: Waiting,
    /// Is in `touched`.
    touched: bool,
    /// The kernel has no room; epoll tells when it has.
    stuck: bool,
}

impl Tcp {
    /// Accepts at these doors, in the order of the shard's addresses.
    ///
    /// # Errors
    /// Where the platform refuses.
    pub fn new(now: Instant, doors: Vec<TcpListener>) -> io::Result<Self> {
        let tcp = Self {
            epoll: new_epoll()?,
            doors,
            connections: Vec::new(),
            by_path: FxHashMap::default(),
            strangers: Strangers::default(),
            touched: Vec::new(),
            ended: Vec::new(),
            buffer: vec![0; FRAME_BYTES_MAX + READ_BYTES].into_boxed_slice(),
            now,
            sweep_at: now + SWEEP,
            shut: false,
        };
        for (place, door) in tcp.doors.iter().enumerate() {
            door.set_nonblocking(true)?;
            tcp.watch(libc::EPOLL_CTL_ADD, door.as_raw_fd(), place, libc::EPOLLIN)?;
        }
        Ok(tcp)
    }

    /// Takes what has arrived. `news`: the epoll instance says that something has.
    pub fn receive(&mut self, now: Instant, news: bool, shard: &mut Shard) {
        self.now = now;
        if news {
            let mut events = [libc::epoll_event { events: 0, u64: 0 }; NEWS_MAX];
            for event in self.wait(&mut events) {
                let (key, what) = (event.u64 as usize, event.events);
                match key.checked_sub(self.doors.len()) {
                    None => self.accept(key),
                    Some(place) => {
                        if what & libc::EPOLLOUT as u32 != 0 {
                            self.unstick(place);
                        }
                        if what & !(libc::EPOLLOUT as u32) != 0 {
                            self.read(place, shard);
                        }
                    }
                }
            }
        }
        if now >= self.sweep_at {
            self.sweep_at = now + SWEEP;
            self.sweep(shard);
        }
        for path in self.ended.drain(..) {
            shard.handle_closed(now, path);
        }
    }

    /// Queues a packet for the connection that is this path. One that has ended loses it.
    pub fn send(&mut self, path: Path, packet: &[u8]) {
        let Some(place) = self.by_path.get(&path).copied() else {
            return;
        };
        let Some(connection) = connection(&mut self.connections, place) else {
            return;
        };
        if connection.waiting.push(self.now, packet).is_err() {
            self.close(place);
        } else if !connection.touched {
            connection.touched = true;
            self.touched.push(place);
        }
    }

    /// Writes what is queued, as far as the kernel takes it.
    pub fn flush(&mut self) {
        while let Some(place) = self.touched.pop() {
            let Some(connection) = connection(&mut self.connections, place) else {
                continue;
            };
            connection.touched = false;
            match connection.write(self.now) {
                Ok(stuck) if stuck != connection.stuck => {
                    connection.stuck = stuck;
                    self.watch_connection(place);
                }
                Ok(_) => {}
                Err(_) => self.close(place),
            }
        }
    }

    fn accept(&mut self, door: usize) {
        for _ in 0..ACCEPTED_MAX {
            let Some(listener) = self.doors.get(door) else {
                return;
            };
            match listener.accept() {
                Ok((stream, from)) => self.admit(door, stream, from),
                Err(error) => match error.raw_os_error() {
                    // Looked for at every turn, it would keep the thread awake.
                    Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM) => {
                        self.open_doors(false);
                        return;
                    }
                    // The client has gone again.
                    Some(libc::ECONNABORTED | libc::EINTR) => {}
                    Some(_) | None => return,
                },
            }
        }
    }

    fn admit(&mut self, door: usize, stream: TcpStream, from: SocketAddr) {
        let (Ok(local), Ok(())) = (u8::try_from(door), prepare(&stream)) else {
            return;
        };
        let path = Path {
            local,
            via: Via::Tcp,
            remote: from,
        };
        let place = self.connections.iter().position(Option::is_none);
        let place = place.unwrap_or(self.connections.len());
        if place >= CONNECTIONS_MAX {
            return;
        }
        let connection = Connection {
            stream,
            path,
            since: self.now,
            known: false,
            unfinished: Unfinished::default(),
            waiting: Waiting::default(),
            touched: false,
            stuck: false,
        };
        let descriptor = connection.stream.as_raw_fd();
        let key = self.doors.len() + place;
        let watched = self.watch(libc::EPOLL_CTL_ADD, descriptor, key, libc::EPOLLIN);
        if watched.is_err() {
            return;
        }
        match self.connections.get_mut(place) {
            Some(free) => *free = Some(connection),
            None => self.connections.push(Some(connection)),
        }
        self.by_path.insert(path, place);
        if let Some(oldest) = self.strangers.admit(place, from.ip()) {
            self.close(oldest);
        }
    }

    fn read(&mut self, place: usize, shard: &mut Shard) {
        let now = self.now;
        let Some(connection) = connection(&mut self.connections, place) else {
            return;
        };
        let begin = connection.unfinished.restore(&mut self.buffer);
        let end = match connection.stream.read(&mut self.buffer[begin..]) {
            Ok(read) if read > 0 => begin + read,
            Err(error) if is_no_end(&error) => begin,
            Ok(_) | Err(_) => {
                self.close(place);
                return;
            }
        };
        let (path, known) = (connection.path, connection.known);
        let mut nonsense = false;
        let split = connection
            .unfinished
            .split(&mut self.buffer[..end], |packet| {
                // Whoever comes to this door says who he is first.
                nonsense |= !known && !Shard::is_check(packet);
                if !nonsense {
                    shard.handle_packet(now, path, packet);
                }
            });
        if split.is_err() || nonsense {
            self.close(place);
        } else if !known && shard.knows(path) {
            connection.known = true;
            self.strangers.remove(place);
        }
    }

    /// Closes who has not shown itself in time, and whose peer is gone.
    fn sweep(&mut self, shard: &Shard) {
        self.open_doors(true);
        for place in 0..self.connections.len() {
            let Some(connection) = connection(&mut self.connections, place) else {
                continue;
            };
            let stays = if connection.known {
                shard.knows(connection.path)
            } else {
                self.now.saturating_duration_since(connection.since) < SHOW_ITSELF_MAX
            };
            if !stays {
                self.close(place);
            }
        }
    }

    fn close(&mut self, place: usize) {
        self.strangers.remove(place);
        // The kernel watches a closed descriptor no more.
        if let Some(connection) = self.connections.get_mut(place).and_then(Option::take) {
            self.by_path.remove(&connection.path);
            self.ended.push(connection.path);
        }
    }

    fn unstick(&mut self, place: usize) {
        if let Some(connection) = connection(&mut self.connections, place)
            && !connection.touched
        {
            connection.touched = true;
            self.touched.push(place);
        }
    }

    fn watch_connection(&mut self, place: usize) {
        let key = self.doors.len() + place;
        let Some(connection) = connection(&mut self.connections, place) else {
            return;
        };
        let out = if connection.stuck { libc::EPOLLOUT } else { 0 };
        let descriptor = connection.stream.as_raw_fd();
        let watched = self.watch(libc::EPOLL_CTL_MOD, descriptor, key, libc::EPOLLIN | out);
        if watched.is_err() {
            self.close(place);
        }
    }

    fn open_doors(&mut self, open: bool) {
        if self.shut != open {
            return;
        }
        self.shut = !open;
        let events = if open { libc::EPOLLIN } else { 0 };
        for (place, door) in self.doors.iter().enumerate() {
            // It was watched before: nothing new is needed of the kernel.
            let _ = self.watch(libc::EPOLL_CTL_MOD, door.as_raw_fd(), place, events);
        }
    }

    fn watch(&self, how: i32, descriptor: RawFd, key: usize, events: i32) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: events as u32,
            u64: key as u64,
        };
        #[expect(unsafe_code, reason = "both descriptors are open, the event is here")]
        let done =
            unsafe { libc::epoll_ctl(self.epoll.as_raw_fd(), how, descriptor, &raw mut event) };
        if done < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    fn wait<'a>(&self, events: &'a mut [libc::epoll_event]) -> &'a [libc::epoll_event] {
        let room = i32::try_from(events.len()).unwrap_or(0);
        #[expect(
            unsafe_code,
            reason = "the kernel writes no more events than there is room for"
        )]
        let count =
            unsafe { libc::epoll_wait(self.epoll.as_raw_fd(), events.as_mut_ptr(), room, 0) };
        // An error is an interruption: the next turn asks again.
        events
            .get(..usize::try_from(count).unwrap_or(0))
            .unwrap_or(&[])
    }
}

impl AsRawFd for Tcp {
    /// The epoll instance: readable while there is news.
    fn as_raw_fd(&self) -> RawFd {
        self.epoll.as_raw_fd()
    }
}

impl Connection {
    /// Writes what waits. True when the kernel has no room for all of it.
    fn write(&mut self, now: Instant) -> io::Result<bool> {
        self.waiting.expire(now);
        while !self.waiting.is_empty() {
            let parts = self.waiting.parts().map(IoSlice::new);
            match self.stream.write_vectored(&parts) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(sent) => self.waiting.sent(sent),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }
}

fn connection(connections: &mut [Option<Connection>], place: usize) -> Option<&mut Connection> {
    connections.get_mut(place)?.as_mut()
}

fn is_no_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    let unsent = UNSENT_BYTES;
    #[expect(unsafe_code, reason = "the option's value is an int, which is here")]
    // Where the kernel does not know it, more waits there than should.
    unsafe {
        libc::setsockopt(
            stream.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_NOTSENT_LOWAT,
            (&raw const unsent).cast(),
            size_of::<i32>() as u32,
        );
    }
    Ok(())
}

fn new_epoll() -> io::Result<OwnedFd> {
    #[expect(unsafe_code, reason = "the descriptor is new and owned from here on")]
    unsafe {
        let descriptor = libc::epoll_create1(libc::EPOLL_CLOEXEC);
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(OwnedFd::from_raw_fd(descriptor))
    }
}
