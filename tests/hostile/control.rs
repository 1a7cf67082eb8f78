//! RTCP of a member with the right keys, and forged: lies about lengths and streams, floods of
//! requests that would cost others more than the sender.

use std::time::{Duration, Instant};

use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use roundtable::media::shard::srtp::Profile;

use crate::{
    caller::Caller,
    client::MICROPHONE,
    flood::flood,
    house::House,
    pair::{Pair, wait},
};

/// Key frames are asked for no more often than this (`shard::keyframes`).
const KEY_FRAME_PACE: Duration = Duration::from_millis(400);

fn member(house: &House, profile: Profile) -> Caller {
    let member = &house.members("delegate")[0];
    let mut caller = Caller::join(house, member, profile, (2, 2));
    // Its picture slot carries the speaker's camera.
    let end = Instant::now() + Duration::from_secs(5);
    while !caller
        .client
        .received
        .iter()
        .any(|packet| packet.len() > 700)
    {
        assert!(Instant::now() < end, "the speaker is not seen");
        wait(Duration::from_millis(5));
        caller.live();
    }
    caller
}

/// One RTCP packet: its length is right.
fn packet(kind: u8, count: u8, words: &[u32]) -> Vec<u8> {
    let length = u16::try_from(words.len()).expect("short");
    let [high, low] = length.to_be_bytes();
    let mut bytes = vec![0x80 | count, kind, high, low];
    bytes.extend(words.iter().flat_map(|word| word.to_be_bytes()));
    bytes
}

fn attack(caller: &mut Caller, datagrams: Vec<Vec<u8>>) {
    let socket = caller.socket.try_clone().expect("a socket");
    let server = caller.server;
    flood(&socket, server, datagrams.into_iter(), || {
        caller.live();
        caller.client.received.clear();
        caller.client.reports.clear();
    });
}

#[test]
fn compounds_that_lie_about_lengths_and_streams_change_nothing() {
    let house = House::open(&[]);
    let pair = Pair::seat(&house);
    let mut caller = member(&house, Profile::AeadAes128Gcm);
    let mut random = StdRng::seed_from_u64(4);
    house.endures("evil RTCP", || {
        pair.undisturbed("evil RTCP", || {
            let mut plain = Vec::new();
            for kind in 192..=223 {
                for count in [0, 1, 2, 4, 15, 31] {
                    let words: Vec<u32> = (0..12).map(|_| random.random()).collect();
                    let right = packet(kind, count, &words);
                    for length in [0_u16, 1, 2, 11, 13, 0x7fff, 0xffff] {
                        let mut wrong = right.clone();
                        wrong[2..4].copy_from_slice(&length.to_be_bytes());
                        plain.push(wrong);
                    }
                    // Padding that cannot be.
                    for padding in [0, 1, 3, 48, 49, 255] {
                        let mut padded = right.clone();
                        padded[0] |= 0x20;
                        *padded.last_mut().expect("words") = padding;
                        plain.push(padded);
                    }
                    plain.push(right);
                }
            }
            // A goodbye for everybody that there may be.
            let mut everybody: Vec<u32> = caller.client.slots.clone();
            everybody.extend([MICROPHONE, crate::client::CAMERA, 0, u32::MAX]);
            plain.push(packet(203, everybody.len() as u8, &everybody));
            for _ in 0..10_000 {
                let mut bytes = vec![0; random.random_range(8..300)];
                random.fill_bytes(&mut bytes);
                bytes[0] = 0x80 | bytes[0] & 0x3f;
                bytes[1] = 200 + bytes[1] % 8;
                bytes[2] = 0;
                plain.push(bytes);
            }
            let sealed = plain.iter().map(|compound| caller.client.control(compound));
            let sealed = sealed.collect();
            attack(&mut caller, sealed);
        });
    });
}

#[test]
fn reports_on_a_million_streams_cost_nothing_that_stays() {
    let house = House::open(&[]);
    let pair = Pair::seat(&house);
    let mut caller = member(&house, Profile::AeadAes128Gcm);
    let mut random = StdRng::seed_from_u64(5);
    house.endures("reports on a million streams", || {
        pair.undisturbed("reports on a million streams", || {
            // 62 streams a datagram, 8,100 datagrams a round, two rounds; and each from another
            // reporter.
            let sealed = (0..8100)
                .map(|_| {
                    let mut compound = Vec::new();
                    for _ in 0..2 {
                        let words: Vec<u32> = (0..1 + 31 * 6).map(|_| random.random()).collect();
                        compound.extend(packet(201, 31, &words));
                    }
                    caller.client.control(&compound)
                })
                .collect();
            attack(&mut caller, sealed);
        });
    });
}

#[test]
fn a_flood_of_requests_for_key_frames_reaches_the_speaker_as_a_trickle() {
    let house = House::open(&[]);
    let pair = Pair::seat(&house);
    let mut caller = member(&house, Profile::AeadAes128Gcm);
    let slots = caller.client.slots.clone();
    house.endures("a flood of PLI and FIR", || {
        wait(KEY_FRAME_PACE);
        let (asked, begun) = (pair.asked(), Instant::now());
        pair.undisturbed("a flood of PLI and FIR", || {
            let sealed = (0..20_000)
                .map(|number| {
                    let compound = if number % 2 == 0 {
                        let loss = |slot: &u32| packet(206, 1, &[1, *slot]);
                        slots.iter().flat_map(loss).collect()
                    } else {
                        let entries = slots.iter().flat_map(|slot| [*slot, number << 24]);
                        let words: Vec<u32> = [1, 0].into_iter().chain(entries).collect();
                        packet(206, 4, &words)
                    };
                    caller.client.control(&compound)
                })
                .collect();
            attack(&mut caller, sealed);
        });
        let asked = pair.asked() - asked;
        let paced = begun.elapsed().as_millis() / KEY_FRAME_PACE.as_millis() + 2;
        println!("asked for {asked} key frames of 20000 requests");
        assert!(asked > 0, "the requests are heard");
        assert!(
            asked as u128 <= paced,
            "{asked} requests in {:?}",
            begun.elapsed()
        );
    });
}

