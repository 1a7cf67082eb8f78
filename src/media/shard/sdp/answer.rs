//! Writing the answer.

use std::fmt::Write;

use super::offer::{
    AUDIO_LEVEL, Codec, Encoding, MID, Offer, REPAIRED_RID, RID, Section, TRANSPORT_SEQUENCE,
};
use crate::media::Kind;

/// The server's side of the transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// ICE user fragment of this peer connection.
    pub ufrag: String,
    /// ICE password of this peer connection.
    pub pwd: String,
    /// SHA-256 of the server's DTLS certificate.
    pub fingerprint: [u8; 32],
    /// Values of the `candidate` attribute.
    pub candidates: Vec<String>,
}

/// What the server makes of one section of the offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The client sends a track on it.
    Receiving(Receiving),
    /// The server sends on it.
    Slot(Slot),
    /// Not understood, or not wanted.
    Rejected,
}

/// A section that the client sends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receiving {
    /// The codec that it is to send.
    pub encoding: Encoding,
}

/// A section that the server sends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// The slot's synchronisation source; it may carry every codec of the section that is known.
    pub ssrc: u32,
    /// The source of its retransmissions, where the section has a payload type for them.
    pub rtx_ssrc: Option<u32>,
}

/// Writes the answer to `offer`, one part a section.
pub fn answer(offer: &Offer, local: &Local, parts: &[Part]) -> String {
    let mut text = String::with_capacity(8192);
    text.push_str("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n");
    text.push_str("a=group:BUNDLE");
    for (section, part) in offer.sections.iter().zip(parts) {
        if *part != Part::Rejected {
            text.push(' ');
            text.push_str(&section.mid);
        }
    }
    text.push_str("\r\na=msid-semantic: WMS *\r\n");
    let mut first = true;
    for (section, part) in offer.sections.iter().zip(parts) {
        // `write!` into a `String` cannot fail.
        let _ = write_section(&mut text, section, part, local, first);
        first &= *part == Part::Rejected;
    }
    text
}

fn write_section(
    out: &mut String,
    section: &Section,
    part: &Part,
    local: &Local,
    carries_candidates: bool,
) -> std::fmt::Result {
    let codecs: Vec<&Codec> = section
        .codecs
        .iter()
        .filter(|codec| match part {
            Part::Receiving(receiving) => codec.encoding == receiving.encoding,
            Part::Slot(_) => true,
            Part::Rejected => false,
        })
        .collect();
    let (Some(kind), false) = (section.kind, codecs.is_empty()) else {
        write!(out, "m={} 0 {}", section.media, section.protocol)?;
        for format in &section.formats {
            write!(out, " {format}")?;
        }
        return write!(
            out,
            "\r\nc=IN IP4 0.0.0.0\r\na=mid:{}\r\na=inactive\r\n",
            section.mid
        );
    };
    let slot = match part {
        Part::Slot(slot) => Some(slot),
        Part::Receiving(_) | Part::Rejected => None,
    };
    let rtx_ssrc = slot.and_then(|slot| slot.rtx_ssrc);

    write!(out, "m={} 9 {}", section.media, section.protocol)?;
    // A browser sends what stands first: sound with redundancy where it can.
    let red = section.red.zip(codecs.first());
    if let Some((red, _)) = red {
        write!(out, " {red}")?;
    }
    for codec in &codecs {
        write!(out, " {}", codec.payload_type)?;
        if let Some(rtx) = codec.rtx {
            write!(out, " {}", rtx.payload_type)?;
        }
    }
    write!(out, "\r\nc=IN IP4 0.0.0.0\r\na=mid:{}\r\n", section.mid)?;
    out.push_str(if slot.is_some() {
        "a=sendonly\r\n"
    } else {
        "a=recvonly\r\n"
    });
    out.push_str("a=rtcp-mux\r\n");
    if section.reduced_size_rtcp {
        out.push_str("a=rtcp-rsize\r\n");
    }
    write!(
        out,
        "a=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=setup:passive\r\na=fingerprint:sha-256 ",
        local.ufrag, local.pwd
    )?;
    for (place, byte) in local.fingerprint.iter().enumerate() {
        let colon = if place == 0 { "" } else { ":" };
        write!(out, "{colon}{byte:02X}")?;
    }
    out.push_str("\r\n");
    if carries_candidates {
        for candidate in &local.candidates {
            write!(out, "a=candidate:{candidate}\r\n")?;
        }
        out.push_str("a=end-of-candidates\r\n");
    }
    if let Some((red, opus)) = red {
        write!(
            out,
            "a=rtpmap:{red} red/48000/2\r\na=fmtp:{red} {0}/{0}\r\n",
            opus.payload_type
        )?;
    }
    for codec in &codecs {
        write_codec(
            out,
            codec,
            kind,
            section.extensions.transport_sequence.is_some(),
        )?;
    }
    let extensions = &section.extensions;
    // What comes in is named by mid and rid where its SSRC was not signalled, what goes out by its
    // SSRC below.
    let named = |id: Option<u8>| id.filter(|_| slot.is_none());
    for (id, uri) in [
        (extensions.audio_level, AUDIO_LEVEL),
        (extensions.transport_sequence, TRANSPORT_SEQUENCE),
        (named(extensions.mid), MID),
        (named(extensions.rid), RID),
        (named(extensions.repaired_rid), REPAIRED_RID),
    ] {
        if let Some(id) = id {
            write!(out, "a=extmap:{id} {uri}\r\n")?;
        }
    }
    if slot.is_none() && !section.rids.is_empty() {
        for rid in &section.rids {
            write!(out, "a=rid:{rid} recv\r\n")?;
        }
        write!(out, "a=simulcast:recv {}\r\n", section.rids.join(";"))?;
    }
    if let Some(slot) = slot {
        let name = format!("slot-{}", section.mid);
        write!(out, "a=msid:{name} {name}\r\n")?;
        if let Some(ssrc) = rtx_ssrc {
            write!(out, "a=ssrc-group:FID {} {ssrc}\r\n", slot.ssrc)?;
        }
        // Chromium takes the first SSRC that is named for the media's own.
        for ssrc in [Some(slot.ssrc), rtx_ssrc].into_iter().flatten() {
            write!(out, "a=ssrc:{ssrc} cname:roundtable\r\n")?;
        }
    }
    Ok(())
}

