//! What the bots send: sound and pictures in form only, each packet with a stamp that says whose it
//! is and which, so that "everything arrived" is said of payloads and not of sequence numbers, which
//! the server writes anew.
//!
//! This module must never know how packets travel.

use bytes::Bytes;

/// Sound or picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Medium {
    /// A voice.
    Sound,
    /// A camera's picture.
    Picture,
}

impl Medium {
    /// Both.
    pub const ALL: [Medium; 2] = [Medium::Sound, Medium::Picture];
}

/// Whose packet it is and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The load test that sent it: others may run on the same server.
    pub run: u32,
    /// The publisher's number in it.
    pub publisher: u16,
    /// Which of the publisher's two streams.
    pub medium: Medium,
    /// The packet's number in the stream, from 0.
    pub number: u32,
    /// When it was sent, in microseconds since the load test began: sender and receivers are one
    /// process and have one clock.
    pub sent_us: u64,
    /// The whole payload's length, in bytes.
    length: u16,
}

/// What a payload turns out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// A packet of this load test, as it was sent.
    Whole(Stamp),
    /// A packet of this load test of which not every byte is as it was sent.
    Damaged,
    /// Somebody else's.
    Foreign,
}

const MAGIC: [u8; 4] = *b"RTLT";
/// Magic, run, publisher, medium, number, time, length.
const STAMP_BYTES: usize = 4 + 4 + 2 + 1 + 4 + 8 + 2;

/// 20 ms of Opus at some 32 kbit/s.
const SOUND_BYTES: usize = 80;
/// The table of contents (RFC 6716 section 3.1): a hybrid frame of 20 ms.
const SOUND_LEAD: [u8; 1] = [0x78];

/// The VP8 payload descriptor (RFC 7741 section 4.2) with a picture id of 15 bits, TL0PICIDX and a
/// temporal layer.
const DESCRIPTOR_BYTES: usize = 6;
/// The frame header up to the size (RFC 6386 section 9.1).
const FRAME_HEADER_BYTES: usize = 10;
const PICTURE_LEAD_BYTES: usize = DESCRIPTOR_BYTES + FRAME_HEADER_BYTES;
/// Payload of a picture's packet at most, in bytes: a browser's are as long.
const PICTURE_BYTES_MAX: usize = 1100;
/// And at least: the stamp has room in it.
const PICTURE_BYTES_MIN: usize = 100;
/// A key frame costs several ordinary ones.
const KEY_FRAME_COSTS: usize = 5;

impl Stamp {
    /// Reads a payload that came as sound or as a picture in the load test `run`.
    pub fn read(run: u32, medium: Medium, payload: &[u8]) -> Reading {
        let lead = match medium {
            Medium::Sound => SOUND_LEAD.len(),
            Medium::Picture => PICTURE_LEAD_BYTES,
        };
        let Some((stamp, rest)) = payload
            .get(lead..)
            .and_then(|rest| rest.split_first_chunk::<STAMP_BYTES>())
        else {
            return Reading::Foreign;
        };
        let [
            m0,
            m1,
            m2,
            m3,
            r0,
            r1,
            r2,
            r3,
            p0,
            p1,
            of,
            n0,
            n1,
            n2,
            n3,
            t0,
            t1,
            t2,
            t3,
            t4,
            t5,
            t6,
            t7,
            l0,
            l1,
        ] = *stamp;
        if [m0, m1, m2, m3] != MAGIC || u32::from_be_bytes([r0, r1, r2, r3]) != run {
            return Reading::Foreign;
        }
        let stamp = Stamp {
            run,
            publisher: u16::from_be_bytes([p0, p1]),
            medium,
            number: u32::from_be_bytes([n0, n1, n2, n3]),
            sent_us: u64::from_be_bytes([t0, t1, t2, t3, t4, t5, t6, t7]),
            length: u16::from_be_bytes([l0, l1]),
        };
        let length_is_right = payload.len() == usize::from(stamp.length);
        let fill = stamp.fill();
        if of == stamp.medium_byte() && length_is_right && rest.iter().all(|byte| *byte == fill) {
            Reading::Whole(stamp)
        } else {
            Reading::Damaged
        }
    }

