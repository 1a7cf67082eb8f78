//! Points and lengths of time as a record says them: in the event's time zone.

use std::borrow::Cow;

use jiff::{ZonedDateTime, tz::TimeZone};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::time::{Millis, Timestamp};

/// A point in time, in the event's time zone. As data it is RFC 3339 with the zone's offset.
#[derive(Debug, Clone, PartialEq)]
pub struct When(ZonedDateTime);

impl When {
    pub(super) fn new(at: Timestamp, zone: &TimeZone) -> Self {
        // What our clock cannot have said is said as the zone's beginning.
        let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
        Self(at.to_zoned_datetime(zone.clone()))
    }

    /// `2020-11-19T14:05:09+07:00`.
    pub fn rfc3339(&self) -> String {
        self.0.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }

    /// `19 November 2020`.
    pub(super) fn date(&self) -> String {
        self.0.strftime("%-d %B %Y").to_string()
    }

    /// `14:05`, or on another day than this `20 November 14:05`.
    pub(super) fn time(&self, day: Option<&When>) -> String {
        self.on(day, "%H:%M")
    }

    /// The same to the second.
    pub(super) fn second(&self, day: Option<&When>) -> String {
        self.on(day, "%H:%M:%S")
    }

    fn on(&self, day: Option<&When>, form: &str) -> String {
        let time = self.0.strftime(form);
        match day {
            Some(day) if day.0.date() != self.0.date() => {
                format!("{} {time}", self.0.strftime("%-d %B"))
            }
            Some(_) | None => time.to_string(),
        }
    }
}

impl JsonSchema for When {
    fn schema_name() -> Cow<'static, str> {
        "LocalTime".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "A point in time (RFC 3339), with the offset of the event's time zone.",
        })
    }
}

impl Serialize for When {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.rfc3339())
    }
}

/// The event's time zone; UTC where this machine does not know it.
pub(super) fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// `4:05`, or `1:04:05` from an hour on.
pub(super) fn length(length: Millis) -> String {
    let seconds = length.0.saturating_add(500) / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_the_events() {
        let at = Timestamp(1_605_769_509_900);
        let jakarta = When::new(at, &zone("Asia/Jakarta"));
        assert_eq!(jakarta.rfc3339(), "2020-11-19T14:05:09+07:00");
        assert_eq!(jakarta.date(), "19 November 2020");
        assert_eq!(jakarta.time(None), "14:05");
        assert_eq!(jakarta.second(Some(&jakarta)), "14:05:09");
        let next_day = When::new(at + Millis::from_secs(10 * 3600), &zone("Asia/Jakarta"));
        assert_eq!(next_day.time(Some(&jakarta)), "20 November 00:05");
        assert_eq!(When::new(at, &zone("Nowhere/At All")).time(None), "07:05");
    }

    #[test]
    fn lengths_are_said_as_on_a_clock() {
        for (ms, said) in [
            (0, "0:00"),
            (499, "0:00"),
            (65_500, "1:06"),
            (3_600_000, "1:00:00"),
            (3_845_000, "1:04:05"),
        ] {
            assert_eq!(length(Millis(ms)), said);
        }
    }
}
