//! The state as a client is told it: the protocol's `snapshot`.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{DelegationId, ItemId, MemberId, SessionId},
    meeting::{
        agenda::{Item, Profile},
        event::{Audience, Change, PictureSource, Rev, TurnNumber, is_false},
        presence::{Attendee, Microphone},
        queue::{HandKind, Why},
        record::{ChatMessage, Note, Recommendation},
        roster::Role,
        session::SessionState,
        state::Meeting,
        turn::{Fading, Phase, Turn},
    },
    time::{Millis, Timestamp},
};

/// A meeting's whole state at a revision. What is not in it is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Snapshot {
    /// The revision.
    pub rev: Rev,
    /// When it was taken.
    pub at: Timestamp,
    /// The session.
    pub session: SessionView,
    /// Its settings.
    pub profile: Profile,
    /// The floor beside its queue and turns.
    pub floor: FloorView,
    /// Everybody in the room.
    pub members: Vec<MemberView>,
    /// Everybody who was in the room and has left, for their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub away: Vec<AwayView>,
    /// The hands in their order.
    pub queue: Vec<HandView>,
    /// The turns, the oldest first.
    pub turns: Vec<TurnView>,
    /// How long those who have spoken have, in the turns that have ended.
    pub spoken: Vec<SpokenView>,
    /// The latest messages.
    pub chat: Vec<ChatMessage>,
    /// The latest notices.
    pub notices: Vec<Note>,
    /// The latest notes for the minutes.
    pub notes: Vec<Note>,
    /// The register.
    pub recommendations: Vec<Recommendation>,
    /// For chairs: who waits to be let in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lobby: Option<Vec<WaitingView>>,
    /// For chairs: who may not come back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub banned: Option<Vec<MemberId>>,
}

/// The session in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SessionView {
    /// Its slug.
    pub id: SessionId,
    /// What it is called.
    pub title: String,
    /// Where it is in its life.
    pub state: SessionState,
    /// When it was to start.
    pub start: Timestamp,
    /// Planned length in minutes.
    pub minutes: u32,
    /// When it was opened first, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Timestamp>,
    /// Its agenda.
    pub items: Vec<Item>,
    /// The item that is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemId>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_since: Option<Timestamp>,
    /// What waits for the end of the turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaited: Option<Change>,
    /// Nobody new comes in.
    #[serde(default, skip_serializing_if = "is_false")]
    pub locked: bool,
    /// Who is shown large.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spotlight: Option<MemberId>,
    /// To whom the chair was handed over last. While that member is not there, the first by rank of
    /// the chairs who are there moderates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handed_to: Option<MemberId>,
}

/// The floor in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FloorView {
    /// The number of the last turn, 0 before the first.
    pub last_turn: TurnNumber,
    /// No new hands are taken.
    #[serde(default, skip_serializing_if = "is_false")]
    pub queue_closed: bool,
    /// The chair who has priority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<MemberId>,
    /// The clocks stand: something technical is wrong.
    #[serde(default, skip_serializing_if = "is_false")]
    pub technical_stop: bool,
    /// No chair can be reached: the queue runs by itself.
    #[serde(default, skip_serializing_if = "is_false")]
    pub chair_absent: bool,
}

/// What a chair has done to a microphone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MuteView {
    /// Nothing.
    None,
    /// Shut it.
    Muted,
    /// Asked for it to be opened again.
    Asked,
}

/// A member in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MemberView {
    /// The member.
    pub id: MemberId,
    /// The name that others see.
    pub name: String,
    /// What the member is there for.
    pub role: Role,
    /// The country or institution.
    pub delegation: DelegationId,
    /// Of a chair: its place among the event's chairs, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u16>,
    /// What a chair has done to the microphone.
    pub mute: MuteView,
    /// Signalling and media are gone; the member has the grace to come back.
    #[serde(default, skip_serializing_if = "is_false")]
    pub lost: bool,
    /// The grace is over too: the hand alone is kept.
    #[serde(default, skip_serializing_if = "is_false")]
    pub gone: bool,
    /// A chair takes no hands of this member.
    #[serde(default, skip_serializing_if = "is_false")]
    pub blocked: bool,
    /// The pictures that a chair has stopped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stopped: Vec<PictureSource>,
}

/// A member who has left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AwayView {
    /// The member.
    pub id: MemberId,
    /// The name that others saw last.
    pub name: String,
}

