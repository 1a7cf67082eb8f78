//! Reading an offer.

use std::io::Cursor;

use rtc::sdp::description::{media::MediaDescription, session::SessionDescription};

use super::{LAYERS_MAX, OFFER_BYTES_MAX, SECTIONS_MAX};
use crate::media::{Kind, OfferRefusal, shard::contain::contained};

/// What an offer says, as far as the server acts on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The client's ICE user fragment.
    pub ufrag: String,
    /// The client's ICE password.
    pub pwd: String,
    /// SHA-256 of the client's DTLS certificate.
    pub fingerprint: [u8; 32],
    /// Values of the `candidate` attributes that came with the offer.
    pub candidates: Vec<String>,
    /// All media sections in their order; the answer has as many.
    pub sections: Vec<Section>,
}

/// One media section of an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// `a=mid`.
    pub mid: String,
    /// The media word of the `m=` line, needed to reject what is not understood.
    pub media: String,
    /// Transport protocol of the `m=` line, echoed in the answer.
    pub protocol: String,
    /// Formats of the `m=` line, echoed where the section is rejected.
    pub formats: Vec<String>,
    /// Audio or video; nothing for other media.
    pub kind: Option<Kind>,
    /// Which way the client offers.
    pub direction: Direction,
    /// The codecs that are known here, each once, in the order in which the server prefers them.
    pub codecs: Vec<Codec>,
    /// Payload type of redundant sound over the same Opus (RFC 2198), where it was offered.
    pub red: Option<u8>,
    /// Ids of the header extensions that the server knows.
    pub extensions: Extensions,
    /// The first SSRC named for the section, if any.
    pub ssrc: Option<u32>,
    /// The SSRC of that one's retransmissions, by `a=ssrc-group:FID`.
    pub rtx_ssrc: Option<u32>,
    /// Layers announced by `a=rid … send`, in order, [`LAYERS_MAX`] at most.
    pub rids: Vec<String>,
    /// `a=rtcp-rsize` was offered.
    pub reduced_size_rtcp: bool,
}

/// Direction attribute of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Both ways.
    SendRecv,
    /// The client sends.
    SendOnly,
    /// The client receives.
    RecvOnly,
    /// Neither.
    Inactive,
}

/// How a payload is coded: the encoding names of `a=rtpmap` that are known here, in the order in
/// which the server prefers them. Every browser sends and plays VP8; encoders that join without one
/// know H.264 at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Encoding {
    /// RFC 7587.
    Opus,
    /// RFC 7741.
    Vp8,
    /// RFC 6184, packetization mode 1.
    H264,
    /// RFC 9628.
    Vp9,
    /// The AOMedia mapping of AV1 to RTP.
    Av1,
}

impl Encoding {
    fn of(map: &str) -> Option<Self> {
        let known = [
            ("opus/48000/2", Self::Opus),
            ("vp8/90000", Self::Vp8),
            ("h264/90000", Self::H264),
            ("vp9/90000", Self::Vp9),
            ("av1/90000", Self::Av1),
        ];
        let found = known
            .iter()
            .find(|(name, _)| map.eq_ignore_ascii_case(name));
        found.map(|(_, encoding)| *encoding)
    }

    /// Sound or picture.
    pub fn kind(self) -> Kind {
        match self {
            Self::Opus => Kind::Audio,
            Self::Vp8 | Self::H264 | Self::Vp9 | Self::Av1 => Kind::Video,
        }
    }
}

/// A payload type of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codec {
    /// What it stands for.
    pub encoding: Encoding,
    /// Payload type, 0 to 127.
    pub payload_type: u8,
    /// RTP clock rate in Hz.
    pub clock_hz: u32,
    /// As in `a=rtpmap`, such as `opus/48000/2`.
    pub map: String,
    /// `a=fmtp` of the offer.
    pub fmtp: Option<String>,
    /// Retransmission for it, where offered (RFC 4588).
    pub rtx: Option<Rtx>,
}

/// A retransmission payload type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rtx {
    /// Payload type, 0 to 127.
    pub payload_type: u8,
}

