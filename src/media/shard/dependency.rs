//! The dependency descriptor, an RTP header extension of AV1 that serves every codec: where
//! frames begin and end, and which layer they belong to, though their payload be encrypted (RTP
//! Payload Format For AV1, appendix A).
//!
//! Reads what choosing layers needs and leaves the rest. Works on slices and never panics,
//! whatever they hold. This module must never know payloads.

#![forbid(unsafe_code)]

use super::bits::Bits;

/// Templates that 6 bits can tell apart (section A.8.3).
const TEMPLATES_MAX: usize = 64;
/// Spatial layers that 2 bits can.
const SPATIAL_MAX: usize = 4;
/// Bytes of a descriptor that has the mandatory fields alone.
const MANDATORY_BYTES: usize = 3;

/// What a packet's descriptor says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptor {
    /// The first packet of a frame.
    pub starts_frame: bool,
    /// The last packet of a frame.
    pub ends_frame: bool,
    /// Which of the structure's templates the frame follows, 6 bits.
    pub template: u8,
    /// Counts the frames, 16 bits.
    pub frame: u16,
    /// Templates, told anew with each key frame; they hold until the next are told.
    pub structure: Option<Structure>,
}

/// The templates: which layer each stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Structure {
    /// Number of the first template.
    offset: u8,
    count: u8,
    layers: [Layer; TEMPLATES_MAX],
    /// Width and height of each spatial layer, in pixels, where they are told.
    sizes: [Option<(u16, u16)>; SPATIAL_MAX],
}

/// A place among the layers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Layer {
    /// 0 is the smallest, 3 the largest.
    pub spatial: u8,
    /// 0 is the lowest.
    pub temporal: u8,
}

impl Descriptor {
    /// Reads an extension's bytes. `None` if they are cut short.
    pub fn parse(extension: &[u8]) -> Option<Self> {
        let mut bits = Bits::over(extension);
        let starts_frame = bits.flag()?;
        let ends_frame = bits.flag()?;
        let template = bits.take(6)? as u8;
        let frame = bits.take(16)? as u16;
        let mut structure = None;
        if extension.len() > MANDATORY_BYTES {
            let told = bits.flag()?;
            // Active decode targets, and what the frame has of its own: not of use here.
            bits.skip(4)?;
            if told {
                structure = Some(Structure::read(&mut bits)?);
            }
        }
        Some(Self {
            starts_frame,
            ends_frame,
            template,
            frame,
            structure,
        })
    }

    /// Whether this is the first packet of a key frame: only here may a receiver begin.
    pub fn starts_key_frame(&self) -> bool {
        self.starts_frame && self.structure.is_some()
    }
}

impl Structure {
    /// The layer of frames that follow this template; `None` for one that was not told.
    pub fn layer(&self, template: u8) -> Option<Layer> {
        let place = template.wrapping_sub(self.offset) & 0x3F;
        if place >= self.count {
            return None;
        }
        self.layers.get(usize::from(place)).copied()
    }

    /// Width and height of a spatial layer, in pixels, if they were told.
    pub fn size(&self, spatial: u8) -> Option<(u16, u16)> {
        self.sizes.get(usize::from(spatial)).copied().flatten()
    }

    /// Width and height of the largest layer that they were told of.
    pub fn largest(&self) -> Option<(u16, u16)> {
        self.sizes.iter().rev().find_map(|size| *size)
    }

    fn read(bits: &mut Bits<'_>) -> Option<Self> {
        let mut structure = Self {
            offset: bits.take(6)? as u8,
            count: 0,
            layers: [Layer::default(); TEMPLATES_MAX],
            sizes: [None; SPATIAL_MAX],
        };
        let targets = bits.take(5)? + 1;
        let highest = structure.read_layers(bits)?;
        let templates = u32::from(structure.count);
        // What each template means for each decode target.
        bits.skip(templates * targets * 2)?;
        // The frames that each template refers to.
        for _ in 0..templates {
            while bits.flag()? {
                bits.skip(4)?;
            }
        }
        let chains = bits.below(targets + 1)?;
        if chains > 0 {
            for _ in 0..targets {
                bits.below(chains)?;
            }
            bits.skip(templates * chains * 4)?;
        }
        if bits.flag()? {
            for size in structure.sizes.iter_mut().take(usize::from(highest) + 1) {
                let width = u16::try_from(bits.take(16)? + 1).ok()?;
                let height = u16::try_from(bits.take(16)? + 1).ok()?;
                *size = Some((width, height));
            }
        }
        Some(structure)
    }

