//! The shard as its clients see it: in memory, real ICE, DTLS and SRTP, on a clock of the test's.

mod client;
mod layers;
mod restart;
mod streams;

use std::time::Duration;

use client::{CAMERA, Client, Hall};
use roundtable::media::{
    AudioRank, Gate, Notice, Order, Seen, Shown, Source,
    shard::{
        rtcp::{self, Compound},
        rtp,
        srtp::Profile,
        vp8::Descriptor,
    },
};

const PROFILES: [Profile; 3] = [
    Profile::AeadAes128Gcm,
    Profile::AeadAes256Gcm,
    Profile::AesCm128HmacSha1_80,
];

/// A VP8 payload with 15-bit picture id and TL0PICIDX: the first packet of a frame.
fn frame(key: bool, picture_id: u16, tl0: u8) -> Vec<u8> {
    let [high, low] = (picture_id | 0x8000).to_be_bytes();
    let mut payload = vec![0x90, 0xe0, high, low, tl0, 0x20, u8::from(!key)];
    payload.extend([0x55; 100]);
    payload
}

fn room(profile: Profile, clients: usize) -> (Hall, Vec<Client>) {
    let mut hall = Hall::new();
    let mut all = Vec::new();
    for _ in 0..clients {
        hall.join(&mut all, profile, 2, 2);
    }
    (hall, all)
}

fn hear(hall: &mut Hall, clients: &mut [Client], who: usize, gate: Gate) {
    let peer = clients[who].id;
    hall.order(Order::Hear { peer, gate }, clients);
}

fn show(hall: &mut Hall, clients: &mut [Client], who: usize) {
    let peer = clients[who].id;
    hall.order(
        Order::Show {
            peer,
            seen: Seen::ALL,
        },
        clients,
    );
}

fn speak(hall: &mut Hall, clients: &mut [Client], who: usize, from: u16, packets: u16) {
    for number in from..from + packets {
        let packet = clients[who].sound(number, u32::from(number) * 960, 20, &[9; 80]);
        hall.send(who, packet, clients);
        hall.now += Duration::from_millis(20);
    }
}

#[test]
fn only_an_open_gate_is_heard_whatever_is_sent() {
    for profile in PROFILES {
        let (mut hall, mut clients) = room(profile, 3);
        speak(&mut hall, &mut clients, 0, 1, 50);
        for client in &clients {
            assert!(
                client.received.is_empty(),
                "{profile:?}: heard without the floor"
            );
        }
        assert!(
            !hall
                .notices
                .iter()
                .any(|notice| matches!(notice, Notice::AudioDelivered { .. }))
        );

        hear(&mut hall, &mut clients, 0, Gate::Open(AudioRank::Floor));
        speak(&mut hall, &mut clients, 0, 51, 50);
        assert!(clients[0].received.is_empty(), "nobody hears oneself");
        for listener in &mut clients[1..] {
            let ssrc = listener.slots[0];
            let heard = listener.take(ssrc);
            assert_eq!(heard.len(), 50, "{profile:?}");
            for pair in heard.windows(2) {
                assert_eq!(pair[1].0.sequence, pair[0].0.sequence.wrapping_add(1));
                assert_eq!(pair[1].0.timestamp, pair[0].0.timestamp.wrapping_add(960));
            }
            let (header, packet) = &heard[0];
            assert!(header.marker, "the first after a silence");
            assert_eq!(header.payload(packet).expect("a payload"), [9; 80]);
            assert_eq!(
                header.extension(packet, 1),
                Some(&[20][..]),
                "the level goes along"
            );
        }
        let peer = clients[0].id;
        assert!(hall.notices.contains(&Notice::AudioDelivered { peer }));
        assert!(hall.notices.contains(&Notice::AudioHeard { peer }));

        hear(&mut hall, &mut clients, 0, Gate::Closed);
        speak(&mut hall, &mut clients, 0, 101, 50);
        for client in &clients {
            assert!(
                client.received.is_empty(),
                "{profile:?}: heard after the floor"
            );
        }
        // Given again, the stream goes on without a hole.
        hear(&mut hall, &mut clients, 0, Gate::Open(AudioRank::Floor));
        speak(&mut hall, &mut clients, 0, 151, 1);
        let ssrc = clients[1].slots[0];
        assert_eq!(clients[1].take(ssrc).len(), 1);
    }
}

