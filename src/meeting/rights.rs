//! Who may ask for what: one table. What the state makes of it is the features' business.

use crate::meeting::{
    command::{Actor, Command},
    refusal::{Refusal, RefusalCode},
    roster::Role,
    state::Meeting,
};

/// Whose rights they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// A member with this role.
    Role(Role),
    /// The forwarding plane.
    Media,
    /// The passing of time.
    Clock,
    /// The server itself.
    Server,
}

/// The table's columns, in its order.
const COLUMNS: [Party; 10] = [
    Party::Role(Role::Organiser),
    Party::Role(Role::Chair),
    Party::Role(Role::Delegate),
    Party::Role(Role::Podium),
    Party::Role(Role::Interpreter),
    Party::Role(Role::Observer),
    Party::Role(Role::Technician),
    Party::Media,
    Party::Clock,
    Party::Server,
];

const Y: bool = true;
const N: bool = false;

/// A podium guest may ask for the floor as far as rights go, and is told that none is needed.
#[rustfmt::skip]
fn row(command: &Command) -> [bool; 10] {
    match command { //                            org ch  del pod int obs tec med clk srv
        Command::Join { .. }                 => [Y, Y, Y, Y, Y, Y, Y, N, N, N],
        Command::Leave                       => [Y, Y, Y, Y, Y, Y, Y, N, N, N],
        Command::Lost                        => [Y, Y, Y, Y, Y, Y, Y, N, N, N],
        Command::Back                        => [Y, Y, Y, Y, Y, Y, Y, N, N, N],
        Command::GraceEnded                  => [Y, Y, Y, Y, Y, Y, Y, N, N, N],
        Command::PrepareSession              => [N, Y, N, N, N, N, N, N, N, N],
        Command::OpenSession                 => [N, Y, N, N, N, N, N, N, N, Y],
        Command::PauseSession                => [N, Y, N, N, N, N, N, N, N, N],
        Command::ResumeSession               => [N, Y, N, N, N, N, N, N, N, N],
        Command::CloseSession { .. }         => [N, Y, N, N, N, N, N, N, N, N],
        Command::ReopenSession               => [N, Y, N, N, N, N, N, N, N, N],
        Command::ConfigureSession { .. }     => [N, Y, N, N, N, N, N, N, N, Y],
        Command::StartItem { .. }            => [N, Y, N, N, N, N, N, N, N, N],
        Command::DropChange                  => [N, Y, N, N, N, N, N, N, N, N],
        Command::MoveOn { .. }               => [N, Y, N, N, N, N, N, N, N, N],
        Command::LockSession                 => [N, Y, N, N, N, N, N, N, N, N],
        Command::UnlockSession               => [N, Y, N, N, N, N, N, N, N, N],
        Command::Spotlight { .. }            => [N, Y, N, N, N, N, N, N, N, N],
        Command::BeginTechnicalStop          => [N, Y, N, N, N, N, N, N, N, N],
        Command::EndTechnicalStop            => [N, Y, N, N, N, N, N, N, N, N],
        Command::Notice { .. }               => [N, Y, N, N, N, N, N, N, N, N],
        Command::HandOverChair { .. }        => [N, Y, N, N, N, N, N, N, N, N],
        Command::RequestFloor { .. }         => [N, Y, Y, Y, N, N, N, N, N, N],
        Command::WithdrawHand { .. }         => [N, Y, Y, Y, N, N, N, N, N, N],
        Command::YieldFloor                  => [N, Y, Y, Y, N, N, N, N, N, N],
        Command::Unmute                      => [N, Y, Y, Y, N, N, N, N, N, N],
        Command::NextSpeaker { .. }          => [N, Y, N, N, N, N, N, N, N, N],
        Command::GrantFloor { .. }           => [N, Y, N, N, N, N, N, N, N, N],
        Command::StopFloor { .. }            => [N, Y, N, N, N, N, N, N, N, N],
        Command::StopAll                     => [N, Y, N, N, N, N, N, N, N, N],
        Command::InsertHand { .. }           => [N, Y, N, N, N, N, N, N, N, N],
        Command::MoveHand { .. }             => [N, Y, N, N, N, N, N, N, N, N],
        Command::RemoveHand { .. }           => [N, Y, N, N, N, N, N, N, N, N],
        Command::ClearQueue                  => [N, Y, N, N, N, N, N, N, N, N],
        Command::OpenQueue { .. }            => [N, Y, N, N, N, N, N, N, N, N],
        Command::TakePriority { .. }         => [N, Y, N, N, N, N, N, N, N, N],
        Command::ReleasePriority             => [N, Y, N, N, N, N, N, N, N, N],
        Command::ExtendTurn { .. }           => [N, Y, N, N, N, N, N, N, N, N],
        Command::PauseClock { .. }           => [N, Y, N, N, N, N, N, N, N, N],
        Command::ResumeClock { .. }          => [N, Y, N, N, N, N, N, N, N, N],
        Command::Mute { .. }                 => [N, Y, N, N, N, N, N, N, N, N],
        Command::AskUnmute { .. }            => [N, Y, N, N, N, N, N, N, N, N],
        Command::Block { .. }                => [N, Y, N, N, N, N, N, N, N, N],
        Command::Unblock { .. }              => [N, Y, N, N, N, N, N, N, N, N],
        Command::StopPicture { .. }          => [N, Y, N, N, N, N, N, N, N, N],
        Command::AllowPicture { .. }         => [N, Y, N, N, N, N, N, N, N, N],
        Command::RemoveMember { .. }         => [N, Y, N, N, N, N, N, N, N, N],
        Command::Unban { .. }                => [N, Y, N, N, N, N, N, N, N, N],
        Command::Admit { .. }                => [N, Y, N, N, N, N, N, N, N, N],
        Command::AdmitAll                    => [N, Y, N, N, N, N, N, N, N, N],
        Command::Refuse { .. }               => [N, Y, N, N, N, N, N, N, N, N],
        Command::SendBack { .. }             => [N, Y, N, N, N, N, N, N, N, N],
        Command::Chat { .. }                 => [Y, Y, Y, Y, Y, Y, Y, N, N, N],
        Command::Note { .. }                 => [N, Y, N, N, N, N, N, N, N, N],
        Command::Propose { .. }              => [Y, Y, Y, Y, N, N, N, N, N, N],
        Command::EditRecommendation { .. }   => [Y, Y, Y, Y, N, N, N, N, N, N],
        Command::Support { .. }              => [Y, Y, Y, Y, N, N, N, N, N, N],
        Command::SetStatus { .. }            => [N, Y, N, N, N, N, N, N, N, N],
        Command::SignOff { .. }              => [Y, Y, N, N, N, N, N, N, N, N],
        Command::AudioDelivered { .. }       => [N, N, N, N, N, N, N, Y, N, N],
        Command::AudioHeard { .. }           => [N, N, N, N, N, N, N, Y, N, N],
        Command::TimePassed                  => [N, N, N, N, N, N, N, N, Y, N],
        Command::Recover                     => [N, N, N, N, N, N, N, N, N, Y],
    }
}

