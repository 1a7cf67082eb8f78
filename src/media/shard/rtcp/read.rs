//! Walking a compound packet.

use super::fields::{
    Bitrate, FullIntraRequests, LostSequences, ReportBlocks, Words, word, words_of,
};
use super::{
    APPLICATION_LAYER, FULL_INTRA, GOODBYE, NACK, PAYLOAD_FEEDBACK, PICTURE_LOSS, RECEIVER_REPORT,
    SENDER_REPORT, SenderInfo, TRANSPORT_FEEDBACK, TRANSPORT_WIDE,
};

const HEADER_BYTES: usize = 4;

/// One packet of a compound packet, as far as a forwarder has a use for it.
#[derive(Debug, Clone)]
pub enum Packet<'a> {
    /// SR: what a sender says of its stream, and of those that it receives.
    SenderReport {
        info: SenderInfo,
        blocks: ReportBlocks<'a>,
    },
    /// RR: what a receiver says of the streams that it receives.
    ReceiverReport {
        sender_ssrc: u32,
        blocks: ReportBlocks<'a>,
    },
    /// BYE: these streams end.
    Goodbye { ssrcs: Words<'a> },
    /// Generic NACK: these packets of a stream are missed.
    Nack {
        sender_ssrc: u32,
        media_ssrc: u32,
        lost: LostSequences<'a>,
    },
    /// PLI: a stream cannot be decoded until a key frame comes.
    PictureLoss { sender_ssrc: u32, media_ssrc: u32 },
    /// FIR: a key frame is wanted of these streams.
    FullIntra {
        sender_ssrc: u32,
        requests: FullIntraRequests<'a>,
    },
    /// REMB: what the receiver believes its path carries.
    Bitrate(Bitrate<'a>),
    /// Transport-wide feedback: the whole packet from its header to its end, padding included.
    TransportWide { packet: &'a [u8] },
}

/// The packets of a compound packet that we have a use for. Others are passed over (SDES, APP,
/// XR, unknown formats, known ones that are too short for what they say); what does not parse as
/// a header ends the walk.
pub fn packets(compound: &[u8]) -> Packets<'_> {
    Packets { rest: compound }
}

/// See [`packets`].
#[derive(Debug, Clone)]
pub struct Packets<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Packets<'a> {
    type Item = Packet<'a>;

    fn next(&mut self) -> Option<Packet<'a>> {
        // Each round consumes four bytes at least.
        loop {
            let (raw, rest) = Raw::split_first(self.rest)?;
            self.rest = rest;
            if let Some(packet) = raw.interpret() {
                return Some(packet);
            }
        }
    }
}

/// A packet with its header read.
struct Raw<'a> {
    kind: u8,
    /// The number of blocks or sources, or the format of a feedback packet.
    count: u8,
    /// Without header and padding.
    body: &'a [u8],
    whole: &'a [u8],
}

impl<'a> Raw<'a> {
    fn split_first(compound: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let &[flags, kind, w0, w1] = compound.first_chunk::<HEADER_BYTES>()?;
        if flags >> 6 != 2 {
            return None;
        }
        let body_bytes = usize::from(u16::from_be_bytes([w0, w1])) * 4;
        let (whole, rest) = compound.split_at_checked(HEADER_BYTES + body_bytes)?;
        let mut body = whole.get(HEADER_BYTES..)?;
        if flags & 0x20 != 0 {
            let padding = usize::from(*body.last()?);
            let end = body.len().checked_sub(padding).filter(|_| padding != 0)?;
            body = body.get(..end)?;
        }
        let raw = Self {
            kind,
            count: flags & 0x1F,
            body,
            whole,
        };
        Some((raw, rest))
    }

