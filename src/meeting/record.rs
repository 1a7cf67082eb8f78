//! What is written down beside the floor: chat, notices, notes for the minutes, and the register of
//! proposed recommendations.
//!
//! All of it is bounded: the state keeps the latest messages, the journal all of them.

use std::collections::{BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::{
    ids::{DelegationId, ItemId, MemberId},
    meeting::{
        agenda::ChatRule,
        draft::Draft,
        event::{Audience, Event},
        refusal::{Refusal, RefusalCode},
        roster::Role,
    },
    time::Timestamp,
};

/// Messages, notices and notes of a snapshot at most, of each kind; the oldest go.
pub const KEPT_MAX: usize = 200;

/// To whom a message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Addressee {
    /// To all in the room.
    Everybody,
    /// To chairs and the organiser alone.
    Chairs,
}

/// Counts a session's recommendations; the first is 1.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct RecommendationNumber(pub u32);

/// What has become of a recommendation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// On the table.
    Proposed,
    /// The meeting recommends it.
    Agreed,
    /// For another time.
    Deferred,
    /// Not any more.
    Withdrawn,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 4] = [
        Status::Proposed,
        Status::Agreed,
        Status::Deferred,
        Status::Withdrawn,
    ];

    /// The status's word in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Proposed => "proposed",
            Status::Agreed => "agreed",
            Status::Deferred => "deferred",
            Status::Withdrawn => "withdrawn",
        }
    }
}

/// A message of the chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ChatMessage {
    /// When it was sent.
    pub at: Timestamp,
    /// Who wrote it.
    pub member: MemberId,
    /// To whom.
    pub to: Addressee,
    /// What.
    pub text: String,
}

/// A notice, or a note for the minutes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Note {
    /// When it was written.
    pub at: Timestamp,
    /// The chair.
    pub by: MemberId,
    /// The item that was on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemId>,
    /// What.
    pub text: String,
}

/// A proposed recommendation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Recommendation {
    /// Its number.
    pub number: RecommendationNumber,
    /// Who proposed it.
    pub proposer: MemberId,
    /// What it says.
    pub text: String,
    /// Who supports it, beside the proposer.
    pub supporters: BTreeSet<MemberId>,
    /// What has become of it.
    pub status: Status,
    /// The institutes that have signed it off.
    pub signed: BTreeSet<DelegationId>,
}

/// What has been written down.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Written {
    pub(super) chat: VecDeque<ChatMessage>,
    pub(super) notices: VecDeque<Note>,
    pub(super) notes: VecDeque<Note>,
    /// Bounded by the settings: more are refused.
    pub(super) recommendations: Vec<Recommendation>,
}

impl Written {
    /// The chat as this audience sees it.
    pub(super) fn chat_for(&self, audience: Audience) -> Vec<ChatMessage> {
        let seen = |it: &&ChatMessage| match it.to {
            Addressee::Everybody => true,
            Addressee::Chairs => audience == Audience::Chairs,
        };
        self.chat.iter().filter(seen).cloned().collect()
    }

    pub(super) fn recommendation_mut(
        &mut self,
        number: RecommendationNumber,
    ) -> Option<&mut Recommendation> {
        let mut all = self.recommendations.iter_mut();
        all.find(|it| it.number == number)
    }
}

/// Keeps the latest.
pub(super) fn keep<T>(kept: &mut VecDeque<T>, latest: T) {
    if kept.len() >= KEPT_MAX {
        kept.pop_front();
    }
    kept.push_back(latest);
}

pub(super) fn chat(
    draft: &mut Draft,
    member: &MemberId,
    to: Addressee,
    text: &str,
) -> Result<(), Refusal> {
    let text = tidy(text, draft.settings.chat_chars_max, "A message")?;
    let is_chair = draft.require_seat(member)?.role == Role::Chair;
    match (draft.profile.chat, to) {
        _ if is_chair => {}
        (ChatRule::Everybody, _) | (ChatRule::Chairs, Addressee::Chairs) => {}
        (ChatRule::Chairs, Addressee::Everybody) => {
            return Err(Refusal::not_now(
                "You can write to the chairs alone at present.",
            ));
        }
        (ChatRule::Off, _) => {
            return Err(Refusal::not_now("The chat is switched off at present."));
        }
    }
    draft.push(Event::ChatSent {
        member: member.clone(),
        to,
        text,
    });
    Ok(())
}

pub(super) fn notice(draft: &mut Draft, by: &MemberId, text: &str) -> Result<(), Refusal> {
    let text = tidy(text, draft.settings.notice_chars_max, "A notice")?;
    let by = by.clone();
    draft.push(Event::Noticed { text, by });
    Ok(())
}

pub(super) fn note(draft: &mut Draft, by: &MemberId, text: &str) -> Result<(), Refusal> {
    let text = tidy(text, draft.settings.note_chars_max, "A note")?;
    let by = by.clone();
    draft.push(Event::MinutesNoted { text, by });
    Ok(())
}

