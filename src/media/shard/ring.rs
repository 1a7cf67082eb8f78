//! The last packets of one source, as plaintext: written once, read by every slot that carries
//! the source, and again for whoever asks for a retransmission.
//!
//! Two fixed blocks of memory, made with the source; the oldest packets are written over. This
//! module must never know who reads.

use super::{red::Blocks, rtp::AudioLevel, vp8::Descriptor};

/// What is kept of a packet beside its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// Sequence number with its rollovers; 0 stands for an empty place.
    pub sequence: u64,
    /// RTP timestamp as it came.
    pub timestamp: u32,
    /// The marker bit.
    pub marker: bool,
    /// RFC 6464 level, where it came with one.
    pub level: Option<AudioLevel>,
    /// A decoder can start here: any packet of sound, the first packet of a key frame.
    pub starts: bool,
    /// The VP8 descriptor at the front of the payload.
    pub picture: Option<Descriptor>,
    /// The blocks of redundant sound.
    pub red: Option<Blocks>,
}

#[derive(Debug, Clone, Copy)]
struct Stored {
    packet: Packet,
    /// Place of the payload in all that was ever written.
    position: u64,
    /// Length of the payload in bytes.
    length: u16,
}

/// A source's packets.
pub struct Ring {
    entries: Box<[Stored]>,
    bytes: Box<[u8]>,
    /// Bytes written so far, skipped ones included.
    written: u64,
}

const EMPTY: Stored = Stored {
    packet: Packet {
        sequence: 0,
        timestamp: 0,
        marker: false,
        level: None,
        starts: false,
        picture: None,
        red: None,
    },
    position: 0,
    length: 0,
};

impl Ring {
    /// Room for so many packets (rounded up to a power of two) and bytes.
    pub fn new(packets: usize, bytes: usize) -> Self {
        Self {
            entries: vec![EMPTY; packets.max(1).next_power_of_two()].into_boxed_slice(),
            bytes: vec![0; bytes.max(2048)].into_boxed_slice(),
            written: 0,
        }
    }

    fn place(&self, sequence: u64) -> usize {
        // The number of entries is a power of two, so the mask keeps the index inside.
        (sequence as usize) & (self.entries.len() - 1)
    }

    /// Stores a packet. False when its payload is larger than the ring.
    pub fn push(&mut self, packet: Packet, payload: &[u8]) -> bool {
        let room = self.bytes.len() as u64;
        let Ok(length) = u16::try_from(payload.len()) else {
            return false;
        };
        if u64::from(length) > room {
            return false;
        }
        let offset = self.written % room;
        if offset + u64::from(length) > room {
            // A payload stays in one piece: the rest of the block is skipped.
            self.written += room - offset;
        }
        let position = self.written;
        let start = (position % room) as usize;
        let Some(target) = self.bytes.get_mut(start..start + payload.len()) else {
            return false;
        };
        target.copy_from_slice(payload);
        self.written += u64::from(length);
        let place = self.place(packet.sequence);
        if let Some(entry) = self.entries.get_mut(place) {
            *entry = Stored {
                packet,
                position,
                length,
            };
        }
        true
    }

    /// A packet that is still there.
    pub fn get(&self, sequence: u64) -> Option<(&Packet, &[u8])> {
        let entry = self.entries.get(self.place(sequence))?;
        let room = self.bytes.len() as u64;
        if entry.packet.sequence != sequence
            || sequence == 0
            || self.written - entry.position > room
        {
            return None;
        }
        let start = (entry.position % room) as usize;
        let payload = self.bytes.get(start..start + usize::from(entry.length))?;
        Some((&entry.packet, payload))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(sequence: u64) -> Packet {
        Packet {
            sequence,
            ..EMPTY.packet
        }
    }

    #[test]
    fn what_was_written_is_read_until_it_is_written_over() {
        let mut ring = Ring::new(8, 8192);
        for sequence in 1..=100_u64 {
            let payload = vec![sequence as u8; 500 + (sequence as usize * 37) % 700];
            assert!(ring.push(packet(sequence), &payload));
            // Three of the largest always fit into what was not skipped.
            for back in 0..3 {
                let Some(old) = sequence.checked_sub(back).filter(|old| *old > 0) else {
                    continue;
                };
                let (stored, payload) = ring.get(old).expect("still there");
                assert_eq!(stored.sequence, old);
                assert!(payload.iter().all(|byte| *byte == old as u8));
            }
            assert!(ring.get(sequence + 1).is_none());
            assert!(sequence < 10 || ring.get(sequence - 9).is_none());
        }
    }

    #[test]
    fn a_packet_larger_than_the_ring_is_not_taken() {
        let mut ring = Ring::new(8, 2048);
        assert!(!ring.push(packet(1), &[0; 3000]));
        assert!(ring.get(1).is_none());
    }
}
