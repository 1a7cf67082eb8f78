//! What a session is planned to be: its start, length, items and profile; how late it runs.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{ItemId, MemberId, SessionId},
    meeting::{
        floor::MICROPHONES_MAX,
        session::{SessionState, Standing},
    },
    time::{Millis, Timestamp},
};

/// How a session's floor is given (spec section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FloorMode {
    /// Given at once while a microphone is free, else queued; the head of the queue follows.
    Open,
    /// Given at once; where no microphone is free, the delegate who has spoken longest closes.
    Override,
    /// Queued; a chair gives the floor.
    Request,
    /// Queued; a free microphone goes to the head of the queue by itself.
    Fifo,
    /// Only chairs give the floor: no hands but for points of order.
    Operator,
}

impl FloorMode {
    /// Every mode.
    pub const ALL: [FloorMode; 5] = [
        FloorMode::Open,
        FloorMode::Override,
        FloorMode::Request,
        FloorMode::Fifo,
        FloorMode::Operator,
    ];

    /// The mode's word in files and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            FloorMode::Open => "open",
            FloorMode::Override => "override",
            FloorMode::Request => "request",
            FloorMode::Fifo => "fifo",
            FloorMode::Operator => "operator",
        }
    }

    /// Whether a free microphone goes to the next hand without a chair.
    pub(super) fn gives_by_itself(self) -> bool {
        match self {
            FloorMode::Open | FloorMode::Override | FloorMode::Fifo => true,
            FloorMode::Request | FloorMode::Operator => false,
        }
    }

    /// Whether who asks is given a free microphone without waiting in the queue.
    pub(super) fn gives_at_once(self) -> bool {
        match self {
            FloorMode::Open | FloorMode::Override => true,
            FloorMode::Fifo | FloorMode::Request | FloorMode::Operator => false,
        }
    }
}

/// In which order hands wait that are neither points of order nor responses nor moved by a chair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum QueuePolicy {
    /// As they came.
    Fifo,
    /// Those on the prepared list in its order, then as they came.
    Fixed,
    /// No two of one delegation in a row while another waits.
    Alternate,
    /// Who has spoken least first: the delegation, then the person, then as they came.
    LeastSpoken,
}

impl QueuePolicy {
    /// Every policy.
    pub const ALL: [QueuePolicy; 4] = [
        QueuePolicy::Fifo,
        QueuePolicy::Fixed,
        QueuePolicy::Alternate,
        QueuePolicy::LeastSpoken,
    ];

    /// The policy's word in files and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            QueuePolicy::Fifo => "fifo",
            QueuePolicy::Fixed => "fixed",
            QueuePolicy::Alternate => "alternate",
            QueuePolicy::LeastSpoken => "least_spoken",
        }
    }
}

/// What happens when a turn's time is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TurnEnd {
    /// It goes on until it is ended; everybody sees that it is over time.
    Continue,
    /// The microphone is shut.
    Cut,
    /// The sound is lowered where it is played, then the microphone is shut.
    Fade,
}

impl TurnEnd {
    /// Every ending.
    pub const ALL: [TurnEnd; 3] = [TurnEnd::Continue, TurnEnd::Cut, TurnEnd::Fade];

    /// The ending's word in files and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            TurnEnd::Continue => "continue",
            TurnEnd::Cut => "cut",
            TurnEnd::Fade => "fade",
        }
    }
}

/// Whose screens are seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ScreenRule {
    /// Of all who may show pictures.
    Everybody,
    /// Of chairs, podium guests and who has the floor.
    Floor,
    /// Of chairs alone.
    Chairs,
}

impl ScreenRule {
    /// Every rule.
    pub const ALL: [ScreenRule; 3] = [ScreenRule::Everybody, ScreenRule::Floor, ScreenRule::Chairs];

    /// The rule's word in files and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            ScreenRule::Everybody => "everybody",
            ScreenRule::Floor => "floor",
            ScreenRule::Chairs => "chairs",
        }
    }
}

/// To whom members may write. Chairs may write to everybody and to one another at any time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChatRule {
    /// To everybody, and to the chairs alone.
    Everybody,
    /// To the chairs alone.
    Chairs,
    /// To nobody.
    Off,
}

