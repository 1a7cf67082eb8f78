//! SRTP of a lean receiver, `rtc`'s: opens what comes, seals what is reported.
//!
//! This module must never know what a packet means.

use bytes::BytesMut;
use rtc::{
    crypto::RTCCrypto,
    rtp,
    shared::error::{Error, Result},
    srtp::context::Context,
};

use crate::loadtest::cipher::Cipher;

/// Of both profiles that are spoken here.
const KEY_BYTES: usize = 16;
/// Under which name (RFC 5764 section 4.2).
pub const EXPORTER_LABEL: &str = "EXTRACTOR-dtls_srtp";

/// What DTLS is to export.
pub fn exported_bytes(cipher: Cipher) -> usize {
    2 * (KEY_BYTES + cipher.salt_bytes())
}

/// Both directions.
pub struct Keys {
    opens: Context,
    seals: Context,
}

impl Keys {
    /// Of what DTLS has exported to its client.
    ///
    /// # Errors
    /// Where that has the wrong length.
    pub fn from_exporter(cipher: Cipher, material: &[u8], crypto: &dyn RTCCrypto) -> Result<Self> {
        let salt_bytes = cipher.salt_bytes();
        // The client's key, the server's, the client's salt, the server's.
        let split = |from: usize, bytes: usize| {
            let part = material.get(from..from + bytes);
            part.ok_or(Error::SrtpMasterKeyLength(
                exported_bytes(cipher),
                material.len(),
            ))
        };
        let context = |place: usize| {
            Context::new(
                split(place * KEY_BYTES, KEY_BYTES)?,
                split(2 * KEY_BYTES + place * salt_bytes, salt_bytes)?,
                cipher.profile(),
                None,
                None,
                crypto,
            )
        };
        Ok(Self {
            opens: context(1)?,
            seals: context(0)?,
        })
    }

    /// Opens an RTP packet whose header has been read; the whole, header included.
    ///
    /// # Errors
    /// When it is not authentic.
    pub fn open(&mut self, packet: &[u8], header: &rtp::Header) -> Result<BytesMut> {
        self.opens.decrypt_rtp_with_header(packet, header)
    }

    /// Seals a compound RTCP packet.
    ///
    /// # Errors
    /// When it is none.
    pub fn seal(&mut self, compound: &[u8]) -> Result<Vec<u8>> {
        let sealed = self.seals.encrypt_rtcp(compound)?;
        Ok(sealed.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_opens_what_the_other_seals() {
        each_side_opens(Cipher::Gcm);
        each_side_opens(Cipher::Cm);
    }

    fn each_side_opens(cipher: Cipher) {
        let provider = rtc::crypto::default_provider().expect("a provider");
        let material: Vec<u8> = (0..exported_bytes(cipher) as u8).collect();
        let mut ours = Keys::from_exporter(cipher, &material, provider.crypto()).expect("keys");
        let salt_bytes = cipher.salt_bytes();
        let half = |key: usize, salt: usize| {
            Context::new(
                &material[key..key + KEY_BYTES],
                &material[salt..salt + salt_bytes],
                cipher.profile(),
                None,
                None,
                provider.crypto(),
            )
            .expect("keys")
        };
        let (mut from_client, mut from_server) = (half(0, 32), half(16, 32 + salt_bytes));
        let report = [0x80, 201, 0, 1, 0, 0, 0, 9];
        let sealed = ours.seal(&report).expect("sealed");
        assert_eq!(
            from_client.decrypt_rtcp(&sealed).expect("opened"),
            report[..]
        );
        let mut packet = vec![0x80, 111, 0, 1, 0, 0, 0, 0, 0, 0, 0, 5];
        packet.extend([1, 2, 3]);
        let sealed = from_server.encrypt_rtp(&packet).expect("sealed");
        let header = rtp::Header {
            version: 2,
            payload_type: 111,
            sequence_number: 1,
            ssrc: 5,
            ..rtp::Header::default()
        };
        assert_eq!(ours.open(&sealed, &header).expect("opened"), packet);
        assert!(Keys::from_exporter(cipher, &material[1..], provider.crypto()).is_err());
    }
}
