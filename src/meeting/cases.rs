//! The specification's table of cases (section 4), row by row: who does what when, and what everybody
//! sees then. Each script is followed by the naive twin, which is what every client holds.
//!
//! The row of the second device is a matter of connections: `room::room::storing` and
//! `room::room::tests` show who is told what; here is what it means for hand and floor.

use crate::meeting::{agenda::FloorMode, script};

/// "A command carries the turn or revision that it was decided on; a stale one gets `conflict` with the
/// present state; a double press advances once."
#[test]
fn two_chairs_press_next_at_once() {
    script::live(FloorMode::Request, 1).check(
        "
        0   a request               -> requested a
        0   b request               -> requested b
        1   chair-1 next after=0    -> granted 1 a by chair-1
        1   chair-2 next after=0    -> no: conflict
        1   chair-1 next after=0    -> no: conflict
        1   ? queue                 -> b
        2   media heard a           -> confirmed 1 a; started 1 a
        9   chair-2 next after=1    -> ended 1 a stopped 7 by chair-2; granted 2 b by chair-2
        9   chair-1 grant a after=1 -> no: conflict
        9   ? heard                 -> b chair-1 chair-2 guest
        ",
    );
}

/// The same row, of what is not "next": one of two presses is done.
#[test]
fn two_chairs_extend_move_and_go_on_at_once() {
    script::live(FloorMode::Request, 1).check(
        "
        0   a request                 -> requested a
        0   b request                 -> requested b
        0   c request                 -> requested c
        0   d request                 -> requested d
        1   chair-1 next              -> granted 1 a by chair-1
        2   media heard a             -> confirmed 1 a; started 1 a
        3   chair-1 extend a 120 from 300 -> extended 1 a to 420 by chair-1
        3   chair-2 extend a 120 from 300 -> no: conflict
        3   chair-2 extend a 60 from 420  -> extended 1 a to 480 by chair-2
        4   chair-1 move d 2 from 3   -> moved d to 2 by chair-1; ordered b d c
        4   chair-2 move d 2 from 3   -> no: conflict
        4   chair-1 move d 1 from 2   -> moved d to 1 by chair-1; ordered d b c
        5   a yield                   -> ended 1 a finished 3
        6   chair-1 item recommendations after opening-remarks -> item recommendations by chair-1
        6   chair-2 item discussion after opening-remarks -> no: conflict
        6   ? item                    -> recommendations
        7   chair-2 item opening-remarks after recommendations -> item opening-remarks by chair-2
        ",
    );
}

/// "The hand keeps its place; skipped (not dropped) when its turn comes during 60 s of grace; dropped
/// after 10 min."
#[test]
fn connection_lost_while_queued() {
    script::live(FloorMode::Request, 1).check(
        "
        0   a request      -> requested a
        0   b request      -> requested b
        0   c request      -> requested c
        5   a lost         -> lost a
        5   b lost         -> lost b
        5   ? queue        -> a b c
        6   chair-1 next   -> granted 1 c by chair-1
        6   ? queue        -> a b
        6   chair-1 grant a -> no: not_now
        20  a back         -> back a
        21  chair-1 next   -> ended 1 c stopped 0 by chair-1; granted 2 a by chair-1
        65  b grace-ended  -> gone b
        65  b grace-ended  -> nothing
        65  ? queue        -> b
        66  chair-1 next   -> no: not_now
        300 b back         -> back b
        300 ? queue        -> b
        301 b lost         -> lost b
        361 b grace-ended  -> gone b
        361 chair-1 lower b -> withdrawn b by chair-1
        362 b back         -> back b
        363 b request      -> requested b
        364 b lost         -> lost b
        424 b grace-ended  -> gone b
        900 clock passed   -> missed 2 a, requeued
        964 clock passed   -> left b lost
        964 ? queue        -> a
        ",
    );
}

/// "Microphone shut, clock held, 15 s reserved; on return the floor is back without asking."
#[test]
fn connection_lost_while_speaking_and_back_in_time() {
    script::live(FloorMode::Request, 1).check(
        "
        0  a request       -> requested a
        0  chair-1 next    -> granted 1 a by chair-1
        1  media heard a   -> confirmed 1 a; started 1 a
        11 a lost          -> lost a
        11 ? heard         -> chair-1 chair-2 guest
        11 ? deadline      -> 26
        25 ? spent a       -> 10
        25.9 a back        -> back a
        25.9 ? heard       -> a chair-1 chair-2 guest
        27 ? spent a       -> 10
        28 media heard a   -> started 1 a
        30 a yield         -> ended 1 a finished 12
        ",
    );
}

/// "Otherwise the turn ends and the hand is offered once more."
#[test]
fn connection_lost_while_speaking_for_long() {
    script::live(FloorMode::Fifo, 1).check(
        "
        0  a request       -> requested a; granted 1 a
        1  media heard a   -> confirmed 1 a; started 1 a
        2  b request       -> requested b
        11 a lost          -> lost a
        26 clock passed    -> ended 1 a gone 10, requeued; granted 2 b
        26 ? queue         -> a
        26 ? why           -> a:returned
        30 media heard b   -> confirmed 2 b; started 2 b
        40 a back          -> back a
        50 b yield         -> ended 2 b finished 20; granted 3 a
        60 clock passed    -> missed 3 a
        60 ? queue         ->
        ",
    );
}

