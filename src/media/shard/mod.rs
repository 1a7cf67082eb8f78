//! All media of the sessions that one thread owns: pure, told what arrives and what time it is.
//!
//! The vocabulary is `handle_*` in, `poll_*` out, [`Shard::next_deadline`]. After each `handle_*`
//! the shell drains [`Shard::poll_transmit`] and [`Shard::poll_notice`] until they are empty.
//! This module and those below it must never know sockets, threads, clocks or meetings. What a
//! peer sends is looked at only after its address has passed an ICE check and the packet has
//! authenticated; before that nothing is allocated for it.

pub mod allocate;
pub mod av1;
pub mod bandwidth;
pub mod bits;
mod choose;
mod contain;
mod demux;
pub mod dependency;
mod feedback;
mod fingerprint;
mod forward;
pub mod h264;
mod holes;
mod keyframes;
mod layers;
mod loudness;
mod measure;
mod missing;
mod peer;
mod rate;
mod reception;
mod red;
mod resends;
mod rewrite;
mod ring;
mod router;
pub mod rtcp;
pub mod rtp;
pub mod sdp;
mod slots;
mod source;
pub mod srtp;
pub mod transport;
pub mod vp8;
pub mod vp9;

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use rand::{Rng, RngExt, rngs::StdRng};
use rustc_hash::FxHashMap;

use super::{
    Counts, Gate, Kin, Notice, OfferRefusal, Order, PeerId, Restarted, Seen, Sending, SessionKey,
};
use bandwidth::{Arrivals, Downlink};
use forward::Forwards;
use measure::Noted;
use peer::{Numbers, Peer, Plan, Track};
use resends::Resends;
use sdp::Local;
use source::{PeerKey, SourceKey, SourceState};
use srtp::{Opener, Sealer};
use transport::{Credentials, FarEnd, Identity, Locals, Outcome, Path, Transport};

/// How often timers are looked at, while there are peers.
const TICK: Duration = Duration::from_millis(20);
/// How often sources are looked at for silence, and who speaks is told.
const SURVEY: Duration = Duration::from_millis(200);
/// How often a publisher is sent receiver reports (RFC 3550 asks for 5 s, browsers pace by 1 s).
const REPORT: Duration = Duration::from_secs(1);
/// What a path is believed to carry before anything is known of it, in bits a second: sound and some
/// small pictures at once; padding finds out what more there is.
const START_BITS: u64 = 1_000_000;
/// Room for a packet with everything that is added to it, in bytes.
pub const DATAGRAM_BYTES_MAX: usize = 2048;

/// Settings of a shard.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Peer connections on one shard at most. Past it an offer is refused as `full`.
    pub peers_max: usize,
    /// Sound at or below this level, in −dBov (0 to 127), does not start a turn's clock.
    pub speech_threshold: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            peers_max: 400,
            speech_threshold: 60,
        }
    }
}

/// A datagram to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transmit {
    /// From where and to where.
    pub path: Path,
    /// Its length in the buffer that was handed in.
    pub length: usize,
}

/// One session's peers.
#[derive(Default)]
struct Session {
    peers: Vec<PeerKey>,
    /// Who should be seen first.
    prominence: Vec<PeerId>,
    /// Who was told to be speaking.
    speaking: Vec<PeerId>,
    /// The pictures that were told to be sent.
    pictures: Vec<(PeerId, crate::media::Source)>,
}

/// The media of some sessions.
pub struct Shard {
    settings: Settings,
    identity: Identity,
    locals: Locals,
    /// What answers say of them.
    announced: Locals,
    random: StdRng,
    epoch: Instant,
    now: Instant,
    /// The same in microseconds since `epoch`: counted once, and not for each packet that leaves.
    now_us: u64,
    sessions: HashMap<SessionKey, Session>,
    peers: Vec<Option<Box<Peer>>>,
    sources: Vec<Option<Box<SourceState>>>,
    by_id: HashMap<PeerId, PeerKey>,
    by_ufrag: HashMap<String, PeerKey>,
    /// Addresses that passed a check.
    by_address: FxHashMap<FarEnd, PeerKey>,
    /// Addresses that a peer's agent has sent checks to, so that the answers find it.
    probed: FxHashMap<FarEnd, PeerKey>,
    arrivals: u64,
    /// Datagrams that are not forwarded media: ICE, DTLS, RTCP.
    control: VecDeque<(Path, Vec<u8>)>,
    forwards: Forwards,
    notices: VecDeque<(SessionKey, Notice)>,
    /// Sessions whose slots are to be filled anew before anything else leaves: once, however many
    /// have come and gone meanwhile.
    unsettled: Vec<SessionKey>,
    /// Sources whose first packet is all that a decoder needs to begin.
    begun: Vec<SourceKey>,
    next_tick: Instant,
    next_survey: Instant,
    /// When padding is next due, while a path is being probed.
    next_padding: Option<Instant>,
    counts: Counts,
}

