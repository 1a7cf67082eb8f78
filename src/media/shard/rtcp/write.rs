//! Writing a compound packet.

use super::{
    COUNT_MAX, FULL_INTRA, GOODBYE, NACK, PAYLOAD_FEEDBACK, PICTURE_LOSS, RECEIVER_REPORT,
    ReportBlock, SENDER_REPORT, SOURCE_DESCRIPTION, SenderInfo, TRANSPORT_FEEDBACK,
};

const CNAME: u8 = 1;

/// A compound packet being written into the caller's buffer.
///
/// Each method appends a packet; `None` means that it does not fit, or cannot be written, and
/// that nothing was appended. A compound packet begins with a report and its sender's name
/// (RFC 3550 section 6.1); one that does not is for peers that agreed to reduced size (RFC 5506).
#[derive(Debug)]
pub struct Compound<'a> {
    out: &'a mut [u8],
    used: usize,
}

impl<'a> Compound<'a> {
    /// Begins with a sender report and the name of its sender.
    pub fn with_sender_report(
        out: &'a mut [u8],
        info: &SenderInfo,
        blocks: &[ReportBlock],
        cname: &str,
    ) -> Option<Self> {
        let mut compound = Self::reduced(out);
        compound.sender_report(info, blocks)?;
        compound.cname(info.ssrc, cname)?;
        Some(compound)
    }

    /// Begins with a receiver report, which may be empty, and the name of its sender.
    pub fn with_receiver_report(
        out: &'a mut [u8],
        sender_ssrc: u32,
        blocks: &[ReportBlock],
        cname: &str,
    ) -> Option<Self> {
        let mut compound = Self::reduced(out);
        compound.receiver_report(sender_ssrc, blocks)?;
        compound.cname(sender_ssrc, cname)?;
        Some(compound)
    }

    /// Begins with nothing, for a peer that has agreed to reduced size.
    pub fn reduced(out: &'a mut [u8]) -> Self {
        Self { out, used: 0 }
    }

    /// Length so far, in bytes.
    pub fn bytes(&self) -> usize {
        self.used
    }

    /// SR, with receiver reports behind it if there are more than 31 blocks.
    pub fn sender_report(&mut self, info: &SenderInfo, blocks: &[ReportBlock]) -> Option<()> {
        let (first, more) = blocks.split_at(blocks.len().min(COUNT_MAX));
        self.all_or_nothing(|compound| {
            compound.append(SENDER_REPORT, u8::try_from(first.len()).ok()?, |body| {
                body.word(info.ssrc)?;
                body.put(&info.ntp.to_be_bytes())?;
                body.word(info.rtp_timestamp)?;
                body.word(info.packets)?;
                body.word(info.octets)?;
                body.blocks(first)
            })?;
            compound.receiver_reports(info.ssrc, more)
        })
    }

    /// RR, several if there are more than 31 blocks, one if there are none.
    pub fn receiver_report(&mut self, sender_ssrc: u32, blocks: &[ReportBlock]) -> Option<()> {
        if blocks.is_empty() {
            return self.append(RECEIVER_REPORT, 0, |body| body.word(sender_ssrc));
        }
        self.all_or_nothing(|compound| compound.receiver_reports(sender_ssrc, blocks))
    }

    /// SDES with a canonical name: 1 to 255 bytes, the same for all streams to be synchronised.
    pub fn cname(&mut self, ssrc: u32, cname: &str) -> Option<()> {
        let length = u8::try_from(cname.len())
            .ok()
            .filter(|length| *length != 0)?;
        self.append(SOURCE_DESCRIPTION, 1, |body| {
            body.word(ssrc)?;
            body.put(&[CNAME, length])?;
            body.put(cname.as_bytes())?;
            // One zero ends the items, and the chunk ends on a word.
            body.put(&[0])?;
            body.fill_word()
        })
    }

