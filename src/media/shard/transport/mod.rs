//! One peer's path and keys: ICE, then DTLS, from `rtc`'s sans-IO parts.
//!
//! A controlled full ICE agent rather than ICE-lite: Firefox does not pair its other addresses
//! with a loopback candidate, so a newcomer who opens the demo's link in it on the same machine
//! is reached only by a server that sends checks too. UDP and TCP have an agent each: `rtc`'s
//! selects a pair once and for ever, and a client that could reach the server by TCP first goes
//! over to UDP as soon as it can. The DTLS side is passive (RFC 8842), one
//! certificate for the process; the SRTP keys leave through the exporter (RFC 5764). This module
//! must never know what is sent over the path.

mod checks;
mod hello;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use rtc::{
    crypto::RTCCryptoProvider,
    dtls::{
        config::{ClientAuthType, ConfigBuilder, ExtendedMasterSecretType, HandshakeConfig},
        crypto::Certificate,
        endpoint::{Endpoint, EndpointEvent},
        extension::extension_use_srtp::SrtpProtectionProfile,
    },
    ice::candidate::unmarshal_candidate,
    shared::TransportProtocol,
};

use super::{
    contain::contained,
    srtp::{EXPORTER_LABEL, Keys, Profile},
};
pub use checks::candidates;
use checks::{Checks, Tidings};
use hello::{Hello, HelloReader};

/// Candidates of a client that are paired at most; the rest is ignored. A browser with several
/// interfaces and VPNs stays below it, and a hostile one cannot make the server probe a network.
pub const REMOTE_CANDIDATES_MAX: usize = 16;
/// Addresses that a client's checks may come from at most: its interfaces and what NATs make of
/// them, over changes of network. Who knows the credentials can forge any number of senders, and
/// the agent keeps a candidate for each.
const CHECKED_ADDRESSES_MAX: usize = 32;
/// Datagrams kept while the ClientHello is put together; more push out nothing and are dropped.
const EARLY_DATAGRAMS_MAX: usize = 8;
/// DTLS that is taken of a peer over its life, in bytes: a handshake has some 4 KiB, and room for
/// its repetitions. The association keeps every fragment, however empty, and every record of keys
/// to come, and looks through them anew for each; what comes beyond this is dropped, but for alerts.
const DTLS_BYTES_MAX: usize = 32 * 1024;
/// A handshake that has not finished by then is given up.
const SETUP_TIME_MAX: Duration = Duration::from_secs(30);
/// How often a handshake flight is repeated. RFC 6347 asks for 1 s, but media waits for it and the
/// path's round trip is far shorter. The crate gives up after seven: with less than this, a client that
/// repeats its own after 1 s would not find the server any more where two are lost.
const FLIGHT_INTERVAL: Duration = Duration::from_millis(500);
/// The DTLS endpoint tells associations apart by address. There is one a peer, whatever address
/// ICE selects, so it always sees this one (RFC 5737 documentation range).
const ASSOCIATION: SocketAddr = SocketAddr::new(
    std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)),
    1,
);

/// Why a connection is lost at which a library has panicked.
const LIBRARY_FAILED: &str = "the library that reads what the client sends has failed";

/// The process's certificate and the handshake configurations made with it.
#[derive(Clone)]
pub struct Identity {
    provider: Arc<dyn RTCCryptoProvider>,
    fingerprint: [u8; 32],
    handshakes: [(Profile, Arc<HandshakeConfig>); 3],
}

impl Identity {
    /// Makes a new certificate (ECDSA P-256, as browsers do).
    ///
    /// # Errors
    /// Says what failed in the cryptography of the platform.
    pub fn generate() -> Result<Self, String> {
        let provider = rtc::crypto::default_provider().map_err(|error| error.to_string())?;
        let certificate =
            Certificate::generate_self_signed(vec!["roundtable".to_owned()], provider.crypto())
                .map_err(|error| error.to_string())?;
        let fingerprint = certificate
            .certificate
            .first()
            .map(|der| sha256(der))
            .ok_or("no certificate")?;
        let handshake = |profile: Profile, number| {
            ConfigBuilder::default()
                .with_crypto_provider(provider.clone())
                .with_certificates(vec![certificate.clone()])
                .with_srtp_protection_profiles(vec![number])
                .with_client_auth(ClientAuthType::RequireAnyClientCert)
                // Certificates are self-signed; the fingerprint of the offer is what counts, and
                // is compared when the handshake has finished.
                .with_insecure_skip_verify(true)
                .with_extended_master_secret(ExtendedMasterSecretType::Require)
                .with_flight_interval(FLIGHT_INTERVAL)
                .build(false, None)
                .map(|config| (profile, Arc::new(config)))
                .map_err(|error| error.to_string())
        };
        Ok(Self {
            fingerprint,
            handshakes: [
                handshake(
                    Profile::AeadAes128Gcm,
                    SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
                )?,
                handshake(
                    Profile::AeadAes256Gcm,
                    SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm,
                )?,
                handshake(
                    Profile::AesCm128HmacSha1_80,
                    SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
                )?,
            ],
            provider,
        })
    }

