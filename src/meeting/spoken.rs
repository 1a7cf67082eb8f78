//! How long everybody has spoken: the sums of the ended turns.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    ids::{DelegationId, MemberId},
    time::Millis,
};

/// Speaking time of ended turns. A running turn is counted when it ends.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Spoken {
    members: BTreeMap<MemberId, Millis>,
    delegations: BTreeMap<DelegationId, Millis>,
}

impl Spoken {
    pub(super) fn add(&mut self, member: &MemberId, delegation: Option<&DelegationId>, ms: Millis) {
        let total = self.members.entry(member.clone()).or_default();
        *total = *total + ms;
        if let Some(delegation) = delegation {
            let total = self.delegations.entry(delegation.clone()).or_default();
            *total = *total + ms;
        }
    }

    /// How long the member has spoken.
    pub fn by_member(&self, member: &MemberId) -> Millis {
        self.members.get(member).copied().unwrap_or_default()
    }

    /// How long the delegation's members have spoken together.
    pub fn by_delegation(&self, delegation: &DelegationId) -> Millis {
        self.delegations
            .get(delegation)
            .copied()
            .unwrap_or_default()
    }

    /// Everybody who has spoken.
    pub fn members(&self) -> impl Iterator<Item = (&MemberId, Millis)> {
        self.members.iter().map(|(member, ms)| (member, *ms))
    }
}
