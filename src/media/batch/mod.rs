//! SHELL. Batched datagrams: `recvmmsg` and `sendmmsg` over buffers that are made once, with the
//! kernel's own batches inside (GRO, GSO) where it has them.
//!
//! With the socket options of the worker the only place with `unsafe` code: the structures that the
//! kernel reads and writes point into buffers owned beside them. This module must never know what a
//! datagram means.

#![expect(
    unsafe_code,
    reason = "recvmmsg and sendmmsg have no safe form in the standard library"
)]

mod incoming;
mod name;
mod outgoing;

pub use incoming::Incoming;
pub use outgoing::Outgoing;

use std::{mem, os::fd::AsRawFd};

/// Room for one control message that carries a number, aligned as the kernel's header is.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control {
    header: libc::cmsghdr,
    number: [u8; 8],
}

impl Control {
    const EMPTY: Self = Self {
        // Plain numbers, for which zeroes are valid.
        header: unsafe { mem::zeroed() },
        number: [0; 8],
    };
}

/// Whether the kernel knows an option of UDP sockets and has taken it.
fn set_udp_option(socket: &impl AsRawFd, option: i32, value: i32) -> bool {
    // The option's value is an int, which is here.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_UDP,
            option,
            (&raw const value).cast(),
            mem::size_of::<i32>() as u32,
        )
    };
    done == 0
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, UdpSocket};

    use super::*;

    const ROOM: usize = 2048;

    fn pair(address: &str) -> (UdpSocket, UdpSocket) {
        let bind = || {
            let socket = UdpSocket::bind((address, 0)).expect("a loopback socket");
            socket.set_nonblocking(true).expect("a socket's flag");
            socket
        };
        (bind(), bind())
    }

    fn put(outgoing: &mut Outgoing, bytes: &[u8], to: SocketAddr) {
        let place = outgoing.free(ROOM).expect("a free place");
        place[..bytes.len()].copy_from_slice(bytes);
        outgoing.commit(bytes.len(), to);
    }

    fn all_of(incoming: &mut Incoming, socket: &UdpSocket) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut all = Vec::new();
        while incoming.receive(socket).expect("received") > 0 {
            incoming.each(|from, datagram| all.push((from, datagram.to_vec())));
        }
        all
    }

    fn there_and_back(address: &str, in_runs: (bool, bool)) {
        let (one, other) = pair(address);
        let (to, from) = (
            other.local_addr().expect("bound"),
            one.local_addr().expect("bound"),
        );
        let mut outgoing = Outgoing::new(&one);
        outgoing.in_runs &= in_runs.0;
        let mut incoming = Incoming::new();
        if in_runs.1 {
            incoming.take_runs(&other);
        }
        // Runs of three equal ones and a shorter, then one that is longer again.
        let lengths = [700, 700, 700, 90, 300, 1300, 1300];
        let packet = |number: usize| vec![number as u8; lengths[number % lengths.len()]];
        let mut sent = 0;
        // As many as a socket of no particular size keeps.
        while !outgoing.is_full(ROOM) && sent < 70 {
            put(&mut outgoing, &packet(sent), to);
            sent += 1;
        }
        assert!(sent > 20, "{sent} fit");
        outgoing.send(&one);
        assert!(outgoing.is_empty());
        let counts = outgoing.take_counts();
        assert_eq!((counts.packets, counts.refused), (sent as u64, 0));
        let messages: u64 = counts.runs.iter().sum();
        match in_runs.0 {
            true => assert!(messages < sent as u64, "{messages} messages for {sent}"),
            false => assert_eq!(messages, sent as u64),
        }
        let came = all_of(&mut incoming, &other);
        assert_eq!(came.len(), sent);
        for (number, (sender, datagram)) in came.iter().enumerate() {
            assert_eq!(*sender, from);
            assert_eq!(*datagram, packet(number));
        }
    }

    #[test]
    fn a_batch_goes_there_over_ipv4_and_ipv6_with_and_without_runs() {
        for address in ["127.0.0.1", "::1"] {
            for in_runs in [(true, true), (true, false), (false, true), (false, false)] {
                there_and_back(address, in_runs);
            }
        }
    }

    #[test]
    fn one_that_cannot_be_sent_does_not_stop_the_others() {
        let (one, other) = pair("127.0.0.1");
        let good = other.local_addr().expect("bound");
        let bad = "[::1]:9".parse().expect("an address of the other family");
        let mut outgoing = Outgoing::new(&one);
        for to in [good, bad, bad, good] {
            put(&mut outgoing, &[1], to);
        }
        outgoing.send(&one);
        let counts = outgoing.take_counts();
        assert_eq!((counts.packets, counts.refused), (2, 2));
        assert_eq!(all_of(&mut Incoming::new(), &other).len(), 2);
    }

    #[test]
    fn a_run_that_the_kernel_refuses_is_sent_one_by_one() {
        let (one, other) = pair("127.0.0.1");
        // Checksums switched off: the kernel then makes no segments (EIO), as on devices that lack it.
        let off: i32 = 1;
        let done = unsafe {
            libc::setsockopt(
                one.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_NO_CHECK,
                (&raw const off).cast(),
                mem::size_of::<i32>() as u32,
            )
        };
        assert_eq!(done, 0);
        let to = other.local_addr().expect("bound");
        let mut outgoing = Outgoing::new(&one);
        for number in 0..5 {
            put(&mut outgoing, &[number; 100], to);
        }
        outgoing.send(&one);
        let counts = outgoing.take_counts();
        assert_eq!((counts.packets, counts.refused), (5, 0));
        let came = all_of(&mut Incoming::new(), &other);
        let numbers: Vec<u8> = came.iter().map(|(_, datagram)| datagram[0]).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn what_is_longer_than_any_packet_of_ours_is_nothing() {
        let (one, other) = pair("127.0.0.1");
        let to = other.local_addr().expect("bound");
        one.send_to(&[1; 5000], to).expect("sent");
        one.send_to(&[2; 100], to).expect("sent");
        let came = all_of(&mut Incoming::new(), &other);
        assert_eq!(came.len(), 1);
        assert_eq!(came[0].1, [2; 100]);
    }
}
