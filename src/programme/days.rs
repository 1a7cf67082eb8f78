//! The part of an event file that says when: days, sessions, agenda items.

use std::collections::BTreeSet;

use jiff::{
    civil,
    tz::{AmbiguousOffset, TimeZone},
};
use toml::{Spanned, de::DeValue};

use super::{Day, Settings, problem::Problems, profile, table::Table};
use crate::{
    ids::{ItemId, MemberId, SessionId},
    meeting::agenda::{Item, Profile, ProfileChange, SessionPlan},
    time::Timestamp,
};

const MINUTES_PER_DAY: u32 = 24 * 60;

/// Reads `days`, and who is on their prepared lists; whatever is wrong with them has been reported.
pub(super) fn read(
    root: &mut Table<'_>,
    time_zone: &TimeZone,
    settings: &Settings,
    problems: &mut Problems<'_>,
) -> (Vec<Day>, Vec<Spanned<MemberId>>) {
    let Some(values) = root.array("days", problems) else {
        return (Vec::new(), Vec::new());
    };
    if values.is_empty() {
        problems.at(
            root.place(),
            "`[[days]]` is missing: an event has a day at least",
        );
    }
    let days_max = settings.days_max;
    if let Some(value) = values.get(days_max) {
        problems.at(
            &value.span(),
            format!("an event has at most {days_max} days"),
        );
    }
    let mut days = Days {
        time_zone,
        settings,
        session_ids: BTreeSet::new(),
        last: None,
        listed: Vec::new(),
    };
    let read = values.into_iter().take(days_max);
    let read = read.filter_map(|value| days.day(value, problems)).collect();
    (read, days.listed)
}

/// What one day or session is compared with.
struct Days<'z> {
    time_zone: &'z TimeZone,
    settings: &'z Settings,
    session_ids: BTreeSet<SessionId>,
    /// The date of the day before.
    last: Option<civil::Date>,
    /// The members on prepared lists so far.
    listed: Vec<Spanned<MemberId>>,
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

        let values = table.array("sessions", problems);
        if values.as_ref().is_some_and(Vec::is_empty) {
            let message = "`[[days.sessions]]` is missing: a day has a session at least";
            problems.at(table.place(), message);
        }
        let values = values.unwrap_or_default();
        let sessions_max = self.settings.sessions_max;
        if let Some(value) = values.get(sessions_max) {
            let message = format!("a day has at most {sessions_max} sessions");
            problems.at(&value.span(), message);
        }
        let date_or_any = date
            .as_ref()
            .map_or(civil::Date::ZERO, |date| *date.get_ref());
        let mut before = None;
        let sessions = values
            .into_iter()
            .take(sessions_max)
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
        let title = table.required_line("title", self.settings.title_chars_max, problems);
        let time = table.required_time("start", problems);
        let minutes = table.required_whole("minutes", 1..=MINUTES_PER_DAY, problems);
        let mut profile = Profile::default();
        if let Some(own) = table.table("profile", problems) {
            profile = profile.with(&profile::read(own, &profile, &mut self.listed, problems));
        }
        let under = (&profile, &mut self.listed);
        let items = items(&mut table, under, self.settings, problems);
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

fn items(
    session: &mut Table<'_>,
    (profile, listed): (&Profile, &mut Vec<Spanned<MemberId>>),
    settings: &Settings,
    problems: &mut Problems<'_>,
) -> Vec<Item> {
    let values = session.array("items", problems).unwrap_or_default();
    let items_max = settings.items_max;
    if let Some(value) = values.get(items_max) {
        let message = format!("a session has at most {items_max} items");
        problems.at(&value.span(), message);
    }
    let mut ids = BTreeSet::new();
    let read = values.into_iter().take(items_max);
    read.filter_map(|value| item(value, &mut ids, (profile, listed), settings, problems))
        .collect()
}

