//! A link in one direction, impaired as its conditions say, from a seed.
//!
//! Every packet takes the same number of draws whatever comes of it, and each class of packets has
//! draws of its own: what is decided depends on how many of a class were sent before, never on their
//! bytes, which differ from run to run.

use std::{
    cmp::Ordering,
    time::{Duration, Instant},
};

use rand::{RngExt, SeedableRng, rngs::StdRng};

/// What IP and UDP add to a datagram, in bytes.
const HEADERS_BYTES: usize = 28;

/// What a link does to what is sent on it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conditions {
    /// The share of packets lost, each by itself.
    pub loss: f64,
    /// The chance of each packet that losses in a row begin with it, and how long they last.
    pub bursts: (f64, Duration),
    /// How long a packet takes at least.
    pub delay: Duration,
    /// How much longer at most, without overtaking another.
    pub jitter: Duration,
    /// The share of packets that others overtake, and by how much they are late at most.
    pub overtaken: (f64, Duration),
    /// The share of packets that come twice.
    pub doubled: f64,
    /// What goes through a bottleneck.
    pub bottleneck: Option<Bottleneck>,
}

/// A queue that is emptied at a rate; what finds it full is lost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bottleneck {
    /// In bits a second.
    pub rate: u64,
    /// How long the last in a full queue waits.
    pub queue: Duration,
}

impl Conditions {
    /// Nothing happens to a packet.
    pub const PERFECT: Self = Self {
        loss: 0.0,
        bursts: (0.0, Duration::ZERO),
        delay: Duration::ZERO,
        jitter: Duration::ZERO,
        overtaken: (0.0, Duration::ZERO),
        doubled: 0.0,
        bottleneck: None,
    };

    /// So many milliseconds each way.
    pub const fn delayed(ms: u64) -> Self {
        Self {
            delay: Duration::from_millis(ms),
            ..Self::PERFECT
        }
    }

    /// And this share lost.
    pub const fn losing(self, loss: f64) -> Self {
        Self { loss, ..self }
    }

    /// And a queue of 200 ms before so many kbit/s.
    pub const fn through(self, kilobits: u64) -> Self {
        Self {
            bottleneck: Some(Bottleneck {
                rate: kilobits * 1000,
                queue: Duration::from_millis(200),
            }),
            ..self
        }
    }
}

/// Packets with draws of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// STUN and DTLS, whose retransmissions the seed does not decide.
    Setup,
    /// RTP.
    Media,
    /// RTCP.
    Control,
}

impl Class {
    /// Of a datagram, by its first bytes (RFC 7983, RFC 5761).
    pub fn of(datagram: &[u8]) -> Self {
        match datagram {
            [128..=191, 192..=223, ..] => Self::Control,
            [128..=191, ..] => Self::Media,
            _ => Self::Setup,
        }
    }
}

/// One direction of somebody's connection.
pub struct Link {
    /// What it does from now on.
    pub conditions: Conditions,
    draws: [StdRng; 3],
    /// Everything is lost until then, at random or because it was cut.
    dead_until: Option<Instant>,
    /// When the bottleneck has let everything through.
    busy_until: Instant,
    /// When what must not be overtaken has come.
    last_arrival: Instant,
    /// Packets lost on it so far, in the queue and otherwise.
    pub lost: usize,
}

impl Link {
    /// A perfect one.
    pub fn new(now: Instant, seed: u64) -> Self {
        Self {
            conditions: Conditions::PERFECT,
            draws: [0, 1, 2].map(|class| StdRng::seed_from_u64(seed << 2 | class)),
            dead_until: None,
            busy_until: now,
            last_arrival: now,
            lost: 0,
        }
    }

    /// Nothing gets through for so long.
    pub fn cut(&mut self, now: Instant, time: Duration) {
        self.dead_until = Some(now + time);
    }

