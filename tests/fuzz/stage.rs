//! A shard with an innocent pair, a member who sends what no member should, and somebody whose
//! handshake never begins: in memory, on a clock of the test's.

use std::{net::SocketAddr, time::Duration};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use roundtable::media::{
    AudioRank, Gate, Kin, Notice, Order, PeerId, Seen, Sending, Source,
    shard::{DATAGRAM_BYTES_MAX, rtp::Header, srtp::Profile},
};

use crate::{
    client::{Client, Hall, Offered, SESSION},
    corpus, mutate,
    offer::{self, Abilities},
    stun,
};

/// Offers of real browsers: a microphone, a camera in three layers, two slots of each kind.
const CHROMIUM: &str = include_str!("chromium.sdp");
const FIREFOX: &str = include_str!("firefox.sdp");

/// What one datagram makes the server send at most: as many as a peer may have sent again at once,
/// and some of its own.
const ANSWERS_MAX: usize = 300;
/// The step of the pair's clock.
const TICK: Duration = Duration::from_millis(20);

const SPEAKER: usize = 0;
const LISTENER: usize = 1;
/// Has the keys, the floor, a camera that is shown, and no good intentions.
const EVIL: usize = 2;
/// Sees and hears the evil one.
const WATCHER: usize = 3;
/// Its checks have been answered; its handshake has not begun.
const HALF: usize = 4;

/// What the evil one's pictures are coded in, by seed.
const CODECS: [&str; 4] = ["VP8/90000", "H264/90000", "VP9/90000", "AV1/90000"];

/// The stage.
pub struct Stage {
    hall: Hall,
    clients: Vec<Client>,
    random: StdRng,
    /// The server's password towards each.
    passwords: Vec<String>,
    stun: Vec<Vec<u8>>,
    /// Those of the evil one and of the half one without signatures, with the password that they
    /// are signed with.
    signed: Vec<(String, Vec<u8>)>,
    dtls: Vec<Vec<u8>>,
    rtp: Vec<Vec<u8>>,
    rtcp: Vec<Vec<u8>>,
    candidates: Vec<Vec<u8>>,
    /// Packets of media that the evil one has sealed.
    sent: u16,
    /// The last packet that came on one of its slots.
    last: Option<(u32, u16)>,
    next_peer: u64,
    /// How far inputs have got.
    pub reached: Reached,
    codec: &'static str,
}

/// How far inputs have got, for the test to be worth something.
#[derive(Debug, Default)]
pub struct Reached {
    /// All of them.
    pub inputs: usize,
    /// Offers that were taken, and that were not.
    pub taken: usize,
    pub refused: usize,
    /// Datagrams that the server had to say to checks.
    pub checked: usize,
    /// Packets of the evil one's that its watcher was sent.
    pub forwarded: usize,
    /// Packets that the evil one was sent, again or as its requests wanted.
    pub answered: usize,
}

impl Stage {
    /// The pair and the evil one are connected.
    pub fn new(seed: u64) -> Self {
        let mut stage = Self {
            hall: Hall::new(),
            clients: Vec::new(),
            random: StdRng::seed_from_u64(seed),
            passwords: Vec::new(),
            stun: Vec::new(),
            signed: Vec::new(),
            dtls: Vec::new(),
            rtp: corpus::rtp(CODECS[seed as usize % CODECS.len()]),
            rtcp: Vec::new(),
            candidates: Vec::new(),
            sent: 0,
            last: None,
            next_peer: 1000,
            reached: Reached::default(),
            codec: CODECS[seed as usize % CODECS.len()],
        };
        for place in [SPEAKER, LISTENER, EVIL, WATCHER, HALF] {
            stage.come(place);
        }
        for place in [SPEAKER, EVIL] {
            let peer = stage.clients[place].id;
            let gate = Gate::Open(AudioRank::Other);
            stage.order(Order::Hear { peer, gate });
            stage.order(Order::Show {
                peer,
                seen: Seen::ALL,
            });
        }
        // Well-behaved at first, so that its streams are known by their own numbers.
        for good in stage.rtp.clone() {
            let datagram = stage.seal(good.clone(), &good);
            let from = stage.clients[EVIL].address();
            stage.input(from, datagram);
        }
        stage.rtcp = corpus::rtcp(&stage.clients[EVIL].slots);
        stage.candidates = CHROMIUM
            .lines()
            .chain(FIREFOX.lines())
            .filter_map(|line| line.strip_prefix("a=candidate:"))
            .map(|value| value.as_bytes().to_vec())
            .collect();
        stage
    }

