//! Profiles, the master keys that DTLS exports, and the session keys derived from them.

use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;

use super::KeyingFault;

/// The label under which DTLS exports SRTP keys (RFC 5764 section 4.2); the context is absent.
pub const EXPORTER_LABEL: &str = "EXTRACTOR-dtls_srtp";

const KEY_BYTES_MAX: usize = 32;
const SALT_BYTES_MAX: usize = 14;

/// How a session is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// `SRTP_AEAD_AES_128_GCM`.
    AeadAes128Gcm,
    /// `SRTP_AEAD_AES_256_GCM`.
    AeadAes256Gcm,
    /// `SRTP_AES128_CM_HMAC_SHA1_80`, for clients that know no GCM.
    AesCm128HmacSha1_80,
}

impl Profile {
    /// Every profile, the one we like best first: AES-128-GCM costs a third of the SHA-1 one.
    pub const PREFERENCE: [Self; 3] = [
        Self::AeadAes128Gcm,
        Self::AeadAes256Gcm,
        Self::AesCm128HmacSha1_80,
    ];

    /// The number in DTLS's `use_srtp` extension.
    pub const fn dtls_id(self) -> u16 {
        match self {
            Self::AesCm128HmacSha1_80 => 0x0001,
            Self::AeadAes128Gcm => 0x0007,
            Self::AeadAes256Gcm => 0x0008,
        }
    }

    /// The profile with that number, if it is one of ours.
    pub fn from_dtls_id(id: u16) -> Option<Self> {
        Self::PREFERENCE
            .into_iter()
            .find(|profile| profile.dtls_id() == id)
    }

    /// Length of a master key and of a session encryption key, in bytes.
    pub const fn key_bytes(self) -> usize {
        match self {
            Self::AeadAes128Gcm | Self::AesCm128HmacSha1_80 => 16,
            Self::AeadAes256Gcm => KEY_BYTES_MAX,
        }
    }

    /// Length of a master salt and of a session salt, in bytes.
    pub const fn salt_bytes(self) -> usize {
        match self {
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 12,
            Self::AesCm128HmacSha1_80 => SALT_BYTES_MAX,
        }
    }

    /// How much to export from DTLS, in bytes.
    pub const fn exported_bytes(self) -> usize {
        2 * (self.key_bytes() + self.salt_bytes())
    }

    /// Length of the tag that authenticates a packet, in bytes.
    pub const fn tag_bytes(self) -> usize {
        match self {
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 16,
            Self::AesCm128HmacSha1_80 => 10,
        }
    }
}

/// One direction's master key and salt. Not `Debug`: it is a secret.
#[derive(Clone)]
pub struct MasterKey {
    profile: Profile,
    key: [u8; KEY_BYTES_MAX],
    salt: [u8; SALT_BYTES_MAX],
}

impl MasterKey {
    /// `key` and `salt` have the profile's lengths.
    pub fn new(profile: Profile, key: &[u8], salt: &[u8]) -> Result<Self, KeyingFault> {
        if key.len() != profile.key_bytes() || salt.len() != profile.salt_bytes() {
            return Err(KeyingFault::MaterialLength);
        }
        let mut master = Self {
            profile,
            key: [0; KEY_BYTES_MAX],
            salt: [0; SALT_BYTES_MAX],
        };
        for (to, from) in master.key.iter_mut().zip(key) {
            *to = *from;
        }
        for (to, from) in master.salt.iter_mut().zip(salt) {
            *to = *from;
        }
        Ok(master)
    }

    /// What the key is for.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// The session key of this label: the keystream of AES-CM from (salt XOR label) * 2^16
    /// (RFC 3711 section 4.3.3; a 12-byte salt counts as padded with zeros behind, RFC 7714
    /// section 11).
    pub(super) fn derive<const BYTES: usize>(
        &self,
        label: Label,
    ) -> Result<[u8; BYTES], KeyingFault> {
        let (key, _) = self
            .key
            .split_at_checked(self.profile.key_bytes())
            .ok_or(KeyingFault::MaterialLength)?;
        let algorithm = match self.profile {
            Profile::AeadAes128Gcm | Profile::AesCm128HmacSha1_80 => &AES_128,
            Profile::AeadAes256Gcm => &AES_256,
        };
        let mut counter = [0; 16];
        for (to, from) in counter.iter_mut().zip(&self.salt) {
            *to = *from;
        }
        counter[7] ^= label.0;
        let mut derived = [0; BYTES];
        EncryptingKey::ctr(UnboundCipherKey::new(algorithm, key)?)?.less_safe_encrypt(
            &mut derived,
            EncryptionContext::Iv128(FixedLength::from(counter)),
        )?;
        Ok(derived)
    }
}

