//! Whole paths on a virtual clock: a bottleneck with a queue, delay, jitter and loss between our
//! [`Downlink`] and our [`Arrivals`] in the subscriber's place.

#![expect(
    clippy::disallowed_methods,
    reason = "an instant cannot be made from nothing"
)]

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{Arrivals, Downlink};
use crate::media::shard::allocate::{Choice, Layer, Slot, allocate};

const START: u64 = 300_000;

/// What the publisher has for this subscriber.
enum Media {
    /// A source that keeps to the estimate, up to so many bits per second.
    Obedient(u64),
    /// Always so much.
    Fixed(u64),
    /// Simulcast of 150, 500 and 1500 kbit/s.
    Layers(Choice),
}

struct Way {
    epoch: Instant,
    ms: u64,
    rng: StdRng,
    downlink: Downlink,
    subscriber: Arrivals,
    media: Media,
    // The path, to be changed as a scenario wants.
    bits: f64,
    delay_ms: f64,
    jitter_ms: f64,
    loss: f64,
    queue_ms_max: f64,
    feedback_lost: bool,
    // What is on its way.
    free_at_ms: f64,
    last_arrival_ms: f64,
    arriving: BTreeMap<(u64, u64), u16>,
    answers: VecDeque<(u64, Vec<u8>)>,
    numbered: u64,
    // What was seen, by the millisecond.
    queue_ms: Vec<f64>,
    arrived_bytes: Vec<f64>,
    padding_bytes: Vec<f64>,
    estimates: Vec<u64>,
}

