//! Moves an event in time: the demo's rehearsal of an event whose days are over.

use jiff::{civil, tz::TimeZone};

use super::Programme;
use crate::time::Timestamp;

const MINUTE_MS: i64 = 60_000;

impl Programme {
    /// The event moved so that its first session starts at `now`, rounded down to the minute.
    /// Gaps between sessions and days stay as they are; each date moves by as many days as that of
    /// the first session. An event without sessions stays where it is.
    #[must_use]
    pub fn moved_to(&self, now: Timestamp) -> Programme {
        let mut moved = self.clone();
        let Some(first) = self.sessions().next().map(|(_, plan)| plan.start) else {
            return moved;
        };
        let start = Timestamp(now.0.saturating_sub(now.0.rem_euclid(MINUTE_MS)));
        let shift_ms = start.0.saturating_sub(first.0);
        let days = days_between(self.date_at(first), self.date_at(start));
        for day in &mut moved.days {
            if let (Ok(date), Some(days)) = (day.date.parse::<civil::Date>(), days)
                && let Ok(date) = date.checked_add(days)
            {
                day.date = date.to_string();
            }
            for plan in &mut day.sessions {
                plan.start = Timestamp(plan.start.0.saturating_add(shift_ms));
            }
        }
        moved
    }

    /// The date at a time in the event's time zone; none past the years that have dates.
    pub(super) fn date_at(&self, time: Timestamp) -> Option<civil::Date> {
        let zone = TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC);
        let time = jiff::Timestamp::from_millisecond(time.0).ok()?;
        Some(time.to_zoned_datetime(zone).date())
    }
}

fn days_between(from: Option<civil::Date>, to: Option<civil::Date>) -> Option<jiff::Span> {
    from?.until(to?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::programme::{MODEL_EVENT, parse};

    fn model() -> Programme {
        parse(MODEL_EVENT).unwrap_or_else(|problems| panic!("{problems:#?}"))
    }

    fn at(text: &str) -> Timestamp {
        let time: jiff::Timestamp = text.parse().expect("a time");
        Timestamp(time.as_millisecond())
    }

    fn dates(event: &Programme) -> Vec<&str> {
        event.days.iter().map(|day| day.date.as_str()).collect()
    }

    #[test]
    fn the_first_session_starts_now_and_the_gaps_stay() {
        let event = model();
        let moved = event.moved_to(at("2026-03-02T05:17:42.345Z"));
        assert_eq!(moved.starts(), Some(at("2026-03-02T05:17:00Z")));
        let gaps = |event: &Programme| {
            let first = event.starts().expect("sessions");
            let sessions = event.sessions();
            let gaps = sessions.map(|(day, plan)| (day, plan.start.since(first)));
            gaps.collect::<Vec<_>>()
        };
        assert_eq!(gaps(&moved), gaps(&event));
        assert_eq!(dates(&moved), ["2026-03-02", "2026-03-03"]);
        assert_eq!(moved.seats, event.seats);
    }

    #[test]
    fn the_first_day_is_today_in_the_events_time_zone() {
        // 20:00 UTC is 03:00 on the next day in Jakarta.
        let moved = model().moved_to(at("2026-02-28T20:00:00Z"));
        assert_eq!(dates(&moved), ["2026-03-01", "2026-03-02"]);
    }

    #[test]
    fn moving_twice_is_moving_once_to_the_second_time() {
        let now = at("2026-03-02T05:17:00Z");
        let once = model().moved_to(now);
        assert_eq!(once.moved_to(now), once);
        assert_eq!(model().moved_to(Timestamp(0)).moved_to(now), once);
    }

    #[test]
    fn absurd_times_do_not_panic() {
        for now in [i64::MIN, i64::MAX] {
            let moved = model().moved_to(Timestamp(now));
            assert_eq!(moved.sessions().count(), 4);
        }
    }
}
