//! A change of network: from Wi-Fi to the phone's, with another address.

use std::{net::SocketAddr, time::Duration};

use roundtable::media::Notice;

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

/// Somebody moves while speaking, and later while listening: soon after, all is as before.
fn another_address(seed: u64) -> Verdict {
    let mut world = World::new(seed, Switches::ON);
    for _ in 0..2 {
        let seat = world.join(Abilities::ONE_LAYER, (2, 2));
        let network = Conditions::delayed(30).losing(0.01);
        world.network(seat, network, network);
        world.film(seat, SIZES[0]);
    }
    world.floor(0, true);
    world.run(4 * SECOND);
    let mut verdict = Verdict::new();
    for (mover, port) in [(0, 21_000), (1, 21_001)] {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        world.seats[mover].client.move_to(world.now, address);
        world.run(20 * SECOND);
        let from = world.now - 17 * SECOND;
        for (listener, speaker) in [(1, 0), (0, 1)] {
            let look = Look {
                listener,
                speaker,
                from,
                to: world.now,
            };
            look.picture(&world, 12.0, SECOND, &mut verdict);
            if speaker == 0 {
                look.sound(&world, Duration::from_millis(200), 0.95, &mut verdict);
            }
        }
    }
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
fn a_change_of_network_keeps_the_member_in_the_session() {
    each(3, another_address);
}
