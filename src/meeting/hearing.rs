//! Who is heard and who is seen: the table of spec section 3, the chairs' mutes included.
//!
//! The forwarding plane is ordered by this and by nothing else.

use crate::{
    ids::MemberId,
    meeting::{
        agenda::ScreenRule, event::PictureSource, roster::Role, session::SessionState,
        state::Meeting, turn::Turn,
    },
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
            (_, _) if self.floor.priority().is_some() => Hearing::Silent,
            (Role::Podium, Prepared | Live) => Hearing::Other,
            (Role::Delegate, Live) if self.has_open_turn(member) => Hearing::Floor,
            (Role::Podium, Paused) | (Role::Delegate, Prepared | Live | Paused) => Hearing::Silent,
            // An interpreter speaks to a channel, never to the floor.
            (
                Role::Organiser | Role::Interpreter | Role::Observer | Role::Technician,
                Prepared | Live | Paused,
            ) => Hearing::Silent,
        }
    }

    fn has_open_turn(&self, member: &MemberId) -> bool {
        let turn = self.floor.turn_of(member);
        turn.is_some_and(|turn| self.floor.is_open(turn, self.profile.microphones))
    }

    /// Whether the turn's microphone is open: the session live, nobody's mute on it, its speaker
    /// there, no priority, no turn of a higher kind, and no more open ones than there may be.
    pub(super) fn is_audible(&self, turn: &Turn) -> bool {
        self.hearing(&turn.member) == Hearing::Floor
    }

    /// Whether the member's role has pictures at all.
    pub(super) fn has_pictures(&self, member: &MemberId) -> bool {
        self.seat(member).is_some_and(|seat| match seat.role {
            Role::Chair | Role::Delegate | Role::Podium => true,
            Role::Organiser | Role::Interpreter | Role::Observer | Role::Technician => false,
        })
    }

    /// Whether the member's picture may be seen now.
    pub fn may_show(&self, member: &MemberId, source: PictureSource) -> bool {
        let stopped = self.desk.stopped.contains(&(member.clone(), source));
        let by_rule = match source {
            PictureSource::Camera => true,
            PictureSource::Screen => self.may_share(member),
        };
        let here = self.state.has_media() && self.presence.contains(member);
        here && self.has_pictures(member) && by_rule && !stopped
    }

    fn may_share(&self, member: &MemberId) -> bool {
        let role = self.seat(member).map(|seat| seat.role);
        let is_chair = role == Some(Role::Chair);
        match self.profile.screens {
            ScreenRule::Everybody => true,
            ScreenRule::Floor => {
                is_chair || role == Some(Role::Podium) || self.floor.turn_of(member).is_some()
            }
            ScreenRule::Chairs => is_chair,
        }
    }

    /// Who should be seen first: the spotlight, the floor's holders, those first who are heard, the
    /// longest first, then the chairs.
    pub fn prominence(&self) -> Vec<MemberId> {
        let turns = || self.floor.turns().iter();
        let open = turns().filter(|turn| self.floor.is_open(turn, self.profile.microphones));
        let paused = turns().filter(|turn| !self.floor.is_open(turn, self.profile.microphones));
        let holders = open.chain(paused).map(|turn| &turn.member);
        let is_chair = |it: &&MemberId| self.seat(it).is_some_and(|it| it.role == Role::Chair);
        let chairs = self.present().filter(is_chair);
        let mut prominent: Vec<MemberId> = Vec::new();
        for member in self.desk.spotlight.iter().chain(holders).chain(chairs) {
            if !prominent.contains(member) {
                prominent.push(member.clone());
            }
        }
        prominent
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
