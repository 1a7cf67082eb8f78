//! The journal for somebody who follows it while it grows: how far each session is, and the next entries.
//!
//! The chains are not walked here: what was there at the start has been looked at, and what came later this
//! process wrote. What it must never know is what an entry means.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::{Damage, entry, last_heads};
use crate::{
    ids::{EventId, SessionId},
    meeting::event::{Recorded, Rev},
    store::Fault,
};

const AFTER: &str = "SELECT rev, body FROM journal WHERE event = ?1 AND chain = ?2 AND rev > ?3
                     ORDER BY rev LIMIT ?4";

/// The last revision of each session, as the event's own chain has it.
pub(in crate::store) fn revs(
    connection: &Connection,
    event: &EventId,
) -> Result<BTreeMap<SessionId, Rev>, Fault> {
    let heads = last_heads(connection, event)?.heads;
    let revs = heads
        .into_iter()
        .map(|(session, head)| (session, Rev(head.rev)));
    Ok(revs.collect())
}

/// The entries that follow one, as many at most.
pub(in crate::store) fn entries_after(
    connection: &Connection,
    (event, session): (&EventId, &SessionId),
    after: Rev,
    most: u32,
) -> Result<Vec<Recorded>, Fault> {
    // No chain is so long: after it there is nothing.
    let place = i64::try_from(after.0).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(AFTER)?;
    let parameters = params![event.as_str(), session.as_str(), place, most];
    let rows = statement.query_map(parameters, |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
    })?;
    let mut entries = Vec::new();
    for row in rows {
        let (rev, body) = row?;
        let read = entry(u64::try_from(rev).unwrap_or(0), &body);
        entries.push(read.map_err(|damage| match damage {
            Damage::Newer => Fault::Newer,
            damage => Fault::Damaged(format!(
                "the journal of {session} of `{event}`, entry {rev}: {damage}"
            )),
        })?);
    }
    Ok(entries)
}
