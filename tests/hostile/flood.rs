//! Datagrams by the ten thousand, as fast as the server takes them: what is tried is the handling,
//! not the size of the kernel's buffer, which any sender can fill.

use std::{
    fs, io, mem,
    net::{SocketAddr, UdpSocket},
    os::fd::AsRawFd,
    thread,
    time::Duration,
};

/// Datagrams between two looks at the server's buffer, which cost more than the datagrams do.
const BURST: usize = 128;

/// What may wait in the server's buffer while more is sent, in bytes as the kernel counts them: a
/// quarter of what a socket gets where the machine grants no more, which leaves room for a burst.
const WAITING_MAX: u64 = 100 * 1024;

/// Sends these datagrams. `between` is called now and then, for whoever has to stay alive.
pub fn flood(
    socket: &UdpSocket,
    server: SocketAddr,
    datagrams: impl Iterator<Item = Vec<u8>>,
    mut between: impl FnMut(),
) {
    yield_to_others();
    let name = name(server);
    let mut datagrams = datagrams;
    let mut burst = Vec::with_capacity(BURST);
    for count in 0_usize.. {
        burst.clear();
        burst.extend(datagrams.by_ref().take(BURST));
        if burst.is_empty() {
            break;
        }
        while waiting(server) > WAITING_MAX {
            thread::sleep(Duration::from_micros(300));
        }
        if count % 4 == 0 {
            between();
        }
        send(socket, &mut burst, &name);
    }
    while waiting(server) > 0 {
        thread::sleep(Duration::from_millis(1));
    }
    between();
}

fn name(server: SocketAddr) -> libc::sockaddr_in {
    let SocketAddr::V4(server) = server else {
        panic!("the house is at {server}");
    };
    libc::sockaddr_in {
        sin_family: libc::AF_INET as u16,
        sin_port: server.port().to_be(),
        sin_addr: libc::in_addr {
            s_addr: u32::from_ne_bytes(server.ip().octets()),
        },
        sin_zero: [0; 8],
    }
}

/// Sends a burst with one call. Where the buffers are full it waits: an attack that is lost on the
/// way tries nothing.
fn send(socket: &UdpSocket, burst: &mut [Vec<u8>], name: &libc::sockaddr_in) {
    let mut pieces: Vec<libc::iovec> = burst
        .iter_mut()
        .map(|datagram| libc::iovec {
            iov_base: datagram.as_mut_ptr().cast(),
            iov_len: datagram.len(),
        })
        .collect();
    let mut headers: Vec<libc::mmsghdr> = pieces
        .iter_mut()
        .map(|piece| {
            // SAFETY: zeroes are a valid header, without address, data or control.
            let mut header: libc::mmsghdr = unsafe { mem::zeroed() };
            header.msg_hdr.msg_name = (&raw const *name).cast_mut().cast();
            header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_in>() as u32;
            header.msg_hdr.msg_iov = piece;
            header.msg_hdr.msg_iovlen = 1;
            header
        })
        .collect();
    let mut done = 0;
    while done < headers.len() {
        let rest = &mut headers[done..];
        // SAFETY: the headers point at the name and at the pieces, which outlive the call.
        let sent = unsafe {
            libc::sendmmsg(
                socket.as_raw_fd(),
                rest.as_mut_ptr(),
                rest.len() as u32,
                libc::MSG_DONTWAIT as _,
            )
        };
        match usize::try_from(sent) {
            Ok(sent) => done += sent,
            Err(_) => {
                let why = io::Error::last_os_error();
                assert_eq!(why.kind(), io::ErrorKind::WouldBlock, "{why}");
                thread::yield_now();
            }
        }
    }
}

/// What has come to the server's socket and was not yet read, in bytes.
fn waiting(server: SocketAddr) -> u64 {
    let port = format!(":{:04X}", server.port());
    let table = fs::read_to_string("/proc/self/net/udp").expect("the sockets of this machine");
    table
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace().skip(1);
            let local = words.next()?;
            let queues = words.nth(2)?;
            let (_, received) = queues.split_once(':')?;
            let received = u64::from_str_radix(received, 16).ok()?;
            (local.ends_with(&port)).then_some(received)
        })
        .sum()
}

/// Attackers give way to the pair: where the machine is full, it is not its time that they are to
/// take. The thread ends with its test.
fn yield_to_others() {
    // SAFETY: setpriority has no memory to break; 0 is the calling thread, whose priority falls.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, 10);
    }
}
