//! A client without sockets: ICE, DTLS and SRTP on a clock that it is handed, and a `Hall` that
//! joins it to a `Shard` in memory. Its DTLS and ICE are `rtc`'s; its SRTP is the server's own, with
//! the keys the other way round (which is tested against `rtc-srtp` elsewhere).

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use rand::{SeedableRng, rngs::StdRng};
use roundtable::media::{
    Kin, Notice, Order, PeerId, Restarted, Sending, SessionKey, Source,
    shard::{
        DATAGRAM_BYTES_MAX, Settings, Shard,
        rtp::{self, HeaderFields},
        srtp::{EXPORTER_LABEL, Keys, Opener, Profile, Sealer},
        transport::Identity,
    },
};
use rtc::{
    crypto::RTCCryptoProvider,
    dtls::{
        config::{ConfigBuilder, ExtendedMasterSecretType},
        crypto::Certificate,
        endpoint::{Endpoint, EndpointEvent},
        extension::extension_use_srtp::SrtpProtectionProfile,
    },
    ice::{
        agent::{Agent, agent_config::AgentConfig},
        candidate::{CandidateConfig, candidate_host::CandidateHostConfig, unmarshal_candidate},
        mdns::MulticastDnsMode,
    },
    sansio::Protocol,
    shared::{TransportContext, TransportMessage, TransportProtocol},
};

/// Where the shard is.
pub const SERVER: &str = "127.0.0.1:7882";
/// The session of all clients here.
pub const SESSION: SessionKey = SessionKey(1);

/// A shard with one session, its clock and what it has sent but nobody took.
pub struct Hall {
    /// The shard.
    pub shard: Shard,
    /// The time of everything in here.
    pub now: Instant,
    /// What the room was told, in order.
    pub notices: Vec<Notice>,
    /// What becomes of the offers of clients that join.
    pub offering: fn(String) -> String,
}

/// One connected client.
pub struct Client {
    /// Its name in the room.
    pub id: PeerId,
    address: SocketAddr,
    server: SocketAddr,
    provider: Arc<dyn RTCCryptoProvider>,
    certificate: Certificate,
    credentials: Credentials,
    agent: Agent,
    dtls: Endpoint,
    profile: Profile,
    reachable: bool,
    keys: Option<(Sealer, Opener)>,
    /// SSRCs of its slots in the order of the sections, audio first.
    pub slots: Vec<u32>,
    /// SSRCs of their retransmissions, 0 for sound.
    pub rtx: Vec<u32>,
    /// What it has received: RTP packets opened, RTCP compounds opened.
    pub received: Vec<Vec<u8>>,
    /// RTCP compounds received.
    pub reports: Vec<Vec<u8>>,
}

/// How a successful answer to a check begins (RFC 8489 section 5).
const BINDING_SUCCESS: [u8; 2] = [1, 1];
/// SSRC of every client's microphone.
pub const MICROPHONE: u32 = 1001;
/// SSRC of every client's camera.
pub const CAMERA: u32 = 2001;

