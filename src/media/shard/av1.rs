//! AV1 in RTP: where a coded video sequence begins, and how large its picture is (RTP Payload
//! Format For AV1, sections 4.3 and 4.4).
//!
//! Works on payloads as slices and never panics, whatever they hold. This module must never know
//! where a payload comes from or goes; it decodes no pictures.

#![forbid(unsafe_code)]

use super::bits::Bits;

const CONTINUES: u8 = 0x80;
const NEW_SEQUENCE: u8 = 0x08;

const SEQUENCE_HEADER: u8 = 1;
const HAS_EXTENSION: u8 = 0x04;
const HAS_SIZE: u8 = 0x02;

/// Whether this is the first packet of a coded video sequence, which begins with a key frame:
/// only here may a receiver begin.
pub fn starts_key_frame(payload: &[u8]) -> bool {
    payload
        .first()
        .is_some_and(|header| header & NEW_SEQUENCE != 0 && header & CONTINUES == 0)
        && payload.len() > 1
}

/// The largest width and height in pixels, from a packet with the sequence header whole.
pub fn key_frame_size(payload: &[u8]) -> Option<(u16, u16)> {
    if !starts_key_frame(payload) {
        return None;
    }
    elements(payload).find_map(|element| {
        let (header, rest) = element.split_first()?;
        if header >> 3 & 0x0F != SEQUENCE_HEADER {
            return None;
        }
        let rest = rest.get(usize::from(header & HAS_EXTENSION != 0)..)?;
        if header & HAS_SIZE == 0 {
            return size(rest);
        }
        let (bytes, rest) = leb128(rest)?;
        size(rest.get(..bytes)?)
    })
}

/// The OBU elements of a packet, from its aggregation header on.
fn elements(payload: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (header, mut rest) = payload.split_first().unwrap_or((&0, &[]));
    // W: so many, the last without its length; 0: each with its length.
    let count = header >> 4 & 0x03;
    let mut number = 0_u8;
    std::iter::from_fn(move || {
        if rest.is_empty() || (count != 0 && number >= count) {
            return None;
        }
        number = number.saturating_add(1);
        if number == count {
            return Some(std::mem::take(&mut rest));
        }
        let (bytes, behind) = leb128(rest)?;
        let (element, behind) = behind.split_at_checked(bytes)?;
        rest = behind;
        Some(element)
    })
}

/// A number of seven bits a byte, the least significant first; those of over 32 bits are
/// declined.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_u64;
    for (place, byte) in bytes.iter().enumerate().take(8) {
        value |= u64::from(byte & 0x7F) << (7 * place);
        if byte & 0x80 == 0 {
            let value = usize::try_from(u32::try_from(value).ok()?).ok()?;
            return Some((value, bytes.get(place + 1..)?));
        }
    }
    None
}

/// The size that a sequence header tells (AV1 section 5.5.1).
fn size(header: &[u8]) -> Option<(u16, u16)> {
    let mut bits = Bits::over(header);
    // Profile and still picture.
    bits.skip(4)?;
    if bits.flag()? {
        bits.skip(5)?;
    } else {
        skip_operating_points(&mut bits)?;
    }
    let width_bits = bits.take(4)? + 1;
    let height_bits = bits.take(4)? + 1;
    let width = bits.take(width_bits)? + 1;
    let height = bits.take(height_bits)? + 1;
    Some((u16::try_from(width).ok()?, u16::try_from(height).ok()?))
}

