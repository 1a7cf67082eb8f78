//! Frames that are too long or none end the connection by their name; too many are slowed down, and
//! nobody else notices.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use crate::{
    house::House,
    line::{Ended, Line, code, outcome},
    pair::{Pair, wait},
};

/// The longest message, in bytes.
const FRAME_MAX: usize = 64 * 1024;

#[test]
fn frames_that_are_too_long_or_none_end_the_connection_by_their_name() {
    let house = House::open(&[]);
    let pair = Pair::seat(&house);
    let member = &house.members("delegate")[0];
    let too_long = Ended {
        goodbye: Some("frame_too_long".to_owned()),
        close: Some(1009),
    };
    let broken = Ended {
        goodbye: Some("protocol".to_owned()),
        close: Some(1008),
    };
    // The longest is read: an unknown field, not a frame.
    let longest = |length: usize| {
        let empty = json!({"id": 1, "type": ""}).to_string().len();
        json!({"id": 1, "type": "x".repeat(length - empty)}).to_string()
    };
    let mut line = Line::open(&house);
    line.say(&longest(FRAME_MAX));
    assert_eq!(code(&outcome(&line.answer())), "bad_request");

    house.endures("frames", || {
        pair.undisturbed("frames", || {
            for length in [FRAME_MAX + 1, 1 << 20] {
                for joined in [false, true] {
                    let mut line = if joined {
                        Line::join(&house, member)
                    } else {
                        Line::open(&house)
                    };
                    // The server does not wait for the end of it.
                    let _cut_off = line.send(Message::text(longest(length)));
                    assert_eq!(line.ended(), too_long, "{length} bytes");
                }
            }
            // Fragments that are short and too long together.
            let mut line = Line::open(&house);
            let fragment = |kind, last| {
                let frame = Frame::message(vec![b'x'; 1000], OpCode::Data(kind), last);
                Message::Frame(frame)
            };
            let mut sent = line.send(fragment(Data::Text, false));
            for _ in 0..80 {
                sent = sent.and_then(|()| line.send(fragment(Data::Continue, false)));
            }
            assert_eq!(line.ended(), too_long, "fragments: {sent:?}");
            // A header that promises more than there is memory in the world.
            let mut line = Line::open(&house);
            let header = [&[0x81, 0xff], &u64::MAX.to_be_bytes()[..], &[0; 4]].concat();
            line.stream().write_all(&header).expect("open");
            let ended = line.ended();
            assert!(ended == too_long || ended == broken, "{ended:?}");
            // What is no message.
            let mut line = Line::open(&house);
            line.send(Message::binary(vec![1, 2, 3])).expect("open");
            assert_eq!(line.ended(), broken, "binary");
            for bytes in [
                // A text of 2 bytes that are not UTF-8, masked with zeros.
                &[0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe][..],
                // Not masked.
                &[0x81, 0x02, b'{', b'}'],
                // Reserved bits, a reserved kind, a fragmented ping, a continuation of nothing.
                &[0xf1, 0x80, 0, 0, 0, 0],
                &[0x83, 0x80, 0, 0, 0, 0],
                &[0x09, 0x80, 0, 0, 0, 0],
                &[0x80, 0x80, 0, 0, 0, 0],
            ] {
                let mut line = Line::open(&house);
                line.stream().write_all(bytes).expect("open");
                assert_eq!(line.ended(), broken, "{bytes:x?}");
            }
        });
    });
}

#[test]
fn a_thousand_messages_a_second_are_too_fast_and_disturb_nobody() {
    let house = House::open(&[]);
    let pair = Pair::seat(&house);
    let delegates = house.members("delegate");
    let mut line = Line::join(&house, &delegates[0]);
    let mut other = Line::join(&house, &delegates[1]);
    let mut slowest = Duration::ZERO;
    let mut sent = 0_u64;
    house.endures("a thousand messages a second", || {
        pair.undisturbed("a thousand messages a second", || {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_secs(2) {
                for _ in 0..10 {
                    sent += 1;
                    line.say(&format!("{{\"id\":{sent},\"type\":\"session.snapshot\"}}"));
                }
                let asked = Instant::now();
                if sent.is_multiple_of(100) {
                    other
                        .ask("session.snapshot", json!({}))
                        .expect("in the room");
                    slowest = slowest.max(asked.elapsed());
                    wait(Duration::from_millis(50));
                }
                wait(Duration::from_millis(5));
                assert!(line.take_in(), "the connection stays");
            }
        });
    });
    println!("{sent} messages sent, another's request took {slowest:?} at most");
    assert!(
        slowest < Duration::from_secs(1),
        "another's request took {slowest:?}"
    );
    let answers: Vec<&Value> = line
        .told
        .iter()
        .filter(|told| told.get("id").is_some())
        .collect();
    let refused = answers.iter().filter(|answer| {
        let answered = outcome(answer);
        let code = code(&answered).to_owned();
        assert!(["ok", "too_fast"].contains(&code.as_str()), "{code}");
        code == "too_fast"
    });
    let refused = refused.count();
    println!("{} answered, {refused} of them too_fast", answers.len());
    assert!(refused > 0, "the rate is limited");
    let numbers: Vec<_> = answers.iter().map(|answer| answer["id"].as_u64()).collect();
    assert!(numbers.is_sorted(), "in the order of the requests");
    // What was answered is the allowed rate, whatever was sent: 100 at once, as many refused, and
    // 20 a second.
    assert!(answers.len() < 400, "{} answered", answers.len());
}

#[test]
fn a_flood_of_pings_and_of_empty_fragments_disturbs_nobody() {
    let house = House::open(&[]);
    let pair = Pair::seat(&house);
    let delegates = house.members("delegate");
    house.endures("pings and fragments", || {
        pair.undisturbed("pings and fragments", || {
            let mut line = Line::join(&house, &delegates[0]);
            for _ in 0..200 {
                // 100 pings in one write, each answered or overtaken by the next one's answer.
                let pings = [0x89, 0x80, 0, 0, 0, 0].repeat(100);
                line.stream().write_all(&pings).expect("open");
                assert!(line.take_in(), "the connection stays");
            }
            line.stream()
                .write_all(&[0x01, 0x80, 0, 0, 0, 0])
                .expect("open");
            for _ in 0..200 {
                let fragments = [0x00, 0x80, 0, 0, 0, 0].repeat(100);
                line.stream().write_all(&fragments).expect("open");
            }
            // The text's end makes it a message, and that is no request.
            line.stream()
                .write_all(&[0x80, 0x80, 0, 0, 0, 0])
                .expect("open");
            assert_eq!(code(&outcome(&line.answer())), "bad_request");
        });
    });
}
