//! What real audio and passing time do to a turn.
//!
//! Audio reports come after the fact. One that no longer fits (the turn has ended, the microphone
//! is shut) is no fault and changes nothing: the forwarding plane reports again when the
//! microphone opens again.

use crate::{
    ids::MemberId,
    meeting::{
        agenda::TurnEnd,
        draft::Draft,
        event::{EndReason, Event, LeaveReason, TurnNumber},
        floor::MICROPHONES_MAX,
        giving::{end_turn, fill_microphones},
        hearing::Hearing,
        presence,
        refusal::Refusal,
        session::SessionState,
        state::Meeting,
        turn::{Due, Phase, Rules, Turn},
    },
    time::{Millis, Timestamp},
};

/// For so many times an offer's time may a microphone deliver nothing but silence while others wait: it
/// works, and its speaker has been slow to begin for long enough.
const SILENT_OFFERS: u64 = 3;

/// What passing time does, and to whom.
enum Waking {
    /// To a turn.
    Turn(TurnNumber, Due),
    /// No chair can be reached for long.
    ChairAbsent,
    /// A hand was kept long enough for a member who does not come back.
    HandDropped(MemberId),
}

impl Meeting {
    /// When [`TimePassed`](crate::meeting::Command::TimePassed) must be decided next. It changes
    /// with every event; none while all clocks are held.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.next_waking().map(|(at, _)| at)
    }

    fn next_waking(&self) -> Option<(Timestamp, Waking)> {
        let others = self.chair_due().into_iter().chain(self.hand_due());
        let turns = self
            .next_due()
            .map(|(at, turn, due)| (at, Waking::Turn(turn.number, due)));
        turns.into_iter().chain(others).min_by_key(|(at, _)| *at)
    }

    fn next_due(&self) -> Option<(Timestamp, &Turn, Due)> {
        let rules = self.rules();
        self.floor
            .turns()
            .iter()
            .filter_map(|turn| {
                let (at, due) = match self.presence.lost_at(&turn.member) {
                    Some(lost_at) => {
                        let since = lost_at.max(self.resumed_at);
                        (since + self.settings.reserve_ms, Due::Forfeit)
                    }
                    None => turn.due(&rules)?,
                };
                Some((at, turn, due))
            })
            .min_by_key(|(at, turn, _)| (*at, turn.number))
    }

    /// Where no chair is there to end a turn, and somebody waits, it ends by itself. So does one in which
    /// nothing is said, where no chair need be there.
    fn rules(&self) -> Rules {
        let somebody_waits = !self.floor.hands().is_empty();
        let nobody_ends = self.desk.chair_absent && somebody_waits;
        let by_itself = self.profile.mode.gives_by_itself() || self.desk.chair_absent;
        let silence = Millis(self.settings.offer_ms.0.saturating_mul(SILENT_OFFERS));
        let end = match self.profile.end {
            TurnEnd::Continue if nobody_ends => TurnEnd::Fade,
            end @ (TurnEnd::Continue | TurnEnd::Cut | TurnEnd::Fade) => end,
        };
        Rules {
            offer: self.settings.offer_ms,
            silence: (by_itself && somebody_waits).then_some(silence),
            warning: self.profile.warning_ms,
            end,
        }
    }

    fn chair_due(&self) -> Option<(Timestamp, Waking)> {
        let open = match self.state {
            SessionState::Live | SessionState::Paused => true,
            SessionState::Scheduled | SessionState::Prepared | SessionState::Closed => false,
        };
        let since = self
            .desk
            .no_chair_since
            .filter(|_| open && !self.desk.chair_absent)?;
        let since = since.max(self.resumed_at);
        Some((since + self.settings.reserve_ms, Waking::ChairAbsent))
    }

    fn hand_due(&self) -> Option<(Timestamp, Waking)> {
        let gone = self.presence.here().iter().filter(|(_, it)| it.gone);
        let kept = gone.filter_map(|(member, it)| Some((it.lost_at?, member)));
        let (lost_at, member) = kept.min()?;
        let at = lost_at.max(self.resumed_at) + self.settings.hand_keep_ms;
        Some((at, Waking::HandDropped(member.clone())))
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

/// Steps of one decision at most: more than all turns can have due at one time. Were there more,
/// they would stay due and be the next decision's.
const STEPS_MAX: usize = 8 * MICROPHONES_MAX as usize;

/// Does all that is due by now. Each step takes away a deadline, and a hand is offered the floor
/// twice at most.
pub(super) fn time_passed(draft: &mut Draft) -> Result<(), Refusal> {
    for _ in 0..STEPS_MAX {
        let Some((at, waking)) = draft.next_waking() else {
            return Ok(());
        };
        if at > draft.now {
            return Ok(());
        }
        match waking {
            Waking::Turn(turn, due) => turn_due(draft, turn, due)?,
            Waking::ChairAbsent => draft.push(Event::ChairAbsent),
            Waking::HandDropped(member) => {
                presence::leave(draft, &member, LeaveReason::Lost, None)?;
            }
        }
    }
    Ok(())
}

fn turn_due(draft: &mut Draft, turn: TurnNumber, due: Due) -> Result<(), Refusal> {
    let mut turns = draft.floor.turns().iter();
    let Some(known) = turns.find(|it| it.number == turn) else {
        return Ok(());
    };
    let member = known.member.clone();
    let requeued = !known.second_offer;
    let spoken_ms = known.spent(draft.now);
    let remaining_ms: Millis = known.limit - spoken_ms;
    match due {
        Due::Miss => {
            draft.push(Event::FloorMissed {
                turn,
                member: member.clone(),
                requeued,
            });
            fill_microphones(draft, Some(&member));
        }
        Due::Forfeit => draft.push(Event::FloorEnded {
            turn,
            member,
            reason: EndReason::Gone,
            by: None,
            spoken_ms,
            requeued: true,
        }),
        Due::Warning => draft.push(Event::FloorWarned {
            turn,
            member,
            remaining_ms,
        }),
        Due::Overtime => draft.push(Event::FloorOvertime { turn, member }),
        Due::Fade => {
            let over_ms = draft.profile.fade_ms;
            draft.push(Event::FloorFading {
                turn,
                member,
                over_ms,
            });
        }
        Due::Silence => end_turn(draft, &member, EndReason::Missed, None)?,
        Due::Cut => end_turn(draft, &member, EndReason::Time, None)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::meeting::{agenda::FloorMode, script};

    #[test]
    fn the_clock_starts_when_speech_is_heard_not_at_the_grant() {
        script::live(FloorMode::Request, 1).check(
            "
            1   media delivered a -> nothing
            2   chair-1 grant a   -> granted 1 a by chair-1
            2   ? deadline        -> 12
            2.2 media delivered a -> confirmed 1 a
            2.3 media delivered a -> nothing
            2.3 ? deadline        -> none
            30  ? spent a         -> 0
            30  media heard a     -> started 1 a
            30  media heard a     -> nothing
            31  ? spent a         -> 1
            31  ? deadline        -> 270
            31  media heard b     -> nothing
            ",
        );
    }

    #[test]
    fn a_turn_is_warned_runs_over_and_goes_on() {
        script::live(FloorMode::Request, 1).check(
            "
            0   chair-1 grant a  -> granted 1 a by chair-1
            0   media heard a    -> confirmed 1 a; started 1 a
            239 clock passed     -> nothing
            240 clock passed     -> warned 1 a 60
            240 clock passed     -> nothing
            240 ? deadline       -> 300
            300 clock passed     -> overtime 1 a
            300 ? deadline       -> none
            300 ? heard          -> a chair-1 chair-2 guest
            317 a yield          -> ended 1 a finished 317
            ",
        );
    }

    #[test]
    fn a_turn_is_cut_or_fades_first() {
        let mut script = script::live_with(script::profile("end = 'cut', mode = 'fifo'"));
        script.check(
            "
            0   a request        -> requested a; granted 1 a
            0   b request        -> requested b
            0   media heard a    -> confirmed 1 a; started 1 a
            240 clock passed     -> warned 1 a 60
            300 clock passed     -> ended 1 a time 300; granted 2 b
            ",
        );
        let mut script = script::live_with(script::profile("end = 'fade', fade_ms = 5000"));
        script.check(
            "
            0   chair-1 grant a  -> granted 1 a by chair-1
            0   media heard a    -> confirmed 1 a; started 1 a
            240 clock passed     -> warned 1 a 60
            300 clock passed     -> fading 1 a 5
            300 ? heard          -> a chair-1 chair-2 guest
            302 chair-1 hold a   -> clock paused 1 a by chair-1
            302 ? deadline       -> none
            310 chair-1 run a    -> clock resumed 1 a by chair-1
            310 ? deadline       -> 313
            311 chair-1 extend a 120 -> extended 1 a to 420 by chair-1
            311 ? deadline       -> 368
            368 clock passed     -> warned 1 a 60
            428 clock passed     -> fading 1 a 5
            433 clock passed     -> ended 1 a time 425
            434 chair-1 extend a 60 -> no: not_now
            435 chair-1 grant a  -> granted 2 a by chair-1
            435 chair-1 extend a 0 -> no: limit
            435 chair-1 extend a 3601 -> no: limit
            ",
        );
    }

    #[test]
    fn a_clock_that_comes_late_does_all_that_is_due() {
        script::live(FloorMode::Request, 2).check(
            "
            0   chair-1 grant a  -> granted 1 a by chair-1
            0   media heard a    -> confirmed 1 a; started 1 a
            250 chair-1 grant b  -> granted 2 b by chair-1
            301 clock passed     -> warned 1 a 0; missed 2 b, requeued; overtime 1 a
            ",
        );
    }

    #[test]
    fn the_first_miss_returns_the_hand_to_the_head_the_second_to_nowhere() {
        script::live(FloorMode::Request, 1).check(
            "
            0  a request      -> requested a
            0  b request      -> requested b
            1  chair-1 next   -> granted 1 a by chair-1
            11 clock passed   -> missed 1 a, requeued
            11 ? queue        -> a b
            11 ? deadline     -> none
            12 chair-1 next   -> granted 2 a by chair-1
            22 clock passed   -> missed 2 a
            22 ? queue        -> b
            23 a request      -> requested a
            24 chair-1 grant a -> granted 3 a by chair-1
            34 clock passed   -> missed 3 a, requeued
            34 ? spoken a     -> 0
            ",
        );
    }

    #[test]
    fn open_passes_over_who_has_just_missed_then_offers_once_more() {
        script::live(FloorMode::Open, 1).check(
            "
            0  a request     -> requested a; granted 1 a
            1  b request     -> requested b
            1  c request     -> requested c
            10 clock passed  -> missed 1 a, requeued; granted 2 b
            10 ? queue       -> a c
            11 media heard b -> confirmed 2 b; started 2 b
            20 b yield       -> ended 2 b finished 9; granted 3 a
            30 clock passed  -> missed 3 a; granted 4 c
            ",
        );
    }

    #[test]
    fn open_offers_again_at_once_where_nobody_else_waits_and_then_stops() {
        script::live(FloorMode::Open, 1).check(
            "
            0  a request     -> requested a; granted 1 a
            10 clock passed  -> missed 1 a, requeued; granted 2 a
            20 clock passed  -> missed 2 a
            20 ? deadline    -> none
            ",
        );
    }

    #[test]
    fn where_no_chair_need_end_a_turn_silence_does_while_somebody_waits() {
        script::live(FloorMode::Fifo, 1).check(
            "
            0  a request         -> requested a; granted 1 a
            1  media delivered a -> confirmed 1 a
            1  ? deadline        -> none
            2  b request         -> requested b
            2  ? deadline        -> 30
            30 clock passed      -> ended 1 a missed 0; granted 2 b
            31 media heard b     -> confirmed 2 b; started 2 b
            32 c request         -> requested c
            32 ? deadline        -> 271
            40 b lost            -> lost b
            41 b back            -> back b
            41 ? deadline        -> 71
            50 media heard b     -> started 2 b
            50 ? deadline        -> 281
            51 b yield           -> ended 2 b finished 10; granted 3 c
            52 media delivered c -> confirmed 3 c
            53 d request         -> requested d
            54 chair-1 hold c    -> clock paused 3 c by chair-1
            54 ? deadline        -> none
            90 chair-1 run c     -> clock resumed 3 c by chair-1
            90 ? deadline        -> 120
            ",
        );
        script::live(FloorMode::Request, 1).check(
            "
            0 chair-1 grant a   -> granted 1 a by chair-1
            1 media delivered a -> confirmed 1 a
            2 b request         -> requested b
            2 ? deadline        -> none
            ",
        );
    }

    #[test]
    fn a_confirmed_second_offer_is_forgiven() {
        script::live(FloorMode::Open, 1).check(
            "
            0  a request         -> requested a; granted 1 a
            10 clock passed      -> missed 1 a, requeued; granted 2 a
            11 media delivered a -> confirmed 2 a
            12 a yield           -> ended 2 a finished 0
            13 a request         -> requested a; granted 3 a
            23 clock passed      -> missed 3 a, requeued; granted 4 a
            ",
        );
    }
}
