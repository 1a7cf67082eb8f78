//! Why the store did not do what was asked.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{
    DATABASE_FILE, JTI_BYTES_MAX, REVOCATIONS_MAX,
    access::{INVITES_MAX, TOKENS_MAX},
};
use crate::ids::{EventId, MemberId, SessionId};

/// Why the store did not do what was asked: one line for whoever runs the server.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The folder or a file in it cannot be made or opened.
    #[error("cannot use the data folder {}: {why}", folder.display())]
    Folder { folder: PathBuf, why: io::Error },
    /// Another process owns the folder.
    #[error(
        "the data folder {} is in use by another roundtable{}",
        folder.display(),
        owner.map_or(String::new(), |id| format!(" (process {id})"))
    )]
    InUse { folder: PathBuf, owner: Option<u32> },
    /// Nothing has been kept there.
    #[error("there is no store in {}: import an event or start the server first", folder.display())]
    Missing { folder: PathBuf },
    /// An SQLite file of something else.
    #[error("{DATABASE_FILE} in the data folder was not made by roundtable")]
    Foreign,
    /// Made by a later version of this program.
    #[error("the store was written by a newer roundtable: use that one")]
    Newer,
    /// Made by an earlier version; only the owner brings it up to date.
    #[error(
        "the store was written by an older roundtable: start the server once to bring it up to date"
    )]
    Older,
    /// No such event has been imported.
    #[error("there is no event `{0}` in the store")]
    UnknownEvent(EventId),
    /// The event has no such seat.
    #[error("the event has no seat `{0}`")]
    UnknownMember(MemberId),
    /// Not an id that an invite can have.
    #[error("an invite's id has 1 to {JTI_BYTES_MAX} characters")]
    BadJti,
    /// No room for another revocation.
    #[error("the event has {REVOCATIONS_MAX} revocations already: withdraw by member instead")]
    TooManyRevocations,
    /// No room for another subscription.
    #[error("the event has {0} webhooks already, which is as many as the settings allow")]
    TooManyWebhooks(u32),
    /// No room for further invites.
    #[error(
        "the event has {INVITES_MAX} invites already that may still open: withdraw those of a member with \
         `roundtable invite --revoke-member MEMBER`, which makes room, and make new ones"
    )]
    TooManyInvites,
    /// No room for another token.
    #[error(
        "there are {TOKENS_MAX} tokens already, and all are still good: end one that nobody needs with \
         `roundtable token --revoke JTI`"
    )]
    TooManyTokens,
    /// No such token has been made.
    #[error("there is no token `{0}`")]
    UnknownToken(String),
    /// The journal does not go so far.
    #[error("the journal of {session} has no entry {rev}")]
    NoEntry { session: SessionId, rev: u64 },
    /// What was kept cannot be read back.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// SQLite's own trouble, such as a full disk.
    #[error("the store failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

impl Fault {
    pub(super) fn folder(folder: &Path, why: io::Error) -> Self {
        Fault::Folder {
            folder: folder.to_owned(),
            why,
        }
    }
}
