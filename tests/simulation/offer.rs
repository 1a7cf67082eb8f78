//! What the model of a browser offers, and what it reads in the answer.

/// What it can do beyond the plainest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// Redundant sound (RFC 2198).
    pub red: bool,
    /// Three simulcast layers of the camera, named by rid, their SSRCs not declared.
    pub simulcast: bool,
    /// Retransmissions on a stream of their own (RFC 4588).
    pub rtx: bool,
    /// Transport-wide sequence numbers and feedback.
    pub transport_wide: bool,
}

impl Abilities {
    /// As Chromium.
    pub const ALL: Self = Self {
        red: true,
        simulcast: true,
        rtx: true,
        transport_wide: true,
    };
    /// As Chromium with a small camera, which sends one layer.
    pub const ONE_LAYER: Self = Self {
        simulcast: false,
        ..Self::ALL
    };
}

/// Names of the layers, the smallest first.
pub const RIDS: [&str; 3] = ["q", "h", "f"];
/// SSRC of the microphone.
pub const MICROPHONE: u32 = 1001;
/// SSRCs of the camera's layers and of their retransmissions.
pub const LAYERS: [(u32, u32); 3] = [(2001, 2002), (2003, 2004), (2005, 2006)];

pub const RED: u8 = 63;
pub const OPUS: u8 = 111;
pub const VP8: u8 = 96;
pub const RTX: u8 = 97;

/// Ids of header extensions.
pub const LEVEL: u8 = 1;
pub const TRANSPORT_SEQUENCE: u8 = 3;
pub const MID: u8 = 4;
pub const RID: u8 = 10;
pub const REPAIRED_RID: u8 = 11;

/// An offer with a microphone, a camera and so many slots under the transport lines of another.
pub fn offer(transport: &str, abilities: Abilities, slots: (usize, usize)) -> String {
    let mut mids = vec!["mic".to_owned(), "cam".to_owned()];
    mids.extend((0..slots.0).map(|slot| format!("a{slot}")));
    mids.extend((0..slots.1).map(|slot| format!("v{slot}")));
    let mut text = format!(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\n",
        mids.join(" ")
    );
    let mut section = |kind: &str, formats: &str, mid: &str, direction: &str, rest: &[&str]| {
        text.push_str(&format!(
            "m={kind} 9 UDP/TLS/RTP/SAVPF {formats}\r\na=mid:{mid}\r\na={direction}\r\n{transport}{}",
            rest.concat()
        ));
    };
    let wide = if abilities.transport_wide {
        "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
    } else {
        ""
    };
    let named = "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n";
    let (audio_formats, red) = if abilities.red {
        ("63 111", "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n")
    } else {
        ("111", "")
    };
    let sound = format!(
        "{wide}{named}a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n{red}\
         a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n"
    );
    let (video_formats, rtx) = if abilities.rtx {
        ("96 97", "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n")
    } else {
        ("96", "")
    };
    let picture = format!(
        "{wide}{named}a=extmap:12 https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension\r\n\
         a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n\
         a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n\
         a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 goog-remb\r\na=rtcp-fb:96 transport-cc\r\n\
         a=rtcp-fb:96 ccm fir\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n{rtx}a=rtcp-rsize\r\n"
    );
    let microphone = format!("a=ssrc:{MICROPHONE} cname:c\r\n");
    section(
        "audio",
        audio_formats,
        "mic",
        "sendonly",
        &[&sound, &microphone],
    );
    let (first, repair) = LAYERS[0];
    let camera = match (abilities.simulcast, abilities.rtx) {
        (true, _) => {
            let rids: String = RIDS.map(|rid| format!("a=rid:{rid} send\r\n")).concat();
            format!("{rids}a=simulcast:send {}\r\n", RIDS.join(";"))
        }
        (false, true) => format!(
            "a=ssrc-group:FID {first} {repair}\r\na=ssrc:{first} cname:c\r\na=ssrc:{repair} cname:c\r\n"
        ),
        (false, false) => format!("a=ssrc:{first} cname:c\r\n"),
    };
    section(
        "video",
        video_formats,
        "cam",
        "sendonly",
        &[&picture, &camera],
    );
    for mid in &mids[2..] {
        if mid.starts_with('a') {
            section("audio", audio_formats, mid, "recvonly", &[&sound]);
        } else {
            section("video", video_formats, mid, "recvonly", &[&picture]);
        }
    }
    text
}

/// The lines of a section of this offer that speak of the transport.
pub fn transport_lines(sdp: &str) -> String {
    let first = sdp.split("m=").nth(1).expect("a section");
    let wanted = ["c=", "a=ice-", "a=fingerprint", "a=setup", "a=rtcp-mux"];
    first
        .lines()
        .filter(|line| wanted.iter().any(|start| line.starts_with(start)))
        .map(|line| format!("{line}\r\n"))
        .collect()
}

/// What the answer says of one section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    /// Payload types, the one to send first.
    pub formats: Vec<u8>,
    /// Ids of the header extensions.
    pub extensions: Vec<u8>,
    /// Layers that are received.
    pub rids: Vec<String>,
}

impl Agreed {
    /// Of the section with this mid.
    pub fn read(answer: &str, mid: &str) -> Self {
        let section = answer
            .split("m=")
            .find(|section| section.contains(&format!("a=mid:{mid}\r\n")))
            .expect("the section is answered");
        let numbers = |prefix: &'static str| {
            section
                .lines()
                .filter_map(move |line| line.strip_prefix(prefix)?.split(' ').next()?.parse().ok())
        };
        let first = section.lines().next().unwrap_or_default();
        let rids = section
            .lines()
            .find_map(|line| line.strip_prefix("a=simulcast:recv "));
        Self {
            formats: first
                .split(' ')
                .skip(3)
                .filter_map(|format| format.parse().ok())
                .collect(),
            extensions: numbers("a=extmap:").collect(),
            rids: rids
                .map(|rids| rids.split(';').map(str::to_owned).collect())
                .unwrap_or_default(),
        }
    }

    /// Whether this extension was agreed on.
    pub fn has(&self, extension: u8) -> bool {
        self.extensions.contains(&extension)
    }
}