/// "The newer connection wins, the floor follows the person; the older is told why."
#[test]
fn second_device_for_the_same_member() {
    script::live(FloorMode::Request, 1).check(
        "
        0 a request       -> requested a
        0 b request       -> requested b
        1 chair-1 next    -> granted 1 a by chair-1
        2 media heard a   -> confirmed 1 a; started 1 a
        3 a join          -> nothing
        3 b join          -> nothing
        3 ? heard         -> a chair-1 chair-2 guest
        3 ? queue         -> b
        9 ? spent a       -> 7
        ",
    );
}

/// "The next co-chair by rank acts; nobody left: queue runs by policy, timers stay."
#[test]
fn all_chairs_gone() {
    let mut script = script::live_with(script::profile("policy = 'least_spoken'"));
    script.check(
        "
        0   ? chair          -> chair-1
        0   a request        -> requested a
        0   chair-1 next     -> granted 1 a by chair-1
        0   media heard a    -> confirmed 1 a; started 1 a
        1   b request        -> requested b
        1   c request        -> requested c
        5   chair-1 leave    -> left chair-1 left
        5   ? chair          -> chair-2
        10  chair-2 lost     -> lost chair-2
        10  ? chair          ->
        10  ? deadline       -> 25
        20  chair-2 back     -> back chair-2
        20  ? chair          -> chair-2
        30  chair-2 lost     -> lost chair-2
        45  clock passed     -> chair absent
        45  ? heard          -> a guest
        240 clock passed     -> warned 1 a 60
        300 clock passed     -> fading 1 a 5
        305 clock passed     -> ended 1 a time 305; granted 2 c
        306 media heard c    -> confirmed 2 c; started 2 c
        310 c yield          -> ended 2 c finished 4; granted 3 b
        311 a request        -> requested a
        312 chair-1 join     -> joined chair-1 as CHAIR-1
        313 b yield          -> ended 3 b finished 0
        313 ? queue          -> a
        314 chair-1 next     -> granted 4 a by chair-1
        ",
    );
}

/// Where no chair has been in the room yet, nobody is given the floor instead of it.
#[test]
fn before_a_chair_has_come_the_mode_request_waits() {
    script::empty().check(
        "
        0   server open     -> opened
        0   a join          -> joined a as A
        1   a request       -> requested a
        1   ? deadline      -> none
        999 clock passed    -> nothing
        ",
    );
}

/// "Waits for the turn's end unless forced": the session's end.
#[test]
fn session_changes_while_somebody_speaks() {
    script::live(FloorMode::Fifo, 1).check(
        "
        0 a request         -> requested a; granted 1 a
        0 b request         -> requested b
        1 media heard a     -> confirmed 1 a; started 1 a
        2 chair-1 close     -> awaits close by chair-1
        2 chair-1 close     -> no: not_now
        3 chair-2 drop      -> dropped by chair-2
        3 chair-2 drop      -> no: not_now
        4 chair-2 close     -> awaits close by chair-2
        5 chair-1 next      -> no: not_now
        6 a yield           -> ended 1 a finished 5; withdrawn b by chair-2; closed by chair-2
        7 chair-1 reopen    -> reopened by chair-1
        8 b request         -> requested b; granted 2 b
        9 chair-1 close now -> ended 2 b closed 0 by chair-1; closed by chair-1
        ",
    );
}

/// The same: an item of the agenda, whose settings hold from then on.
#[test]
fn item_changes_while_somebody_speaks() {
    script::live(FloorMode::Request, 1).check(
        "
        0 a request              -> requested a
        0 b request              -> requested b
        0 c request              -> requested c
        0 chair-1 next           -> granted 1 a by chair-1
        1 media heard a          -> confirmed 1 a; started 1 a
        2 chair-1 item discussion -> awaits discussion by chair-1
        2 ? item                 -> opening-remarks
        6 a yield                -> ended 1 a finished 5; item discussion by chair-1; configured mode = 'fifo', microphones = 2 by chair-1; granted 2 b; granted 3 c
        6 ? item                 -> discussion
        7 chair-1 item recommendations now -> item recommendations by chair-1; configured mode = 'request', microphones = 1 by chair-1
        7 ? heard                -> b chair-1 chair-2 guest
        ",
    );
}

/// "The state is rebuilt from the journal; the floor is audible again as soon as browsers reconnect;
/// only the clocks come back held until a chair confirms." That it is rebuilt the same is what
/// `properties` shows; here is what is decided when it has been.
#[test]
fn server_restarts() {
    script::live(FloorMode::Request, 2).check(
        "
        0  a request       -> requested a
        0  b request       -> requested b
        0  chair-1 next    -> granted 1 a by chair-1
        1  media heard a   -> confirmed 1 a; started 1 a
        2  a leave         -> ended 1 a gone 1; left a left
        3  chair-1 next    -> granted 2 b by chair-1
        4  media heard b   -> confirmed 2 b; started 2 b
        5  c request       -> requested c
        6  server recover  -> clock paused 2 b; lost b; lost c; lost chair-1; lost chair-2; lost d; lost e; lost f; lost guest; lost organiser; lost tech; lost voice; lost watcher
        6  ? heard         ->
        8  b back          -> back b
        8  ? heard         -> b
        8  chair-1 back    -> back chair-1
        9  media heard b   -> started 2 b
        30 ? spent b       -> 2
        31 chair-1 run b   -> clock resumed 2 b by chair-1
        33 ? spent b       -> 4
        33 ? queue         -> c
        ",
    );
}
