//! What a room holds back until it is stored, and what becomes of those who are lost and come back.

use super::{
    tests::{Script, grant, line, stop},
    *,
};
use crate::{
    media::Notice,
    meeting::{event::PictureSource, queue::HandKind},
    room::fixture::{START, member},
    time::Millis,
};

/// What comes out while the disk has stored nothing more.
fn unstored(script: &mut Script) -> Vec<String> {
    std::iter::from_fn(|| script.room.poll_output())
        .map(|output| match output {
            Output::Append(entries) => {
                let revs: Vec<_> = entries.iter().map(|it| it.rev.0.to_string()).collect();
                format!("store {}", revs.join(" "))
            }
            other => line(&other),
        })
        .collect()
}

fn ask(script: &mut Script, connection: ConnectionId, command: &Command) -> Vec<String> {
    script.room.handle_command(script.now, connection, command);
    unstored(script)
}

fn stored(script: &mut Script, rev: u64) -> Vec<String> {
    script.room.handle_stored(Rev(rev));
    unstored(script)
}

fn rejoin(script: &mut Script, connection: u64, slug: &str, since: u64) -> Vec<String> {
    let connection = ConnectionId(connection);
    let since = Some(Rev(since));
    script
        .room
        .handle_join(script.now, connection, member(slug), None, since, None);
    script.out()
}

#[test]
fn nothing_is_told_and_no_microphone_opens_before_it_is_stored() {
    let mut script = Script::new();
    let (chair, _) = script.join_with_media("chair-1");
    let (delegate, _) = script.join_with_media("indonesia-1");
    assert_eq!(
        ask(&mut script, chair, &grant("indonesia-1", 0)),
        ["store 4", "prominence p2 p1"]
    );
    // What is asked meanwhile waits behind it, also where it changes nothing.
    script.room.handle_snapshot(script.now, delegate);
    assert_eq!(unstored(&mut script), [""; 0]);
    assert_eq!(stored(&mut script, 3), [""; 0]);
    assert_eq!(
        stored(&mut script, 4),
        [
            "c1 c2 < 3>4 floor.granted",
            "c1 < ok",
            "c2 < snapshot 4",
            "hear p2 floor"
        ]
    );
}

#[test]
fn a_microphone_is_closed_at_once_whatever_the_disk_does() {
    let mut script = Script::new();
    let (chair, _) = script.join_with_media("chair-1");
    script.join_with_media("indonesia-1");
    script.command(chair, grant("indonesia-1", 0));
    assert_eq!(
        ask(&mut script, chair, &stop("indonesia-1")),
        ["silence p2", "store 5", "prominence p1"]
    );
    assert_eq!(
        stored(&mut script, 5),
        ["c1 c2 < 4>5 floor.ended", "c1 < ok"]
    );
}

#[test]
fn a_grant_that_is_taken_back_before_it_is_stored_opens_nothing() {
    let mut script = Script::new();
    let (chair, _) = script.join_with_media("chair-1");
    script.join_with_media("indonesia-1");
    ask(&mut script, chair, &grant("indonesia-1", 0));
    ask(&mut script, chair, &stop("indonesia-1"));
    ask(&mut script, chair, &grant("indonesia-1", 1));
    let told = stored(&mut script, 5);
    assert_eq!(
        told,
        [
            "c1 c2 < 3>4 floor.granted",
            "c1 < ok",
            "c1 c2 < 4>5 floor.ended",
            "c1 < ok"
        ],
        "the first grant has been taken back, the second is not stored"
    );
    assert_eq!(
        stored(&mut script, 6).last().map(String::as_str),
        Some("hear p2 floor")
    );
}

