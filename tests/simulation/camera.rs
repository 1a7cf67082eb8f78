//! A browser's camera: VP8-like frames in one to three layers at fixed rates, a key frame where one
//! is asked for, a pace, and a history for whoever asks again.
//!
//! Each packet of a frame says which frame it is of and which frame that one needs, so that a receiver
//! can tell a right picture from a wrong one whatever the numbers around it say.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use rand::{RngExt, rngs::StdRng};

use crate::offer::{Agreed, LAYERS, MID, REPAIRED_RID, RID, RIDS, RTX, VP8};

/// Payload of one packet at most, in bytes, as libwebrtc's.
const PAYLOAD_BYTES_MAX: usize = 1100;
/// A key frame in ordinary frames.
const KEY_FRAME_FACTOR: f64 = 4.0;
/// Packets that can be sent again.
const HISTORY: usize = 1000;
/// How much faster than its rate a camera sends what it has, as libwebrtc's pacer.
const PACE: f64 = 2.5;
/// The least pace, in bits a second.
const PACE_MIN: f64 = 800_000.0;

/// Layers as a browser makes them of 1280 by 720: width, height, bits a second.
pub const SIZES: [(u16, u16, u32); 3] = [
    (320, 180, 150_000),
    (640, 360, 500_000),
    (1280, 720, 1_500_000),
];

/// A packet that is to be sent.
#[derive(Debug, Clone)]
pub struct Outgoing {
    pub ssrc: u32,
    pub payload_type: u8,
    /// With the rollovers.
    pub index: u64,
    pub timestamp: u32,
    pub marker: bool,
    pub extensions: Vec<(u8, Vec<u8>)>,
    pub payload: Vec<u8>,
}

/// What every packet of a frame says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// The seat of the camera.
    pub from: u8,
    /// The layer, 0 is the smallest.
    pub layer: u8,
    /// Which of the layer's frames.
    pub number: u32,
    /// The frame that it was coded against: itself where it is a key frame.
    pub needs: u32,
    /// Which packet of the frame, and of how many.
    pub part: u16,
    pub parts: u16,
}

impl Label {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend([self.from, self.layer]);
        out.extend(self.number.to_be_bytes());
        out.extend(self.needs.to_be_bytes());
        out.extend(self.part.to_be_bytes());
        out.extend(self.parts.to_be_bytes());
    }

    /// At the front of these bytes.
    pub fn read(bytes: &[u8]) -> Self {
        let long = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four"));
        let short = |at: usize| u16::from_be_bytes(bytes[at..at + 2].try_into().expect("two"));
        Self {
            from: bytes[0],
            layer: bytes[1],
            number: long(2),
            needs: long(6),
            part: short(10),
            parts: short(12),
        }
    }
}

struct Layer {
    ssrc: u32,
    rtx_ssrc: u32,
    size: (u16, u16, u32),
    rid: Option<&'static str>,
    index: u64,
    rtx_index: u64,
    clock: u32,
    picture_id: u16,
    tl0: u8,
    number: u32,
    last_base: u32,
    key_wanted: bool,
    /// The server has reported on it: it knows the stream.
    known: bool,
    rtx_known: bool,
    history: VecDeque<Outgoing>,
}

/// A camera that is on.
pub struct Camera {
    from: u8,
    fps: u32,
    temporal: bool,
    mid: bool,
    rtx: bool,
    layers: Vec<Layer>,
    /// Layers that are sent; the server says how many.
    pub wanted: usize,
    frames: u32,
    next_frame: Instant,
    queue: VecDeque<(Instant, Outgoing)>,
    paced_until: Instant,
    random: StdRng,
    /// Whether packets that are asked for again are sent.
    pub answers: bool,
    /// Key frames made.
    pub key_frames: usize,
    /// Packets sent again.
    pub resent: usize,
}

