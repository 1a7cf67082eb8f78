//! The client's half of the signalling: requests, and everything that the server said, kept. Knows
//! the protocol's envelope only; what a message means is the client's and the scenes' matter.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    sync::{mpsc, watch},
    time::timeout,
};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

/// Nothing that is merely awaited takes longer, however busy the machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Requests waiting to be written. A full queue makes the asker wait.
const OUTGOING_MAX: usize = 16;

/// Messages kept of one scene. More than this is a server that does not stop talking: the test fails.
const HEARD_MAX: usize = 4096;

/// A connection to the server.
#[derive(Clone)]
pub struct Signalling {
    member: String,
    outgoing: mpsc::Sender<String>,
    heard: watch::Receiver<Vec<Value>>,
    next_id: Arc<AtomicU64>,
}

impl Signalling {
    /// Connects to where the invite link leads; the link's token is not yet used.
    pub async fn connect(member: &str, link: &str) -> Self {
        let host = link
            .strip_prefix("http://")
            .and_then(|rest| rest.split('/').next())
            .expect("a link of plain HTTP");
        let mut request = format!("ws://{host}/ws")
            .into_client_request()
            .expect("a URL");
        request.headers_mut().insert(
            "sec-websocket-protocol",
            "roundtable.v1".parse().expect("a header"),
        );
        let stream = TcpStream::connect(host).await.expect("it listens");
        let (socket, _) = tokio_tungstenite::client_async(request, stream)
            .await
            .expect("a WebSocket");
        let (mut sink, mut source) = socket.split();
        let (outgoing, mut to_send) = mpsc::channel::<String>(OUTGOING_MAX);
        let (hear, heard) = watch::channel(Vec::new());
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    text = to_send.recv() => {
                        let Some(text) = text else { break };
                        if sink.send(Message::text(text)).await.is_err() { break }
                    }
                    message = source.next() => match message {
                        Some(Ok(Message::Text(text))) => {
                            let message: Value = serde_json::from_str(&text).expect("JSON");
                            hear.send_modify(|heard| {
                                assert!(heard.len() < HEARD_MAX, "the server talks on and on");
                                heard.push(message);
                            });
                        }
                        Some(Ok(_)) => {}
                        Some(Err(_)) | None => break,
                    },
                }
            }
        });
        Self {
            member: member.to_owned(),
            outgoing,
            heard,
            next_id: Arc::new(AtomicU64::new(1)),
        }
    }

    /// Makes a request and gives its answer's `ok`.
    pub async fn ask(&self, kind: &str, fields: Value) -> Value {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let mut request = fields;
        request["id"] = json!(id);
        request["type"] = json!(kind);
        self.outgoing
            .send(request.to_string())
            .await
            .expect("the connection stands");
        let answer = self
            .heard(kind, |message| message["id"].as_u64() == Some(id))
            .await;
        assert!(
            answer.get("ok").is_some(),
            "{} asked {kind}: {answer}",
            self.member
        );
        answer["ok"].clone()
    }

    /// The last message of that kind, once there is one. `what` names it in a failure.
    pub async fn heard(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let mut heard = self.heard.clone();
        let found = timeout(PATIENCE, heard.wait_for(|heard| heard.iter().any(&is_it))).await;
        match found {
            Ok(Ok(heard)) => heard.iter().rfind(|m| is_it(m)).expect("it is").clone(),
            Ok(Err(_)) => panic!("{}: the server hung up before {what}", self.member),
            Err(_) => panic!(
                "{} waited for {what} in vain: {:#?}",
                self.member,
                self.heard.borrow()
            ),
        }
    }

    /// The event of that type about `member`.
    pub async fn event(&self, kind: &str, member: &str) -> Value {
        self.heard(kind, |message| {
            message["type"] == kind && message["member"] == member
        })
        .await
    }

    /// The `mid` of the slot that carried this track of the member's last.
    pub fn slot_of(&self, member: &str, source: &str) -> Option<String> {
        let heard = self.heard.borrow();
        heard
            .iter()
            .rev()
            .filter(|message| message["signal"] == "media.slots")
            .filter_map(|message| message["slots"].as_array())
            .flatten()
            .find(|slot| slot["member"] == member && slot["source"] == source)
            .and_then(|slot| Some(slot["mid"].as_str()?.to_owned()))
    }
}
