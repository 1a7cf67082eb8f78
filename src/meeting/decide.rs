//! Which feature answers a command.

use crate::{
    meeting::{
        asking,
        command::{Actor, Command},
        draft::Draft,
        event::{Event, LeaveReason},
        giving, moderation, presence,
        refusal::Refusal,
        rights, session,
        state::Meeting,
        timing,
    },
    time::Timestamp,
};

impl Meeting {
    /// What happens if the actor's command is done now: the events, to be applied in their order
    /// at this time, or the reason why nothing is done. There may be nothing to do.
    pub fn decide(
        &self,
        now: Timestamp,
        actor: &Actor,
        command: &Command,
    ) -> Result<Vec<Event>, Refusal> {
        rights::check(self, actor, command)?;
        let mut draft = Draft::new(self, now);
        answer(&mut draft, actor, command)?;
        if !draft.is_empty() {
            giving::fill_microphones(&mut draft, None);
        }
        Ok(draft.into_events())
    }
}

fn answer(draft: &mut Draft, actor: &Actor, command: &Command) -> Result<(), Refusal> {
    let by = || actor.require_member();
    match command {
        Command::Join { name } => presence::join(draft, by()?, name.as_deref()),
        Command::Leave => presence::leave(draft, by()?, LeaveReason::Left, None),
        Command::Lost => {
            presence::lose(draft, by()?);
            Ok(())
        }
        Command::Back => {
            presence::come_back(draft, by()?);
            Ok(())
        }
        Command::GraceEnded => presence::leave(draft, by()?, LeaveReason::Lost, None),

        Command::PrepareSession => session::prepare(draft, by()?),
        Command::OpenSession => session::open(draft, actor.member()),
        Command::PauseSession => session::pause(draft, by()?),
        Command::ResumeSession => session::resume(draft, by()?),
        Command::CloseSession => session::close(draft, by()?),
        Command::ReopenSession => session::reopen(draft, by()?),

        Command::RequestFloor => asking::request(draft, by()?),
        Command::WithdrawHand => asking::withdraw(draft, by()?),
        Command::YieldFloor => asking::give_back(draft, by()?),
        Command::Unmute => moderation::unmute(draft, by()?),

        Command::NextSpeaker { after_turn } => giving::next(draft, by()?, *after_turn),
        Command::GrantFloor { member, after_turn } => {
            giving::grant(draft, by()?, member, *after_turn)
        }
        Command::StopFloor { member } => giving::stop(draft, by()?, member),
        Command::RemoveHand { member } => giving::remove_hand(draft, by()?, member),
        Command::ConfigureFloor { mode, microphones } => {
            giving::configure(draft, actor.member(), *mode, *microphones)
        }
        Command::PauseClock { member } => giving::pause_clock(draft, by()?, member),
        Command::ResumeClock { member } => giving::resume_clock(draft, by()?, member),
        Command::Mute { member } => moderation::mute(draft, by()?, member),
        Command::AskUnmute { member } => moderation::ask_unmute(draft, by()?, member),
        Command::RemoveMember { member } => moderation::remove(draft, by()?, member),

        Command::AudioDelivered { member } => {
            timing::audio_delivered(draft, member);
            Ok(())
        }
        Command::AudioHeard { member } => {
            timing::audio_heard(draft, member);
            Ok(())
        }
        Command::TimePassed => {
            timing::time_passed(draft);
            Ok(())
        }
        Command::Recover => {
            presence::recover(draft);
            Ok(())
        }
    }
}