impl Way {
    fn new(seed: u64, bits: f64, media: Media) -> Self {
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

    fn now(&self) -> Instant {
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

    fn run(&mut self, seconds: u64) {
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

    /// The lowest and the highest estimate since that second.
    fn estimates_since(&self, second: usize) -> (u64, u64) {
        let since = &self.estimates[second * 1000..];
        let least = since.iter().min().copied().unwrap_or(0);
        (least, since.iter().max().copied().unwrap_or(0))
    }

    /// Bits per second that arrived since that second.
    fn throughput_since(&self, second: usize) -> f64 {
        let until = self.ms as usize;
        let bytes: f64 = self.arrived_bytes[second * 1000..]
            .iter()
            .take(until - second * 1000)
            .sum();
        bytes * 8000.0 / (until - second * 1000) as f64
    }

    /// The queue's delay that 19 of 20 packets did not see surpassed, in ms.
    fn queue_since(&self, second: usize) -> f64 {
        let mut since = self.queue_ms[second * 1000..].to_vec();
        since.sort_by(f64::total_cmp);
        since[since.len() * 95 / 100]
    }

    /// The first second at whose end and ever after the estimate is at least so much.
    fn reaches(&self, bits: u64) -> usize {
        let below = self.estimates.iter().rposition(|estimate| *estimate < bits);
        below.map_or(0, |at| at / 1000 + 1)
    }
}

const SEEDS: std::ops::Range<u64> = 0..8;

#[test]
fn a_free_path_carries_the_media_within_three_seconds() {
    for seed in SEEDS {
        let mut way = Way::new(seed, 5e6, Media::Obedient(2_000_000));
        way.run(30);
        assert!(
            way.reaches(2_000_000) <= 3,
            "seed {seed}: {}",
            way.reaches(2_000_000)
        );
        // And what is not used is not believed without bound.
        let (_, most) = way.estimates_since(0);
        assert!(most < 5_000_000, "seed {seed}: {most}");
    }
}

#[test]
fn a_narrow_path_is_kept_to() {
    for seed in SEEDS {
        let mut way = Way::new(seed, 4e5, Media::Obedient(1_500_000));
        way.run(60);
        let (_, most) = way.estimates_since(5);
        let (queue, used) = (way.queue_since(5), way.throughput_since(5));
        assert!(most < 480_000, "seed {seed}: {most}");
        let mean = way.estimates[5000..].iter().sum::<u64>() / (way.estimates.len() as u64 - 5000);
        assert!(mean < 400_000, "seed {seed}: {mean}");
        assert!(queue < 200.0, "seed {seed}: {queue} ms");
        assert!(used > 0.6 * 4e5, "seed {seed}: {used}");
    }
}

#[test]
fn a_path_that_narrows_under_way_is_followed() {
    for seed in SEEDS {
        let mut way = Way::new(seed, 5e6, Media::Obedient(1_500_000));
        way.run(10);
        way.bits = 4e5;
        way.run(30);
        let (_, most) = way.estimates_since(15);
        let (queue, used) = (way.queue_since(15), way.throughput_since(15));
        assert!(most < 480_000, "seed {seed}: {most}");
        assert!(queue < 200.0, "seed {seed}: {queue} ms");
        assert!(used > 0.6 * 4e5, "seed {seed}: {used}");
    }
}

#[test]
fn a_path_that_opens_is_found_by_probing() {
    for seed in SEEDS {
        for media in [Media::Obedient(2_000_000), Media::Layers(Choice::default())] {
            let mut way = Way::new(seed, 4e5, media);
            way.run(20);
            way.bits = 3e6;
            way.run(40);
            let reached = way.reaches(1_500_000);
            assert!(reached <= 40, "seed {seed}: {reached}");
            assert!(way.throughput_since(45) > 1.2e6, "seed {seed}");
        }
    }
}

#[test]
fn layers_do_not_flap_on_a_narrow_path() {
    for seed in SEEDS {
        let mut way = Way::new(seed, 4e5, Media::Layers(Choice::default()));
        way.run(60);
        let (queue, used) = (way.queue_since(5), way.throughput_since(5));
        assert!(queue < 200.0, "seed {seed}: {queue} ms");
        assert!(
            used > 1.8e5,
            "seed {seed}: {used}: the lowest layer and sound"
        );
        let padding: f64 = way.padding_bytes.iter().sum();
        assert!(
            padding * 8.0 / 60.0 < 5e4,
            "seed {seed}: {padding} bytes of padding"
        );
    }
}

#[test]
fn loss_that_is_not_the_queues_does_not_kill_the_rate() {
    for seed in SEEDS {
        let mut way = Way::new(seed, 5e6, Media::Obedient(2_000_000));
        (way.delay_ms, way.loss) = (40.0, 0.05);
        way.run(60);
        let (least, _) = way.estimates_since(10);
        assert!(least > 1_000_000, "seed {seed}: {least}");
    }
}

#[test]
fn much_loss_lowers_the_rate() {
    for seed in SEEDS {
        let mut way = Way::new(seed, 5e6, Media::Obedient(2_000_000));
        way.run(10);
        way.loss = 0.3;
        way.run(15);
        let (_, most) = way.estimates_since(20);
        assert!(most < 1_000_000, "seed {seed}: {most}");
    }
}

#[test]
fn jitter_does_not_collapse_the_rate() {
    for seed in SEEDS {
        let mut way = Way::new(seed, 5e6, Media::Obedient(2_000_000));
        way.jitter_ms = 30.0;
        way.run(60);
        let (least, _) = way.estimates_since(15);
        assert!(least > 1_000_000, "seed {seed}: {least}");
    }
}

#[test]
fn a_path_without_feedback_for_two_seconds_comes_back() {
    for seed in SEEDS {
        let mut way = Way::new(seed, 5e6, Media::Obedient(2_000_000));
        way.run(10);
        let (before, _) = way.estimates_since(9);
        way.feedback_lost = true;
        way.run(2);
        let during = way.downlink.bits_per_second();
        assert!(during < before, "seed {seed}: {during} is still sent");
        assert!(during > before / 2, "seed {seed}: {during}");
        way.feedback_lost = false;
        way.run(10);
        let (least, _) = way.estimates_since(17);
        assert!(least > 1_500_000, "seed {seed}: {least}");
    }
}

#[test]
fn media_that_does_not_obey_is_told_the_truth() {
    let mut way = Way::new(1, 4e5, Media::Fixed(1_500_000));
    way.queue_ms_max = 300.0;
    way.run(20);
    let (_, most) = way.estimates_since(5);
    assert!(most < 450_000, "{most}");
}

#[test]
fn feedback_on_what_was_never_sent_changes_nothing() {
    let mut way = Way::new(1, 5e6, Media::Obedient(1_000_000));
    way.run(5);
    let mut stranger = Arrivals::new(way.epoch);
    let now = way.now();
    let before = way.downlink.bits_per_second();
    for number in 0..1000_u16 {
        let at = way.epoch + Duration::from_millis(u64::from(number) * 50);
        stranger.handle(at, number.wrapping_add(30_000));
        let mut out = [0; 1200];
        while let Some(bytes) = stranger.write(at, &mut out, 1, 2) {
            way.downlink.handle_feedback(now, &out[..bytes]);
        }
    }
    way.downlink.handle_feedback(now, &[]);
    way.downlink.handle_feedback(now, &[0xFF; 64]);
    assert_eq!(way.downlink.bits_per_second(), before);
}

#[test]
fn remb_is_the_estimate_of_those_without_feedback_and_loss_lowers_it() {
    let epoch = Instant::now();
    let at = |ms| epoch + Duration::from_millis(ms);
    let mut downlink = Downlink::new(epoch, START);
    downlink.wish(3_000_000);
    downlink.handle_remb(at(10), 2_000_000);
    assert_eq!(downlink.bits_per_second(), 2_000_000);
    downlink.handle_sent(at(20), 1000);
    downlink.handle_timeout(at(3000));
    assert_eq!(downlink.bits_per_second(), 2_000_000);
    assert_eq!(
        downlink.poll_padding(at(3000)),
        None,
        "nothing would come of it"
    );
    downlink.handle_remb(at(3010), u64::MAX);
    assert!(downlink.bits_per_second() <= 50_000_000);
    downlink.handle_remb(at(3010), 400_000);
    downlink.handle_loss(at(4000), 100);
    assert!(downlink.bits_per_second() < 400_000);
    downlink.handle_remb(at(4010), 0);
    assert_eq!(downlink.bits_per_second(), 30_000);
}

#[test]
fn receiver_reports_alone_raise_what_is_used_up() {
    let epoch = Instant::now();
    let mut downlink = Downlink::new(epoch, START);
    for second in 1..=20_u64 {
        let now = epoch + Duration::from_secs(second);
        for _ in 0..40 {
            downlink.handle_sent(now, 1000);
        }
        downlink.handle_loss(now, 0);
    }
    // Half as much again as the 320 kbit/s that are sent.
    let bits = downlink.bits_per_second();
    assert!((400_000..=480_000).contains(&bits), "{bits}");
}