impl Camera {
    /// Switched on. Its layers are those that the answer takes; one that takes none gets the one of
    /// this size.
    pub fn new(
        now: Instant,
        from: u8,
        agreed: &Agreed,
        single: (u16, u16, u32),
        random: StdRng,
    ) -> Self {
        let count = agreed.rids.len();
        let layer = |place: usize, size, rid| Layer {
            ssrc: LAYERS[place].0,
            rtx_ssrc: LAYERS[place].1,
            size,
            rid,
            // So near the end that the numbers begin anew on the way.
            index: 64_900,
            rtx_index: 100,
            clock: 90_000 * (place as u32 + 1),
            picture_id: 0x7ff0 + place as u16,
            tl0: 250,
            number: 0,
            last_base: 0,
            key_wanted: true,
            known: false,
            rtx_known: false,
            history: VecDeque::new(),
        };
        let layers = if count == 0 {
            vec![layer(0, single, None)]
        } else {
            assert_eq!(agreed.rids, RIDS[..count]);
            (0..count)
                .map(|place| layer(place, SIZES[place], Some(RIDS[place])))
                .collect()
        };
        Self {
            from,
            fps: 15,
            temporal: true,
            mid: agreed.has(MID),
            rtx: agreed.formats.contains(&RTX),
            wanted: layers.len(),
            layers,
            frames: 0,
            next_frame: now,
            queue: VecDeque::new(),
            paced_until: now,
            random,
            answers: true,
            key_frames: 0,
            resent: 0,
        }
    }

    /// Its streams, as (SSRC, RTP time now).
    pub fn streams(&self, since_start: Duration) -> Vec<(u32, u32)> {
        let ticks = ticks(since_start);
        self.layers[..self.wanted]
            .iter()
            .map(|layer| (layer.ssrc, layer.clock.wrapping_add(ticks)))
            .collect()
    }

    /// A decoder somewhere needs a key frame of this stream.
    pub fn handle_key_frame_request(&mut self, ssrc: u32) {
        if let Some(layer) = self.layers.iter_mut().find(|layer| layer.ssrc == ssrc) {
            layer.key_wanted = true;
        }
    }

    /// The server has reported on this stream.
    pub fn handle_report(&mut self, ssrc: u32) {
        for layer in &mut self.layers {
            layer.known |= layer.ssrc == ssrc;
            layer.rtx_known |= layer.rtx_ssrc == ssrc;
        }
    }

    /// These layers are of use to somebody; one that begins again begins with a key frame.
    pub fn handle_needed(&mut self, rids: &[String]) {
        let layers = rids.len();
        assert_eq!(rids, &RIDS[..layers], "the smallest are always among them");
        if let Some(begin) = self.layers.get_mut(self.wanted..layers) {
            for layer in begin {
                layer.key_wanted = true;
            }
        }
        self.wanted = layers;
    }

    /// These packets of a stream have not arrived.
    pub fn handle_nack(&mut self, now: Instant, ssrc: u32, lost: &[u16]) {
        if !self.answers {
            return;
        }
        let Some(place) = self.layers.iter().position(|layer| layer.ssrc == ssrc) else {
            return;
        };
        for sequence in lost {
            let layer = &mut self.layers[place];
            let found = layer
                .history
                .iter()
                .rev()
                .find(|sent| sent.index as u16 == *sequence);
            let Some(mut again) = found.cloned() else {
                continue;
            };
            if self.rtx {
                let original = (again.index as u16).to_be_bytes();
                again.payload.splice(0..0, original);
                again.ssrc = layer.rtx_ssrc;
                again.payload_type = RTX;
                again.index = layer.rtx_index;
                layer.rtx_index += 1;
                again.extensions.clear();
                if !layer.rtx_known {
                    again.extensions = names(self.mid, layer.rid.map(|rid| (REPAIRED_RID, rid)));
                }
            }
            self.resent += 1;
            self.pace(now, again);
        }
    }

    /// Makes the frame that is due.
    pub fn handle_timeout(&mut self, now: Instant, since_start: Duration) {
        if now < self.next_frame {
            return;
        }
        self.next_frame += Duration::from_secs(1) / self.fps;
        let upper = self.temporal && self.frames % 2 == 1;
        self.frames += 1;
        for place in 0..self.wanted {
            for packet in self.frame(place, upper, since_start) {
                self.pace(now, packet);
            }
        }
    }