    fn come(&mut self, place: usize) {
        let mut offered = Offered::new(&format!("user{place}"), 2, 2);
        if matches!(place, EVIL | WATCHER) {
            let transport = offer::transport_lines(&offered.sdp);
            offered.sdp = offer::offer(&transport, Abilities::ALL, (2, 2))
                .replace("VP8/90000", self.codec)
                .replace(
                    "a=rtcp-fb:96 nack pli",
                    "a=fmtp:96 packetization-mode=1\r\na=rtcp-fb:96 nack pli",
                );
        }
        let id = PeerId(place as u64 + 1);
        let sending = [("mic", Source::Microphone), ("cam", Source::Camera)];
        let sending = sending.map(|(mid, source)| Sending {
            mid: mid.to_owned(),
            source,
        });
        let order = Order::Offer {
            peer: id,
            kin: Kin(id.0),
            sdp: offered.sdp.clone(),
            sending: sending.to_vec(),
        };
        let now = self.hall.now;
        self.hall.shard.handle_order(now, SESSION, order);
        let answer = loop {
            match self.hall.shard.poll_notice().expect("an answer").1 {
                Notice::Answered { answer, .. } => break answer.expect("a good offer"),
                _ => continue,
            }
        };
        let password = answer
            .lines()
            .find_map(|line| line.strip_prefix("a=ice-pwd:"));
        self.passwords
            .push(password.expect("a password").to_owned());
        let address = SocketAddr::from(([127, 0, 0, 1], 20_000 + place as u16));
        let client = offered.answered(now, id, address, Profile::AeadAes128Gcm, &answer);
        self.clients.push(client);
        self.pass(3);
        if place != HALF {
            self.clients[place].connect(self.hall.now);
            self.pass(20);
            assert!(self.clients[place].is_connected(), "the handshake finishes");
        }
    }

    fn order(&mut self, order: Order) {
        self.hall.shard.handle_order(self.hall.now, SESSION, order);
        self.deliver();
    }

    fn pass(&mut self, ticks: usize) {
        for _ in 0..ticks {
            self.hall.now += TICK;
            self.hall.shard.handle_timeout(self.hall.now);
            self.deliver();
        }
    }

    /// Everything that is under way arrives. Returns how much the server had to say.
    fn deliver(&mut self) -> usize {
        let now = self.hall.now;
        let mut buffer = [0; DATAGRAM_BYTES_MAX];
        let mut said = 0;
        loop {
            let mut quiet = true;
            while let Some(transmit) = self.hall.shard.poll_transmit(&mut buffer) {
                (quiet, said) = (false, said + 1);
                let to = transmit.path.remote;
                let datagram = &mut buffer[..transmit.length];
                let place = self
                    .clients
                    .iter()
                    .position(|client| client.address() == to);
                match place {
                    Some(place @ (SPEAKER | LISTENER | WATCHER)) => {
                        self.clients[place].handle(now, datagram);
                    }
                    // Who provokes is answered accordingly.
                    Some(place) => drop(self.clients[place].try_handle(now, datagram)),
                    None => {}
                }
            }
            for place in 0..self.clients.len() {
                while let Some(mut datagram) = self.clients[place].poll(now) {
                    quiet = false;
                    self.keep(place, &datagram);
                    let from = self.clients[place].address();
                    self.hall.shard.handle_datagram(now, 0, from, &mut datagram);
                }
            }
            while let Some((_, notice)) = self.hall.shard.poll_notice() {
                if let Notice::Lost { peer } = notice {
                    let innocent = [SPEAKER, LISTENER, WATCHER].map(|place| place as u64 + 1);
                    assert!(!innocent.contains(&peer.0), "{peer:?} is lost");
                }
            }
            if quiet {
                return said;
            }
        }
    }

