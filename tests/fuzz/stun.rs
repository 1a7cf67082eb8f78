//! Makes a changed STUN message whole again: its length, its integrity under a password, its
//! fingerprint (RFC 8489 sections 14.5 and 14.7).

use aws_lc_rs::hmac;

const MESSAGE_INTEGRITY: u16 = 0x0008;
const FINGERPRINT: u16 = 0x8028;

/// The message without its last two attributes, where it ends as ICE's do.
pub fn bare(message: &[u8]) -> &[u8] {
    message
        .get(..message.len().saturating_sub(32))
        .unwrap_or(&[])
}

/// Signs a bare message with this password, and puts the fingerprint behind it.
pub fn sign(bare: &[u8], password: &str) -> Vec<u8> {
    let mut message = bare.to_vec();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
    set_length(&mut message, 24);
    let tag = hmac::sign(&key, &message);
    append(&mut message, MESSAGE_INTEGRITY, tag.as_ref());
    finish(message)
}

/// Puts the right length and fingerprint to a message, whatever it is.
pub fn finish(mut message: Vec<u8>) -> Vec<u8> {
    set_length(&mut message, 8);
    let sum = crc32(&message) ^ 0x5354_554e;
    append(&mut message, FINGERPRINT, &sum.to_be_bytes());
    message
}

fn set_length(message: &mut [u8], more: usize) {
    let length = (message.len() + more).saturating_sub(20) as u16;
    if let Some(place) = message.get_mut(2..4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

fn append(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    message.extend(kind.to_be_bytes());
    message.extend((value.len() as u16).to_be_bytes());
    message.extend(value);
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 * (sum & 1))
        })
    })
}
