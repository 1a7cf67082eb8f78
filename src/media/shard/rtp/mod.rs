//! RTP as bytes in a buffer: reading a header without copying it, writing one, and counting on
//! beyond 16 bits (RFC 3550, RFC 8285, RFC 6464).
//!
//! Everything here takes a slice and answers or declines; nothing panics, whatever the bytes are,
//! and nothing allocates. This module must never know who sent a packet, what its payload holds
//! or where it goes.

#![forbid(unsafe_code)]

mod sequence;
mod write;

use std::ops::Range;

pub use sequence::{Unwrapped16, nearest};
pub use write::{HeaderFields, ONE_BYTE_ELEMENT_BYTES_MAX, write_header};

/// The header without contributing sources and extensions, in bytes.
pub const FIXED_HEADER_BYTES: usize = 12;

const VERSION: u8 = 2;
const ONE_BYTE_FORM: u16 = 0xBEDE;
const TWO_BYTE_FORM: u16 = 0x1000;
const TWO_BYTE_FORM_MASK: u16 = 0xFFF0;

/// Why bytes are not an RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It ends before its header does.
    #[error("shorter than its own header")]
    Truncated,
    /// Not version 2.
    #[error("not RTP version 2")]
    Version,
    /// It says that it is padded, and the count is zero or more than there is.
    #[error("padding that cannot be")]
    Padding,
}

/// A parsed header: the fields, and where the rest lies in the packet it was parsed from.
///
/// Methods that take `packet` want that same packet, ciphertext or plaintext; another one gives
/// wrong answers or none, never a panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The marker bit.
    pub marker: bool,
    /// 7 bits.
    pub payload_type: u8,
    /// The low 16 bits of the packet's index.
    pub sequence: u16,
    /// In units of the payload type's clock.
    pub timestamp: u32,
    /// The sending stream.
    pub ssrc: u32,
    /// Whether the payload ends with padding, whose length is known only once it is plaintext.
    pub padded: bool,
    csrc_count: u8,
    extension: Option<ExtensionBlock>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ExtensionBlock {
    form: u16,
    words: u16,
}

impl Header {
    /// Reads the header at the front of `packet`. Does not look at the payload, which may still
    /// be encrypted.
    pub fn parse(packet: &[u8]) -> Result<Self, Malformed> {
        let (fixed, rest) = packet
            .split_first_chunk::<FIXED_HEADER_BYTES>()
            .ok_or(Malformed::Truncated)?;
        let [b0, b1, s0, s1, t0, t1, t2, t3, r0, r1, r2, r3] = *fixed;
        if b0 >> 6 != VERSION {
            return Err(Malformed::Version);
        }
        let csrc_count = b0 & 0x0F;
        let after_csrcs = rest
            .get(usize::from(csrc_count) * 4..)
            .ok_or(Malformed::Truncated)?;
        let extension = if b0 & 0x10 == 0 {
            None
        } else {
            let (&[f0, f1, w0, w1], elements) = after_csrcs
                .split_first_chunk::<4>()
                .ok_or(Malformed::Truncated)?;
            let words = u16::from_be_bytes([w0, w1]);
            if elements.len() < usize::from(words) * 4 {
                return Err(Malformed::Truncated);
            }
            let form = u16::from_be_bytes([f0, f1]);
            Some(ExtensionBlock { form, words })
        };
        Ok(Self {
            marker: b1 & 0x80 != 0,
            payload_type: b1 & 0x7F,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([r0, r1, r2, r3]),
            padded: b0 & 0x20 != 0,
            csrc_count,
            extension,
        })
    }

    /// Where the payload starts, in bytes from the packet's first.
    pub fn header_bytes(&self) -> usize {
        let extension_bytes = match self.extension {
            Some(block) => 4 + usize::from(block.words) * 4,
            None => 0,
        };
        self.after_csrcs() + extension_bytes
    }

    fn after_csrcs(&self) -> usize {
        FIXED_HEADER_BYTES + usize::from(self.csrc_count) * 4
    }

    /// Where the payload lies in a plaintext packet, without its padding; empty for a packet of
    /// nothing but padding, such as a bandwidth probe.
    pub fn payload_range(&self, packet: &[u8]) -> Result<Range<usize>, Malformed> {
        let start = self.header_bytes();
        let body = packet.get(start..).ok_or(Malformed::Truncated)?;
        let padding_bytes = match (self.padded, body.last()) {
            (false, _) => 0,
            (true, Some(&count)) if count != 0 && usize::from(count) <= body.len() => {
                usize::from(count)
            }
            (true, _) => return Err(Malformed::Padding),
        };
        Ok(start..packet.len() - padding_bytes)
    }