pub(super) fn propose(draft: &mut Draft, member: &MemberId, text: &str) -> Result<(), Refusal> {
    let text = tidy(text, draft.settings.note_chars_max, "A recommendation")?;
    let count = draft.written.recommendations.len();
    let count_max = draft.settings.recommendations_max;
    if count >= count_max {
        return Err(Refusal::new(
            RefusalCode::Limit,
            format!("The register has {count_max} recommendations at most: change one of them."),
        ));
    }
    let may_fill_it = match draft.require_seat(member)?.role {
        Role::Chair | Role::Organiser => true,
        Role::Delegate | Role::Podium | Role::Interpreter | Role::Observer | Role::Technician => {
            false
        }
    };
    let open = draft.written.recommendations.iter();
    let open = open.filter(|it| it.proposer == *member && it.status == Status::Proposed);
    let open_max = draft.settings.recommendations_per_member_max;
    if !may_fill_it && open.count() >= open_max {
        return Err(Refusal::new(
            RefusalCode::Limit,
            format!(
                "You have {open_max} recommendations on the table, as many as one may have: change one \
                 of them, or wait until the chair has decided on one."
            ),
        ));
    }
    draft.push(Event::RecommendationProposed {
        number: RecommendationNumber(u32::try_from(count).unwrap_or(u32::MAX).saturating_add(1)),
        member: member.clone(),
        text,
    });
    Ok(())
}

/// Who proposed it may change it while it is on the table; a chair at any time.
pub(super) fn edit(
    draft: &mut Draft,
    member: &MemberId,
    number: RecommendationNumber,
    text: &str,
) -> Result<(), Refusal> {
    let text = tidy(text, draft.settings.note_chars_max, "A recommendation")?;
    let is_chair = draft.require_seat(member)?.role == Role::Chair;
    let known = find(draft, number)?;
    if !is_chair && known.proposer != *member {
        return Err(Refusal::new(
            RefusalCode::NotAllowed,
            "Who proposed it or a chair can change it: ask one of them.",
        ));
    }
    if !is_chair && known.status != Status::Proposed {
        return Err(Refusal::not_now(
            "It is not on the table any more: ask a chair to change it.",
        ));
    }
    if known.text == text {
        return Ok(());
    }
    draft.push(Event::RecommendationEdited {
        number,
        member: member.clone(),
        text,
    });
    Ok(())
}

pub(super) fn support(
    draft: &mut Draft,
    member: &MemberId,
    number: RecommendationNumber,
    supports: bool,
) -> Result<(), Refusal> {
    let known = find(draft, number)?;
    if known.proposer == *member {
        return Err(Refusal::not_now("You have proposed it yourself."));
    }
    if known.supporters.contains(member) == supports {
        return Ok(());
    }
    let member = member.clone();
    draft.push(if supports {
        Event::RecommendationSupported { number, member }
    } else {
        Event::RecommendationUnsupported { number, member }
    });
    Ok(())
}

pub(super) fn set_status(
    draft: &mut Draft,
    by: &MemberId,
    number: RecommendationNumber,
    status: Status,
) -> Result<(), Refusal> {
    if find(draft, number)?.status == status {
        return Ok(());
    }
    let by = by.clone();
    draft.push(Event::RecommendationStatusSet { number, status, by });
    Ok(())
}

/// Signs for the institute that is the signer's delegation.
pub(super) fn sign(
    draft: &mut Draft,
    by: &MemberId,
    number: RecommendationNumber,
) -> Result<(), Refusal> {
    let institute = draft.require_seat(by)?.delegation.clone();
    let known = find(draft, number)?;
    if known.status != Status::Agreed {
        return Err(Refusal::not_now(
            "Only what has been agreed can be signed off: set its status first.",
        ));
    }
    if known.signed.contains(&institute) {
        return Err(Refusal::not_now("Your institute has signed it already."));
    }
    draft.push(Event::RecommendationSigned {
        number,
        institute,
        by: by.clone(),
    });
    Ok(())
}

fn find(draft: &Draft, number: RecommendationNumber) -> Result<&Recommendation, Refusal> {
    let mut all = draft.written.recommendations.iter();
    all.find(|it| it.number == number)
        .ok_or_else(|| Refusal::not_now(format!("There is no recommendation {}.", number.0)))
}

