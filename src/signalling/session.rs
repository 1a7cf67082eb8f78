//! One connection as a pure state machine: hello, join, requests, answers, the last word.
//!
//! Told with `handle_*`, then drained with [`Session::poll_output`]. One request is in flight at a
//! time and the next frame is not read before it is answered: answers come in the order of the
//! requests by themselves, and whoever asks faster than the room answers waits in its own socket.

use std::{collections::VecDeque, sync::Arc};

use serde::Serialize;

use super::{
    Settings,
    closing::Closing,
    listing,
    rate::Rate,
    refusals::{error, unknown_session},
    requests::{self, Asking, Kind},
    turn,
    wire::{ErrorBody, ErrorCode, Granted, Outcome, Reply, Request, Signal, Token},
};
use crate::{
    auth::{Grant, LinkRefusal},
    check::{CheckRefusal, Offer, Report},
    ids::{MemberId, SessionId},
    meeting::{Command, event::Rev},
    programme::Programme,
    room::{Answer, DeviceNumber, Refused, States, Told},
    time::{Millis, Timestamp},
};

/// Frames ready to be written before nothing more is read from the client or the room: they wait
/// where they are.
const OUTPUTS_MAX: usize = 16;

/// The least time between two reports of a check: each waits for the disk.
const REPORT_PACE: Millis = Millis::from_secs(1);

/// One thing for the shell to do, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send this text.
    Send(Arc<str>),
    /// Send a WebSocket ping.
    Ping,
    /// Verify the token; answer with [`Session::handle_verdict`].
    Verify {
        token: Token,
        device: Option<DeviceNumber>,
        /// It comes to check alone.
        check: bool,
    },
    /// Try a path; answer with [`Session::handle_checked`].
    Check(Offer),
    /// Keep a member's report; answer with [`Session::handle_reported`].
    Report { member: MemberId, report: Report },
    /// Ask this session's room to let the member in; answer with [`Session::handle_entered`].
    Enter {
        session: SessionId,
        member: MemberId,
        name: Option<String>,
        since: Option<Rev>,
        device: Option<DeviceNumber>,
    },
    /// Ask the room that the connection is in; the answer comes as [`Told::Answer`].
    Ask(Asking),
    /// Close; there is no more to do.
    Close(Closing),
}

#[derive(Debug)]
enum Stage {
    /// Nobody has said who is there; there is time until then.
    Unknown { until: Timestamp },
    /// A member, in a room or not.
    Greeted {
        member: MemberId,
        room: Option<SessionId>,
        /// It came to check alone, and enters no room.
        check: bool,
    },
    /// Nothing more is handled.
    Closed(Closing),
}

/// The request that is being answered.
#[derive(Debug)]
struct InFlight {
    id: u64,
    what: Awaited,
}

/// What a request leads to.
enum Started {
    /// Its answer: done.
    Answered,
    /// Somebody else's answer, after this.
    Asked(Awaited, Output),
}

#[derive(Debug, PartialEq, Eq)]
enum Awaited {
    /// `check`: for a connection that comes to check alone.
    Verdict {
        check: bool,
    },
    Check,
    Report,
    Entry(SessionId),
    Leave,
    Room,
}

/// One connection.
#[derive(Debug)]
pub struct Session {
    settings: Arc<Settings>,
    programme: Arc<Programme>,
    states: States,
    stage: Stage,
    /// The server ends then at the latest, and lets nobody in any more.
    draining: Option<Timestamp>,
    in_flight: Option<InFlight>,
    rate: Rate,
    /// From when on a report is taken.
    report_at: Timestamp,
    /// When the client was last heard.
    heard_at: Timestamp,
    next_ping: Timestamp,
    outputs: VecDeque<Output>,
}

