//! Datagrams from addresses that passed no check: every one is met with silence.

use std::net::UdpSocket;

use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use roundtable::media::shard::srtp::Profile;

use crate::{
    caller::Caller,
    flood::flood,
    house::House,
    line::Line,
    pair::{Pair, wait},
};

/// Random datagrams a round.
const RANDOM: usize = 60_000;

/// A stranger's socket.
fn stranger() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a loopback socket");
    socket.set_nonblocking(true).expect("an option");
    socket
}

/// Nothing has been answered.
fn is_silent(socket: &UdpSocket, what: &str) {
    wait(std::time::Duration::from_millis(100));
    let mut buffer = [0; 2048];
    let answered = socket.recv_from(&mut buffer);
    assert!(answered.is_err(), "{what}: answered with {answered:?}");
}

/// A binding request, a first DTLS flight and a sealed sound packet of a member who connects.
fn templates(house: &House, member: &str) -> (Caller, Vec<u8>, Vec<Vec<u8>>, Vec<u8>) {
    let mut caller = Caller::join(house, member, Profile::AeadAes128Gcm, (1, 1));
    let of = |range: std::ops::RangeInclusive<u8>, caller: &Caller| -> Vec<Vec<u8>> {
        let its = caller.setup.iter();
        its.filter(|sent| range.contains(&sent[0]))
            .cloned()
            .collect()
    };
    let request = of(0..=3, &caller).remove(0);
    let flight = of(20..=63, &caller);
    let sound = caller.client.sound(1, 0, 30, &[7; 80]);
    (caller, request, flight, sound)
}

#[test]
fn random_bytes_are_met_with_silence() {
    let house = House::open(&[]);
    let pair = Pair::seat(&house);
    let server = media(&house);
    let mut random = StdRng::seed_from_u64(1);
    let socket = stranger();
    house.endures("random bytes from a stranger", || {
        pair.undisturbed("random bytes from a stranger", || {
            let datagrams = (0..RANDOM).map(|number| {
                let length = [0, 1, 12, 20, 60, 200, 1200][number % 7] + random.random_range(0..20);
                let mut bytes = vec![0; length];
                random.fill_bytes(&mut bytes);
                // Every first byte, so every kind of packet.
                if let Some(first) = bytes.first_mut() {
                    *first = number as u8;
                }
                bytes
            });
            flood(&socket, server, datagrams, || {});
            is_silent(&socket, "random bytes");
        });
    });
}

#[test]
fn what_is_cut_short_or_forged_is_met_with_silence() {
    let house = House::open(&[]);
    let pair = Pair::seat(&house);
    let server = media(&house);
    let delegates = house.members("delegate");
    let (_caller, request, flight, sound) = templates(&house, &delegates[0]);
    let mut random = StdRng::seed_from_u64(2);
    let socket = stranger();
    house.endures("cut and forged datagrams from a stranger", || {
        pair.undisturbed("cut and forged datagrams from a stranger", || {
            let cut = |whole: &[u8]| -> Vec<Vec<u8>> {
                (0..whole.len()).map(|end| whole[..end].to_vec()).collect()
            };
            let mut sent = cut(&request);
            for datagram in &flight {
                sent.extend(cut(datagram));
                sent.push(datagram.clone());
            }
            sent.extend(cut(&sound));
            sent.push(sound.clone());
            for _ in 0..40 {
                sent.extend(forged_requests(&request, &mut random));
            }
            flood(&socket, server, sent.into_iter(), || {});
            // SSRCs without number, from an address that nobody knows.
            let ssrcs = (0..40_000).map(|_| {
                let mut packet = sound.clone();
                random.fill_bytes(&mut packet[8..12]);
                packet
            });
            flood(&socket, server, ssrcs, || {});
            is_silent(&socket, "cut and forged datagrams");
        });
    });
}

/// Requests that are almost right: integrity, fingerprint, user fragments, lengths, class.
fn forged_requests(request: &[u8], random: &mut StdRng) -> Vec<Vec<u8>> {
    let mut forged = Vec::new();
    let attributes = attributes(request);
    let mut change = |at: usize, to: u8| {
        let mut changed = request.to_vec();
        if changed[at] != to {
            changed[at] = to;
            forged.push(changed);
        }
    };
    for (place, (kind, start, length)) in attributes.iter().enumerate() {
        for at in *start..*start + *length {
            change(at, random.random());
        }
        // The attribute's own length, larger and smaller than it is.
        for to in [0, 1, 3, 255] {
            change(start - 1, to);
            change(start - 2, to);
        }
        assert!(place > 0 || *kind == 6, "the user name comes first");
    }
    for at in 2..8 {
        change(at, random.random());
    }
    // Indications, answers, errors: no request at all.
    for class in [[0, 0x11], [1, 1], [1, 0x11], [0, 3], [0, 9]] {
        let mut other = request.to_vec();
        other[..2].copy_from_slice(&class);
        forged.push(other);
    }
    forged
}

/// Kind, place and length of each attribute of a STUN message.
fn attributes(message: &[u8]) -> Vec<(u16, usize, usize)> {
    let mut found = Vec::new();
    let mut at = 20;
    while at + 4 <= message.len() {
        let kind = u16::from_be_bytes([message[at], message[at + 1]]);
        let length = usize::from(u16::from_be_bytes([message[at + 2], message[at + 3]]));
        found.push((kind, at + 4, length));
        at += 4 + length.next_multiple_of(4);
    }
    found
}

/// Where the house's media is.
pub fn media(house: &House) -> std::net::SocketAddr {
    let member = house.members("observer").remove(0);
    let line = Line::join(house, &member);
    Caller::offer(line, &member, Profile::AeadAes128Gcm, (1, 1)).server
}
