//! Requests and events over a WebSocket, in the form that the DevTools protocol and WebDriver BiDi
//! share: `{id, method, params}` out, `{id, result}` or `{id, error}` and events in.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    sync::{mpsc, oneshot},
};
use tokio_tungstenite::tungstenite::{Message, protocol::WebSocketConfig};

/// The longest that any single order to a browser may take.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// Orders waiting to be written. A full queue makes the test wait.
const OUTGOING_MAX: usize = 64;

type Pending = Arc<Mutex<HashMap<u64, oneshot::Sender<Value>>>>;

/// A connection to a browser.
#[derive(Clone)]
pub struct Wire {
    outgoing: mpsc::Sender<String>,
    pending: Pending,
    next_id: Arc<AtomicU64>,
}

impl Wire {
    /// Connects to `url` (`ws://host:port/path`) and hands every event to `on_event`.
    pub async fn connect(url: &str, on_event: impl Fn(&Value) + Send + 'static) -> Self {
        let address = url
            .strip_prefix("ws://")
            .and_then(|rest| rest.split('/').next())
            .unwrap_or_else(|| panic!("not a WebSocket address: {url}"));
        let stream = TcpStream::connect(address)
            .await
            .unwrap_or_else(|error| panic!("{url}: {error}"));
        let (socket, _) = tokio_tungstenite::client_async_with_config(
            url,
            stream,
            // A screenshot comes as one message.
            Some(
                WebSocketConfig::default()
                    .max_message_size(Some(64 << 20))
                    .max_frame_size(Some(64 << 20)),
            ),
        )
        .await
        .unwrap_or_else(|error| panic!("{url}: {error}"));
        let (mut sink, mut source) = socket.split();
        let (outgoing, mut to_send) = mpsc::channel::<String>(OUTGOING_MAX);
        let pending: Pending = Arc::default();
        let waiting = Arc::clone(&pending);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    text = to_send.recv() => match text {
                        Some(text) => if sink.send(Message::text(text)).await.is_err() { break },
                        None => break,
                    },
                    message = source.next() => match message {
                        Some(Ok(Message::Text(text))) => {
                            let value: Value = serde_json::from_str(&text).expect("JSON");
                            match value["id"].as_u64() {
                                Some(id) => {
                                    let asker = waiting.lock().expect("no panic").remove(&id);
                                    // An asker that has given up hears nothing.
                                    let _ = asker.map(|asker| asker.send(value));
                                }
                                None => on_event(&value),
                            }
                        }
                        Some(Ok(_)) => {}
                        Some(Err(_)) | None => break,
                    },
                }
            }
            // Whoever still waits learns that the browser is gone.
            waiting.lock().expect("no panic").clear();
        });
        Self {
            outgoing,
            pending,
            next_id: Arc::new(AtomicU64::new(1)),
        }
    }

    /// Carries out `method` and gives its result. `session` is DevTools' session, if any.
    pub async fn call(
        &self,
        session: Option<&str>,
        method: &str,
        params: Value,
    ) -> Result<Value, String> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (asker, answer) = oneshot::channel();
        self.pending.lock().expect("no panic").insert(id, asker);
        let mut request = json!({"id": id, "method": method, "params": params});
        if let Some(session) = session {
            request["sessionId"] = json!(session);
        }
        if self.outgoing.send(request.to_string()).await.is_err() {
            return Err(format!("{method}: the browser is gone"));
        }
        let mut reply = match tokio::time::timeout(ANSWER_MAX, answer).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(_)) => return Err(format!("{method}: the browser is gone")),
            Err(_) => return Err(format!("{method}: no answer within {ANSWER_MAX:?}")),
        };
        if reply.get("error").is_some_and(|error| !error.is_null()) {
            return Err(format!("{method}: {reply}"));
        }
        Ok(reply["result"].take())
    }
}
