//! The client's half of the signalling, with everything that the server said kept, to be waited for.

use roundtable::loadtest::signalling::{self, PATIENCE};
use serde_json::{Value, json};
use tokio::{sync::watch, time::timeout};

/// Messages kept of one scene. More than this is a server that does not stop talking: the test fails.
const HEARD_MAX: usize = 4096;

/// A connection to the server.
#[derive(Clone)]
pub struct Signalling {
    member: String,
    connection: signalling::Signalling,
    heard: watch::Receiver<Vec<Value>>,
}

impl Signalling {
    /// Connects to a server.
    pub async fn connect(member: &str, authority: &str) -> Self {
        let (hear, heard) = watch::channel(Vec::new());
        let keep = move |message| {
            hear.send_modify(|heard| {
                assert!(heard.len() < HEARD_MAX, "the server talks on and on");
                heard.push(message);
            });
        };
        let connection = signalling::Signalling::connect(authority, keep)
            .await
            .expect("a WebSocket");
        Self {
            member: member.to_owned(),
            connection,
            heard,
        }
    }

    /// The connection itself.
    pub fn connection(&self) -> &signalling::Signalling {
        &self.connection
    }

    /// Makes a request and gives its answer's `ok`.
    pub async fn ask(&self, kind: &str, fields: Value) -> Value {
        let mut request = fields;
        request["type"] = json!(kind);
        match self.connection.ask(request).await {
            Ok(ok) => ok,
            Err(why) => panic!("{} asked {kind}: {why}", self.member),
        }
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
