//! Simulcast: who shows a picture small receives it small, and a change of mind is a change of size,
//! not a break.

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
const SLOTS: (usize, usize) = (2, 2);
/// From asking for a size to seeing it, on a path that is known to carry it, and on one that is not.
const SWITCHED: Duration = Duration::from_secs(2);
const LEARNT: Duration = Duration::from_secs(5);

/// Seat 0 is filmed in three layers; nobody else.
fn session(seed: u64, viewers: usize, network: Conditions) -> World {
    let mut world = World::new(seed, Switches::ON);
    for _ in 0..=viewers {
        let seat = world.join(Abilities::ALL, SLOTS);
        world.network(seat, network, network);
    }
    world.film(0, SIZES[2]);
    world.floor(0, true);
    world
}

fn look(world: &World, listener: usize, time: Duration) -> Look {
    Look {
        listener,
        speaker: 0,
        from: world.now - time,
        to: world.now,
    }
}

/// One viewer goes from small to large and back, ten times; another stays in between. `heard` is
/// whether the server is told.
fn switching(seed: u64, network: Conditions, heard: bool) -> Verdict {
    let mut world = session(seed, 2, network);
    // Until the server knows what the paths carry.
    if heard {
        world.view(1, 0, Some(720));
        world.view(2, 0, Some(360));
    }
    world.run(10 * SECOND);
    if heard {
        world.view(1, 0, Some(180));
    }
    world.run(3 * SECOND);
    let mut verdict = Verdict::new();
    for turn in 0..10 {
        let height = if turn % 2 == 0 { 720 } else { 180 };
        if heard {
            world.view(1, 0, Some(height));
        }
        // Not at the same moment between two frames each time.
        world.run(SWITCHED + Duration::from_millis(seed * 11 % 67));
        world.run(2 * SECOND);
        look(&world, 1, 2 * SECOND).heights(&world, height..=height, &mut verdict);
        look(&world, 1, 4 * SECOND).picture(&world, 12.0, SECOND, &mut verdict);
    }
    let other = look(&world, 2, 40 * SECOND);
    other.heights(&world, 360..=360, &mut verdict);
    other.picture(&world, 14.0, SECOND / 2, &mut verdict);
    look(&world, 1, 40 * SECOND).sound(&world, Duration::from_millis(200), 0.97, &mut verdict);
    verdict.extend(world.wrong());
    verdict
}

/// What nobody looks at is not sent; it is there again when somebody does.
fn unwatched(seed: u64) -> Verdict {
    let mut world = session(seed, 2, Conditions::delayed(20));
    for viewer in [1, 2] {
        world.view(viewer, 0, Some(180));
    }
    world.run(20 * SECOND);
    let mut verdict = Verdict::new();
    let sent = |world: &World| world.seats[0].camera.as_ref().map(|camera| camera.wanted);
    if sent(&world) != Some(1) {
        verdict.push(format!(
            "layers that nobody looks at are sent: {:?}",
            sent(&world)
        ));
    }
    world.view(1, 0, Some(720));
    // Nothing has shown yet that the path carries it.
    world.run(LEARNT + SECOND);
    look(&world, 1, SECOND).heights(&world, 720..=720, &mut verdict);
    if sent(&world) != Some(3) {
        verdict.push(format!(
            "a layer that is looked at is not sent: {:?}",
            sent(&world)
        ));
    }
    for viewer in [1, 2] {
        look(&world, viewer, 3 * SECOND).picture(&world, 12.0, SECOND, &mut verdict);
    }
    look(&world, 2, 3 * SECOND).heights(&world, 180..=180, &mut verdict);
    verdict.extend(world.wrong());
    verdict
}

#[test]
fn ten_switches_of_layers_are_ten_changes_of_size() {
    each(5, |seed| switching(seed, Conditions::delayed(30), true));
}

#[test]
fn layers_are_switched_on_a_network_that_loses() {
    let network = Conditions::delayed(30).losing(0.02);
    each(5, |seed| switching(seed, network, true));
}

#[test]
fn layers_that_nobody_looks_at_are_not_sent() {
    each(5, unwatched);
}

/// What the suite is worth: where layers are not chosen, the picture has the wrong size.
#[test]
fn without_the_choice_of_layers_the_size_does_not_follow() {
    let verdict = switching(1, Conditions::delayed(30), false);
    let size = verdict
        .iter()
        .any(|complaint| complaint.contains("high after"));
    assert!(size, "{verdict:?}");
}
