//! Transport-wide feedback as a peer sends it: which packets arrived, and when
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01, RTCP 205 with format 15).
//!
//! Works on the packet as a slice and never panics, whatever it holds: a packet is read whole or
//! declined. This module must never know what was sent.

use super::chunks::{self, Symbol};

/// Packets that one feedback may speak of; one with more is declined. It is twice what is
/// remembered as sent, and bounds what 24 bytes from a peer can make us do.
const STATUSES_MAX: u16 = 4096;

const FIXED_BYTES: usize = 20;
const PADDED: u8 = 0x20;

/// Ticks of 250 µs in the unit of the reference time, 64 ms.
const TICKS_PER_REFERENCE: i64 = 256;

/// One feedback packet.
#[derive(Debug, Clone, Copy)]
pub struct Feedback<'a> {
    /// The first packet that it speaks of.
    pub base: u16,
    /// How many it speaks of.
    pub count: u16,
    /// The time that its arrivals are counted from, in units of 64 ms, 24 bits that wrap.
    pub reference: u32,
    /// Counts the feedback packets, so that a lost one shows.
    pub number: u8,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

impl<'a> Feedback<'a> {
    /// Reads a whole RTCP packet, header and padding included.
    pub fn parse(packet: &'a [u8]) -> Option<Self> {
        let (fixed, rest) = packet.split_first_chunk::<FIXED_BYTES>()?;
        let [flags, _, _, _, _, _, _, _, _, _, _, _, rest_of_fixed @ ..] = fixed;
        let [b0, b1, c0, c1, r0, r1, r2, number] = *rest_of_fixed;
        let padding = if flags & PADDED == 0 {
            0
        } else {
            usize::from(*packet.last()?)
        };
        let rest = rest.get(..rest.len().checked_sub(padding)?)?;
        let count = u16::from_be_bytes([c0, c1]);
        if count > STATUSES_MAX {
            return None;
        }
        // The times stand behind the chunks, so these are gone through twice.
        let mut symbols = chunks::Symbols::over(rest);
        let mut delta_bytes = 0;
        for _ in 0..count {
            delta_bytes += match symbols.next()? {
                Symbol::Lost | Symbol::Untimed => 0,
                Symbol::Near => 1,
                Symbol::Far => 2,
            };
        }
        let (chunks, deltas) = rest.split_at_checked(symbols.consumed())?;
        Some(Self {
            base: u16::from_be_bytes([b0, b1]),
            count,
            reference: u32::from_be_bytes([0, r0, r1, r2]),
            number,
            chunks,
            deltas: deltas.get(..delta_bytes)?,
        })
    }

    /// Each packet that it speaks of, in order, and when it arrived, in ticks of 250 µs after the
    /// reference time; `None` for one that did not arrive. Those that arrived at a time that is
    /// not told are passed over.
    pub fn statuses(&self) -> Statuses<'a> {
        Statuses {
            sequence: self.base,
            left: self.count,
            ticks: 0,
            symbols: chunks::Symbols::over(self.chunks),
            deltas: self.deltas,
        }
    }
}

/// See [`Feedback::statuses`].
#[derive(Debug, Clone)]
pub struct Statuses<'a> {
    sequence: u16,
    left: u16,
    ticks: i64,
    symbols: chunks::Symbols<'a>,
    deltas: &'a [u8],
}

impl Iterator for Statuses<'_> {
    type Item = (u16, Option<i64>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.left = self.left.checked_sub(1)?;
            let sequence = self.sequence;
            self.sequence = sequence.wrapping_add(1);
            match self.symbols.next()? {
                Symbol::Lost => return Some((sequence, None)),
                Symbol::Untimed => {}
                Symbol::Near => {
                    let (delta, rest) = self.deltas.split_first()?;
                    self.deltas = rest;
                    self.ticks += i64::from(*delta);
                    return Some((sequence, Some(self.ticks)));
                }
                Symbol::Far => {
                    let (delta, rest) = self.deltas.split_first_chunk::<2>()?;
                    self.deltas = rest;
                    self.ticks += i64::from(i16::from_be_bytes(*delta));
                    return Some((sequence, Some(self.ticks)));
                }
            }
        }
    }
}

/// The peer's clock over the 12 days in which its reference time wraps.
#[derive(Debug, Clone, Copy, Default)]
pub struct PeerClock {
    reference: Option<i64>,
}

impl PeerClock {
    /// The reference time of a feedback, in microseconds of the peer's clock: what the ticks of
    /// [`Feedback::statuses`] are added to. To be asked once for each feedback.
    pub fn start_of(&mut self, feedback: &Feedback<'_>) -> i64 {
        let low = i64::from(feedback.reference);
        let whole = match self.reference {
            None => low,
            Some(last) => {
                // The short way round, as a signed number of 24 bits.
                let ahead = low.saturating_sub(last).rem_euclid(1 << 24);
                let ahead = if ahead < 1 << 23 {
                    ahead
                } else {
                    ahead - (1 << 24)
                };
                last.saturating_add(ahead)
            }
        };
        self.reference = Some(whole);
        // A hostile peer may let its clock run as fast as it likes.
        whole.saturating_mul(TICKS_PER_REFERENCE * chunks::TICK_US)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rtc::rtcp::transport_feedbacks::transport_layer_cc::{
        PacketStatusChunk, RunLengthChunk, StatusVectorChunk, SymbolTypeTcc, TransportLayerCc,
    };
    use rtc::shared::marshal::Unmarshal;

    fn packet(base: u16, count: u16, rest: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x8F, 205, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2];
        packet.extend(base.to_be_bytes());
        packet.extend(count.to_be_bytes());
        packet.extend([0x12, 0x34, 0x56, 7]);
        packet.extend(rest);
        packet.resize(packet.len().next_multiple_of(4), 0);
        packet[3] = (packet.len() / 4 - 1) as u8;
        packet
    }

