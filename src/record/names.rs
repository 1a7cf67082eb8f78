//! What people and delegations are called: the last name given at a join, else the roster's.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::{Journal, Person, When, when};
use crate::{
    ids::{DelegationId, MemberId},
    meeting::{Event, roster::Role},
    programme::Programme,
    time::Timestamp,
};

/// A member as the roster or a join has it.
struct Known {
    /// When the name was given; the roster's are older than any.
    at: Timestamp,
    name: String,
    role: Role,
    delegation: DelegationId,
}

/// Everybody who is or was on the roster or in a room, and the event's time zone.
pub(super) struct Names<'a> {
    zone: TimeZone,
    delegations: BTreeMap<&'a DelegationId, &'a str>,
    members: BTreeMap<&'a MemberId, Known>,
}

impl<'a> Names<'a> {
    pub fn new(programme: &'a Programme, journals: &'a [Journal]) -> Self {
        let seats = programme.seats.iter().map(|seat| {
            let known = Known {
                at: Timestamp(i64::MIN),
                name: seat.name.clone(),
                role: seat.role,
                delegation: seat.delegation.clone(),
            };
            (&seat.member, known)
        });
        let mut members: BTreeMap<&MemberId, Known> = seats.collect();
        for entry in journals.iter().flat_map(|journal| &journal.entries) {
            if let Event::MemberJoined {
                member,
                name,
                role,
                delegation,
                ..
            } = &entry.event
            {
                let known = members.entry(member).or_insert_with(|| Known {
                    at: entry.at,
                    name: name.clone(),
                    role: *role,
                    delegation: delegation.clone(),
                });
                if known.at <= entry.at && !name.is_empty() {
                    known.at = entry.at;
                    known.name.clone_from(name);
                }
            }
        }
        let delegations = programme.delegations.iter();
        Self {
            zone: when::zone(&programme.time_zone),
            delegations: delegations.map(|it| (&it.id, it.name.as_str())).collect(),
            members,
        }
    }

    pub fn when(&self, at: Timestamp) -> When {
        When::new(at, &self.zone)
    }

    pub fn person(&self, member: &MemberId) -> Person {
        let known = self.members.get(member);
        let delegation = known.map(|known| known.delegation.clone());
        Person {
            member: member.clone(),
            name: self.name(member).to_owned(),
            delegation_name: delegation
                .as_ref()
                .map_or(String::new(), |id| self.delegation(id).to_owned()),
            delegation,
        }
    }

    pub fn name<'b>(&'b self, member: &'b MemberId) -> &'b str {
        let known = self.members.get(member).map(|known| known.name.as_str());
        known
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| member.as_str())
    }

    pub fn role(&self, member: &MemberId) -> Option<Role> {
        self.members.get(member).map(|known| known.role)
    }

    pub fn delegation<'b>(&'b self, delegation: &'b DelegationId) -> &'b str {
        let known = self.delegations.get(delegation).copied();
        known.unwrap_or_else(|| delegation.as_str())
    }
}
