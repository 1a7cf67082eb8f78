//! A shard, its participants and what lies between, on a clock that only the test moves.

use std::{
    collections::{BinaryHeap, HashMap},
    net::SocketAddr,
    time::{Duration, Instant},
};

use rand::{SeedableRng, rngs::StdRng};
use roundtable::media::{
    AudioRank, Gate, Kin, Notice, Order, PeerId, Seen, Sending, SessionKey, Shown, Source,
    shard::{DATAGRAM_BYTES_MAX, Settings, Shard, srtp::Profile, transport::Identity},
};

use crate::{
    client::Offered,
    network::{Class, Conditions, End, Link, Parcel},
    offer::{self, Abilities},
    seat::{Seat, Switches},
};

const SERVER: &str = "127.0.0.1:7882";
const SESSION: SessionKey = SessionKey(1);
/// The step of the participants' clocks; datagrams arrive in between.
const STEP: Duration = Duration::from_millis(1);

/// Everything.
pub struct World {
    seed: u64,
    switches: Switches,
    shard: Shard,
    /// When it began.
    pub start: Instant,
    /// The time of everything in here.
    pub now: Instant,
    /// The participants, in the order of their coming.
    pub seats: Vec<Seat>,
    /// Their connections: to the server and from it.
    pub links: Vec<(Link, Link)>,
    under_way: BinaryHeap<Parcel>,
    sent: u64,
    /// What the room was told, and when.
    pub notices: Vec<(Instant, Notice)>,
    /// What each numbered packet of the server's was, by seat, stream and number: no number may be
    /// given twice.
    given: HashMap<(usize, u32, u16), (Instant, u64)>,
    /// Datagrams that a seat has had; a second copy is dropped, as a browser does.
    had: HashMap<(usize, u64), ()>,
    wrong: Vec<String>,
}

impl World {
    /// An empty one. The seed decides what the network and the participants do.
    pub fn new(seed: u64, switches: Switches) -> Self {
        #[expect(clippy::disallowed_methods, reason = "a test's time begins somewhere")]
        let now = Instant::now();
        let locals = [SERVER.parse().expect("an address")];
        let shard = Shard::new(
            now,
            Settings::default(),
            Identity::generate().expect("a certificate"),
            locals.as_slice().into(),
            StdRng::seed_from_u64(seed),
        );
        Self {
            seed,
            switches,
            shard,
            start: now,
            now,
            seats: Vec::new(),
            links: Vec::new(),
            under_way: BinaryHeap::new(),
            sent: 0,
            notices: Vec::new(),
            given: HashMap::new(),
            had: HashMap::new(),
            wrong: Vec::new(),
        }
    }

    /// Somebody comes, over a perfect network until the handshake is done: it draws from randomness
    /// that the seed does not decide.
    pub fn join(&mut self, abilities: Abilities, slots: (usize, usize)) -> usize {
        let place = self.seats.len();
        let number = u8::try_from(place).expect("few seats");
        let id = PeerId(u64::from(number) + 1);
        let mut offered = Offered::new(&format!("user{number}"), 0, 0);
        offered.sdp = offer::offer(&offer::transport_lines(&offered.sdp), abilities, slots);
        let sending = [("mic", Source::Microphone), ("cam", Source::Camera)];
        let order = Order::Offer {
            peer: id,
            kin: Kin(id.0),
            sdp: offered.sdp.clone(),
            sending: sending
                .map(|(mid, source)| Sending {
                    mid: mid.to_owned(),
                    source,
                })
                .to_vec(),
        };
        self.shard.handle_order(self.now, SESSION, order);
        let answer = loop {
            match self.shard.poll_notice().expect("an answer").1 {
                Notice::Answered { answer, .. } => break answer.expect("a good offer"),
                other => self.notices.push((self.now, other)),
            }
        };
        let address = SocketAddr::from(([127, 0, 0, 1], 20_000 + u16::from(number)));
        let client = offered.answered(self.now, id, address, Profile::AeadAes128Gcm, &answer);
        let seed = self.seed << 8 | u64::from(number);
        let switches = self.switches;
        let seat = Seat::new(self.now, number, seed, client, &answer, slots, switches);
        self.seats.push(seat);
        let link = |direction| Link::new(self.now, seed << 1 | direction);
        self.links.push((link(0), link(1)));
        self.run(Duration::from_millis(60));
        self.seats[place].client.connect(self.now);
        for _ in 0..50 {
            if self.seats[place].client.is_connected() {
                break;
            }
            self.run(Duration::from_millis(20));
        }
        assert!(
            self.seats[place].client.is_connected(),
            "the handshake finishes"
        );
        place
    }

