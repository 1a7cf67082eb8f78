//! A chair's hand on the list of speakers: put somebody there, move, take off, close it; and how a hand
//! comes into it.

use crate::{
    ids::MemberId,
    meeting::{
        draft::Draft,
        event::{Event, Placed},
        floor::Hand,
        giving::require_speaker,
        queue::HandKind,
        refusal::{Refusal, RefusalCode},
        session::SessionState,
    },
};

/// Puts a member on the list, whatever the mode, and also where the queue is closed.
pub(super) fn insert_hand(
    draft: &mut Draft,
    by: &MemberId,
    member: &MemberId,
    place: Option<u16>,
) -> Result<(), Refusal> {
    require_speaker(draft, member)?;
    if draft.floor.turn_of(member).is_some() {
        return Err(Refusal::not_now(format!("{member} has the floor already.")));
    }
    if draft.floor.hand(member, false).is_some() {
        return Err(Refusal::not_now(format!(
            "{member} is on the list already."
        )));
    }
    match draft.state {
        SessionState::Live | SessionState::Paused => {}
        SessionState::Scheduled | SessionState::Prepared | SessionState::Closed => {
            return Err(Refusal::not_now("The session is not open."));
        }
    }
    require_room(draft)?;
    raise(draft, member, HandKind::Speech, Some(by));
    if let Some(place) = place {
        place_hand(draft, by, member, place);
    }
    Ok(())
}

/// Moves a speech to a place, behind points of order, responses and returned hands.
pub(super) fn move_hand(
    draft: &mut Draft,
    by: &MemberId,
    member: &MemberId,
    place: u16,
    from_place: Option<u16>,
) -> Result<(), Refusal> {
    match draft.floor.hand(member, false) {
        None => Err(Refusal::not_now(format!("{member}'s hand is not up."))),
        Some(hand) if hand.kind != HandKind::Speech => Err(Refusal::not_now(
            "A response keeps its place before the speeches.",
        )),
        Some(_) => {
            let own = |it: &Hand| it.member == *member && !it.kind.is_point();
            let index = draft.floor.hands().iter().position(own);
            let now_at = index.map_or(0, |it| it.saturating_add(1));
            if from_place.is_some_and(|seen| usize::from(seen) != now_at) {
                return Err(Refusal::conflict(format!(
                    "The list has changed meanwhile: {member} is number {now_at} now."
                )));
            }
            place_hand(draft, by, member, place);
            Ok(())
        }
    }
}

fn place_hand(draft: &mut Draft, by: &MemberId, member: &MemberId, place: u16) {
    draft.push(Event::FloorMoved {
        member: member.clone(),
        place: place.max(1),
        by: by.clone(),
    });
}

/// Raises a hand at the place that is its own in the queue.
pub(super) fn raise(draft: &mut Draft, member: &MemberId, kind: HandKind, by: Option<&MemberId>) {
    let placed = draft.with_hand(member, kind);
    let own = |it: &Placed| it.member == *member && it.kind == kind;
    let index = placed.iter().position(own).unwrap_or(placed.len());
    let last = index.saturating_add(1) >= placed.len();
    let place = u16::try_from(index.saturating_add(1)).unwrap_or(u16::MAX);
    draft.push(Event::FloorRequested {
        member: member.clone(),
        kind,
        place: (!last).then_some(place),
        why: placed.get(index).map(|it| it.why).unwrap_or_default(),
        by: by.cloned(),
    });
}

/// Whether the queue takes another speech.
pub(super) fn require_room(draft: &Draft) -> Result<(), Refusal> {
    let hands = draft.floor.hands().iter();
    let speeches = hands.filter(|hand| hand.kind == HandKind::Speech).count();
    if speeches < usize::from(draft.profile.queue_max) {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::QueueFull,
        "The list of speakers is full: try again when somebody has spoken.",
    ))
}

pub(super) fn remove_hand(
    draft: &mut Draft,
    by: &MemberId,
    member: &MemberId,
    point: bool,
) -> Result<(), Refusal> {
    draft.require_present(member)?;
    if draft.floor.hand(member, point).is_none() {
        return Err(Refusal::not_now(format!("{member}'s hand is not up.")));
    }
    draft.push(Event::FloorWithdrawn {
        member: member.clone(),
        by: Some(by.clone()),
        point,
    });
    Ok(())
}

pub(super) fn clear_queue(draft: &mut Draft, by: &MemberId) -> Result<(), Refusal> {
    if draft.floor.hands().is_empty() {
        return Err(Refusal::not_now("No hand is raised."));
    }
    lower_hands(draft, by, |_| true);
    Ok(())
}

/// Takes these hands out of the queue.
pub(super) fn lower_hands(draft: &mut Draft, by: &MemberId, which: impl Fn(&Hand) -> bool) {
    let hands = draft.floor.hands().iter().filter(|hand| which(hand));
    let hands: Vec<_> = hands
        .map(|hand| (hand.member.clone(), hand.kind.is_point()))
        .collect();
    for (member, point) in hands {
        draft.push(Event::FloorWithdrawn {
            member,
            by: Some(by.clone()),
            point,
        });
    }
}

/// Takes new hands of delegates, or none.
pub(super) fn open_queue(draft: &mut Draft, by: &MemberId, open: bool) -> Result<(), Refusal> {
    let by = by.clone();
    match (draft.floor.queue_closed, open) {
        (true, true) => draft.push(Event::QueueOpened { by }),
        (false, false) => draft.push(Event::QueueClosed { by }),
        (false, true) => return Err(Refusal::not_now("The list is open already.")),
        (true, false) => return Err(Refusal::not_now("The list is closed already.")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::meeting::script;

    #[test]
    fn a_chair_moves_and_inserts_and_what_is_placed_stays() {
        let mut script = script::live_with(script::profile("policy = 'least_spoken'"));
        script.check(
            "
            0 a request            -> requested a
            0 b request            -> requested b
            0 c request            -> requested c
            0 d request            -> requested d
            1 chair-1 move d 2     -> moved d to 2 by chair-1; ordered a d b c
            1 ? why                -> a:pinned d:pinned b:received c:received
            2 chair-1 insert e 1   -> requested e by chair-1; moved e to 1 by chair-1; ordered e a d b c
            2 chair-1 insert e     -> no: not_now
            3 f request response   -> requested response f at 1 (response)
            3 chair-1 move c 1     -> moved c to 1 by chair-1; ordered f c e a d b
            3 chair-1 move f 2     -> no: not_now
            3 chair-1 insert a     -> no: not_now
            3 chair-1 insert guest -> no: not_now
            3 chair-1 move guest 1 -> no: not_now
            4 chair-1 lower a      -> withdrawn a by chair-1
            4 ? queue              -> f c e d b
            5 chair-1 clear        -> withdrawn f by chair-1; withdrawn c by chair-1; withdrawn e by chair-1; withdrawn d by chair-1; withdrawn b by chair-1
            5 chair-1 clear        -> no: not_now
            ",
        );
    }
}
