//! The lobby: who waits there until a chair lets them in.

use crate::{
    ids::MemberId,
    meeting::{
        draft::Draft,
        event::{EndReason, Event, LeaveReason},
        giving::end_turn,
        presence::come_in,
        refusal::{Refusal, RefusalCode},
        roster::Role,
        state::Meeting,
    },
};

impl Meeting {
    /// Whether a member who comes in has to be let in by a chair.
    pub fn must_be_admitted(&self, member: &MemberId) -> bool {
        let asks = self.seat(member).is_some_and(|seat| asks(seat.role));
        let presence = &self.presence;
        let has_to =
            presence.is_sent_back(member) || (self.profile.lobby && !presence.is_admitted(member));
        asks && has_to && !presence.contains(member)
    }
}

/// Whether this role waits in the lobby at all.
fn asks(role: Role) -> bool {
    match role {
        Role::Delegate | Role::Podium | Role::Interpreter | Role::Observer => true,
        Role::Chair | Role::Organiser | Role::Technician => false,
    }
}

/// Somebody who waits already asks again for another name only.
pub(super) fn wait(draft: &mut Draft, member: &MemberId, name: &str) -> Result<(), Refusal> {
    let known = draft.presence.lobby().get(member);
    if known.is_some_and(|known| known.name == name) {
        return Ok(());
    }
    let seat = draft.require_seat(member)?;
    let (role, delegation) = (seat.role, seat.delegation.clone());
    draft.push(Event::LobbyEntered {
        member: member.clone(),
        name: name.to_owned(),
        role,
        delegation,
    });
    Ok(())
}

pub(super) fn admit(draft: &mut Draft, by: &MemberId, member: &MemberId) -> Result<(), Refusal> {
    require_waiting(draft, member)?;
    let_in(draft, Some(by), member)
}

pub(super) fn admit_all(draft: &mut Draft, by: &MemberId) -> Result<(), Refusal> {
    if draft.presence.lobby().is_empty() {
        return Err(Refusal::not_now("Nobody waits in the lobby."));
    }
    open(draft, Some(by))
}

/// Lets everybody in who waits; `by` nobody where the lobby was switched off, which lets nobody in whom
/// a chair has sent back.
pub(super) fn open(draft: &mut Draft, by: Option<&MemberId>) -> Result<(), Refusal> {
    let presence = &draft.presence;
    let waiting = presence.lobby().iter();
    let mut waiting: Vec<_> = waiting
        .filter(|(member, _)| by.is_some() || !presence.is_sent_back(member))
        .collect();
    waiting.sort_by_key(|(member, waiting)| (waiting.since, *member));
    let waiting: Vec<_> = waiting
        .into_iter()
        .map(|(member, _)| member.clone())
        .collect();
    for member in waiting {
        let_in(draft, by, &member)?;
    }
    Ok(())
}

fn let_in(draft: &mut Draft, by: Option<&MemberId>, member: &MemberId) -> Result<(), Refusal> {
    let Some(waiting) = draft.presence.lobby().get(member) else {
        return Ok(());
    };
    let name = waiting.name.clone();
    draft.push(Event::LobbyAdmitted {
        member: member.clone(),
        by: by.cloned(),
    });
    come_in(draft, member, name)
}

pub(super) fn refuse(draft: &mut Draft, by: &MemberId, member: &MemberId) -> Result<(), Refusal> {
    require_waiting(draft, member)?;
    draft.push(Event::LobbyRefused {
        member: member.clone(),
        by: by.clone(),
    });
    Ok(())
}

/// A turn ends, hands go; who was sent back waits whether the lobby is on or not.
pub(super) fn send_back(
    draft: &mut Draft,
    by: &MemberId,
    member: &MemberId,
) -> Result<(), Refusal> {
    draft.require_present(member)?;
    if !asks(draft.require_seat(member)?.role) {
        return Err(Refusal::not_now(
            "Chairs, the organiser and technicians do not wait in the lobby: they come in without asking.",
        ));
    }
    let name = draft.presence.here().get(member).map(|it| it.name.clone());
    if draft.floor.turn_of(member).is_some() {
        end_turn(draft, member, EndReason::Stopped, Some(by))?;
    }
    draft.push(Event::MemberLeft {
        member: member.clone(),
        reason: LeaveReason::SentBack,
        by: Some(by.clone()),
    });
    wait(draft, member, &name.unwrap_or_default())
}