impl Shard {
    /// A shard that sends from `locals` (each exactly as its socket is bound, never unspecified).
    /// `random` comes from the platform's entropy: it makes the ICE passwords.
    pub fn new(
        now: Instant,
        settings: Settings,
        identity: Identity,
        locals: Arc<[SocketAddr]>,
        random: StdRng,
    ) -> Self {
        let locals = Locals {
            udp: locals,
            tcp: Arc::default(),
        };
        Self {
            settings,
            identity,
            announced: locals.clone(),
            locals,
            random,
            epoch: now,
            now,
            now_us: 0,
            sessions: HashMap::new(),
            peers: Vec::new(),
            sources: Vec::new(),
            by_id: HashMap::new(),
            by_ufrag: HashMap::new(),
            by_address: FxHashMap::default(),
            probed: FxHashMap::default(),
            arrivals: 0,
            control: VecDeque::new(),
            forwards: Forwards::default(),
            notices: VecDeque::new(),
            unsettled: Vec::new(),
            begun: Vec::new(),
            next_tick: now,
            next_survey: now,
            next_padding: None,
            counts: Counts::default(),
        }
    }

    /// Clients reach the local addresses at these, one for each in their order: a server behind
    /// one-to-one address translation has a public address that it cannot bind.
    pub fn announce(&mut self, addresses: Arc<[SocketAddr]>) {
        self.announced.udp = addresses;
    }

    /// Clients whom UDP does not reach open connections to these addresses, which are announced as
    /// those, one for each in their order.
    pub fn accept_tcp(&mut self, locals: Arc<[SocketAddr]>, announced: Arc<[SocketAddr]>) {
        self.locals.tcp = locals;
        self.announced.tcp = announced;
    }

    /// What it has counted. What sockets and threads count is left at nothing.
    pub fn counts(&self) -> Counts {
        let peers = self.peers.iter().filter_map(Option::as_deref);
        let (mut estimated, mut estimates_bits) = (0, 0_u64);
        for peer in peers.filter(|peer| peer.downlink.is_known()) {
            estimated += 1;
            estimates_bits = estimates_bits.saturating_add(peer.downlink.bits_per_second());
        }
        Counts {
            sessions: self.sessions.len(),
            peers: self.by_id.len(),
            estimated,
            estimates_bits,
            ..self.counts
        }
    }

    /// The session's media is over: its peers are closed.
    pub fn handle_session_end(&mut self, now: Instant, key: SessionKey) {
        self.set_now(now);
        if let Some(session) = self.sessions.remove(&key) {
            for peer in session.peers {
                self.remove(peer);
            }
        }
    }

    /// Carries out a room's order. An order for a peer that is gone does nothing.
    pub fn handle_order(&mut self, now: Instant, session: SessionKey, order: Order) {
        self.set_now(now);
        match order {
            Order::Offer {
                peer,
                kin,
                sdp,
                sending,
            } => {
                let answer = self.offer(session, (peer, kin), &sdp, &sending);
                self.notices
                    .push_back((session, Notice::Answered { peer, answer }));
            }
            Order::Candidate { peer, candidate } => {
                if let Some((key, peer)) = self.find(peer) {
                    peer.transport.handle_candidate(&candidate);
                    self.drain(key);
                }
            }
            Order::Restart { peer, ufrag, pwd } => {
                let restarted = self.restart(peer, ufrag, pwd);
                self.notices
                    .push_back((session, Notice::Restarted { peer, restarted }));
            }
            Order::Hear { peer, gate } => {
                if let Some((key, peer)) = self.find(peer) {
                    peer.gate = gate;
                    self.regate(key);
                }
            }
            Order::Show { peer, seen } => {
                if let Some((key, peer)) = self.find(peer) {
                    peer.seen = seen;
                    self.regate(key);
                }
            }
            Order::View { peer, pictures } => {
                if let Some((_, peer)) = self.find(peer) {
                    peer.view = Some(pictures);
                    self.unsettle(session);
                }
            }
            Order::Ended { peer, source } => {
                if let Some((_, peer)) = self.find(peer) {
                    let ended = peer.tracks.iter().filter(|track| track.source == source);
                    let sources: Vec<SourceKey> = ended.flat_map(Track::sources).collect();
                    for source in sources {
                        if let Some(source) = self.source_mut(source) {
                            source.end();
                        }
                    }
                    self.unsettle(session);
                }
            }
            Order::Prominence { peers } => {
                self.sessions.entry(session).or_default().prominence = peers;
                self.unsettle(session);
            }
            Order::Close { peer } => {
                if let Some((key, _)) = self.find(peer) {
                    self.close(key);
                    self.unsettle(session);
                }
            }
            Order::Measure => {
                let paths = self.measure(session);
                self.notices
                    .push_back((session, Notice::Measured { paths }));
            }
        }
        self.ask_for_key_frames();
    }

