//! SHELL. The task of one connection: its socket, its session, the room that it is in.

use std::{future, net::IpAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{mpsc, oneshot, watch},
};
use tokio_tungstenite::WebSocketStream;

use super::{
    Settings,
    closing::Closing,
    context::{Context, Counted, Present},
    requests::Asking,
    session::{Output, Session},
    socket::{Happened, Socket},
};
use crate::{
    auth::Device,
    check::{CheckRefusal, Checker, Offer},
    ids::{MemberId, SessionId},
    meeting::event::Rev,
    room::{
        Answer, Asked, ConnectionId, DeviceNumber, Link, Parting, Refused, RoomHandle, States, Told,
    },
    time::Timestamp,
};

/// Runs a connection until it ends. `address` is the client's own, also behind a proxy.
pub async fn run<S>(socket: WebSocketStream<S>, context: Arc<Context>, address: IpAddr)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut session = Session::new(
        Arc::clone(&context.settings),
        Arc::clone(&context.programme),
        context.directory.states().borrow().clone(),
        (context.now)(),
    );
    let mut socket = Socket::new(socket);
    let Ok(mut counted) = Counted::open(&context, address) else {
        session.handle_closing(Closing::Full);
        finish(&mut session, socket, &context.settings).await;
        return;
    };
    if *context.stopping.borrow() {
        session.handle_closing(Closing::Stopping);
    }
    let mut connection = Connection {
        id: counted.id,
        context: &context,
        states: context.directory.states(),
        draining: context.draining.subscribe(),
        session,
        room: None,
        entering: None,
        checker: Checker(counted.id.0),
        address,
        has_checked: false,
        checking: None,
    };
    connection.learn_of_the_end();
    let closing = connection.run(&mut socket, &mut counted.closing).await;
    connection.leave_rooms(closing).await;
    match closing.map(Closing::code) {
        Some(Some(_)) => finish(&mut connection.session, socket, &context.settings).await,
        Some(None) => {}
        None => {
            let patience = Duration::from_millis(context.settings.close_ms.0);
            // A client that does not wait for the answer to its close frame goes without it.
            let _gone = tokio::time::timeout(patience, socket.closed()).await;
        }
    }
}

/// Says the last words, as long as the client takes them in time.
async fn finish<S>(session: &mut Session, mut socket: Socket<S>, settings: &Settings)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let words = async move {
        while let Some(output) = session.poll_output() {
            match output {
                Output::Send(text) => {
                    if !socket.written().await {
                        return;
                    }
                    socket.text(&text);
                }
                Output::Close(closing) => {
                    if let Some(code) = closing.code() {
                        socket.close(code).await;
                    }
                    return;
                }
                Output::Ping
                | Output::Verify { .. }
                | Output::Check(_)
                | Output::Report { .. }
                | Output::Enter { .. }
                | Output::Ask(_) => {}
            }
        }
    };
    // A client that does not read its last words goes without them.
    let _unread = tokio::time::timeout(Duration::from_millis(settings.close_ms.0), words).await;
}

/// A room that a connection is in, or is about to enter.
struct Joined {
    handle: RoomHandle,
    told: mpsc::Receiver<Told>,
    parting: mpsc::Receiver<Parting>,
    /// Counts it among those for whom a server that is about to end waits.
    _present: Present,
}

/// What came from a room.
enum Heard {
    Told(Told),
    Parted(Parting),
    /// The room has let go of the connection.
    Released,
}

struct Connection<'a> {
    id: ConnectionId,
    context: &'a Context,
    states: watch::Receiver<States>,
    /// By when the server ends, once it is about to.
    draining: watch::Receiver<Option<Timestamp>>,
    session: Session,
    room: Option<Joined>,
    /// The next room, until it has answered.
    entering: Option<Joined>,
    /// Its name towards those who try paths, and where it is.
    checker: Checker,
    address: IpAddr,
    /// It has offered a path to try: they are told when it ends.
    has_checked: bool,
    /// The answer to its latest offer of one.
    checking: Option<oneshot::Receiver<Result<String, CheckRefusal>>>,
}

