//! SHELL. What leaves: many datagrams a call, and to one address several in a message (GSO).
//!
//! A run is what goes to one address in a row: datagrams of one length, of which the last may be
//! shorter. The kernel takes it as one, and takes its way through the network's layers once.

use std::{
    io, mem,
    net::{SocketAddr, UdpSocket},
    os::fd::AsRawFd,
};

use super::{Control, name, set_udp_option};

/// Datagrams in a batch at most.
const PACKETS: usize = 128;
/// Room for them: as much as stays in a core's own cache beside what else the shard reads.
const SLAB_BYTES: usize = 128 * 1024;
/// Datagrams begin at a line of the cache.
const LINE_BYTES: usize = 64;
/// Datagrams in a run at most, as the kernel has it (UDP_MAX_SEGMENTS of before 2024).
const RUN_PACKETS: usize = 64;
/// Bytes in a run at most: one message of UDP.
const RUN_BYTES: usize = 65_000;

/// How many runs were sent, by length: 1, 2 to 3, 4 to 7, 8 to 15, 16 to 31, 32 and more datagrams.
pub type RunLengths = [u64; 6];

/// What was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SendCounts {
    /// Datagrams that the kernel took.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Datagrams that it refused: no route, or a full buffer.
    pub refused: u64,
    /// Messages that it took.
    pub runs: RunLengths,
}

/// Datagrams that are written one behind the other and leave in one call.
pub struct Outgoing {
    bytes: Box<[u8]>,
    /// Where the next datagram begins.
    next: usize,
    vectors: Box<[libc::iovec; PACKETS]>,
    /// Place and length of each datagram.
    packets: Box<[(usize, usize); PACKETS]>,
    used: usize,
    runs: Vec<Run>,
    names: Box<[libc::sockaddr_storage; PACKETS]>,
    controls: Box<[Control; PACKETS]>,
    headers: Box<[libc::mmsghdr; PACKETS]>,
    counts: SendCounts,
    /// Whether the kernel takes runs.
    pub(super) in_runs: bool,
}

/// Datagrams in a row to one address.
#[derive(Debug, Clone, Copy)]
struct Run {
    to: SocketAddr,
    first: usize,
    count: usize,
    segment_bytes: usize,
    bytes: usize,
    /// A shorter one has come: it is the last.
    closed: bool,
}

// The raw pointers inside point into boxes that the struct owns and are set anew before each call.
unsafe impl Send for Outgoing {}

impl Outgoing {
    /// Empty, for this socket.
    pub fn new(socket: &UdpSocket) -> Self {
        // All are plain structures for which zeroes are valid.
        unsafe {
            Self {
                bytes: vec![0; SLAB_BYTES].into_boxed_slice(),
                next: 0,
                vectors: Box::new(mem::zeroed()),
                packets: Box::new([(0, 0); PACKETS]),
                used: 0,
                runs: Vec::with_capacity(PACKETS),
                names: Box::new(mem::zeroed()),
                controls: Box::new([Control::EMPTY; PACKETS]),
                headers: Box::new(mem::zeroed()),
                counts: SendCounts::default(),
                // No run by default, each message says its own: a kernel that knows the option takes 0.
                in_runs: set_udp_option(socket, libc::UDP_SEGMENT, 0),
            }
        }
    }

    /// There is no free place for so many bytes.
    pub fn is_full(&self, room: usize) -> bool {
        self.used == PACKETS || self.next + room > SLAB_BYTES
    }

    /// Nothing waits to be sent.
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// A free place of so many bytes, to be written and then [committed](Self::commit).
    pub fn free(&mut self, room: usize) -> Option<&mut [u8]> {
        if self.used == PACKETS {
            return None;
        }
        self.bytes.get_mut(self.next..self.next + room)
    }

    /// The free place now holds a datagram of this length for this address.
    pub fn commit(&mut self, length: usize, to: SocketAddr) {
        if self.used == PACKETS || self.next + length > SLAB_BYTES {
            return;
        }
        self.packets[self.used] = (self.next, length);
        match self.runs.last_mut().filter(|run| run.takes(length, to)) {
            Some(run) if self.in_runs => {
                run.count += 1;
                run.bytes += length;
                run.closed = length < run.segment_bytes;
            }
            Some(_) | None => self.runs.push(Run {
                to,
                first: self.used,
                count: 1,
                segment_bytes: length,
                bytes: length,
                closed: length == 0,
            }),
        }
        self.used += 1;
        self.next = (self.next + length).next_multiple_of(LINE_BYTES);
    }