    /// SHA-256 of the certificate, for the answer.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }

    fn handshake(&self, wanted: Profile) -> Option<Arc<HandshakeConfig>> {
        self.handshakes
            .iter()
            .find(|(profile, _)| *profile == wanted)
            .map(|(_, config)| config.clone())
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    hash.copy_from_slice(digest.as_ref());
    hash
}

/// Both sides' ICE credentials and the client's fingerprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Our user fragment.
    pub ufrag: String,
    /// Our password.
    pub pwd: String,
    /// The client's user fragment.
    pub remote_ufrag: String,
    /// The client's password.
    pub remote_pwd: String,
    /// SHA-256 of the client's certificate.
    pub remote_fingerprint: [u8; 32],
}

/// What carries packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Via {
    /// Datagrams.
    Udp,
    /// A stream of frames (RFC 4571) that the client has opened.
    Tcp,
}

/// Where packets go and come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Path {
    /// Which of the shard's local addresses of this kind.
    pub local: u8,
    /// What carries them.
    pub via: Via,
    /// The client's address.
    pub remote: SocketAddr,
}

impl Path {
    /// The client's end. The same address over UDP and over TCP may be two clients'.
    pub fn far(self) -> FarEnd {
        (self.via, self.remote)
    }
}

/// A client's end of a path.
pub type FarEnd = (Via, SocketAddr);

/// The shard's addresses, each exactly as its socket is bound, never unspecified.
#[derive(Debug, Clone)]
pub struct Locals {
    /// Where datagrams come.
    pub udp: Arc<[SocketAddr]>,
    /// Where connections are accepted.
    pub tcp: Arc<[SocketAddr]>,
}

impl Locals {
    fn of(&self, via: Via) -> &[SocketAddr] {
        match via {
            Via::Udp => &self.udp,
            Via::Tcp => &self.tcp,
        }
    }
}

/// What became of a transport.
pub enum Outcome {
    /// The handshake finished and the fingerprint is the offer's.
    Ready(Keys),
    /// It will not carry anything, or no longer; says why.
    Lost(&'static str),
}

/// Checks of a path that is to replace the selected one.
struct Moving {
    path: Path,
    checks: Checks,
    /// The message that nominated it.
    nomination: Box<[u8]>,
}

/// One peer's ICE agents and DTLS association.
pub struct Transport {
    identity: Identity,
    credentials: Credentials,
    locals: Locals,
    /// Nothing once they have found no pair.
    udp: Option<Checks>,
    /// Nothing until the client has opened a connection.
    tcp: Option<Checks>,
    /// Of a path that the client has nominated in place of the selected one, until they succeed.
    moving: Option<Moving>,
    remote_candidates: usize,
    checked: Vec<FarEnd>,
    /// Where the last good check came from.
    last: Option<Path>,
    path: Option<Path>,
    hello: HelloReader,
    early: Vec<BytesMut>,
    dtls_bytes: usize,
    dtls: Option<(Profile, Endpoint)>,
    ready: bool,
    lost: bool,
    outcome: Option<Outcome>,
    give_up_at: Instant,
}

impl Transport {
    /// A transport that waits for the client's checks.
    ///
    /// # Errors
    /// Where the agent refuses the addresses or credentials; says why.
    pub fn new(
        now: Instant,
        identity: Identity,
        locals: Locals,
        credentials: Credentials,
    ) -> Result<Self, String> {
        let udp = Checks::new(now, Via::Udp, &identity, &locals, &credentials)?;
        Ok(Self {
            identity,
            credentials,
            locals,
            udp: Some(udp),
            tcp: None,
            moving: None,
            remote_candidates: 0,
            checked: Vec::new(),
            last: None,
            path: None,
            hello: HelloReader::default(),
            early: Vec::new(),
            dtls_bytes: 0,
            dtls: None,
            ready: false,
            lost: false,
            outcome: None,
            give_up_at: now + SETUP_TIME_MAX,
        })
    }

