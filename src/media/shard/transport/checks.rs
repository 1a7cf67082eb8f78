//! The connectivity checks over one kind of transport: an agent of `rtc`'s and the pair that the
//! client has nominated.
//!
//! This module must never know DTLS, nor that there are checks over another kind.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use rtc::{
    ice::{
        agent::{Agent, Event, agent_config::AgentConfig},
        candidate::{
            Candidate, CandidateConfig, CandidateType, candidate_host::CandidateHostConfig,
        },
        mdns::MulticastDnsMode,
        state::ConnectionState,
        tcp_type::TcpType,
    },
    sansio::Protocol,
    shared::{TransportContext, TransportMessage, TransportProtocol},
};

use super::{Credentials, Identity, Locals, Path, Via};

/// Silence on the path after which the peer counts as disconnected, then as lost (RFC 7675 asks
/// for 30 s of consent at most).
const DISCONNECTED_AFTER: Duration = Duration::from_secs(5);
const LOST_AFTER_THAT: Duration = Duration::from_secs(10);

/// The attribute by which a client chooses a pair (RFC 8445 section 16.1).
const USE_CANDIDATE: u16 = 0x0025;
/// Length of a STUN message's header, in bytes.
const HEADER_BYTES: usize = 20;

/// Whether a STUN message that has been read without error chooses the pair that it came on.
pub fn nominates(message: &[u8]) -> bool {
    let mut rest = message.get(HEADER_BYTES..).unwrap_or(&[]);
    while let Some((&[kind_high, kind_low, high, low], body)) = rest.split_first_chunk::<4>() {
        if u16::from_be_bytes([kind_high, kind_low]) == USE_CANDIDATE {
            return true;
        }
        let length = usize::from(u16::from_be_bytes([high, low])).next_multiple_of(4);
        rest = body.get(length..).unwrap_or(&[]);
    }
    false
}

/// One agent.
pub struct Checks {
    via: Via,
    agent: Agent,
    selected: Option<Path>,
}

/// What has become of checks.
pub enum Tidings {
    /// They go on.
    Open,
    /// They have found no pair, or the pair has been silent for too long.
    Failed,
}

impl Checks {
    /// Begins them.
    ///
    /// # Errors
    /// Where the agent refuses the addresses or credentials; says why.
    pub fn new(
        now: Instant,
        via: Via,
        identity: &Identity,
        locals: &Locals,
        credentials: &Credentials,
    ) -> Result<Self, String> {
        let config = AgentConfig {
            local_ufrag: credentials.ufrag.clone(),
            local_pwd: credentials.pwd.clone(),
            multicast_dns_mode: MulticastDnsMode::Disabled,
            disconnected_timeout: Some(DISCONNECTED_AFTER),
            failed_timeout: Some(LOST_AFTER_THAT),
            candidate_types: vec![CandidateType::Host],
            ..AgentConfig::default()
        };
        let begin = || -> rtc::shared::error::Result<Agent> {
            let mut agent = Agent::new(now, Arc::new(config), identity.provider.clone())?;
            for local in locals.of(via) {
                agent.add_local_candidate(host_candidate(via, *local)?)?;
            }
            let (ufrag, pwd) = (&credentials.remote_ufrag, &credentials.remote_pwd);
            agent.start_connectivity_checks(now, false, ufrag.clone(), pwd.clone())?;
            Ok(agent)
        };
        Ok(Self {
            via,
            agent: begin().map_err(|why| why.to_string())?,
            selected: None,
        })
    }

    /// Begins them anew with other credentials. The pair in use stays the selected one until
    /// another is nominated.
    ///
    /// # Errors
    /// Where the agent refuses the credentials; says why.
    pub fn restart(
        &mut self,
        now: Instant,
        credentials: &Credentials,
        in_use: Option<Path>,
    ) -> Result<(), String> {
        let Credentials {
            ufrag,
            pwd,
            remote_ufrag,
            remote_pwd,
            remote_fingerprint: _,
        } = credentials.clone();
        self.selected = self.selected.filter(|path| Some(*path) == in_use);
        self.agent
            .restart(now, ufrag, pwd, true)
            .and_then(|()| {
                let agent = &mut self.agent;
                agent.start_connectivity_checks(now, false, remote_ufrag, remote_pwd)
            })
            .map_err(|why| why.to_string())
    }

    /// Takes a candidate of the client's. True when it is new and taken.
    pub fn add(&mut self, candidate: Candidate) -> bool {
        matches!(self.agent.add_remote_candidate(candidate), Ok(true))
    }

    /// Takes a STUN message. True when it was authentic.
    pub fn handle(&mut self, now: Instant, path: Path, locals: &Locals, message: &[u8]) -> bool {
        let Some(local_addr) = locals.of(self.via).get(usize::from(path.local)).copied() else {
            return false;
        };
        let message = TransportMessage {
            now,
            transport: TransportContext {
                local_addr,
                peer_addr: path.remote,
                transport_protocol: match self.via {
                    Via::Udp => TransportProtocol::UDP,
                    Via::Tcp => TransportProtocol::TCP,
                },
                ecn: None,
            },
            message: BytesMut::from(message),
        };
        self.agent.handle_read(message).is_ok()
    }

