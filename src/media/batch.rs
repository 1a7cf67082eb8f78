//! SHELL. Batched datagrams: `recvmmsg` and `sendmmsg` over buffers that are made once.
//!
//! The only place with `unsafe` code: the structures that the kernel reads and writes point into
//! buffers owned beside them. This module must never know what a datagram means.

#![expect(
    unsafe_code,
    reason = "recvmmsg and sendmmsg have no safe form in the standard library"
)]

use std::{
    io, mem,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    os::fd::AsRawFd,
};

/// Datagrams moved by one system call at most.
pub const BATCH: usize = 64;

/// Fixed places for datagrams, with their addresses and lengths.
pub struct Batch {
    bytes: Box<[u8]>,
    place_bytes: usize,
    lengths: [usize; BATCH],
    names: Box<[libc::sockaddr_storage; BATCH]>,
    vectors: Box<[libc::iovec; BATCH]>,
    headers: Box<[libc::mmsghdr; BATCH]>,
    used: usize,
}

// The raw pointers inside point into boxes that the struct owns and are set anew before each call.
unsafe impl Send for Batch {}

impl Batch {
    /// [`BATCH`] places of so many bytes.
    pub fn new(place_bytes: usize) -> Self {
        // All three are plain structures for which zeroes are valid.
        unsafe {
            Self {
                bytes: vec![0; BATCH * place_bytes].into_boxed_slice(),
                place_bytes,
                lengths: [0; BATCH],
                names: Box::new(mem::zeroed()),
                vectors: Box::new(mem::zeroed()),
                headers: Box::new(mem::zeroed()),
                used: 0,
            }
        }
    }

    /// No more places are free.
    pub fn is_full(&self) -> bool {
        self.used == BATCH
    }

    /// No place is in use.
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// The next free place, to be written and then [committed](Self::commit).
    pub fn free(&mut self) -> Option<&mut [u8]> {
        let start = self.used * self.place_bytes;
        (self.used < BATCH).then(|| &mut self.bytes[start..start + self.place_bytes])
    }

    /// The free place now holds a datagram of this length for this address.
    pub fn commit(&mut self, length: usize, to: SocketAddr) {
        if self.used < BATCH {
            self.lengths[self.used] = length.min(self.place_bytes);
            write_name(&mut self.names[self.used], to);
            self.used += 1;
        }
    }

    /// A received datagram and its sender.
    pub fn datagram(&mut self, place: usize) -> Option<(SocketAddr, &mut [u8])> {
        if place >= self.used {
            return None;
        }
        let from = read_name(&self.names[place])?;
        let start = place * self.place_bytes;
        Some((from, &mut self.bytes[start..start + self.lengths[place]]))
    }

    fn prepare(&mut self, count: usize, lengths: impl Fn(usize) -> usize) {
        for place in 0..count {
            let start = place * self.place_bytes;
            self.vectors[place] = libc::iovec {
                iov_base: self.bytes[start..].as_mut_ptr().cast(),
                iov_len: lengths(place),
            };
            let header = &mut self.headers[place];
            header.msg_len = 0;
            header.msg_hdr.msg_name = (&raw mut self.names[place]).cast();
            header.msg_hdr.msg_namelen = mem::size_of::<libc::sockaddr_storage>() as u32;
            header.msg_hdr.msg_iov = &raw mut self.vectors[place];
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_control = std::ptr::null_mut();
            header.msg_hdr.msg_controllen = 0;
            header.msg_hdr.msg_flags = 0;
        }
    }

    /// Fills the places with what has arrived; never waits.
    ///
    /// # Errors
    /// Those of `recvmmsg`, but for an empty socket, which is no datagram.
    pub fn receive(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        self.used = 0;
        let whole = self.place_bytes;
        self.prepare(BATCH, |_| whole);
        // The headers point at BATCH places of `whole` bytes and as many names, all owned here.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                BATCH as u32,
                libc::MSG_DONTWAIT as _,
                std::ptr::null_mut(),
            )
        };
        if count < 0 {
            let error = io::Error::last_os_error();
            return match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(0),
                _ => Err(error),
            };
        }
        self.used = usize::try_from(count).unwrap_or(0).min(BATCH);
        for place in 0..self.used {
            let header = &self.headers[place];
            // A datagram longer than a place is cut: no packet that we speak is, so it is nothing.
            let cut = header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0;
            self.lengths[place] = if cut {
                0
            } else {
                (header.msg_len as usize).min(whole)
            };
        }
        Ok(self.used)
    }

    /// Sends all places and frees them. A datagram that the kernel refuses (no route, a full
    /// buffer) is dropped as a network would; returns how many were.
    pub fn send(&mut self, socket: &UdpSocket) -> usize {
        let count = mem::take(&mut self.used);
        let lengths = self.lengths;
        self.prepare(count, |place| lengths[place]);
        for place in 0..count {
            self.headers[place].msg_hdr.msg_namelen = name_bytes(&self.names[place]);
        }
        let mut done = 0;
        let mut dropped = 0;
        while done < count {
            // The headers from `done` on point at places that were committed.
            let sent = unsafe {
                libc::sendmmsg(
                    socket.as_raw_fd(),
                    self.headers[done..count].as_mut_ptr(),
                    (count - done) as u32,
                    libc::MSG_DONTWAIT as _,
                )
            };
            match usize::try_from(sent) {
                Ok(sent) if sent > 0 => done += sent,
                Ok(_) | Err(_) => {
                    if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
                        // The first of the rest was refused.
                        done += 1;
                        dropped += 1;
                    }
                }
            }
        }
        dropped
    }
}

