//! Connections from which nothing authentic has come yet: how many there may be, and who goes.
//!
//! The newest always gets in and the one that has had the longest to show itself goes: a browser
//! needs a round trip or two, so whoever opens connections and says nothing throws out his own.
//! This module must never know a socket.

use std::{
    collections::VecDeque,
    net::{IpAddr, Ipv6Addr},
};

/// Strangers at once. Full: the oldest goes.
const STRANGERS_MAX: usize = 256;

/// Strangers at once from one address; a whole delegation may sit behind one. Full: its oldest goes.
const STRANGERS_PER_ADDRESS_MAX: usize = 64;

/// Those that are there, the oldest first.
#[derive(Debug, Default)]
pub struct Strangers(VecDeque<(usize, IpAddr)>);

impl Strangers {
    /// Lets one in, under a key of the caller's. Gives the key of whoever has to go for it.
    pub fn admit(&mut self, key: usize, from: IpAddr) -> Option<usize> {
        let from = share(from);
        let mut same = self.0.iter().enumerate().filter(|(_, (_, ip))| *ip == from);
        let first_of_same = same.next().map(|(place, _)| place);
        let gone = if same.count() + 1 >= STRANGERS_PER_ADDRESS_MAX {
            first_of_same
        } else {
            (self.0.len() >= STRANGERS_MAX).then_some(0)
        };
        let gone = gone.and_then(|place| self.0.remove(place));
        self.0.push_back((key, from));
        gone.map(|(key, _)| key)
    }

    /// One has shown itself, or is gone.
    pub fn remove(&mut self, key: usize) {
        self.0.retain(|(other, _)| *other != key);
    }
}

/// Who shares a bound: an IPv6 network of 64 bits is one subscriber's.
fn share(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4(ip),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn whoever_opens_too_many_throws_out_its_own() {
        let mut strangers = Strangers::default();
        assert_eq!(strangers.admit(1000, ip("2001:db8:1::1")), None);
        for key in 0..STRANGERS_PER_ADDRESS_MAX {
            let from = format!("2001:db8::{key:x}");
            assert_eq!(strangers.admit(key, ip(&from)), None, "one network's {key}");
        }
        assert_eq!(strangers.admit(900, ip("2001:db8::ffff")), Some(0));
        strangers.remove(1);
        assert_eq!(strangers.admit(901, ip("2001:db8::1")), None);
        assert_eq!(strangers.admit(902, ip("2001:db8::1")), Some(2));
        assert_eq!(strangers.admit(903, ip("2001:db8:1::1")), None, "another's");
    }

    #[test]
    fn the_oldest_of_all_goes_when_there_are_too_many() {
        let mut strangers = Strangers::default();
        for key in 0..STRANGERS_MAX {
            let from = format!("192.0.{}.{}", key / 50, key % 50);
            assert_eq!(strangers.admit(key, ip(&from)), None);
        }
        assert_eq!(strangers.admit(999, ip("198.51.100.1")), Some(0));
        assert_eq!(strangers.0.len(), STRANGERS_MAX);
    }
}