/// Ids of header extensions (RFC 8285), 1 to 14 each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extensions {
    /// RFC 6464 client-to-mixer audio level.
    pub audio_level: Option<u8>,
    /// RFC 9143 section 15: the section's mid.
    pub mid: Option<u8>,
    /// RFC 8852: the layer's rid.
    pub rid: Option<u8>,
    /// RFC 8852: the rid that a retransmission repairs.
    pub repaired_rid: Option<u8>,
    /// Transport-wide sequence number, draft-holmer-rmcat-transport-wide-cc-extensions-01.
    pub transport_sequence: Option<u8>,
}

/// URI of the audio level extension.
pub(super) const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
/// URI of the mid extension.
pub(super) const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
pub(super) const RID: &str = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
pub(super) const REPAIRED_RID: &str = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";
pub(super) const TRANSPORT_SEQUENCE: &str =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

fn malformed(what: impl Into<String>) -> OfferRefusal {
    OfferRefusal::Malformed(what.into())
}

/// Reads an offer.
///
/// # Errors
/// [`OfferRefusal::Malformed`] says what is missing or wrong, for the client's developer.
pub fn read(text: &str) -> Result<Offer, OfferRefusal> {
    if text.len() > OFFER_BYTES_MAX {
        return Err(malformed(format!(
            "the offer has {} bytes, {OFFER_BYTES_MAX} are allowed",
            text.len()
        )));
    }
    let description =
        contained(|| SessionDescription::unmarshal(&mut Cursor::new(text.as_bytes())))
            .ok_or_else(|| malformed("the offer cannot be read"))?
            .map_err(|error| malformed(format!("the offer is not SDP: {error}")))?;
    let described = &description.media_descriptions;
    if described.is_empty() {
        return Err(malformed("the offer has no media section"));
    }
    if described.len() > SECTIONS_MAX {
        return Err(malformed(format!(
            "the offer has {} media sections, {SECTIONS_MAX} are allowed",
            described.len()
        )));
    }
    // Transport attributes stand in a section, in the first of the bundle, or at session level.
    let find = |key: &str| -> Option<&str> {
        described
            .iter()
            .filter(|media| media.media_name.port.value != 0)
            .find_map(|media| media.attribute(key).flatten())
            .or_else(|| {
                description
                    .attributes
                    .iter()
                    .find(|attribute| attribute.key == key)
                    .and_then(|attribute| attribute.value.as_deref())
            })
    };
    let ufrag = find("ice-ufrag").ok_or_else(|| malformed("the offer has no a=ice-ufrag"))?;
    let pwd = find("ice-pwd").ok_or_else(|| malformed("the offer has no a=ice-pwd"))?;
    check_credentials(ufrag, pwd)?;
    let fingerprint = find("fingerprint")
        .ok_or_else(|| malformed("the offer has no a=fingerprint"))
        .and_then(read_fingerprint)?;
    if find("setup") == Some("passive") {
        return Err(malformed(
            "a=setup:passive cannot be answered: the server is the DTLS server; offer actpass or active",
        ));
    }
    if described.len() > 1 && !description.attributes.iter().any(is_bundle) {
        return Err(malformed("offer a=group:BUNDLE: there is one transport"));
    }
    let sections = described
        .iter()
        .map(read_section)
        .collect::<Result<Vec<_>, _>>()?;
    for (index, section) in sections.iter().enumerate() {
        if sections[..index]
            .iter()
            .any(|other| other.mid == section.mid)
        {
            return Err(malformed(format!("a=mid:{} stands twice", section.mid)));
        }
    }
    let candidates = described
        .iter()
        .flat_map(|media| &media.attributes)
        .filter(|attribute| attribute.key == "candidate")
        .filter_map(|attribute| attribute.value.clone())
        .collect();
    Ok(Offer {
        ufrag: ufrag.to_owned(),
        pwd: pwd.to_owned(),
        fingerprint,
        candidates,
        sections,
    })
}

/// Whether a client's ICE credentials are what RFC 8839 section 5.4 asks for.
///
/// # Errors
/// [`OfferRefusal::Malformed`] says what they must be.
pub fn check_credentials(ufrag: &str, pwd: &str) -> Result<(), OfferRefusal> {
    if (4..=256).contains(&ufrag.len()) && (22..=256).contains(&pwd.len()) {
        return Ok(());
    }
    Err(malformed(
        "a=ice-ufrag has 4 to 256 characters, a=ice-pwd 22 to 256 (RFC 8839 section 5.4)",
    ))
}

fn is_bundle(attribute: &rtc::sdp::description::common::Attribute) -> bool {
    attribute.key == "group"
        && attribute
            .value
            .as_deref()
            .is_some_and(|value| value.starts_with("BUNDLE"))
}

