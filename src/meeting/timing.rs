//! What real audio and passing time do to a turn.
//!
//! Audio reports come after the fact. One that no longer fits (the turn has ended, the microphone
//! is shut) is no fault and changes nothing: the forwarding plane reports again when the
//! microphone opens again.

use crate::{
    ids::MemberId,
    meeting::{
        draft::Draft,
        event::{Event, TurnNumber},
        giving::fill_microphones,
        hearing::Hearing,
        state::Meeting,
        turn::{Due, Phase, Turn},
    },
    time::{Millis, Timestamp},
};

impl Meeting {
    /// When [`TimePassed`](crate::meeting::Command::TimePassed) must be decided next. It changes
    /// with every event; none while all clocks are held.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.next_due().map(|(at, _, _)| at)
    }

    fn next_due(&self) -> Option<(Timestamp, &Turn, Due)> {
        let (offer, warning) = (self.settings.offer_ms, self.floor.warning_ms);
        self.floor
            .turns()
            .iter()
            .filter_map(|turn| turn.due(offer, warning).map(|(at, due)| (at, turn, due)))
            .min_by_key(|(at, turn, _)| (*at, turn.number))
    }
}

pub(super) fn audio_delivered(draft: &mut Draft, member: &MemberId) {
    if let Some((turn, Phase::Offered, _)) = heard_turn(draft, member) {
        draft.push(Event::FloorConfirmed {
            turn,
            member: member.clone(),
        });
    }
}

pub(super) fn audio_heard(draft: &mut Draft, member: &MemberId) {
    audio_delivered(draft, member);
    if let Some((turn, Phase::Speaking, false)) = heard_turn(draft, member) {
        draft.push(Event::FloorStarted {
            turn,
            member: member.clone(),
        });
    }
}

/// Number, phase and whether the clock was started, of a turn that is heard now.
fn heard_turn(draft: &Draft, member: &MemberId) -> Option<(TurnNumber, Phase, bool)> {
    if draft.hearing(member) != Hearing::Floor {
        return None;
    }
    let turn = draft.floor.turn_of(member)?;
    Some((turn.number, turn.phase, turn.has_started()))
}

/// Does all that is due by now. It ends: each step takes away a turn's next deadline, and a hand
/// is offered the floor twice at most.
pub(super) fn time_passed(draft: &mut Draft) {
    while let Some((at, turn, due)) = draft.next_due() {
        if at > draft.now {
            return;
        }
        let (number, member) = (turn.number, turn.member.clone());
        let requeued = !turn.second_offer;
        let remaining_ms: Millis = turn.limit - turn.spent(draft.now);
        match due {
            Due::Miss => {
                draft.push(Event::FloorMissed {
                    turn: number,
                    member: member.clone(),
                    requeued,
                });
                fill_microphones(draft, Some(&member));
            }
            Due::Warning => draft.push(Event::FloorWarned {
                turn: number,
                member,
                remaining_ms,
            }),
            Due::Overtime => draft.push(Event::FloorOvertime {
                turn: number,
                member,
            }),
        }
    }
}
