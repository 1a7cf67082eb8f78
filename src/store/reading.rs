//! What can be read from a store, by its owner and by others meanwhile.

use std::{collections::BTreeMap, path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::{
    DATABASE_FILE, Fault, alive_key,
    journal::{self, Made, Verdict, Whole},
    schema,
    webhooks::{self, KeptHook},
};
use crate::{
    auth::{GuestList, Revocations, Uses, Validity},
    check::Checked,
    ids::{EventId, SessionId},
    meeting::event::{Recorded, Rev},
    programme::Programme,
    time::{Millis, Timestamp},
};

/// How long a call waits for a lock of SQLite's, which only a reader of the same file can hold
/// and never for long; past it the call fails with the reason.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// Links open so long after an event's planned end: sessions run late, and can be reopened.
const AFTER_THE_END: Millis = Millis::from_secs(24 * 60 * 60);

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
            uses: None,
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

impl Reading {
    pub(super) fn of(connection: Connection) -> Self {
        Self { connection }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn connection_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }

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

    /// On which devices an event's limited links have been used.
    pub fn uses(&self, event: &EventId) -> Result<Uses, Fault> {
        let mut uses = Uses::default();
        let mut statement = self
            .connection
            .prepare("SELECT jti, device FROM invite_use WHERE event = ?1")?;
        let rows = statement.query_map([event.as_str()], |row| {
            Ok((row.get::<_, String>(0)?, row.get(1)?))
        })?;
        for row in rows {
            let (jti, device) = row?;
            uses.note(jti, device);
        }
        Ok(uses)
    }

    /// What each member's latest check has found, by member. One of a seat that is no more is left
    /// out, as is one that this version cannot read.
    pub fn checks(&self, programme: &Programme) -> Result<Vec<Checked>, Fault> {
        let mut statement = self.connection.prepare(
            "SELECT member, at_ms, body FROM check_report WHERE event = ?1 ORDER BY member",
        )?;
        let rows = statement.query_map([programme.id.as_str()], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get(1)?,
                row.get::<_, String>(2)?,
            ))
        })?;
        let mut checks = Vec::new();
        for row in rows {
            let (member, at, body) = row?;
            let seat = programme
                .seats
                .iter()
                .find(|seat| seat.member.as_str() == member);
            if let (Some(seat), Ok(report)) = (seat, serde_json::from_str(&body)) {
                checks.push(Checked {
                    member: seat.member.clone(),
                    at: Timestamp(at),
                    report,
                });
            }
        }
        Ok(checks)
    }

    /// Everything that happened in a session, in order; the whole chain is checked.
    pub fn journal(&self, event: &EventId, session: &SessionId) -> Result<Vec<Recorded>, Fault> {
        journal::read(&self.connection, event, session)
    }

    /// The same for somebody who keeps snapshots: the newest one that was made on this basis of the
    /// very entries that the journal has, and the entries after it; all entries where there is none. A
    /// snapshot that is damaged is none.
    pub fn journal_from(
        &self,
        event: &EventId,
        session: &SessionId,
        basis: &str,
    ) -> Result<(Option<Made>, Vec<Recorded>), Fault> {
        journal::read_on(&self.connection, event, session, basis)
    }

    /// How far each session's journal is.
    pub fn revs(&self, event: &EventId) -> Result<BTreeMap<SessionId, Rev>, Fault> {
        journal::revs(&self.connection, event)
    }

    /// Some of a session's entries after one, `most` at most. For one who follows the journal: only the
    /// start looks at the chain.
    pub fn entries_after(
        &self,
        event: &EventId,
        session: &SessionId,
        after: Rev,
        most: u32,
    ) -> Result<Vec<Recorded>, Fault> {
        journal::entries_after(&self.connection, (event, session), after, most)
    }

    /// The subscriptions to an event, the eldest first; and what is wrong with those that cannot be read.
    pub fn webhooks(&self, event: &EventId) -> Result<(Vec<KeptHook>, Vec<Fault>), Fault> {
        webhooks::read(&self.connection, event)
    }

    /// Looks at every chain of an event: whether the record is whole, and where it is not.
    pub fn verify(&self, event: &EventId) -> Result<Verdict, Fault> {
        journal::verify(&self.connection, &self.event(event)?.programme)
    }

    /// Everything of an event as it is at one moment: what [`Reading::verify`] says, and where that is
    /// whole, the entries of every session.
    pub fn whole(&self, event: &EventId) -> Result<Whole, Fault> {
        journal::whole(&self.connection, self.event(event)?.programme)
    }

    /// When an event's server was last known to run: as it noted, or by its journal's latest entry.
    /// The beginning of time where it never did.
    pub fn last_alive(&self, event: &EventId) -> Result<Timestamp, Fault> {
        let noted = self.meta(&alive_key(event))?;
        let noted = noted.and_then(|text| text.parse().ok()).map(Timestamp);
        let latest = journal::latest(&self.connection, event)?;
        Ok(noted.map_or(latest, |noted| noted.max(latest)))
    }

    /// A fact kept with [`Store::set_meta`].
    pub fn meta(&self, key: &str) -> Result<Option<String>, Fault> {
        let sql = "SELECT value FROM meta WHERE key = ?1";
        let found = self.connection.query_row(sql, [key], |row| row.get(0));
        Ok(found.optional()?)
    }
}

pub(super) fn connect(path: &Path, access: OpenFlags) -> Result<Connection, Fault> {
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
