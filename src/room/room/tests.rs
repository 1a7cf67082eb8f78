//! Scripts of the room: who does what, what everybody then gets, what media is ordered.
//!
//! Connections are `c1`, `c2`, …, peer connections `p1`, `p2`, …, each numbered as it comes.

use super::*;
use crate::{
    media::{AudioRank, Gate, Kind, Notice, OfferRefusal, Seen, Sending, SlotState, Source},
    meeting::{event::TurnNumber, queue::HandKind},
    room::{
        Answer,
        fixture::{START, live_room, member, poll_stored},
    },
    time::Millis,
};

pub(super) struct Script {
    pub(super) room: Room,
    pub(super) now: Timestamp,
    connections: u64,
    peers: u64,
}

impl Script {
    pub(super) fn new() -> Self {
        Self {
            room: live_room("session-1", Settings::default()),
            now: START,
            connections: 0,
            peers: 0,
        }
    }

    /// What came out, a line each.
    pub(super) fn out(&mut self) -> Vec<String> {
        std::iter::from_fn(|| poll_stored(&mut self.room))
            .map(|output| line(&output))
            .collect()
    }

    pub(super) fn pass(&mut self, ms: u64) -> Vec<String> {
        self.now = self.now + Millis(ms);
        self.room.handle_timeout(self.now);
        self.out()
    }

    pub(super) fn join(&mut self, slug: &str) -> (ConnectionId, Vec<String>) {
        self.join_as(slug, None)
    }

    pub(super) fn join_as(
        &mut self,
        slug: &str,
        name: Option<&str>,
    ) -> (ConnectionId, Vec<String>) {
        self.connections += 1;
        let connection = ConnectionId(self.connections);
        self.room.handle_join(
            self.now,
            connection,
            member(slug),
            name.map(str::to_owned),
            None,
            None,
        );
        (connection, self.out())
    }

    pub(super) fn command(&mut self, connection: ConnectionId, command: Command) -> Vec<String> {
        self.room.handle_command(self.now, connection, &command);
        self.out()
    }

    pub(super) fn notice(&mut self, notice: Notice) -> Vec<String> {
        self.room.handle_notice(self.now, notice);
        self.out()
    }

    pub(super) fn offer(&mut self, connection: ConnectionId) -> (PeerId, Vec<String>) {
        self.peers += 1;
        let peer = PeerId(self.peers);
        let sending = vec![Sending {
            mid: "0".to_owned(),
            source: Source::Microphone,
        }];
        self.room
            .handle_offer(self.now, connection, peer, "v=0".to_owned(), sending);
        (peer, self.out())
    }

    pub(super) fn answered(&mut self, peer: PeerId) -> Vec<String> {
        let answer = Ok("v=0".to_owned());
        self.notice(Notice::Answered { peer, answer })
    }

    /// Joins and has a working peer connection.
    pub(super) fn join_with_media(&mut self, slug: &str) -> (ConnectionId, PeerId) {
        let (connection, _) = self.join(slug);
        (connection, self.connect_media(connection))
    }

    pub(super) fn connect_media(&mut self, connection: ConnectionId) -> PeerId {
        let (peer, _) = self.offer(connection);
        self.answered(peer);
        self.notice(Notice::Connected { peer });
        peer
    }
}

pub(super) fn grant(slug: &str, after_turn: u64) -> Command {
    Command::GrantFloor {
        member: member(slug),
        kind: None,
        after_turn: Some(TurnNumber(after_turn)),
    }
}

pub(super) fn stop(slug: &str) -> Command {
    Command::StopFloor {
        member: member(slug),
    }
}

fn connections(to: &[ConnectionId]) -> String {
    let names: Vec<_> = to.iter().map(|id| format!("c{}", id.0)).collect();
    names.join(" ")
}

fn peers(ids: &[PeerId]) -> String {
    let names: Vec<_> = ids.iter().map(|id| format!(" p{}", id.0)).collect();
    names.concat()
}