/// A member in the lobby.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct WaitingView {
    /// The member.
    pub member: MemberId,
    /// The name that it will have.
    pub name: String,
    /// What it is there for.
    pub role: Role,
    /// The country or institution.
    pub delegation: DelegationId,
    /// Since when it waits.
    pub since: Timestamp,
}

/// A hand in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HandView {
    /// Whose it is.
    pub member: MemberId,
    /// What for.
    #[serde(default, skip_serializing_if = "HandKind::is_speech")]
    pub kind: HandKind,
    /// Since when it is in the queue.
    pub since: Timestamp,
    /// Why it is where it is.
    #[serde(default, skip_serializing_if = "Why::is_received")]
    pub why: Why,
}

/// A turn in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TurnView {
    /// Its number.
    pub turn: TurnNumber,
    /// Who has it.
    pub member: MemberId,
    /// What for.
    #[serde(default, skip_serializing_if = "HandKind::is_speech")]
    pub kind: HandKind,
    /// How far it has come.
    pub phase: Phase,
    /// When it was offered.
    pub granted_at: Timestamp,
    /// How long it should last.
    pub limit_ms: Millis,
    /// What its clock showed when the snapshot was taken.
    pub spent_ms: Millis,
    /// Whether the clock runs on from there.
    pub running: bool,
    /// Whether the warning has been given.
    pub warned: bool,
    /// Whether its time is used up.
    pub overtime: bool,
    /// Its sound is being lowered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fading: Option<Fading>,
    /// The clock is held until a chair resumes it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub held: bool,
    /// Speech has been heard since it was given or its speaker came back.
    #[serde(default, skip_serializing_if = "is_false")]
    pub started: bool,
}

/// How long somebody has spoken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SpokenView {
    /// Who.
    pub member: MemberId,
    /// Of which country or institution.
    pub delegation: DelegationId,
    /// How long.
    pub ms: Millis,
}

impl Meeting {
    /// The whole state for a client of this audience.
    pub fn snapshot(&self, now: Timestamp, audience: Audience) -> Snapshot {
        let now = now.max(self.latest);
        let for_chairs = audience == Audience::Chairs;
        let here = self.presence.here().iter();
        let away = self.presence.away().iter();
        let hands = self.floor.hands().iter();
        let turns = self.floor.turns().iter();
        let written = self.written.as_ref();
        Snapshot {
            rev: self.rev,
            at: now,
            session: self.session_view(),
            profile: self.profile.as_ref().clone(),
            floor: FloorView {
                last_turn: self.floor.last_turn,
                queue_closed: self.floor.queue_closed,
                priority: self.floor.priority.clone(),
                technical_stop: self.floor.technical_stop,
                chair_absent: self.desk.chair_absent,
            },
            members: here
                .filter_map(|(member, attendee)| self.member_view(member, attendee))
                .collect(),
            away: away
                .map(|(member, name)| AwayView {
                    id: member.clone(),
                    name: name.clone(),
                })
                .collect(),
            queue: hands
                .map(|hand| HandView {
                    member: hand.member.clone(),
                    kind: hand.kind,
                    since: hand.since,
                    why: hand.why,
                })
                .collect(),
            turns: turns.map(|turn| turn_view(turn, now)).collect(),
            spoken: self.spoken_views(),
            chat: written.chat_for(audience),
            notices: written.notices.iter().cloned().collect(),
            notes: written.notes.iter().cloned().collect(),
            recommendations: written.recommendations.clone(),
            lobby: for_chairs.then(|| self.waiting_views()),
            banned: for_chairs.then(|| self.presence.banned().iter().cloned().collect()),
        }
    }

    fn session_view(&self) -> SessionView {
        let (item, item_since) = self.agenda.item.clone().unzip();
        SessionView {
            id: self.plan.id.clone(),
            title: self.plan.title.clone(),
            state: self.state,
            start: self.plan.start,
            minutes: self.plan.minutes,
            opened_at: self.opened_at,
            items: self.plan.items.clone(),
            item,
            item_since,
            awaited: self.agenda.awaited.as_ref().map(|(it, _)| it.clone()),
            locked: self.desk.locked,
            spotlight: self.desk.spotlight.clone(),
            handed_to: self.desk.handed_to.clone(),
        }
    }

