//! Points in time as the API writes them: RFC 3339, in UTC.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::time::Timestamp;

/// `2020-11-19T07:00:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At(pub Timestamp);

impl fmt::Display for At {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What our clock cannot have said is said as the beginning.
        let at = jiff::Timestamp::from_millisecond(self.0.0).unwrap_or_default();
        at.fmt(out)
    }
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(from)?;
        let at: jiff::Timestamp = text
            .parse()
            .map_err(|_| D::Error::custom("a time must be like 2020-11-19T07:00:00Z"))?;
        Ok(Self(Timestamp(at.as_millisecond())))
    }
}

impl JsonSchema for At {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "A point in time (RFC 3339), in UTC.",
            "examples": ["2020-11-19T07:00:00Z"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_in_utc_and_read_with_any_offset() {
        let at = At(Timestamp(1_605_769_200_000));
        let text = serde_json::to_string(&at).expect("a text");
        assert_eq!(text, "\"2020-11-19T07:00:00Z\"");
        let read: At = serde_json::from_str("\"2020-11-19T14:00:00+07:00\"").expect("a time");
        assert_eq!(read, at);
        assert!(serde_json::from_str::<At>("\"today\"").is_err());
    }
}
