//! Who is told which events, and what each audience was told before: an event is encoded once for all
//! who were told the same.

use super::{Announcement, ConnectionId, Message, Room};
use crate::meeting::event::{Audience, Recorded, Rev};

/// The last revision that each audience has been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LastTold {
    pub(super) members: Rev,
    pub(super) chairs: Rev,
}

impl LastTold {
    pub(super) fn of(self, audience: Audience) -> Rev {
        match audience {
            Audience::Members => self.members,
            Audience::Chairs => self.chairs,
        }
    }
}

/// An event with what each audience was told before it.
#[derive(Debug)]
pub(super) struct Recent {
    pub(super) prev: LastTold,
    pub(super) recorded: Recorded,
}

impl Recent {
    pub(super) fn is_for(&self, audience: Audience) -> bool {
        audience >= self.recorded.event.audience()
    }

    pub(super) fn announcement(&self, audience: Audience) -> Announcement {
        Announcement {
            prev: self.prev.of(audience),
            recorded: self.recorded.clone(),
        }
    }
}

/// The connections that an event goes to.
pub(super) struct Audiences {
    pub(super) members: Vec<ConnectionId>,
    pub(super) chairs: Vec<ConnectionId>,
}

impl Room {
    /// What was announced after this revision; nothing where that is not known any more, or where it
    /// is of another history.
    pub(super) fn missed(&self, audience: Audience, since: Rev) -> Option<Vec<Announcement>> {
        let recent = self.recent.iter().filter(|it| it.is_for(audience));
        let missed: Vec<_> = recent
            .filter(|it| it.recorded.rev > since)
            .map(|it| it.announcement(audience))
            .collect();
        // A snapshot may be newer than the last event that its audience was told of.
        let follows = match missed.first() {
            Some(first) => first.prev <= since,
            None => (self.announced.of(audience)..=self.meeting.rev()).contains(&since),
        };
        follows.then_some(missed)
    }

    /// Encodes an event once for all where all were told the same before it.
    pub(super) fn announce(&mut self, to: &Audiences, event: &Recent) {
        let for_chairs = event.announcement(Audience::Chairs);
        if !event.is_for(Audience::Members) {
            self.tell(to.chairs.clone(), Message::Event(for_chairs));
        } else if event.prev.members == event.prev.chairs {
            let mut all = [to.members.as_slice(), &to.chairs].concat();
            all.sort_unstable();
            self.tell(all, Message::Event(for_chairs));
        } else {
            let for_members = event.announcement(Audience::Members);
            self.tell(to.members.clone(), Message::Event(for_members));
            self.tell(to.chairs.clone(), Message::Event(for_chairs));
        }
    }

    /// The connections by what they are told.
    pub(super) fn audiences(&self) -> Audiences {
        let (mut members, mut chairs) = (Vec::new(), Vec::new());
        for (connection, member) in &self.connections {
            match self.meeting.audience(member) {
                Audience::Members => members.push(*connection),
                Audience::Chairs => chairs.push(*connection),
            }
        }
        Audiences { members, chairs }
    }
}
