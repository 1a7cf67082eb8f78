//! A browser's eye for one slot of pictures: puts packets in order, asks again for what is missing,
//! decodes frames in order, asks for a key frame where it cannot go on, and records what it saw when.
//!
//! It reads the numbers of the VP8 descriptor by itself, and holds what it decodes against what the
//! frames say of themselves.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::camera::Label;

/// Time between two requests for the same packet, as libwebrtc's where it knows no round trip.
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// Requests for one packet at most, as libwebrtc's.
const ASKS_MAX: u8 = 10;
/// Packets awaited at most; past it the eye begins anew with a key frame.
const MISSING_MAX: usize = 1000;
/// Without a first key frame, and without any frame that can be decoded, one is asked for after so
/// long, as libwebrtc does.
const FIRST_KEY_FRAME: Duration = Duration::from_millis(200);
const STUCK: Duration = Duration::from_secs(3);
/// A frame that others do not need is not awaited for longer.
const DISPENSABLE: Duration = Duration::from_millis(100);

/// A frame that was decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// When.
    pub at: Instant,
    /// Which.
    pub label: Label,
    /// Width and height in pixels.
    pub size: (u16, u16),
}

/// What the eye has to say to the server.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// These again; in rising order.
    pub lost: Vec<u16>,
    /// A key frame.
    pub key_frame: bool,
}

#[derive(Debug, Clone)]
struct Part {
    timestamp: u32,
    marker: bool,
    descriptor: Descriptor,
    key: Option<(u16, u16)>,
    label: Label,
}

#[derive(Debug, Clone, Copy)]
struct Missing {
    ask_at: Instant,
    asks: u8,
}

/// The numbers of the last decoded frame.
#[derive(Debug, Clone, Copy)]
struct Last {
    timestamp: u32,
    descriptor: Descriptor,
    label: Label,
    base: u32,
    size: (u16, u16),
}

/// The eye.
#[derive(Default)]
pub struct Eye {
    /// `None` is a packet without a payload.
    packets: BTreeMap<u64, Option<Part>>,
    highest: Option<u64>,
    /// The packet that the next frame begins with.
    next: Option<u64>,
    missing: BTreeMap<u64, Missing>,
    last: Option<Last>,
    /// Since when there are packets but no frame can be decoded.
    stuck_since: Option<Instant>,
    key_frame_asked: Option<Instant>,
    /// What was decoded.
    pub seen: Vec<Seen>,
    /// Key frames asked for.
    pub key_frames_asked: usize,
    /// What must never happen.
    pub wrong: Vec<String>,
}

impl Eye {
    /// A packet of the stream has come, for the first time or as a retransmission.
    pub fn handle(
        &mut self,
        now: Instant,
        sequence: u16,
        timestamp: u32,
        marker: bool,
        payload: &[u8],
    ) {
        let index = match self.highest {
            None => u64::from(sequence) | 1 << 20,
            Some(highest) => {
                let ahead = sequence.wrapping_sub(highest as u16).cast_signed();
                highest.wrapping_add_signed(ahead.into())
            }
        };
        match self.highest {
            Some(highest) if index > highest => self.note_missing(now, highest + 1..index),
            _ => {}
        }
        self.highest = Some(self.highest.map_or(index, |highest| highest.max(index)));
        self.missing.remove(&index);
        if self.next.is_some_and(|next| index < next) || self.packets.contains_key(&index) {
            return;
        }
        let part = (!payload.is_empty()).then(|| {
            let descriptor = Descriptor::read(payload);
            let mut body = &payload[descriptor.bytes..];
            let mut key = None;
            if descriptor.first {
                if body[0] & 1 == 0 {
                    assert_eq!(body[3..6], [0x9d, 1, 0x2a], "a key frame's start code");
                    let side = |at: usize| u16::from_le_bytes([body[at], body[at + 1]]);
                    key = Some((side(6), side(8)));
                    body = &body[10..];
                } else {
                    body = &body[3..];
                }
            }
            Part {
                timestamp,
                marker,
                descriptor,
                key,
                label: Label::read(body),
            }
        });
        self.packets.insert(index, part);
        self.stuck_since.get_or_insert(now);
        self.decode(now);
    }