/// What a session key is for (RFC 3711 section 4.3.1 and 4.3.2).
#[derive(Debug, Clone, Copy)]
pub(super) struct Label(u8);

/// The three session keys of one protocol.
#[derive(Debug, Clone, Copy)]
pub(super) struct Labels {
    pub(super) encryption: Label,
    pub(super) authentication: Label,
    pub(super) salt: Label,
}

pub(super) const RTP_LABELS: Labels = Labels {
    encryption: Label(0),
    authentication: Label(1),
    salt: Label(2),
};

pub(super) const RTCP_LABELS: Labels = Labels {
    encryption: Label(3),
    authentication: Label(4),
    salt: Label(5),
};

/// Both directions' master keys, by who writes with them.
#[derive(Clone)]
pub struct Keys {
    /// The DTLS client's: we open with it where we are the server.
    pub client: MasterKey,
    /// The DTLS server's.
    pub server: MasterKey,
}

impl Keys {
    /// Splits what DTLS exported under [`EXPORTER_LABEL`]: client key, server key, client salt,
    /// server salt.
    pub fn from_exporter(profile: Profile, material: &[u8]) -> Result<Self, KeyingFault> {
        let take =
            |from, bytes| <[u8]>::split_at_checked(from, bytes).ok_or(KeyingFault::MaterialLength);
        let (client_key, rest) = take(material, profile.key_bytes())?;
        let (server_key, rest) = take(rest, profile.key_bytes())?;
        let (client_salt, server_salt) = take(rest, profile.salt_bytes())?;
        Ok(Self {
            client: MasterKey::new(profile, client_key, client_salt)?,
            server: MasterKey::new(profile, server_key, server_salt)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex
            .bytes()
            .map(|digit| (digit as char).to_digit(16).unwrap() as u8)
            .collect();
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect()
    }

    #[test]
    fn derives_what_rfc_3711_appendix_b3_derives() {
        let key = bytes("E1F97A0D3E018BE0D64FA32C06DE4139");
        let salt = bytes("0EC675AD498AFEEBB6960B3AABE6");
        let master = MasterKey::new(Profile::AesCm128HmacSha1_80, &key, &salt).unwrap();
        let encryption: [u8; 16] = master.derive(RTP_LABELS.encryption).unwrap();
        assert_eq!(encryption[..], bytes("C61E7A93744F39EE10734AFE3FF7A087"));
        let session_salt: [u8; 14] = master.derive(RTP_LABELS.salt).unwrap();
        assert_eq!(session_salt[..], bytes("30CBBC08863D8C85D49DB34A9AE1"));
        let authentication: [u8; 20] = master.derive(RTP_LABELS.authentication).unwrap();
        assert_eq!(
            authentication[..],
            bytes("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4")
        );
    }

    #[test]
    fn exported_material_is_split_by_role_and_must_have_the_whole_length() {
        for profile in Profile::PREFERENCE {
            let material: Vec<u8> = (0..profile.exported_bytes() as u8).collect();
            let keys = Keys::from_exporter(profile, &material).unwrap();
            let (key, salt) = (profile.key_bytes(), profile.salt_bytes());
            assert_eq!(keys.client.key[..key], material[..key]);
            assert_eq!(keys.server.key[..key], material[key..2 * key]);
            assert_eq!(keys.client.salt[..salt], material[2 * key..2 * key + salt]);
            assert_eq!(keys.server.salt[..salt], material[2 * key + salt..]);
            for wrong in [0, key, material.len() - 1] {
                let split = Keys::from_exporter(profile, &material[..wrong]);
                assert_eq!(split.err(), Some(KeyingFault::MaterialLength));
            }
            let long = [&material[..], &[0]].concat();
            assert!(Keys::from_exporter(profile, &long).is_err());
        }
    }

    #[test]
    fn numbers_of_profiles_are_those_of_dtls() {
        assert_eq!(Profile::from_dtls_id(7), Some(Profile::AeadAes128Gcm));
        assert_eq!(Profile::from_dtls_id(8), Some(Profile::AeadAes256Gcm));
        assert_eq!(Profile::from_dtls_id(1), Some(Profile::AesCm128HmacSha1_80));
        assert_eq!(Profile::from_dtls_id(2), None);
    }
}
