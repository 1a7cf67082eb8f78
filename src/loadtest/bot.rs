//! SHELL. One member: joins by its link, connects its media, and counts what comes until it leaves.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{sync::watch, time::sleep};

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
    /// It was asked over to a session that nobody opened.
    #[error("waited {} s for the session to be opened in vain", PATIENCE.as_secs())]
    NotOpen,
    /// The chair lets nobody in.
    #[error("it was left waiting in the lobby")]
    Lobby,
    /// Not within [`PATIENCE`].
    #[error("waited {} s for session.moved_on in vain", PATIENCE.as_secs())]
    NotAsked,
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
    /// Whether an event's sessions are played one after the other; else the one that is on.
    pub plays_agenda: bool,
}

/// What the server has said of the media path.
#[derive(Debug, Clone, Copy, Default)]
struct Way {
    stands: bool,
    was_lost: bool,
}

/// The floor's latest turn.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Turn {
    /// Its number in the session.
    pub number: u64,
    /// Whose it is; nobody's where it was given before this member came.
    pub member: String,
}

/// What the server has said, as far as a bot has to know it.
#[derive(Clone)]
struct Ears {
    way: watch::Sender<Way>,
    turn: watch::Sender<Turn>,
    /// The session that the chair asks everybody over to.
    moved: watch::Sender<String>,
    /// Changes when some session's state does.
    news: watch::Sender<()>,
}

impl Ears {
    /// The way in, and what has come by it.
    fn open() -> (impl FnMut(Value) + Send + 'static, Self) {
        let ears = Self {
            way: watch::Sender::default(),
            turn: watch::Sender::default(),
            moved: watch::Sender::default(),
            news: watch::Sender::default(),
        };
        let told = ears.clone();
        let hear = move |message: Value| {
            let word = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
            match (word("signal").as_str(), word("type").as_str()) {
                ("media.connected", _) => told.way.send_modify(|way| way.stands = true),
                ("media.lost", _) => told.way.send_modify(|way| way.was_lost = true),
                ("sessions", _) => {
                    told.news.send_replace(());
                }
                ("", "floor.granted") => {
                    told.turn.send_replace(Turn {
                        number: message["turn"].as_u64().unwrap_or_default(),
                        member: word("member"),
                    });
                }
                ("", "session.moved_on") => {
                    told.moved.send_replace(word("to"));
                }
                // Other events, and signals for people or of a later server.
                _ => {}
            }
        };
        (hear, ears)
    }
}

enum Media {
    Full(Arc<Peer>),
    Lean(Place),
}

impl Media {
    async fn end(self) {
        match self {
            Self::Full(peer) => peer.close().await,
            Self::Lean(place) => drop(place),
        }
    }
}

/// A member in the room.
pub struct Bot {
    part: Part,
    line: Line,
    media: Media,
    tally: Arc<Mutex<Tally>>,
    joining_at: Instant,
}

/// A member's connection to the server, the same in whatever session it is.
struct Line {
    signalling: Signalling,
    ears: Ears,
    connecting_at: Instant,
    /// The event's sessions in their order.
    sessions: Vec<String>,
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
    /// Joins the session that is on, or with an agenda to play the first, and waits until media may
    /// flow.
    ///
    /// # Errors
    /// When any step fails or takes too long.
    pub async fn join(part: Part, house: &House) -> Result<Self, Fault> {
        let connecting_at = now();
        let (hear, ears) = Ears::open();
        let signalling = Signalling::connect(&part.invite.authority, hear).await?;
        let welcome = signalling
            .ask(json!({"type": "hello", "token": part.invite.token}))
            .await?;
        let sessions: Vec<String> = welcome["sessions"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|session| Some(session["id"].as_str()?.to_owned()))
            .collect();
        let session = if house.plays_agenda {
            sessions.first().cloned()
        } else {
            welcome["current"].as_str().map(str::to_owned)
        };
        let line = Line {
            signalling,
            ears,
            connecting_at,
            sessions,
        };
        Self::enter(part, house, line, &session.ok_or(Fault::NoSession)?).await
    }

