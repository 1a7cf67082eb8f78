//! What chairs did, in words that follow their name; and why a turn ended.
//!
//! Notices, notes and signatures have their own places in a record and are none of these.

use super::{names::Names, when::length};
use crate::{
    ids::{ItemId, MemberId},
    meeting::{
        Event,
        agenda::{ProfileChange, SessionPlan},
        event::{Change, EndReason, LeaveReason},
        queue::HandKind,
        record::Status,
    },
    time::Millis,
};

/// Who decided it, and what; nothing for what nobody decided, or a member for itself.
pub(super) fn of<'e>(
    event: &'e Event,
    names: &Names<'_>,
    plan: Option<&SessionPlan>,
) -> Option<(&'e MemberId, String)> {
    let name = |member: &MemberId| names.name(member).to_owned();
    let title = |item: &ItemId| {
        let planned = plan.and_then(|plan| plan.items.iter().find(|it| it.id == *item));
        let title = planned.map_or_else(|| item.as_str(), |item| item.title.as_str());
        format!("“{title}”")
    };
    let (by, what) = match event {
        Event::SessionPrepared { by } => (by, "prepared the session".to_owned()),
        Event::SessionOpened { by } => (by.as_ref()?, "opened the session".to_owned()),
        Event::SessionPaused { by } => (by, "paused the session".to_owned()),
        Event::SessionResumed { by } => (by, "resumed the session".to_owned()),
        Event::SessionClosed { by } => (by, "closed the session".to_owned()),
        Event::SessionReopened { by } => (by, "reopened the session".to_owned()),
        Event::SessionConfigured { by, change } => {
            (by.as_ref()?, format!("set {}", settings(change)))
        }
        Event::ItemStarted { item, by } => (by, format!("began {}", title(item))),
        Event::ChangeAwaited { change, by } => (
            by,
            match change {
                Change::Close => "let the session close after the turns".to_owned(),
                Change::Item(item) => format!("let {} begin after the turns", title(item)),
            },
        ),
        Event::ChangeDropped { by } => (
            by,
            "let everything stay as it is after the turns".to_owned(),
        ),
        Event::MovedOn { to, by } => (by, format!("asked everybody to go over to {to}")),
        Event::SessionLocked { by } => (by, "locked the room".to_owned()),
        Event::SessionUnlocked { by } => (by, "unlocked the room".to_owned()),
        Event::Spotlighted { member, by } => (
            by,
            member.as_ref().map_or_else(
                || "showed nobody in particular".to_owned(),
                |member| format!("had {} shown large to everybody", name(member)),
            ),
        ),
        Event::TechnicalStopBegan { by } => (by, "began a technical stop".to_owned()),
        Event::TechnicalStopEnded { by } => (by, "ended the technical stop".to_owned()),
        Event::ChairHandedOver { to, by } => (by, format!("handed the chair over to {}", name(to))),

        Event::MemberLeft { member, reason, by } => (
            by.as_ref()?,
            match reason {
                LeaveReason::Removed => format!("sent {} out", name(member)),
                LeaveReason::Banned => format!("sent {} out of the whole session", name(member)),
                LeaveReason::SentBack => format!("sent {} back to the lobby", name(member)),
                LeaveReason::Left | LeaveReason::Lost => return None,
            },
        ),
        Event::MemberMuted { member, by } => (by, format!("muted {}", name(member))),
        Event::MemberUnmuteAsked { member, by } => {
            (by, format!("asked {} to open the microphone", name(member)))
        }
        Event::MemberBlocked { member, by } => {
            (by, format!("took no more hands of {}", name(member)))
        }
        Event::MemberUnblocked { member, by } => {
            (by, format!("took hands of {} again", name(member)))
        }
        Event::PictureStopped { member, source, by } => (
            by,
            format!("stopped the {} of {}", source.as_str(), name(member)),
        ),
        Event::PictureAllowed { member, source, by } => (
            by,
            format!("allowed the {} of {} again", source.as_str(), name(member)),
        ),
        Event::MemberUnbanned { member, by } => {
            (by, format!("allowed {} to come back", name(member)))
        }
        Event::LobbyAdmitted { member, by } => (by.as_ref()?, format!("admitted {}", name(member))),
        Event::LobbyRefused { member, by } => (by, format!("did not admit {}", name(member))),

        Event::FloorRequested {
            member, kind, by, ..
        } => (
            by.as_ref()?,
            format!(
                "put {} on the speakers' list{}",
                name(member),
                for_what(*kind)
            ),
        ),
        Event::FloorWithdrawn { member, by, .. } => (
            by.as_ref().filter(|by| *by != member)?,
            format!("took the hand of {} down", name(member)),
        ),
        Event::FloorMoved { member, place, by } => (
            by,
            format!("moved the hand of {} to place {place}", name(member)),
        ),
        Event::QueueOpened { by } => (by, "opened the speakers' list".to_owned()),
        Event::QueueClosed { by } => (by, "closed the speakers' list".to_owned()),
        Event::FloorGranted {
            member,
            kind,
            by,
            limit_ms,
            ..
        } => (
            by.as_ref()?,
            format!(
                "gave the floor to {} for {}{}",
                name(member),
                length(*limit_ms),
                for_what(*kind)
            ),
        ),
        Event::FloorExtended {
            member,
            limit_ms,
            by,
            ..
        } => (
            by,
            format!(
                "extended the turn of {} to {}",
                name(member),
                length(*limit_ms)
            ),
        ),
        Event::FloorClockPaused { member, by, .. } => {
            (by.as_ref()?, format!("held the clock of {}", name(member)))
        }
        Event::FloorClockResumed { member, by, .. } => {
            (by, format!("let the clock of {} run on", name(member)))
        }
        Event::FloorEnded {
            member, reason, by, ..
        } => {
            let by = by.as_ref().filter(|by| *by != member)?;
            let what = match reason {
                EndReason::Stopped => format!("took the floor back from {}", name(member)),
                EndReason::Finished
                | EndReason::Time
                | EndReason::Overridden
                | EndReason::Gone
                | EndReason::Missed
                | EndReason::Closed => return None,
            };
            (by, what)
        }
        Event::PriorityTaken { by } => (by, "took priority".to_owned()),
        Event::PriorityReleased { by } => (by.as_ref()?, "released priority".to_owned()),
        Event::RecommendationStatusSet { number, status, by } => {
            let what = match status {
                Status::Proposed => "put recommendation {} back on the table",
                Status::Agreed => "recorded recommendation {} as agreed",
                Status::Deferred => "deferred recommendation {}",
                Status::Withdrawn => "recorded recommendation {} as withdrawn",
            };
            (by, what.replace("{}", &number.0.to_string()))
        }

        Event::Noticed { .. }
        | Event::MinutesNoted { .. }
        | Event::ChatSent { .. }
        | Event::ChairAbsent
        | Event::MemberJoined { .. }
        | Event::MemberLost { .. }
        | Event::MemberBack { .. }
        | Event::MemberGone { .. }
        | Event::MemberUnmuted { .. }
        | Event::LobbyEntered { .. }
        | Event::LobbyLeft { .. }
        | Event::FloorOrdered { .. }
        | Event::FloorConfirmed { .. }
        | Event::FloorStarted { .. }
        | Event::FloorMissed { .. }
        | Event::FloorWarned { .. }
        | Event::FloorOvertime { .. }
        | Event::FloorFading { .. }
        | Event::RecommendationProposed { .. }
        | Event::RecommendationEdited { .. }
        | Event::RecommendationSupported { .. }
        | Event::RecommendationUnsupported { .. }
        | Event::RecommendationSigned { .. } => return None,
    };
    Some((by, what))
}

