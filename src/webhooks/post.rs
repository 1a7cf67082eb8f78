//! SHELL. One delivery: a connection of its own, made to an address that was looked at after the name had been
//! resolved, so that no name server can lead it into a closed network.
//!
//! Redirects are not followed, and of the answer only the status counts.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    client::conn::http1,
    header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, Error, RootCertStore, crypto::aws_lc_rs, pki_types::ServerName},
};

use super::{
    Settings,
    queue::Outcome,
    target::{Target, is_public},
};
use crate::time::Millis;

/// Addresses of a name that are tried at most.
const ADDRESSES_MAX: usize = 4;

/// What an answer's head may take, in bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// How long the body of an answer is listened to, whose status is known already.
const BODY_WITHIN: Duration = Duration::from_secs(1);

const AGENT: &str = concat!("roundtable/", env!("CARGO_PKG_VERSION"));

/// Makes deliveries. Cheap to copy.
#[derive(Clone)]
pub(super) struct Poster {
    tls: TlsConnector,
    private: bool,
    within: Duration,
    answer_bytes_max: usize,
}

/// A signed message.
pub(super) struct Letter {
    pub id: String,
    /// Of this attempt, in seconds since 1970.
    pub at_s: i64,
    pub signature: String,
    pub body: String,
}

/// An answer whose head has come.
struct Answer {
    response: Response<Incoming>,
    /// Ends with the answer, whatever the other side does.
    _connected: JoinSet<hyper::Result<()>>,
}

impl Poster {
    /// Trusts whom this system trusts.
    ///
    /// Reads the system's certificates: blocks for the disk's time.
    ///
    /// # Errors
    /// Where TLS cannot be had.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        let found = rustls_native_certs::load_native_certs();
        for why in &found.errors {
            tracing::warn!("some of the system's certificates cannot be read: {why}");
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let trusting = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            tls: TlsConnector::from(Arc::new(trusting)),
            private: settings.private_addresses,
            within: Duration::from_millis(settings.timeout_ms.0),
            answer_bytes_max: settings.answer_bytes_max,
        })
    }

    /// Delivers, or says why not.
    pub async fn post(&self, target: &Target, letter: Letter) -> Outcome {
        match timeout(self.within, self.attempt(target, letter)).await {
            Ok(Ok(answer)) => {
                let outcome = outcome(&answer.response);
                let _long_ones_are_cut = timeout(BODY_WITHIN, self.hear_out(answer)).await;
                outcome
            }
            Ok(Err(why)) => failed(why),
            Err(_) => failed(format!("no answer within {} ms", self.within.as_millis())),
        }
    }

    async fn attempt(&self, target: &Target, letter: Letter) -> Result<Answer, String> {
        let stream = self.connect(target).await?;
        if !target.https {
            return self.exchange(stream, target, letter).await;
        }
        let name = ServerName::try_from(target.host.clone())
            .map_err(|_| format!("{} is no name that a certificate could be for", target.host))?;
        let stream = self
            .tls
            .connect(name, stream)
            .await
            .map_err(|why| format!("TLS with {}: {why}", target.authority))?;
        self.exchange(stream, target, letter).await
    }

    async fn connect(&self, target: &Target) -> Result<TcpStream, String> {
        let (host, port) = (target.host.as_str(), target.port);
        let found = lookup_host((host, port))
            .await
            .map_err(|why| format!("{host} cannot be resolved: {why}"))?;
        let allowed: Vec<SocketAddr> = found
            .filter(|address| self.private || is_public(address.ip()))
            .take(ADDRESSES_MAX)
            .collect();
        let mut why = format!("{host} has no public address");
        for address in allowed {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(fault) => why = format!("no connection to {address}: {fault}"),
            }
        }
        Err(why)
    }

    async fn exchange<S>(
        &self,
        stream: S,
        target: &Target,
        letter: Letter,
    ) -> Result<Answer, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let fault = |why: hyper::Error| format!("HTTP with {}: {why}", target.authority);
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(fault)?;
        let mut connected = JoinSet::new();
        connected.spawn(connection);
        let request = request(target, letter).map_err(|why| why.to_string())?;
        let response = sender.send_request(request).await.map_err(fault)?;
        Ok(Answer {
            response,
            _connected: connected,
        })
    }

    /// Takes some of the body, so that the other side is not cut off in the middle of a short one.
    async fn hear_out(&self, mut answer: Answer) {
        let mut bytes: usize = 0;
        while let Some(Ok(frame)) = answer.response.frame().await {
            bytes = bytes.saturating_add(frame.data_ref().map_or(0, Bytes::len));
            if bytes > self.answer_bytes_max {
                break;
            }
        }
    }
}

fn request(target: &Target, letter: Letter) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    Request::post(target.path.as_str())
        .header(HOST, target.authority.as_str())
        .header(USER_AGENT, AGENT)
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", letter.id)
        .header("webhook-timestamp", letter.at_s)
        .header("webhook-signature", letter.signature)
        .body(Full::from(letter.body))
}

fn outcome<B>(answer: &Response<B>) -> Outcome {
    let status = answer.status();
    if status.is_success() {
        return Outcome::Taken;
    }
    if status == StatusCode::GONE {
        return Outcome::Gone;
    }
    let seconds = answer.headers().get(RETRY_AFTER);
    let seconds = seconds.and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
    let redirects = if status.is_redirection() {
        ": redirects are not followed, mend the URL"
    } else {
        ""
    };
    Outcome::Failed {
        why: format!("answered {status}{redirects}"),
        after: seconds.map(|seconds| Millis(u64::from(seconds) * 1000)),
    }
}

fn failed(why: String) -> Outcome {
    Outcome::Failed { why, after: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hundreds_are_taken_and_gone_is_gone() {
        let of = |status: u16, wait: Option<&str>| {
            let mut answer = Response::builder().status(status);
            if let Some(wait) = wait {
                answer = answer.header(RETRY_AFTER, wait);
            }
            outcome(&answer.body(()).expect("an answer"))
        };
        assert_eq!(of(200, None), Outcome::Taken);
        assert_eq!(of(204, Some("9")), Outcome::Taken);
        assert_eq!(of(410, None), Outcome::Gone);
        let failed = |why: &str, after: Option<u64>| Outcome::Failed {
            why: why.to_owned(),
            after: after.map(Millis::from_secs),
        };
        assert_eq!(
            of(503, Some("120")),
            failed("answered 503 Service Unavailable", Some(120))
        );
        assert_eq!(
            of(429, Some("Wed, 21 Oct 2026 07:28:00 GMT")),
            failed("answered 429 Too Many Requests", None)
        );
        let moved = "answered 302 Found: redirects are not followed, mend the URL";
        assert_eq!(of(302, None), failed(moved, None));
    }

    #[tokio::test]
    async fn a_name_that_leads_into_a_closed_network_is_not_followed() {
        let settings = Settings::default();
        let poster = Poster::new(&settings).expect("TLS");
        // As if the name had been public when it was written down.
        let target = Target {
            https: true,
            host: "localhost".to_owned(),
            port: 9,
            authority: "localhost:9".to_owned(),
            path: "/".to_owned(),
        };
        let letter = Letter {
            id: String::new(),
            at_s: 0,
            signature: String::new(),
            body: String::new(),
        };
        let outcome = poster.post(&target, letter).await;
        assert_eq!(
            outcome,
            failed("localhost has no public address".to_owned())
        );
    }
}
