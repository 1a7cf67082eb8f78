//! How a chair conducts a session: its settings, the agenda's items, what waits for the end of the
//! turns, the lock, the spotlight, a technical stop, who moderates.

use crate::{
    ids::{ItemId, MemberId, SessionId},
    meeting::{
        agenda::{Profile, ProfileChange},
        draft::Draft,
        event::{Change, Event},
        lobby,
        refusal::{Refusal, RefusalCode},
        roster::Role,
        session::{self, SessionState},
    },
};

/// Changes what differs; nothing where all is so already.
pub(super) fn configure(
    draft: &mut Draft,
    by: Option<&MemberId>,
    change: &ProfileChange,
) -> Result<(), Refusal> {
    if let Some(message) = change.out_of_bounds() {
        return Err(Refusal::new(RefusalCode::Limit, message));
    }
    for member in change.list.iter().flatten() {
        draft.require_seat(member)?;
    }
    let change = draft.profile.change_to(&draft.profile.with(change));
    if change.is_empty() {
        return Ok(());
    }
    let opens_the_lobby = change.lobby == Some(false);
    draft.push(Event::SessionConfigured {
        by: by.cloned(),
        change,
    });
    if opens_the_lobby {
        lobby::open(draft, None)?;
    }
    Ok(())
}

/// Lays the settings of the item that is on over these.
pub(super) fn settle_profile(
    draft: &mut Draft,
    by: Option<&MemberId>,
    under: &Profile,
) -> Result<(), Refusal> {
    let item = draft.item().and_then(|(item, _)| draft.plan.item(item));
    let wanted = match item {
        Some(item) => under.with(&item.profile),
        None => under.clone(),
    };
    let change = draft.profile.change_to(&wanted);
    configure(draft, by, &change)
}

/// Begins an item of the agenda; where somebody has the floor, after the turns unless it is forced.
pub(super) fn start_item(
    draft: &mut Draft,
    by: &MemberId,
    item: &ItemId,
    after_item: Option<&ItemId>,
    force: bool,
) -> Result<(), Refusal> {
    require_open(draft)?;
    if draft.plan.item(item).is_none() {
        return Err(Refusal::new(
            RefusalCode::UnknownItem,
            format!("{item} is not on the agenda of this session."),
        ));
    }
    let on = draft.item().map(|(on, _)| on);
    if after_item.is_some() && after_item != on {
        let on = on.map_or("no item", ItemId::as_str);
        return Err(Refusal::conflict(format!(
            "The agenda has gone on meanwhile: {on} is on now."
        )));
    }
    if on == Some(item) {
        return Err(Refusal::not_now("This item is on already."));
    }
    if !force && !draft.floor.turns().is_empty() {
        return wait(draft, by, Change::Item(item.clone()));
    }
    start_item_now(draft, by, item)
}

fn start_item_now(draft: &mut Draft, by: &MemberId, item: &ItemId) -> Result<(), Refusal> {
    draft.push(Event::ItemStarted {
        item: item.clone(),
        by: by.clone(),
    });
    // What chairs changed by hand ends with the item.
    let planned = draft.plan.profile.clone();
    settle_profile(draft, Some(by), &planned)
}

/// Lets a change wait until the turns are over.
pub(super) fn wait(draft: &mut Draft, by: &MemberId, change: Change) -> Result<(), Refusal> {
    if draft.agenda.awaited.as_ref().map(|(it, _)| it) == Some(&change) {
        return Err(Refusal::not_now(
            "It waits for the speaker already: force it to have it now.",
        ));
    }
    draft.push(Event::ChangeAwaited {
        change,
        by: by.clone(),
    });
    Ok(())
}

pub(super) fn drop_change(draft: &mut Draft, by: &MemberId) -> Result<(), Refusal> {
    if draft.agenda.awaited.is_none() {
        return Err(Refusal::not_now("Nothing waits for the speaker."));
    }
    draft.push(Event::ChangeDropped { by: by.clone() });
    Ok(())
}