    /// The layer of each template; gives the highest spatial one.
    fn read_layers(&mut self, bits: &mut Bits<'_>) -> Option<u8> {
        let mut layer = Layer::default();
        loop {
            *self.layers.get_mut(usize::from(self.count))? = layer;
            self.count += 1;
            match bits.take(2)? {
                0 => {}
                1 => layer.temporal = layer.temporal.checked_add(1)?,
                2 => {
                    layer.spatial += 1;
                    layer.temporal = 0;
                    if usize::from(layer.spatial) >= SPATIAL_MAX {
                        return None;
                    }
                }
                _ => return Some(layer.spatial),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Bits written as text, filled up to whole bytes with zeros.
    fn bytes(bits: &str) -> Vec<u8> {
        let bits: Vec<u8> = bits.bytes().filter(|bit| *bit != b' ').collect();
        bits.chunks(8)
            .map(|byte| byte.iter().fold(0, |all, bit| all << 1 | (bit - b'0')) << (8 - byte.len()))
            .collect()
    }

    /// Two spatial layers of two temporal ones (L2T2 in short), two decode targets, a chain.
    fn key_frame() -> Vec<u8> {
        bytes(
            &[
                "1 0 000101 0000000000000111", // starts, template 5, frame 7
                "1 0 0 0 0",
                "000101 00001",            // templates from 5 on, two targets
                "01 10 01 11",             // (0,0) (0,1) (1,0) (1,1)
                "10 10 10 00 10 10 10 00", // what they mean
                "0 1 0001 0 1 0010 1 0001 0 0",
                "10", // one chain of at most two: ns(3)
                "",   // ns(1) twice: no bits
                "0000 0001 0010 0011",
                "1",
                "0000000101000000 0000000010110100", // 321 by 181
                "0000001001111111 0000000101100111", // 640 by 360
            ]
            .concat(),
        )
    }

    #[test]
    fn the_mandatory_fields_stand_alone() {
        let descriptor = Descriptor::parse(&[0x43, 0x12, 0x34]).expect("three bytes");
        let expected = Descriptor {
            starts_frame: false,
            ends_frame: true,
            template: 3,
            frame: 0x1234,
            structure: None,
        };
        assert_eq!(descriptor, expected);
        assert!(!descriptor.starts_key_frame());
        assert_eq!(Descriptor::parse(&[0x43, 0x12]), None);
    }

    #[test]
    fn a_key_frame_tells_layers_and_sizes() {
        let extension = key_frame();
        let descriptor = Descriptor::parse(&extension).expect("whole");
        assert!(descriptor.starts_key_frame());
        assert_eq!((descriptor.template, descriptor.frame), (5, 7));
        let structure = descriptor.structure.expect("told");
        let layers: Vec<_> = (4..=9)
            .map(|template| structure.layer(template).map(|l| (l.spatial, l.temporal)))
            .collect();
        let told = [(0, 0), (0, 1), (1, 0), (1, 1)].map(Some);
        assert_eq!(layers[1..5], told);
        assert_eq!((layers[0], layers[5]), (None, None));
        assert_eq!(structure.size(0), Some((321, 181)));
        assert_eq!(structure.largest(), Some((640, 360)));
        assert_eq!(structure.size(2), None);
        for length in 0..extension.len() {
            let whole = Descriptor::parse(&extension[..length]).is_some();
            assert_eq!(whole, length == MANDATORY_BYTES, "{length}");
        }
    }

    #[test]
    fn templates_are_counted_over_the_wrap() {
        let mut structure = Descriptor::parse(&key_frame())
            .and_then(|descriptor| descriptor.structure)
            .expect("told");
        structure.offset = 62;
        assert_eq!(structure.layer(0).map(|layer| layer.spatial), Some(1));
        assert_eq!(structure.layer(2), None);
    }

    proptest! {
        #[test]
        fn any_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..80), template: u8) {
            let begun = [&[0x80, 0, 0, 0x80][..], &bytes].concat();
            for extension in [bytes, begun] {
                if let Some(structure) = Descriptor::parse(&extension).and_then(|d| d.structure) {
                    structure.layer(template);
                    structure.size(template);
                }
            }
        }
    }
}