impl Connection<'_> {
    /// Until the client has gone (`None`) or is to be closed.
    async fn run<S>(
        &mut self,
        socket: &mut Socket<S>,
        closing: &mut mpsc::Receiver<Closing>,
    ) -> Option<Closing>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        loop {
            if let Some(closing) = self.session.closing() {
                return Some(closing);
            }
            while socket.is_free() {
                match self.session.poll_output() {
                    None => break,
                    Some(Output::Send(text)) => socket.text(&text),
                    Some(Output::Ping) => socket.ping(),
                    Some(Output::Verify {
                        token,
                        device,
                        check,
                    }) => {
                        let verdict = if check {
                            self.context.verify_check(&token, self.id)
                        } else {
                            let device = device
                                .map_or(Device::Unnumbered, |device| Device::Numbered(device.0));
                            self.context.verify(&token, self.id, device).await
                        };
                        self.session.handle_verdict((self.context.now)(), verdict);
                    }
                    Some(Output::Check(offer)) => self.check(offer),
                    Some(Output::Report { member, report }) => {
                        let kept = self.context.keep_report(member, report).await;
                        self.session.handle_reported(kept);
                    }
                    Some(Output::Enter {
                        session,
                        member,
                        name,
                        since,
                        device,
                    }) => {
                        self.enter(&session, member, name, since, device).await;
                    }
                    Some(Output::Ask(asking)) => self.ask(asking).await,
                    Some(Output::Close(closing)) => return Some(closing),
                }
            }
            let now = (self.context.now)();
            let frame_at = self.session.wants_frame_at();
            let read = frame_at.is_some_and(|at| at <= now);
            let wake = frame_at.filter(|&at| at > now);
            let deadline = self
                .session
                .next_deadline()
                .min(wake.unwrap_or(Timestamp(i64::MAX)));
            let wants_told = self.session.wants_told();
            tokio::select! {
                biased;
                Some(closing) = closing.recv() => self.session.handle_closing(closing),
                Ok(()) = self.draining.changed() => self.learn_of_the_end(),
                checked = answer_of(&mut self.checking) => {
                    self.checking = None;
                    self.session.handle_checked(checked);
                }
                heard = hear(&mut self.room, wants_told) => self.heard(heard),
                heard = hear(&mut self.entering, wants_told) => self.entered(heard).await,
                happened = socket.happens(read) => match happened {
                    Happened::Written => {}
                    Happened::Text(text) => self.session.handle_text((self.context.now)(), &text),
                    Happened::Binary => self.session.handle_binary(),
                    Happened::Heard => self.session.handle_heard((self.context.now)()),
                    Happened::TooLong => self.session.handle_closing(Closing::FrameTooLong),
                    Happened::Broken => self.session.handle_broken(),
                    Happened::Ended => return None,
                },
                Ok(()) = self.states.changed(), if wants_told => {
                    let states = self.states.borrow_and_update().clone();
                    self.session.handle_states((self.context.now)(), states);
                }
                () = tokio::time::sleep(Duration::from_millis(deadline.since(now).0)) => {
                    self.session.handle_timeout((self.context.now)());
                }
            }
        }
    }

    /// What there is to know of the server's end.
    fn learn_of_the_end(&mut self) {
        let until = *self.draining.borrow_and_update();
        if let Some(until) = until {
            self.session.handle_draining((self.context.now)(), until);
        }
    }

    /// Has a path tried; the answer comes later.
    fn check(&mut self, offer: Offer) {
        self.has_checked = true;
        let from = (self.checker, self.address);
        match self.context.checks.paths.offer(from, offer) {
            Ok(answer) => self.checking = Some(answer),
            Err(refusal) => self.session.handle_checked(Err(refusal)),
        }
    }

    async fn enter(
        &mut self,
        session: &SessionId,
        member: MemberId,
        name: Option<String>,
        since: Option<Rev>,
        device: Option<DeviceNumber>,
    ) {
        let Some(handle) = self.context.directory.room(session) else {
            self.session.handle_entered(None);
            return;
        };
        let present = self.context.enter();
        let (told, told_receiver) = mpsc::channel(handle.outbox_max());
        // A room parts once.
        let (parting, parting_receiver) = mpsc::channel(1);
        let link = Link { told, parting };
        let asked = Asked::Join {
            connection: self.id,
            member,
            name,
            since,
            device,
            link,
        };
        if handle.ask(asked).await.is_err() {
            self.session.handle_entered(None);
            return;
        }
        self.entering = Some(Joined {
            handle,
            told: told_receiver,
            parting: parting_receiver,
            _present: present,
        });
    }

    async fn ask(&mut self, asking: Asking) {
        let connection = self.id;
        let asked = match asking {
            Asking::Leave => Asked::Leave { connection },
            Asking::Snapshot => Asked::Snapshot { connection },
            Asking::Offer { sdp, sending } => Asked::Offer {
                connection,
                sdp,
                sending,
            },
            Asking::Candidate(candidate) => Asked::Candidate {
                connection,
                candidate,
            },
            Asking::Ended(source) => Asked::Ended { connection, source },
            Asking::View(pictures) => Asked::View {
                connection,
                pictures,
            },
            Asking::Command(command) => Asked::Command {
                connection,
                command,
            },
        };
        let unanswered = match &self.room {
            Some(room) => room.handle.ask(asked).await.is_err(),
            None => true,
        };
        if unanswered {
            self.session
                .handle_told(Told::Answer(Err(Refused::NotInRoom)));
        }
    }

    /// Something from the room that the connection is in.
    fn heard(&mut self, heard: Heard) {
        match heard {
            Heard::Told(told) => {
                self.session.handle_told(told);
                if self.session.room().is_none() {
                    self.room = None;
                }
            }
            Heard::Parted(parting) => {
                self.hear_the_rest(parting);
                self.session.handle_closing(Closing::from(parting));
            }
            // Only a room that has ended lets go without a word.
            Heard::Released => self.session.handle_closing(Closing::Stopping),
        }
    }

    /// What was told before the parting comes before the last word, unless the client has shown
    /// that it does not read.
    fn hear_the_rest(&mut self, parting: Parting) {
        match parting {
            Parting::TooSlow => {}
            Parting::Removed | Parting::Replaced => {
                let Some(room) = &mut self.room else {
                    return;
                };
                while let Ok(told) = room.told.try_recv() {
                    self.session.handle_told(told);
                }
            }
        }
    }

    /// Something from the room that the connection is about to enter.
    async fn entered(&mut self, heard: Heard) {
        let answer: Result<Answer, Refused> = match heard {
            Heard::Told(Told::Answer(answer)) => answer,
            Heard::Told(told @ Told::Text(_)) => return self.session.handle_told(told),
            Heard::Told(Told::Dismissed(_)) => Err(Refused::NotInRoom),
            // It overtakes an answer that is still queued: no refusal, and the client may come back.
            Heard::Parted(parting) => {
                return self.session.handle_closing(Closing::from(parting));
            }
            // Only a room that has ended lets go without a word.
            Heard::Released => return self.session.handle_closing(Closing::Stopping),
        };
        let entering = self.entering.take();
        if answer.is_ok()
            && let Some(left) = std::mem::replace(&mut self.room, entering)
        {
            // A room that has ended cannot be left any more.
            let over = Asked::Move {
                connection: self.id,
            };
            let _ended = left.handle.ask(over).await;
        }
        self.session.handle_entered(Some(answer));
    }

    /// Tells the rooms that the connection is gone. A revoked link's member does not wait for it
    /// to come back.
    async fn leave_rooms(&mut self, closing: Option<Closing>) {
        if self.has_checked {
            self.context.checks.paths.gone(self.checker);
        }
        let connection = self.id;
        let rooms = [self.room.take(), self.entering.take()];
        for room in rooms.into_iter().flatten() {
            let asked = match closing {
                Some(Closing::LinkRevoked) => Asked::Leave { connection },
                Some(_) | None => Asked::Gone { connection },
            };
            // A room that has ended has forgotten everybody.
            let _ended = room.handle.ask(asked).await;
        }
    }
}

/// Waits for the answer to an offer of a path to try. May be given up at any time.
async fn answer_of(
    checking: &mut Option<oneshot::Receiver<Result<String, CheckRefusal>>>,
) -> Result<String, CheckRefusal> {
    match checking {
        // One that is not answered has ended.
        Some(answer) => answer.await.unwrap_or(Err(CheckRefusal::Unanswered)),
        None => future::pending().await,
    }
}

/// Waits for a word of the room's; a parting overtakes what is queued. May be given up at any time.
async fn hear(joined: &mut Option<Joined>, wants_told: bool) -> Heard {
    let Some(Joined { told, parting, .. }) = joined else {
        return future::pending().await;
    };
    tokio::select! {
        biased;
        Some(parting) = parting.recv() => Heard::Parted(parting),
        next = told.recv(), if wants_told => next.map_or(Heard::Released, Heard::Told),
        else => future::pending().await,
    }
}

#[cfg(test)]
mod tests;