/// Does what has waited, once the turns are over.
pub(super) fn do_awaited(draft: &mut Draft) {
    if !draft.floor.turns().is_empty() {
        return;
    }
    match draft.agenda.awaited.clone() {
        Some((Change::Close, by)) => session::close_now(draft, &by),
        Some((Change::Item(item), by)) => {
            // The plan's own settings are within their bounds.
            let started = start_item_now(draft, &by, &item);
            debug_assert_eq!(started, Ok(()));
        }
        None => {}
    }
}

/// That the session exists is known outside.
pub(super) fn move_on(draft: &mut Draft, by: &MemberId, to: &SessionId) -> Result<(), Refusal> {
    if draft.plan.id == *to {
        return Err(Refusal::not_now("This is the session that you are in."));
    }
    let (to, by) = (to.clone(), by.clone());
    draft.push(Event::MovedOn { to, by });
    Ok(())
}

pub(super) fn lock(draft: &mut Draft, by: &MemberId) -> Result<(), Refusal> {
    if draft.desk.locked {
        return Err(Refusal::not_now("The session is locked already."));
    }
    draft.push(Event::SessionLocked { by: by.clone() });
    Ok(())
}

pub(super) fn unlock(draft: &mut Draft, by: &MemberId) -> Result<(), Refusal> {
    if !draft.desk.locked {
        return Err(Refusal::not_now("The session is not locked."));
    }
    draft.push(Event::SessionUnlocked { by: by.clone() });
    Ok(())
}

pub(super) fn spotlight(
    draft: &mut Draft,
    by: &MemberId,
    member: Option<&MemberId>,
) -> Result<(), Refusal> {
    if let Some(member) = member {
        draft.require_present(member)?;
        if !draft.has_pictures(member) {
            return Err(Refusal::not_now(format!("{member} shows no pictures.")));
        }
    }
    if draft.desk.spotlight.as_ref() == member {
        return Ok(());
    }
    draft.push(Event::Spotlighted {
        member: member.cloned(),
        by: by.clone(),
    });
    Ok(())
}

pub(super) fn begin_technical_stop(draft: &mut Draft, by: &MemberId) -> Result<(), Refusal> {
    require_open(draft)?;
    if draft.floor.technical_stop {
        return Err(Refusal::not_now("There is a technical stop already."));
    }
    draft.push(Event::TechnicalStopBegan { by: by.clone() });
    Ok(())
}

pub(super) fn end_technical_stop(draft: &mut Draft, by: &MemberId) -> Result<(), Refusal> {
    if !draft.floor.technical_stop {
        return Err(Refusal::not_now("There is no technical stop."));
    }
    draft.push(Event::TechnicalStopEnded { by: by.clone() });
    Ok(())
}

/// Another chair moderates from now on. Roles stay the roster's.
pub(super) fn hand_over(draft: &mut Draft, by: &MemberId, to: &MemberId) -> Result<(), Refusal> {
    draft.require_present(to)?;
    if draft.require_seat(to)?.role != Role::Chair {
        return Err(Refusal::new(
            RefusalCode::NotAllowed,
            format!("{to} is not a chair of this event."),
        ));
    }
    if draft.is_lost(to) {
        return Err(Refusal::not_now(format!(
            "{to} has lost the connection: wait a moment."
        )));
    }
    if draft.acting_chair() == Some(to) {
        return Err(Refusal::not_now(format!("{to} moderates already.")));
    }
    draft.push(Event::ChairHandedOver {
        to: to.clone(),
        by: by.clone(),
    });
    Ok(())
}

