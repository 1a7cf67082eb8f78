//! What somebody who looks at the room from outside is shown, and when.

use super::{
    tests::{Script, grant, line},
    *,
};
use crate::{
    media::{Measured, Notice, Over},
    room::{Look, LookId, Looked, fixture::member},
    time::Millis,
};

/// What comes out while the disk has stored nothing more: what was shown, and the rest as lines.
fn unstored(script: &mut Script) -> (Vec<(LookId, Looked)>, Vec<String>) {
    let (mut shown, mut rest) = (Vec::new(), Vec::new());
    while let Some(output) = script.room.poll_output() {
        match output {
            Output::Looked { by, looked } => shown.push((by, *looked)),
            Output::Append(_) => {}
            other => rest.push(line(&other)),
        }
    }
    (shown, rest)
}

fn look(script: &mut Script, by: u64, look: Look) -> (Vec<(LookId, Looked)>, Vec<String>) {
    script.room.handle_look(script.now, LookId(by), look);
    unstored(script)
}

fn measured(script: &mut Script) -> Vec<(LookId, Looked)> {
    let path = Measured {
        over: Some(Over::Tcp),
        ..Measured::default()
    };
    let paths = vec![(PeerId(1), path)];
    let notice = Notice::Measured { paths };
    script.room.handle_notice(script.now, notice);
    unstored(script).0
}

#[test]
fn several_who_look_at_the_paths_cost_one_question() {
    let mut script = Script::new();
    script.join_with_media("chair-1");
    let first = look(&mut script, 1, Look::Paths);
    assert_eq!(first, (Vec::new(), vec!["measure".to_owned()]));
    let second = look(&mut script, 2, Look::Paths);
    assert_eq!(second, (Vec::new(), Vec::new()));
    let shown = measured(&mut script);
    assert_eq!(shown.iter().map(|it| it.0.0).collect::<Vec<_>>(), [1, 2]);
    let (_, looked) = &shown[0];
    let here = &looked.present[0];
    assert_eq!(here.member, member("chair-1"));
    assert!(here.since.is_some());
    assert_eq!(here.path.over, Some(Over::Tcp));

    // A moment later the same is shown, and later it is asked again.
    let (shown, rest) = look(&mut script, 3, Look::Paths);
    assert_eq!((shown.len(), rest.len()), (1, 0));
    script.now = script.now + Millis::from_secs(2);
    let (shown, rest) = look(&mut script, 4, Look::Paths);
    assert_eq!((shown.len(), rest), (0, vec!["measure".to_owned()]));
    // A shard that does not answer is not waited for long.
    let due = script.room.next_deadline().expect("a deadline");
    assert_eq!(due, script.now + Millis(500));
    script.room.handle_timeout(due);
    assert_eq!(unstored(&mut script).0.len(), 1);
}

#[test]
fn a_room_without_media_asks_nobody() {
    let mut script = Script::new();
    let (shown, rest) = look(&mut script, 1, Look::Paths);
    assert_eq!((shown.len(), rest.len()), (1, 0));
    assert_eq!(shown[0].1.present, []);
}

#[test]
fn what_is_not_stored_is_not_shown() {
    let mut script = Script::new();
    let (chair, _) = script.join_with_media("chair-1");
    script.join_with_media("indonesia-1");
    let command = grant("indonesia-1", 0);
    script.room.handle_command(script.now, chair, &command);
    let rev = script.room.rev();
    unstored(&mut script);
    let (shown, _) = look(&mut script, 1, Look::State);
    assert_eq!(shown, []);
    script.room.handle_stored(rev);
    let (shown, _) = unstored(&mut script);
    assert_eq!(shown[0].1.snapshot.rev, rev);
    assert_eq!(shown[0].1.snapshot.turns.len(), 1);
}