    fn note_missing(&mut self, now: Instant, indices: std::ops::Range<u64>) {
        for index in indices {
            self.missing.insert(
                index,
                Missing {
                    ask_at: now,
                    asks: 0,
                },
            );
        }
        if self.missing.len() > MISSING_MAX {
            self.missing.clear();
            self.packets.clear();
            self.next = None;
        }
    }

    /// Time has passed: what to ask for.
    pub fn handle_timeout(&mut self, now: Instant) -> Wishes {
        self.decode(now);
        let mut wishes = Wishes::default();
        self.missing.retain(|index, missing| {
            if missing.ask_at > now {
                return true;
            }
            if missing.asks >= ASKS_MAX {
                return false;
            }
            missing.asks += 1;
            missing.ask_at = now + ASK_AGAIN;
            wishes.lost.push(*index as u16);
            true
        });
        let patience = if self.next.is_none() {
            FIRST_KEY_FRAME
        } else {
            STUCK
        };
        let due = |since: Option<Instant>| since.is_some_and(|since| now - since >= patience);
        if due(self.stuck_since) && (self.key_frame_asked.is_none() || due(self.key_frame_asked)) {
            self.key_frame_asked = Some(now);
            self.key_frames_asked += 1;
            wishes.key_frame = true;
        }
        wishes
    }

    fn decode(&mut self, now: Instant) {
        while let Some((start, end)) = self.decodable(now) {
            self.show(now, start, end);
            self.next = Some(end + 1);
            self.packets = self.packets.split_off(&(end + 1));
            self.missing = self.missing.split_off(&(end + 1));
            self.stuck_since = (!self.packets.is_empty()).then_some(now);
            self.key_frame_asked = None;
        }
    }

    /// The frame to decode now: the next; or else a later key frame, or one that needs nothing of
    /// what is missing, when that has been missing for long.
    fn decodable(&mut self, now: Instant) -> Option<(u64, u64)> {
        while let Some(next) = self.next
            && matches!(self.packets.get(&next), Some(None))
        {
            self.packets.remove(&next);
            self.next = Some(next + 1);
        }
        if let Some(next) = self.next
            && let Some(end) = self.whole(next)
        {
            return Some((next, end));
        }
        let starts = |part: &Option<Part>| part.as_ref().is_some_and(|part| part.descriptor.first);
        let later = self.packets.iter().filter(|(_, part)| starts(part));
        let tired = self
            .stuck_since
            .is_some_and(|since| now - since >= DISPENSABLE);
        for (start, part) in later {
            let Some(part) = part else { continue };
            let goes_on = self.last.is_some_and(|last| {
                self.next.is_some()
                    && part.descriptor.upper == Some(false)
                    && part.descriptor.tl0 == last.descriptor.tl0.map(|tl0| tl0.wrapping_add(1))
            });
            if (part.key.is_some() || goes_on && tired)
                && let Some(end) = self.whole(*start)
            {
                return Some((*start, end));
            }
        }
        None
    }

    /// The last packet of the frame that begins here, if all are there.
    fn whole(&self, start: u64) -> Option<u64> {
        let first = self.packets.get(&start)?.as_ref()?;
        if !first.descriptor.first {
            return None;
        }
        for index in start.. {
            let part = self.packets.get(&index)?.as_ref()?;
            if part.timestamp != first.timestamp || index != start && part.descriptor.first {
                return None;
            }
            if part.marker {
                return Some(index);
            }
        }
        None
    }