fn require_open(draft: &Draft) -> Result<(), Refusal> {
    match draft.state {
        SessionState::Live | SessionState::Paused => Ok(()),
        SessionState::Scheduled | SessionState::Prepared | SessionState::Closed => {
            Err(Refusal::not_now("The session is not open."))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::meeting::{agenda::FloorMode, script};

    #[test]
    fn an_item_brings_its_settings_and_takes_those_made_by_hand_away() {
        script::live(FloorMode::Request, 1).check(
            "
            0    ? item                     -> opening-remarks
            0    chair-1 item discussion    -> item discussion by chair-1; configured mode = 'fifo', microphones = 2 by chair-1
            0    chair-1 item discussion    -> no: not_now
            0    chair-1 item nothing       -> no: unknown_item
            0    a item discussion          -> no: not_allowed
            10   chair-1 configure turn_ms = 60000 -> configured turn_ms = 60000 by chair-1
            20   chair-1 item recommendations -> item recommendations by chair-1; configured mode = 'request', microphones = 1, turn_ms = 300000 by chair-1
            1260 chair-1 item opening-remarks -> item opening-remarks by chair-1
            1260 ? late                     -> 1260
            ",
        );
    }

    #[test]
    fn the_first_items_settings_are_laid_over_what_was_configured_before() {
        script::empty().check(
            "
            0 server configure open 12 -> configured mode = 'open', microphones = 12
            0 server open              -> opened
            0 ? item                   -> opening-remarks
            ",
        );
    }

    #[test]
    fn a_technical_stop_holds_clocks_and_offers_and_the_mode() {
        script::live(FloorMode::Open, 2).check(
            "
            0  a request        -> requested a; granted 1 a
            0  media heard a    -> confirmed 1 a; started 1 a
            1  b request        -> requested b; granted 2 b
            5  chair-1 tech     -> technical stop by chair-1
            5  chair-1 tech     -> no: not_now
            5  ? heard          -> a b chair-1 chair-2 guest
            5  ? deadline       -> none
            6  c request        -> requested c
            7  b yield          -> ended 2 b finished 0
            60 chair-2 tech-end -> technical stop ended by chair-2; granted 3 c
            60 chair-2 tech-end -> no: not_now
            61 ? spent a        -> 6
            ",
        );
    }

    #[test]
    fn the_spotlight_comes_before_the_floor_and_goes_with_its_member() {
        script::live(FloorMode::Request, 1).check(
            "
            0 chair-1 grant a           -> granted 1 a by chair-1
            1 chair-1 spotlight guest   -> spotlight guest by chair-1
            1 chair-1 spotlight guest   -> nothing
            1 chair-1 spotlight watcher -> no: not_now
            1 ? prominent               -> guest a chair-1 chair-2
            2 guest leave               -> left guest left
            2 ? prominent               -> a chair-1 chair-2
            3 chair-1 spotlight         -> nothing
            ",
        );
    }

    #[test]
    fn the_chair_is_handed_over_and_falls_to_the_next_by_rank() {
        script::live(FloorMode::Request, 1).check(
            "
            0 ? chair                    -> chair-1
            1 chair-1 hand-over chair-1  -> no: not_now
            1 chair-1 hand-over a        -> no: not_allowed
            1 chair-1 hand-over chair-2  -> chair chair-2 by chair-1
            1 ? chair                    -> chair-2
            2 chair-2 lost               -> lost chair-2
            2 ? chair                    -> chair-1
            2 chair-1 hand-over chair-2  -> no: not_now
            3 chair-2 back               -> back chair-2
            3 ? chair                    -> chair-2
            4 chair-2 leave              -> left chair-2 left
            4 ? chair                    -> chair-1
            ",
        );
    }

    #[test]
    fn everybody_is_asked_to_move_on() {
        script::live(FloorMode::Request, 1).check(
            "
            1 chair-1 move-on session-2 -> moved on to session-2 by chair-1
            1 chair-1 move-on session-1 -> no: not_now
            1 a move-on session-2       -> no: not_allowed
            ",
        );
    }

    #[test]
    fn a_prepared_list_has_members_of_the_roster() {
        script::live(FloorMode::Request, 1).check(
            "
            1 chair-1 configure list = ['a', 'nobody'] -> no: unknown_member
            1 chair-1 configure queue_max = 0          -> no: limit
            1 chair-1 configure end = 'continue'       -> nothing
            ",
        );
    }
}
