//! The order of the hands, and why each is where it is: a function of the state, nothing kept.
//!
//! Lower first: a point of order by its rank, a response, a hand that was returned, a hand that a
//! chair placed, then the policy's order; within each, as they came.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    ids::DelegationId,
    meeting::{agenda::QueuePolicy, event::Placed, floor::Hand, state::Meeting},
    time::Millis,
};

/// What a hand is raised for.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum HandKind {
    /// To speak.
    #[default]
    Speech,
    /// To reply to what was said (right of reply): soon, and shorter.
    Response,
    /// A question, as of a member that cannot hear.
    PointOfInformation,
    /// What touches a member's own rights.
    PointOfPrivilege,
    /// That the rules are not kept.
    PointOfOrder,
}

impl HandKind {
    /// Every kind.
    pub const ALL: [HandKind; 5] = [
        HandKind::Speech,
        HandKind::Response,
        HandKind::PointOfInformation,
        HandKind::PointOfPrivilege,
        HandKind::PointOfOrder,
    ];

    /// The kind's word in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            HandKind::Speech => "speech",
            HandKind::Response => "response",
            HandKind::PointOfInformation => "point_of_information",
            HandKind::PointOfPrivilege => "point_of_privilege",
            HandKind::PointOfOrder => "point_of_order",
        }
    }

    /// Whether it is one of the points, of which a member may have one beside another hand.
    pub fn is_point(self) -> bool {
        self.level() == Level::Point
    }

    /// Whose turn pauses whose.
    pub fn level(self) -> Level {
        match self {
            HandKind::Speech => Level::Speech,
            HandKind::Response => Level::Response,
            HandKind::PointOfInformation | HandKind::PointOfPrivilege | HandKind::PointOfOrder => {
                Level::Point
            }
        }
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde gives fields by reference"
    )]
    pub(super) fn is_speech(&self) -> bool {
        *self == HandKind::Speech
    }
}

/// A turn of a higher level pauses those of the lower ones. There are several speeches at most, but
/// one response and one point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// A speech.
    Speech,
    /// A response.
    Response,
    /// A point of order.
    Point,
}

/// Why a hand is where it is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Nobody who waits for longer is behind it.
    #[default]
    Received,
    /// It is a point of order.
    Point,
    /// It is a response.
    Response,
    /// Its turn came to nothing: no sound came, or the speaker was lost.
    Returned,
    /// A chair placed it.
    Pinned,
    /// Its member is on the prepared list.
    Listed,
    /// Somebody of another delegation is due.
    Alternate,
    /// Its delegation, or its member, has spoken less.
    LeastSpoken,
}

impl Why {
    /// The reason's word in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Why::Received => "received",
            Why::Point => "point",
            Why::Response => "response",
            Why::Returned => "returned",
            Why::Pinned => "pinned",
            Why::Listed => "listed",
            Why::Alternate => "alternate",
            Why::LeastSpoken => "least_spoken",
        }
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde gives fields by reference"
    )]
    pub(super) fn is_received(&self) -> bool {
        *self == Why::Received
    }
}

/// What comes before the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// The lower rank of points of order is the higher kind.
    Point(std::cmp::Reverse<HandKind>),
    Response,
    Returned,
    Pinned(u16),
    Policy,
}

fn class(hand: &Hand) -> Class {
    match (hand.kind.level(), hand.pin) {
        (Level::Point, _) => Class::Point(std::cmp::Reverse(hand.kind)),
        (Level::Response, _) => Class::Response,
        (Level::Speech, _) if hand.returned => Class::Returned,
        (Level::Speech, Some(pin)) => Class::Pinned(pin),
        (Level::Speech, None) => Class::Policy,
    }
}

/// The queue as it should be.
pub(super) fn order(meeting: &Meeting) -> Vec<Placed> {
    let mut hands: Vec<&Hand> = meeting.floor.hands().iter().collect();
    hands.sort_by_key(|hand| (class(hand), hand.number));
    let first = hands.partition_point(|hand| class(hand) < Class::Policy);
    let by_policy = hands.split_off(first);
    let mut placed: Vec<Placed> = hands
        .into_iter()
        .map(|hand| place(hand, before_the_policy(hand)))
        .collect();
    placed.extend(match meeting.profile.policy {
        QueuePolicy::Fifo => by_policy
            .into_iter()
            .map(|hand| place(hand, Why::Received))
            .collect(),
        QueuePolicy::Fixed => fixed(meeting, by_policy),
        QueuePolicy::Alternate => alternate(meeting, by_policy),
        QueuePolicy::LeastSpoken => least_spoken(meeting, by_policy),
    });
    placed
}

fn place(hand: &Hand, why: Why) -> Placed {
    Placed {
        member: hand.member.clone(),
        kind: hand.kind,
        why,
    }
}

fn before_the_policy(hand: &Hand) -> Why {
    match class(hand) {
        Class::Point(_) => Why::Point,
        Class::Response => Why::Response,
        Class::Returned => Why::Returned,
        Class::Pinned(_) => Why::Pinned,
        Class::Policy => Why::Received,
    }
}

