//! When to send more than there is to send, as padding, to learn what a path carries; how much;
//! and what came of it.
//!
//! One probe at a time: so many bytes within 50 ms at a target rate, media included. It is made
//! while the allocation wishes for more than the estimate allows, at first for three times the
//! estimate and then for twice, until one fails; then again after a while. This module must never
//! know what the padding is put in.

use super::{RATE_MAX, sent::Sent};

/// How long a probe sends, in microseconds. Twice what a path carries then makes a queue of as
/// long.
const LENGTH_US: u64 = 50_000;
/// A probe that took this long is ended: something held up the sending.
const LENGTH_MAX_US: u64 = 150_000;
/// Padding may run ahead of its rate by so much: the first packets leave at once.
const AHEAD_US: u64 = 5_000;
/// The fewest packets and bytes that measure anything.
const PACKETS_MIN: u32 = 5;
const BYTES_MIN: f64 = 2_500.0;
/// One padding packet, in bytes of the whole datagram.
const PADDING_BYTES_MAX: f64 = 1_100.0;
const PADDING_BYTES_MIN: f64 = 60.0;
/// So much of a probe must have arrived for it to count.
const ARRIVED_MIN: f64 = 0.8;
/// Its fate is waited for no longer, in microseconds.
const WAIT_US: u64 = 1_000_000;
const FIRST_FACTOR: f64 = 3.0;
const FACTOR: f64 = 2.0;
/// A probe is worth it only for this much more.
const FACTOR_MIN: f64 = 1.15;
/// What arrives more slowly than this share of how it was sent met the path's limit, and then a
/// little under what arrived is taken.
const WHOLE: f64 = 0.9;
const UNDER: f64 = 0.95;
/// After a failed probe the next one waits, twice as long each time, in microseconds.
const BACK_OFF_US: u64 = 2_000_000;
const BACK_OFF_MAX_US: u64 = 8_000_000;

/// After an estimate fell steeply the waiting begins anew, but not more often than this.
const RESTART_US: u64 = 10_000_000;

/// Padding that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Padding {
    /// How large a datagram to send, in bytes; several smaller ones serve as well.
    pub bytes: u16,
    /// The probe that it is part of.
    pub cluster: u8,
}

#[derive(Debug, Clone, Copy)]
struct Probe {
    cluster: u8,
    /// Bits per second.
    target: f64,
    started_us: u64,
    ended_us: Option<u64>,
    sent_packets: u32,
    sent_bytes: u32,
    settled_packets: u32,
    arrived: Option<Arrived>,
}

#[derive(Debug, Clone, Copy)]
struct Arrived {
    packets: u32,
    bytes: u32,
    first_bytes: u16,
    last_bytes: u16,
    first_sent_us: u64,
    last_sent_us: u64,
    first_us: i64,
    last_us: i64,
}

/// What a path is asked for, and the probe under way.
#[derive(Debug, Default)]
pub struct Probes {
    wished: f64,
    probe: Option<Probe>,
    next_cluster: u8,
    failures: u32,
    not_before_us: u64,
    succeeded: bool,
    restarted_us: Option<u64>,
}

impl Probes {
    /// The allocation would use so many bits per second.
    pub fn wish(&mut self, bits: u64) {
        self.wished = bits as f64;
    }

    /// The estimate fell steeply: a path that only halted for a moment is worth another look as
    /// soon as it is calm, however often probes failed before.
    pub fn handle_fall(&mut self, now_us: u64) {
        let rested = self
            .restarted_us
            .is_none_or(|at_us| now_us.saturating_sub(at_us) >= RESTART_US);
        if rested {
            self.restarted_us = Some(now_us);
            self.failures = 0;
            self.not_before_us = now_us;
        }
    }

    /// The probe that packets sent now are part of.
    pub fn cluster(&self) -> Option<u8> {
        self.probe
            .filter(|probe| probe.ended_us.is_none())
            .map(|probe| probe.cluster)
    }

    /// A packet leaves, media or padding.
    pub fn handle_sent(&mut self, bytes: u16) {
        if let Some(probe) = &mut self.probe
            && probe.ended_us.is_none()
        {
            probe.sent_packets = probe.sent_packets.saturating_add(1);
            probe.sent_bytes = probe.sent_bytes.saturating_add(u32::from(bytes));
        }
    }

    /// A packet's fate: when it arrived on the peer's clock, or that it did not.
    pub fn handle_packet(&mut self, sent: &Sent, arrival_us: Option<i64>) {
        if let Some(probe) = &mut self.probe
            && sent.probe == Some(probe.cluster)
        {
            probe.settled_packets = probe
                .settled_packets
                .saturating_add(u32::from(!sent.said_lost));
            if let Some(arrival_us) = arrival_us {
                probe.arrived = Some(match probe.arrived {
                    None => Arrived::first(sent, arrival_us),
                    Some(arrived) => arrived.and(sent, arrival_us),
                });
            }
        }
    }

