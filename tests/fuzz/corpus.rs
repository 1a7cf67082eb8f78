//! Good input of every kind that is sent under the keys, to be changed.

use roundtable::media::shard::rtp::{HeaderFields, write_header};
use rtc::rtcp::{
    packet::Packet,
    payload_feedbacks::{
        full_intra_request::{FirEntry, FullIntraRequest},
        picture_loss_indication::PictureLossIndication,
        receiver_estimated_maximum_bitrate::ReceiverEstimatedMaximumBitrate,
    },
    receiver_report::ReceiverReport,
    reception_report::ReceptionReport,
    sender_report::SenderReport,
    transport_feedbacks::transport_layer_nack::{
        TransportLayerNack, nack_pairs_from_sequence_numbers,
    },
};

use crate::client::{CAMERA, MICROPHONE};

/// Transport-wide feedback of three chunk forms, as libwebrtc writes it.
const TRANSPORT_WIDE: [u8; 32] = [
    0xaf, 205, 0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 5, 0, 12, 0, 0, 3, 1, 0x20, 0x03, 0xd5, 0x54, 4, 8,
    12, 1, 2, 3, 0, 2,
];

/// A VP8 key frame of 640 by 360 behind the longest descriptor.
pub const KEY_FRAME: [u8; 16] = [
    0x90, 0xf0, 0x92, 0x67, 23, 0x61, 0x10, 0, 0, 0x9d, 1, 0x2a, 0x80, 2, 0x68, 1,
];

fn packet(ssrc: u32, payload_type: u8, extensions: &[(u8, &[u8])], payload: &[u8]) -> Vec<u8> {
    let fields = HeaderFields {
        marker: true,
        payload_type,
        sequence: 1,
        timestamp: 5000,
        ssrc,
        padded: false,
    };
    let mut packet = vec![0; 200];
    let header = write_header(&mut packet, &fields, extensions).expect("a header");
    packet.truncate(header);
    packet.extend(payload);
    packet
}

/// RTP packets in plaintext; pictures are coded so.
pub fn rtp(codec: &str) -> Vec<Vec<u8>> {
    // RFC 2198: one frame before, 960 ticks ago, and the packet's own.
    let redundant = [&[0x80 | 111, 0x0f, 0, 40, 111], [9; 90].as_slice()].concat();
    let mut packets = vec![
        packet(MICROPHONE, 111, &[(1, &[20])], &[9; 80]),
        packet(MICROPHONE, 63, &[(1, &[20]), (3, &[0, 1])], &redundant),
    ];
    for picture in pictures(codec) {
        let repair = [&[0, 9], picture.as_slice()].concat();
        let named: [(u8, &[u8]); 3] = [(3, &[0, 1]), (4, b"cam"), (10, b"q")];
        packets.push(packet(CAMERA, 96, &named, &picture));
        packets.push(packet(
            CAMERA,
            96,
            &[(12, &STRUCTURE), (4, b"cam"), (10, b"q")],
            &picture,
        ));
        packets.push(packet(CAMERA, 96, &[(12, &STRUCTURE[..3])], &picture));
        packets.push(packet(CAMERA + 1, 97, &[(4, b"cam"), (11, b"q")], &repair));
    }
    packets
}

/// A dependency descriptor with its template structure.
const STRUCTURE: [u8; 15] = [
    0x80, 0x00, 0x01, 0x80, 0x00, 0x1e, 0xa8, 0x51, 0x41, 0x01, 0x0c, 0x13, 0xfc, 0x0b, 0x3c,
];

