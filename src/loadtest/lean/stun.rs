//! The few STUN messages of a connectivity check (RFC 8445 section 7, RFC 8489): requests that
//! nominate, and answers to the other side's.
//!
//! This module must never know when a check is due.

use std::net::{IpAddr, SocketAddr};

use aws_lc_rs::hmac;

/// Length of a header, in bytes.
const HEADER_BYTES: usize = 20;
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const REQUEST: [u8; 2] = [0x00, 0x01];
const SUCCESS: [u8; 2] = [0x01, 0x01];

const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const FINGERPRINT: u16 = 0x8028;
const ICE_CONTROLLING: u16 = 0x802a;

/// Of a host candidate, the only one there is (RFC 8445 section 5.1.2).
const HOST_PRIORITY: u32 = 2_130_706_431;

/// What tells an answer's request.
pub type Transaction = [u8; 12];

/// What has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// The other side checks.
    Request(Transaction),
    /// It has answered.
    Success(Transaction),
}

/// Reads a message's head; nothing where it is none of these.
pub fn read(message: &[u8]) -> Option<Message> {
    let (head, _) = message.split_first_chunk::<HEADER_BYTES>()?;
    let [k0, k1, _, _, c0, c1, c2, c3, transaction @ ..] = *head;
    if [c0, c1, c2, c3] != COOKIE {
        return None;
    }
    match [k0, k1] {
        REQUEST => Some(Message::Request(transaction)),
        SUCCESS => Some(Message::Success(transaction)),
        _ => None,
    }
}

/// A check that nominates its pair: there is no other.
pub fn request(transaction: Transaction, username: &str, pwd: &str, tie_breaker: u64) -> Vec<u8> {
    let mut message = begin(REQUEST, transaction);
    append(&mut message, USERNAME, username.as_bytes());
    append(&mut message, PRIORITY, &HOST_PRIORITY.to_be_bytes());
    append(&mut message, ICE_CONTROLLING, &tie_breaker.to_be_bytes());
    append(&mut message, USE_CANDIDATE, &[]);
    sign(message, pwd)
}

/// The answer to a check that came from `from`.
pub fn response(transaction: Transaction, from: SocketAddr, pwd: &str) -> Vec<u8> {
    let mut message = begin(SUCCESS, transaction);
    let [c0, c1, ..] = COOKIE;
    let [p0, p1] = from.port().to_be_bytes();
    let mask = COOKIE.iter().chain(&transaction);
    let masked = |octets: &[u8]| -> Vec<u8> {
        let pairs = octets.iter().zip(mask.clone());
        pairs.map(|(octet, mask)| octet ^ mask).collect()
    };
    let (family, address) = match from.ip() {
        IpAddr::V4(address) => (1, masked(&address.octets())),
        IpAddr::V6(address) => (2, masked(&address.octets())),
    };
    let mut value = vec![0, family, p0 ^ c0, p1 ^ c1];
    value.extend(address);
    append(&mut message, XOR_MAPPED_ADDRESS, &value);
    sign(message, pwd)
}

fn begin(kind: [u8; 2], transaction: Transaction) -> Vec<u8> {
    let mut message = kind.to_vec();
    message.extend([0, 0]);
    message.extend(COOKIE);
    message.extend(transaction);
    message
}

/// Integrity under a password, then the fingerprint (RFC 8489 sections 14.5 and 14.7).
fn sign(mut message: Vec<u8>, pwd: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, pwd.as_bytes());
    set_length(&mut message, 24);
    let tag = hmac::sign(&key, &message);
    append(&mut message, MESSAGE_INTEGRITY, tag.as_ref());
    set_length(&mut message, 8);
    let sum = crc32(&message) ^ 0x5354_554e;
    append(&mut message, FINGERPRINT, &sum.to_be_bytes());
    message
}

/// The length in the header counts what is still to come.
fn set_length(message: &mut [u8], more: usize) {
    let length = (message.len() + more).saturating_sub(HEADER_BYTES) as u16;
    if let Some(place) = message.get_mut(2..4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

fn append(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    message.extend(kind.to_be_bytes());
    message.extend((value.len() as u16).to_be_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 * (sum & 1))
        })
    })
}

#[cfg(test)]
mod tests {
    use rtc::stun::{
        fingerprint::FINGERPRINT as CHECKED, integrity::MessageIntegrity,
        message::Message as Theirs,
    };

    use super::*;

    const PWD: &str = "a password of 22 octets";
    const TRANSACTION: Transaction = [7; 12];

    /// Whether the reference takes it for whole and authentic.
    fn check(message: &[u8]) {
        let mut theirs = Theirs::new();
        theirs.unmarshal_binary(message).expect("STUN");
        CHECKED.check(&theirs).expect("the fingerprint");
        let provider = rtc::crypto::default_provider().expect("a provider");
        MessageIntegrity::check(&mut theirs, PWD.as_bytes(), provider.crypto())
            .expect("the integrity");
    }

    #[test]
    fn the_reference_takes_what_is_written() {
        let request = request(TRANSACTION, "them:us", PWD, 9);
        check(&request);
        assert_eq!(read(&request), Some(Message::Request(TRANSACTION)));
        for from in ["127.0.0.1:7882", "[2001:db8::7]:7882"] {
            let from: SocketAddr = from.parse().expect("an address");
            let response = response(TRANSACTION, from, PWD);
            check(&response);
            assert_eq!(read(&response), Some(Message::Success(TRANSACTION)));
        }
    }

    #[test]
    fn anything_else_is_nothing() {
        let request = request(TRANSACTION, "them:us", PWD, 9);
        for end in 0..HEADER_BYTES {
            assert_eq!(read(&request[..end]), None);
        }
        let mut other = request.clone();
        other[4] ^= 1;
        assert_eq!(read(&other), None);
        other = request;
        other[1] = 0x11;
        assert_eq!(read(&other), None, "an indication");
    }
}
