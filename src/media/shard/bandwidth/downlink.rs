//! The way to one subscriber: what was sent on it, what its feedback says, what it carries, and
//! the padding that finds out whether it carries more.
//!
//! Joins the files beside this one; it decides nothing of its own. This module must never know
//! what is sent.

use std::time::{Duration, Instant};

use super::{
    chunks::TICK_US,
    estimate::Estimate,
    feedback::{Feedback, PeerClock},
    probe::{Padding, Probes},
    sent::SentLog,
};

/// While a probe sends, it is asked for padding this often.
const PROBE_STEP: Duration = Duration::from_millis(5);

/// An estimate that one feedback lowers to less than this share of itself fell steeply.
const STEEP: f64 = 0.67;

/// One subscriber's path.
#[derive(Debug)]
pub struct Downlink {
    log: SentLog,
    clock: PeerClock,
    estimate: Estimate,
    probes: Probes,
    /// Packets sent until the last feedback.
    answered: u64,
    /// Bytes and time of the last receiver report.
    reported: (u64, u64),
}

impl Downlink {
    /// A path on which nothing was sent yet, believed to carry `start_bits` per second.
    pub fn new(now: Instant, start_bits: u64) -> Self {
        Self::since(now, now, start_bits)
    }

    /// The same on the caller's clock, which began at `epoch`: with it
    /// [`Downlink::handle_sent_at`] may be used.
    pub fn since(epoch: Instant, now: Instant, start_bits: u64) -> Self {
        let log = SentLog::new(epoch);
        Self {
            estimate: Estimate::new(log.micros(now), start_bits),
            log,
            clock: PeerClock::default(),
            probes: Probes::default(),
            answered: 0,
            reported: (0, 0),
        }
    }

    /// A packet of so many bytes, the whole datagram, is about to leave: media or padding. Gives
    /// its transport-wide sequence number.
    pub fn handle_sent(&mut self, now: Instant, bytes: u16) -> u16 {
        self.handle_sent_at(self.log.micros(now), bytes)
    }

    /// The same, `now_us` microseconds after the epoch: to count them costs more than all the
    /// rest, so a caller with many subscribers does it once for all.
    pub fn handle_sent_at(&mut self, now_us: u64, bytes: u16) -> u16 {
        let probe = self.probes.cluster();
        if probe.is_some() {
            self.probes.handle_sent(bytes);
        }
        self.log.push_at(now_us, bytes, probe)
    }

    /// Transport-wide feedback came: a whole RTCP packet. One that is malformed or about packets
    /// that were never sent changes nothing.
    pub fn handle_feedback(&mut self, now: Instant, packet: &[u8]) {
        let Some(feedback) = Feedback::parse(packet) else {
            return;
        };
        let now_us = self.log.micros(now);
        let start_us = self.clock.start_of(&feedback);
        let mut news = false;
        for (sequence, ticks) in feedback.statuses() {
            let Some(sent) = self.log.settle(now_us, sequence, ticks.is_some()) else {
                continue;
            };
            news = true;
            let arrival_us = ticks.map(|ticks| start_us.saturating_add(ticks * TICK_US));
            self.estimate.handle_packet(&sent, arrival_us);
            self.probes.handle_packet(&sent, arrival_us);
        }
        if news {
            self.answered = self.log.count();
            let before = self.estimate.bits();
            self.estimate.handle_feedback_end(now_us);
            if self.estimate.bits() < before * STEEP {
                self.probes.handle_fall(now_us);
            }
            self.finish_probe(now_us);
        }
    }

    /// The subscriber's own estimate (REMB), in bits per second.
    pub fn handle_remb(&mut self, now: Instant, bits: u64) {
        self.estimate.handle_remb(self.log.micros(now), bits);
    }

    /// A receiver report's share of lost packets, in 256ths: the worst of its blocks.
    pub fn handle_loss(&mut self, now: Instant, fraction_256: u8) {
        let now_us = self.log.micros(now);
        let (bytes, at_us) = self.reported;
        self.reported = (self.log.bytes(), now_us);
        let passed_us = now_us.saturating_sub(at_us).max(1);
        let sent_bits = (self.log.bytes() - bytes) as f64 * 8e6 / passed_us as f64;
        self.estimate.handle_loss(now_us, fraction_256, sent_bits);
    }

    /// Time passes; to be called some times a second.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now_us = self.log.micros(now);
        let unanswered = self.log.count() > self.answered;
        self.estimate.handle_timeout(now_us, unanswered);
        self.finish_probe(now_us);
    }

    /// What the allocation would use if it could, in bits per second, sound included.
    pub fn wish(&mut self, bits: u64) {
        self.probes.wish(bits);
    }

    /// Whether the subscriber has said anything of it yet.
    pub fn is_known(&self) -> bool {
        self.estimate.is_known()
    }

    /// What may be sent, in bits per second of whole datagrams.
    pub fn bits_per_second(&self) -> u64 {
        self.estimate.bits_per_second()
    }

    /// Padding to send now: to be asked until there is none, what is sent to be told by
    /// [`Downlink::handle_sent`] each time. For a subscriber without transport-wide feedback
    /// there is none.
    pub fn poll_padding(&mut self, now: Instant) -> Option<Padding> {
        let now_us = self.log.micros(now);
        let calm = self.estimate.is_calm(now_us);
        self.probes.poll(now_us, self.estimate.bits(), calm)
    }

    /// When to ask for padding again, while a probe is sending.
    pub fn next_deadline(&self, now: Instant) -> Option<Instant> {
        self.probes.is_sending().then(|| now + PROBE_STEP)
    }

    fn finish_probe(&mut self, now_us: u64) {
        if let Some(bits) = self.probes.result(now_us) {
            self.estimate.handle_probed(now_us, bits);
        }
    }
}
