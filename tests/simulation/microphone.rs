//! A browser's microphone: a frame every 20 ms, with the one before in the same packet (RFC 2198)
//! where that was agreed on. A frame says whose it is and which, so that a receiver knows what it hears.

use std::time::{Duration, Instant};

use crate::{
    camera::Outgoing,
    offer::{Agreed, LEVEL, MICROPHONE, MID, OPUS, RED},
};

/// How long a frame sounds.
pub const FRAME: Duration = Duration::from_millis(20);
/// Its length on the RTP clock.
pub const FRAME_TICKS: u32 = 960;
const FRAME_BYTES: usize = 80;

/// What a frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Said {
    /// The seat of the microphone.
    pub from: u8,
    /// Which of its frames.
    pub number: u32,
}

impl Said {
    fn write(self) -> Vec<u8> {
        // The first byte is Opus' own: a table of contents.
        let mut frame = vec![0x78, self.from];
        frame.extend(self.number.to_be_bytes());
        frame.resize(FRAME_BYTES, 0x33);
        frame
    }

    fn read(frame: &[u8]) -> Self {
        assert_eq!(
            (frame.len(), frame[0]),
            (FRAME_BYTES, 0x78),
            "a frame of sound is whole"
        );
        let number = frame[2..6].try_into().expect("four bytes");
        Self {
            from: frame[1],
            number: u32::from_be_bytes(number),
        }
    }
}

/// The frames in a payload with their distance from the packet's own time, in RTP ticks: the packet's
/// own comes last.
pub fn frames(payload_type: u8, payload: &[u8]) -> Vec<(u32, Said)> {
    if payload_type == OPUS {
        return vec![(0, Said::read(payload))];
    }
    assert_eq!(payload_type, RED, "a payload type that was agreed on");
    let mut headers = Vec::new();
    let mut rest = payload;
    while rest[0] & 0x80 != 0 {
        assert_eq!(rest[0] & 0x7f, OPUS, "Opus in the receiver's numbering");
        let offset = u32::from(rest[1]) << 6 | u32::from(rest[2]) >> 2;
        let length = usize::from(rest[2] & 3) << 8 | usize::from(rest[3]);
        headers.push((offset, length));
        rest = &rest[4..];
    }
    assert_eq!(rest[0], OPUS, "Opus in the receiver's numbering");
    rest = &rest[1..];
    let mut frames = Vec::new();
    for (offset, length) in headers {
        let (frame, after) = rest.split_at(length);
        frames.push((offset, Said::read(frame)));
        rest = after;
    }
    frames.push((0, Said::read(rest)));
    frames
}

/// A microphone that is on.
pub struct Microphone {
    from: u8,
    red: bool,
    mid: bool,
    index: u64,
    clock: u32,
    number: u32,
    next_frame: Instant,
    before: Option<Vec<u8>>,
    known: bool,
    /// Somebody speaks into it.
    pub loud: bool,
    /// When each frame was made, from 0 on.
    pub made: Vec<Instant>,
}

impl Microphone {
    /// Switched on; nobody speaks.
    pub fn new(now: Instant, from: u8, agreed: &Agreed) -> Self {
        Self {
            from,
            red: agreed.formats.first() == Some(&RED),
            mid: agreed.has(MID),
            index: 65_000,
            clock: u32::MAX - 50_000,
            number: 0,
            next_frame: now,
            before: None,
            known: false,
            loud: false,
            made: Vec::new(),
        }
    }

    /// Its stream, as (SSRC, RTP time now).
    pub fn stream(&self) -> (u32, u32) {
        (MICROPHONE, self.clock)
    }

    /// Whether frames carry the one before.
    pub fn is_redundant(&self) -> bool {
        self.red
    }

    /// The server has reported on it.
    pub fn handle_report(&mut self, ssrc: u32) {
        self.known |= ssrc == MICROPHONE;
    }

    /// The packet that is due.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Outgoing> {
        if now < self.next_frame {
            return None;
        }
        self.next_frame += FRAME;
        let frame = Said {
            from: self.from,
            number: self.number,
        }
        .write();
        self.made.push(now);
        self.number += 1;
        let level = if self.loud { 20 } else { 127 };
        let mut extensions = vec![(LEVEL, vec![level])];
        if self.mid && !self.known {
            extensions.push((MID, b"mic".to_vec()));
        }
        let payload = match (&self.before, self.red) {
            (Some(before), true) => {
                // 14 bits of the distance in time, 10 of the length.
                let [_, one, two, three] = (FRAME_TICKS << 10 | before.len() as u32).to_be_bytes();
                let header = [0x80 | OPUS, one, two, three, OPUS];
                [&header, before.as_slice(), &frame].concat()
            }
            (None, true) => [&[OPUS], frame.as_slice()].concat(),
            (_, false) => frame.clone(),
        };
        self.before = Some(frame);
        let packet = Outgoing {
            ssrc: MICROPHONE,
            payload_type: if self.red { RED } else { OPUS },
            index: self.index,
            timestamp: self.clock,
            marker: false,
            extensions,
            payload,
        };
        self.index += 1;
        self.clock = self.clock.wrapping_add(FRAME_TICKS);
        Some(packet)
    }
}