    /// Padding that is due now; to be asked again until there is none. What is sent is then told
    /// by [`Probes::handle_sent`]. `bits` is the estimate, `calm` that nothing speaks against
    /// more.
    pub fn poll(&mut self, now_us: u64, bits: f64, calm: bool) -> Option<Padding> {
        if self.probe.is_none() && calm && now_us >= self.not_before_us && self.wished > bits {
            let factor = if self.succeeded || self.failures > 0 || self.restarted_us.is_some() {
                FACTOR
            } else {
                FIRST_FACTOR
            };
            let target = (bits * factor)
                .min(self.wished)
                .max(bits * FACTOR_MIN)
                .min(RATE_MAX);
            if target <= bits {
                return None;
            }
            self.probe = Some(Probe::new(now_us, self.next_cluster, target));
            // 255 stands for none in the log.
            self.next_cluster = (self.next_cluster + 1) % 128;
        }
        let probe = self.probe.as_mut()?;
        if probe.ended_us.is_some() {
            return None;
        }
        probe.padding(now_us)
    }

    /// Whether padding will be due within milliseconds.
    pub fn is_sending(&self) -> bool {
        self.cluster().is_some()
    }

    /// What the path was found to carry, in bits per second, once a probe's fate is known. To be
    /// asked after each feedback and now and then.
    pub fn result(&mut self, now_us: u64) -> Option<f64> {
        let probe = self.probe?;
        let ended_us = probe.ended_us?;
        let waited = now_us.saturating_sub(ended_us) >= WAIT_US;
        if probe.settled_packets < probe.sent_packets && !waited {
            return None;
        }
        self.probe = None;
        let answered = probe.settled_packets >= probe.sent_packets;
        let result = probe.result();
        match result {
            None if !answered => {
                // Nothing was learnt of the path.
                self.not_before_us = now_us.saturating_add(BACK_OFF_US);
            }
            Some(Found { whole: true, .. }) => {
                self.failures = 0;
                self.succeeded = true;
                self.not_before_us = now_us;
            }
            Some(Found { whole: false, .. }) | None => {
                let back_off_us = BACK_OFF_US << self.failures.min(8);
                self.not_before_us = now_us.saturating_add(back_off_us.min(BACK_OFF_MAX_US));
                self.failures = self.failures.saturating_add(1);
            }
        }
        result.map(|found| found.bits)
    }
}

struct Found {
    bits: f64,
    /// The target was reached.
    whole: bool,
}

impl Probe {
    fn new(now_us: u64, cluster: u8, target: f64) -> Self {
        Self {
            cluster,
            target,
            started_us: now_us,
            ended_us: None,
            sent_packets: 0,
            sent_bytes: 0,
            settled_packets: 0,
            arrived: None,
        }
    }

    fn padding(&mut self, now_us: u64) -> Option<Padding> {
        let passed_us = now_us.saturating_sub(self.started_us);
        let whole = bytes_in(self.target, LENGTH_US).max(BYTES_MIN);
        let sent = f64::from(self.sent_bytes);
        if (sent >= whole && self.sent_packets >= PACKETS_MIN) || passed_us >= LENGTH_MAX_US {
            self.ended_us = Some(now_us);
            return None;
        }
        let due = bytes_in(self.target, passed_us + AHEAD_US) - sent;
        // Even a small probe is spread over several packets.
        let largest = (whole / f64::from(PACKETS_MIN)).min(PADDING_BYTES_MAX);
        (due >= PADDING_BYTES_MIN).then_some(Padding {
            bytes: due.min(largest) as u16,
            cluster: self.cluster,
        })
    }

    fn result(&self) -> Option<Found> {
        let arrived = self.arrived?;
        let enough = f64::from(arrived.packets) >= f64::from(self.sent_packets) * ARRIVED_MIN;
        if !enough || arrived.packets + 1 < PACKETS_MIN {
            return None;
        }
        let span_us = i64::try_from(arrived.last_sent_us - arrived.first_sent_us).ok()?;
        let sent = rate(arrived.bytes, arrived.last_bytes, span_us)?;
        let span_us = arrived.last_us.saturating_sub(arrived.first_us);
        let came = rate(arrived.bytes, arrived.first_bytes, span_us)?;
        if came < sent * WHOLE {
            return Some(Found {
                bits: came * UNDER,
                whole: false,
            });
        }
        Some(Found {
            bits: came.min(sent).min(self.target),
            whole: came.min(sent) >= self.target * WHOLE,
        })
    }
}

impl Arrived {
    fn first(sent: &Sent, arrival_us: i64) -> Self {
        Self {
            packets: 1,
            bytes: u32::from(sent.bytes),
            first_bytes: sent.bytes,
            last_bytes: sent.bytes,
            first_sent_us: sent.at_us,
            last_sent_us: sent.at_us,
            first_us: arrival_us,
            last_us: arrival_us,
        }
    }

