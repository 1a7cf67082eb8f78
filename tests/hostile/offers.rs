//! Broken session descriptions of every kind: each is answered, by `ok` or by name; the connection
//! stays, and the next good offer works.

use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use roundtable::media::shard::srtp::Profile;
use serde_json::{Value, json};

use crate::{
    caller::{Caller, offer_fields},
    descriptions::{SDP_MAX, by_chance, by_idea, by_line, good},
    house::House,
    line::{Line, Refused, code},
    pair::Pair,
};

/// Offers without a limit of their rate, which is tried elsewhere, and with frames that hold the
/// longest whatever their letters are in JSON.
const UNHURRIED: [(&str, &str); 3] = [
    ("SIGNALLING__REQUESTS_PER_S", "100000"),
    ("SIGNALLING__REQUESTS_BURST", "100000"),
    ("SIGNALLING__FRAME_BYTES_MAX", "1000000"),
];

/// An answer may take so long: the thread that reads offers is the one that forwards media.
const ANSWERED_WITHIN: Duration = Duration::from_millis(250);

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