fn read_fingerprint(value: &str) -> Result<[u8; 32], OfferRefusal> {
    let wrong = || malformed("a=fingerprint must be sha-256 and 32 bytes in hexadecimal");
    let (algorithm, hex) = value.split_once(' ').ok_or_else(wrong)?;
    if !algorithm.eq_ignore_ascii_case("sha-256") {
        return Err(wrong());
    }
    let mut bytes = [0; 32];
    let mut count = 0;
    for (place, part) in hex.trim().split(':').enumerate() {
        // The standard library takes a sign, too.
        let is_hex = part.bytes().all(|digit| digit.is_ascii_hexdigit());
        let byte = u8::from_str_radix(part, 16).ok().filter(|_| is_hex);
        let byte = byte.ok_or_else(wrong)?;
        *bytes.get_mut(place).ok_or_else(wrong)? = byte;
        count = place + 1;
    }
    if count == bytes.len() {
        Ok(bytes)
    } else {
        Err(wrong())
    }
}

/// A mid is echoed into the answer: only token characters (RFC 4566 section 9), and short.
fn is_token(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn read_section(media: &MediaDescription) -> Result<Section, OfferRefusal> {
    let mid = media
        .attribute("mid")
        .flatten()
        .filter(|mid| is_token(mid))
        .ok_or_else(|| malformed("each media section needs an a=mid of 1 to 32 characters"))?
        .to_owned();
    let kind = match media.media_name.media.as_str() {
        "audio" => Some(Kind::Audio),
        "video" => Some(Kind::Video),
        _ => None,
    };
    let has = |key: &str| media.has_attribute(key);
    let direction = if media.media_name.port.value == 0 && !has("bundle-only") || has("inactive") {
        Direction::Inactive
    } else if has("sendonly") {
        Direction::SendOnly
    } else if has("recvonly") {
        Direction::RecvOnly
    } else {
        Direction::SendRecv
    };
    if kind.is_some() && direction != Direction::Inactive && !has("rtcp-mux") {
        return Err(malformed(format!("section {mid} lacks a=rtcp-mux")));
    }
    Ok(Section {
        red: read_red(media),
        codecs: kind
            .map(|kind| read_codecs(media, kind))
            .unwrap_or_default(),
        extensions: read_extensions(media),
        ssrc: media
            .attribute("ssrc")
            .flatten()
            .and_then(|value| value.split(' ').next())
            .and_then(|number| number.parse().ok()),
        rtx_ssrc: values(media, "ssrc-group").find_map(|group| {
            let mut words = group.strip_prefix("FID ")?.split(' ').skip(1);
            words.next()?.parse().ok()
        }),
        rids: values(media, "rid")
            .filter_map(|value| value.split_once(' '))
            .filter(|(rid, rest)| rest.starts_with("send") && is_token(rid))
            .map(|(rid, _)| rid.to_owned())
            .take(LAYERS_MAX)
            .collect(),
        reduced_size_rtcp: has("rtcp-rsize"),
        media: media.media_name.media.clone(),
        protocol: media.media_name.protos.join("/"),
        formats: media.media_name.formats.clone(),
        mid,
        kind,
        direction,
    })
}

fn values<'a>(media: &'a MediaDescription, key: &'a str) -> impl Iterator<Item = &'a str> {
    media
        .attributes
        .iter()
        .filter(move |attribute| attribute.key == key)
        .filter_map(|attribute| attribute.value.as_deref())
}

/// `(payload type, rest)` of an attribute such as `rtpmap:111 opus/48000/2`.
fn by_payload_type<'a>(
    media: &'a MediaDescription,
    key: &'a str,
) -> impl Iterator<Item = (u8, &'a str)> {
    values(media, key).filter_map(|value| {
        let (number, rest) = value.split_once(' ')?;
        let number: u8 = number.parse().ok()?;
        (number < 128).then_some((number, rest.trim()))
    })
}