fn name_bytes(name: &libc::sockaddr_storage) -> u32 {
    let bytes = if i32::from(name.ss_family) == libc::AF_INET {
        mem::size_of::<libc::sockaddr_in>()
    } else {
        mem::size_of::<libc::sockaddr_in6>()
    };
    bytes as u32
}

fn write_name(name: &mut libc::sockaddr_storage, address: SocketAddr) {
    // A sockaddr_storage is large and aligned enough for every address family.
    match address {
        SocketAddr::V4(address) => {
            let name = unsafe { &mut *(&raw mut *name).cast::<libc::sockaddr_in>() };
            name.sin_family = libc::AF_INET as u16;
            name.sin_port = address.port().to_be();
            name.sin_addr.s_addr = u32::from_ne_bytes(address.ip().octets());
        }
        SocketAddr::V6(address) => {
            let name = unsafe { &mut *(&raw mut *name).cast::<libc::sockaddr_in6>() };
            name.sin6_family = libc::AF_INET6 as u16;
            name.sin6_port = address.port().to_be();
            name.sin6_flowinfo = 0;
            name.sin6_addr.s6_addr = address.ip().octets();
            name.sin6_scope_id = address.scope_id();
        }
    }
}

fn read_name(name: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match i32::from(name.ss_family) {
        libc::AF_INET => {
            let name = unsafe { &*(&raw const *name).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(name.sin_addr.s_addr.to_ne_bytes());
            Some((IpAddr::V4(ip), u16::from_be(name.sin_port)).into())
        }
        libc::AF_INET6 => {
            let name = unsafe { &*(&raw const *name).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(name.sin6_addr.s6_addr);
            Some((IpAddr::V6(ip), u16::from_be(name.sin6_port)).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(address: &str) -> (UdpSocket, UdpSocket) {
        let bind = || UdpSocket::bind((address, 0)).expect("a loopback socket");
        (bind(), bind())
    }

    fn there_and_back(address: &str) {
        let (one, other) = pair(address);
        let to = other.local_addr().expect("bound");
        let mut batch = Batch::new(2048);
        for number in 0..BATCH as u8 {
            let place = batch.free().expect("a free place");
            place[..3].fill(number);
            batch.commit(3, to);
        }
        assert!(batch.is_full() && batch.free().is_none());
        assert_eq!(batch.send(&one), 0);
        assert!(batch.is_empty());

        let mut batch = Batch::new(2048);
        assert_eq!(batch.receive(&other).expect("received"), BATCH);
        for number in 0..BATCH {
            let (from, datagram) = batch.datagram(number).expect("a datagram");
            assert_eq!(from, one.local_addr().expect("bound"));
            assert_eq!(datagram, [number as u8; 3]);
        }
        assert!(batch.datagram(BATCH).is_none());
        assert_eq!(batch.receive(&other).expect("empty"), 0);
    }

    #[test]
    fn a_batch_goes_there_over_ipv4_and_ipv6() {
        there_and_back("127.0.0.1");
        there_and_back("::1");
    }

    #[test]
    fn one_that_cannot_be_sent_does_not_stop_the_others() {
        let (one, other) = pair("127.0.0.1");
        let good = other.local_addr().expect("bound");
        let bad = "[::1]:9".parse().expect("an address of the other family");
        let mut batch = Batch::new(64);
        for to in [good, bad, good] {
            batch.commit(1, to);
        }
        assert_eq!(batch.send(&one), 1);
        assert_eq!(batch.receive(&other).expect("received"), 2);
    }

    #[test]
    fn what_is_longer_than_a_place_is_nothing() {
        let (one, other) = pair("127.0.0.1");
        one.send_to(&[1; 100], other.local_addr().expect("bound"))
            .expect("sent");
        let mut batch = Batch::new(64);
        assert_eq!(batch.receive(&other).expect("received"), 1);
        assert_eq!(batch.datagram(0).expect("a datagram").1.len(), 0);
    }
}
