//! A member's client: what it was told, in which order, and how sure it is of it.

use std::collections::BTreeMap;

use roundtable::{
    ids::{MemberId, SessionId},
    meeting::{
        Event, Snapshot,
        event::{Audience, Recorded, Rev, TurnNumber},
        roster::{Role, Seat},
    },
    room::{Announcement, ConnectionId},
};

pub struct Member {
    pub id: MemberId,
    pub role: Role,
    /// In which session, on which connection.
    pub at: Option<(SessionId, ConnectionId)>,
    /// The last revision that it has of each session.
    pub revs: BTreeMap<SessionId, Rev>,
    /// Every event that it was told of.
    seen: BTreeMap<SessionId, BTreeMap<Rev, Recorded>>,
    /// The latest whole state of each session that it was given.
    pub states: BTreeMap<SessionId, Snapshot>,
    /// The last turn that it knows of.
    pub last_turn: TurnNumber,
}

impl Member {
    pub fn new(seat: &Seat) -> Self {
        Self {
            id: seat.member.clone(),
            role: seat.role,
            at: None,
            revs: BTreeMap::new(),
            seen: BTreeMap::new(),
            states: BTreeMap::new(),
            last_turn: TurnNumber(0),
        }
    }

    pub fn is_chair(&self) -> bool {
        self.role == Role::Chair
    }

    fn audience(&self) -> Audience {
        match self.role {
            Role::Chair | Role::Organiser => Audience::Chairs,
            _ => Audience::Members,
        }
    }

    pub fn take_state(&mut self, session: &SessionId, snapshot: Snapshot) {
        let chairs = self.audience() == Audience::Chairs;
        assert_eq!(snapshot.lobby.is_some(), chairs, "{}", self.id);
        self.revs.insert(session.clone(), snapshot.rev);
        self.last_turn = snapshot.floor.last_turn;
        self.states.insert(session.clone(), snapshot);
    }

    /// An event: the next one that is for this member, without a gap.
    pub fn hear(&mut self, session: &SessionId, told: &Announcement) {
        let Announcement { prev, recorded } = told;
        let Some(known) = self.revs.get(session) else {
            return; // Its own coming, before the state.
        };
        if recorded.rev <= *known {
            return; // In the state already.
        }
        assert!(
            prev <= known,
            "{} missed something after {known:?}: {told:?}",
            self.id
        );
        assert!(
            recorded.event.audience() <= self.audience(),
            "{}: {told:?}",
            self.id
        );
        self.revs.insert(session.clone(), recorded.rev);
        if let Event::FloorGranted { turn, .. } = recorded.event {
            self.last_turn = turn;
        }
        let seen = self.seen.entry(session.clone()).or_default();
        seen.insert(recorded.rev, recorded.clone());
    }

    pub fn seen(&self, session: &SessionId) -> impl Iterator<Item = Rev> {
        let seen = self.seen.get(session);
        seen.into_iter().flat_map(|seen| seen.keys().copied())
    }

    /// That all that it was told is what was written down.
    pub fn check(&self, session: &SessionId, entries: &[Recorded]) {
        for (rev, seen) in self.seen.get(session).into_iter().flatten() {
            let index = usize::try_from(rev.0 - 1).expect("small");
            assert_eq!(entries.get(index), Some(seen), "{} in {session}", self.id);
        }
    }
}
