//! Who is heard and who is seen: the table of spec section 3, the chairs' mutes included.
//!
//! The forwarding plane is ordered by this and by nothing else.

use crate::{
    ids::MemberId,
    meeting::{roster::Role, session::SessionState, state::Meeting},
};

/// Whether a member is heard, and as what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hearing {
    /// Not at all, whatever is sent.
    Silent,
    /// Has the floor.
    Floor,
    /// As a chair.
    Chair,
    /// Without the floor: a podium guest.
    Other,
}

impl Meeting {
    /// Whether the member is heard now.
    pub fn hearing(&self, member: &MemberId) -> Hearing {
        use SessionState::{Closed, Live, Paused, Prepared, Scheduled};
        if !self.presence.microphone_open(member) {
            return Hearing::Silent;
        }
        let Some(seat) = self.seat(member) else {
            return Hearing::Silent;
        };
        match (seat.role, self.state) {
            (_, Scheduled | Closed) => Hearing::Silent,
            (Role::Chair, Prepared | Live | Paused) => Hearing::Chair,
            (Role::Podium, Prepared | Live) => Hearing::Other,
            (Role::Delegate, Live) if self.floor.turn_of(member).is_some() => Hearing::Floor,
            (Role::Podium, Paused) | (Role::Delegate, Prepared | Live | Paused) => Hearing::Silent,
            // An interpreter speaks to a channel, never to the floor.
            (
                Role::Organiser | Role::Interpreter | Role::Observer | Role::Technician,
                Prepared | Live | Paused,
            ) => Hearing::Silent,
        }
    }

    /// Whether the member's pictures may be seen now.
    pub fn may_show(&self, member: &MemberId) -> bool {
        let Some(seat) = self.seat(member) else {
            return false;
        };
        let shows = match seat.role {
            Role::Chair | Role::Delegate | Role::Podium => true,
            Role::Organiser | Role::Interpreter | Role::Observer | Role::Technician => false,
        };
        shows && self.state.has_media() && self.presence.contains(member)
    }

    /// Who should be seen first: the floor's holders, the longest first, then the chairs.
    pub fn prominence(&self) -> Vec<MemberId> {
        let holders = self.floor.turns().iter().map(|turn| &turn.member);
        let is_chair = |it: &&MemberId| self.seat(it).is_some_and(|it| it.role == Role::Chair);
        let chairs = self.present().filter(is_chair);
        holders.chain(chairs).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::meeting::{agenda::FloorMode, script};

    #[test]
    fn chairs_and_guests_are_heard_when_prepared_and_nobody_before() {
        script::empty().check(
            "
            0 chair-1 join    -> joined chair-1 as CHAIR-1
            0 ? heard         ->
            0 ? seen          ->
            1 chair-1 prepare -> prepared by chair-1
            2 guest join      -> joined guest as GUEST
            2 voice join      -> joined voice as VOICE
            2 organiser join  -> joined organiser as ORGANISER
            2 ? heard         -> chair-1 guest
            2 ? seen          -> chair-1 guest
            ",
        );
    }

    #[test]
    fn cameras_are_everybodys_but_observers_technicians_interpreters_organisers() {
        script::live(FloorMode::Request, 1).check(
            "
            1 ? seen     -> a b c chair-1 chair-2 d e f guest
            2 c leave    -> left c left
            2 ? seen     -> a b chair-1 chair-2 d e f guest
            ",
        );
    }

    #[test]
    fn the_floor_comes_before_the_chairs() {
        script::live(FloorMode::Request, 2).check(
            "
            1 ? prominent      -> chair-1 chair-2
            2 chair-1 grant d  -> granted 1 d by chair-1
            2 chair-1 grant a  -> granted 2 a by chair-1
            3 chair-2 leave    -> left chair-2 left
            3 ? prominent      -> d a chair-1
            ",
        );
    }
}
