//! A shard in memory is fed at random, seeded: what no scene on sockets thinks of, at ten thousand
//! times their pace. It neither panics nor stops forwarding for those who behave.

use std::time::Duration;

use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use roundtable::media::{
    AudioRank, Gate, Order, Seen,
    shard::{DATAGRAM_BYTES_MAX, rtcp, rtp, srtp::Profile, vp8},
};

use crate::client::{Client, Hall};

/// Between two looks at the timers.
const STEP: Duration = Duration::from_millis(20);

/// Three connected clients; the first one is heard and seen, and so is the last, who is hostile.
fn hall() -> (Hall, Vec<Client>) {
    let mut hall = Hall::new();
    let mut clients = Vec::new();
    for profile in [
        Profile::AeadAes128Gcm,
        Profile::AeadAes256Gcm,
        Profile::AesCm128HmacSha1_80,
    ] {
        hall.join(&mut clients, profile, 2, 2);
    }
    for place in [0, 2] {
        let peer = clients[place].id;
        let gate = Gate::Open(AudioRank::Other);
        hall.order(Order::Hear { peer, gate }, &mut clients);
        hall.order(
            Order::Show {
                peer,
                seen: Seen::ALL,
            },
            &mut clients,
        );
    }
    (hall, clients)
}

/// The first client says something, which the second hears.
fn still_works(hall: &mut Hall, clients: &mut [Client], number: u16) {
    let payload = [b"well", &number.to_be_bytes()[..]].concat();
    let sound = clients[0].sound(number, u32::from(number) * 960, 30, &payload);
    clients[1].received.clear();
    hall.send(0, sound, clients);
    let received = std::mem::take(&mut clients[1].received);
    let heard = received.iter().any(|packet| packet.ends_with(&payload));
    assert!(heard, "packet {number} is not forwarded");
}

fn bytes(random: &mut StdRng, lengths: std::ops::Range<usize>) -> Vec<u8> {
    let mut bytes = vec![0; random.random_range(lengths)];
    random.fill_bytes(&mut bytes);
    bytes
}

/// Changes some bytes, or cuts, or doubles the end.
fn mutate(random: &mut StdRng, whole: &[u8]) -> Vec<u8> {
    let mut changed = whole.to_vec();
    for _ in 0..random.random_range(1..5) {
        if changed.is_empty() {
            break;
        }
        let place = random.random_range(0..changed.len());
        match random.random_range(0..6) {
            0 => changed.truncate(place),
            1 => changed.extend_from_slice(&changed.clone()[place..]),
            2 => changed[place] = [0, 1, 0x7f, 0x80, 0xff][random.random_range(0..5)],
            _ => changed[place] = random.random(),
        }
    }
    changed.truncate(2048);
    changed
}

#[test]
fn anything_from_a_known_address_is_survived() {
    let (mut hall, mut clients) = hall();
    let mut random = StdRng::seed_from_u64(20);
    let from = clients[2].address();
    for number in 0..400_u16 {
        for _ in 0..200 {
            let mut datagram = bytes(&mut random, 0..200);
            if let [first, ..] = &mut datagram[..] {
                // Half of them media, the rest anything.
                if random.random() {
                    *first = 0x80 | *first & 0x3f;
                }
            }
            hall.shard.handle_datagram(hall.now, 0, from, &mut datagram);
        }
        still_works(&mut hall, &mut clients, number);
    }
}

#[test]
fn anything_that_is_sealed_is_survived() {
    let (mut hall, mut clients) = hall();
    let mut random = StdRng::seed_from_u64(21);
    for number in 0..300_u16 {
        for step in 0..50_u16 {
            // A header that may be read, a body that may be anything.
            let sequence = number * 50 + step;
            let kind = [111, 96, 97, random.random_range(0..64)][random.random_range(0..4)];
            let ssrc = [1001_u32, 2001][random.random_range(0..2)];
            let mut plain = vec![0x80 | random.random::<u8>() & 0x3f, kind];
            plain.extend(sequence.to_be_bytes());
            plain.extend(random.random::<u32>().to_be_bytes());
            plain.extend(ssrc.to_be_bytes());
            plain.extend(bytes(&mut random, 0..120));
            let Ok(header) = rtp::Header::parse(&plain) else {
                continue;
            };
            let head = header.header_bytes();
            let sealed = clients[2].seal_bytes(&plain, head, 0);
            hall.send(2, sealed, &mut clients);
            let mut compound = bytes(&mut random, 8..200);
            compound[0] = 0x80 | compound[0] & 0x3f;
            compound[1] = 199 + compound[1] % 9;
            compound[2] = 0;
            compound[3] %= 50;
            let sealed = clients[2].control(&compound);
            hall.send(2, sealed, &mut clients);
        }
        hall.pass(STEP, &mut clients);
        still_works(&mut hall, &mut clients, number);
    }
}

