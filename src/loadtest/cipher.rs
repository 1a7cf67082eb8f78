//! The seal that participants agree on with the server.

use rtc::{
    dtls::extension::extension_use_srtp::SrtpProtectionProfile as Offered,
    srtp::protection_profile::ProtectionProfile,
};
use webrtc::peer_connection::SrtpProtectionProfile as Insisted;

/// An SRTP profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Cipher {
    /// AES-128-GCM, as browsers have it.
    #[default]
    Gcm,
    /// AES-CM-128 with HMAC-SHA1-80, all that some older clients know.
    Cm,
}

impl Cipher {
    /// For the `webrtc` crate's clients.
    pub(super) fn insisted(self) -> Insisted {
        match self {
            Cipher::Gcm => Insisted::Srtp_Aead_Aes_128_Gcm,
            Cipher::Cm => Insisted::Srtp_Aes128_Cm_Hmac_Sha1_80,
        }
    }

    /// For DTLS.
    pub(super) fn offered(self) -> Offered {
        match self {
            Cipher::Gcm => Offered::Srtp_Aead_Aes_128_Gcm,
            Cipher::Cm => Offered::Srtp_Aes128_Cm_Hmac_Sha1_80,
        }
    }

    /// For SRTP.
    pub(super) fn profile(self) -> ProtectionProfile {
        match self {
            Cipher::Gcm => ProtectionProfile::AeadAes128Gcm,
            Cipher::Cm => ProtectionProfile::Aes128CmHmacSha1_80,
        }
    }

    /// Bytes of each side's salt (RFC 3711 section 8.2, RFC 7714 section 12).
    pub(super) fn salt_bytes(self) -> usize {
        match self {
            Cipher::Gcm => 12,
            Cipher::Cm => 14,
        }
    }
}
