//! The VP8 payload descriptor (RFC 7741): what a forwarder reads in it, and the running numbers
//! that it rewrites so that a slot stays continuous over a switch of source or layer.
//!
//! Works on payloads as slices and never panics, whatever they hold. This module must never know
//! where a payload comes from or goes; it decodes no pictures.

#![forbid(unsafe_code)]

/// How many picture ids there are before they wrap, in the long form.
pub const PICTURE_IDS: u16 = 1 << 15;

const PICTURE_ID_MASK: u16 = PICTURE_IDS - 1;
const SHORT_PICTURE_ID_MASK: u8 = 0x7F;
const KEY_INDEX_MASK: u8 = 0x1F;

/// A parsed descriptor: what it says, and where in the payload its numbers stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptor {
    /// N: no other frame needs this one, so it can be dropped alone.
    pub non_reference: bool,
    /// S: the payload begins a partition.
    pub starts_partition: bool,
    /// PID: which partition, 0 to 7.
    pub partition: u8,
    /// I: which picture, 7 or 15 bits.
    pub picture_id: Option<PictureId>,
    /// L: counts the frames of the lowest temporal layer.
    pub tl0_picture_index: Option<u8>,
    /// T: where the frame stands among the temporal layers.
    pub temporal: Option<Temporal>,
    /// K: counts the key frames, 5 bits.
    pub key_index: Option<u8>,
    picture_id_at: u8,
    tl0_picture_index_at: u8,
    temporal_and_key_at: u8,
    bytes: u8,
}

/// A picture id and the form it is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureId {
    /// 7 bits in one byte.
    Short(u8),
    /// 15 bits in two bytes.
    Long(u16),
}

impl PictureId {
    /// The number, whichever form it has.
    pub fn value(self) -> u16 {
        match self {
            Self::Short(id) => u16::from(id),
            Self::Long(id) => id,
        }
    }
}

/// A frame's place among the temporal layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Temporal {
    /// TID: 0 is the lowest layer, 3 the highest.
    pub layer: u8,
    /// Y: depends on the lowest layer alone, so a receiver may begin with this layer here.
    pub sync: bool,
}

impl Descriptor {
    /// Reads the descriptor at the front of a payload. `None` if it is cut short or nothing
    /// follows it.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let mut fields = Fields { payload, at: 0 };
        let first = fields.next()?;
        let flags = if first & 0x80 != 0 { fields.next()? } else { 0 };
        let mut descriptor = Self {
            non_reference: first & 0x20 != 0,
            starts_partition: first & 0x10 != 0,
            partition: first & 0x07,
            picture_id: None,
            tl0_picture_index: None,
            temporal: None,
            key_index: None,
            picture_id_at: 0,
            tl0_picture_index_at: 0,
            temporal_and_key_at: 0,
            bytes: 0,
        };
        if flags & 0x80 != 0 {
            descriptor.picture_id_at = fields.at;
            let high = fields.next()?;
            descriptor.picture_id = Some(if high & 0x80 == 0 {
                PictureId::Short(high)
            } else {
                let low = fields.next()?;
                PictureId::Long(u16::from_be_bytes([high & SHORT_PICTURE_ID_MASK, low]))
            });
        }
        if flags & 0x40 != 0 {
            descriptor.tl0_picture_index_at = fields.at;
            descriptor.tl0_picture_index = Some(fields.next()?);
        }
        if flags & 0x30 != 0 {
            descriptor.temporal_and_key_at = fields.at;
            let byte = fields.next()?;
            descriptor.temporal = (flags & 0x20 != 0).then_some(Temporal {
                layer: byte >> 6,
                sync: byte & 0x20 != 0,
            });
            descriptor.key_index = (flags & 0x10 != 0).then_some(byte & KEY_INDEX_MASK);
        }
        descriptor.bytes = fields.at;
        fields.next()?;
        Some(descriptor)
    }

    /// Length of the descriptor, in bytes: where the VP8 data begins.
    pub fn bytes(&self) -> usize {
        usize::from(self.bytes)
    }

    /// Whether this is the first packet of a frame.
    pub fn starts_frame(&self) -> bool {
        self.starts_partition && self.partition == 0
    }

    /// Whether this is the first packet of a key frame: only here may a receiver begin.
    pub fn starts_key_frame(&self, payload: &[u8]) -> bool {
        let first = payload.get(self.bytes());
        self.starts_frame() && first.is_some_and(|first| first & 0x01 == 0)
    }

    /// Width and height in pixels, from the first packet of a key frame (RFC 6386 section 9.1).
    pub fn key_frame_size(&self, payload: &[u8]) -> Option<(u16, u16)> {
        if !self.starts_key_frame(payload) {
            return None;
        }
        let &[_, _, _, 0x9D, 0x01, 0x2A, w0, w1, h0, h1] =
            payload.get(self.bytes()..)?.first_chunk::<10>()?
        else {
            return None;
        };
        // The upper two bits of each say how to scale up.
        let pixels = |low, high| u16::from_le_bytes([low, high]) & 0x3FFF;
        Some((pixels(w0, w1), pixels(h0, h1)))
    }

    /// Adds `shift` to the numbers in `payload`, the one that this descriptor was read from or a
    /// copy of it. Each keeps its form and wraps in it; what is not there is not added.
    pub fn apply(&self, shift: Shift, payload: &mut [u8]) {
        match self.picture_id {
            Some(PictureId::Short(id)) => {
                if let Some(byte) = payload.get_mut(usize::from(self.picture_id_at)) {
                    let [_, low] = shift.picture_id.to_be_bytes();
                    *byte = id.wrapping_add(low) & SHORT_PICTURE_ID_MASK;
                }
            }
            Some(PictureId::Long(id)) => {
                let at = usize::from(self.picture_id_at);
                if let Some(bytes) = payload.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<2>) {
                    let id = picture_id_plus(id, shift.picture_id) | PICTURE_IDS;
                    *bytes = id.to_be_bytes();
                }
            }
            None => {}
        }
        if let Some(index) = self.tl0_picture_index
            && let Some(byte) = payload.get_mut(usize::from(self.tl0_picture_index_at))
        {
            *byte = index.wrapping_add(shift.tl0_picture_index);
        }
        if let Some(index) = self.key_index
            && let Some(byte) = payload.get_mut(usize::from(self.temporal_and_key_at))
        {
            let index = index.wrapping_add(shift.key_index) & KEY_INDEX_MASK;
            *byte = *byte & !KEY_INDEX_MASK | index;
        }
    }
}

