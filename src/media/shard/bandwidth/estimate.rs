//! What the path to one subscriber carries, in bits per second: the least of what its delay, its
//! loss and the subscriber itself say.
//!
//! Why not the `Gcc` of rtc-interceptor 0.21.1, which stands alone too: run in the scenarios beside
//! this file it let the queue of a 400 kbit/s path stand at its limit of a second (the estimate went
//! up to 857 kbit/s), needed 25 s to find 2 Mbit/s on a free path and fell to 276 kbit/s under 5 %
//! random loss; it cannot be told what a probe found or what a REMB says. Hence the same draft with
//! libwebrtc's later corrections. This module must never know packets' content or layers.

use super::{
    RATE_MAX, RATE_MIN,
    aimd::{Aimd, Measured},
    groups::Groups,
    loss::Loss,
    peak::Peak,
    queue::Queue,
    sent::Sent,
    throughput::Throughput,
    trend::{Trend, Usage},
};

/// After a pause of sending as long as this, in microseconds, the delays before it say nothing.
const PAUSE_US: u64 = 2_000_000;
/// Without feedback on what is sent for this long, less is sent, and again after each as long.
const SILENCE_US: u64 = 1_000_000;
const SILENCE_BACK_OFF: f64 = 0.8;
/// What a subscriber said of its path by REMB counts for this long, in microseconds: browsers
/// repeat it each second.
const REMB_US: u64 = 10_000_000;
/// How long after a back-off a path counts as unwell.
const CALM_US: u64 = 1_000_000;
/// A queue that stands for this long is drained, in microseconds; with one of [`DRAINED_US`] nothing
/// would be sent but for the least share.
const STANDING_US: u64 = 60_000;
const DRAINED_US: f64 = 500_000.0;
const DRAIN_MIN: f64 = 0.5;
/// Until the first feedback: what a round trip with its feedback may take.
const ROUND_TRIP_START_US: u64 = 200_000;
/// A subscriber that tells of loss alone: how far up with each good report.
const GROWTH_PER_REPORT: f64 = 1.05;

/// The estimate of one subscriber's path. Times are in microseconds since an epoch of the
/// caller's; it is to be fed with each feedback's packets and then its end.
#[derive(Debug)]
pub struct Estimate {
    rate: Aimd,
    groups: Groups,
    trend: Trend,
    sent: Throughput,
    arrived: Throughput,
    peak: Peak,
    queue: Queue,
    loss: Loss,
    remb: Option<(f64, u64)>,
    round_trip_us: u64,
    newest_sent_us: u64,
    /// Transport-wide feedback has come.
    fed: bool,
    silent_since_us: Option<u64>,
}

impl Estimate {
    /// Begins with this rate, in bits per second.
    pub fn new(now_us: u64, start_bits: u64) -> Self {
        Self {
            rate: Aimd::new(now_us, (start_bits as f64).clamp(RATE_MIN, RATE_MAX)),
            groups: Groups::default(),
            trend: Trend::new(),
            sent: Throughput::new(),
            arrived: Throughput::new(),
            peak: Peak::default(),
            queue: Queue::new(),
            loss: Loss::default(),
            remb: None,
            round_trip_us: ROUND_TRIP_START_US,
            newest_sent_us: 0,
            fed: false,
            silent_since_us: None,
        }
    }

    /// Whether the subscriber has said anything of its path yet: REMB, or transport-wide feedback.
    pub fn is_known(&self) -> bool {
        self.fed || self.remb.is_some()
    }

    /// Bits per second that the path carries.
    pub fn bits_per_second(&self) -> u64 {
        self.bits() as u64
    }

    /// The same before rounding.
    pub fn bits(&self) -> f64 {
        let mut bits = self.rate.bits();
        for limit in [self.loss.limit(), self.remb.map(|(bits, _)| bits)] {
            bits = bits.min(limit.unwrap_or(bits));
        }
        (bits * self.drain()).clamp(RATE_MIN, RATE_MAX)
    }

    /// The share of the rate that leaves room for a standing queue to drain.
    fn drain(&self) -> f64 {
        let standing_us = self.queue.standing_us();
        if standing_us < STANDING_US {
            return 1.0;
        }
        (1.0 - standing_us as f64 / DRAINED_US).max(DRAIN_MIN)
    }

