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
    fn date_at(&self, time: Timestamp) -> Option<civil::Date> {
        let zone = TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC);
        let time = jiff::Timestamp::from_millisecond(time.0).ok()?;
        Some(time.to_zoned_datetime(zone).date())
    }
}

fn days_between(from: Option<civil::Date>, to: Option<civil::Date>) -> Option<jiff::Span> {
    from?.until(to?).ok()
}
