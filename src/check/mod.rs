//! Before the room: a member's path to the server is tried with peer connections that enter no
//! session, and what the member's check has found is reported.
//!
//! [`Checks`] is pure: told with `handle_*`, then drained with [`Checks::poll_output`]; `task.rs` is the
//! SHELL that owns one. A peer that is being checked is ordered neither heard nor shown, so the shard
//! counts what it sends, says so in its receiver reports, and forwards nothing. This module must never
//! know members, sessions, tokens or sockets.

mod report;
mod task;

use std::{
    collections::{BTreeMap, VecDeque},
    net::IpAddr,
};

use serde::{Deserialize, Serialize};

pub use report::{Checked, NotAReport, Report, Verdict};
pub use task::{Handle, start};

use crate::{
    media::{Kin, Notice, OfferRefusal, Order, PeerId, Sending, Source},
    time::{Millis, Timestamp},
};

/// Peers of one client at once: by UDP, by TCP, over a relay. One more ends the oldest.
const PER_CHECKER_MAX: usize = 3;
/// The longest offer, in bytes: it has one section.
const SDP_BYTES_MAX: usize = 16 * 1024;
/// How long the shard may take to answer; it takes a few ms.
const ANSWER_MAX: Millis = Millis::from_secs(5);
/// Nobody receives anything, so that all may be of one kin.
const KIN: Kin = Kin(0);

/// What checks are bounded by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Peer connections that are checked at once; one more is refused as `full`.
    pub at_once_max: usize,
    /// The same from one address.
    pub per_address_max: usize,
    /// How long one of them lasts at most, in milliseconds.
    pub lasts_ms: Millis,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            at_once_max: 48,
            per_address_max: 24,
            lasts_ms: Millis::from_secs(15),
        }
    }
}

/// Whoever checks: a connection of a client's, unique in the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checker(pub u64);

/// A client's offer of one section, on which it sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The offer.
    pub sdp: String,
    /// The section's `a=mid`.
    pub mid: String,
}

/// Why a path is not tried now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckRefusal {
    /// The shard cannot answer the offer.
    #[error(transparent)]
    Offer(#[from] OfferRefusal),
    /// The offer is too long.
    #[error("the offer has {bytes} bytes, {bytes_max} are allowed")]
    SdpTooLong { bytes: usize, bytes_max: usize },
    /// As many are being checked as may be.
    #[error("many connections are being tested just now: try again in some seconds")]
    Busy,
    /// The shard has not answered in time.
    #[error("the media server has not answered: try again")]
    Unanswered,
}

/// One thing for the shell to do, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Tell the shard.
    Order(Order),
    /// Tell whoever has offered this peer.
    Answer {
        peer: PeerId,
        answer: Result<String, CheckRefusal>,
    },
}

#[derive(Debug)]
struct Check {
    checker: Checker,
    address: IpAddr,
    /// Until when the shard has time to answer the offer; nothing once it has.
    answer_by: Option<Timestamp>,
    ends_at: Timestamp,
}

/// The peers that are being checked.
#[derive(Debug)]
pub struct Checks {
    settings: Settings,
    /// Bounded by [`Settings::at_once_max`].
    open: BTreeMap<PeerId, Check>,
    outputs: VecDeque<Output>,
}

