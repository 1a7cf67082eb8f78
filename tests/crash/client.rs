//! A member without media: asks, and keeps every event that it is told.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest},
};

use crate::PATIENCE;

/// The server is gone.
#[derive(Debug)]
pub struct Gone;

pub struct Client {
    socket: WebSocketStream<TcpStream>,
    last_id: u64,
    /// Every event so far.
    pub events: Vec<Value>,
}

impl Client {
    /// Connects to `host:port` and says hello.
    pub async fn greet(address: &str, token: &str) -> Result<Self, Gone> {
        let mut request = format!("ws://{address}/ws")
            .into_client_request()
            .expect("a URL");
        request.headers_mut().insert(
            "sec-websocket-protocol",
            "roundtable.v1".parse().expect("a header"),
        );
        let stream = TcpStream::connect(address).await.map_err(|_| Gone)?;
        let (socket, _) = client_async(request, stream).await.map_err(|_| Gone)?;
        let mut client = Self {
            socket,
            last_id: 0,
            events: Vec::new(),
        };
        client.granted("hello", json!({ "token": token })).await?;
        Ok(client)
    }

    /// Enters the session; the answer's `ok`.
    pub async fn join(&mut self, rev: Option<u64>) -> Result<Value, Gone> {
        let mut fields = json!({ "session": "session-1" });
        if let Some(rev) = rev {
            fields["rev"] = json!(rev);
        }
        self.granted("session.join", fields).await
    }

    /// A request that must be granted: the answer's `ok`.
    pub async fn granted(&mut self, kind: &str, fields: Value) -> Result<Value, Gone> {
        let answer = self.ask(kind, fields).await?;
        assert!(answer["error"].is_null(), "{kind}: {answer}");
        Ok(answer["ok"].clone())
    }

    /// A request; the whole answer.
    pub async fn ask(&mut self, kind: &str, mut fields: Value) -> Result<Value, Gone> {
        self.last_id += 1;
        let id = self.last_id;
        (fields["id"], fields["type"]) = (json!(id), json!(kind));
        let text = Message::text(fields.to_string());
        self.socket.send(text).await.map_err(|_| Gone)?;
        loop {
            let next = timeout(PATIENCE, self.socket.next()).await;
            match next.expect("an answer in time") {
                Some(Ok(Message::Text(text))) => {
                    let message: Value = serde_json::from_str(&text).expect("JSON");
                    if message["id"] == json!(id) {
                        return Ok(message);
                    }
                    if message.get("rev").is_some() {
                        self.events.push(message);
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(Gone),
            }
        }
    }

    /// Reads on until the server is gone.
    pub async fn listen(&mut self) {
        while let Some(Ok(message)) = self.socket.next().await {
            if let Message::Text(text) = message {
                let message: Value = serde_json::from_str(&text).expect("JSON");
                if message.get("rev").is_some() {
                    self.events.push(message);
                }
            }
        }
    }
}
