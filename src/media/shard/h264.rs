//! H.264 in RTP (RFC 6184): where a key frame begins, and how large its picture is.
//!
//! Works on payloads as slices and never panics, whatever they hold. This module must never know
//! where a payload comes from or goes; it decodes no pictures.

#![forbid(unsafe_code)]

use super::bits::Bits;

const SLICE_OF_KEY_FRAME: u8 = 5;
const SEQUENCE_PARAMETERS: u8 = 7;
const SEVERAL: u8 = 24;
const FRAGMENT: u8 = 28;
const KIND_MASK: u8 = 0x1F;
const FRAGMENT_STARTS: u8 = 0x80;

/// Profiles whose parameters tell of chroma and scaling (section 7.3.2.1.1 of H.264).
const HIGH_PROFILES: [u32; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/// Whether a receiver may begin with this packet: it holds sequence parameters, which precede a
/// key frame, or the first slice of a key frame.
pub fn starts_key_frame(payload: &[u8]) -> bool {
    units(payload).any(|unit| match unit.kind {
        SEQUENCE_PARAMETERS => true,
        // The number of the slice's first macroblock comes first, and 0 is written as 1.
        SLICE_OF_KEY_FRAME => unit.body.first().is_some_and(|first| first & 0x80 != 0),
        _ => false,
    })
}

/// Width and height in pixels, from a packet that holds the sequence parameters whole.
pub fn key_frame_size(payload: &[u8]) -> Option<(u16, u16)> {
    units(payload)
        .filter(|unit| unit.kind == SEQUENCE_PARAMETERS)
        .find_map(|unit| size(unit.body))
}

/// A NAL unit, or the first fragment of one.
struct Unit<'a> {
    kind: u8,
    body: &'a [u8],
}

impl<'a> Unit<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let (header, body) = bytes.split_first()?;
        Some(Self {
            kind: header & KIND_MASK,
            body,
        })
    }
}

/// The units that begin in a packet: a single one, those of a STAP-A, the first part of an FU-A.
fn units(payload: &[u8]) -> impl Iterator<Item = Unit<'_>> {
    let whole = Unit::of(payload);
    let (mut single, mut several) = (None, None);
    match whole {
        Some(Unit {
            kind: SEVERAL,
            body,
        }) => several = Some(body),
        Some(Unit {
            kind: FRAGMENT,
            body,
        }) => single = Unit::of(body).filter(|_| body.first().is_some_and(starts)),
        other => single = other,
    }
    let several = std::iter::from_fn(move || {
        let (length, rest) = several?.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (unit, rest) = rest.split_at_checked(length)?;
        several = Some(rest);
        Some(Unit::of(unit))
    });
    single.into_iter().chain(several.flatten())
}

fn starts(fragment_header: &u8) -> bool {
    fragment_header & FRAGMENT_STARTS != 0
}

