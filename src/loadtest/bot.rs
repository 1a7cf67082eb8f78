//! SHELL. One member: joins by its link, connects its media, and counts what comes until it leaves.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{sync::watch, time::timeout};

use super::{
    cipher::Cipher,
    invite::{Duty, Part},
    lean::{self, Crowd, Place},
    peer::{self, Offer, Peer, Receive},
    signalling::{self, PATIENCE, Signalling},
    tally::{Run, Tally},
    weather::Climate,
};
use crate::meeting::roster::Role;

/// Why a member is not in the room, or not any more.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The signalling's reason.
    #[error(transparent)]
    Signalling(#[from] signalling::Fault),
    /// The media's reason.
    #[error(transparent)]
    Media(#[from] peer::Fault),
    /// The back rows' reason.
    #[error(transparent)]
    Lean(#[from] lean::Fault),
    /// The event has no session that is on or will be.
    #[error("the server names no session to join")]
    NoSession,
    /// No media within [`PATIENCE`].
    #[error("waited {} s for media.connected in vain", PATIENCE.as_secs())]
    NotConnected,
    /// The server heard nothing of the member's any more.
    #[error("the server said media.lost")]
    MediaLost,
}

/// What is the same for all members.
#[derive(Clone)]
pub struct House {
    /// The load test that they are of.
    pub run: Run,
    /// Slots for sound that each offers.
    pub sound_slots: usize,
    /// Slots for pictures that each offers.
    pub picture_slots: usize,
    /// What their paths are made to be like.
    pub climate: Climate,
    /// What their packets are sealed with.
    pub cipher: Cipher,
    /// The back rows.
    pub crowd: Crowd,
}

/// What the server has said of the media path.
#[derive(Debug, Clone, Copy, Default)]
struct Way {
    stands: bool,
    was_lost: bool,
}

enum Media {
    Full(Arc<Peer>),
    Lean(Place),
}

/// A member in the room.
pub struct Bot {
    part: Part,
    signalling: Signalling,
    media: Media,
    way: watch::Receiver<Way>,
    tally: Arc<Mutex<Tally>>,
    connecting_at: Instant,
    joining_at: Instant,
    /// The number of the floor's latest turn.
    last_turn: watch::Receiver<u64>,
}

/// What became of a member.
pub struct Outcome {
    /// From `session.join` sent to a publisher's first packet received.
    pub join_to_media: Option<Duration>,
    /// The same from the attempt to connect.
    pub connect_to_media: Option<Duration>,
    /// From `session.join` sent to the first packet of a picture received.
    pub join_to_picture: Option<Duration>,
    /// What was counted.
    pub tally: Tally,
    /// Why the member did not stay to the end.
    pub fault: Option<Fault>,
}

impl Bot {
    /// Joins the session that is on and waits until media may flow.
    ///
    /// # Errors
    /// When any step fails or takes too long.
    pub async fn join(part: Part, house: &House) -> Result<Self, Fault> {
        let connecting_at = now();
        let (saying, way) = watch::channel(Way::default());
        let (turning, last_turn) = watch::channel(0);
        let turns = turning.clone();
        let hear = move |message: Value| match (message["signal"].as_str(), &message["type"]) {
            (Some("media.connected"), _) => saying.send_modify(|way| way.stands = true),
            (Some("media.lost"), _) => saying.send_modify(|way| way.was_lost = true),
            (None, kind) if kind == "floor.granted" => {
                turns.send_replace(message["turn"].as_u64().unwrap_or_default());
            }
            // Other events, and signals for people or of a later server.
            (Some(_) | None, _) => {}
        };
        let signalling = Signalling::connect(&part.invite.authority, hear).await?;
        let welcome = signalling
            .ask(json!({"type": "hello", "token": part.invite.token}))
            .await?;
        let session = welcome["current"].as_str().ok_or(Fault::NoSession)?;
        let joining_at = now();
        let joined = signalling
            .ask(json!({"type": "session.join", "session": session}))
            .await?;
        if let Some(turn) = joined.pointer("/snapshot/floor/last_turn") {
            turning.send_replace(turn.as_u64().unwrap_or_default());
        }
        let own = match part.duty {
            Duty::Speak(number) => Some(number),
            Duty::Listen | Duty::ListenLean | Duty::Chair => None,
        };
        let tally = Arc::new(Mutex::new(Tally::new(house.run, own)));
        let media = connect(&part, house, &signalling, &tally).await?;
        let mut standing = way.clone();
        let stands = async { standing.wait_for(|way| way.stands).await.is_ok() };
        match timeout(PATIENCE, stands).await {
            Ok(true) => {}
            Ok(false) => return Err(signalling.hung_up().await.into()),
            Err(_) => return Err(Fault::NotConnected),
        }
        Ok(Self {
            part,
            media,
            way,
            tally,
            connecting_at,
            joining_at,
            last_turn,
            signalling,
        })
    }

    /// Asks for the floor, where the member needs it to be heard.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn take_the_floor(&self) -> Result<(), Fault> {
        match self.part.invite.role {
            Role::Delegate => {
                self.signalling
                    .ask(json!({"type": "floor.request"}))
                    .await?;
            }
            // Heard without it, or not at all.
            Role::Organiser
            | Role::Chair
            | Role::Podium
            | Role::Interpreter
            | Role::Observer
            | Role::Technician => {}
        }
        Ok(())
    }

    /// Whose part it plays.
    pub fn part(&self) -> &Part {
        &self.part
    }

    /// Its half of the signalling.
    pub fn signalling(&self) -> &Signalling {
        &self.signalling
    }

    /// The number of the floor's latest turn, as the room tells it.
    pub fn last_turn(&self) -> watch::Receiver<u64> {
        self.last_turn.clone()
    }

    /// When it asked to join.
    pub fn joining_at(&self) -> Instant {
        self.joining_at
    }

    /// Its media, where it can send.
    pub fn peer(&self) -> Option<Arc<Peer>> {
        match &self.media {
            Media::Full(peer) => Some(Arc::clone(peer)),
            Media::Lean(_) => None,
        }
    }

    /// Its counters.
    pub fn tally(&self) -> Arc<Mutex<Tally>> {
        Arc::clone(&self.tally)
    }

    /// What it has counted until now, and whether it is still there.
    pub fn outcome(&self) -> Outcome {
        let tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let tally = tally.clone();
        let since = |start: Instant, end: Option<Instant>| {
            end.map(|end| end.saturating_duration_since(start))
        };
        let hung_up = self.signalling.has_hung_up().map(Fault::from);
        let lost = self.way.borrow().was_lost.then_some(Fault::MediaLost);
        Outcome {
            join_to_media: since(self.joining_at, tally.first_media()),
            connect_to_media: since(self.connecting_at, tally.first_media()),
            join_to_picture: since(self.joining_at, tally.first_picture()),
            tally,
            fault: hung_up.or(lost),
        }
    }

    /// Leaves as a person does.
    pub async fn leave(self) {
        let left = self.signalling.ask(json!({"type": "session.leave"})).await;
        if let Err(why) = left {
            tracing::debug!("{} could not say goodbye: {why}", self.part.invite.member);
        }
        match self.media {
            Media::Full(peer) => peer.close().await,
            Media::Lean(place) => drop(place),
        }
    }
}

/// A whole peer connection, or a place in the back rows.
async fn connect(
    part: &Part,
    house: &House,
    signalling: &Signalling,
    tally: &Arc<Mutex<Tally>>,
) -> Result<Media, Fault> {
    let sends = match part.duty {
        Duty::ListenLean => {
            let slots = (house.sound_slots, house.picture_slots);
            let tally = Arc::clone(tally);
            let place = house
                .crowd
                .enter(signalling, slots, part.seat, tally)
                .await?;
            return Ok(Media::Lean(place));
        }
        Duty::Speak(_) => true,
        Duty::Listen | Duty::Chair => false,
    };
    let counting = Arc::clone(tally);
    let receive: Receive = Arc::new(move |mid, medium, packet| {
        let mut tally = counting.lock().unwrap_or_else(PoisonError::into_inner);
        let sequence = packet.header.sequence_number;
        tally.arrive(now(), mid, medium, sequence, &packet.payload);
    });
    let offer = Offer {
        profile: house.cipher.insisted(),
        sends,
        sound_slots: house.sound_slots,
        picture_slots: house.picture_slots,
        climate: house.climate,
        seat: part.seat,
    };
    let peer = Peer::connect(signalling, &offer, receive).await?;
    Ok(Media::Full(Arc::new(peer)))
}

#[expect(clippy::disallowed_methods, reason = "the bots measure real time")]
fn now() -> Instant {
    Instant::now()
}
