//! Who may come in, who is in the room and under what name, who is lost, who was sent out.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    ids::MemberId,
    meeting::{
        draft::Draft,
        event::{EndReason, Event, LeaveReason},
        giving::end_turn,
        lobby,
        refusal::{Refusal, RefusalCode},
        roster::Role,
        session::SessionState,
        state::Meeting,
    },
    time::Timestamp,
};

/// A microphone as the chairs have left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Microphone {
    Open,
    Shut {
        by: MemberId,
        /// Whether the member has been asked to open it again.
        asked: bool,
    },
}

/// A member in the room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attendee {
    pub(super) name: String,
    pub(super) microphone: Microphone,
    /// Since when signalling and media have been gone, while they are.
    pub(super) lost_at: Option<Timestamp>,
    /// The grace is over too: the member is here only for a hand that is kept.
    pub(super) gone: bool,
}

/// A member in the lobby.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Waiting {
    pub(super) name: String,
    pub(super) since: Timestamp,
}

/// Everybody in the room, and what is remembered of those who are not. Bounded by the roster.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Presence {
    here: BTreeMap<MemberId, Attendee>,
    lobby: BTreeMap<MemberId, Waiting>,
    /// Whom a chair has let in: they come in again without asking.
    admitted: BTreeSet<MemberId>,
    /// Whom a chair has sent back to the lobby: they wait there whether it is on or not.
    sent_back: BTreeSet<MemberId>,
    /// Those who went out muted, and who muted them: going out and in again must not unmute.
    muted_away: BTreeMap<MemberId, MemberId>,
    /// Those who went out, by the name that they had last: it stands under what they wrote.
    away: BTreeMap<MemberId, String>,
    banned: BTreeSet<MemberId>,
}

impl Presence {
    pub(super) fn here(&self) -> &BTreeMap<MemberId, Attendee> {
        &self.here
    }

    pub(super) fn away(&self) -> &BTreeMap<MemberId, String> {
        &self.away
    }

    pub(super) fn contains(&self, member: &MemberId) -> bool {
        self.here.contains_key(member)
    }

    /// Whether the member could be heard as far as chairs and connections go.
    pub(super) fn microphone_open(&self, member: &MemberId) -> bool {
        self.here.get(member).is_some_and(|attendee| {
            attendee.microphone == Microphone::Open && attendee.lost_at.is_none()
        })
    }

    pub(super) fn lost_at(&self, member: &MemberId) -> Option<Timestamp> {
        self.here.get(member)?.lost_at
    }

    pub(super) fn lose(&mut self, member: &MemberId, at: Timestamp) {
        if let Some(attendee) = self.here.get_mut(member) {
            attendee.lost_at.get_or_insert(at);
        }
    }

    pub(super) fn come_back(&mut self, member: &MemberId) {
        if let Some(attendee) = self.here.get_mut(member) {
            attendee.lost_at = None;
            attendee.gone = false;
        }
    }

    pub(super) fn give_up(&mut self, member: &MemberId) {
        if let Some(attendee) = self.here.get_mut(member) {
            attendee.gone = true;
        }
    }

    pub(super) fn is_gone(&self, member: &MemberId) -> bool {
        self.here.get(member).is_some_and(|it| it.gone)
    }

    pub(super) fn lobby(&self) -> &BTreeMap<MemberId, Waiting> {
        &self.lobby
    }

    pub(super) fn banned(&self) -> &BTreeSet<MemberId> {
        &self.banned
    }

    pub(super) fn is_waiting(&self, member: &MemberId) -> bool {
        self.lobby.contains_key(member)
    }

    pub(super) fn is_admitted(&self, member: &MemberId) -> bool {
        self.admitted.contains(member)
    }

    pub(super) fn is_sent_back(&self, member: &MemberId) -> bool {
        self.sent_back.contains(member)
    }

    pub(super) fn wait(&mut self, member: &MemberId, name: &str, at: Timestamp) {
        let since = self.lobby.get(member).map_or(at, |known| known.since);
        let name = name.to_owned();
        self.lobby.insert(member.clone(), Waiting { name, since });
    }

    pub(super) fn wait_no_more(&mut self, member: &MemberId) {
        self.lobby.remove(member);
    }

    pub(super) fn admit(&mut self, member: &MemberId) {
        self.lobby.remove(member);
        self.sent_back.remove(member);
        self.admitted.insert(member.clone());
    }

    pub(super) fn unban(&mut self, member: &MemberId) {
        self.banned.remove(member);
    }

