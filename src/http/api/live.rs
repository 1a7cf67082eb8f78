//! SHELL. What is on now: every session that has begun or has somebody in it, who is there, and how
//! each one's path does. The board asks for it every two seconds.

use std::{sync::Arc, time::Duration};

use axum::{http::StatusCode, response::Response};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Api,
    answer::{self, Tag, tagged},
    call::Call,
    operation::Operation,
    refusal::failed,
    sessions::must_serve,
    times::At,
};
use crate::{
    auth::Scope,
    http::problem::Problem,
    ids::{DelegationId, ItemId, MemberId, SessionId},
    media::{Measured, Over},
    meeting::{SessionState, roster::Role},
    room::{Look, Looked, PresentMember},
};

/// What is on now.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Live {
    /// When this was so.
    at: At,
    /// Every session, in the programme's order.
    sessions: Vec<LiveSession>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct LiveSession {
    id: SessionId,
    state: SessionState,
    /// How late it is, in seconds: as its agenda runs, or as it has not begun.
    late_s: u64,
    /// The item that is on.
    item: Option<ItemId>,
    /// How many events have happened in it.
    rev: u64,
    /// Who is in the room, and who waits to be let in.
    present: Vec<LiveMember>,
    floor: LiveFloor,
}

#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct LiveMember {
    member: MemberId,
    name: String,
    delegation: DelegationId,
    role: Role,
    /// Since when; null: since before the server was started.
    since: Option<At>,
    /// Neither signalling nor media comes from the member, whose place is kept for a while.
    lost: bool,
    /// The member waits for a chair to be let in.
    in_lobby: bool,
    /// What media goes over; null while there is none.
    path: Option<PathKind>,
    /// The path's round trip in milliseconds.
    rtt_ms: Option<u32>,
    /// Share of what the member sends that does not arrive, in hundredths; of several streams the worst.
    loss_pct_up: Option<f32>,
    /// Share of what the member is sent that does not arrive there.
    loss_pct_down: Option<f32>,
    /// What the member sends, in kilobits a second.
    kbps_up: Option<u64>,
    /// What the member is sent.
    kbps_down: Option<u64>,
    /// All of it in a word; null while there is no path.
    quality: Option<Quality>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum PathKind {
    Udp,
    Tcp,
}

/// A path in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Quality {
    /// Nobody would notice.
    Good,
    /// Noticed now and then.
    Fair,
    /// Hard to follow, or to be followed.
    Poor,
}

#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct LiveFloor {
    /// Who has the floor, the oldest turn first.
    speaking: Vec<MemberId>,
    /// Whose hands are up, in their order.
    queue: Vec<MemberId>,
}

/// Loss and round trip from which on a path is fair, and poor: Opus mends some hundredths of loss, and
/// people begin to speak over one another at some three tenths of a second.
const FAIR: (f32, u32) = (2.0, 300);
const POOR: (f32, u32) = (8.0, 600);

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get(
            "/events/{event}/live",
            "readLive",
            "What is on now: sessions, members, paths, floor",
            |api, call| Box::pin(read(api, call)),
        )
        .details("Made to be asked for every two seconds or so. Figures of paths are a second old.")
        .tag("Sessions")
        .scope(Scope::Read)
        .gives::<Live>(200, "What is on.")
        .tagged()
        .refuses(409, "The event is not served, so that nothing is on."),
    ]
}

async fn read(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    must_serve(&api, &call.event()?)?;
    let plans = api.served().sessions();
    let ids: Vec<SessionId> = plans.map(|(_, plan)| plan.id.clone()).collect();
    // All at once, so that a session whose paths are measured does not hold up the next.
    let looks = ids.iter().map(|id| api.look(id, Look::Paths));
    let looked = futures_util::future::try_join_all(looks).await?;
    let sessions: Vec<LiveSession> = looked.iter().map(session).collect();
    let tag = serde_json::to_vec(&sessions).map_err(failed)?;
    let live = Live {
        at: At(api.signalling.time()),
        sessions,
    };
    // `at` differs each time.
    let tag = Tag::of(&tag).weak();
    Ok(tagged(&call, &tag, answer::json(StatusCode::OK, &live)?))
}

