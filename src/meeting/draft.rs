//! A decision in the making: the events so far, and the state as it would be after them.
//!
//! A rule that looks at the state after its own earlier events (a turn ends, so a microphone is
//! free) looks at the draft. It works on a copy: the plan and the roster are shared, the rest is
//! as small as the room, and commands come at the pace of people.

use std::ops::Deref;

use crate::{
    ids::MemberId,
    meeting::{
        event::{Event, Placed},
        queue::{self, HandKind, Why},
        state::Meeting,
    },
    time::Timestamp,
};

pub(super) struct Draft {
    meeting: Meeting,
    pub(super) now: Timestamp,
    events: Vec<Event>,
}

impl Draft {
    pub(super) fn new(meeting: &Meeting, now: Timestamp) -> Self {
        Self {
            meeting: meeting.clone(),
            now: now.max(meeting.latest),
            events: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, event: Event) {
        self.meeting.apply(self.now, &event);
        self.events.push(event);
    }

    /// The queue as it would be with this hand raised now.
    pub(super) fn with_hand(&self, member: &MemberId, kind: HandKind) -> Vec<Placed> {
        let mut meeting = self.meeting.clone();
        let why = Why::default();
        meeting
            .floor
            .raise_hand(self.now, (member, kind), None, why);
        queue::order(&meeting)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub(super) fn into_events(self) -> Vec<Event> {
        self.events
    }
}

/// Rules read a draft as the meeting that it would make; only `push` changes it.
impl Deref for Draft {
    type Target = Meeting;
    fn deref(&self) -> &Meeting {
        &self.meeting
    }
}