/// The size that sequence parameters tell (section 7.3.2.1.1 of H.264).
fn size(parameters: &[u8]) -> Option<(u16, u16)> {
    let mut bits = Bits::over_escaped(parameters);
    let profile = bits.take(8)?;
    // Constraints and level.
    bits.skip(16)?;
    bits.exp_golomb()?;
    let mut chroma = 1;
    let mut separate = false;
    if HIGH_PROFILES.contains(&profile) {
        chroma = bits.exp_golomb()?;
        if chroma == 3 {
            separate = bits.flag()?;
        }
        // Bit depths, and whether a transform is bypassed.
        bits.exp_golomb()?;
        bits.exp_golomb()?;
        bits.skip(1)?;
        if bits.flag()? {
            for list in 0..if chroma == 3 { 12 } else { 8 } {
                if bits.flag()? {
                    skip_scaling_list(&mut bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    // Frame numbers and the order of pictures.
    bits.exp_golomb()?;
    match bits.exp_golomb()? {
        0 => drop(bits.exp_golomb()?),
        1 => {
            bits.skip(1)?;
            bits.exp_golomb()?;
            bits.exp_golomb()?;
            // At most 255 (section 7.4.2.1.1); the bits end before anything large does.
            for _ in 0..bits.exp_golomb()?.min(255) {
                bits.exp_golomb()?;
            }
        }
        _ => {}
    }
    // Reference frames, and whether numbers may have gaps.
    bits.exp_golomb()?;
    bits.skip(1)?;
    let width = bits.exp_golomb()?.checked_add(1)?.checked_mul(16)?;
    let units = bits.exp_golomb()?.checked_add(1)?.checked_mul(16)?;
    let whole_frames = bits.flag()?;
    let fields = if whole_frames { 1 } else { 2 };
    if !whole_frames {
        bits.skip(1)?;
    }
    let height = units.checked_mul(fields)?;
    bits.skip(1)?;
    let (mut cut_x, mut cut_y) = (0_u32, 0_u32);
    if bits.flag()? {
        // Table 6-1: pixels across and down that share a chroma sample.
        let (across, down) = match (chroma, separate) {
            (1, _) => (2, 2),
            (2, _) => (2, 1),
            _ => (1, 1),
        };
        let [left, right, top, bottom] = [(); 4].map(|()| bits.exp_golomb());
        cut_x = left?.checked_add(right?)?.checked_mul(across)?;
        cut_y = top?
            .checked_add(bottom?)?
            .checked_mul(down)?
            .checked_mul(fields)?;
    }
    let width = u16::try_from(width.checked_sub(cut_x)?).ok()?;
    let height = u16::try_from(height.checked_sub(cut_y)?).ok()?;
    (width > 0 && height > 0).then_some((width, height))
}

fn skip_scaling_list(bits: &mut Bits<'_>, entries: u32) -> Option<()> {
    let (mut last, mut next) = (8_i32, 8_i32);
    for _ in 0..entries {
        if next != 0 {
            next = last.checked_add(bits.signed_exp_golomb()?)?.rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Sequence parameters as OpenH264 writes them, and x264.
    const OPENH264_1272_714: &[u8] = &[
        0x67, 0x42, 0xC0, 0x1F, 0x8C, 0x8D, 0x40, 0x28, 0x02, 0xDF, 0x2C, 0x90, 0x0F, 0x08, 0x84,
        0x6A,
    ];
    const X264_HIGH_1280_720: &[u8] = &[
        0x67, 0x64, 0x00, 0x1F, 0xAC, 0xD9, 0x40, 0x50, 0x05, 0xBB, 0x01, 0x10, 0x00, 0x00, 0x03,
        0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0xC0, 0xF1, 0x83, 0x19, 0x60,
    ];
    const X264_HIGH_1920_1080: &[u8] = &[
        0x67, 0x64, 0x00, 0x28, 0xAC, 0xD9, 0x40, 0x78, 0x02, 0x27, 0xE5, 0xC0, 0x44, 0x00, 0x00,
        0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xF0, 0x3C, 0x60, 0xC6, 0x58,
    ];
    const BASELINE_640_480: &[u8] = &[0x67, 0x42, 0xC0, 0x1E, 0xD9, 0x00, 0xA0, 0x3D, 0xA1, 0x00];

    fn several(units: &[&[u8]]) -> Vec<u8> {
        let mut payload = vec![SEVERAL];
        for unit in units {
            payload.extend((unit.len() as u16).to_be_bytes());
            payload.extend(*unit);
        }
        payload
    }

    #[test]
    fn sizes_are_read() {
        assert_eq!(key_frame_size(OPENH264_1272_714), Some((1272, 714)));
        assert_eq!(key_frame_size(X264_HIGH_1280_720), Some((1280, 720)));
        assert_eq!(key_frame_size(X264_HIGH_1920_1080), Some((1920, 1080)));
        assert_eq!(key_frame_size(BASELINE_640_480), Some((640, 480)));
        let packet = several(&[&[0x09, 0x10], BASELINE_640_480, &[0x68, 0xCE]]);
        assert_eq!(key_frame_size(&packet), Some((640, 480)));
        for length in 0..9 {
            assert_eq!(
                key_frame_size(&BASELINE_640_480[..length]),
                None,
                "{length}"
            );
        }
    }

    #[test]
    fn a_key_frame_starts_with_its_parameters_or_first_slice() {
        assert!(starts_key_frame(X264_HIGH_1280_720));
        assert!(starts_key_frame(&several(&[&[0x67, 0x42], &[0x68, 0xCE]])));
        assert!(starts_key_frame(&[0x65, 0x88, 0x84]));
        assert!(
            !starts_key_frame(&[0x65, 0x08, 0x84]),
            "not its first slice"
        );
        assert!(
            !starts_key_frame(&[0x41, 0x9A, 0x84]),
            "a slice of another frame"
        );
        assert!(!starts_key_frame(&several(&[&[0x09, 0x10], &[0x41, 0x9A]])));
        // FU-A: first, middle and last fragment, and the first of another frame.
        assert!(starts_key_frame(&[0x7C, 0x85, 0x88]));
        assert!(!starts_key_frame(&[0x7C, 0x05, 0x88]));
        assert!(!starts_key_frame(&[0x7C, 0x45, 0x88]));
        assert!(!starts_key_frame(&[0x5C, 0x81, 0x9A]));
        for payload in [&[][..], &[0x65], &[0x7C], &[0x78, 0], &[0x78, 0, 9, 0x67]] {
            assert!(!starts_key_frame(payload), "{payload:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_do_no_harm(kind in 0_u8..32, bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let payload = [&[kind][..], &bytes].concat();
            starts_key_frame(&payload);
            key_frame_size(&payload);
            key_frame_size(&several(&[&[&[SEQUENCE_PARAMETERS][..], &bytes].concat()]));
        }
    }
}
