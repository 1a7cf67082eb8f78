//! Session descriptions, good and broken, each with a name for what is wrong with it.

use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::client::Offered;

/// The longest offer, in bytes.
pub const SDP_MAX: usize = 60 * 1024;

/// A good offer, as text.
pub fn good() -> String {
    Offered::new("user", 4, 2).sdp
}

fn lines(sdp: &str) -> Vec<&str> {
    sdp.split_inclusive("\r\n").collect()
}

/// Cut at every line and in the middle of each, every line left out, twice, and last.
pub fn by_line(good: &str) -> Vec<(String, String)> {
    let lines = lines(good);
    let mut broken = Vec::new();
    let mut at = 0;
    for (place, line) in lines.iter().enumerate() {
        let named = |what: &str| format!("line {place} ({}) {what}", line.trim());
        broken.push((named("is the first that is missing"), good[..at].to_owned()));
        broken.push((named("is cut"), good[..at + line.len() / 2].to_owned()));
        at += line.len();
        let without = [&lines[..place], &lines[place + 1..]].concat();
        broken.push((named("is missing"), without.concat()));
        broken.push((named("comes last"), [without, vec![line]].concat().concat()));
        let twice = [&lines[..=place], &lines[place..]].concat();
        broken.push((named("stands twice"), twice.concat()));
        let thousand = [&lines[..place], &vec![*line; 300][..], &lines[place..]].concat();
        broken.push((named("stands 300 times"), thousand.concat()));
        let Some((key, value)) = line.trim().split_once(['=', ':']) else {
            continue;
        };
        let separator = &line[key.len()..=key.len()];
        for other in [
            "",
            " ",
            "-1",
            "18446744073709551616",
            "x",
            ":",
            "\u{fffd}\u{202e}",
            "a b c d e f",
            &value.repeat(20),
        ] {
            let changed = format!("{key}{separator}{other}\r\n");
            let sdp = [&lines[..place], &[changed.as_str()], &lines[place + 1..]].concat();
            let other: String = other.chars().take(30).collect();
            broken.push((named(&format!("says {other:?}")), sdp.concat()));
        }
    }
    broken
}

