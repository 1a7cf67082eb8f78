//! SHELL. A call: the connection of a peer connection without a page (WHIP, WHEP).
//!
//! It has no WebSocket. Whoever made it asks through a [`Call`]; the task behind it keeps the
//! connection in the book, so that a link's end is its end, and speaks with the room.

use std::{net::IpAddr, sync::Arc, time::Duration};

use tokio::sync::{mpsc, oneshot};

use super::{
    closing::Closing,
    context::{Context, Counted, Present},
    wire::Token,
};
use crate::{
    auth::{Device, LinkRefusal},
    ids::{MemberId, SessionId},
    media::{Restarted, Sending},
    room::{Answer, Asked, ConnectionId, Link, Parting, Purpose, Refused, RoomHandle, Told},
};

/// Requests that wait for a call. Full: whoever asks waits in its own connection.
const ASKS_MAX: usize = 4;
/// Answers that wait to be taken: there is one request in flight, and one that was given up.
const TOLD_MAX: usize = 2;
/// A room that has not answered by then, which it does even where the shard does not, has ended.
const ANSWER_MAX: Duration = Duration::from_secs(15);

/// What a call is opened with.
pub struct Offered {
    /// Whose it is.
    pub token: Token,
    /// Into which session.
    pub session: SessionId,
    /// What for.
    pub purpose: Purpose,
    /// The client's offer.
    pub sdp: String,
    /// Its sending sections.
    pub sending: Vec<Sending>,
}

