//! One peer's sending side of its session, as we receive it.

use super::KeyingFault;
use super::cipher::{Cipher, RTCP_CLEAR_BYTES};
use super::keys::{MasterKey, RTCP_LABELS, RTP_LABELS};
use super::window::Window;
use crate::media::shard::rtp;

/// The most streams of one peer, counted for RTP and RTCP apart. A further one is refused, its
/// packets unopened, until the peer comes anew: forgetting an old stream instead would let its
/// packets be replayed. A browser with three simulcast layers, RTX and a screen uses about 15.
pub const SSRCS_MAX: usize = 64;

/// At least 960 packets: more than a second of the fastest stream that we forward.
const RTP_WINDOW_WORDS: usize = 16;
/// At least 64 packets.
const RTCP_WINDOW_WORDS: usize = 2;

/// An index has 48 bits, and after the last one the key must not be used again.
const INDICES: u64 = 1 << 48;

/// Why a packet was not opened. Its body may have been overwritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Its header does not parse.
    #[error("malformed: {0}")]
    Malformed(#[from] rtp::Malformed),
    /// Too short for the profile's tag.
    #[error("too short")]
    TooShort,
    /// Seen before, or too old to know.
    #[error("replayed, or too old to know")]
    Replayed,
    /// An SRTCP packet without encryption.
    #[error("not encrypted")]
    Unencrypted,
    /// The tag does not match.
    #[error("not authentic")]
    Forged,
    /// A new stream beyond [`SSRCS_MAX`].
    #[error("too many streams")]
    TooManyStreams,
}

/// An opened RTP packet, in the buffer that it came in.
#[derive(Debug)]
pub struct OpenedRtp<'a> {
    /// Its parsed header.
    pub header: rtp::Header,
    /// Header, payload and padding, without the tag. The padding is not yet checked:
    /// [`rtp::Header::payload`] does.
    pub packet: &'a mut [u8],
    /// The 48-bit index, whose low 16 bits are the sequence number.
    pub index: u64,
}

/// Opens what one peer sends.
pub struct Opener {
    rtp: Cipher,
    rtcp: Cipher,
    rtp_streams: Streams<RTP_WINDOW_WORDS>,
    rtcp_streams: Streams<RTCP_WINDOW_WORDS>,
}

impl Opener {
    /// An opener with the peer's key.
    pub fn new(master: &MasterKey) -> Result<Self, KeyingFault> {
        Ok(Self {
            rtp: Cipher::new(master, RTP_LABELS)?,
            rtcp: Cipher::new(master, RTCP_LABELS)?,
            rtp_streams: Streams::default(),
            rtcp_streams: Streams::default(),
        })
    }

    /// How many streams have authenticated, RTP and RTCP together.
    pub fn streams(&self) -> usize {
        self.rtp_streams.ssrcs.len() + self.rtcp_streams.ssrcs.len()
    }

    /// Authenticates an RTP packet and decrypts it in place. A stream's rollover counter starts
    /// at zero with its first packet (RFC 3711 section 3.3.1).
    pub fn open_rtp<'a>(&mut self, packet: &'a mut [u8]) -> Result<OpenedRtp<'a>, Rejected> {
        let header = rtp::Header::parse(packet)?;
        let header_bytes = header.header_bytes();
        if packet.len() < header_bytes + self.rtp.tag_bytes() {
            return Err(Rejected::TooShort);
        }
        let place = self.rtp_streams.place(header.ssrc)?;
        let index = match self.rtp_streams.window(place) {
            Some(window) => window.estimate(header.sequence),
            None => u64::from(header.sequence),
        };
        self.rtp_streams.admit(place, index)?;
        let end = self
            .rtp
            .open_rtp(packet, header_bytes, header.ssrc, index)
            .map_err(|_| Rejected::Forged)?;
        self.rtp_streams.accept(place, header.ssrc, index);
        let packet = packet.get_mut(..end).ok_or(Rejected::TooShort)?;
        Ok(OpenedRtp {
            header,
            packet,
            index,
        })
    }

    /// Authenticates a compound RTCP packet and decrypts it in place.
    pub fn open_rtcp<'a>(&mut self, packet: &'a mut [u8]) -> Result<&'a [u8], Rejected> {
        let &[_, _, _, _, r0, r1, r2, r3] = packet
            .first_chunk::<RTCP_CLEAR_BYTES>()
            .ok_or(Rejected::TooShort)?;
        let ssrc = u32::from_be_bytes([r0, r1, r2, r3]);
        let word = self
            .rtcp
            .rtcp_index_word(packet)
            .ok_or(Rejected::TooShort)?;
        // Such packets are authenticated too by the letter of RFC 3711, but no WebRTC client
        // sends them, and taking them without a look at the tag is a known hole.
        if !word.is_encrypted() {
            return Err(Rejected::Unencrypted);
        }
        let place = self.rtcp_streams.place(ssrc)?;
        self.rtcp_streams.admit(place, word.index())?;
        let end = self
            .rtcp
            .open_rtcp(packet, ssrc, word)
            .map_err(|_| Rejected::Forged)?;
        self.rtcp_streams.accept(place, ssrc, word.index());
        packet.get(..end).ok_or(Rejected::TooShort)
    }
}

/// Where a stream is kept, or that it is not yet.
#[derive(Debug, Clone, Copy)]
enum Place {
    Known(usize),
    New,
}

/// The authenticated streams. Both lists run in parallel; searching 64 numbers in a row costs
/// less than hashing one.
#[derive(Default)]
struct Streams<const WORDS: usize> {
    ssrcs: Vec<u32>,
    windows: Vec<Window<WORDS>>,
}

impl<const WORDS: usize> Streams<WORDS> {
    fn place(&self, ssrc: u32) -> Result<Place, Rejected> {
        match self.ssrcs.iter().position(|known| *known == ssrc) {
            Some(at) => Ok(Place::Known(at)),
            None if self.ssrcs.len() < SSRCS_MAX => Ok(Place::New),
            None => Err(Rejected::TooManyStreams),
        }
    }

    fn window(&self, place: Place) -> Option<&Window<WORDS>> {
        match place {
            Place::Known(at) => self.windows.get(at),
            Place::New => None,
        }
    }

    fn admit(&self, place: Place, index: u64) -> Result<(), Rejected> {
        let fresh = self
            .window(place)
            .is_none_or(|window| window.is_fresh(index));
        if fresh && index < INDICES {
            Ok(())
        } else {
            Err(Rejected::Replayed)
        }
    }

    /// Only for a packet that has authenticated.
    fn accept(&mut self, place: Place, ssrc: u32, index: u64) {
        match place {
            Place::Known(at) => {
                if let Some(window) = self.windows.get_mut(at) {
                    window.accept(index);
                }
            }
            Place::New => {
                self.ssrcs.push(ssrc);
                self.windows.push(Window::starting_with(index));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_last_index_nothing_is_admitted() {
        let mut streams = Streams::<RTP_WINDOW_WORDS>::default();
        streams.accept(Place::New, 1, INDICES - 2);
        let place = streams.place(1).unwrap();
        let window = streams.window(place).unwrap();
        assert_eq!(window.estimate(0xFFFF), INDICES - 1);
        assert_eq!(window.estimate(0), INDICES);
        assert_eq!(streams.admit(place, INDICES - 1), Ok(()));
        assert_eq!(streams.admit(place, INDICES), Err(Rejected::Replayed));
    }
}