    /// Whether nothing speaks against trying for more.
    pub fn is_calm(&self, now_us: u64) -> bool {
        self.fed
            && self.silent_since_us.is_none()
            && self.trend.usage() != Usage::Over
            && self.loss.is_over()
            && self.queue.standing_us() < STANDING_US
            && self
                .rate
                .lowered_since_us(now_us)
                .is_none_or(|since| since >= CALM_US)
    }

    /// A packet's fate, as a feedback tells it: when it arrived on the peer's clock, or that it
    /// did not. In the order of sending.
    pub fn handle_packet(&mut self, sent: &Sent, arrival_us: Option<i64>) {
        let of_probe = sent.probe.is_some();
        if sent.at_us > self.newest_sent_us.saturating_add(PAUSE_US) {
            self.groups = Groups::default();
            self.trend = Trend::new();
        }
        self.newest_sent_us = self.newest_sent_us.max(sent.at_us);
        let at_us = i64::try_from(sent.at_us).unwrap_or(i64::MAX);
        if !sent.said_lost {
            self.sent.push(at_us, sent.bytes);
        }
        // A probe fills the path on purpose: the queue and loss that it makes are its own.
        if !of_probe {
            match (sent.said_lost, arrival_us) {
                (false, arrival) => self.loss.count(sent.at_us, arrival.is_none()),
                (true, Some(_)) => self.loss.recount(sent.at_us),
                (true, None) => {}
            }
        }
        let Some(arrival_us) = arrival_us else {
            return;
        };
        self.arrived.push(arrival_us, sent.bytes);
        self.peak.push(arrival_us, sent.bytes);
        if !of_probe {
            self.queue
                .push(sent.at_us, arrival_us.saturating_sub(at_us));
        }
        if !of_probe && let Some(step) = self.groups.push(sent.at_us, arrival_us) {
            self.trend.push(step);
        }
    }

    /// A feedback has been read whole.
    pub fn handle_feedback_end(&mut self, now_us: u64) {
        self.fed = true;
        self.silent_since_us = None;
        self.round_trip_us = now_us.saturating_sub(self.newest_sent_us);
        let measured = Measured {
            sent: self.sent.bits(),
            arrived: self.arrived.bits(),
            peak: self.peak.bits(),
            lost: self.loss.usual(),
            round_trip_us: self.round_trip_us,
        };
        self.rate.update(now_us, self.trend.usage(), measured);
        if self.queue.standing_us() >= STANDING_US {
            self.rate.fill(measured.peak);
        }
        self.loss.update(now_us, self.rate.bits(), measured.peak);
    }

    /// A probe found that the path carries so much.
    pub fn handle_probed(&mut self, now_us: u64, bits: f64) {
        self.loss.outgrown_by(bits);
        if bits > self.rate.bits() {
            self.rate.set(now_us, bits);
        }
    }

    /// REMB: what the subscriber believes. Without transport-wide feedback it is the estimate,
    /// with it a limit.
    pub fn handle_remb(&mut self, now_us: u64, bits: u64) {
        let bits = bits as f64;
        self.remb = Some((bits, now_us));
        if !self.fed {
            self.rate.set(now_us, bits);
        }
    }

    /// A receiver report of the share lost since the last, in 256ths, while `sent_bits` per
    /// second are sent. It only counts without transport-wide feedback.
    pub fn handle_loss(&mut self, now_us: u64, fraction_256: u8, sent_bits: f64) {
        if self.fed {
            return;
        }
        self.loss.report(now_us, fraction_256, self.rate.bits());
        let grown = self.rate.bits() * GROWTH_PER_REPORT;
        if self.remb.is_none() && fraction_256 < 5 && grown < sent_bits * 1.5 {
            self.rate.set(now_us, grown);
        }
    }

    /// Time passes. `unanswered`: packets were sent since the last feedback.
    pub fn handle_timeout(&mut self, now_us: u64, unanswered: bool) {
        self.remb = self
            .remb
            .filter(|(_, at_us)| now_us.saturating_sub(*at_us) < REMB_US);
        if !self.fed || !unanswered {
            return;
        }
        let since_us = *self.silent_since_us.get_or_insert(now_us);
        if now_us.saturating_sub(since_us) >= SILENCE_US {
            self.silent_since_us = Some(now_us);
            self.rate.set(now_us, self.rate.bits() * SILENCE_BACK_OFF);
        }
    }
}
