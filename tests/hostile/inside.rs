//! A member with the right keys sends RTP that is authentic and evil: it reaches the depths, where
//! lengths and counts lie, and goes no further.

use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use roundtable::media::shard::srtp::Profile;

use crate::{
    caller::Caller,
    client::{CAMERA, MICROPHONE},
    flood::flood,
    house::House,
    pair::Pair,
};

const OPUS: u8 = 111;
const VP8: u8 = 96;

/// Forged SSRCs a round, two rounds a test.
const FORGED: usize = 500_000;
/// The same sealed with the right key.
const SEALED: usize = 60_000;

/// A member with the floor whose numbers count on by themselves.
struct Evil {
    caller: Caller,
    sound: u64,
    picture: u64,
}

impl Evil {
    fn join(house: &House, place: usize) -> Self {
        let member = &house.members("delegate")[place];
        let mut caller = Caller::join(house, member, Profile::AeadAes128Gcm, (2, 2));
        caller.take_floor();
        let mut evil = Self {
            caller,
            sound: 1,
            picture: 1,
        };
        for _ in 0..3 {
            let good = evil.sealed(OPUS, 0, &[], &[1; 60]);
            evil.caller.send(&good);
            let good = evil.sealed(VP8, 0, &[], &KEY_FRAME);
            evil.caller.send(&good);
        }
        evil
    }

    /// A packet of its microphone or camera: these flag bits, this between header and payload.
    fn sealed(&mut self, payload_type: u8, flags: u8, between: &[u8], payload: &[u8]) -> Vec<u8> {
        let (index, ssrc) = match payload_type {
            OPUS => (&mut self.sound, MICROPHONE),
            _ => (&mut self.picture, CAMERA),
        };
        let plain = [&header(flags, payload_type, *index, ssrc), between, payload].concat();
        let rollovers = (*index >> 16) as u32;
        *index += 1;
        let head = 12 + between.len();
        self.caller.client.seal_bytes(&plain, head, rollovers)
    }
}

/// A frame that a decoder may begin with.
const KEY_FRAME: [u8; 32] = {
    let mut frame = [0; 32];
    frame[0] = 0x10;
    frame[4] = 0x9d;
    frame[5] = 1;
    frame[6] = 0x2a;
    frame
};

fn header(flags: u8, payload_type: u8, index: u64, ssrc: u32) -> [u8; 12] {
    let mut header = [0; 12];
    header[0] = 0x80 | flags;
    header[1] = payload_type;
    header[2..4].copy_from_slice(&(index as u16).to_be_bytes());
    header[4..8].copy_from_slice(&(index as u32).wrapping_mul(960).to_be_bytes());
    header[8..12].copy_from_slice(&ssrc.to_be_bytes());
    header
}

const PADDED: u8 = 0x20;
const EXTENDED: u8 = 0x10;

#[test]
fn authentic_packets_whose_numbers_lie_go_no_further() {
    let house = House::open(&[]);
    let pair = Pair::seat(&house);
    let mut evil = Evil::join(&house, 0);
    let mut random = StdRng::seed_from_u64(3);
    house.endures("evil RTP", || {
        pair.undisturbed("evil RTP", || {
            let mut sent = Vec::new();
            sent.extend(bad_padding(&mut evil));
            sent.extend(bad_extensions(&mut evil, &mut random));
            sent.extend(contributors(&mut evil));
            sent.extend(cut_descriptors(&mut evil, &mut random));
            sent.extend(odd_sizes(&mut evil));
            sent.extend(garbage(&mut evil, &mut random));
            let Caller { socket, server, .. } = &evil.caller;
            let (socket, server) = (socket.try_clone().expect("a socket"), *server);
            flood(&socket, server, sent.into_iter(), || evil.caller.live());
        });
    });
}

/// Padding of nothing, of more than there is, of all there is (the advisory against servers built on
/// Pion).
fn bad_padding(evil: &mut Evil) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    for kind in [OPUS, VP8] {
        for length in 0..40_u8 {
            for count in [
                0,
                1,
                length.wrapping_sub(1),
                length,
                length + 1,
                127,
                254,
                255,
            ] {
                let mut payload = vec![0x10; usize::from(length)];
                if let Some(last) = payload.last_mut() {
                    *last = count;
                }
                sent.push(evil.sealed(kind, PADDED, &[], &payload));
            }
        }
    }
    sent
}

/// Extension blocks of every form and with elements that run over their ends.
fn bad_extensions(evil: &mut Evil, random: &mut StdRng) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    for kind in [OPUS, VP8] {
        for form in [[0xbe, 0xde], [0x10, 0], [0x10, 0x0f], [0, 0], [0xff, 0xff]] {
            for words in [0_u8, 1, 2, 20, 255] {
                let mut block = vec![form[0], form[1], 0, words];
                let start = block.len();
                block.resize(start + usize::from(words) * 4, 0);
                random.fill_bytes(&mut block[start..]);
                sent.push(evil.sealed(kind, EXTENDED, &block, &[1; 20]));
                sent.push(evil.sealed(kind, EXTENDED, &block, &[]));
            }
            for element in 0..=255 {
                let block = [form[0], form[1], 0, 1, element, element, 0, 0x1f];
                sent.push(evil.sealed(kind, EXTENDED, &block, &[1; 20]));
            }
        }
        // Lengths beyond the packet: no key opens these, since nobody knows where the header ends.
        for words in [6_u16, 100, 0x4000, 0xffff] {
            let [high, low] = words.to_be_bytes();
            let mut packet = evil.sealed(kind, EXTENDED, &[0xbe, 0xde, 0, 0], &[1; 4]);
            packet[14] = high;
            packet[15] = low;
            sent.push(packet);
        }
    }
    sent
}

