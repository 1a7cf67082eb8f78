//! One lean receiver without its socket: it checks its path, makes keys, counts what comes, and says
//! what a browser would: checks, reports, feedback, requests for what is missing.
//!
//! Told, then drained: `handle…` in, `poll_transmit` out. This module must never read a clock.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rtc::{
    rtcp::{
        packet::{Packet, marshal},
        receiver_report::ReceiverReport,
        transport_feedbacks::transport_layer_nack::{
            TransportLayerNack, nack_pairs_from_sequence_numbers,
        },
    },
    rtp,
    shared::marshal::{MarshalSize, Unmarshal},
};

use super::{
    handshake::{Handshake, Identity},
    keys::Keys,
    offer::{Answer, Credentials, TRANSPORT_SEQUENCE},
    slot::Slot,
    stun::{self, Message},
    wide::{self, Wide},
};
use crate::loadtest::{stamp::Medium, tally::Tally};

/// How often it checks until it has keys (RFC 8445 section 14.2), and how often it asks for consent
/// then (RFC 7675).
const CHECK: Duration = Duration::from_millis(50);
const CONSENT: Duration = Duration::from_secs(5);
/// How often it reports, and looks for what is missing.
const REPORT: Duration = Duration::from_secs(1);
const ASK: Duration = Duration::from_millis(20);
/// SSRC of its own reports.
const REPORTER: u32 = 1;

/// What a receiver is made with.
pub struct Plan {
    /// Its own address, and the server's.
    pub local: SocketAddr,
    /// Where the server is.
    pub server: SocketAddr,
    /// Its own credentials.
    pub ours: Credentials,
    /// What the server answered.
    pub answer: Answer,
    /// Whatever no other receiver has.
    pub seed: u64,
    /// The round trip that the path is made to have.
    pub round_trip: Duration,
    /// Whether packets are opened: without, they are counted by their headers alone.
    pub opens: bool,
    /// Counts what comes.
    pub tally: Arc<Mutex<Tally>>,
}

/// One of its slots.
struct Stream {
    mid: String,
    medium: Medium,
    ssrc: u32,
    rtx: Option<u32>,
    slot: Slot,
}

enum Stage {
    Checking,
    Securing(Handshake),
    Receiving(Box<Keys>),
    /// The handshake came to nothing; the server's silence tells the rest.
    Failed,
}

/// A receiver.
pub struct Receiver {
    local: SocketAddr,
    server: SocketAddr,
    username: String,
    ours: Credentials,
    their_pwd: String,
    identity: Arc<Identity>,
    stage: Stage,
    streams: Vec<Stream>,
    wide: Wide,
    opens: bool,
    tally: Arc<Mutex<Tally>>,
    seed: u64,
    checks: u32,
    check_at: Instant,
    report_at: Instant,
    ask_at: Instant,
    feedback_at: Instant,
    /// Emptied after each turn.
    out: VecDeque<Vec<u8>>,
}

impl Receiver {
    /// Begins to check its path.
    pub fn new(now: Instant, identity: Arc<Identity>, plan: Plan) -> Self {
        let Plan {
            local,
            server,
            ours,
            answer: Answer { theirs, slots, .. },
            seed,
            round_trip,
            opens,
            tally,
        } = plan;
        let streams = slots.into_iter().map(|offered| Stream {
            mid: offered.mid,
            medium: offered.medium,
            ssrc: offered.ssrc,
            rtx: offered.rtx,
            slot: Slot::new(round_trip),
        });
        Self {
            local,
            server,
            username: format!("{}:{}", theirs.ufrag, ours.ufrag),
            ours,
            their_pwd: theirs.pwd,
            identity,
            stage: Stage::Checking,
            streams: streams.collect(),
            wide: Wide::new(now),
            opens,
            tally,
            seed,
            checks: 0,
            check_at: now,
            report_at: now + REPORT,
            ask_at: now + ASK,
            feedback_at: now + wide::EVERY,
            out: VecDeque::new(),
        }
    }

    /// Takes a datagram of the server's. What is not authentic or of no use is passed over.
    pub fn handle(&mut self, now: Instant, datagram: &[u8]) {
        match datagram {
            [0..=3, ..] => self.check(now, datagram),
            [20..=63, ..] => self.secure(now, datagram),
            // RTCP (RFC 5761 section 4): what the server reports is of no use to who sends nothing.
            [128..=191, 192..=223, ..] => {}
            [128..=191, ..] => self.media(now, datagram),
            _ => {}
        }
    }

    fn check(&mut self, now: Instant, datagram: &[u8]) {
        match stun::read(datagram) {
            Some(Message::Request(transaction)) => {
                let response = stun::response(transaction, self.server, &self.ours.pwd);
                self.out.push_back(response);
            }
            Some(Message::Success(_)) => {
                if matches!(self.stage, Stage::Checking) {
                    let begun = Handshake::begin(now, self.local, self.server, &self.identity);
                    self.stage = begun.map_or_else(failed, Stage::Securing);
                }
            }
            None => {}
        }
    }

    fn secure(&mut self, now: Instant, datagram: &[u8]) {
        let Stage::Securing(handshake) = &mut self.stage else {
            return;
        };
        let handled = handshake.handle(now, datagram, &self.identity);
        while let Some(datagram) = handshake.poll_transmit() {
            self.out.push_back(datagram);
        }
        match handled {
            Ok(None) => {}
            Ok(Some(keys)) => self.stage = Stage::Receiving(Box::new(keys)),
            Err(why) => self.stage = failed(why),
        }
    }

