//! SHELL. The crate's tokio runtime with room in its sockets.
//!
//! Sixty bots are one process where sixty people are sixty: when it does not get a core for half a
//! second, a socket of the usual size is full, and what the kernel then drops would be laid to the
//! server's charge.

use std::{
    io,
    net::{SocketAddr, TcpListener, UdpSocket},
    os::fd::AsRawFd,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime,
    TokioRuntime,
};

/// What a socket may hold that nobody has read yet, in bytes; the kernel grants what its limits
/// allow. Three seconds of two publishers.
const RECEIVE_BYTES: libc::c_int = 1 << 20;

/// [`TokioRuntime`] in everything else.
#[derive(Debug)]
pub(super) struct RoomySockets(TokioRuntime);

impl RoomySockets {
    pub(super) fn shared() -> Arc<dyn Runtime> {
        Arc::new(Self(TokioRuntime))
    }
}

type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl Runtime for RoomySockets {
    fn spawn(&self, future: Later<'static, ()>) -> Box<dyn JoinHandle> {
        self.0.spawn(future)
    }

    fn wrap_udp_socket(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let wanted = RECEIVE_BYTES;
        #[expect(unsafe_code, reason = "the option's value is an int, which is here")]
        // Less than was asked for is no error.
        unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_RCVBUF,
                (&raw const wanted).cast(),
                size_of::<libc::c_int>() as u32,
            );
        }
        self.0.wrap_udp_socket(socket)
    }

    fn wrap_tcp_listener(&self, listener: TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        self.0.wrap_tcp_listener(listener)
    }

    fn connect_tcp<'a>(
        &'a self,
        address: SocketAddr,
    ) -> Later<'a, io::Result<Arc<dyn AsyncTcpStream>>> {
        self.0.connect_tcp(address)
    }

    fn resolve_host<'a>(&'a self, host: &'a str) -> Later<'a, io::Result<Vec<SocketAddr>>> {
        self.0.resolve_host(host)
    }

    fn sleep(&self, duration: Duration) -> Later<'static, ()> {
        self.0.sleep(duration)
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        self.0.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        self.0.block_on(future);
    }

    fn name(&self) -> &'static str {
        self.0.name()
    }
}
