//! DTLS records of a member whose address has passed a check: cut, forged, endless, before the
//! handshake and after it.

use std::{
    net::UdpSocket,
    time::{Duration, Instant},
};

use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use roundtable::media::shard::srtp::Profile;

use crate::{
    caller::Caller,
    flood::flood,
    house::House,
    line::Line,
    pair::{Pair, wait},
};

const HANDSHAKE: u8 = 22;
const ALERT: u8 = 21;

/// A member whose address has passed a check and who has not said hello.
fn reachable(line: Line, member: &str) -> Caller {
    let mut caller = Caller::offer(line, member, Profile::AeadAes128Gcm, (1, 1));
    let end = Instant::now() + Duration::from_secs(5);
    while !caller.client.is_reachable() {
        assert!(Instant::now() < end, "no check was answered");
        caller.live();
        wait(Duration::from_millis(2));
    }
    caller
}

/// The datagrams of a member's good handshake.
fn flight(house: &House, member: &str) -> Vec<Vec<u8>> {
    let caller = Caller::join(house, member, Profile::AeadAes128Gcm, (1, 1));
    let dtls = caller
        .setup
        .into_iter()
        .filter(|sent| (20..=63).contains(&sent[0]));
    dtls.collect()
}

/// A record around this fragment.
fn record(kind: u8, epoch: u16, number: u64, fragment: &[u8]) -> Vec<u8> {
    let mut record = vec![kind, 0xfe, 0xfd];
    record.extend(epoch.to_be_bytes());
    record.extend(&number.to_be_bytes()[2..]);
    record.extend((fragment.len() as u16).to_be_bytes());
    record.extend(fragment);
    record
}

/// A handshake message's header with a fragment.
fn message(kind: u8, length: u32, sequence: u16, offset: u32, body: &[u8]) -> Vec<u8> {
    let three = |number: u32| number.to_be_bytes()[1..].to_vec();
    [
        vec![kind],
        three(length),
        sequence.to_be_bytes().to_vec(),
        three(offset),
        three(body.len() as u32),
        body.to_vec(),
    ]
    .concat()
}

/// Fragments of nothing, of other messages, in chains and in heaps; records of keys to come.
fn endless(random: &mut StdRng, number: &mut u64) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    let mut push = |kind, epoch, fragment: &[u8]| {
        // A number that was seen before, or is lower, is passed over.
        *number += 1;
        sent.push(record(kind, epoch, *number, fragment));
    };
    for group in 0..3000_u32 {
        // 100 empty fragments a record, each of a message of its own.
        let empty: Vec<u8> = (0..100)
            .flat_map(|place| message(11, 0, (group * 100 + place) as u16, 0, &[]))
            .collect();
        push(HANDSHAKE, 0, &empty);
        // A chain: each fragment says that the next one follows it.
        let chain: Vec<u8> = (0..100)
            .flat_map(|place| {
                let mut link = message(11, 0, 2, group * 100 + place, &[]);
                link[11] = 1;
                link
            })
            .collect();
        push(HANDSHAKE, 0, &chain);
        // As much as a datagram holds, of a message that nobody waits for.
        let mut heap = vec![0; 1200];
        random.fill_bytes(&mut heap);
        push(
            HANDSHAKE,
            0,
            &message(14, 0xff_ffff, 9, group * 1200, &heap),
        );
        // Of the next epoch, to be kept until there are keys.
        push([HANDSHAKE, 23, 20, ALERT][group as usize % 4], 1, &heap);
    }
    sent
}

/// Everything else that is no handshake.
fn broken(flight: &[Vec<u8>], random: &mut StdRng) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    for datagram in flight {
        for end in 0..datagram.len() {
            sent.push(datagram[..end].to_vec());
        }
        for _ in 0..300 {
            let mut changed = datagram.clone();
            for _ in 0..random.random_range(1..4) {
                let place = random.random_range(0..changed.len());
                changed[place] = random.random();
            }
            sent.push(changed);
        }
    }
    for first in 20..=63 {
        for length in [1, 12, 13, 14, 40, 300] {
            let mut bytes = vec![0; length];
            random.fill_bytes(&mut bytes);
            bytes[0] = first;
            sent.push(bytes.clone());
            if length > 13 {
                sent.push(record(first, 0, 7, &bytes[13..]));
            }
        }
    }
    sent
}

fn attack(caller: &mut Caller, datagrams: Vec<Vec<u8>>) {
    let socket: UdpSocket = caller.socket.try_clone().expect("a socket");
    let server = caller.server;
    // Nothing is read: this end would not survive its own garbage's answers.
    flood(&socket, server, datagrams.into_iter(), || {});
}

#[test]
fn endless_handshakes_are_bounded_and_others_do_not_notice() {
    let house = House::open(&[]);
    let pair = Pair::seat(&house);
    let member = &house.members("delegate")[0];
    let mut random = StdRng::seed_from_u64(7);
    let mut line = Some(Line::join(&house, member));
    house.endures("endless handshakes", || {
        pair.undisturbed("endless handshakes", || {
            let mut caller = reachable(line.take().expect("its line"), member);
            // Only who has said hello is listened to.
            caller.client.connect(Instant::now());
            caller.hello();
            let sent = endless(&mut random, &mut 1000);
            attack(&mut caller, sent);
            line = Some(caller.line);
        });
    });
}

