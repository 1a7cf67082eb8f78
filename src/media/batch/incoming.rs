//! SHELL. What arrives: many datagrams a call, and of one sender's several in a message (GRO).

use std::{
    io, mem,
    net::{SocketAddr, UdpSocket},
    os::fd::AsRawFd,
};

use super::{Control, name, set_udp_option};
use crate::media::shard::DATAGRAM_BYTES_MAX;

/// Messages moved by one system call at most.
pub const MESSAGES: usize = 32;
/// Room for a message: the largest that UDP carries, and a line more, so that the beginnings of
/// messages do not all fall into the same set of a cache.
const PLACE_BYTES: usize = 65_536 + 64;

/// Fixed places for messages, with their senders.
pub struct Incoming {
    bytes: Box<[u8]>,
    names: Box<[libc::sockaddr_storage; MESSAGES]>,
    controls: Box<[Control; MESSAGES]>,
    vectors: Box<[libc::iovec; MESSAGES]>,
    headers: Box<[libc::mmsghdr; MESSAGES]>,
    used: usize,
}

// The raw pointers inside point into boxes that the struct owns and are set anew before each call.
unsafe impl Send for Incoming {}

impl Incoming {
    /// Empty places. They cost memory once they are used.
    pub fn new() -> Self {
        // All are plain structures for which zeroes are valid.
        unsafe {
            Self {
                bytes: vec![0; MESSAGES * PLACE_BYTES].into_boxed_slice(),
                names: Box::new(mem::zeroed()),
                controls: Box::new([Control::EMPTY; MESSAGES]),
                vectors: Box::new(mem::zeroed()),
                headers: Box::new(mem::zeroed()),
                used: 0,
            }
        }
    }

    /// From now on the socket gives datagrams of one sender in a row as one message, where the kernel
    /// can.
    pub fn take_runs(&self, socket: &UdpSocket) -> bool {
        set_udp_option(socket, libc::UDP_GRO, 1)
    }

    /// The last call has filled every place: there may be more.
    pub fn is_full(&self) -> bool {
        self.used == MESSAGES
    }

    /// Fills the places with what has arrived and says how many; never waits.
    ///
    /// # Errors
    /// Those of `recvmmsg`, but for an empty socket, which is no message.
    pub fn receive(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        self.used = 0;
        for place in 0..MESSAGES {
            let start = place * PLACE_BYTES;
            self.vectors[place] = libc::iovec {
                iov_base: self.bytes[start..].as_mut_ptr().cast(),
                iov_len: PLACE_BYTES,
            };
            let header = &mut self.headers[place];
            header.msg_len = 0;
            header.msg_hdr.msg_name = (&raw mut self.names[place]).cast();
            header.msg_hdr.msg_namelen = mem::size_of::<libc::sockaddr_storage>() as u32;
            header.msg_hdr.msg_iov = &raw mut self.vectors[place];
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_control = (&raw mut self.controls[place]).cast();
            header.msg_hdr.msg_controllen = mem::size_of::<Control>() as _;
            header.msg_hdr.msg_flags = 0;
        }
        // The headers point at as many places, names and controls, all owned here.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                MESSAGES as u32,
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
        self.used = usize::try_from(count).unwrap_or(0).min(MESSAGES);
        Ok(self.used)
    }

    /// Hands out each datagram that has arrived, with its sender. One that is longer than any packet
    /// that we speak is left out.
    pub fn each(&mut self, mut take: impl FnMut(SocketAddr, &mut [u8])) {
        for place in 0..self.used {
            let header = &self.headers[place];
            let Some(from) = name::read(&self.names[place]) else {
                continue;
            };
            if header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0 {
                continue;
            }
            let length = (header.msg_len as usize).min(PLACE_BYTES);
            let segment = segment_bytes(&header.msg_hdr, &self.controls[place]).unwrap_or(length);
            let start = place * PLACE_BYTES;
            for datagram in self.bytes[start..start + length].chunks_mut(segment.max(1)) {
                if datagram.len() <= DATAGRAM_BYTES_MAX {
                    take(from, datagram);
                }
            }
        }
    }
}

/// How long each datagram of a message is but for the last, which may be shorter. Nothing where the
/// message is one datagram.
fn segment_bytes(header: &libc::msghdr, control: &Control) -> Option<usize> {
    let is_there = header.msg_controllen >= mem::size_of::<libc::cmsghdr>() + 4;
    let level = (control.header.cmsg_level, control.header.cmsg_type);
    if !is_there || level != (libc::SOL_UDP, libc::UDP_GRO) {
        return None;
    }
    let number = control.number.first_chunk()?;
    usize::try_from(i32::from_ne_bytes(*number)).ok()
}