    /// A packet's payload: the codec's own first bytes, the stamp, and bytes that depend on it.
    fn payload(self, lead: &[u8]) -> Bytes {
        let length = usize::from(self.length);
        let mut payload = Vec::with_capacity(length);
        payload.extend_from_slice(lead);
        payload.extend_from_slice(&MAGIC);
        payload.extend_from_slice(&self.run.to_be_bytes());
        payload.extend_from_slice(&self.publisher.to_be_bytes());
        payload.push(self.medium_byte());
        payload.extend_from_slice(&self.number.to_be_bytes());
        payload.extend_from_slice(&self.sent_us.to_be_bytes());
        payload.extend_from_slice(&self.length.to_be_bytes());
        payload.resize(length, self.fill());
        payload.into()
    }

    fn medium_byte(self) -> u8 {
        match self.medium {
            Medium::Sound => 0,
            Medium::Picture => 1,
        }
    }

    /// A digest: another stamp that differs in one byte has another.
    fn fill(self) -> u8 {
        let [r0, r1, r2, r3] = self.run.to_be_bytes();
        let [p0, p1] = self.publisher.to_be_bytes();
        let [n0, n1, n2, n3] = self.number.to_be_bytes();
        let bytes = [r0, r1, r2, r3, p0, p1, self.medium_byte(), n0, n1, n2, n3];
        let time = self.sent_us.to_be_bytes();
        let length = self.length.to_be_bytes();
        bytes
            .iter()
            .chain(&time)
            .chain(&length)
            .fold(0_u8, |digest, byte| digest.wrapping_mul(31) ^ byte)
    }
}

/// A publisher's microphone: packets of 20 ms.
#[derive(Debug, Clone)]
pub struct Microphone {
    next: Stamp,
}

impl Microphone {
    /// That publisher's.
    pub fn new(run: u32, publisher: u16) -> Self {
        let next = Stamp {
            run,
            publisher,
            medium: Medium::Sound,
            number: 0,
            sent_us: 0,
            length: SOUND_BYTES as u16,
        };
        Self { next }
    }

    /// The next packet's payload, sent at that time.
    pub fn packet(&mut self, sent_us: u64) -> Bytes {
        self.next.sent_us = sent_us;
        let payload = self.next.payload(&SOUND_LEAD);
        self.next.number = self.next.number.wrapping_add(1);
        payload
    }

    /// How many there were.
    pub fn sent(&self) -> u32 {
        self.next.number
    }
}

/// A publisher's camera: VP8 frames in packets, without a picture in them.
#[derive(Debug, Clone)]
pub struct Camera {
    next: Stamp,
    packets_of_frame: usize,
    picture_id: u16,
    layer_index: u8,
}

impl Camera {
    /// That publisher's, of so many bytes a frame; never less than one small packet.
    pub fn new(run: u32, publisher: u16, frame_bytes: usize) -> Self {
        let packets_of_frame = frame_bytes.div_ceil(PICTURE_BYTES_MAX).max(1);
        let length = frame_bytes.div_ceil(packets_of_frame);
        let length = length.clamp(PICTURE_BYTES_MIN, PICTURE_BYTES_MAX);
        let next = Stamp {
            run,
            publisher,
            medium: Medium::Picture,
            number: 0,
            sent_us: 0,
            length: length as u16,
        };
        Self {
            next,
            packets_of_frame,
            picture_id: 0,
            layer_index: 0,
        }
    }

    /// The payloads of the next frame's packets, in their order, sent at that time; the last carries
    /// the marker.
    pub fn frame(&mut self, is_key: bool, sent_us: u64) -> Vec<Bytes> {
        self.next.sent_us = sent_us;
        let count = if is_key {
            self.packets_of_frame * KEY_FRAME_COSTS
        } else {
            self.packets_of_frame
        };
        let payloads = (0..count).map(|place| self.packet(is_key, place == 0));
        let payloads = payloads.collect();
        self.picture_id = self.picture_id.wrapping_add(1) & 0x7fff;
        self.layer_index = self.layer_index.wrapping_add(1);
        payloads
    }

