//! The part of an event file that says when: days, sessions, agenda items, profiles.

use std::collections::BTreeSet;

use jiff::{
    civil,
    tz::{AmbiguousOffset, TimeZone},
};
use toml::{Spanned, de::DeValue};

use super::{
    Day, TITLE_CHARS_MAX,
    problem::{Problems, did_you_mean},
    table::Table,
};
use crate::{
    ids::{ItemId, SessionId},
    meeting::agenda::{FloorMode, Item, Profile, SessionPlan},
    time::{Millis, Timestamp},
};

// Each bound refuses the file.
/// Days of an event at most.
const DAYS_MAX: usize = 31;
/// Sessions of a day at most.
const SESSIONS_MAX: usize = 24;
/// Items of a session at most.
const ITEMS_MAX: usize = 100;

const MINUTES_PER_DAY: u32 = 24 * 60;
const MODES: [(&str, FloorMode); 2] = [("request", FloorMode::Request), ("open", FloorMode::Open)];

/// Reads `days`; whatever is wrong with them has been reported.
pub(super) fn read(
    root: &mut Table<'_>,
    time_zone: &TimeZone,
    problems: &mut Problems<'_>,
) -> Vec<Day> {
    let values: Vec<_> = root.array("days", problems).collect();
    if values.is_empty() {
        problems.at(
            root.place(),
            "`[[days]]` is missing: an event has a day at least",
        );
    }
    if let Some(value) = values.get(DAYS_MAX) {
        problems.at(
            &value.span(),
            format!("an event has at most {DAYS_MAX} days"),
        );
    }
    let mut days = Days {
        time_zone,
        session_ids: BTreeSet::new(),
        last: None,
    };
    let read = values.into_iter().take(DAYS_MAX);
    read.filter_map(|value| days.day(value, problems)).collect()
}

/// What one day or session is compared with.
struct Days<'z> {
    time_zone: &'z TimeZone,
    session_ids: BTreeSet<SessionId>,
    /// The date of the day before.
    last: Option<civil::Date>,
}

/// The planned end of the session before.
struct Before {
    id: SessionId,
    end: civil::DateTime,
}

impl Days<'_> {
    fn day(&mut self, value: &Spanned<DeValue<'_>>, problems: &mut Problems<'_>) -> Option<Day> {
        let mut table = Table::of(value, problems)?;
        let date = table.required_date("date", problems);
        if let (Some(date), Some(last)) = (&date, self.last)
            && *date.get_ref() <= last
        {
            let message = format!("the day before it is {last}: days are in order, each once");
            problems.at(&date.span(), message);
        }
        self.last = date.as_ref().map(|date| *date.get_ref()).or(self.last);

        let values: Vec<_> = table.array("sessions", problems).collect();
        if values.is_empty() {
            let message = "`[[days.sessions]]` is missing: a day has a session at least";
            problems.at(table.place(), message);
        }
        if let Some(value) = values.get(SESSIONS_MAX) {
            let message = format!("a day has at most {SESSIONS_MAX} sessions");
            problems.at(&value.span(), message);
        }
        let date_or_any = date
            .as_ref()
            .map_or(civil::Date::ZERO, |date| *date.get_ref());
        let mut before = None;
        let sessions = values
            .into_iter()
            .take(SESSIONS_MAX)
            .filter_map(|value| self.session(value, date_or_any, &mut before, problems))
            .collect();
        table.finish(problems);
        Some(Day {
            date: date?.get_ref().to_string(),
            sessions,
        })
    }

    fn session(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        date: civil::Date,
        before: &mut Option<Before>,
        problems: &mut Problems<'_>,
    ) -> Option<SessionPlan> {
        let mut table = Table::of(value, problems)?;
        let id = table.required_name::<SessionId>("id", problems);
        if let Some(id) = &id
            && !self.session_ids.insert(id.get_ref().clone())
        {
            let message = format!("there is a session `{}` already", id.get_ref());
            problems.at(&id.span(), message);
        }
        let title = table.required_line("title", TITLE_CHARS_MAX, problems);
        let time = table.required_time("start", problems);
        let minutes = table.required_whole("minutes", 1..=MINUTES_PER_DAY, problems);
        let items = items(&mut table, problems);
        if let Some(minutes) = &minutes {
            let items_minutes: u32 = items.iter().map(|item| item.minutes).sum();
            if items_minutes > *minutes.get_ref() {
                let message = format!(
                    "the items take {items_minutes} minutes, the session has {}",
                    minutes.get_ref()
                );
                problems.at(&minutes.span(), message);
            }
        }
        let profile = match table.table("profile", problems) {
            Some(table) => profile(table, problems),
            None => Profile::default(),
        };
        table.finish(problems);

        let (id, time, minutes) = (id?.into_inner(), time?, minutes?.into_inner());
        let start = date.to_datetime(*time.get_ref());
        let end = start.saturating_add(jiff::SignedDuration::from_mins(minutes.into()));
        let midnight = date
            .tomorrow()
            .map(|next| next.to_datetime(civil::Time::midnight()));
        if midnight.is_ok_and(|midnight| end > midnight) {
            let message = format!("a session of {minutes} minutes from here ends on the next day");
            problems.at(&time.span(), message);
        }
        if let Some(before) = before
            && start < before.end
        {
            let message = format!(
                "`{}` lasts until {}: sessions are in order and do not overlap",
                before.id,
                before.end.strftime("%H:%M")
            );
            problems.at(&time.span(), message);
        }
        let start = self.timestamp(start, &time, problems);
        *before = Some(Before {
            id: id.clone(),
            end,
        });
        Some(SessionPlan {
            id,
            title: title?,
            start: start?,
            minutes,
            items,
            profile,
        })
    }

    fn timestamp(
        &self,
        start: civil::DateTime,
        time: &Spanned<civil::Time>,
        problems: &mut Problems<'_>,
    ) -> Option<Timestamp> {
        let local = self.time_zone.to_ambiguous_zoned_datetime(start);
        // An hour that comes twice, when clocks go back, means the first of the two.
        let skipped = matches!(local.offset(), AmbiguousOffset::Gap { .. });
        match local.compatible() {
            Ok(zoned) if !skipped => Some(Timestamp(zoned.timestamp().as_millisecond())),
            Ok(_) | Err(_) => {
                let message = "this time of day does not exist on that day in the time zone";
                problems.at(&time.span(), message);
                None
            }
        }
    }
}