impl Hall {
    /// An empty one.
    pub fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "a test's time begins somewhere")]
        let now = Instant::now();
        let locals = [SERVER.parse().expect("an address")];
        let shard = Shard::new(
            now,
            Settings::default(),
            Identity::generate().expect("a certificate"),
            locals.as_slice().into(),
            StdRng::from_seed([7; 32]),
        );
        Self {
            shard,
            now,
            notices: Vec::new(),
            offering: |sdp| sdp,
        }
    }

    /// Time passes, in steps of the shard's own timers.
    pub fn pass(&mut self, time: Duration, clients: &mut [Client]) {
        let end = self.now + time;
        while self.now < end {
            self.now += Duration::from_millis(20).min(end - self.now);
            self.shard.handle_timeout(self.now);
            self.deliver(clients);
        }
    }

    /// Carries the room's order out.
    pub fn order(&mut self, order: Order, clients: &mut [Client]) {
        self.shard.handle_order(self.now, SESSION, order);
        self.deliver(clients);
    }

    /// Everything that the shard has to send reaches the clients, and their answers it.
    pub fn deliver(&mut self, clients: &mut [Client]) {
        let mut buffer = [0; DATAGRAM_BYTES_MAX];
        loop {
            let mut quiet = true;
            while let Some(transmit) = self.shard.poll_transmit(&mut buffer) {
                quiet = false;
                let to = transmit.path.remote;
                if let Some(client) = clients.iter_mut().find(|client| client.address == to) {
                    client.handle(self.now, &mut buffer[..transmit.length]);
                }
            }
            for client in clients.iter_mut() {
                while let Some(mut datagram) = client.poll(self.now) {
                    quiet = false;
                    self.shard
                        .handle_datagram(self.now, 0, client.address, &mut datagram);
                }
            }
            while let Some((_, notice)) = self.shard.poll_notice() {
                self.notices.push(notice);
            }
            if quiet {
                return;
            }
        }
    }

    /// A client's packet reaches the shard, and what follows from it the clients.
    pub fn send(&mut self, from: usize, mut datagram: Vec<u8>, clients: &mut [Client]) {
        let address = clients[from].address;
        self.shard
            .handle_datagram(self.now, 0, address, &mut datagram);
        self.deliver(clients);
    }

    /// A new client with so many slots is connected.
    pub fn join(
        &mut self,
        clients: &mut Vec<Client>,
        profile: Profile,
        audio_slots: usize,
        video_slots: usize,
    ) -> usize {
        let place = self.begin(clients, profile, audio_slots, video_slots);
        self.pass(Duration::from_millis(60), clients);
        clients[place].connect(self.now);
        for _ in 0..50 {
            if clients[place].keys.is_some() {
                break;
            }
            self.pass(Duration::from_millis(20), clients);
        }
        assert!(clients[place].keys.is_some(), "the handshake finishes");
        place
    }

    /// A new client has its answer; nothing has been sent on its path.
    pub fn begin(
        &mut self,
        clients: &mut Vec<Client>,
        profile: Profile,
        audio_slots: usize,
        video_slots: usize,
    ) -> usize {
        let place = clients.len();
        let number = u16::try_from(place).expect("few clients");
        let mut offered = Offered::new(&format!("user{number}"), audio_slots, video_slots);
        offered.sdp = (self.offering)(offered.sdp);
        let id = PeerId(u64::from(number) + 1);
        self.shard.handle_order(
            self.now,
            SESSION,
            Order::Offer {
                peer: id,
                kin: Kin(id.0),
                sdp: offered.sdp.clone(),
                sending: vec![
                    Sending {
                        mid: "mic".into(),
                        source: Source::Microphone,
                    },
                    Sending {
                        mid: "cam".into(),
                        source: Source::Camera,
                    },
                ],
            },
        );
        let answer = loop {
            match self.shard.poll_notice().expect("an answer").1 {
                Notice::Answered { answer, .. } => break answer.expect("a good offer"),
                other => self.notices.push(other),
            }
        };
        let address = SocketAddr::from(([127, 0, 0, 1], 20_000 + number));
        clients.push(offered.answered(self.now, id, address, profile, &answer));
        place
    }
}

/// What both sides of a client's checks know.
struct Credentials {
    ufrag: String,
    pwd: String,
    server_ufrag: String,
    server_pwd: String,
    /// The server's, as in the `candidate` attribute.
    candidate: String,
}

/// A client that has made an offer.
pub struct Offered {
    /// The offer: sections `mic` and `cam`, then the slots.
    pub sdp: String,
    ufrag: String,
    pwd: String,
    provider: Arc<dyn RTCCryptoProvider>,
    certificate: Certificate,
}

impl Offered {
    /// An offer with so many slots, under this user fragment.
    pub fn new(ufrag: &str, audio_slots: usize, video_slots: usize) -> Self {
        let provider = rtc::crypto::default_provider().expect("a provider");
        let certificate =
            Certificate::generate_self_signed(vec!["client".to_owned()], provider.crypto())
                .expect("a certificate");
        let fingerprint = fingerprint(&certificate.certificate[0]);
        let pwd = "p".repeat(24);
        Self {
            sdp: offer(ufrag, &pwd, &fingerprint, audio_slots, video_slots),
            ufrag: ufrag.to_owned(),
            pwd,
            provider,
            certificate,
        }
    }

