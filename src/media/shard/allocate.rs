//! Who gets which layer of the bits that a subscriber's path carries: a pure function of the
//! budget, the slots in order of priority, and what plays now.
//!
//! First each slot gets its lowest layer, or a larger one that costs less, in the order given;
//! then, in the same order, each is raised as far as there is room, and never above what its shown
//! height needs. Sound is not here: the caller has taken it off the budget. This module must never
//! know who is in a slot.

#![forbid(unsafe_code)]

use std::{
    ops::Range,
    time::{Duration, Instant},
};

/// What is raised must leave this part of the budget free: a sixth. Together with
/// [`kept_within`] it is wider than an estimate that swings by a tenth either way.
fn raised_within(budget_bits: u64) -> u64 {
    budget_bits - budget_bits.div_ceil(6)
}

/// What plays is kept until it costs a twentieth more than the budget: measured rates swing.
fn kept_within(budget_bits: u64) -> u64 {
    budget_bits.saturating_add(budget_bits / 20)
}

/// After a slot was lowered for want of room it is not raised for this long.
const HOLD: Duration = Duration::from_millis(1500);

/// One of the layers that a source sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// The caller's name for it.
    pub index: u8,
    /// What it costs, in bits per second, as measured.
    pub bits: u64,
    /// Height of its picture, in pixels.
    pub height: u16,
}

/// What plays on a slot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Choice {
    /// The layer's index; `None` while the slot is paused.
    pub layer: Option<u8>,
    /// When it was last lowered for want of room.
    pub lowered_at: Option<Instant>,
}

/// A slot to be filled.
#[derive(Debug, Clone, Copy)]
pub struct Slot<'a> {
    layers: &'a [Layer],
    choice: Choice,
    /// Places in `layers`: what plays now, the highest of use, what shall play.
    present: Option<usize>,
    highest: Option<usize>,
    chosen: Option<usize>,
}

impl<'a> Slot<'a> {
    /// A slot that could carry these `layers`, lowest first, on which `present` plays, shown
    /// `shown` pixels high; `None` wants as large a picture as there is.
    pub fn new(layers: &'a [Layer], shown: Option<u16>, present: Choice) -> Self {
        let last = layers.len().checked_sub(1);
        let covering =
            shown.and_then(|shown| layers.iter().position(|layer| covers(layer.height, shown)));
        Self {
            layers,
            choice: present,
            // A layer that is no longer sent counts as the next lower one.
            present: present
                .layer
                .and_then(|index| layers.iter().rposition(|layer| layer.index <= index)),
            highest: covering.or(last),
            chosen: None,
        }
    }

    /// What shall play, once [`allocate`] has seen it.
    pub fn choice(&self) -> Choice {
        self.choice
    }

    fn cost(&self, place: Option<usize>) -> u64 {
        place
            .and_then(|place| self.layers.get(place))
            .map_or(0, |layer| layer.bits)
    }

    /// How much all together may cost with this layer on this slot.
    fn limit(&self, now: Instant, budget_bits: u64, place: usize) -> u64 {
        if self.present.is_some_and(|present| place <= present) {
            return kept_within(budget_bits);
        }
        let held = self
            .choice
            .lowered_at
            .is_some_and(|at| now.saturating_duration_since(at) < HOLD);
        if held { 0 } else { raised_within(budget_bits) }
    }

    fn settle(&mut self, now: Instant) {
        // Lowered because it is shown smaller does not count: shown larger, it is raised at once.
        if self.chosen < self.present.min(self.highest) {
            self.choice.lowered_at = Some(now);
        }
        self.choice.layer = self
            .chosen
            .and_then(|place| self.layers.get(place))
            .map(|layer| layer.index);
    }
}

/// Whether a picture of this height is good enough to be shown at that height: four fifths.
pub fn covers(height: u16, shown: u16) -> bool {
    u32::from(height) * 5 >= u32::from(shown) * 4
}

/// What came of an allocation, in bits per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allocated {
    /// What the chosen layers cost.
    pub used: u64,
    /// The budget with which no slot would be paused or lowered.
    pub wished: u64,
}

