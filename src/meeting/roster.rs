//! Who may take part: seats, roles, delegations.

use serde::{Deserialize, Serialize};

use crate::ids::{DelegationId, MemberId};

/// What a member is there for. It comes from the roster, never from who came first.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Writes the event, sends the links, watches its health.
    Organiser,
    /// Moderates: opens the session, gives and takes the floor.
    Chair,
    /// Asks for the floor and speaks when given it.
    Delegate,
    /// A guest whose microphone may always open (opening remarks), never queued.
    Podium,
    /// Speaks into a language channel.
    Interpreter,
    /// Sees and hears.
    Observer,
    /// Sees health and connection quality, cannot take the floor.
    Technician,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 7] = [
        Role::Organiser,
        Role::Chair,
        Role::Delegate,
        Role::Podium,
        Role::Interpreter,
        Role::Observer,
        Role::Technician,
    ];

    /// The role's word in files, links and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Organiser => "organiser",
            Role::Chair => "chair",
            Role::Delegate => "delegate",
            Role::Podium => "podium",
            Role::Interpreter => "interpreter",
            Role::Observer => "observer",
            Role::Technician => "technician",
        }
    }
}

/// A place on the roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// The person's slug, such as `indonesia-1`.
    pub member: MemberId,
    /// The name that others see; may be completed at the join.
    pub name: String,
    /// What the person is there for.
    pub role: Role,
    /// The country or institution.
    pub delegation: DelegationId,
}