    /// The client that sends from `address` and has got this answer. Its checks begin.
    pub fn answered(
        self,
        now: Instant,
        id: PeerId,
        address: SocketAddr,
        profile: Profile,
        answer: &str,
    ) -> Client {
        let credentials = Credentials {
            ufrag: self.ufrag,
            pwd: self.pwd,
            server_ufrag: value(answer, "ice-ufrag:").to_owned(),
            server_pwd: value(answer, "ice-pwd:").to_owned(),
            candidate: value(answer, "candidate:").to_owned(),
        };
        let (agent, server) = checking(now, self.provider.clone(), address, &credentials);
        let (slots, rtx) = slot_ssrcs(answer);
        Client {
            id,
            address,
            server,
            provider: self.provider,
            certificate: self.certificate,
            credentials,
            agent,
            dtls: Endpoint::new(address, TransportProtocol::UDP, None),
            profile,
            reachable: false,
            keys: None,
            slots,
            rtx,
            received: Vec::new(),
            reports: Vec::new(),
        }
    }
}

/// An agent that checks the path from `address`, and where it finds the server.
fn checking(
    now: Instant,
    provider: Arc<dyn RTCCryptoProvider>,
    address: SocketAddr,
    credentials: &Credentials,
) -> (Agent, SocketAddr) {
    let mut agent = Agent::new(
        now,
        Arc::new(AgentConfig {
            is_controlling: true,
            local_ufrag: credentials.ufrag.clone(),
            local_pwd: credentials.pwd.clone(),
            multicast_dns_mode: MulticastDnsMode::Disabled,
            ..AgentConfig::default()
        }),
        provider,
    )
    .expect("an agent");
    let host = CandidateHostConfig {
        base_config: CandidateConfig {
            network: "udp".into(),
            address: address.ip().to_string(),
            port: address.port(),
            component: 1,
            ..CandidateConfig::default()
        },
        ..CandidateHostConfig::default()
    };
    agent
        .add_local_candidate(host.new_candidate_host().expect("a candidate"))
        .expect("added");
    let theirs = unmarshal_candidate(&credentials.candidate).expect("a candidate");
    let server = theirs.addr();
    agent.add_remote_candidate(theirs).expect("added");
    agent
        .start_connectivity_checks(
            now,
            true,
            credentials.server_ufrag.clone(),
            credentials.server_pwd.clone(),
        )
        .expect("started");
    (agent, server)
}

fn dtls_profile(profile: Profile) -> SrtpProtectionProfile {
    match profile {
        Profile::AeadAes128Gcm => SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
        Profile::AeadAes256Gcm => SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm,
        Profile::AesCm128HmacSha1_80 => SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
    }
}

fn fingerprint(der: &[u8]) -> String {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der)
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect::<Vec<_>>()
        .join(":")
}

fn value<'a>(sdp: &'a str, key: &str) -> &'a str {
    sdp.lines()
        .find_map(|line| line.strip_prefix("a=")?.strip_prefix(key))
        .expect(key)
}

/// The slots' SSRCs: the first `a=ssrc:` of each section that the server sends on, and the second
/// where there are two (retransmissions).
fn slot_ssrcs(answer: &str) -> (Vec<u32>, Vec<u32>) {
    answer
        .split("m=")
        .filter(|section| section.contains("a=sendonly"))
        .map(|section| {
            let all: Vec<u32> = section
                .lines()
                .filter_map(|line| line.strip_prefix("a=ssrc:")?.split(' ').next())
                .map(|number| number.parse().expect("a number"))
                .collect();
            (all[0], all.get(1).copied().unwrap_or(0))
        })
        .unzip()
}

fn offer(ufrag: &str, pwd: &str, fingerprint: &str, audio: usize, video: usize) -> String {
    let transport = format!(
        "c=IN IP4 0.0.0.0\r\na=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\na=rtcp-mux\r\n\
         a=fingerprint:sha-256 {fingerprint}\r\na=setup:actpass\r\n"
    );
    let sound =
        "a=rtpmap:111 opus/48000/2\r\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n";
    let picture = "a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n";
    let mut text =
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE mic cam\r\n".to_owned();
    let mut section = |kind: &str, formats: &str, mid: &str, direction: &str, rest: &str| {
        text.push_str(&format!(
            "m={kind} 9 UDP/TLS/RTP/SAVPF {formats}\r\na=mid:{mid}\r\na={direction}\r\n{transport}{rest}"
        ));
    };
    let ours = format!("{sound}a=ssrc:{MICROPHONE} cname:c\r\n");
    section("audio", "111", "mic", "sendonly", &ours);
    let ours = format!("{picture}a=ssrc:{CAMERA} cname:c\r\n");
    section("video", "96 97", "cam", "sendonly", &ours);
    for slot in 0..audio {
        section("audio", "111", &format!("a{slot}"), "recvonly", sound);
    }
    for slot in 0..video {
        section("video", "96 97", &format!("v{slot}"), "recvonly", picture);
    }
    text
}

