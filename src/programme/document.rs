//! An event as its file says it: the same keys with the same values, to be written as TOML or JSON.
//!
//! What is written is read back as the same event. Pure; `file` and `json` read.

use std::{borrow::Cow, collections::BTreeMap};

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::{Day, Programme, Settings};
use crate::{
    ids::{DelegationId, EventId, ItemId, MemberId, SessionId},
    meeting::{
        agenda::{
            ChatRule, FloorMode, Item, Profile, ProfileChange, QueuePolicy, ScreenRule,
            SessionPlan, TurnEnd,
        },
        roster::Role,
    },
    time::{Millis, Timestamp},
};

/// An event file as data. `config/nartt-2020.toml` explains each key. A server's settings
/// (`[programme]`) may allow less than stands here.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "EventFile", deny_unknown_fields)]
pub struct Document {
    /// The event's name in links and messages.
    event: EventId,
    /// What it is called.
    #[schemars(length(min = 1, max = Settings::MOST.title_chars_max))]
    title: String,
    /// An IANA name, such as `Asia/Jakarta`: every date and time of day here is of this zone.
    time_zone: String,
    /// In order.
    #[schemars(length(min = 1, max = Settings::MOST.days_max))]
    days: Vec<DayForm>,
    /// Countries and institutions with their seats, by name, in order.
    #[serde(serialize_with = "in_order")]
    #[schemars(with = "BTreeMap<String, DelegationForm>")]
    delegations: Vec<(DelegationId, DelegationForm)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "EventDay", deny_unknown_fields)]
struct DayForm {
    /// Such as `2020-11-19`.
    #[schemars(extend("format" = "date"))]
    date: String,
    /// In order, not overlapping.
    #[schemars(length(min = 1, max = Settings::MOST.sessions_max))]
    sessions: Vec<SessionForm>,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "EventSession", deny_unknown_fields)]
struct SessionForm {
    id: SessionId,
    #[schemars(length(min = 1, max = Settings::MOST.title_chars_max))]
    title: String,
    /// Planned start, time of day.
    #[schemars(regex(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    start: String,
    /// Planned length.
    #[schemars(range(min = 1, max = 1440))]
    minutes: u32,
    /// How its floor is given; what is left out is as usual.
    #[serde(skip_serializing_if = "ProfileForm::is_empty")]
    profile: ProfileForm,
    /// Its agenda in order; together no longer than the session.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = Settings::MOST.items_max))]
    items: Vec<ItemForm>,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "EventItem", deny_unknown_fields)]
struct ItemForm {
    id: ItemId,
    #[schemars(length(min = 1, max = Settings::MOST.title_chars_max))]
    title: String,
    #[schemars(range(min = 1, max = 1440))]
    minutes: u32,
    /// What differs from the session's while it is on.
    #[serde(skip_serializing_if = "ProfileForm::is_empty")]
    profile: ProfileForm,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
#[schemars(rename = "EventProfile", deny_unknown_fields)]
struct ProfileForm {
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<FloorMode>,
    /// Delegates' microphones open at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 25))]
    microphones: Option<u8>,
    /// Hands that may wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 500))]
    queue: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<QueuePolicy>,
    /// The prepared list of `fixed`: seats in their order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    list: Option<Vec<MemberId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 60))]
    turn_minutes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 120))]
    warning_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<TurnEnd>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 30))]
    fade_seconds: Option<u64>,
    /// Speaking time of each delegation in the session; 0: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1440))]
    budget_minutes: Option<u64>,
    /// Length of a reply or a point of order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 10, max = 3600))]
    response_seconds: Option<u64>,
    /// Whether who comes waits until a chair lets them in.
    #[serde(skip_serializing_if = "Option::is_none")]
    lobby: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    screens: Option<ScreenRule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chat: Option<ChatRule>,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "EventDelegation", deny_unknown_fields)]
struct DelegationForm {
    #[schemars(length(min = 1, max = Settings::MOST.name_chars_max))]
    name: String,
    seats: Vec<SeatForm>,
}

/// A seat, or as many as `count` says.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "EventSeat", deny_unknown_fields)]
struct SeatForm {
    role: Role,
    /// How many such seats; none of them can have a name then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = Settings::MOST.seats_max))]
    count: Option<u32>,
    /// The number behind the delegation's name; left out: the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = Settings::MOST.seats_max))]
    number: Option<u32>,
    /// Left out: a name is made of role, delegation and number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = Settings::MOST.name_chars_max))]
    name: Option<String>,
}

impl Document {
    /// The file of an event.
    pub fn of(programme: &Programme) -> Self {
        let zone = TimeZone::get(&programme.time_zone).unwrap_or(TimeZone::UTC);
        let delegations = programme.delegations.iter().map(|delegation| {
            let seats = programme
                .seats
                .iter()
                .filter(|seat| seat.delegation == delegation.id);
            let form = DelegationForm {
                name: delegation.name.clone(),
                seats: seats
                    .map(|seat| SeatForm {
                        role: seat.role,
                        count: None,
                        number: number(&seat.member),
                        name: Some(seat.name.clone()),
                    })
                    .collect(),
            };
            (delegation.id.clone(), form)
        });
        Self {
            event: programme.id.clone(),
            title: programme.title.clone(),
            time_zone: programme.time_zone.clone(),
            days: programme.days.iter().map(|it| day(it, &zone)).collect(),
            delegations: delegations.collect(),
        }
    }

