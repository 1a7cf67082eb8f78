//! Publishers and players: who takes whose place, what each is told, what ends it.

use super::{
    tests::{Script, grant, line},
    *,
};
use crate::{
    media::{Kin, Notice, OfferRefusal, Restarted, Sending, Source},
    room::{
        Purpose,
        fixture::{live_room, member, poll_stored},
    },
};

/// Connections and peers of calls are numbered from here, so that a script's own stay apart.
const FIRST: u64 = 100;

fn call(script: &mut Script, number: u64, slug: &str, purpose: Purpose) -> Vec<String> {
    let sending = match purpose {
        Purpose::Publish => vec![Sending {
            mid: "0".to_owned(),
            source: Source::Microphone,
        }],
        Purpose::Play => Vec::new(),
    };
    script.room.handle_call(
        script.now,
        ConnectionId(number),
        (member(slug), purpose),
        PeerId(number),
        "v=0".to_owned(),
        sending,
    );
    script.out()
}

fn called(script: &mut Script, number: u64, slug: &str, purpose: Purpose) -> Vec<String> {
    let [offered] = &call(script, number, slug, purpose)[..] else {
        panic!("{slug} may call");
    };
    assert_eq!(*offered, format!("offer p{number}"));
    script.answered(PeerId(number))
}

fn connected(script: &mut Script, number: u64) -> Vec<String> {
    script.notice(Notice::Connected {
        peer: PeerId(number),
    })
}

fn leave(script: &mut Script, number: u64) -> Vec<String> {
    script.room.handle_leave(script.now, ConnectionId(number));
    script.out()
}

#[test]
fn a_publisher_is_the_member_and_is_told_nothing() {
    let mut script = Script::new();
    let (chair, _) = script.join("chair-1");
    assert_eq!(
        called(&mut script, FIRST, "indonesia-1", Purpose::Publish),
        ["c1 < 2>3 member.joined", "c100 < sdp", "show p100",]
    );
    assert_eq!(connected(&mut script, FIRST), [""; 0]);
    assert_eq!(
        script.command(chair, grant("indonesia-1", 0)),
        [
            "prominence p100",
            "c1 < 3>4 floor.granted",
            "c1 < ok",
            "hear p100 floor"
        ]
    );
    assert_eq!(
        leave(&mut script, FIRST),
        [
            "close p100",
            "prominence",
            "c1 < 4>5 floor.ended",
            "c1 < 5>6 member.left",
            "c100 < ok",
            "c100 released"
        ]
    );
}

#[test]
fn a_page_gives_way_to_a_publisher_only_when_it_can_be_answered() {
    let mut script = Script::new();
    let (_page, _) = script.join_with_media("indonesia-1");
    assert_eq!(
        call(&mut script, FIRST, "indonesia-1", Purpose::Publish),
        ["offer p100"]
    );
    let answer = Err(OfferRefusal::Full);
    let peer = PeerId(FIRST);
    assert_eq!(
        script.notice(Notice::Answered { peer, answer }),
        [
            "c100 < no: this server takes no more members on this session",
            "c100 released"
        ]
    );
    assert_eq!(
        called(&mut script, 101, "indonesia-1", Purpose::Publish),
        ["c1 closed: Replaced", "c101 < sdp"]
    );
    assert_eq!(
        connected(&mut script, 101),
        ["close p1", "show p101"],
        "the page's media is kept until then"
    );
    // A page that comes back is newer again.
    let (_, told) = script.join("indonesia-1");
    assert_eq!(told[0], "c101 closed: Replaced");
}

#[test]
fn a_publisher_whose_media_is_lost_has_the_grace_to_come_back() {
    let mut script = Script::new();
    script.join("chair-1");
    called(&mut script, FIRST, "indonesia-1", Purpose::Publish);
    connected(&mut script, FIRST);
    let lost = script.notice(Notice::Lost {
        peer: PeerId(FIRST),
    });
    assert!(lost.contains(&"c100 released".to_owned()), "{lost:?}");
    assert!(
        lost.contains(&"c1 < 3>4 member.lost".to_owned()),
        "{lost:?}"
    );
    let back = called(&mut script, 101, "indonesia-1", Purpose::Publish);
    assert!(
        back.contains(&"c1 < 4>5 member.back".to_owned()),
        "{back:?}"
    );
    let left = leave(&mut script, 101);
    assert!(
        left.contains(&"c1 < 5>6 member.left".to_owned()),
        "{left:?}"
    );
}

