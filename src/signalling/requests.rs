//! Reads a request, and says whom it is for.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::wire::{ErrorBody, ErrorCode, REQUEST_ID_MAX, REQUEST_TYPES, Request};
use crate::{
    check::{Offer, Report},
    ids::SessionId,
    media::{Sending, Source},
    meeting::{Command, event::Rev},
    room::{DeviceNumber, Picture},
};

/// How alike a mistaken type must be to a known one to be named as what was meant, 0 to 1.
const ALIKE_MIN: f64 = 0.75;

/// A text that is not a request.
#[derive(Debug)]
pub(super) struct Unread {
    /// The request's id where it could be read.
    pub id: Option<u64>,
    /// `bad_request` and what is wrong.
    pub error: ErrorBody,
}

/// Reads a request with its id.
pub(super) fn read(text: &str) -> Result<(u64, Request), Unread> {
    let unread = |id, message: String| Unread {
        id,
        error: ErrorBody {
            code: ErrorCode::BadRequest,
            message,
        },
    };
    let mut fields = serde_json::from_str::<Map<String, Value>>(text)
        .map_err(|error| unread(None, format!("not a JSON object: {error}")))?;
    let id = fields
        .remove("id")
        .as_ref()
        .and_then(Value::as_u64)
        .filter(|&id| id <= REQUEST_ID_MAX)
        .ok_or_else(|| unread(None, "`id` must be a whole number, 0 to 2^53-1".to_owned()))?;
    let Some(kind) = fields
        .get("type")
        .and_then(Value::as_str)
        .map(str::to_owned)
    else {
        return Err(unread(
            Some(id),
            "`type` must be the name of a request".to_owned(),
        ));
    };
    if !REQUEST_TYPES.contains(&kind.as_str()) {
        return Err(unread(Some(id), no_such_type(&kind)));
    }
    Request::deserialize(Value::Object(fields))
        .map(|request| (id, request))
        .map_err(|error| unread(Some(id), format!("{kind}: {error}")))
}

fn no_such_type(kind: &str) -> String {
    // A type may be as long as a frame; what is said about it is not.
    let shown: String = kind.chars().take(40).collect();
    let alike = REQUEST_TYPES
        .iter()
        .map(|known| (strsim::jaro_winkler(known, &shown), known))
        .filter(|(alike, _)| *alike >= ALIKE_MIN)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    match alike {
        Some((_, known)) => format!("no request is called {shown:?}; was {known:?} meant?"),
        None => format!("no request is called {shown:?}"),
    }
}

/// What the connection's room is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asking {
    /// To be let go.
    Leave,
    /// For the state.
    Snapshot,
    /// To answer an offer.
    Offer { sdp: String, sending: Vec<Sending> },
    /// To note a candidate; an empty one ends them.
    Candidate(String),
    /// To send the pictures that it shows.
    View(Vec<Picture>),
    /// To expect no more of a track for now.
    Ended(Source),
    /// To put this to the meeting.
    Command(Command),
}

/// Whom a request is for.
pub(super) enum Kind {
    /// The connection itself.
    Hello,
    /// The connection itself, which is there.
    Ping,
    /// Those who try paths.
    Check(Offer),
    /// Whoever keeps reports.
    Report(Report),
    /// A room to be entered.
    Join {
        session: SessionId,
        name: Option<String>,
        since: Option<Rev>,
        device: Option<DeviceNumber>,
    },
    /// The room that the connection is in, which is to be left for another that has to exist.
    MoveOn { to: SessionId },
    /// The room that the connection is in.
    Room(Asking),
}