    /// What was really sent is what is changed later.
    fn keep(&mut self, place: usize, datagram: &[u8]) {
        if matches!(datagram, [0..=3, ..]) && matches!(place, EVIL | HALF) && self.signed.len() < 64
        {
            let password = self.passwords[place].clone();
            self.signed.push((password, stun::bare(datagram).to_vec()));
        }
        let corpus = match datagram.first() {
            Some(0..=3) => &mut self.stun,
            Some(20..=63) => &mut self.dtls,
            Some(_) | None => return,
        };
        if corpus.len() < 64 {
            corpus.push(datagram.to_vec());
        }
    }

    /// One input of a kind that is drawn, and what follows from it.
    pub fn attack(&mut self) {
        self.reached.inputs += 1;
        let evil = self.clients[EVIL].address();
        match self.random.random_range(0..16) {
            0 => self.offer(),
            1 => self.candidate(),
            2..=4 => self.check(),
            5 | 6 => {
                let datagram = mutate::bytes(&mut self.random, &self.dtls);
                let from = self.somewhere();
                self.input(from, datagram);
            }
            7..=11 => {
                let datagram = self.media();
                self.input(evil, datagram);
            }
            12..=14 => {
                let mut corpus = self.rtcp.clone();
                if let Some((slot, last)) = self.last {
                    let lost: Vec<u16> = (0..40).map(|back| last.wrapping_sub(40 - back)).collect();
                    corpus.extend(vec![corpus::request(slot, &lost); 4]);
                }
                let mut compound = mutate::pick(&mut self.random, &corpus).clone();
                if self.random.random_bool(0.8) {
                    compound = mutate::bytes(&mut self.random, &corpus);
                }
                // SRTCP leaves 8 bytes readable.
                compound.resize(compound.len().max(8), 0);
                let datagram = self.clients[EVIL].control(&compound);
                self.input(evil, datagram);
            }
            _ => {
                // Sealed well and changed after that, or no packet at all.
                let sealed = self.media();
                let datagram = mutate::bytes(&mut self.random, &[sealed]);
                let from = self.somewhere();
                self.input(from, datagram);
            }
        }
    }

    fn input(&mut self, from: SocketAddr, mut datagram: Vec<u8>) -> usize {
        let now = self.hall.now;
        self.hall.shard.handle_datagram(now, 0, from, &mut datagram);
        let said = self.deliver();
        assert!(said <= ANSWERS_MAX, "{said} datagrams answer one");
        self.clients[SPEAKER].reports.clear();
        self.clients[LISTENER].reports.clear();
        self.reached.forwarded += forget(&mut self.clients[WATCHER]);
        let last = self.clients[EVIL].received.last();
        let last = last.and_then(|packet| Header::parse(packet).ok());
        let of_slot = |header: &Header| self.clients[EVIL].slots.contains(&header.ssrc);
        let last = last
            .filter(of_slot)
            .map(|header| (header.ssrc, header.sequence));
        self.last = last.or(self.last);
        self.reached.answered += forget(&mut self.clients[EVIL]);
        said
    }

    /// The evil one's address, the half one's, or a stranger's; never the pair's.
    fn somewhere(&mut self) -> SocketAddr {
        match self.random.random_range(0..3) {
            0 => self.clients[EVIL].address(),
            1 => self.clients[HALF].address(),
            _ => SocketAddr::from(([127, 0, 0, 1], self.random.random_range(30_000..60_000))),
        }
    }

    fn check(&mut self) {
        let changed = mutate::bytes(&mut self.random, &self.stun);
        let message = match self.random.random_range(0..4) {
            0 => changed,
            1 => stun::finish(stun::bare(&changed).to_vec()),
            _ => {
                let (password, good) = mutate::pick(&mut self.random, &self.signed).clone();
                let mut bare = good;
                if self.random.random_bool(0.8) {
                    bare = mutate::bytes(&mut self.random, &[bare]);
                }
                stun::sign(&bare, &password)
            }
        };
        let from = self.somewhere();
        self.reached.checked += self.input(from, message);
    }

    fn media(&mut self) -> Vec<u8> {
        let good = mutate::pick(&mut self.random, &self.rtp).clone();
        let mut plain = good.clone();
        if self.random.random_bool(0.4) {
            // As it is: what follows changed ones must get on.
        } else if self.random.random_bool(0.6) {
            // Only what the packet carries: the rest lets it through.
            let header = Header::parse(&plain).map_or(12, |header| header.header_bytes());
            let payload = mutate::bytes(&mut self.random, &[plain.split_off(header)]);
            plain.extend(payload);
        } else {
            plain = mutate::bytes(&mut self.random, &[plain]);
        }
        self.seal(plain, &good)
    }

