//! SHELL. The event that an agenda is played of: its file, with the days moved to come.

use jiff::{ToSpan, civil, tz::TimeZone};
use toml::de::DeTable;

use crate::{clock::Clock, programme};

/// An event to be played.
pub(super) struct Event {
    /// Its file, as it is given to the server.
    pub(super) text: String,
    /// How many have a seat.
    pub(super) seats: usize,
    /// How long its items take together as planned.
    pub(super) minutes: u32,
}

impl Event {
    /// Reads it. Its days are moved so that the first is tomorrow: links hold only until an event is
    /// over, and who rehearses with last year's file, or the model's, is to be let in.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        // The server of the load test's own takes it, however large it is.
        let limits = &programme::Settings::MOST;
        let programme = programme::parse_within(text, limits).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            lines.join("; ")
        })?;
        let now = Clock::start().now();
        let now = jiff::Timestamp::from_millisecond(now.0).map_err(|why| why.to_string())?;
        let tomorrow = TimeZone::UTC
            .to_datetime(now)
            .date()
            .saturating_add(1.day());
        let items = programme.sessions().map(|(_, plan)| {
            let items = plan.items.iter().map(|item| item.minutes).sum::<u32>();
            if items > 0 { items } else { plan.minutes }
        });
        Ok(Self {
            seats: programme.seats.len(),
            minutes: items.sum(),
            text: moved(text, tomorrow).map_err(|why| why.to_string())?,
        })
    }
}

/// The same text, but for the dates: the first day is on that one, and the others are as long after it
/// as planned.
fn moved(text: &str, first: civil::Date) -> Result<String, Box<dyn std::error::Error>> {
    let file = DeTable::parse(text)?;
    let days = file.get_ref().get("days");
    let days = days.and_then(|days| days.get_ref().as_array());
    let mut out = String::new();
    let (mut written, mut planned_first) = (0, None);
    for date in days.into_iter().flat_map(|days| days.iter()) {
        let Some(date) = date.get_ref().as_table().and_then(|day| day.get("date")) else {
            continue;
        };
        let place = date.span();
        // A date of TOML's own, or a text, which stays one.
        let written_date = &text[place.clone()];
        let bare = written_date.trim_matches(['"', '\'']);
        let planned: civil::Date = bare.parse()?;
        let later = planned.since(*planned_first.get_or_insert(planned))?;
        out.push_str(&text[written..place.start]);
        let date = first.checked_add(later)?.to_string();
        out.push_str(&written_date.replacen(bare, &date, 1));
        written = place.end;
    }
    out.push_str(&text[written..]);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_days_are_moved_and_all_else_stays() {
        let first = civil::date(2031, 2, 27);
        let text = moved(programme::MODEL_EVENT, first).expect("an event");
        let event = programme::parse(&text).unwrap_or_else(|problems| panic!("{problems:#?}"));
        let dates: Vec<&str> = event.days.iter().map(|day| day.date.as_str()).collect();
        assert_eq!(dates, ["2031-02-27", "2031-02-28"]);
        let model = programme::parse(programme::MODEL_EVENT).expect("the model");
        assert_eq!(event.seats, model.seats);
        assert_eq!(text.len(), programme::MODEL_EVENT.len());
        let read = Event::read(programme::MODEL_EVENT).expect("the model");
        assert_eq!((read.seats, read.minutes), (model.seats.len(), 405));
    }

    #[test]
    fn the_days_of_a_file_that_the_server_wrote_are_moved_too() {
        let model = programme::parse(programme::MODEL_EVENT).expect("the model");
        let text = programme::Document::of(&model).toml();
        assert!(text.contains("\"2020-11-19\""), "as a text: {text}");
        let text = moved(&text, civil::date(2031, 2, 27)).expect("an event");
        let event = programme::parse(&text).unwrap_or_else(|problems| panic!("{problems:#?}"));
        let dates: Vec<&str> = event.days.iter().map(|day| day.date.as_str()).collect();
        assert_eq!(dates, ["2031-02-27", "2031-02-28"]);
    }
}