/// What nobody offers by accident.
pub fn by_idea(good: &str) -> Vec<(String, String)> {
    let session = good.split("m=").next().expect("a beginning");
    let section = &good[session.len()..];
    let section = &section[..section[2..].find("m=").expect("a second") + 2];
    let fingerprint = good
        .lines()
        .find(|line| line.starts_with("a=fingerprint"))
        .expect("one");
    let swap = |from: &str, to: &str| {
        let changed = good.replace(from, to);
        assert_ne!(changed, good, "{from} is there");
        changed
    };
    let numbered = |count: usize| -> String {
        let sections =
            (0..count).map(|place| section.replace("a=mid:mic", &format!("a=mid:{place}")));
        session.to_owned() + &sections.collect::<String>()
    };
    let mut ideas = vec![
        ("nothing", String::new()),
        ("a space", " ".to_owned()),
        ("a null", "\0".to_owned()),
        ("one line", "v=0\r\n".to_owned()),
        ("no section", session.to_owned()),
        ("no session", section.to_owned()),
        ("line feeds alone", good.replace("\r\n", "\n")),
        ("carriage returns alone", good.replace("\r\n", "\r")),
        ("no line ends", good.replace("\r\n", "")),
        ("empty lines", good.replace("\r\n", "\r\n\r\n")),
        ("capital letters", good.to_uppercase()),
        ("backwards", lines(good).into_iter().rev().collect()),
        ("60 KiB of one letter", "a".repeat(SDP_MAX)),
        ("60 KiB of lines", "a=x\r\n".repeat(SDP_MAX / 5)),
        ("60 KiB of sections", "m=a 0 b 0\r\n".repeat(SDP_MAX / 11)),
        (
            "60 KiB after a beginning",
            session.to_owned() + &"a=mid:0\r\n".repeat(6000),
        ),
        (
            "too long by a byte",
            good.to_owned() + &" ".repeat(SDP_MAX + 1 - good.len()),
        ),
        ("no BUNDLE", swap("a=group:BUNDLE mic cam\r\n", "")),
        (
            "a BUNDLE of nothing",
            swap("a=group:BUNDLE mic cam", "a=group:BUNDLE"),
        ),
        (
            "a BUNDLE of others",
            swap("a=group:BUNDLE mic cam", "a=group:BUNDLE x y z"),
        ),
        ("one mid for all", swap("a=mid:cam", "a=mid:mic")),
        (
            "a mid of 33 characters",
            swap("a=mid:cam", &format!("a=mid:{}", "m".repeat(33))),
        ),
        ("a mid with spaces", swap("a=mid:cam", "a=mid:a b")),
        ("no user fragment", swap("a=ice-ufrag:user\r\n", "")),
        (
            "a short user fragment",
            swap("a=ice-ufrag:user", "a=ice-ufrag:u"),
        ),
        (
            "a long user fragment",
            swap(
                "a=ice-ufrag:user",
                &format!("a=ice-ufrag:{}", "u".repeat(257)),
            ),
        ),
        (
            "odd characters in it",
            swap("a=ice-ufrag:user", "a=ice-ufrag:u:s\u{e9}r"),
        ),
        (
            "no password",
            swap(&format!("a=ice-pwd:{}\r\n", "p".repeat(24)), ""),
        ),
        ("no fingerprint", swap(&format!("{fingerprint}\r\n"), "")),
        (
            "a fingerprint of letters",
            swap(fingerprint, "a=fingerprint:sha-256 zz:zz"),
        ),
        (
            "a fingerprint without a hash",
            swap(fingerprint, "a=fingerprint:00:11"),
        ),
        ("a fingerprint of SHA-1", swap("sha-256", "sha-1")),
        ("a fingerprint of no hash", swap("sha-256", "sha-9999")),
        (
            "a short fingerprint",
            swap(fingerprint, &fingerprint[..fingerprint.len() - 3]),
        ),
        (
            "a long fingerprint",
            swap(fingerprint, &format!("{fingerprint}:00")),
        ),
        (
            "a fingerprint with signs",
            swap(
                fingerprint,
                &format!("a=fingerprint:sha-256 {}", ["+1"; 32].join(":")),
            ),
        ),
        (
            "a fingerprint of wide digits",
            swap(fingerprint, "a=fingerprint:sha-256 \u{ff10}\u{ff11}"),
        ),
        ("passive", swap("a=setup:actpass", "a=setup:passive")),
        ("held", swap("a=setup:actpass", "a=setup:holdconn")),
        ("no rtcp-mux", swap("a=rtcp-mux\r\n", "")),
        ("no codecs", swap("opus/48000/2", "pcmu/8000")),
        ("no formats", swap("SAVPF 111", "SAVPF")),
        (
            "a format beyond all",
            swap("SAVPF 111", "SAVPF 99999999999999999999"),
        ),
        ("a payload type of 200", good.replace("111", "200")),
        ("rtx of itself", swap("apt=96", "apt=97")),
        ("an old transport", swap("UDP/TLS/RTP/SAVPF", "RTP/AVP")),
        ("no transport", swap("UDP/TLS/RTP/SAVPF", "")),
        ("port 0", swap(" 9 UDP", " 0 UDP")),
        ("port 70000", swap(" 9 UDP", " 70000 UDP")),
        ("a range of ports", swap(" 9 UDP", " 9/4294967296 UDP")),
        ("another kind", swap("m=audio", "m=application")),
        ("no kind", swap("m=audio", "m=")),
        ("bad extmaps", good.replace("a=extmap:1 ", "a=extmap:0 ")),
        (
            "an extmap beyond all",
            good.replace("a=extmap:1 ", "a=extmap:999999999999 "),
        ),
        (
            "an extmap of a word",
            good.replace("a=extmap:1 ", "a=extmap:x/y/z "),
        ),
        (
            "one id for all extmaps",
            swap(
                "a=rtcp-mux\r\n",
                "a=rtcp-mux\r\na=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
            ),
        ),
        (
            "bad rids",
            swap(
                "a=rtcp-mux\r\n",
                "a=rtcp-mux\r\na=rid:\r\na=rid:h\r\na=rid:h send x;y\r\na=rid:h send\r\na=simulcast:send h;~h;,,\r\na=simulcast:x\r\n",
            ),
        ),
        (
            "an SSRC beyond all",
            good.replace("a=ssrc:1001", "a=ssrc:99999999999"),
        ),
        ("an SSRC of a word", good.replace("a=ssrc:1001", "a=ssrc:x")),
        (
            "one SSRC for all",
            good.replace("a=ssrc:2001", "a=ssrc:1001"),
        ),
        ("times of day", swap("t=0 0", "t=99999999999999999999 -1")),
        (
            "repetitions",
            swap(
                "t=0 0\r\n",
                "t=0 0\r\nr=7d 1h 0 25h\r\nr=d h m s\r\nz=0 -1h 1d 9999999999999999999h\r\n",
            ),
        ),
        (
            "bandwidths",
            swap("t=0 0\r\n", "b=AS:99999999999999999999\r\nb=:\r\nt=0 0\r\n"),
        ),
        (
            "an origin of nothing",
            swap("o=- 1 2 IN IP4 127.0.0.1", "o="),
        ),
        (
            "an origin beyond all",
            swap("o=- 1 2", "o=- 99999999999999999999999 -2"),
        ),
        ("another version", swap("v=0", "v=1")),
        (
            "addresses",
            good.replace("c=IN IP4 0.0.0.0", "c=IN IP6 ::ffff:999/300/999999999999"),
        ),
        ("64 sections", numbered(64)),
        ("65 sections", numbered(65)),
        ("170 sections", numbered(170)),
    ];
    for candidate in [
        "",
        "x",
        "1 1 udp",
        "1 1 udp 1 127.0.0.1 99999 typ host",
        "1 1 udp 1 ::1 1 typ host",
        "1 1 tcp 1 127.0.0.1 9 typ host tcptype active",
        "1 999 udp 99999999999999 x.local 1 typ host",
        "1 1 udp 1 0.0.0.0 1 typ srflx raddr rport",
        "1 1 udp 1 127.0.0.1 1 typ relay raddr x rport y",
        "1 1 udp 1 255.255.255.255 1 typ prflx",
        "1 1 udp 1 127.0.0.1 1 typ",
        "\u{fffd} 1 udp 1 1 1 typ host",
        "1 1 udp 1 127.0.0.1 1 typ host generation 0 ufrag x network-cost",
    ] {
        let all = format!("a=rtcp-mux\r\na=candidate:{candidate}\r\n");
        ideas.push(("a candidate", swap("a=rtcp-mux\r\n", &all)));
    }
    ideas
        .into_iter()
        .map(|(what, sdp)| (what.to_owned(), sdp))
        .collect()
}

/// A good offer with some characters changed.
pub fn by_chance(good: &str, count: usize) -> Vec<(String, String)> {
    let mut random = StdRng::seed_from_u64(11);
    let alphabet: Vec<char> = "\r\n =:/;0129azAZ-\0\u{7f}\u{e9}\u{1f600}"
        .chars()
        .collect();
    (0..count)
        .map(|number| {
            let mut characters: Vec<char> = good.chars().collect();
            for _ in 0..random.random_range(1..20) {
                let place = random.random_range(0..characters.len());
                match random.random_range(0..3) {
                    0 => characters[place] = alphabet[random.random_range(0..alphabet.len())],
                    1 => {
                        characters.remove(place);
                    }
                    _ => characters.insert(place, alphabet[random.random_range(0..alphabet.len())]),
                }
            }
            (format!("chance {number}"), characters.into_iter().collect())
        })
        .collect()
}
