//! Reads an event file: TOML, strict, and every problem reported at once.

use jiff::tz::TimeZone;
use toml::{Spanned, de::DeTable};

use super::{
    Programme, Settings, days,
    problem::{Problem, Problems, did_you_mean},
    seats,
    table::Table,
};
use crate::ids::EventId;

/// A longer event file is refused, in bytes: room for some thousand seats with long names.
const FILE_BYTES_MAX: usize = 1024 * 1024;

/// Reads an event file of this program's own, which keeps to the default settings; else as
/// [`parse_within`].
pub fn parse(text: &str) -> Result<Programme, Vec<Problem>> {
    parse_within(text, &Settings::default())
}

/// Reads an event file, or says everything that is wrong with it, in the order of the file and
/// never nothing. Where the text is not TOML, only that is reported: the rest would be guesses.
pub fn parse_within(text: &str, settings: &Settings) -> Result<Programme, Vec<Problem>> {
    let mut problems = Problems::new(text);
    if text.len() > FILE_BYTES_MAX {
        let message = format!("an event file has at most {FILE_BYTES_MAX} bytes");
        problems.at(&(0..0), message);
        return Err(problems.into_sorted());
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        problems.at(&error.span().unwrap_or(0..0), error.message());
    }
    if !problems.is_empty() {
        return Err(problems.into_sorted());
    }
    match read(&root, settings, &mut problems) {
        Some(programme) if problems.is_empty() => Ok(programme),
        Some(_) | None => {
            debug_assert!(!problems.is_empty(), "what is missing has been reported");
            Err(problems.into_sorted())
        }
    }
}

fn read(
    root: &Spanned<DeTable<'_>>,
    settings: &Settings,
    problems: &mut Problems<'_>,
) -> Option<Programme> {
    // Keys missing from the whole file are reported at its beginning.
    let mut root = Table::new(0..0, root.get_ref());
    let id = root.required_name::<EventId>("event", problems);
    let title = root.required_line("title", settings.title_chars_max, problems);
    let time_zone = root.required_text("time_zone", problems);
    let time_zone = time_zone.and_then(|name| time_zone_of(&name, problems));
    // Without the time zone the rest is still looked at, as if it were UTC.
    let (days, listed) = days::read(
        &mut root,
        time_zone.as_ref().unwrap_or(&TimeZone::UTC),
        settings,
        problems,
    );
    let roster = seats::read(&mut root, settings, problems);
    for member in listed {
        let named = member.get_ref();
        if !roster.seats.iter().any(|seat| seat.member == *named) {
            let message = format!("`{named}` is on a prepared list and has no seat");
            problems.at(&member.span(), message);
        }
    }
    root.finish(problems);
    Some(Programme {
        id: id?.into_inner(),
        title: title?,
        time_zone: time_zone?.iana_name()?.to_owned(),
        delegations: roster.delegations,
        seats: roster.seats,
        days,
    })
}