    fn frame(&mut self, place: usize, upper: bool, since_start: Duration) -> Vec<Outgoing> {
        let (from, fps, mid, temporal) = (self.from, self.fps, self.mid, self.temporal);
        let layer = &mut self.layers[place];
        let key = std::mem::take(&mut layer.key_wanted);
        let upper = upper && !key;
        let (width, height, rate) = layer.size;
        let factor = if key { KEY_FRAME_FACTOR } else { 1.0 };
        let vary: f64 = self.random.random_range(0.8..1.2);
        let bytes = (f64::from(rate) / 8.0 / f64::from(fps) * factor * vary) as usize;
        let parts = bytes.div_ceil(PAYLOAD_BYTES_MAX).max(1);
        layer.number += 1;
        layer.picture_id = (layer.picture_id + 1) & 0x7fff;
        if !upper {
            layer.tl0 = layer.tl0.wrapping_add(1);
        }
        let needs = if key { layer.number } else { layer.last_base };
        if !upper {
            layer.last_base = layer.number;
        }
        self.key_frames += usize::from(key);
        let timestamp = layer.clock.wrapping_add(ticks(since_start));
        let mut packets = Vec::with_capacity(parts);
        for part in 0..parts {
            let [high, low] = (layer.picture_id | 0x8000).to_be_bytes();
            let mut first = 0x80;
            if part == 0 {
                first |= 0x10;
            }
            if upper {
                first |= 0x20;
            }
            let mut payload = if temporal {
                let layer_and_sync = if upper { 0x60 } else { 0 };
                vec![first, 0xe0, high, low, layer.tl0, layer_and_sync]
            } else {
                vec![first, 0x80, high, low]
            };
            match (part, key) {
                (0, true) => {
                    payload.extend([0x10, 0, 0, 0x9d, 1, 0x2a]);
                    payload.extend(width.to_le_bytes());
                    payload.extend(height.to_le_bytes());
                }
                (0, false) => payload.extend([0x11, 0, 0]),
                _ => {}
            }
            Label {
                from,
                layer: place as u8,
                number: layer.number,
                needs,
                part: part as u16,
                parts: parts as u16,
            }
            .write(&mut payload);
            payload.resize((bytes / parts).max(payload.len()), 0x55);
            let extensions = if layer.known {
                Vec::new()
            } else {
                names(mid, layer.rid.map(|rid| (RID, rid)))
            };
            let packet = Outgoing {
                ssrc: layer.ssrc,
                payload_type: VP8,
                index: layer.index,
                timestamp,
                marker: part + 1 == parts,
                extensions,
                payload,
            };
            layer.index += 1;
            layer.history.push_back(packet.clone());
            if layer.history.len() > HISTORY {
                layer.history.pop_front();
            }
            packets.push(packet);
        }
        packets
    }

    fn pace(&mut self, now: Instant, packet: Outgoing) {
        let rate: u32 = self.layers[..self.wanted.max(1)]
            .iter()
            .map(|layer| layer.size.2)
            .sum();
        let pace = (f64::from(rate) * PACE).max(PACE_MIN);
        let at = self.paced_until.max(now);
        let bits = (packet.payload.len() + 50) as f64 * 8.0;
        self.paced_until = at + Duration::from_secs_f64(bits / pace);
        self.queue.push_back((at, packet));
    }

    /// The next packet whose time has come.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Outgoing> {
        self.queue.front().filter(|(at, _)| *at <= now)?;
        self.queue.pop_front().map(|(_, packet)| packet)
    }
}

/// What names a stream that the server does not know yet.
fn names(mid: bool, layer: Option<(u8, &str)>) -> Vec<(u8, Vec<u8>)> {
    let mut names = Vec::new();
    if mid {
        names.push((MID, b"cam".to_vec()));
    }
    if let Some((id, rid)) = layer {
        names.push((id, rid.as_bytes().to_vec()));
    }
    names
}

fn ticks(since_start: Duration) -> u32 {
    (since_start.as_micros() * 9 / 100) as u32
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "an instant cannot be made from nothing"
)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn a_layer_that_is_wanted_again_begins_with_a_key_frame() {
        let start = Instant::now();
        let agreed = Agreed {
            formats: vec![VP8, RTX],
            extensions: vec![MID, RID],
            rids: RIDS.map(str::to_owned).to_vec(),
        };
        let mut camera = Camera::new(start, 0, &agreed, SIZES[0], StdRng::seed_from_u64(1));
        let mut sent = Vec::new();
        for ms in 0..3000 {
            match ms {
                1000 => camera.handle_needed(&[RIDS[0].to_owned()]),
                2000 => camera.handle_needed(&RIDS.map(str::to_owned)),
                _ => {}
            }
            let since = Duration::from_millis(ms);
            camera.handle_timeout(start + since, since);
            while let Some(packet) = camera.poll_transmit(start + since) {
                sent.push((ms, packet.ssrc));
            }
        }
        assert_eq!(camera.key_frames, 5);
        let packets = |ssrc, from, to| {
            sent.iter()
                .filter(|it| it.1 == ssrc && (from..to).contains(&it.0))
                .count()
        };
        let (largest, _) = LAYERS[2];
        assert!((150..300).contains(&packets(largest, 0, 1000)));
        assert_eq!(packets(largest, 1200, 2000), 0);
        assert!(packets(largest, 2000, 3000) > 150);
        assert!(packets(LAYERS[0].0, 1000, 2000) >= 15);
    }
}
