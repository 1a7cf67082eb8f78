//! The room's side of the lobby: who waits on which connection, and what becomes of them there.

use super::{Answer, ConnectionId, DeviceNumber, Output, Parting, Room, Signal};
use crate::{
    ids::MemberId,
    meeting::{Actor, Command},
    time::Timestamp,
};

/// Somebody in the lobby.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) connection: ConnectionId,
    pub(super) device: Option<DeviceNumber>,
}

impl Room {
    /// A chair has to let the member in: the connection hears when that is done. An older one of the
    /// same member is told that it was replaced.
    pub(super) fn keep_waiting(
        &mut self,
        connection: ConnectionId,
        member: MemberId,
        device: Option<DeviceNumber>,
    ) {
        let guest = Guest { connection, device };
        if let Some(older) = self.lobby.insert(member, guest)
            && older.connection != connection
        {
            self.release(older.connection, Some(Parting::Replaced));
        }
        self.answer(connection, Ok(Answer::Lobby));
    }

    /// Who waits in the lobby on this connection.
    pub(super) fn guest(&self, connection: ConnectionId) -> Option<MemberId> {
        let mut lobby = self.lobby.iter();
        let found = lobby.find(|(_, guest)| guest.connection == connection);
        found.map(|(member, _)| member.clone())
    }

    /// Somebody in the lobby has gone.
    pub(super) fn leave_lobby(&mut self, now: Timestamp, member: MemberId) {
        self.lobby.remove(&member);
        // Whoever waits may always go.
        let gone = self.act(now, &Actor::Member(member), &Command::Leave);
        debug_assert_eq!(gone, Ok(()));
    }

    /// A chair has decided about somebody in the lobby.
    pub(super) fn call_from_lobby(&mut self, now: Timestamp, member: &MemberId, admitted: bool) {
        let Some(guest) = self.lobby.remove(member) else {
            return;
        };
        if admitted {
            self.seat(now, guest.connection, member, guest.device);
            let audience = self.meeting.audience(member);
            let snapshot = Box::new(self.meeting.snapshot(now, audience));
            self.signal(vec![guest.connection], Signal::Admitted { snapshot });
        } else {
            let message =
                "The chair does not let you in now. Ask the organiser, or try again later.";
            self.dismiss(guest.connection, message);
        }
    }

    pub(super) fn dismiss(&mut self, connection: ConnectionId, message: &str) {
        self.later(Output::Dismiss {
            connection,
            signal: Signal::Refused {
                message: message.to_owned(),
            },
        });
    }
}
