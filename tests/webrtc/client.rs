//! A member's client, the load test's: sends what a scene gives it and keeps all that arrives.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::Bytes;
use roundtable::loadtest::{
    invite,
    peer::{Offer, Peer, Receive},
    signalling::PATIENCE,
    weather::Climate,
};
use serde_json::json;
use tokio::time::{sleep, timeout};
use webrtc::peer_connection::{SrtpProtectionProfile, StatsSelector};

use crate::{server::Link, signalling::Signalling, wall_ms};

/// Slots of each kind that a client offers.
const SLOTS: usize = 2;

/// Packets kept of one scene; it sends some hundreds.
const RECEIVED_MAX: usize = 10_000;

/// A packet that has arrived.
#[derive(Debug, Clone)]
pub struct Received {
    /// The slot that it arrived on.
    pub mid: String,
    /// By the machine's clock, which is the server's too.
    pub at_ms: f64,
    pub sequence: u16,
    pub timestamp: u32,
    pub payload: Bytes,
}

/// A packet that a scene sends.
#[derive(Debug, Clone)]
pub struct Sent {
    pub at_ms: f64,
    pub sequence: u16,
    pub timestamp: u32,
    pub payload: Bytes,
}

/// A connected client.
pub struct Client {
    pub member: String,
    pub signalling: Signalling,
    peer: Peer,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Client {
    /// Joins the session and connects its media under that SRTP profile.
    pub async fn join(link: &Link, session: &str, profile: SrtpProtectionProfile) -> Self {
        let (authority, token) = invite::open(&link.url).expect("a link");
        let signalling = Signalling::connect(&link.member, authority).await;
        signalling.ask("hello", json!({"token": token})).await;
        signalling
            .ask("session.join", json!({"session": session}))
            .await;

        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let keeping = Arc::clone(&received);
        let receive: Receive = Arc::new(move |mid, _, packet| {
            let mut received = keeping.lock().expect("no panic");
            assert!(received.len() < RECEIVED_MAX, "the packets never end");
            received.push(Received {
                mid: mid.to_owned(),
                at_ms: wall_ms(),
                sequence: packet.header.sequence_number,
                timestamp: packet.header.timestamp,
                payload: packet.payload.clone(),
            });
        });
        let offer = Offer {
            profile,
            sends: true,
            sound_slots: SLOTS,
            picture_slots: SLOTS,
            climate: Climate::default(),
            seat: 0,
        };
        let peer = Peer::connect(signalling.connection(), &offer, receive)
            .await
            .expect("the server answers");
        signalling
            .heard("media.connected", |said| {
                said["signal"] == "media.connected"
            })
            .await;
        Self {
            member: link.member.clone(),
            signalling,
            peer,
            received,
        }
    }

    /// The SRTP profile that this side says was agreed, once its handshake has ended too: the server
    /// knows first.
    pub async fn srtp_profile(&self) -> String {
        let agreed = async {
            loop {
                let connection = self.peer.connection();
                let report = connection
                    .get_stats(Instant::now(), StatsSelector::None)
                    .await;
                let profile = &report.transport().expect("a transport").srtp_cipher;
                if !profile.is_empty() {
                    return profile.clone();
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, agreed).await.expect("a profile")
    }

    /// Sends one Opus packet of 20 ms, as loud as speech.
    pub async fn speak(&self, sent: &Sent) {
        self.peer
            .speak(sent.sequence, sent.timestamp, sent.payload.clone())
            .await
            .expect("sent");
    }

    /// Sends one VP8 frame that fits a packet.
    pub async fn show(&self, sent: &Sent) {
        self.peer
            .show(sent.sequence, sent.timestamp, true, sent.payload.clone())
            .await
            .expect("sent");
    }

    /// How many key frames the server has asked for until now.
    pub fn asked(&self) -> usize {
        self.peer.asked()
    }

    /// What has arrived until now of a member's microphone or camera.
    pub fn received_from(&self, member: &str, source: &str) -> Vec<Received> {
        let Some(mid) = self.signalling.slot_of(member, source) else {
            return Vec::new();
        };
        let received = self.received.lock().expect("no panic");
        received
            .iter()
            .filter(|packet| packet.mid == mid)
            .cloned()
            .collect()
    }

    /// How many packets have arrived, whatever they are.
    pub fn received_count(&self) -> usize {
        self.received.lock().expect("no panic").len()
    }
}
