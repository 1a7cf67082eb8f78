//! The chunks of a transport-wide feedback: what became of each packet, in two bytes for many of
//! them (draft-holmer-rmcat-transport-wide-cc-extensions-01 sections 3.1.1 to 3.1.4).
//!
//! Reads and writes symbols as slices of bytes, without allocating. This module must never know
//! what they say of which packet.

/// A tick of an arrival time, in microseconds.
pub const TICK_US: i64 = 250;

/// Symbols in one run at most, 13 bits.
const RUN_MAX: usize = 0x1FFF;
const VECTOR: u16 = 0x8000;
const TWO_BITS: u16 = 0x4000;
/// Symbols of one bit in a vector, and of two.
const NARROW: usize = 14;
const WIDE: usize = 7;

/// What became of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symbol {
    /// It did not arrive.
    Lost,
    /// It arrived 0 to 255 ticks after the one before it.
    Near,
    /// It arrived −32768 to 32767 ticks after the one before it.
    Far,
    /// It arrived, and when is not told.
    Untimed,
}

impl Symbol {
    fn of_bits(bits: u16) -> Self {
        match bits & 0x3 {
            0 => Self::Lost,
            1 => Self::Near,
            2 => Self::Far,
            _ => Self::Untimed,
        }
    }

    fn bits(self) -> u16 {
        match self {
            Self::Lost => 0,
            Self::Near => 1,
            Self::Far => 2,
            Self::Untimed => 3,
        }
    }
}

/// The symbols that chunks hold, one after the other. It ends where the bytes do; the last chunk
/// may hold more than are meant.
#[derive(Debug, Clone)]
pub struct Symbols<'a> {
    bytes: &'a [u8],
    at: usize,
    chunk: u16,
    /// Symbols of the chunk that are still to be given.
    left: u16,
}

impl<'a> Symbols<'a> {
    /// Over bytes that begin with chunks.
    pub fn over(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            chunk: 0,
            left: 0,
        }
    }

    /// Bytes of the chunks begun so far.
    pub fn consumed(&self) -> usize {
        self.at
    }
}

impl Iterator for Symbols<'_> {
    type Item = Symbol;

    fn next(&mut self) -> Option<Symbol> {
        // A run may be empty, but each round takes two bytes.
        while self.left == 0 {
            let bytes = self.bytes.get(self.at..)?.first_chunk::<2>()?;
            self.at += 2;
            self.chunk = u16::from_be_bytes(*bytes);
            self.left = if self.chunk & VECTOR == 0 {
                self.chunk & 0x1FFF
            } else if self.chunk & TWO_BITS == 0 {
                NARROW as u16
            } else {
                WIDE as u16
            };
        }
        self.left -= 1;
        Some(if self.chunk & VECTOR == 0 {
            Symbol::of_bits(self.chunk >> 13)
        } else if self.chunk & TWO_BITS == 0 {
            Symbol::of_bits(self.chunk >> self.left & 1)
        } else {
            Symbol::of_bits(self.chunk >> (2 * self.left))
        })
    }
}

/// Symbols on their way into chunks: those that may still share one. Vectors and runs are chosen
/// as libwebrtc chooses them (`TransportFeedback::LastChunk`).
#[derive(Debug)]
pub struct Pending {
    first: [Symbol; NARROW],
    count: usize,
    same: bool,
    far: bool,
}

impl Default for Pending {
    fn default() -> Self {
        Self {
            first: [Symbol::Lost; NARROW],
            count: 0,
            same: true,
            far: false,
        }
    }
}

impl Pending {
    /// Adds a symbol, and gives the chunk that it does not fit into any more.
    pub fn push(&mut self, symbol: Symbol) -> Option<[u8; 2]> {
        let full = if self.fits(symbol) {
            None
        } else {
            Some(self.flush_full())
        };
        self.add(symbol);
        full
    }