pub(super) fn line(output: &Output) -> String {
    match output {
        Output::Order(order) => order_line(order),
        Output::Append(entries) => format!("store {}", entries.len()),
        Output::Tell { to, message } => format!("{} < {}", connections(to), message_line(message)),
        Output::Answer { to, answer } => {
            let what = match answer {
                Ok(Answer::Done) => "ok".to_owned(),
                Ok(Answer::Snapshot(snapshot)) => format!("snapshot {}", snapshot.rev.0),
                Ok(Answer::Lobby) => "lobby".to_owned(),
                Ok(Answer::Resumed(rev)) => format!("resumed {}", rev.0),
                Ok(Answer::Sdp(_)) => "sdp".to_owned(),
                Ok(Answer::Restarted(restarted)) => format!("restarted {}", restarted.ufrag),
                Err(Refused::Meeting(refusal)) => format!("no: {}", refusal.code.as_str()),
                Err(refused) => format!("no: {refused}"),
            };
            format!("c{} < {what}", to.0)
        }
        Output::Release {
            connection,
            parting,
        } => match parting {
            Some(parting) => format!("c{} closed: {parting:?}", connection.0),
            None => format!("c{} released", connection.0),
        },
        Output::Keep { rev, .. } => format!("keep {}", rev.0),
        Output::Dismiss { connection, .. } => format!("c{} dismissed", connection.0),
        Output::Standing(standing) => format!("state {}", standing.state.as_str()),
        Output::Looked { by, .. } => format!("looked {}", by.0),
    }
}

fn order_line(order: &Order) -> String {
    match order {
        Order::Offer { peer, .. } => format!("offer p{}", peer.0),
        Order::Restart { peer, ufrag, .. } => format!("restart p{} {ufrag}", peer.0),
        Order::Candidate { peer, candidate } => format!("candidate p{} {candidate}", peer.0),
        Order::Hear { peer, gate } => match gate {
            Gate::Closed => format!("silence p{}", peer.0),
            Gate::Open(AudioRank::Floor) => format!("hear p{} floor", peer.0),
            Gate::Open(AudioRank::Chair) => format!("hear p{} chair", peer.0),
            Gate::Open(AudioRank::Other) => format!("hear p{} other", peer.0),
        },
        Order::Show { peer, seen } if *seen == Seen::ALL => format!("show p{}", peer.0),
        Order::Show { peer, seen } if *seen == Seen::default() => format!("hide p{}", peer.0),
        Order::Show { peer, seen } if seen.camera => format!("show camera p{}", peer.0),
        Order::Show { peer, .. } => format!("show screen p{}", peer.0),
        Order::View { peer, pictures } => {
            let shown = pictures.iter().map(|shown| {
                let height = shown.height.map_or("whole".to_owned(), |it| it.to_string());
                format!(" p{} {height}", shown.peer.0)
            });
            format!("view p{}{}", peer.0, shown.collect::<String>())
        }
        Order::Ended { peer, source } => format!("ended p{} {source:?}", peer.0),
        Order::Prominence { peers: ids } => format!("prominence{}", peers(ids)),
        Order::Measure => "measure".to_owned(),
        Order::Close { peer } => format!("close p{}", peer.0),
    }
}

fn message_line(message: &Message) -> String {
    match message {
        Message::Event(event) => {
            let value = serde_json::to_value(event).expect("JSON");
            let kind = value["type"].as_str().expect("a type").to_owned();
            format!("{}>{} {kind}", event.prev.0, event.recorded.rev.0)
        }
        Message::Signal(Signal::Admitted { snapshot }) => format!("admitted {}", snapshot.rev.0),
        Message::Signal(Signal::Refused { .. }) => "refused".to_owned(),
        Message::Signal(Signal::SentBack {}) => "sent back".to_owned(),
        Message::Signal(Signal::Slots { slots }) => {
            let filled = slots.iter().filter_map(|slot| slot.member.as_ref());
            let names: Vec<_> = filled.map(|it| format!(" {it}")).collect();
            format!("slots{}", names.concat())
        }
        Message::Signal(Signal::Layers { rids, .. }) => format!("layers {}", rids.join(" ")),
        Message::Signal(Signal::Connected {}) => "connected".to_owned(),
        Message::Signal(Signal::Lost {}) => "lost".to_owned(),
        Message::Signal(Signal::Speaking { members }) => {
            let names: Vec<_> = members.iter().map(|it| format!(" {it}")).collect();
            format!("speaking{}", names.concat())
        }
        Message::Signal(Signal::Pictures { pictures }) => {
            let names = pictures
                .iter()
                .map(|it| format!(" {} {:?}", it.member, it.source));
            format!("pictures{}", names.collect::<String>())
        }
    }
}