    fn interpret(self) -> Option<Packet<'a>> {
        match (self.kind, self.count) {
            (SENDER_REPORT, count) => {
                let (fixed, blocks) = self.body.split_first_chunk::<24>()?;
                let ([ssrc, ntp_high, ntp_low, rtp_timestamp, packets, octets], []) =
                    words_of(fixed)
                else {
                    return None;
                };
                Some(Packet::SenderReport {
                    info: SenderInfo {
                        ssrc: word(ssrc),
                        ntp: u64::from(word(ntp_high)) << 32 | u64::from(word(ntp_low)),
                        rtp_timestamp: word(rtp_timestamp),
                        packets: word(packets),
                        octets: word(octets),
                    },
                    blocks: ReportBlocks::take(blocks, count)?,
                })
            }
            (RECEIVER_REPORT, count) => {
                let (ssrc, blocks) = self.body.split_first_chunk::<4>()?;
                Some(Packet::ReceiverReport {
                    sender_ssrc: word(ssrc),
                    blocks: ReportBlocks::take(blocks, count)?,
                })
            }
            (GOODBYE, count) => {
                let ssrcs = self.body.get(..usize::from(count) * 4)?;
                Some(Packet::Goodbye {
                    ssrcs: Words::over(ssrcs),
                })
            }
            (TRANSPORT_FEEDBACK, NACK) => {
                let (sender_ssrc, media_ssrc, pairs) = self.feedback()?;
                Some(Packet::Nack {
                    sender_ssrc,
                    media_ssrc,
                    lost: LostSequences::over(pairs),
                })
            }
            (TRANSPORT_FEEDBACK, TRANSPORT_WIDE) => {
                self.feedback()?;
                Some(Packet::TransportWide { packet: self.whole })
            }
            (PAYLOAD_FEEDBACK, PICTURE_LOSS) => {
                let (sender_ssrc, media_ssrc, _) = self.feedback()?;
                Some(Packet::PictureLoss {
                    sender_ssrc,
                    media_ssrc,
                })
            }
            (PAYLOAD_FEEDBACK, FULL_INTRA) => {
                let (sender_ssrc, _, entries) = self.feedback()?;
                Some(Packet::FullIntra {
                    sender_ssrc,
                    requests: FullIntraRequests::over(entries),
                })
            }
            (PAYLOAD_FEEDBACK, APPLICATION_LAYER) => {
                let (sender_ssrc, _, control) = self.feedback()?;
                Bitrate::parse(sender_ssrc, control).map(Packet::Bitrate)
            }
            _ => None,
        }
    }

    /// The sender's SSRC, the media's, and the feedback control information.
    fn feedback(&self) -> Option<(u32, u32, &'a [u8])> {
        let (sender, rest) = self.body.split_first_chunk::<4>()?;
        let (media, control) = rest.split_first_chunk::<4>()?;
        Some((word(sender), word(media), control))
    }
}

#[cfg(test)]
mod tests {
    use super::super::ReportBlock;
    use super::*;
    use proptest::prelude::*;
    use rtc::rtcp::goodbye::Goodbye;
    use rtc::rtcp::payload_feedbacks::full_intra_request::{FirEntry, FullIntraRequest};
    use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
    use rtc::rtcp::payload_feedbacks::receiver_estimated_maximum_bitrate::ReceiverEstimatedMaximumBitrate;
    use rtc::rtcp::receiver_report::ReceiverReport;
    use rtc::rtcp::reception_report::ReceptionReport;
    use rtc::rtcp::sender_report::SenderReport;
    use rtc::rtcp::source_description::SourceDescription;
    use rtc::rtcp::transport_feedbacks::transport_layer_nack::{
        TransportLayerNack, nack_pairs_from_sequence_numbers,
    };
    use rtc::shared::marshal::{Marshal, Unmarshal};

    const BLOCK: ReportBlock = ReportBlock {
        ssrc: 11,
        fraction_lost: 12,
        total_lost: 13,
        highest_sequence: 14,
        jitter: 15,
        last_sender_report: 16,
        since_sender_report: 17,
    };

    fn their_block() -> ReceptionReport {
        ReceptionReport {
            ssrc: 11,
            fraction_lost: 12,
            total_lost: 13,
            last_sequence_number: 14,
            jitter: 15,
            last_sender_report: 16,
            delay: 17,
        }
    }

