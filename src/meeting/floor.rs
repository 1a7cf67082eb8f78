//! The floor as it stands: mode, microphones, the queue of hands, the turns.
//!
//! Only delegates have turns, so the turns are the open delegates' microphones, offered ones
//! included. Who may ask or give is decided in `asking` and `giving`.

use crate::{
    ids::MemberId,
    meeting::{
        agenda::{FloorMode, Profile},
        event::TurnNumber,
        turn::Turn,
    },
    time::{Millis, Timestamp},
};

/// The most delegates' microphones that may be open at once.
pub const MICROPHONES_MAX: u8 = 25;

/// A request to speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hand {
    /// Whose it is.
    pub member: MemberId,
    /// When it was raised, or returned to the queue.
    pub since: Timestamp,
    /// Whether an offer has been missed already: the next one is the last.
    pub(super) missed: bool,
}

/// The floor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Floor {
    pub(super) mode: FloorMode,
    pub(super) microphones: u8,
    /// Full: a new hand is refused. A hand that returns after a missed offer is always taken, so
    /// there are at most [`MICROPHONES_MAX`] more than this.
    pub(super) queue_max: u16,
    pub(super) turn_ms: Millis,
    pub(super) warning_ms: Millis,
    pub(super) last_turn: TurnNumber,
    hands: Vec<Hand>,
    pub(super) turns: Vec<Turn>,
}

impl Floor {
    pub(super) fn new(profile: &Profile) -> Self {
        Self {
            mode: profile.mode,
            microphones: profile.microphones.clamp(1, MICROPHONES_MAX),
            queue_max: profile.queue_max,
            turn_ms: profile.turn_ms,
            warning_ms: profile.warning_ms,
            last_turn: TurnNumber::default(),
            hands: Vec::new(),
            turns: Vec::new(),
        }
    }

    /// The hands in their order.
    pub fn hands(&self) -> &[Hand] {
        &self.hands
    }

    /// Whether the member's hand is up.
    pub fn has_hand(&self, member: &MemberId) -> bool {
        self.hands.iter().any(|hand| hand.member == *member)
    }

    /// The turns, the oldest first.
    pub fn turns(&self) -> &[Turn] {
        &self.turns
    }

    /// The member's turn, offered or speaking.
    pub fn turn_of(&self, member: &MemberId) -> Option<&Turn> {
        self.turns.iter().find(|turn| turn.member == *member)
    }

    /// Whether another microphone may be opened.
    pub fn has_free_microphone(&self) -> bool {
        self.turns.len() < usize::from(self.microphones)
    }

    pub(super) fn turn_mut(&mut self, number: TurnNumber) -> Option<&mut Turn> {
        self.turns.iter_mut().find(|turn| turn.number == number)
    }

    pub(super) fn turn_held_by(&mut self, member: &MemberId) -> Option<&mut Turn> {
        self.turns.iter_mut().find(|turn| turn.member == *member)
    }

    pub(super) fn raise_hand(&mut self, member: &MemberId, at: Timestamp) {
        self.lower_hand(member);
        self.hands.push(Hand {
            member: member.clone(),
            since: at,
            missed: false,
        });
    }

    pub(super) fn lower_hand(&mut self, member: &MemberId) {
        self.hands.retain(|hand| hand.member != *member);
    }

    pub(super) fn begin_turn(
        &mut self,
        number: TurnNumber,
        member: &MemberId,
        at: Timestamp,
        limit: Millis,
    ) {
        let second_offer = self
            .hands
            .iter()
            .any(|hand| hand.member == *member && hand.missed);
        self.lower_hand(member);
        self.last_turn = number;
        self.turns
            .push(Turn::new(number, member.clone(), at, limit, second_offer));
    }

    pub(super) fn end_turn(&mut self, number: TurnNumber) {
        self.turns.retain(|turn| turn.number != number);
    }

    pub(super) fn miss_turn(
        &mut self,
        number: TurnNumber,
        member: &MemberId,
        at: Timestamp,
        requeued: bool,
    ) {
        self.end_turn(number);
        if requeued {
            self.return_hand(member, at);
        }
    }

    /// Puts a hand whose turn came to nothing at the head of the queue, to be offered once more.
    pub(super) fn return_hand(&mut self, member: &MemberId, at: Timestamp) {
        self.lower_hand(member);
        let hand = Hand {
            member: member.clone(),
            since: at,
            missed: true,
        };
        self.hands.insert(0, hand);
    }
}
