//! A server whose organiser speaks to its API, and whose chair lets things happen.

use std::{collections::BTreeMap, fs};

use roundtable::{
    meeting::{Event, event::Recorded, record::Addressee},
    store::Reading,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{
    PATIENCE,
    client::Client,
    program::{Place, Served, free_ports, text_of},
};

/// A running server with every seat's token.
pub struct House {
    pub served: Served,
    /// By member: role and token.
    links: BTreeMap<String, (String, String)>,
}

/// An answer of the API.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl House {
    /// The demonstration's first session is live. Deliveries may go to this machine and are tried again at
    /// once; `more` are further settings.
    pub fn start(place: &Place, more: &[(&str, &str)]) -> Self {
        let file = place.path("links.json");
        let data = text_of(&place.data());
        let mut command = place.command(&[
            "serve",
            "--demo",
            "--data",
            &data,
            "--media-addr",
            "127.0.0.1",
            "--open",
            "session-1",
            "--links-out",
            &text_of(&file),
        ]);
        free_ports(&mut command);
        command
            .env("ROUNDTABLE__SERVER__DRAIN_MS", "0")
            .env("ROUNDTABLE__WEBHOOKS__PRIVATE_ADDRESSES", "true")
            .env("ROUNDTABLE__WEBHOOKS__RETRY_FIRST_MS", "50")
            .env("ROUNDTABLE__WEBHOOKS__RETRY_LONGEST_MS", "200")
            .envs(more.iter().copied());
        let served = Served::start(command);
        let links = fs::read_to_string(&file).expect("the links");
        let links: Vec<Value> = serde_json::from_str(&links).expect("JSON");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let links = links.iter().map(|link| {
            let (role, token) = (text(&link["role"]), text(&link["token"]));
            (text(&link["member"]), (role, token))
        });
        Self {
            links: links.collect(),
            served,
        }
    }

    /// The first member's token of a role.
    pub fn token(&self, role: &str) -> &str {
        let found = self.links.values().find(|(its, _)| its == role);
        &found.expect("a seat").1
    }

    /// The chair, in the room.
    pub async fn chair(&self) -> Client {
        let token = self.token("chair");
        let mut chair = Client::greet(self.served.address(), token)
            .await
            .expect("it listens");
        chair.join(None).await.expect("let in");
        chair
    }

    /// The organiser asks below the event's webhooks.
    pub async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.ask_as("organiser", method, path, body).await
    }

    /// Somebody of a role does.
    pub async fn ask_as(
        &self,
        role: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let address = self.served.address();
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let request = format!(
            "{method} /api/v1/events/nartt-2020/webhooks{path} HTTP/1.1\r\nHost: {address}\r\n\
             Authorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.token(role),
            body.len()
        );
        let exchange = async {
            let mut stream = TcpStream::connect(address).await.expect("it listens");
            stream.write_all(request.as_bytes()).await.expect("sent");
            let mut text = String::new();
            stream.read_to_string(&mut text).await.expect("answered");
            text
        };
        let text = timeout(PATIENCE, exchange).await.expect("in time");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).expect("a status");
        Answer {
            status: status.parse().expect("a number"),
            body: serde_json::from_str(body).unwrap_or(Value::Null),
        }
    }

    /// Subscribes; the subscription's id and its secret.
    pub async fn subscribe(&self, url: &str, types: &[&str]) -> (String, String) {
        let wanted = json!({ "url": url, "types": types });
        let answer = self.ask("POST", "", Some(wanted)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let text = |field: &str| answer.body[field].as_str().expect("a text").to_owned();
        (text("id"), text("secret"))
    }

    /// How a subscription stands.
    pub async fn hook(&self, id: &str) -> Value {
        let answer = self.ask("GET", &format!("/{id}"), None).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }

    /// Waits until this is so of a subscription.
    pub async fn until(&self, id: &str, what: &str, is: impl Fn(&Value) -> bool) {
        let waiting = async {
            while !is(&self.hook(id).await) {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        if timeout(PATIENCE, waiting).await.is_err() {
            panic!("not in time: {what}; it is {}", self.hook(id).await);
        }
    }
}

/// What the journal of the first session has for a subscription to everything, by its revisions.
pub fn journal(place: &Place) -> Vec<u64> {
    let reading = Reading::open(&place.data()).expect("a store");
    let event = "nartt-2020".parse().expect("a slug");
    let session = "session-1".parse().expect("a slug");
    let entries = reading.journal(&event, &session).expect("whole");
    let told = |entry: &&Recorded| {
        !matches!(
            entry.event,
            Event::ChatSent {
                to: Addressee::Chairs,
                ..
            }
        )
    };
    entries
        .iter()
        .filter(told)
        .map(|entry| entry.rev.0)
        .collect()
}