    /// Gives both sides new credentials (RFC 8445 section 9). Datagrams go to the present path until
    /// a pair is selected under the new ones; the DTLS association and its keys stay.
    ///
    /// # Errors
    /// Where there is nothing left to restart, or the agent refuses the credentials; says why.
    pub fn restart(
        &mut self,
        now: Instant,
        (ufrag, pwd): (&str, &str),
        remote_ufrag: String,
        remote_pwd: String,
    ) -> Result<(), String> {
        if self.lost {
            return Err("nothing comes from the client any more: offer anew".to_owned());
        }
        ufrag.clone_into(&mut self.credentials.ufrag);
        pwd.clone_into(&mut self.credentials.pwd);
        self.credentials.remote_ufrag = remote_ufrag;
        self.credentials.remote_pwd = remote_pwd;
        self.remote_candidates = 0;
        self.checked.clear();
        let present = self.path;
        for checks in [&mut self.udp, &mut self.tcp].into_iter().flatten() {
            checks.restart(now, &self.credentials, present)?;
        }
        // The network may be another, where datagrams pass.
        self.checks_over(now, Via::Udp);
        self.follow_ice();
        Ok(())
    }

    /// Takes a candidate of the client's, as in the `candidate` attribute. Names to be resolved,
    /// TCP (it is the client that connects) and those past [`REMOTE_CANDIDATES_MAX`] are ignored: the client's own checks reach
    /// the server whatever it announces.
    pub fn handle_candidate(&mut self, value: &str) {
        let value = value.strip_prefix("candidate:").unwrap_or(value);
        if self.remote_candidates >= REMOTE_CANDIDATES_MAX || value.len() > 512 {
            return;
        }
        let Some(Ok(candidate)) = contained(|| unmarshal_candidate(value)) else {
            return;
        };
        let address = candidate.addr();
        let local_only = self
            .locals
            .udp
            .iter()
            .all(|local| !local.ip().is_loopback());
        if candidate.network_type().is_tcp()
            || address.port() == 0
            || address.ip().is_unspecified()
            || address.ip().is_multicast()
            || address.ip().is_loopback() && local_only
        {
            return;
        }
        if self.udp.as_mut().is_some_and(|udp| udp.add(candidate)) {
            self.remote_candidates += 1;
        }
    }

    /// Takes a STUN message. True when it was authentic: its sender holds the credentials, so
    /// that what else comes from there may be looked at.
    pub fn handle_stun(&mut self, now: Instant, path: Path, message: &[u8]) -> bool {
        if self.lost {
            return false;
        }
        let known = self.checked.contains(&path.far());
        if !known && self.checked.len() >= CHECKED_ADDRESSES_MAX {
            return false;
        }
        let locals = self.locals.clone();
        let moving = self.moving.as_ref().map(|moving| moving.path.far());
        let checks = if moving == Some(path.far()) {
            self.moving.as_mut().map(|moving| &mut moving.checks)
        } else {
            self.checks_over(now, path.via)
        };
        let Some(checks) = checks else {
            return false;
        };
        match contained(|| checks.handle(now, path, &locals, message)) {
            Some(true) => {}
            Some(false) => return false,
            None => {
                self.lose(LIBRARY_FAILED);
                return false;
            }
        }
        if !known {
            self.checked.push(path.far());
        }
        self.last = Some(path);
        if moving != Some(path.far()) {
            if checks::nominates(message) {
                self.begin_to_move(now, path, message);
            }
        } else if let Some(moving) = &mut self.moving {
            // The client nominates once; only after an answer to a check the agent selects.
            let Moving {
                checks, nomination, ..
            } = moving;
            checks.handle(now, path, &self.locals, nomination);
        }
        self.follow_ice();
        true
    }

    /// The client has nominated this path by a message that is authentic. Where another is selected
    /// it has changed its network, perhaps: `rtc`'s agent never selects a second pair, so that one of
    /// its own checks the new path. The old one stays until an answer to a check has come on the new
    /// one: a copy of the message with a forged sender moves nothing.
    fn begin_to_move(&mut self, now: Instant, path: Path, message: &[u8]) {
        let checks = match path.via {
            Via::Udp => &self.udp,
            Via::Tcp => &self.tcp,
        };
        let selected = checks.as_ref().and_then(Checks::selected);
        if selected.is_none_or(|selected| selected.far() == path.far()) {
            return;
        }
        let Ok(mut checks) = Checks::new(
            now,
            path.via,
            &self.identity,
            &self.locals,
            &self.credentials,
        ) else {
            return;
        };
        // The other agent has read it without harm.
        checks.handle(now, path, &self.locals, message);
        self.moving = Some(Moving {
            path,
            checks,
            nomination: message.into(),
        });
    }