impl Session {
    /// A connection that has just been made.
    pub fn new(
        settings: Arc<Settings>,
        programme: Arc<Programme>,
        states: States,
        now: Timestamp,
    ) -> Self {
        Self {
            stage: Stage::Unknown {
                until: now + settings.hello_ms,
            },
            rate: Rate::new(settings.requests_per_s, settings.requests_burst, now),
            report_at: now,
            heard_at: now,
            next_ping: now + settings.ping_ms,
            states,
            draining: None,
            in_flight: None,
            outputs: VecDeque::new(),
            settings,
            programme,
        }
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Session::handle_timeout`] is to be called at the latest.
    pub fn next_deadline(&self) -> Timestamp {
        let dead = self.heard_at + self.settings.dead_ms;
        let next = self.next_ping.min(dead);
        match self.stage {
            Stage::Unknown { until } => next.min(until),
            Stage::Greeted { .. } | Stage::Closed(_) => next,
        }
    }

    /// From when on a frame is wanted; none while a request is in flight or much is unsent.
    pub fn wants_frame_at(&self) -> Option<Timestamp> {
        (self.in_flight.is_none() && self.wants_told()).then(|| self.rate.ready_at())
    }

    /// Whether the room's words are wanted: not while much is unsent.
    pub fn wants_told(&self) -> bool {
        self.outputs.len() < OUTPUTS_MAX
    }

    /// Why the connection is to be closed, once it is: the outputs left are its last words.
    pub fn closing(&self) -> Option<Closing> {
        match self.stage {
            Stage::Closed(closing) => Some(closing),
            Stage::Unknown { .. } | Stage::Greeted { .. } => None,
        }
    }

    /// The session whose room the connection is in.
    pub fn room(&self) -> Option<&SessionId> {
        match &self.stage {
            Stage::Greeted { room, .. } => room.as_ref(),
            Stage::Unknown { .. } | Stage::Closed(_) => None,
        }
    }

    /// A text frame.
    pub fn handle_text(&mut self, now: Timestamp, text: &str) {
        self.heard_at = now;
        let within = self.rate.take(now);
        let read = requests::read(text);
        if within {
            match read {
                Ok((id, request)) => self.request(now, id, request),
                Err(unread) => self.reply(unread.id, Err(unread.error)),
            }
        } else {
            let id = read.map_or_else(|unread| unread.id, |(id, _)| Some(id));
            let rate = self.settings.requests_per_s;
            let message = format!("slow down: {rate} requests a second are allowed");
            self.reply(
                id,
                Err(ErrorBody {
                    code: ErrorCode::TooFast,
                    message,
                }),
            );
        }
    }

    /// A binary frame.
    pub fn handle_binary(&mut self) {
        self.close(Closing::Protocol("Messages are JSON text, not binary."));
    }

    /// Bytes that are no frame, or a text that is not UTF-8.
    pub fn handle_broken(&mut self) {
        self.close(Closing::Protocol("Messages are JSON text in UTF-8."));
    }

    /// A sign of life that asks for nothing, such as a pong.
    pub fn handle_heard(&mut self, now: Timestamp) {
        self.heard_at = now;
    }

    /// What a token is worth.
    pub fn handle_verdict(&mut self, now: Timestamp, verdict: Result<Grant, LinkRefusal>) {
        let flight = self
            .in_flight
            .take_if(|flight| matches!(flight.what, Awaited::Verdict { .. }));
        let Some(InFlight {
            id,
            what: Awaited::Verdict { check },
        }) = flight
        else {
            return;
        };
        let granted = verdict.map_err(ErrorBody::from).and_then(|grant| {
            let seat = self
                .programme
                .seat(&grant.member)
                .ok_or(LinkRefusal::Revoked)?;
            let ice = turn::ice_servers(&self.settings, &grant.member, now);
            let welcome = listing::welcome(&self.programme, &self.states, seat, ice, now);
            self.stage = Stage::Greeted {
                member: grant.member,
                room: None,
                check,
            };
            Ok(Granted::Welcome(Box::new(welcome)))
        });
        self.reply(Some(id), granted);
        self.tell_of_the_end(now);
    }

    /// How the offer of a path to try was answered.
    pub fn handle_checked(&mut self, checked: Result<String, CheckRefusal>) {
        if let Some(id) = self.landed(&Awaited::Check) {
            let answer = checked.map(|sdp| Granted::Sdp { sdp });
            self.reply(Some(id), answer.map_err(ErrorBody::from));
        }
    }

    /// Whether a report is kept.
    pub fn handle_reported(&mut self, kept: bool) {
        if let Some(id) = self.landed(&Awaited::Report) {
            let unkept = || error(ErrorCode::Internal, "the report could not be stored");
            let answer = kept.then_some(Granted::Done {}).ok_or_else(unkept);
            self.reply(Some(id), answer);
        }
    }

    /// How the room that was to be entered has answered; `None`: there is no such room.
    pub fn handle_entered(&mut self, entered: Option<Result<Answer, Refused>>) {
        let flight = self
            .in_flight
            .take_if(|flight| matches!(flight.what, Awaited::Entry(_)));
        let Some(InFlight {
            id,
            what: Awaited::Entry(session),
        }) = flight
        else {
            return;
        };
        let answer = match entered {
            None => Err(unknown_session(&session)),
            Some(answer) => answer.map(Granted::from).map_err(ErrorBody::from),
        };
        if let (Ok(_), Stage::Greeted { room, .. }) = (&answer, &mut self.stage) {
            *room = Some(session);
        }
        self.reply(Some(id), answer);
    }

    /// The room that the connection is in says something.
    pub fn handle_told(&mut self, told: Told) {
        match told {
            Told::Text(text) => self.outputs.push_back(Output::Send(text)),
            Told::Dismissed(text) => {
                self.outputs.push_back(Output::Send(text));
                if let Stage::Greeted { room, .. } = &mut self.stage {
                    *room = None;
                }
                // Whatever it had asked there has no answer any more.
                if let Some(flight) = self.in_flight.take_if(|it| it.what.is_of_the_room()) {
                    let answer = Err(error(ErrorCode::NotReady, "you are not in the session"));
                    self.reply(Some(flight.id), answer);
                }
            }
            Told::Answer(answer) => {
                let Some(flight) = self.in_flight.take_if(|it| it.what.is_of_the_room()) else {
                    return;
                };
                if let (Awaited::Leave, Stage::Greeted { room, .. }) =
                    (&flight.what, &mut self.stage)
                {
                    *room = None;
                }
                let answer = answer.map(Granted::from).map_err(ErrorBody::from);
                self.reply(Some(flight.id), answer);
            }
        }
    }

    /// The state of a session has changed.
    pub fn handle_states(&mut self, now: Timestamp, states: States) {
        let changed = self.states != states;
        self.states = states;
        if changed && matches!(self.stage, Stage::Greeted { .. }) {
            let signal = listing::signal(&self.programme, &self.states, now);
            self.send(&signal);
        }
    }

    /// The server lets nobody in any more, and ends at `until` at the latest.
    pub fn handle_draining(&mut self, now: Timestamp, until: Timestamp) {
        self.draining = Some(until);
        self.tell_of_the_end(now);
    }

    /// The connection is to be closed from outside, with a last word.
    pub fn handle_closing(&mut self, closing: Closing) {
        self.close(closing);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        match self.stage {
            Stage::Unknown { until } if until <= now => {
                self.close(Closing::Protocol("No hello came in time."));
            }
            Stage::Unknown { .. } | Stage::Greeted { .. } | Stage::Closed(_) => {}
        }
        if self.heard_at + self.settings.dead_ms <= now {
            self.close(Closing::Dead);
        }
        if self.next_ping <= now && !matches!(self.stage, Stage::Closed(_)) {
            self.next_ping = now + self.settings.ping_ms;
            self.outputs.push_back(Output::Ping);
        }
    }

    fn request(&mut self, now: Timestamp, id: u64, request: Request) {
        match self.start(now, request) {
            Ok(Started::Answered) => self.reply(Some(id), Ok(Granted::Done {})),
            Ok(Started::Asked(what, output)) => {
                if what == Awaited::Report {
                    self.report_at = now + REPORT_PACE;
                }
                self.in_flight = Some(InFlight { id, what });
                self.outputs.push_back(output);
            }
            Err(error) => self.reply(Some(id), Err(error)),
        }
    }

    /// What has to be done for a request, or why it cannot be asked now.
    fn start(&self, now: Timestamp, request: Request) -> Result<Started, ErrorBody> {
        let (member, room, check) = match (&self.stage, &request) {
            (
                Stage::Unknown { .. },
                Request::Hello {
                    token,
                    device,
                    check,
                },
            ) => {
                let verify = Output::Verify {
                    token: token.clone(),
                    device: *device,
                    check: *check,
                };
                return Ok(Started::Asked(Awaited::Verdict { check: *check }, verify));
            }
            (Stage::Unknown { .. } | Stage::Closed(_), _) => {
                return Err(error(ErrorCode::NotReady, "send hello first"));
            }
            (
                Stage::Greeted {
                    member,
                    room,
                    check,
                },
                _,
            ) => (member, room, *check),
        };
        match requests::asking(request) {
            Kind::Hello => Err(error(ErrorCode::NotNow, "hello has been said already")),
            Kind::Ping => Ok(Started::Answered),
            Kind::Check(offer) => Ok(Started::Asked(Awaited::Check, Output::Check(offer))),
            Kind::Report(_) if now < self.report_at => Err(error(
                ErrorCode::TooFast,
                "slow down: one report a second is kept",
            )),
            Kind::Report(report) => match report.check() {
                Ok(()) => {
                    let member = member.clone();
                    let output = Output::Report { member, report };
                    Ok(Started::Asked(Awaited::Report, output))
                }
                Err(why) => Err(error(ErrorCode::Limit, &why.to_string())),
            },
            Kind::Join { .. } if check => Err(error(
                ErrorCode::NotNow,
                "this connection came to check alone: make another to join",
            )),
            Kind::Join { session, .. } if room.as_ref() == Some(&session) => {
                Err(error(ErrorCode::NotNow, "you are in this session already"))
            }
            Kind::Join { session, .. } if self.programme.session(&session).is_none() => {
                Err(unknown_session(&session))
            }
            Kind::Join { .. } if self.draining.is_some() => Err(error(
                ErrorCode::Draining,
                "the server is about to be restarted and lets nobody in: come back in a moment",
            )),
            Kind::Join {
                session,
                name,
                since,
                device,
            } => {
                let awaited = Awaited::Entry(session.clone());
                let enter = Output::Enter {
                    session,
                    member: member.clone(),
                    name,
                    since,
                    device,
                };
                Ok(Started::Asked(awaited, enter))
            }
            Kind::Room(_) | Kind::MoveOn { .. } if room.is_none() => {
                Err(error(ErrorCode::NotReady, "send session.join first"))
            }
            Kind::MoveOn { to } if self.programme.session(&to).is_none() => {
                Err(unknown_session(&to))
            }
            Kind::MoveOn { to } => {
                let asking = Asking::Command(Command::MoveOn { to });
                Ok(Started::Asked(Awaited::Room, Output::Ask(asking)))
            }
            Kind::Room(asking) => {
                let awaited = match asking {
                    Asking::Leave => Awaited::Leave,
                    Asking::Snapshot
                    | Asking::Offer { .. }
                    | Asking::Candidate(_)
                    | Asking::View(_)
                    | Asking::Ended(_)
                    | Asking::Command(_) => Awaited::Room,
                };
                Ok(Started::Asked(awaited, Output::Ask(asking)))
            }
        }
    }

    /// Tells a member that the server is about to end, if it is.
    fn tell_of_the_end(&mut self, now: Timestamp) {
        if let (Some(until), Stage::Greeted { .. }) = (self.draining, &self.stage) {
            let within_ms = until.since(now);
            self.send(&Signal::Draining { within_ms });
        }
    }

    fn landed(&mut self, what: &Awaited) -> Option<u64> {
        self.in_flight
            .take_if(|flight| flight.what == *what)
            .map(|flight| flight.id)
    }

    fn reply(&mut self, id: Option<u64>, answer: Result<Granted, ErrorBody>) {
        let outcome = answer.map_or_else(Outcome::Error, Outcome::Ok);
        self.send(&Reply { id, outcome });
    }

    fn send(&mut self, message: &impl Serialize) {
        if matches!(self.stage, Stage::Closed(_)) {
            return;
        }
        // Nothing that we send can fail to be written as JSON: no maps with odd keys, no NaN.
        if let Ok(text) = serde_json::to_string(message) {
            self.outputs.push_back(Output::Send(text.into()));
        } else {
            debug_assert!(false, "a message of ours is not JSON");
        }
    }

    fn close(&mut self, closing: Closing) {
        if matches!(self.stage, Stage::Closed(_)) {
            return;
        }
        if let Some((code, message)) = closing.goodbye() {
            self.send(&Signal::Goodbye {
                code,
                message: message.to_owned(),
            });
        }
        self.stage = Stage::Closed(closing);
        self.outputs.push_back(Output::Close(closing));
    }
}

impl Awaited {
    fn is_of_the_room(&self) -> bool {
        match self {
            Awaited::Leave | Awaited::Room => true,
            Awaited::Verdict { .. } | Awaited::Check | Awaited::Report | Awaited::Entry(_) => false,
        }
    }
}

#[cfg(test)]
mod tests;
