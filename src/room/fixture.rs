//! A small event for tests: two chairs, two delegates, a podium guest and an observer.

use crate::{
    ids::MemberId,
    meeting::{
        self, Command, Meeting,
        agenda::{Profile, SessionPlan},
        event::{Recorded, Rev},
        roster::{Role, Seat},
    },
    programme::{Day, Delegation, Programme},
    room::{Output, Room, Settings},
    time::Timestamp,
};

/// The time at which tests begin.
pub const START: Timestamp = Timestamp(1_605_754_800_000);

/// A member.
pub fn member(slug: &str) -> MemberId {
    slug.parse().expect("a slug")
}

/// A session with one microphone in the mode `request`, to start at [`START`].
pub fn plan(session: &str) -> SessionPlan {
    SessionPlan {
        id: session.parse().expect("a slug"),
        title: session.to_uppercase(),
        start: START,
        minutes: 120,
        items: Vec::new(),
        profile: Profile::default(),
    }
}

/// Everybody on the roster.
pub fn seats() -> Vec<Seat> {
    [
        ("chair-1", Role::Chair, "csis"),
        ("chair-2", Role::Chair, "mgimo"),
        ("indonesia-1", Role::Delegate, "indonesia"),
        ("malaysia-1", Role::Delegate, "malaysia"),
        ("podium-1", Role::Podium, "csis"),
        ("observer-1", Role::Observer, "mgimo"),
    ]
    .into_iter()
    .map(|(slug, role, delegation)| Seat {
        member: member(slug),
        name: format!("The {slug}"),
        role,
        delegation: delegation.parse().expect("a slug"),
    })
    .collect()
}

/// A live session with nobody in it.
pub fn live_room(session: &str, settings: Settings) -> Room {
    let meeting = Meeting::new(plan(session), seats(), meeting::Settings::default());
    let mut room = Room::new(meeting, settings);
    room.handle_server(START, &Command::OpenSession)
        .expect("a server may open a session");
    while poll_stored(&mut room).is_some() {}
    room
}

/// The next output of a room whose journal takes no time.
pub fn poll_stored(room: &mut Room) -> Option<Output> {
    loop {
        match room.poll_output()? {
            Output::Append(entries) => room.handle_stored(last(&entries)),
            output => return Some(output),
        }
    }
}

/// The revision that a batch ends with.
pub fn last(entries: &[Recorded]) -> Rev {
    entries.last().expect("no empty batch").rev
}

/// The event with two sessions on one day.
pub fn programme() -> Programme {
    let delegation = |slug: &str| Delegation {
        id: slug.parse().expect("a slug"),
        name: slug.to_uppercase(),
    };
    Programme {
        id: "nartt-2020".parse().expect("a slug"),
        title: "Second NARTT Roundtable".to_owned(),
        time_zone: "Asia/Jakarta".to_owned(),
        delegations: ["csis", "mgimo", "indonesia", "malaysia"]
            .map(delegation)
            .into(),
        seats: seats(),
        days: vec![Day {
            date: "2020-11-19".to_owned(),
            sessions: vec![plan("session-1"), plan("session-2")],
        }],
    }
}