    /// All checks.
    fn all_checks(&mut self) -> impl Iterator<Item = &mut Checks> {
        let moving = self.moving.as_mut().map(|moving| &mut moving.checks);
        [self.udp.as_mut(), self.tcp.as_mut(), moving]
            .into_iter()
            .flatten()
    }

    /// Those that a check which has come so belongs to. TCP's begin with the client's first; those
    /// that had found nothing begin anew, since the client has found something.
    fn checks_over(&mut self, now: Instant, via: Via) -> Option<&mut Checks> {
        let checks = match via {
            Via::Udp => &mut self.udp,
            Via::Tcp => &mut self.tcp,
        };
        if checks.is_none() {
            // What the agent would refuse it has refused at the peer's first.
            *checks = Checks::new(now, via, &self.identity, &self.locals, &self.credentials).ok();
        }
        checks.as_mut()
    }

    /// The client's connection has ended. It may open another.
    pub fn handle_closed(&mut self, now: Instant, path: Path) {
        self.checked.retain(|far| *far != path.far());
        if self.last == Some(path) {
            self.last = None;
        }
        self.moving.take_if(|moving| moving.path == path);
        let selected = self.tcp.as_ref().and_then(Checks::selected);
        if selected == Some(path) && !self.lost {
            self.tcp = None;
            // Anew, so that nobody waits for ever where nothing else is left.
            self.checks_over(now, Via::Tcp);
        }
        self.follow_ice();
    }

    /// Takes a datagram of DTLS records from an address that passed a check.
    pub fn handle_dtls(&mut self, now: Instant, datagram: &[u8]) {
        if self.lost || !self.may_take(datagram) {
            return;
        }
        if self.dtls.is_none() {
            match self.hello.handle(datagram) {
                Hello::Incomplete => {
                    if self.early.len() < EARLY_DATAGRAMS_MAX {
                        self.early.push(BytesMut::from(datagram));
                    }
                    return;
                }
                Hello::NoneKnown => {
                    self.lose("the client offers no SRTP protection profile that is known here");
                    return;
                }
                Hello::Profile(profile) => {
                    let Some(config) = self.identity.handshake(profile) else {
                        return;
                    };
                    let endpoint = Endpoint::new(ASSOCIATION, TransportProtocol::UDP, Some(config));
                    self.dtls = Some((profile, endpoint));
                }
            }
            for early in std::mem::take(&mut self.early) {
                self.read_dtls(now, early);
            }
        }
        self.read_dtls(now, BytesMut::from(datagram));
    }

    /// Counts a datagram of DTLS. An alert alone is always taken once there are keys: it is opened
    /// or dropped, and nothing of it is kept.
    fn may_take(&mut self, datagram: &[u8]) -> bool {
        if self.ready && hello::is_one_alert(datagram) {
            return true;
        }
        let bytes = self.dtls_bytes.saturating_add(datagram.len());
        let within = bytes <= DTLS_BYTES_MAX;
        if within {
            self.dtls_bytes = bytes;
        }
        within
    }

    fn read_dtls(&mut self, now: Instant, datagram: BytesMut) {
        let Some((profile, endpoint)) = &mut self.dtls else {
            return;
        };
        // A datagram that does not authenticate or parse is dropped (RFC 6347 section 4.1.2.7).
        let Some(read) = contained(|| endpoint.read(now, ASSOCIATION, None, datagram)) else {
            self.dtls = None;
            self.lose(LIBRARY_FAILED);
            return;
        };
        let events = read.unwrap_or_default();
        for event in events {
            match event {
                EndpointEvent::HandshakeComplete => {
                    let outcome = finish(*profile, endpoint, &self.credentials.remote_fingerprint);
                    match outcome {
                        Ok(keys) => {
                            self.ready = true;
                            self.outcome = Some(Outcome::Ready(keys));
                        }
                        Err(why) => {
                            self.lose(why);
                            return;
                        }
                    }
                }
                EndpointEvent::PeerClosed => {
                    self.lose("the client closed the connection");
                    return;
                }
                // No data channels: application data has no meaning here. (The enum is open.)
                EndpointEvent::ApplicationData(_) | _ => {}
            }
        }
    }

    fn lose(&mut self, why: &'static str) {
        if !self.lost {
            self.lost = true;
            self.outcome = Some(Outcome::Lost(why));
        }
    }