/// Chooses a layer for each of `slots`, those that matter most first.
///
/// The chosen layers cost at most the budget and a twentieth, and where anything was raised, at
/// most five sixths of it counting what stands before it. Equal arguments give equal choices.
pub fn allocate(now: Instant, budget_bits: u64, slots: &mut [Slot<'_>]) -> Allocated {
    let mut used = 0_u64;
    let mut wished = 0_u64;
    for slot in &mut *slots {
        slot.chosen = None;
        wished = wished.saturating_add(slot.cost(slot.highest));
        // The lowest, or a larger one that costs less (browsers give the smallest most of the bits at times): else
        // another slot waits for room that is there. Without room for either, what costs least of all.
        let cheapest = |places: Range<usize>| places.min_by_key(|place| slot.cost(Some(*place)));
        let fitting = cheapest(0..slot.highest.map_or(0, |highest| highest + 1));
        let least = cheapest(0..slot.layers.len());
        for place in [fitting, Some(0), least].into_iter().flatten() {
            let with = used.saturating_add(slot.cost(Some(place)));
            let fits = with <= slot.limit(now, budget_bits, place);
            if fits && slot.chosen.is_none() && place < slot.layers.len() {
                slot.chosen = Some(place);
                used = with;
            }
        }
    }
    for slot in &mut *slots {
        let (Some(_), Some(highest)) = (slot.chosen, slot.highest) else {
            continue;
        };
        for place in 1..=highest {
            let with = (used - slot.cost(slot.chosen)).saturating_add(slot.cost(Some(place)));
            if with > slot.limit(now, budget_bits, place) {
                break;
            }
            slot.chosen = Some(place);
            used = with;
        }
    }
    for slot in slots {
        slot.settle(now);
    }
    Allocated {
        used,
        wished: wished.saturating_add(wished.div_ceil(5)),
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "an instant cannot be made from nothing"
)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SIMULCAST: [Layer; 3] = [
        layer(0, 150_000, 180),
        layer(1, 500_000, 360),
        layer(2, 1_500_000, 720),
    ];

    const fn layer(index: u8, bits: u64, height: u16) -> Layer {
        Layer {
            index,
            bits,
            height,
        }
    }

    /// Slots with the same layers, shown at these heights.
    #[derive(Debug)]
    struct Wall {
        now: Instant,
        shown: Vec<Option<u16>>,
        layers: Vec<Vec<Layer>>,
        choices: Vec<Choice>,
    }

    impl Wall {
        fn new(shown: &[Option<u16>]) -> Self {
            Self {
                now: Instant::now(),
                shown: shown.to_vec(),
                layers: vec![SIMULCAST.to_vec(); shown.len()],
                choices: vec![Choice::default(); shown.len()],
            }
        }

        fn allocate(&mut self, budget_bits: u64) -> Allocated {
            let mut slots: Vec<_> = (0..self.shown.len())
                .map(|i| Slot::new(&self.layers[i], self.shown[i], self.choices[i]))
                .collect();
            let allocated = allocate(self.now, budget_bits, &mut slots);
            self.choices = slots.iter().map(Slot::choice).collect();
            allocated
        }

        fn after(&mut self, ms: u64, budget_bits: u64) -> Vec<Option<u8>> {
            self.now += Duration::from_millis(ms);
            self.allocate(budget_bits);
            self.chosen()
        }

        fn chosen(&self) -> Vec<Option<u8>> {
            self.choices.iter().map(|choice| choice.layer).collect()
        }

        fn cost(&self) -> u64 {
            std::iter::zip(&self.choices, &self.layers)
                .filter_map(|(choice, layers)| {
                    layers
                        .iter()
                        .find(|layer| Some(layer.index) == choice.layer)
                })
                .map(|layer| layer.bits)
                .sum()
        }
    }

    #[test]
    fn all_get_the_lowest_before_the_first_is_raised() {
        let mut wall = Wall::new(&[None; 3]);
        assert_eq!(wall.after(0, 200_000), [Some(0), None, None]);
        assert_eq!(wall.after(0, 400_000), [Some(0), Some(0), None]);
        assert_eq!(wall.after(0, 540_000), [Some(0); 3]);
        assert_eq!(wall.after(0, 1_000_000), [Some(1), Some(0), Some(0)]);
        assert_eq!(wall.after(0, 1_400_000), [Some(1), Some(1), Some(0)]);
        // What plays is kept where a raise would not be made.
        assert_eq!(wall.after(0, 2_200_000), [Some(2), Some(1), Some(0)]);
        let mut anew = Wall::new(&[None; 3]);
        assert_eq!(anew.after(0, 2_200_000), [Some(2), Some(0), Some(0)]);
        assert_eq!(wall.after(9000, 6_000_000), [Some(2); 3]);
    }

    #[test]
    fn a_larger_layer_that_costs_less_does_where_the_lowest_has_no_room() {
        let mut wall = Wall::new(&[Some(180)]);
        wall.layers[0] = vec![layer(0, 500_000, 180), layer(1, 150_000, 360)];
        assert_eq!(wall.after(0, 400_000), [Some(1)]);
        assert_eq!(wall.after(9000, 400_000), [Some(1)]);
        assert_eq!(wall.after(9000, 900_000), [Some(0)]);
        assert_eq!(wall.after(9000, 100_000), [None]);
    }

    #[test]
    fn nobody_waits_for_the_room_of_a_small_layer_that_costs_more_than_a_larger_one() {
        let mut wall = Wall::new(&[Some(360), Some(180)]);
        assert_eq!(wall.after(0, 1_000_000), [Some(1), Some(0)]);
        // As Chromium sent it on a bad network.
        wall.layers[0] = vec![layer(0, 1_044_000, 180), layer(1, 584_000, 360)];
        assert_eq!(wall.after(1, 1_067_000), [Some(1), Some(0)]);
        let mut anew = Wall::new(&[Some(360), Some(180)]);
        anew.layers.clone_from(&wall.layers);
        assert_eq!(anew.after(0, 1_067_000), [Some(1), Some(0)]);
    }

    #[test]
    fn nothing_larger_than_shown_is_sent() {
        let mut wall = Wall::new(&[Some(180), Some(225), Some(226), Some(2000)]);
        let allocated = wall.allocate(100_000_000);
        assert_eq!(wall.chosen(), [Some(0), Some(0), Some(1), Some(2)]);
        let used = 150_000 + 150_000 + 500_000 + 1_500_000;
        assert_eq!(allocated.used, used);
        assert_eq!(allocated.wished, used + used / 5);
        let mut again = Wall::new(&wall.shown.clone());
        assert_eq!(again.after(0, allocated.wished), wall.chosen());
    }

    #[test]
    fn down_comes_at_once_and_up_waits() {
        let mut wall = Wall::new(&[None]);
        assert_eq!(wall.after(0, 2_000_000), [Some(2)]);
        assert_eq!(wall.after(1, 1_430_000), [Some(2)], "within a twentieth");
        assert_eq!(wall.after(1, 1_420_000), [Some(1)]);
        assert_eq!(wall.after(1499, 9_000_000), [Some(1)]);
        assert_eq!(
            wall.after(1, 1_700_000),
            [Some(1)],
            "no sixth would be free"
        );
        assert_eq!(wall.after(0, 1_800_000), [Some(2)]);
        assert_eq!(wall.after(1, 100_000), [None]);
        assert_eq!(wall.after(1000, 9_000_000), [None]);
        assert_eq!(wall.after(500, 9_000_000), [Some(2)]);
    }

    #[test]
    fn shown_smaller_and_larger_again_needs_no_wait() {
        let mut wall = Wall::new(&[None]);
        assert_eq!(wall.after(0, 9_000_000), [Some(2)]);
        wall.shown = vec![Some(90)];
        assert_eq!(wall.after(1, 9_000_000), [Some(0)]);
        wall.shown = vec![None];
        assert_eq!(wall.after(1, 9_000_000), [Some(2)]);
    }

    #[test]
    fn a_layer_no_longer_sent_counts_as_the_one_below() {
        let mut wall = Wall::new(&[None]);
        assert_eq!(wall.after(0, 2_000_000), [Some(2)]);
        wall.layers[0].pop();
        assert_eq!(wall.after(1, 490_000), [Some(1)], "kept, not raised anew");
        wall.layers[0].clear();
        assert_eq!(wall.after(1, 490_000), [None]);
        assert_eq!(wall.choices[0].lowered_at, None, "there was room");
    }

    fn walls() -> impl Strategy<Value = Wall> {
        let slot = (
            proptest::collection::vec((1_u64..800_000, 60_u16..400), 0..4),
            proptest::option::of(60_u16..1500),
        );
        proptest::collection::vec(slot, 0..7).prop_map(|slots| {
            let mut wall = Wall::new(&[]);
            for (steps, shown) in slots {
                let (mut bits, mut height) = (0, 0);
                let layers = (0..).zip(steps).map(|(index, (more, higher))| {
                    bits += more;
                    height += higher;
                    layer(index, bits, height)
                });
                wall.layers.push(layers.collect());
                wall.shown.push(shown);
                wall.choices.push(Choice::default());
            }
            wall
        })
    }

    proptest! {
        #[test]
        fn the_budget_holds_and_heights_do(mut wall in walls(), budgets in proptest::collection::vec((0_u64..6_000_000, 0_u64..3000), 1..20)) {
            let first = wall.allocate(budgets[0].0);
            prop_assert!(first.used <= budgets[0].0 * 5 / 6);
            for (budget, ms) in budgets {
                wall.after(ms, budget);
                let used = wall.cost();
                prop_assert_eq!(wall.allocate(budget).used, used, "asked twice, chosen twice");
                prop_assert!(used <= budget + budget / 20);
                for ((layers, shown), choice) in wall.layers.iter().zip(&wall.shown).zip(&wall.choices) {
                    let below = layers.iter().take_while(|layer| Some(layer.index) != choice.layer);
                    if let (Some(shown), Some(_)) = (shown, choice.layer) {
                        prop_assert!(below.into_iter().all(|layer| !covers(layer.height, *shown)));
                    }
                }
            }
        }

        #[test]
        fn an_estimate_that_swings_by_a_tenth_flaps_nothing(
            mut wall in walls(),
            budget in 50_000_u64..6_000_000,
            swings in proptest::collection::vec(900_u64..=1100, 200),
        ) {
            // Settled once both ends of the swing were seen often enough.
            for step in 0..200 {
                wall.after(200, budget * if step % 2 == 0 { 900 } else { 1100 } / 1000);
            }
            let settled = wall.chosen();
            for swing in swings {
                prop_assert_eq!(&wall.after(200, budget * swing / 1000), &settled);
            }
        }

        #[test]
        fn those_behind_take_no_more_than_their_lowest_from_one_before(mut wall in walls(), budget in 0_u64..6_000_000) {
            wall.allocate(budget);
            let all = wall.chosen();
            for layers in wall.layers.iter_mut().skip(1) {
                layers.truncate(1);
            }
            for choice in &mut wall.choices {
                *choice = Choice::default();
            }
            wall.allocate(budget);
            prop_assert_eq!(all.first().copied(), wall.chosen().first().copied());
        }
    }
}
