//! The floor as it stands: the queue of hands, the turns, priority and the technical stop.
//!
//! Only delegates have turns. A turn is one of a speech, a response or a point of order; those of the
//! highest kind that there is are open, as many as there are microphones, and the others are paused.
//! Who may ask or give is decided in `asking` and `giving`.

use serde::{Deserialize, Serialize};

use crate::{
    ids::MemberId,
    meeting::{
        event::{Placed, TurnNumber},
        queue::{HandKind, Level, Why},
        turn::Turn,
    },
    time::{Millis, Timestamp},
};

/// The most delegates' microphones that may be open at once.
pub const MICROPHONES_MAX: u8 = 25;

/// A request to speak.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hand {
    /// Whose it is.
    pub member: MemberId,
    /// What for.
    pub kind: HandKind,
    /// When it was raised, or returned to the queue.
    pub since: Timestamp,
    /// Why it is where it is.
    pub why: Why,
    /// Counts the hands as they came.
    pub(super) number: u64,
    /// Whether an offer has been missed already: the next one is the last.
    pub(super) missed: bool,
    /// It came back from a turn that came to nothing, and is at the head.
    pub(super) returned: bool,
    /// A chair placed it; among several the lower is first.
    pub(super) pin: Option<u16>,
}

/// The floor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Floor {
    pub(super) last_turn: TurnNumber,
    /// Who was given the last speech.
    pub(super) last_speaker: Option<MemberId>,
    /// The number of the last hand.
    last_hand: u64,
    /// No new hands of delegates.
    pub(super) queue_closed: bool,
    /// The chair who has priority.
    pub(super) priority: Option<MemberId>,
    /// The clocks stand: something technical is wrong.
    pub(super) technical_stop: bool,
    /// In their order. At most the profile's `queue_max`, the responses' and points' own limits, and
    /// what returns from turns, each of which was one of them.
    hands: Vec<Hand>,
    pub(super) turns: Vec<Turn>,
}

impl Floor {
    /// The hands in their order.
    pub fn hands(&self) -> &[Hand] {
        &self.hands
    }

    /// The member's hand for a point of order, or the other one.
    pub fn hand(&self, member: &MemberId, point: bool) -> Option<&Hand> {
        let mut hands = self.hands.iter();
        hands.find(|hand| hand.member == *member && hand.kind.is_point() == point)
    }

    /// The turns, the oldest first.
    pub fn turns(&self) -> &[Turn] {
        &self.turns
    }

    /// The member's turn, offered or speaking.
    pub fn turn_of(&self, member: &MemberId) -> Option<&Turn> {
        self.turns.iter().find(|turn| turn.member == *member)
    }

    /// The chair who has priority.
    pub fn priority(&self) -> Option<&MemberId> {
        self.priority.as_ref()
    }

    /// The highest kind of turn that there is: the others are paused.
    pub(super) fn level(&self) -> Option<Level> {
        self.turns.iter().map(|turn| turn.kind.level()).max()
    }

    /// The turns of speeches.
    pub(super) fn speeches(&self) -> impl Iterator<Item = &Turn> {
        self.at(Level::Speech)
    }

    /// The turns of a level, the oldest first.
    pub(super) fn at(&self, level: Level) -> impl Iterator<Item = &Turn> {
        let turns = self.turns.iter();
        turns.filter(move |turn| turn.kind.level() == level)
    }

    /// Whether a turn is open as far as other turns go: of the highest kind, and among as many as
    /// there are microphones.
    pub(super) fn is_open(&self, turn: &Turn, microphones: u8) -> bool {
        let level = turn.kind.level();
        let older = self.at(level).take_while(|it| it.number != turn.number);
        self.level() == Some(level) && older.count() < usize::from(microphones)
    }

    pub(super) fn turn_mut(&mut self, number: TurnNumber) -> Option<&mut Turn> {
        self.turns.iter_mut().find(|turn| turn.number == number)
    }

    pub(super) fn turn_held_by(&mut self, member: &MemberId) -> Option<&mut Turn> {
        self.turns.iter_mut().find(|turn| turn.member == *member)
    }

    pub(super) fn raise_hand(
        &mut self,
        at: Timestamp,
        (member, kind): (&MemberId, HandKind),
        place: Option<u16>,
        why: Why,
    ) {
        self.lower_hand(member, kind.is_point());
        let hand = self.new_hand(member, kind, at, why);
        self.insert(place, hand);
    }