    fn show(&mut self, now: Instant, start: u64, end: u64) {
        let parts: Vec<&Part> = self
            .packets
            .range(start..=end)
            .filter_map(|(_, part)| part.as_ref())
            .collect();
        let first = parts[0];
        let (label, descriptor) = (first.label, first.descriptor);
        let mut wrong = Vec::new();
        for (place, part) in parts.iter().enumerate() {
            let expected = Label {
                part: place as u16,
                parts: parts.len() as u16,
                ..label
            };
            if part.label != expected || part.descriptor.picture_id != descriptor.picture_id {
                wrong.push(format!("{:?} in the place of {expected:?}", part.label));
            }
        }
        let skipped = self.next != Some(start);
        if let Some(last) = self.last {
            if first.timestamp.wrapping_sub(last.timestamp).cast_signed() <= 0 {
                wrong.push("its time is before the last".to_owned());
            }
            if let (Some(id), Some(before)) = (descriptor.picture_id, last.descriptor.picture_id) {
                let ahead = id.wrapping_sub(before) & 0x7fff;
                if ahead == 0 || ahead >= 0x4000 {
                    wrong.push(format!("picture {id} after {before}"));
                }
            }
            if let (Some(tl0), Some(before)) = (descriptor.tl0, last.descriptor.tl0)
                && !skipped
            {
                let step = u8::from(descriptor.upper == Some(false));
                if tl0 != before.wrapping_add(step) {
                    wrong.push(format!("TL0PICIDX {tl0} after {before}, {descriptor:?}"));
                }
            }
        }
        let size = match (first.key, self.last) {
            (Some(size), _) => size,
            (None, Some(last)) => {
                let same = (last.label.from, last.label.layer) == (label.from, label.layer);
                if !same || last.base != label.needs {
                    wrong.push(format!(
                        "{label:?} needs what was not decoded; base {}",
                        last.base
                    ));
                }
                last.size
            }
            (None, None) => {
                wrong.push("the first frame is no key frame".to_owned());
                (0, 0)
            }
        };
        let upper = descriptor.upper == Some(true);
        let base = match self.last {
            Some(last) if upper => last.base,
            _ => label.number,
        };
        self.last = Some(Last {
            timestamp: first.timestamp,
            descriptor,
            label,
            base,
            size,
        });
        self.seen.push(Seen {
            at: now,
            label,
            size,
        });
        let what = format!("frame {label:?}: ");
        self.wrong
            .extend(wrong.into_iter().map(|wrong| what.clone() + &wrong));
    }

    /// Frames decoded between these times.
    pub fn between(&self, from: Instant, to: Instant) -> impl Iterator<Item = &Seen> {
        self.seen
            .iter()
            .filter(move |seen| (from..to).contains(&seen.at))
    }

    /// The longest time between `from` and `to` without a new frame.
    pub fn longest_stall(&self, from: Instant, to: Instant) -> Duration {
        let mut since = from;
        let mut longest = Duration::ZERO;
        for seen in self.between(from, to) {
            longest = longest.max(seen.at - since);
            since = seen.at;
        }
        longest.max(to - since)
    }
}

/// The VP8 payload descriptor as RFC 7741 section 4.2 draws it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Descriptor {
    /// S, of partition 0.
    first: bool,
    picture_id: Option<u16>,
    tl0: Option<u8>,
    /// Above the lowest temporal layer.
    upper: Option<bool>,
    bytes: usize,
}

impl Descriptor {
    fn read(payload: &[u8]) -> Self {
        let mut rest = payload.iter().copied();
        let mut next = || rest.next().expect("a whole descriptor");
        let flags = next();
        let extended = if flags & 0x80 != 0 { next() } else { 0 };
        let mut bytes = 1 + usize::from(flags >> 7);
        let picture_id = (extended & 0x80 != 0).then(|| {
            bytes += 1;
            let high = next();
            if high & 0x80 == 0 {
                return u16::from(high);
            }
            bytes += 1;
            u16::from_be_bytes([high & 0x7f, next()])
        });
        let tl0 = (extended & 0x40 != 0).then(|| {
            bytes += 1;
            next()
        });
        let layer = (extended & 0x30 != 0).then(|| {
            bytes += 1;
            next()
        });
        Self {
            first: flags & 0x17 == 0x10,
            picture_id,
            tl0,
            upper: layer
                .filter(|_| extended & 0x20 != 0)
                .map(|layer| layer >> 6 != 0),
            bytes,
        }
    }
}
