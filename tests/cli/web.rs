//! Speaks HTTP and WebSocket with the server.

use std::{
    io::{Read, Write},
    net::TcpStream as BlockingStream,
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::StatusCode},
};

use crate::program::Served;

/// Nothing here takes longer, however busy the machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (its, value) = line.split_once(": ")?;
            its.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// Posts nothing at all.
pub fn post(served: &Served, path: &str) -> Answer {
    let mut stream = connect(served);
    say(&mut stream, "POST", served.address(), path, "")
}

fn connect(served: &Served) -> BlockingStream {
    let stream = BlockingStream::connect(served.address()).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Asks with further header lines, each with its end.
pub fn get(served: &Served, path: &str, headers: &str) -> Answer {
    let mut stream = connect(served);
    ask(&mut stream, served.address(), path, headers)
}

pub fn ask(stream: &mut (impl Read + Write), host: &str, path: &str, headers: &str) -> Answer {
    say(stream, "GET", host, path, headers)
}

fn say(
    stream: &mut (impl Read + Write),
    method: &str,
    host: &str,
    path: &str,
    headers: &str,
) -> Answer {
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut text = Vec::new();
    stream.read_to_end(&mut text).expect("answered");
    let text = String::from_utf8_lossy(&text).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let status = head
        .split(' ')
        .nth(1)
        .expect("a status")
        .parse()
        .expect("a number");
    Answer {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

/// A signalling connection.
pub struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Connects, or gives the HTTP status of the refusal.
    pub async fn open(
        served: &Served,
        protocol: &'static str,
        origin: Option<&str>,
    ) -> Result<Self, StatusCode> {
        let mut request = format!("ws://{}/ws", served.address())
            .into_client_request()
            .expect("a URL");
        let headers = request.headers_mut();
        headers.insert(
            "sec-websocket-protocol",
            protocol.parse().expect("a header"),
        );
        if let Some(origin) = origin {
            headers.insert("origin", origin.parse().expect("a header"));
        }
        let stream = TcpStream::connect(served.address())
            .await
            .expect("it listens");
        match client_async(request, stream).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => Err(response.status()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Connects and says hello; the answer's `ok`, or the error's code.
    pub async fn hello(served: &Served, token: &str) -> (Self, Result<Value, String>) {
        let mut socket = Self::open(served, "roundtable.v1", None)
            .await
            .expect("a socket");
        let hello = serde_json::json!({ "type": "hello", "token": token });
        let said = socket.ask(hello).await;
        (socket, said)
    }

    /// Enters a session's room; nothing where it is let in, or the error's code.
    pub async fn join(&mut self, session: &str) -> Result<(), String> {
        let join = serde_json::json!({ "type": "session.join", "session": session });
        self.ask(join).await.map(|_| ())
    }

    /// Asks; the answer's `ok`, or the error's code. What else comes meanwhile is passed over.
    pub async fn ask(&mut self, mut request: Value) -> Result<Value, String> {
        request["id"] = 1.into();
        let text = Message::text(request.to_string());
        self.0.send(text).await.expect("sent");
        let answer = self.until(|message| message["id"] == 1).await;
        match answer["error"]["code"].as_str() {
            Some(code) => Err(code.to_owned()),
            None => Ok(answer["ok"].clone()),
        }
    }

    /// The next signal of this name.
    pub async fn signal(&mut self, name: &str) -> Value {
        self.until(|message| message["signal"] == name).await
    }

    /// The next message of which this holds.
    async fn until(&mut self, is: impl Fn(&Value) -> bool) -> Value {
        loop {
            match self.next().await {
                Message::Text(text) => {
                    let message: Value = serde_json::from_str(&text).expect("JSON");
                    if is(&message) {
                        return message;
                    }
                }
                Message::Ping(_) => {}
                other => panic!("instead of an answer: {other:?}"),
            }
        }
    }

    /// The code that the server closes with.
    pub async fn closed_with(mut self) -> u16 {
        loop {
            if let Message::Close(frame) = self.next().await {
                return frame.expect("a code").code.into();
            }
        }
    }

    async fn next(&mut self) -> Message {
        let next = timeout(PATIENCE, self.0.next()).await.expect("in time");
        next.expect("not yet ended").expect("no fault")
    }
}
