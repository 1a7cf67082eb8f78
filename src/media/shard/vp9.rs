//! The VP9 payload descriptor (RFC 9628): where a frame and a key frame begin, which layer a
//! packet belongs to, and how large the picture is.
//!
//! Works on payloads as slices and never panics, whatever they hold. This module must never know
//! where a payload comes from or goes; it decodes no pictures.

#![forbid(unsafe_code)]

use super::vp8::PictureId;

/// Reference indices that a packet may have, and spatial layers (sections 4.2 and 4.2.1).
const REFERENCES_MAX: usize = 3;

/// A parsed descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptor {
    /// P: predicted from other pictures.
    pub predicted: bool,
    /// B: the first packet of a layer's frame.
    pub starts_frame: bool,
    /// E: the last packet of a layer's frame.
    pub ends_frame: bool,
    /// Z: no frame of a higher spatial layer needs this one.
    pub not_a_reference_above: bool,
    /// I: which picture, 7 or 15 bits.
    pub picture_id: Option<PictureId>,
    /// L: where the frame stands among the layers.
    pub layer: Option<Layer>,
    /// Counts the frames of the lowest temporal layer; not in flexible mode.
    pub tl0_picture_index: Option<u8>,
    /// Width and height of the largest spatial layer, in pixels, where the structure is told.
    pub size: Option<(u16, u16)>,
    bytes: usize,
}

/// A frame's place among the layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// TID: 0 is the lowest.
    pub temporal: u8,
    /// U: a receiver may go up to this temporal layer here.
    pub switching_up: bool,
    /// SID: 0 is the smallest.
    pub spatial: u8,
    /// D: predicted from the next smaller spatial layer.
    pub predicted_from_below: bool,
}

impl Descriptor {
    /// Reads the descriptor at the front of a payload. `None` if it is cut short or nothing
    /// follows it.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let mut fields = Fields { payload, at: 0 };
        let flags = fields.next()?;
        let is = |bit: u8| flags & bit != 0;
        let flexible = is(0x10);
        let mut descriptor = Self {
            predicted: is(0x40),
            starts_frame: is(0x08),
            ends_frame: is(0x04),
            not_a_reference_above: is(0x01),
            picture_id: None,
            layer: None,
            tl0_picture_index: None,
            size: None,
            bytes: 0,
        };
        if is(0x80) {
            let high = fields.next()?;
            descriptor.picture_id = Some(if high & 0x80 == 0 {
                PictureId::Short(high)
            } else {
                PictureId::Long(u16::from_be_bytes([high & 0x7F, fields.next()?]))
            });
        }
        if is(0x20) {
            let byte = fields.next()?;
            descriptor.layer = Some(Layer {
                temporal: byte >> 5,
                switching_up: byte & 0x10 != 0,
                spatial: byte >> 1 & 0x07,
                predicted_from_below: byte & 0x01 != 0,
            });
            if !flexible {
                descriptor.tl0_picture_index = Some(fields.next()?);
            }
        }
        if flexible && descriptor.predicted {
            let mut references = 0;
            while fields.next()? & 0x01 != 0 {
                references += 1;
                if references == REFERENCES_MAX {
                    return None;
                }
            }
        }
        if is(0x02) {
            descriptor.size = fields.structure()?;
        }
        descriptor.bytes = fields.at;
        fields.next()?;
        Some(descriptor)
    }

    /// Length of the descriptor, in bytes: where the VP9 data begins.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether this is the first packet of a key frame: only here may a receiver begin.
    pub fn starts_key_frame(&self) -> bool {
        let lowest = self
            .layer
            .is_none_or(|layer| layer.spatial == 0 && !layer.predicted_from_below);
        self.starts_frame && !self.predicted && lowest
    }
}

struct Fields<'a> {
    payload: &'a [u8],
    at: usize,
}

