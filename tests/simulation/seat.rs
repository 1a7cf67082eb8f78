//! One participant: a browser's transport, what it sends, what it receives, and its RTCP.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use rand::{SeedableRng, rngs::StdRng};
use roundtable::media::shard::rtp::{self, HeaderFields};
use rtc::rtcp::{
    packet::Packet,
    payload_feedbacks::{
        full_intra_request::FullIntraRequest, picture_loss_indication::PictureLossIndication,
    },
    receiver_report::ReceiverReport,
    sender_report::SenderReport,
    transport_feedbacks::transport_layer_nack::{
        TransportLayerNack, nack_pairs_from_sequence_numbers,
    },
};

use crate::{
    camera::{Camera, Outgoing},
    client::Client,
    ear::{Ear, Heard},
    eye::Eye,
    microphone::Microphone,
    offer::{Agreed, TRANSPORT_SEQUENCE},
    reception::Reception,
    wide::Arrivals,
};

/// SSRC of a browser's own reports.
const REPORTER: u32 = 1;
/// How often a browser reports, asks again, and gives transport-wide feedback.
const REPORT: Duration = Duration::from_secs(1);
const ASK: Duration = Duration::from_millis(20);
const FEEDBACK: Duration = Duration::from_millis(50);

/// What of a browser's doings is left out, to see that it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switches {
    /// Requests for lost packets are sent, and answered.
    pub nack: bool,
    /// Transport-wide feedback is sent.
    pub feedback: bool,
}

impl Switches {
    /// Nothing is left out.
    pub const ON: Self = Self {
        nack: true,
        feedback: true,
    };
}

/// A participant.
pub struct Seat {
    /// Its transport.
    pub client: Client,
    /// Its microphone, on.
    pub microphone: Microphone,
    /// Its camera, where it is on.
    pub camera: Option<Camera>,
    /// Its slots, sound and pictures.
    pub ears: Vec<Ear>,
    pub eyes: Vec<Eye>,
    /// What was agreed on for the camera.
    camera_agreed: Agreed,
    number: u8,
    seed: u64,
    switches: Switches,
    wide: bool,
    next_wide: u16,
    arrivals: Arrivals,
    receptions: Vec<Reception>,
    /// Packets and bytes sent a stream, for reports.
    sent: HashMap<u32, (u32, u32)>,
    report_at: Instant,
    ask_at: Instant,
    feedback_at: Instant,
    /// Requests for packets that the server has sent.
    pub asked_by_server: usize,
}

impl Seat {
    /// Connected, with this answer. The microphone is on and silent.
    pub fn new(
        now: Instant,
        number: u8,
        seed: u64,
        client: Client,
        answer: &str,
        slots: (usize, usize),
        switches: Switches,
    ) -> Self {
        let agreed = Agreed::read(answer, "mic");
        let wide = agreed.has(TRANSPORT_SEQUENCE);
        let receptions = client.slots.iter().map(|ssrc| Reception::new(*ssrc));
        Self {
            microphone: Microphone::new(now, number, &agreed),
            camera: None,
            ears: (0..slots.0).map(|_| Ear::new(now)).collect(),
            eyes: (0..slots.1).map(|_| Eye::default()).collect(),
            camera_agreed: Agreed::read(answer, "cam"),
            number,
            seed,
            switches,
            wide,
            next_wide: 65_000,
            arrivals: Arrivals::new(now),
            receptions: receptions.collect(),
            sent: HashMap::new(),
            report_at: now + REPORT,
            ask_at: now,
            feedback_at: now,
            asked_by_server: 0,
            client,
        }
    }

    /// Switches the camera on. This is its size where the server takes no layers.
    pub fn film(&mut self, now: Instant, single: (u16, u16, u32)) {
        let random = StdRng::seed_from_u64(self.seed);
        let mut camera = Camera::new(now, self.number, &self.camera_agreed, single, random);
        camera.answers = self.switches.nack;
        self.camera = Some(camera);
    }

    /// All that was heard of somebody, in order.
    pub fn heard(&self, from: usize) -> Vec<Heard> {
        let mut heard: Vec<Heard> = self
            .ears
            .iter()
            .flat_map(Ear::heard)
            .filter(|heard| usize::from(heard.said.from) == from)
            .collect();
        heard.sort_by_key(|heard| heard.at);
        heard
    }

