//! What is on: the event and its sessions as a client is told them.

use super::wire::{
    DelegationView, EventView, IceServer, Me, MediaView, PROTOCOL, SessionListing, Signal, Welcome,
};
use crate::{
    ids::SessionId,
    meeting::{SessionState, Standing, roster::Seat},
    programme::{Programme, Progress},
    room::States,
    time::Timestamp,
};

/// The answer to `hello` for this seat.
pub(super) fn welcome(
    programme: &Programme,
    states: &States,
    seat: &Seat,
    ice_servers: Vec<IceServer>,
    now: Timestamp,
) -> Welcome {
    Welcome {
        protocol: PROTOCOL.to_owned(),
        now,
        member: Me {
            id: seat.member.clone(),
            name: seat.name.clone(),
            role: seat.role,
            delegation: seat.delegation.clone(),
        },
        event: EventView {
            id: programme.id.clone(),
            title: programme.title.clone(),
            time_zone: programme.time_zone.clone(),
            delegations: programme
                .delegations
                .iter()
                .map(|it| DelegationView {
                    id: it.id.clone(),
                    name: it.name.clone(),
                })
                .collect(),
        },
        sessions: sessions(programme, states, now),
        current: current(programme, states, now),
        media: MediaView { ice_servers },
    }
}

/// The signal that says what is on.
pub(super) fn signal(programme: &Programme, states: &States, now: Timestamp) -> Signal {
    Signal::Sessions {
        sessions: sessions(programme, states, now),
        current: current(programme, states, now),
    }
}

fn sessions(programme: &Programme, states: &States, now: Timestamp) -> Vec<SessionListing> {
    programme
        .sessions()
        .map(|(day, plan)| {
            let standing = standing(states, &plan.id);
            SessionListing {
                id: plan.id.clone(),
                title: plan.title.clone(),
                day: u32::try_from(day).unwrap_or(u32::MAX),
                start: plan.start,
                minutes: plan.minutes,
                state: standing.state,
                late_s: plan.late(standing, now).0 / 1000,
            }
        })
        .collect()
}

fn current(programme: &Programme, states: &States, now: Timestamp) -> Option<SessionId> {
    let progress = |session: &SessionId| match standing(states, session).state {
        SessionState::Scheduled | SessionState::Prepared => Progress::Ahead,
        SessionState::Live | SessionState::Paused => Progress::On,
        SessionState::Closed => Progress::Over,
    };
    programme.current(now, progress).map(|plan| plan.id.clone())
}

/// A session without a room has not begun.
fn standing<'s>(states: &'s States, session: &SessionId) -> &'s Standing {
    states.get(session).unwrap_or(&Standing::PLANNED)
}
