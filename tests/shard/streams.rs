//! Paths over TCP beside paths over UDP.

use std::{net::SocketAddr, time::Duration};

use roundtable::media::{
    Notice,
    shard::{
        DATAGRAM_BYTES_MAX,
        srtp::Profile,
        transport::{Path, Via},
    },
};

use crate::client::{Client, Hall, SERVER};

const PORT: u16 = 20_000;
const TICK: Duration = Duration::from_millis(20);
/// USE-CANDIDATE, which has no value (RFC 8445 section 16.1).
const NOMINATES: [u8; 4] = [0, 0x25, 0, 0];

fn hall() -> Hall {
    let mut hall = Hall::new();
    let server: SocketAddr = SERVER.parse().expect("an address");
    let doors = [server];
    hall.shard
        .accept_tcp(doors.as_slice().into(), doors.as_slice().into());
    hall
}

/// The path from this port of a client's.
fn path(via: Via, port: u16) -> Path {
    Path {
        local: 0,
        via,
        remote: ([127, 0, 0, 1], port).into(),
    }
}

/// Time passes; each client sends and receives by the path beside it. Gives what the clients have
/// sent.
fn pass(hall: &mut Hall, time: Duration, clients: &mut [(&mut Client, Path)]) -> Vec<Vec<u8>> {
    let mut said = Vec::new();
    let end = hall.now + time;
    while hall.now < end {
        hall.now += TICK;
        hall.shard.handle_timeout(hall.now);
        let mut quiet = false;
        while !quiet {
            quiet = true;
            for (client, path) in clients.iter_mut() {
                while let Some(packet) = client.poll(hall.now) {
                    quiet = false;
                    said.push(packet.clone());
                    hall.shard
                        .handle_packet(hall.now, *path, &mut packet.clone());
                }
            }
            let mut buffer = [0; DATAGRAM_BYTES_MAX];
            while let Some(transmit) = hall.shard.poll_transmit(&mut buffer) {
                quiet = false;
                let to = clients.iter_mut().find(|(_, path)| transmit.path == *path);
                if let Some((client, _)) = to {
                    client.handle(hall.now, &mut buffer[..transmit.length]);
                }
            }
        }
        while let Some((_, notice)) = hall.shard.poll_notice() {
            hall.notices.push(notice);
        }
    }
    said
}

#[test]
fn one_address_over_udp_and_over_tcp_is_two_clients() {
    let mut hall = hall();
    let mut clients = Vec::new();
    for _ in 0..2 {
        hall.begin(&mut clients, Profile::AeadAes128Gcm, 1, 1);
    }
    let (one, other) = clients.split_at_mut(1);
    let (one, other) = (&mut one[0], &mut other[0]);
    let mut both = [(one, path(Via::Udp, PORT)), (other, path(Via::Tcp, PORT))];
    pass(&mut hall, TICK * 20, &mut both);
    for (client, _) in &mut both {
        client.connect(hall.now);
    }
    pass(&mut hall, TICK * 50, &mut both);
    for (client, path) in &both {
        assert!(client.is_connected(), "{path:?}");
        assert!(
            hall.notices
                .contains(&Notice::Connected { peer: client.id })
        );
    }
}

/// A client that has come by TCP: its path stands.
fn comes_by_tcp(hall: &mut Hall) -> (Client, Vec<Vec<u8>>) {
    let mut clients = Vec::new();
    hall.begin(&mut clients, Profile::AeadAes128Gcm, 1, 1);
    let mut client = clients.remove(0);
    let tcp = path(Via::Tcp, PORT);
    let mut said = pass(hall, TICK * 20, &mut [(&mut client, tcp)]);
    client.connect(hall.now);
    said.extend(pass(hall, TICK * 50, &mut [(&mut client, tcp)]));
    assert!(client.is_connected());
    (client, said)
}

fn is_lost(hall: &Hall, client: &Client) -> bool {
    hall.notices.contains(&Notice::Lost { peer: client.id })
}

/// Where the server's own packets go now.
fn way(hall: &mut Hall) -> Vec<Via> {
    let mut buffer = [0; DATAGRAM_BYTES_MAX];
    let mut all = Vec::new();
    hall.now += Duration::from_millis(2500);
    hall.shard.handle_timeout(hall.now);
    while let Some(transmit) = hall.shard.poll_transmit(&mut buffer) {
        if matches!(buffer[0], 128..=191) {
            all.push(transmit.path.via);
        }
    }
    all.dedup();
    all
}

#[test]
fn who_has_come_by_tcp_goes_over_to_udp_when_it_works() {
    let mut hall = hall();
    let (mut client, said) = comes_by_tcp(&mut hall);
    let sound = client.sound(1, 0, 20, &[9; 80]);
    let tcp = path(Via::Tcp, PORT);
    hall.shard.handle_packet(hall.now, tcp, &mut sound.clone());
    assert_eq!(way(&mut hall), [Via::Tcp], "reports go back the same way");

    // The browser nominates the better pair as soon as it has one.
    let nomination = said.iter().find(|packet| {
        packet.starts_with(&[0, 1]) && packet.windows(4).any(|part| part == NOMINATES)
    });
    let nomination = nomination.expect("the client nominates").clone();
    let udp = path(Via::Udp, PORT);
    for _ in 0..2 {
        hall.shard
            .handle_packet(hall.now, udp, &mut nomination.clone());
        pass(&mut hall, TICK, &mut [(&mut client, udp)]);
    }
    hall.shard
        .handle_packet(hall.now, udp, &mut client.sound(2, 960, 20, &[9; 80]));
    assert_eq!(way(&mut hall), [Via::Udp]);
    // It has no more need of the other.
    hall.shard.handle_closed(hall.now, tcp);
    pass(
        &mut hall,
        Duration::from_secs(20),
        &mut [(&mut client, udp)],
    );
    assert!(!is_lost(&hall, &client));
}

#[test]
fn who_loses_its_connection_may_open_another_but_is_not_waited_for_long() {
    let mut hall = hall();
    let (mut client, said) = comes_by_tcp(&mut hall);
    let old = path(Via::Tcp, PORT);
    // Past the time in which UDP was looked for.
    pass(
        &mut hall,
        Duration::from_secs(20),
        &mut [(&mut client, old)],
    );
    assert!(hall.shard.knows(old));
    hall.shard.handle_closed(hall.now, old);
    assert!(!hall.shard.knows(old));
    pass(&mut hall, Duration::from_secs(5), &mut []);
    assert!(
        !is_lost(&hall, &client),
        "within a few seconds it may be back"
    );
    let check = said.iter().find(|packet| packet.starts_with(&[0, 1]));
    let new = path(Via::Tcp, PORT + 1);
    let mut check = check.expect("a check").clone();
    hall.shard.handle_packet(hall.now, new, &mut check);
    assert!(hall.shard.knows(new));
    hall.shard.handle_closed(hall.now, new);
    pass(&mut hall, Duration::from_secs(20), &mut []);
    assert!(is_lost(&hall, &client), "nobody waits for ever");
}