    pub(super) fn microphone(&self, member: &MemberId) -> Option<&Microphone> {
        self.here.get(member).map(|attendee| &attendee.microphone)
    }

    pub(super) fn mute(&mut self, member: &MemberId, by: &MemberId) {
        if let Some(attendee) = self.here.get_mut(member) {
            attendee.microphone = Microphone::Shut {
                by: by.clone(),
                asked: false,
            };
            self.muted_away.remove(member);
        }
    }

    pub(super) fn ask_unmute(&mut self, member: &MemberId) {
        let attendee = self.here.get_mut(member);
        if let Some(Microphone::Shut { asked, .. }) = attendee.map(|it| &mut it.microphone) {
            *asked = true;
        }
    }

    pub(super) fn unmute(&mut self, member: &MemberId) {
        if let Some(attendee) = self.here.get_mut(member) {
            attendee.microphone = Microphone::Open;
        }
    }

    pub(super) fn come(&mut self, member: &MemberId, name: &str) {
        if let Some(attendee) = self.here.get_mut(member) {
            attendee.name = name.to_owned();
            return;
        }
        let attendee = Attendee {
            name: name.to_owned(),
            microphone: Microphone::Open,
            lost_at: None,
            gone: false,
        };
        self.here.insert(member.clone(), attendee);
        self.away.remove(member);
    }

    pub(super) fn go(&mut self, member: &MemberId, reason: LeaveReason) {
        if let Some(gone) = self.here.remove(member) {
            if let Microphone::Shut { by, asked: _ } = gone.microphone {
                self.muted_away.insert(member.clone(), by);
            }
            self.away.insert(member.clone(), gone.name);
        }
        match reason {
            LeaveReason::Banned => {
                self.banned.insert(member.clone());
            }
            LeaveReason::SentBack => {
                self.admitted.remove(member);
                self.sent_back.insert(member.clone());
            }
            LeaveReason::Left | LeaveReason::Lost | LeaveReason::Removed => {}
        }
    }
}

impl Meeting {
    /// Whether the member may come into the room in its present state. Somebody who is in the
    /// room may stay whatever the state becomes.
    pub fn may_enter(&self, member: &MemberId) -> Result<(), Refusal> {
        let seat = self.require_seat(member)?;
        if self.presence.banned.contains(member) {
            return Err(Refusal::new(
                RefusalCode::Removed,
                "A chair removed you from this session. Ask the chair if this was a mistake.",
            ));
        }
        let is_staff = matches!(seat.role, Role::Chair | Role::Organiser | Role::Technician);
        if self.desk.locked && !is_staff && !self.presence.contains(member) {
            return Err(Refusal::new(
                RefusalCode::Locked,
                "The chair has locked this session: nobody new comes in. Ask the chair to let you in.",
            ));
        }
        let admitted = match (seat.role, self.state) {
            (Role::Chair | Role::Organiser, _) => true,
            (Role::Podium | Role::Interpreter, state) => state.has_media(),
            (Role::Delegate | Role::Observer | Role::Technician, state) => match state {
                SessionState::Live | SessionState::Paused => true,
                SessionState::Scheduled | SessionState::Prepared | SessionState::Closed => false,
            },
        };
        if admitted {
            return Ok(());
        }
        let message = match self.state {
            SessionState::Closed => "This session is closed. Look at what is on now.",
            SessionState::Scheduled
            | SessionState::Prepared
            | SessionState::Live
            | SessionState::Paused => {
                "This session has not been opened yet. Wait here: you can come in as soon as a \
                 chair opens it."
            }
        };
        Err(Refusal::new(RefusalCode::NotOpen, message))
    }

    pub(super) fn require_present(&self, member: &MemberId) -> Result<(), Refusal> {
        if self.presence.contains(member) {
            return Ok(());
        }
        Err(Refusal::new(
            RefusalCode::UnknownMember,
            format!("{member} is not in the room."),
        ))
    }
}

/// A member who is here already (on a newer device) needs an event only for a new name. Where the
/// lobby is on, who is not admitted yet waits there.
pub(super) fn join(
    draft: &mut Draft,
    member: &MemberId,
    name: Option<&str>,
) -> Result<(), Refusal> {
    draft.may_enter(member)?;
    let given = tidy(name.unwrap_or_default());
    let chars_max = draft.settings.name_chars_max;
    if given.chars().count() > chars_max {
        return Err(Refusal::new(
            RefusalCode::Limit,
            format!("A name has {chars_max} characters at most: choose a shorter one."),
        ));
    }
    let name = if given.is_empty() {
        draft.require_seat(member)?.name.clone()
    } else {
        given
    };
    if draft.presence.here.get(member).map(|it| &it.name) == Some(&name) {
        return Ok(());
    }
    if draft.must_be_admitted(member) {
        return lobby::wait(draft, member, &name);
    }
    come_in(draft, member, name)
}

