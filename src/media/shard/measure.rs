//! How each peer's path does: what whoever watches over a session asks for some times a minute.
//!
//! Nothing here is looked at for a packet. What a peer loses and how much it sends is noted where
//! reports are read and written anyway, once a second; a round trip is ICE's own consent check.

use std::time::Instant;

use super::{Shard, peer::Peer, source::SourceState};
use crate::media::{Measured, Over, PeerId, SessionKey, shard::transport::Via};

/// How much the latest report weighs against those before: a share of one second alone flickers.
const WEIGHT: f32 = 0.5;

/// What has been noted of a peer's path.
#[derive(Debug, Clone, Copy, Default)]
pub struct Noted {
    /// Share of what the peer sent that was lost, 0 to 1.
    lost_up: Option<f32>,
    /// Share of what it was sent.
    lost_down: Option<f32>,
    /// Payload bytes sent to it in all slots when it was last looked at, modulo 2^32, and when.
    sent: Option<(u32, Instant)>,
    down_bits: Option<u64>,
}

impl Noted {
    /// Of several streams the worst, in 256ths, of what the peer sends.
    pub fn lost_up(&mut self, worst_256: u8) {
        smooth(&mut self.lost_up, worst_256);
    }

    /// The same of what it is sent, as it reports.
    pub fn lost_down(&mut self, worst_256: u8) {
        smooth(&mut self.lost_down, worst_256);
    }

    /// So many payload bytes have been sent to it by now, modulo 2^32.
    pub fn sent(&mut self, now: Instant, bytes: u32) {
        if let Some((before, at)) = self.sent {
            let micros = now.saturating_duration_since(at).as_micros();
            let bits = u128::from(bytes.wrapping_sub(before)) * 8_000_000;
            self.down_bits = bits
                .checked_div(micros)
                .map(|bits| u64::try_from(bits).unwrap_or(u64::MAX));
        }
        self.sent = Some((bytes, now));
    }
}

fn smooth(share: &mut Option<f32>, worst_256: u8) {
    let latest = f32::from(worst_256) / 256.0;
    *share = Some(match *share {
        Some(before) => before + WEIGHT * (latest - before),
        None => latest,
    });
}

impl Shard {
    /// How the path of each connected peer of a session does now.
    pub(super) fn measure(&self, session: SessionKey) -> Vec<(PeerId, Measured)> {
        let peers = self
            .sessions
            .get(&session)
            .map_or(&[][..], |its| &its.peers);
        peers
            .iter()
            .filter_map(|key| self.peer(*key))
            .filter(|peer| peer.connected)
            .map(|peer| (peer.id, self.measured(peer)))
            .collect()
    }

    fn measured(&self, peer: &Peer) -> Measured {
        let rates = peer
            .sources()
            .filter_map(|source| self.source(source))
            .filter_map(|source: &SourceState| source.rate.bits_per_second());
        Measured {
            over: peer.path.map(|path| match path.via {
                Via::Udp => Over::Udp,
                Via::Tcp => Over::Tcp,
            }),
            round_trip: peer.transport.round_trip(self.now),
            lost_up: peer.noted.lost_up,
            lost_down: peer.noted.lost_down,
            up_bits: rates.reduce(u64::saturating_add),
            down_bits: peer.noted.down_bits,
        }
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "an instant cannot be made from nothing"
)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_share_is_smoothed_and_bytes_become_a_rate_over_the_wrap() {
        let start = Instant::now();
        let mut noted = Noted::default();
        noted.lost_up(128);
        assert_eq!(noted.lost_up, Some(0.5));
        noted.lost_up(0);
        assert_eq!(noted.lost_up, Some(0.25));
        assert_eq!(noted.lost_down, None);

        noted.sent(start, u32::MAX - 499);
        assert_eq!(noted.down_bits, None, "nothing to compare with");
        noted.sent(start + Duration::from_secs(2), 500);
        assert_eq!(noted.down_bits, Some(4000));
    }
}
