//! Who waits in the lobby on which connection, and what chairs alone are told.

use super::{
    tests::{Script, grant},
    *,
};
use crate::{
    media::Notice,
    meeting::{agenda::ProfileChange, event::PictureSource, queue::HandKind, record::Addressee},
    room::fixture::member,
};

fn lobby(on: bool) -> Command {
    Command::ConfigureSession {
        change: ProfileChange {
            lobby: Some(on),
            ..ProfileChange::default()
        },
    }
}

fn admit(slug: &str) -> Command {
    Command::Admit {
        member: member(slug),
    }
}

/// A room with its lobby on, a chair and the observer in it.
fn with_lobby() -> (Script, ConnectionId, ConnectionId) {
    let mut script = Script::new();
    let (chair, _) = script.join_with_media("chair-1");
    let (observer, _) = script.join("observer-1");
    script.command(chair, lobby(true));
    (script, chair, observer)
}

#[test]
fn a_member_waits_until_a_chair_lets_it_in_and_only_chairs_are_told() {
    let (mut script, chair, _) = with_lobby();
    let rev = script.room.rev().0;
    let (_, waits) = script.join("indonesia-1");
    assert_eq!(
        waits,
        [
            format!("c1 < {rev}>{} lobby.entered", rev + 1),
            "c3 < lobby".to_owned()
        ]
    );
    let admitted = script.command(chair, admit("indonesia-1"));
    assert_eq!(
        admitted,
        [
            format!("c1 < {}>{} lobby.admitted", rev + 1, rev + 2),
            // The observer's last revision was the one before the lobby's events.
            format!("c2 < {rev}>{} member.joined", rev + 3),
            format!("c1 < {}>{} member.joined", rev + 2, rev + 3),
            format!("c3 < admitted {}", rev + 3),
            "c1 < ok".to_owned(),
        ]
    );
    // From here on all are told the same again.
    let told = script.command(chair, Command::PauseSession);
    assert_eq!(
        told,
        [
            format!("c1 c2 c3 < {}>{} session.paused", rev + 3, rev + 4),
            "state paused".to_owned(),
            "c1 < ok".to_owned()
        ]
    );
}

#[test]
fn who_is_refused_waits_no_longer_and_may_ask_again() {
    let (mut script, chair, _) = with_lobby();
    script.join("indonesia-1");
    let refused = script.command(
        chair,
        Command::Refuse {
            member: member("indonesia-1"),
        },
    );
    assert!(refused.contains(&"c3 dismissed".to_owned()), "{refused:?}");
    let (_, again) = script.join("indonesia-1");
    assert_eq!(again.last().map(String::as_str), Some("c4 < lobby"));
}

#[test]
fn who_goes_out_of_the_lobby_is_forgotten_there() {
    let (mut script, _, _) = with_lobby();
    let (waiting, _) = script.join("indonesia-1");
    script.room.handle_disconnect(script.now, waiting);
    let gone = script.out();
    assert!(gone.iter().any(|it| it.ends_with("lobby.left")), "{gone:?}");
    let (waiting, _) = script.join("indonesia-1");
    script.room.handle_leave(script.now, waiting);
    let gone = script.out();
    assert!(gone.iter().any(|it| it.ends_with("lobby.left")), "{gone:?}");
    assert!(gone.contains(&format!("c{} < ok", waiting.0)), "{gone:?}");
    // A newer window takes the older one's place there too.
    script.join("indonesia-1");
    let (_, newer) = script.join("indonesia-1");
    assert_eq!(newer, ["c5 closed: Replaced", "c6 < lobby"]);
}

#[test]
fn who_is_sent_back_waits_on_the_same_connection_without_media() {
    let mut script = Script::new();
    let (chair, _) = script.join_with_media("chair-1");
    let (delegate, peer) = script.join_with_media("indonesia-1");
    script.command(chair, grant("indonesia-1", 0));
    let sent = script.command(
        chair,
        Command::SendBack {
            member: member("indonesia-1"),
        },
    );
    assert!(sent.contains(&format!("close p{}", peer.0)), "{sent:?}");
    assert!(
        sent.contains(&format!("c{} < sent back", delegate.0)),
        "{sent:?}"
    );
    assert!(
        !script
            .room
            .meeting
            .present()
            .any(|it| *it == member("indonesia-1"))
    );
    script
        .room
        .handle_command(script.now, delegate, &Command::YieldFloor);
    assert!(script.out()[0].contains("no: "), "not in the room");
    let again = script.command(chair, admit("indonesia-1"));
    assert!(
        again.iter().any(|it| it.starts_with("c2 < admitted")),
        "{again:?}"
    );
    let raised = Command::RequestFloor {
        kind: HandKind::Speech,
    };
    assert!(
        script
            .command(delegate, raised)
            .contains(&"c2 < ok".to_owned())
    );
}

