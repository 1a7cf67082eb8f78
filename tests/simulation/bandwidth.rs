//! A subscriber's path that has less room than the picture wants, and has it again later.

use std::time::Duration;

use crate::{
    camera::SIZES,
    network::Conditions,
    notice::Look,
    offer::Abilities,
    seat::Switches,
    seeds::{Verdict, each},
    world::World,
};

const SECOND: Duration = Duration::from_secs(1);
const GOOD: Conditions = Conditions::delayed(20);
/// Within this the picture has adapted, downwards and upwards.
const DOWN: Duration = Duration::from_secs(10);
const UP: Duration = Duration::from_secs(30);
/// A queue of 200 ms is full for a moment; sound is not interrupted for longer.
const SILENCE_MAX: Duration = Duration::from_millis(200);

/// Seat 0 speaks and is filmed; seat 1's path narrows to 400 kbit/s for half a minute.
pub fn bottleneck(seed: u64, switches: Switches, abilities: Abilities) -> Verdict {
    let mut world = World::new(seed, switches);
    for _ in 0..3 {
        let seat = world.join(abilities, (2, 2));
        world.network(seat, GOOD, GOOD);
    }
    world.floor(0, true);
    world.film(0, SIZES[2]);
    world.run(UP);
    let look = |world: &World, listener, time| Look {
        listener,
        speaker: 0,
        from: world.now - time,
        to: world.now,
    };
    let mut verdict = Verdict::new();
    for listener in [1, 2] {
        let before = look(&world, listener, 2 * SECOND);
        before.heights(&world, 720..=720, &mut verdict);
        before.picture(&world, 14.0, SECOND, &mut verdict);
    }

    world.network(1, GOOD, GOOD.through(400));
    world.run(DOWN);
    look(&world, 1, DOWN).sound(&world, SILENCE_MAX, 0.9, &mut verdict);
    world.run(20 * SECOND);
    let narrow = look(&world, 1, 20 * SECOND);
    narrow.heights(&world, 180..=180, &mut verdict);
    narrow.picture(&world, 12.0, SECOND, &mut verdict);
    narrow.sound(&world, SILENCE_MAX, 0.98, &mut verdict);

    world.network(1, GOOD, GOOD);
    world.run(UP);
    look(&world, 1, UP).sound(&world, SILENCE_MAX, 0.98, &mut verdict);
    world.run(5 * SECOND);
    let wide = look(&world, 1, 5 * SECOND);
    wide.heights(&world, 720..=720, &mut verdict);
    wide.picture(&world, 14.0, SECOND, &mut verdict);

    let other = look(&world, 2, UP + DOWN + 25 * SECOND);
    other.heights(&world, 720..=720, &mut verdict);
    other.picture(&world, 14.5, SECOND / 4, &mut verdict);
    other.sound(&world, SILENCE_MAX / 2, 0.99, &mut verdict);
    verdict.extend(world.wrong());
    verdict
}

#[test]
fn a_narrow_path_makes_the_picture_small_and_harms_nothing_else() {
    each(6, |seed| bottleneck(seed, Switches::ON, Abilities::ALL));
}

fn assert_harmed(verdict: &Verdict) {
    let harmed = verdict
        .iter()
        .any(|complaint| complaint.contains("seat 1 of seat 0"));
    assert!(harmed, "{verdict:?}");
}

/// What the suite is worth: without feedback there is no estimate, and the path is overrun.
#[test]
fn without_an_estimate_a_narrow_path_is_overrun() {
    let off = Switches {
        feedback: false,
        ..Switches::ON
    };
    assert_harmed(&bottleneck(1, off, Abilities::ALL));
}

/// Nor is there a picture that fits, where there is one layer alone.
#[test]
fn without_layers_no_picture_fits_a_narrow_path() {
    assert_harmed(&bottleneck(1, Switches::ON, Abilities::ONE_LAYER));
}
