//! Too many of everything: connections, devices, half-made media paths; and clients who never read.

use std::{
    io::Write,
    net::TcpStream,
    os::fd::AsRawFd,
    time::{Duration, Instant},
};

use roundtable::media::shard::srtp::Profile;
use serde_json::json;

use crate::{
    caller::{Caller, offer_fields},
    client::Offered,
    house::{House, SESSION},
    line::{Ended, Line, code},
    pair::{Pair, wait},
};

fn ended(goodbye: &str, close: u16) -> Ended {
    Ended {
        goodbye: Some(goodbye.to_owned()),
        close: Some(close),
    }
}

/// What there is once the server, which may be busy, has come so far.
fn in_time<T>(what: &str, attempt: impl Fn() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(Instant::now() < end, "not within 5 s: {what}");
        wait(Duration::from_millis(50));
    }
}

#[test]
fn more_connections_than_an_address_may_have_are_told_so() {
    let house = House::open(&[("SIGNALLING__CONNECTIONS_PER_ADDRESS_MAX", "12")]);
    let pair = Pair::seat(&house);
    house.endures("connections of one address", || {
        pair.undisturbed("connections of one address", || {
            // The pair has two of the twelve.
            let mut open: Vec<Line> = (0..10).map(|_| Line::open(&house)).collect();
            for _ in 0..40 {
                assert_eq!(Line::open(&house).ended(), ended("full", 1013));
            }
            for line in &mut open {
                let early = line.ask("session.snapshot", json!({}));
                assert_eq!(code(&early), "not_ready", "those before are kept");
            }
        });
        // Who goes makes room.
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            let mut line = Line::open(&house);
            if line.take_in() && line.ask_or_end("session.snapshot", json!({})).is_some() {
                break;
            }
            assert!(Instant::now() < end, "no room was made");
            wait(Duration::from_millis(50));
        }
    });
}

#[test]
fn more_tcp_connections_than_an_address_may_have_are_closed_at_once() {
    let house = House::open(&[("HTTP__CONNECTIONS_PER_ADDRESS_MAX", "20")]);
    let pair = Pair::seat(&house);
    house.endures("TCP connections", || {
        pair.undisturbed("TCP connections", || {
            let open: Vec<TcpStream> = (0..60)
                .filter_map(|_| TcpStream::connect(&house.address).ok())
                .collect();
            // Half a request each, and nothing more.
            for mut stream in &open {
                let _closed = stream.write_all(b"GET /ws HTTP/1.1\r\nHost: x\r\nX:");
            }
            in_time("there is no place left", || Line::try_open(&house).err());
        });
        let mut line = in_time("there is place again", || Line::try_open(&house).ok());
        let early = line.ask("session.snapshot", json!({}));
        assert_eq!(code(&early), "not_ready");
    });
}

#[test]
fn a_member_s_newest_connections_replace_the_oldest() {
    let house = House::open(&[]);
    let pair = Pair::seat(&house);
    let member = &house.members("delegate")[0];
    house.endures("devices of one member", || {
        pair.undisturbed("devices of one member", || {
            // Four may have said hello; each further one ends the oldest.
            let mut greeted: Vec<Line> = (0..20).map(|_| Line::greet(&house, member)).collect();
            for line in &mut greeted[..16] {
                assert_eq!(line.ended(), ended("replaced", 4002));
            }
            // One may be in the room: the newest.
            let mut joined = greeted.pop().expect("twenty");
            let mut older = greeted.pop().expect("nineteen");
            let session = json!({"session": SESSION});
            older.ask("session.join", session.clone()).expect("open");
            joined.ask("session.join", session).expect("open");
            assert_eq!(older.ended(), ended("replaced", 4002));
            joined
                .ask("session.snapshot", json!({}))
                .expect("in the room");
        });
    });
}

#[test]
fn who_says_nothing_is_not_waited_for() {
    let house = House::open(&[("SIGNALLING__HELLO_MS", "300")]);
    let pair = Pair::seat(&house);
    pair.undisturbed("silence", || {
        let mut silent: Vec<Line> = (0..20).map(|_| Line::open(&house)).collect();
        for line in &mut silent {
            assert_eq!(line.ended(), ended("protocol", 1008));
        }
    });
    house.is_unharmed("silence");
}

