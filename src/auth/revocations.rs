//! What an event's organiser has withdrawn.

use std::collections::{BTreeMap, BTreeSet};

use super::Grant;
use crate::{ids::MemberId, time::Timestamp};

/// The withdrawn invites of one event. `store` keeps and bounds them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Revocations {
    invites: BTreeSet<String>,
    members: BTreeMap<MemberId, Timestamp>,
}

impl Revocations {
    /// Withdraws one invite by its id.
    pub fn revoke_invite(&mut self, jti: impl Into<String>) {
        self.invites.insert(jti.into());
    }

    /// Withdraws every invite of a member whose validity began at `at` or before. One that is
    /// made later opens again: withdrawing a link is no ban.
    pub fn revoke_member(&mut self, member: MemberId, at: Timestamp) {
        let latest = self.members.entry(member).or_insert(at);
        *latest = at.max(*latest);
    }

    /// Whether an invite has been withdrawn, either way.
    pub fn covers(&self, grant: &Grant) -> bool {
        self.has_invite(&grant.jti)
            || self
                .revoked_at(&grant.member)
                .is_some_and(|at| grant.not_before <= at)
    }

    pub(super) fn has_invite(&self, jti: &str) -> bool {
        self.invites.contains(jti)
    }

    pub(super) fn revoked_at(&self, member: &MemberId) -> Option<Timestamp> {
        self.members.get(member).copied()
    }
}
