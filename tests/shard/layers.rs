//! Simulcast: three layers in, on each slot the one that fits, as one continuous stream.

use std::time::Duration;

use roundtable::media::{
    Notice, Order, Seen, Shown, Source,
    shard::{
        rtcp,
        rtp::{Header, HeaderFields},
        srtp::Profile,
        vp8::Descriptor,
    },
};

use crate::client::{Client, Hall};

const RIDS: [&str; 3] = ["q", "h", "f"];
const HEIGHTS: [u16; 3] = [180, 360, 720];
/// SSRC of the lowest layer; the others follow, their retransmissions ten above.
const LAYER: u32 = 3001;

/// An offer whose camera sends three layers.
fn simulcast(sdp: String) -> String {
    let named = "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
         a=extmap:5 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n\
         a=extmap:6 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n\
         a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=simulcast:send q;h;f\r\n";
    let declared = format!("a=ssrc:{} cname:c\r\n", crate::client::CAMERA);
    sdp.replace(&declared, named)
}

/// A camera with three layers.
struct Camera {
    /// Frames sent so far.
    frames: u16,
    /// The last sequence number of each layer.
    sequences: [u16; 3],
    /// Which layers begin anew with the next frame.
    keys: [bool; 3],
    sends: [bool; 3],
    /// How often each was asked for a key frame.
    asked: [u32; 3],
}

impl Camera {
    fn new() -> Self {
        Self {
            frames: 0,
            sequences: [100, 200, 300],
            keys: [true; 3],
            sends: [true; 3],
            asked: [0; 3],
        }
    }

    /// One frame of a layer as a payload: descriptor, frame header, filling.
    fn payload(layer: usize, key: bool, frame: u16) -> Vec<u8> {
        // Each layer counts its pictures from elsewhere.
        let id = (frame + 1000 * u16::try_from(layer).expect("three")) | 0x8000;
        let [high, low] = id.to_be_bytes();
        let mut payload = vec![0x90, 0xe0, high, low, low, 0x20];
        if key {
            let [low, high] = HEIGHTS[layer].to_le_bytes();
            payload.extend([0x10, 0, 0, 0x9d, 0x01, 0x2a, 0, 1, low, high]);
        } else {
            payload.push(0x11);
        }
        payload.resize(100 + 200 * layer, 7);
        payload
    }

    fn packet(&mut self, client: &mut Client, layer: usize) -> Vec<u8> {
        let key = std::mem::take(&mut self.keys[layer]);
        let number = u32::try_from(layer).expect("three");
        self.sequences[layer] += 1;
        let fields = HeaderFields {
            marker: true,
            payload_type: 96,
            sequence: self.sequences[layer],
            timestamp: u32::from(self.frames) * 6000 + 77_777 * number,
            ssrc: LAYER + number,
            padded: false,
        };
        let payload = Self::payload(layer, key, self.frames);
        client.seal(
            &fields,
            &[(4, b"cam"), (5, RIDS[layer].as_bytes())],
            &payload,
        )
    }

    /// Sends frames at 15 a second, and a key frame wherever one is asked for.
    fn send(&mut self, hall: &mut Hall, clients: &mut [Client], frames: u16) {
        for _ in 0..frames {
            self.frames += 1;
            for report in std::mem::take(&mut clients[0].reports) {
                for packet in rtcp::packets(&report) {
                    if let rtcp::Packet::PictureLoss { media_ssrc, .. } = packet {
                        let layer = media_ssrc.checked_sub(LAYER).expect("a layer");
                        let layer = usize::try_from(layer).expect("three");
                        self.keys[layer] = true;
                        self.asked[layer] += 1;
                    }
                }
            }
            for layer in 0..RIDS.len() {
                if self.sends[layer] {
                    let packet = self.packet(&mut clients[0], layer);
                    hall.send(0, packet, clients);
                }
            }
            hall.pass(Duration::from_micros(66_667), clients);
        }
    }
}

fn view(hall: &mut Hall, clients: &mut [Client], height: Option<u16>) {
    let pictures = vec![Shown {
        peer: clients[0].id,
        source: Source::Camera,
        height,
    }];
    let peer = clients[1].id;
    hall.order(Order::View { peer, pictures }, clients);
}

