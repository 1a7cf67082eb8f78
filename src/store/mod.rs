//! SHELL. Where an event and its invites' revocations are kept: SQLite, one writer.
//!
//! One file, `roundtable.db`, in a data folder that one process owns at a time ([`Store`]); others
//! may read meanwhile ([`Reading`]). Calls block for the disk's time: an async caller makes them
//! on a thread that may block. This module must never know who may do what, nor what time it is.

mod folder;
mod schema;

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use crate::{
    auth::{GuestList, Revocations, Validity},
    ids::{EventId, MemberId},
    programme::Programme,
    time::{Millis, Timestamp},
};

/// The database's name in the data folder.
const DATABASE_FILE: &str = "roundtable.db";
/// How long a call waits for a lock of SQLite's, which only a reader of the same file can hold
/// and never for long; past it the call fails with the reason.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// Revocations of each kind for an event at most. Past it a further one is refused.
const REVOCATIONS_MAX: i64 = 10_000;
/// Links open so long after an event's planned end: sessions run late, and can be reopened.
const AFTER_THE_END: Millis = Millis::from_secs(24 * 60 * 60);
/// The longest id of an invite that is kept, in bytes; ours have 16.
const JTI_BYTES_MAX: usize = 64;

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
    /// What was kept cannot be read back.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// SQLite's own trouble, such as a full disk.
    #[error("the store failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

impl Fault {
    fn folder(folder: &Path, why: io::Error) -> Self {
        Fault::Folder {
            folder: folder.to_owned(),
            why,
        }
    }
}

/// An event in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The event.
    pub programme: Programme,
    /// When it was first imported: its links are valid from then on.
    pub imported: Timestamp,
}

impl Kept {
    /// When the event's invites are valid: from its first import until a day after its end.
    pub fn validity(&self) -> Validity {
        let end = self.programme.ends().unwrap_or(self.imported);
        Validity {
            not_before: self.imported,
            expires: end + AFTER_THE_END,
        }
    }

    /// Who may be let in.
    pub fn guests<'a>(&'a self, revocations: &'a Revocations) -> GuestList<'a> {
        GuestList {
            event: &self.programme.id,
            seats: &self.programme.seats,
            revocations,
        }
    }
}

/// Reads a store, also while another process owns it.
pub struct Reading {
    connection: Connection,
}

/// A store with its folder: the only writer.
pub struct Store {
    reading: Reading,
    // Dropped after the connection: the folder is given up last.
    _lock: folder::FolderLock,
}

impl Store {
    /// Takes the folder and opens its store, each made when it is not there.
    pub fn open(folder: &Path) -> Result<Self, Fault> {
        folder::make(folder)?;
        let lock = folder::lock(folder)?;
        let path = folder.join(DATABASE_FILE);
        // SQLite would make it readable by others; its side files follow this one's mode.
        drop(folder::make_file(folder, &path)?);
        let mut connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        schema::migrate(&mut connection)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // What has been committed survives power loss, not only the process's end.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        Ok(Self {
            reading: Reading { connection },
            _lock: lock,
        })
    }

    /// Everything that can be read.
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// Keeps an event; one with the same id is replaced and keeps its revocations and its links.
    pub fn import(&mut self, programme: &Programme, now: Timestamp) -> Result<(), Fault> {
        let body = serde_json::to_string(programme)
            .map_err(|why| Fault::Damaged(format!("the event cannot be written: {why}")))?;
        self.reading.connection.execute(
            "INSERT INTO programme (event, imported_ms, body) VALUES (?1, ?2, ?3)
             ON CONFLICT (event) DO UPDATE SET body = excluded.body",
            params![programme.id.as_str(), now.0, body],
        )?;
        Ok(())
    }

    /// Withdraws one invite of an event.
    pub fn revoke_invite(
        &mut self,
        event: &EventId,
        jti: &str,
        now: Timestamp,
    ) -> Result<(), Fault> {
        if jti.is_empty() || jti.len() > JTI_BYTES_MAX {
            return Err(Fault::BadJti);
        }
        self.room_for_revocation(
            event,
            "SELECT count(*) FROM revoked_invite WHERE event = ?1",
        )?;
        self.reading.connection.execute(
            "INSERT INTO revoked_invite (event, jti, at_ms) VALUES (?1, ?2, ?3)
             ON CONFLICT DO NOTHING",
            params![event.as_str(), jti, now.0],
        )?;
        Ok(())
    }

    /// Withdraws every invite that a member has been given so far.
    pub fn revoke_member(
        &mut self,
        event: &EventId,
        member: &MemberId,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let kept = self.reading.event(event)?;
        if kept.programme.seat(member).is_none() {
            return Err(Fault::UnknownMember(member.clone()));
        }
        self.room_for_revocation(
            event,
            "SELECT count(*) FROM revoked_member WHERE event = ?1",
        )?;
        self.reading.connection.execute(
            "INSERT INTO revoked_member (event, member, at_ms) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET at_ms = max(at_ms, excluded.at_ms)",
            params![event.as_str(), member.as_str(), now.0],
        )?;
        Ok(())
    }

    fn room_for_revocation(&self, event: &EventId, count: &str) -> Result<(), Fault> {
        self.reading.event(event)?;
        let kept: i64 = self
            .reading
            .connection
            .query_row(count, [event.as_str()], |row| row.get(0))?;
        if kept >= REVOCATIONS_MAX {
            return Err(Fault::TooManyRevocations);
        }
        Ok(())
    }

    /// Keeps a fact about the store itself under a name of the program's.
    pub fn set_meta(&mut self, key: &str, value: &str) -> Result<(), Fault> {
        self.reading.connection.execute(
            "INSERT INTO meta (key, value) VALUES (?1, ?2)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            params![key, value],
        )?;
        Ok(())
    }
}

