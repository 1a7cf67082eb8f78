//! SHELL. What the kernel knows of the lean receivers' sockets: which have something to read, and
//! several datagrams of one at a time.
//!
//! This module must never know what a datagram means.

#![expect(
    unsafe_code,
    reason = "epoll and recvmmsg have no safe form in the standard library"
)]

use std::{
    io, mem,
    net::UdpSocket,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    time::Duration,
};

/// Sockets told of at once. Those that are not are told of the next time.
const NEWS_MAX: usize = 256;

/// Watches sockets.
pub struct Epoll {
    descriptor: OwnedFd,
    news: Box<[libc::epoll_event; NEWS_MAX]>,
}

impl Epoll {
    /// One that watches nothing.
    ///
    /// # Errors
    /// Where the process has no descriptor left.
    pub fn new() -> io::Result<Self> {
        // SAFETY: the descriptor is new and owned from here on.
        let descriptor = unsafe {
            let descriptor = libc::epoll_create1(libc::EPOLL_CLOEXEC);
            if descriptor < 0 {
                return Err(io::Error::last_os_error());
            }
            OwnedFd::from_raw_fd(descriptor)
        };
        let nothing = libc::epoll_event { events: 0, u64: 0 };
        Ok(Self {
            descriptor,
            news: Box::new([nothing; NEWS_MAX]),
        })
    }

    /// Watches a socket under a number, until it is closed.
    ///
    /// # Errors
    /// Where the kernel has no room for it.
    pub fn watch(&self, socket: &UdpSocket, number: u64) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: libc::EPOLLIN as u32,
            u64: number,
        };
        // SAFETY: both descriptors are open, the event is here.
        let done = unsafe {
            libc::epoll_ctl(
                self.descriptor.as_raw_fd(),
                libc::EPOLL_CTL_ADD,
                socket.as_raw_fd(),
                &raw mut event,
            )
        };
        if done < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    /// The numbers of sockets that have something to read; waits for one so long at most.
    pub fn wait(&mut self, longest: Duration) -> impl Iterator<Item = u64> {
        // Up to the next millisecond, so that a wait that is short of one does not turn into many.
        let ms = longest.as_micros().div_ceil(1000).min(1000) as libc::c_int;
        // SAFETY: the kernel writes no more events than there is room for.
        let count = unsafe {
            libc::epoll_wait(
                self.descriptor.as_raw_fd(),
                self.news.as_mut_ptr(),
                NEWS_MAX as libc::c_int,
                ms,
            )
        };
        // An error is an interruption: the next turn asks again.
        let count = usize::try_from(count).unwrap_or(0);
        self.news.iter().take(count).map(|event| event.u64)
    }
}

/// Datagrams of one socket that are taken at once.
const BATCH: usize = 32;
/// Longer than any that the server sends; one that is longer still is cut and does not authenticate.
const DATAGRAM_BYTES_MAX: usize = 2048;

/// Places for datagrams, made once.
pub struct Batch {
    places: Box<[[u8; DATAGRAM_BYTES_MAX]; BATCH]>,
}

impl Batch {
    /// All of them empty.
    pub fn new() -> Self {
        Self {
            places: Box::new([[0; DATAGRAM_BYTES_MAX]; BATCH]),
        }
    }

    /// What has come to a connected socket, a batch at most; never waits. A refusal by the other side
    /// is nothing that came.
    pub fn receive(&mut self, socket: &UdpSocket) -> impl Iterator<Item = &[u8]> {
        // SAFETY: both are plain structures for which zeroes are valid.
        let mut vectors: [libc::iovec; BATCH] = unsafe { mem::zeroed() };
        let mut headers: [libc::mmsghdr; BATCH] = unsafe { mem::zeroed() };
        let places = self.places.iter_mut().zip(&mut vectors).zip(&mut headers);
        for ((place, vector), header) in places {
            vector.iov_base = place.as_mut_ptr().cast();
            vector.iov_len = place.len();
            header.msg_hdr.msg_iov = &raw mut *vector;
            header.msg_hdr.msg_iovlen = 1;
        }
        // SAFETY: the headers point at as many places, all of which live until the call returns.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                BATCH as libc::c_uint,
                libc::MSG_DONTWAIT as _,
                std::ptr::null_mut(),
            )
        };
        let count = usize::try_from(count).unwrap_or(0);
        let came = self.places.iter().zip(headers).take(count);
        came.filter_map(|(place, header)| place.get(..header.msg_len as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_is_told_of_and_read_at_once() {
        let bind = || UdpSocket::bind("127.0.0.1:0").expect("a loopback socket");
        let (one, other) = (bind(), bind());
        let to = other.local_addr().expect("bound");
        other
            .connect(one.local_addr().expect("bound"))
            .expect("connected");
        let mut epoll = Epoll::new().expect("a descriptor");
        epoll.watch(&other, 7).expect("watched");
        assert_eq!(epoll.wait(Duration::ZERO).count(), 0);
        for length in 1..=3_u8 {
            let datagram = vec![length; usize::from(length)];
            one.send_to(&datagram, to).expect("sent");
        }
        assert!(epoll.wait(Duration::from_secs(1)).eq([7]));
        let mut batch = Batch::new();
        let came: Vec<Vec<u8>> = batch.receive(&other).map(<[u8]>::to_vec).collect();
        assert_eq!(came, [vec![1], vec![2, 2], vec![3, 3, 3]]);
        assert_eq!(batch.receive(&other).count(), 0);
    }
}
