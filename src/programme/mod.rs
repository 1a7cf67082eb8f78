//! An event as its organiser wrote it: days, sessions, delegations, roster; the event file.
//!
//! Pure: it is given text and answers what is wrong with it. It must never know where the text
//! came from or where it is kept. Its one source beside its arguments is the time zone database
//! (the system's, else the one built in).
//!
//! [`parse_within`] reads a file (`file`, with `days` for when, `profile` for the floor and `seats` for
//! who; `table` reads keys strictly, `problem` says where something is wrong) within [`Settings`].
//! `moving` shifts an event in time. `document` is an event as its file says it, to be written; `json`
//! reads one that was written as JSON.

mod days;
mod document;
mod file;
pub mod json;
mod moving;
mod problem;
mod profile;
mod seats;
mod settings;
mod table;

pub use document::Document;
pub use file::{parse, parse_within};
pub use problem::Problem;
pub use settings::Settings;

use jiff::tz::TimeZone;

use crate::{
    ids::{DelegationId, EventId, MemberId, SessionId},
    meeting::{agenda::SessionPlan, roster::Seat},
    time::{Millis, Timestamp},
};

/// The model event's file, as it is embedded for the demo.
pub const MODEL_EVENT: &str = include_str!("../../config/nartt-2020.toml");

/// A whole event.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Programme {
    /// The event's slug.
    pub id: EventId,
    /// What it is called.
    pub title: String,
    /// IANA name, such as `Asia/Jakarta`.
    pub time_zone: String,
    /// Countries and institutions.
    pub delegations: Vec<Delegation>,
    /// Everybody who may take part.
    pub seats: Vec<Seat>,
    /// The days in order.
    pub days: Vec<Day>,
}

/// A country or institution.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Delegation {
    /// Its slug.
    pub id: DelegationId,
    /// Its name.
    pub name: String,
}

/// One day of an event.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Day {
    /// ISO date in the event's time zone, such as `2020-11-19`.
    pub date: String,
    /// Its sessions in order.
    pub sessions: Vec<SessionPlan>,
}

/// How far a session has come, as far as choosing the current one needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It has not been opened yet.
    Ahead,
    /// It is open, paused or not.
    On,
    /// It has been closed.
    Over,
}

impl Programme {
    /// The seat of a member.
    pub fn seat(&self, member: &MemberId) -> Option<&Seat> {
        self.seats.iter().find(|seat| seat.member == *member)
    }

    /// A session as planned.
    pub fn session(&self, session: &SessionId) -> Option<&SessionPlan> {
        self.sessions()
            .map(|(_, plan)| plan)
            .find(|plan| plan.id == *session)
    }

    /// Every session in order, each with the number of its day, counted from 1.
    pub fn sessions(&self) -> impl DoubleEndedIterator<Item = (usize, &SessionPlan)> {
        self.days.iter().enumerate().flat_map(|(index, day)| {
            let number = index.saturating_add(1);
            day.sessions.iter().map(move |plan| (number, plan))
        })
    }

    /// The session that somebody enters whose link names none: the one that is on (of several,
    /// the last in order, as the event moves on), else the next one, else the last.
    ///
    /// The next one is the first that is ahead and whose planned end has not passed; when the
    /// agenda runs so late that there is none, the first that is ahead.
    pub fn current(
        &self,
        now: Timestamp,
        progress: impl Fn(&SessionId) -> Progress,
    ) -> Option<&SessionPlan> {
        let plans = || self.sessions().map(|(_, plan)| plan);
        let on = plans().rfind(|plan| progress(&plan.id) == Progress::On);
        let ahead = || plans().filter(|plan| progress(&plan.id) == Progress::Ahead);
        on.or_else(|| ahead().find(|plan| planned_end(plan) > now))
            .or_else(|| ahead().next())
            .or_else(|| plans().next_back())
    }

    /// The planned start of the first session.
    pub fn starts(&self) -> Option<Timestamp> {
        self.sessions().map(|(_, plan)| plan.start).min()
    }

    /// The planned end of the last session.
    pub fn ends(&self) -> Option<Timestamp> {
        self.sessions().map(|(_, plan)| planned_end(plan)).max()
    }

    /// From when on the event is over: the end of the day, in its time zone, on which its last session
    /// is planned to end. Sessions run late.
    pub fn over(&self) -> Option<Timestamp> {
        let zone = TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC);
        let next = self.date_at(self.ends()?)?.tomorrow().ok()?;
        let midnight = next.to_zoned_datetime(zone).ok()?;
        Some(Timestamp(midnight.timestamp().as_millisecond()))
    }
}

/// When a session is to be over.
pub fn planned_end(plan: &SessionPlan) -> Timestamp {
    plan.start + Millis::from_secs(u64::from(plan.minutes) * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> Programme {
        parse(MODEL_EVENT).unwrap_or_else(|problems| panic!("{problems:#?}"))
    }

    /// The current session when these are on or over, and all others ahead.
    fn current(now: Timestamp, on: &[&str], over: &[&str]) -> String {
        let event = model();
        let progress = |id: &SessionId| {
            if on.contains(&id.as_str()) {
                Progress::On
            } else if over.contains(&id.as_str()) {
                Progress::Over
            } else {
                Progress::Ahead
            }
        };
        let plan = event.current(now, progress).expect("a session");
        plan.id.to_string()
    }

    #[test]
    fn the_current_session_is_the_one_on_else_the_next_else_the_last() {
        let event = model();
        let start = event.starts().expect("sessions");
        let before = Timestamp(start.0 - 86_400_000);
        assert_eq!(current(before, &[], &[]), "session-1");
        assert_eq!(current(start, &[], &[]), "session-1");
        assert_eq!(current(start, &["session-3"], &[]), "session-3");
        assert_eq!(
            current(start, &["session-1", "session-2"], &[]),
            "session-2"
        );
        assert_eq!(current(start, &[], &["session-1"]), "session-2");

        // On the second day nobody is sent to what was planned for the first and never opened.
        let second_day = event.days[1].sessions[0].start;
        assert_eq!(current(second_day, &[], &["session-1"]), "session-3");

        let end = event.ends().expect("sessions");
        assert_eq!(current(end, &[], &["session-1", "session-2"]), "session-3");
        let all = ["session-1", "session-2", "session-3", "session-4"];
        assert_eq!(current(end, &[], &all), "session-4");
    }

    #[test]
    fn an_event_without_sessions_has_no_current_one() {
        let mut event = model();
        event.days.clear();
        assert_eq!(event.current(Timestamp(0), |_| Progress::On), None);
        assert_eq!((event.starts(), event.ends()), (None, None));
        assert_eq!(event.over(), None);
    }

    #[test]
    fn the_end_is_the_last_sessions() {
        let last = &model().days[1].sessions[1];
        assert_eq!(model().ends(), Some(Timestamp(last.start.0 + 105 * 60_000)));
    }

    #[test]
    fn it_is_over_when_the_last_sessions_day_is_where_it_takes_place() {
        let midnight: jiff::Timestamp = "2020-11-20T17:00:00Z".parse().expect("a time");
        let midnight = Timestamp(midnight.as_millisecond());
        let mut event = model();
        assert_eq!(event.over(), Some(midnight));
        event.time_zone = "UTC".to_owned();
        assert_eq!(event.over(), Some(midnight + Millis::from_secs(7 * 3600)));
    }

    #[test]
    fn what_is_kept_reads_back_the_same() {
        let event = model();
        let text = serde_json::to_string(&event).expect("JSON");
        let back: Programme = serde_json::from_str(&text).expect("the event");
        assert_eq!(back, event);
    }
}