/// Why a turn ended.
pub(super) fn why(reason: EndReason, requeued: bool) -> String {
    let why = match reason {
        EndReason::Finished => "gave the floor back",
        EndReason::Stopped => "stopped by the chair",
        EndReason::Time => "time used up",
        EndReason::Overridden => "made way for another",
        EndReason::Gone => "was gone",
        EndReason::Missed => "no sound came",
        EndReason::Closed => "the session closed",
    };
    let again = if requeued {
        ", to be offered again"
    } else {
        ""
    };
    format!("{why}{again}")
}

fn for_what(kind: HandKind) -> &'static str {
    match kind {
        HandKind::Speech => "",
        HandKind::Response => ", to respond",
        HandKind::PointOfInformation => ", for a point of information",
        HandKind::PointOfPrivilege => ", for a point of privilege",
        HandKind::PointOfOrder => ", for a point of order",
    }
}

fn settings(change: &ProfileChange) -> String {
    let ProfileChange {
        mode,
        microphones,
        queue_max,
        turn_ms,
        warning_ms,
        end,
        fade_ms,
        policy,
        list,
        budget_ms,
        response_ms,
        lobby,
        screens,
        chat,
    } = change;
    let said = [
        mode.map(|it| format!("the floor's mode to {}", it.as_str())),
        microphones.map(|it| format!("the open microphones to {it}")),
        queue_max.map(|it| format!("the speakers' list to {it} hands")),
        turn_ms.map(|it| format!("a turn to {}", length(it))),
        warning_ms.map(|it| format!("the warning to {} before a turn's end", length(it))),
        end.map(|it| format!("a turn's end to {}", it.as_str())),
        fade_ms.map(|it| format!("the fading to {}", length(it))),
        policy.map(|it| format!("the list's order to {}", it.as_str())),
        list.as_ref()
            .map(|it| format!("the prepared list to {} members", it.len())),
        budget_ms.map(|it| match it {
            Millis(0) => "a delegation's time to unlimited".to_owned(),
            limit => format!("a delegation's time to {}", length(limit)),
        }),
        response_ms.map(|it| format!("a response to {}", length(it))),
        lobby.map(|it| format!("the lobby {}", if it { "on" } else { "off" })),
        screens.map(|it| format!("shared screens to {}", it.as_str())),
        chat.map(|it| format!("the chat to {}", it.as_str())),
    ];
    said.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
