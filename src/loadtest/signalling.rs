//! SHELL. A client's half of the signalling, over a real WebSocket: requests and their answers, and
//! whatever else the server says.
//!
//! Knows the protocol's envelope only; what a message means is the caller's matter, and what the
//! caller does not know it lets pass. Written against `protocol.md` and not against the server's
//! types, as a stranger's client would be.

use std::{collections::HashMap, net::IpAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::{
    net::TcpStream,
    sync::{mpsc, oneshot, watch},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Message, client::IntoClientRequest, http::HeaderValue, protocol::WebSocketConfig,
    },
};

use crate::signalling::wire::PROTOCOL;

/// Nothing that is awaited of a server takes longer, however busy it is.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Requests waiting to be written, and requests waiting for their answers. A full queue makes the
/// asker wait.
const WAITING_MAX: usize = 16;

/// The longest message that is taken, in bytes. A snapshot of a full room has some ten thousand; more
/// than this ends the connection.
const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// Why the signalling did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Nobody listens there.
    #[error("{0} cannot be reached: {1}")]
    Unreachable(String, std::io::Error),
    /// Not a server of ours.
    #[error("{0} opens no WebSocket: {1}")]
    NoSocket(String, Box<tungstenite::Error>),
    /// The server's answer is no.
    #[error("{request} was refused, {code}: {message}")]
    Refused {
        /// The request's type.
        request: String,
        /// The protocol's code.
        code: String,
        /// The server's words.
        message: String,
    },
    /// The connection has ended.
    #[error("the server hung up: {0}")]
    HungUp(String),
    /// Within [`PATIENCE`].
    #[error("waited {limit} s for {0} in vain", limit = PATIENCE.as_secs())]
    Late(String),
}

/// A connection to the server. It ends when the last copy is gone.
#[derive(Debug, Clone)]
pub struct Signalling {
    requests: mpsc::Sender<Asked>,
    ended: watch::Receiver<Option<String>>,
    local: IpAddr,
}

#[derive(Debug)]
struct Asked {
    request: Value,
    answer: oneshot::Sender<Value>,
}

impl Signalling {
    /// Connects to a server. `hear` is given all that is no answer, in its order.
    ///
    /// # Errors
    /// When there is none.
    pub async fn connect(
        authority: &str,
        hear: impl FnMut(Value) + Send + 'static,
    ) -> Result<Self, Fault> {
        let unreachable = |why| Fault::Unreachable(authority.to_owned(), why);
        let no_socket = |why| Fault::NoSocket(authority.to_owned(), Box::new(why));
        let mut request = format!("ws://{authority}/ws")
            .into_client_request()
            .map_err(no_socket)?;
        request
            .headers_mut()
            .insert("sec-websocket-protocol", HeaderValue::from_static(PROTOCOL));
        let stream = timeout(PATIENCE, TcpStream::connect(authority))
            .await
            .map_err(|_| Fault::Late("a connection".to_owned()))?
            .map_err(unreachable)?;
        // Small messages, each of which somebody waits for.
        stream.set_nodelay(true).map_err(unreachable)?;
        let local = stream.local_addr().map_err(unreachable)?.ip();
        let limits = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        let upgrade = tokio_tungstenite::client_async_with_config(request, stream, Some(limits));
        let (socket, _) = timeout(PATIENCE, upgrade)
            .await
            .map_err(|_| Fault::Late("the WebSocket".to_owned()))?
            .map_err(no_socket)?;
        let (requests, asked) = mpsc::channel(WAITING_MAX);
        let (end, ended) = watch::channel(None);
        tokio::spawn(async move {
            let why = converse(socket, asked, hear).await;
            end.send_replace(Some(why));
        });
        Ok(Self {
            requests,
            ended,
            local,
        })
    }

    /// The address of this machine that reaches the server.
    pub fn local(&self) -> IpAddr {
        self.local
    }

    /// Makes a request, an object with its `type`, and gives its answer's `ok`.
    ///
    /// # Errors
    /// When the server refuses, hangs up or says nothing.
    pub async fn ask(&self, request: Value) -> Result<Value, Fault> {
        let kind = request["type"].as_str().unwrap_or("a request").to_owned();
        let (answer, answered) = oneshot::channel();
        let asked = async {
            self.requests.send(Asked { request, answer }).await.ok()?;
            answered.await.ok()
        };
        let answer = timeout(PATIENCE, asked)
            .await
            .map_err(|_| Fault::Late(kind.clone()))?;
        let Some(mut answer) = answer else {
            return Err(self.hung_up().await);
        };
        if let Some(ok) = answer.get_mut("ok") {
            return Ok(ok.take());
        }
        let word = |name: &str| {
            let word = answer["error"][name].as_str();
            word.unwrap_or("(nothing)").to_owned()
        };
        Err(Fault::Refused {
            request: kind,
            code: word("code"),
            message: word("message"),
        })
    }

    /// Why the connection has ended, once it has; waits for it.
    pub async fn hung_up(&self) -> Fault {
        let mut ended = self.ended.clone();
        let why = match ended.wait_for(Option::is_some).await {
            Ok(why) => why.clone(),
            Err(_) => None,
        };
        Fault::HungUp(why.unwrap_or_default())
    }

    /// The same, if it has ended.
    pub fn has_hung_up(&self) -> Option<Fault> {
        self.ended.borrow().clone().map(Fault::HungUp)
    }
}

/// Writes requests, hands answers to who waits for them and the rest to `hear`, until one side ends.
async fn converse(
    mut socket: WebSocketStream<TcpStream>,
    mut asked: mpsc::Receiver<Asked>,
    mut hear: impl FnMut(Value),
) -> String {
    let mut waiting: HashMap<u64, oneshot::Sender<Value>> = HashMap::new();
    let mut next_id = 1_u64;
    let mut goodbye = None;
    loop {
        tokio::select! {
            asked = asked.recv(), if waiting.len() < WAITING_MAX => {
                let Some(Asked { mut request, answer }) = asked else {
                    // Nobody is left to hear of a farewell that fails.
                    let _gone = socket.close(None).await;
                    return "left".to_owned();
                };
                if let Value::Object(request) = &mut request {
                    request.insert("id".to_owned(), next_id.into());
                }
                waiting.insert(next_id, answer);
                next_id = next_id.wrapping_add(1);
                if let Err(why) = socket.send(Message::text(request.to_string())).await {
                    return why.to_string();
                }
            }
            message = socket.next() => {
                let text = match message {
                    Some(Ok(Message::Text(text))) => text,
                    // Pings are answered by the library.
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                    Some(Ok(Message::Binary(_))) => return "it sent a binary message".to_owned(),
                    Some(Ok(Message::Close(frame))) => {
                        let code = frame.map(|frame| u16::from(frame.code));
                        return goodbye.unwrap_or_else(|| format!("closed with code {code:?}"));
                    }
                    Some(Err(why)) => return why.to_string(),
                    None => return "the connection ended".to_owned(),
                };
                let message: Value = match serde_json::from_str(&text) {
                    Ok(message) => message,
                    Err(why) => return format!("it sent what is no JSON: {why}"),
                };
                let answered = message.get("id").and_then(Value::as_u64);
                if let Some(waiting) = answered.and_then(|id| waiting.remove(&id)) {
                    // Whoever asked may have given up.
                    let _unheard = waiting.send(message);
                } else {
                    if message["signal"] == "goodbye" {
                        goodbye = Some(message["message"].to_string());
                    }
                    hear(message);
                }
            }
        }
    }
}
