//! SHELL. What the kernel keeps for a socket of datagrams that have come and not been read, and of
//! those that have been sent and not left.

use std::{io, net::UdpSocket, os::fd::AsRawFd};

/// What the kernel keeps for a socket at most, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    /// Of what has come.
    pub receive_bytes: u32,
    /// Of what is to leave.
    pub send_bytes: u32,
}

/// Asks for so much in each direction and says what was granted: what `net.core.rmem_max` and
/// `net.core.wmem_max` allow.
///
/// # Errors
/// Where the system does not say.
pub fn size_buffers(socket: &UdpSocket, wanted_bytes: u32) -> io::Result<Granted> {
    // More than an int holds is asked for as the most that it holds.
    let wanted = libc::c_int::try_from(wanted_bytes).unwrap_or(libc::c_int::MAX);
    for option in [libc::SO_RCVBUF, libc::SO_SNDBUF] {
        #[expect(unsafe_code, reason = "the option's value is an int, which is here")]
        unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                option,
                (&raw const wanted).cast(),
                size_of::<libc::c_int>() as u32,
            );
        }
    }
    Ok(Granted {
        receive_bytes: granted(socket, libc::SO_RCVBUF)?,
        send_bytes: granted(socket, libc::SO_SNDBUF)?,
    })
}

fn granted(socket: &UdpSocket, option: libc::c_int) -> io::Result<u32> {
    let mut value: libc::c_int = 0;
    let mut length = size_of::<libc::c_int>() as libc::socklen_t;
    #[expect(
        unsafe_code,
        reason = "the option's value is an int, which has room here"
    )]
    let answer = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            (&raw mut value).cast(),
            &raw mut length,
        )
    };
    if answer != 0 {
        return Err(io::Error::last_os_error());
    }
    // Linux doubles what is asked for, for its own book-keeping, and tells the double (socket(7)).
    Ok(u32::try_from(value / 2).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::worker::{Settings, doors};

    #[test]
    fn a_small_wish_is_granted_and_an_absurd_one_is_told_from_it() {
        let settings = Settings {
            addresses: vec![[127, 0, 0, 1].into()],
            port: 0,
            ..Settings::default()
        };
        let doors = doors::open(&settings, 0).expect("free ports");
        let granted = |wanted| size_buffers(&doors.sockets[0], wanted).expect("told");
        let small = granted(16 * 1024);
        assert_eq!((small.receive_bytes, small.send_bytes), (16384, 16384));
        let absurd = granted(u32::MAX);
        assert!(absurd.receive_bytes > small.receive_bytes, "{absurd:?}");
        assert!(absurd.receive_bytes < u32::MAX, "{absurd:?}");
    }
}