    fn set_now(&mut self, now: Instant) {
        if now != self.now {
            self.now = now;
            let passed = now.saturating_duration_since(self.epoch).as_micros();
            self.now_us = u64::try_from(passed).unwrap_or(u64::MAX);
        }
    }

    fn find(&mut self, id: PeerId) -> Option<(PeerKey, &mut Peer)> {
        let key = *self.by_id.get(&id)?;
        let peer = self.peers.get_mut(key)?.as_deref_mut()?;
        Some((key, peer))
    }

    fn peer(&self, key: PeerKey) -> Option<&Peer> {
        self.peers.get(key)?.as_deref()
    }

    fn peer_mut(&mut self, key: PeerKey) -> Option<&mut Peer> {
        self.peers.get_mut(key)?.as_deref_mut()
    }

    fn source(&self, key: SourceKey) -> Option<&SourceState> {
        self.sources.get(key)?.as_deref()
    }

    fn source_mut(&mut self, key: SourceKey) -> Option<&mut SourceState> {
        self.sources.get_mut(key)?.as_deref_mut()
    }

    fn offer(
        &mut self,
        session: SessionKey,
        (id, kin): (PeerId, Kin),
        text: &str,
        sending: &[Sending],
    ) -> Result<String, OfferRefusal> {
        let offer = sdp::read(text)?;
        if self.by_id.len() >= self.settings.peers_max {
            return Err(OfferRefusal::Full);
        }
        if self.by_id.contains_key(&id) {
            return Err(OfferRefusal::Malformed(
                "this connection has its answer already".to_owned(),
            ));
        }
        let random = &mut self.random;
        let plan = Plan::new(&offer, sending, || Numbers {
            ssrc: random.next_u32() | 1,
            rtx_ssrc: random.next_u32() & !1 | 2,
            index: random.random(),
            rtx_index: random.random(),
            timestamp: random.next_u32(),
        });
        let credentials = Credentials {
            ufrag: token(&mut self.random, 8),
            pwd: token(&mut self.random, 24),
            remote_ufrag: offer.ufrag.clone(),
            remote_pwd: offer.pwd.clone(),
            remote_fingerprint: offer.fingerprint,
        };
        let (ufrag, pwd) = (credentials.ufrag.clone(), credentials.pwd.clone());
        let mut transport = Transport::new(
            self.now,
            self.identity.clone(),
            self.locals.clone(),
            credentials,
        )
        .map_err(OfferRefusal::Malformed)?;
        for candidate in &offer.candidates {
            transport.handle_candidate(candidate);
        }
        let local = Local {
            ufrag: ufrag.clone(),
            pwd,
            fingerprint: self.identity.fingerprint(),
            candidates: transport::candidates(&self.announced).map_err(OfferRefusal::Malformed)?,
        };
        let answer = sdp::answer(&offer, &local, &plan.parts);
        self.arrivals += 1;
        let peer = Peer {
            id,
            kin,
            session,
            order: self.arrivals,
            transport,
            due: None,
            keys: None,
            path: None,
            ufrag: ufrag.clone(),
            addresses: Vec::new(),
            gate: Gate::Closed,
            seen: Seen::default(),
            tracks: plan.tracks,
            routes: Vec::new(),
            slots: plan.slots,
            view: None,
            arrivals: Arrivals::new(self.epoch),
            downlink: Downlink::since(self.epoch, self.now, START_BITS),
            reporter: self.random.next_u32(),
            report_at: self.now + REPORT,
            resends: Resends::new(self.now),
            noted: Noted::default(),
            connected: false,
            slots_changed: false,
        };
        let key = insert(&mut self.peers, peer);
        self.by_id.insert(id, key);
        self.by_ufrag.insert(ufrag, key);
        self.sessions.entry(session).or_default().peers.push(key);
        self.next_tick = self.next_tick.max(self.now);
        self.drain(key);
        Ok(answer)
    }

