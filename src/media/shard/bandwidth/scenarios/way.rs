//! One way from us to a subscriber and back.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::super::{Arrivals, Downlink};
use crate::media::shard::allocate::{Choice, Layer, Slot, allocate};

pub const START: u64 = 300_000;

/// What the publisher has for this subscriber.
pub enum Media {
    /// A source that keeps to the estimate, up to so many bits per second.
    Obedient(u64),
    /// Always so much.
    Fixed(u64),
    /// Simulcast of 150, 500 and 1500 kbit/s.
    Layers(Choice),
}

pub struct Way {
    pub epoch: Instant,
    pub ms: u64,
    pub rng: StdRng,
    pub downlink: Downlink,
    pub subscriber: Arrivals,
    pub media: Media,
    // The path, to be changed as a scenario wants.
    pub bits: f64,
    pub delay_ms: f64,
    pub jitter_ms: f64,
    pub loss: f64,
    pub queue_ms_max: f64,
    pub feedback_lost: bool,
    // What is on its way.
    pub free_at_ms: f64,
    pub last_arrival_ms: f64,
    pub arriving: BTreeMap<(u64, u64), u16>,
    pub answers: VecDeque<(u64, Vec<u8>)>,
    pub numbered: u64,
    // What was seen, by the millisecond.
    pub queue_ms: Vec<f64>,
    pub arrived_bytes: Vec<f64>,
    pub padding_bytes: Vec<f64>,
    pub estimates: Vec<u64>,
}

impl Way {
    pub fn new(seed: u64, bits: f64, media: Media) -> Self {
        let epoch = Instant::now();
        Self {
            epoch,
            ms: 0,
            rng: StdRng::seed_from_u64(seed),
            downlink: Downlink::new(epoch, START),
            // A clock of its own.
            subscriber: Arrivals::new(epoch - Duration::from_millis(123_456)),
            media,
            bits,
            delay_ms: 20.0,
            jitter_ms: 0.0,
            loss: 0.0,
            queue_ms_max: 1000.0,
            feedback_lost: false,
            free_at_ms: 0.0,
            last_arrival_ms: 0.0,
            arriving: BTreeMap::new(),
            answers: VecDeque::new(),
            numbered: 0,
            queue_ms: Vec::new(),
            arrived_bytes: Vec::new(),
            padding_bytes: Vec::new(),
            estimates: Vec::new(),
        }
    }

    pub fn now(&self) -> Instant {
        self.epoch + Duration::from_millis(self.ms)
    }

    fn send(&mut self, bytes: u16) {
        let now = self.now();
        let sequence = self.downlink.handle_sent(now, bytes);
        self.numbered += 1;
        let begins = self.free_at_ms.max(self.ms as f64);
        if begins - self.ms as f64 > self.queue_ms_max {
            return;
        }
        self.free_at_ms = begins + f64::from(bytes) * 8000.0 / self.bits;
        if self.rng.random_bool(self.loss) {
            return;
        }
        let jitter = self.jitter_ms * self.rng.random::<f64>();
        // First in, first out.
        let arrival = (self.free_at_ms + self.delay_ms + jitter).max(self.last_arrival_ms);
        self.last_arrival_ms = arrival;
        self.arriving
            .insert((arrival.ceil() as u64, self.numbered), sequence);
        let bytes = f64::from(bytes);
        let at = arrival.ceil() as usize;
        self.arrived_bytes
            .resize(self.arrived_bytes.len().max(at + 1), 0.0);
        self.arrived_bytes[at] += bytes;
    }

