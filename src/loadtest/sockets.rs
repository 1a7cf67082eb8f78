//! SHELL. The crate's tokio runtime with room in its sockets, and weather where it is asked for.
//!
//! Sixty bots are one process where sixty people are sixty: when it does not get a core for half a
//! second, a socket of the usual size is full, and what the kernel then drops would be laid to the
//! server's charge.

use std::{
    io,
    net::{SocketAddr, TcpListener, UdpSocket},
    os::fd::{AsRawFd, RawFd},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime,
    TokioRuntime,
};

use super::{weather::Climate, weather_socket::WeatherSocket};

/// What a socket may hold that nobody has read yet, in bytes; the kernel grants what its limits
/// allow. Three seconds of two publishers.
const RECEIVE_BYTES: libc::c_int = 1 << 20;

/// [`TokioRuntime`] in everything else.
#[derive(Debug)]
pub(super) struct RoomySockets {
    tokio: TokioRuntime,
    climate: Climate,
    seat: u64,
}

impl RoomySockets {
    /// With the weather of that seat on its paths.
    pub(super) fn shared(climate: Climate, seat: u64) -> Arc<dyn Runtime> {
        Arc::new(Self {
            tokio: TokioRuntime,
            climate,
            seat,
        })
    }
}

type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl Runtime for RoomySockets {
    fn spawn(&self, future: Later<'static, ()>) -> Box<dyn JoinHandle> {
        self.tokio.spawn(future)
    }

    fn wrap_udp_socket(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        make_roomy(socket.as_raw_fd());
        if !self.climate.is_calm() {
            return Ok(Arc::new(WeatherSocket::new(
                socket,
                self.climate,
                self.seat,
            )?));
        }
        self.tokio.wrap_udp_socket(socket)
    }

    fn wrap_tcp_listener(&self, listener: TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        self.tokio.wrap_tcp_listener(listener)
    }

    fn connect_tcp<'a>(
        &'a self,
        address: SocketAddr,
    ) -> Later<'a, io::Result<Arc<dyn AsyncTcpStream>>> {
        self.tokio.connect_tcp(address)
    }

    fn resolve_host<'a>(&'a self, host: &'a str) -> Later<'a, io::Result<Vec<SocketAddr>>> {
        self.tokio.resolve_host(host)
    }

    fn sleep(&self, duration: Duration) -> Later<'static, ()> {
        self.tokio.sleep(duration)
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        self.tokio.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        self.tokio.block_on(future);
    }

    fn name(&self) -> &'static str {
        self.tokio.name()
    }
}

/// Gives an open socket that much room.
pub(super) fn make_roomy(socket: RawFd) {
    let wanted = RECEIVE_BYTES;
    #[expect(unsafe_code, reason = "the option's value is an int, which is here")]
    // Less than was asked for is no error.
    unsafe {
        libc::setsockopt(
            socket,
            libc::SOL_SOCKET,
            libc::SO_RCVBUF,
            (&raw const wanted).cast(),
            size_of::<libc::c_int>() as u32,
        );
    }
}
