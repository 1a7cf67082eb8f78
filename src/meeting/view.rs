//! The state as a client is told it: the protocol's `snapshot`.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{DelegationId, MemberId, SessionId},
    meeting::{
        agenda::{FloorMode, Item},
        event::{Rev, TurnNumber, is_false},
        presence::{Attendee, Microphone},
        roster::Role,
        session::SessionState,
        state::Meeting,
        turn::{Phase, Turn},
    },
    time::{Millis, Timestamp},
};

/// A meeting's whole state at a revision. What is not in it is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The revision.
    pub rev: Rev,
    /// When it was taken.
    pub at: Timestamp,
    /// The session.
    pub session: SessionView,
    /// The floor's settings and last turn.
    pub floor: FloorView,
    /// Everybody in the room.
    pub members: Vec<MemberView>,
    /// The hands in their order.
    pub queue: Vec<HandView>,
    /// The turns, the oldest first.
    pub turns: Vec<TurnView>,
}

/// The session in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
}

/// The floor in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FloorView {
    /// How it is given.
    pub mode: FloorMode,
    /// Open delegate microphones at most.
    pub microphones: u8,
    /// The number of the last turn, 0 before the first.
    pub last_turn: TurnNumber,
    /// Length of a turn.
    pub turn_ms: Millis,
    /// How long before its end the speaker is warned.
    pub warning_ms: Millis,
}

/// What a chair has done to a microphone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberView {
    /// The member.
    pub id: MemberId,
    /// The name that others see.
    pub name: String,
    /// What the member is there for.
    pub role: Role,
    /// The country or institution.
    pub delegation: DelegationId,
    /// What a chair has done to the microphone.
    pub mute: MuteView,
    /// Signalling and media are gone; the member has the grace to come back.
    #[serde(default, skip_serializing_if = "is_false")]
    pub lost: bool,
}

/// A hand in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandView {
    /// Whose it is.
    pub member: MemberId,
    /// Since when it is in the queue.
    pub since: Timestamp,
}

/// A turn in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnView {
    /// Its number.
    pub turn: TurnNumber,
    /// Who has it.
    pub member: MemberId,
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
    /// The clock is held until a chair resumes it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub held: bool,
}

impl Meeting {
    /// The whole state for a client.
    pub fn snapshot(&self, now: Timestamp) -> Snapshot {
        let here = self.presence.here().iter();
        let hands = self.floor.hands().iter();
        Snapshot {
            rev: self.rev,
            at: now,
            session: SessionView {
                id: self.plan.id.clone(),
                title: self.plan.title.clone(),
                state: self.state,
                start: self.plan.start,
                minutes: self.plan.minutes,
                opened_at: self.opened_at,
                items: self.plan.items.clone(),
            },
            floor: FloorView {
                mode: self.floor.mode,
                microphones: self.floor.microphones,
                last_turn: self.floor.last_turn,
                turn_ms: self.floor.turn_ms,
                warning_ms: self.floor.warning_ms,
            },
            members: here
                .filter_map(|(member, attendee)| self.member_view(member, attendee))
                .collect(),
            queue: hands
                .map(|hand| HandView {
                    member: hand.member.clone(),
                    since: hand.since,
                })
                .collect(),
            turns: self
                .floor
                .turns()
                .iter()
                .map(|turn| turn_view(turn, now))
                .collect(),
        }
    }

    fn member_view(&self, member: &MemberId, attendee: &Attendee) -> Option<MemberView> {
        let seat = self.seat(member)?;
        Some(MemberView {
            id: member.clone(),
            name: attendee.name.clone(),
            role: seat.role,
            delegation: seat.delegation.clone(),
            mute: match &attendee.microphone {
                Microphone::Open => MuteView::None,
                Microphone::Shut { asked: false, .. } => MuteView::Muted,
                Microphone::Shut { asked: true, .. } => MuteView::Asked,
            },
            lost: attendee.lost_at.is_some(),
        })
    }
}

fn turn_view(turn: &Turn, now: Timestamp) -> TurnView {
    TurnView {
        turn: turn.number,
        member: turn.member.clone(),
        phase: turn.phase,
        granted_at: turn.granted_at,
        limit_ms: turn.limit,
        spent_ms: turn.spent(now),
        running: turn.is_running(),
        warned: turn.warned,
        overtime: turn.overtime,
        held: turn.held,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meeting::script;

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
        let snapshot = script::empty().meeting.snapshot(Timestamp(5));
        let value = serde_json::to_value(&snapshot).expect("JSON");
        assert_eq!(value["session"].get("opened_at"), None);
        assert_eq!(value["session"]["state"], "scheduled");
        assert_eq!(value["floor"]["last_turn"], 0);
        let read: Snapshot = serde_json::from_value(value).expect("a snapshot");
        assert_eq!(read, snapshot);
    }
}
