//! The check sum at the end of every STUN message of ICE (RFC 8489 section 14.7, RFC 8445
//! section 7.1): what lacks it or has a wrong one is no check, and is dropped before it costs more.
//!
//! This module must never know what a message says.

/// Type and length of the attribute.
const FINGERPRINT: [u8; 4] = [0x80, 0x28, 0, 4];
/// "STUN" in ASCII, so that a payload with a CRC-32 of its own is not taken for one.
const XOR: u32 = 0x5354_554e;
/// CRC-32 as in ISO/IEC 8802-3, bits reversed.
const POLYNOMIAL: u32 = 0xedb8_8320;

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut place = 0;
    while place < 256 {
        let mut value = place as u32;
        let mut bit = 0;
        while bit < 8 {
            let carry = value & 1 != 0;
            value >>= 1;
            if carry {
                value ^= POLYNOMIAL;
            }
            bit += 1;
        }
        table[place] = value;
        place += 1;
    }
    table
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |value, byte| {
        let place = (value ^ u32::from(*byte)) & 0xff;
        // The table has a place for every byte.
        TABLE[place as usize] ^ value >> 8
    })
}

/// Whether the message ends with its right fingerprint.
pub fn is_right(message: &[u8]) -> bool {
    let Some((rest, value)) = message.split_last_chunk::<4>() else {
        return false;
    };
    rest.strip_suffix(&FINGERPRINT)
        .is_some_and(|covered| u32::from_be_bytes(*value) == crc32(covered) ^ XOR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 5769 section 2.2: an answer with a fingerprint.
    const ANSWER: &[u8] = b"\x01\x01\x00\x3c\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\
        \xfa\x87\xdf\xae\x80\x22\x00\x0btest vector\x20\x00\x20\x00\x08\x00\x01\xa1\x47\
        \xe1\x12\xa6\x43\x00\x08\x00\x14\x2b\x91\xf5\x99\xfd\x9e\x90\xc3\x8c\x74\x89\xf9\
        \x2a\xf9\xba\x53\xf0\x6b\xe7\xd7\x80\x28\x00\x04\xc0\x7d\x4c\x96";

    #[test]
    fn the_one_of_rfc_5769_is_right_and_no_other() {
        assert!(is_right(ANSWER));
        for place in 0..ANSWER.len() {
            let mut changed = ANSWER.to_vec();
            changed[place] ^= 1;
            assert!(!is_right(&changed), "byte {place}");
            assert!(!is_right(&ANSWER[..place]), "cut at {place}");
        }
    }

    proptest! {
        #[test]
        fn it_is_right_behind_any_bytes_and_wrong_behind_others(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..200),
            at: usize,
        ) {
            prop_assert!(!is_right(&bytes));
            let sum = crc32(&bytes) ^ XOR;
            bytes.extend(FINGERPRINT);
            // The check sum covers what is before the attribute.
            bytes.extend(sum.to_be_bytes());
            prop_assert!(is_right(&bytes));
            let at = at % bytes.len();
            bytes[at] ^= 0x40;
            prop_assert!(!is_right(&bytes));
        }
    }
}