impl Reading {
    /// Opens a folder's store without taking the folder.
    pub fn open(folder: &Path) -> Result<Self, Fault> {
        let path = folder.join(DATABASE_FILE);
        let missing = || Fault::Missing {
            folder: folder.to_owned(),
        };
        if !path
            .try_exists()
            .map_err(|why| Fault::folder(folder, why))?
        {
            return Err(missing());
        }
        let connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        if !schema::is_filled(&connection)? {
            return Err(missing());
        }
        Ok(Self { connection })
    }

    /// Every event, by its id.
    pub fn events(&self) -> Result<Vec<Kept>, Fault> {
        let mut statement = self
            .connection
            .prepare("SELECT event, imported_ms, body FROM programme ORDER BY event")?;
        let rows = statement.query_map([], row)?;
        rows.map(|row| kept(row?)).collect()
    }

    /// One event.
    pub fn event(&self, event: &EventId) -> Result<Kept, Fault> {
        let sql = "SELECT event, imported_ms, body FROM programme WHERE event = ?1";
        let found = self
            .connection
            .query_row(sql, [event.as_str()], row)
            .optional()?;
        kept(found.ok_or_else(|| Fault::UnknownEvent(event.clone()))?)
    }

    /// What has been withdrawn of an event; nothing of an event that is not here.
    pub fn revocations(&self, event: &EventId) -> Result<Revocations, Fault> {
        let mut revocations = Revocations::default();
        let mut invites = self
            .connection
            .prepare("SELECT jti FROM revoked_invite WHERE event = ?1")?;
        for jti in invites.query_map([event.as_str()], |row| row.get::<_, String>(0))? {
            revocations.revoke_invite(jti?);
        }
        let mut members = self
            .connection
            .prepare("SELECT member, at_ms FROM revoked_member WHERE event = ?1")?;
        let rows = members.query_map([event.as_str()], |row| {
            Ok((row.get::<_, String>(0)?, row.get(1)?))
        })?;
        for row in rows {
            let (member, at) = row?;
            let member = member
                .parse()
                .map_err(|why| Fault::Damaged(format!("a withdrawn member: {why}")))?;
            revocations.revoke_member(member, Timestamp(at));
        }
        Ok(revocations)
    }

    /// A fact kept with [`Store::set_meta`].
    pub fn meta(&self, key: &str) -> Result<Option<String>, Fault> {
        let sql = "SELECT value FROM meta WHERE key = ?1";
        let found = self.connection.query_row(sql, [key], |row| row.get(0));
        Ok(found.optional()?)
    }
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection, Fault> {
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_WAIT)?;
    Ok(connection)
}

type Row = (String, i64, String);

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn kept((event, imported, body): Row) -> Result<Kept, Fault> {
    let programme = serde_json::from_str(&body)
        .map_err(|why| Fault::Damaged(format!("the event `{event}` cannot be read: {why}")))?;
    Ok(Kept {
        programme,
        imported: Timestamp(imported),
    })
}
