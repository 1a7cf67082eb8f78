//! Who somebody is: invite links, their signature, their end.
//!
//! This module must never know what a member may do in a meeting; that is `meeting::rights`.

use crate::{
    ids::{EventId, MemberId},
    meeting::roster::Role,
    time::Timestamp,
};

/// What a valid invite grants: to be this member at this event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The event.
    pub event: EventId,
    /// The member.
    pub member: MemberId,
    /// The role when the invite was made. The roster decides; this must equal it.
    pub role: Role,
    /// The invite's own id, by which it is revoked.
    pub jti: String,
    /// The end of its validity.
    pub expires: Timestamp,
}

/// Why a link does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkRefusal {
    /// Damaged, of another algorithm, of another server or event.
    #[error("this link is damaged or was not made by this server: ask the organiser for a new one")]
    Invalid,
    /// Its time is over.
    #[error("this link has expired: ask the organiser for a new one")]
    Expired,
    /// Its time has not come.
    #[error("this link is not valid yet: try again later")]
    NotYet,
    /// Withdrawn by the organiser.
    #[error("this link was withdrawn: ask the organiser for a new one")]
    Revoked,
}