#[test]
fn a_crowd_that_is_let_speak_at_once_fills_the_slots_once() {
    let (mut hall, mut clients) = room(Profile::AeadAes128Gcm, 6);
    for who in 0..3 {
        hear(&mut hall, &mut clients, who, Gate::Open(AudioRank::Other));
    }
    hall.notices.clear();
    // Three voices begin before anything is sent on: each listener is told of its slots once.
    for client in &mut clients[..3] {
        let mut packet = client.sound(1, 960, 20, &[9; 80]);
        let from = client.address();
        hall.shard.handle_datagram(hall.now, 0, from, &mut packet);
    }
    hall.deliver(&mut clients);
    let told = |who: usize| {
        let id = clients[who].id;
        let of_peer =
            |notice: &&Notice| matches!(notice, Notice::Slots { peer, .. } if *peer == id);
        hall.notices.iter().filter(of_peer).count()
    };
    assert_eq!((3..6).map(told).collect::<Vec<_>>(), [1, 1, 1]);
    for client in &clients[3..] {
        assert_eq!(client.received.len(), 2, "both slots carry a voice");
    }
    // Closed in the same breath as it speaks: nothing leaves any more.
    let mut packet = clients[0].sound(2, 1920, 20, &[9; 80]);
    let from = clients[0].address();
    hall.shard.handle_datagram(hall.now, 0, from, &mut packet);
    for client in &clients[..3] {
        let (peer, gate) = (client.id, Gate::Closed);
        let order = Order::Hear { peer, gate };
        hall.shard.handle_order(hall.now, client::SESSION, order);
    }
    hall.deliver(&mut clients);
    for client in &clients[3..] {
        assert_eq!(client.received.len(), 2);
    }
}

#[test]
fn what_comes_together_leaves_by_receiver_and_in_order() {
    let (mut hall, mut clients) = room(Profile::AeadAes128Gcm, 4);
    for who in 0..2 {
        hear(&mut hall, &mut clients, who, Gate::Open(AudioRank::Other));
        speak(&mut hall, &mut clients, who, 1, 1);
    }
    // Two voices by turns, some packets in one batch.
    for number in 2..6 {
        for (who, client) in clients.iter_mut().take(2).enumerate() {
            let mut packet = client.sound(number, u32::from(number) * 960, 20, &[who as u8; 80]);
            let from = client.address();
            hall.shard.handle_datagram(hall.now, 0, from, &mut packet);
        }
    }
    let mut buffer = [0; roundtable::media::shard::DATAGRAM_BYTES_MAX];
    let mut receivers = Vec::new();
    while let Some(transmit) = hall.shard.poll_transmit(&mut buffer) {
        receivers.push(transmit.path.remote);
        let to = clients
            .iter_mut()
            .find(|client| client.address() == transmit.path.remote);
        to.expect("a client")
            .handle(hall.now, &mut buffer[..transmit.length]);
    }
    // Each gets all of its own in a row: its run is one message of the kernel's.
    let mut rows = receivers.clone();
    rows.dedup();
    assert_eq!(rows.len(), 4, "{receivers:?}");
    assert_eq!(receivers.len(), 4 + 4 + 8 + 8);
    for client in &clients[2..] {
        for voice in 0..2_u8 {
            let sequences: Vec<u16> = client.received[2..]
                .iter()
                .map(|packet| (rtp::Header::parse(packet).expect("a header"), packet))
                .filter(|(header, packet)| header.payload(packet).expect("sound")[0] == voice)
                .map(|(header, _)| header.sequence)
                .collect();
            assert_eq!(sequences.len(), 4);
            assert!(
                sequences
                    .windows(2)
                    .all(|pair| pair[1] == pair[0].wrapping_add(1))
            );
        }
    }
}

