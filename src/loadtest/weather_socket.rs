//! SHELL. A UDP socket of the crate's in bad weather: what falls is neither sent nor received, and all
//! the rest is late.

use std::{
    io::{self, IoSliceMut},
    net::{SocketAddr, UdpSocket},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    task::JoinSet,
    time::{Instant, sleep_until},
};
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

use super::weather::{Climate, Weather};

/// Datagrams on their way in one direction at once; one more falls, as in a network's own queues.
const UNDERWAY_MAX: usize = 8192;

/// Longer than any that either side sends.
const DATAGRAM_BYTES_MAX: usize = 2048;

#[derive(Debug)]
struct Datagram {
    due: Instant,
    /// Whither or whence.
    far: SocketAddr,
    bytes: Vec<u8>,
}

/// A socket under the weather.
#[derive(Debug)]
pub struct WeatherSocket {
    socket: Arc<tokio::net::UdpSocket>,
    climate: Climate,
    outbound: Mutex<Weather>,
    leaving: Sender<Datagram>,
    arriving: Mutex<Receiver<Datagram>>,
    /// End with the socket.
    _ways: JoinSet<()>,
}

impl WeatherSocket {
    /// Puts a socket under the weather that the seat has.
    ///
    /// # Errors
    /// Where it cannot be watched.
    pub fn new(socket: UdpSocket, climate: Climate, seat: u64) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let socket = Arc::new(tokio::net::UdpSocket::from_std(socket)?);
        let (leaving, departures) = mpsc::channel(UNDERWAY_MAX);
        let (underway, landing) = mpsc::channel(UNDERWAY_MAX);
        let (landed, arriving) = mpsc::channel(UNDERWAY_MAX);
        let inbound = Weather::new(climate, 2 * seat);
        let mut ways = JoinSet::new();
        ways.spawn(send(Arc::clone(&socket), departures));
        ways.spawn(receive(Arc::clone(&socket), climate, inbound, underway));
        ways.spawn(land(landing, landed));
        Ok(Self {
            socket,
            climate,
            outbound: Mutex::new(Weather::new(climate, 2 * seat + 1)),
            leaving,
            arriving: Mutex::new(arriving),
            _ways: ways,
        })
    }
}

/// Sends each when it is due.
async fn send(socket: Arc<tokio::net::UdpSocket>, mut departures: Receiver<Datagram>) {
    while let Some(datagram) = departures.recv().await {
        sleep_until(datagram.due).await;
        // What the kernel refuses has fallen.
        let _fell = socket.send_to(&datagram.bytes, datagram.far).await;
    }
}

/// Takes what comes off the socket, as far as it does not fall.
async fn receive(
    socket: Arc<tokio::net::UdpSocket>,
    climate: Climate,
    mut weather: Weather,
    underway: Sender<Datagram>,
) {
    let mut buffer = [0; DATAGRAM_BYTES_MAX];
    loop {
        // A refusal by the far side is nothing that came.
        let Ok((length, far)) = socket.recv_from(&mut buffer).await else {
            continue;
        };
        if weather.fells() {
            continue;
        }
        let datagram = Datagram {
            due: now() + climate.delay(),
            far,
            bytes: buffer.get(..length).unwrap_or_default().to_vec(),
        };
        let _fell = underway.try_send(datagram);
    }
}

/// Lets each arrive when it is due.
async fn land(mut landing: Receiver<Datagram>, landed: Sender<Datagram>) {
    while let Some(datagram) = landing.recv().await {
        sleep_until(datagram.due).await;
        let _fell = landed.try_send(datagram);
    }
}

impl AsyncUdpSocket for WeatherSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn poll_send(&self, _: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        let length = transmit.contents.len();
        let mut weather = self.outbound.lock().unwrap_or_else(PoisonError::into_inner);
        if !weather.fells() {
            let datagram = Datagram {
                due: now() + self.climate.delay(),
                far: transmit.destination,
                bytes: transmit.contents.to_vec(),
            };
            let _fell = self.leaving.try_send(datagram);
        }
        Poll::Ready(Ok(length))
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let (Some(place), Some(meta)) = (bufs.first_mut(), meta.first_mut()) else {
            return Poll::Ready(Ok(0));
        };
        let mut arriving = self.arriving.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(datagram) = std::task::ready!(arriving.poll_recv(cx)) else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        let length = datagram.bytes.len().min(place.len());
        for (to, from) in place.iter_mut().zip(&datagram.bytes) {
            *to = *from;
        }
        *meta = RecvMeta::default();
        meta.addr = datagram.far;
        meta.len = length;
        // Never 0, whatever came.
        meta.stride = length.max(1);
        Poll::Ready(Ok(1))
    }
}

#[expect(clippy::disallowed_methods, reason = "the bots measure real time")]
fn now() -> Instant {
    Instant::now()
}