    /// The payload of a plaintext packet, without its padding.
    pub fn payload<'a>(&self, packet: &'a [u8]) -> Result<&'a [u8], Malformed> {
        let range = self.payload_range(packet)?;
        packet.get(range).ok_or(Malformed::Truncated)
    }

    /// The contributing sources.
    pub fn csrcs<'a>(&self, packet: &'a [u8]) -> impl Iterator<Item = u32> + use<'a> {
        let (words, _) = packet
            .get(FIXED_HEADER_BYTES..self.after_csrcs())
            .unwrap_or(&[])
            .as_chunks::<4>();
        words.iter().map(|word| u32::from_be_bytes(*word))
    }

    /// The extension elements, in either form of RFC 8285. A block in another form has none.
    pub fn extensions<'a>(&self, packet: &'a [u8]) -> Extensions<'a> {
        let none = Extensions {
            rest: &[],
            two_byte: false,
        };
        let Some(block) = self.extension else {
            return none;
        };
        let two_byte = match block.form {
            ONE_BYTE_FORM => false,
            form if form & TWO_BYTE_FORM_MASK == TWO_BYTE_FORM => true,
            _ => return none,
        };
        let start = self.after_csrcs() + 4;
        match packet.get(start..self.header_bytes()) {
            Some(rest) => Extensions { rest, two_byte },
            None => none,
        }
    }

    /// The first extension element with this id.
    pub fn extension<'a>(&self, packet: &'a [u8], id: u8) -> Option<&'a [u8]> {
        self.extensions(packet)
            .find_map(|(found, element)| (found == id).then_some(element))
    }
}

/// Extension elements as (id, bytes). An element that runs past the block's end, or an id that
/// RFC 8285 reserves, ends the iteration; what came before stands.
#[derive(Debug, Clone)]
pub struct Extensions<'a> {
    rest: &'a [u8],
    two_byte: bool,
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        // One round for each byte of padding, so never more than the block has bytes.
        loop {
            let (&first, after) = self.rest.split_first()?;
            if first == 0 {
                self.rest = after;
                continue;
            }
            let (id, length, after) = if self.two_byte {
                let (&length, after) = after.split_first()?;
                (first, usize::from(length), after)
            } else {
                (first >> 4, usize::from(first & 0x0F) + 1, after)
            };
            let reserved = !self.two_byte && (id == 0 || id == 15);
            let Some((element, rest)) = after.split_at_checked(length).filter(|_| !reserved) else {
                self.rest = &[];
                return None;
            };
            self.rest = rest;
            return Some((id, element));
        }
    }
}

/// What a client says of its microphone's loudness in a packet (RFC 6464).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioLevel {
    /// The sender takes it for speech. Clients that cannot tell always say yes or always no.
    pub voice: bool,
    /// In −dBov: 0 is the loudest, 127 is silence.
    pub level: u8,
}