impl ChatRule {
    /// Every rule.
    pub const ALL: [ChatRule; 3] = [ChatRule::Everybody, ChatRule::Chairs, ChatRule::Off];

    /// The rule's word in files and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            ChatRule::Everybody => "everybody",
            ChatRule::Chairs => "chairs",
            ChatRule::Off => "off",
        }
    }
}

/// The settings of a session, changeable live by the chair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Profile {
    /// How the floor is given.
    pub mode: FloorMode,
    /// Open delegate microphones at most, 1 to 25. Chairs and podium guests are not counted.
    pub microphones: u8,
    /// Waiting hands at most, 1 to 500.
    pub queue_max: u16,
    /// Length of a turn, 1 to 60 minutes.
    pub turn_ms: Millis,
    /// How long before the end of a turn its speaker is warned, 0 to 120 s.
    pub warning_ms: Millis,
    /// What happens when a turn's time is used up.
    pub end: TurnEnd,
    /// How long a [`TurnEnd::Fade`] takes, 1 to 30 s.
    pub fade_ms: Millis,
    /// In which order hands wait.
    pub policy: QueuePolicy,
    /// The prepared list of [`QueuePolicy::Fixed`].
    pub list: Vec<MemberId>,
    /// Speaking time of each delegation in this session at most; 0: no such limit.
    pub budget_ms: Millis,
    /// Length of a response or a point of order, 10 s to 60 minutes.
    pub response_ms: Millis,
    /// Whether a chair admits who comes.
    pub lobby: bool,
    /// Whose screens are seen.
    pub screens: ScreenRule,
    /// To whom members may write.
    pub chat: ChatRule,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            mode: FloorMode::Request,
            microphones: 1,
            queue_max: 50,
            turn_ms: Millis::from_secs(300),
            warning_ms: Millis::from_secs(60),
            end: TurnEnd::Fade,
            fade_ms: Millis::from_secs(5),
            policy: QueuePolicy::Fifo,
            list: Vec::new(),
            budget_ms: Millis(0),
            response_ms: Millis::from_secs(120),
            lobby: false,
            screens: ScreenRule::Everybody,
            chat: ChatRule::Everybody,
        }
    }
}

/// Members on a prepared list at most: as many as a large roster has.
pub const LIST_MAX: usize = 500;

/// A change of a profile: what is left out stays.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProfileChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<FloorMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub microphones: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_max: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn_ms: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning_ms: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<TurnEnd>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fade_ms: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<QueuePolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list: Option<Vec<MemberId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_ms: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_ms: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lobby: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub screens: Option<ScreenRule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat: Option<ChatRule>,
}

impl ProfileChange {
    /// Whether it changes nothing whatever the profile.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Which value is out of its bounds, as a sentence for whoever gave it.
    pub fn out_of_bounds(&self) -> Option<String> {
        let minutes = |count: u64| Millis::from_secs(count * 60);
        let within = |name: &str, given: Option<Millis>, least: Millis, most: Millis| {
            let given = given.filter(|ms| !(least..=most).contains(ms))?;
            let (least, most, given) = (least.0, most.0, given.0);
            Some(format!("{name} is {least} to {most} ms, not {given}."))
        };
        let microphones = self
            .microphones
            .filter(|it| !(1..=MICROPHONES_MAX).contains(it));
        let queue = self.queue_max.filter(|it| !(1..=500).contains(it));
        let listed = self.list.as_ref().map_or(0, Vec::len);
        microphones
            .map(|it| format!("The floor has 1 to {MICROPHONES_MAX} open microphones, not {it}."))
            .or_else(|| queue.map(|it| format!("The queue takes 1 to 500 hands, not {it}.")))
            .or_else(|| within("A turn", self.turn_ms, minutes(1), minutes(60)))
            .or_else(|| {
                within(
                    "A warning",
                    self.warning_ms,
                    Millis(0),
                    Millis::from_secs(120),
                )
            })
            .or_else(|| {
                let second = Millis::from_secs(1);
                within("A fade", self.fade_ms, second, Millis::from_secs(30))
            })
            .or_else(|| within("A budget", self.budget_ms, Millis(0), minutes(24 * 60)))
            .or_else(|| {
                let least = Millis::from_secs(10);
                within("A response", self.response_ms, least, minutes(60))
            })
            .or_else(|| {
                (listed > LIST_MAX)
                    .then(|| format!("A prepared list has {LIST_MAX} members at most."))
            })
    }
}