#[test]
fn who_joins_gets_a_snapshot_and_the_others_the_event() {
    let mut script = Script::new();
    assert_eq!(script.join("chair-1").1, ["c1 < snapshot 2"]);
    assert_eq!(
        script.join("indonesia-1").1,
        ["c1 < 2>3 member.joined", "c2 < snapshot 3"]
    );
    assert_eq!(
        script.join("nobody-1").1,
        ["c3 < no: unknown_member", "c3 released"]
    );
    script.room.handle_snapshot(script.now, ConnectionId(2));
    assert_eq!(script.out(), ["c2 < snapshot 3"]);
    script.room.handle_snapshot(script.now, ConnectionId(3));
    assert_eq!(
        script.out(),
        ["c3 < no: this connection is not in the session: send session.join first"]
    );
}

#[test]
fn the_floor_opens_the_microphone_after_the_event_and_closes_it_before() {
    let mut script = Script::new();
    let (chair, _) = script.join_with_media("chair-1");
    let (_, peer) = script.join_with_media("indonesia-1");
    assert_eq!(
        script.command(chair, grant("indonesia-1", 0)),
        [
            "prominence p2 p1",
            "c1 c2 < 3>4 floor.granted",
            "c1 < ok",
            "hear p2 floor"
        ]
    );
    assert_eq!(
        script.notice(Notice::AudioDelivered { peer }),
        ["c1 c2 < 4>5 floor.confirmed"]
    );
    assert_eq!(
        script.notice(Notice::AudioHeard { peer }),
        ["c1 c2 < 5>6 floor.started"]
    );
    assert_eq!(script.notice(Notice::AudioHeard { peer }), [""; 0]);
    assert_eq!(
        script.command(chair, stop("indonesia-1")),
        [
            "silence p2",
            "prominence p1",
            "c1 c2 < 6>7 floor.ended",
            "c1 < ok"
        ]
    );
}

#[test]
fn next_takes_before_it_gives() {
    let mut script = Script::new();
    let (chair, _) = script.join_with_media("chair-1");
    script.join_with_media("indonesia-1");
    let (malaysia, _) = script.join_with_media("malaysia-1");
    script.command(chair, grant("indonesia-1", 0));
    script.command(
        malaysia,
        Command::RequestFloor {
            kind: HandKind::Speech,
        },
    );
    let next = Command::NextSpeaker {
        after_turn: Some(TurnNumber(1)),
    };
    assert_eq!(
        script.command(chair, next.clone()),
        [
            "silence p2",
            "prominence p3 p1",
            "c1 c2 c3 < 6>7 floor.ended",
            "c1 c2 c3 < 7>8 floor.granted",
            "c1 < ok",
            "hear p3 floor"
        ]
    );
    assert_eq!(script.command(chair, next), ["c1 < no: conflict"]);
}

#[test]
fn a_refused_command_is_answered_and_nothing_else() {
    let mut script = Script::new();
    script.join("chair-1");
    let (delegate, _) = script.join("indonesia-1");
    assert_eq!(
        script.command(delegate, Command::CloseSession { force: true }),
        ["c2 < no: not_allowed"]
    );
}

#[test]
fn the_sessions_state_silences_and_is_given_out() {
    let mut script = Script::new();
    let (chair, _) = script.join_with_media("chair-1");
    let (podium, _) = script.join("podium-1");
    let (_, orders) = script.offer(podium);
    assert_eq!(orders, ["offer p2", "hear p2 other", "show p2"]);
    assert_eq!(
        script.command(chair, Command::PauseSession),
        [
            "silence p2",
            "c1 c2 < 3>4 session.paused",
            "state paused",
            "c1 < ok"
        ]
    );
    assert_eq!(
        script.command(chair, Command::CloseSession { force: true }),
        [
            "silence p1",
            "hide p1",
            "hide p2",
            "c1 c2 < 4>5 session.closed",
            "state closed",
            "c1 < ok"
        ]
    );
}

#[test]
fn who_may_not_be_heard_or_seen_is_not_ordered_to_be() {
    let mut script = Script::new();
    let (observer, _) = script.join("observer-1");
    assert_eq!(script.offer(observer).1, ["offer p1"]);
    let (delegate, _) = script.join("indonesia-1");
    assert_eq!(script.offer(delegate).1, ["offer p2", "show p2"]);
}