impl Checks {
    /// None yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            open: BTreeMap::new(),
            outputs: VecDeque::new(),
        }
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Checks::handle_timeout`] is to be called at the latest.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let due = |check: &Check| check.answer_by.unwrap_or(check.ends_at).min(check.ends_at);
        self.open.values().map(due).min()
    }

    /// A client at this address offers a peer, which is to be called `peer`.
    pub fn handle_offer(
        &mut self,
        now: Timestamp,
        (checker, address): (Checker, IpAddr),
        peer: PeerId,
        offer: Offer,
    ) {
        if let Err(refusal) = self.admit(checker, address, &offer) {
            self.answer(peer, Err(refusal));
            return;
        }
        let check = Check {
            checker,
            address,
            answer_by: Some(now + ANSWER_MAX),
            ends_at: now + self.settings.lasts_ms,
        };
        self.open.insert(peer, check);
        let sending = Sending {
            mid: offer.mid,
            source: Source::Camera,
        };
        self.order(Order::Offer {
            peer,
            kin: KIN,
            sdp: offer.sdp,
            sending: vec![sending],
        });
    }

    fn admit(
        &mut self,
        checker: Checker,
        address: IpAddr,
        offer: &Offer,
    ) -> Result<(), CheckRefusal> {
        let (bytes, bytes_max) = (offer.sdp.len(), SDP_BYTES_MAX);
        if bytes > bytes_max {
            return Err(CheckRefusal::SdpTooLong { bytes, bytes_max });
        }
        // Names of peers are minted in ascending order: the first is the oldest.
        let own = self.chosen(|check| check.checker == checker);
        if own.len() >= PER_CHECKER_MAX
            && let Some(oldest) = own.first()
        {
            self.end(*oldest);
        }
        let here = self.chosen(|check| check.address == address).len();
        if self.open.len() >= self.settings.at_once_max || here >= self.settings.per_address_max {
            return Err(CheckRefusal::Busy);
        }
        Ok(())
    }

    /// The shard tells something about a peer.
    pub fn handle_notice(&mut self, notice: Notice) {
        match notice {
            Notice::Answered { peer, answer } => {
                let Some(check) = self.open.get_mut(&peer) else {
                    return;
                };
                check.answer_by = None;
                if answer.is_err() {
                    // The shard has no such peer: there is nothing to close.
                    self.open.remove(&peer);
                }
                self.answer(peer, answer.map_err(CheckRefusal::Offer));
            }
            Notice::Lost { peer } => self.end(peer),
            Notice::Restarted { .. }
            | Notice::Connected { .. }
            | Notice::AudioDelivered { .. }
            | Notice::AudioHeard { .. }
            | Notice::Slots { .. }
            | Notice::Speaking { .. }
            | Notice::Pictures { .. }
            | Notice::Measured { .. }
            | Notice::Needed { .. } => {}
        }
    }

    /// A client is gone, and all that it checked.
    pub fn handle_gone(&mut self, checker: Checker) {
        for peer in self.chosen(|check| check.checker == checker) {
            self.end(peer);
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        for peer in self.chosen(|check| check.answer_by.is_some_and(|by| by <= now)) {
            self.answer(peer, Err(CheckRefusal::Unanswered));
            self.end(peer);
        }
        for peer in self.chosen(|check| check.ends_at <= now) {
            self.end(peer);
        }
    }

    fn chosen(&self, test: impl Fn(&Check) -> bool) -> Vec<PeerId> {
        let chosen = self.open.iter().filter(|(_, check)| test(check));
        chosen.map(|(peer, _)| *peer).collect()
    }

    /// One that has no answer yet gets none: whoever waits for it learns that it has ended.
    fn end(&mut self, peer: PeerId) {
        if self.open.remove(&peer).is_some() {
            self.order(Order::Close { peer });
        }
    }

    fn order(&mut self, order: Order) {
        self.outputs.push_back(Output::Order(order));
    }

    fn answer(&mut self, peer: PeerId, answer: Result<String, CheckRefusal>) {
        self.outputs.push_back(Output::Answer { peer, answer });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp(1_000_000);
    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);

    fn checks(at_once_max: usize, per_address_max: usize) -> Checks {
        Checks::new(Settings {
            at_once_max,
            per_address_max,
            ..Settings::default()
        })
    }

    fn offer(checks: &mut Checks, peer: u64, checker: u64, address: IpAddr) -> Vec<Output> {
        let offer = Offer {
            sdp: "v=0".to_owned(),
            mid: "0".to_owned(),
        };
        checks.handle_offer(START, (Checker(checker), address), PeerId(peer), offer);
        out(checks)
    }

    fn out(checks: &mut Checks) -> Vec<Output> {
        std::iter::from_fn(|| checks.poll_output()).collect()
    }

    fn answered(checks: &mut Checks, peer: u64) -> Vec<Output> {
        checks.handle_notice(Notice::Answered {
            peer: PeerId(peer),
            answer: Ok("answer".to_owned()),
        });
        out(checks)
    }

    fn offered(peer: u64) -> Output {
        Output::Order(Order::Offer {
            peer: PeerId(peer),
            kin: KIN,
            sdp: "v=0".to_owned(),
            sending: vec![Sending {
                mid: "0".to_owned(),
                source: Source::Camera,
            }],
        })
    }

    fn closed(peer: u64) -> Output {
        Output::Order(Order::Close { peer: PeerId(peer) })
    }

    fn told(peer: u64, answer: Result<&str, CheckRefusal>) -> Output {
        Output::Answer {
            peer: PeerId(peer),
            answer: answer.map(str::to_owned),
        }
    }

    #[test]
    fn a_peer_is_answered_never_shown_and_ends_by_itself() {
        let mut checks = checks(9, 9);
        assert_eq!(offer(&mut checks, 1, 1, HERE), [offered(1)]);
        assert_eq!(answered(&mut checks, 1), [told(1, Ok("answer"))]);
        checks.handle_notice(Notice::Connected { peer: PeerId(1) });
        assert_eq!(out(&mut checks), [], "it is ordered nothing more");
        assert_eq!(checks.next_deadline(), Some(START + Millis::from_secs(15)));
        checks.handle_timeout(START + Millis::from_secs(14));
        assert_eq!(out(&mut checks), []);
        checks.handle_timeout(START + Millis::from_secs(15));
        assert_eq!(out(&mut checks), [closed(1)]);
        assert_eq!(checks.next_deadline(), None);
    }

    #[test]
    fn what_the_shard_refuses_or_does_not_answer_leaves_nothing_behind() {
        let mut checks = checks(9, 9);
        offer(&mut checks, 1, 1, HERE);
        checks.handle_notice(Notice::Answered {
            peer: PeerId(1),
            answer: Err(OfferRefusal::Full),
        });
        let full = CheckRefusal::Offer(OfferRefusal::Full);
        assert_eq!(out(&mut checks), [told(1, Err(full))]);

        offer(&mut checks, 2, 1, HERE);
        checks.handle_timeout(START + ANSWER_MAX);
        let late = told(2, Err(CheckRefusal::Unanswered));
        assert_eq!(out(&mut checks), [late, closed(2)]);
        assert_eq!(answered(&mut checks, 2), [], "too late");

        offer(&mut checks, 3, 1, HERE);
        answered(&mut checks, 3);
        checks.handle_notice(Notice::Lost { peer: PeerId(3) });
        assert_eq!(out(&mut checks), [closed(3)]);
        assert!(checks.open.is_empty());
    }

    #[test]
    fn each_bound_holds_and_an_end_makes_room() {
        let mut checks = checks(4, 3);
        let busy = |peer| [told(peer, Err(CheckRefusal::Busy))];
        for peer in 1..=3 {
            assert_eq!(offer(&mut checks, peer, peer, HERE), [offered(peer)]);
        }
        assert_eq!(offer(&mut checks, 4, 4, HERE), busy(4), "of one address");
        assert_eq!(offer(&mut checks, 5, 5, THERE), [offered(5)]);
        assert_eq!(offer(&mut checks, 6, 6, THERE), busy(6), "in all");
        checks.handle_gone(Checker(2));
        assert_eq!(out(&mut checks), [closed(2)]);
        assert_eq!(offer(&mut checks, 7, 7, HERE), [offered(7)]);
        let long = Offer {
            sdp: "x".repeat(SDP_BYTES_MAX + 1),
            mid: String::new(),
        };
        checks.handle_offer(START, (Checker(8), HERE), PeerId(8), long);
        let Some(Output::Answer { answer, .. }) = checks.poll_output() else {
            panic!("an answer");
        };
        assert!(matches!(answer, Err(CheckRefusal::SdpTooLong { .. })));
    }

    #[test]
    fn a_client_that_offers_again_and_again_ends_its_oldest() {
        let mut checks = checks(4, 4);
        for peer in 1..=3 {
            offer(&mut checks, peer, 1, HERE);
        }
        assert_eq!(offer(&mut checks, 4, 1, HERE), [closed(1), offered(4)]);
        assert_eq!(
            offer(&mut checks, 5, 2, HERE),
            [offered(5)],
            "others have room"
        );
        checks.handle_gone(Checker(1));
        assert_eq!(out(&mut checks), [2, 3, 4].map(closed));
    }
}
