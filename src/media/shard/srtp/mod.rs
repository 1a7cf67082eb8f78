//! SRTP and SRTCP: the keys that DTLS exports, sealing what we send, opening what a peer sends
//! (RFC 3711, RFC 5764, RFC 7714).
//!
//! [`Sealer`] and [`Opener`] work in place on one packet and allocate nothing once a stream is
//! known. Nothing is allocated or remembered for a stream before one of its packets has
//! authenticated, and every profile has replay windows for RTP and RTCP. No MKI, no key
//! derivation rate, no unencrypted SRTCP: WebRTC uses none of them.
//!
//! This module must never know what a packet means or where it goes, and never looks inside a
//! payload.

#![forbid(unsafe_code)]

mod cipher;
mod keys;
mod open;
mod seal;
mod window;

#[cfg(test)]
mod reference;

pub use keys::{EXPORTER_LABEL, Keys, MasterKey, Profile};
pub use open::{OpenedRtp, Opener, Rejected, SSRCS_MAX};
pub use seal::{RTCP_OVERHEAD_MAX, RTP_OVERHEAD_MAX, Sealer};

/// Why keys could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyingFault {
    /// The exported material has another length than the profile's.
    #[error("keying material of the wrong length")]
    MaterialLength,
    /// A crypto library refused a key.
    #[error("a crypto library refused a key")]
    Library,
}

impl From<aws_lc_rs::error::Unspecified> for KeyingFault {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::Library
    }
}

impl From<ring::error::Unspecified> for KeyingFault {
    fn from(_: ring::error::Unspecified) -> Self {
        Self::Library
    }
}