/// A publisher of three layers, and one who sees it.
fn hall() -> (Hall, Vec<Client>, Camera) {
    let mut hall = Hall::new();
    hall.offering = simulcast;
    let mut clients = Vec::new();
    hall.join(&mut clients, Profile::AeadAes128Gcm, 0, 0);
    hall.offering = |sdp| sdp;
    hall.join(&mut clients, Profile::AeadAes128Gcm, 1, 1);
    let peer = clients[0].id;
    hall.order(
        Order::Show {
            peer,
            seen: Seen::ALL,
        },
        &mut clients,
    );
    (hall, clients, Camera::new())
}

/// Which layer a packet is of, by its filling.
fn layer_of(packet: &(Header, Vec<u8>)) -> usize {
    let payload = packet.0.payload(&packet.1).expect("a payload");
    (payload.len() - 100) / 200
}

fn is_one_stream(received: &[(Header, Vec<u8>)]) {
    let picture = |(header, packet): &(Header, Vec<u8>)| {
        let payload = header.payload(packet).expect("a payload");
        let descriptor = Descriptor::parse(payload).expect("VP8");
        let id = descriptor.picture_id.expect("an id").value();
        (id, descriptor.tl0_picture_index.expect("an index"))
    };
    for pair in received.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        assert_eq!(after.0.sequence, before.0.sequence.wrapping_add(1));
        let step = after.0.timestamp.wrapping_sub(before.0.timestamp);
        assert!((1..=90_000).contains(&step), "a step of {step}");
        let (id, index) = picture(before);
        assert_eq!(
            picture(after),
            ((id + 1) & 0x7fff, index.wrapping_add(1)),
            "pictures are counted on"
        );
        if layer_of(before) != layer_of(after) {
            let (header, packet) = after;
            let payload = header.payload(packet).expect("a payload");
            let descriptor = Descriptor::parse(payload).expect("VP8");
            assert!(descriptor.starts_key_frame(payload), "only at a key frame");
        }
    }
}

#[test]
fn each_slot_carries_the_layer_that_fits_as_one_stream() {
    let (mut hall, mut clients, mut camera) = hall();
    let slot = clients[1].slots[1];
    camera.send(&mut hall, &mut clients, 8);
    let mut received = clients[1].take(slot);
    assert_eq!(
        received.last().map(layer_of),
        Some(2),
        "as large as there is before anything is said"
    );
    for (height, layer) in [
        (Some(180), 0),
        (None, 2),
        (Some(360), 1),
        (Some(720), 2),
        (Some(200), 0),
        (Some(400), 1),
    ] {
        view(&mut hall, &mut clients, height);
        camera.send(&mut hall, &mut clients, 12);
        let more = clients[1].take(slot);
        assert!(more.len() >= 10, "no pause: {} of 12 frames", more.len());
        assert_eq!(more.last().map(layer_of), Some(layer), "{height:?}");
        received.extend(more);
    }
    is_one_stream(&received);
}

#[test]
fn a_layer_that_is_no_longer_sent_is_replaced_by_one_that_is() {
    let (mut hall, mut clients, mut camera) = hall();
    let slot = clients[1].slots[1];
    camera.send(&mut hall, &mut clients, 8);
    camera.sends[2] = false;
    camera.send(&mut hall, &mut clients, 45);
    let received = clients[1].take(slot);
    assert_eq!(received.last().map(layer_of), Some(1));
    is_one_stream(&received);
    camera.sends[2] = true;
    camera.keys[2] = true;
    camera.send(&mut hall, &mut clients, 8);
    assert_eq!(clients[1].take(slot).last().map(layer_of), Some(2));
}

#[test]
fn a_layer_that_rests_is_not_asked_for_a_key_frame() {
    let (mut hall, mut clients, mut camera) = hall();
    let slot = clients[1].slots[1];
    camera.send(&mut hall, &mut clients, 8);
    // A packet is lost for good, and a moment later the browser ceases to send this layer.
    camera.sequences[2] += 1;
    camera.send(&mut hall, &mut clients, 1);
    camera.sends[2] = false;
    camera.send(&mut hall, &mut clients, 10);
    camera.asked = [0; 3];
    camera.send(&mut hall, &mut clients, 45);
    assert_eq!(clients[1].take(slot).last().map(layer_of), Some(1));
    assert_eq!(camera.asked[2], 0, "it cannot give one");
    camera.sends[2] = true;
    camera.send(&mut hall, &mut clients, 8);
    assert_eq!(clients[1].take(slot).last().map(layer_of), Some(2));
}