    /// The last chunk, if symbols are left for one.
    pub fn finish(self) -> Option<[u8; 2]> {
        if self.count == 0 {
            None
        } else if self.same {
            Some(self.run())
        } else if self.count <= WIDE {
            Some(self.wide())
        } else {
            Some(self.narrow())
        }
    }

    fn fits(&self, symbol: Symbol) -> bool {
        let [first, ..] = self.first;
        let wide = symbol == Symbol::Far;
        self.count < WIDE
            || (self.count < NARROW && !self.far && !wide)
            || (self.count < RUN_MAX && self.same && first == symbol)
    }

    fn add(&mut self, symbol: Symbol) {
        if let Some(place) = self.first.get_mut(self.count) {
            *place = symbol;
        }
        let [first, ..] = self.first;
        self.count += 1;
        self.same &= symbol == first;
        self.far |= symbol == Symbol::Far;
    }

    /// Only called with seven symbols or more.
    fn flush_full(&mut self) -> [u8; 2] {
        if self.same {
            let chunk = self.run();
            *self = Self::default();
            return chunk;
        }
        if self.count == NARROW {
            let chunk = self.narrow();
            *self = Self::default();
            return chunk;
        }
        let chunk = self.wide();
        let (first, count) = (self.first, self.count);
        *self = Self::default();
        for symbol in first.iter().take(count).skip(WIDE) {
            self.add(*symbol);
        }
        chunk
    }

    fn run(&self) -> [u8; 2] {
        let [first, ..] = self.first;
        (first.bits() << 13 | self.count.min(RUN_MAX) as u16).to_be_bytes()
    }

    fn narrow(&self) -> [u8; 2] {
        let symbols = self
            .first
            .iter()
            .take(self.count)
            .chain([Symbol::Lost; NARROW].iter());
        let bits = symbols
            .take(NARROW)
            .fold(0, |bits, symbol| bits << 1 | symbol.bits() & 1);
        (VECTOR | bits).to_be_bytes()
    }

    fn wide(&self) -> [u8; 2] {
        let symbols = self
            .first
            .iter()
            .take(self.count)
            .chain([Symbol::Lost; WIDE].iter());
        let bits = symbols
            .take(WIDE)
            .fold(0, |bits, symbol| bits << 2 | symbol.bits());
        (VECTOR | TWO_BITS | bits).to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(symbols: &[Symbol]) -> Vec<u8> {
        let mut pending = Pending::default();
        let mut bytes = Vec::new();
        for symbol in symbols {
            bytes.extend(pending.push(*symbol).into_iter().flatten());
        }
        bytes.extend(pending.finish().into_iter().flatten());
        bytes
    }

    #[test]
    fn the_forms_are_those_of_the_draft() {
        // Section 3.1.3: a run of 221 lost packets; 3.1.4: vectors of one bit and of two.
        assert_eq!(written(&[Symbol::Lost; 221]), [0x00, 0xDD]);
        let bits = |text: &str| -> Vec<Symbol> {
            text.bytes()
                .map(|bit| Symbol::of_bits(u16::from(bit - b'0')))
                .collect()
        };
        assert_eq!(written(&bits("01111100011100")), [0x9F, 0x1C]);
        assert_eq!(written(&bits("0211100")), [0xC9, 0x50]);
        assert_eq!(written(&bits("1")), [0x20, 0x01]);
        assert_eq!(written(&[]), [0_u8; 0]);
    }

    #[test]
    fn a_run_longer_than_its_field_goes_on_in_another() {
        let bytes = written(&[Symbol::Near; RUN_MAX + 2]);
        assert_eq!(bytes, [0x3F, 0xFF, 0x20, 0x02]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(runs in proptest::collection::vec((0_u16..3, 1_usize..20), 0..40)) {
            let symbols: Vec<Symbol> = runs
                .iter()
                .flat_map(|(bits, times)| vec![Symbol::of_bits(*bits); *times])
                .collect();
            let bytes = written(&symbols);
            let read: Vec<Symbol> = Symbols::over(&bytes).take(symbols.len()).collect();
            prop_assert_eq!(read, symbols);
        }
    }
}