fn pictures(codec: &str) -> Vec<Vec<u8>> {
    match codec {
        "VP8/90000" => vec![
            KEY_FRAME.to_vec(),
            vec![0x90, 0xf0, 0x92, 0x68, 23, 0x61, 0x11, 0, 0, 7, 7, 7],
            [&[0x80, 0x80, 0x92, 0x68], [0x55; 900].as_slice()].concat(),
        ],
        // Parameter sets together, the beginning and the end of a key frame's fragments, a slice.
        "H264/90000" => vec![
            vec![0x78, 0, 5, 0x67, 0x42, 0xe0, 0x1f, 0x8d, 0, 2, 0x68, 0xce],
            [&[0x7c, 0x85, 0x88], [0x55; 400].as_slice()].concat(),
            [&[0x7c, 0x45], [0x55; 400].as_slice()].concat(),
            vec![0x41, 0x9a, 1, 2, 3],
        ],
        // A key frame with its scalability structure, an inter frame, one in layers.
        "VP9/90000" => vec![
            vec![
                0x8e, 0x92, 0x67, 0x01, 0x38, 0x01, 0x40, 0, 0xb4, 0x82, 0x49, 0x83, 0x42,
            ],
            vec![0xcc, 0x92, 0x68, 0x86, 7, 7],
            vec![0xac, 0x92, 0x69, 0x31, 0x17, 7, 7],
        ],
        // A new coded video sequence, a frame, the middle of one.
        "AV1/90000" => vec![
            vec![
                0x18, 0x0a, 0x0b, 0, 0, 0, 0x42, 0xab, 0xbf, 0xc3, 0x70, 0x32, 9,
            ],
            vec![0x10, 0x32, 7, 7, 7],
            vec![0xc0, 0x07, 7, 7],
        ],
        other => panic!("no pictures of {other}"),
    }
}

/// A request for these packets of a slot.
pub fn request(slot: u32, lost: &[u16]) -> Vec<u8> {
    let nack = TransportLayerNack {
        sender_ssrc: 1,
        media_ssrc: slot,
        nacks: nack_pairs_from_sequence_numbers(lost),
    };
    let packets: [Box<dyn Packet>; 1] = [Box::new(nack)];
    rtc::rtcp::packet::marshal(&packets).expect("RTCP").to_vec()
}

/// RTCP compounds in plaintext. They speak of these slots.
pub fn rtcp(slots: &[u32]) -> Vec<Vec<u8>> {
    let block = ReceptionReport {
        ssrc: slots[0],
        fraction_lost: 9,
        total_lost: 70,
        last_sequence_number: 9000,
        ..ReceptionReport::default()
    };
    let compound =
        |packets: &[Box<dyn Packet>]| rtc::rtcp::packet::marshal(packets).expect("RTCP").to_vec();
    let report = || -> Box<dyn Packet> {
        Box::new(ReceiverReport {
            ssrc: 1,
            reports: vec![block.clone(); 3],
            ..ReceiverReport::default()
        })
    };
    let mut all = vec![TRANSPORT_WIDE.to_vec()];
    for &slot in slots {
        let lost: Vec<u16> = (1..200).collect();
        let nacks = nack_pairs_from_sequence_numbers(&lost);
        all.push(compound(&[
            report(),
            Box::new(TransportLayerNack {
                sender_ssrc: 1,
                media_ssrc: slot,
                nacks,
            }),
            Box::new(PictureLossIndication {
                sender_ssrc: 1,
                media_ssrc: slot,
            }),
        ]));
        all.push(compound(&[
            report(),
            Box::new(FullIntraRequest {
                sender_ssrc: 1,
                media_ssrc: 0,
                fir: vec![FirEntry {
                    ssrc: slot,
                    sequence_number: 3,
                }],
            }),
            Box::new(ReceiverEstimatedMaximumBitrate {
                sender_ssrc: 1,
                bitrate: 500_000.0,
                ssrcs: vec![slot],
            }),
        ]));
    }
    all.push(compound(&[Box::new(SenderReport {
        ssrc: CAMERA,
        ntp_time: 1 << 40,
        rtp_time: 77,
        packet_count: 9,
        octet_count: 900,
        reports: vec![block],
        ..SenderReport::default()
    })]));
    all
}
