//! A lean receiver's session description: an offer of slots in a browser's words, and what counts in
//! the answer.
//!
//! This module must never know sockets or keys in use.

use std::{
    fmt::Write,
    net::{IpAddr, SocketAddr},
};

use crate::loadtest::stamp::Medium;

/// Id of the extension that numbers all packets of the path.
pub const TRANSPORT_SEQUENCE: u8 = 3;

/// Slots that are taken from an answer at most: more than are ever offered.
const SLOTS_MAX: usize = 64;

/// One side's ICE credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// User fragment.
    pub ufrag: String,
    /// Password.
    pub pwd: String,
}

const WIDE: &str =
    "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n";
const SOUND: &str = "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n\
     a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\n\
     a=fmtp:111 minptime=10;useinbandfec=1\r\n";
const PICTURE: &str = "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 transport-cc\r\n\
     a=rtcp-fb:96 ccm fir\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n\
     a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtcp-rsize\r\n";

/// The offer of so many slots. `fingerprint` is SHA-256 of the certificate, as SDP writes it.
pub fn offer(ours: &Credentials, fingerprint: &str, sound: usize, pictures: usize) -> String {
    let transport = format!(
        "c=IN IP4 0.0.0.0\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=ice-options:trickle\r\n\
         a=fingerprint:sha-256 {fingerprint}\r\na=setup:actpass\r\na=rtcp-mux\r\n",
        ours.ufrag, ours.pwd
    );
    let slots = sound + pictures;
    let mut text = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE".to_owned();
    // Writing into a `String` cannot fail.
    for mid in 0..slots {
        let _ = write!(text, " {mid}");
    }
    text.push_str("\r\n");
    for mid in 0..slots {
        let (line, rest) = if mid < sound {
            ("audio 9 UDP/TLS/RTP/SAVPF 111", SOUND)
        } else {
            ("video 9 UDP/TLS/RTP/SAVPF 96 97", PICTURE)
        };
        let _ = write!(
            text,
            "m={line}\r\na=mid:{mid}\r\na=recvonly\r\n{transport}{WIDE}{rest}"
        );
    }
    text
}

/// What the server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its credentials.
    pub theirs: Credentials,
    /// Where it is, over UDP.
    addresses: Vec<SocketAddr>,
    /// What it sends on, in the order of the offer.
    pub slots: Vec<Offered>,
}

/// A slot as the answer describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// The section's name.
    pub mid: String,
    /// Sound or picture.
    pub medium: Medium,
    /// Its stream.
    pub ssrc: u32,
    /// The stream of what is sent again.
    pub rtx: Option<u32>,
}

/// Reads an answer; nothing where it lacks what a connection needs.
pub fn read(answer: &str) -> Option<Answer> {
    let value = |key: &str| {
        let mut lines = answer.lines();
        lines.find_map(|line| line.strip_prefix("a=")?.strip_prefix(key))
    };
    let addresses = answer
        .lines()
        .filter_map(|line| address(line.strip_prefix("a=candidate:")?));
    let sections = answer.split("m=").skip(1);
    Some(Answer {
        theirs: Credentials {
            ufrag: value("ice-ufrag:")?.to_owned(),
            pwd: value("ice-pwd:")?.to_owned(),
        },
        addresses: addresses.collect(),
        slots: sections.filter_map(slot).take(SLOTS_MAX).collect(),
    })
}

impl Answer {
    /// The server's address that is reached from this one: of its family, loopback from loopback.
    pub fn reached_from(&self, local: IpAddr) -> Option<SocketAddr> {
        let same_family = |address: &&SocketAddr| address.is_ipv4() == local.is_ipv4();
        let mut candidates = self.addresses.iter().filter(same_family);
        let first = candidates.clone().next();
        let best = candidates.find(|address| address.ip().is_loopback() == local.is_loopback());
        best.or(first).copied()
    }
}

/// `1 1 udp 2130706431 127.0.0.1 7882 typ host`
fn address(candidate: &str) -> Option<SocketAddr> {
    let mut words = candidate.split(' ').skip(2);
    let is_udp = words.next()?.eq_ignore_ascii_case("udp");
    let address: IpAddr = words.nth(1)?.parse().ok()?;
    let port: u16 = words.next()?.parse().ok()?;
    is_udp.then_some(SocketAddr::new(address, port))
}

fn slot(section: &str) -> Option<Offered> {
    if !section.contains("a=sendonly") {
        return None;
    }
    let medium = if section.starts_with("audio") {
        Medium::Sound
    } else {
        Medium::Picture
    };
    let attribute = |key: &'static str| {
        let lines = section.lines();
        lines.filter_map(move |line| line.strip_prefix(key))
    };
    // The media's own stands first, then the one of what is sent again.
    let mut ssrcs = attribute("a=ssrc:").filter_map(|rest| rest.split(' ').next()?.parse().ok());
    Some(Offered {
        mid: attribute("a=mid:").next()?.to_owned(),
        medium,
        ssrc: ssrcs.next()?,
        rtx: ssrcs.next(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours() -> Credentials {
        Credentials {
            ufrag: "abcd".to_owned(),
            pwd: "p".repeat(24),
        }
    }

    #[test]
    fn the_offer_is_sdp_with_all_slots_in_one_bundle() {
        let text = offer(&ours(), "AA:BB", 2, 3);
        let parsed = rtc::sdp::description::session::SessionDescription::unmarshal(
            &mut std::io::Cursor::new(text.as_bytes()),
        )
        .expect("SDP");
        assert_eq!(parsed.media_descriptions.len(), 5);
        assert!(text.contains("a=group:BUNDLE 0 1 2 3 4\r\n"));
        assert_eq!(text.matches("m=audio").count(), 2);
        assert_eq!(text.matches("a=recvonly").count(), 5);
    }

    #[test]
    fn an_answer_is_read() {
        let text = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=sendonly\r\n\
             a=ice-ufrag:them\r\na=ice-pwd:secret\r\n\
             a=candidate:1 1 tcp 1 127.0.0.1 7 typ host tcptype passive\r\n\
             a=candidate:1 1 udp 2130706431 192.0.2.7 7882 typ host\r\n\
             a=candidate:1 1 udp 2130706431 127.0.0.1 7882 typ host\r\na=ssrc:7 cname:r\r\n\
             m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=inactive\r\n\
             m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:2\r\na=sendonly\r\n\
             a=ssrc-group:FID 8 9\r\na=ssrc:8 cname:r\r\na=ssrc:9 cname:r\r\n";
        let answer = read(text).expect("an answer");
        assert_eq!(answer.theirs.ufrag, "them");
        let at = |local: &str| answer.reached_from(local.parse().expect("an address"));
        assert_eq!(at("127.0.0.1"), "127.0.0.1:7882".parse().ok());
        assert_eq!(at("192.0.2.9"), "192.0.2.7:7882".parse().ok());
        assert_eq!(at("::1"), None);
        let told: Vec<_> = answer
            .slots
            .iter()
            .map(|slot| (slot.mid.as_str(), slot.medium, slot.ssrc, slot.rtx))
            .collect();
        assert_eq!(
            told,
            [
                ("0", Medium::Sound, 7, None),
                ("2", Medium::Picture, 8, Some(9))
            ]
        );
        assert_eq!(read("v=0\r\n"), None);
    }
}