    /// When a datagram of so many bytes arrives: not at all, once or twice.
    pub fn send(&mut self, now: Instant, class: Class, bytes: usize) -> [Option<Instant>; 2] {
        let draws = match class {
            Class::Setup => &mut self.draws[0],
            Class::Media => &mut self.draws[1],
            Class::Control => &mut self.draws[2],
        };
        let [lost, burst, jitter, overtaken, lateness, doubled] = std::array::from_fn(|_| {
            let draw: f64 = draws.random();
            draw
        });
        let conditions = &self.conditions;
        if burst < conditions.bursts.0 && self.dead_until.is_none_or(|until| until <= now) {
            self.dead_until = Some(now + conditions.bursts.1);
        }
        if lost < conditions.loss || self.dead_until.is_some_and(|until| now < until) {
            self.lost += 1;
            return [None, None];
        }
        let mut leaves = now;
        if let Some(bottleneck) = conditions.bottleneck {
            let begins = self.busy_until.max(now);
            if begins - now > bottleneck.queue {
                self.lost += 1;
                return [None, None];
            }
            let bits = (bytes + HEADERS_BYTES) as u64 * 8;
            leaves = begins + Duration::from_nanos(bits * 1_000_000_000 / bottleneck.rate);
            self.busy_until = leaves;
        }
        let arrives = leaves + conditions.delay;
        let arrives = if overtaken < conditions.overtaken.0 {
            arrives + conditions.overtaken.1.mul_f64(lateness)
        } else {
            let arrives = (arrives + conditions.jitter.mul_f64(jitter)).max(self.last_arrival);
            self.last_arrival = arrives;
            arrives
        };
        let again = (doubled < conditions.doubled).then(|| arrives + Duration::from_millis(1));
        [Some(arrives), again]
    }
}

/// Where a datagram goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The server, from this seat.
    Server,
    /// The seat.
    Seat,
}

/// A datagram under way.
#[derive(Debug)]
pub struct Parcel {
    /// When it arrives.
    pub at: Instant,
    /// Tells apart what arrives at once: what was sent first comes first.
    pub number: u64,
    /// Whose link it is on.
    pub seat: usize,
    /// In which direction.
    pub to: End,
    /// From where the server sees it come, or to where it has sent it.
    pub address: std::net::SocketAddr,
    /// What it is.
    pub datagram: Vec<u8>,
}

impl PartialEq for Parcel {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Parcel {}

impl PartialOrd for Parcel {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Parcel {
    /// The first to arrive is the greatest, as a heap wants it.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "an instant cannot be made from nothing"
)]
mod tests {
    use super::*;

    /// How late packets of 1,000 bytes are, one a millisecond, in milliseconds.
    fn lateness(conditions: Conditions, packets: u64) -> Vec<Option<u128>> {
        let start = Instant::now();
        let mut link = Link::new(start, 7);
        link.conditions = conditions;
        (0..packets)
            .map(|ms| {
                let now = start + Duration::from_millis(ms);
                let [first, _] = link.send(now, Class::Media, 1000 - HEADERS_BYTES);
                first.map(|at| (at - now).as_millis())
            })
            .collect()
    }

    #[test]
    fn a_bottleneck_delays_up_to_its_queue_and_loses_the_rest() {
        // 8,000 bits each: one in 10 ms.
        let late = lateness(Conditions::delayed(5).through(800), 100);
        assert_eq!(late[0], Some(15));
        assert_eq!(late[1], Some(24));
        let came: Vec<u128> = late.iter().flatten().copied().collect();
        assert!(came.iter().all(|ms| *ms <= 216), "{came:?}");
        assert!((29..=32).contains(&came.len()), "{}", came.len());
    }

    #[test]
    fn what_is_lost_is_the_share_that_was_asked_for_and_the_same_each_time() {
        let conditions = Conditions::delayed(1).losing(0.05);
        let late = lateness(conditions, 10_000);
        let lost = late.iter().filter(|late| late.is_none()).count();
        assert!((400..=600).contains(&lost), "{lost}");
        assert_eq!(late, lateness(conditions, 10_000));
    }

    #[test]
    fn only_what_is_overtaken_comes_out_of_order() {
        let jittery = Conditions {
            jitter: Duration::from_millis(20),
            ..Conditions::PERFECT
        };
        let in_order = |conditions| {
            let arrivals: Vec<u128> = (0..)
                .zip(lateness(conditions, 1000))
                .filter_map(|(ms, late)| Some(late? + ms))
                .collect();
            arrivals.is_sorted()
        };
        assert!(in_order(jittery));
        assert!(!in_order(Conditions {
            overtaken: (0.1, Duration::from_millis(20)),
            ..jittery
        }));
    }
}