    /// BYE.
    pub fn goodbye(&mut self, ssrcs: &[u32]) -> Option<()> {
        let count = u8::try_from(ssrcs.len()).ok()?;
        if ssrcs.len() > COUNT_MAX {
            return None;
        }
        self.append(GOODBYE, count, |body| {
            ssrcs.iter().try_for_each(|ssrc| body.word(*ssrc))
        })
    }

    /// PLI.
    pub fn picture_loss(&mut self, sender_ssrc: u32, media_ssrc: u32) -> Option<()> {
        self.append(PAYLOAD_FEEDBACK, PICTURE_LOSS, |body| {
            body.word(sender_ssrc)?;
            body.word(media_ssrc)
        })
    }

    /// FIR for one stream. `request` goes up with each new request and stays when one is repeated.
    pub fn full_intra(&mut self, sender_ssrc: u32, media_ssrc: u32, request: u8) -> Option<()> {
        self.append(PAYLOAD_FEEDBACK, FULL_INTRA, |body| {
            body.word(sender_ssrc)?;
            // The header's own media SSRC is unused (RFC 5104 section 4.3.1.2).
            body.word(0)?;
            body.word(media_ssrc)?;
            body.put(&[request, 0, 0, 0])
        })
    }

    /// Generic NACK. `lost` goes up, over the wrap too; out of order it only takes more room.
    /// Nothing is appended, and that is well, if nothing is lost.
    pub fn nack(
        &mut self,
        sender_ssrc: u32,
        media_ssrc: u32,
        lost: impl IntoIterator<Item = u16>,
    ) -> Option<()> {
        let mut lost = lost.into_iter();
        let Some(mut first) = lost.next() else {
            return Some(());
        };
        self.append(TRANSPORT_FEEDBACK, NACK, |body| {
            body.word(sender_ssrc)?;
            body.word(media_ssrc)?;
            let mut following = 0_u16;
            for sequence in lost {
                match sequence.wrapping_sub(first) {
                    0 => {}
                    ahead @ 1..=16 => following |= 1 << (ahead - 1),
                    _ => {
                        body.word(nack_pair(first, following))?;
                        (first, following) = (sequence, 0);
                    }
                }
            }
            body.word(nack_pair(first, following))
        })
    }

    /// A packet that its own writer writes whole, header and all, and gives the length of.
    pub fn whole(&mut self, write: impl FnOnce(&mut [u8]) -> Option<usize>) -> Option<()> {
        let room = self.out.get_mut(self.used..)?;
        let bytes = write(room)?;
        self.used += bytes;
        Some(())
    }

    fn receiver_reports(&mut self, sender_ssrc: u32, blocks: &[ReportBlock]) -> Option<()> {
        blocks.chunks(COUNT_MAX).try_for_each(|blocks| {
            self.append(RECEIVER_REPORT, u8::try_from(blocks.len()).ok()?, |body| {
                body.word(sender_ssrc)?;
                body.blocks(blocks)
            })
        })
    }

    fn all_or_nothing(&mut self, write: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        let before = self.used;
        let written = write(self);
        if written.is_none() {
            self.used = before;
        }
        written
    }

    fn append(
        &mut self,
        kind: u8,
        count: u8,
        write_body: impl FnOnce(&mut Body<'_>) -> Option<()>,
    ) -> Option<()> {
        let (header, room) = self
            .out
            .get_mut(self.used..)?
            .split_first_chunk_mut::<4>()?;
        let mut body = Body { room, used: 0 };
        write_body(&mut body)?;
        let body_bytes = body.used;
        let [w0, w1] = u16::try_from(body_bytes / 4).ok()?.to_be_bytes();
        *header = [0x80 | count, kind, w0, w1];
        self.used += 4 + body_bytes;
        Some(())
    }
}

fn nack_pair(first: u16, following: u16) -> u32 {
    u32::from(first) << 16 | u32::from(following)
}

struct Body<'a> {
    room: &'a mut [u8],
    used: usize,
}

