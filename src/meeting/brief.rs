//! An event in a few words, for scripts of tests.

use crate::{
    ids::MemberId,
    meeting::{
        Event,
        event::{Change, EndReason, LeaveReason, PictureSource},
        queue::HandKind,
        script::in_millis,
    },
};

/// The event, with the name of a chair where one caused it.
#[expect(clippy::too_many_lines, reason = "one line an event")]
pub(super) fn brief(event: &Event) -> String {
    match event {
        Event::SessionPrepared { by } => format!("prepared by {by}"),
        Event::SessionOpened { by: who } => format!("opened{}", by(who.as_ref())),
        Event::SessionPaused { by } => format!("paused by {by}"),
        Event::SessionResumed { by } => format!("resumed by {by}"),
        Event::SessionClosed { by } => format!("closed by {by}"),
        Event::SessionReopened { by } => format!("reopened by {by}"),
        Event::SessionConfigured { by: who, change } => {
            let text = toml::to_string(change).expect("a change has a text");
            let text = text.trim().replace('\n', ", ").replace('"', "'");
            format!("configured {text}{}", by(who.as_ref()))
        }
        Event::ItemStarted { item, by } => format!("item {item} by {by}"),
        Event::ChangeAwaited { change, by } => match change {
            Change::Close => format!("awaits close by {by}"),
            Change::Item(item) => format!("awaits {item} by {by}"),
        },
        Event::ChangeDropped { by } => format!("dropped by {by}"),
        Event::MovedOn { to, by } => format!("moved on to {to} by {by}"),
        Event::SessionLocked { by } => format!("locked by {by}"),
        Event::SessionUnlocked { by } => format!("unlocked by {by}"),
        Event::Spotlighted { member, by } => {
            let member = member.as_ref().map_or("nobody", MemberId::as_str);
            format!("spotlight {member} by {by}")
        }
        Event::TechnicalStopBegan { by } => format!("technical stop by {by}"),
        Event::TechnicalStopEnded { by } => format!("technical stop ended by {by}"),
        Event::Noticed { text, by } => format!("notice {text} by {by}"),
        Event::ChairHandedOver { to, by } => format!("chair {to} by {by}"),
        Event::ChairAbsent => "chair absent".to_owned(),
        Event::MemberJoined { member, name, .. } => format!("joined {member} as {name}"),
        Event::MemberLeft {
            member,
            reason,
            by: who,
        } => {
            let reason = match reason {
                LeaveReason::Left => "left",
                LeaveReason::Lost => "lost",
                LeaveReason::Removed => "removed",
                LeaveReason::Banned => "banned",
                LeaveReason::SentBack => "sent back",
            };
            format!("left {member} {reason}{}", by(who.as_ref()))
        }
        Event::MemberLost { member } => format!("lost {member}"),
        Event::MemberBack { member } => format!("back {member}"),
        Event::MemberGone { member } => format!("gone {member}"),
        Event::MemberMuted { member, by } => format!("muted {member} by {by}"),
        Event::MemberUnmuteAsked { member, by } => format!("asked {member} by {by}"),
        Event::MemberUnmuted { member } => format!("unmuted {member}"),
        Event::MemberBlocked { member, by } => format!("blocked {member} by {by}"),
        Event::MemberUnblocked { member, by } => format!("unblocked {member} by {by}"),
        Event::PictureStopped { member, source, by } => {
            format!("{} of {member} stopped by {by}", picture(*source))
        }
        Event::PictureAllowed { member, source, by } => {
            format!("{} of {member} allowed by {by}", picture(*source))
        }
        Event::MemberUnbanned { member, by } => format!("unbanned {member} by {by}"),
        Event::LobbyEntered { member, name, .. } => format!("lobby {member} as {name}"),
        Event::LobbyLeft { member } => format!("lobby left {member}"),
        Event::LobbyAdmitted { member, by: who } => {
            format!("admitted {member}{}", by(who.as_ref()))
        }
        Event::LobbyRefused { member, by } => format!("refused {member} by {by}"),
        Event::FloorRequested {
            member,
            kind: what,
            place,
            why,
            by: who,
        } => {
            let place = place.map_or(String::new(), |place| format!(" at {place}"));
            let why = match why.as_str() {
                "received" => String::new(),
                why => format!(" ({why})"),
            };
            let who = by(who.as_ref());
            format!("requested{} {member}{place}{why}{who}", kind(*what))
        }
        Event::FloorWithdrawn {
            member,
            by: who,
            point,
        } => {
            let point = if *point { " point" } else { "" };
            match who {
                Some(by) if by == member => format!("withdrawn{point} {member}"),
                who => format!("withdrawn{point} {member}{}", by(who.as_ref())),
            }
        }
        Event::FloorMoved { member, place, by } => format!("moved {member} to {place} by {by}"),
        Event::FloorOrdered { hands } => {
            let hands: Vec<_> = hands.iter().map(|it| it.member.as_str()).collect();
            format!("ordered {}", hands.join(" "))
        }
        Event::QueueOpened { by } => format!("list opened by {by}"),
        Event::QueueClosed { by } => format!("list closed by {by}"),
        Event::FloorGranted {
            turn,
            member,
            kind: what,
            by: who,
            limit_ms: _,
        } => format!(
            "granted{} {} {member}{}",
            kind(*what),
            turn.0,
            by(who.as_ref())
        ),
        Event::FloorConfirmed { turn, member } => format!("confirmed {} {member}", turn.0),
        Event::FloorStarted { turn, member } => format!("started {} {member}", turn.0),
        Event::FloorMissed {
            turn,
            member,
            requeued: true,
        } => format!("missed {} {member}, requeued", turn.0),
        Event::FloorMissed {
            turn,
            member,
            requeued: false,
        } => format!("missed {} {member}", turn.0),
        Event::FloorWarned {
            turn,
            member,
            remaining_ms,
        } => format!("warned {} {member} {}", turn.0, in_millis(*remaining_ms)),
        Event::FloorOvertime { turn, member } => format!("overtime {} {member}", turn.0),
        Event::FloorFading {
            turn,
            member,
            over_ms,
        } => format!("fading {} {member} {}", turn.0, in_millis(*over_ms)),
        Event::FloorExtended {
            turn,
            member,
            limit_ms,
            by,
        } => format!(
            "extended {} {member} to {} by {by}",
            turn.0,
            in_millis(*limit_ms)
        ),
        Event::FloorEnded {
            turn,
            member,
            reason,
            by: who,
            spoken_ms,
            requeued,
        } => {
            let reason = match reason {
                EndReason::Finished => "finished",
                EndReason::Stopped => "stopped",
                EndReason::Time => "time",
                EndReason::Overridden => "overridden",
                EndReason::Gone => "gone",
                EndReason::Missed => "missed",
                EndReason::Closed => "closed",
            };
            let spoken = in_millis(*spoken_ms);
            let again = if *requeued { ", requeued" } else { "" };
            let by = by(who.as_ref());
            format!("ended {} {member} {reason} {spoken}{by}{again}", turn.0)
        }
        Event::FloorClockPaused {
            turn,
            member,
            by: who,
        } => format!("clock paused {} {member}{}", turn.0, by(who.as_ref())),
        Event::FloorClockResumed { turn, member, by } => {
            format!("clock resumed {} {member} by {by}", turn.0)
        }
        Event::PriorityTaken { by } => format!("priority by {by}"),
        Event::PriorityReleased { by: who } => format!("priority released{}", by(who.as_ref())),
        Event::ChatSent { member, to, text } => {
            format!(
                "chat {member} to {}: {text}",
                format!("{to:?}").to_lowercase()
            )
        }
        Event::MinutesNoted { text, by } => format!("noted {text} by {by}"),
        Event::RecommendationProposed {
            number,
            member,
            text,
        } => format!("proposed {} {member}: {text}", number.0),
        Event::RecommendationEdited {
            number,
            member,
            text,
        } => format!("edited {} {member}: {text}", number.0),
        Event::RecommendationSupported { number, member } => {
            format!("supported {} {member}", number.0)
        }
        Event::RecommendationUnsupported { number, member } => {
            format!("unsupported {} {member}", number.0)
        }
        Event::RecommendationStatusSet { number, status, by } => {
            format!("status {} {} by {by}", number.0, status.as_str())
        }
        Event::RecommendationSigned {
            number,
            institute,
            by,
        } => format!("signed {} {institute} by {by}", number.0),
    }
}

fn by(who: Option<&MemberId>) -> String {
    who.map_or(String::new(), |who| format!(" by {who}"))
}

fn kind(kind: HandKind) -> String {
    match kind {
        HandKind::Speech => String::new(),
        kind => format!(" {}", kind.as_str()),
    }
}

fn picture(source: PictureSource) -> &'static str {
    source.as_str()
}