impl Client {
    /// Begins the DTLS handshake, once its checks have been answered.
    pub fn connect(&mut self, now: Instant) {
        let config = ConfigBuilder::default()
            .with_crypto_provider(self.provider.clone())
            .with_certificates(vec![self.certificate.clone()])
            .with_srtp_protection_profiles(vec![dtls_profile(self.profile)])
            .with_insecure_skip_verify(true)
            .with_extended_master_secret(ExtendedMasterSecretType::Require)
            .build(true, None)
            .expect("a configuration");
        self.dtls
            .connect(now, self.server, Arc::new(config), None)
            .expect("a hello");
    }

    /// Is on another network from now on: its checks begin anew from there with the credentials that
    /// it has, its keys stay.
    #[allow(dead_code, reason = "for who moves")]
    pub fn move_to(&mut self, now: Instant, address: SocketAddr) {
        self.address = address;
        let provider = self.provider.clone();
        (self.agent, _) = checking(now, provider, address, &self.credentials);
    }

    /// The order that gives its side new credentials.
    #[allow(dead_code, reason = "for who restarts")]
    pub fn restarts(&self, ufrag: &str, pwd: &str) -> Order {
        Order::Restart {
            peer: self.id,
            ufrag: ufrag.to_owned(),
            pwd: pwd.to_owned(),
        }
    }

    /// Its checks begin anew, with new credentials of both sides.
    #[allow(dead_code, reason = "for who restarts")]
    pub fn restarted(&mut self, now: Instant, ufrag: &str, pwd: &str, server: &Restarted) {
        self.credentials = Credentials {
            ufrag: ufrag.to_owned(),
            pwd: pwd.to_owned(),
            server_ufrag: server.ufrag.clone(),
            server_pwd: server.pwd.clone(),
            candidate: server.candidates[0].clone(),
        };
        self.reachable = false;
        let provider = self.provider.clone();
        (self.agent, _) = checking(now, provider, self.address, &self.credentials);
    }

    /// Where the server's media is, by its answer.
    #[allow(dead_code, reason = "for who has sockets")]
    pub fn server(&self) -> SocketAddr {
        self.server
    }

    /// Whether the server has answered a check.
    #[allow(dead_code, reason = "for who has sockets")]
    pub fn is_reachable(&self) -> bool {
        self.reachable
    }

    /// Whether the handshake has finished.
    #[allow(dead_code, reason = "for who has sockets")]
    pub fn is_connected(&self) -> bool {
        self.keys.is_some()
    }

    /// Takes a datagram of the server's, which makes no mistakes.
    pub fn handle(&mut self, now: Instant, datagram: &mut [u8]) {
        if let Err(why) = self.try_handle(now, datagram) {
            panic!("{why}");
        }
    }

    /// Takes a datagram of a server that has been provoked.
    pub fn try_handle(&mut self, now: Instant, datagram: &mut [u8]) -> Result<(), String> {
        match datagram.first() {
            Some(0..=3) => {
                self.reachable |= datagram.starts_with(&BINDING_SUCCESS);
                self.agent
                    .handle_read(TransportMessage {
                        now,
                        transport: TransportContext {
                            local_addr: self.address,
                            peer_addr: self.server,
                            transport_protocol: TransportProtocol::UDP,
                            ecn: None,
                        },
                        message: BytesMut::from(&*datagram),
                    })
                    .map_err(|why| format!("the server's STUN is not authentic: {why}"))?;
            }
            Some(20..=63) => {
                let events = self
                    .dtls
                    .read(now, self.server, None, BytesMut::from(&*datagram))
                    .map_err(|why| format!("the server's DTLS is not well-formed: {why}"))?;
                for event in events {
                    if matches!(event, EndpointEvent::HandshakeComplete) {
                        self.export();
                    }
                }
            }
            Some(128..=191) => {
                let (_, opener) = self.keys.as_mut().ok_or("media comes before the keys")?;
                if roundtable::media::shard::rtcp::is_rtcp(datagram) {
                    let compound = opener
                        .open_rtcp(datagram)
                        .map_err(|why| format!("the server's RTCP does not open: {why}"))?;
                    self.reports.push(compound.to_vec());
                } else {
                    let opened = opener
                        .open_rtp(datagram)
                        .map_err(|why| format!("the server's RTP does not open: {why}"))?;
                    self.received.push(opened.packet.to_vec());
                }
            }
            other => return Err(format!("something starts with {other:?}")),
        }
        Ok(())
    }