    /// As an event file.
    pub fn toml(&self) -> String {
        toml::to_string(self).expect("texts, numbers, lists and tables always are TOML")
    }
}

/// What stands behind the delegation's name.
fn number(member: &MemberId) -> Option<u32> {
    member.as_str().rsplit('-').next()?.parse().ok()
}

fn day(day: &Day, zone: &TimeZone) -> DayForm {
    DayForm {
        date: day.date.clone(),
        sessions: day.sessions.iter().map(|it| session(it, zone)).collect(),
    }
}

fn session(plan: &SessionPlan, zone: &TimeZone) -> SessionForm {
    SessionForm {
        id: plan.id.clone(),
        title: plan.title.clone(),
        start: time_of_day(plan.start, zone),
        minutes: plan.minutes,
        profile: (&Profile::default().change_to(&plan.profile)).into(),
        items: plan.items.iter().map(item).collect(),
    }
}

fn item(item: &Item) -> ItemForm {
    ItemForm {
        id: item.id.clone(),
        title: item.title.clone(),
        minutes: item.minutes,
        profile: (&item.profile).into(),
    }
}

fn time_of_day(at: Timestamp, zone: &TimeZone) -> String {
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    let at = at.to_zoned_datetime(zone.clone());
    at.strftime("%H:%M").to_string()
}

impl ProfileForm {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl From<&ProfileChange> for ProfileForm {
    fn from(change: &ProfileChange) -> Self {
        let seconds = |ms: Millis| ms.0 / 1000;
        let minutes = |ms: Millis| ms.0 / 60_000;
        Self {
            mode: change.mode,
            microphones: change.microphones,
            queue: change.queue_max,
            policy: change.policy,
            list: change.list.clone(),
            turn_minutes: change.turn_ms.map(minutes),
            warning_seconds: change.warning_ms.map(seconds),
            end: change.end,
            fade_seconds: change.fade_ms.map(seconds),
            budget_minutes: change.budget_ms.map(minutes),
            response_seconds: change.response_ms.map(seconds),
            lobby: change.lobby,
            screens: change.screens,
            chat: change.chat,
        }
    }
}

fn in_order<S: Serializer>(
    delegations: &[(DelegationId, DelegationForm)],
    to: S,
) -> Result<S::Ok, S::Error> {
    let entries = delegations.iter();
    to.collect_map(entries.map(|(id, form)| (Cow::Borrowed(id.as_str()), form)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::programme::{MODEL_EVENT, json, parse};

    fn model() -> Programme {
        parse(MODEL_EVENT).unwrap_or_else(|problems| panic!("{problems:#?}"))
    }

    /// An event with every key that there is.
    fn full() -> Programme {
        parse(
            "event = 'e'\ntitle = 'An \"event\" \\ with a name'\ntime_zone = 'Europe/Moscow'\n\
             [[days]]\ndate = 2020-11-19\n[[days.sessions]]\nid = 's'\ntitle = 'Ы'\n\
             start = '00:00'\nminutes = 1440\n\
             profile = { mode = 'open', microphones = 3, queue = 7, policy = 'fixed', \
               list = ['zeta-2'], turn_minutes = 9, warning_seconds = 0, end = 'cut', \
               fade_seconds = 3, budget_minutes = 40, response_seconds = 61, lobby = true, \
               screens = 'floor', chat = 'off' }\n\
             items = [{ id = 'i', title = 'I', minutes = 5, profile = { list = [] } }]\n\
             [delegations.zeta]\nname = 'Zeta'\n\
             seats = [{ role = 'chair', number = 7 }, { role = 'observer', number = 2 }]\n\
             [delegations.alpha]\nname = 'Alpha'\nseats = []\n",
        )
        .unwrap_or_else(|problems| panic!("{problems:#?}"))
    }

    #[test]
    fn what_is_written_reads_back_as_the_same_event() {
        for programme in [model(), full()] {
            let document = Document::of(&programme);
            assert_eq!(parse(&document.toml()), Ok(programme.clone()));
            let text = serde_json::to_string(&document).expect("JSON");
            assert_eq!(json::parse(&text, &Settings::default()), Ok(programme));
        }
    }

    #[test]
    fn what_is_written_keeps_to_its_schema() {
        let schema = schemars::generate::SchemaSettings::draft2020_12()
            .for_serialize()
            .into_generator()
            .into_root_schema_for::<Document>();
        let validator = jsonschema::validator_for(schema.as_value()).expect("a schema");
        for programme in [model(), full()] {
            let value = serde_json::to_value(Document::of(&programme)).expect("JSON");
            let faults: Vec<String> = validator
                .iter_errors(&value)
                .map(|fault| fault.to_string())
                .collect();
            assert_eq!(faults, [""; 0]);
        }
    }
}