/// Why a call was not opened, or a request of it not granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallRefusal {
    /// The link does not open.
    #[error(transparent)]
    Link(#[from] LinkRefusal),
    /// There is no such session.
    #[error("there is no session {0}")]
    UnknownSession(SessionId),
    /// The room, the meeting or media says no.
    #[error(transparent)]
    Room(#[from] Refused),
    /// The server takes no more connections.
    #[error("the server takes no more connections")]
    Full,
    /// The server is about to stop.
    #[error("the server is about to be restarted and lets nobody in: come back in a moment")]
    Draining,
    /// The server stops.
    #[error("the server is being restarted")]
    Stopping,
    /// The call has ended.
    #[error("this connection has ended")]
    Ended,
}

/// Reaches an open call. The call ends with the last of these.
#[derive(Debug, Clone)]
pub struct Call {
    member: MemberId,
    asks: mpsc::Sender<Ask>,
}

#[derive(Debug)]
struct Ask {
    asking: Asking,
    answer: oneshot::Sender<Result<Answer, CallRefusal>>,
}

#[derive(Debug)]
enum Asking {
    Candidate(String),
    Restart { ufrag: String, pwd: String },
    End,
}

impl Call {
    /// Opens a call and gives it with the answer to its offer. `address` is the client's own, also
    /// behind a proxy.
    ///
    /// # Errors
    /// Where the link, the room or media refuses; nothing is left of it then.
    pub async fn open(
        context: Arc<Context>,
        address: IpAddr,
        offered: Offered,
    ) -> Result<(Self, String), CallRefusal> {
        let (opened, answer) = oneshot::channel();
        // A task of its own: a client that hangs up meanwhile must leave nothing behind.
        tokio::spawn(run(context, address, offered, opened));
        answer.await.map_err(|_| CallRefusal::Ended)?
    }

    /// Whose it is.
    pub fn member(&self) -> &MemberId {
        &self.member
    }

    /// A candidate of the client's.
    ///
    /// # Errors
    /// Where there are too many, or the call has ended.
    pub async fn candidate(&self, candidate: String) -> Result<(), CallRefusal> {
        self.ask(Asking::Candidate(candidate)).await.map(|_| ())
    }

    /// New ICE credentials of the client's: gives the server's.
    ///
    /// # Errors
    /// Where media refuses them, in which case the call goes on as it was, or the call has ended.
    pub async fn restart(&self, ufrag: String, pwd: String) -> Result<Restarted, CallRefusal> {
        match self.ask(Asking::Restart { ufrag, pwd }).await? {
            Answer::Restarted(restarted) => Ok(restarted),
            Answer::Done
            | Answer::Lobby
            | Answer::Snapshot(_)
            | Answer::Resumed(_)
            | Answer::Sdp(_) => Err(CallRefusal::Ended),
        }
    }

    /// Ends it.
    pub async fn end(&self) {
        // One that has ended meanwhile has ended.
        let _ended = self.ask(Asking::End).await;
    }

    /// Waits until it has ended, whoever ended it.
    pub async fn ended(&self) {
        self.asks.closed().await;
    }

    async fn ask(&self, asking: Asking) -> Result<Answer, CallRefusal> {
        let (answer, answered) = oneshot::channel();
        let ask = Ask { asking, answer };
        self.asks.send(ask).await.map_err(|_| CallRefusal::Ended)?;
        answered.await.map_err(|_| CallRefusal::Ended)?
    }
}

async fn run(
    context: Arc<Context>,
    address: IpAddr,
    offered: Offered,
    opened: oneshot::Sender<Result<(Call, String), CallRefusal>>,
) {
    let Ok(mut counted) = Counted::open(&context, address) else {
        let _hung_up = opened.send(Err(CallRefusal::Full));
        return;
    };
    let (mut line, member, sdp) = match enter(&context, &counted, offered).await {
        Ok(entered) => entered,
        Err(refusal) => {
            let _hung_up = opened.send(Err(refusal));
            return;
        }
    };
    let (asks, asked) = mpsc::channel(ASKS_MAX);
    let call = Call { member, asks };
    if opened.send(Ok((call, sdp))).is_err() {
        line.leave().await;
        return;
    }
    line.serve(asked, &mut counted.closing).await;
}

async fn enter(
    context: &Context,
    counted: &Counted<'_>,
    offered: Offered,
) -> Result<(Line, MemberId, String), CallRefusal> {
    if *context.stopping.borrow() {
        return Err(CallRefusal::Stopping);
    }
    if context.is_draining() {
        return Err(CallRefusal::Draining);
    }
    let grant = match offered.purpose {
        Purpose::Publish => {
            context
                .verify(&offered.token, counted.id, Device::Call)
                .await?
        }
        Purpose::Play => context.verify_player(&offered.token, counted.id).await?,
    };
    let room = context.directory.room(&offered.session);
    let handle = room.ok_or(CallRefusal::UnknownSession(offered.session))?;
    let (told, told_receiver) = mpsc::channel(TOLD_MAX);
    // A room parts once.
    let (parting, parting_receiver) = mpsc::channel(1);
    let mut line = Line {
        id: counted.id,
        handle,
        told: told_receiver,
        parting: parting_receiver,
        // A player is nobody's presence, and so nobody's to wait for.
        _present: (offered.purpose == Purpose::Publish).then(|| context.enter()),
    };
    let asked = Asked::Call {
        connection: line.id,
        member: grant.member.clone(),
        purpose: offered.purpose,
        sdp: offered.sdp,
        sending: offered.sending,
        link: Link { told, parting },
    };
    let refusal = match line.ask(asked).await {
        Ok(Answer::Sdp(sdp)) => return Ok((line, grant.member, sdp)),
        Ok(
            Answer::Done
            | Answer::Lobby
            | Answer::Snapshot(_)
            | Answer::Resumed(_)
            | Answer::Restarted(_),
        ) => CallRefusal::Ended,
        Err(refusal) => refusal,
    };
    // A room that answered too late must not keep it.
    line.gone().await;
    Err(refusal)
}

/// A call's way to its room and back.
struct Line {
    id: ConnectionId,
    handle: RoomHandle,
    told: mpsc::Receiver<Told>,
    parting: mpsc::Receiver<Parting>,
    /// Counts a publisher among those for whom a server that is about to end waits.
    _present: Option<Present>,
}

impl Line {
    /// Until somebody ends it.
    async fn serve(
        &mut self,
        mut asked: mpsc::Receiver<Ask>,
        closing: &mut mpsc::Receiver<Closing>,
    ) {
        loop {
            tokio::select! {
                biased;
                Some(closing) = closing.recv() => {
                    match closing {
                        // The place is kept for the member, as a page's would be.
                        Closing::Stopping => self.gone().await,
                        Closing::Dead
                        | Closing::Protocol(_)
                        | Closing::FrameTooLong
                        | Closing::Full
                        | Closing::Removed
                        | Closing::Replaced
                        | Closing::TooSlow
                        | Closing::LinkRevoked => self.leave().await,
                    }
                    return;
                }
                heard = self.hear() => match heard {
                    // The answer to a request that was given up.
                    Some(_) => {}
                    None => return,
                },
                ask = asked.recv() => match ask {
                    None => return self.leave().await,
                    Some(Ask { asking, answer }) => {
                        let (result, ended) = self.carry_out(asking).await;
                        if ended {
                            // First, so that whoever asked finds it gone.
                            drop(asked);
                            let _hung_up = answer.send(result);
                            return;
                        }
                        let _hung_up = answer.send(result);
                    }
                },
            }
        }
    }

    /// The answer, and whether the call has ended with it.
    async fn carry_out(&mut self, asking: Asking) -> (Result<Answer, CallRefusal>, bool) {
        let connection = self.id;
        let asked = match asking {
            Asking::Candidate(candidate) => Asked::Candidate {
                connection,
                candidate,
            },
            Asking::Restart { ufrag, pwd } => Asked::Restart {
                connection,
                ufrag,
                pwd,
            },
            Asking::End => {
                self.leave().await;
                return (Ok(Answer::Done), true);
            }
        };
        let answer = self.ask(asked).await;
        let ended = answer == Err(CallRefusal::Ended);
        if ended {
            self.gone().await;
        }
        (answer, ended)
    }

    async fn ask(&mut self, asked: Asked) -> Result<Answer, CallRefusal> {
        let asked = self.handle.ask(asked).await;
        asked.map_err(|_| CallRefusal::Ended)?;
        let answered = async {
            loop {
                match self.hear().await {
                    Some(Told::Answer(answer)) => return answer.map_err(CallRefusal::Room),
                    Some(Told::Text(_)) => {}
                    Some(Told::Dismissed(_)) | None => return Err(CallRefusal::Ended),
                }
            }
        };
        let answered = tokio::time::timeout(ANSWER_MAX, answered).await;
        answered.unwrap_or(Err(CallRefusal::Ended))
    }

    /// A word of the room's; nothing when it has let go of the call.
    async fn hear(&mut self) -> Option<Told> {
        tokio::select! {
            biased;
            Some(_) = self.parting.recv() => None,
            told = self.told.recv() => told,
        }
    }

    /// The member goes, or the player ends; a room that has ended has forgotten everybody.
    async fn leave(&mut self) {
        let connection = self.id;
        let _ended = self.ask(Asked::Leave { connection }).await;
    }

    async fn gone(&mut self) {
        let connection = self.id;
        let _ended = self.handle.ask(Asked::Gone { connection }).await;
    }
}
