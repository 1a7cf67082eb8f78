//! SHELL. Notices on their way to one room. A room that does not take them holds up nobody else.

use std::collections::VecDeque;

use tokio::sync::mpsc::{Sender, error::TrySendError};

use crate::media::Notice;

/// What one room is to be told.
pub struct Outbox {
    room: Sender<Notice>,
    /// What the room's queue had no place for, in order. Of those whose latest wins only the latest
    /// waits; of the others there are a few a peer. So peers bound it.
    waiting: VecDeque<Notice>,
}

impl Outbox {
    /// The way to a room.
    pub fn new(room: Sender<Notice>) -> Self {
        Self {
            room,
            waiting: VecDeque::new(),
        }
    }

    /// Sends a notice after those that wait.
    pub fn send(&mut self, notice: Notice) {
        self.deliver();
        if self.waiting.is_empty() {
            self.waiting.extend(self.refused(notice));
        } else {
            self.waiting.retain(|older| !supersedes(&notice, older));
            self.waiting.push_back(notice);
        }
    }

    /// Sends what waits, as far as there is room.
    pub fn deliver(&mut self) {
        while let Some(notice) = self.waiting.pop_front() {
            if let Some(notice) = self.refused(notice) {
                self.waiting.push_front(notice);
                return;
            }
        }
    }

    /// Whether something waits.
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The notice, where there was no room for it. A room that has ended needs none.
    fn refused(&self, notice: Notice) -> Option<Notice> {
        match self.room.try_send(notice) {
            Ok(()) | Err(TrySendError::Closed(_)) => None,
            Err(TrySendError::Full(notice)) => Some(notice),
        }
    }
}

/// Whether the newer of two notices says all that the older does.
fn supersedes(newer: &Notice, older: &Notice) -> bool {
    match (newer, older) {
        (Notice::Slots { peer, .. }, Notice::Slots { peer: other, .. }) => peer == other,
        (Notice::Speaking { .. }, Notice::Speaking { .. })
        | (Notice::Pictures { .. }, Notice::Pictures { .. })
        | (Notice::Measured { .. }, Notice::Measured { .. }) => true,
        (
            Notice::Needed { peer, source, .. },
            Notice::Needed {
                peer: other,
                source: others,
                ..
            },
        ) => (peer, source) == (other, others),
        (
            Notice::Slots { .. }
            | Notice::Speaking { .. }
            | Notice::Pictures { .. }
            | Notice::Needed { .. }
            | Notice::Measured { .. }
            | Notice::Answered { .. }
            | Notice::Restarted { .. }
            | Notice::Connected { .. }
            | Notice::Lost { .. }
            | Notice::AudioDelivered { .. }
            | Notice::AudioHeard { .. },
            _,
        ) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::PeerId;

    #[test]
    fn what_finds_no_room_waits_in_order_and_only_the_latest_of_its_kind() {
        let (room, mut taken) = tokio::sync::mpsc::channel(2);
        let mut outbox = Outbox::new(room);
        let speaking = |peer| Notice::Speaking {
            peers: vec![PeerId(peer)],
        };
        let slots = |peer| Notice::Slots {
            peer: PeerId(peer),
            slots: Vec::new(),
        };
        let connected = |peer| Notice::Connected { peer: PeerId(peer) };
        let all = [
            connected(1),
            connected(2),
            slots(1),
            speaking(1),
            connected(3),
            slots(2),
            slots(1),
            speaking(2),
        ];
        for notice in all {
            outbox.send(notice);
        }
        let mut told = Vec::new();
        while let Ok(notice) = taken.try_recv() {
            told.push(notice);
            outbox.deliver();
        }
        assert!(!outbox.is_waiting());
        let expected = [
            connected(1),
            connected(2),
            connected(3),
            slots(2),
            slots(1),
            speaking(2),
        ];
        assert_eq!(told, expected);
    }
}