#[test]
fn a_chairs_mute_silences_and_keeps_the_turn() {
    let mut script = Script::new();
    let (chair, _) = script.join_with_media("chair-1");
    let (delegate, _) = script.join_with_media("indonesia-1");
    script.command(chair, grant("indonesia-1", 0));
    let target = || member("indonesia-1");
    assert_eq!(
        script.command(chair, Command::Mute { member: target() }),
        ["silence p2", "c1 c2 < 4>5 member.muted", "c1 < ok"]
    );
    assert_eq!(
        script.command(chair, Command::AskUnmute { member: target() }),
        ["c1 c2 < 5>6 member.unmute_asked", "c1 < ok"]
    );
    assert_eq!(
        script.command(delegate, Command::Unmute),
        ["c1 c2 < 6>7 member.unmuted", "c2 < ok", "hear p2 floor"]
    );
}

#[test]
fn a_removed_members_media_ends_at_once() {
    let mut script = Script::new();
    let (chair, _) = script.join_with_media("chair-1");
    script.join_with_media("indonesia-1");
    script.command(chair, grant("indonesia-1", 0));
    let remove = Command::RemoveMember {
        member: member("indonesia-1"),
        ban: true,
    };
    assert_eq!(
        script.command(chair, remove),
        [
            "close p2",
            "prominence p1",
            "c1 c2 < 4>5 floor.ended",
            "c1 c2 < 5>6 member.left",
            "c2 closed: Removed",
            "c1 < ok"
        ]
    );
    assert_eq!(
        script.join("indonesia-1").1,
        ["c3 < no: removed", "c3 released"]
    );
}

#[test]
fn who_leaves_is_gone_for_all() {
    let mut script = Script::new();
    script.join("chair-1");
    let (delegate, _) = script.join_with_media("indonesia-1");
    script.room.handle_leave(script.now, delegate);
    assert_eq!(
        script.out(),
        ["close p1", "c1 < 3>4 member.left", "c2 < ok", "c2 released"]
    );
    // The task of the connection reports its end too.
    script.room.handle_disconnect(script.now, delegate);
    assert_eq!(script.pass(60_000), [""; 0]);
}

#[test]
fn a_connection_that_comes_back_in_time_is_not_noticed() {
    let mut script = Script::new();
    let (chair, _) = script.join_with_media("chair-1");
    let (delegate, peer) = script.join_with_media("indonesia-1");
    script.command(chair, grant("indonesia-1", 0));
    script.room.handle_disconnect(script.now, delegate);
    assert_eq!(script.pass(9_000), [""; 0], "the turn and its sound go on");
    assert_eq!(
        script.notice(Notice::AudioDelivered { peer }),
        ["c1 < 4>5 floor.confirmed"]
    );
    assert_eq!(script.join("indonesia-1").1, ["c3 < snapshot 5"]);
    assert_eq!(script.pass(9_000), [""; 0]);
}

#[test]
fn the_grace_begins_when_connection_and_media_are_both_gone() {
    let mut script = Script::new();
    let (chair, _) = script.join_with_media("chair-1");
    let (delegate, peer) = script.join_with_media("indonesia-1");
    script.command(chair, grant("indonesia-1", 0));
    script.notice(Notice::AudioDelivered { peer });
    script.room.handle_disconnect(script.now, delegate);
    assert_eq!(script.room.next_deadline(), None);
    assert_eq!(script.pass(600_000), [""; 0], "media goes on");
    assert_eq!(
        script.notice(Notice::Lost { peer }),
        ["silence p2", "c1 < 5>6 member.lost"]
    );
    let here = |script: &Script| script.room.places.contains_key(&member("indonesia-1"));
    script.pass(59_999);
    assert!(here(&script));
    let gone = script.pass(1);
    assert!(gone.contains(&"close p2".to_owned()), "{gone:?}");
    assert!(!here(&script));
}

#[test]
fn the_grace_begins_also_where_a_successor_of_the_lost_media_never_worked() {
    let mut script = Script::new();
    script.join("chair-1");
    let (delegate, peer) = script.join_with_media("indonesia-1");
    let (next, _) = script.offer(delegate);
    script.answered(next);
    script.room.handle_disconnect(script.now, delegate);
    assert_eq!(script.out(), [""; 0], "media goes on");
    let lost = script.notice(Notice::Lost { peer });
    assert!(
        lost.iter().any(|it| it.ends_with("member.lost")),
        "{lost:?}"
    );
    let left = script.pass(60_000);
    assert!(
        left.iter().any(|it| it.ends_with("member.left")),
        "{left:?}"
    );
}