fn write_codec(out: &mut String, codec: &Codec, kind: Kind, steered: bool) -> std::fmt::Result {
    let number = codec.payload_type;
    write!(out, "a=rtpmap:{number} {}\r\n", codec.map)?;
    if let Some(fmtp) = &codec.fmtp {
        write!(out, "a=fmtp:{number} {fmtp}\r\n")?;
    }
    let feedback: &[&str] = match kind {
        Kind::Audio => &[],
        Kind::Video => &["ccm fir", "nack", "nack pli"],
    };
    for feedback in feedback.iter().chain(steered.then_some(&"transport-cc")) {
        write!(out, "a=rtcp-fb:{number} {feedback}\r\n")?;
    }
    if let Some(rtx) = codec.rtx {
        write!(
            out,
            "a=rtpmap:{0} rtx/{1}\r\na=fmtp:{0} apt={number}\r\n",
            rtx.payload_type, codec.clock_hz
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::offer::{read, tests::offer_text};
    use super::*;

    #[test]
    fn the_answer_mirrors_the_offer() {
        let offer = read(&offer_text()).expect("a good offer");
        let local = Local {
            ufrag: "ours".into(),
            pwd: "secret".into(),
            fingerprint: [0xab; 32],
            candidates: vec!["1 1 udp 2130706431 127.0.0.1 7882 typ host".into()],
        };
        let parts = [
            Part::Receiving(Receiving {
                encoding: Encoding::Opus,
            }),
            Part::Rejected,
            Part::Slot(Slot {
                ssrc: 7,
                rtx_ssrc: None,
            }),
            Part::Slot(Slot {
                ssrc: 8,
                rtx_ssrc: Some(9),
            }),
        ];
        let text = answer(&offer, &local, &parts);
        assert!(text.contains("a=group:BUNDLE 0 2 3\r\n"));
        assert!(text.contains("m=video 0 UDP/TLS/RTP/SAVPF 96 97 98 99\r\n"));
        assert!(text.contains("m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n"));
        assert!(text.contains("a=ssrc-group:FID 8 9\r\na=ssrc:8 cname:roundtable\r\na=ssrc:9 "));
        assert_eq!(text.matches("a=candidate:").count(), 1);
        assert_eq!(text.matches("a=sendonly").count(), 2);
        assert_eq!(text.matches("a=recvonly").count(), 1);
        // It is SDP by the reference parser, too.
        let parsed = rtc::sdp::description::session::SessionDescription::unmarshal(
            &mut std::io::Cursor::new(text.as_bytes()),
        )
        .expect("the answer parses");
        assert_eq!(parsed.media_descriptions.len(), 4);
    }
}