fn skip_operating_points(bits: &mut Bits<'_>) -> Option<()> {
    let mut delay_bits = None;
    if bits.flag()? {
        bits.skip(64)?;
        if bits.flag()? {
            bits.exp_golomb()?;
        }
        if bits.flag()? {
            delay_bits = Some(bits.take(5)? + 1);
            bits.skip(32 + 5 + 5)?;
        }
    }
    let display_delay = bits.flag()?;
    for _ in 0..=bits.take(5)? {
        bits.skip(12)?;
        if bits.take(5)? > 7 {
            bits.skip(1)?;
        }
        if let Some(delay_bits) = delay_bits
            && bits.flag()?
        {
            bits.skip(2 * delay_bits + 1)?;
        }
        if display_delay && bits.flag()? {
            bits.skip(4)?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proptest::prelude::*;
    use rtc::rtp::codec::av1::Av1Payloader;
    use rtc::rtp::packetizer::Payloader;

    /// The sequence header that libaom wrote for 352 by 288.
    const LIBAOM: [u8; 11] = [
        0x20, 0x00, 0x00, 0x04, 0x45, 0x7E, 0x3F, 0xC0, 0xDA, 0xF9, 0x02,
    ];

    fn header(width: u32, height: u32) -> Vec<u8> {
        // Profile 0; one operating point of level 8, so with a tier; 16 bits for each size.
        let mut bits = String::from("000");
        bits += "0"; // still picture
        bits += "0"; // reduced
        bits += "0"; // timing
        bits += "0"; // display delay
        bits += "00000";
        bits += "000000000000";
        bits += "010000"; // level, tier
        bits += "11111111";
        bits += &format!("{:016b}{:016b}", width - 1, height - 1);
        bits += "0000000";
        bits.as_bytes()
            .chunks(8)
            .map(|byte| byte.iter().fold(0, |all, bit| all << 1 | (bit - b'0')) << (8 - byte.len()))
            .collect()
    }

    #[test]
    fn sizes_are_read_however_the_header_is_packed() {
        let sequence = header(1280, 720);
        // One element; two of which the first has a length; each with a length; a size inside.
        let one = [&[0x18, 0x08][..], &sequence].concat();
        assert_eq!(key_frame_size(&one), Some((1280, 720)));
        let length = sequence.len() as u8;
        let two = [&[0x28, length + 1, 0x08][..], &sequence, &[0x30, 1, 2]].concat();
        assert_eq!(key_frame_size(&two), Some((1280, 720)));
        let each = [&[0x08, 2, 0x12, 0, length + 2, 0x0A, length][..], &sequence].concat();
        assert_eq!(key_frame_size(&each), Some((1280, 720)));
        assert_eq!(key_frame_size(&each[..each.len() - 1]), None);
        let continued = [&[0x98, 0x08][..], &sequence].concat();
        assert_eq!(key_frame_size(&continued), None);
        let libaom = [&[0x18, 0x08][..], &LIBAOM].concat();
        assert_eq!(key_frame_size(&libaom), Some((352, 288)));
    }

    #[test]
    fn a_key_frame_starts_where_a_sequence_does() {
        assert!(starts_key_frame(&[0x18, 0x08]));
        assert!(!starts_key_frame(&[0x10, 0x30]));
        assert!(!starts_key_frame(&[0x98, 0x30]), "the rest of an element");
        assert!(!starts_key_frame(&[0x18]));
        assert!(!starts_key_frame(&[]));
    }

    #[test]
    fn what_the_reference_packs_is_read() {
        let sequence = header(640, 360);
        let mut stream = vec![0x12, 0, 0x0A, sequence.len() as u8];
        stream.extend(&sequence);
        stream.extend([0x32, 0x80 | 88, 0x0B]);
        stream.extend([7; 1496]);
        let mut payloader = Av1Payloader::default();
        let packets = payloader
            .payload(1000, &Bytes::from(stream))
            .expect("packets");
        assert!(packets.len() > 1);
        assert_eq!(key_frame_size(&packets[0]), Some((640, 360)));
        assert!(packets[1..].iter().all(|packet| !starts_key_frame(packet)));
    }

    proptest! {
        #[test]
        fn any_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            starts_key_frame(&bytes);
            key_frame_size(&bytes);
            key_frame_size(&[&[0x18, 0x08][..], &bytes].concat());
            key_frame_size(&[&[0x08][..], &bytes].concat());
        }
    }
}