#[test]
fn a_newer_connection_takes_over_and_the_floor_follows() {
    let mut script = Script::new();
    let (chair, _) = script.join_with_media("chair-1");
    let (older, _) = script.join_with_media("indonesia-1");
    script.command(chair, grant("indonesia-1", 0));
    let (newer, taken) = script.join("indonesia-1");
    assert_eq!(taken, ["c2 closed: Replaced", "c3 < snapshot 4"]);
    script.room.handle_disconnect(script.now, older);
    assert_eq!(script.out(), [""; 0]);

    // The old device is heard until the new one's media works, then the new one.
    assert_eq!(script.offer(newer).1, ["offer p3"]);
    assert_eq!(script.answered(PeerId(3)), ["c3 < sdp"]);
    assert_eq!(
        script.notice(Notice::Connected { peer: PeerId(3) }),
        [
            "close p2",
            "hear p3 floor",
            "show p3",
            "prominence p3 p1",
            "c3 < connected"
        ]
    );
    assert_eq!(script.pass(9_000), [""; 0]);
}

#[test]
fn a_new_name_at_a_newer_connection_is_told() {
    let mut script = Script::new();
    script.join("chair-1");
    script.join_as("indonesia-1", Some("Sari"));
    assert_eq!(
        script.join("indonesia-1").1,
        ["c2 closed: Replaced", "c3 < snapshot 3"],
        "no name: the name stays"
    );
    assert_eq!(
        script.join_as("indonesia-1", Some("Dr. Sari Wijaya")).1,
        [
            "c1 c3 < 3>4 member.joined",
            "c3 closed: Replaced",
            "c4 < snapshot 4"
        ]
    );
    let long = "x".repeat(81);
    assert_eq!(
        script.join_as("indonesia-1", Some(&long)).1,
        ["c5 < no: limit", "c5 released"],
        "the older connection stays"
    );
}

#[test]
fn who_is_in_a_closed_session_may_come_back_to_it() {
    let mut script = Script::new();
    let (chair, _) = script.join("chair-1");
    script.join("indonesia-1");
    script.command(chair, Command::CloseSession { force: true });
    assert_eq!(
        script.join_as("indonesia-1", Some("Sari")).1,
        ["c2 closed: Replaced", "c3 < snapshot 4"]
    );
    assert_eq!(
        script.join("malaysia-1").1,
        ["c4 < no: not_open", "c4 released"]
    );
}

#[test]
fn offers_are_bounded_and_their_answers_find_who_asked() {
    let mut script = Script::new();
    let (delegate, _) = script.join("indonesia-1");
    let settings = Settings::default();
    let offer = |script: &mut Script, sdp: String, sending| {
        let (now, peer) = (script.now, PeerId(99));
        script.room.handle_offer(now, delegate, peer, sdp, sending);
        script.out()
    };
    let long = "x".repeat(settings.sdp_bytes_max + 1);
    assert_eq!(
        offer(&mut script, long, Vec::new()),
        ["c1 < no: the offer has 61441 bytes, 61440 are allowed"]
    );
    let section = Sending {
        mid: "0".to_owned(),
        source: Source::Camera,
    };
    let many = vec![section; settings.sending_max + 1];
    assert_eq!(
        offer(&mut script, String::new(), many),
        ["c1 < no: the offer names 9 sending sections, 8 are allowed"]
    );

    let (peer, _) = script.offer(delegate);
    let answer = Err(OfferRefusal::Malformed("no fingerprint".to_owned()));
    assert_eq!(
        script.notice(Notice::Answered { peer, answer }),
        ["c1 < no: no fingerprint"]
    );
    assert_eq!(script.answered(peer), [""; 0], "answered once");

    let (peer, _) = script.offer(delegate);
    script.room.handle_disconnect(script.now, delegate);
    assert_eq!(script.answered(peer), [""; 0], "nobody waits for it");
}

#[test]
fn an_offer_that_media_does_not_answer_is_given_up() {
    let mut script = Script::new();
    let (delegate, _) = script.join("indonesia-1");
    script.offer(delegate);
    assert_eq!(script.pass(4_999), [""; 0]);
    assert_eq!(
        script.pass(1),
        [
            "close p1",
            "c1 < no: the media server has not answered: try again"
        ]
    );
    assert_eq!(script.answered(PeerId(1)), [""; 0]);
    assert_eq!(script.room.next_deadline(), None);
}

