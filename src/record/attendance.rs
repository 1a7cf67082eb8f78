//! Who came, when, and for how long. Who is lost and soon back has not been away; who is not was gone when
//! lost.

use std::collections::BTreeMap;

use super::{Attended, Stay, names::Names};
use crate::{
    ids::MemberId,
    time::{Millis, Timestamp},
};

/// Who is lost for longer has been away. In a room that goes on nobody comes back so late without having
/// left it, unless its grace is set longer; after a restart of the server everybody may.
const AWAY: Millis = Millis::from_secs(120);

/// Everybody who has come so far, in the order of their first coming.
#[derive(Default)]
pub(super) struct Attendance {
    order: Vec<MemberId>,
    members: BTreeMap<MemberId, Member>,
}

#[derive(Default)]
struct Member {
    stays: Vec<(Timestamp, Timestamp)>,
    /// Since when, while in the room.
    here: Option<Timestamp>,
    /// Since when, while lost.
    lost: Option<Timestamp>,
}

impl Member {
    fn comes(&mut self, at: Timestamp) {
        if let Some(lost) = self.lost.filter(|lost| at.since(*lost) > AWAY) {
            self.goes(lost);
        }
        self.here.get_or_insert(at);
        self.lost = None;
    }

    fn goes(&mut self, at: Timestamp) {
        if let Some(came) = self.here.take() {
            self.stays.push((came, at));
        }
        self.lost = None;
    }
}

impl Attendance {
    pub fn joined(&mut self, at: Timestamp, member: &MemberId) {
        if !self.members.contains_key(member) {
            self.order.push(member.clone());
        }
        self.members.entry(member.clone()).or_default().comes(at);
    }

    pub fn lost(&mut self, at: Timestamp, member: &MemberId) {
        if let Some(known) = self.members.get_mut(member) {
            known.lost.get_or_insert(at);
        }
    }

    pub fn back(&mut self, at: Timestamp, member: &MemberId) {
        if let Some(known) = self.members.get_mut(member) {
            known.comes(at);
        }
    }

    /// Nobody waits for the lost member any more.
    pub fn given_up(&mut self, at: Timestamp, member: &MemberId) {
        if let Some(known) = self.members.get_mut(member) {
            let lost = known.lost.unwrap_or(at);
            known.goes(lost);
        }
    }

    pub fn left(&mut self, at: Timestamp, member: &MemberId) {
        if let Some(known) = self.members.get_mut(member) {
            known.goes(at);
        }
    }

    /// What has become of everybody by the last entry.
    pub fn at_the_end(self, last: Timestamp, names: &Names<'_>) -> Vec<Attended> {
        let members = &self.members;
        let attended = self.order.iter().filter_map(|id| {
            let member = members.get(id)?;
            let mut stays: Vec<Stay> = member
                .stays
                .iter()
                .map(|(came, gone)| Stay {
                    came: names.when(*came),
                    gone: Some(names.when(*gone)),
                })
                .collect();
            let mut present = member
                .stays
                .iter()
                .fold(Millis(0), |all, (came, gone)| all + gone.since(*came));
            if let Some(came) = member.here {
                present = present + last.since(came);
                stays.push(Stay {
                    came: names.when(came),
                    gone: None,
                });
            }
            Some(Attended {
                person: names.person(id),
                role: names.role(id).map(|role| role.as_str()),
                came: stays.first()?.came.clone(),
                gone: stays.last()?.gone.clone(),
                present_ms: present,
                stays,
            })
        });
        attended.collect()
    }
}