impl Body<'_> {
    fn put(&mut self, bytes: &[u8]) -> Option<()> {
        let room = self.room.get_mut(self.used..)?.get_mut(..bytes.len())?;
        room.copy_from_slice(bytes);
        self.used += bytes.len();
        Some(())
    }

    fn word(&mut self, word: u32) -> Option<()> {
        self.put(&word.to_be_bytes())
    }

    fn fill_word(&mut self) -> Option<()> {
        let missing = self.used.next_multiple_of(4) - self.used;
        self.put([0; 4].get(..missing)?)
    }

    fn blocks(&mut self, blocks: &[ReportBlock]) -> Option<()> {
        blocks.iter().try_for_each(|block| {
            const LOST_MAX: i32 = (1 << 23) - 1;
            let [_, l0, l1, l2] = block
                .total_lost
                .clamp(-LOST_MAX - 1, LOST_MAX)
                .to_be_bytes();
            self.word(block.ssrc)?;
            self.put(&[block.fraction_lost, l0, l1, l2])?;
            self.word(block.highest_sequence)?;
            self.word(block.jitter)?;
            self.word(block.last_sender_report)?;
            self.word(block.since_sender_report)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Packet, is_rtcp, packets};
    use super::*;
    use proptest::prelude::*;
    use rtc::rtcp::packet::unmarshal;
    use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
    use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
    use rtc::rtcp::receiver_report::ReceiverReport;
    use rtc::rtcp::sender_report::SenderReport;
    use rtc::rtcp::source_description::SourceDescription;
    use rtc::rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;

    const INFO: SenderInfo = SenderInfo {
        ssrc: 1,
        ntp: 0x0123_4567_89AB_CDEF,
        rtp_timestamp: 3,
        packets: 4,
        octets: 5,
    };

    fn block(ssrc: u32, total_lost: i32) -> ReportBlock {
        ReportBlock {
            ssrc,
            fraction_lost: 12,
            total_lost,
            highest_sequence: 14,
            jitter: 15,
            last_sender_report: 16,
            since_sender_report: 17,
        }
    }

    #[test]
    fn the_reference_reads_what_is_written() {
        let mut out = [0xEE; 500];
        let blocks = [block(11, 13)];
        let mut compound =
            Compound::with_sender_report(&mut out, &INFO, &blocks, "roundtable").unwrap();
        compound.receiver_report(6, &blocks).unwrap();
        compound.picture_loss(1, 2).unwrap();
        compound.full_intra(1, 2, 3).unwrap();
        compound.nack(1, 2, [65530, 65535, 3, 60]).unwrap();
        compound.goodbye(&[7, 8]).unwrap();
        let length = compound.bytes();
        assert!(is_rtcp(&out));

        let theirs = unmarshal(&mut &out[..length]).unwrap();
        assert_eq!(theirs.len(), 7);
        let report: &SenderReport = theirs[0].as_any().downcast_ref().unwrap();
        assert_eq!((report.ssrc, report.ntp_time), (1, INFO.ntp));
        let counts = (report.rtp_time, report.packet_count, report.octet_count);
        assert_eq!(counts, (3, 4, 5));
        assert_eq!(report.reports[0].total_lost, 13);
        assert_eq!(report.reports[0].delay, 17);
        let names: &SourceDescription = theirs[1].as_any().downcast_ref().unwrap();
        assert_eq!(names.chunks[0].source, 1);
        assert_eq!(names.chunks[0].items[0].text, "roundtable");
        let report: &ReceiverReport = theirs[2].as_any().downcast_ref().unwrap();
        assert_eq!((report.ssrc, report.reports[0].jitter), (6, 15));
        let loss: &PictureLossIndication = theirs[3].as_any().downcast_ref().unwrap();
        assert_eq!((loss.sender_ssrc, loss.media_ssrc), (1, 2));
        let request: &FullIntraRequest = theirs[4].as_any().downcast_ref().unwrap();
        assert_eq!(
            (request.fir[0].ssrc, request.fir[0].sequence_number),
            (2, 3)
        );
        let nack: &TransportLayerNack = theirs[5].as_any().downcast_ref().unwrap();
        let lost: Vec<u16> = nack
            .nacks
            .iter()
            .flat_map(|pair| pair.packet_list())
            .collect();
        assert_eq!(lost, [65530, 65535, 3, 60]);
    }

    #[test]
    fn names_of_every_length_end_on_a_word() {
        for length in 1..=255 {
            let mut out = [0xEE; 400];
            let name = "n".repeat(length);
            let compound = Compound::with_receiver_report(&mut out, 9, &[], &name).unwrap();
            let length = compound.bytes();
            assert_eq!(length % 4, 0);
            let theirs = unmarshal(&mut &out[..length]).unwrap();
            let names: &SourceDescription = theirs[1].as_any().downcast_ref().unwrap();
            assert_eq!(names.chunks[0].items[0].text, name);
        }
        let mut out = [0; 400];
        for name in [String::new(), "n".repeat(256)] {
            assert!(Compound::with_receiver_report(&mut out, 9, &[], &name).is_none());
        }
    }

    #[test]
    fn more_blocks_than_a_packet_counts_go_into_further_ones() {
        let blocks: Vec<_> = (0..70).map(|ssrc| block(ssrc, -1)).collect();
        let mut out = [0; 2000];
        let compound = Compound::with_sender_report(&mut out, &INFO, &blocks, "r").unwrap();
        let length = compound.bytes();
        let read: Vec<_> = packets(&out[..length])
            .flat_map(|packet| match packet {
                Packet::SenderReport { blocks, .. } | Packet::ReceiverReport { blocks, .. } => {
                    blocks
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(read, blocks);
    }

    #[test]
    fn losses_beyond_24_bits_are_written_as_the_nearest() {
        let blocks = [block(1, i32::MAX), block(2, i32::MIN)];
        let mut out = [0; 200];
        Compound::with_receiver_report(&mut out, 9, &blocks, "r").unwrap();
        let Some(Packet::ReceiverReport { blocks, .. }) = packets(&out).next() else {
            panic!("not a receiver report");
        };
        let losses: Vec<_> = blocks.map(|block| block.total_lost).collect();
        assert_eq!(losses, [(1 << 23) - 1, -(1 << 23)]);
    }

    #[test]
    fn what_does_not_fit_leaves_what_was_there() {
        let mut whole = [0; 100];
        let mut compound = Compound::reduced(&mut whole);
        compound.picture_loss(1, 2).unwrap();
        compound.nack(1, 2, [1, 100, 200]).unwrap();
        let length = compound.bytes();
        for room in 12..length {
            let mut out = [0; 100];
            let mut compound = Compound::reduced(&mut out[..room]);
            compound.picture_loss(1, 2).unwrap();
            assert_eq!(compound.nack(1, 2, [1, 100, 200]), None);
            assert_eq!(compound.bytes(), 12);
            assert_eq!(packets(&out[..12]).count(), 1);
        }
        let many: Vec<_> = (0..40).map(|ssrc| block(ssrc, 0)).collect();
        let mut out = [0; 900];
        let mut compound = Compound::reduced(&mut out);
        assert_eq!(compound.sender_report(&INFO, &many), None);
        assert_eq!(compound.goodbye(&[0; 32]), None);
        assert_eq!(compound.bytes(), 0);
    }

    proptest! {
        #[test]
        fn lost_numbers_come_back(mut steps in proptest::collection::vec(1_u16..40, 0..60), start: u16) {
            steps.dedup();
            let lost: Vec<u16> = steps
                .iter()
                .scan(start, |at, step| {
                    *at = at.wrapping_add(*step);
                    Some(*at)
                })
                .collect();
            let mut out = [0; 400];
            let mut compound = Compound::reduced(&mut out);
            compound.nack(1, 2, lost.iter().copied()).unwrap();
            let length = compound.bytes();
            let read: Vec<u16> = packets(&out[..length])
                .flat_map(|packet| match packet {
                    Packet::Nack { lost, .. } => lost,
                    other => panic!("{other:?}"),
                })
                .collect();
            prop_assert_eq!(read, lost);
        }
    }
}