/// Contributing sources, as many as there are and as many as there are not.
fn contributors(evil: &mut Evil) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    for count in 0..16 {
        let between = vec![9; usize::from(count) * 4];
        sent.push(evil.sealed(OPUS, count, &between, &[1; 20]));
        sent.push(evil.sealed(OPUS, count, &between, &[]));
        let mut more = evil.sealed(OPUS, 0, &[], &[1; 3]);
        more[0] |= count;
        sent.push(more);
    }
    sent
}

/// VP8 descriptors that end before they do.
fn cut_descriptors(evil: &mut Evil, random: &mut StdRng) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    let whole = [0x90, 0xf0, 0x92, 0x67, 23, 0x60, 0];
    for length in 0..=whole.len() {
        sent.push(evil.sealed(VP8, 0, &[], &whole[..length]));
    }
    for _ in 0..5000 {
        let mut payload = vec![0; random.random_range(0..9)];
        random.fill_bytes(&mut payload);
        sent.push(evil.sealed(VP8, 0, &[], &payload));
    }
    sent
}

/// Nothing, and as much as a datagram holds, more of it than ever leaves again.
fn odd_sizes(evil: &mut Evil) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    for kind in [OPUS, VP8] {
        for length in [0, 0, 1, 1460, 1500, 1900, 2000, 2010, 2018, 2019, 2020] {
            let payload = vec![0x10; length];
            sent.push(evil.sealed(kind, 0, &[], &payload));
        }
    }
    sent
}

/// Payload types that nobody offered, flags at random, payloads at random.
fn garbage(evil: &mut Evil, random: &mut StdRng) -> Vec<Vec<u8>> {
    (0..20_000)
        .map(|number| {
            let kind = if number % 2 == 0 { OPUS } else { VP8 };
            let mut payload = vec![0; random.random_range(0..100)];
            random.fill_bytes(&mut payload);
            let flags = random.random::<u8>() & PADDED;
            let mut packet = evil.sealed(kind, flags, &[], &payload);
            if number % 5 == 0 {
                packet[1] = random.random();
            }
            packet
        })
        .collect()
}

#[test]
fn jumps_in_the_numbers_do_not_break_a_listeners_stream() {
    let house = House::open(&[]);
    let pair = Pair::seat(&house);
    let mut evil = Evil::join(&house, 0);
    house.endures("huge jumps", || {
        // The pair's listener has slots for both: were it to lose count, nothing there would open
        // any more, which is a panic of its client.
        pair.undisturbed("huge jumps", || {
            for jump in [1, 10, 1000, 20_000, 32_000, 32_700] {
                for kind in [OPUS, VP8] {
                    for between in [None, Some(0), Some(1)] {
                        // What is not forwarded hides a part of the jump: nothing, a packet of
                        // nothing but padding, or one that no decoder reads.
                        let index = if kind == OPUS {
                            &mut evil.sound
                        } else {
                            &mut evil.picture
                        };
                        *index += jump;
                        let hidden = match between {
                            None => None,
                            Some(0) => Some(evil.sealed(kind, PADDED, &[], &[4; 4])),
                            Some(_) => Some(evil.sealed(kind, 0, &[], &[])),
                        };
                        if let Some(hidden) = hidden {
                            evil.caller.send(&hidden);
                        }
                        let index = if kind == OPUS {
                            &mut evil.sound
                        } else {
                            &mut evil.picture
                        };
                        *index += jump;
                        let payload = if kind == OPUS { &[1; 32] } else { &KEY_FRAME };
                        let good = evil.sealed(kind, 0, &[], payload);
                        evil.caller.send(&good);
                        crate::pair::wait(std::time::Duration::from_millis(2));
                        evil.caller.live();
                    }
                }
            }
        });
    });
}

#[test]
fn a_million_forged_ssrcs_change_nothing() {
    let house = House::open(&[]);
    let pair = Pair::seat(&house);
    let mut evil = Evil::join(&house, 0);
    let good = evil.sealed(OPUS, 0, &[], &[1; 40]);
    let mut round = 0;
    house.endures("a million forged SSRCs", || {
        pair.undisturbed("a million forged SSRCs", || {
            let socket = evil.caller.socket.try_clone().expect("a socket");
            let server = evil.caller.server;
            let first = round * FORGED as u32;
            let datagrams = (first..first + FORGED as u32).map(|ssrc| {
                let mut packet = good.clone();
                packet[8..12].copy_from_slice(&ssrc.wrapping_mul(2_654_435_761).to_be_bytes());
                packet
            });
            flood(&socket, server, datagrams, || evil.caller.live());
            round += 1;
        });
    });
}

#[test]
fn sealed_packets_of_ever_new_ssrcs_are_counted_and_refused() {
    let house = House::open(&[]);
    let pair = Pair::seat(&house);
    let mut evil = Evil::join(&house, 0);
    let mut ssrc = 100_000_u32;
    house.endures("sealed packets of new SSRCs", || {
        pair.undisturbed("sealed packets of new SSRCs", || {
            let socket = evil.caller.socket.try_clone().expect("a socket");
            let server = evil.caller.server;
            let sent: Vec<_> = (0..SEALED)
                .map(|number| {
                    ssrc += 1;
                    let kind = [OPUS, VP8, 0, 63][number % 4];
                    let plain = [&header(0, kind, 1, ssrc)[..], &KEY_FRAME].concat();
                    evil.caller.client.seal_bytes(&plain, 12, 0)
                })
                .collect();
            flood(&socket, server, sent.into_iter(), || evil.caller.live());
        });
    });
}
