//! SHELL. The accept loop: plain or TLS, one task a connection, all of them ended at the stop.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use super::{
    Behind, Rooms, Settings,
    admission::{Admission, Place},
    api::Api,
    asked_to_stop,
    exposure::{self, PublicUrl},
    router, tls,
};

/// How long accepting rests after the system had no descriptor left for a connection.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// What is buffered of one request's header and of answers not yet sent, in bytes. A longer header
/// is answered with 431.
const BUFFER_BYTES_MAX: usize = 32 * 1024;

/// Why the port cannot be served: one line for whoever started the program.
#[derive(Debug, thiserror::Error)]
pub enum ListenFault {
    /// The public URL is not one.
    #[error("http.public_url: {0}")]
    PublicUrl(#[from] exposure::NotAPublicUrl),
    /// Browsers elsewhere would give no camera.
    #[error("{0}")]
    Exposed(#[from] exposure::Exposed),
    /// One of the TLS files is missing or wrong.
    #[error("{0}")]
    Tls(String),
    /// The address cannot be had.
    #[error("cannot listen on {address}: {why}")]
    Address {
        /// The listening address.
        address: SocketAddr,
        /// The system's words.
        why: io::Error,
    },
}

/// A port that is ours, not yet served.
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    public_url: Option<PublicUrl>,
    settings: Settings,
}

/// Takes the port, after everything that could be wrong with its settings.
pub async fn bind(settings: &Settings) -> Result<Bound, ListenFault> {
    let public_url: Option<PublicUrl> = match settings.public_url.as_str() {
        "" => None,
        url => Some(url.parse()?),
    };
    let (certificate, key) = (&settings.tls_certificate, &settings.tls_key);
    let tls = match (
        certificate.as_os_str().is_empty(),
        key.as_os_str().is_empty(),
    ) {
        (true, true) => None,
        (false, false) => Some(tls::acceptor(certificate, key).map_err(ListenFault::Tls)?),
        (true, false) | (false, true) => {
            let both = "http.tls_certificate and http.tls_key belong together: set both or none";
            return Err(ListenFault::Tls(both.to_owned()));
        }
    };
    exposure::refuse_plain(
        settings.listen,
        tls.is_some(),
        public_url.as_ref(),
        settings.force_plain_http,
    )?;
    let at_address = |why| ListenFault::Address {
        address: settings.listen,
        why,
    };
    let listener = TcpListener::bind(settings.listen)
        .await
        .map_err(at_address)?;
    let address = listener.local_addr().map_err(at_address)?;
    Ok(Bound {
        listener,
        address,
        tls,
        public_url,
        settings: settings.clone(),
    })
}

impl Bound {
    /// The listening address itself, with its real port.
    pub fn listening_url(&self) -> PublicUrl {
        PublicUrl::of_listener(self.tls.is_some(), self.address)
    }

    /// What links begin with.
    pub fn public_url(&self) -> PublicUrl {
        self.public_url
            .clone()
            .unwrap_or_else(|| self.listening_url())
    }

    /// Serves until `stopping` becomes true and every connection has ended, or `patience` is over.
    pub async fn serve(
        self,
        behind: Behind,
        mut stopping: watch::Receiver<bool>,
        patience: Duration,
    ) {
        let settings = self.settings;
        let admission = Admission::new(
            settings.connections_max,
            settings.connections_per_address_max,
            settings.trusted_proxies.clone(),
        );
        let signalling = Arc::clone(&behind.signalling);
        let api = Arc::new(Api::new(behind.desk, signalling, stopping.clone()));
        let routes = router(Arc::new(Rooms {
            signalling: behind.signalling,
            journal: behind.journal,
            media: behind.media,
            metrics_token: settings.metrics_token,
            public_url: self.public_url,
            page_origins: settings.page_origins,
            trusted_proxies: settings.trusted_proxies,
            stopping: stopping.clone(),
            calls: Arc::default(),
            api,
        }));
        let door = Door {
            routes,
            tls: self.tls,
            handshake: Duration::from_millis(settings.handshake_timeout_ms),
            header: Duration::from_millis(settings.header_timeout_ms),
            stopping: stopping.clone(),
        };
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = asked_to_stop(&mut stopping) => break,
            };
            match accepted {
                Ok((stream, address)) => match admission.place(address.ip()) {
                    Some(place) => door.clone().open(stream, address.ip(), place),
                    None => tracing::warn!(
                        "a connection was refused: http.connections_max or http.connections_per_address_max is reached"
                    ),
                },
                Err(error) => {
                    tracing::warn!("a connection could not be accepted: {error}");
                    tokio::time::sleep(ACCEPT_REST).await;
                }
            }
        }
        drop(self.listener);
        if timeout(patience, admission.idle()).await.is_err() {
            tracing::warn!("some connections did not end in time and are cut");
        }
    }
}

/// What a connection needs, cheap to copy.
#[derive(Clone)]
struct Door {
    routes: Router,
    tls: Option<TlsAcceptor>,
    handshake: Duration,
    header: Duration,
    stopping: watch::Receiver<bool>,
}

impl Door {
    /// Serves one connection in a task of its own, so that a slow handshake holds up nobody.
    fn open(self, stream: TcpStream, address: IpAddr, place: Place) {
        // Signalling messages are small and must not wait for one another.
        let _best_effort = stream.set_nodelay(true);
        let place = Arc::new(place);
        tokio::spawn(async move {
            match self.tls.clone() {
                None => self.serve(stream, address, place).await,
                Some(acceptor) => match timeout(self.handshake, acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => self.serve(stream, address, place).await,
                    Ok(Err(error)) => tracing::debug!("a TLS handshake failed: {error}"),
                    Err(_) => tracing::debug!("a TLS handshake took too long"),
                },
            }
        });
    }

    async fn serve<S>(mut self, stream: S, address: IpAddr, place: Arc<Place>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // An upgraded connection outlives this task; its place goes with the request.
        let service = self.routes.layer(Extension(Caller { address, place }));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header)
            .max_buf_size(BUFFER_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = asked_to_stop(&mut self.stopping) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!("a connection ended: {error}");
        }
    }
}

/// Who is at the other end of a connection, and the place that it takes.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) address: IpAddr,
    pub(super) place: Arc<Place>,
}
