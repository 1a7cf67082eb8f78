//! SHELL. Everything on the HTTP port but the WebSocket's messages: routes, TLS, the page's files, the
//! organiser's API.
//!
//! It must never know what a message on the WebSocket says, nor what a member may do.

mod admission;
mod api;
mod assets;
mod body;
mod certificate;
mod exposure;
mod forwarded;
mod headers;
mod listener;
mod metrics;
mod problem;
mod tls;
mod upgrade;
mod whip;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
    routing::{any, get},
};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::{media::worker::Media, signalling, store::Journal};

pub use self::{
    api::Desk,
    certificate::Certificate,
    exposure::{Exposed, NotAPublicUrl, PublicUrl, refuse_plain},
    listener::{Bound, ListenFault, bind},
};

/// The HTTP and WebSocket port.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The address that members' browsers see; empty: the listening address.
    pub public_url: String,
    /// Origins of other pages that may open the WebSocket.
    pub page_origins: Vec<PublicUrl>,
    /// Reverse proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Certificate chain, PEM; empty: no TLS.
    pub tls_certificate: PathBuf,
    /// Its private key, PEM.
    pub tls_key: PathBuf,
    /// Listen beyond loopback without TLS or proxy all the same.
    pub force_plain_http: bool,
    /// Connections at once; one more is closed at once.
    pub connections_max: u32,
    /// Connections at once from one address; one more is closed at once.
    pub connections_per_address_max: u32,
    /// Time for a request's header, and the life of an idle connection, in ms.
    pub header_timeout_ms: u64,
    /// Time for a TLS handshake, in ms.
    pub handshake_timeout_ms: u64,
    /// Who sends it may read the metrics from elsewhere; empty: nobody.
    pub metrics_token: signalling::Secret,
    /// Requests of one token of the API a second in the long run; more are answered 429.
    pub api_requests_per_s: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7880),
            public_url: String::new(),
            page_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            tls_certificate: PathBuf::new(),
            tls_key: PathBuf::new(),
            force_plain_http: false,
            connections_max: 4096,
            connections_per_address_max: 1024,
            header_timeout_ms: 30_000,
            handshake_timeout_ms: 10_000,
            metrics_token: signalling::Secret::default(),
            api_requests_per_s: 20,
        }
    }
}

/// The rest of the program, as far as the routes lead there.
pub struct Behind {
    /// The meetings.
    pub signalling: Arc<signalling::Context>,
    /// Where what happens is kept.
    pub journal: Journal,
    /// Sound and picture.
    pub media: Arc<Media>,
    /// What the organiser's API is made of.
    pub desk: Desk,
}

/// What the routes need.
struct Rooms {
    signalling: Arc<signalling::Context>,
    journal: Journal,
    media: Arc<Media>,
    metrics_token: signalling::Secret,
    public_url: Option<PublicUrl>,
    page_origins: Vec<PublicUrl>,
    trusted_proxies: Vec<IpAddr>,
    stopping: watch::Receiver<bool>,
    calls: Arc<whip::Calls>,
    api: Arc<api::Api>,
}

/// Waits until the server is asked to stop; a server whose switch is gone is asked too.
async fn asked_to_stop(stopping: &mut watch::Receiver<bool>) {
    let _asked_or_gone = stopping.wait_for(|stop| *stop).await;
}

fn router(rooms: Arc<Rooms>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics::read))
        .route("/ws", get(upgrade::open))
        .route("/whip/{session}", any(whip::publish))
        .route("/whip/{session}/{call}", any(whip::published))
        .route("/whep/{session}", any(whip::play))
        .route("/whep/{session}/{call}", any(whip::played))
        .merge(api::router())
        .route("/", get(assets::page))
        .route("/join", get(assets::page))
        .route("/check", get(assets::page))
        .route("/board", get(assets::board))
        .route("/assets/{*path}", get(assets::file))
        .fallback(assets::nothing)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&rooms),
            headers::protect,
        ))
        .with_state(rooms)
}

/// Whether members may be sent here now: for whoever stands before the server.
async fn ready(State(rooms): State<Arc<Rooms>>) -> Response {
    let unready = if *rooms.stopping.borrow() {
        "stopping\n"
    } else if rooms.signalling.is_draining() {
        "draining: nobody is let in any more\n"
    } else if rooms.journal.is_failing() {
        "the journal cannot be written\n"
    } else {
        return "ready\n".into_response();
    };
    (StatusCode::SERVICE_UNAVAILABLE, unready).into_response()
}
