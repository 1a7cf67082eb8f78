//! What an event leaves behind: who came, who spoke, what was decided, as a document and as tables.
//!
//! Pure: made of the sessions' journal entries and the programme. It must never know where those are
//! kept, nor where the record goes.
//!
//! | file | what it does |
//! |---|---|
//! | `fold` | reads a session's entries one after the other |
//! | `attendance` | who came, when, and for how long |
//! | `decisions` | what chairs did, in words |
//! | `names` | what people and delegations are called |
//! | `when` | times in the event's time zone |
//! | `markdown`, `tables`, `json` | the record as a document, as CSV, as JSON |

mod attendance;
mod decisions;
mod fold;
mod json;
mod markdown;
mod names;
mod tables;
mod when;

use serde::Serialize;

pub use tables::TABLES;
pub use when::When;

use self::names::Names;
use crate::{
    ids::{DelegationId, EventId, ItemId, MemberId, SessionId},
    meeting::{event::Recorded, record::Addressee},
    programme::Programme,
    time::Millis,
};

/// Version of the JSON object's form. A change that an older reader would misread raises it.
const FORM: u16 = 1;

/// What a session left behind: its entries in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    /// The session.
    pub session: SessionId,
    /// Everything that happened in it.
    pub entries: Vec<Recorded>,
}

/// Whether the record has what was written to the chairs alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChairsChat {
    /// It is for everybody.
    Without,
    /// It is for the chairs.
    With,
}

/// The whole record. As data it is the JSON object that `roundtable event export` writes.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Record {
    form: u16,
    event: EventId,
    title: String,
    time_zone: String,
    /// The hash of the event's own journal, as `verify` says it.
    head: String,
    /// Over all sessions; of items, those in which somebody spoke.
    speaking: Speaking,
    sessions: Vec<Session>,
}

/// One session.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "RecordSession")]
struct Session {
    session: SessionId,
    title: String,
    planned_start: Option<When>,
    planned_minutes: Option<u32>,
    opened: Option<When>,
    closed: Option<When>,
    items: Vec<Item>,
    attendance: Vec<Attended>,
    turns: Vec<Turn>,
    speaking: Speaking,
    chat: Vec<Message>,
    notices: Vec<Note>,
    notes: Vec<Note>,
    decisions: Vec<Decision>,
    recommendations: Vec<Recommendation>,
}

/// An item of the agenda.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "RecordItem")]
struct Item {
    item: ItemId,
    title: String,
    planned_minutes: Option<u32>,
    /// When it began first.
    started: Option<When>,
}

/// Somebody, as others read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "RecordPerson")]
struct Person {
    member: MemberId,
    name: String,
    delegation: Option<DelegationId>,
    delegation_name: String,
}

/// A member who came.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "RecordAttended")]
struct Attended {
    #[serde(flatten)]
    person: Person,
    role: Option<&'static str>,
    came: When,
    /// Nothing where the member was there at the end of what is recorded.
    gone: Option<When>,
    present_ms: Millis,
    stays: Vec<Stay>,
}

/// A time in the room.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "RecordStay")]
struct Stay {
    came: When,
    gone: Option<When>,
}

/// A turn on the floor.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "RecordTurn")]
struct Turn {
    turn: u64,
    #[serde(flatten)]
    person: Person,
    kind: &'static str,
    /// What was on when it began.
    item: Option<ItemId>,
    /// When speech was heard first; where none was, when the floor was given.
    from: When,
    spoken_ms: Millis,
    /// Why it ended, in words; nothing where it goes on.
    ended: Option<String>,
}

/// Speaking times, the longest first.
#[derive(Debug, Clone, PartialEq, Default, Serialize, schemars::JsonSchema)]
#[schemars(rename = "RecordSpeaking")]
struct Speaking {
    by_member: Vec<ByMember>,
    by_delegation: Vec<ByDelegation>,
    by_item: Vec<ByItem>,
}

#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "RecordByMember")]
struct ByMember {
    #[serde(flatten)]
    person: Person,
    turns: u64,
    spoken_ms: Millis,
}

#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "RecordByDelegation")]
struct ByDelegation {
    delegation: Option<DelegationId>,
    delegation_name: String,
    turns: u64,
    spoken_ms: Millis,
}

#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "RecordByItem")]
struct ByItem {
    session: SessionId,
    /// Nothing: before the first.
    item: Option<ItemId>,
    title: String,
    turns: u64,
    spoken_ms: Millis,
}

/// A message of the chat.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "RecordMessage")]
struct Message {
    at: When,
    #[serde(flatten)]
    person: Person,
    to: Addressee,
    text: String,
}

/// A notice to everybody, or a note for the minutes.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "RecordNote")]
struct Note {
    at: When,
    #[serde(flatten)]
    person: Person,
    item: Option<ItemId>,
    text: String,
}

/// Something that a chair did.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "RecordDecision")]
struct Decision {
    at: When,
    #[serde(flatten)]
    person: Person,
    /// In words that follow the name.
    what: String,
}

/// A proposed recommendation.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "RecordRecommendation")]
struct Recommendation {
    number: u32,
    text: String,
    proposed_at: When,
    proposer: Person,
    supporters: Vec<Person>,
    status: &'static str,
    signed: Vec<Signature>,
}

/// An institute's.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "RecordSignature")]
struct Signature {
    institute: DelegationId,
    institute_name: String,
    by: Person,
    at: When,
}

impl Record {
    /// The record of an event. Sessions come in the programme's order, then those that it does not
    /// have any more. `head`: the hash of the event's own journal.
    pub fn new(
        programme: &Programme,
        journals: &[Journal],
        head: String,
        chairs: ChairsChat,
    ) -> Self {
        let names = Names::new(programme, journals);
        let planned = programme.sessions().map(|(_, plan)| plan);
        let mut sessions: Vec<Session> = planned
            .map(|plan| {
                let its = journals.iter().find(|journal| journal.session == plan.id);
                let entries = its.map_or(&[][..], |journal| &journal.entries);
                fold::session((&plan.id, Some(plan)), entries, &names, chairs)
            })
            .collect();
        sessions.extend(
            journals
                .iter()
                .filter(|journal| programme.session(&journal.session).is_none())
                .map(|dropped| {
                    fold::session((&dropped.session, None), &dropped.entries, &names, chairs)
                }),
        );
        let turns = || sessions.iter().flat_map(|session| &session.turns);
        let mut speaking = Speaking::of(turns(), Vec::new());
        speaking.by_item = sessions
            .iter()
            .flat_map(|session| session.speaking.by_item.clone())
            .filter(|item| item.turns > 0)
            .collect();
        Self {
            form: FORM,
            event: programme.id.clone(),
            title: programme.title.clone(),
            time_zone: programme.time_zone.clone(),
            head,
            speaking,
            sessions,
        }
    }
}