#[test]
fn players_are_nobodys_presence_and_counted() {
    let mut script = Script::new();
    let (page, _) = script.join("indonesia-1");
    for number in FIRST..FIRST + 3 {
        assert_eq!(
            called(&mut script, number, "indonesia-1", Purpose::Play),
            [format!("c{number} < sdp")]
        );
    }
    assert_eq!(
        call(&mut script, 103, "indonesia-1", Purpose::Play),
        [
            "c103 < no: you play this session 3 times already: end one of them first",
            "c103 released"
        ]
    );
    // The page goes, they play on; one ends and makes room.
    script.room.handle_leave(script.now, page);
    script.out();
    let ended = ["close p100", "c100 < ok", "c100 released"];
    assert_eq!(leave(&mut script, FIRST), ended);
    let lost = Notice::Lost { peer: PeerId(101) };
    assert_eq!(script.notice(lost), ["close p101", "c101 released"]);
    script.room.handle_disconnect(script.now, ConnectionId(102));
    assert_eq!(script.out(), ["close p102"]);
    assert_eq!(
        call(&mut script, 104, "indonesia-1", Purpose::Play),
        ["offer p104"]
    );
}

#[test]
fn players_end_with_their_member_and_with_the_session() {
    let mut script = Script::new();
    let (chair, _) = script.join("chair-1");
    script.join("indonesia-1");
    called(&mut script, FIRST, "indonesia-1", Purpose::Play);
    called(&mut script, 101, "malaysia-1", Purpose::Play);
    let remove = Command::RemoveMember {
        member: member("indonesia-1"),
        ban: true,
    };
    let removed = script.command(chair, remove);
    assert!(removed.contains(&"close p100".to_owned()), "{removed:?}");
    assert!(removed.contains(&"c100 closed: Removed".to_owned()));
    let again = call(&mut script, 102, "indonesia-1", Purpose::Play);
    assert_eq!(again, ["c102 < no: removed", "c102 released"]);
    let closed = script.command(chair, Command::CloseSession { force: true });
    assert!(closed.contains(&"close p101".to_owned()), "{closed:?}");
    assert!(closed.contains(&"c101 released".to_owned()), "{closed:?}");
    let late = call(&mut script, 103, "chair-1", Purpose::Play);
    assert_eq!(late, ["c103 < no: not_open", "c103 released"]);
}

#[test]
fn candidates_and_restarts_reach_the_calls_own_peer() {
    let mut script = Script::new();
    script.join_with_media("indonesia-1");
    for (number, purpose) in [(FIRST, Purpose::Play), (101, Purpose::Publish)] {
        called(&mut script, number, "indonesia-1", purpose);
        connected(&mut script, number);
        let connection = ConnectionId(number);
        script.room.handle_candidate(connection, "a".to_owned());
        let sent = [format!("candidate p{number} a"), format!("c{number} < ok")];
        assert_eq!(script.out(), sent);
        script
            .room
            .handle_restart(connection, "ufrag".to_owned(), "pwd".to_owned());
        assert_eq!(script.out(), [format!("restart p{number} ufrag")]);
        let restarted = Ok(Restarted {
            ufrag: "ours".to_owned(),
            pwd: String::new(),
            candidates: Vec::new(),
        });
        let peer = PeerId(number);
        assert_eq!(
            script.notice(Notice::Restarted { peer, restarted }),
            [format!("c{number} < restarted ours")]
        );
    }
}

#[test]
fn a_call_that_media_does_not_answer_is_given_up() {
    let mut script = Script::new();
    for (number, purpose) in [(FIRST, Purpose::Play), (101, Purpose::Publish)] {
        call(&mut script, number, "indonesia-1", purpose);
        let answer_ms = Settings::default().answer_ms;
        assert_eq!(script.pass(answer_ms.0 - 1), [""; 0]);
        assert_eq!(
            script.pass(1),
            [
                format!("c{number} < no: the media server has not answered: try again"),
                format!("close p{number}"),
                format!("c{number} released")
            ]
        );
        assert_eq!(script.answered(PeerId(number)), [""; 0], "too late");
    }
}

#[test]
fn all_that_is_one_members_has_one_kin() {
    let mut room = live_room("session-1", Settings::default());
    let mut kins = Vec::new();
    for (number, slug) in [(1, "indonesia-1"), (2, "malaysia-1"), (3, "indonesia-1")] {
        room.handle_call(
            crate::room::fixture::START,
            ConnectionId(number),
            (member(slug), Purpose::Play),
            PeerId(number),
            String::new(),
            Vec::new(),
        );
        match poll_stored(&mut room) {
            Some(Output::Order(Order::Offer { kin, .. })) => kins.push(kin),
            other => panic!("{:?}", other.map(|it| line(&it))),
        }
    }
    assert_eq!(kins, [Kin(0), Kin(1), Kin(0)]);
}
