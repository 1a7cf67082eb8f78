//! RTCP as bytes in a buffer: walking a compound packet, writing one (RFC 3550, RFC 4585,
//! RFC 5104, RFC 5506, and the drafts of REMB and of transport-wide feedback).
//!
//! Readers borrow from the packet, writers fill the caller's buffer; nothing allocates, and
//! nothing panics, whatever the bytes are. This module must never know who a packet is from or
//! what follows from it: it neither counts losses nor paces requests.

#![forbid(unsafe_code)]

mod fields;
mod read;
mod write;

pub use fields::{Bitrate, FullIntraRequests, LostSequences, ReportBlocks, Words};
pub use read::{Packet, Packets, packets};
pub use write::Compound;

/// A report's block in bytes.
const BLOCK_BYTES: usize = 24;
/// How many blocks or sources one packet's count can say.
const COUNT_MAX: usize = 31;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;

/// Formats of [`TRANSPORT_FEEDBACK`].
const NACK: u8 = 1;
const TRANSPORT_WIDE: u8 = 15;

/// Formats of [`PAYLOAD_FEEDBACK`].
const PICTURE_LOSS: u8 = 1;
const FULL_INTRA: u8 = 4;
const APPLICATION_LAYER: u8 = 15;

const REMB: [u8; 4] = *b"REMB";

/// Whether a datagram that is RTP or RTCP is RTCP (RFC 5761 section 4).
pub fn is_rtcp(datagram: &[u8]) -> bool {
    matches!(datagram, [_, 192..=223, ..])
}

/// What a sender says of its clocks and counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderInfo {
    /// The stream that it is about.
    pub ssrc: u32,
    /// The sender's wall clock as an NTP timestamp: seconds, and 2^-32 seconds below.
    pub ntp: u64,
    /// The same moment on the stream's RTP clock.
    pub rtp_timestamp: u32,
    /// Packets sent so far.
    pub packets: u32,
    /// Payload bytes sent so far.
    pub octets: u32,
}

impl SenderInfo {
    /// The middle 32 bits of [`Self::ntp`], as a [`ReportBlock`] names a sender report.
    pub fn ntp_middle(&self) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "the middle is meant")]
        let middle = (self.ntp >> 16) as u32;
        middle
    }
}

/// What a receiver says of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReportBlock {
    /// The stream that it is about.
    pub ssrc: u32,
    /// Lost since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Lost since the beginning; negative where duplicates came. Written as the nearest of the
    /// 24 bits that there are.
    pub total_lost: i32,
    /// The highest sequence number received, with the low 16 bits of its rollovers above.
    pub highest_sequence: u32,
    /// Interarrival jitter in units of the stream's RTP clock.
    pub jitter: u32,
    /// [`SenderInfo::ntp_middle`] of the last sender report received, or 0.
    pub last_sender_report: u32,
    /// How long ago that came, in 2^-16 seconds, or 0.
    pub since_sender_report: u32,
}