    fn new_hand(&mut self, member: &MemberId, kind: HandKind, since: Timestamp, why: Why) -> Hand {
        self.last_hand = self.last_hand.saturating_add(1);
        Hand {
            member: member.clone(),
            kind,
            since,
            why,
            number: self.last_hand,
            missed: false,
            returned: false,
            pin: None,
        }
    }

    fn insert(&mut self, place: Option<u16>, hand: Hand) {
        let end = self.hands.len();
        let index = place.map_or(end, |place| usize::from(place.max(1)) - 1);
        self.hands.insert(index.min(end), hand);
    }

    pub(super) fn lower_hand(&mut self, member: &MemberId, point: bool) {
        self.hands
            .retain(|hand| hand.member != *member || hand.kind.is_point() != point);
    }

    pub(super) fn lower_hands(&mut self, member: &MemberId) {
        self.hands.retain(|hand| hand.member != *member);
    }

    /// Pins a speech at a place, and all that is ahead of it there. The order itself follows.
    pub(super) fn move_hand(&mut self, member: &MemberId, place: u16) {
        let moves = |it: &Hand| it.member == *member && it.kind == HandKind::Speech;
        let Some(from) = self.hands.iter().position(moves) else {
            return;
        };
        self.hands[from].returned = false;
        let mut order: Vec<usize> = (0..self.hands.len()).filter(|it| *it != from).collect();
        let stays = |it: &&usize| {
            let hand = &self.hands[**it];
            hand.returned || hand.kind != HandKind::Speech
        };
        let first = order.iter().filter(stays).count();
        let to = usize::from(place.max(1)).saturating_sub(1);
        let to = to.clamp(first, order.len());
        order.insert(to, from);
        for (place, index) in order.into_iter().enumerate() {
            let hand = &mut self.hands[index];
            let is_free = hand.kind == HandKind::Speech && !hand.returned;
            if is_free && (place <= to || hand.pin.is_some()) {
                hand.pin = Some(u16::try_from(place).unwrap_or(u16::MAX));
            }
        }
    }

    /// Brings the hands into this order. A hand that is not named stays, behind those that are.
    pub(super) fn order(&mut self, placed: &[Placed]) {
        let mut rest = std::mem::take(&mut self.hands);
        for placed in placed {
            let same = |it: &Hand| it.member == placed.member && it.kind == placed.kind;
            if let Some(index) = rest.iter().position(same) {
                let mut hand = rest.remove(index);
                hand.why = placed.why;
                self.hands.push(hand);
            }
        }
        self.hands.append(&mut rest);
    }

    pub(super) fn begin_turn(
        &mut self,
        at: Timestamp,
        number: TurnNumber,
        (member, kind): (&MemberId, HandKind),
        limit: Millis,
    ) {
        let point = kind.is_point();
        let second_offer = self.hand(member, point).is_some_and(|hand| hand.missed);
        self.lower_hand(member, point);
        self.last_turn = number;
        if kind == HandKind::Speech {
            self.last_speaker = Some(member.clone());
        }
        let turn = Turn::new(number, (member.clone(), kind), at, limit, second_offer);
        self.turns.push(turn);
    }

    pub(super) fn end_turn(&mut self, number: TurnNumber) -> Option<Turn> {
        let index = self.turns.iter().position(|turn| turn.number == number)?;
        Some(self.turns.remove(index))
    }

    /// Puts a hand whose turn came to nothing at the head of its kind, to be offered once more.
    pub(super) fn return_hand(&mut self, turn: &Turn, at: Timestamp) {
        let (member, kind) = (&turn.member, turn.kind);
        self.lower_hand(member, kind.is_point());
        let why = match kind.level() {
            Level::Speech => Why::Returned,
            Level::Response => Why::Response,
            Level::Point => Why::Point,
        };
        let mut hand = self.new_hand(member, kind, at, why);
        (hand.missed, hand.returned) = (true, kind == HandKind::Speech);
        let ahead = self.hands.iter();
        let ahead = match kind.level() {
            Level::Speech => {
                let first = |it: &&Hand| it.kind != HandKind::Speech || it.returned;
                ahead.take_while(first).count()
            }
            Level::Response => ahead.take_while(|it| it.kind.is_point()).count(),
            Level::Point => 0,
        };
        self.hands.insert(ahead, hand);
    }
}