/// Every line is walked a fixed number of times: a member's offer of thousands of lines must not hold
/// up the shard.
fn read_codecs(media: &MediaDescription, kind: Kind) -> Vec<Codec> {
    let offered = offered(media);
    let mut fmtp: Vec<Option<&str>> = vec![None; PAYLOAD_TYPES];
    for (number, rest) in by_payload_type(media, "fmtp") {
        if let Some(place) = fmtp.get_mut(usize::from(number)) {
            place.get_or_insert(rest);
        }
    }
    let fmtp_of = |number: u8| fmtp.get(usize::from(number)).copied().flatten();
    let mut codecs: Vec<Codec> = Vec::new();
    let mut repairs: Vec<Option<Rtx>> = vec![None; PAYLOAD_TYPES];
    for (payload_type, map) in by_payload_type(media, "rtpmap") {
        if !is_marked(&offered, payload_type) {
            continue;
        }
        let fmtp = fmtp_of(payload_type);
        if map.len() > 4
            && map
                .get(..4)
                .is_some_and(|name| name.eq_ignore_ascii_case("rtx/"))
        {
            let repaired = fmtp.and_then(|fmtp| parameter(fmtp, "apt")?.parse::<u8>().ok());
            if let Some(place) = repaired.and_then(|apt| repairs.get_mut(usize::from(apt))) {
                place.get_or_insert(Rtx { payload_type });
            }
            continue;
        }
        let Some(encoding) = Encoding::of(map).filter(|encoding| encoding.kind() == kind) else {
            continue;
        };
        let known = codecs.iter().any(|codec| codec.encoding == encoding);
        if known || !is_forwarded(encoding, fmtp) {
            continue;
        }
        codecs.push(Codec {
            encoding,
            payload_type,
            clock_hz: match kind {
                Kind::Audio => 48_000,
                Kind::Video => 90_000,
            },
            map: map.to_owned(),
            fmtp: fmtp.map(str::to_owned),
            rtx: None,
        });
    }
    for codec in &mut codecs {
        codec.rtx = repairs
            .get(usize::from(codec.payload_type))
            .copied()
            .flatten();
    }
    codecs.sort_by_key(|codec| codec.encoding);
    codecs
}

/// Of the forms that an encoding has, those that receivers are sure to play.
fn is_forwarded(encoding: Encoding, fmtp: Option<&str>) -> bool {
    let says = |key: &str| fmtp.and_then(|fmtp| parameter(fmtp, key));
    match encoding {
        Encoding::Opus | Encoding::Vp8 | Encoding::Av1 => true,
        // Baseline or constrained baseline, in pieces that fit into packets.
        Encoding::H264 => {
            says("packetization-mode") == Some("1")
                && says("profile-level-id").is_none_or(|profile| profile.starts_with("42"))
        }
        Encoding::Vp9 => says("profile-id").is_none_or(|profile| profile == "0"),
    }
}

/// `value` of `key=value` in the parameters of a format.
fn parameter<'a>(fmtp: &'a str, key: &str) -> Option<&'a str> {
    fmtp.split(';')
        .filter_map(|part| part.trim().split_once('='))
        .find(|(name, _)| *name == key)
        .map(|(_, value)| value)
}

fn read_red(media: &MediaDescription) -> Option<u8> {
    let offered = offered(media);
    by_payload_type(media, "rtpmap")
        .find(|(number, map)| {
            map.eq_ignore_ascii_case("red/48000/2") && is_marked(&offered, *number)
        })
        .map(|(number, _)| number)
}

fn offered(media: &MediaDescription) -> PayloadTypes {
    let mut offered: PayloadTypes = [false; PAYLOAD_TYPES];
    let formats = &media.media_name.formats;
    for number in formats.iter().filter_map(|format| format.parse().ok()) {
        mark(&mut offered, number);
    }
    offered
}

/// How many payload types there are.
const PAYLOAD_TYPES: usize = 128;

/// Payload types, marked.
type PayloadTypes = [bool; PAYLOAD_TYPES];

fn mark(marked: &mut PayloadTypes, number: u8) {
    if let Some(place) = marked.get_mut(usize::from(number)) {
        *place = true;
    }
}

fn is_marked(marked: &PayloadTypes, number: u8) -> bool {
    marked.get(usize::from(number)).copied().unwrap_or(false)
}