struct Fields<'a> {
    payload: &'a [u8],
    at: u8,
}

impl Fields<'_> {
    fn next(&mut self) -> Option<u8> {
        let byte = self.payload.get(usize::from(self.at)).copied()?;
        // A descriptor has six bytes at most.
        self.at += 1;
        Some(byte)
    }
}

/// The running numbers of one frame, as they were sent on a slot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Numbers {
    /// 15 bits.
    pub picture_id: u16,
    /// 8 bits.
    pub tl0_picture_index: u8,
    /// 5 bits.
    pub key_index: u8,
}

/// What is added to a source's numbers to make a slot's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shift {
    /// Modulo [`PICTURE_IDS`].
    pub picture_id: u16,
    /// Modulo 256.
    pub tl0_picture_index: u8,
    /// Modulo 32.
    pub key_index: u8,
}

impl Shift {
    /// The shift under which `first`, the first key frame of a source new on a slot, comes next
    /// after `last` in every number. A number that `first` does not have is not shifted.
    pub fn following(last: Numbers, first: &Descriptor) -> Self {
        let next = Numbers {
            picture_id: picture_id_plus(last.picture_id, 1),
            tl0_picture_index: last.tl0_picture_index.wrapping_add(1),
            key_index: last.key_index.wrapping_add(1),
        };
        Self {
            picture_id: first.picture_id.map_or(0, |id| {
                next.picture_id.wrapping_sub(id.value()) & PICTURE_ID_MASK
            }),
            tl0_picture_index: first
                .tl0_picture_index
                .map_or(0, |index| next.tl0_picture_index.wrapping_sub(index)),
            key_index: first.key_index.map_or(0, |index| {
                next.key_index.wrapping_sub(index) & KEY_INDEX_MASK
            }),
        }
    }

    /// The numbers that a frame has on the slot. What it lacks stays as in `last`. A short
    /// picture id counts on in 15 bits only where its own 7 do not wrap; the low 7 are right.
    pub fn numbers(self, last: Numbers, descriptor: &Descriptor) -> Numbers {
        Numbers {
            picture_id: descriptor.picture_id.map_or(last.picture_id, |id| {
                picture_id_plus(id.value(), self.picture_id)
            }),
            tl0_picture_index: descriptor
                .tl0_picture_index
                .map_or(last.tl0_picture_index, |index| {
                    index.wrapping_add(self.tl0_picture_index)
                }),
            key_index: descriptor.key_index.map_or(last.key_index, |index| {
                index.wrapping_add(self.key_index) & KEY_INDEX_MASK
            }),
        }
    }
}

/// The picture id so many pictures later.
pub fn picture_id_plus(id: u16, pictures: u16) -> u16 {
    id.wrapping_add(pictures) & PICTURE_ID_MASK
}