fn item(
    value: &Spanned<DeValue<'_>>,
    ids: &mut BTreeSet<ItemId>,
    (profile, listed): (&Profile, &mut Vec<Spanned<MemberId>>),
    settings: &Settings,
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
    let title = table.required_line("title", settings.title_chars_max, problems);
    let minutes = table.required_whole("minutes", 1..=MINUTES_PER_DAY, problems);
    let change = match table.table("profile", problems) {
        Some(own) => profile::read(own, profile, listed, problems),
        None => ProfileChange::default(),
    };
    table.finish(problems);
    Some(Item {
        id: id?.into_inner(),
        title: title?,
        minutes: minutes?.into_inner(),
        profile: change,
    })
}

#[cfg(test)]
mod tests {
    use crate::programme::{Problem, Settings, parse_within};

    /// An event whose days are these, and what is wrong with it.
    fn problems(time_zone: &str, days: &str) -> Vec<String> {
        problems_within(&Settings::default(), time_zone, days)
    }

    fn problems_within(settings: &Settings, time_zone: &str, days: &str) -> Vec<String> {
        let text = format!(
            "event = 'e'\ntitle = 'E'\ntime_zone = '{time_zone}'\n\
             delegations.a = {{ name = 'A', seats = [{{ role = 'chair' }}] }}\n{days}"
        );
        match parse_within(&text, settings) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.iter().map(Problem::to_string).collect(),
        }
    }

    fn day(date: &str, sessions: &[(&str, &str, u32)]) -> String {
        let mut text = format!("[[days]]\ndate = {date}\n");
        for (id, start, minutes) in sessions {
            text += &format!(
                "[[days.sessions]]\nid = '{id}'\ntitle = 'S'\nstart = '{start}'\nminutes = {minutes}\n"
            );
        }
        text
    }

    fn session_with(line: &str) -> String {
        day("2020-11-19", &[("s", "10:00", 60)]) + line
    }

    #[test]
    fn sessions_of_a_day_may_touch_but_not_overlap() {
        let touching = day("2020-11-19", &[("a", "10:00", 60), ("b", "11:00", 60)]);
        assert_eq!(problems("UTC", &touching), [""; 0]);
        let overlapping = day("2020-11-19", &[("a", "10:00", 61), ("b", "11:00", 60)]);
        assert_eq!(
            problems("UTC", &overlapping),
            ["15:9: `a` lasts until 11:01: sessions are in order and do not overlap"]
        );
        let until_midnight = day("2020-11-19", &[("a", "23:00", 60)]);
        assert_eq!(problems("UTC", &until_midnight), [""; 0]);
    }

    #[test]
    fn days_are_in_order_and_sessions_have_their_own_names() {
        let twice = day("2020-11-19", &[("a", "10:00", 60)]);
        assert_eq!(
            problems("UTC", &(twice.clone() + &twice)),
            [
                "13:8: the day before it is 2020-11-19: days are in order, each once",
                "15:6: there is a session `a` already",
            ]
        );
    }

    #[test]
    fn a_time_that_the_clocks_skip_is_no_start() {
        // In Berlin the clocks went from 02:00 to 03:00 on that day.
        let skipped = day("2020-03-29", &[("a", "02:30", 10)]);
        assert_eq!(
            problems("Europe/Berlin", &skipped),
            ["10:9: this time of day does not exist on that day in the time zone"]
        );
        let twice = day("2020-10-25", &[("a", "02:30", 10)]);
        assert_eq!(problems("Europe/Berlin", &twice), [""; 0]);
    }

    #[test]
    fn an_agenda_fits_its_session_and_names_each_item_once() {
        let items = "items = [{ id = 'x', title = 'X', minutes = 40 }, \
                     { id = 'x', title = 'Y', minutes = 21 }]\n";
        assert_eq!(
            problems("UTC", &session_with(items)),
            [
                "11:11: the items take 61 minutes, the session has 60",
                "12:58: the session has an item `x` already",
            ]
        );
    }

    #[test]
    fn an_event_without_days_or_a_day_without_sessions_is_wrong() {
        assert_eq!(
            problems("UTC", ""),
            ["1:1: `[[days]]` is missing: an event has a day at least"]
        );
        assert_eq!(
            problems("UTC", "days = [{ date = 2020-11-19 }]"),
            ["5:9: `[[days.sessions]]` is missing: a day has a session at least"]
        );
        assert_eq!(
            problems("UTC", "days = 3"),
            ["5:8: this must be an array, not integer"]
        );
    }

    #[test]
    fn numbers_of_days_sessions_and_items_are_bounded() {
        let many_sessions: Vec<_> = (0..25).map(|n| (format!("s-{n}"), n)).collect();
        let many_sessions: Vec<_> = many_sessions
            .iter()
            .map(|(id, n)| (id.as_str(), format!("10:{n:02}")))
            .collect();
        let many_sessions: Vec<_> = many_sessions
            .iter()
            .map(|(id, start)| (*id, start.as_str(), 1))
            .collect();
        let found = problems("UTC", &day("2020-11-19", &many_sessions));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].ends_with("a day has at most 24 sessions"),
            "{found:?}"
        );

        let many_days: String = (0..32)
            .map(|n| {
                let date = if n < 30 {
                    format!("2020-11-{:02}", n + 1)
                } else {
                    format!("2020-12-{:02}", n - 29)
                };
                day(&date, &[(&format!("s-{n}"), "10:00", 1)])
            })
            .collect();
        let found = problems("UTC", &many_days);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].ends_with("an event has at most 31 days"),
            "{found:?}"
        );

        let many_items: Vec<_> = (0..101)
            .map(|n| format!("{{ id = 'i-{n}', title = 'I', minutes = 1 }}"))
            .collect();
        let items = format!("items = [{}]\n", many_items.join(", "));
        let long = session_with(&items).replace("minutes = 60", "minutes = 600");
        let found = problems("UTC", &long);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].ends_with("a session has at most 100 items"),
            "{found:?}"
        );
    }

    #[test]
    fn each_number_is_bounded_as_it_is_set() {
        let set = |change: fn(&mut Settings)| {
            let mut settings = Settings::default();
            change(&mut settings);
            settings
        };
        let sessions = [("a", "10:00", 1), ("b", "11:00", 1), ("c", "12:00", 1)];
        let days = [
            ("2020-11-19", "a"),
            ("2020-11-20", "b"),
            ("2020-11-21", "c"),
        ];
        let days = days.map(|(date, id)| day(date, &[(id, "10:00", 1)]));
        let items =
            ["a", "b", "c"].map(|id| format!("{{ id = '{id}', title = 'I', minutes = 1 }}"));
        let with_items =
            |count: usize| session_with(&format!("items = [{}]\n", items[..count].join(", ")));
        let two = [
            (set(|it| it.days_max = 2), days[..2].concat()),
            (
                set(|it| it.sessions_max = 2),
                day("2020-11-19", &sessions[..2]),
            ),
            (set(|it| it.items_max = 2), with_items(2)),
        ];
        let three = [
            (days.concat(), "an event has at most 2 days"),
            (day("2020-11-19", &sessions), "a day has at most 2 sessions"),
            (with_items(3), "a session has at most 2 items"),
        ];
        for ((settings, right), (wrong, expected)) in two.into_iter().zip(three) {
            assert_eq!(problems_within(&settings, "UTC", &right), [""; 0]);
            assert_eq!(problems("UTC", &wrong), [""; 0]);
            let found = problems_within(&settings, "UTC", &wrong);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].ends_with(expected), "{found:?}");
        }
    }

    #[test]
    fn titles_are_as_long_as_is_set() {
        let long = session_with("items = [{ id = 'x', title = 'XXX', minutes = 1 }]\n")
            .replace("title = 'S'", "title = 'SSS'");
        let settings = |title_chars_max| Settings {
            title_chars_max,
            ..Settings::default()
        };
        assert_eq!(problems_within(&settings(3), "UTC", &long), [""; 0]);
        let found = problems_within(&settings(2), "UTC", &long);
        assert_eq!(
            found,
            [
                "9:9: `title` has 3 characters, at most 2 are allowed",
                "12:30: `title` has 3 characters, at most 2 are allowed",
            ]
        );
    }
}
