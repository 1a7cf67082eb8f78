//! What a DTLS ClientHello offers for SRTP, read before the handshake is begun.
//!
//! The DTLS server of the `rtc` family follows the client's order of protection profiles and does
//! not refuse a client without `use_srtp` (RFC 5764). AES-128-GCM costs a third of the SHA-1
//! profile, so the choice is made here, and the handshake is then configured with that profile
//! alone. This module must never know keys or state of a handshake.

use crate::media::shard::srtp::Profile;

/// The longest ClientHello that is put together, in bytes. Browsers with post-quantum key shares
/// send about 1,800.
const HELLO_BYTES_MAX: usize = 4096;

const RECORD_ALERT: u8 = 21;
const RECORD_HANDSHAKE: u8 = 22;
const HANDSHAKE_CLIENT_HELLO: u8 = 1;
const EXTENSION_USE_SRTP: u16 = 14;

/// Puts a ClientHello together from its fragments (RFC 6347 section 4.2.3).
#[derive(Debug, Default)]
pub struct HelloReader {
    body: Vec<u8>,
    length: Option<usize>,
}

/// What is known after a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hello {
    /// More fragments are needed.
    Incomplete,
    /// The profile to use: the first of [`Profile::PREFERENCE`] that the client offers.
    Profile(Profile),
    /// The client offers no profile that the server knows.
    NoneKnown,
}

impl HelloReader {
    /// Takes a datagram of DTLS records.
    pub fn handle(&mut self, datagram: &[u8]) -> Hello {
        let mut rest = Reader(datagram);
        while let Some((kind, epoch, fragment)) = rest.record() {
            if kind == RECORD_HANDSHAKE && epoch == 0 {
                self.handshake(fragment);
            }
        }
        match self.length {
            Some(length) if self.body.len() == length => choose(&self.body),
            Some(_) | None => Hello::Incomplete,
        }
    }

    fn handshake(&mut self, record: &[u8]) {
        let mut reader = Reader(record);
        let (Some(kind), Some(length), Some(_sequence), Some(offset), Some(size)) = (
            reader.number(1),
            reader.number(3),
            reader.number(2),
            reader.number(3),
            reader.number(3),
        ) else {
            return;
        };
        let Some(fragment) = reader.take(size) else {
            return;
        };
        if kind != usize::from(HANDSHAKE_CLIENT_HELLO) || length > HELLO_BYTES_MAX {
            return;
        }
        if offset == 0 {
            self.body.clear();
            self.length = Some(length);
        }
        // Fragments out of order wait for the client's own repetition, which comes in order.
        if self.length == Some(length)
            && offset == self.body.len()
            && offset + fragment.len() <= length
        {
            self.body.extend_from_slice(fragment);
        }
    }
}

/// Whether a datagram is an alert and nothing else.
pub fn is_one_alert(datagram: &[u8]) -> bool {
    let mut rest = Reader(datagram);
    matches!(rest.record(), Some((RECORD_ALERT, ..))) && rest.0.is_empty()
}

fn choose(hello: &[u8]) -> Hello {
    let offered = offered_profiles(hello).unwrap_or(&[]);
    Profile::PREFERENCE
        .into_iter()
        .find(|profile| {
            offered
                .chunks_exact(2)
                .any(|pair| pair == profile.dtls_id().to_be_bytes())
        })
        .map_or(Hello::NoneKnown, Hello::Profile)
}

/// The profile list of a ClientHello's `use_srtp`, two bytes each.
fn offered_profiles(hello: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader(hello);
    reader.take(2 + 32)?;
    for length_bytes in [1, 1, 2, 1] {
        // Session id, cookie, cipher suites, compression methods.
        let length = reader.number(length_bytes)?;
        reader.take(length)?;
    }
    let length = reader.number(2)?;
    let mut extensions = Reader(reader.take(length)?);
    loop {
        let kind = extensions.number(2)?;
        let length = extensions.number(2)?;
        let body = extensions.take(length)?;
        if kind == usize::from(EXTENSION_USE_SRTP) {
            let mut body = Reader(body);
            let length = body.number(2)?;
            return body.take(length);
        }
    }
}