    fn and(mut self, sent: &Sent, arrival_us: i64) -> Self {
        self.packets = self.packets.saturating_add(1);
        self.bytes = self.bytes.saturating_add(u32::from(sent.bytes));
        if sent.at_us >= self.last_sent_us {
            self.last_sent_us = sent.at_us;
            self.last_bytes = sent.bytes;
        }
        self.first_sent_us = self.first_sent_us.min(sent.at_us);
        if arrival_us < self.first_us {
            self.first_us = arrival_us;
            self.first_bytes = sent.bytes;
        }
        self.last_us = self.last_us.max(arrival_us);
        self
    }
}

fn bytes_in(bits: f64, us: u64) -> f64 {
    bits * us as f64 / 8e6
}

/// Bits per second of what came between the first and the last packet.
fn rate(bytes: u32, end_bytes: u16, span_us: i64) -> Option<f64> {
    let between = bytes.saturating_sub(u32::from(end_bytes));
    (span_us > 0 && between > 0).then(|| f64::from(between) * 8e6 / span_us as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends one probe at a poll each `poll_us` and lets it through at `carried` bits a second.
    fn probed(probes: &mut Probes, mut now_us: u64, bits: f64, carried: f64) -> (u64, Option<f64>) {
        let mut sent = Vec::new();
        loop {
            while let Some(padding) = probes.poll(now_us, bits, true) {
                probes.handle_sent(padding.bytes);
                sent.push((now_us, padding));
            }
            if !probes.is_sending() {
                break;
            }
            now_us += 2_000;
        }
        let mut free_us = 0;
        for (at_us, padding) in &sent {
            let start = free_us.max(*at_us);
            free_us = start + (f64::from(padding.bytes) * 8e6 / carried) as u64;
            let sent = Sent {
                at_us: *at_us,
                bytes: padding.bytes,
                probe: Some(padding.cluster),
                said_lost: false,
            };
            probes.handle_packet(&sent, Some(free_us as i64 - 777_777));
        }
        let now_us = now_us + 100_000;
        (now_us, probes.result(now_us))
    }

    #[test]
    fn nothing_is_probed_without_a_wish_or_in_unrest() {
        let mut probes = Probes::default();
        assert_eq!(probes.poll(0, 3e5, true), None);
        probes.wish(300_000);
        assert_eq!(probes.poll(0, 3e5, true), None);
        probes.wish(2_000_000);
        assert_eq!(probes.poll(0, 3e5, false), None);
        assert!(probes.poll(0, 3e5, true).is_some());
    }

    #[test]
    fn a_free_path_is_found_to_carry_what_is_wished() {
        let mut probes = Probes::default();
        probes.wish(2_500_000);
        let (mut now_us, mut bits) = (1_000_000, 3e5);
        for target in [9e5, 1.8e6, 2.5e6] {
            let (after_us, found) = probed(&mut probes, now_us, bits, 5e6);
            let found = found.expect("a result");
            assert!(
                (target * 0.9..=target).contains(&found),
                "{found} of {target}"
            );
            (now_us, bits) = (after_us, target);
        }
        assert_eq!(probes.poll(now_us, bits, true), None);
    }

    #[test]
    fn a_narrow_path_is_measured_and_asked_more_seldom() {
        let mut probes = Probes::default();
        probes.wish(2_500_000);
        let (mut now_us, found) = probed(&mut probes, 0, 3e5, 4e5);
        let found = found.expect("a result");
        assert!((3.3e5..4e5).contains(&found), "{found}");
        let mut waits = Vec::new();
        for _ in 0..5 {
            let from_us = now_us;
            while probes.poll(now_us, 3.5e5, true).is_none() {
                now_us += 10_000;
            }
            waits.push((now_us - from_us) / 1_000_000);
            (now_us, _) = probed(&mut probes, now_us, 3.5e5, 4e5);
        }
        assert_eq!(waits, [2, 4, 8, 8, 8]);
    }

    #[test]
    fn a_probe_that_nobody_sends_or_answers_ends() {
        let mut probes = Probes::default();
        probes.wish(2_500_000);
        assert!(probes.poll(0, 3e5, true).is_some());
        assert_eq!(probes.result(10_000_000), None);
        assert_eq!(probes.poll(LENGTH_MAX_US, 3e5, true), None);
        assert!(!probes.is_sending());
        assert_eq!(probes.result(LENGTH_MAX_US), None);
        assert_eq!(probes.poll(LENGTH_MAX_US + 1_900_000, 3e5, true), None);
        assert!(probes.poll(LENGTH_MAX_US + 2_000_000, 3e5, true).is_some());
    }
}