#[test]
fn candidates_go_to_the_latest_offer_and_are_bounded() {
    let mut script = Script::new();
    let (delegate, _) = script.join("indonesia-1");
    let candidate = |script: &mut Script, text: String| {
        script.room.handle_candidate(delegate, text);
        script.out()
    };
    assert_eq!(
        candidate(&mut script, "a".to_owned()),
        ["c1 < no: there is no offer that this candidate belongs to: send media.offer first"]
    );
    script.offer(delegate);
    assert_eq!(
        candidate(&mut script, "a".to_owned()),
        ["candidate p1 a", "c1 < ok"]
    );
    assert_eq!(candidate(&mut script, String::new()), ["c1 < ok"]);
    assert_eq!(
        candidate(&mut script, "x".repeat(1025)),
        ["c1 < no: the candidate has 1025 bytes, 1024 are allowed"]
    );
    for _ in 1..Settings::default().candidates_max {
        candidate(&mut script, "a".to_owned());
    }
    assert_eq!(
        candidate(&mut script, "a".to_owned()),
        ["c1 < no: more than 64 candidates for one offer"]
    );
}

fn slot(filled: Option<PeerId>) -> SlotState {
    SlotState {
        mid: "2".to_owned(),
        kind: Kind::Audio,
        filled: filled.map(|peer| (peer, Source::Microphone)),
        paused: false,
    }
}

#[test]
fn what_is_shown_is_ordered_by_peers_and_follows_them() {
    let mut script = Script::new();
    let (chair, chairs) = script.join_with_media("chair-1");
    let (delegate, _) = script.join_with_media("indonesia-1");
    let picture = |slug, height| Picture {
        member: member(slug),
        source: Source::Camera,
        height,
    };
    let view = |script: &mut Script, pictures| {
        script.room.handle_view(delegate, pictures);
        script.out()
    };
    let shown = || vec![picture("chair-1", Some(180)), picture("malaysia-1", None)];
    assert_eq!(
        view(&mut script, shown()),
        ["view p2 p1 180", "c2 < ok"],
        "who is not there is not named"
    );
    assert_eq!(view(&mut script, shown()), ["c2 < ok"], "nothing new");
    // The chair's next connection takes over once it works.
    let (next, _) = script.offer(chair);
    script.answered(next);
    let heard = script.notice(Notice::Connected { peer: next });
    assert!(
        heard.contains(&"view p2 p3 180".to_owned()),
        "{heard:?} follows {chairs:?}"
    );
    let too_many = vec![picture("chair-1", None); Settings::default().pictures_max + 1];
    assert_eq!(
        view(&mut script, too_many),
        ["c2 < no: 65 pictures are shown, 64 are allowed"]
    );
}

#[test]
fn what_has_ended_is_ordered() {
    let mut script = Script::new();
    let (delegate, _) = script.join_with_media("indonesia-1");
    script.room.handle_ended(delegate, Source::Screen);
    assert_eq!(script.out(), ["ended p1 Screen", "c1 < ok"]);
}

#[test]
fn which_layers_are_of_use_is_told_and_kept() {
    let mut script = Script::new();
    let (delegate, peer) = script.join_with_media("indonesia-1");
    let needed = Notice::Needed {
        peer,
        source: Source::Camera,
        rids: vec!["q".to_owned(), "h".to_owned()],
    };
    assert_eq!(script.notice(needed), ["c1 < layers q h"]);
    script.room.handle_disconnect(script.now, delegate);
    assert_eq!(
        script.join("indonesia-1").1,
        ["c2 < snapshot 2", "c2 < layers q h"]
    );
}

#[test]
fn slots_name_members_and_are_kept_for_who_takes_over() {
    let mut script = Script::new();
    let (_, chairs) = script.join_with_media("chair-1");
    let (delegate, peer) = script.join_with_media("indonesia-1");
    let slots = vec![slot(Some(chairs)), slot(None), slot(Some(PeerId(77)))];
    assert_eq!(
        script.notice(Notice::Slots { peer, slots }),
        ["c2 < slots chair-1"]
    );
    script.room.handle_disconnect(script.now, delegate);
    assert_eq!(
        script.join("indonesia-1").1,
        ["c3 < snapshot 3", "c3 < slots chair-1"]
    );
    // From the next offer on only its sections are named.
    let (next, _) = script.offer(ConnectionId(3));
    let slots = || vec![slot(Some(chairs))];
    assert_eq!(
        script.notice(Notice::Slots {
            peer,
            slots: slots()
        }),
        [""; 0]
    );
    assert_eq!(
        script.notice(Notice::Slots {
            peer: next,
            slots: slots()
        }),
        ["c3 < slots chair-1"]
    );
}