/// Takes big-endian fields off the front of a slice.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(front)
    }

    fn number(&mut self, length: usize) -> Option<usize> {
        self.take(length).map(|bytes| {
            bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte))
        })
    }

    /// `(content type, epoch, fragment)` of the next record (RFC 6347 section 4.1).
    fn record(&mut self) -> Option<(u8, usize, &'a [u8])> {
        let kind = *self.take(1)?.first()?;
        self.take(2)?;
        let epoch = self.number(2)?;
        self.take(6)?;
        let length = self.number(2)?;
        Some((kind, epoch, self.take(length)?))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hello_body(profiles: &[u16]) -> Vec<u8> {
        let mut extension = vec![0, 14];
        let list = profiles.len() * 2;
        extension.extend(u16::to_be_bytes(list as u16 + 3));
        extension.extend(u16::to_be_bytes(list as u16));
        extension.extend(profiles.iter().flat_map(|profile| profile.to_be_bytes()));
        extension.push(0);
        let mut body = vec![0xfe, 0xfd];
        body.extend([7; 32]);
        body.extend([0, 0, 0, 2, 0xc0, 0x2b, 1, 0]);
        // A foreign extension first.
        let mut extensions = vec![0, 23, 0, 0];
        extensions.extend(extension);
        body.extend(u16::to_be_bytes(extensions.len() as u16));
        body.extend(extensions);
        body
    }

    fn record(body: &[u8], offset: usize, size: usize) -> Vec<u8> {
        let mut handshake = vec![1];
        handshake.extend(&u32::to_be_bytes(body.len() as u32)[1..]);
        handshake.extend([0, 0]);
        handshake.extend(&u32::to_be_bytes(offset as u32)[1..]);
        handshake.extend(&u32::to_be_bytes(size as u32)[1..]);
        handshake.extend(&body[offset..offset + size]);
        let mut record = vec![22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0];
        record.extend(u16::to_be_bytes(handshake.len() as u16));
        record.extend(handshake);
        record
    }

    #[test]
    fn our_order_counts_not_the_clients() {
        let body = hello_body(&[1, 8, 7]);
        let whole = record(&body, 0, body.len());
        assert_eq!(
            HelloReader::default().handle(&whole),
            Hello::Profile(Profile::AeadAes128Gcm)
        );
        let body = hello_body(&[2, 1]);
        assert_eq!(
            HelloReader::default().handle(&record(&body, 0, body.len())),
            Hello::Profile(Profile::AesCm128HmacSha1_80)
        );
        let body = hello_body(&[2]);
        assert_eq!(
            HelloReader::default().handle(&record(&body, 0, body.len())),
            Hello::NoneKnown
        );
    }

    #[test]
    fn fragments_are_put_together() {
        let body = hello_body(&[7]);
        let mut reader = HelloReader::default();
        assert_eq!(reader.handle(&record(&body, 0, 20)), Hello::Incomplete);
        // A gap changes nothing; the repetition completes it.
        assert_eq!(reader.handle(&record(&body, 30, 5)), Hello::Incomplete);
        assert_eq!(
            reader.handle(&record(&body, 20, body.len() - 20)),
            Hello::Profile(Profile::AeadAes128Gcm)
        );
    }

    #[test]
    fn cut_short_anywhere_it_stays_calm() {
        let body = hello_body(&[7]);
        let whole = record(&body, 0, body.len());
        for length in 0..whole.len() {
            assert_eq!(
                HelloReader::default().handle(&whole[..length]),
                Hello::Incomplete
            );
        }
        for length in 0..body.len() {
            let cut = &body[..length];
            assert_ne!(
                HelloReader::default().handle(&record(cut, 0, length)),
                Hello::Profile(Profile::AeadAes128Gcm)
            );
        }
    }

    proptest! {
        /// Good fragments, changed and in any order: what is kept stays in bounds, and what is
        /// chosen was offered.
        #[test]
        fn any_records_are_read_or_passed_over(
            steps in proptest::collection::vec((0_usize..90, 0_usize..90, 0_usize..140, any::<u8>(), any::<bool>()), 1..20),
            junk in proptest::collection::vec(any::<u8>(), 0..60),
        ) {
            let body = hello_body(&[1, 8]);
            let mut reader = HelloReader::default();
            for (offset, size, at, byte, good) in steps {
                let offset = offset.min(body.len());
                let mut datagram = record(&body, offset, size.min(body.len() - offset));
                if !good {
                    let at = at % datagram.len();
                    datagram[at] = byte;
                    datagram.extend(&junk);
                }
                let hello = reader.handle(&datagram);
                prop_assert!(reader.body.len() <= HELLO_BYTES_MAX);
                prop_assert!(reader.body.len() <= reader.length.unwrap_or(0));
                is_one_alert(&datagram);
                if good {
                    prop_assert!(hello != Hello::NoneKnown || reader.body != body);
                }
            }
        }

        #[test]
        fn any_bytes_are_no_hello_or_one(bytes in proptest::collection::vec(any::<u8>(), 0..300), shaped: bool) {
            let mut reader = HelloReader::default();
            let datagram = if shaped { record(&bytes, 0, bytes.len()) } else { bytes };
            reader.handle(&datagram);
            prop_assert!(reader.body.len() <= HELLO_BYTES_MAX);
        }
    }
}
