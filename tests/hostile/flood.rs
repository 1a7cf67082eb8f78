//! Datagrams by the ten thousand, as fast as the server takes them: what is tried is the handling,
//! not the size of the kernel's buffer, which any sender can fill.

use std::{
    fs,
    net::{SocketAddr, UdpSocket},
    thread,
    time::Duration,
};

use crate::caller::send;

/// Datagrams between two looks at the server's buffer.
const BURST: usize = 64;

/// What may wait in the server's buffer while more is sent, in bytes as the kernel counts them: a
/// quarter of what an unprivileged socket gets.
const WAITING_MAX: u64 = 100 * 1024;

/// Sends these datagrams. `between` is called now and then, for whoever has to stay alive.
pub fn flood(
    socket: &UdpSocket,
    server: SocketAddr,
    datagrams: impl Iterator<Item = Vec<u8>>,
    mut between: impl FnMut(),
) {
    yield_to_others();
    for (count, datagram) in datagrams.enumerate() {
        if count % BURST == 0 {
            while waiting(server) > WAITING_MAX {
                thread::sleep(Duration::from_micros(300));
            }
            if count % (BURST * 32) == 0 {
                between();
            }
        }
        send(socket, &datagram, server);
    }
    while waiting(server) > 0 {
        thread::sleep(Duration::from_millis(1));
    }
    between();
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