    #[test]
    fn walks_a_compound_packet_of_the_reference() {
        let sequences = [65530, 65535, 100, 101, 116, 117];
        let parts = [
            SenderReport {
                ssrc: 1,
                ntp_time: 0x0123_4567_89AB_CDEF,
                rtp_time: 3,
                packet_count: 4,
                octet_count: 5,
                reports: vec![their_block(), their_block()],
                ..Default::default()
            }
            .marshal(),
            SourceDescription::default().marshal(),
            ReceiverReport {
                ssrc: 6,
                reports: vec![their_block()],
                ..Default::default()
            }
            .marshal(),
            TransportLayerNack {
                sender_ssrc: 1,
                media_ssrc: 2,
                nacks: nack_pairs_from_sequence_numbers(&sequences),
            }
            .marshal(),
            PictureLossIndication {
                sender_ssrc: 1,
                media_ssrc: 2,
            }
            .marshal(),
            FullIntraRequest {
                sender_ssrc: 1,
                media_ssrc: 0,
                fir: vec![
                    FirEntry {
                        ssrc: 2,
                        sequence_number: 3,
                    },
                    FirEntry {
                        ssrc: 4,
                        sequence_number: 5,
                    },
                ],
            }
            .marshal(),
            ReceiverEstimatedMaximumBitrate {
                sender_ssrc: 1,
                bitrate: 2_500_000.0,
                ssrcs: vec![2, 3],
            }
            .marshal(),
            Goodbye {
                sources: vec![7, 8],
                reason: bytes::Bytes::from_static(b"end"),
            }
            .marshal(),
        ];
        let compound: Vec<u8> = parts.into_iter().flat_map(|part| part.unwrap()).collect();

        let mut walk = packets(&compound);
        let Some(Packet::SenderReport { info, blocks }) = walk.next() else {
            panic!("not a sender report");
        };
        let expected = SenderInfo {
            ssrc: 1,
            ntp: 0x0123_4567_89AB_CDEF,
            rtp_timestamp: 3,
            packets: 4,
            octets: 5,
        };
        assert_eq!(info, expected);
        assert_eq!(info.ntp_middle(), 0x4567_89AB);
        assert!(blocks.eq([BLOCK, BLOCK]));
        let Some(Packet::ReceiverReport {
            sender_ssrc: 6,
            blocks,
        }) = walk.next()
        else {
            panic!("not a receiver report");
        };
        assert!(blocks.eq([BLOCK]));
        let Some(Packet::Nack {
            sender_ssrc: 1,
            media_ssrc: 2,
            lost,
        }) = walk.next()
        else {
            panic!("not a NACK");
        };
        assert!(lost.eq(sequences));
        let picture_loss = walk.next();
        assert!(matches!(
            picture_loss,
            Some(Packet::PictureLoss {
                sender_ssrc: 1,
                media_ssrc: 2
            })
        ));
        let Some(Packet::FullIntra {
            sender_ssrc: 1,
            requests,
        }) = walk.next()
        else {
            panic!("not a FIR");
        };
        assert!(requests.eq([(2, 3), (4, 5)]));
        let Some(Packet::Bitrate(bitrate)) = walk.next() else {
            panic!("not a REMB");
        };
        assert_eq!(bitrate.bits_per_second, 2_500_000);
        assert!(bitrate.ssrcs.eq([2, 3]));
        let Some(Packet::Goodbye { ssrcs }) = walk.next() else {
            panic!("not a goodbye");
        };
        assert!(ssrcs.eq([7, 8]));
        assert!(walk.next().is_none());
    }

    #[test]
    fn a_negative_loss_keeps_its_sign() {
        let mut packet = vec![0x81, 201, 0, 7, 0, 0, 0, 1];
        packet.extend([0; 24]);
        packet[12..16].copy_from_slice(&[9, 0xFF, 0xFF, 0xFE]);
        let Some(Packet::ReceiverReport { mut blocks, .. }) = packets(&packet).next() else {
            panic!("not a receiver report");
        };
        let block = blocks.next().unwrap();
        assert_eq!((block.fraction_lost, block.total_lost), (9, -2));
    }

    #[test]
    fn transport_wide_feedback_is_handed_on_whole() {
        let packet = [0xAF, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 9, 9, 0, 2];
        let Some(Packet::TransportWide { packet: whole }) = packets(&packet).next() else {
            panic!("not transport-wide");
        };
        assert_eq!(whole, packet);
    }