#[test]
fn a_frame_whose_rest_is_on_its_way_is_waited_for_and_nothing_else_is() {
    let (mut hall, mut clients) = room(Profile::AeadAes128Gcm, 2);
    show(&mut hall, &mut clients, 0);
    hear(&mut hall, &mut clients, 0, Gate::Open(AudioRank::Floor));
    let put = |hall: &mut Hall, clients: &[Client], mut packet: Vec<u8>| {
        let from = clients[0].address();
        hall.shard.handle_datagram(hall.now, 0, from, &mut packet);
        hall.shard.is_within_frame()
    };
    let picture = |clients: &mut [Client], number, ends| {
        clients[0].picture(number, 3000, ends, &frame(number == 1, 1, 1))
    };
    let first = picture(&mut clients, 1, true);
    put(&mut hall, &clients, first);
    hall.deliver(&mut clients);
    let begins = picture(&mut clients, 2, false);
    assert!(put(&mut hall, &clients, begins));
    let ends = picture(&mut clients, 3, true);
    assert!(!put(&mut hall, &clients, ends));
    hall.deliver(&mut clients);
    assert!(
        !hall.shard.is_within_frame(),
        "what has left waits for nothing"
    );
    let sound = clients[0].sound(1, 960, 20, &[9; 80]);
    assert!(!put(&mut hall, &clients, sound));
    // Nobody is there to whom the rest would go.
    hall.deliver(&mut clients);
    let peer = clients[1].id;
    hall.order(Order::Close { peer }, &mut clients);
    let begins = picture(&mut clients, 4, false);
    assert!(!put(&mut hall, &clients, begins));
}

#[test]
fn a_handshake_outlasts_a_line_that_is_dead_for_three_seconds() {
    let mut hall = Hall::new();
    let mut clients = Vec::new();
    let place = hall.begin(&mut clients, Profile::AeadAes128Gcm, 1, 1);
    hall.pass(Duration::from_millis(60), &mut clients);
    clients[place].connect(hall.now);
    let mut buffer = [0; roundtable::media::shard::DATAGRAM_BYTES_MAX];
    let from = clients[place].address();
    // Two greetings arrive, the second with the server's cookie; what the server says to that does not.
    for greeting in 0..2 {
        while let Some(mut datagram) = clients[place].poll(hall.now) {
            hall.shard.handle_datagram(hall.now, 0, from, &mut datagram);
        }
        while let Some(transmit) = hall.shard.poll_transmit(&mut buffer) {
            if greeting == 0 {
                clients[place].handle(hall.now, &mut buffer[..transmit.length]);
            }
        }
    }
    for _ in 0..150 {
        hall.now += Duration::from_millis(20);
        hall.shard.handle_timeout(hall.now);
        while hall.shard.poll_transmit(&mut buffer).is_some() {}
        while clients[place].poll(hall.now).is_some() {}
    }
    assert!(!clients[place].is_connected());
    hall.pass(Duration::from_secs(5), &mut clients);
    assert!(clients[place].is_connected());
}

#[test]
fn silence_is_delivered_but_not_heard() {
    let (mut hall, mut clients) = room(Profile::AeadAes128Gcm, 2);
    hear(&mut hall, &mut clients, 0, Gate::Open(AudioRank::Floor));
    let peer = clients[0].id;
    let packet = clients[0].sound(1, 960, 100, &[1; 10]);
    hall.send(0, packet, &mut clients);
    assert!(hall.notices.contains(&Notice::AudioDelivered { peer }));
    assert!(!hall.notices.contains(&Notice::AudioHeard { peer }));
    let packet = clients[0].sound(2, 1920, 30, &[1; 10]);
    hall.send(0, packet, &mut clients);
    assert!(hall.notices.contains(&Notice::AudioHeard { peer }));
}

