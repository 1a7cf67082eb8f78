//! A meeting's state. It changes by [`Meeting::apply`] alone.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::{
    ids::{ItemId, MemberId},
    meeting::{
        agenda::{Profile, SessionPlan},
        event::{Audience, Change, PictureSource, Rev},
        floor::Floor,
        presence::Presence,
        record::Written,
        refusal::{Refusal, RefusalCode},
        roster::{Role, Seat},
        session::{SessionState, Standing},
        settings::Settings,
        spoken::Spoken,
    },
    time::Timestamp,
};

/// One session's meeting. The same plan, seats, settings and events give the same meeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meeting {
    pub(super) plan: Arc<SessionPlan>,
    pub(super) seats: Arc<BTreeMap<MemberId, Seat>>,
    /// The chairs by rank: as the roster has them.
    pub(super) chairs: Arc<Vec<MemberId>>,
    pub(super) settings: Arc<Settings>,
    /// From when on no session is reopened. Commands alone ask for it, so that it is no part of the basis.
    pub(super) event_ends: Option<Timestamp>,
    pub(super) rev: Rev,
    /// When the last event was: time never runs backwards in a meeting.
    pub(super) latest: Timestamp,
    /// When this process took it up: nobody could come back before. No event sets it, as none sets
    /// the settings.
    pub(super) resumed_at: Timestamp,
    pub(super) state: SessionState,
    pub(super) opened_at: Option<Timestamp>,
    pub(super) profile: Arc<Profile>,
    pub(super) agenda: Agenda,
    pub(super) desk: Desk,
    pub(super) presence: Presence,
    pub(super) floor: Floor,
    pub(super) spoken: Spoken,
    pub(super) written: Arc<Written>,
}

/// Raised with every change of what is kept, so that no text of another form is read.
const KEPT_VERSION: u16 = 2;

/// A meeting as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    v: u16,
    rev: Rev,
    latest: Timestamp,
    state: SessionState,
    opened_at: Option<Timestamp>,
    profile: Cow<'a, Profile>,
    agenda: Cow<'a, Agenda>,
    desk: Cow<'a, Desk>,
    presence: Cow<'a, Presence>,
    floor: Cow<'a, Floor>,
    spoken: Cow<'a, Spoken>,
    written: Cow<'a, Written>,
}

/// Where the agenda is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Agenda {
    /// The item that is on, and since when.
    pub(super) item: Option<(ItemId, Timestamp)>,
    /// What waits for the end of the turns, and who wanted it.
    pub(super) awaited: Option<(Change, MemberId)>,
}

/// What chairs have laid down, and who of them is there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Desk {
    /// To whom the chair was handed over last.
    pub(super) handed_to: Option<MemberId>,
    /// A chair has been in the room.
    pub(super) had_chair: bool,
    /// Since when no chair can be reached, of those who had been.
    pub(super) no_chair_since: Option<Timestamp>,
    /// For so long that the queue runs by itself.
    pub(super) chair_absent: bool,
    pub(super) locked: bool,
    pub(super) spotlight: Option<MemberId>,
    /// Whose hands are not taken. Bounded by the roster, as is the next.
    pub(super) blocked: BTreeSet<MemberId>,
    pub(super) stopped: BTreeSet<(MemberId, PictureSource)>,
}

impl Meeting {
    /// A scheduled session with nobody in the room. Of two seats for one member the later counts.
    pub fn new(plan: SessionPlan, seats: Vec<Seat>, settings: Settings) -> Self {
        let profile = Arc::new(plan.profile.clone());
        let chairs = seats.iter().filter(|seat| seat.role == Role::Chair);
        let chairs = Arc::new(chairs.map(|seat| seat.member.clone()).collect());
        let seats = seats.into_iter().map(|seat| (seat.member.clone(), seat));
        Self {
            plan: Arc::new(plan),
            seats: Arc::new(seats.collect()),
            chairs,
            settings: Arc::new(settings),
            event_ends: None,
            rev: Rev::default(),
            latest: Timestamp(i64::MIN),
            resumed_at: Timestamp(i64::MIN),
            state: SessionState::Scheduled,
            opened_at: None,
            profile,
            agenda: Agenda::default(),
            desk: Desk::default(),
            presence: Presence::default(),
            floor: Floor::default(),
            spoken: Spoken::default(),
            written: Arc::default(),
        }
    }

    /// The same session, of an event that ends then.
    #[must_use]
    pub fn until(self, event_ends: Option<Timestamp>) -> Self {
        Self { event_ends, ..self }
    }

    /// Counts the events applied so far.
    pub fn rev(&self) -> Rev {
        self.rev
    }

    /// When the last event was. What is decided or looked at earlier, by a clock that was set back, is
    /// decided then.
    pub fn latest(&self) -> Timestamp {
        self.latest
    }

    /// A process that was not there before takes the meeting up: who is lost has the whole time to come
    /// back from now on, and so have the chairs.
    pub fn take_up(&mut self, now: Timestamp) {
        self.resumed_at = now;
    }

    /// Where the session is in its life.
    pub fn state(&self) -> SessionState {
        self.state
    }

    /// What the session was planned to be.
    pub fn plan(&self) -> &SessionPlan {
        &self.plan
    }

