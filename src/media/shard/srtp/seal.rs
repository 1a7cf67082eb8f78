//! Our sending side of one peer's session.

use super::KeyingFault;
use super::cipher::{Cipher, RTCP_CLEAR_BYTES, RTCP_INDEX_BYTES, RtcpIndexWord};
use super::keys::{MasterKey, Profile, RTCP_LABELS, RTP_LABELS};
use crate::media::shard::rtp::FIXED_HEADER_BYTES;

/// The most that sealing adds to an RTP packet, in bytes.
pub const RTP_OVERHEAD_MAX: usize = Profile::AeadAes128Gcm.tag_bytes();

/// The most that sealing adds to a compound RTCP packet, in bytes.
pub const RTCP_OVERHEAD_MAX: usize = Profile::AeadAes128Gcm.tag_bytes() + RTCP_INDEX_BYTES;

/// Seals what we send to one peer.
///
/// It keeps no sequence numbers: the caller owns each stream's 48-bit index and must never seal
/// two *different* packets with one SSRC and index. Under GCM a single such pair gives away the
/// authentication key. A retransmission on the original SSRC must therefore be the same bytes,
/// extensions included; a changed one needs a new sequence number (RTX).
pub struct Sealer {
    rtp: Cipher,
    rtcp: Cipher,
    rtcp_index: u32,
}

impl Sealer {
    /// A sealer with our side's key.
    pub fn new(master: &MasterKey) -> Result<Self, KeyingFault> {
        Ok(Self {
            rtp: Cipher::new(master, RTP_LABELS)?,
            rtcp: Cipher::new(master, RTCP_LABELS)?,
            // The first packet carries 1, as libsrtp's does.
            rtcp_index: 0,
        })
    }

    /// What sealing adds to each RTP packet, in bytes.
    pub fn rtp_overhead_bytes(&self) -> usize {
        self.rtp.tag_bytes()
    }

    /// Seals an RTP packet in place: `packet[..header_bytes]` is its header, with extensions, and
    /// the rest up to `body_end` its payload and padding. The tag is written behind; returns the
    /// whole length. `roc` is the rollover counter: the high 32 of the index's 48 bits.
    ///
    /// `None`, with the packet in any state, if the lengths contradict one another or the tag
    /// does not fit.
    pub fn seal_rtp(
        &self,
        packet: &mut [u8],
        header_bytes: usize,
        body_end: usize,
        roc: u32,
    ) -> Option<usize> {
        if header_bytes < FIXED_HEADER_BYTES || header_bytes > body_end {
            return None;
        }
        let &[_, _, s0, s1, _, _, _, _, r0, r1, r2, r3] =
            packet.first_chunk::<FIXED_HEADER_BYTES>()?;
        let ssrc = u32::from_be_bytes([r0, r1, r2, r3]);
        let index = u64::from(roc) << 16 | u64::from(u16::from_be_bytes([s0, s1]));
        self.rtp
            .seal_rtp(packet, header_bytes, body_end, ssrc, index)
    }

    /// Seals a compound RTCP packet of `length` bytes in place and returns the whole length.
    ///
    /// `None`, with the packet in any state, if it is shorter than a header and an SSRC, what is
    /// added does not fit, or 2^31 packets have been sealed: the session is at its end then.
    pub fn seal_rtcp(&mut self, packet: &mut [u8], length: usize) -> Option<usize> {
        let &[_, _, _, _, r0, r1, r2, r3] = packet.first_chunk::<RTCP_CLEAR_BYTES>()?;
        let ssrc = u32::from_be_bytes([r0, r1, r2, r3]);
        // One counter for all our SSRCs: the receiver keeps a window for each and minds no gaps.
        let index = self.rtcp_index.checked_add(1)?;
        let word = RtcpIndexWord::encrypted(index)?;
        self.rtcp_index = index;
        self.rtcp.seal_rtcp(packet, length, ssrc, word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_srtcp_index_is_used_twice() {
        let master = MasterKey::new(Profile::AeadAes128Gcm, &[1; 16], &[2; 12]).unwrap();
        let mut sealer = Sealer::new(&master).unwrap();
        sealer.rtcp_index = (1 << 31) - 2;
        let mut packet = [0; 64];
        assert!(sealer.seal_rtcp(&mut packet, 32).is_some());
        assert_eq!(sealer.seal_rtcp(&mut packet, 32), None);
        assert_eq!(sealer.seal_rtcp(&mut packet, 32), None);
    }
}