#[test]
fn a_picture_begins_with_a_key_frame_and_goes_on_over_a_switch() {
    let (mut hall, mut clients) = room(Profile::AeadAes128Gcm, 3);
    // One video slot matters: both cameras are shown, and the first is taken away later.
    show(&mut hall, &mut clients, 0);
    let ssrc = clients[2].slots[2];
    let packet = clients[0].picture(1, 1000, true, &frame(false, 5, 5));
    hall.send(0, packet, &mut clients);
    assert!(clients[2].take(ssrc).is_empty(), "no key frame yet");
    let asked = clients[0].reports.iter().any(|compound| {
        rtcp::packets(compound).any(|packet| {
            matches!(
                packet,
                rtcp::Packet::PictureLoss {
                    media_ssrc: CAMERA,
                    ..
                }
            )
        })
    });
    assert!(asked, "the sender is asked for one");

    for (number, key) in [(2, true), (3, false)] {
        let payload = frame(key, 100 + number, 7 + number as u8);
        let packet = clients[0].picture(number, 1000 + u32::from(number) * 6000, true, &payload);
        hall.send(0, packet, &mut clients);
    }
    let seen = clients[2].take(ssrc);
    assert_eq!(seen.len(), 2);
    let last = seen[1].0;

    let gone = clients[0].id;
    hall.order(Order::Close { peer: gone }, &mut clients);
    hall.now += Duration::from_millis(200);
    show(&mut hall, &mut clients, 1);
    for (number, key) in [(900, false), (901, true), (902, false)] {
        let payload = frame(key, 3000 + number, 200);
        let packet = clients[1].picture(number, 77, true, &payload);
        hall.send(1, packet, &mut clients);
    }
    let seen = clients[2].take(ssrc);
    assert_eq!(seen.len(), 2, "from the key frame on");
    assert_eq!(seen[0].0.sequence, last.sequence.wrapping_add(1));
    let step = seen[0].0.timestamp.wrapping_sub(last.timestamp);
    assert!((2970..=20_000).contains(&step), "a later time: {step}");
    let picture = |(header, packet): &(rtp::Header, Vec<u8>)| {
        Descriptor::parse(header.payload(packet).expect("a payload")).expect("VP8")
    };
    // The last picture was 103, with TL0PICIDX 10.
    let first = picture(&seen[0]);
    assert_eq!(first.picture_id.map(|id| id.value()), Some(104));
    assert_eq!(first.tl0_picture_index, Some(11));
    assert_eq!(picture(&seen[1]).picture_id.map(|id| id.value()), Some(105));
}

#[test]
fn a_lost_packet_is_sent_again_from_the_ring() {
    let (mut hall, mut clients) = room(Profile::AeadAes128Gcm, 2);
    show(&mut hall, &mut clients, 0);
    for number in 1..=5_u16 {
        let payload = frame(number == 1, number, 0);
        let packet = clients[0].picture(number, u32::from(number) * 6000, true, &payload);
        hall.send(0, packet, &mut clients);
    }
    let (slot, rtx) = (clients[1].slots[2], clients[1].rtx[2]);
    let seen = clients[1].take(slot);
    assert_eq!(seen.len(), 5);
    let missing = seen[2].0.sequence;
    let mut out = [0; 200];
    let mut compound = Compound::with_receiver_report(&mut out, 1, &[], "c").expect("room");
    compound.nack(1, slot, [missing]).expect("room");
    let bytes = compound.bytes();
    let request = clients[1].control(&out[..bytes]);
    hall.send(1, request, &mut clients);
    let again = clients[1].take(rtx);
    assert_eq!(again.len(), 1);
    let (header, packet) = &again[0];
    assert_eq!(header.payload_type, 97);
    assert_eq!(header.timestamp, seen[2].0.timestamp);
    let payload = header.payload(packet).expect("a payload");
    assert_eq!(payload[..2], missing.to_be_bytes());
    let original = seen[2].0.payload(&seen[2].1).expect("a payload");
    assert_eq!(&payload[2..], original);
}

/// The sequence numbers that a client has been asked for again.
fn asked_again(client: &mut Client) -> Vec<u16> {
    let reports = std::mem::take(&mut client.reports);
    let mut lost = Vec::new();
    for compound in &reports {
        for packet in rtcp::packets(compound) {
            if let rtcp::Packet::Nack {
                media_ssrc: CAMERA,
                lost: these,
                ..
            } = packet
            {
                lost.extend(these);
            }
        }
    }
    lost
}