    fn media(&mut self, now: Instant, datagram: &[u8]) {
        let Stage::Receiving(keys) = &mut self.stage else {
            return;
        };
        let Ok(header) = rtp::Header::unmarshal(&mut &*datagram) else {
            return;
        };
        if let Some(number) = header.get_extension(TRANSPORT_SEQUENCE)
            && let [high, low] = *number
        {
            self.wide.handle(now, u16::from_be_bytes([high, low]));
        }
        let is_its =
            |stream: &&mut Stream| stream.ssrc == header.ssrc || stream.rtx == Some(header.ssrc);
        let Some(stream) = self.streams.iter_mut().find(is_its) else {
            return;
        };
        let again = stream.ssrc != header.ssrc;
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.opens {
            if !again {
                stream.slot.handle(now, header.sequence_number);
                tally.arrive_sealed(now, &stream.mid, header.sequence_number);
            }
            return;
        }
        let Ok(packet) = keys.open(datagram, &header) else {
            tally.unopened();
            return;
        };
        let Some(payload) = payload(&packet, &header) else {
            return;
        };
        let (sequence, payload) = if again {
            // RFC 4588 section 4. One without is a probe of the path.
            let Some((original, rest)) = payload.split_first_chunk() else {
                return;
            };
            let original = u16::from_be_bytes(*original);
            stream.slot.handle_again(original);
            (original, rest)
        } else {
            stream.slot.handle(now, header.sequence_number);
            (header.sequence_number, payload)
        };
        tally.arrive(now, &stream.mid, stream.medium, sequence, payload);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.check_at <= now {
            self.checks = self.checks.wrapping_add(1);
            let [a, b, c, d, e, f, g, h] = self.seed.to_be_bytes();
            let [i, j, k, l] = self.checks.to_be_bytes();
            let transaction = [a, b, c, d, e, f, g, h, i, j, k, l];
            let (username, pwd) = (&self.username, &self.their_pwd);
            let request = stun::request(transaction, username, pwd, self.seed);
            self.out.push_back(request);
            self.check_at = now
                + match self.stage {
                    Stage::Receiving(_) => CONSENT,
                    Stage::Checking | Stage::Securing(_) | Stage::Failed => CHECK,
                };
        }
        match &mut self.stage {
            Stage::Checking | Stage::Failed => {}
            Stage::Securing(handshake) => {
                let done = handshake.handle_timeout(now);
                while let Some(datagram) = handshake.poll_transmit() {
                    self.out.push_back(datagram);
                }
                if let Err(why) = done {
                    self.stage = failed(why);
                }
            }
            Stage::Receiving(_) => self.control(now),
        }
    }

    /// Reports, requests and feedback that are due.
    fn control(&mut self, now: Instant) {
        let mut packets: Vec<Box<dyn Packet>> = Vec::new();
        if self.report_at <= now {
            self.report_at = now + REPORT;
            let streams = self.streams.iter_mut();
            let reports = streams.filter_map(|stream| stream.slot.report(stream.ssrc));
            packets.push(Box::new(ReceiverReport {
                ssrc: REPORTER,
                reports: reports.collect(),
                ..ReceiverReport::default()
            }));
        }
        // Of what is not opened it is not known what was sent again.
        if self.opens && self.ask_at <= now {
            self.ask_at = now + ASK;
            for stream in self
                .streams
                .iter_mut()
                .filter(|stream| stream.rtx.is_some())
            {
                let lost = stream.slot.poll_lost(now);
                if !lost.is_empty() {
                    packets.push(Box::new(TransportLayerNack {
                        sender_ssrc: REPORTER,
                        media_ssrc: stream.ssrc,
                        nacks: nack_pairs_from_sequence_numbers(&lost),
                    }));
                }
            }
        }
        if !packets.is_empty()
            && let Ok(compound) = marshal(&packets)
        {
            self.seal(&compound);
        }
        if self.feedback_at <= now {
            self.feedback_at = now + wide::EVERY;
            while let Some(feedback) = self.wide.poll(REPORTER) {
                self.seal(&feedback);
            }
        }
    }

    fn seal(&mut self, compound: &[u8]) {
        if let Stage::Receiving(keys) = &mut self.stage
            && let Ok(sealed) = keys.seal(compound)
        {
            self.out.push_back(sealed);
        }
    }

    /// The next datagram for the server.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        if let Stage::Securing(handshake) = &mut self.stage
            && let Some(datagram) = handshake.poll_transmit()
        {
            self.out.push_back(datagram);
        }
        self.out.pop_front()
    }
}

fn failed(why: rtc::shared::error::Error) -> Stage {
    tracing::debug!("a lean receiver's handshake failed: {why}");
    Stage::Failed
}

/// A packet's payload without its padding; nothing where the padding is longer than the rest.
fn payload<'a>(packet: &'a [u8], header: &rtp::Header) -> Option<&'a [u8]> {
    let payload = packet.get(header.marshal_size()..)?;
    if !header.padding {
        return Some(payload);
    }
    let padding = usize::from(*payload.last()?);
    payload.get(..payload.len().checked_sub(padding)?)
}