    fn restart(
        &mut self,
        id: PeerId,
        remote_ufrag: String,
        remote_pwd: String,
    ) -> Result<Restarted, OfferRefusal> {
        sdp::check_credentials(&remote_ufrag, &remote_pwd)?;
        let candidates = transport::candidates(&self.announced).map_err(OfferRefusal::Malformed)?;
        let (ufrag, pwd) = (token(&mut self.random, 8), token(&mut self.random, 24));
        let now = self.now;
        let (key, peer) = self
            .find(id)
            .ok_or_else(|| OfferRefusal::Malformed("this connection has ended".to_owned()))?;
        peer.transport
            .restart(now, (&ufrag, &pwd), remote_ufrag, remote_pwd)
            .map_err(OfferRefusal::Malformed)?;
        let former = std::mem::replace(&mut peer.ufrag, ufrag.clone());
        self.by_ufrag.remove(&former);
        self.by_ufrag.insert(ufrag.clone(), key);
        self.drain(key);
        Ok(Restarted {
            ufrag,
            pwd,
            candidates,
        })
    }

    fn close(&mut self, key: PeerKey) {
        let now = self.now;
        if let Some(peer) = self.peer_mut(key) {
            peer.transport.close(now);
            let session = peer.session;
            self.drain(key);
            if let Some(session) = self.sessions.get_mut(&session) {
                session.peers.retain(|other| *other != key);
            }
        }
        self.remove(key);
    }

    /// Takes a peer and its sources out of every table but its session's.
    fn remove(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(key).and_then(Option::take) else {
            return;
        };
        self.by_id.remove(&peer.id);
        self.by_ufrag.remove(&peer.ufrag);
        for address in &peer.addresses {
            self.by_address.remove(address);
        }
        self.probed.retain(|_, owner| *owner != key);
        for source in peer.sources() {
            self.forwards.forget(source);
            if let Some(place) = self.sources.get_mut(source) {
                *place = None;
            }
        }
    }

    /// Moves a peer's own datagrams into the queue and carries out what became of it.
    fn drain(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(key).and_then(Option::as_deref_mut) else {
            return;
        };
        while let Some((path, datagram)) = peer.transport.poll_transmit() {
            if !self.by_address.contains_key(&path.far()) {
                self.probed.entry(path.far()).or_insert(key);
            }
            self.control.push_back((path, datagram.to_vec()));
        }
        peer.path = peer.transport.path();
        peer.due = peer.transport.next_deadline();
        match peer.transport.poll_outcome() {
            None => {}
            Some(Outcome::Ready(keys)) => {
                let (id, session) = (peer.id, peer.session);
                // The server opens with the client's key and seals with its own.
                let made = Opener::new(&keys.client)
                    .and_then(|opener| Sealer::new(&keys.server).map(|sealer| (opener, sealer)));
                match made {
                    Ok(keys) => {
                        peer.keys = Some(keys);
                        peer.connected = true;
                        peer.slots_changed = true;
                        self.notices
                            .push_back((session, Notice::Connected { peer: id }));
                        self.unsettle(session);
                    }
                    Err(_) => self.notices.push_back((session, Notice::Lost { peer: id })),
                }
            }
            Some(Outcome::Lost(_why)) => {
                let (id, session) = (peer.id, peer.session);
                peer.connected = false;
                peer.keys = None;
                self.notices.push_back((session, Notice::Lost { peer: id }));
                self.unsettle(session);
            }
        }
    }

    /// When [`Self::handle_timeout`] is needed next.
    pub fn next_deadline(&self) -> Option<Instant> {
        let padding = self.next_padding.unwrap_or(self.next_tick);
        (!self.by_id.is_empty()).then_some(self.next_tick.min(padding))
    }

    /// Moves every timer on.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.set_now(now);
        self.settle();
        if self.next_padding.is_some_and(|at| at <= now) {
            self.pad();
        }
        if now < self.next_tick {
            return;
        }
        self.next_tick = now + TICK;
        for key in 0..self.peers.len() {
            let Some(peer) = self.peer_mut(key) else {
                continue;
            };
            if peer.due.is_some_and(|at| at <= now) {
                peer.transport.handle_timeout(now);
                self.drain(key);
            }
            self.report(key);
            self.tell_arrivals(key);
        }
        if now >= self.next_survey {
            self.next_survey = now + SURVEY;
            self.survey();
        }
        self.pad();
        self.ask_again();
        self.ask_for_key_frames();
    }

    /// What the rooms must know.
    pub fn poll_notice(&mut self) -> Option<(SessionKey, Notice)> {
        self.settle();
        self.notices.pop_front()
    }
}

/// Puts a value into the first free place.
fn insert<T>(places: &mut Vec<Option<Box<T>>>, value: T) -> usize {
    let value = Some(Box::new(value));
    match places.iter().position(Option::is_none) {
        Some(place) => {
            if let Some(free) = places.get_mut(place) {
                *free = value;
            }
            place
        }
        None => {
            places.push(value);
            places.len() - 1
        }
    }
}

/// ICE characters (RFC 8839 section 5.4), six random bits each.
fn token(random: &mut StdRng, length: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    (0..length)
        .map(|_| char::from(ALPHABET[(random.next_u32() % 64) as usize]))
        .collect()
}