#[test]
fn a_flood_of_nacks_is_answered_within_bounds() {
    let house = House::open(&[]);
    let pair = Pair::seat(&house);
    let mut caller = member(&house, Profile::AeadAes128Gcm);
    let slots = caller.client.slots.clone();
    house.endures("a flood of NACKs", || {
        let begun = Instant::now();
        let mut again = 0;
        pair.undisturbed("a flood of NACKs", || {
            // The last 17 pictures, 300 times a datagram; then all numbers that there are.
            wait(Duration::from_secs(1));
            caller.live();
            let last = caller.client.received.iter().rev();
            let rtx = caller.client.rtx.clone();
            let picture = last
                .clone()
                .find(|packet| packet.len() > 700 && !is_of(packet, &rtx));
            let picture = picture.expect("the speaker is seen");
            let number = u32::from(u16::from_be_bytes([picture[2], picture[3]]));
            let recent = number.wrapping_sub(17) << 16 | 0xffff;
            let sealed: Vec<_> = (0..1500_u32)
                .map(|number| {
                    let slot = slots[number as usize % slots.len()];
                    let pairs = (0..300).map(|pair| match number {
                        0..1000 => recent,
                        _ => (number * 300 + pair).wrapping_mul(17) << 16 | 0xffff,
                    });
                    let words: Vec<u32> = [1, slot].into_iter().chain(pairs).collect();
                    caller.client.control(&packet(205, 1, &words))
                })
                .collect();
            let socket = caller.socket.try_clone().expect("a socket");
            let server = caller.server;
            flood(&socket, server, sealed.into_iter(), || {
                caller.live();
                again += sent_again(&mut caller, &rtx);
            });
            wait(Duration::from_millis(50));
            caller.live();
            again += sent_again(&mut caller, &rtx);
        });
        let seconds = begun.elapsed().as_secs_f64();
        println!("{again} packets sent again in {seconds:.1} s");
        assert!(again > 50, "the requests are heard");
        assert!(
            f64::from(again) < 300.0 + 1100.0 * seconds,
            "{again} in {seconds:.1} s"
        );
    });
}

fn sent_again(caller: &mut Caller, rtx: &[u32]) -> u32 {
    let received = std::mem::take(&mut caller.client.received);
    received.iter().filter(|packet| is_of(packet, rtx)).count() as u32
}

/// Whether a packet is of one of these streams.
fn is_of(packet: &[u8], ssrcs: &[u32]) -> bool {
    let ssrc = packet[8..12].try_into().expect("four bytes");
    ssrcs.contains(&u32::from_be_bytes(ssrc))
}

#[test]
fn a_flood_of_sender_reports_is_not_carried_to_everybody() {
    let house = House::open(&[]);
    let pair = Pair::seat(&house);
    let mut caller = member(&house, Profile::AeadAes128Gcm);
    caller.take_floor();
    for number in 0..5 {
        let sound = caller
            .client
            .sound(number, u32::from(number) * 960, 30, &[1; 60]);
        caller.send(&sound);
    }
    wait(Duration::from_millis(100));
    house.endures("a flood of sender reports", || {
        let (reported, begun) = (pair.reported(), Instant::now());
        pair.undisturbed("a flood of sender reports", || {
            let one = packet(200, 0, &[MICROPHONE, 1, 2, 3, 4, 5]);
            let compound = one.repeat(60);
            let sealed = (0..1500)
                .map(|_| caller.client.control(&compound))
                .collect();
            attack(&mut caller, sealed);
        });
        let reported = pair.reported() - reported;
        let seconds = begun.elapsed().as_secs_f64();
        println!("{reported} of 90000 sender reports reached the listener in {seconds:.1} s");
        assert!(reported > 0, "sender reports are carried over");
        assert!(
            (reported as f64) < 10.0 * seconds + 10.0,
            "{reported} reached the listener"
        );
    });
}

#[test]
fn srtcp_without_encryption_is_not_believed() {
    let house = House::open(&[]);
    let pair = Pair::seat(&house);
    let mut caller = member(&house, Profile::AesCm128HmacSha1_80);
    let slots = caller.client.slots.clone();
    let mut random = StdRng::seed_from_u64(6);
    // What the slots' first key frame needed has been asked for.
    wait(Duration::from_secs(1));
    house.endures("SRTCP with E=0", || {
        let asked = pair.asked();
        pair.undisturbed("SRTCP with E=0", || {
            let mut datagrams = Vec::new();
            for number in 0..5000_u32 {
                let slot = slots[number as usize % slots.len()];
                let compound = [packet(206, 1, &[1, slot]), packet(203, 1, &[slot])].concat();
                // Plain, with an index that says so, and a tag that is anything.
                let mut plain = compound.clone();
                plain.extend(number.to_be_bytes());
                plain.extend((0..10).map(|_| random.random::<u8>()));
                datagrams.push(plain);
                // As it was sealed, but for the bit that says so.
                let mut sealed = caller.client.control(&compound);
                let word = sealed.len() - 14;
                sealed[word] &= 0x7f;
                datagrams.push(sealed);
            }
            attack(&mut caller, datagrams);
        });
        assert_eq!(pair.asked(), asked, "a key frame was asked for");
    });
}