impl AudioLevel {
    /// Reads the extension's element.
    pub fn parse(element: &[u8]) -> Option<Self> {
        let &byte = element.first()?;
        Some(Self {
            voice: byte & 0x80 != 0,
            level: byte & 0x7F,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rtc::shared::marshal::Unmarshal;

    fn packet(first: u8, rest: &[u8]) -> Vec<u8> {
        let mut packet = vec![first, 0xE0, 0x12, 0x34, 0, 0, 1, 0, 0xDE, 0xAD, 0xBE, 0xEF];
        packet.extend_from_slice(rest);
        packet
    }

    #[test]
    fn reads_every_field() {
        let bytes = packet(0x80, b"hello");
        let header = Header::parse(&bytes).unwrap();
        assert!(header.marker);
        assert_eq!(header.payload_type, 0x60);
        assert_eq!(header.sequence, 0x1234);
        assert_eq!(header.timestamp, 256);
        assert_eq!(header.ssrc, 0xDEAD_BEEF);
        assert_eq!(header.header_bytes(), 12);
        assert_eq!(header.payload(&bytes), Ok(&b"hello"[..]));
        assert_eq!(header.extensions(&bytes).count(), 0);
    }

    #[test]
    fn contributing_sources_and_extensions_come_before_the_payload() {
        let bytes = packet(
            0x92,
            &[
                0, 0, 0, 7, 0, 0, 0, 8, 0xBE, 0xDE, 0, 2, 0x10, 0xAA, 0, 0x21, 0xBB, 0xCC, 0, 0, 9,
            ],
        );
        let header = Header::parse(&bytes).unwrap();
        assert_eq!(header.csrcs(&bytes).collect::<Vec<_>>(), [7, 8]);
        let elements: Vec<_> = header.extensions(&bytes).collect();
        assert_eq!(elements, [(1, &[0xAA][..]), (2, &[0xBB, 0xCC][..])]);
        assert_eq!(header.extension(&bytes, 2), Some(&[0xBB, 0xCC][..]));
        assert_eq!(header.extension(&bytes, 3), None);
        assert_eq!(header.payload(&bytes), Ok(&[9][..]));
    }

    #[test]
    fn the_two_byte_form_allows_empty_and_long_elements() {
        let bytes = packet(0x90, &[0x10, 0x05, 0, 2, 15, 0, 0, 200, 3, 1, 2, 3]);
        let header = Header::parse(&bytes).unwrap();
        let elements: Vec<_> = header.extensions(&bytes).collect();
        assert_eq!(elements, [(15, &[][..]), (200, &[1, 2, 3][..])]);
    }

    #[test]
    fn a_broken_element_ends_the_block_and_keeps_what_came_before() {
        for broken in [
            [0x10, 0xAA, 0x2F, 0, 0x30, 1, 0, 0], // past the end
            [0x10, 0xAA, 0xF0, 0, 0x30, 1, 0, 0], // the reserved id 15
            [0x10, 0xAA, 0x01, 0, 0, 0x30, 1, 0], // id 0 with a length
        ] {
            let mut rest = vec![0xBE, 0xDE, 0, 2];
            rest.extend_from_slice(&broken);
            let bytes = packet(0x90, &rest);
            let header = Header::parse(&bytes).unwrap();
            let elements: Vec<_> = header.extensions(&bytes).collect();
            assert_eq!(elements, [(1, &[0xAA][..])], "{broken:x?}");
        }
    }

    #[test]
    fn refuses_what_is_cut_short_or_of_another_version() {
        assert_eq!(Header::parse(&[]), Err(Malformed::Truncated));
        assert_eq!(
            Header::parse(&packet(0x80, &[])[..11]),
            Err(Malformed::Truncated)
        );
        assert_eq!(Header::parse(&packet(0x40, &[])), Err(Malformed::Version));
        assert_eq!(
            Header::parse(&packet(0x81, &[0; 3])),
            Err(Malformed::Truncated)
        );
        assert_eq!(
            Header::parse(&packet(0x90, &[0; 3])),
            Err(Malformed::Truncated)
        );
        let short_block = packet(0x90, &[0xBE, 0xDE, 0, 2, 0, 0, 0, 0]);
        assert_eq!(Header::parse(&short_block), Err(Malformed::Truncated));
    }

    #[test]
    fn padding_of_zero_or_more_than_there_is_is_refused() {
        let payload = |rest: &[u8]| {
            let bytes = packet(0xA0, rest);
            let range = Header::parse(&bytes).unwrap().payload_range(&bytes);
            range.map(|range| range.len())
        };
        assert_eq!(payload(&[1, 2, 0, 2]), Ok(2));
        assert_eq!(payload(&[0, 0, 0, 4]), Ok(0));
        assert_eq!(payload(&[1, 2, 0, 0]), Err(Malformed::Padding));
        assert_eq!(payload(&[1, 2, 0, 5]), Err(Malformed::Padding));
        assert_eq!(payload(&[255]), Err(Malformed::Padding));
        assert_eq!(payload(&[]), Err(Malformed::Padding));
    }

    #[test]
    fn audio_level_is_a_bit_and_seven() {
        let loud = AudioLevel::parse(&[0x80]).unwrap();
        assert!(loud.voice && loud.level == 0);
        let silent = AudioLevel::parse(&[0x7F]).unwrap();
        assert!(!silent.voice && silent.level == 127);
        assert_eq!(AudioLevel::parse(&[]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_declined(bytes in proptest::collection::vec(any::<u8>(), 0..200), other in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(header) = Header::parse(&bytes) {
                prop_assert!(header.header_bytes() <= bytes.len());
                for packet in [&bytes, &other] {
                    let elements: usize = header.extensions(packet).map(|(_, element)| element.len()).sum();
                    prop_assert!(elements <= packet.len());
                    prop_assert!(header.csrcs(packet).count() <= 15);
                    if let Ok(payload) = header.payload(packet) {
                        prop_assert!(payload.len() <= packet.len());
                    }
                }
            }
        }

        #[test]
        fn agrees_with_the_reference(mut bytes in proptest::collection::vec(any::<u8>(), 12..80), csrcs in 0_u8..3) {
            bytes[0] = 0x80 | csrcs;
            let header = Header::parse(&bytes);
            let theirs = rtc::rtp::Header::unmarshal(&mut bytes.as_slice());
            prop_assert_eq!(header.is_ok(), theirs.is_ok());
            if let (Ok(header), Ok(theirs)) = (header, theirs) {
                prop_assert_eq!(header.sequence, theirs.sequence_number);
                prop_assert_eq!(header.ssrc, theirs.ssrc);
                prop_assert_eq!(header.csrcs(&bytes).collect::<Vec<_>>(), theirs.csrc);
            }
        }

    }
}