#[test]
fn the_chairs_chat_goes_to_chairs_and_who_comes_back_misses_none_of_its_own() {
    let mut script = Script::new();
    let (chair, _) = script.join_with_media("chair-1");
    let (delegate, _) = script.join_with_media("indonesia-1");
    let rev = script.room.rev().0;
    let say = |to| Command::Chat {
        to,
        text: "Hm.".to_owned(),
    };
    assert_eq!(
        script.command(delegate, say(Addressee::Chairs)),
        [
            format!("c1 < {rev}>{} chat.sent", rev + 1),
            "c2 < ok".to_owned()
        ]
    );
    script.command(chair, say(Addressee::Everybody));
    script.command(chair, say(Addressee::Chairs));
    let mut back = |connection: u64, slug: &str, since: u64| {
        let connection = ConnectionId(connection);
        let since = Some(Rev(since));
        script
            .room
            .handle_join(script.now, connection, member(slug), None, since, None);
        let out = script.out();
        out.into_iter()
            .filter(|it| it.contains('<'))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        back(3, "indonesia-1", rev),
        [
            format!("c3 < {rev}>{} chat.sent", rev + 2),
            format!("c3 < resumed {}", rev + 2)
        ]
    );
    // A snapshot is of a revision that its audience may not have been told of.
    let newest = back(4, "indonesia-1", rev + 3);
    assert_eq!(newest, [format!("c4 < resumed {}", rev + 2)]);
    let chairs = back(5, "chair-1", rev);
    assert_eq!(chairs.len(), 4, "{chairs:?}");
    assert_eq!(chairs[3], format!("c5 < resumed {}", rev + 3));
}

#[test]
fn a_program_does_not_wait_in_the_lobby() {
    let (mut script, _, _) = with_lobby();
    let publish = (member("indonesia-1"), crate::room::Purpose::Publish);
    script.room.handle_call(
        script.now,
        ConnectionId(9),
        publish,
        PeerId(9),
        "v=0".to_owned(),
        Vec::new(),
    );
    assert_eq!(script.out(), ["c9 < no: not_open", "c9 released"]);
}

#[test]
fn a_picture_that_a_chair_stops_is_hidden_at_once_and_shown_when_it_is_allowed() {
    let mut script = Script::new();
    let (chair, _) = script.join_with_media("chair-1");
    script.join_with_media("indonesia-1");
    let (member, source) = (member("indonesia-1"), PictureSource::Screen);
    let stopped = script.command(
        chair,
        Command::StopPicture {
            member: member.clone(),
            source,
        },
    );
    assert_eq!(stopped[0], "show camera p2");
    let allowed = script.command(chair, Command::AllowPicture { member, source });
    assert_eq!(allowed.last().map(String::as_str), Some("show p2"));
}

#[test]
fn who_was_queued_and_stays_away_keeps_the_hand_for_ten_minutes() {
    let mut script = Script::new();
    script.join_with_media("chair-1");
    let (delegate, peer) = script.join_with_media("indonesia-1");
    let raised = Command::RequestFloor {
        kind: HandKind::Speech,
    };
    script.command(delegate, raised);
    script.room.handle_disconnect(script.now, delegate);
    assert_eq!(script.pass(900_000), [""; 0], "media goes on");
    script.notice(Notice::Lost { peer });
    let gone = script.pass(60_000);
    assert!(
        gone.iter().any(|it| it.ends_with("member.gone")),
        "{gone:?}"
    );
    assert_eq!(script.room.meeting.floor().hands().len(), 1);
    let left = script.pass(540_000);
    assert!(
        left.iter().any(|it| it.ends_with("member.left")),
        "{left:?}"
    );
    assert!(script.room.meeting.floor().hands().is_empty());
}

#[test]
fn who_goes_over_to_another_session_goes_on_receiving_until_it_stands_there() {
    let mut script = Script::new();
    let (chair, _) = script.join_with_media("chair-1");
    let (delegate, peer) = script.join_with_media("indonesia-1");
    script.command(chair, grant("indonesia-1", 0));
    script.room.handle_move(script.now, delegate);
    let moved = script.out();
    assert_eq!(moved[..2], ["silence p2", "hide p2"]);
    assert!(
        moved.iter().any(|it| it.ends_with("member.left")),
        "{moved:?}"
    );
    assert!(!moved.contains(&"close p2".to_owned()), "{moved:?}");
    // Nothing that it says here counts any more.
    assert_eq!(script.notice(Notice::AudioHeard { peer }), [""; 0]);
    assert!(script.pass(4_999).is_empty());
    assert_eq!(script.pass(1), ["close p2"]);
    // Once a member, however often it comes and goes.
    for peer in [3, 4] {
        let (delegate, _) = script.join_with_media("indonesia-1");
        script.room.handle_move(script.now, delegate);
        let moved = script.out();
        let closed = format!("close p{}", peer - 1);
        assert_eq!(moved.contains(&closed), peer > 3, "{moved:?}");
    }
}