#[test]
fn only_the_peer_in_use_moves_the_meeting() {
    let mut script = Script::new();
    let (chair, _) = script.join_with_media("chair-1");
    let (delegate, old) = script.join_with_media("indonesia-1");
    script.command(chair, grant("indonesia-1", 0));
    let (new, _) = script.offer(delegate);
    assert_eq!(script.notice(Notice::AudioDelivered { peer: new }), [""; 0]);
    assert_eq!(
        script.notice(Notice::AudioDelivered { peer: old }),
        ["c1 c2 < 4>5 floor.confirmed"]
    );
    // The old one dies before the new one works: the new one gets the rights at once.
    assert_eq!(
        script.notice(Notice::Lost { peer: old }),
        ["close p2", "hear p3 floor", "show p3", "prominence p3 p1"]
    );
    assert_eq!(script.notice(Notice::Lost { peer: new }), ["c2 < lost"]);
    assert_eq!(
        script.notice(Notice::Connected { peer: old }),
        [""; 0],
        "a closed peer says nothing"
    );
}

#[test]
fn who_is_speaking_is_told_when_it_changes_and_to_who_comes_later() {
    let mut script = Script::new();
    let (_, a) = script.join_with_media("chair-1");
    let (_, b) = script.join_with_media("chair-2");
    let speaking = |script: &mut Script, peers: &[PeerId]| {
        script.notice(Notice::Speaking {
            peers: peers.to_vec(),
        })
    };
    assert_eq!(
        speaking(&mut script, &[b, a]),
        ["c1 c2 < speaking chair-2 chair-1"]
    );
    assert_eq!(speaking(&mut script, &[b, a]), [""; 0]);
    assert_eq!(
        script.join("indonesia-1").1.last().map(String::as_str),
        Some("c3 < speaking chair-2 chair-1")
    );
    assert_eq!(
        speaking(&mut script, &[PeerId(77)]),
        ["c1 c2 c3 < speaking"]
    );
}

#[test]
fn which_pictures_there_are_is_told_when_it_changes_and_to_who_comes_later() {
    let mut script = Script::new();
    let (chair, a) = script.join_with_media("chair-1");
    let (_, b) = script.join_with_media("chair-2");
    let pictures = |script: &mut Script, pictures: &[(PeerId, Source)]| {
        script.notice(Notice::Pictures {
            pictures: pictures.to_vec(),
        })
    };
    let both = [
        (a, Source::Camera),
        (b, Source::Screen),
        (b, Source::Camera),
    ];
    assert_eq!(
        pictures(&mut script, &both),
        ["c1 c2 < pictures chair-1 Camera chair-2 Screen chair-2 Camera"]
    );
    assert_eq!(
        script.join("indonesia-1").1.last().map(String::as_str),
        Some("c3 < pictures chair-1 Camera chair-2 Screen chair-2 Camera")
    );
    // The next connection of the same member's, beside the first and then alone, is no other picture.
    let (next, _) = script.offer(chair);
    for peers in [vec![a, next], vec![next]] {
        let cameras = peers.into_iter().map(|peer| (peer, Source::Camera));
        let rest = both[1..].iter().copied();
        let told = pictures(&mut script, &cameras.chain(rest).collect::<Vec<_>>());
        assert_eq!(told, [""; 0]);
    }
    assert_eq!(pictures(&mut script, &[]), ["c1 c2 c3 < pictures"]);
}

#[test]
fn a_turn_that_is_not_taken_up_is_silenced_by_time() {
    let mut script = Script::new();
    let (chair, _) = script.join_with_media("chair-1");
    script.join_with_media("indonesia-1");
    script.command(chair, grant("indonesia-1", 0));
    assert_eq!(script.pass(9_999), [""; 0]);
    assert_eq!(
        script.pass(1),
        ["silence p2", "prominence p1", "c1 c2 < 4>5 floor.missed"]
    );
}
