//! A program of an organiser's: takes deliveries over HTTP or TLS, says what the test tells it to say, and
//! keeps what it was sent.

use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::watch,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use crate::PATIENCE;

/// One attempt as it came in.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub path: String,
    head: Vec<(String, String)>,
    text: String,
    /// What was answered; none: the connection was closed without a word.
    pub answered: Option<u16>,
}

impl Attempt {
    pub fn header(&self, name: &str) -> &str {
        let found = self.head.iter().find(|(its, _)| its == name);
        found.map_or_else(|| panic!("no {name} in {self:?}"), |(_, value)| value)
    }

    pub fn body(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }

    pub fn rev(&self) -> u64 {
        self.body()["rev"].as_u64().expect("a number")
    }

    pub fn is_taken(&self) -> bool {
        self.answered.is_some_and(|status| status / 100 == 2)
    }

    /// Whether the signature is what the standard says, worked out here anew.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let key = secret.strip_prefix("whsec_").expect("a secret");
        let key = BASE64_STANDARD.decode(key).expect("base64");
        let signed = format!(
            "{}.{}.{}",
            self.header("webhook-id"),
            self.header("webhook-timestamp"),
            self.text
        );
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed.as_bytes());
        self.header("webhook-signature") == format!("v1,{}", BASE64_STANDARD.encode(tag))
    }
}

/// Says what an attempt is answered; none: nothing.
type Says = Box<dyn FnMut(&Attempt) -> Option<u16> + Send>;

/// A running receiver.
pub struct Receiver {
    address: std::net::SocketAddr,
    says: Arc<Mutex<Says>>,
    came: watch::Receiver<Vec<Attempt>>,
}

impl Receiver {
    /// Takes everything.
    pub async fn start(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let says: Arc<Mutex<Says>> = Arc::new(Mutex::new(Box::new(|_| Some(204))));
        let (keep, came) = watch::channel(Vec::new());
        let keep = Arc::new(keep);
        let its = Arc::clone(&says);
        // Ends with the test's runtime.
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (says, keep, tls) = (Arc::clone(&its), Arc::clone(&keep), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => take(stream, &says, &keep).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                take(stream, &says, &keep).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            address,
            says,
            came,
        }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on it says this.
    pub fn answer(&self, says: impl FnMut(&Attempt) -> Option<u16> + Send + 'static) {
        *self.says.lock().expect("no panic") = Box::new(says);
    }

    /// Every attempt so far.
    pub fn attempts(&self) -> Vec<Attempt> {
        self.came.borrow().clone()
    }

    /// Waits until this is so of all attempts, and gives them.
    pub async fn until(&mut self, what: &str, is: impl Fn(&[Attempt]) -> bool) -> Vec<Attempt> {
        let came = timeout(PATIENCE, self.came.wait_for(|all| is(all)))
            .await
            .map(|came| came.expect("it runs").clone());
        came.unwrap_or_else(|_| panic!("not in time: {what}; there came {:#?}", self.attempts()))
    }
}

/// One connection, one request. Whoever cuts it off gets no answer.
async fn take<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    says: &Mutex<Says>,
    keep: &watch::Sender<Vec<Attempt>>,
) {
    let mut stream = BufReader::new(stream);
    let Some(mut attempt) = read(&mut stream).await else {
        return;
    };
    let answer = (says.lock().expect("no panic"))(&attempt);
    attempt.answered = answer;
    keep.send_modify(|all| all.push(attempt));
    if let Some(status) = answer {
        let text = format!(
            "HTTP/1.1 {status} So\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 2\r\n\
             Connection: close\r\n\r\nok"
        );
        let _cut_off = stream.write_all(text.as_bytes()).await;
        let _cut_off = stream.shutdown().await;
    }
}

async fn read<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<Attempt> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let path = line.strip_prefix("POST ")?.split(' ').next()?.to_owned();
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        head.push((name.to_lowercase(), value.to_owned()));
    }
    let length = head.iter().find(|(name, _)| name == "content-length")?;
    let mut bytes = vec![0; length.1.parse().ok()?];
    stream.read_exact(&mut bytes).await.ok()?;
    Some(Attempt {
        path,
        head,
        text: String::from_utf8(bytes).expect("UTF-8"),
        answered: None,
    })
}