/// How far `to` lies ahead of `from`, the short way round: −2^14 to 2^14 − 1.
pub fn picture_id_distance(from: u16, to: u16) -> i16 {
    // Shifted up one bit, 15-bit arithmetic wraps where 16-bit arithmetic does.
    let ahead = (to << 1).wrapping_sub(from << 1);
    ahead.cast_signed() >> 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proptest::prelude::*;
    use rtc::rtp::codec::vp8::Vp8Packet;
    use rtc::rtp::packetizer::Depacketizer;

    /// A key frame of 176 by 144 that scales its width up.
    const KEY_FRAME: [u8; 11] = [
        0x10, 0x02, 0x00, 0x9D, 0x01, 0x2A, 0xB0, 0x40, 0x90, 0x00, 0x00,
    ];

    fn with(descriptor: &[u8], frame: &[u8]) -> Vec<u8> {
        [descriptor, frame].concat()
    }

    #[test]
    fn the_shortest_descriptor_is_one_byte() {
        // RFC 7741 section 4.2: S and PID 0 alone.
        let payload = with(&[0x10], &KEY_FRAME);
        let descriptor = Descriptor::parse(&payload).unwrap();
        assert_eq!(descriptor.bytes(), 1);
        assert!(descriptor.starts_key_frame(&payload));
        assert_eq!(descriptor.key_frame_size(&payload), Some((176, 144)));
        assert_eq!(descriptor.picture_id, None);
    }

    /// The shapes that RFC 7741 section 4.6 gives.
    #[test]
    fn reads_the_examples_of_rfc_7741() {
        let key_frame = with(&[0x90, 0x80, 17], &KEY_FRAME);
        let descriptor = Descriptor::parse(&key_frame).unwrap();
        assert_eq!(descriptor.picture_id, Some(PictureId::Short(17)));
        assert_eq!(descriptor.bytes(), 3);
        assert!(descriptor.starts_key_frame(&key_frame));

        let inter_frame = [0x10, 0x11, 0, 0];
        let descriptor = Descriptor::parse(&inter_frame).unwrap();
        assert!(descriptor.starts_frame() && !descriptor.non_reference);
        assert!(!descriptor.starts_key_frame(&inter_frame));

        let second_fragment = with(&[0x80, 0x80, 17], &KEY_FRAME);
        let descriptor = Descriptor::parse(&second_fragment).unwrap();
        assert!(!descriptor.starts_frame());
        assert!(!descriptor.starts_key_frame(&second_fragment));
        assert_eq!(descriptor.key_frame_size(&second_fragment), None);

        let long_picture_id = with(&[0x90, 0x80, 0x92, 0x67], &KEY_FRAME);
        let descriptor = Descriptor::parse(&long_picture_id).unwrap();
        assert_eq!(descriptor.picture_id, Some(PictureId::Long(4711)));
        assert_eq!(descriptor.bytes(), 4);
    }

    #[test]
    fn reads_temporal_layers_and_frames_that_can_be_dropped() {
        let layered = with(&[0xB0, 0xE0, 0x92, 0x67, 23, 0x60], &[1]);
        let descriptor = Descriptor::parse(&layered).unwrap();
        assert!(descriptor.non_reference);
        assert_eq!(descriptor.tl0_picture_index, Some(23));
        let temporal = Temporal {
            layer: 1,
            sync: true,
        };
        assert_eq!(descriptor.temporal, Some(temporal));
        assert_eq!(descriptor.key_index, None);
        assert_eq!(descriptor.bytes(), 6);
    }

    #[test]
    fn the_layer_is_not_read_where_only_the_key_index_is_meant() {
        let descriptor = Descriptor::parse(&[0x90, 0x10, 0xFF, 1]).unwrap();
        assert_eq!(descriptor.temporal, None);
        assert_eq!(descriptor.key_index, Some(31));
    }

    #[test]
    fn a_later_partition_begins_no_frame() {
        let payload = with(&[0x11], &KEY_FRAME);
        let descriptor = Descriptor::parse(&payload).unwrap();
        assert!(descriptor.starts_partition && !descriptor.starts_key_frame(&payload));
    }

    #[test]
    fn what_is_cut_short_is_declined() {
        let whole = with(&[0x90, 0xF0, 0x92, 0x67, 23, 0x60], &[1]);
        assert!(Descriptor::parse(&whole).is_some());
        for length in 0..whole.len() {
            assert_eq!(Descriptor::parse(&whole[..length]), None, "{length}");
        }
        let key_frame = with(&[0x10], &KEY_FRAME);
        let descriptor = Descriptor::parse(&key_frame).unwrap();
        assert_eq!(descriptor.key_frame_size(&key_frame[..10]), None);
        let no_start_code = with(&[0x10], &[0; 11]);
        assert_eq!(descriptor.key_frame_size(&no_start_code), None);
    }

    #[test]
    fn numbers_wrap_in_their_own_form_and_nothing_else_changes() {
        let shift = Shift {
            picture_id: 1,
            tl0_picture_index: 2,
            key_index: 3,
        };
        let mut long = [0x90, 0xF0, 0xFF, 0xFF, 0xFF, 0xFF, 0xAA];
        let descriptor = Descriptor::parse(&long).unwrap();
        descriptor.apply(shift, &mut long);
        assert_eq!(long, [0x90, 0xF0, 0x80, 0x00, 0x01, 0xE2, 0xAA]);

        let mut short = [0x90, 0x80, 0x7F, 0xAA];
        let descriptor = Descriptor::parse(&short).unwrap();
        descriptor.apply(shift, &mut short);
        assert_eq!(short, [0x90, 0x80, 0x00, 0xAA]);

        let mut layer_only = [0x90, 0x20, 0x5F, 0xAA];
        let descriptor = Descriptor::parse(&layer_only).unwrap();
        descriptor.apply(shift, &mut layer_only);
        assert_eq!(layer_only, [0x90, 0x20, 0x5F, 0xAA]);
    }

    #[test]
    fn a_new_source_comes_next_after_the_last_frame_of_the_old() {
        let last = Numbers {
            picture_id: 32767,
            tl0_picture_index: 255,
            key_index: 31,
        };
        let mut payload = [0x90, 0xF0, 0x92, 0x67, 23, 0x65, 0];
        let first = Descriptor::parse(&payload).unwrap();
        let shift = Shift::following(last, &first);
        assert_eq!(shift.numbers(last, &first), Numbers::default());
        first.apply(shift, &mut payload);
        let sent = Descriptor::parse(&payload).unwrap();
        assert_eq!(sent.picture_id, Some(PictureId::Long(0)));
        assert_eq!((sent.tl0_picture_index, sent.key_index), (Some(0), Some(0)));
        assert_eq!(sent.temporal, first.temporal);
    }

    #[test]
    fn distances_go_the_short_way_round() {
        assert_eq!(picture_id_distance(32767, 0), 1);
        assert_eq!(picture_id_distance(0, 32767), -1);
        assert_eq!(picture_id_distance(0, 16383), 16383);
        assert_eq!(picture_id_distance(0, 16384), -16384);
        assert_eq!(picture_id_plus(32767, 1), 0);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_as_the_reference_reads_them_or_declined(bytes in proptest::collection::vec(any::<u8>(), 4..24)) {
            let ours = Descriptor::parse(&bytes);
            let mut theirs = Vp8Packet::default();
            let rest = theirs.depacketize(&Bytes::copy_from_slice(&bytes));
            prop_assert_eq!(ours.is_some(), rest.is_ok());
            if let (Some(ours), Ok(rest)) = (ours, rest) {
                prop_assert_eq!(&bytes[ours.bytes()..], &rest[..]);
                prop_assert_eq!(ours.picture_id.map_or(0, PictureId::value), theirs.picture_id);
                prop_assert_eq!(ours.tl0_picture_index.unwrap_or(0), theirs.tl0_pic_idx);
                prop_assert_eq!(ours.temporal.map_or(0, |temporal| temporal.layer), theirs.tid);
                prop_assert_eq!(ours.key_index.unwrap_or(0), theirs.key_idx);
                prop_assert_eq!(ours.partition, theirs.pid);
                prop_assert_eq!(u8::from(ours.starts_partition), theirs.s);
            }
        }

        #[test]
        fn what_is_shifted_there_and_back_is_as_it_was(
            bytes in proptest::collection::vec(any::<u8>(), 0..12),
            other in proptest::collection::vec(any::<u8>(), 0..12),
            picture_id in 0..PICTURE_IDS,
            tl0_picture_index: u8,
            key_index in 0_u8..32,
        ) {
            let Some(descriptor) = Descriptor::parse(&bytes) else { return Ok(()) };
            let shift = Shift { picture_id, tl0_picture_index, key_index };
            let back = Shift {
                picture_id: picture_id.wrapping_neg(),
                tl0_picture_index: tl0_picture_index.wrapping_neg(),
                key_index: key_index.wrapping_neg(),
            };
            let mut payload = bytes.clone();
            descriptor.apply(shift, &mut payload);
            let shifted = Descriptor::parse(&payload).unwrap();
            prop_assert_eq!(shifted.bytes(), descriptor.bytes());
            prop_assert_eq!(&payload[shifted.bytes()..], &bytes[descriptor.bytes()..]);
            shifted.apply(back, &mut payload);
            prop_assert_eq!(payload, bytes);
            descriptor.apply(shift, &mut other.clone());
            descriptor.key_frame_size(&other);
        }
    }
}