/// Sorts a request by whom it is for.
pub(super) fn asking(request: Request) -> Kind {
    let command = match request {
        Request::Hello { .. } => return Kind::Hello,
        Request::Ping {} => return Kind::Ping,
        Request::CheckOffer { sdp, mid } => return Kind::Check(Offer { sdp, mid }),
        Request::CheckReport(report) => return Kind::Report(report),
        Request::SessionJoin {
            session,
            name,
            rev,
            device,
        } => {
            return Kind::Join {
                session,
                name,
                since: rev,
                device,
            };
        }
        Request::SessionSnapshot {} => return Kind::Room(Asking::Snapshot),
        Request::SessionLeave {} => return Kind::Room(Asking::Leave),
        Request::MediaOffer { sdp, sending } => {
            let sending = sending
                .into_iter()
                .map(|section| Sending {
                    mid: section.mid,
                    source: section.source,
                })
                .collect();
            return Kind::Room(Asking::Offer { sdp, sending });
        }
        Request::MediaCandidate { candidate } => {
            return Kind::Room(Asking::Candidate(candidate.unwrap_or_default()));
        }
        Request::MediaEnded { source } => return Kind::Room(Asking::Ended(source)),
        Request::MediaView { pictures } => return Kind::Room(Asking::View(pictures)),
        Request::FloorRequest { kind } => Command::RequestFloor { kind },
        Request::FloorWithdraw { point } => Command::WithdrawHand { point },
        Request::FloorYield {} => Command::YieldFloor,
        Request::FloorUnmute {} => Command::Unmute,
        Request::ChatSend { to, text } => Command::Chat { to, text },
        Request::RecommendationPropose { text } => Command::Propose { text },
        Request::RecommendationEdit { number, text } => {
            Command::EditRecommendation { number, text }
        }
        Request::RecommendationSupport { number } => Command::Support {
            number,
            supports: true,
        },
        Request::RecommendationUnsupport { number } => Command::Support {
            number,
            supports: false,
        },
        Request::RecommendationSetStatus { number, status } => {
            Command::SetStatus { number, status }
        }
        Request::RecommendationSign { number } => Command::SignOff { number },
        Request::SessionPrepare {} => Command::PrepareSession,
        Request::SessionOpen {} => Command::OpenSession,
        Request::SessionPause {} => Command::PauseSession,
        Request::SessionResume {} => Command::ResumeSession,
        Request::SessionClose { force } => Command::CloseSession { force },
        Request::SessionReopen {} => Command::ReopenSession,
        Request::SessionConfigure(change) => Command::ConfigureSession { change },
        Request::AgendaStart {
            item,
            after_item,
            force,
        } => Command::StartItem {
            item,
            after_item,
            force,
        },
        Request::SessionDropChange {} => Command::DropChange,
        Request::SessionMoveOn { session } => return Kind::MoveOn { to: session },
        Request::SessionLock {} => Command::LockSession,
        Request::SessionUnlock {} => Command::UnlockSession,
        Request::SessionSpotlight { member } => Command::Spotlight { member },
        Request::SessionTechnicalStop {} => Command::BeginTechnicalStop,
        Request::SessionEndTechnicalStop {} => Command::EndTechnicalStop,
        Request::SessionNotice { text } => Command::Notice { text },
        Request::MinutesNote { text } => Command::Note { text },
        Request::ChairHandOver { member } => Command::HandOverChair { to: member },
        Request::FloorNext { after_turn } => Command::NextSpeaker {
            after_turn: Some(after_turn),
        },
        Request::FloorGrant {
            member,
            after_turn,
            kind,
        } => Command::GrantFloor {
            member,
            kind,
            after_turn: Some(after_turn),
        },
        Request::FloorStop { member } => Command::StopFloor { member },
        Request::FloorStopAll {} => Command::StopAll,
        Request::FloorInsert { member, place } => Command::InsertHand { member, place },
        Request::FloorMove {
            member,
            place,
            from_place,
        } => Command::MoveHand {
            member,
            place,
            from_place,
        },
        Request::FloorRemove { member, point } => Command::RemoveHand { member, point },
        Request::FloorClear {} => Command::ClearQueue,
        Request::FloorOpenQueue {} => Command::OpenQueue { open: true },
        Request::FloorCloseQueue {} => Command::OpenQueue { open: false },
        Request::FloorPriority { clear } => Command::TakePriority { clear },
        Request::FloorReleasePriority {} => Command::ReleasePriority,
        Request::FloorExtend {
            member,
            by_ms,
            from_ms,
        } => Command::ExtendTurn {
            member,
            by_ms,
            from_ms,
        },
        Request::FloorPauseClock { member } => Command::PauseClock { member },
        Request::FloorResumeClock { member } => Command::ResumeClock { member },
        Request::MemberMute { member } => Command::Mute { member },
        Request::MemberAskUnmute { member } => Command::AskUnmute { member },
        Request::MemberBlock { member } => Command::Block { member },
        Request::MemberUnblock { member } => Command::Unblock { member },
        Request::MemberStopPicture { member, source } => Command::StopPicture { member, source },
        Request::MemberAllowPicture { member, source } => Command::AllowPicture { member, source },
        Request::MemberRemove { member, ban } => Command::RemoveMember { member, ban },
        Request::MemberUnban { member } => Command::Unban { member },
        Request::LobbyAdmit { member } => Command::Admit { member },
        Request::LobbyAdmitAll {} => Command::AdmitAll,
        Request::LobbyRefuse { member } => Command::Refuse { member },
        Request::LobbySendBack { member } => Command::SendBack { member },
    };
    Kind::Room(Asking::Command(command))
}