#[test]
fn broken_handshakes_fail_by_themselves_and_the_next_one_works() {
    let house = House::open(&[]);
    let pair = Pair::seat(&house);
    let delegates = house.members("delegate");
    let flight = flight(&house, &delegates[1]);
    let member = &delegates[0];
    let mut random = StdRng::seed_from_u64(8);
    let mut line = Some(Line::join(&house, member));
    house.endures("broken handshakes", || {
        pair.undisturbed("broken handshakes", || {
            let sent = broken(&flight, &mut random);
            for some in sent.chunks(400) {
                let mut caller = reachable(line.take().expect("its line"), member);
                attack(&mut caller, some.to_vec());
                line = Some(caller.line);
            }
        });
    });
    let line = line.take().expect("its line");
    Caller::offer(line, member, Profile::AeadAes128Gcm, (1, 1)).connect();
}

#[test]
fn after_the_handshake_plain_records_are_not_believed() {
    let house = House::open(&[]);
    let pair = Pair::seat(&house);
    let delegates = house.members("delegate");
    let flight = flight(&house, &delegates[1]);
    let mut caller = Caller::join(&house, &delegates[0], Profile::AeadAes128Gcm, (2, 2));
    let mut random = StdRng::seed_from_u64(9);
    let mut number = 1000;
    house.endures("plain records after the handshake", || {
        pair.undisturbed("plain records after the handshake", || {
            let mut sent = Vec::new();
            for level in [1, 2] {
                for description in [0, 10, 40, 50, 100] {
                    sent.push(record(
                        ALERT,
                        0,
                        500 + description,
                        &[level, description as u8],
                    ));
                }
            }
            sent.extend(endless(&mut random, &mut number));
            attack(&mut caller, sent);
        });
    });
    let broken = broken(&flight, &mut random);
    attack(&mut caller, broken);
    house.is_unharmed("broken records after the handshake");
    // Its own media still flows: what came was not its own word.
    drain(&caller.socket);
    caller.client.received.clear();
    let end = Instant::now() + Duration::from_secs(5);
    while caller.client.received.is_empty() {
        assert!(Instant::now() < end, "its media has ended");
        wait(Duration::from_millis(5));
        caller.live_media_only();
    }
    assert!(caller.line.take_in(), "it was cut off");
    let lost = caller
        .line
        .told
        .iter()
        .any(|told| told["signal"] == "media.lost");
    assert!(!lost, "its media path was given up");
}

#[test]
fn an_address_that_was_only_probed_is_a_stranger_s() {
    let house = House::open(&[]);
    let pair = Pair::seat(&house);
    let member = &house.members("delegate")[0];
    let line = Line::join(&house, member);
    let mut caller = Caller::offer(line, member, Profile::AeadAes128Gcm, (1, 1));
    // The server is told to look for the member where somebody else is.
    let somebody = UdpSocket::bind("127.0.0.1:0").expect("a loopback socket");
    somebody.set_nonblocking(true).expect("an option");
    let address = somebody.local_addr().expect("bound");
    let port = address.port();
    let candidate = format!("candidate:1 1 udp 2113937151 127.0.0.1 {port} typ host");
    let fields = serde_json::json!({"candidate": candidate});
    caller.line.ask("media.candidate", fields).expect("taken");
    let end = Instant::now() + Duration::from_secs(5);
    let mut probe = [0; 2048];
    while somebody.recv_from(&mut probe).is_err() {
        assert!(Instant::now() < end, "it was not probed");
        wait(Duration::from_millis(5));
    }
    pair.undisturbed("a probed address", || {
        // What needs no keys: an indication, and an error in answer to the probe.
        let indication = stun([0, 0x11], &probe[8..20]);
        let error = stun([1, 0x11], &probe[8..20]);
        for message in [indication, error] {
            somebody.send_to(&message, caller.server).expect("sent");
        }
        caller.client.connect(Instant::now());
        let mut hello = None;
        while let Some(datagram) = caller.client.poll(Instant::now()) {
            hello = Some(datagram).filter(|sent| sent[0] == HANDSHAKE).or(hello);
        }
        let hello = hello.expect("a hello");
        somebody.send_to(&hello, caller.server).expect("sent");
        wait(Duration::from_millis(300));
        let mut answer = [0; 2048];
        while let Ok((length, _)) = somebody.recv_from(&mut answer) {
            assert!(answer[0] < 20, "answered with {:x?}", &answer[..length]);
        }
    });
    house.is_unharmed("a probed address");
}

/// A STUN message of this class and transaction, with nothing but its fingerprint.
fn stun(kind: [u8; 2], transaction: &[u8]) -> Vec<u8> {
    let cookie = [0x21, 0x12, 0xa4, 0x42];
    let mut message = [&kind[..], &[0, 8], &cookie, transaction].concat();
    let value = rtc::stun::fingerprint::fingerprint_value(&message);
    message.extend([0x80, 0x28, 0, 4]);
    message.extend(value.to_be_bytes());
    message
}

fn drain(socket: &UdpSocket) {
    while socket.recv_from(&mut [0; 2048]).is_ok() {}
}