#[test]
fn a_sender_is_asked_again_for_what_did_not_arrive() {
    let (mut hall, mut clients) = room(Profile::AeadAes128Gcm, 2);
    show(&mut hall, &mut clients, 0);
    let ssrc = clients[1].slots[2];
    let packets: Vec<_> = (1..=20_u16)
        .map(|number| {
            let payload = frame(number == 1, 100 + number, number as u8);
            clients[0].picture(number, u32::from(number) * 6000, true, &payload)
        })
        .collect();
    let tick = Duration::from_millis(20);
    for (number, packet) in (1..).zip(&packets) {
        if ![7, 8, 12].contains(&number) {
            hall.send(0, packet.clone(), &mut clients);
        }
        hall.pass(tick, &mut clients);
    }
    let asked = asked_again(&mut clients[0]);
    assert!(asked.starts_with(&[7, 8]), "{asked:?}");
    assert!(asked.contains(&12), "{asked:?}");
    for number in [7, 8, 12] {
        hall.send(0, packets[number - 1].clone(), &mut clients);
    }
    let mut seen: Vec<_> = clients[1]
        .take(ssrc)
        .iter()
        .map(|it| it.0.sequence)
        .collect();
    seen.sort_unstable();
    assert_eq!(seen.len(), 20, "every packet, in its place: {seen:?}");
    assert!(
        seen.windows(2).all(|pair| pair[1] == pair[0] + 1),
        "{seen:?}"
    );
    // What came is asked for no more, and what does not come is given up for a key frame.
    hall.pass(Duration::from_millis(200), &mut clients);
    assert_eq!(asked_again(&mut clients[0]), [0; 0]);
    let payload = frame(false, 200, 1);
    let packet = clients[0].picture(22, 22 * 6000, true, &payload);
    hall.send(0, packet, &mut clients);
    let mut asks = 0;
    let mut key_frame = false;
    for _ in 0..100 {
        hall.pass(tick, &mut clients);
        key_frame |= clients[0].reports.iter().any(|compound| {
            rtcp::packets(compound).any(|packet| matches!(packet, rtcp::Packet::PictureLoss { .. }))
        });
        asks += asked_again(&mut clients[0]).len();
    }
    assert!((3..=10).contains(&asks), "{asks}");
    assert!(key_frame, "the decoder is given a new start");
}

#[test]
fn a_server_behind_address_translation_is_reached_at_its_public_address() {
    let mut hall = Hall::new();
    let public = "198.51.100.7:7882".parse().expect("an address");
    hall.shard.announce([public].as_slice().into());
    let mut clients = Vec::new();
    hall.join(&mut clients, Profile::AeadAes128Gcm, 1, 1);
    assert_eq!(clients[0].server(), public);
    assert!(clients[0].is_connected());
}

#[test]
fn reports_are_carried_over() {
    let (mut hall, mut clients) = room(Profile::AeadAes128Gcm, 2);
    hear(&mut hall, &mut clients, 0, Gate::Open(AudioRank::Chair));
    speak(&mut hall, &mut clients, 0, 1, 10);
    let slot = clients[1].slots[0];
    let last = clients[1].take(slot).pop().expect("heard").0;
    let info = rtcp::SenderInfo {
        ssrc: client::MICROPHONE,
        ntp: 0x1234_5678_9abc_def0,
        rtp_timestamp: 10 * 960,
        packets: 10,
        octets: 800,
    };
    let mut out = [0; 200];
    let bytes = Compound::with_sender_report(&mut out, &info, &[], "c")
        .expect("room")
        .bytes();
    let report = clients[0].control(&out[..bytes]);
    hall.send(0, report, &mut clients);
    let carried = clients[1]
        .reports
        .iter()
        .flat_map(|compound| rtcp::packets(compound))
        .find_map(|packet| match packet {
            rtcp::Packet::SenderReport { info, .. } => Some(info),
            _ => None,
        })
        .expect("a sender report for the slot");
    assert_eq!(carried.ssrc, slot);
    assert_eq!(carried.ntp, info.ntp);
    assert_eq!(carried.rtp_timestamp, last.timestamp, "the same moment");
    assert_eq!(carried.packets, 10);

    hall.pass(Duration::from_millis(1100), &mut clients);
    let block = clients[0]
        .reports
        .iter()
        .flat_map(|compound| rtcp::packets(compound))
        .find_map(|packet| match packet {
            rtcp::Packet::ReceiverReport { mut blocks, .. } => blocks.next(),
            _ => None,
        })
        .expect("a receiver report to the sender");
    assert_eq!(
        (block.ssrc, block.highest_sequence & 0xffff),
        (client::MICROPHONE, 10)
    );
    assert_eq!(block.total_lost, 0);
}