fn fixed(meeting: &Meeting, mut hands: Vec<&Hand>) -> Vec<Placed> {
    let list = &meeting.profile.list;
    let listed = |hand: &Hand| list.iter().position(|it| *it == hand.member);
    hands.sort_by_key(|hand| (listed(hand).unwrap_or(usize::MAX), hand.number));
    let why = |hand: &Hand| match listed(hand) {
        Some(_) => Why::Listed,
        None => Why::Received,
    };
    hands
        .into_iter()
        .map(|hand| place(hand, why(hand)))
        .collect()
}

/// Takes again and again the longest waiting hand whose delegation is not the one just taken; the
/// first comes after the last speaker.
fn alternate(meeting: &Meeting, mut hands: Vec<&Hand>) -> Vec<Placed> {
    let delegation = |member| meeting.seat(member).map(|seat| &seat.delegation);
    let mut last = meeting.floor.last_speaker.as_ref().and_then(delegation);
    let mut placed = Vec::with_capacity(hands.len());
    while !hands.is_empty() {
        let other = hands.iter().position(|it| delegation(&it.member) != last);
        let (index, why) = match other {
            Some(0) | None => (0, Why::Received),
            Some(index) => (index, Why::Alternate),
        };
        let hand = hands.remove(index);
        last = delegation(&hand.member);
        placed.push(place(hand, why));
    }
    placed
}

/// Whole seconds, so that who spoke for a breath longer is not put last for it.
fn least_spoken(meeting: &Meeting, mut hands: Vec<&Hand>) -> Vec<Placed> {
    let seconds = |ms: Millis| ms.0 / 1000;
    let spoken = |hand: &Hand| {
        let delegation = meeting.seat(&hand.member).map(|seat| &seat.delegation);
        let of_delegation = |it: &DelegationId| seconds(meeting.spoken().by_delegation(it));
        (
            delegation.map_or(0, of_delegation),
            seconds(meeting.spoken().by_member(&hand.member)),
        )
    };
    let received: BTreeMap<u64, usize> = hands
        .iter()
        .enumerate()
        .map(|(index, hand)| (hand.number, index))
        .collect();
    hands.sort_by_key(|hand| (spoken(hand), hand.number));
    let mut placed = Vec::with_capacity(hands.len());
    for (index, hand) in hands.iter().enumerate() {
        let why = match received.get(&hand.number) {
            Some(place) if *place <= index => Why::Received,
            Some(_) | None => Why::LeastSpoken,
        };
        placed.push(place(hand, why));
    }
    placed
}

#[cfg(test)]
mod tests {
    use crate::meeting::script;

    #[test]
    fn a_prepared_list_comes_first() {
        let mut script = script::live_with(script::profile(
            "policy = 'fixed', list = ['d', 'b', 'x-1']",
        ));
        script.check(
            "
            0 a request -> requested a
            0 b request -> requested b at 1 (listed)
            0 c request -> requested c
            0 d request -> requested d at 1 (listed)
            0 ? why     -> d:listed b:listed a:received c:received
            ",
        );
    }

    #[test]
    fn delegations_alternate() {
        // Of Indonesia a and b, of Malaysia c and d, of Russia e and f.
        let mut script = script::live_with(script::profile("policy = 'alternate'"));
        script.check(
            "
            0 a request     -> requested a
            0 b request     -> requested b
            0 c request     -> requested c at 2 (alternate)
            0 d request     -> requested d
            0 ? queue       -> a c b d
            1 chair-1 next  -> granted 1 a by chair-1
            1 ? why         -> c:alternate b:received d:received
            2 e request     -> requested e
            3 chair-1 next  -> ended 1 a stopped 0 by chair-1; granted 2 c by chair-1
            4 chair-1 next  -> ended 2 c stopped 0 by chair-1; granted 3 b by chair-1
            5 chair-1 next  -> ended 3 b stopped 0 by chair-1; granted 4 d by chair-1
            ",
        );
    }

    #[test]
    fn who_has_spoken_least_comes_first_the_delegation_before_the_person() {
        let mut script = script::live_with(script::profile("policy = 'least_spoken'"));
        script.check(
            "
            0  a request      -> requested a
            0  chair-1 next   -> granted 1 a by chair-1
            0  media heard a  -> confirmed 1 a; started 1 a
            1  b request      -> requested b
            1  c request      -> requested c
            10 a yield        -> ended 1 a finished 10; ordered c b
            10 ? why          -> c:least_spoken b:received
            11 a request      -> requested a
            11 ? queue        -> c b a
            12 chair-1 next   -> granted 2 c by chair-1
            12 media heard c  -> confirmed 2 c; started 2 c
            12.9 c yield      -> ended 2 c finished 0.9
            13 d request      -> requested d at 1 (least_spoken)
            ",
        );
    }
}
