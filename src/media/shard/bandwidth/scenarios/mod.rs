//! Whole paths on a virtual clock: a bottleneck with a queue, delay, jitter and loss between our
//! [`Downlink`](super::Downlink) and our [`Arrivals`](super::Arrivals) in the subscriber's place.

#![expect(
    clippy::disallowed_methods,
    reason = "an instant cannot be made from nothing"
)]

mod way;

use std::time::{Duration, Instant};

use super::{Arrivals, Downlink};
use crate::media::shard::allocate::Choice;
use way::{Media, START, Way};

const SEEDS: std::ops::Range<u64> = 0..16;

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
fn the_layer_is_that_which_the_path_carries() {
    for seed in SEEDS {
        for (bits, layer) in [(4e5, 0), (7e5, 1), (1e6, 1), (2.2e6, 2), (5e6, 2)] {
            let mut way = Way::new(seed, bits, Media::Layers(Choice::default()));
            let mut seen = Vec::new();
            for _ in 0..60 {
                way.run(1);
                seen.push(way.layer());
            }
            seen.dedup();
            assert_eq!(seen.last(), Some(&Some(layer)), "seed {seed}, {bits}");
            let falls = seen.windows(2).filter(|pair| pair[1] < pair[0]).count();
            assert!(falls <= 1, "seed {seed}, {bits}: {seen:?}");
            assert!(way.queue_since(10) < 60.0, "seed {seed}, {bits}");
        }
    }
}

#[test]
fn a_path_that_narrows_to_a_tenth_costs_the_picture_its_size_for_a_while() {
    for seed in SEEDS {
        let mut way = Way::new(seed, 5e6, Media::Layers(Choice::default()));
        way.run(20);
        assert_eq!(way.layer(), Some(2), "seed {seed}");
        way.bits = 4e5;
        way.run(4);
        assert_eq!(way.layer(), Some(0), "seed {seed}");
        assert!(way.queue_ms[23_500] < 60.0, "seed {seed}: not drained");
        way.run(20);
        assert!(way.queue_since(24) < 60.0, "seed {seed}");
        assert_eq!(way.layer(), Some(0), "seed {seed}");
    }
}

#[test]
fn a_path_that_halts_now_and_then_is_not_given_up() {
    for seed in SEEDS {
        let mut way = Way::new(seed, 5e6, Media::Layers(Choice::default()));
        way.run(10);
        for _ in 0..8 {
            // As Wi-Fi does while it looks for other stations.
            way.free_at_ms = way.ms as f64 + 300.0;
            way.run(5);
            assert_eq!(
                way.layer(),
                Some(2),
                "seed {seed}: not back after five seconds"
            );
        }
        let (least, _) = way.estimates_since(10);
        assert!(least > 250_000, "seed {seed}: {least}");
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
fn a_path_that_becomes_longer_and_lossy_is_not_given_up_for_the_little_that_is_sent() {
    for seed in SEEDS {
        let mut way = Way::new(seed, 5e6, Media::Fixed(60_000));
        way.downlink = Downlink::new(way.epoch, 1_000_000);
        (way.delay_ms, way.jitter_ms) = (1.0, 2.0);
        way.run(2);
        (way.delay_ms, way.jitter_ms, way.loss) = (41.0, 20.0, 0.05);
        way.run(10);
        let (least, _) = way.estimates_since(0);
        assert!(least > 500_000, "seed {seed}: {least}");
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