    fn export(&mut self) {
        let state = self
            .dtls
            .get_connection_state(self.server)
            .expect("an association");
        let material = state
            .export_keying_material(EXPORTER_LABEL, &[], self.profile.exported_bytes())
            .expect("keying material");
        let keys = Keys::from_exporter(self.profile, material.as_ref()).expect("keys");
        self.keys = Some((
            Sealer::new(&keys.client).expect("a sealer"),
            Opener::new(&keys.server).expect("an opener"),
        ));
    }

    /// The next datagram of ICE or DTLS for the server.
    pub fn poll(&mut self, now: Instant) -> Option<Vec<u8>> {
        if self.agent.poll_timeout().is_some_and(|at| at <= now) {
            self.agent.handle_timeout(now).expect("no mDNS");
        }
        while self.agent.poll_event().is_some() {}
        if let Some(message) = self.agent.poll_write() {
            return Some(message.message.to_vec());
        }
        if self
            .dtls
            .poll_timeout(&self.server)
            .is_some_and(|at| at <= now)
        {
            self.dtls.handle_timeout(self.server, now).expect("in time");
        }
        self.dtls
            .poll_transmit()
            .map(|transmit| transmit.message.to_vec())
    }

    /// An Opus packet as this client seals it. `level` is its RFC 6464 level in −dBov.
    pub fn sound(&mut self, sequence: u16, timestamp: u32, level: u8, payload: &[u8]) -> Vec<u8> {
        let fields = HeaderFields {
            marker: false,
            payload_type: 111,
            sequence,
            timestamp,
            ssrc: MICROPHONE,
            padded: false,
        };
        self.seal(&fields, &[(1, &[level])], payload)
    }

    /// A VP8 packet as this client seals it.
    pub fn picture(
        &mut self,
        sequence: u16,
        timestamp: u32,
        marker: bool,
        payload: &[u8],
    ) -> Vec<u8> {
        let fields = HeaderFields {
            marker,
            payload_type: 96,
            sequence,
            timestamp,
            ssrc: CAMERA,
            padded: false,
        };
        self.seal(&fields, &[], payload)
    }

    /// A packet with this header as this client seals it.
    pub fn seal(
        &mut self,
        fields: &HeaderFields,
        extensions: &[(u8, &[u8])],
        payload: &[u8],
    ) -> Vec<u8> {
        let mut packet = vec![0; DATAGRAM_BYTES_MAX];
        let header = rtp::write_header(&mut packet, fields, extensions).expect("a header");
        packet.truncate(header);
        packet.extend(payload);
        self.seal_bytes(&packet, header, 0)
    }

    /// Any bytes as this client seals them, the first `header` of which stay readable.
    pub fn seal_bytes(&mut self, plain: &[u8], header: usize, rollovers: u32) -> Vec<u8> {
        let mut packet = vec![0; DATAGRAM_BYTES_MAX];
        packet[..plain.len()].copy_from_slice(plain);
        let (sealer, _) = self.keys.as_mut().expect("connected");
        let length = sealer
            .seal_rtp(&mut packet, header, plain.len(), rollovers)
            .expect("sealed");
        packet.truncate(length);
        packet
    }

    /// An RTCP compound as this client seals it.
    pub fn control(&mut self, compound: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; DATAGRAM_BYTES_MAX];
        packet[..compound.len()].copy_from_slice(compound);
        let (sealer, _) = self.keys.as_mut().expect("connected");
        let length = sealer
            .seal_rtcp(&mut packet, compound.len())
            .expect("sealed");
        packet.truncate(length);
        packet
    }

    /// The RTP packets of one stream that were received, and forgets all.
    pub fn take(&mut self, ssrc: u32) -> Vec<(rtp::Header, Vec<u8>)> {
        let received = std::mem::take(&mut self.received);
        received
            .into_iter()
            .map(|packet| (rtp::Header::parse(&packet).expect("RTP"), packet))
            .filter(|(header, _)| header.ssrc == ssrc)
            .collect()
    }

    /// Where it sends from.
    #[allow(dead_code, reason = "the bench sends by itself")]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