    /// The eye that sees, or saw last, somebody's camera.
    pub fn eye_on(&self, from: usize) -> Option<&Eye> {
        let last = |eye: &Eye| {
            let seen = eye.seen.iter().rev();
            seen.map(|seen| (usize::from(seen.label.from), seen.at))
                .find(|(seen, _)| *seen == from)
                .map(|(_, at)| at)
        };
        self.eyes
            .iter()
            .filter(|eye| last(eye).is_some())
            .max_by_key(|eye| last(eye))
    }

    /// What it sends now, sealed.
    pub fn poll(&mut self, now: Instant, start: Instant) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::new();
        while let Some(packet) = self.microphone.poll_transmit(now) {
            datagrams.push(self.seal(&packet));
        }
        if let Some(camera) = &mut self.camera {
            camera.handle_timeout(now, now - start);
        }
        while let Some(packet) = self
            .camera
            .as_mut()
            .and_then(|camera| camera.poll_transmit(now))
        {
            datagrams.push(self.seal(&packet));
        }
        datagrams.extend(self.control(now, start));
        datagrams
    }

    fn seal(&mut self, packet: &Outgoing) -> Vec<u8> {
        let counts = self.sent.entry(packet.ssrc).or_default();
        counts.0 += 1;
        counts.1 += packet.payload.len() as u32;
        let fields = HeaderFields {
            marker: packet.marker,
            payload_type: packet.payload_type,
            sequence: packet.index as u16,
            timestamp: packet.timestamp,
            ssrc: packet.ssrc,
            padded: false,
        };
        let number = self.next_wide.to_be_bytes();
        let mut extensions: Vec<(u8, &[u8])> = packet
            .extensions
            .iter()
            .map(|(id, element)| (*id, element.as_slice()))
            .collect();
        if self.wide {
            self.next_wide = self.next_wide.wrapping_add(1);
            extensions.push((TRANSPORT_SEQUENCE, &number));
        }
        let mut plain = vec![0; 200];
        let header = rtp::write_header(&mut plain, &fields, &extensions).expect("a header");
        plain.truncate(header);
        plain.extend(&packet.payload);
        let rollovers = (packet.index >> 16) as u32;
        self.client.seal_bytes(&plain, header, rollovers)
    }

    fn control(&mut self, now: Instant, start: Instant) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::new();
        let mut packets: Vec<Box<dyn Packet>> = Vec::new();
        if now >= self.report_at {
            self.report_at += REPORT;
            let since = now - start;
            let mut streams = self
                .camera
                .as_ref()
                .map(|camera| camera.streams(since))
                .unwrap_or_default();
            streams.push(self.microphone.stream());
            for (ssrc, rtp_time) in streams {
                let (packet_count, octet_count) = self.sent.get(&ssrc).copied().unwrap_or_default();
                packets.push(Box::new(SenderReport {
                    ssrc,
                    ntp_time: ntp(since),
                    rtp_time,
                    packet_count,
                    octet_count,
                    ..SenderReport::default()
                }));
            }
            let reports = self
                .receptions
                .iter_mut()
                .filter_map(|reception| reception.report(now));
            packets.push(Box::new(ReceiverReport {
                ssrc: REPORTER,
                reports: reports.collect(),
                ..ReceiverReport::default()
            }));
        }
        if now >= self.ask_at {
            self.ask_at += ASK;
            let audio = self.ears.len();
            for (place, eye) in self.eyes.iter_mut().enumerate() {
                let media_ssrc = self.client.slots[audio + place];
                let wishes = eye.handle_timeout(now);
                if self.switches.nack && !wishes.lost.is_empty() {
                    packets.push(Box::new(TransportLayerNack {
                        sender_ssrc: REPORTER,
                        media_ssrc,
                        nacks: nack_pairs_from_sequence_numbers(&wishes.lost),
                    }));
                }
                if wishes.key_frame {
                    packets.push(Box::new(PictureLossIndication {
                        sender_ssrc: REPORTER,
                        media_ssrc,
                    }));
                }
            }
        }
        if !packets.is_empty() {
            let compound = rtc::rtcp::packet::marshal(&packets).expect("RTCP");
            datagrams.push(self.client.control(&compound));
        }
        if now >= self.feedback_at {
            self.feedback_at += FEEDBACK;
            let feedback = self.arrivals.poll_feedback(REPORTER);
            if self.wide
                && self.switches.feedback
                && let Some(feedback) = feedback
            {
                datagrams.push(self.client.control(&feedback));
            }
        }
        datagrams
    }

    /// Takes a datagram of the server's.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn handle(&mut self, now: Instant, datagram: &mut [u8]) -> Result<(), String> {
        self.client.try_handle(now, datagram)?;
        for packet in std::mem::take(&mut self.client.received) {
            self.packet(now, &packet)?;
        }
        for compound in std::mem::take(&mut self.client.reports) {
            self.compound(now, &compound)?;
        }
        Ok(())
    }

    fn packet(&mut self, now: Instant, packet: &[u8]) -> Result<(), String> {
        let header = rtp::Header::parse(packet).map_err(|why| why.to_string())?;
        let mut payload = header.payload(packet).map_err(|why| why.to_string())?;
        if let Some(&[high, low]) = header.extension(packet, TRANSPORT_SEQUENCE) {
            self.arrivals.handle(now, u16::from_be_bytes([high, low]));
        }
        let slots = &self.client.slots;
        let mut sequence = header.sequence;
        let place = match slots.iter().position(|ssrc| *ssrc == header.ssrc) {
            Some(place) => {
                self.receptions[place].handle(header.sequence);
                place
            }
            None => {
                let repaired = self.client.rtx.iter().position(|ssrc| *ssrc == header.ssrc);
                let place = repaired.ok_or("a stream that was not announced")?;
                let Some((original, rest)) = payload.split_first_chunk() else {
                    return Ok(()); // A probe.
                };
                sequence = u16::from_be_bytes(*original);
                payload = rest;
                place
            }
        };
        match place.checked_sub(self.ears.len()) {
            None if payload.is_empty() => {}
            None => {
                self.ears[place].handle(now, header.timestamp, header.payload_type, payload);
            }
            Some(place) => {
                self.eyes[place].handle(now, sequence, header.timestamp, header.marker, payload);
            }
        }
        Ok(())
    }

    fn compound(&mut self, now: Instant, compound: &[u8]) -> Result<(), String> {
        let packets =
            rtc::rtcp::packet::unmarshal(&mut &*compound).map_err(|why| why.to_string())?;
        for packet in packets {
            let packet = packet.as_any();
            if let Some(nack) = packet.downcast_ref::<TransportLayerNack>() {
                let lost: Vec<u16> = nack
                    .nacks
                    .iter()
                    .flat_map(|pair| pair.packet_list())
                    .collect();
                self.asked_by_server += lost.len();
                if let Some(camera) = &mut self.camera {
                    camera.handle_nack(now, nack.media_ssrc, &lost);
                }
            } else if let Some(loss) = packet.downcast_ref::<PictureLossIndication>() {
                if let Some(camera) = &mut self.camera {
                    camera.handle_key_frame_request(loss.media_ssrc);
                }
            } else if let Some(request) = packet.downcast_ref::<FullIntraRequest>() {
                for entry in &request.fir {
                    if let Some(camera) = &mut self.camera {
                        camera.handle_key_frame_request(entry.ssrc);
                    }
                }
            } else if let Some(report) = packet.downcast_ref::<ReceiverReport>() {
                for block in &report.reports {
                    self.microphone.handle_report(block.ssrc);
                    if let Some(camera) = &mut self.camera {
                        camera.handle_report(block.ssrc);
                    }
                }
            } else if let Some(report) = packet.downcast_ref::<SenderReport>()
                && let Some(reception) = self
                    .receptions
                    .iter_mut()
                    .find(|it| it.ssrc() == report.ssrc)
            {
                reception.handle_sender_report(now, report.ntp_time);
            }
        }
        Ok(())
    }

    /// What must never happen and did.
    pub fn wrong(&self) -> impl Iterator<Item = &String> {
        let ears = self.ears.iter().flat_map(|ear| &ear.wrong);
        ears.chain(self.eyes.iter().flat_map(|eye| &eye.wrong))
    }
}

/// A wall clock that began at a round time.
fn ntp(since_start: Duration) -> u64 {
    let seconds = 3_900_000_000 + since_start.as_secs();
    (seconds << 32) | ((u64::from(since_start.subsec_nanos()) << 32) / 1_000_000_000)
}