#[test]
fn what_is_stored_opens_nothing_that_was_decided_after_it() {
    let mut script = Script::new();
    let (chair, _) = script.join_with_media("chair-1");
    script.join_with_media("indonesia-1");
    let (target, source) = (|| member("indonesia-1"), PictureSource::Camera);
    script.command(
        chair,
        Command::StopPicture {
            member: target(),
            source,
        },
    );
    let allow = Command::AllowPicture {
        member: target(),
        source,
    };
    ask(&mut script, chair, &allow);
    ask(&mut script, chair, &grant("indonesia-1", 0));
    let orders = |told: Vec<String>| -> Vec<String> {
        let order = |it: &String| !it.contains(" < ");
        told.into_iter().filter(order).collect()
    };
    assert_eq!(orders(stored(&mut script, 5)), [""; 0]);
    assert_eq!(orders(stored(&mut script, 6)), ["hear p2 floor", "show p2"]);
}

#[test]
fn what_is_to_be_given_does_not_wait_for_what_others_decide() {
    let mut script = Script::new();
    let (chair, _) = script.join_with_media("chair-1");
    script.join_with_media("indonesia-1");
    ask(&mut script, chair, &grant("indonesia-1", 0));
    ask(&mut script, chair, &Command::LockSession);
    let told = stored(&mut script, 4);
    assert!(told.contains(&"hear p2 floor".to_owned()), "{told:?}");
}

#[test]
fn a_conflict_is_told_after_what_it_conflicts_with() {
    let mut script = Script::new();
    let (chair, _) = script.join("chair-1");
    let (other, _) = script.join("chair-2");
    script.join("indonesia-1");
    script.command(chair, grant("indonesia-1", 0));
    let extend = Command::ExtendTurn {
        member: member("indonesia-1"),
        by_ms: Millis(120_000),
        from_ms: Some(Millis(300_000)),
    };
    ask(&mut script, chair, &extend);
    assert_eq!(ask(&mut script, other, &extend), [""; 0]);
    assert_eq!(
        stored(&mut script, 6),
        [
            "c1 c2 c3 < 5>6 floor.extended",
            "c1 < ok",
            "c2 < no: conflict"
        ]
    );
}

#[test]
fn what_was_missed_fits_into_a_connections_queue() {
    let settings = Settings::default();
    assert_eq!(settings.contradiction(), None);
    let tight = Settings {
        outbox_max: settings.resume_events_max * 2 - 1,
        ..settings
    };
    let why = tight.contradiction().expect("too few places");
    assert!(why.contains("outbox_max"), "{why}");
}

#[test]
fn a_room_takes_no_more_while_much_waits_for_the_disk() {
    let mut script = Script::new();
    let (chair, _) = script.join("chair-1");
    ask(&mut script, chair, &Command::PauseSession);
    let mut asked = 0;
    while script.room.is_ready() {
        ask(
            &mut script,
            chair,
            &Command::RequestFloor {
                kind: HandKind::Speech,
            },
        );
        asked += 1;
        assert!(asked <= UNSTORED_MAX);
    }
    stored(&mut script, 3);
    assert!(script.room.is_ready());
}

#[test]
fn who_comes_back_with_a_revision_gets_what_was_missed() {
    let mut script = Script::new();
    let (chair, _) = script.join_with_media("chair-1");
    let (delegate, peer) = script.join_with_media("indonesia-1");
    script.room.handle_disconnect(script.now, delegate);
    assert_eq!(script.out(), [""; 0], "media goes on: nobody notices");
    script.command(chair, Command::PauseSession);
    script.command(chair, Command::ResumeSession);
    assert_eq!(
        rejoin(&mut script, 3, "indonesia-1", 3),
        [
            "c3 < 3>4 session.paused",
            "c3 < 4>5 session.resumed",
            "c3 < resumed 5"
        ]
    );
    assert_eq!(
        rejoin(&mut script, 4, "indonesia-1", 5),
        ["c3 closed: Replaced", "c4 < resumed 5"]
    );
    // Nobody can have seen what has not happened.
    let ahead = rejoin(&mut script, 5, "indonesia-1", 6);
    assert_eq!(ahead, ["c4 closed: Replaced", "c5 < snapshot 5"]);
    let _kept = peer;
}