    fn member_view(&self, member: &MemberId, attendee: &Attendee) -> Option<MemberView> {
        let seat = self.seat(member)?;
        Some(MemberView {
            id: member.clone(),
            name: attendee.name.clone(),
            role: seat.role,
            delegation: seat.delegation.clone(),
            rank: self.rank(member),
            mute: match &attendee.microphone {
                Microphone::Open => MuteView::None,
                Microphone::Shut { asked: false, .. } => MuteView::Muted,
                Microphone::Shut { asked: true, .. } => MuteView::Asked,
            },
            lost: attendee.lost_at.is_some(),
            gone: attendee.gone,
            blocked: self.desk.blocked.contains(member),
            stopped: self.stopped(member),
        })
    }

    fn waiting_views(&self) -> Vec<WaitingView> {
        let lobby = self.presence.lobby().iter();
        let mut waiting: Vec<_> = lobby
            .filter_map(|(member, waiting)| {
                let seat = self.seat(member)?;
                Some(WaitingView {
                    member: member.clone(),
                    name: waiting.name.clone(),
                    role: seat.role,
                    delegation: seat.delegation.clone(),
                    since: waiting.since,
                })
            })
            .collect();
        waiting.sort_by(|a, b| (a.since, &a.member).cmp(&(b.since, &b.member)));
        waiting
    }

    fn spoken_views(&self) -> Vec<SpokenView> {
        self.spoken
            .members()
            .filter_map(|(member, ms)| {
                Some(SpokenView {
                    member: member.clone(),
                    delegation: self.seat(member)?.delegation.clone(),
                    ms,
                })
            })
            .collect()
    }
}

fn turn_view(turn: &Turn, now: Timestamp) -> TurnView {
    TurnView {
        turn: turn.number,
        member: turn.member.clone(),
        kind: turn.kind,
        phase: turn.phase,
        granted_at: turn.granted_at,
        limit_ms: turn.limit,
        spent_ms: turn.spent(now),
        running: turn.is_running(),
        warned: turn.warned,
        overtime: turn.overtime,
        fading: turn.fading,
        held: turn.held,
        started: turn.has_started(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meeting::{agenda::FloorMode, script};

    /// The snapshot in the protocol page's example of `session.join`.
    fn page_example() -> serde_json::Value {
        let page = include_str!("../signalling/protocol.md");
        let answers = page.split("```json ok\n").skip(1);
        let mut examples = answers.filter_map(|it| it.split("```").next());
        let example = examples
            .find(|it| it.contains("\"snapshot\""))
            .expect("an example with a snapshot");
        let answer: serde_json::Value = serde_json::from_str(example).expect("JSON");
        answer["ok"]["snapshot"].clone()
    }

    #[test]
    fn a_snapshot_is_what_the_protocol_page_shows() {
        let example = page_example();
        let snapshot: Snapshot = serde_json::from_value(example.clone()).expect("a snapshot");
        assert_eq!(serde_json::to_value(&snapshot).expect("JSON"), example);
    }

    #[test]
    fn a_session_that_was_not_opened_has_no_time_of_it() {
        let snapshot = script::empty()
            .meeting
            .snapshot(Timestamp(5), Audience::Members);
        let value = serde_json::to_value(&snapshot).expect("JSON");
        assert_eq!(value["session"].get("opened_at"), None);
        assert_eq!(value["session"]["state"], "scheduled");
        assert_eq!(value["floor"]["last_turn"], 0);
        let read: Snapshot = serde_json::from_value(value).expect("a snapshot");
        assert_eq!(read, snapshot);
    }

    #[test]
    fn who_has_left_keeps_a_name_until_the_next_coming() {
        let mut script = script::live(FloorMode::Request, 1);
        script.check(
            "
            1 a join Dr. Sari -> joined a as Dr. Sari
            2 a chat Hello.   -> chat a to everybody: Hello.
            3 a leave         -> left a left
            ",
        );
        let away = |script: &script::Script| {
            let snapshot = script.meeting.snapshot(Timestamp(9000), Audience::Members);
            snapshot.away
        };
        let id = script::id("a");
        let name = "Dr. Sari".to_owned();
        assert_eq!(away(&script), [AwayView { id, name }]);
        script.check("4 a join -> joined a as A");
        assert!(away(&script).is_empty());
    }
}