fn read_extensions(media: &MediaDescription) -> Extensions {
    let mut extensions = Extensions::default();
    for value in values(media, "extmap") {
        let mut words = value.split_whitespace();
        let (Some(id), Some(uri)) = (words.next(), words.next()) else {
            continue;
        };
        // `3/sendonly` restricts the direction; the id comes first.
        let id = id.split('/').next().and_then(|id| id.parse::<u8>().ok());
        let Some(id) = id.filter(|id| (1..=14).contains(id)) else {
            continue;
        };
        let place = match uri {
            AUDIO_LEVEL => &mut extensions.audio_level,
            MID => &mut extensions.mid,
            RID => &mut extensions.rid,
            REPAIRED_RID => &mut extensions.repaired_rid,
            TRANSPORT_SEQUENCE => &mut extensions.transport_sequence,
            _ => continue,
        };
        *place = Some(id);
    }
    extensions
}

#[cfg(test)]
pub(in crate::media::shard) mod tests {
    use super::*;

    /// A small offer in Chromium's manner: microphone, camera, an audio slot, a video slot.
    pub(in crate::media::shard) fn offer_text() -> String {
        let transport = "c=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n\
             a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\n\
             a=setup:actpass\r\na=rtcp-mux\r\n";
        let audio = "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n\
             a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
             a=rtpmap:63 red/48000/2\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n";
        let video = "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
             a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n\
             a=rtpmap:98 VP9/90000\r\na=rtpmap:99 rtx/90000\r\na=fmtp:99 apt=98\r\na=rtcp-rsize\r\n";
        format!(
            "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2 3\r\n\
             m=audio 9 UDP/TLS/RTP/SAVPF 63 111\r\na=mid:0\r\na=sendonly\r\n{transport}{audio}a=ssrc:1001 cname:x\r\n\
             m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99\r\na=mid:1\r\na=sendonly\r\n{transport}{video}a=ssrc-group:FID 2001 2002\r\na=ssrc:2001 cname:x\r\na=ssrc:2002 cname:x\r\n\
             m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:2\r\na=recvonly\r\n{transport}{audio}\
             m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:3\r\na=recvonly\r\n{transport}{video}"
        )
    }

    #[test]
    fn an_offer_is_read() {
        let offer = read(&offer_text()).expect("a good offer");
        assert_eq!(offer.ufrag, "abcd");
        assert_eq!(offer.fingerprint[31], 0x1f);
        assert_eq!(offer.sections.len(), 4);
        let camera = &offer.sections[1];
        assert_eq!(camera.kind, Some(Kind::Video));
        assert_eq!(camera.direction, Direction::SendOnly);
        assert_eq!(camera.ssrc, Some(2001));
        assert_eq!(camera.rtx_ssrc, Some(2002));
        let codecs: Vec<_> = camera
            .codecs
            .iter()
            .map(|codec| (codec.encoding, codec.payload_type, codec.rtx))
            .collect();
        let rtx = |payload_type| Some(Rtx { payload_type });
        assert_eq!(
            codecs,
            [(Encoding::Vp8, 96, rtx(97)), (Encoding::Vp9, 98, rtx(99))]
        );
        let microphone = &offer.sections[0];
        assert_eq!(microphone.extensions.audio_level, Some(1));
        assert_eq!(microphone.codecs[0].payload_type, 111);
        assert_eq!(microphone.red, Some(63));
        assert_eq!(offer.sections[3].direction, Direction::RecvOnly);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (from, to, said) in [
            ("a=ice-ufrag:abcd\r\n", "", "ice-ufrag"),
            (
                "a=ice-pwd:0123456789012345678901\r\n",
                "a=ice-pwd:short\r\n",
                "ice-pwd",
            ),
            ("a=fingerprint:sha-256 ", "a=fingerprint:sha-1 ", "sha-256"),
            (":1F\r\n", ":1F:20\r\n", "sha-256"),
            ("a=mid:1\r\n", "a=mid:0\r\n", "twice"),
            ("a=mid:3\r\n", "", "a=mid"),
            ("a=group:BUNDLE 0 1 2 3\r\n", "", "BUNDLE"),
            ("a=setup:actpass\r\n", "a=setup:passive\r\n", "passive"),
            ("a=rtcp-mux\r\n", "", "rtcp-mux"),
            ("v=0\r\n", "v=x\r\n", "SDP"),
        ] {
            let text = offer_text();
            let changed = text.replace(from, to);
            assert_ne!(text, changed);
            let refusal = read(&changed).expect_err(said).to_string();
            assert!(refusal.contains(said), "{refusal} should speak of {said}");
        }
        assert!(read("").is_err());
        assert!(read(&"a=x\r\n".repeat(OFFER_BYTES_MAX)).is_err());
    }
}