    /// The network of a seat from now on: to the server, and from it.
    pub fn network(&mut self, seat: usize, up: Conditions, down: Conditions) {
        self.links[seat].0.conditions = up;
        self.links[seat].1.conditions = down;
    }

    /// The seat's camera is on, and may be seen.
    pub fn film(&mut self, seat: usize, single: (u16, u16, u32)) {
        let now = self.now;
        self.seats[seat].film(now, single);
        let peer = self.id(seat);
        self.order(Order::Show {
            peer,
            seen: Seen::ALL,
        });
    }

    /// The seat shows the camera of another so high, in pixels; or as high as it is.
    pub fn view(&mut self, seat: usize, of: usize, height: Option<u16>) {
        let pictures = vec![Shown {
            peer: self.id(of),
            source: Source::Camera,
            height,
        }];
        let peer = self.id(seat);
        self.order(Order::View { peer, pictures });
    }

    /// The seat speaks and may be heard, or neither.
    pub fn floor(&mut self, seat: usize, given: bool) {
        self.seats[seat].microphone.loud = given;
        let gate = if given {
            Gate::Open(AudioRank::Floor)
        } else {
            Gate::Closed
        };
        let peer = self.id(seat);
        self.order(Order::Hear { peer, gate });
    }

    /// The room's name for a seat.
    pub fn id(&self, seat: usize) -> PeerId {
        self.seats[seat].client.id
    }

    /// Carries the room's order out.
    pub fn order(&mut self, order: Order) {
        self.shard.handle_order(self.now, SESSION, order);
        self.drain();
    }

    /// Nothing gets through to a seat or from it for so long.
    pub fn cut(&mut self, seat: usize, time: Duration) {
        let now = self.now;
        self.links[seat].0.cut(now, time);
        self.links[seat].1.cut(now, time);
    }