    fn packet(&mut self, is_key: bool, is_first: bool) -> Bytes {
        let [high, low] = self.picture_id.to_be_bytes();
        // X, and S at the first; I, L and T; the picture id with M; TL0PICIDX; layer 0 with Y.
        let x_and_s = if is_first { 0x90 } else { 0x80 };
        let descriptor = [x_and_s, 0xe0, 0x80 | high, low, self.layer_index, 0x20];
        // The lowest bit, P, is set where the frame needs another; then the start code, 320 by 180.
        let p = u8::from(!is_key);
        let header = [p, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00];
        let mut lead = [0; PICTURE_LEAD_BYTES];
        let (front, back) = lead.split_at_mut(DESCRIPTOR_BYTES);
        front.copy_from_slice(&descriptor);
        back.copy_from_slice(&header);
        let payload = self.next.payload(&lead);
        self.next.number = self.next.number.wrapping_add(1);
        payload
    }

    /// How many packets there were.
    pub fn sent(&self) -> u32 {
        self.next.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(run: u32, medium: Medium, payload: &[u8]) -> Option<u32> {
        match Stamp::read(run, medium, payload) {
            Reading::Whole(stamp) => Some(stamp.number),
            Reading::Damaged | Reading::Foreign => None,
        }
    }

    #[test]
    fn every_packet_says_which_it_is() {
        let mut microphone = Microphone::new(9, 3);
        for expected in 0..300 {
            let packet = microphone.packet(expected.into());
            assert_eq!(number(9, Medium::Sound, &packet), Some(expected));
        }
        assert_eq!(microphone.sent(), 300);
        let mut camera = Camera::new(9, 3, 1800);
        let mut expected = 0;
        for frame in 0..300 {
            for packet in camera.frame(frame % 50 == 0, 1_000_000) {
                assert_eq!(packet.len(), 900);
                assert_eq!(number(9, Medium::Picture, &packet), Some(expected));
                expected += 1;
            }
        }
        assert_eq!(camera.sent(), expected);
    }

    #[test]
    fn a_camera_sends_what_it_is_told_to() {
        for (frame_bytes, packets, length) in [(0, 1, 100), (1000, 1, 1000), (7500, 7, 1072)] {
            let frame = Camera::new(9, 3, frame_bytes).frame(false, 0);
            let lengths: Vec<usize> = frame.iter().map(Bytes::len).collect();
            assert_eq!(lengths, vec![length; packets], "{frame_bytes}");
        }
    }

    #[test]
    fn a_packet_says_when_it_was_sent() {
        let packet = Microphone::new(9, 3).packet(12_345_678);
        let Reading::Whole(stamp) = Stamp::read(9, Medium::Sound, &packet) else {
            panic!("not read");
        };
        assert_eq!(stamp.sent_us, 12_345_678);
    }

    #[test]
    fn a_changed_byte_is_damage_and_another_run_is_foreign() {
        let packet = Microphone::new(9, 3).packet(5);
        let read = |run, payload: &[u8]| Stamp::read(run, Medium::Sound, payload);
        assert_eq!(read(8, &packet), Reading::Foreign);
        assert_eq!(read(9, b"x"), Reading::Foreign);
        assert_eq!(read(9, &packet[..SOUND_BYTES - 1]), Reading::Damaged);
        for at in SOUND_LEAD.len()..SOUND_BYTES {
            let mut changed = packet.to_vec();
            changed[at] ^= 1;
            let reading = read(9, &changed);
            let other = Reading::Whole(Stamp {
                run: 9,
                publisher: 3,
                medium: Medium::Sound,
                number: 0,
                sent_us: 5,
                length: SOUND_BYTES as u16,
            });
            assert_ne!(reading, other, "byte {at}");
            assert!(
                matches!(reading, Reading::Damaged | Reading::Foreign),
                "byte {at}: {reading:?}"
            );
        }
    }

    #[test]
    fn what_the_server_may_change_is_no_damage() {
        let mut packet = Camera::new(9, 3, 1000).frame(true, 7).remove(0).to_vec();
        packet[2..5].copy_from_slice(&[0xff, 0x17, 0x99]);
        assert_eq!(number(9, Medium::Picture, &packet), Some(0));
    }

    /// The descriptor read by hand, RFC 7741 section 4.2.
    #[test]
    fn only_the_first_packet_of_a_key_frame_begins_one() {
        let mut camera = Camera::new(9, 3, 2000);
        for is_key in [true, false] {
            for (place, packet) in camera.frame(is_key, 7).iter().enumerate() {
                let starts = packet[0] & 0x10 != 0;
                assert_eq!(starts, place == 0);
                assert_eq!(
                    starts && packet[DESCRIPTOR_BYTES] & 1 == 0,
                    is_key && place == 0
                );
            }
        }
    }
}
