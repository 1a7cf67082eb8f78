//! One transport-wide feedback packet: how many arrivals fit into it, and its bytes
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1).
//!
//! This module must never know when feedback is due.

use super::chunks::{Pending, Symbol};

/// Packets remembered. A gap larger than this is not told of: the count begins anew behind it.
pub const REMEMBERED: usize = 1024;

/// Header, SSRCs and what stands before the chunks.
const FIXED_BYTES: usize = 20;
/// What one status adds at most, with its share of chunks not yet written: a large delta, the
/// chunk that it pushes out, the chunk after, padding.
const STATUS_BYTES_MAX: usize = 2 + 2 + 2 + 3;
/// Ticks in a unit of the reference time, 64 ms.
const REFERENCE_TICKS: u64 = 256;

const TRANSPORT_FEEDBACK: u8 = 205;
const TRANSPORT_WIDE: u8 = 15;
const PADDED: u8 = 0x20;

/// When each of the last packets arrived, by whole sequence number: in ticks of 250 µs since one
/// before an epoch, 0 for what has not arrived.
#[derive(Debug)]
pub struct Ticks(Box<[u64; REMEMBERED]>);

impl Ticks {
    /// Nothing has arrived.
    pub fn new() -> Self {
        Self(Box::new([0; REMEMBERED]))
    }

    /// Nothing has arrived any more.
    pub fn clear(&mut self) {
        self.0.fill(0);
    }

    /// When a packet arrived.
    pub fn get(&self, whole: u64) -> u64 {
        self.0.get(place(whole)).copied().unwrap_or(0)
    }

    /// Notes when a packet arrived, or with 0 that it has not.
    pub fn put(&mut self, whole: u64, tick: u64) {
        if let Some(stored) = self.0.get_mut(place(whole)) {
            *stored = tick;
        }
    }
}

fn place(whole: u64) -> usize {
    // A power of two: the mask keeps the place inside.
    whole as usize & (REMEMBERED - 1)
}

/// The packets that one feedback tells of.
pub struct Span {
    from: u64,
    /// One past the last.
    pub end: u64,
    /// In units of 64 ms.
    reference: u64,
    chunk_bytes: usize,
    delta_bytes: usize,
}

impl Span {
    /// As many of the packets as the room and the range of a delta allow. `None` if none is.
    pub fn fitting(ticks: &Ticks, from: u64, end: u64, room: usize) -> Option<Self> {
        let first = (from..end)
            .map(|whole| ticks.get(whole))
            .find(|tick| *tick != 0)?;
        let mut span = Self {
            from,
            end: from,
            reference: first / REFERENCE_TICKS,
            chunk_bytes: 0,
            delta_bytes: 0,
        };
        // The length field counts words in 16 bits, far above what `REMEMBERED` packets need.
        let mut steps = Steps::after(span.reference);
        let mut pending = Pending::default();
        for whole in from..end {
            let used = FIXED_BYTES + span.chunk_bytes + span.delta_bytes;
            if used + STATUS_BYTES_MAX > room {
                break;
            }
            let Some(step) = steps.next(ticks.get(whole)) else {
                break;
            };
            if pending.push(step.symbol()).is_some() {
                span.chunk_bytes += 2;
            }
            span.delta_bytes += step.bytes();
            span.end = whole + 1;
        }
        if pending.finish().is_some() {
            span.chunk_bytes += 2;
        }
        (span.end > from).then_some(span)
    }

    /// How many it tells of.
    pub fn count(&self) -> u16 {
        // At most `REMEMBERED`.
        u16::try_from(self.end - self.from).unwrap_or(u16::MAX)
    }

    /// Writes it to the front of `out`: its length in bytes. `None` if there is no room.
    pub fn write(
        &self,
        ticks: &Ticks,
        out: &mut [u8],
        ssrcs: [u32; 2],
        number: u8,
    ) -> Option<usize> {
        let used = FIXED_BYTES + self.chunk_bytes + self.delta_bytes;
        let bytes = used.next_multiple_of(4);
        let out = out.get_mut(..bytes)?;
        let padding = bytes - used;
        let words = u16::try_from(bytes / 4 - 1).ok()?;
        let flags = 0x80 | TRANSPORT_WIDE | if padding == 0 { 0 } else { PADDED };
        let [sender_ssrc, media_ssrc] = ssrcs;
        let mut rest = Rest(out);
        rest.put([flags, TRANSPORT_FEEDBACK])?;
        rest.put(words.to_be_bytes())?;
        rest.put(sender_ssrc.to_be_bytes())?;
        rest.put(media_ssrc.to_be_bytes())?;
        rest.put((self.from as u16).to_be_bytes())?;
        rest.put(self.count().to_be_bytes())?;
        let [.., r0, r1, r2] = self.reference.to_be_bytes();
        rest.put([r0, r1, r2, number])?;

        let (chunks, rest) = rest.0.split_at_mut_checked(self.chunk_bytes)?;
        let mut chunks = Rest(chunks);
        let mut rest = Rest(rest);
        let mut steps = Steps::after(self.reference);
        let mut pending = Pending::default();
        for whole in self.from..self.end {
            let step = steps.next(ticks.get(whole))?;
            if let Some(chunk) = pending.push(step.symbol()) {
                chunks.put(chunk)?;
            }
            match step {
                Step::Lost => {}
                Step::Near(delta) => rest.put([delta])?,
                Step::Far(delta) => rest.put(delta.to_be_bytes())?,
            }
        }
        if let Some(chunk) = pending.finish() {
            chunks.put(chunk)?;
        }
        for left in (1..=padding).rev() {
            // Zeros, and how many bytes of padding there are in the last.
            rest.put([if left == 1 { padding as u8 } else { 0 }])?;
        }
        Some(bytes)
    }
}

/// What is still to be written.
struct Rest<'a>(&'a mut [u8]);

impl Rest<'_> {
    fn put<const N: usize>(&mut self, bytes: [u8; N]) -> Option<()> {
        let (front, rest) = std::mem::take(&mut self.0).split_first_chunk_mut::<N>()?;
        *front = bytes;
        self.0 = rest;
        Some(())
    }
}

/// One packet's arrival, as it is told.
#[derive(Clone, Copy)]
enum Step {
    Lost,
    Near(u8),
    Far(i16),
}

impl Step {
    fn symbol(self) -> Symbol {
        match self {
            Self::Lost => Symbol::Lost,
            Self::Near(_) => Symbol::Near,
            Self::Far(_) => Symbol::Far,
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::Lost => 0,
            Self::Near(_) => 1,
            Self::Far(_) => 2,
        }
    }
}

/// From arrival to arrival.
struct Steps {
    last: u64,
}

impl Steps {
    fn after(reference: u64) -> Self {
        Self {
            last: reference * REFERENCE_TICKS,
        }
    }

    /// `None` if the arrival is further away than a delta can say.
    fn next(&mut self, tick: u64) -> Option<Step> {
        if tick == 0 {
            return Some(Step::Lost);
        }
        let delta = tick.cast_signed().wrapping_sub(self.last.cast_signed());
        let step = match u8::try_from(delta) {
            Ok(near) => Step::Near(near),
            Err(_) => Step::Far(i16::try_from(delta).ok()?),
        };
        self.last = tick;
        Some(step)
    }
}