    fn send_media(&mut self) {
        if self.ms.is_multiple_of(20) {
            self.send(120);
        }
        if !self.ms.is_multiple_of(40) {
            return;
        }
        let sound = 48_000;
        let estimate = self.downlink.bits_per_second();
        let now = self.now();
        let (bits, wish) = match &mut self.media {
            Media::Obedient(most) => ((*most).min(estimate - estimate.min(sound)), *most + sound),
            Media::Fixed(bits) => (*bits, *bits),
            Media::Layers(choice) => {
                let layers = [(150, 180), (500, 360), (1500, 720)];
                let mut index = 0;
                let layers = layers.map(|(kbits, height)| {
                    index += 1;
                    Layer {
                        index: index - 1,
                        bits: kbits * 1000,
                        height,
                    }
                });
                let mut slots = [Slot::new(&layers, None, *choice)];
                let allocated = allocate(now, estimate - estimate.min(sound), &mut slots);
                *choice = slots[0].choice();
                (allocated.used, allocated.wished + sound)
            }
        };
        self.downlink.wish(wish + wish / 10);
        let mut left = bits as f64 / 25.0 / 8.0 * (0.7 + 0.6 * self.rng.random::<f64>());
        while left > 50.0 {
            self.send(left.min(1150.0) as u16 + 40);
            left -= 1150.0;
        }
    }

    pub fn run(&mut self, seconds: u64) {
        for _ in 0..seconds * 1000 {
            let now = self.now();
            self.send_media();
            // The shell wakes at its own pace.
            if self.ms.is_multiple_of(5) {
                while let Some(padding) = self.downlink.poll_padding(now) {
                    self.send(padding.bytes);
                    self.padding_bytes.resize(self.ms as usize + 1, 0.0);
                    self.padding_bytes[self.ms as usize] += f64::from(padding.bytes);
                }
            }
            if self.ms.is_multiple_of(20) {
                self.downlink.handle_timeout(now);
            }
            while let Some(entry) = self.arriving.first_entry()
                && entry.key().0 <= self.ms
            {
                self.subscriber.handle(now, entry.remove());
            }
            let mut out = [0; 1200];
            while let Some(bytes) = self.subscriber.write(now, &mut out, 1, 2) {
                if !self.feedback_lost && !self.rng.random_bool(self.loss) {
                    let at = self.ms + self.delay_ms as u64;
                    self.answers.push_back((at, out[..bytes].to_vec()));
                }
            }
            while self.answers.front().is_some_and(|(at, _)| *at <= self.ms) {
                if let Some((_, packet)) = self.answers.pop_front() {
                    self.downlink.handle_feedback(now, &packet);
                }
            }
            self.queue_ms
                .push((self.free_at_ms - self.ms as f64).max(0.0));
            self.estimates.push(self.downlink.bits_per_second());
            self.ms += 1;
        }
    }

    /// The layer that plays.
    pub fn layer(&self) -> Option<u8> {
        match self.media {
            Media::Layers(choice) => choice.layer,
            Media::Obedient(_) | Media::Fixed(_) => None,
        }
    }

    /// The lowest and the highest estimate since that second.
    pub fn estimates_since(&self, second: usize) -> (u64, u64) {
        let since = &self.estimates[second * 1000..];
        let least = since.iter().min().copied().unwrap_or(0);
        (least, since.iter().max().copied().unwrap_or(0))
    }

    /// Bits per second that arrived since that second.
    pub fn throughput_since(&self, second: usize) -> f64 {
        let until = self.ms as usize;
        let bytes: f64 = self.arrived_bytes[second * 1000..]
            .iter()
            .take(until - second * 1000)
            .sum();
        bytes * 8000.0 / (until - second * 1000) as f64
    }

    /// The queue's delay that 19 of 20 packets did not see surpassed, in ms.
    pub fn queue_since(&self, second: usize) -> f64 {
        let mut since = self.queue_ms[second * 1000..].to_vec();
        since.sort_by(f64::total_cmp);
        since[since.len() * 95 / 100]
    }

    /// The first second at whose end and ever after the estimate is at least so much.
    pub fn reaches(&self, bits: u64) -> usize {
        let below = self.estimates.iter().rposition(|estimate| *estimate < bits);
        below.map_or(0, |at| at / 1000 + 1)
    }
}
