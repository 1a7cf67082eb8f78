//! RTCP.

use std::time::Instant;

use super::{Shard, source::PeerKey};

impl Shard {
    pub(super) fn control_packet(&mut self, key: PeerKey, datagram: &mut [u8]) {
        let Some(peer) = self.peer_mut(key) else { return };
        let Some((opener, _)) = &mut peer.keys else { return };
        let Ok(_compound) = opener.open_rtcp(datagram) else { return };
    }
    pub(super) fn report(&mut self, _key: PeerKey) {}
    pub(super) fn ask_for_key_frames(&mut self) {
        let now: Instant = self.now;
        for place in 0..self.sources.len() {
            let Some(source) = self.sources.get_mut(place).and_then(Option::as_deref_mut) else { continue };
            if !source.key_frames.ask(now) { continue }
            let (ssrc, owner) = (source.ssrc, source.owner);
            let Some(peer) = self.peers.get_mut(owner).and_then(Option::as_deref_mut) else { continue };
            let (Some(path), Some((_, sealer))) = (peer.path, &mut peer.keys) else { continue };
            let mut pli = vec![0u8; 64];
            pli[..4].copy_from_slice(&[0x81, 206, 0, 2]);
            pli[4..8].copy_from_slice(&peer.reporter.to_be_bytes());
            pli[8..12].copy_from_slice(&ssrc.to_be_bytes());
            if let Some(n) = sealer.seal_rtcp(&mut pli, 12) { pli.truncate(n); self.control.push_back((path, pli)); }
        }
    }
}