/// Lets a member in, muted as it went.
pub(super) fn come_in(draft: &mut Draft, member: &MemberId, name: String) -> Result<(), Refusal> {
    let seat = draft.require_seat(member)?;
    let (role, delegation) = (seat.role, seat.delegation.clone());
    draft.push(Event::MemberJoined {
        member: member.clone(),
        name,
        role,
        delegation,
        rank: draft.rank(member),
        blocked: draft.desk.blocked.contains(member),
        stopped: draft.stopped(member),
    });
    if let Some(by) = draft.presence.muted_away.get(member).cloned() {
        draft.push(Event::MemberMuted {
            member: member.clone(),
            by,
        });
    }
    Ok(())
}

/// Somebody who is not here, or is lost already, has nothing more to lose.
pub(super) fn lose(draft: &mut Draft, member: &MemberId) {
    if draft.presence.contains(member) && draft.presence.lost_at(member).is_none() {
        draft.push(Event::MemberLost {
            member: member.clone(),
        });
        release_priority_of(draft, member);
    }
}

/// Nobody is silenced by a chair who is not there.
fn release_priority_of(draft: &mut Draft, member: &MemberId) {
    if draft.floor.priority() == Some(member) {
        draft.push(Event::PriorityReleased { by: None });
    }
}

/// The grace is over: who waits in the queue keeps the hand for some minutes more.
pub(super) fn end_grace(draft: &mut Draft, member: &MemberId) -> Result<(), Refusal> {
    let has_turn = draft.floor.turn_of(member).is_some();
    let mut hands = draft.floor.hands().iter();
    if !has_turn && draft.is_lost(member) && hands.any(|hand| hand.member == *member) {
        if !draft.presence.is_gone(member) {
            draft.push(Event::MemberGone {
                member: member.clone(),
            });
        }
        return Ok(());
    }
    leave(draft, member, LeaveReason::Lost, None)
}

pub(super) fn come_back(draft: &mut Draft, member: &MemberId) {
    if draft.presence.lost_at(member).is_some() {
        draft.push(Event::MemberBack {
            member: member.clone(),
        });
    }
}

/// After the server's own end, as of the time when it was last known to run: everybody has the grace to
/// come back, and every clock waits for a chair, who alone knows what was said meanwhile.
pub(super) fn recover(draft: &mut Draft) {
    let turns: Vec<_> = draft
        .floor
        .turns()
        .iter()
        .filter(|turn| !turn.held)
        .map(|turn| (turn.number, turn.member.clone()))
        .collect();
    for (turn, member) in turns {
        draft.push(Event::FloorClockPaused {
            turn,
            member,
            by: None,
        });
    }
    let waiting: Vec<_> = draft.presence.lobby.keys().cloned().collect();
    for member in waiting {
        // Whoever waits still asks again.
        draft.push(Event::LobbyLeft { member });
    }
    let present: Vec<_> = draft.present().cloned().collect();
    for member in present {
        if draft.seat(&member).is_some() {
            lose(draft, &member);
        } else {
            // The event was imported anew without this seat: nobody can come back to it.
            let _has_no_turn = leave(draft, &member, LeaveReason::Lost, None);
        }
    }
}

/// Somebody who is not here any more has left already; that is no fault.
pub(super) fn leave(
    draft: &mut Draft,
    member: &MemberId,
    reason: LeaveReason,
    by: Option<&MemberId>,
) -> Result<(), Refusal> {
    if draft.presence.is_waiting(member) {
        draft.push(Event::LobbyLeft {
            member: member.clone(),
        });
    }
    if !draft.presence.contains(member) {
        return Ok(());
    }
    release_priority_of(draft, member);
    if draft.floor.turn_of(member).is_some() {
        end_turn(draft, member, EndReason::Gone, by)?;
    }
    draft.push(Event::MemberLeft {
        member: member.clone(),
        reason,
        by: by.cloned(),
    });
    Ok(())
}

