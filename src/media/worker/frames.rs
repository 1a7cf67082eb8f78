//! Packets in a stream (RFC 4571): two bytes of length before each.
//!
//! This module must never know what a packet is.

use crate::media::shard::DATAGRAM_BYTES_MAX;

/// Bytes of a frame's head.
pub const HEAD_BYTES: usize = 2;

/// The longest frame with its head. No packet that we speak is longer, so the framing of what says
/// that it is has been lost, or never was one.
pub const FRAME_BYTES_MAX: usize = HEAD_BYTES + DATAGRAM_BYTES_MAX;

/// The stream is not one of packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nonsense;

/// What has come of a frame that is not complete: less than [`FRAME_BYTES_MAX`].
#[derive(Debug, Default)]
pub struct Unfinished(Vec<u8>);

impl Unfinished {
    /// Puts it at the beginning of a buffer, and says where reading goes on.
    pub fn restore(&mut self, buffer: &mut [u8]) -> usize {
        let length = self.0.len();
        if let Some(begin) = buffer.get_mut(..length) {
            begin.copy_from_slice(&self.0);
        }
        self.0.clear();
        length
    }

    /// Hands over every whole packet in order and keeps what has come of the next. An empty frame
    /// is no packet (RFC 4571 section 2).
    pub fn split(
        &mut self,
        bytes: &mut [u8],
        mut take: impl FnMut(&mut [u8]),
    ) -> Result<(), Nonsense> {
        let mut rest = bytes;
        while let Some(&[high, low]) = rest.first_chunk() {
            let length = usize::from(u16::from_be_bytes([high, low]));
            if length > DATAGRAM_BYTES_MAX {
                return Err(Nonsense);
            }
            if rest.len() < HEAD_BYTES + length {
                break;
            }
            let (frame, later) = rest.split_at_mut(HEAD_BYTES + length);
            if length > 0 {
                take(&mut frame[HEAD_BYTES..]);
            }
            rest = later;
        }
        self.0.extend_from_slice(rest);
        Ok(())
    }
}

/// The head of a frame around a packet of this length.
pub fn head(packet: &[u8]) -> Option<[u8; HEAD_BYTES]> {
    u16::try_from(packet.len()).ok().map(u16::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What comes out of a stream that arrives in pieces of these lengths, over and over.
    fn read(stream: &[u8], pieces: &[usize]) -> Result<Vec<Vec<u8>>, Nonsense> {
        let mut unfinished = Unfinished::default();
        let mut packets = Vec::new();
        let mut buffer = vec![0; FRAME_BYTES_MAX + 5000];
        let (mut rest, mut pieces) = (stream, pieces.iter().cycle());
        while !rest.is_empty() {
            let (piece, later) = rest.split_at(rest.len().min(*pieces.next().expect("a length")));
            rest = later;
            let begin = unfinished.restore(&mut buffer);
            let end = begin + piece.len();
            buffer[begin..end].copy_from_slice(piece);
            unfinished.split(&mut buffer[..end], |packet| packets.push(packet.to_vec()))?;
            assert!(unfinished.0.len() < FRAME_BYTES_MAX);
        }
        Ok(packets)
    }

    fn stream(packets: &[Vec<u8>]) -> Vec<u8> {
        let framed = packets.iter().flat_map(|packet| {
            let head = head(packet).expect("short");
            head.into_iter().chain(packet.iter().copied())
        });
        framed.collect()
    }

    proptest! {
        #[test]
        fn any_split_of_the_stream_gives_the_same_packets(
            packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..30),
            pieces in prop::collection::vec(1_usize..5000, 1..20),
        ) {
            let mut whole = packets.clone();
            whole.retain(|packet| !packet.is_empty());
            prop_assert_eq!(read(&stream(&packets), &pieces), Ok(whole));
        }

        #[test]
        fn any_bytes_are_read_alike_in_any_pieces(
            bytes in prop::collection::vec(any::<u8>(), 0..3000),
            pieces in prop::collection::vec(1_usize..500, 1..20),
        ) {
            prop_assert_eq!(read(&bytes, &pieces), read(&bytes, &[5000]));
        }
    }

    #[test]
    fn the_longest_packet_is_taken_and_a_longer_one_is_nonsense() {
        let longest = vec![7; DATAGRAM_BYTES_MAX];
        assert_eq!(
            read(&stream(std::slice::from_ref(&longest)), &[100]),
            Ok(vec![longest])
        );
        let longer = stream(&[vec![7; DATAGRAM_BYTES_MAX + 1]]);
        assert_eq!(read(&longer[..2], &[1]), Err(Nonsense), "by its head alone");
    }
}