#[test]
fn a_client_that_never_reads_loses_its_connection_and_nobody_waits_for_it() {
    let house = House::open(&[
        ("ROOM__OUTBOX_MAX", "16"),
        ("ROOM__RESUME_EVENTS_MAX", "8"),
        ("SIGNALLING__PING_MS", "300"),
        ("SIGNALLING__DEAD_MS", "1500"),
        ("SIGNALLING__REQUESTS_PER_S", "100000"),
        ("SIGNALLING__REQUESTS_BURST", "100000"),
    ]);
    let pair = Pair::seat(&house);
    let delegates = house.members("delegate");
    let mut busy = Line::join(&house, &delegates[0]);
    house.endures("clients that never read", || {
        pair.undisturbed("clients that never read", || {
            let mut deaf: Vec<Line> = delegates[1..11]
                .iter()
                .map(|member| {
                    let mut line = Line::join(&house, member);
                    narrow(line.stream());
                    line
                })
                .collect();
            // They ask on and on, and listen to nothing.
            for line in &mut deaf {
                line.stream()
                    .set_write_timeout(Some(Duration::from_millis(20)))
                    .expect("an option");
                for id in 0..2000 {
                    let request = json!({"id": id, "type": "session.snapshot"});
                    let message = request.to_string().into();
                    if line.send(message).is_err() {
                        break;
                    }
                }
            }
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_secs(2) {
                let asked = Instant::now();
                for kind in ["floor.request", "floor.yield"] {
                    busy.ask(kind, json!({})).expect("the floor and back");
                }
                assert!(asked.elapsed() < Duration::from_secs(1), "the room waits");
                busy.told.clear();
                wait(Duration::from_millis(20));
            }
        });
    });
    // In the room are the pair, who asks, and whoever is still in the grace; the deaf are not
    // connected any more: their seats are free at once.
    for member in &delegates[1..11] {
        let mut line = Line::join(&house, member);
        line.ask("session.leave", json!({})).expect("in the room");
    }
}

/// The smallest window that there is.
pub fn narrow(stream: &TcpStream) {
    let least: i32 = 2048;
    // SAFETY: the option's value is an int, which is here.
    unsafe {
        libc::setsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_RCVBUF,
            (&raw const least).cast(),
            size_of::<i32>() as u32,
        );
    }
}

#[test]
fn half_made_media_paths_are_bounded_a_member_and_released() {
    // The pair and ten more paths.
    let house = House::open(&[
        ("MEDIA__SHARD__PEERS_MAX", "12"),
        ("SIGNALLING__REQUESTS_PER_S", "100000"),
        ("SIGNALLING__REQUESTS_BURST", "100000"),
    ]);
    let pair = Pair::seat(&house);
    let delegates = house.members("delegate");
    let mut lines: Vec<Line> = delegates[..5]
        .iter()
        .map(|member| Line::join(&house, member))
        .collect();
    house.endures("offers that nobody follows", || {
        pair.undisturbed("offers that nobody follows", || {
            for number in 0..100 {
                for line in &mut lines {
                    // Slots as many as there may be, which is what costs memory.
                    let offered = Offered::new(&format!("user{number}"), 4, 36);
                    let answer = line.ask("media.offer", offer_fields(&offered.sdp));
                    assert_eq!(code(&answer), "ok", "offer {number}");
                }
            }
        });
    });
    // A working path is kept while its successors come to nothing: two a member, and no more.
    let last = lines.pop().expect("five");
    let mut caller = Caller::offer(last, &delegates[4], Profile::AeadAes128Gcm, (2, 2));
    caller.connect();
    for number in 0..100 {
        let offered = Offered::new(&format!("next{number}"), 1, 1);
        let answer = caller.line.ask("media.offer", offer_fields(&offered.sdp));
        assert_eq!(code(&answer), "ok", "offer {number}");
        caller.live();
    }
    let end = Instant::now() + Duration::from_secs(5);
    caller.client.received.clear();
    while caller.client.received.is_empty() {
        assert!(Instant::now() < end, "the working path has ended");
        wait(Duration::from_millis(5));
        caller.live();
    }
    // Eight are taken: the pair's two, four half-made ones, the working one and its successor.
    let mut more: Vec<Line> = delegates[5..9]
        .iter()
        .map(|member| Line::join(&house, member))
        .collect();
    for line in &mut more {
        let offered = Offered::new("more", 1, 1);
        line.ask("media.offer", offer_fields(&offered.sdp))
            .expect("room for twelve");
    }
    let mut one_more = Line::join(&house, &delegates[9]);
    let offered = Offered::new("last", 1, 1);
    let answer = one_more.ask("media.offer", offer_fields(&offered.sdp));
    assert_eq!(code(&answer), "full");
    // Who leaves makes room.
    more[0]
        .ask("session.leave", json!({}))
        .expect("in the room");
    one_more
        .ask("media.offer", offer_fields(&offered.sdp))
        .expect("room again");
    house.is_unharmed("half-made paths");
}