fn time_zone_of(name: &Spanned<&str>, problems: &mut Problems<'_>) -> Option<TimeZone> {
    let written = *name.get_ref();
    match TimeZone::get(written) {
        // Some names stand for no place, and then have no IANA name to store.
        Ok(time_zone) if time_zone.iana_name().is_some() => Some(time_zone),
        Ok(_) | Err(_) => {
            let known: Vec<_> = jiff::tz::db().available().collect();
            let hint = did_you_mean(written, known.iter().map(|known| known.as_str()));
            let message = format!("`{written}` is no time zone{hint} (such as Asia/Jakarta)");
            problems.at(&name.span(), message);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        meeting::roster::Role,
        programme::MODEL_EVENT,
        time::{Millis, Timestamp},
    };

    /// A small right event.
    const SMALL: &str = r#"event = "e"
title = "An event"
time_zone = "Asia/Jakarta"

[[days]]
date = 2020-11-19
[[days.sessions]]
id = "s"
title = "A session"
start = "14:00"
minutes = 60

[delegations.a]
name = "A"
seats = [
  { role = "chair" },
  { role = "delegate", count = 3 },
]
"#;

    /// What is wrong with the small event after a change.
    fn after(from: &str, to: &str) -> Vec<String> {
        assert!(SMALL.contains(from), "{from:?} is not in the small event");
        problems(&SMALL.replacen(from, to, 1))
    }

    fn problems(text: &str) -> Vec<String> {
        match parse(text) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.iter().map(Problem::to_string).collect(),
        }
    }

    #[test]
    fn the_model_event_is_right_and_seats_everybody() {
        let event = parse(MODEL_EVENT).unwrap_or_else(|problems| panic!("{problems:#?}"));
        assert_eq!(event.id.as_str(), "nartt-2020");
        assert_eq!(event.time_zone, "Asia/Jakarta");
        let count = |role| event.seats.iter().filter(|seat| seat.role == role).count();
        let counts = Role::ALL.map(|role| (role.as_str(), count(role)));
        let expected = [
            ("organiser", 1),
            ("chair", 2),
            ("delegate", 50),
            ("podium", 3),
            ("interpreter", 2),
            ("observer", 5),
            ("technician", 1),
        ];
        assert_eq!(counts, expected);
        assert_eq!(event.delegations.len(), 14);
        assert_eq!(event.delegations[0].name, "Indonesia");

        let sessions: Vec<_> = event.sessions().collect();
        let days: Vec<_> = sessions.iter().map(|(day, _)| *day).collect();
        assert_eq!(days, [1, 1, 2, 2]);
        let first = sessions[0].1;
        // 14:00 in Jakarta is 07:00 UTC.
        assert_eq!(first.start, Timestamp(1_605_769_200_000));
        assert_eq!(first.items[0].id.as_str(), "opening-remarks");
        assert_eq!(sessions[3].1.profile.turn_ms, Millis::from_secs(180));
        assert_eq!(event.days[1].date, "2020-11-20");

        let indonesia = "indonesia-1".parse().expect("a slug");
        let seat = event.seat(&indonesia).expect("a seat");
        assert_eq!(seat.name, "Delegate of Indonesia 1");
        assert_eq!(seat.role, Role::Delegate);
    }

    #[test]
    fn the_small_event_is_right() {
        assert_eq!(problems(SMALL), [""; 0]);
    }

    #[test]
    fn times_and_dates_may_stand_without_quotation_marks_or_with() {
        assert_eq!(after("\"14:00\"", "14:00:00"), [""; 0]);
        assert_eq!(after("\"14:00\"", "\"14:00:00\""), [""; 0]);
        assert_eq!(after("2020-11-19", "\"2020-11-19\""), [""; 0]);
    }

    #[test]
    fn each_fault_is_named_with_its_place() {
        let cases = [
            ("title", "titel", "1:1: `title` is missing here"),
            (
                "title",
                "titel",
                "2:1: `titel` is not a key here; did you mean `title`?",
            ),
            (
                "event = \"e\"",
                "event = \"E\"",
                "1:9: \"E\" is not a name: use a-z, 0-9 and single hyphens inside",
            ),
            (
                "event = \"e\"",
                "event = 1",
                "1:9: this must be a text in quotation marks, not integer",
            ),
            (
                "Asia/Jakarta",
                "Asia/Jakata",
                "3:13: `Asia/Jakata` is no time zone; did you mean `Asia/Jakarta`? (such as Asia/Jakarta)",
            ),
            ("\"An event\"", "\" \"", "2:9: `title` is empty"),
            (
                "An event",
                "An\\tevent",
                "2:9: `title` must be one line without control characters",
            ),
            ("2020-11-19", "2020-11-31", "6:8: "),
            (
                "2020-11-19",
                "\"2020-11-31\"",
                "6:8: `date` must be a date such as 2020-11-19",
            ),
            (
                "2020-11-19",
                "\"2020-11-19T10:00\"",
                "6:8: `date` must be a date such as 2020-11-19",
            ),
            (
                "14:00",
                "25:00",
                "10:9: `start` must be a time of day such as \"14:00\"",
            ),
            (
                "14:00",
                "23:30",
                "10:9: a session of 60 minutes from here ends on the next day",
            ),
            (
                "minutes = 60",
                "minutes = 0",
                "11:11: `minutes` must be 1 to 1440, not 0",
            ),
            (
                "minutes = 60",
                "minutes = -5",
                "11:11: `minutes` must be 1 to 1440, not -5",
            ),
            ("minutes = 60", "", "7:1: `minutes` is missing here"),
            (
                "minutes = 60",
                "minutes = 60\nprofile = 1",
                "12:11: this must be a table, not integer",
            ),
            (
                "\"chair\"",
                "\"char\"",
                "16:12: `char` is no role; did you mean `chair`? (roles: organiser, chair, delegate, podium, interpreter, observer, technician)",
            ),
            (
                "\"chair\"",
                "\"delegate\"",
                "13:2: no seat has the role \"chair\": nobody could open a session",
            ),
            (
                "{ role = \"chair\" }",
                "{ role = \"chair\", count = 9 }",
                "13:2: 9 seats have the role \"chair\", at most 8 can",
            ),
            (
                "count = 3",
                "count = 3, name = \"N\"",
                "17:42: one name for 3 seats: give each its own line",
            ),
            (
                "count = 3",
                "count = 3, number = 1",
                "17:3: there is a seat `a-1` already",
            ),
            (
                "count = 3",
                "count = 2000",
                "17:3: an event has at most 2000 seats",
            ),
            (
                "count = 3",
                "delegation = \"b\"",
                "17:24: `delegation` is not a key here",
            ),
            (
                "delegations.a]",
                "delegations.A]",
                "13:14: \"A\" is not a name: use a-z, 0-9 and single hyphens inside",
            ),
        ];
        for (from, to, expected) in cases {
            let found = after(from, to);
            let named = found.iter().any(|problem| problem.starts_with(expected));
            assert!(named, "{from} -> {to}: {expected:?} is not in {found:#?}");
        }
    }
    #[test]
    fn all_problems_are_reported_in_the_order_of_the_file() {
        let text = SMALL
            .replace("e = \"An", "x = \"An")
            .replace("60", "0")
            .replace("3 }", "0 }");
        let lines: Vec<_> = parse(&text)
            .expect_err("wrong")
            .iter()
            .map(|problem| problem.line)
            .collect();
        assert_eq!(lines, [1, 2, 11, 17]);
    }

    #[test]
    fn what_is_not_toml_is_reported_alone() {
        let found = problems("event = \"E\ntitle = \n[[days\n");
        assert!(!found.is_empty());
        assert!(
            found
                .iter()
                .all(|problem| !problem.contains("missing here")),
            "{found:?}"
        );
        assert_eq!(problems(&(SMALL.to_owned() + "[delegations.a]\n")).len(), 1);
    }

    #[test]
    fn a_file_that_is_too_long_is_refused_unread() {
        let text = "#".repeat(FILE_BYTES_MAX + 1);
        assert_eq!(
            problems(&text),
            ["1:1: an event file has at most 1048576 bytes"]
        );
    }

    #[test]
    fn the_events_title_is_as_long_as_is_set() {
        let within = |title_chars_max| {
            let settings = Settings {
                title_chars_max,
                ..Settings::default()
            };
            parse_within(SMALL, &settings).map(|event| event.title)
        };
        assert_eq!(within(9), within(200));
        let problems = within(7).expect_err("too long");
        assert_eq!(problems[0].line, 2, "{problems:?}");
    }

    #[test]
    fn an_empty_file_lacks_everything() {
        assert_eq!(problems("").len(), 5);
    }

    proptest::proptest! {
        /// Whatever is done to a file, reading it ends in an event or in problems within the text.
        #[test]
        fn no_text_breaks_the_reading(
            at in 0..SMALL.len(), length in 0..40_usize, with in "[\\PC\n\"'={}\\[\\]]{0,12}"
        ) {
            // The small event is ASCII, so that any byte may be cut at.
            let end = (at + length).min(SMALL.len());
            let text = [&SMALL[..at], &with, &SMALL[end..]].concat();
            if let Err(problems) = parse(&text) {
                proptest::prop_assert!(!problems.is_empty());
                for problem in problems {
                    proptest::prop_assert!(problem.line <= text.matches('\n').count() + 1);
                }
            }
        }
    }
}