    /// The session's settings as they are now.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The item of the agenda that is on, and since when.
    pub fn item(&self) -> Option<(&ItemId, Timestamp)> {
        self.agenda.item.as_ref().map(|(item, at)| (item, *at))
    }

    /// Where the session stands.
    pub fn standing(&self) -> Standing {
        Standing {
            state: self.state,
            opened_at: self.opened_at,
            item: self.agenda.item.clone(),
        }
    }

    /// When the session was opened first, if it was.
    pub fn opened_at(&self) -> Option<Timestamp> {
        self.opened_at
    }

    /// The member's place on the roster.
    pub fn seat(&self, member: &MemberId) -> Option<&Seat> {
        self.seats.get(member)
    }

    /// What the member is told.
    pub fn audience(&self, member: &MemberId) -> Audience {
        match self.seat(member).map(|seat| seat.role) {
            Some(Role::Chair | Role::Organiser) => Audience::Chairs,
            Some(
                Role::Delegate
                | Role::Podium
                | Role::Interpreter
                | Role::Observer
                | Role::Technician,
            )
            | None => Audience::Members,
        }
    }

    /// A chair's place among the event's chairs, from 1.
    pub(super) fn rank(&self, member: &MemberId) -> Option<u16> {
        let place = self.chairs.iter().position(|it| it == member)?;
        u16::try_from(place.saturating_add(1)).ok()
    }

    /// The chair who moderates now: to whom it was handed over, else the first by rank who can be
    /// reached.
    pub fn acting_chair(&self) -> Option<&MemberId> {
        let handed = self.desk.handed_to.iter();
        let is_there = |it: &&MemberId| self.presence.contains(it) && !self.is_lost(it);
        handed.chain(self.chairs.iter()).find(is_there)
    }

    /// Everybody in the room.
    pub fn present(&self) -> impl Iterator<Item = &MemberId> {
        self.presence.here().keys()
    }

    /// Whether the member is in the room by right only, with signalling and media gone.
    pub fn is_lost(&self, member: &MemberId) -> bool {
        self.presence.lost_at(member).is_some()
    }

    /// Whether the member waits for a chair to admit it.
    pub fn is_in_lobby(&self, member: &MemberId) -> bool {
        self.presence.is_waiting(member)
    }

    /// The queue and the turns.
    pub fn floor(&self) -> &Floor {
        &self.floor
    }

    /// How long everybody has spoken.
    pub fn spoken(&self) -> &Spoken {
        &self.spoken
    }

    /// Everything that the events have made of it, as text: [`Meeting::restore`] reads it. What it was
    /// planned to be and the roster are not in it.
    ///
    /// # Errors
    ///
    /// Never, as far as is known.
    pub fn keep(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Kept {
            v: KEPT_VERSION,
            rev: self.rev,
            latest: self.latest,
            state: self.state,
            opened_at: self.opened_at,
            profile: Cow::Borrowed(&*self.profile),
            agenda: Cow::Borrowed(&self.agenda),
            desk: Cow::Borrowed(&self.desk),
            presence: Cow::Borrowed(&self.presence),
            floor: Cow::Borrowed(&self.floor),
            spoken: Cow::Borrowed(&self.spoken),
            written: Cow::Borrowed(&*self.written),
        })
    }

    /// The meeting of this one's plan, seats and settings that [`Meeting::keep`] wrote down.
    ///
    /// # Errors
    ///
    /// Where the text is none of this version's.
    pub fn restore(&self, kept: &str) -> Result<Self, serde_json::Error> {
        let kept: Kept<'static> = serde_json::from_str(kept)?;
        if kept.v != KEPT_VERSION {
            return Err(serde::de::Error::custom("it is of another version"));
        }
        Ok(Self {
            plan: Arc::clone(&self.plan),
            seats: Arc::clone(&self.seats),
            chairs: Arc::clone(&self.chairs),
            settings: Arc::clone(&self.settings),
            event_ends: self.event_ends,
            rev: kept.rev,
            latest: kept.latest,
            resumed_at: self.resumed_at,
            state: kept.state,
            opened_at: kept.opened_at,
            profile: Arc::new(kept.profile.into_owned()),
            agenda: kept.agenda.into_owned(),
            desk: kept.desk.into_owned(),
            presence: kept.presence.into_owned(),
            floor: kept.floor.into_owned(),
            spoken: kept.spoken.into_owned(),
            written: Arc::new(kept.written.into_owned()),
        })
    }

    /// What a kept meeting belongs to: another plan, roster, settings or form give another text.
    pub fn basis(&self) -> String {
        let parts = (
            KEPT_VERSION,
            &*self.plan,
            &*self.seats,
            &*self.chairs,
            &*self.settings,
        );
        // A plan and a roster can always be written.
        serde_json::to_string(&parts).unwrap_or_default()
    }

    /// The member's pictures that a chair has stopped.
    pub(super) fn stopped(&self, member: &MemberId) -> Vec<PictureSource> {
        let of_member =
            |(its, source): &(MemberId, PictureSource)| (its == member).then_some(*source);
        self.desk.stopped.iter().filter_map(of_member).collect()
    }

    pub(super) fn require_seat(&self, member: &MemberId) -> Result<&Seat, Refusal> {
        self.seat(member).ok_or_else(|| {
            Refusal::new(
                RefusalCode::UnknownMember,
                format!("{member} is not on the roster of this event."),
            )
        })
    }
}
