//! What packets of a compound packet carry in rows: blocks, numbers, requests.

use super::{BLOCK_BYTES, REMB, ReportBlock};

/// The whole words of `bytes`, and what is left.
pub(super) fn words_of(bytes: &[u8]) -> (&[[u8; 4]], &[u8]) {
    bytes.as_chunks()
}

pub(super) fn word(bytes: &[u8; 4]) -> u32 {
    u32::from_be_bytes(*bytes)
}

/// Numbers of 32 bits in a row, such as SSRCs.
#[derive(Debug, Clone)]
pub struct Words<'a> {
    words: std::slice::Iter<'a, [u8; 4]>,
}

impl<'a> Words<'a> {
    pub(super) fn over(bytes: &'a [u8]) -> Self {
        Self {
            words: words_of(bytes).0.iter(),
        }
    }
}

impl Iterator for Words<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        self.words.next().map(word)
    }
}

/// The blocks of a report, 31 at most.
#[derive(Debug, Clone)]
pub struct ReportBlocks<'a> {
    blocks: std::slice::Iter<'a, [u8; BLOCK_BYTES]>,
}

impl<'a> ReportBlocks<'a> {
    pub(super) fn take(bytes: &'a [u8], count: u8) -> Option<Self> {
        let blocks = bytes.as_chunks().0.get(..usize::from(count))?;
        Some(Self {
            blocks: blocks.iter(),
        })
    }
}

impl Iterator for ReportBlocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let block = self.blocks.next()?;
        let ([ssrc, lost, highest, jitter, last, since], []) = words_of(block) else {
            return None;
        };
        let [fraction_lost, ..] = *lost;
        Some(ReportBlock {
            ssrc: word(ssrc),
            fraction_lost,
            // 24 bits with a sign: up to the top, and back with it.
            total_lost: (word(lost) << 8).cast_signed() >> 8,
            highest_sequence: word(highest),
            jitter: word(jitter),
            last_sender_report: word(last),
            since_sender_report: word(since),
        })
    }
}

/// The sequence numbers of a NACK, at most 17 for each four bytes of it.
#[derive(Debug, Clone)]
pub struct LostSequences<'a> {
    pairs: std::slice::Iter<'a, [u8; 4]>,
    after: u16,
    following: u16,
}

impl<'a> LostSequences<'a> {
    pub(super) fn over(pairs: &'a [u8]) -> Self {
        Self {
            pairs: words_of(pairs).0.iter(),
            after: 0,
            following: 0,
        }
    }
}

impl Iterator for LostSequences<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        if self.following == 0 {
            let &[p0, p1, f0, f1] = self.pairs.next()?;
            self.after = u16::from_be_bytes([p0, p1]);
            self.following = u16::from_be_bytes([f0, f1]);
            return Some(self.after);
        }
        // The lowest bit stands for the number after the pair's first.
        let bit = self.following.trailing_zeros();
        self.following &= self.following - 1;
        let ahead = u16::try_from(bit + 1).unwrap_or_default();
        Some(self.after.wrapping_add(ahead))
    }
}

/// The streams of a FIR with the number of each request: the same number again is the same
/// request.
#[derive(Debug, Clone)]
pub struct FullIntraRequests<'a> {
    entries: std::slice::Iter<'a, [u8; 8]>,
}

impl<'a> FullIntraRequests<'a> {
    pub(super) fn over(entries: &'a [u8]) -> Self {
        Self {
            entries: entries.as_chunks().0.iter(),
        }
    }
}

impl Iterator for FullIntraRequests<'_> {
    type Item = (u32, u8);

    fn next(&mut self) -> Option<(u32, u8)> {
        let &[s0, s1, s2, s3, request, ..] = self.entries.next()?;
        Some((u32::from_be_bytes([s0, s1, s2, s3]), request))
    }
}

/// A REMB.
#[derive(Debug, Clone)]
pub struct Bitrate<'a> {
    /// Who says it.
    pub sender_ssrc: u32,
    /// The estimate; the largest number there is if it says more.
    pub bits_per_second: u64,
    /// The streams that it is for.
    pub ssrcs: Words<'a>,
}

impl<'a> Bitrate<'a> {
    pub(super) fn parse(sender_ssrc: u32, control: &'a [u8]) -> Option<Self> {
        let (identifier, rest) = control.split_first_chunk::<4>()?;
        let (&[streams, b0, b1, b2], rest) = rest.split_first_chunk::<4>()?;
        if *identifier != REMB {
            return None;
        }
        let mantissa = u64::from(u32::from_be_bytes([0, b0 & 0x03, b1, b2]));
        let exponent = u32::from(b0 >> 2);
        let overflows = mantissa.leading_zeros() < exponent;
        Some(Self {
            sender_ssrc,
            bits_per_second: if overflows {
                u64::MAX
            } else {
                mantissa << exponent
            },
            ssrcs: Words::over(rest.get(..usize::from(streams) * 4)?),
        })
    }
}