impl Profile {
    /// The profile with the change made.
    #[must_use]
    pub fn with(&self, change: &ProfileChange) -> Self {
        Self {
            mode: change.mode.unwrap_or(self.mode),
            microphones: change.microphones.unwrap_or(self.microphones),
            queue_max: change.queue_max.unwrap_or(self.queue_max),
            turn_ms: change.turn_ms.unwrap_or(self.turn_ms),
            warning_ms: change.warning_ms.unwrap_or(self.warning_ms),
            end: change.end.unwrap_or(self.end),
            fade_ms: change.fade_ms.unwrap_or(self.fade_ms),
            policy: change.policy.unwrap_or(self.policy),
            list: change.list.clone().unwrap_or_else(|| self.list.clone()),
            budget_ms: change.budget_ms.unwrap_or(self.budget_ms),
            response_ms: change.response_ms.unwrap_or(self.response_ms),
            lobby: change.lobby.unwrap_or(self.lobby),
            screens: change.screens.unwrap_or(self.screens),
            chat: change.chat.unwrap_or(self.chat),
        }
    }

    /// What must be changed to make this profile the other one.
    pub fn change_to(&self, other: &Self) -> ProfileChange {
        fn changed<T: PartialEq + Clone>(from: &T, to: &T) -> Option<T> {
            (from != to).then(|| to.clone())
        }
        ProfileChange {
            mode: changed(&self.mode, &other.mode),
            microphones: changed(&self.microphones, &other.microphones),
            queue_max: changed(&self.queue_max, &other.queue_max),
            turn_ms: changed(&self.turn_ms, &other.turn_ms),
            warning_ms: changed(&self.warning_ms, &other.warning_ms),
            end: changed(&self.end, &other.end),
            fade_ms: changed(&self.fade_ms, &other.fade_ms),
            policy: changed(&self.policy, &other.policy),
            list: changed(&self.list, &other.list),
            budget_ms: changed(&self.budget_ms, &other.budget_ms),
            response_ms: changed(&self.response_ms, &other.response_ms),
            lobby: changed(&self.lobby, &other.lobby),
            screens: changed(&self.screens, &other.screens),
            chat: changed(&self.chat, &other.chat),
        }
    }
}

/// One item of a session's agenda.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Item {
    /// The item's slug.
    pub id: ItemId,
    /// What it is called.
    pub title: String,
    /// Planned length in minutes.
    pub minutes: u32,
    /// What differs from the session's profile while it is on.
    #[serde(default, skip_serializing_if = "ProfileChange::is_empty")]
    pub profile: ProfileChange,
}

/// A session as planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionPlan {
    /// The session's slug.
    pub id: SessionId,
    /// What it is called.
    pub title: String,
    /// When it is to start.
    pub start: Timestamp,
    /// Planned length in minutes.
    pub minutes: u32,
    /// Its agenda, in order.
    pub items: Vec<Item>,
    /// The settings at the opening, and of items that name none of their own.
    pub profile: Profile,
}

impl SessionPlan {
    /// The item of this name.
    pub fn item(&self, id: &ItemId) -> Option<&Item> {
        self.items.iter().find(|item| item.id == *id)
    }

    /// How late the session is at `now`: as late as it begins or began, or as its agenda runs. What is
    /// over is not late any more.
    pub fn late(&self, standing: &Standing, now: Timestamp) -> Millis {
        match (standing.state, &standing.item) {
            (SessionState::Closed, _) => Millis(0),
            (SessionState::Scheduled | SessionState::Prepared, _) => now.since(self.start),
            (SessionState::Live | SessionState::Paused, Some((item, began))) => {
                self.lateness(item, *began, now)
            }
            (SessionState::Live | SessionState::Paused, None) => {
                let ends = self.start + Millis::from_secs(u64::from(self.minutes) * 60);
                let began = standing.opened_at.unwrap_or(self.start);
                began.since(self.start).max(now.since(ends))
            }
        }
    }

