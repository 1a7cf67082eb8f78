//! The journal: what happened in the sessions, in order, never changed.
//!
//! Every entry is chained to the one before it by a hash (SHA-256 of the earlier hash and the entry's
//! text), one chain a session. With each batch the event's own chain gets an entry that names the
//! heads of all its sessions' chains, so that a chain cut short is noticed too. This file must never
//! know what an entry means.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::Fault;
use crate::{
    ids::{EventId, SessionId},
    meeting::event::{EVENT_VERSION, Recorded, Rev},
    time::Timestamp,
};

/// The event's own chain; no session has this name, for it is no slug.
const EVENT_CHAIN: &str = "";
/// Version of the event chain's entries.
const HEADS_VERSION: u16 = 1;

const INSERT: &str =
    "INSERT INTO journal (event, chain, rev, body, hash) VALUES (?1, ?2, ?3, ?4, ?5)";
const LAST: &str = "SELECT rev, hash, body FROM journal WHERE event = ?1 AND chain = ?2 \
                    ORDER BY rev DESC LIMIT 1";
const WHOLE: &str =
    "SELECT rev, hash, body FROM journal WHERE event = ?1 AND chain = ?2 ORDER BY rev";

type Hash = [u8; 32];

/// What a session's room wants kept: entries that follow one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The session.
    pub session: SessionId,
    /// What happened in it.
    pub entries: Vec<Recorded>,
}

/// Where a chain ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    rev: u64,
    /// In hexadecimal.
    hash: String,
}

/// An entry of the event's own chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Heads {
    v: u16,
    rev: u64,
    at: Timestamp,
    heads: BTreeMap<SessionId, Head>,
}

/// A chain as far as it has been followed.
struct Chain<'a> {
    event: &'a EventId,
    name: &'a str,
    rev: u64,
    hash: Hash,
}

impl<'a> Chain<'a> {
    fn start(event: &'a EventId, name: &'a str) -> Self {
        let genesis = format!("roundtable journal 1 {event}/{name}");
        Self {
            event,
            name,
            rev: 0,
            hash: sha256(&[genesis.as_bytes()]),
        }
    }

    /// The hash of the entry that follows with this text.
    fn next(&self, body: &str) -> Hash {
        sha256(&[&self.hash, body.as_bytes()])
    }

    fn head(&self) -> Head {
        Head {
            rev: self.rev,
            hash: hex(&self.hash),
        }
    }

    fn damaged(&self, what: &str) -> Fault {
        let name = if self.name == EVENT_CHAIN {
            "the event's own journal".to_owned()
        } else {
            format!("the journal of {}", self.name)
        };
        let place = self.rev.saturating_add(1);
        Fault::Damaged(format!("{name} of `{}`, entry {place}: {what}", self.event))
    }

    /// Takes the next entry as it was stored.
    fn follow(&mut self, (rev, hash, body): &Row) -> Result<(), Fault> {
        if u64::try_from(*rev) != Ok(self.rev.saturating_add(1)) {
            return Err(self.damaged("is missing"));
        }
        let expected = self.next(body);
        if hash.as_slice() != expected {
            return Err(self.damaged("is not what was written"));
        }
        self.rev = self.rev.saturating_add(1);
        self.hash = expected;
        Ok(())
    }

    /// Writes the next entry.
    fn append(&mut self, to: &Transaction<'_>, rev: u64, body: &str) -> Result<(), Fault> {
        if rev != self.rev.saturating_add(1) {
            return Err(self.damaged(&format!("entry {rev} was to be written instead")));
        }
        let hash = self.next(body);
        // A session's revisions stay far below what SQLite counts to.
        let place = i64::try_from(rev).map_err(|_| self.damaged("is too far"))?;
        to.prepare_cached(INSERT)?.execute(params![
            self.event.as_str(),
            self.name,
            place,
            body,
            hash.as_slice()
        ])?;
        (self.rev, self.hash) = (rev, hash);
        Ok(())
    }
}

type Row = (i64, Vec<u8>, String);

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

