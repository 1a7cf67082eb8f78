//! One signalling connection, as rude as its user wants: requests, raw frames, what came back.
//! Every error and every goodbye must be one that the protocol page lists.

use std::{
    io::{self, ErrorKind},
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{
    self, Error, Message, WebSocket, client::IntoClientRequest, protocol::WebSocketConfig,
};

use crate::house::{House, SESSION};

/// Nothing that is merely awaited takes longer, however busy the machine.
const PATIENCE: Duration = Duration::from_secs(15);

/// The protocol's page.
const PAGE: &str = include_str!("../../src/signalling/protocol.md");

/// Whether a table of the protocol page has a row for this code.
pub fn is_documented(code: &str) -> bool {
    PAGE.lines()
        .any(|line| line.starts_with(&format!("| `{code}` |")))
}

/// An error's code and message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub code: String,
    pub message: String,
}

/// How a connection was ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended {
    /// The goodbye's code, if one was said.
    pub goodbye: Option<String>,
    /// The close frame's code, if one came.
    pub close: Option<u16>,
}

/// A connection.
pub struct Line {
    socket: WebSocket<TcpStream>,
    last_id: u64,
    /// Events and signals that came beside answers.
    pub told: Vec<Value>,
}

impl Line {
    /// Connects, and says nothing yet.
    pub fn open(house: &House) -> Self {
        Self::try_open(house).expect("a WebSocket")
    }

    /// The same where a refusal is no surprise.
    pub fn try_open(house: &House) -> Result<Self, Box<Error>> {
        let mut request = format!("ws://{}/ws", house.address)
            .into_client_request()
            .expect("a URL");
        let protocol = "roundtable.v1".parse().expect("a header");
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        let stream = TcpStream::connect(&house.address).map_err(|why| Box::new(why.into()))?;
        stream.set_nodelay(true).expect("an option");
        stream.set_read_timeout(Some(PATIENCE)).expect("an option");
        // We send whatever we like; the server's limits are the ones that are tried.
        let config = WebSocketConfig::default().max_message_size(None);
        let made = tungstenite::client::client_with_config(request, stream, Some(config));
        let (socket, _) = made.map_err(|why| match why {
            tungstenite::HandshakeError::Failure(why) => Box::new(why),
            tungstenite::HandshakeError::Interrupted(_) => panic!("no answer to the upgrade"),
        })?;
        Ok(Self {
            socket,
            last_id: 0,
            told: Vec::new(),
        })
    }

    /// Connects as this member.
    pub fn greet(house: &House, member: &str) -> Self {
        let mut line = Self::open(house);
        let token = &house.seat(member).token;
        line.ask("hello", json!({"token": token})).expect("a seat");
        line
    }

    /// Connects as this member and joins the session.
    pub fn join(house: &House, member: &str) -> Self {
        let mut line = Self::greet(house, member);
        line.ask("session.join", json!({"session": SESSION}))
            .expect("an open session");
        line
    }

    /// Makes a request and gives its `ok` or its error.
    pub fn ask(&mut self, kind: &str, fields: Value) -> Result<Value, Refused> {
        self.last_id += 1;
        let id = self.last_id;
        let mut request = fields;
        request["id"] = json!(id);
        request["type"] = json!(kind);
        self.say(&request.to_string());
        let answer = self.answer();
        assert_eq!(answer["id"], json!(id), "{kind}: {answer}");
        outcome(&answer)
    }

    /// The same where the connection may end instead.
    pub fn ask_or_end(&mut self, kind: &str, fields: Value) -> Option<Result<Value, Refused>> {
        let mut request = fields;
        request["id"] = json!(0);
        request["type"] = json!(kind);
        self.send(Message::text(request.to_string())).ok()?;
        loop {
            let message = self.next().ok()?;
            if message.get("id").is_some() {
                return Some(outcome(&message));
            }
        }
    }

    /// Sends any text.
    pub fn say(&mut self, text: &str) {
        self.send(Message::text(text)).expect("it is still open");
    }

    /// Sends any message.
    pub fn send(&mut self, message: Message) -> Result<(), Error> {
        self.socket.send(message)
    }

    /// The stream below, for bytes that are no WebSocket.
    pub fn stream(&mut self) -> &mut TcpStream {
        self.socket.get_mut()
    }

    /// The next answer.
    pub fn answer(&mut self) -> Value {
        loop {
            let message = self.next().expect("an answer, not an end");
            if message.get("id").is_some() {
                return message;
            }
            self.told.push(message);
        }
    }

    /// The next signal or event of that kind, from now on or already told.
    pub fn hears(&mut self, kind: &str) -> Value {
        let is_it = |message: &Value| message["signal"] == kind || message["type"] == kind;
        if let Some(place) = self.told.iter().position(is_it) {
            return self.told.remove(place);
        }
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            let message = self.next().unwrap_or_else(|why| panic!("{kind}: {why}"));
            if is_it(&message) {
                return message;
            }
            self.told.push(message);
        }
        panic!("no {kind} came");
    }

    fn next(&mut self) -> Result<Value, Error> {
        loop {
            if let Message::Text(text) = self.socket.read()? {
                return Ok(serde_json::from_str(&text).expect("the server writes JSON"));
            }
        }
    }

    /// Reads what has come without waiting; answers the server's pings by the way. False when the
    /// connection has ended.
    pub fn take_in(&mut self) -> bool {
        self.socket.get_ref().set_nonblocking(true).expect("set");
        let open = loop {
            match self.next() {
                Ok(message) => self.told.push(message),
                Err(Error::Io(why)) if why.kind() == ErrorKind::WouldBlock => break true,
                Err(_) => break false,
            }
        };
        self.socket.get_ref().set_nonblocking(false).expect("set");
        open
    }

    /// Reads to the end of the connection: how it was ended, and the answers that came before.
    pub fn ended(&mut self) -> Ended {
        let mut goodbye = None;
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    let message: Value = serde_json::from_str(&text).expect("JSON");
                    if message["signal"] == "goodbye" {
                        let code = message["code"].as_str().expect("a code");
                        assert!(is_documented(code), "goodbye {code}");
                        goodbye = Some(code.to_owned());
                    }
                    self.told.push(message);
                }
                Ok(Message::Close(frame)) => {
                    let close = frame.map(|frame| frame.code.into());
                    return Ended { goodbye, close };
                }
                Ok(_) => {}
                Err(Error::Io(why)) if is_timeout(&why) => break,
                Err(_) => {
                    let close = None;
                    return Ended { goodbye, close };
                }
            }
        }
        panic!("it was not ended: {:?}", self.told.last());
    }
}

fn is_timeout(why: &io::Error) -> bool {
    matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// An answer's `ok`, or its error, which must be a documented one.
pub fn outcome(answer: &Value) -> Result<Value, Refused> {
    if let Some(ok) = answer.get("ok") {
        return Ok(ok.clone());
    }
    let text = |key: &str| answer["error"][key].as_str().expect(key).to_owned();
    let refused = Refused {
        code: text("code"),
        message: text("message"),
    };
    assert!(is_documented(&refused.code), "{refused:?}");
    assert!(!refused.message.is_empty(), "{refused:?}");
    Err(refused)
}

/// The code of a refusal, or `ok`.
pub fn code(outcome: &Result<Value, Refused>) -> &str {
    match outcome {
        Ok(_) => "ok",
        Err(refused) => &refused.code,
    }
}