    fn read(packet: &[u8]) -> Option<Vec<(u16, Option<i64>)>> {
        Feedback::parse(packet).map(|feedback| feedback.statuses().collect())
    }

    #[test]
    fn runs_and_vectors_are_read() {
        // A run, 14 symbols of one bit (section 3.1.4, example 1), 7 of two.
        let bytes = packet(
            65_534,
            3 + 14 + 7,
            &[
                0x20, 0x03, 0x9F, 0x1C, 0xC1, 0x80, // lost, lost, near, far, lost, lost, lost
                1, 2, 3, // the run
                1, 1, 1, 1, 1, 1, 1, 1, // the bits
                255, 0xFF, 0xFC,
            ],
        );
        let feedback = Feedback::parse(&bytes).expect("whole");
        assert_eq!((feedback.reference, feedback.number), (0x12_3456, 7));
        let read: Vec<_> = feedback.statuses().collect();
        assert_eq!(read.len(), 24);
        assert_eq!(
            read[..3],
            [(65_534, Some(1)), (65_535, Some(3)), (0, Some(6))]
        );
        assert_eq!(read[3..5], [(1, None), (2, Some(7))]);
        assert_eq!(
            read[16..20],
            [(14, None), (15, None), (16, None), (17, Some(269))]
        );
        assert_eq!(read[20..22], [(18, Some(265)), (19, None)]);
    }

    #[test]
    fn what_is_cut_short_is_declined() {
        let bytes = packet(5, 4, &[0x20, 0x04, 1, 2, 3, 4, 0, 0]);
        assert!(read(&bytes).is_some());
        for length in (0..25).chain([28]) {
            assert_eq!(read(&bytes[..length]).is_some(), length == 28, "{length}");
        }
    }

    #[test]
    fn a_far_delta_goes_back_too() {
        let bytes = packet(5, 2, &[0xD9, 0x00, 9, 0xFF, 0xFC]);
        // 11 01 10 0…: near, far.
        assert_eq!(read(&bytes), Some(vec![(5, Some(9)), (6, Some(5))]));
    }

    #[test]
    fn padding_is_no_part_of_it() {
        let mut bytes = packet(5, 1, &[0x20, 0x01, 9, 1]);
        assert_eq!(read(&bytes), Some(vec![(5, Some(9))]));
        bytes[0] |= PADDED;
        assert_eq!(read(&bytes), Some(vec![(5, Some(9))]));
        bytes[23] = 2;
        assert_eq!(read(&bytes), None);
        bytes[23] = 255;
        assert_eq!(read(&bytes), None);
    }

    #[test]
    fn nothing_large_comes_from_little() {
        let run = 0x1F_FF_u16.to_be_bytes();
        let bytes = packet(0, STATUSES_MAX, &run);
        assert_eq!(read(&bytes).expect("all lost").len(), 4096);
        assert_eq!(read(&packet(0, STATUSES_MAX + 1, &run)), None);
        // Runs of nothing end with the packet.
        assert_eq!(read(&packet(0, 1, &[0; 900])), None);
    }

    #[test]
    fn the_peers_clock_goes_on_over_its_wrap() {
        let mut clock = PeerClock::default();
        let mut at = |reference: u32| {
            let mut bytes = packet(0, 0, &[]);
            bytes[16..19].copy_from_slice(&reference.to_be_bytes()[1..]);
            clock.start_of(&Feedback::parse(&bytes).expect("empty"))
        };
        let last = at(0xFF_FFFF);
        assert_eq!(at(0), last + 64_000);
        assert_eq!(at(0xFF_FFFE), last - 64_000);
    }

    /// What rtc-rtcp makes of a packet, where it has a use for symbols as we do.
    fn reference(bytes: &[u8]) -> Option<Vec<(u16, Option<i64>)>> {
        let theirs = TransportLayerCc::unmarshal(&mut &bytes[..]).ok()?;
        let symbols = theirs.packet_chunks.iter().flat_map(|chunk| match chunk {
            PacketStatusChunk::RunLengthChunk(RunLengthChunk {
                packet_status_symbol,
                run_length,
                ..
            }) => vec![*packet_status_symbol; usize::from(*run_length)],
            PacketStatusChunk::StatusVectorChunk(StatusVectorChunk { symbol_list, .. }) => {
                symbol_list.clone()
            }
        });
        let mut deltas = theirs.recv_deltas.iter();
        let mut ticks = 0;
        let mut sequence = theirs.base_sequence_number;
        let mut all = Vec::new();
        for symbol in symbols.take(usize::from(theirs.packet_status_count)) {
            if symbol == SymbolTypeTcc::PacketNotReceived {
                all.push((sequence, None));
            } else if symbol != SymbolTypeTcc::PacketReceivedWithoutDelta {
                ticks += deltas.next()?.delta / 250;
                all.push((sequence, Some(ticks)));
            }
            sequence = sequence.wrapping_add(1);
        }
        Some(all)
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_as_the_reference_reads_them_or_declined(
            base: u16,
            count in 0_u16..60,
            rest in proptest::collection::vec(any::<u8>(), 0..60),
        ) {
            let bytes = packet(base, count, &rest);
            if let Some(ours) = read(&bytes) {
                // The reference allots times past the count to symbols of the last chunk.
                if let Some(theirs) = reference(&bytes) {
                    prop_assert_eq!(ours, theirs);
                }
            }
        }

        #[test]
        fn raw_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(read) = read(&bytes) {
                prop_assert!(read.len() <= usize::from(STATUSES_MAX));
            }
        }
    }
}