    #[test]
    fn a_bitrate_beyond_all_numbers_is_the_largest() {
        let remb = |mantissa_and_exponent: [u8; 3]| {
            let mut packet = vec![0x8F, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0];
            packet.extend(b"REMB\0");
            packet.extend(mantissa_and_exponent);
            match packets(&packet).next() {
                Some(Packet::Bitrate(bitrate)) => bitrate.bits_per_second,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(remb([0xFF, 0xFF, 0xFF]), u64::MAX);
        assert_eq!(remb([0xFC, 0, 1]), 1 << 63);
        assert_eq!(remb([0xFC, 0, 0]), 0);
        assert_eq!(remb([0x04, 0, 3]), 6);
    }

    #[test]
    fn what_is_too_short_for_its_count_is_passed_over_and_the_walk_goes_on() {
        let compound = [
            0x81, 201, 0, 1, 0, 0, 0, 1, // a report without its block
            0x82, 203, 0, 1, 0, 0, 0, 1, // a goodbye of two with one
            0x81, 206, 0, 1, 0, 0, 0, 1, // a PLI without its stream
            0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2,
        ];
        let mut walk = packets(&compound);
        assert!(matches!(
            walk.next(),
            Some(Packet::PictureLoss { media_ssrc: 2, .. })
        ));
        assert!(walk.next().is_none());
    }

    #[test]
    fn a_broken_header_or_padding_ends_the_walk() {
        let good = [0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];
        for broken in [
            [0x41, 206, 0, 1, 0, 0, 0, 4], // version
            [0x81, 206, 0, 9, 0, 0, 0, 4], // longer than there is
            [0xA1, 206, 0, 1, 0, 0, 0, 0], // padding of none
            [0xA1, 206, 0, 1, 0, 0, 0, 5], // more padding than body
        ] {
            let compound = [&broken[..], &good[..8]].concat();
            assert!(packets(&compound).next().is_none(), "{broken:x?}");
        }
        assert!(packets(&[0xA1, 206, 0, 0]).next().is_none());
        let no_padding = [0xA1, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0];
        assert!(packets(&no_padding).next().is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_walked(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), kind in 199_u8..208, words in 0_u8..20, shaped: bool) {
            if let (true, [flags, kind_at, high, low, ..]) = (shaped, &mut bytes[..]) {
                *flags = *flags & 0x3F | 0x80;
                (*kind_at, *high, *low) = (kind, 0, words);
            }
            let mut seen = 0;
            for packet in packets(&bytes) {
                seen += 4;
                match packet {
                    Packet::SenderReport { blocks, .. } | Packet::ReceiverReport { blocks, .. } => {
                        seen += 24 * blocks.count();
                    }
                    Packet::Goodbye { ssrcs } => seen += 4 * ssrcs.count(),
                    Packet::Nack { lost, .. } => seen += lost.count() / 17 * 4,
                    Packet::PictureLoss { .. } => {}
                    Packet::FullIntra { requests, .. } => seen += 8 * requests.count(),
                    Packet::Bitrate(bitrate) => seen += 4 * bitrate.ssrcs.count(),
                    Packet::TransportWide { packet } => seen += packet.len() - 4,
                }
            }
            prop_assert!(seen <= bytes.len());
        }

        #[test]
        fn nacks_are_read_as_the_reference_reads_them(pairs in proptest::collection::vec(any::<u32>(), 1..20)) {
            let mut packet = vec![0x81, 205, 0, pairs.len() as u8 + 2, 0, 0, 0, 1, 0, 0, 0, 2];
            packet.extend(pairs.iter().flat_map(|pair| pair.to_be_bytes()));
            let theirs = TransportLayerNack::unmarshal(&mut &packet[..]).unwrap();
            let theirs: Vec<u16> = theirs.nacks.into_iter().flatten().collect();
            let Some(Packet::Nack { lost, .. }) = packets(&packet).next() else {
                return Err(TestCaseError::fail("not a NACK"));
            };
            prop_assert_eq!(lost.collect::<Vec<_>>(), theirs);
        }
    }
}