    /// How late the agenda runs at `now`, with this item on since then: as late as the item began,
    /// or more once it has taken longer than it should.
    pub fn lateness(&self, item: &ItemId, began: Timestamp, now: Timestamp) -> Millis {
        let minutes = |items: &[Item]| items.iter().map(|it| u64::from(it.minutes)).sum::<u64>();
        let Some(index) = self.items.iter().position(|it| it.id == *item) else {
            return Millis(0);
        };
        let (before, rest) = self.items.split_at(index);
        let own = rest.first().map_or(0, |it| u64::from(it.minutes));
        let planned = self.start + Millis::from_secs(minutes(before).saturating_mul(60));
        let ends = planned + Millis::from_secs(own.saturating_mul(60));
        began.since(planned).max(now.since(ends))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_changes_what_it_names_and_is_what_differs() {
        let plain = Profile::default();
        let change = ProfileChange {
            mode: Some(FloorMode::Fifo),
            microphones: Some(3),
            lobby: Some(true),
            ..ProfileChange::default()
        };
        let changed = plain.with(&change);
        assert_eq!((changed.mode, changed.microphones), (FloorMode::Fifo, 3));
        assert_eq!(changed.turn_ms, plain.turn_ms);
        assert_eq!(plain.change_to(&changed), change);
        assert!(changed.change_to(&changed).is_empty());
    }

    #[test]
    fn each_number_has_its_bounds() {
        let read = |text: &str| toml::from_str::<ProfileChange>(text).expect("a change");
        for right in [
            "microphones = 1",
            "microphones = 25",
            "queue_max = 500",
            "turn_ms = 60000",
            "turn_ms = 3600000",
            "warning_ms = 0",
            "fade_ms = 30000",
            "budget_ms = 0",
            "response_ms = 10000",
        ] {
            assert_eq!(read(right).out_of_bounds(), None, "{right}");
        }
        for wrong in [
            "microphones = 0",
            "microphones = 26",
            "queue_max = 0",
            "queue_max = 501",
            "turn_ms = 59999",
            "turn_ms = 3600001",
            "warning_ms = 120001",
            "fade_ms = 999",
            "budget_ms = 86400001",
            "response_ms = 9999",
        ] {
            assert!(read(wrong).out_of_bounds().is_some(), "{wrong}");
        }
        let list = Some(vec!["a".parse().expect("a slug"); LIST_MAX + 1]);
        let long = ProfileChange {
            list,
            ..ProfileChange::default()
        };
        assert!(long.out_of_bounds().is_some());
    }

    #[test]
    fn a_session_is_as_late_as_its_item_began_or_lasts() {
        let item = |id: &str, minutes| Item {
            id: id.parse().expect("a slug"),
            title: id.to_owned(),
            minutes,
            profile: ProfileChange::default(),
        };
        let plan = SessionPlan {
            id: "session-1".parse().expect("a slug"),
            title: "S".to_owned(),
            start: Timestamp(0),
            minutes: 60,
            items: vec![item("one", 10), item("two", 20)],
            profile: Profile::default(),
        };
        let minute = |count: i64| Timestamp(count * 60_000);
        let late = |id: &str, began, now| {
            let id = id.parse().expect("a slug");
            plan.lateness(&id, minute(began), minute(now)).0 / 60_000
        };
        assert_eq!(late("one", 0, 9), 0);
        assert_eq!(late("one", 4, 9), 4);
        assert_eq!(late("one", 4, 17), 7);
        assert_eq!(late("two", 8, 20), 0, "early is not late");
        assert_eq!(late("two", 15, 20), 5);
        assert_eq!(late("two", 15, 37), 7);
        assert_eq!(late("three", 15, 37), 0);

        let stands = |state, opened_at, item: Option<(&str, i64)>, now| {
            let standing = Standing {
                state,
                opened_at: Some(minute(opened_at)),
                item: item.map(|(id, began)| (id.parse().expect("a slug"), minute(began))),
            };
            plan.late(&standing, minute(now)).0 / 60_000
        };
        assert_eq!(stands(SessionState::Scheduled, 0, None, 7), 7);
        assert_eq!(stands(SessionState::Live, 4, Some(("one", 4)), 17), 7);
        assert_eq!(stands(SessionState::Paused, 3, None, 20), 3);
        assert_eq!(stands(SessionState::Live, 3, None, 70), 10);
        assert_eq!(stands(SessionState::Closed, 3, None, 70), 0);
    }
}