#[test]
fn who_falls_silent_or_leaves_frees_the_slot() {
    let (mut hall, mut clients) = room(Profile::AeadAes128Gcm, 2);
    show(&mut hall, &mut clients, 0);
    let packet = clients[0].picture(1, 0, true, &frame(true, 1, 1));
    hall.send(0, packet, &mut clients);
    let holder = |hall: &Hall, listener: &Client| {
        hall.notices.iter().rev().find_map(|notice| match notice {
            Notice::Slots { peer, slots } if *peer == listener.id => Some(slots[2].filled),
            _ => None,
        })
    };
    let sender = clients[0].id;
    assert_eq!(
        holder(&hall, &clients[1]).flatten().map(|(peer, _)| peer),
        Some(sender)
    );
    let there = |hall: &Hall| {
        hall.notices.iter().rev().find_map(|notice| match notice {
            Notice::Pictures { pictures } => Some(pictures.clone()),
            _ => None,
        })
    };
    assert_eq!(there(&hall), Some(vec![(sender, Source::Camera)]));
    // That nobody shows it takes it out of the slots, and not out of what there is.
    for (height, holds) in [(Some(0), None), (None, Some(sender))] {
        let pictures = vec![Shown {
            peer: sender,
            source: Source::Camera,
            height,
        }];
        let peer = clients[1].id;
        hall.order(Order::View { peer, pictures }, &mut clients);
        let held = holder(&hall, &clients[1]).flatten().map(|(peer, _)| peer);
        assert_eq!(held, holds, "{height:?}");
        assert_eq!(there(&hall), Some(vec![(sender, Source::Camera)]));
    }
    hall.pass(Duration::from_secs(3), &mut clients);
    assert_eq!(there(&hall), Some(Vec::new()));
    assert_eq!(
        holder(&hall, &clients[1]),
        Some(None),
        "the camera was switched off"
    );
}

#[test]
fn a_peer_that_is_silent_on_its_path_is_lost() {
    let (mut hall, mut clients) = room(Profile::AeadAes128Gcm, 2);
    let peer = clients[1].id;
    clients.truncate(1);
    hall.pass(Duration::from_secs(20), &mut clients);
    assert!(hall.notices.contains(&Notice::Lost { peer }));
    let stays = clients[0].id;
    assert!(!hall.notices.contains(&Notice::Lost { peer: stays }));
}

#[test]
fn strangers_and_forgers_leave_no_trace() {
    let (mut hall, mut clients) = room(Profile::AesCm128HmacSha1_80, 2);
    hear(&mut hall, &mut clients, 0, Gate::Open(AudioRank::Floor));
    let stranger = "127.0.0.1:9999".parse().expect("an address");
    let good = clients[0].sound(1, 960, 20, &[1; 80]);
    hall.shard
        .handle_datagram(hall.now, 0, stranger, &mut good.clone());
    hall.deliver(&mut clients);
    assert!(clients[1].received.is_empty(), "an unknown address");
    for at in [0, 1, 2, 4, 11, 20, good.len() - 1] {
        let mut forged = good.clone();
        forged[at] ^= 1;
        hall.send(0, forged, &mut clients);
    }
    assert!(
        clients[1].received.is_empty(),
        "each changed bit is noticed"
    );
    hall.send(0, good.clone(), &mut clients);
    assert_eq!(clients[1].received.len(), 1);
    hall.send(0, good, &mut clients);
    assert_eq!(clients[1].received.len(), 1, "a replay");
}