fn require_waiting(draft: &Draft, member: &MemberId) -> Result<(), Refusal> {
    if draft.presence.is_waiting(member) {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::UnknownMember,
        format!("{member} does not wait in the lobby."),
    ))
}

#[cfg(test)]
mod tests {
    use crate::meeting::script;

    #[test]
    fn who_comes_waits_until_a_chair_lets_it_in() {
        let mut script = script::empty();
        script.check(
            "
            0 chair-1 join             -> joined chair-1 as CHAIR-1
            0 chair-1 configure lobby = true -> configured lobby = true by chair-1
            0 chair-1 open             -> opened by chair-1
            1 a join Sari              -> lobby a as Sari
            1 a join Sari              -> nothing
            1 a join                   -> lobby a as A
            1 b join                   -> lobby b as B
            1 guest join               -> lobby guest as GUEST
            1 chair-2 join             -> joined chair-2 as CHAIR-2
            1 tech join                -> joined tech as TECH
            2 ? lobby                  -> a b guest
            2 ? present                -> chair-1 chair-2 tech
            2 a request                -> no: not_now
            2 chair-1 admit a          -> admitted a by chair-1; joined a as A
            2 chair-1 admit a          -> no: unknown_member
            3 chair-2 refuse b         -> refused b by chair-2
            3 chair-2 refuse b         -> no: unknown_member
            4 b join                   -> lobby b as B
            5 c join                   -> lobby c as C
            5 c leave                  -> lobby left c
            6 chair-1 admit-all        -> admitted guest by chair-1; joined guest as GUEST; admitted b by chair-1; joined b as B
            6 chair-1 admit-all        -> no: not_now
            7 a leave                  -> left a left
            8 a join                   -> joined a as A
            ",
        );
    }

    #[test]
    fn who_is_sent_back_waits_again_whatever_the_lobby() {
        script::live(crate::meeting::agenda::FloorMode::Open, 1).check(
            "
            0 a request           -> requested a; granted 1 a
            0 b request           -> requested b
            1 chair-1 send-back a -> ended 1 a stopped 0 by chair-1; left a sent back by chair-1; lobby a as A; granted 2 b
            1 chair-1 send-back chair-2 -> no: not_now
            1 chair-1 send-back organiser -> no: not_now
            1 chair-1 send-back tech -> no: not_now
            2 a join              -> nothing
            2 a leave             -> lobby left a
            3 a join              -> lobby a as A
            4 chair-1 admit a     -> admitted a by chair-1; joined a as A
            5 a leave             -> left a left
            6 a join              -> joined a as A
            ",
        );
    }

    #[test]
    fn the_lobby_switched_off_lets_everybody_in() {
        let mut script = script::live_with(script::profile("lobby = true"));
        script.check(
            "
            0 ? present   -> chair-1 chair-2 organiser tech
            0 ? lobby     -> a b c d e f guest voice watcher
            1 chair-1 configure lobby = false -> configured lobby = false by chair-1; admitted a; joined a as A; admitted b; joined b as B; admitted c; joined c as C; admitted d; joined d as D; admitted e; joined e as E; admitted f; joined f as F; admitted guest; joined guest as GUEST; admitted voice; joined voice as VOICE; admitted watcher; joined watcher as WATCHER
            ",
        );
    }

    #[test]
    fn the_lobby_switched_off_keeps_those_who_were_sent_back() {
        script::live(crate::meeting::agenda::FloorMode::Open, 1).check(
            "
            0 chair-1 configure lobby = true  -> configured lobby = true by chair-1
            1 chair-1 send-back a -> left a sent back by chair-1; lobby a as A
            2 b leave             -> left b left
            2 b join              -> lobby b as B
            3 chair-1 configure lobby = false -> configured lobby = false by chair-1; admitted b; joined b as B
            3 ? lobby             -> a
            4 chair-1 admit-all   -> admitted a by chair-1; joined a as A
            ",
        );
    }

    #[test]
    fn a_locked_session_lets_nobody_new_in_but_chairs() {
        script::live(crate::meeting::agenda::FloorMode::Open, 1).check(
            "
            0 a leave          -> left a left
            0 chair-2 leave    -> left chair-2 left
            1 chair-1 lock     -> locked by chair-1
            1 chair-1 lock     -> no: not_now
            2 a join           -> no: locked
            2 chair-2 join     -> joined chair-2 as CHAIR-2
            3 b lost           -> lost b
            3 b join           -> nothing
            4 chair-1 unlock   -> unlocked by chair-1
            4 chair-1 unlock   -> no: not_now
            4 a join           -> joined a as A
            ",
        );
    }
}