/// A text without what could hide in it, neither empty nor too long.
fn tidy(text: &str, chars_max: usize, what: &str) -> Result<String, Refusal> {
    let limit = |message| Err(Refusal::new(RefusalCode::Limit, message));
    let visible: String = text
        .chars()
        .filter(|c| *c == '\n' || !(c.is_control() || super::presence::is_direction_mark(*c)))
        .collect();
    let text = visible.trim();
    if text.is_empty() {
        return limit(format!("{what} is empty: write something."));
    }
    if text.chars().count() > chars_max {
        return limit(format!(
            "{what} has {chars_max} characters at most: make it shorter."
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meeting::{Actor, Command, agenda::FloorMode, script};

    #[test]
    fn members_write_as_far_as_the_chair_lets_them() {
        script::live(FloorMode::Request, 1).check(
            "
            1 a chat Hello all.        -> chat a to everybody: Hello all.
            1 watcher chat chairs Low. -> chat watcher to chairs: Low.
            2 chair-1 configure chat = 'chairs' -> configured chat = 'chairs' by chair-1
            2 a chat Hello.            -> no: not_now
            2 a chat chairs Hello.     -> chat a to chairs: Hello.
            2 chair-2 chat Hello.      -> chat chair-2 to everybody: Hello.
            3 chair-1 configure chat = 'off' -> configured chat = 'off' by chair-1
            3 a chat chairs Hello.     -> no: not_now
            3 chair-2 chat chairs Hi.  -> chat chair-2 to chairs: Hi.
            4 chair-1 notice We begin. -> notice We begin. by chair-1
            4 a notice We begin.       -> no: not_allowed
            5 chair-1 note Thanked.    -> noted Thanked. by chair-1
            5 a note Thanked.          -> no: not_allowed
            ",
        );
    }

    #[test]
    fn a_recommendation_goes_from_proposed_to_signed() {
        script::live(FloorMode::Request, 1).check(
            "
            1 a propose A joint exercise.  -> proposed 1 a: A joint exercise.
            1 watcher propose Nothing.     -> no: not_allowed
            2 a support 1                  -> no: not_now
            2 c support 1                  -> supported 1 c
            2 c support 1                  -> nothing
            2 c support 2                  -> no: not_now
            3 c edit 1 A yearly exercise.  -> no: not_allowed
            3 a edit 1 A yearly exercise.  -> edited 1 a: A yearly exercise.
            3 c unsupport 1                -> nothing
            4 chair-1 sign 1               -> no: not_now
            4 a status 1 agreed            -> no: not_allowed
            4 chair-1 status 1 agreed      -> status 1 agreed by chair-1
            4 a edit 1 No.                 -> no: not_now
            5 chair-1 sign 1               -> signed 1 csis by chair-1
            5 organiser sign 1             -> no: not_now
            5 chair-2 sign 1               -> signed 1 mgimo by chair-2
            6 chair-2 edit 1 Two of them.  -> edited 1 chair-2: Two of them.
            7 chair-2 sign 1               -> signed 1 mgimo by chair-2
            8 chair-1 status 1 deferred    -> status 1 deferred by chair-1
            8 chair-1 sign 1               -> no: not_now
            ",
        );
    }

    #[test]
    fn texts_are_neither_empty_nor_too_long_and_hide_nothing() {
        let meeting = script::live(FloorMode::Request, 1).meeting;
        let say = |text: &str| {
            let command = Command::Chat {
                to: Addressee::Everybody,
                text: text.to_owned(),
            };
            let actor = Actor::Member(script::id("a"));
            let decided = meeting.decide(Timestamp(9), &actor, &command);
            decided.map_err(|refusal| refusal.code)
        };
        for wrong in ["", "  ", "\u{202E}", &"ä".repeat(1001)] {
            assert_eq!(say(wrong), Err(RefusalCode::Limit), "{wrong:?}");
        }
        let said = say(" one\ntwo\u{202E}\u{7} ");
        let Ok([Event::ChatSent { text, .. }]) = said.as_deref() else {
            panic!("one message");
        };
        assert_eq!(text, "one\ntwo");
        assert!(say(&"ä".repeat(1000)).is_ok());
    }

    #[test]
    fn one_member_does_not_fill_the_register() {
        let mut script = script::live(FloorMode::Request, 1);
        for number in 1..=10 {
            script.check(&format!("1 a propose Word. -> proposed {number} a: Word."));
        }
        script.check(
            "
            2 a propose Word.           -> no: limit
            2 b propose Word.           -> proposed 11 b: Word.
            3 chair-1 status 1 deferred -> status 1 deferred by chair-1
            4 a propose Word.           -> proposed 12 a: Word.
            4 a propose Word.           -> no: limit
            ",
        );
    }

    #[test]
    fn the_register_is_bounded_and_the_chat_keeps_the_latest() {
        let mut script = script::live(FloorMode::Request, 1);
        for number in 1..=200 {
            let line = format!("1 chair-1 propose Word. -> proposed {number} chair-1: Word.");
            script.check(&line);
        }
        script.check("1 chair-1 propose Word. -> no: limit");
        for number in 1..=KEPT_MAX + 1 {
            script.check(&format!(
                "1 a chat {number} -> chat a to everybody: {number}"
            ));
        }
        let chat = &script.meeting.written.chat;
        assert_eq!((chat.len(), chat[0].text.as_str()), (KEPT_MAX, "2"));
    }
}