/// One line, without what could turn the text around it or hide in it.
fn tidy(name: &str) -> String {
    let visible: String = name
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !is_direction_mark(*c))
        .collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The Unicode characters that override or isolate the direction of text (UAX #9).
pub(super) fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meeting::{Actor, Command, agenda::FloorMode, script};

    #[test]
    fn everybody_comes_in_when_it_is_time() {
        script::empty().check(
            "
            0 organiser join  -> joined organiser as ORGANISER
            0 chair-1 join    -> joined chair-1 as CHAIR-1
            0 guest join      -> no: not_open
            0 voice join      -> no: not_open
            0 a join          -> no: not_open
            1 chair-1 prepare -> prepared by chair-1
            2 guest join      -> joined guest as GUEST
            2 voice join      -> joined voice as VOICE
            2 a join          -> no: not_open
            2 watcher join    -> no: not_open
            2 tech join       -> no: not_open
            3 chair-1 open    -> opened by chair-1
            4 a join          -> joined a as A
            4 watcher join    -> joined watcher as WATCHER
            5 chair-1 pause   -> paused by chair-1
            6 tech join       -> joined tech as TECH
            6 b join          -> joined b as B
            7 chair-1 close   -> closed by chair-1
            8 c join          -> no: not_open
            8 chair-2 join    -> joined chair-2 as CHAIR-2
            8 nobody join     -> no: unknown_member
            8 ? present       -> a b chair-1 chair-2 guest organiser tech voice watcher
            ",
        );
    }

    #[test]
    fn a_name_may_be_completed_and_changed_by_joining_again() {
        script::live(FloorMode::Request, 1).check(
            "
            1 a join                    -> nothing
            2 a join Dr. Sari  Wijaya   -> joined a as Dr. Sari Wijaya
            3 a join Dr. Sari Wijaya    -> nothing
            4 a join                    -> joined a as A
            ",
        );
    }

    #[test]
    fn a_newer_device_changes_nothing_about_hand_turn_and_mute() {
        script::live(FloorMode::Request, 1).check(
            "
            1 a request          -> requested a
            1 b request          -> requested b
            2 chair-1 next       -> granted 1 a by chair-1
            2 chair-1 mute a     -> muted a by chair-1
            3 a join Sari        -> joined a as Sari
            3 b join             -> nothing
            3 ? spent a          -> 0
            3 ? queue            -> b
            3 ? heard            -> chair-1 chair-2 guest
            ",
        );
    }

    fn join_as(name: &str) -> Result<Vec<Event>, RefusalCode> {
        let meeting = script::live(FloorMode::Request, 1).meeting;
        let command = Command::Join {
            name: Some(name.to_owned()),
        };
        let actor = Actor::Member(script::id("a"));
        let decided = meeting.decide(crate::time::Timestamp(9), &actor, &command);
        decided.map_err(|refusal| refusal.code)
    }

    fn name_in(joined: Result<Vec<Event>, RefusalCode>) -> Option<String> {
        match joined.ok()?.pop()? {
            Event::MemberJoined { name, .. } => Some(name),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_name_is_one_short_line() {
        assert_eq!(
            name_in(join_as("\tDr.\nSari\u{202E} \u{7}Wijaya ")),
            Some("Dr. Sari Wijaya".to_owned())
        );
        assert!(join_as(&"ä".repeat(80)).is_ok());
        assert_eq!(join_as(&"ä".repeat(81)), Err(RefusalCode::Limit));
        assert_eq!(join_as(" \u{200F} "), Ok(Vec::new()), "the roster's name");
    }

    #[test]
    fn who_leaves_or_is_lost_takes_hand_and_turn_along() {
        script::live(FloorMode::Request, 1).check(
            "
            1  a request      -> requested a
            1  b request      -> requested b
            1  c request      -> requested c
            2  chair-1 next   -> granted 1 a by chair-1
            3  media heard a  -> confirmed 1 a; started 1 a
            9  a grace-ended  -> ended 1 a gone 6; left a lost
            9  a grace-ended  -> nothing
            9  b leave        -> left b left
            9  ? queue        -> c
            9  b request      -> no: not_now
            10 a join         -> joined a as A
            10 ? heard        -> chair-1 chair-2 guest
            ",
        );
    }

    #[test]
    fn a_lost_speaker_frees_the_microphone_for_the_next() {
        script::live(FloorMode::Open, 1).check(
            "
            1 a request -> requested a; granted 1 a
            1 b request -> requested b
            2 a grace-ended -> ended 1 a gone 0; left a lost; granted 2 b
            ",
        );
    }

    #[test]
    fn a_lost_speakers_floor_is_kept_and_back_without_asking() {
        script::live(FloorMode::Request, 1).check(
            "
            1  a request        -> requested a
            2  chair-1 next     -> granted 1 a by chair-1
            3  media heard a    -> confirmed 1 a; started 1 a
            10 a lost           -> lost a
            10 a lost           -> nothing
            10 ? heard          -> chair-1 chair-2 guest
            10 ? deadline       -> 25
            20 a back           -> back a
            20 a back           -> nothing
            20 ? heard          -> a chair-1 chair-2 guest
            21 ? spent a        -> 7
            22 media heard a    -> started 1 a
            24 ? spent a        -> 9
            ",
        );
    }

    #[test]
    fn a_speaker_who_stays_lost_is_offered_the_floor_once_more() {
        script::live(FloorMode::Request, 1).check(
            "
            1  b request        -> requested b
            2  chair-1 grant a  -> granted 1 a by chair-1
            3  media heard a    -> confirmed 1 a; started 1 a
            10 a lost           -> lost a
            25 clock passed     -> ended 1 a gone 7, requeued
            25 ? queue          -> a b
            25 ? deadline       -> none
            26 chair-1 next     -> granted 2 b by chair-1
            26 chair-1 stop b   -> ended 2 b stopped 0 by chair-1
            27 chair-1 next     -> no: not_now
            27 chair-1 grant a  -> no: not_now
            28 a back           -> back a
            29 chair-1 next     -> granted 3 a by chair-1
            39 clock passed     -> missed 3 a
            39 ? queue          ->
            ",
        );
    }

    #[test]
    fn a_lost_hand_keeps_its_place_and_is_passed_over() {
        script::live(FloorMode::Open, 1).check(
            "
            1  a request     -> requested a; granted 1 a
            1  b request     -> requested b
            1  c request     -> requested c
            2  b lost        -> lost b
            3  a yield       -> ended 1 a finished 0; granted 2 c
            3  ? queue       -> b
            4  c yield       -> ended 2 c finished 0
            5  b back        -> back b; granted 3 b
            ",
        );
    }

    #[test]
    fn after_the_servers_end_everybody_is_lost_and_clocks_wait_for_a_chair() {
        script::live(FloorMode::Request, 1).check(
            "
            1  chair-1 grant a  -> granted 1 a by chair-1
            2  media heard a    -> confirmed 1 a; started 1 a
            2  b leave          -> left b left
            3  c lost           -> lost c
            9  server recover   -> clock paused 1 a; lost a; lost chair-1; lost chair-2; lost d; \
               lost e; lost f; lost guest; lost organiser; lost tech; lost voice; lost watcher
            9  server recover   -> nothing
            9  ? spent a        -> 7
            10 a back           -> back a
            10 chair-1 back     -> back chair-1
            11 media heard a    -> started 1 a
            12 ? spent a        -> 7
            12 ? heard          -> a chair-1
            12 chair-1 hold a   -> no: not_now
            13 chair-1 run a    -> clock resumed 1 a by chair-1
            15 ? spent a        -> 9
            15 chair-1 run a    -> no: not_now
            16 chair-1 hold a   -> clock paused 1 a by chair-1
            16 ? deadline       -> none
            20 ? spent a        -> 10
            21 chair-1 run b    -> no: unknown_member
            21 chair-1 run c    -> no: not_now
            ",
        );
    }

    #[test]
    fn the_time_without_a_server_is_nobodys_speech_and_nobodys_grace() {
        let mut script = script::live(FloorMode::Request, 1);
        script.check(
            "
            1  chair-1 grant a  -> granted 1 a by chair-1
            2  media heard a    -> confirmed 1 a; started 1 a
            3  c request        -> requested c
            8  b request        -> requested b
            8  c lost           -> lost c
            9  server recover   -> clock paused 1 a; lost a; lost b; lost chair-1; lost chair-2; \
               lost d; lost e; lost f; lost guest; lost organiser; lost tech; lost voice; lost watcher
            ",
        );
        script.meeting.take_up(Timestamp(50_000_000));
        script.check(
            "
            50000 ? spent a       -> 7
            50000 ? deadline      -> 50015
            50010 a back          -> back a
            50010 chair-1 back    -> back chair-1
            50010 ? heard         -> a chair-1
            50060 c grace-ended   -> gone c
            50060 ? deadline      -> 50600
            ",
        );
    }
}