impl Fields<'_> {
    fn next(&mut self) -> Option<u8> {
        let byte = self.payload.get(self.at).copied()?;
        self.at += 1;
        Some(byte)
    }

    fn next_16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes([self.next()?, self.next()?]))
    }

    /// The scalability structure (section 4.2.1): the size of its largest layer, where told.
    #[expect(clippy::option_option, reason = "cut short, or whole without a size")]
    fn structure(&mut self) -> Option<Option<(u16, u16)>> {
        let byte = self.next()?;
        let mut size = None;
        if byte & 0x10 != 0 {
            for _ in 0..=byte >> 5 {
                size = Some((self.next_16()?, self.next_16()?));
            }
        }
        if byte & 0x08 != 0 {
            for _ in 0..self.next()? {
                let references = self.next()? >> 2 & 0x03;
                for _ in 0..references {
                    self.next()?;
                }
            }
        }
        Some(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proptest::prelude::*;
    use rtc::rtp::codec::vp9::Vp9Packet;
    use rtc::rtp::packetizer::Depacketizer;

    #[test]
    fn a_key_frame_of_one_layer() {
        // I, B, V; a long id; one size, a group of one picture with one reference.
        let payload = [
            0x8A, 0x92, 0x67, 0x18, 0x02, 0x80, 0x01, 0x68, 0x01, 0x04, 0x01, 0x82,
        ];
        let descriptor = Descriptor::parse(&payload).expect("whole");
        assert_eq!(descriptor.bytes(), 11);
        assert_eq!(descriptor.picture_id, Some(PictureId::Long(4711)));
        assert_eq!(descriptor.size, Some((640, 360)));
        assert!(descriptor.starts_key_frame() && !descriptor.ends_frame);
        for length in 0..payload.len() {
            assert_eq!(Descriptor::parse(&payload[..length]), None, "{length}");
        }
    }

    #[test]
    fn what_gstreamer_sends_is_read() {
        let key_frame = [0x0A, 0x18, 1, 0x60, 1, 0x20, 1, 4, 1, 0xB1, 0x24];
        let descriptor = Descriptor::parse(&key_frame).expect("whole");
        assert!(descriptor.starts_key_frame());
        assert_eq!(descriptor.size, Some((352, 288)));
        assert_eq!(descriptor.bytes(), 9);
        let descriptor = Descriptor::parse(&[0x48, 0xB3, 0x00]).expect("whole");
        assert!(descriptor.starts_frame && !descriptor.starts_key_frame());
    }

    #[test]
    fn only_the_lowest_layer_starts_a_key_frame() {
        // I, L, B, without and with P; the index of the lowest layer's frames.
        let read = |flags, layer| Descriptor::parse(&[flags, 17, layer, 3, 0]).expect("whole");
        let lowest = read(0xA8, 0x00);
        assert!(lowest.starts_key_frame());
        assert_eq!(lowest.tl0_picture_index, Some(3));
        assert!(!read(0xA0, 0x00).starts_key_frame(), "not its first packet");
        assert!(!read(0xE8, 0x00).starts_key_frame(), "predicted");
        let above = read(0xA8, 0x53);
        assert!(!above.starts_key_frame());
        let layer = Layer {
            temporal: 2,
            switching_up: true,
            spatial: 1,
            predicted_from_below: true,
        };
        assert_eq!(above.layer, Some(layer));
    }

    #[test]
    fn references_of_the_flexible_mode_are_three_at_most() {
        assert!(Descriptor::parse(&[0x50, 3, 3, 2, 0]).is_some());
        assert_eq!(Descriptor::parse(&[0x50, 3, 3, 3, 2, 0]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_as_the_reference_reads_them_or_declined(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut bytes = bytes;
            if let Some(flags) = bytes.first_mut() && *flags & 0x02 != 0 {
                *flags &= !0x02;
                let structure_at = Descriptor::parse(&bytes).map(|descriptor| descriptor.bytes());
                bytes[0] |= 0x02;
                // It takes two reserved bits of the structure for a sign of a group.
                if let Some(at) = structure_at {
                    bytes[at] &= !0x06;
                }
            }
            let ours = Descriptor::parse(&bytes);
            let mut theirs = Vp9Packet::default();
            // It declines a third reference and layers above the fifth, and is content with
            // nothing behind the descriptor.
            let Ok(rest) = theirs.depacketize(&Bytes::copy_from_slice(&bytes)) else { return Ok(()) };
            prop_assert_eq!(ours.is_some(), !rest.is_empty());
            let Some(ours) = ours else { return Ok(()) };
            prop_assert_eq!(&bytes[ours.bytes()..], &rest[..]);
            prop_assert_eq!(ours.picture_id.map_or(0, PictureId::value), theirs.picture_id);
            let layer = ours.layer.map(|layer| (layer.temporal, layer.spatial, layer.switching_up, layer.predicted_from_below));
            let theirs_layer = (theirs.tid, theirs.sid, theirs.u, theirs.d);
            prop_assert_eq!(layer, theirs.l.then_some(theirs_layer));
            prop_assert_eq!(ours.tl0_picture_index.unwrap_or(0), theirs.tl0picidx);
            prop_assert_eq!((ours.predicted, ours.starts_frame, ours.ends_frame), (theirs.p, theirs.b, theirs.e));
            let size = theirs.width.last().copied().zip(theirs.height.last().copied());
            prop_assert_eq!(ours.size, size);
        }
    }
}