    async fn enter(part: Part, house: &House, line: Line, session: &str) -> Result<Self, Fault> {
        let Line {
            signalling, ears, ..
        } = &line;
        let joining_at = now();
        let request = json!({"type": "session.join", "session": session});
        // As a page does: who is not let in yet waits for news of the sessions.
        let joined = loop {
            let mut news = ears.news.subscribe();
            match signalling.ask(request.clone()).await {
                Err(signalling::Fault::Refused { code, .. })
                    if house.plays_agenda && code == "not_open" =>
                {
                    within_patience(signalling, news.changed(), Fault::NotOpen).await?;
                }
                answer => break answer?,
            }
        };
        if joined.get("lobby").is_some() {
            return Err(Fault::Lobby);
        }
        // What was said of the media until now was of another room.
        ears.way.send_replace(Way::default());
        if let Some(turn) = joined.pointer("/snapshot/floor/last_turn") {
            ears.turn.send_replace(Turn {
                number: turn.as_u64().unwrap_or_default(),
                member: String::new(),
            });
        }
        let own = match part.duty {
            Duty::Speak(number) => Some(number),
            Duty::Listen | Duty::ListenLean | Duty::Chair => None,
        };
        let tally = Arc::new(Mutex::new(Tally::new(house.run, own)));
        let media = connect(&part, house, signalling, &tally).await?;
        let mut way = ears.way.subscribe();
        let stands = way.wait_for(|way| way.stands);
        within_patience(signalling, stands, Fault::NotConnected).await?;
        Ok(Self {
            part,
            line,
            media,
            tally,
            joining_at,
        })
    }

    /// Waits until the chair asks everybody over to that session and goes there, as a page does: by the
    /// same connection, with media offered anew; the old ones end when the new ones flow.
    ///
    /// # Errors
    /// When nobody asks, or any step fails or takes too long.
    pub async fn go_over(self, house: &House, session: &str) -> Result<Self, Fault> {
        let mut asked = self.line.ears.moved.subscribe();
        let asked = asked.wait_for(|to| to == session);
        within_patience(&self.line.signalling, asked, Fault::NotAsked).await?;
        let Self {
            part, line, media, ..
        } = self;
        let over = Self::enter(part, house, line, session).await;
        media.end().await;
        over
    }

    /// Asks for the floor, where the member needs it to be heard.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn take_the_floor(&self) -> Result<(), Fault> {
        match self.part.invite.role {
            Role::Delegate => {
                self.line
                    .signalling
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
        &self.line.signalling
    }

    /// The event's sessions in their order.
    pub fn sessions(&self) -> &[String] {
        &self.line.sessions
    }

    /// The floor's latest turn, as the room tells it.
    pub fn last_turn(&self) -> watch::Receiver<Turn> {
        self.line.ears.turn.subscribe()
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
        let hung_up = self.line.signalling.has_hung_up().map(Fault::from);
        let lost = self
            .line
            .ears
            .way
            .borrow()
            .was_lost
            .then_some(Fault::MediaLost);
        Outcome {
            join_to_media: since(self.joining_at, tally.first_media()),
            connect_to_media: since(self.line.connecting_at, tally.first_media()),
            join_to_picture: since(self.joining_at, tally.first_picture()),
            tally,
            fault: hung_up.or(lost),
        }
    }

    /// Leaves as a person does.
    pub async fn leave(self) {
        let left = self
            .line
            .signalling
            .ask(json!({"type": "session.leave"}))
            .await;
        if let Err(why) = left {
            tracing::debug!("{} could not say goodbye: {why}", self.part.invite.member);
        }
        self.media.end().await;
    }
}

/// Waits for what the server is to say, as long as it may still say it.
async fn within_patience<T>(
    signalling: &Signalling,
    said: impl Future<Output = T>,
    in_vain: Fault,
) -> Result<(), Fault> {
    tokio::select! {
        biased;
        _it = said => Ok(()),
        why = signalling.hung_up() => Err(why.into()),
        () = sleep(PATIENCE) => Err(in_vain),
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