    /// Sends everything. A datagram that the kernel refuses is dropped as a network would.
    pub fn send(&mut self, socket: &UdpSocket) {
        for place in 0..self.used {
            let (start, length) = self.packets[place];
            self.vectors[place] = libc::iovec {
                iov_base: self.bytes[start..].as_mut_ptr().cast(),
                iov_len: length,
            };
        }
        for (place, run) in self.runs.iter().enumerate() {
            name::write(&mut self.names[place], run.to);
            let header = &mut self.headers[place];
            header.msg_len = 0;
            header.msg_hdr.msg_name = (&raw mut self.names[place]).cast();
            header.msg_hdr.msg_namelen = name::bytes(&self.names[place]);
            header.msg_hdr.msg_iov = &raw mut self.vectors[run.first];
            header.msg_hdr.msg_iovlen = run.count as _;
            header.msg_hdr.msg_control = std::ptr::null_mut();
            header.msg_hdr.msg_controllen = 0;
            header.msg_hdr.msg_flags = 0;
            if run.count > 1 {
                let control = &mut self.controls[place];
                control.header.cmsg_level = libc::SOL_UDP;
                control.header.cmsg_type = libc::UDP_SEGMENT;
                control.header.cmsg_len = unsafe { libc::CMSG_LEN(2) } as _;
                // No segment is longer than the slab's datagrams.
                control.number[..2].copy_from_slice(&(run.segment_bytes as u16).to_ne_bytes());
                header.msg_hdr.msg_control = (&raw mut *control).cast();
                header.msg_hdr.msg_controllen = unsafe { libc::CMSG_SPACE(2) } as _;
            }
        }
        let mut done = 0;
        while done < self.runs.len() {
            // The headers from `done` on point at runs that were committed.
            let sent = unsafe {
                libc::sendmmsg(
                    socket.as_raw_fd(),
                    self.headers[done..].as_mut_ptr(),
                    (self.runs.len() - done) as u32,
                    libc::MSG_DONTWAIT as _,
                )
            };
            match usize::try_from(sent) {
                Ok(sent) if sent > 0 => {
                    for run in &self.runs[done..(done + sent).min(self.runs.len())] {
                        self.counts.took(run.count, run.bytes);
                    }
                    done += sent;
                }
                Ok(_) | Err(_) => {
                    let error = io::Error::last_os_error();
                    if error.kind() != io::ErrorKind::Interrupted {
                        // The first of the rest was refused.
                        self.refused(socket, self.runs[done], &error);
                        done += 1;
                    }
                }
            }
        }
        self.runs.clear();
        self.used = 0;
        self.next = 0;
    }

    /// What was sent since this was last asked.
    pub fn take_counts(&mut self) -> SendCounts {
        mem::take(&mut self.counts)
    }

    fn refused(&mut self, socket: &UdpSocket, run: Run, error: &io::Error) {
        let busy = matches!(
            error.raw_os_error(),
            Some(libc::EAGAIN | libc::ENOBUFS | libc::ENOMEM)
        );
        if run.count == 1 || busy {
            self.counts.refused += run.count as u64;
            return;
        }
        // A device without checksums (EIO), a kernel of another mind. That one segment is too long for
        // the path (EINVAL, EMSGSIZE) is no reason to send the others singly from now on.
        if !matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EMSGSIZE)) {
            self.in_runs = false;
        }
        for (start, length) in &self.packets[run.first..run.first + run.count] {
            match socket.send_to(&self.bytes[*start..start + length], run.to) {
                Ok(_) => self.counts.took(1, *length),
                Err(_) => self.counts.refused += 1,
            }
        }
    }
}

impl Run {
    fn takes(&self, length: usize, to: SocketAddr) -> bool {
        !self.closed
            && length <= self.segment_bytes
            && length > 0
            && self.to == to
            && self.count < RUN_PACKETS
            && self.bytes + length <= RUN_BYTES
    }
}

impl SendCounts {
    fn took(&mut self, packets: usize, bytes: usize) {
        self.packets += packets as u64;
        self.bytes += bytes as u64;
        let place = packets.max(1).ilog2() as usize;
        if let Some(count) = self.runs.get_mut(place.min(5)) {
            *count += 1;
        }
    }
}