    /// Notes what the agent has decided.
    pub fn follow(&mut self, locals: &Locals) -> Tidings {
        let mut tidings = Tidings::Open;
        while let Some(tagged) = self.agent.poll_event() {
            match tagged.event {
                Event::SelectedCandidatePairChange(local, remote) => {
                    if let Some(local) = place(locals.of(self.via), local.addr()) {
                        self.selected = Some(Path {
                            local,
                            via: self.via,
                            remote: remote.addr(),
                        });
                    }
                }
                Event::ConnectionStateChange(ConnectionState::Failed) => tidings = Tidings::Failed,
                // Role conflicts are settled by the agent. (The enum is open.)
                Event::ConnectionStateChange(_) | Event::RoleChange(_) | _ => {}
            }
        }
        tidings
    }

    /// The nominated pair.
    pub fn selected(&self) -> Option<Path> {
        self.selected
    }

    /// Its round trip, by the latest check that was answered.
    pub fn round_trip(&self, now: Instant) -> Option<Duration> {
        self.selected?;
        let pairs = self.agent.get_candidate_pairs_stats(now);
        let answered = pairs.iter().filter(|pair| pair.responses_received > 0);
        // The agent does not say which pair is the selected one, but it goes on asking that one alone.
        let pair = answered.max_by_key(|pair| (pair.nominated, pair.consent_requests_sent))?;
        Duration::try_from_secs_f64(pair.current_round_trip_time).ok()
    }

    /// Whether something has come on it lately.
    pub fn is_alive(&self) -> bool {
        self.agent.state() == ConnectionState::Connected
    }

    /// Moves the agent's timers on where they are due, and says whether they were.
    pub fn handle_timeout(&mut self, now: Instant) -> bool {
        let due = self.next_deadline().is_some_and(|at| at <= now);
        if due {
            // Its only errors are of mDNS, which is off.
            let _ = self.agent.handle_timeout(now);
        }
        due
    }

    /// When [`Self::handle_timeout`] is needed next.
    pub fn next_deadline(&mut self) -> Option<Instant> {
        self.agent.poll_timeout()
    }

    /// The next message to send.
    pub fn poll_transmit(&mut self, locals: &Locals) -> Option<(Path, BytesMut)> {
        while let Some(message) = self.agent.poll_write() {
            if let Some(local) = place(locals.of(self.via), message.transport.local_addr) {
                let path = Path {
                    local,
                    via: self.via,
                    remote: message.transport.peer_addr,
                };
                return Some((path, message.message));
            }
        }
        None
    }
}

fn place(locals: &[SocketAddr], address: SocketAddr) -> Option<u8> {
    let place = locals.iter().position(|local| *local == address)?;
    u8::try_from(place).ok()
}

/// Values of our `candidate` attributes for the answer, one an address that clients reach us at,
/// UDP first. Their priorities say the same: TCP is for those whom UDP does not reach.
///
/// # Errors
/// Where the agent would not have such a candidate; says why.
pub fn candidates(addresses: &Locals) -> Result<Vec<String>, String> {
    let all = [Via::Udp, Via::Tcp].into_iter();
    let all = all.flat_map(|via| addresses.of(via).iter().map(move |address| (via, *address)));
    all.map(|(via, address)| {
        host_candidate(via, address)
            .map(|it| it.marshal())
            .map_err(|why| why.to_string())
    })
    .collect()
}

fn host_candidate(via: Via, address: SocketAddr) -> rtc::shared::error::Result<Candidate> {
    let (network, tcp_type) = match via {
        Via::Udp => ("udp", TcpType::Unspecified),
        Via::Tcp => ("tcp", TcpType::Passive),
    };
    CandidateHostConfig {
        base_config: CandidateConfig {
            network: network.to_owned(),
            address: address.ip().to_string(),
            port: address.port(),
            component: 1,
            ..CandidateConfig::default()
        },
        tcp_type,
    }
    .new_candidate_host()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tcp_candidates_are_passive_and_come_behind_udp() {
        let address: SocketAddr = "192.0.2.7:7882".parse().expect("an address");
        let all = Locals {
            udp: [address].as_slice().into(),
            tcp: [address].as_slice().into(),
        };
        let texts = candidates(&all).expect("candidates");
        let fields: Vec<Vec<&str>> = texts.iter().map(|it| it.split(' ').collect()).collect();
        assert_eq!(
            fields[0][2..],
            ["udp", fields[0][3], "192.0.2.7", "7882", "typ", "host"]
        );
        assert_eq!(
            fields[1][2..],
            [
                "tcp",
                fields[1][3],
                "192.0.2.7",
                "7882",
                "typ",
                "host",
                "tcptype",
                "passive"
            ]
        );
        let priority = |place: usize| fields[place][3].parse::<u32>().expect("a number");
        assert!(priority(0) > priority(1), "{texts:?}");
    }
}
