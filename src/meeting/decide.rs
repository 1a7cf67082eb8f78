//! Which feature answers a command.

use crate::{
    meeting::{
        asking, clocks,
        command::{Actor, Command},
        conduct,
        draft::Draft,
        event::{Event, LeaveReason},
        giving, list, lobby, moderation, presence, record,
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
            conduct::do_awaited(&mut draft);
            giving::settle(&mut draft);
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
        Command::GraceEnded => presence::end_grace(draft, by()?),

        Command::PrepareSession => session::prepare(draft, by()?),
        Command::OpenSession => session::open(draft, actor.member()),
        Command::PauseSession => session::pause(draft, by()?),
        Command::ResumeSession => session::resume(draft, by()?),
        Command::CloseSession { force } => session::close(draft, by()?, *force),
        Command::ReopenSession => session::reopen(draft, by()?),
        Command::ConfigureSession { change } => conduct::configure(draft, actor.member(), change),
        Command::StartItem {
            item,
            after_item,
            force,
        } => conduct::start_item(draft, by()?, item, after_item.as_ref(), *force),
        Command::DropChange => conduct::drop_change(draft, by()?),
        Command::MoveOn { to } => conduct::move_on(draft, by()?, to),
        Command::LockSession => conduct::lock(draft, by()?),
        Command::UnlockSession => conduct::unlock(draft, by()?),
        Command::Spotlight { member } => conduct::spotlight(draft, by()?, member.as_ref()),
        Command::BeginTechnicalStop => conduct::begin_technical_stop(draft, by()?),
        Command::EndTechnicalStop => conduct::end_technical_stop(draft, by()?),
        Command::Notice { text } => record::notice(draft, by()?, text),
        Command::HandOverChair { to } => conduct::hand_over(draft, by()?, to),

        Command::RequestFloor { kind } => asking::request(draft, by()?, *kind),
        Command::WithdrawHand { point } => asking::withdraw(draft, by()?, *point),
        Command::YieldFloor => asking::give_back(draft, by()?),
        Command::Unmute => moderation::unmute(draft, by()?),

        Command::NextSpeaker { after_turn } => giving::next(draft, by()?, *after_turn),
        Command::GrantFloor {
            member,
            kind,
            after_turn,
        } => giving::grant(draft, by()?, member, *kind, *after_turn),
        Command::StopFloor { member } => giving::stop(draft, by()?, member),
        Command::StopAll => giving::stop_all(draft, by()?),
        Command::InsertHand { member, place } => list::insert_hand(draft, by()?, member, *place),
        Command::MoveHand {
            member,
            place,
            from_place,
        } => list::move_hand(draft, by()?, member, *place, *from_place),
        Command::RemoveHand { member, point } => list::remove_hand(draft, by()?, member, *point),
        Command::ClearQueue => list::clear_queue(draft, by()?),
        Command::OpenQueue { open } => list::open_queue(draft, by()?, *open),
        Command::TakePriority { clear } => clocks::take_priority(draft, by()?, *clear),
        Command::ReleasePriority => clocks::release_priority(draft, by()?),
        Command::ExtendTurn {
            member,
            by_ms,
            from_ms,
        } => clocks::extend_turn(draft, by()?, member, *by_ms, *from_ms),
        Command::PauseClock { member } => clocks::pause_clock(draft, by()?, member),
        Command::ResumeClock { member } => clocks::resume_clock(draft, by()?, member),

        Command::Mute { member } => moderation::mute(draft, by()?, member),
        Command::AskUnmute { member } => moderation::ask_unmute(draft, by()?, member),
        Command::Block { member } => moderation::block(draft, by()?, member),
        Command::Unblock { member } => moderation::unblock(draft, by()?, member),
        Command::StopPicture { member, source } => {
            moderation::stop_picture(draft, by()?, member, *source)
        }
        Command::AllowPicture { member, source } => {
            moderation::allow_picture(draft, by()?, member, *source)
        }
        Command::RemoveMember { member, ban } => moderation::remove(draft, by()?, member, *ban),
        Command::Unban { member } => moderation::unban(draft, by()?, member),
        Command::Admit { member } => lobby::admit(draft, by()?, member),
        Command::AdmitAll => lobby::admit_all(draft, by()?),
        Command::Refuse { member } => lobby::refuse(draft, by()?, member),
        Command::SendBack { member } => lobby::send_back(draft, by()?, member),

        Command::Chat { to, text } => record::chat(draft, by()?, *to, text),
        Command::Note { text } => record::note(draft, by()?, text),
        Command::Propose { text } => record::propose(draft, by()?, text),
        Command::EditRecommendation { number, text } => record::edit(draft, by()?, *number, text),
        Command::Support { number, supports } => record::support(draft, by()?, *number, *supports),
        Command::SetStatus { number, status } => record::set_status(draft, by()?, *number, *status),
        Command::SignOff { number } => record::sign(draft, by()?, *number),

        Command::AudioDelivered { member } => {
            timing::audio_delivered(draft, member);
            Ok(())
        }
        Command::AudioHeard { member } => {
            timing::audio_heard(draft, member);
            Ok(())
        }
        Command::TimePassed => timing::time_passed(draft),
        Command::Recover => {
            presence::recover(draft);
            Ok(())
        }
    }
}
