//! Who somebody is: invite links and tokens of the API, their signature, their end.
//!
//! This module must never know what a member may do in a meeting; that is `meeting::rights`.
//!
//! An event's [`GuestList`] says which [`Grant`] each seat has now (`guests`), with what its
//! organiser has withdrawn (`revocations`) and where links of limited use have been used (`uses`); [`Invites`] signs grants and verifies tokens against
//! the list (`invites`); a signed token becomes a [`Link`] that can be sent (`link`). The key lives in a file of its own (`key_file`, the only part that touches one). With the
//! same key the tokens of the organiser's API are signed (`tokens`).

mod guests;
mod invites;
pub mod key_file;
pub mod link;
mod revocations;
mod tokens;
mod uses;

pub use guests::{GuestList, Validity};
pub use invites::{Invites, NotAKey, SECRET_BYTES_MIN, USES_MAX};
pub use link::Link;
pub use revocations::Revocations;
pub use tokens::{ApiToken, KeptToken, NotAScope, Scope, TokenRefusal, Tokens};
pub use uses::{Device, Uses};

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
    /// The beginning of its validity, a whole second.
    pub not_before: Timestamp,
    /// The end of its validity, a whole second; from then on it opens nothing.
    pub expires: Timestamp,
    /// On how many devices it opens; none: on any number.
    pub uses: Option<u16>,
}

/// Why a link does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
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
    /// Used on as many devices as it allows.
    #[error(
        "this link has been used on as many devices as it allows: ask the organiser for a new one"
    )]
    UsedUp,
    /// Its use cannot be kept at present, and so is not allowed.
    #[error("this use of the link could not be stored: try again in a moment")]
    Uncounted,
}
