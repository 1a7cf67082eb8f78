//! DTLS of a lean receiver, `rtc`'s, as its client: until both sides have SRTP keys.
//!
//! This module must never know what the keys are for.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use bytes::BytesMut;
use rtc::{
    crypto::RTCCryptoProvider,
    dtls::{
        config::{ConfigBuilder, ExtendedMasterSecretType, HandshakeConfig},
        crypto::Certificate,
        endpoint::{Endpoint, EndpointEvent},
    },
    shared::{TransportProtocol, error::Result},
};

use super::keys::{EXPORTER_LABEL, Keys, exported_bytes};
use crate::loadtest::cipher::Cipher;

/// What all lean receivers of a process show: making a certificate costs as much as a handshake, and
/// the server keeps each one's fingerprint by its offer.
pub struct Identity {
    provider: Arc<dyn RTCCryptoProvider>,
    config: Arc<HandshakeConfig>,
    cipher: Cipher,
    /// SHA-256 of the certificate, as SDP writes it.
    pub fingerprint: String,
}

impl Identity {
    /// A new one.
    ///
    /// # Errors
    /// Where the crate cannot make a key.
    pub fn generate(cipher: Cipher) -> std::result::Result<Self, String> {
        let provider = rtc::crypto::default_provider().map_err(|why| why.to_string())?;
        Self::of(cipher, provider).map_err(|why| why.to_string())
    }

    fn of(cipher: Cipher, provider: Arc<dyn RTCCryptoProvider>) -> Result<Self> {
        let names = vec!["loadtest".to_owned()];
        let certificate = Certificate::generate_self_signed(names, provider.crypto())?;
        let der = certificate.certificate.first();
        let digest = der.map(|der| aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der));
        let bytes = digest.iter().flat_map(|digest| digest.as_ref());
        let hex: Vec<String> = bytes.map(|byte| format!("{byte:02X}")).collect();
        let config = ConfigBuilder::default()
            .with_crypto_provider(Arc::clone(&provider))
            .with_certificates(vec![certificate])
            .with_srtp_protection_profiles(vec![cipher.offered()])
            // The server is known by its answer, which came by the signalling.
            .with_insecure_skip_verify(true)
            .with_extended_master_secret(ExtendedMasterSecretType::Require)
            .build(true, None)?;
        Ok(Self {
            provider,
            config: Arc::new(config),
            cipher,
            fingerprint: hex.join(":"),
        })
    }
}

/// One handshake.
pub struct Handshake {
    endpoint: Endpoint,
    server: SocketAddr,
}

impl Handshake {
    /// Says hello.
    ///
    /// # Errors
    /// The crate's.
    pub fn begin(
        now: Instant,
        local: SocketAddr,
        server: SocketAddr,
        identity: &Identity,
    ) -> Result<Self> {
        let mut endpoint = Endpoint::new(local, TransportProtocol::UDP, None);
        endpoint.connect(now, server, Arc::clone(&identity.config), None)?;
        Ok(Self { endpoint, server })
    }

    /// Takes a datagram; the keys, once there are any.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn handle(
        &mut self,
        now: Instant,
        datagram: &[u8],
        identity: &Identity,
    ) -> Result<Option<Keys>> {
        let datagram = BytesMut::from(datagram);
        let events = self.endpoint.read(now, self.server, None, datagram)?;
        let is_done = |event: &EndpointEvent| matches!(event, EndpointEvent::HandshakeComplete);
        if !events.iter().any(is_done) {
            return Ok(None);
        }
        let Some(state) = self.endpoint.get_connection_state(self.server) else {
            return Ok(None);
        };
        let cipher = identity.cipher;
        let bytes = exported_bytes(cipher);
        let material = state.export_keying_material(EXPORTER_LABEL, &[], bytes)?;
        Keys::from_exporter(cipher, material.as_ref(), identity.provider.crypto()).map(Some)
    }

    /// Says again what was not answered in time.
    ///
    /// # Errors
    /// When it has been said often enough.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<()> {
        let due = self.endpoint.poll_timeout(&self.server);
        if due.is_some_and(|at| at <= now) {
            self.endpoint.handle_timeout(self.server, now)?;
        }
        Ok(())
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        let transmit = self.endpoint.poll_transmit()?;
        Some(transmit.message.to_vec())
    }
}
