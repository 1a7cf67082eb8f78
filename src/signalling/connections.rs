//! The connections that are open: counted, and found by their link.
//!
//! Pure: what a connection is closed through is `W`.

use std::{collections::BTreeMap, net::IpAddr};

use crate::{ids::MemberId, room::ConnectionId};

/// What the number of connections is bounded by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub all: usize,
    pub per_address: usize,
    pub per_member: usize,
}

/// There are as many as there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMany;

#[derive(Debug)]
struct Open<W> {
    way: W,
    address: IpAddr,
    /// Whose it is and by which link, after `hello`.
    link: Option<(MemberId, String)>,
    /// It only plays: no presence of its member's, and counted by the room.
    plays: bool,
}

/// Which open connections are meant.
#[derive(Debug, Clone, Copy)]
pub(super) enum Which<'a> {
    All,
    OfMember(&'a MemberId),
    /// By the id of an invite.
    OfLink(&'a str),
}

/// The open connections of this process.
#[derive(Debug)]
pub(super) struct Connections<W> {
    bounds: Bounds,
    open: BTreeMap<ConnectionId, Open<W>>,
    /// Connections by address: only those that are open, so never more than they.
    addresses: BTreeMap<IpAddr, usize>,
    /// The link that each member was last greeted by, open or not: never more than the roster has
    /// seats. A member's place outlives the connection for the grace.
    links: BTreeMap<MemberId, String>,
    last: u64,
}

impl<W> Connections<W> {
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            open: BTreeMap::new(),
            addresses: BTreeMap::new(),
            links: BTreeMap::new(),
            last: 0,
        }
    }

    /// Counts a new connection.
    pub fn open(&mut self, address: IpAddr, way: W) -> Result<ConnectionId, TooMany> {
        let here = self.addresses.get(&address).copied().unwrap_or(0);
        if self.open.len() >= self.bounds.all || here >= self.bounds.per_address {
            return Err(TooMany);
        }
        self.addresses.insert(address, here.saturating_add(1));
        self.last = self.last.saturating_add(1);
        let id = ConnectionId(self.last);
        self.open.insert(
            id,
            Open {
                way,
                address,
                link: None,
                plays: false,
            },
        );
        Ok(id)
    }

    /// Notes whose connection it is. Where the member has as many as one may have, the oldest gives
    /// way: a client whose network comes and goes must not lock itself out.
    pub fn greet(&mut self, id: ConnectionId, member: &MemberId, jti: &str) -> Option<&W> {
        let link = (member.clone(), jti.to_owned());
        self.open.get_mut(&id)?.link = Some(link);
        self.links.insert(member.clone(), jti.to_owned());
        let its = |open: &&mut Open<W>| {
            !open.plays && matches!(&open.link, Some((its, _)) if its == member)
        };
        let count = self.open.values_mut().filter(its).count();
        if count <= self.bounds.per_member {
            return None;
        }
        let oldest = self.open.values_mut().find(its)?;
        oldest.link = None;
        Some(&oldest.way)
    }

    /// Notes whose player a connection is. It pushes out no other, nor do others push it out.
    pub fn note_player(&mut self, id: ConnectionId, member: &MemberId, jti: &str) {
        if let Some(open) = self.open.get_mut(&id) {
            open.link = Some((member.clone(), jti.to_owned()));
            open.plays = true;
        }
    }

    /// Forgets a connection.
    pub fn close(&mut self, id: ConnectionId) {
        let Some(Open { address, .. }) = self.open.remove(&id) else {
            return;
        };
        match self.addresses.get_mut(&address) {
            Some(count) if *count > 1 => *count = count.saturating_sub(1),
            Some(_) | None => {
                self.addresses.remove(&address);
            }
        }
    }

    /// The ways to these connections.
    pub fn find(&self, which: Which<'_>) -> impl Iterator<Item = &W> {
        let meant = move |open: &&Open<W>| match (which, &open.link) {
            (Which::All, _) => true,
            (Which::OfMember(member), Some((its, _))) => its == member,
            (Which::OfLink(jti), Some((_, its))) => its == jti,
            (Which::OfMember(_) | Which::OfLink(_), None) => false,
        };
        self.open.values().filter(meant).map(|open| &open.way)
    }

    /// The members who were last greeted by this link.
    pub fn members_of(&self, jti: &str) -> Vec<MemberId> {
        let its = self.links.iter().filter(|(_, link)| *link == jti);
        its.map(|(member, _)| member.clone()).collect()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.open.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);

    fn connections() -> Connections<&'static str> {
        Connections::new(Bounds {
            all: 4,
            per_address: 2,
            per_member: 1,
        })
    }

    fn member(slug: &str) -> MemberId {
        slug.parse().expect("a slug")
    }

    #[test]
    fn each_bound_holds_and_closing_makes_room() {
        let mut open = connections();
        let first = open.open(HERE, "a").expect("room");
        open.open(HERE, "b").expect("room");
        assert_eq!(open.open(HERE, "c"), Err(TooMany), "of one address");
        open.open(THERE, "d").expect("room");
        open.open(THERE, "e").expect("room");
        let other = IpAddr::from([10, 0, 0, 1]);
        assert_eq!(open.open(other, "f"), Err(TooMany), "in all");
        open.close(first);
        assert_eq!(open.open(THERE, "g"), Err(TooMany), "of the other address");
        let again = open.open(HERE, "h").expect("room");
        assert_ne!(again, first, "an id is never used twice");
        assert_eq!(open.count(), 4);
    }

    #[test]
    fn they_are_found_by_member_and_by_link() {
        let mut open = connections();
        let a = open.open(HERE, "a").expect("room");
        let b = open.open(THERE, "b").expect("room");
        open.open(THERE, "c").expect("room");
        assert_eq!(open.greet(a, &member("laos-1"), "one"), None);
        assert_eq!(open.greet(b, &member("laos-2"), "two"), None);
        let found = |which: Which<'_>| open.find(which).copied().collect::<Vec<_>>();
        let laos = member("laos-1");
        assert_eq!(found(Which::OfMember(&laos)), ["a"]);
        assert_eq!(found(Which::OfLink("two")), ["b"]);
        assert_eq!(found(Which::OfLink("three")), [""; 0]);
        assert_eq!(found(Which::All), ["a", "b", "c"]);
        open.close(b);
        assert_eq!(open.members_of("two"), [member("laos-2")], "gone or not");
        assert_eq!(open.members_of("three"), []);
    }

    #[test]
    fn a_members_oldest_connection_gives_way() {
        let mut open = connections();
        let laos = member("laos-1");
        let [a, b, c] = [(HERE, "a"), (HERE, "b"), (THERE, "c")]
            .map(|(address, way)| open.open(address, way).expect("room"));
        assert_eq!(open.greet(a, &laos, "one"), None);
        assert_eq!(open.greet(b, &laos, "one"), Some(&"a"));
        assert_eq!(
            open.greet(c, &laos, "one"),
            Some(&"b"),
            "a is not named again"
        );
        let found: Vec<_> = open.find(Which::OfMember(&laos)).collect();
        assert_eq!(found, [&"c"]);
        let player = open.open(THERE, "player").expect("room");
        open.note_player(player, &laos, "one");
        let found: Vec<_> = open.find(Which::OfLink("one")).collect();
        assert_eq!(found, [&"c", &"player"], "both live");
    }
}