/// Adds the batches to their chains and the new heads to the event's: all or nothing.
pub(super) fn append(
    connection: &mut Connection,
    event: &EventId,
    batches: &[Batch],
) -> Result<(), Fault> {
    let transaction = connection.transaction()?;
    let mut heads = last_heads(&transaction, event)?;
    let mut at = heads.at;
    for batch in batches {
        let mut chain = resume(&transaction, event, batch.session.as_str())?;
        for entry in &batch.entries {
            at = at.max(entry.at);
            chain.append(&transaction, entry.rev.0, &text(entry)?)?;
        }
        heads.heads.insert(batch.session.clone(), chain.head());
    }
    let mut own = resume(&transaction, event, EVENT_CHAIN)?;
    heads.rev = own.rev.saturating_add(1);
    heads.at = at;
    own.append(&transaction, heads.rev, &text(&heads)?)?;
    Ok(transaction.commit()?)
}

/// Everything that happened in a session, in order, with the whole chain checked.
pub(super) fn read(
    connection: &Connection,
    event: &EventId,
    session: &SessionId,
) -> Result<Vec<Recorded>, Fault> {
    let mut chain = Chain::start(event, session.as_str());
    let mut entries = Vec::new();
    let mut statement = connection.prepare(WHOLE)?;
    for row in statement.query_map([event.as_str(), session.as_str()], row)? {
        let row = row?;
        chain.follow(&row)?;
        let entry: Recorded = serde_json::from_str(&row.2)
            .map_err(|why| chain.damaged(&format!("cannot be read: {why}")))?;
        if entry.v > EVENT_VERSION {
            return Err(Fault::Newer);
        }
        if entry.rev != Rev(chain.rev) {
            return Err(chain.damaged("is in the wrong place"));
        }
        entries.push(entry);
    }
    let known = last_heads(connection, event)?.heads.remove(session);
    match known {
        Some(head) if head != chain.head() => Err(chain.damaged(&format!(
            "the event's journal knows of {} entries",
            head.rev
        ))),
        None if chain.rev > 0 => Err(chain.damaged("the event's journal knows of none")),
        Some(_) | None => Ok(entries),
    }
}

/// The chain at its last entry, for more to follow.
fn resume<'a>(
    connection: &Connection,
    event: &'a EventId,
    name: &'a str,
) -> Result<Chain<'a>, Fault> {
    let mut chain = Chain::start(event, name);
    let last = connection
        .prepare_cached(LAST)?
        .query_row([event.as_str(), name], row)
        .optional()?;
    if let Some((rev, hash, _)) = last {
        let damaged = |_| chain.damaged("the chain cannot be continued");
        (chain.rev, chain.hash) = (
            u64::try_from(rev).map_err(|_| chain.damaged("has no place"))?,
            Hash::try_from(hash).map_err(damaged)?,
        );
    }
    Ok(chain)
}

/// What the event's own chain says last; nothing yet where it is empty.
fn last_heads(connection: &Connection, event: &EventId) -> Result<Heads, Fault> {
    let last = connection
        .prepare_cached(LAST)?
        .query_row([event.as_str(), EVENT_CHAIN], row)
        .optional()?;
    let Some((_, _, body)) = last else {
        return Ok(Heads {
            v: HEADS_VERSION,
            rev: 0,
            at: Timestamp(0),
            heads: BTreeMap::new(),
        });
    };
    let heads: Heads = serde_json::from_str(&body)
        .map_err(|why| Fault::Damaged(format!("the event's own journal: {why}")))?;
    if heads.v > HEADS_VERSION {
        return Err(Fault::Newer);
    }
    Ok(heads)
}

fn text(entry: &impl Serialize) -> Result<String, Fault> {
    serde_json::to_string(entry)
        .map_err(|why| Fault::Damaged(format!("an entry cannot be written: {why}")))
}

fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = Hash::default();
    // SHA-256 gives as many bytes as `Hash` has.
    for (to, from) in hash.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    hash
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::MemberId,
        meeting::Event,
        programme::{MODEL_EVENT, parse},
        store::{Reading, Store},
    };

    const SESSION: &str = "session-1";

    fn session(name: &str) -> SessionId {
        name.parse().expect("a slug")
    }

    fn event() -> EventId {
        "nartt-2020".parse().expect("a slug")
    }

    /// Entries from one revision to another.
    fn entries(revs: std::ops::RangeInclusive<u64>) -> Vec<Recorded> {
        let member: MemberId = "indonesia-1".parse().expect("a slug");
        revs.map(|rev| Recorded {
            v: EVENT_VERSION,
            rev: Rev(rev),
            at: Timestamp(1000 + i64::try_from(rev).expect("small")),
            event: Event::FloorRequested {
                member: member.clone(),
            },
        })
        .collect()
    }

    fn batch(name: &str, revs: std::ops::RangeInclusive<u64>) -> Batch {
        Batch {
            session: session(name),
            entries: entries(revs),
        }
    }

    fn filled() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        let programme = parse(MODEL_EVENT).unwrap_or_else(|problems| panic!("{problems:#?}"));
        store.import(&programme, Timestamp(0)).expect("imported");
        store
            .append(
                &event(),
                &[batch(SESSION, 1..=3), batch("session-2", 1..=1)],
            )
            .expect("kept");
        store
            .append(&event(), &[batch(SESSION, 4..=5)])
            .expect("kept");
        (folder, store)
    }

    fn kept(store: &Store, name: &str) -> Result<Vec<Recorded>, String> {
        let journal = store.reading().journal(&event(), &session(name));
        journal.map_err(|why| why.to_string())
    }

    #[test]
    fn what_happened_is_read_back_in_order_by_the_next_process_too() {
        let (folder, store) = filled();
        assert_eq!(kept(&store, SESSION), Ok(entries(1..=5)));
        drop(store);
        let mut store = Store::open(folder.path()).expect("the store");
        store
            .append(&event(), &[batch("session-2", 2..=2)])
            .expect("kept");
        assert_eq!(kept(&store, SESSION), Ok(entries(1..=5)));
        assert_eq!(kept(&store, "session-2"), Ok(entries(1..=2)));
        assert_eq!(kept(&store, "session-3"), Ok(Vec::new()));
        let reader = Reading::open(folder.path()).expect("a reader");
        let read = reader.journal(&event(), &session(SESSION)).expect("read");
        assert_eq!(read, entries(1..=5));
    }

    #[test]
    fn an_entry_is_written_once_and_in_its_place_or_nothing_is() {
        let (_folder, mut store) = filled();
        for revs in [5..=5, 7..=7, 6..=8] {
            let mut wrong = batch(SESSION, revs.clone());
            wrong.entries.dedup_by_key(|entry| entry.rev.0 / 2);
            let both = [batch("session-2", 2..=2), wrong];
            if revs == (6..=8) {
                assert_eq!(both[1].entries.len(), 2, "a hole");
            }
            let refused = store.append(&event(), &both).err();
            assert!(matches!(refused, Some(Fault::Damaged(_))), "{refused:?}");
        }
        assert_eq!(kept(&store, SESSION), Ok(entries(1..=5)));
        assert_eq!(kept(&store, "session-2"), Ok(entries(1..=1)));
    }

    #[test]
    fn whatever_is_changed_afterwards_is_noticed_and_named() {
        for (change, said) in [
            (
                "UPDATE journal SET body = replace(body, 'indonesia', 'malaysia')
                 WHERE chain = 'session-1' AND rev = 2",
                "journal of session-1 of `nartt-2020`, entry 2: is not what was written",
            ),
            (
                "DELETE FROM journal WHERE chain = 'session-1' AND rev = 3",
                "entry 3: is missing",
            ),
            (
                "DELETE FROM journal WHERE chain = 'session-1' AND rev >= 4",
                "entry 4: the event's journal knows of 5 entries",
            ),
            (
                "DELETE FROM journal WHERE chain = 'session-1'",
                "entry 1: the event's journal knows of 5 entries",
            ),
            (
                "DELETE FROM journal WHERE chain = ''",
                "the event's journal knows of none",
            ),
            (
                "UPDATE journal SET rev = 9 WHERE chain = 'session-1' AND rev = 5",
                "entry 5: is missing",
            ),
        ] {
            let (_folder, store) = filled();
            let changed = store.reading.connection().execute(change, []);
            assert!(changed.expect("changed") > 0, "{change}");
            let why = kept(&store, SESSION).expect_err(change);
            assert!(why.contains(said), "{change}: {why}");
        }
    }
}