    /// Seals what was made of a good packet.
    fn seal(&mut self, mut plain: Vec<u8>, good: &[u8]) -> Vec<u8> {
        self.sent = self.sent.wrapping_add(1);
        plain.resize(plain.len().max(12), 0);
        // Next in its stream: a leap would make all that follow too old to be opened.
        plain[2..4].copy_from_slice(&(self.sent & 0x7fff).to_be_bytes());
        if self.random.random_bool(0.9) {
            plain[0] = 0x80 | plain[0] & 0x3f;
            plain[8..12].copy_from_slice(&good[8..12]);
        }
        let header = Header::parse(&plain).map_or(12, |header| header.header_bytes());
        if let Some(original) = plain.get_mut(header..header + 2)
            && good[1] & 0x7f == offer::RTX
        {
            // Repairs what was lately sent, for the same reason.
            original.copy_from_slice(&(self.sent.wrapping_sub(5) & 0x7fff).to_be_bytes());
        }
        self.clients[EVIL].seal_bytes(&plain, header, u32::from(self.sent >> 15))
    }

    fn offer(&mut self) {
        let sdp = mutate::text(&mut self.random, &[CHROMIUM, FIREFOX]);
        let mids: Vec<String> = sdp
            .lines()
            .filter_map(|line| line.strip_prefix("a=mid:"))
            .map(str::to_owned)
            .collect();
        let sources = [Source::Microphone, Source::Camera, Source::Screen];
        let sending = mids.into_iter().zip(sources);
        let peer = PeerId(self.next_peer);
        self.next_peer += 1;
        let order = Order::Offer {
            peer,
            kin: Kin(peer.0),
            sdp,
            sending: sending
                .map(|(mid, source)| Sending { mid, source })
                .collect(),
        };
        let now = self.hall.now;
        self.hall.shard.handle_order(now, SESSION, order);
        let mut answered = 0;
        while let Some((_, notice)) = self.hall.shard.poll_notice() {
            if let Notice::Answered { answer, .. } = notice {
                answered += 1;
                self.reached.taken += usize::from(answer.is_ok());
                self.reached.refused += usize::from(answer.is_err());
                if let Ok(answer) = answer {
                    let mut text = std::io::Cursor::new(answer.as_bytes());
                    rtc::sdp::description::session::SessionDescription::unmarshal(&mut text)
                        .expect("an answer is SDP");
                }
            }
        }
        assert_eq!(answered, 1, "an offer is answered once");
        self.deliver();
        self.order(Order::Close { peer });
    }

    fn candidate(&mut self) {
        let changed = mutate::bytes(&mut self.random, &self.candidates);
        let candidate = String::from_utf8_lossy(&changed).into_owned();
        let peer = self.clients[HALF].id;
        self.order(Order::Candidate { peer, candidate });
    }

    /// The pair talks: each packet arrives, as it was sent.
    pub fn talk(&mut self, number: u16) {
        self.pass(1);
        self.clients[LISTENER].received.clear();
        forget(&mut self.clients[WATCHER]);
        let sound = [number.to_be_bytes().as_slice(), &[0x77; 70]].concat();
        let datagram = self.clients[SPEAKER].sound(number, u32::from(number) * 960, 20, &sound);
        let from = self.clients[SPEAKER].address();
        self.input(from, datagram);
        let picture = [&corpus::KEY_FRAME, number.to_be_bytes().as_slice()].concat();
        let datagram =
            self.clients[SPEAKER].picture(number, u32::from(number) * 1800, true, &picture);
        self.input(from, datagram);
        let received = std::mem::take(&mut self.clients[LISTENER].received);
        let came = |end: &[u8]| received.iter().any(|packet| packet.ends_with(end));
        assert!(came(&sound), "the sound {number} does not arrive");
        assert!(came(&picture[6..]), "the picture {number} does not arrive");
    }
}

/// What a client has received is not looked at: how many packets of media it was.
fn forget(client: &mut Client) -> usize {
    client.reports.clear();
    std::mem::take(&mut client.received).len()
}
