//! Networks that lose, overtake and double packets, and for a moment lose everything.

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

const SLOTS: (usize, usize) = (2, 2);
const SECOND: Duration = Duration::from_secs(1);

/// Seat 0 speaks and is filmed; the others listen. The first seconds are over.
fn session(seed: u64, switches: Switches, listeners: usize, network: [Conditions; 4]) -> World {
    let mut world = World::new(seed, switches);
    let speaker = world.join(Abilities::ONE_LAYER, SLOTS);
    for _ in 0..listeners {
        world.join(Abilities::ONE_LAYER, SLOTS);
    }
    let [speaker_up, speaker_down, up, down] = network;
    world.network(speaker, speaker_up, speaker_down);
    for listener in 1..=listeners {
        world.network(listener, up, down);
    }
    world.floor(speaker, true);
    world.film(speaker, SIZES[1]);
    world.run(3 * SECOND);
    world
}

/// What every listener notices of the last stretch.
fn looks(world: &World, time: Duration) -> impl Iterator<Item = Look> + use<> {
    let (from, to) = (world.now - time, world.now);
    (1..world.seats.len()).map(move |listener| Look {
        listener,
        speaker: 0,
        from,
        to,
    })
}

/// 5 % are lost and 40 ms pass each way, between everybody and the server.
pub fn random_loss(seed: u64, switches: Switches) -> Verdict {
    let bad = Conditions::delayed(40).losing(0.05);
    let mut world = session(seed, switches, 2, [bad; 4]);
    let time = 15 * SECOND;
    world.run(time);
    let mut verdict = world.wrong();
    for look in looks(&world, time) {
        let share = look.share(&world, 0.86, 0.97);
        look.sound(&world, Duration::from_millis(200), share, &mut verdict);
        look.picture(&world, 12.0, SECOND, &mut verdict);
    }
    verdict
}

/// Only what the speaker sends is lost: all others depend on the server's asking.
pub fn loss_before_the_server(seed: u64, switches: Switches) -> Verdict {
    let (good, bad) = (
        Conditions::delayed(20),
        Conditions::delayed(40).losing(0.05),
    );
    let mut world = session(seed, switches, 2, [bad, good, good, good]);
    let time = 15 * SECOND;
    world.run(time);
    let mut verdict = world.wrong();
    for look in looks(&world, time) {
        look.picture(&world, 12.0, SECOND, &mut verdict);
    }
    verdict
}

/// Only what reaches one listener is lost: it depends on what the server sends again.
pub fn loss_behind_the_server(seed: u64, switches: Switches) -> Verdict {
    let (good, bad) = (
        Conditions::delayed(20),
        Conditions::delayed(40).losing(0.05),
    );
    let mut world = session(seed, switches, 2, [good, good, good, bad]);
    let time = 15 * SECOND;
    world.run(time);
    let mut verdict = world.wrong();
    for look in looks(&world, time) {
        look.picture(&world, 12.0, SECOND, &mut verdict);
    }
    verdict
}

/// Packets overtake one another, wait and come twice; none is lost.
fn disorder(seed: u64) -> Verdict {
    let messy = Conditions {
        jitter: Duration::from_millis(30),
        overtaken: (0.05, Duration::from_millis(25)),
        doubled: 0.03,
        ..Conditions::delayed(20)
    };
    let mut world = session(seed, Switches::ON, 2, [messy; 4]);
    let time = 12 * SECOND;
    world.run(time);
    let mut verdict = world.wrong();
    for look in looks(&world, time) {
        look.sound(&world, Duration::from_millis(60), 0.99, &mut verdict);
        // Such a path looks full now and then: a camera of one layer may pause for a moment.
        look.picture(&world, 14.0, SECOND, &mut verdict);
    }
    verdict
}

/// For 300 ms nothing reaches a listener; then the speaker's packets do not reach the server.
fn bursts(seed: u64) -> Verdict {
    let dead = Duration::from_millis(300);
    let mut world = session(seed, Switches::ON, 2, [Conditions::delayed(40); 4]);
    let mut verdict = Verdict::new();
    for seat in [1, 0] {
        // Not at the same moment of a frame each time.
        world.run(Duration::from_millis(500 + seed * 7 % 67));
        world.cut(seat, dead);
        world.run(5 * SECOND);
        for look in looks(&world, 5 * SECOND) {
            let struck = look.listener == seat || look.speaker == seat;
            let silence = if struck { dead } else { Duration::ZERO } + Duration::from_millis(60);
            look.sound(&world, silence, 0.9, &mut verdict);
            let stall = if struck { 700 } else { 200 };
            look.picture(&world, 13.0, Duration::from_millis(stall), &mut verdict);
        }
    }
    verdict.extend(world.wrong());
    verdict
}

#[test]
fn the_same_seed_is_the_same_session() {
    let account = |seed| {
        let bad = Conditions {
            jitter: Duration::from_millis(10),
            doubled: 0.02,
            ..Conditions::delayed(40).losing(0.05)
        };
        let mut world = session(seed, Switches::ON, 2, [bad; 4]);
        world.run(5 * SECOND);
        let mut account = Vec::new();
        for seat in &world.seats {
            let heard = seat.heard(0).into_iter();
            account.extend(
                heard.map(|heard| format!("{:?} {:?}", heard.at - world.start, heard.said)),
            );
            let seen = seat.eyes.iter().flat_map(|eye| &eye.seen);
            account
                .extend(seen.map(|seen| format!("{:?} {:?}", seen.at - world.start, seen.label)));
        }
        account
    };
    let first = account(1);
    assert!(first.len() > 700, "{}", first.len());
    assert_eq!(first, account(1));
    assert_ne!(first, account(2));
}

/// What the suite is worth: without the requests for lost packets, in either direction, a picture
/// does not survive the loss.
#[test]
fn without_retransmissions_the_picture_does_not_survive() {
    let off = Switches {
        nack: false,
        ..Switches::ON
    };
    for scenario in [random_loss, loss_before_the_server, loss_behind_the_server] {
        let verdict = scenario(1, off);
        let picture = verdict
            .iter()
            .any(|complaint| complaint.contains("picture"));
        assert!(picture, "{verdict:?}");
    }
}

#[test]
fn sound_and_picture_survive_random_loss() {
    each(16, |seed| random_loss(seed, Switches::ON));
}

#[test]
fn what_a_speaker_loses_is_asked_for_again() {
    each(10, |seed| loss_before_the_server(seed, Switches::ON));
}

#[test]
fn what_a_listener_loses_is_sent_again() {
    each(10, |seed| loss_behind_the_server(seed, Switches::ON));
}

#[test]
fn packets_out_of_order_are_put_in_order() {
    each(10, disorder);
}

#[test]
fn a_burst_of_losses_is_over_when_it_is_over() {
    each(10, bursts);
}