#[test]
fn who_comes_back_does_not_push_out_a_newer_device() {
    let mut script = Script::new();
    let mut join = |connection, since: Option<u64>, device| {
        let connection = ConnectionId(connection);
        script.room.handle_join(
            script.now,
            connection,
            member("indonesia-1"),
            None,
            since.map(Rev),
            Some(DeviceNumber(device)),
        );
        script.out()
    };
    join(1, None, 7);
    assert_eq!(
        join(2, Some(2), 7),
        ["c1 closed: Replaced", "c2 < resumed 2"]
    );
    let newer = join(3, None, 8);
    assert_eq!(newer, ["c2 closed: Replaced", "c3 < snapshot 2"]);
    let asleep = join(4, Some(2), 7);
    assert_eq!(
        asleep,
        [
            "c4 < no: you have joined from another window or device since",
            "c4 released"
        ]
    );
    let by_its_person = join(5, None, 7);
    assert_eq!(by_its_person, ["c3 closed: Replaced", "c5 < snapshot 2"]);
}

#[test]
fn who_has_missed_too_much_gets_the_state() {
    let mut script = Script::new();
    let max = script.room.settings.resume_events_max;
    let (chair, _) = script.join("chair-1");
    let (delegate, _) = script.join("indonesia-1");
    for _ in 0..max {
        script.command(
            delegate,
            Command::RequestFloor {
                kind: HandKind::Speech,
            },
        );
        script.command(delegate, Command::WithdrawHand { point: false });
    }
    let rev = script.room.rev().0;
    assert_eq!(script.room.recent.len(), max, "what is kept is bounded");
    script.room.handle_disconnect(script.now, chair);
    let rev = rev + u64::from(!script.out().is_empty());
    let most = u64::try_from(max).expect("small");
    let known = rejoin(&mut script, 3, "chair-1", rev - most + 1);
    assert!(known.iter().any(|it| it.starts_with("c3 < resumed")));
    let unknown = rejoin(&mut script, 4, "chair-1", rev - most - 1);
    assert!(unknown.iter().any(|it| it.starts_with("c4 < snapshot")));
}

#[test]
fn the_state_is_kept_from_time_to_time_once_it_is_stored() {
    let mut script = Script::new();
    script.room.settings.snapshot_events = 4;
    let (chair, _) = script.join("chair-1");
    assert_eq!(ask(&mut script, chair, &Command::PauseSession), ["store 3"]);
    ask(&mut script, chair, &Command::ResumeSession);
    ask(&mut script, chair, &Command::PauseSession);
    let early = stored(&mut script, 3);
    assert!(!early.iter().any(|it| it.starts_with("keep")), "{early:?}");
    let kept = stored(&mut script, 5);
    assert!(kept.contains(&"keep 4".to_owned()), "{kept:?}");
    ask(&mut script, chair, &Command::ResumeSession);
    assert!(
        !stored(&mut script, 6)
            .iter()
            .any(|it| it.starts_with("keep"))
    );
}

#[test]
fn a_member_is_lost_when_signalling_and_media_are_both_gone() {
    let mut script = Script::new();
    let (chair, _) = script.join_with_media("chair-1");
    let (delegate, peer) = script.join_with_media("indonesia-1");
    script.command(chair, grant("indonesia-1", 0));
    script.notice(Notice::AudioHeard { peer });
    script.room.handle_disconnect(script.now, delegate);
    assert_eq!(script.out(), [""; 0], "heard as before");
    assert_eq!(
        script.notice(Notice::Lost { peer }),
        ["silence p2", "c1 < 6>7 member.lost"]
    );
    script.pass(5_000);
    assert_eq!(
        rejoin(&mut script, 3, "indonesia-1", 6),
        [
            "c1 < 7>8 member.back",
            "c3 < 6>7 member.lost",
            "c3 < 7>8 member.back",
            "c3 < resumed 8",
            "hear p2 floor"
        ]
    );
    // Signalling stays: a lost media path alone loses nobody.
    assert_eq!(script.notice(Notice::Lost { peer }), ["c3 < lost"]);
    assert_eq!(script.pass(60_000), [""; 0]);
}