    /// Time passes.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            let step_end = (self.now + STEP).min(end);
            while let Some(parcel) = self.under_way.peek()
                && parcel.at <= step_end
            {
                let parcel = self.under_way.pop().expect("it was there");
                self.timers(parcel.at);
                self.now = self.now.max(parcel.at);
                self.arrive(parcel);
                self.drain();
            }
            self.timers(step_end);
            self.now = step_end;
            for place in 0..self.seats.len() {
                self.step(place);
            }
            self.drain();
        }
    }

    /// The shard's timers until then.
    fn timers(&mut self, until: Instant) {
        while let Some(deadline) = self.shard.next_deadline().filter(|at| *at <= until) {
            self.now = self.now.max(deadline);
            self.shard.handle_timeout(self.now);
            self.drain();
            if self
                .shard
                .next_deadline()
                .is_some_and(|next| next <= self.now)
            {
                // Due again at once: no sooner than the next step, as a busy worker.
                break;
            }
        }
    }

    fn step(&mut self, place: usize) {
        let (now, start) = (self.now, self.start);
        let seat = &mut self.seats[place];
        let address = seat.client.address();
        let mut datagrams = Vec::new();
        while let Some(datagram) = seat.client.poll(now) {
            datagrams.push(datagram);
        }
        if seat.client.is_connected() {
            datagrams.extend(seat.poll(now, start));
        }
        for datagram in datagrams {
            self.send(place, End::Server, address, datagram);
        }
    }

    fn send(&mut self, seat: usize, to: End, address: SocketAddr, datagram: Vec<u8>) {
        let link = match to {
            End::Server => &mut self.links[seat].0,
            End::Seat => &mut self.links[seat].1,
        };
        let arrivals = link.send(self.now, Class::of(&datagram), datagram.len());
        if std::env::var_os("TRACE").is_some() && Class::of(&datagram) == Class::Setup {
            eprintln!(
                "{:?} seat {seat} {to:?} {address} {:x?} {} use={} lost={}",
                self.now - self.start,
                &datagram[..2],
                datagram.len(),
                datagram.windows(4).any(|w| w == [0, 0x25, 0, 0]),
                arrivals[0].is_none()
            );
        }
        for at in arrivals.into_iter().flatten() {
            self.sent += 1;
            self.under_way.push(Parcel {
                at,
                number: self.sent,
                seat,
                to,
                address,
                datagram: datagram.clone(),
            });
        }
    }

    fn arrive(&mut self, mut parcel: Parcel) {
        let now = self.now;
        match parcel.to {
            End::Server => {
                let from = parcel.address;
                self.shard
                    .handle_datagram(now, 0, from, &mut parcel.datagram);
            }
            End::Seat => {
                let seat = &mut self.seats[parcel.seat];
                let copy = Class::of(&parcel.datagram) != Class::Setup
                    && self
                        .had
                        .insert((parcel.seat, hash(&parcel.datagram)), ())
                        .is_some();
                if copy || seat.client.address() != parcel.address {
                    return;
                }
                if let Err(why) = seat.handle(now, &mut parcel.datagram) {
                    self.wrong.push(format!("seat {}: {why}", parcel.seat));
                }
            }
        }
    }

    /// What the shard has to say goes out.
    fn drain(&mut self) {
        let mut buffer = [0; DATAGRAM_BYTES_MAX];
        while let Some(transmit) = self.shard.poll_transmit(&mut buffer) {
            let to = transmit.path.remote;
            let datagram = buffer[..transmit.length].to_vec();
            let port = usize::from(to.port());
            let seat = port % 1000;
            if port < 20_000 || seat >= self.seats.len() {
                self.wrong.push(format!("something is sent to {to}"));
                continue;
            }
            if Class::of(&datagram) == Class::Media {
                self.note(seat, &datagram);
            }
            self.send(seat, End::Seat, to, datagram);
        }
        while let Some((_, notice)) = self.shard.poll_notice() {
            if let Notice::Needed { peer, rids, .. } = &notice {
                let sender = self.seats.iter_mut().find(|seat| seat.client.id == *peer);
                if let Some(camera) = sender.and_then(|seat| seat.camera.as_mut()) {
                    camera.handle_needed(rids);
                }
            }
            self.notices.push((self.now, notice));
        }
    }

    /// Two different packets under one number are two under one nonce.
    fn note(&mut self, seat: usize, datagram: &[u8]) {
        let sequence = u16::from_be_bytes([datagram[2], datagram[3]]);
        let ssrc = u32::from_be_bytes(datagram[8..12].try_into().expect("four bytes"));
        let (now, what) = (self.now, hash(datagram));
        if let Some((at, before)) = self.given.insert((seat, ssrc, sequence), (now, what))
            && before != what
            && now - at < Duration::from_secs(30)
        {
            self.wrong
                .push(format!("seat {seat}: two packets {sequence} of {ssrc:x}"));
        }
    }

    /// What must never happen and did.
    pub fn wrong(&self) -> Vec<String> {
        let seats = self.seats.iter().flat_map(Seat::wrong);
        self.wrong.iter().chain(seats).cloned().collect()
    }
}

fn hash(bytes: &[u8]) -> u64 {
    use std::hash::Hasher;
    let mut hasher = rustc_hash::FxHasher::default();
    hasher.write(bytes);
    hasher.finish()
}
