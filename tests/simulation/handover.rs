//! Who comes late, who leaves, and the floor that goes round, on a network that loses.

use std::time::Duration;

use roundtable::media::{Notice, Order};

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
const BAD: Conditions = Conditions::delayed(40).losing(0.05);
/// Both ways, of two participants through the server.
const ROUND_TRIP: Duration = Duration::from_millis(160);

fn session(seed: u64, seats: usize) -> World {
    let mut world = World::new(seed, Switches::ON);
    for _ in 0..seats {
        let seat = world.join(Abilities::ONE_LAYER, (2, 3));
        world.network(seat, BAD, BAD);
        world.film(seat, SIZES[0]);
    }
    world.run(2 * SECOND);
    world
}

/// The floor goes round; each speaker is heard soon, by everybody else, and nobody after their turn.
fn floor(seed: u64) -> Verdict {
    let mut world = session(seed, 3);
    let mut verdict = Verdict::new();
    for turn in 0..6 {
        let speaker = turn % 3;
        let begins = world.now;
        world.floor(speaker, true);
        world.run(2 * SECOND + Duration::from_millis(seed * 13 % 100));
        world.floor(speaker, false);
        let ends = world.now;
        world.run(SECOND / 2);
        for listener in (0..3).filter(|listener| *listener != speaker) {
            let heard = world.seats[listener].heard(speaker);
            let mut heard = heard.iter().filter(|heard| heard.at >= begins);
            let first = heard.clone().next();
            let soon = begins + Duration::from_millis(200) + ROUND_TRIP;
            if first.is_none_or(|first| first.at > soon) {
                verdict.push(format!(
                    "seat {listener} hears seat {speaker} too late: {first:?}"
                ));
            }
            // What was on its way and in the buffer is heard to its end.
            let over = ends + Duration::from_millis(250);
            if let Some(after) = heard.find(|heard| heard.at > over) {
                verdict.push(format!(
                    "seat {listener} hears seat {speaker} after: {after:?}"
                ));
            }
        }
    }
    verdict.extend(world.wrong());
    verdict
}

/// Somebody comes while others meet, sees and hears them soon, and goes; nobody else notices.
fn coming_and_going(seed: u64) -> Verdict {
    let mut world = session(seed, 2);
    world.floor(0, true);
    world.run(2 * SECOND);
    let from = world.now;
    let late = world.join(Abilities::ONE_LAYER, (2, 3));
    world.network(late, BAD, BAD);
    let came = world.now;
    world.run(4 * SECOND);
    let mut verdict = Verdict::new();
    let look = |listener, from, to| Look {
        listener,
        speaker: 0,
        from,
        to,
    };
    let joined = look(late, came + Duration::from_millis(1500), world.now);
    let share = joined.share(&world, 0.78, 0.94);
    joined.sound(&world, Duration::from_millis(200), share, &mut verdict);
    joined.picture(&world, 12.0, SECOND, &mut verdict);
    let saw = world.seats[late]
        .eye_on(1)
        .and_then(|eye| eye.seen.first().copied());
    if saw.is_none_or(|seen| seen.at > came + Duration::from_millis(1500)) {
        verdict.push(format!("who comes sees seat 1 late: {saw:?}"));
    }
    let peer = world.id(late);
    world.order(Order::Close { peer });
    world.run(3 * SECOND);
    let stayed = look(1, from, world.now);
    let share = stayed.share(&world, 0.82, 0.95);
    stayed.sound(&world, Duration::from_millis(200), share, &mut verdict);
    stayed.picture(&world, 12.0, SECOND, &mut verdict);
    let lost = |(_, notice): &&(_, Notice)| matches!(notice, Notice::Lost { .. });
    verdict.extend(
        world
            .notices
            .iter()
            .find(lost)
            .map(|notice| format!("{notice:?}")),
    );
    verdict.extend(world.wrong());
    verdict
}

#[test]
fn the_next_speaker_is_heard_at_once_and_the_last_no_more() {
    each(10, floor);
}

#[test]
fn who_comes_late_sees_and_hears_and_nobody_else_notices() {
    each(10, coming_and_going);
}