    /// Chooses the path anew, and gives up where no checks are left.
    fn follow_ice(&mut self) {
        if let Some(moving) = &mut self.moving {
            let via = moving.path.via;
            match moving.checks.follow(&self.locals) {
                Tidings::Failed => self.moving = None,
                Tidings::Open if moving.checks.selected().is_some() => {
                    let moved = self.moving.take().map(|moving| moving.checks);
                    match via {
                        Via::Udp => self.udp = moved,
                        Via::Tcp => self.tcp = moved,
                    }
                }
                Tidings::Open => {}
            }
        }
        for checks in [&mut self.udp, &mut self.tcp] {
            let tidings = checks.as_mut().map(|checks| checks.follow(&self.locals));
            if let Some(Tidings::Failed) = tidings {
                *checks = None;
            }
        }
        let (udp, tcp) = (self.udp.as_ref(), self.tcp.as_ref());
        if udp.is_none() && tcp.is_none() {
            self.lose("nothing has come from the client for 15 s");
            return;
        }
        // A stalled stream holds everything up that is behind what is lost: UDP first, while it
        // is alive. Until a pair is selected, answer where the last good check came from.
        let all = [udp, tcp];
        let alive = all.iter().flatten().filter(|checks| checks.is_alive());
        self.path = alive
            .chain(all.iter().flatten())
            .find_map(|checks| checks.selected())
            .or(self.last);
    }

    /// Moves the timers on.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.lost {
            return;
        }
        if !self.ready && now >= self.give_up_at {
            self.lose("the connection was not set up within 30 s");
            return;
        }
        let mut moved = false;
        for checks in self.all_checks() {
            moved |= checks.handle_timeout(now);
        }
        if moved {
            self.follow_ice();
        }
        if let Some((_, endpoint)) = &mut self.dtls
            && endpoint
                .poll_timeout(&ASSOCIATION)
                .is_some_and(|at| at <= now)
            && endpoint.handle_timeout(ASSOCIATION, now).is_err()
        {
            self.lose("the DTLS handshake got no answer");
        }
    }

    /// When [`Self::handle_timeout`] is needed next.
    pub fn next_deadline(&mut self) -> Option<Instant> {
        if self.lost {
            return None;
        }
        let dtls = self
            .dtls
            .as_ref()
            .and_then(|(_, endpoint)| endpoint.poll_timeout(&ASSOCIATION));
        let setup = (!self.ready).then_some(self.give_up_at);
        let ice = self.all_checks().filter_map(Checks::next_deadline).min();
        [ice, dtls, setup].into_iter().flatten().min()
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<(Path, BytesMut)> {
        let moving = self.moving.as_mut().map(|moving| &mut moving.checks);
        let ice = [self.udp.as_mut(), self.tcp.as_mut(), moving]
            .into_iter()
            .flatten()
            .find_map(|checks| checks.poll_transmit(&self.locals));
        if ice.is_some() {
            return ice;
        }
        let path = self.path?;
        let (_, endpoint) = self.dtls.as_mut()?;
        endpoint
            .poll_transmit()
            .map(|transmit| (path, transmit.message))
    }

    /// What became of it, once each.
    pub fn poll_outcome(&mut self) -> Option<Outcome> {
        self.outcome.take()
    }

    /// Where media goes: the selected pair, before that the last address that passed a check.
    pub fn path(&self) -> Option<Path> {
        self.path
    }

    /// The round trip of the selected pair, by the latest check that was answered.
    pub fn round_trip(&self, now: Instant) -> Option<Duration> {
        let checks = match self.path?.via {
            Via::Udp => self.udp.as_ref(),
            Via::Tcp => self.tcp.as_ref(),
        };
        checks?.round_trip(now)
    }

    /// Queues a goodbye, so that the client need not wait for its timers.
    pub fn close(&mut self, now: Instant) {
        if let Some((_, endpoint)) = &mut self.dtls {
            // Its only error is of an association that is gone.
            let _ = endpoint.close(now);
        }
    }
}

fn finish(
    profile: Profile,
    endpoint: &Endpoint,
    fingerprint: &[u8; 32],
) -> Result<Keys, &'static str> {
    let state = endpoint
        .get_connection_state(ASSOCIATION)
        .ok_or("the DTLS association is gone")?;
    if state.peer_certificates.first().map(|der| sha256(der)) != Some(*fingerprint) {
        return Err("the client's certificate is not the one of its offer");
    }
    if state.srtp_protection_profile() as u16 != profile.dtls_id() {
        return Err("no SRTP protection profile was agreed");
    }
    let material = state
        .export_keying_material(EXPORTER_LABEL, &[], profile.exported_bytes())
        .map_err(|_| "the DTLS exporter failed")?;
    Keys::from_exporter(profile, material.as_ref()).map_err(|_| "the DTLS exporter failed")
}