fn items(session: &mut Table<'_>, problems: &mut Problems<'_>) -> Vec<Item> {
    let values: Vec<_> = session.array("items", problems).collect();
    if let Some(value) = values.get(ITEMS_MAX) {
        let message = format!("a session has at most {ITEMS_MAX} items");
        problems.at(&value.span(), message);
    }
    let mut ids = BTreeSet::new();
    let read = values.into_iter().take(ITEMS_MAX);
    read.filter_map(|value| item(value, &mut ids, problems))
        .collect()
}

fn item(
    value: &Spanned<DeValue<'_>>,
    ids: &mut BTreeSet<ItemId>,
    problems: &mut Problems<'_>,
) -> Option<Item> {
    let mut table = Table::of(value, problems)?;
    let id = table.required_name::<ItemId>("id", problems);
    if let Some(id) = &id
        && !ids.insert(id.get_ref().clone())
    {
        let message = format!("the session has an item `{}` already", id.get_ref());
        problems.at(&id.span(), message);
    }
    let title = table.required_line("title", TITLE_CHARS_MAX, problems);
    let minutes = table.required_whole("minutes", 1..=MINUTES_PER_DAY, problems);
    table.finish(problems);
    Some(Item {
        id: id?.into_inner(),
        title: title?,
        minutes: minutes?.into_inner(),
    })
}

/// Reads a profile over the defaults.
fn profile(mut table: Table<'_>, problems: &mut Problems<'_>) -> Profile {
    let mut profile = Profile::default();
    if let Some(mode) = table.text("mode", problems) {
        let written = *mode.get_ref();
        match MODES.into_iter().find(|(word, _)| *word == written) {
            Some((_, mode)) => profile.mode = mode,
            None => {
                let hint = did_you_mean(written, MODES.map(|(word, _)| word));
                let message = format!("`mode` must be \"request\" or \"open\"{hint}");
                problems.at(&mode.span(), message);
            }
        }
    }
    // The ranges fit the types, so the conversions keep every value.
    if let Some(number) = table.whole("microphones", 1..=25, problems) {
        profile.microphones = u8::try_from(number.into_inner()).unwrap_or(u8::MAX);
    }
    if let Some(number) = table.whole("queue", 1..=500, problems) {
        profile.queue_max = u16::try_from(number.into_inner()).unwrap_or(u16::MAX);
    }
    if let Some(minutes) = table.whole("turn_minutes", 1..=60, problems) {
        profile.turn_ms = Millis::from_secs(u64::from(minutes.into_inner()) * 60);
    }
    let warning = table.whole("warning_seconds", 0..=120, problems);
    if let Some(seconds) = &warning {
        profile.warning_ms = Millis::from_secs((*seconds.get_ref()).into());
    }
    if profile.warning_ms >= profile.turn_ms {
        let place = warning.map_or_else(|| table.place().clone(), |warning| warning.span());
        let message = "the warning must come after the turn's start: make `warning_seconds` less \
                       than the turn";
        problems.at(&place, message);
    }
    table.finish(problems);
    profile
}
