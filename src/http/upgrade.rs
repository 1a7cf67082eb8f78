//! SHELL. `/ws`: from a request to a WebSocket, which is handed to signalling.
//!
//! The checks are ours (RFC 6455 section 4.2), the frames tokio-tungstenite's.

use std::{fmt, net::IpAddr, sync::Arc};

use axum::{
    Extension,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{handshake::derive_accept_key, protocol::Role},
};

use super::{Rooms, exposure::PublicUrl, forwarded::client_address, headers, listener::Caller};
use crate::signalling;

/// The one subprotocol.
const PROTOCOL: &str = "roundtable.v1";

/// Why a request does not become a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UpgradeRefusal {
    NotAWebSocket,
    Version,
    Key,
    Protocol,
    Origin,
}

impl fmt::Display for UpgradeRefusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::NotAWebSocket => "this address speaks WebSocket only",
            Self::Version => "only WebSocket version 13 is spoken here",
            Self::Key => "Sec-WebSocket-Key is missing or damaged",
            Self::Protocol => "the subprotocol roundtable.v1 is required",
            Self::Origin => "a page of another host may not connect: is public_url right, or should page_origins name it?",
        })
    }
}

impl IntoResponse for UpgradeRefusal {
    fn into_response(self) -> Response {
        let text = format!("{self}\n");
        match self {
            Self::NotAWebSocket => {
                let upgrade = [
                    (header::UPGRADE, "websocket"),
                    (header::CONNECTION, "upgrade"),
                ];
                (StatusCode::UPGRADE_REQUIRED, upgrade, text).into_response()
            }
            Self::Version => {
                let version = [(header::SEC_WEBSOCKET_VERSION, "13")];
                (StatusCode::UPGRADE_REQUIRED, version, text).into_response()
            }
            Self::Key | Self::Protocol => (StatusCode::BAD_REQUEST, text).into_response(),
            Self::Origin => (StatusCode::FORBIDDEN, text).into_response(),
        }
    }
}

/// The route.
pub(super) async fn open(
    State(rooms): State<Arc<Rooms>>,
    Extension(caller): Extension<Caller>,
    mut request: Request,
) -> Response {
    if *rooms.stopping.borrow() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    let accept = match check(&request, rooms.public_url.iter().chain(&rooms.page_origins)) {
        Ok(accept) => accept,
        Err(refusal) => {
            tracing::debug!("a WebSocket was refused: {refusal}");
            return refusal.into_response();
        }
    };
    let address = client_address(caller.address, request.headers(), &rooms.trusted_proxies);
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let _place = caller.place;
        match upgrade.await {
            Ok(upgraded) => speak(upgraded, rooms, address).await,
            Err(error) => tracing::debug!("a WebSocket did not come about: {error}"),
        }
    });
    let switch = [
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::CONNECTION, HeaderValue::from_static("upgrade")),
        (
            header::SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(PROTOCOL),
        ),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, switch).into_response()
}

async fn speak(upgraded: Upgraded, rooms: Arc<Rooms>, address: IpAddr) {
    let io = TokioIo::new(upgraded);
    let config = rooms.signalling.websocket_config();
    let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
    signalling::run(socket, Arc::clone(&rooms.signalling), address).await;
}

/// The accept key, or why there is none.
fn check<'a, B>(
    request: &axum::http::Request<B>,
    others: impl IntoIterator<Item = &'a PublicUrl>,
) -> Result<HeaderValue, UpgradeRefusal> {
    let headers = request.headers();
    let asks = request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && lists(headers, &header::CONNECTION, "upgrade")
        && lists(headers, &header::UPGRADE, "websocket");
    if !asks {
        return Err(UpgradeRefusal::NotAWebSocket);
    }
    if headers
        .get(header::SEC_WEBSOCKET_VERSION)
        .is_none_or(|version| version != "13")
    {
        return Err(UpgradeRefusal::Version);
    }
    let key = headers
        .get(header::SEC_WEBSOCKET_KEY)
        .ok_or(UpgradeRefusal::Key)?;
    if BASE64_STANDARD
        .decode(key)
        .ok()
        .is_none_or(|bytes| bytes.len() != 16)
    {
        return Err(UpgradeRefusal::Key);
    }
    if !lists(headers, &header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL) {
        return Err(UpgradeRefusal::Protocol);
    }
    if !may_connect(headers, others) {
        return Err(UpgradeRefusal::Origin);
    }
    HeaderValue::from_str(&derive_accept_key(key.as_bytes())).map_err(|_| UpgradeRefusal::Key)
}

/// Whether a comma-separated header has this word.
fn lists(headers: &HeaderMap, name: &header::HeaderName, word: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|value| value.trim().eq_ignore_ascii_case(word))
}

/// Browsers always send `Origin`, programs need not. A page may connect to the host that it was loaded
/// from; one of these others (the public URL, and who is named in the settings) may too.
fn may_connect<'a>(headers: &HeaderMap, others: impl IntoIterator<Item = &'a PublicUrl>) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let origin: Option<PublicUrl> = origin.to_str().ok().and_then(|text| text.parse().ok());
    let Some(origin) = origin else {
        return false;
    };
    let same_host =
        headers::host(headers).is_some_and(|host| host.eq_ignore_ascii_case(origin.authority()));
    same_host || others.into_iter().any(|other| *other == origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 6] = [
        ("host", "conf.example:7880"),
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-protocol", "chat, roundtable.v1"),
    ];

    fn checked(change: &[(&str, &str)], others: &[&str]) -> Result<HeaderValue, UpgradeRefusal> {
        let mut request = axum::http::Request::builder().uri("/ws");
        for (name, value) in GOOD {
            if !change.iter().any(|(changed, _)| *changed == name) {
                request = request.header(name, value);
            }
        }
        for (name, value) in change {
            if !value.is_empty() {
                request = request.header(*name, *value);
            }
        }
        let others: Vec<PublicUrl> = others
            .iter()
            .map(|text| text.parse().expect("a public URL"))
            .collect();
        check(&request.body(()).expect("a request"), &others)
    }

    #[test]
    fn a_right_request_is_accepted_with_the_key_of_rfc_6455() {
        let accept = checked(&[], &[]).expect("accepted");
        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn what_is_missing_is_said() {
        for (name, value, refusal) in [
            ("connection", "keep-alive", UpgradeRefusal::NotAWebSocket),
            ("upgrade", "", UpgradeRefusal::NotAWebSocket),
            ("sec-websocket-version", "8", UpgradeRefusal::Version),
            ("sec-websocket-version", "", UpgradeRefusal::Version),
            ("sec-websocket-key", "", UpgradeRefusal::Key),
            ("sec-websocket-key", "c2hvcnQ=", UpgradeRefusal::Key),
            ("sec-websocket-protocol", "chat", UpgradeRefusal::Protocol),
            ("sec-websocket-protocol", "", UpgradeRefusal::Protocol),
        ] {
            assert_eq!(
                checked(&[(name, value)], &[]),
                Err(refusal),
                "{name}: {value}"
            );
        }
    }

    #[test]
    fn a_page_of_another_host_is_refused() {
        let from = |origin: &str, others: &[&str]| checked(&[("origin", origin)], others).is_ok();
        assert!(from("http://conf.example:7880", &[]));
        assert!(!from("http://evil.example:7880", &[]));
        assert!(!from("http://conf.example", &[]));
        assert!(!from("null", &[]));
        let named = ["https://public.example:443", "http://institute.example"];
        assert!(from("https://public.example", &named));
        assert!(from("http://institute.example", &named));
        assert!(!from("http://public.example", &named));
        assert!(!from("http://evil.example", &named));
    }
}