#[test]
fn a_sender_is_told_which_layers_are_of_use() {
    let (mut hall, mut clients, mut camera) = hall();
    let told = |hall: &mut Hall| -> Vec<Vec<String>> {
        let notices = std::mem::take(&mut hall.notices);
        let needed = notices.into_iter().filter_map(|notice| match notice {
            Notice::Needed { rids, .. } => Some(rids),
            _ => None,
        });
        needed.collect()
    };
    camera.send(&mut hall, &mut clients, 90);
    assert!(told(&mut hall).is_empty(), "all are shown");
    view(&mut hall, &mut clients, Some(300));
    camera.send(&mut hall, &mut clients, 60);
    assert!(told(&mut hall).is_empty(), "not yet");
    camera.send(&mut hall, &mut clients, 30);
    assert_eq!(told(&mut hall), [["q", "h"]]);
    // At once, when somebody wants more.
    view(&mut hall, &mut clients, Some(720));
    camera.send(&mut hall, &mut clients, 4);
    assert_eq!(told(&mut hall), [["q", "h", "f"]]);
}

#[test]
fn a_packet_that_is_repeated_is_forwarded_once() {
    let (mut hall, mut clients, mut camera) = hall();
    let slot = clients[1].slots[1];
    camera.send(&mut hall, &mut clients, 8);
    clients[1].take(slot);
    // One frame is lost on its way here, and comes by retransmission, twice, and then itself.
    camera.frames += 1;
    let lost = camera.packet(&mut clients[0], 2);
    let original = camera.sequences[2];
    camera.frames += 1;
    let next = camera.packet(&mut clients[0], 2);
    hall.send(0, next, &mut clients);
    assert_eq!(clients[1].take(slot).len(), 1);
    for sequence in 1..3 {
        let fields = HeaderFields {
            marker: true,
            payload_type: 97,
            sequence,
            timestamp: u32::from(camera.frames - 1) * 6000 + 77_777 * 2,
            ssrc: LAYER + 12,
            padded: false,
        };
        let mut payload = original.to_be_bytes().to_vec();
        payload.extend(Camera::payload(2, false, camera.frames - 1));
        let packet = clients[0].seal(&fields, &[(4, b"cam"), (6, b"f")], &payload);
        hall.send(0, packet, &mut clients);
    }
    hall.send(0, lost, &mut clients);
    let repeated = clients[1].take(slot);
    assert_eq!(repeated.len(), 1, "once");
    camera.send(&mut hall, &mut clients, 1);
    let after = clients[1].take(slot);
    assert_eq!(
        after[0].0.sequence,
        repeated[0].0.sequence.wrapping_add(2),
        "it has its place before the one that came earlier"
    );
}

#[test]
fn a_key_frame_whose_first_packet_comes_late_is_whole() {
    let (mut hall, mut clients, mut camera) = hall();
    let slot = clients[1].slots[1];
    // The first packet of all is on its way before the beginning, so that what follows is missed.
    camera.frames += 1;
    camera.keys[2] = false;
    let early = camera.packet(&mut clients[0], 2);
    hall.send(0, early, &mut clients);
    camera.keys[2] = true;
    camera.frames += 1;
    let first = camera.packet(&mut clients[0], 2);
    for _ in 0..3 {
        camera.frames += 1;
        let next = camera.packet(&mut clients[0], 2);
        hall.send(0, next, &mut clients);
    }
    assert!(clients[1].take(slot).is_empty(), "nothing to begin with");
    hall.send(0, first, &mut clients);
    let received = clients[1].take(slot);
    assert_eq!(received.len(), 4, "with all that has come since");
    is_one_stream(&received);
    camera.frames += 1;
    let next = camera.packet(&mut clients[0], 2);
    hall.send(0, next, &mut clients);
    let after = clients[1].take(slot);
    assert_eq!(after[0].0.sequence, received[3].0.sequence.wrapping_add(1));
}