#[test]
fn a_handshake_with_any_byte_changed_is_survived() {
    let (mut hall, mut clients) = hall();
    let mut random = StdRng::seed_from_u64(22);
    let mut connected = 0;
    for number in 0..150_u16 {
        let place = hall.begin(&mut clients, Profile::AeadAes128Gcm, 1, 1);
        let mut hostile = clients.pop().expect("the one that begins");
        assert_eq!(place, clients.len());
        let mut greeted = false;
        for _ in 0..14 {
            hall.now += STEP;
            if hostile.is_reachable() && !std::mem::replace(&mut greeted, true) {
                hostile.connect(hall.now);
            }
            say_changed(&mut hall, &mut hostile, &mut random);
            hall.shard.handle_timeout(hall.now);
            hear(&mut hall, &mut clients, &mut hostile);
        }
        connected += usize::from(hostile.is_connected());
        hall.order(Order::Close { peer: hostile.id }, &mut clients);
        still_works(&mut hall, &mut clients, number);
    }
    println!("{connected} of 150 changed handshakes were finished all the same");
    assert!(connected > 0 && connected < 150, "{connected}");
}

/// Everything that it has to say goes out changed, mostly also as it is.
fn say_changed(hall: &mut Hall, hostile: &mut Client, random: &mut StdRng) {
    let (now, from) = (hall.now, hostile.address());
    while let Some(mut datagram) = hostile.poll(now) {
        for _ in 0..random.random_range(0..5) {
            let mut changed = mutate(random, &datagram);
            hall.shard.handle_datagram(now, 0, from, &mut changed);
        }
        if random.random_range(0..8) != 0 {
            hall.shard.handle_datagram(now, 0, from, &mut datagram);
        }
    }
}

/// What the shard sends reaches everybody; the hostile one may be told anything.
fn hear(hall: &mut Hall, clients: &mut [Client], hostile: &mut Client) {
    let mut buffer = [0; DATAGRAM_BYTES_MAX];
    while let Some(transmit) = hall.shard.poll_transmit(&mut buffer) {
        let datagram = &mut buffer[..transmit.length];
        let to = transmit.path.remote;
        if to == hostile.address() {
            let _provoked = hostile.try_handle(hall.now, datagram);
        } else if let Some(client) = clients.iter_mut().find(|client| client.address() == to) {
            client.handle(hall.now, datagram);
        }
    }
    while hall.shard.poll_notice().is_some() {}
}

#[test]
fn readers_of_bytes_take_anything() {
    let mut random = StdRng::seed_from_u64(23);
    for _ in 0..300_000 {
        let packet = bytes(&mut random, 0..80);
        let other = bytes(&mut random, 0..80);
        if let Ok(header) = rtp::Header::parse(&packet) {
            for packet in [&packet, &other] {
                let _fits = header.payload(packet);
                let elements: usize = header
                    .extensions(packet)
                    .map(|(_, bytes)| bytes.len())
                    .sum();
                assert!(elements <= packet.len());
                assert!(header.csrcs(packet).count() < 16);
            }
        }
        if let Some(descriptor) = vp8::Descriptor::parse(&packet) {
            assert!(descriptor.bytes() < packet.len());
            let _starts = descriptor.starts_key_frame(&other);
            let _size = descriptor.key_frame_size(&other);
        }
        assert!(rtcp::packets(&packet).count() <= packet.len() / 4);
    }
}
