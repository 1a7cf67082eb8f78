//! Broken session descriptions of every kind: each is answered, by `ok` or by name; the connection
//! stays, and the next good offer works.

use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use roundtable::media::shard::srtp::Profile;
use serde_json::{Value, json};

use crate::{
    caller::{Caller, offer_fields},
    client::Offered,
    house::House,
    line::{Line, Refused, code},
    pair::Pair,
};

/// The longest offer, in bytes.
const SDP_MAX: usize = 60 * 1024;

/// Offers without a limit of their rate, which is tried elsewhere, and with frames that hold the
/// longest whatever their letters are in JSON.
const UNHURRIED: [(&str, &str); 3] = [
    ("SIGNALLING__REQUESTS_PER_S", "100000"),
    ("SIGNALLING__REQUESTS_BURST", "100000"),
    ("SIGNALLING__FRAME_BYTES_MAX", "1000000"),
];

/// An answer may take so long: the thread that reads offers is the one that forwards media.
const ANSWERED_WITHIN: Duration = Duration::from_millis(250);

/// A good offer, as text.
fn good() -> String {
    Offered::new("user", 4, 2).sdp
}

fn lines(sdp: &str) -> Vec<&str> {
    sdp.split_inclusive("\r\n").collect()
}

/// Cut at every line and in the middle of each, every line left out, twice, and last.
fn by_line(good: &str) -> Vec<(String, String)> {
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
fn by_idea(good: &str) -> Vec<(String, String)> {
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
fn by_chance(good: &str, count: usize) -> Vec<(String, String)> {
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

/// Offers it, and looks whether the answer is one that may be.
fn offer(line: &mut Line, what: &str, sdp: &str) -> Result<Value, Refused> {
    let asked = Instant::now();
    let answer = line.ask("media.offer", offer_fields(sdp));
    let took = asked.elapsed();
    let allowed = ["ok", "bad_offer", "bad_request", "limit"];
    assert!(allowed.contains(&code(&answer)), "{what}: {answer:?}");
    assert!(took < ANSWERED_WITHIN, "{what}: answered after {took:?}");
    answer
}

#[test]
fn broken_offers_are_refused_by_name_and_the_next_good_one_works() {
    let house = House::open(&UNHURRIED);
    let pair = Pair::seat(&house);
    let member = &house.members("delegate")[0];
    let good = good();
    let mut line = Some(Line::join(&house, member));
    house.endures("broken offers", || {
        let mut its = line.take().expect("its line");
        pair.undisturbed("broken offers", || {
            let all = [by_line(&good), by_idea(&good), by_chance(&good, 400)].concat();
            let mut counted = std::collections::BTreeMap::new();
            for (what, sdp) in &all {
                let answer = offer(&mut its, what, sdp);
                *counted.entry(code(&answer).to_owned()).or_insert(0) += 1;
                // Each answered in its own right: the next one is not touched by it.
                if answer.is_err() {
                    its.ask("media.offer", offer_fields(&good))
                        .expect("a good offer");
                }
            }
            println!("{} offers: {counted:?}", all.len());
            assert!(
                counted["bad_offer"] > 100 && counted["ok"] > 100,
                "{counted:?}"
            );
        });
        let mut caller = Caller::offer(its, member, Profile::AeadAes128Gcm, (4, 2));
        caller.connect();
        line = Some(caller.line);
    });
}

#[test]
fn what_must_not_be_answered_is_refused() {
    let house = House::open(&UNHURRIED);
    let member = &house.members("delegate")[0];
    let mut line = Line::join(&house, member);
    let mut ideas = by_idea(&good()).into_iter();
    for (what, expected) in [
        ("nothing", "bad_offer"),
        ("no section", "bad_offer"),
        ("too long by a byte", "limit"),
        ("no BUNDLE", "bad_offer"),
        ("one mid for all", "bad_offer"),
        ("a mid of 33 characters", "bad_offer"),
        ("no user fragment", "bad_offer"),
        ("a short user fragment", "bad_offer"),
        ("no password", "bad_offer"),
        ("no fingerprint", "bad_offer"),
        ("a fingerprint of letters", "bad_offer"),
        ("a fingerprint of SHA-1", "bad_offer"),
        ("a short fingerprint", "bad_offer"),
        ("a long fingerprint", "bad_offer"),
        ("a fingerprint with signs", "bad_offer"),
        ("passive", "bad_offer"),
        ("no rtcp-mux", "bad_offer"),
        ("another version", "bad_offer"),
        ("65 sections", "bad_offer"),
    ] {
        let (_, sdp) = ideas.find(|(name, _)| name == what).expect(what);
        let answer = offer(&mut line, what, &sdp);
        assert_eq!(code(&answer), expected, "{what}: {answer:?}");
    }
    // What is refused of the request around it.
    let many = vec![json!({"mid": "0", "source": "camera"}); 9];
    let answer = line.ask("media.offer", json!({"sdp": good(), "sending": many}));
    assert_eq!(code(&answer), "limit");
    // Sections that are not there, the same one twice, sound as a picture: no track, no harm.
    for sending in [
        json!([{"mid": "none", "source": "camera"}]),
        json!([{"mid": "mic", "source": "camera"}, {"mid": "cam", "source": "microphone"}]),
        json!([{"mid": "cam", "source": "camera"}, {"mid": "cam", "source": "screen"}]),
        json!([{"mid": "", "source": "camera"}, {"mid": "a0", "source": "microphone"}]),
    ] {
        line.ask("media.offer", json!({"sdp": good(), "sending": sending}))
            .expect("an answer");
    }
    house.is_unharmed("offers");
}

#[test]
fn an_offer_of_thousands_of_lines_holds_up_nobody() {
    let house = House::open(&UNHURRIED);
    let pair = Pair::seat(&house);
    let member = &house.members("delegate")[0];
    let mut line = Line::join(&house, member);
    let good = good();
    let fill = |before: &str, line: &str| {
        let room = (SDP_MAX - good.len()) / line.len();
        good.replacen(before, &(before.to_owned() + &line.repeat(room)), 1)
    };
    let half = |one: &str, other: &str| {
        let room = (SDP_MAX - good.len()) / (one.len() + other.len());
        let lines = one.repeat(room) + &other.repeat(room);
        good.replacen(
            "a=rtpmap:96 VP8/90000\r\n",
            &("a=rtpmap:96 VP8/90000\r\n".to_owned() + &lines),
            1,
        )
    };
    let formats = {
        let room = (SDP_MAX - good.len()) / 2;
        let few = good.replacen(
            "SAVPF 111",
            &format!("SAVPF{} 111", " 1".repeat(room / 2)),
            1,
        );
        few.replacen(
            "a=rtpmap:111",
            &("a=rtpmap:1 opus/48000/2\r\n".repeat(room / 26) + "a=rtpmap:111"),
            1,
        )
    };
    let offers = [
        (
            "rtx without end",
            half("a=rtpmap:98 rtx/1\r\n", "a=fmtp:99 x\r\n"),
        ),
        ("formats without end", formats),
        ("extensions", fill("a=rtcp-mux\r\n", "a=extmap:1 x\r\n")),
        (
            "candidates",
            fill(
                "a=rtcp-mux\r\n",
                "a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n",
            ),
        ),
        ("attributes", fill("a=rtcp-mux\r\n", "a=x\r\n")),
        ("rids", fill("a=rtcp-mux\r\n", "a=rid:h send\r\n")),
    ];
    house.endures("offers of thousands of lines", || {
        pair.undisturbed("offers of thousands of lines", || {
            for (what, sdp) in &offers {
                assert!(
                    sdp.len() > SDP_MAX / 2 && sdp.len() <= SDP_MAX,
                    "{what}: {}",
                    sdp.len()
                );
                let begun = Instant::now();
                for _ in 0..5 {
                    let answer = offer(&mut line, what, sdp);
                    assert_eq!(code(&answer), "ok", "{what}: {answer:?}");
                }
                println!("{what}: {:?} an offer", begun.elapsed() / 5);
            }
        });
    });
}

#[test]
fn candidates_without_end_and_without_sense_are_refused_or_ignored() {
    let house = House::open(&UNHURRIED);
    let pair = Pair::seat(&house);
    let member = &house.members("delegate")[0];
    let mut line = Line::join(&house, member);
    let mut random = StdRng::seed_from_u64(12);
    house.endures("candidates", || {
        pair.undisturbed("candidates", || {
            line.ask("media.offer", offer_fields(&good()))
                .expect("a good offer");
            let long = format!(
                "candidate:1 1 udp 1 127.0.0.1 9 typ host {}",
                "x".repeat(1024)
            );
            let answer = line.ask("media.candidate", json!({"candidate": long}));
            assert_eq!(code(&answer), "limit");
            let words = [
                "1",
                "udp",
                "tcp",
                "127.0.0.1",
                "::",
                "typ",
                "host",
                "srflx",
                "raddr",
                "99999999999",
                "x.local",
                "",
                "\u{e9}",
                "-1",
            ];
            for number in 0..100 {
                let some = (0..random.random_range(0..12))
                    .map(|_| words[random.random_range(0..words.len())]);
                let text = format!("candidate:{}", some.collect::<Vec<_>>().join(" "));
                let answer = line.ask("media.candidate", json!({"candidate": text}));
                let expected = if number < 64 { "ok" } else { "limit" };
                assert_eq!(code(&answer), expected, "candidate {number}: {text}");
            }
            line.ask("media.candidate", json!({"candidate": null}))
                .expect("the end of them");
            line.ask("media.candidate", json!({"candidate": ""}))
                .expect("the end of them");
        });
    });
}