#[test]
fn who_comes_back_is_told_the_slots_of_media_that_still_works() {
    let mut script = Script::new();
    let (delegate, peer) = script.join_with_media("indonesia-1");
    let slots = Vec::new();
    script.notice(Notice::Slots { peer, slots });
    script.room.handle_disconnect(script.now, delegate);
    assert_eq!(
        rejoin(&mut script, 2, "indonesia-1", 2),
        ["c2 < resumed 2", "c2 < slots"]
    );
    script.notice(Notice::Lost { peer });
    script.room.handle_disconnect(script.now, ConnectionId(2));
    script.out();
    let back = rejoin(&mut script, 3, "indonesia-1", 2);
    assert!(!back.iter().any(|line| line.contains("slots")), "{back:?}");
}

#[test]
fn a_rebuilt_room_keeps_everybodys_place_for_the_grace() {
    let mut script = Script::new();
    let (chair, _) = script.join("chair-1");
    let (delegate, _) = script.join("indonesia-1");
    script.join("malaysia-1");
    script.command(
        delegate,
        Command::RequestFloor {
            kind: HandKind::Speech,
        },
    );
    script.command(chair, grant("malaysia-1", 0));
    let rev = script.room.rev().0;

    let now = START + Millis(5_000);
    let meeting = script.room.meeting.clone();
    script.room = Room::recover(meeting, Settings::default(), now, now);
    script.now = now;
    let store: Vec<_> = (rev + 1..=rev + 4).map(|rev| rev.to_string()).collect();
    let mut came = Vec::new();
    while let Some(output) = script.room.poll_output() {
        if let Output::Append(entries) = output {
            came.extend(entries.iter().map(|it| it.rev.0.to_string()));
            let last = entries.last().expect("no empty batch").rev;
            script.room.handle_stored(last);
        }
    }
    assert_eq!(came, store, "a clock held and three lost");
    let back = rejoin(&mut script, 9, "indonesia-1", rev);
    assert_eq!(back.last().map(String::as_str), Some("c9 < resumed 11"));
    assert!(
        script
            .room
            .meeting
            .floor()
            .hand(&member("indonesia-1"), false)
            .is_some()
    );
    // Who does not come back has gone, but for the speaker, whose hand is kept.
    script.pass(15_000);
    script.pass(45_000);
    let here = |script: &Script| script.room.meeting.present().cloned().collect::<Vec<_>>();
    assert_eq!(here(&script), ["indonesia-1", "malaysia-1"].map(member));
    script.pass(540_000);
    assert_eq!(here(&script), [member("indonesia-1")]);
}

#[test]
fn the_time_without_a_server_is_charged_to_nobody() {
    let mut script = Script::new();
    let (chair, _) = script.join_with_media("chair-1");
    let (_, peer) = script.join_with_media("indonesia-1");
    script.command(chair, grant("indonesia-1", 0));
    script.notice(Notice::AudioHeard { peer });

    let ended = script.now + Millis(5_000);
    let now = ended + Millis::from_secs(13 * 3600);
    let meeting = script.room.meeting.clone();
    // A clock that was set back: nothing happens later than now.
    let early = Room::recover(meeting.clone(), Settings::default(), now, ended);
    assert_eq!(early.meeting.latest(), ended);

    script.room = Room::recover(meeting, Settings::default(), ended, now);
    let mut at = Vec::new();
    while let Some(output) = script.room.poll_output() {
        if let Output::Append(entries) = output {
            at.extend(entries.iter().map(|it| it.at));
            let last = entries.last().expect("no empty batch").rev;
            script.room.handle_stored(last);
        }
    }
    assert_eq!(at, [ended; 3], "a clock held and two lost");
    let floor = script.room.meeting.floor();
    let turn = floor.turn_of(&member("indonesia-1")).expect("a turn");
    assert_eq!(turn.spent(now), Millis(5_000));
    assert_eq!(script.room.next_deadline(), Some(now + Millis(15_000)));
}