fn session(looked: &Looked) -> LiveSession {
    let snapshot = &looked.snapshot;
    let present = snapshot.members.iter().map(|member| {
        let here = looked.present.iter().find(|here| here.member == member.id);
        let path = here.map(|here| here.path).unwrap_or_default();
        LiveMember {
            member: member.id.clone(),
            name: member.name.clone(),
            delegation: member.delegation.clone(),
            role: member.role,
            since: here.and_then(since),
            lost: member.lost,
            in_lobby: false,
            path: path.over.map(|over| match over {
                Over::Udp => PathKind::Udp,
                Over::Tcp => PathKind::Tcp,
            }),
            rtt_ms: path.round_trip.map(millis),
            loss_pct_up: path.lost_up.map(hundredths),
            loss_pct_down: path.lost_down.map(hundredths),
            kbps_up: path.up_bits.map(|bits| bits / 1000),
            kbps_down: path.down_bits.map(|bits| bits / 1000),
            quality: quality(&path),
        }
    });
    let waiting = snapshot.lobby.iter().flatten().map(|guest| LiveMember {
        member: guest.member.clone(),
        name: guest.name.clone(),
        delegation: guest.delegation.clone(),
        role: guest.role,
        since: Some(At(guest.since)),
        lost: false,
        in_lobby: true,
        path: None,
        rtt_ms: None,
        loss_pct_up: None,
        loss_pct_down: None,
        kbps_up: None,
        kbps_down: None,
        quality: None,
    });
    LiveSession {
        id: snapshot.session.id.clone(),
        state: snapshot.session.state,
        late_s: looked.late.0 / 1000,
        item: snapshot.session.item.clone(),
        rev: snapshot.rev.0,
        present: present.chain(waiting).collect(),
        floor: LiveFloor {
            speaking: snapshot.turns.iter().map(|it| it.member.clone()).collect(),
            queue: snapshot.queue.iter().map(|it| it.member.clone()).collect(),
        },
    }
}

fn since(here: &PresentMember) -> Option<At> {
    here.since.map(At)
}

fn millis(length: Duration) -> u32 {
    u32::try_from(length.as_millis()).unwrap_or(u32::MAX)
}

/// With one digit behind the point.
fn hundredths(share: f32) -> f32 {
    (share * 1000.0).round() / 10.0
}

/// The worst of what is known decides.
fn quality(path: &Measured) -> Option<Quality> {
    path.over?;
    let losses = path.lost_up.into_iter().chain(path.lost_down);
    let loss = losses.map(hundredths).fold(0.0, f32::max);
    let rtt_ms = path.round_trip.map_or(0, millis);
    let reaches = |(loss_from, rtt_from): (f32, u32)| loss >= loss_from || rtt_ms >= rtt_from;
    Some(if reaches(POOR) {
        Quality::Poor
    } else if reaches(FAIR) {
        Quality::Fair
    } else {
        Quality::Good
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_figure_says_how_a_path_is() {
        let path = |up: f32, down: f32, rtt_ms: u64| {
            quality(&Measured {
                over: Some(Over::Udp),
                round_trip: Some(Duration::from_millis(rtt_ms)),
                lost_up: Some(up),
                lost_down: Some(down),
                up_bits: None,
                down_bits: None,
            })
        };
        assert_eq!(path(0.0, 0.019, 299), Some(Quality::Good));
        assert_eq!(path(0.0, 0.02, 20), Some(Quality::Fair));
        assert_eq!(path(0.0, 0.0, 300), Some(Quality::Fair));
        assert_eq!(path(0.08, 0.0, 20), Some(Quality::Poor));
        assert_eq!(path(0.0, 0.0, 600), Some(Quality::Poor));
        assert_eq!(quality(&Measured::default()), None);
    }
}
