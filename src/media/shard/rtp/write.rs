//! Writing a header.

use super::{FIXED_HEADER_BYTES, ONE_BYTE_FORM, VERSION};

/// The longest element that the one-byte extension form can carry, in bytes.
pub const ONE_BYTE_ELEMENT_BYTES_MAX: usize = 16;

/// The fields of a header to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderFields {
    /// The marker bit.
    pub marker: bool,
    /// 7 bits; a larger number is not written.
    pub payload_type: u8,
    /// The low 16 bits of the packet's index.
    pub sequence: u16,
    /// In units of the payload type's clock.
    pub timestamp: u32,
    /// The sending stream.
    pub ssrc: u32,
    /// Whether the payload ends with padding; whoever sets it writes the padding.
    pub padded: bool,
}

/// Writes a header with `elements`, as (id, bytes) in the one-byte form, at the front of `out` and
/// returns its length in bytes. `None`, with `out` in any state, if it does not fit, an id is not
/// 1 to 14, or an element has not 1 to [`ONE_BYTE_ELEMENT_BYTES_MAX`] bytes.
pub fn write_header(
    out: &mut [u8],
    fields: &HeaderFields,
    elements: &[(u8, &[u8])],
) -> Option<usize> {
    if fields.payload_type > 0x7F {
        return None;
    }
    let (fixed, rest) = out.split_first_chunk_mut::<FIXED_HEADER_BYTES>()?;
    let [s0, s1] = fields.sequence.to_be_bytes();
    let [t0, t1, t2, t3] = fields.timestamp.to_be_bytes();
    let [r0, r1, r2, r3] = fields.ssrc.to_be_bytes();
    let flags = u8::from(fields.padded) << 5 | u8::from(!elements.is_empty()) << 4;
    let b1 = u8::from(fields.marker) << 7 | fields.payload_type;
    *fixed = [
        VERSION << 6 | flags,
        b1,
        s0,
        s1,
        t0,
        t1,
        t2,
        t3,
        r0,
        r1,
        r2,
        r3,
    ];
    if elements.is_empty() {
        return Some(FIXED_HEADER_BYTES);
    }
    let block_bytes = write_one_byte_extensions(rest, elements)?;
    Some(FIXED_HEADER_BYTES + block_bytes)
}

fn write_one_byte_extensions(out: &mut [u8], elements: &[(u8, &[u8])]) -> Option<usize> {
    let (preamble, body) = out.split_first_chunk_mut::<4>()?;
    let mut used = 0_usize;
    for &(id, element) in elements {
        let fits = (1..=14).contains(&id) && element.len() <= ONE_BYTE_ELEMENT_BYTES_MAX;
        let length_field = u8::try_from(element.len().checked_sub(1).filter(|_| fits)?).ok()?;
        let (first, room) = body.get_mut(used..)?.split_first_mut()?;
        *first = id << 4 | length_field;
        room.get_mut(..element.len())?.copy_from_slice(element);
        used += 1 + element.len();
    }
    let padded = used.next_multiple_of(4);
    body.get_mut(used..padded)?.fill(0);
    let [f0, f1] = ONE_BYTE_FORM.to_be_bytes();
    let [w0, w1] = u16::try_from(padded / 4).ok()?.to_be_bytes();
    *preamble = [f0, f1, w0, w1];
    Some(4 + padded)
}

#[cfg(test)]
mod tests {
    use super::super::Header;
    use super::*;
    use rtc::shared::marshal::{Marshal, Unmarshal};

    const FIELDS: HeaderFields = HeaderFields {
        marker: true,
        payload_type: 111,
        sequence: 65535,
        timestamp: 0x0102_0304,
        ssrc: 0x0506_0708,
        padded: false,
    };

    #[test]
    fn what_is_written_is_read_back_and_what_does_not_fit_is_not_written() {
        let elements: [(u8, &[u8]); 3] = [(1, &[0x85]), (3, &[1, 2, 3]), (14, &[7; 16])];
        let mut out = [0xFF; 64];
        let length = write_header(&mut out, &FIELDS, &elements).unwrap();
        let header = Header::parse(&out[..length]).unwrap();
        assert_eq!(header.header_bytes(), length);
        assert_eq!((header.payload_type, header.sequence), (111, 65535));
        assert!(header.extensions(&out).eq(elements));
        for short in 0..length {
            assert_eq!(write_header(&mut out[..short], &FIELDS, &elements), None);
        }
        for wrong in [(0, &[1][..]), (15, &[1]), (1, &[]), (1, &[0; 17])] {
            assert_eq!(write_header(&mut out, &FIELDS, &[wrong]), None);
        }
        let wide = HeaderFields {
            payload_type: 128,
            ..FIELDS
        };
        assert_eq!(write_header(&mut out, &wide, &[]), None);
    }

    #[test]
    fn the_reference_reads_what_is_written() {
        let mut out = [0xFF; 64];
        let length = write_header(&mut out, &FIELDS, &[(1, &[0x85]), (3, &[1, 2])]).unwrap();
        let theirs = rtc::rtp::Header::unmarshal(&mut &out[..length]).unwrap();
        assert!(theirs.marker);
        assert_eq!(theirs.payload_type, FIELDS.payload_type);
        assert_eq!(theirs.sequence_number, FIELDS.sequence);
        assert_eq!(theirs.timestamp, FIELDS.timestamp);
        assert_eq!(theirs.ssrc, FIELDS.ssrc);
        assert_eq!(theirs.get_extension(1).unwrap().as_ref(), [0x85]);
        assert_eq!(theirs.get_extension(3).unwrap().as_ref(), [1, 2]);
        let back = theirs.marshal().unwrap();
        assert_eq!(back, out[..length]);
    }
}