/// Whether the party has the right to ask for this.
pub fn has_right(party: Party, command: &Command) -> bool {
    COLUMNS
        .iter()
        .zip(row(command))
        .any(|(column, right)| right && *column == party)
}

/// Whether the actor may ask this meeting for it: by the table, and from within the room.
pub(super) fn check(meeting: &Meeting, actor: &Actor, command: &Command) -> Result<(), Refusal> {
    let party = match actor {
        Actor::Member(member) => Party::Role(meeting.require_seat(member)?.role),
        Actor::Media => Party::Media,
        Actor::Clock => Party::Clock,
        Actor::Server => Party::Server,
    };
    if !has_right(party, command) {
        let message = match party {
            Party::Role(role) => format!("This is not for the role {}.", role.as_str()),
            Party::Media | Party::Clock | Party::Server => "This is for members.".to_owned(),
        };
        return Err(Refusal::new(RefusalCode::NotAllowed, message));
    }
    let from_outside = matches!(
        command,
        Command::Join { .. } | Command::Leave | Command::Lost | Command::Back | Command::GraceEnded
    );
    match actor.member() {
        Some(member) if !from_outside && !meeting.presence.contains(member) => {
            Err(Refusal::not_now("You are not in the room: join it first."))
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meeting::{agenda::FloorMode, script};

    #[test]
    fn every_role_has_one_column() {
        for role in Role::ALL {
            let columns = COLUMNS.iter().filter(|it| **it == Party::Role(role));
            assert_eq!(columns.count(), 1, "{role:?}");
            assert!(has_right(Party::Role(role), &Command::Leave), "{role:?}");
        }
    }

    #[test]
    fn only_chairs_moderate_and_only_the_forwarding_plane_reports() {
        for actor in ["a", "guest", "voice", "watcher", "tech", "organiser"] {
            let mut script = script::live(FloorMode::Request, 1);
            for command in [
                "prepare",
                "open",
                "pause",
                "resume",
                "close",
                "reopen",
                "next",
                "grant b",
                "stop b",
                "lower b",
                "configure open 2",
                "hold b",
                "run b",
                "mute b",
                "ask b",
                "remove b",
                "heard b",
                "delivered b",
                "passed",
            ] {
                script.check(&format!("1 {actor} {command} -> no: not_allowed"));
            }
        }
        script::live(FloorMode::Request, 1).check(
            "
            1 chair-1 heard a     -> no: not_allowed
            1 chair-1 delivered a -> no: not_allowed
            1 chair-1 passed      -> no: not_allowed
            1 media next          -> no: not_allowed
            1 media passed        -> no: not_allowed
            1 chair-1 recover     -> no: not_allowed
            1 clock heard a       -> no: not_allowed
            1 clock leave         -> no: not_allowed
            1 server grant a      -> no: not_allowed
            1 nobody leave        -> no: unknown_member
            ",
        );
    }

    #[test]
    fn nothing_is_done_from_outside_the_room() {
        script::empty().check(
            "
            0 chair-1 open   -> no: not_now
            1 chair-1 join   -> joined chair-1 as CHAIR-1
            2 chair-1 open   -> opened by chair-1
            3 a request      -> no: not_now
            4 chair-1 leave  -> left chair-1 left
            5 chair-1 close  -> no: not_now
            ",
        );
    }
}
